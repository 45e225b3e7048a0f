//! One walk over the body of a protocol: gives roles, variables and calls their meaning, and finds
//! what can never be reached.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use hashbrown::{HashMap, HashSet};

use super::ast::{Act, Argument, BlockId, Kind, Modules, Parameter, Placed, Role, Target};
use super::calls::Calls;
use super::names::{Names, Nowhere, found_no_module};
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::local::LocalType;
use crate::types::name::Name;
use crate::types::sort::{Sort, SortNode};

/// A block that is being walked.
struct Frame {
    block: BlockId,
    index: usize,
    /// The next block of the statement at `index`.
    inner: usize,
    /// Whether what follows the statement at `index` can be reached, as far as is known.
    any: bool,
    /// Whether something follows the block.
    rest: bool,
}

/// What a statement means for the walk.
enum Visit {
    /// Walk its blocks first.
    Blocks(Vec<BlockId>),
    /// Go on behind it, if it can be passed.
    Done(bool),
}

/// What a walk knows of the other protocols.
pub(super) struct Known<'a> {
    pub(super) names: &'a Names,
    pub(super) graph: &'a Calls,
    /// Whether the protocols of a component can end; known of those that were walked.
    pub(super) ends: &'a [bool],
}

pub(super) struct Walk<'a> {
    modules: &'a mut Modules,
    protocol: usize,
    known: &'a Known<'a>,
    /// The depths of the binders of each variable.
    scopes: HashMap<Name, Vec<u32>>,
    depth: u32,
    /// How many of the diagnostics found keep nothing from being elaborated.
    pub(super) harmless: usize,
    found: &'a mut Diagnostics,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        modules: &'a mut Modules,
        protocol: usize,
        known: &'a Known<'a>,
        found: &'a mut Diagnostics,
    ) -> Self {
        Self { modules, protocol, known, scopes: HashMap::new(), depth: 0, harmless: 0, found }
    }

    /// Walks the body; whether it can end without going through a recursive call.
    pub(super) fn run(&mut self) -> bool {
        let body = self.modules.protocols[self.protocol].body;
        let frame = |block, rest| Frame { block, index: 0, inner: 0, any: false, rest };
        let mut stack = vec![frame(body, false)];
        let mut blocks: Vec<Vec<BlockId>> = vec![Vec::new()];
        loop {
            let top = stack.len() - 1;
            let at = &mut stack[top];
            let length = self.modules.blocks[at.block.index()].statements.len();
            if at.index == length {
                stack.pop();
                blocks.pop();
                match stack.last_mut() {
                    Some(parent) => parent.any = true,
                    None => return true,
                }
                continue;
            }
            let rest = at.rest || at.index + 1 < length;
            if at.inner == 0 {
                match self.enter(at.block, at.index, rest) {
                    Visit::Blocks(inner) => blocks[top] = inner,
                    Visit::Done(passed) => {
                        at.any = passed;
                        blocks[top].clear();
                    }
                }
            }
            if let Some(&inner) = blocks[top].get(at.inner) {
                at.inner += 1;
                stack.push(frame(inner, rest));
                blocks.push(Vec::new());
                continue;
            }
            let passed = core::mem::take(&mut at.any);
            self.leave(at.block, at.index);
            (at.index, at.inner) = (at.index + 1, 0);
            if !passed {
                if at.index < length {
                    self.unreachable(at.block, at.index);
                }
                stack.pop();
                blocks.pop();
                if stack.is_empty() {
                    return false;
                }
            }
        }
    }

    fn enter(&mut self, block: BlockId, index: usize, rest: bool) -> Visit {
        let statements = &mut self.modules.blocks[block.index()].statements;
        let head = &self.modules.protocols[self.protocol].head;
        let statement = &mut statements[index];
        match &mut statement.act {
            Act::Transfer { label, from, to, payload } => {
                let sorts = payload.iter().map(|payload| payload.sort());
                open_endpoints(sorts, &head.parameters, statement.span, self.found);
                if to.iter().any(|role| role.name.value == from.name.value) {
                    let text = format!("`{}` sends `{}` to itself", from.name.value, label.value);
                    self.harmless += 1;
                    self.found.push(
                        Diagnostic::new(Code::SelfMessage, statement.span, text)
                            .remedy("name another role: a message goes from one role to another"),
                    );
                }
                core::iter::once(from)
                    .chain(to)
                    .for_each(|role| find(role, &head.roles, self.found));
                Visit::Done(true)
            }
            Act::Decide { at, blocks } => {
                find(at, &head.roles, self.found);
                Visit::Blocks(blocks.clone())
            }
            Act::Recursion { name, body } => {
                self.scopes.entry(name.clone()).or_default().push(self.depth);
                self.depth += 1;
                Visit::Blocks(vec![*body])
            }
            Act::Again { name, up } => {
                match self.scopes.get(name).and_then(|depths| depths.last()) {
                    Some(depth) => *up = self.depth - 1 - depth,
                    None => self.found.push(
                        Diagnostic::new(
                            Code::UnboundVariable,
                            statement.span,
                            format!("nothing around here binds `{name}`"),
                        )
                        .remedy(format!(
                            "put `rec {name} {{ … }}` around this place, or correct the name"
                        )),
                    ),
                }
                Visit::Done(false)
            }
            Act::Call { roles, arguments, .. } => {
                let sorts = arguments.iter().map(|argument| match &argument.value {
                    Argument::Sort(sort) => sort,
                    Argument::Message(_, payload) => payload.sort(),
                });
                open_endpoints(sorts, &head.parameters, statement.span, self.found);
                roles.iter_mut().for_each(|role| find(role, &head.roles, self.found));
                Visit::Done(self.call(block, index, rest))
            }
        }
    }

    fn leave(&mut self, block: BlockId, index: usize) {
        let statement = &self.modules.blocks[block.index()].statements[index];
        if let Act::Recursion { name, .. } = &statement.act {
            self.depth -= 1;
            self.scopes.get_mut(name).and_then(Vec::pop).expect("the binder was entered");
        }
    }

    /// Checks a call; whether it can come back.
    fn call(&mut self, block: BlockId, index: usize, rest: bool) -> bool {
        let statement = &self.modules.blocks[block.index()].statements[index];
        let span = statement.span;
        let Act::Call { target, roles, .. } = &statement.act else { return true };
        let given = roles.iter().map(|role| &role.name.value);
        let callee = match self.known.names.callee(self.modules, self.protocol, target, given) {
            Ok(callee) => callee,
            Err(nowhere) => {
                nowhere_to_go(nowhere, target, self.found);
                return true;
            }
        };
        let statement = &mut self.modules.blocks[block.index()].statements[index];
        let Act::Call { target, protocol, arguments, roles } = &mut statement.act else {
            return true;
        };
        *protocol = u32::try_from(callee).unwrap_or(u32::MAX);
        let head = &self.modules.protocols[callee].head;
        let name = &target.name.value;
        let mut arity = |code, what: &str, wanted: usize, given: usize, remedy: &'static str| {
            if wanted != given {
                let many = if wanted == 1 { "" } else { "s" };
                let text = format!("`{name}` has {wanted} {what}{many}, this call gives {given}");
                self.found.push(
                    Diagnostic::new(code, span, text)
                        .note(head.name.span, "declared here")
                        .remedy(remedy),
                );
            }
        };
        let remedy = "name a role for each role of the called protocol";
        arity(Code::RoleArity, "role", head.roles.len(), roles.len(), remedy);
        let remedy = "give a payload for each parameter, between `<` and `>`";
        let (wanted, given) = (head.parameters.len(), arguments.len());
        arity(Code::ArgumentArity, "parameter", wanted, given, remedy);
        for (parameter, argument) in head.parameters.iter().zip(arguments.iter()) {
            if parameter.kind == Kind::Sort && matches!(argument.value, Argument::Message(..)) {
                let text = format!("parameter `{}` is a type, not a message", parameter.name.value);
                self.found.push(Diagnostic::new(Code::ArgumentArity, argument.span, text));
            }
        }
        let mut known: HashSet<&Name> = HashSet::new();
        for role in roles.iter() {
            if !known.insert(&role.name.value) {
                let text = format!("role `{}` is given twice", role.name.value);
                self.found.push(
                    Diagnostic::new(Code::DuplicateArgument, role.name.span, text)
                        .remedy("give each role of the called protocol to another role"),
                );
            }
        }
        if self.known.graph.of[callee] != self.known.graph.of[self.protocol] {
            return self.known.ends[self.known.graph.of[callee]];
        }
        if rest {
            let text = format!("`{name}` calls itself, and something follows the call");
            self.found.push(
                Diagnostic::new(Code::NonTailRecursion, span, text)
                    .remedy("make the call the last thing that happens: what follows it would have to be remembered for each call"),
            );
        }
        rest
    }

    fn unreachable(&mut self, block: BlockId, index: usize) {
        let statements = &self.modules.blocks[block.index()].statements;
        let before = &statements[index - 1];
        let text = "this is never reached";
        self.found.push(
            Diagnostic::new(Code::UnreachableCode, statements[index].span, text)
                .note(before.span, "nothing goes on behind this")
                .remedy("remove it, or let a branch before it end without `continue`"),
        );
    }
}

