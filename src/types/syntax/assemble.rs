//! Local protocols of Scribble to protocols: those of one name are one protocol, one for each of
//! its roles. Clause: TYPE-21.

use alloc::format;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::ast::{Declaration, Modules};
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::local::{LocalType, LocalTypes};
use crate::types::name::Name;
use crate::types::protocol::ROLES_MAX;

/// Local protocols that belong together, by their indices.
struct Party {
    name: Name,
    members: Vec<usize>,
}

/// The protocols of the main module that are declared by local ones, in the order of the text.
///
/// `types` are the local types of the protocols that are sound, by index.
pub(super) fn assemble(
    modules: &Modules,
    types: Vec<(usize, LocalType)>,
) -> (Vec<(Name, LocalTypes)>, Diagnostics) {
    let mut found = Diagnostics::default();
    let mut protocols = Vec::new();
    let mut local_of: HashMap<usize, LocalType> = types.into_iter().collect();
    let globals = modules.protocols.iter().filter(|p| p.module == 0 && p.head.own.is_none());
    let spans: HashMap<&Name, Span> =
        globals.map(|p| (&p.head.name.value, p.head.name.span)).collect();
    for Party { name, members } in parties(modules) {
        let heads: Vec<&Declaration> =
            members.iter().map(|index| &modules.protocols[*index].head).collect();
        if let Some(more) = heads.get(ROLES_MAX) {
            let text = format!("a protocol has at most {ROLES_MAX} roles");
            found.push(Diagnostic::new(Code::TooLarge, more.name.span, text));
            continue;
        }
        // Where the names are the same as they stand, it was reported.
        if let Some(global) = spans.get(&name).filter(|_| heads[0].name.value != name) {
            let text = format!("local and global protocols are called `{name}`");
            found.push(
                Diagnostic::new(Code::DuplicateProtocol, heads[0].name.span, text)
                    .note(*global, "the global one")
                    .remedy("give each a name of its own"),
            );
        }
        complete(&name, &heads, modules.list[0].incomplete, &mut found);
        let mut roles = Vec::with_capacity(members.len());
        for (index, head) in members.iter().zip(&heads) {
            let Some(local) = local_of.remove(index) else { continue };
            let own = head.own_role().expect("it is a local protocol");
            roles.push((own.value.clone(), own.span, local));
        }
        if roles.len() < members.len() || found.has_errors() {
            continue;
        }
        match LocalTypes::with_spans(roles) {
            Ok((locals, warnings)) => {
                found.append(warnings);
                protocols.push((name, locals));
            }
            Err(more) => found.append(more),
        }
    }
    (protocols, found)
}

/// The local protocols of the main module that are not there to be called only.
fn parties(modules: &Modules) -> Vec<Party> {
    let mut parties: Vec<Party> = Vec::new();
    let mut places: HashMap<Name, usize> = HashMap::new();
    let mut add = |parties: &mut Vec<Party>, name: Name, members: Vec<usize>| {
        let place = *places.entry(name.clone()).or_insert(parties.len());
        match parties.get_mut(place) {
            Some(party) => party.members.extend(members),
            None => parties.push(Party { name, members }),
        }
    };
    let heads = modules.protocols.iter().enumerate();
    let heads = heads.filter(|(_, p)| p.module == 0 && p.head.own.is_some() && !p.head.aux);
    let heads: Vec<(usize, &Declaration)> = heads.map(|(index, p)| (index, &p.head)).collect();
    let mut count: HashMap<&Name, usize> = HashMap::new();
    heads.iter().for_each(|(_, head)| *count.entry(&head.name.value).or_default() += 1);
    for (index, head) in heads {
        // Projections are called `P_A`, `P_B`, … by other tools.
        let stem = head.own_role().and_then(|own| {
            let stem = head.name.value.strip_suffix(own.value.as_str())?.strip_suffix('_')?;
            Name::new(stem).ok().filter(|_| count[&head.name.value] == 1)
        });
        add(&mut parties, stem.unwrap_or_else(|| head.name.value.clone()), [index].into());
    }
    parties
}

/// Whether each role of a protocol has its local one, and all of them list the same roles.
fn complete(name: &Name, heads: &[&Declaration], incomplete: bool, found: &mut Diagnostics) {
    let first = heads[0];
    let known = |role: &Name| {
        heads.iter().any(|head| head.own_role().is_some_and(|own| own.value == *role))
    };
    for role in first.roles.iter().filter(|role| !incomplete && !known(&role.value)) {
        let text = format!("role `{}` of `{name}` has no local protocol", role.value);
        let remedy = format!("declare `local protocol {name} at {}(…)`", role.value);
        found.push(Diagnostic::new(Code::MissingLocal, role.span, text).remedy(remedy));
    }
    for head in &heads[1..] {
        if !same_roles(first, head) {
            let text = format!("the local protocols of `{name}` do not list the same roles");
            found.push(
                Diagnostic::new(Code::RoleMismatch, head.name.span, text)
                    .note(first.name.span, "the first one")
                    .remedy("list the same roles in the same order in each of them"),
            );
        }
    }
}

/// The order counts where both list all roles: a call gives roles by their order.
fn same_roles(one: &Declaration, other: &Declaration) -> bool {
    let names = |head: &Declaration| -> Vec<Name> {
        head.roles.iter().map(|role| role.value.clone()).collect()
    };
    let listed = |head: &Declaration| head.own.is_some_and(|own| own.listed);
    let (mut one_names, mut other_names) = (names(one), names(other));
    if !(listed(one) && listed(other)) {
        one_names.sort();
        other_names.sort();
    }
    one_names == other_names
}
