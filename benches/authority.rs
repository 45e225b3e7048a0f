//! P6: what it costs to hand a role over, and to issue a readiness witness and spend it, beside a
//! message (P1) in the same run. An iteration is two of each.
//!
//! - `send+receive`: P1.
//! - `stage+commit`: a role goes from one owner to another and back by receipts. The session has as
//!   many behind it as the run has made; `tests/guards.rs` holds that they leave nothing behind.
//! - `issue+consume`: a witness of a position.
//!
//! Each is asked for directly, by inputs (`inputs`: their results are boxed), directly in a session
//! with a journal (`recorded`: encoded, and hash-chained every 256 records), and directly of a
//! machine that tells an observer (`observed`).

use std::hint::black_box;

use antiphon::machine::{self, Capability, Machine};
use antiphon::types::{self, SortNode, Value};
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

#[path = "../src/cli/bench/ping_pong.rs"]
#[expect(dead_code, reason = "what it has for other benches")]
mod ping_pong;
use ping_pong::{
    Labels, Passing, exchange, machine, open, open_with, protocol, seal, witness, witness_inputs,
};

fn authority(c: &mut Criterion) {
    let mut group = c.benchmark_group("P6");
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
    type Pass = fn(&mut Passing, &mut Machine);
    type Witness = fn(&mut Machine, &Capability, u64);
    type Way = (&'static str, fn() -> Machine, Pass, Witness);
    let ways: [Way; 4] = [
        ("directly", Machine::new, Passing::pass, witness),
        ("inputs", Machine::new, Passing::pass_inputs, witness_inputs),
        ("recorded", Machine::new, Passing::pass, witness),
        ("observed", Machine::observed, Passing::pass, witness),
    ];
    for (name, new, pass, witness) in ways {
        let mut machine = new();
        machine.register(&protocol);
        let journal = name == "recorded";
        let by = open_with(&mut machine, &protocol, 2, journal);
        let mut since = 0;
        let mut drain = |machine: &mut Machine| {
            since += 1;
            // Two of each are four records.
            if journal && since % 64 == 0 {
                black_box(seal(machine));
            }
            drain(machine);
        };
        let mut passing = Passing::new(by);
        group.bench_function(format!("stage+commit: {name}"), |b| {
            b.iter(|| {
                pass(&mut passing, &mut machine);
                pass(&mut passing, &mut machine);
                drain(&mut machine);
            });
        });
        let by = open_with(&mut machine, &protocol, 3, journal);
        let mut request = 0;
        group.bench_function(format!("issue+consume: {name}"), |b| {
            b.iter(|| {
                request += 2;
                witness(&mut machine, &by, request);
                witness(&mut machine, &by, request + 1);
                drain(&mut machine);
            });
        });
    }
    group.finish();
}

/// What an observer is told.
fn drain(machine: &mut Machine) {
    while let Some(output) = machine.poll() {
        black_box(output);
    }
}

criterion_group!(benches, authority);
criterion_main!(benches);
