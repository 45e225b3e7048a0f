//! Policies of edges, as JSON.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Tree, json};

use super::event::{EdgeJson, EventError, Names, write_edge};
use crate::machine::Policy;
use crate::types::{Edge, Protocol};

/// An edge that has a policy.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicedJson {
    edge: EdgeJson,
    policy: PolicyJson,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum PolicyJson {
    Block {},
    DropOldest {},
    LatestValue {},
    Resize { max: u32 },
}

pub(super) fn write(protocol: &Protocol, policies: &[(Edge, Policy)]) -> Vec<PolicedJson> {
    let policed = policies.iter().map(|(edge, policy)| {
        let (edge, policy) = (write_edge(protocol, *edge), of(*policy));
        PolicedJson { edge, policy }
    });
    policed.collect()
}

pub(super) fn read(
    names: Names<'_>,
    policies: &[PolicedJson],
) -> Result<Vec<(Edge, Policy)>, EventError> {
    let policed = policies.iter().map(|PolicedJson { edge, policy }| {
        let policy = match policy {
            PolicyJson::Block {} => Policy::Block,
            PolicyJson::DropOldest {} => Policy::DropOldest,
            PolicyJson::LatestValue {} => Policy::LatestValue,
            PolicyJson::Resize { max } => Policy::Resize { max: *max },
        };
        Ok((names.edge(edge)?, policy))
    });
    policed.collect()
}

/// One policy, as the state and refusals have it.
pub(super) fn write_policy(policy: Policy) -> Tree {
    json!(of(policy))
}

fn of(policy: Policy) -> PolicyJson {
    match policy {
        Policy::Block => PolicyJson::Block {},
        Policy::DropOldest => PolicyJson::DropOldest {},
        Policy::LatestValue => PolicyJson::LatestValue {},
        Policy::Resize { max } => PolicyJson::Resize { max },
    }
}
