//! The texts of one reading: the one that was asked for and those of the modules that it imports,
//! laid one behind the other, so that a [`Span`] says the text and the place in it.
//! Clause: TYPE-24.

use alloc::string::String;
use alloc::vec::Vec;

use crate::types::diagnostics::Span;

/// One text and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// A path, or `<stdin>`.
    pub name: String,
    /// What stands in it: as [`decode`](super::decode) gives it, without its byte order mark.
    pub text: String,
    /// Where its first byte is among all texts.
    start: usize,
}

/// The texts of one reading; never none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    main: Text,
    imported: Vec<Text>,
}

impl Texts {
    /// A text by itself: spans are its own.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let main = Text { name: name.into(), text: text.into(), start: 0 };
        Self { main, imported: Vec::new() }
    }

    pub(super) fn with_imported(mut self, imported: Imported) -> Self {
        self.imported = imported.list;
        self
    }

    /// The text that was asked for.
    #[must_use]
    pub fn main(&self) -> &Text {
        &self.main
    }

    /// The texts of the imported modules, in the order in which they were met.
    #[must_use]
    pub fn imported(&self) -> &[Text] {
        &self.imported
    }

    /// The text that a span lies in, and its place there.
    #[must_use]
    pub fn find(&self, span: Span) -> (&Text, Span) {
        let (index, span) = self.locate(span);
        (self.get(index), span)
    }

    /// As [`find`](Self::find), with the number of the text: 0 for the main one.
    pub(super) fn locate(&self, span: Span) -> (usize, Span) {
        let at = span.start as usize;
        let index = self.imported.partition_point(|text| text.start <= at);
        let start = u32::try_from(self.get(index).start).unwrap_or(u32::MAX);
        (index, Span { start: span.start - start, end: span.end.saturating_sub(start) })
    }

    pub(super) fn get(&self, index: usize) -> &Text {
        index.checked_sub(1).map_or(&self.main, |index| &self.imported[index])
    }

    pub(super) fn len(&self) -> usize {
        1 + self.imported.len()
    }
}

/// The texts behind the main one, while they are read.
#[derive(Debug)]
pub(super) struct Imported {
    list: Vec<Text>,
    end: usize,
}

impl Imported {
    /// Behind a main text of so many bytes.
    pub(super) fn behind(bytes: usize) -> Self {
        Self { list: Vec::new(), end: bytes }
    }

    /// Adds a text; where its first byte is.
    pub(super) fn push(&mut self, name: String, text: String) -> usize {
        // A byte between them: the end of a text is not the start of the next.
        let start = self.end + 1;
        self.end = start + text.len();
        self.list.push(Text { name, text, start });
        start
    }

    /// Where the last text ends.
    pub(super) fn end(&self) -> usize {
        self.end
    }
}
