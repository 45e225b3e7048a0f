//! A resume with 256 messages retained: the receiver says what it has, and gets the rest.

use std::collections::VecDeque;
use std::hint::black_box;

use bytes::Bytes;

use super::contest::timed;
use super::row::{Goal, Row};
use super::{Stage, Subject};
use crate::cli::Failure;
use crate::resume::{Inbound, Offer, Outbound};

pub(super) const SUBJECT: Subject =
    Subject { name: "resume", about: "a resume with 256 messages retained, in process", run };

/// How many messages are retained.
const RETAINED: usize = 256;

fn run(stage: &Stage<'_>) -> Result<Vec<Row>, Failure> {
    let payload = Bytes::from_static(&[7; 256]);
    let queue: VecDeque<Bytes> = (0..RETAINED).map(|_| payload.clone()).collect();
    let mut outbound = Outbound::new(RETAINED);
    for message in queue.iter().cloned() {
        outbound.send(message).expect("there is room for all of them");
    }
    let taken = stage
        .contest(2.0)
        .with(1, |times| {
            Ok(timed(|| {
                for _ in 0..times {
                    for message in black_box(&queue) {
                        black_box(message);
                    }
                }
            }))
        })
        .with(1, |times| {
            Ok(timed(|| {
                for _ in 0..times {
                    let mut inbound: Inbound<&Bytes> = black_box(Inbound::new());
                    let again = outbound.retransmit(black_box(inbound.delivered() + 1));
                    for (number, message) in again.messages {
                        match inbound.offer(number, message) {
                            Offer::Deliver(message) => black_box(message),
                            other => panic!("{other:?}"),
                        };
                    }
                }
            }))
        })
        .run()?;
    Ok(vec![
        Row::time("256 messages sent again, and offered", &taken[1])
            .beside("walking over them", &taken[0])
            .goal(Goal::Most(5e3)),
    ])
}
