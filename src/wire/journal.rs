//! A session's journal as lines of JSON: one header, one line a batch, one end mark.
//!
//! ```text
//! {"antiphon":"journal","version":1,"session":"…","name":"…","digest":"…",…,"check":"…"}
//! {"first":0,"records":[…],"head":"…"}
//! {"end":{"records":12,"head":"…"}}
//! ```
//!
//! Every line is in one canonical form, the header holds a checksum of itself, and the heads chain
//! the records (see [`Batch`]): any edited byte is found and located by line, most of them by
//! column. Clauses: JRNL-2, JRNL-4, JRNL-6, JRNL-7, JRNL-9.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value as Tree;
use sha2::{Digest, Sha256};

use super::record::{self, RecordJson};
use crate::machine::{Batch, Head, Record, RecordError, SessionId};
use crate::types::syntax::{Declared, Limits, json};
use crate::types::{Name, Origin, Protocol};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeaderJson {
    antiphon: String,
    version: u32,
    session: String,
    name: String,
    origin: OriginJson,
    digest: String,
    protocol: Tree,
    /// SHA-256 of the line as it is while this is empty: names are in no other digest.
    check: String,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum OriginJson {
    Global,
    Local,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchJson {
    first: u64,
    records: Vec<RecordJson>,
    head: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndJson {
    end: EndMarkJson,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndMarkJson {
    records: u64,
    head: String,
}

/// The first line of a journal, without its line break.
#[must_use]
pub fn header_line(protocol: &Protocol, session: SessionId) -> String {
    line(&write_header(protocol, session))
}

/// A protocol as a text that stands by itself: the header of a journal of session 0.
#[must_use]
pub fn protocol_text(protocol: &Protocol) -> String {
    header_line(protocol, SessionId(0))
}

/// Reads what [`protocol_text`] has written.
///
/// # Errors
/// What is wrong with it, as of a header (JRNL-9).
pub fn read_protocol(text: &[u8]) -> Result<Protocol, Damage> {
    let text = std::str::from_utf8(text).map_err(|_| Damage::NotUtf8)?;
    match header(text) {
        Ok((protocol, SessionId(0))) => Ok(protocol),
        Ok(_) => Err(Damage::Header),
        Err((_, damage)) => Err(damage),
    }
}

pub(super) fn write_header(protocol: &Protocol, session: SessionId) -> HeaderJson {
    let locals = serde_json::to_value(protocol.locals()).expect("types are JSON");
    let header = HeaderJson {
        antiphon: "journal".into(),
        version: 1,
        session: session.to_string(),
        name: protocol.name().to_string(),
        origin: match protocol.origin() {
            Origin::Global => OriginJson::Global,
            Origin::Local => OriginJson::Local,
        },
        digest: protocol.digest().to_string(),
        protocol: locals,
        check: String::new(),
    };
    HeaderJson { check: check(&header), ..header }
}

fn check(header: &HeaderJson) -> String {
    Head(Sha256::digest(line(header)).into()).to_string()
}

/// The line of a batch, without its line break.
///
/// # Errors
/// [`RecordError`] if the batch is not one of a session of this protocol.
pub fn batch_line(protocol: &Protocol, batch: &Batch) -> Result<String, RecordError> {
    batch_json(protocol, batch).map(|json| line(&json))
}

fn batch_json(protocol: &Protocol, batch: &Batch) -> Result<BatchJson, RecordError> {
    let records = Record::decode_batch(batch, protocol)?;
    let records = records.iter().map(|record| record::write(protocol, record)).collect();
    Ok(BatchJson { first: batch.first, records, head: batch.head.to_string() })
}

/// A batch that a machine has made, with its session.
pub(super) fn batch_tree(protocol: &Protocol, batch: &Batch) -> Tree {
    let json = batch_json(protocol, batch).expect("a machine seals records of its protocol");
    let mut tree = serde_json::to_value(json).expect("these are JSON");
    tree["session"] = batch.session.to_string().into();
    tree
}

/// The last line of a journal that was closed in order, without its line break.
#[must_use]
pub fn end_line(records: u64, head: Head) -> String {
    line(&EndJson { end: EndMarkJson { records, head: head.to_string() } })
}

/// One record as JSON, as it stands in its line.
#[must_use]
pub fn record_line(protocol: &Protocol, record: &Record) -> String {
    line(&record::write(protocol, record))
}

pub(super) fn line(json: &impl Serialize) -> String {
    serde_json::to_string(json).expect("these are JSON")
}

/// A journal that was read and whose chain holds.
#[derive(Debug, Clone)]
pub struct Journal {
    /// What the session runs.
    pub protocol: Arc<Protocol>,
    /// Whose journal it is.
    pub session: SessionId,
    /// All records, in order.
    pub records: Vec<Record>,
    /// The chain behind the last of them.
    pub head: Head,
    /// The line, from 1, that each record stands on.
    pub lines: Vec<usize>,
    /// Whether it ends with its end mark. Without one it was cut, or its writer was killed.
    pub is_complete: bool,
}

/// Where a journal is damaged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalError {
    /// The line, from 1.
    pub line: usize,
    /// The byte in the line, from 1, where it is known.
    pub column: Option<usize>,
    /// How many records in front of it are good.
    pub intact: usize,
    /// What is wrong.
    pub damage: Damage,
}

/// How a journal is damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// There is nothing.
    #[error("the journal is empty; its first line should be a header")]
    Empty,
    /// The last line does not end.
    #[error("the line is cut off: the journal was truncated while it was written, or afterwards")]
    Torn,
    /// Bytes that are no text.
    #[error("the byte is not UTF-8")]
    NotUtf8,
    /// Text that is no line of a journal.
    #[error("this is not a line of a journal: {0}")]
    NotJson(String),
    /// The content is readable, and not written as a journal writes it.
    #[error("the byte is not what a journal has there: the line was edited")]
    NotCanonical,
    /// A header of another version or of something else.
    #[error("this is not the header of a journal of version 1")]
    Header,
    /// The header does not give its checksum.
    #[error("the header does not give its own checksum: it was edited")]
    Check,
    /// The header's protocol is none.
    #[error("the protocol in the header is refused: {0}")]
    Protocol(String),
    /// The header's protocol is not the one it names.
    #[error("the protocol in the header is not the one of its digest")]
    Digest,
    /// Records are missing, or stand in the wrong order.
    #[error("record {found} stands where record {expected} belongs: lines are missing or moved")]
    OutOfOrder {
        /// The record that belongs there.
        expected: u64,
        /// The record that stands there.
        found: u64,
    },
    /// A record that the protocol cannot have.
    #[error("record {index}: {error}")]
    Record {
        /// The record.
        index: u64,
        /// What is wrong with it.
        error: String,
    },
    /// The content of a batch does not give its head.
    #[error(
        "records {first} to {last} do not give the head of their line: one of them, the head, or a line in front was changed"
    )]
    Chain {
        /// The first record of the batch.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// The end mark does not fit.
    #[error(
        "the end mark counts {marked} records, and {found} stand in front of it, or its head differs: lines are missing"
    )]
    End {
        /// What the mark says.
        marked: u64,
        /// What there is.
        found: u64,
    },
    /// Something behind the end mark.
    #[error("the journal goes on behind its end mark")]
    AfterEnd,
    /// A journal from which records were removed.
    #[error(
        "the journal was compacted: records that change no authority are not in it any more, so \
         that it cannot be replayed; `antiphon audit` shows what was kept"
    )]
    Compacted,
    /// What was kept and the hashes of what was removed do not give the root.
    #[error(
        "the records that were kept and the hashes of the removed ones do not give the root: one \
         of them was changed"
    )]
    Root,
    /// A compacted journal does not give the checksum in its last line.
    #[error("the file does not give the checksum in its last line: a line was changed")]
    Sum,
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = self.column {
            write!(f, ", byte {column}")?;
        }
        write!(f, ": {} ({} records in front of it are good)", self.damage, self.intact)
    }
}

