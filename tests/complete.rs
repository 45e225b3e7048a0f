//! The complete projection against runs enumerated by hand: what it accepts has no bad run, and
//! what it refuses is refused for two runs that show it.

use std::collections::BTreeSet;

use crate::reference;
use crate::reference::composition::{Canonical, Types, explore};
use crate::reference::global::{Global, Move, Word, shown};
use crate::strategies;
use crate::strategies::{Size, cases};
use antiphon::types::complete::{Ambiguity, Cause, Continuation, Step, Trace};
use antiphon::types::*;
use proptest::prelude::*;

/// The complete projections of all roles; every explanation is checked on the way.
fn projected(global: &GlobalType, limits: &ProjectionLimits) -> Result<LocalTypes, usize> {
    let mut refused = 0;
    let mut locals = Vec::new();
    for role in global.roles() {
        match project_complete(global, role, limits) {
            Ok(local) => locals.push((role.clone(), local)),
            Err(Unprojectable::Ambiguous(found)) => {
                explained(global, role, &found);
                refused += 1;
            }
            Err(error) => panic!("{error}\n{global}"),
        }
    }
    if refused > 0 { Err(refused) } else { Ok(LocalTypes::new(locals).unwrap().0) }
}

fn word(role: &Name, steps: &[Step]) -> Word {
    let seen = |step: &Step| {
        let sort = step.payload.sort();
        if step.from == *role {
            Some(shown(&step.to, Direction::Send, &step.label, sort))
        } else if step.to == *role {
            Some(shown(&step.from, Direction::Receive, &step.label, sort))
        } else {
            None
        }
    };
    steps.iter().filter_map(seen).collect()
}

/// What every role has done when these steps were taken in order, and `waits` (if any) stopped at
/// one of them and with it all who need it. The message that waits is sent, like all others whose
/// sender does not wait.
fn words(roles: &[Name], steps: &[Step], waits_from: Option<(usize, &Name)>) -> Vec<Word> {
    let mut words = vec![Word::new(); roles.len()];
    let mut blocked: BTreeSet<&Name> = BTreeSet::new();
    let place = |name: &Name| roles.iter().position(|role| role == name).unwrap();
    for (index, step) in steps.iter().enumerate() {
        if let Some((at, role)) = waits_from
            && index == at
        {
            blocked.insert(role);
        }
        let sort = step.payload.sort();
        if blocked.contains(&step.from) {
            blocked.insert(&step.to);
            continue;
        }
        words[place(&step.from)].push(shown(&step.to, Direction::Send, &step.label, sort));
        if !blocked.contains(&step.to) {
            words[place(&step.to)].push(shown(&step.from, Direction::Receive, &step.label, sort));
        }
    }
    words
}

/// Checks that an explanation is one: both runs are runs, the role sees the same in both, what is
/// next is next, and doing in one what is next in the other leads out of all runs.
fn explained(global: &GlobalType, role: &Name, found: &Ambiguity) {
    let naive = Global(global);
    let why = format!("{role}: {found:?}\n{global}");
    assert_eq!(found.role, *role);
    assert_eq!(word(role, &found.first.steps), word(role, &found.second.steps), "{why}");
    for trace in [&found.first, &found.second] {
        let node = naive.replay(&trace.steps).unwrap_or_else(|| panic!("no run: {why}"));
        let moves = naive.moves(node);
        match &trace.next {
            Continuation::Nothing(_) => assert!(naive.is_over(role, node), "{why}"),
            Continuation::Receive(step) => {
                assert!(step.to == *role && moves.iter().any(|taken| taken.is(step)), "{why}");
            }
            Continuation::Send(steps) => {
                assert!(steps.len() == moves.len(), "{why}");
                assert!(steps.iter().all(|step| step.from == *role), "{why}");
                assert!(moves.iter().zip(steps).all(|(taken, step)| taken.is(step)), "{why}");
            }
        }
    }
    let (one, two) = (&found.first, &found.second);
    match (&found.cause, &one.next, &two.next) {
        (Cause::Send, ..) => {
            assert!(misled(global, role, one, two) || misled(global, role, two, one), "{why}");
        }
        (Cause::End, Continuation::Receive(_), Continuation::Nothing(_))
        | (Cause::End, Continuation::Nothing(_), Continuation::Receive(_)) => {}
        (Cause::Sorts, one, two) => {
            let steps = |next: &Continuation| match next {
                Continuation::Send(steps) => steps.clone(),
                Continuation::Receive(step) => vec![step.clone()],
                Continuation::Nothing(_) => Vec::new(),
            };
            let (one, two) = (steps(one), steps(two));
            let differ = one.iter().any(|a| {
                two.iter().any(|b| {
                    (&a.from, &a.to, &a.label) == (&b.from, &b.to, &b.label)
                        && a.payload.sort() != b.payload.sort()
                })
            });
            assert!(differ, "{why}");
        }
        (Cause::Overtaking(more), Continuation::Receive(later), Continuation::Receive(early)) => {
            let mut steps = one.steps.clone();
            let at = steps.len();
            steps.push(later.clone());
            steps.extend(more.iter().cloned());
            assert!(naive.replay(&steps).is_some(), "{why}");
            let last = more.last().expect("a message overtakes");
            let same = |a: &Step, b: &Step| {
                (&a.from, &a.to, &a.label, a.payload.sort())
                    == (&b.from, &b.to, &b.label, b.payload.sort())
            };
            assert!(same(last, early) && last.from != later.from, "{why}");
            // Nobody that the last message needs waits for the role, and none is before it.
            let roles = global.roles();
            let mut done = words(roles, &steps, Some((at, role)));
            let sender = roles.iter().position(|name| *name == last.from).unwrap();
            let sort = last.payload.sort();
            let sent = shown(role, Direction::Send, &last.label, sort);
            assert_eq!(done[sender].last(), Some(&sent), "{why}");
            let between = |step: &&Step| step.from == last.from && step.to == *role;
            assert_eq!(more.iter().filter(between).count(), 1, "{why}");
            let own = roles.iter().position(|name| name == role).unwrap();
            assert!(naive.is_joint(&done, false), "{why}");
            done[own].push(shown(&last.from, Direction::Receive, &last.label, sort));
            assert!(!naive.is_joint(&done, false), "{why}");
        }
        _ => panic!("what is next does not fit the cause: {why}"),
    }
    if found.shortest && one.steps.len() + two.steps.len() <= 7 {
        nothing_shorter(global, role, one.steps.len() + two.steps.len(), &why);
    }
}

