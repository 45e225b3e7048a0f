//! Inputs of a machine written as commands of its door, by hand.
#![allow(dead_code, unreachable_pub)]

use antiphon::machine::*;
use antiphon::types::*;
use antiphon::wire::json;
use serde_json::{Map, Value as Tree, json};

/// A name that is none: for roles and labels that a protocol does not have.
pub const NOBODY: &str = "no role or label";

fn role(protocol: Option<&Protocol>, role: RoleIx) -> &str {
    let found = protocol.and_then(|protocol| protocol.roles().nth(role.index()));
    found.map_or(NOBODY, |name| name.as_str())
}

fn edge(protocol: Option<&Protocol>, edge: Edge) -> Tree {
    json!({"from": role(protocol, edge.from), "to": role(protocol, edge.to)})
}

/// The command for an input, and the input as the command has it: a value that is of no use to the
/// label's sort is another one of no use.
pub fn command(machine: &Machine, now: u64, input: &Input) -> (Tree, Input) {
    let mut said = input.clone();
    let input = match input {
        Input::Open(open) => {
            let protocol = machine.protocol(open.protocol).map(AsRef::as_ref);
            let edges = open.capacities.edges.iter();
            let edges: Vec<Tree> = edges.map(|(at, n)| json!([edge(protocol, *at), n])).collect();
            let mut fields = json!({
                "session": open.session.to_string(),
                "protocol": open.protocol.to_string(),
                "owner": open.owner.as_str(),
            });
            // What is not said has a default.
            if let Some(capacity) = open.capacities.every {
                fields["capacity"] = json!(capacity);
            }
            if !edges.is_empty() {
                fields["capacities"] = json!(edges);
            }
            if open.capacities.unchecked {
                fields["unchecked"] = json!(true);
            }
            if !open.policies.is_empty() {
                let policed = |(at, policy): &(Edge, Policy)| json!({"edge": edge(protocol, *at), "policy": self::policy(*policy)});
                fields["policies"] = open.policies.iter().map(policed).collect();
            }
            if open.journal {
                fields["journal"] = json!(true);
            }
            match open.on_lost {
                OnLost::Cancel => {}
                OnLost::Fault => fields["on_lost"] = json!("fault"),
                OnLost::Release => fields["on_lost"] = json!("release"),
            }
            json!({"open": fields})
        }
        Input::Act { by, act } => {
            let (event, value) = event(machine, by.session, act);
            if let (Some(value), Input::Act { act: Act::Send(send), .. }) = (value, &mut said) {
                send.value = value;
            }
            let mut presented = json!({
                "owner": by.owner.as_str(),
                "generation": by.generation.0,
                "scope": format!("{:x}", by.scope.bits()),
            });
            if let Some(over) = by.over {
                presented["over"] = json!(epoch(over));
            }
            json!({"act": {
                "session": by.session.to_string(),
                "by": presented,
                "event": event,
            }})
        }
        Input::Commit(commit) => json!({"commit": {
            "session": commit.receipt.session.to_string(),
            "commit": {
                "request": commit.request.0,
                "receipt": receipt(&commit.receipt),
                "owner": commit.owner.as_str(),
            },
        }}),
        Input::Persisted { session, upto } => {
            json!({"persisted": {"session": session.to_string(), "upto": upto}})
        }
        Input::Tick => json!({"tick": {}}),
        Input::Reclaim(reclaim) => json!({"reclaim": {
            "session": reclaim.session.to_string(),
            "reclaim": {
                "request": reclaim.request.0,
                "owner": reclaim.owner.as_str(),
                "scope": scope(reclaim.scope),
            },
        }}),
        Input::Reap { session } => json!({"reap": {"session": session.to_string()}}),
        Input::Recovered { session, fencing } => {
            json!({"recovered": {"session": session.to_string(), "fencing": fencing}})
        }
        other => panic!("write {other:?} here"),
    };
    (json!({"at": now, "input": input}), said)
}