/// What is said of a call that goes nowhere.
fn nowhere_to_go(nowhere: Nowhere, target: &Target, found: &mut Diagnostics) {
    let Target { module, name } = target;
    let (text, remedy) = match (nowhere, module) {
        (Nowhere::NoProtocol, None) => (
            format!("protocol `{}` is not declared", name.value),
            "declare it in this file, or correct the name",
        ),
        (Nowhere::NoProtocol, Some(module)) => (
            format!("module `{}` declares no protocol `{}`", module.value, name.value),
            "declare it there, or correct the name",
        ),
        (Nowhere::OtherKind, _) => (
            format!("protocol `{}` is there, but not of this kind", name.value),
            "a global protocol calls global ones, a local protocol calls local ones",
        ),
        (Nowhere::OtherRole, _) => (
            format!("no local protocol `{}` is that of the role that is played here", name.value),
            "declare the local protocol of that role, or correct the order of the roles",
        ),
        (nowhere, Some(module)) => return found_no_module(nowhere, module, found),
        (_, None) => return,
    };
    found.push(Diagnostic::new(Code::UnknownProtocol, name.span, text).remedy(remedy));
}

fn find(role: &mut Role, roles: &[Placed<Name>], found: &mut Diagnostics) {
    match roles.iter().position(|known| known.value == role.name.value) {
        Some(index) => role.index = u16::try_from(index).unwrap_or(u16::MAX),
        None => {
            let text = format!("role `{}` is not declared", role.name.value);
            found.push(
                Diagnostic::new(Code::UnknownRole, role.name.span, text)
                    .remedy("add it to the roles of the protocol, or correct the name"),
            );
        }
    }
}

/// Reports endpoints whose type depends on a parameter: it would have to be replaced in there.
fn open_endpoints<'s>(
    sorts: impl Iterator<Item = &'s Sort>,
    parameters: &[Parameter],
    span: Span,
    found: &mut Diagnostics,
) {
    if parameters.is_empty() {
        return;
    }
    let mut stack: Vec<&LocalType> = Vec::new();
    fn inside(sort: &Sort) -> impl Iterator<Item = &LocalType> {
        sort.nodes().iter().filter_map(|node| match node {
            SortNode::Chan(local) => Some(&**local),
            _ => None,
        })
    }
    sorts.for_each(|sort| stack.extend(inside(sort)));
    while let Some(local) = stack.pop() {
        for branch in local.tree().branches() {
            let sort = branch.payload.sort();
            let open = sort.nodes().iter().any(|node| match node {
                SortNode::Named(name) => parameters.iter().any(|p| p.name.value == *name),
                _ => false,
            });
            if open {
                let text = "a parameter inside `chan(…)` is not supported";
                found.push(
                    Diagnostic::new(Code::Unsupported, span, text)
                        .remedy("write the type out, or pass the whole `chan(…)` as a parameter"),
                );
                return;
            }
            stack.extend(inside(sort));
        }
    }
}
