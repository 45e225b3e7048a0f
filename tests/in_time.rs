//! Sessions in one process as time goes by, and for those who look on: timers, witnesses, lost
//! owners, ends.
#![cfg(feature = "driver")]

use std::time::Duration;

use antiphon::driver::{EVENTS_MAX, Error, Event, Options, Transfer};
use antiphon::machine::{
    Capacities, Death, Machine, OnLost, Policy, Position, Predicate, Site, Status, TimerId,
};
use antiphon::types::{Edge, Name, Value};
use antiphon::wire::journal::Journal;
use antiphon::{Protocol, Session};

const TALK: &str = "
    A = rec X . B!{ say(nat) . X, stop . end }
    B = rec X . A?{ say(nat) . X, stop . end }
";

const TEN: Duration = Duration::from_millis(10);

fn open_with(options: Options) -> Session {
    let protocol: Protocol = TALK.parse().unwrap();
    Session::open_with(&protocol, options).unwrap()
}

fn open() -> Session {
    open_with(Options::default())
}

fn code<T>(result: Result<T, Error>) -> &'static str {
    match result {
        Ok(_) => panic!("this is refused"),
        Err(error) => error.refusal().unwrap_or_else(|| panic!("by the machine: {error}")).code(),
    }
}

fn at(session: &Session, role: &str) -> Site {
    Site::Endpoint(session.role(role).unwrap())
}

/// The journal leads to where the session is.
fn replay(session: &Session) {
    let journal = Journal::read(&session.journal().unwrap().unwrap()).unwrap();
    let replayed = Machine::replay(&journal.protocol, journal.session, &journal.records).unwrap();
    assert_eq!(replayed.digest(), session.digest());
}

