//! Endpoints at the other end of a link: a hub with its shards, clients that come over queues in
//! memory, and a network between them that wears and cuts.
#![cfg(feature = "driver")]

use std::sync::Arc;
use std::time::Duration;

use antiphon::Protocol;
use antiphon::client::{ClientError, ClientOptions, Endpoint, RedbStore};
use antiphon::driver::{Hub, HubOptions, Recovery};
use antiphon::journal::{Journal, MemoryJournal, RedbJournal};
use antiphon::machine::*;
use antiphon::resume::outbox::Ending;
use antiphon::transport::memory::Door;
use antiphon::transport::{Chaos, Dial, Transport, Wear, memory};
use antiphon::wire::frame::{FRAME_BYTES_MAX, Frame};
use antiphon::wire::payload::Form;
use antiphon::wire::seal::{Key, Keys};

use crate::worn::{Net, quick};

const HOUR: Duration = Duration::from_secs(3600);
const PING: &str = "
    A = rec X . B!{ ping(nat) . B?pong(nat) . X, stop . end }
    B = rec X . A?{ ping(nat) . A!pong(nat) . X, stop . end }";

fn keys() -> Keys {
    Keys::new(Key::new(1, [7; 32]), None).unwrap()
}

/// Connections come in by the door until it is closed, and are served by the hub.
fn listen(hub: &Hub, wear: Wear) -> (Door, tokio::task::JoinHandle<()>) {
    let (door, mut listener) = Door::new(false, 16);
    let hub = hub.clone();
    let task = tokio::spawn(async move {
        let mut seed = 1 << 32;
        while let Some(transport) = listener.recv().await {
            let hub = hub.clone();
            seed += 1;
            tokio::spawn(async move { hub.serve(Chaos::new(transport, wear, seed)).await });
        }
    });
    (door, task)
}

fn opening(protocol: &Protocol, session: u128) -> Open {
    Open {
        session: SessionId(session),
        protocol: protocol.digest(),
        owner: Owner::new("host").unwrap(),
        capacities: Capacities::default(),
        journal: true,
        on_lost: OnLost::Cancel,
        policies: Vec::new(),
    }
}

async fn invite(hub: &Hub, protocol: &Arc<Protocol>, session: u128) -> [String; 2] {
    let all = hub.open(protocol, opening(protocol, session)).await.unwrap();
    let role = |name: &str| protocol.role(name).unwrap();
    let a = hub.invite(all.present(), role("A"), HOUR).await.unwrap();
    let b = hub.invite(all.present(), role("B"), HOUR).await.unwrap();
    [a, b]
}

async fn ping(mut a: Endpoint, rounds: u64) -> Result<u64, ClientError> {
    for round in 0..rounds {
        a.send("B", "ping", round).await?;
        let (label, value) = a.receive_from("B").await?;
        assert_eq!((label.as_str(), value.as_nat().unwrap()), ("pong", round + 1));
    }
    a.send("B", "stop", ()).await?;
    let attached = a.attached();
    a.close().await?;
    Ok(attached)
}

async fn pong(mut b: Endpoint) -> Result<u64, ClientError> {
    loop {
        let taken = b.receive().await?;
        if taken.label.as_str() == "stop" {
            let attached = b.attached();
            b.close().await?;
            return Ok(attached);
        }
        b.send("A", "pong", taken.value.as_nat().unwrap() + 1).await?;
    }
}

/// The journal of each session holds, and re-executes to a session that is closed.
fn all_closed(journal: &dyn Journal, sessions: usize) {
    let mut machine = Machine::new();
    let report = Recovery::new().all(journal, &mut machine, |_| true).unwrap();
    assert!(report.broken.is_empty(), "{:?}", report.broken);
    let closed = machine.sessions().filter(|session| *session.status() == Status::Closed);
    assert_eq!(closed.count(), sessions);
}

