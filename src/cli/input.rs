//! Reading what a subcommand is about: a file, or standard input.

use std::io::{Read, Write};
use std::path::Path;

use super::{Failure, style};
use crate::files::{self, Folder};
use crate::types::syntax::{Each, Limits, Loose, Report, Source, decode, read_loose};
use crate::types::{
    CAPACITY_MAX, ComposeLimits, Diagnostics, Evidence, LocalType, Name, ProjectionLimits,
    Protocol, Severity, compose, project_role,
};

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
    let bytes = read(path, Limits::default().bytes_max)?;
    Ok(parse(path, &bytes))
}

/// What the bytes of a file say, with the modules beside it.
fn parse(path: &Path, bytes: &[u8]) -> Result<Source, Report> {
    let (name, limits) = (name(path), Limits::default());
    if path == Path::new("-") {
        Source::read(&name, bytes, &limits)
    } else {
        Source::read_with(&name, bytes, &limits, &mut Folder::of(path))
    }
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

/// The protocol that is meant of a text that was read.
pub(super) fn protocol_of(
    path: &Path,
    bytes: &[u8],
    name: Option<&str>,
) -> Result<Protocol, Failure> {
    let source = parse(path, bytes).map_err(|report| said(&report))?;
    meant(&source, name)?;
    source.protocol(name).map_err(|report| said(&report))
}

/// The same, known to be safe together at this capacity of every edge.
pub(super) fn protocol_at(
    path: &Path,
    name: Option<&str>,
    capacity: u32,
) -> Result<Protocol, Failure> {
    let source = source(path)?;
    meant(&source, name)?;
    let mut protocol = source.protocol_unchecked(name).map_err(|report| said(&report))?;
    // Of capacities that no edge can have the machine says so.
    if *protocol.evidence() == Evidence::Every || !(1..=CAPACITY_MAX).contains(&capacity) {
        return Ok(protocol);
    }
    let capacities = vec![capacity; protocol.edges().len()].into();
    let capacities = compose::Capacities::Fixed(capacities);
    let found = protocol.compose(&ComposeLimits { capacities, ..ComposeLimits::default() });
    match found.diagnostic(&protocol) {
        Some(wrong) if wrong.code.severity() == Severity::Error => {
            Err(said(&source.report(wrong.into())))
        }
        _ => Ok(protocol),
    }
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

/// The one local type of a file, or that of `role`: a type that stands by itself, or what a role
/// of a protocol does.
pub(super) fn local(path: &Path, role: Option<&str>) -> Result<LocalType, Failure> {
    let limits = Limits::default();
    let bytes = read(path, limits.bytes_max)?;
    let refused = |found: Diagnostics| {
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
        said(&Report::new(name(path), text, found))
    };
    let text = decode(&bytes, &limits).map_err(refused)?;
    let loose = read_loose(text, &limits).or_else(|found| {
        // A protocol with modules, which a type that is looked at by itself does not have.
        let source = parse(path, &bytes).map_err(|_| refused(found))?;
        Ok::<_, Failure>(match source.declared.each()[0] {
            Each::Global(global) => Loose::Globals(vec![global.clone()]),
            Each::Local(_, locals) => {
                let roles = locals.roles().iter().cloned();
                Loose::Locals(roles.map(|(name, local)| (Some(name), local)).collect())
            }
        })
    })?;
    match loose {
        // A type that stands by itself is that of any role.
        Loose::Locals(mut locals) if locals.len() == 1 && locals[0].0.is_none() => {
            Ok(locals.remove(0).1)
        }
        Loose::Locals(mut locals) => {
            let names: Vec<&Name> = locals.iter().filter_map(|(name, _)| name.as_ref()).collect();
            let index = chosen(path, role, &names)?;
            Ok(locals.swap_remove(index).1)
        }
        Loose::Globals(globals) => {
            let global = &globals[0];
            let roles: Vec<&Name> = global.roles().iter().collect();
            let role = &global.roles()[chosen(path, role, &roles)?];
            let limits = ProjectionLimits::default();
            project_role(global, role, &limits).map_err(|found| refused(found.into()))
        }
    }
}

/// The place of `role` among those of a file.
fn chosen(path: &Path, role: Option<&str>, roles: &[&Name]) -> Result<usize, Failure> {
    let Some(role) = role else {
        if roles.len() == 1 {
            return Ok(0);
        }
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
