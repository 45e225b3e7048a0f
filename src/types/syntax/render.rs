//! Diagnostics drawn for people: the line of the text, the place underlined, the remedy.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::types::diagnostics::{Diagnostic, Diagnostics, Severity, Span};

/// How much of the text is drawn for one place at most, before and behind its first byte. Of a line
/// that is longer, and of a place of many lines, only so much is looked at.
const WINDOW_BYTES: usize = 2048;

/// The most diagnostics that are drawn: somebody who sees twenty has enough to do.
const SHOWN_MAX: usize = 20;

/// The most notes of one diagnostic that are drawn.
const NOTES_MAX: usize = 8;

/// What a reading found, together with the text that was read: everything that is needed to draw
/// it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What the text is called: a path, or `<stdin>`.
    pub name: String,
    /// The text that the spans belong to: as [`decode`](super::decode) gives it, without its byte
    /// order mark.
    pub text: String,
    /// What was found.
    pub diagnostics: Diagnostics,
}

impl Report {
    /// Draws all diagnostics, one below the other.
    ///
    /// The output is bounded whatever the text is, and has no control characters of the text in it.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let lines = Lines::of(&self.text, self.diagnostics.list());
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

    /// Line and column of where each diagnostic begins, from 1, columns counted in characters;
    /// `None` for what has no place in the text.
    #[must_use]
    pub fn positions(&self) -> Vec<Option<(usize, usize)>> {
        let lines = Lines::of(&self.text, self.diagnostics.list());
        let position = |diagnostic: &Diagnostic| {
            let at = floor(&self.text, diagnostic.span.start as usize);
            (diagnostic.span != Span::NONE).then(|| lines.position(&self.text, at))
        };
        self.diagnostics.list().iter().map(position).collect()
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
            group = group.element(Origin::path(self.name.as_str()));
        } else {
            let main = Place::new(&self.text, diagnostic.span, AnnotationKind::Primary, None);
            let placed = notes().filter(|(span, _)| *span != Span::NONE).map(|(span, note)| {
                Place::new(&self.text, *span, AnnotationKind::Context, Some(note))
            });
            for window in Window::around(&self.text, core::iter::once(main).chain(placed)) {
                // Columns are counted from where the window begins; in a cut line that is wrong.
                if window.begins_a_line(&self.text) {
                    let snippet = window.snippet(&self.text, lines);
                    group = group.element(snippet.path(self.name.as_str()));
                } else {
                    let (line, column) = lines.position(&self.text, window.places[0].span.start);
                    let origin = Origin::path(self.name.as_str()).line(line).char_column(column);
                    group = group.element(origin).element(window.snippet(&self.text, lines));
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
struct Place<'a> {
    span: Range<usize>,
    kind: AnnotationKind,
    note: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn new(text: &str, span: Span, kind: AnnotationKind, note: Option<&'a str>) -> Self {
        let start = floor(text, span.start as usize);
        let end = floor(text, (span.end as usize).min(start + WINDOW_BYTES)).max(start);
        Self { span: start..end, kind, note }
    }
}

/// A piece of the text with the places in it.
struct Window<'a> {
    range: Range<usize>,
    places: Vec<Place<'a>>,
}

impl<'a> Window<'a> {
    /// One window where places are close together, several where they are not.
    fn around(text: &str, places: impl Iterator<Item = Place<'a>>) -> Vec<Self> {
        let mut windows: Vec<Self> = Vec::new();
        for place in places {
            let range = lines_around(text, &place.span);
            let near = |window: &&mut Self| {
                let gap = range.start.saturating_sub(window.range.end);
                gap.max(window.range.start.saturating_sub(range.end)) <= WINDOW_BYTES
            };
            match windows.iter_mut().find(near) {
                Some(window) => {
                    window.range.start = window.range.start.min(range.start);
                    window.range.end = window.range.end.max(range.end);
                    window.places.push(place);
                }
                None => windows.push(Self { range, places: vec![place] }),
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
        let first = self.places.iter().map(|place| place.span.start).min().unwrap_or(start);
        let annotations = self.places.into_iter().map(|place| {
            let span = place.span.start - start..place.span.end - start;
            place.kind.span(span).label(place.note.map(harmless))
        });
        Snippet::source(&text[start..end]).line_start(lines.number(first)).annotations(annotations)
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

/// The numbers of the lines in which places begin: found in one pass, however many there are.
struct Lines(BTreeMap<usize, usize>);

impl Lines {
    fn of(text: &str, diagnostics: &[Diagnostic]) -> Self {
        let spans = diagnostics.iter().flat_map(|diagnostic| {
            let notes = diagnostic.notes.iter().map(|(span, _)| *span);
            core::iter::once(diagnostic.span).chain(notes.take(NOTES_MAX))
        });
        let mut numbers: BTreeMap<usize, usize> =
            spans.map(|span| (floor(text, span.start as usize), 0)).collect();
        let (mut line, mut before) = (1, 0);
        for (offset, number) in &mut numbers {
            let between = &text.as_bytes()[before..*offset];
            line += between.iter().filter(|byte| **byte == b'\n').count();
            before = *offset;
            *number = line;
        }
        Self(numbers)
    }

    /// The line of a place, from 1.
    fn number(&self, offset: usize) -> usize {
        self.0.get(&offset).copied().unwrap_or(1)
    }

    /// Line and column of a place, from 1; columns count characters.
    fn position(&self, text: &str, offset: usize) -> (usize, usize) {
        let before = &text[..offset];
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        (self.number(offset), before[line..].chars().count() + 1)
    }
}
