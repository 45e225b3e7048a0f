//! Snapshots: what is restored from one is what every record comes to, and goes on the same.
#![cfg(feature = "driver")]

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};

use crate::reference::script::{self, Op, Stage, Step};
use crate::strategies::cases;
use antiphon::driver::{Breach, Node, NodeOptions, RecoverError, Recovery, Report, Unfit, keep};
use antiphon::journal::{Fence, Journal, JournalError, MemoryJournal, Snapshot, Stored, Write};
use antiphon::machine::*;
use antiphon::types::Protocol;
use antiphon::wire::door::{Door, DoorLimits};
use antiphon::wire::seal::{Key, Keys};
use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;
use sha2::{Digest, Sha256};

/// Everything that is shown of a session, but how often a spent token was presented.
fn shown(machine: &Machine, session: SessionId) -> serde_json::Value {
    let mut door = Door::new(machine.clone(), DoorLimits::default());
    let answer = door.feed(&mut format!("{{\"state\":\"{session}\"}}\n").as_bytes()).unwrap();
    let mut answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert!(answer["ok"]["state"].is_object(), "{answer}");
    forget(&mut answer, "refused");
    answer
}

fn forget(tree: &mut serde_json::Value, key: &str) {
    match tree {
        serde_json::Value::Object(fields) => {
            fields.remove(key);
            fields.values_mut().for_each(|field| forget(field, key));
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| forget(item, key)),
        _ => {}
    }
}

fn sound(machine: &Machine) -> Result<(), TestCaseError> {
    machine.check_invariants().map_err(|error| TestCaseError::fail(error.to_string()))
}

fn same(ours: &Machine, theirs: &Machine) -> Result<(), TestCaseError> {
    prop_assert_eq!(ours.session_ids(), theirs.session_ids());
    for session in ours.session_ids() {
        prop_assert_eq!(shown(ours, session), shown(theirs, session));
        prop_assert_eq!(ours.session_digest(session), theirs.session_digest(session));
        prop_assert_eq!(ours.journal_head(session), theirs.journal_head(session));
        prop_assert_eq!(ours.snapshot(session), theirs.snapshot(session));
        let (ours, theirs) = (ours.session(session).unwrap(), theirs.session(session).unwrap());
        prop_assert_eq!(ours.requests(), theirs.requests());
        let (_, next) = ours.requests().and_then(|all| all.outstanding).unwrap_or_default();
        for timer in (0..next.0).map(TimerId) {
            prop_assert_eq!(ours.timeout(timer), theirs.timeout(timer));
        }
    }
    prop_assert_eq!(ours.poll_timeout(), theirs.poll_timeout());
    let counts = |machine: &Machine| {
        let mut memory = machine.memory();
        // How much room there is for more is of one machine.
        memory.bytes = Retained::default();
        memory
    };
    prop_assert_eq!(counts(ours), counts(theirs));
    Ok(())
}

/// What there is to do now, with all of it made durable; also what runs out meanwhile, because it
/// was due when it was armed.
fn outputs(machine: &mut Machine, now: u64) -> Vec<Output> {
    let (mut outputs, mut sealed) = (Vec::new(), true);
    while std::mem::take(&mut sealed) {
        machine.seal();
        while let Some(output) = machine.poll() {
            if let Output::Persist(batch) = &output {
                let (session, upto) = (batch.session, batch.first + u64::from(batch.count));
                machine.handle(Tick(now), Input::Persisted { session, upto }).unwrap();
                sealed = true;
            }
            outputs.push(output);
        }
    }
    outputs
}

fn batches(outputs: &[Output]) -> Vec<Batch> {
    let batch = |output: &Output| match output {
        Output::Persist(batch) => Some(batch.clone()),
        _ => None,
    };
    outputs.iter().filter_map(batch).collect()
}

/// The snapshots of all sessions of a machine, restored in another one.
fn restored(machine: &Machine, protocol: &Arc<Protocol>) -> Result<Machine, TestCaseError> {
    let mut again = Machine::new();
    again.register(protocol);
    for session in machine.session_ids() {
        let snapshot = machine.snapshot(session).unwrap();
        let read = SessionSnapshot::read(snapshot.bytes().clone());
        prop_assert_eq!(read.as_ref(), Ok(&snapshot));
        prop_assert_eq!(again.restore(protocol, &snapshot), Ok(()));
        prop_assert_eq!(again.restore(protocol, &snapshot), Err(SnapshotError::Known(session)));
        sound(&again)?;
    }
    prop_assert_eq!(again.poll(), None);
    Ok(again)
}