/// Whether a role that takes the run of `truth` for that of `taken` sends what no run allows.
fn misled(global: &GlobalType, role: &Name, truth: &Trace, taken: &Trace) -> bool {
    let Continuation::Send(sends) = &taken.next else { return false };
    let naive = Global(global);
    let mut steps = truth.steps.clone();
    let at = steps.len();
    // Whoever has something to send to the role has sent it.
    if let Continuation::Receive(step) = &truth.next {
        steps.push(step.clone());
    }
    let done = words(global.roles(), &steps, Some((at, role)));
    assert!(naive.is_joint(&done, false));
    let own = global.roles().iter().position(|name| name == role).unwrap();
    sends.iter().any(|step| {
        let mut done = done.clone();
        done[own].push(shown(&step.to, Direction::Send, &step.label, step.payload.sort()));
        !naive.is_joint(&done, false)
    })
}

/// What a role does right at a node: sorted texts, with the sends of a choice as one.
fn nexts(naive: &Global<'_>, role: &Name, node: NodeId) -> Vec<String> {
    if naive.is_over(role, node) {
        return vec![String::from("nothing")];
    }
    let moves = naive.moves(node);
    if moves.iter().any(|taken| taken.from == *role) {
        let mut sends: Vec<String> = moves.iter().filter_map(|m| m.seen_by(role)).collect();
        sends.sort();
        return vec![format!("! {}", sends.join(" "))];
    }
    moves.iter().filter_map(|taken| taken.seen_by(role)).collect()
}

/// No two runs with fewer messages disagree about sending or ending.
fn nothing_shorter(global: &GlobalType, role: &Name, total: usize, why: &str) {
    let naive = Global(global);
    let mut prefixes: BTreeSet<(usize, Word, NodeId)> = BTreeSet::new();
    for run in naive.runs(total, 4_000) {
        let mut node = naive.root();
        for length in 0..=run.len() {
            prefixes.insert((length, Global::word(role, &run[..length]), node));
            node = run.get(length).map_or(node, |taken: &Move| taken.next);
        }
    }
    for (length, word, node) in &prefixes {
        for (other_length, other_word, other) in &prefixes {
            if length + other_length >= total || word != other_word {
                continue;
            }
            for one in nexts(&naive, role, *node) {
                for two in nexts(&naive, role, *other) {
                    let sends = one.starts_with('!') || two.starts_with('!');
                    let ends = one == "nothing" || two == "nothing";
                    assert!(one == two || !(sends || ends), "shorter: {one} {two}\n{why}");
                }
            }
        }
    }
}

/// The number of a role's only protocol: its automaton beside partners that do nothing.
fn alone(local: &LocalType) -> ProtocolDigest {
    let name = |text: &str| Name::new(text).unwrap();
    let mut peers: Vec<Name> = local.peers().into_iter().cloned().collect();
    peers.sort();
    let own = std::iter::once((name("Self"), local.clone()));
    let others = peers.into_iter().map(|peer| (peer, LocalType::end()));
    let (locals, _) = LocalTypes::new(own.chain(others)).unwrap();
    Protocol::unchecked(name("P"), locals).unwrap().digest()
}

