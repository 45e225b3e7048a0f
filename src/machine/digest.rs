//! The digest of protocol state: what two machines that have heard the same agree on.
//!
//! It covers all of a session that its journal determines, and nothing volatile.

use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest, Sha256};

use super::Machine;
use super::attachment::{Attachment, Attachments};
use super::id::{SessionId, Tick};
use super::input::Input;
use super::ownership::Ownership;
use super::record::{self, Outcome, Recorded, Said};
use super::session::Session;
use crate::types::canonical;

/// SHA-256 over canonical protocol state.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StateDigest(pub [u8; 32]);

impl fmt::Display for StateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Machine {
    /// The digest of all sessions, in the order of their ids.
    #[must_use]
    pub fn digest(&self) -> StateDigest {
        let mut sessions: Vec<&Session> = self.sessions.iter().collect();
        sessions.sort_by_key(|session| session.id);
        let mut hash = Sha256::new();
        for session in sessions {
            hash.update(self.digest_of(session).0);
        }
        StateDigest(hash.finalize().into())
    }

    /// The digest of one session.
    #[must_use]
    pub fn session_digest(&self, session: SessionId) -> Option<StateDigest> {
        let slot = self.sessions.find(session, u32::MAX)?;
        Some(self.digest_of(self.sessions.at(slot)))
    }

    pub(super) fn digest_of(&self, session: &Session) -> StateDigest {
        let mut bytes: Vec<u8> = Vec::new();
        bytes.extend_from_slice(b"antiphon session v1");
        bytes.extend_from_slice(&session.id.0.to_be_bytes());
        bytes.extend_from_slice(&self.protocols[session.protocol as usize].digest().0);
        block(&mut bytes, session.status.as_str().as_bytes());
        block(&mut bytes, session.status.reason().unwrap_or("").as_bytes());
        bytes.push(u8::from(session.checked) | session.on_lost.bits() << 1);
        numbers(&mut bytes, [session.tick.0]);
        optional(&mut bytes, session.deadline().map(|deadline| deadline.0));
        for endpoint in session.endpoints.iter() {
            numbers(&mut bytes, [u64::from(endpoint.state().0), endpoint.position().0]);
        }
        for (index, buffer) in session.edges.iter().enumerate() {
            let consumed = session.consumed(index).0;
            numbers(&mut bytes, [buffer.sent.0, consumed, u64::from(buffer.capacity)]);
            for queued in buffer.iter() {
                numbers(&mut bytes, [u64::from(queued.message.0)]);
                let mut value = Vec::new();
                canonical::encode(&queued.value, &mut value);
                block(&mut bytes, &value);
            }
        }
        let Ownership { owner, generation, scope } = &session.ownership;
        block(&mut bytes, owner.as_str().as_bytes());
        numbers(&mut bytes, [generation.0]);
        bytes.extend_from_slice(&scope.bits().to_le_bytes());
        optional(&mut bytes, session.log().map(|log| log.len()));
        remembered(&mut bytes, session);
        handlers(&mut bytes, session);
        spread(&mut bytes, session);
        outstanding(&mut bytes, session);
        if let Some(policies) = session.policies() {
            block(&mut bytes, b"policies");
            policies.numbers(|number| numbers(&mut bytes, [number]));
        }
        attachments(&mut bytes, session);
        StateDigest(Sha256::digest(&bytes).into())
    }
}

fn remembered(bytes: &mut Vec<u8>, session: &Session) {
    bytes.push(u8::from(session.remembered().is_some()));
    for (from, sends) in session.remembered().iter().flat_map(|remembered| remembered.rings()) {
        optional(bytes, from.map(|from| from.0));
        numbers(bytes, [sends.len() as u64]);
        for send in sends {
            numbers(bytes, [send.at.0, u64::from(send.edge.0), u64::from(send.message.0)]);
            bytes.extend_from_slice(&send.digest);
        }
    }
}

