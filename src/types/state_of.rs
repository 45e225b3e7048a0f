//! Which state of a role's automaton a local type is.
//!
//! Clauses: AUTO-2.

use alloc::vec;
use alloc::vec::Vec;

use super::automaton::{Automaton, EdgeIx, LabelIx, MessageIx, RoleIx, StateIx};
use super::local::{Direction, LocalType};
use super::protocol::{Edge, Protocol};
use super::tree::{Branch, Node};

impl Protocol {
    /// The state in which the rest of a role's type is `local`: two types that allow the same are
    /// the same state. `None` if the role never comes to it.
    ///
    /// # Panics
    /// If the protocol has no such role.
    #[must_use]
    pub fn state_of(&self, role: RoleIx, local: &LocalType) -> Option<StateIx> {
        let tree = local.tree();
        for node in tree.nodes() {
            let Node::Choice(direction, range) = node else { continue };
            for branch in tree.branches_of(range) {
                self.numbers(role, *direction, branch)?;
            }
        }
        let wanted = Automaton::of(local, |direction, branch| {
            self.numbers(role, direction, branch).expect("every branch was looked up")
        });
        let automaton = self.automaton(role);
        let states = (0..automaton.len()).map(|at| StateIx(u32::try_from(at).expect("they fit")));
        states.into_iter().find(|state| is_at(automaton, *state, &wanted))
    }

    fn numbers(
        &self,
        role: RoleIx,
        direction: Direction,
        branch: &Branch,
    ) -> Option<(RoleIx, LabelIx, MessageIx, EdgeIx)> {
        let (peer, label) = (self.role(&branch.peer)?, self.label(&branch.label)?);
        let message = self.messages().iter().position(|message| {
            message.label == label && message.payload.sort() == branch.payload.sort()
        })?;
        let Edge { from, to } = match direction {
            Direction::Send => Edge { from: role, to: peer },
            Direction::Receive => Edge { from: peer, to: role },
        };
        let edge = self.edge(from, to)?;
        Some((peer, label, MessageIx(u16::try_from(message).ok()?), edge))
    }
}

/// Whether an automaton goes on from `state` as `wanted` does from its beginning. Both are minimal
/// and deterministic: their states then go in pairs, and no state is in two of them.
fn is_at(automaton: &Automaton, state: StateIx, wanted: &Automaton) -> bool {
    let mut pairs: Vec<Option<StateIx>> = vec![None; wanted.len()];
    pairs[StateIx::INITIAL.index()] = Some(state);
    let mut todo = vec![StateIx::INITIAL];
    while let Some(at) = todo.pop() {
        let with = pairs[at.index()].expect("what is to be done is paired");
        let (ours, theirs) = (automaton.moves(with), wanted.moves(at));
        let same = automaton.direction(with) == wanted.direction(at) && ours.len() == theirs.len();
        if !same {
            return false;
        }
        for (our, their) in ours.iter().zip(theirs) {
            if (our.peer, our.message) != (their.peer, their.message) {
                return false;
            }
            match pairs[their.next.index()] {
                Some(paired) if paired != our.next => return false,
                Some(_) => {}
                None => {
                    pairs[their.next.index()] = Some(our.next);
                    todo.push(their.next);
                }
            }
        }
    }
    true
}
