//! Loops that leave more on an edge each time.
//!
//! A run from configuration c to c′ in which every role is in the same state at both ends can be
//! made again from c′ if every edge has, from c′ on, the same messages to offer. With x the content
//! of an edge in c, s what is sent over it on the way and r what is received: nothing is received,
//! or x·s·s·… = r·r·…, and at least as much is sent as received. Then each round sees at least as
//! many messages as the one before, and the same ones. An edge on which more is sent than received
//! has no bound. (After Jéron & Jard, "Testing for unboundedness of fifo channels", TCS 1993.)
//!
//! Looked for on the runs to where a send was blocked by a full edge. The steps of such a run may
//! stand in any order that keeps each role's own and has each message sent before it is received;
//! so what is looked for is a *cut*: of each role the first steps, such that each has come back to
//! the state of the end, and whatever is received before the cut is sent before it.
//!
//! Clauses: COMP-8.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;

use super::explore::Exploration;
use super::graph::Graph;
use super::violation::Step;
use crate::types::automaton::MessageIx;

/// How many cuts are tried on one run.
const CUTS_MAX: usize = 32;

/// The longest run that is cut.
const STEPS_MAX: usize = 2_000;

/// A run, and a loop from its end that can be repeated for ever and leaves more on an edge each
/// time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// From the beginning to where the loop begins.
    pub run: Box<[Step]>,
    /// What is repeated.
    pub cycle: Box<[Step]>,
}

/// A loop that makes this edge grow, if one lies on the way to where a send over it was blocked.
pub(super) fn growth(explored: &Exploration<'_>, edge: usize) -> Option<Growth> {
    let mut ends = explored.blocked[edge].iter();
    ends.find_map(|config| on_the_way(&explored.graph, edge, *config))
}

fn on_the_way(graph: &Graph<'_>, edge: usize, end: u32) -> Option<Growth> {
    let actions = graph.actions_to(end);
    if actions.len() > STEPS_MAX {
        return None;
    }
    let run = Cuttable::of(graph, &actions);
    let sender = graph.system.sender(edge);
    // From the last step of the sender backwards: short loops first.
    let places = (0..run.steps_of[sender].len()).rev();
    let starts = places.filter(|place| run.returns(sender, *place)).take(CUTS_MAX);
    starts.filter_map(|place| run.cut(sender, place)).find_map(|cut| {
        let (before, behind) = run.split(&cut);
        repeats(graph, edge, &before, &behind).then(|| {
            let steps = |list: &[u32]| list.iter().map(|action| graph.step(*action)).collect();
            Growth { run: steps(&before), cycle: steps(&behind) }
        })
    })
}

/// A run by its roles.
struct Cuttable<'a> {
    graph: &'a Graph<'a>,
    actions: &'a [u32],
    /// The steps of each role, in order.
    steps_of: Vec<Vec<usize>>,
    /// For each step its place among those of its role.
    place: Vec<usize>,
    /// For each receive the step that sent the message.
    sent_by: Vec<Option<usize>>,
}

impl<'a> Cuttable<'a> {
    fn of(graph: &'a Graph<'a>, actions: &'a [u32]) -> Self {
        let system = graph.system;
        let mut steps_of = vec![Vec::new(); system.roles()];
        let mut on_edge = vec![VecDeque::new(); system.edges().len()];
        let (mut place, mut sent_by) = (Vec::new(), Vec::new());
        for (step, action) in actions.iter().enumerate() {
            let action = system.action(*action);
            let (role, queue) = (action.role as usize, &mut on_edge[action.edge as usize]);
            place.push(steps_of[role].len());
            steps_of[role].push(step);
            sent_by.push(if action.sends { None } else { queue.pop_front() });
            if action.sends {
                queue.push_back(step);
            }
        }
        Self { graph, actions, steps_of, place, sent_by }
    }

    /// Whether a role is, before its step at `place`, in the state in which it ends.
    fn returns(&self, role: usize, place: usize) -> bool {
        let behind = |count: usize| {
            let last = count.checked_sub(1).map(|last| self.steps_of[role][last]);
            last.map_or(0, |step| self.graph.system.action(self.actions[step]).next)
        };
        behind(place) == behind(self.steps_of[role].len())
    }

