//! Records: the accepted inputs of one session, as values and as canonical bytes.
//!
//! A record is its tick, the input as the session understood it, and the outcome. Capabilities are
//! recorded as owner and generation: what was presented was checked then, and replay checks it
//! again. Numbers and lengths take seven bits a byte, the lowest ones first, in as few bytes as
//! there need be; a batch is chained by SHA-256 (see [`Batch`]).
//!
//! Clauses: JRNL-1, JRNL-2, JRNL-8, JRNL-27. Lean twin: `Machine/Replay.lean` (to come).

mod authority;
mod encode;
mod said;
mod witness;

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::{Buf, Bytes};
use sha2::{Digest, Sha256};
use smol_str::SmolStr;

use super::authority::{Owner, Presented};
use super::ends::OnLost;
use super::id::{
    Generation, Position, ReceiptId, Seq, Serial, SessionId, Tick, TimerId, WitnessId,
};
use super::input::{Act, Capacities, Input, Open, REASON_BYTES_MAX, Receive, Send};
use super::policy::Policy;
use super::timer::Timer;
use crate::types::canonical;
use crate::types::{Edge, EdgeIx, LabelIx, MessageIx, Name, Protocol, ProtocolDigest, RoleIx};
use encode::{AS_USUAL, BY_THE_SAME, CONTINUED, NUMBERED};
pub(super) use encode::{Sent, encode, encode_made, encode_receive, encode_send, sized};
pub(super) use said::Said;
pub(super) use witness::encode_timeout;

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

    fn decode(
        index: u64,
        mut rest: Bytes,
        session: SessionId,
        protocol: &Protocol,
        said: &mut Said,
    ) -> Result<Self, RecordError> {
        let first = byte(&mut rest)?;
        let tag = first & !(AS_USUAL | BY_THE_SAME | NUMBERED);
        let (same, numbered) = (first & BY_THE_SAME != 0, first & NUMBERED != 0);
        let tick = said.tick_after(long(&mut rest)?);
        let outcome = decode_outcome(tag, first & AS_USUAL != 0, &mut rest, said)?;
        let event = match tag {
            OPEN | EXPIRED | COMMIT | RECLAIM if same => return Err(RecordError),
            tag if numbered && tag != SEND && tag != RECEIVE => return Err(RecordError),
            OPEN => Recorded::Input(Input::Open(decode_open(&mut rest, session)?)),
            EXPIRED => match byte(&mut rest)? {
                0 => Recorded::Expired(Timer::Drain),
                1 => Recorded::Expired(Timer::Transfer(ReceiptId(long(&mut rest)?))),
                2 => Recorded::Expired(Timer::Site(TimerId(long(&mut rest)?))),
                3 => Recorded::Expired(Timer::Witness(WitnessId(long(&mut rest)?))),
                _ => return Err(RecordError),
            },
            COMMIT => {
                let commit = authority::decode_commit(&mut rest, session)?;
                Recorded::Input(Input::Commit(Box::new(commit)))
            }
            RECLAIM => {
                let reclaim = authority::decode_reclaim(&mut rest, session)?;
                Recorded::Input(Input::Reclaim(Box::new(reclaim)))
            }
            tag => {
                let (by, act) =
                    decode_act(tag, (same, numbered), session, outcome, &mut rest, protocol, said)?;
                Recorded::Input(Input::Act { by, act })
            }
        };
        // JRNL-8: no byte is left over, every number is one of the protocol.
        match rest.is_empty() && is_of(protocol, &event, outcome) {
            true => Ok(Self { index, tick, event, outcome }),
            false => Err(RecordError),
        }
    }
}

