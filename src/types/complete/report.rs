//! Why a role has no local type, for people: two runs, what is next in each, and a remedy.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::explain::Runs;
use super::graph::{Graph, Point};
use super::limits::Exceeded;
use super::subset::Kind;
use super::view::{self, View};
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::name::Name;
use crate::types::sort::Payload;

/// Why a role cannot do its part of a global type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unprojectable {
    /// It would have to do different things where it cannot know the difference.
    #[error("{0}")]
    Ambiguous(Box<Ambiguity>),
    /// The projection passed a limit before anything was found.
    #[error("the projection onto `{role}` has {exceeded}")]
    TooLarge {
        /// The role.
        role: Name,
        /// The limit.
        exceeded: Exceeded,
    },
}

/// Two runs of a global type in which a role sees the same, and what does not go together behind
/// them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ambiguity {
    /// The role.
    pub role: Name,
    /// What kind of thing it is.
    pub cause: Cause,
    /// One run.
    pub first: Trace,
    /// Another run.
    pub second: Trace,
    /// Whether no two such runs have fewer messages together up to the point where the role does
    /// different things.
    pub shortest: bool,
}

/// Why a role cannot do its part.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// What it may send in the first run, it may not in the second, or the other way round.
    Send,
    /// The message that it receives next in the second run can be there in the first run as well,
    /// where it is for later: the first run goes on with these messages, the last of which it is.
    Overtaking(Vec<Step>),
    /// A message comes in one run, and none ever in the other: it would wait for ever.
    End,
    /// A message of one name to or from one partner carries values of different sorts.
    Sorts,
}

/// A run of a global type, from its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Its messages, in order.
    pub steps: Vec<Step>,
    /// What the role does next.
    pub next: Continuation,
}

/// What a role does next in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Continuation {
    /// It sends one of these.
    Send(Vec<Step>),
    /// It receives this.
    Receive(Step),
    /// It does nothing more, in no run that goes on from here; the place where that begins.
    Nothing(Span),
}

/// A message of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its sender.
    pub from: Name,
    /// Its receiver.
    pub to: Name,
    /// Its label.
    pub label: Name,
    /// What it carries.
    pub payload: Payload,
    /// Where it was written.
    pub span: Span,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} : {}{}", self.from, self.to, self.label, self.payload)
    }
}

impl fmt::Display for Trace {
    /// The messages, in order.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            let between = if index > 0 { ", " } else { "" };
            write!(f, "{between}{step}")?;
        }
        Ok(())
    }
}

/// The message of a link.
pub(super) fn step(graph: &Graph<'_>, link: u32) -> Step {
    let (branch, found) = (graph.branch(link), graph.link(link));
    Step {
        from: graph.name(found.from).clone(),
        to: graph.name(found.to).clone(),
        label: branch.label.clone(),
        payload: branch.payload.clone(),
        span: graph.span(link),
    }
}

pub(super) fn trace(graph: &Graph<'_>, run: &[u32], next: view::Next) -> Trace {
    let next = match next {
        view::Next::Send(node) => {
            Continuation::Send(graph.links_of(node).map(|link| step(graph, link)).collect())
        }
        view::Next::Receive(link) => Continuation::Receive(step(graph, link)),
        view::Next::Nothing(node) => Continuation::Nothing(match graph.point(node) {
            Point::Choice { first, .. } => graph.span(first),
            _ => graph.global.tree().node_span(crate::types::tree::NodeId::of(node as usize)),
        }),
    };
    Trace { steps: run.iter().map(|link| step(graph, *link)).collect(), next }
}

impl Unprojectable {
    pub(super) fn ambiguous(view: &View<'_, '_>, runs: &Runs) -> Self {
        let graph = view.graph;
        let cause = match runs.conflict.kind {
            Kind::Send => Cause::Send,
            Kind::End => Cause::End,
            Kind::Sorts => Cause::Sorts,
            Kind::Overtaking => {
                Cause::Overtaking(runs.overtakes.iter().map(|link| step(graph, *link)).collect())
            }
        };
        Self::Ambiguous(Box::new(Ambiguity {
            role: graph.name(view.role).clone(),
            cause,
            first: trace(graph, &runs.one, runs.conflict.one),
            second: trace(graph, &runs.two, runs.conflict.two),
            shortest: runs.shortest,
        }))
    }
}

