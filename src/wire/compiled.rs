//! A protocol as it was compiled, as JSON: the types, and every table that was made of them, for
//! those who run sessions by another machine or want to check the tables.
//!
//! Names are numbered by their places. Clause: DOOR-7.

use serde_json::{Map, Value as Tree, json};

use crate::types::{Automaton, Evidence, Protocol, RoleIx, StateIx, Transition};

/// The answer to who registers a protocol: what a machine knows of it.
pub(super) fn write_registered(protocol: &Protocol) -> Tree {
    json!({"registered": {
        "protocol": protocol.digest().to_string(),
        "name": protocol.name().as_str(),
        "roles": protocol.roles().map(|role| role.as_str()).collect::<Vec<_>>(),
        "safe_at": protocol.evidence().to_string(),
    }})
}

/// What sessions of the protocol run.
pub(super) fn write_compiled(protocol: &Protocol) -> Tree {
    let names = |names: &mut dyn Iterator<Item = &crate::types::Name>| -> Tree {
        names.map(|name| name.as_str()).collect()
    };
    let messages = protocol.messages().iter().map(|message| {
        let sort = message.payload.sort();
        json!({"label": message.label.0, "sort": sort, "shown": sort.to_string()})
    });
    let edges = protocol.edges().iter().map(|edge| json!([edge.from.0, edge.to.0]));
    let roles = 0..u16::try_from(protocol.roles().len()).expect("ROLES_MAX fits");
    let automata = roles.map(|role| write_automaton(protocol.automaton(RoleIx(role))));
    json!({
        "protocol": protocol.digest().to_string(),
        "name": protocol.name().as_str(),
        "locals": protocol.locals(),
        "labels": names(&mut protocol.labels().iter()),
        "messages": messages.collect::<Vec<_>>(),
        "edges": edges.collect::<Vec<_>>(),
        "automata": automata.collect::<Vec<_>>(),
        "evidence": write_evidence(protocol.evidence()),
        "rooms": protocol.rooms(),
    })
}

/// The states in order, each with its moves; a state without any is an end.
fn write_automaton(automaton: &Automaton) -> Tree {
    let states = 0..u32::try_from(automaton.len()).expect("NODES_MAX fits");
    let state = |state: u32| {
        let moves = automaton.moves(StateIx(state)).iter().map(write_transition);
        let mut said = Map::from_iter([("moves".to_owned(), moves.collect::<Vec<_>>().into())]);
        if let Some(direction) = automaton.direction(StateIx(state)) {
            said.insert("direction".into(), direction.as_str().into());
        }
        Tree::Object(said)
    };
    states.map(state).collect()
}

fn write_transition(transition: &Transition) -> Tree {
    json!({
        "peer": transition.peer.0,
        "label": transition.label.0,
        "message": transition.message.0,
        "edge": transition.edge.0,
        "next": transition.next.0,
        "ends": transition.ends,
    })
}

/// Why capacities are known to be safe: any of these; none where nothing is known.
fn write_evidence(evidence: &Evidence) -> Vec<Tree> {
    match evidence {
        Evidence::Every => vec![json!({"every": {}})],
        Evidence::From(least) => vec![json!({"from": least})],
        Evidence::Bounds(bounds) => vec![json!({"bounds": bounds})],
        Evidence::Exactly(vectors) => vec![json!({"exactly": vectors})],
        Evidence::Any(parts) => parts.iter().flat_map(write_evidence).collect(),
        Evidence::None => Vec::new(),
    }
}
