//! The text of KMC, GMC and ChorGram: a block of lines for each automaton.
//!
//! ```text
//! -- the client
//! .outputs Client
//! .state graph
//! q0 1 ! ask(nat) q1
//! q1 1 ? answer q0
//! .marking q0
//! .end
//! ```
//!
//! A transition is a state, the partner (by its place in the text from 0, or by its name), `!` or
//! `?`, a message and the state behind it. The sign needs no spaces around it, a message may have
//! spaces in it. States are any words. `--` begins a comment where a word could begin, `#` where a
//! line does. Directives are read in upper and lower case.
//!
//! Clauses: CFSM-1, CFSM-2, CFSM-4.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::fsm_words::Words;
use super::message::{Messages, Place};
use super::roles::{Roles, names};
use super::synthesis::locals;
use super::table::{State, States, System, Table, Transition, cut};
use crate::types::diagnostics::{Code, DIAGNOSTICS_MAX, Diagnostic, Diagnostics, Span};
use crate::types::local::{Direction, LocalTypes};
use crate::types::name::Name;
use crate::types::syntax::Limits;
use crate::types::syntax::text::fits;

/// Reads the automata of a text as KMC and ChorGram write it, and makes local types of them.
///
/// The diagnostics beside the result are warnings.
///
/// # Errors
/// Everything that is wrong with the text, in its order: `unexpected_token`, `initial_state`,
/// `unknown_role`, and what [`LocalTypes`] and the synthesis refuse (`mixed_choice`,
/// `duplicate_branch`, `self_message`, `too_large`, …).
///
/// ```
/// use antiphon::types::syntax::{Limits, cfsm};
/// let text = "
///     .outputs A
///     .state graph
///     0 1 ! hello(int) 1
///     .marking 0
///     .end
///     .outputs B
///     .state graph
///     0 0 ? hello(int) 1
///     .marking 0
///     .end";
/// let (locals, _) = cfsm::read_fsm(text, &Limits::default())?;
/// assert_eq!(locals.to_string(), "A = B!hello(int) . end\nB = A?hello(int) . end\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_fsm(text: &str, limits: &Limits) -> Result<(LocalTypes, Diagnostics), Diagnostics> {
    fits(text, limits)?;
    let mut reader = Reader {
        messages: Messages::new(limits),
        blocks: Vec::new(),
        open: None,
        found: Diagnostics::default(),
    };
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        reader.line(Words { text: uncommented(line), at: start });
        start += line.len();
        if reader.found.suppressed() > DIAGNOSTICS_MAX {
            break;
        }
    }
    reader.end(Span::new(text.len(), text.len()));
    let Reader { messages, blocks, mut found, .. } = reader;
    let system = resolved(blocks, messages, &mut found);
    locals(system, found)
}

/// The line without its comment.
fn uncommented(line: &str) -> &str {
    if line.trim_start().starts_with('#') {
        return "";
    }
    let begins = |at: &usize| *at == 0 || line.as_bytes()[at - 1].is_ascii_whitespace();
    let comment = line.match_indices("--").map(|(at, _)| at).find(begins);
    &line[..comment.unwrap_or(line.len())]
}

/// What has been read of an automaton.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Outputs,
    Graph,
    Marked,
}

/// One automaton, its partners not yet known.
struct Block<'t> {
    stage: Stage,
    span: Span,
    given: Option<Name>,
    states: Vec<State>,
    known: HashMap<&'t str, u32>,
    marking: Option<Words<'t>>,
    /// Each with its partner as it is written.
    transitions: Vec<(Words<'t>, Transition)>,
    broken: bool,
}

impl<'t> Block<'t> {
    fn state(&mut self, word: Words<'t>) -> u32 {
        let next = u32::try_from(self.states.len()).unwrap_or(u32::MAX);
        *self.known.entry(word.text).or_insert_with(|| {
            let (name, span) = (word.text.to_string(), word.span());
            self.states.push(State { name, span, marker: false });
            next
        })
    }
}

struct Reader<'t> {
    messages: Messages,
    blocks: Vec<Block<'t>>,
    open: Option<Block<'t>>,
    found: Diagnostics,
}

