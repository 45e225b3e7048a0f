//! Journals in memory: for sessions that end with their process, and for tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::check::{check, following};
use super::{Fence, Journal, JournalError, PAGE_BYTES_MAX, PAGE_MAX, Snapshot, Stored, Write};

/// Keeps everything in memory, for as long as there is a handle. Clones are handles of the same
/// journal: what one has committed, the others read.
#[derive(Debug, Default, Clone)]
pub struct MemoryJournal {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug)]
struct Kept {
    latest: Fence,
    sessions: BTreeMap<u128, Session>,
    blobs: BTreeMap<[u8; 32], Bytes>,
}

impl Default for Kept {
    fn default() -> Self {
        Self { latest: Fence(0), sessions: BTreeMap::new(), blobs: BTreeMap::new() }
    }
}

#[derive(Debug, Default)]
struct Session {
    next: u64,
    batches: Vec<Stored>,
    snapshot: Option<Snapshot>,
}

impl MemoryJournal {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Everything is checked before anything changes: a panic leaves nothing half-way.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for MemoryJournal {
    fn fence(&mut self) -> Result<Fence, JournalError> {
        let mut kept = self.kept();
        kept.latest = following(kept.latest)?;
        Ok(kept.latest)
    }

    fn commit(&mut self, fence: Fence, writes: &[Write<'_>]) -> Result<(), JournalError> {
        let mut kept = self.kept();
        let sessions = &kept.sessions;
        let next = |session| Ok(sessions.get(&session).map(|session| session.next));
        check(fence, kept.latest, writes, next)?;
        writes.iter().for_each(|write| kept.apply(write));
        Ok(())
    }

    fn read(&self, session: u128, from: u64, max: usize) -> Result<Vec<Stored>, JournalError> {
        let kept = self.kept();
        let Some(session) = kept.sessions.get(&session) else { return Ok(Vec::new()) };
        let start = session.batches.partition_point(|batch| batch.end() <= from);
        let mut bytes = 0_usize;
        let page = session.batches[start..].iter().take(max.min(PAGE_MAX)).take_while(|batch| {
            let has_room = bytes < PAGE_BYTES_MAX;
            bytes = bytes.saturating_add(batch.bytes.len());
            has_room
        });
        Ok(page.cloned().collect())
    }

    fn snapshot(&self, session: u128) -> Result<Option<Snapshot>, JournalError> {
        let kept = self.kept();
        Ok(kept.sessions.get(&session).and_then(|session| session.snapshot.clone()))
    }

    fn sessions(&self, after: Option<u128>, max: usize) -> Result<Vec<u128>, JournalError> {
        let kept = self.kept();
        let first = match after {
            None => Some(0),
            Some(after) => after.checked_add(1),
        };
        let Some(first) = first else { return Ok(Vec::new()) };
        Ok(kept.sessions.range(first..).take(max.min(PAGE_MAX)).map(|(id, _)| *id).collect())
    }

    fn blob(&self, digest: &[u8; 32]) -> Result<Option<Bytes>, JournalError> {
        Ok(self.kept().blobs.get(digest).cloned())
    }
}

impl Kept {
    fn apply(&mut self, write: &Write<'_>) {
        match *write {
            Write::Append { session, first, count, head, bytes } => {
                let session = self.sessions.entry(session).or_default();
                let bytes = Bytes::copy_from_slice(bytes);
                let batch = Stored { first, count, head: *head, bytes };
                session.next = batch.end();
                session.batches.push(batch);
            }
            Write::Snapshot { session, upto, head, bytes } => {
                let session = self.sessions.entry(session).or_default();
                session.next = session.next.max(upto);
                let bytes = Bytes::copy_from_slice(bytes);
                session.snapshot = Some(Snapshot { upto, head: *head, bytes });
            }
            Write::Remove { session } => {
                self.sessions.remove(&session);
            }
            Write::Blob { digest, bytes } => {
                let text = || Bytes::copy_from_slice(bytes);
                self.blobs.entry(*digest).or_insert_with(text);
            }
        }
    }
}
