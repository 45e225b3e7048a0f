//! Subtyping with reordering: the candidate may send, and receive from others, before its turn.
//!
//! **The relation.** With one partner it is the one that leaves no orphan messages (Chen,
//! Dezani-Ciancaglini, Scalas, Yoshida, "On the preciseness of subtyping in session types", LMCS
//! 2017). With several it is that of Ghilezan, Pantović, Prokić, Scalas, Yoshida, "Precise subtyping
//! for asynchronous multiparty sessions", POPL 2021: for every way in which the candidate may
//! choose its sends and the supertype its receives, there are single runs of both that become one
//! when a send passes receives, and sends to others, and a receive passes receives from others.
//!
//! **As a game.** Once the opponent has picked the candidate's sends and the supertype's receives,
//! nothing is left to choose but guesses that come true or not ([`game`]). So the candidate is a
//! subtype exactly if no fault can be reached from the start in the graph of *standings*: the state
//! of the candidate, the state of the supertype, and what is owed between them. With one partner
//! that is a machine with one queue, which is why the question is undecidable.
//!
//! That is the theory of choices that are each with one partner, among partners that each hear one
//! role at a time. What goes beyond it is not reordered (SUB-9). A partner that waits for two roles
//! at once might see a race that was not there before, so it is left out of what *yes* promises.
//!
//! **No** is said of a fault that is reached with nothing forgotten: the run to it is the witness.
//! Where the supertype had another way (a choice of sends to several partners) a fault proves
//! nothing, and the answer is not known.
//!
//! **Yes** is said of a graph that was explored to its end without a fault, and without a loop on
//! which something stays owed. Either nothing was forgotten, and there are finitely many standings;
//! or long words were ([`word`]). Forgetting only adds standings and moves: each move of a standing
//! is a move of what it became, so an infinite run or a fault would be found there too. That is
//! also why a fault there proves nothing.
//!
//! The rounds are: a short search that forgets nothing, one search for each precision, and a long
//! search that forgets nothing. (The criterion of Bravetti, Carbone, Lange, Yoshida, Zavattaro, "A
//! sound algorithm for asynchronous session subtyping", CONCUR 2019, looks for repetition in the
//! tree of what is owed; here a regular set of words takes its place. Abstract interpretation of
//! queues by regular sets: Le Gall, Jeannet, Jéron, "Verification of communication protocols using
//! abstract interpretation of FIFO queues", AMAST 2006.)
//!
//! Clauses: SUB-3 to SUB-9.

mod explore;
mod game;
mod letters;
mod owed;
mod receive;
mod word;

use explore::{Exploration, Outcome};
use game::Game;
use word::Precision;

use super::{Answer, Bounds, Comparison, Obstacle, Verdict};

/// How precisely words are remembered, round by round.
const ROUNDS: [Precision; 8] = [
    Precision { gram: 1, exact: 1 },
    Precision { gram: 1, exact: 3 },
    Precision { gram: 2, exact: 3 },
    Precision { gram: 2, exact: 6 },
    Precision { gram: 3, exact: 5 },
    Precision { gram: 3, exact: 9 },
    Precision { gram: 5, exact: 8 },
    Precision { gram: 8, exact: 12 },
];

/// The steps of the short search: some, and some more for each state.
const SHORT: (usize, usize) = (2_000, 16);

/// The part of all steps that one round may take.
const ROUND_PART: usize = 16;

/// So many are looked at in any case.
const FACTS_MIN: usize = 1_000_000;

/// So many states and partners may be looked at for each step, before the first one.
const FACTS_A_STEP: usize = 16;

/// SUB-5: yes, no, or not known.
pub(super) fn decide(compared: &Comparison, bounds: &Bounds) -> Verdict {
    let states = compared.candidate.len() + compared.supertype.len();
    let facts = states.saturating_mul(compared.table.peers());
    if facts > bounds.steps_max.saturating_mul(FACTS_A_STEP).max(FACTS_MIN) {
        return Verdict { answer: Answer::Unknown(Obstacle::Steps), steps: 0 };
    }
    let game = Game::new(compared);
    let mut steps = 0;
    let mut explored = |precision, steps_max: usize| {
        let mut exploration = Exploration::new(&game, precision);
        let outcome = exploration.run(steps_max.min(bounds.steps_max - steps));
        steps = bounds.steps_max.min(steps + exploration.steps);
        (outcome, steps)
    };
    let verdict = |answer, steps| Some(Verdict { answer, steps });
    let decided = |(outcome, steps), full: bool| match outcome {
        Outcome::Closed => verdict(Answer::Yes, steps),
        Outcome::Refused(witness) => verdict(Answer::No(witness), steps),
        Outcome::Doubtful if full => verdict(Answer::Unknown(Obstacle::Partners), steps),
        Outcome::Doubtful | Outcome::Stopped => None,
    };
    let short = SHORT.0 + SHORT.1 * states;
    if let Some(verdict) = decided(explored(Precision::FULL, short), true) {
        return verdict;
    }
    for precision in ROUNDS {
        let part = bounds.steps_max / ROUND_PART;
        if let Some(verdict) = decided(explored(precision, part), false) {
            return verdict;
        }
    }
    let (outcome, steps) = explored(Precision::FULL, bounds.steps_max);
    let unknown = Verdict { answer: Answer::Unknown(Obstacle::Steps), steps };
    decided((outcome, steps), true).unwrap_or(unknown)
}
