//! What a machine answers, as JSON: what an input came to, refusals with the data that explains
//! them, outputs. Clauses: DOOR-2, DOOR-4.

use serde_json::{Map, Value as Tree, json};

use super::authority::{write_receipt, write_recipient, write_scope};
use super::event::{write_by, write_edge};
use super::journal::batch_tree;
use super::json::write_value;
use super::policy::write_policy;
use super::witness::{write_readiness, write_timeout};
use crate::machine::{
    Accepted, Attempt, Audit, Deliver, Epoch, Event, Generation, Machine, Move, NotAllowed, Output,
    Owner, Refusal, Refusals, Refused, Scope, SessionId, Status,
};
use crate::types::{LabelIx, Name, Protocol, RoleIx, Sort, Value};

/// What an accepted input came to, by one word.
pub(super) fn write_accepted(protocol: Option<&Protocol>, accepted: &Accepted) -> Tree {
    match accepted {
        Accepted::Opened(capability) => json!({"opened": {
            "session": capability.session().to_string(),
            "by": write_by(capability.present()),
        }}),
        Accepted::Sent { seq, position } => {
            json!({"sent": {"seq": seq.0, "position": position.0}})
        }
        Accepted::Received(received) => {
            let protocol = protocol.expect("who receives has a protocol");
            json!({"received": {
                "from": protocol.role_name(received.from).as_str(),
                "seq": received.seq.0,
                "label": protocol.label_name(received.label).as_str(),
                "value": write_labelled(protocol, received.label, &received.value),
                "position": received.position.0,
            }})
        }
        Accepted::Duplicate { position } => json!({"duplicate": {"position": position.0}}),
        Accepted::Acknowledged { position, performed } => {
            json!({"acknowledged": {"position": position.0, "performed": performed}})
        }
        Accepted::Issued(capability) => json!({"issued": {
            "session": capability.session().to_string(),
            "by": write_by(capability.present()),
        }}),
        Accepted::Staged(receipt) => json!({"staged": {"receipt": write_receipt(receipt)}}),
        Accepted::Done => json!({"done": {}}),
        Accepted::Serial(serial) => json!({"serial": {"serial": serial.0}}),
        Accepted::Witness(witness) => {
            let protocol = protocol.expect("what a witness speaks of has a protocol");
            json!({"witness": {"readiness": write_readiness(protocol, witness)}})
        }
        Accepted::Timer(timer) => json!({"timer": {"timer": timer.0}}),
        Accepted::Attached { epoch } => json!({"attached": {"epoch": epoch.to_string()}}),
    }
}

/// A value of a label: labels of several sorts are told apart by which one the value conforms to.
fn write_labelled(protocol: &Protocol, label: LabelIx, value: &Value) -> Tree {
    let messages = protocol.messages().iter().filter(|message| message.label == label);
    let mut sorts = messages.map(|message| message.payload.sort());
    let conforms = |sort: &&Sort| sort.conform(value.clone()).as_ref() == Ok(value);
    let sort = sorts.find(conforms).expect("a value on its way has the sort of its message");
    write_value(sort, value)
}

/// A refusal: its code, clause and message, and what explains it (DOOR-4).
pub(super) fn write_refusal(refusal: &Refusal) -> Tree {
    let mut said = match data(refusal) {
        Tree::Object(data) => data,
        _ => Map::new(),
    };
    said.insert("code".into(), refusal.code().into());
    said.insert("clause".into(), refusal.clause().into());
    said.insert("message".into(), refusal.to_string().into());
    Tree::Object(said)
}

/// AUDIT-5: what was refused so far, by code, and the last of it.
pub(super) fn write_refused(refusals: &Refusals) -> Tree {
    let one = |refused: &Refused| {
        json!({
            "tick": refused.tick.0,
            "session": refused.session.map(|session| session.to_string()),
            "owner": refused.owner.as_ref().map(Owner::as_str),
            "attempt": refused.attempt,
            "code": refused.code,
        })
    };
    let counts = refusals.counts().map(|(code, count)| (code.to_owned(), count.into()));
    json!({"refused": {
        "total": refusals.total(),
        "counts": counts.collect::<Map<String, Tree>>(),
        "recent": refusals.recent().map(one).collect::<Vec<_>>(),
    }})
}

