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
        open: false,
        found: Composition {
            capacities: vec![1; edges].into(),
            safe: Box::default(),
            tried: Box::default(),
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
            let budget = composing.budget();
            composing.at(fixed.clone(), true, budget);
        }
        Capacities::Rising(most) => {
            let most = (*most).clamp(1, CAPACITY_MAX);
            composing.rise(most);
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
    /// Whether what happens where no send is ever blocked was too much to explore.
    open: bool,
    found: Composition,
}

impl Composing<'_> {
    fn budget(&self) -> Budget {
        let spent = self.found.explored.configurations;
        let configurations = self.limits.configurations.saturating_sub(spent);
        Budget { configurations, bytes: self.limits.bytes }
    }

    /// Checks one capacity after the other; after the first that wants room, what can never be
    /// filled.
    fn rise(&mut self, most: u32) {
        let edges = self.seen.len();
        let mut roomy = self.roomy();
        for capacity in rising(most) {
            let budget = self.budget();
            if self.at(vec![capacity; edges].into(), capacity == most, budget) {
                return;
            }
            if self.stuck.is_none() {
                continue;
            }
            if let Some(roomy) = roomy.take() {
                // If that is too much to explore, smaller capacities get the other half.
                let half = Budget { configurations: self.budget().configurations / 2, ..budget };
                let last = roomy.iter().copied().max().unwrap_or(1);
                let stuck = self.stuck.clone();
                match self.try_roomy(roomy, half) {
                    Some(true) => return self.bisect(capacity, last, stuck),
                    Some(false) => return,
                    None => {}
                }
            }
        }
    }

    /// The upper bounds of all edges, if there are any: no send is ever blocked there.
    fn roomy(&self) -> Option<Box<[u32]>> {
        let room = self.upper.iter().map(|most| most.map(|most| most.max(1)));
        let room: Option<Box<[u32]>> = room.collect();
        room.filter(|room| room.iter().all(|most| *most <= CAPACITY_MAX))
    }

    /// Checks where no send is ever blocked: whether it is safe there, and so at every larger
    /// vector; `None` if that is too much to explore.
    fn try_roomy(&mut self, roomy: Box<[u32]>, budget: Budget) -> Option<bool> {
        let (stuck, blocked) = (self.stuck.clone(), self.blocked);
        let before = self.safe.len();
        self.at(roomy, true, budget);
        if self.safe.len() > before {
            return Some(true);
        }
        let known = self.found.violation.as_ref().is_some_and(|violation| !violation.for_room);
        if !known {
            (self.stuck, self.blocked, self.open) = (stuck, blocked, true);
        }
        known.then_some(false)
    }

    /// The least capacity that is safe, of directed types: they are safe from there on. `low` is
    /// not, as `stuck` shows, and `high` is.
    fn bisect(&mut self, mut low: u32, mut high: u32, stuck: Option<(Box<[u32]>, Violation)>) {
        let edges = self.seen.len();
        if !self.directed || high <= low {
            return;
        }
        self.safe.push(vec![high; edges].into());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let (before, budget) = (self.safe.len(), self.budget());
            // What goes wrong for want of room need not be shown again.
            self.stuck.clone_from(&stuck);
            self.found.violation = None;
            self.at(vec![middle; edges].into(), false, budget);
            if self.safe.len() > before {
                high = middle;
            } else if self.found.violation.is_some() {
                low = middle;
            } else {
                break;
            }
        }
        (self.stuck, self.blocked, self.found.violation) = (None, None, None);
        self.found.capacities = vec![high; edges].into();
    }

    /// Checks one vector, `largest` or not; whether nothing more is to be checked.
    fn at(&mut self, capacities: Box<[u32]>, largest: bool, budget: Budget) -> bool {
        let system = System::of(self.protocol, &capacities, &self.upper);
        let extent = if self.limits.reduction { Extent::Reduced } else { Extent::Whole };
        let explored = explore(&system, extent, budget);
        let (graph, found) = (&explored.graph, &mut self.found);
        let most = |vector: &[u32]| vector.iter().copied().max();
        if most(&capacities) > most(&found.tried) || found.tried.is_empty() {
            found.tried = capacities.clone();
        }
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
        if self.open && self.safe.is_empty() {
            // It stops where there is too little room; what more does is not known.
            let for_room = |violation: &mut Violation| violation.for_room;
            if self.found.violation.take_if(for_room).is_some() {
                self.found.capacities = self.found.tried.clone();
            }
        }
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
