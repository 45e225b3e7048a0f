//! What every input does in every status, and when what becomes visible.
#![cfg(feature = "syntax")]

use crate::scene::{Scene, open, shown};
use antiphon::machine::*;
use antiphon::types::*;

const TALK: &str = "
    A = rec X . B!say(nat) . X
    B = rec X . A?say(nat) . X
";

const ONCE: &str = "
    A = B!say(nat) . B?ok . end
    B = A?say(nat) . A!ok . end
";

/// Session 1 of `TALK` in this status, with one message sent at 0 and received, and one at 1 on its
/// way.
fn in_status(status: &str) -> Scene {
    let mut scene = Scene::new(TALK);
    scene.now = 10;
    scene.done(scene.sending("A", "B", "say", 7_u64, Some(0)));
    scene.done(scene.receiving("B", "A", Some(0)));
    scene.done(scene.sending("A", "B", "say", 8_u64, Some(1)));
    let act = match status {
        "active" => return scene,
        "draining" => Act::Drain { deadline: Some(Tick(90)) },
        "closed" => Act::Close,
        "cancelled" => Act::Cancel { reason: "no".into() },
        "faulted" => Act::Fault { reason: "oh".into() },
        "reaped" => Act::Close,
        other => panic!("{other}"),
    };
    scene.done(act);
    if status == "reaped" {
        let reaped = Input::Reap { session: scene.by.session };
        assert_eq!(scene.machine.handle(Tick(10), reaped), Ok(Accepted::Done));
    } else {
        assert!(scene.status().starts_with(status));
    }
    scene
}