/// Whether every role, label and edge of a record is one that the protocol has.
fn is_of(protocol: &Protocol, event: &Recorded, outcome: Outcome) -> bool {
    let role = |role: RoleIx| role.index() < protocol.roles().len();
    let event = match event {
        Recorded::Expired(_) => true,
        Recorded::Input(Input::Open(open)) => {
            let capacities = open.capacities.edges.iter().map(|(edge, _)| edge);
            let mut edges = capacities.chain(open.policies.iter().map(|(edge, _)| edge));
            edges.all(|edge| role(edge.from) && role(edge.to))
        }
        Recorded::Input(Input::Act { act, .. }) => match act {
            Act::Send(send) => {
                let sent = |message| protocol.message(message).label == send.label;
                role(send.role)
                    && role(send.to)
                    && matches!(outcome, Outcome::Sent(message, ..) if sent(message))
            }
            Act::Receive(receive) => role(receive.role) && role(receive.from),
            Act::Acknowledge { role: who, .. } => role(*who),
            Act::Bind { edge, .. } => edge.is_none_or(|e| e.index() < protocol.edges().len()),
            Act::Authority(authority) => authority::is_of(protocol, authority),
            Act::Drain { .. } | Act::Close | Act::Cancel { .. } | Act::Fault { .. } => true,
        },
        Recorded::Input(Input::Commit(commit)) => authority::has(protocol, commit.receipt.scope),
        Recorded::Input(Input::Reclaim(reclaim)) => authority::has(protocol, reclaim.scope),
        Recorded::Input(Input::Persisted { .. } | Input::Tick | Input::Reap { .. }) => false,
    };
    event
        && match outcome {
            Outcome::Sent(message, ..) => message.index() < protocol.messages().len(),
            // Messages stand in the order of their labels.
            Outcome::Received(label, ..) => {
                protocol.messages().binary_search_by_key(&label, |message| message.label).is_ok()
            }
            Outcome::Opened(_)
            | Outcome::Acknowledged(_)
            | Outcome::Issued(_)
            | Outcome::Staged(_)
            | Outcome::Serial(_)
            | Outcome::Done
            | Outcome::Witness(_)
            | Outcome::Timer(_) => true,
        }
}

fn decode_open(rest: &mut Bytes, session: SessionId) -> Result<Open, RecordError> {
    let digest = ProtocolDigest(rest_array(rest)?);
    let owner = decode_owner(rest)?;
    let journal = flag(rest)?;
    // One bit, and two of what becomes of it when an owner is lost.
    let options = byte(rest)?;
    let unchecked = options & 1 == 1;
    let on_lost = OnLost::from_bits(options >> 1).ok_or(RecordError)?;
    let every = Some(word(rest)?);
    let count = word(rest)?;
    // An edge and its capacity are three bytes at least.
    if count as usize > rest.len() / 3 {
        return Err(RecordError);
    }
    let mut edges = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let edge = Edge { from: RoleIx(short(rest)?), to: RoleIx(short(rest)?) };
        edges.push((edge, word(rest)?));
    }
    let capacities = Capacities { every, edges, unchecked };
    let policies = decode_policies(rest)?;
    Ok(Open { session, protocol: digest, owner, capacities, journal, on_lost, policies })
}

fn decode_policies(rest: &mut Bytes) -> Result<Vec<(Edge, Policy)>, RecordError> {
    let count = word(rest)?;
    // An edge and its policy are four bytes at least.
    if count as usize > rest.len() / 4 {
        return Err(RecordError);
    }
    let mut policies = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let edge = Edge { from: RoleIx(short(rest)?), to: RoleIx(short(rest)?) };
        let (kind, max) = (byte(rest)?, word(rest)?);
        policies.push((edge, Policy::of_bytes(kind, max).ok_or(RecordError)?));
    }
    Ok(policies)
}

