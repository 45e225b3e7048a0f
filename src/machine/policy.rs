//! What an edge does when it is full: its policy, and the messages that are dropped by it.
//!
//! A message is dropped only where receiving it would change nothing: where it leaves its receiver
//! in the state in which it is received. Every decision is a function of protocol state, so that a
//! replay drops the same messages.
//!
//! A session without policies has nothing of this. Clauses: EDGE-10 to EDGE-19.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

use super::edge::{Buffer, Queued};
use super::id::Seq;
use super::input::Open;
use super::refuse::{Refusal, edge_name};
use super::session::Session;
use super::view::EdgeView;
use crate::types::{CAPACITY_MAX, Direction, Edge, EdgeIx, MessageIx, Protocol, RoleIx, StateIx};

/// What an edge does when a message is sent over it while it is full.
///
/// A policy that drops messages is for telemetry: it drops those alone which leave their receiver
/// in the same state wherever it receives them. While a session has handlers, the head of an edge
/// is never dropped, because a handler may have it: such an edge drops nothing at capacity 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// It refuses the message.
    #[default]
    Block,
    /// It drops the oldest message that may be dropped.
    DropOldest,
    /// A message that may be dropped takes the place of those of its label and sort, also when the
    /// edge is not full.
    LatestValue,
    /// Its capacity doubles, up to this one.
    Resize {
        /// The most messages that it may hold.
        max: u32,
    },
}

impl Policy {
    /// Whether it drops messages.
    #[must_use]
    pub fn is_lossy(self) -> bool {
        matches!(self, Self::DropOldest | Self::LatestValue)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block => f.write_str("block"),
            Self::DropOldest => f.write_str("drop_oldest"),
            Self::LatestValue => f.write_str("latest_value"),
            Self::Resize { max } => write!(f, "resize to {max}"),
        }
    }
}

/// Why an edge cannot have a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsound {
    /// It carries endpoints, and one that is dropped is lost for ever.
    #[error("it carries a `chan`, and is `block` only")]
    Chan,
    /// None of its messages may be dropped.
    #[error(
        "none of its messages may be dropped, as none leaves the receiver where it is \
         wherever it is received"
    )]
    NothingToDrop,
    /// It would begin with more than it may grow to.
    #[error("it begins with {capacity}, and cannot grow to less")]
    Shrinks {
        /// What it begins with.
        capacity: u32,
    },
}

impl Open {
    /// EDGE-10: the policies by edge, in the order of the edges, without those that are `Block`;
    /// `None` if the protocol does not have one of the edges.
    pub(super) fn policies_by_edge(&self, protocol: &Protocol) -> Option<Vec<(EdgeIx, Policy)>> {
        let mut policies: Vec<(EdgeIx, Policy)> = Vec::new();
        for (edge, policy) in &self.policies {
            let edge = protocol.edge(edge.from, edge.to)?;
            match policies.iter_mut().find(|(known, _)| *known == edge) {
                Some((_, known)) => *known = *policy,
                None => policies.push((edge, *policy)),
            }
        }
        policies.retain(|(_, policy)| *policy != Policy::Block);
        policies.sort_unstable_by_key(|(edge, _)| *edge);
        Some(policies)
    }

    /// The same as a record holds them.
    pub(super) fn policies_resolved(&self, protocol: &Protocol) -> Vec<(Edge, Policy)> {
        let policies = self.policies_by_edge(protocol).unwrap_or_default().into_iter();
        policies.map(|(edge, policy)| (protocol.edges()[edge.index()], policy)).collect()
    }
}

/// An edge that has a policy.
#[derive(Debug, Clone)]
pub(super) struct Policed {
    pub(super) edge: EdgeIx,
    pub(super) policy: Policy,
    /// The capacity that it was opened with; it grows from there.
    pub(super) capacity_start: u32,
    /// What may be dropped.
    pub(super) droppable: Vec<MessageIx>,
    pub(super) dropped: u64,
    /// The place behind the last message that was consumed.
    pub(super) passed: Seq,
    // INVARIANT(edge_seqs): the places of the messages on an edge that drops some; else nothing.
    pub(super) seqs: VecDeque<Seq>,
}

/// The edges of a session that have a policy, in order.
#[derive(Debug, Clone)]
pub(super) struct Policies(pub(super) Box<[Policed]>);

impl Policies {
    /// The messages are gone.
    pub(super) fn clear(&mut self) {
        self.0.iter_mut().for_each(|policed| policed.seqs = VecDeque::new());
    }

    /// The bytes that they take.
    pub(super) fn heap(&self) -> usize {
        let of = |policed: &Policed| {
            size_of::<Policed>()
                + policed.droppable.capacity() * size_of::<MessageIx>()
                + policed.seqs.capacity() * size_of::<Seq>()
        };
        self.0.iter().map(of).sum()
    }

