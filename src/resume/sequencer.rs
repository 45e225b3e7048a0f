//! The sequencer: the two halves of one direction of a link that survives its connections.
//!
//! [`Outbound`] numbers messages and keeps them until they are acknowledged. [`Inbound`] delivers
//! them in order and each once, whatever order they come in and however often. Numbers begin at 1,
//! so that 0 says "nothing yet".
//!
//! **Each direction has its own resume point**: after a new connection the receiver says what it
//! has, and the sender sends from there. (One minimum for both directions would deliver twice.)
//!
//! ```
//! use antiphon::resume::{Inbound, Offer, Outbound};
//!
//! let mut sender = Outbound::new(256);
//! let mut receiver = Inbound::new();
//! for word in ["to", "be", "or"] {
//!     sender.send(word).unwrap();
//! }
//! // The first arrives, the others are lost with the connection.
//! assert_eq!(receiver.offer(1, "to"), Offer::Deliver("to"));
//!
//! // The next connection: the receiver says what it has, and the sender goes on from there.
//! sender.ack(receiver.delivered()).unwrap();
//! let again = sender.retransmit(receiver.delivered() + 1);
//! assert!(!again.partial);
//! for (number, word) in again.messages {
//!     assert_eq!(receiver.offer(number, *word), Offer::Deliver(*word));
//! }
//! // A late copy of the first is recognised.
//! assert_eq!(receiver.offer(1, "to"), Offer::DropDuplicate);
//! ```
//!
//! The idea is TCP's (RFC 9293, section 3.4), above connections instead of packets. Clauses: SEQ-1
//! to SEQ-8. Lean twin: `Resume/Sequencer.lean`.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// How far ahead of what is delivered a message may be to be held, where not said otherwise.
pub const WINDOW_DEFAULT: u32 = 64;

/// The widest window: what is held takes room for all of it.
pub const WINDOW_MAX: u32 = 65_536;

/// Why an outbound half did not do something; nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutboundRefusal {
    /// As many messages are retained as may be; nothing was numbered.
    #[error("{capacity} messages are not acknowledged yet, and no more are retained")]
    Full {
        /// How many may be retained.
        capacity: usize,
    },
    /// An acknowledgement of what was never sent.
    #[error("message {number} is acknowledged, and the next one to be sent is {next}")]
    NeverSent {
        /// What was acknowledged.
        number: u64,
        /// The number of the next message.
        next: u64,
    },
    /// There is no message 0.
    #[error("messages are numbered from 1, and the oldest is said to be 0")]
    Zero,
    /// The numbers would not fit into 64 bits.
    #[error("{retained} messages from number {oldest} on have no numbers of 64 bits")]
    TooMany {
        /// The number of the oldest.
        oldest: u64,
        /// How many there are.
        retained: usize,
    },
}

/// The sender's half of one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound<T> {
    capacity: usize,
    // The number of the oldest message that is retained; of the next one if none is. Not 0, and
    // with the number of those retained it is below 2⁶⁴.
    oldest: u64,
    // The oldest first; their numbers have no gaps.
    retained: VecDeque<T>,
}

/// What can be sent again: [`Outbound::retransmit`].
#[derive(Debug, Clone)]
pub struct Retransmission<M> {
    /// The messages with their numbers, the oldest first.
    pub messages: M,
    /// Whether some of what was asked for is not retained any more.
    pub partial: bool,
    /// The number of the oldest message that can be sent again.
    pub oldest_recoverable: u64,
}

impl<T> Outbound<T> {
    /// A sender that has sent nothing, and retains at most `capacity` messages. Memory is taken as
    /// it is needed.
    #[must_use]
    pub const fn new(capacity: usize) -> Self {
        Self { capacity, oldest: 1, retained: VecDeque::new() }
    }

    /// After a restart, from what was kept of it: the numbers go on where they were. What is
    /// retained stays so, also above the capacity; then nothing is sent until it is acknowledged.
    ///
    /// # Errors
    ///
    /// `Zero`, `TooMany`.
    pub fn restore(
        capacity: usize,
        oldest: u64,
        retained: impl IntoIterator<Item = T>,
    ) -> Result<Self, OutboundRefusal> {
        let retained: VecDeque<T> = retained.into_iter().collect();
        if oldest == 0 {
            return Err(OutboundRefusal::Zero);
        }
        if oldest.checked_add(retained.len() as u64).is_none() {
            return Err(OutboundRefusal::TooMany { oldest, retained: retained.len() });
        }
        Ok(Self { capacity, oldest, retained })
    }

