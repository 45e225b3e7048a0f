//! Nodes in threads of their own, and the connections that come to them.
//!
//! A [`Hub`] has one [`Node`] a shard, all with one journal. Whatever comes while
//! a shard commits is the next turn of it, so that a disk is waited for once for all of it.
//! Everything that waits has a bound: a shard that is behind takes no more frames, and a client
//! that reads nothing loses its connection, and nothing else.
//!
//! Clauses: HUB-1 to HUB-8.

mod connection;
mod shard;
mod way;

use std::num::{NonZeroU32, NonZeroU64};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use smol_str::SmolStr;
use tokio::sync::{mpsc, oneshot, watch};

use super::recover::Report;
use super::shards::{SHARDS_MAX, shard_of};
use super::snapshots::SNAPSHOT_EVERY;
use super::{Node, NodeError, NodeOptions, Part};
use crate::journal::{GroupJournal, Journal, JournalError};
use crate::machine::{Capability, Capacities, OnLost, Open, Owner, Presented, SessionId};
use crate::resume::Heartbeat;
use crate::resume::server::ServerOptions;
use crate::transport::Transport;
use crate::types::{Name, Protocol, RoleIx};
use crate::wire::frame::FRAME_BYTES_MAX;
use crate::wire::seal::Keys;
use shard::Job;

/// How many jobs wait for a shard at most, before who sends them waits: the frames of a connection
/// that have come together are one.
pub const JOBS_MAX: usize = 1024;

/// How many frames wait for a client at most.
pub const FRAMES_MAX: usize = 4096;

/// How many bytes of messages wait for a client at most, behind the first of them.
pub const BYTES_MAX: usize = 8 << 20;

/// How a hub is set up.
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// How many shards, each a thread: from 1 to [`SHARDS_MAX`].
    pub shards: usize,
    /// How links are treated.
    pub server: ServerOptions,
    /// After how many records of a session there is a snapshot of it; `None`: never.
    pub snapshot_every: Option<NonZeroU64>,
    /// How often either end shows that it is there.
    pub heartbeat: Heartbeat,
    /// The longest frame that is read, in bytes.
    pub frame_bytes_max: usize,
    /// How many frames a second are read of each connection, where that has a bound; a second's
    /// worth may come at once, and more wait.
    pub frames_per_second: Option<NonZeroU32>,
    /// The secret that a client must say before anything else.
    pub secret: Option<SmolStr>,
    /// How long a client may be connected without having said it, or without having come to a role
    /// or opened a session.
    pub greeting: Duration,
    /// Whether clients may open sessions.
    pub opens: bool,
    /// How long invitations to their roles are good.
    pub invitation_lifetime: Duration,
}