    /// EDGE-13: checks the policies; `None` if there is none.
    pub(super) fn new(
        open: &[(EdgeIx, Policy)],
        protocol: &Protocol,
        edges: &[Buffer],
    ) -> Result<Option<Self>, Refusal> {
        let policed = open.iter().map(|(edge, policy)| {
            let (edge, policy) = (*edge, *policy);
            let capacity_start = edges[edge.index()].capacity;
            let Edge { from, to } = protocol.edges()[edge.index()];
            let name = || edge_name(protocol, from, to);
            let refused = |why| Refusal::BadPolicy { edge: name(), policy, why };
            if carries_chan(protocol, edge, from) || carries_chan(protocol, edge, to) {
                return Err(refused(Unsound::Chan));
            }
            let droppable = if policy.is_lossy() { droppable(protocol, edge) } else { Vec::new() };
            match policy {
                Policy::Resize { max } if max > CAPACITY_MAX => {
                    return Err(Refusal::BadCapacity { edge: name(), capacity: max });
                }
                Policy::Resize { max } if max < capacity_start => {
                    return Err(refused(Unsound::Shrinks { capacity: capacity_start }));
                }
                policy if policy.is_lossy() && droppable.is_empty() => {
                    return Err(refused(Unsound::NothingToDrop));
                }
                _ => {}
            }
            let (dropped, passed, seqs) = (0, Seq(0), VecDeque::new());
            Ok(Policed { edge, policy, capacity_start, droppable, dropped, passed, seqs })
        });
        let policed: Box<[Policed]> = policed.collect::<Result<_, _>>()?;
        Ok((!policed.is_empty()).then_some(Self(policed)))
    }

    /// EDGE-19: whether messages may be dropped.
    pub(super) fn is_lossy(&self) -> bool {
        self.0.iter().any(|policed| policed.policy.is_lossy())
    }

    /// EDGE-18: how far an edge may grow.
    pub(super) fn max(&self, edge: usize) -> Option<u32> {
        match self.of(edge)?.policy {
            Policy::Resize { max } => Some(max),
            _ => None,
        }
    }

    fn of(&self, edge: usize) -> Option<&Policed> {
        let at = self.0.binary_search_by_key(&edge, |policed| policed.edge.index()).ok()?;
        Some(&self.0[at])
    }

    fn of_mut(&mut self, edge: usize) -> Option<&mut Policed> {
        let at = self.0.binary_search_by_key(&edge, |policed| policed.edge.index()).ok()?;
        Some(&mut self.0[at])
    }

    /// What the digest covers of them.
    pub(super) fn numbers(&self, mut put: impl FnMut(u64)) {
        for Policed { edge, policy, capacity_start, dropped, passed, seqs, .. } in &self.0 {
            let (kind, max) = policy.bytes();
            let (edge, kind, start) = (edge.0.into(), kind.into(), (*capacity_start).into());
            let numbers = [edge, kind, max.into(), start, *dropped, passed.0, seqs.len() as u64];
            numbers.into_iter().chain(seqs.iter().map(|seq| seq.0)).for_each(&mut put);
        }
    }
}

impl Policy {
    /// Its number and its maximum, in records.
    pub(super) fn bytes(self) -> (u8, u32) {
        match self {
            Self::Block => (0, 0),
            Self::DropOldest => (1, 0),
            Self::LatestValue => (2, 0),
            Self::Resize { max } => (3, max),
        }
    }

    /// The policy with these, if there is one.
    pub(super) fn of_bytes(kind: u8, max: u32) -> Option<Self> {
        match (kind, max) {
            (0, 0) => Some(Self::Block),
            (1, 0) => Some(Self::DropOldest),
            (2, 0) => Some(Self::LatestValue),
            (3, max) => Some(Self::Resize { max }),
            _ => None,
        }
    }
}

/// EDGE-12: whether one of the two roles of an edge has a message with a `chan` on it.
fn carries_chan(protocol: &Protocol, edge: EdgeIx, role: RoleIx) -> bool {
    let automaton = protocol.automaton(role);
    let states = (0..automaton.len()).map(state);
    let mut over = states.flat_map(|at| automaton.moves(at)).filter(|way| way.edge == edge);
    over.any(|way| protocol.message(way.message).payload.sort().has_chan())
}