/// No session is reaped, so that all three machines have the same ones in the same slots.
fn without_reaping(mut steps: Vec<Step>) -> Vec<Step> {
    steps.iter_mut().filter(|step| matches!(step.op, Op::Reap(_))).for_each(|s| s.op = Op::Tick);
    steps
}

proptest! {
    #![proptest_config(cases(150))]

    /// JSTO-15: the machine that goes on, one that has all its snapshots, and one that has replayed
    /// all its records.
    #[test]
    fn what_is_restored_is_what_was_and_goes_on_the_same(
        protocol in script::shown(),
        steps in script::script(true),
        at in any::<Index>(),
    ) {
        let (protocol, steps) = (protocol.0, without_reaping(steps));
        if steps.is_empty() {
            return Ok(());
        }
        let at = at.index(steps.len());
        let mut journal = MemoryJournal::default();
        let fence = journal.fence().unwrap();
        let mut machine = Machine::new();
        machine.register(&protocol);
        let mut stage = Stage::new(vec![Arc::clone(&protocol)]);
        for step in &steps[..=at] {
            let input = stage.input(&machine, step);
            let _ = machine.handle(Tick(stage.now), input);
            if step.seal {
                let sealed = batches(&outputs(&mut machine, stage.now));
                keep(&mut journal, fence, [&*protocol], &sealed).unwrap();
            }
        }
        let sealed = batches(&outputs(&mut machine, stage.now));
        keep(&mut journal, fence, [&*protocol], &sealed).unwrap();

        let mut restored = restored(&machine, &protocol)?;
        let mut replayed = Machine::new();
        replayed.register(&protocol);
        // In the order of their slots.
        let mut recovery = Recovery::new();
        for session in machine.session_ids() {
            recovery.session(&journal, session, &mut replayed).unwrap();
        }
        same(&restored, &machine)?;
        same(&restored, &replayed)?;
        prop_assert_eq!(restored.now(), replayed.now());
        // What it is told next is told at this time, whatever its sessions have heard of it.
        for step in &steps[at + 1..] {
            let input = stage.input(&machine, step);
            let now = Tick(stage.now);
            let answer = machine.handle(now, input.clone());
            prop_assert_eq!(&restored.handle(now, input.clone()), &answer);
            prop_assert_eq!(&replayed.handle(now, input), &answer);
            sound(&restored)?;
            if step.seal {
                let mut wanted = outputs(&mut machine, stage.now);
                let mut ours = outputs(&mut restored, stage.now);
                prop_assert_eq!(&ours, &outputs(&mut replayed, stage.now));
                // What a handler has is volatile: it is handed out again.
                for outputs in [&mut wanted, &mut ours] {
                    outputs.retain(|output| !matches!(output, Output::Deliver(_)));
                }
                prop_assert_eq!(ours, wanted);
            }
        }
        for machine in [&mut machine, &mut restored, &mut replayed] {
            outputs(machine, stage.now);
        }
        same(&restored, &machine)?;
        same(&restored, &replayed)?;
        // To the end of time: every timer runs out in all of them.
        for at in [1 << 20, 1 << 40] {
            for machine in [&mut machine, &mut restored, &mut replayed] {
                machine.handle(Tick(at), Input::Tick).unwrap();
                outputs(machine, at);
            }
        }
        same(&restored, &machine)?;
        same(&restored, &replayed)?;
        let reaped = machine.reap_terminal(usize::MAX);
        prop_assert_eq!(restored.reap_terminal(usize::MAX), reaped);
        prop_assert_eq!(replayed.reap_terminal(usize::MAX), reaped);
        same(&restored, &machine)?;
        sound(&restored)?;
    }
}

/// The bytes with the digest at their end that they have.
fn summed(mut bytes: Vec<u8>) -> Bytes {
    let end = bytes.len() - 32;
    let sum = Sha256::digest(&bytes[..end]);
    bytes[end..].copy_from_slice(&sum);
    bytes.into()
}

