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
//! `explore` finds configurations, with a partial-order reduction, and gives the argument for each
//! property; `verdict` judges them; `bounds` and `growth` ask how many messages an edge can hold;
//! `system`, `layout` and `graph` are the tables that make it fast.
//!
//! Clauses: COMP-1 to COMP-9. Lean twin: `Types/Compose.lean` (to come).

mod bounds;
mod explore;
mod graph;
mod growth;
mod layout;
mod system;
mod tables;
mod verdict;
mod violation;

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

pub use bounds::Bound;
pub use growth::Growth;
pub use violation::{Configuration, Kind, Run, Starved, Step, Violation, Waiting};

use super::automaton::{EdgeIx, RoleIx, StateIx};
use super::evidence::{CAPACITY_MAX, Evidence};
use super::local::Direction;
use super::protocol::Protocol;
use explore::{Budget, Extent, Outcome, explore};
use system::System;
use verdict::{Verdict, explain, judge, violation};

/// The capacities to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Capacities {
    /// The same for all edges: 1, 2, … up to this, until the verdict holds for all larger ones.
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
            capacities: Capacities::Rising(8),
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
    /// Not up to this capacity: at the end of the violation's run this role waits for room on this
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
    /// The vector that was checked last: where the violation is, if there is one.
    pub capacities: Box<[u32]>,
    /// Every vector that was shown to be safe, in the order in which they were checked.
    pub safe: Box<[Box<[u32]>]>,
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
        match (&self.exhaustivity, bounds) {
            _ if self.safe.is_empty() => Evidence::None,
            (Exhaustivity::From(least), _) if self.is_safe() => Evidence::From(*least),
            (_, Some(bounds)) => Evidence::Bounds(bounds),
            _ => Evidence::Exactly(self.safe.clone()),
        }
    }
}

/// COMP-1: explores how the roles of `protocol` run together.
///
/// # Panics
/// If fixed capacities are not one for each edge.
#[must_use]
pub fn compose(protocol: &Protocol, limits: &ComposeLimits) -> Composition {
    let edges = protocol.edges().len();
    let upper = bounds::upper(protocol);
    let vectors: Vec<Box<[u32]>> = match &limits.capacities {
        Capacities::Fixed(fixed) => {
            assert_eq!(fixed.len(), edges, "a capacity for each edge");
            vec![fixed.clone()]
        }
        Capacities::Rising(most) => {
            let most = (*most).clamp(1, CAPACITY_MAX);
            (1..=most).map(|capacity| vec![capacity; edges].into()).collect()
        }
    };
    let mut composing = Composing {
        protocol,
        limits,
        upper,
        directed: is_directed(protocol),
        safe: Vec::new(),
        seen: vec![0; edges],
        found: Composition {
            capacities: vec![1; edges].into(),
            safe: Box::default(),
            explored: Explored::default(),
            violation: None,
            determinacy: Determinacy::Unknown,
            exhaustivity: Exhaustivity::Unknown,
            bounds: Box::default(),
        },
    };
    for capacities in vectors {
        if composing.at(capacities) {
            break;
        }
    }
    composing.finish()
}

/// Whether every state speaks with one partner only.
fn is_directed(protocol: &Protocol) -> bool {
    let roles = (0..).map(RoleIx).take(protocol.roles().len());
    roles.map(|role| protocol.automaton(role)).all(|automaton| {
        (0..system::count(automaton.len())).all(|state| {
            let moves = automaton.moves(StateIx(state));
            moves.windows(2).all(|pair| pair[0].peer == pair[1].peer)
        })
    })
}

struct Composing<'a> {
    protocol: &'a Protocol,
    limits: &'a ComposeLimits,
    /// The most that each edge can hold, where a look at its two roles shows it.
    upper: Vec<Option<u32>>,
    directed: bool,
    safe: Vec<Box<[u32]>>,
    /// The most that was seen on each edge.
    seen: Vec<u32>,
    found: Composition,
}

