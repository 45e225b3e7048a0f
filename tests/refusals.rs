//! Every refusal is reached, says what it should, and leaves everything as it was.
#![cfg(feature = "syntax")]

use std::sync::Arc;

use crate::scene::{Scene, open};
use crate::written;
use antiphon::machine::*;
use antiphon::types::*;

const TRADE: &str = "
    Buyer  = Seller!ask(string) . Seller?offer({price: nat}) . Seller!{ buy . end, quit . end }
    Seller = Buyer?ask(string) . Buyer!offer({price: nat}) . Buyer?{ buy . end, quit . end }
";

const RACE: &str = "
    Left  = rec X . Hub!l(int) . X
    Right = rec X . Hub!r(int) . X
    Hub   = rec X . &{ Left?l(int) . X, Right?r(int) . X }
";

/// A scene where the named refusal is due, and the input that gets it.
fn row(code: &str) -> (Scene, Input) {
    let mut scene = Scene::new(TRADE);
    let good = |scene: &Scene, act: Act| Input::Act { by: scene.by.clone(), act };
    let ask = scene.sending("Buyer", "Seller", "ask", "Ulysses", None);
    let input = match code {
        "unknown_session" => {
            let by = Presented { session: SessionId(0xdead), ..scene.by.clone() };
            Input::Act { by, act: ask }
        }
        "session_exists" => Input::Open(Open { journal: true, ..open(&scene.protocol, 1) }),
        "unknown_protocol" => {
            let protocol = ProtocolDigest([0xab; 32]);
            Input::Open(Open { protocol, ..open(&scene.protocol, 2) })
        }
        "bad_capacity" => {
            let (from, to) = (scene.role("Seller"), scene.role("Buyer"));
            let edges = vec![(Edge { from, to }, CAPACITY_MAX + 1)];
            let capacities = Capacities { edges, ..Capacities::default() };
            Input::Open(Open { capacities, ..open(&scene.protocol, 2) })
        }
        "capacity_unchecked" => {
            let locals: Protocol = "A = B!x . end\nB = A?x . end".parse().unwrap();
            let name = Name::new("Unchecked").unwrap();
            let unchecked = Protocol::unchecked(name, locals.locals().clone()).unwrap();
            let protocol = scene.machine.register(&Arc::new(unchecked));
            let capacities = Capacities::default();
            Input::Open(Open { protocol, capacities, ..open(&scene.protocol, 2) })
        }
        "unknown_role" => good(&scene, scene.receiving("Nobody", "Buyer", None)),
        "unclaimed" => {
            let scope = Scope::role(scene.role("Buyer"));
            scene.change(Authority::Release { request: RequestId(1), scope });
            good(&scene, ask)
        }
        "already_claimed" => {
            let (request, owner) = (RequestId(1), Owner::new("thief").unwrap());
            let scope = Scope::role(scene.role("Seller"));
            good(&scene, Act::Authority(Box::new(Authority::Claim { request, owner, scope })))
        }
        "transfer_pending" => {
            scene.staged("Buyer", "tablet", None, true);
            good(&scene, ask)
        }
        "transfer_not_pending" | "receipt_mismatch" | "receipt_spent" => {
            let mut receipt = scene.staged("Buyer", "tablet", None, false);
            match code {
                "transfer_not_pending" => receipt.id.0 = 1,
                "receipt_mismatch" => receipt.scope = Scope::LIFECYCLE,
                _ => {
                    scene.change(Authority::Rollback { receipt: receipt.clone() });
                }
            }
            let owner = Owner::new("tablet").unwrap();
            Input::Commit(Box::new(Commit { request: RequestId(2), receipt, owner }))
        }
        "too_many_outstanding" => {
            let roles = 0..70;
            let side =
                |n: u32, next: u32| format!("R{n} = R{next}!m . end\nR{next} = R{n}?m . end");
            let pairs = roles.map(|n| 2 * n).map(|n| side(n, n + 1)).take(33);
            scene = Scene::new(&pairs.collect::<Vec<_>>().join("\n"));
            for n in 0..64 {
                scene.staged(&format!("R{n}"), "tablet", None, false);
            }
            let (request, scope) = (RequestId(9), Scope::role(scene.role("R65")));
            let (to, expires, freeze) = (Recipient::Bearer, None, false);
            let stage = Authority::Stage { request, scope, to, expires, freeze };
            good(&scene, Act::Authority(Box::new(stage)))
        }
        "stale_capability" => {
            let by = Presented { generation: Generation(7), ..scene.by.clone() };
            Input::Act { by, act: ask }
        }
        "scope_violation" => {
            let scope = Scope::role(scene.role("Buyer")).union(Scope::LIFECYCLE);
            let by = Presented { scope, ..scene.by.clone() };
            Input::Act { by, act: scene.receiving("Seller", "Buyer", None) }
        }
        "stale_attachment" => {
            let role = scene.role("Buyer");
            scene.done(Act::Attach { role });
            let by = Presented { over: Some(Epoch::new(0, 7)), ..scene.by.clone() };
            Input::Act { by, act: ask }
        }
        "stale_fencing" => {
            let session = scene.by.session;
            let recovered = |fencing| Input::Recovered { session, fencing };
            scene.machine.handle(Tick(0), recovered(3)).unwrap();
            recovered(3)
        }
        "position_conflict" => {
            scene.done(scene.sending("Buyer", "Seller", "ask", "Ulysses", Some(0)));
            good(&scene, scene.sending("Buyer", "Seller", "ask", "Dubliners", Some(0)))
        }
        "too_old" => {
            scene.done(ask.clone());
            good(&scene, scene.sending("Buyer", "Seller", "ask", "Ulysses", Some(0)))
        }
        "ahead" => good(&scene, scene.acknowledging("Seller", 2)),
        "ambiguous_receive" => {
            scene = Scene::new(RACE);
            scene.send("Left", "Hub", "l", 1);
            scene.send("Right", "Hub", "r", 2);
            good(&scene, scene.acknowledging("Hub", 1))
        }
        "terminal" => {
            scene.done(Act::Cancel { reason: "lost interest".into() });
            good(&scene, ask)
        }
        "unknown_owner" => {
            let (owner, evidence) = (Owner::new("stranger").unwrap(), Death::Lifecycle);
            good(&scene, Act::Authority(Box::new(Authority::OwnerDied { owner, evidence })))
        }
        "host_only" => {
            let (request, owner) = (RequestId(1), scene.by.owner.clone());
            let scope = Scope::LIFECYCLE;
            scene.change(Authority::Release { request, scope });
            good(&scene, Act::Authority(Box::new(Authority::Claim { request, owner, scope })))
        }
        "token_spent" => {
            scene.change(Authority::IssueToken { request: RequestId(1) });
            scene.change(Authority::Renew { serial: Serial(1) });
            scene.change(Authority::ConfirmToken { serial: Serial(2) });
            let renew = Authority::Renew { serial: Serial(1) };
            good(&scene, Act::Authority(Box::new(renew)))
        }
        "token_unknown" => {
            scene.change(Authority::IssueToken { request: RequestId(1) });
            let renew = Authority::Renew { serial: Serial(3) };
            good(&scene, Act::Authority(Box::new(renew)))
        }
        "draining" => {
            scene.done(ask);
            scene.done(Act::Drain { deadline: None });
            good(&scene, scene.sending("Buyer", "Seller", "buy", (), None))
        }
        "not_allowed" => good(&scene, scene.sending("Buyer", "Seller", "buy", (), None)),
        "wrong_sort" => {
            scene.done(ask);
            scene.receive("Seller", "Buyer");
            let offer = Value::Record(vec![(Name::new("price").unwrap(), Value::Int(-3))]);
            good(&scene, scene.sending("Seller", "Buyer", "offer", offer, None))
        }
        "edge_full" => {
            scene = Scene::with(Machine::new(), RACE, |_, open| open.capacities.every = Some(2));
            scene.send("Left", "Hub", "l", 1);
            scene.send("Left", "Hub", "l", 2);
            good(&scene, scene.sending("Left", "Hub", "l", 3, None))
        }
        "edge_empty" => good(&scene, scene.receiving("Seller", "Buyer", None)),
        "unknown_edge" => {
            let handler = Some(Name::new("shop").unwrap());
            good(&scene, Act::Bind { edge: Some(EdgeIx(2)), handler })
        }
        "predicate_false" => {
            let buyer = scene.role("Buyer");
            let predicate = Predicate::all([
                Predicate::at_state(buyer, StateIx(0)),
                Predicate::position(scene.role("Seller"), Position(1)),
                Predicate::not(&Predicate::edge_empty(buyer, scene.role("Seller"))).unwrap(),
            ]);
            let (request, predicate) = (RequestId(1), predicate.unwrap());
            let issue = Authority::IssueReadiness { request, predicate };
            good(&scene, Act::Authority(Box::new(issue)))
        }
        "invalid_witness" | "witness_spent" => {
            let (request, buyer) = (RequestId(1), scene.role("Buyer"));
            let predicate = Predicate::position(buyer, Position(0));
            let issued = scene.change(Authority::IssueReadiness { request, predicate });
            let Accepted::Witness(mut witness) = issued else { panic!("{issued:?}") };
            match code {
                "invalid_witness" => witness.predicate = Predicate::at_state(buyer, StateIx(0)),
                _ => {
                    scene.change(Authority::ConsumeReadiness { witness: (*witness).clone() });
                }
            }
            let consume = Authority::ConsumeReadiness { witness: *witness };
            good(&scene, Act::Authority(Box::new(consume)))
        }
        "timer_not_armed" => {
            let disarm = Authority::DisarmTimer { timer: TimerId(3) };
            good(&scene, Act::Authority(Box::new(disarm)))
        }
        "bad_policy" => {
            let (from, to) = (scene.role("Buyer"), scene.role("Seller"));
            let policies = vec![(Edge { from, to }, Policy::DropOldest)];
            Input::Open(Open { policies, ..open(&scene.protocol, 2) })
        }
        "not_terminal" => Input::Reap { session: scene.by.session },
        "not_durable" => {
            scene = Scene::with(Machine::new(), TRADE, |_, open| open.journal = true);
            scene.send("Buyer", "Seller", "ask", "Ulysses");
            scene.machine.seal();
            scene.persisted(1, 1);
            scene.done(Act::Close);
            Input::Reap { session: scene.by.session }
        }
        other => panic!("no row for {other}"),
    };
    (scene, input)
}

