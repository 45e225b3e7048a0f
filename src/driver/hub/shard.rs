//! The thread of one node.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::{Notify, mpsc, oneshot};

use super::{BYTES_MAX, Door};
use crate::driver::{Node, NodeError};
use crate::journal::{Journal, JournalError};
use crate::machine::{Accepted, Capability, Input, Machine, Open, Presented, Tick};
use crate::resume::server::Connection;
use crate::types::{Protocol, RoleIx};
use crate::wire::frame::Frame;
use crate::wire::payload::Form;

/// After how many jobs a turn ends.
const TURN_MAX: usize = 1024;

/// What is done with a node, and what answers when that is kept.
pub(super) type Work = Box<dyn FnOnce(&mut dyn Door) -> Box<dyn FnOnce() + Send> + Send>;

/// What a shard is asked.
pub(super) enum Job {
    Connected { connection: Connection, form: Form, out: Out },
    Frame(Connection, Frame),
    Lost(Connection),
    Work(Work),
    Stop(oneshot::Sender<()>),
}

/// The way to a client.
#[derive(Clone)]
pub(super) struct Out {
    /// Each with what it weighs.
    pub(super) frames: mpsc::Sender<(usize, Frame)>,
    /// How many bytes of messages wait.
    pub(super) bytes: Arc<AtomicUsize>,
    /// The connection is given up.
    pub(super) given_up: Arc<Notify>,
}

/// About how many bytes a frame takes.
fn weight(frame: &Frame) -> usize {
    match frame {
        Frame::Msg { value, .. } => 64 + value.size(),
        Frame::Ok { r#type, .. } => 256 + r#type.len(),
        _ => 64,
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
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
    outs: HashMap<Connection, Out>,
    answers: Vec<Box<dyn FnOnce() + Send>>,
}

impl<J: Journal> Shard<J> {
    fn new(node: Node<J>, clock: Clock, jobs: mpsc::Receiver<Job>) -> Self {
        Self { node, clock, jobs, outs: HashMap::new(), answers: Vec::new() }
    }

    async fn work(mut self) -> Result<(), NodeError> {
        loop {
            let wait = self.node.poll_timeout().map(|due| self.clock.until(due));
            let wait = wait.unwrap_or(Duration::from_secs(3600));
            let first = tokio::select! {
                job = self.jobs.recv() => match job {
                    Some(job) => Some(job),
                    None => return Ok(()),
                },
                () = tokio::time::sleep(wait) => None,
            };
            let (now, mut stop) = (self.clock.now(), None);
            let mut next = first;
            let mut room = TURN_MAX;
            while let Some(job) = next {
                if let Job::Stop(done) = job {
                    stop = Some(done);
                    break;
                }
                self.handle(now, job);
                room -= 1;
                next = if room > 0 { self.jobs.try_recv().ok() } else { None };
            }
            // HUB-4: one commit for all of it; nothing is answered before.
            self.node.turn(now)?;
            self.send(now);
            self.answers.drain(..).for_each(|answer| answer());
            if let Some(done) = stop {
                self.goodbye();
                // Who asked may be gone.
                let _ = done.send(());
                return Ok(());
            }
        }
    }

    fn handle(&mut self, now: Tick, job: Job) {
        match job {
            Job::Connected { connection, form, out } => {
                self.outs.insert(connection, out);
                self.node.connected(connection, form);
            }
            Job::Frame(from, frame) => self.node.frame(now, from, frame),
            Job::Lost(connection) => {
                self.outs.remove(&connection);
                self.node.lost(now, connection);
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
            let Some(out) = self.outs.get(&to) else { continue };
            let weight = weight(&frame);
            let waiting = out.bytes.fetch_add(weight, Ordering::Relaxed);
            let is_behind = waiting > 0 && waiting + weight > BYTES_MAX;
            if is_behind || out.frames.try_send((weight, frame)).is_err() {
                out.given_up.notify_one();
                self.outs.remove(&to);
                self.node.lost(now, to);
            }
        }
    }

    fn goodbye(&mut self) {
        for out in self.outs.values() {
            // Who takes nothing any more hears nothing.
            let _ = out.frames.try_send((0, Frame::Bye { reason: "shutdown".into() }));
        }
    }
}
