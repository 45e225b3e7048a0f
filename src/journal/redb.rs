//! Journals in one file of redb, an embedded store: every commit is one transaction, synced.
//!
//! Tables: `batches` by session and first index (the value: count, head, records), `snapshots` by
//! session (index, head, content), `texts` by digest, `about` by name (version, fence). Numbers in
//! values are little endian.

use std::io::ErrorKind;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::redb::{
    Builder, Database, DatabaseError, Durability, Error, ReadTransaction, ReadableDatabase,
    ReadableTable, StorageBackend, StorageError, Table, TableDefinition, WriteTransaction,
};
use bytes::Bytes;
use hashbrown::HashMap;

use super::check::{check, following};
use super::{Fence, Journal, JournalError, PAGE_BYTES_MAX, PAGE_MAX, Snapshot, Stored, Write};

const BATCHES: TableDefinition<(u128, u64), &[u8]> = TableDefinition::new("batches");
const SNAPSHOTS: TableDefinition<u128, &[u8]> = TableDefinition::new("snapshots");
const TEXTS: TableDefinition<[u8; 32], &[u8]> = TableDefinition::new("texts");
const ABOUT: TableDefinition<&str, u64> = TableDefinition::new("about");

/// How the tables are laid out.
const VERSION: u64 = 1;

/// The name in `about` of the version, and of the last fence.
const ABOUT_VERSION: &str = "antiphon journal";
const ABOUT_FENCE: &str = "fence";

/// The count and the head in front of the records of a batch.
pub(crate) const BATCH_HEAD: usize = 4 + 32;

/// The index and the head in front of the content of a snapshot.
const SNAPSHOT_HEAD: usize = 8 + 32;

/// How many sessions are remembered with their next index; with more of them all are looked up
/// again.
const NEXT_MAX: usize = 1 << 20;

/// How much of the file is kept in memory where nothing else is said, in bytes.
pub const CACHE_BYTES: usize = 64 << 20;

type Batches<'t> = Table<'t, (u128, u64), &'static [u8]>;

/// One file. What was committed survives a loss of power. Clones are handles of the same file; it
/// is closed when the last one goes, and while it is open nobody else opens it.
#[derive(Debug, Clone)]
pub struct RedbJournal {
    open: Arc<Open>,
}

#[derive(Debug)]
struct Open {
    database: Database,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    latest: Fence,
    /// Where sessions end: an append needs to look up nothing.
    nexts: HashMap<u128, u64>,
    /// A commit failed, and what the file holds now is not known.
    failed: bool,
}

impl RedbJournal {
    /// Opens a journal, or makes a new one. After a crash it goes back to the last commit. Every
    /// page is read and checked, so that damage is found now.
    ///
    /// # Errors
    /// [`JournalError::Damaged`], [`NotAJournal`](JournalError::NotAJournal),
    /// [`Version`](JournalError::Version), [`InUse`](JournalError::InUse),
    /// [`Io`](JournalError::Io).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        Self::open_with_cache(path, CACHE_BYTES)
    }

    /// As [`open`](Self::open), with at most so many bytes of the file in memory instead of
    /// [`CACHE_BYTES`]. Every session that is busy has a page of 4 KiB that is written again and
    /// again; those that are not in memory are read anew for it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with_cache(
        path: impl AsRef<Path>,
        cache_bytes: usize,
    ) -> Result<Self, JournalError> {
        make(path.as_ref())?;
        Self::of(|| builder(true).set_cache_size(cache_bytes).open(path))
    }

    /// Opens a journal that is there, as [`open`](Self::open) does.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn existing(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        Self::of(|| builder(true).open(path))
    }

    /// As [`open`](Self::open), and trusts a file that was closed in order: for files that are too
    /// long to be read whole. What is damaged in one is found only when it is read, by the chain of
    /// its session, or by a panic of redb.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn trusted(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        make(path.as_ref())?;
        Self::of(|| builder(false).open(path))
    }

    /// As [`open`](Self::open), on another storage than a file; an empty one becomes a journal.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn on(storage: impl StorageBackend) -> Result<Self, JournalError> {
        Self::of(|| {
            let database = builder(true).create_with_backend(storage)?;
            lay_out(&database).map_err(as_storage)?;
            Ok(database)
        })
    }

    fn of(open: impl FnOnce() -> Result<Database, DatabaseError>) -> Result<Self, JournalError> {
        // JSTO-8: a file that somebody else has written into may break what redb takes for granted.
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let database = open().map_err(failure)?;
            let latest = last_fence(&database)?;
            Ok((database, latest))
        }));
        let broken = |_| Err(JournalError::Damaged("its structure is broken".into()));
        let (database, latest) = opened.unwrap_or_else(broken)?;
        let state = State { latest, nexts: HashMap::new(), failed: false };
        Ok(Self { open: Arc::new(Open { database, state: Mutex::new(state) }) })
    }

    /// Gives back the room of what was removed; whether there was any. Nobody else may have a
    /// handle.
    ///
    /// # Errors
    /// [`JournalError::InUse`]; what the store says.
    pub fn shrink(&mut self) -> Result<bool, JournalError> {
        let open = Arc::get_mut(&mut self.open).ok_or(JournalError::InUse)?;
        open.database.compact().map_err(failure)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Behind a panic it is `failed`, or as it was.
        self.open.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_read(&self) -> Result<ReadTransaction, JournalError> {
        self.open.database.begin_read().map_err(failure)
    }

    /// JSTO-9: writes and commits. Whatever goes wrong when something was written, or may have
    /// been, nobody writes behind it.
    fn write(
        &self,
        state: &mut State,
        write: impl FnOnce(&WriteTransaction) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        state.failed = true;
        let mut transaction = self.open.database.begin_write().map_err(failure)?;
        transaction.set_durability(Durability::Immediate).map_err(failure)?;
        write(&transaction)?;
        transaction.commit().map_err(failure)?;
        state.failed = false;
        Ok(())
    }
}

