//! What does not drift, held by every test run: allocations a message, bytes a session.

use std::sync::Arc;

use allocation_counter::{AllocationInfo, measure};
use antiphon::machine::{
    self, Accepted, Act, CAPACITY_DEFAULT, Input, Machine, Position, Receive, Send, SessionId, Tick,
};
use antiphon::types::{
    self, LocalBuilder, LocalType, LocalTypes, Name, Payload, Protocol, RoleIx, Sort, SortNode,
    Value,
};
use bytes::Bytes;

#[path = "../src/cli/bench/ping_pong.rs"]
#[expect(dead_code, reason = "what it has for the benches alone")]
mod ping_pong;
use ping_pong::{
    Labels, Passing, exchange, exchange_acts, machine, open, open_with, protocol, witness,
};

#[test]
fn messages_take_no_allocation() {
    for (node, mut value) in [
        (SortNode::Unit, Value::Unit),
        (SortNode::Nat, Value::Nat(7)),
        (SortNode::Bytes, Value::Bytes(Bytes::from(vec![7; 16]))),
        (SortNode::String, Value::from("a short string")),
    ] {
        let protocol = protocol(node.clone());
        let mut machine = machine(&protocol);
        let by = open(&mut machine, &protocol, 1);
        let labels = Labels::of(&protocol);
        let info = measure(|| {
            for _ in 0..1_000 {
                let passed = std::mem::replace(&mut value, Value::Unit);
                let passed = exchange(&mut machine, &by, labels, passed);
                value = exchange_acts(&mut machine, &by, labels, passed);
            }
        });
        assert_eq!((info.count_total, info.bytes_current), (0, 0), "{node:?}");
    }
}

#[test]
fn a_full_edge_takes_no_allocation_once_it_has_been_full() {
    let protocol = stream();
    let mut machine = machine(&Arc::new(protocol.clone()));
    let by = open(&mut machine, &protocol, 1);
    let label = protocol.label("n").unwrap();
    let full = u64::from(CAPACITY_DEFAULT);
    let mut fill_and_drain = || {
        for n in 0..full {
            let send = Send { role: FROM, to: TO, label, value: Value::Nat(n), at: None };
            machine.act(Tick(0), by.present(), Act::Send(send)).unwrap();
        }
        for n in 0..full {
            let receive = Act::Receive(Receive { role: TO, from: FROM, at: None });
            match machine.act(Tick(0), by.present(), receive) {
                Ok(Accepted::Received(received)) => assert_eq!(received.value, Value::Nat(n)),
                other => panic!("{other:?}"),
            }
        }
    };
    fill_and_drain();
    assert_eq!(measure(fill_and_drain).count_total, 0);
}

/// A machine that opens, ends and reaps sessions for ever holds what it held when its archive was
/// full for the first time (LIFE-17, MACH-12).
#[test]
fn memory_is_flat_when_sessions_come_and_go() {
    const ARCHIVE: u128 = 64;
    let protocol = Arc::new(stream());
    let mut machine = machine(&protocol).with_archive(ARCHIVE as usize);
    let label = protocol.label("n").unwrap();
    let cycles = |machine: &mut Machine, ids: std::ops::Range<u128>| {
        for id in ids {
            let by = open(machine, &protocol, id);
            for n in 0..3 {
                let (value, at) = (Value::Nat(n), Some(Position(n)));
                let send = Send { role: FROM, to: TO, label, value, at };
                machine.act(Tick(0), by.present(), Act::Send(send)).unwrap();
            }
            machine.act(Tick(0), by.present(), Act::Close).unwrap();
            // Some are swept, some are reaped out of turn.
            match id % 3 {
                0 => assert_eq!(machine.reap_terminal(2), 1),
                _ => drop(machine.handle(Tick(0), Input::Reap { session: SessionId(id) }).unwrap()),
            }
        }
    };
    cycles(&mut machine, 0..2 * ARCHIVE);
    let before = machine.memory();
    let info = measure(|| cycles(&mut machine, 2 * ARCHIVE..20 * ARCHIVE));
    // An index by id may double once, for room to mark what was removed from it.
    assert!(info.bytes_current <= 8_192, "{info:?}");
    let grown = machine.memory().bytes.total() - before.bytes.total();
    assert_eq!(grown, u64::try_from(info.bytes_current).unwrap());
    assert_eq!((before.live, before.terminal, u128::from(before.archived)), (0, 0, ARCHIVE));
}

