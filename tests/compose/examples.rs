//! One example for each thing that can be found.

use antiphon::types::compose::{
    Bound, Capacities, ComposeLimits, Composition, Determinacy, Exhaustivity, Kind, Run, Starved,
    Step, compose,
};
use antiphon::types::{Direction, Evidence, Name, Protocol};

fn read(text: &str) -> Protocol {
    let locals = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    Protocol::unchecked(Name::new("P").unwrap(), locals).unwrap()
}

fn rising(text: &str) -> (Protocol, Composition) {
    let protocol = read(text);
    let found = compose(&protocol, &ComposeLimits::default());
    (protocol, found)
}

fn fixed(text: &str, capacity: u32) -> (Protocol, Composition) {
    let protocol = read(text);
    let capacities = Capacities::Fixed(vec![capacity; protocol.edges().len()].into());
    let limits = ComposeLimits { capacities, ..ComposeLimits::default() };
    let found = compose(&protocol, &limits);
    (protocol, found)
}

fn steps(protocol: &Protocol, steps: &[Step]) -> String {
    let step = |step: &Step| {
        let (role, peer) = (protocol.role_name(step.role), protocol.role_name(step.peer));
        let label = protocol.label_name(protocol.message(step.message).label);
        format!("{role}{}{peer}:{label}", if step.direction == Direction::Send { "!" } else { "?" })
    };
    steps.iter().map(step).collect::<Vec<_>>().join(" ")
}

fn shown(protocol: &Protocol, run: &Run) -> String {
    steps(protocol, &run.steps)
}

/// Kind, run, whether for room.
fn violation(protocol: &Protocol, found: &Composition) -> (&'static str, String, bool) {
    let violation = found.violation.as_ref().expect("something is wrong");
    assert!(violation.known_shortest);
    (violation.kind.as_str(), shown(protocol, &violation.run), violation.for_room)
}

#[test]
fn everybody_waiting_for_everybody_is_a_deadlock() {
    let (protocol, found) = rising("A = B?x . B!y . end\nB = A?y . A!x . end");
    assert_eq!(violation(&protocol, &found), ("deadlock", String::new(), false));
    let waiting = &found.violation.as_ref().unwrap().run.waiting;
    assert_eq!(waiting.len(), 2);
    assert!(waiting.iter().all(|waiting| waiting.direction == Direction::Receive));
    assert_eq!(found.evidence(), Evidence::None);
}

#[test]
fn a_message_that_is_not_waited_for_is_unexpected() {
    let (protocol, found) = rising("A = B!x . end\nB = A?y . end");
    assert_eq!(violation(&protocol, &found), ("unexpected message", "A!B:x".into(), false));
}

#[test]
fn a_message_to_one_who_has_ended_is_an_orphan() {
    let (protocol, found) = rising("A = B!x . B!y . end\nB = A?x . end");
    let wanted = ("orphan message", "A!B:x B?A:x A!B:y".into(), false);
    assert_eq!(violation(&protocol, &found), wanted);
}

#[test]
fn an_orphan_may_need_room_for_two() {
    let text = "A = B!x . B!y . C!z . end\nB = C?z . end\nC = A?z . B!z . end";
    let (protocol, found) = fixed(text, 1);
    assert_eq!(violation(&protocol, &found), ("deadlock", "A!B:x".into(), true));
    let (protocol, found) = rising(text);
    assert_eq!(found.capacities.first(), Some(&2));
    let run = "A!B:x A!B:y A!C:z C?A:z C!B:z B?C:z";
    assert_eq!(violation(&protocol, &found), ("orphan message", run.into(), false));
}

#[test]
fn streaming_is_unbounded_and_safe_at_every_capacity() {
    let (protocol, found) = rising("A = rec X . B!x . X\nB = rec X . A?x . X");
    assert!(found.is_safe());
    assert_eq!(found.exhaustivity, Exhaustivity::From(1));
    assert_eq!(found.determinacy, Determinacy::Determinate);
    let Bound::Unbounded(growth) = &found.bounds[0] else { panic!("{:?}", found.bounds) };
    assert_eq!(steps(&protocol, &growth.cycle), "A!B:x");
    assert_eq!(found.evidence(), Evidence::From(1));
}

#[test]
fn a_ring_in_which_all_send_first_needs_room_for_one() {
    let (_, found) =
        rising("A = rec X . B!x . C?x . X\nB = rec X . C!x . A?x . X\nC = rec X . A!x . B?x . X");
    assert_eq!(found.exhaustivity, Exhaustivity::From(1));
    // A role can be as many messages ahead of the next as there are roles.
    let three = Bound::Finite { most: 3, exact: true };
    assert!(found.bounds.iter().all(|bound| *bound == three), "{:?}", found.bounds);
}

