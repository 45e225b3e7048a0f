//! Checks on one type: from a [`Draft`] to a [`Tree`], with everything that is wrong on the way.
//!
//! Clauses: TYPE-1 to TYPE-8.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use super::draft::{Draft, DraftBranch, DraftId, DraftNode};
use super::name::Name;
use super::scope::{Guard, Scope, Scopes};
use super::sort::CHAN_DEPTH_MAX;
use super::tree::{Branch, Head, NODES_MAX, Node, NodeId, RESERVED, Tree};

impl<H: Head> Draft<H> {
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
                    .remedy("name another role: a message goes from one role to another"),
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
                let text = format!(
                    "two branches have the label `{}` and the partner `{}`",
                    two.label, two.peer
                );
                self.found.push(
                    Diagnostic::new(Code::DuplicateBranch, two.span, text)
                        .note(one.span, "the first one")
                        .remedy("give each branch a label of its own, or begin them as one branch and decide later"),
                );
            }
        }
    }

    fn variable(
        &mut self,
        at: NodeId,
        span: Span,
        found: impl Fn(&Scopes) -> Option<&Scope>,
        shown: impl Fn() -> String,
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

    fn shape(&mut self, span: Span, text: String) {
        self.found.push(Diagnostic::new(Code::JsonShape, span, text));
    }
}
