//! One role of a session, for its participant.
//!
//! Clauses: AUTH-6, HOLD-2, HOLD-3.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::authority::{Hand, holds};
use super::error::Error;
use super::host::{Host, State};
use super::session::received;
use crate::machine::{Capability, Move, Position, Presented, Refusal, Scope, Send, Status};
use crate::types::{Direction, Edge, LabelIx, LocalType, Name, RoleIx, Value};

/// One role of a session (AUTH-6). Moved, never copied; dropping it gives it back to the session,
/// or releases the role if it was given to it apart from the session.
pub struct Endpoint {
    pub(super) host: Arc<Host>,
    pub(super) role: RoleIx,
    pub(super) by: By,
    /// Whether it is the one that the session handed out.
    pub(super) is_taken: bool,
}

/// Under which authority an endpoint acts.
pub(super) enum By {
    /// The session's own.
    Session,
    /// Its own; it goes with it.
    Capability(Box<Capability>),
    /// That of a holding which somebody else keeps.
    Lent(Box<Presented>),
}

impl Endpoint {
    pub(super) fn take(host: Arc<Host>, role: RoleIx) -> Result<Self, Error> {
        // HOLD-3: what is somebody else's is not handed out.
        host.view(|session| holds(session, host.capability.present(), role))?;
        host.state().take_endpoint(&host.protocol, role)?;
        Ok(Self { host, role, by: By::Session, is_taken: true })
    }

    pub(super) fn under(host: Arc<Host>, role: RoleIx, by: By) -> Self {
        Self { host, role, by, is_taken: false }
    }

    /// What it presents.
    pub(super) fn presents(&self) -> &Presented {
        match &self.by {
            By::Session => self.host.capability.present(),
            By::Capability(capability) => capability.present(),
            By::Lent(presented) => presented,
        }
    }

    /// Sends a message; resolves when it is accepted and kept. Waits while the edge is full.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Journal`].
    pub async fn send(
        &mut self,
        to: &str,
        label: &str,
        value: impl Into<Value>,
    ) -> Result<(), Error> {
        let send = self.to_send(to, label, value.into());
        let done = self.host.until_possible(|| self.try_message(send.clone())).await;
        done.map_err(|error| error.naming(label, to))
    }

    /// As [`send`](Self::send), and `edge_full` instead of waiting.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Journal`].
    pub fn try_send(
        &mut self,
        to: &str,
        label: &str,
        value: impl Into<Value>,
    ) -> Result<(), Error> {
        let done = self.try_message(self.to_send(to, label, value.into()));
        done.map_err(|error| error.naming(label, to))
    }

    /// Takes the next message from a role; waits until there is one.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Journal`].
    pub async fn receive_from(&mut self, from: &str) -> Result<(Name, Value), Error> {
        let role = self.named(from);
        let received = self.host.until_possible(|| self.try_receive_role(role)).await;
        received.map_err(|error| error.naming("", from))
    }

    /// As [`receive_from`](Self::receive_from), and `edge_empty` instead of waiting.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Journal`].
    pub fn try_receive_from(&mut self, from: &str) -> Result<(Name, Value), Error> {
        self.try_receive_role(self.named(from)).map_err(|error| error.naming("", from))
    }

    /// Takes the next message from whichever role the type waits for; waits until there is one.
    /// Where several roles are waited for and have sent, the first in the protocol's order is
    /// taken.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Journal`].
    pub async fn receive(&mut self) -> Result<(Name, Name, Value), Error> {
        self.host.until_possible(|| self.try_receive()).await
    }

