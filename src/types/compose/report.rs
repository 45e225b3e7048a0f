//! What is wrong with a composition, as a diagnostic: what happens, after which run, the remedy.
//!
//! Clauses: COMP-5.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Composition;
use super::violation::{Kind, Starved, Step, Violation, Waiting};
use crate::types::automaton::{EdgeIx, MessageIx, RoleIx};
use crate::types::diagnostics::{Code, Diagnostic, Span};
use crate::types::local::Direction;
use crate::types::name::Name;
use crate::types::protocol::Protocol;
use crate::types::tree::NodeId;

/// The most steps of a run that a note says; the chart has all of them.
const STEPS_SAID_MAX: usize = 12;

impl Composition {
    /// What refuses the protocol, or what its users should know: `unexpected_message`,
    /// `orphan_message`, `deadlock` or `not_live` if it is safe at no capacity that was tried;
    /// `capacity_matters`, a warning, if it is safe at some and wrong at another;
    /// `composition_unknown` if the search ended at its limit before anything was known.
    #[must_use]
    pub fn diagnostic(&self, protocol: &Protocol) -> Option<Diagnostic> {
        let names = Names(protocol);
        if let Some(violation) = &self.violation {
            let capacities = capacities_said(&self.capacities);
            let found = violation.diagnostic(names, &capacities);
            return Some(match self.safe.last() {
                None => found,
                Some(safe) => {
                    let text =
                        format!("safe at {}, but not at {capacities}", capacities_said(safe));
                    let found = found.notes.into_iter().fold(
                        Diagnostic::new(Code::CapacityMatters, found.span, text)
                            .note(Span::NONE, format!("at {capacities}, {}", found.message)),
                        |sum, (span, note)| sum.note(span, note),
                    );
                    found.remedy("sessions get capacities that are safe; no other can be asked for")
                }
            });
        }
        if self.safe.is_empty() {
            let text = format!(
                "whether the roles are safe together is not known: {} configurations were \
                 explored, up to {}, and nothing wrong was found",
                self.explored.configurations,
                capacities_said(&self.capacities)
            );
            let remedy = "raise the limit, or make the protocol smaller";
            let found = Diagnostic::new(Code::CompositionUnknown, Span::NONE, text);
            return Some(found.remedy(remedy));
        }
        None
    }
}

/// A vector of capacities, as in “at …”.
#[must_use]
pub fn capacities_said(capacities: &[u32]) -> String {
    match capacities.first() {
        None => "any capacity".into(),
        Some(first) if capacities.iter().all(|capacity| capacity == first) => {
            format!("capacity {first}")
        }
        Some(_) => {
            let list: Vec<String> = capacities.iter().map(u32::to_string).collect();
            format!("capacities {}", list.join(", "))
        }
    }
}

/// A step as `A: B!label`.
#[must_use]
pub fn step_said(protocol: &Protocol, step: &Step) -> String {
    let names = Names(protocol);
    let (role, peer) = (names.role(step.role), names.role(step.peer));
    format!("{role}: {peer}{}{}", step.direction.symbol(), names.label(step.message))
}

/// The names of what a violation speaks of.
#[derive(Clone, Copy)]
struct Names<'a>(&'a Protocol);

impl<'a> Names<'a> {
    fn role(self, role: RoleIx) -> &'a Name {
        self.0.role_name(role)
    }

    fn label(self, message: MessageIx) -> &'a Name {
        self.0.label_name(self.0.message(message).label)
    }

    fn ends(self, edge: EdgeIx) -> (&'a Name, &'a Name) {
        let edge = self.0.edges()[edge.index()];
        (self.role(edge.from), self.role(edge.to))
    }

    fn waiting(self, waiting: &Waiting) -> String {
        let role = self.role(waiting.role);
        let each: Vec<String> = waiting
            .edges
            .iter()
            .map(|edge| {
                let (from, to) = self.ends(*edge);
                match waiting.direction {
                    Direction::Receive => format!("a message from `{from}`"),
                    Direction::Send => format!("room on the edge to `{to}`"),
                }
            })
            .collect();
        format!("`{role}` waits for {}", each.join(" or "))
    }

    /// Where the local type of a role begins.
    fn span(self, role: RoleIx) -> Span {
        self.0.local(role).tree().node_span(NodeId::ROOT)
    }
}

