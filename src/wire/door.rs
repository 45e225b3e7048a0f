//! The door of a machine: commands as lines of JSON, and exactly one line as the answer to each.
//!
//! ```text
//! {"register": {"text": "A = B!hi . end   B = A?hi . end"}}      a protocol, as text or as JSON
//! {"compiled": "…"}                                              what was made of it
//! {"at": 0, "input": {"open": {…}}}                              what the machine is told
//! {"resume": {"session": "…", "protocol": "…", …}}               a session, from its journal
//! {"seal": true}                                                 ends the batch
//! {"state": "…"}  {"digest": true}  {"sessions": true}           what there is
//! {"refused": true}                                              what was refused so far
//! {"memory": true}  {"reap": 100}                               what it takes, and less of it
//!
//! {"line": 1, "ok": {…}}        or "refused": {…}, or "error": {…} for what is no command
//! {"line": 2, "ok": {…}, "outputs": […]}                         with what `poll` gives
//! ```
//!
//! It is the host's own door: it takes presented capabilities as plain data. A door has no clock
//! and no randomness, so that the same lines get the same answers, everywhere.
//!
//! Clauses: DOOR-1 to DOOR-8.

mod command;

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value as Tree, json};

use super::answer::{write_accepted, write_output, write_refusal, write_refused};
use super::compiled::{write_compiled, write_registered};
use super::record;
use super::state::{write_closed, write_memory, write_state};
use crate::machine::{Input, Machine, Record, Refusal, SessionId, Tick};
use crate::types::syntax::Report;
use crate::types::{Protocol, ProtocolDigest};
use command::{Command, Resume, Step};

/// What a door takes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoorLimits {
    /// Bytes of a line, without its line break.
    pub line_bytes_max: usize,
    /// Arrays and objects inside each other, at most 127.
    pub depth_max: usize,
    /// Protocols that are registered.
    pub protocols_max: usize,
    /// Sessions, live or ended; the archive of those that were reaped has a limit of its own.
    pub sessions_max: usize,
}

impl Default for DoorLimits {
    /// 1 MiB a line, 120 deep, 4,096 protocols, a million sessions.
    fn default() -> Self {
        Self {
            line_bytes_max: 1 << 20,
            depth_max: 120,
            protocols_max: 4_096,
            sessions_max: 1_000_000,
        }
    }
}

/// A line that is no command, or one that nothing can be made of.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DoorError {
    /// More than [`DoorLimits::line_bytes_max`].
    #[error("the line is longer than {0} bytes; it was skipped")]
    TooLong(usize),
    /// Bytes that are no text.
    #[error("byte {0} of the line is not UTF-8")]
    NotUtf8(usize),
    /// More than [`DoorLimits::depth_max`].
    #[error("arrays and objects stand more than {0} deep inside each other")]
    TooDeep(usize),
    /// Text that is not JSON.
    #[error("this is not JSON: {0}")]
    NotJson(String),
    /// JSON that is no command.
    #[error("{0}")]
    NotACommand(String),
    /// A protocol that is refused.
    #[error("the protocol is refused: {}", .0.diagnostics)]
    Protocol(Box<Report>),
    /// Records that are not those of the session.
    #[error("{error}")]
    Replay {
        /// The first of them.
        record: u64,
        /// What is wrong with it.
        error: String,
    },
    /// [`DoorLimits::protocols_max`] or [`DoorLimits::sessions_max`] are there.
    #[error("there are {most} {what} already, and no more are taken")]
    Full {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        most: usize,
    },
}

impl DoorError {
    /// The stable name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong(_) => "too_long",
            Self::NotUtf8(_) => "not_utf8",
            Self::TooDeep(_) => "too_deep",
            Self::NotJson(_) => "not_json",
            Self::NotACommand(_) => "not_a_command",
            Self::Protocol(_) => "protocol",
            Self::Replay { .. } => "replay",
            Self::Full { .. } => "full",
        }
    }

    fn tree(&self) -> Tree {
        let mut tree = json!({"code": self.code(), "message": self.to_string()});
        if let Self::Protocol(report) = self {
            let said = report.diagnostics.list().iter();
            let said =
                said.map(|found| json!({"code": found.code.as_str(), "message": found.message}));
            tree["diagnostics"] = said.collect();
        }
        if let Self::Replay { record, .. } = self {
            tree["record"] = (*record).into();
        }
        tree
    }
}

/// An answer: one of `ok`, `refused` and `error`.
#[derive(Serialize)]
struct Answer {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<Tree>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Tree>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Tree>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outputs: Vec<Tree>,
}

/// Why a command has no `ok`.
enum Not {
    Refused(Refusal),
    Error(DoorError),
}

