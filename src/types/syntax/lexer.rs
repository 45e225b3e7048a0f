//! Text to tokens, for both notations.
//!
//! Reports what is wrong with single characters, comments and quoted texts itself and goes on, so
//! that the parser sees tokens only. Depth is counted here, before any tree exists (TYPE-13).

use core::cell::Cell;

use alloc::format;
use alloc::vec::Vec;
use logos::Logos;

use super::Limits;
use super::token::{Flaw, Token};
use crate::types::diagnostics::{Code, DIAGNOSTICS_MAX, Diagnostic, Diagnostics, Span};
use crate::types::name::NAME_BYTES_MAX;

/// Which words are keywords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notation {
    /// Those of Scribble, outside parentheses and not in front of `(` or `from`; inside `chan(…)`
    /// those of local types.
    Scribble,
    /// Only `rec`, `mu`, `end` and `chan`.
    Local,
}

/// What the names of those pragmas of nuScr have in them that give a text another meaning.
const PRAGMAS: [&str; 3] = ["Refinement", "Nested", "Crash"];

/// The lexer met its limit; the parser is to stop without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stop;

/// How the parser does, told to the lexer, which can end the text.
///
/// Error recovery looks at the whole stack of the parser for every token that it skips. Nonsense
/// behind many open brackets would take time in the square of the text: `idle` counts the tokens
/// since the parser last put something together, and what recovery may cost is bounded.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    idle: Cell<u32>,
    errors: Cell<usize>,
    recovery: Cell<usize>,
}

/// The most tokens that stand in a row in a correct text before something is put together.
const IDLE_MAX: u32 = 32;

/// The most steps that error recovery may take in one reading.
const RECOVERY_MAX: usize = 1_000_000_000;

impl Pulse {
    /// Something was put together.
    pub(crate) fn beat(&self) {
        self.idle.set(0);
    }

    /// A syntax error was reported.
    pub(crate) fn error(&self) {
        self.errors.set(self.errors.get() + 1);
    }
}

type Spanned<'t> = (usize, Token<'t>, usize);

/// Tokens with their places.
pub(super) struct Lexer<'t, 'p> {
    tokens: logos::Lexer<'t, Token<'t>>,
    /// Where the text begins among all texts of the reading.
    base: usize,
    notation: Notation,
    limits: Limits,
    pulse: &'p Pulse,
    ahead: Option<Spanned<'t>>,
    depth: usize,
    deepest: usize,
    parens: usize,
    /// The parentheses around the outermost `chan(…)` that is open.
    chan: Option<usize>,
    stopped: bool,
    /// A comment that is not closed took the rest.
    cut: bool,
    bad: Span,
    /// The tokens that stand behind a piece of text that is no token.
    after_flaw: Vec<usize>,
    flawed: bool,
    found: Diagnostics,
}

impl<'t, 'p> Lexer<'t, 'p> {
    pub(super) fn new(
        text: &'t str,
        base: usize,
        notation: Notation,
        limits: &Limits,
        pulse: &'p Pulse,
    ) -> Self {
        Self {
            tokens: Token::lexer(text),
            base,
            notation,
            limits: *limits,
            pulse,
            ahead: None,
            depth: 0,
            deepest: 1,
            parens: 0,
            chan: None,
            stopped: false,
            cut: false,
            bad: Span::NONE,
            after_flaw: Vec::new(),
            flawed: false,
            found: Diagnostics::default(),
        }
    }

    /// What was wrong with the characters, and the starts of the tokens that stand behind a piece
    /// of text that is no token: what the parser says of them is a consequence.
    pub(super) fn into_found(self) -> (Diagnostics, Vec<usize>) {
        (self.found, self.after_flaw)
    }

