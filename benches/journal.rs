//! P2: what a journal costs, beside the same messages without one (P1) in the same run. An
//! iteration is two messages: four records.
//!
//! - `no journal`: P1.
//! - `journal`: the records encoded, and every 256 of them sealed: hash-chained, handed to the host
//!   and reported durable, as a journal in memory does.
//! - `floor: SHA-256`: only the hash of as many bytes as those records have, in such batches.

use std::hint::black_box;

use antiphon::types::{SortNode, Value};
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

#[expect(dead_code, reason = "what it has for other benches")]
mod ping_pong;
use ping_pong::{Labels, exchange, machine, open_with, protocol, seal};

/// How many exchanges make a batch: 256 records.
const EXCHANGES: usize = 64;

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
