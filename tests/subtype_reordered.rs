//! Subtyping with reordering, against running the candidate where the supertype was expected: in
//! an environment that does the opposite of what the supertype does, with bounded buffers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::reference::{Branch, Type};
use crate::strategies;
use crate::strategies::{Size, cases};
use antiphon::types::subtype::{Answer, Bounds, Comparison, Mismatch, Obstacle, Verdict};
use antiphon::types::*;
use proptest::collection::vec;
use proptest::prelude::*;

const BOUNDS: Bounds = Bounds { steps_max: 12_000 };

fn reordered(candidate: &LocalType, supertype: &LocalType) -> Verdict {
    Comparison::new(candidate, supertype).unwrap().asynchronous(&BOUNDS)
}

/// Who sends, which partner's channel it is, and what lies on it.
type Channels = BTreeMap<(bool, String), VecDeque<String>>;

/// The candidate, the environment, and the channels between them.
type Configuration = (NodeId, NodeId, Channels);

/// How running a type in an environment went.
#[derive(Debug, PartialEq)]
enum Run {
    Safe,
    Wrong(String),
    /// Too many configurations.
    Long,
}

fn row(of: &LocalType, at: NodeId) -> (Option<Direction>, &[antiphon::types::Branch]) {
    match of.tree().node(of.tree().unfold(at)) {
        Node::Choice(direction, range) => (Some(*direction), of.tree().branches_of(range)),
        _ => (None, &[]),
    }
}

fn message(branch: &antiphon::types::Branch) -> String {
    format!("{}({})", branch.label, branch.payload.sort())
}

/// Runs `own` against the opposite of `expected`; no channel holds more than `capacity` messages.
fn run(own: &LocalType, expected: &LocalType, capacity: usize) -> Run {
    const CONFIGURATIONS_MAX: usize = 1_200;
    let environment = expected.dual();
    let start: Configuration =
        (own.tree().unfold(NodeId::ROOT), environment.tree().unfold(NodeId::ROOT), Channels::new());
    let (mut known, mut open) = (BTreeSet::from([start.clone()]), vec![start]);
    while let Some(at) = open.pop() {
        if known.len() > CONFIGURATIONS_MAX {
            return Run::Long;
        }
        let (mut moved, mut full) = (false, false);
        for (mine, of) in [(true, own), (false, &environment)] {
            let here = if mine { at.0 } else { at.1 };
            let (direction, branches) = row(of, here);
            let channel = |branch: &antiphon::types::Branch, sends: bool| {
                (if sends { mine } else { !mine }, branch.peer.to_string())
            };
            let mut next = Vec::new();
            match direction {
                None => {
                    let left = |((from, _), queue): (&(bool, String), &VecDeque<String>)| {
                        *from != mine && !queue.is_empty()
                    };
                    if at.2.iter().any(left) {
                        return Run::Wrong(format!("an orphan: {at:?}"));
                    }
                }
                Some(Direction::Send) => {
                    for branch in branches {
                        let mut channels = at.2.clone();
                        let queue = channels.entry(channel(branch, true)).or_default();
                        queue.push_back(message(branch));
                        match queue.len() > capacity {
                            true => full = true,
                            false => next.push((branch.next, channels)),
                        }
                    }
                }
                Some(Direction::Receive) => {
                    let partners: BTreeSet<_> =
                        branches.iter().map(|branch| channel(branch, false)).collect();
                    for partner in partners {
                        let mut channels = at.2.clone();
                        let Some(queue) = channels.get_mut(&partner) else { continue };
                        let Some(head) = queue.pop_front() else { continue };
                        if queue.is_empty() {
                            channels.remove(&partner);
                        }
                        let taken = branches.iter().find(|branch| {
                            channel(branch, false) == partner && message(branch) == head
                        });
                        match taken {
                            Some(branch) => next.push((branch.next, channels)),
                            None => return Run::Wrong(format!("{head} is unexpected: {at:?}")),
                        }
                    }
                }
            }
            for (state, channels) in next {
                moved = true;
                let state = of.tree().unfold(state);
                let to = if mine { (state, at.1, channels) } else { (at.0, state, channels) };
                if known.insert(to.clone()) {
                    open.push(to);
                }
            }
        }
        let over = row(own, at.0).0.is_none() && row(&environment, at.1).0.is_none();
        let done = over && at.2.is_empty();
        if !(moved || full || done) {
            return Run::Wrong(format!("stuck: {at:?}"));
        }
    }
    Run::Safe
}

