//! What is left of sessions that were reaped: enough to answer who asks for a session that has
//! ended, in a ring of bounded length.
//!
//! Clauses: LIFE-14, LIFE-15.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;

use hashbrown::HashMap;

use super::edge::Buffer;
use super::id::{Seq, SessionId, Tick};
use super::log::Log;
use super::memory::Weight;
use super::output::Status;
use super::record::Head;
use super::session::Session;
use super::view::{EndpointView, HoldingView, SessionView};
use crate::types::{Edge, Name, Protocol, RoleIx};

/// How many reaped sessions a machine keeps an account of, unless it is told otherwise.
pub const ARCHIVE_MAX: usize = 65_536;

/// What is left of a session that was reaped: all that its digest covers, but for the values of
/// messages that were never consumed, of which the number is left.
#[derive(Debug, Clone)]
pub struct ClosedSession {
    /// Without its messages and its log.
    pub(super) session: Session,
    protocol: Arc<Protocol>,
    /// By edge; nothing where every message was consumed.
    undelivered: Box<[(u16, u64)]>,
    journal: Option<(u64, Head)>,
}

/// One edge of a session that was reaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedEdge<'a> {
    /// Between whom.
    pub edge: Edge,
    /// How many messages were sent over it.
    pub sent: Seq,
    /// How many of them were consumed.
    pub consumed: Seq,
    /// How many of them its policy has dropped.
    pub dropped: u64,
    /// The handler that it was bound to itself.
    pub handler: Option<&'a Name>,
}

impl ClosedSession {
    /// Of a session that has ended and whose records are durable.
    pub(super) fn of(mut session: Session, protocol: &Arc<Protocol>) -> Self {
        let left = |(index, buffer): (usize, &Buffer)| {
            let index = u16::try_from(index).expect("edges are numbered by u16");
            (buffer.len() > 0).then_some((index, buffer.len() as u64))
        };
        let undelivered = session.edges.iter().enumerate().filter_map(left).collect();
        session.edges.iter_mut().for_each(Buffer::clear);
        session.queued = 0;
        if let Some(policies) = session.seldom.as_mut().and_then(|seldom| seldom.policies.as_mut())
        {
            policies.clear();
        }
        let log = session.seldom.as_mut().and_then(|seldom| seldom.log.take());
        let journal = log.map(|log: Log| (log.len(), log.head));
        if session.seldom.as_ref().is_some_and(|seldom| seldom.is_empty()) {
            session.seldom = None;
        }
        Self { session, protocol: Arc::clone(protocol), undelivered, journal }
    }

    /// Its identity.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.session.id
    }

    /// What it ran.
    #[must_use]
    pub fn protocol(&self) -> &Arc<Protocol> {
        &self.protocol
    }

    /// How it ended.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.session.status
    }

    /// When it ended.
    #[must_use]
    pub fn tick(&self) -> Tick {
        self.session.tick
    }

    /// Whether its roles were known to be safe together at its capacities.
    #[must_use]
    pub fn is_checked(&self) -> bool {
        self.session.checked
    }

    fn view(&self) -> SessionView<'_> {
        SessionView::of(&self.session, &self.protocol)
    }

    /// Its roles as they stood at the end, in declared order.
    pub fn endpoints(&self) -> impl ExactSizeIterator<Item = EndpointView<'_>> {
        self.view().endpoints()
    }

    /// One of them, if the protocol has it.
    #[must_use]
    pub fn endpoint(&self, role: RoleIx) -> Option<EndpointView<'_>> {
        self.view().endpoint(role)
    }

    /// Its edges, sorted by sender and receiver.
    pub fn edges(&self) -> impl ExactSizeIterator<Item = ClosedEdge<'_>> {
        let edges = self.protocol.edges().iter().zip(self.session.edges.iter()).enumerate();
        edges.map(|(index, (edge, buffer))| {
            let mut left = self.undelivered.iter();
            let left = left.find(|(of, _)| usize::from(*of) == index).map_or(0, |(_, left)| *left);
            let dropped = self.session.dropped(index);
            ClosedEdge {
                edge: *edge,
                sent: buffer.sent,
                consumed: Seq(buffer.sent.0 - left - dropped),
                dropped,
                handler: self.session.handlers().and_then(|bound| bound.bound[index].as_ref()),
            }
        })
    }

    /// The handler of every edge that was bound to no other.
    #[must_use]
    pub fn default_handler(&self) -> Option<&Name> {
        self.view().default_handler()
    }

    /// Who owned what at the end: all fragments, each in one of them.
    pub fn holdings(&self) -> impl Iterator<Item = HoldingView<'_>> {
        self.view().holdings()
    }

    /// How many records its journal has, and the chain over them, if it kept one.
    #[must_use]
    pub fn journal(&self) -> Option<(u64, Head)> {
        self.journal
    }

    /// What it holds beside its place in the archive.
    fn heap(&self) -> usize {
        let weight = usize::try_from(Weight::of(&self.session).bytes());
        weight.unwrap_or(usize::MAX) + size_of_val(&*self.undelivered)
    }
}

