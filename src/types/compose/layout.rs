//! Where a configuration keeps what: the states of the roles and the contents of the edges, packed
//! into a fixed number of words.
//!
//! Bits that hold nothing are zero, so that equal configurations are equal words.

use alloc::boxed::Box;

use crate::types::automaton::{EdgeIx, MessageIx};
use crate::types::protocol::Edge;

/// Some bits of one word of a configuration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    word: u32,
    shift: u32,
    mask: u64,
}

impl Field {
    #[inline(always)]
    pub(super) fn get(self, words: &[u64]) -> u32 {
        // Fields are made for numbers below 2^32.
        ((words[self.word as usize] >> self.shift) & self.mask) as u32
    }

    #[inline(always)]
    pub(super) fn set(self, words: &mut [u64], value: u32) {
        let word = &mut words[self.word as usize];
        *word = *word & !(self.mask << self.shift) | u64::from(value) << self.shift;
    }
}

/// How many bits tell `values` values apart.
pub(super) fn bits_for(values: usize) -> u32 {
    usize::BITS - values.saturating_sub(1).leading_zeros()
}

/// Hands out bits, field by field; no field lies in two words.
#[derive(Debug, Default)]
pub(super) struct Layout {
    word: u32,
    used: u32,
}

impl Layout {
    /// A field for the numbers below `values`.
    pub(super) fn field(&mut self, values: usize) -> Field {
        let (word, shift) = self.bits(bits_for(values));
        Field { word, shift, mask: (1 << bits_for(values)) - 1 }
    }

    fn bits(&mut self, bits: u32) -> (u32, u32) {
        // What has no bits lies in the word that is always there.
        if bits == 0 {
            return (0, 0);
        }
        if self.used + bits > u64::BITS {
            (self.word, self.used) = (self.word + 1, 0);
        }
        self.used += bits;
        (self.word, self.used - bits)
    }

    /// Room for `capacity` messages of this alphabet.
    pub(super) fn buffer(
        &mut self,
        (edge, ends): (EdgeIx, Edge),
        capacity: u32,
        limited: bool,
        alphabet: Box<[MessageIx]>,
    ) -> Buffer {
        let length = self.field(capacity as usize + 1);
        let bits = bits_for(alphabet.len());
        let per_word = u64::BITS.checked_div(bits).unwrap_or(u32::MAX).min(capacity.max(1));
        let words = capacity.div_ceil(per_word).max(1);
        let (word, shift) = if words == 1 {
            self.bits(per_word.saturating_mul(bits).min(u64::BITS))
        } else {
            // It has words of its own.
            let first = if self.used > 0 { self.word + 1 } else { self.word };
            (self.word, self.used) = (first + words - 1, u64::BITS);
            (first, 0)
        };
        let body = match per_word.saturating_mul(bits) {
            0 => 0,
            bits => u64::MAX >> (u64::BITS - bits.min(u64::BITS)),
        };
        Buffer {
            edge,
            ends,
            length,
            capacity,
            limited,
            word,
            shift,
            bits,
            per_word,
            words,
            body,
            alphabet,
        }
    }

    /// How many words there are.
    pub(super) fn words(&self) -> usize {
        (self.word + 1) as usize
    }
}

/// Where the content of an edge lies: its length, and its messages from the low bits up, the head
/// first.
#[derive(Debug)]
pub(super) struct Buffer {
    pub(super) edge: EdgeIx,
    pub(super) ends: Edge,
    length: Field,
    /// The most messages that there is room for.
    pub(super) capacity: u32,
    /// Whether that is less than the capacity that is asked about, to save room.
    pub(super) limited: bool,
    word: u32,
    shift: u32,
    bits: u32,
    per_word: u32,
    words: u32,
    body: u64,
    /// What can be sent over it; a message is stored as its place here.
    pub(super) alphabet: Box<[MessageIx]>,
}

impl Buffer {
    #[inline(always)]
    pub(super) fn len(&self, words: &[u64]) -> u32 {
        self.length.get(words)
    }

    /// The first message; 0 if there is none.
    #[inline(always)]
    pub(super) fn head(&self, words: &[u64]) -> u32 {
        self.symbol(words[self.word as usize] >> self.shift)
    }

