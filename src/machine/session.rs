//! One session: its endpoints, edges, status, and what it checks before it changes.
//!
//! Every operation is two halves. The first checks everything, in the order of the clauses, and
//! changes nothing; `perform_*` changes everything and cannot fail (law 2).
//!
//! Clauses: MACH-1 to MACH-5, MACH-7, POS-1 to POS-5, EDGE-1 to EDGE-3, LIFE-1 to LIFE-5.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroU32;

use smol_str::SmolStr;

use super::attachment::Attachments;
use super::authority::{Owner, Presented, Scope};
use super::edge::Buffer;
use super::ends::OnLost;
use super::explain::{inactive, receive_not_allowed, send_not_allowed, uncovered};
use super::explain::{unknown_edge, unknown_role};
use super::few::Few;
use super::handler::Handlers;
use super::id::{Generation, Position, Seq, SessionId, Tick};
use super::input::{Open, REASON_BYTES_MAX, Send};
use super::log::Log;
use super::output::{Received, Status};
use super::ownership::{Ownership, Spread};
use super::policy::{Policies, are_covered};
use super::refuse::{Refusal, edge_name};
use super::remember::{Performed, Remembered};
use super::witness::Outstanding;
use crate::types::{CAPACITY_MAX, Edge, Message, Protocol, RoleIx, StateIx, Transition, Value};

/// One role of one session. Packed, and with a number that it never has, so that two of them with
/// what tells that there are two take 24 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, packed(4))]
pub(super) struct Endpoint {
    // INVARIANT(endpoint_follows_type): the state that naive unfolding reaches by the actions so
    // far; one more than its number.
    state: NonZeroU32,
    // INVARIANT(position_counts): the sum of what the role has sent and consumed on its edges.
    position: Position,
}

impl Endpoint {
    #[inline(always)]
    pub(super) fn new(state: StateIx, position: Position) -> Self {
        // No automaton has so many that it would be too much.
        Self { state: NonZeroU32::MIN.saturating_add(state.0), position }
    }

    /// Its state.
    #[inline(always)]
    pub(super) fn state(self) -> StateIx {
        StateIx(self.state.get() - 1)
    }

    /// How many actions it has performed.
    #[inline(always)]
    pub(super) fn position(self) -> Position {
        self.position
    }

    /// Its state and position.
    pub(super) fn now(self) -> (StateIx, Position) {
        (self.state(), self.position)
    }

    /// One action further; its position then.
    #[inline(always)]
    pub(super) fn step(&mut self, next: StateIx) -> Position {
        *self = Self::new(next, Position(self.position.0 + 1));
        self.position
    }
}

/// All protocol state of one session, and the little volatile state that belongs to it.
///
/// With many sessions live a message costs the cache lines that it waits for, and it waits once
/// for those that it asks for at once. So the order of fields is that of memory: a first message
/// between two roles looks at each of the first four lines, and the next one finds them there. What
/// lies behind them is for what happens seldom.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(super) struct Session {
    // 64 bytes: whose it is.
    pub(super) id: SessionId,
    pub(super) ownership: Ownership,
    // 24 and 144 bytes of two roles with two edges.
    pub(super) endpoints: Few<Endpoint>,
    pub(super) edges: Few<Buffer>,
    // 24 bytes.
    /// The place of its protocol in the machine's table.
    pub(super) protocol: u32,
    /// How many messages are on its edges.
    pub(super) queued: u32,
    // INVARIANT(running_counts): how many roles have not ended.
    pub(super) running: u16,
    // INVARIANT(short_path): never shorter than what is there allows.
    pub(super) path: Path,
    /// Whether its roles are known to be safe together at its capacities.
    pub(super) checked: bool,
    pub(super) on_lost: OnLost,
    pub(super) tick: Tick,
    // Behind the fourth line.
    pub(super) seldom: Option<Box<Seldom>>,
    pub(super) status: Status,
    // No message in this process looks at it, and there is room for it here.
    pub(super) attachments: Option<Box<Attachments>>,
}

/// How much there is to look at when a role acts: told at a glance, and never less than there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Path {
    /// Nothing but the action itself follows from an action; the session is active.
    Short,
    /// As `Short`, but for a record.
    Recorded,
    /// Anything may.
    Full,
}

/// As many running roles as no session has.
const VACANT: u16 = u16::MAX;

