//! Local types: what one role does.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::build::LocalBuilder;
use super::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use super::draft::{Draft, DraftId};
use super::name::Name;
use super::tree::{Branch, Head, Node, NodeId, Tree};

/// Whether an action gives or takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Internal choice, `+` or `⊕`: the role picks what it sends.
    Send,
    /// External choice, `&`: the role takes what comes.
    Receive,
}

impl Direction {
    /// `!` or `?`.
    #[must_use]
    pub fn symbol(self) -> char {
        match self {
            Self::Send => '!',
            Self::Receive => '?',
        }
    }

    /// One word: `send` or `receive`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Receive => "receive",
        }
    }
}

impl Head for Direction {
    fn sender(&self) -> Option<&Name> {
        None
    }
}

/// `T ::= +{ q_i ! l_i(S_i) . T_i } | &{ q_i ? l_i(S_i) . T_i } | rec X . T | X | end`.
///
/// Always closed and guarded, with distinct branches (Honda, Yoshida, Carbone: "Multiparty
/// asynchronous session types", POPL 2008; here with choices over several partners).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LocalType {
    tree: Tree<Direction>,
}

impl LocalType {
    /// The type that does nothing.
    #[must_use]
    pub fn end() -> Self {
        let mut draft = Draft::default();
        let root = draft.end(Span::NONE);
        Self::from_draft(&draft, root).expect("`end` is a type")
    }

    /// Checks a draft.
    ///
    /// # Errors
    /// What [`Draft::check`] finds.
    pub fn from_draft(draft: &Draft<Direction>, root: DraftId) -> Result<Self, Diagnostics> {
        Ok(Self { tree: draft.check(root)? })
    }

    /// The nodes.
    #[must_use]
    pub fn tree(&self) -> &Tree<Direction> {
        &self.tree
    }

    /// Whether it is `end`.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self.tree.node(self.tree.unfold(NodeId::ROOT)), Node::End)
    }

    /// The partners it names, each once, in order of appearance.
    #[must_use]
    pub fn peers(&self) -> Vec<&Name> {
        let mut peers: Vec<&Name> = Vec::new();
        for branch in self.tree.branches() {
            if !peers.contains(&&branch.peer) {
                peers.push(&branch.peer);
            }
        }
        peers
    }

    /// How deep `chan` stands inside `chan` here.
    #[must_use]
    pub fn chan_depth(&self) -> usize {
        self.tree.chan_depth()
    }

    /// The same type with every send a receive and the other way round. Its own inverse.
    #[must_use]
    pub fn dual(&self) -> Self {
        let mut builder = LocalBuilder::default();
        let root = builder.copy(self, |direction| match direction {
            Direction::Send => Direction::Receive,
            Direction::Receive => Direction::Send,
        });
        builder.finish(root).expect("the dual of a type is a type")
    }
}

