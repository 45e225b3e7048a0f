//! `antiphon graph`: what each role may do, as an automaton: drawn by Graphviz or Mermaid, or as
//! other tools read it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Failure, input};
use crate::types::syntax::{cfsm, json};
use crate::types::{Direction, Protocol, RoleIx, StateIx, Transition};

/// Print the automaton of each role, for drawing or for other tools
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  antiphon graph two_buyer.scr | dot -Tsvg -o two_buyer.svg
  antiphon graph two_buyer.scr --role Bob --format mermaid
  antiphon graph two_buyer.scr --format fsm > two_buyer.fsa")]
pub(super) struct Graph {
    /// The protocol: Scribble, local types, automata or JSON; `-` is standard input
    file: PathBuf,
    /// Only the automaton of this role
    #[arg(long)]
    role: Option<String>,
    /// The protocol of this name, where the file has several [default: the first]
    #[arg(long, value_name = "NAME")]
    protocol: Option<String>,
    /// How automata are written
    #[arg(long, value_enum, default_value_t = Format::Dot)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Graphviz; read back by antiphon
    Dot,
    /// Mermaid's `stateDiagram-v2`
    Mermaid,
    /// A table of transitions, read back by antiphon
    Json,
    /// The text of KMC and ChorGram, of all roles; read back by antiphon
    Fsm,
}

impl Graph {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let protocol = input::protocol_unchecked(&self.file, self.protocol.as_deref())?;
        let role = match &self.role {
            None => None,
            Some(role) => {
                let found = protocol.role(role);
                Some(found.ok_or_else(|| input::unknown_role(role, protocol.roles()))?)
            }
        };
        let text = match self.format {
            Format::Dot => cfsm::write_dot(&protocol, role),
            Format::Mermaid => mermaid(&protocol, role),
            Format::Json => json::write_automata(&protocol, role),
            Format::Fsm if role.is_some() => {
                let text = "the text of KMC numbers all roles: leave out `--role`";
                return Err(Failure::Usage(text.into()));
            }
            Format::Fsm => cfsm::write_fsm(&protocol),
        };
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }
}

/// The states of an automaton, in order.
fn states(protocol: &Protocol, role: RoleIx) -> impl Iterator<Item = StateIx> {
    (0..protocol.automaton(role).len()).map(|state| StateIx(u32::try_from(state).expect("it fits")))
}

/// All roles of a protocol.
fn roles(protocol: &Protocol) -> impl Iterator<Item = RoleIx> {
    (0..protocol.roles().len()).map(|role| RoleIx(u16::try_from(role).expect("ROLES_MAX fits")))
}

/// `Seller!title(string)`.
fn action(protocol: &Protocol, direction: Direction, transition: &Transition) -> String {
    let peer = protocol.role_name(transition.peer);
    let label = protocol.label_name(transition.label);
    let payload = &protocol.message(transition.message).payload;
    format!("{peer}{}{label}{payload}", direction.symbol())
}

/// The transitions of a state, each with its action in words and the state behind it.
fn moves(
    protocol: &Protocol,
    role: RoleIx,
    state: StateIx,
) -> impl Iterator<Item = (String, StateIx)> {
    let automaton = protocol.automaton(role);
    automaton.direction(state).into_iter().flat_map(move |direction| {
        let row = automaton.moves(state).iter();
        row.map(move |transition| (action(protocol, direction, transition), transition.next))
    })
}

/// A state diagram: with a composite state for each role, or of one role alone.
fn mermaid(protocol: &Protocol, only: Option<RoleIx>) -> String {
    let mut out = String::from("stateDiagram-v2\n  direction LR\n");
    match only {
        Some(role) => mermaid_role(protocol, role, "  ", &mut out),
        None => {
            for role in roles(protocol) {
                let name = protocol.role_name(role);
                // No state is called so: their names end in a number.
                let _ = writeln!(out, "  state \"{name}\" as {name}_role {{");
                out.push_str("    direction LR\n");
                mermaid_role(protocol, role, "    ", &mut out);
                out.push_str("  }\n");
            }
        }
    }
    out
}

fn mermaid_role(protocol: &Protocol, role: RoleIx, indent: &str, out: &mut String) {
    let name = protocol.role_name(role);
    for state in states(protocol, role) {
        let _ = writeln!(out, "{indent}state \"{0}\" as {name}_{0}", state.0);
    }
    let _ = writeln!(out, "{indent}[*] --> {name}_{}", StateIx::INITIAL.0);
    for state in states(protocol, role) {
        for (action, next) in moves(protocol, role, state) {
            let (from, to, action) = (state.0, next.0, mermaid_escaped(&action));
            let _ = writeln!(out, "{indent}{name}_{from} --> {name}_{to} : {action}");
        }
        if protocol.automaton(role).is_end(state) {
            let _ = writeln!(out, "{indent}{name}_{} --> [*]", state.0);
        }
    }
}

/// A text behind the colon of a transition, where `:` and `;` would end it, and the rest be taken
/// for HTML or for blocks: Mermaid has character codes for that.
fn mermaid_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ':' | ';' | '#' | '"' | '<' | '>' | '{' | '}' | '&' | '%' => {
                let _ = write!(out, "#{};", u32::from(character));
            }
            other => out.push(other),
        }
    }
    out
}
