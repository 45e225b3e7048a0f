//! What a session does: one struct owns all protocol state.
//!
//! ```text
//! handle(now, input) -> Result<Accepted, Refusal>   many may be handled, then
//! seal()                                            ends the batch: one Persist a session touched
//! poll() -> Option<Output>                          None = drained
//! poll_timeout() -> Option<Tick>                    when it wants to know the time
//! ```
//!
//! The machine never blocks, never fails half-way, never asks the clock. What `handle` returns must
//! be shown to nobody before the records of the session up to that moment are durable (law 4):
//! outputs that must wait are not handed out until [`Input::Persisted`] covers them.

mod authority;
mod digest;
mod edge;
mod handler;
mod id;
mod input;
mod invariant;
mod log;
mod output;
mod record;
mod refuse;
mod remember;
mod replay;
mod session;
mod store;
mod timer;
mod view;

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashMap;

pub use authority::{Capability, OWNER_BYTES_MAX, Owner, OwnerError, Presented, Scope};
pub use digest::StateDigest;
pub use edge::{CAPACITY_DEFAULT, CAPACITY_MAX, Queued};
pub use id::{Generation, Position, Seq, SessionId, SessionIdError, Tick};
pub use input::{Act, Capacities, Input, Open, REASON_BYTES_MAX, Receive, Send};
pub use invariant::Violation;
pub use output::{Accepted, Deliver, Event, Output, Received, Status};
pub use record::{Batch, Head, Outcome, Record, RecordError, Recorded};
pub use refuse::{Attempt, MOVES_SHOWN_MAX, Move, NotAllowed, Refusal};
pub use remember::REMEMBERED_MAX;
pub use replay::ReplayError;
pub use timer::Timer;
pub use view::{EdgeView, EndpointView, SessionView};

use crate::types::{
    Direction, Edge, EdgeIx, Name, Protocol, ProtocolDigest, RoleIx, Transition, Value,
};
use handler::Handlers;
use session::{Endpoint, Numbered, Session};
use store::Store;
use timer::Timers;

/// The protocol machine. See the module.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    protocols: Vec<Arc<Protocol>>,
    protocol_slots: HashMap<ProtocolDigest, u32>,
    sessions: Store,
    timers: Timers,
    now: Tick,
    observed: bool,
    replaying: bool,
    /// Slots of sessions with an open batch.
    touched: Vec<u32>,
    outputs: VecDeque<Output>,
}

impl Machine {
    /// A machine without sessions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A machine that says everything that happens as [`Event`]s.
    #[must_use]
    pub fn observed() -> Self {
        Self { observed: true, ..Self::default() }
    }

    /// Makes a protocol known; sessions name it by its digest. Knowing it already changes nothing.
    pub fn register(&mut self, protocol: &Arc<Protocol>) -> ProtocolDigest {
        let digest = protocol.digest();
        if !self.protocol_slots.contains_key(&digest) {
            let slot = u32::try_from(self.protocols.len()).expect("fewer than 2^32 protocols");
            self.protocols.push(Arc::clone(protocol));
            self.protocol_slots.insert(digest, slot);
        }
        digest
    }

    /// Applies one input whole, or refuses it and changes nothing of the protocol state. Time
    /// advances to `now` first: timers that are due expire before the input is looked at.
    ///
    /// # Errors
    /// A [`Refusal`].
    pub fn handle(&mut self, now: Tick, input: Input) -> Result<Accepted, Refusal> {
        match input {
            Input::Act { by, act } => self.act(now, &by, act),
            Input::Open(open) => {
                self.advance_time(now);
                self.open(open)
            }
            Input::Persisted { session, upto } => {
                self.advance_time(now);
                self.persisted(session, upto)
            }
            Input::Tick => {
                self.advance_time(now);
                Ok(Accepted::Done)
            }
        }
    }

