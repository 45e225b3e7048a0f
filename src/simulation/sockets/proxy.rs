//! What stands between a role's client and the host: it takes frames apart from each other and
//! wears them, and cuts connections, also in the middle of a frame.

use std::collections::BTreeMap;
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;

use super::{Common, Sockets, Told};
use crate::simulation::crash::locked;
use crate::transport::{Tcp, Transport, WebSocket, websocket};
use crate::wire::frame::FRAME_BYTES_MAX;

/// How long an end that was not told of a cut is kept from learning of it.
const HELD: Duration = Duration::from_secs(10);

/// How long a cut waits for a frame to go through the middle of.
const FRAME_MAX: Duration = Duration::from_millis(100);

/// How long an end may take nothing.
const STUCK_MAX: Duration = Duration::from_secs(2);

/// A stream that may end in the middle of what is written.
struct Frail {
    stream: TcpStream,
    /// How many bytes may still be written.
    left: Arc<AtomicUsize>,
}

impl Frail {
    fn new(stream: TcpStream, left: &Arc<AtomicUsize>) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, left: Arc::clone(left) })
    }
}

impl AsyncRead for Frail {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Frail {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let left = this.left.load(Ordering::Relaxed);
        if left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let part = &bytes[..bytes.len().min(left)];
        let written = Pin::new(&mut this.stream).poll_write(context, part);
        if let Poll::Ready(Ok(written)) = &written
            && left < usize::MAX
        {
            this.left.store(left - written, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

/// The frames on their way in one direction, by when they arrive.
struct Way {
    frames: BTreeMap<(Instant, u64), Bytes>,
    count: u64,
    /// When the last frame arrives: frames keep their order but by chance.
    last: Instant,
}

impl Way {
    fn new() -> Self {
        Self { frames: BTreeMap::new(), count: 0, last: Instant::now() }
    }

    fn due(&self) -> Option<Instant> {
        self.frames.first_key_value().map(|((when, _), _)| *when)
    }

    fn next(&mut self, now: Instant) -> Option<Bytes> {
        let first = self.frames.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

/// See the module.
pub(super) struct Proxy {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    rng: Rng,
}

struct Shared {
    common: Arc<Common>,
    role: usize,
    host: SocketAddr,
    is_text: bool,
}

impl Proxy {
    pub(super) async fn bind(
        common: &Arc<Common>,
        role: usize,
        host: SocketAddr,
        is_text: bool,
        seed: u64,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (address, common) = (listener.local_addr()?, Arc::clone(common));
        let shared = Arc::new(Shared { common, role, host, is_text });
        Ok(Self { listener, address, shared, rng: Rng::with_seed(seed) })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes connections until it is dropped, and they end with it.
    pub(super) async fn accept(mut self) {
        let mut relays = JoinSet::new();
        loop {
            if let Ok((near, _)) = self.listener.accept().await {
                let (shared, rng) = (Arc::clone(&self.shared), self.rng.fork());
                relays.spawn(async move {
                    // Who finds no host there comes again.
                    let _ = shared.relay(near, rng).await;
                });
            }
            while relays.try_join_next().is_some() {}
        }
    }
}

impl Shared {
    async fn relay(&self, near: TcpStream, rng: Rng) -> io::Result<()> {
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let near = Frail::new(near, &left)?;
        let far = Frail::new(TcpStream::connect(self.host).await?, &left)?;
        match self.common.over {
            Sockets::Tcp => self.wear(Tcp::new(near), Tcp::new(far), &left, rng).await,
            Sockets::WebSocket => {
                let (near, url) = (self.agree(near).await?, format!("ws://{}/", self.host));
                let far = WebSocket::connect(far, &url, self.is_text, FRAME_BYTES_MAX).await?;
                self.wear(near, far, &left, rng).await;
            }
        }
        Ok(())
    }

    async fn agree(&self, near: Frail) -> io::Result<WebSocket<Frail>> {
        let spoken = if self.is_text { websocket::JSON } else { websocket::BINARY };
        #[expect(clippy::result_large_err, reason = "the library asks for it")]
        let answer = |_: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
            let spoken = HeaderValue::from_static(spoken);
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, spoken);
            Ok(response)
        };
        let config = Some(websocket::config(FRAME_BYTES_MAX));
        let inner = accept_hdr_async_with_config(near, answer, config).await;
        Ok(WebSocket::of(inner.map_err(io::Error::other)?, self.is_text))
    }

    /// Passes frames on until an end is closed, or the connection is cut.
    async fn wear<T: Transport>(&self, mut near: T, mut far: T, left: &AtomicUsize, mut rng: Rng) {
        let mean = self.common.options.chaos.cut.map(|mean| mean.as_secs_f64());
        let after = mean.map(|mean| (-mean * (1.0 - rng.f64()).ln()).min(86_400.0));
        let mut cut = after.map(|after| Instant::now() + Duration::from_secs_f64(after));
        let mut is_frail = false;
        let (mut there, mut back) = (Way::new(), Way::new());
        loop {
            let next = [there.due(), back.due(), cut].into_iter().flatten().min();
            let wait = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => pending().await,
                }
            };
            let is_open = tokio::select! {
                frame = near.receive(FRAME_BYTES_MAX) => self.take(frame, &mut there, &mut rng),
                frame = far.receive(FRAME_BYTES_MAX) => self.take(frame, &mut back, &mut rng),
                () = wait => true,
            };
            let now = Instant::now();
            if cut.is_some_and(|cut| cut <= now) {
                // Half of the time in the middle of what comes next, if it comes soon.
                if is_frail || rng.bool() {
                    break;
                }
                left.store(rng.usize(1..16), Ordering::Relaxed);
                (is_frail, cut) = (true, Some(now + FRAME_MAX));
            }
            let passed = self.pass(&mut far, &mut there, now).await
                && self.pass(&mut near, &mut back, now).await;
            if is_frail && (!passed || !is_open) {
                locked(&self.common.counts).truncated += u64::from(!passed);
                break;
            }
            if !passed || !is_open {
                let _ = timeout(STUCK_MAX, async { tokio::join!(near.close(), far.close()) }).await;
                return;
            }
        }
        locked(&self.common.counts).cuts += 1;
        self.common.tell(Told::Cut(self.role));
        // Either end may be the one that is not told.
        let held = (rng.bool().then_some(near), rng.bool().then_some(far));
        if held.0.is_some() || held.1.is_some() {
            sleep(HELD).await;
        }
    }

    /// Sends what is due; whether the end is still there.
    async fn pass(&self, to: &mut impl Transport, way: &mut Way, now: Instant) -> bool {
        let passing = async {
            let mut any = false;
            while let Some(frame) = way.next(now) {
                to.send(frame).await?;
                any = true;
            }
            if any { to.flush().await } else { Ok(()) }
        };
        matches!(timeout(STUCK_MAX, passing).await, Ok(Ok(())))
    }

    /// A frame is on its way; whether there was one.
    fn take(&self, frame: io::Result<Option<Bytes>>, way: &mut Way, rng: &mut Rng) -> bool {
        let Ok(Some(mut frame)) = frame else { return false };
        let chaos = &self.common.options.chaos;
        let mut counts = locked(&self.common.counts);
        let chance = |likely: f64, rng: &mut Rng| likely > 0.0 && rng.f64() < likely;
        let millis = Duration::from_millis;
        counts.frames += 1;
        if chance(chaos.loss, rng) {
            counts.lost += 1;
            return true;
        }
        if chance(chaos.loss / 20.0, rng) {
            counts.truncated += 1;
            frame.truncate(rng.usize(0..frame.len().max(1)));
        }
        let mut when = Instant::now().max(way.last);
        if chance(chaos.reorder, rng) {
            counts.reordered += 1;
            when += millis(rng.u64(1..=120));
        } else {
            way.last = when;
        }
        let copies = if chance(chaos.dup, rng) { 2 } else { 1 };
        counts.repeated += copies - 1;
        for copy in 0..copies {
            let late = if copy == 0 { 0 } else { rng.u64(0..=200) };
            way.count += 1;
            way.frames.insert((when + millis(late), way.count), frame.clone());
        }
        true
    }
}
