//! The complete projection on protocols of the literature with the verdict that is given there, on
//! large ones, and on those that are made to be expensive.
#![cfg(feature = "syntax")]

use antiphon::types::complete::{Cause, Continuation, What};
use antiphon::types::*;

fn read(roles: &str, body: &str) -> GlobalType {
    let roles: Vec<String> = roles.split(' ').map(|role| format!("role {role}")).collect();
    let text = format!("global protocol P({}) {{ {body} }}", roles.join(", "));
    text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn complete_of(global: &GlobalType, role: &str) -> Result<String, Unprojectable> {
    let role = Name::new(role).unwrap();
    let local = project_complete(global, &role, &ProjectionLimits::default())?;
    Ok(local.to_string())
}

fn refused(global: &GlobalType, role: &str) -> antiphon::types::complete::Ambiguity {
    match complete_of(global, role) {
        Err(Unprojectable::Ambiguous(found)) => *found,
        other => panic!("{role}: {other:?}"),
    }
}

/// The roles that have no classic projection.
fn unmergeable(global: &GlobalType) -> Vec<&str> {
    let without = |role: &&Name| project(global, role).is_err();
    global.roles().iter().filter(without).map(Name::as_str).collect()
}

/// The odd-even protocol (Li, Stutz, Wies, Zufferey, CAV 2023): `r` learns by the parity of the
/// messages it has seen which of two loops the others are in.
#[test]
fn odd_even_is_implementable_and_has_no_classic_projection() {
    let global = read(
        "p q r",
        "choice at p {
            o() from p to q; o() from q to r;
            rec T1 {
                choice at p { o() from p to q; o() from q to r; o() from q to r; continue T1; }
                or { b() from p to q; b() from q to r; o() from r to p; }
            }
        } or {
            m() from p to q;
            rec T2 {
                choice at p { o() from p to q; o() from q to r; o() from q to r; continue T2; }
                or { b() from p to q; b() from q to r; m() from r to p; }
            }
        }",
    );
    assert_eq!(unmergeable(&global), ["r"]);
    let r = "rec X . q?{ o . q?{ o . X, b . p!o . end }, b . p!m . end }";
    assert_eq!(complete_of(&global, "r").unwrap(), r);
    Protocol::from_global(&global).unwrap();
}

/// A choice that is not told to whom has to send according to it (ibid., Send Validity), and the
/// same one where it sends the same in both cases.
#[test]
fn who_sends_has_to_know_what() {
    let body = |one, two| {
        format!(
            "choice at p {{ o() from p to q; {one}() from r to q; }}
             or {{ m() from p to q; {two}() from r to q; }}"
        )
    };
    let found = refused(&read("p q r", &body("o", "m")), "r");
    assert_eq!(found.cause, Cause::Send);
    assert_eq!(
        (found.first.to_string(), found.second.to_string()),
        ("p -> q : o".into(), "p -> q : m".into())
    );
    assert!(found.shortest);
    let global = read("p q r", &body("b", "b"));
    assert_eq!(complete_of(&global, "r").unwrap(), "q!b . end");
    Protocol::from_global(&global).unwrap();
}

/// Two messages to one role in two orders (ibid., Receive Validity): each can come first.
#[test]
fn messages_whose_order_says_something_must_not_overtake() {
    let global = read(
        "p q r",
        "choice at p { o() from p to q; o() from q to r; o() from p to r; }
         or { m() from p to q; o() from p to r; o() from q to r; }",
    );
    let found = refused(&global, "r");
    let Cause::Overtaking(steps) = &found.cause else { panic!("{found:?}") };
    assert_eq!(steps.len(), 1);
    assert_eq!(complete_of(&global, "q").unwrap(), "p?{ o . r!o . end, m . r!o . end }");
}

/// The same with an answer in between: what has to come later is not sent before.
#[test]
fn messages_that_wait_for_an_answer_do_not_overtake() {
    let global = read(
        "p q r",
        "choice at p { o() from p to q; o() from q to r; a() from r to p; o() from p to r; }
         or { m() from p to q; o() from p to r; a() from r to q; o() from q to r; }",
    );
    assert_eq!(unmergeable(&global), ["r"]);
    let r = "&{ p?o . q!a . q?o . end, q?o . p!a . p?o . end }";
    assert_eq!(complete_of(&global, "r").unwrap(), r);
    Protocol::from_global(&global).unwrap();
}

/// Whether a message can overtake shows only after a loop was gone through once more: `s` is
/// blocked on the way through the loop in which it asks `r`, and not on the other.
#[test]
fn messages_are_looked_for_through_loops() {
    let loops = |inner: &str| {
        read(
            "p q r s",
            &format!(
                "rec T {{ choice at p {{
                    x() from p to q; n() from q to r; {inner} continue T;
                }} or {{ y() from p to s; m() from s to r; }} }}"
            ),
        )
    };
    // `p` goes on at once and may pick the other branch: `m` comes before `n` is received.
    assert!(matches!(refused(&loops(""), "r").cause, Cause::Overtaking(_)));
    // `p` waits until `r` has answered. Only `q` is refused now: it waits for `x` that may not come.
    assert!(complete_of(&loops("a() from r to p;"), "r").is_ok());
    assert_eq!(refused(&loops("a() from r to p;"), "q").cause, Cause::End);
}

