//! A host and a bare echo, each on threads of its own, and the connections to them.

use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;

use crate::cli::Failure;
use crate::driver::{Hub, HubOptions};
use crate::journal::Journal;
use crate::machine::SessionId;
use crate::resume::server::ServerOptions;
use crate::server::{ListenOptions, Listener};
use crate::transport::{Dial, NetDial, Transport, WebSocket, websocket};
use crate::types::{Protocol, RoleIx};
use crate::wire::frame::{FRAME_BYTES_MAX, Frame};
use crate::wire::payload::Form;
use crate::wire::seal::{Key, Keys};

/// A runtime on one thread, as a client has it.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn wrong(error: impl std::fmt::Display) -> Failure {
    Failure::Fault(format!("a connection of this machine: {error}"))
}

fn local() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// A host behind both ports, and the thread that takes its connections.
pub(super) struct Host {
    pub(super) hub: Hub,
    pub(super) web: SocketAddr,
    pub(super) tcp: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Host {
    pub(super) fn start(journal: impl Journal + 'static) -> Result<Self, Failure> {
        let keys = Keys::new(Key::new(1, [7; 32]), None).map_err(wrong)?;
        // What is measured comes again and again.
        let server = ServerOptions { attach_burst: u32::MAX, ..ServerOptions::default() };
        let options = HubOptions { server, ..HubOptions::default() };
        let hub = Hub::start(journal, keys, options).map_err(wrong)?.0;
        let runtime = runtime()?;
        let listening = ListenOptions {
            web: Some(local()),
            tcp: Some(local()),
            accepts_per_second: u32::MAX,
            ..ListenOptions::default()
        };
        let listener = runtime.block_on(Listener::bind(&hub, listening))?;
        let (web, tcp) =
            (listener.web().expect("it was asked for"), listener.tcp().expect("it was"));
        let (stop, stopped) = oneshot::channel();
        let ending = hub.clone();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let _ = stopped.await;
                drop(listener);
                ending.shutdown().await;
            });
        });
        Ok(Self { hub, web, tcp, stop: Some(stop), thread: Some(thread) })
    }

    /// A session of a protocol, with invitations to its roles.
    pub(super) async fn open(
        &self,
        protocol: &Arc<Protocol>,
    ) -> Result<(SessionId, Vec<String>), Failure> {
        let capacities = crate::machine::Capacities::every(1024).unchecked();
        let hour = Duration::from_secs(3600);
        let invited = self.hub.open_invited(protocol, capacities, hour).await.map_err(wrong)?;
        Ok((invited.session, invited.invitations.into_iter().map(|(_, text)| text).collect()))
    }

    /// The host plays a role.
    pub(super) async fn play(
        &self,
        session: SessionId,
        role: RoleIx,
        part: impl crate::driver::Part,
    ) -> Result<(), Failure> {
        self.hub.play(session, role, part).await.map_err(wrong)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A bare server of the same library with the same buffers: says again what it hears.
pub(super) struct Echo {
    pub(super) address: SocketAddr,
}

impl Echo {
    pub(super) fn start() -> Result<Self, Failure> {
        let runtime = runtime()?;
        let listener = runtime.block_on(TcpListener::bind(local()))?;
        let address = listener.local_addr()?;
        // It ends with the process.
        std::thread::spawn(move || {
            runtime.block_on(async {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(echo(stream));
                }
            });
        });
        Ok(Self { address })
    }
}

#[expect(clippy::result_large_err, reason = "the library asks for it")]
fn agree(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    if request.headers().contains_key(SEC_WEBSOCKET_PROTOCOL) {
        let binary = HeaderValue::from_static(websocket::BINARY);
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, binary);
    }
    Ok(response)
}

async fn echo(stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let config = Some(websocket::config(FRAME_BYTES_MAX));
    let accepted = tokio_tungstenite::accept_hdr_async_with_config(stream, agree, config).await;
    let Ok(socket) = accepted else { return };
    let mut socket = WebSocket::of(socket, false);
    while let Ok(Some(frame)) = socket.receive(FRAME_BYTES_MAX).await {
        if socket.send(frame).await.is_err() {
            return;
        }
        // Whatever has come meanwhile is one flush, as it is with the host.
        while let Some(Ok(Some(frame))) = ready(socket.receive(FRAME_BYTES_MAX)).await {
            if socket.send(frame).await.is_err() {
                return;
            }
        }
        if socket.flush().await.is_err() {
            return;
        }
    }
}

/// What a future gives at once, if it does.
pub(super) async fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        })
    })
    .await
}

/// A connection over which frames are said and heard as they are.
pub(super) struct Line<T>(pub(super) T);

pub(super) async fn websocket_to(address: SocketAddr) -> Result<impl Transport, Failure> {
    dial(&format!("ws://{address}")).await
}

pub(super) async fn dial(address: &str) -> Result<impl Transport + use<>, Failure> {
    let mut dial = NetDial::new(address.parse().map_err(wrong)?)?;
    Ok(dial.dial().await?)
}

impl<T: Transport> Line<T> {
    pub(super) async fn say(&mut self, frame: &Frame) -> Result<(), Failure> {
        self.0.send(Bytes::from(Form::Binary.encode(frame))).await?;
        Ok(())
    }

    pub(super) async fn hear(&mut self) -> Result<Frame, Failure> {
        let bytes = self.0.receive(FRAME_BYTES_MAX).await?;
        let bytes = bytes.ok_or_else(|| wrong("it was closed"))?;
        Form::Binary.decode(&bytes, FRAME_BYTES_MAX).map_err(wrong)
    }

    /// Joins a role; what it was told of it.
    pub(super) async fn join(&mut self, invitation: &str) -> Result<Frame, Failure> {
        let (token, owner) = (invitation.into(), "bench".into());
        self.say(&Frame::Attach { ep: 0, token, owner, role: None }).await?;
        self.0.flush().await?;
        match self.hear().await? {
            answer @ Frame::Ok { .. } => Ok(answer),
            other => Err(wrong(format_args!("{other:?}"))),
        }
    }
}
