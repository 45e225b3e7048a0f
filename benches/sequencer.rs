//! P7: the sequencer. Floor: what the bare queue does.

use std::collections::VecDeque;
use std::hint::black_box;

use antiphon::resume::{Inbound, Offer, Outbound};
use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const MESSAGES: u64 = 1_000;

fn offer(c: &mut Criterion) {
    let mut group = c.benchmark_group("sequencer: offer");
    group.throughput(Throughput::Elements(MESSAGES));
    let payload = Bytes::from_static(&[7; 16]);
    group.bench_function("floor: count and hand on", |b| {
        let (mut delivered, payload) = (0_u64, payload.clone());
        b.iter(|| {
            for number in 1..=MESSAGES {
                delivered = black_box(number);
                black_box(&payload);
            }
            delivered
        });
    });
    group.bench_function("in order", |b| {
        b.iter_batched_ref(
            Inbound::new,
            |inbound| {
                for number in 1..=MESSAGES {
                    assert!(matches!(
                        inbound.offer(black_box(number), &payload),
                        Offer::Deliver(_)
                    ));
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("each second pair swapped", |b| {
        b.iter_batched_ref(
            Inbound::new,
            |inbound| {
                for pair in 0..MESSAGES / 2 {
                    assert_eq!(inbound.offer(2 * pair + 2, &payload), Offer::DeliverPending);
                    assert!(matches!(inbound.offer(2 * pair + 1, &payload), Offer::Deliver(_)));
                    assert_eq!(inbound.flush_pending().count(), 1);
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("send and acknowledge", |b| {
        b.iter_batched_ref(
            || Outbound::new(64),
            |outbound| {
                for number in 1..=MESSAGES {
                    outbound.send(&payload).unwrap();
                    outbound.ack(black_box(number)).unwrap();
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("floor: push and pop", |b| {
        b.iter_batched_ref(
            || VecDeque::with_capacity(64),
            |queue| {
                for _ in 1..=MESSAGES {
                    queue.push_back(black_box(&payload));
                    black_box(queue.pop_front());
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// A resume with 256 messages retained: the receiver says what it has, and gets the rest.
fn resume(c: &mut Criterion) {
    let mut group = c.benchmark_group("sequencer: resume of 256");
    let payload = Bytes::from_static(&[7; 256]);
    let mut outbound = Outbound::new(256);
    for _ in 0..256 {
        outbound.send(payload.clone()).unwrap();
    }
    group.bench_function("retransmit and offer", |b| {
        b.iter_batched_ref(
            Inbound::new,
            |inbound| {
                let again = outbound.retransmit(black_box(inbound.delivered() + 1));
                for (number, payload) in again.messages {
                    assert!(matches!(inbound.offer(number, payload), Offer::Deliver(_)));
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, offer, resume);
criterion_main!(benches);
