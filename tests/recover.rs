//! Sessions that are taken up again from a journal of many.
#![cfg(feature = "driver")]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::faulty::{Disk, Fault, FaultyJournal};
use crate::reference::script::{self, Stage, Step};
use crate::strategies::cases;
use antiphon::driver::{Breach, RecoverError, Recovered, Recovery, append, keep, shard_of};
use antiphon::journal::*;
use antiphon::machine::*;
use antiphon::types::Protocol;
use antiphon::wire::journal::{Damage, protocol_text, read_protocol};
use proptest::prelude::*;

/// What the sessions of a machine stood at: of those that were reaped, the last that was seen.
type Digests = BTreeMap<SessionId, StateDigest>;

/// Takes up everything in one machine, and holds it against what is known. Compares each session by
/// itself, and the machine by its invariants.
fn recovered(journal: &dyn Journal, wanted: &Digests) -> Result<Machine, TestCaseError> {
    let mut machine = Machine::new();
    let report = Recovery::new().all(journal, &mut machine, |_| true).unwrap();
    prop_assert!(report.broken.is_empty(), "{:?}", report.broken);
    prop_assert_eq!(report.sessions as usize, wanted.len());
    for (session, digest) in wanted {
        prop_assert_eq!(machine.session_digest(*session), Some(*digest), "{}", session);
    }
    machine.check_invariants().map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(machine.poll(), None);
    Ok(machine)
}

/// Plays a script on a machine whose batches go to a journal; `kept` is told after each commit.
fn play(
    protocol: &Arc<Protocol>,
    steps: &[Step],
    journal: &mut dyn Journal,
    mut kept: impl FnMut(&dyn Journal, &Machine, &Digests) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let fence = journal.fence().unwrap();
    let mut machine = Machine::new();
    machine.register(protocol);
    let mut stage = Stage::new(vec![Arc::clone(protocol)]);
    let mut digests = Digests::new();
    for (index, step) in steps.iter().enumerate() {
        let input = stage.input(&machine, step);
        // Before it: what it reaps has no digest behind it.
        for session in machine.session_ids() {
            digests.insert(session, machine.session_digest(session).unwrap());
        }
        let _ = machine.handle(Tick(stage.now), input);
        if !(step.seal || index + 1 == steps.len()) {
            continue;
        }
        for session in machine.session_ids() {
            digests.insert(session, machine.session_digest(session).unwrap());
        }
        machine.seal();
        let mut batches = Vec::new();
        while let Some(output) = machine.poll() {
            if let Output::Persist(batch) = output {
                batches.push(batch);
            }
        }
        keep(journal, fence, [&**protocol], &batches).unwrap();
        for batch in batches {
            let (session, upto) = (batch.session, batch.first + u64::from(batch.count));
            machine.handle(Tick(stage.now), Input::Persisted { session, upto }).unwrap();
        }
        kept(journal, &machine, &digests)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(60))]

    /// JSTO-10.
    #[test]
    fn behind_every_commit_sessions_are_taken_up_where_they_stand(
        protocol in script::shown(),
        steps in script::script(true),
    ) {
        play(&protocol.0, &steps, &mut MemoryJournal::default(), |journal, _, digests| {
            recovered(journal, digests).map(drop)
        })?;
    }

    /// JSTO-10: the machine that took them up goes on as the first one would have.
    #[test]
    fn what_was_taken_up_goes_on_the_same(protocol in script::shown(), steps in script::script(true)) {
        let protocol = protocol.0;
        let mut journal = MemoryJournal::default();
        let mut last = None;
        play(&protocol, &steps, &mut journal, |_, machine, digests| {
            last = Some((machine.clone(), digests.clone()));
            Ok(())
        })?;
        let Some((mut first, digests)) = last else { return Ok(()) };
        let mut second = recovered(&journal, &digests)?;
        // To the end of time: every timer runs out in both of them.
        for at in [1 << 20, 1 << 40] {
            for machine in [&mut first, &mut second] {
                machine.handle(Tick(at), Input::Tick).unwrap();
                machine.seal();
            }
            for session in first.session_ids() {
                prop_assert_eq!(first.session_digest(session), second.session_digest(session));
                prop_assert_eq!(first.journal_len(session), second.journal_len(session));
                prop_assert_eq!(first.journal_head(session), second.journal_head(session));
            }
        }
        second.check_invariants().map_err(|error| TestCaseError::fail(error.to_string()))?;
    }
}

