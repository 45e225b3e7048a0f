//! What a timer watches over, and the timers that are armed.
//!
//! Clauses: TIMER-1.

use super::authority::{Owner, Presented, Scope};
use super::explain::{unknown_edge, unknown_role};
use super::id::{Generation, Tick, TimerId};
use super::refuse::Refusal;
use super::session::Session;
use crate::types::{Edge, Name, Protocol, RoleIx};

/// What a timer is for. The machine sees no difference but in who may arm it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Site {
    /// A role.
    Endpoint(RoleIx),
    /// An edge.
    Edge(Edge),
    /// Anything else that the host has a name for.
    Name(Name),
}

/// A timer of a session that somebody armed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Armed {
    /// Its number in the session.
    pub id: TimerId,
    /// What it is for.
    pub site: Site,
    /// Who armed it.
    pub owner: Owner,
    /// Under which generation.
    pub generation: Generation,
    /// Under the authority over which fragments.
    pub scope: Scope,
    /// When it runs out.
    pub due: Tick,
    /// How long its witness is good, in milliseconds; `None`: until it is spent.
    pub valid: Option<u64>,
}

impl Site {
    /// The fragments that it is about; none of a name.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::Endpoint(role) => Scope::role(*role),
            Self::Edge(edge) => Scope::role(edge.from).union(Scope::role(edge.to)),
            Self::Name(_) => Scope::from_bits(0),
        }
    }

    /// Whether the protocol has it.
    pub(super) fn known(&self, protocol: &Protocol) -> Result<(), Refusal> {
        match self {
            Self::Endpoint(role) if role.index() >= protocol.roles().len() => {
                Err(unknown_role(protocol))
            }
            Self::Edge(edge) if protocol.edge(edge.from, edge.to).is_none() => {
                Err(unknown_edge(protocol))
            }
            _ => Ok(()),
        }
    }

    /// TIMER-1: the fragment under whose authority a timer is armed here: the first one that the
    /// capability covers of a role that it is about, and the lifecycle. Of a name, all that is
    /// presented.
    pub(super) fn covered(
        &self,
        session: &Session,
        protocol: &Protocol,
        by: &Presented,
    ) -> Result<Scope, Refusal> {
        let (first, second) = match self {
            Self::Endpoint(role) => (Scope::role(*role), None),
            Self::Edge(edge) => (Scope::role(edge.from), Some(Scope::role(edge.to))),
            Self::Name(_) => return session.authorize(protocol, by, by.scope).map(|()| by.scope),
        };
        let covers = |scope: &Scope| session.authorize(protocol, by, *scope).is_ok();
        match session.authorize(protocol, by, first) {
            Ok(()) => Ok(first),
            Err(refusal) => {
                let others = second.into_iter().chain([Scope::LIFECYCLE]);
                others.into_iter().find(covers).ok_or(refusal)
            }
        }
    }
}
