//! Sorts out of JSON: a table in which parts stand before wholes.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

use hashbrown::HashSet;
use serde_json::value::RawValue;

use super::raw::{self, Kinded, SortKind};
use super::read::Reader;
use crate::types::diagnostics::{Code, Diagnostic};
use crate::types::local::LocalType;
use crate::types::name::Name;
use crate::types::sort::{CHAN_DEPTH_MAX, Sort, SortBuilder, SortNode};
use crate::types::tree::NODES_MAX;

/// The sorts of one type, by their index in JSON. Parts may be shared here; in a [`Sort`] they are
/// not, so that its size is known before it is made.
#[derive(Default)]
pub(super) struct Table {
    builder: SortBuilder,
    sizes: Vec<u64>,
    made: Vec<Option<Sort>>,
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.sizes.len()
    }

    /// How many constructors a sort has, written out.
    pub(super) fn size(&self, index: u32) -> u64 {
        self.sizes[index as usize]
    }

    /// The sort itself; made once, then shared.
    pub(super) fn sort(&mut self, index: u32) -> Sort {
        let made = &mut self.made[index as usize];
        made.get_or_insert_with(|| self.builder.finish_at(index)).clone()
    }

    fn push(&mut self, node: SortNode) {
        let parts = match &node {
            SortNode::List(part) | SortNode::Optional(part) => self.size(*part),
            SortNode::Record(fields) => {
                fields.iter().map(|(_, part)| self.size(*part)).fold(0, u64::saturating_add)
            }
            SortNode::Chan(local) => weight(local),
            _ => 0,
        };
        self.sizes.push(parts.saturating_add(1));
        self.made.push(None);
        self.builder.push(node);
    }
}

/// How much a local type adds to the sorts that contain it.
fn weight(local: &LocalType) -> u64 {
    let tree = local.tree();
    let payloads = tree.branches().iter().map(|branch| weight_of_sort(branch.payload.sort()));
    (tree.nodes().len() as u64).saturating_add(payloads.fold(0, u64::saturating_add))
}

/// How many constructors a sort has, with those of the types in it.
pub(in crate::types::syntax) fn weight_of_sort(sort: &Sort) -> u64 {
    let nodes = sort.nodes().iter().map(|node| match node {
        SortNode::Chan(inner) => weight(inner).saturating_add(1),
        _ => 1,
    });
    nodes.fold(0, u64::saturating_add)
}

impl<'a> Reader<'a> {
    /// A single sort, with the table it is made from.
    pub(super) fn sort_document(&mut self, whole: &'a RawValue) -> Option<Sort> {
        let document = self.source.object(whole);
        let raw::SortDocument { sorts, root } = self.keep(document)?;
        let mut table = self.table(sorts.0, 0)?;
        let root = self.reference(root, table.len(), "sort")?;
        self.spend(table.size(root), self.source.span(whole))?;
        Some(table.sort(root))
    }

    /// The sorts of a type that stands `depth` deep in `chan`s; nothing if one of them is wrong.
    pub(super) fn table(&mut self, list: Vec<&'a RawValue>, depth: usize) -> Option<Table> {
        if let Some(more) = list.get(NODES_MAX) {
            let text = format!("there are more than {NODES_MAX} sorts");
            self.found.push(Diagnostic::new(Code::TooLarge, self.source.span(more), text));
            return None;
        }
        let mut table = Table::default();
        let mut whole = true;
        for (index, raw) in list.into_iter().enumerate() {
            let node = self.sort_node(raw, index, depth);
            whole &= node.is_some();
            // Something has to stand in its place, so that what follows can be read.
            table.push(node.unwrap_or(SortNode::Unit));
        }
        whole.then_some(table)
    }

    /// The sort at `index`: its parts stand before it.
    fn sort_node(&mut self, raw: &'a RawValue, index: usize, depth: usize) -> Option<SortNode> {
        let kinded = self.source.object(raw);
        let Kinded { kind } = self.keep(kinded)?;
        let bare = match kind {
            SortKind::Unit => SortNode::Unit,
            SortKind::Bool => SortNode::Bool,
            SortKind::Int => SortNode::Int,
            SortKind::Nat => SortNode::Nat,
            SortKind::Float => SortNode::Float,
            SortKind::String => SortNode::String,
            SortKind::Bytes => SortNode::Bytes,
            SortKind::List => return self.wrapped(raw, index).map(SortNode::List),
            SortKind::Optional => return self.wrapped(raw, index).map(SortNode::Optional),
            SortKind::Record => return self.record(raw, index),
            SortKind::Named => {
                let named = self.source.object(raw);
                let raw::Named { name, .. } = self.keep(named)?;
                return Some(SortNode::Named(name.0));
            }
            SortKind::Chan => return self.chan(raw, depth),
        };
        let read = self.source.object(raw);
        let raw::Bare { .. } = self.keep(read)?;
        Some(bare)
    }

    fn wrapped(&mut self, raw: &'a RawValue, index: usize) -> Option<u32> {
        let wrapping = self.source.object(raw);
        let raw::Wrapping { item, .. } = self.keep(wrapping)?;
        self.part(item, index)
    }

    fn record(&mut self, raw: &'a RawValue, index: usize) -> Option<SortNode> {
        let record = self.source.object(raw);
        let raw::Record { fields: list, .. } = self.keep(record)?;
        let mut names: HashSet<Name> = HashSet::new();
        let mut fields = Vec::new();
        for raw in list.0 {
            let field = self.source.object(raw);
            let raw::Field { name, sort } = self.keep(field)?;
            let part = self.part(sort, index)?;
            if !names.insert(name.0.clone()) {
                self.field_twice(&name.0, self.source.span(raw), "fields");
                return None;
            }
            fields.push((name.0, part));
        }
        Some(SortNode::Record(fields.into_boxed_slice()))
    }

    fn chan(&mut self, raw: &'a RawValue, depth: usize) -> Option<SortNode> {
        let span = self.source.span(raw);
        if depth == CHAN_DEPTH_MAX {
            let text = format!("`chan` stands more than {CHAN_DEPTH_MAX} deep inside `chan`");
            self.found.push(Diagnostic::new(Code::TooDeep, span, text));
            return None;
        }
        let chan = self.source.object(raw);
        let raw::Chan { local, .. } = self.keep(chan)?;
        let local = self.local_type(local, depth + 1)?;
        Some(SortNode::Chan(Box::new(local)))
    }

    /// The index of a part of the sort at `whole`.
    fn part(&mut self, raw: &'a RawValue, whole: usize) -> Option<u32> {
        let index = self.source.value(raw);
        let raw::Index(index) = self.keep(index)?;
        if (index as usize) < whole {
            return Some(index);
        }
        let text = format!("sort {whole} refers to sort {index}, which does not stand before it");
        self.found.push(
            Diagnostic::new(Code::JsonShape, self.source.span(raw), text)
                .remedy("put the parts of a sort before it"),
        );
        None
    }
}