    /// The number of the next message.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.oldest + self.retained.len() as u64
    }

    /// The number of the oldest message that is retained; of the next one if none is.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.oldest
    }

    /// How many messages are not acknowledged.
    #[must_use]
    pub fn len(&self) -> usize {
        self.retained.len()
    }

    /// Whether everything is acknowledged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.retained.is_empty()
    }

    /// How many more messages could be sent now.
    #[must_use]
    pub fn room(&self) -> usize {
        self.capacity.saturating_sub(self.retained.len())
    }

    /// Numbers and retains a message, and answers its number. A number is given to nothing that is
    /// not retained.
    ///
    /// # Errors
    ///
    /// `Full`: send it again when something was acknowledged. `TooMany` after 2⁶⁴ − 2 messages.
    pub fn send(&mut self, message: T) -> Result<u64, OutboundRefusal> {
        if self.room() == 0 {
            return Err(OutboundRefusal::Full { capacity: self.capacity });
        }
        let number = self.next();
        if number == u64::MAX {
            let retained = self.retained.len();
            return Err(OutboundRefusal::TooMany { oldest: self.oldest, retained });
        }
        self.retained.push_back(message);
        Ok(number)
    }

    /// The other end has everything up to number `number`; 0 is nothing. Answers how many messages
    /// are not retained any more; an acknowledgement that says nothing new is 0 of them.
    ///
    /// # Errors
    ///
    /// `NeverSent`: the other end is not the one that this was sent to.
    pub fn ack(&mut self, number: u64) -> Result<usize, OutboundRefusal> {
        let next = self.next();
        if number >= next {
            return Err(OutboundRefusal::NeverSent { number, next });
        }
        Ok(self.forget(number).len())
    }

    /// Gives up on everything up to number `number` because its time is over: those messages, each
    /// with its number, the oldest first. Numbers are not given again.
    pub fn expire(&mut self, number: u64) -> impl ExactSizeIterator<Item = (u64, T)> {
        let oldest = self.oldest;
        self.forget(number)
            .enumerate()
            .map(move |(index, message)| (oldest + index as u64, message))
    }

    /// Takes out what is retained up to a number.
    fn forget(&mut self, number: u64) -> alloc::collections::vec_deque::Drain<'_, T> {
        let known = (number.saturating_add(1)).saturating_sub(self.oldest);
        let count = known.min(self.retained.len() as u64);
        self.oldest += count;
        let count = usize::try_from(count).expect("no more than are retained");
        self.retained.drain(..count)
    }

    /// What is retained from number `from` on. Nothing is copied.
    #[must_use]
    pub fn retransmit(
        &self,
        from: u64,
    ) -> Retransmission<impl ExactSizeIterator<Item = (u64, &T)> + Clone> {
        let skipped = from.saturating_sub(self.oldest).min(self.retained.len() as u64);
        let first = self.oldest + skipped;
        let skipped = usize::try_from(skipped).expect("no more than are retained");
        let messages = self.retained.range(skipped..).enumerate();
        Retransmission {
            messages: messages.map(move |(index, message)| (first + index as u64, message)),
            partial: from.max(1) < self.oldest,
            oldest_recoverable: self.oldest,
        }
    }
}

/// What is to be done with a message that has arrived: [`Inbound::offer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer<T> {
    /// It is the next one: here it is; then ask [`Inbound::flush_pending`].
    Deliver(T),
    /// It is held until those before it are here.
    DeliverPending,
    /// It was delivered, or is held already; dropped.
    DropDuplicate,
    /// Its number is 0 or beyond the window; dropped. The other end does not follow the rules, or
    /// has more on its way than the window admits.
    DropViolation,
}

/// The receiver's half of one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound<T> {
    // The number of the last message that was delivered.
    delivered: u64,
    window: u32,
    // Message n is at n modulo the window; empty until something is held for the first time.
    // INVARIANT: nothing in it is delivered, and all is within the window.
    ring: Vec<Option<T>>,
    held: u32,
}

impl<T> Default for Inbound<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Inbound<T> {
    /// A receiver that has got nothing, with the default window.
    #[must_use]
    pub const fn new() -> Self {
        Self { delivered: 0, window: WINDOW_DEFAULT, ring: Vec::new(), held: 0 }
    }

    /// A receiver that holds messages up to `delivered + window`; at least 1, at most
    /// [`WINDOW_MAX`].
    #[must_use]
    pub fn with_window(window: u32) -> Self {
        Self { window: window.clamp(1, WINDOW_MAX), ..Self::new() }
    }

    /// The number of the last message that was delivered: this direction's resume point.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// How many messages are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held as usize
    }

    /// The number of the last message that would be held.
    #[must_use]
    pub fn window_end(&self) -> u64 {
        self.delivered.saturating_add(u64::from(self.window))
    }

    fn slot(&self, number: u64) -> usize {
        (number % u64::from(self.window)) as usize
    }

    /// Message `number` has arrived.
    #[inline]
    pub fn offer(&mut self, number: u64, message: T) -> Offer<T> {
        // Where nothing is held, the next one needs no look at the ring.
        if self.held == 0 && number.checked_sub(1) == Some(self.delivered) {
            self.delivered = number;
            return Offer::Deliver(message);
        }
        self.offer_any(number, message)
    }

    #[inline(never)]
    fn offer_any(&mut self, number: u64, message: T) -> Offer<T> {
        if number == 0 {
            return Offer::DropViolation;
        }
        if number <= self.delivered {
            return Offer::DropDuplicate;
        }
        if number > self.window_end() {
            return Offer::DropViolation;
        }
        if self.ring.is_empty() {
            self.ring.resize_with(self.window as usize, || None);
        }
        let slot = self.slot(number);
        let place = &mut self.ring[slot];
        if place.is_some() {
            return Offer::DropDuplicate;
        }
        if number - 1 == self.delivered {
            self.delivered = number;
            return Offer::Deliver(message);
        }
        *place = Some(message);
        self.held += 1;
        Offer::DeliverPending
    }

    /// What deliveries have unblocked, in order, each once. What the iterator has not given out is
    /// given out by the next call.
    pub fn flush_pending(&mut self) -> impl Iterator<Item = (u64, T)> + use<'_, T> {
        core::iter::from_fn(move || {
            if self.held == 0 {
                return None;
            }
            let number = self.delivered + 1;
            let slot = self.slot(number);
            let message = self.ring[slot].take()?;
            self.held -= 1;
            self.delivered = number;
            Some((number, message))
        })
    }

    /// Everything up to `number` was delivered otherwise, for example before a restart. Goes
    /// forward only: what was delivered never becomes deliverable again.
    pub fn resume_to(&mut self, number: u64) {
        if number <= self.delivered {
            return;
        }
        if self.held > 0 {
            for gone in self.delivered + 1..=number.min(self.window_end()) {
                let slot = self.slot(gone);
                self.held -= u32::from(self.ring[slot].take().is_some());
            }
        }
        self.delivered = number;
    }
}
