//! Which configurations are explored, and in which order.
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
use core::ops::Range;

use super::graph::Graph;
use super::layout::Buffer;
use super::system::{Mover, Scan, System, count};
use crate::types::components::Components;

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

/// What a system reaches, and what was seen on the way.
#[derive(Debug)]
pub(super) struct Exploration<'a> {
    pub(super) graph: Graph<'a>,
    pub(super) extent: Extent,
    pub(super) outcome: Outcome,
    /// The strongly connected components, if the exploration is complete.
    pub(super) components: Option<Components>,
    /// The most messages that were seen on each edge.
    pub(super) most: Vec<u32>,
    /// The first configurations in which a send over the edge was blocked.
    pub(super) blocked: Vec<Vec<u32>>,
    /// The first configuration in which a role had two receives, and the role.
    pub(super) several: Option<(u32, u32)>,
    /// The first configuration in which nobody could move and somebody was blocked.
    pub(super) full_stop: Option<u32>,
    /// Which configurations are expanded by everything that is enabled.
    full: Vec<bool>,
    /// Whether each configuration that is not expanded fully leads to one that is younger.
    guarded: bool,
    scan: Scan,
    current: Vec<u64>,
    next: Vec<u64>,
}

/// Explores `system` as far as the budget goes.
pub(super) fn explore(system: &System, extent: Extent, budget: Budget) -> Exploration<'_> {
    let (words, edges) = (system.words(), system.edges().len());
    let mut exploration = Exploration {
        graph: Graph::new(system),
        extent,
        outcome: Outcome::Complete,
        components: None,
        most: vec![0; edges],
        blocked: vec![Vec::new(); edges],
        several: None,
        full_stop: None,
        full: Vec::new(),
        guarded: false,
        scan: Scan::default(),
        current: vec![0; words],
        next: vec![0; words],
    };
    exploration.outcome = exploration.run(budget).err().unwrap_or(Outcome::Complete);
    exploration
}

impl Exploration<'_> {
    fn run(&mut self, budget: Budget) -> Result<(), Outcome> {
        let (mut done, mut repairs) = (0, 0);
        loop {
            while done < self.graph.len() {
                let graph = &self.graph;
                if graph.len() > budget.configurations || graph.bytes() > budget.bytes {
                    return Err(Outcome::Limit);
                }
                self.expand(done)?;
                done += 1;
            }
            if let Extent::Pair(_) = self.extent {
                return Ok(());
            }
            let components = self.graph.components();
            let ignoring = self.ignoring(&components);
            if ignoring.is_empty() {
                self.components = Some(components);
                return Ok(());
            }
            repairs += 1;
            self.guarded = repairs >= REPAIRS_MAX;
            for config in ignoring {
                self.load(config);
                self.emit(config, 0..count(self.scan.enabled.len()));
                self.full[config as usize] = true;
            }
        }
    }

    /// A configuration of each terminal component in which none is expanded fully.
    fn ignoring(&self, components: &Components) -> Vec<u32> {
        if self.extent != Extent::Reduced {
            return Vec::new();
        }
        let partly = |members: &&[u32]| members.iter().all(|member| !self.full[*member as usize]);
        let terminal = |members: &&[u32]| self.graph.is_terminal(members, components);
        let ignoring = components.iter().filter(partly).filter(terminal);
        ignoring.filter_map(|members| members.iter().min().copied()).collect()
    }

    /// Copies a configuration out of the graph and finds out what can happen in it.
    fn load(&mut self, config: u32) {
        self.current.copy_from_slice(self.graph.config(config));
        self.graph.system.scan(&self.current, &mut self.scan);
    }

    fn expand(&mut self, index: usize) -> Result<(), Outcome> {
        let config = count(index);
        self.load(config);
        self.full.push(false);
        let pair = matches!(self.extent, Extent::Pair(_));
        self.note_blocked(config)?;
        if let Some(edge) = self.scan.unexpected.filter(|_| !pair) {
            return Err(Outcome::Broken(config, Break::Unexpected(edge)));
        }
        if self.scan.enabled.is_empty() {
            return if pair { Ok(()) } else { self.at_rest(config) };
        }
        if self.several.is_none() {
            self.several = self.scan.several.map(|role| (config, role));
        }
        let all = 0..count(self.scan.enabled.len());
        let chosen = self.chosen(config).filter(|mover| mover.past - mover.first < all.end);
        if let Some(mover) = chosen {
            self.emit(config, mover.first..mover.past);
            if !self.guarded || self.graph.transitions(config).any(|(_, to)| to > config) {
                return Ok(());
            }
            self.graph.clear_last_row(config);
        }
        self.emit(config, all);
        self.full[index] = true;
        Ok(())
    }

    fn note_blocked(&mut self, config: u32) -> Result<(), Outcome> {
        for edge in self.scan.blocked.iter().copied() {
            let limited = self.graph.system.edges()[edge as usize].limited;
            if limited || self.extent == Extent::Pair(edge) {
                return Err(Outcome::Limit);
            }
            let known = &mut self.blocked[edge as usize];
            if known.len() < BLOCKED_KEPT && known.last() != Some(&config) {
                known.push(config);
            }
        }
        Ok(())
    }

    /// Nothing can happen any more.
    fn at_rest(&mut self, config: u32) -> Result<(), Outcome> {
        self.full[config as usize] = true;
        if self.scan.all_ended {
            let empty = |edge: &Buffer| edge.len(&self.current) == 0;
            let empty = self.graph.system.edges().iter().all(empty);
            return if empty { Ok(()) } else { Err(Outcome::Broken(config, Break::Orphan)) };
        }
        if self.scan.blocked.is_empty() {
            return Err(Outcome::Broken(config, Break::Stuck));
        }
        self.full_stop = self.full_stop.or(Some(config));
        Ok(())
    }

    /// The settled role to expand by: one that receives, one that took part in the last move, the
    /// one with the fewest branches. To stay with a conversation until it waits keeps independent
    /// ones from multiplying.
    fn chosen(&self, config: u32) -> Option<Mover> {
        if self.extent != Extent::Reduced {
            return None;
        }
        let found = self.graph.found_from(config);
        let last = found.map(|(_, action)| self.graph.system.action(action));
        let near = |role: u32| {
            last.is_some_and(|last| last.role == role || last.peer == self.graph.system.role(role))
        };
        let settled = self.scan.movers.iter().filter(|mover| mover.settled);
        let key = |mover: &&Mover| (mover.sends, !near(mover.role), mover.past - mover.first);
        settled.min_by_key(key).copied()
    }

    /// Gives a configuration its transitions by some of what is enabled.
    fn emit(&mut self, config: u32, enabled: Range<u32>) {
        self.graph.begin_row(config);
        for index in enabled {
            let number = self.scan.enabled[index as usize];
            let action = self.graph.system.action(number);
            self.next.copy_from_slice(&self.current);
            let length = self.graph.system.perform(&mut self.next, action);
            if length > 0 {
                let most = &mut self.most[action.edge as usize];
                *most = length.max(*most);
            }
            self.graph.add(config, number, &self.next);
        }
    }
}
