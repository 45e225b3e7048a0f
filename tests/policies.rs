//! What edges do when they are full, as stories.
#![cfg(feature = "syntax")]

use crate::scene::{Scene, open};
use antiphon::machine::*;
use antiphon::types::*;

/// `level` and `noise` change nothing at the hub; `mode` does, and must arrive.
const TELEMETRY: &str = "
    Sensor = rec X . Hub!{ level(int) . X, noise(int) . X,
        mode(int) . rec Y . Hub!{ level(int) . Y, mode(int) . X, stop(int) . end } }
    Hub = rec X . Sensor?{ level(int) . X, noise(int) . X,
        mode(int) . rec Y . Sensor?{ level(int) . Y, mode(int) . X, stop(int) . end } }
";

fn telemetry(capacity: u32, policy: Policy) -> Scene {
    Scene::with(Machine::new(), TELEMETRY, |protocol, open| {
        open.capacities.every = Some(capacity);
        open.policies = vec![(between(protocol, "Sensor", "Hub"), policy)];
        open.journal = true;
    })
}

fn between(protocol: &Protocol, from: &str, to: &str) -> Edge {
    Edge { from: protocol.role(from).unwrap(), to: protocol.role(to).unwrap() }
}

fn edge(scene: &Scene) -> EdgeView<'_> {
    let view = scene.machine.session(scene.by.session).unwrap();
    view.edges().next().unwrap()
}

/// What is on the edge: place, label, value.
fn queued(scene: &Scene) -> Vec<String> {
    scene.machine.check_invariants().unwrap();
    let shown = |(seq, queued): (Seq, &Queued)| {
        let label = scene.protocol.label_name(scene.protocol.message(queued.message).label);
        format!("{seq} {label} {}", queued.value)
    };
    edge(scene).seqs().zip(edge(scene).messages()).map(shown).collect()
}

fn say(scene: &mut Scene, label: &str, value: i64) {
    scene.send("Sensor", "Hub", label, value);
}

#[track_caller]
fn is_full(scene: &mut Scene, label: &str) {
    let act = scene.sending("Sensor", "Hub", label, 0, None);
    assert_eq!(scene.refused_act(act).code(), "edge_full");
}

#[track_caller]
fn hears(scene: &mut Scene) -> (u64, i64, u64) {
    match scene.receive("Hub", "Sensor") {
        Accepted::Received(Received { seq, value: Value::Int(n), position, .. }) => {
            (seq.0, n, position.0)
        }
        other => panic!("{other:?}"),
    }
}

fn bind(scene: &mut Scene, handler: Option<&str>) {
    let handler = handler.map(|name| Name::new(name).unwrap());
    scene.done(Act::Bind { edge: None, handler });
}

/// Every delivery that is due: its place, and how many were dropped before it.
fn delivered(scene: &mut Scene) -> Vec<(u64, u64)> {
    let batches = scene.machine.journal_len(scene.by.session).unwrap();
    scene.machine.seal();
    scene.persisted(1, batches);
    let outputs = scene.outputs().into_iter();
    outputs
        .filter_map(|output| match output {
            Output::Deliver(deliver) => Some((deliver.seq.0, deliver.dropped_before)),
            _ => None,
        })
        .collect()
}

/// EDGE-14, EDGE-17.
#[test]
fn telemetry_over_a_full_edge_keeps_the_newest() {
    let mut scene = telemetry(3, Policy::DropOldest);
    (1..=10).for_each(|n| say(&mut scene, "level", n));
    assert_eq!(queued(&scene), ["7 level 8", "8 level 9", "9 level 10"]);
    let seen = (edge(&scene).sent().0, edge(&scene).consumed().0, edge(&scene).dropped());
    assert_eq!((seen, edge(&scene).dropped_before()), ((10, 0, 7), 7));
    // What was dropped is no action of the receiver.
    assert_eq!(hears(&mut scene), (7, 8, 1));
    assert_eq!(edge(&scene).dropped_before(), 0);
    assert_eq!(hears(&mut scene), (8, 9, 2));
    assert_eq!(edge(&scene).consumed().0, 2);
}

