//! Composition for readers who trust nothing: every configuration as it is drawn on paper, every
//! property as it is defined, by looking at all configurations that each one reaches.

use std::collections::{BTreeSet, HashMap, VecDeque};

use antiphon::types::compose::{Configuration, Starved, Step};
use antiphon::types::{Direction, EdgeIx, MessageIx, Protocol, RoleIx, StateIx};

/// The state of each role and the messages on each edge.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Config {
    pub states: Vec<StateIx>,
    pub queues: Vec<VecDeque<MessageIx>>,
}

impl Config {
    pub fn initial(protocol: &Protocol) -> Self {
        Self {
            states: vec![StateIx::INITIAL; protocol.roles().len()],
            queues: vec![VecDeque::new(); protocol.edges().len()],
        }
    }

    /// Every action that the types allow here, and why it can or cannot be done.
    fn offers(&self, protocol: &Protocol, capacities: &[u32]) -> Vec<(Step, EdgeIx, bool, Self)> {
        let mut offers = Vec::new();
        for (index, state) in self.states.iter().enumerate() {
            let role = RoleIx(u16::try_from(index).unwrap());
            let automaton = protocol.automaton(role);
            let Some(direction) = automaton.direction(*state) else { continue };
            for moved in automaton.moves(*state) {
                let (peer, message, edge) = (moved.peer, moved.message, moved.edge);
                let mut next = self.clone();
                next.states[index] = moved.next;
                let queue = &mut next.queues[edge.index()];
                let possible = match direction {
                    Direction::Send => {
                        let room = queue.len() < capacities[edge.index()] as usize;
                        queue.push_back(message);
                        room
                    }
                    Direction::Receive => queue.pop_front() == Some(message),
                };
                offers.push((Step { role, direction, peer, message }, edge, possible, next));
            }
        }
        offers
    }

    pub fn moves(&self, protocol: &Protocol, capacities: &[u32]) -> Vec<(Step, EdgeIx, Self)> {
        let offers = self.offers(protocol, capacities).into_iter();
        offers.filter(|offer| offer.2).map(|(step, edge, _, next)| (step, edge, next)).collect()
    }

    /// Sends that wait for room: who, and on which edge.
    pub fn blocked(&self, protocol: &Protocol, capacities: &[u32]) -> BTreeSet<(RoleIx, EdgeIx)> {
        let offers = self.offers(protocol, capacities).into_iter();
        let blocked = offers.filter(|offer| offer.0.direction == Direction::Send && !offer.2);
        blocked.map(|(step, edge, ..)| (step.role, edge)).collect()
    }

    pub fn has_ended(&self, protocol: &Protocol, role: RoleIx) -> bool {
        protocol.automaton(role).direction(self.states[role.index()]).is_none()
    }

    pub fn all_ended(&self, protocol: &Protocol) -> bool {
        (0..self.states.len())
            .all(|role| self.has_ended(protocol, RoleIx(role.try_into().unwrap())))
    }

    pub fn is_empty(&self) -> bool {
        self.queues.iter().all(VecDeque::is_empty)
    }

    /// The edges whose receiver waits there and cannot take the head.
    pub fn unexpected(&self, protocol: &Protocol, capacities: &[u32]) -> BTreeSet<EdgeIx> {
        let offers = self.offers(protocol, capacities);
        let receives = || offers.iter().filter(|offer| offer.0.direction == Direction::Receive);
        let waited = receives().filter(|offer| !self.queues[offer.1.index()].is_empty());
        let taken: BTreeSet<EdgeIx> = receives().filter(|offer| offer.2).map(|o| o.1).collect();
        waited.map(|offer| offer.1).filter(|edge| !taken.contains(edge)).collect()
    }

    /// The roles with two receives.
    pub fn several(&self, protocol: &Protocol, capacities: &[u32]) -> Option<RoleIx> {
        let moves = self.moves(protocol, capacities);
        let receives = |role: &RoleIx| {
            let own = |step: &Step| step.role == *role && step.direction == Direction::Receive;
            moves.iter().filter(|(step, ..)| own(step)).count()
        };
        (0..u16::try_from(self.states.len()).unwrap()).map(RoleIx).find(|role| receives(role) > 1)
    }

    pub fn said(&self) -> Configuration {
        let queue = |queue: &VecDeque<MessageIx>| queue.iter().copied().collect();
        Configuration {
            states: self.states.clone().into(),
            edges: self.queues.iter().map(queue).collect(),
        }
    }

