//! A session is a fold over its journal, and a journal cannot be changed without being found out.
#![cfg(feature = "syntax")]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::reference::script::{self, Stage, Step};
use crate::strategies::cases;
use antiphon::machine::*;
use antiphon::types::{Name, Protocol, Value};
use antiphon::wire::journal::{self, Damage, Journal};
use proptest::prelude::*;

/// What one session of a run left behind.
#[derive(Debug, Default, Clone)]
struct Kept {
    batches: Vec<Batch>,
    /// The session's digest when its journal had so many records, for the last time.
    digests: BTreeMap<u64, StateDigest>,
}

impl Kept {
    /// The session's digest now. What was reaped has none any more: it is the last one it had.
    fn digest(&self, machine: &Machine, session: SessionId) -> Option<StateDigest> {
        match machine.archived(session) {
            Some(_) => self.digests.values().last().copied(),
            None => machine.session_digest(session),
        }
    }
}

/// Runs a script on a machine with journals; seals and makes durable where the script says so.
fn run(protocol: &Arc<Protocol>, steps: &[Step]) -> (Machine, BTreeMap<SessionId, Kept>) {
    let mut machine = Machine::new();
    machine.register(protocol);
    let mut stage = Stage::new(vec![Arc::clone(protocol)]);
    let mut kept: BTreeMap<SessionId, Kept> = BTreeMap::new();
    for (index, step) in steps.iter().enumerate() {
        let input = stage.input(&machine, step);
        // Ticks of their own, so that what a timer did is seen apart from what the input does.
        for input in [Input::Tick, input, Input::Tick] {
            let _ = machine.handle(Tick(stage.now), input);
            for session in machine.session_ids() {
                let length = machine.journal_len(session).expect("all keep a journal");
                let digest = machine.session_digest(session).unwrap();
                kept.entry(session).or_default().digests.insert(length, digest);
            }
        }
        if step.seal || index + 1 == steps.len() {
            machine.seal();
            while let Some(output) = machine.poll() {
                if let Output::Persist(batch) = output {
                    let (session, upto) = (batch.session, batch.first + u64::from(batch.count));
                    kept.get_mut(&session).unwrap().batches.push(batch);
                    machine.handle(Tick(stage.now), Input::Persisted { session, upto }).unwrap();
                }
            }
        }
    }
    (machine, kept)
}

