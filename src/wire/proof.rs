//! A proof that one record is in a journal, as one line of JSON: the record, and the hashes beside
//! its way to the root of the tree. Whoever trusts the root needs nothing else of the journal.
//!
//! The root covers the records; that they are those of the session in the proof is as certain as
//! where the root comes from. Clauses: JRNL-21, JRNL-22.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::journal::{Damage, HeaderJson, line, parse, read_header, write_header};
use super::record::{self, RecordJson};
use crate::machine::{Record, SessionId, Tree, TreeHash, root_by};
use crate::types::Protocol;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofJson {
    antiphon: String,
    version: u32,
    /// The header of the journal: session and protocol, with a checksum.
    journal: HeaderJson,
    index: u64,
    size: u64,
    root: String,
    record: RecordJson,
    /// The record's canonical bytes: the leaf.
    bytes: String,
    path: Vec<String>,
}

/// The proof that this record is in the tree, without a line break; `None` if it is not there as
/// itself.
#[must_use]
pub fn proof_line(
    protocol: &Protocol,
    session: SessionId,
    tree: &Tree,
    record: &Record,
) -> Option<String> {
    let path = tree.path(record.index)?;
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    Some(line(&ProofJson {
        antiphon: "proof".into(),
        version: 1,
        journal: write_header(protocol, session),
        index: record.index,
        size: tree.len(),
        root: tree.root().to_string(),
        record: record::write(protocol, record),
        bytes: hex(&bytes),
        path: path.iter().map(ToString::to_string).collect(),
    }))
}

/// What a proof shows.
#[derive(Debug, Clone)]
pub struct Proof {
    /// What the session runs.
    pub protocol: Arc<Protocol>,
    /// Whose journal it is, as the proof says.
    pub session: SessionId,
    /// The record.
    pub record: Record,
    /// How many records there are.
    pub size: u64,
    /// The root that the record leads to.
    pub root: TreeHash,
}

/// Why a text is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// Not one line.
    #[error("a proof is one line of text")]
    NotALine,
    /// Not what a proof is written as.
    #[error("{}{damage}", column.map(|column| format!("byte {column}: ")).unwrap_or_default())]
    Damaged {
        /// The byte, from 1, where it is known.
        column: Option<usize>,
        /// What is wrong.
        damage: Damage,
    },
    /// Something else, or of another version.
    #[error("this is no proof of version 1")]
    Version,
    /// The record as JSON, its bytes and its index do not say the same.
    #[error("the record, its bytes and its index do not say the same")]
    Record,
    /// The path does not lead from the record to the root.
    #[error("the record and its path do not lead to the root {root}")]
    Root {
        /// What the proof says.
        root: TreeHash,
    },
}

impl Proof {
    /// JRNL-22: reads a proof and verifies it against the root that it names; whether that is the
    /// root of the journal is for the caller to compare.
    ///
    /// # Errors
    /// A [`ProofError`].
    pub fn read(bytes: &[u8]) -> Result<Self, ProofError> {
        let text = core::str::from_utf8(bytes).map_err(|_| ProofError::NotALine)?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let damaged = |(column, damage)| ProofError::Damaged { column, damage };
        let json: ProofJson = parse(text).map_err(damaged)?;
        if json.antiphon != "proof" || json.version != 1 {
            return Err(ProofError::Version);
        }
        let (protocol, session) = read_header(json.journal).map_err(damaged)?;
        let record = record::read(&protocol, session, json.record);
        let record = record.map_err(|_| ProofError::Record)?;
        let mut leaf = Vec::new();
        record.encode(&mut leaf);
        if hex(&leaf) != json.bytes || record.index != json.index {
            return Err(ProofError::Record);
        }
        let not_hex = || ProofError::Damaged { column: None, damage: Damage::NotCanonical };
        let root = tree_hash(&json.root).ok_or_else(not_hex)?;
        let path: Option<Vec<TreeHash>> = json.path.iter().map(|hash| tree_hash(hash)).collect();
        let path = path.ok_or_else(not_hex)?;
        if root_by(TreeHash::leaf(&leaf), json.index, json.size, &path) != Some(root) {
            return Err(ProofError::Root { root });
        }
        // Two texts may say one record: only the one that is written is right.
        let again = record::write(&protocol, &record);
        let protocol = Arc::new(protocol);
        let proof = Self { protocol, session, record, size: json.size, root };
        match text.contains(&format!("\"record\":{},", line(&again))) {
            true => Ok(proof),
            false => Err(ProofError::Record),
        }
    }

    /// The record as JSON.
    #[must_use]
    pub fn record_line(&self) -> String {
        super::journal::record_line(&self.protocol, &self.record)
    }
}

/// The hash that 64 small hexadecimal digits say.
#[must_use]
pub fn tree_hash(text: &str) -> Option<TreeHash> {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 64 || !text.bytes().all(digit) {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(TreeHash(hash))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
