//! A session's protocol state as JSON: everything that its digest covers, by name.
//!
//! Two sessions have the same JSON, but for the digest itself, exactly if they have the same digest
//! (DOOR-5).

use core::fmt::Write;

use serde_json::{Map, Value as Tree, json};

use super::answer::{write_move, write_status};
use super::authority::{write_receipt, write_scope};
use super::event::write_edge;
use super::json::write_value;
use super::policy::write_policy;
use super::requests::write_requests;
use super::witness::{write_armed, write_readiness, write_timeout};
use crate::machine::{
    Attachment, ClosedEdge, ClosedSession, EdgeView, EndpointView, HoldingView, Memory, OnLost,
    Performed, Policy, Queued, Seq, SessionView, StateDigest,
};
use crate::types::Protocol;

/// The canonical state of a session with this digest.
pub(super) fn write_state(view: SessionView<'_>, digest: StateDigest) -> Tree {
    let protocol = view.protocol();
    let (owner, generation, scope) = view.owner();
    let mut state = write_status(view.status());
    let mut put = |key: &str, value: Tree| drop(state.insert(key.to_owned(), value));
    put("session", view.id().to_string().into());
    put("protocol", protocol.digest().to_string().into());
    put("tick", view.tick().0.into());
    put("checked", view.is_checked().into());
    put("owner", owner.as_str().into());
    put("generation", generation.0.into());
    put("scope", format!("{:x}", scope.bits()).into());
    let holdings: Vec<Tree> = view.holdings().map(|held| holding(&held)).collect();
    if holdings.len() > 1 || view.holdings().any(|held| held.released) {
        put("holdings", holdings.into());
    }
    if view.staged().len() > 0 {
        put("staged", view.staged().map(|receipt| json!(write_receipt(receipt))).collect());
    }
    if view.serials().len() > 0 {
        let serials = view.serials().map(|serials| {
            json!({
                "generation": serials.generation.0,
                "issued": serials.issued.0,
                "confirmed": serials.confirmed.0,
            })
        });
        put("serials", serials.collect());
    }
    if view.on_lost() != OnLost::default() {
        put("on_lost", view.on_lost().as_str().into());
    }
    let mut list = |key: &str, all: Vec<Tree>| {
        if !all.is_empty() {
            put(key, all.into());
        }
    };
    list("readiness", view.readiness().map(|at| json!(write_readiness(protocol, at))).collect());
    list("timeouts", view.timeouts().map(|at| json!(write_timeout(protocol, at))).collect());
    list("timers", view.timers().map(|at| json!(write_armed(protocol, at))).collect());
    if let Some(requests) = view.requests() {
        put("requests", write_requests(protocol, &requests));
    }
    if view.fencing() > 0 || view.attachments_made() > 0 {
        put("attachments", attachments(protocol, view));
    }
    put("roles", view.endpoints().map(|endpoint| role(protocol, endpoint)).collect());
    put("edges", view.edges().map(|at| edge(protocol, at)).collect());
    put("digest", digest.to_string().into());
    if let Some(deadline) = view.deadline() {
        put("deadline", deadline.0.into());
    }
    if let Some(handler) = view.default_handler() {
        put("handler", handler.as_str().into());
    }
    if let Some(records) = view.records_len() {
        put("records", records.into());
    }
    Tree::Object(state)
}

/// Who has fragments, or had them last.
fn holding(held: &HoldingView<'_>) -> Tree {
    json!({
        "owner": held.owner.as_str(),
        "generation": held.generation.0,
        "scope": write_scope(held.scope),
        "released": held.released,
    })
}

/// What was attached to it, live or not.
fn attachments(protocol: &Protocol, view: SessionView<'_>) -> Tree {
    let entry = |entry: &Attachment| {
        json!({
            "role": protocol.role_name(entry.role).as_str(),
            "epoch": entry.epoch.to_string(),
            "generation": entry.generation.0,
        })
    };
    json!({
        "fencing": view.fencing(),
        "counter": view.attachments_made(),
        "entries": view.attachments().map(entry).collect::<Vec<_>>(),
    })
}

fn role(protocol: &Protocol, endpoint: EndpointView<'_>) -> Tree {
    let mut role = Map::new();
    let mut put = |key: &str, value: Tree| drop(role.insert(key.to_owned(), value));
    put("role", endpoint.name().as_str().into());
    put("state", endpoint.state().0.into());
    put("position", endpoint.position().0.into());
    // What is too large to be written out is still told by its state.
    if let Ok(left) = endpoint.current() {
        put("type", left.to_string().into());
    }
    if let Some(epoch) = endpoint.attached() {
        put("attached", epoch.to_string().into());
    }
    put("legal", endpoint.legal_moves().map(|legal| write_move(&legal)).collect());
    if let Some(sends) = remembered(protocol, endpoint) {
        put("remembered", sends);
    }
    Tree::Object(role)
}

