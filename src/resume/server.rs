//! The machine's end of all links: what the frames of clients come to.
//!
//! A connection says frames; those that name an endpoint act under the authority of the token that
//! it was attached with. What a frame comes to is an input of the machine, or held until those
//! before it have come. What clients are told is said when it is kept:
//!
//! ```text
//! handle(machine, now, connection, frame)     any number of them, then
//! decide(machine, now)                        what is done because time has run out
//! …the driver seals, persists, and says which sessions have changed: touched(session)
//! settle(machine)                             from what is kept now: what there is to say
//! poll() -> (connection, frame)               only from here on it leaves
//! ```
//!
//! [`settle`](Server::settle) looks at the state and not at what has happened: messages that wait
//! on an edge, room that is there again, a role that has another owner, a session that has ended.
//! So nothing that was forgotten over a crash is missing afterwards.
//!
//! Clauses: SRV-1 to SRV-16. Lean twin: `Resume/Handshake.lean`.

mod attach;
mod link;
mod lost;
mod visits;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use smol_str::{SmolStr, ToSmolStr};

use super::lifetime::Lifetime;
use crate::machine::{Machine, Position, Refusal, SessionId, SessionView, Status, Tick};
use crate::types::RoleIx;
use crate::wire::frame::{Frame, Notice};
use crate::wire::payload::{Form, Payload};
use crate::wire::seal::Keys;
use link::Link;
use visits::Visits;

/// How far ahead of its role an action may be to be held, in actions.
pub const HELD_MAX: usize = 64;

/// About how many bytes of actions that are ahead are held for an endpoint, behind the first one.
pub const HELD_BYTES_MAX: usize = 1 << 20;

/// How many messages of one edge are on their way to a client at most, before it has consumed the
/// first of them.
pub const UNCONSUMED_MAX: u64 = 256;

/// About how many bytes of one edge, behind the first message.
pub const UNCONSUMED_BYTES_MAX: usize = 1 << 20;

/// How long a resume token is good, where nothing else is said: a week.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How often a role may be attached in a row, where nothing else is said.
pub const ATTACH_BURST: u32 = 64;

/// A connection, as the driver numbers them; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connection(pub u64);

/// The place of an endpoint: its connection and its number there.
type Place = (Connection, u32);

/// How a server treats its links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerOptions {
    /// How long a session waits for a role that was attached; `None`: for ever.
    pub lifetime: Option<Lifetime>,
    /// How long resume tokens are good.
    pub token_lifetime: Duration,
    /// How often a role may be attached in a row, before it may once a second.
    pub attach_burst: u32,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            lifetime: Some(Lifetime::default()),
            token_lifetime: TOKEN_LIFETIME,
            attach_burst: ATTACH_BURST,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Server {
    keys: Keys,
    options: ServerOptions,
    forms: BTreeMap<Connection, Form>,
    links: BTreeMap<Place, Link>,
    // INVARIANT: the places of `links`, by what they act for.
    places: BTreeMap<(SessionId, RoleIx), Place>,
    touched: BTreeSet<SessionId>,
    visits: Visits,
    /// What was said in this turn, and waits until all of it is kept.
    said: Vec<(Connection, Frame)>,
    ready: VecDeque<(Connection, Frame)>,
}

impl Server {
    /// Seals and opens tokens with these keys.
    #[must_use]
    pub fn new(keys: Keys, options: ServerOptions) -> Self {
        Self {
            keys,
            options,
            forms: BTreeMap::new(),
            links: BTreeMap::new(),
            places: BTreeMap::new(),
            touched: BTreeSet::new(),
            visits: Visits::new(options.attach_burst),
            said: Vec::new(),
            ready: VecDeque::new(),
        }
    }

    /// A connection is there; its frames are of this form.
    pub fn connected(&mut self, connection: Connection, form: Form) {
        self.forms.insert(connection, form);
    }

    /// How many endpoints are attached.
    #[must_use]
    pub fn attached_len(&self) -> usize {
        self.links.len()
    }

    /// A connection is lost, and what was attached by it with it.
    pub fn lost(&mut self, machine: &mut Machine, now: Tick, connection: Connection) {
        self.forms.remove(&connection);
        let own = self.links.range((connection, 0)..=(connection, u32::MAX));
        let places: Vec<Place> = own.map(|(place, _)| *place).collect();
        for place in places {
            self.detach(machine, now, place);
        }
    }

    /// A frame has come.
    pub fn handle(&mut self, machine: &mut Machine, now: Tick, from: Connection, frame: Frame) {
        if !self.forms.contains_key(&from) {
            return;
        }
        match frame {
            Frame::Attach { ep, token, owner, role } => {
                self.handle_attach(machine, now, (from, ep), (&token, &owner), role.as_deref());
            }
            Frame::Resume { ep, token, role, kept } => {
                self.handle_resume(machine, now, (from, ep), &token, role.as_deref(), kept);
            }
            Frame::Detach { ep } => self.detach(machine, now, (from, ep)),
            Frame::Act { ep, at, .. } | Frame::Receive { ep, at, .. } => {
                self.handle_action(machine, now, (from, ep), at, frame);
            }
            Frame::Ack { ep, position } => {
                self.handle_ack(machine, now, (from, ep), Position(position));
            }
            Frame::Ping { t } => self.say(from, Frame::Pong { t }),
            Frame::Pong { .. } | Frame::Bye { .. } => {}
            other => {
                let message = "this frame is not one that a client says here";
                self.reject(from, other.ep(), "unexpected_frame", message);
            }
        }
    }

