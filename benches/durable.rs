//! What the disk costs: each subject beside its floor, in turns of one run. Absolute times on a
//! shared machine drift; the ratio is what counts.
//!
//! - P3: messages of 1,000 busy sessions through machine and journal, durable, beside the same bytes
//!   written straight to redb in transactions of the same size. A round is one commit: so many
//!   exchanges of each session (two messages, four records), sealed as one batch a session. Beside
//!   both, the same bytes as one row a commit: what keeping the sessions apart costs in redb.
//! - P12: sessions taken up again from redb, beside reading and decoding their records without a
//!   machine; then long ones from their snapshots, beside all their records, and what it costs to
//!   keep snapshots.
//!
//! `-- --quick` does less of both.

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use antiphon::driver::{Recovery, append, keep};
use antiphon::journal::{Journal, RedbJournal, Write};
use antiphon::machine::{Batch, Input, Machine, Output, Record, SessionId, Tick};
use antiphon::types::{Protocol, SortNode, Value};
use bytes::Bytes;
use redb::{Database, TableDefinition};

#[expect(dead_code, reason = "what it has for other benches")]
mod ping_pong;
use ping_pong::{Labels, exchange, open_with, protocol};

/// How many sessions are busy.
const SESSIONS: u128 = 1_000;

const BULK: TableDefinition<u64, &[u8]> = TableDefinition::new("bulk");
const STRAIGHT: TableDefinition<(u128, u64), &[u8]> = TableDefinition::new("straight");

/// A file, gone at the end.
struct InFile(PathBuf);

impl InFile {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("antiphon-durable-{}-{name}", std::process::id())))
    }
}

impl Drop for InFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn main() {
    // `cargo test --benches` runs this with `--test`.
    let asked = |what: &str| std::env::args().any(|argument| argument == what);
    let quick = asked("--quick") || asked("--test") || !asked("--bench");
    let protocol = protocol(SortNode::Bytes);
    for exchanges in [1, 16] {
        commits(&protocol, exchanges, if quick { 5 } else { 61 });
    }
    recovery(&protocol, if quick { 20_000 } else { 1_000_000 }, if quick { 1 } else { 5 });
    snapshots(&protocol, if quick { 3 } else { 13 }, if quick { 1 } else { 5 });
}

/// P3.
fn commits(protocol: &Arc<Protocol>, exchanges: usize, rounds: usize) {
    let (kept, straight, bulk) =
        (InFile::new("journal"), InFile::new("straight"), InFile::new("bulk"));
    let mut journal = RedbJournal::open(&kept.0).unwrap();
    let fence = journal.fence().unwrap();
    let database = Database::create(&straight.0).unwrap();
    let in_bulk = Database::create(&bulk.0).unwrap();
    let mut machine = Machine::new();
    machine.register(protocol);
    let sessions: Vec<_> =
        (0..SESSIONS).map(|id| open_with(&mut machine, protocol, id, true)).collect();
    let labels = Labels::of(protocol);
    let mut value = Value::Bytes(Bytes::from(vec![7_u8; 16]));
    let (mut whole, mut floor, mut bytes) = (Vec::new(), Vec::new(), 0);
    let mut rows = Vec::new();
    for round in 0..=rounds {
        let start = Instant::now();
        for session in &sessions {
            for _ in 0..exchanges {
                let passed = std::mem::replace(&mut value, Value::Unit);
                value = exchange(&mut machine, session, labels, passed);
            }
        }
        machine.seal();
        let batches = sealed(&mut machine);
        let writes: Vec<Write<'_>> = batches.iter().map(append).collect();
        journal.commit(fence, &writes).unwrap();
        for batch in &batches {
            let upto = batch.first + u64::from(batch.count);
            let persisted = Input::Persisted { session: batch.session, upto };
            machine.handle(Tick(0), persisted).unwrap();
        }
        let took = start.elapsed();

        let start = Instant::now();
        let writing = database.begin_write().unwrap();
        let mut table = writing.open_table(STRAIGHT).unwrap();
        for batch in &batches {
            table.insert((batch.session.0, batch.first), &batch.bytes[..]).unwrap();
        }
        drop(table);
        writing.commit().unwrap();
        let wrote = start.elapsed();

        let start = Instant::now();
        let all: Vec<u8> = batches.iter().flat_map(|batch| batch.bytes.iter().copied()).collect();
        let writing = in_bulk.begin_write().unwrap();
        writing.open_table(BULK).unwrap().insert(round as u64, &all[..]).unwrap();
        writing.commit().unwrap();
        // The first round opens the sessions, and grows the files.
        if round > 0 {
            whole.push(took);
            floor.push(wrote);
            rows.push(start.elapsed());
            bytes += batches.iter().map(|batch| batch.bytes.len()).sum::<usize>();
        }
    }
    let records = SESSIONS as f64 * 4.0 * exchanges as f64;
    let name = format!("P3 durable, {SESSIONS} sessions, {} records a batch", 4 * exchanges);
    compare(&name, records, &mut whole, &mut floor, "of the floor's throughput, reach 80 %", true);
    rows.sort();
    println!(
        "  {} bytes a commit; all of them as one row, which finds no session again, take {:.2} ms",
        bytes / rounds,
        rows[rows.len() / 2].as_secs_f64() * 1e3
    );
}

