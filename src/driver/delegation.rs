//! Endpoints sent over other sessions: the three inputs of a delegation, in one call.
//!
//! 1. `Stage`, frozen and to the bearer, in the session of the endpoint. Frozen it does nothing,
//!    so that its type, looked at now, is its type for as long as it is on its way; if it is not
//!    the type that the message says, the transfer is rolled back. That needs no step over two
//!    sessions.
//! 2. The receipt is the value of a send in the session that carries it.
//! 3. Whoever receives it commits in the session of the endpoint.
//!
//! The carrying session keeps the endpoint itself until then: it is one value, which the giver has
//! lost, and which changes its authority when the receiver gets it. If the message is never
//! received, the transfer is rolled back and the endpoint goes back to the giver.
//!
//! Progress is a claim about each session by itself: its partners wait while an endpoint is frozen.
//!
//! Clauses: DELEG-1, DELEG-2, DELEG-4 to DELEG-8. (Delegation: Honda, Vasconcelos, Kubo, ESOP
//! 1998; between several parties: Honda, Yoshida, Carbone, POPL 2008.)

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::authority::{Hand, Transfer, commit, holds};
use super::endpoint::{BlockingEndpoint, By, Endpoint};
use super::error::Error;
use super::host::{Host, State};
use super::session::{Session, received};
use crate::machine::{Accepted, Act, Owner, Receipt, Scope, Send, Seq, SessionView, Tick};
use crate::types::subtype::Comparison;
use crate::types::{Direction, Edge, LocalType, Name, RoleIx, SortNode, Value};

/// How many endpoints may be on their way over one session, or received and not taken.
pub const CARRIED_MAX: usize = 1024;

/// An endpoint that was not sent, and why (DELEG-4). It is as it was.
#[derive(Debug)]
pub struct Unsent {
    /// Why.
    pub error: Error,
    /// The endpoint.
    pub endpoint: Endpoint,
}

impl fmt::Display for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the endpoint of `{}` was not sent: {}", self.endpoint.role(), self.error)
    }
}

impl std::error::Error for Unsent {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Forgets the endpoint: it goes back to its session.
impl From<Unsent> for Error {
    fn from(unsent: Unsent) -> Self {
        unsent.error
    }
}

/// An endpoint whose transfer is in flight. Dropping it rolls the transfer back.
struct Staged {
    endpoint: Option<Endpoint>,
    receipt: Receipt,
}

impl Staged {
    /// DELEG-1, DELEG-2: freezes the endpoint, then looks whether it goes on as `expected`.
    fn of(endpoint: Endpoint, expected: &LocalType, transfer: &Transfer) -> Result<Self, Unsent> {
        let hand = Hand { host: &endpoint.host, by: endpoint.presents() };
        let receipt = match hand.stage(transfer, Scope::role(endpoint.role)) {
            Ok(receipt) => receipt,
            Err(error) => return Err(Unsent { error, endpoint }),
        };
        let found = endpoint.view(|endpoint| endpoint.current());
        let staged = Self { endpoint: Some(endpoint), receipt };
        let shown = match found {
            Ok(found) if goes_on_as(&found, expected) => return Ok(staged),
            Ok(found) => found.to_string(),
            Err(_) => String::from("a type that is too large to be written out"),
        };
        let expected = expected.to_string().into();
        let error = Error::WrongEndpoint { expected, found: shown.into() };
        Err(Unsent { error, endpoint: staged.rolled_back() })
    }

    fn roll_back(&self) {
        if let Some(endpoint) = &self.endpoint {
            let hand = Hand { host: &endpoint.host, by: endpoint.presents() };
            // Refused where it ran out or its session has ended: nothing is left to take back.
            let _ = hand.rollback(self.receipt.clone());
        }
    }

    fn rolled_back(mut self) -> Endpoint {
        self.roll_back();
        self.endpoint.take().expect("it is taken once")
    }