impl From<Refusal> for Not {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<DoorError> for Not {
    fn from(error: DoorError) -> Self {
        Self::Error(error)
    }
}

/// A machine that is spoken to in lines.
///
/// ```
/// # use antiphon::{Machine, wire::door::{Door, DoorLimits}};
/// let mut door = Door::new(Machine::new(), DoorLimits::default());
/// let mut bytes: &[u8] = b"{\"digest\": true}\nwhat?\n{\"sess";
/// assert!(door.feed(&mut bytes).unwrap().starts_with(r#"{"line":1,"ok":{"digest":""#));
/// assert!(door.feed(&mut bytes).unwrap().starts_with(r#"{"line":2,"error":{"code":"not_json""#));
/// assert_eq!(door.feed(&mut bytes), None);
/// let mut bytes: &[u8] = b"ions\": true}\n";
/// assert_eq!(door.feed(&mut bytes).unwrap(), r#"{"line":3,"ok":{"sessions":[]}}"#);
/// ```
#[derive(Debug, Clone)]
pub struct Door {
    machine: Machine,
    limits: DoorLimits,
    protocols: usize,
    lines: u64,
    /// The line that is still coming, as far as it is kept.
    line: Vec<u8>,
    /// Whether that line is too long: then nothing of it is kept.
    skipping: bool,
    /// Outputs from before what the line asks for.
    early: Vec<Tree>,
}

impl Door {
    /// The door of a machine.
    #[must_use]
    pub fn new(machine: Machine, limits: DoorLimits) -> Self {
        Self {
            machine,
            limits,
            protocols: 0,
            lines: 0,
            line: Vec::new(),
            skipping: false,
            early: Vec::new(),
        }
    }

    /// The machine behind it.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Takes bytes up to the end of the first line that is whole, and returns the answer to it,
    /// without a line break. `None`: all bytes were taken, and the last line goes on.
    pub fn feed(&mut self, bytes: &mut &[u8]) -> Option<String> {
        let Some(length) = bytes.iter().position(|byte| *byte == b'\n') else {
            self.keep(core::mem::take(bytes));
            return None;
        };
        self.keep(&bytes[..length]);
        *bytes = &bytes[length + 1..];
        Some(self.end_line())
    }

    /// The answer to a last line without a line break, if there is one.
    pub fn finish(&mut self) -> Option<String> {
        (self.skipping || !self.line.is_empty()).then(|| self.end_line())
    }

    /// DOOR-3: what is longer than a line may be is not kept.
    fn keep(&mut self, bytes: &[u8]) {
        if self.skipping || bytes.len() > self.limits.line_bytes_max - self.line.len() {
            self.skipping = true;
            self.line = Vec::new();
        } else {
            self.line.extend_from_slice(bytes);
        }
    }

    fn end_line(&mut self) -> String {
        let line = core::mem::take(&mut self.line);
        let done = match core::mem::take(&mut self.skipping) {
            true => Err(DoorError::TooLong(self.limits.line_bytes_max).into()),
            false => self.perform(&line),
        };
        // The room is used again.
        self.line = line;
        self.line.clear();
        self.answer(done)
    }

    /// DOOR-1: the one answer to the line, with the outputs that are there now.
    fn answer(&mut self, done: Result<Tree, Not>) -> String {
        self.lines += 1;
        self.drain();
        let outputs = core::mem::take(&mut self.early);
        let mut answer = Answer { line: self.lines, ok: None, refused: None, error: None, outputs };
        match done {
            Ok(ok) => answer.ok = Some(ok),
            Err(Not::Refused(refusal)) => answer.refused = Some(write_refusal(&refusal)),
            Err(Not::Error(error)) => answer.error = Some(error.tree()),
        }
        serde_json::to_string(&answer).expect("these are JSON")
    }

    fn drain(&mut self) {
        while let Some(output) = self.machine.poll() {
            self.early.push(write_output(&self.machine, &output));
        }
    }

    fn perform(&mut self, line: &[u8]) -> Result<Tree, Not> {
        match command::read(line, &self.limits)? {
            Command::Register(read) => Ok(self.register(read()?)?),
            Command::Compiled(protocol) => Ok(self.compiled(protocol)?),
            Command::Resume(resume) => self.resume(*resume),
            Command::Input(at, input) => self.handle(at, *input),
            Command::Seal => {
                self.machine.seal();
                Ok(json!({"sealed": {}}))
            }
            Command::State(session) => self.state(session),
            Command::Digest => Ok(json!({"digest": self.machine.digest().to_string()})),
            Command::Sessions => Ok(self.sessions()),
            Command::Refused => Ok(write_refused(self.machine.refused())),
            Command::Memory => Ok(json!({"memory": write_memory(&self.machine.memory())})),
            Command::Reap(most) => Ok(json!({"reaped": self.machine.reap_terminal(most)})),
        }
    }