fn handlers(bytes: &mut Vec<u8>, session: &Session) {
    bytes.push(u8::from(session.handlers().is_some()));
    let Some(handlers) = session.handlers() else { return };
    for handler in core::iter::once(&handlers.default).chain(&handlers.bound) {
        block(bytes, handler.as_ref().map_or(&b""[..], |handler| handler.as_bytes()));
    }
}

/// What a session has in which fragments have moved; nothing for the others.
fn spread(bytes: &mut Vec<u8>, session: &Session) {
    let Some(spread) = session.spread() else { return };
    numbers(bytes, [spread.last.0, spread.receipts.0, spread.holdings.len() as u64]);
    for held in &spread.holdings {
        block(bytes, held.owner.as_str().as_bytes());
        bytes.push(u8::from(held.released));
        bytes.extend_from_slice(&held.scope.bits().to_le_bytes());
        bytes.extend_from_slice(&held.issued.bits().to_le_bytes());
        came_from(held.request(session.id), Outcome::Issued(held.generation), bytes);
    }
    numbers(bytes, [spread.staged.len() as u64]);
    for staged in &spread.staged {
        // All of it is in what it came from.
        came_from(staged.request(), Outcome::Staged(staged.receipt.id), bytes);
    }
    if !spread.serials.is_empty() {
        block(bytes, b"serials");
        numbers(bytes, [spread.serials.len() as u64]);
    }
    for serials in &spread.serials {
        numbers(bytes, [serials.generation.0, serials.issued.0, serials.confirmed.0]);
    }
}

/// What it was asked for, and came to.
fn came_from(request: Input, outcome: Outcome, bytes: &mut Vec<u8>) {
    let mut record = Vec::new();
    record::encode(Tick(0), &Recorded::Input(request), outcome, &mut Said::default(), &mut record);
    block(bytes, &record);
}

/// What a session has in which there were witnesses or timers; nothing for the others.
fn outstanding(bytes: &mut Vec<u8>, session: &Session) {
    let Some(all) = session.outstanding() else { return };
    block(bytes, b"outstanding");
    numbers(bytes, [all.witnesses.0, all.timers.0, all.readiness.len() as u64]);
    for ready in &all.readiness {
        // All of it is in what it came from.
        came_from(ready.request(), Outcome::Witness(ready.witness.id), bytes);
    }
    numbers(bytes, [all.armed.len() as u64]);
    for watch in &all.armed {
        came_from(watch.request(session.id), Outcome::Timer(watch.timer.id), bytes);
        bytes.extend_from_slice(&watch.timer.scope.bits().to_le_bytes());
        numbers(bytes, [watch.timer.due.0]);
    }
    numbers(bytes, [all.timeouts.len() as u64]);
    for timeout in &all.timeouts {
        let mut encoded = Vec::new();
        record::encode_timeout(timeout, &mut encoded);
        block(bytes, &encoded);
    }
}

/// What a session has to which something was attached, or that was recovered; nothing for the
/// others.
fn attachments(bytes: &mut Vec<u8>, session: &Session) {
    let Some(Attachments { fencing, counter, entries }) = session.attachments.as_deref() else {
        return;
    };
    block(bytes, b"attachments");
    numbers(bytes, [u64::from(*fencing), u64::from(*counter), entries.len() as u64]);
    for Attachment { role, epoch, generation } in entries {
        numbers(bytes, [u64::from(role.0), epoch.bits(), generation.0]);
    }
}

fn numbers<const N: usize>(bytes: &mut Vec<u8>, numbers: [u64; N]) {
    numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
}

fn optional(bytes: &mut Vec<u8>, number: Option<u64>) {
    bytes.push(u8::from(number.is_some()));
    numbers(bytes, [number.unwrap_or(0)]);
}

fn block(bytes: &mut Vec<u8>, block: &[u8]) {
    numbers(bytes, [block.len() as u64]);
    bytes.extend_from_slice(block);
}