proptest! {
    #![proptest_config(cases(30))]

    /// JSTO-10: a host that fails at some commit, on a disk that forgets what was not synced.
    #[test]
    fn behind_a_crash_sessions_stand_where_the_last_commit_left_them(
        protocol in script::shown(),
        steps in script::script(true),
        at in 0..8_u64,
        after in any::<bool>(),
    ) {
        let disk = Disk::default();
        let journal = RedbJournal::on(disk.clone()).unwrap();
        let fault = if after { Fault::After } else { Fault::Before };
        let mut journal = FaultyJournal::new(journal, at, fault);
        // Behind each commit, done or not, what the machine had sealed by then.
        let mut stood = vec![Digests::new()];
        let crashed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            play(&protocol.0, &steps, &mut Noted(&mut journal), |_, _, digests| {
                stood.push(digests.clone());
                Ok(())
            })
        }));
        let acknowledged = stood.last().unwrap();
        let again = RedbJournal::on(disk.crash(|_| false)).unwrap();
        match crashed {
            Ok(done) => { done?; recovered(&again, acknowledged)?; }
            // The commit that failed took effect, and its sessions stand behind it.
            Err(_) if after => {
                let mut machine = Machine::new();
                let report = Recovery::new().all(&again, &mut machine, |_| true).unwrap();
                prop_assert!(report.broken.is_empty(), "{:?}", report.broken);
                for session in acknowledged.keys() {
                    prop_assert!(machine.session(*session).is_some());
                }
            }
            Err(_) => { recovered(&again, acknowledged)?; }
        }
    }
}

/// Ends the process, as far as a test can, when a commit fails.
struct Noted<'j, J>(&'j mut J);

impl<J: Journal> Journal for Noted<'_, J> {
    fn fence(&mut self) -> Result<Fence, JournalError> {
        self.0.fence()
    }

    fn commit(&mut self, fence: Fence, writes: &[Write<'_>]) -> Result<(), JournalError> {
        let done = self.0.commit(fence, writes);
        if done.is_err() {
            std::panic::resume_unwind(Box::new("the process ends"));
        }
        done
    }

    fn read(&self, session: u128, from: u64, max: usize) -> Result<Vec<Stored>, JournalError> {
        self.0.read(session, from, max)
    }

    fn snapshot(&self, session: u128) -> Result<Option<Snapshot>, JournalError> {
        self.0.snapshot(session)
    }

    fn sessions(&self, after: Option<u128>, max: usize) -> Result<Vec<u128>, JournalError> {
        self.0.sessions(after, max)
    }

    fn blob(&self, digest: &[u8; 32]) -> Result<Option<bytes::Bytes>, JournalError> {
        self.0.blob(digest)
    }
}

/// Two roles that count, for ever.
fn counting() -> Arc<Protocol> {
    let text = "A = rec X . B!say(nat) . X   B = rec X . A?say(nat) . X";
    Arc::new(text.parse::<Protocol>().unwrap())
}

/// Batches of sessions 1 to 4 that each count to 5, a batch a message.
fn batches(protocol: &Arc<Protocol>) -> (Machine, Vec<Batch>) {
    let mut machine = Machine::new();
    let mut batches = Vec::new();
    for session in (1..=4).map(SessionId) {
        let open = Open {
            session,
            protocol: machine.register(protocol),
            owner: Owner::new("host").unwrap(),
            capacities: Capacities::every(9),
            journal: true,
            on_lost: OnLost::default(),
            policies: Vec::new(),
        };
        let opened = machine.handle(Tick(1), Input::Open(open)).unwrap();
        let Accepted::Opened(capability) = opened else { panic!("{opened:?}") };
        let (role, to) = (protocol.role("A").unwrap(), protocol.role("B").unwrap());
        let label = protocol.label("say").unwrap();
        for value in 0..5_u64 {
            let send = Send { role, to, label, value: value.into(), at: None };
            machine.act(Tick(value), capability.present(), Act::Send(send)).unwrap();
            machine.seal();
        }
    }
    while let Some(output) = machine.poll() {
        if let Output::Persist(batch) = output {
            batches.push(batch);
        }
    }
    (machine, batches)
}

/// A journal of these batches.
fn kept(protocol: &Protocol, batches: &[Batch]) -> MemoryJournal {
    let mut journal = MemoryJournal::default();
    let fence = journal.fence().unwrap();
    keep(&mut journal, fence, [protocol], batches).unwrap();
    journal
}

