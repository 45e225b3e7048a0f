//! Messages of 1,000 busy sessions through machine and journal, durable, beside the same bytes
//! written straight to redb in transactions of the same size.
//!
//! There are two shards, as a host has one a core: while one waits for the disk the other goes on.
//! Each commits again and again: so many exchanges of each of its sessions (two messages, four
//! records), sealed as one batch a session.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use indicatif::HumanCount;
use redb::{Database, TableDefinition};

use super::contest::{Taken, timed};
use super::ping_pong::{Labels, exchange, machine, open_with, protocol, sealed};
use super::row::{Goal, Row};
use super::{Stage, Subject};
use crate::cli::Failure;
use crate::driver::append;
use crate::journal::redb::BATCH_HEAD;
use crate::journal::{Fence, GroupJournal, Journal, JournalError, RedbJournal, Write};
use crate::machine::{Batch, Capability, Input, Machine, Tick};
use crate::types::{Protocol, SortNode, Value};

pub(super) const SUBJECT: Subject =
    Subject { name: "durable", about: "records of 1,000 sessions on disk, a sync a commit", run };

/// How many shards there are, each a thread.
const SHARDS: u64 = 2;

/// How many sessions of each are busy.
const SESSIONS: u64 = 500;

/// How often each commits in a round.
const COMMITS: u64 = 4;

const STRAIGHT: TableDefinition<(u128, u64), &[u8]> = TableDefinition::new("straight");

fn run(stage: &Stage<'_>) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for exchanges in [1, 16] {
        let taken = commits(stage, exchanges)?;
        let records = HumanCount(SESSIONS * 4 * exchanges);
        rows.push(
            Row::time(
                format!("a commit of {records} records, {} a batch", 4 * exchanges),
                &taken[1],
            )
            .beside("straight to redb", &taken[0])
            .goal(Goal::Share(80.0)),
        );
    }
    Ok(rows)
}

pub(super) fn on_disk(error: impl std::fmt::Display) -> Failure {
    Failure::Fault(format!("the journal on disk: {error}"))
}

/// A machine with its sessions, and the journal that it shares.
struct Shard {
    machine: Machine,
    sessions: Vec<Capability>,
    labels: Labels,
    value: Value,
    exchanges: u64,
    journal: GroupJournal<RedbJournal>,
    fence: Fence,
}

impl Shard {
    fn new(
        protocol: &Arc<Protocol>,
        first: u64,
        exchanges: u64,
        mut journal: GroupJournal<RedbJournal>,
    ) -> Result<Self, JournalError> {
        let mut machine = machine(protocol);
        let open = |id| open_with(&mut machine, protocol, u128::from(id), true);
        let sessions = (first..first + SESSIONS).map(open).collect();
        let (labels, fence) = (Labels::of(protocol), journal.fence()?);
        let value = Value::Bytes(Bytes::from(vec![7_u8; 16]));
        Ok(Self { machine, sessions, labels, value, exchanges, journal, fence })
    }

    /// What was committed.
    fn commit(&mut self) -> Result<Vec<Batch>, JournalError> {
        for session in &self.sessions {
            for _ in 0..self.exchanges {
                let passed = std::mem::replace(&mut self.value, Value::Unit);
                self.value = exchange(&mut self.machine, session, self.labels, passed);
            }
        }
        self.machine.seal();
        let batches = sealed(&mut self.machine);
        let writes: Vec<Write<'_>> = batches.iter().map(append).collect();
        self.journal.commit(self.fence, &writes)?;
        for batch in &batches {
            let upto = batch.first + u64::from(batch.count);
            let persisted = Input::Persisted { session: batch.session, upto };
            self.machine.handle(Tick(0), persisted).expect("it was sealed");
        }
        Ok(batches)
    }
}

/// All shards at once; what they have committed.
fn together(shards: &mut [Shard]) -> Result<Vec<Vec<Batch>>, JournalError> {
    std::thread::scope(|scope| {
        let commits =
            |shard: &mut Shard| (0..COMMITS).map(|_| shard.commit()).collect::<Result<Vec<_>, _>>();
        let threads: Vec<_> =
            shards.iter_mut().map(|shard| scope.spawn(move || commits(shard))).collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().expect("a shard does not panic")?);
        }
        Ok(all)
    })
}

/// The floor, and what is durable of the machines.
fn commits(stage: &Stage<'_>, exchanges: u64) -> Result<Vec<Taken>, Failure> {
    let file = |name: &str| stage.file(&format!("{name}-{exchanges}"));
    let protocol = protocol(SortNode::Bytes);
    let journal = RedbJournal::open(file("journal")?).map_err(on_disk)?;
    let journal = GroupJournal::new(journal).map_err(on_disk)?;
    let shard = |index| Shard::new(&protocol, index * SESSIONS, exchanges, journal.clone());
    let shards: Result<Vec<Shard>, JournalError> = (0..SHARDS).map(shard).collect();
    let mut shards = shards.map_err(on_disk)?;
    let mut straight = Straight::create(&file("straight")?).map_err(on_disk)?;
    // What the subject has committed in its turn is what the floor writes in the next.
    let batches: RefCell<Vec<Vec<Batch>>> = RefCell::default();
    batches.replace(together(&mut shards).map_err(on_disk)?);
    let contest = stage.contest(2.0);
    let contest = contest.with(SHARDS * COMMITS, |_| {
        let mut written = Ok(());
        let took = timed(|| {
            written = batches.borrow().iter().try_for_each(|batches| straight.write(batches));
        });
        written.map_err(on_disk).map(|()| took)
    });
    let contest = contest.with(SHARDS * COMMITS, |_| {
        let mut done = Ok(Vec::new());
        let took = timed(|| done = together(&mut shards));
        batches.replace(done.map_err(on_disk)?);
        Ok(took)
    });
    contest.run_once_a_round()
}

/// The bare store, with the bytes that the journal has.
struct Straight(Database);

impl Straight {
    fn create(path: &Path) -> Result<Self, redb::Error> {
        Ok(Self(Database::create(path)?))
    }

    fn write(&mut self, batches: &[Batch]) -> Result<(), redb::Error> {
        let writing = self.0.begin_write()?;
        let mut table = writing.open_table(STRAIGHT)?;
        for batch in batches {
            let (head, bytes) = (&batch.head.0, &batch.bytes[..]);
            let key = (batch.session.0, batch.first);
            let mut value = table.insert_reserve(key, BATCH_HEAD + bytes.len())?;
            let (before, behind) = value.as_mut().split_at_mut(BATCH_HEAD);
            before[BATCH_HEAD - head.len()..].copy_from_slice(head);
            behind.copy_from_slice(bytes);
        }
        drop(table);
        writing.commit()?;
        Ok(())
    }
}
