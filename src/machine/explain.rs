//! How refusals of a session come about: from numbers to names, off the path of messages.

use alloc::boxed::Box;

use super::authority::{Presented, Scope};
use super::input::Send;
use super::output::Status;
use super::ownership::Uncovered;
use super::refuse::{Attempt, MOVES_SHOWN_MAX, NotAllowed, Refusal};
use super::refuse::{edge_name, label_name, listed, moves, role_name};
use super::session::Endpoint;
use crate::types::{LabelIx, Protocol, RoleIx};

pub(super) fn unknown_edge(protocol: &Protocol) -> Refusal {
    let edges = protocol.edges().iter();
    let known = listed(edges.map(|edge| edge_name(protocol, edge.from, edge.to)));
    Refusal::UnknownEdge { known }
}

pub(super) fn uncovered(
    protocol: &Protocol,
    by: &Presented,
    needs: Scope,
    why: Uncovered,
) -> Refusal {
    match why {
        Uncovered::Unclaimed => Refusal::Unclaimed { required: needs.shown(protocol).into() },
        Uncovered::Stale { live } => Refusal::StaleCapability { presented: by.generation, live },
        Uncovered::Scope => Refusal::ScopeViolation {
            required: needs.shown(protocol).into(),
            actual: by.scope.shown(protocol).into(),
        },
    }
}

pub(super) fn unknown_role(protocol: &Protocol) -> Refusal {
    Refusal::UnknownRole { known: listed(protocol.roles().map(|role| alloc::format!("`{role}`"))) }
}

/// Why a session that is not active does not do it.
pub(super) fn inactive(status: &Status) -> Refusal {
    match status {
        Status::Draining => Refusal::Draining,
        ended => Refusal::Terminal(ended.clone()),
    }
}

pub(super) fn send_not_allowed(protocol: &Protocol, endpoint: Endpoint, send: &Send) -> Refusal {
    let (label, to) = (label_name(protocol, send.label), role_name(protocol, send.to));
    not_allowed(protocol, endpoint, send.role, Attempt::Send { label, to })
}

pub(super) fn receive_not_allowed(
    protocol: &Protocol,
    endpoint: Endpoint,
    role: RoleIx,
    from: RoleIx,
    label: Option<LabelIx>,
) -> Refusal {
    let label = label.and_then(|label| label_name(protocol, label));
    let attempted = Attempt::Receive { label, from: role_name(protocol, from) };
    not_allowed(protocol, endpoint, role, attempted)
}

fn not_allowed(
    protocol: &Protocol,
    endpoint: Endpoint,
    role: RoleIx,
    attempted: Attempt,
) -> Refusal {
    let legal = moves(protocol, role, endpoint.state()).take(MOVES_SHOWN_MAX).collect();
    let all = protocol.automaton(role).moves(endpoint.state()).len();
    Refusal::NotAllowed(Box::new(NotAllowed {
        role: protocol.role_name(role).clone(),
        attempted,
        position: endpoint.position(),
        legal,
        more: all.saturating_sub(MOVES_SHOWN_MAX),
    }))
}