    /// The latest cut at which this role has made `place` steps and behind which no edge gives more
    /// than it gets: how many steps each role has made.
    fn cut(&self, role: usize, place: usize) -> Option<Vec<usize>> {
        let mut cut: Vec<usize> = self.steps_of.iter().map(Vec::len).collect();
        cut[role] = place;
        while let Some((lowered, below)) = self.torn(&cut) {
            let earlier = (0..below).rev().find(|at| self.returns(lowered, *at));
            cut[lowered] = earlier.filter(|_| lowered != role)?;
        }
        Some(cut)
    }

    /// A role that must have made fewer steps than so many: it receives before the cut what is sent
    /// behind it, or sends too little behind the cut.
    fn torn(&self, cut: &[usize]) -> Option<(usize, usize)> {
        let mut gain = vec![0_isize; self.graph.system.edges().len()];
        for (step, sent) in self.sent_by.iter().enumerate() {
            let role = self.role(step);
            let behind = self.place[step] >= cut[role];
            if let Some(sent) = sent.filter(|_| !behind)
                && self.place[sent] >= cut[self.role(sent)]
            {
                return Some((role, self.place[step] + 1));
            }
            if behind {
                let edge = self.graph.system.action(self.actions[step]).edge as usize;
                gain[edge] += if sent.is_none() { 1 } else { -1 };
            }
        }
        let edge = gain.iter().position(|gain| *gain < 0)?;
        let sender = self.graph.system.sender(edge);
        Some((sender, cut[sender]))
    }

    fn role(&self, step: usize) -> usize {
        self.graph.system.action(self.actions[step]).role as usize
    }

    /// The actions before a cut and those behind it.
    fn split(&self, cut: &[usize]) -> (Vec<u32>, Vec<u32>) {
        let before = |step: &usize| self.place[*step] < cut[self.role(*step)];
        let (before, behind): (Vec<usize>, Vec<usize>) =
            (0..self.actions.len()).partition(|step| before(step));
        let actions = |steps: Vec<usize>| steps.iter().map(|step| self.actions[*step]).collect();
        (actions(before), actions(behind))
    }
}

/// Whether these actions can be made again and again behind `before`, with more on the edge each
/// time.
fn repeats(graph: &Graph<'_>, grows: usize, before: &[u32], behind: &[u32]) -> bool {
    let system = graph.system;
    let count = system.edges().len();
    let words = |list: &[u32]| {
        let (mut sent, mut received) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        for action in list.iter().map(|action| system.action(*action)) {
            let list = if action.sends { &mut sent } else { &mut received };
            list[action.edge as usize].push(action.message);
        }
        (sent, received)
    };
    let ((there, taken), (sent, received)) = (words(before), words(behind));
    sent[grows].len() > received[grows].len()
        && (0..count).all(|edge| {
            let left = &there[edge][taken[edge].len()..];
            agrees(left, &sent[edge], &received[edge])
        })
}

/// Whether nothing is received, or `there · sent · sent · …` = `received · received · …` and no
/// more is received than sent. Two periodic words are equal if they agree as far as both periods
/// together (Fine & Wilf, 1965).
fn agrees(there: &[MessageIx], sent: &[MessageIx], received: &[MessageIx]) -> bool {
    if received.is_empty() {
        return true;
    }
    if sent.len() < received.len() {
        return false;
    }
    let offered = there.iter().chain(sent.iter().cycle());
    let taken = received.iter().cycle();
    let length = there.len() + sent.len() + received.len();
    offered.zip(taken).take(length).all(|(offered, taken)| offered == taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Vec<MessageIx> {
        text.bytes().map(|byte| MessageIx(byte.into())).collect()
    }

    #[test]
    fn a_loop_repeats_if_each_round_is_offered_what_it_takes() {
        let table = [
            ("", "", "", true),
            ("ab", "a", "", true),
            ("", "a", "a", true),
            ("a", "a", "a", true),
            ("b", "a", "a", false),
            ("a", "ba", "ab", true),
            ("a", "ab", "ab", false),
            ("ab", "abab", "ab", true),
            ("a", "baba", "ab", true),
            ("", "aab", "aab", true),
            ("", "aab", "a", false),
            ("aa", "a", "aa", false),
        ];
        for (there, sent, received, wanted) in table {
            let found = agrees(&word(there), &word(sent), &word(received));
            assert_eq!(found, wanted, "{there} {sent} {received}");
        }
    }
}
