//! How fragments change hands: release, attenuate, claim, stage, commit, roll back.
//!
//! Each is two halves: `check` finds what is to be changed and changes nothing, `perform` cannot
//! fail.
//!
//! Clauses: AUTH-7 to AUTH-14, AUTH-16.

use alloc::boxed::Box;

use super::Machine;
use super::attest::Attest;
use super::audit;
use super::audit::Audit;
use super::authority::{Capability, Owner, Presented, Scope};
use super::ends::cut_failure;
use super::explain::uncovered;
use super::id::{Generation, ReceiptId, RequestId, SessionId, Tick, WitnessId};
use super::output::{Accepted, Came, Event, Status};
use super::ownership::{Holding, Spread, Staged, Uncovered};
use super::receipt::{Authority, Commit, Receipt, Recipient, Reclaim};
use super::record::{Outcome, Recorded};
use super::refuse::Refusal;
use super::request::{Made, Origin};
use super::session::{Path, Session};
use super::timer::Timer;
use super::token::{Asked, Serials};
use super::witness::Outstanding;
use crate::types::Protocol;

/// What is to be done, with nothing left to check.
#[repr(u8)]
pub(super) enum Change<'a> {
    Release {
        by: &'a Presented,
        scope: Scope,
    },
    Issue {
        owner: &'a Owner,
        scope: Scope,
        receipt: Option<ReceiptId>,
    },
    Stage {
        by: &'a Presented,
        request: RequestId,
        scope: Scope,
        to: &'a Recipient,
        expires: Option<Tick>,
        freeze: bool,
    },
    Rollback(ReceiptId),
    /// The transfer is taken back and the session ends.
    End {
        receipt: ReceiptId,
        status: Status,
    },
    /// What the owner has becomes nobody's, or the session ends.
    Lose {
        owner: &'a Owner,
        /// The timeout witness that has shown it.
        spent: Option<WitnessId>,
        end: Option<Status>,
    },
    Serials {
        serials: Serials,
        accepted: Accepted,
        outcome: Outcome,
    },
    /// It is so already.
    Nothing(Accepted),
    Attest(Attest<'a>),
}

impl Change<'_> {
    /// How the session ends by it.
    fn end(&self) -> Option<Status> {
        match self {
            Self::End { status, .. } => Some(status.clone()),
            Self::Lose { end, .. } => end.clone(),
            _ => None,
        }
    }
}

impl Machine {
    /// An authority act on the session in `slot`.
    pub(super) fn transfer(
        &mut self,
        slot: u32,
        by: &Presented,
        mut authority: Box<Authority>,
    ) -> Result<Accepted, Refusal> {
        if let Authority::FailCommit { reason, .. } = &mut *authority {
            *reason = cut_failure(reason);
        }
        Ok(self.change(slot, Made::Act { by, authority: &authority })?.into())
    }

    /// See [`Input::Reclaim`](super::Input::Reclaim).
    pub(super) fn reclaim(&mut self, reclaim: &Reclaim) -> Result<Accepted, Refusal> {
        let id = reclaim.session;
        let made = Made::Reclaim(reclaim);
        let done = match self.sessions.find(id, u32::MAX) {
            Some(slot) => self.weighed_authority(slot, |machine| machine.change(slot, made)),
            None => self.asked_archived(id, made),
        };
        done.map(Accepted::from)
    }

    pub(super) fn change(&mut self, slot: u32, made: Made<'_>) -> Result<Came, Refusal> {
        let session = self.sessions.at(slot);
        let before = session.made_before(slot, made).or_else(|| session.attested_before(made));
        if let Some(came) = before {
            return Ok(came);
        }
        let protocol = &self.protocols[session.protocol as usize];
        let change = match made {
            Made::Act { by, authority } => {
                let change = session.check_authority(protocol, by, authority);
                if let Err(Refusal::TokenSpent { .. }) = change {
                    self.sessions.at_mut(slot).count_spent(by);
                }
                change?
            }
            Made::Commit(commit) => session.check_commit(commit)?,
            Made::Reclaim(reclaim) => session.check_reclaim(protocol, reclaim)?,
        };
        if let Change::Nothing(accepted) = change {
            return Ok(accepted.into());
        }
        let end = change.end();
        let told = self.observed.then(|| {
            let session = self.sessions.at(slot);
            (session.is_said(Some(made)), session.taken_by(Some(made)))
        });
        let (came, outcome) = self.perform(slot, change, made);
        self.record_made(slot, made, outcome);
        if let Some((is_said, taken)) = told {
            let audits = audit::of_made(made, outcome).into_iter().flatten();
            self.say(slot, audits.filter(is_said).chain(taken));
        }
        match end {
            Some(status) => self.end(slot, status),
            None => self.settle(slot),
        }
        Ok(came)
    }

