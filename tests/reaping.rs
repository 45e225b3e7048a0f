//! Sessions that have ended leave: when, in which order, what is left of them, and what a machine
//! holds then.
#![cfg(feature = "syntax")]

use crate::scene::{Scene, open};
use antiphon::machine::*;
use antiphon::types::*;

const TALK: &str = "
    A = rec X . B!{ say(nat) . X, stop . end }
    B = rec X . A?{ say(nat) . X, stop . end }
";

fn opened(scene: &mut Scene, id: u128, journal: bool) -> Presented {
    let opened = Open { journal, ..open(&scene.protocol, id) };
    match scene.machine.handle(Tick(scene.now), Input::Open(opened)) {
        Ok(Accepted::Opened(capability)) => capability.present().clone(),
        other => panic!("{other:?}"),
    }
}

fn reap(scene: &mut Scene, id: u128) -> Result<Accepted, Refusal> {
    let session = SessionId(id);
    let done = scene.machine.handle(Tick(scene.now), Input::Reap { session });
    scene.machine.check_invariants().unwrap();
    done
}

fn archived(scene: &Scene) -> Vec<u128> {
    scene.machine.archive().map(|closed| closed.id().0).collect()
}

/// Sessions 1 to `count`, all closed in this order.
fn closed(count: u128, archive: usize) -> Scene {
    let machine = Machine::new().with_archive(archive);
    let mut scene = Scene::with(machine, TALK, |_, _| {});
    let mut all = vec![scene.by.clone()];
    all.extend((2..=count).map(|id| opened(&mut scene, id, false)));
    for by in all {
        scene.machine.act(Tick(0), &by, Act::Close).unwrap();
    }
    scene
}

/// LIFE-13.
#[test]
fn a_session_is_reaped_when_it_has_ended_and_its_records_are_durable() {
    let mut scene = Scene::with(Machine::new(), TALK, |_, open| open.journal = true);
    assert_eq!(reap(&mut scene, 2).unwrap_err().code(), "unknown_session");
    assert_eq!(reap(&mut scene, 1).unwrap_err().code(), "not_terminal");
    scene.done(Act::Drain { deadline: Some(Tick(9)) });
    assert_eq!(reap(&mut scene, 1), Err(Refusal::NotDurable { records: 2, durable: 0 }));
    scene.machine.seal();
    assert_eq!(scene.machine.reap_terminal(9), 0, "sealed is not durable");
    scene.persisted(1, 1);
    assert_eq!(reap(&mut scene, 1), Err(Refusal::NotDurable { records: 2, durable: 1 }));
    scene.persisted(1, 2);
    let head = scene.machine.journal_head(SessionId(1)).unwrap();
    let digest = scene.machine.digest();
    assert_eq!(reap(&mut scene, 1), Ok(Accepted::Done));
    assert_eq!(reap(&mut scene, 1), Ok(Accepted::Done), "asked again");
    // LIFE-19: the digest of a machine is that of what is there.
    assert_ne!(scene.machine.digest(), digest);
    assert_eq!(scene.machine.digest(), Machine::new().digest());
    let left = scene.machine.archived(SessionId(1)).unwrap();
    assert_eq!(left.journal(), Some((2, head)));
    let journal =
        (scene.machine.journal_len(SessionId(1)), scene.machine.journal_head(SessionId(1)));
    assert_eq!(journal, (Some(2), Some(head)));
    assert_eq!(scene.machine.seal(), ());
    scene.persisted(1, 2);
    assert_eq!(scene.outputs().len(), 1, "reaping is no record");
}

/// What is left of a session.
#[test]
fn the_archive_keeps_what_a_session_came_to() {
    let mut scene = Scene::new(TALK);
    let (edge, handler) = (Some(scene.edge("A", "B")), Some(Name::new("shop").unwrap()));
    for at in 0..3 {
        scene.done(scene.sending("A", "B", "say", at, Some(at)));
    }
    scene.receive("B", "A");
    scene.done(Act::Bind { edge, handler: handler.clone() });
    scene.change(Authority::Release { request: RequestId(1), scope: Scope::role(scene.role("B")) });
    scene.now = 12;
    let lifecycle = Presented { scope: Scope::LIFECYCLE, ..scene.by.clone() };
    scene.machine.act(Tick(12), &lifecycle, Act::Cancel { reason: "enough".into() }).unwrap();
    reap(&mut scene, 1).unwrap();
    let left = scene.machine.archived(SessionId(1)).unwrap();
    assert_eq!((left.id(), left.tick(), left.is_checked()), (SessionId(1), Tick(12), true));
    assert_eq!(left.protocol().digest(), scene.protocol.digest());
    assert_eq!(*left.status(), Status::Cancelled("enough".into()));
    let positions = left.endpoints().map(|role| (role.name().to_string(), role.position().0));
    assert_eq!(positions.collect::<Vec<_>>(), [("A".into(), 3), ("B".into(), 1)]);
    let edges: Vec<_> = left.edges().collect();
    assert_eq!(edges.len(), 1);
    assert_eq!((edges[0].sent, edges[0].consumed), (Seq(3), Seq(1)));
    assert_eq!((edges[0].handler, left.default_handler()), (handler.as_ref(), None));
    let (from, sends) = left.endpoint(scene.role("A")).unwrap().remembered().unwrap();
    assert_eq!((from, sends.map(|send| send.at.0).collect()), (Position(0), vec![0, 1, 2]));
    let holdings: Vec<(u64, bool)> =
        left.holdings().map(|held| (held.generation.0, held.released)).collect();
    assert_eq!(holdings, [(1, false), (1, true)]);
    assert_eq!(left.journal(), None);
}