    /// [`Input::Act`] with a borrowed authority: the path of every message.
    ///
    /// # Errors
    /// A [`Refusal`].
    #[inline]
    pub fn act(&mut self, now: Tick, by: &Presented, act: Act) -> Result<Accepted, Refusal> {
        self.advance_time(now);
        let Some(slot) = self.sessions.find(by.session, by.hint) else {
            return Err(Refusal::UnknownSession(by.session));
        };
        match act {
            Act::Send(send) => self.send(slot, by, send),
            Act::Receive(receive) => self.receive(slot, by, receive),
            Act::Acknowledge { role, position } => self.acknowledge(slot, by, role, position),
            Act::Bind { edge, handler } => self.bind(slot, by, edge, handler),
            Act::Drain { deadline } => self.drain(slot, by, deadline),
            Act::Close => self.finish(slot, by, Act::Close, Status::Closed),
            Act::Cancel { reason } => {
                let reason = session::cut(&reason);
                let status = Status::Cancelled(reason.clone());
                self.finish(slot, by, Act::Cancel { reason }, status)
            }
            Act::Fault { reason } => {
                let reason = session::cut(&reason);
                let status = Status::Faulted(reason.clone());
                self.finish(slot, by, Act::Fault { reason }, status)
            }
        }
    }

    /// Ends the batch: what was recorded since the last seal becomes one [`Output::Persist`] a
    /// session.
    pub fn seal(&mut self) {
        for slot in core::mem::take(&mut self.touched) {
            let session = self.sessions.at_mut(slot);
            let id = session.id;
            let batch = session.log.as_mut().and_then(|log| log.seal(id));
            self.outputs.extend(batch.map(Output::Persist));
        }
    }