/// How many records it has, looked at without acting.
fn records(session: &Session) -> usize {
    session.records().unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn what_is_due_runs_out_while_nobody_acts() {
    let session = open();
    let b = session.scope(["B"]).unwrap();
    let phone = session.hand_over("phone", b).unwrap();
    session.endpoint("A").unwrap().send("B", "say", 1_u64).await.unwrap();
    let before = records(&session);
    phone.stage_with(&Transfer::to("tablet").within(TEN), b).unwrap();
    session.drain_within(2 * TEN).unwrap();
    tokio::time::sleep(TEN + TEN / 2).await;
    assert_eq!(records(&session), before + 3, "staged, draining, expired");
    assert_eq!(session.status(), Status::Draining);
    assert_eq!(session.ended().await, Status::Closed);
    assert_eq!(records(&session), before + 4);
    replay(&session);
}

#[tokio::test(start_paused = true)]
async fn an_earlier_timer_is_not_kept_waiting_by_a_later_one() {
    let session = open();
    let late = session.arm_timer(at(&session, "A"), 1_000 * TEN, None).unwrap();
    tokio::time::sleep(TEN).await;
    let started = tokio::time::Instant::now();
    let early = session.arm_timer(at(&session, "B"), TEN, None).unwrap();
    let witness = session.timed_out(early).await.unwrap();
    assert_eq!(started.elapsed(), TEN);
    assert_eq!((witness.issued_at.0, witness.site), (20, at(&session, "B")));
    assert!(session.try_timed_out(late).unwrap().is_none());
    session.disarm(late).unwrap();
    assert_eq!(code(session.timed_out(late).await), "timer_not_armed");
    assert_eq!(code(session.timed_out(TimerId(9)).await), "timer_not_armed");
    replay(&session);
}

#[tokio::test(start_paused = true)]
async fn a_timer_is_awaited_until_it_can_leave_nothing_any_more() {
    let session = open();
    let b = session.scope(["B"]).unwrap();
    let phone = session.hand_over("phone", b).unwrap();
    let timer = phone.arm_timer(at(&session, "B"), TEN, None).unwrap();
    let receipt = phone.stage("tablet", b).unwrap();
    let (gone, ()) = tokio::join!(session.timed_out(timer), async {
        tokio::task::yield_now().await;
        drop(session.commit("tablet", receipt).unwrap());
    });
    assert_eq!(code(gone), "timer_not_armed", "it died with the authority of who armed it");

    let timer = session.arm_timer(at(&session, "A"), TEN, Some(TEN)).unwrap();
    let witness = session.timed_out(timer).await.unwrap();
    assert_eq!(witness.until.map(|until| until.0), Some(witness.issued_at.0 + 10));
    tokio::time::sleep(TEN).await;
    assert_eq!(code(session.consume_timeout(witness)), "witness_spent");

    let timer = session.arm_timer(at(&session, "A"), TEN, None).unwrap();
    let witness = session.timed_out(timer).await.unwrap();
    session.consume_timeout(witness).unwrap();
    assert_eq!(code(session.timed_out(timer).await), "timer_not_armed");

    let timer = session.arm_timer(at(&session, "A"), TEN, None).unwrap();
    let (gone, ended) = tokio::join!(session.timed_out(timer), async { session.close() });
    ended.unwrap();
    assert_eq!(code(gone), "timer_not_armed");
    replay(&session);
}

#[tokio::test(start_paused = true)]
async fn what_was_handed_over_does_not_stand_in_the_way() {
    let session = open();
    let b = session.scope(["B"]).unwrap();
    let phone = session.hand_over("phone", b).unwrap();
    let name = Name::new("breakfast").unwrap();
    let timer = session.arm_timer(Site::Name(name.clone()), TEN, None).unwrap();
    let witness = session.timed_out(timer).await.unwrap();
    assert_eq!(
        witness.scope,
        session.scope(["A"]).unwrap().union(antiphon::machine::Scope::LIFECYCLE)
    );
    let ready = session.issue_readiness(Predicate::external(name)).unwrap();
    session.consume(ready.clone()).unwrap();
    assert_eq!(code(session.consume(ready)), "witness_spent");
    let position = Predicate::position(session.role("B").unwrap(), Position(0));
    assert_eq!(code(session.issue_readiness(position.clone())), "stale_capability");
    phone.consume(phone.issue_readiness(position).unwrap()).unwrap();
    replay(&session);
}

/// Without a runtime what is due runs out at the next call, and for who blocks a thread. Armed
/// outside of one, it is awaited inside.
#[test]
fn threads_have_time_too() {
    let session = open();
    let timer = session.arm_timer(at(&session, "A"), TEN, None).unwrap();
    let before = records(&session);
    std::thread::sleep(2 * TEN);
    assert_eq!(records(&session), before);
    assert!(session.try_timed_out(timer).unwrap().is_some());
    assert_eq!(records(&session), before + 1);

    // Who waits for a message hears of the end: `B` could still receive, so that it is the deadline.
    let chain = "A = B!x . end   B = A?x . C!y . end   C = B?y . end";
    let chain = Session::open(&chain.parse().unwrap()).unwrap();
    let [mut a, c] = chain.endpoints(["A", "C"]).unwrap();
    a.try_send("B", "x", ()).unwrap();
    chain.drain_within(2 * TEN).unwrap();
    let mut c = c.into_blocking().timeout(Duration::from_secs(5));
    assert_eq!(chain.status(), Status::Draining);
    let started = std::time::Instant::now();
    assert_eq!(code(c.receive_from("B")), "terminal");
    assert!(started.elapsed() < Duration::from_secs(4), "it was woken when it was due");

    let session = open();
    let timer = session.arm_timer(at(&session, "A"), TEN, None).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(session.timed_out(timer)).unwrap();
}

/// A ticker ends with its runtime; another one takes over.
#[test]
fn time_goes_on_in_the_next_runtime() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let session = open();
    let timer = {
        let first = runtime();
        first.block_on(async { session.arm_timer(at(&session, "A"), TEN, None).unwrap() })
    };
    runtime().block_on(session.timed_out(timer)).unwrap();
    // And one that is armed while its runtime shuts down locks nothing up.
    let arms = |session: Session| async move {
        struct Arms(Session);
        impl Drop for Arms {
            fn drop(&mut self) {
                self.0.arm_timer(at(&self.0, "A"), TEN, None).unwrap();
            }
        }
        let _arms = Arms(session);
        std::future::pending::<()>().await;
    };
    let last = runtime();
    last.spawn(arms(session.clone()));
    last.block_on(tokio::task::yield_now());
    drop(last);
    session.close().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_let_go_of_stops_its_ticker() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let session = open();
    session.arm_timer(at(&session, "A"), 1_000 * TEN, None).unwrap();
    assert_eq!(tasks(), before + 1);
    let timer = session.arm_timer(at(&session, "B"), 10 * TEN, None).unwrap();
    assert_eq!(tasks(), before + 1, "there is one a session");
    session.timed_out(timer).await.unwrap();
    drop(session);
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(tasks(), before);
    // And it ends when nothing is armed any more.
    let session = open();
    let timer = session.arm_timer(at(&session, "A"), TEN, None).unwrap();
    session.timed_out(timer).await.unwrap();
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(tasks(), before);
}

