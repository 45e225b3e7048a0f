//! Roles that the host itself plays: code that is called with each message of a role, on the
//! thread of the node that has the session.
//!
//! Clauses: NODE-5, NODE-6.

use std::collections::{BTreeMap, BTreeSet};

use super::handler::{Action, HandlerError, Message};
use crate::machine::{
    Act, EndpointView, Machine, Policy, Presented, Receive, Refusal, Scope, Send as SendAct, Seq,
    SessionId, SessionView, Tick,
};
use crate::types::{Direction, LabelIx, RoleIx};

/// What a role that the host plays does: it decides, and the node performs it. Called when the
/// message is kept; the message is consumed together with what is sent in answer, all in one
/// commit or not at all. After a crash before that commit it is called again: effects elsewhere
/// are stored together with [`Message::position`].
///
/// It runs on the thread of the node, and must not wait: what takes long is an endpoint of a
/// client.
pub trait Part: Send + 'static {
    /// What the role sends where its type sends and no message has asked for it: at its beginning,
    /// or on and on. Asked again when what it has said is performed; nothing, and it is asked when
    /// something has changed.
    ///
    /// # Errors
    /// It cannot; the session is faulted.
    fn next(&mut self) -> Result<Vec<Action>, HandlerError> {
        Ok(Vec::new())
    }

    /// What the role sends in answer to a message.
    ///
    /// # Errors
    /// It cannot; the session is faulted.
    fn message(&mut self, message: &Message) -> Result<Vec<Action>, HandlerError>;
}

impl<F> Part for F
where
    F: FnMut(&Message) -> Result<Vec<Action>, HandlerError> + Send + 'static,
{
    fn message(&mut self, message: &Message) -> Result<Vec<Action>, HandlerError> {
        self(message)
    }
}

/// The parts of a node.
#[derive(Default)]
pub(super) struct Parts {
    all: BTreeMap<(SessionId, RoleIx), Playing>,
    /// Sessions in which something may be done.
    changed: BTreeSet<SessionId>,
}

struct Playing {
    part: Box<dyn Part>,
    by: Presented,
    /// What is to be done, decided and without room until now: in answer to this message, or to
    /// none.
    decided: Option<(Option<Seq>, Vec<Action>)>,
}

/// What there is to do for a part.
enum Turn {
    Message(RoleIx, Message),
    Next,
    Nothing,
}

impl Parts {
    /// NODE-5: from now on the host plays a role, under the authority of who has the lifecycle.
    pub(super) fn play(
        &mut self,
        machine: &Machine,
        session: SessionId,
        role: RoleIx,
        part: Box<dyn Part>,
    ) -> Result<(), Refusal> {
        let view = machine.session(session).ok_or(Refusal::UnknownSession(session))?;
        let needs = Scope::role(role).union(Scope::LIFECYCLE);
        let mut holdings = view.holdings();
        let held = holdings.find(|held| !held.released && held.scope.covers(needs));
        let held = held.ok_or(Refusal::Unclaimed {
            required: "the role together with the lifecycle".into(),
        })?;
        let by = Presented {
            session,
            owner: held.owner.clone(),
            generation: held.generation,
            scope: Scope::role(role),
            hint: u32::MAX,
            over: None,
        };
        self.all.insert((session, role), Playing { part, by, decided: None });
        self.changed.insert(session);
        Ok(())
    }

    /// Something of a session is kept now.
    pub(super) fn touched(&mut self, session: SessionId) {
        if !self.all.is_empty() && self.of(session).next().is_some() {
            self.changed.insert(session);
        }
    }

    fn of(
        &mut self,
        session: SessionId,
    ) -> impl Iterator<Item = (&(SessionId, RoleIx), &mut Playing)> {
        self.all.range_mut((session, RoleIx(0))..=(session, RoleIx(u16::MAX)))
    }

    /// NODE-6: does what there is to do, of what is kept; whether anything was done.
    pub(super) fn turn(&mut self, machine: &mut Machine, now: Tick) -> bool {
        let mut is_done = false;
        for session in std::mem::take(&mut self.changed) {
            let mut over = Vec::new();
            // What parts send now is kept with the next commit, and given to no part before.
            let edges = machine.session(session).map(|view| view.edges());
            let kept: Vec<Seq> = edges.into_iter().flatten().map(|edge| edge.sent()).collect();
            for ((_, role), playing) in self.of(session) {
                let ended = loop {
                    match playing.step(machine, now, *role, &kept) {
                        Ok(true) => is_done = true,
                        Ok(false) => break None,
                        Err(why) => break Some(why),
                    }
                };
                if let Some(why) = ended {
                    over.push(*role);
                    if let Some(reason) = why {
                        let fault = Act::Fault { reason: reason.into() };
                        let by = Presented { scope: Scope::LIFECYCLE, ..playing.by.clone() };
                        // A session that has ended meanwhile needs no fault.
                        is_done |= machine.act(now, &by, fault).is_ok();
                    }
                }
            }
            for role in over {
                self.all.remove(&(session, role));
            }
        }
        is_done
    }
}

