//! What holds of any bytes: no reader panics, and what is read is also printed, and read from there
//! as the same. The fuzz targets and `tests/corpora.rs` run these very functions.
#![allow(dead_code)]

use antiphon::machine::{Batch, Head, Machine, Record, SessionId, SessionSnapshot, Tick};
use antiphon::types::syntax::{Declared, Limits, Report, cfsm, decode, json as types_json};
use antiphon::types::syntax::{Each, Loaded, ModulePath, Source, Unloaded};
use antiphon::types::syntax::{read_global, read_local, read_local_type};
use antiphon::types::{
    Diagnostics, GlobalType, LocalType, LocalTypes, Name, Origin, Protocol, StateIx,
};
use antiphon::wire::codec::FRAME_BYTES_LIMIT;
use antiphon::wire::door::{Door, DoorLimits};
use antiphon::wire::journal::{self as lines, Journal};
use antiphon::wire::payload::Form;
use antiphon::wire::seal::{Key, Keys, Purpose};
use sha2::{Digest, Sha256};

/// Small enough that a run of the fuzzer sees many texts.
fn limits() -> Limits {
    Limits { bytes_max: 1 << 20, ..Limits::default() }
}

/// The text of the bytes, if it is one.
fn text(bytes: &[u8]) -> Option<&str> {
    decode(bytes, &limits()).map_err(|found| drawn("", &found)).ok()
}

/// What is said of a wrong text can be shown, and is said of places inside the text.
fn drawn(text: &str, found: &Diagnostics) {
    assert!(!found.is_empty(), "refused without a reason");
    for diagnostic in found.list() {
        let (start, end) = (diagnostic.span.start as usize, diagnostic.span.end as usize);
        assert!(text.is_empty() || text.get(start..end).is_some(), "{diagnostic:?}");
    }
    let report = Report::new("text", text, found.clone());
    assert!(!report.render(false).is_empty());
}

/// What stands before the name of a module in a text of several: the first is the main one.
const MODULE: &str = "\n=== ";

/// Protocols in Scribble, with the modules that stand behind the first one.
pub(crate) fn scribble(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Ok((globals, warnings)) = read_global(text, &limits()) {
        assert!(!globals.is_empty() && !warnings.has_errors());
    }
    let mut parts = text.split(MODULE);
    let main = parts.next().expect("there is a first part");
    let modules: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('\n')).collect();
    let mut load = |path: &ModulePath| {
        let name = path.to_string();
        let found = modules.iter().find(|(known, _)| *known == name);
        let (_, text) = found.ok_or_else(|| Unloaded::Missing(name.clone()))?;
        Ok(Loaded { name, bytes: text.as_bytes().to_vec() })
    };
    // As small as the texts are, so that the limits are met.
    let limits = Limits { modules_max: 8, modules_bytes_max: 3_000, ..limits() };
    match Source::read_with("main", main.as_bytes(), &limits, &mut load) {
        Err(report) => inside(&report),
        Ok(source) => {
            assert!(!source.warnings.has_errors());
            for each in source.declared.each() {
                match each {
                    Each::Global(read) => global(read),
                    Each::Local(_, locals) => {
                        same_locals(locals);
                        let name = Name::new("Fuzzed").expect("this is a name");
                        Protocol::from_locals(name, locals.clone()).iter().for_each(same_protocol);
                    }
                }
            }
        }
    }
}

/// What is said of several texts can be shown, and is said of places inside them.
fn inside(report: &Report) {
    assert!(report.diagnostics.has_errors(), "refused without a reason");
    for diagnostic in report.diagnostics.list() {
        let notes = diagnostic.notes.iter().map(|(span, _)| *span);
        for span in std::iter::once(diagnostic.span).chain(notes) {
            let (text, span) = report.texts.find(span);
            let place = span.start as usize..span.end as usize;
            assert!(text.text.get(place).is_some(), "{diagnostic:?}");
        }
    }
    assert!(!report.render(false).is_empty());
}

