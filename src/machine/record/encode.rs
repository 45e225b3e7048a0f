//! The canonical bytes of records, written.
//!
//! Clauses: JRNL-2, JRNL-27.

use alloc::vec::Vec;

use super::{
    ACKNOWLEDGE, BIND, CANCEL, CLOSE, COMMIT, DRAIN, EXPIRED, FAULT, OPEN, Outcome, RECEIVE,
    RECLAIM, Recorded, SEND, authority,
};
use crate::machine::authority::{Owner, Presented};
use crate::machine::id::Tick;
use crate::machine::input::{Act, Input, Receive, Send};
use crate::machine::policy::Policy;
use crate::machine::request::Made;
use crate::machine::timer::Timer;
use crate::types::{Edge, Value, canonical};

/// Appends the canonical bytes of a record; see [`Record::encode`].
pub(in crate::machine) fn encode(
    tick: Tick,
    event: &Recorded,
    outcome: Outcome,
    out: &mut Vec<u8>,
) {
    match event {
        Recorded::Expired(Timer::Drain) => {
            head(EXPIRED, tick, outcome, out);
            out.push(0);
        }
        Recorded::Expired(Timer::Transfer(receipt)) => {
            head(EXPIRED, tick, outcome, out);
            out.push(1);
            number(receipt.0, out);
        }
        Recorded::Expired(Timer::Site(timer)) => {
            head(EXPIRED, tick, outcome, out);
            out.push(2);
            number(timer.0, out);
        }
        Recorded::Expired(Timer::Witness(witness)) => {
            head(EXPIRED, tick, outcome, out);
            out.push(3);
            number(witness.0, out);
        }
        Recorded::Input(input) => encode_input(tick, input, outcome, out),
    }
}

fn head(tag: u8, tick: Tick, outcome: Outcome, out: &mut Vec<u8>) {
    out.push(tag);
    number(tick.0, out);
    encode_outcome(outcome, out);
}

fn encode_input(tick: Tick, input: &Input, outcome: Outcome, out: &mut Vec<u8>) {
    match input {
        Input::Open(open) => {
            head(OPEN, tick, outcome, out);
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
            encode_send(tick, by, send, &send.value, outcome, out);
        }
        Input::Act { by, act } => encode_act(tick, by, act, outcome, out),
        Input::Commit(commit) => encode_made(tick, Made::Commit(commit), outcome, out),
        Input::Reclaim(reclaim) => encode_made(tick, Made::Reclaim(reclaim), outcome, out),
        Input::Persisted { .. } | Input::Tick | Input::Reap { .. } => {
            unreachable!("these are not recorded")
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
    out: &mut Vec<u8>,
) {
    match made {
        Made::Act { by, authority: asked } => {
            head(authority::tag(asked), tick, outcome, out);
            encode_by(by, out);
            authority::encode(asked, out);
        }
        Made::Commit(commit) => {
            head(COMMIT, tick, outcome, out);
            authority::encode_commit(commit, out);
        }
        Made::Reclaim(reclaim) => {
            head(RECLAIM, tick, outcome, out);
            authority::encode_reclaim(reclaim, out);
        }
    }
}

/// The bytes of an act that is not a send.
pub(in crate::machine) fn encode_act(
    tick: Tick,
    by: &Presented,
    act: &Act,
    outcome: Outcome,
    out: &mut Vec<u8>,
) {
    let tag = match act {
        Act::Send(_) => SEND,
        Act::Receive(_) => RECEIVE,
        Act::Acknowledge { .. } => ACKNOWLEDGE,
        Act::Bind { .. } => BIND,
        Act::Drain { .. } => DRAIN,
        Act::Close => CLOSE,
        Act::Cancel { .. } => CANCEL,
        Act::Fault { .. } => FAULT,
        Act::Authority(authority) => {
            return encode_made(tick, Made::Act { by, authority }, outcome, out);
        }
    };
    head(tag, tick, outcome, out);
    encode_by(by, out);
    match act {
        Act::Send(_) => unreachable!("a send has bytes of its own"),
        Act::Receive(Receive { role, from, at }) => {
            number(role.0.into(), out);
            number(from.0.into(), out);
            optional(at.map(|at| at.0), out);
        }
        Act::Acknowledge { role, position } => {
            number(role.0.into(), out);
            number(position.0, out);
        }
        Act::Bind { edge, handler } => {
            optional(edge.map(|edge| u64::from(edge.0)), out);
            out.push(u8::from(handler.is_some()));
            handler.iter().for_each(|handler| text(handler, out));
        }
        Act::Drain { deadline } => optional(deadline.map(|deadline| deadline.0), out),
        Act::Close => {}
        Act::Authority(_) => unreachable!("it is encoded above"),
        Act::Cancel { reason } | Act::Fault { reason } => text(reason, out),
    }
}

/// The bytes of a send whose value is kept apart: the machine has taken it out for its edge.
pub(in crate::machine) fn encode_send(
    tick: Tick,
    by: &Presented,
    send: &Send,
    value: &Value,
    outcome: Outcome,
    out: &mut Vec<u8>,
) {
    head(SEND, tick, outcome, out);
    encode_by(by, out);
    number(send.role.0.into(), out);
    number(send.to.0.into(), out);
    number(send.label.0.into(), out);
    optional(send.at.map(|at| at.0), out);
    sized(out, |out| canonical::encode(value, out));
}

/// Bytes behind their length, which is filled in when it is known.
pub(in crate::machine) fn sized(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.push(0);
    write(out);
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
pub(super) fn number(number: u64, out: &mut Vec<u8>) {
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

fn encode_outcome(outcome: Outcome, out: &mut Vec<u8>) {
    let mut tagged = |tag: u8, numbers: &[u64]| {
        out.push(tag);
        numbers.iter().for_each(|part| number(*part, out));
    };
    match outcome {
        Outcome::Opened(generation) => tagged(0, &[generation.0]),
        Outcome::Sent(message, seq, position) => {
            tagged(1, &[u64::from(message.0), seq.0, position.0]);
        }
        Outcome::Received(label, seq, position) => {
            tagged(2, &[u64::from(label.0), seq.0, position.0]);
        }
        Outcome::Acknowledged(position) => tagged(3, &[position.0]),
        Outcome::Done => tagged(4, &[]),
        Outcome::Issued(generation) => tagged(5, &[generation.0]),
        Outcome::Staged(receipt) => tagged(6, &[receipt.0]),
        Outcome::Serial(serial) => tagged(7, &[serial.0]),
        Outcome::Witness(witness) => tagged(8, &[witness.0]),
        Outcome::Timer(timer) => tagged(9, &[timer.0]),
    }
}

pub(super) fn text(text: &str, out: &mut Vec<u8>) {
    block(text.as_bytes(), out);
}

pub(super) fn encode_owner(owner: &Owner, out: &mut Vec<u8>) {
    block(owner.as_bytes(), out);
}

fn block(bytes: &[u8], out: &mut Vec<u8>) {
    number(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

pub(super) fn optional(optional: Option<u64>, out: &mut Vec<u8>) {
    out.push(u8::from(optional.is_some()));
    optional.iter().for_each(|part| number(*part, out));
}