impl<'t> Reader<'t> {
    fn line(&mut self, line: Words<'t>) {
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        if line.text.starts_with('.') {
            return self.directive(line);
        }
        match &self.open {
            Some(block) if block.stage == Stage::Graph => self.transition(line),
            Some(block) if block.stage == Stage::Outputs => {
                self.unexpected(line.span(), &line.shown(), "`.state graph`");
                self.set(Stage::Graph);
                self.transition(line);
            }
            Some(_) => self.unexpected(line.span(), &line.shown(), "`.end`"),
            None => {
                self.unexpected(line.span(), &line.shown(), "`.outputs`, which begins an automaton")
            }
        }
    }

    fn directive(&mut self, line: Words<'t>) {
        let (word, rest) = line.first();
        let stage = self.open.as_ref().map(|block| block.stage);
        match (word.text.to_ascii_lowercase().as_str(), stage) {
            (".outputs", None) => self.begin(word, rest),
            (".outputs", Some(_)) => {
                self.end(word.span());
                self.begin(word, rest);
            }
            (".state", Some(Stage::Outputs)) if rest.text.eq_ignore_ascii_case("graph") => {
                self.set(Stage::Graph);
            }
            (".marking", Some(Stage::Graph)) => self.marking(word, rest),
            (".end", Some(_)) => self.end(word.span()),
            (_, None) => self.unexpected(word.span(), &word.shown(), "`.outputs`"),
            (_, Some(Stage::Outputs)) => {
                self.unexpected(line.span(), &line.shown(), "`.state graph`");
            }
            (_, Some(Stage::Graph)) => {
                self.unexpected(word.span(), &word.shown(), "a transition or `.marking`");
            }
            (_, Some(Stage::Marked)) => self.unexpected(word.span(), &word.shown(), "`.end`"),
        }
    }

    fn set(&mut self, stage: Stage) {
        if let Some(block) = &mut self.open {
            block.stage = stage;
        }
    }

    fn begin(&mut self, word: Words<'t>, rest: Words<'t>) {
        let (name, more) = rest.first();
        let given = match Name::new(name.text) {
            _ if name.is_empty() => None,
            Ok(given) => Some(given),
            Err(error) => {
                self.report(
                    Diagnostic::new(Code::UnexpectedToken, name.span(), error.to_string())
                        .remedy("choose another name, or none"),
                );
                None
            }
        };
        if !more.is_empty() {
            self.unexpected(more.span(), &more.shown(), "the end of the line");
        }
        self.open = Some(Block {
            stage: Stage::Outputs,
            span: if name.is_empty() { word.span() } else { name.span() },
            given,
            states: Vec::new(),
            known: HashMap::new(),
            marking: None,
            transitions: Vec::new(),
            broken: false,
        });
    }

    /// `.marking q0`, or `.marking {q0}` as petrify has it.
    fn marking(&mut self, word: Words<'t>, rest: Words<'t>) {
        let braces = rest.text.len() > 1 && rest.text.starts_with('{') && rest.text.ends_with('}');
        let inner = if braces {
            Words { text: &rest.text[1..rest.text.len() - 1], at: rest.at + 1 }
        } else {
            rest
        };
        let (state, more) = inner.first();
        if state.is_empty() {
            self.report(
                Diagnostic::new(Code::InitialState, word.span(), "no state is marked as initial")
                    .remedy("write the state in which the automaton begins: `.marking q0`"),
            );
        } else if !more.is_empty() {
            self.report(
                Diagnostic::new(Code::InitialState, more.span(), "a second state is marked")
                    .note(state.span(), "the first one")
                    .remedy("an automaton begins in one state"),
            );
        }
        if let Some(block) = &mut self.open {
            block.stage = Stage::Marked;
            block.marking = (!state.is_empty()).then_some(state);
        }
    }

