//! The subset construction: what a role knows after each thing it can have seen, and whether that
//! is enough.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::available::Availability;
use super::graph::{Graph, RoleNo, number};
use super::limits::{Exceeded, ProjectionLimits, What};
use super::view::{Event, Frontier, Next, View};

/// Two things the role might have to do next, and no single behaviour that does for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Conflict {
    pub(super) kind: Kind,
    pub(super) one: Next,
    pub(super) two: Next,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// What is sent in one run may not be sent in the other (Send Validity).
    Send,
    /// The message of `two` can be there in the run of `one`, too, where it is for later (Receive
    /// Validity).
    Overtaking,
    /// A message comes in one run, and none ever in the other.
    End,
    /// One message, two sorts.
    Sorts,
}

/// One transition of the determined automaton.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) event: Event,
    /// A link that shows the event.
    pub(super) link: u32,
    pub(super) next: u32,
}

/// A state: everything that the role takes to be possible.
#[derive(Debug)]
pub(super) struct State {
    pub(super) frontier: Frontier,
    pub(super) row: Vec<Row>,
    /// The state and the link by which it was found first; the first state was not.
    pub(super) from: Option<(u32, u32)>,
}

/// All states that can be reached, the first one first.
#[derive(Debug)]
pub(super) struct Subsets {
    pub(super) states: Vec<State>,
}

/// Why there are no subsets to make an automaton of.
#[derive(Debug)]
pub(super) enum Stopped {
    /// In this state; the states up to it tell how it is reached.
    Conflict(Subsets, u32, Conflict),
    Exceeded(Exceeded),
}

impl From<Exceeded> for Stopped {
    fn from(exceeded: Exceeded) -> Self {
        Self::Exceeded(exceeded)
    }
}

struct Construction<'v, 'g, 'a> {
    view: &'v mut View<'g, 'a>,
    limits: &'v ProjectionLimits,
    states: Vec<State>,
    by_frontier: HashMap<Frontier, u32>,
    by_nodes: HashMap<Box<[u32]>, u32>,
    availability: Availability,
}

/// PROJ-6: the states of `role`, each of them checked.
pub(super) fn subsets(
    view: &mut View<'_, '_>,
    limits: &ProjectionLimits,
) -> Result<Subsets, Stopped> {
    let root = view.graph.root;
    let mut construction = Construction {
        view,
        limits,
        states: Vec::new(),
        by_frontier: HashMap::new(),
        by_nodes: HashMap::new(),
        availability: Availability::default(),
    };
    construction.state(vec![root], None)?;
    let mut index = 0;
    while index < construction.states.len() {
        if let Some(conflict) = construction.expand(index)? {
            let subsets = construction.finished();
            return Err(Stopped::Conflict(subsets, number(index), conflict));
        }
        index += 1;
    }
    Ok(construction.finished())
}