/// LIFE-15, LIFE-16.
#[test]
fn the_archive_forgets_the_oldest_and_its_ids_are_taken() {
    let mut scene = closed(4, 2);
    for id in [3, 1, 4] {
        reap(&mut scene, id).unwrap();
    }
    assert_eq!(archived(&scene), [1, 4]);
    let again = |scene: &mut Scene, id| {
        let open = Input::Open(open(&scene.protocol, id));
        scene.machine.handle(Tick(0), open).map(drop).map_err(|refusal| refusal.code())
    };
    assert_eq!(again(&mut scene, 4), Err("session_exists"), "though it is the same content");
    assert_eq!(again(&mut scene, 2), Ok(()), "one that is there is returned again");
    assert_eq!(reap(&mut scene, 3).unwrap_err().code(), "unknown_session");
    // The host uses an id twice, which it must not: the machine cannot know any more.
    assert_eq!(again(&mut scene, 3), Ok(()));
    scene.machine.check_invariants().unwrap();

    let mut none = closed(2, 0);
    reap(&mut none, 1).unwrap();
    assert_eq!(none.machine.archive().len(), 0);
    assert_eq!(none.act(Act::Close).unwrap_err().code(), "unknown_session");
}

/// LIFE-17: a hint that points to another session, or to none, finds neither.
#[test]
fn a_slot_is_used_again_and_a_stale_hint_finds_nobody() {
    let mut scene = closed(1, 8);
    let first = scene.by.clone();
    reap(&mut scene, 1).unwrap();
    let send = scene.sending("A", "B", "say", 1_u64, None);
    assert_eq!(scene.act(send.clone()).unwrap_err().code(), "terminal", "nobody is there");
    let second = opened(&mut scene, 2, false);
    assert_eq!(second.hint, first.hint, "the slot is used again");
    let digest = scene.machine.session_digest(SessionId(2));
    assert_eq!(scene.act(send.clone()).unwrap_err().code(), "terminal", "somebody else is there");
    assert_eq!(scene.machine.session_digest(SessionId(2)), digest);
    // A hint is a guess: any other one does as well.
    for hint in [0, 1, 700, u32::MAX] {
        let by = Presented { hint, ..second.clone() };
        scene.machine.act(Tick(0), &by, send.clone()).unwrap();
    }
    let third = opened(&mut scene, 3, false);
    assert_ne!(third.hint, second.hint);
    assert_eq!(scene.machine.session_ids(), [SessionId(2), SessionId(3)]);
    scene.machine.check_invariants().unwrap();
}

/// LIFE-18.
#[test]
fn a_sweep_takes_the_first_that_ended_and_those_that_are_durable() {
    let mut scene = Scene::with(Machine::new(), TALK, |_, open| open.journal = true);
    let mut all = vec![scene.by.clone()];
    all.extend((2..=6).map(|id| opened(&mut scene, id, id % 2 == 1)));
    for session in [5, 2, 3, 6, 1] {
        scene.machine.act(Tick(0), &all[session - 1], Act::Close).unwrap();
    }
    assert_eq!(scene.machine.reap_terminal(1), 1);
    assert_eq!(archived(&scene), [2], "5 has records that are not durable");
    scene.machine.seal();
    for session in [3, 5, 1] {
        scene.persisted(session, 2);
        scene.persisted(session, 2);
    }
    reap(&mut scene, 5).unwrap();
    assert_eq!(scene.machine.reap_terminal(2), 2);
    assert_eq!(archived(&scene), [2, 5, 6, 3]);
    assert_eq!(scene.machine.reap_terminal(100), 1);
    assert_eq!(archived(&scene), [2, 5, 6, 3, 1]);
    assert_eq!(scene.machine.reap_terminal(100), 0);
    assert_eq!(scene.machine.session_ids(), [SessionId(4)], "it goes on");
    scene.machine.check_invariants().unwrap();
}

