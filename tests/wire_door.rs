//! The door and the machine behind it: the same verdicts, outputs and digests, and an answer to
//! anything.
#![cfg(feature = "syntax")]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::reference::script::{self, Stage, Step};
use crate::strategies::cases;
use crate::written;
use antiphon::machine::*;
use antiphon::types::syntax::json as types_json;
use antiphon::types::*;
use antiphon::wire::door::{Door, DoorLimits};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Tree, json};

fn door() -> Door {
    Door::new(Machine::new(), DoorLimits::default())
}

/// The answers to all lines of some bytes.
fn said(door: &mut Door, mut bytes: &[u8]) -> Vec<Tree> {
    let mut answers = Vec::new();
    while let Some(answer) = door.feed(&mut bytes) {
        answers.push(answer);
    }
    answers.extend(door.finish());
    answers.iter().map(|answer| serde_json::from_str(answer).unwrap()).collect()
}

/// The answer to a command.
fn told(door: &mut Door, command: &Tree) -> Tree {
    let mut answers = said(door, format!("{command}\n").as_bytes());
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

/// What an accepted input came to, as the door should say it.
fn accepted(protocol: Option<&Protocol>, accepted: &Accepted) -> Tree {
    match accepted {
        Accepted::Opened(by) => json!({"opened": {"session": by.session().to_string(), "by": {
            "owner": by.owner().as_str(),
            "generation": by.generation().0,
            "scope": format!("{:x}", by.scope().bits()),
        }}}),
        Accepted::Sent { seq, position } => {
            json!({"sent": {"seq": seq.0, "position": position.0}})
        }
        Accepted::Received(Received { from, seq, label, value, position }) => {
            let protocol = protocol.unwrap();
            json!({"received": {
                "from": protocol.role_name(*from).as_str(),
                "label": protocol.label_name(*label).as_str(),
                "value": value_tree(protocol, *label, value),
                "seq": seq.0,
                "position": position.0,
            }})
        }
        Accepted::Duplicate { position } => json!({"duplicate": {"position": position.0}}),
        Accepted::Acknowledged { position, performed } => {
            json!({"acknowledged": {"position": position.0, "performed": performed}})
        }
        Accepted::Issued(by) => json!({"issued": {"session": by.session().to_string(), "by": {
            "owner": by.owner().as_str(),
            "generation": by.generation().0,
            "scope": format!("{:x}", by.scope().bits()),
        }}}),
        Accepted::Staged(receipt) => json!({"staged": {"receipt": written::receipt(receipt)}}),
        Accepted::Done => json!({"done": {}}),
        Accepted::Serial(serial) => json!({"serial": {"serial": serial.0}}),
        Accepted::Witness(witness) => {
            json!({"witness": {"readiness": written::readiness(protocol, witness)}})
        }
        Accepted::Timer(timer) => json!({"timer": {"timer": timer.0}}),
        Accepted::Attached { epoch } => json!({"attached": {"epoch": written::epoch(*epoch)}}),
    }
}

fn value_tree(protocol: &Protocol, label: LabelIx, value: &Value) -> Tree {
    let messages = protocol.messages().iter().filter(|message| message.label == label);
    let mut sorts = messages.map(|message| message.payload.sort());
    let sort = sorts.find(|sort| sort.conform(value.clone()).as_ref() == Ok(value)).unwrap();
    antiphon::wire::json::write_value(sort, value)
}

/// What is left of a session, written by hand.
fn closed_tree(closed: &ClosedSession) -> Tree {
    let protocol = closed.protocol();
    let name = |role: RoleIx| protocol.role_name(role).as_str();
    let holding = |held: HoldingView<'_>| {
        json!({
            "owner": held.owner.as_str(),
            "generation": held.generation.0,
            "scope": format!("{:x}", held.scope.bits()),
            "released": held.released,
        })
    };
    let role = |role: EndpointView<'_>| {
        let mut said = json!({"role": role.name().as_str(), "position": role.position().0});
        if let Some((from, sends)) = role.remembered() {
            let send = |send: &Performed| {
                let message = protocol.message(send.message);
                let digest = send.digest.iter().map(|byte| format!("{byte:02x}"));
                json!({
                    "at": send.at.0,
                    "to": name(protocol.edges()[send.edge.index()].to),
                    "label": protocol.label_name(message.label).as_str(),
                    "sort": message.payload.sort().to_string(),
                    "digest": digest.collect::<String>(),
                })
            };
            let sends: Vec<Tree> = sends.map(send).collect();
            said["remembered"] = json!({"from": from.0, "sends": sends});
        }
        said
    };
    let edge = |edge: ClosedEdge<'_>| {
        let mut said = json!({
            "edge": {"from": name(edge.edge.from), "to": name(edge.edge.to)},
            "sent": edge.sent.0,
            "consumed": edge.consumed.0,
        });
        if edge.dropped > 0 {
            said["dropped"] = json!(edge.dropped);
        }
        if let Some(handler) = edge.handler {
            said["handler"] = json!(handler.as_str());
        }
        said
    };
    let mut said = json!({
        "session": closed.id().to_string(),
        "protocol": protocol.digest().to_string(),
        "status": closed.status().as_str(),
        "tick": closed.tick().0,
        "checked": closed.is_checked(),
        "holdings": closed.holdings().map(holding).collect::<Vec<_>>(),
        "roles": closed.endpoints().map(role).collect::<Vec<_>>(),
        "edges": closed.edges().map(edge).collect::<Vec<_>>(),
    });
    if let Some(reason) = closed.status().reason() {
        said["reason"] = json!(reason);
    }
    if let Some(handler) = closed.default_handler() {
        said["handler"] = json!(handler.as_str());
    }
    if let Some((records, head)) = closed.journal() {
        said["records"] = json!(records);
        said["head"] = json!(head.to_string());
    }
    said
}