    fn perform(&mut self, slot: u32, change: Change<'_>, made: Made<'_>) -> (Came, Outcome) {
        match change {
            Change::Attest(attest) => return self.attest(slot, attest),
            Change::Release { scope, .. } | Change::Issue { scope, .. } => {
                self.invalidate(slot, scope);
            }
            Change::Lose { owner, spent, ref end } => {
                self.spend(slot, spent);
                if end.is_none() {
                    let lost = self.sessions.at(slot).scope_of(owner);
                    self.invalidate(slot, lost);
                }
            }
            _ => {}
        }
        let session = self.sessions.at_mut(slot);
        session.tick = session.tick.max(self.now);
        session.path = Path::Full;
        let (id, ownership) = (session.id, &mut session.ownership);
        let spread = &mut session.seldom.get_or_insert_default().spread;
        let spread = spread.get_or_insert_with(|| Box::new(Spread::new(ownership)));
        match change {
            Change::Release { by, scope } => {
                let from = (by.owner.clone(), by.generation);
                spread.release(ownership, from, scope, Origin::of(made));
                (Accepted::Done.into(), Outcome::Done)
            }
            Change::Issue { owner, scope, receipt } => {
                let settled = receipt.and_then(|receipt| spread.settle(receipt));
                let generation = spread.issue(ownership, owner.clone(), scope, Origin::of(made));
                if let Some(Staged { receipt, expires: Some(at), .. }) = settled {
                    self.timers.disarm(at, id, Timer::Transfer(receipt.id));
                }
                let capability = issued(id, slot, owner.clone(), generation, scope);
                (Accepted::Issued(capability).into(), Outcome::Issued(generation))
            }
            Change::Stage { by, request, scope, to, expires, freeze } => {
                let receipt = Receipt {
                    session: id,
                    id: spread.receipts,
                    from: by.owner.clone(),
                    generation: by.generation,
                    to: to.clone(),
                    scope,
                };
                let presented = by.scope;
                spread.receipts.0 += 1;
                let kept = receipt.clone();
                spread.staged.push(Staged { receipt: kept, expires, freeze, request, presented });
                if let Some(at) = expires {
                    self.timers.arm(at, id, Timer::Transfer(receipt.id));
                }
                let outcome = Outcome::Staged(receipt.id);
                (Came::Staged(receipt), outcome)
            }
            Change::Rollback(receipt) | Change::End { receipt, .. } => {
                if let Some(Staged { expires: Some(at), .. }) = spread.settle(receipt) {
                    self.timers.disarm(at, id, Timer::Transfer(receipt));
                }
                (Accepted::Done.into(), Outcome::Done)
            }
            Change::Lose { owner, end, .. } => {
                // In a session that ends everything stays as it was last.
                if end.is_none() {
                    spread.lose(ownership, owner, &Origin::of(made));
                }
                (Accepted::Done.into(), Outcome::Done)
            }
            Change::Serials { serials, accepted, outcome } => {
                spread.put(serials);
                (accepted.into(), outcome)
            }
            Change::Nothing(accepted) => (accepted.into(), Outcome::Done),
            Change::Attest(_) => unreachable!("it is done above"),
        }
    }

    /// Records a change of authority, and tells an observer what it means.
    pub(super) fn note(&mut self, slot: u32, event: &Recorded, outcome: Outcome) {
        self.record(slot, event, outcome);
        let session = self.sessions.at(slot);
        let audits = audit::of(&self.protocols[session.protocol as usize], event, outcome);
        self.say(slot, audits);
    }

    fn say(&mut self, slot: u32, audits: impl Iterator<Item = Audit>) {
        let session = self.sessions.at(slot).id;
        for audit in audits {
            self.event(slot, || Event::Authority { session, audit });
        }
    }
}

fn issued(
    session: SessionId,
    hint: u32,
    owner: Owner,
    generation: Generation,
    scope: Scope,
) -> Capability {
    Capability::issue(Presented { session, owner, generation, scope, hint, over: None })
}

impl Session {
    pub(super) fn spread(&self) -> Option<&Spread> {
        self.seldom.as_ref()?.spread.as_deref()
    }

