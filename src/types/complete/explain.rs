//! Two runs that a role cannot tell apart, and what it would have to do differently in them.
//!
//! The shortest ones are found by a search over pairs of nodes that are reached by runs in which
//! the role sees the same: either run goes on by a message between others, or both by messages that
//! are alike for the role. Pairs are taken in the order of how many messages lead to them. Where
//! there are too many pairs, the runs are made of a path through the subset construction.

use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;

use hashbrown::{HashMap, HashSet};

use super::available::{Availability, run_to};
use super::graph::Graph;
use super::limits::{Exceeded, ProjectionLimits};
use super::subset::{Conflict, Kind, Subsets, plain};
use super::view::{Event, Next, View};

/// Two runs, as the links of their messages, and what conflicts behind them.
#[derive(Debug)]
pub(super) struct Runs {
    pub(super) conflict: Conflict,
    pub(super) one: Vec<u32>,
    pub(super) two: Vec<u32>,
    /// How the run of `one` goes on up to the message that overtakes, for [`Kind::Overtaking`].
    pub(super) overtakes: Vec<u32>,
    pub(super) shortest: bool,
}

/// PROJ-8: explains a conflict that was found in a state.
pub(super) fn explain(
    view: &View<'_, '_>,
    subsets: &Subsets,
    found: (u32, Conflict),
    limits: &ProjectionLimits,
) -> Runs {
    let mut runs = shortest(view, limits).unwrap_or_else(|| some(view, subsets, found));
    // What is done stands in front of what is not.
    let Conflict { kind, one, two } = runs.conflict;
    if kind != Kind::Overtaking && two < one {
        runs.conflict = Conflict { kind, one: two, two: one };
        core::mem::swap(&mut runs.one, &mut runs.two);
    }
    runs
}

/// Two runs to a conflict that was found in a state.
fn some(view: &View<'_, '_>, subsets: &Subsets, (state, conflict): (u32, Conflict)) -> Runs {
    let word = word(view, subsets, state);
    let run = |next: Next| run_of(view, &word, next).expect("the state was reached by this word");
    let (one, two) = (run(conflict.one), run(conflict.two));
    let overtakes = overtakes(view, conflict);
    Runs { conflict, one, two, overtakes, shortest: false }
}

const NO_LINK: u32 = u32::MAX;

/// So many comparisons of what is next count as one pair.
const PAIRS_COMPARED: usize = 16;

/// A pair of nodes, and the links by which the pair before it led here.
struct Pair {
    nodes: (u32, u32),
    from: usize,
    links: (u32, u32),
}

/// `None` if a limit is passed before a conflict is found.
fn shortest(view: &View<'_, '_>, limits: &ProjectionLimits) -> Option<Runs> {
    let graph = view.graph;
    let mut availability = Availability::default();
    let mut work = 0;
    let mut trail: Vec<Pair> = Vec::new();
    let mut known: HashSet<(u32, u32)> = HashSet::new();
    // Pairs that are as many messages further as their place says: 0, 1 or 2.
    let mut ahead: [VecDeque<Pair>; 3] = Default::default();
    let nodes = (graph.root, graph.root);
    ahead[0].push_back(Pair { nodes, from: usize::MAX, links: (NO_LINK, NO_LINK) });
    let (mut ones, mut twos) = (Vec::new(), Vec::new());
    loop {
        let Some(pair) = ahead[0].pop_front() else {
            if ahead.iter().all(VecDeque::is_empty) {
                return None;
            }
            ahead.rotate_left(1);
            continue;
        };
        let (a, b) = pair.nodes;
        if !known.insert(pair.nodes) {
            continue;
        }
        let from = trail.len();
        trail.push(pair);
        view.nexts_at(a, &mut ones);
        view.nexts_at(b, &mut twos);
        work += 1 + ones.len() * twos.len() / PAIRS_COMPARED;
        // A node agrees with itself: its branches are distinct, and all of one sender.
        let asked = &mut (&mut availability, limits.availability_max);
        let found = if a == b { None } else { conflict_of(view, &ones, &twos, asked).ok()? };
        if let Some(conflict) = found {
            let overtakes = overtakes(view, conflict);
            let (a, b) = runs(&trail, from);
            let (one, two) = if ones.contains(&conflict.one) { (a, b) } else { (b, a) };
            return Some(Runs { conflict, one, two, overtakes, shortest: true });
        }
        let unseen = |node: u32| {
            let links = if view.acts(node) { graph.links_of(node) } else { 0..0 };
            links.filter(|link| !view.sees(graph.link(*link)))
        };
        for link in unseen(a) {
            let nodes = (graph.link(link).next, b);
            ahead[1].push_back(Pair { nodes, from, links: (link, NO_LINK) });
        }
        for link in unseen(b) {
            let nodes = (a, graph.link(link).next);
            ahead[1].push_back(Pair { nodes, from, links: (NO_LINK, link) });
        }
        let mut seen_there: HashMap<Event, u32> = HashMap::new();
        for link in graph.links_of(b).filter(|link| view.sees(graph.link(*link))) {
            seen_there.insert(view.event(link), link);
        }
        for link in graph.links_of(a).filter(|link| view.sees(graph.link(*link))) {
            if let Some(other) = seen_there.get(&view.event(link)) {
                let nodes = (graph.link(link).next, graph.link(*other).next);
                ahead[2].push_back(Pair { nodes, from, links: (link, *other) });
            }
        }
        if work + ahead.iter().map(VecDeque::len).sum::<usize>() > limits.pairs_max {
            return None;
        }
    }
}