#[test]
fn every_input_in_every_status() {
    let statuses = ["active", "draining", "closed", "cancelled", "faulted", "reaped"];
    type Make = fn(&Scene) -> Input;
    let inputs: [(&str, Make); 21] = [
        ("open again", |s| Input::Open(open(&s.protocol, 1))),
        ("open otherwise", |s| Input::Open(Open { journal: true, ..open(&s.protocol, 1) })),
        ("send", |s| Input::Act { by: s.by.clone(), act: s.sending("A", "B", "say", 9_u64, None) }),
        ("send at 2", |s| Input::Act {
            by: s.by.clone(),
            act: s.sending("A", "B", "say", 9_u64, Some(2)),
        }),
        ("send at 1 again", |s| Input::Act {
            by: s.by.clone(),
            act: s.sending("A", "B", "say", 8_u64, Some(1)),
        }),
        ("send at 1 another", |s| Input::Act {
            by: s.by.clone(),
            act: s.sending("A", "B", "say", 9_u64, Some(1)),
        }),
        ("receive", |s| Input::Act { by: s.by.clone(), act: s.receiving("B", "A", None) }),
        ("receive at 0 again", |s| Input::Act {
            by: s.by.clone(),
            act: s.receiving("B", "A", Some(0)),
        }),
        ("acknowledge 2", |s| Input::Act { by: s.by.clone(), act: s.acknowledging("B", 2) }),
        ("acknowledge 1 again", |s| Input::Act { by: s.by.clone(), act: s.acknowledging("B", 1) }),
        ("bind", |s| {
            let handler = Some(Name::new("h").unwrap());
            Input::Act { by: s.by.clone(), act: Act::Bind { edge: None, handler } }
        }),
        ("drain", |s| Input::Act { by: s.by.clone(), act: Act::Drain { deadline: None } }),
        ("close", |s| Input::Act { by: s.by.clone(), act: Act::Close }),
        ("cancel", |s| Input::Act { by: s.by.clone(), act: Act::Cancel { reason: "why".into() } }),
        ("fault", |s| Input::Act { by: s.by.clone(), act: Act::Fault { reason: "why".into() } }),
        ("tick to 100", |_| Input::Tick),
        ("attach", |s| {
            let role = s.role("A");
            Input::Act { by: s.by.clone(), act: Act::Attach { role } }
        }),
        ("detach none", |s| {
            let (role, epoch) = (s.role("A"), Epoch::new(0, 1));
            Input::Act { by: s.by.clone(), act: Act::Detach { role, epoch } }
        }),
        ("receive over none", |s| {
            let by = Presented { over: Some(Epoch::new(0, 1)), ..s.by.clone() };
            Input::Act { by, act: s.receiving("B", "A", None) }
        }),
        ("recovered", |s| Input::Recovered { session: s.by.session, fencing: 1 }),
        ("reap", |s| Input::Reap { session: s.by.session }),
    ];
    let mut table = String::new();
    for (name, make) in inputs {
        for status in statuses {
            let mut scene = in_status(status);
            let input = make(&scene);
            if matches!(input, Input::Tick) {
                scene.now = 100;
            }
            let verdict = match scene.machine.handle(Tick(scene.now), input) {
                Ok(accepted) => {
                    format!("{accepted:?}").split([' ', '(']).next().unwrap().to_owned()
                }
                Err(refusal) => refusal.code().to_owned(),
            };
            scene.machine.check_invariants().unwrap();
            let now = scene
                .machine
                .session(SessionId(1))
                .map_or("reaped".into(), |session| session.status().to_string());
            table += &format!("{name:<20} {status:<10} {verdict:<18} {now}\n");
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_deadline_that_is_due_beats_an_input_that_comes_later() {
    let mut scene = in_status("draining");
    assert_eq!(scene.machine.poll_timeout(), Some(Tick(90)));
    scene.tick(89);
    assert_eq!(scene.status(), "draining");
    assert_eq!(scene.machine.poll_timeout(), Some(Tick(90)));
    scene.now = 100;
    let receive = scene.receiving("B", "A", None);
    assert_eq!(scene.act(receive).unwrap_err().code(), "terminal");
    let session = scene.machine.session(SessionId(1)).unwrap();
    assert_eq!((session.status(), session.tick()), (&Status::Closed, Tick(90)));
    assert_eq!(scene.machine.poll_timeout(), None);
}

#[test]
fn an_input_at_the_deadline_is_too_late_and_one_before_it_is_not() {
    for (now, wanted) in [(89, Ok(())), (90, Err("terminal"))] {
        let mut scene = in_status("draining");
        scene.now = now;
        let receive = scene.receiving("B", "A", None);
        assert_eq!(scene.act(receive).map(drop).map_err(|e| e.code()), wanted, "at {now}");
        assert_eq!(scene.status(), "closed");
        assert_eq!(scene.machine.poll_timeout(), None, "the timer is gone with the session");
    }
}

#[test]
fn timers_run_out_in_the_order_of_deadline_and_session() {
    let mut scene = Scene::with(Machine::observed(), TALK, |_, _| {});
    let mut all = vec![scene.by.clone()];
    for session in 2..=5 {
        let opened = scene.machine.handle(Tick(0), Input::Open(open(&scene.protocol, session)));
        let Ok(Accepted::Opened(capability)) = opened else { panic!("{opened:?}") };
        all.push(capability.present().clone());
    }
    for (by, deadline) in all.into_iter().zip([30, 20, 30, 10, 20]) {
        scene.by = by;
        scene.send("A", "B", "say", 1_u64);
        scene.done(Act::Drain { deadline: Some(Tick(deadline)) });
    }
    scene.outputs();
    assert_eq!(scene.machine.poll_timeout(), Some(Tick(10)));
    scene.tick(20);
    assert_eq!(scene.machine.poll_timeout(), Some(Tick(30)));
    scene.tick(1_000);
    let ended = scene.outputs().into_iter().map(|output| match output {
        Output::Event(Event::Ended { session, undelivered, .. }) => {
            assert_eq!(undelivered.iter().map(|(_, count)| count).sum::<u64>(), 1);
            session.0
        }
        other => panic!("{other:?}"),
    });
    assert_eq!(ended.collect::<Vec<_>>(), [4, 2, 5, 1, 3]);
}

#[test]
fn time_does_not_run_back() {
    let mut scene = Scene::new(TALK);
    scene.tick(50);
    scene.now = 20;
    scene.send("A", "B", "say", 1_u64);
    assert_eq!(scene.machine.session(SessionId(1)).unwrap().tick(), Tick(50));
    scene.done(Act::Drain { deadline: Some(Tick(40)) });
    let receive = scene.receiving("B", "A", None);
    assert_eq!(scene.act(receive).unwrap_err().code(), "terminal", "40 has passed");
}

#[test]
fn a_session_closes_by_itself_when_all_is_done() {
    let mut scene = Scene::with(Machine::observed(), ONCE, |_, _| {});
    scene.send("A", "B", "say", 1_u64);
    scene.receive("B", "A");
    scene.send("B", "A", "ok", ());
    assert_eq!(scene.status(), "active", "a message is on its way");
    scene.receive("A", "B");
    assert_eq!(scene.status(), "closed");
    let events: Vec<String> = scene.outputs().iter().map(shown).collect();
    insta::assert_snapshot!(events.join("\n"), @r"
    opened
    RoleIx(0) Send 1 at 1
    RoleIx(1) Receive 1 at 1
    RoleIx(1) Send () at 2
    RoleIx(0) Receive () at 2
    ended closed, undelivered []
    ");
}

#[test]
fn a_protocol_in_which_nobody_does_anything_is_over_at_once() {
    let scene = Scene::new("A = end  B = end");
    assert_eq!(scene.status(), "closed");
}

#[test]
fn draining_closes_at_once_when_nothing_can_be_received() {
    let mut scene = Scene::new(TALK);
    scene.done(Act::Drain { deadline: Some(Tick(99)) });
    assert_eq!(scene.status(), "closed");
    assert_eq!(scene.machine.poll_timeout(), None);
}

#[test]
fn draining_goes_on_until_the_last_message_that_can_be_taken() {
    let mut scene = Scene::with(Machine::observed(), TALK, |_, _| {});
    scene.send("A", "B", "say", 1_u64);
    scene.send("A", "B", "say", 2_u64);
    scene.done(Act::Drain { deadline: None });
    scene.receive("B", "A");
    assert_eq!(scene.status(), "draining");
    scene.receive("B", "A");
    assert_eq!(scene.status(), "closed");
}

#[test]
fn what_is_not_delivered_is_reported_by_edge() {
    let protocol = "
        A = B!x . B!x . C!x . end
        B = A?x . A?x . end
        C = A?x . end
    ";
    for (act, status) in [
        (Act::Close, "closed"),
        (Act::Cancel { reason: "r".into() }, "cancelled (r)"),
        (Act::Fault { reason: "r".into() }, "faulted (r)"),
    ] {
        let mut scene = Scene::with(Machine::observed(), protocol, |_, _| {});
        scene.send("A", "B", "x", ());
        scene.send("A", "B", "x", ());
        scene.send("A", "C", "x", ());
        scene.receive("B", "A");
        scene.outputs();
        scene.done(act);
        let edge = |to| Edge { from: RoleIx(0), to: RoleIx(to) };
        let wanted = format!("ended {status}, undelivered {:?}", [(edge(1), 1), (edge(2), 1)]);
        let mut events = scene.outputs();
        assert_eq!(events.pop().as_ref().map(shown), Some(wanted));
        // A cancellation is an audit, too (AUTH-30).
        let said = |output: &Output| match output {
            Output::Event(Event::Authority { audit: Audit::Cancelled { reason }, .. }) => {
                reason.to_string()
            }
            other => panic!("{other:?}"),
        };
        let reasons: Vec<String> = events.iter().map(said).collect();
        assert_eq!(reasons, if status == "closed" { vec![] } else { vec!["r"] });
    }
}

#[test]
fn a_retry_of_the_last_action_is_answered_after_the_end() {
    let mut scene = Scene::new(ONCE);
    scene.done(scene.sending("A", "B", "say", 1_u64, Some(0)));
    scene.receive("B", "A");
    scene.done(scene.sending("B", "A", "ok", (), Some(1)));
    scene.done(scene.acknowledging("A", 2));
    assert_eq!(scene.status(), "closed");
    let before = scene.machine.digest();
    let again = scene.done(scene.sending("B", "A", "ok", (), Some(1)));
    assert_eq!(again, Accepted::Duplicate { position: Position(2) });
    let again = scene.done(scene.acknowledging("A", 2));
    assert_eq!(again, Accepted::Duplicate { position: Position(2) });
    assert_eq!(scene.machine.digest(), before);
    let new = scene.sending("B", "A", "ok", (), Some(2));
    assert_eq!(scene.refused_act(new).code(), "terminal");
}

#[test]
fn opening_again_gives_the_same_capability_and_changes_nothing() {
    let mut scene = Scene::with(Machine::observed(), TALK, |_, open| open.journal = true);
    scene.send("A", "B", "say", 1_u64);
    let before = scene.machine.digest();
    let again = Open { journal: true, ..open(&scene.protocol, 1) };
    let Ok(Accepted::Opened(capability)) = scene.machine.handle(Tick(9), Input::Open(again)) else {
        panic!("it is the same session")
    };
    assert_eq!(capability.present(), &scene.by);
    assert_eq!(scene.machine.digest(), before);
    assert_eq!(scene.machine.journal_len(SessionId(1)), Some(2));
}

#[test]
fn nothing_leaves_before_what_justifies_it_is_durable() {
    let mut scene = Scene::with(Machine::observed(), TALK, |_, open| open.journal = true);
    let handler = Some(Name::new("h").unwrap());
    scene.done(Act::Bind { edge: Some(scene.edge("A", "B")), handler });
    scene.send("A", "B", "say", 1_u64);
    assert_eq!(scene.machine.poll(), None, "nothing is sealed");
    scene.machine.seal();
    let left: Vec<String> = scene.outputs().iter().map(shown).collect();
    assert_eq!(left, ["persist 3 from 0"]);
    // Only a part is durable: what that part justifies may leave.
    scene.persisted(1, 1);
    let left: Vec<String> = scene.outputs().iter().map(shown).collect();
    assert_eq!(left, ["opened"]);
    scene.persisted(1, 2);
    assert_eq!(scene.machine.poll(), None);
    // More happens before the rest is.
    scene.send("A", "B", "say", 2_u64);
    scene.persisted(1, 3);
    let left: Vec<String> = scene.outputs().iter().map(shown).collect();
    assert_eq!(left, ["RoleIx(0) Send 1 at 1", "deliver 0 of RoleIx(0) to `h`"]);
    // What was never sealed cannot have become durable, whatever the host says.
    scene.persisted(1, u64::MAX);
    assert_eq!(scene.machine.poll(), None);
    scene.machine.seal();
    let left: Vec<String> = scene.outputs().iter().map(shown).collect();
    assert_eq!(left, ["persist 1 from 3"]);
    scene.persisted(1, 4);
    let left: Vec<String> = scene.outputs().iter().map(shown).collect();
    assert_eq!(left, ["RoleIx(0) Send 2 at 2"], "the first message is still with its handler");
    scene.persisted(1, 4);
    scene.machine.seal();
    assert_eq!(scene.machine.poll(), None);
}

#[test]
fn a_slow_session_holds_back_no_other() {
    let mut scene = Scene::with(Machine::observed(), TALK, |_, open| open.journal = true);
    for (session, journal) in [(2, true), (3, false)] {
        let open = Open { journal, ..open(&scene.protocol, session) };
        scene.machine.handle(Tick(0), Input::Open(open)).unwrap();
    }
    scene.machine.seal();
    let left: Vec<String> = scene.outputs().iter().map(shown).collect();
    assert_eq!(left, ["opened", "persist 1 from 0", "persist 1 from 0"]);
    scene.persisted(2, 1);
    assert_eq!(scene.outputs(), [Output::Event(Event::Opened { session: SessionId(2) })]);
    scene.persisted(1, 1);
    assert_eq!(scene.outputs(), [Output::Event(Event::Opened { session: SessionId(1) })]);
}

#[test]
fn a_message_is_handed_out_once_and_when_its_receiver_waits_for_it() {
    let mut scene = Scene::new(
        "
        A = B!x(nat) . B!x(nat) . end
        B = A?x(nat) . C?go . A?x(nat) . end
        C = B!go . end
    ",
    );
    let handler = |name: &str| Some(Name::new(name).unwrap());
    scene.send("A", "B", "x", 1_u64);
    scene.done(Act::Bind { edge: None, handler: handler("all") });
    scene.send("A", "B", "x", 2_u64);
    let left: Vec<String> = scene.outputs().iter().map(shown).collect();
    assert_eq!(left, ["deliver 0 of RoleIx(0) to `all`"]);
    scene.done(Act::Bind { edge: Some(scene.edge("A", "B")), handler: handler("one") });
    scene.receive("B", "A");
    assert_eq!(scene.machine.poll(), None, "B waits for C");
    scene.send("C", "B", "go", ());
    let left: Vec<String> = scene.outputs().iter().map(shown).collect();
    assert_eq!(left, ["deliver 0 of RoleIx(2) to `all`"]);
    scene.receive("B", "C");
    let left: Vec<String> = scene.outputs().iter().map(shown).collect();
    assert_eq!(left, ["deliver 1 of RoleIx(0) to `one`"]);
}

/// What happened: where a role waits for either of two messages and both were there, both were
/// handed out; the one that the type does not go on to had run its handler, and its receive was
/// refused. A role is now handed one message at a time.
#[test]
fn of_two_messages_that_race_only_one_is_handed_out() {
    let mut scene = Scene::new(
        "
        A = C!a . end
        B = C!b . end
        C = &{ A?a . end, B?b . end }
    ",
    );
    scene.send("A", "C", "a", ());
    scene.send("B", "C", "b", ());
    scene.done(Act::Bind { edge: None, handler: Some(Name::new("h").unwrap()) });
    let left: Vec<String> = scene.outputs().iter().map(shown).collect();
    assert_eq!(left, ["deliver 0 of RoleIx(0) to `h`"]);
    scene.receive("C", "A");
    assert_eq!(scene.machine.poll(), None);
    let mut scene = Scene::new(
        "
        A = C!a . end
        B = C!b . end
        C = &{ A?a . B?b . end, B?b . A?a . end }
    ",
    );
    scene.done(Act::Bind { edge: None, handler: Some(Name::new("h").unwrap()) });
    scene.send("B", "C", "b", ());
    scene.send("A", "C", "a", ());
    let left: Vec<String> = scene.outputs().iter().map(shown).collect();
    assert_eq!(left, ["deliver 0 of RoleIx(1) to `h`"]);
    scene.receive("C", "B");
    let left: Vec<String> = scene.outputs().iter().map(shown).collect();
    assert_eq!(left, ["deliver 0 of RoleIx(0) to `h`"]);
}

#[test]
fn reasons_are_cut_at_a_character() {
    let mut scene = Scene::new(TALK);
    scene.done(Act::Cancel { reason: "é".repeat(REASON_BYTES_MAX).into() });
    let status = scene.machine.session(SessionId(1)).unwrap().status().clone();
    assert_eq!(status.reason(), Some(&*"é".repeat(REASON_BYTES_MAX / 2)));
}
