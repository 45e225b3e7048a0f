//! The inputs about authority that a host makes most, asked for directly: what they come to needs
//! no box and is nothing but itself. Each does the same as the input that it names.
//!
//! Clauses: AUTH-9, AUTH-11, AUTH-12, WITN-1, WITN-3.

use super::Machine;
use super::authority::{Capability, Presented};
use super::id::{RequestId, Tick};
use super::output::{Accepted, Came};
use super::predicate::Predicate;
use super::receipt::{Authority, Commit, Receipt, Stage};
use super::refuse::Refusal;
use super::request::Made;
use super::witness::Readiness;

impl Machine {
    /// [`Authority::Stage`].
    ///
    /// # Errors
    /// A [`Refusal`].
    pub fn stage(&mut self, now: Tick, by: &Presented, stage: Stage) -> Result<Receipt, Refusal> {
        self.advance_time(now);
        if let Some(receipt) = self.stage_shortly(by, &stage) {
            return Ok(receipt);
        }
        let Stage { request, scope, to, expires, freeze } = stage;
        let authority = Authority::Stage { request, scope, to, expires, freeze };
        match self.ask(by, &authority)? {
            Came::Staged(receipt) => Ok(receipt),
            _ => unreachable!("a stage comes to a receipt"),
        }
    }

    /// [`Input::Commit`](super::Input::Commit).
    ///
    /// # Errors
    /// A [`Refusal`].
    pub fn commit(&mut self, now: Tick, commit: &Commit) -> Result<Capability, Refusal> {
        self.advance_time(now);
        if let Some(capability) = self.commit_shortly(commit) {
            return Ok(capability);
        }
        match self.commit_in_full(commit)? {
            Came::Otherwise(Accepted::Issued(capability)) => Ok(capability),
            _ => unreachable!("a commit comes to a capability"),
        }
    }

    /// [`Authority::IssueReadiness`].
    ///
    /// # Errors
    /// A [`Refusal`].
    pub fn issue_readiness(
        &mut self,
        now: Tick,
        by: &Presented,
        request: RequestId,
        predicate: Predicate,
    ) -> Result<Readiness, Refusal> {
        self.advance_time(now);
        if let Some(witness) = self.issue_shortly(by, request, &predicate) {
            return Ok(witness);
        }
        match self.ask(by, &Authority::IssueReadiness { request, predicate })? {
            Came::Witness(witness) => Ok(witness),
            _ => unreachable!("it comes to a witness"),
        }
    }

    /// [`Authority::ConsumeReadiness`].
    ///
    /// # Errors
    /// A [`Refusal`].
    pub fn consume_readiness(
        &mut self,
        now: Tick,
        by: &Presented,
        witness: Readiness,
    ) -> Result<(), Refusal> {
        self.advance_time(now);
        let authority = Authority::ConsumeReadiness { witness };
        if self.consume_shortly(by, &authority) {
            return Ok(());
        }
        self.ask(by, &authority).map(|_| ())
    }

    #[inline(never)]
    fn ask(&mut self, by: &Presented, authority: &Authority) -> Result<Came, Refusal> {
        let made = Made::Act { by, authority };
        let done = match self.sessions.find(by.session, by.hint) {
            Some(slot) => self.weighed_authority(slot, |machine| machine.change(slot, made)),
            None => self.authority_archived(by, authority).map(Came::from),
        };
        let (session, owner) = (Some(by.session), Some(&by.owner));
        done.map_err(|refusal| self.refuse(session, owner, authority.word(), refusal))
    }

    /// As [`commit`](Self::commit), at the time that it is.
    pub(super) fn committed(&mut self, commit: &Commit) -> Result<Came, Refusal> {
        if let Some(capability) = self.commit_shortly(commit) {
            return Ok(Accepted::Issued(capability).into());
        }
        self.commit_in_full(commit)
    }

    #[inline(never)]
    fn commit_in_full(&mut self, commit: &Commit) -> Result<Came, Refusal> {
        let (id, made) = (commit.receipt.session, Made::Commit(commit));
        let done = match self.sessions.find(id, u32::MAX) {
            Some(slot) => self.weighed_authority(slot, |machine| machine.change(slot, made)),
            None => self.asked_archived(id, made),
        };
        done.map_err(|refusal| self.refuse(Some(id), Some(&commit.owner), "commit", refusal))
    }
}