    /// `q0 1 ! label(int) q1`
    fn transition(&mut self, line: Words<'t>) {
        let Some(sign) = line.text.find(['!', '?']) else {
            let silent = line.text.split_whitespace().nth(1) == Some("tau");
            if silent {
                self.report(
                    Diagnostic::new(
                        Code::Unsupported,
                        line.span(),
                        "a silent transition is not supported",
                    )
                    .remedy("join the states before and behind it"),
                );
            } else {
                let wanted = "a transition: state, partner, `!` or `?`, message, state";
                self.unexpected(line.span(), &line.shown(), wanted);
            }
            return;
        };
        let (before, rest) = line.split(sign);
        let (sign, behind) = rest.split(1);
        let direction = if sign.text == "!" { Direction::Send } else { Direction::Receive };
        let (from, partner) = before.first();
        if from.is_empty() || partner.is_empty() || partner.text.contains(char::is_whitespace) {
            let text = "in front of the sign stand a state and a partner";
            self.report(
                Diagnostic::new(Code::UnexpectedToken, before.trim().span(), text)
                    .remedy("write a transition as `q0 1 ! label q1`"),
            );
            return;
        }
        let (message, to) = behind.last();
        if message.is_empty() {
            let text = "behind the sign stand a message and the state that it leads to";
            let span = if to.is_empty() { sign.span() } else { to.span() };
            self.report(
                Diagnostic::new(Code::UnexpectedToken, span, text)
                    .remedy("write a transition as `q0 1 ! label q1`"),
            );
            return;
        }
        let number = self.messages.read(message.text, Place::At(message.at), &mut self.found);
        let Some(block) = &mut self.open else { return };
        let (from, to) = (block.state(from), block.state(to));
        let Some(message) = number else {
            block.broken = true;
            return;
        };
        let span = line.span();
        let transition = Transition { from, to, direction, peer: 0, message, span };
        block.transitions.push((partner, transition));
    }

    /// Closes the automaton that is open; `at` is where it ends.
    fn end(&mut self, at: Span) {
        let Some(block) = self.open.take() else { return };
        if block.stage != Stage::Marked && !block.broken {
            let (what, remedy) = match block.stage {
                Stage::Outputs => ("`.state graph`", "write `.state graph` before the transitions"),
                _ => ("`.marking`", "write the state in which the automaton begins: `.marking q0`"),
            };
            let text = format!("this automaton ends without {what}");
            let code = match block.stage {
                Stage::Outputs => Code::UnexpectedToken,
                _ => Code::InitialState,
            };
            self.found.push(
                Diagnostic::new(code, at, text).note(block.span, "the automaton").remedy(remedy),
            );
        }
        self.blocks.push(block);
    }

    fn unexpected(&mut self, span: Span, found: &str, expected: &str) {
        let text = format!("found {found}, expected {expected}");
        self.report(Diagnostic::new(Code::UnexpectedToken, span, text));
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        if let Some(block) = &mut self.open {
            block.broken = true;
        }
        self.found.push(diagnostic);
    }
}

/// The blocks as tables, each partner by its number.
fn resolved(blocks: Vec<Block<'_>>, messages: Messages, found: &mut Diagnostics) -> System {
    let roles_names = names(blocks.iter().map(|block| block.given.clone()).collect());
    let roles = Roles::new(roles_names.iter().map(Name::as_str));
    let mut tables = Vec::with_capacity(blocks.len());
    for (block, role) in blocks.into_iter().zip(&roles_names) {
        let mut block = block;
        let initial = initial(&mut block, found);
        let mut transitions = Vec::with_capacity(block.transitions.len());
        for (partner, transition) in block.transitions {
            match roles.numbered(partner.text).or_else(|| roles.named(partner.text)) {
                Some(peer) => transitions.push(Transition { peer, ..transition }),
                None => roles.unknown(partner.text, partner.span(), found),
            }
        }
        let states = States::Named(block.states);
        tables.push(Table { role: role.clone(), span: block.span, states, initial, transitions });
    }
    System { tables, messages: messages.list }
}

/// CFSM-3: the marked state, which has to be one of the states if there are any.
fn initial(block: &mut Block<'_>, found: &mut Diagnostics) -> u32 {
    let Some(marking) = block.marking else { return 0 };
    let whole = block.transitions.is_empty() || block.known.contains_key(marking.text);
    if !whole && !block.broken {
        let text = format!("no transition has the marked state `{}`", cut(marking.text));
        found.push(
            Diagnostic::new(Code::InitialState, marking.span(), text)
                .remedy("mark the state in which the automaton begins"),
        );
    }
    block.state(marking)
}
