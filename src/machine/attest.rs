//! What is done with witnesses and timers: issue and consume, arm and disarm.
//!
//! As in `transfer.rs` each is two halves: `check` finds what is to be changed and changes nothing,
//! `attest` cannot fail.
//!
//! Clauses: WITN-1 to WITN-7, TIMER-1 to TIMER-4.

use alloc::boxed::Box;

use super::Machine;
use super::authority::{Presented, Scope};
use super::id::{RequestId, Tick, TimerId, WitnessId};
use super::output::{Accepted, Came, Event};
use super::predicate::Predicate;
use super::receipt::{Authority, OUTSTANDING_MAX};
use super::record::Outcome;
use super::refuse::Refusal;
use super::request::Made;
use super::session::Session;
use super::site::{Armed, Site};
use super::timer::Timer;
use super::witness::{Outstanding, Readiness, Ready, TimeoutWitness, Watch};
use crate::types::Protocol;

/// What is to be done, with nothing left to check.
#[repr(u8)]
pub(super) enum Attest<'a> {
    Issue {
        by: &'a Presented,
        request: RequestId,
        predicate: &'a Predicate,
        scope: Scope,
    },
    Consume(WitnessId),
    Arm {
        by: &'a Presented,
        request: RequestId,
        site: &'a Site,
        scope: Scope,
        after: u64,
        valid: Option<u64>,
    },
    Disarm(TimerId),
}

impl Machine {
    pub(super) fn attest(&mut self, slot: u32, attest: Attest<'_>) -> (Came, Outcome) {
        let session = self.sessions.at_mut(slot);
        session.tick = session.tick.max(self.now);
        let (session, now, outstanding) =
            (session.id, session.tick, session.seldom_mut().outstanding.get_or_insert_default());
        match attest {
            Attest::Issue { by, request, predicate, scope } => {
                let witness = Readiness {
                    session,
                    id: outstanding.witnesses,
                    owner: by.owner.clone(),
                    generation: by.generation,
                    scope,
                    predicate: predicate.clone(),
                };
                let presented = by.scope;
                outstanding.witnesses.0 += 1;
                let outcome = Outcome::Witness(witness.id);
                outstanding.readiness.push(Ready { witness: witness.clone(), request, presented });
                (Came::Witness(witness), outcome)
            }
            Attest::Consume(witness) => {
                if let Some((at, timer)) = outstanding.spend(witness) {
                    self.timers.disarm(at, session, timer);
                }
                (Accepted::Done.into(), Outcome::Done)
            }
            Attest::Arm { by, request, site, scope, after, valid } => {
                let (owner, generation, presented) = (by.owner.clone(), by.generation, by.scope);
                let site = site.clone();
                let (id, due) = (outstanding.timers, Tick(now.0.saturating_add(after)));
                outstanding.timers.0 += 1;
                let timer = Armed { id, site, owner, generation, scope, due, valid };
                outstanding.armed.push(Watch { timer, request, presented, after });
                self.timers.arm(due, session, Timer::Site(id));
                (Accepted::Timer(id).into(), Outcome::Timer(id))
            }
            Attest::Disarm(timer) => {
                if let Some(Armed { due, .. }) = outstanding.disarm(timer) {
                    self.timers.disarm(due, session, Timer::Site(timer));
                }
                (Accepted::Done.into(), Outcome::Done)
            }
        }
    }

    /// TIMER-2: a timer that somebody armed ran out; its witness is outstanding now.
    pub(super) fn time_out(&mut self, slot: u32, timer: TimerId) -> TimeoutWitness {
        let session = self.sessions.at_mut(slot);
        let (id, now) = (session.id, session.tick);
        let outstanding = session.seldom_mut().outstanding.get_or_insert_default();
        let witness = outstanding.time_out(id, timer, now);
        if let Some(until) = witness.until {
            self.timers.arm(until, id, Timer::Witness(witness.id));
        }
        witness
    }

    /// Tells an observer of it.
    pub(super) fn timed_out(&mut self, slot: u32, timer: TimerId, witness: TimeoutWitness) {
        self.event(slot, || Event::TimedOut { timer, witness: Box::new(witness) });
    }

    /// Spends a witness that was looked at together with something else.
    pub(super) fn spend(&mut self, slot: u32, witness: Option<WitnessId>) {
        let session = self.sessions.at_mut(slot);
        let (id, seldom) = (session.id, session.seldom.as_mut());
        let outstanding = seldom.and_then(|seldom| seldom.outstanding.as_mut());
        let timer = outstanding.zip(witness).and_then(|(all, witness)| all.spend(witness));
        if let Some((at, timer)) = timer {
            self.timers.disarm(at, id, timer);
        }
    }