/// JSTO-11: session 2 is broken in one way after the other, and the others never are.
#[test]
fn a_broken_session_is_named_and_left_alone() {
    let protocol = counting();
    let (machine, batches) = batches(&protocol);
    let broken = |edit: &dyn Fn(&mut Batch), number: usize| {
        let mut batches = batches.clone();
        let place = batches.iter().position(|batch| batch.session == SessionId(2)).unwrap();
        edit(&mut batches[place + number]);
        let journal = kept(&protocol, &batches);
        let mut again = Machine::new();
        let mut recovery = Recovery::new();
        let report = recovery.all(&journal, &mut again, |_| true).unwrap();
        assert_eq!(again.session_ids(), [1, 3, 4].map(SessionId));
        assert_eq!((report.sessions, report.records), (3, 18));
        for session in again.session_ids() {
            assert_eq!(again.session_digest(session), machine.session_digest(session));
        }
        again.check_invariants().unwrap();
        // Alone it is told the same, and it can be asked for again and again.
        let alone = recovery.session(&journal, SessionId(2), &mut again).unwrap_err();
        let [told] = &report.broken[..] else { panic!("{report:?}") };
        assert_eq!(told.to_string(), alone.to_string());
        match alone {
            RecoverError::Broken { session: SessionId(2), index, breach } => (index, breach),
            other => panic!("{other}"),
        }
    };
    // The first batch has two records: the opening and the first message.
    let changed = |batch: &mut Batch| {
        let mut bytes = batch.bytes.to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        batch.bytes = bytes.into();
    };
    assert!(matches!(broken(&changed, 0), (0, Breach::Chain)));
    assert!(matches!(broken(&changed, 3), (4, Breach::Chain)));
    let head = |batch: &mut Batch| batch.head.0[7] ^= 1;
    assert!(matches!(broken(&head, 2), (3, Breach::Chain)));
    assert!(matches!(
        broken(&|batch| batch.bytes = vec![0xff; 9].into(), 0),
        (0, Breach::NotOpened)
    ));
}

/// JSTO-11: a chain that holds over records that no machine has accepted, and a time that would take
/// every other session along.
#[test]
fn what_does_not_replay_touches_no_other_session() {
    let protocol = counting();
    let (machine, batches) = batches(&protocol);
    let of = |id: u128| batches.iter().filter(move |batch| batch.session == SessionId(id));
    let mut records: Vec<Record> = Vec::new();
    for batch in of(2) {
        records.append(&mut Record::decode_batch(batch, &protocol).unwrap());
    }
    records[3].tick = Tick(u64::MAX);
    let forged = antiphon::wire::journal::batch(
        Head::first(SessionId(2), protocol.digest()),
        SessionId(2),
        &records,
    );
    let batches: Vec<Batch> = of(1).chain(&forged).chain(of(3)).chain(of(4)).cloned().collect();
    let mut again = Machine::new();
    let journal = kept(&protocol, &batches);
    let report = Recovery::new().all(&journal, &mut again, |_| true).unwrap();
    let [RecoverError::Broken { index: 4, breach: Breach::Replay(_), .. }] = &report.broken[..]
    else {
        panic!("{report:?}")
    };
    assert_eq!(again.session_ids(), [1, 3, 4].map(SessionId));
    again.handle(Tick(5), Input::Tick).unwrap();
    let armed = again.session(SessionId(3)).unwrap().tick();
    assert_eq!(Some(armed), machine.session(SessionId(3)).map(|session| session.tick()));
    again.check_invariants().unwrap();
}

