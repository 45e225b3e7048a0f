//! The short path of plain messages: a role sends or receives in an active session that is whole,
//! and nothing but the action itself follows. Nothing is judged differently here than in full; what
//! this path cannot tell at a glance goes there.
//!
//! [`Machine::send`] and [`Machine::receive`] are inlined wherever they are called, which is in one
//! or two places of a host: the call and what is passed through memory would cost a fifth.
//!
//! Clauses: MACH-4, MACH-5, MACH-6, EDGE-2, EDGE-3, JRNL-1.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Machine;
use super::authority::Presented;
use super::edge::Buffer;
use super::id::{Position, Seq, Tick};
use super::input::{Act, Receive, Send};
use super::log::{Appended, Log};
use super::memory::Memory;
use super::output::{Accepted, Received};
use super::record::{Outcome, Sent};
use super::refuse::Refusal;
use super::session::{Endpoint, Path, Seldom, Session};
use crate::types::{LabelIx, Protocol, RoleIx, Transition, Value};

impl Machine {
    /// `role` sends a message: [`Act::Send`] without a number, for hosts that pass many. Returns
    /// its place on the edge and the sender's position behind it.
    ///
    /// # Errors
    /// A [`Refusal`].
    #[inline(always)]
    pub fn send(
        &mut self,
        now: Tick,
        by: &Presented,
        role: RoleIx,
        to: RoleIx,
        label: LabelIx,
        value: Value,
    ) -> Result<(Seq, Position), Refusal> {
        self.advance_time(now);
        let now = self.now;
        if let Some((session, protocol)) = self.plain(by, role)
            && let Some(step) = session.plain_send(protocol, role, to, label, &value)
        {
            let sent = step.send(now, value);
            self.memory.messages += 1;
            return Ok(sent);
        }
        self.send_recorded(by, role, to, label, value)
    }

    /// [`send`](Self::send) in a session that keeps a journal and is as plain otherwise.
    #[inline(never)]
    pub(super) fn send_recorded(
        &mut self,
        by: &Presented,
        role: RoleIx,
        to: RoleIx,
        label: LabelIx,
        value: Value,
    ) -> Result<(Seq, Position), Refusal> {
        let Self { sessions, protocols, observed, now, memory, touched, .. } = self;
        let session = sessions.hinted_mut(by.session, by.hint);
        if let Some(session) = session.filter(|s| s.is_on(Path::Recorded, by, role) && !*observed)
            && let protocol = &*protocols[session.protocol as usize]
            && let Some(mut step) = session.plain_send(protocol, role, to, label, &value)
        {
            let appended = step.record_send(*now, by, Sent { role, to, label, at: None }, &value);
            appended.count(by.hint, memory, touched);
            memory.messages += 1;
            return Ok(step.send(*now, value));
        }
        self.send_otherwise(by, Send { role, to, label, value, at: None })
    }

    /// `role` takes the next message from `from`: [`Act::Receive`] without a number, for hosts that
    /// pass many.
    ///
    /// # Errors
    /// A [`Refusal`].
    #[inline(always)]
    pub fn receive(
        &mut self,
        now: Tick,
        by: &Presented,
        role: RoleIx,
        from: RoleIx,
    ) -> Result<Received, Refusal> {
        self.advance_time(now);
        let now = self.now;
        if let Some((session, protocol)) = self.plain(by, role)
            && let Some(step) = session.plain_receive(protocol, role, from)
        {
            let received = step.receive(now);
            self.memory.messages -= 1;
            return Ok(received);
        }
        self.receive_recorded(by, role, from)
    }

    /// As [`send_recorded`](Self::send_recorded).
    #[inline(never)]
    pub(super) fn receive_recorded(
        &mut self,
        by: &Presented,
        role: RoleIx,
        from: RoleIx,
    ) -> Result<Received, Refusal> {
        let Self { sessions, protocols, observed, now, memory, touched, .. } = self;
        let session = sessions.hinted_mut(by.session, by.hint);
        if let Some(session) = session.filter(|s| s.is_on(Path::Recorded, by, role) && !*observed)
            && let protocol = &*protocols[session.protocol as usize]
            && let Some(mut step) = session.plain_receive(protocol, role, from)
        {
            let appended = step.record_receive(*now, by, Receive { role, from, at: None });
            appended.count(by.hint, memory, touched);
            memory.messages -= 1;
            // Straight to where it is wanted: what is written in pieces and copied is waited for.
            if step.buffer.len() == 1 {
                return Ok(step.receive_by(*now, Buffer::pop_last));
            }
            return Ok(step.receive_before_others(*now));
        }
        self.receive_otherwise(by, Receive { role, from, at: None })
    }

    /// [`send`](Self::send) in a session that is not quite as plain, for what is not numbered.
    #[inline(never)]
    fn send_otherwise(&mut self, by: &Presented, send: Send) -> Result<(Seq, Position), Refusal> {
        match self.act_in_full(by, Act::Send(send))? {
            Accepted::Sent { seq, position } => Ok((seq, position)),
            _ => unreachable!("what is not numbered is no duplicate"),
        }
    }

    /// As [`send_otherwise`](Self::send_otherwise).
    #[inline(never)]
    fn receive_otherwise(&mut self, by: &Presented, receive: Receive) -> Result<Received, Refusal> {
        match self.act_in_full(by, Act::Receive(receive))? {
            Accepted::Received(received) => Ok(received),
            _ => unreachable!("what is not numbered is no duplicate"),
        }
    }

