//! The configurations that a system reaches, breadth first, in one flat table.
//!
//! Clauses: COMP-1, COMP-7.
//!
//! # Reduction
//!
//! A role is *settled* in a configuration if it can send and none of its branches is blocked, or if
//! every edge that it waits on holds a message. Whatever the others do, a settled role keeps
//! exactly the moves that it has, and they commute with those of the others: they consume other
//! messages, or the same edge at its other end. So a settled role's moves alone are a persistent
//! set (Godefroid, LNCS 1032, 1996), and a configuration may be expanded by them only. Moves of
//! different roles never disable each other at all.
//!
//! A move must not be put off for ever: every terminal strongly connected component of the reduced
//! graph contains a configuration that is expanded fully; where one does not, one of its
//! configurations is expanded after all. Together: *for every path w from a configuration of the
//! reduced graph, there are a path v and a path u of the reduced graph such that w·v and u are the
//! same but for the order of independent moves.* (By induction on w. If the settled role that is
//! expanded moves in w, its first move there can be made first; w gets shorter. If it does not, any
//! of its moves leaves w possible and can be made behind it; so one can go towards a configuration
//! that is expanded fully, and there make the first move of w.) What that keeps:
//!
//! - *Deadlocks and orphans*: nothing moves there, so v is empty.
//! - *Unexpected messages*: let a receiver also take what it does not expect, and end up where
//!   nothing follows. A settled role stays settled with these moves, so each can be made somewhere
//!   in the reduced graph if anywhere: there the message is seen.
//! - *Receive determinacy*: the same with a move for each two receives that can be made at once.
//! - *Liveness*: a role that can never move again has not moved in v either, and is where it was
//!   when u ends; the same for a message that can never be consumed. Any reduced path goes from
//!   there into a terminal component in which the role does not move. The other way round, if a
//!   role could move from a configuration of a terminal component of the reduced graph, it would
//!   move in u, which lies in the component.
//!
//! How full an edge gets is not kept: `bounds` uses the whole graph.

use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::system::{Mover, NONE, Scan, System, count};
use crate::types::components::{Components, components};

/// How often components are looked for before every configuration guards itself.
const REPAIRS_MAX: u32 = 12;

/// How many configurations in which a send was blocked are kept, of each edge.
pub(super) const BLOCKED_KEPT: usize = 8;

/// What is left to spend.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub(super) configurations: usize,
    pub(super) bytes: usize,
}

/// What is explored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Every configuration.
    Whole,
    /// As many as the properties above need.
    Reduced,
    /// Every configuration of two roles, whatever is wrong with it, until a send is blocked over
    /// this edge.
    Pair(u32),
}

/// How an exploration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There are no more configurations.
    Complete,
    /// The budget is spent.
    Limit,
    /// This configuration breaks a rule, and no capacity would change that.
    Broken(u32, Break),
}

/// What is wrong with one configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Break {
    /// The head of this edge.
    Unexpected(u32),
    /// Everyone has ended and messages are left.
    Orphan,
    /// Nobody can move.
    Stuck,
}

/// Configurations and the transitions between them.
#[derive(Debug)]
pub(super) struct Graph<'a> {
    pub(super) system: &'a System,
    pub(super) extent: Extent,
    arena: Vec<u64>,
    table: HashTable<u32>,
    /// Where a configuration was found: from which one, by which action.
    from: Vec<(u32, u32)>,
    /// The transitions of a configuration: the first one and how many.
    rows: Vec<(u32, u32)>,
    full: Vec<bool>,
    targets: Vec<u32>,
    actions: Vec<u32>,
    scan: Scan,
    current: Vec<u64>,
    next: Vec<u64>,
    guarded: bool,
    /// The most messages that were seen on each edge.
    pub(super) most: Vec<u32>,
    /// The first configurations in which a send over the edge was blocked.
    pub(super) blocked: Vec<Vec<u32>>,
    /// The first configuration in which a role had two receives, and the role.
    pub(super) several: Option<(u32, u32)>,
    /// The first configuration in which nobody could move and somebody was blocked.
    pub(super) full_stop: Option<u32>,
}

