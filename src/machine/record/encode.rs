//! The canonical bytes of records, written.
//!
//! Clauses: JRNL-2, JRNL-27, JRNL-28.

use alloc::vec::Vec;

use super::{
    ACKNOWLEDGE, ATTACH, BIND, CANCEL, CLOSE, DETACH, DRAIN, EXPIRED, FAULT, OPEN, Outcome,
    RECEIVE, RECEIVED, RECLAIM, RECOVERED, Recorded, SEND, SENT, authority,
    brief::{self, Staging},
    numbers::{Numbers, numbers},
    said::Said,
};
use crate::machine::authority::{Owner, Presented};
use crate::machine::id::{Position, Seq, Tick};
use crate::machine::input::{Act, Input, Receive, Send};
use crate::machine::policy::Policy;
use crate::machine::receipt::Authority;
use crate::machine::request::Made;
use crate::machine::timer::Timer;
use crate::types::{Edge, LabelIx, RoleIx, Value, canonical};

/// Appends the bytes that a record has behind what was said.
pub(in crate::machine) fn encode(
    tick: Tick,
    event: &Recorded,
    outcome: Outcome,
    said: &mut Said,
    out: &mut Vec<u8>,
) {
    let timer = match event {
        Recorded::Input(input) => return encode_input(tick, input, outcome, said, out),
        Recorded::Expired(timer) => timer,
        Recorded::Recovered { fencing } => {
            return head(RECOVERED, None, tick, outcome, said, out, |numbers, _| {
                numbers.number((*fencing).into());
            });
        }
    };
    let (kind, of) = match timer {
        Timer::Drain => (0, None),
        Timer::Transfer(receipt) => (1, Some(receipt.0)),
        Timer::Site(timer) => (2, Some(timer.0)),
        Timer::Witness(witness) => (3, Some(witness.0)),
    };
    head(EXPIRED, None, tick, outcome, said, out, |numbers, _| {
        numbers.byte(kind);
        of.into_iter().for_each(|of| numbers.number(of));
    });
}

/// The bit of a record's first byte: its authority is the last one that was said.
pub(super) const BY_THE_SAME: u8 = 0x80;

/// The bit of a record's first byte: it came to what a send or a receive comes to; of what hands
/// authority over, that it is in its short form.
pub(super) const AS_USUAL: u8 = 0x40;

/// The bit of a record's first byte: it claims a position.
pub(super) const NUMBERED: u8 = 0x20;

