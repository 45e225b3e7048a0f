//! Sorts: the types of payloads.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use super::local::LocalType;
use super::name::Name;

/// How deep `chan(T)` may stand inside the messages of another `T`.
pub const CHAN_DEPTH_MAX: usize = 16;

/// The type of a payload.
///
/// A sort is a flat array in which parts stand before the wholes that refer to them, so that no
/// nesting, however deep, can overflow the stack. Two sorts are equal when they are written alike.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Sort(Arc<[SortNode]>);

/// One constructor of a sort; parts are named by their index in [`Sort::nodes`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SortNode {
    /// Nothing but the label.
    Unit,
    /// `true` or `false`.
    Bool,
    /// A signed 64-bit integer.
    Int,
    /// An unsigned 64-bit integer.
    Nat,
    /// A finite IEEE-754 double; −0 is 0.
    Float,
    /// UTF-8 text as given.
    String,
    /// Raw bytes.
    Bytes,
    /// Any number of one sort.
    List(u32),
    /// Named fields in declared order.
    Record(Box<[(Name, u32)]>),
    /// One or none.
    Optional(u32),
    /// A payload type that the protocol does not define: any JSON value.
    Named(Name),
    /// A delegated endpoint that goes on as this local type.
    Chan(Box<LocalType>),
}

impl Sort {
    /// The sort of a message that carries nothing.
    #[must_use]
    pub fn unit() -> Self {
        Self::leaf(SortNode::Unit)
    }

    /// A sort without parts.
    ///
    /// # Panics
    /// If `node` refers to parts.
    #[must_use]
    pub fn leaf(node: SortNode) -> Self {
        assert!(
            !matches!(node, SortNode::List(_) | SortNode::Record(_) | SortNode::Optional(_)),
            "a leaf has no parts"
        );
        Self(Arc::from([node]))
    }

    /// `[S]`.
    #[must_use]
    pub fn list(item: &Self) -> Self {
        let mut builder = SortBuilder::default();
        let item = builder.embed(item);
        builder.push(SortNode::List(item));
        builder.finish()
    }

    /// `S?`.
    #[must_use]
    pub fn optional(item: &Self) -> Self {
        let mut builder = SortBuilder::default();
        let item = builder.embed(item);
        builder.push(SortNode::Optional(item));
        builder.finish()
    }

    /// `{field: S, …}`, fields in the given order; names must be distinct (the first of two is
    /// kept).
    #[must_use]
    pub fn record(fields: impl IntoIterator<Item = (Name, Self)>) -> Self {
        let mut builder = SortBuilder::default();
        let mut parts: Vec<(Name, u32)> = Vec::new();
        let mut known: hashbrown::HashSet<Name> = hashbrown::HashSet::new();
        for (name, sort) in fields {
            if known.insert(name.clone()) {
                let part = builder.embed(&sort);
                parts.push((name, part));
            }
        }
        builder.push(SortNode::Record(parts.into_boxed_slice()));
        builder.finish()
    }

    /// The constructors; the last one is the whole.
    #[must_use]
    pub fn nodes(&self) -> &[SortNode] {
        &self.0
    }

    /// The index of the whole.
    #[must_use]
    pub fn root(&self) -> u32 {
        u32::try_from(self.0.len() - 1).expect("a sort has at most u32::MAX nodes")
    }

    /// The constructor at `index`.
    #[must_use]
    pub fn node(&self, index: u32) -> &SortNode {
        &self.0[index as usize]
    }

    /// The outermost constructor.
    #[must_use]
    pub fn top(&self) -> &SortNode {
        &self.0[self.0.len() - 1]
    }

    /// Whether an endpoint can be delegated in a value of this sort.
    #[must_use]
    pub fn has_chan(&self) -> bool {
        self.0.iter().any(|node| matches!(node, SortNode::Chan(_)))
    }

    /// How deep `chan` stands inside `chan` here.
    #[must_use]
    pub fn chan_depth(&self) -> usize {
        self.0
            .iter()
            .map(|node| match node {
                SortNode::Chan(local) => 1 + local.chan_depth(),
                _ => 0,
            })
            .max()
            .unwrap_or(0)
    }
}

/// Puts a sort together, parts first.
#[derive(Debug, Default)]
pub struct SortBuilder(Vec<SortNode>);

impl SortBuilder {
    /// Adds a constructor whose parts were added before; returns its index.
    pub fn push(&mut self, node: SortNode) -> u32 {
        self.0.push(node);
        u32::try_from(self.0.len() - 1).expect("a sort has at most u32::MAX nodes")
    }

    /// Adds all of a finished sort as a part; returns the index of its whole.
    pub fn embed(&mut self, sort: &Sort) -> u32 {
        let base = u32::try_from(self.0.len()).expect("a sort has at most u32::MAX nodes");
        self.0.extend(sort.0.iter().map(|node| match node {
            SortNode::List(part) => SortNode::List(base + part),
            SortNode::Optional(part) => SortNode::Optional(base + part),
            SortNode::Record(fields) => SortNode::Record(
                fields.iter().map(|(name, part)| (name.clone(), base + part)).collect(),
            ),
            leaf => leaf.clone(),
        }));
        base + sort.root()
    }

