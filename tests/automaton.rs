//! Automata do exactly what unfolding the types by hand does, with as few states as possible.

use std::collections::BTreeSet;

use crate::reference::Type;
use crate::strategies;
use crate::strategies::{Size, cases};
use antiphon::types::*;
use proptest::collection::vec;
use proptest::prelude::*;

const SELF: RoleIx = RoleIx(0);

/// A protocol in which role `Self` is this type and the others do nothing.
fn alone(local: &LocalType) -> Protocol {
    let name = |text: &str| Name::new(text).unwrap();
    let own = std::iter::once((name("Self"), local.clone()));
    let others = local.peers().into_iter().cloned().map(|peer| (peer, LocalType::end()));
    let (locals, _) = LocalTypes::new(own.chain(others)).unwrap();
    Protocol::unchecked(name("P"), locals).unwrap()
}

fn shown(protocol: &Protocol, direction: Direction, transition: &Transition) -> String {
    let message = protocol.message(transition.message);
    assert_eq!(message.label, transition.label);
    let edge = protocol.edges()[transition.edge.index()];
    let wanted = match direction {
        Direction::Send => Edge { from: SELF, to: transition.peer },
        Direction::Receive => Edge { from: transition.peer, to: SELF },
    };
    assert_eq!(edge, wanted);
    let (peer, label) = (protocol.role_name(transition.peer), protocol.label_name(message.label));
    format!("{peer}{}{label}({})", direction.symbol(), message.payload.sort())
}

/// The legal moves of a state, each with where it leads.
fn row(protocol: &Protocol, state: StateIx) -> Vec<(String, StateIx)> {
    let automaton = protocol.automaton(SELF);
    let Some(direction) = automaton.direction(state) else {
        assert!(automaton.is_end(state) && automaton.moves(state).is_empty());
        return Vec::new();
    };
    let moves = automaton.moves(state).iter();
    let mut row: Vec<(String, StateIx)> =
        moves.map(|taken| (shown(protocol, direction, taken), taken.next)).collect();
    row.sort();
    row
}

fn states(protocol: &Protocol) -> impl Iterator<Item = StateIx> {
    (0..u32::try_from(protocol.automaton(SELF).len()).unwrap()).map(StateIx)
}

/// Which pairs of states behave differently, by filling in a table until nothing changes.
fn distinguished(protocol: &Protocol) -> BTreeSet<(StateIx, StateIx)> {
    let mut table = BTreeSet::new();
    loop {
        let before = table.len();
        for (p, q) in states(protocol).flat_map(|p| states(protocol).map(move |q| (p, q))) {
            let (one, two) = (row(protocol, p), row(protocol, q));
            let same = one.len() == two.len()
                && one
                    .iter()
                    .zip(&two)
                    .all(|((a, to_a), (b, to_b))| a == b && !table.contains(&(*to_a, *to_b)));
            if !same {
                table.insert((p, q));
            }
        }
        if table.len() == before {
            return table;
        }
    }
}

/// Checks that from `state` the table and the tree do the same on this path, and returns the path.
fn walk(protocol: &Protocol, from: StateIx, tree: &Type, path: &[usize]) -> Vec<String> {
    let (mut state, mut tree) = (from, tree.clone());
    let mut taken = Vec::new();
    for pick in path {
        let row = row(protocol, state);
        let legal: Vec<String> = row.iter().map(|(legal, _)| legal.clone()).collect();
        assert_eq!(legal, tree.legal(), "after {taken:?}");
        assert_eq!(protocol.automaton(SELF).is_end(state), legal.is_empty());
        if row.is_empty() {
            break;
        }
        let (name, next) = &row[pick % row.len()];
        let choices = tree.choices();
        let (_, branch) =
            choices.iter().find(|(direction, branch)| branch.shown(*direction) == *name).unwrap();
        (state, tree) = (*next, branch.next.clone());
        taken.push(name.clone());
    }
    taken
}

fn local() -> impl Strategy<Value = LocalType> {
    prop_oneof![strategies::local(Size { nodes: 24, ..Size::SMALL }), strategies::local(Size::TINY),]
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn every_run_of_the_automaton_is_a_run_of_the_unfolded_type(
        local in local(),
        path in vec(0usize..8, 24),
    ) {
        walk(&alone(&local), StateIx::INITIAL, &Type::of(&local), &path);
    }

    #[test]
    fn no_two_states_behave_the_same_and_each_is_reached(local in local()) {
        let protocol = alone(&local);
        let table = distinguished(&protocol);
        for (p, q) in states(&protocol).flat_map(|p| states(&protocol).map(move |q| (p, q))) {
            prop_assert_eq!(p != q, table.contains(&(p, q)), "{:?} {:?} of {:?}", p, q, &local);
        }
        let mut reached = BTreeSet::from([StateIx::INITIAL]);
        while let Some(next) = reached.iter().flat_map(|state| row(&protocol, *state))
            .map(|(_, next)| next).find(|next| !reached.contains(next))
        {
            reached.insert(next);
        }
        prop_assert_eq!(reached.len(), protocol.automaton(SELF).len());
    }

    #[test]
    fn the_type_left_in_a_state_denotes_what_the_state_does(
        local in local(),
        at in any::<prop::sample::Index>(),
        path in vec(0usize..8, 16),
    ) {
        let protocol = alone(&local);
        let all: Vec<StateIx> = states(&protocol).collect();
        let state = all[at.index(all.len())];
        let left = protocol.local_at(SELF, state).unwrap();
        walk(&protocol, state, &Type::of(&left), &path);
        let again = alone(&left);
        walk(&again, StateIx::INITIAL, &Type::of(&left), &path);
        if state == StateIx::INITIAL {
            prop_assert_eq!(again.automaton(SELF).len(), protocol.automaton(SELF).len());
        }
        #[cfg(feature = "syntax")]
        prop_assert_eq!(left.to_string().parse::<LocalType>().unwrap(), left);
    }

    #[test]
    fn what_behaves_the_same_is_the_same_protocol(locals in strategies::locals(Size::TINY)) {
        let name = Name::new("P").unwrap();
        let protocol = Protocol::unchecked(name.clone(), locals.clone()).unwrap();
        let roles = 0..u16::try_from(locals.roles().len()).unwrap();
        let unfolded = roles.map(|role| {
            let left = protocol.local_at(RoleIx(role), StateIx::INITIAL).unwrap();
            (protocol.role_name(RoleIx(role)).clone(), left)
        });
        let (unfolded, _) = LocalTypes::new(unfolded).unwrap();
        let again = Protocol::unchecked(name, unfolded).unwrap();
        prop_assert_eq!(again.digest(), protocol.digest());
    }
}

