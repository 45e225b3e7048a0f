//! When a node makes snapshots of its sessions.
//!
//! Clauses: NODE-7.

use std::num::NonZeroU64;

use hashbrown::HashMap;

use super::recover::Recovered;
use crate::journal::SNAPSHOT_BYTES_MAX;
use crate::machine::{Batch, Machine, SessionId, SessionSnapshot};

/// After how many records of a session there is a snapshot of it, unless a node is told otherwise.
pub const SNAPSHOT_EVERY: NonZeroU64 = NonZeroU64::new(4_096).expect("it is not 0");

/// How many bytes the snapshots of one commit have at most, behind the first of them. What is due
/// then comes with the next batches of its session.
pub const SNAPSHOTS_BYTES_MAX: usize = 16 << 20;

/// What has come of each session since its last snapshot. Those that have had nothing to say since
/// the node began are not in it, unless they were taken up.
#[derive(Debug)]
pub(super) struct Snapshots {
    every: Option<NonZeroU64>,
    since: HashMap<SessionId, Since>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Since {
    records: u64,
    bytes: u64,
    /// How many bytes the last snapshot had.
    last: u64,
}

impl Snapshots {
    pub(super) fn new(every: Option<NonZeroU64>) -> Self {
        Self { every, since: HashMap::new() }
    }

    /// A session was taken up.
    pub(super) fn taken_up(&mut self, session: SessionId, recovered: &Recovered) {
        let Recovered { records, spared, bytes, snapshot_bytes, .. } = *recovered;
        if self.every.is_some() {
            let since = Since { records: records - spared, bytes, last: snapshot_bytes };
            self.since.insert(session, since);
        }
    }

    /// A session says nothing any more.
    pub(super) fn ended(&mut self, session: SessionId) {
        self.since.remove(&session);
    }

    /// NODE-7: those that are due with these batches, at the end of the last one of each session;
    /// at most so many.
    pub(super) fn due(
        &mut self,
        machine: &Machine,
        batches: &[Batch],
        most: usize,
    ) -> Vec<SessionSnapshot> {
        let Some(every) = self.every else { return Vec::new() };
        for batch in batches {
            let since = self.since.entry(batch.session).or_default();
            since.records += u64::from(batch.count);
            since.bytes += batch.bytes.len() as u64;
        }
        let (mut due, mut bytes) = (Vec::new(), 0);
        for batch in batches {
            let session = batch.session;
            let ended = machine.session(session).is_none_or(|view| view.status().is_terminal());
            // Behind the first batch of a session that was due nothing has come since.
            let Some(since) = self.since.get_mut(&session) else { continue };
            let is_due = since.records >= every.get() && since.bytes >= since.last;
            if is_due
                && due.len() < most
                && bytes < SNAPSHOTS_BYTES_MAX
                && let Some(snapshot) = machine.snapshot(session)
            {
                let length = snapshot.bytes().len();
                *since = Since { last: length as u64, ..Since::default() };
                if length <= SNAPSHOT_BYTES_MAX {
                    bytes += length;
                    due.push(snapshot);
                }
            }
            if ended {
                self.ended(session);
            }
        }
        due
    }
}
