//! A message in order through the receiver's half of the sequencer.

use std::hint::black_box;

use bytes::Bytes;

use super::contest::timed;
use super::row::{Goal, Row};
use super::{Stage, Subject};
use crate::cli::Failure;
use crate::resume::{Inbound, Offer};

pub(super) const SUBJECT: Subject =
    Subject { name: "sequencer", about: "a message in order through the sequencer", run };

fn run(stage: &Stage<'_>) -> Result<Vec<Row>, Failure> {
    let bytes = Bytes::from(vec![7_u8; 16]);
    let mut delivered = 0_u64;
    let mut inbound: Inbound<Bytes> = Inbound::new();
    // The one message goes round and round: whoever is offered it hands it on.
    let taken = stage
        .contest(2.0)
        .with(1, |times| {
            let mut message = bytes.clone();
            Ok(timed(|| {
                for _ in 0..times {
                    delivered = black_box(delivered + 1);
                    message = black_box(message);
                }
                message
            }))
        })
        .with(1, |times| {
            let mut message = bytes.clone();
            Ok(timed(|| {
                for _ in 0..times {
                    let number = black_box(inbound.delivered() + 1);
                    message = match inbound.offer(number, message) {
                        Offer::Deliver(message) => black_box(message),
                        other => panic!("{other:?}"),
                    };
                }
                message
            }))
        })
        .run()?;
    Ok(vec![
        Row::time("a message of 16 bytes, offered in order", &taken[1])
            .beside("counted and moved", &taken[0])
            .goal(Goal::Most(10.0)),
    ])
}
