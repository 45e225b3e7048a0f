//! The world: what happens when, in the order of a virtual clock.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;

use super::crash::{CrashJournal, Fate, locked};
use super::player::{Done, Player};
use super::report::{Counts, Moment, Options, Report, SimulationError};
use super::verdict;
use crate::driver::Node;
use crate::journal::MemoryJournal;
use crate::machine::{OnLost, Open, Owner, Presented, SessionId, SessionView, Tick};
use crate::resume::outbox::Memory;
use crate::resume::server::{Connection, ServerOptions};
use crate::types::{Name, Protocol, RoleIx};
use crate::wire::payload::Form;
use crate::wire::seal::{Key, Keys};

/// After how long without a sign a client says everything again, in milliseconds.
const AGAIN: u64 = 200;

/// After how long without a sign it takes its connection for dead.
const SILENT: u64 = 1_200;

/// For how long nothing new is done before a run that has been stopped is over.
const QUIET: u64 = 10_000;

/// For how long nothing may happen that is new, before a run counts as stuck.
const STUCK: u64 = 15 * 60 * 1000;

/// How many things may happen in one run.
const HAPPENINGS_MAX: u64 = 50_000_000;

/// Runs one session, and judges it.
///
/// # Errors
/// [`SimulationError`], if something went wrong that no chaos excuses.
pub fn simulate(protocol: &Arc<Protocol>, options: &Options) -> Result<Report, SimulationError> {
    simulate_with(protocol, options, |_, _| {})
}

/// As [`simulate`], and shows what happens, with the virtual time in milliseconds.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_with(
    protocol: &Arc<Protocol>,
    options: &Options,
    show: impl FnMut(u64, Moment<'_>),
) -> Result<Report, SimulationError> {
    let mut world = World::new(protocol, options, show)?;
    world.run()?;
    Ok(world.report())
}

/// What will happen.
pub(super) enum Happening {
    /// A client may do something.
    Act(usize),
    /// A client looks whether it has heard anything.
    Look(usize),
    /// A client connects.
    Dial(usize),
    /// A connection is there.
    Connected(usize, Connection),
    ToNode(Connection, Vec<u8>),
    ToClient(usize, Connection, Vec<u8>),
    Cut(usize, Connection),
    ClientNotices(usize, Connection),
    NodeNotices(Connection),
    Turn,
    Restart,
}

/// A connection, from end to end.
pub(super) struct Wire {
    pub(super) player: usize,
    pub(super) form: Form,
    /// When the last frame arrives, in each direction: frames keep their order but by chance.
    pub(super) last: [u64; 2],
    pub(super) is_cut: bool,
    /// What was on its way to the host when it was cut still arrives.
    pub(super) lingers: bool,
}

pub(super) struct World<'a, S> {
    pub(super) protocol: &'a Arc<Protocol>,
    pub(super) options: &'a Options,
    pub(super) show: S,
    pub(super) rng: Rng,
    pub(super) now: u64,
    pub(super) queue: BTreeMap<(u64, u64), Happening>,
    pub(super) happened: u64,
    pub(super) keys: Keys,
    pub(super) kept: MemoryJournal,
    pub(super) fate: Arc<Mutex<Fate>>,
    pub(super) snapshot_every: Option<NonZeroU64>,
    pub(super) node: Option<Node<CrashJournal<MemoryJournal>>>,
    pub(super) is_turning: bool,
    pub(super) session: SessionId,
    pub(super) players: Vec<Player>,
    pub(super) wires: BTreeMap<Connection, Wire>,
    pub(super) connections: u64,
    pub(super) counts: Counts,
    pub(super) actions: u64,
    /// When somebody has done something new last.
    pub(super) progress: u64,
}

