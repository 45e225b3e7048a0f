//! The words and signs of Graphviz's DOT.

use logos::{FilterResult, Lexer, Logos};

/// Why a piece of text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Flaw {
    #[default]
    Character,
    Comment,
    Text,
}

/// One token. Keywords are words in any mixture of cases.
#[derive(Logos, Debug, Clone, Copy, PartialEq, Eq)]
#[logos(error = Flaw, skip r"[ \t\r\n\f\v]+")]
pub(crate) enum Token<'t> {
    #[regex(r"[A-Za-z_\u{80}-\u{10FFFF}][A-Za-z0-9_\u{80}-\u{10FFFF}]*", |lex| lex.slice())]
    #[regex(r"-?(\.[0-9]+|[0-9]+(\.[0-9]*)?)", |lex| lex.slice())]
    Word(&'t str),
    /// A quoted text, with its quotes.
    #[token("\"", text)]
    Text(&'t str),
    /// `<…>` with matching brackets inside, as it is written.
    #[token("<", html)]
    Html(&'t str),
    #[token("//", line_comment)]
    #[token("#", line_comment)]
    #[token("/*", block_comment)]
    Comment,

    #[token("strict", ignore(case))]
    Strict,
    #[token("digraph", ignore(case))]
    Digraph,
    #[token("graph", ignore(case))]
    Graph,
    #[token("subgraph", ignore(case))]
    Subgraph,
    #[token("node", ignore(case))]
    Node,
    #[token("edge", ignore(case))]
    Edge,

    #[token("{")]
    OpenBrace,
    #[token("}")]
    CloseBrace,
    #[token("[")]
    OpenList,
    #[token("]")]
    CloseList,
    #[token("=")]
    Equals,
    #[token(";")]
    Semicolon,
    #[token(",")]
    Comma,
    #[token(":")]
    Colon,
    #[token("+")]
    Plus,
    #[token("->")]
    Arrow,
    #[token("--")]
    Line,
}

fn line_comment<'t>(lexer: &mut Lexer<'t, Token<'t>>) -> FilterResult<(), Flaw> {
    let rest = lexer.remainder();
    lexer.bump(rest.find('\n').unwrap_or(rest.len()));
    FilterResult::Skip
}

fn block_comment<'t>(lexer: &mut Lexer<'t, Token<'t>>) -> FilterResult<(), Flaw> {
    let rest = lexer.remainder();
    match rest.find("*/") {
        Some(at) => {
            lexer.bump(at + 2);
            FilterResult::Skip
        }
        None => {
            lexer.bump(rest.len());
            FilterResult::Error(Flaw::Comment)
        }
    }
}

/// A quoted text, of several lines if need be; a backslash takes a quote behind it along.
fn text<'t>(lexer: &mut Lexer<'t, Token<'t>>) -> FilterResult<&'t str, Flaw> {
    let rest = lexer.remainder().as_bytes();
    let mut at = 0;
    loop {
        match rest.get(at) {
            Some(b'"') => {
                lexer.bump(at + 1);
                return FilterResult::Emit(lexer.slice());
            }
            Some(b'\\') if matches!(rest.get(at + 1), Some(b'"' | b'\\')) => at += 2,
            Some(_) => at += 1,
            None => {
                lexer.bump(rest.len());
                return FilterResult::Error(Flaw::Text);
            }
        }
    }
}

fn html<'t>(lexer: &mut Lexer<'t, Token<'t>>) -> FilterResult<&'t str, Flaw> {
    let rest = lexer.remainder().as_bytes();
    let (mut at, mut depth) = (0, 1_usize);
    while depth > 0 {
        match rest.get(at) {
            Some(b'<') => depth += 1,
            Some(b'>') => depth -= 1,
            Some(_) => {}
            None => {
                lexer.bump(rest.len());
                return FilterResult::Error(Flaw::Text);
            }
        }
        at += 1;
    }
    lexer.bump(at);
    FilterResult::Emit(lexer.slice())
}
