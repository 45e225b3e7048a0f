//! Reading what a subcommand is about: a file, or standard input.

use std::io::{Read, Write};
use std::path::Path;

use super::{Failure, style};
use crate::types::Protocol;
use crate::types::syntax::{Limits, Report, Source};

/// The bytes of a file, or of standard input for `-`; never more than `bytes_max`.
pub(super) fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    // One more than the limit, so that what is too long can be told.
    let limit = bytes_max as u64 + 1;
    let named = |error: std::io::Error| Failure::Usage(format!("`{}`: {error}", path.display()));
    if path == Path::new("-") {
        std::io::stdin().take(limit).read_to_end(&mut bytes).map_err(named)?;
    } else {
        let file = std::fs::File::open(path).map_err(named)?;
        file.take(limit).read_to_end(&mut bytes).map_err(named)?;
    }
    Ok(bytes)
}

/// A text of protocols, with its warnings said.
pub(super) fn source(path: &Path) -> Result<Source, Failure> {
    let limits = Limits::default();
    let bytes = read(path, limits.bytes_max)?;
    let name = if path == Path::new("-") { "<stdin>".into() } else { path.display().to_string() };
    let source = Source::read(&name, &bytes, &limits).map_err(|report| said(&report))?;
    if !source.warnings.is_empty() {
        said(&source.report(source.warnings.clone()));
    }
    Ok(source)
}

/// The protocol that is meant: the first of the file, or the one of this name.
pub(super) fn protocol(path: &Path, name: Option<&str>) -> Result<Protocol, Failure> {
    source(path)?.protocol(name).map_err(|report| said(&report))
}

/// Shows a report on standard error.
pub(super) fn said(report: &Report) -> Failure {
    let _ = writeln!(std::io::stderr(), "{}", report.render(style::is_error_coloured()));
    Failure::Said
}
