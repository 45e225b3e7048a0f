//! `antiphon bench`: what a machine does, each subject beside its floor.
//!
//! A subject is a file here and a line of [`SUBJECTS`]. What runs in it is a [`Contest`]: subject
//! and floor in turns of one run (CLI-4).

mod authority;
mod check;
mod contest;
mod durable;
// The benches of cargo take the same protocols and run in the same world.
mod families;
mod idle;
mod library;
mod live;
mod net;
mod open;
#[expect(dead_code, reason = "what it has for the benches and tests of cargo")]
mod ping_pong;
mod recorded;
mod recovery;
mod report;
mod resume;
mod resumed;
mod row;
mod sequencer;
mod shards;
mod step;
mod websocket;

use std::cell::OnceCell;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;

use self::contest::Contest;
use self::row::Row;
use super::scratch::Scratch;
use super::{Failure, style};

/// Each subject, in the order in which they run.
const SUBJECTS: &[Subject] = &[
    step::SUBJECT,
    recorded::SUBJECT,
    durable::SUBJECT,
    live::SUBJECT,
    open::SUBJECT,
    authority::SUBJECT,
    sequencer::SUBJECT,
    resume::SUBJECT,
    check::SUBJECT,
    recovery::SUBJECT,
    shards::SUBJECT,
    websocket::SUBJECT,
    idle::SUBJECT,
    resumed::SUBJECT,
];

/// Something that is measured.
struct Subject {
    name: &'static str,
    /// What it is, in a few words.
    about: &'static str,
    run: fn(&Stage<'_>) -> Result<Vec<Row>, Failure>,
}

/// Measure what this machine does: each subject in turns with its floor, the least that it can take
///
/// Absolute times on a machine that others use drift; the ratio to the floor, from the medians of
/// the rounds of one run, holds. A goal that is not reached is no failure.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  antiphon bench
  antiphon bench step recorded
  antiphon bench durable recovery --dir /var/tmp
  antiphon bench --json > numbers.json")]
pub(super) struct Bench {
    /// What to measure, as `--list` shows them [default: everything]
    #[arg(value_name = "SUBJECT")]
    subjects: Vec<String>,
    /// Say which subjects there are
    #[arg(long, exclusive = true)]
    list: bool,
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
    /// Measure a fiftieth of the time, and less: to see that it works
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Take a million sessions and a million records where it is fewer else
    #[arg(long)]
    full: bool,
    /// Be the bare server that others are measured beside
    #[arg(long, hide = true, exclusive = true)]
    echo: bool,
    /// Where to put files that are gone at the end: a folder on the disk that is meant, as a sync
    /// in memory says nothing [default: the system's temporary folder]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// What a subject runs on.
struct Stage<'a> {
    bench: &'a Bench,
    bar: &'a ProgressBar,
    scratch: OnceCell<Scratch>,
}

impl Stage<'_> {
    /// A contest that takes about `seconds`.
    fn contest(&self, seconds: f64) -> Contest<'_> {
        let seconds = if self.bench.quick { seconds / 50.0 } else { seconds };
        Contest::new(self.bar, seconds)
    }

    /// How many, as it was asked for: quickly, as usual, or in full.
    fn size<T>(&self, quick: T, usual: T, full: T) -> T {
        match (self.bench.quick, self.bench.full) {
            (true, _) => quick,
            (_, true) => full,
            _ => usual,
        }
    }

    /// The path of a new file on the disk that is meant.
    fn file(&self, name: &str) -> Result<PathBuf, Failure> {
        if self.scratch.get().is_none() {
            let folder = self.bench.folder();
            drop(self.scratch.set(Scratch::inside(&folder)?));
        }
        let scratch = self.scratch.get().expect("it was made above");
        Ok(scratch.file(name))
    }
}

impl Bench {
    pub(super) fn run(&self) -> Result<(), Failure> {
        if self.echo {
            return idle::echo();
        }
        let mut out = anstream::stdout().lock();
        if self.list {
            for subject in SUBJECTS {
                writeln!(out, "{:<10} {}", subject.name, subject.about)?;
            }
            return Ok(());
        }
        let subjects = self.subjects()?;
        let template = "{bar:30.cyan} {pos}/{len}  {prefix}: {msg}";
        let bar = style::progress(subjects.len() as u64, template);
        let stage = Stage { bench: self, bar: &bar, scratch: OnceCell::new() };
        let mut measured = Vec::new();
        for subject in subjects {
            bar.set_prefix(subject.name);
            bar.set_message("getting ready");
            measured.push((subject.name, (subject.run)(&stage)?));
            bar.inc(1);
        }
        bar.finish_and_clear();
        match self.json {
            true => report::json(self, &measured, &mut out),
            false => report::text(self, &measured, &mut out),
        }
    }

    fn folder(&self) -> PathBuf {
        self.dir.clone().unwrap_or_else(std::env::temp_dir)
    }

    /// CLI-6: those that are asked for, each known.
    fn subjects(&self) -> Result<Vec<&'static Subject>, Failure> {
        if self.subjects.is_empty() {
            return Ok(SUBJECTS.iter().collect());
        }
        let known = |name: &String| {
            SUBJECTS.iter().find(|subject| subject.name == name).ok_or_else(|| {
                let names: Vec<&str> = SUBJECTS.iter().map(|subject| subject.name).collect();
                let names = names.join(", ");
                Failure::Usage(format!("there is no subject `{name}`; the subjects are {names}"))
            })
        };
        self.subjects.iter().map(known).collect()
    }
}
