//! A global type as one role sees it: which messages it takes part in, and what it can come to
//! without taking part in any.

use alloc::vec::Vec;
use alloc::{boxed::Box, vec};

use super::graph::{Graph, Link, Point, RoleNo, number};
use super::limits::{Exceeded, What};
use crate::types::local::Direction;

/// What a role does next at a place, in one of the runs that lead there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Next {
    /// It picks one of the messages of this choice.
    Send(u32),
    /// It receives the message of this link.
    Receive(u32),
    /// Nothing: from this node on it takes part in no message.
    Nothing(u32),
}

/// What a role takes part in, as it sees it itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Event {
    pub(super) peer: RoleNo,
    pub(super) label: u32,
    pub(super) message: u32,
    pub(super) direction: Direction,
}

/// What a role may be about to do after it has seen one thing: the ε-closure, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Frontier {
    /// The first link of each choice of its own, and each link that it may receive; ascending.
    pub(super) leaves: Box<[u32]>,
    /// A node from which it does nothing more, if there are leaves besides.
    pub(super) nothing: Option<u32>,
}

/// The view of one role.
pub(super) struct View<'g, 'a> {
    pub(super) graph: &'g Graph<'a>,
    pub(super) role: RoleNo,
    /// Whether the role takes part in anything from a node on.
    acts: Vec<bool>,
    /// A place that the role cannot tell from this one, further on.
    further: Vec<u32>,
    /// When a node was last visited.
    visited: Vec<u32>,
    visit: u32,
    pub(super) steps: usize,
}

impl<'g, 'a> View<'g, 'a> {
    pub(super) fn of(graph: &'g Graph<'a>, role: RoleNo) -> Self {
        let acts = acts(graph, role);
        let further = further(graph, role, &acts);
        let visited = vec![0; graph.points.len()];
        Self { graph, role, acts, further, visited, visit: 0, steps: 0 }
    }

    /// Whether the role takes part in anything from a node on.
    pub(super) fn acts(&self, node: u32) -> bool {
        self.acts[node as usize]
    }

    /// Whether the role takes part in this message.
    pub(super) fn sees(&self, link: &Link) -> bool {
        link.from == self.role || link.to == self.role
    }

    /// A link as the role sees it, which must take part.
    pub(super) fn event(&self, link: u32) -> Event {
        let Link { from, to, label, message, .. } = *self.graph.link(link);
        if from == self.role {
            Event { peer: to, label, message, direction: Direction::Send }
        } else {
            Event { peer: from, label, message, direction: Direction::Receive }
        }
    }

    /// What a leaf of a frontier stands for.
    pub(super) fn next_of(&self, leaf: u32) -> Next {
        let link = self.graph.link(leaf);
        if link.from == self.role { Next::Send(link.at) } else { Next::Receive(leaf) }
    }

    /// What the role may do right at this node, before anything else happens.
    pub(super) fn nexts_at(&self, node: u32, found: &mut Vec<Next>) {
        found.clear();
        if !self.acts(node) {
            found.push(Next::Nothing(node));
            return;
        }
        let Point::Choice { sender, first, past } = self.graph.point(node) else { return };
        if sender == self.role {
            found.push(Next::Send(node));
        } else {
            let received = |link: &u32| self.graph.link(*link).to == self.role;
            found.extend((first..past).filter(received).map(Next::Receive));
        }
    }

    /// A later node with the same frontier: messages between others are passed where nothing is
    /// decided. Ends, because messages that only come back to themselves are no way to act.
    pub(super) fn later(&self, mut node: u32) -> u32 {
        loop {
            let further = self.further[node as usize];
            if further == node {
                return node;
            }
            node = further;
        }
    }

    /// What the role may be about to do, at one of these nodes or behind messages of others.
    pub(super) fn frontier(&mut self, from: &[u32], most: usize) -> Result<Frontier, Exceeded> {
        self.visit += 1;
        let (mut leaves, mut nothing) = (Vec::new(), None);
        let mut stack: Vec<u32> = from.iter().rev().copied().collect();
        while let Some(node) = stack.pop() {
            let node = self.later(node);
            if core::mem::replace(&mut self.visited[node as usize], self.visit) == self.visit {
                continue;
            }
            if !self.acts(node) {
                nothing = nothing.or(Some(node));
                continue;
            }
            let Point::Choice { sender, first, past } = self.graph.point(node) else { continue };
            self.steps += (past - first) as usize;
            if self.steps > most {
                return Err(Exceeded { what: What::Steps, most });
            }
            if sender == self.role {
                leaves.push(first);
                continue;
            }
            for link in (first..past).rev() {
                let Link { to, next, .. } = *self.graph.link(link);
                if to == self.role {
                    leaves.push(link);
                } else {
                    stack.push(next);
                }
            }
        }
        leaves.sort_unstable();
        let nothing = nothing.filter(|_| !leaves.is_empty());
        Ok(Frontier { leaves: leaves.into(), nothing })
    }
}

/// Whether the role takes part in anything from a node on. What can be reached from a node is its
/// subtree, and that of the outermost binder which a variable of the subtree goes back to.
fn acts(graph: &Graph<'_>, role: RoleNo) -> Vec<bool> {
    let mut acts = vec![false; graph.points.len()];
    let mut outermost: Vec<u32> = (0..).take(graph.points.len()).collect();
    for (index, point) in graph.points.iter().enumerate().rev() {
        let Point::Choice { sender, first, past } = *point else { continue };
        acts[index] = sender == role;
        for link in &graph.links[first as usize..past as usize] {
            let next = link.next as usize;
            // A way back: the node stands before this one.
            if next <= index {
                outermost[index] = outermost[index].min(link.next);
            } else {
                acts[index] |= acts[next];
                outermost[index] = outermost[index].min(outermost[next]);
            }
            acts[index] |= link.to == role;
        }
    }
    for index in 0..acts.len() {
        acts[index] |= acts[outermost[index] as usize];
    }
    acts
}

fn further(graph: &Graph<'_>, role: RoleNo, acts: &[bool]) -> Vec<u32> {
    let mut further: Vec<u32> = (0..).take(graph.points.len()).collect();
    for (index, point) in graph.points.iter().enumerate().rev() {
        let Point::Choice { sender, first, past } = *point else { continue };
        let link = &graph.links[first as usize];
        let passed = past - first == 1 && sender != role && link.to != role;
        if passed && acts[index] {
            // Behind this node the answer is there already; a way back is followed when needed.
            let behind = link.next as usize > index;
            further[index] = if behind { further[link.next as usize] } else { link.next };
        }
    }
    debug_assert!(further.iter().all(|node| number(further.len()) > *node));
    further
}