fn decode_act(
    tag: u8,
    (same, numbered): (bool, bool),
    session: SessionId,
    outcome: Outcome,
    rest: &mut Bytes,
    protocol: &Protocol,
    said: &mut Said,
) -> Result<(Presented, Act), RecordError> {
    // The numbers of an act stand before its authority, and all else behind it.
    let by = |rest: &mut Bytes, said: &mut Said| decode_by(same, rest, session, said);
    let role = |rest: &mut Bytes| short(rest).map(RoleIx);
    let at = |rest: &mut Bytes, said: &Said| -> Result<Option<Position>, RecordError> {
        Ok(if numbered { Some(said.at_after(long(rest)?)) } else { None })
    };
    Ok(match tag {
        SEND => {
            let (role, to, label) = (role(rest)?, role(rest)?, LabelIx(short(rest)?));
            let (at, by) = (at(rest, said)?, by(rest, said)?);
            let Outcome::Sent(message, ..) = outcome else { return Err(RecordError) };
            let message = protocol.messages().get(message.index()).ok_or(RecordError)?;
            let bytes = rest.split_off(0);
            let value =
                canonical::decode(message.payload.sort(), &bytes).map_err(|_| RecordError)?;
            (by, Act::Send(Send { role, to, label, value, at }))
        }
        RECEIVE => {
            let (role, from, at) = (role(rest)?, role(rest)?, at(rest, said)?);
            (by(rest, said)?, Act::Receive(Receive { role, from, at }))
        }
        ACKNOWLEDGE => {
            let act = Act::Acknowledge { role: role(rest)?, position: Position(long(rest)?) };
            (by(rest, said)?, act)
        }
        DRAIN => {
            let deadline = decode_optional(rest)?.map(Tick);
            (by(rest, said)?, Act::Drain { deadline })
        }
        _ => {
            let by = by(rest, said)?;
            let act = decode_other_act(tag, session, rest)?;
            (by, act)
        }
    })
}

/// The acts of which no number stands before their authority.
fn decode_other_act(tag: u8, session: SessionId, rest: &mut Bytes) -> Result<Act, RecordError> {
    Ok(match tag {
        BIND => {
            let edge = match decode_optional(rest)? {
                None => None,
                Some(edge) => Some(EdgeIx(u16::try_from(edge).map_err(|_| RecordError)?)),
            };
            let handler = if flag(rest)? { Some(decode_name(rest)?) } else { None };
            Act::Bind { edge, handler }
        }
        CLOSE => Act::Close,
        CANCEL => Act::Cancel { reason: decode_reason(rest, REASON_BYTES_MAX)? },
        FAULT => Act::Fault { reason: decode_reason(rest, REASON_BYTES_MAX)? },
        tag => Act::Authority(Box::new(authority::decode(tag, rest, session)?)),
    })
}

fn decode_by(
    same: bool,
    rest: &mut Bytes,
    session: SessionId,
    said: &mut Said,
) -> Result<Presented, RecordError> {
    if same {
        let (owner, generation, scope) = said.by().ok_or(RecordError)?.clone();
        return Ok(Presented { session, owner, generation, scope, hint: 0 });
    }
    let owner = decode_owner(rest)?;
    let generation = Generation(long(rest)?);
    let scope = authority::decode_scope(rest)?;
    let by = Presented { session, owner, generation, scope, hint: 0 };
    // JRNL-28: what was said is not said again.
    if said.is_by(&by) {
        return Err(RecordError);
    }
    said.note_by(&by);
    Ok(by)
}

fn decode_outcome(
    tag: u8,
    usual: bool,
    rest: &mut Bytes,
    said: &mut Said,
) -> Result<Outcome, RecordError> {
    let outcome = match (tag, usual) {
        (SEND, true) => SENT,
        (RECEIVE, true) => RECEIVED,
        (_, true) => return Err(RecordError),
        (_, false) => byte(rest)?,
    };
    if !usual && matches!((tag, outcome), (SEND, SENT) | (RECEIVE, RECEIVED)) {
        return Err(RecordError);
    }
    let mut places = |rest: &mut Bytes| -> Result<(u16, Seq, Position), RecordError> {
        let what = short(rest)?;
        let (seq, position) = said.places_after(long(rest)?, long(rest)?);
        Ok((what, seq, position))
    };
    Ok(match outcome {
        0 => Outcome::Opened(Generation(long(rest)?)),
        SENT => {
            let (message, seq, position) = places(rest)?;
            Outcome::Sent(MessageIx(message), seq, position)
        }
        RECEIVED => {
            let (label, seq, position) = places(rest)?;
            Outcome::Received(LabelIx(label), seq, position)
        }
        3 => Outcome::Acknowledged(Position(long(rest)?)),
        4 => Outcome::Done,
        5 => Outcome::Issued(Generation(long(rest)?)),
        6 => Outcome::Staged(ReceiptId(long(rest)?)),
        7 => Outcome::Serial(Serial(long(rest)?)),
        8 => Outcome::Witness(WitnessId(long(rest)?)),
        9 => Outcome::Timer(TimerId(long(rest)?)),
        _ => return Err(RecordError),
    })
}

