//! P6: what it costs to hand a role over, beside a message (P1) in the same run.
//!
//! - `send+receive`: P1; an iteration is two messages.
//! - `stage+commit`: a role goes from one owner to another and back by receipts: an iteration is
//!   two transfers, told to an observer and not. The session has as many behind it as the run has
//!   made; `tests/guards.rs` holds that they leave nothing behind.

use std::hint::black_box;

use antiphon::machine::Machine;
use antiphon::types::{SortNode, Value};
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

#[expect(dead_code, reason = "what it has for other benches")]
mod ping_pong;
use ping_pong::{Labels, Passing, exchange, machine, open, protocol};

fn authority(c: &mut Criterion) {
    let mut group = c.benchmark_group("P6 stage+commit");
    group.throughput(Throughput::Elements(2));
    let protocol = protocol(SortNode::Bytes);
    let labels = Labels::of(&protocol);
    let mut plain = machine(&protocol);
    let by = open(&mut plain, &protocol, 1);
    let mut value = Value::Bytes(Bytes::from(vec![7_u8; 16]));
    group.bench_function("send+receive", |b| {
        b.iter(|| {
            let passed = std::mem::replace(&mut value, Value::Unit);
            value = exchange(&mut plain, &by, labels, passed);
        });
    });
    for (name, mut machine) in [("alone", Machine::new()), ("observed", Machine::observed())] {
        machine.register(&protocol);
        let by = open(&mut machine, &protocol, 2);
        let mut passing = Passing::new(by);
        group.bench_function(format!("stage+commit: {name}"), |b| {
            b.iter(|| {
                passing.pass(&mut machine);
                passing.pass(&mut machine);
                while let Some(output) = machine.poll() {
                    black_box(output);
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, authority);
criterion_main!(benches);
