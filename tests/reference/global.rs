//! Global types for readers who trust nothing: their runs, what a role sees of a run, and whether
//! what all roles have done can be the beginning of one run.

use std::collections::{BTreeSet, VecDeque};

use antiphon::types::complete::Step;
use antiphon::types::{Direction, GlobalType, Name, Node, NodeId, Sort};

/// An action of one role, as text: `B!l(nat)`.
pub type Word = Vec<String>;

/// One message of a global type, and the node behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    pub from: Name,
    pub to: Name,
    pub label: Name,
    pub sort: Sort,
    pub next: NodeId,
}

impl Move {
    /// How the sender or the receiver sees it; `None` for everybody else.
    pub fn seen_by(&self, role: &Name) -> Option<String> {
        if self.from == *role {
            Some(shown(&self.to, Direction::Send, &self.label, &self.sort))
        } else if self.to == *role {
            Some(shown(&self.from, Direction::Receive, &self.label, &self.sort))
        } else {
            None
        }
    }

    pub fn is(&self, step: &Step) -> bool {
        let sort = step.payload.sort();
        (&self.from, &self.to, &self.label, &self.sort) == (&step.from, &step.to, &step.label, sort)
    }
}

pub fn shown(peer: &Name, direction: Direction, label: &Name, sort: &Sort) -> String {
    format!("{peer}{}{label}({sort})", direction.symbol())
}

/// A global type.
pub struct Global<'a>(pub &'a GlobalType);

impl Global<'_> {
    pub fn root(&self) -> NodeId {
        self.0.tree().unfold(NodeId::ROOT)
    }

    /// What can happen at a node; nothing at the end.
    pub fn moves(&self, node: NodeId) -> Vec<Move> {
        let tree = self.0.tree();
        let Node::Choice(sender, range) = tree.node(node) else { return Vec::new() };
        let moves = tree.branches_of(range).iter().map(|branch| Move {
            from: sender.clone(),
            to: branch.peer.clone(),
            label: branch.label.clone(),
            sort: branch.payload.sort().clone(),
            next: tree.unfold(branch.next),
        });
        moves.collect()
    }

    /// The nodes after a run; `None` if it is no run.
    pub fn replay(&self, steps: &[Step]) -> Option<NodeId> {
        let mut node = self.root();
        for step in steps {
            node = self.moves(node).into_iter().find(|taken| taken.is(step))?.next;
        }
        Some(node)
    }

    /// All nodes behind messages that the role does not see.
    pub fn silently(&self, role: &Name, from: BTreeSet<NodeId>) -> BTreeSet<NodeId> {
        let mut nodes = from;
        loop {
            let mut more = nodes.clone();
            for node in &nodes {
                let unseen = self.moves(*node).into_iter().filter(|m| m.seen_by(role).is_none());
                more.extend(unseen.map(|taken| taken.next));
            }
            if more.len() == nodes.len() {
                return nodes;
            }
            nodes = more;
        }
    }

    /// Where the run may be when a role has seen this word.
    pub fn after(&self, role: &Name, word: &[String]) -> BTreeSet<NodeId> {
        let mut nodes = self.silently(role, BTreeSet::from([self.root()]));
        for seen in word {
            let moves = nodes.iter().flat_map(|node| self.moves(*node));
            let next = moves.filter(|m| m.seen_by(role).as_ref() == Some(seen)).map(|m| m.next);
            nodes = self.silently(role, next.collect());
        }
        nodes
    }

    /// What a role may do next when it has seen this word.
    pub fn next(&self, role: &Name, word: &[String]) -> BTreeSet<String> {
        let nodes = self.after(role, word);
        nodes.iter().flat_map(|node| self.moves(*node)).filter_map(|m| m.seen_by(role)).collect()
    }

    /// Whether a role does nothing more from a node on, however the run goes on.
    pub fn is_over(&self, role: &Name, node: NodeId) -> bool {
        let reached = self.silently(role, BTreeSet::from([node]));
        reached.iter().flat_map(|node| self.moves(*node)).all(|m| m.seen_by(role).is_none())
    }

    /// Whether there is a run of which every role has seen a beginning. With `whole`: a finished
    /// run of which every role has seen all.
    pub fn is_joint(&self, words: &[Word], whole: bool) -> bool {
        let roles = self.0.roles();
        let start = (self.root(), vec![0; roles.len()]);
        let mut known = BTreeSet::from([start.clone()]);
        let mut queue = VecDeque::from([start]);
        while let Some((node, seen)) = queue.pop_front() {
            let all = seen.iter().zip(words).all(|(seen, word)| *seen == word.len());
            if all && (!whole || self.moves(node).is_empty()) {
                return true;
            }
            'moves: for taken in self.moves(node) {
                let mut seen = seen.clone();
                for (index, role) in roles.iter().enumerate() {
                    let Some(event) = taken.seen_by(role) else { continue };
                    match words[index].get(seen[index]) {
                        Some(done) if *done == event => seen[index] += 1,
                        None if !whole => {}
                        _ => continue 'moves,
                    }
                }
                let place = (taken.next, seen);
                if known.insert(place.clone()) {
                    queue.push_back(place);
                }
            }
        }
        false
    }

    /// All runs of up to `length` messages that cannot go on, or are that long.
    pub fn runs(&self, length: usize, most: usize) -> Vec<Vec<Move>> {
        let (mut done, mut open) = (Vec::new(), vec![(self.root(), Vec::new())]);
        while let Some((node, run)) = open.pop() {
            let moves = self.moves(node);
            if moves.is_empty() || run.len() == length {
                done.push(run);
                if done.len() == most {
                    break;
                }
                continue;
            }
            for taken in moves {
                let mut run = run.clone();
                run.push(taken.clone());
                open.push((taken.next, run));
            }
        }
        done
    }

    /// What a role sees of a run.
    pub fn word(role: &Name, run: &[Move]) -> Word {
        run.iter().filter_map(|taken| taken.seen_by(role)).collect()
    }
}
