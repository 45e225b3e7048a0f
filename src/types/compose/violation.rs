//! What is said about a run that goes wrong: its steps, where it ends, who waits there for what.
//!
//! Clauses: COMP-5.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::graph::Graph;
use super::system::NONE;
use crate::types::automaton::{EdgeIx, MessageIx, RoleIx, StateIx};
use crate::types::local::Direction;

/// One step of a run: a role sends to, or receives from, its partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Step {
    /// Who moves.
    pub role: RoleIx,
    /// Whether it sends or receives.
    pub direction: Direction,
    /// The partner.
    pub peer: RoleIx,
    /// What is sent or received.
    pub message: MessageIx,
}

/// The state of each role and the messages on each edge, the head first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Configuration {
    /// One a role.
    pub states: Box<[StateIx]>,
    /// One list an edge.
    pub edges: Box<[Box<[MessageIx]>]>,
}

/// A role that has not ended, and the edges that it waits on: for a message on one of them, or for
/// room on one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Who waits.
    pub role: RoleIx,
    /// Receive: for a message. Send: for room.
    pub direction: Direction,
    /// Where.
    pub edges: Box<[EdgeIx]>,
}

/// A run from the beginning, and where it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What happens, in order.
    pub steps: Box<[Step]>,
    /// Where it ends.
    pub ends: Configuration,
    /// The roles that cannot move there and have not ended.
    pub waiting: Box<[Waiting]>,
}

/// Who is served no more, in a run that goes on for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starved {
    /// A role that waits for a message or for room.
    Role(RoleIx),
    /// The message at the head of an edge.
    Message(EdgeIx),
}

/// Which rule is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The receiver waits on this edge and cannot take the message at its head.
    UnexpectedMessage(EdgeIx),
    /// Every role has ended, and there are messages on this edge.
    OrphanMessage(EdgeIx),
    /// Nobody can move, and somebody has not ended.
    Deadlock,
    /// Whatever happens from there on, this role or message is never served.
    NotLive(Starved),
}

impl Kind {
    /// Its name, as diagnostics give it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnexpectedMessage(_) => "unexpected message",
            Self::OrphanMessage(_) => "orphan message",
            Self::Deadlock => "deadlock",
            Self::NotLive(_) => "not live",
        }
    }
}

/// A run that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub kind: Kind,
    /// How it comes to that.
    pub run: Run,
    /// For [`Kind::NotLive`]: what can go on for ever from the end of the run, back to it. Empty
    /// otherwise, and where nothing leads back.
    pub cycle: Box<[Step]>,
    /// Whether no shorter run shows as much at these capacities: for [`Kind::NotLive`], none after
    /// which anybody is never served again. (Unexpected and orphan messages and deadlocks go before
    /// what is not live; what more room could change comes last, of that deadlocks first, then
    /// roles that wait for room.)
    pub known_shortest: bool,
    /// Whether a send is blocked there by an edge that stays full: more capacity may help. Where
    /// this is `false`, the violation is there at every larger capacity, too: nobody waits for room
    /// in vain, or somebody else waits who would with any room. (For what is not
    /// live that is known of directed types only.)
    pub for_room: bool,
}

impl Run {
    /// The run on which a configuration was found.
    pub(super) fn to(graph: &Graph<'_>, config: u32) -> Self {
        let actions = graph.actions_to(config);
        let steps = actions.iter().map(|action| graph.step(*action)).collect();
        let (ends, waiting) = (graph.configuration(config), graph.waiting(config));
        Self { steps, ends, waiting }
    }
}

impl Graph<'_> {
    /// An action as it is said to the outside.
    pub(super) fn step(&self, action: u32) -> Step {
        let action = self.system.action(action);
        Step {
            role: self.system.role(action.role),
            direction: if action.sends { Direction::Send } else { Direction::Receive },
            peer: action.peer,
            message: action.message,
        }
    }

    fn configuration(&self, config: u32) -> Configuration {
        let words = self.config(config);
        let states = (0..self.system.roles()).map(|role| self.system.state(words, role));
        let edges = self.system.edges().iter();
        let edges =
            edges.map(|edge| (0..edge.len(words)).map(|index| edge.get(words, index)).collect());
        Configuration { states: states.collect(), edges: edges.collect() }
    }

    fn waiting(&self, config: u32) -> Box<[Waiting]> {
        let (system, words) = (self.system, self.config(config));
        let mut waiting = Vec::new();
        for role in 0..system.roles() {
            let row = system.row(words, role);
            let Some(direction) = row.direction else { continue };
            let edges = system.edges_of(row);
            let kept = || edges.iter().filter(|edge| **edge != NONE);
            let movable = kept().any(|edge| {
                let buffer = &system.edges()[*edge as usize];
                let length = buffer.len(words);
                if direction == Direction::Send { length < buffer.capacity } else { length > 0 }
            });
            if !movable {
                let edges = kept().map(|edge| system.edges()[*edge as usize].edge).collect();
                let role = system.role(u32::try_from(role).expect("ROLES_MAX fits"));
                waiting.push(Waiting { role, direction, edges });
            }
        }
        waiting.into()
    }
}
