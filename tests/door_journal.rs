//! What the door shows of a compiled protocol, and sessions that go on from their journals.
#![cfg(feature = "syntax")]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::reference::script::{self, Stage, Step};
use crate::schema::fits;
use crate::strategies::cases;
use crate::written;
use antiphon::machine::*;
use antiphon::types::syntax::json as types_json;
use antiphon::types::{Direction, Protocol, RoleIx, StateIx};
use antiphon::wire::door::{Door, DoorLimits};
use proptest::prelude::*;
use serde_json::{Value as Tree, json};

fn told(door: &mut Door, command: &Tree) -> Tree {
    let line = format!("{command}\n");
    let answer: Tree = serde_json::from_str(&door.feed(&mut line.as_bytes()).unwrap()).unwrap();
    let schema: Tree =
        serde_json::from_str(include_str!("../specs/schema/machine.schema.json")).unwrap();
    for (of, said) in [("command", command), ("answer", &answer)] {
        assert!(fits(&schema, &schema["$defs"][of], said), "{said}");
    }
    answer
}

fn door(protocols: &[Arc<Protocol>]) -> Door {
    let mut door = Door::new(Machine::observed(), DoorLimits::default());
    for protocol in protocols {
        let document: Tree =
            serde_json::from_str(&types_json::write_locals(protocol.locals())).unwrap();
        told(&mut door, &json!({"register": document, "unchecked": true}));
    }
    door
}

/// DOOR-7: every table of the library, number by number.
#[test]
fn a_compiled_protocol_is_shown_as_its_sessions_use_it() {
    for protocol in script::library() {
        let mut door = door(&[Arc::clone(protocol)]);
        let digest = protocol.digest().to_string();
        let shown = told(&mut door, &json!({"compiled": digest}))["ok"]["compiled"].clone();
        let known = door.machine().protocol(protocol.digest()).unwrap();
        assert_eq!(shown["protocol"], json!(digest));
        assert_eq!(shown["rooms"], json!(known.rooms()));
        let locals = types_json::write_locals(protocol.locals());
        assert_eq!(shown["locals"], serde_json::from_str::<Tree>(&locals).unwrap());
        for (edge, said) in known.edges().iter().zip(shown["edges"].as_array().unwrap()) {
            assert_eq!(said, &json!([edge.from.0, edge.to.0]));
        }
        for (message, said) in known.messages().iter().zip(shown["messages"].as_array().unwrap()) {
            assert_eq!(said["label"], json!(message.label.0));
            assert_eq!(said["shown"], json!(message.payload.sort().to_string()));
        }
        for (role, states) in (0..).zip(shown["automata"].as_array().unwrap()) {
            let automaton = known.automaton(RoleIx(role));
            assert_eq!(states.as_array().unwrap().len(), automaton.len());
            for (state, said) in (0..).map(StateIx).zip(states.as_array().unwrap()) {
                let direction = automaton.direction(state).map(|direction| match direction {
                    Direction::Send => "send",
                    Direction::Receive => "receive",
                });
                assert_eq!(said.get("direction").and_then(Tree::as_str), direction);
                let moves = automaton.moves(state).iter().map(|way| {
                    json!({
                        "peer": way.peer.0,
                        "label": way.label.0,
                        "message": way.message.0,
                        "edge": way.edge.0,
                        "next": way.next.0,
                        "ends": automaton.is_end(way.next),
                    })
                });
                assert_eq!(said["moves"], moves.collect::<Tree>());
            }
        }
    }
    let nobody = "0".repeat(64);
    let refused = told(&mut door(&[]), &json!({"compiled": nobody}));
    assert_eq!(refused["refused"]["code"], "unknown_protocol");
}

