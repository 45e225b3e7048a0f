//! When a connection counts as dead, and when to try the next one.
//!
//! Both are functions of times that somebody else measures: no clock here, and no randomness but
//! what is given.
//!
//! Clauses: LINK-5 to LINK-7.

use core::time::Duration;

/// How often a peer that has nothing to say shows that it is there, and how long one that says
/// nothing counts as alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    interval: Duration,
    timeout: Duration,
}

/// What there is to do about a connection: [`Heartbeat::look`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Nothing has come for too long: the connection is lost.
    Dead,
    /// Nothing was sent for an interval: send something.
    Send,
    /// Look again after so long, if nothing happens before.
    Wait(Duration),
}

/// Why a [`Heartbeat`] or a [`Reconnect`] is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LivenessError {
    /// The timeout would end connections on which all is well.
    #[error(
        "a peer shows itself every {interval:?} and counts as dead after {timeout:?}; that must be longer"
    )]
    TimeoutTooShort {
        /// How often it shows itself.
        interval: Duration,
        /// After how long it counts as dead.
        timeout: Duration,
    },
    /// Without a pause one would be busy with nothing else.
    #[error("{what} is {given:?}; the shortest is one millisecond")]
    TooShort {
        /// Which of the settings.
        what: &'static str,
        /// What it was.
        given: Duration,
    },
    /// The longest pause is shorter than the first.
    #[error("the longest pause is {most:?}, shorter than the first, {first:?}")]
    Order {
        /// The first pause.
        first: Duration,
        /// The longest.
        most: Duration,
    },
}

fn long_enough(what: &'static str, given: Duration) -> Result<(), LivenessError> {
    if given < Duration::from_millis(1) {
        return Err(LivenessError::TooShort { what, given });
    }
    Ok(())
}

impl Heartbeat {
    /// Every 30 seconds; dead after 90.
    pub const DEFAULT: Self =
        Self { interval: Duration::from_secs(30), timeout: Duration::from_secs(90) };

    /// A peer shows itself every `interval`, and counts as dead when nothing has come for
    /// `timeout`.
    ///
    /// # Errors
    ///
    /// `TooShort`, `TimeoutTooShort`.
    pub fn new(interval: Duration, timeout: Duration) -> Result<Self, LivenessError> {
        long_enough("the interval of heartbeats", interval)?;
        if timeout <= interval {
            return Err(LivenessError::TimeoutTooShort { interval, timeout });
        }
        Ok(Self { interval, timeout })
    }

    /// How often a peer shows itself.
    #[must_use]
    pub fn interval(self) -> Duration {
        self.interval
    }

    /// How long one that says nothing counts as alive.
    #[must_use]
    pub fn timeout(self) -> Duration {
        self.timeout
    }

    /// What to do, where something was last sent and last heard so long ago. Whatever comes counts
    /// as a sign of life, not only heartbeats.
    #[must_use]
    pub fn look(self, sent: Duration, heard: Duration) -> Beat {
        if heard >= self.timeout {
            return Beat::Dead;
        }
        if sent >= self.interval {
            return Beat::Send;
        }
        Beat::Wait((self.timeout - heard).min(self.interval - sent))
    }
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The pauses between attempts to connect: from one to the next the longest of them doubles up to a
/// bound, and each is drawn from all up to it, so that clients that were cut together do not come
/// back together (*full jitter*: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture
/// Blog, 2015).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reconnect {
    first: Duration,
    most: Duration,
    attempts: Option<u32>,
}

impl Reconnect {
    /// From 1 second to 30, for ever.
    pub const DEFAULT: Self =
        Self { first: Duration::from_secs(1), most: Duration::from_secs(30), attempts: None };

    /// Pauses of up to `first`, then up to twice that, and so on up to `most`.
    ///
    /// # Errors
    ///
    /// `TooShort`, `Order`.
    pub fn new(first: Duration, most: Duration) -> Result<Self, LivenessError> {
        long_enough("the first pause", first)?;
        if most < first {
            return Err(LivenessError::Order { first, most });
        }
        Ok(Self { first, most, attempts: None })
    }

    /// The same, and no more than so many attempts.
    #[must_use]
    pub fn attempts(self, most: u32) -> Self {
        Self { attempts: Some(most), ..self }
    }

    /// How long to wait before attempt `attempt`, the first being 0; `None` if there is to be no
    /// further one. `random` is any number, drawn anew each time; what the server has asked for
    /// (`retry_after`) is waited for in any case, and the pause comes after it.
    #[must_use]
    pub fn pause(
        self,
        attempt: u32,
        random: u64,
        retry_after: Option<Duration>,
    ) -> Option<Duration> {
        if self.attempts.is_some_and(|most| attempt >= most) {
            return None;
        }
        let doubled = 2_u32.checked_pow(attempt).and_then(|times| self.first.checked_mul(times));
        let longest = doubled.map_or(self.most, |doubled| doubled.min(self.most));
        // Of 2³² equally likely parts of the longest; the product of both fits into 128 bits.
        let part = u128::from(random >> 32);
        let nanos = (longest.as_nanos() * part) >> 32;
        let pause = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        Some(retry_after.unwrap_or_default().saturating_add(pause))
    }
}

impl Default for Reconnect {
    fn default() -> Self {
        Self::DEFAULT
    }
}
