//! Bytes in motion: connections that carry whole frames. Knows no protocol: a frame is bytes.
//!
//! [`memory()`] is a pair of queues in this process, [`Chaos`] wraps any transport and does to its
//! frames what networks do, from a seed. `Tcp` and `WebSocket` are connections to elsewhere, with
//! TLS or without; `NetDial` comes to an address again and again.
//!
//! Clauses: TRAN-1 to TRAN-5.

#[cfg(feature = "net")]
mod address;
mod chaos;
pub mod memory;
#[cfg(feature = "net")]
mod stream;
#[cfg(feature = "net")]
mod tcp;
#[cfg(feature = "net")]
pub mod websocket;

use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

#[cfg(feature = "net")]
pub use address::{Address, AddressError, Net, NetDial, Scheme};
pub use chaos::{Chaos, Wear};
pub use memory::{Memory, memory};
#[cfg(feature = "net")]
pub use stream::{ClientTls, ServerTls, Stream};
#[cfg(feature = "net")]
pub use tcp::Tcp;
#[cfg(feature = "net")]
pub use websocket::WebSocket;

/// One end of a connection.
///
/// A frame that was sent arrives whole or not at all; those that arrive keep their order, unless
/// the transport says otherwise. That a frame was sent does not say that it has arrived.
pub trait Transport: Send + 'static {
    /// Sends a frame, at the latest with the next [`flush`](Self::flush). Waits while the other end
    /// takes none.
    ///
    /// # Errors
    /// The connection is lost.
    fn send(&mut self, frame: Bytes) -> impl Future<Output = io::Result<()>> + Send;

    /// Holds back nothing of what was sent.
    ///
    /// # Errors
    /// The connection is lost.
    fn flush(&mut self) -> impl Future<Output = io::Result<()>> + Send {
        std::future::ready(Ok(()))
    }

    /// The next frame; `None` if the other end has closed. May be dropped while it waits, and
    /// nothing is lost by that.
    ///
    /// # Errors
    /// The connection is lost, or a frame was longer than `most` bytes.
    fn receive(&mut self, most: usize) -> impl Future<Output = io::Result<Option<Bytes>>> + Send;

    /// Closes this end, and lets what was sent arrive.
    fn close(&mut self) -> impl Future<Output = ()> + Send;

    /// Whether its frames are texts.
    fn is_text(&self) -> bool;
}

/// What a future gives at once, if it does. Nothing is woken for it.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

/// How to come to a new connection to the same place.
pub trait Dial: Send + 'static {
    /// What comes of it.
    type Transport: Transport;

    /// Connects.
    ///
    /// # Errors
    /// Nobody is there, or not now.
    fn dial(&mut self) -> impl Future<Output = io::Result<Self::Transport>> + Send;
}

/// The error for a frame that is too long.
pub(crate) fn too_long(bytes: usize, most: usize) -> io::Error {
    let text = format!("a frame of {bytes} bytes; at most {most} are read");
    io::Error::new(io::ErrorKind::InvalidData, text)
}