/// What a machine says that it holds is what it has allocated (MACH-11).
#[test]
fn retained_bytes_are_those_that_were_allocated() {
    let protocol = Arc::new(stream());
    let label = protocol.label("n").unwrap();
    let mut machine = machine(&protocol);
    let before = machine.memory().bytes.total();
    let mut held = Vec::with_capacity(1_000);
    let info = measure(|| {
        for id in 0..1_000 {
            let by = open(&mut machine, &protocol, id);
            for n in 0..4 {
                let (value, at) = (Value::Nat(n), (id % 2 == 0).then_some(Position(n)));
                let send = Send { role: FROM, to: TO, label, value, at };
                machine.act(Tick(0), by.present(), Act::Send(send)).unwrap();
            }
            if id % 5 == 0 {
                machine.act(Tick(0), by.present(), Act::Close).unwrap();
                machine.handle(Tick(0), Input::Reap { session: SessionId(id) }).unwrap();
            }
            held.push(by);
        }
    });
    let counted = machine.memory().bytes.total() - before;
    // Short names of owners take nothing.
    assert_eq!(counted, u64::try_from(info.bytes_current).unwrap());
}

const FROM: RoleIx = RoleIx(0);
const TO: RoleIx = RoleIx(1);

/// `From` sends numbers to `To` for ever.
fn stream() -> Protocol {
    let side = |sends: bool| -> LocalType {
        let number = Payload::one(Sort::leaf(SortNode::Nat));
        let mut b = LocalBuilder::default();
        let x = b.var("X").unwrap();
        let body =
            if sends { b.send("To", "n", number, x) } else { b.receive("From", "n", number, x) };
        let root = b.rec("X", body.unwrap()).unwrap();
        b.finish(root).unwrap()
    };
    let name = |text: &str| Name::new(text).unwrap();
    let roles = [(name("From"), side(true)), (name("To"), side(false))];
    let (locals, _) = LocalTypes::new(roles).unwrap();
    Protocol::unchecked(name("Stream"), locals).unwrap()
}

#[test]
fn an_idle_session_of_two_roles_takes_600_bytes() {
    const SESSIONS: u32 = 10_000;
    let protocol = protocol(SortNode::Nat);
    let mut machine = machine(&protocol);
    let mut held = Vec::with_capacity(SESSIONS as usize);
    let opened: AllocationInfo = measure(|| {
        held.extend((0..SESSIONS).map(|id| open(&mut machine, &protocol, id.into())));
    });
    // With the names of their owners, one each, and the index by id; the capabilities are theirs.
    let bytes = opened.bytes_current / i64::from(SESSIONS);
    println!("an idle session of two roles takes {bytes} bytes");
    let all = bytes + i64::try_from(size_of_val(&held[0])).unwrap();
    assert!(all <= 600, "{bytes} bytes in the machine, {all} with the capability");
    // Opening one allocates no more than its owner's name; blocks and the index are amortised.
    assert!(opened.count_total <= u64::from(SESSIONS) * 11 / 10, "{opened:?}");
}

#[test]
fn transfers_of_one_session_leave_nothing_behind() {
    let protocol = protocol(SortNode::Nat);
    let mut machine = machine(&protocol);
    let mut passing = Passing::new(open(&mut machine, &protocol, 1));
    let mut thousands =
        |count: u32| measure(|| (0..1_000 * count).for_each(|_| passing.pass(&mut machine)));
    thousands(1);
    let (early, late) = (thousands(1), thousands(100));
    assert_eq!((early.bytes_current, late.bytes_current), (0, 0));
    assert_eq!(early.bytes_max, late.bytes_max, "the most that was held at once");
    assert_eq!(100 * early.count_total, late.count_total);
    // What is asked for directly needs no box.
    assert_eq!(late.count_total, 0);
}

#[test]
fn witnesses_of_one_session_leave_nothing_behind_and_take_no_allocation() {
    let protocol = protocol(SortNode::Nat);
    let mut machine = machine(&protocol);
    let by = open(&mut machine, &protocol, 1);
    let mut requests = 0..;
    let mut thousands = |count: usize| {
        let requests = requests.by_ref().take(1_000 * count);
        measure(|| requests.for_each(|request| witness(&mut machine, &by, request)))
    };
    thousands(1);
    let late = thousands(100);
    assert_eq!((late.count_total, late.bytes_current, late.bytes_max), (0, 0, 0));
}

#[test]
fn a_record_takes_no_allocation_within_a_batch_of_the_usual_size() {
    let protocol = protocol(SortNode::Nat);
    let mut machine = machine(&protocol);
    let by = open_with(&mut machine, &protocol, 1, true);
    let labels = Labels::of(&protocol);
    let batch = |machine: &mut antiphon::machine::Machine| {
        for _ in 0..64 {
            exchange(machine, &by, labels, Value::Nat(7));
        }
    };
    // The first one tells what is usual, the second one that what is sealed is gone for good.
    for _ in 0..2 {
        batch(&mut machine);
        machine.seal();
        while machine.poll().is_some() {}
    }
    // The room for the batch, and the note that there is one.
    assert!(measure(|| batch(&mut machine)).count_total <= 2);
}
