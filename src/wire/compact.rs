//! A compacted journal: what is kept of a session that has ended.
//!
//! ```text
//! {"antiphon":"journal",…}                                      the header, as it was
//! {"compacted":{"records":17,"head":"…","root":"…",…}}          what it was compacted from
//! {"kept":{"index":0,…}}                                        each record about authority
//! {"removed":{"first":1,"end":17,"hashes":["…",…]}}             what stands for the others
//! {"end":{"records":17,"sum":"…"}}
//! ```
//!
//! The hashes are those of the largest whole parts of the Merkle tree that were removed, so that
//! the root is the one of the whole journal and each record that was kept can be proved. The sum is
//! SHA-256 over all lines in front of it. Clauses: JRNL-23 to JRNL-26.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::journal::{
    Damage, Journal, JournalError, Lines, Located, header, header_line, line, parse,
};
use super::proof::tree_hash;
use super::record::{self, RecordJson};
use crate::machine::{
    AuditLine, Head, Record, ReplayError, SessionId, Trail, Tree, TreeHash, levels,
};
use crate::types::Protocol;

/// How the second line of a compacted journal begins.
pub(super) const MARK: &str = "{\"compacted\":";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum LineJson {
    Compacted(SummaryJson),
    Kept(RecordJson),
    Removed(RemovedJson),
    End(EndJson),
}

/// What the journal was when it was whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SummaryJson {
    records: u64,
    head: String,
    root: String,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    tick: u64,
    digest: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RemovedJson {
    first: u64,
    end: u64,
    hashes: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndJson {
    records: u64,
    sum: String,
}

/// Why a journal is not compacted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CompactError {
    /// It does not re-execute.
    #[error("{0}")]
    Replay(#[from] ReplayError),
    /// The session goes on.
    #[error(
        "the session is {0}, it has not ended: its journal goes on, and a machine that takes it up \
         again needs every record"
    )]
    Live(Box<str>),
    /// Records may be missing at the end.
    #[error("it has no end mark: whether it is all of the journal is not known")]
    Incomplete,
}

/// JRNL-24: the lines of the compacted journal, each with its line break.
///
/// # Errors
/// A [`CompactError`].
pub fn compact(journal: &Journal) -> Result<String, CompactError> {
    let replayed = journal.replay()?;
    let Some(view) = replayed.session() else { return Err(CompactError::Incomplete) };
    let status = view.status();
    if !status.is_terminal() {
        return Err(CompactError::Live(status.as_str().into()));
    }
    if !journal.is_complete {
        return Err(CompactError::Incomplete);
    }
    let (protocol, tree) = (&journal.protocol, journal.tree());
    let mut text = header_line(protocol, journal.session) + "\n";
    let mut push = |json: LineJson| text.extend([line(&json).as_str(), "\n"]);
    push(LineJson::Compacted(SummaryJson {
        records: tree.len(),
        head: journal.head.to_string(),
        root: tree.root().to_string(),
        status: status.as_str().into(),
        reason: status.reason().map(Into::into),
        tick: view.tick().0,
        digest: replayed.digest().to_string(),
    }));
    let mut next = 0;
    let is_kept = |record: &&Record| record.audits(protocol).next().is_some();
    for record in journal.records.iter().filter(is_kept) {
        removed(&tree, next, record.index).into_iter().for_each(&mut push);
        push(LineJson::Kept(record::write(protocol, record)));
        next = record.index + 1;
    }
    removed(&tree, next, tree.len()).into_iter().for_each(&mut push);
    let end = EndJson { records: tree.len(), sum: sum(&text) };
    text.extend([line(&LineJson::End(end)).as_str(), "\n"]);
    Ok(text)
}

fn removed(tree: &Tree, first: u64, end: u64) -> Option<LineJson> {
    let hashes = tree.parts(first, end).iter().map(ToString::to_string).collect();
    (first < end).then_some(LineJson::Removed(RemovedJson { first, end, hashes }))
}

fn sum(text: &str) -> String {
    Head(Sha256::digest(text).into()).to_string()
}

/// A compacted journal that was read and verified.
#[derive(Debug, Clone)]
pub struct Compacted {
    /// What the session ran.
    pub protocol: Arc<Protocol>,
    /// Whose journal it is.
    pub session: SessionId,
    /// The records that were kept.
    pub records: Vec<Record>,
    /// The tree over all records.
    pub tree: Tree,
    summary: SummaryJson,
}

impl Compacted {
    /// Whether a text is a compacted journal, damaged or not.
    #[must_use]
    pub fn is_one(bytes: &[u8]) -> bool {
        let second = bytes.iter().position(|byte| *byte == b'\n').map(|at| &bytes[at + 1..]);
        second.is_some_and(|line| line.starts_with(MARK.as_bytes()))
    }

