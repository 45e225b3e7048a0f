//! P2: what a journal costs, beside the same messages without one (P1) in the same run. An
//! iteration is two messages: four records.
//!
//! - `no journal`: P1.
//! - `journal`: the records encoded, and every 256 of them sealed: hash-chained, handed to the host
//!   and reported durable, as a journal in memory does.
//! - `1,000 sessions`: the same with a thousand sessions in turns, two messages of each between two
//!   seals: what a driver hands to a disk in one go (P3, without the disk), in small batches.
//! - `floor: SHA-256`: only the hash of as many bytes as those records have, in such batches.

use std::hint::black_box;

use antiphon::machine;
use antiphon::types::{self, SortNode, Value};
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

#[path = "../src/cli/bench/ping_pong.rs"]
#[expect(dead_code, reason = "what it has for other benches")]
mod ping_pong;
use ping_pong::{Labels, exchange, machine, open_with, protocol, seal};

/// How many exchanges make a batch: 256 records.
const EXCHANGES: usize = 64;

/// How many sessions are busy.
const SESSIONS: u128 = 1_000;

fn journal(c: &mut Criterion) {
    let mut group = c.benchmark_group("P2 send+receive with a journal in memory");
    group.throughput(Throughput::Elements(2));
    let protocol = protocol(SortNode::Bytes);
    let labels = Labels::of(&protocol);
    let mut batch = None;
    for (name, journal) in [("no journal", false), ("journal, 256 records a batch", true)] {
        let mut machine = machine(&protocol);
        let by = open_with(&mut machine, &protocol, 1, journal);
        let mut value = Value::Bytes(Bytes::from(vec![7_u8; 16]));
        let mut since = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                let passed = std::mem::replace(&mut value, Value::Unit);
                value = exchange(&mut machine, &by, labels, passed);
                since += 1;
                if journal && since == EXCHANGES {
                    since = 0;
                    batch = black_box(seal(&mut machine));
                }
            });
        });
    }
    let mut machine = machine(&protocol);
    let sessions = (0..SESSIONS).map(|id| open_with(&mut machine, &protocol, id, true));
    let sessions: Vec<_> = sessions.collect();
    let mut value = Value::Bytes(Bytes::from(vec![7_u8; 16]));
    let mut next = 0;
    group.bench_function("journal, 1,000 sessions in turns", |b| {
        b.iter(|| {
            let passed = std::mem::replace(&mut value, Value::Unit);
            value = exchange(&mut machine, &sessions[next], labels, passed);
            next += 1;
            if next == sessions.len() {
                next = 0;
                black_box(seal(&mut machine));
            }
        });
    });
    let batch = batch.expect("more than one batch was sealed");
    let bytes = batch.bytes.len();
    println!("{} bytes in {} records", bytes, batch.count);
    let mut head = batch.head;
    let mut since = 0;
    group.bench_function("floor: SHA-256 of as many bytes", |b| {
        b.iter(|| {
            since += 1;
            if since == EXCHANGES {
                since = 0;
                head = head.after(batch.first, batch.count, &batch.bytes);
            }
            head
        });
    });
    group.finish();
}

criterion_group!(benches, journal);
criterion_main!(benches);