    #[inline(always)]
    fn symbol(&self, word: u64) -> u32 {
        (word & ((1 << self.bits) - 1)) as u32
    }

    /// The message behind `index` others.
    pub(super) fn get(&self, words: &[u64], index: u32) -> MessageIx {
        let word = words[(self.word + index / self.per_word) as usize] >> self.shift;
        let at = index % self.per_word * self.bits;
        self.alphabet[self.symbol(word >> at) as usize]
    }

    /// Appends a message where there is room; how many there are then.
    #[inline(always)]
    pub(super) fn push(&self, words: &mut [u64], symbol: u32) -> u32 {
        let length = self.len(words);
        if self.bits > 0 {
            let (word, slot) = if self.words == 1 {
                (0, length)
            } else {
                (length / self.per_word, length % self.per_word)
            };
            let at = self.shift + slot * self.bits;
            words[(self.word + word) as usize] |= u64::from(symbol) << at;
        }
        self.length.set(words, length + 1);
        length + 1
    }

    /// Takes the head where there is one.
    #[inline(always)]
    pub(super) fn pop(&self, words: &mut [u64]) {
        let length = self.len(words);
        self.length.set(words, length - 1);
        if self.words == 1 {
            let word = &mut words[self.word as usize];
            let body = (*word >> self.shift) & self.body;
            *word = *word & !(self.body << self.shift) | (body >> self.bits) << self.shift;
        } else {
            let last = self.word + self.words - 1;
            for word in self.word..=last {
                let next = if word < last { words[word as usize + 1] } else { 0 };
                let moved = u64::from(self.symbol(next)) << ((self.per_word - 1) * self.bits);
                words[word as usize] = words[word as usize] >> self.bits | moved;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::VecDeque;
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use crate::types::automaton::RoleIx;

    /// Buffers of every size between other fields, against queues.
    #[test]
    fn a_buffer_is_a_queue_and_touches_nothing_else() {
        let sizes =
            [(1, 1), (3, 1), (1, 300), (2, 2), (64, 2), (65, 2), (40, 3), (256, 5), (7, 500)];
        let mut layout = Layout::default();
        let mut made = Vec::new();
        for (capacity, symbols) in sizes {
            let guard = layout.field(1_000);
            let alphabet = (0..symbols).map(MessageIx).collect();
            let ends = Edge { from: RoleIx(0), to: RoleIx(1) };
            made.push((guard, layout.buffer((EdgeIx(0), ends), capacity, false, alphabet)));
        }
        let mut words = vec![0; layout.words()];
        let mut queues: Vec<VecDeque<u16>> = vec![VecDeque::new(); sizes.len()];
        made.iter().for_each(|(guard, _)| guard.set(&mut words, 999));
        // A fixed sequence without a pattern.
        let mut random = 1_u64;
        for _ in 0..60_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (draw, at) = (random >> 33, (random >> 60) as usize % sizes.len());
            let ((_, buffer), queue) = (&made[at], &mut queues[at]);
            // Mostly full at times, mostly empty at others.
            if (draw >> 8) % 5 < 2 + (random >> 20 & 1) && queue.len() < sizes[at].0 as usize {
                let symbol = u16::try_from(draw % u64::from(sizes[at].1)).unwrap();
                queue.push_back(symbol);
                assert_eq!(buffer.push(&mut words, symbol.into()) as usize, queue.len());
            } else if queue.pop_front().is_some() {
                buffer.pop(&mut words);
            }
            assert_eq!(buffer.len(&words) as usize, queue.len());
            if let Some(head) = queue.front() {
                assert_eq!(buffer.head(&words), u32::from(*head));
            }
            let content = (0..buffer.len(&words)).map(|index| buffer.get(&words, index).0);
            assert!(content.eq(queue.iter().copied()));
            assert!(made.iter().all(|(guard, _)| guard.get(&words) == 999));
        }
        for ((guard, buffer), queue) in made.iter().zip(&queues) {
            queue.iter().for_each(|_| buffer.pop(&mut words));
            guard.set(&mut words, 0);
        }
        assert!(words.iter().all(|word| *word == 0), "what holds nothing is zero");
    }
}