/// DOOR-7: each kind of evidence.
#[test]
fn evidence_is_shown_by_its_reasons() {
    let shown = |text: &str, unchecked: bool| {
        let mut door = door(&[]);
        let answer = told(&mut door, &json!({"register": {"text": text}, "unchecked": unchecked}));
        let digest = answer["ok"]["registered"]["protocol"].clone();
        told(&mut door, &json!({"compiled": digest}))["ok"]["compiled"]["evidence"].clone()
    };
    let global = "global protocol P(role A, role B) { hi() from A to B; }";
    assert_eq!(shown(global, false), json!([{"every": {}}]));
    let local = "A = B!hi . end   B = A?hi . end";
    assert_eq!(shown(local, true), json!([]));
    let checked = shown(local, false);
    assert!(checked[0].get("from").or(checked[0].get("bounds")).is_some(), "{checked}");
    let both = "A = B!x . B?y . end   B = A!y . A?x . end";
    assert_ne!(shown(both, false), json!([]));
}

/// What a host has kept of one session.
#[derive(Default)]
struct Kept {
    protocol: String,
    records: Vec<Tree>,
    head: Tree,
}

/// Runs a script, everything durable at its end; the door and what was kept, by session.
fn run(protocols: &[Arc<Protocol>], steps: &[Step]) -> (Door, BTreeMap<String, Kept>) {
    let (mut door, mut kept) = (door(protocols), BTreeMap::<String, Kept>::new());
    let mut stage = Stage::new(protocols.to_vec());
    for step in steps {
        let input = stage.input(door.machine(), step);
        let (command, _) = written::command(door.machine(), stage.now, &input);
        told(&mut door, &command);
        keep(&mut door, &mut kept, stage.now);
    }
    // A drain whose deadline had passed has run out since.
    keep(&mut door, &mut kept, stage.now);
    (door, kept)
}

fn keep(door: &mut Door, kept: &mut BTreeMap<String, Kept>, now: u64) {
    let answer = told(door, &json!({"seal": true}));
    for output in answer.get("outputs").and_then(Tree::as_array).into_iter().flatten() {
        let Some(batch) = output.get("persist") else { continue };
        let session = batch["session"].as_str().unwrap().to_owned();
        let protocol = door.machine().protocol_of(session.parse().unwrap()).unwrap().digest();
        let kept = kept.entry(session.clone()).or_default();
        kept.protocol = protocol.to_string();
        kept.records.extend(batch["records"].as_array().unwrap().iter().cloned());
        kept.head = batch["head"].clone();
        let durable = json!({"session": session, "upto": kept.records.len()});
        told(door, &json!({"at": now, "input": {"persisted": durable}}));
    }
}

fn resume(session: &str, kept: &Kept) -> Tree {
    json!({"resume": {
        "session": session,
        "protocol": kept.protocol,
        "records": kept.records,
        "head": kept.head,
    }})
}

proptest! {
    #![proptest_config(cases(32))]

    /// DOOR-8, JRNL-3: each session as it stood, whichever of them is taken up first.
    #[test]
    fn sessions_that_are_resumed_in_any_order_stand_where_they_stood(
        protocols in proptest::collection::vec(script::protocol(), 1..3),
        steps in prop_oneof![
            script::legal_script(true),
            script::wild_script(true),
            script::authority_script(true),
        ],
        backwards in any::<bool>(),
    ) {
        let (mut first, kept) = run(&protocols, &steps);
        let mut second = door(&protocols);
        let mut order: Vec<_> = kept.iter().collect();
        if backwards {
            order.reverse();
        }
        for (session, kept) in order {
            let answer = told(&mut second, &resume(session, kept));
            let wanted = json!({"resumed": {"session": session, "records": kept.records.len()}});
            prop_assert_eq!(&answer["ok"], &wanted, "{}", answer);
            prop_assert_eq!(answer.get("outputs"), None);
            let state = told(&mut first, &json!({"state": session}));
            if state["ok"].get("state").is_some() {
                prop_assert_eq!(&state["ok"], &told(&mut second, &json!({"state": session}))["ok"]);
            }
            let again = told(&mut second, &resume(session, kept));
            prop_assert_eq!(&again["refused"]["code"], "session_exists");
        }
        second.machine().check_invariants().map_err(|e| TestCaseError::fail(e.to_string()))?;
    }
}

