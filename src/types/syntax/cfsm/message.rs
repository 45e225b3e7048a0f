//! The messages of transitions, as they are written in other notations: `label`, `label(int)`,
//! `label(a: int, string)`, `label<int>`.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::table::Message;
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::syntax::Limits;
use crate::types::syntax::grammar::MessageTextParser;
use crate::types::syntax::lexer::{Lexer, Notation, Pulse};
use crate::types::syntax::reader::Reader;
use crate::types::syntax::text::finish;

/// How many bytes of wrong messages are looked at: what error recovery costs stays bounded however
/// many there are.
const WRONG_BYTES_MAX: usize = 64 << 10;

/// Where a text stands in the source.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// Byte for byte from here on.
    At(usize),
    /// Somewhere in here: it was written with escapes.
    Within(Span),
}

impl Place {
    /// The place of `span`, which counts from the beginning of the text.
    pub(super) fn of(self, span: Span) -> Span {
        match self {
            Self::At(start) => Span::new(start + span.start as usize, start + span.end as usize),
            Self::Within(span) => span,
        }
    }

    /// The place of what stands `more` bytes behind the beginning.
    pub(super) fn behind(self, more: usize) -> Self {
        match self {
            Self::At(start) => Self::At(start + more),
            within => within,
        }
    }
}

/// The messages that were read, each text once.
pub(super) struct Messages {
    limits: Limits,
    known: HashMap<String, Option<u32>>,
    wrong: usize,
    pub(super) list: Vec<Message>,
}

impl Messages {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { limits: *limits, known: HashMap::new(), wrong: 0, list: Vec::new() }
    }

    /// The number of the message that is written so; nothing if it is wrong, which is reported
    /// once.
    pub(super) fn read(&mut self, text: &str, at: Place, found: &mut Diagnostics) -> Option<u32> {
        if let Some(known) = self.known.get(text) {
            return *known;
        }
        if self.wrong > WRONG_BYTES_MAX {
            return None;
        }
        let number = match self.parse(text) {
            Ok(message) => {
                self.list.push(message);
                u32::try_from(self.list.len() - 1).ok()
            }
            Err(wrong) => {
                self.wrong += text.len().max(1);
                for diagnostic in wrong.list() {
                    found.push(moved(diagnostic, at));
                }
                None
            }
        };
        self.known.insert(text.to_string(), number);
        number
    }

    fn parse(&self, text: &str) -> Result<Message, Diagnostics> {
        if text.trim().is_empty() {
            let text = "this transition has no message";
            return Err(Diagnostic::new(Code::UnexpectedToken, Span::new(0, 0), text)
                .remedy("write a label, with what it carries: `title(string)`")
                .into());
        }
        let pulse = Pulse::default();
        let mut reader = Reader::new(text, Notation::Local, &pulse);
        let mut lexer = Lexer::new(text, 0, Notation::Local, &self.limits, &pulse);
        let parsed = MessageTextParser::new().parse(&mut reader, lexer.by_ref());
        let (message, error) = match parsed {
            Ok(message) => (Some(message), None),
            Err(error) => (None, Some(error)),
        };
        let message = message.map(|(label, fields)| {
            let payload = reader.payload(fields);
            Message::new(label, payload)
        });
        let found = finish(&mut reader, lexer, error);
        match message {
            Some(message) if !found.has_errors() => Ok(message),
            _ => Err(found),
        }
    }
}

/// A diagnostic of a message, as one of the text around it.
fn moved(diagnostic: &Diagnostic, at: Place) -> Diagnostic {
    let mut moved = diagnostic.clone();
    moved.span = at.of(diagnostic.span);
    moved.message = moved.message.replace("the end of the text", "the end of the message");
    for (span, _) in &mut moved.notes {
        *span = at.of(*span);
    }
    moved
}
