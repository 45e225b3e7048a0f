//! Colours, where somebody sees them: only on a terminal, and not against `NO_COLOR` (CLI-2).

use std::io::Write;

use anstream::ColorChoice;
use anstyle::{AnsiColor, Style};

/// Whether standard error shows colours.
pub(super) fn is_error_coloured() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != ColorChoice::Never
}

/// A colour.
pub(super) const fn of(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(color)))
}

/// `error: …` on standard error.
pub(super) fn complain(text: &str) {
    let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    let _ = writeln!(anstream::stderr(), "{red}error{red:#}: {text}");
}
