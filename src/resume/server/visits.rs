//! How often roles are attached: each time is a few records for ever, and a client that comes
//! without end, with a token that is good, must not fill a disk.

use alloc::collections::BTreeMap;

use crate::machine::{SessionId, Tick};
use crate::types::RoleIx;

/// After how many milliseconds a role that was attached too often may be once more.
const INTERVAL: u64 = 1000;

/// From how many roles on those are forgotten that may be attached as often as any.
const PRUNED: usize = 4096;

/// SRV-15: a role that was attached may be again at once, `burst` times in a row, and then once an
/// [`INTERVAL`]: the generic cell rate algorithm (ITU-T I.371).
#[derive(Debug)]
pub(super) struct Visits {
    burst: u64,
    /// When all of the burst is there again, in milliseconds.
    whole: BTreeMap<(SessionId, RoleIx), u64>,
    prune: usize,
}

impl Visits {
    pub(super) fn new(burst: u32) -> Self {
        Self { burst: u64::from(burst.max(1)), whole: BTreeMap::new(), prune: PRUNED }
    }

    /// Counts one more.
    ///
    /// # Errors
    /// After how many milliseconds it may be.
    pub(super) fn come(&mut self, now: Tick, session: SessionId, role: RoleIx) -> Result<(), u64> {
        if self.whole.len() >= self.prune {
            self.whole.retain(|_, whole| *whole > now.0);
            self.prune = PRUNED.max(2 * self.whole.len());
        }
        let whole = self.whole.entry((session, role)).or_insert(now.0);
        let next = (*whole).max(now.0).saturating_add(INTERVAL);
        let earliest = next.saturating_sub(self.burst.saturating_mul(INTERVAL));
        if now.0 < earliest {
            return Err(earliest - now.0);
        }
        *whole = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_a_second() {
        let (mut visits, session) = (Visits::new(3), SessionId(1));
        let mut come = |now, role| visits.come(Tick(now), session, RoleIx(role));
        assert_eq!([0, 0, 0].map(|now| come(now, 0)), [Ok(()); 3]);
        assert_eq!(come(0, 0), Err(1000));
        assert_eq!(come(999, 0), Err(1));
        // Others are not meant.
        assert_eq!(come(999, 1), Ok(()));
        assert_eq!([come(1000, 0), come(1000, 0)], [Ok(()), Err(1000)]);
        assert_eq!([60_000; 4].map(|now| come(now, 0).is_ok()), [true, true, true, false]);
    }

    #[test]
    fn who_has_not_come_for_long_is_forgotten() {
        let mut visits = Visits::new(1);
        for session in 0..3 * PRUNED as u128 {
            let now = Tick(session as u64 * 10);
            visits.come(now, SessionId(session), RoleIx(0)).unwrap();
            assert!(visits.whole.len() <= PRUNED);
        }
    }
}
