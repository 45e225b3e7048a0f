//! What a journal is told, and what it gives back.

use bytes::Bytes;

/// One write of a commit.
#[derive(Debug, Clone, Copy)]
pub enum Write<'a> {
    /// More records of a session, behind those that it has.
    Append {
        /// The session.
        session: u128,
        /// The index of the first record; it must be the next one of the session.
        first: u64,
        /// How many records there are, at least one.
        count: u32,
        /// The chain behind them.
        head: &'a [u8; 32],
        /// The records.
        bytes: &'a [u8],
    },
    /// Where a session stands, instead of the snapshot before. A session that is not there may
    /// begin with one, wherever it stands.
    Snapshot {
        /// The session.
        session: u128,
        /// How many records are in it; of a session that is there, no more than it has.
        upto: u64,
        /// The chain behind them.
        head: &'a [u8; 32],
        /// What it says.
        bytes: &'a [u8],
    },
    /// A session goes, with its batches and its snapshot. One that is not there is gone already.
    Remove {
        /// The session.
        session: u128,
    },
    /// A text that sessions need. What a digest has stood for it stands for.
    Blob {
        /// By what it is found again; that it says the text is for the caller to know.
        digest: &'a [u8; 32],
        /// The text.
        bytes: &'a [u8],
    },
}

/// A batch as it was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The index of its first record.
    pub first: u64,
    /// How many records there are.
    pub count: u32,
    /// The chain behind them.
    pub head: [u8; 32],
    /// The records.
    pub bytes: Bytes,
}

impl Stored {
    /// The index behind its last record.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count))
    }
}

/// A snapshot as it was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// How many records are in it.
    pub upto: u64,
    /// The chain behind them.
    pub head: [u8; 32],
    /// What it says.
    pub bytes: Bytes,
}