    /// JRNL-25: reads and verifies a compacted journal: the form of each line, the root over what
    /// was kept and the hashes of what was not, and the sum over the whole.
    ///
    /// # Errors
    /// A [`JournalError`].
    pub fn read(bytes: &[u8]) -> Result<Self, JournalError> {
        let mut lines = Lines { rest: bytes, number: 0 };
        let mut read = Reading::default();
        let mut before = bytes;
        while let Some(text) = lines.next() {
            let front = &bytes[..bytes.len() - before.len()];
            let done = text.and_then(|text| read.line(lines.number, text, front));
            done.map_err(|(column, damage)| {
                let intact = read.records.len();
                JournalError { line: lines.number, column, intact, damage }
            })?;
            before = lines.rest;
        }
        let torn = JournalError {
            line: lines.number.max(1),
            column: None,
            intact: read.records.len(),
            damage: if lines.number == 0 { Damage::Empty } else { Damage::Torn },
        };
        let whole = read.header.zip(read.summary).filter(|_| read.is_complete);
        let ((protocol, session), summary) = whole.ok_or(torn)?;
        Ok(Self { protocol, session, records: read.records, tree: read.tree, summary })
    }

    /// Who held what: the lines of the trail, and where it led.
    #[must_use]
    pub fn audit(&self) -> (Vec<AuditLine>, Trail) {
        let mut trail = Trail::new(&self.protocol);
        let lines = self.records.iter().flat_map(|record| trail.push(record)).collect();
        trail.end();
        (lines, trail)
    }

    /// How the session ended, as it was when the journal was whole.
    #[must_use]
    pub fn status(&self) -> (&str, Option<&str>) {
        (&self.summary.status, self.summary.reason.as_deref())
    }

    /// When it ended.
    #[must_use]
    pub fn tick(&self) -> u64 {
        self.summary.tick
    }

    /// The head of the whole journal's chain.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.summary.head
    }

    /// The digest that the whole journal re-executed to.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.summary.digest
    }
}

/// A compacted journal as far as it was read.
#[derive(Default)]
struct Reading {
    header: Option<(Arc<Protocol>, SessionId)>,
    summary: Option<SummaryJson>,
    records: Vec<Record>,
    tree: Tree,
    is_complete: bool,
}

impl Reading {
    fn line(&mut self, number: usize, text: &str, front: &[u8]) -> Result<(), Located> {
        if self.is_complete {
            return Err((None, Damage::AfterEnd));
        }
        let Some((protocol, session)) = &self.header else {
            let (protocol, session) = header(text)?;
            self.header = Some((Arc::new(protocol), session));
            return Ok(());
        };
        let stray = |found| {
            let error = format!("a line of a compacted journal is expected, not {found}");
            Err((None, Damage::NotJson(error)))
        };
        match parse::<LineJson>(text)? {
            LineJson::Compacted(summary) if number == 2 => {
                let hashes = [&summary.root, &summary.head, &summary.digest];
                if hashes.iter().any(|hash| tree_hash(hash).is_none()) {
                    return stray("a hash that is none");
                }
                self.summary = Some(summary);
                Ok(())
            }
            _ if self.summary.is_none() => stray("this one here"),
            LineJson::Compacted(_) => stray("another summary"),
            LineJson::Kept(json) => {
                let index = self.tree.len();
                let wrong = |error: String| (None, Damage::Record { index, error });
                let record = record::read(protocol, *session, json)
                    .map_err(|error| wrong(error.to_string()))?;
                if record.index != index {
                    let (expected, found) = (index, record.index);
                    return Err((None, Damage::OutOfOrder { expected, found }));
                }
                if line(&LineJson::Kept(record::write(protocol, &record))) != text {
                    return Err((None, Damage::NotCanonical));
                }
                if record.audits(protocol).next().is_none() {
                    return Err(wrong("it changes no authority, and is kept".into()));
                }
                let mut bytes = Vec::new();
                record.encode(&mut bytes);
                if !self.tree.push_part(0, TreeHash::leaf(&bytes)) {
                    return Err((None, Damage::Root));
                }
                self.records.push(record);
                Ok(())
            }
            LineJson::Removed(removed) => self.removed(&removed),
            LineJson::End(end) => self.end(&end, front),
        }
    }

    fn removed(&mut self, removed: &RemovedJson) -> Result<(), Located> {
        let expected = self.tree.len();
        if removed.first != expected || removed.end <= removed.first {
            return Err((None, Damage::OutOfOrder { expected, found: removed.first }));
        }
        let mut hashes = removed.hashes.iter();
        for level in levels(removed.first, removed.end) {
            let hash = hashes.next().and_then(|hash| tree_hash(hash));
            let hash = hash.ok_or((None, Damage::Root))?;
            if !self.tree.push_part(level, hash) {
                return Err((None, Damage::Root));
            }
        }
        if hashes.next().is_some() { Err((None, Damage::Root)) } else { Ok(()) }
    }

    fn end(&mut self, end: &EndJson, front: &[u8]) -> Result<(), Located> {
        let summary = self.summary.as_ref().expect("it stands in front");
        let found = self.tree.len();
        for marked in [end.records, summary.records] {
            if marked != found {
                return Err((None, Damage::End { marked, found }));
            }
        }
        if self.tree.root().to_string() != summary.root {
            return Err((None, Damage::Root));
        }
        if Head(Sha256::digest(front).into()).to_string() != end.sum {
            return Err((None, Damage::Sum));
        }
        self.is_complete = true;
        Ok(())
    }
}
