//! What happens to a session, for those who look on.
//!
//! A session that nobody observes pays nothing for it: its machine is told to say what happens when
//! the first observer comes, and to be silent when the last one has gone.
//!
//! Clauses: HOLD-6, HOLD-7.

use std::fmt;
use std::sync::Arc;

use tokio::sync::broadcast::{self, error::RecvError};

use super::session::Session;
use crate::machine::{self, Audit, Position, Seq, Side, Status, TimeoutWitness, TimerId, Trail};
use crate::types::{Direction, Name, Protocol, RoleIx, Value};

/// How many events are kept for an observer that does not come to take them.
pub const EVENTS_MAX: usize = 256;

/// What happened to a session.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A role performed an action.
    Advanced {
        /// The role.
        role: Name,
        /// Whether it sent or received.
        direction: Direction,
        /// The other role.
        peer: Name,
        /// The message's name.
        label: Name,
        /// What it carried.
        value: Value,
        /// The message's place on its edge.
        seq: Seq,
        /// The role's position behind it.
        position: Position,
    },
    /// Who may act has changed, or is about to: what the record says about it by itself. The
    /// [`AuditLine`](crate::machine::AuditLine)s of the journal say it with both of its sides.
    Authority {
        /// What happened, by one word: `issued`, `staged`, `rolled_back`.
        what: &'static str,
        /// The whole of it, for people: `staged  receipt 0  Buyer: tablet`.
        text: Box<str>,
    },
    /// A timer ran out.
    TimedOut {
        /// Which.
        timer: TimerId,
        /// What it has left.
        witness: Box<TimeoutWitness>,
    },
    /// It does no more sends.
    Draining,
    /// It ended; nothing comes behind this.
    Ended {
        /// How.
        status: Status,
        /// How many messages nobody will consume any more: from, to, how many.
        undelivered: Vec<(Name, Name, u64)>,
    },
    /// The observer was too slow, and this many events were not kept for it.
    Missed(u64),
}

/// The events of one session, from when it was made on. See [`Session::events`].
pub struct Events {
    /// `None` behind the end.
    events: Option<broadcast::Receiver<Event>>,
}

/// Those who look on.
#[derive(Default)]
pub(super) struct Observers(Option<broadcast::Sender<Event>>);

impl Session {
    /// Looks on at the session: everything that happens from now on, in order. It says nothing of
    /// what happened before; that is in the journal.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use antiphon::driver::Event;
    /// use antiphon::{Protocol, Session};
    /// let echo: Protocol = "A = B!say(string) . end   B = A?say(string) . end".parse()?;
    /// let session = Session::open(&echo)?;
    /// let [mut a, _b] = session.endpoints(["A", "B"])?;
    ///
    /// let mut events = session.events();
    /// a.send("B", "say", "hello").await?;
    /// session.cancel("enough")?;
    /// let mut seen = Vec::new();
    /// while let Some(event) = events.next().await {
    ///     match event {
    ///         Event::Advanced { role, peer, label, .. } => seen.push(format!("{role} {peer} {label}")),
    ///         Event::Ended { status, .. } => seen.push(status.to_string()),
    ///         _ => {}
    ///     }
    /// }
    /// assert_eq!(seen, ["A B say", "cancelled (enough)"]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn events(&self) -> Events {
        let mut state = self.host.state();
        let session = state.machine.session(self.host.id).expect("the session is there");
        if session.status().is_terminal() || state.has_failed() {
            return Events { events: None };
        }
        state.machine.observe(true);
        let events = match &state.observers.0 {
            Some(sender) => sender.subscribe(),
            None => {
                let (sender, receiver) = broadcast::channel(EVENTS_MAX);
                state.observers.0 = Some(sender);
                receiver
            }
        };
        Events { events: Some(events) }
    }

    /// Whether anybody looks on.
    #[must_use]
    pub fn is_observed(&self) -> bool {
        self.host.state().machine.is_observed()
    }
}

impl Events {
    /// The next one; waits until there is one. `None` behind [`Event::Ended`], and when nothing can
    /// happen any more: nobody holds the session, or its journal has failed.
    // HOLD-7.
    pub async fn next(&mut self) -> Option<Event> {
        let event = match self.events.as_mut()?.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(missed)) => Event::Missed(missed),
            Err(RecvError::Closed) => {
                self.events = None;
                return None;
            }
        };
        if let Event::Ended { .. } = event {
            self.events = None;
        }
        Some(event)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.events.as_ref().map(broadcast::Receiver::len);
        f.debug_struct("Events").field("waiting", &waiting).finish()
    }
}

impl Observers {
    pub(super) fn tell(&self, protocol: &Arc<Protocol>, event: machine::Event) {
        if let Some(sender) = &self.0
            && let Some(event) = named(protocol, event)
        {
            // Refused where nobody is left to look: see below.
            let _ = sender.send(event);
        }
    }

    /// HOLD-6: whether there were some and now there is none.
    pub(super) fn have_left(&mut self) -> bool {
        let left = self.0.as_ref().is_some_and(|sender| sender.receiver_count() == 0);
        if left {
            self.0 = None;
        }
        left
    }
}

/// The event in names.
fn named(protocol: &Arc<Protocol>, event: machine::Event) -> Option<Event> {
    let role = |role: RoleIx| protocol.role_name(role).clone();
    Some(match event {
        machine::Event::Advanced {
            role: by,
            direction,
            peer,
            label,
            value,
            seq,
            position,
            session: _,
        } => {
            let label = protocol.label_name(label).clone();
            let (role, peer) = (role(by), role(peer));
            Event::Advanced { role, direction, peer, label, value, seq, position }
        }
        machine::Event::Authority { audit, session: _ } => {
            Event::Authority { what: audit.word(), text: told(protocol, &audit) }
        }
        machine::Event::TimedOut { timer, witness } => Event::TimedOut { timer, witness },
        machine::Event::Draining { .. } => Event::Draining,
        machine::Event::Ended { status, undelivered, session: _ } => {
            let counted = undelivered.into_iter();
            let undelivered =
                counted.map(|(edge, count)| (role(edge.from), role(edge.to), count)).collect();
            Event::Ended { status, undelivered }
        }
        // Who looks on has the session: it was opened before. No connection comes to it here.
        machine::Event::Opened { .. }
        | machine::Event::Attached { .. }
        | machine::Event::Detached { .. }
        | machine::Event::Recovered { .. } => return None,
    })
}

fn told(protocol: &Arc<Protocol>, audit: &Audit) -> Box<str> {
    let trail = Trail::new(protocol);
    let mut text = audit.word().replace('_', " ");
    if let Some(receipt) = audit.receipt() {
        text += &format!("  receipt {receipt}");
    }
    match audit {
        Audit::Issued { owner, generation, scope }
        | Audit::Invalidated { owner, generation, scope } => {
            text += &format!("  {}: {owner}#{generation}", trail.named(*scope));
        }
        Audit::Staged { to, scope, .. } => {
            let to = Side::Promised(to.clone());
            text += &format!("  {}: {to}", trail.named(*scope));
        }
        _ => {}
    }
    if let Some(about) = audit.about() {
        text += &format!("  {about}");
    }
    text.into()
}
