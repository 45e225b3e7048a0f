//! Types into JSON.

use alloc::vec::Vec;

use hashbrown::HashMap;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::VERSION;
use super::shape::Shape;
use crate::types::global::GlobalType;
use crate::types::local::{LocalType, LocalTypes};
use crate::types::name::Name;
use crate::types::sort::{Sort, SortNode};
use crate::types::tree::{Node, Tree};

/// The document of global protocols.
#[derive(Serialize)]
pub(super) struct GlobalDocument<'a> {
    antiphon: &'static str,
    version: u32,
    protocols: Vec<Protocol<'a>>,
}

impl<'a> GlobalDocument<'a> {
    pub(super) fn new(globals: &'a [GlobalType]) -> Self {
        let protocols = globals.iter().map(Protocol).collect();
        Self { antiphon: "global", version: VERSION, protocols }
    }
}

struct Protocol<'a>(&'a GlobalType);

impl Serialize for Protocol<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Protocol", 5)?;
        object.serialize_field("name", self.0.name().as_str())?;
        let roles: Vec<&str> = self.0.roles().iter().map(Name::as_str).collect();
        object.serialize_field("roles", &roles)?;
        Part::new(self.0.tree()).serialize_into(&mut object)?;
        object.end()
    }
}

#[derive(Serialize)]
struct LocalDocument<'a> {
    antiphon: &'static str,
    version: u32,
    roles: Vec<Role<'a>>,
}

struct Role<'a>(&'a Name, &'a LocalType);

impl Serialize for Role<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Role", 4)?;
        object.serialize_field("name", self.0.as_str())?;
        Part::new(self.1.tree()).serialize_into(&mut object)?;
        object.end()
    }
}

/// As a document with this one protocol.
impl Serialize for GlobalType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        GlobalDocument::new(core::slice::from_ref(self)).serialize(serializer)
    }
}

/// As a document.
impl Serialize for LocalTypes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let roles = self.roles().iter().map(|(name, local)| Role(name, local)).collect();
        LocalDocument { antiphon: "local", version: VERSION, roles }.serialize(serializer)
    }
}

/// As an object with `sorts`, `nodes` and `root`.
impl Serialize for LocalType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("LocalType", 3)?;
        Part::new(self.tree()).serialize_into(&mut object)?;
        object.end()
    }
}

/// As an object with `sorts` and `root`.
impl Serialize for Sort {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut table = SortTable::default();
        let root = table.embed(self);
        let mut object = serializer.serialize_struct("Sort", 2)?;
        object.serialize_field("sorts", &table.entries)?;
        object.serialize_field("root", &root)?;
        object.end()
    }
}

/// A tree with the table of its sorts.
struct Part<'a, H> {
    tree: &'a Tree<H>,
    table: SortTable<'a>,
    /// The sorts of the arguments of all branches, in order.
    args: Vec<u32>,
    /// Where those of each branch begin.
    starts: Vec<usize>,
}

impl<'a, H: Shape> Part<'a, H> {
    fn new(tree: &'a Tree<H>) -> Self {
        let mut part =
            Self { tree, table: SortTable::default(), args: Vec::new(), starts: Vec::new() };
        for branch in tree.branches() {
            part.starts.push(part.args.len());
            for (_, sort) in branch.payload.args() {
                let sort = part.table.embed(sort);
                part.args.push(sort);
            }
        }
        part
    }

    fn serialize_into<O: SerializeStruct>(&self, object: &mut O) -> Result<(), O::Error> {
        object.serialize_field("sorts", &self.table.entries)?;
        object.serialize_field("nodes", &Nodes(self))?;
        object.serialize_field("root", &0)
    }

