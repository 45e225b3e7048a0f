//! Sessions taken up again from redb, beside reading and decoding their records without a machine.

use std::hint::black_box;

use bytes::Bytes;
use indicatif::HumanCount;

use super::contest::timed;
use super::durable::on_disk;
use super::ping_pong::{Labels, exchange, machine, open_with, protocol, sealed};
use super::row::{Goal, Row};
use super::{Stage, Subject};
use crate::cli::Failure;
use crate::driver::{Recovery, keep};
use crate::journal::{Journal, RedbJournal};
use crate::machine::{Batch, Head, Machine, Record, SessionId};
use crate::types::{Protocol, SortNode, Value};

pub(super) const SUBJECT: Subject =
    Subject { name: "recovery", about: "taking sessions up again from disk", run };

/// In how many sessions the records are.
const SESSIONS: u128 = 100;

/// How many exchanges make a batch: 64 records.
const EXCHANGES: usize = 16;

/// How many batches are read at once.
const PAGE: usize = 256;

fn run(stage: &Stage<'_>) -> Result<Vec<Row>, Failure> {
    let protocol = protocol(SortNode::Bytes);
    let mut journal = RedbJournal::open(stage.file("recovery")?).map_err(on_disk)?;
    let records = fill(&mut journal, &protocol, stage.size(20_000, 200_000, 1_000_000))?;
    let journal = &journal;
    let taken = stage
        .contest(2.5)
        .with(records, |_| {
            let mut decoded = Ok(0);
            let took = timed(|| decoded = decode(journal, &protocol));
            let decoded = decoded?;
            assert_eq!(decoded, records, "every record is read");
            Ok(took)
        })
        .with(records, |_| {
            let mut again = Machine::new();
            let mut report = None;
            let took = timed(|| report = Some(Recovery::new().all(journal, &mut again, |_| true)));
            let report = report.expect("it was done").map_err(on_disk)?;
            assert_eq!((report.records, report.broken.len()), (records, 0), "all are taken up");
            Ok(took)
        })
        .run_once_a_round()?;
    Ok(vec![
        Row::time(format!("a record of {}, taken up", HumanCount(records)), &taken[1])
            .beside("read and decoded", &taken[0])
            .goal(Goal::Times(2.0)),
    ])
}

/// At least so many records; how many there are.
fn fill(
    journal: &mut RedbJournal,
    protocol: &std::sync::Arc<Protocol>,
    records: u64,
) -> Result<u64, Failure> {
    let fence = journal.fence().map_err(on_disk)?;
    let mut machine = machine(protocol);
    let open = |id| open_with(&mut machine, protocol, id, true);
    let sessions: Vec<_> = (0..SESSIONS).map(open).collect();
    let labels = Labels::of(protocol);
    let mut value = Value::Bytes(Bytes::from(vec![7_u8; 16]));
    let mut made = sessions.len() as u64;
    while made < records {
        for session in &sessions {
            for _ in 0..EXCHANGES {
                let passed = std::mem::replace(&mut value, Value::Unit);
                value = exchange(&mut machine, session, labels, passed);
                made += 4;
            }
        }
        machine.seal();
        keep(journal, fence, [&**protocol], &sealed(&mut machine)).map_err(on_disk)?;
    }
    Ok(made)
}

/// Reads and decodes all records, without a chain and without a machine; how many there are.
fn decode(journal: &RedbJournal, protocol: &Protocol) -> Result<u64, Failure> {
    let mut count = 0;
    for session in 0..SESSIONS {
        let mut next = 0;
        loop {
            let page = journal.read(session, next, PAGE).map_err(on_disk)?;
            let Some(last) = page.last() else { break };
            next = last.end();
            for stored in page {
                let batch = Batch {
                    session: SessionId(session),
                    first: stored.first,
                    count: stored.count,
                    bytes: stored.bytes,
                    head: Head(stored.head),
                };
                let records = Record::decode_batch(&batch, protocol).map_err(on_disk)?;
                count += records.len() as u64;
                black_box(records);
            }
        }
    }
    Ok(count)
}