    /// DELEG-5: the same endpoint, under a capability of its own.
    fn committed(mut self, owner: Owner) -> Result<Endpoint, Box<(Error, Self)>> {
        let mut endpoint = self.endpoint.take().expect("it is taken once");
        match commit(&endpoint.host, owner, self.receipt.clone()) {
            Ok(capability) => {
                endpoint.by = By::Capability(capability);
                Ok(endpoint)
            }
            Err(error) => {
                self.endpoint = Some(endpoint);
                Err(Box::new((error, self)))
            }
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.roll_back();
    }
}

/// Equality of behaviour: two behaviours have the same table or are different.
fn goes_on_as(found: &LocalType, expected: &LocalType) -> bool {
    found == expected || Comparison::new(found, expected).is_ok_and(|both| both.is_equal())
}

/// An endpoint that a message on an edge stands for.
pub(super) struct Carried {
    giver: RoleIx,
    edge: Edge,
    seq: Seq,
    staged: Staged,
}

impl Carried {
    /// Whether its message was not received.
    pub(super) fn lies_on(&self, session: SessionView<'_>) -> bool {
        let Edge { from, to } = self.edge;
        session.edge(from, to).is_some_and(|edge| edge.consumed() <= self.seq)
    }

    /// DELEG-6: the transfer rolled back, for the giver.
    pub(super) fn back(self) -> Returned {
        Returned { giver: self.giver, endpoint: self.staged.rolled_back() }
    }
}

/// An endpoint that nobody has received.
pub(super) struct Returned {
    giver: RoleIx,
    endpoint: Endpoint,
}

/// What a session carried that is gone.
type Left = (Vec<Carried>, Vec<Returned>);

thread_local! {
    /// What sessions carried that are gone, while it is being let go of.
    static LET_GO: RefCell<Option<Vec<Left>>> = const { RefCell::new(None) };
}

/// DELEG-6: lets go of what a session carried. An endpoint may be the last that holds a session,
/// which carried endpoints in turn, and so on: they go one after the other and not inside each
/// other, so that no chain of them, however long, overflows the stack.
pub(super) fn let_go(carried: Vec<Carried>, returned: Vec<Returned>) {
    if carried.is_empty() && returned.is_empty() {
        return;
    }
    let mut parts = Some((carried, returned));
    let is_outermost = LET_GO.try_with(|waiting| {
        let mut waiting = waiting.borrow_mut();
        let is_outermost = waiting.is_none();
        waiting.get_or_insert_default().extend(parts.take());
        is_outermost
    });
    // At the end of a thread there may be no such list any more: then `parts` goes here.
    if is_outermost == Ok(true) {
        let next = || LET_GO.with_borrow_mut(|waiting| waiting.as_mut().and_then(Vec::pop));
        while let Some(next) = next() {
            drop(next);
        }
        LET_GO.with_borrow_mut(|waiting| *waiting = None);
    }
}

/// A send of an endpoint that waits for room.
struct Leaving {
    send: Send,
    receipt: Receipt,
    /// Until it is sent.
    staged: Option<Staged>,
}

impl Leaving {
    fn done(self, done: Result<(), Error>, to: &str, label: &str) -> Result<(), Unsent> {
        let Err(error) = done else { return Ok(()) };
        let staged = self.staged.expect("what was not sent is still here");
        Err(Unsent { error: error.naming(label, to), endpoint: staged.rolled_back() })
    }
}

impl Endpoint {
    /// Sends an endpoint of another session: whoever receives the message goes on with it. The
    /// label's sort must be `chan(T)`, and the endpoint must go on as `T`. Until it is received
    /// it is frozen. Waits while the edge is full; dropping the future gives the endpoint back to
    /// its session.
    ///
    /// # Errors
    /// [`Unsent`], with the endpoint: [`Error::WrongEndpoint`], [`Error::NoEndpoint`],
    /// [`Error::TooManyCarried`], [`Error::Refused`], [`Error::Journal`].
    pub async fn send_endpoint(
        &mut self,
        to: &str,
        label: &str,
        endpoint: Self,
    ) -> Result<(), Unsent> {
        self.send_endpoint_with(to, label, endpoint, Transfer::to_bearer()).await
    }

    /// As [`send_endpoint`](Self::send_endpoint), and if nobody has received it in this time, it is
    /// among those that are [`returned`](Self::returned).
    ///
    /// # Errors
    /// As [`send_endpoint`](Self::send_endpoint).
    pub async fn send_endpoint_within(
        &mut self,
        time: Duration,
        to: &str,
        label: &str,
        endpoint: Self,
    ) -> Result<(), Unsent> {
        self.send_endpoint_with(to, label, endpoint, Transfer::to_bearer().within(time)).await
    }

    async fn send_endpoint_with(
        &self,
        to: &str,
        label: &str,
        endpoint: Self,
        transfer: Transfer,
    ) -> Result<(), Unsent> {
        let mut leaving = self.leaving(to, label, endpoint, transfer)?;
        let done = self.host.until_possible(|| self.try_carry(&mut leaving)).await;
        leaving.done(done, to, label)
    }

