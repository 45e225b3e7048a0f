//! Whether a local type can stand for a role of a global type, the other roles being its
//! projections (Li, Stutz, Wies, "Deciding Subtyping for Asynchronous Multiparty Sessions",
//! ESOP 2024).
//!
//! Each state of the candidate is decorated with the nodes at which a run may be after the role has
//! seen a word that leads to the state. Decorations are found by walking through both at once, a
//! message of others moving the global type alone. The candidate is right if in each state, for
//! each thing that is next for the role at one of its nodes:
//!
//! - what the candidate sends may be sent (Send Decoration Validity);
//! - where the role has to send, the candidate sends something (Send Preservation);
//! - what may have to be received the candidate receives (Receive Exhaustivity);
//! - nothing else that the candidate receives can be there before that (Receive Decoration
//!   Validity; see `available.rs`);
//! - where nothing is left to do, the candidate has ended (Final State Validity; as in PROJ-10,
//!   also where the others go on for ever).
//!
//! Each speaks of one state and one node, so that all of it takes time by their product. To do
//! *all* that the role does, and not only enough of it, each message that may be sent has to be
//! there, too (Transition Exhaustivity).
//!
//! A candidate may leave out sends for ever, and so keep others waiting for a message that the
//! global type only promises on another path; as in the paper that is no mistake.
//!
//! Clauses: RSUB-1 to RSUB-7.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashSet;

use super::available::{Availability, run_to};
use super::graph::{Graph, unfolded};
use super::limits::{Exceeded, ProjectionLimits, What};
use super::mismatch::{Condition, LocalMove, Mismatch, Refinement};
use super::report::{step, trace};
use super::view::{Event, Next, View};
use crate::types::global::GlobalType;
use crate::types::local::{Direction, LocalType};
use crate::types::name::Name;
use crate::types::tree::{Node, NodeId};

/// Whether `candidate` can stand for `role` while the others are the projections of `global`: no
/// run goes wrong that would not without it. It may send less, and receive more.
///
/// The answer means something if every other role has a projection.
///
/// # Errors
/// A limit that was passed: `pairs_max` pairs of a state and a node, or `availability_max`.
pub fn refines(
    candidate: &LocalType,
    global: &GlobalType,
    role: &Name,
    limits: &ProjectionLimits,
) -> Result<Refinement, Exceeded> {
    decide(candidate, global, role, limits, false)
}

/// As [`refines`], and `candidate` sends all that `role` may send: together with the projections it
/// has exactly the runs of `global`.
///
/// # Errors
/// As [`refines`].
pub fn implements(
    candidate: &LocalType,
    global: &GlobalType,
    role: &Name,
    limits: &ProjectionLimits,
) -> Result<Refinement, Exceeded> {
    decide(candidate, global, role, limits, true)
}

fn decide(
    candidate: &LocalType,
    global: &GlobalType,
    role: &Name,
    limits: &ProjectionLimits,
    whole: bool,
) -> Result<Refinement, Exceeded> {
    let graph = Graph::of(global);
    let Some(number) = graph.role(role) else {
        // It takes part in nothing, and its type is to say so.
        return Ok(if candidate.is_end() { Refinement::Yes } else { foreign(candidate, role) });
    };
    let view = View::of(&graph, number);
    let stands_for = unfolded(candidate.tree());
    let states = states(candidate, &graph, &stands_for);
    let walk = Walk { candidate, view, states, limits, whole, trail: Vec::new() };
    walk.run(stands_for[NodeId::ROOT.index()])
}

/// One move of the candidate in the numbers of the graph, which may not know it, and the state
/// behind it.
#[derive(Debug, Clone, Copy)]
struct Taken {
    event: Option<Event>,
    branch: u32,
    next: u32,
}

/// The moves of each choice of the candidate, by its place in the tree.
fn states(
    candidate: &LocalType,
    graph: &Graph<'_>,
    stands_for: &[u32],
) -> Vec<(Direction, Vec<Taken>)> {
    let tree = candidate.tree();
    let row = |node: &Node<Direction>| match node {
        Node::Choice(direction, range) => {
            let moves = range.clone().zip(tree.branches_of(range)).map(|(index, branch)| {
                let numbers = graph.numbers(branch);
                let event = numbers.map(|(peer, label, message)| Event {
                    peer,
                    label,
                    message,
                    direction: *direction,
                });
                Taken { event, branch: index, next: stands_for[branch.next.index()] }
            });
            (*direction, moves.collect())
        }
        _ => (Direction::Receive, Vec::new()),
    };
    tree.nodes().iter().map(row).collect()
}

/// A state of the candidate with one of its nodes, and how it was reached.
#[derive(Debug, Clone, Copy)]
struct Pair {
    state: u32,
    node: u32,
    from: usize,
    link: u32,
}

struct Walk<'c, 'g, 'a> {
    candidate: &'c LocalType,
    view: View<'g, 'a>,
    states: Vec<(Direction, Vec<Taken>)>,
    limits: &'c ProjectionLimits,
    whole: bool,
    trail: Vec<Pair>,
}

