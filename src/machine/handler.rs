//! Bindings of handlers to edges. The machine only names handlers; the host owns them.

use alloc::vec;
use alloc::vec::Vec;

use super::id::Seq;
use crate::types::{EdgeIx, Name};

/// Which handler gets the messages of which edge. A session without bindings has none of this.
#[derive(Debug, Clone)]
pub(super) struct Handlers {
    pub(super) default: Option<Name>,
    /// By edge.
    pub(super) bound: Vec<Option<Name>>,
    /// Volatile: the next message of each edge that was not handed out yet.
    pub(super) delivered: Vec<Seq>,
}

impl Handlers {
    pub(super) fn new(edges: usize) -> Self {
        Self { default: None, bound: vec![None; edges], delivered: vec![Seq(0); edges] }
    }

    pub(super) fn bind(&mut self, edge: Option<EdgeIx>, handler: Option<Name>) {
        match edge {
            None => self.default = handler,
            Some(edge) => self.bound[edge.index()] = handler,
        }
        // What was handed out to one that is gone is handed out to the next one.
        for edge in 0..self.bound.len() {
            if self.of(edge).is_none() {
                self.delivered[edge] = Seq(0);
            }
        }
    }

    /// Whether anything is bound.
    pub(super) fn is_empty(&self) -> bool {
        self.default.is_none() && self.bound.iter().all(Option::is_none)
    }

    /// How many bindings there are.
    pub(super) fn len(&self) -> usize {
        core::iter::once(&self.default).chain(&self.bound).filter(|bound| bound.is_some()).count()
    }

    /// The bytes that it takes elsewhere.
    pub(super) fn heap(&self) -> usize {
        self.bound.capacity() * size_of::<Option<Name>>()
            + self.delivered.capacity() * size_of::<Seq>()
    }

    /// Who gets the messages of an edge.
    pub(super) fn of(&self, edge: usize) -> Option<&Name> {
        self.bound[edge].as_ref().or(self.default.as_ref())
    }
}
