//! Who comes over which connection: at most one live attachment a role, each with an epoch that is
//! never given twice.
//!
//! What is kept of an attachment is bound to the generation that its role had. So whatever gives
//! the role to somebody else, or to nobody, ends the attachment, and does not have to know of it.
//!
//! Clauses: ATT-1 to ATT-9. Lean twin: `Machine/Attachment.lean`.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Machine;
use super::authority::{Presented, Scope};
use super::id::{Epoch, Generation, SessionId};
use super::input::Act;
use super::output::{Accepted, Event};
use super::record::{Outcome, Recorded};
use super::refuse::Refusal;
use super::session::Session;
use super::view::{EndpointView, SessionView};
use crate::types::RoleIx;

/// The attachments of a session, from its first one or its first recovery on.
#[derive(Debug, Clone, Default)]
pub(super) struct Attachments {
    /// The fencing epoch that attachments are made under.
    pub(super) fencing: u32,
    /// The counter of the last one that was made under it, or 0.
    pub(super) counter: u32,
    // INVARIANT(epochs_grow): at most one of each role, each of a later epoch than the one before
    // it, the last one of the fencing epoch and counter at the latest.
    pub(super) entries: Vec<Attachment>,
}

/// What was attached to a role last, and was not detached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attachment {
    /// The role.
    pub role: RoleIx,
    /// Its number.
    pub epoch: Epoch,
    /// The generation of the role when it was made: it is live as long as the role has that.
    pub generation: Generation,
}

impl Attachments {
    fn of(&self, role: RoleIx) -> Option<&Attachment> {
        self.entries.iter().find(|entry| entry.role == role)
    }

    fn attach(&mut self, entry: Attachment) {
        self.counter = entry.epoch.counter();
        self.detach(entry.role);
        self.entries.push(entry);
    }

    fn detach(&mut self, role: RoleIx) {
        self.entries.retain(|entry| entry.role != role);
    }

    /// The bytes that it takes, with its own place.
    pub(super) fn heap(&self) -> usize {
        size_of::<Self>() + self.entries.capacity() * size_of::<Attachment>()
    }

    /// Whether `epochs_grow` holds.
    pub(super) fn is_sound(&self) -> bool {
        let alone = |entry: &Attachment| {
            self.entries.iter().filter(|other| other.role == entry.role).count() == 1
        };
        let last = self.entries.last().is_none_or(|last| {
            (last.epoch.fencing(), last.epoch.counter()) <= (self.fencing, self.counter)
        });
        last && self.entries.is_sorted_by(|a, b| a.epoch < b.epoch)
            && self.entries.iter().all(alone)
    }
}

impl Machine {
    /// ATT-1: gives the role the next epoch; whoever was attached is stale from here.
    pub(super) fn attach(
        &mut self,
        slot: u32,
        by: &Presented,
        role: RoleIx,
    ) -> Result<Accepted, Refusal> {
        let session = self.sessions.at_mut(slot);
        let protocol = &self.protocols[session.protocol as usize];
        session.acting(protocol, by, role)?;
        session.goes_on()?;
        let over = session.attached(role);
        let epoch = session.epoch_next().ok_or(Refusal::TooManyOutstanding)?;
        session.tick = session.tick.max(self.now);
        // The capability covers the role: its generation is that of the role.
        let entry = Attachment { role, epoch, generation: by.generation };
        session.attachments.get_or_insert_default().attach(entry);
        let id = session.id;
        self.record_act(slot, by, Act::Attach { role }, Outcome::Attached(epoch));
        self.event(slot, || Event::Attached { session: id, role, epoch, over });
        self.settle(slot);
        Ok(Accepted::Attached { epoch })
    }

    /// ATT-4: the role is attached no more.
    pub(super) fn detach(
        &mut self,
        slot: u32,
        by: &Presented,
        role: RoleIx,
        epoch: Epoch,
    ) -> Result<Accepted, Refusal> {
        let session = self.sessions.at_mut(slot);
        let protocol = &self.protocols[session.protocol as usize];
        session.acting(protocol, by, role)?;
        session.goes_on()?;
        session.is_attached(role, epoch)?;
        session.tick = session.tick.max(self.now);
        session.attachments.iter_mut().for_each(|attachments| attachments.detach(role));
        let id = session.id;
        self.record_act(slot, by, Act::Detach { role, epoch }, Outcome::Done);
        self.event(slot, || Event::Detached { session: id, role, epoch });
        self.settle(slot);
        Ok(Accepted::Done)
    }

    /// ATT-6: the host was gone, and every connection with it.
    pub(super) fn recovered(&mut self, id: SessionId, fencing: u32) -> Result<Accepted, Refusal> {
        let Some(slot) = self.sessions.find(id, u32::MAX) else {
            let closed = self.archive.get(id).ok_or(Refusal::UnknownSession(id))?;
            return Err(Refusal::Terminal(closed.status().clone()));
        };
        self.weighed(slot, |machine| {
            let session = machine.sessions.at_mut(slot);
            session.goes_on()?;
            let live = session.fencing();
            if fencing <= live {
                return Err(Refusal::StaleFencing { live });
            }
            session.tick = session.tick.max(machine.now);
            let attachments = Attachments { fencing, ..Attachments::default() };
            session.attachments = Some(Box::new(attachments));
            machine.record(slot, &Recorded::Recovered { fencing }, Outcome::Done);
            machine.event(slot, || Event::Recovered { session: id, fencing });
            // What was handed out to handlers before is handed out again.
            machine.settle(slot);
            Ok(Accepted::Done)
        })
    }
}

