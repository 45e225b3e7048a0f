//! The readers: which notation a text is in, and what it declares.

use core::str::FromStr;

use alloc::format;
use alloc::vec::Vec;

use logos::Logos;

use super::grammar::{LocalTypeParser, LocalsParser, ModuleParser};
use super::lexer::{Lexer, Notation, Pulse};
use super::reader::Reader;
use super::token::Token;
use super::{Declared, Limits, elaborate, resolve, words};
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::global::GlobalType;
use crate::types::local::{LocalType, LocalTypes};
use crate::types::name::Name;

/// Reads a text in any notation: JSON, Scribble, local types, told apart by how it begins.
///
/// The diagnostics beside the result are warnings.
///
/// # Errors
/// Everything that is wrong with the text, in its order.
pub fn read(text: &str, limits: &Limits) -> Result<(Declared, Diagnostics), Diagnostics> {
    fits(text, limits)?;
    match sniff(text) {
        Form::Empty => {
            let text = "the text declares no protocol";
            let remedy = "write `global protocol Name(role A, role B) { … }`, or a local type for each role: `A = B!hello . end`";
            Err(Diagnostic::new(Code::NoProtocol, Span::NONE, text).remedy(remedy).into())
        }
        Form::Json => super::json::read(text, limits),
        Form::Scribble => {
            let (globals, warnings) = scribble(text, limits)?;
            Ok((Declared::Global(globals), warnings))
        }
        Form::Local => {
            let (locals, warnings) = read_local(text, limits)?;
            Ok((Declared::Local(locals), warnings))
        }
    }
}

/// Reads the global protocols of a Scribble text, without the auxiliary ones; never none.
///
/// # Errors
/// Everything that is wrong with the text, in its order.
pub fn read_global(
    text: &str,
    limits: &Limits,
) -> Result<(Vec<GlobalType>, Diagnostics), Diagnostics> {
    fits(text, limits)?;
    scribble(text, limits)
}

/// Reads a file of local types, one a role.
///
/// # Errors
/// Everything that is wrong with the text, in its order.
pub fn read_local(text: &str, limits: &Limits) -> Result<(LocalTypes, Diagnostics), Diagnostics> {
    let (declared, mut found) = declarations(text, limits)?;
    let (locals, warnings) = LocalTypes::with_spans(declared)?;
    found.append(warnings);
    Ok((locals, found))
}

/// What a text says when its types are looked at one by one.
#[derive(Debug, Clone)]
pub enum Loose {
    /// Local types; one that stands quite by itself has no name. Never none.
    Locals(Vec<(Option<Name>, LocalType)>),
    /// Global protocols; never none.
    Globals(Vec<GlobalType>),
}

/// Reads a text whose types are to be looked at one by one, in any notation. Local types may stand
/// by themselves: `Role = T`, or a `T` without a name, and their partners need not be declared.
///
/// # Errors
/// Everything that is wrong with the text, in its order.
pub fn read_loose(text: &str, limits: &Limits) -> Result<Loose, Diagnostics> {
    fits(text, limits)?;
    let is_document = !matches!(sniff(text), Form::Json) || text.contains("\"antiphon\"");
    if !is_document {
        return Ok(Loose::Locals(Vec::from([(None, super::json::read_local(text, limits)?)])));
    }
    if !matches!(sniff(text), Form::Local) {
        return Ok(match read(text, limits)?.0 {
            Declared::Global(globals) => Loose::Globals(globals),
            Declared::Local(locals) => {
                let roles = locals.roles().iter().cloned();
                Loose::Locals(roles.map(|(name, local)| (Some(name), local)).collect())
            }
        });
    }
    let mut tokens = Token::lexer(text).skip(1);
    if !matches!(tokens.next(), Some(Ok(Token::Equals))) {
        return Ok(Loose::Locals(Vec::from([(None, read_local_type(text, limits)?)])));
    }
    let (declared, mut found) = declarations(text, limits)?;
    let roles = declared.iter().map(|(name, span, _)| (name, *span));
    crate::types::protocol::check_roles(roles, &mut found);
    if found.has_errors() {
        return Err(found);
    }
    let named = declared.into_iter().map(|(name, _, local)| (Some(name), local));
    Ok(Loose::Locals(named.collect()))
}

/// Local types, each with its role and the place of its declaration.
type Declarations = Vec<(Name, Span, LocalType)>;

/// The declarations of a text of local types, each checked by itself.
fn declarations(text: &str, limits: &Limits) -> Result<(Declarations, Diagnostics), Diagnostics> {
    fits(text, limits)?;
    let pulse = Pulse::default();
    let mut reader = Reader::new(text, Notation::Local, &pulse);
    let mut lexer = Lexer::new(text, Notation::Local, limits, &pulse);
    let parsed = LocalsParser::new().parse(&mut reader, lexer.by_ref());
    let found = finish(&mut reader, lexer, parsed.err());
    let (roles, declared) = (reader.roles(), reader.declared);
    if found.has_errors() {
        return Err(found);
    }
    debug_assert!(roles >= declared.len(), "a type is declared once");
    Ok((declared, found))
}

