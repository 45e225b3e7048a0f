//! One machine with its journal and its links: what a host does in a turn, without a thread, a
//! socket or a clock.
//!
//! ```text
//! connected / frame / lost / open / act …      what has come, any number of them, then
//! turn(now)                                    sealed, persisted once for all of it, then
//! poll() -> (connection, frame)                what may leave
//! ```
//!
//! Who drives it, threads and sockets or a [simulation](crate::simulation), gives it the time.
//! Nothing leaves before it is kept (law 4): what a turn says is there to be polled when its commit
//! has returned. After a commit that has failed nobody knows what is kept: the node is done, and
//! another one [starts](Node::start) from the journal.
//!
//! Clauses: NODE-1 to NODE-7.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use super::part::{Part, Parts};
use super::recover::{Recovery, Report, append};
use super::snapshots::{SNAPSHOT_EVERY, Snapshots};
use crate::journal::{COMMIT_WRITES_MAX, Fence, Journal, JournalError, Write};
use crate::machine::{
    Accepted, Act, Authority, Batch, Capability, Event, Input, Machine, Open, Output, Presented,
    Recipient, Refusal, RequestId, Scope, SessionId, SessionSnapshot, Tick,
};
use crate::resume::server::{Connection, Server, ServerOptions};
use crate::types::{Protocol, ProtocolDigest, RoleIx};
use crate::wire::frame::Frame;
use crate::wire::journal::protocol_text;
use crate::wire::payload::Form;
use crate::wire::seal::{Invitation, Keys};

/// How a node is set up. Where only the links are to be told something, their options do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeOptions {
    /// How links are treated.
    pub server: ServerOptions,
    /// NODE-7: after how many records of a session there is a snapshot of it, which spares them at
    /// the next start; `None`: never.
    pub snapshot_every: Option<NonZeroU64>,
}

impl Default for NodeOptions {
    fn default() -> Self {
        ServerOptions::default().into()
    }
}

impl From<ServerOptions> for NodeOptions {
    fn from(server: ServerOptions) -> Self {
        Self { server, snapshot_every: Some(SNAPSHOT_EVERY) }
    }
}

