//! Why one type is no subtype of another: a run of the candidate, and what goes wrong behind it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::types::automaton::StateIx;
use crate::types::local::Direction;
use crate::types::name::Name;
use crate::types::sort::Payload;

/// A send or a receive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Whether it sends or receives.
    pub direction: Direction,
    /// The partner.
    pub peer: Name,
    /// The label.
    pub label: Name,
    /// What the message carries.
    pub payload: Payload,
}

impl fmt::Display for Action {
    /// As in the notation of local types: `Seller!title(string)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}{}", self.peer, self.direction.symbol(), self.label, self.payload)
    }
}

/// What goes wrong behind the run of a [`Witness`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// The candidate may send this, the supertype may not (yet).
    Sends(Action),
    /// This may be sent to the candidate, and it does not take it.
    Misses(Action),
    /// The candidate takes messages of this partner, whom the supertype does not hear there.
    Hears(Name),
    /// The candidate waits for this partner, and the supertype has to send first, or has ended.
    Waits(Name),
    /// The candidate has ended, and the supertype has not.
    Ends,
    /// The candidate may go on for ever without performing this, which it has put off.
    PutsOff(Action),
    /// The supertype may go on for ever with other partners and never do this.
    Never(Action),
}

/// A shortest run after which the candidate cannot stand for the supertype.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// What the candidate does, from its beginning.
    pub trace: Vec<Action>,
    /// What the supertype does on the way and the candidate has put off, in the supertype's
    /// order; empty without reordering.
    pub owed: Vec<Action>,
    /// Where the run leaves the candidate.
    pub candidate_state: StateIx,
    /// What the candidate may do there.
    pub candidate_moves: Vec<Action>,
    /// Where it leaves the supertype.
    pub supertype_state: StateIx,
    /// What the supertype may do there.
    pub supertype_moves: Vec<Action>,
    /// What goes wrong.
    pub mismatch: Mismatch,
}

impl Witness {
    /// What goes wrong, in a sentence.
    #[must_use]
    pub fn cause(&self) -> String {
        let there = moves(&self.supertype_moves);
        match &self.mismatch {
            Mismatch::Sends(sent) => {
                format!("the candidate may send `{sent}`; there the supertype {there}")
            }
            Mismatch::Misses(missed) => {
                let here = moves(&self.candidate_moves);
                format!("`{missed}` may arrive by the supertype; there the candidate {here}")
            }
            Mismatch::Hears(peer) => {
                format!(
                    "the candidate also takes messages of `{peer}`; there the supertype {there}"
                )
            }
            Mismatch::Waits(peer) => {
                format!("the candidate waits for `{peer}`; there the supertype {there}")
            }
            Mismatch::Ends => match self.owed.first() {
                None => format!("the candidate has ended; there the supertype {there}"),
                Some(owed) => format!("the candidate has ended, and still owes `{owed}`"),
            },
            Mismatch::PutsOff(owed) => {
                format!("the candidate may go on for ever without `{owed}`, which it has put off")
            }
            Mismatch::Never(wanted) => {
                format!("the candidate does `{wanted}`, which the supertype may put off for ever")
            }
        }
    }

    /// What to change in the candidate.
    #[must_use]
    pub fn remedy(&self) -> String {
        match &self.mismatch {
            Mismatch::Sends(sent) => {
                format!("leave `{sent}` out, or send it where the supertype does")
            }
            Mismatch::Misses(missed) => format!("add a branch for `{missed}`"),
            Mismatch::Hears(peer) => {
                format!("wait for `{peer}` where the supertype does, and not before")
            }
            Mismatch::Waits(peer) => match self.supertype_moves.first() {
                Some(first) if first.direction == Direction::Send => {
                    format!("send `{first}` before waiting for `{peer}`")
                }
                _ => format!("do not wait for `{peer}` there"),
            },
            Mismatch::Ends => match self.owed.first().or(self.supertype_moves.first()) {
                Some(next) => format!("go on with `{next}`"),
                None => "go on as the supertype does".to_string(),
            },
            Mismatch::PutsOff(owed) => format!("perform `{owed}` on every way round"),
            Mismatch::Never(wanted) => format!("do `{wanted}` only where the supertype does"),
        }
    }
}

/// What the moves of a state are, in words that continue "there it".
fn moves(list: &[Action]) -> String {
    let Some(first) = list.first() else { return "has ended".to_string() };
    let names: Vec<String> = list.iter().map(|action| format!("`{action}`")).collect();
    const SHOWN_MAX: usize = 6;
    let mut text = names[..names.len().min(SHOWN_MAX)].join(", ");
    if names.len() > SHOWN_MAX {
        text.push_str(&format!(" and {} more", names.len() - SHOWN_MAX));
    }
    match first.direction {
        Direction::Send => format!("sends {text}"),
        Direction::Receive => format!("receives {text}"),
    }
}