    fn node(&self, node: &'a Node<H>) -> NodeEntry<'a> {
        let empty = NodeEntry::default();
        match node {
            Node::End => NodeEntry { kind: "end", ..empty },
            Node::Var(binder) => NodeEntry { kind: "var", binder: Some(binder.index()), ..empty },
            Node::Rec(name, body) => {
                NodeEntry { kind: "rec", name: Some(name), body: Some(body.index()), ..empty }
            }
            Node::Choice(head, range) => {
                let branches = range.clone().map(|index| self.branch(index as usize)).collect();
                let from = head.sender().map(Name::as_str);
                NodeEntry { kind: head.kind(), from, branches: Some(branches), ..empty }
            }
        }
    }

    fn branch(&self, index: usize) -> BranchEntry<'a> {
        let branch = &self.tree.branches()[index];
        let sorts = &self.args[self.starts[index]..];
        let names = branch.payload.args().iter().map(|(name, _)| name.as_deref());
        let payload = names.zip(sorts).map(|(name, sort)| Argument { name, sort: *sort });
        let peer = Some(branch.peer.as_str());
        let (to, peer) = if H::PEER == "to" { (peer, None) } else { (None, peer) };
        let (label, next) = (branch.label.as_str(), branch.next.index());
        BranchEntry { to, peer, label, payload: payload.collect(), next }
    }
}

struct Nodes<'a, 'b, H>(&'b Part<'a, H>);

impl<H: Shape> Serialize for Nodes<'_, '_, H> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.tree.nodes().iter().map(|node| self.0.node(node)))
    }
}

#[derive(Default, Serialize)]
struct NodeEntry<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    binder: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    branches: Option<Vec<BranchEntry<'a>>>,
}

#[derive(Serialize)]
struct BranchEntry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<&'a str>,
    label: &'a str,
    payload: Vec<Argument<'a>>,
    next: usize,
}

#[derive(Serialize)]
pub(super) struct Argument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    pub(super) sort: u32,
}

/// Sorts, each written once, parts before wholes.
#[derive(Default)]
pub(super) struct SortTable<'a> {
    pub(super) entries: Vec<SortEntry<'a>>,
    known: HashMap<SortEntry<'a>, u32>,
}

#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum SortEntry<'a> {
    Unit,
    Bool,
    Int,
    Nat,
    Float,
    String,
    Bytes,
    List {
        item: u32,
    },
    Record {
        fields: Vec<Field<'a>>,
    },
    Optional {
        item: u32,
    },
    Named {
        name: &'a str,
    },
    Chan {
        #[serde(rename = "type")]
        local: &'a LocalType,
    },
}

#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
pub(super) struct Field<'a> {
    name: &'a str,
    sort: u32,
}

impl<'a> SortTable<'a> {
    /// Adds what is not there yet; returns the index of the whole.
    pub(super) fn embed(&mut self, sort: &'a Sort) -> u32 {
        let mut places: Vec<u32> = Vec::with_capacity(sort.nodes().len());
        for node in sort.nodes() {
            let part = |part: &u32| places[*part as usize];
            let entry = match node {
                SortNode::Unit => SortEntry::Unit,
                SortNode::Bool => SortEntry::Bool,
                SortNode::Int => SortEntry::Int,
                SortNode::Nat => SortEntry::Nat,
                SortNode::Float => SortEntry::Float,
                SortNode::String => SortEntry::String,
                SortNode::Bytes => SortEntry::Bytes,
                SortNode::List(item) => SortEntry::List { item: part(item) },
                SortNode::Optional(item) => SortEntry::Optional { item: part(item) },
                SortNode::Named(name) => SortEntry::Named { name },
                SortNode::Chan(local) => SortEntry::Chan { local },
                SortNode::Record(fields) => {
                    let field = |(name, sort): &'a (Name, u32)| Field { name, sort: part(sort) };
                    SortEntry::Record { fields: fields.iter().map(field).collect() }
                }
            };
            let place = self.place(entry);
            places.push(place);
        }
        places[sort.root() as usize]
    }

    fn place(&mut self, entry: SortEntry<'a>) -> u32 {
        if let Some(place) = self.known.get(&entry) {
            return *place;
        }
        let place = u32::try_from(self.entries.len()).expect("a type has at most u32::MAX sorts");
        self.entries.push(entry.clone());
        self.known.insert(entry, place);
        place
    }
}
