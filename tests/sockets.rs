//! Hosts and clients over real sockets of this machine: TCP and WebSocket, with TLS and without; peers
//! that mean no good; and a proxy between them that cuts.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use antiphon::client::{self, ClientError, ClientOptions, Endpoint};
use antiphon::driver::{Hub, HubOptions};
use antiphon::journal::MemoryJournal;
use antiphon::resume::{Heartbeat, Reconnect};
use antiphon::server::{ListenOptions, Listener};
use antiphon::transport::{Address, ClientTls, NetDial, ServerTls};
use antiphon::wire::frame::Frame;
use antiphon::wire::payload::Form;
use antiphon::wire::seal::{Key, Keys};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

const PING: &str = "
    A = rec X . B!{ ping(nat) . B?pong(nat) . X, stop . end }
    B = rec X . A?{ ping(nat) . A!pong(nat) . X, stop . end }";

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A certificate for this machine, in files that go with it.
struct Certificate(PathBuf);

impl Certificate {
    fn new() -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let made = MADE.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("antiphon-tls-{}-{made}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        Self(folder)
    }

    fn server(&self) -> ServerTls {
        ServerTls::of(&self.0.join("cert.pem"), &self.0.join("key.pem")).unwrap()
    }

    fn client(&self) -> ClientTls {
        ClientTls::trusting(Some(&self.0.join("cert.pem"))).unwrap()
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn hub(journal: &MemoryJournal, shards: usize) -> Hub {
    let keys = Keys::new(Key::new(1, [7; 32]), None).unwrap();
    let options = HubOptions {
        shards,
        opens: true,
        secret: Some("sesame".into()),
        greeting: millis(400),
        ..HubOptions::default()
    };
    Hub::start(journal.clone(), keys, options).unwrap().0
}

fn listening() -> ListenOptions {
    ListenOptions {
        tcp: Some(local(0)),
        web: Some(local(0)),
        handshake: millis(400),
        ..ListenOptions::default()
    }
}

fn options(dial: &NetDial) -> ClientOptions {
    ClientOptions {
        reconnect: Reconnect::new(millis(2), millis(40)).unwrap(),
        heartbeat: Heartbeat::new(millis(300), millis(1500)).unwrap(),
        patience: millis(200),
        secret: Some("sesame".into()),
        form: Form::of(dial.is_text()),
        ..ClientOptions::default()
    }
}

fn dial(address: &str) -> NetDial {
    NetDial::new(address.parse().unwrap()).unwrap()
}

async fn joined(dial: &NetDial) -> [Endpoint; 2] {
    let opened = client::open(&mut dial.clone(), PING, None, &options(dial)).await.unwrap();
    assert_eq!(opened.session.len(), 32);
    let roles: Vec<&str> = opened.invitations.iter().map(|(role, _)| role.as_str()).collect();
    assert_eq!(roles, ["A", "B"]);
    [0, 1].map(|role: usize| {
        let (name, token) = &opened.invitations[role];
        Endpoint::join(dial.clone(), token, name, options(dial))
    })
}

async fn ping(a: &mut Endpoint, rounds: u64) -> Result<(), ClientError> {
    for round in 0..rounds {
        a.send("B", "ping", round).await?;
        let (_, value) = a.receive_from("B").await?;
        assert_eq!(value.as_nat().unwrap(), round + 1);
    }
    Ok(())
}

async fn pong(b: &mut Endpoint, rounds: u64) -> Result<(), ClientError> {
    for round in 0..rounds {
        let (_, value) = b.receive_from("A").await?;
        assert_eq!(value.as_nat().unwrap(), round);
        b.send("A", "pong", round + 1).await?;
    }
    Ok(())
}

/// TRAN-1, TRAN-5, HUB-7, PEER-7: a session is opened, joined and played over each transport, and
/// goes on when the host goes away and another one comes.
#[tokio::test]
async fn a_session_is_played_over_each_transport_and_over_a_restart() {
    let certificate = Certificate::new();
    for scheme in ["tcp", "ws", "ws json", "tls", "wss"] {
        let journal = MemoryJournal::default();
        let first = hub(&journal, 2);
        let is_secure = matches!(scheme, "tls" | "wss");
        let tls = is_secure.then(|| certificate.server());
        let on = ListenOptions { tls: tls.clone(), ..listening() };
        let listener = Listener::bind(&first, on).await.unwrap();
        let (tcp, web) = (listener.tcp().unwrap(), listener.web().unwrap());
        let (word, is_text) = (scheme.split(' ').next().unwrap(), scheme.ends_with("json"));
        let port = if word.starts_with('w') { web.port() } else { tcp.port() };
        let dial = dial(&format!("{word}://localhost:{port}")).trusting(certificate.client());
        let dial = if is_text { dial.with_text() } else { dial };
        let [mut a, mut b] = joined(&dial).await;
        let (done_a, done_b) = tokio::join!(ping(&mut a, 20), pong(&mut b, 20));
        done_a.and(done_b).unwrap_or_else(|error| panic!("{scheme}: {error}"));
        let attached = a.attached();

        drop(listener);
        first.shutdown().await;
        let second = hub(&journal, 1);
        let on = ListenOptions { tls, tcp: Some(tcp), web: Some(web), ..listening() };
        let listener = Listener::bind(&second, on).await.unwrap();
        let (done_a, done_b) = tokio::join!(ping(&mut a, 20), pong(&mut b, 20));
        done_a.and(done_b).unwrap_or_else(|error| panic!("{scheme}, again: {error}"));
        assert!(a.attached() > attached);
        drop((a, b, listener));
        second.shutdown().await;
    }
}

/// HUB-3: without the secret nothing is opened, and nobody comes in; nor with a protocol that is none.
#[tokio::test]
async fn strangers_open_nothing() {
    let hub = hub(&MemoryJournal::default(), 1);
    let listener = Listener::bind(&hub, listening()).await.unwrap();
    let dial = dial(&format!("tcp://{}", listener.tcp().unwrap()));
    let code_of = async |protocol: &str, secret: Option<&str>| {
        let options = ClientOptions { secret: secret.map(Into::into), ..options(&dial) };
        match client::open(&mut dial.clone(), protocol, None, &options).await {
            Err(ClientError::Rejected { code, .. }) => code,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code_of(PING, None).await, "unauthenticated");
    assert_eq!(code_of(PING, Some("open")).await, "unauthenticated");
    assert_eq!(code_of("A = B!x . end", Some("sesame")).await, "bad_protocol");
    let forged = Endpoint::join(dial.clone(), "AQEAAAAB", "mallory", options(&dial));
    assert!(forged.over().await.to_string().contains("bad_token"));
    hub.shutdown().await;
}

async fn ended(stream: &mut TcpStream, within: Duration) -> bool {
    let mut rest = Vec::new();
    timeout(within, stream.read_to_end(&mut rest)).await.is_ok()
}

/// SERV-1 to SERV-3: peers that say too much, too little, too slowly or nothing are gone soon, and
/// nobody else notices.
#[tokio::test]
async fn who_means_no_good_is_gone_and_nobody_notices() {
    let hub = hub(&MemoryJournal::default(), 1);
    let listener = Listener::bind(&hub, listening()).await.unwrap();
    let (tcp, web) = (listener.tcp().unwrap(), listener.web().unwrap());
    let [mut a, mut b] = joined(&dial(&format!("ws://{web}"))).await;
    let playing = tokio::spawn(async move { tokio::join!(ping(&mut a, 300), pong(&mut b, 300)) });

    // A frame of 4 GiB is announced; nothing is waited for.
    let mut oversized = TcpStream::connect(tcp).await.unwrap();
    oversized.write_all(&[0xFF; 8]).await.unwrap();
    assert!(ended(&mut oversized, millis(300)).await);
    // One that is none.
    let mut garbage = TcpStream::connect(tcp).await.unwrap();
    garbage.write_all(&[0, 0, 0, 3, 9, 9, 9]).await.unwrap();
    assert!(ended(&mut garbage, millis(300)).await);
    // One that is cut off.
    let mut truncated = TcpStream::connect(tcp).await.unwrap();
    truncated.write_all(&[0, 0, 1, 0, 1]).await.unwrap();
    truncated.shutdown().await.unwrap();
    assert!(ended(&mut truncated, millis(300)).await);
    // A byte now and then, and silence: on either port.
    for address in [tcp, web] {
        let (begun, mut slow) = (Instant::now(), TcpStream::connect(address).await.unwrap());
        let mut silent = TcpStream::connect(address).await.unwrap();
        while begun.elapsed() < Duration::from_secs(5) && slow.write_all(b"G").await.is_ok() {
            sleep(millis(50)).await;
        }
        assert!(begun.elapsed() < Duration::from_secs(4), "{address}");
        assert!(ended(&mut silent, millis(1000)).await, "{address}");
    }
    // One that says the secret, and comes with a token that is none, again and again.
    let forged = [
        Frame::Auth { secret: "sesame".into() },
        Frame::Attach { ep: 0, token: "AQEAAAAB".into(), owner: "mallory".into(), role: None },
        Frame::Ping { t: 1 },
    ];
    let (begun, mut forger) = (Instant::now(), TcpStream::connect(tcp).await.unwrap());
    for frame in forged.iter().cycle() {
        let bytes = Form::Binary.encode(frame);
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        let said = [&length[..], &bytes].concat();
        if begun.elapsed() > Duration::from_secs(4) || forger.write_all(&said).await.is_err() {
            break;
        }
        sleep(millis(20)).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(3));
    // No handshake, none of the subprotocols, and a page of somebody else.
    for (request, status) in [
        ("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".into(), "200 OK"),
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".into(), "404 Not Found"),
        (upgrade("chat", None), "400 Bad Request"),
        (upgrade("antiphon.v1.json", Some("https://evil.example")), "403 Forbidden"),
        (upgrade("chat, antiphon.v1.json", None), "101 Switching Protocols"),
    ] {
        let mut stream = TcpStream::connect(web).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 64];
        let read = timeout(millis(1000), stream.read(&mut answer)).await.unwrap().unwrap();
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}\n{answer}");
    }
    // Many that never say who they are.
    let mut strangers = Vec::new();
    for _ in 0..200 {
        strangers.push(TcpStream::connect(tcp).await.unwrap());
    }
    let (done_a, done_b) = playing.await.unwrap();
    done_a.and(done_b).unwrap();
    for mut stranger in strangers {
        assert!(ended(&mut stranger, millis(2000)).await);
    }
    hub.shutdown().await;
}

fn upgrade(subprotocols: &str, origin: Option<&str>) -> String {
    let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
    format!(
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: {subprotocols}\r\n{origin}\r\n"
    )
}

/// SERV-1: as many as there may be are served, and one that left makes room.
#[tokio::test]
async fn connections_have_a_bound() {
    let hub = hub(&MemoryJournal::default(), 1);
    let on = ListenOptions { connections_max: 2, ..listening() };
    let listener = Listener::bind(&hub, on).await.unwrap();
    let [mut a, mut b] = joined(&dial(&format!("tcp://{}", listener.tcp().unwrap()))).await;
    let (done_a, done_b) = tokio::join!(ping(&mut a, 3), pong(&mut b, 3));
    done_a.and(done_b).unwrap();
    let mut third = TcpStream::connect(listener.web().unwrap()).await.unwrap();
    assert!(ended(&mut third, millis(300)).await);
    drop(a);
    for _ in 0..100 {
        let mut next = TcpStream::connect(listener.web().unwrap()).await.unwrap();
        if !ended(&mut next, millis(50)).await {
            return hub.shutdown().await;
        }
    }
    panic!("there is no room again");
}

/// Between clients and a host: passes on what comes, and cuts each connection after a while.
async fn proxy(to: SocketAddr, seed: u64) -> io::Result<(SocketAddr, Arc<AtomicU64>)> {
    let listener = TcpListener::bind(local(0)).await?;
    let (address, cuts) = (listener.local_addr()?, Arc::new(AtomicU64::new(0)));
    let counted = Arc::clone(&cuts);
    tokio::spawn(async move {
        let mut rng = fastrand::Rng::with_seed(seed);
        while let Ok((near, _)) = listener.accept().await {
            let Ok(far) = TcpStream::connect(to).await else { continue };
            let (after, counted) = (millis(rng.u64(1..60)), Arc::clone(&counted));
            tokio::spawn(async move {
                let ((mut near_in, mut near_out), (mut far_in, mut far_out)) =
                    (near.into_split(), far.into_split());
                tokio::select! {
                    _ = copy(&mut near_in, &mut far_out) => {}
                    _ = copy(&mut far_in, &mut near_out) => {}
                    () = sleep(after) => { counted.fetch_add(1, Ordering::Relaxed); }
                }
            });
        }
    });
    Ok((address, cuts))
}

/// Across connections that are cut in the middle of frames, each message is consumed once and in order.
#[tokio::test]
async fn what_is_cut_in_the_middle_of_frames_loses_nothing() {
    let hub = hub(&MemoryJournal::default(), 2);
    let listener = Listener::bind(&hub, listening()).await.unwrap();
    for (scheme, to) in [("tcp", listener.tcp()), ("ws", listener.web())] {
        let (address, cuts) = proxy(to.unwrap(), 7).await.unwrap();
        let direct = dial(&format!("{scheme}://{}", to.unwrap()));
        let through = dial(&format!("{scheme}://{address}"));
        let opened =
            client::open(&mut direct.clone(), PING, None, &options(&direct)).await.unwrap();
        let [mut a, mut b] = [0, 1].map(|role: usize| {
            let (name, token) = &opened.invitations[role];
            Endpoint::join(through.clone(), token, name, options(&through))
        });
        let mut rounds = 0;
        // A round takes as long as the machine needs: as many as it takes to be cut often.
        while cuts.load(Ordering::Relaxed) < 30 {
            let (done_a, done_b) = tokio::join!(ping(&mut a, 50), pong(&mut b, 50));
            done_a.and(done_b).unwrap_or_else(|error| panic!("{scheme}: {error}"));
            rounds += 50;
        }
        assert!(rounds > 0 && a.attached() + b.attached() > 4);
        let position = a.position().unwrap();
        assert_eq!(position, 2 * rounds);
    }
    hub.shutdown().await;
}

/// What an address is.
#[test]
fn addresses_are_read_as_they_are_written() {
    for text in
        ["tcp://127.0.0.1:8081", "tls://example.org:1", "ws://[::1]:8080/link", "wss://a:443"]
    {
        assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
    }
    assert_eq!(
        "wss://example.org".parse::<Address>().unwrap().to_string(),
        "wss://example.org:443"
    );
    for (text, why) in [
        ("example.org", "it says not what is spoken"),
        ("http://example.org", "tcp, tls, ws and wss are spoken"),
        ("tcp://example.org", "there is no port in it"),
        ("tcp://:1", "there is no host in it"),
        ("tcp://a:70000", "the port is no number below 65536"),
        ("tcp://a:1/x", "only a WebSocket has a path"),
        ("ws://[::1", "the `[` is not closed"),
    ] {
        assert_eq!(text.parse::<Address>().unwrap_err().reason, why, "{text}");
    }
}