#[test]
fn what_is_safe_without_limit_may_be_stuck_at_every_capacity() {
    let (protocol, found) = rising(
        "A = rec X . B!{ a . X, stop . C!go . end }
         B = C?ready . rec Y . A?{ a . Y, stop . end }
         C = A?go . B!ready . end",
    );
    // The least capacity shows it with the fewest steps, and the largest is no better.
    assert_eq!(found.capacities.first(), Some(&1));
    assert_eq!(violation(&protocol, &found), ("deadlock", "A!B:a".into(), true));
    assert!(matches!(found.bounds[0], Bound::Unbounded(_)), "{:?}", found.bounds);
    let edge = protocol.edge(protocol.role("A").unwrap(), protocol.role("B").unwrap()).unwrap();
    let wanted = Exhaustivity::NotUpTo(64, protocol.role("A").unwrap(), edge);
    assert_eq!(found.exhaustivity, wanted);
    assert!(found.safe.is_empty());
}

#[test]
fn a_role_that_nobody_can_serve_any_more_is_not_live() {
    let (protocol, found) = rising(
        "A = B!{ a . rec X . B!x . B?y . X, c . C!c . rec X . B!x . B?y . X }
         B = A?{ a . rec X . A?x . A!y . X, c . rec X . A?x . A!y . X }
         C = A?c . end",
    );
    assert_eq!(violation(&protocol, &found), ("not live", "A!B:a".into(), false));
    let violation = found.violation.as_ref().unwrap();
    assert_eq!(violation.kind, Kind::NotLive(Starved::Role(protocol.role("C").unwrap())));
}

#[test]
fn a_message_that_nobody_takes_any_more_is_not_live() {
    let (protocol, found) = rising("A = B!x . end\nB = rec X . C!y . X\nC = rec X . B?y . X");
    let violation = found.violation.as_ref().unwrap();
    assert_eq!(shown(&protocol, &violation.run), "A!B:x");
    let edge = protocol.edge(protocol.role("A").unwrap(), protocol.role("B").unwrap()).unwrap();
    assert_eq!(violation.kind, Kind::NotLive(Starved::Message(edge)));
}

#[test]
fn who_starves_only_where_scheduling_is_unfair_is_live() {
    let (_, found) = rising(
        "A = rec X . B!{ more . X, stop . C!done . end }
         B = rec X . A?{ more . X, stop . end }
         C = A?done . end",
    );
    assert!(found.is_safe());
    assert_eq!(found.exhaustivity, Exhaustivity::From(1));
}

#[test]
fn two_senders_may_be_heard_in_any_order() {
    let (protocol, found) = rising(
        "A = C!x . end
         B = C!y . end
         C = &{ A?x . B?y . end, B?y . A?x . end }",
    );
    assert!(found.is_safe());
    let Determinacy::Several(role, run) = &found.determinacy else { panic!("two can be heard") };
    assert_eq!(protocol.role_name(*role).as_str(), "C");
    assert_eq!(run.steps.len(), 2);
    assert_eq!(found.exhaustivity, Exhaustivity::NotDirected);
    assert_eq!(found.evidence(), Evidence::Bounds([1, 1].into()));
}

#[test]
fn a_choice_of_whom_to_hear_is_determinate_where_only_one_speaks() {
    let (_, found) = rising(
        "A = +{ B!x . end, C!x . B!y . end }
         B = A?{ x . C!x . end, y . end }
         C = &{ A?x . end, B?x . end }",
    );
    assert!(found.is_safe(), "{:?}", found.violation);
    assert_eq!(found.determinacy, Determinacy::Determinate);
}

#[test]
fn a_branch_that_is_blocked_now_may_be_taken_later() {
    // While B has not taken the first x, A can only speak to C; that must not hide what follows
    // where A waits.
    let text = "A = B!x . +{ B!x . end, C!y . end }
                B = C!go . A?x . end
                C = B?go . A?y . end";
    let (protocol, found) = fixed(text, 1);
    let run = "A!B:x B!C:go B?A:x A!B:x C?B:go";
    assert_eq!(violation(&protocol, &found), ("deadlock", run.into(), false));
}

#[test]
fn what_cannot_be_bounded_is_checked_capacity_by_capacity() {
    let (_, found) = rising(
        "A = rec X . C!x . X
         B = rec X . C!y . X
         C = rec X . &{ A?x . X, B?y . X }",
    );
    assert!(found.is_safe());
    assert!(found.bounds.iter().all(|bound| matches!(bound, Bound::Unbounded(_))));
    let tried = (1..=8).chain([16, 32, 64]);
    let vectors: Vec<Box<[u32]>> = tried.map(|capacity| [capacity; 2].into()).collect();
    assert_eq!(found.evidence(), Evidence::Exactly(vectors.into()));
}

/// Roles in pairs that know nothing of each other: `3^pairs` configurations without reduction.
fn pairs(pairs: usize) -> Protocol {
    let mut text = String::new();
    for pair in 0..pairs {
        text += &format!("A{pair} = rec X . B{pair}!x . B{pair}?y . X\n");
        text += &format!("B{pair} = rec X . A{pair}?x . A{pair}!y . X\n");
    }
    read(&text)
}