    /// The sort whose whole is the constructor added last, in canonical order and without what the
    /// whole does not use.
    ///
    /// # Panics
    /// If nothing was added.
    #[must_use]
    pub fn finish(self) -> Sort {
        let root = self.0.len() - 1;
        self.finish_at(u32::try_from(root).expect("a sort has at most u32::MAX nodes"))
    }

    /// As [`finish`](Self::finish), with the whole named.
    #[must_use]
    pub fn finish_at(&self, root: u32) -> Sort {
        // Reverse preorder with the fields turned round is postorder: two passes, no recursion.
        let mut order = Vec::new();
        let mut stack = vec![root];
        while let Some(index) = stack.pop() {
            order.push(index);
            match &self.0[index as usize] {
                SortNode::List(part) | SortNode::Optional(part) => stack.push(*part),
                SortNode::Record(fields) => stack.extend(fields.iter().map(|(_, part)| *part)),
                _ => {}
            }
        }
        order.reverse();
        let mut nodes: Vec<SortNode> = Vec::with_capacity(order.len());
        let mut done: Vec<u32> = Vec::new();
        for index in order {
            let node = match &self.0[index as usize] {
                SortNode::List(_) => SortNode::List(done.pop().expect("a part")),
                SortNode::Optional(_) => SortNode::Optional(done.pop().expect("a part")),
                SortNode::Record(fields) => {
                    let parts = done.split_off(done.len() - fields.len());
                    let names = fields.iter().map(|(name, _)| name.clone());
                    SortNode::Record(names.zip(parts).collect())
                }
                leaf => leaf.clone(),
            };
            done.push(u32::try_from(nodes.len()).expect("a sort has at most u32::MAX nodes"));
            nodes.push(node);
        }
        Sort(nodes.into())
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        enum Step<'a> {
            Node(u32),
            Text(&'static str),
            Field(&'a Name),
        }
        let mut stack = vec![Step::Node(self.root())];
        while let Some(step) = stack.pop() {
            match step {
                Step::Text(text) => f.write_str(text)?,
                Step::Field(name) => write!(f, "{name}: ")?,
                Step::Node(index) => match self.node(index) {
                    SortNode::Unit => f.write_str("unit")?,
                    SortNode::Bool => f.write_str("bool")?,
                    SortNode::Int => f.write_str("int")?,
                    SortNode::Nat => f.write_str("nat")?,
                    SortNode::Float => f.write_str("float")?,
                    SortNode::String => f.write_str("string")?,
                    SortNode::Bytes => f.write_str("bytes")?,
                    SortNode::Named(name) => write!(f, "{name}")?,
                    SortNode::Chan(local) => write!(f, "chan({local})")?,
                    SortNode::List(part) => {
                        stack.extend([Step::Text("]"), Step::Node(*part), Step::Text("[")]);
                    }
                    SortNode::Optional(part) => stack.extend([Step::Text("?"), Step::Node(*part)]),
                    SortNode::Record(fields) => {
                        stack.push(Step::Text("}"));
                        for (position, (name, part)) in fields.iter().enumerate().rev() {
                            stack.extend([Step::Node(*part), Step::Field(name)]);
                            if position > 0 {
                                stack.push(Step::Text(", "));
                            }
                        }
                        stack.push(Step::Text("{"));
                    }
                },
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

/// What a message carries: arguments, named or not.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Payload {
    args: Box<[(Option<Name>, Sort)]>,
    sort: Sort,
}

impl Payload {
    /// Nothing: the sort `unit`.
    #[must_use]
    pub fn none() -> Self {
        Self::new([])
    }

    /// Exactly one unnamed argument; `unit` is the same as nothing.
    #[must_use]
    pub fn one(sort: Sort) -> Self {
        Self::new([(None, sort)])
    }

    /// Arguments in order. One argument is a value of its own sort; several are a record whose
    /// unnamed fields are called `_1`, `_2`, … by their place.
    #[must_use]
    pub fn new(args: impl IntoIterator<Item = (Option<Name>, Sort)>) -> Self {
        let mut args: Vec<(Option<Name>, Sort)> = args.into_iter().collect();
        if let [(None, sort)] = &args[..]
            && *sort == Sort::unit()
        {
            args.clear();
        }
        let sort = match &args[..] {
            [] => Sort::unit(),
            [(_, sort)] => sort.clone(),
            several => Sort::record(several.iter().enumerate().map(|(index, (name, sort))| {
                let name = name.clone().unwrap_or_else(|| Self::unnamed(index));
                (name, sort.clone())
            })),
        };
        Self { args: args.into_boxed_slice(), sort }
    }

    /// The name of an unnamed argument among several, by its place from 0.
    #[must_use]
    pub fn unnamed(index: usize) -> Name {
        Name::new("_").expect("`_` is a name").numbered(index + 1)
    }

    /// The arguments as declared.
    #[must_use]
    pub fn args(&self) -> &[(Option<Name>, Sort)] {
        &self.args
    }

    /// The sort of the value that carries the arguments.
    #[must_use]
    pub fn sort(&self) -> &Sort {
        &self.sort
    }
}

impl fmt::Display for Payload {
    /// `(a: int, string)`; nothing where nothing is carried.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, sort)) in self.args.iter().enumerate() {
            f.write_str(if index == 0 { "(" } else { ", " })?;
            match name {
                Some(name) => write!(f, "{name}: {sort}")?,
                None => write!(f, "{sort}")?,
            }
        }
        if self.args.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}
