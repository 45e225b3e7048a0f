//! How authority ends before the protocol does: a transfer that is given up, an owner that is lost;
//! and how what nobody has any more comes to an owner again by the host alone.
//!
//! Clauses: AUTH-20 to AUTH-30.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

use smol_str::SmolStr;

use super::audit::Audit;
use super::authority::{Owner, Presented, Scope};
use super::id::SessionId;
use super::input::REASON_BYTES_MAX;
use super::output::Status;
use super::receipt::{Authority, Receipt, Reclaim};
use super::refuse::Refusal;
use super::request::Made;
use super::session::{Session, cut_to};
use super::site::Site;
use super::transfer::Change;
use super::witness::TimeoutWitness;
use crate::types::Protocol;

/// Why a session whose transfer was abandoned is cancelled.
pub const TRANSFER_ABANDONED: &str = "transfer abandoned";

/// How the reason of a session begins whose transfer failed to commit.
pub const TRANSFER_COMMIT_FAILED: &str = "transfer commit failed: ";

/// How the reason of a session begins that ended because an owner was lost; its name follows.
pub const OWNER_LOST: &str = "owner lost: ";

/// What becomes of a session when one of its owners is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnLost {
    /// It is cancelled.
    #[default]
    Cancel,
    /// It is faulted.
    Fault,
    /// It goes on: what the owner had is nobody's, and can be claimed.
    Release,
}

impl OnLost {
    /// One word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Fault => "fault",
            Self::Release => "release",
        }
    }

    /// As a number, for records and digests.
    pub(super) fn bits(self) -> u8 {
        match self {
            Self::Cancel => 0,
            Self::Fault => 1,
            Self::Release => 2,
        }
    }

    pub(super) fn from_bits(bits: u8) -> Option<Self> {
        [Self::Cancel, Self::Fault, Self::Release].into_iter().find(|known| known.bits() == bits)
    }
}

/// How it is known that an owner is dead.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Death {
    /// Whoever has the lifecycle says so.
    Lifecycle,
    /// A timer on one of the owner's endpoints ran out; whoever holds its witness and the lifecycle
    /// says so, and the witness is spent.
    Timeout(Box<TimeoutWitness>),
}

impl From<TimeoutWitness> for Death {
    fn from(witness: TimeoutWitness) -> Self {
        Self::Timeout(Box::new(witness))
    }
}

/// AUTH-30: that a session was cancelled or faulted, and why: there is at most one of a session,
/// and it holds for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancellationWitness {
    /// Which.
    pub session: SessionId,
    /// Why.
    pub reason: SmolStr,
}

/// The longest reason of a failed commit that is kept, in bytes: the whole text stays within the
/// limit.
pub const FAILURE_BYTES_MAX: usize = REASON_BYTES_MAX - TRANSFER_COMMIT_FAILED.len();

/// AUTH-21: the reason of a failed commit as it is kept.
pub(super) fn cut_failure(reason: &SmolStr) -> SmolStr {
    cut_to(reason, FAILURE_BYTES_MAX)
}