#[tokio::test(start_paused = true)]
async fn a_lost_owner_comes_to_what_the_session_was_opened_with() {
    for on_lost in [OnLost::Cancel, OnLost::Fault, OnLost::Release] {
        let session = open_with(Options::default().on_lost(on_lost));
        let b = session.scope(["B"]).unwrap();
        let phone = session.hand_over("phone", b).unwrap();
        assert_eq!(code(session.owner_lost("tablet", Death::Lifecycle)), "unknown_owner");
        let receipt = phone.stage("tablet", b).unwrap();
        phone.rollback(receipt).unwrap();
        let timer = session.arm_timer(at(&session, "B"), TEN, None).unwrap();
        let witness = session.timed_out(timer).await.unwrap();
        assert_eq!(code(phone.owner_lost("phone", witness.clone())), "scope_violation");
        session.owner_lost("phone", witness).unwrap();
        let reason = session.cancellation().map(|witness| witness.reason.to_string());
        match on_lost {
            OnLost::Release => {
                assert_eq!((session.status(), reason), (Status::Active, None));
                assert!(phone.scope().is_empty());
                let desk = session.reclaim("desk", b).unwrap();
                assert_eq!((desk.owner().as_str(), desk.scope()), ("desk", b));
                assert_eq!(code(session.reclaim("watch", b)), "already_claimed");
                session.owner_lost("desk", Death::Lifecycle).unwrap();
            }
            OnLost::Cancel => {
                let status = Status::Cancelled("owner lost: phone".into());
                assert_eq!(
                    (session.status(), reason.as_deref()),
                    (status, Some("owner lost: phone"))
                );
            }
            OnLost::Fault => {
                assert_eq!(session.status(), Status::Faulted("owner lost: phone".into()));
            }
        }
        replay(&session);
    }
}

#[tokio::test]
async fn transfers_end_their_session_when_they_are_given_up() {
    let session = open();
    let b = session.scope(["B"]).unwrap();
    let phone = session.hand_over("phone", b).unwrap();
    let receipt = phone.stage("tablet", b).unwrap();
    phone.abandon(receipt.clone()).unwrap();
    assert_eq!(session.status(), Status::Cancelled("transfer abandoned".into()));
    assert_eq!(code(phone.abandon(receipt)), "terminal");
    replay(&session);

    let session = open();
    let receipt = session.stage_with(&Transfer::to("tablet"), b).unwrap();
    session.fail_commit(receipt, "the tablet is full").unwrap();
    let faulted = Status::Faulted("transfer commit failed: the tablet is full".into());
    assert_eq!(session.status(), faulted);
    assert!(session.cancellation().is_some());
    replay(&session);
}

#[tokio::test]
async fn an_edge_has_the_policy_that_it_was_opened_with() {
    let protocol: Protocol = TALK.parse().unwrap();
    let role = |name| protocol.role(name).unwrap();
    let edge = Edge { from: role("A"), to: role("B") };
    let capacities = Capacities::every(4).unchecked();
    let options = Options::default().capacities(capacities);
    let session = open_with(options.policy(edge, Policy::Resize { max: 8 }));
    let [mut a, mut b] = session.endpoints(["A", "B"]).unwrap();
    for n in 0..8_u64 {
        a.try_send("B", "say", n).unwrap();
    }
    assert_eq!(code(a.try_send("B", "say", 8_u64)), "edge_full");
    assert_eq!(b.receive_from("A").await.unwrap().1, Value::Nat(0));
    replay(&session);
}