proptest! {
    #![proptest_config(cases(60))]

    /// JSTO-16: any byte that is changed, and wherever it is cut; also where somebody has made the
    /// digest at the end anew.
    #[test]
    fn what_is_damaged_is_refused(
        protocol in script::shown(),
        steps in script::script(true),
        other in 1..=u8::MAX,
    ) {
        let (protocol, steps) = (protocol.0, without_reaping(steps));
        let mut machine = Machine::new();
        machine.register(&protocol);
        let mut stage = Stage::new(vec![Arc::clone(&protocol)]);
        for step in &steps {
            let input = stage.input(&machine, step);
            let _ = machine.handle(Tick(stage.now), input);
        }
        machine.seal();
        for session in machine.session_ids() {
            let snapshot = machine.snapshot(session).unwrap();
            let bytes = snapshot.bytes();
            for at in 0..bytes.len() {
                prop_assert!(SessionSnapshot::read(bytes.slice(..at)).is_err());
                let mut changed = bytes.to_vec();
                changed[at] ^= other;
                prop_assert!(SessionSnapshot::read(changed.clone().into()).is_err(), "byte {}", at);
                let Ok(forged) = SessionSnapshot::read(summed(changed)) else { continue };
                let mut again = Machine::new();
                if again.restore(&protocol, &forged).is_ok() {
                    // Behind which records it stands it says nowhere else.
                    prop_assert_eq!(again.session_digest(session), machine.session_digest(session));
                    sound(&again)?;
                } else {
                    prop_assert!(again.session_ids().is_empty());
                    sound(&again)?;
                }
                if at + 32 < bytes.len() {
                    let cut = SessionSnapshot::read(summed(bytes[..at + 32].to_vec()));
                    let refused = cut.and_then(|cut| Machine::new().restore(&protocol, &cut));
                    prop_assert!(refused.is_err(), "cut at {}", at);
                }
            }
        }
    }

    /// JSTO-17: with snapshots that are kept now and then, each in the commit of its batch.
    #[test]
    fn with_and_without_snapshots_sessions_are_taken_up_the_same(
        protocol in script::shown(),
        steps in script::script(true),
        kept in proptest::collection::vec(any::<bool>(), 16),
    ) {
        let protocol = protocol.0;
        let mut journal = MemoryJournal::default();
        let fence = journal.fence().unwrap();
        let mut machine = Machine::new();
        machine.register(&protocol);
        let mut stage = Stage::new(vec![Arc::clone(&protocol)]);
        let mut commits = 0;
        for step in &steps {
            let input = stage.input(&machine, step);
            let _ = machine.handle(Tick(stage.now), input);
            if !step.seal {
                continue;
            }
            let sealed = batches(&outputs(&mut machine, stage.now));
            keep(&mut journal, fence, [&*protocol], &sealed).unwrap();
            commits += 1;
            if kept[commits % kept.len()] {
                let sessions: BTreeSet<_> = sealed.iter().map(|batch| batch.session).collect();
                for snapshot in sessions.iter().filter_map(|session| machine.snapshot(*session)) {
                    save(&mut journal, fence, &snapshot);
                }
            }
            let (mut ours, mut theirs) = (Machine::new(), Machine::new());
            let mut recovery = Recovery::new();
            let report = recovery.all(&journal, &mut ours, |_| true).unwrap();
            prop_assert!(report.broken.is_empty() && report.unfit.is_empty(), "{:?}", report);
            let full = Recovery::new().in_full().all(&journal, &mut theirs, |_| true).unwrap();
            prop_assert_eq!((report.sessions, report.records), (full.sessions, full.records));
            prop_assert_eq!(full.spared, 0);
            for session in ours.session_ids() {
                let upto = recovery.verify_snapshot(&journal, session);
                let upto = upto.map_err(|unfit| TestCaseError::fail(unfit.to_string()))?;
                prop_assert!(upto <= ours.journal_len(session));
            }
            same(&ours, &theirs)?;
            sound(&ours)?;
        }
    }
}

fn save(journal: &mut impl Journal, fence: Fence, snapshot: &SessionSnapshot) {
    save_as(journal, fence, snapshot.session(), snapshot.records(), snapshot.bytes(), snapshot);
}