fn byte(rest: &mut Bytes) -> Result<u8, RecordError> {
    rest.try_get_u8().map_err(|_| RecordError)
}

fn short(rest: &mut Bytes) -> Result<u16, RecordError> {
    u16::try_from(long(rest)?).map_err(|_| RecordError)
}

fn word(rest: &mut Bytes) -> Result<u32, RecordError> {
    u32::try_from(long(rest)?).map_err(|_| RecordError)
}

fn long(rest: &mut Bytes) -> Result<u64, RecordError> {
    match rest.first() {
        Some(byte) if *byte < CONTINUED => {
            let number = u64::from(*byte);
            rest.advance(1);
            Ok(number)
        }
        _ => u64::try_from(wide(rest)?).map_err(|_| RecordError),
    }
}

/// JRNL-27: a number in its shortest form.
fn wide(rest: &mut Bytes) -> Result<u128, RecordError> {
    let (mut number, mut shift) = (0_u128, 0);
    loop {
        let byte = byte(rest)?;
        let bits = u128::from(byte & !CONTINUED);
        if shift >= u128::BITS || bits << shift >> shift != bits {
            return Err(RecordError);
        }
        number |= bits << shift;
        if byte < CONTINUED {
            // A last byte without bits would not have been needed.
            return if byte == 0 && shift > 0 { Err(RecordError) } else { Ok(number) };
        }
        shift += 7;
    }
}

fn flag(rest: &mut Bytes) -> Result<bool, RecordError> {
    match byte(rest)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(RecordError),
    }
}

fn decode_optional(rest: &mut Bytes) -> Result<Option<u64>, RecordError> {
    Ok(if flag(rest)? { Some(long(rest)?) } else { None })
}

fn rest_array<const N: usize>(rest: &mut Bytes) -> Result<[u8; N], RecordError> {
    let mut array = [0; N];
    rest.try_copy_to_slice(&mut array).map_err(|_| RecordError)?;
    Ok(array)
}

fn take(rest: &mut Bytes) -> Result<Bytes, RecordError> {
    let length = usize::try_from(long(rest)?).map_err(|_| RecordError)?;
    if length > rest.len() { Err(RecordError) } else { Ok(rest.split_to(length)) }
}

fn decode_text(rest: &mut Bytes) -> Result<SmolStr, RecordError> {
    let length = usize::from(short(rest)?);
    if length > rest.len() {
        return Err(RecordError);
    }
    let bytes = rest.split_to(length);
    core::str::from_utf8(&bytes).map(SmolStr::new).map_err(|_| RecordError)
}

/// LIFE-5: no machine records a longer one.
fn decode_reason(rest: &mut Bytes, most: usize) -> Result<SmolStr, RecordError> {
    decode_text(rest)
        .and_then(|reason| if reason.len() > most { Err(RecordError) } else { Ok(reason) })
}

fn decode_name(rest: &mut Bytes) -> Result<Name, RecordError> {
    Name::new(&decode_text(rest)?).map_err(|_| RecordError)
}

fn decode_owner(rest: &mut Bytes) -> Result<Owner, RecordError> {
    Owner::new(&decode_text(rest)?).map_err(|_| RecordError)
}