fn sealed(machine: &mut Machine) -> Vec<Batch> {
    let mut batches = Vec::new();
    while let Some(output) = machine.poll() {
        if let Output::Persist(batch) = output {
            batches.push(batch);
        }
    }
    batches
}

/// P12.
fn recovery(protocol: &Arc<Protocol>, records: u64, rounds: usize) {
    let file = InFile::new("recovery");
    let mut journal = RedbJournal::open(&file.0).unwrap();
    let fence = journal.fence().unwrap();
    let mut machine = Machine::new();
    machine.register(protocol);
    let ids: Vec<u128> = (0..100).collect();
    let sessions: Vec<_> =
        ids.iter().map(|id| open_with(&mut machine, protocol, *id, true)).collect();
    let labels = Labels::of(protocol);
    let mut value = Value::Bytes(Bytes::from(vec![7_u8; 16]));
    let mut made = ids.len() as u64;
    while made < records {
        for session in &sessions {
            // 64 records a batch.
            for _ in 0..16 {
                let passed = std::mem::replace(&mut value, Value::Unit);
                value = exchange(&mut machine, session, labels, passed);
                made += 4;
            }
        }
        machine.seal();
        keep(&mut journal, fence, [&**protocol], &sealed(&mut machine)).unwrap();
    }
    let (mut whole, mut floor) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let start = Instant::now();
        let mut again = Machine::new();
        let report = Recovery::new().all(&journal, &mut again, |_| true).unwrap();
        let took = start.elapsed();
        assert_eq!((report.records, report.broken.len()), (made, 0));
        drop(black_box(again));

        let start = Instant::now();
        assert_eq!(decoded(&journal, protocol, &ids), made);
        if round > 0 {
            whole.push(took);
            floor.push(start.elapsed());
        }
    }
    let name = format!("P12 recovery of {made} records from redb");
    compare(&name, made as f64, &mut whole, &mut floor, "times the floor, reach 2", false);
}

