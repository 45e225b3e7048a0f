//! What is done to a session as JSON, with names instead of numbers: shared by journals and by the
//! door of a machine.

use serde::{Deserialize, Serialize};
use serde_json::Value as Tree;
use smol_str::SmolStr;

use super::authority::{self, AuthorityJson, CommitJson, ReclaimJson};
use super::json::write_value;
use super::policy::PolicedJson;
use crate::machine::{
    Act, Capacities, Epoch, Generation, OnLost, Owner, Position, Presented, REASON_BYTES_MAX,
    Receive, Scope, Send, SessionId, Tick,
};
use crate::types::{Edge, EdgeIx, LabelIx, MessageIx, Name, Protocol, RoleIx, Value};

/// What JSON says that there cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct EventError(String);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByJson {
    pub(super) owner: String,
    pub(super) generation: u64,
    /// The bits in hexadecimal digits: numbers of 128 bits are none of JSON.
    pub(super) scope: String,
    /// The attachment that it came over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) over: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EdgeJson {
    pub(super) from: String,
    pub(super) to: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum EventJson {
    Open {
        owner: String,
        capacity: u32,
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        capacities: Vec<(EdgeJson, u32)>,
        #[serde(skip_serializing_if = "core::ops::Not::not", default)]
        unchecked: bool,
        #[serde(skip_serializing_if = "OnLostJson::is_default", default)]
        on_lost: OnLostJson,
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        policies: Vec<PolicedJson>,
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
    Attach {
        role: String,
    },
    Detach {
        role: String,
        epoch: String,
    },
    Recovered {
        fencing: u32,
    },
    Authority(AuthorityJson),
    Commit(CommitJson),
    Reclaim(ReclaimJson),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TimerJson {
    Drain,
    Transfer(u64),
    Site(u64),
    Witness(u64),
}

/// What becomes of a session that loses an owner.
#[derive(Serialize, Deserialize, Clone, Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum OnLostJson {
    #[default]
    Cancel,
    Fault,
    Release,
}

impl OnLostJson {
    /// Whether it goes without saying.
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl From<OnLost> for OnLostJson {
    fn from(on_lost: OnLost) -> Self {
        match on_lost {
            OnLost::Cancel => Self::Cancel,
            OnLost::Fault => Self::Fault,
            OnLost::Release => Self::Release,
        }
    }
}

impl From<OnLostJson> for OnLost {
    fn from(on_lost: OnLostJson) -> Self {
        match on_lost {
            OnLostJson::Cancel => Self::Cancel,
            OnLostJson::Fault => Self::Fault,
            OnLostJson::Release => Self::Release,
        }
    }
}

pub(super) fn write_edge(protocol: &Protocol, edge: Edge) -> EdgeJson {
    let role = |role: RoleIx| protocol.role_name(role).to_string();
    EdgeJson { from: role(edge.from), to: role(edge.to) }
}

pub(super) fn write_by(by: &Presented) -> ByJson {
    let (owner, generation) = (by.owner.to_string(), by.generation.0);
    let over = by.over.map(|over| over.to_string());
    ByJson { owner, generation, scope: authority::write_scope(by.scope), over }
}

/// What was done; `sent` is the message of a send, whose sort says how its value is written.
pub(super) fn write_act(protocol: &Protocol, act: &Act, sent: Option<MessageIx>) -> EventJson {
    let role = |role: RoleIx| protocol.role_name(role).to_string();
    match act {
        Act::Send(send) => {
            let message = sent.expect("the message of a send is known");
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
            edge: edge.map(|edge| write_edge(protocol, protocol.edges()[edge.index()])),
            handler: handler.as_ref().map(ToString::to_string),
        },
        Act::Drain { deadline } => EventJson::Drain { deadline: deadline.map(|tick| tick.0) },
        Act::Close => EventJson::Close {},
        Act::Cancel { reason } => EventJson::Cancel { reason: reason.to_string() },
        Act::Fault { reason } => EventJson::Fault { reason: reason.to_string() },
        Act::Authority(act) => EventJson::Authority(authority::write(protocol, act)),
        Act::Attach { role: who } => EventJson::Attach { role: role(*who) },
        Act::Detach { role: who, epoch } => {
            EventJson::Detach { role: role(*who), epoch: epoch.to_string() }
        }
    }
}

pub(super) fn wrong(text: impl Into<String>) -> EventError {
    EventError(text.into())
}

/// How names become numbers.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    protocol: Option<&'a Protocol>,
    /// What is said of a name that the protocol does not have: an error, or nothing, so that the
    /// machine refuses it like any other illegal move.
    strict: bool,
}

impl<'a> Names<'a> {
    /// All of them must be the protocol's.
    pub(super) fn strict(protocol: &'a Protocol) -> Self {
        Self { protocol: Some(protocol), strict: true }
    }

    /// Others become numbers that no protocol has.
    pub(super) fn loose(protocol: Option<&'a Protocol>) -> Self {
        Self { protocol, strict: false }
    }

    fn known<T>(self, found: Option<T>, unknown: T, what: &str) -> Result<T, EventError> {
        match found {
            None if self.strict => Err(wrong(format!("the protocol has no {what}"))),
            found => Ok(found.unwrap_or(unknown)),
        }
    }

    pub(super) fn role(self, name: &str) -> Result<RoleIx, EventError> {
        let found = self.protocol.and_then(|protocol| protocol.role(name));
        self.known(found, RoleIx::UNKNOWN, &format!("role `{name}`"))
    }

    pub(super) fn label(self, name: &str) -> Result<LabelIx, EventError> {
        let found = self.protocol.and_then(|protocol| protocol.label(name));
        self.known(found, LabelIx::UNKNOWN, &format!("label `{name}`"))
    }

    /// Whether the protocol has these fragments; where that is not asked, the machine says so.
    pub(super) fn scope(self, scope: Scope) -> Result<(), EventError> {
        let has = |protocol| Scope::session(protocol).covers(scope);
        match self.strict && !self.protocol.is_some_and(has) {
            true => Err(wrong("the protocol has no such fragments")),
            false => Ok(()),
        }
    }

    pub(super) fn edge(self, edge: &EdgeJson) -> Result<Edge, EventError> {
        Ok(Edge { from: self.role(&edge.from)?, to: self.role(&edge.to)? })
    }

    /// An edge that the protocol has; where that is not asked, the machine says so.
    pub(super) fn known_edge(self, edge: &EdgeJson) -> Result<Edge, EventError> {
        let edge = self.edge(edge)?;
        let found = self.protocol.and_then(|protocol| protocol.edge(edge.from, edge.to));
        self.known(found.map(|_| edge), edge, "such edge")
    }

    /// LIFE-5: no machine records a longer one; where that is not asked, the machine cuts it.
    pub(super) fn reason(self, text: &str, most: usize) -> Result<SmolStr, EventError> {
        match self.strict && text.len() > most {
            true => Err(wrong(format!("a reason has at most {most} bytes here"))),
            false => Ok(text.into()),
        }
    }

    fn edge_number(self, edge: &EdgeJson) -> Result<EdgeIx, EventError> {
        let Edge { from, to } = self.edge(edge)?;
        let found = self.protocol.and_then(|protocol| protocol.edge(from, to));
        self.known(found, EdgeIx(u16::MAX), "such edge")
    }

    /// What the edges are to hold.
    pub(super) fn capacities(
        self,
        every: Option<u32>,
        edges: &[(EdgeJson, u32)],
        unchecked: bool,
    ) -> Result<Capacities, EventError> {
        let edges = edges.iter().map(|(edge, capacity)| Ok((self.edge(edge)?, *capacity)));
        let edges = edges.collect::<Result<_, EventError>>()?;
        Ok(Capacities { every, edges, unchecked })
    }
}

pub(super) fn read_owner(text: &str) -> Result<Owner, EventError> {
    Owner::new(text).map_err(|error| wrong(error.to_string()))
}

pub(super) fn read_by(session: SessionId, by: &ByJson) -> Result<Presented, EventError> {
    let scope = authority::read_scope(&by.scope)?;
    let (owner, generation) = (read_owner(&by.owner)?, Generation(by.generation));
    let over = by.over.as_deref().map(read_epoch).transpose()?;
    Ok(Presented { session, owner, generation, scope, hint: 0, over })
}

pub(super) fn read_epoch(text: &str) -> Result<Epoch, EventError> {
    text.parse().map_err(|error: crate::machine::EpochError| wrong(error.to_string()))
}

/// What is to be done. `value` reads what a send carries, once it is known who sends which label to
/// whom: the sort is not told by the JSON.
pub(super) fn read_act(
    names: Names<'_>,
    session: SessionId,
    event: EventJson,
    value: impl FnOnce(&Send, &Tree) -> Result<Value, EventError>,
) -> Result<Act, EventError> {
    Ok(match event {
        EventJson::Send { role, to, label, value: tree, at } => {
            let (role, to, label) = (names.role(&role)?, names.role(&to)?, names.label(&label)?);
            let send = Send { role, to, label, value: Value::Unit, at: at.map(Position) };
            Act::Send(Send { value: value(&send, &tree)?, ..send })
        }
        EventJson::Receive { role, from, at } => {
            let (role, from) = (names.role(&role)?, names.role(&from)?);
            Act::Receive(Receive { role, from, at: at.map(Position) })
        }
        EventJson::Acknowledge { role, position } => {
            Act::Acknowledge { role: names.role(&role)?, position: Position(position) }
        }
        EventJson::Bind { edge, handler } => Act::Bind {
            edge: edge.map(|edge| names.edge_number(&edge)).transpose()?,
            handler: match handler {
                None => None,
                Some(name) => Some(Name::new(&name).map_err(|error| wrong(error.to_string()))?),
            },
        },
        EventJson::Drain { deadline } => Act::Drain { deadline: deadline.map(Tick) },
        EventJson::Close {} => Act::Close,
        EventJson::Cancel { reason } => {
            Act::Cancel { reason: names.reason(&reason, REASON_BYTES_MAX)? }
        }
        EventJson::Fault { reason } => {
            Act::Fault { reason: names.reason(&reason, REASON_BYTES_MAX)? }
        }
        EventJson::Authority(act) => {
            Act::Authority(Box::new(authority::read(names, session, &act)?))
        }
        EventJson::Attach { role } => Act::Attach { role: names.role(&role)? },
        EventJson::Detach { role, epoch } => {
            Act::Detach { role: names.role(&role)?, epoch: read_epoch(&epoch)? }
        }
        EventJson::Open { .. }
        | EventJson::Recovered { .. }
        | EventJson::Expired { .. }
        | EventJson::Commit(_)
        | EventJson::Reclaim(_) => {
            return Err(wrong("this is done by nobody's authority"));
        }
    })
}
