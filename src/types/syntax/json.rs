//! The JSON of types: flat, versioned, described by `specs/schema/protocol.schema.json`.
//!
//! A type is an array of nodes that refer to each other by index, its payloads an array of sorts in
//! which parts stand before wholes. So nothing is deep but `chan` inside `chan`, which has a limit
//! of its own. Whatever is written is read back to the same type, and the same type is always
//! written alike (TYPE-12).

mod automata;
mod lines;
mod raw;
mod read;
mod shape;
mod sort;
mod write;

pub(super) use sort::weight_of_sort;

use alloc::string::String;

use serde::Serialize;

use super::{Declared, Each, Limits, Stated};
use crate::types::automaton::RoleIx;
use crate::types::diagnostics::Diagnostics;
use crate::types::global::GlobalType;
use crate::types::local::{LocalType, LocalTypes};
use crate::types::protocol::Protocol;
use crate::types::sort::Sort;

/// The version of the JSON that is written, and the only one that is read.
pub const VERSION: u32 = 1;

/// The most constructors that the payloads of one document have when they are written out. A sort
/// that several payloads share is written once in JSON, and counted once for each of them.
pub const SORT_NODES_MAX: u64 = 4_000_000;

/// Reads a document: global protocols, one local type a role, or one automaton a role. Beside it
/// stand warnings.
///
/// # Errors
/// `json_shape`, `too_large`, `too_deep`, `no_protocol`, `duplicate_protocol`, `duplicate_field`,
/// and what the checks of types find.
///
/// ```
/// use antiphon::types::syntax::{Declared, Limits, json};
/// let text = r#"{"antiphon": "local", "version": 1, "roles": [
///     {"name": "A", "root": 0, "nodes": [
///         {"kind": "send", "branches": [{"peer": "B", "label": "hi", "next": 1}]},
///         {"kind": "end"}]},
///     {"name": "B", "root": 0, "nodes": [
///         {"kind": "receive", "branches": [{"peer": "A", "label": "hi", "next": 1}]},
///         {"kind": "end"}]}]}"#;
/// let (declared, warnings) = json::read(text, &Limits::default())?;
/// assert!(warnings.is_empty());
/// assert!(matches!(declared, Declared::Local(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read(text: &str, limits: &Limits) -> Result<(Declared, Diagnostics), Diagnostics> {
    read::Reader::new(text, limits)?.document()
}

/// Reads a single local type, as [`write_local`] gives it.
///
/// # Errors
/// As [`read()`].
pub fn read_local(text: &str, limits: &Limits) -> Result<LocalType, Diagnostics> {
    read::Reader::new(text, limits)?.local()
}

/// Reads a single sort, as [`write_sort`] gives it.
///
/// # Errors
/// As [`read()`].
pub fn read_sort(text: &str, limits: &Limits) -> Result<Sort, Diagnostics> {
    read::Reader::new(text, limits)?.sort()
}

/// The document of what a text declares, a line for each node and each sort. Where a text declares
/// global and local protocols by name, each has a document of its own, one behind the other.
#[must_use]
pub fn write(declared: &Declared) -> String {
    match declared {
        Declared::Global(globals) => write_globals(globals),
        Declared::Local(_) | Declared::Named(_) => declared
            .each()
            .into_iter()
            .map(|each| match each {
                Each::Global(global) => write_globals(core::slice::from_ref(global)),
                Each::Local(_, locals) => write_locals(locals),
            })
            .collect(),
    }
}

/// The document of global protocols.
#[must_use]
pub fn write_globals(globals: &[GlobalType]) -> String {
    lines::lines(&write::GlobalDocument::new(globals), 4)
}

/// The document of one local type a role.
#[must_use]
pub fn write_locals(locals: &LocalTypes) -> String {
    lines::lines(locals, 4)
}

/// The document of the automata of a protocol, of all of them or of one role's; read back, it gives
/// a protocol of the same digest (CFSM-9).
#[must_use]
pub fn write_automata(protocol: &Protocol, only: Option<RoleIx>) -> String {
    lines::lines(&automata::Document { protocol, only }, 4)
}

/// A single local type; `impl Serialize for LocalType` gives the same on one line, or as a value.
#[must_use]
pub fn write_local(local: &LocalType) -> String {
    lines::lines(local, 2)
}

/// A single sort; `impl Serialize for Sort` gives the same on one line, or as a value.
#[must_use]
pub fn write_sort(sort: &Sort) -> String {
    lines::lines(sort, 2)
}

impl Serialize for Declared {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Global(globals) => write::GlobalDocument::new(globals).serialize(serializer),
            Self::Local(locals) => locals.serialize(serializer),
            Self::Named(list) => list.serialize(serializer),
        }
    }
}

impl Serialize for Stated {
    /// A document of its own.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Global(global) => {
                let one = core::slice::from_ref(global);
                write::GlobalDocument::new(one).serialize(serializer)
            }
            Self::Local(_, locals) => locals.serialize(serializer),
        }
    }
}
