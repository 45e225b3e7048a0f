//! What is wrong with a composition, as a diagnostic: what happens, after which run, the remedy.
//!
//! Clauses: COMP-5.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Composition;
use super::violation::{Configuration, Kind, Starved, Step, Violation, Waiting};
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
            let mut found = violation.diagnostic(names, &capacities);
            if violation.for_room {
                if self.explored.limited {
                    let text = "the search ended at its limit: larger capacities were not tried";
                    found = found.note(Span::NONE, text);
                }
                found = found.remedy(self.room(names));
            }
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
                    found.remedy("sessions get what is safe; another capacity takes insisting")
                }
            });
        }
        if self.safe.is_empty() {
            let text = format!(
                "whether the roles are safe together is not known: {} configuration{} explored, up \
                 to {}, and nothing wrong was found",
                self.explored.configurations,
                if self.explored.configurations == 1 { " was" } else { "s were" },
                capacities_said(&self.capacities)
            );
            let remedy =
                "raise the limit (`--limit`, `ComposeLimits`), or make the protocol smaller";
            let found = Diagnostic::new(Code::CompositionUnknown, Span::NONE, text);
            return Some(found.remedy(remedy));
        }
        None
    }

    /// What to do where somebody waits for room in vain.
    fn room(&self, names: Names<'_>) -> String {
        let waiting = self.violation.iter().flat_map(|found| &found.run.waiting);
        let sends = waiting.filter(|waiting| waiting.direction == Direction::Send);
        let wanted = sends.flat_map(|waiting| &waiting.edges).find_map(|edge| {
            let most = self.bounds[edge.index()].most()?;
            (most > self.capacities[edge.index()]).then_some((*edge, most))
        });
        let most = self.tried.iter().copied().max().unwrap_or(1);
        match wanted {
            Some((edge, most)) => {
                let (from, to) = names.ends(edge);
                format!("give the edge from `{from}` to `{to}` room for {most} messages")
            }
            None if self.tried != self.capacities => format!(
                "no capacity up to {most} is enough: let the receiver make room, or the sender wait \
                 for an answer before it sends more"
            ),
            None => String::from(
                "try a larger capacity; or let the receiver make room, or the sender wait for an \
                 answer before it sends more",
            ),
        }
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

    /// A message's label, with what it carries where there are several of this label.
    fn label(self, message: MessageIx) -> String {
        let found = self.0.message(message);
        let label = self.0.label_name(found.label);
        let alike = self.0.messages().iter().filter(|other| other.label == found.label);
        if alike.count() > 1 { format!("{label}{}", found.payload) } else { label.to_string() }
    }

    fn ends(self, edge: EdgeIx) -> (&'a Name, &'a Name) {
        let edge = self.0.edges()[edge.index()];
        (self.role(edge.from), self.role(edge.to))
    }

    /// Whether a role has nothing more to do in a configuration.
    fn has_ended(self, role: RoleIx, at: &Configuration) -> bool {
        self.0.automaton(role).is_end(at.states[role.index()])
    }

    fn waiting(self, waiting: &Waiting, at: &Configuration) -> String {
        let role = self.role(waiting.role);
        let each: Vec<String> = waiting
            .edges
            .iter()
            .map(|edge| {
                let (from, to) = self.ends(*edge);
                let ends = self.0.edges()[edge.index()];
                let (text, peer) = match waiting.direction {
                    Direction::Receive => (format!("a message from `{from}`"), ends.from),
                    Direction::Send => (format!("room on the edge to `{to}`"), ends.to),
                };
                if self.has_ended(peer, at) { format!("{text}, which has ended") } else { text }
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
            found = found.note(names.span(waiting.role), names.waiting(waiting, &self.run.ends));
        }
        found.remedy(self.remedy(names))
    }

    /// Whose type has to change most likely, and what happens.
    fn text(&self, names: Names<'_>) -> (RoleIx, String) {
        let head = |edge: EdgeIx| {
            let label = self.run.ends.edges[edge.index()].first();
            label.map_or_else(String::new, |message| names.label(*message))
        };
        let to = |edge: EdgeIx| names.0.edges()[edge.index()].to;
        match self.kind {
            Kind::UnexpectedMessage(edge) => {
                let (from, into) = names.ends(edge);
                let label = head(edge);
                let ends = names.0.edges()[edge.index()];
                let state = self.run.ends.states[ends.to.index()];
                let taken = names.0.automaton(ends.to).receives(state).iter();
                let taken = taken.filter(|moved| moved.peer == ends.from);
                let taken: Vec<String> =
                    taken.map(|moved| format!("`{}`", names.label(moved.message))).collect();
                let taken = taken.join(" or ");
                (to(edge), format!("`{into}` waits for {taken} from `{from}`, and `{label}` comes"))
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
            Kind::Deadlock if self.unread(names).is_some() => {
                let edge = self.unread(names).expect("it is there");
                let ((from, into), label) = (names.ends(edge), head(edge));
                let text = format!(
                    "nobody can move: `{label}` from `{from}` is never received, as `{into}` has ended"
                );
                (to(edge), text)
            }
            Kind::Deadlock => {
                let first = self.run.waiting.first().map_or(RoleIx(0), |waiting| waiting.role);
                (first, "nobody can move, and not every role has ended".into())
            }
            Kind::NotLive(Starved::Role(role)) => {
                let waiting = self.run.waiting.iter().find(|waiting| waiting.role == role);
                let what = waiting
                    .map_or_else(String::new, |waiting| names.waiting(waiting, &self.run.ends));
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
            let label = label.map_or_else(String::new, |message| names.label(*message));
            let (from, to) = names.ends(edge);
            (label, from, to)
        };
        match self.kind {
            Kind::UnexpectedMessage(at) => {
                let (label, from, to) = edge(at);
                format!("let `{to}` receive `{label}` there, or let `{from}` not send it then")
            }
            Kind::OrphanMessage(at) | Kind::NotLive(Starved::Message(at)) => {
                let (label, from, to) = edge(at);
                format!("let `{to}` receive `{label}`, or let `{from}` not send it then")
            }
            Kind::Deadlock if self.unread(names).is_some() => {
                let (label, from, to) = edge(self.unread(names).expect("it is there"));
                format!("let `{to}` receive `{label}`, or let `{from}` not send it then")
            }
            Kind::Deadlock => match self.deserted(names) {
                Some((role, ended)) => format!(
                    "let `{ended}` send what `{role}` waits for before it ends, or `{role}` not \
                     wait for it"
                ),
                None => {
                    "let one of them go on first: one that waits has to send before it waits".into()
                }
            },
            Kind::NotLive(Starved::Role(role)) => {
                let role = names.role(role);
                match self.deserted(names) {
                    None if self.run.waiting.len() > 1 => format!(
                        "let somebody send what `{role}` waits for, who does not wait for others \
                         himself, or tell `{role}` that it is over"
                    ),
                    _ => format!("let `{role}` be told, in every run, that it is over"),
                }
            }
        }
    }

    /// An edge with a message to a role that has ended, where somebody waits for room on it.
    fn unread(&self, names: Names<'_>) -> Option<EdgeIx> {
        let waiting = self.run.waiting.iter();
        let sends = waiting.filter(|waiting| waiting.direction == Direction::Send);
        sends.flat_map(|waiting| waiting.edges.iter().copied()).find(|edge| {
            let to = names.0.edges()[edge.index()].to;
            !self.run.ends.edges[edge.index()].is_empty() && names.has_ended(to, &self.run.ends)
        })
    }

    /// Somebody who waits for a role that has ended, and this role.
    fn deserted<'a>(&self, names: Names<'a>) -> Option<(&'a Name, &'a Name)> {
        let waiting = self.run.waiting.iter();
        let mut deserted = waiting.filter(|waiting| waiting.direction == Direction::Receive);
        deserted.find_map(|waiting| {
            let from = |edge: &EdgeIx| names.0.edges()[edge.index()].from;
            let all = waiting.edges.iter().all(|edge| names.has_ended(from(edge), &self.run.ends));
            let ended = from(waiting.edges.first()?);
            all.then(|| (names.role(waiting.role), names.role(ended)))
        })
    }
}
