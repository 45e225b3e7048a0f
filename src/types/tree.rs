//! The shape that global and local types share: choices, recursion, end, in one flat array.
//!
//! A [`Draft`](super::Draft) is what a reader or a builder puts together, in any order, right or
//! wrong. A [`Tree`] is what [`Draft::check`](super::Draft::check) makes of it: closed, guarded,
//! with distinct branches, parents before children. Because of that order every pass over a tree is
//! a loop, never a recursion.

use alloc::vec::Vec;
use core::fmt;
use core::hash::Hash;
use core::ops::Range;

use super::diagnostics::Span;
use super::name::Name;
use super::sort::Payload;

/// The most nodes or branches that one type may have.
pub const NODES_MAX: usize = 1_000_000;

/// Names that the notation of local types keeps for itself: no role, no variable is called so.
pub const RESERVED: [&str; 3] = ["end", "mu", "rec"];

/// The index of a node in its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    /// The root of every tree.
    pub const ROOT: Self = Self(0);

    /// As an index into per-node tables.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn of(index: usize) -> Self {
        Self(u32::try_from(index).expect("NODES_MAX fits"))
    }
}

/// What stands at the head of a choice: the sender (global) or the direction (local).
pub trait Head: Clone + PartialEq + Eq + Hash + fmt::Debug {
    /// The role that acts in every branch, where the head names it.
    fn sender(&self) -> Option<&Name>;
}

/// One point of a type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Node<H> {
    /// Nothing more happens.
    End,
    /// Goes back to the binder.
    Var(NodeId),
    /// Binds a variable; the name is what is printed.
    Rec(Name, NodeId),
    /// One of several messages, by their place in [`Tree::branches`]; never empty.
    Choice(H, Range<u32>),
}

/// One branch of a choice: a message and what follows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Branch {
    /// The other role: the receiver in a global type, the partner in a local one.
    pub peer: Name,
    /// The message's name.
    pub label: Name,
    /// What it carries.
    pub payload: Payload,
    /// What follows.
    pub next: NodeId,
}

/// A checked type: closed, guarded, its choices not empty and their branches distinct. Node 0 is
/// the root; every node stands behind its parent and is referred to once.
#[derive(Debug, Clone)]
pub struct Tree<H> {
    pub(super) nodes: Vec<Node<H>>,
    pub(super) branches: Vec<Branch>,
    pub(super) node_spans: Vec<Span>,
    pub(super) branch_spans: Vec<Span>,
}

// Where something was written is no part of what it is.
impl<H: PartialEq> PartialEq for Tree<H> {
    fn eq(&self, other: &Self) -> bool {
        self.nodes == other.nodes && self.branches == other.branches
    }
}

impl<H: Eq> Eq for Tree<H> {}

impl<H: Hash> Hash for Tree<H> {
    fn hash<S: core::hash::Hasher>(&self, state: &mut S) {
        self.nodes.hash(state);
        self.branches.hash(state);
    }
}

impl<H> Tree<H> {
    /// All nodes, parents before children.
    #[must_use]
    pub fn nodes(&self) -> &[Node<H>] {
        &self.nodes
    }

    /// The node `id`.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node<H> {
        &self.nodes[id.index()]
    }

    /// The branches of all choices.
    #[must_use]
    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }

    /// The branches of one choice.
    #[must_use]
    pub fn branches_of(&self, range: &Range<u32>) -> &[Branch] {
        &self.branches[range.start as usize..range.end as usize]
    }

    /// Where a node was written.
    #[must_use]
    pub fn node_span(&self, id: NodeId) -> Span {
        self.node_spans[id.index()]
    }

    /// Where a branch was written, by its index in [`Self::branches`].
    #[must_use]
    pub fn branch_span(&self, index: usize) -> Span {
        self.branch_spans[index]
    }

    /// The choice or end that a node stands for: `rec` is entered, a variable followed. Ends,
    /// because checked types are guarded.
    #[must_use]
    pub fn unfold(&self, mut id: NodeId) -> NodeId {
        loop {
            match &self.nodes[id.index()] {
                Node::Rec(_, body) => id = *body,
                Node::Var(binder) => id = *binder,
                Node::End | Node::Choice(..) => return id,
            }
        }
    }

    /// How deep `chan` stands inside `chan` here.
    #[must_use]
    pub fn chan_depth(&self) -> usize {
        let depth = |branch: &Branch| branch.payload.sort().chan_depth();
        self.branches.iter().map(depth).max().unwrap_or(0)
    }
}
