//! Only reconnecting: two ends, bytes in both directions, and no protocol of one's own.
//!
//! Somebody opens a pair of ends at a host and gets two [`Ticket`]s, each a text. Whoever brings
//! one has an end: a [`Raw`].
//!
#![cfg_attr(feature = "net", doc = "```")]
#![cfg_attr(not(feature = "net"), doc = "```ignore")]
//! use antiphon::client::raw::{self, Raw, RawOptions};
//! use antiphon::driver::{Hub, HubOptions};
//! use antiphon::journal::MemoryJournal;
//! use antiphon::server::{ListenOptions, Listener};
//! use antiphon::transport::NetDial;
//! use antiphon::wire::seal::{Key, Keys};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The host: in earnest with random keys, and with a journal on disk.
//! let keys = Keys::new(Key::new(1, [7; 32]), None)?;
//! let opens = HubOptions { opens: true, ..HubOptions::default() };
//! let (hub, _) = Hub::start(MemoryJournal::default(), keys, opens)?;
//! let on = ListenOptions { tcp: Some("127.0.0.1:0".parse()?), ..ListenOptions::default() };
//! let listener = Listener::bind(&hub, on).await?;
//! let address = format!("tcp://{}", listener.tcp().unwrap());
//!
//! // The two ends.
//! let (dial, options) = (NetDial::new(address.parse()?)?, RawOptions::default());
//! let (left, right) = raw::open(dial.clone(), &options).await?;
//! let mut phone = Raw::join(dial.clone(), &left, "phone", options.clone());
//! let mut desk = Raw::join(dial, &right.to_string().parse()?, "desk", options);
//! phone.send("hello").await?;                                   // resolves when the host has it
//! desk.send("good morning").await?;
//! assert_eq!(desk.receive().await?.unwrap(), "hello");
//! assert_eq!(phone.receive().await?.unwrap(), "good morning");
//! phone.close().await?;
//! assert_eq!(desk.receive().await?, None);                      // the desk may still send
//! # hub.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What is promised
//!
//! Each message is handed out once and in order, over connections that are lost and over a host
//! that is started again on its journal. No call fails for a lost connection: it waits. Where the
//! process of an end is killed:
//!
//! - **With a store** ([`Raw::durable`]) its next one goes on. A message is consumed when
//!   [`Receiver::receive`] has handed it out and the store has that, a moment later: who is killed
//!   in between is handed it out again, and who is killed behind that is not, whether it did
//!   something with the message or not. What was decided, and not kept before the kill, was never
//!   sent: [`Sender::sent`] says where to go on.
//! - **Without a store** it can come back with the ticket that [`Raw::ticket`] gave. What it had
//!   sent and the host has not kept is gone, and what it had received, but the host did not know to
//!   be consumed, is **handed out again**. Whoever cannot bear either wants a store, or numbers in
//!   the messages.
//!
//! Everything has a bound: a message ([`RawOptions::message_bytes_max`]), the outbox
//! (`ClientOptions::outbox`), what lies at the host for the other end ([`RawOptions::ahead`]).
//! Where one is reached, `send` waits. How long a host waits for an end that is away is in its
//! `ServerOptions`; its journal keeps every message, until it is compacted behind the end.
//!
//! An end is two endpoints of one session, one a direction, each with a connection of its own: no
//! single role sends and receives at once.
//!
//! Clauses: RAW-1 to RAW-7.

mod store;
mod ticket;

use bytes::Bytes;

use super::endpoint::{ClientError, ClientOptions, Endpoint};
use super::store::Store;
use crate::resume::outbox::{Ending, Memory};
use crate::transport::Dial;
use crate::types::{Value, WrongSort};
use crate::wire::payload::Form;

use store::halves;
pub use ticket::{Side, Ticket, TicketError, tickets};

/// The protocol of a pair of ends, for hosts that open it themselves: see [`tickets`].
pub const PROTOCOL: &str = "
    LeftOut  = rec X . RightIn!{ data(bytes) . X, close . end }
    RightIn  = rec X . LeftOut?{ data(bytes) . X, close . end }
    RightOut = rec X . LeftIn!{ data(bytes) . X, close . end }
    LeftIn   = rec X . RightOut?{ data(bytes) . X, close . end }";

