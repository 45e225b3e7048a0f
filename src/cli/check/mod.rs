//! `antiphon check`: what is wrong with protocols, and what is known of those that are right.

mod json;
mod text;
mod verdict;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, input, style};
use crate::types::compose::{Capacities, ComposeLimits};
use verdict::Verdict;

/// Check protocols: can every role know what to do, and are the roles safe together?
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  antiphon check two_buyer.scr
  antiphon check --capacity 2 elevator.local
  antiphon check --json protocols/*.scr | jq 'select(.ok | not) | .file'

The verdict goes to standard output, what is wrong to standard error. Exit status: 0 if nothing is
wrong (warnings may be), 1 if a protocol is, or if the search through the roles that a file declares
one by one ended at its limit, 2 if a file cannot be read.")]
pub(super) struct Check {
    /// The protocols: Scribble, local types, automata or JSON; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Check this capacity of every edge only [default: 1, 2, … 8, 16, 32, 64, until larger ones
    /// change nothing]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    capacity: Option<u32>,
    /// Explore at most this many configurations
    #[arg(long, value_name = "N", default_value_t = ComposeLimits::default().configurations)]
    limit: usize,
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
        let verdict = Verdict::of(file, &|edges| self.limits(edges))?;
        let mut out = anstream::stdout().lock();
        let said = if self.json {
            writeln!(out, "{}", verdict.json())
        } else {
            if !verdict.report.diagnostics.is_empty() {
                input::said(&verdict.report);
            }
            let between = if index > 0 { writeln!(out) } else { Ok(()) };
            between.and_then(|()| text::write(&mut out, &verdict))
        };
        match said.and_then(|()| out.flush()) {
            Err(error) if verdict.ok => Err(error.into()),
            _ => Ok(verdict.ok),
        }
    }

    /// How far a protocol with so many edges is explored.
    fn limits(&self, edges: usize) -> ComposeLimits {
        let default = ComposeLimits::default();
        let capacities = match self.capacity {
            Some(capacity) => Capacities::Fixed(vec![capacity; edges].into()),
            None => default.capacities,
        };
        ComposeLimits { configurations: self.limit, capacities, ..default }
    }
}
