//! Timers: deadlines of sessions, in order of (deadline, session, timer).

use alloc::collections::BTreeSet;

use super::id::{SessionId, Tick};

/// A timer of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Timer {
    /// The end of a drain.
    Drain,
}

/// All armed timers of a machine. Arming, disarming and asking for the next one is O(log n).
#[derive(Debug, Clone, Default)]
pub(super) struct Timers(BTreeSet<(Tick, SessionId, Timer)>);

impl Timers {
    pub(super) fn arm(&mut self, at: Tick, session: SessionId, timer: Timer) {
        self.0.insert((at, session, timer));
    }

    pub(super) fn disarm(&mut self, at: Tick, session: SessionId, timer: Timer) {
        self.0.remove(&(at, session, timer));
    }

    /// When the next one is due.
    #[inline]
    pub(super) fn next(&self) -> Option<Tick> {
        self.0.first().map(|(at, ..)| *at)
    }

    /// Takes the first one that is due at `now`.
    pub(super) fn take_due(&mut self, now: Tick) -> Option<(Tick, SessionId, Timer)> {
        let first = *self.0.first()?;
        (first.0 <= now).then(|| self.0.remove(&first)).map(|_| first)
    }
}