fn policy(policy: Policy) -> Tree {
    match policy {
        Policy::Block => json!({"block": {}}),
        Policy::DropOldest => json!({"drop_oldest": {}}),
        Policy::LatestValue => json!({"latest_value": {}}),
        Policy::Resize { max } => json!({"resize": {"max": max}}),
    }
}
fn event(machine: &Machine, session: SessionId, act: &Act) -> (Tree, Option<Value>) {
    let protocol = machine.protocol_of(session).map(AsRef::as_ref);
    let name = |ix| role(protocol, ix);
    let at = |fields: Tree, at: Option<Position>| {
        let mut fields = fields;
        if let Some(at) = at {
            fields["at"] = json!(at.0);
        }
        fields
    };
    let mut instead = None;
    let event = match act {
        Act::Send(send) => {
            let label = protocol.and_then(|protocol| protocol.labels().get(send.label.index()));
            let (tree, value) = value(machine, session, send);
            instead = value;
            let fields = json!({
                "role": name(send.role),
                "to": name(send.to),
                "label": label.map_or(NOBODY, |label| label.as_str()),
                "value": tree,
            });
            json!({"send": at(fields, send.at)})
        }
        Act::Receive(receive) => {
            let fields = json!({"role": name(receive.role), "from": name(receive.from)});
            json!({"receive": at(fields, receive.at)})
        }
        Act::Acknowledge { role, position } => {
            json!({"acknowledge": {"role": name(*role), "position": position.0}})
        }
        Act::Bind { edge: bound, handler } => {
            let mut fields = Map::new();
            if let Some(bound) = bound {
                let known = protocol.and_then(|protocol| protocol.edges().get(bound.index()));
                let nowhere = Edge { from: RoleIx::UNKNOWN, to: RoleIx::UNKNOWN };
                let known = known.copied().unwrap_or(nowhere);
                fields.insert("edge".into(), edge(protocol, known));
            }
            if let Some(handler) = handler {
                fields.insert("handler".into(), json!(handler.as_str()));
            }
            json!({"bind": fields})
        }
        Act::Drain { deadline: None } => json!({"drain": {}}),
        Act::Drain { deadline: Some(deadline) } => json!({"drain": {"deadline": deadline.0}}),
        Act::Authority(act) => json!({"authority": authority(protocol, act)}),
        Act::Close => json!({"close": {}}),
        Act::Cancel { reason } => json!({"cancel": {"reason": reason.as_str()}}),
        Act::Fault { reason } => json!({"fault": {"reason": reason.as_str()}}),
        Act::Attach { role } => json!({"attach": {"role": name(*role)}}),
        Act::Detach { role, epoch: of } => {
            json!({"detach": {"role": name(*role), "epoch": epoch(*of)}})
        }
        other => panic!("write {other:?} here"),
    };
    (event, instead)
}

/// The value of a send as JSON, and another value where JSON cannot say it.
fn value(machine: &Machine, session: SessionId, send: &Send) -> (Tree, Option<Value>) {
    let live = machine.session(session).and_then(|view| view.endpoint(send.role));
    let closed = machine.archived(session).and_then(|closed| closed.endpoint(send.role));
    let endpoint = live.or(closed);
    let meant = endpoint.and_then(|endpoint| endpoint.meant(send.to, send.label, send.at));
    let protocol = machine.protocol_of(session);
    let Some((protocol, meant)) = protocol.zip(meant) else { return (Tree::Null, None) };
    let sort = protocol.message(meant).payload.sort();
    if let Ok(value) = sort.conform(send.value.clone()) {
        return (json::write_value(sort, &value), None);
    }
    let trees = [json!("no such value"), json!({"no": "such value"})];
    let useless = trees.into_iter().find(|tree| json::read_value(sort, tree).is_err());
    match useless {
        Some(tree) => (tree, None),
        // Any JSON is a value of this sort.
        None => (json!([1]), Some(Value::Json(json::json(&json!([1]))))),
    }
}

/// The number of an attachment, as the door says it.
pub fn epoch(epoch: Epoch) -> String {
    format!("{}.{}", epoch.fencing(), epoch.counter())
}

fn scope(scope: Scope) -> String {
    format!("{:x}", scope.bits())
}

/// A receipt, as the door says it.
pub fn receipt(receipt: &Receipt) -> Tree {
    let mut said = json!({
        "id": receipt.id.0,
        "from": receipt.from.as_str(),
        "generation": receipt.generation.0,
        "scope": scope(receipt.scope),
    });
    if let Recipient::Owner(owner) = &receipt.to {
        said["to"] = json!(owner.as_str());
    }
    said
}

