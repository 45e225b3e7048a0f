//! The shape that global and local types share: choices, recursion, end, in one flat array.
//!
//! A [`Draft`] is what a reader or a builder puts together, in any order, right or wrong. A
//! [`Tree`] is what [`Draft::check`] makes of it: closed, guarded, with distinct branches, parents
//! before children. Because of that order every pass over a tree is a loop, never a recursion.
//!
//! Clauses: TYPE-1 to TYPE-8. Lean twin: `Types/Tree.lean` (to come).

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::hash::Hash;
use core::ops::Range;

use super::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use super::name::Name;
use super::scope::{Guard, Scope, Scopes};
use super::sort::{CHAN_DEPTH_MAX, Payload};

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
    nodes: Vec<Node<H>>,
    branches: Vec<Branch>,
    node_spans: Vec<Span>,
    branch_spans: Vec<Span>,
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
enum DraftNode<H> {
    End,
    Var(Name),
    Back(DraftId),
    Rec(Name, DraftId),
    Choice(H, Vec<DraftBranch>),
}

/// A type under construction; nothing is checked before [`Draft::check`].
#[derive(Debug, Clone)]
pub struct Draft<H> {
    nodes: Vec<(DraftNode<H>, Span)>,
    branches: usize,
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

    /// How many nodes and branches there are; readers stop at [`NODES_MAX`].
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

    /// Checks everything that can be said of one type and puts its nodes in order.
    ///
    /// # Errors
    /// All of: `unbound_variable`, `unguarded_recursion`, `empty_choice`, `duplicate_branch`,
    /// `self_message`, `reserved_name`, `too_large`, `json_shape` (a node used twice or missing).
    pub fn check(&self, root: DraftId) -> Result<Tree<H>, Diagnostics> {
        let mut check = Check::new(self);
        check.run(root);
        if check.found.has_errors() {
            check.found.sort();
            Err(check.found)
        } else {
            Ok(check.tree)
        }
    }
}

enum Step {
    /// Copy this node; the slot says who refers to it.
    Enter(DraftId, Slot),
    /// Leave the innermost binder.
    Leave,
    /// Forget that an action was passed.
    Unguard(Guard),
}

enum Slot {
    Root,
    Body(NodeId),
    Next(usize),
}

struct Check<'a, H> {
    draft: &'a Draft<H>,
    tree: Tree<H>,
    found: Diagnostics,
    seen: Vec<bool>,
    scopes: Scopes,
}

impl<'a, H: Head> Check<'a, H> {
    fn new(draft: &'a Draft<H>) -> Self {
        let tree = Tree {
            nodes: Vec::with_capacity(draft.nodes.len()),
            branches: Vec::with_capacity(draft.branches),
            node_spans: Vec::with_capacity(draft.nodes.len()),
            branch_spans: Vec::with_capacity(draft.branches),
        };
        let seen = vec![false; draft.nodes.len()];
        Self { draft, tree, found: Diagnostics::default(), seen, scopes: Scopes::default() }
    }

    fn run(&mut self, root: DraftId) {
        // TYPE-8: types have limits.
        if self.draft.size() > NODES_MAX {
            let message = format!("the type has more than {NODES_MAX} nodes");
            self.found.push(Diagnostic::new(Code::TooLarge, Span::NONE, message));
            return;
        }
        let mut stack = vec![Step::Enter(root, Slot::Root)];
        while let Some(step) = stack.pop() {
            match step {
                Step::Leave => self.scopes.leave(),
                Step::Unguard(guard) => self.scopes.unguard(guard),
                Step::Enter(id, slot) => self.enter(id, &slot, &mut stack),
            }
        }
    }

    fn enter(&mut self, id: DraftId, slot: &Slot, stack: &mut Vec<Step>) {
        let Some((node, span)) = self.draft.nodes.get(id.index()) else {
            self.shape(Span::NONE, format!("there is no node {}", id.index()));
            return;
        };
        // TYPE-7: every node is referred to once.
        if core::mem::replace(&mut self.seen[id.index()], true) {
            self.shape(*span, format!("node {} is referred to twice", id.index()));
            return;
        }
        let at = self.place(slot, *span);
        match node {
            DraftNode::End => {}
            DraftNode::Var(name) => {
                self.variable(at, *span, |scopes| scopes.named(name), || format!("`{name}`"));
            }
            DraftNode::Back(binder) => {
                let shown = || format!("node {}", binder.index());
                self.variable(at, *span, |scopes| scopes.at(*binder), shown);
            }
            DraftNode::Rec(name, body) => {
                self.not_reserved(name, *span, "a recursion variable");
                let fresh = self.scopes.enter(name, id, at);
                self.tree.nodes[at.index()] = Node::Rec(fresh, at);
                stack.extend([Step::Leave, Step::Enter(*body, Slot::Body(at))]);
            }
            DraftNode::Choice(head, branches) => self.choice(at, head, branches, *span, stack),
        }
    }

