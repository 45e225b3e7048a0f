//! Where connections come from elsewhere: a hub behind the ports of TCP and of the web.
//!
//! A [`Listener`] takes connections up to a bound, secures them, and gives each to a shard of its
//! [`Hub`], on whose thread it is served. On the port of the web HTTP is spoken (`GET /health`) and
//! WebSockets are agreed upon, on the other one frames stand behind their lengths.
//!
//! Clauses: SERV-1 to SERV-4.

mod web;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::driver::Hub;
use crate::transport::{ServerTls, Stream, Tcp};
use crate::wire::frame::FRAME_BYTES_MAX;

/// Where a listener listens, and whom it takes.
#[derive(Debug, Clone)]
pub struct ListenOptions {
    /// Where frames are spoken behind their lengths.
    pub tcp: Option<SocketAddr>,
    /// Where HTTP and WebSocket are spoken.
    pub web: Option<SocketAddr>,
    /// Both under TLS.
    pub tls: Option<ServerTls>,
    /// How many connections there are at most.
    pub connections_max: usize,
    /// How many are taken a second; the others wait with the system.
    pub accepts_per_second: u32,
    /// How long a connection may take until it is secured and agreed upon.
    pub handshake: Duration,
    /// The pages whose scripts may connect, as browsers name them (`https://example.org`), beside
    /// those of the server's own host.
    pub origins: Vec<String>,
    /// The longest frame, in bytes.
    pub frame_bytes_max: usize,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            tcp: None,
            web: None,
            tls: None,
            connections_max: 20_000,
            accepts_per_second: 5_000,
            handshake: Duration::from_secs(10),
            origins: Vec::new(),
            frame_bytes_max: FRAME_BYTES_MAX,
        }
    }
}

/// Takes connections for a hub. They end with it; those that were taken go on.
#[derive(Debug)]
pub struct Listener {
    tcp: Option<SocketAddr>,
    web: Option<SocketAddr>,
    /// They end when they are dropped.
    _accepting: JoinSet<()>,
}

/// What all that listen have in common.
struct Common {
    hub: Hub,
    options: ListenOptions,
    room: Arc<Semaphore>,
}

/// What is spoken on a port.
#[derive(Debug, Clone, Copy)]
enum Port {
    Tcp,
    Web,
}

impl Listener {
    /// Listens, and gives what comes to a hub.
    ///
    /// # Errors
    /// An address is taken, or is none of this machine.
    pub async fn bind(hub: &Hub, options: ListenOptions) -> io::Result<Self> {
        let room =
            Arc::new(Semaphore::new(options.connections_max.clamp(1, Semaphore::MAX_PERMITS)));
        let common = Arc::new(Common { hub: hub.clone(), options, room });
        let mut accepting = JoinSet::new();
        let mut bound = [None; 2];
        let wanted = [(Port::Tcp, common.options.tcp), (Port::Web, common.options.web)];
        for ((port, address), bound) in wanted.into_iter().zip(&mut bound) {
            let Some(address) = address else { continue };
            let named =
                |error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}"));
            let listener = TcpListener::bind(address).await.map_err(named)?;
            *bound = Some(listener.local_addr()?);
            accepting.spawn(accept(listener, port, Arc::clone(&common)));
        }
        let [tcp, web] = bound;
        Ok(Self { tcp, web, _accepting: accepting })
    }

    /// Where frames are spoken behind their lengths.
    #[must_use]
    pub fn tcp(&self) -> Option<SocketAddr> {
        self.tcp
    }

    /// Where HTTP and WebSocket are spoken.
    #[must_use]
    pub fn web(&self) -> Option<SocketAddr> {
        self.web
    }
}

/// SERV-1: takes what comes, while there is room.
async fn accept(listener: TcpListener, port: Port, common: Arc<Common>) {
    let rate = common.options.accepts_per_second.max(1);
    let (mut second, mut taken) = (Instant::now(), 0);
    loop {
        if taken >= rate {
            let end = second + Duration::from_secs(1);
            tokio::time::sleep_until(end).await;
        }
        if second.elapsed() >= Duration::from_secs(1) {
            (second, taken) = (Instant::now(), 0);
        }
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => {
                // As many files are open as may be, or the peer is gone already.
                sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        taken += 1;
        // Who finds no room is told so by the end of the connection, and comes again.
        let Ok(place) = Arc::clone(&common.room).try_acquire_owned() else { continue };
        let Ok(stream) = stream.set_nodelay(true).and_then(|()| stream.into_std()) else {
            continue;
        };
        let own = Arc::clone(&common);
        let opened = match port {
            Port::Tcp => {
                let connect = async move { own.in_time(own.secured(stream)).await.map(Tcp::new) };
                common.hub.serve_on_shard(connect, place).await
            }
            Port::Web => {
                let connect = async move {
                    let agreed = async {
                        let stream = own.secured(stream).await?;
                        web::agree(stream, &own.options).await
                    };
                    own.in_time(agreed).await
                };
                common.hub.serve_on_shard(connect, place).await
            }
        };
        if opened.is_err() {
            // The hub has ended.
            return;
        }
    }
}

impl Common {
    /// On the thread that serves it.
    async fn secured(&self, stream: std::net::TcpStream) -> io::Result<Stream> {
        let stream = TcpStream::from_std(stream)?;
        match &self.options.tls {
            Some(tls) => tls.accept(stream).await,
            None => Ok(Stream::Plain(stream)),
        }
    }

    /// SERV-2: who is slow is gone.
    async fn in_time<T>(&self, done: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        timeout(self.options.handshake, done).await.map_err(late)?
    }
}
