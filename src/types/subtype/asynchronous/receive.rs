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
    /// A choice between several partners stands before it, and it is not known who is heard first.
    Unclear,
}

impl Game<'_> {
    /// SUB-7: takes what is owed, after the supertype has gone on as far as needed.
    pub(super) fn receive(&self, standing: &Standing, precision: Precision, moves: &mut Moves) {
        let heard = peers(&self.compared.candidate, standing.here);
        let mut stack: Vec<(Standing, Vec<StateIx>)> = vec![(standing.clone(), Vec::new())];
        while let Some((standing, mut seen)) = stack.pop() {
            moves.passed += 1;
            let waits = || Mismatch::Waits(self.compared.table.peer(heard[0]).clone());
            match self.find(&standing, &heard) {
                Found::At(place) => self.take(&standing, place, precision, moves),
                Found::Blocked => moves.faults.push(self.fault(&standing, waits())),
                Found::Unclear => {
                    let fault = self.fault(&standing, waits());
                    moves.faults.push(Fault { exact: false, ..fault });
                }
                Found::Nowhere => {
                    let There::At(there) = standing.there else {
                        moves.faults.push(self.fault(&standing, waits()));
                        continue;
                    };
                    let receives =
                        self.compared.supertype.direction(there) == Some(Direction::Receive);
                    if !receives || seen.contains(&there) {
                        moves.faults.push(self.fault(&standing, waits()));
                        continue;
                    }
                    seen.push(there);
                    for group in self.letters.groups(there).iter().rev() {
                        let fixed = self.letters.meaning(group.letter).heard.len() > 1;
                        let mut next =
                            Standing { there: There::At(group.next), ..standing.clone() };
                        next.owed.push(Kind::In(group.peer), fixed, group.letter, precision);
                        stack.push((next, seen.clone()));
                    }
                }
            }
        }
    }

    fn find(&self, standing: &Standing, heard: &[RoleIx]) -> Found {
        for (place, item) in standing.owed.items().iter().enumerate() {
            let Kind::In(peer) = item.kind else { return Found::Blocked };
            let letter = item.word.front().expect("an item is not empty");
            let together = &self.letters.meaning(letter).heard;
            match heard {
                [only] if *only == peer => return Found::At(place),
                // SUB-9: whoever of a choice is heard first decides what follows.
                [only] if together.contains(only) => return Found::Unclear,
                [_] => {}
                _ if heard.iter().all(|peer| together.contains(peer)) => return Found::At(place),
                _ => return Found::Unclear,
            }
        }
        Found::Nowhere
    }

    fn take(&self, standing: &Standing, place: usize, precision: Precision, moves: &mut Moves) {
        let candidate = &self.compared.candidate;
        let item = &standing.owed.items()[place];
        let letter = item.word.front().expect("an item is not empty");
        let meaning = self.letters.meaning(letter);
        let rests = standing.owed.without(place, precision);
        for message in &meaning.messages {
            let taken = candidate
                .moves(standing.here)
                .iter()
                .find(|taken| (taken.peer, taken.message) == (meaning.peer, *message));
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