impl Violation {
    fn code(&self) -> Code {
        match self.kind {
            Kind::UnexpectedMessage(_) => Code::UnexpectedMessage,
            Kind::OrphanMessage(_) => Code::OrphanMessage,
            Kind::Deadlock => Code::Deadlock,
            Kind::NotLive(_) => Code::NotLive,
        }
    }

    fn diagnostic(&self, names: Names<'_>, capacities: &str) -> Diagnostic {
        let (role, text) = self.text(names);
        let shortest = if self.known_shortest { "" } else { "; not known to be the shortest run" };
        let note = match self.run.steps.len() {
            0 => format!("at {capacities}, at once"),
            steps => {
                let said = self.run.steps.iter().rev().take(STEPS_SAID_MAX).rev();
                let said: Vec<String> = said.map(|step| step_said(names.0, step)).collect();
                let cut = if steps > STEPS_SAID_MAX { "…, " } else { "" };
                let plural = if steps == 1 { "" } else { "s" };
                let said = said.join(", ");
                format!("at {capacities}, after {steps} step{plural}{shortest}: {cut}{said}")
            }
        };
        let mut found = Diagnostic::new(self.code(), names.span(role), text).note(Span::NONE, note);
        for waiting in &self.run.waiting {
            found = found.note(names.span(waiting.role), names.waiting(waiting));
        }
        found.remedy(self.remedy(names))
    }

    /// Whose type has to change most likely, and what happens.
    fn text(&self, names: Names<'_>) -> (RoleIx, String) {
        let head = |edge: EdgeIx| {
            let label = self.run.ends.edges[edge.index()].first();
            label.map_or("?", |message| names.label(*message).as_str())
        };
        let to = |edge: EdgeIx| names.0.edges()[edge.index()].to;
        match self.kind {
            Kind::UnexpectedMessage(edge) => {
                let (from, into) = names.ends(edge);
                let label = head(edge);
                let text = format!(
                    "`{into}` waits for another message than `{label}`, which is what comes \
                     from `{from}`"
                );
                (to(edge), text)
            }
            Kind::OrphanMessage(edge) => {
                let (from, into) = names.ends(edge);
                let label = head(edge);
                let text = format!(
                    "every role has ended, and `{label}` from `{from}` to `{into}` is never \
                     received"
                );
                (to(edge), text)
            }
            Kind::Deadlock => {
                let first = self.run.waiting.first().map_or(RoleIx(0), |waiting| waiting.role);
                (first, "nobody can move, and not every role has ended".into())
            }
            Kind::NotLive(Starved::Role(role)) => {
                let waiting = self.run.waiting.iter().find(|waiting| waiting.role == role);
                let what = waiting.map_or_else(String::new, |waiting| names.waiting(waiting));
                (role, format!("{what}, in vain, whatever the others do"))
            }
            Kind::NotLive(Starved::Message(edge)) => {
                let (from, into) = names.ends(edge);
                let label = head(edge);
                let text = format!(
                    "`{label}` from `{from}` to `{into}` is never received, whatever happens"
                );
                (to(edge), text)
            }
        }
    }

    fn remedy(&self, names: Names<'_>) -> String {
        let edge = |edge: EdgeIx| {
            let label = self.run.ends.edges[edge.index()].first();
            let label = label.map_or("it", |message| names.label(*message).as_str());
            let (from, to) = names.ends(edge);
            (label, from, to)
        };
        match self.kind {
            _ if self.for_room => String::from(
                "more room may help or not (what was tried did not): let the receiver make room, \
                 or the sender wait for an answer before it sends more",
            ),
            Kind::UnexpectedMessage(at) => {
                let (label, from, to) = edge(at);
                format!("let `{to}` receive `{label}` there, or let `{from}` not send it then")
            }
            Kind::OrphanMessage(at) | Kind::NotLive(Starved::Message(at)) => {
                let (label, from, to) = edge(at);
                format!("let `{to}` receive `{label}`, or let `{from}` not send it then")
            }
            Kind::Deadlock => {
                "let one of them go on first: one that waits has to send before it waits".into()
            }
            Kind::NotLive(Starved::Role(role)) => {
                format!("let `{}` be told, in every run, that it is over", names.role(role))
            }
        }
    }
}
