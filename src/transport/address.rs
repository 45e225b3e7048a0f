//! Where a server is, and how to come there.

use std::io;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpStream;

use super::{ClientTls, Dial, Stream, Tcp, Transport, WebSocket};

/// How long a connection may take until it is there.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// The longest message of a WebSocket that is taken, in bytes: whoever receives says less.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// What is spoken there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `tcp://`: frames behind their lengths.
    Tcp,
    /// `tls://`: the same under TLS.
    Tls,
    /// `ws://`: a WebSocket.
    Ws,
    /// `wss://`: a WebSocket under TLS.
    Wss,
}

/// The address of a server: `tcp://HOST:PORT`, `tls://…`, `ws://HOST:PORT/PATH` or `wss://…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    scheme: Scheme,
    host: String,
    port: u16,
    path: String,
}

/// A text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no address: {reason}; it would be like ws://127.0.0.1:8080, wss://example.org/link \
     or tcp://127.0.0.1:8081"
)]
pub struct AddressError {
    /// The text.
    pub text: String,
    /// What is wrong.
    pub reason: &'static str,
}

impl Address {
    /// What is spoken there.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    fn is_secure(&self) -> bool {
        matches!(self.scheme, Scheme::Tls | Scheme::Wss)
    }

    fn is_websocket(&self) -> bool {
        matches!(self.scheme, Scheme::Ws | Scheme::Wss)
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = match self.scheme {
            Scheme::Tcp => "tcp",
            Scheme::Tls => "tls",
            Scheme::Ws => "ws",
            Scheme::Wss => "wss",
        };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{open}{}{close}:{}{}", self.host, self.port, self.path)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = |reason| AddressError { text: text.into(), reason };
        let (scheme, rest) = text.split_once("://").ok_or(wrong("it says not what is spoken"))?;
        let scheme = match scheme {
            "tcp" => Scheme::Tcp,
            "tls" => Scheme::Tls,
            "ws" => Scheme::Ws,
            "wss" => Scheme::Wss,
            _ => return Err(wrong("tcp, tls, ws and wss are spoken")),
        };
        let (place, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (host, port) = match place.strip_prefix('[') {
            Some(inside) => {
                let (host, port) = inside.split_once(']').ok_or(wrong("the `[` is not closed"))?;
                (host, port.strip_prefix(':'))
            }
            None => match place.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            },
        };
        if host.is_empty() {
            return Err(wrong("there is no host in it"));
        }
        let port = match (port, scheme) {
            (Some(port), _) => {
                port.parse().map_err(|_| wrong("the port is no number below 65536"))?
            }
            (None, Scheme::Ws) => 80,
            (None, Scheme::Wss) => 443,
            (None, _) => return Err(wrong("there is no port in it")),
        };
        let is_websocket = matches!(scheme, Scheme::Ws | Scheme::Wss);
        if !is_websocket && !matches!(path, "" | "/") {
            return Err(wrong("only a WebSocket has a path"));
        }
        let path = if is_websocket { path } else { "" };
        Ok(Self { scheme, host: host.into(), port, path: path.into() })
    }
}

/// A connection to a server.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a client has one or a few")]
pub enum Net {
    /// Frames behind their lengths.
    Tcp(Tcp),
    /// A WebSocket.
    WebSocket(WebSocket),
}

/// Comes to a server again and again.
#[derive(Debug, Clone)]
pub struct NetDial {
    address: Address,
    tls: Option<ClientTls>,
    is_text: bool,
}

impl NetDial {
    /// With frames in bytes; trusts the authorities that browsers trust, where TLS is spoken.
    ///
    /// # Errors
    /// There is no TLS.
    pub fn new(address: Address) -> io::Result<Self> {
        let tls = address.is_secure().then(|| ClientTls::trusting(None)).transpose()?;
        Ok(Self { address, tls, is_text: false })
    }

    /// Trusts these authorities.
    #[must_use]
    pub fn trusting(self, tls: ClientTls) -> Self {
        Self { tls: self.tls.map(|_| tls), ..self }
    }

    /// Over a WebSocket with frames in JSON; elsewhere they are bytes.
    #[must_use]
    pub fn with_text(self) -> Self {
        Self { is_text: self.address.is_websocket(), ..self }
    }

    /// Whether its frames are texts.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.is_text
    }

    async fn connect(&self) -> io::Result<Net> {
        let Address { host, port, .. } = &self.address;
        let stream = TcpStream::connect((host.as_str(), *port)).await?;
        stream.set_nodelay(true)?;
        let stream = match &self.tls {
            Some(tls) => tls.connect(host, stream).await?,
            None => Stream::Plain(stream),
        };
        if !self.address.is_websocket() {
            return Ok(Net::Tcp(Tcp::new(stream)));
        }
        let url = self.address.to_string();
        let socket = WebSocket::connect(stream, &url, self.is_text, MESSAGE_BYTES_MAX).await?;
        Ok(Net::WebSocket(socket))
    }
}

impl Dial for NetDial {
    type Transport = Net;

    async fn dial(&mut self) -> io::Result<Net> {
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        tokio::time::timeout(CONNECT_MAX, self.connect()).await.map_err(late)?
    }
}

impl Transport for Net {
    async fn send(&mut self, frame: Bytes) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.send(frame).await,
            Self::WebSocket(socket) => socket.send(frame).await,
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.flush().await,
            Self::WebSocket(socket) => socket.flush().await,
        }
    }

    async fn receive(&mut self, most: usize) -> io::Result<Option<Bytes>> {
        match self {
            Self::Tcp(tcp) => tcp.receive(most).await,
            Self::WebSocket(socket) => socket.receive(most).await,
        }
    }

    async fn close(&mut self) {
        match self {
            Self::Tcp(tcp) => tcp.close().await,
            Self::WebSocket(socket) => socket.close().await,
        }
    }

    fn is_text(&self) -> bool {
        match self {
            Self::Tcp(tcp) => tcp.is_text(),
            Self::WebSocket(socket) => socket.is_text(),
        }
    }
}