fn build(builder: &mut LocalBuilder, of: &Type) -> DraftId {
    match of {
        Type::End => builder.end(),
        Type::Var(name) => builder.var(name).unwrap(),
        Type::Rec(name, body) => {
            let body = build(builder, body);
            builder.rec(name, body).unwrap()
        }
        Type::Choice(direction, branches) => {
            let nexts: Vec<DraftId> =
                branches.iter().map(|branch| build(builder, &branch.next)).collect();
            let branches = branches.iter().zip(nexts).map(|(branch, next)| {
                let payload = match branch.sort == Sort::unit() {
                    true => Payload::none(),
                    false => Payload::one(branch.sort.clone()),
                };
                (branch.peer.as_str(), branch.label.as_str(), payload, next)
            });
            builder.choice(*direction, branches).unwrap()
        }
    }
}

fn built(of: &Type) -> LocalType {
    let mut builder = LocalBuilder::default();
    let root = build(&mut builder, of);
    builder.finish(root).unwrap()
}

fn key(branch: &Branch) -> (&str, &str, &Sort) {
    (&branch.peer, &branch.label, &branch.sort)
}

/// What all branches of a choice do next, if that is the same single action in this direction.
fn common(branches: &[Branch], wanted: Direction) -> Option<Branch> {
    let next = |branch: &Branch| match &branch.next {
        Type::Choice(direction, list) if *direction == wanted && list.len() == 1 => {
            Some(list[0].clone())
        }
        _ => None,
    };
    let first = next(branches.first()?)?;
    let same = |branch| next(branch).is_some_and(|other| key(&other) == key(&first));
    branches.iter().all(same).then_some(first)
}

/// `of` with actions moved before those around them where the next bit says so: sends before
/// anything that is not to the same partner, receives before receives from others; unless `legal`,
/// receives before sends.
fn moved(of: &Type, bits: &mut dyn Iterator<Item = bool>, legal: bool) -> Type {
    match of {
        Type::End | Type::Var(_) => of.clone(),
        Type::Rec(name, body) => Type::Rec(name.clone(), Box::new(moved(body, bits, legal))),
        Type::Choice(over, branches) => {
            let branches: Vec<Branch> = branches
                .iter()
                .map(|branch| Branch { next: moved(&branch.next, bits, legal), ..branch.clone() })
                .collect();
            let wanted = match (legal, over) {
                (true, _) => [Direction::Send, *over],
                (false, Direction::Send) => [Direction::Receive; 2],
                (false, Direction::Receive) => return Type::Choice(*over, branches),
            };
            let stays = Type::Choice(*over, branches.clone());
            if !bits.next().unwrap_or(false) {
                return stays;
            }
            let found =
                wanted.iter().find_map(|wanted| Some((*wanted, common(&branches, *wanted)?)));
            let Some((wanted, first)) = found else { return stays };
            if wanted == *over && branches.iter().any(|branch| branch.peer == first.peer) {
                return stays;
            }
            let rest = |branch: &Branch| match &branch.next {
                Type::Choice(_, list) => Branch { next: list[0].next.clone(), ..branch.clone() },
                _ => unreachable!("it begins with an action"),
            };
            let next = Type::Choice(*over, branches.iter().map(rest).collect());
            Type::Choice(wanted, vec![Branch { next, ..first }])
        }
    }
}

