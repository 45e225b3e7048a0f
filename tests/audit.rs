//! Who held what: the trail as people and programs see it, proofs, compacted journals, and what is
//! kept of refused attempts.
#![cfg(feature = "cli")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::reference::script::{self, Stage};
use crate::scene;
use crate::scene::Scene;
use crate::schema;
use crate::strategies::cases;
use antiphon::machine::*;
use antiphon::types::Protocol;
use antiphon::wire::audit::Audited;
use antiphon::wire::compact::{CompactError, Compacted, compact};
use antiphon::wire::door::{Door, DoorLimits};
use antiphon::wire::journal::{self, Damage, Journal};
use antiphon::wire::proof::{Proof, ProofError};
use proptest::prelude::*;
use serde_json::{Value as Tree, json};

const ORDERS: &str = "
    Buyer  = rec X . Seller!{ order(nat) . Seller?paid . X, stop . end }
    Seller = rec X . Buyer?{ order(nat) . Buyer!paid . X, stop . end }
";

fn owner(name: &str) -> Owner {
    Owner::new(name).unwrap()
}

/// The journal that a machine has made so far, as text.
fn written(machine: &mut Machine, protocol: &Protocol, session: SessionId, ended: bool) -> String {
    machine.seal();
    let mut text = journal::header_line(protocol, session) + "\n";
    while let Some(output) = machine.poll() {
        if let Output::Persist(batch) = output
            && batch.session == session
        {
            text += &(journal::batch_line(protocol, &batch).unwrap() + "\n");
        }
    }
    if ended {
        let (count, head) = (machine.journal_len(session), machine.journal_head(session));
        text += &(journal::end_line(count.unwrap(), head.unwrap()) + "\n");
    }
    text
}

/// The Buyer goes from a phone to a tablet, is given up, and claimed for a watch; the Seller is
/// frozen for whoever comes, and nobody comes.
fn story() -> Scene {
    let mut scene = Scene::with(Machine::new(), ORDERS, |_, open| open.journal = true);
    let by = |scene: &mut Scene, by: &Presented, authority: Authority| {
        let act = Act::Authority(Box::new(authority));
        scene.machine.act(Tick(scene.now), by, act).unwrap()
    };
    let (request, host) = (RequestId(1), scene.by.clone());
    let (buyer, seller) = (Scope::role(scene.role("Buyer")), Scope::role(scene.role("Seller")));
    scene.now = 3;
    scene.send("Buyer", "Seller", "order", 3_u64);
    scene.now = 5;
    let receipt = scene.staged("Buyer", "tablet", Some(100), false);
    scene.receive("Seller", "Buyer");
    scene.now = 12;
    let commit = Commit { request, receipt, owner: owner("tablet") };
    let input = Input::Commit(Box::new(commit));
    let Ok(Accepted::Issued(tablet)) = scene.machine.handle(Tick(12), input) else { panic!() };
    scene.now = 20;
    by(&mut scene, tablet.present(), Authority::Release { request, scope: buyer });
    scene.now = 25;
    by(&mut scene, &host, Authority::Claim { request, owner: owner("watch"), scope: buyer });
    scene.now = 30;
    let (expires, to) = (Some(Tick(40)), Recipient::Bearer);
    let bearer = Authority::Stage { request, scope: seller, to, expires, freeze: true };
    by(&mut scene, &host, bearer);
    scene.tick(50);
    by(&mut scene, &host, Authority::Attenuate { request, scope: Scope::LIFECYCLE });
    scene.now = 60;
    let (expires, to) = (None, Recipient::Owner(owner("shop")));
    let shop = Authority::Stage { request, scope: seller, to, expires, freeze: false };
    let Accepted::Staged(receipt) = by(&mut scene, &host, shop) else { panic!() };
    scene.now = 61;
    by(&mut scene, &host, Authority::Rollback { receipt: *receipt });
    scene
}

/// The journal of the story, to its end and with its end mark.
fn whole() -> String {
    let mut scene = story();
    let generation = Generation(4);
    let by = Presented { generation, scope: Scope::LIFECYCLE, ..scene.by.clone() };
    scene.machine.act(Tick(70), &by, Act::Cancel { reason: "the shop is shut".into() }).unwrap();
    written(&mut scene.machine, &scene.protocol, scene.by.session, true)
}