/// EDGE-11, EDGE-14: from among the others, and for them.
#[test]
fn words_that_must_arrive_are_never_dropped() {
    let mut scene = telemetry(3, Policy::DropOldest);
    for (label, value) in [("level", 1), ("mode", 2), ("level", 3), ("mode", 4)] {
        say(&mut scene, label, value);
    }
    assert_eq!(queued(&scene), ["1 mode 2", "2 level 3", "3 mode 4"]);
    say(&mut scene, "level", 5);
    assert_eq!(queued(&scene), ["1 mode 2", "3 mode 4", "4 level 5"]);
    say(&mut scene, "mode", 6);
    assert_eq!(queued(&scene), ["1 mode 2", "3 mode 4", "5 mode 6"]);
    is_full(&mut scene, "level");
    is_full(&mut scene, "mode");
    let heard: Vec<_> = (0..3).map(|_| hears(&mut scene)).collect();
    assert_eq!(heard, [(1, 2, 1), (3, 4, 2), (5, 6, 3)]);
    // The hub stands where the sensor does.
    say(&mut scene, "stop", 7);
    assert_eq!(hears(&mut scene), (6, 7, 4));
    assert_eq!(scene.status(), "closed");
}

/// EDGE-15.
#[test]
fn the_latest_value_takes_the_place_of_those_before() {
    let mut scene = telemetry(3, Policy::LatestValue);
    for (label, value) in [("level", 1), ("noise", 2), ("level", 3)] {
        say(&mut scene, label, value);
    }
    assert_eq!(queued(&scene), ["1 noise 2", "2 level 3"], "and the edge was not full");
    say(&mut scene, "mode", 4);
    say(&mut scene, "level", 5);
    assert_eq!(queued(&scene), ["1 noise 2", "3 mode 4", "4 level 5"]);
    is_full(&mut scene, "mode");
    assert_eq!(hears(&mut scene), (1, 2, 1));
    assert_eq!(edge(&scene).dropped_before(), 1);

    let mut scene = telemetry(1, Policy::LatestValue);
    (1..=5).for_each(|n| say(&mut scene, "level", n));
    assert_eq!(queued(&scene), ["4 level 5"]);
    is_full(&mut scene, "noise");
}

/// EDGE-16: a message that a handler has is consumed by the receive that follows, and each is
/// delivered once.
#[test]
fn what_a_handler_has_is_not_dropped() {
    for policy in [Policy::DropOldest, Policy::LatestValue] {
        let mut scene = telemetry(2, policy);
        bind(&mut scene, Some("log"));
        (1..=5).for_each(|n| say(&mut scene, "level", n));
        assert_eq!(queued(&scene), ["0 level 1", "4 level 5"]);
        assert_eq!(delivered(&mut scene), [(0, 0)]);
        assert_eq!(hears(&mut scene), (0, 1, 1));
        assert_eq!(delivered(&mut scene), [(4, 3)]);
        say(&mut scene, "level", 6);
        assert_eq!(queued(&scene), ["4 level 5", "5 level 6"]);
        assert_eq!(hears(&mut scene), (4, 5, 2));
        assert_eq!(delivered(&mut scene), [(5, 0)]);
    }
}

/// EDGE-16: where nothing but the head is there, nothing can be dropped; without handlers it can.
#[test]
fn an_edge_of_one_drops_only_without_handlers() {
    let mut scene = telemetry(1, Policy::DropOldest);
    bind(&mut scene, Some("log"));
    say(&mut scene, "level", 1);
    is_full(&mut scene, "level");
    bind(&mut scene, None);
    say(&mut scene, "level", 2);
    assert_eq!(queued(&scene), ["1 level 2"]);
}

