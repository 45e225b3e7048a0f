//! What the grammar of DOT does: puts nodes and edges into the digraph or the cluster that is open.
//!
//! Clauses: CFSM-2.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::message::Place;
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::name::Name;

/// A name or a text.
#[derive(Debug, Clone)]
pub(crate) struct Id<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) span: Span,
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

    pub(super) fn place(&self) -> Place {
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
pub(super) struct Node<'t> {
    pub(super) name: Cow<'t, str>,
    pub(super) span: Span,
    pub(super) initial: Option<Span>,
    pub(super) boxed: bool,
}

/// An edge as it is written.
pub(super) struct Edge<'t> {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) label: Option<Id<'t>>,
    pub(super) span: Span,
}

/// A digraph or a cluster.
pub(super) struct Group<'t> {
    /// What it is called.
    name: Option<Id<'t>>,
    pub(super) span: Span,
    pub(super) nodes: Vec<Node<'t>>,
    known: HashMap<Cow<'t, str>, u32>,
    pub(super) edges: Vec<Edge<'t>>,
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
    pub(super) fn called(&self) -> (&str, Option<Name>) {
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
    pub(super) done: Vec<Group<'t>>,
    graph: Option<Group<'t>>,
    /// The clusters of the digraph that is open.
    clusters: Vec<Group<'t>>,
    /// The cluster that is open, and how deep it stands.
    open: Option<(usize, Group<'t>)>,
    depth: usize,
    pub(super) found: Diagnostics,
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