    /// The next token as it is written.
    fn raw(&mut self) -> Option<Spanned<'t>> {
        if let Some(ahead) = self.ahead.take() {
            return Some(ahead);
        }
        loop {
            let token = self.tokens.next()?;
            let at = self.tokens.span();
            let token = match token {
                Ok(Token::Word(word)) => Token::Word(self.name(word, at.start)),
                Ok(token) => token,
                Err(flaw) => {
                    self.report(flaw, at);
                    continue;
                }
            };
            if core::mem::take(&mut self.flawed) {
                self.after_flaw.push(self.base + at.start);
            }
            return Some((at.start, token, at.end));
        }
    }

    fn peek(&mut self) -> Option<Token<'t>> {
        self.ahead = self.raw();
        self.ahead.map(|(_, token, _)| token)
    }

    fn name(&mut self, word: &'t str, start: usize) -> &'t str {
        if word.len() <= NAME_BYTES_MAX {
            return word;
        }
        let text = format!("this name has {} bytes; the limit is {NAME_BYTES_MAX}", word.len());
        let span = self.span(start, start + word.len());
        self.found.push(Diagnostic::new(Code::NameTooLong, span, text).remedy("shorten it"));
        &word[..NAME_BYTES_MAX]
    }

    /// A place of the text among all texts.
    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.base + start, self.base + end)
    }

    /// TYPE-16: a pragma that changes what the text means, or allows what has no meaning here.
    fn pragma(&mut self, start: usize) {
        let slice = self.tokens.slice();
        let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        let known = slice.split(word).find(|word| PRAGMAS.iter().any(|part| word.contains(part)));
        let Some(name) = known.filter(|_| self.notation == Notation::Scribble) else { return };
        let at = start + slice.find(name).unwrap_or(0);
        let text = format!("the pragma `{name}` is not supported");
        let span = self.span(at, at + name.len());
        let remedy = "remove the pragma, and what it allows";
        self.found.push(Diagnostic::new(Code::Unsupported, span, text).remedy(remedy));
    }

    fn report(&mut self, flaw: Flaw, at: core::ops::Range<usize>) {
        let (start, end) = (at.start, at.end);
        self.flawed |= flaw != Flaw::Pragma;
        let found = match flaw {
            Flaw::Pragma => return self.pragma(start),
            Flaw::Comment => {
                self.cut = true;
                let text = "this comment is not closed";
                Diagnostic::new(Code::UnterminatedComment, self.span(start, start + 2), text)
                    .remedy("close it with `*/`, or with `*)` if it was opened with `(*`")
            }
            Flaw::Text => {
                let text = "this quoted text is not closed on its line";
                Diagnostic::new(Code::UnterminatedString, self.span(start, end), text)
                    .remedy("close it with `\"`")
            }
            Flaw::Character => {
                let span = self.span(start, end);
                // One report for a run of them.
                if self.bad != Span::NONE && self.bad.end == span.start {
                    self.bad = span;
                    return;
                }
                self.bad = span;
                let slice = self.tokens.slice();
                let text = match slice.chars().next() {
                    Some(c) if c.is_control() => {
                        format!("`{}` means nothing here", c.escape_debug())
                    }
                    _ => format!("`{slice}` means nothing here"),
                };
                Diagnostic::new(Code::UnexpectedCharacter, span, text)
                    .remedy("names consist of ASCII letters, digits and `_`")
            }
        };
        self.found.push(found);
    }

    /// A keyword where it is one, a word elsewhere.
    fn word(&mut self, (start, token, end): Spanned<'t>) -> Token<'t> {
        // `μ` in one of its two forms is no name: where a name is wanted, it is read as `mu`.
        let written = &self.tokens.source()[start..end];
        let word = |token| match token {
            Token::Word(word) => word,
            _ if written.is_ascii() => written,
            _ => "mu",
        };
        match self.notation {
            Notation::Local => {
                let plain = matches!(token, Token::Word(_)) || !token.is_local_keyword();
                if self.peek() == Some(Token::Equals) {
                    self.ahead = None;
                    return Token::Declare(word(token));
                }
                if plain { Token::Word(word(token)) } else { token }
            }
            Notation::Scribble if matches!(token, Token::Word(_)) => token,
            Notation::Scribble if self.chan.is_some() && token.is_local_keyword() => token,
            Notation::Scribble => {
                let next = self.peek();
                let keyword = match token {
                    Token::Chan => next == Some(Token::Open),
                    Token::Mu | Token::End => false,
                    Token::Protocol => true,
                    Token::Role | Token::New if self.parens > 0 => true,
                    // Where these mean something, a name stands behind them.
                    Token::Own => self.parens > 0 && matches!(next, Some(Token::Word(_))),
                    Token::As if self.parens > 0 => matches!(next, Some(Token::Word(_))),
                    Token::By | Token::Catches => matches!(next, Some(Token::Word(_))),
                    _ => self.parens == 0 && !matches!(next, Some(Token::Open | Token::From)),
                };
                if keyword || !written.is_ascii() { token } else { Token::Word(word(token)) }
            }
        }
    }

    /// Whether the parser has been looking in vain for too long.
    fn exhausted(&mut self) -> bool {
        let idle = self.pulse.idle.get() + 1;
        self.pulse.idle.set(idle);
        if idle > IDLE_MAX {
            let recovery = self.pulse.recovery.get();
            self.pulse.recovery.set(recovery.saturating_add(self.deepest * self.deepest));
        }
        self.pulse.recovery.get() > RECOVERY_MAX || self.pulse.errors.get() >= DIAGNOSTICS_MAX
    }

    fn count(&mut self, token: Token<'t>, span: Span) -> Result<(), Stop> {
        if token == Token::Chan && self.chan.is_none() {
            self.chan = Some(self.parens);
        }
        if token.opens() {
            self.depth += 1;
            self.deepest = self.deepest.max(self.depth);
            self.parens += usize::from(token == Token::Open);
        } else if token.closes() {
            self.depth = self.depth.saturating_sub(1);
            self.parens = self.parens.saturating_sub(usize::from(token == Token::Close));
            self.chan = self.chan.filter(|outside| self.parens > *outside);
        } else if token == Token::Semicolon {
            // A parenthesis that is not closed must not turn the rest of the text into words.
            (self.parens, self.chan) = (0, None);
        }
        if self.depth <= self.limits.depth_max {
            return Ok(());
        }
        let text = format!("nested deeper than {}", self.limits.depth_max);
        self.found.push(
            Diagnostic::new(Code::TooDeep, span, text)
                .remedy("split the protocol; a program may set `Limits::depth_max`"),
        );
        self.stopped = true;
        Err(Stop)
    }
}

impl<'t> Iterator for Lexer<'t, '_> {
    type Item = Result<Spanned<'t>, Stop>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.stopped || self.exhausted() {
            return None;
        }
        let Some(spanned) = self.raw() else {
            // That the text ends here is no second error.
            return self.cut.then_some(Err(Stop));
        };
        let (start, mut token, end) = spanned;
        if token.is_keyword() || matches!(token, Token::Word(_)) {
            token = self.word(spanned);
        }
        if self.notation == Notation::Scribble {
            // Tokens of their own, so that error recovery does not take one for the other.
            token = match token {
                Token::Dot if self.chan.is_none() => Token::Member,
                Token::From if self.depth == 0 => Token::FromModule,
                token => token,
            };
        }
        match self.count(token, self.span(start, end)) {
            Ok(()) => Some(Ok((self.base + start, token, self.base + end))),
            Err(stop) => Some(Err(stop)),
        }
    }
}