fn text(protocol: &Protocol, session: SessionId, batches: &[Batch], head: Option<Head>) -> String {
    let mut text = journal::header_line(protocol, session) + "\n";
    for batch in batches {
        text += &(journal::batch_line(protocol, batch).unwrap() + "\n");
    }
    if let Some(head) = head {
        let count = batches.iter().map(|batch| u64::from(batch.count)).sum();
        text += &(journal::end_line(count, head) + "\n");
    }
    text
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_prefix_of_a_journal_replays_to_the_state_of_that_moment(
        protocol in script::shown(),
        steps in script::script(true),
    ) {
        let protocol = protocol.0;
        let (machine, kept) = run(&protocol, &steps);
        for (session, kept) in kept {
            let records = journal::records(&protocol, &kept.batches).unwrap();
            prop_assert_eq!(Some(records.len() as u64), machine.journal_len(session));
            let mut replayed = Machine::new();
            replayed.register(&protocol);
            for (index, record) in records.iter().enumerate() {
                prop_assert_eq!(record.index, index as u64);
                let done = replayed.replay_record(session, record);
                prop_assert_eq!(done, Ok(()), "record {:?}", record);
                replayed.check_invariants().map_err(|e| TestCaseError::fail(e.to_string()))?;
                // Several records of one moment have one digest, the one behind the last of them.
                if let Some(digest) = kept.digests.get(&(record.index + 1)) {
                    prop_assert_eq!(replayed.session_digest(session), Some(*digest), "{:?}", record);
                }
            }
            prop_assert_eq!(replayed.session_digest(session), kept.digest(&machine, session));
            prop_assert_eq!(replayed.poll(), None);
            let timer = machine.session(session).filter(|s| !s.status().is_terminal());
            if timer.is_none() {
                prop_assert_eq!(replayed.poll_timeout(), None);
            }
        }
    }

    #[test]
    fn heads_chain_the_batches_and_bytes_are_those_of_the_records(
        protocol in script::shown(),
        steps in script::script(true),
    ) {
        let protocol = protocol.0;
        let (machine, kept) = run(&protocol, &steps);
        for (session, kept) in kept {
            let mut head = Head::first(session, protocol.digest());
            let mut first = 0;
            for batch in &kept.batches {
                prop_assert_eq!(batch.first, first);
                let records = Record::decode_batch(batch, &protocol).unwrap();
                let bytes = Record::encode_batch(&records);
                prop_assert_eq!(&batch.bytes[..], &bytes[..]);
                let again = journal::batch(head, session, &records);
                prop_assert_eq!(again.as_ref(), Some(batch));
                head = head.after(batch.first, batch.count, &batch.bytes);
                prop_assert_eq!(head, batch.head);
                first += u64::from(batch.count);
            }
            prop_assert_eq!(machine.journal_head(session), Some(head));
        }
    }

    #[test]
    fn a_journal_as_lines_reads_to_the_same_records(
        protocol in script::shown(),
        steps in script::script(true),
        closed in any::<bool>(),
    ) {
        let protocol = protocol.0;
        let (machine, kept) = run(&protocol, &steps);
        for (session, kept) in kept {
            let head = machine.journal_head(session).unwrap();
            let text = text(&protocol, session, &kept.batches, closed.then_some(head));
            let read = Journal::read(text.as_bytes()).map_err(|e| TestCaseError::fail(e.to_string()))?;
            let records = journal::records(&protocol, &kept.batches).unwrap();
            prop_assert_eq!(&read.records, &records);
            prop_assert_eq!(read.head, head);
            prop_assert_eq!(read.session, session);
            prop_assert_eq!(read.is_complete, closed);
            prop_assert_eq!(read.protocol.digest(), protocol.digest());
            let lines = (2..).zip(&kept.batches);
            let lines = lines.flat_map(|(line, batch)| vec![line; batch.count as usize]);
            prop_assert_eq!(&read.lines, &lines.collect::<Vec<usize>>());
            let replayed = Machine::replay(&read.protocol, session, &read.records);
            let replayed = replayed.map_err(|e| TestCaseError::fail(e.to_string()))?;
            prop_assert_eq!(replayed.session_digest(session), kept.digest(&machine, session));
        }
    }

    #[test]
    fn a_byte_that_is_changed_anywhere_is_found_in_its_line(
        protocol in script::shown(),
        steps in script::script(true),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 8),
    ) {
        let protocol = protocol.0;
        let (machine, kept) = run(&protocol, &steps);
        for (session, kept) in kept.into_iter().take(1) {
            let head = machine.journal_head(session);
            let text = text(&protocol, session, &kept.batches, head);
            let whole = Journal::read(text.as_bytes());
            let whole = whole.map_err(|e| TestCaseError::fail(e.to_string()))?;
            for (at, byte, edit) in &edits {
                damaged(text.as_bytes(), &whole, at.index(text.len()), *byte, *edit)?;
            }
        }
    }

    #[test]
    fn the_replayed_session_goes_on_as_the_first_one_would(
        protocol in script::shown(),
        steps in script::legal_script(true),
        more in script::legal_script(true),
    ) {
        let protocol = protocol.0;
        let (mut machine, kept) = run(&protocol, &steps);
        let session = script::session_id(0);
        let Some(kept) = kept.get(&session) else { return Ok(()) };
        let records = journal::records(&protocol, &kept.batches).unwrap();
        let replayed = Machine::replay(&protocol, session, &records);
        let mut replayed = replayed.map_err(|e| TestCaseError::fail(e.to_string()))?;
        let head = machine.journal_head(session).unwrap();
        replayed.resume_journal(session, head);
        if machine.archived(session).is_some() {
            replayed.handle(Tick(0), Input::Reap { session }).unwrap();
        }
        let mut stage = Stage::new(vec![Arc::clone(&protocol)]);
        stage.now = 10_000;
        for step in &more[1..] {
            let input = stage.input(&machine, step);
            if input.session() != Some(session) {
                continue;
            }
            let one = machine.handle(Tick(stage.now), input.clone());
            let two = replayed.handle(Tick(stage.now), input);
            prop_assert_eq!(one.is_ok(), two.is_ok());
            prop_assert_eq!(one.map_err(|e| e.code()).err(), two.map_err(|e| e.code()).err());
            prop_assert_eq!(machine.session_digest(session), replayed.session_digest(session));
            if step.seal {
                machine.seal();
                replayed.seal();
                prop_assert_eq!(machine.journal_head(session), replayed.journal_head(session));
            }
        }
    }
}