/// Local types, a file of them or a single one.
pub(crate) fn local(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match read_local(text, &limits()) {
        Err(found) => drawn(text, &found),
        Ok((locals, warnings)) => {
            assert!(!warnings.has_errors());
            let name = Name::new("Fuzzed").expect("this is a name");
            let protocol = Protocol::unchecked(name, locals.clone());
            same_locals(&locals);
            protocol.iter().for_each(same_protocol);
        }
    }
    match read_local_type(text, &limits()) {
        Err(found) => drawn(text, &found),
        Ok(local) => {
            let again = local.to_string().parse::<LocalType>();
            assert_eq!(again.as_ref(), Ok(&local));
            assert_eq!(local.dual().dual(), local);
        }
    }
}

/// Types as JSON: documents, single types, single sorts.
pub(crate) fn json(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match types_json::read(text, &limits()) {
        Err(found) => drawn(text, &found),
        Ok((declared, _)) => {
            let written = types_json::write(&declared);
            let (again, _) =
                types_json::read(&written, &Limits::default()).expect("it was written");
            assert_eq!(again, declared);
            assert_eq!(types_json::write(&again), written);
            match &declared {
                Declared::Global(globals) => globals.iter().for_each(global),
                Declared::Local(locals) => same_locals(locals),
                Declared::Named(_) => unreachable!("a document has one kind of protocols"),
            }
        }
    }
    if let Ok(local) = types_json::read_local(text, &limits()) {
        let written = types_json::write_local(&local);
        assert_eq!(types_json::read_local(&written, &Limits::default()).as_ref(), Ok(&local));
    }
    if let Ok(sort) = types_json::read_sort(text, &limits()) {
        let written = types_json::write_sort(&sort);
        assert_eq!(types_json::read_sort(&written, &Limits::default()).as_ref(), Ok(&sort));
    }
}

/// Automata in the text of KMC and in DOT.
pub(crate) fn automata(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    for read in [cfsm::read_fsm, cfsm::read_dot] {
        match read(text, &limits()) {
            Err(found) => drawn(text, &found),
            Ok((locals, warnings)) => {
                assert!(!warnings.has_errors());
                let name = Name::new("Fuzzed").expect("this is a name");
                if let Ok(protocol) = Protocol::unchecked(name, locals) {
                    same_protocol(&protocol);
                    same_automata(&protocol);
                }
            }
        }
    }
    // Which notation it is, is found out in any text.
    if let Err(report) = Source::read("text", bytes, &limits()) {
        drawn(text, &report.diagnostics);
    }
}

/// What is printed of the automata is read back as a protocol that does the same.
fn same_automata(protocol: &Protocol) {
    let texts = [
        cfsm::write_dot(protocol, None),
        cfsm::write_fsm(protocol),
        types_json::write_automata(protocol, None),
    ];
    for text in texts {
        let again = Source::read("protocol", text.as_bytes(), &Limits::default())
            .and_then(|source| source.protocol_unchecked(None))
            .unwrap_or_else(|report| panic!("{report}\n{text}"));
        assert_eq!(again.digest(), protocol.digest(), "{text}");
    }
}

/// A journal as text; or, behind a zero byte, the bytes of a batch.
pub(crate) fn journal(bytes: &[u8]) {
    match bytes.strip_prefix(&[0]) {
        Some(batch) => records(batch),
        None => journal_text(bytes),
    }
}

fn global(global: &GlobalType) {
    let printed = global.to_string();
    let again = printed.parse::<GlobalType>();
    assert_eq!(again.as_ref(), Ok(global), "{printed}");
    match Protocol::from_global(global) {
        Ok(protocol) => same_protocol(&protocol),
        Err(found) => drawn("", &found),
    }
}

fn same_locals(locals: &LocalTypes) {
    let printed = locals.to_string();
    let again = printed.parse::<LocalTypes>();
    assert_eq!(again.as_ref(), Ok(locals), "{printed}");
}

