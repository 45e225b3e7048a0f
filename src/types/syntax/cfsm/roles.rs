//! What the automata of a text are called, and whom a transition speaks to.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::table::cut;
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::name::Name;

/// The automata of a text by what they are called.
pub(super) struct Roles<'t> {
    by_text: HashMap<&'t str, u32>,
    count: usize,
}

impl<'t> Roles<'t> {
    /// `written` is what each automaton is called in the text; of two that are called alike, the
    /// first one is meant.
    pub(super) fn new(written: impl Iterator<Item = &'t str>) -> Self {
        let mut roles = Self { by_text: HashMap::new(), count: 0 };
        for text in written {
            let number = u32::try_from(roles.count).unwrap_or(u32::MAX);
            roles.by_text.entry(text).or_insert(number);
            roles.count += 1;
        }
        roles
    }

    /// The automaton that is called so.
    pub(super) fn named(&self, text: &str) -> Option<u32> {
        self.by_text.get(text).copied()
    }

    /// The automaton with this number, in the order of the text.
    pub(super) fn numbered(&self, text: &str) -> Option<u32> {
        text.parse().ok().filter(|number: &u32| (*number as usize) < self.count)
    }

    /// CFSM-4: what is said of a partner that is none of them.
    pub(super) fn unknown(&self, text: &str, span: Span, found: &mut Diagnostics) {
        let shown = cut(text);
        let diagnostic = if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let message = format!("there is no automaton {shown}");
            let remedy = match self.count {
                1 => "the only automaton of the text is 0".to_string(),
                count => format!("the automata of the text are 0 to {}", count.saturating_sub(1)),
            };
            Diagnostic::new(Code::UnknownRole, span, message).remedy(remedy)
        } else {
            let message = format!("no automaton is called `{shown}`");
            Diagnostic::new(Code::UnknownRole, span, message)
                .remedy("give the automaton of this role, or correct the name")
        };
        found.push(diagnostic);
    }
}

/// CFSM-2: the roles' names: the given ones, and for an automaton without a name of its own `M`
/// with its number.
pub(super) fn names(given: Vec<Option<Name>>) -> Vec<Name> {
    let mut known: HashMap<Name, usize> = HashMap::new();
    for (index, name) in given.iter().enumerate() {
        if let Some(name) = name {
            known.entry(name.clone()).or_insert(index);
        }
    }
    let mut names = Vec::with_capacity(given.len());
    for (index, name) in given.into_iter().enumerate() {
        let own = name.filter(|name| known.get(name) == Some(&index));
        let name = own.unwrap_or_else(|| {
            let mut text = format!("M{index}");
            loop {
                let name = Name::new(&text).expect("a letter and digits are a name");
                if !known.contains_key(&name) {
                    break name;
                }
                text.push('_');
            }
        });
        known.insert(name.clone(), index);
        names.push(name);
    }
    names
}
