//! Gives the names of a Scribble module their meaning and checks what can be seen without
//! following calls: roles, types, protocols, variables, what can be reached.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use hashbrown::{HashMap, HashSet};

use super::ast::{Act, Argument, BlockId, Kind, Module, Parameter, Placed, Protocol, Role};
use super::calls::{Components, components};
use super::reader::builtin;
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::name::Name;
use crate::types::protocol::check_roles;

/// What resolving found out.
#[derive(Debug)]
pub(super) struct Resolved {
    /// Whether a protocol calls itself, at once or through others.
    pub(super) recursive: Vec<bool>,
    /// Whether a protocol, with all that it calls, can be elaborated.
    pub(super) sound: Vec<bool>,
    /// The messages declared by `sig`.
    pub(super) messages: HashSet<Name>,
}

/// Resolves all names of `module` in place.
pub(super) fn resolve(module: &mut Module) -> (Resolved, Diagnostics) {
    let mut found = Diagnostics::default();
    let messages = types(module, &mut found);
    let names = protocols(module, &mut found);
    let callee = |name: &Name| names.get(name).copied();
    let calls: Vec<Vec<usize>> =
        module.protocols.iter().map(|p| p.calls.iter().filter_map(callee).collect()).collect();
    let graph = components(&calls);
    let count = module.protocols.len();
    // By component. Components are numbered after those that they call, so that whether another
    // component can end is known when it is asked for.
    let mut ends = vec![false; count];
    let mut sound = vec![true; count];
    for &protocol in &graph.order {
        let before = found.list().len() + found.suppressed();
        let mut walk = Walk {
            module: &mut *module,
            protocol,
            names: &names,
            graph: &graph,
            ends: &ends,
            scopes: HashMap::new(),
            depth: 0,
            found: &mut found,
        };
        let own = walk.run();
        ends[graph.of[protocol]] |= own;
        let clean = before == found.list().len() + found.suppressed();
        sound[protocol] = clean && !module.protocols[protocol].broken;
    }
    spread(&graph, &calls, &mut sound, module, &names);
    (Resolved { recursive: graph.recursive, sound, messages }, found)
}

/// A protocol that calls an unsound one is unsound itself.
fn spread(
    graph: &Components,
    calls: &[Vec<usize>],
    sound: &mut [bool],
    module: &Module,
    names: &HashMap<Name, usize>,
) {
    let mut components = vec![true; graph.of.len()];
    for &protocol in &graph.order {
        let known = module.protocols[protocol].calls.iter().all(|name| names.contains_key(name));
        let callees = calls[protocol].iter().all(|c| sound[*c] && components[graph.of[*c]]);
        components[graph.of[protocol]] &= sound[protocol] && known && callees;
    }
    for (protocol, sound) in sound.iter_mut().enumerate() {
        *sound = components[graph.of[protocol]];
    }
}

fn twice(code: Code, what: &str, name: &Placed<Name>, first: Span) -> Diagnostic {
    let text = format!("{what} `{}` is declared twice", name.value);
    Diagnostic::new(code, name.span, text)
        .note(first, "declared here first")
        .remedy("give each a name of its own")
}

/// Checks the declared types; the names of the messages among them.
fn types(module: &Module, found: &mut Diagnostics) -> HashSet<Name> {
    let mut known: HashMap<&Name, Span> = HashMap::new();
    for (name, _) in &module.types {
        if let Some(first) = known.insert(&name.value, name.span) {
            found.push(twice(Code::DuplicateType, "type", name, first));
        }
    }
    let messages = module.types.iter().filter(|(_, kind)| *kind == Kind::Message);
    messages.map(|(name, _)| name.value.clone()).collect()
}

/// Checks the headers of the protocols; the index of each by its name.
fn protocols(module: &mut Module, found: &mut Diagnostics) -> HashMap<Name, usize> {
    let mut names: HashMap<Name, usize> = HashMap::new();
    let mut unsound = Vec::new();
    for (index, Protocol { head, .. }) in module.protocols.iter().enumerate() {
        let before = found.list().len();
        if let Some(first) = names.get(&head.name.value) {
            let first = module.protocols[*first].head.name.span;
            found.push(twice(Code::DuplicateProtocol, "protocol", &head.name, first));
        } else {
            names.insert(head.name.value.clone(), index);
        }
        check_roles(head.roles.iter().map(|role| (&role.value, role.span)), found);
        parameters(&head.parameters, found);
        if found.list().len() > before || found.suppressed() > 0 {
            unsound.push(index);
        }
    }
    unsound.into_iter().for_each(|index| module.protocols[index].broken = true);
    names
}