    fn register(&mut self, protocol: Protocol) -> Result<Tree, DoorError> {
        let protocol = Arc::new(protocol);
        if self.machine.protocol(protocol.digest()).is_none() {
            let most = self.limits.protocols_max;
            if self.protocols >= most {
                return Err(DoorError::Full { what: "protocols", most });
            }
            self.protocols += 1;
        }
        let digest = self.machine.register(&protocol);
        // What the machine knows of it: more than this text, where it was registered before.
        let known = self.machine.protocol(digest).expect("it was just registered");
        Ok(write_registered(known))
    }

    /// DOOR-7.
    fn compiled(&self, digest: ProtocolDigest) -> Result<Tree, Refusal> {
        let protocol = self.machine.protocol(digest).ok_or(Refusal::UnknownProtocol(digest))?;
        Ok(json!({"compiled": write_compiled(protocol)}))
    }

    /// DOOR-8: all of the records are replayed, or nothing has happened.
    fn resume(&mut self, resume: Resume) -> Result<Tree, Not> {
        let Resume { session, protocol, records, head } = resume;
        let known = self.machine.protocol(protocol).ok_or(Refusal::UnknownProtocol(protocol))?;
        let read = |(record, json)| {
            record::read(known, session, json).map_err(|error| {
                let error = format!("record {record}: {error}");
                DoorError::Replay { record, error }
            })
        };
        let records = (0..).zip(records).map(read).collect::<Result<Vec<Record>, _>>()?;
        if self.machine.protocol_of(session).is_some() {
            return Err(Refusal::SessionExists(session).into());
        }
        self.has_room()?;
        Machine::replay(known, session, &records).map_err(|error| DoorError::Replay {
            record: error.record(),
            error: error.to_string(),
        })?;
        for record in &records {
            let replayed = self.machine.replay_record(session, record);
            replayed.expect("it replays beside other sessions as it does alone");
        }
        self.machine.resume_journal(session, head);
        Ok(json!({"resumed": {"session": session.to_string(), "records": records.len()}}))
    }

    /// DOOR-3: whether there may be one more session.
    fn has_room(&self) -> Result<(), DoorError> {
        let most = self.limits.sessions_max;
        match self.machine.sessions_len() >= most {
            true => Err(DoorError::Full { what: "sessions", most }),
            false => Ok(()),
        }
    }

    fn handle(&mut self, at: Tick, input: command::InputJson) -> Result<Tree, Not> {
        let Step { input, misfit } = command::meant(&self.machine, input)?;
        if let Input::Open(open) = &input
            && self.machine.session(open.session).is_none()
        {
            self.has_room()?;
        }
        let session = match &input {
            Input::Open(open) => Some(open.session),
            Input::Act { by, .. } => Some(by.session),
            Input::Commit(commit) => Some(commit.receipt.session),
            Input::Reclaim(reclaim) => Some(reclaim.session),
            Input::Persisted { .. }
            | Input::Tick
            | Input::Reap { .. }
            | Input::Recovered { .. } => None,
        };
        if let Input::Reap { .. } = &input {
            // What is said of the session is written while it is there.
            self.machine.handle(at, Input::Tick)?;
            self.drain();
        }
        let accepted =
            self.machine.handle(at, input).map_err(|refusal| match (refusal, misfit) {
                // What was wrong with the JSON says more than what stood in for it.
                (Refusal::WrongSort { label, .. }, Some(error)) => {
                    Refusal::WrongSort { label, error: error.into() }
                }
                (refusal, _) => refusal,
            })?;
        let protocol = session.and_then(|session| self.machine.protocol_of(session));
        Ok(write_accepted(protocol.map(AsRef::as_ref), &accepted))
    }

    fn state(&self, id: SessionId) -> Result<Tree, Not> {
        if let Some(closed) = self.machine.archived(id) {
            return Ok(json!({"closed": write_closed(closed)}));
        }
        let found = self.machine.session(id).zip(self.machine.session_digest(id));
        let (view, digest) = found.ok_or(Refusal::UnknownSession(id))?;
        Ok(json!({"state": write_state(view, digest)}))
    }

    fn sessions(&self) -> Tree {
        let mut ids: Vec<SessionId> = self.machine.sessions().map(|view| view.id()).collect();
        ids.sort();
        let mut ok = json!({"sessions": ids.iter().map(ToString::to_string).collect::<Vec<_>>()});
        if let Some(timeout) = self.machine.poll_timeout() {
            ok["timeout"] = timeout.0.into();
        }
        ok
    }
}
