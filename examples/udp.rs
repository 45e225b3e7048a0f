//! A transport of one's own: one frame a datagram of UDP, some of which are lost and some overtaken.
//! A session is played over it to its end.
//!
//! `cargo run --example udp`

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use antiphon::Protocol;
use antiphon::client::{ClientError, ClientOptions, Endpoint};
use antiphon::driver::{Hub, HubOptions};
use antiphon::journal::MemoryJournal;
use antiphon::machine::Capacities;
use antiphon::resume::{Heartbeat, Reconnect};
use antiphon::transport::{Dial, Transport};
use antiphon::wire::seal::{Key, Keys};
use bytes::Bytes;
use fastrand::Rng;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

/// What goes through most networks in one piece.
const DATAGRAM_BYTES_MAX: usize = 1200;

/// In front of each frame: what it is, and of which connection.
const HEADER_BYTES: usize = 5;

const FRAME: u8 = 0;
const CLOSE: u8 = 1;

/// How likely a datagram is lost, and how likely it is sent behind the next one.
const LOSS: f64 = 0.08;
const SWAP: f64 = 0.08;

/// What has happened to datagrams.
#[derive(Default)]
struct Counts {
    sent: AtomicU32,
    lost: AtomicU32,
    swapped: AtomicU32,
    connections: AtomicU32,
}

fn count(of: &AtomicU32) -> u32 {
    of.fetch_add(1, Ordering::Relaxed) + 1
}

/// Where datagrams come from: a socket of one's own, or one that a host shares among connections.
enum Incoming {
    Own,
    Shared(mpsc::Receiver<Bytes>),
}

/// One end of a connection.
struct Udp {
    socket: Arc<UdpSocket>,
    peer: SocketAddr,
    /// Tells it from an older connection of the same port.
    connection: u32,
    incoming: Incoming,
    rng: Rng,
    /// A datagram that waits for the next one.
    held: Option<Vec<u8>>,
    counts: Arc<Counts>,
}

impl Udp {
    fn datagram(&self, kind: u8, frame: &[u8]) -> Vec<u8> {
        [&[kind], &self.connection.to_be_bytes()[..], frame].concat()
    }

    async fn next(&mut self) -> io::Result<Bytes> {
        let mut buffer = [0; DATAGRAM_BYTES_MAX];
        match &mut self.incoming {
            Incoming::Shared(queue) => {
                queue.recv().await.ok_or_else(|| io::ErrorKind::ConnectionReset.into())
            }
            Incoming::Own => loop {
                let (length, from) = self.socket.recv_from(&mut buffer).await?;
                if from == self.peer {
                    return Ok(Bytes::copy_from_slice(&buffer[..length]));
                }
            },
        }
    }
}

/// The connection of a datagram.
fn connection_of(datagram: &[u8]) -> Option<u32> {
    let number = datagram.get(1..HEADER_BYTES)?;
    Some(u32::from_be_bytes(number.try_into().ok()?))
}

impl Transport for Udp {
    async fn send(&mut self, frame: Bytes) -> io::Result<()> {
        let most = DATAGRAM_BYTES_MAX - HEADER_BYTES;
        if frame.len() > most {
            let text = format!("a frame of {} bytes; a datagram holds {most}", frame.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        count(&self.counts.sent);
        if self.rng.f64() < LOSS {
            count(&self.counts.lost);
            return Ok(());
        }
        let datagram = self.datagram(FRAME, &frame);
        if self.held.is_none() && self.rng.f64() < SWAP {
            count(&self.counts.swapped);
            self.held = Some(datagram);
            return Ok(());
        }
        self.socket.send_to(&datagram, self.peer).await?;
        if let Some(held) = self.held.take() {
            self.socket.send_to(&held, self.peer).await?;
        }
        Ok(())
    }

    async fn receive(&mut self, most: usize) -> io::Result<Option<Bytes>> {
        loop {
            let datagram = self.next().await?;
            if connection_of(&datagram) != Some(self.connection) {
                continue;
            }
            let frame = datagram.slice(HEADER_BYTES..);
            return match datagram[0] {
                CLOSE => Ok(None),
                _ if frame.len() > most => {
                    let text = format!("a frame of {} bytes; {most} are read", frame.len());
                    Err(io::Error::new(io::ErrorKind::InvalidData, text))
                }
                _ => Ok(Some(frame)),
            };
        }
    }

    async fn close(&mut self) {
        // It may be lost as well: the other end finds out by its heartbeats.
        let last = self.datagram(CLOSE, &[]);
        let _ = self.socket.send_to(&last, self.peer).await;
    }

    fn is_text(&self) -> bool {
        false
    }
}

/// How to come to the host: a socket of its own for each connection.
#[derive(Clone)]
struct UdpDial {
    host: SocketAddr,
    seed: u64,
    counts: Arc<Counts>,
}

impl Dial for UdpDial {
    type Transport = Udp;

    async fn dial(&mut self) -> io::Result<Udp> {
        self.seed += 1;
        Ok(Udp {
            socket: Arc::new(UdpSocket::bind("127.0.0.1:0").await?),
            peer: self.host,
            connection: count(&self.counts.connections),
            incoming: Incoming::Own,
            rng: Rng::with_seed(self.seed),
            held: None,
            counts: Arc::clone(&self.counts),
        })
    }
}

/// Gives each connection to the hub, and each datagram to its connection.
async fn listen(socket: UdpSocket, hub: Hub, counts: Arc<Counts>) -> io::Result<()> {
    let socket = Arc::new(socket);
    let mut connections: HashMap<(SocketAddr, u32), mpsc::Sender<Bytes>> = HashMap::new();
    let mut buffer = [0; DATAGRAM_BYTES_MAX];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer).await?;
        let Some(connection) = connection_of(&buffer[..length]) else { continue };
        let queue = connections.entry((peer, connection)).or_insert_with(|| {
            let (queue, incoming) = mpsc::channel(64);
            let udp = Udp {
                socket: Arc::clone(&socket),
                peer,
                connection,
                incoming: Incoming::Shared(incoming),
                rng: Rng::with_seed(1000 + u64::from(connection)),
                held: None,
                counts: Arc::clone(&counts),
            };
            let hub = hub.clone();
            tokio::spawn(async move { hub.serve(udp).await });
            queue
        });
        // Where there is no room it is lost, as datagrams are; what has ended makes place.
        let sent = queue.try_send(Bytes::copy_from_slice(&buffer[..length]));
        if matches!(sent, Err(mpsc::error::TrySendError::Closed(_))) {
            connections.remove(&(peer, connection));
        }
    }
}

