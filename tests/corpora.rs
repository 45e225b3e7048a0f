//! Every input that a fuzz target once started from or failed on, through the same functions.
#![cfg(feature = "driver")]

#[path = "fuzz/properties.rs"]
mod properties;

use std::path::Path;

use antiphon::machine::{
    Accepted, Act, Authority, CAPACITY_DEFAULT, Capacities, Commit, Input, Machine, OnLost, Open,
    Output, Owner, Policy, Predicate, Presented, Receive, Recipient, RequestId, Scope, Send, Site,
    Tick,
};
use antiphon::types::Value;

/// The limit on all corpora together: they are a start for the fuzzer, not its memory.
const BYTES_MAX: u64 = 200 << 10;

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path))
        .map(|(name, path)| (name, std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    assert!(files.len() >= 5, "{} has {} files", folder.display(), files.len());
    files
}

fn replay(target: &str, property: fn(&[u8])) {
    for (name, bytes) in corpus(target) {
        // Printed only when the test fails.
        println!("{target}/{name}");
        property(&bytes);
    }
}

#[test]
fn scribble() {
    replay("scribble", properties::scribble);
}

#[test]
fn local() {
    replay("local", properties::local);
}

#[test]
fn json() {
    replay("json", properties::json);
}

#[test]
fn automata() {
    replay("automata", properties::automata);
}

#[test]
fn journal() {
    replay("journal", properties::journal);
}

#[test]
fn door() {
    replay("door", properties::door);
}

#[test]
fn token() {
    replay("token", properties::token);
}

#[test]
fn frame() {
    replay("frame", properties::frame);
}

#[test]
fn snapshot() {
    replay("snapshot", properties::snapshot);
}

/// A new form of bodies makes these unreadable, and the fuzzer would start from nothing.
#[test]
fn the_whole_bodies_of_the_corpus_are_read() {
    let whole = corpus("token").into_iter().filter(|(name, _)| {
        ["body_resume", "body_handoff", "body_invitation"].contains(&name.as_str())
    });
    assert_eq!(whole.map(|(_, bytes)| assert!(properties::sealed(&bytes[1..]))).count(), 3);
}

/// A new form of commands makes these errors, and the fuzzer would start from nothing.
#[test]
fn the_whole_scripts_of_the_corpus_are_understood() {
    let whole = ["shop.jsonl", "ends.jsonl", "numbered.jsonl"];
    for (name, bytes) in corpus("door").iter().filter(|(n, _)| whole.contains(&n.as_str())) {
        let machine = Machine::new();
        let mut door = antiphon::wire::door::Door::new(machine, Default::default());
        let text = String::from_utf8(bytes.clone()).unwrap();
        let mut digest = String::new();
        for line in text.lines() {
            let line = line.replace("@P", &digest).replace("@S", &"0".repeat(32));
            let answer = door.feed(&mut format!("{line}\n").as_bytes()).unwrap();
            assert!(!answer.contains("\"error\":"), "{name}: {line}\n{answer}");
            let registered = answer.split_once("\"protocol\":\"").filter(|_| digest.is_empty());
            digest = registered.map_or(digest, |(_, rest)| rest[..64].to_owned());
        }
        assert_eq!(door.machine().sessions_len(), 1, "{name}");
    }
}

/// A new form of journals makes these unreadable, and the fuzzer would start from nothing.
/// Remedy: make them anew, with `antiphon run FILE --journal FILE`.
#[test]
fn the_whole_journals_of_the_corpus_are_read() {
    let whole = ["double_buffering.journal", "header_only.journal", "two_buyer.journal"];
    for (name, bytes) in corpus("journal").iter().filter(|(n, _)| whole.contains(&n.as_str())) {
        let journal = antiphon::wire::journal::Journal::read(bytes);
        assert!(journal.is_ok(), "{name}: {}", journal.unwrap_err());
    }
}

/// Every text of a folder of the library, through each reader of texts.
fn library(folder: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/protocols").join(folder);
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    // What is too large takes long, and is read by the tests of the diagnostics.
    let small = |path: &std::path::PathBuf| path.is_file() && !path.ends_with("too_large.scr");
    for path in paths.filter(small) {
        let bytes = std::fs::read(path).unwrap();
        properties::scribble(&bytes);
        properties::local(&bytes);
        properties::json(&bytes);
        properties::automata(&bytes);
    }
}

#[test]
fn the_library_of_global_protocols() {
    library("global");
}

#[test]
fn the_library_of_local_types_and_automata() {
    library("local");
    library("automata");
}

#[test]
fn the_library_of_what_is_wrong() {
    library("invalid");
}

#[test]
fn the_corpora_are_small() {
    let size = |target| corpus(target).iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>();
    let targets = ["scribble", "local", "json", "automata", "journal", "door", "token", "snapshot"];
    let all: u64 = targets.into_iter().map(size).sum();
    assert!(all <= BYTES_MAX, "{all} bytes\nremedy: keep the inputs that show something new");
}

/// The batch of the corpus is one that a machine really makes; so the properties above look at
/// records that are read, and not only at bytes that are refused.
#[test]
fn the_batch_of_the_corpus_is_what_a_machine_writes() {
    let (protocol, session) = properties::batched();
    let protocol = std::sync::Arc::new(protocol);
    let mut machine = Machine::new();
    let open = Open {
        session,
        protocol: machine.register(&protocol),
        owner: Owner::new("host").unwrap(),
        capacities: Capacities::every(CAPACITY_DEFAULT).unchecked(),
        journal: true,
        on_lost: OnLost::default(),
        policies: Vec::new(),
    };
    let Ok(Accepted::Opened(by)) = machine.handle(Tick(1), Input::Open(open)) else { panic!() };
    let (a, b) = (protocol.role("A").unwrap(), protocol.role("B").unwrap());
    let list = Value::List(vec![Value::Record(vec![
        ("a".parse().unwrap(), Value::from(-1_i64)),
        ("b".parse().unwrap(), Value::from(Some(true))),
    ])]);
    let pair = Value::Record(vec![
        ("_1".parse().unwrap(), Value::from(0.5)),
        ("_2".parse().unwrap(), Value::Unit),
    ]);
    let thing = Value::Json(antiphon::wire::json::json(&serde_json::json!({"k": [null, 1]})));
    let sends = [
        ("text", Value::from("hello")),
        ("count", Value::from(3_u64)),
        ("list", list),
        ("bulk", Value::from(vec![0, 1, 2_u8])),
        ("any", thing),
        ("pair", pair),
        ("done", Value::Unit),
    ];
    let label = |label| protocol.label(label).unwrap();
    for (at, (name, value)) in sends.into_iter().enumerate() {
        let at = Some(antiphon::machine::Position(at as u64));
        let send = Act::Send(Send { role: a, to: b, label: label(name), value, at });
        machine.act(Tick(2), by.present(), send).unwrap();
    }
    for _ in 0..6 {
        let receive = Act::Receive(Receive { role: b, from: a, at: None });
        machine.act(Tick(3), by.present(), receive).unwrap();
    }
    let acknowledge = Act::Acknowledge { role: b, position: antiphon::machine::Position(7) };
    machine.act(Tick(4), by.present(), acknowledge).unwrap();
    machine.act(Tick(5), by.present(), Act::Drain { deadline: Some(Tick(9)) }).unwrap();
    machine.seal();
    let Some(Output::Persist(batch)) = machine.poll() else { panic!("a batch was sealed") };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/journal/batch.bin");
    let mut bytes = vec![0];
    bytes.extend_from_slice(&batch.bytes);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &bytes).unwrap();
    }
    assert!(std::fs::read(&file).ok() == Some(bytes), "\nremedy: run this test with BLESS=1");
    assert!(batch.count <= 16, "`properties::journal` tries batches of at most 16 records");
}