/// Unfolds the first choices `more` times, and moves actions after each.
fn variant(of: &LocalType, bits: Vec<bool>, more: usize, legal: bool) -> LocalType {
    let mut variant = Type::of(of);
    let mut bits = bits.into_iter().cycle();
    for _ in 0..more {
        variant = match variant.unfolded() {
            Type::Choice(direction, branches) => {
                let next =
                    |branch: &Branch| Branch { next: branch.next.unfolded(), ..branch.clone() };
                Type::Choice(direction, branches.iter().map(next).collect())
            }
            other => other,
        };
        variant = moved(&variant, &mut bits, legal);
    }
    built(&moved(&variant, &mut bits, legal))
}

/// Runs roles together; no channel holds more than `capacity` messages.
fn together(roles: &[(Name, LocalType)], capacity: usize) -> Run {
    const CONFIGURATIONS_MAX: usize = 1_500;
    type Queues = BTreeMap<(String, String), VecDeque<String>>;
    let root = |of: &LocalType| of.tree().unfold(NodeId::ROOT);
    let start: Vec<NodeId> = roles.iter().map(|(_, of)| root(of)).collect();
    let start = (start, Queues::new());
    let (mut known, mut open) = (BTreeSet::from([start.clone()]), vec![start]);
    while let Some((at, queues)) = open.pop() {
        if known.len() > CONFIGURATIONS_MAX {
            return Run::Long;
        }
        let (mut moved, mut full) = (false, false);
        for (index, (name, of)) in roles.iter().enumerate() {
            let (direction, branches) = row(of, at[index]);
            let peers: BTreeSet<&Name> = branches.iter().map(|branch| &branch.peer).collect();
            let mut next: Vec<(NodeId, Queues)> = Vec::new();
            if direction == Some(Direction::Send) {
                for branch in branches {
                    let mut queues = queues.clone();
                    let channel = (name.to_string(), branch.peer.to_string());
                    let queue = queues.entry(channel).or_default();
                    queue.push_back(message(branch));
                    match queue.len() > capacity {
                        true => full = true,
                        false => next.push((branch.next, queues)),
                    }
                }
            } else {
                for peer in peers {
                    let mut queues = queues.clone();
                    let channel = (peer.to_string(), name.to_string());
                    let Some(queue) = queues.get_mut(&channel) else { continue };
                    let head = queue.pop_front().expect("empty queues are taken away");
                    if queue.is_empty() {
                        queues.remove(&channel);
                    }
                    let taken = branches
                        .iter()
                        .find(|branch| branch.peer == *peer && message(branch) == head);
                    match taken {
                        Some(branch) => next.push((branch.next, queues)),
                        None => return Run::Wrong(format!("{name}: {head} is unexpected: {at:?}")),
                    }
                }
            }
            for (state, queues) in next {
                moved = true;
                let mut to = at.clone();
                to[index] = of.tree().unfold(state);
                if known.insert((to.clone(), queues.clone())) {
                    open.push((to, queues));
                }
            }
        }
        let over = roles.iter().zip(&at).all(|((_, of), at)| row(of, *at).0.is_none());
        let done = over && queues.is_empty();
        if !(moved || full || done) {
            return Run::Wrong(format!("stuck: {at:?} {queues:?}"));
        }
    }
    Run::Safe
}

/// A global protocol's projections, one of them replaced by a variant that is said to be a subtype;
/// nothing if it is not said to be.
fn replaced(
    global: &GlobalType,
    role: usize,
    bits: Vec<bool>,
    more: usize,
) -> Option<(LocalType, LocalType, Run)> {
    let mut roles = project_all(global).ok()?.roles().to_vec();
    let role = role % roles.len();
    let candidate = variant(&roles[role].1, bits, more, true);
    let supertype = core::mem::replace(&mut roles[role].1, candidate.clone());
    if candidate == supertype || !reordered(&candidate, &supertype).is_yes() {
        return None;
    }
    let went = together(&roles, 3);
    Some((candidate, supertype, went))
}

