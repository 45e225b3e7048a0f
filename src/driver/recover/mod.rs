//! Sessions that are taken up again from a journal of many: read in pages, their chain verified,
//! their records replayed.
//!
//! A journal gives back whole commits, so that there is no torn tail to be cut: a store that can
//! have one cuts it when it is opened. What does not hold here was damaged, wherever it stands.
//!
//! Clauses: JSTO-10 to JSTO-12.

mod batches;
mod error;

use std::sync::Arc;

use hashbrown::HashMap;

pub use batches::Sessions;
pub use error::{Breach, RecoverError};

use crate::journal::{Fence, Journal, JournalError, Write};
use crate::machine::{Batch, Head, Machine, SessionId, StateDigest};
use crate::types::{Protocol, ProtocolDigest};
use crate::wire;
use crate::wire::journal::protocol_text;
use batches::Batches;

/// A session that was taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovered {
    /// How many records it has.
    pub records: u64,
    /// The chain behind them.
    pub head: Head,
    /// The digest of its protocol state.
    pub digest: StateDigest,
}

/// What became of all sessions of a journal.
#[derive(Debug, Default)]
pub struct Report {
    /// How many were taken up.
    pub sessions: u64,
    /// How many records they have.
    pub records: u64,
    /// How many have ended and were compacted.
    pub compacted: u64,
    /// Why the others were not.
    pub broken: Vec<RecoverError>,
}

/// Takes sessions up again.
///
/// ```
/// use std::sync::Arc;
/// use antiphon::Protocol;
/// use antiphon::driver::{Recovery, keep};
/// use antiphon::journal::{Journal, MemoryJournal};
/// use antiphon::machine::*;
///
/// let echo: Arc<Protocol> =
///     Arc::new("A = B!say(nat) . end   B = A?say(nat) . end".parse::<Protocol>()?);
/// let mut machine = Machine::new();
/// let open = Open {
///     session: SessionId(7),
///     protocol: machine.register(&echo),
///     owner: Owner::new("host")?,
///     capacities: Capacities::default(),
///     policies: Vec::new(),
///     journal: true,
///     on_lost: OnLost::default(),
/// };
/// machine.handle(Tick(0), Input::Open(open))?;
/// machine.seal();
/// let mut journal = MemoryJournal::default();
/// let fence = journal.fence()?;
/// while let Some(output) = machine.poll() {
///     if let Output::Persist(batch) = output {
///         keep(&mut journal, fence, [&*echo], &[batch])?;
///     }
/// }
///
/// let mut again = Machine::new();
/// let recovered = Recovery::new().session(&journal, SessionId(7), &mut again)?;
/// assert_eq!((recovered.records, again.digest()), (1, machine.digest()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Recovery {
    /// Where records are replayed: what does not replay is in no machine of the host.
    scratch: Machine,
    protocols: Protocols,
}

type Protocols = HashMap<ProtocolDigest, Arc<Protocol>>;

impl Recovery {
    /// Knows no protocol yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// JSTO-10: takes one session up in a machine, where it stands behind its last commit.
    ///
    /// # Errors
    /// A [`RecoverError`]; the machine is as it was.
    pub fn session(
        &mut self,
        journal: &dyn Journal,
        session: SessionId,
        machine: &mut Machine,
    ) -> Result<Recovered, RecoverError> {
        if machine.protocol_of(session).is_some() {
            return Err(RecoverError::Known(session));
        }
        let recovered = self.replay(journal, session);
        match recovered {
            Ok(recovered) if machine.adopt(&mut self.scratch, session) => Ok(recovered),
            Ok(_) => Err(RecoverError::Known(session)),
            Err(error) => {
                // A half of it is there.
                self.scratch = Machine::new();
                Err(error)
            }
        }
    }