impl Journal for RedbJournal {
    fn fence(&mut self) -> Result<Fence, JournalError> {
        let mut state = self.state();
        if state.failed {
            return Err(JournalError::Failed);
        }
        let fence = following(state.latest)?;
        self.write(&mut state, |transaction| {
            let mut about = transaction.open_table(ABOUT).map_err(failure)?;
            about.insert(ABOUT_FENCE, u64::from(fence.0)).map_err(failure).map(drop)
        })?;
        state.latest = fence;
        Ok(fence)
    }

    fn commit(&mut self, fence: Fence, writes: &[Write<'_>]) -> Result<(), JournalError> {
        let mut state = self.state();
        if state.failed {
            return Err(JournalError::Failed);
        }
        // Read before the lock on writes is taken, and only of sessions that are not known.
        let mut reading = None;
        let nexts = check(fence, state.latest, writes, |session| {
            if let Some(next) = state.nexts.get(&session) {
                return Ok(Some(*next));
            }
            let reading = match &reading {
                Some(reading) => reading,
                None => reading.insert(self.begin_read()?),
            };
            next(reading, session)
        })?;
        drop(reading);
        if writes.is_empty() {
            return Ok(());
        }
        self.write(&mut state, |transaction| apply(transaction, writes))?;
        if state.nexts.len() + nexts.len() > NEXT_MAX {
            state.nexts.clear();
        }
        for (session, next) in nexts {
            match next {
                Some(next) => drop(state.nexts.insert(session, next)),
                None => drop(state.nexts.remove(&session)),
            }
        }
        Ok(())
    }

    fn read(&self, session: u128, from: u64, max: usize) -> Result<Vec<Stored>, JournalError> {
        let table = self.begin_read()?.open_table(BATCHES).map_err(failure)?;
        let before = table.range((session, 0)..=(session, from)).map_err(failure)?.next_back();
        let first = match before {
            Some(entry) => entry.map_err(failure)?.0.value().1,
            None => from,
        };
        let (mut page, mut bytes) = (Vec::new(), 0_usize);
        for entry in table.range((session, first)..=(session, u64::MAX)).map_err(failure)? {
            if page.len() >= max.min(PAGE_MAX) || bytes >= PAGE_BYTES_MAX {
                break;
            }
            let (key, value) = entry.map_err(failure)?;
            let batch = batch(session, key.value().1, value.value())?;
            // The one in front of `from` may end there.
            if batch.end() > from {
                bytes = bytes.saturating_add(batch.bytes.len());
                page.push(batch);
            }
        }
        Ok(page)
    }

    fn snapshot(&self, session: u128) -> Result<Option<Snapshot>, JournalError> {
        let table = self.begin_read()?.open_table(SNAPSHOTS).map_err(failure)?;
        let value = table.get(session).map_err(failure)?;
        value.map(|value| snapshot(session, value.value())).transpose()
    }

    fn sessions(&self, after: Option<u128>, max: usize) -> Result<Vec<u128>, JournalError> {
        let reading = self.begin_read()?;
        let batches = reading.open_table(BATCHES).map_err(failure)?;
        let snapshots = reading.open_table(SNAPSHOTS).map_err(failure)?;
        let (mut found, mut after) = (Vec::new(), after);
        while found.len() < max.min(PAGE_MAX) {
            let (of_batches, of_snapshots) = match after {
                None => (Bound::Included((0, 0)), Bound::Included(0)),
                Some(after) => (Bound::Excluded((after, u64::MAX)), Bound::Excluded(after)),
            };
            let batch = batches.range((of_batches, Bound::Unbounded)).map_err(failure)?.next();
            let batch = batch.transpose().map_err(failure)?.map(|(key, _)| key.value().0);
            let saved = snapshots.range((of_snapshots, Bound::Unbounded)).map_err(failure)?.next();
            let saved = saved.transpose().map_err(failure)?.map(|(key, _)| key.value());
            let Some(next) = batch.into_iter().chain(saved).min() else { break };
            found.push(next);
            after = Some(next);
        }
        Ok(found)
    }

    fn blob(&self, digest: &[u8; 32]) -> Result<Option<Bytes>, JournalError> {
        let table = self.begin_read()?.open_table(TEXTS).map_err(failure)?;
        let value = table.get(digest).map_err(failure)?;
        Ok(value.map(|value| Bytes::copy_from_slice(value.value())))
    }
}

fn builder(checks: bool) -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(checks);
    builder
}

