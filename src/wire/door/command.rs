//! Commands of the door: JSON, and what it means to a machine.

use serde::{Deserialize, Serialize};
use serde_json::Value as Tree;

use super::{DoorError, DoorLimits};
use crate::machine::{Act, EndpointView, Head, Input, Machine, Open, Send, SessionId, Tick};
use crate::types::syntax::{Limits, Source};
use crate::types::{Protocol, ProtocolDigest, Value, WrongSort};
use crate::wire::authority::{self, CommitJson, ReclaimJson};
use crate::wire::event::{
    ByJson, EdgeJson, EventError, EventJson, Names, OnLostJson, read_act, read_by, read_owner,
};
use crate::wire::json::{misfit, read_value};
use crate::wire::policy::{self, PolicedJson};
use crate::wire::record::RecordJson;

/// One line, read.
pub(super) enum Command {
    Register(Box<dyn FnOnce() -> Result<Protocol, DoorError>>),
    Compiled(ProtocolDigest),
    Resume(Box<Resume>),
    Input(Tick, Box<InputJson>),
    Seal,
    State(SessionId),
    Digest,
    Sessions,
    Refused,
    Memory,
    Reap(usize),
}

/// What the machine is told; the words are those of [`Input`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum InputJson {
    Open {
        session: String,
        protocol: String,
        owner: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        capacity: Option<u32>,
        #[serde(default)]
        capacities: Vec<(EdgeJson, u32)>,
        #[serde(default)]
        unchecked: bool,
        #[serde(default)]
        journal: bool,
        #[serde(default)]
        on_lost: OnLostJson,
        #[serde(default)]
        policies: Vec<PolicedJson>,
    },
    Act {
        session: String,
        by: ByJson,
        event: EventJson,
    },
    Commit {
        session: String,
        commit: CommitJson,
    },
    Persisted {
        session: String,
        upto: u64,
    },
    Tick {},
    Reclaim {
        session: String,
        reclaim: ReclaimJson,
    },
    Reap {
        session: String,
    },
    Recovered {
        session: String,
        fencing: u32,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepJson {
    at: u64,
    input: InputJson,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegisterJson {
    register: Tree,
    #[serde(default)]
    unchecked: bool,
}

/// A session that goes on behind its journal.
pub(super) struct Resume {
    pub(super) session: SessionId,
    pub(super) protocol: ProtocolDigest,
    pub(super) records: Vec<RecordJson>,
    /// The chain over the records.
    pub(super) head: Head,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResumeJson {
    session: String,
    protocol: String,
    records: Vec<RecordJson>,
    head: String,
}

/// A protocol as text; of several, the one of this name.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TextJson {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AskJson {
    Compiled(String),
    Resume(ResumeJson),
    Seal(bool),
    State(String),
    Digest(bool),
    Sessions(bool),
    Refused(bool),
    Memory(bool),
    Reap(u64),
}

fn wrong(text: impl Into<String>) -> DoorError {
    DoorError::NotACommand(text.into())
}

impl From<EventError> for DoorError {
    fn from(error: EventError) -> Self {
        wrong(error.to_string())
    }
}

/// DOOR-3: reads a line within the limits.
pub(super) fn read(line: &[u8], limits: &DoorLimits) -> Result<Command, DoorError> {
    let text =
        core::str::from_utf8(line).map_err(|error| DoorError::NotUtf8(error.valid_up_to() + 1))?;
    // Before anything is built of it, on any text at all.
    if is_deeper(text, limits.depth_max) {
        return Err(DoorError::TooDeep(limits.depth_max));
    }
    let tree: Tree = serde_json::from_str(text).map_err(|e| DoorError::NotJson(e.to_string()))?;
    let Tree::Object(fields) = &tree else { return Err(wrong("a command is an object")) };
    if fields.contains_key("register") {
        let RegisterJson { register, unchecked } = parse(text, &tree)?;
        Ok(Command::Register(Box::new(move || protocol(&register, unchecked))))
    } else if fields.contains_key("input") {
        let StepJson { at, input } = parse(text, &tree)?;
        Ok(Command::Input(Tick(at), Box::new(input)))
    } else {
        match parse(text, &tree)? {
            AskJson::Compiled(protocol) => Ok(Command::Compiled(protocol_digest(&protocol)?)),
            AskJson::Resume(ResumeJson { session, protocol, records, head }) => {
                let (session, protocol) = (session_id(&session)?, protocol_digest(&protocol)?);
                let head = Head(digest(&head, "a head")?);
                Ok(Command::Resume(Box::new(Resume { session, protocol, records, head })))
            }
            AskJson::Seal(true) => Ok(Command::Seal),
            AskJson::Digest(true) => Ok(Command::Digest),
            AskJson::Sessions(true) => Ok(Command::Sessions),
            AskJson::Refused(true) => Ok(Command::Refused),
            AskJson::Memory(true) => Ok(Command::Memory),
            AskJson::Reap(most) => Ok(Command::Reap(usize::try_from(most).unwrap_or(usize::MAX))),
            AskJson::State(session) => Ok(Command::State(session_id(&session)?)),
            _ => Err(wrong(
                "`seal`, `digest`, `sessions`, `memory` and `refused` are asked for with `true`",
            )),
        }
    }
}

/// Whether arrays and objects stand deeper than `most` inside each other.
fn is_deeper(text: &str, most: usize) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    text.bytes().any(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > most
    })
}