fn data(refusal: &Refusal) -> Tree {
    match refusal {
        Refusal::UnknownSession(session) | Refusal::SessionExists(session) => {
            json!({"session": session.to_string()})
        }
        Refusal::UnknownProtocol(protocol) => json!({"protocol": protocol.to_string()}),
        Refusal::BadCapacity { edge, capacity } | Refusal::EdgeFull { edge, capacity } => {
            json!({"edge": edge_of(edge), "capacity": capacity})
        }
        Refusal::EdgeEmpty { edge } => json!({"edge": edge_of(edge)}),
        Refusal::CapacityUnchecked { safe } => json!({"safe_at": safe.to_string()}),
        Refusal::UnknownRole { known } | Refusal::UnknownEdge { known } => json!({"known": known}),
        Refusal::Unclaimed { required } => json!({"required": required}),
        Refusal::AlreadyClaimed { taken, live } => json!({"taken": taken, "live": live.0}),
        Refusal::TransferPending(receipt)
        | Refusal::TransferNotPending(receipt)
        | Refusal::ReceiptMismatch(receipt)
        | Refusal::ReceiptSpent(receipt) => json!({"receipt": receipt.0}),
        Refusal::TooManyOutstanding | Refusal::HostOnly => Tree::Null,
        Refusal::UnknownOwner(owner) => json!({"owner": owner.as_str()}),
        Refusal::TokenSpent { serial, current } | Refusal::TokenUnknown { serial, current } => {
            json!({"serial": serial.0, "current": current.0})
        }
        Refusal::StaleCapability { presented, live } => {
            json!({"presented": presented.0, "live": live.0})
        }
        Refusal::ScopeViolation { required, actual } => {
            json!({"required": required, "actual": actual})
        }
        Refusal::PositionConflict { at, performed } => {
            json!({"at": at.0, "performed": performed})
        }
        Refusal::TooOld { at, oldest } => json!({"at": at.0, "oldest": oldest.0}),
        Refusal::Ahead { at, position } => json!({"at": at.0, "position": position.0}),
        Refusal::AmbiguousReceive { position } => json!({"position": position.0}),
        Refusal::Terminal(status) => Tree::Object(write_status(status)),
        Refusal::Draining => Tree::Null,
        Refusal::NotAllowed(refused) => write_not_allowed(refused),
        Refusal::WrongSort { label, error } => json!({
            "label": label.as_str(),
            "path": error.path,
            "expected": error.expected,
            "found": error.found,
        }),
        Refusal::PredicateFalse { predicate } => json!({"predicate": predicate}),
        Refusal::InvalidWitness(witness) | Refusal::WitnessSpent(witness) => {
            json!({"witness": witness.0})
        }
        Refusal::TimerNotArmed(timer) => json!({"timer": timer.0}),
        Refusal::StaleAttachment { live } => json!({"live": live.map(|live| live.to_string())}),
        Refusal::StaleFencing { live } => json!({"live": live}),
        Refusal::BadPolicy { edge, policy, why } => json!({
            "edge": edge_of(edge),
            "policy": write_policy(*policy),
            "why": why.to_string(),
        }),
        Refusal::NotTerminal(status) => Tree::Object(write_status(status)),
        Refusal::NotDurable { records, durable } => {
            json!({"records": records, "durable": durable})
        }
    }
}

/// `From → To`, as refusals write it, with its roles by name.
fn edge_of(text: &str) -> Tree {
    let (from, to) = text.split_once(" → ").unwrap_or((text, ""));
    json!({"from": from, "to": to})
}

fn write_not_allowed(refused: &NotAllowed) -> Tree {
    let name = |name: &Option<Name>| name.as_ref().map(|name| name.as_str().to_owned());
    let attempted = match &refused.attempted {
        Attempt::Send { label, to } => json!({"send": {"label": name(label), "to": name(to)}}),
        Attempt::Receive { label, from } => {
            json!({"receive": {"label": name(label), "from": name(from)}})
        }
    };
    json!({
        "role": refused.role.as_str(),
        "attempted": attempted,
        "position": refused.position.0,
        "legal": refused.legal.iter().map(write_move).collect::<Vec<_>>(),
        "more": refused.more,
    })
}

/// A legal move; its sort as it is printed.
pub(super) fn write_move(legal: &Move) -> Tree {
    json!({
        "direction": legal.direction.as_str(),
        "peer": legal.peer.as_str(),
        "label": legal.label.as_str(),
        "sort": legal.payload.sort().to_string(),
    })
}

/// A status, and its reason where there is one.
pub(super) fn write_status(status: &Status) -> Map<String, Tree> {
    let mut said = Map::from_iter([("status".to_owned(), status.as_str().into())]);
    said.extend(status.reason().map(|reason| ("reason".to_owned(), reason.into())));
    said
}

