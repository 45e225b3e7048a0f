//! P1: a send and a receive in the machine, everything checked, no journal, beside the floor: the
//! bare queue that moves the same value. P4: the same with many sessions live.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;

use antiphon::machine::{
    Accepted, Act, Capability, Capacities, Input, Machine, Open, Owner, Receive, Send, SessionId,
    Tick,
};
use antiphon::types::{
    LocalBuilder, LocalTypes, Name, Payload, Protocol, RoleIx, Sort, SortNode, Value,
};
use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const PING: RoleIx = RoleIx(0);
const PONG: RoleIx = RoleIx(1);

/// `rec X . Pong!ping(S) . Pong?pong(S) . X` and its dual.
fn ping_pong(node: SortNode) -> Arc<Protocol> {
    let payload = Payload::one(Sort::leaf(node));
    let side = |peer: &str, sends: bool| {
        let mut b = LocalBuilder::default();
        let x = b.var("X").unwrap();
        let root = if sends {
            let last = b.receive(peer, "pong", payload.clone(), x).unwrap();
            b.send(peer, "ping", payload.clone(), last).unwrap()
        } else {
            let last = b.send(peer, "pong", payload.clone(), x).unwrap();
            b.receive(peer, "ping", payload.clone(), last).unwrap()
        };
        let root = b.rec("X", root).unwrap();
        b.finish(root).unwrap()
    };
    let name = |text: &str| Name::new(text).unwrap();
    let roles = [(name("Ping"), side("Pong", true)), (name("Pong"), side("Ping", false))];
    let (locals, _) = LocalTypes::new(roles).unwrap();
    Arc::new(Protocol::from_locals(name("PingPong"), locals).unwrap())
}

fn open(machine: &mut Machine, protocol: &Arc<Protocol>, id: u128) -> Capability {
    let open = Open {
        session: SessionId(id),
        protocol: protocol.digest(),
        owner: Owner::new("bench").unwrap(),
        capacities: Capacities::default(),
        journal: false,
    };
    match machine.handle(Tick(0), Input::Open(open)) {
        Ok(Accepted::Opened(capability)) => capability,
        other => panic!("{other:?}"),
    }
}

/// One message from one role to the other, and back: two sends, two receives.
fn exchange(
    machine: &mut Machine,
    by: &Capability,
    labels: [antiphon::types::LabelIx; 2],
    value: Value,
) -> Value {
    let mut value = value;
    for (role, to, label) in [(PING, PONG, labels[0]), (PONG, PING, labels[1])] {
        let send = Act::Send(Send { role, to, label, value, at: None });
        machine.act(Tick(0), by.present(), send).unwrap();
        let receive = Act::Receive(Receive { role: to, from: role, at: None });
        value = match machine.act(Tick(0), by.present(), receive) {
            Ok(Accepted::Received(received)) => received.value,
            other => panic!("{other:?}"),
        };
    }
    value
}

fn labels(protocol: &Protocol) -> [antiphon::types::LabelIx; 2] {
    [protocol.label("ping").unwrap(), protocol.label("pong").unwrap()]
}

fn step(c: &mut Criterion) {
    let mut group = c.benchmark_group("P1 send+receive");
    group.throughput(Throughput::Elements(1));
    let bytes = Bytes::from(vec![7_u8; 16]);
    for (name, node, value) in [
        ("bytes", SortNode::Bytes, Value::Bytes(bytes.clone())),
        ("nat", SortNode::Nat, Value::Nat(7)),
    ] {
        let protocol = ping_pong(node);
        let mut machine = Machine::new();
        machine.register(&protocol);
        let by = open(&mut machine, &protocol, 1);
        let labels = labels(&protocol);
        let mut value = Some(value);
        // One iteration is two messages.
        group.throughput(Throughput::Elements(2));
        group.bench_function(format!("machine/{name}"), |b| {
            b.iter(|| value = Some(exchange(&mut machine, &by, labels, value.take().unwrap())));
        });
    }
    let mut queue: VecDeque<(u16, Bytes)> = VecDeque::with_capacity(64);
    let mut moved = Some(bytes);
    group.bench_function("floor/VecDeque of (u16, Bytes)", |b| {
        b.iter(|| {
            for _ in 0..2 {
                queue.push_back((black_box(1), moved.take().unwrap()));
                moved = black_box(&mut queue).pop_front().map(|(_, bytes)| bytes);
            }
        });
    });
    group.finish();
}

fn many(c: &mut Criterion) {
    let mut group = c.benchmark_group("P4 send+receive with many sessions");
    group.throughput(Throughput::Elements(2));
    let protocol = ping_pong(SortNode::Nat);
    let labels = labels(&protocol);
    for live in [1_u32, 1_000, 1_000_000] {
        let mut machine = Machine::new();
        machine.register(&protocol);
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
    let protocol = ping_pong(SortNode::Nat);
    group.bench_function("1,000 sessions", |b| {
        b.iter_batched(
            || {
                let mut machine = Machine::new();
                machine.register(&protocol);
                machine
            },
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
