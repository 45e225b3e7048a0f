//! How many messages each edge can hold, when no capacity stops it.
//!
//! - *From above*: the two roles of an edge with the edge and its reverse, where the others send
//!   whatever is waited for and take whatever is sent. Every run of the protocol is a run of this
//!   pair, so the most that the edge holds there is never exceeded. Nor is what a sender without a
//!   loop can send at all. The reverse edge needs room for
//!   one message only: what the receiver does from its first message on that the sender has not
//!   taken can be left out, which leaves no less on the edge; and of the others each can be sent
//!   when the sender has nothing else to do than to take it.
//! - *From below*: what was seen on the edge in any run.
//! - *Both*: all configurations, without reduction, if no send was blocked on the way.
//! - *No bound*: a run that can be repeated and leaves more on the edge each time (see `growth`).
//!
//! Whether an edge is bounded is undecidable (Brand & Zafiropulo, JACM 1983); `Unknown` says what
//! was seen.
//!
//! Clauses: COMP-8.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::explore::{Budget, Exploration, Extent, Outcome, explore};
use super::growth::{Growth, growth};
use super::system::{System, count};
use super::{Capacities, ComposeLimits};
use crate::types::automaton::{EdgeIx, RoleIx, StateIx};
use crate::types::components::components;
use crate::types::local::Direction;
use crate::types::protocol::{Edge, Protocol};

/// The most messages that a pair of roles is followed to.
const PAIR_CAPACITY: u32 = 256;

/// The most configurations of a pair of roles.
const PAIR_CONFIGURATIONS: usize = 2_000;

/// The most messages that an edge can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// Never more than this.
    Finite {
        /// How many.
        most: u32,
        /// Whether some run has so many on it.
        exact: bool,
    },
    /// There is no bound.
    Unbounded(Box<Growth>),
    /// Not known.
    Unknown {
        /// The most that was seen.
        seen: u32,
    },
}

impl Bound {
    /// The bound, if there is one.
    #[must_use]
    pub fn most(&self) -> Option<u32> {
        match self {
            Self::Finite { most, .. } => Some(*most),
            Self::Unbounded(_) | Self::Unknown { .. } => None,
        }
    }
}

/// The most that each edge can hold, by what its two roles do alone; `None` if they do not say.
pub fn upper(protocol: &Protocol) -> Vec<Option<u32>> {
    protocol.edges().iter().map(|edge| upper_of(protocol, *edge)).collect()
}

fn upper_of(protocol: &Protocol, edge: Edge) -> Option<u32> {
    if pumps(protocol, edge) {
        return None;
    }
    let own = protocol.edge(edge.from, edge.to)?;
    let reverse = protocol.edge(edge.to, edge.from);
    let room = |edge: EdgeIx| {
        let capacity = if edge == own { PAIR_CAPACITY } else { 1 };
        (edge == own || Some(edge) == reverse).then_some((capacity, capacity))
    };
    let pair = System::part(protocol, &[edge.from, edge.to], room);
    let place = pair.edges().iter().position(|buffer| buffer.edge == own)?;
    let budget = Budget { configurations: PAIR_CONFIGURATIONS, bytes: usize::MAX };
    let explored = explore(&pair, Extent::Pair(count(place)), budget);
    let most = (explored.outcome == Outcome::Complete).then(|| explored.most[place]);
    most.or_else(|| sends(protocol, edge))
}

/// The most sends over the edge in any run of its sender alone, if none of them is in a loop.
fn sends(protocol: &Protocol, edge: Edge) -> Option<u32> {
    let automaton = protocol.automaton(edge.from);
    let next = |state: usize, nth: usize| {
        automaton.moves(StateIx(count(state))).get(nth).map(|moved| moved.next.index())
    };
    let found = components(automaton.len(), next);
    let mut most = Vec::new();
    for (number, members) in found.iter().enumerate() {
        let mut sum = 0_u32;
        for state in members.iter().map(|state| StateIx(*state)) {
            let sends = automaton.direction(state) == Some(Direction::Send);
            for moved in automaton.moves(state) {
                let one = u32::from(sends && moved.peer == edge.to);
                let to = found.of[moved.next.index()] as usize;
                if to != number {
                    sum = sum.max(one.saturating_add(most[to]));
                } else if one > 0 {
                    return None;
                }
            }
        }
        most.push(sum);
    }
    most.get(found.of[StateIx::INITIAL.index()] as usize).copied()
}

