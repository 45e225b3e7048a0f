//! Where a machine keeps its sessions: a slab in chunks, so that it grows without moving anything,
//! and an index by id for those who do not know the slot.
//!
//! A slot whose session has left holds a vacant one, with the id of the one that was there: who
//! comes with a hint finds nobody that acts, and the path of messages has nothing to check for it.
//! Clauses: LIFE-17.

use alloc::vec::Vec;

use hashbrown::HashMap;

use super::authority::Owner;
use super::id::SessionId;
use super::session::Session;

const CHUNK: usize = 256;

/// All sessions of a machine.
#[derive(Debug, Default)]
pub(super) struct Store {
    chunks: Vec<Vec<Session>>,
    slots: HashMap<SessionId, u32>,
    /// Slots that are vacant.
    free: Vec<u32>,
    /// Who owns vacant ones.
    nobody: Option<Owner>,
}

impl Clone for Store {
    /// A chunk is allocated whole, also in a copy.
    fn clone(&self) -> Self {
        let chunk = |chunk: &Vec<Session>| {
            let mut copy = Vec::with_capacity(CHUNK);
            copy.extend(chunk.iter().cloned());
            copy
        };
        Self {
            chunks: self.chunks.iter().map(chunk).collect(),
            slots: self.slots.clone(),
            free: self.free.clone(),
            nobody: self.nobody.clone(),
        }
    }
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
            Some(session) if session.id == id && !session.is_vacant() => Some(hint),
            _ => self.slots.get(&id).copied(),
        }
    }

    /// The session, if it is in the slot `hint`; or a vacant one.
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

    /// Adds a session with a new id; returns its slot.
    pub(super) fn insert(&mut self, session: Session) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.slots.insert(session.id, slot);
            *self.at_mut(slot) = session;
            return slot;
        }
        // None is vacant.
        let slot = u32::try_from(self.len()).expect("a machine holds fewer than 2^32 sessions");
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        self.slots.insert(session.id, slot);
        let chunk = self.chunks.last_mut().expect("a chunk was pushed");
        chunk.push(session);
        slot
    }

    /// Takes a session out; its slot is free.
    pub(super) fn vacate(&mut self, slot: u32) -> Session {
        let nobody = self.nobody.get_or_insert_with(|| Owner::new("nobody").expect("not empty"));
        let nobody = nobody.clone();
        let session = self.at_mut(slot);
        let vacant = Session::vacant(session.id, session.protocol, nobody);
        let session = core::mem::replace(session, vacant);
        self.slots.remove(&session.id);
        self.free.push(slot);
        session
    }

    /// All sessions in the order of their slots: that in which they were opened, as long as none
    /// was reaped.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.chunks.iter().flatten().filter(|session| !session.is_vacant())
    }

    /// The bytes that the slab and its index take. A chunk is allocated whole.
    pub(super) fn heap(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<Session>() + self.beside_chunks()
    }

    /// As [`heap`](Self::heap), by looking at every chunk.
    pub(super) fn heap_counted(&self) -> usize {
        let places: usize = self.chunks.iter().map(Vec::capacity).sum();
        places * size_of::<Session>() + self.beside_chunks()
    }

    fn beside_chunks(&self) -> usize {
        self.chunks.capacity() * size_of::<Vec<Session>>()
            + self.free.capacity() * size_of::<u32>()
            + self.slots.allocation_size()
    }

    /// Whether the index, the free slots and the vacant ones are the same slots.
    pub(super) fn is_indexed(&self) -> bool {
        let indexed = |session: &Session| self.find(session.id, u32::MAX);
        let total = self.chunks.iter().map(Vec::len).sum::<usize>();
        let free = self.free.iter().all(|slot| self.at(*slot).is_vacant());
        let live = self.slots.iter().all(|(id, slot)| self.at(*slot).id == *id);
        free && live
            && self.iter().all(|session| indexed(session).is_some())
            && self.free.len() + self.slots.len() == total
    }
}
