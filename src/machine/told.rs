//! The whole audit trail of a journal: what each record says about who may act, and what follows
//! from it where it stands.
//!
//! Clauses: AUTH-28, AUTH-29.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Machine;
use super::audit::Audit;
use super::id::{ReceiptId, SessionId};
use super::record::Record;
use super::replay::ReplayError;
use super::request::Made;
use super::session::Session;
use crate::types::Protocol;

/// A reader of journals that follows what becomes of authority.
///
/// [`Record::audits`] is what a record says by itself. What a death takes away, and which transfers
/// an end drops, depends on the records in front of it. The trail says the same as the events of an
/// observed machine.
#[derive(Debug, Clone)]
pub struct Told {
    machine: Machine,
    protocol: Arc<Protocol>,
    session: SessionId,
}

impl Told {
    /// The trail of a session, before its first record.
    #[must_use]
    pub fn new(protocol: &Arc<Protocol>, session: SessionId) -> Self {
        let mut machine = Machine::new();
        machine.register(protocol);
        Self { machine, protocol: Arc::clone(protocol), session }
    }

    /// The next record, and everything that it comes to.
    ///
    /// # Errors
    /// As [`Machine::replay_record`]; the trail must not be used any more then.
    pub fn follow(&mut self, record: &Record) -> Result<Vec<Audit>, ReplayError> {
        let mut audits: Vec<Audit> = record.audits(&self.protocol).collect();
        let before = self.state();
        if let Some(session) = before {
            let made = Made::of(&record.event);
            audits.retain(session.is_said(made));
            audits.extend(session.taken_by(made));
        }
        let staged = before.into_iter().flat_map(|session| session.staged());
        let staged: Vec<ReceiptId> = staged.map(|staged| staged.receipt.id).collect();
        self.machine.replay_record(self.session, record)?;
        if self.state().is_some_and(|session| session.status.is_terminal()) {
            let settled: Vec<ReceiptId> = audits.iter().filter_map(settles).collect();
            let dropped = staged.into_iter().filter(|receipt| !settled.contains(receipt));
            audits.extend(dropped.map(|receipt| Audit::Dropped { receipt }));
        }
        Ok(audits)
    }

    /// The machine behind the records so far.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    fn state(&self) -> Option<&Session> {
        self.machine.session(self.session).map(|view| view.session())
    }
}

/// The transfer that is over by this.
fn settles(audit: &Audit) -> Option<ReceiptId> {
    match audit {
        Audit::Committed { receipt }
        | Audit::RolledBack { receipt }
        | Audit::Expired { receipt } => Some(*receipt),
        _ => None,
    }
}
