//! Messages of 1,000 busy sessions through machine and journal, durable, beside the same bytes
//! written straight to redb in transactions of the same size.
//!
//! A round is one commit: so many exchanges of each session (two messages, four records), sealed as
//! one batch a session.

use std::cell::RefCell;
use std::path::Path;

use bytes::Bytes;
use indicatif::HumanCount;
use redb::{Database, TableDefinition};

use super::contest::{Taken, timed};
use super::ping_pong::{Labels, exchange, machine, open_with, protocol, sealed};
use super::row::{Goal, Row};
use super::{Stage, Subject};
use crate::cli::Failure;
use crate::driver::append;
use crate::journal::{Journal, JournalError, RedbJournal, Write};
use crate::machine::{Batch, Input, Tick};
use crate::types::{SortNode, Value};

pub(super) const SUBJECT: Subject =
    Subject { name: "durable", about: "records of 1,000 sessions on disk, a sync a commit", run };

/// How many sessions are busy.
const SESSIONS: u128 = 1_000;

const STRAIGHT: TableDefinition<(u128, u64), &[u8]> = TableDefinition::new("straight");

fn run(stage: &Stage<'_>) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for exchanges in [1, 16] {
        let taken = commits(stage, exchanges)?;
        let records = SESSIONS as u64 * 4 * exchanges as u64;
        rows.push(
            Row::time(
                format!("a commit of {} records, {} a batch", HumanCount(records), 4 * exchanges),
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

/// The floor, and what is durable of the machine.
fn commits(stage: &Stage<'_>, exchanges: usize) -> Result<Vec<Taken>, Failure> {
    let file = |name: &str| stage.file(&format!("{name}-{exchanges}"));
    let protocol = protocol(SortNode::Bytes);
    let labels = Labels::of(&protocol);
    let mut machine = machine(&protocol);
    let open = |id| open_with(&mut machine, &protocol, id, true);
    let sessions: Vec<_> = (0..SESSIONS).map(open).collect();
    let mut journal = RedbJournal::open(file("journal")?).map_err(on_disk)?;
    let fence = journal.fence().map_err(on_disk)?;
    let mut straight = Straight::create(&file("straight")?).map_err(on_disk)?;
    let mut value = Value::Bytes(Bytes::from(vec![7_u8; 16]));
    // What the subject has committed in its turn is what the floor writes in the next.
    let batches: RefCell<Vec<Batch>> = RefCell::default();
    let mut commit = || -> Result<Vec<Batch>, JournalError> {
        for session in &sessions {
            for _ in 0..exchanges {
                let passed = std::mem::replace(&mut value, Value::Unit);
                value = exchange(&mut machine, session, labels, passed);
            }
        }
        machine.seal();
        let batches = sealed(&mut machine);
        let writes: Vec<Write<'_>> = batches.iter().map(append).collect();
        journal.commit(fence, &writes)?;
        for batch in &batches {
            let upto = batch.first + u64::from(batch.count);
            let persisted = Input::Persisted { session: batch.session, upto };
            machine.handle(Tick(0), persisted).expect("it was sealed");
        }
        Ok(batches)
    };
    batches.replace(commit().map_err(on_disk)?);
    let contest = stage.contest(2.0);
    let contest = contest.with(1, |_| {
        let mut written = Ok(());
        let took = timed(|| written = straight.write(&batches.borrow()));
        written.map_err(on_disk).map(|()| took)
    });
    let contest = contest.with(1, |_| {
        let mut done = Ok(Vec::new());
        let took = timed(|| done = commit());
        batches.replace(done.map_err(on_disk)?);
        Ok(took)
    });
    contest.run_once_a_round()
}

/// The bare store.
struct Straight(Database);

impl Straight {
    fn create(path: &Path) -> Result<Self, redb::Error> {
        Ok(Self(Database::create(path)?))
    }

    fn write(&mut self, batches: &[Batch]) -> Result<(), redb::Error> {
        let writing = self.0.begin_write()?;
        let mut table = writing.open_table(STRAIGHT)?;
        for batch in batches {
            table.insert((batch.session.0, batch.first), &batch.bytes[..])?;
        }
        drop(table);
        writing.commit()?;
        Ok(())
    }
}
