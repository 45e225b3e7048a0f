//! A message with many sessions live, visited in an order that no cache foresees.

use indicatif::HumanCount;

use super::contest::timed;
use super::ping_pong::{Labels, exchange, machine, open, protocol};
use super::row::{Goal, Row};
use super::{Stage, Subject};
use crate::cli::Failure;
use crate::machine::Capability;
use crate::types::{SortNode, Value};

pub(super) const SUBJECT: Subject =
    Subject { name: "live", about: "a message with many sessions live", run };

/// How far one visit is from the next; no number of sessions is a multiple of it.
const STRIDE: usize = 7_919;

fn run(stage: &Stage<'_>) -> Result<Vec<Row>, Failure> {
    let protocol = protocol(SortNode::Nat);
    let labels = Labels::of(&protocol);
    let mut counts = vec![1_u32, 1_000, stage.size(10_000, 100_000, 100_000)];
    counts.extend(stage.size(None, None, Some(1_000_000)));
    let mut contest = stage.contest(2.5);
    for live in &counts {
        let mut machine = machine(&protocol);
        let open = |id: u32| open(&mut machine, &protocol, id.into());
        let by: Vec<Capability> = (0..*live).map(open).collect();
        let mut next = 0_usize;
        contest = contest.with(2, move |times| {
            Ok(timed(|| {
                for _ in 0..times {
                    next = (next + STRIDE) % by.len();
                    exchange(&mut machine, &by[next], labels, Value::Nat(7));
                }
            }))
        });
    }
    let taken = contest.run()?;
    let row = |(live, of): (&u32, _)| {
        let what = format!("a message, {} live", HumanCount(u64::from(*live)));
        Row::time(what, of).beside("1 live", &taken[0]).goal(Goal::Times(3.0))
    };
    Ok(counts.iter().zip(&taken).skip(1).map(row).collect())
}