/// The shorter way back to the choice blocks `v` (by `u`, which asks `r`), the longer one does not:
/// a place that was looked at with more blocked roles has to be looked at again.
#[test]
fn a_longer_way_may_block_less() {
    let global = read(
        "p q q2 r s u v",
        "rec T { choice at p {
            x() from p to q2; n() from q2 to r;
            choice at p { short() from p to u; a() from r to u; c() from u to v; continue T; }
            or {
                long() from p to u; l() from p to s; l() from p to s;
                a() from r to u; c() from u to s; continue T;
            }
        } or { y() from p to v; z() from v to q; m() from q to r; } }",
    );
    let found = refused(&global, "r");
    let Cause::Overtaking(steps) = &found.cause else { panic!("{found:?}") };
    assert_eq!(steps.first().unwrap().label, "long");
    assert_eq!(steps.last().unwrap().label, "m");
}

/// A load balancer (Majumdar, Mukund, Stutz, Zufferey, "Generalising projection in asynchronous
/// multiparty session types", CONCUR 2021): the client is answered by either worker.
#[test]
fn a_client_may_hear_from_either_worker() {
    let global = read(
        "Client Server W1 W2",
        "rec T {
            req() from Client to Server;
            choice at Server { req() from Server to W1; reply() from W1 to Client; continue T; }
            or { req() from Server to W2; reply() from W2 to Client; continue T; }
        }",
    );
    assert_eq!(unmergeable(&global), ["Client", "W1", "W2"]);
    let client = "rec X . Server!req . &{ W1?reply . X, W2?reply . X }";
    assert_eq!(complete_of(&global, "Client").unwrap(), client);
    assert_eq!(complete_of(&global, "W1").unwrap(), "rec X . Server?req . Client!reply . X");
    Protocol::from_global(&global).unwrap();
}

/// Found by comparing the two projections on random types: full merge makes one loop of two, which
/// receives mixtures that nobody sends. The protocol does what the runs do (PROJ-11).
#[test]
fn two_loops_stay_two_loops() {
    let global = read(
        "A B C",
        "choice at A { one() from A to B; rec X { l() from A to C; continue X; } }
         or { two() from A to B; rec Y { m() from A to C; continue Y; } }",
    );
    let role = &global.roles()[2];
    assert_eq!(project(&global, role).unwrap().to_string(), "rec X . A?{ l . X, m . X }");
    let complete = "A?{ l . rec X . A?l . X, m . rec X . A?m . X }";
    assert_eq!(complete_of(&global, "C").unwrap(), complete);
    let protocol = Protocol::from_global(&global).unwrap();
    assert_eq!(protocol.local(RoleIx(2)).to_string(), complete);
}

/// PROJ-10: the paper's automaton would be final and receive.
#[test]
fn a_role_that_cannot_know_that_it_is_done_is_refused() {
    let ends = "choice at A { go() from A to B; m() from B to C; } or { stop() from A to B; }";
    let loops = "choice at A { go() from A to B; m() from B to C; }
                 or { stop() from A to B; rec X { tick() from A to B; continue X; } }";
    for body in [ends, loops] {
        let found = refused(&read("A B C", body), "C");
        assert_eq!(found.cause, Cause::End);
        assert!(matches!(found.first.next, Continuation::Receive(_)));
        assert!(matches!(found.second.next, Continuation::Nothing(_)));
        assert_eq!(found.second.to_string(), "A -> B : stop");
    }
}

#[test]
fn one_name_with_two_sorts_is_refused() {
    let body = "choice at A { a() from A to B; m(int) from B to C; }
                or { b() from A to B; m(string) from B to C; }";
    assert_eq!(refused(&read("A B C", body), "C").cause, Cause::Sorts);
    let sends = "choice at A { a() from A to B; m(int) from C to B; }
                 or { b() from A to B; m(string) from C to B; }";
    assert_eq!(refused(&read("A B C", sends), "C").cause, Cause::Sorts);
}

fn ring(roles: usize, rounds: usize) -> GlobalType {
    let name = |index: usize| format!("R{}", index % roles);
    let names: Vec<String> = (0..roles).map(name).collect();
    let mut b = GlobalBuilder::default();
    let mut next = b.end();
    for index in (0..roles * rounds).rev() {
        let (from, to) = (name(index), name(index + 1));
        next = b.message(&from, &to, "token", Payload::none(), next).unwrap();
    }
    b.finish("Ring", names.iter().map(String::as_str), next).unwrap()
}

