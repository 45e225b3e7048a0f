//! What happens to one session is nothing to the others (LIFE-10), and when a session has ended
//! nothing of it moves any more, though it still answers for what it did (LIFE-11, LIFE-12,
//! LIFE-14).
#![cfg(feature = "syntax")]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::reference::script::{self, Stage, Step};
use crate::scene::{Scene, open};
use crate::strategies::cases;
use antiphon::machine::*;
use antiphon::types::Protocol;
use proptest::collection::vec;
use proptest::prelude::*;

fn digests(machine: &Machine) -> BTreeMap<SessionId, StateDigest> {
    let ids = machine.session_ids();
    ids.into_iter().map(|id| (id, machine.session_digest(id).unwrap())).collect()
}

/// Makes everything durable that was recorded.
fn keep(machine: &mut Machine, now: u64) {
    machine.seal();
    while let Some(output) = machine.poll() {
        if let Output::Persist(Batch { session, first, count, .. }) = output {
            let upto = first + u64::from(count);
            machine.handle(Tick(now), Input::Persisted { session, upto }).unwrap();
        }
    }
}

#[derive(Clone)]
struct Protocols(Vec<Arc<Protocol>>);

impl std::fmt::Debug for Protocols {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|protocol| write!(f, "\n{}", protocol.locals()))
    }
}

fn protocols() -> impl Strategy<Value = Protocols> {
    vec(script::protocol(), 1..=2).prop_map(Protocols)
}

/// The same step, said of another session.
fn moved(step: &Step, to: u8) -> Step {
    use script::Op;
    let mut step = step.clone();
    match &mut step.op {
        Op::Open { session, .. }
        | Op::Act { session, .. }
        | Op::Commit { session, .. }
        | Op::Reclaim { session, .. }
        | Op::Reap(session)
        | Op::Recovered { session, .. } => *session = (*session + to) % 3,
        Op::Tick | Op::Repeat(_) => {}
    }
    step
}

proptest! {
    #![proptest_config(cases(400))]

    /// LIFE-10, LIFE-11: three sessions, each with a script of its own, told in turns.
    #[test]
    fn an_input_about_one_session_leaves_all_others_as_they_are(
        protocols in protocols(),
        scripts in [script::legal_script(false), script::wild_script(false), script::legal_script(false)],
    ) {
        let mut machine = Machine::observed();
        for protocol in &protocols.0 {
            machine.register(protocol);
        }
        let mut stage = Stage::new(protocols.0);
        let longest = scripts.iter().map(Vec::len).max().unwrap();
        for turn in 0..longest {
            for (to, script) in (0..).zip(&scripts) {
                let Some(step) = script.get(turn) else { continue };
                let input = stage.input(&machine, &moved(step, to));
                let now = Tick(stage.now);
                // Timers are of their own sessions: they run out first.
                machine.handle(now, Input::Tick).unwrap();
                let ended: Vec<SessionId> = machine
                    .sessions()
                    .filter(|session| session.status().is_terminal())
                    .map(|session| session.id())
                    .collect();
                let about = input.session();
                let before = digests(&machine);
                let archived: Vec<SessionId> = machine.archive().map(|closed| closed.id()).collect();
                let _ = machine.handle(now, input.clone());
                if step.seal {
                    keep(&mut machine, stage.now);
                }
                let after = digests(&machine);
                for (id, digest) in &before {
                    // What has ended is as it was, or reaped.
                    let reaped = Some(*id) == about && matches!(input, Input::Reap { .. });
                    if (Some(*id) != about || ended.contains(id)) && !reaped {
                        prop_assert_eq!(after.get(id), Some(digest), "{:?}", input);
                    }
                }
                prop_assert!(machine.archive().map(|c| c.id()).take(archived.len()).eq(archived));
            }
        }
        machine.check_invariants().map_err(|e| TestCaseError::fail(e.to_string()))?;
    }
}

const ASK: &str = "
    A = B!ask(nat) . B?answer(nat) . end
    B = A?ask(nat) . A!answer(nat) . end
";

const TALK: &str = "
    A = rec X . B!{ say(nat) . X, stop . end }
    B = rec X . A?{ say(nat) . X, stop . end }
";

