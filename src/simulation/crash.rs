//! A journal whose process may die at any commit.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use fastrand::Rng;

use crate::journal::{Fence, Journal, JournalError, Snapshot, Stored, Write};

/// When the process dies.
#[derive(Debug)]
pub(super) struct Fate {
    rng: Rng,
    /// How likely at a commit.
    pub(super) likely: f64,
    /// How often it has.
    pub(super) crashes: u64,
}

impl Fate {
    pub(super) fn new(seed: u64, likely: f64) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self { rng: Rng::with_seed(seed), likely, crashes: 0 }))
    }

    fn dies(&mut self) -> bool {
        let dies = self.likely > 0.0 && self.rng.f64() < self.likely;
        self.crashes += u64::from(dies);
        dies
    }
}

/// Is told what a commit has kept.
type Tell = Box<dyn FnMut(&[Write<'_>]) + Send>;

/// See the module. What it has committed outlives it.
pub(super) struct CrashJournal<J> {
    kept: J,
    fate: Arc<Mutex<Fate>>,
    tell: Option<Tell>,
}

impl<J: Journal> CrashJournal<J> {
    pub(super) fn new(kept: J, fate: Arc<Mutex<Fate>>) -> Self {
        Self { kept, fate, tell: None }
    }

    /// Tells what it has kept.
    #[cfg(feature = "net")]
    pub(super) fn telling(self, tell: impl FnMut(&[Write<'_>]) + Send + 'static) -> Self {
        Self { tell: Some(Box::new(tell)), ..self }
    }

    fn keep(&mut self, fence: Fence, writes: &[Write<'_>]) -> Result<(), JournalError> {
        self.kept.commit(fence, writes)?;
        if let Some(tell) = &mut self.tell {
            tell(writes);
        }
        Ok(())
    }
}

impl<J: Journal> Journal for CrashJournal<J> {
    fn fence(&mut self) -> Result<Fence, JournalError> {
        self.kept.fence()
    }

    fn commit(&mut self, fence: Fence, writes: &[Write<'_>]) -> Result<(), JournalError> {
        let fate = Arc::clone(&self.fate);
        let mut fate = locked(&fate);
        if !fate.dies() {
            return self.keep(fence, writes);
        }
        // Whether it died before or after its last commit took effect, nobody has heard.
        if fate.rng.bool() {
            self.keep(fence, writes)?;
        }
        Err(io::Error::other("the process has died").into())
    }

    fn read(&self, session: u128, from: u64, max: usize) -> Result<Vec<Stored>, JournalError> {
        self.kept.read(session, from, max)
    }

    fn snapshot(&self, session: u128) -> Result<Option<Snapshot>, JournalError> {
        self.kept.snapshot(session)
    }

    fn sessions(&self, after: Option<u128>, max: usize) -> Result<Vec<u128>, JournalError> {
        self.kept.sessions(after, max)
    }

    fn blob(&self, digest: &[u8; 32]) -> Result<Option<Bytes>, JournalError> {
        self.kept.blob(digest)
    }
}

pub(super) fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