const CODES: [&str; 39] = [
    "unknown_session",
    "session_exists",
    "unknown_protocol",
    "bad_capacity",
    "capacity_unchecked",
    "unknown_role",
    "unclaimed",
    "stale_capability",
    "scope_violation",
    "stale_attachment",
    "position_conflict",
    "too_old",
    "ahead",
    "ambiguous_receive",
    "terminal",
    "already_claimed",
    "transfer_pending",
    "transfer_not_pending",
    "receipt_mismatch",
    "receipt_spent",
    "too_many_outstanding",
    "unknown_owner",
    "host_only",
    "token_spent",
    "token_unknown",
    "draining",
    "not_allowed",
    "wrong_sort",
    "edge_full",
    "edge_empty",
    "unknown_edge",
    "predicate_false",
    "invalid_witness",
    "witness_spent",
    "timer_not_armed",
    "stale_fencing",
    "bad_policy",
    "not_terminal",
    "not_durable",
];

/// The codes as the source has them: `Refusal` may grow, so that a match here needs a wildcard.
fn codes_in_the_source() -> Vec<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/machine/refuse.rs");
    let source = std::fs::read_to_string(path).unwrap();
    let (_, code) = source.split_once("pub fn code(&self)").unwrap();
    let (code, _) = code.split_once("pub fn clause(&self)").unwrap();
    code.lines()
        .filter_map(|line| line.trim().strip_prefix("Self::")?.split('"').nth(1))
        .map(ToOwned::to_owned)
        .collect()
}

