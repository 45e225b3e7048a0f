//! The machine performs most messages on a short path and looks at the rest in full. Which path was
//! taken must not be seen: an observed machine looks at everything in full, and says the same.

use std::sync::Arc;

use antiphon::machine::{
    Accepted, Act, Authority, Capacities, Commit, Epoch, Generation, Input, Machine, OnLost, Open,
    Output, Owner, Position, Predicate, Presented, Readiness, Receipt, Receive, Recipient,
    RequestId, Scope, Send, SessionId, Site, Tick,
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

fn open(machine: &mut Machine, protocol: &Arc<Protocol>, journal: bool) -> Presented {
    let open = Open {
        session: SESSION,
        protocol: machine.register(protocol),
        owner: Owner::new("owner").unwrap(),
        capacities: Capacities::every(3).unchecked(),
        journal,
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
        1 => role().prop_map(|role| Act::Attach { role }),
        1 => (role(), 1..4_u32).prop_map(|(role, counter)| Act::Detach { role, epoch: Epoch::new(0, counter) }),
    ]
}

/// What is presented instead of the capability, and when.
fn step() -> impl Strategy<Value = (u64, u8, Act)> {
    let drain = (0..60_u64).prop_map(|at| Act::Drain { deadline: Some(Tick(at)) });
    (0..3_u64, prop_oneof![12 => Just(0_u8), 2 => 1..9_u8], prop_oneof![150 => act(), 1 => drain])
}

fn presented(by: &Presented, how: u8) -> Presented {
    match how {
        0 => by.clone(),
        1 => Presented { generation: Generation(by.generation.0 + 1), ..by.clone() },
        2 => Presented { owner: Owner::new("owner").unwrap(), ..by.clone() },
        3 => Presented { owner: Owner::new("somebody").unwrap(), ..by.clone() },
        4 => Presented { scope: Scope::role(RoleIx(0)), hint: u32::MAX, ..by.clone() },
        5 => Presented { session: SessionId(2), ..by.clone() },
        counter => Presented { over: Some(Epoch::new(0, u32::from(counter) - 5)), ..by.clone() },
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
        let by = (open(&mut short, &protocol, false), open(&mut full, &protocol, false));
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

    /// The same of changes of authority and of records: journals of either path are the same bytes.
    #[test]
    fn authority_and_records_come_to_the_same_on_either_path(
        journal in any::<bool>(),
        steps in prop::collection::vec(change(), 1..120),
    ) {
        let protocol = protocol();
        let (mut short, mut full) = (Machine::new(), Machine::observed());
        let by = open(&mut short, &protocol, journal);
        prop_assert_eq!(&by, &open(&mut full, &protocol, journal));
        let mut known = Known { held: vec![by], receipts: Vec::new(), witnesses: Vec::new() };
        let mut now = 0;
        for (later, change) in steps {
            now += later;
            let input = known.input(change);
            let came = short.handle(Tick(now), input.clone());
            let comes = full.handle(Tick(now), input.clone());
            prop_assert_eq!(&came, &comes, "{:?}", input);
            prop_assert_eq!(short.session_digest(SESSION), full.session_digest(SESSION));
            short.check_invariants().map_err(|broken| TestCaseError::fail(broken.to_string()))?;
            if let Ok(accepted) = came {
                known.note(accepted);
            }
            if later == 2 {
                short.seal();
                full.seal();
                prop_assert_eq!(deliveries(&mut short), deliveries(&mut full));
            }
        }
    }
}

/// A change of authority, or a message; what it speaks of is one of what is known.
#[derive(Debug, Clone)]
enum Change {
    Stage { by: usize, scope: u128, to: u8, expires: Option<u64>, freeze: bool },
    Commit { receipt: usize, owner: u8 },
    Issue { by: usize, predicate: u8 },
    Consume { by: usize, witness: usize },
    Release { by: usize, scope: u128 },
    Attenuate { by: usize, scope: u128 },
    Arm { by: usize },
    Message { by: usize, act: Act },
}

fn change() -> impl Strategy<Value = (u64, Change)> {
    let by = || prop_oneof![6 => Just(0_usize), 1 => 1..6_usize];
    let scope = || prop_oneof![4 => Just(2_u128), 2 => Just(4), 1 => 1..9_u128];
    let rarely = prop_oneof![8 => Just(None), 1 => (0..60_u64).prop_map(Some)];
    let stage = (by(), scope(), 0..3_u8, rarely, prop::bool::weighted(0.1));
    let stage = stage.prop_map(|(by, scope, to, expires, freeze)| Change::Stage {
        by,
        scope,
        to,
        expires,
        freeze,
    });
    let commit = (by(), 0..3_u8).prop_map(|(receipt, owner)| Change::Commit { receipt, owner });
    let consume = (by(), by()).prop_map(|(by, witness)| Change::Consume { by, witness });
    let change = prop_oneof![
        8 => stage,
        8 => commit,
        5 => (by(), 0..4_u8).prop_map(|(by, predicate)| Change::Issue { by, predicate }),
        5 => consume,
        1 => (by(), scope()).prop_map(|(by, scope)| Change::Release { by, scope }),
        1 => (by(), scope()).prop_map(|(by, scope)| Change::Attenuate { by, scope }),
        1 => by().prop_map(|by| Change::Arm { by }),
        9 => (by(), act()).prop_map(|(by, act)| Change::Message { by, act }),
    ];
    (0..3_u64, change)
}

/// What a script may speak of, the latest first.
struct Known {
    held: Vec<Presented>,
    receipts: Vec<Receipt>,
    witnesses: Vec<Readiness>,
}

impl Known {
    fn input(&self, change: Change) -> Input {
        let at = |by: usize| self.held[by % self.held.len()].clone();
        let owner = |of: u8| Owner::new(["one", "two", "three"][usize::from(of)]).unwrap();
        // A request may come twice: a script soon repeats itself.
        let request = RequestId(1);
        let asked = |by, authority| {
            let act = Act::Authority(Box::new(authority));
            Input::Act { by: at(by), act }
        };
        match change {
            Change::Stage { by, scope, to, expires, freeze } => {
                let to = if to == 0 { Recipient::Bearer } else { Recipient::Owner(owner(to)) };
                let (scope, expires) = (Scope::from_bits(scope), expires.map(Tick));
                asked(by, Authority::Stage { request, scope, to, expires, freeze })
            }
            Change::Commit { receipt, owner: of } => match self.receipts.get(receipt) {
                None => Input::Tick,
                Some(receipt) => {
                    let owner = match &receipt.to {
                        Recipient::Owner(to) if of > 0 => to.clone(),
                        _ => owner(of),
                    };
                    Input::Commit(Box::new(Commit { request, receipt: receipt.clone(), owner }))
                }
            },
            Change::Issue { by, predicate } => {
                let predicate = match predicate {
                    0 => Predicate::position(RoleIx(0), Position(0)),
                    1 => Predicate::position(RoleIx(1), Position(3)),
                    2 => Predicate::edge_empty(RoleIx(0), RoleIx(1)),
                    _ => Predicate::external(Name::new("sworn").unwrap()),
                };
                asked(by, Authority::IssueReadiness { request, predicate })
            }
            Change::Consume { by, witness } => match self.witnesses.get(witness) {
                None => Input::Tick,
                Some(witness) => {
                    asked(by, Authority::ConsumeReadiness { witness: witness.clone() })
                }
            },
            Change::Release { by, scope } => {
                asked(by, Authority::Release { request, scope: Scope::from_bits(scope) })
            }
            Change::Attenuate { by, scope } => {
                asked(by, Authority::Attenuate { request, scope: Scope::from_bits(scope) })
            }
            Change::Arm { by } => {
                let site = Site::Endpoint(RoleIx(0));
                asked(by, Authority::ArmTimer { request, site, after: 5, valid: Some(5) })
            }
            Change::Message { by, act } => Input::Act { by: at(by), act },
        }
    }

    fn note(&mut self, accepted: Accepted) {
        match accepted {
            Accepted::Issued(capability) => self.held.insert(0, capability.present().clone()),
            Accepted::Staged(receipt) => self.receipts.insert(0, *receipt),
            Accepted::Witness(witness) => self.witnesses.insert(0, *witness),
            _ => {}
        }
    }
}
