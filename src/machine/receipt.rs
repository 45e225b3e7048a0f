//! What changes who may act: the authority acts, and the receipt of a transfer.

use smol_str::SmolStr;

use super::authority::{Owner, Scope};
use super::ends::Death;
use super::id::{Generation, ReceiptId, RequestId, Serial, SessionId, Tick, TimerId};
use super::predicate::Predicate;
use super::site::Site;
use super::witness::{Readiness, TimeoutWitness};

/// How many transfers, witnesses and timers of one session may be outstanding, together.
pub const OUTSTANDING_MAX: usize = 64;

/// A change of who may act, under the authority of who has it now.
///
/// What creates something carries a number that the caller chooses: a repeat with the same number
/// and content, while its result is live, changes nothing and returns the same result.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authority {
    /// Gives fragments up: they are nobody's.
    Release {
        /// The caller's number.
        request: RequestId,
        /// What is given up.
        scope: Scope,
    },
    /// Renews the authority over some fragments for the same owner, apart from the others.
    Attenuate {
        /// The caller's number.
        request: RequestId,
        /// Which.
        scope: Scope,
    },
    /// Gives released fragments an owner. Done by whoever has the lifecycle, or who had the
    /// fragments last.
    Claim {
        /// The caller's number.
        request: RequestId,
        /// Who gets them.
        owner: Owner,
        /// Which.
        scope: Scope,
    },
    /// Begins a transfer: it comes to a [`Receipt`]. Until it is committed nothing has moved.
    Stage {
        /// The caller's number.
        request: RequestId,
        /// What is to move.
        scope: Scope,
        /// Whom it is for.
        to: Recipient,
        /// When it is taken back, if it was not committed.
        expires: Option<Tick>,
        /// Whether the fragments perform no action as long as it is in flight.
        freeze: bool,
    },
    /// Takes a transfer back. Done by who staged it.
    Rollback {
        /// Which.
        receipt: Receipt,
    },
    /// Gives a transfer up and the session with it: it is cancelled. Done by who staged it.
    Abandon {
        /// Which.
        receipt: Receipt,
    },
    /// Says that a transfer cannot be committed: the session is faulted. Done by the lifecycle.
    FailCommit {
        /// Which.
        receipt: Receipt,
        /// Why; what is too long for the reason of a session is cut.
        reason: SmolStr,
    },
    /// Says that an owner is lost. What becomes of the session is in its
    /// [`Open::on_lost`](super::Open::on_lost).
    OwnerDied {
        /// Who.
        owner: Owner,
        /// How that is known.
        evidence: Death,
    },
    /// Asks for the serial of a resume token: the first of this holding, or the current one again.
    IssueToken {
        /// The caller's number.
        request: RequestId,
    },
    /// Presents the serial of a resume token and asks for the next one.
    Renew {
        /// The one that is presented.
        serial: Serial,
    },
    /// Says that the token of this serial has arrived: those before it are spent.
    ConfirmToken {
        /// Which.
        serial: Serial,
    },
    /// Asks for the proof that a predicate is true now: it comes to a [`Readiness`]. Done by who
    /// has the fragments that the predicate speaks of; where it speaks of none, by who has those
    /// that are presented.
    IssueReadiness {
        /// The caller's number.
        request: RequestId,
        /// What is to be true.
        predicate: Predicate,
    },
    /// Spends a readiness witness, if its predicate is still true. Done by whom it was issued to.
    ConsumeReadiness {
        /// Which.
        witness: Readiness,
    },
    /// Arms a timer. When it runs out a [`TimeoutWitness`] is issued to who armed it. Done by who
    /// has a role that the site is about, or the lifecycle; for a name, by who has the fragments
    /// that are presented.
    ArmTimer {
        /// The caller's number.
        request: RequestId,
        /// What it is for.
        site: Site,
        /// When it runs out: in so many milliseconds.
        after: u64,
        /// How long its witness is good then, in milliseconds; `None`: until it is spent.
        valid: Option<u64>,
    },
    /// Takes a timer back. Done by who armed it, or has the lifecycle.
    DisarmTimer {
        /// Which.
        timer: TimerId,
    },
    /// Spends a timeout witness. Done by who armed its timer.
    ConsumeTimeout {
        /// Which.
        witness: TimeoutWitness,
    },
}

impl Authority {
    /// The fragments that it is about; none, where it names none.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::Release { scope, .. }
            | Self::Attenuate { scope, .. }
            | Self::Claim { scope, .. }
            | Self::Stage { scope, .. } => *scope,
            Self::Rollback { receipt }
            | Self::Abandon { receipt }
            | Self::FailCommit { receipt, .. } => receipt.scope,
            Self::IssueReadiness { predicate, .. } => predicate.scope(),
            Self::ConsumeReadiness { witness } => witness.scope,
            Self::ArmTimer { site, .. } => site.scope(),
            Self::ConsumeTimeout { witness } => witness.scope,
            Self::OwnerDied { .. }
            | Self::IssueToken { .. }
            | Self::Renew { .. }
            | Self::ConfirmToken { .. }
            | Self::DisarmTimer { .. } => Scope::from_bits(0),
        }
    }

    /// Whether it names fragments.
    pub(crate) fn names_fragments(&self) -> bool {
        !matches!(
            self,
            Self::OwnerDied { .. }
                | Self::IssueToken { .. }
                | Self::Renew { .. }
                | Self::ConfirmToken { .. }
                | Self::DisarmTimer { .. }
        )
    }
}

/// The terms of a transfer: those of [`Authority::Stage`], for
/// [`Machine::stage`](super::Machine::stage).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The caller's number.
    pub request: RequestId,
    /// What is to move.
    pub scope: Scope,
    /// Whom it is for.
    pub to: Recipient,
    /// When it is taken back, if it was not committed.
    pub expires: Option<Tick>,
    /// Whether the fragments perform no action as long as it is in flight.
    pub freeze: bool,
}

/// Whom a transfer is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// This owner.
    Owner(Owner),
    /// Whoever brings the receipt.
    Bearer,
}

/// What a transfer is known by: plain data, compared field by field with what is in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The session.
    pub session: SessionId,
    /// Its number in the session.
    pub id: ReceiptId,
    /// Who staged it.
    pub from: Owner,
    /// The generation under which it was staged.
    pub generation: Generation,
    /// Whom it is for.
    pub to: Recipient,
    /// What is to move.
    pub scope: Scope,
}

/// Completes a transfer: its receipt is all the authority that this needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The caller's number.
    pub request: RequestId,
    /// The transfer.
    pub receipt: Receipt,
    /// Who takes it over: whom it is for; a bearer names itself.
    pub owner: Owner,
}

/// Gives released fragments an owner, by the host itself. A repeat with the same number and
/// content, while its result is live, changes nothing and returns the same result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reclaim {
    /// The caller's number.
    pub request: RequestId,
    /// The session.
    pub session: SessionId,
    /// Who gets them.
    pub owner: Owner,
    /// Which.
    pub scope: Scope,
}