/// The snapshots of the corpus are ones that a machine really makes, without the digest at their
/// end: a new form of them would make the fuzzer start from nothing.
#[test]
fn the_snapshots_of_the_corpus_are_what_a_machine_makes() {
    let (protocol, session) = properties::batched();
    let protocol = std::sync::Arc::new(protocol);
    let mut machine = Machine::new();
    let edge = antiphon::types::Edge {
        from: protocol.role("A").unwrap(),
        to: protocol.role("B").unwrap(),
    };
    let open = Open {
        session,
        protocol: machine.register(&protocol),
        owner: Owner::new("host").unwrap(),
        capacities: Capacities::every(2).unchecked(),
        journal: true,
        on_lost: OnLost::Release,
        policies: vec![(edge, Policy::DropOldest)],
    };
    let Ok(Accepted::Opened(by)) = machine.handle(Tick(1), Input::Open(open)) else { panic!() };
    let by = by.present().clone();
    let act = |machine: &mut Machine, act| machine.act(Tick(2), &by, act).unwrap();
    let authority = |machine: &mut Machine, what| act(machine, Act::Authority(Box::new(what)));
    let send = |machine: &mut Machine, label: &str, value: Value, at| {
        let label = protocol.label(label).unwrap();
        act(machine, Act::Send(Send { role: edge.from, to: edge.to, label, value, at }));
    };
    let mut made = Vec::new();
    let mut keep = |machine: &mut Machine, name: &'static str| {
        machine.seal();
        let snapshot = machine.snapshot(session).unwrap();
        let bytes = snapshot.bytes();
        made.push((name, bytes.slice(..bytes.len() - 32)));
    };
    keep(&mut machine, "opened.bin");
    for (at, count) in (0..4_u64).enumerate() {
        let at = Some(antiphon::machine::Position(at as u64));
        send(&mut machine, "count", count.into(), at);
    }
    act(&mut machine, Act::Attach { role: edge.to });
    keep(&mut machine, "messages.bin");
    let request = RequestId(1);
    let predicate = Predicate::not(&Predicate::edge_empty(edge.from, edge.to)).unwrap();
    authority(&mut machine, Authority::IssueReadiness { request, predicate });
    for (request, valid) in [(2, None), (3, Some(1_000))] {
        let (request, site, after) = (RequestId(request), Site::Edge(edge), request);
        authority(&mut machine, Authority::ArmTimer { request, site, after, valid });
    }
    machine.handle(Tick(4), Input::Tick).unwrap();
    act(&mut machine, Act::Bind { edge: None, handler: Some("log".parse().unwrap()) });
    keep(&mut machine, "witnesses.bin");
    let to = Recipient::Owner(Owner::new("somebody").unwrap());
    let stage = |request, scope, to| Authority::Stage {
        request: RequestId(request),
        scope,
        to,
        expires: Some(Tick(99)),
        freeze: true,
    };
    let staged = authority(&mut machine, stage(4, Scope::role(edge.from), to));
    let Accepted::Staged(receipt) = staged else { panic!("{staged:?}") };
    let (request, owner) = (RequestId(5), Owner::new("somebody").unwrap());
    let commit = Commit { request, receipt: *receipt, owner };
    machine.handle(Tick(5), Input::Commit(Box::new(commit))).unwrap();
    let rest = Presented { scope: Scope::LIFECYCLE.union(Scope::role(edge.to)), ..by.clone() };
    let mut by_rest = |what| machine.act(Tick(6), &rest, Act::Authority(Box::new(what))).unwrap();
    by_rest(stage(6, Scope::role(edge.to), Recipient::Bearer));
    by_rest(Authority::IssueToken { request: RequestId(7) });
    keep(&mut machine, "transfers.bin");
    let fault = Act::Fault { reason: "it is enough".into() };
    let rest = Presented { scope: Scope::LIFECYCLE, ..rest };
    machine.act(Tick(7), &rest, fault).unwrap();
    keep(&mut machine, "ended.bin");

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/snapshot");
    for (name, bytes) in made {
        if std::env::var_os("BLESS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(name), &bytes).unwrap();
        }
        let kept = std::fs::read(folder.join(name)).ok();
        assert!(kept.as_deref() == Some(&bytes[..]), "{name}\nremedy: run this test with BLESS=1");
    }
}