    /// Receives an endpoint from a role; waits until there is one. It acts under a capability of
    /// its own, for the owner that this endpoint acts for.
    ///
    /// # Errors
    /// [`Error::NoEndpoint`] if the next message is another one, which stays where it is;
    /// `receipt_spent` if the endpoint was taken back meanwhile: then only the message came.
    /// [`Error::NotCarried`], [`Error::Refused`], [`Error::Journal`].
    pub async fn receive_endpoint_from(&mut self, from: &str) -> Result<(Name, Self), Error> {
        let role = self.named(from);
        let got = self.host.until_possible(|| self.try_receive_chan(role)).await;
        let (label, value) = got.map_err(|error| error.naming("", from))?;
        Ok((label, take(&self.host, &value, self.presents().owner.clone())?))
    }

    /// The endpoints that this role has sent and nobody has received: their transfers ran out, or
    /// the session ended first. They act as before.
    pub fn returned(&mut self) -> Vec<Self> {
        let role = self.role;
        let mine: Vec<(Arc<Host>, Receipt)> = {
            let state = self.host.state();
            let mine = state.carried.iter().filter(|carried| carried.giver == role);
            let host = |carried: &Carried| carried.staged.endpoint.as_ref().map(|e| e.host.clone());
            mine.filter_map(|c| Some((host(c)?, c.staged.receipt.clone()))).collect()
        };
        // One session after the other, so that no lock is taken under another one.
        let is_over = |(host, receipt): &(Arc<Host>, Receipt)| {
            host.catch_up();
            host.view(|session| session.staged().all(|staged| staged != receipt))
        };
        let over: Vec<Receipt> =
            mine.into_iter().filter(is_over).map(|(_, receipt)| receipt).collect();
        let (over, returned) = {
            let mut state = self.host.state();
            let State { carried, returned, .. } = &mut *state;
            let gone = |carried: &mut Carried| over.contains(&carried.staged.receipt);
            let over: Vec<Carried> = carried.extract_if(.., gone).collect();
            let mine = |returned: &mut Returned| returned.giver == role;
            let returned: Vec<Returned> = returned.extract_if(.., mine).collect();
            (over, returned)
        };
        returned
            .into_iter()
            .chain(over.into_iter().map(Carried::back))
            .map(|r| r.endpoint)
            .collect()
    }

    fn leaving(
        &self,
        to: &str,
        label: &str,
        endpoint: Self,
        transfer: Transfer,
    ) -> Result<Leaving, Unsent> {
        let expected = match self.chan_of(to, label) {
            Ok(expected) => expected,
            Err(error) => return Err(Unsent { error: error.naming(label, to), endpoint }),
        };
        let staged = Staged::of(endpoint, &expected, &transfer.frozen())?;
        let receipt = staged.receipt.clone();
        let send = self.to_send(to, label, Value::from(&receipt));
        Ok(Leaving { send, receipt, staged: Some(staged) })
    }

    /// The `T` of the `chan(T)` that a message would carry now.
    fn chan_of(&self, to: &str, label: &str) -> Result<LocalType, Error> {
        let protocol = &self.host.protocol;
        // No value is an endpoint of no bytes: this is refused, and how is said by the machine.
        let nothing = self.to_send(to, label, Value::Chan(Bytes::new()));
        let automaton = protocol.automaton(self.role);
        let message = self.view(|endpoint| {
            let sends = automaton.direction(endpoint.state()) == Some(Direction::Send);
            let mut moves = endpoint.transitions().iter().filter(|_| sends);
            let found = moves.find(|t| (t.peer, t.label) == (nothing.to, nothing.label));
            found.map(|transition| transition.message)
        });
        let Some(message) = message else {
            return Err(self.try_message(nothing).expect_err("the move is not there"));
        };
        let message = protocol.message(message);
        match message.payload.sort().top() {
            SortNode::Chan(local) => Ok((**local).clone()),
            _ => Err(no_endpoint(protocol.label_name(message.label), message.payload.sort())),
        }
    }

    /// Sends the receipt and keeps the endpoint beside it, at once: nobody receives the one without
    /// the other.
    fn try_carry(&self, leaving: &mut Leaving) -> Result<(), Error> {
        let Leaving { send, receipt, staged } = leaving;
        let done = self.host.change(|state, now| {
            if state.carried.len() >= CARRIED_MAX {
                return Err(Error::TooManyCarried);
            }
            let act = Act::Send(send.clone());
            let Accepted::Sent { seq, .. } = state.machine.act(now, self.presents(), act)? else {
                unreachable!("a send without a position is answered by `Sent`")
            };
            let staged = staged.take().expect("it is sent once");
            let edge = Edge { from: send.role, to: send.to };
            state.carried.push(Carried { giver: send.role, edge, seq, staged });
            Ok(())
        });
        if done.is_err() && staged.is_none() {
            // It was sent, and cannot be kept: the session goes no further.
            *staged = remove(&mut self.host.state(), receipt).map(|carried| carried.staged);
        }
        done
    }

