//! What live authority came from, as JSON: the requests themselves, in the form that records have.
//!
//! Clause: DOOR-5.

use serde::Serialize;
use serde_json::{Value as Tree, json};

use super::authority::{write_commit, write_reclaim, write_scope};
use super::event::{ByJson, EventJson, write_act, write_by};
use crate::machine::{Input, Requests};
use crate::types::Protocol;

/// A request, as a record has it.
#[derive(Serialize)]
pub(super) struct RequestJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<ByJson>,
    pub(super) event: EventJson,
}

/// What was asked for under some authority, or by a receipt, or by the host.
///
/// # Panics
/// If it is no request about authority.
pub(super) fn write_request(protocol: &Protocol, request: &Input) -> RequestJson {
    match request {
        Input::Act { by, act } => {
            RequestJson { by: Some(write_by(by)), event: write_act(protocol, act, None) }
        }
        Input::Commit(commit) => {
            RequestJson { by: None, event: EventJson::Commit(write_commit(commit)) }
        }
        Input::Reclaim(reclaim) => {
            RequestJson { by: None, event: EventJson::Reclaim(write_reclaim(reclaim)) }
        }
        other => unreachable!("{other:?} is no request about authority"),
    }
}

/// The requests, and the numbers that the next ones get.
pub(super) fn write_requests(protocol: &Protocol, requests: &Requests) -> Tree {
    let mut next = json!({});
    if let Some((generation, receipt)) = requests.spread {
        next["generation"] = generation.0.into();
        next["receipt"] = receipt.0.into();
    }
    if let Some((witness, timer)) = requests.outstanding {
        next["witness"] = witness.0.into();
        next["timer"] = timer.0.into();
    }
    let mut said = json!({"next": next});
    let holdings = requests.holdings.iter().map(|(generation, issued, request)| {
        let mut held = json!(write_request(protocol, request));
        held["generation"] = generation.0.into();
        held["issued"] = write_scope(*issued).into();
        held
    });
    let all = |requests: &[Input]| {
        requests.iter().map(|request| json!(write_request(protocol, request))).collect()
    };
    let lists: [(&str, Vec<Tree>); 4] = [
        ("holdings", holdings.collect()),
        ("staged", all(&requests.staged)),
        ("readiness", all(&requests.readiness)),
        ("timers", all(&requests.timers)),
    ];
    for (key, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        said[key] = list.into();
    }
    said
}