#[tokio::test(start_paused = true)]
async fn who_looks_on_sees_everything_in_order() {
    let session = open();
    let [mut a, mut b] = session.endpoints(["A", "B"]).unwrap();
    a.send("B", "say", 1_u64).await.unwrap();
    let mut events = session.events();
    let mut others = session.events();
    b.receive_from("A").await.unwrap();
    a.send("B", "say", 2_u64).await.unwrap();
    let scope = session.scope(["B"]).unwrap();
    let phone = session.hand_over("phone", scope).unwrap();
    let timer = phone.arm_timer(at(&session, "B"), TEN, None).unwrap();
    let witness = session.timed_out(timer).await.unwrap();
    session.drain_within(TEN).unwrap();
    session.ended().await;
    let mut seen = Vec::new();
    while let Some(event) = events.next().await {
        assert_eq!(others.next().await.as_ref(), Some(&event));
        seen.push(match event {
            Event::Advanced { role, direction, peer, label, value, position, .. } => {
                format!("{role} {direction:?} {peer} {label} {value} {position}")
            }
            Event::Authority { text, .. } => text.to_string(),
            Event::TimedOut { witness: left, .. } => {
                assert_eq!(*left, witness);
                String::from("timed out")
            }
            Event::Draining => String::from("draining"),
            Event::Ended { status, undelivered } => {
                let left =
                    undelivered.iter().map(|(from, to, count)| format!(" {from} {to} {count}"));
                format!("{status}{}", left.collect::<String>())
            }
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(
        seen,
        [
            "B Receive A say 1 1",
            "A Send B say 2 2",
            "staged  receipt 0  B: phone",
            "invalidated  B: host#1",
            "committed  receipt 0",
            "issued  B: phone#2",
            "timer armed  timer 0",
            "timer expired  timer 0, witness 0",
            "timed out",
            "draining",
            "closed A B 1",
        ]
    );
    assert!(events.next().await.is_none());
    assert!(session.events().next().await.is_none(), "nothing happens any more");
}

#[tokio::test]
async fn who_is_too_slow_is_told_how_much_was_missed() {
    let session = open();
    let [mut a, mut b] = session.endpoints(["A", "B"]).unwrap();
    let mut events = session.events();
    let all = 2 * EVENTS_MAX as u64;
    for n in 0..all / 2 {
        a.send("B", "say", n).await.unwrap();
        b.receive_from("A").await.unwrap();
    }
    session.close().unwrap();
    let Some(Event::Missed(missed)) = events.next().await else { panic!("it was too slow") };
    let mut seen = 0;
    while events.next().await.is_some() {
        seen += 1;
    }
    assert_eq!((missed + seen, seen), (all + 1, EVENTS_MAX as u64));
}

/// Who looks on changes nothing, and who has gone is not told: a value that is passed is then not
/// copied for anybody. The digest covers the session's time, which therefore stands still.
#[tokio::test(start_paused = true)]
async fn nobody_looks_on_for_nothing() {
    let run = |observers: usize| async move {
        let session = open_with(Options::default().id(antiphon::machine::SessionId(7)));
        let [mut a, mut b] = session.endpoints(["A", "B"]).unwrap();
        let events: Vec<_> = (0..observers).map(|_| session.events()).collect();
        a.send("B", "say", 1_u64).await.unwrap();
        drop(events);
        // The first one finds that nobody is left.
        b.receive_from("A").await.unwrap();
        let observed = session.is_observed();
        a.send("B", "stop", ()).await.unwrap();
        b.receive_from("A").await.unwrap();
        (observed, session.digest(), session.status())
    };
    let alone = run(0).await;
    assert_eq!(alone, run(2).await);
    assert!(!alone.0);
}
