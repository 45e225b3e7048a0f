//! The short path of what is done most about authority: a transfer that is staged and committed, a
//! readiness witness that is issued and spent, one at a time, in a session that is active and of
//! which nothing runs out. Nothing is judged differently here than in full; what this path cannot
//! tell at a glance goes there. As in `plain.rs` everything is checked first and nothing fails
//! half-way.
//!
//! Clauses: AUTH-8, AUTH-12, WITN-1, WITN-3, JRNL-1.

use alloc::boxed::Box;

use super::Machine;
use super::authority::{Capability, Presented, Scope};
use super::id::RequestId;
use super::output::Accepted;
use super::ownership::{Holding, Staged};
use super::predicate::Predicate;
use super::receipt::{Authority, Commit, OUTSTANDING_MAX, Receipt, Recipient, Stage};
use super::record::Outcome;
use super::request::{Made, Origin};
use super::session::{Seldom, Session};
use super::witness::{Readiness, Ready};
use crate::types::Protocol;

impl Machine {
    /// Does what is asked for, if it is one of these.
    pub(super) fn authority_shortly(
        &mut self,
        by: &Presented,
        authority: &Authority,
    ) -> Option<Accepted> {
        match authority {
            Authority::Stage { request, scope, to, expires, freeze } => {
                let (request, scope, to) = (*request, *scope, to.clone());
                let stage = Stage { request, scope, to, expires: *expires, freeze: *freeze };
                self.stage_shortly(by, &stage).map(|receipt| Accepted::Staged(Box::new(receipt)))
            }
            Authority::IssueReadiness { request, predicate } => {
                let issued = self.issue_shortly(by, *request, predicate);
                issued.map(|witness| Accepted::Witness(Box::new(witness)))
            }
            Authority::ConsumeReadiness { .. } => {
                self.consume_shortly(by, authority).then_some(Accepted::Done)
            }
            _ => None,
        }
    }

    /// Begins a transfer where none is in flight, so that nothing can be a repeat of it or touch
    /// its fragments.
    pub(super) fn stage_shortly(&mut self, by: &Presented, stage: &Stage) -> Option<Receipt> {
        let now = self.now;
        let (session, _) = self.handing_over(by)?;
        let outstanding = session.outstanding().map_or(0, |all| all.len());
        session.ownership.covers(session.spread(), by, stage.scope).ok()?;
        let spread = session.seldom.as_deref_mut()?.spread.as_deref_mut()?;
        let staged = &mut spread.staged;
        let is_first = staged.is_empty() && staged.capacity() > 0;
        if !is_first || outstanding >= OUTSTANDING_MAX || stage.expires.is_some() {
            return None;
        }
        let Stage { request, scope, ref to, expires, freeze } = *stage;
        let receipt = Receipt {
            session: by.session,
            id: spread.receipts,
            from: by.owner.clone(),
            generation: by.generation,
            to: to.clone(),
            scope,
        };
        spread.receipts.0 += 1;
        let (kept, presented) = (receipt.clone(), by.scope);
        staged.push(Staged { receipt: kept, expires, freeze, request, presented });
        session.tick = now;
        self.transfer_hint = by.hint;
        if self.keeps_journal(by.hint) {
            let to = stage.to.clone();
            let authority = Authority::Stage { request, scope, to, expires, freeze };
            let made = Made::Act { by, authority: &authority };
            self.record_made_alone(by.hint, made, Outcome::Staged(receipt.id));
        }
        Some(receipt)
    }

    /// Commits the only transfer in flight, of all that the last change has moved. It is no repeat:
    /// a receipt that was committed is not in flight.
    pub(super) fn commit_shortly(&mut self, commit: &Commit) -> Option<Capability> {
        let now = self.now;
        let (slot, id) = (self.transfer_hint, commit.receipt.session);
        let session = self.sessions.hinted_mut(id, slot).filter(|s| s.hands_over())?;
        if session.outstanding().is_some_and(|all| all.len() > 0) || self.observed {
            return None;
        }
        let spread = session.seldom.as_deref_mut()?.spread.as_deref_mut()?;
        let Commit { request, receipt, owner } = commit;
        let Receipt { scope, .. } = *receipt;
        let [staged] = &spread.staged[..] else { return None };
        let last = spread.holdings.last_mut()?;
        let is_bearer = match &receipt.to {
            Recipient::Owner(to) if to != owner => return None,
            Recipient::Owner(_) => false,
            Recipient::Bearer => true,
        };
        let is_plain = staged.expires.is_none()
            && staged.receipt == *receipt
            && last.scope == scope
            && matches!(last.origin, Origin::Commit { .. })
            && spread.serials.is_empty();
        if !is_plain {
            return None;
        }
        spread.staged.clear();
        spread.last.0 += 1;
        let generation = spread.last;
        *last = Holding {
            owner: owner.clone(),
            generation,
            scope,
            issued: scope,
            released: false,
            origin: Origin::Commit {
                request: *request,
                receipt: receipt.id,
                from: receipt.from.clone(),
                generation: receipt.generation,
                is_bearer,
            },
        };
        session.tick = now;
        if self.keeps_journal(slot) {
            self.record_made_alone(slot, Made::Commit(commit), Outcome::Issued(generation));
        }
        let owner = owner.clone();
        let over = None;
        Some(Capability::issue(Presented {
            session: id,
            owner,
            generation,
            scope,
            hint: slot,
            over,
        }))
    }