impl Continuation {
    /// What is done next, as the end of "it would …".
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Nothing(_) => String::from("have nothing more to do"),
            Self::Receive(step) => {
                format!("receive `{}{}` from `{}`", step.label, step.payload, step.from)
            }
            Self::Send(steps) => {
                let one =
                    |step: &Step| format!("`{}{}` to `{}`", step.label, step.payload, step.to);
                let steps: Vec<String> = steps.iter().map(one).collect();
                format!("send {}", steps.join(" or "))
            }
        }
    }

    fn span(&self) -> Span {
        match self {
            Self::Nothing(span) => *span,
            Self::Receive(step) => step.span,
            Self::Send(steps) => {
                steps.iter().map(|step| step.span).reduce(Span::join).unwrap_or(Span::NONE)
            }
        }
    }
}

impl Trace {
    /// The message at a place, counting what is next as well.
    fn step(&self, index: usize) -> Option<&Step> {
        let next = match &self.next {
            Continuation::Receive(step) => Some(step),
            Continuation::Send(steps) => steps.first(),
            Continuation::Nothing(_) => None,
        };
        self.steps.get(index).or(next.filter(|_| index == self.steps.len()))
    }
}

impl Ambiguity {
    /// The messages by which the runs part: two branches of one choice.
    #[must_use]
    pub fn parting(&self) -> (Option<&Step>, Option<&Step>) {
        let pairs = self.first.steps.iter().zip(&self.second.steps);
        let common = pairs.take_while(|(one, two)| one == two).count();
        (self.first.step(common), self.second.step(common))
    }

    /// What to change: who has to tell whom.
    fn remedy(&self) -> String {
        let role = &self.role;
        let tell = match self.parting() {
            (Some(one), Some(two)) if one.from != *role => format!(
                "let `{}` tell `{role}` whether it chose `{}` or `{}`, before `{role}` does anything else",
                one.from, one.label, two.label
            ),
            _ => format!("let somebody tell `{role}` which run it is in"),
        };
        match (&self.cause, &self.second.next) {
            (Cause::Sorts, _) => String::from("give the two messages labels of their own"),
            (Cause::Overtaking(_), Continuation::Receive(early)) => {
                format!("{tell}; or let `{}` wait for a message of `{role}` first", early.from)
            }
            _ => tell,
        }
    }
}

impl fmt::Display for Ambiguity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (role, one, two) = (&self.role, self.first.next.shown(), self.second.next.shown());
        write!(f, "`{role}` cannot know what to do: in one run it would {one}, in another {two}")?;
        match &self.cause {
            Cause::Overtaking(_) => {
                write!(f, ", and in the first the message of the second can be there, too")
            }
            _ => write!(f, ", and before that it has seen the same in both"),
        }
    }
}

/// A trace as the beginning of a sentence about what comes next.
fn after(trace: &Trace) -> String {
    const SHOWN_MAX: usize = 8;
    match trace.steps.len() {
        0 => String::from("at once"),
        count if count > SHOWN_MAX => {
            let last = Trace { steps: trace.steps[count - SHOWN_MAX..].to_vec(), ..trace.clone() };
            format!("after {} messages, the last of them {last}", count)
        }
        _ => format!("after {trace}"),
    }
}

impl From<Unprojectable> for Diagnostic {
    /// PROJ-8: says what a person needs to mend the protocol.
    fn from(found: Unprojectable) -> Self {
        let text = found.to_string();
        let found = match found {
            Unprojectable::Ambiguous(found) => *found,
            Unprojectable::TooLarge { exceeded, .. } => {
                let found = Self::new(Code::TooLarge, Span::NONE, text);
                return match exceeded.what.field() {
                    Some(field) => found.remedy(format!(
                        "raise `ProjectionLimits::{field}`, or let the role know earlier which branch was taken"
                    )),
                    None => found,
                };
            }
        };
        let span = match found.parting() {
            (Some(one), Some(two)) => one.span.join(two.span),
            (Some(one), None) | (None, Some(one)) => one.span,
            (None, None) => found.first.next.span(),
        };
        let note = |trace: &Trace| {
            let (after, next) = (after(trace), trace.next.shown());
            (trace.next.span(), format!("{after}, `{}` would {next}", found.role))
        };
        let (one, mut two) = (note(&found.first), note(&found.second));
        if !found.shortest {
            two.1.push_str(" (there may be shorter runs that show it)");
        }
        let mut diagnostic =
            Self::new(Code::Unimplementable, span, text).note(one.0, one.1).note(two.0, two.1);
        if let Cause::Overtaking(steps) = &found.cause
            && let Some(last) = steps.last()
        {
            let whole = Trace { steps: steps.clone(), ..found.first.clone() };
            diagnostic = diagnostic.note(last.span, format!("and the first run goes on: {whole}"));
        }
        diagnostic.remedy(found.remedy())
    }
}

impl From<Unprojectable> for Diagnostics {
    fn from(found: Unprojectable) -> Self {
        Diagnostic::from(found).into()
    }
}
