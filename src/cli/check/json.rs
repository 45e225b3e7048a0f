//! The verdict as one JSON document.

use serde::Serialize;
use serde_json::{Value as Tree, json};

use super::verdict::{Checked, Verdict};
use crate::types::complete::{Ambiguity, Cause, Continuation, Trace};
use crate::types::compose::{
    Bound, Composition, Determinacy, Exhaustivity, Run, Starved, Step, Violation, ViolationKind,
    Waiting, step_said,
};
use crate::types::syntax::{Place, Texts};
use crate::types::{
    Diagnostic, Direction, Edge, Evidence, Origin, Protocol, RoleIx, Severity, Span,
};

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
    projectable: Option<ProjectableJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ambiguities: Vec<Tree>,
    #[serde(skip_serializing_if = "Option::is_none")]
    composition: Option<Tree>,
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
    projectable: Option<ProjectableJson>,
}

/// Whether there is a projection, and whether the classic one with full merge is one.
#[derive(Serialize)]
struct ProjectableJson {
    complete: bool,
    classic: bool,
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
    bound: Tree,
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
            projectable: role
                .projectable
                .map(|p| ProjectableJson { complete: p.complete, classic: p.classic }),
        });
        let compiled = self.compiled.as_ref();
        let protocol = compiled.map(|(protocol, _)| protocol);
        ProtocolJson {
            name: &self.name,
            origin: match self.origin {
                Origin::Global => "global",
                Origin::Local => "local",
            },
            projectable: self.projectable(|p| p.complete).map(|complete| ProjectableJson {
                complete,
                classic: self.projectable(|p| p.classic) == Some(true),
            }),
            ambiguities: self.ambiguities.iter().map(ambiguity).collect(),
            composition: compiled.map(|(protocol, found)| composition(protocol, found)),
            roles: roles.collect(),
            messages: protocol.map(messages),
            edges: compiled.map(|(protocol, found)| edges(protocol, found)),
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

fn edges<'a>(protocol: &'a Protocol, found: &Composition) -> Vec<EdgeJson<'a>> {
    let name = |role| protocol.role_name(role).as_str();
    let edges = protocol.edges().iter().zip(&found.bounds);
    let edge = edges.map(|(edge, bound)| EdgeJson {
        from: name(edge.from),
        to: name(edge.to),
        bound: match bound {
            Bound::Finite { most, exact } => json!({"most": most, "exact": exact}),
            Bound::Unbounded(growth) => json!({
                "unbounded": true,
                "run": steps(protocol, &growth.run),
                "loop": steps(protocol, &growth.cycle),
            }),
            Bound::Unknown { seen } => json!({"seen": seen}),
        },
    });
    edge.collect()
}

fn composition(protocol: &Protocol, found: &Composition) -> Tree {
    let explored = &found.explored;
    json!({
        "verdict": match &found.violation {
            _ if found.is_safe() => "safe",
            Some(_) if found.safe.is_empty() => "unsafe",
            Some(_) => "capacity_matters",
            None => "unknown",
        },
        "capacities": found.capacities,
        "tried": found.tried,
        "safe_at": evidence(protocol.evidence()),
        "configurations": explored.configurations,
        "transitions": explored.transitions,
        "bytes": explored.bytes,
        "limited": explored.limited,
        "exhaustive": match found.exhaustivity {
            Exhaustivity::From(k) => json!(k),
            _ => Tree::Null,
        },
        "not_exhaustive_up_to": match found.exhaustivity {
            Exhaustivity::NotUpTo(most, ..) => json!(most),
            _ => Tree::Null,
        },
        "directed": !matches!(found.exhaustivity, Exhaustivity::NotDirected),
        "determinate": match &found.determinacy {
            Determinacy::Determinate => json!(true),
            Determinacy::Several(..) => json!(false),
            Determinacy::Unknown => Tree::Null,
        },
        "violation": found.violation.as_ref().map(|found| violation(protocol, found)),
    })
}

