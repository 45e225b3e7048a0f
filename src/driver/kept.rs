//! A journal in a file, read back: verified, re-executed, audited.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::machine::{Record, ReplayError, SessionId};
use crate::types::Protocol;
use crate::wire::journal::{Journal, JournalError};
pub use crate::wire::replayed::Replayed;

/// The largest journal that is read, in bytes.
const BYTES_MAX: u64 = 1 << 30;

/// The journal of one session, as it was read from its file.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use antiphon::{Protocol, Session, driver::Options};
/// use antiphon::JournalFile;
/// # let shop: Protocol = "
/// #   Buyer  = Seller!title(string) . Seller?quote(nat) . end
/// #   Seller = Buyer?title(string)  . Buyer!quote(nat)  . end
/// # ".parse()?;
/// # let path = std::env::temp_dir().join(format!("antiphon-kept-{}", std::process::id()));
/// # let session = Session::open_with(&shop, Options::default().journal_file(&path))?;
/// # let [mut buyer, mut seller] = session.endpoints(["Buyer", "Seller"])?;
/// # buyer.send("Seller", "title", "Ulysses").await?;
/// # seller.receive_from("Buyer").await?;
///
/// let journal = JournalFile::open(&path)?;          // names and locates any edited byte
/// # std::fs::remove_file(&path)?;
/// let replayed = journal.replay()?;
/// assert_eq!(replayed.digest(), session.digest());
/// for line in replayed.audit() {
///     println!("{line}");                           // tick 0  record 0  opened  Session: host#1
/// }
/// # assert_eq!(replayed.audit()[0].to_string(), "tick 0  record 0  opened  Session: host#1");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct JournalFile {
    journal: Journal,
}

/// Why a file is not read as a journal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalFileError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It is larger than any journal that is read.
    #[error("the file is longer than {BYTES_MAX} bytes")]
    TooLong,
    /// What it holds is damaged, or no journal.
    #[error(transparent)]
    Damaged(#[from] JournalError),
}

impl JournalFile {
    /// Reads a journal and verifies its chain.
    ///
    /// # Errors
    /// A [`JournalFileError`]; one of damage names the line, and mostly the byte.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, JournalFileError> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 > BYTES_MAX {
            true => Err(JournalFileError::TooLong),
            false => Ok(Self { journal: Journal::read(&bytes)? }),
        }
    }

    /// Re-executes every record.
    ///
    /// # Errors
    /// A [`ReplayError`] that names the first record that does not agree.
    pub fn replay(&self) -> Result<Replayed, ReplayError> {
        self.journal.replay()
    }

    /// All records, in order.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.journal.records
    }

    /// Whose journal it is.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.journal.session
    }

    /// What the session runs.
    #[must_use]
    pub fn protocol(&self) -> &Arc<Protocol> {
        &self.journal.protocol
    }

    /// Whether it ends with its end mark: then nothing is missing at its end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.journal.is_complete
    }
}
