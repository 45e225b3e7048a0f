//! Sessions that are taken up again from a journal of many: read in pages, their chain verified,
//! their records replayed; from the last snapshot on, where one is kept that fits.
//!
//! A journal gives back whole commits, so that there is no torn tail to be cut: a store that can
//! have one cuts it when it is opened. What does not hold here was damaged, wherever it stands.
//!
//! Clauses: JSTO-10 to JSTO-12, JSTO-17, JSTO-18.

mod batches;
mod error;
mod restore;

use std::sync::Arc;

use hashbrown::HashMap;

pub use batches::Sessions;
pub use error::{Breach, RecoverError, Unfit};

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
    /// How many of its records a snapshot has spared.
    pub spared: u64,
    /// How many bytes the records behind that have.
    pub bytes: u64,
    /// How many bytes the snapshot has.
    pub snapshot_bytes: u64,
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
    /// How many records snapshots have spared.
    pub spared: u64,
    /// Whose snapshots were not used, and why: these sessions were replayed from the first record.
    pub unfit: Vec<(SessionId, Unfit)>,
    /// Why the others were not taken up.
    pub broken: Vec<RecoverError>,
}

impl Report {
    /// Together with what became of others.
    pub fn add(&mut self, other: Self) {
        let Self { sessions, records, compacted, spared, unfit, broken } = other;
        self.sessions += sessions;
        self.records += records;
        self.compacted += compacted;
        self.spared += spared;
        self.unfit.extend(unfit);
        self.broken.extend(broken);
    }
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
    in_full: bool,
    unfit: Option<Unfit>,
}

type Protocols = HashMap<ProtocolDigest, Arc<Protocol>>;

impl Recovery {
    /// Knows no protocol yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replays every session from its first record, whatever snapshots are kept.
    #[must_use]
    pub fn in_full(self) -> Self {
        Self { in_full: true, ..self }
    }

    /// JSTO-18: why the snapshot of the session that was asked for last was not used, if one is
    /// kept.
    pub fn take_unfit(&mut self) -> Option<Unfit> {
        self.unfit.take()
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
        match self.take_up(journal, session) {
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
        self.each(journal, machine, wanted, |_, _| {})
    }

    /// As [`all`](Self::all), and tells of each that was taken up.
    pub(super) fn each(
        &mut self,
        journal: &dyn Journal,
        machine: &mut Machine,
        wanted: impl Fn(SessionId) -> bool,
        mut tell: impl FnMut(SessionId, &Recovered),
    ) -> Result<Report, JournalError> {
        let mut report = Report::default();
        for session in Sessions::of(journal) {
            let session = session?;
            if !wanted(session) {
                continue;
            }
            let taken = self.session(journal, session, machine);
            report.unfit.extend(self.take_unfit().map(|unfit| (session, unfit)));
            match taken {
                Ok(recovered) => {
                    report.sessions += 1;
                    report.records += recovered.records;
                    report.spared += recovered.spared;
                    tell(session, &recovered);
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
