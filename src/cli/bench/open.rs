//! Opening a session of a protocol that is known, and keeping it idle.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

use indicatif::HumanCount;

use super::contest::timed;
use super::ping_pong::{machine, open, protocol};
use super::row::{Goal, Measured, Row};
use super::{Stage, Subject};
use crate::cli::Failure;
use crate::machine::Capability;
use crate::types::SortNode;

pub(super) const SUBJECT: Subject =
    Subject { name: "open", about: "opening a session; what an idle one takes in memory", run };

/// How many sessions are opened in a machine that had none.
const SESSIONS: u64 = 1_000;

fn run(stage: &Stage<'_>) -> Result<Vec<Row>, Failure> {
    let protocol = protocol(SortNode::Nat);
    let taken = stage
        .contest(2.0)
        .with(SESSIONS, |times| {
            let mut took = Duration::ZERO;
            for _ in 0..times {
                let mut index: HashMap<u128, u64> = HashMap::new();
                took += timed(|| {
                    for id in 0..SESSIONS {
                        black_box(index.insert(id.into(), id));
                    }
                });
            }
            Ok(took)
        })
        .with(SESSIONS, |times| {
            let mut took = Duration::ZERO;
            for _ in 0..times {
                let mut machine = machine(&protocol);
                took += timed(|| {
                    for id in 0..SESSIONS {
                        black_box(open(&mut machine, &protocol, id.into()));
                    }
                });
            }
            Ok(took)
        })
        .run()?;
    let sessions = stage.size(10_000_u32, 100_000, 1_000_000);
    let mut machine = machine(&protocol);
    let before = machine.memory().bytes.total();
    for id in 0..sessions {
        open(&mut machine, &protocol, id.into());
    }
    // `tests/guards.rs` holds that the machine has allocated what it says that it holds.
    let bytes = (machine.memory().bytes.total() - before) as f64;
    let held = bytes + f64::from(sessions) * size_of::<Capability>() as f64;
    Ok(vec![
        Row::time("opening a session of two roles", &taken[1])
            .beside("its number in a HashMap", &taken[0])
            .goal(Goal::Most(1e3)),
        Row::of("an idle session and its capability", Measured::Bytes(held / f64::from(sessions)))
            .goal(Goal::Most(600.0)),
        Row::of(format!("{} idle sessions", HumanCount(sessions.into())), Measured::Bytes(held))
            .goal(Goal::Most(1e3 * f64::from(sessions))),
    ])
}