/// Where it is safe: at `every` capacity, `from` one on, from `bounds` on, or `exactly` at some.
fn evidence(found: &Evidence) -> Tree {
    let mut safe = json!({"every": false});
    let parts = match found {
        Evidence::Any(parts) => &parts[..],
        single => std::slice::from_ref(single),
    };
    for part in parts {
        match part {
            Evidence::Every => safe["every"] = json!(true),
            Evidence::From(least) => safe["from"] = json!(least),
            Evidence::Bounds(bounds) => safe["bounds"] = json!(bounds),
            Evidence::Exactly(vectors) => safe["exactly"] = json!(vectors),
            Evidence::Any(_) | Evidence::None => {}
        }
    }
    safe
}

fn violation(protocol: &Protocol, found: &Violation) -> Tree {
    let edge = |index: crate::types::EdgeIx| {
        let edge = protocol.edges()[index.index()];
        json!({
            "from": protocol.role_name(edge.from).as_str(),
            "to": protocol.role_name(edge.to).as_str(),
        })
    };
    let (kind, at) = match found.kind {
        ViolationKind::UnexpectedMessage(at) => ("unexpected_message", edge(at)),
        ViolationKind::OrphanMessage(at) => ("orphan_message", edge(at)),
        ViolationKind::Deadlock => ("deadlock", Tree::Null),
        ViolationKind::NotLive(Starved::Message(at)) => ("not_live", edge(at)),
        ViolationKind::NotLive(Starved::Role(role)) => {
            ("not_live", json!({"role": protocol.role_name(role).as_str()}))
        }
    };
    json!({
        "kind": kind,
        "at": at,
        "run": steps(protocol, &found.run.steps),
        "loop": steps(protocol, &found.cycle),
        "shortest": found.known_shortest,
        "for_room": found.for_room,
        "waiting": waiting(protocol, &found.run),
        "left": left(protocol, &found.run),
    })
}

/// Who waits at the end of a run: for a message from, or for room on the edge to, one of these.
fn waiting(protocol: &Protocol, run: &Run) -> Vec<Tree> {
    let one = |waiting: &Waiting| {
        let (kind, peer): (_, fn(&Edge) -> RoleIx) = match waiting.direction {
            Direction::Receive => ("message_from", |edge| edge.from),
            Direction::Send => ("room_to", |edge| edge.to),
        };
        let peers = waiting.edges.iter().map(|edge| peer(&protocol.edges()[edge.index()]));
        let peers: Vec<&str> = peers.map(|role| protocol.role_name(role).as_str()).collect();
        json!({"role": protocol.role_name(waiting.role).as_str(), kind: peers})
    };
    run.waiting.iter().map(one).collect()
}

/// What is on the edges at the end of a run.
fn left(protocol: &Protocol, run: &Run) -> Vec<Tree> {
    let edges = protocol.edges().iter().zip(&run.ends.edges);
    let label = |message| protocol.label_name(protocol.message(message).label).as_str();
    edges
        .filter(|(_, messages)| !messages.is_empty())
        .map(|(edge, messages)| {
            json!({
                "from": protocol.role_name(edge.from).as_str(),
                "to": protocol.role_name(edge.to).as_str(),
                "messages": messages.iter().map(|message| label(*message)).collect::<Vec<_>>(),
            })
        })
        .collect()
}

fn steps(protocol: &Protocol, steps: &[Step]) -> Vec<String> {
    steps.iter().map(|step| step_said(protocol, step)).collect()
}

fn ambiguity(found: &Ambiguity) -> Tree {
    json!({
        "role": found.role.as_str(),
        "cause": match found.cause {
            Cause::Send => "send",
            Cause::Overtaking(_) => "overtaking",
            Cause::End => "end",
            Cause::Sorts => "sorts",
        },
        "runs": [run(&found.first), run(&found.second)],
        "shortest": found.shortest,
    })
}

fn run(trace: &Trace) -> Tree {
    let next = match &trace.next {
        Continuation::Send(steps) => {
            json!({"send": steps.iter().map(ToString::to_string).collect::<Vec<_>>()})
        }
        Continuation::Receive(step) => json!({"receive": step.to_string()}),
        Continuation::Nothing(_) => json!("nothing"),
    };
    json!({
        "messages": trace.steps.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "next": next,
    })
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