/// A protocol whose types are made anew from its automata is the same protocol.
fn same_protocol(protocol: &Protocol) {
    same_locals(protocol.locals());
    let mut locals = Vec::new();
    for (index, role) in protocol.roles().enumerate() {
        let number = protocol.role(role).expect("it is one of them");
        assert_eq!(number.index(), index);
        match protocol.local_at(number, StateIx::INITIAL) {
            Ok(local) => locals.push((role.clone(), local)),
            // A type that shares much is too large when it is written out.
            Err(_) => return,
        }
    }
    let (locals, _) = LocalTypes::new(locals).expect("they were types");
    let again = Protocol::of_origin(protocol.name().clone(), Origin::Local, locals);
    assert_eq!(again.expect("it was a protocol").digest(), protocol.digest());
}

fn journal_text(bytes: &[u8]) {
    let Ok(journal) = Journal::read(bytes) else { return };
    let Journal { protocol, session, records, .. } = &journal;
    // Line for line, it is what would have been written.
    let mut written = vec![lines::header_line(protocol, *session)];
    let mut head = Head::first(*session, protocol.digest());
    let mut rest = &records[..];
    while !rest.is_empty() {
        let first = records.len() - rest.len();
        let line = journal.lines[first];
        let count = journal.lines[first..].iter().take_while(|other| **other == line).count();
        let batch = lines::batch(head, *session, &rest[..count]).expect("it has records");
        written.push(lines::batch_line(protocol, &batch).expect("it was read"));
        (head, rest) = (batch.head, &rest[count..]);
    }
    assert_eq!(head, journal.head);
    if journal.is_complete {
        written.push(lines::end_line(records.len() as u64, head));
    }
    let text: String = written.iter().map(|line| format!("{line}\n")).collect();
    assert_eq!(text.as_bytes(), bytes);
    replay(&journal.protocol, *session, records);
}

/// The protocol that batches are read for: every kind of sort, choices and a loop.
const BATCHED: &str = "
    A = rec X . B!{ text(string) . X, count(nat) . X, list([{a: int, b: bool?}]) . X, bulk(bytes) . X,
                    any(Thing) . X, pair(float, unit) . X, done . B?over(string?) . end }
    B = rec X . A?{ text(string) . X, count(nat) . X, list([{a: int, b: bool?}]) . X, bulk(bytes) . X,
                    any(Thing) . X, pair(float, unit) . X, done . A!over(string?) . end }
";

/// The protocol and the session that the batches of the corpus are of.
pub(crate) fn batched() -> (Protocol, SessionId) {
    (BATCHED.parse().expect("it is a protocol"), SessionId(7))
}

/// The bytes of a batch: what is read is written as the same bytes, and replaying it is safe.
fn records(bytes: &[u8]) {
    let (protocol, session) = batched();
    let bytes = bytes.to_vec();
    let first = Head::first(session, protocol.digest());
    for count in 0..=16 {
        let bytes = bytes.clone().into();
        let batch = Batch { session, first: 0, count, bytes, head: first };
        let Ok(records) = Record::decode_batch(&batch, &protocol) else { continue };
        let again = Record::encode_batch(&records);
        assert_eq!(again, batch.bytes);
        lines::batch_line(&protocol, &batch).expect("it was read");
        replay(&std::sync::Arc::new(protocol.clone()), session, &records);
    }
}

fn replay(protocol: &std::sync::Arc<Protocol>, session: SessionId, records: &[Record]) {
    if let Ok(machine) = Machine::replay(protocol, session, records) {
        machine.check_invariants().expect("invariants hold");
        let again = Machine::replay(protocol, session, records).expect("it was replayed");
        assert_eq!(machine.digest(), again.digest());
    }
}