/// Changes, inserts or deletes one byte, and expects to be told where.
fn damaged(
    text: &[u8],
    whole: &Journal,
    at: usize,
    byte: u8,
    edit: u8,
) -> Result<(), TestCaseError> {
    let mut bytes = text.to_vec();
    match edit {
        0 if bytes[at] == byte => return Ok(()),
        0 => bytes[at] = byte,
        1 => bytes.insert(at, byte),
        _ => drop(bytes.remove(at)),
    }
    if bytes == text {
        return Ok(());
    }
    let line = 1 + text[..at].iter().filter(|byte| **byte == b'\n').count();
    let what = ["changed to", "in front comes", "deleted, not"][usize::from(edit)];
    let shown = format!("byte {at} in line {line} {what} {:?}", char::from(byte));
    match Journal::read(&bytes) {
        Ok(_) => prop_assert!(false, "{shown} was not found:\n{}", String::from_utf8_lossy(text)),
        Err(error) => {
            // A line break in front of a line break makes an empty line behind it.
            let empty = edit == 1 && byte == b'\n' && text[at] == b'\n';
            prop_assert_eq!(error.line, line + usize::from(empty), "{}: {}", shown, error);
            let intact = whole.lines.iter().filter(|line| **line < error.line).count();
            prop_assert_eq!(error.intact, intact, "{}: {}", shown, error);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn arbitrary_bytes_are_no_journal(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Journal::read(&bytes).is_err());
    }

    #[test]
    fn arbitrary_lines_are_no_journal(text in "[{}\\[\\]\":,a-z0-9\n]{0,200}") {
        prop_assert!(Journal::read(text.as_bytes()).is_err());
    }

    #[test]
    fn arbitrary_bytes_are_read_as_records_or_refused(
        bytes in prop::collection::vec(prop_oneof![Just(0u8), 0..10u8, any::<u8>()], 0..120),
        count in 0..3u32,
    ) {
        let protocol = small().0;
        let (session, head) = (SessionId(1), Head([0; 32]));
        let batch = Batch { session, first: 0, count, bytes: bytes.clone().into(), head };
        if let Ok(records) = Record::decode_batch(&batch, &protocol) {
            let again = Record::encode_batch(&records);
            prop_assert_eq!(again, bytes);
            let _ = Machine::replay(&protocol, session, &records);
        }
    }

    #[test]
    fn a_record_that_was_changed_decodes_to_another_record_or_to_none(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..3),
    ) {
        let (protocol, batches, _) = small();
        for batch in batches {
            let mut bytes = batch.bytes.to_vec();
            edits.iter().for_each(|(at, byte)| bytes[at.index(batch.bytes.len())] = *byte);
            let changed = Batch { bytes: bytes.clone().into(), ..batch.clone() };
            let Ok(records) = Record::decode_batch(&changed, &protocol) else { continue };
            let again = Record::encode_batch(&records);
            prop_assert_eq!(&again, &bytes);
            // Whatever it says: replaying it is not a panic.
            let _ = Machine::replay(&protocol, batch.session, &records);
        }
    }
}