impl Construction<'_, '_, '_> {
    fn finished(self) -> Subsets {
        Subsets { states: self.states }
    }

    /// The state of a role that may be at any of these nodes.
    fn state(&mut self, mut nodes: Vec<u32>, from: Option<(u32, u32)>) -> Result<u32, Exceeded> {
        nodes.iter_mut().for_each(|node| *node = self.view.later(*node));
        nodes.sort_unstable();
        nodes.dedup();
        if let Some(state) = self.by_nodes.get(nodes.as_slice()) {
            return Ok(*state);
        }
        let frontier = self.view.frontier(&nodes, self.limits.steps_max)?;
        let state = match self.by_frontier.get(&frontier) {
            Some(state) => *state,
            None => {
                let most = self.limits.states_max;
                if self.states.len() >= most {
                    return Err(Exceeded { what: What::States, most });
                }
                let state = number(self.states.len());
                self.by_frontier.insert(frontier.clone(), state);
                self.states.push(State { frontier, row: Vec::new(), from });
                state
            }
        };
        self.by_nodes.insert(nodes.into(), state);
        Ok(state)
    }

    /// Finds what can follow a state, or why the role cannot know it.
    fn expand(&mut self, index: usize) -> Result<Option<Conflict>, Exceeded> {
        let Frontier { leaves, nothing } = self.states[index].frontier.clone();
        let Some(first) = leaves.first() else { return Ok(None) };
        let one = self.view.next_of(*first);
        for leaf in &leaves[1..] {
            let two = self.view.next_of(*leaf);
            let sends = matches!((one, two), (Next::Send(_), _) | (_, Next::Send(_)));
            if sends && let Some(kind) = plain(self.view, one, two) {
                return Ok(Some(Conflict { kind, one, two }));
            }
        }
        if let Some(two) = nothing.map(Next::Nothing)
            && let Some(kind) = plain(self.view, one, two)
        {
            return Ok(Some(Conflict { kind, one, two }));
        }
        // Every event of the state, events alike beside each other.
        let mut events: Vec<(Event, u32)> = Vec::new();
        for leaf in &leaves {
            match self.view.next_of(*leaf) {
                Next::Receive(link) => events.push((self.view.event(link), link)),
                Next::Send(node) => {
                    let links = self.view.graph.links_of(node);
                    events.extend(links.map(|link| (self.view.event(link), link)));
                }
                Next::Nothing(_) => {}
            }
        }
        self.view.steps += events.len();
        if self.view.steps > self.limits.steps_max {
            return Err(Exceeded { what: What::Steps, most: self.limits.steps_max });
        }
        events.sort_unstable();
        for pair in events.windows(2) {
            let ((a, one), (b, two)) = (pair[0], pair[1]);
            if (a.peer, a.label) == (b.peer, b.label) && a.message != b.message {
                let (one, two) = (Next::Receive(one), Next::Receive(two));
                return Ok(Some(Conflict { kind: Kind::Sorts, one, two }));
            }
        }
        if let Next::Receive(_) = one
            && let Some(conflict) = self.overtaken(&events)?
        {
            return Ok(Some(conflict));
        }
        let mut row = Vec::new();
        for alike in events.chunk_by(|a, b| a.0 == b.0) {
            let (event, link) = alike[0];
            let nodes = alike.iter().map(|(_, link)| self.view.graph.link(*link).next).collect();
            let next = self.state(nodes, Some((number(index), link)))?;
            row.push(Row { event, link, next });
        }
        self.states[index].row = row;
        Ok(None)
    }

    /// PROJ-7: a message of one sender that can be there while the role waits for another one.
    fn overtaken(&mut self, events: &[(Event, u32)]) -> Result<Option<Conflict>, Exceeded> {
        let senders: Vec<&[(Event, u32)]> = events.chunk_by(|a, b| a.0.peer == b.0.peer).collect();
        if senders.len() < 2 {
            return Ok(None);
        }
        let (graph, role) = (self.view.graph, self.view.role);
        for (waiting, link) in events {
            let node = graph.link(*link).next;
            for early in &senders {
                let sender = early[0].0.peer;
                if sender == waiting.peer {
                    continue;
                }
                let asked = (node, role, sender);
                let most = self.limits.availability_max;
                let firsts = self.availability.firsts(graph, asked, most)?;
                let known = |(event, _): &&(Event, u32)| {
                    firsts.iter().any(|first| first.message == event.message)
                };
                if let Some((_, other)) = early.iter().find(known) {
                    let (one, two) = (Next::Receive(*link), Next::Receive(*other));
                    return Ok(Some(Conflict { kind: Kind::Overtaking, one, two }));
                }
            }
        }
        Ok(None)
    }
}

/// Why two next things do not go together, as far as that can be seen without what follows them.
pub(super) fn plain(view: &View<'_, '_>, one: Next, two: Next) -> Option<Kind> {
    match (one, two) {
        (Next::Nothing(_), Next::Nothing(_)) => None,
        (Next::Receive(_), Next::Nothing(_)) | (Next::Nothing(_), Next::Receive(_)) => {
            Some(Kind::End)
        }
        (Next::Receive(one), Next::Receive(two)) => {
            let (one, two) = (view.event(one), view.event(two));
            let alike = (one.peer, one.label) == (two.peer, two.label);
            (alike && one.message != two.message).then_some(Kind::Sorts)
        }
        (Next::Send(one), Next::Send(two)) => sends(view.graph, one, two),
        _ => Some(Kind::Send),
    }
}

/// Why two choices of the role itself are not the same one.
fn sends(graph: &Graph<'_>, one: u32, two: u32) -> Option<Kind> {
    if one == two {
        return None;
    }
    let row = |node: u32| {
        let links = graph.links_of(node).map(|link| graph.link(link));
        let mut row: Vec<(RoleNo, u32, u32)> =
            links.map(|link| (link.to, link.label, link.message)).collect();
        row.sort_unstable();
        row
    };
    let (one, two) = (row(one), row(two));
    let label = |(to, label, _): &(RoleNo, u32, u32)| (*to, *label);
    if one == two {
        None
    } else if one.iter().map(label).eq(two.iter().map(label)) {
        Some(Kind::Sorts)
    } else {
        Some(Kind::Send)
    }
}