impl fmt::Display for LocalType {
    /// On one line, in the notation that is read back to the same type (TYPE-12).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        enum Step<'a> {
            Node(NodeId),
            Branch(&'a Branch, Option<char>),
            Text(&'static str),
        }
        let tree = &self.tree;
        let mut stack = alloc::vec![Step::Node(NodeId::ROOT)];
        while let Some(step) = stack.pop() {
            match step {
                Step::Text(text) => f.write_str(text)?,
                Step::Branch(branch, named) => {
                    if let Some(symbol) = named {
                        write!(f, "{}{symbol}", branch.peer)?;
                    }
                    write!(f, "{}{} . ", branch.label, branch.payload)?;
                    stack.push(Step::Node(branch.next));
                }
                Step::Node(id) => match tree.node(id) {
                    Node::End => f.write_str("end")?,
                    Node::Var(binder) => {
                        let Node::Rec(name, _) = tree.node(*binder) else {
                            unreachable!("a variable goes back to a binder");
                        };
                        write!(f, "{name}")?;
                    }
                    Node::Rec(name, body) => {
                        write!(f, "rec {name} . ")?;
                        stack.push(Step::Node(*body));
                    }
                    Node::Choice(direction, range) => {
                        let branches = tree.branches_of(range);
                        let directed = branches.iter().all(|b| b.peer == branches[0].peer);
                        let symbol = direction.symbol();
                        match (branches, directed) {
                            ([only], _) => stack.push(Step::Branch(only, Some(symbol))),
                            (_, true) => {
                                write!(f, "{}{symbol}{{ ", branches[0].peer)?;
                                push_branches(&mut stack, branches, None);
                            }
                            (_, false) => {
                                let open = if symbol == '!' { "+{ " } else { "&{ " };
                                f.write_str(open)?;
                                push_branches(&mut stack, branches, Some(symbol));
                            }
                        }
                    }
                },
            }
        }
        fn push_branches<'a>(stack: &mut Vec<Step<'a>>, list: &'a [Branch], named: Option<char>) {
            stack.push(Step::Text(" }"));
            for (index, branch) in list.iter().enumerate().rev() {
                stack.push(Step::Branch(branch, named));
                if index > 0 {
                    stack.push(Step::Text(", "));
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for LocalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

/// A declared set of local types, one a role, in the order of declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalTypes {
    roles: Box<[(Name, LocalType)]>,
}

impl LocalTypes {
    /// TYPE-5, TYPE-10: checks that roles are distinct, that every partner is declared, and that
    /// nobody speaks to itself; a role that does nothing is a warning.
    ///
    /// # Errors
    /// `no_protocol`, `duplicate_role`, `unknown_role`, `self_message`, `reserved_name`.
    pub fn new(
        roles: impl IntoIterator<Item = (Name, LocalType)>,
    ) -> Result<(Self, Diagnostics), Diagnostics> {
        let roles = roles.into_iter().map(|(name, local)| (name, Span::NONE, local));
        Self::with_spans(roles)
    }

    /// As [`new`](Self::new), for readers that know where each role was declared.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_spans(
        roles: impl IntoIterator<Item = (Name, Span, LocalType)>,
    ) -> Result<(Self, Diagnostics), Diagnostics> {
        let roles: Vec<(Name, Span, LocalType)> = roles.into_iter().collect();
        let mut found = Diagnostics::default();
        if roles.is_empty() {
            found.push(Diagnostic::new(Code::NoProtocol, Span::NONE, "no role is declared"));
        }
        super::protocol::check_roles(roles.iter().map(|(name, span, _)| (name, *span)), &mut found);
        for (owner, span, local) in &roles {
            let tree = local.tree();
            for (index, branch) in tree.branches().iter().enumerate() {
                let at = tree.branch_span(index);
                if branch.peer == *owner {
                    let text = alloc::format!("`{owner}` exchanges `{}` with itself", branch.label);
                    found.push(
                        Diagnostic::new(Code::SelfMessage, at, text)
                            .remedy("name another role: a message goes from one role to another"),
                    );
                } else if roles.iter().all(|(name, ..)| *name != branch.peer) {
                    let text = alloc::format!("role `{}` is not declared", branch.peer);
                    found.push(
                        Diagnostic::new(Code::UnknownRole, at, text)
                            .remedy("declare its local type, or correct the name"),
                    );
                }
            }
            if local.is_end() {
                found.push(super::protocol::never_acts(owner, *span));
            }
        }
        found.sort();
        if found.has_errors() {
            return Err(found);
        }
        let roles = roles.into_iter().map(|(name, _, local)| (name, local)).collect();
        Ok((Self { roles }, found))
    }

    /// The roles and their types.
    #[must_use]
    pub fn roles(&self) -> &[(Name, LocalType)] {
        &self.roles
    }
}

impl fmt::Display for LocalTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.roles.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, local) in &self.roles {
            writeln!(f, "{:width$} = {local}", name.as_str())?;
        }
        Ok(())
    }
}
