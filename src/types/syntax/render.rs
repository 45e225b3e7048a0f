//! Diagnostics drawn for people: the line of the text, the place underlined, the remedy.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::texts::{Text, Texts};
use crate::types::diagnostics::{Diagnostic, Diagnostics, Severity, Span};

/// How much of the text is drawn for one place at most, before and behind its first byte. Of a line
/// that is longer, and of a place of many lines, only so much is looked at.
const WINDOW_BYTES: usize = 2048;

/// The most diagnostics that are drawn: somebody who sees twenty has enough to do.
const SHOWN_MAX: usize = 20;

/// The most notes of one diagnostic that are drawn.
const NOTES_MAX: usize = 8;

/// What a reading found, together with the texts that were read: everything that is needed to draw
/// it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The texts that the spans belong to.
    pub texts: Texts,
    /// What was found.
    pub diagnostics: Diagnostics,
}

/// A place for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// What the text is called.
    pub name: &'a str,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, counted in characters.
    pub column: usize,
}

impl Report {
    /// What was found in one text.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>, diagnostics: Diagnostics) -> Self {
        Self { texts: Texts::new(name, text), diagnostics }
    }

    /// What the main text is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.texts.main().name
    }

    /// Draws all diagnostics, one below the other.
    ///
    /// The output is bounded whatever the text is, and has no control characters of the text in it.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let lines = Lines::of(&self.texts, self.diagnostics.list());
        let mut out = String::new();
        for diagnostic in self.diagnostics.list().iter().take(SHOWN_MAX) {
            let groups = self.groups(diagnostic, &lines);
            out.push_str(&renderer.render(&groups));
            out.push_str("\n\n");
        }
        let kept = self.diagnostics.list().len();
        match self.diagnostics.suppressed() + kept.saturating_sub(SHOWN_MAX) {
            0 => out.truncate(out.trim_end().len()),
            more => out.push_str(&format!("and {more} more")),
        }
        out
    }

    /// Where each diagnostic begins; `None` for what has no place in any text.
    #[must_use]
    pub fn places(&self) -> Vec<Option<Place<'_>>> {
        let lines = Lines::of(&self.texts, self.diagnostics.list());
        let place = |diagnostic: &Diagnostic| {
            let (index, span) = self.texts.locate(diagnostic.span);
            let Text { name, text, .. } = self.texts.get(index);
            let at = floor(text, span.start as usize);
            let (line, column) = lines.position(index, text, at);
            (diagnostic.span != Span::NONE).then_some(Place { name, line, column })
        };
        self.diagnostics.list().iter().map(place).collect()
    }

    fn groups<'a>(&'a self, diagnostic: &'a Diagnostic, lines: &Lines) -> Vec<Group<'a>> {
        let level = match diagnostic.code.severity() {
            Severity::Warning => Level::WARNING,
            Severity::Error => Level::ERROR,
        };
        let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.as_str());
        let mut group = Group::with_title(title);
        let notes = || diagnostic.notes.iter().take(NOTES_MAX);
        if diagnostic.span == Span::NONE {
            group = group.element(Origin::path(self.name()));
        } else {
            let main = Mark::new(&self.texts, diagnostic.span, AnnotationKind::Primary, None);
            let placed = notes().filter(|(span, _)| *span != Span::NONE).map(|(span, note)| {
                Mark::new(&self.texts, *span, AnnotationKind::Context, Some(note))
            });
            for window in Window::around(&self.texts, core::iter::once(main).chain(placed)) {
                let index = window.index;
                let Text { name, text, .. } = self.texts.get(index);
                // Columns are counted from where the window begins; in a cut line that is wrong.
                if window.begins_a_line(text) {
                    group = group.element(window.snippet(text, lines).path(name.as_str()));
                } else {
                    let at = window.marks[0].span.start;
                    let (line, column) = lines.position(index, text, at);
                    let origin = Origin::path(name.as_str()).line(line).char_column(column);
                    group = group.element(origin).element(window.snippet(text, lines));
                }
            }
        }
        for (_, note) in notes().filter(|(span, _)| *span == Span::NONE) {
            group = group.element(Level::NOTE.message(harmless(note)));
        }
        if let Some(remedy) = &diagnostic.remedy {
            group = group.element(Level::HELP.message(harmless(remedy)));
        }
        vec![group]
    }
}

impl fmt::Display for Report {
    /// Without colours.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

/// A text that the drawing library would take over as it is.
fn harmless(text: &str) -> String {
    annotate_snippets::normalize_untrusted_str(text)
}

/// A place to underline, with its ends where characters end.
struct Mark<'a> {
    /// The text that it is in.
    index: usize,
    span: Range<usize>,
    kind: AnnotationKind,
    note: Option<&'a str>,
}