    /// The session, if `role` may act in it, nobody looks on and nothing is recorded.
    #[inline(always)]
    pub(super) fn plain(
        &mut self,
        by: &Presented,
        role: RoleIx,
    ) -> Option<(&mut Session, &Protocol)> {
        let session = self.sessions.hinted_mut(by.session, by.hint)?;
        let plain = session.is_on(Path::Short, by, role) && !self.observed;
        plain.then(|| {
            let protocol = &*self.protocols[session.protocol as usize];
            (session, protocol)
        })
    }
}

impl Appended {
    /// Counts what a record has taken, and remembers that a batch began with it.
    #[inline(always)]
    pub(super) fn count(self, slot: u32, memory: &mut Memory, touched: &mut Vec<u32>) {
        memory.bytes.journals += self.grown as u64;
        if self.first {
            touched.push(slot);
        }
    }
}

/// What a plain action changes, found and checked: to perform it looks up nothing any more.
pub(super) struct Step<'a> {
    endpoint: &'a mut Endpoint,
    buffer: &'a mut Buffer,
    queued: &'a mut u32,
    tick: &'a mut Tick,
    seldom: &'a mut Option<Box<Seldom>>,
    transition: &'a Transition,
}

// The machine's time never runs back, so that `now` is at or after the session's tick.
impl Step<'_> {
    /// JRNL-1: records the send, which is then performed.
    #[inline(always)]
    fn record_send(&mut self, now: Tick, by: &Presented, send: Sent, value: &Value) -> Appended {
        let position = Position(self.endpoint.position().0 + 1);
        let outcome = Outcome::Sent(self.transition.message, self.buffer.sent, position);
        self.log().append_send(now, by, send, value, outcome)
    }

    /// As [`record_send`](Self::record_send).
    #[inline(always)]
    fn record_receive(&mut self, now: Tick, by: &Presented, receive: Receive) -> Appended {
        let position = Position(self.endpoint.position().0 + 1);
        let outcome = Outcome::Received(self.transition.label, self.buffer.consumed(), position);
        self.log().append_receive(now, by, receive, outcome)
    }

    fn log(&mut self) -> &mut Log {
        let log = self.seldom.as_mut().and_then(|seldom| seldom.log.as_mut());
        log.expect("`short_path`: what is recorded has a log")
    }

    /// Appends the message and advances the sender.
    #[inline(always)]
    pub(super) fn send(self, now: Tick, value: Value) -> (Seq, Position) {
        let seq = self.buffer.push(self.transition.message, value);
        *self.tick = now;
        *self.queued += 1;
        (seq, self.endpoint.step(self.transition.next))
    }

    /// Takes the head of the edge and advances the receiver.
    #[inline(always)]
    pub(super) fn receive(self, now: Tick) -> Received {
        match self.buffer.len() {
            1 => self.receive_by(now, Buffer::pop_last),
            _ => self.receive_before_others(now),
        }
    }

    #[inline(never)]
    fn receive_before_others(self, now: Tick) -> Received {
        self.receive_by(now, Buffer::pop)
    }

    #[inline(always)]
    fn receive_by(self, now: Tick, pop: impl FnOnce(&mut Buffer) -> (Seq, Value)) -> Received {
        *self.tick = now;
        *self.queued -= 1;
        let position = self.endpoint.step(self.transition.next);
        let Transition { peer: from, label, .. } = *self.transition;
        let (seq, value) = pop(self.buffer);
        Received { from, seq, label, value, position }
    }
}

impl Session {
    /// Whether this path is enough when `role` acts, and it may.
    #[inline(always)]
    fn is_on(&self, path: Path, by: &Presented, role: RoleIx) -> bool {
        self.path == path && by.over.is_none() && self.ownership.covers_plainly(by, role)
    }

    /// A send as most of them are, checked. `None` says nothing but that it must be looked at in
    /// full.
    #[inline(always)]
    pub(super) fn plain_send<'a>(
        &'a mut self,
        protocol: &'a Protocol,
        role: RoleIx,
        to: RoleIx,
        label: LabelIx,
        value: &Value,
    ) -> Option<Step<'a>> {
        let endpoint = self.endpoints.at_mut(role.index())?;
        let transition = protocol.automaton(role).send(endpoint.state(), to, label)?;
        let buffer = self.edges.at_mut(transition.edge.index())?;
        let room = !buffer.is_full() && !buffer.would_grow();
        let plain = transition.kind.admits(value) && room && !transition.ends;
        let (queued, tick) = (&mut self.queued, &mut self.tick);
        let seldom = &mut self.seldom;
        plain.then_some(Step { endpoint, buffer, queued, tick, seldom, transition })
    }

    /// A receive as most of them are, checked; as [`plain_send`](Self::plain_send).
    #[inline(always)]
    pub(super) fn plain_receive<'a>(
        &'a mut self,
        protocol: &'a Protocol,
        role: RoleIx,
        from: RoleIx,
    ) -> Option<Step<'a>> {
        let endpoint = self.endpoints.at_mut(role.index())?;
        let automaton = protocol.automaton(role);
        // The edge by one of the state's own transitions: spares a search among all edges.
        let mut transition = automaton.receive_from(endpoint.state(), from)?;
        let buffer = self.edges.at_mut(transition.edge.index())?;
        let message = buffer.front()?.message;
        if transition.message != message {
            let label = protocol.message(message).label;
            transition = automaton.receive(endpoint.state(), from, label, message)?;
        }
        let (queued, tick) = (&mut self.queued, &mut self.tick);
        let seldom = &mut self.seldom;
        let plain = !transition.ends;
        plain.then_some(Step { endpoint, buffer, queued, tick, seldom, transition })
    }
}
