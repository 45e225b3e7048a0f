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

mod action;
mod archive;
mod attachment;
mod attest;
mod audit;
mod authority;
mod delegation;
mod digest;
mod direct;
mod edge;
mod effect;
mod ends;
mod explain;
mod few;
mod handler;
mod handover;
mod id;
mod input;
mod invariant;
mod lifecycle;
mod log;
mod memory;
mod merkle;
mod output;
mod ownership;
mod plain;
mod policy;
mod position;
mod predicate;
mod reap;
mod receipt;
mod record;
mod refusals;
mod refuse;
mod remember;
mod replay;
mod request;
mod session;
mod site;
mod snapshot;
mod store;
mod timer;
mod token;
mod told;
mod trail;
mod transfer;
mod view;
mod witness;

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use hashbrown::HashMap;

pub use crate::types::{CAPACITY_DEFAULT, CAPACITY_MAX};
pub use archive::{ARCHIVE_MAX, ClosedEdge, ClosedSession};
pub use attachment::Attachment;
pub use audit::{AUDITS_MAX, Audit};
pub use authority::{Capability, OWNER_BYTES_MAX, Owner, OwnerError, Presented, Scope};
pub use delegation::NotAReceipt;
pub use digest::StateDigest;
pub use edge::Queued;
pub use ends::{
    CancellationWitness, Death, FAILURE_BYTES_MAX, OWNER_LOST, OnLost, TRANSFER_ABANDONED,
    TRANSFER_COMMIT_FAILED,
};
pub use id::{
    Epoch, EpochError, Generation, Position, ReceiptId, RequestId, Seq, Serial, SessionId,
    SessionIdError, Tick, TimerId, WitnessId,
};
pub use input::{Act, Capacities, Input, Open, REASON_BYTES_MAX, Receive, Send};
pub use invariant::Violation;
pub use memory::{Memory, Retained};
pub use merkle::{Tree, TreeHash, levels, root_by};
pub use output::{Accepted, Deliver, Event, Output, Received, Status};
pub use policy::{Policy, Unsound};
pub use predicate::{PREDICATE_DEPTH_MAX, PREDICATE_TERMS_MAX, Predicate, PredicateError, Term};
pub use receipt::{Authority, Commit, OUTSTANDING_MAX, Receipt, Recipient, Reclaim, Stage};
pub use record::{Batch, Head, Outcome, Record, RecordError, Recorded};
pub use refusals::{REFUSED_MAX, Refusals, Refused};
pub use refuse::{Attempt, MOVES_SHOWN_MAX, Move, NotAllowed, Refusal};
pub use remember::{Performed, REMEMBERED_MAX};
pub use replay::ReplayError;
pub use request::Requests;
pub use site::{Armed, Site};
pub use snapshot::{SessionSnapshot, SnapshotError};
pub use timer::Timer;
pub use token::Serials;
pub use told::Told;
pub use trail::{AuditLine, Held, Holder, InFlight, Side, Trail};
pub use view::{EdgeView, EndpointView, HoldingView, SessionView};
pub use witness::{Readiness, TimeoutWitness};

use crate::types::{EdgeIx, Evidence, Protocol, ProtocolDigest, RoleIx};
use archive::{Archive, Ended};
use session::Session;
use store::Store;
use timer::Timers;

/// The protocol machine. See the module.
#[derive(Debug, Default)]
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
    /// The slot of the last session in which a transfer was staged: a guess for its commit.
    transfer_hint: u32,
    outputs: VecDeque<Output>,
    refused: Refusals,
    // INVARIANT(memory_counted): what `counted` counts.
    memory: Memory,
    archive: Archive,
    ended: Ended,
}

impl Clone for Machine {
    /// A copy may have allocated less than what it was copied from: it is counted anew.
    fn clone(&self) -> Self {
        let mut machine = Self {
            protocols: self.protocols.clone(),
            protocol_slots: self.protocol_slots.clone(),
            sessions: self.sessions.clone(),
            timers: self.timers.clone(),
            now: self.now,
            observed: self.observed,
            replaying: self.replaying,
            touched: self.touched.clone(),
            transfer_hint: self.transfer_hint,
            outputs: self.outputs.clone(),
            refused: self.refused.clone(),
            memory: self.memory,
            archive: self.archive.clone(),
            ended: self.ended.clone(),
        };
        machine.memory = machine.counted();
        machine
    }
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

    /// Says everything that happens from here on, or nothing any more. A machine that says nothing
    /// does not look for it.
    pub fn observe(&mut self, observed: bool) {
        self.observed = observed;
    }

    /// Whether it says what happens.
    #[must_use]
    pub fn is_observed(&self) -> bool {
        self.observed
    }

    /// Makes a protocol known; sessions name it by its digest. Knowing it already changes nothing,
    /// unless only now it comes with evidence that its roles are safe together.
    pub fn register(&mut self, protocol: &Arc<Protocol>) -> ProtocolDigest {
        let digest = protocol.digest();
        if let Some(slot) = self.protocol_slots.get(&digest) {
            let known = &mut self.protocols[*slot as usize];
            if *known.evidence() == Evidence::None {
                *known = Arc::clone(protocol);
            }
        } else {
            let slot = u32::try_from(self.protocols.len()).expect("fewer than 2^32 protocols");
            self.protocols.push(Arc::clone(protocol));
            self.protocol_slots.insert(digest, slot);
        }
        digest
    }

