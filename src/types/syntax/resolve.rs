//! Gives the names of a Scribble module their meaning and checks what can be seen without
//! following calls: roles, types, protocols, variables, what can be reached.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use hashbrown::{HashMap, HashSet};

use super::ast::{Kind, Module, Parameter, Placed, Protocol};
use super::calls::Calls;
use super::reader::builtin;
use super::walk::{Known, Walk};
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::name::Name;
use crate::types::protocol::{ROLES_MAX, check_roles};

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
    let graph = Calls::of(&calls);
    let count = module.protocols.len();
    // By component. Components are numbered after those that they call, so that whether another
    // component can end is known when it is asked for.
    let mut ends = vec![false; count];
    let mut sound = vec![true; count];
    for &protocol in &graph.order {
        // Roles are searched for one by one; that there are too many was reported.
        if module.protocols[protocol].head.roles.len() > ROLES_MAX {
            sound[protocol] = false;
            continue;
        }
        let before = found.list().len() + found.suppressed();
        let known = Known { names: &names, graph: &graph, ends: &ends };
        let mut walk = Walk::new(module, protocol, &known, &mut found);
        let (own, harmless) = (walk.run(), walk.harmless);
        ends[graph.of[protocol]] |= own;
        let clean = before + harmless == found.list().len() + found.suppressed();
        sound[protocol] = clean && !module.protocols[protocol].broken;
    }
    spread(&graph, &calls, &mut sound, module, &names);
    (Resolved { recursive: graph.recursive, sound, messages }, found)
}

/// A protocol that calls an unsound one is unsound itself.
fn spread(
    graph: &Calls,
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
                Diagnostic::new(Code::DuplicateType, name.span, text).remedy("choose another name"),
            );
        }
    }
}
