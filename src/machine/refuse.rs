//! Refusals: named reasons why an input was not applied. A refusal leaves the protocol state
//! exactly as it was (law 2).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::authority::Owner;
use super::id::{Epoch, Generation, Position, ReceiptId, Serial, SessionId, TimerId, WitnessId};
use super::output::Status;
use super::policy::{Policy, Unsound};
use super::receipt::OUTSTANDING_MAX;
use crate::types::{
    CAPACITY_MAX, Direction, Evidence, LabelIx, Name, Payload, Protocol, ProtocolDigest, RoleIx,
    StateIx, WrongSort,
};

/// The most legal moves that a refusal lists.
pub const MOVES_SHOWN_MAX: usize = 64;

/// Why an input was not applied (MACH-5). The variants are about in the order of the checks
/// (MACH-7).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[repr(u8)]
pub enum Refusal {
    /// No such session.
    #[error("there is no session {0}")]
    UnknownSession(SessionId),
    /// The id is taken by a session with other content.
    #[error("session {0} exists already, opened differently; choose a fresh id")]
    SessionExists(SessionId),
    /// No such protocol.
    #[error("there is no protocol {0}; register it first")]
    UnknownProtocol(ProtocolDigest),
    /// An edge cannot hold that many.
    #[error(
        "the capacity of the edge {edge} would be {capacity}; it must be from 1 to {CAPACITY_MAX}"
    )]
    BadCapacity {
        /// `From → To`.
        edge: Box<str>,
        /// What was asked for.
        capacity: u32,
    },
    /// Nobody has shown that the roles are safe together at these capacities.
    #[error("{}", unsafe_together(safe))]
    CapacityUnchecked {
        /// Where they are.
        safe: Evidence,
    },
    /// The protocol has no such role.
    #[error("the protocol has no such role; its roles are {known}")]
    UnknownRole {
        /// The roles it has.
        known: Box<str>,
    },
    /// Nobody owns what the operation needs.
    #[error("nobody owns all of {required}: it was released; claim it first")]
    Unclaimed {
        /// What the operation needs.
        required: Box<str>,
    },
    /// The presented capability is not the live one.
    #[error("{}", stale(*presented, *live))]
    StaleCapability {
        /// What was presented.
        presented: Generation,
        /// What would be needed.
        live: Generation,
    },
    /// The presented capability does not cover the operation.
    #[error("the capability covers {actual}, the operation needs {required}")]
    ScopeViolation {
        /// What the operation needs.
        required: Box<str>,
        /// What was presented.
        actual: Box<str>,
    },
    /// It did not come over the live attachment of the role.
    #[error("{}", stale_attachment(*live))]
    StaleAttachment {
        /// The live one, if there is one.
        live: Option<Epoch>,
    },
    /// The position was used for a different action.
    #[error("position {at} is taken: {performed} was performed there")]
    PositionConflict {
        /// The position that was claimed.
        at: Position,
        /// What was performed there.
        performed: Box<str>,
    },
    /// The position is older than what is remembered.
    #[error("position {at} is older than what is remembered, from {oldest} on")]
    TooOld {
        /// The position that was claimed.
        at: Position,
        /// The oldest position that is remembered.
        oldest: Position,
    },
    /// The position is ahead of what can have happened.
    #[error("position {at} is ahead: the endpoint is at {position}")]
    Ahead {
        /// The position that was claimed.
        at: Position,
        /// The furthest position that the endpoint can be at.
        position: Position,
    },
    /// Two receives are possible, or one over an edge that drops messages: which of them was
    /// performed must be said.
    #[error("position {position} does not tell which message was received: receive by sender")]
    AmbiguousReceive {
        /// Where.
        position: Position,
    },
    /// The session has ended.
    #[error("the session has ended: it is {0}")]
    Terminal(Status),
    /// Somebody owns what is to be claimed.
    #[error("{taken} has an owner, of generation {live}; it must be released first")]
    AlreadyClaimed {
        /// The fragments.
        taken: Box<str>,
        /// Their generation.
        live: Generation,
    },
    /// A transfer of what the operation needs is in flight.
    #[error("transfer {0} is in flight: commit it or roll it back first")]
    TransferPending(ReceiptId),
    /// There never was such a transfer.
    #[error("there is no transfer {0}: it was never staged")]
    TransferNotPending(ReceiptId),
    /// The receipt is not the one that was staged, or not for this owner.
    #[error("the receipt of transfer {0} is not what was staged, or for another owner")]
    ReceiptMismatch(ReceiptId),
    /// The transfer was committed, rolled back, or expired.
    #[error("the receipt of transfer {0} is spent; the journal says what became of it")]
    ReceiptSpent(ReceiptId),
    /// Too many transfers, witnesses and timers are outstanding; or a fencing epoch has no number
    /// left for an attachment.
    #[error(
        "{OUTSTANDING_MAX} transfers, witnesses and timers are outstanding; settle one of them first"
    )]
    TooManyOutstanding,
    /// The owner that is said to be lost has nothing.
    #[error("`{0}` owns nothing of the session: there is nothing to be lost")]
    UnknownOwner(Owner),
    /// The lifecycle was released: no capability brings it back.
    #[error("the lifecycle is nobody's: only the host gives it an owner, by `reclaim`")]
    HostOnly,
    /// A later token has arrived: this one is good no more.
    #[error("the token of serial {serial} is spent; the current one is {current}")]
    TokenSpent {
        /// What was presented.
        serial: Serial,
        /// The last one that was issued.
        current: Serial,
    },
    /// No such token was issued for this holding.
    #[error("no token of serial {serial} was issued for this holding; the last one is {current}")]
    TokenUnknown {
        /// What was presented.
        serial: Serial,
        /// The last one that was issued, or 0.
        current: Serial,
    },
    /// The session accepts no more sends.
    #[error("the session is draining: it accepts no more sends")]
    Draining,
    /// The protocol does not allow this now.
    #[error("{0}")]
    NotAllowed(Box<NotAllowed>),
    /// The value is not of the label's sort.
    #[error("`{label}`: {error}")]
    WrongSort {
        /// The message.
        label: Name,
        /// What is wrong, and where in the value.
        error: Box<WrongSort>,
    },
    /// The edge holds as many messages as it can.
    #[error(
        "the edge {edge} is full: it holds {capacity} messages; send again when one was received"
    )]
    EdgeFull {
        /// `From → To`.
        edge: Box<str>,
        /// How many it can hold.
        capacity: u32,
    },
    /// The edge holds no message.
    #[error("the edge {edge} is empty: there is nothing to receive yet")]
    EdgeEmpty {
        /// `From → To`.
        edge: Box<str>,
    },
    /// The protocol has no such edge.
    #[error("the protocol has no such edge; its edges are {known}")]
    UnknownEdge {
        /// The edges it has.
        known: Box<str>,
    },
    /// What the witness is to say is not so.
    #[error("this is not so now: {predicate}")]
    PredicateFalse {
        /// The predicate.
        predicate: Box<str>,
    },
    /// The witness is not the one that is outstanding, or none ever was.
    #[error("witness {0} is not what was issued")]
    InvalidWitness(WitnessId),
    /// The witness was consumed, has expired, or died with the authority of its holder.
    #[error("witness {0} is spent; the journal says what became of it")]
    WitnessSpent(WitnessId),
    /// The timer ran out, was taken back, died with the authority of its holder, or never was.
    #[error("timer {0} is not armed")]
    TimerNotArmed(TimerId),
    /// The fencing epoch is not later than the one that the session has.
    #[error("the session is in fencing epoch {live}: it is recovered into a later one")]
    StaleFencing {
        /// The one that it has.
        live: u32,
    },
    /// The edge cannot have the policy.
    #[error("the edge {edge} cannot have the policy `{policy}`: {why}")]
    BadPolicy {
        /// `From → To`.
        edge: Box<str>,
        /// What was asked for.
        policy: Policy,
        /// Why not.
        why: Unsound,
    },
    /// The session goes on: it cannot be reaped.
    #[error("the session is {0}: only one that has ended is reaped")]
    NotTerminal(Status),
    /// Not all records of the session are known to be durable: it cannot be reaped yet.
    #[error("{durable} of {records} records are durable; seal and persist the rest first")]
    NotDurable {
        /// How many records it has.
        records: u64,
        /// How many of them are durable.
        durable: u64,
    },
}

