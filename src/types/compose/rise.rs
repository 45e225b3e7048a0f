//! From capacity to capacity, until the verdict holds for all larger ones.
//!
//! Clauses: COMP-1, COMP-6, COMP-7.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::bounds::{bounds, upper};
use super::explore::{Budget, Extent, Outcome, explore};
use super::system::{System, count};
use super::verdict::{Verdict, explain, judge, violation};
use super::violation::{Kind, Run, Starved, Violation, Waiting};
use super::{Capacities, ComposeLimits, Composition, Determinacy, Exhaustivity, Explored};
use crate::types::automaton::{EdgeIx, RoleIx, StateIx};
use crate::types::evidence::CAPACITY_MAX;
use crate::types::local::Direction;
use crate::types::protocol::Protocol;

/// See [`compose`](super::compose).
pub(super) fn compose(protocol: &Protocol, limits: &ComposeLimits) -> Composition {
    let edges = protocol.edges().len();
    let upper = upper(protocol);
    let mut composing = Composing {
        protocol,
        limits,
        upper,
        directed: is_directed(protocol),
        safe: Vec::new(),
        seen: vec![0; edges],
        stuck: None,
        blocked: None,
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
    match &limits.capacities {
        Capacities::Fixed(fixed) => {
            assert_eq!(fixed.len(), edges, "a capacity for each edge");
            composing.at(fixed.clone(), true);
        }
        Capacities::Rising(most) => {
            let most = (*most).clamp(1, CAPACITY_MAX);
            let mut rising = rising(most);
            rising.find(|capacity| composing.at(vec![*capacity; edges].into(), *capacity == most));
        }
    }
    composing.finish()
}

/// Capacities one by one while they are small, then each twice the one before, and `most` last.
fn rising(most: u32) -> impl Iterator<Item = u32> {
    const ONE_BY_ONE: u32 = 8;
    let next = move |capacity: &u32| match *capacity {
        last if last >= most => None,
        small if small < ONE_BY_ONE => Some(small + 1),
        large => Some(large.saturating_mul(2).min(most)),
    };
    core::iter::successors(Some(1), next)
}

/// Whether every state speaks with one partner only.
fn is_directed(protocol: &Protocol) -> bool {
    let roles = (0..).map(RoleIx).take(protocol.roles().len());
    roles.map(|role| protocol.automaton(role)).all(|automaton| {
        (0..count(automaton.len())).all(|state| {
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
    /// What went wrong for want of room, at the least capacities at which it did since it was safe.
    stuck: Option<(Box<[u32]>, Violation)>,
    /// Who waited there for room in vain, at the largest capacity that was tried.
    blocked: Option<(u32, RoleIx, EdgeIx)>,
    found: Composition,
}

impl Composing<'_> {
    fn budget(&self) -> Budget {
        let spent = self.found.explored.configurations;
        let configurations = self.limits.configurations.saturating_sub(spent);
        Budget { configurations, bytes: self.limits.bytes }
    }

    /// Checks one vector, `largest` or not; whether nothing more is to be checked.
    fn at(&mut self, capacities: Box<[u32]>, largest: bool) -> bool {
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
                // Where more room may help, that is tried first. If it does not, the least
                // capacities show best what goes wrong.
                let for_room = wrong.for_room();
                let violation = if for_room && self.stuck.is_some() {
                    violation(&explored, wrong)
                } else {
                    let configurations = self.limits.configurations;
                    explain(&explored, wrong, Budget { configurations, ..self.budget() })
                };
                self.blocked = blocked(&capacities, &violation);
                let (capacities, violation) = match self.stuck.take() {
                    Some(stuck) if for_room => stuck,
                    _ => (capacities, violation),
                };
                self.stuck = for_room.then(|| (capacities.clone(), violation.clone()));
                self.found.violation = Some(violation);
                self.found.capacities = capacities;
                !for_room || largest
            }
            Verdict::Safe => {
                self.stuck = None;
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

    fn finish(mut self) -> Composition {
        self.found.exhaustivity = self.exhaustivity();
        let complete = self.found.violation.is_none() && !self.safe.is_empty();
        let several = matches!(self.found.determinacy, Determinacy::Several(..));
        if self.directed || (complete && !several) {
            self.found.determinacy = Determinacy::Determinate;
        }
        self.found.safe = self.safe.into();
        let for_room = self.found.violation.as_ref().is_some_and(|violation| violation.for_room);
        let worth = complete || for_room;
        self.found.bounds = bounds(self.protocol, self.limits, &self.upper, &self.seen, worth);
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
        match (&self.found.violation, self.blocked) {
            (None, _) if self.safe.is_empty() => Exhaustivity::Unknown,
            (None, _) => Exhaustivity::From(first),
            (Some(_), Some((most, role, edge))) => Exhaustivity::NotUpTo(most, role, edge),
            (Some(_), None) => Exhaustivity::Unknown,
        }
    }
}

/// The role that waits for room in vain, and where, if that is what is wrong.
fn blocked(capacities: &[u32], violation: &Violation) -> Option<(u32, RoleIx, EdgeIx)> {
    let first = capacities.first().copied().unwrap_or(1);
    let stuck = |waiting: &&Waiting| {
        waiting.direction == Direction::Send
            && match violation.kind {
                Kind::Deadlock => true,
                Kind::NotLive(Starved::Role(role)) => role == waiting.role,
                _ => false,
            }
    };
    let stuck = violation.run.waiting.iter().find(stuck)?;
    Some((first, stuck.role, stuck.edges[0]))
}
