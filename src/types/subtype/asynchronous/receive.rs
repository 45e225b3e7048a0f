//! The receives of the candidate: in the supertype's order, or before receives from others.

use alloc::vec;
use alloc::vec::Vec;

use super::game::{Fault, Game, Moves, Standing, Step, There};
use super::letters::peers;
use super::owed::Kind;
use super::word::Precision;
use crate::types::automaton::{RoleIx, StateIx};
use crate::types::local::Direction;
use crate::types::subtype::Mismatch;

/// Where what the candidate receives is found among what is owed.
enum Found {
    /// At this place.
    At(usize),
    /// Not yet: the supertype has to go on.
    Nowhere,
    /// A send stands before it.
    Blocked,
}

impl Game<'_> {
    /// SUB-7: takes what is owed, after the supertype has gone on as far as needed.
    pub(super) fn receive(&self, standing: &Standing, precision: Precision, moves: &mut Moves) {
        let heard = peers(&self.compared.candidate, standing.here);
        let waits = || Mismatch::Waits(self.compared.table.peer(heard[0]).clone());
        let mut stack: Vec<(Standing, Vec<StateIx>)> = vec![(standing.clone(), Vec::new())];
        while let Some((standing, mut seen)) = stack.pop() {
            if !moves.pass() {
                return;
            }
            // SUB-9: whoever of several partners is heard first decides what follows.
            if heard.len() > 1 && !standing.owed.is_empty() {
                moves.faults.push(Fault { exact: false, ..self.fault(&standing, waits()) });
                continue;
            }
            let there = match (find(&standing, heard[0]), standing.there) {
                (Found::At(place), _) => {
                    self.take(&standing, place, precision, moves);
                    continue;
                }
                (Found::Nowhere, There::At(there)) if self.may_receive(there, &seen) => there,
                _ => {
                    moves.faults.push(self.fault(&standing, waits()));
                    continue;
                }
            };
            let together = peers(&self.compared.supertype, there);
            let several = heard.len() > 1 || together.len() > 1;
            let in_turn = standing.owed.is_empty() && heard.iter().all(|p| together.contains(p));
            if several && !in_turn {
                moves.faults.push(Fault { exact: false, ..self.fault(&standing, waits()) });
                continue;
            }
            seen.push(there);
            for group in self.letters.groups(there).iter().rev() {
                let mut next = Standing { there: There::At(group.next), ..standing.clone() };
                next.owed.push(Kind::In(group.peer), group.letter, precision);
                match several {
                    true => self.take(&next, 0, precision, moves),
                    false => stack.push((next, seen.clone())),
                }
            }
        }
    }

    /// Whether the supertype goes on from here by a receive that it has not gone round by already.
    fn may_receive(&self, there: StateIx, seen: &[StateIx]) -> bool {
        let direction = self.compared.supertype.direction(there);
        direction == Some(Direction::Receive) && !seen.contains(&there)
    }

    fn take(&self, standing: &Standing, place: usize, precision: Precision, moves: &mut Moves) {
        let candidate = &self.compared.candidate;
        let item = &standing.owed.items()[place];
        let letter = item.word.front().expect("an item is not empty");
        let meaning = self.letters.meaning(letter);
        let rests = standing.owed.without(place, precision);
        for (label, message) in &meaning.messages {
            let taken = candidate.receive(standing.here, meaning.peer, *label, *message);
            let Some(taken) = taken else {
                let table = &self.compared.table;
                let missed = table.action(Direction::Receive, meaning.peer, *message);
                moves.faults.push(self.fault(standing, Mismatch::Misses(missed)));
                continue;
            };
            for owed in &rests {
                let (there, owed) = (standing.there, owed.clone());
                let to = Standing { here: taken.next, there, owed, exact: standing.exact };
                moves.steps.push(Step { kind: item.kind, message: *message, to });
            }
        }
    }
}

/// The place of the first receive from `peer` that no send stands before.
fn find(standing: &Standing, peer: RoleIx) -> Found {
    for (place, item) in standing.owed.items().iter().enumerate() {
        match item.kind {
            Kind::Out(_) => return Found::Blocked,
            Kind::In(from) if from == peer => return Found::At(place),
            Kind::In(_) => {}
        }
    }
    Found::Nowhere
}