fn small(roles: usize) -> impl Strategy<Value = LocalType> {
    let wide = Size { roles, labels: 2, ..Size::TINY };
    prop_oneof![
        2 => strategies::local(Size { width: 1, nodes: 10, ..wide }),
        1 => strategies::local(Size { nodes: 10, ..wide }),
    ]
}

/// A supertype, and a candidate made of it by moving actions; or two strangers.
fn pair(roles: usize) -> impl Strategy<Value = (LocalType, LocalType)> {
    let bits = vec(any::<bool>(), 1..10);
    prop_oneof![
        1 => (small(roles), small(roles)),
        4 => (small(roles), bits, 0..3_usize, 0..6_u8).prop_map(|(supertype, bits, more, kind)| {
            (variant(&supertype, bits, more, kind > 0), supertype)
        }),
    ]
}

/// `of` without loops, and with each choice between branches of its first partner.
fn finite(of: &Type) -> Type {
    match of {
        Type::End | Type::Var(_) => Type::End,
        Type::Rec(_, body) => finite(body),
        Type::Choice(direction, branches) => {
            let mut kept: Vec<Branch> = Vec::new();
            for branch in branches {
                if kept.iter().all(|known| known.label != branch.label) {
                    let (peer, next) = (branches[0].peer.clone(), finite(&branch.next));
                    kept.push(Branch { peer, next, ..branch.clone() });
                }
            }
            Type::Choice(*direction, kept)
        }
    }
}

/// All trees that pick one branch of each choice in this direction, and keep the others whole.
fn picked(of: &Type, direction: Direction) -> Vec<Type> {
    let Type::Choice(way, branches) = of else { return vec![Type::End] };
    let with = |branch: &Branch, next: Type| Branch { next, ..branch.clone() };
    if *way == direction {
        let one = |branch: &Branch| {
            let trees = picked(&branch.next, direction).into_iter();
            trees.map(|next| Type::Choice(*way, vec![with(branch, next)])).collect::<Vec<_>>()
        };
        return branches.iter().flat_map(one).collect();
    }
    let mut all: Vec<Vec<Branch>> = vec![Vec::new()];
    for branch in branches {
        let trees = picked(&branch.next, direction);
        all = all
            .iter()
            .flat_map(|before| {
                trees.iter().map(move |next| {
                    let mut list = before.clone();
                    list.push(with(branch, next.clone()));
                    list
                })
            })
            .collect();
    }
    all.into_iter().map(|list| Type::Choice(*way, list)).collect()
}

type Single = (Direction, String, String);

/// All runs of a tree.
fn runs(of: &Type) -> Vec<Vec<Single>> {
    let Type::Choice(direction, branches) = of else { return vec![Vec::new()] };
    let run = |branch: &Branch| {
        let first = (*direction, branch.peer.clone(), branch.label.clone());
        runs(&branch.next).into_iter().map(move |rest| [vec![first.clone()], rest].concat())
    };
    branches.iter().flat_map(run).collect()
}

/// Whether the first run becomes the second one by doing things earlier, as the rules allow.
fn refines(one: &[Single], other: &[Single]) -> bool {
    let Some(first) = one.first() else { return other.is_empty() };
    let same = |action: &&Single| (action.0, &action.1) == (first.0, &first.1);
    let Some(at) = other.iter().position(|action| same(&action)) else { return false };
    let passed = &other[..at];
    let may = first.0 == Direction::Send || passed.iter().all(|a| a.0 == Direction::Receive);
    let rest = [passed, &other[at + 1..]].concat();
    may && other[at] == *first && refines(&one[1..], &rest)
}

/// The definition of POPL 2021, word by word; only for finite types.
fn defined(candidate: &Type, supertype: &Type) -> bool {
    let theirs: Vec<Vec<Vec<Single>>> =
        picked(supertype, Direction::Receive).iter().map(runs).collect();
    picked(candidate, Direction::Send).iter().map(runs).all(|mine| {
        theirs
            .iter()
            .all(|theirs| mine.iter().any(|one| theirs.iter().any(|other| refines(one, other))))
    })
}