fn parameters(parameters: &[Parameter], found: &mut Diagnostics) {
    let mut known: HashMap<&Name, Span> = HashMap::new();
    for Parameter { name, .. } in parameters {
        if let Some(first) = known.insert(&name.value, name.span) {
            found.push(twice(Code::DuplicateParameter, "parameter", name, first));
        }
        if builtin(&name.value).is_some() {
            let text = format!("`{}` is a payload type already", name.value);
            found.push(
                Diagnostic::new(Code::DuplicateType, name.span, text)
                    .remedy("choose another name"),
            );
        }
    }
}

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

struct Walk<'a> {
    module: &'a mut Module,
    protocol: usize,
    names: &'a HashMap<Name, usize>,
    graph: &'a Components,
    ends: &'a [bool],
    /// The depths of the binders of each variable.
    scopes: HashMap<Name, Vec<u32>>,
    depth: u32,
    found: &'a mut Diagnostics,
}

impl Walk<'_> {
    /// Walks the body; whether it can end without going through a recursive call.
    fn run(&mut self) -> bool {
        let body = self.module.protocols[self.protocol].body;
        let frame = |block, rest| Frame { block, index: 0, inner: 0, any: false, rest };
        let mut stack = vec![frame(body, false)];
        let mut blocks: Vec<Vec<BlockId>> = vec![Vec::new()];
        loop {
            let top = stack.len() - 1;
            let at = &mut stack[top];
            let length = self.module.blocks[at.block.index()].statements.len();
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
        let statements = &mut self.module.blocks[block.index()].statements;
        let head = &self.module.protocols[self.protocol].head;
        let statement = &mut statements[index];
        match &mut statement.act {
            Act::Transfer { from, to, .. } => {
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
                        .remedy("bind it with `rec` around this place"),
                    ),
                }
                Visit::Done(false)
            }
            Act::Call { roles, .. } => {
                roles.iter_mut().for_each(|role| find(role, &head.roles, self.found));
                Visit::Done(self.call(block, index, rest))
            }
        }
    }

    fn leave(&mut self, block: BlockId, index: usize) {
        let statement = &self.module.blocks[block.index()].statements[index];
        if let Act::Recursion { name, .. } = &statement.act {
            self.depth -= 1;
            self.scopes.get_mut(name).and_then(Vec::pop).expect("the binder was entered");
        }
    }

    /// Checks a call; whether it can come back.
    fn call(&mut self, block: BlockId, index: usize, rest: bool) -> bool {
        let statement = &mut self.module.blocks[block.index()].statements[index];
        let span = statement.span;
        let Act::Call { target, protocol, arguments, roles } = &mut statement.act else {
            return true;
        };
        let Some(&callee) = self.names.get(&target.value) else {
            if !self.module.incomplete {
                let text = format!("protocol `{}` is not declared", target.value);
                self.found.push(
                    Diagnostic::new(Code::UnknownProtocol, target.span, text)
                        .remedy("declare it in this file, or correct the name"),
                );
            }
            return true;
        };
        *protocol = u32::try_from(callee).unwrap_or(u32::MAX);
        let head = &self.module.protocols[callee].head;
        let name = &target.value;
        let mut arity = |code, what: &str, wanted: usize, given: usize| {
            if wanted != given {
                let text = format!("`{name}` has {wanted} {what}, this call gives {given}");
                self.found.push(
                    Diagnostic::new(code, span, text).note(head.name.span, "declared here"),
                );
            }
        };
        arity(Code::RoleArity, "roles", head.roles.len(), roles.len());
        arity(Code::ArgumentArity, "parameters", head.parameters.len(), arguments.len());
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
                        .remedy("each role of the called protocol is played by another one"),
                );
            }
        }
        if self.graph.of[callee] != self.graph.of[self.protocol] {
            return self.ends[self.graph.of[callee]];
        }
        if rest {
            let text = format!("`{name}` is called recursively with something behind the call");
            self.found.push(
                Diagnostic::new(Code::NonTailRecursion, span, text)
                    .remedy("a recursive call must be the last thing that happens"),
            );
        }
        rest
    }

    fn unreachable(&mut self, block: BlockId, index: usize) {
        let statements = &self.module.blocks[block.index()].statements;
        let before = &statements[index - 1];
        let text = "this is never reached";
        self.found.push(
            Diagnostic::new(Code::UnreachableCode, statements[index].span, text)
                .note(before.span, "nothing goes on behind this")
                .remedy("remove it, or let something before it come to an end"),
        );
    }
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
