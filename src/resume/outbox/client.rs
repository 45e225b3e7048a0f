//! A memory and its present attachment.

use smol_str::{SmolStr, ToSmolStr};

use super::memory::{Action, Memory, OUTBOX_DEFAULT, OutboxRefusal, Taken};
use crate::types::{Name, Value};
use crate::wire::frame::{Frame, Notice};
use crate::wire::payload::{Form, Payload};

/// How many actions ahead of what is acknowledged are on their way at most: as many as the
/// machine's end holds until those before them are there.
const WINDOW: u64 = crate::resume::server::HELD_MAX as u64;

/// With what a role is attached.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ticket {
    /// An invitation or a handoff token, and the name of the owner.
    Join { token: SmolStr, owner: SmolStr },
    /// A resume token.
    Resume { token: SmolStr },
}

/// What is known of the present attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Attached {
    epoch: u64,
    /// The actions before this position were said on it.
    said: u64,
    /// The machine was told that everything before this position is performed, if anything was
    /// said.
    told: Option<u64>,
    /// The action at this position waits for room.
    full: Option<u64>,
}

/// How it ended for a role.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Ending {
    /// The session has ended; `reason` says why it was cancelled or faulted.
    Session {
        /// `closed`, `cancelled`, `faulted`.
        status: SmolStr,
        /// Why.
        reason: Option<SmolStr>,
    },
    /// The role has another owner. What was not acknowledged was not performed, and never will be.
    Superseded {
        /// The actions that come back, with their positions.
        actions: Vec<(u64, Action)>,
    },
    /// Somebody else came with the role's newest token.
    TakenOver,
    /// The machine knows less than it has acknowledged: it was restored from an older copy.
    Regressed,
    /// The machine's end refuses what the memory holds: it is not of this role, or of another life.
    Refused {
        /// The refusal's code.
        code: SmolStr,
        /// For people.
        message: SmolStr,
    },
}

impl core::fmt::Display for Ending {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Session { status, reason: None } => write!(f, "the session is {status}"),
            Self::Session { status, reason: Some(why) } => {
                write!(f, "the session is {status} ({why})")
            }
            Self::Superseded { actions } => write!(
                f,
                "the role has another owner; {} actions were not performed",
                actions.len()
            ),
            Self::TakenOver => f.write_str("somebody else came with the token of this role"),
            Self::Regressed => f.write_str("the session was restored from an older copy"),
            Self::Refused { code, message } => write!(f, "refused [{code}]: {message}"),
        }
    }
}

/// What a frame has come to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Heard {
    /// Nothing that was not known.
    Nothing,
    /// The role is attached; `fresh` if it goes on from what the machine says, because nothing, or
    /// less, was remembered.
    Attached {
        /// See there.
        fresh: bool,
    },
    /// The attachment was not accepted, and may be later; after so many milliseconds, if it says
    /// so.
    Rejected {
        /// The code.
        code: SmolStr,
        /// For people.
        message: SmolStr,
        /// In milliseconds.
        retry_after: Option<u64>,
    },
    /// More is acknowledged than was.
    Acknowledged,
    /// A message came, or what does for one.
    Message,
    /// It is over.
    Over,
    /// What no machine says to a client; the attachment had better be given up.
    Violation,
}

/// One role as its client has it. See the module.
#[derive(Debug, Clone)]
pub struct Client {
    ep: u32,
    form: Form,
    role: Option<SmolStr>,
    ticket: Ticket,
    capacity: usize,
    memory: Option<Memory>,
    attached: Option<Attached>,
    epoch: u64,
    over: Option<Ending>,
}

impl Client {
    /// Comes with an invitation or a handoff token, in the name of `owner`.
    #[must_use]
    pub fn join(ep: u32, form: Form, token: &str, owner: &str) -> Self {
        Self::new(ep, form, Ticket::Join { token: token.into(), owner: owner.into() })
    }

    /// Comes with a resume token, and with what it remembers.
    #[must_use]
    pub fn resume(ep: u32, form: Form, token: &str, memory: Option<Memory>) -> Self {
        let new = Self::new(ep, form, Ticket::Resume { token: token.into() });
        Self { memory, ..new }
    }

    fn new(ep: u32, form: Form, ticket: Ticket) -> Self {
        Self {
            ep,
            form,
            role: None,
            ticket,
            capacity: OUTBOX_DEFAULT,
            memory: None,
            attached: None,
            epoch: 0,
            over: None,
        }
    }

    /// Which role, where the token is for several.
    #[must_use]
    pub fn for_role(self, role: &str) -> Self {
        Self { role: Some(role.into()), ..self }
    }

    /// How many actions its outbox holds; from 1 to [`OUTBOX_MAX`](super::OUTBOX_MAX).
    #[must_use]
    pub fn with_outbox(self, capacity: usize) -> Self {
        Self { capacity, ..self }
    }

