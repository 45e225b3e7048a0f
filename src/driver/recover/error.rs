//! Why a session is not taken up again.

use crate::journal::JournalError;
use crate::machine::{RecordError, ReplayError, SessionId, SnapshotError};
use crate::types::ProtocolDigest;
use crate::wire::journal::Damage;

/// Why a session is not taken up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Nothing of the session is in the journal.
    #[error("session {0} is not in the journal")]
    Unknown(SessionId),
    /// The machine has, or had, a session of that id.
    #[error("session {0} is in the machine already")]
    Known(SessionId),
    /// The session has ended, and its journal was compacted: it does not replay any more.
    #[error("session {0} has ended, and was compacted: it cannot be replayed any more")]
    Compacted(SessionId),
    /// The protocol of the session is not in the journal.
    #[error("session {session}: its protocol {digest} is not in the journal")]
    NoProtocol {
        /// The session.
        session: SessionId,
        /// The protocol that it runs.
        digest: ProtocolDigest,
    },
    /// The text of the session's protocol is not one, or of another protocol.
    #[error("session {session}: the text of its protocol {digest} is damaged: {damage}")]
    Protocol {
        /// The session.
        session: SessionId,
        /// The protocol that it runs.
        digest: ProtocolDigest,
        /// What is wrong with the text.
        damage: Damage,
    },
    /// JSTO-11: the batches of the session do not hold together.
    #[error("session {session} is broken at record {index}: {breach}")]
    Broken {
        /// The session.
        session: SessionId,
        /// The first record that cannot be trusted.
        index: u64,
        /// What is wrong.
        breach: Breach,
    },
}

/// How the batches of a session do not hold together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Breach {
    /// Records are missing in front of the one that was found.
    #[error("record {0} stands there")]
    Missing(u64),
    /// The first batch does not begin with the opening of a session.
    #[error("it does not open the session")]
    NotOpened,
    /// The content of the batch does not give its head.
    #[error("the records of its batch do not give their head")]
    Chain,
    /// Bytes that are no records.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The records do not replay.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The journal cannot read the batch.
    #[error("{0}")]
    Unreadable(String),
}

/// Why a snapshot is not used: the session is replayed from its first record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// The journal cannot read it.
    #[error("{0}")]
    Unreadable(String),
    /// It is damaged, or nothing that can be restored.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// It is of another session.
    #[error("it is of session {0}")]
    OtherSession(SessionId),
    /// It is kept as that of another place than it says.
    #[error("it is kept as that behind {kept} records, and says that it is behind {said} of them")]
    Elsewhere {
        /// Behind how many records it is kept.
        kept: u64,
        /// Behind how many it says that it stands.
        said: u64,
    },
    /// No batch of the session ends where it stands, with the same head.
    #[error("no batch of the session ends behind {0} records with the head that it says")]
    NoBatch(u64),
    /// The batches behind it do not go on from it.
    #[error("behind it, {0}")]
    Behind(#[from] Box<RecoverError>),
    /// The records in front of it come to something else.
    #[error("the {0} records in front of it come to another state")]
    OtherState(u64),
}

impl From<RecoverError> for Unfit {
    fn from(error: RecoverError) -> Self {
        Self::Behind(Box::new(error))
    }
}
