//! One endpoint's link: actions that come with their positions, in whatever order.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use super::{HELD_BYTES_MAX, HELD_MAX, Place, Server, UNCONSUMED_BYTES_MAX, UNCONSUMED_MAX};
use crate::machine::{
    Accepted, Act, Authority, Epoch, Machine, Position, Presented, Receive, Refusal, Send, Serial,
    SessionId, Tick,
};
use crate::types::{EdgeIx, LabelIx, RoleIx, Value};
use crate::wire::frame::Frame;
use crate::wire::json::misfit;

/// What the machine's end knows of an endpoint that is attached.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) session: SessionId,
    pub(super) role: RoleIx,
    pub(super) epoch: Epoch,
    /// What its acts are presented under.
    pub(super) by: Presented,
    /// The serial of the token that was sent, until something shows that it has arrived.
    pub(super) confirm: Option<Serial>,
    /// Actions ahead of the role, by position; at most [`HELD_MAX`].
    held: BTreeMap<u64, Frame>,
    /// The edge that was full.
    pub(super) full: Option<EdgeIx>,
    /// What is on its way, of each edge to the role.
    pub(super) incoming: Vec<Incoming>,
    /// The last position that was acknowledged.
    pub(super) acked: u64,
    /// Whether the client waits for an acknowledgement.
    pub(super) tell: bool,
}

/// The messages of one edge that are on their way to its client.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) edge: EdgeIx,
    /// The number of the one to transmit next.
    pub(super) next: u64,
    /// About how many bytes each takes that was transmitted and is not consumed.
    sizes: VecDeque<usize>,
    bytes: usize,
}

impl Incoming {
    fn of(edge: EdgeIx) -> Self {
        Self { edge, next: 0, sizes: VecDeque::new(), bytes: 0 }
    }

    /// What was consumed is not on its way any more, and is not transmitted.
    pub(super) fn consumed(&mut self, consumed: u64) {
        while self.next.saturating_sub(self.sizes.len() as u64) < consumed
            && let Some(size) = self.sizes.pop_front()
        {
            self.bytes -= size;
        }
        self.next = self.next.max(consumed);
    }

    /// Whether one more may be on its way.
    pub(super) fn has_room(&self) -> bool {
        (self.sizes.len() as u64) < UNCONSUMED_MAX && self.bytes < UNCONSUMED_BYTES_MAX
    }

    pub(super) fn transmitted(&mut self, size: usize) {
        self.next += 1;
        self.sizes.push_back(size);
        self.bytes += size;
    }
}

/// What has become of an action.
enum Came {
    /// It is performed, now or before.
    Performed,
    /// It is ahead.
    Ahead,
    /// It is refused.
    Refused(Refusal),
}

impl Link {
    pub(super) fn new(
        (session, role): (SessionId, RoleIx),
        by: Presented,
        epoch: Epoch,
        confirm: Serial,
        edges: impl Iterator<Item = EdgeIx>,
        position: u64,
    ) -> Self {
        let by = Presented { over: Some(epoch), ..by };
        Self {
            session,
            role,
            epoch,
            by,
            confirm: Some(confirm),
            held: BTreeMap::new(),
            full: None,
            incoming: edges.map(Incoming::of).collect(),
            acked: position,
            tell: false,
        }
    }

    /// About how many bytes of actions are held.
    fn held_bytes(&self) -> usize {
        let size = |frame: &Frame| match frame {
            Frame::Act { value, .. } => value.size(),
            _ => 0,
        };
        self.held.values().map(size).sum()
    }
}

impl Server {
    /// SRV-3: the first frame shows that the token has arrived: those before it are spent.
    fn confirm(&mut self, machine: &mut Machine, now: Tick, place: Place) -> bool {
        let Some(link) = self.links.get_mut(&place) else { return false };
        let Some(serial) = link.confirm.take() else { return false };
        let confirm = Act::Authority(Authority::ConfirmToken { serial }.into());
        // A holding that is gone has no token to confirm; what comes next is refused for that.
        let _ = machine.act(now, &link.by, confirm);
        true
    }

    /// SRV-4, SRV-5: an action with its position.
    pub(super) fn handle_action(
        &mut self,
        machine: &mut Machine,
        now: Tick,
        place: Place,
        at: u64,
        frame: Frame,
    ) {
        self.confirm(machine, now, place);
        let Some(link) = self.links.get_mut(&place) else { return };
        self.touched.insert(link.session);
        match perform(machine, now, link, at, &frame) {
            Came::Performed => {
                link.tell = true;
                self.flush(machine, now, place);
            }
            Came::Ahead => {
                let position = position_of(machine, link);
                if at >= position.saturating_add(HELD_MAX as u64) {
                    let refusal = Refusal::Ahead { at: Position(at), position: Position(position) };
                    self.refused(place, at, &refusal);
                } else if link.held.is_empty() || link.held_bytes() < HELD_BYTES_MAX {
                    // What is not held comes again: it was not acknowledged.
                    link.held.entry(at).or_insert(frame);
                }
            }
            Came::Refused(refusal) => self.refuse_action(machine, place, at, &frame, &refusal),
        }
    }

