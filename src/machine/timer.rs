//! Timers: deadlines of sessions, in order of (deadline, session, timer).

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::id::{ReceiptId, SessionId, Tick, TimerId, WitnessId};

/// A timer of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Timer {
    /// The end of a drain.
    Drain,
    /// The end of a transfer that was not committed.
    Transfer(ReceiptId),
    /// One that somebody armed.
    Site(TimerId),
    /// The end of a timeout witness that was not spent.
    Witness(WitnessId),
}

/// All armed timers of a machine. Arming and disarming is O(log n), asking whether one is due is
/// O(1): that is done for every message.
#[derive(Debug, Clone)]
pub(super) struct Timers {
    armed: BTreeSet<(Tick, SessionId, Timer)>,
    // INVARIANT(timer_next): when the first of `armed` is due, or later than every tick but the
    // last.
    next: Tick,
}

impl Default for Timers {
    fn default() -> Self {
        Self { armed: BTreeSet::new(), next: Tick(u64::MAX) }
    }
}

impl Timers {
    pub(super) fn arm(&mut self, at: Tick, session: SessionId, timer: Timer) {
        self.armed.insert((at, session, timer));
        self.note_next();
    }

    pub(super) fn disarm(&mut self, at: Tick, session: SessionId, timer: Timer) {
        self.armed.remove(&(at, session, timer));
        self.note_next();
    }

    /// Disarms all of a session; takes time for each that is armed.
    pub(super) fn take_all(&mut self, session: SessionId) -> Vec<(Tick, Timer)> {
        let its = |(_, of, _): &&(Tick, SessionId, Timer)| *of == session;
        let taken: Vec<_> = self.armed.iter().filter(its).copied().collect();
        for timer in &taken {
            self.armed.remove(timer);
        }
        self.note_next();
        taken.into_iter().map(|(at, _, timer)| (at, timer)).collect()
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<Tick> {
        self.armed.first().map(|(at, ..)| *at)
    }

    /// How many are armed.
    pub(super) fn len(&self) -> usize {
        self.armed.len()
    }

    /// The bytes of what is armed.
    pub(super) fn heap(&self) -> usize {
        self.len() * size_of::<(Tick, SessionId, Timer)>()
    }

    /// All that are armed.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(Tick, SessionId, Timer)> {
        self.armed.iter()
    }

    /// Whether one may be due at `now`; in the last tick of all, without one being armed too.
    #[inline(always)]
    pub(super) fn may_be_due(&self, now: Tick) -> bool {
        self.next <= now
    }

    /// Takes the first one that is due at `now`.
    pub(super) fn take_due(&mut self, now: Tick) -> Option<(Tick, SessionId, Timer)> {
        let first = *self.armed.first()?;
        if first.0 > now {
            return None;
        }
        self.armed.pop_first();
        self.note_next();
        Some(first)
    }

    fn note_next(&mut self) {
        self.next = self.next().unwrap_or(Tick(u64::MAX));
    }
}
