//! The sequencer beside a naive one that forgets nothing, and one direction of a link over a bad
//! network (SEQ-1 to SEQ-8).

use std::collections::BTreeMap;

use antiphon::resume::sequencer::{WINDOW_DEFAULT, WINDOW_MAX};
use antiphon::resume::{Inbound, Offer, Outbound, OutboundRefusal};
use proptest::prelude::*;

/// An outbound half that forgets nothing: all that was ever sent, and up to where it is gone.
#[derive(Clone)]
struct NaiveOutbound {
    capacity: usize,
    sent: Vec<u32>,
    gone: usize,
}

impl NaiveOutbound {
    fn from(&self, number: u64) -> Vec<(u64, u32)> {
        let all = self.sent.iter().enumerate().map(|(index, word)| (index as u64 + 1, *word));
        all.skip(self.gone).filter(|(n, _)| *n >= number).collect()
    }
}

#[derive(Debug, Clone)]
enum Told {
    Send(u32),
    Ack(u64),
    Retransmit(u64),
    Expire(u64),
    Restart,
}

fn told() -> impl Strategy<Value = Told> {
    let number = prop_oneof![8 => 0..40_u64, 1 => Just(u64::MAX), 1 => Just(u64::MAX - 1)];
    prop_oneof![
        6 => any::<u32>().prop_map(Told::Send),
        3 => number.clone().prop_map(Told::Ack),
        3 => number.clone().prop_map(Told::Retransmit),
        1 => number.prop_map(Told::Expire),
        1 => Just(Told::Restart),
    ]
}

proptest! {
    /// SEQ-1 to SEQ-4, SEQ-8.
    #[test]
    fn outbound_is_as_the_naive_one(capacity in 0..12_usize, script in prop::collection::vec(told(), 0..80)) {
        let mut real = Outbound::new(capacity);
        let mut naive = NaiveOutbound { capacity, sent: Vec::new(), gone: 0 };
        for told in script {
            let before = real.clone();
            match told {
                Told::Send(word) => {
                    let full = naive.sent.len() - naive.gone >= naive.capacity;
                    match real.send(word) {
                        Ok(number) => {
                            prop_assert!(!full);
                            naive.sent.push(word);
                            prop_assert_eq!(number, naive.sent.len() as u64);
                        }
                        Err(refusal) => {
                            prop_assert!(full);
                            prop_assert_eq!(refusal, OutboundRefusal::Full { capacity });
                            prop_assert_eq!(&real, &before);
                        }
                    }
                }
                Told::Ack(number) => {
                    let next = naive.sent.len() as u64 + 1;
                    match real.ack(number) {
                        Ok(count) => {
                            prop_assert!(number < next);
                            let gone = naive.gone.max(number as usize);
                            prop_assert_eq!(count, gone - naive.gone);
                            naive.gone = gone;
                        }
                        Err(refusal) => {
                            prop_assert_eq!(refusal, OutboundRefusal::NeverSent { number, next });
                            prop_assert!(number >= next);
                            prop_assert_eq!(&real, &before);
                        }
                    }
                }
                Told::Retransmit(number) => {
                    let again = real.retransmit(number);
                    let messages: Vec<(u64, u32)> = again.messages.map(|(n, w)| (n, *w)).collect();
                    prop_assert_eq!(messages, naive.from(number));
                    prop_assert_eq!(again.partial, number.max(1) <= naive.gone as u64);
                    prop_assert_eq!(again.oldest_recoverable, naive.gone as u64 + 1);
                }
                Told::Expire(number) => {
                    let count = number.min(naive.sent.len() as u64) as usize;
                    let wanted: Vec<_> =
                        naive.from(0).into_iter().filter(|(n, _)| *n <= count as u64).collect();
                    let given_up: Vec<(u64, u32)> = real.expire(number).collect();
                    prop_assert_eq!(given_up, wanted);
                    naive.gone = naive.gone.max(count);
                }
                Told::Restart => {
                    let kept: Vec<u32> = real.retransmit(0).messages.map(|(_, w)| *w).collect();
                    real = Outbound::restore(capacity, real.oldest(), kept).unwrap();
                    prop_assert_eq!(&real, &before);
                }
            }
            prop_assert_eq!(real.next(), naive.sent.len() as u64 + 1);
            prop_assert_eq!(real.oldest(), naive.gone as u64 + 1);
            prop_assert_eq!(real.len(), naive.sent.len() - naive.gone);
            prop_assert_eq!(real.is_empty(), naive.sent.len() == naive.gone);
        }
    }

    /// SEQ-5 to SEQ-7: what is held is a map, and the window is counted.
    #[test]
    fn inbound_is_as_the_naive_one(
        window in 1..10_u32,
        script in prop::collection::vec((0..4_u8, 0..14_u64), 0..120),
    ) {
        let mut real = Inbound::with_window(window);
        let (mut delivered, mut held) = (0_u64, BTreeMap::new());
        for (index, (kind, near)) in script.into_iter().enumerate() {
            // Near what is next, on both sides.
            let number = (delivered + near).saturating_sub(3);
            let message = index as u32;
            if kind == 3 {
                real.resume_to(number);
                delivered = delivered.max(number);
                held.retain(|n, _| *n > delivered);
            } else {
                let wanted = if number == 0 || number > delivered + u64::from(window) {
                    Offer::DropViolation
                } else if number <= delivered || held.contains_key(&number) {
                    Offer::DropDuplicate
                } else if number == delivered + 1 {
                    delivered = number;
                    Offer::Deliver(message)
                } else {
                    held.insert(number, message);
                    Offer::DeliverPending
                };
                prop_assert_eq!(real.offer(number, message), wanted);
            }
            if kind > 0 {
                let mut wanted = Vec::new();
                while let Some(message) = held.remove(&(delivered + 1)) {
                    delivered += 1;
                    wanted.push((delivered, message));
                }
                let flushed: Vec<_> = real.flush_pending().collect();
                prop_assert_eq!(flushed, wanted);
            }
            prop_assert_eq!(real.delivered(), delivered);
            prop_assert_eq!(real.held(), held.len());
        }
    }

    /// SEQ-1, SEQ-5, SEQ-7: over a network that drops, doubles and reorders, with connections that
    /// are cut and a sender that starts again, what is delivered is a prefix of what was sent, and
    /// in the end all of it.
    #[test]
    fn a_direction_over_a_bad_network_delivers_everything_once(
        capacity in 1..8_usize,
        window in 1..8_u32,
        script in prop::collection::vec((0..7_u8, any::<prop::sample::Index>()), 0..200),
    ) {
        let mut sender = Outbound::new(capacity);
        let mut receiver = Inbound::with_window(window);
        let (mut network, mut acks) = (Vec::new(), Vec::new());
        let (mut sent, mut got) = (Vec::new(), Vec::new());
        let mut arrive = |receiver: &mut Inbound<u64>, number: u64, word: u64| {
            if let Offer::Deliver(word) = receiver.offer(number, word) {
                got.push(word);
                got.extend(receiver.flush_pending().map(|(_, word)| word));
            }
            got.len()
        };
        for (kind, which) in script {
            match kind {
                0 | 1 => {
                    let word = sent.len() as u64 * 7 + 1;
                    if let Ok(number) = sender.send(word) {
                        sent.push(word);
                        network.push((number, word));
                    }
                }
                2 if !network.is_empty() => {
                    let (number, word) = network.swap_remove(which.index(network.len()));
                    arrive(&mut receiver, number, word);
                }
                3 if !network.is_empty() => {
                    let again = network[which.index(network.len())];
                    network.push(again);
                }
                4 => acks.push(receiver.delivered()),
                5 if !acks.is_empty() => {
                    let number = acks.swap_remove(which.index(acks.len()));
                    sender.ack(number).unwrap();
                }
                // The connection is cut. What was under way is lost, or comes later.
                6 => {
                    network.truncate(which.index(network.len() + 1));
                    let kept: Vec<u64> = sender.retransmit(0).messages.map(|(_, w)| *w).collect();
                    sender = Outbound::restore(capacity, sender.oldest(), kept).unwrap();
                    network.extend(
                        sender.retransmit(receiver.delivered() + 1).messages.map(|(n, w)| (n, *w)),
                    );
                }
                _ => {}
            }
        }
        let rest = sender.retransmit(receiver.delivered() + 1);
        prop_assert!(!rest.partial);
        let mut count = 0;
        for (number, word) in rest.messages {
            count = arrive(&mut receiver, number, *word);
        }
        prop_assert!(count <= sent.len());
        prop_assert_eq!(got, sent);
    }
}