#[test]
fn independent_pairs_add_up_and_do_not_multiply() {
    let protocol = pairs(10);
    let reduced = compose(&protocol, &ComposeLimits::default());
    assert!(reduced.is_safe());
    assert!(reduced.explored.configurations <= 10 * 4 * 4, "{:?}", reduced.explored);
    let limits = ComposeLimits { reduction: false, ..ComposeLimits::default() };
    let whole = compose(&pairs(5), &limits);
    assert_eq!(whole.explored.configurations, 4_usize.pow(5));
}

#[test]
fn a_search_that_ends_at_its_limit_says_so_and_knows_nothing() {
    let limits =
        ComposeLimits { reduction: false, configurations: 1_000, ..ComposeLimits::default() };
    let found = compose(&pairs(10), &limits);
    assert!(found.explored.limited && !found.is_safe() && found.violation.is_none());
    assert!(found.explored.configurations >= 1_000 && found.explored.configurations < 1_100);
    assert_eq!(found.exhaustivity, Exhaustivity::Unknown);
    assert_eq!(found.evidence(), Evidence::None);
    let limits = ComposeLimits { bytes: 1_000, ..limits };
    let found = compose(&pairs(10), &limits);
    assert!(found.explored.limited && found.explored.bytes < 4_000);
}

#[test]
fn a_run_that_could_not_be_shortened_says_so() {
    let mut text = String::from("A = B!x . B!y . end\nB = A?x . end\n");
    for pair in 0..12 {
        text += &format!("C{pair} = rec X . D{pair}!x . D{pair}?y . X\n");
        text += &format!("D{pair} = rec X . C{pair}?x . C{pair}!y . X\n");
    }
    let protocol = read(&text);
    let limits = ComposeLimits { configurations: 2_000, ..ComposeLimits::default() };
    let found = compose(&protocol, &limits);
    let violation = found.violation.unwrap();
    assert_eq!(violation.kind.as_str(), "not live");
    assert!(!violation.known_shortest);
}

/// A is `ahead` messages ahead of B.
fn ahead(ahead: usize) -> String {
    let (sends, receives) = ("B!a . ".repeat(ahead), "A?a . ".repeat(ahead));
    format!("A = {sends}C!g . end\nB = C?g . {receives}end\nC = A?g . B!g . end")
}

#[test]
fn the_least_capacity_that_is_safe_is_found() {
    for need in [2, 10, 17, 33, 65, 200] {
        let (protocol, found) = rising(&ahead(need));
        let need = u32::try_from(need).unwrap();
        assert!(found.is_safe(), "{need}: {:?}", found.violation);
        assert_eq!(found.exhaustivity, Exhaustivity::From(need));
        // So much on every edge, or on the one edge that needs it.
        let bounds: Box<[u32]> = found.bounds.iter().map(|bound| bound.most().unwrap()).collect();
        let parts = [Evidence::From(need), Evidence::Bounds(bounds)];
        assert_eq!(found.evidence(), Evidence::Any(parts.into()));
        let edge = protocol.edge(protocol.role("A").unwrap(), protocol.role("B").unwrap()).unwrap();
        assert_eq!(found.bounds[edge.index()].most(), Some(need));
        assert_eq!(found.tried.iter().max(), Some(&need));
    }
}

#[test]
fn what_needs_more_room_than_is_explored_is_not_known() {
    let (_, found) = rising(&ahead(300));
    assert!(!found.is_safe() && found.violation.is_none() && found.explored.limited);
    assert_eq!(found.evidence(), Evidence::None);
    assert_eq!(found.exhaustivity, Exhaustivity::Unknown);
}

#[test]
fn two_that_wait_for_each_other_do_so_from_the_first_step_on() {
    let (protocol, found) = rising(
        "A = C!b . end
         B = C?a . C!a . end
         C = B?a . B!a . A?b . end
         P = rec X . Q!a . X
         Q = rec X . P?a . X",
    );
    assert_eq!(violation(&protocol, &found), ("not live", String::new(), false));
}

#[test]
fn no_room_helps_where_roles_wait_for_each_other_or_have_ended() {
    // The sender is blocked in the end, for nobody takes what it sends.
    let (protocol, found) = rising("A = rec X . B!go . X\nB = A?go . end");
    let wanted = ("deadlock", "A!B:go B?A:go A!B:go".into(), false);
    assert_eq!(violation(&protocol, &found), wanted);
    // C and D wait for each other from the beginning; A and B are blocked later.
    let (protocol, found) = rising(
        "A = rec X . B?c . X
         B = rec X . +{ D!b . X, A!c . X }
         C = D?c . D!c . end
         D = C?c . C!c . rec X . B?b . X",
    );
    assert_eq!(violation(&protocol, &found), ("not live", String::new(), false));
    let kind = found.violation.as_ref().unwrap().kind;
    assert!(matches!(kind, Kind::NotLive(Starved::Role(_))));
    // C takes one message and ends; A tells it more.
    let (protocol, found) = rising(
        "A = rec X . B!{ a . X, z . C!go . X }
         B = rec X . A?{ a . X, z . X }
         C = A?go . D!m . end
         D = C?m . end",
    );
    let (kind, _, for_room) = violation(&protocol, &found);
    assert_eq!((kind, for_room), ("deadlock", false));
}
