//! What the verdicts mean, as plainly as it can be computed, for protocols of a few hundred
//! configurations: reachability over explicit sets. Shares nothing with the checkers but the trees.

use std::collections::{BTreeMap, BTreeSet};

use antiphon::types::{Branch, Direction, GlobalType, LocalTypes, Node, NodeId};

use super::entry::{Cause, Wrong};

/// The most configurations that are looked at.
const CONFIGURATIONS_MAX: usize = 100_000;

type Letter = (String, String);

fn letter(branch: &Branch) -> Letter {
    (branch.label.to_string(), branch.payload.sort().to_string())
}

/// Where each role is, and what lies on each edge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Configuration {
    at: Vec<NodeId>,
    edges: BTreeMap<(usize, usize), Vec<Letter>>,
}

struct Step {
    role: usize,
    edge: (usize, usize),
    receives: bool,
    to: usize,
}

/// All configurations that can be reached when every edge holds `capacity` messages.
pub(crate) struct Space<'a> {
    locals: &'a LocalTypes,
    capacity: usize,
    all: Vec<Configuration>,
    steps: Vec<Vec<Step>>,
}

impl<'a> Space<'a> {
    pub(crate) fn new(locals: &'a LocalTypes, capacity: u32) -> Self {
        let root = |(_, local): &(_, antiphon::types::LocalType)| local.tree().unfold(NodeId::ROOT);
        let at = locals.roles().iter().map(root).collect();
        let first = Configuration { at, edges: BTreeMap::new() };
        let capacity = capacity as usize;
        let mut space = Self { locals, capacity, all: vec![first.clone()], steps: Vec::new() };
        let mut known = BTreeMap::from([(first, 0)]);
        while space.steps.len() < space.all.len() {
            assert!(space.all.len() < CONFIGURATIONS_MAX, "too large for a naive look");
            let here = space.all[space.steps.len()].clone();
            let mut steps = Vec::new();
            for (role, edge, receives, next) in space.moves(&here) {
                let fresh = space.all.len();
                let to = *known.entry(next.clone()).or_insert(fresh);
                if to == fresh {
                    space.all.push(next);
                }
                steps.push(Step { role, edge, receives, to });
            }
            space.steps.push(steps);
        }
        space
    }

    fn choice(&self, here: &Configuration, role: usize) -> Option<(Direction, &[Branch])> {
        let tree = self.locals.roles()[role].1.tree();
        match tree.node(here.at[role]) {
            Node::Choice(direction, range) => Some((*direction, tree.branches_of(range))),
            _ => None,
        }
    }

    fn edge(&self, role: usize, direction: Direction, branch: &Branch) -> (usize, usize) {
        let peer = self.locals.roles().iter().position(|(name, _)| *name == branch.peer).unwrap();
        if direction == Direction::Send { (role, peer) } else { (peer, role) }
    }

    fn on(here: &Configuration, edge: (usize, usize)) -> &[Letter] {
        here.edges.get(&edge).map(Vec::as_slice).unwrap_or_default()
    }

    fn moves(&self, here: &Configuration) -> Vec<(usize, (usize, usize), bool, Configuration)> {
        let mut moves = Vec::new();
        for role in 0..here.at.len() {
            let Some((direction, branches)) = self.choice(here, role) else { continue };
            for branch in branches {
                let edge = self.edge(role, direction, branch);
                let mut next = here.clone();
                next.at[role] = self.locals.roles()[role].1.tree().unfold(branch.next);
                let queue = next.edges.entry(edge).or_default();
                if direction == Direction::Send && queue.len() < self.capacity {
                    queue.push(letter(branch));
                } else if direction == Direction::Receive && queue.first() == Some(&letter(branch))
                {
                    queue.remove(0);
                } else {
                    continue;
                }
                next.edges.retain(|_, queue| !queue.is_empty());
                moves.push((role, edge, direction == Direction::Receive, next));
            }
        }
        moves
    }

    /// Everything that goes wrong in some configuration.
    pub(crate) fn wrong(&self) -> BTreeSet<Wrong> {
        let mut found = BTreeSet::new();
        for (here, steps) in self.all.iter().zip(&self.steps) {
            let ended = (0..here.at.len()).all(|role| self.choice(here, role).is_none());
            let refused = (0..here.at.len()).any(|role| self.refuses(here, role));
            if refused {
                found.insert(Wrong::Unexpected);
            } else if steps.is_empty() && !ended {
                found.insert(Wrong::Deadlock);
            }
            if ended && !here.edges.is_empty() {
                found.insert(Wrong::Orphan);
            }
        }
        found
    }