/// SEQ-2, SEQ-3: at the ends of the numbers.
#[test]
fn numbers_end_where_they_end() {
    assert_eq!(Outbound::<()>::restore(4, 0, []), Err(OutboundRefusal::Zero));
    let too_many = Outbound::restore(4, u64::MAX, [()]);
    assert_eq!(too_many, Err(OutboundRefusal::TooMany { oldest: u64::MAX, retained: 1 }));
    let mut last = Outbound::restore(4, u64::MAX - 1, []).unwrap();
    assert_eq!(last.send(()), Ok(u64::MAX - 1));
    assert!(matches!(last.send(()), Err(OutboundRefusal::TooMany { .. })));
    assert_eq!(last.ack(u64::MAX - 1), Ok(1));
    assert!(matches!(last.ack(u64::MAX), Err(OutboundRefusal::NeverSent { .. })));

    let mut inbound = Inbound::new();
    inbound.resume_to(u64::MAX - 1);
    assert_eq!(inbound.offer(u64::MAX, ()), Offer::Deliver(()));
    assert_eq!(inbound.offer(u64::MAX, ()), Offer::DropDuplicate);
    assert_eq!(inbound.flush_pending().count(), 0);
}

/// SEQ-2: what was kept above the capacity stays, and goes first.
#[test]
fn a_smaller_capacity_after_a_restart_loses_nothing() {
    let mut sender = Outbound::restore(1, 5, ["a", "b", "c"]).unwrap();
    assert_eq!(sender.send("d"), Err(OutboundRefusal::Full { capacity: 1 }));
    assert_eq!(sender.ack(7), Ok(3));
    assert_eq!(sender.send("d"), Ok(8));
}

/// SEQ-6: the window is bounded whatever is asked for.
#[test]
fn windows_are_bounded() {
    assert_eq!(Inbound::<()>::new().window_end(), u64::from(WINDOW_DEFAULT));
    assert_eq!(Inbound::<()>::with_window(u32::MAX).window_end(), u64::from(WINDOW_MAX));
    let mut one = Inbound::with_window(0);
    assert_eq!(one.offer(2, ()), Offer::DropViolation);
    assert_eq!(one.offer(1, ()), Offer::Deliver(()));
}