/// EDGE-11: the messages that leave the receiver where it is in every state that receives them
/// over this edge.
fn droppable(protocol: &Protocol, edge: EdgeIx) -> Vec<MessageIx> {
    let automaton = protocol.automaton(protocol.edges()[edge.index()].to);
    let (mut stay, mut leave) = (Vec::new(), Vec::new());
    for at in (0..automaton.len()).map(state) {
        if automaton.direction(at) == Some(Direction::Receive) {
            for way in automaton.moves(at).iter().filter(|way| way.edge == edge) {
                if way.next == at { &mut stay } else { &mut leave }.push(way.message);
            }
        }
    }
    stay.sort_unstable();
    stay.dedup();
    stay.retain(|message| !leave.contains(message));
    stay
}

fn state(at: usize) -> StateIx {
    StateIx(u32::try_from(at).expect("NODES_MAX fits"))
}

impl Policed {
    fn may_drop(&self, message: MessageIx) -> bool {
        self.droppable.contains(&message)
    }

    /// EDGE-14, EDGE-15: which messages go when this one is sent; the first `kept` stay.
    fn drops<'a>(
        &'a self,
        buffer: &'a Buffer,
        message: MessageIx,
        kept: usize,
    ) -> impl Iterator<Item = usize> + 'a {
        let latest = self.policy == Policy::LatestValue;
        let most = match self.policy {
            Policy::DropOldest => usize::from(buffer.is_full()),
            Policy::LatestValue if self.may_drop(message) => usize::MAX,
            _ => 0,
        };
        let goes = move |queued: &Queued| match latest {
            true => queued.message == message,
            false => self.may_drop(queued.message),
        };
        let places = (kept..buffer.len()).filter(move |at| buffer.get(*at).is_some_and(goes));
        places.take(most)
    }

    fn has_room(&self, buffer: &Buffer, message: MessageIx, kept: usize) -> bool {
        match self.policy {
            Policy::Resize { max } => buffer.len() < max as usize,
            _ => !buffer.is_full() || self.drops(buffer, message, kept).next().is_some(),
        }
    }
}

impl Session {
    pub(super) fn policies(&self) -> Option<&Policies> {
        self.seldom.as_ref()?.policies.as_ref()
    }

    fn policed(&self, edge: usize) -> Option<&Policed> {
        self.policies()?.of(edge)
    }

    /// EDGE-16: how many messages of an edge are kept whatever is sent. A handler or a client may
    /// have the head; whether it has is volatile, whether there were any is not.
    fn kept(&self) -> usize {
        usize::from(self.handlers().is_some() || self.attachments.is_some())
    }

    /// Whether a message can go onto its edge, as that is or as its policy makes it.
    pub(super) fn has_room(&self, edge: EdgeIx, message: MessageIx) -> bool {
        let buffer = &self.edges[edge.index()];
        match self.policed(edge.index()) {
            None => !buffer.is_full(),
            Some(policed) => policed.has_room(buffer, message, self.kept()),
        }
    }

    /// Makes the room that [`has_room`](Self::has_room) has found, for a message that is sent now.
    pub(super) fn make_room(&mut self, edge: EdgeIx, message: MessageIx) {
        let kept = self.kept();
        let policies = self.seldom.as_mut().and_then(|seldom| seldom.policies.as_mut());
        let Some(policed) = policies.and_then(|policies| policies.of_mut(edge.index())) else {
            return;
        };
        let buffer = &mut self.edges[edge.index()];
        let drops: Vec<usize> = policed.drops(buffer, message, kept).collect();
        for at in drops.into_iter().rev() {
            buffer.remove(at);
            policed.seqs.remove(at);
            policed.dropped += 1;
            self.queued -= 1;
        }
        if let Policy::Resize { max } = policed.policy
            && buffer.is_full()
        {
            buffer.capacity = buffer.capacity.saturating_mul(2).min(max);
        }
        if policed.policy.is_lossy() {
            policed.seqs.push_back(buffer.sent);
        }
    }

    /// The place of the message that was just taken from an edge; `seq` on an edge that drops
    /// nothing.
    pub(super) fn taken(&mut self, edge: EdgeIx, seq: Seq) -> Seq {
        let policies = self.seldom.as_mut().and_then(|seldom| seldom.policies.as_mut());
        let policed = policies.and_then(|policies| policies.of_mut(edge.index()));
        let Some(policed) = policed else { return seq };
        let seq = policed.seqs.pop_front().unwrap_or(seq);
        policed.passed = Seq(seq.0 + 1);
        seq
    }

    /// EDGE-17: how many messages of an edge were consumed.
    pub(super) fn consumed(&self, edge: usize) -> Seq {
        Seq(self.edges[edge].consumed().0 - self.dropped(edge))
    }

    /// Whether messages of the edge may be dropped.
    pub(super) fn drops(&self, edge: EdgeIx) -> bool {
        self.policed(edge.index()).is_some_and(|policed| policed.policy.is_lossy())
    }

    /// How many messages of an edge were dropped.
    pub(super) fn dropped(&self, edge: usize) -> u64 {
        self.policed(edge).map_or(0, |policed| policed.dropped)
    }

