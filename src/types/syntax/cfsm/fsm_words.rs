//! Pieces of a line with their places in the text, and how they fall into words.

use alloc::format;
use alloc::string::String;

use super::table::cut;
use crate::types::diagnostics::Span;

/// A piece of a line, with its place.
#[derive(Clone, Copy)]
pub(super) struct Words<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
}

impl<'t> Words<'t> {
    pub(super) fn trim(self) -> Self {
        let text = self.text.trim_start();
        let at = self.at + (self.text.len() - text.len());
        Self { text: text.trim_end(), at }
    }

    pub(super) fn split(self, at: usize) -> (Self, Self) {
        let (one, two) = self.text.split_at(at);
        (Self { text: one, at: self.at }, Self { text: two, at: self.at + at })
    }

    /// The first word, and the rest.
    pub(super) fn first(self) -> (Self, Self) {
        let words = self.trim();
        let (first, rest) =
            words.split(words.text.find(char::is_whitespace).unwrap_or(words.text.len()));
        (first, rest.trim())
    }

    /// What stands before the last word, and the last word.
    pub(super) fn last(self) -> (Self, Self) {
        let words = self.trim();
        let space = words.text.char_indices().rev().find(|(_, c)| c.is_whitespace());
        let (rest, last) = words.split(space.map_or(0, |(at, c)| at + c.len_utf8()));
        (rest.trim(), last)
    }

    pub(super) fn is_empty(self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn span(self) -> Span {
        Span::new(self.at, self.at + self.text.len())
    }

    /// For a message.
    pub(super) fn shown(self) -> String {
        format!("`{}`", cut(self.text))
    }
}