fn remembered(protocol: &Protocol, endpoint: EndpointView<'_>) -> Option<Tree> {
    let (from, sends) = endpoint.remembered()?;
    let sends: Vec<Tree> = sends.map(|send| performed(protocol, send)).collect();
    Some(json!({"from": from.0, "sends": sends}))
}

/// What is left of a session that was reaped.
pub(super) fn write_closed(closed: &ClosedSession) -> Tree {
    let protocol = closed.protocol();
    let mut said = write_status(closed.status());
    let mut put = |key: &str, value: Tree| drop(said.insert(key.to_owned(), value));
    put("session", closed.id().to_string().into());
    put("protocol", protocol.digest().to_string().into());
    put("tick", closed.tick().0.into());
    put("checked", closed.is_checked().into());
    put("holdings", closed.holdings().map(|held| holding(&held)).collect());
    put("roles", closed.endpoints().map(|endpoint| closed_role(protocol, endpoint)).collect());
    put("edges", closed.edges().map(|edge| closed_edge(protocol, &edge)).collect());
    if let Some(handler) = closed.default_handler() {
        put("handler", handler.as_str().into());
    }
    if let Some((records, head)) = closed.journal() {
        put("records", records.into());
        put("head", head.to_string().into());
    }
    Tree::Object(said)
}

fn closed_role(protocol: &Protocol, endpoint: EndpointView<'_>) -> Tree {
    let mut role = json!({"role": endpoint.name().as_str(), "position": endpoint.position().0});
    if let Some(sends) = remembered(protocol, endpoint) {
        role["remembered"] = sends;
    }
    role
}

fn closed_edge(protocol: &Protocol, closed: &ClosedEdge<'_>) -> Tree {
    let mut edge = json!({
        "edge": write_edge(protocol, closed.edge),
        "sent": closed.sent.0,
        "consumed": closed.consumed.0,
    });
    if closed.dropped > 0 {
        edge["dropped"] = closed.dropped.into();
    }
    if let Some(handler) = closed.handler {
        edge["handler"] = handler.as_str().into();
    }
    edge
}

/// What a machine holds.
pub(super) fn write_memory(memory: &Memory) -> Tree {
    let bytes = &memory.bytes;
    json!({
        "live": memory.live,
        "terminal": memory.terminal,
        "archived": memory.archived,
        "endpoints": memory.endpoints,
        "edges": memory.edges,
        "messages": memory.messages,
        "handlers": memory.handlers,
        "timers": memory.timers,
        "bytes": {
            "sessions": bytes.sessions,
            "queues": bytes.queues,
            "journals": bytes.journals,
            "authority": bytes.authority,
            "remembered": bytes.remembered,
            "handlers": bytes.handlers,
            "timers": bytes.timers,
            "archive": bytes.archive,
        },
    })
}

fn performed(protocol: &Protocol, send: &Performed) -> Tree {
    let message = protocol.message(send.message);
    let mut digest = String::new();
    send.digest.iter().for_each(|byte| write!(digest, "{byte:02x}").expect("a string takes all"));
    json!({
        "at": send.at.0,
        "to": protocol.role_name(protocol.edges()[send.edge.index()].to).as_str(),
        "label": protocol.label_name(message.label).as_str(),
        "sort": message.payload.sort().to_string(),
        "digest": digest,
    })
}

fn edge(protocol: &Protocol, view: EdgeView<'_>) -> Tree {
    let mut edge = Map::new();
    let mut put = |key: &str, value: Tree| drop(edge.insert(key.to_owned(), value));
    put("edge", json!(write_edge(protocol, view.edge())));
    put("sent", view.sent().0.into());
    put("consumed", view.consumed().0.into());
    put("capacity", view.capacity().into());
    let lossy = view.policy().is_lossy();
    let messages = view.messages().zip(view.seqs());
    let messages = messages.map(|(queued, seq)| message(protocol, queued, lossy.then_some(seq)));
    put("messages", messages.collect());
    if view.policy() != Policy::Block {
        put("policy", write_policy(view.policy()));
        put("capacity_start", view.capacity_start().into());
        put("dropped", view.dropped().into());
        put("dropped_before", view.dropped_before().into());
    }
    if let Some(handler) = view.bound() {
        put("handler", handler.as_str().into());
    }
    Tree::Object(edge)
}

/// A message on an edge; with its sequence number where some may be missing.
fn message(protocol: &Protocol, queued: &Queued, seq: Option<Seq>) -> Tree {
    let message = protocol.message(queued.message);
    let sort = message.payload.sort();
    let mut said = json!({
        "label": protocol.label_name(message.label).as_str(),
        "sort": sort.to_string(),
        "value": write_value(sort, &queued.value),
    });
    if let Some(seq) = seq {
        said["seq"] = seq.0.into();
    }
    said
}