    /// Whether first on an edge on which the role waits lies what it cannot take.
    fn refuses(&self, here: &Configuration, role: usize) -> bool {
        let Some((Direction::Receive, branches)) = self.choice(here, role) else { return false };
        let edge = |branch: &Branch| self.edge(role, Direction::Receive, branch);
        branches.iter().map(edge).any(|waited| {
            Self::on(here, waited).first().is_some_and(|head| {
                !branches.iter().any(|branch| edge(branch) == waited && letter(branch) == *head)
            })
        })
    }

    /// From where one of `goals` can be reached by the steps that are `allowed`.
    fn leads(&self, goals: impl Fn(usize) -> bool, allowed: impl Fn(&Step) -> bool) -> Vec<bool> {
        let mut leads: Vec<bool> = (0..self.all.len()).map(goals).collect();
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.all.len()];
        for (from, steps) in self.steps.iter().enumerate() {
            steps.iter().filter(|step| allowed(step)).for_each(|step| before[step.to].push(from));
        }
        let mut open: Vec<usize> = (0..leads.len()).filter(|at| leads[*at]).collect();
        while let Some(at) = open.pop() {
            for from in &before[at] {
                if !std::mem::replace(&mut leads[*from], true) {
                    open.push(*from);
                }
            }
        }
        leads
    }

    /// Whether each waiting role can still be served and each message still be received.
    pub(crate) fn live(&self) -> bool {
        let roles = self.locals.roles().len();
        let served = (0..roles).all(|role| {
            let moves = |at: usize| self.steps[at].iter().any(|step| step.role == role);
            let leads = self.leads(moves, |_| true);
            let waits = |here: &Configuration| {
                matches!(self.choice(here, role), Some((Direction::Receive, _)))
            };
            self.all.iter().zip(leads).all(|(here, leads)| leads || !waits(here))
        });
        let edges: BTreeSet<_> = self.all.iter().flat_map(|here| here.edges.keys()).collect();
        let received = edges.into_iter().all(|edge| {
            let takes = |step: &Step| step.receives && step.edge == *edge;
            let leads = self.leads(|at| self.steps[at].iter().any(takes), |_| true);
            self.all
                .iter()
                .zip(leads)
                .all(|(here, leads)| leads || Self::on(here, *edge).is_empty())
        });
        served && received
    }

    /// Whether each send can be performed after steps of others only (Lange & Yoshida, CAV 2019).
    pub(crate) fn exhaustive(&self) -> bool {
        for role in 0..self.locals.roles().len() {
            let mut targets: BTreeMap<(usize, usize), Vec<bool>> = BTreeMap::new();
            for (at, here) in self.all.iter().enumerate() {
                let Some((Direction::Send, branches)) = self.choice(here, role) else { continue };
                for branch in branches {
                    let edge = self.edge(role, Direction::Send, branch);
                    let leads = targets.entry(edge).or_insert_with(|| {
                        let room = |at: usize| Self::on(&self.all[at], edge).len() < self.capacity;
                        self.leads(room, |step| step.role != role)
                    });
                    if !leads[at] {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// The most messages that lie on an edge at once.
    pub(crate) fn most(&self, from: &str, to: &str) -> u32 {
        let role = |name: &str| {
            let found = self.locals.roles().iter().position(|(role, _)| *role == *name);
            found.unwrap_or_else(|| panic!("no role `{name}`"))
        };
        let edge = (role(from), role(to));
        self.all.iter().map(|here| Self::on(here, edge).len()).max().unwrap_or(0) as u32
    }
}

/// Where a role can be in a global type: before a choice, or waiting for the message of a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Node(NodeId),
    Waits(NodeId, usize),
}

type Move = (Direction, String, Letter);

/// Li, Stutz, Wies, Zufferey, CAV 2023: the subset construction of one role, Send Validity and
/// Receive Validity; and that a role that may have ended waits for nothing.
pub(crate) struct Role<'a> {
    global: &'a GlobalType,
    role: &'a str,
}

impl<'a> Role<'a> {
    pub(crate) fn new(global: &'a GlobalType, role: &'a str) -> Self {
        Self { global, role }
    }

    fn branches(&self, node: NodeId) -> Option<(&str, &[Branch])> {
        let tree = self.global.tree();
        match tree.node(node) {
            Node::Choice(sender, range) => Some((sender.as_str(), tree.branches_of(range))),
            _ => None,
        }
    }

    /// The steps from a place: what the role sees of them, if anything.
    fn steps(&self, place: Place) -> Vec<(Option<Move>, Place)> {
        let unfolded = |node| Place::Node(self.global.tree().unfold(node));
        match place {
            Place::Waits(node, index) => {
                let (sender, branches) = self.branches(node).unwrap();
                let branch = &branches[index];
                let seen = (Direction::Receive, sender.to_owned(), letter(branch));
                vec![(Some(seen), unfolded(branch.next))]
            }
            Place::Node(node) => {
                let Some((sender, branches)) = self.branches(node) else { return Vec::new() };
                let step = |(index, branch): (usize, &Branch)| {
                    if sender == self.role {
                        let seen = (Direction::Send, branch.peer.to_string(), letter(branch));
                        (Some(seen), unfolded(branch.next))
                    } else if *branch.peer == *self.role {
                        (None, Place::Waits(node, index))
                    } else {
                        (None, unfolded(branch.next))
                    }
                };
                branches.iter().enumerate().map(step).collect()
            }
        }
    }

    fn closed(&self, mut state: BTreeSet<Place>) -> BTreeSet<Place> {
        let mut open: Vec<Place> = state.iter().copied().collect();
        while let Some(place) = open.pop() {
            for (seen, next) in self.steps(place) {
                if seen.is_none() && state.insert(next) {
                    open.push(next);
                }
            }
        }
        state
    }

    /// The moves from a state: from which of its places each is possible, and where it leads.
    fn moves(&self, state: &BTreeSet<Place>) -> BTreeMap<Move, BTreeSet<Place>> {
        let mut moves: BTreeMap<Move, BTreeSet<Place>> = BTreeMap::new();
        for place in state {
            for (seen, next) in self.steps(*place) {
                if let Some(seen) = seen {
                    moves.entry(seen).or_default().insert(next);
                }
            }
        }
        moves
    }

    /// The messages that can lie first on an edge to the role while it waits at `place`.
    fn available(&self, place: Place) -> BTreeSet<(String, Letter)> {
        let Place::Node(node) = place else { unreachable!("the role has just moved") };
        let blocked = BTreeSet::from([self.role.to_owned()]);
        let first = (node, blocked, BTreeSet::new());
        let (mut known, mut open) = (BTreeSet::from([first.clone()]), vec![first]);
        let mut found = BTreeSet::new();
        while let Some((node, blocked, sent)) = open.pop() {
            let Some((sender, branches)) = self.branches(node) else { continue };
            for branch in branches {
                let (mut blocked, mut sent) = (blocked.clone(), sent.clone());
                if blocked.contains(sender) {
                    blocked.insert(branch.peer.to_string());
                } else if *branch.peer == *self.role && sent.insert(sender.to_owned()) {
                    found.insert((sender.to_owned(), letter(branch)));
                }
                let next = (self.global.tree().unfold(branch.next), blocked, sent);
                if known.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        found
    }

    /// Everything that keeps the role from acting on what it knows.
    pub(crate) fn causes(&self) -> BTreeSet<Cause> {
        let root = Place::Node(self.global.tree().unfold(NodeId::ROOT));
        let first = self.closed(BTreeSet::from([root]));
        let (mut known, mut open) = (BTreeSet::from([first.clone()]), vec![first]);
        let mut causes = BTreeSet::new();
        while let Some(state) = open.pop() {
            let moves = self.moves(&state);
            let ended = |place: &Place| match place {
                Place::Node(node) => self.branches(*node).is_none(),
                Place::Waits(..) => false,
            };
            if state.iter().any(ended) && moves.keys().any(|seen| seen.0 == Direction::Receive) {
                causes.insert(Cause::End);
            }
            for (seen, next) in &moves {
                if seen.0 == Direction::Send {
                    let possible = |place: &Place| {
                        let from = self.closed(BTreeSet::from([*place]));
                        self.moves(&from).contains_key(seen)
                    };
                    if !state.iter().all(possible) {
                        causes.insert(Cause::Send);
                    }
                } else {
                    let early: BTreeSet<_> = next.iter().flat_map(|p| self.available(*p)).collect();
                    for (other, _) in moves.iter().filter(|(other, _)| other.1 != seen.1) {
                        let message = (other.1.clone(), other.2.clone());
                        if other.0 == Direction::Receive && early.contains(&message) {
                            causes.insert(Cause::Receive);
                        }
                    }
                }
                let sorts = moves.keys().filter(|other| {
                    (other.0, &other.1, &other.2.0) == (seen.0, &seen.1, &seen.2.0)
                });
                if sorts.count() > 1 {
                    causes.insert(Cause::Sorts);
                }
                let next = self.closed(next.clone());
                if known.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        causes
    }
}