    /// What it remembers.
    #[must_use]
    pub fn memory(&self) -> Option<&Memory> {
        self.memory.as_ref()
    }

    /// The resume token, once it has one: to be kept with the memory.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        match &self.ticket {
            Ticket::Resume { token } => Some(token),
            Ticket::Join { .. } => None,
        }
    }

    /// Its role, once it was told.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// Whether the machine's end has answered on the present connection.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.attached.is_some()
    }

    /// Whether its next action waits until there is room on its edge.
    #[must_use]
    pub fn waits_for_room(&self) -> bool {
        self.attached.is_some_and(|attached| attached.full.is_some())
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn over(&self) -> Option<&Ending> {
        self.over.as_ref()
    }

    /// Forgets everything but the token: it will go on from what the machine says.
    pub fn forget(&mut self) {
        self.memory = None;
        self.lost();
    }

    fn usable(&mut self) -> Result<&mut Memory, OutboxRefusal> {
        if let Some(over) = &self.over {
            return Err(OutboxRefusal::Over { why: over.to_string().into() });
        }
        self.memory.as_mut().ok_or(OutboxRefusal::Unknown)
    }

    /// The owner decides a send; its position.
    ///
    /// # Errors
    /// [`OutboxRefusal`].
    pub fn send(
        &mut self,
        to: &str,
        label: &str,
        value: impl Into<Value>,
    ) -> Result<u64, OutboxRefusal> {
        self.usable()?.send(to, label, value.into())
    }

    /// The owner consumes the next message.
    ///
    /// # Errors
    /// [`OutboxRefusal`].
    pub fn receive(&mut self, from: Option<&str>) -> Result<Taken, OutboxRefusal> {
        self.usable()?.receive(from)
    }

    /// A connection is there: what to say on it first.
    pub fn connected(&mut self) -> Frame {
        self.attached = None;
        let (ep, role) = (self.ep, self.role.clone());
        match &self.ticket {
            Ticket::Join { token, owner } => {
                Frame::Attach { ep, token: token.clone(), owner: owner.clone(), role }
            }
            Ticket::Resume { token } => {
                let kept = self.memory.as_ref().map(Memory::acked);
                Frame::Resume { ep, token: token.clone(), role, kept }
            }
        }
    }

    /// The connection is lost.
    pub fn lost(&mut self) {
        self.attached = None;
    }

    /// OUT-5: nothing was heard for some time: what is not acknowledged is said again, and where
    /// the role is.
    pub fn again(&mut self) {
        if let Some((attached, memory)) = self.attached.as_mut().zip(self.memory.as_ref()) {
            let acked = memory.acked();
            *attached = Attached { said: acked, told: None, full: None, ..*attached };
        }
    }

    /// Whether there is something whose answer it waits for.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        let waits = |memory: &Memory| memory.outbox().len() > 0 || !memory.has_ended();
        self.over.is_none() && self.memory.as_ref().is_none_or(waits)
    }

    /// The next frame to send over the present connection; `None` when there is nothing for now.
    pub fn poll(&mut self) -> Option<Frame> {
        let (attached, memory) = self.attached.as_mut().zip(self.memory.as_ref())?;
        if self.over.is_some() {
            return None;
        }
        let ep = self.ep;
        if let Some(at) = attached.full {
            // OUT-6: the receives before it make the room that others wait for.
            if attached.told.is_none_or(|told| told < at) {
                attached.told = Some(at);
                return Some(Frame::Ack { ep, position: at });
            }
            return None;
        }
        let next = memory.outbox_from(attached.said.max(memory.acked()));
        if let Some((at, action)) = next {
            if at >= memory.acked().saturating_add(WINDOW) {
                return None;
            }
            (attached.said, attached.told) = (at + 1, attached.told.max(Some(at + 1)));
            return Some(match action {
                Action::Receive { from } => Frame::Receive { ep, at, from: text(from) },
                Action::Send { to, label, value, payload } => {
                    let value = Payload::of(self.form, payload.sort(), value);
                    Frame::Act { ep, at, to: text(to), label: text(label), value }
                }
            });
        }
        // OUT-7: who goes on with a send says with it where it is.
        let position = memory.position();
        if attached.told.is_none_or(|told| told < position && !memory.sends_next()) {
            attached.told = Some(position);
            return Some(Frame::Ack { ep, position });
        }
        None
    }

    /// Takes a frame that came over the present connection.
    pub fn handle(&mut self, frame: Frame) -> Heard {
        if self.over.is_some() || frame.ep().is_some_and(|ep| ep != self.ep) {
            return Heard::Nothing;
        }
        match frame {
            Frame::Ok { role, epoch, position, token, r#type, consumed, .. } => {
                self.handle_ok(role, epoch, position, token, &r#type, &consumed)
            }
            Frame::Ack { position, .. } => match &mut self.memory {
                Some(memory) if memory.acked() < position && position <= memory.position() => {
                    memory.acknowledged(position);
                    Heard::Acknowledged
                }
                _ => Heard::Nothing,
            },
            Frame::Msg { from, seq, label, value, .. } => match &mut self.memory {
                Some(memory) if self.attached.is_some() => {
                    if memory.arrived(&from, seq, &label, value) {
                        Heard::Message
                    } else {
                        Heard::Violation
                    }
                }
                _ => Heard::Nothing,
            },
            Frame::Refused { at, code, message, .. } => self.handle_refused(at, code, message),
            // A late answer to what was said before it was attached.
            Frame::Reject { .. } if self.attached.is_some() => Heard::Nothing,
            Frame::Reject { ep, code, message, retry_after } => match code.as_str() {
                "regressed" => self.end(Ending::Regressed),
                // What is said of the endpoint, and not of the connection, never gets better,
                // unless the machine's end says when.
                _ if ep.is_some() && retry_after.is_none() => {
                    self.end(Ending::Refused { code, message })
                }
                _ => Heard::Rejected { code, message, retry_after },
            },
            Frame::Event { event, .. } => match event {
                Notice::Room { .. } => {
                    if let Some(attached) = &mut self.attached
                        && let Some(at) = attached.full.take()
                    {
                        attached.said = at;
                    }
                    Heard::Nothing
                }
                Notice::TakenOver { epoch } if epoch > self.epoch => self.end(Ending::TakenOver),
                // OUT-9: it may have been an own attempt that was late.
                Notice::Displaced { epoch } if epoch > self.epoch => {
                    self.attached = None;
                    let message = "another attachment came with the same token".into();
                    Heard::Rejected { code: "displaced".into(), message, retry_after: None }
                }
                Notice::TakenOver { .. } | Notice::Displaced { .. } => Heard::Nothing,
                Notice::Superseded { .. } => {
                    let all = self.memory.iter().flat_map(Memory::outbox);
                    let actions = all.map(|(at, action)| (at, action.clone())).collect();
                    self.end(Ending::Superseded { actions })
                }
            },
            Frame::State { status, reason, position, .. } => {
                if let Some(memory) = &mut self.memory
                    && position <= memory.position()
                {
                    memory.acknowledged(position);
                }
                match status.as_str() {
                    "closed" | "cancelled" | "faulted" => {
                        self.end(Ending::Session { status, reason })
                    }
                    _ => Heard::Nothing,
                }
            }
            Frame::Ping { .. } | Frame::Pong { .. } | Frame::Hello { .. } | Frame::Bye { .. } => {
                Heard::Nothing
            }
            _ => Heard::Violation,
        }
    }

    /// OUT-8: without a memory, or with one that is behind the machine and so not its own, it goes
    /// on from what the machine says.
    fn handle_ok(
        &mut self,
        role: SmolStr,
        epoch: u64,
        position: u64,
        token: SmolStr,
        local: &str,
        consumed: &[(SmolStr, u64)],
    ) -> Heard {
        if epoch < self.epoch {
            return Heard::Nothing;
        }
        let is_repeat = epoch == self.epoch && self.attached.is_some();
        let is_fresh = self.memory.as_ref().is_none_or(|memory| memory.position() < position);
        match &mut self.memory {
            Some(memory) if !is_fresh => memory.acknowledged(position),
            memory => match Memory::new(&role, local, position, consumed, self.capacity) {
                Ok(new) => *memory = Some(new),
                Err(_) => return Heard::Violation,
            },
        }
        (self.role, self.epoch, self.ticket) = (Some(role), epoch, Ticket::Resume { token });
        if is_repeat {
            return Heard::Nothing;
        }
        // The first frame shows the machine's end that the token has arrived.
        self.attached = Some(Attached { epoch, said: position, told: None, full: None });
        Heard::Attached { fresh: is_fresh }
    }

    fn handle_refused(&mut self, at: u64, code: SmolStr, message: SmolStr) -> Heard {
        let Some((attached, memory)) = self.attached.as_mut().zip(self.memory.as_ref()) else {
            return Heard::Nothing;
        };
        // An answer to what was acknowledged since: it was said twice.
        if at < memory.acked() {
            return Heard::Nothing;
        }
        match code.as_str() {
            "edge_full" => {
                let first = attached.full.map_or(at, |full| full.min(at));
                // Nothing of it was performed, nor were the receives that it implies.
                (attached.full, attached.told) = (Some(first), None);
                Heard::Nothing
            }
            // The attachment is not the live one any more: the machine's end says so as well.
            "stale_attachment" | "stale_capability" | "unclaimed" | "terminal" => Heard::Nothing,
            _ => self.end(Ending::Refused { code, message }),
        }
    }

    fn end(&mut self, how: Ending) -> Heard {
        self.over = Some(how);
        self.attached = None;
        Heard::Over
    }
}

fn text(name: &Name) -> SmolStr {
    name.to_smolstr()
}