impl Session {
    /// The fencing epoch that its attachments are made under.
    pub(super) fn fencing(&self) -> u32 {
        self.attachments.as_ref().map_or(0, |attachments| attachments.fencing)
    }

    /// ATT-2: the epoch of the next attachment; `None` where the fencing epoch is used up.
    fn epoch_next(&self) -> Option<Epoch> {
        let made = self.attachments.as_ref().map_or(0, |attachments| attachments.counter);
        Some(Epoch::new(self.fencing(), made.checked_add(1)?))
    }

    /// ATT-3: the live attachment of a role: made while the role had the generation that it has
    /// now.
    pub(super) fn attached(&self, role: RoleIx) -> Option<Epoch> {
        let entry = self.attachments.as_ref()?.of(role)?;
        let mut holdings = self.ownership.holdings(self.spread());
        let held = holdings.find(|held| held.scope.covers(Scope::role(role)))?;
        (!held.released && held.generation == entry.generation).then_some(entry.epoch)
    }

    /// Whether this is the live attachment of the role.
    fn is_attached(&self, role: RoleIx, epoch: Epoch) -> Result<(), Refusal> {
        let live = self.attached(role);
        if live == Some(epoch) { Ok(()) } else { Err(Refusal::StaleAttachment { live }) }
    }

    /// ATT-5: whether what comes over an attachment comes over the live one of the role.
    #[inline]
    pub(super) fn comes_over(&self, by: &Presented, role: RoleIx) -> Result<(), Refusal> {
        by.over.map_or(Ok(()), |over| self.is_attached(role, over))
    }
}

impl<'a> SessionView<'a> {
    /// The fencing epoch that its attachments are made under: 0 until it was recovered first.
    #[must_use]
    pub fn fencing(self) -> u32 {
        self.session().fencing()
    }

    /// The counter of the last attachment that was made under its fencing epoch, or 0.
    #[must_use]
    pub fn attachments_made(self) -> u32 {
        self.session().attachments.as_ref().map_or(0, |attachments| attachments.counter)
    }

    /// What was attached to its roles last and was not detached, the latest one behind: also what
    /// is live no more, because its role has changed hands. See [`EndpointView::attached`].
    pub fn attachments(self) -> impl Iterator<Item = &'a Attachment> {
        self.session().attachments.iter().flat_map(|attachments| &attachments.entries)
    }
}

impl EndpointView<'_> {
    /// Its live attachment.
    #[must_use]
    pub fn attached(self) -> Option<Epoch> {
        self.session().attached(self.role())
    }
}

#[cfg(all(test, feature = "syntax"))]
mod tests {
    use alloc::sync::Arc;

    use super::*;
    use crate::machine::{Capacities, Input, OnLost, Open, Owner, Tick};
    use crate::types::Protocol;

    /// ATT-2: nobody attaches four thousand million times; who does gets no epoch twice.
    #[test]
    fn a_fencing_epoch_that_is_used_up_gives_no_more() {
        let protocol: Protocol = "A = B!x . end   B = A?x . end".parse().unwrap();
        let (mut machine, session) = (Machine::new(), SessionId(1));
        let open = Open {
            session,
            protocol: machine.register(&Arc::new(protocol)),
            owner: Owner::new("a").unwrap(),
            capacities: Capacities::default(),
            journal: false,
            on_lost: OnLost::default(),
            policies: Vec::new(),
        };
        let Ok(Accepted::Opened(by)) = machine.handle(Tick(0), Input::Open(open)) else {
            panic!("it is opened")
        };
        let attach = |machine: &mut Machine| {
            machine.act(Tick(0), by.present(), Act::Attach { role: RoleIx(0) })
        };
        attach(&mut machine).unwrap();
        let slot = machine.sessions.find(session, u32::MAX).unwrap();
        machine.sessions.at_mut(slot).attachments.as_mut().unwrap().counter = u32::MAX - 1;
        let epoch = Epoch::new(0, u32::MAX);
        assert_eq!(attach(&mut machine), Ok(Accepted::Attached { epoch }));
        assert_eq!(attach(&mut machine), Err(Refusal::TooManyOutstanding));
        assert_eq!(machine.sessions.at(slot).attached(RoleIx(0)), Some(epoch));
        machine.handle(Tick(0), Input::Recovered { session, fencing: 1 }).unwrap();
        let epoch = Epoch::new(1, 1);
        assert_eq!(attach(&mut machine), Ok(Accepted::Attached { epoch }));
        machine.check_invariants().unwrap();
    }
}
