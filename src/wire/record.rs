//! Records as JSON, with names instead of numbers.

mod authority;

use serde::{Deserialize, Serialize};
use serde_json::Value as Tree;

use self::authority::{AuthorityJson, CommitJson};
use super::json::{read_value, write_value};
use crate::machine::{
    Act, Capacities, Generation, Input, Open, Outcome, Owner, Position, Presented, ReceiptId,
    Receive, Record, Recorded, Scope, Send, Seq, SessionId, Tick, Timer,
};
use crate::types::{Edge, LabelIx, MessageIx, Name, Protocol, RoleIx, Value};

/// What a JSON record says that this protocol does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct RecordJsonError(String);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordJson {
    index: u64,
    tick: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<ByJson>,
    event: EventJson,
    outcome: OutcomeJson,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ByJson {
    owner: String,
    generation: u64,
    scope: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EdgeJson {
    from: String,
    to: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum EventJson {
    Open {
        owner: String,
        capacity: u32,
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        capacities: Vec<(EdgeJson, u32)>,
        #[serde(skip_serializing_if = "core::ops::Not::not", default)]
        unchecked: bool,
    },
    Send {
        role: String,
        to: String,
        label: String,
        value: Tree,
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<u64>,
    },
    Receive {
        role: String,
        from: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<u64>,
    },
    Acknowledge {
        role: String,
        position: u64,
    },
    Bind {
        #[serde(skip_serializing_if = "Option::is_none")]
        edge: Option<EdgeJson>,
        #[serde(skip_serializing_if = "Option::is_none")]
        handler: Option<String>,
    },
    Drain {
        #[serde(skip_serializing_if = "Option::is_none")]
        deadline: Option<u64>,
    },
    Close {},
    Cancel {
        reason: String,
    },
    Fault {
        reason: String,
    },
    Expired {
        timer: TimerJson,
    },
    Authority(AuthorityJson),
    Commit(CommitJson),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TimerJson {
    Drain,
    Transfer(u64),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum OutcomeJson {
    Opened { generation: u64 },
    Sent { message: u16, seq: u64, position: u64 },
    Received { label: String, seq: u64, position: u64 },
    Acknowledged { position: u64 },
    Issued { generation: u64 },
    Staged { receipt: u64 },
    Done {},
}

pub(super) fn write(protocol: &Protocol, record: &Record) -> RecordJson {
    let role = |role: RoleIx| protocol.role_name(role).to_string();
    let edge = |edge: &Edge| EdgeJson { from: role(edge.from), to: role(edge.to) };
    let (by, event) = match &record.event {
        Recorded::Expired(Timer::Drain) => (None, EventJson::Expired { timer: TimerJson::Drain }),
        Recorded::Expired(Timer::Transfer(receipt)) => {
            (None, EventJson::Expired { timer: TimerJson::Transfer(receipt.0) })
        }
        Recorded::Input(Input::Commit(commit)) => {
            (None, EventJson::Commit(authority::write_commit(commit)))
        }
        Recorded::Input(Input::Open(open)) => {
            let capacities = open.capacities.edges.iter().map(|(e, n)| (edge(e), *n)).collect();
            let Capacities { every, unchecked, .. } = open.capacities;
            let capacity = every.expect("a record says every capacity");
            let owner = open.owner.to_string();
            (None, EventJson::Open { owner, capacity, capacities, unchecked })
        }
        Recorded::Input(Input::Act { by, act }) => {
            (Some(write_by(by)), write_act(protocol, act, record.outcome))
        }
        Recorded::Input(Input::Persisted { .. } | Input::Tick) => {
            unreachable!("these are not recorded")
        }
    };
    let outcome = match record.outcome {
        Outcome::Opened(generation) => OutcomeJson::Opened { generation: generation.0 },
        Outcome::Sent(message, seq, position) => {
            OutcomeJson::Sent { message: message.0, seq: seq.0, position: position.0 }
        }
        Outcome::Received(label, seq, position) => {
            let label = protocol.label_name(label).to_string();
            OutcomeJson::Received { label, seq: seq.0, position: position.0 }
        }
        Outcome::Acknowledged(position) => OutcomeJson::Acknowledged { position: position.0 },
        Outcome::Issued(generation) => OutcomeJson::Issued { generation: generation.0 },
        Outcome::Staged(receipt) => OutcomeJson::Staged { receipt: receipt.0 },
        Outcome::Done => OutcomeJson::Done {},
    };
    RecordJson { index: record.index, tick: record.tick.0, by, event, outcome }
}

fn write_by(by: &Presented) -> ByJson {
    let (owner, generation) = (by.owner.to_string(), by.generation.0);
    ByJson { owner, generation, scope: authority::write_scope(by.scope) }
}

fn write_act(protocol: &Protocol, act: &Act, outcome: Outcome) -> EventJson {
    let role = |role: RoleIx| protocol.role_name(role).to_string();
    match act {
        Act::Send(send) => {
            let Outcome::Sent(message, ..) = outcome else {
                unreachable!("a send comes to `Sent`");
            };
            EventJson::Send {
                role: role(send.role),
                to: role(send.to),
                label: protocol.label_name(send.label).to_string(),
                value: write_value(protocol.message(message).payload.sort(), &send.value),
                at: send.at.map(|at| at.0),
            }
        }
        Act::Receive(Receive { role: receiver, from, at }) => {
            EventJson::Receive { role: role(*receiver), from: role(*from), at: at.map(|at| at.0) }
        }
        Act::Acknowledge { role: who, position } => {
            EventJson::Acknowledge { role: role(*who), position: position.0 }
        }
        Act::Bind { edge, handler } => EventJson::Bind {
            edge: edge.map(|edge| {
                let edge = protocol.edges()[edge.index()];
                EdgeJson { from: role(edge.from), to: role(edge.to) }
            }),
            handler: handler.as_ref().map(ToString::to_string),
        },
        Act::Drain { deadline } => EventJson::Drain { deadline: deadline.map(|tick| tick.0) },
        Act::Close => EventJson::Close {},
        Act::Cancel { reason } => EventJson::Cancel { reason: reason.to_string() },
        Act::Fault { reason } => EventJson::Fault { reason: reason.to_string() },
        Act::Authority(act) => EventJson::Authority(authority::write(act)),
    }
}

pub(super) fn read(
    protocol: &Protocol,
    session: SessionId,
    json: RecordJson,
) -> Result<Record, RecordJsonError> {
    let outcome = read_outcome(protocol, &json.outcome)?;
    let event = match (json.by, json.event) {
        (None, EventJson::Expired { timer: TimerJson::Drain }) => Recorded::Expired(Timer::Drain),
        (None, EventJson::Expired { timer: TimerJson::Transfer(receipt) }) => {
            Recorded::Expired(Timer::Transfer(ReceiptId(receipt)))
        }
        (None, EventJson::Commit(commit)) => {
            let commit = authority::read_commit(session, &commit)?;
            Recorded::Input(Input::Commit(Box::new(commit)))
        }
        (None, EventJson::Open { owner, capacity, capacities, unchecked }) => {
            let edges = capacities.iter().map(|(edge, n)| Ok((read_edge(protocol, edge)?, *n)));
            let edges = edges.collect::<Result<_, RecordJsonError>>()?;
            let capacities = Capacities { every: Some(capacity), edges, unchecked };
            let (owner, protocol) = (read_owner(&owner)?, protocol.digest());
            let open = Open { session, protocol, owner, capacities, journal: true };
            Recorded::Input(Input::Open(open))
        }
        (Some(by), event) => {
            let by = read_by(session, &by)?;
            let act = read_act(protocol, session, event, outcome)?;
            Recorded::Input(Input::Act { by, act })
        }
        (None, _) => return Err(wrong("the record does not say by whose authority it was done")),
    };
    Ok(Record { index: json.index, tick: Tick(json.tick), event, outcome })
}

fn wrong(text: impl Into<String>) -> RecordJsonError {
    RecordJsonError(text.into())
}

fn read_role(protocol: &Protocol, name: &str) -> Result<RoleIx, RecordJsonError> {
    protocol.role(name).ok_or_else(|| wrong(format!("the protocol has no role `{name}`")))
}

fn read_label(protocol: &Protocol, name: &str) -> Result<LabelIx, RecordJsonError> {
    protocol.label(name).ok_or_else(|| wrong(format!("the protocol has no label `{name}`")))
}

fn read_edge(protocol: &Protocol, edge: &EdgeJson) -> Result<Edge, RecordJsonError> {
    Ok(Edge { from: read_role(protocol, &edge.from)?, to: read_role(protocol, &edge.to)? })
}

fn read_owner(text: &str) -> Result<Owner, RecordJsonError> {
    Owner::new(text).map_err(|error| wrong(error.to_string()))
}

fn read_by(session: SessionId, by: &ByJson) -> Result<Presented, RecordJsonError> {
    let scope = authority::read_scope(&by.scope)?;
    let (owner, generation) = (read_owner(&by.owner)?, Generation(by.generation));
    Ok(Presented { session, owner, generation, scope, hint: 0 })
}

fn read_outcome(protocol: &Protocol, json: &OutcomeJson) -> Result<Outcome, RecordJsonError> {
    Ok(match json {
        OutcomeJson::Opened { generation } => Outcome::Opened(Generation(*generation)),
        OutcomeJson::Sent { message, seq, position } => {
            if usize::from(*message) >= protocol.messages().len() {
                return Err(wrong(format!("the protocol has no message number {message}")));
            }
            Outcome::Sent(MessageIx(*message), Seq(*seq), Position(*position))
        }
        OutcomeJson::Received { label, seq, position } => {
            Outcome::Received(read_label(protocol, label)?, Seq(*seq), Position(*position))
        }
        OutcomeJson::Acknowledged { position } => Outcome::Acknowledged(Position(*position)),
        OutcomeJson::Issued { generation } => Outcome::Issued(Generation(*generation)),
        OutcomeJson::Staged { receipt } => Outcome::Staged(ReceiptId(*receipt)),
        OutcomeJson::Done {} => Outcome::Done,
    })
}

fn read_act(
    protocol: &Protocol,
    session: SessionId,
    event: EventJson,
    outcome: Outcome,
) -> Result<Act, RecordJsonError> {
    Ok(match event {
        EventJson::Send { role, to, label, value, at } => Act::Send(Send {
            role: read_role(protocol, &role)?,
            to: read_role(protocol, &to)?,
            label: read_label(protocol, &label)?,
            value: read_sent(protocol, outcome, &value)?,
            at: at.map(Position),
        }),
        EventJson::Receive { role, from, at } => Act::Receive(Receive {
            role: read_role(protocol, &role)?,
            from: read_role(protocol, &from)?,
            at: at.map(Position),
        }),
        EventJson::Acknowledge { role, position } => {
            Act::Acknowledge { role: read_role(protocol, &role)?, position: Position(position) }
        }
        EventJson::Bind { edge, handler } => Act::Bind {
            edge: match edge {
                None => None,
                Some(edge) => {
                    let Edge { from, to } = read_edge(protocol, &edge)?;
                    let index = protocol.edge(from, to);
                    Some(index.ok_or_else(|| wrong("the protocol has no such edge"))?)
                }
            },
            handler: match handler {
                None => None,
                Some(name) => Some(Name::new(&name).map_err(|error| wrong(error.to_string()))?),
            },
        },
        EventJson::Drain { deadline } => Act::Drain { deadline: deadline.map(Tick) },
        EventJson::Close {} => Act::Close,
        EventJson::Cancel { reason } => Act::Cancel { reason: reason.into() },
        EventJson::Fault { reason } => Act::Fault { reason: reason.into() },
        EventJson::Authority(act) => {
            let act = authority::read(session, &act)?;
            if !Scope::session(protocol).covers(act.scope()) {
                return Err(wrong("the protocol has no such fragments"));
            }
            Act::Authority(Box::new(act))
        }
        EventJson::Open { .. } | EventJson::Expired { .. } | EventJson::Commit(_) => {
            return Err(wrong("this is done by nobody's authority"));
        }
    })
}

fn read_sent(
    protocol: &Protocol,
    outcome: Outcome,
    value: &Tree,
) -> Result<Value, RecordJsonError> {
    let Outcome::Sent(message, ..) = outcome else {
        return Err(wrong("a send comes to `sent`"));
    };
    let sort = protocol.message(message).payload.sort();
    read_value(sort, value).map_err(|error| wrong(error.to_string()))
}
