//! Texts to types and back: Scribble / nuScr global protocols, local types, JSON of both, and
//! communicating automata in the notations of other tools.
//!
//! Readers report many errors in one run, each with its place, and are bounded: text by
//! [`Limits::bytes_max`], nesting by [`Limits::depth_max`] (counted on tokens, before a tree
//! exists), types by [`NODES_MAX`](super::tree::NODES_MAX). The parsers are table-driven (LALR), so
//! that no input, however deep, can overflow the stack.

pub mod cfsm;
pub mod json;
mod print;
mod render;

pub use render::{Place, Report};

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use super::global::GlobalType;
use super::local::LocalTypes;
use super::name::Name;

mod assemble;
mod ast;
mod calls;
mod elaborate;
mod heads;
mod imports;
mod instance;
mod lexer;
mod local;
mod module;
mod names;
mod plan;
mod position;
mod reader;
mod resolve;
mod scribble;
mod source;
mod text;
mod texts;
mod token;
mod walk;
mod words;

pub use module::{Loaded, Loader, ModulePath, NoModules, Unloaded};
pub use source::Source;
pub use text::{Loose, read, read_global, read_local, read_local_type, read_loose};
pub use texts::{Text, Texts};

lalrpop_util::lalrpop_mod!(
    #[allow(warnings, clippy::all, clippy::pedantic)]
    grammar,
    "/types/syntax/grammar.rs"
);

/// The most fields of one record, and the most arguments of one message.
pub const FIELDS_MAX: usize = 1_000;

/// What a reader accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest text, in bytes.
    pub bytes_max: usize,
    /// The deepest nesting of brackets of any kind.
    pub depth_max: usize,
    /// The most modules that a text may import, directly and through others.
    pub modules_max: usize,
    /// The longest that a text and all its modules may be together, in bytes.
    pub modules_bytes_max: usize,
}

impl Default for Limits {
    /// 64 MiB, 10,000 deep; 1,000 modules, 64 MiB of them.
    fn default() -> Self {
        Self {
            bytes_max: 64 << 20,
            depth_max: 10_000,
            modules_max: 1_000,
            modules_bytes_max: 64 << 20,
        }
    }
}

/// What a text declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declared {
    /// Global protocols in the order of the text, without the auxiliary ones; never empty. The
    /// first is the file's main one.
    Global(Vec<GlobalType>),
    /// One local type a role, without a name for the protocol.
    Local(LocalTypes),
    /// Local protocols of Scribble, which have names, behind the global ones of the same text. The
    /// first is the file's main one.
    Named(Vec<Stated>),
}

/// One protocol that a text declares and names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stated {
    /// A global protocol.
    Global(GlobalType),
    /// The local protocols of all its roles, and their common name.
    Local(Name, LocalTypes),
}

/// One protocol that a text declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Each<'a> {
    /// A global protocol.
    Global(&'a GlobalType),
    /// One local type a role, with the protocol's name where it has one.
    Local(Option<&'a Name>, &'a LocalTypes),
}

impl Declared {
    /// The protocols, one by one; never none.
    #[must_use]
    pub fn each(&self) -> Vec<Each<'_>> {
        match self {
            Self::Global(globals) => globals.iter().map(Each::Global).collect(),
            Self::Local(locals) => [Each::Local(None, locals)].into(),
            Self::Named(list) => list
                .iter()
                .map(|stated| match stated {
                    Stated::Global(global) => Each::Global(global),
                    Stated::Local(name, locals) => Each::Local(Some(name), locals),
                })
                .collect(),
        }
    }
}

/// The text of `bytes`: UTF-8, a byte order mark taken off.
///
/// # Errors
/// `too_large`, `invalid_utf8`.
pub fn decode<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a str, Diagnostics> {
    if bytes.len() > limits.bytes_max {
        let text = format!("{} bytes; the limit is {}", bytes.len(), limits.bytes_max);
        return Err(Diagnostic::new(Code::TooLarge, Span::NONE, text).into());
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    core::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let text = format!("byte {:#04x} at offset {at} is not UTF-8", bytes[at]);
        Diagnostic::new(Code::InvalidUtf8, Span::new(at, at + 1), text)
            .remedy("save the file as UTF-8 text")
            .into()
    })
}

/// As much of bytes that are no text as reports show; places are counted without the byte order
/// mark.
fn shown(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    String::from_utf8_lossy(&bytes[..bytes.len().min(1 << 20)]).into_owned()
}
