//! Snapshots: all that the journal of one session determines, at the end of a sealed batch, as
//! bytes and back. What goes on from there needs no record in front of it.
//!
//! ```text
//! magic  version  session  protocol  records  head  state digest     fixed, then
//! the session, part by part                                          as records say their parts
//! SHA-256 over all of it
//! ```
//!
//! Volatile state is not in it: what a replay does not bring back a snapshot does not either.
//!
//! Clauses: JSTO-15, JSTO-16.

mod decode;
mod encode;

use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::Machine;
use super::digest::StateDigest;
use super::id::SessionId;
use super::invariant::{Violation, of_session};
use super::record::{Head, RecordError};
use crate::types::{Protocol, ProtocolDigest};

/// The most bytes of a snapshot.
const BYTES_MAX: usize = 1 << 30;

/// What a snapshot begins with: no text does.
const MAGIC: [u8; 18] = *b"\x89antiphon snapshot";

const VERSION: u8 = 1;

/// Where the parts in front of the session begin.
const SESSION: usize = MAGIC.len() + 1;
const PROTOCOL: usize = SESSION + 16;
const RECORDS: usize = PROTOCOL + 32;
const HEAD: usize = RECORDS + 8;
const STATE: usize = HEAD + 32;
const BODY: usize = STATE + 32;

/// How long the digest at the end is.
const SUM: usize = 32;

/// Where one session stands behind a sealed batch: enough to go on from there.
///
/// ```
/// # use std::sync::Arc;
/// # use antiphon::Protocol;
/// # use antiphon::machine::*;
/// # let echo: Arc<Protocol> =
/// #     Arc::new("A = B!say(nat) . end   B = A?say(nat) . end".parse::<Protocol>()?);
/// # let mut machine = Machine::new();
/// # let open = Open {
/// #     session: SessionId(7),
/// #     protocol: machine.register(&echo),
/// #     owner: Owner::new("host")?,
/// #     capacities: Capacities::default(),
/// #     policies: Vec::new(),
/// #     journal: true,
/// #     on_lost: OnLost::default(),
/// # };
/// machine.handle(Tick(0), Input::Open(open))?;
/// assert!(machine.snapshot(SessionId(7)).is_none()); // its batch is open
/// machine.seal();
/// let bytes = machine.snapshot(SessionId(7)).expect("it is sealed").into_bytes();
///
/// let snapshot = SessionSnapshot::read(bytes)?;
/// let mut again = Machine::new();
/// again.restore(&echo, &snapshot)?;
/// assert_eq!((snapshot.records(), again.digest()), (1, machine.digest()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSnapshot {
    session: SessionId,
    protocol: ProtocolDigest,
    records: u64,
    head: Head,
    state: StateDigest,
    bytes: Bytes,
}

/// Why bytes are not the snapshot of a session, or not one that can be restored here.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// They begin with something else.
    #[error("it is no snapshot")]
    NotASnapshot,
    /// One of another version of Antiphon.
    #[error("it has version {0}, and {VERSION} is known here")]
    Version(u8),
    /// More than a snapshot has.
    #[error("it has {0} bytes, and at most {BYTES_MAX} are read")]
    TooLong(usize),
    /// It ends too early.
    #[error("it is cut off")]
    Truncated,
    /// Its digest is not the one at its end.
    #[error("its bytes do not give the digest at its end")]
    Damaged,
    /// It is of a session that runs something else.
    #[error("it is of the protocol {0}")]
    OtherProtocol(ProtocolDigest),
    /// The machine has, or had, a session of that id.
    #[error("session {0} is in the machine already")]
    Known(SessionId),
    /// What it says is nothing that a session of the protocol has.
    #[error("what it says of the {0} is nothing that a session of its protocol has")]
    Malformed(&'static str),
    /// No machine has a session like that.
    #[error("{0}")]
    Violated(#[from] Violation),
    /// What it says gives another state.
    #[error("its state gives the digest {0}, and it says another one")]
    OtherState(StateDigest),
}

impl SessionSnapshot {
    /// JSTO-16: the snapshot that the bytes are, whole and unchanged. Of what is in it only what it
    /// stands behind is looked at.
    ///
    /// # Errors
    /// A [`SnapshotError`].
    pub fn read(bytes: Bytes) -> Result<Self, SnapshotError> {
        if !bytes.starts_with(&MAGIC) {
            return Err(SnapshotError::NotASnapshot);
        }
        match bytes.get(MAGIC.len()) {
            Some(&VERSION) => {}
            Some(other) => return Err(SnapshotError::Version(*other)),
            None => return Err(SnapshotError::Truncated),
        }
        if bytes.len() > BYTES_MAX {
            return Err(SnapshotError::TooLong(bytes.len()));
        }
        if bytes.len() < BODY + SUM {
            return Err(SnapshotError::Truncated);
        }
        let (said, sum) = bytes.split_at(bytes.len() - SUM);
        if Sha256::digest(said)[..] != *sum {
            return Err(SnapshotError::Damaged);
        }
        Ok(Self {
            session: SessionId(u128::from_be_bytes(part(said, SESSION))),
            protocol: ProtocolDigest(part(said, PROTOCOL)),
            records: u64::from_le_bytes(part(said, RECORDS)),
            head: Head(part(said, HEAD)),
            state: StateDigest(part(said, STATE)),
            bytes,
        })
    }

    /// Whether the bytes begin as a snapshot does, of whatever version.
    #[must_use]
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(&MAGIC)
    }

    /// Whose it is.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// What the session runs.
    #[must_use]
    pub fn protocol(&self) -> ProtocolDigest {
        self.protocol
    }

    /// How many records are in it.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The chain behind them.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The digest of the protocol state.
    #[must_use]
    pub fn state(&self) -> StateDigest {
        self.state
    }

    /// The bytes that [`read`](Self::read) reads.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// As [`bytes`](Self::bytes), of a snapshot that nobody needs any more.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// What it says of the session.
    fn body(&self) -> Bytes {
        self.bytes.slice(BODY..self.bytes.len() - SUM)
    }
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    *bytes[at..].first_chunk().expect("the length was checked")
}

