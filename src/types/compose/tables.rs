//! Makes the tables of a system from the automata of a protocol.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::layout::Buffer;
use super::system::{Action, Group, NONE, Row, count};
use crate::types::automaton::{MessageIx, RoleIx, StateIx};
use crate::types::local::Direction;
use crate::types::protocol::Protocol;

/// What can be sent over each edge, in order.
pub(super) fn alphabets(protocol: &Protocol) -> Vec<Box<[MessageIx]>> {
    let mut alphabets: Vec<Vec<MessageIx>> = vec![Vec::new(); protocol.edges().len()];
    for role in (0..).map(RoleIx).take(protocol.roles().len()) {
        let automaton = protocol.automaton(role);
        for state in (0..count(automaton.len())).map(StateIx) {
            if automaton.direction(state) == Some(Direction::Send) {
                for sent in automaton.moves(state) {
                    alphabets[sent.edge.index()].push(sent.message);
                }
            }
        }
    }
    let sorted = alphabets.into_iter().map(|mut alphabet| {
        alphabet.sort_unstable();
        alphabet.dedup();
        alphabet.into_boxed_slice()
    });
    sorted.collect()
}

/// The tables of a system, while it is made.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) rows: Vec<Row>,
    pub(super) actions: Vec<Action>,
    pub(super) groups: Vec<Group>,
    /// For each group the action for each message of its edge.
    pub(super) by_symbol: Vec<u32>,
}

impl Tables {
    /// Appends what the role with this place in the system may do.
    pub(super) fn add(
        &mut self,
        protocol: &Protocol,
        role: RoleIx,
        index: u32,
        place: &[u32],
        edges: &[Buffer],
    ) {
        let automaton = protocol.automaton(role);
        for state in (0..count(automaton.len())).map(StateIx) {
            let direction = automaton.direction(state);
            let receives = direction == Some(Direction::Receive);
            let (first, groups) = (count(self.actions.len()), count(self.groups.len()));
            let mut free = false;
            // Moves are sorted by partner, so those over one edge stand together.
            for moved in automaton.moves(state) {
                let edge = place[moved.edge.index()];
                free |= edge == NONE && receives;
                let mut symbol = NONE;
                if let Some(buffer) = edges.get(edge as usize) {
                    let alphabet = &buffer.alphabet;
                    symbol = alphabet.binary_search(&moved.message).map_or(NONE, count);
                    if receives {
                        if self.groups[groups as usize..].last().is_none_or(|g| g.edge != edge) {
                            let table = count(self.by_symbol.len());
                            self.groups.push(Group { edge, table });
                            self.by_symbol.resize(table as usize + alphabet.len(), NONE);
                        }
                        if symbol != NONE {
                            let table = self.groups.last().expect("it was pushed").table;
                            self.by_symbol[(table + symbol) as usize] = count(self.actions.len());
                        }
                    }
                }
                let (sends, next) = (!receives, moved.next.0);
                let (peer, message) = (moved.peer, moved.message);
                self.actions.push(Action { role: index, edge, symbol, next, sends, peer, message });
            }
            let (past, groups_past) = (count(self.actions.len()), count(self.groups.len()));
            self.rows.push(Row { direction, first, past, groups, groups_past, free });
        }
    }
}