/// What `antiphon` says to this input: its status, standard output, and standard error.
fn antiphon(arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_antiphon"))
        .args(arguments)
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever reads no input is not waited for.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn good(arguments: &[&str], input: &str) -> String {
    let (status, out, error) = antiphon(arguments, input);
    assert_eq!((status, error.as_str()), (0, ""), "{arguments:?}");
    out
}

fn bad(status: i32, arguments: &[&str], input: &str) -> String {
    let (found, out, error) = antiphon(arguments, input);
    assert_eq!((found, out.as_str()), (status, ""), "{arguments:?}: {error}");
    error
}

/// The text with `HASH` for what depends on every byte of the records.
fn without_hashes(text: &str) -> String {
    let is_hash = |word: &str| {
        let digits = word.trim_matches(['(', ')', ',']);
        matches!(digits.len(), 16 | 64) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let word = |word: &str| match is_hash(word.trim_end()) {
        true => {
            let digits = word.trim().trim_matches(['(', ')', ',']);
            word.replace(digits, "HASH")
        }
        false => word.to_owned(),
    };
    text.split_inclusive([' ', '\n']).map(word).collect()
}

#[test]
fn a_person_reads_who_held_what_and_why_it_changed() {
    insta::assert_snapshot!(without_hashes(&good(&["audit", "-"], &whole())), @r"
    protocol, session 00000000000000000000000000000001
    status     cancelled (the shop is shut), at tick 70
    journal    13 records, complete, the chain holds (HASH), re-executed to HASH
    root       HASH
    owner      host#1 of Seller
    owner      watch#3 of Buyer
    owner      host#4 of lifecycle
    refused    attempts that were refused are in no journal: the machine counts them while it lives

    tick 0  record 0  opened  Session: host#1
    tick 5  record 2  receipt 0  staged  Buyer: host#1 → tablet, until tick 100
    tick 12  record 4  receipt 0  committed  Buyer: host#1 → tablet#2
    tick 20  record 5  released  Buyer: tablet#2 → nobody
    tick 25  record 6  claimed  Buyer: nobody (last tablet#2) → watch#3, by host#1
    tick 30  record 7  receipt 1  staged  Seller: host#1 → its bearer, until tick 40, frozen
    tick 40  record 8  receipt 1  expired  Seller: stays with host#1
    tick 50  record 9  attenuated  lifecycle: host#1 → host#4
    tick 60  record 10  receipt 2  staged  Seller: host#1 → shop
    tick 61  record 11  receipt 2  rolled back  Seller: stays with host#1
    tick 70  record 12  cancelled  the shop is shut, by host#4
    ");
}

#[test]
fn what_is_in_flight_and_a_journal_without_an_end_are_said() {
    let mut scene = story();
    let request = RequestId(2);
    let (scope, to) = (Scope::role(scene.role("Seller")), Recipient::Bearer);
    scene.change(Authority::Stage { request, scope, to, expires: None, freeze: true });
    let text = written(&mut scene.machine, &scene.protocol, scene.by.session, false);
    let (status, out, error) = antiphon(&["audit", "-"], &text);
    assert_eq!(status, 1, "what is shown is good, and may not be all");
    assert!(out.contains("without its end mark"), "{out}");
    assert!(out.contains("in flight  receipt 3  Seller: host#1 → its bearer, frozen\n"), "{out}");
    assert!(error.contains("has no end mark"), "{error}");
}

#[test]
fn lines_are_chosen_by_role_and_by_owner() {
    let text = whole();
    let lines = |arguments: &[&str]| {
        let out = good(&[&["audit", "-"], arguments].concat(), &text);
        let (_, lines) = out.split_once("\n\n").unwrap();
        lines.lines().map(|line| line.split("  ").nth(1).unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(lines(&["--owner", "tablet"]), ["record 2", "record 4", "record 5", "record 6"]);
    assert_eq!(lines(&["--role", "Buyer", "--owner", "watch"]), ["record 6"]);
    assert_eq!(lines(&["--role", "Seller"]).len(), 5);
    assert!(bad(2, &["audit", "-", "--role", "Nobody"], &text).contains("Buyer, Seller"));
}

#[test]
fn a_program_reads_the_same_as_a_document_of_the_schema() {
    let schema: Tree =
        serde_json::from_str(include_str!("../specs/schema/audit.schema.json")).unwrap();
    let mut live = story();
    let live = written(&mut live.machine, &live.protocol, live.by.session, false);
    let compacted = good(&["compact", "-", "-o", "-"], &whole());
    for (text, status) in [(whole(), 0), (live, 1), (compacted, 0)] {
        let (found, out, _) = antiphon(&["audit", "-", "--json"], &text);
        assert_eq!(found, status);
        let document: Tree = serde_json::from_str(&out).unwrap();
        assert!(schema::fits(&schema, &schema, &document), "{document:#}");
        let shown = antiphon(&["audit", "-"], &text).1;
        let (_, lines) = shown.split_once("\n\n").unwrap();
        let trail = document["trail"].as_array().unwrap();
        assert_eq!(trail.len(), lines.lines().count());
        for (line, shown) in trail.iter().zip(lines.lines()) {
            let said = |key: &str| line[key].to_string();
            let what = line["what"].as_str().unwrap().replace('_', " ");
            assert!(shown.starts_with(&format!(
                "tick {}  record {}  ",
                said("tick"),
                said("record")
            )));
            match line["fragments"].as_str().unwrap() {
                "" => assert!(
                    shown.contains(&format!("  {what}  {}", line["about"].as_str().unwrap()))
                ),
                fragments => assert!(shown.contains(&format!("  {what}  {fragments}:"))),
            }
        }
    }
}

#[test]
fn a_damaged_or_forged_journal_tells_nothing() {
    let text = whole();
    let edited = text.replacen("tablet", "thieve", 1);
    assert!(bad(1, &["audit", "-"], &edited).contains("do not give the head"));
    // A forger who chains what was changed: the machine does not accept it.
    let journal = Journal::read(text.as_bytes()).unwrap();
    let mut records = journal.records.clone();
    let Recorded::Input(Input::Commit(commit)) = &mut records[4].event else { panic!() };
    commit.owner = owner("thief");
    let head = Head::first(journal.session, journal.protocol.digest());
    let batch = journal::batch(head, journal.session, &records).unwrap();
    let forged = journal::header_line(&journal.protocol, journal.session)
        + "\n"
        + &journal::batch_line(&journal.protocol, &batch).unwrap()
        + "\n"
        + &journal::end_line(records.len() as u64, batch.head)
        + "\n";
    let error = bad(1, &["audit", "-"], &forged);
    assert!(error.contains("line 2: record 4 is refused"), "{error}");
    assert!(bad(1, &["audit", "-", "--prove", "4"], &forged).contains("record 4 is refused"));
    // Another session's journal is not what was asked for.
    let other = bad(1, &["audit", "-", "--session", &"f".repeat(32)], &text);
    assert!(other.contains("this is of session"), "{other}");
    good(&["audit", "-", "--session", &format!("{:032x}", 1)], &text);
    assert!(bad(2, &["audit"], "").contains("required"));
    assert!(bad(2, &["audit", "/no/such/file"], "").contains("/no/such/file"));
}

#[test]
fn a_proof_is_verified_without_the_journal() {
    let text = whole();
    let out = good(&["audit", "-"], &text);
    let root = out.lines().find_map(|line| line.strip_prefix("root       ")).unwrap();
    let proof = good(&["audit", "-", "--prove", "4"], &text);
    let said = good(&["audit", "--check-proof", "-", "--root", root], &proof);
    assert!(said.starts_with(&format!("record 4 of 13 is in the journal with the root {root}\n")));
    assert!(said.contains("\"owner\":\"tablet\""), "{said}");
    assert!(!said.contains("--root"), "{said}");
    let alone = good(&["audit", "--check-proof", "-"], &proof);
    assert!(alone.contains("compare the root with one that you trust"), "{alone}");
    let other = bad(1, &["audit", "--check-proof", "-", "--root", &"0".repeat(64)], &proof);
    assert!(other.contains("leads to the root"), "{other}");
    let edited = bad(1, &["audit", "--check-proof", "-"], &proof.replacen("tablet", "thieve", 1));
    assert!(edited.contains("proves nothing"), "{edited}");
    assert!(bad(2, &["audit", "-", "--prove", "13"], &text).contains("13 records"));
    assert_eq!(antiphon(&["audit", "--check-proof", "-", "--root", "xyz"], &proof).0, 2);
    assert_eq!(antiphon(&["audit", "--root", root], &proof).0, 2);
}

#[test]
fn a_compacted_journal_shows_the_same_trail_under_the_same_root() {
    let text = whole();
    let compacted = good(&["compact", "-", "-o", "-"], &text);
    let (before, after) = (good(&["audit", "-"], &text), good(&["audit", "-"], &compacted));
    let differ = |(a, b): &(&str, &str)| a != b;
    let lines: Vec<_> = before.lines().zip(after.lines()).filter(differ).collect();
    assert_eq!(lines.len(), 1, "{after}");
    assert!(lines[0].1.starts_with("journal    compacted: 11 of 13 records kept, the root holds"));
    assert_eq!(before.lines().count(), after.lines().count());
    // What was kept is proved as before, word for word.
    let proof = good(&["audit", "-", "--prove", "4"], &compacted);
    assert_eq!(proof, good(&["audit", "-", "--prove", "4"], &text));
    assert!(bad(1, &["audit", "-", "--prove", "1"], &compacted).contains("was removed"));
    let replay = bad(1, &["replay", "-"], &compacted);
    assert!(replay.contains("line 2: the journal was compacted"), "{replay}");
    assert!(bad(1, &["compact", "-", "-o", "-"], &compacted).contains("was compacted"));
}

#[test]
fn only_the_whole_journal_of_a_session_that_has_ended_is_compacted() {
    let mut scene = story();
    let live = written(&mut scene.machine, &scene.protocol, scene.by.session, true);
    let error = bad(1, &["compact", "-", "-o", "-"], &live);
    assert!(error.contains("the session is active, it has not ended"), "{error}");
    let text = whole();
    let cut = &text[..text.trim_end().rfind('\n').unwrap() + 1];
    assert!(bad(1, &["compact", "-", "-o", "-"], cut).contains("no end mark"));
    let journal = Journal::read(cut.as_bytes()).unwrap();
    assert_eq!(compact(&journal), Err(CompactError::Incomplete));
    // A file that is there is not written over.
    let path = std::env::temp_dir().join(format!("antiphon-compact-{}", std::process::id()));
    let file = path.to_str().unwrap();
    let done = antiphon(&["compact", "-", "-o", file], &text);
    let again = antiphon(&["compact", "-", "-o", file], &text);
    let kept = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!((done.0, again.0), (0, 2), "{again:?}");
    assert_eq!(kept, good(&["compact", "-", "-o", "-"], &text));
}

fn protocols() -> impl Strategy<Value = (Arc<Protocol>, Vec<script::Step>)> {
    (script::protocol(), prop_oneof![script::legal_script(true), script::wild_script(true)])
}

/// Fragments with whose they are, as told by a machine and by a trail.
type Told = BTreeSet<(u128, Owner, Generation, bool)>;

fn fragments(
    scope: Scope,
    owner: &Owner,
    generation: Generation,
    released: bool,
) -> impl Iterator<Item = (u128, Owner, Generation, bool)> {
    let bits = (0..128).map(|bit| 1_u128 << bit).filter(move |bit| scope.bits() & bit != 0);
    bits.map(move |bit| (bit, owner.clone(), generation, released))
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn the_trail_leads_to_what_is_there_and_every_record_is_proved(
        (protocol, steps) in protocols(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8u8), 4),
    ) {
        let mut machine = Machine::new();
        machine.register(&protocol);
        let mut stage = Stage::new(vec![Arc::clone(&protocol)]);
        for step in &steps {
            let input = stage.input(&machine, step);
            let _ = machine.handle(Tick(stage.now), input);
        }
        let session = script::session_id(0);
        let Some(view) = machine.session(session) else { return Ok(()) };
        let there: Told = view
            .holdings()
            .flat_map(|held| fragments(held.scope, held.owner, held.generation, held.released))
            .collect();
        let staged: Vec<_> = view.staged().map(|receipt| (receipt.id, receipt.scope)).collect();
        let ended = view.status().is_terminal();
        let text = written(&mut machine, &protocol, session, true);
        let audited = Audited::read(text.as_bytes()).unwrap();
        let told: Told = audited
            .trail
            .held()
            .iter()
            .flat_map(|held| {
                fragments(held.scope, &held.holder.owner, held.holder.generation, held.released)
            })
            .collect();
        prop_assert_eq!(&told, &there);
        let on_way = audited.trail.in_flight().iter();
        let on_way: Vec<_> = on_way.map(|on_way| (on_way.receipt, on_way.scope)).collect();
        prop_assert_eq!(on_way, staged);
        // Each line is of a record with an audit, and each such record has lines.
        let lines: BTreeSet<u64> = audited.lines.iter().map(|line| line.record).collect();
        let with = audited.records.iter().filter(|r| r.audits(&protocol).next().is_some());
        prop_assert_eq!(lines, with.map(|record| record.index).collect::<BTreeSet<u64>>());
        for record in &audited.records {
            let line = audited.prove(record.index).unwrap();
            let proof = Proof::read(line.as_bytes()).unwrap();
            prop_assert_eq!(&proof.record, record);
            prop_assert_eq!((proof.root, proof.size), (audited.tree.root(), audited.tree.len()));
        }
        prop_assert_eq!(audited.prove(audited.tree.len()), None);
        let mut line = audited.prove(0).unwrap().into_bytes();
        for (at, bit) in flips {
            let at = at.index(line.len());
            line[at] ^= 1 << bit;
            // JRNL-21: another size at which the path has the same shape cannot be told apart.
            if let Ok(other) = Proof::read(&line) {
                let good = Proof::read(audited.prove(0).unwrap().as_bytes()).unwrap();
                prop_assert!(other.size != good.size, "byte {}, bit {}", at, bit);
                prop_assert_eq!((other.root, other.session), (good.root, good.session));
                prop_assert_eq!(other.record, good.record);
            }
            line[at] ^= 1 << bit;
        }
        // JRNL-25: the same of what is left when it is compacted.
        let journal = Journal::read(text.as_bytes()).unwrap();
        match compact(&journal) {
            Err(error) => prop_assert!(!ended, "{}", error),
            Ok(kept) => {
                prop_assert!(ended);
                let after = Audited::read(kept.as_bytes()).unwrap();
                prop_assert_eq!(&after.lines, &audited.lines);
                prop_assert_eq!(after.tree.root(), audited.tree.root());
                prop_assert_eq!(&after.status, &audited.status);
                prop_assert_eq!(&after.digest, &audited.digest);
                for record in &after.records {
                    prop_assert_eq!(after.prove(record.index), audited.prove(record.index));
                }
            }
        }
    }

    #[test]
    fn refused_attempts_are_counted_and_change_nothing((protocol, steps) in protocols()) {
        let mut machine = Machine::new();
        machine.register(&protocol);
        let mut stage = Stage::new(vec![Arc::clone(&protocol)]);
        let mut naive: Vec<(Tick, &'static str, Option<SessionId>)> = Vec::new();
        for step in &steps {
            let input = stage.input(&machine, step);
            let session = input.session();
            let before = machine.refused().total();
            if let Err(refusal) = machine.handle(Tick(stage.now), input) {
                naive.push((Tick(stage.now), refusal.code(), session));
            } else {
                prop_assert_eq!(machine.refused().total(), before);
            }
        }
        let refused = machine.refused();
        prop_assert_eq!(refused.total(), naive.len() as u64);
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        naive.iter().for_each(|(_, code, _)| *counts.entry(code).or_default() += 1);
        prop_assert_eq!(refused.counts().collect::<BTreeMap<_, _>>(), counts);
        let last = naive.len().saturating_sub(REFUSED_MAX);
        let recent = refused.recent().map(|r| (r.code, r.session));
        let wanted = naive[last..].iter().map(|(_, code, session)| (*code, *session));
        prop_assert!(recent.eq(wanted));
        prop_assert!(refused.recent().all(|refused| refused.tick <= Tick(stage.now)));
    }
}

#[test]
fn a_byte_that_is_changed_in_a_compacted_journal_is_found() {
    let text = good(&["compact", "-", "-o", "-"], &whole());
    let bytes = text.as_bytes();
    for at in 0..bytes.len() {
        let edited = [bytes[at] ^ 1, bytes[at] ^ 0x20, b'0', b'\n'][at % 4];
        let mut changed = bytes.to_vec();
        changed[at] = edited;
        if changed != bytes {
            assert!(Compacted::read(&changed).is_err(), "byte {at} as {edited}");
        }
        if at % 16 == 0 {
            assert!(Compacted::read(&bytes[..at]).is_err(), "cut at {at}");
        }
    }
    // Who writes the sum anew has not changed the root.
    let lines: Vec<&str> = text.lines().collect();
    let error = Compacted::read((lines[..lines.len() - 1].join("\n") + "\n").as_bytes());
    assert_eq!(error.unwrap_err().damage, Damage::Torn);
    let twice = Compacted::read((text.clone() + lines[lines.len() - 1] + "\n").as_bytes());
    assert_eq!(twice.unwrap_err().damage, Damage::AfterEnd);
}

#[test]
fn a_proof_of_something_else_is_no_proof() {
    let audited = Audited::read(whole().as_bytes()).unwrap();
    let proof: Tree = serde_json::from_str(&audited.prove(4).unwrap()).unwrap();
    let next: Tree = serde_json::from_str(&audited.prove(5).unwrap()).unwrap();
    let line = audited.prove(4).unwrap();
    assert!(
        Proof::read(line.replace("\"index\":4,\"size\"", "\"index\":5,\"size\"").as_bytes())
            .is_err()
    );
    let swapped = line.replace(
        proof["record"]["event"]["commit"]["owner"].as_str().unwrap(),
        next["record"]["by"]["owner"].as_str().unwrap(),
    );
    assert_eq!(swapped, line, "both are of the tablet");
    let renamed = line.replacen(
        "\"outcome\":{\"issued\":{\"generation\":2}}",
        "\"outcome\":{\"issued\":{\"generation\":3}}",
        1,
    );
    assert_eq!(Proof::read(renamed.as_bytes()).unwrap_err(), ProofError::Record);
    let path = line.replace(proof["path"][0].as_str().unwrap(), &"0".repeat(64));
    assert!(matches!(Proof::read(path.as_bytes()).unwrap_err(), ProofError::Root { .. }));
    let short = line.replace(&format!("\"{}\",", proof["path"][0].as_str().unwrap()), "");
    assert!(matches!(Proof::read(short.as_bytes()).unwrap_err(), ProofError::Root { .. }));
}

#[test]
fn a_stranger_makes_nothing_grow() {
    let mut scene = Scene::with(Machine::new(), ORDERS, |_, open| open.journal = true);
    let (digest, records) = (scene.machine.digest(), scene.machine.journal_len(scene.by.session));
    let thief = Presented { owner: owner("thief"), ..scene.by.clone() };
    for tick in 0..10 * REFUSED_MAX as u64 {
        let act = scene.sending("Buyer", "Seller", "order", 1_u64, None);
        assert_eq!(
            scene.machine.act(Tick(tick), &thief, act).unwrap_err().code(),
            "stale_capability"
        );
    }
    let refused = scene.machine.refused();
    assert_eq!((refused.total(), refused.recent().len()), (640, REFUSED_MAX));
    assert_eq!(refused.counts().collect::<Vec<_>>(), [("stale_capability", 640)]);
    let last = refused.recent().last().unwrap();
    let wanted = Refused {
        tick: Tick(639),
        session: Some(scene.by.session),
        owner: Some(owner("thief")),
        attempt: "send",
        code: "stale_capability",
    };
    assert_eq!(*last, wanted);
    assert_eq!(scene.machine.digest(), digest);
    assert_eq!(scene.machine.journal_len(scene.by.session), records);
    // A replay knows nothing of them.
    let text = written(&mut scene.machine, &scene.protocol, scene.by.session, false);
    let replayed = Journal::read(text.as_bytes()).unwrap().replay().unwrap();
    assert_eq!(replayed.machine().refused().total(), 0);
    assert_eq!(replayed.digest(), scene.machine.digest());
}

#[test]
fn every_kind_of_input_is_named_when_it_is_refused() {
    let mut scene = story();
    let (request, scope) = (RequestId(9), Scope::LIFECYCLE);
    let stranger = Presented { owner: owner("thief"), ..scene.by.clone() };
    let (id, from, to) = (ReceiptId(0), owner("host"), Recipient::Bearer);
    let session = scene.by.session;
    let receipt = Receipt { session, id, from, generation: Generation(1), to: to.clone(), scope };
    let boxed = |authority: Authority| Act::Authority(Box::new(authority));
    let role = scene.role("Buyer");
    let acts = [
        scene.sending("Buyer", "Seller", "order", 1_u64, None),
        scene.receiving("Buyer", "Seller", None),
        Act::Acknowledge { role, position: Position(9) },
        Act::Bind { edge: None, handler: None },
        Act::Drain { deadline: None },
        Act::Close,
        Act::Cancel { reason: "no".into() },
        Act::Fault { reason: "no".into() },
        boxed(Authority::Release { request, scope }),
        boxed(Authority::Attenuate { request, scope }),
        boxed(Authority::Claim { request, owner: owner("thief"), scope }),
        boxed(Authority::Stage { request, scope, to, expires: None, freeze: false }),
        boxed(Authority::Rollback { receipt: receipt.clone() }),
    ];
    for act in acts {
        scene.machine.act(Tick(61), &stranger, act).unwrap_err();
    }
    let commit = Commit { request, receipt, owner: owner("thief") };
    scene.refused(Input::Commit(Box::new(commit)));
    scene.refused(Input::Persisted { session: SessionId(77), upto: 1 });
    let open = scene::open(&scene.protocol, 1);
    scene.refused(Input::Open(Open { owner: owner("thief"), ..open.clone() }));
    let protocol = antiphon::types::ProtocolDigest([0; 32]);
    scene.refused(Input::Open(Open { session: SessionId(8), protocol, ..open.clone() }));
    let capacities = Capacities::every(0);
    scene.refused(Input::Open(Open { session: SessionId(8), capacities, ..open }));
    let refused = scene.machine.refused().recent();
    let named: Vec<String> = refused.map(|r| format!("{} {}", r.attempt, r.code)).collect();
    insta::assert_snapshot!(named.join("\n"), @r"
    send stale_capability
    receive stale_capability
    acknowledge stale_capability
    bind stale_capability
    drain stale_capability
    close stale_capability
    cancel stale_capability
    fault stale_capability
    release stale_capability
    attenuate stale_capability
    claim stale_capability
    stage stale_capability
    rollback stale_capability
    commit receipt_spent
    persisted unknown_session
    open session_exists
    open unknown_protocol
    open bad_capacity
    ");
}

#[test]
fn the_door_tells_what_was_refused() {
    let mut door = Door::new(Machine::new(), DoorLimits::default());
    let mut told = |command: Tree| -> Tree {
        let line = format!("{command}\n");
        serde_json::from_str(&door.feed(&mut line.as_bytes()).unwrap()).unwrap()
    };
    let nothing = json!({"refused": {"total": 0, "counts": {}, "recent": []}});
    assert_eq!(told(json!({"refused": true}))["ok"], nothing);
    let session = format!("{:032x}", 5);
    let by = json!({"owner": "thief", "generation": 1, "scope": "1"});
    told(
        json!({"at": 7, "input": {"act": {"session": session, "by": by, "event": {"close": {}}}}}),
    );
    told(json!({"at": 8, "input": {"persisted": {"session": session, "upto": 1}}}));
    let answer = told(json!({"refused": true}));
    let wanted = json!({"refused": {
        "total": 2,
        "counts": {"unknown_session": 2},
        "recent": [
            {"tick": 7, "session": session, "owner": "thief", "attempt": "close", "code": "unknown_session"},
            {"tick": 8, "session": session, "owner": null, "attempt": "persisted", "code": "unknown_session"},
        ],
    }});
    assert_eq!(answer["ok"], wanted, "{answer}");
    assert_eq!(told(json!({"refused": false}))["error"]["code"], "not_a_command");
}

/// What happened: who opened a session again that was reaped was refused, and not counted (AUDIT-5).
#[test]
fn what_the_archive_refuses_is_counted() {
    let mut scene = Scene::new(ORDERS);
    scene.done(Act::Close);
    let (session, open) = (scene.by.session, scene::open(&scene.protocol, 1));
    scene.machine.handle(Tick(0), Input::Reap { session }).unwrap();
    assert_eq!(scene.refused(Input::Open(open)).code(), "session_exists");
    assert_eq!(scene.machine.refused().counts().collect::<Vec<_>>(), [("session_exists", 1)]);
}

/// What happened: hashes that stood for as many records as there can be, and one record behind
/// them: there was no place for it in the tree, which panicked or kept it without its leaf (JRNL-25).
#[test]
fn no_record_is_kept_behind_the_last_one() {
    let text = good(&["compact", "-", "-o", "-"], &whole());
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    let hashes = vec![format!("\"{}\"", "0".repeat(64)); 64].join(",");
    let (first, end) = ("\"first\":0", format!("\"end\":{}", u64::MAX));
    let removed = format!("{{\"removed\":{{{first},{end},\"hashes\":[{hashes}]}}}}");
    let kept = lines[2].replace("\"index\":0,", &format!("\"index\":{},", u64::MAX));
    assert_ne!(kept, lines[2]);
    lines.splice(2.., [removed, kept]);
    let error = Compacted::read((lines.join("\n") + "\n").as_bytes()).unwrap_err();
    assert_eq!((error.line, error.damage), (4, Damage::Root));
}
