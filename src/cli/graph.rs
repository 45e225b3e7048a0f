//! `antiphon graph`.

use clap::Args;

use super::Failure;

/// (being written)
#[derive(Debug, Args)]
pub(super) struct Graph {
    /// The file, or `-` for standard input.
    file: std::path::PathBuf,
}

impl Graph {
    pub(super) fn run(&self) -> Result<(), Failure> {
        super::input::protocol(&self.file, None).map(drop)
    }
}
