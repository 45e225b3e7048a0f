//! Subtyping against naive oracles: unfolding by hand to a depth, and running the candidate.

use crate::reference::{Branch, Type};
use crate::strategies;
use crate::strategies::{Size, cases};
use antiphon::types::subtype::{Answer, Bounds, Comparison, Mismatch, Obstacle, Verdict, Witness};
use antiphon::types::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn sync(candidate: &LocalType, supertype: &LocalType) -> Verdict {
    Comparison::new(candidate, supertype).unwrap().synchronous(&Bounds::default())
}

/// The branches of an unfolded type, and their direction.
fn choice(of: &Type) -> (Option<Direction>, Vec<Branch>) {
    let choices = of.choices();
    let direction = choices.first().map(|(direction, _)| *direction);
    (direction, choices.into_iter().map(|(_, branch)| branch).collect())
}

fn same<'a>(of: &Branch, among: &'a [Branch]) -> Option<&'a Branch> {
    among.iter().find(|b| (&b.peer, &b.label, &b.sort) == (&of.peer, &of.label, &of.sort))
}

/// Whether nothing speaks against the candidate in runs of fewer than `depth` actions.
fn simulated(candidate: &Type, supertype: &Type, depth: usize) -> bool {
    if depth == 0 {
        return true;
    }
    let ((one, mine), (other, theirs)) = (choice(candidate), choice(supertype));
    if one != other {
        return false;
    }
    let shared = match one {
        None => return true,
        Some(Direction::Send) => mine.iter().all(|b| same(b, &theirs).is_some()),
        Some(Direction::Receive) => {
            theirs.iter().all(|b| same(b, &mine).is_some())
                && mine.iter().all(|b| theirs.iter().any(|their| their.peer == b.peer))
        }
    };
    shared
        && mine.iter().all(|b| {
            same(b, &theirs).is_none_or(|their| simulated(&b.next, &their.next, depth - 1))
        })
}

/// `local` without some branches of its choices in this direction; one of each choice stays.
fn thinned(local: &LocalType, direction: Direction, bits: &[bool]) -> LocalType {
    let (tree, mut draft) = (local.tree(), Draft::default());
    let places: Vec<DraftId> = tree.nodes().iter().map(|_| draft.reserve(Span::NONE)).collect();
    for (node, place) in tree.nodes().iter().zip(&places) {
        match node {
            Node::End => {}
            Node::Var(binder) => draft.set_back(*place, places[binder.index()]),
            Node::Rec(name, body) => draft.set_rec(*place, name.clone(), places[body.index()]),
            Node::Choice(way, range) => {
                let all = tree.branches_of(range).iter().zip(range.clone());
                let kept = all.filter(|(_, index)| {
                    let drop = bits[*index as usize % bits.len()];
                    *way != direction || *index == range.start || !drop
                });
                let branches = kept.map(|(branch, _)| DraftBranch {
                    peer: branch.peer.clone(),
                    label: branch.label.clone(),
                    payload: branch.payload.clone(),
                    next: places[branch.next.index()],
                    span: Span::NONE,
                });
                draft.set_choice(*place, *way, branches.collect());
            }
        }
    }
    LocalType::from_draft(&draft, places[0]).unwrap()
}

fn small() -> impl Strategy<Value = LocalType> {
    prop_oneof![
        strategies::local(Size { width: 3, labels: 2, ..Size::TINY }),
        strategies::local(Size { roles: 1, labels: 2, ..Size::TINY }),
    ]
}

/// Two types: strangers, or the second with fewer receives and the first with fewer sends.
fn pair() -> impl Strategy<Value = (LocalType, LocalType)> {
    let bits = || vec(any::<bool>(), 1..8);
    prop_oneof![
        (small(), small()),
        (small(), bits(), bits()).prop_map(|(local, less, more)| {
            (thinned(&local, Direction::Send, &less), thinned(&local, Direction::Receive, &more))
        }),
    ]
}

/// SUB-1 to SUB-3: says yes exactly where unfolding finds nothing, and else finds it first.
fn agrees(candidate: &LocalType, supertype: &LocalType) -> Result<bool, TestCaseError> {
    let (one, other) = (Type::of(candidate), Type::of(supertype));
    Ok(match sync(candidate, supertype).answer {
        Answer::Yes => {
            prop_assert!(simulated(&one, &other, 7));
            true
        }
        Answer::No(Witness { trace, .. }) if trace.len() < 8 => {
            prop_assert!(simulated(&one, &other, trace.len()), "there is a shorter run");
            prop_assert!(!simulated(&one, &other, trace.len() + 1), "nothing is wrong there");
            false
        }
        Answer::No(_) => false,
        Answer::Unknown(_) => panic!("the bound is far away"),
    })
}

