//! The determined automaton of a role, made minimal; and as a local type.

use alloc::vec::Vec;

use super::graph::Graph;
use super::limits::{Exceeded, What};
use super::subset::{Row, Subsets};
use crate::types::automaton::{Automaton, EdgeIx, LabelIx, MessageIx, RoleIx, StateIx, Transition};
use crate::types::diagnostics::Span;
use crate::types::draft::{DraftBranch, DraftId};
use crate::types::kind::Kind;
use crate::types::local::{Direction, LocalType};
use crate::types::tree::{Branch, NODES_MAX};

/// What a role does, with the numbers that names have in the graph.
pub(super) struct Table<'g, 'a> {
    graph: &'g Graph<'a>,
    automaton: Automaton,
    /// For each message the link that shows how its payload was declared, where it is met first.
    shown: Vec<u32>,
}

fn short(number: u32) -> u16 {
    u16::try_from(number).expect("there are few messages")
}

impl<'g, 'a> Table<'g, 'a> {
    pub(super) fn of(graph: &'g Graph<'a>, subsets: &Subsets) -> Result<Self, Exceeded> {
        let most = usize::from(u16::MAX);
        if graph.messages() > most {
            return Err(Exceeded { what: What::Size, most });
        }
        let mut shown: Vec<u32> = alloc::vec![u32::MAX; graph.messages()];
        let mut rows: Vec<(Direction, Vec<Transition>)> = Vec::with_capacity(subsets.states.len());
        for state in &subsets.states {
            let direction = state.row.first().map_or(Direction::Receive, |row| row.event.direction);
            let transition = |row: &Row| {
                let message = &mut shown[row.event.message as usize];
                *message = (*message).min(row.link);
                Transition {
                    peer: RoleIx(row.event.peer.into()),
                    label: LabelIx(short(row.event.label)),
                    message: MessageIx(short(row.event.message)),
                    edge: EdgeIx(0),
                    next: StateIx(row.next),
                    kind: Kind::of(graph.branch(row.link).payload.sort()),
                    ends: false,
                }
            };
            rows.push((direction, state.row.iter().map(transition).collect()));
        }
        // Minimal: states that were told apart only by where they came from are one again, and what
        // they say is written once.
        let automaton = Automaton::canonical(&rows, StateIx::INITIAL);
        Ok(Self { graph, automaton, shown })
    }

    /// Whether a local type says the same.
    pub(super) fn is_of(&self, local: &LocalType) -> bool {
        let known = |branch: &Branch| self.graph.numbers(branch);
        local.tree().branches().iter().all(|branch| known(branch).is_some())
            && self.automaton
                == Automaton::of(local, |_, branch| {
                    let (peer, label, message) = known(branch).expect("all are known");
                    let (label, message) = (LabelIx(short(label)), MessageIx(short(message)));
                    (RoleIx(peer.into()), label, message, EdgeIx(0))
                })
    }

    /// PROJ-6: the local type.
    pub(super) fn local_type(&self) -> Result<LocalType, Exceeded> {
        let branch = |transition: &Transition| {
            let branch = self.graph.branch(self.shown[transition.message.index()]);
            DraftBranch {
                peer: self.graph.global.roles()[transition.peer.index()].clone(),
                label: branch.label.clone(),
                payload: branch.payload.clone(),
                next: DraftId::of(0),
                span: Span::NONE,
            }
        };
        let too_many = |_| Exceeded { what: What::Size, most: NODES_MAX };
        self.automaton.local_type(StateIx::INITIAL, branch).map_err(too_many)
    }
}
