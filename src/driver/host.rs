//! One session's machine with its journal, shared by its endpoints.
//!
//! Clauses: HOLD-2, DELEG-6.

use std::mem::take;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use tokio::sync::Notify;

use super::clock::Clock;
use super::delegation::{self, Carried, Returned};
use super::error::Error;
use super::events::Observers;
use super::handler::Handler;
use super::token::Handed;
use crate::journal::Lines;
use crate::machine::{
    Accepted, Act, Capability, Deliver, Input, Machine, Output, Refusal, RequestId, SessionId,
    SessionView, Tick,
};
use crate::types::{Name, Protocol, RoleIx};
use crate::wire::journal;

/// What the endpoints of a session share.
pub(super) struct Host {
    state: Mutex<State>,
    /// Wakes endpoints that wait for a message or for room, and the pump of the handlers.
    changed: Arc<Notify>,
    changed_blocking: Condvar,
    pub(super) clock: Clock,
    /// Itself, for what runs beside it.
    pub(super) me: Weak<Self>,
    pub(super) id: SessionId,
    pub(super) protocol: Arc<Protocol>,
    /// Everything of the session, as far as it was not handed over.
    pub(super) capability: Capability,
}

pub(super) struct State {
    pub(super) machine: Machine,
    pub(super) journal: Option<Box<dyn Lines>>,
    pub(super) handlers: HashMap<Name, Arc<dyn Handler>>,
    /// Messages for handlers, at most one an edge.
    pub(super) deliveries: Vec<Deliver>,
    /// Bit `r` is set while somebody holds the endpoint of role `r`.
    pub(super) taken: u128,
    pub(super) is_pumping: bool,
    /// Endpoints of other sessions whose messages were sent over this one, until they are received.
    pub(super) carried: Vec<Carried>,
    /// Those that came back, for who gave them.
    pub(super) returned: Vec<Returned>,
    /// Who looks on.
    pub(super) observers: Observers,
    /// The last handoff tokens that were accepted.
    pub(super) handed: Handed,
    /// Until when the ticker sleeps, if it runs.
    pub(super) waking: Option<Tick>,
    /// The number of the next request that creates something.
    requests: u64,
    /// Grows with every change: who waits for one compares it.
    changes: u64,
    /// Why nothing can be kept any more.
    failed: Option<Error>,
}

impl Host {
    pub(super) fn new(
        protocol: Arc<Protocol>,
        mut machine: Machine,
        open: Input,
        journal: &dyn Fn() -> Result<Option<Box<dyn Lines>>, Error>,
    ) -> Result<Arc<Self>, Error> {
        let accepted = machine.handle(Tick(0), open)?;
        let Accepted::Opened(capability) = accepted else {
            unreachable!("an accepted `Open` is answered by `Opened`");
        };
        let id = capability.session();
        let mut state = State {
            machine,
            journal: journal()?,
            handlers: HashMap::new(),
            deliveries: Vec::new(),
            taken: 0,
            is_pumping: false,
            carried: Vec::new(),
            returned: Vec::new(),
            observers: Observers::default(),
            handed: Handed::default(),
            waking: None,
            requests: 0,
            changes: 0,
            failed: None,
        };
        if let Some(journal) = &mut state.journal {
            journal.append(&journal::header_line(&protocol, id))?;
        }
        state.keep(Tick(0), &protocol)?;
        Ok(Arc::new_cyclic(|me| Self {
            state: Mutex::new(state),
            changed: Arc::new(Notify::new()),
            changed_blocking: Condvar::new(),
            clock: Clock::new(),
            me: Weak::clone(me),
            id,
            protocol,
            capability,
        }))
    }

    /// The state. A panic of somebody who held it left it whole: the machine changes only at once.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something under the session's own capability, and answers when it is kept.
    pub(super) fn act(&self, act: Act) -> Result<Accepted, Error> {
        let by = self.capability.present();
        self.change(|state, now| Ok(state.machine.act(now, by, act)?))
    }

    /// Tells the machine something, and answers when it is kept.
    pub(super) fn change<T>(
        &self,
        told: impl FnOnce(&mut State, Tick) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let now = self.clock.now();
        self.change_in(self.state(), now, told)
    }

