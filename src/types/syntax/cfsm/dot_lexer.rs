//! DOT as tokens with their places. What is wrong with single characters, comments and quoted texts
//! is reported here, and depth is counted before anything is put together (TYPE-13).

use alloc::format;
use alloc::string::ToString;

use logos::Logos;

use super::dot_token::{Flaw, Token};
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::syntax::Limits;
use crate::types::syntax::lexer::Stop;

pub(super) struct DotLexer<'t> {
    tokens: logos::Lexer<'t, Token<'t>>,
    limits: Limits,
    depth: usize,
    stopped: bool,
    /// Something that is not closed took the rest.
    cut: bool,
    pub(super) found: Diagnostics,
}

impl<'t> DotLexer<'t> {
    pub(super) fn new(text: &'t str, limits: &Limits) -> Self {
        Self {
            tokens: Token::lexer(text),
            limits: *limits,
            depth: 0,
            stopped: false,
            cut: false,
            found: Diagnostics::default(),
        }
    }

    fn report(&mut self, flaw: Flaw, at: core::ops::Range<usize>) {
        let opened = Span::new(at.start, at.start + 1);
        let found = match flaw {
            Flaw::Comment => {
                let opened = Span::new(at.start, at.start + 2);
                Diagnostic::new(Code::UnterminatedComment, opened, "this comment is not closed")
                    .remedy("close it with `*/`")
            }
            Flaw::Text => {
                Diagnostic::new(Code::UnterminatedString, opened, "this text is not closed")
                    .remedy("close it with `\"`, or with `>` if it was opened with `<`")
            }
            Flaw::Character => {
                let shown = self.tokens.slice().escape_debug().to_string();
                let text = format!("`{shown}` means nothing here");
                Diagnostic::new(Code::UnexpectedCharacter, Span::new(at.start, at.end), text)
                    .remedy("put it between quotes: `\"…\"`")
            }
        };
        self.cut |= flaw != Flaw::Character;
        self.found.push(found);
    }

    fn count(&mut self, token: Token<'t>, span: Span) -> Result<(), Stop> {
        match token {
            Token::OpenBrace | Token::OpenList => self.depth += 1,
            Token::CloseBrace | Token::CloseList => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth <= self.limits.depth_max {
            return Ok(());
        }
        let text = format!("nested deeper than {}", self.limits.depth_max);
        self.found.push(
            Diagnostic::new(Code::TooDeep, span, text)
                .remedy("take subgraphs out of each other; a program may set `Limits::depth_max`"),
        );
        self.stopped = true;
        Err(Stop)
    }
}

impl<'t> Iterator for DotLexer<'t> {
    type Item = Result<(usize, Token<'t>, usize), Stop>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.stopped {
            return None;
        }
        loop {
            let Some(token) = self.tokens.next() else {
                // That the text ends here is no second error.
                return self.cut.then_some(Err(Stop));
            };
            let at = self.tokens.span();
            match token {
                Err(flaw) => self.report(flaw, at),
                Ok(token) => {
                    let counted = self.count(token, Span::new(at.start, at.end));
                    return Some(counted.map(|()| (at.start, token, at.end)));
                }
            }
        }
    }
}