    /// WITN-7: what is bound to fragments that move is dead.
    pub(super) fn invalidate(&mut self, slot: u32, moved: Scope) {
        let session = self.sessions.at_mut(slot);
        let (id, seldom) = (session.id, session.seldom.as_mut());
        let outstanding = seldom.and_then(|seldom| seldom.outstanding.as_mut());
        for (at, timer) in outstanding.map(|all| all.take(moved)).unwrap_or_default() {
            self.timers.disarm(at, id, timer);
        }
    }
}

impl Session {
    pub(super) fn outstanding(&self) -> Option<&Outstanding> {
        self.seldom.as_ref()?.outstanding.as_deref()
    }

    /// AUTH-9: what the same request came to, if that is still live.
    pub(super) fn attested_before(&self, made: Made<'_>) -> Option<Came> {
        let Outstanding { readiness, armed, .. } = self.outstanding()?;
        if let Some(ready) = readiness.iter().find(|ready| ready.is_made_by(made)) {
            return Some(Came::Witness(ready.witness.clone()));
        }
        let watch = armed.iter().find(|watch| watch.is_made_by(made))?;
        Some(Accepted::Timer(watch.timer.id).into())
    }

    pub(super) fn check_attest<'a>(
        &self,
        protocol: &Protocol,
        by: &'a Presented,
        authority: &'a Authority,
    ) -> Result<Attest<'a>, Refusal> {
        match authority {
            Authority::IssueReadiness { request, predicate } => {
                predicate.known(protocol)?;
                let scope = Some(predicate.scope()).filter(|scope| !scope.is_empty());
                let scope = scope.unwrap_or(by.scope);
                self.authorize(protocol, by, scope)?;
                self.goes_on()?;
                self.is_true(protocol, predicate)?;
                self.may_issue()?;
                Ok(Attest::Issue { by, request: *request, predicate, scope })
            }
            Authority::ConsumeReadiness { witness } => {
                self.authorize(protocol, by, witness.scope)?;
                self.goes_on()?;
                let mut issued = self.outstanding().into_iter().flat_map(|all| &all.readiness);
                self.is_issued(witness.id, issued.any(|ready| ready.witness == *witness))?;
                self.is_true(protocol, &witness.predicate)?;
                Ok(Attest::Consume(witness.id))
            }
            Authority::ConsumeTimeout { witness } => {
                self.authorize(protocol, by, witness.scope)?;
                self.goes_on()?;
                self.is_timed_out(witness)?;
                Ok(Attest::Consume(witness.id))
            }
            Authority::ArmTimer { request, site, after, valid } => {
                site.known(protocol)?;
                let scope = site.covered(self, protocol, by)?;
                self.goes_on()?;
                self.may_issue()?;
                let (request, after, valid) = (*request, *after, *valid);
                Ok(Attest::Arm { by, request, site, scope, after, valid })
            }
            Authority::DisarmTimer { timer } => {
                let mut armed = self.outstanding().into_iter().flat_map(|all| &all.armed);
                let found = armed.find(|watch| watch.timer.id == *timer);
                let scope = found.map_or(by.scope, |watch| watch.timer.scope);
                if let Err(refusal) = self.authorize(protocol, by, scope) {
                    self.authorize(protocol, by, Scope::LIFECYCLE).map_err(|_| refusal)?;
                }
                self.goes_on()?;
                found.ok_or(Refusal::TimerNotArmed(*timer))?;
                Ok(Attest::Disarm(*timer))
            }
            _ => unreachable!("the others move fragments"),
        }
    }

    /// TIMER-3: whether the witness is outstanding, field by field. Whose `until` has come is not:
    /// its own timer has run out before the input was looked at.
    pub(super) fn is_timed_out(&self, witness: &TimeoutWitness) -> Result<(), Refusal> {
        let issued = self.outstanding().is_some_and(|all| all.timeouts.contains(witness));
        self.is_issued(witness.id, issued)
    }

    /// WITN-3, WITN-4: why a witness that is not as it was issued is none.
    fn is_issued(&self, witness: WitnessId, issued: bool) -> Result<(), Refusal> {
        let spent = |all: &Outstanding| witness < all.witnesses && !all.is_outstanding(witness);
        match issued {
            true => Ok(()),
            false if self.outstanding().is_some_and(spent) => Err(Refusal::WitnessSpent(witness)),
            false => Err(Refusal::InvalidWitness(witness)),
        }
    }

    fn is_true(&self, protocol: &Protocol, predicate: &Predicate) -> Result<(), Refusal> {
        if predicate.holds(self, protocol) {
            return Ok(());
        }
        Err(Refusal::PredicateFalse { predicate: predicate.shown(protocol).into() })
    }

    /// AUTH-16: whether one more may be outstanding.
    pub(super) fn may_issue(&self) -> Result<(), Refusal> {
        let outstanding = self.staged().len() + self.outstanding().map_or(0, Outstanding::len);
        if outstanding < OUTSTANDING_MAX { Ok(()) } else { Err(Refusal::TooManyOutstanding) }
    }
}
