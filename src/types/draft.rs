//! Types under construction: what readers and builders put together before it is checked.

use alloc::vec::Vec;

use super::diagnostics::Span;
use super::name::Name;
use super::sort::Payload;
use super::tree::Head;

/// The index of a node in its draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DraftId(u32);

impl DraftId {
    /// As a plain number.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// From a plain number; [`Draft::check`] reports one that names no node.
    #[must_use]
    pub fn of(index: u32) -> Self {
        Self(index)
    }
}

/// One branch of a choice of a draft.
#[derive(Debug, Clone)]
pub struct DraftBranch {
    /// The other role.
    pub peer: Name,
    /// The message's name.
    pub label: Name,
    /// What it carries.
    pub payload: Payload,
    /// What follows.
    pub next: DraftId,
    /// Where it was written.
    pub span: Span,
}

#[derive(Debug, Clone)]
pub(super) enum DraftNode<H> {
    End,
    Var(Name),
    Back(DraftId),
    Rec(Name, DraftId),
    Choice(H, Vec<DraftBranch>),
}

/// A type under construction; nothing is checked before [`Draft::check`](Self::check).
#[derive(Debug, Clone)]
pub struct Draft<H> {
    pub(super) nodes: Vec<(DraftNode<H>, Span)>,
    pub(super) branches: usize,
}

impl<H> Default for Draft<H> {
    fn default() -> Self {
        Self { nodes: Vec::new(), branches: 0 }
    }
}

impl<H: Head> Draft<H> {
    /// Nothing more happens.
    pub fn end(&mut self, span: Span) -> DraftId {
        self.push(DraftNode::End, span)
    }

    /// Goes back to the innermost enclosing binder of this name.
    pub fn var(&mut self, name: Name, span: Span) -> DraftId {
        self.push(DraftNode::Var(name), span)
    }

    /// Goes back to exactly this enclosing binder, whatever it is called.
    pub fn back(&mut self, binder: DraftId, span: Span) -> DraftId {
        self.push(DraftNode::Back(binder), span)
    }

    /// Binds `name` in `body`.
    pub fn rec(&mut self, name: Name, body: DraftId, span: Span) -> DraftId {
        self.push(DraftNode::Rec(name, body), span)
    }

    /// One of `branches`.
    pub fn choice(&mut self, head: H, branches: Vec<DraftBranch>, span: Span) -> DraftId {
        self.branches += branches.len();
        self.push(DraftNode::Choice(head, branches), span)
    }

    /// A place to be filled by [`set_rec`](Self::set_rec) or [`set_choice`](Self::set_choice): for
    /// builders that know a parent before its children.
    pub fn reserve(&mut self, span: Span) -> DraftId {
        self.push(DraftNode::End, span)
    }

    /// Makes a reserved place a way back to an enclosing binder.
    pub fn set_back(&mut self, id: DraftId, binder: DraftId) {
        self.nodes[id.index()].0 = DraftNode::Back(binder);
    }

    /// Makes a reserved place a binder.
    pub fn set_rec(&mut self, id: DraftId, name: Name, body: DraftId) {
        self.nodes[id.index()].0 = DraftNode::Rec(name, body);
    }

    /// Makes a reserved place a choice.
    pub fn set_choice(&mut self, id: DraftId, head: H, branches: Vec<DraftBranch>) {
        self.branches += branches.len();
        self.nodes[id.index()].0 = DraftNode::Choice(head, branches);
    }

    /// How many nodes and branches there are; readers stop at
    /// [`NODES_MAX`](super::tree::NODES_MAX).
    #[must_use]
    pub fn size(&self) -> usize {
        self.nodes.len().max(self.branches)
    }

    /// Where a node was written.
    #[must_use]
    pub fn span(&self, id: DraftId) -> Span {
        self.nodes.get(id.index()).map_or(Span::NONE, |(_, span)| *span)
    }

    fn push(&mut self, node: DraftNode<H>, span: Span) -> DraftId {
        self.nodes.push((node, span));
        DraftId(u32::try_from(self.nodes.len() - 1).unwrap_or(u32::MAX))
    }
}
