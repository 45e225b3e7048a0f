//! Witnesses, timers and predicates as JSON.

use serde::{Deserialize, Serialize};

use super::authority::{read_scope, write_scope};
use super::event::{EdgeJson, EventError, Names, read_owner, write_edge, wrong};
use crate::machine::{
    Armed, Generation, Position, Predicate, Readiness, SessionId, Site, Term, Tick, TimeoutWitness,
    WitnessId,
};
use crate::types::{Name, Protocol, RoleIx, StateIx};

/// A predicate; the state is the number that the state of a session shows.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum PredicateJson {
    AtState { role: String, state: u32 },
    EdgeEmpty(EdgeJson),
    Position { role: String, least: u64 },
    Attached(String),
    External(String),
    All(Vec<PredicateJson>),
    Any(Vec<PredicateJson>),
    Not(Box<PredicateJson>),
}

/// What a timer is for.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SiteJson {
    Endpoint(String),
    Edge(EdgeJson),
    Name(String),
}

/// A readiness witness; the session is the one it is spoken of in.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadinessJson {
    id: u64,
    owner: String,
    generation: u64,
    scope: String,
    predicate: PredicateJson,
}

/// A timeout witness; the session is the one it is spoken of in.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeoutJson {
    id: u64,
    site: SiteJson,
    owner: String,
    generation: u64,
    scope: String,
    issued_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
}

/// A timer that is armed.
#[derive(Serialize)]
pub(super) struct ArmedJson {
    id: u64,
    site: SiteJson,
    owner: String,
    generation: u64,
    scope: String,
    due: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid: Option<u64>,
}

fn role_name(protocol: &Protocol, role: RoleIx) -> String {
    protocol.role_name(role).to_string()
}

pub(super) fn write_predicate(protocol: &Protocol, predicate: &Predicate) -> PredicateJson {
    predicate.fold(|term, mut parts| match term {
        Term::AtState(role, state) => {
            PredicateJson::AtState { role: role_name(protocol, *role), state: state.0 }
        }
        Term::EdgeEmpty(edge) => PredicateJson::EdgeEmpty(write_edge(protocol, *edge)),
        Term::Position(role, least) => {
            PredicateJson::Position { role: role_name(protocol, *role), least: least.0 }
        }
        Term::Attached(role) => PredicateJson::Attached(role_name(protocol, *role)),
        Term::External(name) => PredicateJson::External(name.to_string()),
        Term::All(_) => PredicateJson::All(parts),
        Term::Any(_) => PredicateJson::Any(parts),
        Term::Not => PredicateJson::Not(Box::new(parts.remove(0))),
    })
}

pub(super) fn read_predicate(
    names: Names<'_>,
    json: &PredicateJson,
) -> Result<Predicate, EventError> {
    let (mut terms, mut todo) = (Vec::new(), vec![json]);
    let count = |parts: &[PredicateJson]| {
        let few = u8::try_from(parts.len());
        few.map_err(|_| wrong("a predicate has too many parts"))
    };
    while let Some(next) = todo.pop() {
        terms.push(match next {
            PredicateJson::AtState { role, state } => {
                Term::AtState(names.role(role)?, StateIx(*state))
            }
            PredicateJson::EdgeEmpty(edge) => Term::EdgeEmpty(names.known_edge(edge)?),
            PredicateJson::Position { role, least } => {
                Term::Position(names.role(role)?, Position(*least))
            }
            PredicateJson::Attached(role) => Term::Attached(names.role(role)?),
            PredicateJson::External(name) => Term::External(read_name(name)?),
            PredicateJson::All(parts) | PredicateJson::Any(parts) => {
                todo.extend(parts.iter().rev());
                let count = count(parts)?;
                match next {
                    PredicateJson::All(_) => Term::All(count),
                    _ => Term::Any(count),
                }
            }
            PredicateJson::Not(part) => {
                todo.push(part);
                Term::Not
            }
        });
    }
    Predicate::new(terms).map_err(|error| wrong(error.to_string()))
}

fn read_name(text: &str) -> Result<Name, EventError> {
    Name::new(text).map_err(|error| wrong(error.to_string()))
}

pub(super) fn write_site(protocol: &Protocol, site: &Site) -> SiteJson {
    match site {
        Site::Endpoint(role) => SiteJson::Endpoint(role_name(protocol, *role)),
        Site::Edge(edge) => SiteJson::Edge(write_edge(protocol, *edge)),
        Site::Name(name) => SiteJson::Name(name.to_string()),
    }
}

pub(super) fn read_site(names: Names<'_>, site: &SiteJson) -> Result<Site, EventError> {
    Ok(match site {
        SiteJson::Endpoint(role) => Site::Endpoint(names.role(role)?),
        SiteJson::Edge(edge) => Site::Edge(names.known_edge(edge)?),
        SiteJson::Name(name) => Site::Name(read_name(name)?),
    })
}

pub(super) fn write_readiness(protocol: &Protocol, witness: &Readiness) -> ReadinessJson {
    ReadinessJson {
        id: witness.id.0,
        owner: witness.owner.to_string(),
        generation: witness.generation.0,
        scope: write_scope(witness.scope),
        predicate: write_predicate(protocol, &witness.predicate),
    }
}

pub(super) fn read_readiness(
    names: Names<'_>,
    session: SessionId,
    witness: &ReadinessJson,
) -> Result<Readiness, EventError> {
    Ok(Readiness {
        session,
        id: WitnessId(witness.id),
        owner: read_owner(&witness.owner)?,
        generation: Generation(witness.generation),
        scope: read_scope(&witness.scope)?,
        predicate: read_predicate(names, &witness.predicate)?,
    })
}

pub(super) fn write_timeout(protocol: &Protocol, witness: &TimeoutWitness) -> TimeoutJson {
    TimeoutJson {
        id: witness.id.0,
        site: write_site(protocol, &witness.site),
        owner: witness.owner.to_string(),
        generation: witness.generation.0,
        scope: write_scope(witness.scope),
        issued_at: witness.issued_at.0,
        until: witness.until.map(|until| until.0),
    }
}

pub(super) fn read_timeout(
    names: Names<'_>,
    session: SessionId,
    witness: &TimeoutJson,
) -> Result<TimeoutWitness, EventError> {
    Ok(TimeoutWitness {
        session,
        id: WitnessId(witness.id),
        site: read_site(names, &witness.site)?,
        owner: read_owner(&witness.owner)?,
        generation: Generation(witness.generation),
        scope: read_scope(&witness.scope)?,
        issued_at: Tick(witness.issued_at),
        until: witness.until.map(Tick),
    })
}

pub(super) fn write_armed(protocol: &Protocol, timer: &Armed) -> ArmedJson {
    ArmedJson {
        id: timer.id.0,
        site: write_site(protocol, &timer.site),
        owner: timer.owner.to_string(),
        generation: timer.generation.0,
        scope: write_scope(timer.scope),
        due: timer.due.0,
        valid: timer.valid,
    }
}
