//! Global types: what all roles do together.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

use super::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use super::draft::{Draft, DraftId};
use super::name::Name;
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
