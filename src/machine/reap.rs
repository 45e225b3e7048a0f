//! How sessions that have ended leave: their slots are free again, and what is left of them is in
//! the archive.
//!
//! Reaping is the host's, and not an act under the lifecycle capability: it changes nothing that a
//! journal determines, so that it is no record, and the owner of a session that has ended has
//! nothing more to decide. When to do it is a question of the host's memory alone.
//!
//! Clauses: LIFE-12 to LIFE-19.

use super::Machine;
use super::archive::ClosedSession;
use super::authority::{Presented, Scope};
use super::id::SessionId;
use super::input::Act;
use super::output::{Accepted, Came};
use super::position::Numbered;
use super::receipt::Authority;
use super::refuse::Refusal;
use super::request::Made;
use super::session::Session;

impl Machine {
    /// Reaps sessions that have ended, the one that could be reaped first in front, until `most`
    /// are reaped or there is none whose records are durable. Returns how many that were. Takes
    /// time for those alone.
    pub fn reap_terminal(&mut self, most: usize) -> usize {
        let mut reaped = 0;
        while reaped < most
            && let Some(id) = self.ended.pop()
        {
            match self.sessions.find(id, u32::MAX) {
                Some(slot) if self.sessions.at(slot).is_reapable() => {
                    self.archive_session(slot);
                    reaped += 1;
                }
                _ => self.ended.was_stale(),
            }
        }
        reaped
    }

    /// LIFE-13: reaps one session. One that is archived already stays so.
    pub(super) fn reap(&mut self, id: SessionId) -> Result<Accepted, Refusal> {
        let Some(slot) = self.sessions.find(id, u32::MAX) else {
            let known = self.archive.get(id).is_some();
            return if known { Ok(Accepted::Done) } else { Err(Refusal::UnknownSession(id)) };
        };
        let session = self.sessions.at(slot);
        if !session.status.is_terminal() {
            return Err(Refusal::NotTerminal(session.status.clone()));
        }
        if let Some(log) = session.log().filter(|log| !log.is_durable()) {
            return Err(Refusal::NotDurable { records: log.len(), durable: log.durable() });
        }
        self.archive_session(slot);
        let sessions = &self.sessions;
        self.ended.gone(|id| sessions.find(id, u32::MAX).is_some());
        Ok(Accepted::Done)
    }

    /// LIFE-17, LIFE-19: the slot is free, and the session is in the archive.
    fn archive_session(&mut self, slot: u32) {
        self.memory.goes(self.sessions.at(slot));
        self.memory.terminal -= 1;
        let session = self.sessions.vacate(slot);
        let protocol = &self.protocols[session.protocol as usize];
        self.archive.keep(ClosedSession::of(session, protocol));
    }

    /// Notes that a session can be reaped, if it can.
    pub(super) fn note_ended(&mut self, slot: u32) {
        let session = self.sessions.at(slot);
        if session.is_reapable() {
            self.ended.push(session.id);
        }
    }

    /// LIFE-14: an act on a session that is not there: refused, or answered from the archive in
    /// the order of the checks of a session that has ended.
    #[cold]
    pub(super) fn act_archived(&self, by: &Presented, act: Act) -> Result<Accepted, Refusal> {
        let closed = self.archive.get(by.session).ok_or(Refusal::UnknownSession(by.session))?;
        let (session, protocol) = (&closed.session, closed.protocol());
        let ended = Refusal::Terminal(session.status.clone());
        // What lies ahead of an endpoint depended on messages that are gone: it is over anyway.
        let numbered = match act {
            Act::Send(send) => {
                let position = session.acting(protocol, by, send.role)?.position();
                session.comes_over(by, send.role)?;
                match send.at.filter(|at| *at < position) {
                    Some(at) => session.numbered_send(protocol, &send, at)?,
                    None => return Err(ended),
                }
            }
            Act::Receive(receive) => {
                let position = session.acting(protocol, by, receive.role)?.position();
                session.comes_over(by, receive.role)?;
                match receive.at.filter(|at| *at < position) {
                    Some(at) => session.numbered_receive(protocol, receive.role, at)?,
                    None => return Err(ended),
                }
            }
            Act::Acknowledge { role, position } => {
                let reached = session.acting(protocol, by, role)?.position();
                session.comes_over(by, role)?;
                if position > reached {
                    return Err(ended);
                }
                session.acknowledged(protocol, role, position)?
            }
            Act::Authority(authority) => {
                return self.authority_archived(by, &authority);
            }
            Act::Attach { role } | Act::Detach { role, .. } => {
                session.acting(protocol, by, role)?;
                return Err(ended);
            }
            Act::Bind { .. }
            | Act::Drain { .. }
            | Act::Close
            | Act::Cancel { .. }
            | Act::Fault { .. } => {
                session.authorize(protocol, by, Scope::LIFECYCLE)?;
                return Err(ended);
            }
        };
        match numbered {
            Numbered::Duplicate(position) => Ok(Accepted::Duplicate { position }),
            Numbered::Next(..) => Err(ended),
        }
    }

    /// As [`act_archived`](Self::act_archived), of an act about authority.
    #[cold]
    pub(super) fn authority_archived(
        &self,
        by: &Presented,
        authority: &Authority,
    ) -> Result<Accepted, Refusal> {
        let closed = self.archive.get(by.session).ok_or(Refusal::UnknownSession(by.session))?;
        let session = &closed.session;
        let accepted = session.asked(closed.protocol(), by, authority)?;
        accepted.ok_or_else(|| Refusal::Terminal(session.status.clone()))
    }

    /// As [`act_archived`](Self::act_archived), for what needs no capability.
    #[cold]
    pub(super) fn asked_archived(&self, id: SessionId, made: Made<'_>) -> Result<Came, Refusal> {
        let closed = self.archive.get(id).ok_or(Refusal::UnknownSession(id))?;
        let session = &closed.session;
        if let Some(before) = session.made_before(u32::MAX, made) {
            return Ok(before);
        }
        if let Made::Reclaim(reclaim) = made {
            session.check_reclaim(closed.protocol(), reclaim)?;
        }
        Err(Refusal::Terminal(session.status.clone()))
    }
}

impl Session {
    /// LIFE-13: it has ended, and nothing of it waits to be durable.
    fn is_reapable(&self) -> bool {
        self.status.is_terminal() && self.log().is_none_or(|log| log.is_durable())
    }
}
