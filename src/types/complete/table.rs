//! From the determined automaton of a role to its local type.

use alloc::vec::Vec;

use super::graph::Graph;
use super::limits::{Exceeded, What};
use super::subset::Subsets;
use crate::types::automaton::{Automaton, EdgeIx, LabelIx, MessageIx, RoleIx, StateIx, Transition};
use crate::types::diagnostics::Span;
use crate::types::draft::{DraftBranch, DraftId};
use crate::types::local::{Direction, LocalType};
use crate::types::tree::NODES_MAX;
use crate::types::value::Kind;

/// PROJ-6: the local type of a determined automaton, made minimal first: what it says in a loop is
/// then written once, wherever its states were told apart only by where they came from.
pub(super) fn local_type(graph: &Graph<'_>, subsets: &Subsets) -> Result<LocalType, Exceeded> {
    let too_many = |most: usize| Exceeded { what: What::Size, most };
    let most = usize::from(u16::MAX);
    if graph.messages > most {
        return Err(too_many(most));
    }
    let short = |number: u32| u16::try_from(number).expect("there are few messages");
    // One link shows the payload of each message, as it was declared where it is met first.
    let mut shown: Vec<u32> = alloc::vec![u32::MAX; graph.messages];
    let mut rows: Vec<(Direction, Vec<Transition>)> = Vec::with_capacity(subsets.states.len());
    for state in &subsets.states {
        let direction = state.row.first().map_or(Direction::Receive, |row| row.event.direction);
        let transition = |row: &super::subset::Row| {
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
    let automaton = Automaton::canonical(&rows, StateIx::INITIAL);
    let branch = |transition: &Transition| {
        let branch = graph.branch(shown[transition.message.index()]);
        DraftBranch {
            peer: graph.global.roles()[transition.peer.index()].clone(),
            label: branch.label.clone(),
            payload: branch.payload.clone(),
            next: DraftId::of(0),
            span: Span::NONE,
        }
    };
    automaton.local_type(StateIx::INITIAL, branch).map_err(|_| too_many(NODES_MAX))
}
