//! Automata as they were written, before anything is checked: states and transitions in flat
//! arrays, whatever the notation.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::types::diagnostics::Span;
use crate::types::local::Direction;
use crate::types::name::Name;
use crate::types::sort::Payload;
use crate::types::syntax::json;

/// All automata of a text.
#[derive(Debug, Default)]
pub(in crate::types::syntax) struct System {
    pub(in crate::types::syntax) tables: Vec<Table>,
    /// What transitions carry, each message once.
    pub(in crate::types::syntax) messages: Vec<Message>,
}

/// The automaton of one role.
#[derive(Debug)]
pub(in crate::types::syntax) struct Table {
    pub(in crate::types::syntax) role: Name,
    /// Where the role is declared.
    pub(in crate::types::syntax) span: Span,
    pub(in crate::types::syntax) states: States,
    pub(in crate::types::syntax) initial: u32,
    /// In the order of the text.
    pub(in crate::types::syntax) transitions: Vec<Transition>,
}

/// One transition, its role's partner by its place among the tables.
#[derive(Debug, Clone, Copy)]
pub(in crate::types::syntax) struct Transition {
    pub(in crate::types::syntax) from: u32,
    pub(in crate::types::syntax) to: u32,
    pub(in crate::types::syntax) direction: Direction,
    pub(in crate::types::syntax) peer: u32,
    pub(in crate::types::syntax) message: u32,
    pub(in crate::types::syntax) span: Span,
}

/// The states of an automaton, by their number.
#[derive(Debug)]
pub(in crate::types::syntax) enum States {
    /// So many; they have no names.
    Numbered(u32),
    /// What each is called, where it stands first, and whether it is one at all: a node that only
    /// points at the initial state is none.
    Named(Vec<State>),
}

/// A state that has a name.
#[derive(Debug)]
pub(in crate::types::syntax) struct State {
    pub(in crate::types::syntax) name: String,
    pub(in crate::types::syntax) span: Span,
    pub(in crate::types::syntax) marker: bool,
}

impl States {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbered(count) => *count as usize,
            Self::Named(states) => states.len(),
        }
    }

    /// What diagnostics call a state.
    pub(super) fn shown(&self, state: u32) -> String {
        match self {
            Self::Numbered(_) => format!("{state}"),
            Self::Named(states) => format!("`{}`", cut(&states[state as usize].name)),
        }
    }

    /// Where a state stands first, if it is known.
    pub(super) fn span(&self, state: u32) -> Option<Span> {
        match self {
            Self::Numbered(_) => None,
            Self::Named(states) => Some(states[state as usize].span),
        }
    }

    pub(super) fn is_marker(&self, state: u32) -> bool {
        match self {
            Self::Numbered(_) => false,
            Self::Named(states) => states[state as usize].marker,
        }
    }
}

/// The beginning of a text of the user, for a message.
pub(super) fn cut(text: &str) -> String {
    const SHOWN_MAX: usize = 64;
    let mut shown: String = text.chars().take(SHOWN_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown.replace(char::is_control, "\u{FFFD}")
}

/// A label with what it carries.
#[derive(Debug)]
pub(in crate::types::syntax) struct Message {
    pub(in crate::types::syntax) label: Name,
    pub(in crate::types::syntax) payload: Payload,
    /// What each copy of it costs: its arguments and the constructors of its sort.
    pub(super) weight: usize,
}

impl Message {
    pub(in crate::types::syntax) fn new(label: Name, payload: Payload) -> Self {
        let sort = usize::try_from(json::weight_of_sort(payload.sort())).unwrap_or(usize::MAX);
        let weight = payload.args().len().saturating_add(sort);
        Self { label, payload, weight }
    }
}