    /// What is in flight.
    pub(super) fn staged(&self) -> &[Staged] {
        self.spread().map_or(&[], |spread| &spread.staged)
    }

    /// AUTH-9: what the same request came to, if that is still live.
    pub(super) fn made_before(&self, slot: u32, made: Made<'_>) -> Option<Came> {
        let spread = self.spread()?;
        // A death is no request: its owner may have come back since.
        if let Made::Act { authority: Authority::OwnerDied { .. }, .. } = made {
            return None;
        }
        if let Some(staged) = spread.staged.iter().find(|staged| staged.is_made_by(made)) {
            return Some(Came::Staged(staged.receipt.clone()));
        }
        let mut holdings = spread.holdings.iter();
        let Holding { owner, generation, issued: scope, released, .. } =
            holdings.find(|holding| holding.is_made_by(made))?;
        let accepted = match released {
            true => Accepted::Done,
            false => Accepted::Issued(issued(self.id, slot, owner.clone(), *generation, *scope)),
        };
        Some(accepted.into())
    }

    fn check_authority<'a>(
        &self,
        protocol: &Protocol,
        by: &'a Presented,
        authority: &'a Authority,
    ) -> Result<Change<'a>, Refusal> {
        match authority {
            Authority::Release { scope, .. } => {
                self.movable(protocol, by, *scope)?;
                Ok(Change::Release { by, scope: *scope })
            }
            Authority::Attenuate { scope, .. } => {
                self.movable(protocol, by, *scope)?;
                Ok(Change::Issue { owner: &by.owner, scope: *scope, receipt: None })
            }
            Authority::Claim { owner, scope, .. } => {
                self.claimable(protocol, by, *scope)?;
                Ok(Change::Issue { owner, scope: *scope, receipt: None })
            }
            Authority::Stage { request, scope, to, expires, freeze } => {
                self.movable(protocol, by, *scope)?;
                self.may_issue()?;
                let (request, scope, expires, freeze) = (*request, *scope, *expires, *freeze);
                Ok(Change::Stage { by, request, scope, to, expires, freeze })
            }
            Authority::Rollback { receipt } => self.check_rollback(protocol, by, receipt),
            Authority::Abandon { receipt } => self.check_abandon(protocol, by, receipt),
            Authority::FailCommit { receipt, reason } => {
                self.check_fail_commit(protocol, by, receipt, reason)
            }
            Authority::OwnerDied { owner, evidence } => {
                self.check_owner_died(protocol, by, owner, evidence)
            }
            Authority::IssueToken { .. } => self.check_token(protocol, by, Asked::Issue),
            Authority::Renew { serial } => self.check_token(protocol, by, Asked::Renew(*serial)),
            Authority::ConfirmToken { serial } => {
                self.check_token(protocol, by, Asked::Confirm(*serial))
            }
            Authority::IssueReadiness { .. }
            | Authority::ConsumeReadiness { .. }
            | Authority::ArmTimer { .. }
            | Authority::DisarmTimer { .. }
            | Authority::ConsumeTimeout { .. } => {
                self.check_attest(protocol, by, authority).map(Change::Attest)
            }
        }
    }

    /// AUTH-12: a receipt commits for whom it is, once.
    fn check_commit<'a>(&self, commit: &'a Commit) -> Result<Change<'a>, Refusal> {
        self.goes_on()?;
        let Commit { receipt, owner, .. } = commit;
        self.pending(receipt)?;
        match &receipt.to {
            Recipient::Owner(to) if to != owner => Err(Refusal::ReceiptMismatch(receipt.id)),
            Recipient::Owner(_) | Recipient::Bearer => {
                Ok(Change::Issue { owner, scope: receipt.scope, receipt: Some(receipt.id) })
            }
        }
    }

    /// Whether the capability covers the fragments and none of them is in flight.
    fn movable(&self, protocol: &Protocol, by: &Presented, scope: Scope) -> Result<(), Refusal> {
        self.authorize(protocol, by, scope)?;
        self.goes_on()?;
        self.quiet(scope)
    }

    /// AUTH-10: whether the fragments may be given an owner.
    fn claimable(&self, protocol: &Protocol, by: &Presented, scope: Scope) -> Result<(), Refusal> {
        if !Scope::session(protocol).covers(scope) {
            return Err(uncovered(protocol, by, scope, Uncovered::Scope));
        }
        let by_lifecycle = !self.ownership.was_last(self.spread(), by, scope);
        if by_lifecycle {
            self.authorize(protocol, by, Scope::LIFECYCLE)?;
        }
        self.goes_on()?;
        // AUTH-13: to claim for others is an action of the lifecycle.
        if by_lifecycle {
            self.unfrozen(Scope::LIFECYCLE)?;
        }
        self.unowned(protocol, scope)?;
        // AUTH-26.
        if scope.covers(Scope::LIFECYCLE) {
            return Err(Refusal::HostOnly);
        }
        self.quiet(scope)
    }

    /// Whether nobody has any of the fragments.
    pub(super) fn unowned(&self, protocol: &Protocol, scope: Scope) -> Result<(), Refusal> {
        let owned = self
            .ownership
            .holdings(self.spread())
            .find(|held| !held.released && !held.scope.intersection(scope).is_empty());
        if let Some(owned) = owned {
            let taken = owned.scope.intersection(scope).shown(protocol).into();
            return Err(Refusal::AlreadyClaimed { taken, live: owned.generation });
        }
        Ok(())
    }

    pub(super) fn goes_on(&self) -> Result<(), Refusal> {
        match self.status.is_terminal() {
            true => Err(Refusal::Terminal(self.status.clone())),
            false => Ok(()),
        }
    }

    pub(super) fn quiet(&self, scope: Scope) -> Result<(), Refusal> {
        let touches = |staged: &&Staged| !staged.receipt.scope.intersection(scope).is_empty();
        match self.staged().iter().find(touches) {
            Some(staged) => Err(Refusal::TransferPending(staged.receipt.id)),
            None => Ok(()),
        }
    }

    /// What performs no action as long as its transfer is in flight.
    pub(super) fn frozen(&self) -> Scope {
        let frozen = self.staged().iter().filter(|staged| staged.freeze);
        frozen.fold(Scope::from_bits(0), |all, staged| all.union(staged.receipt.scope))
    }

    /// AUTH-13: whether no transfer that is in flight keeps the fragments from acting.
    pub(super) fn unfrozen(&self, scope: Scope) -> Result<(), Refusal> {
        let frozen = |staged: &&Staged| {
            staged.freeze && !staged.receipt.scope.intersection(scope).is_empty()
        };
        match self.staged().iter().find(frozen) {
            Some(staged) => Err(Refusal::TransferPending(staged.receipt.id)),
            None => Ok(()),
        }
    }

    /// AUTH-11: whether the receipt is one that is in flight, field by field.
    pub(super) fn pending(&self, receipt: &Receipt) -> Result<(), Refusal> {
        let next = self.spread().map_or(ReceiptId(0), |spread| spread.receipts);
        match self.staged().iter().find(|staged| staged.receipt.id == receipt.id) {
            Some(staged) if staged.receipt == *receipt => Ok(()),
            Some(_) => Err(Refusal::ReceiptMismatch(receipt.id)),
            None if receipt.id < next => Err(Refusal::ReceiptSpent(receipt.id)),
            None => Err(Refusal::TransferNotPending(receipt.id)),
        }
    }

    /// What an authority act comes to in a session that has ended: what the same request came to
    /// before, or nothing where only its end stands in the way.
    pub(super) fn asked(
        &self,
        protocol: &Protocol,
        by: &Presented,
        authority: &Authority,
    ) -> Result<Option<Accepted>, Refusal> {
        match self.made_before(u32::MAX, Made::Act { by, authority }) {
            Some(came) => Ok(Some(came.into())),
            None => Ok(match self.check_authority(protocol, by, authority)? {
                Change::Nothing(accepted) => Some(accepted),
                _ => None,
            }),
        }
    }

    /// The timer of the session that runs out first.
    pub(super) fn due(&self) -> Option<(Tick, Timer)> {
        self.timers().min()
    }

    /// All its timers that are armed.
    pub(super) fn timers(&self) -> impl Iterator<Item = (Tick, Timer)> {
        let drain = self.deadline().map(|at| (at, Timer::Drain));
        let staged = self.staged().iter().filter_map(Staged::timer);
        let others = self.outstanding().into_iter().flat_map(Outstanding::timers);
        drain.into_iter().chain(staged).chain(others)
    }
}

impl Staged {
    /// When it runs out.
    pub(super) fn timer(&self) -> Option<(Tick, Timer)> {
        Some((self.expires?, Timer::Transfer(self.receipt.id)))
    }
}
