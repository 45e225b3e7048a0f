//! Frames over a WebSocket (RFC 6455): one a message. Clauses: TRAN-1 to TRAN-3, TRAN-5.

use std::io;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::{Stream, Transport, too_long};

/// The subprotocol whose messages are texts: frames in JSON.
pub const JSON: &str = "antiphon.v1.json";

/// The subprotocol whose messages are bytes.
pub const BINARY: &str = "antiphon.v1.bin";

/// How many bytes are read at once: an idle connection holds so many.
const READ_BYTES: usize = 3 << 10;

/// How many bytes are held back at most until a flush.
const UNSENT_MAX: usize = 64 << 10;

/// A WebSocket that carries frames.
#[derive(Debug)]
pub struct WebSocket<S = Stream> {
    inner: WebSocketStream<S>,
    is_text: bool,
}

/// How its buffers are: small, and nothing longer than `most` is taken.
#[must_use]
pub fn config(most: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(UNSENT_MAX)
        .max_write_buffer_size(usize::MAX)
        .max_message_size(Some(most))
        .max_frame_size(Some(most))
}

/// The first of the subprotocols that a client offers that is spoken here; and whether it is text.
#[must_use]
pub fn chosen<'o>(offers: impl Iterator<Item = &'o str>) -> Option<(&'static str, bool)> {
    let mut offers = offers.flat_map(|offer| offer.split(',')).map(str::trim);
    offers.find_map(|offer| match offer {
        JSON => Some((JSON, true)),
        BINARY => Some((BINARY, false)),
        _ => None,
    })
}

fn io_error(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::ConnectionClosed | Error::AlreadyClosed => io::ErrorKind::NotConnected.into(),
        error @ Error::Http(_) => io::Error::new(io::ErrorKind::ConnectionRefused, error),
        error => io::Error::new(io::ErrorKind::InvalidData, error),
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// A WebSocket that was agreed upon elsewhere, with frames in texts or in bytes.
    #[must_use]
    pub fn of(inner: WebSocketStream<S>, is_text: bool) -> Self {
        Self { inner, is_text }
    }

    /// A server's end behind the handshake; `read` was read already.
    pub async fn accepted(stream: S, read: Bytes, is_text: bool, most: usize) -> Self {
        let config = Some(config(most));
        // A copy: it would hold all of the buffer that it was read into, for as long as it lives.
        let read = read.to_vec();
        let inner = WebSocketStream::from_partially_read(stream, read, Role::Server, config).await;
        Self { inner, is_text }
    }

    /// A client's end: asks for `url`, with frames in JSON or in bytes.
    ///
    /// # Errors
    /// The server does not agree, or the connection is lost.
    pub async fn connect(stream: S, url: &str, is_text: bool, most: usize) -> io::Result<Self> {
        let wanted = if is_text { JSON } else { BINARY };
        let mut request = url.into_client_request().map_err(io_error)?;
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(wanted));
        let config = Some(config(most));
        let done = tokio_tungstenite::client_async_with_config(request, stream, config).await;
        // A server that chooses another subprotocol, or none, is refused there (RFC 6455, 4.1).
        let (inner, _) = done.map_err(io_error)?;
        Ok(Self { inner, is_text })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Transport for WebSocket<S> {
    async fn send(&mut self, frame: Bytes) -> io::Result<()> {
        let message = if self.is_text {
            let text = Utf8Bytes::try_from(frame);
            Message::Text(text.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?)
        } else {
            Message::Binary(frame)
        };
        self.inner.feed(message).await.map_err(io_error)
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.inner.flush().await.map_err(io_error)
    }

    async fn receive(&mut self, most: usize) -> io::Result<Option<Bytes>> {
        loop {
            let frame = match self.inner.next().await {
                Some(Ok(Message::Text(text))) if self.is_text => Bytes::from(text),
                Some(Ok(Message::Binary(bytes))) if !self.is_text => bytes,
                // Answered by the library.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(_))) | None => return Ok(None),
                Some(Ok(_)) => {
                    let what = "a message that is not of the chosen subprotocol";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                }
                Some(Err(Error::ConnectionClosed | Error::AlreadyClosed)) => return Ok(None),
                Some(Err(error)) => return Err(io_error(error)),
            };
            if frame.len() > most {
                return Err(too_long(frame.len(), most));
            }
            return Ok(Some(frame));
        }
    }

    async fn close(&mut self) {
        // Who is gone hears nothing.
        let _ = self.inner.close(None).await;
    }

    fn is_text(&self) -> bool {
        self.is_text
    }
}