    /// Takes up all sessions of a journal that are `wanted`, as those of one shard. One that is
    /// broken is left out and told, and keeps no other from being taken up.
    ///
    /// # Errors
    /// [`RecoverError::Journal`] if the journal cannot be read any more.
    pub fn all(
        &mut self,
        journal: &dyn Journal,
        machine: &mut Machine,
        wanted: impl Fn(SessionId) -> bool,
    ) -> Result<Report, JournalError> {
        let mut report = Report::default();
        for session in Sessions::of(journal) {
            let session = session?;
            if !wanted(session) {
                continue;
            }
            match self.session(journal, session, machine) {
                Ok(recovered) => {
                    report.sessions += 1;
                    report.records += recovered.records;
                }
                Err(RecoverError::Journal(error)) => return Err(error),
                Err(RecoverError::Compacted(_)) => report.compacted += 1,
                Err(error) => report.broken.push(error),
            }
        }
        Ok(report)
    }

    /// All records of a session, as a journal in a file of text would have them.
    ///
    /// # Errors
    /// A [`RecoverError`].
    pub fn journal(
        &mut self,
        journal: &dyn Journal,
        session: SessionId,
    ) -> Result<wire::journal::Journal, RecoverError> {
        let mut batches = Batches::of(journal, session, &mut self.protocols)?;
        let (mut records, mut lines) = (Vec::new(), Vec::new());
        while let Some(batch) = batches.next()? {
            records.append(&mut batches.records(&batch)?);
            // The header is line 1.
            lines.resize(records.len(), lines.last().map_or(2, |line| line + 1));
        }
        let Batches { protocol, head, .. } = batches;
        Ok(wire::journal::Journal { protocol, session, records, head, lines, is_complete: true })
    }

    /// The batches of a session, with their chain verified.
    ///
    /// # Errors
    /// A [`RecoverError`].
    pub fn batches(
        &mut self,
        journal: &dyn Journal,
        session: SessionId,
    ) -> Result<Vec<Batch>, RecoverError> {
        let mut batches = Batches::of(journal, session, &mut self.protocols)?;
        let mut all = Vec::new();
        while let Some(batch) = batches.next()? {
            all.push(batch);
        }
        Ok(all)
    }

    fn replay(
        &mut self,
        journal: &dyn Journal,
        session: SessionId,
    ) -> Result<Recovered, RecoverError> {
        let mut batches = Batches::of(journal, session, &mut self.protocols)?;
        self.scratch.register(&batches.protocol);
        while let Some(batch) = batches.next()? {
            for record in batches.records(&batch)? {
                let replayed = self.scratch.replay_owned(session, record);
                replayed.map_err(|error| batches.broken(error.record(), error.into()))?;
            }
            // Or the machine would hold all records as those of one batch that is not sealed yet.
            self.scratch.resume_journal(session, batches.head);
        }
        let digest = self.scratch.session_digest(session);
        let digest = digest.ok_or(RecoverError::Unknown(session))?;
        Ok(Recovered { records: batches.next, head: batches.head, digest })
    }
}

/// JSTO-12: commits what machines have sealed, behind the texts of `protocols`: those that sessions
/// in it open, and that the journal may not have yet.
///
/// # Errors
/// What the journal says; see [`Journal::commit`].
pub fn keep<'p>(
    journal: &mut dyn Journal,
    fence: Fence,
    protocols: impl IntoIterator<Item = &'p Protocol>,
    batches: &[Batch],
) -> Result<(), JournalError> {
    let text = |protocol: &Protocol| (protocol.digest().0, protocol_text(protocol));
    let texts: Vec<([u8; 32], String)> = protocols.into_iter().map(text).collect();
    let blobs = texts.iter().map(|(digest, text)| Write::Blob { digest, bytes: text.as_bytes() });
    let writes: Vec<Write<'_>> = blobs.chain(batches.iter().map(append)).collect();
    journal.commit(fence, &writes)
}

/// The write that keeps a batch.
#[must_use]
pub fn append(batch: &Batch) -> Write<'_> {
    let Batch { session: SessionId(session), first, count, bytes, head: Head(head) } = batch;
    Write::Append { session: *session, first: *first, count: *count, head, bytes }
}
