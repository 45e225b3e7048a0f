//! What a client must not lose in part.

use alloc::collections::VecDeque;
use alloc::sync::Arc;

use smol_str::SmolStr;

use crate::resume::sequencer::{Inbound, Offer};
use crate::types::{
    CAPACITY_MAX, Direction, LabelIx, LocalType, LocalTypes, Name, Protocol, RoleIx, StateIx, Value,
};
use crate::wire::payload::Payload;

/// How many actions an outbox holds, where nothing else is said.
pub const OUTBOX_DEFAULT: usize = 64;

/// The most actions that an outbox may be given room for.
pub const OUTBOX_MAX: usize = 65_536;

/// How many messages of one sender may wait to be consumed: as many as an edge holds at most.
pub const INBOX_MAX: usize = CAPACITY_MAX as usize;

/// How far ahead of those before it a message may arrive.
const INBOX_WINDOW: u32 = 1024;

/// An action of the outbox.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A send.
    Send {
        /// The receiver.
        to: Name,
        /// The message's name.
        label: Name,
        /// What it carries.
        value: Value,
        /// Of which sort that is.
        payload: crate::types::Payload,
    },
    /// A receive, where it has to be said which it was.
    Receive {
        /// The sender.
        from: Name,
    },
}

/// A consumed message.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// Who sent it.
    pub from: Name,
    /// Its place on its edge.
    pub seq: u64,
    /// Its name.
    pub label: Name,
    /// What it carried.
    pub value: Value,
    /// Of which sort that is.
    pub payload: crate::types::Payload,
    /// The position behind it: kept together with the effects of the message, it says after a crash
    /// which messages have had theirs.
    pub position: u64,
}

/// Something that a role may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegalMove<'a> {
    /// Whether it sends or receives.
    pub direction: Direction,
    /// The other role.
    pub peer: &'a Name,
    /// The message's name.
    pub label: &'a Name,
    /// What it carries.
    pub payload: &'a crate::types::Payload,
}

/// Why a client does not do something; nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxRefusal {
    /// It was never told where its role is.
    #[error("the role was never attached: what it may do is not known yet")]
    Unknown,
    /// The type does not allow it.
    #[error("{attempt} is not allowed at position {position}; legal now: {moves}")]
    NotAllowed {
        /// What was tried.
        attempt: Box<str>,
        /// Where.
        position: u64,
        /// What is allowed.
        moves: Box<str>,
    },
    /// The value is not of the label's sort.
    #[error("`{label}`: {error}")]
    WrongSort {
        /// The message.
        label: Box<str>,
        /// What is wrong.
        error: Box<str>,
    },
    /// As many actions as may be are not acknowledged yet.
    #[error("{capacity} actions are not acknowledged yet, and the outbox holds no more")]
    Full {
        /// How many it holds.
        capacity: usize,
    },
    /// Nothing has come that could be received now.
    #[error("nothing has come from {from}")]
    Empty {
        /// Who may send.
        from: Box<str>,
    },
    /// It is over.
    #[error("the session is over for this role: {why}")]
    Over {
        /// How.
        why: Box<str>,
    },
}

/// A text that is not the local type of a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a local type: {reason}")]
pub struct TypeError {
    /// The text.
    pub text: Box<str>,
    /// What is wrong with it.
    pub reason: Box<str>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) at: u64,
    pub(super) action: Action,
}

/// What has arrived from one role.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Inbox {
    pub(super) from: RoleIx,
    /// How many of its messages were consumed.
    pub(super) consumed: u64,
    arrived: Inbound<(LabelIx, Payload)>,
    ready: VecDeque<(LabelIx, Payload)>,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Memory {
    /// The role's own type as a protocol in which nobody else does anything.
    pub(super) protocol: Arc<Protocol>,
    pub(super) role: RoleIx,
    pub(super) state: StateIx,
    pub(super) position: u64,
    pub(super) acked: u64,
    pub(super) outbox: VecDeque<Entry>,
    pub(super) capacity: usize,
    pub(super) inboxes: Vec<Inbox>,
}

impl Memory {
    /// A role that is at `position` and may do what `local` says; from each role it has consumed so
    /// many messages.
    ///
    /// # Errors
    /// [`TypeError`].
    pub fn new(
        role: &str,
        local: &str,
        position: u64,
        consumed: &[(SmolStr, u64)],
        capacity: usize,
    ) -> Result<Self, TypeError> {
        let (protocol, role) = protocol_of(role, local)?;
        let inboxes = protocol.edges().iter().filter(|edge| edge.to == role).map(|edge| {
            let name = protocol.role_name(edge.from);
            let consumed = consumed.iter().find(|(from, _)| **from == **name);
            Inbox::new(edge.from, consumed.map_or(0, |(_, count)| *count))
        });
        let inboxes = inboxes.collect();
        Ok(Self {
            state: StateIx(0),
            position,
            acked: position,
            outbox: VecDeque::new(),
            capacity: capacity.clamp(1, OUTBOX_MAX),
            inboxes,
            protocol: Arc::new(protocol),
            role,
        })
    }