/// What every record begins with, the numbers that follow it, and the authority if it is not the
/// last one.
pub(super) fn head(
    tag: u8,
    by: Option<&Presented>,
    tick: Tick,
    outcome: Outcome,
    said: &mut Said,
    out: &mut Vec<u8>,
    follow: impl FnOnce(&mut Numbers<'_>, &Said),
) {
    let same = by.is_some_and(|by| said.is_by(by));
    let same_bit = if same { BY_THE_SAME } else { 0 };
    numbers(out, |numbers| {
        numbers.byte(tag | same_bit);
        numbers.number(said.tick_more(tick));
        if tag & AS_USUAL == 0 {
            numbers.byte(outcome_tag(outcome));
        }
        encode_outcome(outcome, said, numbers);
        follow(numbers, said);
    });
    if let Some(by) = by.filter(|_| !same) {
        encode_by(by, out);
        said.note_by(by);
    }
}

fn encode_input(tick: Tick, input: &Input, outcome: Outcome, said: &mut Said, out: &mut Vec<u8>) {
    match input {
        Input::Open(open) => {
            head(OPEN, None, tick, outcome, said, out, |_, _| {});
            out.extend_from_slice(&open.protocol.0);
            encode_owner(&open.owner, out);
            out.push(u8::from(open.journal));
            out.push(u8::from(open.capacities.unchecked) | open.on_lost.bits() << 1);
            let every = open.capacities.every.expect("a record says every capacity");
            number(every.into(), out);
            number(open.capacities.edges.len() as u64, out);
            for (edge, capacity) in &open.capacities.edges {
                number(edge.from.0.into(), out);
                number(edge.to.0.into(), out);
                number((*capacity).into(), out);
            }
            encode_policies(&open.policies, out);
        }
        Input::Act { by, act: Act::Send(send) } => {
            encode_send(tick, by, Sent::of(send), &send.value, outcome, said, out);
        }
        Input::Act { by, act } => encode_act(tick, by, act, outcome, said, out),
        Input::Commit(commit) => encode_made(tick, Made::Commit(commit), outcome, said, out),
        Input::Reclaim(reclaim) => encode_made(tick, Made::Reclaim(reclaim), outcome, said, out),
        Input::Persisted { .. } | Input::Tick | Input::Reap { .. } | Input::Recovered { .. } => {
            unreachable!("these are not recorded as inputs")
        }
    }
}

fn encode_policies(policies: &[(Edge, Policy)], out: &mut Vec<u8>) {
    number(policies.len() as u64, out);
    for (edge, policy) in policies {
        let (kind, max) = policy.bytes();
        number(edge.from.0.into(), out);
        number(edge.to.0.into(), out);
        out.push(kind);
        number(max.into(), out);
    }
}

/// The bytes of a request about authority.
pub(in crate::machine) fn encode_made(
    tick: Tick,
    made: Made<'_>,
    outcome: Outcome,
    said: &mut Said,
    out: &mut Vec<u8>,
) {
    match made {
        Made::Act { by, authority: Authority::Stage { request, scope, to, expires, freeze } } => {
            let (request, scope, expires) = (*request, *scope, *expires);
            let stage = Staging { request, scope, to, expires, freeze: *freeze };
            brief::encode_stage(tick, by, stage, outcome, said, out);
        }
        Made::Act { by, authority: Authority::IssueReadiness { request, predicate } } => {
            brief::encode_issue(tick, by, *request, predicate, outcome, said, out);
        }
        Made::Act { by, authority: Authority::ConsumeReadiness { witness } } => {
            brief::encode_consume(tick, by, witness, outcome, said, out);
        }
        Made::Act { by, authority: asked } => {
            head(authority::tag(asked), Some(by), tick, outcome, said, out, |_, _| {});
            authority::encode(asked, out);
        }
        Made::Commit(commit) => brief::encode_commit(tick, commit, outcome, said, out),
        Made::Reclaim(reclaim) => {
            head(RECLAIM, None, tick, outcome, said, out, |_, _| {});
            authority::encode_reclaim(reclaim, out);
        }
    }
}

/// The bytes of an act that is not a send.
fn encode_act(
    tick: Tick,
    by: &Presented,
    act: &Act,
    outcome: Outcome,
    said: &mut Said,
    out: &mut Vec<u8>,
) {
    let tag = match act {
        Act::Send(_) => unreachable!("a send has bytes of its own"),
        Act::Receive(receive) => return encode_receive(tick, by, *receive, outcome, said, out),
        Act::Acknowledge { .. } => ACKNOWLEDGE,
        Act::Bind { .. } => BIND,
        Act::Drain { .. } => DRAIN,
        Act::Close => CLOSE,
        Act::Cancel { .. } => CANCEL,
        Act::Fault { .. } => FAULT,
        Act::Attach { .. } => ATTACH,
        Act::Detach { .. } => DETACH,
        Act::Authority(authority) => {
            return encode_made(tick, Made::Act { by, authority }, outcome, said, out);
        }
    };
    head(tag, Some(by), tick, outcome, said, out, |numbers, _| match act {
        Act::Acknowledge { role, position } => {
            numbers.number(role.0.into());
            numbers.number(position.0);
        }
        Act::Drain { deadline } => numbers.optional(deadline.map(|deadline| deadline.0)),
        Act::Attach { role } => numbers.number(role.0.into()),
        Act::Detach { role, epoch } => {
            numbers.number(role.0.into());
            numbers.epoch(*epoch);
        }
        _ => {}
    });
    match act {
        Act::Bind { edge, handler } => {
            optional(edge.map(|edge| u64::from(edge.0)), out);
            out.push(u8::from(handler.is_some()));
            handler.iter().for_each(|handler| text(handler, out));
        }
        Act::Cancel { reason } | Act::Fault { reason } => text(reason, out),
        _ => {}
    }
}

/// A send without its value.
#[derive(Debug, Clone, Copy)]
pub(in crate::machine) struct Sent {
    pub(in crate::machine) role: RoleIx,
    pub(in crate::machine) to: RoleIx,
    pub(in crate::machine) label: LabelIx,
    pub(in crate::machine) at: Option<Position>,
}

impl Sent {
    pub(in crate::machine) fn of(send: &Send) -> Self {
        let Send { role, to, label, at, .. } = send;
        Self { role: *role, to: *to, label: *label, at: *at }
    }
}

/// The bytes of a send whose value is kept apart: the machine has taken it out for its edge. The
/// value is what is left of the record.
fn encode_send(
    tick: Tick,
    by: &Presented,
    send: Sent,
    value: &Value,
    outcome: Outcome,
    said: &mut Said,
    out: &mut Vec<u8>,
) {
    match brief_send(tick, by, send, outcome, said) {
        Some(word) => out.extend_from_slice(&word.to_le_bytes()),
        None => {
            let Sent { role, to, label, at } = send;
            encode_message(SEND, &[role.0, to.0, label.0], at, by, tick, outcome, said, out);
        }
    }
    canonical::encode(value, out);
}

/// Appends the bytes of a send behind their length.
#[inline(always)]
pub(in crate::machine) fn append_send(
    tick: Tick,
    by: &Presented,
    send: Sent,
    value: &Value,
    outcome: Outcome,
    said: &mut Said,
    out: &mut Vec<u8>,
) {
    let Some(word) = brief_send(tick, by, send, outcome, said) else {
        return sized(out, |out| encode_send(tick, by, send, value, outcome, said, out));
    };
    let at = out.len();
    let mut bytes = [0; 9];
    bytes[1..].copy_from_slice(&word.to_le_bytes());
    out.extend_from_slice(&bytes);
    canonical::encode(value, out);
    put_length(at, out);
}

/// The bytes of a receive.
fn encode_receive(
    tick: Tick,
    by: &Presented,
    receive: Receive,
    outcome: Outcome,
    said: &mut Said,
    out: &mut Vec<u8>,
) {
    match brief_receive(tick, by, receive, outcome, said) {
        Some(word) => out.extend_from_slice(&word.to_le_bytes()[..7]),
        None => {
            let Receive { role, from, at } = receive;
            encode_message(RECEIVE, &[role.0, from.0], at, by, tick, outcome, said, out);
        }
    }
}

/// Appends the bytes of a receive behind their length.
#[inline(always)]
pub(in crate::machine) fn append_receive(
    tick: Tick,
    by: &Presented,
    receive: Receive,
    outcome: Outcome,
    said: &mut Said,
    out: &mut Vec<u8>,
) {
    match brief_receive(tick, by, receive, outcome, said) {
        Some(word) => out.extend_from_slice(&(word << 8 | 7).to_le_bytes()),
        None => sized(out, |out| encode_receive(tick, by, receive, outcome, said, out)),
    }
}

#[inline(always)]
fn brief_send(
    tick: Tick,
    by: &Presented,
    send: Sent,
    outcome: Outcome,
    said: &mut Said,
) -> Option<u64> {
    let Sent { role, to, label, at: None } = send else { return None };
    let Outcome::Sent(message, seq, position) = outcome else { return None };
    brief(SEND, message.0, [role.0, to.0, label.0], by, tick, (seq, position), said)
}

#[inline(always)]
fn brief_receive(
    tick: Tick,
    by: &Presented,
    receive: Receive,
    outcome: Outcome,
    said: &mut Said,
) -> Option<u64> {
    let Receive { role, from, at: None } = receive else { return None };
    let Outcome::Received(label, seq, position) = outcome else { return None };
    brief(RECEIVE, label.0, [role.0, from.0], by, tick, (seq, position), said)
}

/// The numbers of a message as most are, one byte each, from the lowest byte on: it goes on where
/// the last one was, by the same authority. In one word, since bytes that are written singly would
/// be waited for.
#[inline(always)]
fn brief<const N: usize>(
    tag: u8,
    what: u16,
    of: [u16; N],
    by: &Presented,
    tick: Tick,
    places: (Seq, Position),
    said: &mut Said,
) -> Option<u64> {
    if !said.is_by(by) {
        return None;
    }
    let [ticks, seqs, positions] = said.peek(tick, places);
    let all = ticks | seqs | positions | u64::from(what);
    if of.iter().fold(all, |all, one| all | u64::from(*one)) >= u64::from(CONTINUED) {
        return None;
    }
    said.go_on(tick, places);
    let first = u64::from(tag | AS_USUAL | BY_THE_SAME) | ticks << 8 | u64::from(what) << 16;
    let of = of.iter().rev().fold(0, |all, one| all << 8 | u64::from(*one));
    Some(first | seqs << 24 | positions << 32 | of << 40)
}

/// The numbers of a send or a receive, whatever they are.
#[inline(never)]
#[expect(clippy::too_many_arguments, reason = "they are the fields of a record")]
fn encode_message(
    tag: u8,
    of: &[u16],
    at: Option<Position>,
    by: &Presented,
    tick: Tick,
    outcome: Outcome,
    said: &mut Said,
    out: &mut Vec<u8>,
) {
    let usual = match (tag, outcome) {
        (SEND, Outcome::Sent(..)) | (RECEIVE, Outcome::Received(..)) => AS_USUAL,
        _ => 0,
    };
    let numbered = if at.is_some() { NUMBERED } else { 0 };
    head(tag | usual | numbered, Some(by), tick, outcome, said, out, |numbers, said| {
        of.iter().for_each(|one| numbers.number((*one).into()));
        at.into_iter().for_each(|at| numbers.number(said.at_more(at)));
    });
}

/// Bytes behind their length, which is filled in when it is known.
pub(super) fn sized(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.push(0);
    write(out);
    put_length(at, out);
}

/// Fills in, in the byte that was left for it, the length of all that is behind.
#[inline(always)]
pub(in crate::machine) fn put_length(at: usize, out: &mut Vec<u8>) {
    let length = out.len() - at - 1;
    match u8::try_from(length) {
        Ok(length) if length < CONTINUED => out[at] = length,
        _ => {
            // The length takes more room than was left for it.
            let mut bytes = Vec::new();
            number(length as u64, &mut bytes);
            out.splice(at..=at, bytes);
        }
    }
}

/// The bit of a byte that says that the number goes on in the next one.
pub(super) const CONTINUED: u8 = 0x80;

/// A number: seven bits a byte, the lowest ones first, in as few bytes as it takes.
#[inline]
pub(in crate::machine) fn number(number: u64, out: &mut Vec<u8>) {
    let mut rest = number;
    while rest >= u64::from(CONTINUED) {
        out.push(rest as u8 | CONTINUED);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn encode_by(by: &Presented, out: &mut Vec<u8>) {
    encode_owner(&by.owner, out);
    number(by.generation.0, out);
    authority::encode_scope(by.scope, out);
}

fn outcome_tag(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Opened(_) => 0,
        Outcome::Sent(..) => SENT,
        Outcome::Received(..) => RECEIVED,
        Outcome::Acknowledged(_) => 3,
        Outcome::Done => 4,
        Outcome::Issued(_) => 5,
        Outcome::Staged(_) => 6,
        Outcome::Serial(_) => 7,
        Outcome::Witness(_) => 8,
        Outcome::Timer(_) => 9,
        Outcome::Attached(_) => 10,
    }
}

#[inline(always)]
fn encode_outcome(outcome: Outcome, said: &mut Said, numbers: &mut Numbers<'_>) {
    let mut places = |numbers: &mut Numbers<'_>, what: u16, seq, position| {
        let (seq, position) = said.places_more(seq, position);
        numbers.number(what.into());
        numbers.number(seq);
        numbers.number(position);
    };
    match outcome {
        Outcome::Sent(message, seq, position) => places(numbers, message.0, seq, position),
        Outcome::Received(label, seq, position) => places(numbers, label.0, seq, position),
        Outcome::Acknowledged(position) => numbers.number(position.0),
        Outcome::Opened(generation) | Outcome::Issued(generation) => numbers.number(generation.0),
        Outcome::Done => {}
        Outcome::Staged(receipt) => numbers.number(receipt.0),
        Outcome::Serial(serial) => numbers.number(serial.0),
        Outcome::Witness(witness) => numbers.number(witness.0),
        Outcome::Timer(timer) => numbers.number(timer.0),
        Outcome::Attached(epoch) => numbers.epoch(epoch),
    }
}

pub(in crate::machine) fn text(text: &str, out: &mut Vec<u8>) {
    block(text.as_bytes(), out);
}

pub(in crate::machine) fn encode_owner(owner: &Owner, out: &mut Vec<u8>) {
    block(owner.as_bytes(), out);
}

pub(in crate::machine) fn block(bytes: &[u8], out: &mut Vec<u8>) {
    number(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

pub(in crate::machine) fn optional(optional: Option<u64>, out: &mut Vec<u8>) {
    out.push(u8::from(optional.is_some()));
    optional.iter().for_each(|part| number(*part, out));
}
