//! What a shard may answer but what was asked for.

use std::io;
use std::sync::Arc;

use smol_str::SmolStr;

use super::SHARDS_MAX;
use crate::machine::{Refusal, SessionId};

/// Why a shard did not do what was asked, or cannot say that it did.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ShardError {
    /// The machine refused it; nothing has moved.
    #[error("refused [{}]: {_0}", _0.code())]
    Refused(Refusal),
    /// The queue of the shard is full; nothing was asked of it.
    #[error("the queue of shard {shard} is full")]
    Full {
        /// Which shard.
        shard: usize,
    },
    /// Something inside the shard panicked, now or before: a job, or the sink. What was asked may
    /// have been done; the journals of its sessions say what was.
    #[error("shard {shard} failed: {reason}")]
    Failed {
        /// Which shard.
        shard: usize,
        /// What the panic said.
        reason: SmolStr,
    },
    /// The sink of the shard could not keep what stands behind an answer, now or before.
    #[error("the sink of shard {shard} failed: {error}")]
    Sink {
        /// Which shard.
        shard: usize,
        /// What the sink said.
        error: Arc<io::Error>,
    },
    /// The shards were shut down.
    #[error("the shards were shut down")]
    ShutDown,
    /// It was asked inside a shard, which would have to wait for itself.
    #[error("inside a shard nobody waits for a shard")]
    Inside,
    /// An input said what is durable; that is for the sink to say.
    #[error("what is durable is for the sink to say")]
    SinkOnly,
}

impl ShardError {
    /// The refusal, if it is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl From<Refusal> for ShardError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Why there are no shards.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There must be from 1 to [`SHARDS_MAX`] of them.
    #[error("{0} shards: there are from 1 to {SHARDS_MAX}")]
    Count(usize),
    /// A machine that a shard is to begin with has a session of another shard.
    #[error("the session {session} belongs into shard {belongs}, and not into {shard}")]
    Misplaced {
        /// Whose session it is.
        session: SessionId,
        /// The shard that was to begin with it.
        shard: usize,
        /// The shard where it is looked for.
        belongs: usize,
    },
    /// A thread was not to be had.
    #[error("a shard has no thread: {0}")]
    Thread(#[from] io::Error),
}