impl Default for HubOptions {
    fn default() -> Self {
        Self {
            shards: 1,
            server: ServerOptions::default(),
            snapshot_every: Some(SNAPSHOT_EVERY),
            heartbeat: Heartbeat::default(),
            frame_bytes_max: FRAME_BYTES_MAX,
            frames_per_second: None,
            secret: None,
            greeting: Duration::from_secs(10),
            opens: false,
            invitation_lifetime: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// Why a hub does not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// As many shards as there cannot be.
    #[error("{0} shards; there are from 1 to {SHARDS_MAX}")]
    Shards(usize),
    /// The machine or the journal does not do it.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The journal cannot be used.
    #[error("journal: {0}")]
    Journal(#[from] JournalError),
    /// The system gives no thread, or no randomness.
    #[error("the system does not do it: {0}")]
    System(#[from] std::io::Error),
    /// The hub was shut down, or a commit has failed.
    #[error("the hub has ended: {0}")]
    Ended(Arc<str>),
}

/// A session that was opened, and how to come to its roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invited {
    /// The session.
    pub session: SessionId,
    /// Each role with an invitation to it, in the order of the protocol.
    pub invitations: Vec<(Name, String)>,
}

/// See the module. Clones are handles of the same hub.
#[derive(Clone)]
pub struct Hub {
    all: Arc<All>,
}

struct All {
    shards: Vec<mpsc::Sender<Job>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    keys: Keys,
    options: HubOptions,
    connections: AtomicU64,
    /// Whether every client is told to come again elsewhere, or later.
    closing: watch::Sender<bool>,
    /// Why a shard has ended, if one has.
    ended: Arc<Mutex<Option<Arc<str>>>>,
}

impl Hub {
    /// HUB-1: takes over a journal, with all its sessions, and waits for connections.
    ///
    /// # Errors
    /// [`HubError`]. Sessions that could not be recovered are in the report.
    pub fn start(
        journal: impl Journal + 'static,
        keys: Keys,
        options: HubOptions,
    ) -> Result<(Self, Report), HubError> {
        let count = options.shards;
        if !(1..=SHARDS_MAX).contains(&count) {
            return Err(HubError::Shards(count));
        }
        let journal = GroupJournal::new(journal)?;
        let ended = Arc::new(Mutex::new(None));
        let (mut shards, mut threads) = (Vec::new(), Vec::new());
        let mut report = Report::default();
        for index in 0..count {
            let clock = shard::Clock::system();
            let (node, found) = Node::start_with(
                journal.clone(),
                keys.clone(),
                NodeOptions { server: options.server, snapshot_every: options.snapshot_every },
                clock.now(),
                |session| shard_of(session, count) == index,
            )?;
            report.add(found);
            let (queue, jobs) = mpsc::channel(JOBS_MAX);
            let ended = Arc::clone(&ended);
            let thread = std::thread::Builder::new().name(format!("hub {index}"));
            threads.push(thread.spawn(move || shard::run(node, clock, jobs, &ended))?);
            shards.push(queue);
        }
        let (threads, connections) = (Mutex::new(threads), AtomicU64::new(0));
        let closing = watch::Sender::new(false);
        let all = All { shards, threads, keys, options, connections, closing, ended };
        Ok((Self { all: Arc::new(all) }, report))
    }

    fn why(&self) -> HubError {
        let why = self.all.ended.lock().unwrap_or_else(PoisonError::into_inner);
        HubError::Ended(why.clone().unwrap_or_else(|| "it was shut down".into()))
    }

    fn shard(&self, session: SessionId) -> &mpsc::Sender<Job> {
        &self.all.shards[shard_of(session, self.all.shards.len())]
    }

    /// HUB-2: does something with the node of a session, and answers when that is kept.
    ///
    /// # Errors
    /// [`HubError::Ended`].
    pub async fn with<T: Send + 'static>(
        &self,
        session: SessionId,
        work: impl FnOnce(&mut dyn Door) -> T + Send + 'static,
    ) -> Result<T, HubError> {
        let (answer, said) = oneshot::channel();
        let work: shard::Work = Box::new(move |door| {
            let done = work(door);
            // Who asked may be gone.
            Box::new(move || drop(answer.send(done)))
        });
        self.shard(session).send(Job::Work(work)).await.map_err(|_| self.why())?;
        said.await.map_err(|_| self.why())
    }

    /// Opens a session, and gives all authority over it.
    ///
    /// # Errors
    /// [`HubError::Node`], [`HubError::Ended`].
    pub async fn open(&self, protocol: &Arc<Protocol>, open: Open) -> Result<Capability, HubError> {
        let protocol = Arc::clone(protocol);
        let opened = self.with(open.session, move |door| {
            door.register(&protocol);
            door.open(open)
        });
        Ok(opened.await??)
    }

    /// Opens a session with a new id, and invites to all of its roles, each for whoever brings the
    /// invitation within `expires_in`. The hub keeps the lifecycle.
    ///
    /// # Errors
    /// [`HubError::Node`], [`HubError::Ended`]; the system has no randomness.
    pub async fn open_invited(
        &self,
        protocol: &Arc<Protocol>,
        capacities: Capacities,
        expires_in: Duration,
    ) -> Result<Invited, HubError> {
        let session = super::session::fresh_id()?;
        let open = Open {
            session,
            protocol: protocol.digest(),
            owner: Owner::new("host").expect("it is a name"),
            capacities,
            policies: Vec::new(),
            journal: true,
            on_lost: OnLost::default(),
        };
        let protocol = Arc::clone(protocol);
        let invited = self.with(session, move |door| {
            door.register(&protocol);
            let all = door.open(open)?;
            let roles = (0_u16..).map(RoleIx).zip(protocol.roles());
            let each = roles
                .map(|(ix, role)| Ok((role.clone(), door.invite(all.present(), ix, expires_in)?)));
            each.collect::<Result<_, NodeError>>()
        });
        Ok(Invited { session, invitations: invited.await?? })
    }

    /// An invitation to a role, for whoever brings it within `expires_in`.
    ///
    /// # Errors
    /// [`HubError::Node`], [`HubError::Ended`].
    pub async fn invite(
        &self,
        by: &Presented,
        role: RoleIx,
        expires_in: Duration,
    ) -> Result<String, HubError> {
        let by = by.clone();
        let invited = self.with(by.session, move |door| door.invite(&by, role, expires_in));
        Ok(invited.await??)
    }

    /// The host itself plays a role of a session that it has opened, on the thread of its shard.
    /// To be said again after a restart: what it does is code. See [`Part`].
    ///
    /// # Errors
    /// [`HubError::Node`], [`HubError::Ended`].
    pub async fn play(
        &self,
        session: SessionId,
        role: RoleIx,
        part: impl Part,
    ) -> Result<(), HubError> {
        let part = Box::new(part);
        Ok(self.with(session, move |door| door.play(session, role, part)).await??)
    }

    /// Serves a connection until it ends.
    pub async fn serve(&self, transport: impl Transport) {
        let number = self.all.connections.fetch_add(1, Ordering::Relaxed);
        connection::serve(self, number, transport).await;
    }

    /// Serves a connection until it ends, on the thread of a shard: where there is one shard, what
    /// comes is performed and answered without another thread. What `connect` does is done there;
    /// `place` is dropped when the connection has ended.
    ///
    /// # Errors
    /// [`HubError::Ended`].
    pub async fn serve_on_shard<T: Transport>(
        &self,
        connect: impl Future<Output = std::io::Result<T>> + Send + 'static,
        place: impl Send + 'static,
    ) -> Result<(), HubError> {
        let number = self.all.connections.fetch_add(1, Ordering::Relaxed);
        let index = usize::try_from(number).unwrap_or(0) % self.all.shards.len();
        let hub = self.clone();
        // What it takes to connect is gone when it has.
        let connect = Box::pin(connect);
        let serving = async move {
            // Who cannot be connected is not there any more.
            if let Ok(transport) = connect.await {
                connection::serve(&hub, number, transport).await;
            }
            drop(place);
        };
        let job = Job::Serve(Box::pin(serving));
        self.all.shards[index].send(job).await.map_err(|_| self.why())
    }

    /// HUB-6: takes no more frames, keeps what came before, tells every client that it may come
    /// again, and ends.
    pub async fn shutdown(&self) {
        let mut stopping = Vec::new();
        for shard in &self.all.shards {
            let (done, ended) = oneshot::channel();
            if shard.send(Job::Stop(done)).await.is_ok() {
                stopping.push(ended);
            }
        }
        for ended in stopping {
            let _ = ended.await;
        }
        // What there was to say is on its way to each client: then comes the last word.
        self.all.closing.send_replace(true);
        let threads =
            std::mem::take(&mut *self.all.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().for_each(|thread| drop(thread.join()));
        });
        let _ = joined.await;
    }
}

/// What the host may do with the node of a session: it is kept when it is answered.
pub trait Door {
    /// Makes a protocol known.
    fn register(&mut self, protocol: &Arc<Protocol>);
    /// Opens a session.
    ///
    /// # Errors
    /// [`NodeError`].
    fn open(&mut self, open: Open) -> Result<Capability, NodeError>;
    /// Invites to a role.
    ///
    /// # Errors
    /// [`NodeError`].
    fn invite(
        &mut self,
        by: &Presented,
        role: RoleIx,
        expires_in: Duration,
    ) -> Result<String, NodeError>;
    /// Plays a role.
    ///
    /// # Errors
    /// [`NodeError`].
    fn play(
        &mut self,
        session: SessionId,
        role: RoleIx,
        part: Box<dyn Part>,
    ) -> Result<(), NodeError>;
    /// Tells the machine something.
    ///
    /// # Errors
    /// [`NodeError`].
    fn handle(
        &mut self,
        input: crate::machine::Input,
    ) -> Result<crate::machine::Accepted, NodeError>;
    /// The machine, to look at.
    fn machine(&self) -> &crate::machine::Machine;
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hub({})", self.all.shards.len())
    }
}
