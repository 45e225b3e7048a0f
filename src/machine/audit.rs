//! The audit trail: what a record says about who may act. A pure function of the record, at most
//! [`AUDITS_MAX`] a record.
//!
//! Clauses: AUTH-15, WITN-6.

use super::authority::{Owner, Presented, Scope};
use super::ends::{Death, TRANSFER_ABANDONED, TRANSFER_COMMIT_FAILED};
use super::id::{Generation, ReceiptId, Serial, TimerId, WitnessId};
use super::input::{Act, Input};
use super::predicate::Predicate;
use super::receipt::{Authority, Receipt, Recipient};
use super::record::{Outcome, Record, Recorded};
use super::request::Made;
use super::timer::Timer;
use super::witness::{Readiness, TimeoutWitness};
use crate::types::Protocol;
use alloc::boxed::Box;
use alloc::format;

use smol_str::SmolStr;

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
    /// A readiness witness was issued.
    WitnessIssued {
        /// Which.
        witness: WitnessId,
        /// To whom.
        owner: Owner,
        /// Under which generation.
        generation: Generation,
        /// Which fragments it speaks of. When one of them moves it is dead.
        scope: Scope,
        /// Whether it rests on something that the host asserts.
        external: bool,
    },
    /// A witness was consumed.
    WitnessConsumed {
        /// Which.
        witness: WitnessId,
    },
    /// A timeout witness was not consumed in time.
    WitnessExpired {
        /// Which.
        witness: WitnessId,
    },
    /// A timer was armed.
    TimerArmed {
        /// Which.
        timer: TimerId,
        /// By whom.
        owner: Owner,
        /// Under which generation.
        generation: Generation,
    },
    /// A timer was taken back.
    TimerDisarmed {
        /// Which.
        timer: TimerId,
    },
    /// A timer ran out.
    TimerExpired {
        /// Which.
        timer: TimerId,
        /// The witness that was issued of it to who had armed it.
        witness: WitnessId,
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
            Self::Cancelled { .. } => "cancelled",
            Self::Lost { .. } => "lost",
            Self::Dropped { .. } => "dropped",
            Self::Token { .. } => "token",
            Self::Confirmed { .. } => "token_confirmed",
            Self::WitnessIssued { .. } => "witness_issued",
            Self::WitnessConsumed { .. } => "witness_consumed",
            Self::WitnessExpired { .. } => "witness_expired",
            Self::TimerArmed { .. } => "timer_armed",
            Self::TimerDisarmed { .. } => "timer_disarmed",
            Self::TimerExpired { .. } => "timer_expired",
        }
    }

    /// The transfer that it is about.
    #[must_use]
    pub fn receipt(&self) -> Option<ReceiptId> {
        match self {
            Self::Staged { receipt, .. }
            | Self::Committed { receipt }
            | Self::RolledBack { receipt }
            | Self::Expired { receipt }
            | Self::Dropped { receipt } => Some(*receipt),
            _ => None,
        }
    }

    /// What it is about besides fragments and transfers.
    pub(crate) fn about(&self) -> Option<Box<str>> {
        Some(match self {
            Self::Cancelled { reason } => reason.as_str().into(),
            Self::Lost { owner } => owner.as_str().into(),
            Self::Token { generation, serial } | Self::Confirmed { generation, serial } => {
                format!("serial {serial} of #{generation}").into()
            }
            Self::WitnessIssued { witness, external, .. } => {
                let said = if *external { ", as the host asserts" } else { "" };
                format!("witness {witness}{said}").into()
            }
            Self::WitnessConsumed { witness } | Self::WitnessExpired { witness } => {
                format!("witness {witness}").into()
            }
            Self::TimerArmed { timer, .. } | Self::TimerDisarmed { timer } => {
                format!("timer {timer}").into()
            }
            Self::TimerExpired { timer, witness } => {
                format!("timer {timer}, witness {witness}").into()
            }
            _ => return None,
        })
    }
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
        Recorded::Expired(Timer::Site(timer)) => {
            if let Outcome::Witness(witness) = outcome {
                said[0] = Some(Audit::TimerExpired { timer: *timer, witness });
            }
        }
        Recorded::Expired(Timer::Witness(witness)) => {
            said[0] = Some(Audit::WitnessExpired { witness: *witness });
        }
        Recorded::Input(Input::Act {
            act: Act::Cancel { reason } | Act::Fault { reason }, ..
        }) => {
            said[0] = Some(Audit::Cancelled { reason: reason.clone() });
        }
        event => {
            if let Some(made) = Made::of(event) {
                said = of_made(made, outcome);
            }
        }
    }
    said.into_iter().flatten()
}

/// What a request about authority says.
pub(super) fn of_made(made: Made<'_>, outcome: Outcome) -> [Option<Audit>; AUDITS_MAX] {
    let mut said = [None, None, None];
    match made {
        Made::Commit(commit) => {
            let receipt = &commit.receipt;
            let (scope, owner) = (receipt.scope, receipt.from.clone());
            let generation = receipt.generation;
            said[0] = Some(Audit::Invalidated { owner, generation, scope });
            said[1] = Some(Audit::Committed { receipt: receipt.id });
            said[2] = issued(&commit.owner, outcome, scope);
        }
        Made::Act { by, authority } => match authority {
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
            Authority::OwnerDied { owner, evidence } => {
                said[0] = Some(Audit::Lost { owner: owner.clone() });
                if let Death::Timeout(witness) = evidence {
                    said[1] = Some(Audit::WitnessConsumed { witness: witness.id });
                }
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
            Authority::IssueReadiness { predicate, .. } => {
                said[0] = issued_readiness(by, predicate, outcome);
            }
            Authority::ConsumeReadiness { witness: Readiness { id, .. } }
            | Authority::ConsumeTimeout { witness: TimeoutWitness { id, .. } } => {
                said[0] = Some(Audit::WitnessConsumed { witness: *id });
            }
            Authority::ArmTimer { .. } => {
                if let Outcome::Timer(timer) = outcome {
                    let (owner, generation) = (by.owner.clone(), by.generation);
                    said[0] = Some(Audit::TimerArmed { timer, owner, generation });
                }
            }
            Authority::DisarmTimer { timer } => {
                said[0] = Some(Audit::TimerDisarmed { timer: *timer });
            }
        },
        Made::Reclaim(reclaim) => said[0] = issued(&reclaim.owner, outcome, reclaim.scope),
    }
    said
}

fn issued_readiness(by: &Presented, predicate: &Predicate, outcome: Outcome) -> Option<Audit> {
    let Outcome::Witness(witness) = outcome else { return None };
    let scope = Some(predicate.scope()).filter(|scope| !scope.is_empty()).unwrap_or(by.scope);
    let (owner, generation, external) = (by.owner.clone(), by.generation, predicate.is_external());
    Some(Audit::WitnessIssued { witness, owner, generation, scope, external })
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