/// What a plain session has none of: it takes no room until it is used, and one look tells that
/// nothing of it is there.
#[derive(Debug, Clone, Default)]
pub(super) struct Seldom {
    /// When a drain ends.
    pub(super) deadline: Option<Tick>,
    pub(super) remembered: Option<Remembered>,
    pub(super) handlers: Option<Handlers>,
    pub(super) log: Option<Log>,
    pub(super) spread: Option<Box<Spread>>,
    pub(super) outstanding: Option<Box<Outstanding>>,
    pub(super) policies: Option<Policies>,
}

impl Seldom {
    /// Whether an action has to look at it. Whatever a session may have is named here, so that
    /// nothing can be forgotten.
    fn is_plain(&self) -> bool {
        let Self { log: _, deadline, remembered, handlers, spread, outstanding, policies } = self;
        deadline.is_none()
            && (remembered.is_none() && handlers.is_none() && spread.is_none())
            && outstanding.is_none()
            && policies.is_none()
    }

    /// Whether nothing of it is there.
    pub(super) fn is_empty(&self) -> bool {
        self.log.is_none() && self.is_plain()
    }
}

impl Session {
    /// Checks the capacities and makes the session. What a journal says was accepted is not
    /// judged again: `replaying` tells that its record says what was known then.
    pub(super) fn open(
        open: &Open,
        protocol: &Protocol,
        slot: u32,
        tick: Tick,
        replaying: bool,
    ) -> Result<Self, Refusal> {
        if open.capacities.edges.iter().any(|(e, _)| protocol.edge(e.from, e.to).is_none()) {
            return Err(unknown_edge(protocol));
        }
        let asked = open.policies_by_edge(protocol).ok_or_else(|| unknown_edge(protocol))?;
        let edges: Few<Buffer> = open.capacities.vector(protocol).map(Buffer::new).collect();
        for (edge, buffer) in protocol.edges().iter().zip(edges.iter()) {
            if buffer.capacity == 0 || buffer.capacity > CAPACITY_MAX {
                let edge = edge_name(protocol, edge.from, edge.to);
                return Err(Refusal::BadCapacity { edge, capacity: buffer.capacity });
            }
        }
        let policies = Policies::new(&asked, protocol, &edges)?;
        let capacities = edges.iter().map(|buffer| buffer.capacity);
        let covered = || are_covered(protocol, capacities, policies.as_ref());
        let known = if replaying { !open.capacities.unchecked } else { covered() };
        if !known && !open.capacities.unchecked {
            return Err(Refusal::CapacityUnchecked { safe: protocol.evidence().clone() });
        }
        // EDGE-19: nothing is known of roles that drop messages.
        let checked = known && !policies.as_ref().is_some_and(Policies::is_lossy);
        let start = Endpoint::new(StateIx::INITIAL, Position(0));
        let endpoints: Few<Endpoint> = protocol.roles().map(|_| start).collect();
        let roles = 0..u16::try_from(endpoints.len()).expect("ROLES_MAX fits");
        let runs = |role: &u16| !protocol.automaton(RoleIx(*role)).is_end(StateIx::INITIAL);
        let path = match open.journal {
            _ if policies.is_some() => Path::Full,
            true => Path::Recorded,
            false => Path::Short,
        };
        Ok(Self {
            id: open.session,
            path,
            protocol: slot,
            running: u16::try_from(roles.filter(runs).count()).expect("ROLES_MAX fits"),
            checked,
            on_lost: open.on_lost,
            status: Status::Active,
            tick,
            queued: 0,
            endpoints,
            edges,
            ownership: Ownership::of_opener(open.owner.clone(), protocol),
            seldom: (open.journal || policies.is_some()).then(|| {
                let log = open.journal.then(|| Log::new(open.session, protocol));
                Box::new(Seldom { log, policies, ..Seldom::default() })
            }),
            attachments: None,
        })
    }

    /// Whether it is what `open` would make, and its opener still owns it.
    pub(super) fn is_opened_by(&self, open: &Open, protocol: &Protocol) -> bool {
        protocol.digest() == open.protocol
            && self.ownership == Ownership::of_opener(open.owner.clone(), protocol)
            && self.log().is_some() == open.journal
            && open.capacities.edges.iter().all(|(e, _)| protocol.edge(e.from, e.to).is_some())
            && open.capacities.vector(protocol).eq(self.capacities_start())
            && self.has_policies_of(open, protocol)
            && (self.checked || open.capacities.unchecked || self.is_lossy_alone(protocol))
            && self.on_lost == open.on_lost
    }

