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

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use hashbrown::HashMap;
use lalrpop_util::ParseError;

use super::action::action;
use super::dot_grammar::DigraphsParser;
use super::dot_lexer::DotLexer;
use super::dot_token::Token;
use super::message::{Messages, Place};
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

/// A name or a text.
#[derive(Debug, Clone)]
pub(crate) struct Id<'t> {
    text: Cow<'t, str>,
    span: Span,
    /// Where the text stands byte for byte, if it does.
    start: Option<usize>,
}

impl<'t> Id<'t> {
    pub(crate) fn word(word: &'t str, start: usize) -> Self {
        let span = Span::new(start, start + word.len());
        Self { text: Cow::Borrowed(word), span, start: Some(start) }
    }

    /// A text between quotes. Outside of labels only `\"` and the end of a line are escapes.
    pub(crate) fn text(quoted: &'t str, start: usize) -> Self {
        let inner = &quoted[1..quoted.len() - 1];
        let span = Span::new(start, start + quoted.len());
        if !inner.contains('\\') {
            return Self { text: Cow::Borrowed(inner), span, start: Some(start + 1) };
        }
        let text = inner.replace("\\\r\n", "").replace("\\\n", "").replace("\\\"", "\"");
        Self { text: Cow::Owned(text), span, start: None }
    }

    pub(crate) fn joined(self, other: Self) -> Self {
        let span = self.span.join(other.span);
        let mut text = self.text.into_owned();
        text.push_str(&other.text);
        Self { text: Cow::Owned(text), span, start: None }
    }

    /// As a label is drawn: with its lines one behind the other.
    fn label(self) -> Self {
        if !self.text.contains('\\') {
            return self;
        }
        let mut label = String::with_capacity(self.text.len());
        let mut characters = self.text.chars();
        while let Some(character) = characters.next() {
            match (character, characters.as_str().chars().next()) {
                ('\\', Some('n' | 'l' | 'r')) => {
                    characters.next();
                    label.push(' ');
                }
                ('\\', Some(next)) => {
                    characters.next();
                    label.push(next);
                }
                (other, _) => label.push(other),
            }
        }
        Self { text: Cow::Owned(label), span: self.span, start: None }
    }

    fn place(&self) -> Place {
        self.start.map_or(Place::Within(self.span), Place::At)
    }
}

/// `name=value`
#[derive(Debug)]
pub(crate) struct Attribute<'t> {
    pub(crate) name: Id<'t>,
    pub(crate) value: Id<'t>,
}

/// A node as it is written.
struct Node<'t> {
    name: Cow<'t, str>,
    span: Span,
    initial: Option<Span>,
    boxed: bool,
}

struct Edge<'t> {
    from: u32,
    to: u32,
    label: Option<Id<'t>>,
    span: Span,
}

/// A digraph or a cluster.
struct Group<'t> {
    /// What it is called.
    name: Option<Id<'t>>,
    span: Span,
    nodes: Vec<Node<'t>>,
    known: HashMap<Cow<'t, str>, u32>,
    edges: Vec<Edge<'t>>,
}

impl<'t> Group<'t> {
    fn new(name: Option<Id<'t>>, span: Span) -> Self {
        let (nodes, known, edges) = Default::default();
        Self { name, span, nodes, known, edges }
    }

    fn node(&mut self, id: Id<'t>) -> u32 {
        if let Some(known) = self.known.get(&id.text) {
            return *known;
        }
        let number = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.known.insert(id.text.clone(), number);
        self.nodes.push(Node { name: id.text, span: id.span, initial: None, boxed: false });
        number
    }

    /// CFSM-2: what the automaton is called, in the text and as a role.
    fn called(&self) -> (&str, Option<Name>) {
        let Some(id) = &self.name else { return ("", None) };
        let digits = !id.text.is_empty() && id.text.bytes().all(|byte| byte.is_ascii_digit());
        let role = if digits { Name::new(&format!("M{}", id.text)) } else { Name::new(&id.text) };
        (&id.text, role.ok())
    }
}

