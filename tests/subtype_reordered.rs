//! Subtyping with reordering, against running the candidate where the supertype was expected: in
//! an environment that does the opposite of what the supertype does, with bounded buffers.

mod reference;
mod strategies;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use antiphon::types::subtype::{Answer, Bounds, Comparison, Mismatch, Verdict};
use antiphon::types::*;
use proptest::collection::vec;
use proptest::prelude::*;
use reference::{Branch, Type};
use strategies::{Size, cases};

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
        if !moved && !full && !(over && at.2.is_empty()) {
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

/// `of` with sends moved before the receives around them where the next bit says so; `legal` or
/// else receives before sends.
fn moved(of: &Type, bits: &mut dyn Iterator<Item = bool>, legal: bool) -> Type {
    match of {
        Type::End | Type::Var(_) => of.clone(),
        Type::Rec(name, body) => Type::Rec(name.clone(), Box::new(moved(body, bits, legal))),
        Type::Choice(direction, branches) => {
            let branches: Vec<Branch> = branches
                .iter()
                .map(|branch| Branch { next: moved(&branch.next, bits, legal), ..branch.clone() })
                .collect();
            let (over, wanted) = match legal {
                true => (Direction::Receive, Direction::Send),
                false => (Direction::Send, Direction::Receive),
            };
            if *direction == over
                && bits.next().unwrap_or(false)
                && let Some(first) = common(&branches, wanted)
            {
                let rest = |branch: &Branch| match &branch.next {
                    Type::Choice(_, list) => {
                        Branch { next: list[0].next.clone(), ..branch.clone() }
                    }
                    _ => unreachable!("it begins with an action"),
                };
                let inner = branches.iter().map(rest).collect();
                let next = Type::Choice(over, inner);
                return Type::Choice(wanted, vec![Branch { next, ..first }]);
            }
            Type::Choice(*direction, branches)
        }
    }
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
            let mut candidate = Type::of(&supertype);
            for _ in 0..more {
                candidate = match candidate.unfolded() {
                    Type::Choice(direction, branches) => {
                        let next = |branch: &Branch| Branch {
                            next: branch.next.unfolded(),
                            ..branch.clone()
                        };
                        Type::Choice(direction, branches.iter().map(next).collect())
                    }
                    other => other,
                };
            }
            let mut bits = bits.into_iter().cycle();
            for _ in 0..=more {
                candidate = moved(&candidate, &mut bits, kind > 0);
            }
            (built(&candidate), supertype)
        }),
    ]
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
        let lowest = built(&moved(&Type::of(&lower), &mut bits.into_iter().cycle(), true));
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
        let mut bits = bits.into_iter().cycle();
        let candidate = built(&moved(&Type::of(&supertype), &mut bits, true));
        let answer = reordered(&candidate, &supertype).answer;
        prop_assert!(!matches!(answer, Answer::No(_)), "{candidate} {answer:?}");
    }
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