/// The longest message, where nothing else is said.
pub const MESSAGE_BYTES_DEFAULT: usize = 64 << 10;

/// How many messages lie at the host in each direction, where nothing else is said.
pub const AHEAD_DEFAULT: u32 = 64;

/// What a frame has beside its message, at most.
const AROUND: usize = 1 << 10;

const DATA: &str = "data";
const CLOSE: &str = "close";

/// How an end behaves.
#[derive(Debug, Clone)]
pub struct RawOptions {
    /// How its two clients behave.
    pub client: ClientOptions,
    /// The longest message that is sent, in bytes. Frames are longer than their messages, and the
    /// host and the other end must read them: see [`fits`](Self::fits).
    pub message_bytes_max: usize,
    /// How many messages lie at the host in each direction, for an end that takes none. Said when
    /// the pair is opened.
    pub ahead: u32,
}

impl Default for RawOptions {
    fn default() -> Self {
        Self {
            client: ClientOptions::default(),
            message_bytes_max: MESSAGE_BYTES_DEFAULT,
            ahead: AHEAD_DEFAULT,
        }
    }
}

impl RawOptions {
    /// The longest message that is really sent: as long as was asked for, and no longer than a
    /// frame of this client holds.
    #[must_use]
    pub fn fits(&self) -> usize {
        let room = self.client.frame_bytes_max.saturating_sub(AROUND);
        let room = match self.client.form {
            Form::Binary => room,
            // Bytes are in base64 there.
            Form::Json => room / 4 * 3,
        };
        self.message_bytes_max.min(room)
    }
}

