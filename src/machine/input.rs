//! What a machine is told.

use alloc::vec::Vec;

use smol_str::SmolStr;

use super::authority::Presented;
use super::edge::CAPACITY_DEFAULT;
use super::id::{Position, SessionId, Tick};
use crate::types::{Edge, EdgeIx, LabelIx, Name, ProtocolDigest, RoleIx, Value};

/// One input. Roles and labels are numbers of the session's protocol; a name that the protocol does
/// not have is `UNKNOWN`, which is refused like any other illegal move.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Input {
    /// Opens a session. A repeat with the same content, while the first result is live, changes
    /// nothing and returns the same result.
    Open(Open),
    /// A role sends a message.
    Send(Send),
    /// A role takes the head of an edge.
    Receive(Receive),
    /// A role says that it has performed everything before a position: the receives that this
    /// implies are performed.
    Acknowledge(Acknowledge),
    /// Names the handler of an edge, or the session's default one.
    Bind(Bind),
    /// No more sends; closes when nothing can be received any more, or at the deadline.
    Drain(Drain),
    /// Closes now; what is on the edges is reported as undelivered.
    Close(Lifecycle),
    /// Ends the session because its owner gives it up.
    Cancel(Ending),
    /// Ends the session because something went wrong in its host.
    Fault(Ending),
    /// All records of the session before this index are durable.
    Persisted {
        /// The session.
        session: SessionId,
        /// How many of its records are durable.
        upto: u64,
    },
    /// Nothing but the time.
    Tick,
}

/// See [`Input::Open`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The new session's identity; never used before.
    pub session: SessionId,
    /// A protocol that was registered with the machine.
    pub protocol: ProtocolDigest,
    /// Who gets every fragment.
    pub owner: Name,
    /// How much the edges hold.
    pub capacities: Capacities,
    /// Whether the session keeps a journal.
    pub journal: bool,
}

/// How much each edge holds, from 1 to [`CAPACITY_MAX`](super::CAPACITY_MAX).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capacities {
    /// Every edge that is not named below.
    pub every: u32,
    /// Single edges.
    pub edges: Vec<(Edge, u32)>,
}

impl Default for Capacities {
    fn default() -> Self {
        Self { every: CAPACITY_DEFAULT, edges: Vec::new() }
    }
}

/// See [`Input::Send`].
#[derive(Debug, Clone, PartialEq)]
pub struct Send {
    /// The authority it is done under.
    pub by: Presented,
    /// The sender.
    pub role: RoleIx,
    /// The receiver.
    pub to: RoleIx,
    /// The message's name.
    pub label: LabelIx,
    /// What it carries.
    pub value: Value,
    /// The position it belongs at, where the sender numbers its actions.
    pub at: Option<Position>,
}

/// See [`Input::Receive`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receive {
    /// The authority it is done under.
    pub by: Presented,
    /// The receiver.
    pub role: RoleIx,
    /// The sender; the head of the edge decides the label.
    pub from: RoleIx,
    /// The position it belongs at, where the receiver numbers its actions.
    pub at: Option<Position>,
}

/// See [`Input::Acknowledge`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledge {
    /// The authority it is done under.
    pub by: Presented,
    /// The role.
    pub role: RoleIx,
    /// How many actions it has performed.
    pub position: Position,
}

/// See [`Input::Bind`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// The authority it is done under.
    pub by: Presented,
    /// The edge, or `None` for the session's default.
    pub edge: Option<EdgeIx>,
    /// The handler's name, or `None` to unbind.
    pub handler: Option<Name>,
}

/// See [`Input::Drain`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// The authority it is done under.
    pub by: Presented,
    /// When it closes at the latest.
    pub deadline: Option<Tick>,
}

/// An input about the session as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// The authority it is done under.
    pub by: Presented,
}

/// An input that ends the session for a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The authority it is done under.
    pub by: Presented,
    /// Why; at most [`REASON_BYTES_MAX`] bytes, what is longer is cut.
    pub reason: SmolStr,
}

/// The longest reason that is kept, in bytes.
pub const REASON_BYTES_MAX: usize = 1024;
