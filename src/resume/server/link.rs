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
    /// Whether an edge to the role drops messages.
    pub(super) drops: bool,
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
    /// Whether messages of it may be dropped. They are numbered by how many were consumed before
    /// then: on other edges that is their number there.
    drops: bool,
    /// The number of the one to transmit next.
    pub(super) next: u64,
    /// About how many bytes each takes that was transmitted and is not consumed.
    sizes: VecDeque<usize>,
    bytes: usize,
}

impl Incoming {
    fn of(edge: EdgeIx, drops: bool) -> Self {
        Self { edge, drops, next: 0, sizes: VecDeque::new(), bytes: 0 }
    }

    /// All that is not consumed is transmitted again.
    fn again(&mut self) {
        *self = Self::of(self.edge, self.drops);
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

    /// Whether one more may be on its way. SRV-13: of an edge that drops messages only the head,
    /// which is not dropped.
    pub(super) fn has_room(&self) -> bool {
        let unconsumed_max = if self.drops { 1 } else { UNCONSUMED_MAX };
        (self.sizes.len() as u64) < unconsumed_max && self.bytes < UNCONSUMED_BYTES_MAX
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
        incoming: impl Iterator<Item = (EdgeIx, bool)>,
        position: u64,
    ) -> Self {
        let by = Presented { over: Some(epoch), ..by };
        let mut incoming: Vec<Incoming> =
            incoming.map(|(edge, drops)| Incoming::of(edge, drops)).collect();
        incoming.shrink_to_fit();
        Self {
            session,
            role,
            epoch,
            by,
            confirm: Some(confirm),
            held: BTreeMap::new(),
            full: None,
            drops: incoming.iter().any(|incoming| incoming.drops),
            incoming,
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
        match acknowledge(machine, now, link, position) {
            Ok(true) => {
                link.tell = true;
                self.flush(machine, now, place);
            }
            Ok(false) if !is_first => {
                link.tell = true;
                link.incoming.iter_mut().for_each(Incoming::again);
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

/// Every receive before a position is performed, and whether that is new. SRV-13: one that the
/// machine does not take for implied, because its edge drops messages, is performed by itself: the
/// client was shown the head of that edge, and nothing else.
fn acknowledge(
    machine: &mut Machine,
    now: Tick,
    link: &Link,
    position: Position,
) -> Result<bool, Refusal> {
    let all_before = |machine: &mut Machine, position| {
        let acknowledge = Act::Acknowledge { role: link.role, position };
        machine
            .act(now, &link.by, acknowledge)
            .map(|done| matches!(done, Accepted::Acknowledged { .. }))
    };
    let mut is_new = false;
    loop {
        let at = match all_before(machine, position) {
            Ok(moved) => return Ok(is_new || moved),
            Err(Refusal::AmbiguousReceive { position }) if link.drops => position,
            Err(refusal) => return Err(refusal),
        };
        all_before(machine, at)?;
        let from = only_peer(machine, link).ok_or(Refusal::AmbiguousReceive { position: at })?;
        let receive = Receive { role: link.role, from, at: Some(at) };
        machine.act(now, &link.by, Act::Receive(receive))?;
        is_new = true;
    }
}

/// From whom the role may receive now, if that is one role.
fn only_peer(machine: &Machine, link: &Link) -> Option<RoleIx> {
    let endpoint = machine.session(link.session)?.endpoint(link.role)?;
    let mut peers = endpoint.transitions().iter().map(|transition| transition.peer);
    let first = peers.next()?;
    peers.all(|peer| peer == first).then_some(first)
}

/// Has the machine perform an action.
fn perform(machine: &mut Machine, now: Tick, link: &Link, at: u64, frame: &Frame) -> Came {
    // A receive of the machine implies none before it, as a send does; and a send none over an edge
    // that drops messages.
    let is_receive = matches!(frame, Frame::Receive { .. });
    if (is_receive || link.drops) && position_of(machine, link) < at {
        match acknowledge(machine, now, link, Position(at)) {
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
