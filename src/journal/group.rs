//! One committer for many writers: what comes while a commit is under way is one commit after it.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use bytes::Bytes;

use super::{Fence, Journal, JournalError, Snapshot, Stored, Write};

/// How many commits may wait for the committer.
const WAITING_MAX: usize = 1024;

/// A handle of a journal that several writers share, as the shards of a host do. Clones are handles
/// of the same journal, under the same fence. A commit waits for the disk once together with
/// whatever else has come meanwhile.
///
/// The committer ends with the last handle.
pub struct GroupJournal<J> {
    inner: Arc<Mutex<J>>,
    fence: Fence,
    queue: SyncSender<Asked>,
}

impl<J> Clone for GroupJournal<J> {
    fn clone(&self) -> Self {
        let (inner, queue) = (Arc::clone(&self.inner), self.queue.clone());
        Self { inner, fence: self.fence, queue }
    }
}

/// A write that outlives who asked for it.
enum Owned {
    Append { session: u128, first: u64, count: u32, head: [u8; 32], bytes: Bytes },
    Snapshot { session: u128, upto: u64, head: [u8; 32], bytes: Bytes },
    Remove { session: u128 },
    Blob { digest: [u8; 32], bytes: Bytes },
}

struct Asked {
    writes: Vec<Owned>,
    answer: SyncSender<Result<(), JournalError>>,
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

fn locked<J>(journal: &Mutex<J>) -> MutexGuard<'_, J> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<J: Journal + 'static> GroupJournal<J> {
    /// Takes the next fence of a journal, and starts its committer: a thread that ends when the
    /// last handle is gone, and gives the journal back to nobody before.
    ///
    /// # Errors
    /// What the journal says; no thread can be started.
    pub fn start(mut journal: J) -> Result<(Self, JoinHandle<()>), JournalError> {
        let fence = journal.fence()?;
        let inner = Arc::new(Mutex::new(journal));
        let (queue, asked) = sync_channel(WAITING_MAX);
        let journal = Arc::clone(&inner);
        let thread = Builder::new().name("committer".into());
        let thread = thread.spawn(move || work(&journal, fence, &asked))?;
        Ok((Self { inner, fence, queue }, thread))
    }
}

/// Commits whatever waits, together.
fn work<J: Journal>(journal: &Mutex<J>, fence: Fence, queue: &Receiver<Asked>) {
    while let Ok(first) = queue.recv() {
        let mut all = vec![first];
        all.extend(queue.try_iter().take(WAITING_MAX));
        let mut journal = locked(journal);
        let writes: Vec<Write<'_>> =
            all.iter().flat_map(|asked| asked.writes.iter().map(Owned::write)).collect();
        let done = journal.commit(fence, &writes);
        drop(writes);
        let done = match (done, &all[..]) {
            (Err(error), [asked]) => {
                // Who asked may be gone.
                let _ = asked.answer.send(Err(error));
                continue;
            }
            (done, _) => done,
        };
        for asked in all {
            let said = match &done {
                Ok(()) => Ok(()),
                // What is refused for one was written for none: each is asked by itself.
                Err(error) if error.is_certain() => {
                    let writes: Vec<Write<'_>> = asked.writes.iter().map(Owned::write).collect();
                    journal.commit(fence, &writes)
                }
                Err(error) => Err(std::io::Error::other(error.to_string()).into()),
            };
            let _ = asked.answer.send(said);
        }
    }
}

fn gone() -> JournalError {
    std::io::Error::other("the committer has ended").into()
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
        let (answer, said) = sync_channel(1);
        let writes = writes.iter().map(Owned::of).collect();
        self.queue.send(Asked { writes, answer }).map_err(|_| gone())?;
        said.recv().map_err(|_| gone())?
    }

    fn read(&self, session: u128, from: u64, max: usize) -> Result<Vec<Stored>, JournalError> {
        locked(&self.inner).read(session, from, max)
    }

    fn snapshot(&self, session: u128) -> Result<Option<Snapshot>, JournalError> {
        locked(&self.inner).snapshot(session)
    }

    fn sessions(&self, after: Option<u128>, max: usize) -> Result<Vec<u128>, JournalError> {
        locked(&self.inner).sessions(after, max)
    }

    fn blob(&self, digest: &[u8; 32]) -> Result<Option<Bytes>, JournalError> {
        locked(&self.inner).blob(digest)
    }
}
