//! Edges: the bounded FIFO buffers between roles.
//!
//! Clauses: EDGE-1 to EDGE-3, EDGE-6. Lean twin: `Machine/Edge.lean`.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::id::Seq;
use crate::types::{MessageIx, Value};

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[repr(C)]
pub struct Queued {
    /// Its label and sort.
    pub message: MessageIx,
    /// What it carries; conforms to the sort.
    pub value: Value,
}

/// The buffer from one role to another.
///
/// Most edges carry one message at a time: it is kept in the buffer itself, and what queues behind
/// it elsewhere. So an edge without a queue takes no allocation and stays in its few cache lines:
/// in the order of memory, as [`Session`](super::session::Session) counts on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Buffer {
    // INVARIANT(edge_window): at most `sent` and `capacity` messages are on the edge.
    pub(super) sent: Seq,
    pub(super) capacity: u32,
    // INVARIANT(edge_head): with `length` > 0 the first is `head` and `length` − 1 are behind it;
    // else `head` carries nothing.
    length: u32,
    // No `Option`: its tag would be the value's own, and taking it out byte by byte is slow.
    head: Queued,
    // Boxed because it is rarely there, and every session pays for its room.
    #[expect(clippy::box_collection)]
    behind: Option<Box<VecDeque<Queued>>>,
}

impl Buffer {
    /// An empty buffer.
    pub(super) fn new(capacity: u32) -> Self {
        let head = Queued { message: MessageIx(0), value: Value::Unit };
        Self { sent: Seq(0), capacity, length: 0, head, behind: None }
    }

    /// Takes what is on it away; nothing but the count of what was sent is left.
    pub(super) fn clear(&mut self) {
        *self = Self { sent: self.sent, ..Self::new(self.capacity) };
    }

    /// The buffer over which so many messages were sent, and these are left; for a snapshot.
    pub(super) fn of_parts(sent: Seq, capacity: u32, left: Vec<Queued>) -> Self {
        let mut buffer = Self::new(capacity);
        for Queued { message, value } in left {
            buffer.push(message, value);
        }
        Self { sent, ..buffer }
    }

    /// What [`of_parts`](Self::of_parts) makes it of.
    pub(super) fn parts(&self) -> (Seq, u32, impl ExactSizeIterator<Item = &Queued>) {
        let Self { sent, capacity, length: _, head: _, behind: _ } = self;
        (*sent, *capacity, self.iter())
    }

    /// How many messages are on it.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.length as usize
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.length >= self.capacity
    }

    /// The sequence number of the next message that is consumed, where none is dropped: how many
    /// are gone.
    #[inline]
    pub(super) fn consumed(&self) -> Seq {
        Seq(self.sent.0 - u64::from(self.length))
    }

    /// The next message.
    #[inline]
    pub(super) fn front(&self) -> Option<&Queued> {
        (self.length > 0).then_some(&self.head)
    }

    /// The message behind `index` others.
    pub(super) fn get(&self, index: usize) -> Option<&Queued> {
        match index.checked_sub(1) {
            None => self.front(),
            Some(index) => self.behind.as_ref()?.get(index),
        }
    }

    /// The messages, the next one first.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Queued> {
        (0..self.len()).map(|index| self.get(index).expect("`edge_head` counts the messages"))
    }

    /// Whether one more message would have it take more memory.
    #[inline(always)]
    pub(super) fn would_grow(&self) -> bool {
        self.length > 0 && self.behind.as_ref().is_none_or(|queue| queue.len() == queue.capacity())
    }

    /// Appends a message; the caller has checked that there is room.
    #[inline(always)]
    pub(super) fn push(&mut self, message: MessageIx, value: Value) -> Seq {
        if self.length == 0 {
            // What stood there carries nothing: there is nothing to drop.
            core::mem::forget(core::mem::replace(&mut self.head.value, value));
            self.head.message = message;
        } else {
            self.push_behind(Queued { message, value });
        }
        self.length += 1;
        let seq = self.sent;
        self.sent.0 += 1;
        seq
    }

    #[inline(never)]
    fn push_behind(&mut self, queued: Queued) {
        self.behind.get_or_insert_default().push_back(queued);
    }

    /// The bytes that it takes elsewhere.
    pub(super) fn heap(&self) -> usize {
        let queue = |behind: &VecDeque<Queued>| {
            size_of::<VecDeque<Queued>>() + behind.capacity() * size_of::<Queued>()
        };
        self.behind.as_deref().map_or(0, queue)
    }

    /// Takes the value of the head; the caller has seen that there is one.
    #[inline]
    pub(super) fn pop(&mut self) -> (Seq, Value) {
        if self.length > 1 { self.pop_before_others() } else { self.pop_last() }
    }

    /// [`pop`](Self::pop) where nothing is behind the head: the value goes straight to where it is
    /// wanted.
    #[inline(always)]
    pub(super) fn pop_last(&mut self) -> (Seq, Value) {
        let seq = self.consumed();
        self.length = 0;
        (seq, core::mem::replace(&mut self.head.value, Value::Unit))
    }

    #[inline(never)]
    fn pop_before_others(&mut self) -> (Seq, Value) {
        let seq = self.consumed();
        self.length -= 1;
        let next = self.behind.as_mut().and_then(|behind| behind.pop_front());
        let next = next.expect("`edge_head` counts the messages");
        (seq, core::mem::replace(&mut self.head, next).value)
    }

    /// Takes out the message behind `index` others; there is one. Those behind it move up.
    pub(super) fn remove(&mut self, index: usize) {
        match index.checked_sub(1) {
            None => drop(self.pop()),
            Some(index) => {
                let removed = self.behind.as_mut().and_then(|behind| behind.remove(index));
                assert!(removed.is_some(), "`edge_head` counts the messages");
                self.length -= 1;
            }
        }
    }

    /// Whether `edge_head` holds.
    pub(super) fn is_counted(&self) -> bool {
        let behind = self.behind.as_ref().map_or(0, |behind| behind.len());
        match self.length {
            0 => behind == 0 && self.head.value == Value::Unit,
            length => behind + 1 == length as usize,
        }
    }
}
