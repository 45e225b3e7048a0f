//! A send and its receive in the machine: capability, position, type, sort and room checked.

use bytes::Bytes;

use super::contest::timed;
use super::ping_pong::{Labels, exchange, floor, machine, open, protocol};
use super::row::{Goal, Measured, Row};
use super::{Stage, Subject};
use crate::cli::Failure;
use crate::types::{SortNode, Value};

pub(super) const SUBJECT: Subject =
    Subject { name: "step", about: "a message in the machine, everything checked", run };

/// What the machine is compared with.
pub(super) const QUEUE: &str = "VecDeque push and pop";

fn run(stage: &Stage<'_>) -> Result<Vec<Row>, Failure> {
    let bytes = Bytes::from(vec![7_u8; 16]);
    let mut moved = bytes.clone();
    let bare = |times| Ok(timed(|| moved = floor(2 * times, std::mem::take(&mut moved))));
    let mut contest = stage.contest(3.0).with(2, bare);
    for (node, value) in [(SortNode::Bytes, Value::Bytes(bytes)), (SortNode::Nat, Value::Nat(7))] {
        let protocol = protocol(node);
        let mut machine = machine(&protocol);
        let by = open(&mut machine, &protocol, 1);
        let (labels, mut value) = (Labels::of(&protocol), value);
        contest = contest.with(2, move |times| {
            Ok(timed(|| {
                for _ in 0..times {
                    let passed = std::mem::replace(&mut value, Value::Unit);
                    value = exchange(&mut machine, &by, labels, passed);
                }
            }))
        });
    }
    let taken = contest.run()?;
    let rate = Measured::Rate(1e9 / taken[1].nanos);
    Ok(vec![
        Row::time("a message, 16 bytes", &taken[1])
            .beside(QUEUE, &taken[0])
            .goal(Goal::Times(10.0)),
        Row::time("a message, a number", &taken[2])
            .beside(QUEUE, &taken[0])
            .goal(Goal::Times(10.0)),
        Row::of("messages of 16 bytes, one core", rate).goal(Goal::Least(1e7)),
    ])
}
