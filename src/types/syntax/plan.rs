//! A global or a local type under construction, with binders that may turn out not to be needed.

use alloc::vec::Vec;

use crate::types::diagnostics::Span;
use crate::types::draft::{Draft, DraftBranch, DraftId};
use crate::types::local::Direction;
use crate::types::name::Name;
use crate::types::sort::Payload;
use crate::types::tree::{Head, RESERVED};

/// A message and the place of what follows it.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) from: Name,
    pub(super) peer: Name,
    pub(super) label: Name,
    pub(super) payload: Payload,
    pub(super) next: u32,
    pub(super) span: Span,
}

#[derive(Debug)]
enum Node {
    End,
    Back(u32),
    /// `kept`: written by the user, or something goes back to it.
    Rec {
        name: Name,
        body: u32,
        kept: bool,
    },
    /// Never none.
    Choice(Vec<Branch>),
}

/// Places, each filled once; the first one is the root.
#[derive(Debug, Default)]
pub(super) struct Plan {
    nodes: Vec<(Node, Span)>,
    branches: usize,
}

impl Plan {
    pub(super) fn reserve(&mut self, span: Span) -> u32 {
        self.nodes.push((Node::End, span));
        u32::try_from(self.nodes.len() - 1).expect("work is bounded")
    }

    pub(super) fn back(&mut self, place: u32, binder: u32) {
        self.nodes[place as usize].0 = Node::Back(binder);
        if let Node::Rec { kept, .. } = &mut self.nodes[binder as usize].0 {
            *kept = true;
        }
    }

    /// Makes `place` a binder; the place of its body.
    pub(super) fn bind(&mut self, place: u32, name: Name, written: bool, span: Span) -> u32 {
        let body = self.reserve(span);
        // A protocol may be called like a keyword of local types, a variable may not.
        let name =
            if !written && RESERVED.contains(&name.as_str()) { name.numbered(1) } else { name };
        self.nodes[place as usize].0 = Node::Rec { name, body, kept: written };
        body
    }

    pub(super) fn choice(&mut self, place: u32, branches: Vec<Branch>) {
        self.branches += branches.len();
        self.nodes[place as usize].0 = Node::Choice(branches);
    }

    pub(super) fn span(&self, place: u32) -> Span {
        self.nodes[place as usize].1
    }

    pub(super) fn size(&self) -> usize {
        self.nodes.len().max(self.branches)
    }

    /// The global type: all branches of a choice have one sender.
    pub(super) fn global(self) -> (Draft<Name>, DraftId) {
        self.draft(|first| first.from.clone(), |_, branch| branch.peer)
    }

    /// The local type of `own`, who sends all messages of a choice, or receives all of them.
    pub(super) fn local(self, own: &Name) -> (Draft<Direction>, DraftId) {
        let direction =
            |first: &Branch| if first.from == *own { Direction::Send } else { Direction::Receive };
        self.draft(direction, |direction, branch| match direction {
            Direction::Send => branch.peer,
            Direction::Receive => branch.from,
        })
    }

    /// The draft without the binders that nothing goes back to; `head` is said by the first branch
    /// of a choice, and the partner of a branch by the head.
    fn draft<H: Head>(
        self,
        head: impl Fn(&Branch) -> H,
        peer: impl Fn(&H, Ends) -> Name,
    ) -> (Draft<H>, DraftId) {
        // A body stands behind its binder, so one pass from the end knows every target.
        let mut targets: Vec<u32> = (0..).take(self.nodes.len()).collect();
        for (index, (node, _)) in self.nodes.iter().enumerate().rev() {
            if let Node::Rec { body, kept: false, .. } = node {
                targets[index] = targets[*body as usize];
            }
        }
        let target = |place: u32| DraftId::of(targets[place as usize]);
        let mut draft = Draft::default();
        for (node, span) in self.nodes {
            match node {
                Node::End => draft.end(span),
                Node::Back(binder) => draft.back(target(binder), span),
                Node::Rec { name, body, .. } => draft.rec(name, target(body), span),
                Node::Choice(branches) => {
                    let head = head(&branches[0]);
                    let branches = branches.into_iter().map(|branch| {
                        let Branch { from, peer: to, label, payload, next, span } = branch;
                        let peer = peer(&head, Ends { from, peer: to });
                        DraftBranch { peer, label, payload, next: target(next), span }
                    });
                    let branches = branches.collect();
                    draft.choice(head, branches, span)
                }
            };
        }
        (draft, target(0))
    }
}

/// Who sends a message and who receives it.
struct Ends {
    from: Name,
    peer: Name,
}