    /// Performs what was held and is its turn now, lowest position first.
    fn flush(&mut self, machine: &mut Machine, now: Tick, place: Place) {
        while let Some(link) = self.links.get_mut(&place)
            && let Some((at, frame)) = link.held.pop_first()
        {
            match perform(machine, now, link, at, &frame) {
                Came::Performed => {}
                Came::Ahead => {
                    link.held.insert(at, frame);
                    return;
                }
                Came::Refused(refusal) => {
                    return self.refuse_action(machine, place, at, &frame, &refusal);
                }
            }
        }
    }

    /// SRV-6: a refusal at a position discards what is held above it.
    fn refuse_action(
        &mut self,
        machine: &Machine,
        place: Place,
        at: u64,
        frame: &Frame,
        refusal: &Refusal,
    ) {
        if let Some(link) = self.links.get_mut(&place) {
            link.held.split_off(&at);
            if let (Refusal::EdgeFull { .. }, Frame::Act { to, .. }) = (refusal, frame) {
                let view = machine.session(link.session);
                let protocol = view.map(|view| view.protocol());
                let edge = protocol.and_then(|all| all.edge(link.role, all.role(to)?));
                link.full = edge;
            }
        }
        self.refused(place, at, refusal);
    }

    /// SRV-7: every receive before a position is performed. One that says nothing new asks for what
    /// is there: what was sent may not have come.
    pub(super) fn handle_ack(
        &mut self,
        machine: &mut Machine,
        now: Tick,
        place: Place,
        position: Position,
    ) {
        let is_first = self.confirm(machine, now, place);
        let Some(link) = self.links.get_mut(&place) else { return };
        self.touched.insert(link.session);
        let acknowledge = Act::Acknowledge { role: link.role, position };
        match machine.act(now, &link.by, acknowledge) {
            Ok(Accepted::Acknowledged { .. }) => {
                link.tell = true;
                self.flush(machine, now, place);
            }
            Ok(_) if !is_first => {
                link.tell = true;
                link.incoming
                    .iter_mut()
                    .for_each(|incoming| *incoming = Incoming::of(incoming.edge));
            }
            // Ahead: what it counts on is on its way, or lost and comes again.
            _ => {}
        }
    }
}

fn position_of(machine: &Machine, link: &Link) -> u64 {
    let endpoint = machine.session(link.session).and_then(|view| view.endpoint(link.role));
    endpoint.map_or(0, |endpoint| endpoint.position().0)
}

/// Has the machine perform an action.
fn perform(machine: &mut Machine, now: Tick, link: &Link, at: u64, frame: &Frame) -> Came {
    // A receive of the machine implies none before it, as a send does.
    if matches!(frame, Frame::Receive { .. }) && position_of(machine, link) < at {
        let acknowledge = Act::Acknowledge { role: link.role, position: Position(at) };
        match machine.act(now, &link.by, acknowledge) {
            Ok(_) => {}
            Err(Refusal::Ahead { .. } | Refusal::AmbiguousReceive { .. }) => return Came::Ahead,
            Err(refusal) => return Came::Refused(refusal),
        }
    }
    let Some(act) = action(machine, link, Position(at), frame) else { return Came::Performed };
    match machine.act(now, &link.by, act) {
        Ok(_) => Came::Performed,
        // Which of several messages was received says an action that is still on its way.
        Err(Refusal::Ahead { .. } | Refusal::AmbiguousReceive { .. }) => Came::Ahead,
        Err(refusal) => Came::Refused(refusal),
    }
}

/// The act that a frame means. Names that the protocol does not have, and values that are not of
/// their sort, are for the machine to refuse.
fn action(machine: &Machine, link: &Link, at: Position, frame: &Frame) -> Option<Act> {
    let (role, protocol) = (link.role, machine.protocol_of(link.session));
    let role_of = |name: &str| protocol.and_then(|all| all.role(name)).unwrap_or(RoleIx::UNKNOWN);
    match frame {
        Frame::Act { to, label, value, .. } => {
            let (to, at) = (role_of(to), Some(at));
            let label = protocol.and_then(|all| all.label(label)).unwrap_or(LabelIx::UNKNOWN);
            let view = machine.session(link.session);
            let endpoint = view.and_then(|view| view.endpoint(role));
            let meant = endpoint.and_then(|endpoint| endpoint.meant(to, label, at));
            // Where no message is meant the send is refused before its value is looked at.
            let value = protocol.zip(meant).map_or(Value::Unit, |(protocol, message)| {
                let sort = protocol.message(message).payload.sort();
                value.value(sort).unwrap_or_else(|_| misfit(sort))
            });
            Some(Act::Send(Send { role, to, label, value, at }))
        }
        Frame::Receive { from, .. } => {
            Some(Act::Receive(Receive { role, from: role_of(from), at: Some(at) }))
        }
        _ => None,
    }
}