    fn try_receive_chan(&self, from: RoleIx) -> Result<(Name, Value), Error> {
        let edge = Edge { from, to: self.role };
        let handled = self.host.view(|session| session.handler(edge).is_some());
        let (host, by) = (&self.host, self.presents());
        let look = |state: &State| {
            let session = state.machine.session(host.id).expect("the session is there");
            holds(session, by, self.role)?;
            let head = session.edge(from, self.role).and_then(|edge| edge.messages().next());
            let Some(head) = head.filter(|head| !matches!(head.value, Value::Chan(_))) else {
                return Ok(());
            };
            let message = host.protocol.message(head.message);
            let label = host.protocol.label_name(message.label);
            Err(no_endpoint(label, message.payload.sort()))
        };
        if handled {
            let name = |role| host.protocol.role_name(role).to_string();
            return Err(Error::Handled { from: name(from), to: name(self.role) });
        }
        let got = host.change(|state: &mut State, now: Tick| {
            look(state)?;
            Ok(state.machine.receive(now, by, self.role, from)?)
        })?;
        Ok(received(&host.protocol, got))
    }
}

impl BlockingEndpoint {
    /// See [`Endpoint::send_endpoint`].
    ///
    /// # Errors
    /// As [`Endpoint::send_endpoint`], and [`Error::TimedOut`].
    pub fn send_endpoint(
        &mut self,
        to: &str,
        label: &str,
        endpoint: Endpoint,
    ) -> Result<(), Unsent> {
        let by = &self.endpoint;
        let mut leaving = by.leaving(to, label, endpoint, Transfer::to_bearer())?;
        let done = by.host.block_until_possible(self.timeout, || by.try_carry(&mut leaving));
        leaving.done(done, to, label)
    }

    /// See [`Endpoint::receive_endpoint_from`].
    ///
    /// # Errors
    /// As [`Endpoint::receive_endpoint_from`], and [`Error::TimedOut`].
    pub fn receive_endpoint_from(&mut self, from: &str) -> Result<(Name, Endpoint), Error> {
        let by = &self.endpoint;
        let role = by.named(from);
        let got = by.host.block_until_possible(self.timeout, || by.try_receive_chan(role));
        let (label, value) = got.map_err(|error| error.naming("", from))?;
        Ok((label, take(&by.host, &value, by.presents().owner.clone())?))
    }

    /// See [`Endpoint::returned`].
    pub fn returned(&mut self) -> Vec<Endpoint> {
        self.endpoint.returned()
    }
}

impl Session {
    /// The endpoint that a message has brought, for those who received it as a value: a handler, or
    /// in a value with more in it. It acts for `owner`.
    ///
    /// # Errors
    /// [`Error::NotCarried`], `receipt_spent`, `terminal`, [`Error::BadOwner`], [`Error::Journal`].
    pub fn take_endpoint(&self, owner: &str, value: &Value) -> Result<Endpoint, Error> {
        take(&self.host, value, Owner::new(owner).map_err(Error::BadOwner)?)
    }
}

fn no_endpoint(label: &Name, sort: &crate::types::Sort) -> Error {
    Error::NoEndpoint { label: label.clone(), sort: sort.to_string().into() }
}

/// DELEG-5: commits what the value stands for. What is refused stays for the giver.
fn take(host: &Host, value: &Value, owner: Owner) -> Result<Endpoint, Error> {
    let receipt = Receipt::try_from(value).map_err(|_| Error::NotCarried)?;
    let carried = remove(&mut host.state(), &receipt).ok_or(Error::NotCarried)?;
    let Carried { giver, edge, seq, staged } = carried;
    staged.committed(owner).map_err(|refused| {
        let (error, staged) = *refused;
        host.state().carried.push(Carried { giver, edge, seq, staged });
        error
    })
}

fn remove(state: &mut State, receipt: &Receipt) -> Option<Carried> {
    let at = state.carried.iter().position(|carried| carried.staged.receipt == *receipt)?;
    Some(state.carried.swap_remove(at))
}