/// The word and the numbers of an output.
fn output(protocol: &Protocol, output: &Output) -> (&'static str, Vec<Tree>) {
    let name = |role: RoleIx| json!(protocol.role_name(role).as_str());
    match output {
        Output::Persist(batch) => {
            ("persist", vec![json!(batch.first), json!(batch.count), json!(batch.head.to_string())])
        }
        Output::Deliver(deliver) => (
            "deliver",
            vec![
                json!(deliver.handler.as_str()),
                name(deliver.role),
                name(deliver.from),
                json!(deliver.seq.0),
                value_tree(protocol, deliver.label, &deliver.value),
                match deliver.dropped_before {
                    0 => Tree::Null,
                    dropped => json!(dropped),
                },
            ],
        ),
        Output::Event(Event::Opened { .. }) => ("opened", vec![]),
        Output::Event(Event::Draining { .. }) => ("draining", vec![]),
        Output::Event(Event::Advanced { role, peer, value, label, seq, position, .. }) => (
            "advanced",
            vec![
                name(*role),
                name(*peer),
                value_tree(protocol, *label, value),
                json!(seq.0),
                json!(position.0),
            ],
        ),
        Output::Event(Event::Authority { audit, .. }) => {
            let holding = |owner: &Owner, generation: &Generation, scope: &Scope| {
                vec![
                    json!(owner.as_str()),
                    json!(generation.0),
                    json!(format!("{:x}", scope.bits())),
                ]
            };
            match audit {
                Audit::Issued { owner, generation, scope } => {
                    ("issued", holding(owner, generation, scope))
                }
                Audit::Invalidated { owner, generation, scope } => {
                    ("invalidated", holding(owner, generation, scope))
                }
                Audit::Staged { receipt, to, scope } => {
                    let to = match to {
                        Recipient::Owner(owner) => json!(owner.as_str()),
                        Recipient::Bearer => Tree::Null,
                    };
                    ("staged", vec![json!(receipt.0), to, json!(format!("{:x}", scope.bits()))])
                }
                Audit::Committed { receipt } => ("committed", vec![json!(receipt.0)]),
                Audit::RolledBack { receipt } => ("rolled_back", vec![json!(receipt.0)]),
                Audit::Expired { receipt } => ("expired", vec![json!(receipt.0)]),
                Audit::Cancelled { reason } => ("cancelled", vec![json!(reason.as_str())]),
                Audit::Lost { owner } => ("lost", vec![json!(owner.as_str())]),
                Audit::Dropped { receipt } => ("dropped", vec![json!(receipt.0)]),
                Audit::Token { generation, serial } => {
                    ("token", vec![json!(generation.0), json!(serial.0)])
                }
                Audit::Confirmed { generation, serial } => {
                    ("confirmed", vec![json!(generation.0), json!(serial.0)])
                }
                Audit::WitnessIssued { witness, owner, generation, scope, external } => {
                    let mut said = holding(owner, generation, scope);
                    said.extend([json!(witness.0), json!(external)]);
                    ("witness_issued", said)
                }
                Audit::WitnessConsumed { witness } => ("witness_consumed", vec![json!(witness.0)]),
                Audit::WitnessExpired { witness } => ("witness_expired", vec![json!(witness.0)]),
                Audit::TimerArmed { timer, owner, generation } => (
                    "timer_armed",
                    vec![json!(timer.0), json!(owner.as_str()), json!(generation.0)],
                ),
                Audit::TimerDisarmed { timer } => ("timer_disarmed", vec![json!(timer.0)]),
                Audit::TimerExpired { timer, witness } => {
                    ("timer_expired", vec![json!(timer.0), json!(witness.0)])
                }
                other => panic!("compare {other:?} here"),
            }
        }
        Output::Event(Event::Ended { status, undelivered, .. }) => {
            let left = undelivered.iter();
            let left = left.map(|(e, n)| json!([{"from": name(e.from), "to": name(e.to)}, n]));
            ("ended", vec![json!(status.as_str()), json!(status.reason()), left.collect()])
        }
        Output::Event(Event::TimedOut { timer, witness }) => {
            ("timed_out", vec![json!(timer.0), written::timeout(Some(protocol), witness)])
        }
        Output::Event(Event::Attached { role, epoch, over, .. }) => {
            let (epoch, over) = (written::epoch(*epoch), over.map(written::epoch));
            ("attached", vec![json!(name(*role)), json!(epoch), json!(over)])
        }
        Output::Event(Event::Detached { role, epoch, .. }) => {
            ("detached", vec![json!(name(*role)), json!(written::epoch(*epoch))])
        }
        Output::Event(Event::Recovered { fencing, .. }) => ("recovered", vec![json!(fencing)]),
        other => panic!("compare {other:?} here"),
    }
}

