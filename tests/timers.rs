//! Many timers: the next one is known exactly, and each runs out once, in order (TIMER-5, MACH-6).

use std::collections::BTreeMap;
use std::sync::Arc;

use antiphon::machine::{self, *};
use antiphon::types::{self, RoleIx, SortNode};

#[path = "../src/cli/bench/ping_pong.rs"]
#[expect(dead_code, reason = "what it has for the benches alone")]
mod ping_pong;
use ping_pong::{machine, open, protocol};

/// A million in a build that is optimised.
const SESSIONS: u64 = if cfg!(debug_assertions) { 5_000 } else { 100_000 };
const EACH: u64 = 10;

/// Numbers that look like any.
fn scrambled(number: u64) -> u64 {
    let mixed = (number ^ 0x9e37_79b9).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 20
}

#[test]
fn of_a_million_timers_the_next_one_is_known_exactly() {
    let protocol = protocol(SortNode::Nat);
    let mut machine = machine(&protocol);
    let mut held = Vec::new();
    // What is to be due when: the naive list of it.
    let mut wanted: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
    for session in 0..SESSIONS {
        let by = open(&mut machine, &protocol, session.into());
        for n in 0..EACH {
            let due = 1 + scrambled(session * EACH + n) % 50_000;
            arm(&mut machine, by.present(), n, due);
            wanted.entry(due).or_default().push((session, n));
        }
        held.push(by);
    }
    // Every fifth is taken back.
    for by in &held {
        for timer in [0, 5].map(TimerId) {
            let disarm = Act::Authority(Box::new(Authority::DisarmTimer { timer }));
            machine.act(Tick(0), by.present(), disarm).unwrap();
        }
    }
    wanted.values_mut().for_each(|due| due.retain(|(_, n)| !n.is_multiple_of(5)));
    wanted.retain(|_, due| !due.is_empty());
    let mut left = SESSIONS * EACH * 4 / 5;
    for (due, timers) in wanted {
        assert_eq!(machine.poll_timeout(), Some(Tick(due)));
        machine.handle(Tick(due - 1), Input::Tick).unwrap();
        assert_eq!(machine.poll_timeout(), Some(Tick(due)), "nothing runs out before its time");
        machine.handle(Tick(due), Input::Tick).unwrap();
        for (session, n) in timers {
            let view = machine.session(SessionId(session.into())).unwrap();
            assert!(view.timers().all(|timer| timer.id != TimerId(n)));
            let mut late = view.timeouts();
            assert!(late.any(|late| late.issued_at == Tick(due)), "{session}: {n}");
            left -= 1;
        }
    }
    assert_eq!((left, machine.poll_timeout()), (0, None));
    machine.check_invariants().unwrap();
}

fn arm(machine: &mut Machine, by: &Presented, request: u64, after: u64) {
    let (request, site) = (RequestId(request), Site::Endpoint(RoleIx(0)));
    let arm = Authority::ArmTimer { request, site, after, valid: None };
    let armed = machine.act(Tick(0), by, Act::Authority(Box::new(arm))).unwrap();
    assert!(matches!(armed, Accepted::Timer(_)));
}

/// Shared by all sessions, and not owned by any.
#[test]
fn timers_of_one_tick_run_out_by_session_and_number() {
    let protocol: Arc<_> = protocol(SortNode::Nat);
    let mut machine = Machine::observed();
    machine.register(&protocol);
    let held: Vec<_> = [3, 1, 2].map(|id| open(&mut machine, &protocol, id)).into_iter().collect();
    for by in &held {
        for n in 0..3 {
            arm(&mut machine, by.present(), n, 7);
        }
    }
    while machine.poll().is_some() {}
    machine.handle(Tick(7), Input::Tick).unwrap();
    let mut order = Vec::new();
    while let Some(output) = machine.poll() {
        if let Output::Event(Event::TimedOut { timer, witness }) = output {
            order.push((witness.session.0, timer.0));
        }
    }
    assert_eq!(order, [1, 2, 3].map(|id| [(id, 0), (id, 1), (id, 2)]).concat());
}
