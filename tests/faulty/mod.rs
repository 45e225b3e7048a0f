//! Journals that fail, and a disk that forgets: what a host and a journal must live with.
#![allow(dead_code, unreachable_pub)]

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use antiphon::journal::{Fence, Journal, JournalError, Snapshot, Stored, Write};
use bytes::Bytes;
use redb::StorageBackend;

/// What happens at a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails and nothing was written, nor is from then on.
    Before,
    /// It fails and everything was written, but nothing is from then on.
    After,
    /// It fails and the first half of its writes was written: no journal of this crate does that, and
    /// JSTO-1 forbids it.
    Tears,
    /// It fails and nothing was written; the next one works.
    Delays,
}

/// A journal that fails at one of its commits, as a process that ends there, and the journal with it.
#[derive(Debug)]
pub struct FaultyJournal<J> {
    inner: J,
    fault: Option<(u64, Fault)>,
    commits: u64,
    dead: bool,
}

impl<J: Journal> FaultyJournal<J> {
    /// Fails at commit `at`, counted from 0.
    pub fn new(inner: J, at: u64, fault: Fault) -> Self {
        Self { inner, fault: Some((at, fault)), commits: 0, dead: false }
    }

    /// What the next process finds.
    pub fn into_inner(self) -> J {
        self.inner
    }
}

fn failed() -> JournalError {
    JournalError::Io(io::Error::other("injected"))
}

impl<J: Journal> Journal for FaultyJournal<J> {
    fn fence(&mut self) -> Result<Fence, JournalError> {
        if self.dead { Err(JournalError::Failed) } else { self.inner.fence() }
    }

    fn commit(&mut self, fence: Fence, writes: &[Write<'_>]) -> Result<(), JournalError> {
        if self.dead {
            return Err(JournalError::Failed);
        }
        let number = self.commits;
        self.commits += 1;
        let Some((_, fault)) = self.fault.filter(|(at, _)| *at == number) else {
            return self.inner.commit(fence, writes);
        };
        self.dead = fault != Fault::Delays;
        match fault {
            Fault::Before | Fault::Delays => {}
            Fault::After => self.inner.commit(fence, writes)?,
            Fault::Tears => self.inner.commit(fence, &writes[..writes.len() / 2])?,
        }
        Err(failed())
    }

    fn read(&self, session: u128, from: u64, max: usize) -> Result<Vec<Stored>, JournalError> {
        self.inner.read(session, from, max)
    }

    fn snapshot(&self, session: u128) -> Result<Option<Snapshot>, JournalError> {
        self.inner.snapshot(session)
    }

    fn sessions(&self, after: Option<u128>, max: usize) -> Result<Vec<u128>, JournalError> {
        self.inner.sessions(after, max)
    }

    fn blob(&self, digest: &[u8; 32]) -> Result<Option<Bytes>, JournalError> {
        self.inner.blob(digest)
    }
}

/// A disk in memory. What was written is kept when it was synced; a crash forgets the rest, or keeps
/// some of it. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    platter: Arc<Mutex<Platter>>,
}

#[derive(Debug, Default)]
struct Platter {
    synced: Vec<u8>,
    now: Vec<u8>,
    /// What was not synced, in order.
    pending: Vec<Change>,
    /// How many more calls that change something are done; the power goes then.
    calls: Option<u64>,
    done: u64,
    /// A sync is answered and not done.
    lies: bool,
}

#[derive(Debug, Clone)]
enum Change {
    Length(usize),
    Write(usize, Vec<u8>),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(*length, 0),
            Self::Write(at, data) => {
                // The length that it needs may have been forgotten.
                bytes.resize(bytes.len().max(at + data.len()), 0);
                bytes[*at..at + data.len()].copy_from_slice(data);
            }
        }
    }
}

impl Disk {
    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.platter.lock().unwrap()
    }

    /// A disk with this content.
    pub fn of(content: Vec<u8>) -> Self {
        let disk = Self::default();
        disk.platter().now.clone_from(&content);
        disk.platter().synced = content;
        disk
    }

    /// What is on it now.
    pub fn content(&self) -> Vec<u8> {
        self.platter().now.clone()
    }

    /// The power goes after so many more changes.
    pub fn fail_after(&self, calls: u64) {
        self.platter().calls = Some(calls);
    }

    /// How many changes were done.
    pub fn done(&self) -> u64 {
        self.platter().done
    }

    /// From now on a sync is answered and not done.
    pub fn lie(&self) {
        self.platter().lies = true;
    }

    /// The disk behind a crash: of what was not synced, the changes that `keeps` says.
    pub fn crash(&self, mut keeps: impl FnMut(usize) -> bool) -> Self {
        let platter = self.platter();
        let mut content = platter.synced.clone();
        for (index, change) in platter.pending.iter().enumerate() {
            if keeps(index) {
                change.apply(&mut content);
            }
        }
        Self::of(content)
    }

    fn change(&self, change: Change) -> io::Result<()> {
        let mut platter = self.platter();
        platter.call()?;
        change.apply(&mut platter.now);
        platter.pending.push(change);
        Ok(())
    }
}

impl Platter {
    fn call(&mut self) -> io::Result<()> {
        match &mut self.calls {
            Some(0) => return Err(io::Error::other("the power has gone")),
            Some(left) => *left -= 1,
            None => {}
        }
        self.done += 1;
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.platter().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let platter = self.platter();
        let at = usize::try_from(offset).unwrap();
        let from = platter.now.get(at..at + out.len());
        out.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Change::Length(usize::try_from(len).unwrap()))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut platter = self.platter();
        platter.call()?;
        if !platter.lies {
            let now = platter.now.clone();
            platter.synced = now;
            platter.pending.clear();
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Change::Write(usize::try_from(offset).unwrap(), data.to_vec()))
    }
}
