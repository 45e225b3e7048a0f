//! Local types while they are read: nodes in one array, children first.

use alloc::vec::Vec;

use super::ast::Placed;
use crate::types::diagnostics::Span;
use crate::types::draft::{Draft, DraftBranch, DraftId};
use crate::types::local::Direction;
use crate::types::name::Name;
use crate::types::sort::Payload;

/// An argument of a message: its name, if it has one, and the index of its sort.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: Option<Placed<Name>>,
    pub(crate) sort: u32,
}

/// `P!l(S)`.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) peer: Name,
    pub(crate) direction: Direction,
    pub(crate) label: Name,
    pub(crate) payload: Payload,
    pub(crate) span: Span,
}

/// `l(S) . T` among the branches of one partner.
#[derive(Debug)]
pub(crate) struct Labelled {
    pub(crate) label: Placed<Name>,
    pub(crate) fields: Vec<Field>,
    pub(crate) next: u32,
}

/// What stands before a dot.
#[derive(Debug)]
pub(crate) enum Prefix {
    Message(Message),
    Rec(Placed<Name>),
}

#[derive(Debug)]
enum Node {
    End,
    Var(Name),
    Rec(Name, u32),
    Choice(Direction, Vec<DraftBranch>),
}

/// The nodes of the local types that are being read. Those of a `chan(…)` stand behind those of
/// the type around it, and are taken off when it closes.
#[derive(Debug, Default)]
pub(crate) struct Locals {
    nodes: Vec<(Node, Span)>,
}

impl Locals {
    /// Where the nodes of a type that begins now will stand.
    pub(crate) fn mark(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn end(&mut self, span: Span) -> u32 {
        self.push(Node::End, span)
    }

    pub(crate) fn variable(&mut self, name: Placed<Name>) -> u32 {
        self.push(Node::Var(name.value), name.span)
    }

    pub(crate) fn choice(
        &mut self,
        direction: Direction,
        branches: Vec<DraftBranch>,
        span: Span,
    ) -> u32 {
        self.push(Node::Choice(direction, branches), span)
    }

    /// Puts `prefixes` before `tail`.
    pub(crate) fn chain(&mut self, prefixes: Vec<Prefix>, tail: u32) -> u32 {
        prefixes.into_iter().rev().fold(tail, |next, prefix| match prefix {
            Prefix::Rec(name) => self.push(Node::Rec(name.value, next), name.span),
            Prefix::Message(message) => {
                let (direction, span) = (message.direction, message.span);
                self.choice(direction, Vec::from([message.branch(next)]), span)
            }
        })
    }

    /// Takes off the type `root`, whose nodes stand behind `mark`.
    pub(crate) fn take(&mut self, mark: usize, root: u32) -> (Draft<Direction>, DraftId) {
        let base = u32::try_from(mark).unwrap_or(u32::MAX);
        let own = |index: u32| DraftId::of(index - base);
        let mut draft = Draft::default();
        for (node, span) in self.nodes.drain(mark..) {
            match node {
                Node::End => draft.end(span),
                Node::Var(name) => draft.var(name, span),
                Node::Rec(name, body) => draft.rec(name, own(body), span),
                Node::Choice(direction, mut branches) => {
                    for branch in &mut branches {
                        branch.next = DraftId::of(branch.next.index() as u32 - base);
                    }
                    draft.choice(direction, branches, span)
                }
            };
        }
        (draft, own(root))
    }

    fn push(&mut self, node: Node, span: Span) -> u32 {
        self.nodes.push((node, span));
        u32::try_from(self.nodes.len() - 1).unwrap_or(u32::MAX)
    }
}

impl Message {
    /// As a branch that goes on with `next`.
    pub(crate) fn branch(self, next: u32) -> DraftBranch {
        let Self { peer, label, payload, span, .. } = self;
        DraftBranch { peer, label, payload, next: DraftId::of(next), span }
    }
}