    /// Does something if the session is like this, and says whether it was; nothing comes between.
    pub(super) fn act_while(
        &self,
        like: impl FnOnce(SessionView<'_>) -> bool,
        act: Act,
    ) -> Result<bool, Error> {
        let now = self.clock.now();
        let state = self.state();
        if !like(state.machine.session(self.id).expect("the session is there")) {
            return Ok(false);
        }
        let by = self.capability.present();
        self.change_in(state, now, |state, now| Ok(state.machine.act(now, by, act)?)).map(|_| true)
    }

    fn change_in<T>(
        &self,
        mut state: MutexGuard<'_, State>,
        now: Tick,
        told: impl FnOnce(&mut State, Tick) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some(failed) = &state.failed {
            return Err(failed.clone());
        }
        let has_run_out = state.due().is_some_and(|due| due <= now);
        let accepted = told(&mut state, now);
        let kept = state.keep(now, &self.protocol);
        // Those who wait must hear of a failure, too: nothing else would wake them.
        let is_changed = accepted.is_ok() || kept.is_err() || has_run_out;
        state.changes += u64::from(is_changed);
        let left = self.left_lying(&mut state);
        let wind = state.wind();
        drop(state);
        self.winds(wind);
        // HOLD-2: whoever waits under an authority that is gone now is woken, too, and refused.
        if is_changed {
            self.changed.notify_waiters();
            self.changed_blocking.notify_all();
        }
        self.give_back(left);
        kept?;
        accepted
    }

    /// DELEG-6: what nobody will receive any more, because the session has ended.
    fn left_lying(&self, state: &mut State) -> Vec<Carried> {
        if state.carried.is_empty() {
            return Vec::new();
        }
        let session = state.machine.session(self.id).expect("the session is there");
        if !session.status().is_terminal() {
            return Vec::new();
        }
        state.carried.extract_if(.., |carried| carried.lies_on(session)).collect()
    }

    /// Rolls transfers back, with no session locked: each speaks to its own.
    fn give_back(&self, left: Vec<Carried>) {
        let returned: Vec<Returned> = left.into_iter().map(Carried::back).collect();
        if !returned.is_empty() {
            self.state().returned.extend(returned);
        }
    }

    /// The role of this name.
    pub(super) fn role(&self, role: &str) -> Result<RoleIx, Error> {
        self.protocol.role(role).ok_or_else(|| {
            let known = self.protocol.roles().map(|role| format!("`{role}`"));
            let known = known.collect::<Vec<_>>().join(", ").into();
            Error::Refused(Refusal::UnknownRole { known })
        })
    }

    /// Looks at the session.
    pub(super) fn view<T>(&self, look: impl FnOnce(SessionView<'_>) -> T) -> T {
        let state = self.state();
        look(state.machine.session(self.id).expect("the session is there"))
    }

    /// Tries until it is done or refused for another reason than having to wait.
    pub(super) async fn until_possible<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let attempt = || match attempt() {
            Err(error) if must_wait(&error) => None,
            done => Some(done),
        };
        self.until(attempt).await
    }

    /// Looks after every change until there is something.
    pub(super) async fn until<T>(&self, mut look: impl FnMut() -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listen first, so that a change between the look and the wait is not missed.
            changed.as_mut().enable();
            match look() {
                Some(found) => return found,
                None => {
                    // What was armed outside of a runtime runs out by itself from here on.
                    let wind = self.state().wind();
                    self.winds(wind);
                    changed.await;
                }
            }
        }
    }

    /// As [`until_possible`](Self::until_possible), blocking the thread.
    pub(super) fn block_until_possible<T>(
        &self,
        timeout: Option<Duration>,
        mut attempt: impl FnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let started = Instant::now();
        loop {
            let seen = self.state().changes;
            match attempt() {
                Err(error) if must_wait(&error) => {}
                done => return done,
            }
            let left = match timeout {
                Some(timeout) => {
                    let left = timeout.checked_sub(started.elapsed());
                    left.ok_or(Error::TimedOut(timeout))?
                }
                None => Duration::from_secs(3600),
            };
            // Without a ticker whoever waits is woken for what is due.
            let due = self.state().due().map(|due| self.clock.until(due));
            let left = due.map_or(left, |due| due.min(left));
            let unchanged = |state: &mut State| state.changes == seen;
            let waited = self.changed_blocking.wait_timeout_while(self.state(), left, unchanged);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Resolves at the next change.
    pub(super) fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.changed.notify_waiters();
        self.clock.stop();
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let (carried, returned) = (take(&mut state.carried), take(&mut state.returned));
        delegation::let_go(carried, returned);
    }
}

/// Whether the same action may succeed later.
fn must_wait(error: &Error) -> bool {
    matches!(error.refusal(), Some(Refusal::EdgeFull { .. } | Refusal::EdgeEmpty { .. }))
}

impl State {
    /// A number that no request of this session had before.
    pub(super) fn request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(self.requests)
    }

    /// Whether nothing can be kept any more.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// AUTH-6: gives the endpoint of `role` to somebody, if nobody holds it.
    pub(super) fn take_endpoint(&mut self, protocol: &Protocol, role: RoleIx) -> Result<(), Error> {
        let bit = 1_u128 << role.0;
        if self.taken & bit != 0 {
            return Err(Error::EndpointTaken { role: protocol.role_name(role).to_string() });
        }
        self.taken |= bit;
        Ok(())
    }

    /// JRNL-5: makes what the machine recorded durable, then takes what it has for us.
    fn keep(&mut self, now: Tick, protocol: &Arc<Protocol>) -> Result<(), Error> {
        self.machine.seal();
        while let Some(output) = self.machine.poll() {
            match output {
                Output::Persist(batch) => {
                    let line = journal::batch_line(protocol, &batch)
                        .expect("a machine's batches are of its protocols");
                    if let Some(Err(error)) = self.journal.as_mut().map(|j| j.append(&line)) {
                        let error = Error::from(error);
                        self.failed = Some(error.clone());
                        self.observers = Observers::default();
                        return Err(error);
                    }
                    let upto = batch.first + u64::from(batch.count);
                    let persisted = Input::Persisted { session: batch.session, upto };
                    self.machine.handle(now, persisted)?;
                }
                Output::Deliver(deliver) => self.deliveries.push(deliver),
                Output::Event(event) => self.observers.tell(protocol, event),
            }
        }
        if self.observers.have_left() {
            self.machine.observe(false);
        }
        Ok(())
    }
}