/// Where everything that is read goes.
#[derive(Default)]
pub(crate) struct Dot<'t> {
    /// The automata that are complete.
    done: Vec<Group<'t>>,
    graph: Option<Group<'t>>,
    /// The clusters of the digraph that is open.
    clusters: Vec<Group<'t>>,
    /// The cluster that is open, and how deep it stands.
    open: Option<(usize, Group<'t>)>,
    depth: usize,
    found: Diagnostics,
}

impl<'t> Dot<'t> {
    pub(crate) fn open_graph(&mut self, id: Option<Id<'t>>, start: usize, end: usize) {
        let span = id.as_ref().map_or(Span::new(start, end), |id| id.span);
        self.graph = Some(Group::new(id, span));
    }

    /// With clusters, they are the automata; without, the digraph is one.
    pub(crate) fn close_graph(&mut self) {
        let Some(graph) = self.graph.take() else { return };
        if self.clusters.is_empty() {
            return self.done.push(graph);
        }
        if let Some(edge) = graph.edges.first() {
            let text = "an edge outside of the clusters is not supported";
            self.found.push(
                Diagnostic::new(Code::Unsupported, edge.span, text)
                    .remedy("each cluster is the automaton of a role: put the edge into one"),
            );
        }
        self.done.append(&mut self.clusters);
    }

    pub(crate) fn open_subgraph(&mut self, id: Option<Id<'t>>, start: usize, end: usize) {
        self.depth += 1;
        let Some(id) = id else { return };
        let Some(name) = id.text.strip_prefix("cluster") else { return };
        if self.open.is_some() {
            return;
        }
        let name = String::from(name.strip_prefix('_').unwrap_or(name));
        let name = Id { text: Cow::Owned(name), span: id.span, start: None };
        self.open = Some((self.depth, Group::new(Some(name), Span::new(start, end))));
    }

    pub(crate) fn close_subgraph(&mut self) {
        if let Some((_, cluster)) = self.open.take_if(|(depth, _)| *depth == self.depth) {
            self.clusters.push(cluster);
        }
        self.depth -= 1;
    }

    fn group(&mut self) -> Option<&mut Group<'t>> {
        match &mut self.open {
            Some((_, cluster)) => Some(cluster),
            None => self.graph.as_mut(),
        }
    }

    /// What a cluster or a digraph says of itself.
    pub(crate) fn graph_attributes(&mut self, attributes: Vec<Attribute<'t>>) {
        let own = self.open.as_ref().map_or(0, |(depth, _)| *depth);
        if own != self.depth {
            return;
        }
        let Some(group) = self.group() else { return };
        for Attribute { name, value } in attributes {
            if name.text == "label" && Name::new(&value.text).is_ok() {
                group.span = value.span;
                group.name = Some(value);
            }
        }
    }

    /// `a`, or `a -> b -> c`, with attributes.
    pub(crate) fn statement(&mut self, chain: Vec<Id<'t>>, attributes: Vec<Attribute<'t>>) {
        let Some(group) = self.group() else { return };
        let ends = chain.first().zip(chain.last());
        let Some(span) = ends.map(|(first, last)| first.span.join(last.span)) else { return };
        let nodes: Vec<u32> = chain.into_iter().map(|id| group.node(id)).collect();
        if let [node] = nodes[..] {
            let node = &mut group.nodes[node as usize];
            for Attribute { name, value } in attributes {
                match &*name.text {
                    "initial" if value.text == "true" => node.initial = Some(name.span),
                    "shape" => node.boxed = value.text == "box",
                    _ => {}
                }
            }
            return;
        }
        let label = attributes.into_iter().rfind(|attribute| attribute.name.text == "label");
        let label = label.map(|label| label.value.label());
        let label = label.filter(|label| !label.text.trim().is_empty());
        for pair in nodes.windows(2) {
            let (from, to, label) = (pair[0], pair[1], label.clone());
            group.edges.push(Edge { from, to, label, span });
        }
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