/// Whether the sender has a loop in which it sends over the edge and hears nothing of the receiver.
fn pumps(protocol: &Protocol, edge: Edge) -> bool {
    let automaton = protocol.automaton(edge.from);
    let heard = |state: StateIx, peer: RoleIx| {
        peer == edge.to && automaton.direction(state) == Some(Direction::Receive)
    };
    let ahead: Vec<Vec<usize>> = (0..count(automaton.len()))
        .map(|state| {
            let moves = automaton.moves(StateIx(state)).iter();
            let unheard = moves.filter(|moved| !heard(StateIx(state), moved.peer));
            unheard.map(|moved| moved.next.index()).collect()
        })
        .collect();
    let found = components(ahead.len(), |state, nth| ahead[state].get(nth).copied());
    (0..count(automaton.len())).map(StateIx).any(|state| {
        automaton.direction(state) == Some(Direction::Send)
            && automaton.moves(state).iter().any(|moved| {
                moved.peer == edge.to && found.of[moved.next.index()] == found.of[state.index()]
            })
    })
}

/// The bound of each edge. `seen` is the most that was seen on each, in any run; only where
/// it is `worth` it more is searched.
pub(super) fn bounds(
    protocol: &Protocol,
    limits: &ComposeLimits,
    upper: &[Option<u32>],
    seen: &[u32],
    worth: bool,
) -> Box<[Bound]> {
    let edges = seen.len();
    let mut search = Search { upper, seen: seen.to_vec(), grows: vec![None; edges], exact: false };
    let mut left = if worth { limits.bound_configurations } else { 0 };
    let last = match &limits.capacities {
        Capacities::Rising(most) => *most,
        Capacities::Fixed(fixed) => fixed.iter().copied().max().unwrap_or(1),
    };
    let mut capacity = 1;
    while left > 0 && !search.is_done() && capacity <= last.max(1) {
        let capacities: Vec<u32> = upper.iter().map(|most| most.unwrap_or(capacity)).collect();
        let system = System::of(protocol, &capacities, upper);
        let budget = Budget { configurations: left, bytes: limits.bytes };
        let explored = explore(&system, Extent::Whole, budget);
        search.learn(&explored);
        if explored.outcome != Outcome::Complete {
            break;
        }
        left = left.saturating_sub(explored.graph.len());
        capacity = capacity.saturating_mul(2);
    }
    (0..edges).map(|edge| search.bound(edge)).collect()
}

struct Search<'a> {
    upper: &'a [Option<u32>],
    seen: Vec<u32>,
    grows: Vec<Option<Box<Growth>>>,
    /// Whether what was seen is all that there is.
    exact: bool,
}

impl Search<'_> {
    /// Whether nothing is left to find out about any edge.
    fn is_done(&self) -> bool {
        let known =
            |edge: usize| self.grows[edge].is_some() || self.upper[edge] == Some(self.seen[edge]);
        self.exact || (0..self.seen.len()).all(known)
    }

    fn learn(&mut self, explored: &Exploration<'_>) {
        for (seen, most) in self.seen.iter_mut().zip(&explored.most) {
            *seen = (*seen).max(*most);
        }
        let unblocked = explored.blocked.iter().all(Vec::is_empty);
        self.exact = unblocked && explored.outcome == Outcome::Complete;
        for edge in 0..self.grows.len() {
            if self.grows[edge].is_none() && self.upper[edge].is_none() {
                self.grows[edge] = growth(explored, edge).map(Box::new);
            }
        }
    }

    fn bound(&mut self, edge: usize) -> Bound {
        let seen = self.seen[edge];
        match (self.exact, self.upper[edge], self.grows[edge].take()) {
            (true, ..) => Bound::Finite { most: seen, exact: true },
            (_, Some(most), _) => Bound::Finite { most, exact: most == seen },
            (_, None, Some(growth)) => Bound::Unbounded(growth),
            (_, None, None) => Bound::Unknown { seen },
        }
    }
}