impl std::error::Error for JournalError {}

impl Journal {
    /// Reads and verifies a journal. What it re-executes to is
    /// [`Machine::replay`](crate::machine::Machine::replay)'s work.
    ///
    /// # Errors
    /// A [`JournalError`] that locates the first damage.
    pub fn read(bytes: &[u8]) -> Result<Self, JournalError> {
        let mut lines = Lines { rest: bytes, number: 0 };
        let at = |line, column, damage| JournalError { line, column, intact: 0, damage };
        let Some(first) = lines.next() else { return Err(at(1, None, Damage::Empty)) };
        let (protocol, session) =
            first.and_then(header).map_err(|(column, damage)| at(1, column, damage))?;
        let head = Head::first(session, protocol.digest());
        let mut journal = Self {
            protocol: Arc::new(protocol),
            session,
            records: Vec::new(),
            head,
            lines: Vec::new(),
            is_complete: false,
        };
        while let Some(text) = lines.next() {
            let line = lines.number;
            text.and_then(|text| journal.line(line, text)).map_err(|(column, damage)| {
                JournalError { line, column, intact: journal.records.len(), damage }
            })?;
        }
        Ok(journal)
    }

    fn line(&mut self, number: usize, text: &str) -> Result<(), Located> {
        if self.is_complete {
            return Err((None, Damage::AfterEnd));
        }
        // JRNL-23: it says so itself, and is no damage to search for.
        if text.starts_with(super::compact::MARK) {
            return Err((None, Damage::Compacted));
        }
        if text.starts_with("{\"end\"") {
            self.end(&parse::<EndJson>(text)?.end)
        } else {
            self.batch(number, parse(text)?, text)
        }
    }

    fn end(&mut self, end: &EndMarkJson) -> Result<(), Located> {
        let found = self.records.len() as u64;
        if end.records != found || end.head != self.head.to_string() {
            return Err((None, Damage::End { marked: end.records, found }));
        }
        self.is_complete = true;
        Ok(())
    }

