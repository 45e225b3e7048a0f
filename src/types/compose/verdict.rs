//! What is wrong with a system at one vector of capacities, if anything is, and the shortest run
//! that shows it.
//!
//! Clauses: COMP-2 to COMP-5.

use alloc::vec;
use alloc::vec::Vec;

use super::explore::{Break, Budget, Exploration, Extent, Outcome, explore};
use super::graph::Graph;
use super::system::{NONE, Scan, count};
use super::violation::{Kind, Run, Starved, Step, Violation};
use crate::types::components::Components;

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
    /// Whether a send is blocked that would change it.
    pub(super) for_room: bool,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Broken(Break),
    Starved(u32),
    Unconsumed(u32),
}

/// Decides over what was explored. What is broken goes before what starves, what more room could
/// change goes last; then what is nearest.
pub(super) fn judge(explored: &Exploration<'_>) -> Verdict {
    match explored.outcome {
        Outcome::Limit => full_stop(explored).map_or(Verdict::Unknown, Verdict::Wrong),
        Outcome::Broken(config, what) => {
            Verdict::Wrong(Wrong { config, what: What::Broken(what), for_room: false })
        }
        Outcome::Complete => {
            let wrong = not_live(explored).into_iter().chain(full_stop(explored));
            let wrong = wrong.min_by_key(|one| (one.for_room, one.config));
            wrong.map_or(Verdict::Safe, Verdict::Wrong)
        }
    }
}

/// Where nobody can move, and somebody could with more room.
fn full_stop(explored: &Exploration<'_>) -> Option<Wrong> {
    let what = What::Broken(Break::Stuck);
    explored.full_stop.map(|config| Wrong { config, what, for_room: true })
}

/// COMP-4: the terminal components in which somebody is served no more.
fn not_live(explored: &Exploration<'_>) -> Vec<Wrong> {
    let (graph, Some(components)) = (&explored.graph, &explored.components) else {
        return Vec::new();
    };
    let mut consumed = vec![NONE; graph.system.edges().len()];
    (0..)
        .zip(components.iter())
        .filter(|(_, members)| is_loop(graph, members, components))
        .filter_map(|(number, members)| starved(graph, members, number, &mut consumed))
        .collect()
}

/// Whether a component is terminal and something happens in it.
fn is_loop(graph: &Graph<'_>, members: &[u32], components: &Components) -> bool {
    graph.transitions(members[0]).next().is_some() && graph.is_terminal(members, components)
}

/// Who starves in a terminal component. `consumed` holds for each edge the last component in which
/// a message of it was consumed.
fn starved(graph: &Graph<'_>, members: &[u32], number: u32, consumed: &mut [u32]) -> Option<Wrong> {
    let system = graph.system;
    let mut moved = 0_u128;
    for (action, _) in members.iter().flat_map(|member| graph.transitions(*member)) {
        let action = system.action(action);
        moved |= 1 << action.role;
        if !action.sends {
            consumed[action.edge as usize] = number;
        }
    }
    let config = *members.iter().min()?;
    let words = graph.config(config);
    let waits = |role: &u32| {
        moved >> role & 1 == 0 && system.row(words, *role as usize).direction.is_some()
    };
    let stays = |edge: &u32| {
        consumed[*edge as usize] != number && system.edges()[*edge as usize].len(words) > 0
    };
    let role = (0..count(system.roles())).find(waits).map(What::Starved);
    let edge = || (0..count(system.edges().len())).find(stays).map(What::Unconsumed);
    let what = role.or_else(edge)?;
    let mut scan = Scan::default();
    let for_room = members.iter().any(|member| {
        system.scan(graph.config(*member), &mut scan);
        // Where the edge is consumed now and then, the send is only delayed.
        scan.blocked.iter().any(|edge| consumed[*edge as usize] != number)
    });
    Some(Wrong { config, what, for_room })
}

/// COMP-5: what is wrong, said to the outside, with a run that is as short as can be: for a graph
/// that is reduced, the whole one is searched as far as the budget goes.
pub(super) fn explain(explored: &Exploration<'_>, wrong: Wrong, budget: Budget) -> Violation {
    if explored.extent == Extent::Reduced {
        let whole = explore(explored.graph.system, Extent::Whole, budget);
        if let Verdict::Wrong(nearest) = judge(&whole)
            && nearest.for_room == wrong.for_room
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
        What::Starved(role) => (Kind::NotLive(Starved::Role(system.role(role))), true),
        What::Unconsumed(at) => (Kind::NotLive(Starved::Message(edge(at))), true),
    };
    let cycle = if cycle { cycle_at(graph, wrong.config) } else { Vec::new() };
    Violation {
        kind,
        run: Run::to(graph, wrong.config),
        cycle: cycle.into(),
        known_shortest: explored.extent == Extent::Whole && explored.outcome != Outcome::Limit,
        for_room: wrong.for_room,
    }
}

/// A shortest way from a configuration of a component back to it.
fn cycle_at(graph: &Graph<'_>, start: u32) -> Vec<Step> {
    // From where and by what each was reached first; components are explored, so this ends.
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