    /// What stands in a slot where no session is: nothing that a slot's hint could take for one
    /// that acts.
    pub(super) fn vacant(id: SessionId, protocol: u32, nobody: Owner) -> Self {
        let (generation, scope) = (Generation(0), Scope::from_bits(0));
        Self {
            id,
            protocol,
            running: VACANT,
            checked: false,
            status: Status::Closed,
            path: Path::Full,
            tick: Tick(0),
            queued: 0,
            endpoints: Few::Other(Box::new([])),
            edges: Few::Other(Box::new([])),
            ownership: Ownership { owner: nobody, generation, scope },
            on_lost: OnLost::default(),
            seldom: None,
            attachments: None,
        }
    }

    /// Whether it is no session at all.
    #[inline]
    pub(super) fn is_vacant(&self) -> bool {
        self.running == VACANT
    }

    /// What the session keeps of its journal.
    pub(super) fn log(&self) -> Option<&Log> {
        self.seldom.as_ref()?.log.as_ref()
    }

    /// As [`log`](Self::log), to be changed.
    pub(super) fn log_mut(&mut self) -> Option<&mut Log> {
        self.seldom.as_mut()?.log.as_mut()
    }

    /// What its edges are bound to.
    pub(super) fn handlers(&self) -> Option<&Handlers> {
        self.seldom.as_ref()?.handlers.as_ref()
    }

    /// What its roles have done.
    pub(super) fn remembered(&self) -> Option<&Remembered> {
        self.seldom.as_ref()?.remembered.as_ref()
    }

    /// When its drain ends.
    pub(super) fn deadline(&self) -> Option<Tick> {
        self.seldom.as_ref()?.deadline
    }

    /// The path that would do for what is there.
    pub(super) fn path_enough(&self) -> Path {
        match self.seldom.as_deref() {
            _ if self.status != Status::Active => Path::Full,
            None => Path::Short,
            Some(seldom) if !seldom.is_plain() => Path::Full,
            Some(seldom) if seldom.log.is_some() => Path::Recorded,
            // It was made for something and may be again.
            Some(_) => Path::Short,
        }
    }

    /// What a plain session does not have, made now if it is not there.
    pub(super) fn seldom_mut(&mut self) -> &mut Seldom {
        self.path = Path::Full;
        self.seldom.get_or_insert_default()
    }

    /// Whether the presented capability covers an operation.
    pub(super) fn authorize(
        &self,
        protocol: &Protocol,
        by: &Presented,
        needs: Scope,
    ) -> Result<(), Refusal> {
        let covers = self.ownership.covers(self.spread(), by, needs);
        covers.map_err(|why| uncovered(protocol, by, needs, why))
    }

    /// Whether the presented capability covers acting as `role`; the role's endpoint.
    pub(super) fn acting(
        &self,
        protocol: &Protocol,
        by: &Presented,
        role: RoleIx,
    ) -> Result<Endpoint, Refusal> {
        let Some(endpoint) = self.endpoints.get(role.index()) else {
            return Err(unknown_role(protocol));
        };
        self.authorize(protocol, by, Scope::role(role))?;
        Ok(*endpoint)
    }