    /// The role's own type as a protocol in which nobody else does anything.
    #[must_use]
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// Its role, in [`protocol`](Self::protocol).
    #[must_use]
    pub fn role(&self) -> RoleIx {
        self.role
    }

    /// How many actions it has performed.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Everything before this position is known to be kept.
    #[must_use]
    pub fn acked(&self) -> u64 {
        self.acked
    }

    /// The actions that are not acknowledged, with their positions, in order.
    pub fn outbox(&self) -> impl ExactSizeIterator<Item = (u64, &Action)> {
        self.outbox.iter().map(|entry| (entry.at, &entry.action))
    }

    /// The first action of the outbox at or behind a position.
    pub(super) fn outbox_from(&self, at: u64) -> Option<(u64, &Action)> {
        let first = self.outbox.partition_point(|entry| entry.at < at);
        self.outbox.get(first).map(|entry| (entry.at, &entry.action))
    }

    /// Whether the role has nothing more to do.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.protocol.automaton(self.role).is_end(self.state)
    }

    /// What the role may do now, as its local type says it.
    #[must_use]
    pub fn moves(&self) -> String {
        let moves = self.legal_moves().map(|legal| {
            let LegalMove { direction, peer, label, payload } = legal;
            format!("{peer}{}{label}{payload}", direction.symbol())
        });
        let moves = moves.collect::<Vec<_>>().join(", ");
        if moves.is_empty() { String::from("nothing: it has ended") } else { moves }
    }

    /// Whether its next action is a send.
    pub(super) fn sends_next(&self) -> bool {
        let direction = self.protocol.automaton(self.role).direction(self.state);
        direction == Some(Direction::Send)
    }

    /// What it may do now: all of it sends, or all of it receives.
    pub fn legal_moves(&self) -> impl Iterator<Item = LegalMove<'_>> {
        let automaton = self.protocol.automaton(self.role);
        let direction = automaton.direction(self.state).unwrap_or(Direction::Receive);
        automaton.moves(self.state).iter().map(move |transition| {
            let message = self.protocol.message(transition.message);
            LegalMove {
                direction,
                peer: self.protocol.role_name(transition.peer),
                label: self.protocol.label_name(message.label),
                payload: &message.payload,
            }
        })
    }

    /// What is left of it when its process is killed: not what has arrived and was not consumed,
    /// which the machine still has.
    #[must_use]
    pub fn kept(&self) -> Self {
        let inboxes = self.inboxes.iter().map(|inbox| Inbox::new(inbox.from, inbox.consumed));
        Self { inboxes: inboxes.collect(), ..self.clone() }
    }

    fn not_allowed(&self, attempt: String) -> OutboxRefusal {
        OutboxRefusal::NotAllowed {
            attempt: attempt.into(),
            position: self.position,
            moves: self.moves().into(),
        }
    }

    /// OUT-1: the owner decides a send; its position.
    ///
    /// # Errors
    /// `NotAllowed`, `WrongSort`, `Full`.
    pub fn send(&mut self, to: &str, label: &str, value: Value) -> Result<u64, OutboxRefusal> {
        let attempt = || format!("`{label}` to `{to}`");
        let (peer, known) = (self.protocol.role(to), self.protocol.label(label));
        let transition = peer.zip(known).and_then(|(peer, label)| {
            self.protocol.automaton(self.role).send(self.state, peer, label)
        });
        let Some(transition) = transition else { return Err(self.not_allowed(attempt())) };
        let message = self.protocol.message(transition.message);
        let value = message.payload.sort().conform(value).map_err(|error| {
            let error = error.to_string().into();
            OutboxRefusal::WrongSort { label: label.into(), error }
        })?;
        if self.outbox.len() >= self.capacity {
            return Err(OutboxRefusal::Full { capacity: self.capacity });
        }
        let action = Action::Send {
            to: self.protocol.role_name(transition.peer).clone(),
            label: self.protocol.label_name(transition.label).clone(),
            value,
            payload: message.payload.clone(),
        };
        let (at, next) = (self.position, transition.next);
        self.outbox.push_back(Entry { at, action });
        (self.position, self.state) = (at + 1, next);
        Ok(at)
    }

    /// OUT-2: consumes what comes next from `from`, or from whichever role has something that may
    /// be received now.
    ///
    /// # Errors
    /// `NotAllowed`, `Empty`, `Full`.
    pub fn receive(&mut self, from: Option<&str>) -> Result<Taken, OutboxRefusal> {
        let automaton = self.protocol.automaton(self.role);
        let receives = automaton.receives(self.state);
        let waits_for = |peer: RoleIx| receives.iter().any(|receive| receive.peer == peer);
        let named = from.map(|name| self.protocol.role(name));
        let allowed = match named {
            Some(peer) => peer.is_some_and(waits_for),
            None => !receives.is_empty(),
        };
        if !allowed {
            let from = from.map_or_else(|| "anybody".into(), |from| format!("`{from}`"));
            return Err(self.not_allowed(format!("a receive from {from}")));
        }
        let found = self.inboxes.iter().enumerate().find_map(|(index, inbox)| {
            let is_asked = named.flatten().is_none_or(|peer| peer == inbox.from);
            let (label, _) = inbox.ready.front().filter(|_| is_asked)?;
            let mut fitting = receives.iter();
            let fits = fitting.find(|one| one.peer == inbox.from && one.label == *label)?;
            Some((index, *fits))
        });
        let Some((index, transition)) = found else {
            let mut peers: Vec<&Name> =
                receives.iter().map(|receive| self.protocol.role_name(receive.peer)).collect();
            peers.dedup();
            let from = peers.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
            return Err(OutboxRefusal::Empty { from: from.join(" or ").into() });
        };
        let is_said = receives.iter().any(|receive| receive.peer != transition.peer);
        if is_said && self.outbox.len() >= self.capacity {
            return Err(OutboxRefusal::Full { capacity: self.capacity });
        }
        let inbox = &mut self.inboxes[index];
        let (label, payload) = inbox.ready.front().expect("it was looked at");
        let (label, sort) = (*label, self.protocol.message(transition.message).payload.sort());
        let value = payload.value(sort).map_err(|error| OutboxRefusal::WrongSort {
            label: self.protocol.label_name(label).as_str().into(),
            error: error.to_string().into(),
        })?;
        inbox.ready.pop_front();
        let seq = inbox.consumed;
        inbox.consumed += 1;
        let from = self.protocol.role_name(transition.peer).clone();
        if is_said {
            let action = Action::Receive { from: from.clone() };
            self.outbox.push_back(Entry { at: self.position, action });
        }
        (self.position, self.state) = (self.position + 1, transition.next);
        let payload = self.protocol.message(transition.message).payload.clone();
        let label = self.protocol.label_name(label).clone();
        Ok(Taken { from, seq, label, value, payload, position: self.position })
    }

    /// OUT-3: a message arrives; what was consumed or is here already is dropped. `false` if it is
    /// none that the type knows, or more have come than an edge holds.
    pub(super) fn arrived(&mut self, from: &str, seq: u64, label: &str, value: Payload) -> bool {
        let Some((peer, label)) = self.protocol.role(from).zip(self.protocol.label(label)) else {
            return false;
        };
        let Some(inbox) = self.inboxes.iter_mut().find(|inbox| inbox.from == peer) else {
            return false;
        };
        // Messages on an edge are numbered from 0, those of a sequencer from 1.
        let Some(number) = seq.checked_add(1) else { return false };
        if inbox.ready.len() >= INBOX_MAX {
            return false;
        }
        if let Offer::Deliver(one) = inbox.arrived.offer(number, (label, value)) {
            inbox.ready.push_back(one);
            inbox.ready.extend(inbox.arrived.flush_pending().map(|(_, one)| one));
        }
        true
    }

    /// OUT-4: everything before `position` is kept.
    pub(super) fn acknowledged(&mut self, position: u64) {
        self.acked = self.acked.max(position);
        while self.outbox.front().is_some_and(|entry| entry.at < self.acked) {
            self.outbox.pop_front();
        }
    }
}

