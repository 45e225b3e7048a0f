//! How long a session waits for a connection that was lost.
//!
//! Clauses: LINK-4.

use core::time::Duration;

/// How long a session may be without an attachment that it needs, from the moment that it was
/// lost; and how long it may live at all. Measured by the clock of the machine: those of clients
/// are never trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    detached: Duration,
    total: Option<Duration>,
}

/// Why a [`Lifetime`] is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LifetimeError {
    /// A session that may be lost for no time at all would end with its first packet that is lost.
    #[error("a lifetime without a connection of zero; the shortest is one millisecond")]
    Zero,
    /// The whole life is shorter than one of its breaks.
    #[error(
        "the whole lifetime is {total:?}, and that without a connection is {detached:?}: longer"
    )]
    TotalTooShort {
        /// The whole.
        total: Duration,
        /// The break.
        detached: Duration,
    },
}

impl Lifetime {
    /// 30 seconds: what is worth little without its connection.
    pub const EPHEMERAL: Self = Self { detached: Duration::from_secs(30), total: None };
    /// 5 minutes: somebody is there, and in a tunnel.
    pub const INTERACTIVE: Self = Self { detached: Duration::from_secs(5 * 60), total: None };
    /// 2 hours: what is to be finished.
    pub const DURABLE: Self = Self { detached: Duration::from_secs(2 * 60 * 60), total: None };

    /// So long without a connection, and no end to the whole.
    ///
    /// # Errors
    ///
    /// `Zero`.
    pub fn new(detached: Duration) -> Result<Self, LifetimeError> {
        if detached < Duration::from_millis(1) {
            return Err(LifetimeError::Zero);
        }
        Ok(Self { detached, total: None })
    }

    /// The same, and at most so long from the opening of the session.
    ///
    /// # Errors
    ///
    /// `TotalTooShort`.
    pub fn within(self, total: Duration) -> Result<Self, LifetimeError> {
        if total < self.detached {
            return Err(LifetimeError::TotalTooShort { total, detached: self.detached });
        }
        Ok(Self { total: Some(total), ..self })
    }

    /// How long it may be without a connection.
    #[must_use]
    pub fn detached(self) -> Duration {
        self.detached
    }

    /// How long it may live, if that has an end.
    #[must_use]
    pub fn total(self) -> Option<Duration> {
        self.total
    }
}

impl Default for Lifetime {
    /// [`INTERACTIVE`](Self::INTERACTIVE).
    fn default() -> Self {
        Self::INTERACTIVE
    }
}
