//! What Scribble texts say, before it is checked: declarations and statements of all modules in
//! flat arrays.

use alloc::string::String;
use alloc::vec::Vec;

use super::module::ModulePath;
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

/// The index of a block in [`Modules::blocks`].
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

/// Whose protocol a local one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Own {
    /// Among the roles of its header.
    pub(crate) index: u16,
    /// It stands in the list of roles, and not only behind `at`.
    pub(crate) listed: bool,
}

/// The header of a protocol.
#[derive(Debug)]
pub(crate) struct Declaration {
    pub(crate) name: Placed<Name>,
    pub(crate) aux: bool,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) roles: Vec<Placed<Name>>,
    /// Of local protocols only.
    pub(crate) own: Option<Own>,
}

impl Declaration {
    /// The role whose local protocol it is.
    pub(crate) fn own_role(&self) -> Option<&Placed<Name>> {
        self.own.map(|own| &self.roles[own.index as usize])
    }
}

/// The protocol that a call names: `Q`, or `a.b.Q`.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) module: Option<Placed<ModulePath>>,
    pub(crate) name: Placed<Name>,
}

/// Whom a protocol calls, for the graph of calls.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) target: Target,
    pub(crate) roles: Vec<Name>,
}

/// One protocol as it was written.
#[derive(Debug)]
pub(crate) struct Protocol {
    pub(crate) head: Declaration,
    pub(crate) body: BlockId,
    /// The protocols it calls.
    pub(crate) calls: Vec<Called>,
    /// The module that it stands in.
    pub(crate) module: usize,
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
    /// `label(payload) from A to B, C;`; in a local protocol one side is its own role.
    Transfer { label: Placed<Name>, payload: Option<Payload>, from: Role, to: Vec<Role> },
    /// `choice at A {…} or {…}`
    Decide { at: Role, blocks: Vec<BlockId> },
    /// `rec X {…}`
    Recursion { name: Name, body: BlockId },
    /// `continue X;`; `up` counts the binders between.
    Again { name: Name, up: u32 },
    /// `do Q<T>(A, B);`
    Call {
        target: Target,
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

/// `import a.b.C as D;` or `from a.b.C import M as N;`
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) path: Placed<ModulePath>,
    pub(crate) member: Option<Placed<Name>>,
    pub(crate) alias: Option<Placed<Name>>,
    /// The module, once it was read.
    pub(crate) module: Option<usize>,
}

impl Import {
    /// The name of a member here.
    pub(crate) fn known_as(&self) -> Option<&Placed<Name>> {
        self.alias.as_ref().or(self.member.as_ref())
    }
}

/// `type`, `data` or `sig`.
#[derive(Debug)]
pub(crate) struct DeclaredType {
    pub(crate) name: Placed<Name>,
    pub(crate) kind: Kind,
    /// What it stands for elsewhere, as it is written.
    pub(crate) what: String,
    pub(crate) module: usize,
}

/// One module: a Scribble text.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// What it calls itself.
    pub(crate) path: Option<Placed<ModulePath>>,
    pub(crate) imports: Vec<Import>,
    /// Payload types that were named with their module.
    pub(crate) qualified: Vec<(Placed<ModulePath>, Placed<Name>)>,
    /// A declaration could not be read: names may be missing.
    pub(crate) incomplete: bool,
}

/// All modules of a reading; the main one is the first.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    pub(crate) list: Vec<Module>,
    pub(crate) types: Vec<DeclaredType>,
    pub(crate) protocols: Vec<Protocol>,
    pub(crate) blocks: Vec<Block>,
}
