//! Handing a role over, and a readiness witness, beside a message.

use bytes::Bytes;
use indicatif::HumanCount;

use super::contest::timed;
use super::ping_pong::{Labels, Passing, exchange, machine, open, protocol, witness};
use super::row::{Goal, Measured, Row};
use super::{Stage, Subject};
use crate::cli::Failure;
use crate::types::{SortNode, Value};

pub(super) const SUBJECT: Subject =
    Subject { name: "authority", about: "handing a role over; a readiness witness", run };

fn run(stage: &Stage<'_>) -> Result<Vec<Row>, Failure> {
    let protocol = protocol(SortNode::Bytes);
    let labels = Labels::of(&protocol);
    let [mut plain, mut passed_on, mut witnessed] = [(); 3].map(|()| machine(&protocol));
    let by = open(&mut plain, &protocol, 1);
    let mut value = Value::Bytes(Bytes::from(vec![7_u8; 16]));
    let mut passing = Passing::new(open(&mut passed_on, &protocol, 1));
    let witnesses = open(&mut witnessed, &protocol, 1);
    // Each owner has had the role once.
    (0..2).for_each(|_| passing.pass(&mut passed_on));
    let before = passed_on.memory().bytes.total();
    let (mut transfers, mut request) = (0, 0);
    let taken = stage
        .contest(2.5)
        .with(2, |times| {
            Ok(timed(|| {
                for _ in 0..times {
                    let passed = std::mem::replace(&mut value, Value::Unit);
                    value = exchange(&mut plain, &by, labels, passed);
                }
            }))
        })
        .with(1, |times| {
            transfers += times;
            Ok(timed(|| (0..times).for_each(|_| passing.pass(&mut passed_on))))
        })
        .with(1, |times| {
            Ok(timed(|| {
                for _ in 0..times {
                    request += 1;
                    witness(&mut witnessed, &witnesses, request);
                }
            }))
        })
        .run()?;
    let left = passed_on.memory().bytes.total().abs_diff(before);
    let message = "a message";
    Ok(vec![
        Row::time("a transfer: staged and committed", &taken[1])
            .beside(message, &taken[0])
            .goal(Goal::Times(5.0)),
        Row::time("a witness: issued and consumed", &taken[2])
            .beside(message, &taken[0])
            .goal(Goal::Times(5.0)),
        Row::of(
            format!("left by {} transfers", HumanCount(transfers)),
            Measured::Bytes(left as f64),
        )
        .goal(Goal::Most(0.0)),
    ])
}