const HELLO: &str =
    "A = rec X . B!{ hi(nat) . X, bye . end }   B = rec X . A?{ hi(nat) . X, bye . end }";

fn acts(session: &str, event: &Tree) -> Tree {
    let by = json!({"owner": "a", "generation": 1, "scope": "7"});
    json!({"at": 5, "input": {"act": {"session": session, "by": by, "event": event}}})
}

fn hello(door: &mut Door, session: &str, at: u64) {
    let protocol = HELLO.parse::<Protocol>().unwrap().digest().to_string();
    told(door, &json!({"register": {"text": HELLO}}));
    let open = json!({"session": session, "protocol": protocol, "owner": "a", "journal": true});
    told(door, &json!({"at": at, "input": {"open": open}}));
}

/// DOOR-8: what another session had not sealed yet is sealed when its turn comes.
#[test]
fn a_session_that_is_resumed_takes_nothing_from_the_others() {
    let (one, two) = (SessionId(1).to_string(), SessionId(2).to_string());
    let mut first = door(&[]);
    let mut kept = BTreeMap::new();
    hello(&mut first, &one, 3);
    keep(&mut first, &mut kept, 3);

    let mut second = door(&[]);
    hello(&mut second, &two, 90);
    let answer = told(&mut second, &resume(&one, &kept[&one]));
    assert_eq!(answer["ok"], json!({"resumed": {"session": one, "records": 1}}));
    let state = told(&mut second, &json!({"state": one}))["ok"]["state"].clone();
    assert_eq!(state["tick"], json!(3), "its own time, and not that of the others");
    let sealed = told(&mut second, &json!({"seal": true}));
    assert_eq!(sealed["outputs"][0]["persist"]["session"], json!(two));
    // It goes on where its journal ended.
    let say = json!({"send": {"role": "A", "to": "B", "label": "hi", "value": 1}});
    told(&mut second, &acts(&one, &say));
    let sealed = told(&mut second, &json!({"seal": true}));
    assert_eq!(sealed["outputs"][0]["persist"]["first"], json!(1));
}

/// DOOR-8: records that do not agree.
#[test]
fn the_first_record_that_does_not_agree_is_named_and_nothing_has_happened() {
    let one = SessionId(1).to_string();
    let (mut first, mut kept) = (door(&[]), BTreeMap::new());
    hello(&mut first, &one, 3);
    for value in 0..3 {
        let say = json!({"send": {"role": "A", "to": "B", "label": "hi", "value": value}});
        told(&mut first, &acts(&one, &say));
    }
    keep(&mut first, &mut kept, 5);
    let good = &kept[&one];
    let mut second = door(&[]);
    let unknown = told(&mut second, &resume(&one, good));
    assert_eq!(unknown["refused"]["code"], "unknown_protocol");
    told(&mut second, &json!({"register": {"text": HELLO}}));
    type Damage<'a> = (u64, &'a dyn Fn(&mut Vec<Tree>));
    let damages: [Damage<'_>; 4] = [
        (2, &|records| records[2]["outcome"]["sent"]["seq"] = json!(7)),
        (2, &|records| records[2]["event"]["send"]["label"] = json!("hoy")),
        (1, &|records| drop(records.remove(1))),
        (2, &|records| records[2]["tick"] = json!(2)),
    ];
    for (record, damage) in damages {
        let mut records = good.records.clone();
        damage(&mut records);
        let damaged = Kept { protocol: good.protocol.clone(), records, head: good.head.clone() };
        let answer = told(&mut second, &resume(&one, &damaged));
        assert_eq!(answer["error"]["code"], "replay", "{answer}");
        assert_eq!(answer["error"]["record"], json!(record), "{answer}");
        assert_eq!(told(&mut second, &json!({"sessions": true}))["ok"], json!({"sessions": []}));
    }
    assert!(told(&mut second, &resume(&one, good)).get("ok").is_some());
}
