//! A candidate for a role of a global protocol: does it play its part among the projections?

use std::io::{Result, Write};
use std::path::Path;

use serde::Serialize;

use super::{BAD, GOOD, OPEN};
use crate::cli::{Failure, input};
use crate::types::complete::{Exceeded, Refinement, refines};
use crate::types::syntax::Each;
use crate::types::{LocalType, ProjectionLimits, project_role};

/// What is known of a candidate in a protocol.
pub(super) struct Relative {
    protocol: String,
    found: std::result::Result<Refinement, Exceeded>,
}

/// The same as JSON.
#[derive(Serialize)]
pub(super) struct RelativeJson {
    protocol: String,
    answer: &'static str,
    /// The messages of a run that does not go well.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Vec<String>>,
    /// What happens at its end, or which limit was passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Relative {
    /// Asks a candidate to play `role` in the first protocol of a file; the role's projection, too.
    pub(super) fn of(
        global: &Path,
        role: &str,
        candidate: &LocalType,
    ) -> std::result::Result<(Self, LocalType), Failure> {
        let source = input::source(global)?;
        let Each::Global(global) = source.declared.each()[0] else {
            let text = format!("{} declares no global protocol", source.name());
            return Err(Failure::Usage(text));
        };
        let Some(role) = global.roles().iter().find(|known| **known == role) else {
            return Err(input::unknown_role(role, global.roles().iter()));
        };
        let limits = ProjectionLimits::default();
        // The candidate plays with the projections of the others, which there have to be.
        for name in global.roles() {
            project_role(global, name, &limits)
                .map_err(|found| input::said(&source.report(found.into())))?;
        }
        let projection = project_role(global, role, &limits)
            .map_err(|found| input::said(&source.report(found.into())))?;
        let found = refines(candidate, global, role, &limits);
        Ok((Self { protocol: global.name().to_string(), found }, projection))
    }

    pub(super) fn is_yes(&self) -> bool {
        self.found.as_ref().is_ok_and(Refinement::is_yes)
    }

    pub(super) fn write(&self, out: &mut impl Write) -> Result<()> {
        let how = format!("in {}", self.protocol);
        match &self.found {
            Ok(Refinement::Yes) => {
                writeln!(
                    out,
                    "  {how:12} {GOOD}yes{GOOD:#}: no run goes wrong with the projections"
                )
            }
            Ok(Refinement::No(mismatch)) => {
                writeln!(out, "  {how:12} {BAD}no{BAD:#}")?;
                writeln!(out, "    {mismatch}")
            }
            Err(exceeded) => writeln!(out, "  {how:12} {OPEN}unknown{OPEN:#}: {exceeded}"),
        }
    }

    pub(super) fn json(&self) -> RelativeJson {
        let (answer, run, reason) = match &self.found {
            Ok(Refinement::Yes) => ("yes", None, None),
            Ok(Refinement::No(mismatch)) => {
                let run = mismatch.run.steps.iter().map(ToString::to_string).collect();
                ("no", Some(run), Some(mismatch.to_string()))
            }
            Err(exceeded) => ("unknown", None, Some(exceeded.to_string())),
        };
        RelativeJson { protocol: self.protocol.clone(), answer, run, reason }
    }
}
