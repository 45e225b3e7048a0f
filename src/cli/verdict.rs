//! What is known of a file after it was checked, and its JSON.

use std::path::Path;

use serde::Serialize;

use super::{Failure, input};
use crate::types::syntax::{Each, Place, Report, Texts};
use crate::types::{
    Diagnostic, Diagnostics, Edge, GlobalType, Name, Origin, Protocol, RoleIx, Severity, Span,
};

/// A file that was read and checked.
#[derive(Debug)]
pub(super) struct Verdict {
    /// Whether nothing refuses it.
    pub(super) ok: bool,
    /// Its protocols; none if the text is refused as a whole.
    pub(super) protocols: Vec<Checked>,
    /// What was found, warnings included.
    pub(super) report: Report,
}

/// A protocol of a text that was understood.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) name: Name,
    pub(super) origin: Origin,
    pub(super) roles: Vec<CheckedRole>,
    /// Whether every role has a projection; local types have no need of one.
    pub(super) projectable: Option<bool>,
    /// What sessions would run, if nothing refuses it.
    pub(super) protocol: Option<Protocol>,
}

/// A role of such a protocol.
#[derive(Debug)]
pub(super) struct CheckedRole {
    pub(super) name: Name,
    /// How many states its automaton has.
    pub(super) states: Option<usize>,
    /// Whether it has a projection; local types have no need of one.
    pub(super) projectable: Option<bool>,
}

impl Verdict {
    /// Checks a file.
    pub(super) fn of(file: &Path) -> Result<Self, Failure> {
        let source = match input::read_source(file)? {
            Ok(source) => source,
            Err(report) => return Ok(Self { ok: false, protocols: Vec::new(), report }),
        };
        let mut found = source.warnings.clone();
        let each = source.declared.each().into_iter().zip(source.names());
        let protocols = each.map(|(each, name)| match each {
            Each::Global(global) => Checked::global(global, &mut found),
            Each::Local(_, locals) => {
                let roles = locals.roles().iter().map(|(name, _)| name);
                let roles = roles.map(CheckedRole::of).collect();
                let protocol = Protocol::from_locals(name.clone(), locals.clone());
                Checked::new(name, Origin::Local, roles, None, protocol, &mut found)
            }
        });
        let protocols = protocols.collect();
        found.sort();
        Ok(Self { ok: !found.has_errors(), protocols, report: source.report(found) })
    }

    /// How many errors there are.
    pub(super) fn errors(&self) -> usize {
        let list = self.report.diagnostics.list().iter();
        let errors = list.filter(|found| found.code.severity() == Severity::Error).count();
        errors + self.report.diagnostics.suppressed()
    }
}

impl Checked {
    fn global(global: &GlobalType, found: &mut Diagnostics) -> Self {
        let protocol = Protocol::from_global(global);
        let role = |name: &Name| CheckedRole {
            projectable: Some(protocol.is_ok() || crate::types::project(global, name).is_ok()),
            ..CheckedRole::of(name)
        };
        let roles: Vec<CheckedRole> = global.roles().iter().map(role).collect();
        let projectable = roles.iter().all(|role| role.projectable == Some(true));
        let name = global.name().clone();
        Self::new(name, Origin::Global, roles, Some(projectable), protocol, found)
    }

    fn new(
        name: Name,
        origin: Origin,
        mut roles: Vec<CheckedRole>,
        projectable: Option<bool>,
        protocol: Result<Protocol, Diagnostics>,
        found: &mut Diagnostics,
    ) -> Self {
        let protocol = protocol.map_err(|more| found.append(more)).ok();
        if let Some(protocol) = &protocol {
            for (index, role) in roles.iter_mut().enumerate() {
                let index = RoleIx(u16::try_from(index).expect("ROLES_MAX fits"));
                role.states = Some(protocol.automaton(index).len());
            }
        }
        Self { name, origin, roles, projectable, protocol }
    }
}

impl CheckedRole {
    fn of(name: &Name) -> Self {
        Self { name: name.clone(), states: None, projectable: None }
    }
}

impl Verdict {
    /// The verdict as one JSON document, on one line.
    pub(super) fn json(&self) -> String {
        let report = &self.report;
        let list = report.diagnostics.list().iter().zip(report.places());
        let document = VerdictJson {
            ok: self.ok,
            file: report.name(),
            protocols: self.protocols.iter().map(Checked::json).collect(),
            diagnostics: list
                .map(|(found, place)| diagnostic(&report.texts, found, place))
                .collect(),
            suppressed: report.diagnostics.suppressed(),
        };
        serde_json::to_string(&document).expect("a verdict has nothing that JSON cannot write")
    }
}

