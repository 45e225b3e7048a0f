//! How much work a projection may be.

use core::fmt;

/// PROJ-9: how much work the complete projection of one role may be. A global type of `n` nodes can
/// need up to 2ⁿ states and 2ʳ availability steps a node (for `r` roles); protocols that people
/// write need fewer of both than they have nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProjectionLimits {
    /// The most states of the subset construction.
    pub states_max: usize,
    /// The most messages of the global type that are looked at, over all states.
    pub steps_max: usize,
    /// The most places that are looked at to see which messages can overtake others.
    pub availability_max: usize,
    /// The most pairs of nodes that are looked at in search of the shortest explanation; where they
    /// do not suffice an explanation is not known to be the shortest. Also the most pairs of a node
    /// and a state of a candidate ([`refines`](super::refines)).
    pub pairs_max: usize,
}

impl Default for ProjectionLimits {
    fn default() -> Self {
        Self {
            states_max: 100_000,
            steps_max: 20_000_000,
            availability_max: 1_000_000,
            pairs_max: 1_000_000,
        }
    }
}

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// States of the subset construction.
    States,
    /// Messages looked at.
    Steps,
    /// Places looked at for messages that overtake.
    Availability,
    /// Pairs of a node and a state of a candidate.
    Pairs,
    /// Nodes of the local type when it is written out, or the messages a protocol can number.
    Size,
}

/// A limit that was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {most} {what}")]
pub struct Exceeded {
    /// What was counted.
    pub what: What,
    /// How many there may be.
    pub most: usize,
}

impl What {
    /// The field of [`ProjectionLimits`] that sets the limit, where there is one.
    #[must_use]
    pub fn field(self) -> Option<&'static str> {
        match self {
            Self::States => Some("states_max"),
            Self::Steps => Some("steps_max"),
            Self::Availability => Some("availability_max"),
            Self::Pairs => Some("pairs_max"),
            Self::Size => None,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::States => "states",
            Self::Steps => "messages of the global type to look at",
            Self::Availability => "places to look at for messages that overtake",
            Self::Pairs => "pairs of a node and a state",
            Self::Size => "nodes or messages when it is written out",
        })
    }
}