/// The trace of a refusal is a run of the candidate.
fn is_run(of: &LocalType, trace: &[antiphon::types::subtype::Action]) -> bool {
    let mut at = NodeId::ROOT;
    for action in trace {
        let (direction, branches) = row(of, at);
        let taken = branches.iter().find(|branch| {
            (&branch.peer, &branch.label) == (&action.peer, &action.label)
                && branch.payload.sort() == action.payload.sort()
        });
        match taken {
            Some(branch) if direction == Some(action.direction) => at = branch.next,
            _ => return false,
        }
    }
    true
}

/// SUB-5: what is said of a pair is true when it is run. Says the answer.
fn is_true(
    candidate: &LocalType,
    supertype: &LocalType,
    binary: bool,
) -> Result<&'static str, TestCaseError> {
    let verdict = reordered(candidate, supertype);
    prop_assert!(verdict.steps <= BOUNDS.steps_max);
    match verdict.answer {
        Answer::Yes => {
            if run(supertype, supertype, 3) == Run::Safe {
                let went = run(candidate, supertype, 3);
                prop_assert!(!matches!(went, Run::Wrong(_)), "{went:?}");
            }
            Ok("yes")
        }
        Answer::No(witness) => {
            prop_assert!(is_run(candidate, &witness.trace), "{:?}", witness.trace);
            let endless = matches!(witness.mismatch, Mismatch::PutsOff(_) | Mismatch::Never(_));
            if binary && !endless {
                let went = run(candidate, supertype, witness.trace.len() + 6);
                prop_assert!(went != Run::Safe, "nothing goes wrong: {:?}", witness);
            }
            Ok("no")
        }
        Answer::Unknown(_) => Ok("unknown"),
    }
}

proptest! {
    #![proptest_config(cases(800))]

    #[test]
    fn between_two_roles_answers_are_true((candidate, supertype) in pair(1)) {
        is_true(&candidate, &supertype, true)?;
    }

    #[test]
    fn between_several_roles_answers_are_true((candidate, supertype) in pair(3)) {
        is_true(&candidate, &supertype, false)?;
    }

    #[test]
    fn a_subtype_of_a_projection_is_safe_with_the_other_projections(
        global in strategies::global(Size { depth: 6, nodes: 20, labels: 2, ..Size::TINY }),
        role in 0..4_usize,
        bits in vec(any::<bool>(), 1..10),
        more in 0..3_usize,
    ) {
        if let Some((candidate, supertype, went)) = replaced(&global, role, bits, more) {
            prop_assert!(!matches!(went, Run::Wrong(_)), "{candidate} for {supertype}: {went:?}");
        }
    }

    #[test]
    fn finite_types_are_compared_as_defined(
        (candidate, supertype) in pair(3),
        bits in vec(any::<bool>(), 1..10),
    ) {
        let (one, other) = (finite(&Type::of(&candidate)), finite(&Type::of(&supertype)));
        let variant = moved(&other, &mut bits.into_iter().cycle(), true);
        for one in [one, variant] {
            let answer = reordered(&built(&one), &built(&other)).answer;
            prop_assert!(!matches!(answer, Answer::Unknown(_)), "{answer:?}");
            prop_assert_eq!(answer == Answer::Yes, defined(&one, &other), "{:?}", answer);
        }
    }

    #[test]
    fn without_reordering_is_a_special_case((candidate, supertype) in pair(2)) {
        let compared = Comparison::new(&candidate, &supertype).unwrap();
        let verdict = compared.asynchronous(&BOUNDS);
        if compared.synchronous(&BOUNDS).is_yes() {
            prop_assert!(verdict.is_yes(), "{:?}", verdict);
        }
        prop_assert!(reordered(&candidate, &candidate).is_yes());
        // SUB-4: the same question has the same answer at the same cost.
        prop_assert_eq!(compared.asynchronous(&BOUNDS), verdict);
    }

    #[test]
    fn it_is_transitive((lower, middle) in pair(2), bits in vec(any::<bool>(), 1..8)) {
        let lowest = variant(&lower, bits, 0, true);
        let yes = |a: &LocalType, b: &LocalType| reordered(a, b).is_yes();
        if yes(&lowest, &lower) && yes(&lower, &middle) {
            let answer = reordered(&lowest, &middle).answer;
            prop_assert!(!matches!(answer, Answer::No(_)), "{answer:?}");
        }
    }

    #[test]
    fn sends_that_are_moved_before_receives_are_allowed(
        supertype in small(2),
        bits in vec(any::<bool>(), 1..10),
    ) {
        let candidate = variant(&supertype, bits, 0, true);
        let answer = reordered(&candidate, &supertype).answer;
        prop_assert!(!matches!(answer, Answer::No(_)), "{candidate} {answer:?}");
    }
}

