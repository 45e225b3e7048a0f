//! What a step takes, each beside what it is measured against. Read the ratios within one run: the
//! absolute times of a shared machine drift.
//!
//! - P1: a send and a receive, everything checked, no journal, against the bare queue that moves the
//!   same value. An iteration is two messages. Once through the doors for messages, once as acts.
//! - P4: the same with many sessions live, visited in an order that no cache foresees, against one
//!   session.
//! - P5: opening a session, a thousand an iteration: 1 ms there is 1 µs a session. What a session
//!   takes in memory is a test: `tests/guards.rs`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use antiphon::machine::{self, Capability, Machine};
use antiphon::types::{self, SortNode, Value};
use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

#[path = "../src/cli/bench/ping_pong.rs"]
#[expect(dead_code, reason = "what it has for other benches")]
mod ping_pong;
use ping_pong::{Labels, exchange, exchange_acts, floor, machine, open, protocol};

type Exchange = fn(&mut Machine, &Capability, Labels, Value) -> Value;

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let result = work();
    let elapsed = start.elapsed();
    black_box(result);
    elapsed
}

fn step(c: &mut Criterion) {
    let mut group = c.benchmark_group("P1 send+receive");
    group.throughput(Throughput::Elements(2));
    let bytes = Bytes::from(vec![7_u8; 16]);
    group.bench_function("floor: VecDeque of (u16, Bytes)", |b| {
        b.iter_custom(|rounds| timed(|| floor(2 * rounds, bytes.clone())));
    });
    for (name, node, value) in [
        ("bytes", SortNode::Bytes, Value::Bytes(bytes.clone())),
        ("nat", SortNode::Nat, Value::Nat(7)),
    ] {
        let protocol = protocol(node);
        let mut machine = machine(&protocol);
        let by = open(&mut machine, &protocol, 1);
        let labels = Labels::of(&protocol);
        let exchanges: [(&str, Exchange); 2] = [("machine", exchange), ("acts", exchange_acts)];
        for (door, exchange) in exchanges {
            group.bench_function(format!("{door}: {name}"), |b| {
                b.iter_custom(|rounds| {
                    let mut value = value.clone();
                    timed(|| {
                        for _ in 0..rounds {
                            value = exchange(&mut machine, &by, labels, value);
                        }
                        value
                    })
                });
            });
        }
    }
    group.finish();
}

fn many(c: &mut Criterion) {
    let mut group = c.benchmark_group("P4 send+receive with many sessions");
    group.throughput(Throughput::Elements(2));
    let protocol = protocol(SortNode::Nat);
    let labels = Labels::of(&protocol);
    for live in [1_u32, 1_000, 1_000_000] {
        let mut machine = machine(&protocol);
        let by: Vec<Capability> =
            (0..live).map(|id| open(&mut machine, &protocol, u128::from(id))).collect();
        let mut next = 0_usize;
        group.bench_function(format!("{live} live"), |b| {
            b.iter(|| {
                next = (next + 7_919) % by.len();
                exchange(&mut machine, &by[next], labels, Value::Nat(7))
            });
        });
    }
    group.finish();
}

fn opening(c: &mut Criterion) {
    let mut group = c.benchmark_group("P5 open a session");
    group.throughput(Throughput::Elements(1_000));
    let protocol = protocol(SortNode::Nat);
    group.bench_function("1,000 sessions", |b| {
        b.iter_batched(
            || machine(&protocol),
            |mut machine| {
                for id in 0..1_000_u128 {
                    black_box(open(&mut machine, &protocol, id));
                }
                machine
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, step, many, opening);
criterion_main!(benches);
