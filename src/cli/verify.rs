//! `antiphon verify`: a journal, replayed by this machine and by the model of it.
//!
//! Clause: JRNL-29.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use clap::Args;
use serde_json::{Value as Tree, json};

use super::Failure;
use super::replay::bytes;
use crate::machine::ReplayError;
use crate::wire::journal::Journal;
use crate::wire::oracle::{Told, comparable, difference, line};

/// Verify a journal: replay it, by the model in Lean too, and say where they differ
#[derive(Debug, Args)]
#[command(after_help = "The model is lean/Oracle.lean; lean/toolchain/install gets a Lean for it.

Examples:
  antiphon verify shop.journal
  antiphon verify shop.journal --oracle lean/Oracle.lean
  antiphon verify shop.journal --lines > shop.jsonl")]
pub(super) struct Verify {
    /// The journal, or `-` for standard input
    file: PathBuf,
    /// Replay it by the model, too: its file, or a program that speaks for it
    #[arg(long, value_name = "PATH")]
    oracle: Option<PathBuf>,
    /// Print what the model is told and must answer, a line each
    #[arg(long, conflicts_with = "oracle")]
    lines: bool,
}

impl Verify {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let bytes = bytes(&self.file)?;
        let name = self.file.display();
        let journal =
            Journal::read(&bytes).map_err(|error| Failure::Fault(format!("`{name}`, {error}")))?;
        let damaged = |error: ReplayError| {
            let at = usize::try_from(error.record()).ok().and_then(|at| journal.lines.get(at));
            Failure::Fault(format!("`{name}`, line {}: {error}", at.unwrap_or(&1)))
        };
        let mut out = anstream::stdout().lock();
        if self.lines {
            for told in journal.retold() {
                let Told { say, answer, .. } = told.map_err(damaged)?;
                writeln!(out, "{}", line(&json!({"say": say, "answer": answer})))?;
            }
            return Ok(());
        }
        let mut model = self.oracle.as_deref().map(Model::start).transpose()?;
        let mut batches = 0;
        for told in journal.retold() {
            let told = told.map_err(damaged)?;
            batches += usize::from(told.say.get("replay").is_some());
            if let Some(model) = &mut model {
                model.agrees(&told)?;
            }
        }
        let records = journal.records.len();
        writeln!(out, "{}, session {}", journal.protocol.name(), journal.session)?;
        writeln!(out, "journal    {records} records in {batches} batches, the chain holds")?;
        writeln!(out, "machine    comes to what each of them says")?;
        if model.is_some() {
            writeln!(out, "model      does, too, and to the same state behind each batch")?;
        }
        match journal.is_complete {
            true => Ok(()),
            false => Err(Failure::Fault(format!(
                "`{name}` has no end mark: it was cut behind record {}, or its writer was killed",
                records.saturating_sub(1)
            ))),
        }
    }
}

/// The model as a process.
struct Model {
    process: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    name: String,
}

impl Model {
    /// Starts it: a file of Lean is run by the `check` beside it.
    fn start(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let mut command = if path.extension().is_some_and(|ending| ending == "lean") {
            let mut check = Command::new(path.with_file_name("check"));
            check.arg("--run").arg(path);
            check
        } else {
            // A name without a folder is a file, as everywhere on this command line.
            Command::new(Path::new(".").join(path))
        };
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = process.map_err(|error| {
            Failure::Usage(format!("the oracle `{name}` does not start: {error}"))
        })?;
        let stdin = process.stdin.take();
        let stdout = BufReader::new(process.stdout.take().expect("it is piped"));
        Ok(Self { process, stdin, stdout, name })
    }

    /// Tells it one line, and compares.
    fn agrees(&mut self, told: &Told) -> Result<(), Failure> {
        let ended = |name: &str| {
            Failure::Usage(format!(
                "the oracle `{name}` has ended; it needs Lean, which lean/toolchain/install gets"
            ))
        };
        let mut stdin = self.stdin.as_ref().expect("it is open until the end");
        let written = writeln!(stdin, "{}", line(&told.say)).and_then(|()| stdin.flush());
        let mut said = String::new();
        if written.is_err() || self.stdout.read_line(&mut said)? == 0 {
            return Err(ended(&self.name));
        }
        let answer: Tree = serde_json::from_str(&said).map_err(|error| {
            Failure::Usage(format!("the oracle `{}` does not speak JSON: {error}", self.name))
        })?;
        let answer = comparable(answer);
        let record = answer.pointer("/error/record").and_then(Tree::as_u64);
        match (difference(&told.answer, &answer), record) {
            (None, _) => Ok(()),
            (Some(_), Some(record)) => Err(Failure::Fault(format!(
                "the machine and the model differ at record {record}: the model does not come to \
                 what it says"
            ))),
            (Some(how), None) => Err(Failure::Fault(format!(
                "the machine and the model differ behind {} records: {how}",
                told.records
            ))),
        }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        drop(self.stdin.take());
        drop(self.process.wait());
    }
}