/// The same of what the door says.
fn output_said(tree: &Tree) -> (String, Vec<Tree>, String) {
    let tree = tree.get("event").unwrap_or(tree);
    let (mut word, mut said) = tree.as_object().unwrap().iter().next().unwrap();
    let session = said["session"].as_str().unwrap().to_owned();
    if word == "authority" {
        (word, said) = said["audit"].as_object().unwrap().iter().next().unwrap();
    }
    let fields: &[&str] = match word.as_str() {
        "issued" | "invalidated" => &["owner", "generation", "scope"],
        "staged" => &["receipt", "to", "scope"],
        "witness_issued" => &["owner", "generation", "scope", "witness", "external"],
        "witness_consumed" | "witness_expired" => &["witness"],
        "timer_armed" => &["timer", "owner", "generation"],
        "timer_disarmed" => &["timer"],
        "timer_expired" | "timed_out" => &["timer", "witness"],
        "committed" | "rolled_back" | "expired" | "dropped" => &["receipt"],
        "cancelled" => &["reason"],
        "lost" => &["owner"],
        "token" | "confirmed" => &["generation", "serial"],
        "persist" => &["first", "count", "head"],
        "deliver" => &["handler", "role", "from", "seq", "value", "dropped_before"],
        "advanced" => &["role", "peer", "value", "seq", "position"],
        "ended" => &["status", "reason", "undelivered"],
        "attached" => &["role", "epoch", "over"],
        "detached" => &["role", "epoch"],
        "recovered" => &["fencing"],
        _ => &[],
    };
    let field = |field: &&str| match *field {
        "count" => json!(said["records"].as_array().unwrap().len()),
        field => said.get(field).cloned().unwrap_or(Tree::Null),
    };
    (word.clone(), fields.iter().map(field).collect(), session)
}

