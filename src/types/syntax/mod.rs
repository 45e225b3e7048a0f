//! Texts to types and back: Scribble / nuScr global protocols, local types, JSON of both.
//!
//! Readers report many errors in one run, each with its place, and are bounded: text by
//! [`Limits::bytes_max`], nesting by [`Limits::depth_max`] (counted on tokens, before a tree
//! exists), types by [`NODES_MAX`](super::tree::NODES_MAX). The parsers are table-driven (LALR), so
//! that no input, however deep, can overflow the stack.

pub mod json;
mod print;
mod render;

pub use render::Report;

use alloc::format;
use alloc::vec::Vec;

use super::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use super::global::GlobalType;
use super::local::LocalTypes;

mod ast;
mod calls;
mod elaborate;
mod heads;
mod instance;
mod lexer;
mod local;
mod plan;
mod position;
mod reader;
mod resolve;
mod source;
mod text;
mod token;
mod walk;
mod words;

pub use source::Source;
pub use text::{Loose, read, read_global, read_local, read_local_type, read_loose};

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
}

impl Default for Limits {
    /// 64 MiB, 10,000 deep.
    fn default() -> Self {
        Self { bytes_max: 64 << 20, depth_max: 10_000 }
    }
}

/// What a text declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declared {
    /// Global protocols in the order of the text, without the auxiliary ones; never empty. The
    /// first is the file's main one.
    Global(Vec<GlobalType>),
    /// One local type a role.
    Local(LocalTypes),
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