/// Whether one type can do all that another does: the same sends, and at least the receives.
fn allows(more: &LocalType, less: &LocalType) -> bool {
    let mut known = BTreeSet::new();
    let mut open = vec![(reference::Type::of(more), reference::Type::of(less))];
    while let Some((more, less)) = open.pop() {
        if !known.insert(format!("{more:?} {less:?}")) {
            continue;
        }
        let (wide, narrow) = (more.choices(), less.choices());
        let sends = |way: &Direction| *way == Direction::Send;
        if wide.len() != narrow.len() && (narrow.is_empty() || wide.iter().any(|w| sends(&w.0))) {
            return false;
        }
        for (way, branch) in narrow {
            let same = |(other, found): &&(Direction, reference::Branch)| {
                *other == way && found.shown(way) == branch.shown(way)
            };
            let Some((_, found)) = wide.iter().find(same) else { return false };
            open.push((found.next.clone(), branch.next));
        }
    }
    true
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
    let sorted = Size { args: 1, labels: 2, ..few };
    prop_oneof![
        4 => strategies::global(few),
        2 => strategies::global(Size { roles: 4, ..few }),
        1 => strategies::global(Size::TINY),
        1 => strategies::global(sorted),
    ]
    .prop_map(Shown)
}

proptest! {
    #![proptest_config(cases(800))]

    /// PROJ-6, PROJ-7: what is accepted goes well in every order of messages; what is refused has an
    /// explanation that holds (PROJ-8).
    #[test]
    fn what_is_accepted_has_no_bad_run_and_what_is_refused_has_one(Shown(global) in global()) {
        let limits = ProjectionLimits::default();
        let Ok(locals) = projected(&global, &limits) else { return Ok(()) };
        let naive = Global(&global);
        let roles = global.roles();
        let mut bad = |words: &[Word]| !naive.is_joint(words, false);
        let found = explore(roles, &Canonical(&naive), (3, 9, 150), &mut bad);
        prop_assert!(found.wrong.is_none(), "{:?}", found.wrong);

        let types = Types::of(locals.roles().iter().map(|(_, local)| local));
        for capacity in [1, 2] {
            let found = explore(roles, &types, (capacity, 12, 300), &mut bad);
            prop_assert!(found.wrong.is_none(), "{:?}", found.wrong);
            for words in &found.finished {
                prop_assert!(naive.is_joint(words, true), "{words:?}");
            }
        }
    }

    /// The local types say what the roles see of the runs, and nothing else.
    #[test]
    fn what_is_accepted_says_what_the_role_sees(Shown(global) in global()) {
        let naive = Global(&global);
        for role in global.roles() {
            let Ok(local) = project_complete(&global, role, &ProjectionLimits::default()) else {
                continue;
            };
            for run in naive.runs(8, 30) {
                let mut term = reference::Type::of(&local);
                let word = Global::word(role, &run);
                for length in 0..=word.len() {
                    let legal: BTreeSet<String> = term.legal().into_iter().collect();
                    prop_assert_eq!(&legal, &naive.next(role, &word[..length]));
                    if let Some(event) = word.get(length) {
                        let choices = term.choices();
                        let taken = choices.iter().find(|(way, b)| b.shown(*way) == *event);
                        term = taken.expect("it is legal").1.next.clone();
                    }
                }
            }
        }
    }

    /// Where the classic projection succeeds, the complete one does, and says no more (PROJ-11).
    #[test]
    fn the_complete_projection_contains_the_classic_one(Shown(global) in global()) {
        for role in global.roles() {
            let limits = ProjectionLimits::default();
            let complete = project_complete(&global, role, &limits);
            let used = project_role(&global, role, &limits);
            prop_assert_eq!(complete.is_ok(), used.is_ok());
            if let (Ok(complete), Ok(used)) = (&complete, &used) {
                prop_assert_eq!(alone(complete), alone(used), "{} {}", complete, used);
            }
            if let Ok(classic) = project(&global, role) {
                let complete = complete.map_err(|error| TestCaseError::fail(error.to_string()))?;
                let same = alone(&classic) == alone(&complete);
                prop_assert!(allows(&classic, &complete), "{} {}", classic, complete);
                prop_assert!(!same || used.unwrap() == classic);
                // It says the same unless it merged two loops.
                let loops = |local: &LocalType| {
                    local.tree().nodes().iter().any(|node| matches!(node, Node::Rec(..)))
                };
                prop_assert!(same || loops(&classic), "{} {}", classic, complete);
            }
        }
    }

    /// With few pairs the explanation comes from the subset construction, and holds as well.
    #[test]
    fn explanations_hold_without_the_search_for_the_shortest(Shown(global) in global()) {
        let _ = projected(&global, &ProjectionLimits { pairs_max: 0, ..Default::default() });
    }
}
