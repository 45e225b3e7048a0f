//! One journal for many writers: what comes while a commit is under way is one commit after it.

use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::{Fence, Journal, JournalError, Snapshot, Stored, Write};

/// A handle of a journal that several writers share, as the shards of a host do. Clones are
/// handles of the same journal, under the same fence.
///
/// There is no thread behind it. Whoever finds the journal free commits at once, and copies
/// nothing; whoever does not leaves its writes and waits, and the first one that gets in then
/// commits what all of them have left (*flat combining*: Hendler, Incze, Shavit, Tzafrir, SPAA
/// 2010).
pub struct GroupJournal<J> {
    shared: Arc<Shared<J>>,
    fence: Fence,
}

struct Shared<J> {
    journal: Mutex<J>,
    /// What was left, each with the place of its answer.
    left: Mutex<Vec<Asked>>,
}

impl<J> Clone for GroupJournal<J> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), fence: self.fence }
    }
}

/// A write that outlives who asked for it.
enum Owned {
    Append { session: u128, first: u64, count: u32, head: [u8; 32], bytes: Bytes },
    Snapshot { session: u128, upto: u64, head: [u8; 32], bytes: Bytes },
    Remove { session: u128 },
    Blob { digest: [u8; 32], bytes: Bytes },
}

type Answer = Arc<Mutex<Option<Result<(), JournalError>>>>;

struct Asked {
    writes: Vec<Owned>,
    answer: Answer,
}

impl Owned {
    fn of(write: &Write<'_>) -> Self {
        match *write {
            Write::Append { session, first, count, head, bytes } => {
                let (head, bytes) = (*head, Bytes::copy_from_slice(bytes));
                Self::Append { session, first, count, head, bytes }
            }
            Write::Snapshot { session, upto, head, bytes } => {
                let (head, bytes) = (*head, Bytes::copy_from_slice(bytes));
                Self::Snapshot { session, upto, head, bytes }
            }
            Write::Remove { session } => Self::Remove { session },
            Write::Blob { digest, bytes } => {
                Self::Blob { digest: *digest, bytes: Bytes::copy_from_slice(bytes) }
            }
        }
    }

    fn write(&self) -> Write<'_> {
        match self {
            Self::Append { session, first, count, head, bytes } => {
                let (session, first, count) = (*session, *first, *count);
                Write::Append { session, first, count, head, bytes }
            }
            Self::Snapshot { session, upto, head, bytes } => {
                Write::Snapshot { session: *session, upto: *upto, head, bytes }
            }
            Self::Remove { session } => Write::Remove { session: *session },
            Self::Blob { digest, bytes } => Write::Blob { digest, bytes },
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<J: Journal> GroupJournal<J> {
    /// Takes the next fence of a journal.
    ///
    /// # Errors
    /// What the journal says.
    pub fn new(mut journal: J) -> Result<Self, JournalError> {
        let fence = journal.fence()?;
        let shared = Shared { journal: Mutex::new(journal), left: Mutex::default() };
        Ok(Self { shared: Arc::new(shared), fence })
    }

    /// Commits what is left, if that is anything.
    fn commit_left(&self, journal: &mut J) {
        let left = take(&mut *locked(&self.shared.left));
        if left.is_empty() {
            return;
        }
        let writes = left.iter().flat_map(|asked| asked.writes.iter().map(Owned::write));
        let writes: Vec<Write<'_>> = writes.collect();
        let mut done = journal.commit(self.fence, &writes);
        drop(writes);
        if let [alone] = &left[..] {
            *locked(&alone.answer) = Some(std::mem::replace(&mut done, Ok(())));
            return;
        }
        for asked in &left {
            let said = match &done {
                Ok(()) => Ok(()),
                // What is refused for one was written for none: each is asked by itself.
                Err(error) if error.is_certain() => {
                    let writes: Vec<Write<'_>> = asked.writes.iter().map(Owned::write).collect();
                    journal.commit(self.fence, &writes)
                }
                Err(error) => Err(std::io::Error::other(error.to_string()).into()),
            };
            *locked(&asked.answer) = Some(said);
        }
    }
}

impl<J: Journal> Journal for GroupJournal<J> {
    /// The fence that all handles have.
    fn fence(&mut self) -> Result<Fence, JournalError> {
        Ok(self.fence)
    }

    fn commit(&mut self, fence: Fence, writes: &[Write<'_>]) -> Result<(), JournalError> {
        if fence != self.fence {
            return Err(JournalError::Fenced { own: fence, latest: self.fence });
        }
        if let Ok(mut journal) = self.shared.journal.try_lock() {
            return journal.commit(fence, writes);
        }
        let answer = Answer::default();
        let writes = writes.iter().map(Owned::of).collect();
        locked(&self.shared.left).push(Asked { writes, answer: Arc::clone(&answer) });
        // Who gets in has its answer from somebody who got in before, or commits what is left, its
        // own with it.
        let mut journal = locked(&self.shared.journal);
        if locked(&answer).is_none() {
            self.commit_left(&mut journal);
        }
        drop(journal);
        locked(&answer).take().expect("what was left is answered by whoever takes it")
    }

    fn read(&self, session: u128, from: u64, max: usize) -> Result<Vec<Stored>, JournalError> {
        locked(&self.shared.journal).read(session, from, max)
    }

    fn snapshot(&self, session: u128) -> Result<Option<Snapshot>, JournalError> {
        locked(&self.shared.journal).snapshot(session)
    }

    fn sessions(&self, after: Option<u128>, max: usize) -> Result<Vec<u128>, JournalError> {
        locked(&self.shared.journal).sessions(after, max)
    }

    fn blob(&self, digest: &[u8; 32]) -> Result<Option<Bytes>, JournalError> {
        locked(&self.shared.journal).blob(digest)
    }
}