impl<'a> Graph<'a> {
    /// The graph of what `system` reaches, as far as the budget goes.
    pub(super) fn explore(system: &'a System, extent: Extent, budget: Budget) -> (Self, Outcome) {
        let (words, edges) = (system.words(), system.edges().len());
        let mut graph = Self {
            system,
            extent,
            arena: Vec::new(),
            table: HashTable::new(),
            from: Vec::new(),
            rows: Vec::new(),
            full: Vec::new(),
            targets: Vec::new(),
            actions: Vec::new(),
            scan: Scan::default(),
            current: vec![0; words],
            next: vec![0; words],
            guarded: false,
            most: vec![0; edges],
            blocked: vec![Vec::new(); edges],
            several: None,
            full_stop: None,
        };
        graph.intern((NONE, NONE));
        let outcome = graph.run(budget);
        (graph, outcome)
    }

    fn run(&mut self, budget: Budget) -> Outcome {
        let (mut done, mut repairs) = (0, 0);
        loop {
            while done < self.len() {
                if self.len() > budget.configurations || self.bytes() > budget.bytes {
                    return Outcome::Limit;
                }
                if let Err(outcome) = self.expand(done) {
                    return outcome;
                }
                done += 1;
            }
            if self.extent != Extent::Reduced {
                return Outcome::Complete;
            }
            let ignoring = self.ignoring();
            if ignoring.is_empty() {
                return Outcome::Complete;
            }
            repairs += 1;
            self.guarded = repairs >= REPAIRS_MAX;
            for config in ignoring {
                self.load(config as usize);
                let all = 0..count(self.scan.enabled.len());
                self.emit(config as usize, all);
                self.full[config as usize] = true;
            }
        }
    }

    /// A configuration of each terminal component in which none is expanded fully.
    fn ignoring(&self) -> Vec<u32> {
        let components = self.components();
        let terminal = components.iter().filter(|members| self.is_terminal(members, &components));
        let ignoring =
            terminal.filter(|members| members.iter().all(|member| !self.full[*member as usize]));
        ignoring.filter_map(|members| members.iter().min().copied()).collect()
    }

    /// The strongly connected components.
    pub(super) fn components(&self) -> Components {
        components(self.len(), |config, nth| {
            let (first, length) = self.rows[config];
            let nth = u32::try_from(nth).ok().filter(|nth| *nth < length)?;
            Some(self.targets[(first + nth) as usize] as usize)
        })
    }

    /// Whether nothing leads out of a component.
    pub(super) fn is_terminal(&self, members: &[u32], components: &Components) -> bool {
        let own = components.of[members[0] as usize];
        members.iter().all(|member| {
            self.transitions(*member).all(|(_, to)| components.of[to as usize] == own)
        })
    }

    /// Copies a configuration out of the arena and finds out what can happen in it.
    fn load(&mut self, config: usize) {
        let words = self.current.len();
        self.current.copy_from_slice(&self.arena[config * words..(config + 1) * words]);
        self.system.scan(&self.current, &mut self.scan);
    }

    fn expand(&mut self, config: usize) -> Result<(), Outcome> {
        self.load(config);
        let number = count(config);
        let pair = if let Extent::Pair(edge) = self.extent {
            if self.scan.blocked.contains(&edge) {
                return Err(Outcome::Limit);
            }
            true
        } else {
            false
        };
        for index in 0..self.scan.blocked.len() {
            let edge = self.scan.blocked[index] as usize;
            if self.system.edges()[edge].limited {
                return Err(Outcome::Limit);
            }
            let known = &mut self.blocked[edge];
            if known.len() < BLOCKED_KEPT && known.last() != Some(&number) {
                known.push(number);
            }
        }
        if let Some(edge) = self.scan.unexpected.filter(|_| !pair) {
            return Err(Outcome::Broken(number, Break::Unexpected(edge)));
        }
        if self.scan.enabled.is_empty() {
            return if pair { Ok(()) } else { self.at_rest(number) };
        }
        if self.several.is_none() {
            self.several = self.scan.several.map(|role| (number, role));
        }
        let all = 0..count(self.scan.enabled.len());
        let chosen = self.chosen(config).filter(|mover| mover.past - mover.first < all.end);
        if let Some(mover) = chosen {
            self.emit(config, mover.first..mover.past);
            let onward = |(_, to)| to > number;
            if !self.guarded || self.transitions(number).any(onward) {
                return Ok(());
            }
            self.targets.truncate(self.rows[config].0 as usize);
            self.actions.truncate(self.targets.len());
        }
        self.emit(config, all);
        self.full[config] = true;
        Ok(())
    }

