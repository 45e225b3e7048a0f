//! A journal, re-executed: the session that it leads to, and the trail of its authority.
//!
//! Clauses: AUDIT-3, JRNL-3.

use super::journal::Journal;
use crate::machine::{AuditLine, Machine, ReplayError, SessionView, StateDigest, Trail, Tree};

/// What a journal re-executes to.
#[derive(Debug, Clone)]
pub struct Replayed {
    machine: Machine,
    trail: Trail,
    lines: Vec<AuditLine>,
    session: crate::machine::SessionId,
}

impl Journal {
    /// AUDIT-3: re-executes every record, and tells who held what from those that the machine
    /// accepts again.
    ///
    /// # Errors
    /// A [`ReplayError`] that names the first record that does not agree.
    pub fn replay(&self) -> Result<Replayed, ReplayError> {
        let mut machine = Machine::new();
        machine.register(&self.protocol);
        let mut trail = Trail::new(&self.protocol);
        let mut lines = Vec::new();
        for record in &self.records {
            machine.replay_record(self.session, record)?;
            lines.append(&mut trail.push(record));
        }
        if machine.session(self.session).is_some_and(|view| view.status().is_terminal()) {
            trail.end();
        }
        Ok(Replayed { machine, trail, lines, session: self.session })
    }

    /// The Merkle tree over its records.
    #[must_use]
    pub fn tree(&self) -> Tree {
        Tree::of(&self.records)
    }
}

impl Replayed {
    /// The machine, with this one session.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The session as it stands; `None` behind an empty journal.
    #[must_use]
    pub fn session(&self) -> Option<SessionView<'_>> {
        self.machine.session(self.session)
    }

    /// The digest of the protocol state: that of the machine which wrote the journal, if it had
    /// this one session.
    #[must_use]
    pub fn digest(&self) -> StateDigest {
        self.machine.digest()
    }

    /// Every change of who may act, in order.
    #[must_use]
    pub fn audit(&self) -> &[AuditLine] {
        &self.lines
    }

    /// Who has what now, and what is on its way.
    #[must_use]
    pub fn trail(&self) -> &Trail {
        &self.trail
    }
}