impl<'a, S: FnMut(u64, Moment<'_>)> World<'a, S> {
    fn new(
        protocol: &'a Arc<Protocol>,
        options: &'a Options,
        show: S,
    ) -> Result<Self, SimulationError> {
        let mut rng = Rng::with_seed(options.seed);
        let session = SessionId(rng.u128(1..));
        let keys = Keys::new(Key::new(1, std::array::from_fn(|_| rng.u8(..))), None);
        let fate = Fate::new(rng.u64(..), options.chaos.crash);
        // Often, so that a host that is back mostly goes on from one; and not in every run.
        let snapshot_every = NonZeroU64::new(Rng::with_seed(!options.seed).u64(0..16));
        let mut world = Self {
            protocol,
            options,
            show,
            rng,
            now: 0,
            queue: BTreeMap::new(),
            happened: 0,
            keys: keys.expect("there is one key"),
            kept: MemoryJournal::default(),
            fate,
            snapshot_every,
            node: None,
            is_turning: false,
            session,
            players: Vec::new(),
            wires: BTreeMap::new(),
            connections: 0,
            counts: Counts::default(),
            actions: 0,
            progress: 0,
        };
        world.open()?;
        Ok(world)
    }

    /// Opens the session and invites a client to each role. The host's own beginning is not the
    /// story: it does not crash before there is a session.
    fn open(&mut self) -> Result<(), SimulationError> {
        let journal = CrashJournal::new(self.kept.clone(), Fate::new(0, 0.0));
        let (mut node, _) =
            Node::start(journal, self.keys.clone(), ServerOptions::default(), Tick(0))?;
        let open = Open {
            session: self.session,
            protocol: node.register(self.protocol),
            owner: Owner::new("host").expect("not empty"),
            capacities: self.options.capacities.clone(),
            journal: true,
            on_lost: OnLost::default(),
            policies: Vec::new(),
        };
        let capability = node.open(Tick(0), open)?;
        let by: &Presented = capability.present();
        let day = Duration::from_secs(24 * 60 * 60);
        for (index, role) in self.protocol.roles().enumerate() {
            let ix = RoleIx(u16::try_from(index).expect("roles are numbered by u16"));
            let invitation = node.invite(Tick(0), by, ix, day)?;
            let form = if self.rng.bool() { Form::Json } else { Form::Binary };
            self.players.push(Player::new(role, form, invitation));
        }
        node.turn(Tick(0))?;
        drop(node);
        self.restart()?;
        for player in 0..self.players.len() {
            self.at(0, 5, Happening::Dial(player));
            self.at(1, 5, Happening::Act(player));
            self.at(AGAIN, AGAIN, Happening::Look(player));
        }
        Ok(())
    }

    /// Something happens from `least` on, within `spread` milliseconds.
    pub(super) fn at(&mut self, least: u64, spread: u64, what: Happening) {
        let when = self.now + least + self.rng.u64(0..=spread);
        self.happened += 1;
        self.queue.insert((when, self.happened), what);
    }

    pub(super) fn chance(&mut self, likely: f64) -> bool {
        likely > 0.0 && self.rng.f64() < likely
    }

    fn run(&mut self) -> Result<(), SimulationError> {
        while !self.is_over() {
            let Some(((when, _), what)) = self.queue.pop_first() else { break };
            self.now = when;
            if self.now > self.progress + STUCK || self.happened > HAPPENINGS_MAX {
                let minutes = (self.now - self.progress) / 60_000;
                return Err(SimulationError::Stuck { minutes, waiting: self.waiting() });
            }
            self.happen(what)?;
        }
        Ok(())
    }

    fn has_all_steps(&self) -> bool {
        self.actions >= self.options.steps
    }

    fn is_over(&self) -> bool {
        if self.players.iter().all(|player| player.client.over().is_some()) {
            return true;
        }
        // What is in an outbox then waits for room that nobody makes any more.
        let has_nothing = |player: &Player| {
            let memory = player.client.memory();
            memory.is_some_and(|memory| memory.outbox().len() == 0)
                || player.client.waits_for_room()
        };
        self.has_all_steps()
            && self.now > self.progress + QUIET
            && self.players.iter().all(|player| {
                player.client.over().is_some() || player.client.is_attached() && has_nothing(player)
            })
    }

    fn happen(&mut self, what: Happening) -> Result<(), SimulationError> {
        match what {
            Happening::Act(player) => self.act(player)?,
            Happening::Look(player) => self.look(player),
            Happening::Dial(player) => self.dial(player),
            Happening::Connected(player, connection) => self.connected(player, connection),
            Happening::ToNode(connection, bytes) => self.arrived(connection, &bytes),
            Happening::ToClient(player, connection, bytes) => {
                self.answered(player, connection, &bytes)?;
            }
            Happening::Cut(player, connection) => self.cut(player, connection),
            Happening::ClientNotices(player, connection) => self.hang_up(player, connection),
            Happening::NodeNotices(connection) => {
                if let Some(node) = &mut self.node {
                    node.lost(Tick(self.now), connection);
                    self.turn_soon();
                }
            }
            Happening::Turn => self.turn()?,
            Happening::Restart => self.restart()?,
        }
        Ok(())
    }

    fn act(&mut self, index: usize) -> Result<(), SimulationError> {
        self.at(1, 30, Happening::Act(index));
        if self.chance(self.options.chaos.kill) && self.players[index].client.over().is_none() {
            self.counts.kills += 1;
            (self.show)(self.now, Moment::Killed(&self.players[index].role));
            self.players[index].killed();
            self.drop_wire(index);
        }
        if self.chance(self.options.chaos.amnesia)
            && self.players[index].client.memory().is_some()
            && self.players[index].client.over().is_none()
        {
            self.counts.amnesias += 1;
            (self.show)(self.now, Moment::Forgot(&self.players[index].role));
            self.players[index].client.forget();
            self.drop_wire(index);
        }
        let may_send = !self.has_all_steps();
        let player = &mut self.players[index];
        if player.act(self.protocol, &self.options.values, may_send, &mut self.rng)? {
            self.actions += 1;
            self.progress = self.now;
        }
        self.flush(index);
        Ok(())
    }

    /// Whether there is a sign of life; if not, it says everything again, and gives up the
    /// connection if there is none for long.
    fn look(&mut self, index: usize) {
        self.at(AGAIN / 2, AGAIN, Happening::Look(index));
        let player = &mut self.players[index];
        if player.client.over().is_some() {
            return;
        }
        let Some(wire) = player.wire else {
            if !player.is_dialing {
                player.is_dialing = true;
                self.at(0, 0, Happening::Dial(index));
            }
            return;
        };
        if self.now > player.heard + SILENT {
            self.hang_up(index, wire);
        } else if self.now > player.again.max(player.heard) + AGAIN {
            player.again = self.now;
            if player.client.is_attached() {
                player.client.again();
                self.flush(index);
            } else {
                let frame = player.client.connected();
                self.send(wire, 0, &frame);
            }
        }
    }

    /// Who is where, for somebody who wants to know why nothing happens.
    fn waiting(&self) -> String {
        let view = self.node.as_ref().and_then(|node| node.machine().session(self.session));
        let players = self.players.iter().map(|player| {
            let memory = player.client.memory();
            let position = memory.map_or(0, Memory::position);
            let outbox = memory.map_or(0, |memory| memory.outbox().len());
            let role = self.protocol.role(&player.role);
            let reached = role.and_then(|role| Some(view?.endpoint(role)?.position().0));
            let moves = memory.map_or_else(String::new, Memory::moves);
            format!(
                "`{}` at {position} (machine {reached:?}, {outbox} in the outbox, attached {}, next {moves})",
                player.role,
                player.client.is_attached(),
            )
        });
        players.collect::<Vec<_>>().join("; ")
    }

    fn report(mut self) -> Report {
        self.counts.commits += self.node.as_ref().map_or(0, Node::commits);
        self.counts.resumes = self.counts.resumes.saturating_sub(self.players.len() as u64);
        self.counts.crashes = locked(&self.fate).crashes;
        let logs: Vec<(Name, &[Done])> =
            self.players.iter().map(|player| (player.role.clone(), &player.log[..])).collect();
        let (verdict, text) = verdict::of(&self.kept, self.protocol, self.session, &logs);
        let view = self.node.as_ref().and_then(|node| node.machine().session(self.session));
        let status = view.map(SessionView::status).filter(|status| status.is_terminal());
        Report {
            session: self.session,
            actions: logs.iter().map(|(_, log)| log.len() as u64).sum(),
            ended: status.map(ToString::to_string),
            counts: self.counts,
            took: Duration::from_millis(self.now),
            verdict,
            journal: text,
        }
    }
}
