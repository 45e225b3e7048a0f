//! Whether a text is one of automata, by how it begins.

/// The notation of a text of automata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::types::syntax) enum Notation {
    /// `.outputs …`
    Fsm,
    /// `digraph …`
    Dot,
}

/// The notation of automata that a text is in; none if it is something else.
///
/// No other notation begins with a dot. One of the others may begin with the word `digraph`: as the
/// name of a role, and then `=` stands behind it.
pub(in crate::types::syntax) fn notation(text: &str) -> Option<Notation> {
    let rest = behind_comments(text);
    if rest.starts_with('.') {
        return Some(Notation::Fsm);
    }
    let (mut word, mut rest) = word(rest);
    if word.eq_ignore_ascii_case("strict") {
        (word, rest) = self::word(behind_comments(rest));
    }
    let declares = behind_comments(rest).starts_with('=');
    (word.eq_ignore_ascii_case("digraph") && !declares).then_some(Notation::Dot)
}

/// The first word of letters, and the rest.
fn word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    text.split_at(end.unwrap_or(text.len()))
}

/// What follows blanks and comments of any of these notations.
fn behind_comments(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let line = ["--", "#", "//"].iter().any(|sign| rest.starts_with(sign));
        let skipped = if line {
            rest.find('\n').map_or(rest.len(), |at| at + 1)
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |at| at + 2)
        } else {
            return rest;
        };
        rest = rest[skipped..].trim_start();
    }
}