/// Reads one local type by itself.
///
/// # Errors
/// Everything that is wrong with the text, in its order.
pub fn read_local_type(text: &str, limits: &Limits) -> Result<LocalType, Diagnostics> {
    fits(text, limits)?;
    let pulse = Pulse::default();
    let mut reader = Reader::new(text, Notation::Local, &pulse);
    let mut lexer = Lexer::new(text, Notation::Local, limits, &pulse);
    let parsed = LocalTypeParser::new().parse(&mut reader, lexer.by_ref());
    let (root, error) = match parsed {
        Ok(root) => (Some(root), None),
        Err(error) => (None, Some(error)),
    };
    let found = finish(&mut reader, lexer, error);
    match root {
        Some(root) if !found.has_errors() => {
            let (draft, root) = reader.locals.take(0, root);
            LocalType::from_draft(&draft, root)
        }
        _ => Err(found),
    }
}

fn scribble(text: &str, limits: &Limits) -> Result<(Vec<GlobalType>, Diagnostics), Diagnostics> {
    let pulse = Pulse::default();
    let mut reader = Reader::new(text, Notation::Scribble, &pulse);
    let mut lexer = Lexer::new(text, Notation::Scribble, limits, &pulse);
    let parsed = ModuleParser::new().parse(&mut reader, lexer.by_ref());
    let found = finish(&mut reader, lexer, parsed.err());
    let mut module = reader.module;
    module.incomplete |= found.has_errors() && module.protocols.is_empty();
    let (resolved, more) = resolve::resolve(&mut module);
    let mut found = unique(found, more);
    let (globals, more) = elaborate::elaborate(&module, &resolved);
    found = unique(found, more);
    found.sort();
    if !found.has_errors() && globals.is_empty() {
        let text = "no global protocol is declared";
        found.push(
            Diagnostic::new(Code::NoProtocol, Span::NONE, text)
                .remedy("write `global protocol Name(role A, role B) { … }`"),
        );
    }
    if found.has_errors() { Err(found) } else { Ok((globals, found)) }
}

type Failure<'t> = lalrpop_util::ParseError<usize, Token<'t>, super::lexer::Stop>;

/// What lexer and parser found, in the order of the text.
fn finish(
    reader: &mut Reader<'_, '_>,
    lexer: Lexer<'_, '_>,
    error: Option<Failure<'_>>,
) -> Diagnostics {
    let (mut found, after_flaw) = lexer.into_found();
    let mut parsed = core::mem::take(&mut reader.found);
    if let Some(diagnostic) = error.and_then(|error| words::unexpected(&error, reader.notation)) {
        parsed.push(diagnostic);
    }
    let consequence = |diagnostic: &Diagnostic| {
        let start = diagnostic.span.start as usize;
        diagnostic.code == Code::UnexpectedToken && after_flaw.binary_search(&start).is_ok()
    };
    if !after_flaw.is_empty() {
        let rest = parsed.list().iter().filter(|diagnostic| !consequence(diagnostic));
        rest.for_each(|diagnostic| found.push(diagnostic.clone()));
    } else {
        found.append(parsed);
    }
    found.sort();
    found
}

/// `found` and `more`, each diagnostic once.
fn unique(found: Diagnostics, more: Diagnostics) -> Diagnostics {
    let mut all = found;
    let mut known: hashbrown::HashSet<(Code, Span)> =
        all.list().iter().map(|d| (d.code, d.span)).collect();
    for diagnostic in more.list() {
        if known.insert((diagnostic.code, diagnostic.span)) {
            all.push(diagnostic.clone());
        }
    }
    all
}

fn fits(text: &str, limits: &Limits) -> Result<(), Diagnostics> {
    if text.len() <= limits.bytes_max {
        return Ok(());
    }
    let text = format!("{} bytes; the limit is {}", text.len(), limits.bytes_max);
    Err(Diagnostic::new(Code::TooLarge, Span::NONE, text).into())
}

enum Form {
    Empty,
    Json,
    Scribble,
    Local,
}

/// The form of a text, by its first tokens.
fn sniff(text: &str) -> Form {
    if Token::lexer(text).next().is_none() {
        return Form::Empty;
    }
    let mut tokens = Token::lexer(text).filter_map(Result::ok);
    match tokens.next() {
        Some(Token::OpenBrace) => Form::Json,
        Some(
            Token::Module
            | Token::Import
            | Token::Type
            | Token::Data
            | Token::Sig
            | Token::Global
            | Token::Aux
            | Token::Local
            | Token::Explicit
            | Token::Nested
            | Token::Protocol,
        ) => match tokens.next() {
            Some(Token::Equals | Token::Bang | Token::Question) => Form::Local,
            _ => Form::Scribble,
        },
        _ => Form::Local,
    }
}

impl FromStr for LocalType {
    type Err = Diagnostics;

    /// Reads one local type, as [`Display`](core::fmt::Display) prints it.
    fn from_str(text: &str) -> Result<Self, Diagnostics> {
        read_local_type(text, &Limits::default())
    }
}

impl FromStr for LocalTypes {
    type Err = Diagnostics;

    /// Reads one local type a role, as [`Display`](core::fmt::Display) prints them.
    fn from_str(text: &str) -> Result<Self, Diagnostics> {
        Ok(read_local(text, &Limits::default())?.0)
    }
}

impl FromStr for GlobalType {
    type Err = Diagnostics;

    /// Reads the first global protocol of a Scribble text.
    fn from_str(text: &str) -> Result<Self, Diagnostics> {
        let (globals, _) = read_global(text, &Limits::default())?;
        Ok(globals.into_iter().next().expect("never empty"))
    }
}