/// A journal with every kind of record and value: its protocol, batches, and text.
fn small() -> (Arc<Protocol>, Vec<Batch>, String) {
    let protocol: Protocol = "
        A = B!int(int) . B!nat(nat) . B!float(float) . B!bytes(bytes)
          . B!rec({x: int?, y: [Money]}) . B!text(string?) . B?ok(unit?) . rec X . B!more . X
        B = A?int(int) . A?nat(nat) . A?float(float) . A?bytes(bytes)
          . A?rec({x: int?, y: [Money]}) . A?text(string?) . A!ok(unit?) . rec X . A?more . X
    "
    .parse()
    .unwrap();
    let protocol = Arc::new(protocol);
    let (a, b) = (protocol.role("A").unwrap(), protocol.role("B").unwrap());
    let mut machine = Machine::new();
    let session = SessionId(0xabc);
    let edge = antiphon::types::Edge { from: b, to: a };
    let open = Open {
        session,
        protocol: machine.register(&protocol),
        owner: Owner::new("the \"host\"").unwrap(),
        capacities: Capacities { edges: vec![(edge, 2)], ..Capacities::every(9) },
        journal: true,
        on_lost: OnLost::default(),
        policies: Vec::new(),
    };
    let opened = machine.handle(Tick(1), Input::Open(open)).unwrap();
    let Accepted::Opened(capability) = opened else { panic!("{opened:?}") };
    let send = |role, to, label: &str, value, at: Option<u64>| {
        let label = protocol.label(label).unwrap();
        Act::Send(Send { role, to, label, value, at: at.map(Position) })
    };
    let some = |value: Value| Value::Some(Box::new(value));
    let name = |text: &str| Name::new(text).unwrap();
    let money = Value::Json(antiphon::wire::json::json(&serde_json::json!({"EUR": 1.5})));
    let record = Value::Record(vec![
        (name("y"), Value::List(vec![money])),
        (name("x"), some(Value::Int(-1))),
    ]);
    let mut acts = vec![
        send(a, b, "int", Value::Int(9_007_199_254_740_993), None),
        send(a, b, "nat", Value::Nat(5), Some(1)),
        send(a, b, "float", Value::Float(0.0), None),
        send(a, b, "bytes", Value::from(vec![1_u8, 2]), None),
        send(a, b, "rec", record, None),
        send(a, b, "text", some(Value::from("a\\é\u{1}\"")), Some(5)),
        Act::Bind { edge: protocol.edge(a, b), handler: Some(name("h")) },
        Act::Bind { edge: None, handler: Some(name("d")) },
        Act::Receive(Receive { role: b, from: a, at: None }),
        Act::Receive(Receive { role: b, from: a, at: Some(Position(1)) }),
        Act::Acknowledge { role: b, position: Position(4) },
        Act::Bind { edge: None, handler: None },
        send(b, a, "ok", some(Value::Unit), Some(6)),
        send(a, b, "more", Value::Unit, Some(7)),
        Act::Drain { deadline: Some(Tick(40)) },
    ];
    let mut batches = Vec::new();
    for (index, act) in acts.drain(..).enumerate() {
        machine.act(Tick(index as u64), capability.present(), act).unwrap();
        if index % 4 == 3 {
            machine.seal();
        }
    }
    machine.handle(Tick(100), Input::Tick).unwrap();
    machine.seal();
    while let Some(output) = machine.poll() {
        if let Output::Persist(batch) = output {
            batches.push(batch);
        }
    }
    let text = text(&protocol, session, &batches, machine.journal_head(session));
    (protocol, batches, text)
}

/// A journal of a few lines.
fn tiny() -> String {
    let protocol: Protocol =
        "A = B!i(int) . B!f(float) . end   B = A?i(int) . A?f(float) . end".parse().unwrap();
    let protocol = Arc::new(protocol);
    let mut machine = Machine::new();
    let session = SessionId(7);
    let open = Open {
        session,
        protocol: machine.register(&protocol),
        owner: Owner::new("o").unwrap(),
        capacities: Capacities::every(CAPACITY_DEFAULT).unchecked(),
        journal: true,
        on_lost: OnLost::default(),
        policies: Vec::new(),
    };
    let opened = machine.handle(Tick(1), Input::Open(open)).unwrap();
    let Accepted::Opened(capability) = opened else { panic!("{opened:?}") };
    let (role, to) = (protocol.role("A").unwrap(), protocol.role("B").unwrap());
    for (label, value) in [("i", Value::Int((1 << 53) + 1)), ("f", Value::Float(0.0))] {
        let label = protocol.label(label).unwrap();
        let send = Send { role, to, label, value, at: None };
        machine.act(Tick(1), capability.present(), Act::Send(send)).unwrap();
        machine.seal();
    }
    let mut batches = Vec::new();
    while let Some(output) = machine.poll() {
        if let Output::Persist(batch) = output {
            batches.push(batch);
        }
    }
    text(&protocol, session, &batches, machine.journal_head(session))
}

