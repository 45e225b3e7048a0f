//! The roles of a protocol as one system: flat tables of what each may do in each state, over
//! configurations that are packed words.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::layout::{Buffer, Field, Layout};
use super::tables::{Tables, alphabets};
use crate::types::automaton::{EdgeIx, MessageIx, RoleIx, StateIx};
use crate::types::local::Direction;
use crate::types::protocol::Protocol;

/// An index that names nothing.
pub(super) const NONE: u32 = u32::MAX;

/// The most messages of one edge that are kept; an edge that can hold more is explored up to here.
const KEPT_MAX: u32 = 256;

/// One move of one role.
#[derive(Debug, Clone, Copy)]
pub(super) struct Action {
    /// The place of the role in the system.
    pub(super) role: u32,
    /// The place of the edge in the system; [`NONE`] for one that is not kept, which always has
    /// room and always has any message.
    pub(super) edge: u32,
    /// The message, by its place in the edge's alphabet.
    pub(super) symbol: u32,
    pub(super) next: u32,
    pub(super) sends: bool,
    pub(super) peer: RoleIx,
    pub(super) message: MessageIx,
}

/// What one state of one role may do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// `None` at the end.
    pub(super) direction: Option<Direction>,
    /// Its actions.
    pub(super) first: u32,
    pub(super) past: u32,
    /// The edges that it waits on.
    pub(super) groups: u32,
    pub(super) groups_past: u32,
    /// Whether it waits on an edge that is not kept.
    pub(super) free: bool,
}

/// An edge that a state waits on, and the action for each message at its head.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) edge: u32,
    pub(super) table: u32,
}

#[derive(Debug)]
struct Role {
    role: RoleIx,
    field: Field,
    rows: u32,
}

/// Some roles of a protocol with some of its edges; most often all of them.
#[derive(Debug)]
pub(super) struct System {
    words: usize,
    roles: Box<[Role]>,
    rows: Box<[Row]>,
    actions: Box<[Action]>,
    groups: Box<[Group]>,
    by_symbol: Box<[u32]>,
    edges: Box<[Buffer]>,
}

/// A role that can move in a configuration, and its actions in [`Scan::enabled`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Mover {
    pub(super) role: u32,
    pub(super) first: u32,
    pub(super) past: u32,
    /// Whether nothing that others do can change what it may do (see the module `explore`).
    pub(super) settled: bool,
    pub(super) sends: bool,
}

/// What can happen in one configuration.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) enabled: Vec<u32>,
    pub(super) movers: Vec<Mover>,
    /// Full edges that somebody would send over.
    pub(super) blocked: Vec<u32>,
    /// An edge whose head its receiver waits for and cannot take.
    pub(super) unexpected: Option<u32>,
    /// A role with two receives at once.
    pub(super) several: Option<u32>,
    pub(super) all_ended: bool,
}

impl System {
    /// All roles, with at most `most` messages on each edge where the types allow no more.
    pub(super) fn of(protocol: &Protocol, capacities: &[u32], most: &[Option<u32>]) -> Self {
        let roles: Vec<RoleIx> = (0..).map(RoleIx).take(protocol.roles().len()).collect();
        let room = |edge: EdgeIx| {
            let needed = most[edge.index()].unwrap_or(u32::MAX).max(1);
            Some((capacities[edge.index()], needed.min(KEPT_MAX)))
        };
        Self::part(protocol, &roles, room)
    }

    /// These roles, with the edges for which `room` gives a capacity and the most messages that
    /// are kept.
    pub(super) fn part(
        protocol: &Protocol,
        roles: &[RoleIx],
        room: impl Fn(EdgeIx) -> Option<(u32, u32)>,
    ) -> Self {
        let mut layout = Layout::default();
        let kept: Vec<RoleIx> = roles.to_vec();
        let fields: Vec<Field> =
            kept.iter().map(|role| layout.field(protocol.automaton(*role).len())).collect();
        let alphabets = alphabets(protocol);
        let mut place = vec![NONE; protocol.edges().len()];
        let mut edges = Vec::new();
        for (index, alphabet) in (0..).zip(alphabets) {
            let edge = EdgeIx(index);
            if let Some((capacity, most)) = room(edge) {
                place[edge.index()] = count(edges.len());
                let limited = most == KEPT_MAX && capacity > most;
                let ends = protocol.edges()[edge.index()];
                edges.push(layout.buffer((edge, ends), capacity.min(most), limited, alphabet));
            }
        }
        let mut tables = Tables::default();
        let mut placed = Vec::with_capacity(kept.len());
        for ((index, role), field) in (0..).zip(kept).zip(fields) {
            placed.push(Role { role, field, rows: count(tables.rows.len()) });
            tables.add(protocol, role, index, &place, &edges);
        }
        let Tables { rows, actions, groups, by_symbol } = tables;
        Self {
            words: layout.words(),
            roles: placed.into(),
            rows: rows.into(),
            actions: actions.into(),
            groups: groups.into(),
            by_symbol: by_symbol.into(),
            edges: edges.into(),
        }
    }

