//! Records: the accepted inputs of one session, as values and as canonical bytes.
//!
//! A record is its tick, the input as the session understood it, and the outcome. Capabilities are
//! recorded as owner and generation: what was presented was checked then, and replay checks it
//! again. Numbers and lengths take seven bits a byte, the lowest ones first, in as few bytes as
//! there need be, and a batch says a thing once; it is chained by SHA-256 (see [`Batch`]).
//!
//! Clauses: JRNL-1, JRNL-2. Lean twin: `Machine/Record.lean`.

mod authority;
mod brief;
mod decode;
mod encode;
mod numbers;
mod said;
mod witness;

use alloc::vec::Vec;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::id::{
    Epoch, Generation, Position, ReceiptId, Seq, Serial, SessionId, Tick, TimerId, WitnessId,
};
use super::input::Input;
use super::timer::Timer;
use crate::types::{LabelIx, MessageIx, Protocol, ProtocolDigest};
pub(super) use authority::{decode_recipient, decode_scope, encode_recipient, encode_scope};
pub(super) use brief::{Staging, encode_commit, encode_consume, encode_issue, encode_stage};
pub(super) use decode::{
    byte, decode_epoch, decode_name, decode_optional, decode_owner, decode_reason, flag, long,
    rest_array, short, take, word,
};
use encode::sized;
pub(super) use encode::{Sent, append_receive, append_send, encode, encode_made, put_length};
pub(super) use encode::{block, encode_owner, number, optional, text};
pub(super) use said::Said;
pub(super) use witness::{
    decode_predicate, decode_site, decode_timeout, encode_predicate, encode_site, encode_timeout,
};

/// One entry of a session's journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its place in the journal, from 0.
    pub index: u64,
    /// When.
    pub tick: Tick,
    /// What was accepted.
    pub event: Recorded,
    /// What it came to.
    pub outcome: Outcome,
}

/// What a record holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Recorded {
    /// An input.
    Input(Input),
    /// A timer ran out.
    Expired(Timer),
    /// The host was gone and is back: [`Input::Recovered`].
    Recovered {
        /// The fencing epoch from here on.
        fencing: u32,
    },
}

/// What a recorded input came to; a replay must come to the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The session was opened at this generation.
    Opened(Generation),
    /// The message (a label with its sort) got this place on its edge, the sender this position.
    Sent(MessageIx, Seq, Position),
    /// The message with this label and place was consumed; the receiver's position.
    Received(LabelIx, Seq, Position),
    /// The endpoint's position.
    Acknowledged(Position),
    /// The fragments have an owner under this generation.
    Issued(Generation),
    /// The transfer is in flight under this number.
    Staged(ReceiptId),
    /// It was done.
    Done,
    /// The serial of the token to be sealed.
    Serial(Serial),
    /// The witness is outstanding under this number.
    Witness(WitnessId),
    /// The timer is armed under this number.
    Timer(TimerId),
    /// The role is attached under this number.
    Attached(Epoch),
}

/// Records that became durable together.
///
/// `head = SHA-256(head before ‖ encode(batch))`; the first head is SHA-256 over
/// `"antiphon journal v1"`, the session's id and its protocol's digest. The encoding of a batch is
/// its first index (u64, little endian), its count (u32), and each record behind its length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The session.
    pub session: SessionId,
    /// The index of the first record.
    pub first: u64,
    /// How many records there are.
    pub count: u32,
    /// The records, each behind its length.
    pub bytes: Bytes,
    /// The chain behind this batch.
    pub head: Head,
}

impl Batch {
    /// The protocol that the session runs, as its first record says; `None` if the batch does not
    /// begin with the opening of a session. Who has it can decode the batch.
    #[must_use]
    pub fn opens(&self) -> Option<ProtocolDigest> {
        let record = take(&mut self.bytes.clone()).ok().filter(|_| self.first == 0)?;
        decode::opens(record).ok()
    }
}

/// The head of a chain of batches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Head(pub [u8; 32]);

impl Head {
    /// The head of an empty journal.
    #[must_use]
    pub fn first(session: SessionId, protocol: ProtocolDigest) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"antiphon journal v1");
        hash.update(session.0.to_be_bytes());
        hash.update(protocol.0);
        Self(hash.finalize().into())
    }

    /// The head behind a batch.
    #[must_use]
    pub fn after(self, first: u64, count: u32, bytes: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(first.to_le_bytes());
        hash.update(count.to_le_bytes());
        hash.update(bytes);
        Self(hash.finalize().into())
    }
}

impl core::fmt::Display for Head {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl core::fmt::Debug for Head {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{self}")
    }
}

/// Bytes that are not a record of a session of this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bytes are not a record of this protocol")]
pub struct RecordError;

const OPEN: u8 = 0;
const SEND: u8 = 1;
const RECEIVE: u8 = 2;
const ACKNOWLEDGE: u8 = 3;
const BIND: u8 = 4;
const DRAIN: u8 = 5;
const CLOSE: u8 = 6;
const CANCEL: u8 = 7;
const FAULT: u8 = 8;
const EXPIRED: u8 = 9;
const RELEASE: u8 = 10;
const ATTENUATE: u8 = 11;
const CLAIM: u8 = 12;
const STAGE: u8 = 13;
const COMMIT: u8 = 14;
const ROLLBACK: u8 = 15;
const ABANDON: u8 = 16;
const FAIL_COMMIT: u8 = 17;
const OWNER_DIED: u8 = 18;
const ISSUE_TOKEN: u8 = 19;
const RENEW_TOKEN: u8 = 20;
const CONFIRM_TOKEN: u8 = 21;
const RECLAIM: u8 = 22;
const ISSUE_READINESS: u8 = 24;
const CONSUME_READINESS: u8 = 25;
const ARM_TIMER: u8 = 26;
const DISARM_TIMER: u8 = 27;
const CONSUME_TIMEOUT: u8 = 28;
const ATTACH: u8 = 29;
const DETACH: u8 = 30;
const RECOVERED: u8 = 31;

const SENT: u8 = 1;
const RECEIVED: u8 = 2;

impl Record {
    /// Appends the canonical bytes, without index and length: those that it has as the first record
    /// of a batch.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode(self.tick, &self.event, self.outcome, &mut Said::default(), out);
    }

    /// The bytes of a batch of these records.
    #[must_use]
    pub fn encode_batch<'a>(records: impl IntoIterator<Item = &'a Self>) -> Vec<u8> {
        let (mut out, mut said) = (Vec::new(), Said::default());
        for Self { tick, event, outcome, .. } in records {
            sized(&mut out, |out| encode(*tick, event, *outcome, &mut said, out));
        }
        out
    }

    /// The records of a batch.
    ///
    /// # Errors
    /// [`RecordError`] if the bytes are not what [`Record::encode_batch`] gives for this protocol.
    pub fn decode_batch(batch: &Batch, protocol: &Protocol) -> Result<Vec<Self>, RecordError> {
        let mut rest = batch.bytes.clone();
        let (mut records, mut said) = (Vec::new(), Said::default());
        while !rest.is_empty() {
            let index = batch.first + records.len() as u64;
            let record = take(&mut rest)?;
            records.push(Self::decode(index, record, batch.session, protocol, &mut said)?);
        }
        match records.len() == batch.count as usize {
            true => Ok(records),
            false => Err(RecordError),
        }
    }
}
