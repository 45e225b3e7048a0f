//! Everything that may happen, breadth first, until nothing is left, something goes wrong or the
//! steps run out.

use alloc::vec;
use alloc::vec::Vec;
use core::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::game::{Fault, Game, Standing};
use super::owed::Kind;
use super::word::Precision;
use crate::types::automaton::MessageIx;
use crate::types::local::Direction;
use crate::types::subtype::{Action, Mismatch, Witness};

/// So many letters that are owed count as a step.
const LETTERS_A_STEP: usize = 8;

/// So many edges may be looked at for each step, when loops are looked for.
const EDGES_A_STEP: usize = 16;

/// What an exploration came to.
pub(super) enum Outcome {
    /// Nothing goes wrong.
    Closed,
    /// This goes wrong, and there is no other way.
    Refused(Witness),
    /// Something goes wrong on a way that need not be there.
    Doubtful,
    /// The steps ran out.
    Stopped,
}

/// A standing that was reached, and how.
struct Reached {
    standing: Standing,
    from: usize,
    by: Option<(Kind, MessageIx)>,
}

/// One exploration of a game.
pub(super) struct Exploration<'a> {
    game: &'a Game<'a>,
    precision: Precision,
    reached: Vec<Reached>,
    /// The places of all standings in `reached`.
    known: HashTable<usize>,
    hasher: DefaultHashBuilder,
    /// From where to where, by an action on which channel.
    edges: Vec<(usize, usize, Kind)>,
    pub(super) steps: usize,
}

impl<'a> Exploration<'a> {
    pub(super) fn new(game: &'a Game<'a>, precision: Precision) -> Self {
        let (known, hasher) = (HashTable::new(), DefaultHashBuilder::default());
        let (reached, edges) = (Vec::new(), Vec::new());
        let mut exploration = Self { game, precision, reached, known, hasher, edges, steps: 0 };
        exploration.enter(Game::start(), 0, None);
        exploration
    }

    /// Goes on until there is an outcome, with at most `steps_max` steps in all.
    pub(super) fn run(&mut self, steps_max: usize) -> Outcome {
        let full = self.precision == Precision::FULL;
        let (mut at, mut doubtful) = (0, false);
        while at < self.reached.len() {
            let standing = self.reached[at].standing.clone();
            // SUB-4: a step is a standing, so many letters that it owes, or a state of the
            // supertype that is passed from there: what takes time and memory.
            self.steps += 1 + standing.owed.size() / LETTERS_A_STEP;
            if self.steps > steps_max {
                return Outcome::Stopped;
            }
            let left = steps_max - self.steps + 1;
            let moves = self.game.moves(&standing, self.precision, left);
            self.steps += moves.passed.saturating_sub(1);
            if moves.passed > left {
                return Outcome::Stopped;
            }
            for fault in moves.faults.into_iter().chain(self.game.put_off(&standing)) {
                if full && fault.exact {
                    return Outcome::Refused(self.witness(at, fault));
                }
                doubtful = true;
            }
            for step in moves.steps {
                if self.game.strict && !step.to.owed.is_empty() {
                    doubtful = true;
                    continue;
                }
                let to = self.enter(step.to, at, Some((step.kind, step.message)));
                self.edges.push((at, to, step.kind));
            }
            if doubtful && !full {
                return Outcome::Doubtful;
            }
            at += 1;
        }
        let Some(put_off) = self.put_off_for_ever(steps_max) else { return Outcome::Stopped };
        match put_off {
            Some((at, fault)) if full && fault.exact => Outcome::Refused(self.witness(at, fault)),
            Some(_) => Outcome::Doubtful,
            None if doubtful => Outcome::Doubtful,
            None => Outcome::Closed,
        }
    }

    /// The place of a standing, a place of its own if it was not reached before.
    fn enter(&mut self, standing: Standing, from: usize, by: Option<(Kind, MessageIx)>) -> usize {
        let Self { reached, known, hasher, .. } = self;
        let same = |at: &usize| reached[*at].standing == standing;
        let hash = hasher.hash_one(&standing);
        if let Some(at) = known.find(hash, same) {
            return *at;
        }
        let at = reached.len();
        reached.push(Reached { standing, from, by });
        known.insert_unique(hash, at, |at| hasher.hash_one(&reached[*at].standing));
        at
    }

    /// SUB-8: something that is owed all the way round a loop on which the candidate never does
    /// it. Nothing at all is said if there are too many channels to look at.
    fn put_off_for_ever(&self, steps_max: usize) -> Option<Option<(usize, Fault)>> {
        let mut kinds: Vec<Kind> = self
            .reached
            .iter()
            .flat_map(|reached| reached.standing.owed.items().iter().map(|item| item.kind))
            .collect();
        kinds.sort();
        kinds.dedup();
        if kinds.len().saturating_mul(self.edges.len()) > steps_max.saturating_mul(EDGES_A_STEP) {
            return None;
        }
        let mut first: Option<(usize, Kind)> = None;
        for kind in kinds {
            let at = self.loop_without(kind);
            first = match (first, at) {
                (Some(known), Some(at)) if at < known.0 => Some((at, kind)),
                (None, Some(at)) => Some((at, kind)),
                (known, _) => known,
            };
        }
        let Some((at, kind)) = first else { return Some(None) };
        let standing = &self.reached[at].standing;
        let place = standing.owed.first(kind).expect("it is owed there");
        let letter = standing.owed.items()[place].word.front().expect("an item is not empty");
        Some(Some((at, self.game.fault(standing, Mismatch::PutsOff(self.game.action(letter))))))
    }

    /// The first standing from which `kind` stays owed for ever, if there is one.
    fn loop_without(&self, kind: Kind) -> Option<usize> {
        let owes: Vec<bool> =
            self.reached.iter().map(|reached| reached.standing.owed.has(kind)).collect();
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.reached.len()];
        let mut ways: Vec<usize> = vec![0; self.reached.len()];
        for (from, to, by) in &self.edges {
            if owes[*from] && owes[*to] && *by != kind {
                before[*to].push(*from);
                ways[*from] += 1;
            }
        }
        let mut over: Vec<usize> = (0..ways.len()).filter(|at| ways[*at] == 0).collect();
        let mut lasts = vec![true; ways.len()];
        while let Some(at) = over.pop() {
            lasts[at] = false;
            for from in &before[at] {
                ways[*from] -= 1;
                if ways[*from] == 0 {
                    over.push(*from);
                }
            }
        }
        lasts.iter().position(|lasts| *lasts)
    }

    /// SUB-3: the run that leads to `at`, and what is wrong there.
    fn witness(&self, at: usize, fault: Fault) -> Witness {
        let compared = self.game.compared;
        let mut trace: Vec<Action> = Vec::new();
        let mut back = at;
        while let Some((kind, message)) = self.reached[back].by {
            trace.push(match kind {
                Kind::In(peer) => compared.table.action(Direction::Receive, peer, message),
                Kind::Out(peer) => compared.table.action(Direction::Send, peer, message),
            });
            back = self.reached[back].from;
        }
        trace.reverse();
        let letters =
            fault.owed.items().iter().flat_map(|item| item.word.letters().unwrap_or_default());
        let owed = letters.map(|letter| self.game.action(*letter)).collect();
        let here = self.reached[at].standing.here;
        Witness { owed, ..compared.witness(trace, (here, fault.there), fault.mismatch) }
    }
}
