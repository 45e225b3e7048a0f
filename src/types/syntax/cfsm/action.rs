//! The labels of edges, as several tools write them: whom an edge speaks to, and the message.
//!
//! | form | where |
//! |---|---|
//! | `B!label(int)`, `B?label(int)` | Antiphon, nuScr, Scribble: the partner |
//! | `A B!label`, `A,B?label`, `AB!label` | ChorGram, KMC: sender and receiver |
//! | `A->B:label`, `A→B:label` | choreographies: sender and receiver, the sign by the owner |
//!
//! Clauses: CFSM-4.

use alloc::format;

use super::message::Place;
use super::roles::Roles;
use super::table::cut;
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::local::Direction;

/// A label in its parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Action<'l> {
    who: Who<'l>,
    /// Where the names of the roles begin in the label.
    who_at: usize,
    /// The message, and where it begins in the label.
    pub(super) message: (&'l str, usize),
}

#[derive(Debug, Clone, Copy)]
enum Who<'l> {
    /// In front of a sign: a partner, or a sender and a receiver.
    Signed(&'l str, Direction),
    /// A sender and a receiver.
    Arrow(&'l str, &'l str),
}

/// Takes a label apart; nothing if it is none of the forms, which is reported.
pub(super) fn action<'l>(label: &'l str, at: Place, found: &mut Diagnostics) -> Option<Action<'l>> {
    let sign = label.find(['!', '?']);
    let arrow = [label.find("->"), label.find('→')].into_iter().flatten().min();
    let arrow = arrow.filter(|arrow| sign.is_none_or(|sign| *arrow < sign));
    let whole = at.of(Span::new(0, label.len()));
    if let Some(arrow) = arrow {
        let behind = arrow + if label[arrow..].starts_with("->") { 2 } else { '→'.len_utf8() };
        if let Some(colon) = label[behind..].find(':') {
            let who = Who::Arrow(label[..arrow].trim(), label[behind..behind + colon].trim());
            let message = behind + colon + 1;
            return Some(Action { who, who_at: 0, message: (&label[message..], message) });
        }
    } else if let Some(sign) = sign {
        let direction =
            if label[sign..].starts_with('!') { Direction::Send } else { Direction::Receive };
        let message = &label[sign + 1..];
        if message.starts_with(direction.symbol()) {
            found.push(
                Diagnostic::new(
                    Code::Unsupported,
                    whole,
                    "an explicit connection is not supported",
                )
                .remedy("leave it out: the roles of a session are connected"),
            );
            return None;
        }
        let before = &label[..sign];
        let who_at = before.len() - before.trim_start().len();
        let who = Who::Signed(before.trim(), direction);
        return Some(Action { who, who_at, message: (message, sign + 1) });
    }
    let text = format!("`{}` is no action of a role", cut(label));
    found.push(
        Diagnostic::new(Code::UnexpectedToken, whole, text)
            .remedy("write the partner, `!` or `?`, and the message: `Seller!title(string)`"),
    );
    None
}

impl Action<'_> {
    /// Whom the automaton `own`, called `name` in the text, speaks to and which way.
    pub(super) fn resolve(
        &self,
        own: u32,
        name: &str,
        roles: &Roles<'_>,
        at: Place,
        found: &mut Diagnostics,
    ) -> Option<(u32, Direction)> {
        match self.who {
            Who::Signed(who, direction) => {
                let peer = roles.named(who).or_else(|| pair(who, name, direction, roles));
                if peer.is_none() {
                    let span = Span::new(self.who_at, self.who_at + who.len());
                    roles.unknown(who, at.of(span), found);
                }
                Some((peer?, direction))
            }
            Who::Arrow(from, to) => {
                let place = at.of(Span::new(self.who_at, self.message.1));
                let mut role = |text: &str| {
                    let role = roles.named(text);
                    if role.is_none() {
                        roles.unknown(text, place, found);
                    }
                    role
                };
                let (from, to) = (role(from)?, role(to)?);
                if from == own {
                    Some((to, Direction::Send))
                } else if to == own {
                    Some((from, Direction::Receive))
                } else {
                    let text = format!("`{}` neither sends nor receives this message", cut(name));
                    found.push(
                        Diagnostic::new(Code::UnknownRole, place, text)
                            .remedy("an automaton has the actions of its own role"),
                    );
                    None
                }
            }
        }
    }
}

/// The partner in `AB`, `A B` or `A,B`, where the automaton's own name is the sender of what it
/// sends and the receiver of what it receives.
fn pair(who: &str, own: &str, direction: Direction, roles: &Roles<'_>) -> Option<u32> {
    let other = match direction {
        Direction::Send => who.strip_prefix(own)?,
        Direction::Receive => who.strip_suffix(own)?,
    };
    roles.named(other.trim_matches(|c: char| c.is_whitespace() || ",-.|".contains(c)))
}