/// A snapshot is kept as something that it may not be.
fn save_as(
    journal: &mut impl Journal,
    fence: Fence,
    session: SessionId,
    upto: u64,
    bytes: &[u8],
    snapshot: &SessionSnapshot,
) {
    let head = &snapshot.head().0;
    let write = Write::Snapshot { session: session.0, upto, head, bytes };
    journal.commit(fence, &[write]).unwrap();
}

/// Two roles that count, for ever.
fn counting() -> Arc<Protocol> {
    let text = "A = rec X . B!say(nat) . X   B = rec X . A?say(nat) . X";
    Arc::new(text.parse::<Protocol>().unwrap())
}

/// What a counting session is told.
struct Counting {
    protocol: Arc<Protocol>,
    by: Presented,
}

impl Counting {
    fn open(protocol: &Arc<Protocol>, session: SessionId, journal: bool) -> Open {
        Open {
            session,
            protocol: protocol.digest(),
            owner: Owner::new("host").unwrap(),
            capacities: Capacities::every(256),
            journal,
            on_lost: OnLost::default(),
            policies: Vec::new(),
        }
    }

    fn begin(machine: &mut Machine, protocol: &Arc<Protocol>, session: SessionId) -> Self {
        machine.register(protocol);
        let open = Self::open(protocol, session, true);
        let opened = machine.handle(Tick(1), Input::Open(open)).unwrap();
        let Accepted::Opened(capability) = opened else { panic!("{opened:?}") };
        Self { protocol: Arc::clone(protocol), by: capability.present().clone() }
    }

    fn say(&self, value: u64) -> Input {
        let role = |name| self.protocol.role(name).unwrap();
        let (label, value) = (self.protocol.label("say").unwrap(), value.into());
        let act = Act::Send(Send { role: role("A"), to: role("B"), label, value, at: None });
        Input::Act { by: self.by.clone(), act }
    }

    fn hear(&self) -> Input {
        let role = |name| self.protocol.role(name).unwrap();
        let act = Act::Receive(Receive { role: role("B"), from: role("A"), at: None });
        Input::Act { by: self.by.clone(), act }
    }
}

/// A session that says some numbers, two in a batch behind the first: with its batches and where
/// it stood behind each of them.
fn said(session: SessionId, numbers: [u64; 6]) -> (Machine, Vec<Batch>, Vec<SessionSnapshot>) {
    let mut machine = Machine::new();
    let counting = Counting::begin(&mut machine, &counting(), session);
    let (mut sealed, mut snapshots) = (batches(&outputs(&mut machine, 1)), Vec::new());
    snapshots.extend(machine.snapshot(session));
    for pair in numbers.chunks(2) {
        for number in pair {
            machine.handle(Tick(*number), counting.say(*number)).unwrap();
        }
        assert_eq!(machine.snapshot(session), None, "its batch is open");
        sealed.extend(batches(&outputs(&mut machine, 1)));
        snapshots.extend(machine.snapshot(session));
    }
    assert_eq!((sealed.len(), snapshots.len()), (4, 4));
    (machine, sealed, snapshots)
}

/// What is taken up of a journal, and whether all of it is where it must be.
fn taken_up(journal: &impl Journal, wanted: &Machine) -> Report {
    let mut machine = Machine::new();
    let report = Recovery::new().all(journal, &mut machine, |_| true).unwrap();
    assert!(report.broken.is_empty(), "{report:?}");
    for session in wanted.session_ids() {
        assert_eq!(machine.session_digest(session), wanted.session_digest(session));
        assert_eq!(machine.journal_head(session), wanted.journal_head(session));
    }
    machine.check_invariants().unwrap();
    report
}

