//! The words and signs of both notations.

use logos::{FilterResult, Lexer, Logos};

/// Why a piece of text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Flaw {
    #[default]
    Character,
    Comment,
    Text,
    /// No flaw: a pragma, which may ask for what is not supported.
    Pragma,
}

/// One token. Keywords of Scribble come as [`Token::Word`] where they are none (see the lexer).
#[derive(Logos, Debug, Clone, Copy, PartialEq, Eq)]
#[logos(error = Flaw, skip r"[ \t\r\n\f\u{feff}]+")]
pub(crate) enum Token<'t> {
    #[regex("[A-Za-z_][A-Za-z0-9_]*", |lex| lex.slice())]
    Word(&'t str),
    /// A word with `=` behind it: a declaration in a file of local types. Made by the lexer.
    Declare(&'t str),
    #[regex("[0-9]+")]
    Number,
    #[token("\"", text)]
    Text,
    #[token("//", line_comment)]
    #[token("(*)", line_comment)]
    #[token("/*", block_comment)]
    #[token("(*", nested_comment)]
    Comment,

    #[token("module")]
    Module,
    #[token("import")]
    Import,
    #[token("type")]
    Type,
    #[token("data")]
    Data,
    #[token("sig")]
    Sig,
    #[token("explicit")]
    Explicit,
    #[token("global")]
    Global,
    #[token("local")]
    Local,
    #[token("aux")]
    Aux,
    #[token("protocol")]
    Protocol,
    #[token("role")]
    Role,
    #[token("from")]
    From,
    /// `from` outside all brackets, where it begins an import. Made by the lexer.
    FromModule,
    #[token("to")]
    To,
    #[token("at")]
    At,
    #[token("as")]
    As,
    #[token("choice")]
    Choice,
    #[token("or")]
    Or,
    #[token("continue")]
    Continue,
    #[token("do")]
    Do,
    #[token("and")]
    And,
    #[token("with")]
    With,
    #[token("connect")]
    Connect,
    #[token("disconnect")]
    Disconnect,
    #[token("wrap")]
    Wrap,
    #[token("par")]
    Par,
    #[token("interruptible")]
    Interruptible,
    #[token("throws")]
    Throws,
    #[token("catches")]
    Catches,
    #[token("by")]
    By,
    #[token("nested")]
    Nested,
    #[token("calls")]
    Calls,
    #[token("new")]
    New,
    #[token("self")]
    Own,
    #[token("rec")]
    Rec,
    #[token("mu")]
    #[token("μ")]
    #[token("µ")]
    Mu,
    #[token("end")]
    End,
    #[token("chan")]
    Chan,

    #[token("(")]
    Open,
    #[token(")")]
    Close,
    #[token("[")]
    OpenList,
    #[token("]")]
    CloseList,
    #[token("{")]
    OpenBrace,
    #[token("}")]
    CloseBrace,
    #[token("<")]
    Less,
    #[token(">")]
    Greater,
    #[token(",")]
    Comma,
    #[token(";")]
    Semicolon,
    #[token(":")]
    Colon,
    #[token(".")]
    Dot,
    /// A dot between the names of a path, in Scribble outside `chan(…)`. Made by the lexer.
    Member,
    #[token("!")]
    Bang,
    #[token("?")]
    Question,
    #[token("+")]
    Plus,
    #[token("⊕")]
    Oplus,
    #[token("&")]
    Ampersand,
    #[token("=")]
    Equals,
    #[token("@")]
    Annotation,
    /// Other signs of arithmetic: they appear in refinements only.
    #[regex(r"[-*/%|^~]")]
    Operator,
}

impl Token<'_> {
    /// Whether it opens a bracket.
    pub(super) fn opens(self) -> bool {
        matches!(self, Self::Open | Self::OpenList | Self::OpenBrace)
    }

    /// Whether it closes a bracket.
    pub(super) fn closes(self) -> bool {
        matches!(self, Self::Close | Self::CloseList | Self::CloseBrace)
    }

    /// Whether it is a keyword in local types and in sorts.
    pub(super) fn is_local_keyword(self) -> bool {
        matches!(self, Self::Rec | Self::Mu | Self::End | Self::Chan)
    }

    /// Whether it is a keyword of Scribble.
    pub(super) fn is_keyword(self) -> bool {
        use Token::*;
        matches!(
            self,
            Module | Import | Type | Data | Sig | Explicit | Global | Local | Aux | Protocol | Role
        ) || matches!(
            self,
            From | To | At | As | Choice | Or | Continue | Do | And | With | Connect
        ) || matches!(self, Disconnect | Wrap | Par | Interruptible | Throws | Nested | Calls)
            || matches!(self, New | Own | By | Catches)
            || self.is_local_keyword()
    }
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

/// `(* … *)` nests; a pragma `(*# … #*)` is handed to the lexer, which reads on behind it.
fn nested_comment<'t>(lexer: &mut Lexer<'t, Token<'t>>) -> FilterResult<(), Flaw> {
    let rest = lexer.remainder().as_bytes();
    let (mut at, mut depth) = (0, 1_usize);
    while depth > 0 {
        match rest.get(at..at + 2) {
            Some(b"(*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*)") => (depth, at) = (depth - 1, at + 2),
            Some(_) => at += 1,
            None => {
                lexer.bump(rest.len());
                return FilterResult::Error(Flaw::Comment);
            }
        }
    }
    let pragma = rest.starts_with(b"#") && rest[..at].ends_with(b"#*)");
    lexer.bump(at);
    if pragma { FilterResult::Error(Flaw::Pragma) } else { FilterResult::Skip }
}

/// A quoted text on one line; a backslash takes the next character with it.
fn text<'t>(lexer: &mut Lexer<'t, Token<'t>>) -> FilterResult<(), Flaw> {
    let rest = lexer.remainder().as_bytes();
    let mut at = 0;
    loop {
        match rest.get(at) {
            Some(b'"') => {
                lexer.bump(at + 1);
                return FilterResult::Emit(());
            }
            Some(b'\\') if rest.get(at + 1).is_some_and(|b| *b == b'"' || *b == b'\\') => at += 2,
            None | Some(b'\n') => {
                lexer.bump(at);
                return FilterResult::Error(Flaw::Text);
            }
            Some(_) => at += 1,
        }
    }
}
