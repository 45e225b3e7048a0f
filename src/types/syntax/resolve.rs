//! Gives the names of Scribble modules their meaning and checks what can be seen without
//! following calls: roles, types, protocols, variables, what can be reached.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::ast::{Modules, Parameter, Protocol};
use super::calls::Calls;
use super::names::{Names, twice};
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
    /// What names mean.
    pub(super) names: Names,
}

/// Resolves all names of `modules` in place.
pub(super) fn resolve(modules: &mut Modules) -> (Resolved, Diagnostics) {
    let mut found = Diagnostics::default();
    let names = Names::new(modules, &mut found);
    protocols(modules, &mut found);
    let callees = |caller: usize| {
        let calls = modules.protocols[caller].calls.iter();
        calls.map(move |call| (caller, call))
    };
    let known = |(caller, call): (usize, &super::ast::Called)| {
        names.callee(modules, caller, &call.target, call.roles.iter()).ok()
    };
    let all: Vec<Vec<Option<usize>>> =
        (0..modules.protocols.len()).map(|caller| callees(caller).map(known).collect()).collect();
    let calls: Vec<Vec<usize>> =
        all.iter().map(|callees| callees.iter().flatten().copied().collect()).collect();
    let graph = Calls::of(&calls);
    let count = modules.protocols.len();
    // By component. Components are numbered after those that they call, so that whether another
    // component can end is known when it is asked for.
    let mut ends = vec![false; count];
    let mut sound = vec![true; count];
    for &protocol in &graph.order {
        // Roles are searched for one by one; that there are too many was reported.
        if modules.protocols[protocol].head.roles.len() > ROLES_MAX {
            sound[protocol] = false;
            continue;
        }
        let before = found.list().len() + found.suppressed();
        let known = Known { names: &names, graph: &graph, ends: &ends };
        let mut walk = Walk::new(modules, protocol, &known, &mut found);
        let (own, harmless) = (walk.run(), walk.harmless);
        ends[graph.of[protocol]] |= own;
        let clean = before + harmless == found.list().len() + found.suppressed();
        sound[protocol] = clean && !modules.protocols[protocol].broken;
    }
    spread(&graph, &all, &mut sound);
    (Resolved { recursive: graph.recursive, sound, names }, found)
}

/// A protocol that calls an unsound one, or one that is not known, is unsound itself.
fn spread(graph: &Calls, calls: &[Vec<Option<usize>>], sound: &mut [bool]) {
    let mut components = vec![true; graph.of.len()];
    for &protocol in &graph.order {
        let good = |callee: usize| sound[callee] && components[graph.of[callee]];
        let callees = calls[protocol].iter().all(|callee| callee.is_some_and(good));
        components[graph.of[protocol]] &= sound[protocol] && callees;
    }
    for (protocol, sound) in sound.iter_mut().enumerate() {
        *sound = components[graph.of[protocol]];
    }
}

/// Checks the headers of the protocols.
fn protocols(modules: &mut Modules, found: &mut Diagnostics) {
    // By module and name: the first one of any kind, and by role those that are local.
    let mut names: HashMap<(usize, &Name), usize> = HashMap::new();
    let mut owns: HashMap<(usize, &Name, &Name), Span> = HashMap::new();
    let mut unsound = Vec::new();
    for (index, Protocol { head, module, .. }) in modules.protocols.iter().enumerate() {
        let before = found.list().len();
        let name = &head.name;
        let place = *names.entry((*module, &name.value)).or_insert(index);
        let first = &modules.protocols[place].head;
        // Local protocols of one name belong together: one for each role.
        if place != index && (head.own.is_none() || first.own.is_none()) {
            found.push(twice(Code::DuplicateProtocol, "protocol", name, first.name.span));
        } else if let Some(own) = head.own_role()
            && let Some(first) = owns.insert((*module, &name.value, &own.value), name.span)
        {
            let what = format!("the local protocol of `{}` in", own.value);
            found.push(twice(Code::DuplicateProtocol, &what, name, first));
        }
        check_roles(head.roles.iter().map(|role| (&role.value, role.span)), found);
        parameters(&head.parameters, found);
        if found.list().len() > before || found.suppressed() > 0 {
            unsound.push(index);
        }
    }
    drop((names, owns));
    unsound.into_iter().for_each(|index| modules.protocols[index].broken = true);
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