/// Why a node does not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The machine refused it; nothing has changed.
    #[error("refused [{code}]: {0}", code = .0.code())]
    Refused(#[from] Refusal),
    /// The journal did not keep it: the node is done.
    #[error("journal: {0}")]
    Journal(#[from] JournalError),
    /// A commit has failed before.
    #[error("the node is done: a commit has failed before")]
    Done,
}

/// See the module.
pub struct Node<J> {
    machine: Machine,
    server: Server,
    keys: Keys,
    journal: J,
    fence: Fence,
    /// Protocols whose texts are kept, and those that are to be.
    texts: BTreeSet<ProtocolDigest>,
    unkept: BTreeMap<ProtocolDigest, String>,
    batches: Vec<Batch>,
    snapshots: Snapshots,
    events: VecDeque<Event>,
    parts: Parts,
    requests: u64,
    commits: u64,
    is_done: bool,
}

impl<J: Journal> Node<J> {
    /// NODE-1: takes the next fence and everything that the journal has. Nobody is attached to any
    /// session any more; each of them hears of it, durably, before this returns.
    ///
    /// # Errors
    /// What the journal says. A session that cannot be recovered is no error of the node: it is in
    /// the report, refused, and the others go on.
    pub fn start(
        journal: J,
        keys: Keys,
        options: impl Into<NodeOptions>,
        now: Tick,
    ) -> Result<(Self, Report), NodeError> {
        Self::start_with(journal, keys, options, now, |_| true)
    }

    /// As [`start`](Self::start), with those sessions that are `wanted`: the others are of other
    /// nodes, which have the same fence.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(
        mut journal: J,
        keys: Keys,
        options: impl Into<NodeOptions>,
        now: Tick,
        wanted: impl Fn(SessionId) -> bool,
    ) -> Result<(Self, Report), NodeError> {
        let (fence, options) = (journal.fence()?, options.into());
        let mut node = Self {
            machine: Machine::new(),
            server: Server::new(keys.clone(), options.server),
            keys,
            journal,
            fence,
            texts: BTreeSet::new(),
            unkept: BTreeMap::new(),
            batches: Vec::new(),
            snapshots: Snapshots::new(options.snapshot_every),
            events: VecDeque::new(),
            parts: Parts::default(),
            requests: 0,
            commits: 0,
            is_done: false,
        };
        let started = node.recover(now, wanted)?;
        node.turn(now)?;
        Ok((node, started))
    }

    fn recover(
        &mut self,
        now: Tick,
        wanted: impl Fn(SessionId) -> bool,
    ) -> Result<Report, NodeError> {
        let mut recovery = Recovery::new();
        let Self { journal, machine, snapshots, .. } = self;
        let report = recovery.each(journal, machine, wanted, |session, recovered| {
            snapshots.taken_up(session, recovered);
        })?;
        for session in self.machine.session_ids() {
            let protocol = self.machine.protocol_of(session).map(|protocol| protocol.digest());
            self.texts.extend(protocol);
            let fencing = self.fence.0;
            match self.server.recovered(&mut self.machine, now, session, fencing) {
                Ok(()) => {}
                Err(Refusal::Terminal(_)) => self.snapshots.ended(session),
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Ok(report)
    }

    /// Makes what happens known as events: see [`poll_event`](Self::poll_event).
    pub fn observe(&mut self, observed: bool) {
        self.machine.observe(observed);
    }

    /// Makes a protocol known, so that sessions of it can be opened.
    pub fn register(&mut self, protocol: &Arc<Protocol>) -> ProtocolDigest {
        let digest = self.machine.register(protocol);
        if !self.texts.contains(&digest) {
            self.unkept.entry(digest).or_insert_with(|| protocol_text(protocol));
        }
        digest
    }

    /// Opens a session.
    ///
    /// # Errors
    /// [`NodeError::Refused`], [`NodeError::Done`].
    pub fn open(&mut self, now: Tick, open: Open) -> Result<Capability, NodeError> {
        match self.handle(now, Input::Open(open))? {
            Accepted::Opened(capability) => Ok(capability),
            other => unreachable!("an accepted `Open` is answered by `Opened`: {other:?}"),
        }
    }

    /// An invitation to a role, for whoever brings it within `expires_in`.
    ///
    /// # Errors
    /// [`NodeError::Refused`], [`NodeError::Done`].
    pub fn invite(
        &mut self,
        now: Tick,
        by: &Presented,
        role: RoleIx,
        expires_in: Duration,
    ) -> Result<String, NodeError> {
        self.requests += 1;
        let expires = now.after(expires_in);
        let stage = Authority::Stage {
            request: RequestId(self.requests),
            scope: Scope::role(role),
            to: Recipient::Bearer,
            expires: Some(expires),
            freeze: false,
        };
        let act = Act::Authority(Box::new(stage));
        let staged = self.handle(now, Input::Act { by: by.clone(), act })?;
        let Accepted::Staged(receipt) = staged else {
            unreachable!("an accepted `Stage` is answered by `Staged`: {staged:?}")
        };
        let digest = self.machine.protocol_of(by.session).map(|protocol| protocol.digest());
        let digest = digest.ok_or(Refusal::UnknownSession(by.session))?;
        let invitation = Invitation::new(*receipt, digest, expires);
        Ok(self.keys.seal(&invitation.expect("it is for its bearer").into()))
    }

    /// NODE-2: the host's own door. What it answers is kept when the next [`turn`](Self::turn) has
    /// returned, and is to be shown to nobody before.
    ///
    /// # Errors
    /// [`NodeError::Refused`], [`NodeError::Done`].
    pub fn handle(&mut self, now: Tick, input: Input) -> Result<Accepted, NodeError> {
        if self.is_done {
            return Err(NodeError::Done);
        }
        if let Some(session) = input.session() {
            self.server.touched(session);
        }
        Ok(self.machine.handle(now, input)?)
    }

    /// NODE-5: from now on the host itself plays a role, of which it has the authority together
    /// with the lifecycle. To be said again after a restart: what it does is code.
    ///
    /// # Errors
    /// [`NodeError::Refused`]: there is no such session, or the role is somebody else's.
    pub fn play(
        &mut self,
        session: SessionId,
        role: RoleIx,
        part: Box<dyn Part>,
    ) -> Result<(), NodeError> {
        Ok(self.parts.play(&self.machine, session, role, part)?)
    }

    /// A connection is there; its frames are of this form.
    pub fn connected(&mut self, connection: Connection, form: Form) {
        self.server.connected(connection, form);
    }

    /// A frame has come.
    pub fn frame(&mut self, now: Tick, from: Connection, frame: Frame) {
        self.server.handle(&mut self.machine, now, from, frame);
    }

    /// A connection is lost.
    pub fn lost(&mut self, now: Tick, connection: Connection) {
        self.server.lost(&mut self.machine, now, connection);
    }

    /// NODE-3: ends a turn: whatever was done since the last one is persisted at once, and what it
    /// said may leave.
    ///
    /// # Errors
    /// What the journal says: the node is done then.
    pub fn turn(&mut self, now: Tick) -> Result<(), NodeError> {
        if self.is_done {
            return Err(NodeError::Done);
        }
        // Timers that are due run out; a tick is never refused.
        let _ = self.machine.handle(now, Input::Tick);
        loop {
            self.gather();
            self.server.decide(&mut self.machine, now);
            self.gather();
            if self.batches.is_empty() && self.unkept.is_empty() {
                // All is kept: what the host's own roles do with it is the next commit.
                if self.parts.turn(&mut self.machine, now) {
                    continue;
                }
                break;
            }
            // Until it has returned, nobody knows.
            self.is_done = true;
            self.commit()?;
            self.is_done = false;
            for batch in std::mem::take(&mut self.batches) {
                let upto = batch.first + u64::from(batch.count);
                let persisted = Input::Persisted { session: batch.session, upto };
                // A session that was taken away waits for nothing.
                let _ = self.machine.handle(now, persisted);
            }
        }
        self.server.settle(&self.machine);
        Ok(())
    }

    fn gather(&mut self) {
        self.machine.seal();
        while let Some(output) = self.machine.poll() {
            match output {
                Output::Persist(batch) => {
                    self.server.touched(batch.session);
                    self.parts.touched(batch.session);
                    self.batches.push(batch);
                }
                Output::Event(event) => self.events.push_back(event),
                _ => {}
            }
        }
    }

    fn commit(&mut self) -> Result<(), JournalError> {
        let texts = self
            .unkept
            .iter()
            .map(|(digest, text)| Write::Blob { digest: &digest.0, bytes: text.as_bytes() });
        // Everything is sealed, and nothing has happened since.
        let mut writes: Vec<Write<'_>> = texts.chain(self.batches.iter().map(append)).collect();
        let most = COMMIT_WRITES_MAX.saturating_sub(writes.len());
        let snapshots = self.snapshots.due(&self.machine, &self.batches, most);
        writes.extend(snapshots.iter().map(save));
        self.journal.commit(self.fence, &writes)?;
        self.commits += 1;
        self.texts.extend(std::mem::take(&mut self.unkept).into_keys());
        Ok(())
    }

    /// What is to be sent, in order.
    pub fn poll(&mut self) -> Option<(Connection, Frame)> {
        self.server.poll()
    }

    /// What has happened, if it is [observed](Self::observe): of what is kept, in order.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When it wants to be told the time.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        self.machine.poll_timeout()
    }

    /// The machine, to look at.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// How many endpoints are attached.
    #[must_use]
    pub fn attached_len(&self) -> usize {
        self.server.attached_len()
    }

    /// How many commits there were.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits
    }
}

impl<J> std::fmt::Debug for Node<J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("fence", &self.fence).field("commits", &self.commits).finish()
    }
}

/// The write that keeps a snapshot.
fn save(snapshot: &SessionSnapshot) -> Write<'_> {
    let (SessionId(session), upto) = (snapshot.session(), snapshot.records());
    Write::Snapshot { session, upto, head: &snapshot.head().0, bytes: snapshot.bytes() }
}
