//! The audit trail: what a record says about who may act. A pure function of the record, at most
//! [`AUDITS_MAX`] a record.
//!
//! Clauses: AUTH-15.

use smol_str::SmolStr;

use super::authority::{Owner, Scope};
use super::ends::{TRANSFER_ABANDONED, TRANSFER_COMMIT_FAILED};
use super::id::{Generation, ReceiptId, Serial};
use super::input::{Act, Input};
use super::receipt::{Authority, Receipt, Recipient};
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
    /// The session was cancelled or faulted.
    Cancelled {
        /// Why.
        reason: SmolStr,
    },
    /// An owner is lost; what it had is told behind.
    Lost {
        /// Who.
        owner: Owner,
    },
    /// The session ended before a transfer was committed.
    Dropped {
        /// Its receipt.
        receipt: ReceiptId,
    },
    /// A resume token may be sealed for a holding.
    Token {
        /// Which holding.
        generation: Generation,
        /// Under which serial.
        serial: Serial,
    },
    /// A resume token has arrived: those before it are spent.
    Confirmed {
        /// Of which holding.
        generation: Generation,
        /// Which.
        serial: Serial,
    },
}

impl Record {
    /// What it says about who may act, by itself; [`Trail`](super::Trail) says what follows, too.
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
            Authority::Abandon { receipt } => {
                said = given_up(receipt, TRANSFER_ABANDONED.into());
            }
            Authority::FailCommit { receipt, reason } => {
                let reason = alloc::format!("{TRANSFER_COMMIT_FAILED}{reason}");
                said = given_up(receipt, reason.into());
            }
            Authority::OwnerDied { owner, .. } => {
                said[0] = Some(Audit::Lost { owner: owner.clone() });
            }
            Authority::IssueToken { .. } | Authority::Renew { .. } => {
                if let Outcome::Serial(serial) = outcome {
                    said[0] = Some(Audit::Token { generation: by.generation, serial });
                }
            }
            Authority::ConfirmToken { serial } => {
                let (generation, serial) = (by.generation, *serial);
                said[0] = Some(Audit::Confirmed { generation, serial });
            }
        },
        Recorded::Input(Input::Act {
            act: Act::Cancel { reason } | Act::Fault { reason }, ..
        }) => {
            said[0] = Some(Audit::Cancelled { reason: reason.clone() });
        }
        Recorded::Input(Input::Reclaim(reclaim)) => {
            said[0] = issued(&reclaim.owner, outcome, reclaim.scope);
        }
        Recorded::Expired(Timer::Drain) | Recorded::Input(_) => {}
    }
    said.into_iter().flatten()
}

fn issued(owner: &Owner, outcome: Outcome, scope: Scope) -> Option<Audit> {
    let Outcome::Issued(generation) = outcome else { return None };
    Some(Audit::Issued { owner: owner.clone(), generation, scope })
}

/// A transfer that is taken back with the session.
fn given_up(receipt: &Receipt, reason: SmolStr) -> [Option<Audit>; AUDITS_MAX] {
    let (owner, generation) = (receipt.from.clone(), receipt.generation);
    let lost = Audit::Invalidated { owner, generation, scope: receipt.scope };
    let back = Audit::RolledBack { receipt: receipt.id };
    [Some(lost), Some(back), Some(Audit::Cancelled { reason })]
}
