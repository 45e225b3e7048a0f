//! What a machine is told.

use alloc::boxed::Box;
use alloc::vec::Vec;

use smol_str::SmolStr;

use super::authority::{Owner, Presented};
use super::ends::OnLost;
use super::id::{Epoch, Position, SessionId, Tick};
use super::policy::Policy;
use super::receipt::{Authority, Commit, Reclaim};
use crate::types::{
    CAPACITY_DEFAULT, Edge, EdgeIx, LabelIx, Name, Protocol, ProtocolDigest, RoleIx, Value,
};

/// One input. Roles and labels are numbers of the session's protocol; a name that the protocol does
/// not have is `UNKNOWN`, which is refused like any other illegal move.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Input {
    /// Opens a session. A repeat with the same content, while the first result is live, changes
    /// nothing and returns the same result.
    Open(Open),
    /// Somebody acts on a session, under an authority.
    Act {
        /// The authority it is done under; names the session.
        by: Presented,
        /// What is done.
        act: Act,
    },
    /// Completes the transfer of a receipt.
    Commit(Box<Commit>),
    /// All records of the session before this index are durable.
    Persisted {
        /// The session.
        session: SessionId,
        /// How many of its records are durable.
        upto: u64,
    },
    /// Nothing but the time.
    Tick,
    /// The host gives fragments that were released an owner: under nobody's authority.
    Reclaim(Box<Reclaim>),
    /// The host needs the room of a session that has ended: what is left of it goes to the
    /// archive. No record: it changes nothing that the session's journal determines.
    Reap {
        /// The session.
        session: SessionId,
    },
    /// The host was gone and is back, and nothing that was attached to the session is any more.
    Recovered {
        /// The session.
        session: SessionId,
        /// The fencing epoch from here on: later than that of every host that had the session.
        fencing: u32,
    },
}

/// What can be done to a session under an authority.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Act {
    /// A role sends a message.
    Send(Send),
    /// A role takes the head of an edge.
    Receive(Receive),
    /// A role says that it has performed everything before a position: the receives that this
    /// implies are performed.
    Acknowledge {
        /// The role.
        role: RoleIx,
        /// How many actions it has performed.
        position: Position,
    },
    /// Names the handler of an edge, or the session's default one.
    Bind {
        /// The edge, or `None` for the session's default.
        edge: Option<EdgeIx>,
        /// The handler's name, or `None` to unbind.
        handler: Option<Name>,
    },
    /// No more sends; closes when nothing can be received any more, or at the deadline.
    Drain {
        /// When it closes at the latest.
        deadline: Option<Tick>,
    },
    /// Closes now; what is on the edges is reported as undelivered.
    Close,
    /// Ends the session because its owner gives it up.
    Cancel {
        /// Why; at most [`REASON_BYTES_MAX`] bytes, what is longer is cut.
        reason: SmolStr,
    },
    /// Ends the session because something went wrong in its host.
    Fault {
        /// Why; at most [`REASON_BYTES_MAX`] bytes, what is longer is cut.
        reason: SmolStr,
    },
    /// Changes who may act.
    Authority(Box<Authority>),
    /// Somebody comes to act as a role over a connection: whatever else was attached to the role is
    /// stale from here on.
    Attach {
        /// The role.
        role: RoleIx,
    },
    /// Nobody comes over that connection any more.
    Detach {
        /// The role.
        role: RoleIx,
        /// The attachment, which must be the live one.
        epoch: Epoch,
    },
}

/// See [`Input::Open`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The new session's identity; never used before.
    pub session: SessionId,
    /// A protocol that was registered with the machine.
    pub protocol: ProtocolDigest,
    /// Who gets every fragment.
    pub owner: Owner,
    /// How much the edges hold.
    pub capacities: Capacities,
    /// Whether the session keeps a journal.
    pub journal: bool,
    /// What becomes of it when one of its owners is lost.
    pub on_lost: OnLost,
    /// What edges do when they are full, where that is not to refuse what is sent; of two entries
    /// for one edge the last one holds.
    pub policies: Vec<(Edge, Policy)>,
}

/// How much each edge holds, from 1 to [`CAPACITY_MAX`](super::CAPACITY_MAX). The default is what
/// the types say: see [`Protocol::rooms`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capacities {
    /// Every edge that is not named below; `None` leaves it to the types.
    pub every: Option<u32>,
    /// Single edges; of two entries for one edge the last one holds.
    pub edges: Vec<(Edge, u32)>,
    /// Whether to open the session also if nobody has shown that its roles are safe together at
    /// these capacities. It then says that it is unchecked wherever it is shown.
    pub unchecked: bool,
}

impl Capacities {
    /// The same on every edge.
    #[must_use]
    pub fn every(capacity: u32) -> Self {
        Self { every: Some(capacity), ..Self::default() }
    }

    /// The same, also where nobody has shown that the roles are safe together.
    #[must_use]
    pub fn unchecked(self) -> Self {
        Self { unchecked: true, ..self }
    }

    /// What each edge of a protocol is given, in the order of its edges.
    pub(super) fn vector<'a>(
        &'a self,
        protocol: &'a Protocol,
    ) -> impl ExactSizeIterator<Item = u32> + 'a {
        protocol.edges().iter().zip(protocol.rooms()).map(|(edge, room)| {
            let named = self.edges.iter().rfind(|(named, _)| named == edge);
            named.map_or(self.every.unwrap_or(*room), |(_, capacity)| *capacity)
        })
    }

    /// The same said in full, for a protocol whose session is known to be `checked` or not: what a
    /// record holds must not depend on what the types are known to need.
    pub(super) fn resolved(&self, protocol: &Protocol, checked: bool) -> Self {
        let unchecked = !checked;
        if self.every.is_some() {
            return Self { unchecked, ..self.clone() };
        }
        let every = protocol.rooms().iter().copied().max().unwrap_or(CAPACITY_DEFAULT);
        let vector = protocol.edges().iter().copied().zip(self.vector(protocol));
        let edges = vector.filter(|(_, capacity)| *capacity != every).collect();
        Self { every: Some(every), edges, unchecked }
    }
}

/// See [`Act::Send`].
#[derive(Debug, Clone, PartialEq)]
pub struct Send {
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

/// See [`Act::Receive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receive {
    /// The receiver.
    pub role: RoleIx,
    /// The sender; the head of the edge decides the label.
    pub from: RoleIx,
    /// The position it belongs at, where the receiver numbers its actions.
    pub at: Option<Position>,
}

/// The longest reason that is kept, in bytes.
pub const REASON_BYTES_MAX: usize = 1024;
