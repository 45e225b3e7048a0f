//! Graphviz's DOT: a digraph for each role, or one digraph with a cluster for each role.
//!
//! ```text
//! digraph shop {
//!   subgraph cluster_Client {
//!     start [shape=point];
//!     start -> 0;
//!     0 -> 1 [label="Server!ask(nat)"];
//!   }
//!   …
//! }
//! ```
//!
//! An automaton is called by the label of its cluster or digraph if that is a name, or else by what
//! stands behind `cluster_`, or by the name of the digraph; one that has only a number is called
//! `M` with the number. Its initial state is the one that an edge without a label leads to, from a
//! node that has no other edge; or else the one with `initial=true`; or else the only one with
//! `shape=box`; or else the one that is mentioned first. A state without transitions is an end,
//! whatever its shape. Nodes of the same name in two clusters are two states.
//!
//! Clauses: CFSM-1 to CFSM-4.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use hashbrown::HashMap;
use lalrpop_util::ParseError;

use super::action::action;
use super::dot_grammar::DigraphsParser;
use super::dot_lexer::DotLexer;
use super::dot_reader::{Dot, Edge, Group};
use super::dot_token::Token;
use super::message::Messages;
use super::roles::{Roles, names};
use super::synthesis::locals;
use super::table::{State, States, System, Table, Transition, cut};
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::local::LocalTypes;
use crate::types::name::Name;
use crate::types::syntax::Limits;
use crate::types::syntax::lexer::Stop;
use crate::types::syntax::text::fits;

/// Reads the automata of a text in DOT, and makes local types of them.
///
/// The diagnostics beside the result are warnings.
///
/// # Errors
/// Everything that is wrong with the text, in its order; behind a syntax error it is not read on.
///
/// ```
/// use antiphon::types::syntax::{Limits, cfsm};
/// let text = r#"
///     digraph A { 0 -> 1 [label="B!hello(int)"]; }
///     digraph B { 0 -> 1 [label="A?hello(int)"]; }"#;
/// let (locals, _) = cfsm::read_dot(text, &Limits::default())?;
/// assert_eq!(locals.to_string(), "A = B!hello(int) . end\nB = A?hello(int) . end\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_dot(text: &str, limits: &Limits) -> Result<(LocalTypes, Diagnostics), Diagnostics> {
    fits(text, limits)?;
    let mut dot = Dot::default();
    let mut lexer = DotLexer::new(text, limits);
    let parsed = DigraphsParser::new().parse(&mut dot, lexer.by_ref());
    let Dot { done, mut found, .. } = dot;
    found.append(lexer.found);
    if let Err(error) = parsed {
        // The digraphs behind it are not known: what would be said of partners is a consequence.
        unexpected(&error).into_iter().for_each(|diagnostic| found.push(diagnostic));
        found.sort();
        return Err(found);
    }
    let system = resolved(done, Messages::new(limits), &mut found);
    locals(system, found)
}

/// The diagnostic of a syntax error; none where the lexer stopped and has said why.
fn unexpected(error: &ParseError<usize, Token<'_>, Stop>) -> Option<Diagnostic> {
    let (span, shown, expected) = match error {
        ParseError::UnrecognizedToken { token: (start, token, end), expected } => {
            (Span::new(*start, *end), shown(*token), &expected[..])
        }
        ParseError::UnrecognizedEof { location, expected } => {
            let end = Span::new(*location, *location);
            (end, String::from("the end of the text"), &expected[..])
        }
        ParseError::ExtraToken { token: (start, token, end) } => {
            (Span::new(*start, *end), shown(*token), &[][..])
        }
        ParseError::InvalidToken { .. } | ParseError::User { error: Stop } => return None,
    };
    let expected: Vec<&str> = expected.iter().map(|name| name.trim_matches('"')).collect();
    let has = |name: &str| expected.contains(&name);
    let text = if has("subgraph") {
        format!("found {shown}, expected a statement or `}}`")
    } else if has("digraph") {
        format!("found {shown}, expected `digraph`")
    } else if has("word") && !has("{") && !has("]") {
        format!("found {shown}, expected a name")
    } else {
        format!("found {shown}, which cannot stand here")
    };
    let diagnostic = Diagnostic::new(Code::UnexpectedToken, span, text);
    Some(match error {
        ParseError::UnrecognizedToken { token: (_, Token::Line | Token::Graph, _), .. } => {
            diagnostic.remedy("an automaton is a `digraph`, and its edges are arrows: `->`")
        }
        _ => diagnostic,
    })
}

fn shown(token: Token<'_>) -> String {
    match token {
        Token::Word(word) | Token::Text(word) | Token::Html(word) => format!("`{}`", cut(word)),
        Token::OpenBrace => "`{`".into(),
        Token::CloseBrace => "`}`".into(),
        Token::OpenList => "`[`".into(),
        Token::CloseList => "`]`".into(),
        Token::Equals => "`=`".into(),
        Token::Semicolon => "`;`".into(),
        Token::Comma => "`,`".into(),
        Token::Colon => "`:`".into(),
        Token::Plus => "`+`".into(),
        Token::Arrow => "`->`".into(),
        Token::Line => "`--`".into(),
        keyword => format!("the keyword `{}`", format!("{keyword:?}").to_lowercase()),
    }
}