impl Refusal {
    /// The stable name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownSession(_) => "unknown_session",
            Self::SessionExists(_) => "session_exists",
            Self::UnknownProtocol(_) => "unknown_protocol",
            Self::BadCapacity { .. } => "bad_capacity",
            Self::CapacityUnchecked { .. } => "capacity_unchecked",
            Self::UnknownRole { .. } => "unknown_role",
            Self::Unclaimed { .. } => "unclaimed",
            Self::StaleCapability { .. } => "stale_capability",
            Self::ScopeViolation { .. } => "scope_violation",
            Self::StaleAttachment { .. } => "stale_attachment",
            Self::PositionConflict { .. } => "position_conflict",
            Self::TooOld { .. } => "too_old",
            Self::Ahead { .. } => "ahead",
            Self::AmbiguousReceive { .. } => "ambiguous_receive",
            Self::Terminal(_) => "terminal",
            Self::AlreadyClaimed { .. } => "already_claimed",
            Self::TransferPending(_) => "transfer_pending",
            Self::TransferNotPending(_) => "transfer_not_pending",
            Self::ReceiptMismatch(_) => "receipt_mismatch",
            Self::ReceiptSpent(_) => "receipt_spent",
            Self::TooManyOutstanding => "too_many_outstanding",
            Self::UnknownOwner(_) => "unknown_owner",
            Self::HostOnly => "host_only",
            Self::TokenSpent { .. } => "token_spent",
            Self::TokenUnknown { .. } => "token_unknown",
            Self::Draining => "draining",
            Self::NotAllowed(_) => "not_allowed",
            Self::WrongSort { .. } => "wrong_sort",
            Self::EdgeFull { .. } => "edge_full",
            Self::EdgeEmpty { .. } => "edge_empty",
            Self::UnknownEdge { .. } => "unknown_edge",
            Self::PredicateFalse { .. } => "predicate_false",
            Self::InvalidWitness(_) => "invalid_witness",
            Self::WitnessSpent(_) => "witness_spent",
            Self::TimerNotArmed(_) => "timer_not_armed",
            Self::StaleFencing { .. } => "stale_fencing",
            Self::BadPolicy { .. } => "bad_policy",
            Self::NotTerminal(_) => "not_terminal",
            Self::NotDurable { .. } => "not_durable",
        }
    }

    /// The clause of `specs/` that it enforces.
    #[must_use]
    pub fn clause(&self) -> &'static str {
        match self {
            Self::UnknownSession(_) => "MACH-1",
            Self::SessionExists(_) | Self::UnknownProtocol(_) => "MACH-2",
            Self::BadCapacity { .. } => "EDGE-1",
            Self::CapacityUnchecked { .. } => "EDGE-7",
            Self::UnknownRole { .. } | Self::UnknownEdge { .. } => "MACH-3",
            Self::Unclaimed { .. } => "AUTH-7",
            Self::StaleCapability { .. } => "AUTH-1",
            Self::ScopeViolation { .. } => "AUTH-2",
            Self::StaleAttachment { .. } => "ATT-5",
            Self::PositionConflict { .. } | Self::TooOld { .. } | Self::Ahead { .. } => "POS-1",
            Self::AmbiguousReceive { .. } => "POS-2",
            Self::Terminal(_) => "LIFE-1",
            Self::AlreadyClaimed { .. } => "AUTH-10",
            Self::TransferPending(_) => "AUTH-13",
            Self::TransferNotPending(_) | Self::ReceiptMismatch(_) => "AUTH-11",
            Self::ReceiptSpent(_) => "AUTH-12",
            Self::TooManyOutstanding => "AUTH-16",
            Self::UnknownOwner(_) => "AUTH-23",
            Self::HostOnly => "AUTH-26",
            Self::TokenSpent { .. } => "TOKEN-4",
            Self::TokenUnknown { .. } => "TOKEN-3",
            Self::Draining => "LIFE-2",
            Self::NotAllowed(_) => "MACH-4",
            Self::WrongSort { .. } => "VALUE-1",
            Self::EdgeFull { .. } => "EDGE-2",
            Self::EdgeEmpty { .. } => "EDGE-3",
            Self::PredicateFalse { .. } => "WITN-2",
            Self::InvalidWitness(_) => "WITN-4",
            Self::WitnessSpent(_) => "WITN-3",
            Self::TimerNotArmed(_) => "TIMER-4",
            Self::StaleFencing { .. } => "ATT-6",
            Self::BadPolicy { .. } => "EDGE-13",
            Self::NotTerminal(_) | Self::NotDurable { .. } => "LIFE-13",
        }
    }
}