    /// How many words a configuration takes.
    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// The kept edges.
    pub(super) fn edges(&self) -> &[Buffer] {
        &self.edges
    }

    /// How many roles there are.
    pub(super) fn roles(&self) -> usize {
        self.roles.len()
    }

    /// The number of a role in its protocol.
    pub(super) fn role(&self, role: u32) -> RoleIx {
        self.roles[role as usize].role
    }

    /// The place of the role that sends over a kept edge, if all roles are there.
    pub(super) fn sender(&self, edge: usize) -> usize {
        self.edges[edge].ends.from.index()
    }

    /// The place of the role that receives over a kept edge, if all roles are there.
    pub(super) fn receiver(&self, edge: usize) -> usize {
        self.edges[edge].ends.to.index()
    }

    /// The state of a role.
    pub(super) fn state(&self, words: &[u64], role: usize) -> StateIx {
        StateIx(self.roles[role].field.get(words))
    }

    /// An action by its number.
    #[inline(always)]
    pub(super) fn action(&self, action: u32) -> &Action {
        &self.actions[action as usize]
    }

    /// What a role may do where it is.
    #[inline(always)]
    pub(super) fn row(&self, words: &[u64], role: usize) -> Row {
        let Role { field, rows, .. } = self.roles[role];
        self.rows[(rows + field.get(words)) as usize]
    }

    /// The edges that a row sends over or waits on, each once.
    pub(super) fn edges_of(&self, row: Row) -> Vec<u32> {
        let mut edges: Vec<u32> =
            self.actions[row.first as usize..row.past as usize].iter().map(|a| a.edge).collect();
        edges.sort_unstable();
        edges.dedup();
        edges
    }

    /// Performs an action that is enabled; how many messages are on its edge if it was a send.
    #[inline(always)]
    pub(super) fn perform(&self, words: &mut [u64], action: &Action) -> u32 {
        self.roles[action.role as usize].field.set(words, action.next);
        if action.edge == NONE {
            return 0;
        }
        let buffer = &self.edges[action.edge as usize];
        if action.sends {
            buffer.push(words, action.symbol)
        } else {
            buffer.pop(words);
            0
        }
    }

    /// Finds out what can happen in a configuration.
    pub(super) fn scan(&self, words: &[u64], scan: &mut Scan) {
        scan.enabled.clear();
        scan.movers.clear();
        scan.blocked.clear();
        (scan.unexpected, scan.several, scan.all_ended) = (None, None, true);
        for role in 0..self.roles.len() {
            let row = self.row(words, role);
            let first = count(scan.enabled.len());
            let settled = match row.direction {
                None => continue,
                Some(Direction::Send) => self.scan_sends(words, row, scan),
                Some(Direction::Receive) => self.scan_receives(words, row, scan),
            };
            scan.all_ended = false;
            let past = count(scan.enabled.len());
            let role = count(role);
            if first < past {
                let sends = row.direction == Some(Direction::Send);
                scan.movers.push(Mover { role, first, past, settled, sends });
                if !sends && past - first > 1 {
                    scan.several = scan.several.or(Some(role));
                }
            }
        }
    }

    #[inline(always)]
    fn scan_sends(&self, words: &[u64], row: Row, scan: &mut Scan) -> bool {
        let blocked = scan.blocked.len();
        for number in row.first..row.past {
            let edge = self.action(number).edge;
            let full = self.edges.get(edge as usize).is_some_and(|b| b.len(words) >= b.capacity);
            if full { scan.blocked.push(edge) } else { scan.enabled.push(number) }
        }
        scan.blocked.len() == blocked
    }

    #[inline(always)]
    fn scan_receives(&self, words: &[u64], row: Row, scan: &mut Scan) -> bool {
        let mut settled = true;
        for group in &self.groups[row.groups as usize..row.groups_past as usize] {
            let buffer = &self.edges[group.edge as usize];
            if buffer.len(words) == 0 {
                settled = false;
                continue;
            }
            match self.by_symbol[(group.table + buffer.head(words)) as usize] {
                NONE => scan.unexpected = scan.unexpected.or(Some(group.edge)),
                number => scan.enabled.push(number),
            }
        }
        if row.free {
            let free = (row.first..row.past).filter(|number| self.action(*number).edge == NONE);
            scan.enabled.extend(free);
        }
        settled
    }
}

/// A count that fits: types have fewer than 2^32 nodes.
pub(super) fn count(length: usize) -> u32 {
    u32::try_from(length).expect("fewer than 2^32 of them")
}
