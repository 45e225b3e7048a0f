//! Where a machine keeps its sessions: a slab in chunks, so that it grows without moving anything,
//! and an index by id for those who do not know the slot.

use alloc::vec::Vec;

use hashbrown::HashMap;

use super::id::SessionId;
use super::session::Session;

const CHUNK: usize = 256;

/// All sessions of a machine.
#[derive(Debug, Clone, Default)]
pub(super) struct Store {
    chunks: Vec<Vec<Session>>,
    slots: HashMap<SessionId, u32>,
}

impl Store {
    /// How many sessions there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The slot of a session; `hint` is tried first.
    #[inline]
    pub(super) fn find(&self, id: SessionId, hint: u32) -> Option<u32> {
        match self.get(hint) {
            Some(session) if session.id == id => Some(hint),
            _ => self.slots.get(&id).copied(),
        }
    }

    /// The session, if it is in the slot `hint`.
    #[inline(always)]
    pub(super) fn hinted_mut(&mut self, id: SessionId, hint: u32) -> Option<&mut Session> {
        let chunk = self.chunks.get_mut(hint as usize / CHUNK)?;
        let session = chunk.get_mut(hint as usize % CHUNK)?;
        if session.id == id { Some(session) } else { None }
    }

    #[inline]
    fn get(&self, slot: u32) -> Option<&Session> {
        self.chunks.get(slot as usize / CHUNK)?.get(slot as usize % CHUNK)
    }

    /// The session in a slot that [`find`](Self::find) or [`insert`](Self::insert) gave.
    #[inline]
    pub(super) fn at(&self, slot: u32) -> &Session {
        &self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }

    /// As [`at`](Self::at).
    #[inline]
    pub(super) fn at_mut(&mut self, slot: u32) -> &mut Session {
        &mut self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }

    /// The slot that the next session will have.
    pub(super) fn next_slot(&self) -> u32 {
        u32::try_from(self.len()).expect("a machine holds fewer than 2^32 sessions")
    }

    /// Adds a session with a new id; returns its slot.
    pub(super) fn insert(&mut self, session: Session) -> u32 {
        let slot = self.next_slot();
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        self.slots.insert(session.id, slot);
        let chunk = self.chunks.last_mut().expect("a chunk was pushed");
        chunk.push(session);
        slot
    }

    /// All sessions, in the order in which they were opened.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.chunks.iter().flatten()
    }
}
