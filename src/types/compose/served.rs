//! Who can still be served, from each configuration that was explored.
//!
//! What happens after a configuration is what happens in the components that its own leads to, so
//! one walk over the components, those that are led to first, collects who moves and which edges
//! are consumed. In a reduced graph the answer is the same (see `explore`: a role that can move on
//! any way does so on a way of the reduced graph, and so does a receiver).
//!
//! Clauses: COMP-3, COMP-4.

use alloc::vec;
use alloc::vec::Vec;

use super::graph::Graph;
use super::system::{Scan, System, count};
use crate::types::components::Components;
use crate::types::local::Direction;

/// Who waits in vain: a role, or the message at the head of an edge; by their places in the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InVain {
    Role(u32),
    Message(u32),
}

/// What can happen from the configurations of each component on.
#[derive(Debug)]
pub(super) struct Served {
    /// The words of each row.
    stride: usize,
    /// For each component a row of bits: the roles that move, then the edges that are consumed.
    rows: Vec<u64>,
    /// Whether each component leads to where somebody waits for room on an edge that stays full.
    wants_room: Vec<bool>,
}

impl Served {
    pub(super) fn of(graph: &Graph<'_>, components: &Components) -> Self {
        let system = graph.system;
        let stride = (system.roles() + system.edges().len()).div_ceil(64).max(1);
        let mut served = Self { stride, rows: Vec::new(), wants_room: Vec::new() };
        let mut scan = Scan::default();
        for (number, members) in components.iter().enumerate() {
            let mut row = vec![0; stride];
            let (mut wants_room, mut terminal) = (false, true);
            for (action, to) in members.iter().flat_map(|member| graph.transitions(*member)) {
                let action = system.action(action);
                set(&mut row, action.role as usize);
                if !action.sends {
                    set(&mut row, system.roles() + action.edge as usize);
                }
                let to = components.of[to as usize] as usize;
                if to != number {
                    terminal = false;
                    wants_room |= served.wants_room[to];
                    row.iter_mut().zip(served.row(to)).for_each(|(own, led)| *own |= led);
                }
            }
            if terminal {
                wants_room = members.iter().any(|member| {
                    system.scan(graph.config(*member), &mut scan);
                    // Where the edge is consumed now and then, the send is only delayed.
                    scan.blocked.iter().any(|edge| !is_set(&row, system.roles() + *edge as usize))
                });
            }
            served.rows.extend_from_slice(&row);
            served.wants_room.push(wants_room);
        }
        served
    }

    fn row(&self, component: usize) -> &[u64] {
        &self.rows[component * self.stride..(component + 1) * self.stride]
    }

    /// Whether a component leads to where somebody waits for room on an edge that stays full.
    pub(super) fn wants_room(&self, component: u32) -> bool {
        self.wants_room[component as usize]
    }

    /// Everybody that waits in vain in a configuration of this component: roles first.
    pub(super) fn in_vain<'a>(
        &'a self,
        system: &'a System,
        words: &'a [u64],
        component: u32,
    ) -> impl Iterator<Item = InVain> + 'a {
        let row = self.row(component as usize);
        let roles = (0..system.roles())
            .filter(|role| !is_set(row, *role) && system.row(words, *role).direction.is_some());
        let edges = (0..system.edges().len()).filter(|edge| {
            !is_set(row, system.roles() + *edge) && system.edges()[*edge].len(words) > 0
        });
        let roles = roles.map(|role| InVain::Role(count(role)));
        roles.chain(edges.map(|edge| InVain::Message(count(edge))))
    }
}

fn set(row: &mut [u64], bit: usize) {
    row[bit / 64] |= 1 << (bit % 64);
}

fn is_set(row: &[u64], bit: usize) -> bool {
    row[bit / 64] >> (bit % 64) & 1 == 1
}

/// Who waits in vain whatever room there is: one of the roles that wait for messages only from each
/// other or from roles that have ended, on edges that are empty; or a message to a role that has
/// ended.
pub(super) fn at_every_capacity(system: &System, words: &[u64]) -> Option<InVain> {
    let (mut ended, mut waiting) = (0_u128, Vec::new());
    for role in 0..system.roles() {
        let row = system.row(words, role);
        match row.direction {
            None => ended |= 1 << role,
            Some(Direction::Receive) => waiting.push((role, system.edges_of(row))),
            Some(Direction::Send) => {}
        }
    }
    // The greatest set in which nobody can be told anything by anybody outside.
    let mut silent = waiting.iter().fold(ended, |all, (role, _)| all | 1 << role);
    loop {
        let told = waiting.iter().filter(|(role, edges)| {
            silent >> role & 1 == 1
                && edges.iter().any(|edge| {
                    let edge = *edge as usize;
                    system.edges()[edge].len(words) > 0 || silent >> system.sender(edge) & 1 == 0
                })
        });
        let told = told.fold(0, |all, (role, _)| all | 1_u128 << role);
        if told == 0 {
            break;
        }
        silent &= !told;
    }
    let role = waiting.iter().find(|(role, _)| silent >> role & 1 == 1);
    let left = |edge: &usize| {
        ended >> system.receiver(*edge) & 1 == 1 && system.edges()[*edge].len(words) > 0
    };
    let message = || (0..system.edges().len()).find(left).map(|edge| InVain::Message(count(edge)));
    role.map(|(role, _)| InVain::Role(count(*role))).or_else(message)
}
