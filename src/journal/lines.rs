//! The journal of one session as lines of text: in a file that a person can read, or in memory.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Somewhere to append the lines of one session's journal. When `append` has returned, the line
/// survives whatever the implementation promises to survive.
pub trait Lines: Send {
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

/// One file. A line that was appended survives the end of the process, however it ends; a loss of
/// power only what was synced, at the latest when it is closed in order.
#[derive(Debug)]
pub struct FileLines {
    file: File,
    path: PathBuf,
}

impl FileLines {
    /// A new file.
    ///
    /// # Errors
    /// If the file exists already, or cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Lines for FileLines {
    fn append(&mut self, line: &str) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        self.file.write_all(&bytes)
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        std::fs::read(&self.path)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Lines in memory, for sessions that end with their process: they survive nothing but the session.
#[derive(Debug, Default, Clone)]
pub struct MemoryLines {
    bytes: Vec<u8>,
}

impl Lines for MemoryLines {
    fn append(&mut self, line: &str) -> io::Result<()> {
        self.bytes.extend_from_slice(line.as_bytes());
        self.bytes.push(b'\n');
        Ok(())
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        Ok(self.bytes.clone())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}