impl Composing<'_> {
    fn budget(&self) -> Budget {
        let spent = self.found.explored.configurations;
        let configurations = self.limits.configurations.saturating_sub(spent);
        Budget { configurations, bytes: self.limits.bytes }
    }

    /// Checks one vector; whether that was the last one to check.
    fn at(&mut self, capacities: Box<[u32]>) -> bool {
        let system = System::of(self.protocol, &capacities, &self.upper);
        let extent = if self.limits.reduction { Extent::Reduced } else { Extent::Whole };
        let explored = explore(&system, extent, self.budget());
        let (graph, found) = (&explored.graph, &mut self.found);
        found.explored.configurations += graph.len();
        found.explored.transitions += graph.transition_count();
        found.explored.limited |= explored.outcome == Outcome::Limit;
        found.explored.bytes = found.explored.bytes.max(graph.bytes());
        for (seen, most) in self.seen.iter_mut().zip(&explored.most) {
            *seen = (*seen).max(*most);
        }
        if let Some((config, role)) = explored.several
            && !matches!(found.determinacy, Determinacy::Several(..))
        {
            let run = Run::to(graph, config).into();
            found.determinacy = Determinacy::Several(system.role(role), run);
        }
        match judge(&explored) {
            Verdict::Unknown => {
                if self.safe.is_empty() && found.violation.is_none() {
                    found.capacities = capacities;
                }
                true
            }
            Verdict::Wrong(wrong) => {
                let last = !wrong.for_room || capacities == self.largest();
                // Where more room may help, that is tried first.
                let violation = if last {
                    let budget =
                        Budget { configurations: self.limits.configurations, ..self.budget() };
                    explain(&explored, wrong, budget)
                } else {
                    violation(&explored, wrong)
                };
                self.found.violation = Some(violation);
                self.found.capacities = capacities;
                last
            }
            Verdict::Safe => {
                found.violation = None;
                found.capacities = capacities.clone();
                let roomy = self.upper.iter().zip(&capacities);
                let unblocked = roomy.clone().all(|(most, room)| most.is_some_and(|m| m <= *room));
                self.safe.push(capacities);
                // More vectors are worth a part of the work only.
                let spent = found.explored.configurations > self.limits.configurations / 8;
                unblocked || self.directed || spent
            }
        }
    }

    fn largest(&self) -> Box<[u32]> {
        match &self.limits.capacities {
            Capacities::Fixed(fixed) => fixed.clone(),
            Capacities::Rising(most) => {
                let most = (*most).clamp(1, CAPACITY_MAX);
                vec![most; self.protocol.edges().len()].into()
            }
        }
    }

    fn finish(mut self) -> Composition {
        self.found.exhaustivity = self.exhaustivity();
        let several = matches!(self.found.determinacy, Determinacy::Several(..));
        let complete = self.found.violation.is_none() && !self.safe.is_empty();
        if self.directed || (!several && complete) {
            self.found.determinacy = Determinacy::Determinate;
        }
        let complete = self.found.violation.is_none() && !self.safe.is_empty();
        self.found.safe = self.safe.into();
        self.found.bounds =
            bounds::bounds(self.protocol, self.limits, &self.upper, &self.seen, complete);
        self.found
    }

    /// COMP-6: whether a larger capacity could show anything else.
    fn exhaustivity(&self) -> Exhaustivity {
        if !self.directed {
            return Exhaustivity::NotDirected;
        }
        let first = self.found.capacities.first().copied().unwrap_or(1);
        if self.found.capacities.iter().any(|capacity| *capacity != first) {
            return Exhaustivity::Unknown;
        }
        let Some(violation) = &self.found.violation else {
            return if self.safe.is_empty() {
                Exhaustivity::Unknown
            } else {
                Exhaustivity::From(first)
            };
        };
        let stuck = |waiting: &&Waiting| {
            waiting.direction == Direction::Send
                && match violation.kind {
                    Kind::Deadlock => true,
                    Kind::NotLive(Starved::Role(role)) => role == waiting.role,
                    _ => false,
                }
        };
        match violation.run.waiting.iter().find(stuck) {
            Some(stuck) => Exhaustivity::NotUpTo(first, stuck.role, stuck.edges[0]),
            None => Exhaustivity::Unknown,
        }
    }
}
