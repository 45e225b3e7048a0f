//! Communicating automata as input: an automaton a role, in notations that other tools write, and
//! the local types that are made of them.
//!
//! Three notations: the text of KMC and ChorGram ([`read_fsm`]), Graphviz ([`read_dot`]), and a
//! flat JSON document (`json::read`, with `"antiphon": "automata"`). All of them fill tables
//! (`table.rs`), and `synthesis.rs` checks these and writes them out as local types. (Communicating
//! finite-state machines: Brand & Zafiropulo, JACM 1983.)
//!
//! Clauses: CFSM-1 to CFSM-10.

mod action;
mod dot;
mod dot_lexer;
mod dot_reader;
mod dot_token;
mod fsm;
mod fsm_words;
mod message;
mod roles;
mod sniff;
mod synthesis;
mod table;
mod write;

pub use dot::read_dot;
pub use fsm::read_fsm;
pub use write::{write_dot, write_fsm};

pub(super) use sniff::{Notation, notation};
pub(super) use synthesis::locals;
pub(super) use table::{Message, States, System, Table, Transition};

lalrpop_util::lalrpop_mod!(
    #[allow(warnings, clippy::all, clippy::pedantic)]
    dot_grammar,
    "/types/syntax/cfsm/dot_grammar.rs"
);