impl Walk<'_, '_, '_> {
    /// RSUB-1: walks breadth first, so that the run that is shown is a shortest one.
    fn run(mut self, state: u32) -> Result<Refinement, Exceeded> {
        let graph = self.view.graph;
        let mut known: HashSet<(u32, u32)> = HashSet::from_iter([(state, graph.root)]);
        self.trail.push(Pair { state, node: graph.root, from: usize::MAX, link: u32::MAX });
        let mut availability = Availability::default();
        let (mut index, mut nexts) = (0, Vec::new());
        while let Some(Pair { state, node, .. }) = self.trail.get(index).copied() {
            self.view.nexts_at(node, &mut nexts);
            for next in &nexts {
                let found = match self.plain(state, *next) {
                    Some(condition) => Some((condition, None)),
                    None => self
                        .overtaking(state, *next, &mut availability)?
                        .map(|early| (Condition::Overtaking(Vec::new()), Some(early))),
                };
                if let Some((condition, early)) = found {
                    return Ok(Refinement::No(self.mismatch(index, *next, condition, early)));
                }
            }
            // Behind a node without events nothing is to be compared.
            let links = if self.view.acts(node) { graph.links_of(node) } else { 0..0 };
            for link in links {
                let found = graph.link(link);
                let behind = if self.view.sees(found) {
                    let event = Some(self.view.event(link));
                    let row = &self.states[state as usize].1;
                    row.iter().find(|taken| taken.event == event).map(|taken| taken.next)
                } else {
                    Some(state)
                };
                let Some(state) = behind else { continue };
                if known.insert((state, found.next)) {
                    self.trail.push(Pair { state, node: found.next, from: index, link });
                }
            }
            let most = self.limits.pairs_max;
            if self.trail.len() > most {
                return Err(Exceeded { what: What::Pairs, most });
            }
            index += 1;
        }
        Ok(Refinement::Yes)
    }

    /// What is wrong with a state where this is next, as far as the two show it.
    fn plain(&self, state: u32, next: Next) -> Option<Condition> {
        let (direction, row) = &self.states[state as usize];
        let sends = *direction == Direction::Send;
        let event = |event: Event| row.iter().any(|taken| taken.event == Some(event));
        match next {
            // RSUB-2: what is sent may be sent.
            Next::Receive(_) | Next::Nothing(_) if sends => Some(Condition::Send),
            Next::Send(node) if sends => {
                let links = self.view.graph.links_of(node);
                let allowed = |taken: &Taken| {
                    links.clone().any(|link| taken.event == Some(self.view.event(link)))
                };
                if !row.iter().all(allowed) {
                    return Some(Condition::Send);
                }
                // RSUB-7: all that may be sent is sent.
                let all = links.clone().all(|link| event(self.view.event(link)));
                (self.whole && !all).then_some(Condition::Whole)
            }
            // RSUB-3: who has to send does.
            Next::Send(_) => Some(Condition::Preservation),
            // RSUB-4: what comes is received.
            Next::Receive(link) => {
                (!event(self.view.event(link))).then_some(Condition::Exhaustivity)
            }
            // RSUB-6: where nothing is left, nothing is waited for.
            Next::Nothing(_) => (!row.is_empty()).then_some(Condition::Final),
        }
    }

    /// RSUB-5: a message that the state receives, and that can be there before the one which is
    /// next.
    fn overtaking(
        &self,
        state: u32,
        next: Next,
        availability: &mut Availability,
    ) -> Result<Option<Event>, Exceeded> {
        let Next::Receive(link) = next else { return Ok(None) };
        let (graph, link) = (self.view.graph, self.view.graph.link(link));
        for early in self.states[state as usize].1.iter().filter_map(|taken| taken.event) {
            if early.peer == link.from {
                continue;
            }
            let asked = (link.next, self.view.role, early.peer);
            let firsts = availability.firsts(graph, asked, self.limits.availability_max)?;
            if firsts.iter().any(|first| first.message == early.message) {
                return Ok(Some(early));
            }
        }
        Ok(None)
    }

    fn mismatch(
        &self,
        index: usize,
        next: Next,
        condition: Condition,
        early: Option<Event>,
    ) -> Box<Mismatch> {
        let graph = self.view.graph;
        let mut run = Vec::new();
        let mut at = index;
        while let Some(pair) = self.trail.get(at).filter(|pair| pair.from != usize::MAX) {
            run.push(pair.link);
            at = pair.from;
        }
        run.reverse();
        let condition = match (early, next) {
            (Some(early), Next::Receive(link)) => {
                let asked = (graph.link(link).next, self.view.role, early.peer);
                let run = run_to(graph, asked, early.message).unwrap_or_default();
                Condition::Overtaking(run.iter().map(|link| step(graph, *link)).collect())
            }
            _ => condition,
        };
        let (direction, row) = &self.states[self.trail[index].state as usize];
        let moves = row.iter().map(|taken| shown(self.candidate, *direction, taken.branch));
        Box::new(Mismatch {
            role: graph.name(self.view.role).clone(),
            condition,
            run: trace(graph, &run, next),
            candidate: moves.collect(),
        })
    }
}

fn shown(candidate: &LocalType, direction: Direction, branch: u32) -> LocalMove {
    let branch = &candidate.tree().branches()[branch as usize];
    LocalMove {
        direction,
        peer: branch.peer.clone(),
        label: branch.label.clone(),
        payload: branch.payload.clone(),
    }
}

/// A role that the global type does not have does something.
fn foreign(candidate: &LocalType, role: &Name) -> Refinement {
    let tree = candidate.tree();
    let first = tree.unfold(NodeId::ROOT);
    let Node::Choice(direction, range) = tree.node(first) else { return Refinement::Yes };
    let condition = match direction {
        Direction::Send => Condition::Send,
        Direction::Receive => Condition::Final,
    };
    let next = super::report::Continuation::Nothing(tree.node_span(first));
    Refinement::No(Box::new(Mismatch {
        role: role.clone(),
        condition,
        run: super::report::Trace { steps: vec![], next },
        candidate: range.clone().map(|branch| shown(candidate, *direction, branch)).collect(),
    }))
}
