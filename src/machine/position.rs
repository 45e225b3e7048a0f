//! Actions that say at which position they belong: repeats, conflicts, receives that are implied.
//!
//! Clauses: POS-1, POS-2.

use alloc::vec::Vec;

use super::authority::Scope;
use super::id::Position;
use super::input::Send;
use super::output::Received;
use super::refuse::Refusal;
use super::remember::{Claim, Remembered};
use super::session::Session;
use crate::types::{EdgeIx, LabelIx, MessageIx, Protocol, RoleIx, StateIx, Transition};

/// What an action at a position came to when it was looked at.
pub(super) enum Numbered {
    /// It was performed before.
    Duplicate(Position),
    /// It is the next one, after these receives; in this state.
    Next(Vec<EdgeIx>, StateIx),
}

impl Session {
    /// POS-1: where a send that claims position `at` stands.
    pub(super) fn numbered_send(
        &self,
        protocol: &Protocol,
        send: &Send,
        at: Position,
    ) -> Result<Numbered, Refusal> {
        let position = self.endpoints[send.role.index()].position();
        if at < position {
            let (edge, value) = (protocol.edge(send.role, send.to), send.value.clone());
            let claim = Claim { edge, label: send.label, value };
            self.performed_before(protocol, send.role, at, Some(claim))?;
            return Ok(Numbered::Duplicate(position));
        }
        let (implied, state) = self.implied(protocol, send.role, at)?;
        Ok(Numbered::Next(implied, state))
    }

    /// The message that a send would be: the one performed at its position, or the one that the
    /// state behind the implied receives allows.
    pub(super) fn meant(
        &self,
        protocol: &Protocol,
        role: RoleIx,
        to: RoleIx,
        label: LabelIx,
        at: Option<Position>,
    ) -> Option<MessageIx> {
        let (state, position) = self.endpoints.get(role.index())?.now();
        let state = match at {
            Some(at) if at < position => {
                let (_, mut sends) = self.remembered()?.of(role)?;
                return Some(sends.find(|send| send.at == at)?.message);
            }
            Some(at) => self.implied(protocol, role, at).ok()?.1,
            None => state,
        };
        Some(protocol.automaton(role).send(state, to, label)?.message)
    }

    /// POS-1: where a receive that claims position `at` stands.
    pub(super) fn numbered_receive(
        &self,
        protocol: &Protocol,
        role: RoleIx,
        at: Position,
    ) -> Result<Numbered, Refusal> {
        let (state, position) = self.endpoints[role.index()].now();
        if at < position {
            self.performed_before(protocol, role, at, None)?;
            return Ok(Numbered::Duplicate(position));
        }
        if at > position {
            return Err(Refusal::Ahead { at, position });
        }
        Ok(Numbered::Next(Vec::new(), state))
    }

    /// POS-2: where an acknowledgement of everything before `position` stands.
    pub(super) fn acknowledged(
        &self,
        protocol: &Protocol,
        role: RoleIx,
        position: Position,
    ) -> Result<Numbered, Refusal> {
        let reached = self.endpoints[role.index()].position();
        if position <= reached {
            return Ok(Numbered::Duplicate(reached));
        }
        let (implied, state) = self.implied(protocol, role, position)?;
        if self.status.is_terminal() {
            return Err(Refusal::Terminal(self.status.clone()));
        }
        self.unfrozen(Scope::role(role))?;
        Ok(Numbered::Next(implied, state))
    }

    /// The receives that bring `role` to position `upto`, where messages and types determine them,
    /// and the state behind them.
    fn implied(
        &self,
        protocol: &Protocol,
        role: RoleIx,
        upto: Position,
    ) -> Result<(Vec<EdgeIx>, StateIx), Refusal> {
        let (mut state, position) = self.endpoints[role.index()].now();
        let missing = upto.0.saturating_sub(position.0);
        let mut implied: Vec<EdgeIx> = Vec::new();
        // How many of them are over each edge.
        let mut taken: Vec<(EdgeIx, usize)> = Vec::new();
        while (implied.len() as u64) < missing {
            let reached = Position(position.0 + implied.len() as u64);
            let two = {
                let mut enabled = self.enabled(protocol, role, state, &taken);
                (enabled.next(), enabled.next())
            };
            let (edge, next) = match two {
                (None, _) => return Err(Refusal::Ahead { at: upto, position: reached }),
                // EDGE-17: what lies there now need not be what the receiver was shown.
                (Some(only), None) if self.drops(only.edge) => {
                    return Err(Refusal::AmbiguousReceive { position: reached });
                }
                (Some(only), None) => (only.edge, only.next),
                _ => return Err(Refusal::AmbiguousReceive { position: reached }),
            };
            implied.push(edge);
            match taken.iter_mut().find(|(known, _)| *known == edge) {
                Some((_, count)) => *count += 1,
                None => taken.push((edge, 1)),
            }
            state = next;
        }
        Ok((implied, state))
    }

    /// The receives that are possible in `state`, when `taken` counts the messages that are gone
    /// from each edge already.
    pub(super) fn enabled<'a>(
        &'a self,
        protocol: &'a Protocol,
        role: RoleIx,
        state: StateIx,
        taken: &'a [(EdgeIx, usize)],
    ) -> impl Iterator<Item = &'a Transition> {
        let row = protocol.automaton(role).receives(state);
        row.iter().filter(move |transition| {
            let gone = taken.iter().find(|(edge, _)| *edge == transition.edge);
            let gone = gone.map_or(0, |(_, count)| *count);
            let head = self.edges[transition.edge.index()].get(gone);
            head.is_some_and(|head| head.message == transition.message)
        })
    }

    /// Performs the receives over these edges, one after the other.
    pub(super) fn perform_implied(
        &mut self,
        protocol: &Protocol,
        role: RoleIx,
        implied: &[EdgeIx],
        mut seen: impl FnMut(Received),
    ) {
        for edge in implied {
            let state = self.endpoints[role.index()].state();
            let head = self.edges[edge.index()].front();
            let head = head.expect("an implied receive has a message").message;
            let label = protocol.message(head).label;
            let from = protocol.edges()[edge.index()].from;
            let transition = protocol.automaton(role).receive(state, from, label, head);
            let transition = transition.expect("an implied receive is legal");
            seen(self.perform_receive(protocol, role, transition));
        }
    }

    /// POS-1: `Ok` if the action at `at`, which lies behind the endpoint, is the claimed one.
    fn performed_before(
        &self,
        protocol: &Protocol,
        role: RoleIx,
        at: Position,
        claim: Option<Claim>,
    ) -> Result<(), Refusal> {
        let endpoint = self.endpoints[role.index()];
        let Some(remembered) = self.remembered() else {
            return Err(Refusal::TooOld { at, oldest: endpoint.position() });
        };
        remembered.check(protocol, role, at, endpoint.position(), claim)
    }

    /// From now on the sends of `role` are remembered, so that a repeat can be told from a
    /// different action. Costs nothing for roles that never number their actions.
    pub(super) fn remember(&mut self, role: RoleIx) {
        let roles = self.endpoints.len();
        let position = self.endpoints[role.index()].position();
        let remembered = &mut self.seldom_mut().remembered;
        remembered.get_or_insert_with(|| Remembered::new(roles)).start(role, position);
    }
}
