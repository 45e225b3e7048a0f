//! Protocols: a checked global type or set of local types, compiled to one automaton a role.

use alloc::format;

use super::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use super::name::Name;
use super::tree::RESERVED;

/// The most roles of one protocol: a scope of authority (one bit a role, one for the lifecycle)
/// fits a machine word pair.
pub const ROLES_MAX: usize = 127;

/// Checks that role names are distinct, not reserved, and not too many.
pub(super) fn check_roles<'a>(
    roles: impl Iterator<Item = (&'a Name, Span)>,
    found: &mut Diagnostics,
) {
    let mut known: hashbrown::HashMap<&Name, Span> = hashbrown::HashMap::new();
    for (count, (role, span)) in roles.enumerate() {
        if count == ROLES_MAX {
            let text = format!("a protocol has at most {ROLES_MAX} roles");
            found.push(Diagnostic::new(Code::TooLarge, span, text));
        }
        if RESERVED.contains(&role.as_str()) {
            let text = format!("`{role}` is a keyword of local types and cannot name a role");
            found.push(
                Diagnostic::new(Code::ReservedName, span, text).remedy("choose another name"),
            );
        }
        if let Some(first) = known.insert(role, span) {
            let text = format!("role `{role}` is declared twice");
            found.push(
                Diagnostic::new(Code::DuplicateRole, span, text)
                    .note(first, "declared here first")
                    .remedy("give each role a name of its own"),
            );
        }
    }
}

/// The warning about a role that does nothing.
pub(super) fn never_acts(role: &Name, span: Span) -> Diagnostic {
    Diagnostic::new(Code::RoleNeverActs, span, format!("role `{role}` never acts"))
        .remedy("remove it, or give it a message to send or to receive")
}