    /// As [`receive`](Self::receive), and `edge_empty` instead of waiting.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Journal`].
    pub fn try_receive(&self) -> Result<(Name, Name, Value), Error> {
        let mut refused = None;
        for from in self.awaited() {
            match self.try_receive_role(from) {
                Ok((label, value)) => {
                    return Ok((self.host.protocol.role_name(from).clone(), label, value));
                }
                Err(error) if matches!(error.refusal(), Some(Refusal::EdgeEmpty { .. })) => {
                    refused = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        match refused {
            Some(error) => Err(error),
            // Nothing is awaited: let the machine say what is legal instead.
            None => Err(self.try_receive_role(RoleIx::UNKNOWN).expect_err("no such role")),
        }
    }

    /// Blocks threads instead of tasks.
    #[must_use]
    pub fn into_blocking(self) -> BlockingEndpoint {
        BlockingEndpoint { endpoint: self, timeout: None }
    }

    /// Which role it is.
    #[must_use]
    pub fn role(&self) -> &Name {
        self.host.protocol.role_name(self.role)
    }

    /// The type that was declared or projected for it.
    #[must_use]
    pub fn original(&self) -> &LocalType {
        self.host.protocol.local(self.role)
    }

    /// The type that is left of it.
    #[must_use]
    pub fn current(&self) -> LocalType {
        let current = self.view(|endpoint| endpoint.current());
        current.unwrap_or_else(|_| self.original().clone())
    }

    /// What it may do now: what its type allows, as far as the session still goes on, and nothing
    /// while the role is frozen or somebody else's.
    #[must_use]
    pub fn legal_moves(&self) -> Vec<Move> {
        let (role, by) = (self.role, self.presents());
        self.host.catch_up();
        self.host.view(|session| {
            let is_frozen = session.frozen().covers(Scope::role(role));
            if is_frozen || holds(session, by, role).is_err() {
                return Vec::new();
            }
            let endpoint = session.endpoint(role).expect("the role is there");
            let goes = |legal: &Move| match session.status() {
                Status::Active => true,
                Status::Draining => legal.direction == Direction::Receive,
                _ => false,
            };
            endpoint.legal_moves().filter(goes).collect()
        })
    }

    /// How many actions it has performed. Kept together with the effects of a message, it tells
    /// whether the message was acted on before.
    #[must_use]
    pub fn position(&self) -> Position {
        self.view(|endpoint| endpoint.position())
    }

    pub(super) fn view<T>(&self, look: impl FnOnce(crate::machine::EndpointView<'_>) -> T) -> T {
        let role = self.role;
        self.host.view(|session| look(session.endpoint(role).expect("the role is there")))
    }

    fn awaited(&self) -> Vec<RoleIx> {
        let mut roles = self.view(|endpoint| {
            let receives =
                endpoint.legal_moves().any(|legal| legal.direction == Direction::Receive);
            let peers = endpoint.transitions().iter().map(|transition| transition.peer);
            if receives { peers.collect::<Vec<_>>() } else { Vec::new() }
        });
        roles.dedup();
        roles
    }

    pub(super) fn named(&self, role: &str) -> RoleIx {
        self.host.protocol.role(role).unwrap_or(RoleIx::UNKNOWN)
    }

    pub(super) fn to_send(&self, to: &str, label: &str, value: Value) -> Send {
        let label = self.host.protocol.label(label).unwrap_or(LabelIx::UNKNOWN);
        Send { role: self.role, to: self.named(to), label, value, at: None }
    }

    pub(super) fn try_message(&self, send: Send) -> Result<(), Error> {
        let Send { role, to, label, value, at: _ } = send;
        let sent = |state: &mut State, now| {
            Ok(state.machine.send(now, self.presents(), role, to, label, value)?)
        };
        self.host.change(sent).map(drop)
    }

    fn try_receive_role(&self, from: RoleIx) -> Result<(Name, Value), Error> {
        let edge = Edge { from, to: self.role };
        if self.host.view(|session| session.handler(edge).is_some()) {
            let name = |role| self.host.protocol.role_name(role).to_string();
            return Err(Error::Handled { from: name(from), to: name(self.role) });
        }
        let got = |state: &mut State, now| {
            Ok(state.machine.receive(now, self.presents(), self.role, from)?)
        };
        Ok(received(&self.host.protocol, self.host.change(got)?))
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        if self.is_taken {
            self.host.state().taken &= !(1_u128 << self.role.0);
        }
        if let By::Capability(capability) = &self.by {
            // Refused where nothing is left to release.
            let hand = Hand { host: &self.host, by: capability.present() };
            let _ = hand.release(capability.scope());
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({} at {})", self.role(), self.position())
    }
}

/// An [`Endpoint`] whose calls block the thread.
///
/// ```
/// use antiphon::{Protocol, Session};
/// let echo: Protocol = "A = B!say(string) . end   B = A?say(string) . end".parse()?;
/// let session = Session::open(&echo)?;
/// let [a, b] = session.endpoints(["A", "B"])?;
/// let (mut a, mut b) = (a.into_blocking(), b.into_blocking());
/// std::thread::scope(|scope| {
///     scope.spawn(move || a.send("B", "say", "hello"));
///     let (_, said) = b.receive_from("A")?;
///     assert_eq!(said.as_str(), Ok("hello"));
///     Ok::<(), antiphon::driver::Error>(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct BlockingEndpoint {
    pub(super) endpoint: Endpoint,
    pub(super) timeout: Option<Duration>,
}

impl BlockingEndpoint {
    /// Calls wait at most this long, then fail with [`Error::TimedOut`].
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// See [`Endpoint::send`].
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Journal`], [`Error::TimedOut`].
    pub fn send(&mut self, to: &str, label: &str, value: impl Into<Value>) -> Result<(), Error> {
        let endpoint = &self.endpoint;
        let send = endpoint.to_send(to, label, value.into());
        let attempt = || endpoint.try_message(send.clone());
        let done = endpoint.host.block_until_possible(self.timeout, attempt);
        done.map_err(|error| error.naming(label, to))
    }

    /// See [`Endpoint::receive_from`].
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Journal`], [`Error::TimedOut`].
    pub fn receive_from(&mut self, from: &str) -> Result<(Name, Value), Error> {
        let endpoint = &self.endpoint;
        let role = endpoint.named(from);
        let attempt = || endpoint.try_receive_role(role);
        let received = endpoint.host.block_until_possible(self.timeout, attempt);
        received.map_err(|error| error.naming("", from))
    }

    /// See [`Endpoint::receive`].
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Journal`], [`Error::TimedOut`].
    pub fn receive(&mut self) -> Result<(Name, Name, Value), Error> {
        let endpoint = &self.endpoint;
        endpoint.host.block_until_possible(self.timeout, || endpoint.try_receive())
    }

    /// Back to tasks.
    #[must_use]
    pub fn into_async(self) -> Endpoint {
        self.endpoint
    }
}

impl std::ops::Deref for BlockingEndpoint {
    type Target = Endpoint;
    /// What can be seen of it: role, types, legal moves, position.
    fn deref(&self) -> &Endpoint {
        &self.endpoint
    }
}
