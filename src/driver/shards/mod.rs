//! Several machines on several cores, behind one handle.
//!
//! A machine knows one thread, so that its messages meet no lock. [`Shards`] has one machine a
//! thread; the id of a session says in which one it is ([`shard_of`]), it never goes to another,
//! and no step touches two sessions. Since a journal belongs to a session, another number of shards
//! gives the same records, and takes over the same journals.
//!
//! Clauses: SHARD-1 to SHARD-9.

mod error;
mod place;
mod shard;
mod sink;
mod worker;

use std::fmt;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

pub use error::{ShardError, StartError};
pub use place::shard_of;
pub use sink::{NotKept, Sink};

use crate::machine::{Accepted, Input, Machine, SessionId, Tick};
use crate::types::{Protocol, ProtocolDigest};
use shard::{Asked, Chunk, Enqueue, Shard};
use worker::{Job, Shown, Worker, is_inside};

/// How many shards there are at most.
pub const SHARDS_MAX: usize = 256;

/// How many jobs the queue of a shard holds.
pub const SHARD_QUEUE_MAX: usize = 256;

/// After how many inputs or other jobs a turn of a shard ends, and they are answered.
pub const SHARD_TURN_MAX: usize = 1024;

/// How many inputs of a batch are one job.
pub const SHARD_CHUNK_MAX: usize = 256;

/// The handle. When its last clone goes, the shards perform what was asked, and end.
///
/// ```
/// use std::sync::Arc;
/// use antiphon::Protocol;
/// use antiphon::driver::Shards;
/// use antiphon::machine::*;
///
/// let echo: Arc<Protocol> =
///     Arc::new("A = B!say(nat) . end   B = A?say(nat) . end".parse::<Protocol>()?);
/// let shards = Shards::new(2)?;
/// let protocol = shards.register(&echo)?;
/// let open = Open {
///     session: SessionId(7),
///     protocol,
///     owner: Owner::new("host")?,
///     capacities: Capacities::default(),
///     policies: Vec::new(),
///     journal: true,
///     on_lost: OnLost::default(),
/// };
/// let Accepted::Opened(all) = shards.submit(Tick(0), Input::Open(open))? else { unreachable!() };
/// let (role, to) = (echo.role("A").unwrap(), echo.role("B").unwrap());
/// let label = echo.label("say").unwrap();
/// let act = Act::Send(Send { role, to, label, value: 41_u64.into(), at: None });
/// let sent = shards.submit(Tick(1), Input::Act { by: all.present().clone(), act })?;
/// assert_eq!(sent, Accepted::Sent { seq: Seq(0), position: Position(1) });
/// let waiting = shards.with(SessionId(7), |machine| {
///     let session = machine.session(SessionId(7)).unwrap();
///     session.edges().map(|edge| edge.messages().len()).sum::<usize>()
/// })?;
/// assert_eq!(waiting, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Shards {
    all: Arc<All>,
}

struct All {
    shards: Vec<Shard>,
    /// Taken once, to wait for them at the end.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Shards {
    /// Shards that keep nothing.
    ///
    /// # Errors
    /// [`StartError::Count`], [`StartError::Thread`].
    pub fn new(count: usize) -> Result<Self, StartError> {
        Self::of(count, |_| (Machine::new(), NotKept))
    }

