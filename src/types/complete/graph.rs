//! A global type as a graph: `rec` and variables followed, names as numbers. Shared by all roles.

use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashMap;

use crate::types::diagnostics::Span;
use crate::types::global::GlobalType;
use crate::types::name::Name;
use crate::types::sort::Sort;
use crate::types::tree::{Branch, Node, NodeId, Tree};

/// A role by its place among the roles of the global type.
pub(super) type RoleNo = u8;

/// One message of the global type: a branch of a choice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    /// The choice it is a branch of.
    pub(super) at: u32,
    /// Who sends it: the sender of that choice.
    pub(super) from: RoleNo,
    /// Who receives it.
    pub(super) to: RoleNo,
    /// The number of its label.
    pub(super) label: u32,
    /// The number of its label with its sort.
    pub(super) message: u32,
    /// The choice or end behind it.
    pub(super) next: u32,
}

/// What stands at a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    /// Nothing more.
    End,
    /// A choice of these links.
    Choice { sender: RoleNo, first: u32, past: u32 },
    /// A binder or a variable: no place where anything happens.
    Passed,
}

/// The graph. Nodes have the numbers they have in the tree, links those of the branches.
#[derive(Debug)]
pub(crate) struct Graph<'a> {
    pub(super) global: &'a GlobalType,
    pub(super) points: Vec<Point>,
    pub(super) links: Vec<Link>,
    pub(super) root: u32,
    roles: HashMap<&'a Name, RoleNo>,
    labels: HashMap<&'a Name, u32>,
    messages: HashMap<(u32, &'a Sort), u32>,
}

impl<'a> Graph<'a> {
    pub(crate) fn of(global: &'a GlobalType) -> Self {
        let tree = global.tree();
        let roles: HashMap<&Name, RoleNo> = global.roles().iter().zip(0..).collect();
        let mut labels: HashMap<&Name, u32> = HashMap::new();
        let mut messages: HashMap<(u32, &Sort), u32> = HashMap::new();
        let stands_for = unfolded(tree);
        let mut points = vec![Point::Passed; tree.nodes().len()];
        let mut links = Vec::with_capacity(tree.branches().len());
        for (index, node) in tree.nodes().iter().enumerate() {
            match node {
                Node::End => points[index] = Point::End,
                Node::Rec(..) | Node::Var(_) => {}
                Node::Choice(sender, range) => {
                    let sender = roles[sender];
                    points[index] = Point::Choice { sender, first: range.start, past: range.end };
                    debug_assert_eq!(links.len(), range.start as usize);
                    for branch in tree.branches_of(range) {
                        let fresh = number(labels.len());
                        let label = *labels.entry(&branch.label).or_insert(fresh);
                        let fresh = number(messages.len());
                        let sort = (label, branch.payload.sort());
                        let message = *messages.entry(sort).or_insert(fresh);
                        let (to, next) = (roles[&branch.peer], stands_for[branch.next.index()]);
                        let at = number(index);
                        links.push(Link { at, from: sender, to, label, message, next });
                    }
                }
            }
        }
        let root = stands_for[NodeId::ROOT.index()];
        Self { global, points, links, root, roles, labels, messages }
    }

    /// The number of a role.
    pub(crate) fn role(&self, name: &Name) -> Option<RoleNo> {
        self.roles.get(name).copied()
    }

    /// How many labels with sorts there are.
    pub(super) fn messages(&self) -> usize {
        self.messages.len()
    }

    /// The numbers of the partner, the label and the message of a branch of a local type, if the
    /// global type has them.
    pub(super) fn numbers(&self, branch: &Branch) -> Option<(RoleNo, u32, u32)> {
        let (peer, label) = (*self.roles.get(&branch.peer)?, *self.labels.get(&branch.label)?);
        Some((peer, label, *self.messages.get(&(label, branch.payload.sort()))?))
    }

    pub(super) fn name(&self, role: RoleNo) -> &'a Name {
        &self.global.roles()[usize::from(role)]
    }

    pub(super) fn link(&self, link: u32) -> &Link {
        &self.links[link as usize]
    }

    pub(super) fn point(&self, node: u32) -> Point {
        self.points[node as usize]
    }

    /// The links of a node; none at the end.
    pub(super) fn links_of(&self, node: u32) -> core::ops::Range<u32> {
        match self.point(node) {
            Point::Choice { first, past, .. } => first..past,
            Point::End | Point::Passed => 0..0,
        }
    }

    pub(super) fn branch(&self, link: u32) -> &'a Branch {
        &self.global.tree().branches()[link as usize]
    }

    pub(super) fn span(&self, link: u32) -> Span {
        self.global.tree().branch_span(link as usize)
    }
}

/// The choice or end that each node stands for, as [`Tree::unfold`] says for one of them.
pub(super) fn unfolded<H>(tree: &Tree<H>) -> Vec<u32> {
    let mut stands_for: Vec<u32> = (0..).take(tree.nodes().len()).collect();
    // First through the bodies, which stand behind their binders, …
    for (index, node) in tree.nodes().iter().enumerate().rev() {
        if let Node::Rec(_, body) = node {
            stands_for[index] = stands_for[body.index()];
        }
    }
    // … then back to the binders: a body that is a variable goes back to one further out.
    for index in 0..stands_for.len() {
        if let Node::Var(binder) = tree.nodes()[stands_for[index] as usize] {
            stands_for[index] = stands_for[binder.index()];
        }
    }
    stands_for
}

/// An index as a number: trees have at most `NODES_MAX` nodes and branches.
pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).expect("NODES_MAX fits")
}