/// JSTO-11: batches that are missing, which no journal of this crate loses.
#[test]
fn missing_batches_are_named() {
    let protocol = counting();
    let (_, batches) = batches(&protocol);
    let mut journal = MemoryJournal::default();
    let fence = journal.fence().unwrap();
    keep(&mut journal, fence, [&*protocol], &[]).unwrap();
    // A session that begins behind its beginning, as if what is in front had been lost.
    let [_, second, ..] = &batches[..] else { panic!("too few") };
    let lost = [
        Write::Snapshot { session: 1, upto: second.first, head: &[0; 32], bytes: b"?" },
        append(second),
        Write::Snapshot { session: 2, upto: 9, head: &[0; 32], bytes: b"?" },
    ];
    journal.commit(fence, &lost).unwrap();
    let mut recovery = Recovery::new();
    let mut broken = |session| {
        let refused = recovery.session(&journal, SessionId(session), &mut Machine::new());
        match refused {
            Err(RecoverError::Broken { index: 0, breach: Breach::Missing(found), .. }) => found,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((broken(1), broken(2)), (second.first, 9));
    let unknown = recovery.session(&journal, SessionId(3), &mut Machine::new());
    assert!(matches!(unknown, Err(RecoverError::Unknown(SessionId(3)))));
}

/// JSTO-12.
#[test]
fn a_session_is_read_by_the_text_of_its_protocol() {
    let protocol = counting();
    let text = protocol_text(&protocol);
    let read = read_protocol(text.as_bytes()).unwrap();
    assert_eq!((read.digest(), read.name()), (protocol.digest(), protocol.name()));
    assert_eq!(read_protocol(b"\xff").unwrap_err(), Damage::NotUtf8);
    assert!(read_protocol(text.replace("say", "sax").as_bytes()).is_err());

    let (_, batches) = batches(&protocol);
    let with = |text: Option<&str>| {
        let mut journal = MemoryJournal::default();
        let fence = journal.fence().unwrap();
        let digest = &protocol.digest().0;
        let blob = text.map(|text| Write::Blob { digest, bytes: text.as_bytes() });
        let writes: Vec<_> = blob.into_iter().chain(batches.iter().map(append)).collect();
        journal.commit(fence, &writes).unwrap();
        Recovery::new().session(&journal, SessionId(1), &mut Machine::new())
    };
    assert!(with(Some(&text)).is_ok());
    assert!(matches!(with(None), Err(RecoverError::NoProtocol { .. })));
    let damaged = |text: &str| match with(Some(text)) {
        Err(RecoverError::Protocol { damage, .. }) => damage,
        other => panic!("{other:?}"),
    };
    assert_eq!(damaged(&text.replace("say", "sax")), Damage::Check);
    let other: Protocol = "A = B!say(int) . end   B = A?say(int) . end".parse().unwrap();
    assert_eq!(damaged(&protocol_text(&other)), Damage::Digest);
}

#[test]
fn shards_take_up_what_is_theirs_and_nothing_twice() {
    let protocol = counting();
    let (machine, batches) = batches(&protocol);
    let journal = kept(&protocol, &batches);
    let mut found = Vec::new();
    for shard in 0..3 {
        let mut machine = Machine::new();
        let wanted = |session| shard_of(session, 3) == shard;
        let report = Recovery::new().all(&journal, &mut machine, wanted).unwrap();
        assert_eq!(report.sessions as usize, machine.session_ids().len());
        found.append(&mut machine.session_ids());
    }
    found.sort();
    assert_eq!(found, machine.session_ids());

    let mut again = Machine::new();
    let mut recovery = Recovery::new();
    let id = SessionId(3);
    let recovered = recovery.session(&journal, id, &mut again).unwrap();
    let wanted = Recovered {
        records: 6,
        head: machine.journal_head(id).unwrap(),
        digest: machine.session_digest(id).unwrap(),
        spared: 0,
        snapshot_bytes: 0,
        bytes: recovered.bytes,
    };
    assert_eq!(recovered, wanted);
    let twice = recovery.session(&journal, id, &mut again);
    assert!(matches!(twice, Err(RecoverError::Known(SessionId(3)))));
    assert_eq!(again.session_ids(), [id]);
    assert_eq!(recovery.journal(&journal, id).unwrap().records.len(), 6);
}

/// A journal that cannot be read is nobody's break.
#[test]
fn a_journal_that_cannot_be_read_takes_up_nothing() {
    let protocol = counting();
    let (_, batches) = batches(&protocol);
    let disk = Disk::default();
    let mut journal = RedbJournal::on(disk.clone()).unwrap();
    let fence = journal.fence().unwrap();
    keep(&mut journal, fence, [&*protocol], &batches).unwrap();
    disk.fail_after(0);
    assert!(matches!(keep(&mut journal, fence, [], &[]), Ok(())), "nothing is nothing to write");
    let text = "A = B!other . end   B = A?other . end".parse::<Protocol>().unwrap();
    let failed = keep(&mut journal, fence, [&text], &[]).unwrap_err();
    assert!(!failed.is_certain(), "{failed}");
    assert!(matches!(journal.fence(), Err(JournalError::Failed)));
}
