//! Candidates for a role against the composition of everybody explored by hand: the candidate
//! beside what the others see of the runs.

use crate::reference;
use crate::reference::Type;
use crate::reference::composition::{Types, explore};
use crate::reference::global::{Global, Word};
use crate::strategies;
use crate::strategies::{Size, cases};
use antiphon::types::complete::{Condition, Mismatch, Refinement, implements, refines};
use antiphon::types::*;
use proptest::prelude::*;

fn limits() -> ProjectionLimits {
    ProjectionLimits::default()
}

/// The projections of all roles, if all have one.
fn projections(global: &GlobalType) -> Option<Vec<LocalType>> {
    let local = |role: &Name| project_complete(global, role, &limits()).ok();
    global.roles().iter().map(local).collect()
}

/// A type written in the notation of the builder.
fn built(term: &Type) -> Option<LocalType> {
    fn add(b: &mut LocalBuilder, term: &Type) -> Option<DraftId> {
        match term {
            Type::End => Some(b.end()),
            Type::Var(name) => b.var(name).ok(),
            Type::Rec(name, body) => {
                let body = add(b, body)?;
                b.rec(name, body).ok()
            }
            Type::Choice(direction, branches) => {
                let mut list = Vec::new();
                for branch in branches {
                    let next = add(b, &branch.next)?;
                    let payload = match branch.sort.top() {
                        SortNode::Unit => Payload::none(),
                        _ => Payload::one(branch.sort.clone()),
                    };
                    list.push((branch.peer.as_str(), branch.label.as_str(), payload, next));
                }
                b.choice(*direction, list).ok()
            }
        }
    }
    let mut b = LocalBuilder::default();
    let root = add(&mut b, term)?;
    b.finish(root).ok()
}

/// One small change of a term, if it can be made at the place that `seed` says.
fn mutate(term: &mut Type, seed: &mut Vec<usize>, roles: &[Name], own: usize) {
    let mut pick = |most: usize| seed.pop().map_or(0, |number| number % most.max(1));
    let depth = pick(4);
    let mut at = term;
    let mut names: Vec<String> = Vec::new();
    for _ in 0..=depth {
        while let Type::Rec(name, body) = at {
            names.push(name.clone());
            at = &mut **body;
        }
        let stop = match at {
            Type::Choice(_, branches) => pick(branches.len() + 1) == branches.len(),
            _ => true,
        };
        if stop {
            break;
        }
        let Type::Choice(_, branches) = at else { return };
        let index = pick(branches.len());
        at = &mut branches[index].next;
    }
    while let Type::Rec(name, body) = at {
        names.push(name.clone());
        at = &mut **body;
    }
    let others: Vec<&Name> =
        roles.iter().enumerate().filter(|(index, _)| *index != own).map(|(_, name)| name).collect();
    let peer = others[pick(others.len())].to_string();
    let label = format!("l{}", pick(3));
    let sort = Payload::none().sort().clone();
    let more = reference::Branch { peer, label, sort, next: Type::End };
    match (pick(11), at) {
        (0, Type::Choice(_, branches)) if branches.len() > 1 => {
            let index = pick(branches.len());
            branches.remove(index);
        }
        (1 | 2, Type::Choice(_, branches)) => {
            let next = branches[0].next.clone();
            branches.push(reference::Branch { next, ..more });
        }
        (3, Type::Choice(direction, _)) => {
            *direction = match direction {
                Direction::Send => Direction::Receive,
                Direction::Receive => Direction::Send,
            }
        }
        (4, Type::Choice(_, branches)) if branches.len() > 1 => {
            let next = branches[0].next.clone();
            branches[0].next = std::mem::replace(&mut branches[1].next, next);
        }
        (5, Type::Choice(_, branches)) => branches[0].label = more.label,
        (6, at @ Type::Choice(..)) => {
            let next = at.clone();
            let direction = if pick(2) == 0 { Direction::Send } else { Direction::Receive };
            *at = Type::Choice(direction, vec![reference::Branch { next, ..more }]);
        }
        (7, at) => *at = Type::End,
        // What comes next and what comes after it, in any order.
        (8..=10, Type::Choice(Direction::Receive, branches)) => {
            let first = branches[0].clone();
            let Type::Choice(Direction::Receive, more) = &first.next else { return };
            let second = more[0].clone();
            if second.peer != first.peer {
                let last = reference::Branch { next: second.next.clone(), ..first };
                let next = Type::Choice(Direction::Receive, vec![last]);
                branches.push(reference::Branch { next, ..second });
            }
        }
        (_, at @ (Type::End | Type::Var(_))) => {
            let next = names.pop().map_or(Type::End, Type::Var);
            let direction = if pick(2) == 0 { Direction::Send } else { Direction::Receive };
            *at = Type::Choice(direction, vec![reference::Branch { next, ..more }]);
        }
        _ => {}
    }
}