    fn batch(&mut self, number: usize, json: BatchJson, text: &str) -> Result<(), Located> {
        let first = self.records.len() as u64;
        if json.first != first {
            return Err((None, Damage::OutOfOrder { expected: first, found: json.first }));
        }
        let mut records = Vec::with_capacity(json.records.len());
        for (index, record) in (first..).zip(json.records) {
            let record = record::read(&self.protocol, self.session, record)
                .map_err(|error| (None, Damage::Record { index, error: error.to_string() }))?;
            if record.index != index {
                return Err((None, Damage::OutOfOrder { expected: index, found: record.index }));
            }
            records.push(record);
        }
        let bytes = Record::encode_batch(&records);
        let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
        let head = self.head.after(first, count, &bytes);
        if json.head != head.to_string() || count == 0 {
            let last = (first + u64::from(count)).saturating_sub(1);
            return Err((None, Damage::Chain { first, last }));
        }
        // Two texts may say one value, as `5` and `"5"`: only the one that is written is right.
        let written = records.iter().map(|record| record::write(&self.protocol, record)).collect();
        canonical(&line(&BatchJson { first, records: written, head: json.head }), text)?;
        self.head = head;
        self.lines.extend(records.iter().map(|_| number));
        self.records.append(&mut records);
        Ok(())
    }
}

pub(super) type Located = (Option<usize>, Damage);

pub(super) fn header(text: &str) -> Result<(Protocol, SessionId), Located> {
    read_header(parse(text)?)
}

/// JRNL-9: what a header says, when it says it in the one way that a journal does.
pub(super) fn read_header(mut header: HeaderJson) -> Result<(Protocol, SessionId), Located> {
    let checksum = core::mem::take(&mut header.check);
    if checksum != check(&header) {
        return Err((None, Damage::Check));
    }
    header.check = checksum;
    let session = header.session.parse::<SessionId>().map_err(|_| (None, Damage::Header))?;
    if header.antiphon != "journal" || header.version != 1 {
        return Err((None, Damage::Header));
    }
    let refused = |error: String| (None, Damage::Protocol(error));
    let text = header.protocol.to_string();
    let (declared, _) =
        json::read(&text, &Limits::default()).map_err(|found| refused(found.to_string()))?;
    let Declared::Local(locals) = declared else { return Err((None, Damage::Header)) };
    let name = Name::new(&header.name).map_err(|error| refused(error.to_string()))?;
    let origin = match header.origin {
        OriginJson::Global => Origin::Global,
        OriginJson::Local => Origin::Local,
    };
    let protocol =
        Protocol::of_origin(name, origin, locals).map_err(|found| refused(found.to_string()))?;
    if protocol.digest().to_string() != header.digest {
        return Err((None, Damage::Digest));
    }
    // What is read is what was written: nothing in the header stands there unverified.
    canonical(&header_line(&protocol, session), &line(&header))?;
    Ok((protocol, session))
}

pub(super) fn parse<'a, T: Serialize + Deserialize<'a>>(text: &'a str) -> Result<T, Located> {
    let json: T = serde_json::from_str(text).map_err(|error| {
        let column = (error.column() > 0).then(|| error.column());
        let message = error.to_string();
        let cut = message.find(" at line ").unwrap_or(message.len());
        (column, Damage::NotJson(message[..cut].to_owned()))
    })?;
    canonical(&line(&json), text)?;
    Ok(json)
}

/// Finds the first byte in which `text` is not `wanted`.
fn canonical(wanted: &str, text: &str) -> Result<(), Located> {
    if wanted == text {
        return Ok(());
    }
    let same = wanted.bytes().zip(text.bytes()).take_while(|(a, b)| a == b).count();
    Err((Some(same + 1), Damage::NotCanonical))
}

pub(super) struct Lines<'a> {
    pub(super) rest: &'a [u8],
    pub(super) number: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<&'a str, Located>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        let Some(length) = self.rest.iter().position(|byte| *byte == b'\n') else {
            let length = core::mem::take(&mut self.rest).len();
            return Some(Err((Some(length), Damage::Torn)));
        };
        let line = &self.rest[..length];
        self.rest = &self.rest[length + 1..];
        let text = std::str::from_utf8(line);
        Some(text.map_err(|error| (Some(error.valid_up_to() + 1), Damage::NotUtf8)))
    }
}

/// The records of batches, for those who hold batches and want to look into them.
///
/// # Errors
/// [`RecordError`] if a batch is not one of a session of this protocol.
pub fn records<'a>(
    protocol: &Protocol,
    batches: impl IntoIterator<Item = &'a Batch>,
) -> Result<Vec<Record>, RecordError> {
    let mut records = Vec::new();
    for batch in batches {
        records.append(&mut Record::decode_batch(batch, protocol)?);
    }
    Ok(records)
}

/// A batch put together from records, as when a journal is made anew.
#[must_use]
pub fn batch(before: Head, session: SessionId, records: &[Record]) -> Option<Batch> {
    let first = records.first()?.index;
    let bytes = Record::encode_batch(records);
    let count = u32::try_from(records.len()).ok()?;
    let head = before.after(first, count, &bytes);
    Some(Batch { session, first, count, bytes: Bytes::from(bytes), head })
}
