//! Two roles that send each other one message, for ever: what the benches measure.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;

use antiphon::machine::{
    Accepted, Act, CAPACITY_DEFAULT, Capability, Capacities, Input, Machine, Open, Owner, Receive,
    Send, SessionId, Tick,
};
use antiphon::types::{
    LabelIx, LocalBuilder, LocalTypes, Name, Payload, Protocol, RoleIx, Sort, SortNode, Value,
};
use bytes::Bytes;

const PING: RoleIx = RoleIx(0);
const PONG: RoleIx = RoleIx(1);

/// `rec X . Pong!ping(S) . Pong?pong(S) . X` and its dual.
pub(crate) fn protocol(node: SortNode) -> Arc<Protocol> {
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
    Arc::new(Protocol::unchecked(name("PingPong"), locals).unwrap())
}

/// A machine that knows the protocol.
pub(crate) fn machine(protocol: &Arc<Protocol>) -> Machine {
    let mut machine = Machine::new();
    machine.register(protocol);
    machine
}

/// A session without a journal, owned by an owner of its own.
pub(crate) fn open(machine: &mut Machine, protocol: &Protocol, id: u128) -> Capability {
    let open = Open {
        session: SessionId(id),
        protocol: protocol.digest(),
        owner: Owner::new("bench").unwrap(),
        capacities: Capacities::every(CAPACITY_DEFAULT).unchecked(),
        journal: false,
        policies: Vec::new(),
    };
    match machine.handle(Tick(0), Input::Open(open)) {
        Ok(Accepted::Opened(capability)) => capability,
        other => panic!("{other:?}"),
    }
}

/// The two labels of the protocol.
#[derive(Clone, Copy)]
pub(crate) struct Labels {
    ping: LabelIx,
    pong: LabelIx,
}

impl Labels {
    /// Their numbers.
    pub(crate) fn of(protocol: &Protocol) -> Self {
        Self { ping: protocol.label("ping").unwrap(), pong: protocol.label("pong").unwrap() }
    }
}

/// Two messages: one from one role to the other, and back.
pub(crate) fn exchange(
    machine: &mut Machine,
    by: &Capability,
    labels: Labels,
    value: Value,
) -> Value {
    let value = message(machine, by, (PING, PONG), labels.ping, value);
    message(machine, by, (PONG, PING), labels.pong, value)
}

/// A send and its receive, as a host does them: one call each.
#[inline(never)]
fn message(
    machine: &mut Machine,
    by: &Capability,
    (role, to): (RoleIx, RoleIx),
    label: LabelIx,
    value: Value,
) -> Value {
    let send = Act::Send(Send { role, to, label, value, at: None });
    match machine.act(Tick(0), by.present(), send) {
        Ok(Accepted::Sent { .. }) => {}
        other => panic!("{other:?}"),
    }
    let receive = Act::Receive(Receive { role: to, from: role, at: None });
    match machine.act(Tick(0), by.present(), receive) {
        Ok(Accepted::Received(received)) => received.value,
        other => panic!("{other:?}"),
    }
}

/// The floor: the bare queue that moves the same value, message after message. `black_box` keeps
/// the compiler from seeing that what is pushed is popped, and costs nothing.
#[inline(always)]
pub(crate) fn floor(messages: u64, value: Bytes) -> Bytes {
    let mut queue: VecDeque<(u16, Bytes)> = VecDeque::with_capacity(64);
    let mut moved = value;
    for _ in 0..messages {
        queue.push_back((1, moved));
        let (_, value) = black_box(&mut queue).pop_front().unwrap();
        moved = value;
    }
    moved
}
