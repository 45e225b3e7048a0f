//! What a machine says is to be done.

use alloc::boxed::Box;
use alloc::vec::Vec;

use smol_str::SmolStr;

use super::audit::Audit;
use super::authority::Capability;
use super::id::{Epoch, Position, Seq, Serial, SessionId, TimerId};
use super::receipt::Receipt;
use super::record::Batch;
use super::witness::{Readiness, TimeoutWitness};
use crate::types::{Direction, Edge, LabelIx, Name, RoleIx, Value};

/// What an accepted input came to.
#[derive(Debug, PartialEq)]
#[repr(u8)]
pub enum Accepted {
    /// The session is open; this is all authority over it.
    Opened(Capability),
    /// The fragments have this owner now.
    Issued(Capability),
    /// The transfer is in flight.
    Staged(Box<Receipt>),
    /// The message is on its edge.
    Sent {
        /// Its place there.
        seq: Seq,
        /// The sender's position behind it.
        position: Position,
    },
    /// The message was consumed.
    Received(Received),
    /// The action was performed before, with the same content; nothing changed.
    Duplicate {
        /// The endpoint's position.
        position: Position,
    },
    /// The receives that the position implies have been performed.
    Acknowledged {
        /// The endpoint's position.
        position: Position,
        /// How many receives that were.
        performed: u64,
    },
    /// It was done.
    Done,
    /// The serial of the token to be sealed for the holding.
    Serial(Serial),
    /// The predicate is true; this says so.
    Witness(Box<Readiness>),
    /// The timer is armed.
    Timer(TimerId),
    /// The role is attached.
    Attached {
        /// By what its messages are known to come over this attachment.
        epoch: Epoch,
    },
}

/// As [`Accepted`], before anything is boxed.
// Beside numbers of 16 bytes a tag would be one too: written in two halves and read as a whole, it
// is waited for. So are the tags of `Accepted`, `Refusal` and `Change` one byte.
#[repr(u8)]
pub(super) enum Came {
    Staged(Receipt),
    Witness(Readiness),
    Otherwise(Accepted),
}

impl From<Accepted> for Came {
    fn from(accepted: Accepted) -> Self {
        Self::Otherwise(accepted)
    }
}

impl From<Came> for Accepted {
    fn from(came: Came) -> Self {
        match came {
            Came::Staged(receipt) => Self::Staged(Box::new(receipt)),
            Came::Witness(witness) => Self::Witness(Box::new(witness)),
            Came::Otherwise(accepted) => accepted,
        }
    }
}

/// A consumed message.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// Who sent it.
    pub from: RoleIx,
    /// Its place on its edge.
    pub seq: Seq,
    /// Its name.
    pub label: LabelIx,
    /// What it carried.
    pub value: Value,
    /// The receiver's position behind it.
    pub position: Position,
}

/// Something for the host to do or to know.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Make these records durable, then say so with [`Input::Persisted`](super::Input::Persisted).
    Persist(Batch),
    /// Give this message to the handler; when it has succeeded, say so with
    /// [`Act::Receive`](super::Act::Receive).
    Deliver(Deliver),
    /// What an observer wants to see; only from machines that are observed.
    Event(Event),
}

/// A message for a handler in this process. It stays on its edge until it is received.
#[derive(Debug, Clone, PartialEq)]
pub struct Deliver {
    /// The session.
    pub session: SessionId,
    /// The handler's name.
    pub handler: Name,
    /// The receiver.
    pub role: RoleIx,
    /// The sender.
    pub from: RoleIx,
    /// Its place on its edge.
    pub seq: Seq,
    /// Its name.
    pub label: LabelIx,
    /// What it carries.
    pub value: Value,
    /// How many messages were dropped directly before it.
    pub dropped_before: u64,
}

/// What happened to a session.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// It was opened.
    Opened {
        /// The session.
        session: SessionId,
    },
    /// A role performed an action.
    Advanced {
        /// The session.
        session: SessionId,
        /// The role.
        role: RoleIx,
        /// Whether it sent or received.
        direction: Direction,
        /// The other role.
        peer: RoleIx,
        /// The message's name.
        label: LabelIx,
        /// What it carried.
        value: Value,
        /// The message's place on its edge.
        seq: Seq,
        /// The role's position behind it.
        position: Position,
    },
    /// Who may act has changed, or is about to.
    Authority {
        /// The session.
        session: SessionId,
        /// How.
        audit: Audit,
    },
    /// It does no more sends.
    Draining {
        /// The session.
        session: SessionId,
    },
    /// It ended.
    Ended {
        /// The session.
        session: SessionId,
        /// How.
        status: Status,
        /// The messages that nobody will consume any more, by edge.
        undelivered: Vec<(Edge, u64)>,
    },
    /// A timer that somebody armed ran out.
    TimedOut {
        /// Which.
        timer: TimerId,
        /// What its holder may spend now; it names the session.
        witness: Box<TimeoutWitness>,
    },
    /// A role is attached.
    Attached {
        /// The session.
        session: SessionId,
        /// The role.
        role: RoleIx,
        /// The attachment.
        epoch: Epoch,
        /// The one that it took over from: stale from here on.
        over: Option<Epoch>,
    },
    /// A role is attached no more. (What ends an attachment by giving the role to somebody else, or
    /// to nobody, is told as what it is.)
    Detached {
        /// The session.
        session: SessionId,
        /// The role.
        role: RoleIx,
        /// The attachment.
        epoch: Epoch,
    },
    /// Its host is back, and nothing is attached.
    Recovered {
        /// The session.
        session: SessionId,
        /// The fencing epoch from here on.
        fencing: u32,
    },
}

/// Where a session stands. `Closed`, `Cancelled` and `Faulted` are terminal: no action any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Roles act.
    Active,
    /// No more sends; what is on the edges may be received.
    Draining,
    /// Every role has ended, or its owner closed it.
    Closed,
    /// Its owner gave it up, for this reason.
    Cancelled(SmolStr),
    /// Something went wrong in its host.
    Faulted(SmolStr),
}

impl Status {
    /// Whether nothing moves any more.
    #[must_use]
    #[inline]
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Closed | Self::Cancelled(_) | Self::Faulted(_))
    }

    /// One word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Closed => "closed",
            Self::Cancelled(_) => "cancelled",
            Self::Faulted(_) => "faulted",
        }
    }

    /// Why it was cancelled or faulted.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Cancelled(reason) | Self::Faulted(reason) => Some(reason),
            _ => None,
        }
    }
}

impl core::fmt::Display for Status {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())?;
        self.reason().map_or(Ok(()), |reason| write!(f, " ({reason})"))
    }
}