    /// Nothing can happen any more.
    fn at_rest(&mut self, number: u32) -> Result<(), Outcome> {
        self.full[number as usize] = true;
        let system = self.system;
        if self.scan.all_ended {
            let empty = system.edges().iter().all(|edge| edge.len(&self.current) == 0);
            return if empty { Ok(()) } else { Err(Outcome::Broken(number, Break::Orphan)) };
        }
        if self.scan.blocked.is_empty() {
            return Err(Outcome::Broken(number, Break::Stuck));
        }
        self.full_stop = self.full_stop.or(Some(number));
        Ok(())
    }

    /// The settled role to expand by: one that receives, the one that moved last, the one with the
    /// fewest branches. To stay with one role until it waits keeps independent roles from
    /// multiplying.
    fn chosen(&self, config: usize) -> Option<Mover> {
        if self.extent != Extent::Reduced {
            return None;
        }
        let by = self.from[config].1;
        let last = if by == NONE { NONE } else { self.system.action(by).role };
        let settled = self.scan.movers.iter().filter(|mover| mover.settled);
        let key = |mover: &&Mover| (mover.sends, mover.role != last, mover.past - mover.first);
        settled.min_by_key(key).copied()
    }

    /// Appends the transitions of a configuration by some of what is enabled.
    fn emit(&mut self, config: usize, enabled: core::ops::Range<u32>) {
        let from = count(config);
        self.rows[config] = (count(self.targets.len()), enabled.end - enabled.start);
        for index in enabled {
            let number = self.scan.enabled[index as usize];
            let action = self.system.action(number);
            self.next.copy_from_slice(&self.current);
            let length = self.system.perform(&mut self.next, action);
            if length > 0 {
                let most = &mut self.most[action.edge as usize];
                *most = length.max(*most);
            }
            let to = self.intern((from, number));
            self.targets.push(to);
            self.actions.push(number);
        }
    }

    /// The number of the configuration in `next`.
    fn intern(&mut self, from: (u32, u32)) -> u32 {
        let (arena, words) = (&self.arena, self.next.len());
        let at = |config: u32| &arena[config as usize * words..(config as usize + 1) * words];
        let next = self.next.as_slice();
        let entry =
            self.table.entry(hash(next), |known| at(*known) == next, |known| hash(at(*known)));
        match entry {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => {
                let number = count(self.rows.len());
                vacant.insert(number);
                self.arena.extend_from_slice(&self.next);
                self.from.push(from);
                self.rows.push((0, 0));
                self.full.push(false);
                number
            }
        }
    }

    /// How many configurations there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many transitions there are.
    pub(super) fn transition_count(&self) -> usize {
        self.targets.len()
    }

    /// How many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let each = 8 * self.next.len() + 8 + 8 + 1;
        self.len() * each + self.table.capacity() * 5 + self.targets.len() * 8
    }

    /// The words of a configuration.
    pub(super) fn config(&self, config: u32) -> &[u64] {
        let words = self.next.len();
        &self.arena[config as usize * words..(config as usize + 1) * words]
    }

    /// The transitions of a configuration: action and target.
    pub(super) fn transitions(&self, config: u32) -> impl Iterator<Item = (u32, u32)> {
        let (first, length) = self.rows[config as usize];
        let range = first as usize..(first + length) as usize;
        self.actions[range.clone()].iter().copied().zip(self.targets[range].iter().copied())
    }

    /// Where a configuration was found: from which one, and by which action.
    pub(super) fn found_from(&self, config: u32) -> Option<(u32, u32)> {
        let from = self.from[config as usize];
        (from.0 != NONE).then_some(from)
    }
}

/// A folded multiplication a word: spreads the packed fields over all bits.
#[inline(always)]
fn hash(words: &[u64]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    words.iter().fold(FACTOR, |hash, word| {
        let product = u128::from(hash ^ word).wrapping_mul(u128::from(FACTOR));
        // Both halves: the low one alone would not hear of the high bits.
        (product >> 64) as u64 ^ product as u64
    })
}
