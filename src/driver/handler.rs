//! Handlers: code of this process that is called with the messages of an edge.
//!
//! Clauses: MACH-8, MACH-13, LIFE-7.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use tokio::sync::Notify;

use super::error::Error;
use super::host::Host;
use crate::machine::{
    Act, Deliver, EdgeView, Position, Receive, Refusal, Send as SendAct, Seq, SessionView,
};
use crate::types::{Edge, EdgeIx, LabelIx, Name, RoleIx, Value};

/// A message for a handler.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Who receives it.
    pub role: Name,
    /// Who sent it.
    pub from: Name,
    /// Its place on its edge.
    pub seq: Seq,
    /// Its name.
    pub label: Name,
    /// What it carries.
    pub value: Value,
    /// The receiver's position before it: kept together with the effects of the message, it tells
    /// whether they were done before.
    pub position: Position,
}

/// A send that a handler answers with.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// To whom.
    pub to: String,
    /// Which message.
    pub label: String,
    /// What it carries.
    pub value: Value,
}

impl Action {
    /// Sends `label` with `value` to `to`.
    #[must_use]
    pub fn send(to: &str, label: &str, value: impl Into<Value>) -> Self {
        Self { to: to.to_owned(), label: label.to_owned(), value: value.into() }
    }
}

/// Why a handler could not do its work. It faults its session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HandlerError(String);

impl HandlerError {
    /// For this reason.
    #[must_use]
    pub fn new(reason: impl std::fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

/// What a handler answers, later.
pub type Answer = Pin<Box<dyn Future<Output = Result<Vec<Action>, HandlerError>> + Send>>;

/// Code that is called with each message of an edge, one after the other.
///
/// The message is consumed after the handler has returned `Ok`. If the process dies in between, the
/// message is handled again: effects that must not be repeated are stored together with
/// [`Message::position`].
pub trait Handler: Send + Sync + 'static {
    /// Does what the message asks for, and says what the receiver sends in answer.
    fn handle(&self, message: Message) -> Answer;
}

pub(super) struct Closure<F>(pub(super) F);

impl<F, R> Handler for Closure<F>
where
    F: Fn(Message) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Vec<Action>, HandlerError>> + Send + 'static,
{
    fn handle(&self, message: Message) -> Answer {
        Box::pin((self.0)(message))
    }
}

/// Names the handler to the machine, and starts the pump if it does not run.
pub(super) fn bind(
    host: &Arc<Host>,
    edge: Option<EdgeIx>,
    name: Name,
    handler: Arc<dyn Handler>,
) -> Result<(), Error> {
    let runtime = tokio::runtime::Handle::try_current().map_err(|_| Error::NoRuntime)?;
    // It must be there before the machine names it: a message may be waiting.
    let before = host.state().handlers.insert(name.clone(), handler);
    if let Err(error) = host.act(Act::Bind { edge, handler: Some(name.clone()) }) {
        let handlers = &mut host.state().handlers;
        match before {
            Some(before) => handlers.insert(name, before),
            None => handlers.remove(&name),
        };
        return Err(error);
    }
    let mut state = host.state();
    if !std::mem::replace(&mut state.is_pumping, true) {
        drop(state);
        runtime.spawn(pump(Running(Arc::downgrade(host)), host.changed()));
    }
    Ok(())
}

/// Takes the handler of an edge away, or that of the session. One that is at work goes on.
pub(super) fn unbind(host: &Host, edge: Option<EdgeIx>, name: &Name) -> Result<(), Error> {
    host.act(Act::Bind { edge, handler: None })?;
    host.state().handlers.remove(name);
    Ok(())
}

/// Says, when the pump ends or its runtime does, that it does not run any more.
struct Running(Weak<Host>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(host) = self.0.upgrade() {
            host.state().is_pumping = false;
        }
    }
}