#[test]
fn a_small_journal_reads_as_one_expects() {
    let (_, _, text) = small();
    insta::assert_snapshot!(text);
}

/// Every byte of a journal: changed to its neighbour and to something that means something in JSON
/// or in numbers, something put in front of it, and taken away.
#[test]
fn every_change_of_one_byte_of_a_journal_is_found_in_its_line() {
    let text = tiny();
    let text = text.as_bytes();
    let read = Journal::read(text).unwrap();
    let meaning = b"0159-+. \"\\,}\n\r\x00aZ";
    for at in 0..text.len() {
        let some = meaning[at % meaning.len()];
        let edits =
            [(text[at] ^ 1, 0), (some, 0), (text[at] ^ 0x80, 0), (some, 1), (b'0', 1), (0, 2)];
        for (byte, edit) in edits {
            damaged(text, &read, at, byte, edit).unwrap();
        }
    }
}

#[test]
fn a_journal_that_was_cut_says_so_at_every_byte() {
    let (_, _, text) = small();
    let text = text.as_bytes();
    for cut in 0..text.len() {
        let lines = text[..cut].iter().filter(|byte| **byte == b'\n').count();
        match Journal::read(&text[..cut]) {
            Ok(read) => {
                assert!(text[..cut].ends_with(b"\n") && !read.is_complete, "cut at {cut}");
                assert!(read.lines.iter().all(|line| *line <= lines));
            }
            Err(error) => {
                let wanted = if cut == 0 { Damage::Empty } else { Damage::Torn };
                assert_eq!((error.damage, error.line), (wanted, lines + 1), "cut at {cut}");
                assert!(!text[..cut].ends_with(b"\n"), "cut at {cut}");
            }
        }
    }
}

#[test]
fn lines_that_are_moved_doubled_or_missing_are_found() {
    let (_, _, text) = small();
    let lines: Vec<&str> = text.lines().collect();
    let read = |lines: &[&str]| Journal::read((lines.join("\n") + "\n").as_bytes());
    let count = lines.len();
    assert!(read(&lines).unwrap().is_complete);
    for one in 0..count {
        for two in one + 1..count {
            let mut swapped = lines.clone();
            swapped.swap(one, two);
            assert_eq!(read(&swapped).unwrap_err().line, one + 1, "{one} and {two} swapped");
        }
        for to in 0..=count {
            let mut doubled = lines.clone();
            doubled.insert(to, lines[one]);
            let error = read(&doubled).unwrap_err();
            assert!(error.line > to.min(one), "{one} doubled at {to}: {error}");
        }
        let mut missing = lines.clone();
        missing.remove(one);
        match read(&missing) {
            Ok(read) => assert!(one == count - 1 && !read.is_complete),
            Err(error) => assert_eq!(error.line, one + 1, "{one} is missing"),
        }
        let mut ended = lines.clone();
        let end = ended.pop().unwrap();
        ended.insert(one, end);
        if one < count - 1 {
            assert_eq!(read(&ended).unwrap_err().line, one + 1, "the end stands at {one}");
        }
    }
    let mut after = text.clone();
    after.push('\n');
    assert_eq!(Journal::read(after.as_bytes()).unwrap_err().damage, Damage::AfterEnd);
}