/// PROJ-9: what is done for a role grows with what it takes part in, not with the protocol.
#[test]
fn a_role_costs_what_it_does() {
    for (roles, rounds) in [(100, 1), (127, 8), (2, 500)] {
        let global = ring(roles, rounds);
        let states_max = 2 * rounds + 1;
        // A message of others is looked at where one of its own is next, and nowhere else.
        let limits = ProjectionLimits {
            states_max,
            steps_max: 2 * states_max,
            availability_max: 0,
            pairs_max: 0,
        };
        for role in global.roles() {
            let local = project_complete(&global, role, &limits).unwrap();
            assert_eq!(local.tree().branches().len(), 2 * rounds);
        }
        Protocol::from_global(&global).unwrap();
    }
}

/// A protocol in which `R` sees `a` for ever, in cycles of these lengths one of which was chosen.
fn cycles(lengths: &[usize]) -> GlobalType {
    let mut b = GlobalBuilder::default();
    let names: Vec<String> = (0..lengths.len()).map(|index| format!("x{index}")).collect();
    let mut branches = Vec::new();
    for (name, length) in names.iter().zip(lengths) {
        let mut next = b.var("X").unwrap();
        for _ in 0..*length {
            next = b.message("Q", "R", "a", Payload::none(), next).unwrap();
        }
        branches.push(("Q", name.as_str(), Payload::none(), b.rec("X", next).unwrap()));
    }
    let root = b.choice("P", branches).unwrap();
    b.finish("Cycles", ["P", "Q", "R"], root).unwrap()
}

#[test]
fn many_states_that_are_alike_are_written_as_one() {
    let global = cycles(&[2, 3, 5, 7]);
    assert_eq!(complete_of(&global, "R").unwrap(), "rec X . Q?a . X");
    let states_max = 2 * 3 * 5 * 7;
    let limits = ProjectionLimits { states_max, ..ProjectionLimits::default() };
    assert!(project_complete(&global, &global.roles()[2], &limits).is_ok());
}

#[test]
fn every_limit_is_reached_and_says_how_to_raise_it() {
    let roles = |global: &GlobalType, index: usize| global.roles()[index].clone();
    let cycles = cycles(&[2, 3, 5, 7, 11, 13, 17]);
    let gather = read(
        "A B C D",
        "choice at A { b() from A to B; b() from B to D; d() from A to C; d() from C to D; }
        or { c() from A to C; c() from C to D; d() from A to B; d() from B to D; }",
    );
    let usual = ProjectionLimits { states_max: 1_000, ..ProjectionLimits::default() };
    let cases = [
        (&cycles, roles(&cycles, 2), usual, What::States),
        (&cycles, roles(&cycles, 2), ProjectionLimits { steps_max: 1_000, ..usual }, What::Steps),
        (
            &gather,
            roles(&gather, 3),
            ProjectionLimits { availability_max: 1, ..usual },
            What::Availability,
        ),
    ];
    for (global, role, limits, wanted) in cases {
        let found = project_complete(global, &role, &limits).unwrap_err();
        let Unprojectable::TooLarge { exceeded, .. } = &found else { panic!("{found}") };
        assert_eq!(exceeded.what, wanted);
        let diagnostic = Diagnostic::from(found);
        assert_eq!(diagnostic.code, Code::TooLarge);
        assert!(diagnostic.remedy.unwrap().contains(wanted.field().unwrap()));
    }
    // Without pairs there is an explanation all the same, and it says that it may be a long one.
    let few = ProjectionLimits { pairs_max: 0, ..usual };
    let sends = read(
        "p q r",
        "choice at p { o() from p to q; o() from r to q; } or { m() from p to q; m() from r to q; }",
    );
    match project_complete(&sends, &roles(&sends, 2), &few) {
        Err(Unprojectable::Ambiguous(found)) => {
            assert!(!found.shortest);
            let notes = Diagnostic::from(Unprojectable::Ambiguous(found)).notes;
            assert!(notes[1].1.ends_with("(there may be shorter runs that show it)"));
        }
        other => panic!("{other:?}"),
    }
}

/// PROJ-6 for the whole library: each role has both projections, and they are one automaton.
#[test]
fn every_global_protocol_of_the_library_has_the_same_automata_by_both() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/protocols/global");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for path in paths.filter(|path| path.is_file()) {
        let source = syntax::Source::open(&path).unwrap();
        let syntax::Declared::Global(globals) = &source.declared else { panic!("not global") };
        for global in globals {
            let usual = Protocol::from_global(global).unwrap();
            let local = |role: &Name| {
                (role.clone(), project_complete(global, role, &Default::default()).unwrap())
            };
            let locals = LocalTypes::new(global.roles().iter().map(local)).unwrap().0;
            let complete = Protocol::unchecked(global.name().clone(), locals).unwrap();
            assert_eq!(usual.digest(), complete.digest(), "{}", global.name());
        }
    }
}
