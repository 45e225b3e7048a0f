//! Edges: the bounded FIFO buffers between roles.
//!
//! Clauses: EDGE-1 to EDGE-3, EDGE-6. Lean twin: `Machine/Edge.lean` (to come).

use alloc::collections::VecDeque;

use super::id::Seq;
use crate::types::{MessageIx, Value};

/// The largest capacity that an edge may be given.
pub const CAPACITY_MAX: u32 = 1 << 20;

/// The capacity of an edge when nothing else is said.
pub const CAPACITY_DEFAULT: u32 = 64;

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// Its label and sort.
    pub message: MessageIx,
    /// What it carries; conforms to the sort.
    pub value: Value,
}

/// The buffer from one role to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Buffer {
    // INVARIANT(edge_window): consumed ≤ sent, and the difference is the length, at most capacity.
    pub(super) sent: Seq,
    pub(super) consumed: Seq,
    pub(super) capacity: u32,
    pub(super) queue: VecDeque<Queued>,
}

impl Buffer {
    /// An empty buffer; takes no room for messages before the first one.
    pub(super) fn new(capacity: u32) -> Self {
        Self { sent: Seq(0), consumed: Seq(0), capacity, queue: VecDeque::new() }
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.queue.len() >= self.capacity as usize
    }

    /// Appends a message; the caller has checked that there is room.
    #[inline]
    pub(super) fn push(&mut self, queued: Queued) -> Seq {
        let seq = self.sent;
        self.queue.push_back(queued);
        self.sent.0 += 1;
        seq
    }

    /// Takes the head.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<(Seq, Queued)> {
        let queued = self.queue.pop_front()?;
        let seq = self.consumed;
        self.consumed.0 += 1;
        Some((seq, queued))
    }
}