/// EDGE-12, EDGE-13, EDGE-18.
#[test]
fn policies_that_cannot_be_are_refused() {
    let refused = |text: &str, capacity: u32, policy: Policy| {
        let mut scene = Scene::new(text);
        let policies = vec![(between(&scene.protocol, "A", "B"), policy)];
        let capacities = Capacities::every(capacity).unchecked();
        let open = Open { policies, capacities, ..open(&scene.protocol, 2) };
        scene.refused(Input::Open(open)).to_string()
    };
    const ONCE: &str = "A = B!x . end   B = A?x . end";
    // A loop in one state, and a way out of it in another.
    const SOMETIMES: &str = "
        A = rec X . B!{ x . X, y . B!x . end }
        B = rec X . A?{ x . X, y . A?x . end }";
    // A message that could be dropped, beside one that carries an endpoint.
    const CHAN: &str = "
        A = rec X . B!{ x . X, y(chan(C!z . end)) . X }
        B = rec X . A?{ x . X, y(chan(C!z . end)) . X }";
    for policy in [Policy::DropOldest, Policy::LatestValue] {
        for text in [ONCE, SOMETIMES] {
            let refusal = refused(text, 4, policy);
            assert!(refusal.contains("none of its messages may be dropped"), "{refusal}");
        }
    }
    for policy in [Policy::DropOldest, Policy::LatestValue, Policy::Resize { max: 64 }] {
        let refusal = refused(CHAN, 4, policy);
        assert!(refusal.contains("it carries a `chan`"), "{refusal}");
    }
    let refusal = refused(ONCE, 4, Policy::Resize { max: 3 });
    assert!(refusal.contains("it begins with 4, and cannot grow to less"), "{refusal}");
    let refusal = refused(ONCE, 4, Policy::Resize { max: CAPACITY_MAX + 1 });
    assert!(refusal.contains("would be 1048577"), "{refusal}");
}

/// EDGE-10, MACH-3.
#[test]
fn the_last_policy_of_an_edge_holds() {
    let mut scene = telemetry(2, Policy::Block);
    let there = between(&scene.protocol, "Sensor", "Hub");
    let opened = |policies: &[(Edge, Policy)]| {
        let policies = policies.to_vec();
        Input::Open(Open { policies, journal: true, ..open(&scene.protocol, 2) })
    };
    let input = opened(&[(there, Policy::DropOldest), (there, Policy::Block)]);
    let again = opened(&[]);
    let other = opened(&[(there, Policy::DropOldest)]);
    let nowhere = Edge { from: there.to, to: there.from };
    let unknown = opened(&[(nowhere, Policy::Block)]);
    assert_eq!(scene.refused(unknown).code(), "unknown_edge");
    scene.machine.handle(Tick(0), input).unwrap();
    let view = scene.machine.session(SessionId(2)).unwrap();
    assert_eq!(view.edges().next().unwrap().policy(), Policy::Block);
    scene.machine.handle(Tick(0), again).unwrap();
    assert_eq!(scene.refused(other).code(), "session_exists");
}

/// EDGE-18.
#[test]
fn an_edge_grows_to_its_maximum_and_no_further() {
    let mut scene = telemetry(1, Policy::Resize { max: 3 });
    let mut capacities = Vec::new();
    for n in 1..=3 {
        say(&mut scene, "level", n);
        capacities.push(edge(&scene).capacity());
    }
    assert_eq!((capacities, edge(&scene).capacity_start()), (vec![1, 2, 3], 1));
    is_full(&mut scene, "level");
    assert_eq!(queued(&scene), ["0 level 1", "1 level 2", "2 level 3"]);
    (1..=3).for_each(|n| assert_eq!(hears(&mut scene).1, n));
    assert_eq!((edge(&scene).capacity(), edge(&scene).dropped()), (3, 0), "it does not shrink");
    // It is still the session that was opened.
    let mut again = open(&scene.protocol, 1);
    (again.capacities.every, again.journal) = (Some(1), true);
    again.policies = vec![(between(&scene.protocol, "Sensor", "Hub"), Policy::Resize { max: 3 })];
    scene.machine.handle(Tick(0), Input::Open(again)).unwrap();
}

/// EDGE-18: each sends two before it receives, and one of the edges has to have room for both.
#[test]
fn roles_are_safe_where_an_edge_begins_and_where_it_ends() {
    let mut scene = Scene::new(
        "A = B!x . B!x . B?y . B?y . end
         B = A!y . A!y . A?x . A?x . end",
    );
    let edges = scene.protocol.edges().to_vec();
    let mut at = |every: u32, policy: Policy| {
        let policies = edges.iter().map(|edge| (*edge, policy)).collect();
        let (capacities, session) = (Capacities::every(every), SessionId(2));
        let open = Open { session, policies, capacities, ..open(&scene.protocol, 2) };
        let opened = scene.machine.handle(Tick(0), Input::Open(open));
        let checked = scene.machine.session(session).map(SessionView::is_checked);
        opened.map(|_| checked).map_err(|refusal| refusal.code())
    };
    assert_eq!(at(1, Policy::Resize { max: 2 }), Err("capacity_unchecked"));
    assert_eq!(at(2, Policy::Resize { max: 9 }), Ok(Some(true)));
}