#[test]
fn random_projections_are_reordered_often() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let globals = strategies::global(Size { depth: 6, nodes: 20, labels: 2, ..Size::TINY });
    let bits = vec(any::<bool>(), 1..10);
    let (mut reordered, mut safe) = (0, 0);
    for index in 0..1500 {
        let global = globals.new_tree(&mut runner).unwrap().current();
        let bits = bits.new_tree(&mut runner).unwrap().current();
        if let Some((candidate, supertype, went)) = replaced(&global, index, bits, index % 3) {
            safe += usize::from(went == Run::Safe);
            let compared = Comparison::new(&candidate, &supertype).unwrap();
            reordered += usize::from(!compared.synchronous(&BOUNDS).is_yes());
        }
    }
    println!("{safe} safe, {reordered} reordered");
    assert!(safe > 100 && reordered > 50, "{safe} safe, {reordered} reordered");
}

#[test]
fn random_pairs_reach_every_answer() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut tally: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    for roles in [1, 3] {
        let pairs = pair(roles);
        for _ in 0..600 {
            let (candidate, supertype) = pairs.new_tree(&mut runner).unwrap().current();
            let answer = is_true(&candidate, &supertype, roles == 1).unwrap();
            *tally.entry((roles, answer)).or_default() += 1;
        }
    }
    println!("{tally:?}");
    for roles in [1, 3] {
        let count = |answer| tally.get(&(roles, answer)).copied().unwrap_or(0);
        assert!(count("yes") > 100 && count("no") > 60, "{tally:?}");
        assert!(count("unknown") < 60, "{tally:?}");
    }
}

#[cfg(feature = "syntax")]
mod table {
    use super::*;

    fn answer(candidate: &str, supertype: &str, bounds: &Bounds) -> Answer {
        let (candidate, supertype) = (candidate.parse().unwrap(), supertype.parse().unwrap());
        Comparison::new(&candidate, &supertype).unwrap().asynchronous(bounds).answer
    }

    #[test]
    fn around_a_race_nothing_is_reordered() {
        let table = [
            // Early, `x` may make `r` send `b` before `p` has sent `a`.
            (
                "q!x . &{ p?a . r?b . end, r?b . end }",
                "&{ p?a . q!x . r?b . end, r?b . q!x . end }",
                "unknown",
            ),
            ("q!x . &{ p?a . end, r?b . end }", "&{ p?a . q!x . end, r?b . q!x . end }", "unknown"),
            (
                "q!x . p?a . &{ p?b . end, r?b . end }",
                "p?a . q!x . &{ p?b . end, r?b . end }",
                "yes",
            ),
            // Early, `B` may take its `y` of the next round for that of the choice.
            (
                "rec X . B!y . A?x . +{ B!y . end, A!z . X }",
                "rec X . A?x . B!y . +{ B!y . end, A!z . X }",
                "unknown",
            ),
            ("+{ p!a . q!b . end, q!b . p!a . end }", "p!a . q!b . end", "yes"),
            ("&{ p?a . end, q?b . end }", "&{ p?a . end, q?b . end }", "yes"),
            ("&{ p?a . end, q?b . end }", "&{ p?a . end, q?b . end, q?c . end }", "no"),
            ("rec X . &{ p?a . X, q?b . X }", "rec X . p?a . q?b . X", "unknown"),
        ];
        for (candidate, supertype, wanted) in table {
            let given = match answer(candidate, supertype, &BOUNDS) {
                Answer::Yes => "yes",
                Answer::No(_) => "no",
                Answer::Unknown(obstacle) => {
                    assert_eq!(obstacle, Obstacle::Partners);
                    "unknown"
                }
            };
            assert_eq!(given, wanted, "{candidate} for {supertype}");
        }
    }