/// Whether a mismatch shows a run, and a word of it that the candidate has.
fn shown(global: &GlobalType, role: &Name, candidate: &LocalType, found: &Mismatch) {
    let naive = Global(global);
    let why = format!("{found}\n{candidate}\n{global}");
    let node = naive.replay(&found.run.steps).unwrap_or_else(|| panic!("no run: {why}"));
    let mut term = Type::of(candidate);
    let mut place = naive.root();
    for step in &found.run.steps {
        let taken = naive.moves(place).into_iter().find(|taken| taken.is(step)).unwrap();
        place = taken.next;
        let Some(event) = taken.seen_by(role) else { continue };
        let choices = term.choices();
        let branch = choices.iter().find(|(way, branch)| branch.shown(*way) == event);
        term = branch
            .unwrap_or_else(|| panic!("{event} is not the candidate's: {why}"))
            .1
            .next
            .clone();
    }
    assert_eq!(place, node);
    let legal: Vec<(Direction, String)> =
        term.choices().iter().map(|(way, branch)| (*way, branch.shown(*way))).collect();
    assert_eq!(legal.len(), found.candidate.len(), "{why}");
    let next: Vec<String> = naive.moves(node).iter().filter_map(|m| m.seen_by(role)).collect();
    let sends = next.iter().any(|event| event.contains('!'));
    let own_sends = legal.iter().any(|(way, _)| *way == Direction::Send);
    match &found.condition {
        Condition::Send => {
            assert!(own_sends && legal.iter().any(|(_, l)| !next.contains(l)), "{why}")
        }
        Condition::Preservation => assert!(sends && !own_sends, "{why}"),
        Condition::Exhaustivity => {
            assert!(!sends && next.iter().any(|n| legal.iter().all(|(_, l)| l != n)), "{why}");
        }
        Condition::Final => assert!(naive.is_over(role, node) && !legal.is_empty(), "{why}"),
        Condition::Overtaking(steps) => {
            let last = steps.last().unwrap();
            let event = format!("{}?{}({})", last.from, last.label, last.payload.sort());
            assert!(last.to == *role && legal.iter().any(|(_, l)| *l == event), "{why}");
        }
        Condition::Whole => {
            assert!(next.iter().any(|n| legal.iter().all(|(_, l)| l != n)), "{why}")
        }
        other => panic!("{other:?}"),
    }
}

/// A global type that is shown as its text.
struct Shown(GlobalType);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

fn global() -> impl Strategy<Value = Shown> {
    let few = Size { depth: 4, nodes: 9, ..Size::TINY };
    prop_oneof![
        3 => strategies::global(few),
        2 => strategies::global(Size { roles: 4, ..few }),
        1 => strategies::global(Size::TINY),
    ]
    .prop_map(Shown)
}

proptest! {
    #![proptest_config(cases(1500))]

    /// RSUB-1: a projection always refines and implements its role.
    #[test]
    fn projections_are_accepted(Shown(global) in global()) {
        for role in global.roles() {
            if let Ok(local) = project_complete(&global, role, &limits()) {
                for found in [
                    refines(&local, &global, role, &limits()).unwrap(),
                    implements(&local, &global, role, &limits()).unwrap(),
                ] {
                    prop_assert_eq!(found, Refinement::Yes, "{}", local);
                }
            }
        }
    }

    /// RSUB-2 to RSUB-6: what is accepted goes well beside the projections, and what is refused goes
    /// wrong, as far as one can look.
    #[test]
    fn mutants_are_judged_as_they_behave(
        Shown(global) in global(),
        own in 0..4usize,
        seeds in proptest::collection::vec(proptest::collection::vec(0..60usize, 16), 1..3),
    ) {
        let Some(mut locals) = projections(&global) else { return Ok(()) };
        let own = own % locals.len();
        let role = &global.roles()[own];
        let mut term = Type::of(&locals[own]);
        for mut seed in seeds {
            mutate(&mut term, &mut seed, global.roles(), own);
        }
        let Some(candidate) = built(&term) else { return Ok(()) };
        let answer = refines(&candidate, &global, role, &limits()).unwrap();
        let exact = implements(&candidate, &global, role, &limits()).unwrap();
        prop_assert!(answer.is_yes() || !exact.is_yes());
        locals[own] = candidate.clone();
        let naive = Global(&global);
        let mut bad = |words: &[Word]| !naive.is_joint(words, false);
        for capacity in [1, 3] {
            let types = Types::of(locals.iter());
            let found = explore(global.roles(), &types, (capacity, 14, 400), &mut bad);
            match &answer {
                Refinement::Yes => prop_assert!(
                    found.wrong.is_none(), "{} is accepted: {:?}", candidate, found.wrong
                ),
                Refinement::No(why) => {
                    shown(&global, role, &candidate, why);
                    if capacity == 3 {
                        prop_assert!(
                            found.wrong.is_some() || !found.whole, "{} is refused: {}", candidate, why
                        );
                    }
                }
            }
        }
        if let (Refinement::Yes, Refinement::No(why)) = (&answer, &exact) {
            prop_assert_eq!(&why.condition, &Condition::Whole);
            shown(&global, role, &candidate, why);
        }
    }
}

