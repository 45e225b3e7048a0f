//! Reading what a subcommand is about: a file, or standard input.

use std::io::{Read, Write};
use std::path::Path;

use super::{Failure, style};
use crate::files::{self, Folder};
use crate::types::syntax::{Limits, Report, Source};
use crate::types::{Name, Protocol};

/// The bytes of a file, or of standard input for `-`; never more than `bytes_max`, and one by which
/// it is seen that there are more.
pub(super) fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let named = |error: std::io::Error| Failure::Usage(format!("`{}`: {error}", path.display()));
    if path != Path::new("-") {
        return files::read(path, bytes_max).map_err(named);
    }
    let mut bytes = Vec::new();
    std::io::stdin().take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(named)?;
    Ok(bytes)
}

/// What a file is called in reports.
pub(super) fn name(path: &Path) -> String {
    if path == Path::new("-") { "<stdin>".into() } else { path.display().to_string() }
}

/// Reads a text of protocols, with the modules beside it; standard input has none.
pub(super) fn read_source(path: &Path) -> Result<Result<Source, Report>, Failure> {
    let limits = Limits::default();
    let bytes = read(path, limits.bytes_max)?;
    let name = name(path);
    Ok(if path == Path::new("-") {
        Source::read(&name, &bytes, &limits)
    } else {
        Source::read_with(&name, &bytes, &limits, &mut Folder::of(path))
    })
}

/// A text of protocols, with its warnings said.
pub(super) fn source(path: &Path) -> Result<Source, Failure> {
    let source = read_source(path)?.map_err(|report| said(&report))?;
    if !source.warnings.is_empty() {
        said(&source.report(source.warnings.clone()));
    }
    Ok(source)
}

/// The protocol that is meant: the first of the file, or the one of this name.
pub(super) fn protocol(path: &Path, name: Option<&str>) -> Result<Protocol, Failure> {
    let source = source(path)?;
    meant(&source, name)?;
    source.protocol(name).map_err(|report| said(&report))
}

/// The same, whether its roles are safe together or not.
pub(super) fn protocol_unchecked(path: &Path, name: Option<&str>) -> Result<Protocol, Failure> {
    let source = source(path)?;
    meant(&source, name)?;
    source.protocol_unchecked(name).map_err(|report| said(&report))
}

/// The place of the protocol that is meant in [`Source::names`].
pub(super) fn meant(source: &Source, name: Option<&str>) -> Result<usize, Failure> {
    let Some(name) = name else { return Ok(0) };
    let names = source.names();
    names.iter().position(|known| *known == name).ok_or_else(|| {
        let known = listed(names.iter());
        Failure::Usage(format!(
            "there is no protocol `{name}` in {}; it has {known}",
            source.name()
        ))
    })
}

/// What is said of a role that a protocol does not have.
pub(super) fn unknown_role<'a>(role: &str, roles: impl Iterator<Item = &'a Name>) -> Failure {
    Failure::Usage(format!("there is no role `{role}`; the roles are {}", listed(roles)))
}

fn listed<'a>(names: impl Iterator<Item = &'a Name>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Shows a report on standard error.
pub(super) fn said(report: &Report) -> Failure {
    let _ = writeln!(std::io::stderr(), "{}", report.render(style::is_error_coloured()));
    Failure::Said
}
