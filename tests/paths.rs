//! The machine performs most messages on a short path and looks at the rest in full. Which path was
//! taken must not be seen: an observed machine looks at everything in full, and says the same.

use std::sync::Arc;

use antiphon::machine::{
    Accepted, Act, Capacities, Generation, Input, Machine, OnLost, Open, Output, Owner, Position,
    Presented, Receive, Scope, Send, SessionId, Tick,
};
use antiphon::types::{
    Direction, LabelIx, LocalBuilder, LocalType, LocalTypes, Name, Payload, Protocol, RoleIx, Sort,
    SortNode, Value,
};
use proptest::prelude::*;

const SESSION: SessionId = SessionId(1);

/// `rec X . Right!{more(nat) . X, ask(float) . Right?got(string) . X, done . end}` and its dual.
fn protocol() -> Arc<Protocol> {
    let side = |peer: &str, sends: bool| -> LocalType {
        let payload = |node: SortNode| Payload::one(Sort::leaf(node));
        let mut b = LocalBuilder::default();
        let (more, got, end) = (b.var("X").unwrap(), b.var("X").unwrap(), b.end());
        let (direction, got) = if sends {
            (Direction::Send, b.receive(peer, "got", payload(SortNode::String), got))
        } else {
            (Direction::Receive, b.send(peer, "got", payload(SortNode::String), got))
        };
        let branches = [
            (peer, "more", payload(SortNode::Nat), more),
            (peer, "ask", payload(SortNode::Float), got.unwrap()),
            (peer, "done", payload(SortNode::Unit), end),
        ];
        let choice = b.choice(direction, branches).unwrap();
        let root = b.rec("X", choice).unwrap();
        b.finish(root).unwrap()
    };
    let name = |text: &str| Name::new(text).unwrap();
    let roles = [(name("Left"), side("Right", true)), (name("Right"), side("Left", false))];
    let (locals, _) = LocalTypes::new(roles).unwrap();
    Arc::new(Protocol::unchecked(name("Paths"), locals).unwrap())
}

fn open(machine: &mut Machine, protocol: &Arc<Protocol>) -> Presented {
    let open = Open {
        session: SESSION,
        protocol: machine.register(protocol),
        owner: Owner::new("owner").unwrap(),
        capacities: Capacities::every(3).unchecked(),
        journal: false,
        on_lost: OnLost::default(),
        policies: Vec::new(),
    };
    match machine.handle(Tick(0), Input::Open(open)) {
        Ok(Accepted::Opened(capability)) => capability.present().clone(),
        other => panic!("{other:?}"),
    }
}

fn act() -> impl Strategy<Value = Act> {
    let role = || prop_oneof![8 => Just(RoleIx(0)), 8 => Just(RoleIx(1)), 1 => (2..140_u16).prop_map(RoleIx)];
    let value = prop_oneof![
        4 => any::<u64>().prop_map(Value::Nat),
        1 => Just(Value::Int(-1)),
        1 => Just(Value::Int(1)),
        2 => any::<f64>().prop_map(Value::Float),
        2 => Just(Value::from("text")),
        1 => Just(Value::Unit),
    ];
    // The labels are, in order: ask, done, got, more.
    let label =
        prop_oneof![8 => Just(3_u16), 2 => Just(0), 2 => Just(2), 1 => Just(1), 1 => Just(9)];
    let at = || prop_oneof![30 => Just(None), 1 => (0..20_u64).prop_map(|at| Some(Position(at)))];
    let send = (role(), role(), label, value, at()).prop_map(|(role, to, label, value, at)| {
        Act::Send(Send { role, to, label: LabelIx(label), value, at })
    });
    let receive = (role(), role(), at())
        .prop_map(|(role, from, at)| Act::Receive(Receive { role, from, at }));
    prop_oneof![
        20 => send,
        20 => receive,
        1 => (0..20_u64).prop_map(|at| Act::Acknowledge { role: RoleIx(1), position: Position(at) }),
        1 => Just(Act::Bind { edge: None, handler: Some(Name::new("handler").unwrap()) }),
        1 => Just(Act::Bind { edge: None, handler: None }),
    ]
}

/// What is presented instead of the capability, and when.
fn step() -> impl Strategy<Value = (u64, u8, Act)> {
    let drain = (0..60_u64).prop_map(|at| Act::Drain { deadline: Some(Tick(at)) });
    (0..3_u64, prop_oneof![12 => Just(0_u8), 1 => 1..6_u8], prop_oneof![150 => act(), 1 => drain])
}

fn presented(by: &Presented, how: u8) -> Presented {
    match how {
        0 => by.clone(),
        1 => Presented { generation: Generation(by.generation.0 + 1), ..by.clone() },
        2 => Presented { owner: Owner::new("owner").unwrap(), ..by.clone() },
        3 => Presented { owner: Owner::new("somebody").unwrap(), ..by.clone() },
        4 => Presented { scope: Scope::role(RoleIx(0)), hint: u32::MAX, ..by.clone() },
        _ => Presented { session: SessionId(2), ..by.clone() },
    }
}

/// What the handlers are given; events are for the observer alone.
fn deliveries(machine: &mut Machine) -> Vec<Output> {
    let outputs = std::iter::from_fn(|| machine.poll());
    outputs.filter(|output| !matches!(output, Output::Event(_))).collect()
}

proptest! {
    #[test]
    fn short_path_comes_to_what_the_full_path_comes_to(
        steps in prop::collection::vec(step(), 1..300),
    ) {
        let protocol = protocol();
        let (mut short, mut full) = (Machine::new(), Machine::observed());
        let by = (open(&mut short, &protocol), open(&mut full, &protocol));
        let mut now = 0;
        for (later, how, act) in steps {
            now += later;
            let came = short.act(Tick(now), &presented(&by.0, how), act.clone());
            let comes = full.act(Tick(now), &presented(&by.1, how), act.clone());
            prop_assert_eq!(&came, &comes, "{:?}", act);
            prop_assert_eq!(short.session_digest(SESSION), full.session_digest(SESSION));
            prop_assert_eq!(deliveries(&mut short), deliveries(&mut full));
            short.check_invariants().map_err(|broken| TestCaseError::fail(broken.to_string()))?;
        }
    }
}