/// Hands messages to their handlers until the session has ended, or nobody holds it any more.
async fn pump(running: Running, changes: Arc<Notify>) {
    let host = &running.0;
    loop {
        let changed = changes.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let Some(held) = host.upgrade() else { return };
        let (deliveries, ended) = {
            let mut state = held.state();
            let session = state.machine.session(held.id).expect("the session is there");
            let ended = session.status().is_terminal();
            (std::mem::take(&mut state.deliveries), ended)
        };
        if ended {
            return;
        }
        drop(held);
        if deliveries.is_empty() {
            changed.await;
            continue;
        }
        for deliver in deliveries {
            tokio::spawn(deliver_or_fault(Weak::clone(host), Arc::clone(&changes), deliver));
        }
    }
}

/// Each message has a task of its own, so that an answer that waits for room holds up nobody who
/// would make that room. A role is handed its next message only when it has sent its answer.
async fn deliver_or_fault(host: Weak<Host>, changes: Arc<Notify>, deliver: Deliver) {
    if let Err(reason) = deliver_one(&host, &changes, deliver).await
        && let Some(host) = host.upgrade()
    {
        // A session that has ended meanwhile needs no fault.
        let _ = host.act(Act::Fault { reason: reason.0.into() });
    }
}

/// Handles one message, consumes it, and performs the answer. The session is not held while it
/// waits: where everybody has let go of it, nothing is left to do.
async fn deliver_one(
    host: &Weak<Host>,
    changes: &Notify,
    deliver: Deliver,
) -> Result<(), HandlerError> {
    let Deliver { handler: name, role, from, seq, label, value, .. } = deliver;
    let (handler, message) = {
        let Some(host) = host.upgrade() else { return Ok(()) };
        // It may have been unbound since: then the message is for who has it now, or for nobody.
        let edge = Edge { from, to: role };
        let bound = host.view(|session| session.handler(edge).cloned());
        let Some(now) = bound else { return Ok(()) };
        let handler = {
            let handlers = &host.state().handlers;
            handlers.get(&name).or_else(|| handlers.get(&now)).cloned()
        };
        let handler =
            handler.ok_or_else(|| HandlerError(format!("there is no handler `{now}`")))?;
        let protocol = &host.protocol;
        let message = Message {
            role: protocol.role_name(role).clone(),
            from: protocol.role_name(from).clone(),
            seq,
            label: protocol.label_name(label).clone(),
            value,
            position: host.view(|s| s.endpoint(role).map_or(Position(0), |e| e.position())),
        };
        (handler, message)
    };
    // A task of its own: a panic ends it, and not this one (LIFE-7).
    let answer = tokio::spawn(async move { handler.handle(message).await }).await;
    let actions = match answer {
        Ok(Ok(actions)) => actions,
        Ok(Err(error)) => return Err(HandlerError(format!("handler `{name}` failed: {error}"))),
        Err(_) => return Err(HandlerError(format!("handler `{name}` panicked"))),
    };
    let failed = |error| HandlerError(format!("handler `{name}`: {error}"));
    let acts: Vec<Act> = {
        let Some(host) = host.upgrade() else { return Ok(()) };
        // MACH-13: somebody else may have had the message while the handler was changed.
        let consumed = |session: SessionView<'_>| session.edge(from, role).map(EdgeView::consumed);
        let receive = Act::Receive(Receive { role, from, at: None });
        if !host.act_while(|session| consumed(session) == Some(seq), receive).map_err(failed)? {
            return Ok(());
        }
        let send = |Action { to, label, value }| {
            let to = host.protocol.role(&to).unwrap_or(RoleIx::UNKNOWN);
            let label = host.protocol.label(&label).unwrap_or(LabelIx::UNKNOWN);
            Act::Send(SendAct { role, to, label, value, at: None })
        };
        actions.into_iter().map(send).collect()
    };
    for act in acts {
        perform(host, changes, act).await.map_err(failed)?;
    }
    Ok(())
}

/// Does it as soon as there is room, or not at all if nobody holds the session any more.
async fn perform(host: &Weak<Host>, changes: &Notify, act: Act) -> Result<(), Error> {
    loop {
        let changed = changes.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let Some(held) = host.upgrade() else { return Ok(()) };
        match held.act(act.clone()) {
            // Only for room: a message that is not there any more was taken by somebody else.
            Err(Error::Refused(Refusal::EdgeFull { .. })) => {}
            done => return done.map(drop),
        }
        drop(held);
        changed.await;
    }
}
