//! What an action of an endpoint may come to but done.

use std::io;

use crate::machine::{Attempt, OwnerError, Refusal};
use crate::types::Name;

use super::delegation::CARRIED_MAX;
use super::token::BadToken;

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
    /// The text names no owner.
    #[error(transparent)]
    BadOwner(OwnerError),
    /// The message carries no endpoint.
    #[error("`{label}` carries no endpoint: it is of sort `{sort}`")]
    NoEndpoint {
        /// The message.
        label: Name,
        /// What it carries.
        sort: Box<str>,
    },
    /// The endpoint is not where the message says that it is.
    #[error("the endpoint goes on as `{found}`, the message hands over `{expected}`")]
    WrongEndpoint {
        /// The type that the message's sort says.
        expected: Box<str>,
        /// The type that is left of the endpoint.
        found: Box<str>,
    },
    /// The value is no endpoint that is on its way over this session.
    #[error("no endpoint of this receipt is on its way over this session")]
    NotCarried,
    /// Too many endpoints are on their way over this session.
    #[error("{CARRIED_MAX} endpoints are on their way over this session; receive one first")]
    TooManyCarried,
    /// What was brought as a token is none that is good here.
    #[error(transparent)]
    BadToken(#[from] BadToken),
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
