//! `antiphon project`: what each role does, as local types.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Failure, input};
use crate::types::syntax::{Each, Source, json};
use crate::types::{
    Diagnostics, LocalType, LocalTypes, Name, ProjectionLimits, project_role, project_roles,
};

/// Print the local type of each role: projected from a global protocol, or as declared
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  antiphon project two_buyer.scr               all roles, in the notation that is read back
  antiphon project two_buyer.scr --role Bob    one role
  antiphon project two_buyer.scr --json        as JSON, see specs/schema/protocol.schema.json")]
pub(super) struct Project {
    /// The protocol: Scribble, local types, automata or JSON; `-` is standard input
    file: PathBuf,
    /// Only the type of this role
    #[arg(long)]
    role: Option<String>,
    /// The protocol of this name, where the file has several [default: the first]
    #[arg(long, value_name = "NAME")]
    protocol: Option<String>,
    /// How types are written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The same as `--format json`
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// `Role = T`, a line for each role
    Text,
    /// JSON, which is read back too
    Json,
}

impl Project {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let source = input::source(&self.file)?;
        let text = match &self.role {
            None => self.all(&self.locals(&source)?),
            Some(role) => {
                let (role, local) = self.local(&source, role)?;
                self.one(&role, &local)
            }
        };
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }

    fn all(&self, locals: &LocalTypes) -> String {
        match self.format() {
            Format::Text => locals.to_string(),
            Format::Json => json::write_locals(locals),
        }
    }

    fn one(&self, role: &Name, local: &LocalType) -> String {
        match self.format() {
            Format::Text => format!("{role} = {local}\n"),
            Format::Json => json::write_local(local),
        }
    }

    /// The types of all roles, or a report of every role that has none.
    fn locals(&self, source: &Source) -> Result<LocalTypes, Failure> {
        let refused = |found: Diagnostics| input::said(&source.report(found));
        let index = input::meant(source, self.protocol.as_deref())?;
        match source.declared.each()[index] {
            Each::Local(_, locals) => Ok(locals.clone()),
            Each::Global(global) => {
                project_roles(global, &ProjectionLimits::default()).map_err(refused)
            }
        }
    }

    /// The type of one role; whether the others have one does not matter.
    fn local(&self, source: &Source, role: &str) -> Result<(Name, LocalType), Failure> {
        let index = input::meant(source, self.protocol.as_deref())?;
        match source.declared.each()[index] {
            Each::Local(_, locals) => {
                let found = locals.roles().iter().find(|(name, _)| *name == role).cloned();
                let roles = || locals.roles().iter().map(|(name, _)| name);
                found.ok_or_else(|| input::unknown_role(role, roles()))
            }
            Each::Global(global) => {
                let Some(role) = global.roles().iter().find(|name| **name == role) else {
                    return Err(input::unknown_role(role, global.roles().iter()));
                };
                let local = project_role(global, role, &ProjectionLimits::default())
                    .map_err(|error| input::said(&source.report(error.into())))?;
                Ok((role.clone(), local))
            }
        }
    }
}