    /// Issues the only readiness witness beside no timer, so that nothing can be a repeat of it.
    pub(super) fn issue_shortly(
        &mut self,
        by: &Presented,
        request: RequestId,
        predicate: &Predicate,
    ) -> Option<Readiness> {
        let now = self.now;
        let (session, protocol) = self.handing_over(by)?;
        let scope = session.attestable(protocol, by, predicate)?;
        let staged = session.staged().len();
        let all = session.seldom.as_deref_mut()?.outstanding.as_deref_mut()?;
        let is_first = all.readiness.is_empty() && all.armed.is_empty();
        if !is_first || all.readiness.capacity() == 0 || staged + all.len() >= OUTSTANDING_MAX {
            return None;
        }
        let witness = Readiness {
            session: by.session,
            id: all.witnesses,
            owner: by.owner.clone(),
            generation: by.generation,
            scope,
            predicate: predicate.clone(),
        };
        all.witnesses.0 += 1;
        all.readiness.push(Ready { witness: witness.clone(), request, presented: by.scope });
        session.tick = now;
        if self.keeps_journal(by.hint) {
            let predicate = predicate.clone();
            let authority = Authority::IssueReadiness { request, predicate };
            let made = Made::Act { by, authority: &authority };
            self.record_made_alone(by.hint, made, Outcome::Witness(witness.id));
        }
        Some(witness)
    }

    /// Spends the only readiness witness.
    pub(super) fn consume_shortly(&mut self, by: &Presented, consume: &Authority) -> bool {
        let Authority::ConsumeReadiness { witness } = consume else { return false };
        let now = self.now;
        let Some((session, protocol)) = self.handing_over(by) else { return false };
        let is_plain = session.ownership.covers(session.spread(), by, witness.scope).is_ok()
            && matches!(session.outstanding(), Some(all)
                if matches!(&all.readiness[..], [ready] if ready.witness == *witness))
            && witness.predicate.holds(session, protocol);
        let Some(seldom) = session.seldom.as_deref_mut().filter(|_| is_plain) else { return false };
        seldom.outstanding.iter_mut().for_each(|all| all.readiness.clear());
        session.tick = now;
        if self.keeps_journal(by.hint) {
            let made = Made::Act { by, authority: consume };
            self.record_made_alone(by.hint, made, Outcome::Done);
        }
        true
    }

    /// The session, if nothing but the change itself and its record follows from a change of
    /// authority.
    fn handing_over(&mut self, by: &Presented) -> Option<(&mut Session, &Protocol)> {
        if self.observed {
            return None;
        }
        let session = self.sessions.hinted_mut(by.session, by.hint).filter(|s| s.hands_over())?;
        let protocol = &*self.protocols[session.protocol as usize];
        Some((session, protocol))
    }

    fn keeps_journal(&self, slot: u32) -> bool {
        self.sessions.at(slot).log().is_some()
    }
}

impl Session {
    /// Whether it is active, nothing of it is bound to a handler, and no change of authority ends
    /// it by itself.
    #[inline(always)]
    fn hands_over(&self) -> bool {
        matches!(self.status, super::Status::Active)
            && matches!(self.seldom.as_deref(), Some(Seldom { handlers: None, .. }))
    }

    /// What a witness of the predicate speaks of, if it is true and `by` covers that.
    fn attestable(
        &self,
        protocol: &Protocol,
        by: &Presented,
        predicate: &Predicate,
    ) -> Option<Scope> {
        predicate.known(protocol).ok()?;
        let scope = predicate.scope();
        let scope = if scope.is_empty() { by.scope } else { scope };
        self.ownership.covers(self.spread(), by, scope).ok()?;
        predicate.holds(self, protocol).then_some(scope)
    }
}