    /// MACH-4: the transition of a send. Checks everything and changes nothing but the input: its
    /// value becomes what the sort makes of it.
    pub(super) fn sendable<'p>(
        &self,
        protocol: &'p Protocol,
        endpoint: Endpoint,
        send: &mut Send,
    ) -> Result<&'p Transition, Refusal> {
        if !matches!(self.status, Status::Active) {
            return Err(inactive(&self.status));
        }
        self.unfrozen(Scope::role(send.role))?;
        let automaton = protocol.automaton(send.role);
        let Some(transition) = automaton.send(endpoint.state(), send.to, send.label) else {
            return Err(send_not_allowed(protocol, endpoint, send));
        };
        if !transition.kind.admits(&send.value) {
            let given = core::mem::replace(&mut send.value, Value::Unit);
            send.value = conform(protocol, protocol.message(transition.message), given)?;
        }
        if !self.has_room(transition.edge, transition.message) {
            let edge = edge_name(protocol, send.role, send.to);
            let capacity = self.edges[transition.edge.index()].capacity;
            return Err(Refusal::EdgeFull { edge, capacity });
        }
        Ok(transition)
    }

    /// Appends the message and advances the sender; `heaps` counts the bytes of all queues.
    pub(super) fn perform_send(
        &mut self,
        protocol: &Protocol,
        role: RoleIx,
        transition: &Transition,
        value: Value,
        heaps: &mut u64,
    ) -> (Seq, Position) {
        if let Some(remembered) = self.seldom.as_mut().and_then(|seldom| seldom.remembered.as_mut())
            && remembered.keeps(role)
        {
            let at = self.endpoints[role.index()].position();
            let (edge, message) = (transition.edge, transition.message);
            remembered.push(role, Performed::new(at, edge, message, &value));
        }
        let before = self.edges[transition.edge.index()].heap();
        self.make_room(transition.edge, transition.message);
        let buffer = &mut self.edges[transition.edge.index()];
        let seq = buffer.push(transition.message, value);
        *heaps = *heaps + buffer.heap() as u64 - before as u64;
        self.queued += 1;
        (seq, self.advance(protocol, role, transition.next))
    }

    /// EDGE-3: the transition of a receive from `from`: the head of the edge decides which.
    pub(super) fn receivable<'p>(
        &self,
        protocol: &'p Protocol,
        endpoint: Endpoint,
        role: RoleIx,
        from: RoleIx,
    ) -> Result<&'p Transition, Refusal> {
        if self.status.is_terminal() {
            return Err(inactive(&self.status));
        }
        self.unfrozen(Scope::role(role))?;
        let automaton = protocol.automaton(role);
        // The edge by one of the state's own transitions: spares a search among all edges.
        let Some(waiting) = automaton.receive_from(endpoint.state(), from) else {
            return Err(receive_not_allowed(protocol, endpoint, role, from, None));
        };
        let Some(head) = self.edges[waiting.edge.index()].front() else {
            return Err(Refusal::EdgeEmpty { edge: edge_name(protocol, from, role) });
        };
        if waiting.message == head.message {
            return Ok(waiting);
        }
        let label = protocol.message(head.message).label;
        match automaton.receive(endpoint.state(), from, label, head.message) {
            Some(transition) => Ok(transition),
            None => Err(receive_not_allowed(protocol, endpoint, role, from, Some(label))),
        }
    }

    /// Takes the head of the edge and advances the receiver.
    pub(super) fn perform_receive(
        &mut self,
        protocol: &Protocol,
        role: RoleIx,
        transition: &Transition,
    ) -> Received {
        let (seq, value) = self.edges[transition.edge.index()].pop();
        let seq = self.taken(transition.edge, seq);
        self.queued -= 1;
        let position = self.advance(protocol, role, transition.next);
        let (from, label) = (transition.peer, transition.label);
        Received { from, seq, label, value, position }
    }

    fn advance(&mut self, protocol: &Protocol, role: RoleIx, next: StateIx) -> Position {
        if protocol.automaton(role).is_end(next) {
            self.running -= 1;
        }
        self.endpoints[role.index()].step(next)
    }

    /// LIFE-2, LIFE-4: whether the session closes by itself now.
    pub(super) fn is_over(&self, protocol: &Protocol) -> bool {
        match self.status {
            Status::Active => self.running == 0 && self.queued == 0,
            Status::Draining => (0..self.endpoints.len()).all(|role| {
                let state = self.endpoints[role].state();
                let role = RoleIx(u16::try_from(role).expect("ROLES_MAX fits"));
                self.enabled(protocol, role, state, &[]).next().is_none()
            }),
            _ => false,
        }
    }

    /// The messages on each edge.
    pub(super) fn undelivered(&self, protocol: &Protocol) -> Vec<(Edge, u64)> {
        let edges = protocol.edges().iter().zip(self.edges.iter());
        let left = edges.map(|(edge, buffer)| (*edge, buffer.len() as u64));
        left.filter(|(_, count)| *count > 0).collect()
    }
}

/// LIFE-5: the reason as it is kept: cut at a character, within the limit.
pub(super) fn cut(reason: &SmolStr) -> SmolStr {
    cut_to(reason, REASON_BYTES_MAX)
}

/// As [`cut`], to so many bytes.
pub(super) fn cut_to(reason: &SmolStr, most: usize) -> SmolStr {
    match reason.len() <= most {
        true => reason.clone(),
        false => {
            let mut cuts = (0..=most).rev();
            let end = cuts.find(|end| reason.is_char_boundary(*end));
            SmolStr::new(&reason[..end.unwrap_or(0)])
        }
    }
}

fn conform(protocol: &Protocol, message: &Message, value: Value) -> Result<Value, Refusal> {
    message.payload.sort().conform(value).map_err(|error| Refusal::WrongSort {
        label: protocol.label_name(message.label).clone(),
        error: Box::new(error),
    })
}

#[cfg(test)]
mod tests {
    use core::mem::offset_of;

    use super::*;

    const LINE: usize = 64;

    #[test]
    fn a_plain_message_of_two_roles_stays_in_four_cache_lines() {
        assert_eq!(offset_of!(Session, endpoints), LINE);
        assert_eq!(offset_of!(Session, seldom), 4 * LINE);
        assert_eq!(size_of::<Session>(), 5 * LINE);
    }
}
