//! Automata as input: what each notation means, what is said of what is wrong, round trips, hostile
//! texts.
#![cfg(feature = "syntax")]

mod hostile;
mod notations;
mod round_trip;
mod synthesis;
mod wrong;

#[path = "../reference/mod.rs"]
mod reference;
#[path = "../strategies/mod.rs"]
mod strategies;

use antiphon::types::syntax::{Declared, Limits, read};
use antiphon::types::{Diagnostics, Severity};

/// The local types of a text, or the codes of what is wrong with it.
fn meaning(text: &str) -> String {
    match read(text, &Limits::default()) {
        Ok((Declared::Local(locals), _)) => locals.to_string(),
        Ok((Declared::Global(_) | Declared::Named(_), _)) => panic!("global: {text}"),
        Err(found) => codes(&found).join(" "),
    }
}

/// The codes of errors.
fn codes(found: &Diagnostics) -> Vec<&'static str> {
    let errors = found.list().iter().filter(|d| d.code.severity() == Severity::Error);
    errors.map(|d| d.code.as_str()).collect()
}

/// The lines of a table in the text of KMC, as an automaton called `name`.
fn block(name: &str, lines: &str, initial: &str) -> String {
    format!(".outputs {name}\n.state graph\n{lines}\n.marking {initial}\n.end\n")
}