const ROUNDS: u64 = 25;

async fn asks(mut a: Endpoint) -> Result<u64, ClientError> {
    for round in 0..ROUNDS {
        a.send_nowait("B", "ping", round).await?;
        let (_, answer) = a.receive_from("B").await?;
        assert_eq!(answer.as_nat().ok(), Some(round + 1));
    }
    a.send_nowait("B", "stop", ()).await?;
    let attached = a.attached();
    a.close().await.map(|()| attached)
}

async fn answers(mut b: Endpoint) -> Result<u64, ClientError> {
    loop {
        let (label, value) = b.receive_from("A").await?;
        match (label.as_str(), value.as_nat()) {
            ("ping", Ok(number)) => b.send_nowait("A", "pong", number + 1).await?,
            _ => break,
        };
    }
    let attached = b.attached();
    b.close().await.map(|()| attached)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let protocol: Arc<Protocol> = Arc::new(
        "A = rec X . B!{ ping(nat) . B?pong(nat) . X, stop . end }
         B = rec X . A?{ ping(nat) . A!pong(nat) . X, stop . end }"
            .parse()?,
    );
    let heartbeat = Heartbeat::new(Duration::from_millis(200), Duration::from_millis(900))?;
    let keys = Keys::new(Key::new(1, [7; 32]), None)?; // in earnest: random
    let on = HubOptions { heartbeat, ..HubOptions::default() };
    let (hub, _) = Hub::start(MemoryJournal::default(), keys, on)?;
    let hour = Duration::from_secs(3600);
    let invited = hub.open_invited(&protocol, Capacities::default(), hour).await?;
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    let (host, counts) = (socket.local_addr()?, Arc::new(Counts::default()));
    let listening = tokio::spawn(listen(socket, hub.clone(), Arc::clone(&counts)));

    let mut dial = UdpDial { host, seed: 7, counts: Arc::clone(&counts) };
    let long = dial.dial().await?.send(Bytes::from(vec![0; 2000])).await;
    println!("refused: {}", long.expect_err("it is too long"));

    let options = ClientOptions {
        reconnect: Reconnect::new(Duration::from_millis(5), Duration::from_millis(50))?,
        heartbeat,
        // Soon: what is lost here is not sent again by anybody else.
        patience: Duration::from_millis(25),
        ..ClientOptions::default()
    };
    let join = |index: usize| {
        let (role, invitation) = &invited.invitations[index];
        let dial = UdpDial { seed: 100 * index as u64, ..dial.clone() };
        Endpoint::join(dial, invitation, role.as_str(), options.clone())
    };
    let (a, b) = tokio::try_join!(asks(join(0)), answers(join(1)))?;
    let status = hub.with(invited.session, move |door| {
        door.machine().session(invited.session).map(|session| session.status().to_string())
    });
    println!("{ROUNDS} rounds; the session is {}", status.await?.unwrap_or("reaped".into()));
    let of = |count: &AtomicU32| count.load(Ordering::Relaxed);
    let (sent, lost, swapped) = (of(&counts.sent), of(&counts.lost), of(&counts.swapped));
    println!("{sent} datagrams: {lost} lost, {swapped} overtaken; attached {} times", a + b);
    assert!(lost > 0 && swapped > 0);
    listening.abort();
    hub.shutdown().await;
    Ok(())
}
