//! Bytes at rest: where the journals of many sessions are kept. Knows no protocol.
//!
//! A [`Journal`] keeps batches of records by session and index, snapshots, and texts that sessions
//! need; to it they are numbers and bytes. [`MemoryJournal`] forgets with its process,
//! [`RedbJournal`] is one file of redb, synced before a commit returns. [`Lines`] is the other
//! shape of a journal: the text of one session.
//!
//! Clauses: JSTO-1 to JSTO-9.

mod check;
mod error;
mod group;
mod lines;
mod memory;
pub(crate) mod redb;
mod write;

use bytes::Bytes;

pub use self::redb::{CACHE_BYTES, RedbJournal};
pub use error::JournalError;
pub use group::GroupJournal;
pub use lines::{FileLines, Lines, MemoryLines};
pub use memory::MemoryJournal;
pub use write::{Snapshot, Stored, Write};

/// How many writes a commit may have.
pub const COMMIT_WRITES_MAX: usize = 1 << 20;

/// How many bytes the records of one append may have.
pub const BATCH_BYTES_MAX: usize = 1 << 30;

/// How many bytes a snapshot may have.
pub const SNAPSHOT_BYTES_MAX: usize = 1 << 30;

/// How many bytes a text may have that sessions need.
pub const BLOB_BYTES_MAX: usize = 1 << 26;

/// How many batches or sessions are read at once; who asks for more gets so many.
pub const PAGE_MAX: usize = 1 << 16;

/// Behind how many bytes a page of batches ends; it has at least one of them.
pub const PAGE_BYTES_MAX: usize = 1 << 24;

/// Who writes: a number that is taken once, and is greater than all that were taken before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u32);

impl core::fmt::Display for Fence {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Somewhere to keep the journals of many sessions. The calls wait for the disk: they are made from
/// a thread that may.
///
/// ```
/// use antiphon::journal::{Journal, MemoryJournal, Write};
///
/// let mut journal = MemoryJournal::default();
/// let fence = journal.fence()?;
/// let head = &[7; 32];
/// journal.commit(fence, &[Write::Append { session: 1, first: 0, count: 2, head, bytes: b"ab" }])?;
/// journal.commit(fence, &[Write::Append { session: 1, first: 2, count: 1, head, bytes: b"c" }])?;
/// let behind = journal.read(1, 2, 10)?;
/// assert_eq!((behind.len(), &behind[0].bytes[..]), (1, &b"c"[..]));
/// # Ok::<(), antiphon::journal::JournalError>(())
/// ```
pub trait Journal: Send {
    /// JSTO-3: takes the next fence, durably. From then on who has an older one writes nothing.
    ///
    /// # Errors
    /// [`JournalError::Limit`] if there is none left; what the store says.
    fn fence(&mut self) -> Result<Fence, JournalError>;

    /// JSTO-1: all of these writes, one after another, or none of them; durable when it returns.
    ///
    /// # Errors
    /// [`Fenced`](JournalError::Fenced), [`Conflict`](JournalError::Conflict),
    /// [`Empty`](JournalError::Empty) and [`Limit`](JournalError::Limit): nothing was written.
    /// Behind any other error it is not known whether the writes took effect, all of them or none;
    /// see [`JournalError::is_certain`].
    fn commit(&mut self, fence: Fence, writes: &[Write<'_>]) -> Result<(), JournalError>;

    /// JSTO-5: the batches of a session from the one on that record `from` is in, in order: at most
    /// `max` of them and at most [`PAGE_MAX`], and fewer if they are long ([`PAGE_BYTES_MAX`]).
    /// There are no more when none comes back.
    ///
    /// # Errors
    /// What the store says.
    fn read(&self, session: u128, from: u64, max: usize) -> Result<Vec<Stored>, JournalError>;

    /// The last snapshot of a session.
    ///
    /// # Errors
    /// What the store says.
    fn snapshot(&self, session: u128) -> Result<Option<Snapshot>, JournalError>;

    /// JSTO-6: the sessions that there are, in the order of their numbers and behind `after`: at
    /// most `max` of them and at most [`PAGE_MAX`]. There are no more when none comes back.
    ///
    /// # Errors
    /// What the store says.
    fn sessions(&self, after: Option<u128>, max: usize) -> Result<Vec<u128>, JournalError>;

    /// A text that sessions need, by its digest.
    ///
    /// # Errors
    /// What the store says.
    fn blob(&self, digest: &[u8; 32]) -> Result<Option<Bytes>, JournalError>;
}