/// A predicate from its first term on, as the door says it.
fn predicate<'a>(protocol: Option<&Protocol>, terms: &mut impl Iterator<Item = &'a Term>) -> Tree {
    match terms.next().unwrap() {
        Term::AtState(who, state) => {
            json!({"at_state": {"role": role(protocol, *who), "state": state.0}})
        }
        Term::EdgeEmpty(at) => json!({"edge_empty": edge(protocol, *at)}),
        Term::Position(who, least) => {
            json!({"position": {"role": role(protocol, *who), "least": least.0}})
        }
        Term::Attached(who) => json!({"attached": role(protocol, *who)}),
        Term::External(name) => json!({"external": name.as_str()}),
        Term::All(count) => {
            let parts: Vec<Tree> = (0..*count).map(|_| predicate(protocol, terms)).collect();
            json!({"all": parts})
        }
        Term::Any(count) => {
            let parts: Vec<Tree> = (0..*count).map(|_| predicate(protocol, terms)).collect();
            json!({"any": parts})
        }
        Term::Not => json!({"not": predicate(protocol, terms)}),
    }
}

fn site(protocol: Option<&Protocol>, site: &Site) -> Tree {
    match site {
        Site::Endpoint(who) => json!({"endpoint": role(protocol, *who)}),
        Site::Edge(at) => json!({"edge": edge(protocol, *at)}),
        Site::Name(name) => json!({"name": name.as_str()}),
    }
}

/// A readiness witness, as the door says it.
pub fn readiness(protocol: Option<&Protocol>, witness: &Readiness) -> Tree {
    json!({
        "id": witness.id.0,
        "owner": witness.owner.as_str(),
        "generation": witness.generation.0,
        "scope": scope(witness.scope),
        "predicate": predicate(protocol, &mut witness.predicate.terms().iter()),
    })
}

/// A timeout witness, as the door says it.
pub fn timeout(protocol: Option<&Protocol>, witness: &TimeoutWitness) -> Tree {
    let mut said = json!({
        "id": witness.id.0,
        "site": site(protocol, &witness.site),
        "owner": witness.owner.as_str(),
        "generation": witness.generation.0,
        "scope": scope(witness.scope),
        "issued_at": witness.issued_at.0,
    });
    if let Some(until) = witness.until {
        said["until"] = json!(until.0);
    }
    said
}

fn authority(protocol: Option<&Protocol>, act: &Authority) -> Tree {
    match act {
        Authority::Release { request, scope: of } => {
            json!({"release": {"request": request.0, "scope": scope(*of)}})
        }
        Authority::Attenuate { request, scope: of } => {
            json!({"attenuate": {"request": request.0, "scope": scope(*of)}})
        }
        Authority::Claim { request, owner, scope: of } => {
            json!({"claim": {"request": request.0, "owner": owner.as_str(), "scope": scope(*of)}})
        }
        Authority::Stage { request, scope: of, to, expires, freeze } => {
            let mut said = json!({"request": request.0, "scope": scope(*of), "freeze": freeze});
            if let Recipient::Owner(owner) = to {
                said["to"] = json!(owner.as_str());
            }
            if let Some(tick) = expires {
                said["expires"] = json!(tick.0);
            }
            json!({"stage": said})
        }
        Authority::Rollback { receipt: of } => json!({"rollback": {"receipt": receipt(of)}}),
        Authority::Abandon { receipt: of } => json!({"abandon": {"receipt": receipt(of)}}),
        Authority::FailCommit { receipt: of, reason } => {
            json!({"fail_commit": {"receipt": receipt(of), "reason": reason.as_str()}})
        }
        Authority::OwnerDied { owner, evidence } => {
            let evidence = match evidence {
                Death::Timeout(late) => json!({"timeout": timeout(protocol, late)}),
                _ => json!("lifecycle"),
            };
            json!({"owner_died": {"owner": owner.as_str(), "evidence": evidence}})
        }
        Authority::IssueToken { request } => json!({"issue_token": {"request": request.0}}),
        Authority::Renew { serial } => json!({"renew": {"serial": serial.0}}),
        Authority::ConfirmToken { serial } => json!({"confirm_token": {"serial": serial.0}}),
        Authority::IssueReadiness { request, predicate: of } => json!({"issue_readiness": {
            "request": request.0,
            "predicate": predicate(protocol, &mut of.terms().iter()),
        }}),
        Authority::ConsumeReadiness { witness } => {
            json!({"consume_readiness": {"witness": readiness(protocol, witness)}})
        }
        Authority::ArmTimer { request, site: at, after, valid } => {
            let mut said =
                json!({"request": request.0, "site": site(protocol, at), "after": after});
            if let Some(valid) = valid {
                said["valid"] = json!(valid);
            }
            json!({"arm_timer": said})
        }
        Authority::DisarmTimer { timer } => json!({"disarm_timer": {"timer": timer.0}}),
        Authority::ConsumeTimeout { witness } => {
            json!({"consume_timeout": {"witness": timeout(protocol, witness)}})
        }
        other => panic!("write {other:?} here"),
    }
}