/// A snapshot without the digest at its end, which a fuzzer would not find: what is restored is
/// sound, and its snapshot the same bytes. Of the session and the protocol that batches are of.
pub(crate) fn snapshot(bytes: &[u8]) {
    let damaged = SessionSnapshot::read(bytes.to_vec().into());
    assert!(damaged.is_err(), "no fuzzer finds a digest");
    let mut whole = bytes.to_vec();
    whole.extend_from_slice(&Sha256::digest(bytes));
    let Ok(snapshot) = SessionSnapshot::read(whole.into()) else { return };
    let mut machine = Machine::new();
    if machine.restore(&std::sync::Arc::new(batched().0), &snapshot).is_ok() {
        machine.check_invariants().expect("invariants hold");
        assert_eq!(machine.snapshot(snapshot.session()).as_ref(), Some(&snapshot));
    }
}

/// Lines for the door of a machine, in which `@P` stands for the digest of the protocol that was
/// registered last and `@S` for a session: a fuzzer would not find them.
pub(crate) fn door(bytes: &[u8]) {
    let limits = DoorLimits { line_bytes_max: 4_096, ..DoorLimits::default() };
    let mut door = Door::new(Machine::observed(), limits);
    let (mut digest, session) = ("0".repeat(64), SessionId(7).to_string());
    let mut answers = 0;
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    lines.pop_if(|last| last.is_empty());
    for line in lines {
        let mut line = replaced(&replaced(line, b"@P", &digest), b"@S", &session);
        line.push(b'\n');
        let mut rest = &line[..];
        let answer = door.feed(&mut rest).expect("the line is whole");
        assert!(rest.is_empty() && !answer.contains('\n'));
        answers += 1;
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("answers are JSON");
        assert_eq!(answer["line"], answers);
        let said = ["ok", "refused", "error"].into_iter().filter(|key| answer.get(key).is_some());
        assert_eq!(said.count(), 1, "{answer}");
        if let Some(registered) = answer["ok"]["registered"]["protocol"].as_str() {
            registered.clone_into(&mut digest);
        }
    }
    assert_eq!(door.finish(), None);
    door.machine().check_invariants().expect("invariants hold");
}

/// The text of a token; or, behind a zero byte, its body, which is then sealed here: a fuzzer finds no
/// seal.
pub(crate) fn token(bytes: &[u8]) {
    match bytes.strip_prefix(&[0]) {
        Some(body) => drop(sealed(body)),
        None => drop(std::str::from_utf8(bytes).map(opened)),
    }
}

/// The body under the key of the corpus: whether it is one.
pub(crate) fn sealed(body: &[u8]) -> bool {
    use base64::Engine as _;
    use hmac::{KeyInit as _, Mac as _};
    let bytes = [&[1, 1, 0, 0, 0], body].concat();
    let mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(&secret()).expect("any length");
    let seal = mac.chain_update(&bytes).finalize().into_bytes();
    let bytes = [&bytes[..], &seal[..]].concat();
    opened(&base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

/// The first key of `specs/vectors/tokens.json`.
fn secret() -> [u8; 32] {
    core::array::from_fn(|at| u8::try_from(at).expect("there are 32"))
}

/// A text is a token of at most one purpose, and then it is the token's only text.
fn opened(text: &str) -> bool {
    let keys = Keys::new(Key::new(1, secret()), None).expect("it is one key");
    let found = Purpose::ALL.map(|purpose| keys.open(text, purpose, Tick(0)));
    let found: Vec<_> = found.into_iter().flatten().collect();
    found.iter().for_each(|token| assert_eq!(keys.seal(token), text));
    assert!(found.len() <= 1, "{found:?}");
    found.len() == 1
}

/// Frames, in whichever form the first byte says: what is read is written as what is read again.
pub(crate) fn frame(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let form = if first % 2 == 0 { Form::Json } else { Form::Binary };
    if let Ok(frame) = form.decode(bytes, FRAME_BYTES_LIMIT) {
        let again = form.encode(&frame);
        assert_eq!(form.decode(&again, FRAME_BYTES_LIMIT), Ok(frame));
    }
}

fn replaced(line: &[u8], what: &[u8], by: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), line);
    while let Some(at) = rest.windows(what.len()).position(|window| window == what) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(by.as_bytes());
        rest = &rest[at + what.len()..];
    }
    out.extend_from_slice(rest);
    out
}
