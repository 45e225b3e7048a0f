//! What `antiphon audit` tells: the trail of a journal, whole or compacted, where it led, and how
//! far it can be trusted; as values and as one JSON document (`specs/schema/audit.schema.json`).
//!
//! Clauses: AUDIT-3, AUDIT-4.

use std::sync::Arc;

use serde_json::{Map, Value as Tree, json};

use super::authority::{write_recipient, write_scope};
use super::compact::Compacted;
use super::journal::{Journal, JournalError};
use super::proof::proof_line;
use crate::machine::{
    self, AuditLine, Held, Holder, InFlight, Record, ReplayError, SessionId, Side, Trail,
};
use crate::types::Protocol;

/// A journal that was verified, for whoever asks what became of authority in it.
#[derive(Debug, Clone)]
pub struct Audited {
    /// What the session runs.
    pub protocol: Arc<Protocol>,
    /// Whose journal it is.
    pub session: SessionId,
    /// Where the session stands, by one word; `unopened` behind an empty journal.
    pub status: String,
    /// Why it was cancelled or faulted.
    pub reason: Option<String>,
    /// When it last changed.
    pub tick: u64,
    /// The records that are there.
    pub records: Vec<Record>,
    /// The tree over all records, also those that are not there any more.
    pub tree: machine::Tree,
    /// Whether it ends with its end mark.
    pub is_complete: bool,
    /// Whether records were removed. Then nothing was re-executed.
    pub is_compacted: bool,
    /// The head of the chain.
    pub head: String,
    /// The digest that the records re-execute to, or did before they were removed.
    pub digest: String,
    /// Each change, in order.
    pub lines: Vec<AuditLine>,
    /// Where they led.
    pub trail: Trail,
}

/// Why nothing is told of a journal.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// It is damaged.
    #[error(transparent)]
    Damaged(#[from] JournalError),
    /// It does not re-execute.
    #[error("line {line}: {error}")]
    Replay {
        /// The line of the record, from 1.
        line: usize,
        /// What is wrong with it.
        error: ReplayError,
    },
}

impl Audited {
    /// AUDIT-3: reads a journal and verifies it before anything of it is told: a whole one is
    /// re-executed, a compacted one has to give its root.
    ///
    /// # Errors
    /// An [`AuditError`].
    pub fn read(bytes: &[u8]) -> Result<Self, AuditError> {
        if Compacted::is_one(bytes) {
            return Ok(Self::compacted(Compacted::read(bytes)?));
        }
        let journal = Journal::read(bytes)?;
        let replayed = journal.replay().map_err(|error| {
            let index = usize::try_from(error.record()).ok();
            let line = index.and_then(|index| journal.lines.get(index)).copied();
            AuditError::Replay { line: line.unwrap_or(1), error }
        })?;
        let view = replayed.session();
        let status = view.map(|view| view.status());
        Ok(Self {
            session: journal.session,
            status: status.map_or("unopened", |status| status.as_str()).to_owned(),
            reason: status.and_then(|status| status.reason()).map(ToOwned::to_owned),
            tick: view.map_or(0, |view| view.tick().0),
            tree: journal.tree(),
            is_complete: journal.is_complete,
            is_compacted: false,
            head: journal.head.to_string(),
            digest: replayed.digest().to_string(),
            lines: replayed.audit().to_vec(),
            trail: replayed.trail().clone(),
            protocol: journal.protocol,
            records: journal.records,
        })
    }

    fn compacted(kept: Compacted) -> Self {
        let (lines, trail) = kept.audit();
        let (status, reason) = kept.status();
        Self {
            status: status.to_owned(),
            reason: reason.map(ToOwned::to_owned),
            tick: kept.tick(),
            is_complete: true,
            is_compacted: true,
            head: kept.head().to_owned(),
            digest: kept.digest().to_owned(),
            lines,
            trail,
            session: kept.session,
            protocol: kept.protocol,
            records: kept.records,
            tree: kept.tree,
        }
    }

    /// The proof that a record is in the journal, as one line; `None` if it is not there.
    #[must_use]
    pub fn prove(&self, index: u64) -> Option<String> {
        let record = self.records.iter().find(|record| record.index == index)?;
        proof_line(&self.protocol, self.session, &self.tree, record)
    }

    /// AUDIT-4: all of it as JSON.
    #[must_use]
    pub fn document(&self) -> Tree {
        let fragments = |scope| self.trail.named(scope);
        let held = self.trail.held().iter().map(|held| write_held(held, &fragments(held.scope)));
        let in_flight = self.trail.in_flight().iter();
        let in_flight = in_flight.map(|on_way| write_in_flight(on_way, &fragments(on_way.scope)));
        let mut document = json!({
            "session": self.session.to_string(),
            "name": self.protocol.name().as_str(),
            "protocol": self.protocol.digest().to_string(),
            "status": self.status,
            "tick": self.tick,
            "journal": {
                "records": self.tree.len(),
                "kept": self.records.len(),
                "complete": self.is_complete,
                "compacted": self.is_compacted,
                "head": self.head,
                "root": self.tree.root().to_string(),
                "digest": self.digest,
            },
            "held": held.collect::<Vec<_>>(),
            "in_flight": in_flight.collect::<Vec<_>>(),
            "trail": self.lines.iter().map(write_line).collect::<Vec<_>>(),
        });
        if let Some(reason) = &self.reason {
            document["reason"] = reason.as_str().into();
        }
        document
    }
}

fn write_holder(holder: &Holder) -> Tree {
    json!({"owner": holder.owner.as_str(), "generation": holder.generation.0})
}

fn write_side(side: &Side) -> Tree {
    match side {
        Side::Holder(holder) => json!({"holder": write_holder(holder)}),
        Side::Released(last) => json!({"released": write_holder(last)}),
        Side::Promised(to) => json!({"promised": write_recipient(to)}),
    }
}

fn write_held(held: &Held, fragments: &str) -> Tree {
    json!({
        "holder": write_holder(&held.holder),
        "scope": write_scope(held.scope),
        "fragments": fragments,
        "released": held.released,
    })
}

fn write_in_flight(transfer: &InFlight, fragments: &str) -> Tree {
    let mut tree = json!({
        "receipt": transfer.receipt.0,
        "scope": write_scope(transfer.scope),
        "fragments": fragments,
        "from": write_holder(&transfer.from),
        "to": write_recipient(&transfer.to),
        "frozen": transfer.frozen,
    });
    if let Some(expires) = transfer.expires {
        tree["expires"] = expires.0.into();
    }
    tree
}

fn write_line(line: &AuditLine) -> Tree {
    let mut tree = Map::new();
    let mut put = |key: &str, value: Tree| drop(tree.insert(key.to_owned(), value));
    put("tick", line.tick.0.into());
    put("record", line.record.into());
    put("what", line.what.into());
    put("scope", write_scope(line.scope).into());
    put("fragments", line.fragments.as_ref().into());
    if let Some(receipt) = line.receipt {
        put("receipt", receipt.0.into());
    }
    for (key, side) in [("from", &line.from), ("to", &line.to)] {
        if let Some(side) = side {
            put(key, write_side(side));
        }
    }
    if let Some(by) = &line.by {
        put("by", write_holder(by));
    }
    if let Some(expires) = line.expires {
        put("expires", expires.0.into());
    }
    if line.frozen {
        put("frozen", true.into());
    }
    if let Some(about) = &line.about {
        put("about", about.as_ref().into());
    }
    Tree::Object(tree)
}