impl Playing {
    /// Does one thing, if there is one and room for it. `Err` when it is over, with the reason for
    /// a fault.
    fn step(
        &mut self,
        machine: &mut Machine,
        now: Tick,
        role: RoleIx,
        kept: &[Seq],
    ) -> Result<bool, Option<String>> {
        let Some(view) = machine.session(self.by.session) else { return Err(None) };
        if view.status().is_terminal() {
            return Err(None);
        }
        let endpoint = view.endpoint(role).ok_or(None)?;
        let failed =
            |error: HandlerError| Some(format!("the part of `{}`: {error}", endpoint.name()));
        let (from, position) = match turn(view, endpoint, kept) {
            Turn::Nothing => return Ok(false),
            Turn::Next => {
                if self.decided.is_none() {
                    self.decided = Some((None, self.part.next().map_err(failed)?));
                }
                (None, endpoint.position())
            }
            Turn::Message(from, message) => {
                let seq = Some(message.seq);
                if self.decided.as_ref().is_none_or(|(decided, _)| *decided != seq) {
                    self.decided = Some((seq, self.part.message(&message).map_err(failed)?));
                }
                (Some(from), endpoint.position())
            }
        };
        let actions = self.decided.as_ref().map(|(_, actions)| &actions[..]).unwrap_or_default();
        let sends: Vec<SendAct> = actions.iter().map(|action| send(view, role, action)).collect();
        // All of it or nothing: what has no room now waits, and the message with it.
        if !has_room(view, role, &sends).map_err(failed)? {
            return Ok(false);
        }
        if from.is_none() && sends.is_empty() {
            // It waits.
            self.decided = None;
            return Ok(false);
        }
        self.decided = None;
        let receive = from.map(|from| Act::Receive(Receive { role, from, at: Some(position) }));
        for act in receive.into_iter().chain(sends.into_iter().map(Act::Send)) {
            machine.act(now, &self.by, act).map_err(|refusal| match refusal {
                // NODE-5: it is somebody else's now.
                Refusal::Unclaimed { .. } | Refusal::StaleCapability { .. } => None,
                refusal => Some(format!("the part of a role: {refusal}")),
            })?;
        }
        Ok(true)
    }
}

/// What there is to do for a role.
fn turn(view: SessionView<'_>, endpoint: EndpointView<'_>, kept: &[Seq]) -> Turn {
    let (protocol, role) = (view.protocol(), endpoint.role());
    let transitions = endpoint.transitions();
    if protocol.automaton(role).direction(endpoint.state()) == Some(Direction::Send) {
        return Turn::Next;
    }
    for transition in transitions {
        let Some(edge) = view.edge(transition.peer, role) else { continue };
        let (Some(head), Some(seq)) = (edge.messages().next(), edge.seqs().next()) else {
            continue;
        };
        let is_kept = kept.get(transition.edge.index()).is_some_and(|sent| seq < *sent);
        if is_kept && head.message == transition.message {
            let message = protocol.message(head.message);
            return Turn::Message(
                transition.peer,
                Message {
                    role: protocol.role_name(role).clone(),
                    from: protocol.role_name(transition.peer).clone(),
                    seq,
                    label: protocol.label_name(message.label).clone(),
                    value: head.value.clone(),
                    position: endpoint.position(),
                },
            );
        }
    }
    Turn::Nothing
}

fn send(view: SessionView<'_>, role: RoleIx, action: &Action) -> SendAct {
    let protocol = view.protocol();
    let to = protocol.role(&action.to).unwrap_or(RoleIx::UNKNOWN);
    let label = protocol.label(&action.label).unwrap_or(LabelIx::UNKNOWN);
    SendAct { role, to, label, value: action.value.clone(), at: None }
}

/// Whether there is room for all of them.
fn has_room(view: SessionView<'_>, role: RoleIx, sends: &[SendAct]) -> Result<bool, HandlerError> {
    for (at, send) in sends.iter().enumerate() {
        // What is no edge is for the machine to refuse.
        let Some(edge) = view.edge(role, send.to) else { continue };
        let before = sends[..at].iter().filter(|before| before.to == send.to).count();
        if before >= edge.capacity() as usize && edge.policy() == Policy::Block {
            let text = format!(
                "it answers with more messages than the edge to `{}` holds, {}",
                view.protocol().role_name(send.to),
                edge.capacity()
            );
            return Err(HandlerError::new(text));
        }
        let is_full = edge.messages().len() + before >= edge.capacity() as usize;
        if is_full && edge.policy() == Policy::Block {
            return Ok(false);
        }
    }
    Ok(true)
}