    /// What this step leads to.
    pub fn after(&self, protocol: &Protocol, capacities: &[u32], step: &Step) -> Option<Self> {
        let moves = self.moves(protocol, capacities).into_iter();
        moves.filter(|(possible, ..)| possible == step).map(|(.., next)| next).next()
    }
}

/// All configurations, in breadth-first order.
pub struct Space<'a> {
    pub protocol: &'a Protocol,
    pub capacities: Vec<u32>,
    pub configs: Vec<Config>,
    pub depth: Vec<usize>,
    pub next: Vec<Vec<(Step, EdgeIx, usize)>>,
}

/// In order of precedence: what is broken, what starves, and what more room could change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Broken,
    /// Nobody can move, and room would not help all of them.
    Halted,
    Starved,
    /// Nobody can move.
    Stuck,
    /// A role can never send.
    Blocked,
    ForRoom,
}

impl<'a> Space<'a> {
    /// `None` if there are more than `most`.
    pub fn of(protocol: &'a Protocol, capacities: &[u32], most: usize) -> Option<Self> {
        let capacities = capacities.to_vec();
        let initial = Config::initial(protocol);
        let mut known = HashMap::from([(initial.clone(), 0)]);
        let (mut configs, mut depth, mut next) = (vec![initial], vec![0], Vec::new());
        while next.len() < configs.len() {
            let at = next.len();
            let mut row = Vec::new();
            for (step, edge, config) in configs[at].clone().moves(protocol, &capacities) {
                let to = *known.entry(config.clone()).or_insert_with(|| {
                    configs.push(config);
                    depth.push(depth[at] + 1);
                    configs.len() - 1
                });
                row.push((step, edge, to));
            }
            next.push(row);
            if configs.len() > most {
                return None;
            }
        }
        Some(Self { protocol, capacities, configs, depth, next })
    }

    /// Everything that is reached from a configuration, itself included, on ways that take only
    /// these steps.
    fn reach(&self, from: usize, only: impl Fn(&Step) -> bool) -> Vec<usize> {
        let mut seen = vec![false; self.configs.len()];
        seen[from] = true;
        let mut queue = vec![from];
        let mut done = 0;
        while done < queue.len() {
            for (step, _, to) in &self.next[queue[done]] {
                if only(step) && !seen[*to] {
                    seen[*to] = true;
                    queue.push(*to);
                }
            }
            done += 1;
        }
        queue
    }

    fn broken(&self, at: usize) -> bool {
        let config = &self.configs[at];
        let stuck = self.next[at].is_empty();
        let ended = config.all_ended(self.protocol);
        !config.unexpected(self.protocol, &self.capacities).is_empty()
            || (ended && !config.is_empty())
            || (stuck && !ended && config.blocked(self.protocol, &self.capacities).is_empty())
    }

    fn full_stop(&self, at: usize) -> bool {
        let config = &self.configs[at];
        self.next[at].is_empty()
            && !config.all_ended(self.protocol)
            && !config.blocked(self.protocol, &self.capacities).is_empty()
    }

    /// Who has something to do in `at`, or is on its way there, and is served in none of these.
    pub fn starving(&self, at: usize, reached: &[usize]) -> Vec<Starved> {
        let config = &self.configs[at];
        let steps = || reached.iter().flat_map(|config| &self.next[*config]);
        let roles = (0..u16::try_from(config.states.len()).unwrap()).map(RoleIx);
        let roles = roles.filter(|role| {
            !config.has_ended(self.protocol, *role) && steps().all(|(step, ..)| step.role != *role)
        });
        let edges = (0..u16::try_from(config.queues.len()).unwrap()).map(EdgeIx);
        let edges = edges.filter(|edge| {
            !config.queues[edge.index()].is_empty() && !self.consumed(edge.index(), reached)
        });
        roles.map(Starved::Role).chain(edges.map(Starved::Message)).collect()
    }

    /// Whether a message of this edge is consumed in any of these.
    fn consumed(&self, edge: usize, reached: &[usize]) -> bool {
        reached
            .iter()
            .flat_map(|config| &self.next[*config])
            .any(|(step, at, _)| step.direction == Direction::Receive && at.index() == edge)
    }

    /// Whether, in one of these to which everything that it reaches leads back, a send is blocked by
    /// an edge that stays full.
    fn wants_room(&self, reached: &[usize]) -> bool {
        reached.iter().any(|at| {
            let after = self.reach(*at, |_| true);
            let back = |from: &usize| self.reach(*from, |_| true).contains(at);
            let blocked = self.configs[*at].blocked(self.protocol, &self.capacities);
            blocked.iter().any(|(_, edge)| !self.consumed(edge.index(), &after))
                && after.iter().all(back)
        })
    }

