//! Bytes at rest: where the lines of a journal go. Knows no protocol.

mod file;
mod memory;

use std::io;

pub use file::FileJournal;
pub use memory::MemoryJournal;

/// Somewhere to append the lines of one session's journal. When `append` has returned, the line
/// survives whatever the implementation promises to survive.
pub trait Journal: Send {
    /// Appends a line; the line break is added here.
    ///
    /// # Errors
    /// What the store says; the line must be taken to be lost then.
    fn append(&mut self, line: &str) -> io::Result<()>;

    /// All lines that were appended.
    ///
    /// # Errors
    /// What the store says.
    fn read(&self) -> io::Result<Vec<u8>>;

    /// Makes everything that was appended survive a loss of power, too.
    ///
    /// # Errors
    /// What the store says.
    fn sync(&mut self) -> io::Result<()>;
}
