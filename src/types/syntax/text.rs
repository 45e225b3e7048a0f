//! The readers: which notation a text is in, and what it declares.

use core::str::FromStr;

use alloc::format;
use alloc::vec::Vec;

use logos::Logos;

use super::elaborate::Elaborated;
use super::grammar::{LocalTypeParser, LocalsParser};
use super::lexer::{Lexer, Notation, Pulse};
use super::module::{Loader, NoModules};
use super::reader::Reader;
use super::texts::Imported;
use super::token::{Flaw, Token};
use super::{Declared, Limits, Stated, assemble, cfsm, elaborate, imports, resolve, words};
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::global::GlobalType;
use crate::types::local::{LocalType, LocalTypes};
use crate::types::name::Name;

/// Reads a text in any notation: JSON, Scribble, local types, automata, told apart by how it
/// begins. It can import nothing; [`Source::read_with`](super::Source::read_with) reads a text with
/// its modules.
///
/// The diagnostics beside the result are warnings.
///
/// # Errors
/// Everything that is wrong with the text, in its order.
pub fn read(text: &str, limits: &Limits) -> Result<(Declared, Diagnostics), Diagnostics> {
    read_with(text, limits, &mut NoModules).0
}

/// As [`read`], with the modules that `loader` has; beside what was read, their texts.
pub(super) fn read_with(
    text: &str,
    limits: &Limits,
    loader: &mut dyn Loader,
) -> (Result<(Declared, Diagnostics), Diagnostics>, Imported) {
    let none = Imported::behind(text.len());
    if let Err(found) = fits(text, limits) {
        return (Err(found), none);
    }
    let read = match sniff(text) {
        Form::Empty => {
            let text = "the text declares no protocol";
            let remedy = "write `global protocol Name(role A, role B) { … }`, or a local type for each role: `A = B!hello . end`";
            Err(Diagnostic::new(Code::NoProtocol, Span::NONE, text).remedy(remedy).into())
        }
        Form::Json => super::json::read(text, limits),
        Form::Scribble => return scribble(text, limits, loader),
        Form::Local => {
            read_local(text, limits).map(|(locals, warnings)| (Declared::Local(locals), warnings))
        }
        Form::Automata(notation) => match notation {
            cfsm::Notation::Fsm => cfsm::read_fsm(text, limits),
            cfsm::Notation::Dot => cfsm::read_dot(text, limits),
        }
        .map(|(locals, warnings)| (Declared::Local(locals), warnings)),
    };
    (read, none)
}

/// Reads the global protocols of a Scribble text, without the auxiliary ones; never none. It can
/// import nothing.
///
/// # Errors
/// Everything that is wrong with the text, in its order.
pub fn read_global(
    text: &str,
    limits: &Limits,
) -> Result<(Vec<GlobalType>, Diagnostics), Diagnostics> {
    fits(text, limits)?;
    let (declared, warnings) = scribble(text, limits, &mut NoModules).0?;
    let globals = match declared {
        Declared::Global(globals) => globals,
        Declared::Local(_) => Vec::new(),
        Declared::Named(list) => {
            let global = |stated| match stated {
                Stated::Global(global) => Some(global),
                Stated::Local(..) => None,
            };
            list.into_iter().filter_map(global).collect()
        }
    };
    if globals.is_empty() { Err(no_protocol().into()) } else { Ok((globals, warnings)) }
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

impl Loose {
    fn of(locals: &LocalTypes) -> Self {
        let roles = locals.roles().iter().cloned();
        Self::Locals(roles.map(|(name, local)| (Some(name), local)).collect())
    }
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
            Declared::Local(locals) => Loose::of(&locals),
            Declared::Named(stated) => match &stated[0] {
                Stated::Global(global) => Loose::Globals(Vec::from([global.clone()])),
                Stated::Local(_, locals) => Loose::of(locals),
            },
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
    let mut lexer = Lexer::new(text, 0, Notation::Local, limits, &pulse);
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
    let mut lexer = Lexer::new(text, 0, Notation::Local, limits, &pulse);
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

fn scribble(
    text: &str,
    limits: &Limits,
    loader: &mut dyn Loader,
) -> (Result<(Declared, Diagnostics), Diagnostics>, Imported) {
    let (mut modules, found, imported) = imports::read(text, limits, loader);
    let (resolved, more) = resolve::resolve(&mut modules);
    let found = unique(found, more);
    let (types, more) = elaborate::elaborate(&modules, &resolved);
    let found = unique(found, more);
    let (mut globals, mut locals) = (Vec::new(), Vec::new());
    for elaborated in types {
        match elaborated {
            Elaborated::Global(global) => globals.push(global),
            Elaborated::Local(index, local) => locals.push((index, local)),
        }
    }
    let (locals, more) = assemble::assemble(&modules, locals);
    let mut found = unique(found, more);
    found.sort();
    if !found.has_errors() && globals.is_empty() && locals.is_empty() {
        found.push(no_protocol());
    }
    if found.has_errors() {
        return (Err(found), imported);
    }
    if locals.is_empty() {
        return (Ok((Declared::Global(globals), found)), imported);
    }
    let locals = locals.into_iter().map(|(name, locals)| Stated::Local(name, locals));
    let all = globals.into_iter().map(Stated::Global).chain(locals).collect();
    (Ok((Declared::Named(all), found)), imported)
}

fn no_protocol() -> Diagnostic {
    let text = "no global protocol is declared";
    Diagnostic::new(Code::NoProtocol, Span::NONE, text)
        .remedy("write `global protocol Name(role A, role B) { … }`")
}

type Failure<'t> = lalrpop_util::ParseError<usize, Token<'t>, super::lexer::Stop>;

/// What lexer and parser found, in the order of the text.
pub(super) fn finish(
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

pub(super) fn fits(text: &str, limits: &Limits) -> Result<(), Diagnostics> {
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
    Automata(cfsm::Notation),
}

/// The form of a text, by its first tokens.
fn sniff(text: &str) -> Form {
    if let Some(notation) = cfsm::notation(text) {
        return Form::Automata(notation);
    }
    // A pragma is no more than a comment here.
    if Token::lexer(text).all(|token| token == Err(Flaw::Pragma)) {
        return Form::Empty;
    }
    let mut tokens = Token::lexer(text).filter_map(Result::ok);
    match tokens.next() {
        Some(Token::OpenBrace) => Form::Json,
        Some(
            Token::Module
            | Token::Import
            | Token::From
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
