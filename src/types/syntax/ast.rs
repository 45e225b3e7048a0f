//! What a Scribble text says, before it is checked: declarations and statements in flat arrays.

use alloc::vec::Vec;

use crate::types::diagnostics::Span;
use crate::types::name::Name;
use crate::types::sort::{Payload, Sort};

/// Something and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

impl<T> Placed<T> {
    pub(crate) fn new(value: T, start: usize, end: usize) -> Self {
        Self { value, span: Span::new(start, end) }
    }
}

/// The index of a block in [`Module::blocks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockId(pub(crate) u32);

impl BlockId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a declared type or a parameter stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `type`, `data`: a payload.
    Sort,
    /// `sig`: a message.
    Message,
}

/// `type T` or `sig M` between the angle brackets of a protocol.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: Placed<Name>,
    pub(crate) kind: Kind,
}

/// What a call gives for a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Argument {
    /// A payload, or the name of a message.
    Sort(Sort),
    /// A message written out.
    Message(Name, Payload),
}

/// The header of a protocol.
#[derive(Debug)]
pub(crate) struct Declaration {
    pub(crate) name: Placed<Name>,
    pub(crate) aux: bool,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) roles: Vec<Placed<Name>>,
}

/// One protocol as it was written.
#[derive(Debug)]
pub(crate) struct Protocol {
    pub(crate) head: Declaration,
    pub(crate) body: BlockId,
    /// The protocols it calls, by name.
    pub(crate) calls: Vec<Name>,
    /// Something in it was reported: what it means is not known.
    pub(crate) broken: bool,
}

/// A role as a statement names it, and its index among the roles of the protocol.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    pub(crate) name: Placed<Name>,
    pub(crate) index: u16,
}

/// One statement. Names are given their meaning in place by `resolve`.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) act: Act,
    pub(crate) span: Span,
}

/// What a statement does.
#[derive(Debug)]
pub(crate) enum Act {
    /// `label(payload) from A to B, C;`
    Transfer { label: Placed<Name>, payload: Option<Payload>, from: Role, to: Vec<Role> },
    /// `choice at A {…} or {…}`
    Decide { at: Role, blocks: Vec<BlockId> },
    /// `rec X {…}`
    Recursion { name: Name, body: BlockId },
    /// `continue X;`; `up` counts the binders between.
    Again { name: Name, up: u32 },
    /// `do Q<T>(A, B);`
    Call {
        target: Placed<Name>,
        /// Known when names have their meaning.
        protocol: u32,
        arguments: Vec<Placed<Argument>>,
        roles: Vec<Role>,
    },
}

/// Statements between braces.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) statements: Vec<Statement>,
    pub(crate) span: Span,
}

/// A Scribble text.
#[derive(Debug, Default)]
pub(crate) struct Module {
    pub(crate) types: Vec<(Placed<Name>, Kind)>,
    pub(crate) protocols: Vec<Protocol>,
    pub(crate) blocks: Vec<Block>,
    /// A declaration could not be read: names may be missing.
    pub(crate) incomplete: bool,
}