impl Inbox {
    fn new(from: RoleIx, consumed: u64) -> Self {
        let mut arrived = Inbound::with_window(INBOX_WINDOW);
        arrived.resume_to(consumed);
        Self { from, consumed, arrived, ready: VecDeque::new() }
    }
}

/// A local type as a protocol: its role, and partners that do nothing.
pub(super) fn protocol_of(role: &str, local: &str) -> Result<(Protocol, RoleIx), TypeError> {
    let wrong = |reason: &dyn core::fmt::Display| TypeError {
        text: local.into(),
        reason: reason.to_string().into(),
    };
    let owner: Name = role.parse().map_err(|error| wrong(&error))?;
    let own: LocalType = local.parse().map_err(|error| wrong(&error))?;
    let peers: Vec<Name> = own.peers().into_iter().cloned().collect();
    let peers = peers.into_iter().map(|peer| (peer, LocalType::end()));
    let roles = core::iter::once((owner.clone(), own)).chain(peers);
    let (locals, _) = LocalTypes::new(roles).map_err(|error| wrong(&error))?;
    let protocol = Protocol::unchecked(owner, locals).map_err(|error| wrong(&error))?;
    let ix = protocol.role(role).ok_or_else(|| wrong(&"it is of no role"))?;
    Ok((protocol, ix))
}
