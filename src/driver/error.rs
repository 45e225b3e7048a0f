//! What an action of an endpoint may come to but done.

use std::io;

use crate::machine::{Attempt, Refusal};
use crate::types::Name;

/// Why an endpoint did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The machine refused it; nothing has moved.
    #[error("refused [{}]: {_0}", _0.code())]
    Refused(Refusal),
    /// Somebody holds the endpoint of this role already.
    #[error("the endpoint of `{role}` was handed out already")]
    EndpointTaken {
        /// The role.
        role: String,
    },
    /// The journal failed: the session cannot go on, because it could not keep what it answers.
    #[error("the session's journal failed: {0}")]
    Journal(std::sync::Arc<io::Error>),
    /// The messages of this edge go to a handler: nobody else takes them.
    #[error("the messages from `{from}` to `{to}` go to a handler")]
    Handled {
        /// The sender.
        from: String,
        /// The receiver.
        to: String,
    },
    /// What was asked for is told from the journal, and the session keeps none.
    #[error("the session keeps no journal")]
    NoJournal,
    /// A handler needs a tokio runtime to run on.
    #[error("a handler runs on tokio: bind it within a runtime")]
    NoRuntime,
    /// Nothing came in time.
    #[error("nothing came within {0:?}")]
    TimedOut(std::time::Duration),
}

impl Error {
    /// The refusal, if it is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl Error {
    /// Puts the names that were used where the machine knows only that the protocol has none such.
    pub(super) fn naming(mut self, label: &str, peer: &str) -> Self {
        if let Self::Refused(Refusal::NotAllowed(refused)) = &mut self {
            let (known_label, known_peer) = match &mut refused.attempted {
                Attempt::Send { label, to } => (label, to),
                Attempt::Receive { label, from } => (label, from),
            };
            if known_label.is_none() {
                *known_label = Name::new(label).ok();
            }
            if known_peer.is_none() {
                *known_peer = Name::new(peer).ok();
            }
        }
        self
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Journal(std::sync::Arc::new(error))
    }
}