impl<'a> Mark<'a> {
    fn new(texts: &Texts, span: Span, kind: AnnotationKind, note: Option<&'a str>) -> Self {
        let (index, span) = texts.locate(span);
        let text = &texts.get(index).text;
        let start = floor(text, span.start as usize);
        let end = floor(text, (span.end as usize).min(start + WINDOW_BYTES)).max(start);
        Self { index, span: start..end, kind, note }
    }
}

/// A piece of a text with the places in it.
struct Window<'a> {
    index: usize,
    range: Range<usize>,
    marks: Vec<Mark<'a>>,
}

impl<'a> Window<'a> {
    /// One window where places are close together, several where they are not.
    fn around(texts: &Texts, marks: impl Iterator<Item = Mark<'a>>) -> Vec<Self> {
        let mut windows: Vec<Self> = Vec::new();
        for mark in marks {
            let index = mark.index;
            let range = lines_around(&texts.get(index).text, &mark.span);
            let near = |window: &&mut Self| {
                let gap = range.start.saturating_sub(window.range.end);
                let gap = gap.max(window.range.start.saturating_sub(range.end));
                window.index == index && gap <= WINDOW_BYTES
            };
            match windows.iter_mut().find(near) {
                Some(window) => {
                    window.range.start = window.range.start.min(range.start);
                    window.range.end = window.range.end.max(range.end);
                    window.marks.push(mark);
                }
                None => windows.push(Self { index, range, marks: vec![mark] }),
            }
        }
        windows
    }

    fn begins_a_line(&self, text: &str) -> bool {
        self.range.start == 0 || text.as_bytes()[self.range.start - 1] == b'\n'
    }

    fn snippet<'t>(self, text: &'t str, lines: &Lines) -> Snippet<'t, Annotation<'t>>
    where
        'a: 't,
    {
        let Range { start, end } = self.range;
        // The window begins in the line of its first place.
        let first = self.marks.iter().map(|mark| mark.span.start).min().unwrap_or(start);
        let line = lines.number(self.index, first);
        let annotations = self.marks.into_iter().map(|mark| {
            let span = mark.span.start - start..mark.span.end - start;
            mark.kind.span(span).label(mark.note.map(harmless))
        });
        Snippet::source(&text[start..end]).line_start(line).annotations(annotations)
    }
}

/// The lines that a span touches, cut where they are too long.
fn lines_around(text: &str, span: &Range<usize>) -> Range<usize> {
    let bytes = text.as_bytes();
    let low = floor(text, span.start.saturating_sub(WINDOW_BYTES));
    let start = bytes[low..span.start].iter().rposition(|b| *b == b'\n');
    let high = floor(text, span.end.saturating_add(WINDOW_BYTES));
    let end = bytes[span.end..high].iter().position(|b| *b == b'\n');
    start.map_or(low, |at| low + at + 1)..end.map_or(high, |at| span.end + at + 1)
}

/// The last end of a character at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The numbers of the lines in which places begin, by text: found in one pass, however many there
/// are.
struct Lines(Vec<BTreeMap<usize, usize>>);

impl Lines {
    fn of(texts: &Texts, diagnostics: &[Diagnostic]) -> Self {
        let mut numbers = vec![BTreeMap::new(); texts.len()];
        for diagnostic in diagnostics {
            let notes = diagnostic.notes.iter().map(|(span, _)| *span);
            for span in core::iter::once(diagnostic.span).chain(notes.take(NOTES_MAX)) {
                let (index, span) = texts.locate(span);
                numbers[index].insert(floor(&texts.get(index).text, span.start as usize), 0);
            }
        }
        for (index, numbers) in numbers.iter_mut().enumerate() {
            let text = texts.get(index).text.as_bytes();
            let (mut line, mut before) = (1, 0);
            for (offset, number) in numbers {
                line += text[before..*offset].iter().filter(|byte| **byte == b'\n').count();
                before = *offset;
                *number = line;
            }
        }
        Self(numbers)
    }

    /// The line of a place in a text, from 1.
    fn number(&self, index: usize, offset: usize) -> usize {
        self.0[index].get(&offset).copied().unwrap_or(1)
    }

    /// Line and column of a place, from 1; columns count characters.
    fn position(&self, index: usize, text: &str, offset: usize) -> (usize, usize) {
        let before = &text[..offset];
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        (self.number(index, offset), before[line..].chars().count() + 1)
    }
}
