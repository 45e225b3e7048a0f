//! How authority over a session in this process ends before its protocol does: what is given up,
//! owners that are lost, and what the host alone can bring back.
//!
//! Clauses: AUTH-20 to AUTH-23, AUTH-27, AUTH-30, LIFE-2.

use std::sync::Arc;
use std::time::Duration;

use super::authority::named;
use super::error::Error;
use super::holding::Holding;
use super::session::Session;
use crate::machine::{
    Accepted, Act, Authority, CancellationWitness, Death, Input, Receipt, Reclaim, Scope,
};

impl Holding {
    /// Gives a transfer up that it has staged, and the session with it: it is cancelled.
    ///
    /// # Errors
    /// `receipt_spent`, `receipt_mismatch`, `stale_capability`, `terminal`.
    pub fn abandon(&self, receipt: Receipt) -> Result<(), Error> {
        self.by().attest(Authority::Abandon { receipt })
    }

    /// As [`Session::owner_lost`], under the authority of this holding.
    ///
    /// # Errors
    /// As [`Session::owner_lost`].
    pub fn owner_lost(&self, owner: &str, evidence: impl Into<Death>) -> Result<(), Error> {
        let (owner, evidence) = (named(owner)?, evidence.into());
        self.by().attest(Authority::OwnerDied { owner, evidence })
    }
}

impl Session {
    /// Says that an owner is lost. How that is known is a
    /// [`TimeoutWitness`](crate::machine::TimeoutWitness) of a timer on one of its roles, which is
    /// spent, or [`Death::Lifecycle`]. What becomes of the session is in
    /// [`Options::on_lost`](super::Options::on_lost).
    ///
    /// # Errors
    /// `unknown_owner`, `witness_spent`, `invalid_witness`, `stale_capability`, `scope_violation`,
    /// `terminal`, [`Error::BadOwner`].
    pub fn owner_lost(&self, owner: &str, evidence: impl Into<Death>) -> Result<(), Error> {
        let (owner, evidence) = (named(owner)?, evidence.into());
        self.own().attest(Authority::OwnerDied { owner, evidence })
    }

    /// Says that a transfer cannot be committed, for a reason that its participants are told: the
    /// session is faulted.
    ///
    /// # Errors
    /// `receipt_spent`, `receipt_mismatch`, `stale_capability`, `terminal`.
    pub fn fail_commit(&self, receipt: Receipt, reason: &str) -> Result<(), Error> {
        self.own().attest(Authority::FailCommit { receipt, reason: reason.into() })
    }

    /// Gives what nobody has an owner, as the host of the session: under nobody's authority, and
    /// also where the lifecycle itself was released.
    ///
    /// # Errors
    /// `already_claimed`, `transfer_pending`, `scope_violation`, `terminal`, [`Error::BadOwner`].
    pub fn reclaim(&self, owner: &str, scope: Scope) -> Result<Holding, Error> {
        let (host, owner) = (Arc::clone(&self.host), named(owner)?);
        let accepted = host.change(|state, now| {
            let request = state.request();
            let reclaim = Reclaim { request, session: host.id, owner, scope };
            Ok(state.machine.handle(now, Input::Reclaim(Box::new(reclaim)))?)
        })?;
        match accepted {
            Accepted::Issued(capability) => Ok(Holding { host, capability: Box::new(capability) }),
            other => unreachable!("an accepted `Reclaim` is answered by `Issued`: {other:?}"),
        }
    }

    /// That it was cancelled or faulted, and why; `None` while it goes on, or if it was closed.
    #[must_use]
    pub fn cancellation(&self) -> Option<CancellationWitness> {
        self.host.view(|session| session.cancellation())
    }

    /// As [`drain`](Self::drain), and closes when the time is over, whatever can still be received.
    ///
    /// # Errors
    /// `draining`, `terminal`.
    pub fn drain_within(&self, time: Duration) -> Result<(), Error> {
        self.host.change(|state, now| {
            let drain = Act::Drain { deadline: Some(now.after(time)) };
            Ok(state.machine.act(now, self.host.capability.present(), drain)?)
        })?;
        Ok(())
    }
}