    #[test]
    fn a_guess_that_nobody_offered_is_no_way_out() {
        // What is sent to `q` was passed over for `p`, and then it is something else.
        for candidate in ["p!a . q!z . end", "p!a . end", "p!a . rec X . r!n . X"] {
            let given = answer(candidate, "q!{ x . p!a . end, y . p!a . end }", &BOUNDS);
            assert!(matches!(given, Answer::No(_)), "{candidate}: {given:?}");
        }
    }

    #[test]
    fn what_stands_behind_a_wrong_guess_is_not_owed() {
        // `p?a` is only due if `x` is sent, and who sends for ever has sent `y`.
        let candidate = "r!n . q!{ x . p?a . end, y . rec Y . r!n . Y }";
        let supertype = "q!{ x . p?a . r!n . end, y . r!n . rec Y . r!n . Y }";
        assert_eq!(answer(candidate, supertype, &BOUNDS), Answer::Yes);
        let candidate = "p!n . q!{ x . r!m . end, y . rec Y . p!n . Y }";
        let supertype = "q!{ x . r!m . p!n . end, y . p!n . rec Y . p!n . Y }";
        assert_eq!(answer(candidate, supertype, &BOUNDS), Answer::Yes);
    }

    #[test]
    fn a_refusal_says_what_is_owed() {
        let Answer::No(witness) = answer("p!b . p?a . p!d . end", "p?a . p!b . p!c . end", &BOUNDS)
        else {
            panic!("it is no subtype");
        };
        assert_eq!(witness.trace.len(), 2);
        assert!(witness.owed.is_empty());
        let endless = answer("rec X . p!b . X", "rec X . p?a . p!b . X", &BOUNDS);
        let Answer::No(witness) = endless else { panic!("`a` is never received") };
        assert!(matches!(&witness.mismatch, Mismatch::PutsOff(owed) if owed.label == "a"));
        assert_eq!(witness.owed[0].to_string(), "p?a");
    }

    #[test]
    fn many_ways_to_one_send_are_counted_as_they_are_walked() {
        // Every level of the supertype doubles the ways that lead to its one send.
        let mut supertype = String::from("p!x . end");
        for level in 0..12 {
            supertype = format!("p?{{ a{level} . {supertype}, b{level} . p?c . {supertype} }}");
        }
        let bounds = Bounds { steps_max: 3_000 };
        let compared =
            Comparison::new(&"p!x . p?a0 . end".parse().unwrap(), &supertype.parse().unwrap());
        let verdict = compared.unwrap().asynchronous(&bounds);
        assert_eq!(verdict.answer, Answer::Unknown(Obstacle::Steps));
        assert_eq!(verdict.steps, bounds.steps_max);
    }

    #[test]
    fn steps_that_run_out_are_said() {
        let grows = ("rec X . p!a . p!a . p?b . X", "rec X . p?b . p!a . X");
        assert_eq!(answer(grows.0, grows.1, &BOUNDS), Answer::Yes);
        for steps_max in [0, 1, 10, 100] {
            let given = answer(grows.0, grows.1, &Bounds { steps_max });
            assert_eq!(given, Answer::Unknown(Obstacle::Steps));
        }
    }
}
