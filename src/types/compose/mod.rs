//! Composition: are these roles safe together?
//!
//! The roles of a protocol and its edges are a system of communicating finite-state machines (Brand
//! & Zafiropulo, JACM 1983). A *configuration* is the state of each role and the messages on each
//! edge; a send over a full edge is blocked, as in the machine. The configurations that are reached
//! at a vector of capacities are explored, and what is wrong with one of them is said with a
//! shortest run to it. Capacities rise by themselves from 1 until the verdict holds for all larger
//! ones, too:
//!
//! - Where each state speaks with one partner only (*directed* types), a system that is safe at `k`
//!   and *exhaustive* there is safe at every capacity from `k` (Lange & Yoshida, "Verifying
//!   Asynchronous Interactions via Communicating Session Automata", CAV 2019). Exhaustive means:
//!   wherever a send is blocked, there is a way on which its role does not move and which makes
//!   room. A directed role that is blocked has no other move; so if there is no such way it never
//!   moves again, and the system is not live at `k` in the sense of COMP-4. Therefore a directed
//!   system that passes here is exhaustive.
//! - Where no edge can ever hold more than its capacity, no send is ever blocked.
//!
//! `rise` goes from capacity to capacity; `explore` finds configurations, with a partial-order
//! reduction, and gives the argument for each property; `verdict` judges them, by who can still be
//! `served`; `bounds` and `growth` ask how many messages an edge can hold. `system`, `tables`,
//! `layout` and `graph` are the tables that make it fast.
//!
//! Clauses: COMP-1 to COMP-9. Lean twin: `Types/Compose.lean`.

mod bounds;
mod explore;
mod graph;
mod growth;
mod layout;
mod report;
mod rise;
mod served;
mod system;
mod tables;
mod verdict;
mod violation;

use alloc::boxed::Box;

pub use bounds::{Bound, upper as upper_bounds};
pub use growth::Growth;
pub use report::{capacities_said, step_said};
pub use violation::{
    Configuration, Kind, Kind as ViolationKind, Run, Starved, Step, Violation, Waiting,
};

use super::automaton::{EdgeIx, RoleIx};
use super::evidence::{CAPACITY_DEFAULT, Evidence};
use super::protocol::Protocol;

/// The capacities to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Capacities {
    /// The same for all edges: 1, 2, … 8, 16, 32, … up to this, until the verdict holds for all
    /// larger ones.
    Rising(u32),
    /// Exactly these, in the order of the protocol's edges.
    Fixed(Box<[u32]>),
}

/// How far a composition is explored. COMP-7.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposeLimits {
    /// Configurations, over all capacities that are tried; once more to shorten a counterexample.
    pub configurations: usize,
    /// Bytes that configurations may take at one time.
    pub bytes: usize,
    /// Which capacities.
    pub capacities: Capacities,
    /// Configurations that may be explored to find out how many messages edges can hold.
    pub bound_configurations: usize,
    /// Whether to leave out runs that differ only in the order of independent moves.
    pub reduction: bool,
}

impl Default for ComposeLimits {
    fn default() -> Self {
        Self {
            configurations: 1_000_000,
            bytes: 1 << 30,
            capacities: Capacities::Rising(CAPACITY_DEFAULT),
            bound_configurations: 20_000,
            reduction: true,
        }
    }
}

/// How far it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Explored {
    /// Configurations, over all capacities that were tried.
    pub configurations: usize,
    /// Transitions between them.
    pub transitions: usize,
    /// Bytes of the largest exploration.
    pub bytes: usize,
    /// Whether a limit ended it.
    pub limited: bool,
}

/// Whether two receives of one role can be enabled at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Determinacy {
    /// They cannot, at the capacities that were checked; for directed types at any.
    Determinate,
    /// They can: the role, and a run to where it is so.
    Several(RoleIx, Box<Run>),
    /// The exploration ended before that was known.
    Unknown,
}

/// Whether a larger capacity could show anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhaustivity {
    /// No: what holds at this capacity holds at every larger one.
    From(u32),
    /// Not up to this capacity, the largest that was tried: there this role waits for room on this
    /// edge, and nothing that the others do makes room.
    NotUpTo(u32, RoleIx, EdgeIx),
    /// The question has no answer for types that speak with several partners in one state.
    NotDirected,
    /// Not known.
    Unknown,
}

/// What was found out about the roles of a protocol together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composition {
    /// Where the violation is, if there is one: the least vector at which more room was wanted in
    /// vain, or the one at which no room helps. Else the vector that was checked last.
    pub capacities: Box<[u32]>,
    /// Every vector that was shown to be safe, in the order in which they were checked.
    pub safe: Box<[Box<[u32]>]>,
    /// The largest vector that was tried.
    pub tried: Box<[u32]>,
    /// How far it went.
    pub explored: Explored,
    /// What is wrong.
    pub violation: Option<Violation>,
    /// Whether two receives of one role can be enabled at once.
    pub determinacy: Determinacy,
    /// Whether a larger capacity could show anything else.
    pub exhaustivity: Exhaustivity,
    /// The most that each edge can hold.
    pub bounds: Box<[Bound]>,
}

impl Composition {
    /// Whether something was shown to be safe and nothing to be wrong.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.violation.is_none() && !self.safe.is_empty()
    }

    /// COMP-9: the capacities at which the roles are known to be safe.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let bounds: Option<Box<[u32]>> = self.bounds.iter().map(Bound::most).collect();
        let bounds = bounds.filter(|bounds| {
            let roomy = |safe: &[u32]| safe.iter().zip(bounds).all(|(room, bound)| room >= bound);
            self.safe.iter().any(|safe| roomy(safe))
        });
        let from = match self.exhaustivity {
            Exhaustivity::From(least) if self.is_safe() => Evidence::From(least),
            _ => Evidence::None,
        };
        let bounds = bounds.map_or(Evidence::None, Evidence::Bounds);
        from.or(bounds).or(Evidence::Exactly(self.safe.clone()))
    }
}

/// COMP-1: explores how the roles of `protocol` run together.
///
/// # Panics
/// If fixed capacities are not one for each edge.
#[must_use]
pub fn compose(protocol: &Protocol, limits: &ComposeLimits) -> Composition {
    rise::compose(protocol, limits)
}
