//! `antiphon check`: what is wrong with protocols, and what is known of those that are right.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::verdict::{Checked, Verdict};
use super::{Failure, input, style};

/// Check protocols: are they well formed, and can every role know what to do?
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  antiphon check two_buyer.scr
  antiphon check --json protocols/*.scr | jq 'select(.ok | not) | .file'

The verdict goes to standard output, what is wrong to standard error. Exit status: 0 if nothing is
wrong (warnings may be), 1 if a protocol is, 2 if a file cannot be read.")]
pub(super) struct Check {
    /// The protocols: Scribble, local types or JSON; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print a JSON document for each file, on a line of its own, and nothing else
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let (mut unread, mut refused) = (Vec::new(), false);
        for (index, file) in self.files.iter().enumerate() {
            match self.one(file, index) {
                Ok(ok) => refused |= !ok,
                Err(Failure::Usage(text)) => unread.push(text),
                // That nobody reads the rest of it does not make a refused protocol good.
                Err(Failure::BrokenPipe) if refused => return Err(Failure::Said),
                Err(other) => return Err(other),
            }
        }
        match (unread.split_last(), refused) {
            (Some((last, before)), _) => {
                before.iter().for_each(|text| style::complain(text));
                Err(Failure::Usage(last.clone()))
            }
            (None, true) => Err(Failure::Said),
            (None, false) => Ok(()),
        }
    }

    /// Says the verdict on one file, and whether it is good.
    fn one(&self, file: &Path, index: usize) -> Result<bool, Failure> {
        let verdict = Verdict::of(file)?;
        let mut out = anstream::stdout().lock();
        let said = if self.json {
            writeln!(out, "{}", verdict.json())
        } else {
            if !verdict.report.diagnostics.is_empty() {
                input::said(&verdict.report);
            }
            if index > 0 { writeln!(out) } else { Ok(()) }.and_then(|()| write(&mut out, &verdict))
        };
        match said.and_then(|()| out.flush()) {
            Err(error) if verdict.ok => Err(error.into()),
            _ => Ok(verdict.ok),
        }
    }
}

/// The verdict for people.
fn write(out: &mut impl Write, verdict: &Verdict) -> std::io::Result<()> {
    for (index, checked) in verdict.protocols.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        write_protocol(out, verdict.report.name(), checked)?;
    }
    if verdict.protocols.is_empty() {
        let errors = verdict.errors();
        let (name, plural) = (verdict.report.name(), if errors == 1 { "" } else { "s" });
        writeln!(out, "{name}: {BAD}refused{BAD:#}, {errors} error{plural}")?;
    }
    Ok(())
}

fn write_protocol(out: &mut impl Write, file: &str, checked: &Checked) -> std::io::Result<()> {
    writeln!(out, "{NAME}{}{NAME:#} ({file})", checked.name)?;
    let mut field = |name: &str, value: &str| writeln!(out, "  {name:12} {value}");
    let mut list = |name: &str, items: Vec<String>| {
        let none = if items.is_empty() { vec!["none".into()] } else { items };
        wrapped(&none)
            .iter()
            .enumerate()
            .try_for_each(|(index, line)| field(if index == 0 { name } else { "" }, line))
    };
    list("roles", checked.roles.iter().map(|role| role.name.to_string()).collect())?;
    if let Some(protocol) = &checked.protocol {
        let messages = protocol.messages().iter();
        let messages = messages
            .map(|message| format!("{}{}", protocol.label_name(message.label), message.payload));
        list("messages", messages.collect())?;
        let name = |role| protocol.role_name(role);
        let edges = protocol.edges().iter();
        let edges = edges.map(|edge| format!("{} -> {}", name(edge.from), name(edge.to)));
        list("edges", edges.collect())?;
        let states = checked.roles.iter();
        let states = states.map(|role| format!("{} {}", role.name, role.states.unwrap_or(0)));
        list("states", states.collect())?;
    }
    match checked.projectable {
        Some(true) => field("projectable", &format!("{GOOD}yes{GOOD:#} (classic, full merge)")),
        Some(false) => {
            let without = checked.roles.iter().filter(|role| role.projectable == Some(false));
            let without: Vec<String> = without.map(|role| role.name.to_string()).collect();
            let without = without.join(", ");
            field(
                "projectable",
                &format!("{BAD}no{BAD:#} (classic, full merge): no projection onto {without}"),
            )
        }
        None => {
            field("types", &format!("{GOOD}good{GOOD:#}, each role on its own"))?;
            let text = "whether the roles are safe together is not known";
            field("composition", &format!("{OPEN}not checked yet{OPEN:#}: {text}"))
        }
    }
}

const NAME: anstyle::Style = anstyle::Style::new().bold();
const GOOD: anstyle::Style = style::of(anstyle::AnsiColor::Green);
const BAD: anstyle::Style = style::of(anstyle::AnsiColor::Red);
const OPEN: anstyle::Style = style::of(anstyle::AnsiColor::Yellow);

/// The longest line of a list, in characters, and the most lines.
const LINE_CHARS_MAX: usize = 84;
const LINES_MAX: usize = 12;

/// Items with commas between them, on lines that can be read.
fn wrapped(items: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for (index, item) in items.iter().enumerate() {
        let comma = if index + 1 < items.len() { "," } else { "" };
        if !line.is_empty() && line.len() + item.len() + 2 > LINE_CHARS_MAX {
            if lines.len() + 1 == LINES_MAX {
                line.push_str(&format!(" and {} more", items.len() - index));
                break;
            }
            lines.push(core::mem::take(&mut line));
        }
        let space = if line.is_empty() { "" } else { " " };
        line.push_str(&format!("{space}{item}{comma}"));
    }
    lines.push(line);
    lines
}
