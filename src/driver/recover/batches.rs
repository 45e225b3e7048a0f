//! The batches of one session of a journal, and the list of its sessions: both in pages.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Protocols;
use super::error::{Breach, RecoverError, Unfit};
use crate::journal::{Journal, JournalError, Stored};
use crate::machine::{Batch, Head, Record, SessionId, SessionSnapshot};
use crate::types::{Protocol, ProtocolDigest};
use crate::wire::compact::Compacted;
use crate::wire::journal::{Damage, read_protocol};

/// How many batches are read at once.
const PAGE: usize = 256;

/// How many sessions are listed at once.
const SESSIONS_PAGE: usize = 1024;

/// The batches of one session, in pages, each of them verified.
pub(super) struct Batches<'j> {
    journal: &'j dyn Journal,
    session: SessionId,
    pub(super) protocol: Arc<Protocol>,
    page: VecDeque<Stored>,
    /// The index and the chain behind what was read.
    pub(super) next: u64,
    pub(super) head: Head,
}

impl<'j> Batches<'j> {
    pub(super) fn of(
        journal: &'j dyn Journal,
        session: SessionId,
        protocols: &mut Protocols,
    ) -> Result<Self, RecoverError> {
        let broken = |breach| RecoverError::Broken { session, index: 0, breach };
        let page: VecDeque<Stored> = page(journal, session, 0)?.into();
        let Some(first) = page.front() else {
            let saved = journal.snapshot(session.0)?;
            return Err(match saved {
                Some(saved) if Compacted::is_one(&saved.bytes) => RecoverError::Compacted(session),
                Some(saved) => broken(Breach::Missing(saved.upto)),
                None => RecoverError::Unknown(session),
            });
        };
        if first.first != 0 {
            return Err(broken(Breach::Missing(first.first)));
        }
        let digest = batch(session, first).opens().ok_or(broken(Breach::NotOpened))?;
        let protocol = known(journal, session, digest, protocols)?;
        let head = Head::first(session, digest);
        Ok(Self { journal, session, protocol, page, next: 0, head })
    }

    /// JSTO-17: those behind a snapshot, if the batch in front of it is there.
    pub(super) fn behind(
        journal: &'j dyn Journal,
        snapshot: &SessionSnapshot,
        protocols: &mut Protocols,
    ) -> Result<Self, Unfit> {
        let (session, next, head) = (snapshot.session(), snapshot.records(), *snapshot.head());
        let last = next.checked_sub(1).ok_or(Unfit::NoBatch(next))?;
        let mut page: VecDeque<Stored> = page(journal, session, last)?.into();
        let ends = |stored: &Stored| stored.end() == next && stored.head == head.0;
        page.pop_front().filter(ends).ok_or(Unfit::NoBatch(next))?;
        let protocol = known(journal, session, snapshot.protocol(), protocols)?;
        Ok(Self { journal, session, protocol, page, next, head })
    }

    pub(super) fn broken(&self, index: u64, breach: Breach) -> RecoverError {
        RecoverError::Broken { session: self.session, index, breach }
    }

    pub(super) fn next(&mut self) -> Result<Option<Batch>, RecoverError> {
        if self.page.is_empty() {
            let next = page(self.journal, self.session, self.next);
            self.page = next?.into();
        }
        let Some(stored) = self.page.pop_front() else { return Ok(None) };
        if stored.first != self.next {
            return Err(self.broken(self.next, Breach::Missing(stored.first)));
        }
        let batch = batch(self.session, &stored);
        self.head = self.head.after(batch.first, batch.count, &batch.bytes);
        if self.head != batch.head {
            return Err(self.broken(batch.first, Breach::Chain));
        }
        self.next = stored.end();
        Ok(Some(batch))
    }

    pub(super) fn records(&self, batch: &Batch) -> Result<Vec<Record>, RecoverError> {
        let records = Record::decode_batch(batch, &self.protocol);
        records.map_err(|error| self.broken(batch.first, error.into()))
    }
}

/// A page of batches; what the journal itself finds damaged is a matter of this session alone.
fn page(
    journal: &dyn Journal,
    session: SessionId,
    index: u64,
) -> Result<Vec<Stored>, RecoverError> {
    journal.read(session.0, index, PAGE).map_err(|error| match error {
        JournalError::Damaged(what) => {
            RecoverError::Broken { session, index, breach: Breach::Unreadable(what) }
        }
        error => error.into(),
    })
}

/// The protocol of a session, read once.
fn known(
    journal: &dyn Journal,
    session: SessionId,
    digest: ProtocolDigest,
    protocols: &mut Protocols,
) -> Result<Arc<Protocol>, RecoverError> {
    if let Some(protocol) = protocols.get(&digest) {
        return Ok(Arc::clone(protocol));
    }
    let protocol = Arc::new(read(journal, session, digest)?);
    protocols.insert(digest, Arc::clone(&protocol));
    Ok(protocol)
}

fn read(
    journal: &dyn Journal,
    session: SessionId,
    digest: ProtocolDigest,
) -> Result<Protocol, RecoverError> {
    let text = journal.blob(&digest.0)?.ok_or(RecoverError::NoProtocol { session, digest })?;
    let damaged = |damage| RecoverError::Protocol { session, digest, damage };
    let protocol = read_protocol(&text).map_err(damaged)?;
    match protocol.digest() == digest {
        true => Ok(protocol),
        false => Err(damaged(Damage::Digest)),
    }
}

fn batch(session: SessionId, stored: &Stored) -> Batch {
    let Stored { first, count, head, ref bytes } = *stored;
    Batch { session, first, count, bytes: bytes.clone(), head: Head(head) }
}

/// Where the next page of sessions begins.
#[derive(Debug, Clone, Copy)]
enum At {
    Begin,
    Behind(u128),
    End,
}

/// The sessions of a journal, in the order of their ids, listed in pages. Ends behind an error.
pub struct Sessions<'j> {
    journal: &'j dyn Journal,
    page: VecDeque<u128>,
    at: At,
}

impl<'j> Sessions<'j> {
    /// From the first one on.
    #[must_use]
    pub fn of(journal: &'j dyn Journal) -> Self {
        Self { journal, page: VecDeque::new(), at: At::Begin }
    }
}

impl Iterator for Sessions<'_> {
    type Item = Result<SessionId, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty() {
            let after = match self.at {
                At::Begin => None,
                At::Behind(last) => Some(last),
                At::End => return None,
            };
            match self.journal.sessions(after, SESSIONS_PAGE) {
                Ok(page) => {
                    self.at = page.last().map_or(At::End, |last| At::Behind(*last));
                    self.page = page.into();
                }
                Err(error) => {
                    self.at = At::End;
                    return Some(Err(error));
                }
            }
        }
        self.page.pop_front().map(|session| Ok(SessionId(session)))
    }
}
