//! A session is a fold over its journal (law 1): `state = replay(journal)`.
//!
//! Clauses: JRNL-3, JRNL-4, JSTO-11. Lean twin: `Machine/Replay.lean`.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Machine;
use super::id::{SessionId, Tick};
use super::input::{Act, Input};
use super::output::Accepted;
use super::record::{Head, Outcome, Record, Recorded};
use super::refuse::Refusal;
use super::session::Session;
use super::timer::Timer;
use crate::types::{MessageIx, Protocol, RoleIx};

/// Why records are not the journal of a session.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A record's index is not the next one.
    #[error("record {found} stands where record {expected} belongs")]
    OutOfOrder {
        /// The index that belongs there.
        expected: u64,
        /// The index that stands there.
        found: u64,
    },
    /// A record's tick is before the one of the record before it.
    #[error("record {index} is at tick {tick}, before the record in front of it")]
    TimeRunsBack {
        /// The record.
        index: u64,
        /// Its tick.
        tick: Tick,
    },
    /// A record is of another session.
    #[error("record {index} belongs to another session")]
    OtherSession {
        /// The record.
        index: u64,
    },
    /// The machine refuses what the record says it accepted.
    #[error("record {index} is refused: {refusal}")]
    Refused {
        /// The record.
        index: u64,
        /// Why.
        refusal: Refusal,
    },
    /// The machine comes to something else.
    #[error("record {index} says {recorded:?}, and the machine comes to {replayed:?}")]
    OtherOutcome {
        /// The record.
        index: u64,
        /// What the record says.
        recorded: Outcome,
        /// What the machine comes to; `None` if it changes nothing.
        replayed: Option<Outcome>,
    },
    /// A timer ran out that was not due, or one was due and did not run out.
    #[error("record {index}: a timer that ran out is missing, or one ran out that was not armed")]
    Timer {
        /// The record.
        index: u64,
    },
}

impl ReplayError {
    /// The record that it is about.
    #[must_use]
    pub fn record(&self) -> u64 {
        match self {
            Self::OutOfOrder { expected, .. } => *expected,
            Self::TimeRunsBack { index, .. }
            | Self::OtherSession { index }
            | Self::Refused { index, .. }
            | Self::OtherOutcome { index, .. }
            | Self::Timer { index } => *index,
        }
    }
}