/// The first conflict between what is next at one node and at another.
fn conflict_of(
    view: &View<'_, '_>,
    ones: &[Next],
    twos: &[Next],
    (availability, most): &mut (&mut Availability, usize),
) -> Result<Option<Conflict>, Exceeded> {
    for one in ones {
        for two in twos {
            if let Some(kind) = plain(view, *one, *two) {
                return Ok(Some(Conflict { kind, one: *one, two: *two }));
            }
            // The run that is overtaken is the first one.
            for (one, two) in [(*one, *two), (*two, *one)] {
                let Some((asked, message)) = overtaking(view, one, two) else { continue };
                let firsts = availability.firsts(view.graph, asked, *most)?;
                if firsts.iter().any(|first| first.message == message) {
                    return Ok(Some(Conflict { kind: Kind::Overtaking, one, two }));
                }
            }
        }
    }
    Ok(None)
}

/// What to ask for to see whether the message of `two` overtakes that of `one`: the node behind
/// `one`, the role, the sender of `two`; and the message.
fn overtaking(view: &View<'_, '_>, one: Next, two: Next) -> Option<((u32, u8, u8), u32)> {
    let (Next::Receive(one), Next::Receive(two)) = (one, two) else { return None };
    let (later, early) = (view.graph.link(one), view.graph.link(two));
    (later.from != early.from).then_some(((later.next, view.role, early.from), early.message))
}

/// How the run of `one` goes on until the message of `two` is there, too.
fn overtakes(view: &View<'_, '_>, conflict: Conflict) -> Vec<u32> {
    if conflict.kind != Kind::Overtaking {
        return Vec::new();
    }
    let asked = overtaking(view, conflict.one, conflict.two);
    asked.and_then(|(asked, message)| run_to(view.graph, asked, message)).unwrap_or_default()
}

/// The two runs that lead to a pair.
fn runs(trail: &[Pair], mut at: usize) -> (Vec<u32>, Vec<u32>) {
    let (mut one, mut two) = (Vec::new(), Vec::new());
    while let Some(pair) = trail.get(at) {
        one.extend(Some(pair.links.0).filter(|link| *link != NO_LINK));
        two.extend(Some(pair.links.1).filter(|link| *link != NO_LINK));
        at = pair.from;
    }
    one.reverse();
    two.reverse();
    (one, two)
}

/// What the role has seen when it is in a state.
fn word(view: &View<'_, '_>, subsets: &Subsets, mut state: u32) -> Vec<Event> {
    let mut word = Vec::new();
    while let Some((from, link)) = subsets.states[state as usize].from {
        word.push(view.event(link));
        state = from;
    }
    word.reverse();
    word
}

/// The shortest run in which the role sees `word` and then has `next` before it.
pub(super) fn run_of(view: &View<'_, '_>, word: &[Event], next: Next) -> Option<Vec<u32>> {
    let graph: &Graph<'_> = view.graph;
    let end = match next {
        Next::Send(node) => node,
        Next::Receive(link) => graph.link(link).at,
        Next::Nothing(node) => node,
    };
    let mut trail: Vec<(usize, u32, usize, u32)> = vec![(0, graph.root, usize::MAX, NO_LINK)];
    let mut known: HashSet<(usize, u32)> = HashSet::new();
    let mut index = 0;
    while let Some((seen, node, ..)) = trail.get(index).copied() {
        if seen == word.len() && node == end {
            let (mut run, mut at) = (Vec::new(), index);
            while let Some((.., from, link)) = trail.get(at).filter(|step| step.3 != NO_LINK) {
                run.push(*link);
                at = *from;
            }
            run.reverse();
            return Some(run);
        }
        for number in graph.links_of(node) {
            let link = graph.link(number);
            let seen = match view.sees(link) {
                false => seen,
                true if word.get(seen) == Some(&view.event(number)) => seen + 1,
                true => continue,
            };
            if known.insert((seen, link.next)) {
                trail.push((seen, link.next, index, number));
            }
        }
        index += 1;
    }
    None
}
