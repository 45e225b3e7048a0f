//! Where the elaboration of a protocol is: positions in its text, with what is to follow.
//!
//! Positions are interned: the same position with the same future has the same number, which is
//! how a way back is recognised. Clause: TYPE-9.

use core::hash::Hash;

use alloc::vec::Vec;

use hashbrown::HashMap;

use super::ast::{Argument, BlockId, Modules, Statement};

/// Numbers equal values alike.
#[derive(Debug)]
pub(super) struct Interner<T> {
    values: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { values: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Interner<T> {
    pub(super) fn number(&mut self, value: T) -> u32 {
        if let Some(number) = self.numbers.get(&value) {
            return *number;
        }
        let number = u32::try_from(self.values.len()).expect("work is bounded");
        self.values.push(value.clone());
        self.numbers.insert(value, number);
        number
    }

    pub(super) fn value(&self, number: u32) -> &T {
        &self.values[number as usize]
    }
}

/// One call of a protocol: which, with whom, with what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Call {
    pub(super) protocol: u32,
    /// The roles of the outermost protocol that play those of this one.
    pub(super) roles: Vec<u16>,
    pub(super) arguments: Vec<Argument>,
}

/// A position in the text and everything that is to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Position {
    pub(super) block: u32,
    pub(super) index: u32,
    pub(super) call: u32,
    /// The binders around it, innermost first.
    pub(super) scope: u32,
    /// Where to go on behind the block.
    pub(super) rest: u32,
}

/// A binder that is open and the binders around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Scope {
    binder: u32,
    outer: u32,
}

/// No position: nothing follows. Also: no binder.
pub(super) const NONE: u32 = u32::MAX;

/// All positions that were met.
#[derive(Debug)]
pub(super) struct Positions<'a> {
    pub(super) modules: &'a Modules,
    positions: Interner<Position>,
    calls: Interner<Call>,
    scopes: Interner<Scope>,
}

impl<'a> Positions<'a> {
    pub(super) fn new(modules: &'a Modules) -> Self {
        let (positions, calls, scopes) = Default::default();
        Self { modules, positions, calls, scopes }
    }

    /// The position; where the block is over, what follows it.
    pub(super) fn at(&mut self, position: Position) -> u32 {
        let block = &self.modules.blocks[position.block as usize];
        if position.index as usize == block.statements.len() {
            position.rest
        } else {
            self.positions.number(position)
        }
    }

    /// The position behind this one.
    pub(super) fn behind(&mut self, position: Position) -> u32 {
        self.at(Position { index: position.index + 1, ..position })
    }

    /// The beginning of a block of the statement at `position`.
    pub(super) fn inside(&mut self, position: Position, block: BlockId) -> u32 {
        let rest = self.behind(position);
        self.at(Position { block: block.0, index: 0, rest, ..position })
    }

    /// The beginning of the body of the recursion at `binder`.
    pub(super) fn inside_binder(&mut self, binder: u32, position: Position, body: BlockId) -> u32 {
        let rest = self.behind(position);
        let scope = self.scopes.number(Scope { binder, outer: position.scope });
        self.at(Position { block: body.0, index: 0, scope, rest, ..position })
    }

    /// The binder that stands `up` binders above the innermost one.
    pub(super) fn binder(&self, position: Position, up: u32) -> u32 {
        let mut scope = self.scopes.value(position.scope);
        for _ in 0..up {
            scope = self.scopes.value(scope.outer);
        }
        scope.binder
    }

    /// The beginning of a called protocol.
    pub(super) fn enter(&mut self, call: Call, rest: u32) -> u32 {
        let body = self.modules.protocols[call.protocol as usize].body;
        let call = self.calls.number(call);
        self.at(Position { block: body.0, index: 0, call, scope: NONE, rest })
    }

    pub(super) fn call(&self, position: Position) -> &Call {
        self.calls.value(position.call)
    }

    pub(super) fn position(&self, number: u32) -> Position {
        *self.positions.value(number)
    }

    pub(super) fn statement(&self, position: Position) -> &'a Statement {
        &self.modules.blocks[position.block as usize].statements[position.index as usize]
    }
}
