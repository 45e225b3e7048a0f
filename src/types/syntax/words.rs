//! Syntax errors in plain words: what was found, what was expected.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use lalrpop_util::ParseError;

use super::lexer::{Notation, Stop};
use super::token::Token;
use crate::types::diagnostics::{Code, Diagnostic, Span};

/// More than this many expectations are not listed.
const LISTED_MAX: usize = 6;

/// The diagnostic of a syntax error; none where the lexer stopped and has said why.
pub(super) fn unexpected(
    error: &ParseError<usize, Token<'_>, Stop>,
    notation: Notation,
) -> Option<Diagnostic> {
    let (span, found, expected) = match error {
        ParseError::UnrecognizedToken { token: (start, token, end), expected } => {
            (Span::new(*start, *end), shown(*token), &expected[..])
        }
        ParseError::UnrecognizedEof { location, expected } => {
            (Span::new(*location, *location), "the end of the text".to_string(), &expected[..])
        }
        ParseError::ExtraToken { token: (start, token, end) } => {
            (Span::new(*start, *end), shown(*token), &[][..])
        }
        ParseError::InvalidToken { .. } | ParseError::User { error: Stop } => return None,
    };
    let expected: Vec<&str> = expected.iter().map(|name| name.trim_matches('"')).collect();
    let text = match listed(&expected, notation) {
        Some(expected) => format!("found {found}, expected {expected}"),
        None => format!("found {found}, which cannot stand here"),
    };
    let diagnostic = Diagnostic::new(Code::UnexpectedToken, span, text);
    Some(match remedy(&expected, notation) {
        Some(remedy) => diagnostic.remedy(remedy),
        None => diagnostic,
    })
}

fn shown(token: Token<'_>) -> String {
    let keyword = |word: &str| format!("the keyword `{word}`");
    match token {
        Token::Word(word) => format!("`{word}`"),
        Token::Declare(word) => format!("the declaration `{word} =`"),
        Token::Number => "a number".to_string(),
        Token::Text => "a quoted text".to_string(),
        Token::Operator => "a sign of arithmetic".to_string(),
        token => match sign(token) {
            Some(sign) => format!("`{sign}`"),
            None => keyword(&format!("{token:?}").to_lowercase()),
        },
    }
}

fn sign(token: Token<'_>) -> Option<&'static str> {
    Some(match token {
        Token::Open => "(",
        Token::Close => ")",
        Token::OpenList => "[",
        Token::CloseList => "]",
        Token::OpenBrace => "{",
        Token::CloseBrace => "}",
        Token::Less => "<",
        Token::Greater => ">",
        Token::Comma => ",",
        Token::Semicolon => ";",
        Token::Colon => ":",
        Token::Dot => ".",
        Token::Bang => "!",
        Token::Question => "?",
        Token::Plus => "+",
        Token::Oplus => "⊕",
        Token::Ampersand => "&",
        Token::Equals => "=",
        Token::Annotation => "@",
        _ => return None,
    })
}

/// A short list of what could stand here.
fn listed(expected: &[&str], notation: Notation) -> Option<String> {
    let has = |name: &str| expected.contains(&name);
    let mut list: Vec<String> = Vec::new();
    if has("choice") && has("continue") && has("word") && !has("role") {
        list.push("a statement".to_string());
    } else if has("module") && has("global") && !has("word") {
        list.push("a declaration (`global protocol`, `type`, …)".to_string());
    } else if has("end") && has("word") && has("+") {
        list.push("a local type (a message, a choice, `rec`, a variable or `end`)".to_string());
    } else if has("word") {
        list.push("a name".to_string());
    }
    let said = !list.is_empty();
    for name in expected {
        let keyword = name.chars().all(|c| c.is_ascii_alphabetic());
        match *name {
            "word" | "number" | "operator" => {}
            "declare" => list.push("a declaration `Role = …`".to_string()),
            "text" if !said => list.push("a quoted text".to_string()),
            "text" => {}
            // The signs that begin a type or a statement are covered by its name.
            _ if keyword && (said || matches!(notation, Notation::Local)) => {}
            "⊕" | "&" | "@" => {}
            "(" | "+" | "[" | "{" if said && list.len() == 1 && has("chan") | has("choice") => {}
            sign => list.push(format!("`{sign}`")),
        }
    }
    let last = list.pop()?;
    match list.len() {
        0 => Some(last),
        1..LISTED_MAX => Some(format!("{} or {last}", list.join(", "))),
        _ => None,
    }
}

fn remedy(expected: &[&str], notation: Notation) -> Option<&'static str> {
    let only = |names: &[&str]| expected.iter().all(|name| names.contains(name));
    if expected.is_empty() {
        None
    } else if notation == Notation::Local && expected.contains(&".") && only(&[".", "("]) {
        Some("a message is followed by `.` and what comes next; write `. end`")
    } else if only(&[";", "@", ","]) {
        Some("a statement ends with `;`")
    } else {
        None
    }
}
