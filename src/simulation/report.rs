//! What is run, what is shown of it, and what it comes to.

use std::time::Duration;

use super::verdict::{Fault, Verdict};
use super::{Chaos, Values};
use crate::driver::{HubError, NodeError, RecoverError, Unfit};
use crate::journal::JournalError;
use crate::machine::{Capacities, Event, SessionId};
use crate::types::Name;

/// What is run, and how badly.
#[derive(Debug, Clone)]
pub struct Options {
    /// What happens to frames, connections and processes.
    pub chaos: Chaos,
    /// All chance follows from it.
    pub seed: u64,
    /// How many actions are decided at most; what has been sent by then is still received.
    pub steps: u64,
    /// What is sent.
    pub values: Values,
    /// How much the edges hold.
    pub capacities: Capacities,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            chaos: Chaos::default(),
            seed: 0,
            steps: 1_000,
            values: Values::default(),
            capacities: Capacities::default(),
        }
    }
}

/// Something to show while it happens.
#[derive(Debug)]
#[non_exhaustive]
pub enum Moment<'a> {
    /// An event of the session, which is kept by now.
    Kept(&'a Event),
    /// The connection of a role is cut.
    Cut(&'a Name),
    /// A role is attached (again).
    Resumed(&'a Name),
    /// The process of a role's client is killed.
    Killed(&'a Name),
    /// A role's client has lost its memory.
    Forgot(&'a Name),
    /// The host has crashed.
    Crashed,
    /// It is back, with this many records.
    Restarted(u64),
}

/// How often what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Frames that were sent.
    pub frames: u64,
    /// Of which were lost.
    pub lost: u64,
    /// Of which came twice.
    pub repeated: u64,
    /// Of which were overtaken.
    pub reordered: u64,
    /// Of which came only in part.
    pub truncated: u64,
    /// Connections that were cut.
    pub cuts: u64,
    /// Attachments beyond the first of each role.
    pub resumes: u64,
    /// Of which another attempt of their own client displaced; over sockets they are not counted.
    pub displaced: u64,
    /// Crashes of the host.
    pub crashes: u64,
    /// Clients that were killed.
    pub kills: u64,
    /// Clients that lost their memory.
    pub amnesias: u64,
    /// Commits of the journal.
    pub commits: u64,
    /// Records that a snapshot has spared the host when it came back.
    pub spared: u64,
}

/// What a run has come to.
#[derive(Debug)]
pub struct Report {
    /// The session.
    pub session: SessionId,
    /// How many actions clients have done.
    pub actions: u64,
    /// Whether the session has ended; else it was stopped.
    pub ended: Option<String>,
    /// How often what happened.
    pub counts: Counts,
    /// How long it took: by the virtual clock, or over sockets by the real one.
    pub took: Duration,
    /// Whether it was what it has to be.
    pub verdict: Result<Verdict, Fault>,
    /// The journal of the session as lines of text, as `antiphon verify` and the oracle read it.
    pub journal: String,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulationError {
    /// The host refused something that it must not.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A client refused something that it must not.
    #[error("a client refused what its type allows: {0}")]
    Refused(String),
    /// A client was told that it is over, though its session is not.
    #[error("the client of `{role}` came to an end: {ending}")]
    Ending {
        /// The role.
        role: Name,
        /// How.
        ending: String,
    },
    /// No value can be made up.
    #[error("no value for `{0}` can be made up")]
    NoValue(Box<str>),
    /// Nothing new has happened for a long time.
    #[error("nothing new happened for {minutes} minutes of virtual time: {waiting}")]
    Stuck {
        /// How long.
        minutes: u64,
        /// Who is where.
        waiting: String,
    },
    /// It was not over in time.
    #[error("it was not over after {seconds} seconds: {waiting}")]
    Late {
        /// How long it may take.
        seconds: u64,
        /// Who is where.
        waiting: String,
    },
    /// The host refused something that it must not, or did not come back.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The journal on the disk is not what it has to be.
    #[error("journal: {0}")]
    Journal(#[from] JournalError),
    /// The system gives no socket, thread or file.
    #[error("the system does not do it: {0}")]
    System(#[from] std::io::Error),
    /// A session was not recovered after a crash.
    #[error("after a crash: {0}")]
    NotRecovered(#[from] RecoverError),
    /// A snapshot is not where its session stood.
    #[error("after a crash, the snapshot of the session: {0}")]
    Snapshot(#[from] Unfit),
}
