//! The part of a session that its journal needs: the open batch, the chain, and the outputs that
//! wait until their batch is durable (law 4; JRNL-2, JRNL-5).

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::authority::Presented;
use super::id::{RequestId, SessionId, Tick};
use super::input::Receive;
use super::output::Output;
use super::predicate::Predicate;
use super::receipt::Commit;
use super::record::{self, Batch, Head, Outcome, Recorded, Said, Sent, Staging};
use super::request::Made;
use super::witness::Readiness;
use crate::types::{Protocol, Value};

/// How much room a batch is given at once.
const USUAL_MAX: u32 = 64 << 10;

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Log {
    // INVARIANT(chain_links): `head` is the chain over all sealed batches.
    pub(super) head: Head,
    /// The index of the first record of the open batch.
    first: u64,
    count: u32,
    bytes: Vec<u8>,
    said: Said,
    /// About how many bytes the next batch will need, by those before.
    usual: u32,
    persisted: u64,
    /// Outputs with the number of records that must be durable before they leave.
    gated: VecDeque<(u64, Output)>,
}

/// What an appended record has come to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Appended {
    /// Whether its batch began with it.
    pub(super) first: bool,
    /// By how many bytes the log has grown.
    pub(super) grown: usize,
}

impl Log {
    pub(super) fn new(session: SessionId, protocol: &Protocol) -> Self {
        Self {
            head: Head::first(session, protocol.digest()),
            first: 0,
            count: 0,
            bytes: Vec::new(),
            said: Said::default(),
            usual: 0,
            persisted: 0,
            gated: VecDeque::new(),
        }
    }

    /// A journal that goes on behind so many records, all of them durable; for a snapshot.
    pub(super) fn behind(records: u64, head: Head) -> Self {
        Self {
            head,
            first: records,
            count: 0,
            bytes: Vec::new(),
            said: Said::default(),
            usual: 0,
            persisted: records,
            gated: VecDeque::new(),
        }
    }

    /// What [`behind`](Self::behind) makes it of, where every record is sealed: what it holds back
    /// for records that are not durable is of this process alone.
    pub(super) fn sealed(&self) -> Option<(u64, Head)> {
        let Self { head, first, count, bytes: _, said: _, usual: _, persisted: _, gated: _ } = self;
        (*count == 0).then_some((*first, *head))
    }

    /// How many records there are.
    pub(super) fn len(&self) -> u64 {
        self.first + u64::from(self.count)
    }

    /// Whether every record is sealed and durable.
    pub(super) fn is_durable(&self) -> bool {
        self.persisted == self.len()
    }

    /// How many of its records are known to be durable.
    pub(super) fn durable(&self) -> u64 {
        self.persisted
    }

    /// The bytes that it takes elsewhere.
    pub(super) fn heap(&self) -> usize {
        self.bytes.capacity() + self.gated.capacity() * size_of::<(u64, Output)>()
    }

    /// Appends a record to the open batch.
    pub(super) fn append(&mut self, tick: Tick, event: &Recorded, outcome: Outcome) -> Appended {
        let (room, at) = self.begin_sized();
        record::encode(tick, event, outcome, &mut self.said, &mut self.bytes);
        self.end_sized(room, at)
    }

    /// As [`append`](Self::append), for a send whose value is kept apart.
    #[inline(always)]
    pub(super) fn append_send(
        &mut self,
        tick: Tick,
        by: &Presented,
        send: Sent,
        value: &Value,
        outcome: Outcome,
    ) -> Appended {
        let room = self.begin();
        record::append_send(tick, by, send, value, outcome, &mut self.said, &mut self.bytes);
        self.end(room)
    }

    /// As [`append`](Self::append), for a receive.
    #[inline(always)]
    pub(super) fn append_receive(
        &mut self,
        tick: Tick,
        by: &Presented,
        receive: Receive,
        outcome: Outcome,
    ) -> Appended {
        let room = self.begin();
        record::append_receive(tick, by, receive, outcome, &mut self.said, &mut self.bytes);
        self.end(room)
    }

    /// As [`append`](Self::append), of a request about authority.
    pub(super) fn append_made(&mut self, tick: Tick, made: Made<'_>, outcome: Outcome) -> Appended {
        let (room, at) = self.begin_sized();
        record::encode_made(tick, made, outcome, &mut self.said, &mut self.bytes);
        self.end_sized(room, at)
    }

