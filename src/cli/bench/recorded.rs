//! The same messages with a journal in memory: records encoded, hash-chained, and reported durable.

use std::hint::black_box;

use bytes::Bytes;

use super::contest::timed;
use super::ping_pong::{Labels, exchange, machine, open_with, protocol, seal};
use super::row::{Goal, Row};
use super::{Stage, Subject};
use crate::cli::Failure;
use crate::types::{SortNode, Value};

pub(super) const SUBJECT: Subject =
    Subject { name: "recorded", about: "a message with a journal in memory", run };

/// How many exchanges make a batch: 256 records.
const EXCHANGES: usize = 64;

/// How many sessions are busy.
const SESSIONS: u128 = 1_000;

fn run(stage: &Stage<'_>) -> Result<Vec<Row>, Failure> {
    let protocol = protocol(SortNode::Bytes);
    let labels = Labels::of(&protocol);
    let mut contest = stage.contest(3.0);
    // So many sessions take turns, and are sealed after so many exchanges.
    for (sessions, journal, batch) in
        [(1, false, usize::MAX), (1, true, EXCHANGES), (SESSIONS, true, SESSIONS as usize)]
    {
        let mut machine = machine(&protocol);
        let open = |id| open_with(&mut machine, &protocol, id, journal);
        let sessions: Vec<_> = (0..sessions).map(open).collect();
        let mut value = Value::Bytes(Bytes::from(vec![7_u8; 16]));
        let (mut next, mut since) = (0, 0);
        contest = contest.with(2, move |times| {
            Ok(timed(|| {
                for _ in 0..times {
                    let passed = std::mem::replace(&mut value, Value::Unit);
                    value = exchange(&mut machine, &sessions[next], labels, passed);
                    next = if next + 1 == sessions.len() { 0 } else { next + 1 };
                    since += 1;
                    if since == batch {
                        since = 0;
                        black_box(seal(&mut machine));
                    }
                }
            }))
        });
    }
    let taken = contest.run()?;
    let bare = "no journal";
    Ok(vec![
        Row::time("a message, 256 records a batch", &taken[1])
            .beside(bare, &taken[0])
            .goal(Goal::Times(3.0)),
        Row::time("a message, 1,000 sessions in turns", &taken[2]).beside(bare, &taken[0]),
    ])
}