/// Makes a journal where there is none. It gets its name when it is whole, so that a crash leaves
/// none behind that nobody can open.
fn make(path: &Path) -> Result<(), JournalError> {
    if path.try_exists()? {
        return Ok(());
    }
    let mut unnamed = path.as_os_str().to_owned();
    unnamed.push(format!(".{}.new", std::process::id()));
    let unnamed = Path::new(&unnamed);
    let remove = || match std::fs::remove_file(unnamed) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    remove()?;
    let database = builder(false).create(unnamed).map_err(failure)?;
    lay_out(&database).map_err(failure)?;
    database.close().map_err(failure)?;
    // A link takes no name away from a journal that somebody else has made meanwhile.
    match std::fs::hard_link(unnamed, path) {
        Ok(()) => remove()?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => remove()?,
        Err(_) => std::fs::rename(unnamed, path)?,
    }
    // A name survives a loss of power only when its folder was synced.
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// Makes the tables in a database that has none.
fn lay_out(database: &Database) -> Result<(), Error> {
    let is_empty = database.begin_read()?.list_tables()?.next().is_none();
    if is_empty {
        let transaction = database.begin_write()?;
        transaction.open_table(ABOUT)?.insert(ABOUT_VERSION, VERSION)?;
        transaction.open_table(BATCHES)?;
        transaction.open_table(SNAPSHOTS)?;
        transaction.open_table(TEXTS)?;
        transaction.commit()?;
    }
    Ok(())
}

/// What laying out says, where opening is asked for.
fn as_storage(error: Error) -> DatabaseError {
    DatabaseError::Storage(match error {
        Error::Io(error) => StorageError::Io(error),
        error => StorageError::Corrupted(error.to_string()),
    })
}

/// The last fence of a database that is a journal.
fn last_fence(database: &Database) -> Result<Fence, JournalError> {
    let about = || -> Result<(Option<u64>, u64), Error> {
        let reading = database.begin_read()?;
        reading.open_table(BATCHES)?;
        reading.open_table(SNAPSHOTS)?;
        reading.open_table(TEXTS)?;
        let about = reading.open_table(ABOUT)?;
        let number = |name| Ok::<_, Error>(about.get(name)?.map(|number| number.value()));
        Ok((number(ABOUT_VERSION)?, number(ABOUT_FENCE)?.unwrap_or(0)))
    };
    let other = |error: Error| match error {
        error @ (Error::TableDoesNotExist(_)
        | Error::TableTypeMismatch { .. }
        | Error::TypeDefinitionChanged { .. }
        | Error::TableIsMultimap(_)) => JournalError::NotAJournal(error.to_string()),
        error => failure(error),
    };
    let (version, fence) = about().map_err(other)?;
    match version {
        Some(VERSION) => {}
        Some(found) => return Err(JournalError::Version { found, known: VERSION }),
        None => return Err(JournalError::NotAJournal("it does not say that it is one".into())),
    }
    let fence = u32::try_from(fence);
    fence.map(Fence).map_err(|_| JournalError::Damaged("its fence is none".into()))
}

/// Where a session ends, as the tables have it.
fn next(reading: &ReadTransaction, session: u128) -> Result<Option<u64>, JournalError> {
    let batches = reading.open_table(BATCHES).map_err(failure)?;
    let all = (session, 0)..=(session, u64::MAX);
    let last = batches.range(all).map_err(failure)?.next_back().transpose().map_err(failure)?;
    let end = match last {
        Some((key, value)) => Some(batch_end(session, key.value().1, value.value())?),
        None => None,
    };
    let snapshots = reading.open_table(SNAPSHOTS).map_err(failure)?;
    let upto = match snapshots.get(session).map_err(failure)? {
        Some(value) => Some(snapshot_parts(session, value.value())?.0),
        None => None,
    };
    Ok(end.max(upto))
}

fn apply(transaction: &WriteTransaction, writes: &[Write<'_>]) -> Result<(), JournalError> {
    // Most commits have appends and nothing else.
    let mut batches = transaction.open_table(BATCHES).map_err(failure)?;
    for write in writes {
        match *write {
            Write::Append { session, first, count, head, bytes } => {
                append(&mut batches, (session, first), count, head, bytes)?;
            }
            Write::Snapshot { session, upto, head, bytes } => {
                let mut table = transaction.open_table(SNAPSHOTS).map_err(failure)?;
                let length = SNAPSHOT_HEAD + bytes.len();
                let mut value = table.insert_reserve(session, length).map_err(failure)?;
                let (front, content) = value.as_mut().split_at_mut(SNAPSHOT_HEAD);
                front[..8].copy_from_slice(&upto.to_le_bytes());
                front[8..].copy_from_slice(head);
                content.copy_from_slice(bytes);
            }
            Write::Remove { session } => {
                let all = (session, 0)..=(session, u64::MAX);
                batches.retain_in(all, |_, _| false).map_err(failure)?;
                let mut table = transaction.open_table(SNAPSHOTS).map_err(failure)?;
                table.remove(session).map_err(failure)?;
            }
            Write::Blob { digest, bytes } => {
                let mut table = transaction.open_table(TEXTS).map_err(failure)?;
                // JSTO-7: what it has stood for it stands for.
                if table.get(digest).map_err(failure)?.is_none() {
                    table.insert(digest, bytes).map_err(failure)?;
                }
            }
        }
    }
    Ok(())
}

fn append(
    batches: &mut Batches<'_>,
    key: (u128, u64),
    count: u32,
    head: &[u8; 32],
    bytes: &[u8],
) -> Result<(), JournalError> {
    // Written in place: a batch is copied once.
    let mut value = batches.insert_reserve(key, BATCH_HEAD + bytes.len()).map_err(failure)?;
    let (front, records) = value.as_mut().split_at_mut(BATCH_HEAD);
    front[..4].copy_from_slice(&count.to_le_bytes());
    front[4..].copy_from_slice(head);
    records.copy_from_slice(bytes);
    Ok(())
}

fn damaged(session: u128, what: &str, at: u64) -> JournalError {
    JournalError::Damaged(format!("session {session:032x}: {what} at index {at} is too short"))
}

fn batch_end(session: u128, first: u64, value: &[u8]) -> Result<u64, JournalError> {
    let count = value.first_chunk().filter(|_| value.len() >= BATCH_HEAD);
    let count = count.ok_or_else(|| damaged(session, "the batch", first))?;
    Ok(first.saturating_add(u64::from(u32::from_le_bytes(*count))))
}

fn batch(session: u128, first: u64, value: &[u8]) -> Result<Stored, JournalError> {
    let parts = value.split_first_chunk::<4>();
    let parts = parts.and_then(|(count, rest)| Some((count, rest.split_first_chunk::<32>()?)));
    let Some((count, (head, records))) = parts else {
        return Err(damaged(session, "the batch", first));
    };
    let count = u32::from_le_bytes(*count);
    Ok(Stored { first, count, head: *head, bytes: Bytes::copy_from_slice(records) })
}

fn snapshot_parts(session: u128, value: &[u8]) -> Result<(u64, [u8; 32], &[u8]), JournalError> {
    let parts = value.split_first_chunk::<8>();
    let parts = parts.and_then(|(upto, rest)| Some((upto, rest.split_first_chunk::<32>()?)));
    let Some((upto, (head, content))) = parts else {
        return Err(damaged(session, "the snapshot", 0));
    };
    Ok((u64::from_le_bytes(*upto), *head, content))
}

fn snapshot(session: u128, value: &[u8]) -> Result<Snapshot, JournalError> {
    let (upto, head, content) = snapshot_parts(session, value)?;
    Ok(Snapshot { upto, head, bytes: Bytes::copy_from_slice(content) })
}

/// What redb says, in our words.
fn failure(error: impl Into<Error>) -> JournalError {
    match error.into() {
        Error::DatabaseAlreadyOpen | Error::LockProtocolMismatch => JournalError::InUse,
        Error::Io(error) if error.kind() == ErrorKind::InvalidData => {
            JournalError::NotAJournal(error.to_string())
        }
        Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => {
            JournalError::Damaged("it is shorter than it says".into())
        }
        Error::Io(error) => JournalError::Io(error),
        Error::PreviousIo => JournalError::Failed,
        Error::UpgradeRequired(version) => {
            JournalError::NotAJournal(format!("a file of redb in its old format {version}"))
        }
        Error::Corrupted(what) => JournalError::Damaged(what),
        error => JournalError::Damaged(error.to_string()),
    }
}