impl Session {
    /// AUTH-20: the transfer is taken back and the session with it.
    pub(super) fn check_abandon(
        &self,
        protocol: &Protocol,
        by: &Presented,
        receipt: &Receipt,
    ) -> Result<Change<'static>, Refusal> {
        self.authorize(protocol, by, receipt.scope)?;
        self.goes_on()?;
        self.pending(receipt)?;
        let status = Status::Cancelled(TRANSFER_ABANDONED.into());
        Ok(Change::End { receipt: receipt.id, status })
    }

    /// AUTH-21: the transfer is taken back and the session faulted.
    pub(super) fn check_fail_commit(
        &self,
        protocol: &Protocol,
        by: &Presented,
        receipt: &Receipt,
        reason: &SmolStr,
    ) -> Result<Change<'static>, Refusal> {
        self.authorize(protocol, by, Scope::LIFECYCLE)?;
        self.goes_on()?;
        self.pending(receipt)?;
        let status = Status::Faulted(format!("{TRANSFER_COMMIT_FAILED}{reason}").into());
        Ok(Change::End { receipt: receipt.id, status })
    }

    /// AUTH-22, AUTH-23: whether the owner can be lost, and what that comes to.
    pub(super) fn check_owner_died<'a>(
        &self,
        protocol: &Protocol,
        by: &Presented,
        owner: &'a Owner,
        evidence: &Death,
    ) -> Result<Change<'a>, Refusal> {
        let needs = match evidence {
            Death::Lifecycle => Scope::LIFECYCLE,
            // WITN-5: and of the witness, who holds it.
            Death::Timeout(witness) => Scope::LIFECYCLE.union(witness.scope),
        };
        self.authorize(protocol, by, needs)?;
        self.goes_on()?;
        self.unfrozen(needs)?;
        let own = self.scope_of(owner);
        if own.is_empty() {
            return Err(Refusal::UnknownOwner(owner.clone()));
        }
        let mut spent = None;
        if let Death::Timeout(witness) = evidence {
            self.is_timed_out(witness)?;
            match witness.site {
                Site::Endpoint(role) if own.covers(Scope::role(role)) => spent = Some(witness.id),
                _ => return Err(Refusal::InvalidWitness(witness.id)),
            }
        }
        Ok(Change::Lose { owner, spent, end: self.lost(owner) })
    }

    /// AUTH-25: a transfer is taken back by who staged it. If that owner is lost: by whoever could
    /// claim the fragments.
    pub(super) fn check_rollback(
        &self,
        protocol: &Protocol,
        by: &Presented,
        receipt: &Receipt,
    ) -> Result<Change<'static>, Refusal> {
        let mut holdings = self.ownership.holdings(self.spread());
        let nobodys = holdings.any(|held| held.released && held.scope.covers(receipt.scope));
        match nobodys && self.pending(receipt).is_ok() {
            false => self.authorize(protocol, by, receipt.scope)?,
            true if self.ownership.was_last(self.spread(), by, receipt.scope) => {}
            true => self.authorize(protocol, by, Scope::LIFECYCLE)?,
        }
        self.goes_on()?;
        self.pending(receipt)?;
        Ok(Change::Rollback(receipt.id))
    }

    /// AUTH-27: the host gives an owner to what nobody has.
    pub(super) fn check_reclaim<'a>(
        &self,
        protocol: &Protocol,
        reclaim: &'a Reclaim,
    ) -> Result<Change<'a>, Refusal> {
        let (owner, scope) = (&reclaim.owner, reclaim.scope);
        let session = Scope::session(protocol);
        if !session.covers(scope) {
            let (required, actual) = (scope.shown(protocol), session.shown(protocol));
            return Err(Refusal::ScopeViolation {
                required: required.into(),
                actual: actual.into(),
            });
        }
        self.goes_on()?;
        self.unowned(protocol, scope)?;
        self.quiet(scope)?;
        Ok(Change::Issue { owner, scope, receipt: None })
    }

    /// What the owner has, under all its generations.
    pub(super) fn scope_of(&self, owner: &Owner) -> Scope {
        let holdings = self.ownership.holdings(self.spread());
        let own = holdings.filter(|held| !held.released && held.owner == owner);
        own.fold(Scope::from_bits(0), |own, held| own.union(held.scope))
    }

    /// How the session ends when it loses the owner, if it does.
    fn lost(&self, owner: &Owner) -> Option<Status> {
        let reason = || SmolStr::from(format!("{OWNER_LOST}{owner}"));
        match self.on_lost {
            OnLost::Cancel => Some(Status::Cancelled(reason())),
            OnLost::Fault => Some(Status::Faulted(reason())),
            OnLost::Release => None,
        }
    }

    /// What of a record's audits holds here: by a commit whose giver was lost before nobody loses
    /// anything any more.
    pub(super) fn is_said(&self, made: Option<Made<'_>>) -> impl Fn(&Audit) -> bool + use<> {
        let lost = match made {
            Some(Made::Commit(commit)) => {
                let mut holdings = self.ownership.holdings(self.spread());
                holdings.any(|held| held.released && held.scope.covers(commit.receipt.scope))
            }
            _ => false,
        };
        move |audit| !(lost && matches!(audit, Audit::Invalidated { .. }))
    }

    /// What the record of a death takes away here, which it does not say by itself (AUTH-28).
    pub(super) fn taken_by(&self, made: Option<Made<'_>>) -> Vec<Audit> {
        let Some(Made::Act { authority: Authority::OwnerDied { owner, .. }, .. }) = made else {
            return Vec::new();
        };
        let holdings = self.ownership.holdings(self.spread());
        let live = holdings
            .filter(|held| !held.released && !held.scope.is_empty() && held.owner == owner)
            .map(|held| Audit::Invalidated {
                owner: held.owner.clone(),
                generation: held.generation,
                scope: held.scope,
            });
        let status = self.lost(owner);
        let reason = status.as_ref().and_then(Status::reason).map(SmolStr::from);
        live.chain(reason.map(|reason| Audit::Cancelled { reason })).collect()
    }
}