fn unsafe_together(safe: &Evidence) -> String {
    match safe {
        Evidence::None => "it is not known that the roles are safe together at any capacity; \
                           check their composition first, or insist with `unchecked`"
            .into(),
        safe => alloc::format!(
            "it is not known that the roles are safe together at these capacities; it is at \
             {safe}. Open the session at such, or insist with `unchecked`"
        ),
    }
}

fn stale_attachment(live: Option<Epoch>) -> String {
    match live {
        Some(live) => alloc::format!("somebody else is attached to the role, at epoch {live}"),
        None => "nobody is attached to the role: attach first".into(),
    }
}

fn stale(presented: Generation, live: Generation) -> String {
    match presented == live {
        true => alloc::format!(
            "the capability names another owner than the live one of generation {live}"
        ),
        false => {
            alloc::format!("the capability is of generation {presented}, the live one is {live}")
        }
    }
}

/// A move out of turn, and what would have been in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAllowed {
    /// Who tried.
    pub role: Name,
    /// What was tried.
    pub attempted: Attempt,
    /// At which position.
    pub position: Position,
    /// What is legal there; at most [`MOVES_SHOWN_MAX`].
    pub legal: Vec<Move>,
    /// How many more moves are legal.
    pub more: usize,
}

/// A move that was tried; names that the protocol does not have are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// To send a label to a role.
    Send {
        /// The label.
        label: Option<Name>,
        /// The receiver.
        to: Option<Name>,
    },
    /// To receive from a role, where `label` is what stands at the head of the edge.
    Receive {
        /// The label, if a message is there.
        label: Option<Name>,
        /// The sender.
        from: Option<Name>,
    },
}

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |name: &Option<Name>, what: &str| match name {
            Some(name) => alloc::format!("`{name}`"),
            None => alloc::format!("a {what} that the protocol does not have"),
        };
        write!(f, "`{}` cannot ", self.role)?;
        match &self.attempted {
            Attempt::Send { label, to } => {
                write!(f, "send {} to {}", shown(label, "label"), shown(to, "role"))?;
            }
            Attempt::Receive { label: None, from: None } => f.write_str("receive")?,
            Attempt::Receive { label: None, from } => {
                write!(f, "receive from {}", shown(from, "role"))?;
            }
            Attempt::Receive { label, from } => {
                write!(f, "receive {} from {}", shown(label, "label"), shown(from, "role"))?;
            }
        }
        write!(f, " at position {}\nlegal now: ", self.position)?;
        if self.legal.is_empty() {
            return f.write_str("nothing, the role has ended");
        }
        for (index, legal) in self.legal.iter().enumerate() {
            write!(f, "{}{legal}", if index > 0 { ", " } else { "" })?;
        }
        if self.more > 0 { write!(f, ", and {} more", self.more) } else { Ok(()) }
    }
}

