//! `antiphon compact`: of the journal of a session that has ended, what authority needs.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, replay};
use crate::wire::compact::compact;
use crate::wire::journal::Journal;

/// Compact the journal of a session that has ended: keep the records about authority, and hashes
/// that stand for the others
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  antiphon compact shop.journal -o shop.compacted
  antiphon audit shop.compacted")]
pub(super) struct Compact {
    /// The journal, or `-` for standard input
    file: PathBuf,
    /// Where to write, a file that is not there yet, or `-` for standard output
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

impl Compact {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let bytes = replay::bytes(&self.file)?;
        let fault = |error: &dyn std::fmt::Display, separator: &str| {
            Failure::Fault(format!("`{}`{separator}{error}", self.file.display()))
        };
        let journal = Journal::read(&bytes).map_err(|error| fault(&error, ", "))?;
        let text = compact(&journal).map_err(|error| fault(&error, ": "))?;
        if self.output == Path::new("-") {
            std::io::stdout().lock().write_all(text.as_bytes())?;
            return Ok(());
        }
        let named =
            |error: std::io::Error| Failure::Usage(format!("`{}`: {error}", self.output.display()));
        let mut file = std::fs::File::create_new(&self.output).map_err(named)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(named)?;
        let mut out = anstream::stdout().lock();
        writeln!(
            out,
            "{} bytes of {}: the root is the same, and `antiphon audit` shows the same trail; \
             it cannot be replayed any more",
            text.len(),
            bytes.len()
        )?;
        Ok(())
    }
}