/// A record that the chain vouches for, but that no machine would have written.
#[test]
fn a_journal_that_was_forged_with_a_good_chain_does_not_replay() {
    let (protocol, batches, _) = small();
    let session = batches[0].session;
    let records = journal::records(&protocol, &batches).unwrap();
    let replayed = Machine::replay(&protocol, session, &records).unwrap();
    let replay = |records: &[Record]| Machine::replay(&protocol, session, records).err();
    for index in 0..records.len() {
        let forged = |forge: &dyn Fn(&mut Record)| {
            let mut records = records.clone();
            forge(&mut records[index]);
            replay(&records)
        };
        let later = forged(&|record| record.tick.0 += 1_000);
        assert!(later.is_some() || index + 1 == records.len(), "{index} later");
        assert!(forged(&|record| record.index += 1).is_some(), "{index} of another index");
        let other = forged(&|record| {
            record.outcome = match record.outcome {
                Outcome::Issued(generation) => Outcome::Issued(Generation(generation.0 + 1)),
                Outcome::Staged(receipt) => Outcome::Staged(ReceiptId(receipt.0 + 1)),
                Outcome::Serial(serial) => Outcome::Serial(Serial(serial.0 + 1)),
                Outcome::Done => Outcome::Acknowledged(Position(1)),
                Outcome::Witness(witness) => Outcome::Witness(WitnessId(witness.0 + 1)),
                Outcome::Timer(timer) => Outcome::Timer(TimerId(timer.0 + 1)),
                Outcome::Attached(epoch) => {
                    Outcome::Attached(Epoch::new(epoch.fencing(), epoch.counter() + 1))
                }
                Outcome::Opened(_) => Outcome::Opened(Generation(2)),
                Outcome::Acknowledged(at) => Outcome::Acknowledged(Position(at.0 + 1)),
                Outcome::Sent(message, seq, at) => Outcome::Sent(message, Seq(seq.0 + 1), at),
                Outcome::Received(label, seq, at) => {
                    Outcome::Received(label, seq, Position(at.0 + 1))
                }
            }
        });
        assert!(other.is_some(), "{index} with another outcome");
        let other = forged(&|record| {
            if let Outcome::Sent(message, seq, at) = record.outcome {
                let other = antiphon::types::MessageIx((message.0 + 1) % 4);
                record.outcome = Outcome::Sent(other, seq, at);
            } else {
                record.index = 99;
            }
        });
        assert!(other.is_some(), "{index} of another message");
        let other = forged(&|record| match &mut record.event {
            Recorded::Input(Input::Act { by, .. }) => by.generation.0 += 1,
            Recorded::Input(Input::Open(open)) => open.session.0 += 1,
            _ => record.event = Recorded::Input(Input::Tick),
        });
        assert!(other.is_some(), "{index} by others");
        let mut missing = records.clone();
        missing.remove(index);
        let rest = missing[index..].iter_mut();
        rest.for_each(|record| record.index -= 1);
        // What follows does not need it, or needs it: nowhere does it lead to the same state.
        if let Ok(other) = Machine::replay(&protocol, session, &missing) {
            assert_ne!(other.digest(), replayed.digest(), "{index} is missing");
        }
    }
}

/// What happened: a drain whose deadline had passed already expired at once, at a tick behind its
/// deadline; its own journal did not replay.
#[test]
fn a_drain_with_a_deadline_in_the_past_replays() {
    let (protocol, ..) = small();
    let mut machine = Machine::new();
    let open = Open {
        session: SessionId(1),
        protocol: machine.register(&protocol),
        owner: Owner::new("host").unwrap(),
        capacities: Capacities::every(CAPACITY_DEFAULT).unchecked(),
        journal: true,
        on_lost: OnLost::default(),
        policies: Vec::new(),
    };
    let opened = machine.handle(Tick(100), Input::Open(open)).unwrap();
    let Accepted::Opened(capability) = opened else { panic!("{opened:?}") };
    let (a, b) = (protocol.role("A").unwrap(), protocol.role("B").unwrap());
    let label = protocol.label("int").unwrap();
    let send = Send { role: a, to: b, label, value: Value::Int(1), at: None };
    machine.act(Tick(100), capability.present(), Act::Send(send)).unwrap();
    let drain = Act::Drain { deadline: Some(Tick(50)) };
    machine.act(Tick(100), capability.present(), drain).unwrap();
    machine.handle(Tick(100), Input::Tick).unwrap();
    assert_eq!(machine.session(SessionId(1)).unwrap().status(), &Status::Closed);
    machine.seal();
    let Some(Output::Persist(batch)) = machine.poll() else { panic!("nothing to persist") };
    let records = Record::decode_batch(&batch, &protocol).unwrap();
    let replayed = Machine::replay(&protocol, SessionId(1), &records).unwrap();
    assert_eq!(replayed.digest(), machine.digest());
    assert_eq!(replayed.poll_timeout(), None);
}