/// Everything that can be told to session 1 by who has it, and by others.
fn every_input(scene: &Scene) -> Vec<Input> {
    let by = &scene.by;
    let stale = Presented { generation: Generation(9), ..by.clone() };
    let narrow = Presented { scope: Scope::role(scene.role("B")), ..by.clone() };
    let scope = Scope::role(scene.role("A"));
    let request = RequestId(1);
    let receipt = Receipt {
        session: SessionId(1),
        id: ReceiptId(0),
        from: by.owner.clone(),
        generation: by.generation,
        to: Recipient::Bearer,
        scope,
    };
    let owner = Owner::new("other").unwrap();
    let (to, expires) = (Recipient::Bearer, Some(Tick(7)));
    let changes = [
        Authority::Release { request, scope },
        Authority::Attenuate { request, scope },
        Authority::Claim { request, owner: owner.clone(), scope },
        Authority::Stage { request, scope, to, expires, freeze: true },
        Authority::Rollback { receipt: receipt.clone() },
    ];
    let reason = || "why".into();
    let handler = Some(antiphon::types::Name::new("h").unwrap());
    let mut acts = vec![
        Act::Bind { edge: None, handler: handler.clone() },
        Act::Bind { edge: Some(antiphon::types::EdgeIx(0)), handler },
        Act::Drain { deadline: Some(Tick(50)) },
        Act::Close,
        Act::Cancel { reason: reason() },
        Act::Fault { reason: reason() },
        Act::Attach { role: scene.role("A") },
        Act::Detach { role: scene.role("A"), epoch: Epoch::new(0, 1) },
    ];
    acts.extend(changes.map(|change| Act::Authority(Box::new(change))));
    for at in [None, Some(0), Some(1), Some(2), Some(3), Some(u64::MAX)] {
        for label in ["ask", "answer", "say", "stop"] {
            acts.push(scene.sending("A", "B", label, 7_u64, at));
            acts.push(scene.sending("B", "A", label, (), at));
        }
        acts.push(scene.receiving("A", "B", at));
        acts.push(scene.receiving("B", "A", at));
        acts.push(scene.acknowledging("A", at.unwrap_or(1)));
        acts.push(scene.acknowledging("B", at.unwrap_or(1)));
    }
    let over = Presented { over: Some(Epoch::new(0, 1)), ..by.clone() };
    let other = Presented { over: Some(Epoch::new(0, 2)), ..by.clone() };
    let by = [by.clone(), stale, narrow, over, other];
    let mut inputs: Vec<Input> = by
        .iter()
        .flat_map(|by| acts.iter().map(|act| Input::Act { by: by.clone(), act: act.clone() }))
        .collect();
    inputs.extend([
        Input::Tick,
        Input::Recovered { session: SessionId(1), fencing: 0 },
        Input::Recovered { session: SessionId(1), fencing: 9 },
        Input::Persisted { session: SessionId(1), upto: u64::MAX },
        Input::Open(open(&scene.protocol, 1)),
        Input::Open(Open { journal: true, ..open(&scene.protocol, 1) }),
        Input::Commit(Box::new(Commit { request, receipt, owner })),
    ]);
    inputs
}