    fn choice(
        &mut self,
        at: NodeId,
        head: &H,
        branches: &[DraftBranch],
        span: Span,
        stack: &mut Vec<Step>,
    ) {
        // TYPE-4: a choice has a branch.
        if branches.is_empty() {
            let text = "a choice needs at least one branch";
            self.found.push(
                Diagnostic::new(Code::EmptyChoice, span, text)
                    .remedy("write `end` where nothing more happens"),
            );
            return;
        }
        if let Some(sender) = head.sender() {
            self.not_reserved(sender, span, "a role");
        }
        let first = self.tree.branches.len();
        for branch in branches {
            self.branch(head, branch, &branches[0]);
            self.tree.branches.push(Branch {
                peer: branch.peer.clone(),
                label: branch.label.clone(),
                payload: branch.payload.clone(),
                next: at,
            });
            self.tree.branch_spans.push(branch.span);
        }
        self.distinct(branches);
        let range = |n: usize| u32::try_from(n).expect("NODES_MAX fits");
        let last = range(self.tree.branches.len());
        self.tree.nodes[at.index()] = Node::Choice(head.clone(), range(first)..last);

        // Behind this choice every enclosing binder is guarded; in its siblings again what it was.
        stack.push(Step::Unguard(self.scopes.guard()));
        let entries = branches.iter().enumerate().rev();
        stack.extend(entries.map(|(k, branch)| Step::Enter(branch.next, Slot::Next(first + k))));
    }

    fn branch(&mut self, head: &H, branch: &DraftBranch, first: &DraftBranch) {
        if core::ptr::eq(branch, first) || branch.peer != first.peer {
            self.not_reserved(&branch.peer, branch.span, "a role");
        }
        // TYPE-5: nobody speaks to itself.
        if head.sender() == Some(&branch.peer) {
            let text = format!("`{}` sends `{}` to itself", branch.peer, branch.label);
            self.found.push(
                Diagnostic::new(Code::SelfMessage, branch.span, text)
                    .remedy("a message goes from one role to another"),
            );
        }
        if branch.payload.sort().chan_depth() > CHAN_DEPTH_MAX {
            let text = format!("`chan` stands more than {CHAN_DEPTH_MAX} deep inside `chan`");
            self.found.push(Diagnostic::new(Code::TooDeep, branch.span, text));
        }
    }

    fn distinct(&mut self, branches: &[DraftBranch]) {
        let mut order: Vec<usize> = (0..branches.len()).collect();
        let key = |index: &usize| (&branches[*index].peer, &branches[*index].label);
        order.sort_by(|a, b| key(a).cmp(&key(b)).then(a.cmp(b)));
        for pair in order.windows(2) {
            let (one, two) = (&branches[pair[0]], &branches[pair[1]]);
            // TYPE-3: no two branches have the same partner and label.
            if one.peer == two.peer && one.label == two.label {
                let text = format!("two branches are `{}` with `{}`", two.label, two.peer);
                self.found.push(
                    Diagnostic::new(Code::DuplicateBranch, two.span, text)
                        .note(one.span, "the first one")
                        .remedy("give each branch a label of its own"),
                );
            }
        }
    }

    fn variable(
        &mut self,
        at: NodeId,
        span: Span,
        found: impl Fn(&Scopes) -> Option<&Scope>,
        shown: impl Fn() -> alloc::string::String,
    ) {
        match found(&self.scopes) {
            // TYPE-1: every variable has a binder around it.
            None => {
                let text = format!("nothing around here binds {}", shown());
                self.found.push(
                    Diagnostic::new(Code::UnboundVariable, span, text)
                        .remedy("bind it with `rec` around this place"),
                );
            }
            // TYPE-2: an action stands between a binder and its variables.
            Some(scope) if !scope.guarded => {
                let text = format!("`{}` comes back to itself without an action", scope.name);
                let binder = self.tree.node_spans[scope.node.index()];
                self.found.push(
                    Diagnostic::new(Code::UnguardedRecursion, span, text)
                        .note(binder, "bound here")
                        .remedy("put a message between the binder and the variable"),
                );
            }
            Some(scope) => self.tree.nodes[at.index()] = Node::Var(scope.node),
        }
    }

    fn place(&mut self, slot: &Slot, span: Span) -> NodeId {
        let at = NodeId::of(self.tree.nodes.len());
        self.tree.nodes.push(Node::End);
        self.tree.node_spans.push(span);
        match slot {
            Slot::Root => {}
            Slot::Next(branch) => self.tree.branches[*branch].next = at,
            Slot::Body(binder) => {
                if let Node::Rec(_, body) = &mut self.tree.nodes[binder.index()] {
                    *body = at;
                }
            }
        }
        at
    }

    fn not_reserved(&mut self, name: &Name, span: Span, what: &str) {
        // TYPE-6: keywords name nothing.
        if RESERVED.contains(&name.as_str()) {
            let text = format!("`{name}` is a keyword of local types and cannot name {what}");
            self.found.push(
                Diagnostic::new(Code::ReservedName, span, text).remedy("choose another name"),
            );
        }
    }

    fn shape(&mut self, span: Span, text: alloc::string::String) {
        self.found.push(Diagnostic::new(Code::JsonShape, span, text));
    }
}