/// JSTO-15: the digest of a state does not say which timer has left which witness.
#[test]
fn a_witness_is_that_of_its_timer_also_when_it_is_restored() {
    let (mut machine, session) = (Machine::new(), SessionId(7));
    let counting = Counting::begin(&mut machine, &counting(), session);
    for (request, after) in [(1, 1_000), (2, 3), (3, 2)] {
        let site = Site::Endpoint(counting.protocol.role("A").unwrap());
        let (request, valid) = (RequestId(request), None);
        let arm = Authority::ArmTimer { request, site, after, valid };
        machine.act(Tick(1), &counting.by, Act::Authority(Box::new(arm))).unwrap();
    }
    machine.handle(Tick(9), Input::Tick).unwrap();
    outputs(&mut machine, 9);
    let again = restored(&machine, &counting.protocol).unwrap();
    let late = |machine: &Machine, timer| {
        machine.session(session).unwrap().timeout(TimerId(timer)).map(|witness| witness.issued_at)
    };
    assert_eq!([0, 1, 2].map(|timer| late(&again, timer)), [None, Some(Tick(4)), Some(Tick(3))]);
    same(&again, &machine).unwrap();
}

/// JSTO-17: from each place where a batch ends.
#[test]
fn a_snapshot_spares_the_records_in_front_of_it() {
    let (machine, sealed, snapshots) = said(SessionId(7), [1, 2, 3, 4, 5, 6]);
    for snapshot in snapshots {
        let mut journal = MemoryJournal::default();
        let fence = journal.fence().unwrap();
        keep(&mut journal, fence, [&*counting()], &sealed).unwrap();
        save(&mut journal, fence, &snapshot);
        let report = taken_up(&journal, &machine);
        assert_eq!((report.records, report.spared), (7, snapshot.records()));
        assert!(report.unfit.is_empty());
        let verified = Recovery::new().verify_snapshot(&journal, SessionId(7)).unwrap();
        assert_eq!(verified, Some(snapshot.records()));
    }
}

/// JSTO-18: one thing after the other is wrong with a snapshot, and nothing with what is taken up.
#[test]
fn a_snapshot_that_does_not_fit_is_told_and_not_used() {
    let session = SessionId(7);
    let (machine, sealed, snapshots) = said(session, [1, 2, 3, 4, 5, 6]);
    // Another history of the same session, and the same history of another one.
    let (_, _, others) = said(session, [1, 2, 3, 9, 9, 9]);
    let (_, _, foreign) = said(SessionId(8), [1, 2, 3, 4, 5, 6]);
    let snapshot = &snapshots[2];
    let upto = snapshot.records();
    let told = |bytes: &[u8], upto, head: &SessionSnapshot| {
        let mut journal = MemoryJournal::default();
        let fence = journal.fence().unwrap();
        keep(&mut journal, fence, [&*counting()], &sealed).unwrap();
        save_as(&mut journal, fence, session, upto, bytes, head);
        let mut report = taken_up(&journal, &machine);
        assert_eq!((report.records, report.spared), (7, 0));
        let (of, unfit) = report.unfit.pop().unwrap();
        assert_eq!((of, report.unfit.len()), (session, 0));
        let verified = Recovery::new().verify_snapshot(&journal, session).unwrap_err();
        assert_eq!(verified.to_string(), unfit.to_string());
        unfit
    };
    let mut damaged = snapshot.bytes().to_vec();
    damaged[200] ^= 1;
    let unfit = told(&damaged, upto, snapshot);
    assert!(matches!(unfit, Unfit::Snapshot(SnapshotError::Damaged)), "{unfit}");
    let unfit = told(b"a snapshot of another kind", upto, snapshot);
    assert!(matches!(unfit, Unfit::Snapshot(SnapshotError::NotASnapshot)), "{unfit}");
    let mut newer = snapshot.bytes().to_vec();
    newer[18] += 1;
    let unfit = told(&newer, upto, snapshot);
    assert!(matches!(unfit, Unfit::Snapshot(SnapshotError::Version(2))), "{unfit}");
    let unfit = told(foreign[2].bytes(), upto, snapshot);
    assert!(matches!(unfit, Unfit::OtherSession(SessionId(8))), "{unfit}");
    let unfit = told(snapshot.bytes(), upto - 1, snapshot);
    assert!(matches!(unfit, Unfit::Elsewhere { kept: 4, said: 5 }), "{unfit}");
    let unfit = told(snapshot.bytes(), upto, &snapshots[1]);
    assert!(matches!(unfit, Unfit::NoBatch(5)), "{unfit}");
    let unfit = told(others[2].bytes(), upto, &others[2]);
    assert!(matches!(unfit, Unfit::NoBatch(5)), "{unfit}");
    // Another state is said to stand behind the same records. Nothing behind it gives that away.
    let mut lying = Machine::new();
    let protocol = counting();
    lying.restore(&protocol, &others[3]).unwrap();
    lying.resume_journal(session, *snapshots[3].head());
    let lie = lying.snapshot(session).unwrap();
    assert_ne!(lie, snapshots[3]);
    let mut journal = MemoryJournal::default();
    let fence = journal.fence().unwrap();
    keep(&mut journal, fence, [&*protocol], &sealed).unwrap();
    save(&mut journal, fence, &lie);
    let verified = Recovery::new().verify_snapshot(&journal, session);
    assert!(matches!(verified, Err(Unfit::OtherState(7))), "{verified:?}");
}

