//! What a machine holds, in numbers that are kept as it changes and never looked for.
//!
//! Retained bytes are those of the structures that the machine itself allocates, as large as they
//! are allocated. What values, names and owners carry is shared with whoever else holds them, and
//! is counted nowhere; neither are protocols, which the host registers, nor outputs that wait to be
//! polled.
//!
//! Clauses: MACH-10 to MACH-12.

use super::Machine;
use super::session::{Seldom, Session};

/// What a machine holds. See [`Machine::memory`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Memory {
    /// Sessions that go on.
    pub live: u64,
    /// Sessions that have ended and were not reaped.
    pub terminal: u64,
    /// Reaped sessions in the archive.
    pub archived: u64,
    /// Roles of the sessions that are live or terminal.
    pub endpoints: u64,
    /// Their edges.
    pub edges: u64,
    /// The messages on these.
    pub messages: u64,
    /// Bindings of handlers, of edges and of whole sessions.
    pub handlers: u64,
    /// Armed timers.
    pub timers: u64,
    /// Retained bytes.
    pub bytes: Retained,
}

/// Bytes that a machine has allocated, by what they are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Retained {
    /// The slab of sessions with its index, and what each session has of fixed size.
    pub sessions: u64,
    /// What queues on edges behind the head.
    pub queues: u64,
    /// Open batches, and the places of outputs that wait for a batch.
    pub journals: u64,
    /// Holdings, transfers, witnesses and attachments of sessions in which there were some.
    pub authority: u64,
    /// The last sends of roles that number their actions.
    pub remembered: u64,
    /// Bindings of handlers.
    pub handlers: u64,
    /// Armed timers, without what their tree needs around them.
    pub timers: u64,
    /// The archive of reaped sessions.
    pub archive: u64,
}

impl Retained {
    /// All together.
    #[must_use]
    pub fn total(&self) -> u64 {
        let Self { sessions, queues, journals, authority, .. } = self;
        let Self { remembered, handlers, timers, archive, .. } = self;
        sessions + queues + journals + authority + remembered + handlers + timers + archive
    }
}

/// What one session adds to the counts and may change with an input. Its queues are not in it:
/// they are counted where they grow.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weight {
    messages: u64,
    bindings: u64,
    bytes: Retained,
}

impl Weight {
    /// O(1) for a plain session; else in proportion to what it has beyond one.
    pub(super) fn of(session: &Session) -> Self {
        let fixed = session.endpoints.heap() + session.edges.heap();
        let mut weight = Self { messages: session.queued.into(), ..Self::default() };
        weight.bytes.sessions = fixed as u64;
        let attachments = session.attachments.as_ref().map_or(0, |all| all.heap()) as u64;
        weight.bytes.authority = attachments;
        let Some(seldom) = session.seldom.as_deref() else { return weight };
        let Seldom { remembered, handlers, policies, .. } = seldom;
        let authority = AuthorityWeight::of(session);
        weight.bytes.sessions += authority.sessions;
        weight.bytes.journals = authority.journals;
        weight.bytes.authority += authority.authority;
        weight.bytes.sessions += policies.as_ref().map_or(0, |policies| policies.heap()) as u64;
        weight.bytes.remembered = remembered.as_ref().map_or(0, |kept| kept.heap()) as u64;
        weight.bytes.handlers = handlers.as_ref().map_or(0, |bound| bound.heap()) as u64;
        weight.bindings = handlers.as_ref().map_or(0, |bound| bound.len()) as u64;
        weight
    }

    /// The bytes of it all.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.total()
    }
}

/// What of a [`Weight`] an input about authority may change.
#[derive(Debug, Clone, Copy, Default)]
struct AuthorityWeight {
    sessions: u64,
    journals: u64,
    authority: u64,
}

impl AuthorityWeight {
    #[inline]
    fn of(session: &Session) -> Self {
        let Some(seldom) = session.seldom.as_deref() else { return Self::default() };
        let Seldom { log, spread, outstanding, .. } = seldom;
        let spread = spread.as_ref().map_or(0, |spread| spread.heap());
        let outstanding = outstanding.as_ref().map_or(0, |all| all.heap());
        Self {
            sessions: size_of::<Seldom>() as u64,
            journals: log.as_ref().map_or(0, |log| log.heap()) as u64,
            authority: (spread + outstanding) as u64,
        }
    }
}

