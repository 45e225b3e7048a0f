//! The audit trail: what a record says about who may act. A pure function of the record, at most
//! [`AUDITS_MAX`] a record.
//!
//! Clauses: AUTH-15.

use super::authority::{Owner, Scope};
use super::id::{Generation, ReceiptId};
use super::input::{Act, Input};
use super::receipt::{Authority, Recipient};
use super::record::{Outcome, Record, Recorded};
use super::timer::Timer;
use crate::types::Protocol;

/// The most that one record says.
pub const AUDITS_MAX: usize = 3;

/// A change of who may act.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Audit {
    /// The owner got these fragments at this generation.
    Issued {
        /// Who.
        owner: Owner,
        /// Under which generation.
        generation: Generation,
        /// Which fragments.
        scope: Scope,
    },
    /// The owner lost these fragments.
    Invalidated {
        /// Who.
        owner: Owner,
        /// Under which generation it had them.
        generation: Generation,
        /// Which fragments.
        scope: Scope,
    },
    /// A transfer was staged.
    Staged {
        /// Its receipt.
        receipt: ReceiptId,
        /// Whom it is for.
        to: Recipient,
        /// Which fragments.
        scope: Scope,
    },
    /// A transfer was committed.
    Committed {
        /// Its receipt.
        receipt: ReceiptId,
    },
    /// A transfer was taken back.
    RolledBack {
        /// Its receipt.
        receipt: ReceiptId,
    },
    /// A transfer was not committed in time.
    Expired {
        /// Its receipt.
        receipt: ReceiptId,
    },
}

impl Audit {
    /// One word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Issued { .. } => "issued",
            Self::Invalidated { .. } => "invalidated",
            Self::Staged { .. } => "staged",
            Self::Committed { .. } => "committed",
            Self::RolledBack { .. } => "rolled_back",
            Self::Expired { .. } => "expired",
        }
    }

    /// The transfer that it is about.
    #[must_use]
    pub fn receipt(&self) -> Option<ReceiptId> {
        match self {
            Self::Staged { receipt, .. }
            | Self::Committed { receipt }
            | Self::RolledBack { receipt }
            | Self::Expired { receipt } => Some(*receipt),
            _ => None,
        }
    }
}

impl Record {
    /// What it says about who may act.
    pub fn audits(&self, protocol: &Protocol) -> impl Iterator<Item = Audit> + use<> {
        of(protocol, &self.event, self.outcome)
    }
}

/// As [`Record::audits`].
pub(super) fn of(
    protocol: &Protocol,
    event: &Recorded,
    outcome: Outcome,
) -> impl Iterator<Item = Audit> + use<> {
    let mut said: [Option<Audit>; AUDITS_MAX] = [None, None, None];
    match event {
        Recorded::Expired(Timer::Transfer(receipt)) => {
            said[0] = Some(Audit::Expired { receipt: *receipt });
        }
        Recorded::Input(Input::Open(open)) => {
            if let Outcome::Opened(generation) = outcome {
                let (owner, scope) = (open.owner.clone(), Scope::session(protocol));
                said[0] = Some(Audit::Issued { owner, generation, scope });
            }
        }
        Recorded::Input(Input::Commit(commit)) => {
            let receipt = &commit.receipt;
            let (scope, owner) = (receipt.scope, receipt.from.clone());
            let generation = receipt.generation;
            said[0] = Some(Audit::Invalidated { owner, generation, scope });
            said[1] = Some(Audit::Committed { receipt: receipt.id });
            said[2] = issued(&commit.owner, outcome, scope);
        }
        Recorded::Input(Input::Act { by, act: Act::Authority(authority) }) => match &**authority {
            Authority::Release { scope, .. } => {
                let (owner, generation, scope) = (by.owner.clone(), by.generation, *scope);
                said[0] = Some(Audit::Invalidated { owner, generation, scope });
            }
            Authority::Attenuate { scope, .. } => said[0] = issued(&by.owner, outcome, *scope),
            Authority::Claim { owner, scope, .. } => said[0] = issued(owner, outcome, *scope),
            Authority::Stage { scope, to, .. } => {
                if let Outcome::Staged(receipt) = outcome {
                    said[0] = Some(Audit::Staged { receipt, to: to.clone(), scope: *scope });
                }
            }
            Authority::Rollback { receipt } => {
                said[0] = Some(Audit::RolledBack { receipt: receipt.id });
            }
        },
        Recorded::Expired(Timer::Drain) | Recorded::Input(_) => {}
    }
    said.into_iter().flatten()
}

fn issued(owner: &Owner, outcome: Outcome, scope: Scope) -> Option<Audit> {
    let Outcome::Issued(generation) = outcome else { return None };
    Some(Audit::Issued { owner: owner.clone(), generation, scope })
}
