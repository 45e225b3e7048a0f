//! Subtyping of local types: may one role stand where another was agreed on?
//!
//! A [`Comparison`] holds two types, the *candidate* and the *supertype*, and answers in two ways:
//! without reordering ([`synchronous`](Comparison::synchronous), decided in quadratic time), and
//! with sends and receives that the candidate performs earlier than the supertype does
//! ([`asynchronous`](Comparison::asynchronous), which no program can always decide: SUB-5).
//!
//! Clauses: SUB-1 to SUB-9. Lean twin: `Types/Subtype.lean`.

mod asynchronous;
mod sync;
mod table;
mod witness;

use alloc::vec::Vec;

pub use witness::{Action, Mismatch, Witness};

use super::automaton::{Automaton, StateIx};
use super::diagnostics::Diagnostics;
use super::local::LocalType;
use table::Table;

/// How much a comparison may cost before it gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The most steps: pairs of states; with reordering also what is owed and what is passed.
    pub steps_max: usize,
}

impl Default for Bounds {
    /// 1,000,000 steps: a second or two, and some hundred megabytes at most.
    fn default() -> Self {
        Self { steps_max: 1_000_000 }
    }
}

/// Whether the candidate is a subtype.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is: wherever the supertype is safe, the candidate is; with reordering, among partners
    /// that each hear one role at a time.
    Yes,
    /// It is not, and this is how one sees it.
    No(Witness),
    /// Not known.
    Unknown(Obstacle),
}

/// Why an answer is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Obstacle {
    /// [`Bounds::steps_max`] ran out.
    Steps,
    /// A choice between several partners is in the way: things would be reordered around it, or
    /// what goes wrong depends on how it is made (SUB-9).
    Partners,
}

/// An answer, and what it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The answer.
    pub answer: Answer,
    /// How many steps were taken.
    pub steps: usize,
}

impl Verdict {
    /// Whether the answer is yes.
    #[must_use]
    pub fn is_yes(&self) -> bool {
        self.answer == Answer::Yes
    }
}

/// Two types, compiled to be compared.
///
/// ```
/// use antiphon::types::subtype::{Bounds, Comparison};
/// use antiphon::types::{Direction, LocalBuilder, Payload};
/// let mut b = LocalBuilder::default();
/// let end = b.end();
/// let ask = b.send("Server", "ask", Payload::none(), end)?;
/// let asks = b.finish(ask)?;
/// let mut b = LocalBuilder::default();
/// let (one, other) = (b.end(), b.end());
/// let ask = ("Server", "ask", Payload::none(), one);
/// let quit = ("Server", "quit", Payload::none(), other);
/// let choice = b.choice(Direction::Send, [ask, quit])?;
/// let asks_or_quits = b.finish(choice)?;
/// // Whoever may ask or quit may always ask.
/// assert!(Comparison::new(&asks, &asks_or_quits)?.synchronous(&Bounds::default()).is_yes());
/// # Ok::<(), antiphon::types::Diagnostics>(())
/// ```
#[derive(Debug, Clone)]
pub struct Comparison {
    table: Table,
    candidate: Automaton,
    supertype: Automaton,
}

impl Comparison {
    /// Compiles both types with the same numbers.
    ///
    /// # Errors
    /// `too_large` if there are more labels or partners than a table can number.
    pub fn new(candidate: &LocalType, supertype: &LocalType) -> Result<Self, Diagnostics> {
        let (table, candidate, supertype) = Table::compile(candidate, supertype)?;
        Ok(Self { table, candidate, supertype })
    }

    /// Whether the candidate is a subtype without any reordering: it may send less and receive
    /// more, and does everything in the supertype's order.
    #[must_use]
    pub fn synchronous(&self, bounds: &Bounds) -> Verdict {
        sync::decide(self, bounds)
    }

    /// Whether the candidate is a subtype when it may send, and receive from others, before its
    /// turn (SUB-6, SUB-7), as long as it does in the end what it puts off (SUB-8). A yes holds
    /// among partners that each hear one role at a time.
    #[must_use]
    pub fn asynchronous(&self, bounds: &Bounds) -> Verdict {
        asynchronous::decide(self, bounds)
    }

    /// Whether both do the same: their tables are the same, because a behaviour has one table.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.candidate == self.supertype
    }

    /// How many states the candidate has.
    #[must_use]
    pub fn candidate_states(&self) -> usize {
        self.candidate.len()
    }

    /// How many states the supertype has.
    #[must_use]
    pub fn supertype_states(&self) -> usize {
        self.supertype.len()
    }

    /// A witness without anything owed.
    fn witness(
        &self,
        trace: Vec<Action>,
        (candidate, supertype): (StateIx, StateIx),
        mismatch: Mismatch,
    ) -> Witness {
        Witness {
            trace,
            owed: Vec::new(),
            candidate_state: candidate,
            candidate_moves: self.moves(&self.candidate, candidate),
            supertype_state: supertype,
            supertype_moves: self.moves(&self.supertype, supertype),
            mismatch,
        }
    }

    fn moves(&self, automaton: &Automaton, state: StateIx) -> Vec<Action> {
        let Some(direction) = automaton.direction(state) else { return Vec::new() };
        automaton.moves(state).iter().map(|taken| self.table.taken(direction, taken)).collect()
    }
}
