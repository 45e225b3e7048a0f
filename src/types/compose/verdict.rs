//! What is wrong with a system at one vector of capacities, if anything is, and the shortest run
//! that shows it.
//!
//! Clauses: COMP-2 to COMP-5.

use alloc::vec;
use alloc::vec::Vec;

use super::explore::{Break, Budget, Exploration, Extent, Outcome, explore};
use super::graph::Graph;
use super::served::{InVain, Served, at_every_capacity};
use super::system::{NONE, count};
use super::violation::{Kind, Run, Starved, Step, Violation};
use crate::types::components::Components;
use crate::types::local::Direction;

/// What an exploration came to.
#[derive(Debug)]
pub(super) enum Verdict {
    Safe,
    Wrong(Wrong),
    Unknown,
}

/// A configuration with which something is wrong.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wrong {
    config: u32,
    what: What,
    rank: Rank,
}

impl Wrong {
    /// Whether a send is blocked that would change it.
    pub(super) fn for_room(&self) -> bool {
        self.rank >= Rank::Stuck
    }
}

#[derive(Debug, Clone, Copy)]
enum What {
    Broken(Break),
    Starved(InVain),
}

/// What goes first of what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// A configuration breaks a rule, whatever room there is.
    Broken,
    /// Nobody can move, and more room would not help all of them.
    Halted,
    /// Somebody is served no more, whatever room there is.
    Starved,
    /// Nobody can move, and somebody could with more room.
    Stuck,
    /// A role waits for room for ever.
    Blocked,
    /// Somebody else waits for ever, and somebody for room.
    Behind,
}

/// Decides over what was explored. What is broken goes before what starves, what more room could
/// change goes last; then what is nearest.
pub(super) fn judge(explored: &Exploration<'_>) -> Verdict {
    match (explored.outcome, &explored.components) {
        (Outcome::Broken(config, what), _) => {
            Verdict::Wrong(Wrong { config, what: What::Broken(what), rank: Rank::Broken })
        }
        (Outcome::Complete, Some(components)) => {
            let wrong = if explored.full_stop.is_some() || starves(&explored.graph, components) {
                nearest(explored, components)
            } else {
                None
            };
            wrong.map_or(Verdict::Safe, Verdict::Wrong)
        }
        (Outcome::Complete | Outcome::Limit, _) => {
            let wrong = explored.full_stop.map(|config| stop(&explored.graph, config));
            wrong.map_or(Verdict::Unknown, Verdict::Wrong)
        }
    }
}

/// Where nobody can move, and somebody is blocked.
fn stop(graph: &Graph<'_>, config: u32) -> Wrong {
    let in_vain = at_every_capacity(graph.system, graph.config(config));
    let rank = if in_vain.is_some() { Rank::Halted } else { Rank::Stuck };
    Wrong { config, what: What::Broken(Break::Stuck), rank }
}

/// COMP-4: whether there is a terminal component in which something happens and somebody is served
/// no more. If there is none, and nobody is stuck, there is no such configuration anywhere.
fn starves(graph: &Graph<'_>, components: &Components) -> bool {
    let system = graph.system;
    let mut consumed = vec![NONE; system.edges().len()];
    (0..).zip(components.iter()).any(|(number, members)| {
        if graph.transitions(members[0]).next().is_none() || !graph.is_terminal(members, components)
        {
            return false;
        }
        let mut moved = 0_u128;
        for (action, _) in members.iter().flat_map(|member| graph.transitions(*member)) {
            let action = system.action(action);
            moved |= 1 << action.role;
            if !action.sends {
                consumed[action.edge as usize] = number;
            }
        }
        let words = graph.config(members[0]);
        (0..system.roles())
            .any(|role| moved >> role & 1 == 0 && system.row(words, role).direction.is_some())
            || system
                .edges()
                .iter()
                .zip(&consumed)
                .any(|(edge, c)| *c != number && edge.len(words) > 0)
    })
}