/// EDGE-19.
#[test]
fn a_session_that_drops_messages_says_that_it_is_unchecked() {
    let mut scene = Scene::new(TELEMETRY);
    let there = between(&scene.protocol, "Sensor", "Hub");
    let policies = vec![(there, Policy::LatestValue)];
    let open = Open { policies, ..open(&scene.protocol, 2) };
    let asked = Open { capacities: Capacities::default(), ..open };
    // Nobody insists on capacities that are known to be unsafe; repeated, it is the same session.
    for _ in 0..2 {
        scene.machine.handle(Tick(0), Input::Open(asked.clone())).unwrap();
    }
    assert!(!scene.machine.session(SessionId(2)).unwrap().is_checked());
    let plain = Open { session: SessionId(3), policies: vec![], ..asked };
    scene.machine.handle(Tick(0), Input::Open(plain)).unwrap();
    assert!(scene.machine.session(SessionId(3)).unwrap().is_checked());
}

/// JRNL-3: what was dropped is dropped again, and what the records say reads back.
#[test]
fn a_replay_drops_the_same_messages() {
    for policy in [Policy::DropOldest, Policy::LatestValue, Policy::Resize { max: 5 }] {
        let mut scene = telemetry(2, policy);
        for n in 0..4 {
            let label = if n % 2 == 0 { "level" } else { "noise" };
            say(&mut scene, label, n);
        }
        bind(&mut scene, Some("log"));
        hears(&mut scene);
        say(&mut scene, "level", 7);
        say(&mut scene, "level", 8);
        scene.machine.seal();
        let mut records = Vec::new();
        for output in scene.outputs() {
            if let Output::Persist(batch) = output {
                records.extend(Record::decode_batch(&batch, &scene.protocol).unwrap());
            }
        }
        let replayed = Machine::replay(&scene.protocol, SessionId(1), &records).unwrap();
        replayed.check_invariants().unwrap();
        assert_eq!(replayed.digest(), scene.machine.digest(), "{policy}");
    }
}

/// EDGE-10: in process.
#[cfg(feature = "driver")]
#[test]
fn a_host_asks_for_a_policy() {
    use antiphon::{Session, driver::Options};
    let protocol: Protocol = TELEMETRY.parse().unwrap();
    let options = Options::default().capacities(Capacities::every(2));
    let options = options.policy(between(&protocol, "Sensor", "Hub"), Policy::DropOldest);
    let session = Session::open_with(&protocol, options).unwrap();
    let [mut sensor, mut hub] = session.endpoints(["Sensor", "Hub"]).unwrap();
    for n in 1..=5_i64 {
        sensor.try_send("Hub", "level", n).unwrap();
    }
    assert_eq!(hub.try_receive_from("Sensor").unwrap().1, Value::Int(4));
}

/// A client was shown the first reading and acknowledged it; the machine had dropped that one for
/// the second and took the acknowledgement for it, which the client has never seen. What was
/// received over an edge that drops messages has to be said.
#[test]
fn an_acknowledgement_over_an_edge_that_drops_is_refused() {
    let text = "
        Sensor = rec X . Reader!{ reading(nat) . X, stop . end }
        Reader = rec X . Sensor?{ reading(nat) . X, stop . end }
    ";
    let mut scene = Scene::with(Machine::observed(), text, |protocol, open| {
        open.policies = vec![(between(protocol, "Sensor", "Reader"), Policy::LatestValue)];
    });
    scene.send("Sensor", "Reader", "reading", 1_u64);
    scene.send("Sensor", "Reader", "reading", 2_u64);
    let role = scene.role("Reader");
    let acknowledge = Act::Acknowledge { role, position: Position(1) };
    let refused = scene.machine.act(Tick(0), &scene.by, acknowledge).unwrap_err();
    assert_eq!(refused.code(), "ambiguous_receive", "{refused}");
    scene.receive("Reader", "Sensor");
}