#[tokio::test]
async fn endpoints_talk_over_a_link_as_they_do_in_one_process() {
    let protocol: Arc<Protocol> = Arc::new(PING.parse().unwrap());
    let journal = MemoryJournal::default();
    let (hub, _) = Hub::start(journal.clone(), keys(), HubOptions::default()).unwrap();
    let (door, _listening) = listen(&hub, Wear::default());
    let [a, b] = invite(&hub, &protocol, 1).await;
    // Patient ones: a machine that is busy elsewhere is no reason to connect again.
    let a = Endpoint::join(door.clone(), &a, "alice", ClientOptions::default());
    let b = Endpoint::join(door, &b, "bob", ClientOptions::default());
    let (a, b) = tokio::try_join!(ping(a, 50), pong(b)).unwrap();
    assert_eq!((a, b), (1, 1));
    hub.shutdown().await;
    all_closed(&journal, 1);
}

/// PEER-1, PEER-5: connections are cut every few milliseconds at both ends, and frames are lost,
/// repeated, overtaken and cut short; no call fails.
#[tokio::test]
async fn no_call_fails_across_a_network_that_wears_and_cuts() {
    let protocol: Arc<Protocol> = Arc::new(PING.parse().unwrap());
    let journal = MemoryJournal::default();
    let options = HubOptions { shards: 2, ..HubOptions::default() };
    let (hub, _) = Hub::start(journal.clone(), keys(), options).unwrap();
    let wear = Wear {
        loss: 0.05,
        dup: 0.05,
        reorder: 0.05,
        truncate: 0.01,
        delay: Duration::from_micros(300),
        cut: Some(Duration::from_millis(40)),
        half_open: 0.2,
    };
    let (door, _listening) = listen(&hub, wear);
    let mut all = Vec::new();
    for session in 0..6_u128 {
        let [a, b] = invite(&hub, &protocol, session).await;
        let seed = u64::try_from(session).unwrap() * 1000;
        let net = Net { door: door.clone(), wear, seed };
        let a = Endpoint::join(net.clone(), &a, "alice", quick());
        let b = Endpoint::join(Net { seed: seed + 500, ..net }, &b, "bob", quick());
        // The last answer of a session may be lost: whoever waits for it hears that it has ended.
        all.push(tokio::spawn(async move {
            let ended = |done: Result<u64, ClientError>| match done {
                Ok(attached) => attached,
                Err(ClientError::Over(Ending::Session { status, .. })) if status == "closed" => 0,
                Err(error) => panic!("{error}"),
            };
            let (a, b) = tokio::join!(ping(a, 10), pong(b));
            ended(a) + ended(b)
        }));
    }
    let mut attached = 0;
    for one in all {
        attached += tokio::time::timeout(Duration::from_secs(100), one).await.unwrap().unwrap();
    }
    assert!(attached > 12, "nothing was cut: {attached}");
    hub.shutdown().await;
    all_closed(&journal, 6);
}

/// HUB-1, HUB-6: a host that is shut down and started again goes on, and so do its clients.
#[tokio::test]
async fn clients_survive_a_restart_of_the_host() {
    let protocol: Arc<Protocol> = Arc::new(PING.parse().unwrap());
    let journal = MemoryJournal::default();
    let (hub, _) = Hub::start(journal.clone(), keys(), HubOptions::default()).unwrap();
    let [a, b] = invite(&hub, &protocol, 1).await;
    let (door, mut listener) = Door::new(true, 16);
    let json = || ClientOptions { form: antiphon::wire::payload::Form::Json, ..quick() };
    let a = tokio::spawn(ping(Endpoint::join(door.clone(), &a, "alice", json()), 200));
    let b = tokio::spawn(pong(Endpoint::join(door, &b, "bob", json())));
    let hosts = tokio::spawn(async move {
        let mut hub = hub;
        for _ in 0..4 {
            let until = tokio::time::sleep(Duration::from_millis(60));
            tokio::pin!(until);
            loop {
                tokio::select! {
                    Some(transport) = listener.recv() => {
                        let hub = hub.clone();
                        tokio::spawn(async move { hub.serve(transport).await });
                    }
                    () = &mut until => break,
                }
            }
            hub.shutdown().await;
            let options = HubOptions { shards: 3, ..HubOptions::default() };
            let (next, report) = Hub::start(journal.clone(), keys(), options).unwrap();
            assert_eq!((report.sessions, report.broken.len()), (1, 0));
            hub = next;
        }
        while let Some(transport) = listener.recv().await {
            let hub = hub.clone();
            tokio::spawn(async move { hub.serve(transport).await });
        }
        hub.shutdown().await;
        journal
    });
    let (a, b) =
        tokio::time::timeout(Duration::from_secs(60), async { (a.await, b.await) }).await.unwrap();
    let over = |done: Result<u64, ClientError>| match done {
        Ok(_) => true,
        Err(ClientError::Over(Ending::Session { status, .. })) => status == "closed",
        Err(error) => panic!("{error}"),
    };
    assert!(over(a.unwrap()) && over(b.unwrap()));
    let journal = hosts.await.unwrap();
    all_closed(&journal, 1);
}