#[test]
fn every_refusal_has_a_row() {
    assert_eq!(codes_in_the_source(), CODES);
}

#[test]
fn every_refusal_is_reached_and_explains_itself() {
    let mut shown = String::new();
    for code in CODES {
        let (mut scene, input) = row(code);
        let refusal = scene.refused(input);
        assert_eq!(refusal.code(), code);
        shown += &format!(
            "{code} [{}]\n    {}\n",
            refusal.clause(),
            refusal.to_string().replace('\n', "\n    ")
        );
    }
    insta::assert_snapshot!(shown, @r#"
    unknown_session [MACH-1]
        there is no session 0000000000000000000000000000dead
    session_exists [MACH-2]
        session 00000000000000000000000000000001 exists already, opened differently; choose a fresh id
    unknown_protocol [MACH-2]
        there is no protocol abababababababababababababababababababababababababababababababab; register it first
    bad_capacity [EDGE-1]
        the capacity of the edge Seller → Buyer would be 1048577; it must be from 1 to 1048576
    capacity_unchecked [EDGE-7]
        it is not known that the roles are safe together at any capacity; check their composition first, or insist with `unchecked`
    unknown_role [MACH-3]
        the protocol has no such role; its roles are `Buyer`, `Seller`
    unclaimed [AUTH-7]
        nobody owns all of Fragments{Buyer}: it was released; claim it first
    stale_capability [AUTH-1]
        the capability is of generation 7, the live one is 1
    scope_violation [AUTH-2]
        the capability covers Fragments{lifecycle, Buyer}, the operation needs Fragments{Seller}
    stale_attachment [ATT-5]
        somebody else is attached to the role, at epoch 0.1
    position_conflict [POS-1]
        position 0 is taken: the send of `ask` to `Seller` with another value was performed there
    too_old [POS-1]
        position 0 is older than what is remembered, from 1 on
    ahead [POS-1]
        position 2 is ahead: the endpoint is at 0
    ambiguous_receive [POS-2]
        position 0 does not tell which message was received: receive by sender
    terminal [LIFE-1]
        the session has ended: it is cancelled (lost interest)
    already_claimed [AUTH-10]
        Fragments{Seller} has an owner, of generation 1; it must be released first
    transfer_pending [AUTH-13]
        transfer 0 is in flight: commit it or roll it back first
    transfer_not_pending [AUTH-11]
        there is no transfer 1: it was never staged
    receipt_mismatch [AUTH-11]
        the receipt of transfer 0 is not what was staged, or for another owner
    receipt_spent [AUTH-12]
        the receipt of transfer 0 is spent; the journal says what became of it
    too_many_outstanding [AUTH-16]
        64 transfers, witnesses and timers are outstanding; settle one of them first
    unknown_owner [AUTH-23]
        `stranger` owns nothing of the session: there is nothing to be lost
    host_only [AUTH-26]
        the lifecycle is nobody's: only the host gives it an owner, by `reclaim`
    token_spent [TOKEN-4]
        the token of serial 1 is spent; the current one is 2
    token_unknown [TOKEN-3]
        no token of serial 3 was issued for this holding; the last one is 1
    draining [LIFE-2]
        the session is draining: it accepts no more sends
    not_allowed [MACH-4]
        `Buyer` cannot send `buy` to `Seller` at position 0
        legal now: Seller!ask(string)
    wrong_sort [VALUE-1]
        `offer`: expected `nat` at `$.price`, found -3, below 0
    edge_full [EDGE-2]
        the edge Left → Hub is full: it holds 2 messages; send again when one was received
    edge_empty [EDGE-3]
        the edge Buyer → Seller is empty: there is nothing to receive yet
    unknown_edge [MACH-3]
        the protocol has no such edge; its edges are Buyer → Seller, Seller → Buyer
    predicate_false [WITN-2]
        this is not so now: all of (`Buyer` is in state 0, `Seller` is at position 1 or behind, not (the edge Buyer → Seller is empty))
    invalid_witness [WITN-4]
        witness 0 is not what was issued
    witness_spent [WITN-3]
        witness 0 is spent; the journal says what became of it
    timer_not_armed [TIMER-4]
        timer 3 is not armed
    stale_fencing [ATT-6]
        the session is in fencing epoch 3: it is recovered into a later one
    bad_policy [EDGE-13]
        the edge Buyer → Seller cannot have the policy `drop_oldest`: none of its messages may be dropped, as none leaves the receiver where it is wherever it is received
    not_terminal [LIFE-13]
        the session is active: only one that has ended is reaped
    not_durable [LIFE-13]
        1 of 3 records are durable; seal and persist the rest first
    "#);
}

#[test]
fn an_edge_that_is_none_is_refused_at_the_opening_too() {
    let mut scene = Scene::new(TRADE);
    let nowhere = Edge { from: RoleIx(0), to: RoleIx(9) };
    let capacities = Capacities { edges: vec![(nowhere, 1)], ..Capacities::every(0) };
    let refusal = scene.refused(Input::Open(Open { capacities, ..open(&scene.protocol, 2) }));
    assert_eq!(refusal.code(), "unknown_edge", "before the capacities");
}

/// Two things are wrong: the one that is checked first is named.
#[test]
fn the_first_thing_that_is_wrong_is_named() {
    let stale = |by: &Presented| Presented { generation: Generation(9), ..by.clone() };
    let narrow = |by: &Presented| Presented { scope: Scope::LIFECYCLE, ..by.clone() };
    let other = |by: &Presented| Presented { owner: Owner::new("thief").unwrap(), ..by.clone() };
    let same = Presented::clone;
    type By = fn(&Presented) -> Presented;
    let run = |first: &dyn Fn(&mut Scene), by: By, act: &dyn Fn(&Scene) -> Act| {
        let mut scene =
            Scene::with(Machine::new(), TRADE, |_, open| open.capacities.every = Some(1));
        first(&mut scene);
        let (by, act) = (by(&scene.by), act(&scene));
        scene.refused(Input::Act { by, act }).code()
    };
    let nothing = |_: &mut Scene| {};
    let asked = |scene: &mut Scene| {
        scene.done(scene.sending("Buyer", "Seller", "ask", "x", Some(0)));
    };
    let closed = |scene: &mut Scene| {
        scene.done(scene.sending("Buyer", "Seller", "ask", "x", Some(0)));
        scene.done(Act::Close);
    };
    let draining = |scene: &mut Scene| {
        scene.done(scene.sending("Buyer", "Seller", "ask", "x", Some(0)));
        scene.done(Act::Drain { deadline: None });
    };
    let send = |to: &'static str, label: &'static str, value: i64, at: Option<u64>| {
        move |scene: &Scene| scene.sending("Buyer", to, label, value, at)
    };
    let by_nobody = |scene: &Scene| scene.sending("Nobody", "Seller", "ask", 1, Some(9));
    assert_eq!(run(&closed, stale, &by_nobody), "unknown_role");
    assert_eq!(
        run(
            &nothing,
            |by| Presented { scope: Scope::LIFECYCLE, generation: Generation(9), ..by.clone() },
            &send("Seller", "ask", 1, None)
        ),
        "stale_capability"
    );
    assert_eq!(run(&closed, other, &send("Seller", "ask", 1, Some(0))), "stale_capability");
    assert_eq!(run(&closed, narrow, &send("Seller", "ask", 1, Some(0))), "scope_violation");
    assert_eq!(run(&closed, same, &send("Seller", "ask", 1, Some(0))), "position_conflict");
    assert_eq!(run(&closed, same, &send("Seller", "ask", 1, Some(5))), "ahead");
    assert_eq!(run(&closed, same, &send("Seller", "ask", 1, Some(1))), "terminal");
    assert_eq!(run(&draining, same, &send("Seller", "ask", 1, Some(0))), "position_conflict");
    assert_eq!(run(&draining, same, &send("Seller", "ask", 1, None)), "draining");
    assert_eq!(run(&nothing, same, &send("Nobody", "ask", 1, None)), "not_allowed");
    assert_eq!(run(&nothing, same, &send("Seller", "none", 1, None)), "not_allowed");
    assert_eq!(run(&nothing, same, &send("Seller", "ask", 1, None)), "wrong_sort");
    assert_eq!(run(&asked, same, &send("Seller", "buy", 1, None)), "not_allowed");
    let bind = |_: &Scene| Act::Bind { edge: Some(EdgeIx(9)), handler: None };
    assert_eq!(run(&closed, narrow, &bind), "terminal");
    assert_eq!(run(&nothing, narrow, &bind), "unknown_edge");
    assert_eq!(
        run(&closed, |by| Presented { scope: Scope::role(RoleIx(0)), ..by.clone() }, &bind),
        "scope_violation"
    );

    // A value of the wrong sort on an edge that is full.
    let mut race = Scene::with(Machine::new(), RACE, |_, open| open.capacities.every = Some(1));
    race.send("Left", "Hub", "l", 1);
    let wrong = race.sending("Left", "Hub", "l", "text", None);
    assert_eq!(race.refused_act(wrong).code(), "wrong_sort");
}

#[test]
fn numbers_that_no_protocol_has_are_refused_like_unknown_names() {
    let mut scene = Scene::new(TRADE);
    for number in [2, 3, 126, 127, 128, 1000, u16::MAX - 1, u16::MAX] {
        let (role, label) = (RoleIx(number), LabelIx(number.max(4)));
        let send =
            |role, to, label| Act::Send(Send { role, to, label, value: Value::Unit, at: None });
        let receive = |role, from| Act::Receive(Receive { role, from, at: None });
        assert_eq!(scene.refused_act(send(role, RoleIx(1), LabelIx(0))).code(), "unknown_role");
        assert_eq!(scene.refused_act(send(RoleIx(0), role, LabelIx(0))).code(), "not_allowed");
        assert_eq!(scene.refused_act(send(RoleIx(0), RoleIx(1), label)).code(), "not_allowed");
        assert_eq!(scene.refused_act(receive(role, RoleIx(0))).code(), "unknown_role");
        assert_eq!(scene.refused_act(receive(RoleIx(1), role)).code(), "not_allowed");
        let bind = Act::Bind { edge: Some(EdgeIx(number)), handler: None };
        assert_eq!(scene.refused_act(bind).code(), "unknown_edge");
    }
    let ack = Act::Acknowledge { role: RoleIx(1), position: Position(u64::MAX) };
    assert_eq!(scene.refused_act(ack).code(), "ahead");
    let send = scene.sending("Buyer", "Seller", "ask", "x", Some(u64::MAX));
    assert_eq!(scene.refused_act(send).code(), "ahead");
}

#[test]
fn a_wide_choice_lists_so_many_moves_and_counts_the_rest() {
    let branches: Vec<String> = (0..100).map(|n| format!("m{n} . end")).collect();
    let branches = branches.join(", ");
    let mut scene = Scene::new(&format!("A = B!{{ {branches} }}   B = A?{{ {branches} }}"));
    let refusal = scene.refused_act(scene.sending("A", "B", "other", (), None));
    let Refusal::NotAllowed(refused) = &refusal else { panic!("{refusal}") };
    assert_eq!((refused.legal.len(), refused.more), (MOVES_SHOWN_MAX, 100 - MOVES_SHOWN_MAX));
    assert!(refusal.to_string().ends_with(", and 36 more"));
}

#[test]
fn only_so_many_sends_are_remembered() {
    let mut scene = Scene::with(Machine::new(), RACE, |_, open| open.capacities.every = Some(1000));
    let count = REMEMBERED_MAX as u64 + 5;
    for at in 0..count {
        scene.done(scene.sending("Left", "Hub", "l", at, Some(at)));
    }
    for at in 0..count {
        let again = scene.sending("Left", "Hub", "l", at, Some(at));
        if at < 5 {
            let refusal = scene.refused_act(again);
            let oldest = Position(5);
            assert_eq!(refusal, Refusal::TooOld { at: Position(at), oldest });
        } else {
            assert_eq!(scene.done(again), Accepted::Duplicate { position: Position(count) });
        }
    }
}

/// DOOR-4.
#[test]
fn every_refusal_goes_through_the_door_with_what_explains_it() {
    use antiphon::wire::door::{Door, DoorLimits};
    for code in CODES {
        let (scene, input) = row(code);
        let (command, input) = written::command(&scene.machine, scene.now, &input);
        let mut machine = scene.machine.clone();
        let refusal = machine.handle(Tick(scene.now), input).expect_err(code);
        let mut door = Door::new(scene.machine, DoorLimits::default());
        let line = format!("{command}\n");
        let answer = door.feed(&mut line.as_bytes()).unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let refused = answer["refused"].as_object().unwrap_or_else(|| panic!("{code}: {answer}"));
        assert_eq!(refused["code"], code);
        assert_eq!(refused["clause"], refusal.clause());
        let message = refused["message"].as_str().unwrap();
        assert!(message == refusal.to_string() || code == "wrong_sort", "{message}");
        // A number or a name of the message is in the data, too.
        let bare = ["draining", "too_many_outstanding", "host_only"].contains(&code);
        assert_eq!(refused.len() == 3, bare, "{code}: {answer}");
        if code == "wrong_sort" {
            assert_eq!((&refused["path"], &refused["label"]), (&"$".into(), &"offer".into()));
            assert_eq!(refused["expected"], "`{price: nat}`");
        }
    }
}
