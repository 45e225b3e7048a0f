//! What the owner of a session's lifecycle does: bind handlers, drain, close, cancel, fault.
//!
//! Clauses: LIFE-2, LIFE-3.

use super::Machine;
use super::authority::{Presented, Scope};
use super::explain::unknown_edge;
use super::handler::Handlers;
use super::id::Tick;
use super::input::{Act, Input};
use super::output::{Accepted, Event, Status};
use super::record::{Outcome, Recorded};
use super::refuse::Refusal;
use super::session::{Path, Session};
use super::timer::Timer;
use crate::types::{EdgeIx, Name};

impl Machine {
    /// LIFE-6: the session in `slot`, if the presented capability covers its lifecycle and it goes
    /// on.
    fn governed(&mut self, slot: u32, by: &Presented) -> Result<&mut Session, Refusal> {
        let session = self.sessions.at_mut(slot);
        let protocol = &self.protocols[session.protocol as usize];
        session.authorize(protocol, by, Scope::LIFECYCLE)?;
        if session.status.is_terminal() {
            return Err(Refusal::Terminal(session.status.clone()));
        }
        session.unfrozen(Scope::LIFECYCLE)?;
        Ok(session)
    }

    pub(super) fn bind(
        &mut self,
        slot: u32,
        by: &Presented,
        edge: Option<EdgeIx>,
        handler: Option<Name>,
    ) -> Result<Accepted, Refusal> {
        let now = self.now;
        let session = self.governed(slot, by)?;
        let edges = session.edges.len();
        if edge.is_some_and(|edge| edge.index() >= edges) {
            let protocol = session.protocol as usize;
            return Err(unknown_edge(&self.protocols[protocol]));
        }
        session.tick = session.tick.max(now);
        let bound = &mut session.seldom_mut().handlers;
        let handlers = bound.get_or_insert_with(|| Handlers::new(edges));
        handlers.bind(edge, handler.clone());
        if handlers.is_empty() {
            *bound = None;
            session.path = session.path_enough();
        }
        self.record_act(slot, by, Act::Bind { edge, handler }, Outcome::Done);
        self.settle(slot);
        Ok(Accepted::Done)
    }

    pub(super) fn drain(
        &mut self,
        slot: u32,
        by: &Presented,
        deadline: Option<Tick>,
    ) -> Result<Accepted, Refusal> {
        let now = self.now;
        let session = self.governed(slot, by)?;
        if session.status == Status::Draining {
            return Err(Refusal::Draining);
        }
        session.tick = session.tick.max(now);
        session.status = Status::Draining;
        session.path = Path::Full;
        if deadline.is_some() {
            session.seldom_mut().deadline = deadline;
        }
        let id = session.id;
        if let Some(deadline) = deadline {
            self.timers.arm(deadline, id, Timer::Drain);
        }
        self.record_act(slot, by, Act::Drain { deadline }, Outcome::Done);
        self.event(slot, || Event::Draining { session: id });
        self.settle(slot);
        Ok(Accepted::Done)
    }

    pub(super) fn finish(
        &mut self,
        slot: u32,
        by: &Presented,
        act: Act,
        status: Status,
    ) -> Result<Accepted, Refusal> {
        let now = self.now;
        let session = self.governed(slot, by)?;
        session.tick = session.tick.max(now);
        let event = Recorded::Input(Input::Act { by: by.clone(), act });
        self.note(slot, &event, Outcome::Done);
        self.end(slot, status);
        Ok(Accepted::Done)
    }
}
