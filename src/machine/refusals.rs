//! What was refused: counts by code, and the last refusals with who asked.
//!
//! Volatile: no protocol state, in no journal, gone with the machine. A stranger can ask as often
//! as it likes, so that what is kept has a limit; what is accepted never comes here.
//!
//! Clauses: AUDIT-5, AUDIT-6.

use alloc::collections::{BTreeMap, VecDeque};

use super::Machine;
use super::authority::Owner;
use super::id::{SessionId, Tick};
use super::input::{Act, Open};
use super::receipt::Authority;
use super::refuse::Refusal;

/// How many refusals of a machine are remembered one by one.
pub const REFUSED_MAX: usize = 64;

/// One refused input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// When.
    pub tick: Tick,
    /// The session that it named, which need not be there.
    pub session: Option<SessionId>,
    /// The owner that it named, who need not have sent it.
    pub owner: Option<Owner>,
    /// What kind of input it was, by one word.
    pub attempt: &'static str,
    /// The code of the refusal.
    pub code: &'static str,
}

/// What a machine refused since it was made.
#[derive(Debug, Clone, Default)]
pub struct Refusals {
    total: u64,
    /// There are no more of these than codes.
    counts: BTreeMap<&'static str, u64>,
    recent: VecDeque<Refused>,
}

impl Refusals {
    /// How many there were.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many there were of each code, by code.
    pub fn counts(&self) -> impl ExactSizeIterator<Item = (&'static str, u64)> {
        self.counts.iter().map(|(code, count)| (*code, *count))
    }

    /// The last ones, at most [`REFUSED_MAX`], the oldest first.
    pub fn recent(&self) -> impl ExactSizeIterator<Item = &Refused> {
        self.recent.iter()
    }

    fn push(&mut self, refused: Refused) {
        self.total += 1;
        *self.counts.entry(refused.code).or_default() += 1;
        if self.recent.len() == REFUSED_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(refused);
    }
}

impl Machine {
    /// AUDIT-5: what was refused since the machine was made.
    #[must_use]
    pub fn refused(&self) -> &Refusals {
        &self.refused
    }

    /// Counts a refusal, and hands it on.
    #[cold]
    pub(super) fn refuse(
        &mut self,
        session: Option<SessionId>,
        owner: Option<&Owner>,
        attempt: &'static str,
        refusal: Refusal,
    ) -> Refusal {
        let (tick, code, owner) = (self.now, refusal.code(), owner.cloned());
        self.refused.push(Refused { tick, session, owner, attempt, code });
        refusal
    }

    /// The same, of an `Open`.
    #[cold]
    pub(super) fn refuse_open(&mut self, open: &Open, refusal: Refusal) -> Refusal {
        self.refuse(Some(open.session), Some(&open.owner), "open", refusal)
    }
}

impl Act {
    /// What it is, by one word.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Send(_) => "send",
            Self::Receive(_) => "receive",
            Self::Acknowledge { .. } => "acknowledge",
            Self::Bind { .. } => "bind",
            Self::Drain { .. } => "drain",
            Self::Close => "close",
            Self::Cancel { .. } => "cancel",
            Self::Fault { .. } => "fault",
            Self::Authority(authority) => authority.word(),
            Self::Attach { .. } => "attach",
            Self::Detach { .. } => "detach",
        }
    }
}

impl Authority {
    /// As [`Act::word`].
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Release { .. } => "release",
            Self::Attenuate { .. } => "attenuate",
            Self::Claim { .. } => "claim",
            Self::Stage { .. } => "stage",
            Self::Rollback { .. } => "rollback",
            Self::Abandon { .. } => "abandon",
            Self::FailCommit { .. } => "fail_commit",
            Self::OwnerDied { .. } => "owner_died",
            Self::IssueToken { .. } => "issue_token",
            Self::Renew { .. } => "renew",
            Self::ConfirmToken { .. } => "confirm_token",
            Self::IssueReadiness { .. } => "issue_readiness",
            Self::ConsumeReadiness { .. } => "consume_readiness",
            Self::ArmTimer { .. } => "arm_timer",
            Self::DisarmTimer { .. } => "disarm_timer",
            Self::ConsumeTimeout { .. } => "consume_timeout",
        }
    }
}
