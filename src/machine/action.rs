//! What roles do: send, receive, acknowledge, in full. (The short path of plain messages is in
//! `plain.rs`.)
//!
//! Clauses: MACH-4, MACH-7, POS-1, POS-2.

use alloc::vec::Vec;

use super::Machine;
use super::authority::Presented;
use super::id::Position;
use super::input::{Act, Receive, Send};
use super::output::{Accepted, Received};
use super::position::Numbered;
use super::record::{Outcome, Sent};
use super::refuse::Refusal;
use super::session::Endpoint;
use crate::types::{Direction, RoleIx};

impl Machine {
    pub(super) fn send_in_full(
        &mut self,
        slot: u32,
        by: &Presented,
        mut send: Send,
    ) -> Result<Accepted, Refusal> {
        let session = self.sessions.at_mut(slot);
        let protocol = &self.protocols[session.protocol as usize];
        let role = send.role;
        let mut endpoint = session.acting(protocol, by, role)?;
        session.comes_over(by, role)?;
        let mut implied = Vec::new();
        if let Some(at) = send.at {
            match session.numbered_send(protocol, &send, at)? {
                Numbered::Duplicate(position) => return Ok(Accepted::Duplicate { position }),
                Numbered::Next(receives, state) => {
                    (implied, endpoint) = (receives, Endpoint::new(state, at));
                }
            }
        }
        let transition = session.sendable(protocol, endpoint, &mut send)?;
        // Everything is checked: from here on everything changes.
        session.tick = session.tick.max(self.now);
        if send.at.is_some() {
            session.remember(role);
        }
        let mut consumed = Vec::with_capacity(implied.len());
        session.perform_implied(protocol, role, &implied, |received| consumed.push(received));
        let seq = session.edges[transition.edge.index()].sent;
        let position = Position(session.endpoints[role.index()].position().0 + 1);
        let outcome = Outcome::Sent(transition.message, seq, position);
        let tick = session.tick;
        if let Some(log) = session.log_mut()
            && log.append_send(tick, by, Sent::of(&send), &send.value, outcome).first
        {
            self.touched.push(slot);
        }
        let (from, label) = (transition.peer, transition.label);
        let seen = self.observed.then(|| send.value.clone());
        let heaps = &mut self.memory.bytes.queues;
        session.perform_send(protocol, role, transition, send.value, heaps);
        for received in consumed {
            self.advanced(slot, role, Direction::Receive, received);
        }
        if let Some(value) = seen {
            let sent = Received { from, seq, label, value, position };
            self.advanced(slot, role, Direction::Send, sent);
        }
        self.settle(slot);
        Ok(Accepted::Sent { seq, position })
    }

    pub(super) fn receive_in_full(
        &mut self,
        slot: u32,
        by: &Presented,
        receive: Receive,
    ) -> Result<Accepted, Refusal> {
        let Receive { role, from, at } = receive;
        let session = self.sessions.at_mut(slot);
        let protocol = &self.protocols[session.protocol as usize];
        let endpoint = session.acting(protocol, by, role)?;
        session.comes_over(by, role)?;
        if let Some(at) = at
            && let Numbered::Duplicate(position) = session.numbered_receive(protocol, role, at)?
        {
            return Ok(Accepted::Duplicate { position });
        }
        let transition = session.receivable(protocol, endpoint, role, from)?;
        // Everything is checked: from here on everything changes.
        session.tick = session.tick.max(self.now);
        if at.is_some() {
            session.remember(role);
        }
        let received = session.perform_receive(protocol, role, transition);
        let outcome = Outcome::Received(received.label, received.seq, received.position);
        self.record_act(slot, by, Act::Receive(receive), outcome);
        if self.observed {
            self.advanced(slot, role, Direction::Receive, received.clone());
        }
        self.settle(slot);
        Ok(Accepted::Received(received))
    }

    pub(super) fn acknowledge(
        &mut self,
        slot: u32,
        by: &Presented,
        role: RoleIx,
        position: Position,
    ) -> Result<Accepted, Refusal> {
        let session = self.sessions.at_mut(slot);
        let protocol = &self.protocols[session.protocol as usize];
        session.acting(protocol, by, role)?;
        session.comes_over(by, role)?;
        let implied = match session.acknowledged(protocol, role, position)? {
            Numbered::Duplicate(position) => return Ok(Accepted::Duplicate { position }),
            Numbered::Next(implied, _) => implied,
        };
        session.tick = session.tick.max(self.now);
        let mut consumed = Vec::with_capacity(implied.len());
        session.perform_implied(protocol, role, &implied, |received| consumed.push(received));
        let act = Act::Acknowledge { role, position };
        self.record_act(slot, by, act, Outcome::Acknowledged(position));
        for received in consumed {
            self.advanced(slot, role, Direction::Receive, received);
        }
        self.settle(slot);
        Ok(Accepted::Acknowledged { position, performed: implied.len() as u64 })
    }
}
