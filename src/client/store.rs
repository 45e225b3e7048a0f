//! Where a client keeps what it must not lose with its process.

use std::path::Path;

use redb::{Database, ReadableDatabase, TableDefinition};

/// Why a store does not do it.
#[derive(Debug, thiserror::Error)]
#[error("the outbox cannot be kept: {0}")]
pub struct StoreError(String);

impl StoreError {
    /// Says what went wrong.
    #[must_use]
    pub fn new(what: impl std::fmt::Display) -> Self {
        Self(what.to_string())
    }
}

/// Keeps one text for a client: what was saved last is what is loaded, also after a crash.
pub trait Store: Send + 'static {
    /// Keeps a text, durably, in the place of the one before.
    ///
    /// # Errors
    /// [`StoreError`].
    fn save(&mut self, text: &str) -> Result<(), StoreError>;

    /// The text that was saved last.
    ///
    /// # Errors
    /// [`StoreError`].
    fn load(&mut self) -> Result<Option<String>, StoreError>;
}

const TEXTS: TableDefinition<'_, &str, &str> = TableDefinition::new("clients");

/// A file of redb, in which several clients can keep theirs, each under its name.
#[derive(Debug)]
pub struct RedbStore {
    database: std::sync::Arc<Database>,
    name: String,
}

impl RedbStore {
    /// Opens a file, or makes it.
    ///
    /// # Errors
    /// [`StoreError`]: it is no file of redb, or another process has it.
    pub fn open(path: &Path, name: &str) -> Result<Self, StoreError> {
        let database = Database::create(path).map_err(StoreError::new)?;
        Ok(Self { database: database.into(), name: name.into() })
    }

    /// Another client's place in the same file.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        Self { database: std::sync::Arc::clone(&self.database), name: name.into() }
    }
}

impl Store for RedbStore {
    fn save(&mut self, text: &str) -> Result<(), StoreError> {
        let write = self.database.begin_write().map_err(StoreError::new)?;
        {
            let mut texts = write.open_table(TEXTS).map_err(StoreError::new)?;
            texts.insert(self.name.as_str(), text).map_err(StoreError::new)?;
        }
        write.commit().map_err(StoreError::new)
    }

    fn load(&mut self) -> Result<Option<String>, StoreError> {
        let read = self.database.begin_read().map_err(StoreError::new)?;
        let texts = match read.open_table(TEXTS) {
            Ok(texts) => texts,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(StoreError::new(error)),
        };
        let text = texts.get(self.name.as_str()).map_err(StoreError::new)?;
        Ok(text.map(|text| text.value().to_owned()))
    }
}
