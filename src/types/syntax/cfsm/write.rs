//! The automata of a protocol as DOT and as the text of KMC, in forms that are read back
//! (CFSM-9).

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::Write as _;

use crate::types::automaton::{RoleIx, StateIx, Transition};
use crate::types::local::Direction;
use crate::types::protocol::Protocol;

/// The states of an automaton, in order.
fn states(protocol: &Protocol, role: RoleIx) -> impl Iterator<Item = StateIx> {
    (0..protocol.automaton(role).len()).map(|state| StateIx(u32::try_from(state).expect("it fits")))
}

/// All roles of a protocol.
fn roles(protocol: &Protocol) -> impl Iterator<Item = RoleIx> {
    (0..protocol.roles().len()).map(|role| RoleIx(u16::try_from(role).expect("ROLES_MAX fits")))
}

/// `title(string)`
fn message(protocol: &Protocol, transition: &Transition) -> String {
    let payload = &protocol.message(transition.message).payload;
    format!("{}{payload}", protocol.label_name(transition.label))
}

/// The transitions of a state.
fn moves(
    protocol: &Protocol,
    role: RoleIx,
    state: StateIx,
) -> impl Iterator<Item = (Direction, &Transition)> {
    let automaton = protocol.automaton(role);
    let row = automaton.moves(state).iter();
    automaton
        .direction(state)
        .into_iter()
        .flat_map(move |direction| row.clone().map(move |transition| (direction, transition)))
}

/// One digraph for Graphviz, with a cluster for each role; or the digraph of one role alone.
#[must_use]
pub fn write_dot(protocol: &Protocol, only: Option<RoleIx>) -> String {
    let title = match only {
        None => protocol.name().to_string(),
        Some(role) => format!("{}: {}", protocol.name(), protocol.role_name(role)),
    };
    let mut out = format!("digraph \"{}\" {{\n", escaped(&title));
    let _ = writeln!(out, "  label=\"{}\";", escaped(&title));
    out.push_str("  labelloc=t;\n  rankdir=LR;\n  node [shape=circle];\n");
    match only {
        Some(role) => dot_role(protocol, role, "  ", &mut out),
        None => {
            for role in roles(protocol) {
                let name = protocol.role_name(role);
                let _ = writeln!(out, "  subgraph \"cluster_{name}\" {{\n    label=\"{name}\";");
                dot_role(protocol, role, "    ", &mut out);
                out.push_str("  }\n");
            }
        }
    }
    out.push_str("}\n");
    out
}

fn dot_role(protocol: &Protocol, role: RoleIx, indent: &str, out: &mut String) {
    let name = protocol.role_name(role);
    let _ = writeln!(out, "{indent}{name}_start [shape=point];");
    for state in states(protocol, role) {
        let shape =
            if protocol.automaton(role).is_end(state) { ", shape=doublecircle" } else { "" };
        let _ = writeln!(out, "{indent}{name}_{0} [label=\"{0}\"{shape}];", state.0);
    }
    let _ = writeln!(out, "{indent}{name}_start -> {name}_{};", StateIx::INITIAL.0);
    for state in states(protocol, role) {
        for (direction, transition) in moves(protocol, role, state) {
            let (from, to) = (state.0, transition.next.0);
            let (peer, sign) = (protocol.role_name(transition.peer), direction.symbol());
            let label = escaped(&format!("{peer}{sign}{}", message(protocol, transition)));
            let _ = writeln!(out, "{indent}{name}_{from} -> {name}_{to} [label=\"{label}\"];");
        }
    }
}

/// A text between the quotes of DOT.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// The text that KMC and ChorGram read, a block for each role. KMC itself knows no payload but one
/// word in angles, `label<int>`: what can be written so is.
#[must_use]
pub fn write_fsm(protocol: &Protocol) -> String {
    let mut out = String::new();
    for role in roles(protocol) {
        let name = protocol.role_name(role);
        let _ = write!(out, ".outputs {name}\n.state graph\n");
        for state in states(protocol, role) {
            for (direction, transition) in moves(protocol, role, state) {
                let (from, to, peer) = (state.0, transition.next.0, transition.peer.0);
                let (sign, message) = (direction.symbol(), fsm_message(protocol, transition));
                let _ = writeln!(out, "q{from} {peer} {sign} {message} q{to}");
            }
        }
        let _ = write!(out, ".marking q{}\n.end\n\n", StateIx::INITIAL.0);
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn fsm_message(protocol: &Protocol, transition: &Transition) -> String {
    let payload = &protocol.message(transition.message).payload;
    if let [(None, sort)] = payload.args() {
        let sort = sort.to_string();
        if sort.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return format!("{}<{sort}>", protocol.label_name(transition.label));
        }
    }
    message(protocol, transition)
}
