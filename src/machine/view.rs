//! What can be seen of a session, without changing it.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Machine;
use super::authority::{Owner, Scope};
use super::edge::Queued;
use super::ends::{CancellationWitness, OnLost};
use super::id::{Generation, Position, Seq, SessionId, Tick, TimerId};
use super::output::Status;
use super::ownership::Held;
use super::receipt::Receipt;
use super::refuse::{Move, moves};
use super::remember::Performed;
use super::session::Session;
use super::site::Armed;
use super::token::Serials;
use super::witness::{Readiness, TimeoutWitness};
use crate::types::{
    Diagnostics, Edge, LabelIx, LocalType, MessageIx, Name, Protocol, RoleIx, StateIx, Transition,
};

/// A session as it stands.
#[derive(Clone, Copy)]
pub struct SessionView<'a> {
    session: &'a Session,
    protocol: &'a Arc<Protocol>,
}

/// What one owner has of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldingView<'a> {
    /// Whose it is, or whose it was last.
    pub owner: &'a Owner,
    /// Under which generation.
    pub generation: Generation,
    /// Which fragments.
    pub scope: Scope,
    /// Whether it is nobody's now.
    pub released: bool,
}

/// One role of a session as it stands.
#[derive(Clone, Copy)]
pub struct EndpointView<'a> {
    of: SessionView<'a>,
    role: RoleIx,
}

/// One edge of a session as it stands.
#[derive(Clone, Copy)]
pub struct EdgeView<'a> {
    of: SessionView<'a>,
    index: usize,
}

impl Machine {
    /// A session, if there is one of this id.
    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<SessionView<'_>> {
        self.session_hinted(id, u32::MAX)
    }

    /// As [`session`](Self::session), with the hint of a presented capability.
    #[must_use]
    pub fn session_hinted(&self, id: SessionId, hint: u32) -> Option<SessionView<'_>> {
        let session = self.sessions.at(self.sessions.find(id, hint)?);
        Some(SessionView { session, protocol: &self.protocols[session.protocol as usize] })
    }

    /// All sessions that are live or terminal, in the order in which they were opened, as long as
    /// none was reaped: later ones take the places of those.
    pub fn sessions(&self) -> impl Iterator<Item = SessionView<'_>> {
        let protocol = |session: &Session| &self.protocols[session.protocol as usize];
        self.sessions
            .iter()
            .map(move |session| SessionView { session, protocol: protocol(session) })
    }

    /// How many sessions there are, live and terminal.
    #[must_use]
    pub fn sessions_len(&self) -> usize {
        self.sessions.len()
    }

    /// A registered protocol.
    #[must_use]
    pub fn protocol(&self, digest: crate::types::ProtocolDigest) -> Option<&Arc<Protocol>> {
        self.protocol_slots.get(&digest).map(|slot| &self.protocols[*slot as usize])
    }
}

impl<'a> SessionView<'a> {
    pub(super) fn of(session: &'a Session, protocol: &'a Arc<Protocol>) -> Self {
        Self { session, protocol }
    }

    /// Its identity.
    #[must_use]
    pub fn id(self) -> SessionId {
        self.session.id
    }