/// A legal move of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Send or receive.
    pub direction: Direction,
    /// The other role.
    pub peer: Name,
    /// The message's name.
    pub label: Name,
    /// What it carries.
    pub payload: Payload,
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}{}", self.peer, self.direction.symbol(), self.label, self.payload)
    }
}

/// The legal moves of a role in a state.
pub(super) fn moves(
    protocol: &Protocol,
    role: RoleIx,
    state: StateIx,
) -> impl Iterator<Item = Move> {
    let automaton = protocol.automaton(role);
    let direction = automaton.direction(state).unwrap_or(Direction::Receive);
    automaton.moves(state).iter().map(move |transition| Move {
        direction,
        peer: protocol.role_name(transition.peer).clone(),
        label: protocol.label_name(transition.label).clone(),
        payload: protocol.message(transition.message).payload.clone(),
    })
}

/// The name of a role that may be unknown.
pub(super) fn role_name(protocol: &Protocol, role: RoleIx) -> Option<Name> {
    (role.index() < protocol.roles().len()).then(|| protocol.role_name(role).clone())
}

/// The name of a label that may be unknown.
pub(super) fn label_name(protocol: &Protocol, label: LabelIx) -> Option<Name> {
    protocol.labels().get(label.index()).cloned()
}

/// `From → To`.
pub(super) fn edge_name(protocol: &Protocol, from: RoleIx, to: RoleIx) -> Box<str> {
    alloc::format!("{} → {}", protocol.role_name(from), protocol.role_name(to)).into()
}

/// `A, B, C`, for lists of what there is.
pub(super) fn listed<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> Box<str> {
    let mut text = String::new();
    for (index, item) in items.into_iter().enumerate() {
        let separator = if index > 0 { ", " } else { "" };
        text.push_str(&alloc::format!("{separator}{item}"));
    }
    text.into()
}