/// Why an end does not do something.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RawError {
    /// Nothing of it was sent.
    #[error("a message of {bytes} bytes; at most {most} are sent")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// This end was closed, and sends nothing more.
    #[error("this end was closed")]
    Closed,
    /// The host has opened something else than a pair of ends.
    #[error(transparent)]
    Ticket(#[from] TicketError),
    /// The session is over otherwise, or cannot be reached, or its store does not keep it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The other end has sent what is no message.
    #[error(transparent)]
    Sort(#[from] WrongSort),
}

/// RAW-1: opens a pair of ends at a host that lets clients open sessions; the tickets of both.
///
/// # Errors
/// [`RawError::Client`] if the host refuses or is not there; [`RawError::Ticket`].
pub async fn open(mut dial: impl Dial, options: &RawOptions) -> Result<(Ticket, Ticket), RawError> {
    // RAW-7: an edge holds no more, and a send over a full one waits.
    let room = Some(options.ahead);
    let opened = super::open::open(&mut dial, PROTOCOL, room, &options.client).await?;
    let each = opened.invitations.iter();
    Ok(tickets(each.map(|(role, token)| (role.as_str(), token.as_str())))?)
}

/// One of two ends. See the module.
#[derive(Debug)]
pub struct Raw {
    sender: Sender,
    receiver: Receiver,
}

/// The direction of an end that goes out.
#[derive(Debug)]
pub struct Sender {
    endpoint: Endpoint,
    side: Side,
    most: usize,
}

/// The direction of an end that comes in.
#[derive(Debug)]
pub struct Receiver {
    endpoint: Endpoint,
}

impl Raw {
    /// Comes with a ticket, in the name of `owner`: with one of [`open`] for the first time, or
    /// with one of [`ticket`](Self::ticket) again, remembering nothing. Whether it is good shows at
    /// the first call that waits. Must be called on a runtime of tokio.
    #[must_use]
    pub fn join(
        dial: impl Dial + Clone,
        ticket: &Ticket,
        owner: &str,
        options: RawOptions,
    ) -> Self {
        let come = |dial, token: &str| match ticket.is_again() {
            false => Endpoint::join(dial, token, owner, options.client.clone()),
            true => Endpoint::resume(dial, token, options.client.clone()),
        };
        let (out, into) = (come(dial.clone(), ticket.out()), come(dial, ticket.into()));
        Self::of(out, into, ticket, &options)
    }

    /// RAW-4: goes on with what a store has, or joins if it has nothing; keeps in the store what
    /// its process must not lose. Give it the ticket that it came with first.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn durable(
        dial: impl Dial + Clone,
        store: impl Store,
        ticket: &Ticket,
        owner: &str,
        options: RawOptions,
    ) -> Result<Self, RawError> {
        let [for_out, for_into] = halves(store).map_err(ClientError::from)?;
        let client = || options.client.clone();
        let out = Endpoint::durable(dial.clone(), for_out, ticket.out(), owner, client())?;
        let into = Endpoint::durable(dial, for_into, ticket.into(), owner, client())?;
        Ok(Self::of(out, into, ticket, &options))
    }

    fn of(out: Endpoint, into: Endpoint, ticket: &Ticket, options: &RawOptions) -> Self {
        let (side, most) = (ticket.side(), options.fits());
        Self { sender: Sender { endpoint: out, side, most }, receiver: Receiver { endpoint: into } }
    }

    /// See [`Sender::send`].
    ///
    /// # Errors
    /// [`RawError`].
    pub async fn send(&mut self, message: impl Into<Bytes>) -> Result<(), RawError> {
        self.sender.send(message).await
    }

    /// See [`Sender::send_nowait`].
    ///
    /// # Errors
    /// [`RawError`].
    pub async fn send_nowait(&mut self, message: impl Into<Bytes>) -> Result<u64, RawError> {
        self.sender.send_nowait(message).await
    }

    /// See [`Sender::kept`].
    ///
    /// # Errors
    /// [`RawError`].
    pub async fn kept(&self, number: u64) -> Result<(), RawError> {
        self.sender.kept(number).await
    }

    /// See [`Receiver::receive`].
    ///
    /// # Errors
    /// [`RawError`].
    pub async fn receive(&mut self) -> Result<Option<Bytes>, RawError> {
        self.receiver.receive().await
    }

    /// See [`Sender::close`].
    ///
    /// # Errors
    /// [`RawError`].
    pub async fn close(&mut self) -> Result<(), RawError> {
        self.sender.close().await
    }

    /// Both directions, for two tasks.
    #[must_use]
    pub fn split(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }

    /// Both directions, for one task that waits for either.
    pub fn both(&mut self) -> (&mut Sender, &mut Receiver) {
        (&mut self.sender, &mut self.receiver)
    }

    /// What to come back with from another process that remembers nothing, by
    /// [`join`](Self::join), once both directions were attached. Of these only the newest is sure
    /// to be good.
    #[must_use]
    pub fn ticket(&self) -> Option<Ticket> {
        let (out, into) = (self.sender.endpoint.token()?, self.receiver.endpoint.token()?);
        Some(Ticket::again(self.sender.side, &out, &into))
    }

    /// Waits until both directions were attached first.
    ///
    /// # Errors
    /// [`RawError::Client`], if it is over before.
    pub async fn ready(&self) -> Result<(), RawError> {
        self.sender.ready().await?;
        self.receiver.ready().await
    }

    /// How often its directions were attached, together.
    #[must_use]
    pub fn attached(&self) -> u64 {
        self.sender.attached() + self.receiver.attached()
    }
}

impl Sender {
    /// RAW-2: sends a message, and waits until the host has kept it. A future that is dropped
    /// meanwhile undoes nothing: what was decided is sent.
    ///
    /// # Errors
    /// [`RawError`]; nothing was sent if it is `TooLong` or `Closed`.
    pub async fn send(&mut self, message: impl Into<Bytes>) -> Result<(), RawError> {
        let number = self.send_nowait(message).await?;
        self.kept(number).await
    }

    /// Sends a message, and waits for no more than room in the outbox; its number, from 0, for
    /// [`kept`](Self::kept).
    ///
    /// # Errors
    /// [`RawError`]; nothing was sent if it is `TooLong` or `Closed`.
    pub async fn send_nowait(&mut self, message: impl Into<Bytes>) -> Result<u64, RawError> {
        let message = message.into();
        // RAW-5: what nobody would read must not stand in front of everything else.
        if message.len() > self.most {
            return Err(RawError::TooLong { bytes: message.len(), most: self.most });
        }
        self.ready().await?;
        if has_ended(&self.endpoint) {
            return Err(RawError::Closed);
        }
        let to = self.side.other().into();
        Ok(self.endpoint.send_nowait(to, DATA, Value::Bytes(message)).await?)
    }

