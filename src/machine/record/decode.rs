//! The canonical bytes of records, read.
//!
//! Clauses: JRNL-8, JRNL-27, JRNL-28.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::{Buf, Bytes};
use smol_str::SmolStr;

use super::encode::{AS_USUAL, BY_THE_SAME, CONTINUED, NUMBERED};
use super::said::Said;
use super::{
    ACKNOWLEDGE, ATTACH, BIND, CANCEL, CLOSE, COMMIT, DETACH, DRAIN, EXPIRED, FAULT, OPEN, Outcome,
    RECEIVE, RECEIVED, RECLAIM, RECOVERED, Record, RecordError, Recorded, SEND, SENT, authority,
    brief,
};
use crate::machine::authority::{Owner, Presented};
use crate::machine::ends::OnLost;
use crate::machine::id::{
    Epoch, Generation, Position, ReceiptId, Seq, Serial, SessionId, Tick, TimerId, WitnessId,
};
use crate::machine::input::{Act, Capacities, Input, Open, REASON_BYTES_MAX, Receive, Send};
use crate::machine::policy::Policy;
use crate::machine::timer::Timer;
use crate::types::canonical;
use crate::types::{Edge, EdgeIx, LabelIx, MessageIx, Name, Protocol, ProtocolDigest, RoleIx};

/// The protocol that a record names which opens a session: what decodes it, and all behind it.
pub(super) fn opens(mut record: Bytes) -> Result<ProtocolDigest, RecordError> {
    let (rest, said) = (&mut record, &mut Said::default());
    let first = byte(rest)?;
    if first & !(AS_USUAL | NUMBERED) != OPEN {
        return Err(RecordError);
    }
    said.tick_after(long(rest)?);
    decode_outcome(OPEN, first & AS_USUAL != 0, rest, said)?;
    Ok(ProtocolDigest(rest_array(rest)?))
}

impl Record {
    pub(in crate::machine) fn decode(
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
        if first & AS_USUAL != 0 && tag != SEND && tag != RECEIVE {
            if numbered || same == (tag == COMMIT) {
                return Err(RecordError);
            }
            let (event, outcome) = brief::decode(tag, &mut rest, session, said)?;
            return match rest.is_empty() && is_of(protocol, &event, outcome) {
                true => Ok(Self { index, tick, event, outcome }),
                false => Err(RecordError),
            };
        }
        let outcome = decode_outcome(tag, first & AS_USUAL != 0, &mut rest, said)?;
        let event = match tag {
            OPEN | EXPIRED | COMMIT | RECLAIM | RECOVERED if same => return Err(RecordError),
            tag if numbered && tag != SEND && tag != RECEIVE => return Err(RecordError),
            OPEN => Recorded::Input(Input::Open(decode_open(&mut rest, session)?)),
            EXPIRED => match byte(&mut rest)? {
                0 => Recorded::Expired(Timer::Drain),
                1 => Recorded::Expired(Timer::Transfer(ReceiptId(long(&mut rest)?))),
                2 => Recorded::Expired(Timer::Site(TimerId(long(&mut rest)?))),
                3 => Recorded::Expired(Timer::Witness(WitnessId(long(&mut rest)?))),
                _ => return Err(RecordError),
            },
            RECOVERED => Recorded::Recovered { fencing: word(&mut rest)? },
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
        brief::note(&event, same, outcome, said)?;
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
        Recorded::Expired(_) | Recorded::Recovered { .. } => true,
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
            Act::Acknowledge { role: who, .. }
            | Act::Attach { role: who }
            | Act::Detach { role: who, .. } => role(*who),
            Act::Bind { edge, .. } => edge.is_none_or(|e| e.index() < protocol.edges().len()),
            Act::Authority(authority) => authority::is_of(protocol, authority),
            Act::Drain { .. } | Act::Close | Act::Cancel { .. } | Act::Fault { .. } => true,
        },
        Recorded::Input(Input::Commit(commit)) => authority::has(protocol, commit.receipt.scope),
        Recorded::Input(Input::Reclaim(reclaim)) => authority::has(protocol, reclaim.scope),
        Recorded::Input(
            Input::Persisted { .. } | Input::Tick | Input::Reap { .. } | Input::Recovered { .. },
        ) => false,
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
            | Outcome::Timer(_)
            | Outcome::Attached(_) => true,
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
        ATTACH => {
            let act = Act::Attach { role: role(rest)? };
            (by(rest, said)?, act)
        }
        DETACH => {
            let act = Act::Detach { role: role(rest)?, epoch: decode_epoch(rest)? };
            (by(rest, said)?, act)
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
        return Ok(Presented { session, owner, generation, scope, hint: 0, over: None });
    }
    let owner = decode_owner(rest)?;
    let generation = Generation(long(rest)?);
    let scope = authority::decode_scope(rest)?;
    let by = Presented { session, owner, generation, scope, hint: 0, over: None };
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
        10 => Outcome::Attached(decode_epoch(rest)?),
        _ => return Err(RecordError),
    })
}

pub(in crate::machine) fn byte(rest: &mut Bytes) -> Result<u8, RecordError> {
    rest.try_get_u8().map_err(|_| RecordError)
}

pub(in crate::machine) fn short(rest: &mut Bytes) -> Result<u16, RecordError> {
    u16::try_from(long(rest)?).map_err(|_| RecordError)
}

pub(in crate::machine) fn word(rest: &mut Bytes) -> Result<u32, RecordError> {
    u32::try_from(long(rest)?).map_err(|_| RecordError)
}

pub(in crate::machine) fn long(rest: &mut Bytes) -> Result<u64, RecordError> {
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
pub(super) fn wide(rest: &mut Bytes) -> Result<u128, RecordError> {
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

pub(in crate::machine) fn flag(rest: &mut Bytes) -> Result<bool, RecordError> {
    match byte(rest)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(RecordError),
    }
}

pub(in crate::machine) fn decode_optional(rest: &mut Bytes) -> Result<Option<u64>, RecordError> {
    Ok(if flag(rest)? { Some(long(rest)?) } else { None })
}

pub(in crate::machine) fn decode_epoch(rest: &mut Bytes) -> Result<Epoch, RecordError> {
    let (fencing, counter) = (word(rest)?, word(rest)?);
    Epoch::from_bits(u64::from(fencing) << 32 | u64::from(counter)).ok_or(RecordError)
}

pub(in crate::machine) fn rest_array<const N: usize>(
    rest: &mut Bytes,
) -> Result<[u8; N], RecordError> {
    let mut array = [0; N];
    rest.try_copy_to_slice(&mut array).map_err(|_| RecordError)?;
    Ok(array)
}

pub(in crate::machine) fn take(rest: &mut Bytes) -> Result<Bytes, RecordError> {
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
pub(in crate::machine) fn decode_reason(
    rest: &mut Bytes,
    most: usize,
) -> Result<SmolStr, RecordError> {
    decode_text(rest)
        .and_then(|reason| if reason.len() > most { Err(RecordError) } else { Ok(reason) })
}

pub(in crate::machine) fn decode_name(rest: &mut Bytes) -> Result<Name, RecordError> {
    Name::new(&decode_text(rest)?).map_err(|_| RecordError)
}

pub(in crate::machine) fn decode_owner(rest: &mut Bytes) -> Result<Owner, RecordError> {
    Owner::new(&decode_text(rest)?).map_err(|_| RecordError)
}
