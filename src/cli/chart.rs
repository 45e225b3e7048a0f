//! Message sequence charts as text, a line an action, drawn while it happens.
//!
//! A send is a dashed arrow from its role towards the receiver: the message is on its way. A
//! receive is a dot on the receiver's line, when the message was consumed.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::types::Direction;

/// The narrowest and widest that a column may be, in characters.
const COLUMN: (usize, usize) = (12, 30);

/// One action of one role.
pub(super) struct Step<'a> {
    pub(super) role: usize,
    pub(super) direction: Direction,
    pub(super) peer: usize,
    /// The label, with its value where it is sent.
    pub(super) text: &'a str,
}

/// A chart of these roles.
pub(super) struct Chart {
    roles: Vec<String>,
    width: usize,
    /// Whether the columns fit; otherwise every action is a plain line.
    fits: bool,
}

impl Chart {
    /// Columns for `roles` on a terminal of `columns` characters, with texts of about `text`.
    pub(super) fn new(roles: Vec<String>, text: usize, columns: usize) -> Self {
        let longest = roles.iter().map(|role| role.chars().count()).max().unwrap_or(0);
        let wanted = (longest + 3).max(text + 6).clamp(COLUMN.0, COLUMN.1);
        let room = columns.saturating_sub(1) / roles.len().max(1);
        let width = wanted.min(room.max(longest + 3));
        let fits = width * roles.len() < columns.max(1) && width >= longest + 2;
        Self { roles, width, fits }
    }

    /// As wide as the terminal allows, or 100 characters where there is none.
    pub(super) fn for_terminal(roles: Vec<String>, text: usize) -> Self {
        let columns = terminal_size::terminal_size().map_or(100, |(width, _)| width.0.into());
        Self::new(roles, text, columns)
    }

    /// The roles, and the beginning of their lines.
    pub(super) fn head(&self, out: &mut impl Write) -> io::Result<()> {
        if !self.fits {
            return Ok(());
        }
        let bold = Style::new().bold();
        for role in &self.roles {
            let last = role == &self.roles[self.roles.len() - 1];
            let room = if last { 0 } else { self.width - role.chars().count() };
            write!(out, "{bold}{role}{bold:#}{}", " ".repeat(room))?;
        }
        writeln!(out)?;
        self.lifelines(out)
    }

    /// One action.
    pub(super) fn step(&self, out: &mut impl Write, step: &Step<'_>) -> io::Result<()> {
        let colour = match step.direction {
            Direction::Send => AnsiColor::Cyan,
            Direction::Receive => AnsiColor::Green,
        };
        let style = Style::new().fg_color(Some(colour.into()));
        if !self.fits {
            let (role, peer) = (&self.roles[step.role], &self.roles[step.peer]);
            let sign = step.direction.symbol();
            return writeln!(out, "{style}{role}: {peer}{sign}{}{style:#}", step.text);
        }
        let cells = match step.direction {
            Direction::Send => self.arrow(step),
            Direction::Receive => self.dot(step),
        };
        let (from, to) = match step.direction {
            Direction::Send => (step.role.min(step.peer), step.role.max(step.peer)),
            Direction::Receive => (step.role, step.role),
        };
        let start = from * self.width;
        let end = if from == to { start + self.width } else { to * self.width + 1 };
        let end = end.min(cells.len());
        let text = |range: &[char]| range.iter().collect::<String>();
        let (before, middle, after) =
            (text(&cells[..start]), text(&cells[start..end]), text(&cells[end..]));
        let middle = if after.trim().is_empty() { middle.trim_end() } else { &middle };
        writeln!(out, "{before}{style}{middle}{style:#}{}", after.trim_end())
    }

    /// Something that happened to a role, or to all of them.
    pub(super) fn mark(
        &self,
        out: &mut impl Write,
        role: Option<usize>,
        text: &str,
        style: Style,
    ) -> io::Result<()> {
        if !self.fits {
            let name = role.map_or("", |role| &self.roles[role]);
            let colon = if role.is_some() { ": " } else { "" };
            return writeln!(out, "{style}{name}{colon}{text}{style:#}");
        }
        let text = text.trim();
        let Some(role) = role else {
            let width = self.width * self.roles.len();
            let line = format!("╪══ {text} ");
            let rest = "═".repeat(width.saturating_sub(line.chars().count() + self.width / 2));
            return writeln!(out, "{style}{line}{rest}{style:#}");
        };
        let (start, mut cells) = (role * self.width, self.blank());
        cells[start] = '╳';
        let text = cut(text, self.width.saturating_sub(3));
        put(&mut cells, start + 2, &text);
        let end = (start + 2 + text.chars().count()).min(cells.len());
        let text = |range: &[char]| range.iter().collect::<String>();
        let (before, middle, after) =
            (text(&cells[..start]), text(&cells[start..end]), text(&cells[end..]));
        writeln!(out, "{before}{style}{middle}{style:#}{}", after.trim_end())
    }

    /// The end of the roles' lines.
    pub(super) fn foot(&self, out: &mut impl Write) -> io::Result<()> {
        if self.fits { self.lifelines(out) } else { Ok(()) }
    }

    fn lifelines(&self, out: &mut impl Write) -> io::Result<()> {
        let line: String = self.blank().into_iter().collect();
        writeln!(out, "{}", line.trim_end())
    }

    /// A line with nothing but the roles' lines.
    fn blank(&self) -> Vec<char> {
        let mut cells = vec![' '; self.width * self.roles.len()];
        for role in 0..self.roles.len() {
            cells[role * self.width] = '│';
        }
        cells
    }

    fn arrow(&self, step: &Step<'_>) -> Vec<char> {
        let mut cells = self.blank();
        let rightwards = step.role < step.peer;
        let (left, right) = (step.role.min(step.peer), step.role.max(step.peer));
        let (left, right) = (left * self.width, right * self.width);
        cells[left + 1..right].fill('┄');
        cells[if rightwards { left } else { right }] = if rightwards { '├' } else { '┤' };
        cells[if rightwards { right - 1 } else { left + 1 }] =
            if rightwards { '▷' } else { '◁' };
        let room = (right - left).saturating_sub(6);
        let text = cut(step.text, room);
        let start = if rightwards { left + 2 } else { left + 3 };
        put(&mut cells, start, &format!(" {text} "));
        cells
    }

    fn dot(&self, step: &Step<'_>) -> Vec<char> {
        let mut cells = self.blank();
        let at = step.role * self.width;
        cells[at] = '●';
        put(&mut cells, at + 2, &cut(step.text, self.width.saturating_sub(3)));
        cells
    }
}

fn put(cells: &mut [char], at: usize, text: &str) {
    for (cell, letter) in cells[at..].iter_mut().zip(text.chars()) {
        *cell = letter;
    }
}

/// `text` in at most `room` characters, none of them a control character.
fn cut(text: &str, room: usize) -> String {
    let clean = text.chars().map(|letter| if letter.is_control() { '·' } else { letter });
    let mut text: String = clean.clone().take(room).collect();
    if clean.count() > room {
        text.pop();
        text.push('…');
    }
    text
}