type End = (&'static str, fn(&mut Scene));

/// Every way to end, with something behind it that can be asked again.
const ENDS: [End; 5] = [
    ("closed by itself", |scene| {
        scene.done(scene.receiving("B", "A", Some(0)));
        scene.done(scene.sending("A", "B", "stop", (), Some(1)));
        scene.done(scene.receiving("B", "A", Some(1)));
    }),
    ("closed", |scene| drop(scene.done(Act::Close))),
    ("cancelled", |scene| drop(scene.done(Act::Cancel { reason: "enough".into() }))),
    ("faulted", |scene| drop(scene.done(Act::Fault { reason: "broken".into() }))),
    ("drained", |scene| {
        scene.done(Act::Drain { deadline: Some(Tick(20)) });
        scene.tick(20);
    }),
];

fn ended(end: End) -> Scene {
    let mut scene = Scene::new(TALK);
    scene.done(Act::Attach { role: scene.role("A") });
    scene.done(scene.sending("A", "B", "say", 7_u64, Some(0)));
    (end.1)(&mut scene);
    assert!(scene.machine.session(SessionId(1)).unwrap().status().is_terminal(), "{}", end.0);
    scene
}

/// LIFE-11.
#[test]
fn after_the_end_no_input_moves_anything() {
    for end in ENDS {
        let mut scene = ended(end);
        let digest = scene.machine.session_digest(SessionId(1));
        for input in every_input(&scene) {
            scene.now += 1;
            let _ = scene.machine.handle(Tick(scene.now), input.clone());
            assert_eq!(scene.machine.session_digest(SessionId(1)), digest, "{}: {input:?}", end.0);
            scene.machine.check_invariants().unwrap();
        }
        assert_eq!(scene.machine.poll_timeout(), None);
    }
}

/// LIFE-12, LIFE-14: an archived session gives the answers of one that has ended; only what lies
/// ahead of an endpoint, where messages would have to be looked at, and an opening are refused
/// otherwise.
#[test]
fn the_archive_answers_as_the_session_did() {
    let shown = |verdict: Result<Accepted, Refusal>| verdict.map_err(|refusal| refusal.to_string());
    for end in ENDS {
        let mut scene = ended(end);
        let mut reaped = scene.machine.clone();
        reaped.handle(Tick(scene.now), Input::Reap { session: SessionId(1) }).unwrap();
        let mut duplicates = 0;
        for input in every_input(&scene) {
            let wanted = scene.machine.handle(Tick(scene.now), input.clone());
            let seen = reaped.handle(Tick(scene.now), input.clone());
            duplicates += usize::from(matches!(wanted, Ok(Accepted::Duplicate { .. })));
            match (&input, &wanted) {
                (Input::Open(_), _) => assert_eq!(seen.unwrap_err().code(), "session_exists"),
                (_, Err(Refusal::Ahead { .. })) => assert_eq!(seen.unwrap_err().code(), "terminal"),
                _ => assert_eq!(shown(seen), shown(wanted), "{}: {input:?}", end.0),
            }
        }
        assert!(duplicates > 0, "{}: something was asked again", end.0);
    }
}

/// LIFE-12: the answer to the last action got lost, and with it the session was over.
#[test]
fn the_retry_of_the_action_that_ended_the_session() {
    let mut scene = Scene::new(ASK);
    scene.done(scene.sending("A", "B", "ask", 6_u64, Some(0)));
    scene.done(scene.sending("B", "A", "answer", 7_u64, Some(1)));
    let last = scene.receiving("A", "B", Some(1));
    assert!(matches!(scene.done(last.clone()), Accepted::Received(_)));
    assert_eq!(scene.status(), "closed");
    let send = scene.sending("B", "A", "answer", 7_u64, Some(1));
    let other = scene.sending("B", "A", "answer", 8_u64, Some(1));
    let digest = scene.machine.session_digest(SessionId(1));
    for reaped in [false, true] {
        if reaped {
            let reap = Input::Reap { session: SessionId(1) };
            assert_eq!(scene.machine.handle(Tick(0), reap), Ok(Accepted::Done));
        }
        for again in [&last, &send, &last, &scene.acknowledging("A", 2)] {
            let duplicate = Accepted::Duplicate { position: Position(2) };
            assert_eq!(scene.done(again.clone()), duplicate, "reaped: {reaped}");
        }
        assert_eq!(scene.act(other.clone()).unwrap_err().code(), "position_conflict");
        let early = scene.sending("B", "A", "answer", 7_u64, Some(0));
        assert_eq!(scene.act(early).unwrap_err().code(), "position_conflict");
        let next = scene.receiving("A", "B", None);
        assert_eq!(scene.act(next).unwrap_err().code(), "terminal");
        let there = (!reaped).then_some(digest).flatten();
        assert_eq!(scene.machine.session_digest(SessionId(1)), there);
    }
}

/// LIFE-14: the answer to a request about authority got lost, and then the session ended.
#[test]
fn a_request_is_answered_again_after_the_end_and_after_reaping() {
    let mut scene = Scene::new(TALK);
    let receipt = scene.staged("B", "bob", None, false);
    let owner = Owner::new("bob").unwrap();
    let commit = || {
        Input::Commit(Box::new(Commit {
            request: RequestId(3),
            receipt: receipt.clone(),
            owner: owner.clone(),
        }))
    };
    let Ok(Accepted::Issued(bob)) = scene.machine.handle(Tick(0), commit()) else { panic!() };
    let lifecycle = Presented { scope: Scope::LIFECYCLE, ..scene.by.clone() };
    scene.machine.act(Tick(0), &lifecycle, Act::Close).unwrap();
    for reaped in [false, true] {
        if reaped {
            scene.machine.handle(Tick(0), Input::Reap { session: SessionId(1) }).unwrap();
        }
        match scene.machine.handle(Tick(0), commit()) {
            Ok(Accepted::Issued(again)) => {
                let same = (again.owner(), again.generation(), again.scope());
                assert_eq!(same, (bob.owner(), bob.generation(), bob.scope()));
            }
            other => panic!("{other:?}"),
        }
        // Who has lost the role does not act for it, here either.
        let stale = scene.receiving("B", "A", None);
        assert_eq!(scene.act(stale.clone()).unwrap_err().code(), "stale_capability");
        let late = scene.machine.act(Tick(0), bob.present(), stale);
        assert_eq!(late.unwrap_err().code(), "terminal");
    }
}
