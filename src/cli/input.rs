//! Reading what a subcommand is about: a file, or standard input.

use std::io::{Read, Write};
use std::path::Path;

use super::{Failure, style};
use crate::types::syntax::{Limits, Loose, Report, Source, decode, read_loose};
use crate::types::{Diagnostics, LocalType, Name, Protocol, project};

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

/// What a file is called in reports.
pub(super) fn name(path: &Path) -> String {
    if path == Path::new("-") { "<stdin>".into() } else { path.display().to_string() }
}

/// A text of protocols, with its warnings said.
pub(super) fn source(path: &Path) -> Result<Source, Failure> {
    let limits = Limits::default();
    let bytes = read(path, limits.bytes_max)?;
    let source = Source::read(&name(path), &bytes, &limits).map_err(|report| said(&report))?;
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

/// The place of the protocol that is meant in [`Source::names`].
pub(super) fn meant(source: &Source, name: Option<&str>) -> Result<usize, Failure> {
    let Some(name) = name else { return Ok(0) };
    let names = source.names();
    names.iter().position(|known| *known == name).ok_or_else(|| {
        let known = listed(names.iter());
        Failure::Usage(format!("there is no protocol `{name}` in {}; it has {known}", source.name))
    })
}

/// The one local type of a file, or that of `role`: a type that stands by itself, or what a role
/// of a protocol does.
pub(super) fn local(path: &Path, role: Option<&str>) -> Result<LocalType, Failure> {
    let limits = Limits::default();
    let bytes = read(path, limits.bytes_max)?;
    let refused = |found: Diagnostics| {
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text).to_owned();
        said(&Report { name: name(path), text, diagnostics: found })
    };
    let text = decode(&bytes, &limits).map_err(refused)?;
    match read_loose(text, &limits).map_err(refused)? {
        Loose::Locals(mut locals) if locals.len() == 1 => Ok(locals.remove(0).1),
        Loose::Locals(mut locals) => {
            let names: Vec<&Name> = locals.iter().filter_map(|(name, _)| name.as_ref()).collect();
            let index = chosen(path, role, &names)?;
            Ok(locals.swap_remove(index).1)
        }
        Loose::Globals(globals) => {
            let global = &globals[0];
            let roles: Vec<&Name> = global.roles().iter().collect();
            let index = chosen(path, role, &roles)?;
            project(global, &global.roles()[index]).map_err(|found| refused(found.into()))
        }
    }
}

/// The place of `role` among those of a file.
fn chosen(path: &Path, role: Option<&str>, roles: &[&Name]) -> Result<usize, Failure> {
    let Some(role) = role else {
        let (file, roles) = (name(path), listed(roles.iter().copied()));
        let text = format!("{file} has several roles: choose one with --role; they are {roles}");
        return Err(Failure::Usage(text));
    };
    let found = roles.iter().position(|known| **known == role);
    found.ok_or_else(|| unknown_role(role, roles.iter().copied()))
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