    /// MACH-5: applies one input whole, or refuses it and changes nothing of the protocol state.
    /// Time advances to `now` first: timers that are due expire before the input is looked at.
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
            Input::Commit(commit) => {
                self.advance_time(now);
                Ok(self.committed(&commit)?.into())
            }
            Input::Reclaim(reclaim) => {
                self.advance_time(now);
                let session = reclaim.session;
                let done = self.reclaim(&reclaim);
                done.map_err(|refusal| self.refuse(Some(session), None, "reclaim", refusal))
            }
            Input::Persisted { session, upto } => {
                self.advance_time(now);
                let done = self.persisted(session, upto);
                done.map_err(|refusal| self.refuse(Some(session), None, "persisted", refusal))
            }
            Input::Tick => {
                self.advance_time(now);
                Ok(Accepted::Done)
            }
            Input::Reap { session } => {
                self.advance_time(now);
                let done = self.reap(session);
                done.map_err(|refusal| self.refuse(Some(session), None, "reap", refusal))
            }
            Input::Recovered { session, fencing } => {
                self.advance_time(now);
                let done = self.recovered(session, fencing);
                done.map_err(|refusal| self.refuse(Some(session), None, "recovered", refusal))
            }
        }
    }

    /// [`Input::Act`] with a borrowed authority. [`send`](Self::send) and
    /// [`receive`](Self::receive) do the same for messages that are not numbered.
    ///
    /// # Errors
    /// A [`Refusal`].
    pub fn act(&mut self, now: Tick, by: &Presented, act: Act) -> Result<Accepted, Refusal> {
        self.advance_time(now);
        match &act {
            Act::Send(Send { role, to, label, value, at: None }) => {
                let now = self.now;
                if let Some((session, protocol)) = self.plain(by, *role)
                    && let Some(step) = session.plain_send(protocol, *role, *to, *label, value)
                {
                    // Taken apart only now, where nothing else can happen to it: spares two copies.
                    let Act::Send(Send { value, .. }) = act else { unreachable!("it is a send") };
                    let (seq, position) = step.send(now, value);
                    self.memory.messages += 1;
                    return Ok(Accepted::Sent { seq, position });
                }
            }
            Act::Receive(Receive { role, from, at: None }) => {
                let now = self.now;
                if let Some((session, protocol)) = self.plain(by, *role)
                    && let Some(step) = session.plain_receive(protocol, *role, *from)
                {
                    // It owns nothing: spares a look at what there is to drop.
                    core::mem::forget(act);
                    let received = step.receive(now);
                    self.memory.messages -= 1;
                    return Ok(Accepted::Received(received));
                }
            }
            _ => {}
        }
        match act {
            Act::Send(Send { role, to, label, value, at: None }) => {
                let (seq, position) = self.send_recorded(by, role, to, label, value)?;
                Ok(Accepted::Sent { seq, position })
            }
            Act::Receive(Receive { role, from, at: None }) => {
                Ok(Accepted::Received(self.receive_recorded(by, role, from)?))
            }
            act => self.act_in_full(by, act),
        }
    }

    /// Any act, with nothing taken for granted: what the short path of plain messages leaves over.
    /// It would come to the same for everything that is performed there.
    #[inline(never)]
    fn act_in_full(&mut self, by: &Presented, act: Act) -> Result<Accepted, Refusal> {
        let attempt = act.word();
        let done = self.act_anyhow(by, act);
        done.map_err(|refusal| self.refuse(Some(by.session), Some(&by.owner), attempt, refusal))
    }

    fn act_anyhow(&mut self, by: &Presented, act: Act) -> Result<Accepted, Refusal> {
        if let Act::Authority(authority) = &act
            && let Some(accepted) = self.authority_shortly(by, authority)
        {
            return Ok(accepted);
        }
        let Some(slot) = self.sessions.find(by.session, by.hint) else {
            return self.act_archived(by, act);
        };
        self.weighed(slot, |machine| machine.act_on(slot, by, act))
    }

    /// LIFE-10: every act is on the session in one slot, and on nothing else.
    fn act_on(&mut self, slot: u32, by: &Presented, act: Act) -> Result<Accepted, Refusal> {
        match act {
            Act::Send(send) => self.send_in_full(slot, by, send),
            Act::Receive(receive) => self.receive_in_full(slot, by, receive),
            Act::Acknowledge { role, position } => self.acknowledge(slot, by, role, position),
            Act::Authority(authority) => self.transfer(slot, by, authority),
            Act::Attach { role } => self.attach(slot, by, role),
            Act::Detach { role, epoch } => self.detach(slot, by, role, epoch),
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
            let batch = self.weighed(slot, |machine| {
                let session = machine.sessions.at_mut(slot);
                let id = session.id;
                session.log_mut().and_then(|log| log.seal(id))
            });
            self.outputs.extend(batch.map(Output::Persist));
        }
    }

    /// The next thing to do; `None` when there is nothing more for now.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// TIMER-5: when the machine next wants to be told the time, with any input or [`Input::Tick`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        self.timers.next()
    }

    /// MACH-6: time comes first and never goes back.
    #[inline]
    fn advance_time(&mut self, now: Tick) {
        self.now = self.now.max(now);
        if self.timers.may_be_due(self.now) {
            self.expire_due();
        }
    }

    #[cold]
    fn expire_due(&mut self) {
        // In a replay timers run out where the journal says so.
        while !self.replaying
            && let Some((at, session, timer)) = self.timers.take_due(self.now)
        {
            let slot = self.sessions.find(session, u32::MAX).expect("a timer's session is there");
            self.weighed(slot, |machine| machine.expire(slot, timer, at));
        }
    }

    /// LIFE-2: a timer of a session ran out; what that came to.
    fn expire(&mut self, slot: u32, timer: Timer, at: Tick) -> Outcome {
        let session = self.sessions.at_mut(slot);
        session.tick = session.tick.max(at);
        let mut late = None;
        match timer {
            Timer::Drain => session.seldom_mut().deadline = None,
            // AUTH-14: nothing has moved, and the receipt is spent.
            Timer::Transfer(receipt) => {
                let spread = session.seldom_mut().spread.as_mut();
                spread.and_then(|spread| spread.settle(receipt));
            }
            Timer::Site(timer) => late = Some((timer, self.time_out(slot, timer))),
            // TIMER-3: it was not spent in time.
            Timer::Witness(witness) => {
                let outstanding = session.seldom_mut().outstanding.as_mut();
                outstanding.and_then(|all| all.spend(witness));
            }
        }
        let outcome = late.as_ref().map_or(Outcome::Done, |(_, late)| Outcome::Witness(late.id));
        self.note(slot, &Recorded::Expired(timer), outcome);
        if let Some((timer, witness)) = late {
            self.timed_out(slot, timer, witness);
        }
        match timer {
            Timer::Drain => self.end(slot, Status::Closed),
            Timer::Transfer(_) => self.settle(slot),
            Timer::Site(_) | Timer::Witness(_) => {}
        }
        outcome
    }

    fn open(&mut self, open: Open) -> Result<Accepted, Refusal> {
        if let Some(slot) = self.sessions.find(open.session, u32::MAX) {
            let session = self.sessions.at(slot);
            let protocol = &self.protocols[session.protocol as usize];
            if session.is_opened_by(&open, protocol) {
                return Ok(Accepted::Opened(self.capability(slot)));
            }
            return Err(self.refuse_open(&open, Refusal::SessionExists(open.session)));
        }
        // LIFE-16: one that was reaped is not opened again.
        if self.archive.get(open.session).is_some() {
            return Err(self.refuse_open(&open, Refusal::SessionExists(open.session)));
        }
        let Some(&protocol) = self.protocol_slots.get(&open.protocol) else {
            return Err(self.refuse_open(&open, Refusal::UnknownProtocol(open.protocol)));
        };
        let plan = &self.protocols[protocol as usize];
        let session = match Session::open(&open, plan, protocol, self.now, self.replaying) {
            Ok(session) => session,
            Err(refusal) => return Err(self.refuse_open(&open, refusal)),
        };
        let (id, generation) = (session.id, session.ownership.generation);
        let open = match open.journal {
            true => Open {
                capacities: open.capacities.resolved(plan, session.checked),
                policies: open.policies_resolved(plan),
                ..open
            },
            false => open,
        };
        let slot = self.sessions.insert(session);
        self.memory.came(self.sessions.at(slot));
        self.memory.live += 1;
        self.weighed(slot, |machine| machine.opened(slot, open, id, generation));
        Ok(Accepted::Opened(self.capability(slot)))
    }

    fn opened(&mut self, slot: u32, open: Open, id: SessionId, generation: Generation) {
        self.record(slot, &Recorded::Input(Input::Open(open)), Outcome::Opened(generation));
        self.event(slot, || Event::Opened { session: id });
        self.settle(slot);
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
            over: None,
        })
    }

    fn persisted(&mut self, id: SessionId, upto: u64) -> Result<Accepted, Refusal> {
        let Some(slot) = self.sessions.find(id, u32::MAX) else {
            let known = self.archive.get(id).is_some();
            return if known { Ok(Accepted::Done) } else { Err(Refusal::UnknownSession(id)) };
        };
        let outputs = &mut self.outputs;
        if let Some(log) = self.sessions.at_mut(slot).log_mut() {
            let was_durable = log.is_durable();
            log.persisted(upto, |output| outputs.push_back(output));
            if !was_durable {
                self.note_ended(slot);
            }
        }
        Ok(Accepted::Done)
    }

    /// The number of the edge, for [`Act::Bind`].
    #[must_use]
    pub fn edge(&self, session: SessionId, from: RoleIx, to: RoleIx) -> Option<EdgeIx> {
        let slot = self.sessions.find(session, u32::MAX)?;
        self.protocols[self.sessions.at(slot).protocol as usize].edge(from, to)
    }
}
