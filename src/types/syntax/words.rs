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
        Token::Own => keyword("self"),
        Token::Operator => "a sign of arithmetic".to_string(),
        Token::FromModule => keyword("from"),
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
        Token::Dot | Token::Member => ".",
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

/// What the grammar reads only to call it unsupported, and what is said by other words.
const SILENT: [&str; 21] = [
    "@",
    "connect",
    "disconnect",
    "wrap",
    "par",
    "interruptible",
    "throws",
    "nested",
    "calls",
    "new",
    "by",
    "catches",
    "self",
    "from module",
    "explicit",
    "word",
    "number",
    "operator",
    "⊕",
    "&",
    "?",
];

/// A short list of what could stand here.
fn listed(expected: &[&str], notation: Notation) -> Option<String> {
    let has = |name: &str| expected.contains(&name);
    let (kind, covered): (&str, &[&str]) = if has("choice") && has("word") && !has("to") {
        ("a statement", &["("])
    } else if has("module") && has("global") && !has("word") {
        ("a declaration (`global protocol`, `type`, …)", &[])
    } else if has("end") && has("word") && has("+") {
        ("a local type (a message, a choice, `rec`, a variable or `end`)", &["+"])
    } else if has("[") && has("{") && has("word") {
        ("a payload type", &["[", "{"])
    } else if has("word") {
        ("a name", &[])
    } else if has("?") {
        ("", &["{", "["])
    } else if has(";") {
        ("", &["["])
    } else {
        ("", &[])
    };
    let mut list: Vec<String> = Vec::new();
    if !kind.is_empty() {
        list.push(kind.to_string());
    }
    for name in expected {
        let keyword = name.chars().all(|c| c.is_ascii_alphabetic());
        match *name {
            "declare" => list.push("a declaration `Role = …`".to_string()),
            // Where any name can stand so can any keyword, which then is one.
            _ if keyword && (!kind.is_empty() || notation == Notation::Local) => {}
            // A module may stand before most names; it is said only where nothing else can stand.
            "member" if has(",") || has("calls") || (has("@") && !has("<")) => {}
            "member" => list.push("`.`".to_string()),
            ":" | ";" if has("<") && has("(") => {}
            "text" => list.push("a quoted text".to_string()),
            "!" if has("declare") => {}
            "!" if has("?") => list.push("`!` or `?`".to_string()),
            name if SILENT.contains(&name) || covered.contains(&name) => {}
            name => list.push(format!("`{name}`")),
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
