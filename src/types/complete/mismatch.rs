//! What a candidate for a role does that the global type does not allow, or the other way round.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, string::ToString};
use core::fmt;

use super::report::{Step, Trace};
use crate::types::local::Direction;
use crate::types::name::Name;
use crate::types::sort::Payload;

/// Whether a candidate can stand for a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refinement {
    /// It can.
    Yes,
    /// It cannot: in this run something goes wrong.
    No(Box<Mismatch>),
}

impl Refinement {
    /// Whether it can.
    #[must_use]
    pub fn is_yes(&self) -> bool {
        *self == Self::Yes
    }
}

/// A run of a global type in which a candidate for a role does not do its part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The role.
    pub role: Name,
    /// What is not as it has to be.
    pub condition: Condition,
    /// The run up to there, and what the role has to do next in it; there is no shorter one up to
    /// a mismatch.
    pub run: Trace,
    /// What the candidate may do there; nothing at its end.
    pub candidate: Vec<LocalMove>,
}

/// What a candidate has to fulfil.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// It sends only what the role may send (Send Decoration Validity).
    Send,
    /// It sends where the role has to send (Send Preservation).
    Preservation,
    /// It receives what the role may have to receive (Receive Exhaustivity).
    Exhaustivity,
    /// What it can receive is not there too early (Receive Decoration Validity): behind the message
    /// that is next the run goes on with these, the last of which can be received instead.
    Overtaking(Vec<Step>),
    /// It has ended where the role has nothing more to do (Final State Validity).
    Final,
    /// It sends all that the role may send (Transition Exhaustivity).
    Whole,
}

/// What a candidate may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalMove {
    /// Whether it sends or receives.
    pub direction: Direction,
    /// The partner.
    pub peer: Name,
    /// The message's label.
    pub label: Name,
    /// What it carries.
    pub payload: Payload,
}

impl fmt::Display for LocalMove {
    /// In the notation of local types: `B!l(nat)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}{}", self.peer, self.direction.symbol(), self.label, self.payload)
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moves: Vec<String> = self.candidate.iter().map(ToString::to_string).collect();
        let does = match moves.len() {
            0 => String::from("has ended"),
            _ => format!("does `{}`", moves.join("` or `")),
        };
        let run = self.run.to_string();
        let after = if run.is_empty() { String::from("at once") } else { format!("after {run}") };
        let role = &self.role;
        let next = self.run.next.shown();
        write!(f, "{after}, `{role}` would {next}, and the candidate {does}: ")?;
        match &self.condition {
            Condition::Send => f.write_str("it may send what may not be sent"),
            Condition::Preservation => f.write_str("it does not send where it has to"),
            Condition::Exhaustivity => f.write_str("it does not receive what comes"),
            Condition::Overtaking(steps) => match steps.last() {
                Some(last) => write!(f, "{last} can be there first, and it would receive it"),
                None => f.write_str("it may receive what is for later"),
            },
            Condition::Final => f.write_str("it waits for what never comes"),
            Condition::Whole => f.write_str("it does not send all that may be sent"),
        }
    }
}
