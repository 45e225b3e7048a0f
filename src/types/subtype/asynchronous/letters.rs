//! The supertype's moves as letters of what is owed, and facts about the candidate that no run
//! changes.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;

use super::owed::Kind;
use super::word::Letter;
use crate::types::automaton::{Automaton, LabelIx, MessageIx, RoleIx, StateIx};
use crate::types::local::Direction;

/// What one letter stands for: any of `messages`, which all lead to the same state. Which one it
/// is need not be known before it is done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Meaning {
    pub(super) direction: Direction,
    pub(super) peer: RoleIx,
    pub(super) messages: Vec<(LabelIx, MessageIx)>,
    /// What could have been sent to the same partner instead, and itself.
    pub(super) offered: Rc<[MessageIx]>,
}

impl Meaning {
    /// Whether it may be this message.
    pub(super) fn is(&self, message: MessageIx) -> bool {
        self.messages.iter().any(|(_, known)| *known == message)
    }
}

/// Moves of the supertype to one partner and one state.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) peer: RoleIx,
    pub(super) letter: Letter,
    pub(super) next: StateIx,
}

/// The letters, and each state's moves in letters.
#[derive(Debug)]
pub(super) struct Letters {
    meanings: Vec<Meaning>,
    groups: Vec<Vec<Group>>,
}

impl Letters {
    pub(super) fn of(supertype: &Automaton) -> Self {
        let mut numbers: BTreeMap<Meaning, Letter> = BTreeMap::new();
        let mut meanings = Vec::new();
        let mut groups = Vec::with_capacity(supertype.len());
        for state in states(supertype) {
            let direction = supertype.direction(state).unwrap_or(Direction::Receive);
            let offered = offered(supertype, state);
            let mut together: BTreeMap<(RoleIx, StateIx), Vec<(LabelIx, MessageIx)>> =
                BTreeMap::new();
            for taken in supertype.moves(state) {
                let message = (taken.label, taken.message);
                together.entry((taken.peer, taken.next)).or_default().push(message);
            }
            let mut row = Vec::with_capacity(together.len());
            for ((peer, next), messages) in together {
                let offered = offered[&peer].clone();
                let meaning = Meaning { direction, peer, messages, offered };
                let letter = *numbers.entry(meaning.clone()).or_insert_with(|| {
                    meanings.push(meaning);
                    u32::try_from(meanings.len() - 1).expect("NODES_MAX fits")
                });
                row.push(Group { peer, letter, next });
            }
            groups.push(row);
        }
        Self { meanings, groups }
    }

    /// What a letter stands for.
    pub(super) fn meaning(&self, letter: Letter) -> &Meaning {
        &self.meanings[letter as usize]
    }

    pub(super) fn groups(&self, state: StateIx) -> &[Group] {
        &self.groups[state.index()]
    }
}

/// The states of an automaton.
pub(super) fn states(automaton: &Automaton) -> impl Iterator<Item = StateIx> + use<> {
    (0..automaton.len()).map(|state| StateIx(u32::try_from(state).expect("NODES_MAX fits")))
}

/// The partners of a state's moves, sorted.
pub(super) fn peers(automaton: &Automaton, state: StateIx) -> Vec<RoleIx> {
    let mut peers: Vec<RoleIx> = automaton.moves(state).iter().map(|taken| taken.peer).collect();
    peers.dedup();
    peers
}

/// The messages that a state may send, by partner; what is received needs none of it.
fn offered(automaton: &Automaton, state: StateIx) -> BTreeMap<RoleIx, Rc<[MessageIx]>> {
    let mut offered: BTreeMap<RoleIx, Vec<MessageIx>> = BTreeMap::new();
    for taken in automaton.moves(state) {
        let messages = offered.entry(taken.peer).or_default();
        if automaton.direction(state) == Some(Direction::Send) {
            messages.push(taken.message);
        }
    }
    offered.into_iter().map(|(peer, messages)| (peer, Rc::from(messages))).collect()
}

/// For each state, whether the role may go on from there without ever doing `kind`: for ever by
/// sends alone, or with `any_way` by all its moves, for ever or to its end.
pub(super) fn goes_without(automaton: &Automaton, kind: Kind, any_way: bool) -> Vec<bool> {
    let goes_on = |state: StateIx, may: &[bool]| {
        let Some(direction) = automaton.direction(state) else { return any_way };
        (any_way || direction == Direction::Send)
            && automaton
                .moves(state)
                .iter()
                .any(|taken| Kind::of(direction, taken.peer) != kind && may[taken.next.index()])
    };
    let mut may = vec![true; automaton.len()];
    let mut before: Vec<Vec<StateIx>> = vec![Vec::new(); automaton.len()];
    for state in states(automaton) {
        automaton.moves(state).iter().for_each(|taken| before[taken.next.index()].push(state));
    }
    let mut suspects: Vec<StateIx> = states(automaton).collect();
    while let Some(state) = suspects.pop() {
        if may[state.index()] && !goes_on(state, &may) {
            may[state.index()] = false;
            suspects.extend(&before[state.index()]);
        }
    }
    may
}

/// For each state, whether something may be sent to `peer` from there on.
pub(super) fn sends_later(automaton: &Automaton, peer: RoleIx) -> Vec<bool> {
    let mut later = vec![false; automaton.len()];
    let mut before: Vec<Vec<StateIx>> = vec![Vec::new(); automaton.len()];
    let mut found = Vec::new();
    for state in states(automaton) {
        for taken in automaton.moves(state) {
            before[taken.next.index()].push(state);
            if taken.peer == peer && automaton.direction(state) == Some(Direction::Send) {
                found.push(state);
            }
        }
    }
    while let Some(state) = found.pop() {
        if !core::mem::replace(&mut later[state.index()], true) {
            found.extend(&before[state.index()]);
        }
    }
    later
}
