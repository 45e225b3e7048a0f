//! The canonical bytes of records, written.
//!
//! Clauses: JRNL-2.

use alloc::vec::Vec;

use super::{
    ACKNOWLEDGE, BIND, CANCEL, CLOSE, COMMIT, DRAIN, EXPIRED, FAULT, OPEN, Outcome, RECEIVE,
    RECLAIM, Recorded, SEND, authority,
};
use crate::machine::authority::Presented;
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
            out.extend_from_slice(&receipt.0.to_le_bytes());
        }
        Recorded::Expired(Timer::Site(timer)) => {
            head(EXPIRED, tick, outcome, out);
            out.push(2);
            out.extend_from_slice(&timer.0.to_le_bytes());
        }
        Recorded::Expired(Timer::Witness(witness)) => {
            head(EXPIRED, tick, outcome, out);
            out.push(3);
            out.extend_from_slice(&witness.0.to_le_bytes());
        }
        Recorded::Input(input) => encode_input(tick, input, outcome, out),
    }
}

fn head(tag: u8, tick: Tick, outcome: Outcome, out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&tick.0.to_le_bytes());
    encode_outcome(outcome, out);
}

fn encode_input(tick: Tick, input: &Input, outcome: Outcome, out: &mut Vec<u8>) {
    match input {
        Input::Open(open) => {
            head(OPEN, tick, outcome, out);
            out.extend_from_slice(&open.protocol.0);
            text(open.owner.as_str(), out);
            out.push(u8::from(open.journal));
            out.push(u8::from(open.capacities.unchecked) | open.on_lost.bits() << 1);
            let every = open.capacities.every.expect("a record says every capacity");
            out.extend_from_slice(&every.to_le_bytes());
            let count = u32::try_from(open.capacities.edges.len()).expect("edges fit u16");
            out.extend_from_slice(&count.to_le_bytes());
            for (edge, capacity) in &open.capacities.edges {
                out.extend_from_slice(&edge.from.0.to_le_bytes());
                out.extend_from_slice(&edge.to.0.to_le_bytes());
                out.extend_from_slice(&capacity.to_le_bytes());
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
    let count = u32::try_from(policies.len()).expect("edges fit u16");
    out.extend_from_slice(&count.to_le_bytes());
    for (edge, policy) in policies {
        let (kind, max) = policy.bytes();
        out.extend_from_slice(&edge.from.0.to_le_bytes());
        out.extend_from_slice(&edge.to.0.to_le_bytes());
        out.push(kind);
        out.extend_from_slice(&max.to_le_bytes());
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
            out.extend_from_slice(&role.0.to_le_bytes());
            out.extend_from_slice(&from.0.to_le_bytes());
            optional(at.map(|at| at.0), out);
        }
        Act::Acknowledge { role, position } => {
            out.extend_from_slice(&role.0.to_le_bytes());
            out.extend_from_slice(&position.0.to_le_bytes());
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
    out.extend_from_slice(&send.role.0.to_le_bytes());
    out.extend_from_slice(&send.to.0.to_le_bytes());
    out.extend_from_slice(&send.label.0.to_le_bytes());
    optional(send.at.map(|at| at.0), out);
    sized(out, |out| canonical::encode(value, out));
}

/// Bytes behind their length, which is filled in when it is known.
pub(in crate::machine) fn sized(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out);
    let length = u32::try_from(out.len() - at - 4).expect("a record is smaller than 4 GiB");
    out[at..at + 4].copy_from_slice(&length.to_le_bytes());
}

fn encode_by(by: &Presented, out: &mut Vec<u8>) {
    text(by.owner.as_str(), out);
    out.extend_from_slice(&by.generation.0.to_le_bytes());
    out.extend_from_slice(&by.scope.bits().to_le_bytes());
}

fn encode_outcome(outcome: Outcome, out: &mut Vec<u8>) {
    let mut tagged = |tag: u8, numbers: &[u64]| {
        out.push(tag);
        numbers.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
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
    let length = u16::try_from(text.len()).expect("names and reasons are short");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn optional(number: Option<u64>, out: &mut Vec<u8>) {
    out.push(u8::from(number.is_some()));
    number.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
}