/// PEER-3, PEER-4: the client's process ends between any two of its steps; the next one goes on with
/// what was kept, and what it had decided is performed once.
#[tokio::test]
async fn a_client_with_a_durable_outbox_may_be_killed_at_any_moment() {
    let protocol: Arc<Protocol> = Arc::new(PING.parse().unwrap());
    let folder = std::env::temp_dir().join(format!("antiphon-client-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let journal = RedbJournal::open(folder.join("host.redb")).unwrap();
    let (hub, _) = Hub::start(journal, keys(), HubOptions::default()).unwrap();
    let (door, _listening) = listen(&hub, Wear::default());
    let [a, b] = invite(&hub, &protocol, 1).await;
    let b = tokio::spawn(pong(Endpoint::join(door.clone(), &b, "bob", quick())));
    let store = RedbStore::open(&folder.join("client.redb"), "host").unwrap();
    let mut round = 0;
    for life in 0..12_u64 {
        let store = store.named("alice");
        let mut alice = Endpoint::durable(door.clone(), store, &a, "alice", quick()).unwrap();
        for step in 0..3 {
            // Its first life has nothing to go on with.
            let position = alice.position().unwrap_or_default();
            if position.is_multiple_of(2) {
                // Decided, and on its way or not when the process ends.
                alice.send_nowait("B", "ping", position / 2).await.unwrap();
                if (life + step) % 3 > 0 {
                    alice.kept(position).await.unwrap();
                }
            } else {
                let (_, value) = alice.receive_from("B").await.unwrap();
                assert_eq!(value.as_nat().unwrap(), position / 2 + 1);
                round += 1;
            }
            if (life + step) % 4 == 0 {
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        }
    }
    assert!(round > 0);
    let mut alice = Endpoint::durable(door, store.named("alice"), &a, "alice", quick()).unwrap();
    // Whatever was decided and not kept before the process ended was never decided.
    while alice.position().is_none_or(|position| position % 2 == 1) {
        let _ = tokio::time::timeout(Duration::from_millis(200), alice.receive()).await;
    }
    alice.send("B", "stop", ()).await.unwrap();
    b.await.unwrap().ok();
    hub.shutdown().await;
    drop(hub);
    let journal = RedbJournal::open(folder.join("host.redb")).unwrap();
    all_closed(&journal, 1);
    drop(journal);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// PEER-6: what cannot be done is said: no host, a wrong secret, a bad token.
#[tokio::test]
async fn what_does_not_get_better_is_an_error() {
    let (door, listener) = Door::new(false, 1);
    drop(listener);
    let reconnect = quick().reconnect.attempts(3);
    let mut nobody = Endpoint::join(door, "x", "alice", ClientOptions { reconnect, ..quick() });
    let error = nobody.receive().await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable(_)), "{error}");

    let options = HubOptions { secret: Some("sesame".into()), ..HubOptions::default() };
    let (hub, _) = Hub::start(MemoryJournal::default(), keys(), options).unwrap();
    let (door, _listening) = listen(&hub, Wear::default());
    for secret in [None, Some("simsalabim".into())] {
        let options = ClientOptions { reconnect, secret, ..quick() };
        let mut stranger = Endpoint::join(door.clone(), "x", "alice", options);
        let error = stranger.receive().await.unwrap_err();
        assert!(error.to_string().contains("unauthenticated"), "{error}");
    }
    let options = ClientOptions { secret: Some("sesame".into()), ..quick() };
    let mut known = Endpoint::join(door, "x", "alice", options);
    let error = known.receive().await.unwrap_err();
    assert_eq!(error.to_string(), "refused [bad_token]: the token is not valid");
    hub.shutdown().await;
}

/// HUB-5: a client that reads nothing loses its connection and nothing else: others go on, and when
/// it comes again it has all of it.
#[tokio::test]
async fn a_client_that_reads_nothing_holds_nobody_back() {
    const STREAM: &str = "A = rec X . B!chunk(bytes) . X   B = rec X . A?chunk(bytes) . X";
    let protocol: Arc<Protocol> = Arc::new(STREAM.parse().unwrap());
    let (hub, _) = Hub::start(MemoryJournal::default(), keys(), HubOptions::default()).unwrap();
    let (door, _listening) = listen(&hub, Wear::default());
    let mut open = opening(&protocol, 1);
    open.capacities = Capacities::every(200);
    let all = hub.open(&protocol, open).await.unwrap();
    let role = |name: &str| protocol.role(name).unwrap();
    let a = hub.invite(all.present(), role("A"), HOUR).await.unwrap();
    let b = hub.invite(all.present(), role("B"), HOUR).await.unwrap();
    // A peer that says who it is, and then takes nothing from its queue.
    let mut deaf = door.clone().dial().await.unwrap();
    let mut silent = antiphon::resume::outbox::Client::join(0, quick().form, &b, "bob");
    let first = quick().form.encode(&silent.connected());
    deaf.send(first.into()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;

    let mut a = Endpoint::join(door.clone(), &a, "alice", quick());
    let chunk = vec![7_u8; 100_000];
    for _ in 0..150 {
        a.send("B", "chunk", chunk.clone()).await.unwrap();
    }
    drop(deaf);
    let mut b = Endpoint::join(door, &b, "bob", quick());
    for _ in 0..150 {
        let (_, value) = b.receive_from("A").await.unwrap();
        assert_eq!(value, chunk.clone().into());
    }
    hub.shutdown().await;
}

/// HUB-8: what comes faster than it may waits at who sends it, and all of it is answered.
#[tokio::test(start_paused = true)]
async fn who_speaks_too_fast_is_read_as_fast_as_they_may() {
    const RATE: u32 = 100;
    let options =
        HubOptions { frames_per_second: std::num::NonZeroU32::new(RATE), ..HubOptions::default() };
    let (hub, _) = Hub::start(MemoryJournal::default(), keys(), options).unwrap();
    let (mut near, far) = memory(true);
    let serving = tokio::spawn({
        let hub = hub.clone();
        async move { hub.serve(far).await }
    });
    let start = tokio::time::Instant::now();
    let (mut answered, most) = (Vec::new(), 500);
    while answered.len() < most {
        // As many as there is room for on their way.
        let first = answered.len() as u64;
        for t in first..first + 50 {
            near.send(Form::Json.encode(&Frame::Ping { t }).into()).await.unwrap();
        }
        for t in first..first + 50 {
            let heard = near.receive(FRAME_BYTES_MAX).await.unwrap().unwrap();
            assert_eq!(Form::Json.decode(&heard, FRAME_BYTES_MAX), Ok(Frame::Pong { t }));
            answered.push(start.elapsed().as_secs_f64());
        }
    }
    // A second's worth at once, then one an interval; what has come together is read together.
    for (count, second) in answered.iter().enumerate() {
        let earliest = (count as f64 - f64::from(RATE) - 32.0) / f64::from(RATE);
        assert!(*second >= earliest, "{count} after {second} s");
    }
    assert!((3.5..4.5).contains(&answered[most - 1]), "{}", answered[most - 1]);
    drop(near);
    serving.await.unwrap();
    hub.shutdown().await;
}

/// Many shards commit to one journal together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_of_several_shards_share_one_journal() {
    let protocol: Arc<Protocol> = Arc::new(PING.parse().unwrap());
    let journal = MemoryJournal::default();
    let options = HubOptions { shards: 4, ..HubOptions::default() };
    let (hub, _) = Hub::start(journal.clone(), keys(), options).unwrap();
    let (door, _listening) = listen(&hub, Wear::default());
    let mut all = Vec::new();
    for session in 0..20 {
        let [a, b] = invite(&hub, &protocol, session).await;
        let a = Endpoint::join(door.clone(), &a, "alice", quick());
        let b = Endpoint::join(door.clone(), &b, "bob", quick());
        all.push(tokio::spawn(async move { tokio::join!(ping(a, 5), pong(b)) }));
    }
    for one in all {
        let (a, _) = one.await.unwrap();
        a.unwrap();
    }
    hub.shutdown().await;
    all_closed(&journal, 20);
}