    /// What it runs.
    #[must_use]
    pub fn protocol(self) -> &'a Arc<Protocol> {
        self.protocol
    }

    /// Where it stands.
    #[must_use]
    pub fn status(self) -> &'a Status {
        &self.session.status
    }

    /// When it last changed.
    #[must_use]
    pub fn tick(self) -> Tick {
        self.session.tick
    }

    /// EDGE-5: whether its roles are known to be safe together at its capacities. If not, whoever
    /// opened it has insisted.
    #[must_use]
    pub fn is_checked(self) -> bool {
        self.session.checked
    }

    /// Who has the lifecycle, or had it last: the owner, under which generation, with which
    /// fragments.
    #[must_use]
    pub fn owner(self) -> (&'a Owner, Generation, Scope) {
        let mut holdings = self.holdings();
        let held = holdings.find(|held| held.scope.covers(Scope::LIFECYCLE));
        let HoldingView { owner, generation, scope, .. } = held.expect("each fragment is in one");
        (owner, generation, scope)
    }

    /// Who owns what: all fragments, each in one of them, those of the opener first.
    pub fn holdings(self) -> impl Iterator<Item = HoldingView<'a>> {
        let holdings = self.session.ownership.holdings(self.session.spread());
        holdings.filter(|held| !held.scope.is_empty()).map(|held| {
            let Held { owner, generation, scope, released } = held;
            HoldingView { owner, generation, scope, released }
        })
    }

    /// The receipts of the transfers in flight.
    pub fn staged(self) -> impl ExactSizeIterator<Item = &'a Receipt> {
        self.session.staged().iter().map(|staged| &staged.receipt)
    }

    /// The serials of resume tokens, of each holding that has some.
    pub fn serials(self) -> impl ExactSizeIterator<Item = &'a Serials> {
        self.session.serials().iter()
    }

    /// What becomes of it when one of its owners is lost.
    #[must_use]
    pub fn on_lost(self) -> OnLost {
        self.session.on_lost
    }

    /// That it was cancelled or faulted, if it was.
    #[must_use]
    pub fn cancellation(self) -> Option<CancellationWitness> {
        let reason = self.session.status.reason()?.into();
        Some(CancellationWitness { session: self.session.id, reason })
    }

    /// The readiness witnesses that are outstanding.
    pub fn readiness(self) -> impl Iterator<Item = &'a Readiness> {
        let all = self.session.outstanding().into_iter();
        all.flat_map(|all| &all.readiness).map(|ready| &ready.witness)
    }

    /// The timeout witnesses that are outstanding.
    pub fn timeouts(self) -> impl Iterator<Item = &'a TimeoutWitness> {
        self.session.outstanding().into_iter().flat_map(|all| &all.timeouts)
    }

    /// The witness that a timer left when it ran out, as long as it is outstanding.
    #[must_use]
    pub fn timeout(self, timer: TimerId) -> Option<&'a TimeoutWitness> {
        let all = self.session.outstanding()?;
        let at = all.ran_out.iter().position(|ran_out| *ran_out == timer)?;
        all.timeouts.get(at)
    }

    /// The timers that somebody armed and that have not run out.
    pub fn timers(self) -> impl Iterator<Item = &'a Armed> {
        let all = self.session.outstanding().into_iter();
        all.flat_map(|all| &all.armed).map(|watch| &watch.timer)
    }

    pub(super) fn session(self) -> &'a Session {
        self.session
    }

    /// When its drain ends.
    #[must_use]
    pub fn deadline(self) -> Option<Tick> {
        self.session.deadline()
    }

    /// How many records its journal has, if it keeps one.
    #[must_use]
    pub fn records_len(self) -> Option<u64> {
        self.session.log().map(|log| log.len())
    }

    /// The handler of every edge that is bound to no other.
    #[must_use]
    pub fn default_handler(self) -> Option<&'a Name> {
        self.session.handlers()?.default.as_ref()
    }

    /// One role, if the protocol has it.
    #[must_use]
    pub fn endpoint(self, role: RoleIx) -> Option<EndpointView<'a>> {
        let known = role.index() < self.session.endpoints.len();
        known.then_some(EndpointView { of: self, role })
    }

    /// All roles, in declared order.
    pub fn endpoints(self) -> impl ExactSizeIterator<Item = EndpointView<'a>> {
        let roles = 0..u16::try_from(self.session.endpoints.len()).expect("ROLES_MAX fits");
        roles.map(move |role| EndpointView { of: self, role: RoleIx(role) })
    }

    /// One edge, if the protocol has it.
    #[must_use]
    pub fn edge(self, from: RoleIx, to: RoleIx) -> Option<EdgeView<'a>> {
        let index = self.protocol.edge(from, to)?.index();
        Some(EdgeView { of: self, index })
    }

    /// One edge by its number.
    ///
    /// # Panics
    /// If the protocol has no such edge.
    #[must_use]
    pub fn edge_at(self, edge: crate::types::EdgeIx) -> EdgeView<'a> {
        assert!(edge.index() < self.session.edges.len(), "the edge is one of the protocol");
        EdgeView { of: self, index: edge.index() }
    }

    /// All edges, sorted by sender and receiver.
    pub fn edges(self) -> impl ExactSizeIterator<Item = EdgeView<'a>> {
        (0..self.session.edges.len()).map(move |index| EdgeView { of: self, index })
    }

    /// The handler that gets the messages of an edge.
    #[must_use]
    pub fn handler(self, edge: Edge) -> Option<&'a Name> {
        let index = self.protocol.edge(edge.from, edge.to)?.index();
        self.session.handlers()?.of(index)
    }
}

