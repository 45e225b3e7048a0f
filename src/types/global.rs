//! Global types: what all roles do together.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

use super::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use super::draft::{Draft, DraftBranch, DraftId};
use super::local::named;
use super::name::Name;
use super::sort::Payload;
use super::tree::{Head, Node, Tree};

impl Head for Name {
    fn sender(&self) -> Option<&Name> {
        Some(self)
    }
}

/// `G ::= p -> { q_i : l_i(S_i) . G_i } | rec X . G | X | end`, with the roles of its declaration.
///
/// Choice is sender-driven: one role picks, and may speak to a different role in each branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobalType {
    name: Name,
    roles: Box<[Name]>,
    tree: Tree<Name>,
}

impl GlobalType {
    /// Checks a draft together with its declared roles.
    ///
    /// # Errors
    /// What [`Draft::check`] finds, and `duplicate_role`, `unknown_role`, `reserved_name`,
    /// `too_large` (roles). The diagnostics returned beside the type are warnings
    /// (`role_never_acts`).
    pub fn from_draft(
        name: Name,
        roles: Vec<(Name, Span)>,
        draft: &Draft<Name>,
        root: DraftId,
    ) -> Result<(Self, Diagnostics), Diagnostics> {
        let mut found = Diagnostics::default();
        super::protocol::check_roles(roles.iter().map(|(name, span)| (name, *span)), &mut found);
        let tree = match draft.check(root) {
            Ok(tree) => tree,
            Err(more) => {
                found.append(more);
                return Err(found);
            }
        };
        let mut acts: hashbrown::HashMap<&Name, bool> =
            roles.iter().map(|(name, _)| (name, false)).collect();
        let mut used = |role: &Name, span: Span| match acts.get_mut(role) {
            Some(acts) => *acts = true,
            None => found.push(
                Diagnostic::new(Code::UnknownRole, span, format!("role `{role}` is not declared"))
                    .remedy("add it to the roles of the protocol, or correct the name"),
            ),
        };
        for node in tree.nodes() {
            if let Node::Choice(sender, range) = node {
                used(sender, tree.branch_span(range.start as usize));
                let branches = range.clone().zip(tree.branches_of(range));
                branches.for_each(|(k, b)| used(&b.peer, tree.branch_span(k as usize)));
            }
        }
        let idle = roles.iter().filter(|(role, _)| acts.get(role) == Some(&false));
        idle.for_each(|(role, span)| found.push(super::protocol::never_acts(role, *span)));
        found.sort();
        if found.has_errors() {
            return Err(found);
        }
        let roles = roles.iter().map(|(role, _)| role.clone()).collect();
        Ok((Self { name, roles, tree }, found))
    }

    /// The protocol's name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The declared roles, in order.
    #[must_use]
    pub fn roles(&self) -> &[Name] {
        &self.roles
    }

    /// The nodes.
    #[must_use]
    pub fn tree(&self) -> &Tree<Name> {
        &self.tree
    }
}

/// Builds a global type in code, children first.
///
/// ```
/// use antiphon::types::{GlobalBuilder, Payload};
/// let mut b = GlobalBuilder::default();
/// let end = b.end();
/// let pong = b.message("B", "A", "pong", Payload::none(), end)?;
/// let ping = b.message("A", "B", "ping", Payload::none(), pong)?;
/// let global = b.finish("PingPong", ["A", "B"], ping)?;
/// assert_eq!(global.roles().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct GlobalBuilder {
    draft: Draft<Name>,
}

impl GlobalBuilder {
    /// Nothing more.
    pub fn end(&mut self) -> DraftId {
        self.draft.end(Span::NONE)
    }

    /// Goes back to the innermost binder of this name.
    ///
    /// # Errors
    /// `unexpected_token` if `name` is not a name.
    pub fn var(&mut self, name: &str) -> Result<DraftId, Diagnostics> {
        Ok(self.draft.var(named(name)?, Span::NONE))
    }

    /// `rec name . body`.
    ///
    /// # Errors
    /// `unexpected_token` if `name` is not a name.
    pub fn rec(&mut self, name: &str, body: DraftId) -> Result<DraftId, Diagnostics> {
        Ok(self.draft.rec(named(name)?, body, Span::NONE))
    }

    /// `from -> to : label(payload) . next`.
    ///
    /// # Errors
    /// `unexpected_token` if a name is not a name.
    pub fn message(
        &mut self,
        from: &str,
        to: &str,
        label: &str,
        payload: Payload,
        next: DraftId,
    ) -> Result<DraftId, Diagnostics> {
        self.choice(from, [(to, label, payload, next)])
    }

    /// `from` picks one of receiver, label, payload and what follows.
    ///
    /// # Errors
    /// `unexpected_token` if a name is not a name.
    pub fn choice<'a>(
        &mut self,
        from: &str,
        branches: impl IntoIterator<Item = (&'a str, &'a str, Payload, DraftId)>,
    ) -> Result<DraftId, Diagnostics> {
        let branch = |(peer, label, payload, next)| {
            let (peer, label) = (named(peer)?, named(label)?);
            Ok(DraftBranch { peer, label, payload, next, span: Span::NONE })
        };
        let branches: Vec<DraftBranch> =
            branches.into_iter().map(branch).collect::<Result<_, Diagnostics>>()?;
        Ok(self.draft.choice(named(from)?, branches, Span::NONE))
    }

    /// Checks what was built.
    ///
    /// # Errors
    /// What [`GlobalType::from_draft`] finds.
    pub fn finish<'a>(
        self,
        name: &str,
        roles: impl IntoIterator<Item = &'a str>,
        root: DraftId,
    ) -> Result<GlobalType, Diagnostics> {
        let role = |role| Ok((named(role)?, Span::NONE));
        let roles = roles.into_iter().map(role).collect::<Result<_, Diagnostics>>()?;
        Ok(GlobalType::from_draft(named(name)?, roles, &self.draft, root)?.0)
    }
}
