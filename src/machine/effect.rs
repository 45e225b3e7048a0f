//! What follows from a change: its record, the end of the session, messages for handlers, and what
//! observers are told; each held back until the records behind it are durable.
//!
//! Clauses: LIFE-1, LIFE-3, JRNL-1, MACH-8.

use alloc::vec;
use alloc::vec::Vec;

use super::Machine;
use super::audit::Audit;
use super::authority::{Presented, Scope};
use super::id::Seq;
use super::input::{Act, Input};
use super::output::{Deliver, Event, Output, Received, Status};
use super::ownership::Staged;
use super::policy::next_seq;
use super::record::{Outcome, Recorded};
use super::request::Made;
use super::session::Path;
use super::timer::Timer;
use crate::types::{Direction, Edge, RoleIx};

impl Machine {
    pub(super) fn record_act(&mut self, slot: u32, by: &Presented, act: Act, outcome: Outcome) {
        if self.sessions.at(slot).log().is_some() {
            let input = Input::Act { by: by.clone(), act };
            self.record(slot, &Recorded::Input(input), outcome);
        }
    }

    /// Appends to the journal of a session that keeps one.
    // JRNL-1: every input that was accepted and no duplicate, and every expiry.
    pub(super) fn record(&mut self, slot: u32, event: &Recorded, outcome: Outcome) {
        let session = self.sessions.at_mut(slot);
        let tick = session.tick;
        if let Some(log) = session.log_mut()
            && log.append(tick, event, outcome).first
        {
            self.touched.push(slot);
        }
    }

    /// As [`record`](Self::record), of a request about authority.
    pub(super) fn record_made(&mut self, slot: u32, made: Made<'_>, outcome: Outcome) {
        let session = self.sessions.at_mut(slot);
        let tick = session.tick;
        if let Some(log) = session.log_mut()
            && log.append_made(tick, made, outcome).first
        {
            self.touched.push(slot);
        }
    }

    /// LIFE-4: what follows from a change by itself: the end, and messages for handlers.
    pub(super) fn settle(&mut self, slot: u32) {
        let session = self.sessions.at(slot);
        if session.is_over(&self.protocols[session.protocol as usize]) {
            self.end(slot, Status::Closed);
        } else if session.handlers().is_some() && !self.replaying {
            self.deliver(slot);
        }
    }

    /// LIFE-3, LIFE-11: the session ends; nothing of it moves from here on.
    pub(super) fn end(&mut self, slot: u32, status: Status) {
        let session = self.sessions.at_mut(slot);
        session.status = status.clone();
        session.path = Path::Full;
        self.memory.live -= 1;
        self.memory.terminal += 1;
        let id = session.id;
        if let Some(seldom) = session.seldom.as_mut() {
            if let Some(at) = seldom.deadline.take() {
                self.timers.disarm(at, id, Timer::Drain);
            }
            let all = seldom.outstanding.as_mut().map(|all| all.take(Scope::from_bits(u128::MAX)));
            let staged = seldom.spread.iter_mut().flat_map(|spread| spread.staged.drain(..));
            let staged: Vec<Staged> = staged.collect();
            let own = staged.iter().filter_map(Staged::timer);
            for (at, timer) in own.chain(all.unwrap_or_default()) {
                self.timers.disarm(at, id, timer);
            }
            for staged in staged {
                // AUTH-29.
                let audit = Audit::Dropped { receipt: staged.receipt.id };
                self.event(slot, || Event::Authority { session: id, audit });
            }
        }
        if self.observed {
            let session = self.sessions.at(slot);
            let undelivered = session.undelivered(&self.protocols[session.protocol as usize]);
            self.event(slot, || Event::Ended { session: id, status, undelivered });
        }
        self.note_ended(slot);
    }

    /// MACH-8: hands each message to its handler once, as soon as its receiver waits for it, and to
    /// each role one at a time: after it the role may wait for another one of those that are there.
    #[cold]
    pub(super) fn deliver(&mut self, slot: u32) {
        let session = self.sessions.at_mut(slot);
        let protocol = &self.protocols[session.protocol as usize];
        let frozen = session.frozen();
        let Some(seldom) = session.seldom.as_mut() else { return };
        let policies = seldom.policies.as_ref();
        let Some(handlers) = seldom.handlers.as_mut() else { return };
        let (endpoints, buffers) = (&session.endpoints, &session.edges);
        let awaited = |index: usize, edge: &Edge| {
            let head = buffers[index].front()?;
            let state = endpoints[edge.to.index()].state();
            let label = protocol.message(head.message).label;
            protocol.automaton(edge.to).receive(state, edge.from, label, head.message)?;
            Some((label, head))
        };
        let mut busy = vec![false; endpoints.len()];
        for (index, edge) in protocol.edges().iter().enumerate() {
            let (seq, _) = next_seq(policies, index, &buffers[index]);
            let is_out = handlers.delivered[index] > seq;
            busy[edge.to.index()] |= is_out && awaited(index, edge).is_some();
        }
        let mut deliveries = Vec::new();
        for (index, edge) in protocol.edges().iter().enumerate() {
            let (seq, dropped_before) = next_seq(policies, index, &buffers[index]);
            let (Some(handler), Some((label, head))) = (handlers.of(index), awaited(index, edge))
            else {
                continue;
            };
            if handlers.delivered[index] <= seq
                && !frozen.covers(Scope::role(edge.to))
                && !busy[edge.to.index()]
            {
                let (handler, value) = (handler.clone(), head.value.clone());
                handlers.delivered[index] = Seq(seq.0 + 1);
                busy[edge.to.index()] = true;
                let (role, from, session) = (edge.to, edge.from, session.id);
                deliveries.push(Deliver {
                    session,
                    handler,
                    role,
                    from,
                    seq,
                    label,
                    value,
                    dropped_before,
                });
            }
        }
        for deliver in deliveries {
            self.output(slot, Output::Deliver(deliver));
        }
    }

    /// JRNL-5: hands an output out, when the records that justify it are durable.
    pub(super) fn output(&mut self, slot: u32, output: Output) {
        match self.sessions.at_mut(slot).log_mut() {
            Some(log) if !log.is_durable() => log.gate(output),
            _ => self.outputs.push_back(output),
        }
    }

    #[inline]
    pub(super) fn event(&mut self, slot: u32, event: impl FnOnce() -> Event) {
        if self.observed && !self.replaying {
            self.output(slot, Output::Event(event()));
        }
    }

    /// Tells an observer of an action; `action.from` is the other role.
    pub(super) fn advanced(
        &mut self,
        slot: u32,
        role: RoleIx,
        direction: Direction,
        action: Received,
    ) {
        let session = self.sessions.at(slot).id;
        let Received { from: peer, seq, label, value, position } = action;
        self.event(slot, || Event::Advanced {
            session,
            role,
            direction,
            peer,
            label,
            value,
            seq,
            position,
        });
    }
}