impl<'a> EndpointView<'a> {
    pub(super) fn session(self) -> &'a Session {
        self.of.session
    }

    /// Which role it is.
    #[must_use]
    pub fn role(self) -> RoleIx {
        self.role
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'a Name {
        self.of.protocol.role_name(self.role)
    }

    /// The local type that was declared or projected for it.
    #[must_use]
    pub fn original(self) -> &'a LocalType {
        self.of.protocol.local(self.role)
    }

    /// The local type that is left of it, unfolded.
    ///
    /// # Errors
    /// `too_large` if it cannot be written out.
    pub fn current(self) -> Result<LocalType, Diagnostics> {
        self.of.protocol.local_at(self.role, self.state())
    }

    /// The state of its automaton.
    #[must_use]
    pub fn state(self) -> StateIx {
        self.of.session.endpoints[self.role.index()].state()
    }

    /// How many actions it has performed.
    #[must_use]
    pub fn position(self) -> Position {
        self.of.session.endpoints[self.role.index()].position()
    }

    /// What its type allows it to do now.
    pub fn legal_moves(self) -> impl Iterator<Item = Move> + 'a {
        moves(self.of.protocol, self.role, self.state())
    }

    /// The same as numbers, sorted by partner and label.
    #[must_use]
    pub fn transitions(self) -> &'a [Transition] {
        self.of.protocol.automaton(self.role).moves(self.state())
    }

    /// The message that a send at this position would be, as far as the types and what is
    /// remembered tell: `None` if the send is none that can be performed, or was.
    #[must_use]
    pub fn meant(self, to: RoleIx, label: LabelIx, at: Option<Position>) -> Option<MessageIx> {
        self.of.session.meant(self.of.protocol, self.role, to, label, at)
    }

    /// What is remembered of its sends, the oldest first, and from which position on; `None` if it
    /// does not number its actions.
    #[must_use]
    pub fn remembered(self) -> Option<(Position, impl ExactSizeIterator<Item = &'a Performed>)> {
        self.of.session.remembered()?.of(self.role)
    }

    /// Whether its type is done.
    #[must_use]
    pub fn has_ended(self) -> bool {
        self.of.protocol.automaton(self.role).is_end(self.state())
    }
}

impl<'a> EdgeView<'a> {
    /// Between whom.
    #[must_use]
    pub fn edge(self) -> Edge {
        self.of.protocol.edges()[self.index]
    }

    /// The sequence number of the next message that is sent.
    #[must_use]
    pub fn sent(self) -> Seq {
        self.of.session.edges[self.index].sent
    }

    /// How many messages were consumed: on an edge that drops none, the sequence number of the next
    /// one.
    #[must_use]
    pub fn consumed(self) -> Seq {
        self.of.session.consumed(self.index)
    }

    /// The handler that it is bound to itself.
    #[must_use]
    pub fn bound(self) -> Option<&'a Name> {
        self.of.session.handlers()?.bound[self.index].as_ref()
    }

    /// How many messages it can hold, as far as it has grown.
    #[must_use]
    pub fn capacity(self) -> u32 {
        self.of.session.edges[self.index].capacity
    }

    /// The messages on it, the next one first.
    pub fn messages(self) -> impl ExactSizeIterator<Item = &'a Queued> {
        self.of.session.edges[self.index].iter()
    }

    pub(super) fn parts(self) -> (&'a Session, usize) {
        (self.of.session, self.index)
    }

    /// Everything that was ever sent over it, in order, from the session's records.
    pub fn trace<'r>(
        self,
        records: impl IntoIterator<Item = &'r super::Record>,
    ) -> Vec<&'r super::Send> {
        let edge = self.edge();
        let sends = records.into_iter().filter_map(|record| match &record.event {
            super::Recorded::Input(super::Input::Act { act: super::Act::Send(send), .. }) => {
                Some(send)
            }
            _ => None,
        });
        sends.filter(|send| send.role == edge.from && send.to == edge.to).collect()
    }
}