proptest! {
    #![proptest_config(cases(1200))]

    #[test]
    fn without_reordering_it_is_what_unfolding_says((candidate, supertype) in pair()) {
        agrees(&candidate, &supertype)?;
    }

    #[test]
    fn less_to_send_and_more_to_receive_is_a_subtype(
        local in strategies::local(Size { roles: 1, labels: 3, width: 3, ..Size::TINY }),
        bits in vec(any::<bool>(), 1..8),
    ) {
        prop_assert!(agrees(&local, &local)?);
        prop_assert!(agrees(&thinned(&local, Direction::Send, &bits), &local)?);
        prop_assert!(agrees(&local, &thinned(&local, Direction::Receive, &bits))?);
    }

    #[test]
    fn it_is_transitive(local in small(), bits in vec(vec(any::<bool>(), 1..8), 4)) {
        let lower = thinned(&local, Direction::Send, &bits[0]);
        let upper = thinned(&local, Direction::Receive, &bits[1]);
        let lowest = thinned(&lower, Direction::Send, &bits[2]);
        let uppermost = thinned(&upper, Direction::Receive, &bits[3]);
        for (a, b, c) in [(&lowest, &lower, &local), (&lower, &local, &upper), (&local, &upper, &uppermost)] {
            if sync(a, b).is_yes() && sync(b, c).is_yes() {
                prop_assert!(sync(a, c).is_yes());
            }
        }
    }
}

#[cfg(feature = "syntax")]
mod table {
    use super::*;

    fn types(candidate: &str, supertype: &str) -> Comparison {
        Comparison::new(&candidate.parse().unwrap(), &supertype.parse().unwrap()).unwrap()
    }

    #[test]
    fn each_mismatch_is_named() {
        let table = [
            (
                "p!a . end",
                "p!b . end",
                "the candidate may send `p!a`; there the supertype sends `p!b`",
            ),
            ("p!a . end", "end", "the candidate may send `p!a`; there the supertype has ended"),
            (
                "p!a(int) . end",
                "p!a(nat) . end",
                "the candidate may send `p!a(int)`; there the supertype sends `p!a(nat)`",
            ),
            (
                "p?a . end",
                "p?{ a . end, b . end }",
                "`p?b` may arrive by the supertype; there the candidate receives `p?a`",
            ),
            (
                "p?a . end",
                "p!a . end",
                "the candidate waits for `p`; there the supertype sends `p!a`",
            ),
            ("end", "p!a . end", "the candidate has ended; there the supertype sends `p!a`"),
            (
                "&{ p?a . q?b . end, q?b . end }",
                "p?a . q?b . end",
                "the candidate also takes messages of `q`; there the supertype receives `p?a`",
            ),
        ];
        for (candidate, supertype, cause) in table {
            let compared = types(candidate, supertype);
            let verdict = compared.synchronous(&Bounds::default());
            let Answer::No(witness) = verdict.answer else { panic!("{candidate}, {supertype}") };
            assert_eq!(witness.cause(), cause);
            assert!(!witness.remedy().is_empty());
        }
    }

    #[test]
    fn a_witness_says_where_both_are() {
        let compared =
            types("rec X . p!a . p?{ b . X, c . p!d . X }", "rec X . p!a . p?{ b . X, c . X }");
        let verdict = compared.synchronous(&Bounds::default());
        let Answer::No(witness) = verdict.answer else { panic!("it is no subtype") };
        let trace: Vec<String> = witness.trace.iter().map(ToString::to_string).collect();
        assert_eq!(trace, ["p!a", "p?c"]);
        assert!(matches!(&witness.mismatch, Mismatch::Sends(sent) if sent.label == "d"));
        assert_eq!(witness.candidate_moves[0].to_string(), "p!d");
        assert_eq!(witness.supertype_moves[0].to_string(), "p!a");
        assert!(witness.owed.is_empty());
    }

    #[test]
    fn loops_of_different_length_meet_in_every_pair() {
        let ring = |length: usize| {
            let actions = "p!a . ".repeat(length - 1);
            format!("rec X . p!a . p!a . p!{{ a . {actions} X, b . end }}")
        };
        let compared = types(&ring(8), &ring(9));
        let verdict = compared.synchronous(&Bounds::default());
        assert!(matches!(verdict.answer, Answer::No(_)));
        // SUB-4: the bound is a number of steps, and the last one that is needed is enough.
        let exactly = Bounds { steps_max: verdict.steps };
        assert_eq!(compared.synchronous(&exactly), verdict);
        let fewer = Bounds { steps_max: verdict.steps - 1 };
        let stopped = compared.synchronous(&fewer);
        assert_eq!(stopped.answer, Answer::Unknown(Obstacle::Steps));
        assert_eq!(stopped.steps, fewer.steps_max);
    }
}
