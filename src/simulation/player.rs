//! A role's client that decides at random, and remembers what it did.

use fastrand::Rng;

use super::Values;
use super::report::SimulationError;
use crate::resume::outbox::{Client, Memory, OutboxRefusal, Taken};
use crate::resume::server::Connection;
use crate::types::{Direction, MessageIx, Name, Protocol, Value};
use crate::wire::payload::Form;

/// Something that the client of a role has done.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// Whether it sent or received.
    pub direction: Direction,
    /// The other role.
    pub peer: Name,
    /// The message's name.
    pub label: Name,
    /// What it carried.
    pub value: Value,
}

impl From<Taken> for Done {
    fn from(taken: Taken) -> Self {
        let Taken { from, label, value, .. } = taken;
        Self { direction: Direction::Receive, peer: from, label, value }
    }
}

/// What a role does next.
pub(super) enum Decided {
    Send {
        peer: Name,
        label: Name,
        value: Value,
    },
    /// Takes whatever comes first.
    Receive,
}

/// One of the moves that a role may make, each as likely as the other.
pub(super) fn decide(
    memory: &Memory,
    protocol: &Protocol,
    values: &Values,
    may_send: bool,
    rng: &mut Rng,
) -> Result<Option<Decided>, SimulationError> {
    let Some(choice) = rng.choice(memory.legal_moves().collect::<Vec<_>>()) else {
        return Ok(None);
    };
    Ok(match choice.direction {
        Direction::Receive => Some(Decided::Receive),
        Direction::Send if !may_send => None,
        Direction::Send => {
            let is_it = |message: &crate::types::Message| {
                protocol.label_name(message.label) == choice.label
                    && message.payload == *choice.payload
            };
            let index = protocol.messages().iter().position(is_it).unwrap_or(0);
            let message = MessageIx(u16::try_from(index).expect("they are numbered by u16"));
            let (peer, label) = (choice.peer.clone(), choice.label.clone());
            let value = values
                .pick(protocol, message, rng)
                .ok_or_else(|| SimulationError::NoValue(label.as_str().into()))?;
            Some(Decided::Send { peer, label, value })
        }
    })
}

/// See the module.
pub(super) struct Player {
    pub(super) role: Name,
    pub(super) client: Client,
    invitation: String,
    form: Form,
    /// All that it has done, by position.
    pub(super) log: Vec<Done>,
    pub(super) wire: Option<Connection>,
    /// When something came last.
    pub(super) heard: u64,
    /// When it has last said everything again.
    pub(super) again: u64,
    /// How many attempts to connect have failed in a row.
    pub(super) attempt: u32,
    /// Whether an attempt is on its way.
    pub(super) is_dialing: bool,
}

impl Player {
    pub(super) fn new(role: &Name, form: Form, invitation: String) -> Self {
        Self {
            client: Client::join(0, form, &invitation, role),
            role: role.clone(),
            invitation,
            form,
            log: Vec::new(),
            wire: None,
            heard: 0,
            again: 0,
            attempt: 0,
            is_dialing: false,
        }
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// The process is killed, and another one goes on with what it has kept.
    pub(super) fn killed(&mut self) {
        self.client = match self.client.token() {
            Some(token) => {
                let memory = self.client.memory().map(Memory::kept);
                Client::resume(0, self.form, token, memory)
            }
            None => Client::join(0, self.form, &self.invitation, &self.role),
        };
    }

    /// It goes on from what the machine says: what the machine has not kept it has not done.
    pub(super) fn begun_again(&mut self) {
        let position = self.client.memory().map_or(0, Memory::position);
        self.log.truncate(usize::try_from(position).unwrap_or(usize::MAX));
    }

    /// Does one thing that it may do, if there is one; whether it did.
    pub(super) fn act(
        &mut self,
        protocol: &Protocol,
        values: &Values,
        may_send: bool,
        rng: &mut Rng,
    ) -> Result<bool, SimulationError> {
        let Some(memory) = self.client.memory().filter(|_| self.client.over().is_none()) else {
            return Ok(false);
        };
        let Some(decided) = decide(memory, protocol, values, may_send, rng)? else {
            return Ok(false);
        };
        let done = match decided {
            Decided::Send { peer, label, value } => {
                match self.client.send(&peer, &label, value.clone()) {
                    Ok(_) => Done { direction: Direction::Send, peer, label, value },
                    Err(OutboxRefusal::Full { .. }) => return Ok(false),
                    Err(refusal) => return Err(SimulationError::Refused(refusal.to_string())),
                }
            }
            Decided::Receive => match self.client.receive(None) {
                Ok(taken) => taken.into(),
                Err(OutboxRefusal::Empty { .. } | OutboxRefusal::Full { .. }) => return Ok(false),
                Err(refusal) => return Err(SimulationError::Refused(refusal.to_string())),
            },
        };
        self.log.push(done);
        Ok(true)
    }
}