#[cfg(feature = "syntax")]
mod by_hand {
    use super::*;

    fn read(roles: &str, body: &str) -> GlobalType {
        let roles: Vec<String> = roles.split(' ').map(|role| format!("role {role}")).collect();
        format!("global protocol P({}) {{ {body} }}", roles.join(", ")).parse().unwrap()
    }

    fn asked(global: &GlobalType, role: &str, candidate: &str) -> (Refinement, Refinement) {
        let (role, candidate) = (Name::new(role).unwrap(), candidate.parse().unwrap());
        (
            refines(&candidate, global, &role, &limits()).unwrap(),
            implements(&candidate, global, &role, &limits()).unwrap(),
        )
    }

    fn why(answer: Refinement) -> String {
        match answer {
            Refinement::Yes => String::from("yes"),
            Refinement::No(found) => found.to_string(),
        }
    }

    const SHOP: &str = "choice at A { buy() from A to B; go() from B to C; paid() from C to A; }
                        or { leave() from A to B; no() from B to C; }";

    #[test]
    fn each_condition_is_said_in_words() {
        let global = read("A B C", SHOP);
        let cases = [
            ("A", "B!{ buy . C?paid . end, leave . end }", "yes", "yes"),
            (
                "A",
                "B!leave . end",
                "yes",
                "at once, `A` would send `buy` to `B` or `leave` to `B`, and the candidate does `B!leave`: it does not send all that may be sent",
            ),
            (
                "A",
                "B!{ buy . C?paid . end, steal . end }",
                "at once, `A` would send `buy` to `B` or `leave` to `B`, and the candidate does `B!buy` or `B!steal`: it may send what may not be sent",
                "",
            ),
            (
                "A",
                "end",
                "at once, `A` would send `buy` to `B` or `leave` to `B`, and the candidate has ended: it does not send where it has to",
                "",
            ),
            (
                "C",
                "B?go . A!paid . end",
                "after A -> B : leave, `C` would receive `no` from `B`, and the candidate does `B?go`: it does not receive what comes",
                "",
            ),
            (
                "C",
                "B?{ go . A!paid . end, no . A?bye . end }",
                "after A -> B : leave, B -> C : no, `C` would have nothing more to do, and the candidate does `A?bye`: it waits for what never comes",
                "",
            ),
            // What nobody sends may be received.
            ("C", "B?{ go . A!paid . end, no . end, maybe . A!paid . end }", "yes", "yes"),
            ("C", "&{ B?go . A!paid . end, B?no . end, A?hello . end }", "yes", "yes"),
        ];
        for (role, candidate, refined, implemented) in cases {
            let (one, two) = asked(&global, role, candidate);
            assert_eq!(why(one), refined);
            let implemented = if implemented.is_empty() { refined } else { implemented };
            assert_eq!(why(two), implemented);
        }
    }

    /// A candidate that takes two messages in any order: one can be there before its time, unless
    /// its sender waits for an answer to the other.
    #[test]
    fn what_may_be_received_early_must_not_come_early() {
        let any_order = "&{ A?a . B?b . end, B?b . A?a . end }";
        let free = read("A B C", "a() from A to C; b() from B to C;");
        assert_eq!(
            why(asked(&free, "C", any_order).0),
            "at once, `C` would receive `a` from `A`, and the candidate does `A?a` or `B?b`: \
             B -> C : b can be there first, and it would receive it"
        );
        let answered = read("A B C", "a() from A to C; x() from C to B; b() from B to C;");
        let any_order = "&{ A?a . B!x . B?b . end, B?b . A?a . end }";
        assert_eq!(why(asked(&answered, "C", any_order).0), "yes");
    }

    /// One state for two words of the role: it is decorated with what may be after either.
    #[test]
    fn a_state_is_right_for_all_that_leads_to_it() {
        let global = read(
            "A B",
            "rec X { choice at A { l() from A to B; k() from B to A; continue X; }
                     or { m() from A to B; k() from B to A; j() from B to A; } }",
        );
        assert_eq!(
            why(asked(&global, "B", "rec X . A?{ l . A!k . X, m . A!k . A!j . end }").1),
            "yes"
        );
        let one = "rec X . A?{ l . A!k . X, m . A!k . X }";
        assert_eq!(
            why(asked(&global, "B", one).0),
            "after A -> B : m, B -> A : k, `B` would send `j` to `A`, and the candidate does `A?l` or `A?m`: \
             it does not send where it has to"
        );
    }

    #[test]
    fn limits_are_reached() {
        let global = read("A B C", SHOP);
        let candidate = "B!{ buy . C?paid . end, leave . end }".parse().unwrap();
        let few = ProjectionLimits { pairs_max: 3, ..limits() };
        let found = refines(&candidate, &global, &Name::new("A").unwrap(), &few).unwrap_err();
        assert_eq!(found.to_string(), "more than 3 pairs of a node and a state");
        assert_eq!(found.what.field(), Some("pairs_max"));
    }
}