#[cfg(feature = "syntax")]
mod table {
    use super::*;

    fn compiled(text: &str) -> (LocalType, Protocol) {
        let local: LocalType = text.parse().unwrap();
        let protocol = alone(&local);
        (local, protocol)
    }

    /// The first run of a type that has no choices, and how many states it takes.
    fn run(text: &str, steps: usize) -> (String, usize) {
        let (local, protocol) = compiled(text);
        let path = vec![0; steps];
        let taken = walk(&protocol, StateIx::INITIAL, &Type::of(&local), &path);
        let label = |taken: &String| taken[2..].split('(').next().unwrap().to_owned();
        (taken.iter().map(label).collect::<Vec<_>>().join(" "), protocol.automaton(SELF).len())
    }

    #[test]
    fn a_variable_goes_back_to_its_own_binder() {
        let table = [
            ("end", "", 1),
            ("rec X . end", "", 1),
            ("q!a . end", "a", 2),
            ("rec X . q!a . X", "a a a a a a", 1),
            ("rec X . q!a . q!a . X", "a a a a a a", 1),
            ("rec X . q!a . rec Y . q!b . X", "a b a b a b", 2),
            ("rec X . q!a . rec X . q!b . X", "a b b b b b", 2),
            ("rec X . rec Y . q!a . q!b . X", "a b a b a b", 2),
            ("rec X . rec X . q!a . q!b . X", "a b a b a b", 2),
            ("rec X . q!a . rec Y . q!b . rec Z . q!c . Y", "a b c b c b", 3),
            ("rec X . q!a . rec Y . q!b . rec X . q!c . Y", "a b c b c b", 3),
            ("rec X . q!a(int) . q!a(nat) . X", "a a a a a a", 2),
        ];
        for (text, wanted, states) in table {
            assert_eq!(run(text, 6), (wanted.to_owned(), states), "{text}");
        }
    }

    #[test]
    fn types_that_behave_the_same_have_one_digest() {
        let same = [
            "rec X . q!a . X",
            "q!a . rec X . q!a . X",
            "rec X . q!a . rec Y . q!a . X",
            "rec X . rec Y . q!a . Y",
            "rec X . q!a . rec Y . q!a . Y",
        ];
        let digests: BTreeSet<ProtocolDigest> =
            same.iter().map(|text| compiled(text).1.digest()).collect();
        assert_eq!(digests.len(), 1);
        let different = ["rec X . q!a(int) . X", "rec X . q?a . X", "q!a . end", "rec X . q!b . X"];
        for text in different {
            assert!(!digests.contains(&compiled(text).1.digest()), "{text}");
        }
    }

    #[test]
    fn the_order_of_branches_is_no_part_of_the_behaviour() {
        let one = compiled("rec X . +{ q!a . X, q!b . end, r!a . X }").1;
        let two = compiled("rec X . +{ r!a . X, q!b . end, q!a . X }").1;
        // Roles stand in the order of their appearance here: name them, do not number them.
        let row = |protocol: &Protocol| -> BTreeSet<String> {
            row(protocol, StateIx::INITIAL).into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(row(&one), row(&two));
        assert_eq!(one.automaton(SELF).len(), two.automaton(SELF).len());
    }

    #[test]
    fn a_wide_choice_finds_each_of_its_branches() {
        let branches: Vec<String> =
            (0..200).map(|n| format!("{}!m{n} . end", ["q", "r"][n % 2])).collect();
        let (_, protocol) = compiled(&format!("+{{ {} }}", branches.join(", ")));
        let automaton = protocol.automaton(SELF);
        for n in 0..200 {
            let peer = protocol.role(["q", "r"][n % 2]).unwrap();
            let other = protocol.role(["r", "q"][n % 2]).unwrap();
            let label = protocol.label(&format!("m{n}")).unwrap();
            assert!(automaton.send(StateIx::INITIAL, peer, label).is_some());
            assert!(automaton.send(StateIx::INITIAL, other, label).is_none());
        }
        assert!(automaton.send(StateIx::INITIAL, RoleIx::UNKNOWN, LabelIx::UNKNOWN).is_none());
    }
}
