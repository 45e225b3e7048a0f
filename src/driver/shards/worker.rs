//! The inside of a shard: a thread with a machine, a queue and a sink.
//!
//! It works in turns. A turn performs jobs, seals, gives the batches to the sink, tells the machine
//! that they are durable, gives the outputs that waited for it to the sink, and answers then. The
//! machine is the thread's own: no lock is taken on the way of a message.
//!
//! Clauses: SHARD-4, SHARD-6, SHARD-7, SHARD-8, SHARD-9.

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, OnceLock};

use super::error::ShardError;
use super::{SHARD_TURN_MAX, Sink};
use crate::machine::{Accepted, Batch, Input, Machine, Output, Refusal, Tick};

/// What the machine said to the inputs of a job, in their order.
pub(super) type Answers = Vec<Result<Accepted, Refusal>>;

/// What stands in the queue of a shard.
pub(super) enum Job {
    /// Inputs, in order; answered when what they came to is kept.
    Inputs(Vec<(Tick, Input)>, SyncSender<Answers>),
    /// Work of the host, which answers by itself.
    Work(Box<dyn FnOnce(&mut Machine) + Send>),
    /// No job behind this one is performed.
    Stop,
}

/// What a shard shows to everybody.
pub(super) struct Shown {
    /// The machine's next timer; `u64::MAX` for none.
    timeout: AtomicU64,
    /// Why it performs no more jobs.
    ended: OnceLock<ShardError>,
}

impl Shown {
    pub(super) fn of(machine: &Machine) -> Self {
        let shown = Self { timeout: AtomicU64::new(0), ended: OnceLock::new() };
        shown.note(machine);
        shown
    }

    /// SHARD-7: shows the machine's next timer.
    pub(super) fn note(&self, machine: &Machine) {
        let at = machine.poll_timeout().map_or(u64::MAX, |tick| tick.0);
        self.timeout.store(at, Ordering::Release);
    }

    pub(super) fn poll_timeout(&self) -> Option<Tick> {
        let at = self.timeout.load(Ordering::Acquire);
        (at != u64::MAX).then_some(Tick(at))
    }

    /// Why it performs no more jobs, as soon as it performs none.
    pub(super) fn ended(&self) -> Option<&ShardError> {
        self.ended.get()
    }

    /// As [`ended`](Self::ended), for somebody whose job was dropped. When work panics, its caller
    /// is woken while the panic is still on its way to where it is caught, and waits here.
    pub(super) fn wait_ended(&self) -> ShardError {
        self.ended.wait().clone()
    }

    fn end(&self, why: ShardError) {
        self.timeout.store(u64::MAX, Ordering::Release);
        // It ends once.
        let _ = self.ended.set(why);
    }
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// SHARD-8: whether this thread is a shard's.
pub(super) fn is_inside() -> bool {
    INSIDE.get()
}

/// See the module.
pub(super) struct Worker<S> {
    pub(super) shard: usize,
    pub(super) machine: Machine,
    pub(super) sink: S,
    pub(super) queue: Receiver<Job>,
    pub(super) shown: Arc<Shown>,
    /// Answers that wait for the end of the turn.
    pub(super) answers: Vec<(SyncSender<Answers>, Answers)>,
    /// Batches that are to be made durable together.
    pub(super) batches: Vec<Batch>,
}

impl<S: Sink> Worker<S> {
    /// Works until there is nothing more to come, or something fails.
    pub(super) fn run(mut self) {
        INSIDE.set(true);
        // The machine is looked at no more behind a panic: it may have stopped half-way.
        let done = catch_unwind(AssertUnwindSafe(|| self.work()));
        let shard = self.shard;
        // SHARD-6: why is known before the queue goes, and with it the jobs and answers in it:
        // whoever waits for them is woken by that, and asks why.
        match done {
            Ok(Ok(())) => self.shown.end(ShardError::ShutDown),
            Ok(Err(error)) => self.shown.end(ShardError::Sink { shard, error: Arc::new(error) }),
            Err(panic) => {
                let reason = said(panic.as_ref()).into();
                self.shown.end(ShardError::Failed { shard, reason });
            }
        }
    }

    fn work(&mut self) -> io::Result<()> {
        while let Ok(first) = self.queue.recv() {
            let (mut next, mut room) = (Some(first), SHARD_TURN_MAX);
            let mut goes_on = true;
            while let Some(job) = next {
                let took = match job {
                    Job::Inputs(inputs, to) => self.handle(inputs, to),
                    Job::Work(work) => {
                        work(&mut self.machine);
                        1
                    }
                    Job::Stop => {
                        goes_on = false;
                        break;
                    }
                };
                room = room.saturating_sub(took);
                next = if room > 0 { self.queue.try_recv().ok() } else { None };
            }
            self.keep()?;
            self.shown.note(&self.machine);
            // SHARD-4: only now. Who asked waits, or is gone with its thread.
            for (to, answers) in self.answers.drain(..) {
                let _ = to.send(answers);
            }
            if !goes_on {
                break;
            }
        }
        Ok(())
    }

    fn handle(&mut self, inputs: Vec<(Tick, Input)>, to: SyncSender<Answers>) -> usize {
        let machine = &mut self.machine;
        let answers: Answers =
            inputs.into_iter().map(|(now, input)| machine.handle(now, input)).collect();
        let took = answers.len();
        self.answers.push((to, answers));
        took
    }

    /// Law 4: makes durable what was recorded, then lets out what waited for it.
    fn keep(&mut self) -> io::Result<()> {
        loop {
            self.machine.seal();
            while let Some(output) = self.machine.poll() {
                match output {
                    Output::Persist(batch) => self.batches.push(batch),
                    output => self.sink.output(output),
                }
            }
            if self.batches.is_empty() {
                return Ok(());
            }
            self.sink.persist(&self.batches)?;
            for batch in self.batches.drain(..) {
                let upto = batch.first + u64::from(batch.count);
                let persisted = Input::Persisted { session: batch.session, upto };
                // The machine's time is later than this and stays; but what was set to a time that
                // had passed runs out now, and is kept in the next round. Nothing waits in a
                // session that a job took away.
                let _ = self.machine.handle(Tick(0), persisted);
            }
        }
    }
}

/// What a panic says.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it panicked")
}