impl SnapshotError {
    fn of(what: &'static str) -> impl Fn(RecordError) -> Self + Copy {
        move |_| Self::Malformed(what)
    }
}

impl Machine {
    /// JSTO-15: where a session stands; `None` if there is no such session, if it keeps no journal,
    /// or if records of it are not sealed yet.
    #[must_use]
    pub fn snapshot(&self, session: SessionId) -> Option<SessionSnapshot> {
        let session = self.sessions.at(self.sessions.find(session, u32::MAX)?);
        let (records, head) = session.log()?.sealed()?;
        let (protocol, state) =
            (self.protocols[session.protocol as usize].digest(), self.digest_of(session));
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&MAGIC);
        bytes.push(VERSION);
        bytes.extend_from_slice(&session.id.0.to_be_bytes());
        bytes.extend_from_slice(&protocol.0);
        bytes.extend_from_slice(&records.to_le_bytes());
        bytes.extend_from_slice(&head.0);
        bytes.extend_from_slice(&state.0);
        encode::session(session, &mut bytes);
        let sum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum);
        Some(SessionSnapshot {
            session: session.id,
            protocol,
            records,
            head,
            state,
            bytes: bytes.into(),
        })
    }

    /// JSTO-16: takes a session up where a snapshot says that it stood, as if all records in front
    /// of it had been replayed and were durable. Nothing of it is trusted: the session must be one
    /// that the protocol allows, hold the invariants, and give the digest of its state.
    ///
    /// # Errors
    /// A [`SnapshotError`]; the machine is as it was, but that it knows the protocol.
    pub fn restore(
        &mut self,
        protocol: &Arc<Protocol>,
        snapshot: &SessionSnapshot,
    ) -> Result<(), SnapshotError> {
        let id = snapshot.session;
        if protocol.digest() != snapshot.protocol {
            return Err(SnapshotError::OtherProtocol(snapshot.protocol));
        }
        if self.sessions.find(id, u32::MAX).is_some() || self.archive.get(id).is_some() {
            return Err(SnapshotError::Known(id));
        }
        let digest = self.register(protocol);
        let slot = self.protocol_slots[&digest];
        let session = decode::session(snapshot, protocol, slot)?;
        of_session(&session, protocol)?;
        let state = self.digest_of(&session);
        if state != snapshot.state {
            return Err(SnapshotError::OtherState(state));
        }
        self.now = self.now.max(session.tick);
        session.timers().for_each(|(at, timer)| self.timers.arm(at, id, timer));
        let is_terminal = session.status.is_terminal();
        let slot = self.sessions.insert(session);
        self.memory.came(self.sessions.at(slot));
        match is_terminal {
            true => self.memory.terminal += 1,
            false => self.memory.live += 1,
        }
        self.note_ended(slot);
        Ok(())
    }
}
