//! The binders around a place in a type: which one a variable means, whether it is guarded there,
//! and under which name it is printed.
//!
//! Every question is answered by a table, so that checking a type takes time by its size, however
//! deep its binders stand in each other.

use alloc::vec::Vec;

use hashbrown::{HashMap, HashSet};

use super::draft::DraftId;
use super::name::Name;
use super::tree::NodeId;

/// One binder.
pub(super) struct Scope {
    /// The name it has in the tree.
    pub(super) name: Name,
    pub(super) node: NodeId,
    /// Whether an action stands between the binder and the place.
    pub(super) guarded: bool,
    /// The name it was written with.
    written: Name,
    draft: DraftId,
}

/// What [`Scopes::guard`] changed.
pub(super) struct Guard {
    below: usize,
    open: Vec<usize>,
}

/// The binders around the place where the check is, outermost first.
#[derive(Default)]
pub(super) struct Scopes {
    list: Vec<Scope>,
    by_draft: HashMap<DraftId, usize>,
    by_written: HashMap<Name, Vec<usize>>,
    taken: HashSet<Name>,
    /// The last number that was put behind a name. It only grows, so that no number is tried twice.
    numbers: HashMap<Name, usize>,
    /// The scopes up to here are guarded; those above may not be.
    guarded_below: usize,
}

impl Scopes {
    /// Enters a binder. Its name in the tree is the written one, or one close to it that no binder
    /// around it has.
    pub(super) fn enter(&mut self, written: &Name, draft: DraftId, node: NodeId) -> Name {
        let name = self.fresh(written);
        let index = self.list.len();
        self.by_draft.insert(draft, index);
        self.by_written.entry(written.clone()).or_default().push(index);
        self.taken.insert(name.clone());
        let written = written.clone();
        self.list.push(Scope { name: name.clone(), node, guarded: false, written, draft });
        name
    }

    /// Leaves the innermost binder.
    pub(super) fn leave(&mut self) {
        let Some(scope) = self.list.pop() else { return };
        self.by_draft.remove(&scope.draft);
        self.taken.remove(&scope.name);
        if let Some(indices) = self.by_written.get_mut(&scope.written) {
            indices.pop();
        }
    }

    /// Behind an action every binder is guarded, until [`unguard`](Self::unguard).
    pub(super) fn guard(&mut self) -> Guard {
        let below = self.guarded_below;
        let open: Vec<usize> =
            (below..self.list.len()).filter(|index| !self.list[*index].guarded).collect();
        open.iter().for_each(|index| self.list[*index].guarded = true);
        self.guarded_below = self.list.len();
        Guard { below, open }
    }

    /// Back to what was before the action.
    pub(super) fn unguard(&mut self, guard: Guard) {
        self.guarded_below = guard.below;
        guard.open.into_iter().for_each(|index| self.list[index].guarded = false);
    }

    /// The innermost binder that was written with this name.
    pub(super) fn named(&self, written: &Name) -> Option<&Scope> {
        self.by_written.get(written)?.last().map(|index| &self.list[*index])
    }

    /// Exactly this binder.
    pub(super) fn at(&self, draft: DraftId) -> Option<&Scope> {
        self.by_draft.get(&draft).map(|index| &self.list[*index])
    }

    fn fresh(&mut self, written: &Name) -> Name {
        if !self.taken.contains(written) {
            return written.clone();
        }
        let number = self.numbers.entry(written.clone()).or_default();
        loop {
            *number += 1;
            let name = written.numbered(*number);
            if !self.taken.contains(&name) {
                return name;
            }
        }
    }
}