/// JSTO-11, JSTO-18: a session that is broken behind its snapshot is broken there.
#[test]
fn a_snapshot_heals_nothing_that_comes_behind_it() {
    let session = SessionId(7);
    let (_, mut sealed, snapshots) = said(session, [1, 2, 3, 4, 5, 6]);
    let mut bytes = sealed[3].bytes.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    sealed[3].bytes = bytes.into();
    let mut journal = MemoryJournal::default();
    let fence = journal.fence().unwrap();
    keep(&mut journal, fence, [&*counting()], &sealed).unwrap();
    save(&mut journal, fence, &snapshots[2]);
    let mut machine = Machine::new();
    let report = Recovery::new().all(&journal, &mut machine, |_| true).unwrap();
    let [RecoverError::Broken { index: 5, breach: Breach::Chain, .. }] = &report.broken[..] else {
        panic!("{report:?}")
    };
    assert!(matches!(&report.unfit[..], [(_, Unfit::Behind(_))]), "{report:?}");
    assert!(machine.session_ids().is_empty());
}

/// What a node has committed, write by write.
#[derive(Clone, Default)]
struct Seen {
    kept: MemoryJournal,
    /// Of each commit: the bytes of its batches, and where its snapshots stand and how long they
    /// are.
    #[expect(clippy::type_complexity, reason = "it is looked into in one place")]
    commits: Arc<Mutex<Vec<(usize, Vec<(u64, usize)>)>>>,
}

