//! Subtyping without reordering: a simulation over pairs of states, found by looking for a pair
//! that breaks it.
//!
//! The candidate sends at most what the supertype sends, receives at least what the supertype
//! receives, and ends when it ends; then the same holds behind every shared action (Gay & Hole,
//! "Subtyping for session types in the pi calculus", Acta Informatica 2005; on automata: "Type
//! graphs", POPL 2025). A pair is looked at once, breadth first, so that a trace is shortest, and
//! there are at most as many pairs as the product of the states.
//!
//! A receive from several partners needs one rule more: what the candidate takes in addition is of
//! partners that the supertype hears in that very choice. From another one a message may be there
//! already that the supertype leaves for later, and the candidate would take it too early.
//!
//! Clauses: SUB-1 to SUB-4.

use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashSet;

use super::{Answer, Bounds, Comparison, Mismatch, Obstacle, Verdict};
use crate::types::automaton::{StateIx, Transition};
use crate::types::local::Direction;

/// A pair that was reached, and how.
struct Reached {
    pair: (StateIx, StateIx),
    /// The pair before it and the candidate's transition that led here; itself for the first.
    from: usize,
    by: Option<(Direction, Transition)>,
}

/// Decides the question, or gives up at the bound.
pub(super) fn decide(compared: &Comparison, bounds: &Bounds) -> Verdict {
    let first = (StateIx::INITIAL, StateIx::INITIAL);
    let mut reached = vec![Reached { pair: first, from: 0, by: None }];
    let mut known: HashSet<(StateIx, StateIx)> = HashSet::new();
    known.insert(first);
    let mut steps = 0;
    while let Some(pair) = reached.get(steps).map(|reached| reached.pair) {
        // SUB-4: what it may cost is known before.
        if steps == bounds.steps_max {
            return Verdict { answer: Answer::Unknown(Obstacle::Steps), steps };
        }
        if let Some(mismatch) = mismatch(compared, pair) {
            let witness = compared.witness(trace(compared, &reached, steps), pair, mismatch);
            return Verdict { answer: Answer::No(witness), steps: steps + 1 };
        }
        for (direction, one, other) in shared(compared, pair) {
            let next = (one.next, other.next);
            if known.insert(next) {
                let by = Some((direction, *one));
                reached.push(Reached { pair: next, from: steps, by });
            }
        }
        steps += 1;
    }
    Verdict { answer: Answer::Yes, steps }
}

/// What a pair of states does not agree in.
fn mismatch(compared: &Comparison, (here, there): (StateIx, StateIx)) -> Option<Mismatch> {
    let Comparison { table, candidate, supertype } = compared;
    let action = |direction, taken| table.taken(direction, taken);
    match (candidate.direction(here), supertype.direction(there)) {
        (None, None) => None,
        (None, Some(_)) => Some(Mismatch::Ends),
        // SUB-1: it sends at most what the supertype sends.
        (Some(Direction::Send), Some(Direction::Send)) => {
            let is_more =
                |sent: &&Transition| matched(compared, Direction::Send, there, sent).is_none();
            let more = candidate.moves(here).iter().find(is_more)?;
            Some(Mismatch::Sends(action(Direction::Send, more)))
        }
        (Some(Direction::Send), _) => {
            Some(Mismatch::Sends(action(Direction::Send, &candidate.moves(here)[0])))
        }
        // SUB-2: it receives at least what the supertype receives, and hears nobody else.
        (Some(Direction::Receive), Some(Direction::Receive)) => {
            let takes = |wanted: &Transition| {
                candidate.receive(here, wanted.peer, wanted.label, wanted.message).is_some()
            };
            if let Some(missed) = supertype.moves(there).iter().find(|wanted| !takes(wanted)) {
                return Some(Mismatch::Misses(action(Direction::Receive, missed)));
            }
            let heard = supertype.moves(there);
            let is_other = |taken: &&Transition| {
                heard.binary_search_by_key(&taken.peer, |known| known.peer).is_err()
            };
            let other = candidate.moves(here).iter().find(is_other)?;
            Some(Mismatch::Hears(table.peer(other.peer).clone()))
        }
        (Some(Direction::Receive), _) => {
            Some(Mismatch::Waits(table.peer(candidate.moves(here)[0].peer).clone()))
        }
    }
}

/// The actions that both perform, by the smaller one of the two choices.
fn shared(
    compared: &Comparison,
    (here, there): (StateIx, StateIx),
) -> impl Iterator<Item = (Direction, &Transition, &Transition)> {
    let direction = compared.candidate.direction(here).unwrap_or(Direction::Receive);
    compared
        .candidate
        .moves(here)
        .iter()
        .filter_map(move |one| Some((direction, one, matched(compared, direction, there, one)?)))
}

/// The supertype's transition with the same partner, label and sort.
fn matched<'a>(
    compared: &'a Comparison,
    direction: Direction,
    there: StateIx,
    taken: &Transition,
) -> Option<&'a Transition> {
    let found = match direction {
        Direction::Send => compared.supertype.send(there, taken.peer, taken.label),
        Direction::Receive => {
            compared.supertype.receive(there, taken.peer, taken.label, taken.message)
        }
    };
    found.filter(|found| found.message == taken.message)
}

/// The actions that lead to the pair at `at`.
fn trace(compared: &Comparison, reached: &[Reached], mut at: usize) -> Vec<super::Action> {
    let mut trace = Vec::new();
    while let Some((direction, taken)) = reached[at].by {
        trace.push(compared.table.taken(direction, &taken));
        at = reached[at].from;
    }
    trace.reverse();
    trace
}
