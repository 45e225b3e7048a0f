//! A candidate for a role of a global protocol: does it play its part among the projections?

use std::io::{Result, Write};
use std::path::Path;

use serde::Serialize;

use super::{BAD, GOOD, OPEN};
use crate::cli::{Failure, input};
use crate::types::complete::{Exceeded, Refinement, refines};
use crate::types::compose::capacities_said;
use crate::types::syntax::Each;
use crate::types::{
    ComposeLimits, Composition, Diagnostics, Evidence, LocalType, LocalTypes, ProjectionLimits,
    Protocol, compose, project_roles,
};

/// What is known of a candidate in a protocol.
pub(super) struct Relative {
    protocol: String,
    found: std::result::Result<Refinement, Exceeded>,
    /// How the candidate runs together with the projections of the others.
    together: Option<(Protocol, Composition)>,
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
    /// Whether it is safe among the projections, as far as they were explored.
    #[serde(skip_serializing_if = "Option::is_none")]
    safe: Option<bool>,
    /// At which capacities it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    safe_at: Option<String>,
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
        let refused = |found: Diagnostics| input::said(&source.report(found));
        let locals = project_roles(global, &limits).map_err(refused)?;
        let mut projection = LocalType::end();
        let with_candidate = locals.roles().iter().map(|(name, local)| {
            if name == role {
                projection = local.clone();
                return (name.clone(), candidate.clone());
            }
            (name.clone(), local.clone())
        });
        // A candidate that speaks to strangers has no place among the others.
        let together = LocalTypes::new(with_candidate).ok().and_then(|(locals, _)| {
            let protocol = Protocol::unchecked(global.name().clone(), locals).ok()?;
            let composition = compose(&protocol, &ComposeLimits::default());
            Some((protocol, composition))
        });
        let found = refines(candidate, global, role, &limits);
        Ok((Self { protocol: global.name().to_string(), found, together }, projection))
    }

    /// Whether it goes wrong among the projections at every capacity that was tried.
    pub(super) fn is_unsafe(&self) -> bool {
        self.safe().is_some_and(|(safe, _)| !safe)
    }

    pub(super) fn is_yes(&self) -> bool {
        self.found.as_ref().is_ok_and(Refinement::is_yes)
    }

    pub(super) fn write(&self, out: &mut impl Write) -> Result<()> {
        let how = format!("in {}", self.protocol);
        match &self.found {
            Ok(Refinement::Yes) => {
                writeln!(out, "  {how:12} {GOOD}yes{GOOD:#}: all its runs there are runs of it")?;
            }
            Ok(Refinement::No(mismatch)) => {
                writeln!(out, "  {how:12} {BAD}no{BAD:#}: not all its runs there are runs of it")?;
                writeln!(out, "    {mismatch}")?;
            }
            Err(exceeded) => writeln!(out, "  {how:12} {OPEN}unknown{OPEN:#}: {exceeded}")?,
        }
        let with = "with the other projections";
        match self.safe() {
            Some((true, at)) => writeln!(out, "  {:12} {GOOD}safe{GOOD:#} {with} at {at}", "room"),
            Some((false, wrong)) => {
                writeln!(out, "  {:12} {BAD}not safe{BAD:#} {with}: {wrong}", "room")
            }
            None => Ok(()),
        }
    }

    /// Whether it is safe among the projections, and where, or what is wrong.
    fn safe(&self) -> Option<(bool, String)> {
        let (protocol, found) = self.together.as_ref()?;
        match (found.evidence(), found.diagnostic(protocol)) {
            (Evidence::None, Some(wrong)) => {
                let tried = capacities_said(&found.tried);
                Some((false, format!("{} ({tried} is the largest that was tried)", wrong.message)))
            }
            (Evidence::None, None) => None,
            (evidence, _) => Some((true, evidence.to_string())),
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
        let (safe, safe_at) = match self.safe() {
            Some((safe, at)) => (Some(safe), safe.then_some(at)),
            None => (None, None),
        };
        RelativeJson { protocol: self.protocol.clone(), answer, run, reason, safe, safe_at }
    }
}
