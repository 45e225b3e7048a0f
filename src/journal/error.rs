//! Why a journal did not do what was asked.

use std::io;

use super::Fence;

/// Why a journal did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Somebody took a newer fence: the journal is theirs now.
    #[error("the journal was taken over: fence {own} is older than {latest}")]
    Fenced {
        /// The fence that it came with.
        own: Fence,
        /// The one that was taken last.
        latest: Fence,
    },
    /// A write does not begin where its session ends.
    #[error("session {session:032x}: index {found} was given, and the next one is {expected}")]
    Conflict {
        /// The session.
        session: u128,
        /// The next index of the session.
        expected: u64,
        /// The one that was given.
        found: u64,
    },
    /// An append without records.
    #[error("session {session:032x}: an append without records")]
    Empty {
        /// The session.
        session: u128,
    },
    /// More than is kept.
    #[error("{what}: {found}, and at most {max}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// How much may be.
        max: u64,
        /// How much it would have been.
        found: u64,
    },
    /// Bytes that the journal has not written so.
    #[error("the journal is damaged: {0}")]
    Damaged(String),
    /// A store of something else.
    #[error("this is not a journal: {0}")]
    NotAJournal(String),
    /// A journal that is laid out in another way.
    #[error("the journal has version {found}, and {known} is known here")]
    Version {
        /// What it says.
        found: u64,
        /// What this one reads and writes.
        known: u64,
    },
    /// Somebody else has it open.
    #[error("the journal is in use by another process")]
    InUse,
    /// A commit failed before; open the journal again to see what it came to.
    #[error("a write to the journal failed before; it takes nothing more until it is opened again")]
    Failed,
    /// What the system says.
    #[error("the journal cannot be reached: {0}")]
    Io(#[from] io::Error),
}

impl JournalError {
    /// Whether it is known that nothing was written. If it is not, the writes of the commit took
    /// effect all together or not at all, and reading says which.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        matches!(
            self,
            Self::Fenced { .. }
                | Self::Conflict { .. }
                | Self::Empty { .. }
                | Self::Limit { .. }
                | Self::Failed
        )
    }
}