/// What the text, which is this tree, says. It is read from the text, where a field that stands
/// there twice is seen.
fn parse<T: Serialize + for<'a> Deserialize<'a>>(text: &str, tree: &Tree) -> Result<T, DoorError> {
    let parsed: T = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    let written = serde_json::to_value(&parsed).expect("these are JSON");
    match is_alike(tree, &written) {
        true => Ok(parsed),
        false => Err(wrong("an array stands where an object belongs")),
    }
}

/// Whether what was read is written alike: an object may be read from an array of its fields, which
/// is no form of a command.
fn is_alike(given: &Tree, written: &Tree) -> bool {
    match (given, written) {
        (Tree::Object(given), Tree::Object(written)) => given
            .iter()
            .all(|(key, value)| written.get(key).is_none_or(|written| is_alike(value, written))),
        (Tree::Array(given), Tree::Array(written)) => {
            given.iter().zip(written).all(|(value, written)| is_alike(value, written))
        }
        (Tree::Array(_), _) => false,
        _ => true,
    }
}

fn protocol(register: &Tree, unchecked: bool) -> Result<Protocol, DoorError> {
    let (text, name) = match register {
        Tree::Object(fields) if fields.contains_key("text") => {
            let text = register.to_string();
            let TextJson { text, name } = parse(&text, register)?;
            (text, name)
        }
        Tree::Object(_) => (register.to_string(), None),
        _ => return Err(wrong("a protocol is a document, or `{\"text\": …}`")),
    };
    let refused = |report| DoorError::Protocol(Box::new(report));
    let source = Source::read("protocol", text.as_bytes(), &Limits::default()).map_err(refused)?;
    let found = match unchecked {
        true => source.protocol_unchecked(name.as_deref()),
        false => source.protocol(name.as_deref()),
    };
    found.map_err(refused)
}

fn session_id(text: &str) -> Result<SessionId, DoorError> {
    text.parse().map_err(|error: crate::machine::SessionIdError| wrong(error.to_string()))
}

fn protocol_digest(text: &str) -> Result<ProtocolDigest, DoorError> {
    digest(text, "a protocol").map(ProtocolDigest)
}

/// The bytes of a digest, by which `what` is named.
fn digest(text: &str, what: &str) -> Result<[u8; 32], DoorError> {
    let mut digest = [0; 32];
    let digits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !digits {
        return Err(wrong(format!("{what} is named by 64 hexadecimal digits")));
    }
    for (byte, digits) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = core::str::from_utf8(digits).expect("digits are text");
        *byte = u8::from_str_radix(digits, 16).expect("these are digits");
    }
    Ok(digest)
}

/// An input, and what was wrong with the value that it carries.
pub(super) struct Step {
    pub(super) input: Input,
    pub(super) misfit: Option<WrongSort>,
}

/// What an input means now. Names that the protocol does not have are for the machine to refuse.
pub(super) fn meant(machine: &Machine, json: InputJson) -> Result<Step, DoorError> {
    let mut misfit = None;
    let input = match json {
        InputJson::Open {
            session,
            protocol,
            owner,
            capacity,
            capacities,
            unchecked,
            journal,
            on_lost,
            policies,
        } => {
            let protocol = protocol_digest(&protocol)?;
            let names = Names::loose(machine.protocol(protocol).map(AsRef::as_ref));
            let (session, owner) = (session_id(&session)?, read_owner(&owner)?);
            let capacities = names.capacities(capacity, &capacities, unchecked)?;
            let on_lost = on_lost.into();
            let policies = policy::read(names, &policies)?;
            Input::Open(Open { session, protocol, owner, capacities, journal, on_lost, policies })
        }
        InputJson::Act { session, by, event } => {
            let session = session_id(&session)?;
            let names = Names::loose(machine.protocol_of(session).map(AsRef::as_ref));
            let by = read_by(session, &by)?;
            let act: Act = read_act(names, session, event, |send, tree| {
                Ok(sent(machine, session, send, tree).unwrap_or_else(|(error, instead)| {
                    misfit = Some(error);
                    instead
                }))
            })?;
            Input::Act { by, act }
        }
        InputJson::Commit { session, commit } => {
            let commit = authority::read_commit(session_id(&session)?, &commit)?;
            Input::Commit(Box::new(commit))
        }
        InputJson::Persisted { session, upto } => {
            Input::Persisted { session: session_id(&session)?, upto }
        }
        InputJson::Tick {} => Input::Tick,
        InputJson::Reclaim { session, reclaim } => {
            let reclaim = authority::read_reclaim(session_id(&session)?, &reclaim)?;
            Input::Reclaim(Box::new(reclaim))
        }
        InputJson::Reap { session } => Input::Reap { session: session_id(&session)? },
        InputJson::Recovered { session, fencing } => {
            Input::Recovered { session: session_id(&session)?, fencing }
        }
    };
    Ok(Step { input, misfit })
}

/// The value of a send: of the sort of the message that the send would be. Where there is none the
/// machine refuses the send before it looks at the value. A value of another sort is for the
/// machine to refuse, too: something that does not conform stands in for it.
fn sent(
    machine: &Machine,
    session: SessionId,
    send: &Send,
    tree: &Tree,
) -> Result<Value, (WrongSort, Value)> {
    let endpoint: Option<EndpointView<'_>> = match machine.session(session) {
        Some(view) => view.endpoint(send.role),
        None => machine.archived(session).and_then(|closed| closed.endpoint(send.role)),
    };
    let message = endpoint.and_then(|endpoint| endpoint.meant(send.to, send.label, send.at));
    let protocol = machine.protocol_of(session);
    let Some((protocol, message)) = protocol.zip(message) else { return Ok(Value::Unit) };
    let sort = protocol.message(message).payload.sort();
    read_value(sort, tree).map_err(|error| (error, misfit(sort)))
}