impl Machine {
    /// The machine that the journal of one session leads to. Every record is checked: it must be
    /// accepted, and come to what it says.
    ///
    /// # Errors
    /// A [`ReplayError`] that names the first record that does not agree.
    pub fn replay<'a>(
        protocol: &Arc<Protocol>,
        session: SessionId,
        records: impl IntoIterator<Item = &'a Record>,
    ) -> Result<Self, ReplayError> {
        let mut machine = Self::new();
        machine.register(protocol);
        for record in records {
            machine.replay_record(session, record)?;
        }
        Ok(machine)
    }

    /// Applies one more record of a session's journal.
    ///
    /// # Errors
    /// A [`ReplayError`]; the machine must not be used any more then.
    pub fn replay_record(
        &mut self,
        session: SessionId,
        record: &Record,
    ) -> Result<(), ReplayError> {
        self.replay_owned(session, record.clone())
    }

    /// As [`replay_record`](Self::replay_record), of a record that nobody needs any more: nothing
    /// of it is copied.
    ///
    /// # Errors
    /// As [`replay_record`](Self::replay_record).
    pub fn replay_owned(&mut self, session: SessionId, record: Record) -> Result<(), ReplayError> {
        let Record { index, tick, event, outcome } = record;
        let known = self.sessions.find(session, u32::MAX).map(|slot| self.sessions.at(slot));
        let expected = known.and_then(Session::log).map_or(0, |log| log.len());
        if index != expected {
            return Err(ReplayError::OutOfOrder { expected, found: index });
        }
        if known.is_some_and(|session| session.tick > tick) {
            return Err(ReplayError::TimeRunsBack { index, tick });
        }
        // A deadline that had passed when it was set runs out at the tick where the session is.
        let due = known.and_then(|session| Some((session.due()?, session.tick)));
        // LIFE-10: what other sessions have heard of the time, and what they wait to say, stays.
        let now = core::mem::replace(&mut self.now, tick);
        let (outputs, touched) = (self.outputs.len(), self.touched.len());
        self.replaying = true;
        let replayed = match (event, due) {
            (Recorded::Expired(timer), Some(((due, first), now)))
                if due.max(now) == tick && timer == first =>
            {
                let replayed = self.replay_expired(session, timer, due);
                match outcome {
                    recorded if recorded == replayed => Ok(()),
                    recorded => {
                        let replayed = Some(replayed);
                        Err(ReplayError::OtherOutcome { index, recorded, replayed })
                    }
                }
            }
            (Recorded::Input(input), due) if due.is_none_or(|((due, _), _)| due > tick) => {
                match input.is_never_recorded() {
                    true => Err(ReplayError::OtherSession { index }),
                    false => self.replay_input(session, (index, tick), input, outcome),
                }
            }
            (Recorded::Recovered { fencing }, due)
                if due.is_none_or(|((due, _), _)| due > tick) =>
            {
                let input = Input::Recovered { session, fencing };
                self.replay_input(session, (index, tick), input, outcome)
            }
            _ => Err(ReplayError::Timer { index }),
        };
        self.replaying = false;
        self.now = self.now.max(now);
        self.outputs.truncate(outputs);
        self.touched.truncate(touched);
        replayed
    }

    fn replay_expired(&mut self, session: SessionId, timer: Timer, at: Tick) -> Outcome {
        self.timers.disarm(at, session, timer);
        let slot = self.sessions.find(session, u32::MAX).expect("it has a deadline");
        self.weighed(slot, |machine| machine.expire(slot, timer, at))
    }

    fn replay_input(
        &mut self,
        session: SessionId,
        (index, tick): (u64, Tick),
        input: Input,
        recorded: Outcome,
    ) -> Result<(), ReplayError> {
        if input.session() != Some(session) {
            return Err(ReplayError::OtherSession { index });
        }
        let edge = match &input {
            Input::Act { act: Act::Send(send), .. } => Some((send.role, send.to)),
            _ => None,
        };
        let accepted =
            self.handle(tick, input).map_err(|refusal| ReplayError::Refused { index, refusal })?;
        let replayed = match &accepted {
            Accepted::Opened(capability) => Some(Outcome::Opened(capability.generation())),
            Accepted::Sent { seq, position } => edge
                .and_then(|(from, to)| self.last_sent(session, from, to))
                .map(|message| Outcome::Sent(message, *seq, *position)),
            Accepted::Received(received) => {
                Some(Outcome::Received(received.label, received.seq, received.position))
            }
            Accepted::Acknowledged { position, .. } => Some(Outcome::Acknowledged(*position)),
            Accepted::Issued(capability) => Some(Outcome::Issued(capability.generation())),
            Accepted::Staged(receipt) => Some(Outcome::Staged(receipt.id)),
            Accepted::Done => Some(Outcome::Done),
            Accepted::Serial(serial) => Some(Outcome::Serial(*serial)),
            Accepted::Witness(witness) => Some(Outcome::Witness(witness.id)),
            Accepted::Timer(timer) => Some(Outcome::Timer(*timer)),
            Accepted::Attached { epoch } => Some(Outcome::Attached(*epoch)),
            Accepted::Duplicate { .. } => None,
        };
        let advanced = self.journal_len(session) == Some(index + 1);
        if replayed == Some(recorded) && advanced {
            return Ok(());
        }
        Err(ReplayError::OtherOutcome { index, recorded, replayed })
    }

    /// The message that a send has just put on its edge.
    fn last_sent(&self, session: SessionId, from: RoleIx, to: RoleIx) -> Option<MessageIx> {
        let mut messages = self.session(session)?.edge(from, to)?.messages();
        messages.nth(messages.len().checked_sub(1)?).map(|queued| queued.message)
    }

    /// How many records the journal of a session has; `None` if it keeps none.
    #[must_use]
    pub fn journal_len(&self, session: SessionId) -> Option<u64> {
        match self.sessions.find(session, u32::MAX) {
            Some(slot) => self.sessions.at(slot).log().map(|log| log.len()),
            None => self.archived(session)?.journal().map(|(records, _)| records),
        }
    }

    /// The chain over the sealed batches of a session; `None` if it keeps no journal.
    #[must_use]
    pub fn journal_head(&self, session: SessionId) -> Option<Head> {
        match self.sessions.find(session, u32::MAX) {
            Some(slot) => self.sessions.at(slot).log().map(|log| log.head),
            None => self.archived(session)?.journal().map(|(_, head)| head),
        }
    }

    /// The replayed session goes on from here: everything so far is durable, and `head` is the
    /// chain over it.
    pub fn resume_journal(&mut self, session: SessionId, head: Head) {
        let slot = self.sessions.find(session, u32::MAX);
        let Some(slot) = slot else { return };
        if let Some(log) = self.sessions.at_mut(slot).log_mut() {
            let was_durable = log.is_durable();
            log.replayed(head);
            if !was_durable {
                self.note_ended(slot);
            }
        }
    }

    /// Takes a session over from another machine, as when its journal was replayed there: with its
    /// timers, and the time of that machine. Nothing of it may wait to be sealed or made durable.
    /// Returns whether it did: not where this machine has, or had, a session of that id.
    pub fn adopt(&mut self, from: &mut Self, session: SessionId) -> bool {
        let Some(slot) = from.sessions.find(session, u32::MAX) else { return false };
        let is_known =
            self.sessions.find(session, u32::MAX).is_some() || self.archive.get(session).is_some();
        let is_durable = |session: &Session| session.log().is_none_or(|log| log.is_durable());
        if is_known || !is_durable(from.sessions.at(slot)) {
            return false;
        }
        let is_terminal = from.sessions.at(slot).status.is_terminal();
        from.memory.goes(from.sessions.at(slot));
        let mut adopted = from.sessions.vacate(slot);
        if is_terminal {
            from.memory.terminal -= 1;
            let sessions = &from.sessions;
            from.ended.gone(|id| sessions.find(id, u32::MAX).is_some());
        } else {
            from.memory.live -= 1;
        }
        let digest = self.register(&from.protocols[adopted.protocol as usize]);
        adopted.protocol = self.protocol_slots[&digest];
        for (at, timer) in from.timers.take_all(session) {
            self.timers.arm(at, session, timer);
        }
        let slot = self.sessions.insert(adopted);
        self.memory.came(self.sessions.at(slot));
        match is_terminal {
            true => self.memory.terminal += 1,
            false => self.memory.live += 1,
        }
        self.now = self.now.max(from.now);
        self.note_ended(slot);
        true
    }

    /// The ids of all sessions, in the order of [`sessions`](Self::sessions).
    #[must_use]
    pub fn session_ids(&self) -> Vec<SessionId> {
        self.sessions.iter().map(|session| session.id).collect()
    }
}

impl Input {
    /// Whether no record holds it: a recovery is one, and is recorded in its own words.
    fn is_never_recorded(&self) -> bool {
        matches!(self, Self::Persisted { .. } | Self::Reap { .. } | Self::Recovered { .. })
    }

    /// The session that the input is about.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        Some(match self {
            Self::Open(open) => open.session,
            Self::Act { by, .. } => by.session,
            Self::Commit(commit) => commit.receipt.session,
            Self::Persisted { session, .. }
            | Self::Reap { session }
            | Self::Recovered { session, .. } => *session,
            Self::Reclaim(reclaim) => reclaim.session,
            Self::Tick => return None,
        })
    }
}
