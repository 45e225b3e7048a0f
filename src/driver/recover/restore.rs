//! One session, taken up from its snapshot or from its first record.
//!
//! Clauses: JSTO-10, JSTO-17 to JSTO-19.

use super::batches::Batches;
use super::error::{RecoverError, Unfit};
use super::{Recovered, Recovery};
use crate::journal::{Journal, JournalError, Snapshot};
use crate::machine::{Machine, SessionId, SessionSnapshot};
use crate::wire::compact::Compacted;

impl Recovery {
    /// Takes a session up where records are replayed.
    pub(super) fn take_up(
        &mut self,
        journal: &dyn Journal,
        session: SessionId,
    ) -> Result<Recovered, RecoverError> {
        self.unfit = None;
        if !self.in_full {
            match self.restore(journal, session) {
                Ok(Some(recovered)) => return Ok(recovered),
                Ok(None) => {}
                Err(Unfit::Behind(error)) if matches!(*error, RecoverError::Journal(_)) => {
                    return Err(*error);
                }
                Err(unfit) => {
                    // A half of it may be there.
                    self.scratch = Machine::new();
                    self.unfit = Some(unfit);
                }
            }
        }
        let batches = Batches::of(journal, session, &mut self.protocols)?;
        self.scratch.register(&batches.protocol);
        go_on(&mut self.scratch, session, batches, None)
    }

    /// JSTO-17: takes it up from its snapshot, if one is kept.
    fn restore(
        &mut self,
        journal: &dyn Journal,
        session: SessionId,
    ) -> Result<Option<Recovered>, Unfit> {
        let Some(snapshot) = kept(journal, session)? else { return Ok(None) };
        let batches = Batches::behind(journal, &snapshot, &mut self.protocols)?;
        self.scratch.restore(&batches.protocol, &snapshot)?;
        let recovered = go_on(&mut self.scratch, session, batches, None)?;
        let snapshot_bytes = snapshot.bytes().len() as u64;
        Ok(Some(Recovered { spared: snapshot.records(), snapshot_bytes, ..recovered }))
    }

    /// JSTO-19: whether the snapshot that is kept of a session is where it stood behind so many
    /// records: how many; `None` if none is kept.
    ///
    /// # Errors
    /// Why it is not.
    pub fn verify_snapshot(
        &mut self,
        journal: &dyn Journal,
        session: SessionId,
    ) -> Result<Option<u64>, Unfit> {
        let Some(snapshot) = kept(journal, session)? else { return Ok(None) };
        let records = snapshot.records();
        // There is a batch that ends with its head: which one, the chain says that leads to it.
        Batches::behind(journal, &snapshot, &mut self.protocols)?;
        let batches = Batches::of(journal, session, &mut self.protocols)?;
        let mut machine = Machine::new();
        machine.register(&batches.protocol);
        go_on(&mut machine, session, batches, Some(records))?;
        match machine.snapshot(session) {
            Some(anew) if anew == snapshot => Ok(Some(records)),
            _ => Err(Unfit::OtherState(records)),
        }
    }
}

/// The snapshot that is kept of a session. What a session was compacted to stands in its place, and
/// is none.
fn kept(journal: &dyn Journal, session: SessionId) -> Result<Option<SessionSnapshot>, Unfit> {
    let saved = journal.snapshot(session.0).map_err(|error| match error {
        JournalError::Damaged(what) => Unfit::Unreadable(what),
        error => RecoverError::from(error).into(),
    })?;
    let Some(Snapshot { upto: kept, head, bytes }) = saved else { return Ok(None) };
    if Compacted::is_one(&bytes) && !SessionSnapshot::is_one(&bytes) {
        return Ok(None);
    }
    let snapshot = SessionSnapshot::read(bytes)?;
    let said = snapshot.records();
    match () {
        () if snapshot.session() != session => Err(Unfit::OtherSession(snapshot.session())),
        () if said != kept => Err(Unfit::Elsewhere { kept, said }),
        () if snapshot.head().0 != head => Err(Unfit::NoBatch(said)),
        () => Ok(Some(snapshot)),
    }
}

/// Replays the batches: all of them, or up to a record.
fn go_on(
    machine: &mut Machine,
    session: SessionId,
    mut batches: Batches<'_>,
    upto: Option<u64>,
) -> Result<Recovered, RecoverError> {
    let mut bytes = 0;
    while upto.is_none_or(|upto| batches.next < upto)
        && let Some(batch) = batches.next()?
    {
        bytes += batch.bytes.len() as u64;
        for record in batches.records(&batch)? {
            let replayed = machine.replay_owned(session, record);
            replayed.map_err(|error| batches.broken(error.record(), error.into()))?;
        }
        // Or the machine would hold all records as those of one batch that is not sealed yet.
        machine.resume_journal(session, batches.head);
    }
    let digest = machine.session_digest(session).ok_or(RecoverError::Unknown(session))?;
    let (records, head) = (batches.next, batches.head);
    Ok(Recovered { records, head, digest, spared: 0, bytes, snapshot_bytes: 0 })
}