    /// The driver has seen that a session has changed.
    pub fn touched(&mut self, session: SessionId) {
        self.touched.insert(session);
    }

    /// SRV-8: everything so far is kept: what clients are to be told of it may leave.
    pub fn settle(&mut self, machine: &Machine) {
        let said = core::mem::take(&mut self.said);
        self.ready.extend(said);
        for session in core::mem::take(&mut self.touched) {
            let roles = (session, RoleIx(0))..=(session, RoleIx(u16::MAX));
            let places: Vec<Place> = self.places.range(roles).map(|(_, place)| *place).collect();
            for place in places {
                self.tell(machine, place);
            }
        }
    }

    /// What is to be sent, in order.
    pub fn poll(&mut self) -> Option<(Connection, Frame)> {
        self.ready.pop_front()
    }

    fn say(&mut self, to: Connection, frame: Frame) {
        self.said.push((to, frame));
    }

    fn reject(&mut self, to: Connection, ep: Option<u32>, code: &str, message: &str) {
        let (code, message) = (code.into(), message.into());
        self.say(to, Frame::Reject { ep, code, message, retry_after: None });
    }

    fn refused(&mut self, place: Place, at: u64, refusal: &Refusal) {
        let (code, message) = (refusal.code().into(), refusal.to_smolstr());
        self.say(place.0, Frame::Refused { ep: place.1, at, code, message });
    }

    /// What the client of an endpoint is to be told, from the state of its session.
    fn tell(&mut self, machine: &Machine, place: Place) {
        let (connection, ep) = place;
        let Some(link) = self.links.get_mut(&place) else { return };
        let form = self.forms.get(&connection).copied().unwrap_or(Form::Json);
        let Some(view) = machine.session(link.session) else {
            // It was reaped: that it has ended was told, or is told to who comes again.
            let end = Frame::Bye { reason: "gone".into() };
            self.ready.push_back((connection, end));
            self.remove(place);
            return;
        };
        let endpoint = view.endpoint(link.role).expect("it was attached");
        let position = endpoint.position().0;
        // SRV-9: it acts for the role no more.
        if !view.status().is_terminal() && endpoint.attached() != Some(link.epoch) {
            let generation = generation(view, link.role);
            let event = Notice::Superseded { generation };
            self.ready.push_back((connection, Frame::Event { ep, event }));
            self.remove(place);
            return;
        }
        let protocol = view.protocol();
        for incoming in &mut link.incoming {
            let shown = view.edge_at(incoming.edge);
            let consumed = shown.consumed().0;
            incoming.consumed(consumed);
            let skip = usize::try_from(incoming.next - consumed).unwrap_or(usize::MAX);
            for queued in shown.messages().skip(skip) {
                if !incoming.has_room() {
                    break;
                }
                let message = protocol.message(queued.message);
                let value = Payload::of(form, message.payload.sort(), &queued.value);
                let (seq, size) = (incoming.next, value.size());
                let from = protocol.role_name(shown.edge().from).as_str().into();
                let label = protocol.label_name(message.label).as_str().into();
                incoming.transmitted(size);
                self.ready.push_back((connection, Frame::Msg { ep, from, seq, label, value }));
            }
        }
        if link.tell || position > link.acked {
            (link.tell, link.acked) = (false, position);
            self.ready.push_back((connection, Frame::Ack { ep, position }));
        }
        if let Some(edge) = link.full {
            let shown = view.edge_at(edge);
            if shown.messages().len() < shown.capacity() as usize {
                link.full = None;
                let to = protocol.role_name(shown.edge().to).as_str().into();
                let event = Notice::Room { to };
                self.ready.push_back((connection, Frame::Event { ep, event }));
            }
        }
        if view.status().is_terminal() {
            self.ready.push_back((connection, state(ep, position, view.status())));
            self.remove(place);
        }
    }

    fn remove(&mut self, place: Place) -> Option<Link> {
        let link = self.links.remove(&place)?;
        let key = (link.session, link.role);
        if self.places.get(&key) == Some(&place) {
            self.places.remove(&key);
        }
        Some(link)
    }
}

/// The generation that the owner of a role has; 0 if nobody owns it.
fn generation(view: SessionView<'_>, role: RoleIx) -> u64 {
    let mut holdings = view.holdings();
    let scope = crate::machine::Scope::role(role);
    let held = holdings.find(|held| held.scope.covers(scope));
    held.filter(|held| !held.released).map_or(0, |held| held.generation.0)
}

/// The frame that says where a session and a role are.
fn state(ep: u32, position: u64, status: &Status) -> Frame {
    let reason = status.reason().map(SmolStr::from);
    Frame::State { ep, position, status: status.as_str().into(), reason }
}