impl Memory {
    fn add(&mut self, weight: &Weight) {
        self.messages += weight.messages;
        self.handlers += weight.bindings;
        self.bytes.sessions += weight.bytes.sessions;
        self.bytes.journals += weight.bytes.journals;
        self.bytes.authority += weight.bytes.authority;
        self.bytes.remembered += weight.bytes.remembered;
        self.bytes.handlers += weight.bytes.handlers;
    }

    fn subtract(&mut self, weight: &Weight) {
        self.messages -= weight.messages;
        self.handlers -= weight.bindings;
        self.bytes.sessions -= weight.bytes.sessions;
        self.bytes.journals -= weight.bytes.journals;
        self.bytes.authority -= weight.bytes.authority;
        self.bytes.remembered -= weight.bytes.remembered;
        self.bytes.handlers -= weight.bytes.handlers;
    }

    /// A session came.
    pub(super) fn came(&mut self, session: &Session) {
        self.add(&Weight::of(session));
        self.endpoints += session.endpoints.len() as u64;
        self.edges += session.edges.len() as u64;
        self.bytes.queues += queues(session);
    }

    /// A session goes.
    pub(super) fn goes(&mut self, session: &Session) {
        self.subtract(&Weight::of(session));
        self.endpoints -= session.endpoints.len() as u64;
        self.edges -= session.edges.len() as u64;
        self.bytes.queues -= queues(session);
    }
}

fn queues(session: &Session) -> u64 {
    session.edges.iter().map(|buffer| buffer.heap() as u64).sum()
}

impl Machine {
    /// MACH-10: what it holds now. Asking is O(1).
    #[must_use]
    pub fn memory(&self) -> Memory {
        let mut memory = self.memory;
        memory.archived = self.archive.len() as u64;
        memory.timers = self.timers.len() as u64;
        memory.bytes.timers = self.timers.heap() as u64;
        memory.bytes.sessions += (self.sessions.heap() + self.ended.heap()) as u64;
        memory.bytes.archive = self.archive.heap() as u64;
        memory
    }

    /// The same, counted anew by looking at everything: what [`memory`](Self::memory) is tested
    /// against.
    #[must_use]
    pub fn recount(&self) -> Memory {
        let mut memory = self.counted();
        memory.archived = self.archive.iter().count() as u64;
        memory.timers = self.timers.iter().count() as u64;
        memory.bytes.timers = self.timers.heap() as u64;
        memory.bytes.sessions += (self.sessions.heap_counted() + self.ended.heap()) as u64;
        memory.bytes.archive = self.archive.heap_counted() as u64;
        memory
    }

    /// What `self.memory` must be.
    pub(super) fn counted(&self) -> Memory {
        let mut memory = Memory::default();
        for session in self.sessions.iter() {
            memory.came(session);
            match session.status.is_terminal() {
                true => memory.terminal += 1,
                false => memory.live += 1,
            }
        }
        memory
    }

    /// As [`weighed`](Self::weighed), for what is about authority alone: nothing else of a session
    /// grows by it but its journal.
    #[inline(always)]
    pub(super) fn weighed_authority<T>(
        &mut self,
        slot: u32,
        change: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = AuthorityWeight::of(self.sessions.at(slot));
        let done = change(self);
        let after = AuthorityWeight::of(self.sessions.at(slot));
        let bytes = &mut self.memory.bytes;
        bytes.sessions = bytes.sessions + after.sessions - before.sessions;
        bytes.journals = bytes.journals + after.journals - before.journals;
        bytes.authority = bytes.authority + after.authority - before.authority;
        done
    }

    /// Does something to the session in `slot`, and counts what it has more or less of.
    #[inline]
    pub(super) fn weighed<T>(&mut self, slot: u32, change: impl FnOnce(&mut Self) -> T) -> T {
        let before = Weight::of(self.sessions.at(slot));
        let done = change(self);
        let after = Weight::of(self.sessions.at(slot));
        self.memory.add(&after);
        self.memory.subtract(&before);
        done
    }
}
