//! The thread of one node.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot};

use super::Door;
use super::way::Way;
use crate::driver::{Node, NodeError, Part};
use crate::journal::{Journal, JournalError};
use crate::machine::{Accepted, Capability, Input, Machine, Open, Presented, SessionId, Tick};
use crate::resume::server::Connection;
use crate::types::{Protocol, RoleIx};
use crate::wire::frame::Frame;
use crate::wire::payload::Form;

/// After how many frames and other jobs a turn ends.
const TURN_MAX: usize = 1024;

/// How long clients have to hear the last word.
const GOODBYE: Duration = Duration::from_secs(2);

/// What is done with a node, and what answers when that is kept.
pub(super) type Work = Box<dyn FnOnce(&mut dyn Door) -> Box<dyn FnOnce() + Send> + Send>;

/// Serves a connection until it ends.
pub(super) type Serve = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a shard is asked.
pub(super) enum Job {
    Connected {
        connection: Connection,
        form: Form,
        way: Way,
    },
    /// At least one.
    Frames(Connection, Vec<Frame>),
    Lost(Connection),
    Work(Work),
    /// A connection that is served on the shard's own thread.
    Serve(Serve),
    Stop(oneshot::Sender<()>),
}

impl Job {
    /// How many jobs it counts for.
    fn weight(&self) -> usize {
        match self {
            Self::Frames(_, frames) => frames.len(),
            _ => 1,
        }
    }
}

/// The time: it goes on from that of the system, and does not run back while the process lives.
pub(super) struct Clock {
    start: Instant,
    base: Tick,
}

impl Clock {
    pub(super) fn system() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { start: Instant::now(), base: Tick(0).after(since) }
    }

    pub(super) fn now(&self) -> Tick {
        self.base.after(self.start.elapsed())
    }

    fn until(&self, tick: Tick) -> Duration {
        Duration::from_millis(tick.0.saturating_sub(self.now().0))
    }
}

/// The host's door, at one moment.
struct At<'a, J> {
    node: &'a mut Node<J>,
    now: Tick,
}

impl<J: Journal> Door for At<'_, J> {
    fn register(&mut self, protocol: &Arc<Protocol>) {
        self.node.register(protocol);
    }

    fn open(&mut self, open: Open) -> Result<Capability, NodeError> {
        self.node.open(self.now, open)
    }

    fn invite(
        &mut self,
        by: &Presented,
        role: RoleIx,
        expires_in: Duration,
    ) -> Result<String, NodeError> {
        self.node.invite(self.now, by, role, expires_in)
    }

    fn play(
        &mut self,
        session: SessionId,
        role: RoleIx,
        part: Box<dyn Part>,
    ) -> Result<(), NodeError> {
        self.node.play(session, role, part)
    }

    fn handle(&mut self, input: Input) -> Result<Accepted, NodeError> {
        self.node.handle(self.now, input)
    }

    fn machine(&self) -> &Machine {
        self.node.machine()
    }
}

/// Works until it is told to stop, or a commit fails.
pub(super) fn run<J: Journal>(
    node: Node<J>,
    clock: Clock,
    jobs: mpsc::Receiver<Job>,
    ended: &Mutex<Option<Arc<str>>>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let why = match runtime {
        Ok(runtime) => runtime.block_on(Shard::new(node, clock, jobs).work()).err(),
        Err(error) => Some(JournalError::from(error).into()),
    };
    if let Some(why) = why {
        let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.get_or_insert(why.to_string().into());
    }
}

struct Shard<J> {
    node: Node<J>,
    clock: Clock,
    jobs: mpsc::Receiver<Job>,
    ways: HashMap<Connection, Way>,
    /// Those that are served here hold one each.
    served: Arc<()>,
    answers: Vec<Box<dyn FnOnce() + Send>>,
}

impl<J: Journal> Shard<J> {
    fn new(node: Node<J>, clock: Clock, jobs: mpsc::Receiver<Job>) -> Self {
        Self {
            node,
            clock,
            jobs,
            ways: HashMap::new(),
            served: Arc::default(),
            answers: Vec::new(),
        }
    }