/// A door and a machine that hear the same.
struct Both {
    door: Door,
    twin: Machine,
    /// Which state has which digest, and the other way round.
    digests: BTreeMap<String, String>,
    states: BTreeMap<String, String>,
}

impl Both {
    fn tell(&mut self, now: u64, input: &Input) -> Result<(), TestCaseError> {
        let (command, input) = written::command(&self.twin, now, input);
        let session = match &input {
            Input::Open(open) => Some(open.session),
            Input::Act { by, .. } => Some(by.session),
            Input::Recovered { session, .. } => Some(*session),
            _ => None,
        };
        let verdict = self.twin.handle(Tick(now), input);
        let answer = told(&mut self.door, &command);
        let protocol = session.and_then(|session| self.twin.protocol_of(session));
        match &verdict {
            Ok(done) => {
                let wanted = accepted(protocol.map(AsRef::as_ref), done);
                prop_assert_eq!(answer.get("ok"), Some(&wanted), "{}: {}", command, answer);
            }
            Err(refusal) => {
                let refused = &answer["refused"];
                prop_assert_eq!(&refused["code"], refusal.code(), "{}: {}", command, answer);
                prop_assert_eq!(&refused["clause"], refusal.clause());
                if !matches!(refusal, Refusal::WrongSort { .. }) {
                    prop_assert_eq!(&refused["message"], &json!(refusal.to_string()));
                }
            }
        }
        self.outputs(&answer, now)?;
        self.digests(session)
    }

    /// The outputs of both are the same; what is to be made durable is said to be.
    fn outputs(&mut self, answer: &Tree, now: u64) -> Result<(), TestCaseError> {
        let outputs: Vec<Output> = std::iter::from_fn(|| self.twin.poll()).collect();
        let none = vec![];
        let said = answer.get("outputs").map_or(&none, |outputs| outputs.as_array().unwrap());
        prop_assert_eq!(outputs.len(), said.len(), "{}", answer);
        for (wanted, said) in outputs.iter().zip(said) {
            let (word, fields, session) = output_said(said);
            let protocol = self.twin.protocol_of(session.parse().unwrap()).unwrap();
            let (wanted_word, wanted) = output(protocol, wanted);
            prop_assert_eq!((word.as_str(), &fields), (wanted_word, &wanted));
        }
        for output in outputs {
            if let Output::Persist(batch) = output {
                let upto = batch.first + u64::from(batch.count);
                self.tell(now, &Input::Persisted { session: batch.session, upto })?;
            }
        }
        Ok(())
    }

    /// DOOR-5: one digest, one state.
    fn digests(&mut self, session: Option<SessionId>) -> Result<(), TestCaseError> {
        let answer = told(&mut self.door, &json!({"digest": true}));
        prop_assert_eq!(&answer["ok"]["digest"], &json!(self.twin.digest().to_string()));
        let Some(session) = session else { return Ok(()) };
        let answer = told(&mut self.door, &json!({"state": session.to_string()}));
        if let Some(closed) = self.twin.archived(session) {
            prop_assert_eq!(&answer["ok"], &json!({"closed": closed_tree(closed)}));
            return Ok(());
        }
        let Some(digest) = self.twin.session_digest(session) else {
            prop_assert_eq!(&answer["refused"]["code"], "unknown_session");
            return Ok(());
        };
        let mut state = answer["ok"]["state"].clone();
        let said = state.as_object_mut().unwrap().remove("digest").unwrap();
        let (digest, state) = (digest.to_string(), state.to_string());
        prop_assert_eq!(said.as_str(), Some(digest.as_str()));
        let known = self.digests.entry(state.clone()).or_insert_with(|| digest.clone());
        prop_assert_eq!(&*known, &digest, "one state, two digests: {}", state);
        let known = self.states.entry(digest).or_insert_with(|| state.clone());
        prop_assert_eq!(&*known, &state, "one digest, two states");
        Ok(())
    }
}