/// A replayed session has ended, too: it is reaped like any other.
#[test]
fn a_replayed_session_is_reaped_when_its_journal_goes_on() {
    let mut scene = Scene::with(Machine::new(), TALK, |_, open| open.journal = true);
    scene.done(Act::Close);
    scene.machine.seal();
    let batch = scene.outputs().into_iter().find_map(|output| match output {
        Output::Persist(batch) => Some(batch),
        _ => None,
    });
    let batch = batch.unwrap();
    let records = Record::decode_batch(&batch, &scene.protocol).unwrap();
    let mut replayed = Machine::replay(&scene.protocol, SessionId(1), &records).unwrap();
    assert_eq!(replayed.reap_terminal(9), 0);
    replayed.resume_journal(SessionId(1), batch.head);
    replayed.resume_journal(SessionId(1), batch.head);
    assert_eq!((replayed.reap_terminal(9), replayed.reap_terminal(9)), (1, 0));
    replayed.check_invariants().unwrap();
}

/// MACH-10, MACH-11.
#[test]
fn what_a_machine_holds_is_counted() {
    let mut scene = Scene::with(Machine::new(), TALK, |_, open| open.capacities.every = Some(64));
    let empty = Machine::new().memory();
    let plain = scene.machine.memory();
    assert_eq!((plain.live, plain.terminal, plain.archived), (1, 0, 0));
    assert_eq!((plain.endpoints, plain.edges, plain.messages), (2, 1, 0));
    assert!(plain.bytes.sessions > empty.bytes.sessions);
    assert_eq!(plain.bytes.total(), plain.bytes.sessions, "a plain session has nothing else");
    scene.send("A", "B", "say", 1_u64);
    assert_eq!(scene.machine.memory().bytes, plain.bytes, "one message takes no room of its own");
    scene.send("A", "B", "say", 2_u64);
    let queued = scene.machine.memory();
    assert_eq!(queued.messages, 2);
    assert!(queued.bytes.queues >= size_of::<Queued>() as u64);
    scene.done(scene.sending("A", "B", "say", 3_u64, Some(2)));
    assert!(scene.machine.memory().bytes.remembered >= size_of::<Performed>() as u64);
    let handler = Some(Name::new("shop").unwrap());
    scene.done(Act::Bind { edge: None, handler: handler.clone() });
    scene.done(Act::Bind { edge: Some(scene.edge("A", "B")), handler });
    assert_eq!(scene.machine.memory().handlers, 2);
    assert!(scene.machine.memory().bytes.handlers > 0);
    scene.staged("A", "bob", Some(90), false);
    assert!(scene.machine.memory().bytes.authority > 0);
    scene.done(Act::Drain { deadline: Some(Tick(99)) });
    let full = scene.machine.memory();
    assert_eq!((full.timers, full.bytes.timers > 0), (2, true));
    let journaled = opened(&mut scene, 2, true);
    assert!(scene.machine.memory().bytes.journals > 0);
    scene.machine.seal();
    assert_eq!(scene.machine.memory().bytes.journals, 0, "the batch has left");
    scene.machine.act(Tick(0), &journaled, Act::Close).unwrap();
    scene.done(Act::Close);
    let ended = scene.machine.memory();
    assert_eq!((ended.live, ended.terminal, ended.timers, ended.messages), (0, 2, 0, 3));
    let lifeless = scene.machine.clone();
    assert_eq!(lifeless.memory(), lifeless.recount(), "a copy is counted anew");
    reap(&mut scene, 1).unwrap();
    let left = scene.machine.memory();
    assert_eq!((left.terminal, left.archived, left.endpoints, left.messages), (1, 1, 2, 0));
    assert_eq!((left.handlers, left.bytes.handlers, left.bytes.authority), (0, 0, 0));
    assert_eq!((left.bytes.queues, left.bytes.remembered), (0, 0));
    assert!(left.bytes.archive > 0);
    assert_eq!(scene.machine.memory(), scene.machine.recount());
}

/// Reaping out of turn leaves no queue behind.
#[test]
fn sessions_that_are_reaped_one_by_one_leave_nothing_in_the_sweep() {
    let mut scene = closed(1, 4);
    reap(&mut scene, 1).unwrap();
    let mut most = 0;
    for id in 2..2_000 {
        let by = opened(&mut scene, id, false);
        scene.machine.act(Tick(0), &by, Act::Close).unwrap();
        scene.machine.handle(Tick(0), Input::Reap { session: SessionId(id) }).unwrap();
        if id == 100 {
            most = scene.machine.memory().bytes.total();
        }
    }
    assert_eq!(scene.machine.memory().bytes.total(), most);
    assert_eq!(scene.machine.reap_terminal(9), 0);
}