#[derive(Serialize)]
struct VerdictJson<'a> {
    ok: bool,
    file: &'a str,
    protocols: Vec<ProtocolJson<'a>>,
    diagnostics: Vec<DiagnosticJson<'a>>,
    suppressed: usize,
}

#[derive(Serialize)]
struct ProtocolJson<'a> {
    name: &'a str,
    origin: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    projectable: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    composition: Option<&'static str>,
    roles: Vec<RoleJson<'a>>,
    messages: Option<Vec<MessageJson<'a>>>,
    edges: Option<Vec<EdgeJson<'a>>>,
    digest: Option<String>,
}

#[derive(Serialize)]
struct RoleJson<'a> {
    name: &'a str,
    states: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    projectable: Option<bool>,
}

#[derive(Serialize)]
struct MessageJson<'a> {
    label: &'a str,
    arguments: Vec<ArgumentJson<'a>>,
}

#[derive(Serialize)]
struct ArgumentJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    sort: String,
}

#[derive(Serialize)]
struct EdgeJson<'a> {
    from: &'a str,
    to: &'a str,
}

/// Places are in bytes (`span`) and for people (`line` and `column`, from 1, in characters). `file`
/// is there where it is another one: that of an imported module.
#[derive(Serialize)]
struct DiagnosticJson<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    span: Option<SpanJson>,
    line: Option<usize>,
    column: Option<usize>,
    remedy: Option<&'a str>,
    notes: Vec<NoteJson<'a>>,
}

#[derive(Serialize)]
struct NoteJson<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    span: Option<SpanJson>,
}

#[derive(Serialize)]
struct SpanJson {
    start: u32,
    end: u32,
}

impl Checked {
    fn json(&self) -> ProtocolJson<'_> {
        let roles = self.roles.iter().map(|role| RoleJson {
            name: &role.name,
            states: role.states,
            projectable: role.projectable,
        });
        let protocol = self.protocol.as_ref();
        ProtocolJson {
            name: &self.name,
            origin: match self.origin {
                Origin::Global => "global",
                Origin::Local => "local",
            },
            projectable: self.projectable,
            composition: (self.origin == Origin::Local).then_some("not_checked"),
            roles: roles.collect(),
            messages: protocol.map(messages),
            edges: protocol.map(edges),
            digest: protocol.map(|protocol| protocol.digest().to_string()),
        }
    }
}

fn messages(protocol: &Protocol) -> Vec<MessageJson<'_>> {
    let mut messages = Vec::with_capacity(protocol.messages().len());
    for message in protocol.messages() {
        let arguments = message
            .payload
            .args()
            .iter()
            .map(|(name, sort)| ArgumentJson { name: name.as_deref(), sort: sort.to_string() });
        let label = protocol.label_name(message.label);
        messages.push(MessageJson { label, arguments: arguments.collect() });
    }
    messages
}

fn edges(protocol: &Protocol) -> Vec<EdgeJson<'_>> {
    let name = |role| protocol.role_name(role).as_str();
    let edge = |edge: &Edge| EdgeJson { from: name(edge.from), to: name(edge.to) };
    protocol.edges().iter().map(edge).collect()
}

fn diagnostic<'a>(
    texts: &'a Texts,
    found: &'a Diagnostic,
    place: Option<Place<'_>>,
) -> DiagnosticJson<'a> {
    let note = |(at, message): &'a (Span, String)| {
        let (file, span) = located(texts, *at);
        NoteJson { message, file, span }
    };
    let (file, span) = located(texts, found.span);
    DiagnosticJson {
        code: found.code.as_str(),
        severity: match found.code.severity() {
            Severity::Warning => "warning",
            Severity::Error => "error",
        },
        message: &found.message,
        file,
        span,
        line: place.map(|place| place.line),
        column: place.map(|place| place.column),
        remedy: found.remedy.as_deref(),
        notes: found.notes.iter().map(note).collect(),
    }
}

/// The file of a place, if it is not the main one, and the place there.
fn located(texts: &Texts, at: Span) -> (Option<&str>, Option<SpanJson>) {
    let (text, span) = texts.find(at);
    let other = (!core::ptr::eq(text, texts.main())).then_some(text.name.as_str());
    let span = SpanJson { start: span.start, end: span.end };
    (other, (at != Span::NONE).then_some(span))
}