    /// Whether some roles wait for nothing but each other and those that have ended, by trying all
    /// sets of roles; or a message is on its way to one that has ended.
    fn hopeless(&self, at: usize) -> bool {
        let (protocol, config) = (self.protocol, &self.configs[at]);
        let roles = u16::try_from(config.states.len()).unwrap();
        let ended = |role: RoleIx| config.has_ended(protocol, role);
        let waits = |set: u32, role: RoleIx| {
            let automaton = protocol.automaton(role);
            let state = config.states[role.index()];
            automaton.direction(state) == Some(Direction::Receive)
                && automaton.moves(state).iter().all(|moved| {
                    let from = moved.peer;
                    config.queues[moved.edge.index()].is_empty()
                        && (ended(from) || set >> from.index() & 1 == 1)
                })
        };
        let closed = |set: u32| {
            let members = (0..roles).filter(|role| set >> role & 1 == 1);
            members.map(RoleIx).all(|role| waits(set, role))
        };
        let edges = protocol.edges().iter().zip(&config.queues);
        (1..1_u32 << roles).any(closed)
            || edges.into_iter().any(|(edge, queue)| ended(edge.to) && !queue.is_empty())
    }

    /// Whether from every configuration everything that waits can still be served.
    pub fn is_live(&self) -> bool {
        (0..self.configs.len()).all(|at| self.starving(at, &self.reach(at, |_| true)).is_empty())
    }

    /// What goes first of what is wrong, and after how many steps at least.
    pub fn wrong(&self) -> Option<(Class, usize)> {
        let all = 0..self.configs.len();
        if let Some(at) = all.clone().find(|at| self.broken(*at)) {
            return Some((Class::Broken, self.depth[at]));
        }
        all.filter_map(|at| Some((self.class(at)?, self.depth[at]))).min()
    }

    /// The place of a configuration.
    pub fn place(&self, config: &Config) -> Option<usize> {
        self.configs.iter().position(|known| known == config)
    }

    /// The class of what is wrong in a configuration.
    pub fn class(&self, at: usize) -> Option<Class> {
        if self.broken(at) {
            return Some(Class::Broken);
        }
        let reached = self.reach(at, |_| true);
        let starving = self.starving(at, &reached);
        let blocked = self.configs[at].blocked(self.protocol, &self.capacities);
        let sends = |one: &Starved| blocked.iter().any(|(role, _)| Starved::Role(*role) == *one);
        if starving.is_empty() {
            return None;
        }
        Some(if self.full_stop(at) && self.hopeless(at) {
            Class::Halted
        } else if self.hopeless(at) || !self.wants_room(&reached) {
            Class::Starved
        } else if self.full_stop(at) {
            Class::Stuck
        } else if starving.iter().any(sends) {
            Class::Blocked
        } else {
            Class::ForRoom
        })
    }

    /// What starves from a configuration on.
    pub fn starving_at(&self, config: &Config) -> Vec<Starved> {
        let at = self.place(config).expect("it was reached");
        self.starving(at, &self.reach(at, |_| true))
    }

    /// The blocked sends for which nothing that the others do makes room.
    pub fn not_exhaustive(&self) -> BTreeSet<(usize, RoleIx, EdgeIx)> {
        let mut found = BTreeSet::new();
        for (at, config) in self.configs.iter().enumerate() {
            for (role, edge) in config.blocked(self.protocol, &self.capacities) {
                let others = self.reach(at, |step| step.role != role);
                let room = |config: &usize| {
                    self.configs[*config].queues[edge.index()].len()
                        < self.capacities[edge.index()] as usize
                };
                if !others.iter().any(room) {
                    found.insert((at, role, edge));
                }
            }
        }
        found
    }

    pub fn several(&self) -> bool {
        let several = |config: &Config| config.several(self.protocol, &self.capacities).is_some();
        self.configs.iter().any(several)
    }

    pub fn most(&self, edge: usize) -> usize {
        self.configs.iter().map(|config| config.queues[edge].len()).max().unwrap()
    }

    pub fn never_blocked(&self) -> bool {
        let blocked = |config: &Config| config.blocked(self.protocol, &self.capacities);
        self.configs.iter().all(|config| blocked(config).is_empty())
    }
}
