//! The outside of a shard: what is asked of it, and how one waits for the answer.
//!
//! Clauses: SHARD-5, SHARD-6.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use super::error::ShardError;
use super::worker::{Answers, Job, Shown};
use crate::machine::{Input, Machine, Tick};

/// The outside of a shard.
pub(super) struct Shard {
    pub(super) index: usize,
    pub(super) queue: SyncSender<Job>,
    pub(super) shown: Arc<Shown>,
}

/// An answer that a shard will give.
pub(super) struct Asked<'a, T> {
    of: &'a Shard,
    answer: Receiver<T>,
}

/// How a job comes into a queue.
pub(super) type Enqueue = fn(&Shard, Job) -> Result<(), ShardError>;

/// Inputs for one shard, and where their answers belong.
#[derive(Default)]
pub(super) struct Chunk {
    pub(super) places: Vec<usize>,
    pub(super) inputs: Vec<(Tick, Input)>,
}

impl Shard {
    /// SHARD-5: waits while the queue is full.
    pub(super) fn send(&self, job: Job) -> Result<(), ShardError> {
        self.queue.send(job).map_err(|_| self.shown.wait_ended())
    }

    /// SHARD-5: says that the queue is full.
    pub(super) fn try_send(&self, job: Job) -> Result<(), ShardError> {
        self.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => ShardError::Full { shard: self.index },
            TrySendError::Disconnected(_) => self.shown.wait_ended(),
        })
    }

    pub(super) fn ask(
        &self,
        chunk: Chunk,
        send: Enqueue,
    ) -> (Vec<usize>, Result<Asked<'_, Answers>, ShardError>) {
        let (to, answer) = sync_channel(1);
        let sent = send(self, Job::Inputs(chunk.inputs, to));
        (chunk.places, sent.map(|()| Asked { of: self, answer }))
    }

    pub(super) fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Machine) -> T + Send + 'static,
    ) -> Result<Asked<'_, T>, ShardError> {
        let (to, answer) = sync_channel(1);
        let shown = Arc::clone(&self.shown);
        self.send(Job::Work(Box::new(move |machine| {
            let done = work(machine);
            shown.note(machine);
            // Who asked waits for it.
            let _ = to.send(done);
        })))?;
        Ok(Asked { of: self, answer })
    }
}

impl<T> Asked<'_, T> {
    /// SHARD-6: an answer, or why there will be none.
    pub(super) fn wait(self) -> Result<T, ShardError> {
        self.answer.recv().map_err(|_| self.of.shown.wait_ended())
    }
}
