//! JSTO-2, JSTO-4: what every journal checks before a write changes anything.

use hashbrown::HashMap;

use super::{
    BATCH_BYTES_MAX, BLOB_BYTES_MAX, COMMIT_WRITES_MAX, Fence, JournalError, SNAPSHOT_BYTES_MAX,
    Write,
};

/// The next index of the sessions that a commit touches, behind it; `None` of a removed one.
pub(super) type Nexts = HashMap<u128, Option<u64>>;

pub(super) fn within(what: &'static str, found: usize, max: usize) -> Result<(), JournalError> {
    let number = |n| u64::try_from(n).unwrap_or(u64::MAX);
    match found > max {
        true => Err(JournalError::Limit { what, max: number(max), found: number(found) }),
        false => Ok(()),
    }
}

/// Checks all writes of a commit, one behind the other. `next` says where a session ends now;
/// `None` if it is not there.
pub(super) fn check(
    own: Fence,
    latest: Fence,
    writes: &[Write<'_>],
    mut next: impl FnMut(u128) -> Result<Option<u64>, JournalError>,
) -> Result<Nexts, JournalError> {
    if own != latest {
        return Err(JournalError::Fenced { own, latest });
    }
    within("writes of a commit", writes.len(), COMMIT_WRITES_MAX)?;
    let mut nexts = Nexts::with_capacity(writes.len());
    for write in writes {
        let (session, after) = match *write {
            Write::Append { session, first, count, bytes, .. } => {
                within("bytes of an append", bytes.len(), BATCH_BYTES_MAX)?;
                let now = known(&nexts, session, &mut next)?;
                (session, Some(appended(session, now, first, count)?))
            }
            Write::Snapshot { session, upto, bytes, .. } => {
                within("bytes of a snapshot", bytes.len(), SNAPSHOT_BYTES_MAX)?;
                let now = known(&nexts, session, &mut next)?;
                (session, Some(saved(session, now, upto)?))
            }
            Write::Remove { session } => (session, None),
            Write::Blob { bytes, .. } => {
                within("bytes of a text", bytes.len(), BLOB_BYTES_MAX)?;
                continue;
            }
        };
        nexts.insert(session, after);
    }
    Ok(nexts)
}

fn known(
    nexts: &Nexts,
    session: u128,
    next: &mut impl FnMut(u128) -> Result<Option<u64>, JournalError>,
) -> Result<Option<u64>, JournalError> {
    nexts.get(&session).map_or_else(|| next(session), |known| Ok(*known))
}

fn appended(session: u128, now: Option<u64>, first: u64, count: u32) -> Result<u64, JournalError> {
    let expected = now.unwrap_or(0);
    if first != expected {
        return Err(JournalError::Conflict { session, expected, found: first });
    }
    if count == 0 {
        return Err(JournalError::Empty { session });
    }
    first.checked_add(u64::from(count)).ok_or(JournalError::Limit {
        what: "records of a session",
        max: u64::MAX,
        found: u64::MAX,
    })
}

fn saved(session: u128, now: Option<u64>, upto: u64) -> Result<u64, JournalError> {
    match now {
        None => Ok(upto),
        Some(expected) if upto <= expected => Ok(expected),
        Some(expected) => Err(JournalError::Conflict { session, expected, found: upto }),
    }
}

/// The fence behind this one.
pub(super) fn following(fence: Fence) -> Result<Fence, JournalError> {
    let max = u64::from(u32::MAX);
    let none = JournalError::Limit { what: "fences", max, found: max + 1 };
    fence.0.checked_add(1).map(Fence).ok_or(none)
}
