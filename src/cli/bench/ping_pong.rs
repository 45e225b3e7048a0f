//! Two roles that send each other one message, for ever: what the benches measure.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;

use crate::machine::{
    Accepted, Act, Authority, Batch, CAPACITY_DEFAULT, Capability, Capacities, Commit, Input,
    Machine, OnLost, Open, Output, Owner, Position, Predicate, Receive, Recipient, RequestId,
    Scope, Send, SessionId, Stage, Tick,
};
use crate::types::{
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
    open_with(machine, protocol, id, false)
}

/// As [`open`], with or without a journal.
pub(crate) fn open_with(
    machine: &mut Machine,
    protocol: &Protocol,
    id: u128,
    journal: bool,
) -> Capability {
    let open = Open {
        session: SessionId(id),
        protocol: protocol.digest(),
        owner: Owner::new("bench").unwrap(),
        capacities: Capacities::every(CAPACITY_DEFAULT).unchecked(),
        journal,
        on_lost: OnLost::default(),
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
    let now = black_box(Tick(0));
    if let Err(refusal) = machine.send(now, by.present(), role, to, label, value) {
        panic!("{refusal}");
    }
    match machine.receive(now, by.present(), to, role) {
        Ok(received) => received.value,
        Err(refusal) => panic!("{refusal}"),
    }
}

/// As [`exchange`], each message as an act: what a host does that is told what to do by others.
pub(crate) fn exchange_acts(
    machine: &mut Machine,
    by: &Capability,
    labels: Labels,
    mut value: Value,
) -> Value {
    for (role, to, label) in [(PING, PONG, labels.ping), (PONG, PING, labels.pong)] {
        let send = Act::Send(Send { role, to, label, value, at: None });
        if let Err(refusal) = machine.act(Tick(0), by.present(), send) {
            panic!("{refusal}");
        }
        let receive = Act::Receive(Receive { role: to, from: role, at: None });
        value = match machine.act(Tick(0), by.present(), receive) {
            Ok(Accepted::Received(received)) => received.value,
            other => panic!("{other:?}"),
        };
    }
    value
}

/// The four inputs of an exchange of numbers.
pub(crate) fn exchange_inputs(by: &Capability, protocol: &Protocol) -> Vec<Input> {
    let labels = Labels::of(protocol);
    let mut inputs = Vec::new();
    for (role, to, label) in [(PING, PONG, labels.ping), (PONG, PING, labels.pong)] {
        let send = Act::Send(Send { role, to, label, value: Value::Nat(7), at: None });
        let receive = Act::Receive(Receive { role: to, from: role, at: None });
        inputs.extend([send, receive].map(|act| Input::Act { by: by.present().clone(), act }));
    }
    inputs
}

/// Seals, and reports what was sealed as durable.
pub(crate) fn seal(machine: &mut Machine) -> Option<Batch> {
    machine.seal();
    let mut last = None;
    while let Some(output) = machine.poll() {
        if let Output::Persist(batch) = output {
            let (session, upto) = (batch.session, batch.first + u64::from(batch.count));
            machine.handle(Tick(0), Input::Persisted { session, upto }).unwrap();
            last = Some(batch);
        }
    }
    last
}

/// What was sealed.
pub(crate) fn sealed(machine: &mut Machine) -> Vec<Batch> {
    let mut batches = Vec::new();
    while let Some(output) = machine.poll() {
        if let Output::Persist(batch) = output {
            batches.push(batch);
        }
    }
    batches
}

/// The floor: the bare queue that moves the same value, message after message. `black_box` keeps
/// the compiler from seeing that what is pushed is popped, and costs nothing. What is popped is
/// pushed again, in a function of its own: held between the two by who calls, it is copied in
/// pieces that differ from those that were written, or not, and takes half as long or twice.
#[inline(never)]
pub(crate) fn floor(messages: u64, value: Bytes) -> Bytes {
    let mut queue: VecDeque<(u16, Bytes)> = VecDeque::with_capacity(64);
    queue.push_back((1, value));
    for _ in 0..messages {
        let (label, value) = black_box(&mut queue).pop_front().unwrap();
        queue.push_back((label, value));
    }
    queue.pop_front().unwrap().1
}

/// A role that changes hands again and again.
pub(crate) struct Passing {
    by: Capability,
    owners: [Owner; 2],
    requests: u64,
}

impl Passing {
    /// Under a capability that covers the role `Ping`.
    pub(crate) fn new(by: Capability) -> Self {
        let owners = ["one", "two"].map(|name| Owner::new(name).unwrap());
        Self { by, owners, requests: 0 }
    }

    /// One transfer: staged by who has the role, committed by the other.
    #[inline(never)]
    pub(crate) fn pass(&mut self, machine: &mut Machine) {
        self.requests += 1;
        let request = RequestId(self.requests);
        let owner = self.owners[usize::from(self.requests.is_multiple_of(2))].clone();
        let to = Recipient::Owner(owner.clone());
        let stage = Stage { request, scope: Scope::role(PING), to, expires: None, freeze: false };
        let staged = machine.stage(Tick(0), self.by.present(), stage);
        let receipt = staged.unwrap_or_else(|refusal| panic!("{refusal}"));
        let committed = machine.commit(Tick(0), &Commit { request, receipt, owner });
        self.by = committed.unwrap_or_else(|refusal| panic!("{refusal}"));
    }

    /// As [`pass`](Self::pass), by inputs: what a host does that is told what to do by others.
    pub(crate) fn pass_inputs(&mut self, machine: &mut Machine) {
        self.requests += 1;
        let request = RequestId(self.requests);
        let owner = self.owners[usize::from(self.requests.is_multiple_of(2))].clone();
        let to = Recipient::Owner(owner.clone());
        let scope = Scope::role(PING);
        let stage = Authority::Stage { request, scope, to, expires: None, freeze: false };
        let act = Act::Authority(Box::new(stage));
        let receipt = match machine.act(Tick(0), self.by.present(), act) {
            Ok(Accepted::Staged(receipt)) => *receipt,
            other => panic!("{other:?}"),
        };
        let commit = Commit { request, receipt, owner };
        self.by = match machine.handle(Tick(0), Input::Commit(Box::new(commit))) {
            Ok(Accepted::Issued(capability)) => capability,
            other => panic!("{other:?}"),
        };
    }
}

/// A witness that a role has not fallen back: issued and consumed.
#[inline(never)]
pub(crate) fn witness(machine: &mut Machine, by: &Capability, request: u64) {
    let predicate = Predicate::position(PING, Position(0));
    let issued = machine.issue_readiness(Tick(0), by.present(), RequestId(request), predicate);
    let witness = issued.unwrap_or_else(|refusal| panic!("{refusal}"));
    if let Err(refusal) = machine.consume_readiness(Tick(0), by.present(), witness) {
        panic!("{refusal}");
    }
}

/// As [`witness`], by inputs.
pub(crate) fn witness_inputs(machine: &mut Machine, by: &Capability, request: u64) {
    let predicate = Predicate::position(PING, Position(0));
    let issue = Authority::IssueReadiness { request: RequestId(request), predicate };
    let witness = match machine.act(Tick(0), by.present(), Act::Authority(Box::new(issue))) {
        Ok(Accepted::Witness(witness)) => *witness,
        other => panic!("{other:?}"),
    };
    let consume = Act::Authority(Box::new(Authority::ConsumeReadiness { witness }));
    if let Err(refusal) = machine.act(Tick(0), by.present(), consume) {
        panic!("{refusal}");
    }
}
