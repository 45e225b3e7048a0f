//! Sessions that outlive their connections: the pure part.
//!
//! A connection is an *attachment*: it acts for an endpoint for a while. What is here knows no
//! sockets and no clock; who drives it tells it what has arrived and what the time is.
//!
//! - [`sequencer`]: numbers on one direction of a link, for anyone who needs just this; no session
//!   types in it.
//! - [`handshake`]: the states of a link, and what moves it from one to another.
//! - [`lifetime`]: how long a session waits for a connection that was lost.
//! - [`liveness`]: when a connection counts as dead, and when to try the next one.
//! - `outbox`: the client of a role: what it has done, and what of that is not acknowledged.
//! - `server`: the machine's end of all links.

pub mod handshake;
pub mod lifetime;
pub mod liveness;
#[cfg(feature = "driver")]
pub mod outbox;
pub mod sequencer;
#[cfg(feature = "driver")]
pub mod server;

pub use handshake::{LinkEvent, LinkState};
pub use lifetime::{Lifetime, LifetimeError};
pub use liveness::{Beat, Heartbeat, LivenessError, Reconnect};
pub use sequencer::{Inbound, Offer, Outbound, OutboundRefusal, Retransmission};