    /// Shards of which each begins with the machine and the sink that `make` gives it: a machine
    /// that is observed, that knows protocols, that has the sessions of journals.
    ///
    /// # Errors
    /// A [`StartError`].
    pub fn of<S: Sink + 'static>(
        count: usize,
        mut make: impl FnMut(usize) -> (Machine, S),
    ) -> Result<Self, StartError> {
        if !(1..=SHARDS_MAX).contains(&count) {
            return Err(StartError::Count(count));
        }
        let mut all = All { shards: Vec::new(), threads: Mutex::default() };
        for index in 0..count {
            let (machine, sink) = make(index);
            for session in machine.session_ids() {
                let belongs = shard_of(session, count);
                if belongs != index {
                    return Err(StartError::Misplaced { session, shard: index, belongs });
                }
            }
            let (queue, jobs) = sync_channel(SHARD_QUEUE_MAX);
            let shown = Arc::new(Shown::of(&machine));
            let worker = Worker {
                shard: index,
                machine,
                sink,
                queue: jobs,
                shown: Arc::clone(&shown),
                answers: Vec::new(),
                batches: Vec::new(),
            };
            let thread = Builder::new().name(format!("shard {index}"));
            let thread = thread.spawn(move || worker.run())?;
            all.threads.get_mut().unwrap_or_else(PoisonError::into_inner).push(thread);
            all.shards.push(Shard { index, queue, shown });
        }
        Ok(Self { all: Arc::new(all) })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.all.shards.len()
    }

    /// The shard of a session.
    #[must_use]
    pub fn shard_of(&self, session: SessionId) -> usize {
        shard_of(session, self.count())
    }

    /// Why a shard performs nothing more; `None` while it works.
    #[must_use]
    pub fn failure(&self, shard: usize) -> Option<&ShardError> {
        self.all.shards.get(shard)?.shown.ended()
    }

    /// SHARD-7: when some machine next wants to be told the time; what was answered has been taken
    /// into account. A shard that failed wants nothing.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        self.all.shards.iter().filter_map(|shard| shard.shown.poll_timeout()).min()
    }

    /// Makes a protocol known to all machines. A shard that failed is left out.
    ///
    /// # Errors
    /// Every shard has ended; [`ShardError::Inside`].
    pub fn register(&self, protocol: &Arc<Protocol>) -> Result<ProtocolDigest, ShardError> {
        let known = self.each(|_| {
            let protocol = Arc::clone(protocol);
            move |machine| machine.register(&protocol)
        })?;
        // As many as there are shards, of which there is one.
        known.into_iter().reduce(Result::or).unwrap_or(Err(ShardError::ShutDown))
    }

    /// Tells all machines the time. When this returns, the timers that were due have run out, and
    /// all that was done before is kept. A shard that failed is left out.
    ///
    /// # Errors
    /// Every shard has ended; [`ShardError::Inside`].
    pub fn tick(&self, now: Tick) -> Result<(), ShardError> {
        self.submit(now, Input::Tick).map(drop)
    }

    /// Applies one input in the shard of its session, and answers when that is kept. Waits for room
    /// in the queue. [`Input::Tick`] goes to all shards.
    ///
    /// # Errors
    /// A [`ShardError`], but `Full`.
    pub fn submit(&self, now: Tick, input: Input) -> Result<Accepted, ShardError> {
        self.one(now, input, Shard::send)
    }

    /// As [`submit`](Self::submit), and [`ShardError::Full`] instead of waiting for room.
    ///
    /// # Errors
    /// A [`ShardError`].
    pub fn try_submit(&self, now: Tick, input: Input) -> Result<Accepted, ShardError> {
        self.one(now, input, Shard::try_send)
    }

    fn one(&self, now: Tick, input: Input, send: Enqueue) -> Result<Accepted, ShardError> {
        let answer = self.many(vec![(now, input)], send).pop();
        answer.unwrap_or(Err(ShardError::ShutDown))
    }

    /// Applies many inputs, those of each session in the order in which they stand here, and
    /// answers in that order when all of them are kept. Waits for room in the queues.
    #[must_use = "it holds what was refused"]
    pub fn submit_batch(&self, inputs: Vec<(Tick, Input)>) -> Vec<Result<Accepted, ShardError>> {
        self.many(inputs, Shard::send)
    }

    /// SHARD-3: one queue a shard and one thread behind it: what is sent in order is done in order.
    fn many(&self, inputs: Vec<(Tick, Input)>, send: Enqueue) -> Vec<Answer> {
        if is_inside() {
            return inputs.iter().map(|_| Err(ShardError::Inside)).collect();
        }
        let mut chunks: Vec<Chunk> = self.all.shards.iter().map(|_| Chunk::default()).collect();
        let mut answers: Vec<Option<Answer>> = Vec::new();
        answers.resize_with(inputs.len(), || None);
        let mut asked = Vec::new();
        let mut put = |shard: usize, place: usize, input: (Tick, Input)| {
            let chunk = &mut chunks[shard];
            chunk.places.push(place);
            chunk.inputs.push(input);
            if chunk.inputs.len() == SHARD_CHUNK_MAX {
                asked.push(self.all.shards[shard].ask(std::mem::take(chunk), send));
            }
        };
        for (place, (now, input)) in inputs.into_iter().enumerate() {
            match input.session().map(|session| self.shard_of(session)) {
                _ if matches!(input, Input::Persisted { .. }) => {
                    answers[place] = Some(Err(ShardError::SinkOnly));
                }
                Some(shard) => put(shard, place, (now, input)),
                None => (0..self.count()).for_each(|shard| put(shard, place, (now, Input::Tick))),
            }
        }
        for (shard, chunk) in self.all.shards.iter().zip(chunks) {
            if !chunk.inputs.is_empty() {
                asked.push(shard.ask(chunk, send));
            }
        }
        for (places, asked) in asked {
            match asked.and_then(Asked::wait) {
                Ok(said) => {
                    for (place, said) in places.into_iter().zip(said) {
                        merge(&mut answers[place], said.map_err(ShardError::Refused));
                    }
                }
                Err(error) => {
                    places.iter().for_each(|at| merge(&mut answers[*at], Err(error.clone())));
                }
            }
        }
        let none = || Err(ShardError::ShutDown);
        answers.into_iter().map(|answer| answer.unwrap_or_else(none)).collect()
    }

    /// Does work with the machine of a session's shard, inside the shard; returns what it gives.
    ///
    /// This is the host's own door: it answers at once, before what was done is kept. What must not
    /// be shown before (law 4) the host shows when a [`submit`](Self::submit) or a
    /// [`tick`](Self::tick) behind it has returned. The outputs go to the sink as always.
    ///
    /// # Errors
    /// A [`ShardError`], but `Full` and `Refused`.
    pub fn with<T: Send + 'static>(
        &self,
        session: SessionId,
        work: impl FnOnce(&mut Machine) -> T + Send + 'static,
    ) -> Result<T, ShardError> {
        if is_inside() {
            return Err(ShardError::Inside);
        }
        self.all.shards[self.shard_of(session)].work(work)?.wait()
    }

    /// Does the work that `make` gives each shard in all of them at once, as [`with`](Self::with);
    /// what each of them says.
    ///
    /// # Errors
    /// [`ShardError::Inside`].
    pub fn each<T: Send + 'static, W: FnOnce(&mut Machine) -> T + Send + 'static>(
        &self,
        mut make: impl FnMut(usize) -> W,
    ) -> Result<Vec<Result<T, ShardError>>, ShardError> {
        if is_inside() {
            return Err(ShardError::Inside);
        }
        let asked: Vec<_> =
            self.all.shards.iter().map(|shard| shard.work(make(shard.index))).collect();
        Ok(asked.into_iter().map(|asked| asked.and_then(Asked::wait)).collect())
    }

    /// SHARD-9: ends all shards when they have done and answered what was asked before, and waits
    /// for them. Clones of the handle are refused from then on.
    ///
    /// # Errors
    /// Why a shard had failed before; [`ShardError::Inside`].
    pub fn shutdown(&self) -> Result<(), ShardError> {
        if is_inside() {
            return Err(ShardError::Inside);
        }
        // Whoever comes second waits for the first.
        let mut threads = self.all.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for shard in &self.all.shards {
            // A shard that has ended takes no jobs.
            let _ = shard.queue.send(Job::Stop);
        }
        join(&mut threads);
        let ends = self.all.shards.iter().filter_map(|shard| shard.shown.ended());
        let mut failures = ends.filter(|end| !matches!(end, ShardError::ShutDown));
        failures.next().map_or(Ok(()), |failure| Err(failure.clone()))
    }
}

/// What is said to one input.
type Answer = Result<Accepted, ShardError>;

/// Of what several shards say to one input that all were told: a full queue counts most, because
/// its shard was not told; then what was done, because a shard that failed is left out.
fn merge(answer: &mut Option<Answer>, said: Answer) {
    let rank = |answer: &Answer| match answer {
        Err(ShardError::Full { .. }) => 2,
        Ok(_) => 1,
        Err(_) => 0,
    };
    if answer.as_ref().is_none_or(|answer| rank(&said) > rank(answer)) {
        *answer = Some(said);
    }
}

fn join(threads: &mut Vec<JoinHandle<()>>) {
    for thread in threads.drain(..) {
        // Why it ended is told elsewhere.
        let _ = thread.join();
    }
}

impl Drop for All {
    fn drop(&mut self) {
        // Without senders the queues end behind what is in them.
        self.shards.clear();
        // A job that held the last handle would wait for its own thread; that ends by itself.
        if !is_inside() {
            join(self.threads.get_mut().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl fmt::Debug for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shards({})", self.count())
    }
}
