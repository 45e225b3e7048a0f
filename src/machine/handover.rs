//! The short path of what is done most about authority: a transfer that is staged and committed, a
//! readiness witness that is issued and spent, one at a time, in a session that is active and of
//! which nothing runs out. Nothing is judged differently here than in full; what this path cannot
//! tell at a glance goes there. As in `plain.rs` everything is checked first and nothing fails
//! half-way.
//!
//! Clauses: AUTH-8, AUTH-12, WITN-1, WITN-3, JRNL-1.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::Machine;
use super::authority::{Capability, Presented, Scope};
use super::id::RequestId;
use super::output::Accepted;
use super::ownership::{Holding, Staged};
use super::predicate::Predicate;
use super::receipt::{Authority, Commit, OUTSTANDING_MAX, Receipt, Recipient, Stage};
use super::record::{Outcome, Staging};
use super::request::Origin;
use super::session::{Seldom, Session};
use super::store::Store;
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
        let (session, _) = handing_over(&mut self.sessions, &self.protocols, self.observed, by)?;
        let outstanding = session.outstanding().map_or(0, |all| all.len());
        session.ownership.covers(session.spread(), by, stage.scope).ok()?;
        let seldom = session.seldom.as_deref_mut()?;
        let spread = seldom.spread.as_deref_mut()?;
        let staged = &mut spread.staged;
        let is_first = staged.is_empty() && staged.capacity() > 0;
        if !is_first || outstanding >= OUTSTANDING_MAX || stage.expires.is_some() {
            return None;
        }
        let Stage { request, scope, ref to, expires, freeze } = *stage;
        let id = spread.receipts;
        if let Some(log) = &mut seldom.log {
            let appended = log.append_stage(self.now, by, Staging::of(stage), Outcome::Staged(id));
            appended.count(by.hint, &mut self.memory, &mut self.touched);
        }
        let receipt = Receipt {
            session: by.session,
            id,
            from: by.owner.clone(),
            generation: by.generation,
            to: to.clone(),
            scope,
        };
        spread.receipts.0 += 1;
        let (kept, presented) = (receipt.clone(), by.scope);
        staged.push(Staged { receipt: kept, expires, freeze, request, presented });
        session.tick = self.now;
        self.transfer_hint = by.hint;
        Some(receipt)
    }

    /// Commits the only transfer in flight, of all that the last change has moved. It is no repeat:
    /// a receipt that was committed is not in flight.
    pub(super) fn commit_shortly(&mut self, commit: &Commit) -> Option<Capability> {
        let (slot, id) = (self.transfer_hint, commit.receipt.session);
        let session = self.sessions.hinted_mut(id, slot).filter(|s| s.hands_over())?;
        if session.outstanding().is_some_and(|all| all.len() > 0) || self.observed {
            return None;
        }
        let seldom = session.seldom.as_deref_mut()?;
        let spread = seldom.spread.as_deref_mut()?;
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
        if let Some(log) = &mut seldom.log {
            let appended = log.append_commit(self.now, commit, Outcome::Issued(generation));
            appended.count(slot, &mut self.memory, &mut self.touched);
        }
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
        session.tick = self.now;
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
        let (session, protocol) =
            handing_over(&mut self.sessions, &self.protocols, self.observed, by)?;
        let scope = session.attestable(protocol, by, predicate)?;
        let staged = session.staged().len();
        let seldom = session.seldom.as_deref_mut()?;
        let all = seldom.outstanding.as_deref_mut()?;
        let is_first = all.readiness.is_empty() && all.armed.is_empty();
        if !is_first || all.readiness.capacity() == 0 || staged + all.len() >= OUTSTANDING_MAX {
            return None;
        }
        let id = all.witnesses;
        if let Some(log) = &mut seldom.log {
            let appended = log.append_issue(self.now, by, request, predicate, Outcome::Witness(id));
            appended.count(by.hint, &mut self.memory, &mut self.touched);
        }
        // Made twice: a copy of what was just written would be waited for.
        let (session_id, generation) = (by.session, by.generation);
        let witness = || {
            let (owner, predicate) = (by.owner.clone(), predicate.clone());
            Readiness { session: session_id, id, owner, generation, scope, predicate }
        };
        all.witnesses.0 += 1;
        all.readiness.push(Ready { witness: witness(), request, presented: by.scope });
        session.tick = self.now;
        Some(witness())
    }

    /// Spends the only readiness witness.
    pub(super) fn consume_shortly(&mut self, by: &Presented, consume: &Authority) -> bool {
        let Authority::ConsumeReadiness { witness } = consume else { return false };
        let found = handing_over(&mut self.sessions, &self.protocols, self.observed, by);
        let Some((session, protocol)) = found else { return false };
        let is_plain = session.ownership.covers(session.spread(), by, witness.scope).is_ok()
            && matches!(session.outstanding(), Some(all)
                if matches!(&all.readiness[..], [ready] if ready.witness == *witness))
            && witness.predicate.holds(session, protocol);
        let Some(seldom) = session.seldom.as_deref_mut().filter(|_| is_plain) else { return false };
        if let Some(log) = &mut seldom.log {
            let appended = log.append_consume(self.now, by, witness);
            appended.count(by.hint, &mut self.memory, &mut self.touched);
        }
        seldom.outstanding.iter_mut().for_each(|all| all.readiness.clear());
        session.tick = self.now;
        true
    }
}

/// The session, if nothing but the change itself and its record follows from a change of
/// authority.
#[inline(always)]
fn handing_over<'a>(
    sessions: &'a mut Store,
    protocols: &'a [Arc<Protocol>],
    observed: bool,
    by: &Presented,
) -> Option<(&'a mut Session, &'a Protocol)> {
    if observed {
        return None;
    }
    let session = sessions.hinted_mut(by.session, by.hint).filter(|s| s.hands_over())?;
    let protocol = &*protocols[session.protocol as usize];
    Some((session, protocol))
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