/// An output, by one word.
pub(super) fn write_output(machine: &Machine, output: &Output) -> Tree {
    let protocol = |session: SessionId| {
        machine.protocol_of(session).expect("an output is of a session that is there")
    };
    match output {
        Output::Persist(batch) => json!({"persist": batch_tree(protocol(batch.session), batch)}),
        Output::Deliver(deliver) => {
            json!({"deliver": write_deliver(protocol(deliver.session), deliver)})
        }
        Output::Event(event) => json!({"event": match event {
            Event::Opened { session } => json!({"opened": {"session": session.to_string()}}),
            Event::Authority { session, audit } => json!({"authority": {
                "session": session.to_string(),
                "audit": write_audit(audit),
            }}),
            Event::Draining { session } => json!({"draining": {"session": session.to_string()}}),
            Event::Advanced {
                session, role, direction: way, peer, label, value, seq, position
            } => {
                let protocol = protocol(*session);
                json!({"advanced": {
                    "session": session.to_string(),
                    "role": protocol.role_name(*role).as_str(),
                    "direction": way.as_str(),
                    "peer": protocol.role_name(*peer).as_str(),
                    "label": protocol.label_name(*label).as_str(),
                    "value": write_labelled(protocol, *label, value),
                    "seq": seq.0,
                    "position": position.0,
                }})
            }
            Event::Ended { session, status, undelivered } => {
                let protocol = protocol(*session);
                let left = undelivered.iter().map(|(edge, n)| (write_edge(protocol, *edge), *n));
                let mut said = write_status(status);
                said.insert("session".into(), session.to_string().into());
                said.insert("undelivered".into(), json!(left.collect::<Vec<_>>()));
                json!({"ended": said})
            }
            Event::Attached { session, role, epoch, over } => {
                let mut said = write_attached(protocol(*session), *session, *role, *epoch);
                said.extend(over.map(|over| ("over".to_owned(), over.to_string().into())));
                json!({"attached": said})
            }
            Event::Detached { session, role, epoch } => {
                json!({"detached": write_attached(protocol(*session), *session, *role, *epoch)})
            }
            Event::Recovered { session, fencing } => {
                json!({"recovered": {"session": session.to_string(), "fencing": fencing}})
            }
            Event::TimedOut { timer, witness } => json!({"timed_out": {
                "session": witness.session.to_string(),
                "timer": timer.0,
                "witness": write_timeout(protocol(witness.session), witness),
            }}),
        }}),
    }
}

/// An attachment of a role.
fn write_attached(
    protocol: &Protocol,
    session: SessionId,
    role: RoleIx,
    epoch: Epoch,
) -> Map<String, Tree> {
    Map::from_iter([
        ("session".to_owned(), session.to_string().into()),
        ("role".to_owned(), protocol.role_name(role).as_str().into()),
        ("epoch".to_owned(), epoch.to_string().into()),
    ])
}

/// What became of who may act.
fn write_audit(audit: &Audit) -> Tree {
    let holding = |owner: &Owner, generation: Generation, scope: Scope| {
        json!({
            "owner": owner.as_str(),
            "generation": generation.0,
            "scope": write_scope(scope),
        })
    };
    match audit {
        Audit::Issued { owner, generation, scope } => {
            json!({"issued": holding(owner, *generation, *scope)})
        }
        Audit::Invalidated { owner, generation, scope } => {
            json!({"invalidated": holding(owner, *generation, *scope)})
        }
        Audit::Staged { receipt, to, scope } => json!({"staged": {
            "receipt": receipt.0,
            "to": write_recipient(to),
            "scope": write_scope(*scope),
        }}),
        Audit::Committed { receipt } => json!({"committed": {"receipt": receipt.0}}),
        Audit::RolledBack { receipt } => json!({"rolled_back": {"receipt": receipt.0}}),
        Audit::Expired { receipt } => json!({"expired": {"receipt": receipt.0}}),
        Audit::Cancelled { reason } => json!({"cancelled": {"reason": reason.as_str()}}),
        Audit::Lost { owner } => json!({"lost": {"owner": owner.as_str()}}),
        Audit::Dropped { receipt } => json!({"dropped": {"receipt": receipt.0}}),
        Audit::Token { generation, serial } => {
            json!({"token": {"generation": generation.0, "serial": serial.0}})
        }
        Audit::Confirmed { generation, serial } => {
            json!({"confirmed": {"generation": generation.0, "serial": serial.0}})
        }
        Audit::WitnessIssued { witness, owner, generation, scope, external } => {
            let mut said = holding(owner, *generation, *scope);
            said["witness"] = witness.0.into();
            said["external"] = (*external).into();
            json!({"witness_issued": said})
        }
        Audit::WitnessConsumed { witness } => {
            json!({"witness_consumed": {"witness": witness.0}})
        }
        Audit::WitnessExpired { witness } => json!({"witness_expired": {"witness": witness.0}}),
        Audit::TimerArmed { timer, owner, generation } => json!({"timer_armed": {
            "timer": timer.0,
            "owner": owner.as_str(),
            "generation": generation.0,
        }}),
        Audit::TimerDisarmed { timer } => json!({"timer_disarmed": {"timer": timer.0}}),
        Audit::TimerExpired { timer, witness } => {
            json!({"timer_expired": {"timer": timer.0, "witness": witness.0}})
        }
    }
}

fn write_deliver(protocol: &Protocol, deliver: &Deliver) -> Tree {
    let mut said = json!({
        "session": deliver.session.to_string(),
        "handler": deliver.handler.as_str(),
        "role": protocol.role_name(deliver.role).as_str(),
        "from": protocol.role_name(deliver.from).as_str(),
        "seq": deliver.seq.0,
        "label": protocol.label_name(deliver.label).as_str(),
        "value": write_labelled(protocol, deliver.label, &deliver.value),
    });
    if deliver.dropped_before > 0 {
        said["dropped_before"] = deliver.dropped_before.into();
    }
    said
}