    async fn work(mut self) -> Result<(), NodeError> {
        // It is set anew only where something else is due.
        let sleep = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(sleep);
        let mut set = None;
        loop {
            let due = self.node.poll_timeout();
            if set != Some(due) {
                let wait = due.map_or(Duration::from_secs(3600), |due| self.clock.until(due));
                sleep.as_mut().reset(tokio::time::Instant::now() + wait);
                set = Some(due);
            }
            let first = tokio::select! {
                biased;
                job = self.jobs.recv() => match job {
                    Some(job) => Some(job),
                    None => return Ok(()),
                },
                () = &mut sleep => {
                    set = None;
                    None
                }
            };
            let (now, mut stop) = (self.clock.now(), None);
            let mut next = first;
            let mut room = TURN_MAX;
            while let Some(job) = next {
                if let Job::Stop(done) = job {
                    stop = Some(done);
                    break;
                }
                room = room.saturating_sub(job.weight());
                self.handle(now, job);
                next = if room > 0 { self.jobs.try_recv().ok() } else { None };
            }
            // HUB-4: one commit for all of it; nothing is answered before.
            self.node.turn(now)?;
            self.send(now);
            self.answers.drain(..).for_each(|answer| answer());
            if let Some(done) = stop {
                // Nobody waits for room in its queue any more.
                self.jobs.close();
                // Who asked may be gone.
                let _ = done.send(());
                self.goodbye().await;
                return Ok(());
            }
        }
    }

    fn handle(&mut self, now: Tick, job: Job) {
        match job {
            Job::Connected { connection, form, way } => {
                self.ways.insert(connection, way);
                self.node.connected(connection, form);
            }
            Job::Frames(from, frames) => {
                frames.into_iter().for_each(|frame| self.node.frame(now, from, frame));
            }
            Job::Lost(connection) => {
                self.ways.remove(&connection);
                self.node.lost(now, connection);
            }
            Job::Serve(connection) => {
                let is_served = Arc::clone(&self.served);
                tokio::spawn(async move {
                    connection.await;
                    drop(is_served);
                });
            }
            Job::Work(work) => {
                let mut at = At { node: &mut self.node, now };
                self.answers.push(work(&mut at));
            }
            Job::Stop(_) => {}
        }
    }

    /// HUB-5: gives each connection what it is to send. One that is too far behind is given up: its
    /// client comes again, and gets all of it.
    fn send(&mut self, now: Tick) {
        while let Some((to, frame)) = self.node.poll() {
            let Some(way) = self.ways.get(&to) else { continue };
            if way.push(frame).is_err() {
                self.ways.remove(&to);
                self.node.lost(now, to);
            }
        }
    }

    /// Lets those who are served here hear the last word.
    async fn goodbye(&mut self) {
        let end = tokio::time::Instant::now() + GOODBYE;
        while Arc::strong_count(&self.served) > 1 && tokio::time::Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::NodeOptions;
    use crate::journal::MemoryJournal;
    use crate::machine::{Capacities, OnLost, Owner};
    use crate::wire::seal::{Key, Keys};

    const TEXT: &str = "A = B!x . end   B = A?x . end";
    const HOUR: Duration = Duration::from_secs(3600);

    /// SERV-8: of a connection that was lost nothing is left, attached or not.
    #[test]
    fn a_lost_connection_leaves_nothing_behind() {
        let keys = Keys::new(Key::new(1, [7; 32]), None).unwrap();
        let clock = Clock::system();
        let mut node =
            Node::start(MemoryJournal::default(), keys, NodeOptions::default(), clock.now())
                .unwrap()
                .0;
        let protocol: Arc<Protocol> = Arc::new(TEXT.parse().unwrap());
        let open = Open {
            session: SessionId(7),
            protocol: node.register(&protocol),
            owner: Owner::new("host").unwrap(),
            capacities: Capacities::default(),
            policies: Vec::new(),
            journal: true,
            on_lost: OnLost::default(),
        };
        let now = clock.now();
        let all = node.open(now, open).unwrap();
        let token = node.invite(now, all.present(), RoleIx(0), HOUR).unwrap();
        let mut shard = Shard::new(node, clock, mpsc::channel(1).1);
        for number in 0..100 {
            let connection = Connection(number);
            let way = Way::default();
            shard.handle(now, Job::Connected { connection, form: Form::Json, way: way.clone() });
            // Of one connection the role is attached, to the others it is refused.
            let (token, owner) = (token.as_str().into(), format!("{number}").into());
            let attach = Frame::Attach { ep: 0, token, owner, role: None };
            shard.handle(now, Job::Frames(connection, vec![attach]));
            shard.node.turn(now).unwrap();
            shard.send(now);
            assert!(way.is_waiting(), "it is answered");
        }
        assert_eq!((shard.ways.len(), shard.node.attached_len()), (100, 1));
        for number in 0..100 {
            shard.handle(now, Job::Lost(Connection(number)));
        }
        shard.node.turn(now).unwrap();
        assert_eq!((shard.ways.len(), shard.node.attached_len()), (0, 0));
        // What comes over one of them still is from nobody.
        shard.handle(now, Job::Frames(Connection(0), vec![Frame::Ping { t: 1 }]));
        shard.node.turn(now).unwrap();
        assert!(shard.node.poll().is_none());
    }
}