/// The first configuration of the first rank in which somebody waits in vain: there the run is cut,
/// wherever it may go on to.
fn nearest(explored: &Exploration<'_>, components: &Components) -> Option<Wrong> {
    let graph = &explored.graph;
    let served = Served::of(graph, components);
    let mut found: Option<Wrong> = None;
    for config in 0..count(graph.len()) {
        let wrong = starved(explored, &served, components.of[config as usize], config);
        if let Some(wrong) = wrong
            && found.is_none_or(|found| wrong.rank < found.rank)
        {
            found = Some(wrong);
            let least = if explored.full_stop.is_some() { Rank::Halted } else { Rank::Starved };
            if wrong.rank == least {
                break;
            }
        }
    }
    found
}

fn starved(
    explored: &Exploration<'_>,
    served: &Served,
    component: u32,
    config: u32,
) -> Option<Wrong> {
    let (system, words) = (explored.graph.system, explored.graph.config(config));
    let first = served.in_vain(system, words, component).next()?;
    let starved = |in_vain, rank| Some(Wrong { config, what: What::Starved(in_vain), rank });
    if !served.wants_room(component) {
        return starved(first, Rank::Starved);
    }
    if explored.graph.transitions(config).next().is_none() {
        return Some(stop(&explored.graph, config));
    }
    if let Some(in_vain) = at_every_capacity(system, words) {
        return starved(in_vain, Rank::Starved);
    }
    // A role that could send, and never will, is blocked.
    let blocked = |one: &InVain| match one {
        InVain::Role(role) => system.row(words, *role as usize).direction == Some(Direction::Send),
        InVain::Message(_) => false,
    };
    match served.in_vain(system, words, component).find(blocked) {
        Some(role) => starved(role, Rank::Blocked),
        None => starved(first, Rank::Behind),
    }
}

/// COMP-5: what is wrong, said to the outside, with a run that is as short as can be: for a graph
/// that is reduced, the whole one is searched as far as the budget goes.
pub(super) fn explain(explored: &Exploration<'_>, wrong: Wrong, budget: Budget) -> Violation {
    if explored.extent == Extent::Reduced {
        let whole = explore(explored.graph.system, Extent::Whole, budget);
        if let Verdict::Wrong(nearest) = judge(&whole)
            && nearest.for_room() == wrong.for_room()
        {
            return violation(&whole, nearest);
        }
    }
    violation(explored, wrong)
}

/// What is wrong, said to the outside, with the run on which it was found.
pub(super) fn violation(explored: &Exploration<'_>, wrong: Wrong) -> Violation {
    let graph = &explored.graph;
    let system = graph.system;
    let edge = |edge: u32| system.edges()[edge as usize].edge;
    let words = graph.config(wrong.config);
    let (kind, cycle) = match wrong.what {
        What::Broken(Break::Unexpected(at)) => (Kind::UnexpectedMessage(edge(at)), false),
        What::Broken(Break::Stuck) => (Kind::Deadlock, false),
        What::Broken(Break::Orphan) => {
            let left = system.edges().iter().find(|edge| edge.len(words) > 0);
            (Kind::OrphanMessage(left.expect("a message is left").edge), false)
        }
        What::Starved(InVain::Role(role)) => {
            (Kind::NotLive(Starved::Role(system.role(role))), true)
        }
        What::Starved(InVain::Message(at)) => (Kind::NotLive(Starved::Message(edge(at))), true),
    };
    let cycle = if cycle { cycle_at(graph, wrong.config) } else { Vec::new() };
    Violation {
        kind,
        run: Run::to(graph, wrong.config),
        cycle: cycle.into(),
        known_shortest: explored.extent == Extent::Whole && explored.outcome != Outcome::Limit,
        for_room: wrong.for_room(),
    }
}

/// A shortest way from a configuration back to it; empty if there is none.
fn cycle_at(graph: &Graph<'_>, start: u32) -> Vec<Step> {
    // From where and by what each was reached first.
    let mut reached: hashbrown::HashMap<u32, (u32, u32)> = hashbrown::HashMap::new();
    let mut queue = vec![start];
    let mut done = 0;
    while let Some(&from) = queue.get(done) {
        done += 1;
        for (action, to) in graph.transitions(from) {
            if to == start {
                let mut steps = vec![graph.step(action)];
                let mut at = from;
                while at != start {
                    let (before, action) = reached[&at];
                    steps.push(graph.step(action));
                    at = before;
                }
                steps.reverse();
                return steps;
            }
            reached.entry(to).or_insert_with(|| {
                queue.push(to);
                (from, action)
            });
        }
    }
    Vec::new()
}