    /// Waits until the message of this number is kept by the host.
    ///
    /// # Errors
    /// [`RawError::Client`], if it is over before.
    pub async fn kept(&self, number: u64) -> Result<(), RawError> {
        Ok(self.endpoint.kept(number).await?)
    }

    /// Waits until it was attached first, or goes on with what it remembers.
    ///
    /// # Errors
    /// [`RawError::Client`], if it is over before.
    pub async fn ready(&self) -> Result<(), RawError> {
        Ok(self.endpoint.ready().await?)
    }

    /// How many messages were sent, of all its lives; `None` until it was attached first. With a
    /// store, those that its process decided and did not keep before it was killed are not among
    /// them: they are to be sent again.
    #[must_use]
    pub fn sent(&self) -> Option<u64> {
        performed(&self.endpoint)
    }

    /// How often it was attached.
    #[must_use]
    pub fn attached(&self) -> u64 {
        self.endpoint.attached()
    }

    /// RAW-6: this end sends nothing more, and the other one learns it behind what was sent. Waits
    /// until the host has kept that; it may be said again. What comes in is received as before.
    ///
    /// # Errors
    /// [`RawError::Client`].
    pub async fn close(&mut self) -> Result<(), RawError> {
        match self.endpoint.ready().await {
            // It was closed, and so was the other end.
            Err(over) if is_closed(&over) => return Ok(()),
            other => other?,
        }
        if !has_ended(&self.endpoint) {
            self.endpoint.send_nowait(self.side.other().into(), CLOSE, ()).await?;
        }
        settled(&self.endpoint).await
    }
}

impl Receiver {
    /// RAW-3: the next message; `None` behind the last one, when the other end has closed. A future
    /// that is dropped meanwhile loses nothing.
    ///
    /// # Errors
    /// [`RawError::Client`].
    pub async fn receive(&mut self) -> Result<Option<Bytes>, RawError> {
        match self.endpoint.ready().await {
            Err(over) if is_closed(&over) => return Ok(None),
            other => other?,
        }
        if !has_ended(&self.endpoint) {
            let taken = self.endpoint.receive().await?;
            if taken.label.as_str() == DATA {
                return Ok(Some(taken.value.as_bytes()?.clone()));
            }
        }
        // Whoever is told the end goes away: the host has to know by then.
        settled(&self.endpoint).await?;
        Ok(None)
    }

    /// Waits until it was attached first, or goes on with what it remembers.
    ///
    /// # Errors
    /// [`RawError::Client`], if it is over before.
    pub async fn ready(&self) -> Result<(), RawError> {
        Ok(self.endpoint.ready().await?)
    }

    /// How often it was attached.
    #[must_use]
    pub fn attached(&self) -> u64 {
        self.endpoint.attached()
    }

    /// How many messages were handed out, of all its lives; `None` until it was attached first.
    #[must_use]
    pub fn received(&self) -> Option<u64> {
        performed(&self.endpoint)
    }
}

/// How many messages a direction has had: all of its actions but its end.
fn performed(endpoint: &Endpoint) -> Option<u64> {
    endpoint.look(|memory| memory.position() - u64::from(memory.has_ended()))
}

fn has_ended(endpoint: &Endpoint) -> bool {
    endpoint.look(Memory::has_ended).unwrap_or(false)
}

/// Both directions were closed, and the host knows it of all.
fn is_closed(error: &ClientError) -> bool {
    matches!(error, ClientError::Over(Ending::Session { status, .. }) if status == "closed")
}

/// Waits until the host has kept whatever an endpoint did.
async fn settled(endpoint: &Endpoint) -> Result<(), RawError> {
    let Some(last) = endpoint.position().and_then(|position| position.checked_sub(1)) else {
        return Ok(());
    };
    match endpoint.kept(last).await {
        Err(error) if !is_closed(&error) => Err(error.into()),
        _ => Ok(()),
    }
}