/// DOOR-2: a script told to both.
fn compare(
    observed: bool,
    protocols: Vec<Arc<Protocol>>,
    steps: &[Step],
) -> Result<(), TestCaseError> {
    let machine = || if observed { Machine::observed() } else { Machine::new() };
    let (door, twin) = (Door::new(machine(), DoorLimits::default()), machine());
    let mut both = Both { door, twin, digests: BTreeMap::new(), states: BTreeMap::new() };
    let mut registered = Vec::new();
    for protocol in &protocols {
        let document: Tree =
            serde_json::from_str(&types_json::write_locals(protocol.locals())).unwrap();
        let answer = told(&mut both.door, &json!({"register": document, "unchecked": true}));
        let digest = protocol.digest();
        prop_assert_eq!(&answer["ok"]["registered"]["protocol"], &json!(digest.to_string()));
        // What is known of its capacities decides what is opened.
        let same = Arc::clone(both.door.machine().protocol(digest).unwrap());
        both.twin.register(&same);
        registered.push(same);
    }
    let mut stage = Stage::new(registered);
    for step in steps {
        let input = stage.input(&both.twin, step);
        both.tell(stage.now, &input)?;
        if step.seal {
            both.twin.seal();
            let answer = told(&mut both.door, &json!({"seal": true}));
            prop_assert_eq!(&answer["ok"], &json!({"sealed": {}}));
            both.outputs(&answer, stage.now)?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn legal_scripts_come_to_the_same_through_the_door(
        observed in any::<bool>(),
        protocol in script::protocol(),
        steps in any::<bool>().prop_flat_map(script::legal_script),
    ) {
        compare(observed, vec![protocol], &steps)?;
    }

    #[test]
    fn wild_scripts_come_to_the_same_through_the_door(
        observed in any::<bool>(),
        protocols in vec(script::protocol(), 1..3),
        steps in prop_oneof![
            any::<bool>().prop_flat_map(script::wild_script),
            any::<bool>().prop_flat_map(script::authority_script),
        ],
    ) {
        compare(observed, protocols, &steps)?;
    }

    /// DOOR-1: any bytes, in any pieces.
    #[test]
    fn any_bytes_get_one_answer_a_line_in_any_pieces(
        lines in vec(hostile(), 0..12),
        ended in any::<bool>(),
        piece in 1..40usize,
    ) {
        let mut bytes = lines.join(&b'\n');
        if ended {
            bytes.push(b'\n');
        }
        let limits = DoorLimits { line_bytes_max: 60, depth_max: 6, ..DoorLimits::default() };
        let breaks = bytes.iter().filter(|byte| **byte == b'\n').count();
        let wanted = breaks + usize::from(!bytes.is_empty() && !bytes.ends_with(b"\n"));
        let whole = said(&mut Door::new(Machine::new(), limits), &bytes);
        prop_assert_eq!(whole.len(), wanted);
        let mut door = Door::new(Machine::new(), limits);
        let mut pieces = Vec::new();
        for mut piece in bytes.chunks(piece) {
            while let Some(answer) = door.feed(&mut piece) {
                pieces.push(serde_json::from_str::<Tree>(&answer).unwrap());
            }
        }
        pieces.extend(door.finish().map(|answer| serde_json::from_str(&answer).unwrap()));
        prop_assert_eq!(&pieces, &whole);
        for (index, (answer, line)) in whole.iter().zip(bytes.split(|b| *b == b'\n')).enumerate() {
            prop_assert_eq!(&answer["line"], &json!(index + 1));
            let said = ["ok", "refused", "error"].into_iter().filter(|k| answer.get(k).is_some());
            prop_assert_eq!(said.count(), 1, "{}", answer);
            let (code, long) = (&answer["error"]["code"], line.len() > limits.line_bytes_max);
            prop_assert_eq!(code == "too_long", long, "{}", answer);
            if !long {
                prop_assert_eq!(code == "not_utf8", std::str::from_utf8(line).is_err());
            }
        }
    }
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let good = [r#"{"digest":true}"#, r#"{"sessions":true}"#, r#"{"seal":true}"#];
    let bad = [
        "{\"state\":\"00000000000000000000000000000001\"}",
        "{\"at\":1,\"input\":{\"tick\":{}}}",
        "{\"at\":1,\"at\":2,\"input\":{\"tick\":{}}}",
        "{\"at\":1,\"input\":{\"tick\":[]}}",
        "{\"register\":7}",
        "[[[[[[[1]]]]]]]",
        "\0\0",
        "\u{feff}{}",
    ];
    prop_oneof![
        proptest::sample::select(good.to_vec()).prop_map(|line| line.as_bytes().to_vec()),
        proptest::sample::select(bad.to_vec()).prop_map(|line| line.as_bytes().to_vec()),
        vec(any::<u8>(), 0..80).prop_map(|mut line| {
            line.retain(|byte| *byte != b'\n');
            line
        }),
    ]
}

/// DOOR-1: one answer a line, also to a script that was cut at any byte.
#[test]
fn a_script_that_is_cut_anywhere_has_an_answer_to_each_line() {
    let script = include_bytes!("../specs/door/shop.jsonl");
    let whole = said(&mut door(), script);
    assert!(whole.iter().all(|answer| answer.get("error").is_none()), "{whole:#?}");
    for cut in 0..script.len() {
        let part = &script[..cut];
        let ended = part.iter().filter(|byte| **byte == b'\n').count();
        let left = usize::from(!part.is_empty() && !part.ends_with(b"\n"));
        let answers = said(&mut door(), part);
        assert_eq!(answers.len(), ended + left, "cut at {cut}");
        assert_eq!(answers[..ended], whole[..ended], "cut at {cut}");
        if let Some(last) = answers.get(ended) {
            assert_eq!(last["line"], json!(ended + 1));
            // A line that lacks nothing but its end is that line.
            let same = script[cut] == b'\n' && *last == whole[ended];
            assert!(same || last["error"]["code"] == "not_json", "cut at {cut}: {last}");
        }
    }
}

fn code(door: &mut Door, line: &str) -> String {
    let answers = said(door, format!("{line}\n").as_bytes());
    assert_eq!(answers.len(), 1, "{line}");
    answers[0]["error"]["code"].as_str().unwrap_or("none").to_owned()
}

/// DOOR-3.
#[test]
fn every_limit_is_reached_and_answered() {
    let limits =
        DoorLimits { line_bytes_max: 400, depth_max: 9, protocols_max: 2, sessions_max: 1 };
    let mut door = Door::new(Machine::new(), limits);
    let spaces = |count: usize| format!("{{\"digest\":true}}{}", " ".repeat(count - 15));
    assert_eq!(code(&mut door, &spaces(400)), "none");
    assert_eq!(code(&mut door, &spaces(401)), "too_long");
    assert_eq!(code(&mut door, &spaces(1 << 22)), "too_long");
    let deep = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(code(&mut door, &deep(9)), "not_a_command");
    assert_eq!(code(&mut door, &deep(10)), "too_deep");
    assert_eq!(code(&mut door, &format!("\"{}\"", "[".repeat(100))), "not_a_command");
    let register = |label: &str| {
        let text = format!("A = B!{label} . end   B = A?{label} . end");
        json!({"register": {"text": text}}).to_string()
    };
    for (label, wanted) in [("a", "none"), ("b", "none"), ("c", "full"), ("a", "none")] {
        assert_eq!(code(&mut door, &register(label)), wanted, "{label}");
    }
    let protocol = "A = B!a . end   B = A?a . end".parse::<Protocol>().unwrap().digest();
    let open = |session: u128| {
        let (session, protocol) = (SessionId(session).to_string(), protocol.to_string());
        let open = json!({"session": session, "protocol": protocol, "owner": "host"});
        json!({"at": 0, "input": {"open": open}}).to_string()
    };
    assert_eq!(code(&mut door, &open(1)), "none");
    assert_eq!(code(&mut door, &open(2)), "full");
    assert_eq!(door.machine().sessions_len(), 1);
    // Whoever asks again for what is there gets the same answer, also at the limit.
    assert_eq!(code(&mut door, &open(1)), "none");
}

/// The deepest line by default is read: the reader of JSON has a limit of its own behind it.
#[test]
fn the_default_depth_is_within_what_is_read() {
    let depth = DoorLimits::default().depth_max;
    let deep = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(code(&mut door(), &deep(depth)), "not_a_command");
    assert_eq!(code(&mut door(), &deep(depth + 1)), "too_deep");
    assert_eq!(code(&mut door(), &"[".repeat(1 << 20)), "too_deep");
    assert_eq!(code(&mut door(), &"{\"a\":".repeat(1 << 17)), "too_deep");
}

#[test]
fn what_is_no_command_is_said_to_be_none() {
    let id = "00000000000000000000000000000001";
    let by = r#"{"owner":"host","generation":1,"scope":"7"}"#;
    let act = |event: &str| {
        format!(r#"{{"at":0,"input":{{"act":{{"session":"{id}","by":{by},"event":{event}}}}}}}"#)
    };
    for line in [
        "7",
        "{}",
        r#"{"seal":false}"#,
        r#"{"seal":true,"digest":true}"#,
        r#"{"digest":true,"more":1}"#,
        r#"{"state":"1"}"#,
        r#"{"input":{"tick":{}}}"#,
        r#"{"at":0,"input":{"tick":{}},"input":{"tick":{}}}"#,
        r#"{"at":-1,"input":{"tick":{}}}"#,
        r#"{"at":0,"input":"tick"}"#,
        r#"{"at":0,"input":{"tick":[]}}"#,
        r#"{"at":18446744073709551616,"input":{"tick":{}}}"#,
        r#"{"register":[]}"#,
        r#"{"register":{"text":7}}"#,
        &act(r#"{"receive":["A","B"]}"#),
        &act(r#"{"expired":{"timer":"drain"}}"#),
        &act(r#"{"open":{"owner":"host","capacity":1}}"#),
        &act(r#"{"bind":{"handler":"no name"}}"#),
        &act(r#"{"close":{}}"#).replace("\"7\"", "\"+7\""),
        &act(r#"{"close":{}}"#).replace("host", ""),
    ] {
        assert_eq!(code(&mut door(), line), "not_a_command", "{line}");
    }
    assert_eq!(code(&mut door(), r#"{"register":{"text":"A = B!a"}}"#), "protocol");
    assert_eq!(code(&mut door(), r#"{"register":{}}"#), "protocol");
    // It is good JSON, but of no session: that is for the machine to say.
    assert_eq!(code(&mut door(), &act(r#"{"close":{}}"#)), "none");
}

/// DOOR-5: sessions that differ in one thing that the digest covers differ in their states.
#[test]
fn every_difference_that_the_digest_sees_is_in_the_state() {
    let id = SessionId(1).to_string();
    let text = "A = B!x(nat) . B!y . end   B = A?x(nat) . A?y . end";
    let digest = text.parse::<Protocol>().unwrap().digest().to_string();
    let open = |more: Tree| {
        let mut open = json!({"session": id, "protocol": digest, "owner": "a", "capacity": 4});
        open.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"at": 0, "input": {"open": open}})
    };
    let act = |event: Tree| {
        let by = json!({"owner": "a", "generation": 1, "scope": "7"});
        json!({"at": 1, "input": {"act": {"session": id, "by": by, "event": event}}})
    };
    let send = |value: u64, at: Option<u64>| {
        act(json!({"send": {"role": "A", "to": "B", "label": "x", "value": value, "at": at}}))
    };
    let receive = || act(json!({"receive": {"role": "B", "from": "A"}}));
    let bind = |fields: Tree| act(json!({"bind": fields}));
    let edge = json!({"from": "A", "to": "B"});
    let plain = || open(json!({}));
    let scripts = [
        vec![plain()],
        vec![open(json!({"capacity": 5}))],
        vec![open(json!({"journal": true}))],
        vec![plain(), send(1, None)],
        vec![plain(), send(2, None)],
        vec![plain(), send(1, Some(0))],
        vec![plain(), send(1, None), receive()],
        vec![plain(), send(1, Some(0)), receive()],
        vec![plain(), send(2, Some(0)), receive()],
        vec![plain(), bind(json!({"handler": "h"}))],
        vec![plain(), bind(json!({"handler": "i"}))],
        vec![plain(), bind(json!({"handler": "h", "edge": edge}))],
        vec![plain(), send(1, None), act(json!({"drain": {"deadline": 9}}))],
        vec![plain(), send(1, None), act(json!({"drain": {"deadline": 8}}))],
        vec![plain(), act(json!({"cancel": {"reason": "r"}}))],
        vec![plain(), act(json!({"cancel": {"reason": "s"}}))],
        vec![plain(), act(json!({"fault": {"reason": "r"}}))],
        vec![plain(), act(json!({"close": {}}))],
    ];
    let mut seen = BTreeMap::new();
    for script in scripts {
        let mut door = door();
        told(&mut door, &json!({"register": {"text": text}}));
        for command in &script {
            let answer = told(&mut door, command);
            assert!(answer.get("ok").is_some(), "{command}: {answer}");
        }
        let mut state = told(&mut door, &json!({"state": id}))["ok"]["state"].clone();
        let digest = state.as_object_mut().unwrap().remove("digest").unwrap();
        let before = seen.insert(state.to_string(), digest);
        assert_eq!(before, None, "another script has this state too: {script:?}");
    }
}

/// DOOR-2, LIFE-14, MACH-10: reaping, what is left, and what is held, in lines.
#[test]
fn a_session_is_reaped_and_asked_for_through_the_door() {
    let id = SessionId(1).to_string();
    let text = "A = B!x(nat) . end   B = A?x(nat) . end";
    let digest = text.parse::<Protocol>().unwrap().digest().to_string();
    let open = |id: &str| {
        let open = json!({"session": id, "protocol": digest, "owner": "a"});
        json!({"at": 0, "input": {"open": open}})
    };
    let act = |event: Tree| {
        let by = json!({"owner": "a", "generation": 1, "scope": "7"});
        json!({"at": 1, "input": {"act": {"session": id, "by": by, "event": event}}})
    };
    let send = |value: u64| {
        act(json!({"send": {"role": "A", "to": "B", "label": "x", "value": value, "at": 0}}))
    };
    let reap = || json!({"at": 2, "input": {"reap": {"session": id}}});
    let mut door = Door::new(Machine::observed().with_archive(1), DoorLimits::default());
    let mut tell = |command: Tree| told(&mut door, &command);
    tell(json!({"register": {"text": text}}));
    tell(open(&id));
    tell(send(7));
    assert_eq!(tell(reap())["refused"]["code"], "not_terminal");
    tell(act(json!({"cancel": {"reason": "enough"}})));
    assert_eq!(tell(reap())["ok"], json!({"done": {}}));
    let left = tell(json!({"state": id}))["ok"]["closed"].clone();
    assert_eq!((&left["status"], &left["reason"]), (&json!("cancelled"), &json!("enough")));
    let edge = json!([{"edge": {"from": "A", "to": "B"}, "sent": 1, "consumed": 0}]);
    assert_eq!(left["edges"], edge);
    // The same value is the same action, and names still mean what they meant.
    assert_eq!(tell(send(7))["ok"], json!({"duplicate": {"position": 1}}));
    assert_eq!(tell(send(8))["refused"]["code"], "position_conflict");
    assert_eq!(tell(open(&id))["refused"]["code"], "session_exists");
    let held = tell(json!({"memory": true}))["ok"]["memory"].clone();
    assert_eq!((&held["terminal"], &held["archived"]), (&json!(0), &json!(1)));
    assert!(held["bytes"]["archive"].as_u64().unwrap() > 0);

    // A session runs out of time in the very line that reaps it, and there is room for one alone.
    let second = SessionId(2).to_string();
    tell(open(&second));
    let by = json!({"owner": "a", "generation": 1, "scope": "7"});
    let mut acts = |event: Tree| {
        tell(json!({"at": 3, "input": {"act": {"session": second, "by": by, "event": event}}}))
    };
    acts(json!({"send": {"role": "A", "to": "B", "label": "x", "value": 1}}));
    acts(json!({"drain": {"deadline": 9}}));
    let answer = tell(json!({"at": 10, "input": {"reap": {"session": second}}}));
    assert_eq!(answer["ok"], json!({"done": {}}));
    assert_eq!(answer["outputs"][0]["event"]["ended"]["session"], json!(second));
    assert_eq!(tell(json!({"state": id}))["refused"]["code"], "unknown_session");
    tell(open(&SessionId(3).to_string()));
    assert_eq!(tell(json!({"reap": 10}))["ok"], json!({"reaped": 0}));
}