impl Journal for Seen {
    fn fence(&mut self) -> Result<Fence, JournalError> {
        self.kept.fence()
    }
    fn commit(&mut self, fence: Fence, writes: &[Write<'_>]) -> Result<(), JournalError> {
        let (mut bytes, mut snapshots) = (0, Vec::new());
        for write in writes {
            match write {
                Write::Append { bytes: batch, .. } => bytes += batch.len(),
                Write::Snapshot { upto, bytes, .. } => snapshots.push((*upto, bytes.len())),
                _ => {}
            }
        }
        self.commits.lock().unwrap().push((bytes, snapshots));
        self.kept.commit(fence, writes)
    }
    fn read(&self, session: u128, from: u64, max: usize) -> Result<Vec<Stored>, JournalError> {
        self.kept.read(session, from, max)
    }
    fn snapshot(&self, session: u128) -> Result<Option<Snapshot>, JournalError> {
        self.kept.snapshot(session)
    }
    fn sessions(&self, after: Option<u128>, max: usize) -> Result<Vec<u128>, JournalError> {
        self.kept.sessions(after, max)
    }
    fn blob(&self, digest: &[u8; 32]) -> Result<Option<Bytes>, JournalError> {
        self.kept.blob(digest)
    }
}

fn node(journal: &Seen, every: Option<u64>) -> (Node<Seen>, Report) {
    let keys = Keys::new(Key::new(1, [7; 32]), None).unwrap();
    let snapshot_every = every.and_then(NonZeroU64::new);
    let options = NodeOptions { snapshot_every, ..NodeOptions::default() };
    Node::start(journal.clone(), keys, options, Tick(0)).unwrap()
}

/// A node with a session that counts.
fn counting_node(journal: &Seen, every: Option<u64>) -> (Node<Seen>, Counting) {
    let protocol = counting();
    let (mut node, _) = node(journal, every);
    node.register(&protocol);
    let opened = node.open(Tick(1), Counting::open(&protocol, SessionId(7), true)).unwrap();
    (node, Counting { protocol, by: opened.present().clone() })
}

/// NODE-7: behind every so many records, with the batch; and a start replays only the rest.
#[test]
fn a_node_makes_a_snapshot_with_the_batch_that_is_due() {
    let journal = Seen::default();
    let (mut running, counting) = counting_node(&journal, Some(200));
    for turn in 0..100 {
        for number in 0..5 {
            running.handle(Tick(turn), counting.say(number)).unwrap();
            running.handle(Tick(turn), counting.hear()).unwrap();
        }
        running.turn(Tick(turn)).unwrap();
    }
    let commits = journal.commits.lock().unwrap().clone();
    let made: Vec<u64> = commits.iter().flat_map(|(_, made)| made).map(|(upto, _)| *upto).collect();
    // The first turn has eleven records, the others ten.
    assert_eq!(made, [201, 401, 601, 801, 1001]);
    let digest = running.machine().session_digest(SessionId(7));
    let last = running.machine().snapshot(SessionId(7)).unwrap();
    assert_eq!(journal.snapshot(7).unwrap().unwrap().bytes, last.into_bytes());
    drop(running);
    let (again, report) = node(&journal, Some(200));
    assert_eq!((report.records, report.spared, report.unfit.len()), (1001, 1001, 0));
    // It has heard that it was recovered.
    assert_ne!(again.machine().session_digest(SessionId(7)), digest);
    assert_eq!(again.machine().journal_len(SessionId(7)), Some(1002));
    // What was counted before counts: a node that is started again and again makes one, too.
    for _ in 0..198 {
        node(&journal, Some(200));
    }
    let upto = || journal.commits.lock().unwrap().iter().flat_map(|(_, made)| made.clone()).last();
    assert_eq!(upto().map(|(upto, _)| upto), Some(1001));
    node(&journal, Some(200));
    assert_eq!(upto().map(|(upto, _)| upto), Some(1201));
}

/// NODE-7: whoever does not want any gets none, and a session without a journal has none.
#[test]
fn a_node_makes_no_snapshot_that_nobody_asked_for() {
    let journal = Seen::default();
    let (mut running, counting) = counting_node(&journal, None);
    for turn in 0..50 {
        running.handle(Tick(turn), counting.say(turn)).unwrap();
        running.turn(Tick(turn)).unwrap();
    }
    assert!(journal.commits.lock().unwrap().iter().all(|(_, made)| made.is_empty()));
    drop(running);
    let (_, report) = node(&journal, None);
    assert_eq!((report.records, report.spared), (51, 0));

    let mut machine = Machine::new();
    let protocol = self::counting();
    machine.register(&protocol);
    let open = Counting::open(&protocol, SessionId(8), false);
    machine.handle(Tick(0), Input::Open(open)).unwrap();
    machine.seal();
    assert_eq!(machine.snapshot(SessionId(8)), None);
    assert_eq!(machine.snapshot(SessionId(9)), None);
}

/// NODE-7: a state that is large is not written at every turn, however often a snapshot is due.
#[test]
fn snapshots_are_no_more_than_what_is_written_anyway() {
    let journal = Seen::default();
    let (mut running, counting) = counting_node(&journal, Some(1));
    for number in 0..250 {
        running.handle(Tick(number), counting.say(number)).unwrap();
        running.turn(Tick(number)).unwrap();
    }
    for turn in 0..2_000 {
        running.handle(Tick(250 + turn), counting.hear()).unwrap();
        running.handle(Tick(250 + turn), counting.say(turn)).unwrap();
        running.turn(Tick(250 + turn)).unwrap();
    }
    let commits = journal.commits.lock().unwrap();
    let written: usize = commits.iter().map(|(bytes, _)| bytes).sum();
    let made: Vec<usize> = commits.iter().flat_map(|(_, made)| made).map(|(_, n)| *n).collect();
    let all: usize = made.iter().sum();
    assert!(
        made.len() > 3 && made.len() * 10 < commits.len(),
        "{} of {}",
        made.len(),
        commits.len()
    );
    // The last one may not be paid for yet.
    assert!(all <= written + made.iter().max().unwrap(), "{all} beside {written}");
}
