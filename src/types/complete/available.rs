//! Which messages can reach a role while it has not yet received what is there for it.
//!
//! Suppose the role `r` has not received a message yet, and the run goes on. Whatever needs `r`
//! waits, and so does whatever needs those that wait: the *blocked* roles. A choice of a role that
//! is not blocked is made, and its message lies on its edge; a choice of a blocked role is not
//! made, and in each branch its receiver is blocked, too. A message from `q` to `r` can therefore
//! be first on its edge if it is the first one of `q` in a run in which `q` is not blocked before.
//!
//! A place with fewer blocked roles allows all that one with more allows, so that a place is looked
//! at only if no smaller set of blocked roles was there before.

use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::graph::{Graph, Point, RoleNo};
use super::limits::{Exceeded, What};

/// A message of one sender that can be first on its edge, by the messages that lead to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct First {
    /// The link that sends it.
    pub(super) link: u32,
    /// The label with its sort.
    pub(super) message: u32,
    place: usize,
}

/// A place: a node, the roles blocked there, and how it was reached.
struct Place {
    node: u32,
    blocked: u128,
    from: usize,
    link: u32,
}

/// What can overtake for one role, asked from many nodes.
#[derive(Default)]
pub(super) struct Availability {
    known: HashMap<(u32, RoleNo), Vec<First>>,
    pub(super) places: usize,
}

impl Availability {
    /// The messages of `sender` that can lie first on its edge to `role` while the role itself
    /// waits at `node`.
    pub(super) fn firsts(
        &mut self,
        graph: &Graph<'_>,
        (node, role, sender): (u32, RoleNo, RoleNo),
        most: usize,
    ) -> Result<&[First], Exceeded> {
        if !self.known.contains_key(&(node, sender)) {
            let mut search = Search::new(graph, role, sender, node);
            while search.step() {
                self.places += 1;
                if self.places > most {
                    return Err(Exceeded { what: What::Availability, most });
                }
            }
            self.known.insert((node, sender), search.found);
        }
        Ok(&self.known[&(node, sender)])
    }
}

/// The links of the shortest run from `node` that ends with `message` of `sender` first on its edge
/// to `role`; none if there is no such run.
pub(super) fn run_to(
    graph: &Graph<'_>,
    (node, role, sender): (u32, RoleNo, RoleNo),
    message: u32,
) -> Option<Vec<u32>> {
    let mut search = Search::new(graph, role, sender, node);
    loop {
        if let Some(first) = search.found.iter().find(|first| first.message == message) {
            return Some(search.run(first));
        }
        if !search.step() {
            return None;
        }
    }
}

/// One search, breadth first.
struct Search<'g, 'a> {
    graph: &'g Graph<'a>,
    role: RoleNo,
    sender: RoleNo,
    places: Vec<Place>,
    next: usize,
    /// The sets of blocked roles that a node was looked at with, none a part of another.
    seen: HashMap<u32, Vec<u128>>,
    found: Vec<First>,
}

impl<'g, 'a> Search<'g, 'a> {
    fn new(graph: &'g Graph<'a>, role: RoleNo, sender: RoleNo, node: u32) -> Self {
        let places = vec![Place { node, blocked: 1 << role, from: usize::MAX, link: u32::MAX }];
        let seen = HashMap::new();
        Self { graph, role, sender, places, next: 0, seen, found: Vec::new() }
    }

    /// Looks at one place; `false` if there is none left.
    fn step(&mut self) -> bool {
        let Some(place) = self.places.get(self.next) else { return false };
        let (from, node, blocked) = (self.next, place.node, place.blocked);
        self.next += 1;
        let Point::Choice { sender, first, past } = self.graph.point(node) else { return true };
        let sets = self.seen.entry(node).or_default();
        if sets.iter().any(|set| set & blocked == *set) {
            return true;
        }
        sets.retain(|set| set & blocked != blocked);
        sets.push(blocked);
        let waits = blocked >> sender & 1 == 1;
        for number in first..past {
            let link = *self.graph.link(number);
            if link.to == self.role && link.from == self.sender && !waits {
                // Later messages of this sender stand behind this one.
                if !self.found.iter().any(|first| first.message == link.message) {
                    self.found.push(First { link: number, message: link.message, place: from });
                }
                continue;
            }
            let blocked = if waits { blocked | 1 << link.to } else { blocked };
            if blocked >> self.sender & 1 == 0 {
                self.places.push(Place { node: link.next, blocked, from, link: number });
            }
        }
        true
    }

    fn run(&self, first: &First) -> Vec<u32> {
        let mut run = vec![first.link];
        let mut place = &self.places[first.place];
        while let Some(from) = self.places.get(place.from) {
            run.push(place.link);
            place = from;
        }
        run.reverse();
        run
    }
}