/// The groups as tables, each partner by its number.
fn resolved(groups: Vec<Group<'_>>, mut messages: Messages, found: &mut Diagnostics) -> System {
    let mut given = Vec::with_capacity(groups.len());
    let mut known: HashMap<Name, Span> = HashMap::new();
    for group in &groups {
        let (text, role) = group.called();
        if let Some(role) = &role {
            if let Some(first) = known.insert(role.clone(), group.span) {
                found.push(twice(role, group.span, first));
            }
        } else {
            let text = format!("`{}` is not the name of a role", cut(text));
            found.push(
                Diagnostic::new(Code::UnexpectedToken, group.span, text)
                    .remedy("call the digraph or the cluster like the role, or label it so"),
            );
        }
        given.push(role);
    }
    let names = names(given);
    let roles = Roles::new(groups.iter().map(|group| group.called().0));
    let mut tables = Vec::with_capacity(groups.len());
    for (own, (group, role)) in groups.iter().zip(names).enumerate() {
        let own = u32::try_from(own).unwrap_or(u32::MAX);
        let initial = Initial::of(group, found);
        let mut transitions = Vec::with_capacity(group.edges.len());
        for Edge { from, to, label, span } in &group.edges {
            let Some(label) = label else { continue };
            let (text, at) = (&*label.text, label.place());
            let Some(action) = action(text, at, found) else { continue };
            let resolved = action.resolve(own, group.called().0, &roles, at, found);
            let (message, start) = action.message;
            let message = messages.read(message, at.behind(start), found);
            if let (Some((peer, direction)), Some(message)) = (resolved, message) {
                let (from, to, span) = (*from, *to, span.join(label.span));
                transitions.push(Transition { from, to, direction, peer, message, span });
            }
        }
        let Initial { state: initial, markers } = initial;
        let states = group.nodes.iter().zip(markers);
        let states = states.map(|(node, marker)| State {
            name: node.name.clone().into_owned(),
            span: node.span,
            marker,
        });
        let (states, span) = (States::Named(states.collect()), group.span);
        tables.push(Table { role, span, states, initial, transitions });
    }
    System { tables, messages: messages.list }
}

fn twice(role: &Name, span: Span, first: Span) -> Diagnostic {
    let text = format!("two automata are called `{role}`");
    Diagnostic::new(Code::DuplicateRole, span, text)
        .note(first, "the first one")
        .remedy("call each digraph or cluster like its role, or label it so")
}

/// CFSM-3: where an automaton begins, and which of its nodes only point there.
struct Initial {
    state: u32,
    markers: Vec<bool>,
}

impl Initial {
    fn of(group: &Group<'_>, found: &mut Diagnostics) -> Self {
        let mut degree = alloc::vec![0_u32; group.nodes.len()];
        for edge in &group.edges {
            degree[edge.from as usize] += 1;
            degree[edge.to as usize] += 1;
        }
        let mut markers = alloc::vec![false; group.nodes.len()];
        let mut starts: Vec<(u32, Span)> = Vec::new();
        for edge in group.edges.iter().filter(|edge| edge.label.is_none()) {
            if degree[edge.from as usize] == 1 && edge.from != edge.to {
                markers[edge.from as usize] = true;
                starts.push((edge.to, edge.span));
            } else {
                let text = "this edge has no label, and does not only point at the initial state";
                found.push(
                    Diagnostic::new(Code::UnexpectedToken, edge.span, text)
                        .remedy("label it with an action: `[label=\"Seller!title(string)\"]`"),
                );
            }
        }
        let nodes = || (0_u32..).zip(&group.nodes);
        if starts.is_empty() {
            starts.extend(nodes().filter_map(|(index, node)| Some((index, node.initial?))));
        }
        if let [(_, first), (_, second), ..] = starts[..] {
            found.push(
                Diagnostic::new(Code::InitialState, second, "a second state is marked as initial")
                    .note(first, "the first one")
                    .remedy("an automaton begins in one state"),
            );
        }
        let mut boxed = nodes().filter(|(_, node)| node.boxed).map(|(index, _)| index);
        let boxed = boxed.next().filter(|_| boxed.next().is_none());
        let first = nodes().map(|(index, _)| index).find(|index| !markers[*index as usize]);
        if first.is_none() && !found.has_errors() {
            found.push(
                Diagnostic::new(Code::InitialState, group.span, "this automaton has no state")
                    .remedy("write its initial state, as in `digraph A { 0; }`"),
            );
        }
        let marked = starts.first().map(|(state, _)| *state);
        Self { state: marked.or(boxed).or(first).unwrap_or(0), markers }
    }
}