/// P12: 100 sessions, each with so many times 4096 records, 64 a batch, behind every second of which
/// there is a snapshot, and half as many again: what a start finds on average.
fn snapshots(protocol: &Arc<Protocol>, times: usize, rounds: usize) {
    let file = InFile::new("snapshots");
    let mut journal = RedbJournal::open(&file.0).unwrap();
    let fence = journal.fence().unwrap();
    let mut machine = Machine::new();
    machine.register(protocol);
    let sessions: Vec<_> = (0..100).map(|id| open_with(&mut machine, protocol, id, true)).collect();
    let labels = Labels::of(protocol);
    let mut value = Value::Bytes(Bytes::from(vec![7_u8; 16]));
    machine.seal();
    keep(&mut journal, fence, [&**protocol], &sealed(&mut machine)).unwrap();
    let (mut made, mut kept, mut count) = (100, 0, 0);
    let (mut with, mut without, mut making) = (Vec::new(), Vec::new(), Vec::new());
    for time in 0..=times {
        let (is_last, mut took) = (time == times, Duration::ZERO);
        let commits = if is_last { 32 } else { 64 };
        for commit in 1..=commits {
            for session in &sessions {
                for _ in 0..16 {
                    let passed = std::mem::replace(&mut value, Value::Unit);
                    value = exchange(&mut machine, session, labels, passed);
                }
            }
            made += 6_400;
            let start = Instant::now();
            machine.seal();
            let batches = sealed(&mut machine);
            let mut writes: Vec<Write<'_>> = batches.iter().map(append).collect();
            let is_due = commit == 64 && time % 2 == 0;
            let due = if is_due { &batches[..] } else { &[] };
            let begun = Instant::now();
            let due = due.iter().map(|batch| machine.snapshot(batch.session).unwrap());
            let due: Vec<_> = due.collect();
            if is_due {
                making.push(begun.elapsed());
                kept += due.iter().map(|snapshot| snapshot.bytes().len()).sum::<usize>();
                count += due.len();
            }
            writes.extend(due.iter().map(|snapshot| Write::Snapshot {
                session: snapshot.session().0,
                upto: snapshot.records(),
                head: &snapshot.head().0,
                bytes: snapshot.bytes(),
            }));
            journal.commit(fence, &writes).unwrap();
            took += start.elapsed();
        }
        match time % 2 {
            _ if is_last || time == 0 => {}
            0 => with.push(took),
            _ => without.push(took),
        }
    }
    let (mut from, mut whole) = (Vec::new(), Vec::new());
    let mut spared = 0;
    for round in 0..=rounds {
        for (recovery, took) in
            [(Recovery::new(), &mut from), (Recovery::new().in_full(), &mut whole)]
        {
            let (mut recovery, mut again, start) = (recovery, Machine::new(), Instant::now());
            let report = recovery.all(&journal, &mut again, |_| true).unwrap();
            if round > 0 {
                took.push(start.elapsed());
            }
            assert_eq!((report.records, report.broken.len(), report.unfit.len()), (made, 0, 0));
            assert_eq!(again.digest(), machine.digest());
            spared = spared.max(report.spared);
        }
    }
    let median = |mut took: Vec<Duration>| {
        took.sort();
        took.get(took.len() / 2).map_or(0.0, |took| took.as_secs_f64() * 1e3)
    };
    let (from, whole) = (median(from), median(whole));
    println!("P12 recovery of {made} records from redb, {spared} of them spared by snapshots");
    println!("  from them  {from:>10.2} ms\n  in full    {whole:>10.2} ms");
    println!("  {:.1} times faster", whole / from);
    let (with, without, making) = (median(with), median(without), median(making));
    println!("P12 sealing and committing 409600 records, with a snapshot of each of 100 sessions");
    println!("  with       {with:>10.2} ms\n  without    {without:>10.2} ms");
    println!("  {making:.2} ms to make them, of {} bytes each", kept / count);
}

/// Reads and decodes all records, without a chain and without a machine.
fn decoded(journal: &RedbJournal, protocol: &Protocol, ids: &[u128]) -> u64 {
    let mut count = 0;
    for session in ids {
        let mut next = 0;
        loop {
            let page = journal.read(*session, next, 256).unwrap();
            let Some(last) = page.last() else { break };
            next = last.end();
            for stored in page {
                let batch = Batch {
                    session: SessionId(*session),
                    first: stored.first,
                    count: stored.count,
                    bytes: stored.bytes,
                    head: antiphon::machine::Head(stored.head),
                };
                let records = Record::decode_batch(&batch, protocol).unwrap();
                count += records.len() as u64;
                black_box(records);
            }
        }
    }
    count
}

/// Prints medians, and their ratio: of throughputs, or of times.
fn compare(
    name: &str,
    records: f64,
    whole: &mut [Duration],
    floor: &mut [Duration],
    what: &str,
    throughput: bool,
) {
    let median = |took: &mut [Duration]| {
        took.sort();
        took[took.len() / 2].as_secs_f64()
    };
    let (whole, floor) = (median(whole), median(floor));
    println!("{name}");
    for (row, took) in [("antiphon", whole), ("floor", floor)] {
        println!("  {row:<10} {:>10.2} ms {:>12.0} records/s", took * 1e3, records / took);
    }
    match throughput {
        true => println!("  {:.0} % {what}", 100.0 * floor / whole),
        false => println!("  {:.2} {what}", whole / floor),
    }
}