    /// The next thing to do; `None` when there is nothing more for now.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When the machine next wants to be told the time, with any input or [`Input::Tick`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        self.timers.next()
    }

    #[inline]
    fn advance_time(&mut self, now: Tick) {
        self.now = self.now.max(now);
        if self.timers.next().is_some_and(|due| due <= self.now) && !self.replaying {
            self.expire_due();
        }
    }

    #[cold]
    fn expire_due(&mut self) {
        while let Some((at, session, timer)) = self.timers.take_due(self.now) {
            let slot = self.sessions.find(session, u32::MAX).expect("a timer's session is there");
            self.expire(slot, timer, at);
        }
    }

    /// LIFE-2: a timer of a session ran out.
    fn expire(&mut self, slot: u32, timer: Timer, at: Tick) {
        let session = self.sessions.at_mut(slot);
        session.tick = session.tick.max(at);
        session.deadline = None;
        self.record(slot, &Recorded::Expired(timer), Outcome::Done);
        match timer {
            Timer::Drain => self.end(slot, Status::Closed),
        }
    }

    fn open(&mut self, open: Open) -> Result<Accepted, Refusal> {
        if let Some(slot) = self.sessions.find(open.session, u32::MAX) {
            let session = self.sessions.at(slot);
            let protocol = &self.protocols[session.protocol as usize];
            if session.is_opened_by(&open, protocol) {
                return Ok(Accepted::Opened(self.capability(slot)));
            }
            return Err(Refusal::SessionExists(open.session));
        }
        let Some(&protocol) = self.protocol_slots.get(&open.protocol) else {
            return Err(Refusal::UnknownProtocol(open.protocol));
        };
        let plan = &self.protocols[protocol as usize];
        let session = Session::open(&open, plan, protocol, self.now)?;
        let (id, generation) = (session.id, session.ownership.generation);
        let slot = self.sessions.insert(session);
        self.record(slot, &Recorded::Input(Input::Open(open)), Outcome::Opened(generation));
        self.event(slot, || Event::Opened { session: id });
        self.settle(slot);
        Ok(Accepted::Opened(self.capability(slot)))
    }

    /// The capability over everything, for the owner that the session has.
    fn capability(&self, slot: u32) -> Capability {
        let session = self.sessions.at(slot);
        Capability::issue(Presented {
            session: session.id,
            owner: session.ownership.owner.clone(),
            generation: session.ownership.generation,
            scope: session.ownership.scope,
            hint: slot,
        })
    }

    fn send(&mut self, slot: u32, by: &Presented, mut send: Send) -> Result<Accepted, Refusal> {
        let session = self.sessions.at_mut(slot);
        let protocol = &self.protocols[session.protocol as usize];
        let mut endpoint = session.acting(protocol, by, send.role)?;
        let mut implied = Vec::new();
        if let Some(at) = send.at {
            match session.numbered_send(protocol, &send, at)? {
                Numbered::Duplicate(position) => return Ok(Accepted::Duplicate { position }),
                Numbered::Next(receives, state) => {
                    (implied, endpoint) = (receives, Endpoint { state, position: at });
                }
            }
        }
        let (transition, value) = session.sendable(protocol, endpoint, &mut send)?;
        // Everything is checked: from here on everything changes.
        session.tick = session.tick.max(self.now);
        if send.at.is_some() || session.log.is_some() || self.observed {
            return Ok(self.send_in_full(slot, by, send, &implied, &transition, value));
        }
        let (seq, position) = session.perform_send(protocol, send.role, &transition, value);
        if session.is_to_settle() {
            self.settle(slot);
        }
        Ok(Accepted::Sent { seq, position })
    }

    /// The second half of a send that is numbered, recorded or observed.
    fn send_in_full(
        &mut self,
        slot: u32,
        by: &Presented,
        send: Send,
        implied: &[EdgeIx],
        transition: &Transition,
        value: Value,
    ) -> Accepted {
        let session = self.sessions.at_mut(slot);
        let protocol = &self.protocols[session.protocol as usize];
        let role = send.role;
        if send.at.is_some() {
            session.remember(role);
        }
        let mut consumed = Vec::with_capacity(implied.len());
        session.perform_implied(protocol, role, implied, |received| consumed.push(received));
        let seq = session.edges[transition.edge.index()].sent;
        let position = Position(session.endpoints[role.index()].position.0 + 1);
        let outcome = Outcome::Sent(transition.message, seq, position);
        if let Some(log) = &mut session.log
            && log.append_send(session.tick, by, &send, &value, outcome)
        {
            self.touched.push(slot);
        }
        let seen = self.observed.then(|| value.clone());
        session.perform_send(protocol, role, transition, value);
        for received in consumed {
            self.advanced(slot, role, Direction::Receive, received);
        }
        if let Some(value) = seen {
            let (from, label) = (transition.peer, transition.label);
            let sent = Received { from, seq, label, value, position };
            self.advanced(slot, role, Direction::Send, sent);
        }
        self.settle(slot);
        Accepted::Sent { seq, position }
    }

    fn receive(
        &mut self,
        slot: u32,
        by: &Presented,
        receive: Receive,
    ) -> Result<Accepted, Refusal> {
        let Receive { role, from, at } = receive;
        let session = self.sessions.at_mut(slot);
        let protocol = &self.protocols[session.protocol as usize];
        let endpoint = session.acting(protocol, by, role)?;
        if let Some(at) = at
            && let Numbered::Duplicate(position) = session.numbered_receive(protocol, role, at)?
        {
            return Ok(Accepted::Duplicate { position });
        }
        let transition = session.receivable(protocol, endpoint, role, from)?;
        session.tick = session.tick.max(self.now);
        if at.is_some() {
            session.remember(role);
        }
        let received = session.perform_receive(protocol, role, &transition);
        if session.log.is_none() && !self.observed && !session.is_to_settle() {
            return Ok(Accepted::Received(received));
        }
        if session.log.is_some() {
            let outcome = Outcome::Received(received.label, received.seq, received.position);
            self.record_act(slot, by, Act::Receive(receive), outcome);
        }
        if self.observed {
            self.advanced(slot, role, Direction::Receive, received.clone());
        }
        self.settle(slot);
        Ok(Accepted::Received(received))
    }

    fn acknowledge(
        &mut self,
        slot: u32,
        by: &Presented,
        role: RoleIx,
        position: Position,
    ) -> Result<Accepted, Refusal> {
        let session = self.sessions.at_mut(slot);
        let protocol = &self.protocols[session.protocol as usize];
        session.acting(protocol, by, role)?;
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

    /// The session in `slot`, if the presented capability covers its lifecycle and it goes on.
    fn governed(&mut self, slot: u32, by: &Presented) -> Result<&mut Session, Refusal> {
        let session = self.sessions.at_mut(slot);
        let protocol = &self.protocols[session.protocol as usize];
        session.authorize(protocol, by, Scope::LIFECYCLE)?;
        if session.status.is_terminal() {
            return Err(Refusal::Terminal(session.status.clone()));
        }
        Ok(session)
    }

    fn bind(
        &mut self,
        slot: u32,
        by: &Presented,
        edge: Option<EdgeIx>,
        handler: Option<Name>,
    ) -> Result<Accepted, Refusal> {
        let now = self.now;
        let session = self.governed(slot, by)?;
        let edges = session.edges.len();
        if edge.is_some_and(|edge| edge.index() >= edges) {
            let protocol = session.protocol as usize;
            return Err(session::unknown_edge(&self.protocols[protocol]));
        }
        session.tick = session.tick.max(now);
        let handlers = session.handlers.get_or_insert_with(|| Handlers::new(edges).into());
        handlers.bind(edge, handler.clone());
        if handlers.is_empty() {
            session.handlers = None;
        }
        self.record_act(slot, by, Act::Bind { edge, handler }, Outcome::Done);
        self.settle(slot);
        Ok(Accepted::Done)
    }

    fn drain(
        &mut self,
        slot: u32,
        by: &Presented,
        deadline: Option<Tick>,
    ) -> Result<Accepted, Refusal> {
        let now = self.now;
        let session = self.governed(slot, by)?;
        if session.status == Status::Draining {
            return Err(Refusal::Draining);
        }
        session.tick = session.tick.max(now);
        session.status = Status::Draining;
        session.deadline = deadline;
        let id = session.id;
        if let Some(deadline) = deadline {
            self.timers.arm(deadline, id, Timer::Drain);
        }
        self.record_act(slot, by, Act::Drain { deadline }, Outcome::Done);
        self.event(slot, || Event::Draining { session: id });
        self.settle(slot);
        Ok(Accepted::Done)
    }

    fn finish(
        &mut self,
        slot: u32,
        by: &Presented,
        act: Act,
        status: Status,
    ) -> Result<Accepted, Refusal> {
        let now = self.now;
        let session = self.governed(slot, by)?;
        session.tick = session.tick.max(now);
        self.record_act(slot, by, act, Outcome::Done);
        self.end(slot, status);
        Ok(Accepted::Done)
    }

    fn persisted(&mut self, id: SessionId, upto: u64) -> Result<Accepted, Refusal> {
        let slot = self.sessions.find(id, u32::MAX).ok_or(Refusal::UnknownSession(id))?;
        let outputs = &mut self.outputs;
        if let Some(log) = &mut self.sessions.at_mut(slot).log {
            log.persisted(upto, |output| outputs.push_back(output));
        }
        Ok(Accepted::Done)
    }

    fn record_act(&mut self, slot: u32, by: &Presented, act: Act, outcome: Outcome) {
        if self.sessions.at(slot).log.is_some() {
            let input = Input::Act { by: by.clone(), act };
            self.record(slot, &Recorded::Input(input), outcome);
        }
    }

    /// Appends to the journal of a session that keeps one.
    fn record(&mut self, slot: u32, event: &Recorded, outcome: Outcome) {
        let session = self.sessions.at_mut(slot);
        if let Some(log) = &mut session.log
            && log.append(session.tick, event, outcome)
        {
            self.touched.push(slot);
        }
    }

    /// LIFE-1: what follows from a change by itself: the end, and messages for handlers.
    fn settle(&mut self, slot: u32) {
        let session = self.sessions.at(slot);
        if session.is_over(&self.protocols[session.protocol as usize]) {
            self.end(slot, Status::Closed);
        } else if session.handlers.is_some() && !self.replaying {
            self.deliver(slot);
        }
    }

    /// LIFE-3: the session ends; nothing of it moves from here on.
    fn end(&mut self, slot: u32, status: Status) {
        let session = self.sessions.at_mut(slot);
        session.status = status.clone();
        let (id, deadline) = (session.id, session.deadline.take());
        if let Some(at) = deadline {
            self.timers.disarm(at, id, Timer::Drain);
        }
        if self.observed {
            let session = self.sessions.at(slot);
            let undelivered = session.undelivered(&self.protocols[session.protocol as usize]);
            self.event(slot, || Event::Ended { session: id, status, undelivered });
        }
    }

    /// Hands each message to its handler once, as soon as its receiver waits for it, and to each
    /// role one at a time: after it the role may wait for another one of those that are there.
    #[cold]
    fn deliver(&mut self, slot: u32) {
        let session = self.sessions.at_mut(slot);
        let protocol = &self.protocols[session.protocol as usize];
        let Some(handlers) = session.handlers.as_mut() else { return };
        let (endpoints, buffers) = (&session.endpoints, &session.edges);
        let awaited = |index: usize, edge: &Edge| {
            let head = buffers[index].queue.front()?;
            let (state, label) =
                (endpoints[edge.to.index()].state, protocol.message(head.message).label);
            protocol.automaton(edge.to).receive(state, edge.from, label, head.message)?;
            Some((label, head))
        };
        let mut busy = vec![false; endpoints.len()];
        for (index, edge) in protocol.edges().iter().enumerate() {
            let is_out = handlers.delivered[index] > buffers[index].consumed;
            busy[edge.to.index()] |= is_out && awaited(index, edge).is_some();
        }
        let mut deliveries = Vec::new();
        for (index, edge) in protocol.edges().iter().enumerate() {
            let seq = buffers[index].consumed;
            let (Some(handler), Some((label, head))) = (handlers.of(index), awaited(index, edge))
            else {
                continue;
            };
            if handlers.delivered[index] <= seq && !busy[edge.to.index()] {
                let (handler, value) = (handler.clone(), head.value.clone());
                handlers.delivered[index] = Seq(seq.0 + 1);
                busy[edge.to.index()] = true;
                let (role, from, session) = (edge.to, edge.from, session.id);
                deliveries.push(Deliver { session, handler, role, from, seq, label, value });
            }
        }
        for deliver in deliveries {
            self.output(slot, Output::Deliver(deliver));
        }
    }

    /// Hands an output out, when the records that justify it are durable.
    fn output(&mut self, slot: u32, output: Output) {
        match &mut self.sessions.at_mut(slot).log {
            Some(log) if !log.is_durable() => log.gate(output),
            _ => self.outputs.push_back(output),
        }
    }

    #[inline]
    fn event(&mut self, slot: u32, event: impl FnOnce() -> Event) {
        if self.observed && !self.replaying {
            self.output(slot, Output::Event(event()));
        }
    }

    /// Tells an observer of an action; `action.from` is the other role.
    fn advanced(&mut self, slot: u32, role: RoleIx, direction: Direction, action: Received) {
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

    /// The number of the edge, for [`Act::Bind`].
    #[must_use]
    pub fn edge(&self, session: SessionId, from: RoleIx, to: RoleIx) -> Option<EdgeIx> {
        let slot = self.sessions.find(session, u32::MAX)?;
        self.protocols[self.sessions.at(slot).protocol as usize].edge(from, to)
    }
}