/// The last sessions that were reaped, in the order in which they were.
#[derive(Debug)]
pub(super) struct Archive {
    // INVARIANT(archive_bounded): at most `most`.
    ring: VecDeque<ClosedSession>,
    most: usize,
    /// The number of the first one in the ring; the others follow.
    first: u64,
    numbers: HashMap<SessionId, u64>,
    // INVARIANT(archive_counted): what the sessions hold beside their places.
    held: usize,
}

impl Default for Archive {
    fn default() -> Self {
        Self::new(ARCHIVE_MAX)
    }
}

impl Clone for Archive {
    /// A copy may have allocated less than what it was copied from: it is counted anew.
    fn clone(&self) -> Self {
        let (ring, numbers) = (self.ring.clone(), self.numbers.clone());
        let held = ring.iter().map(ClosedSession::heap).sum();
        Self { ring, numbers, held, most: self.most, first: self.first }
    }
}

impl Archive {
    /// For at most so many sessions.
    pub(super) fn new(most: usize) -> Self {
        let (ring, numbers) = (VecDeque::new(), HashMap::new());
        Self { ring, most, first: 0, numbers, held: 0 }
    }

    pub(super) fn get(&self, id: SessionId) -> Option<&ClosedSession> {
        let number = self.numbers.get(&id)? - self.first;
        self.ring.get(usize::try_from(number).expect("it is a place in the ring"))
    }

    /// LIFE-15: keeps a session, and lets go of the oldest one where there is no room.
    pub(super) fn keep(&mut self, closed: ClosedSession) {
        if self.most == 0 {
            return;
        }
        if self.ring.len() == self.most
            && let Some(oldest) = self.ring.pop_front()
        {
            self.numbers.remove(&oldest.id());
            self.held -= oldest.heap();
            self.first += 1;
        }
        self.numbers.insert(closed.id(), self.first + self.ring.len() as u64);
        self.held += closed.heap();
        self.ring.push_back(closed);
    }

    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &ClosedSession> {
        self.ring.iter()
    }

    /// The bytes that it takes.
    pub(super) fn heap(&self) -> usize {
        self.places() + self.held
    }

    /// As [`heap`](Self::heap), by looking at every session.
    pub(super) fn heap_counted(&self) -> usize {
        self.places() + self.ring.iter().map(ClosedSession::heap).sum::<usize>()
    }

    fn places(&self) -> usize {
        self.ring.capacity() * size_of::<ClosedSession>() + self.numbers.allocation_size()
    }

    /// Whether `archive_bounded` holds, and each one is found by its id.
    pub(super) fn is_bounded(&self) -> bool {
        let found = |closed: &ClosedSession| self.get(closed.id()).map(ClosedSession::id);
        self.ring.len() <= self.most
            && self.numbers.len() == self.ring.len()
            && self.ring.iter().all(|closed| found(closed) == Some(closed.id()))
    }
}

/// Sessions that can be reaped, in the order in which they could be first.
#[derive(Debug, Clone, Default)]
pub(super) struct Ended {
    queue: VecDeque<SessionId>,
    /// How many of them were reaped out of turn.
    stale: usize,
}

impl Ended {
    pub(super) fn push(&mut self, id: SessionId) {
        self.queue.push_back(id);
    }

    /// The first one; it may be gone already.
    pub(super) fn pop(&mut self) -> Option<SessionId> {
        self.queue.pop_front()
    }

    /// One that stood here was not there any more.
    pub(super) fn was_stale(&mut self) {
        self.stale = self.stale.saturating_sub(1);
    }

    /// One was reaped out of turn. When half of them are gone, the others move up: so the queue is
    /// never longer than twice what there is, at a constant cost for each.
    pub(super) fn gone(&mut self, is_there: impl Fn(SessionId) -> bool) {
        self.stale += 1;
        if self.stale * 2 > self.queue.len() {
            self.queue.retain(|id| is_there(*id));
            self.stale = 0;
        }
    }

    pub(super) fn heap(&self) -> usize {
        self.queue.capacity() * size_of::<SessionId>()
    }
}

impl super::Machine {
    /// A session that was reaped, as long as the archive has it.
    #[must_use]
    pub fn archived(&self, id: SessionId) -> Option<&ClosedSession> {
        self.archive.get(id)
    }

    /// All sessions of the archive, the one that was reaped first in front.
    pub fn archive(&self) -> impl ExactSizeIterator<Item = &ClosedSession> {
        self.archive.iter()
    }

    /// What a session runs or ran: one that is there, or in the archive.
    #[must_use]
    pub fn protocol_of(&self, id: SessionId) -> Option<&Arc<Protocol>> {
        let session = self.sessions.find(id, u32::MAX).map(|slot| self.sessions.at(slot));
        let live = session.map(|session| &self.protocols[session.protocol as usize]);
        live.or_else(|| self.archive.get(id).map(ClosedSession::protocol))
    }

    /// The same machine with room for so many reaped sessions; what it had archived is forgotten.
    /// With room for none a session is unknown as soon as it is reaped.
    #[must_use]
    pub fn with_archive(self, most: usize) -> Self {
        Self { archive: Archive::new(most), ..self }
    }
}