    /// The capacity that each edge was opened with.
    pub(super) fn capacities_start(&self) -> impl Iterator<Item = u32> + Clone {
        let start = |edge: usize| self.policed(edge).map(|policed| policed.capacity_start);
        self.edges.iter().enumerate().map(move |(at, buffer)| start(at).unwrap_or(buffer.capacity))
    }

    /// Whether its policies are those that `open` asks for.
    pub(super) fn has_policies_of(&self, open: &Open, protocol: &Protocol) -> bool {
        let policed = self.policies().map_or(&[][..], |policies| &policies.0);
        let own = policed.iter().map(|policed| (policed.edge, policed.policy));
        open.policies_by_edge(protocol).is_some_and(|wanted| wanted.into_iter().eq(own))
    }

    /// EDGE-19: whether it is unchecked for no other reason than that it drops messages.
    pub(super) fn is_lossy_alone(&self, protocol: &Protocol) -> bool {
        let lossy = self.policies().filter(|policies| policies.is_lossy());
        lossy.is_some_and(|_| are_covered(protocol, self.capacities_start(), lossy))
    }

    /// Whether `edge_seqs` holds of an edge, and what was dropped of it adds up.
    pub(super) fn is_policed_well(&self, edge: usize) -> bool {
        let (buffer, Some(policed)) = (&self.edges[edge], self.policed(edge)) else { return true };
        let Policed { policy, capacity_start, dropped, passed, seqs, .. } = policed;
        let grown = match policy {
            Policy::Resize { max } => (*capacity_start..=*max).contains(&buffer.capacity),
            _ => buffer.capacity == *capacity_start,
        };
        let gone = buffer.consumed().0;
        if !policy.is_lossy() {
            return grown && *dropped == 0 && seqs.is_empty();
        }
        let ordered = seqs.iter().is_sorted_by(|a, b| a < b);
        let between = seqs.iter().all(|seq| passed <= seq && *seq < buffer.sent);
        grown && ordered && between && seqs.len() == buffer.len() && *dropped <= gone
    }
}

/// The sequence number of the next message of an edge, and how many were dropped directly before
/// it.
pub(super) fn next_seq(policies: Option<&Policies>, edge: usize, buffer: &Buffer) -> (Seq, u64) {
    match policies.and_then(|policies| policies.of(edge)) {
        Some(policed) if policed.policy.is_lossy() => {
            let seq = policed.seqs.front().copied().unwrap_or(buffer.sent);
            (seq, seq.0 - policed.passed.0)
        }
        _ => (buffer.consumed(), 0),
    }
}

/// EDGE-18: whether the roles are known to be safe together at these capacities, and at those that
/// the edges may grow to: an edge that grows blocks where it has grown to its maximum.
pub(super) fn are_covered(
    protocol: &Protocol,
    capacities: impl Iterator<Item = u32> + Clone,
    policies: Option<&Policies>,
) -> bool {
    let max = |edge: usize| policies.and_then(|policies| policies.max(edge));
    let grown = capacities.clone().enumerate();
    let grown = grown.map(|(at, capacity)| max(at).unwrap_or(capacity));
    protocol.evidence().covers(capacities) && protocol.evidence().covers(grown)
}

impl<'a> EdgeView<'a> {
    /// What it does when it is full.
    #[must_use]
    pub fn policy(self) -> Policy {
        let (session, edge) = self.parts();
        session.policed(edge).map_or(Policy::Block, |policed| policed.policy)
    }

    /// How many messages it could hold when the session was opened.
    #[must_use]
    pub fn capacity_start(self) -> u32 {
        let (session, edge) = self.parts();
        session.policed(edge).map_or(session.edges[edge].capacity, |policed| policed.capacity_start)
    }

    /// How many messages were dropped.
    #[must_use]
    pub fn dropped(self) -> u64 {
        let (session, edge) = self.parts();
        session.dropped(edge)
    }

    /// EDGE-17: how many messages were dropped directly before the next one.
    #[must_use]
    pub fn dropped_before(self) -> u64 {
        let (session, edge) = self.parts();
        next_seq(session.policies(), edge, &session.edges[edge]).1
    }

    /// The sequence numbers of the messages on it; where some were dropped there are gaps.
    pub fn seqs(self) -> impl ExactSizeIterator<Item = Seq> + 'a {
        let (session, edge) = self.parts();
        let (buffer, policed) = (&session.edges[edge], session.policed(edge));
        let first = buffer.consumed().0;
        (0..buffer.len()).map(move |at| {
            let kept = policed.and_then(|policed| policed.seqs.get(at).copied());
            kept.unwrap_or(Seq(first + at as u64))
        })
    }
}