    /// As [`append`](Self::append), of a transfer.
    #[inline(always)]
    pub(super) fn append_stage(
        &mut self,
        tick: Tick,
        by: &Presented,
        stage: Staging<'_>,
        outcome: Outcome,
    ) -> Appended {
        let (room, at) = self.begin_sized();
        record::encode_stage(tick, by, stage, outcome, &mut self.said, &mut self.bytes);
        self.end_sized(room, at)
    }

    /// As [`append`](Self::append), of a commit.
    #[inline(always)]
    pub(super) fn append_commit(
        &mut self,
        tick: Tick,
        commit: &Commit,
        outcome: Outcome,
    ) -> Appended {
        let (room, at) = self.begin_sized();
        record::encode_commit(tick, commit, outcome, &mut self.said, &mut self.bytes);
        self.end_sized(room, at)
    }

    /// As [`append`](Self::append), of a readiness witness.
    #[inline(always)]
    pub(super) fn append_issue(
        &mut self,
        tick: Tick,
        by: &Presented,
        request: RequestId,
        predicate: &Predicate,
        outcome: Outcome,
    ) -> Appended {
        let (room, at) = self.begin_sized();
        let Self { said, bytes, .. } = self;
        record::encode_issue(tick, by, request, predicate, outcome, said, bytes);
        self.end_sized(room, at)
    }

    /// As [`append`](Self::append), of a readiness witness that is spent.
    #[inline(always)]
    pub(super) fn append_consume(
        &mut self,
        tick: Tick,
        by: &Presented,
        witness: &Readiness,
    ) -> Appended {
        let (room, at) = self.begin_sized();
        let Self { said, bytes, .. } = self;
        record::encode_consume(tick, by, witness, Outcome::Done, said, bytes);
        self.end_sized(room, at)
    }

    /// Makes room for a record, which is then written by hand: what a closure would carry is waited
    /// for. How much room there was before.
    #[inline(always)]
    fn begin(&mut self) -> usize {
        let room = self.bytes.capacity();
        if self.count == 0 {
            self.bytes.reserve(self.usual as usize);
        }
        room
    }

    /// A record has been written with its length.
    #[inline(always)]
    fn end(&mut self, room: usize) -> Appended {
        self.count += 1;
        Appended { first: self.count == 1, grown: self.bytes.capacity() - room }
    }

    /// As [`begin`](Self::begin), for a record that is written without its length, which stands at
    /// the second number.
    #[inline(always)]
    fn begin_sized(&mut self) -> (usize, usize) {
        let (room, at) = (self.begin(), self.bytes.len());
        self.bytes.push(0);
        (room, at)
    }

    #[inline(always)]
    fn end_sized(&mut self, room: usize, at: usize) -> Appended {
        record::put_length(at, &mut self.bytes);
        self.end(room)
    }

    /// Holds an output back until the records so far are durable.
    pub(super) fn gate(&mut self, output: Output) {
        self.gated.push_back((self.len(), output));
    }

    /// Closes the open batch and links it to the chain.
    pub(super) fn seal(&mut self, session: SessionId) -> Option<Batch> {
        if self.count == 0 {
            return None;
        }
        let (first, count) = (self.first, core::mem::take(&mut self.count));
        let bytes = core::mem::take(&mut self.bytes);
        self.said = Said::default();
        // After a large batch the room is not asked for again and again, also where small ones
        // come between. Numbers grow, and records with them.
        let usual = bytes.len() + bytes.len() / 8;
        let usual = u32::try_from(usual).unwrap_or(0).min(USUAL_MAX);
        self.usual = usual.max(self.usual - self.usual / 4);
        self.head = self.head.after(first, count, &bytes);
        self.first += u64::from(count);
        Some(Batch { session, first, count, bytes: bytes.into(), head: self.head })
    }

    /// The first `upto` records are durable; what waited for them may leave.
    pub(super) fn persisted(&mut self, upto: u64, mut leave: impl FnMut(Output)) {
        // Only what was sealed can have been made durable.
        self.persisted = self.persisted.max(upto.min(self.first));
        while let Some((needs, _)) = self.gated.front()
            && *needs <= self.persisted
            && let Some((_, output)) = self.gated.pop_front()
        {
            leave(output);
        }
    }

    /// A replayed journal: everything is durable, nothing waits.
    pub(super) fn replayed(&mut self, head: Head) {
        (self.first, self.count, self.head) = (self.len(), 0, head);
        self.persisted = self.first;
        self.bytes.clear();
        self.said = Said::default();
        self.gated.clear();
    }
}
