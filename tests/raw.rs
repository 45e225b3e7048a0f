//! Bytes in both directions between two ends, while connections, hosts and ends are lost.
#![cfg(feature = "driver")]

use std::time::Duration;

use antiphon::client::raw::{self, Raw, RawError, RawOptions, Receiver, Sender, Side, Ticket};
use antiphon::client::{ClientError, ClientOptions, RedbStore};
use antiphon::driver::{Hub, HubOptions, Recovery};
use antiphon::journal::{Journal, MemoryJournal};
use antiphon::machine::{Capacities, Machine, Status};
use antiphon::resume::Heartbeat;
use antiphon::resume::server::ServerOptions;
use antiphon::transport::memory::Door;
use antiphon::transport::{Chaos, Memory, Wear};
use antiphon::wire::payload::Form;
use antiphon::wire::seal::{Key, Keys};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::worn::{self, Net};

const MINUTE: Duration = Duration::from_secs(60);

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn start(journal: impl Journal + 'static, shards: usize) -> Hub {
    let keys = Keys::new(Key::new(1, [7; 32]), None).unwrap();
    // Connections are cut more often here than anywhere else.
    let server = ServerOptions { attach_burst: 10_000, ..ServerOptions::default() };
    let options = HubOptions { shards, server, opens: true, ..HubOptions::default() };
    let (hub, report) = Hub::start(journal, keys, options).unwrap();
    assert_eq!(report.broken.len(), 0);
    hub
}

fn quick() -> RawOptions {
    RawOptions { client: worn::quick(), ..RawOptions::default() }
}

/// Serves what comes, for so long or for ever.
async fn serve(hub: &Hub, listener: &mut mpsc::Receiver<Memory>, wear: Wear, how_long: Duration) {
    let mut seed = 1 << 32;
    let serving = async {
        while let Some(connection) = listener.recv().await {
            let hub = hub.clone();
            seed += 1;
            tokio::spawn(async move { hub.serve(Chaos::new(connection, wear, seed)).await });
        }
    };
    let _ = timeout(how_long, serving).await;
}

fn listen(hub: &Hub, is_text: bool, wear: Wear) -> (Door, JoinHandle<()>) {
    let (door, mut listener) = Door::new(is_text, 16);
    let hub = hub.clone();
    let forever = Duration::from_secs(1 << 20);
    let task = tokio::spawn(async move { serve(&hub, &mut listener, wear, forever).await });
    (door, task)
}

/// How often it was attached.
async fn sends(mut sender: Sender, count: u32) -> Result<u64, RawError> {
    for number in 0..count {
        match number % 4 {
            0 => sender.send(number.to_be_bytes().to_vec()).await?,
            _ => drop(sender.send_nowait(number.to_be_bytes().to_vec()).await?),
        }
    }
    sender.close().await?;
    Ok(sender.attached())
}

/// The next message is this one.
async fn takes(receiver: &mut Receiver, number: u32) {
    let message = receiver.receive().await.unwrap().expect("there is one more");
    assert_eq!(message[..], number.to_be_bytes());
}

async fn receives(mut receiver: Receiver, count: u32) -> u64 {
    for number in 0..count {
        takes(&mut receiver, number).await;
    }
    assert_eq!(receiver.receive().await.unwrap(), None);
    receiver.attached()
}

/// The number of the next message of an end that has just come.
async fn sent(sender: &Sender) -> u32 {
    sender.ready().await.unwrap();
    u32::try_from(sender.sent().unwrap()).unwrap()
}

/// Both ends send and receive at once, and close; how often their directions were attached.
async fn talk(left: Raw, right: Raw, count: u32) -> u64 {
    let ((to_right, from_right), (to_left, from_left)) = (left.split(), right.split());
    let all = async {
        tokio::join!(
            sends(to_right, count),
            sends(to_left, count),
            receives(from_right, count),
            receives(from_left, count)
        )
    };
    let (one, other, two, three) = timeout(MINUTE, all).await.expect("it ends");
    one.unwrap() + other.unwrap() + two + three
}

/// The journal re-executes to sessions that are closed.
fn all_closed(journal: &dyn Journal, sessions: usize) {
    let mut machine = Machine::new();
    let report = Recovery::new().all(journal, &mut machine, |_| true).unwrap();
    assert!(report.broken.is_empty(), "{:?}", report.broken);
    let closed = machine.sessions().filter(|session| *session.status() == Status::Closed);
    assert_eq!(closed.count(), sessions);
}

/// RAW-1 to RAW-3, RAW-6: frames are lost, repeated, overtaken and cut short, connections are cut at
/// both ends; each message arrives once and in order, in both directions at once.
#[tokio::test]
async fn both_directions_at_once_over_a_network_that_wears() {
    let journal = MemoryJournal::default();
    let hub = start(journal.clone(), 2);
    let wear = Wear {
        loss: 0.05,
        dup: 0.05,
        reorder: 0.05,
        truncate: 0.01,
        delay: Duration::from_micros(300),
        cut: Some(millis(40)),
        half_open: 0.1,
    };
    let (whole, _listening) = listen(&hub, false, Wear::default());
    let (door, _wearing) = listen(&hub, false, wear);
    // Half of the time would be spent with waiting for who does not come any more.
    let heartbeat = Heartbeat::new(millis(80), millis(300)).unwrap();
    let options = RawOptions { client: ClientOptions { heartbeat, ..quick().client }, ..quick() };
    let mut all = Vec::new();
    for seed in 0..3_u64 {
        let (left, right) = raw::open(whole.clone(), &options).await.unwrap();
        let net = |end| Net { door: door.clone(), wear, seed: seed * 1000 + end };
        let left = Raw::join(net(0), &left, "left", options.clone());
        let right = Raw::join(net(500), &right, "right", options.clone());
        all.push(tokio::spawn(talk(left, right, 60)));
    }
    let mut attached = 0;
    for one in all {
        attached += one.await.unwrap();
    }
    assert!(attached > 12, "nothing was cut: {attached}");
    hub.shutdown().await;
    all_closed(&journal, 3);
}

/// RAW-3: the host is shut down and another one takes over its journal, in the middle.
#[tokio::test]
async fn a_host_that_is_started_again_loses_nothing() {
    let journal = MemoryJournal::default();
    let (door, mut listener) = Door::new(false, 16);
    let own = journal.clone();
    let hosts = tokio::spawn(async move {
        for shards in [1, 3, 2] {
            let hub = start(own.clone(), shards);
            serve(&hub, &mut listener, Wear::default(), millis(60)).await;
            hub.shutdown().await;
        }
        let hub = start(own, 1);
        serve(&hub, &mut listener, Wear::default(), 2 * MINUTE).await;
        hub.shutdown().await;
    });
    let (left, right) = loop {
        // It may be asked just when it goes away.
        match raw::open(door.clone(), &quick()).await {
            Ok(opened) => break opened,
            Err(error) => assert!(matches!(error, RawError::Client(_)), "{error}"),
        }
    };
    let left = Raw::join(door.clone(), &left, "left", quick());
    let right = Raw::join(door, &right, "right", quick());
    let attached = talk(left, right, 2000).await;
    assert!(attached > 4, "nothing was started again before it ended");
    hosts.await.unwrap();
    all_closed(&journal, 1);
}

/// RAW-4: an end with a store is killed between any two of its steps and comes again; what it has
/// decided and consumed counts once. RAW-6: also that it has closed.
#[tokio::test]
async fn a_killed_end_comes_again_from_its_store() {
    let folder = std::env::temp_dir().join(format!("antiphon-raw-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let journal = MemoryJournal::default();
    let hub = start(journal.clone(), 1);
    let (door, _listening) = listen(&hub, false, Wear::default());
    let (left, right) = raw::open(door.clone(), &quick()).await.unwrap();
    let (to_left, from_left) = Raw::join(door.clone(), &right, "right", quick()).split();
    let other =
        tokio::spawn(async move { tokio::join!(sends(to_left, 60), receives(from_left, 60)) });
    let store = RedbStore::open(&folder.join("ends.redb"), "left").unwrap();
    let live = || {
        let store = store.named("left");
        let raw = Raw::durable(door.clone(), store, &left, "left", quick());
        raw.unwrap().split()
    };
    let mut lives = 0_u32;
    let lived = async {
        loop {
            let (mut sender, mut receiver) = live();
            lives += 1;
            for step in 0..6_u32 {
                let number = sent(&sender).await;
                if number < 60 {
                    sender.send_nowait(number.to_be_bytes().to_vec()).await.unwrap();
                }
                if (lives + step).is_multiple_of(3) {
                    receiver.ready().await.unwrap();
                    let number = receiver.received().unwrap();
                    if number < 60 {
                        takes(&mut receiver, u32::try_from(number).unwrap()).await;
                    }
                }
                if (lives + step).is_multiple_of(4) {
                    sleep(millis(3)).await;
                }
            }
            if sender.sent() == Some(60) && receiver.received() == Some(60) {
                return;
            }
        }
    };
    timeout(MINUTE, lived).await.expect("it ends");
    assert!(lives > 10, "{lives}");
    // Killed behind its last steps, which may or may not have been kept.
    let (mut sender, mut receiver) = live();
    let mut number = sent(&sender).await;
    while number < 60 {
        sender.send(number.to_be_bytes().to_vec()).await.unwrap();
        number += 1;
    }
    sender.close().await.unwrap();
    while receiver.receive().await.unwrap().is_some() {}
    drop((sender, receiver));
    let (sent, _) = timeout(MINUTE, other).await.expect("it ends").unwrap();
    sent.unwrap();
    // Once more, when there is nothing more to do.
    let (mut sender, mut receiver) = live();
    sender.close().await.unwrap();
    assert_eq!(receiver.receive().await.unwrap(), None);
    assert_eq!((sender.sent(), receiver.received()), (Some(60), Some(60)));
    hub.shutdown().await;
    all_closed(&journal, 1);
    drop((sender, receiver, store));
    std::fs::remove_dir_all(&folder).unwrap();
}

/// RAW-4: an end without a store comes back with its newest ticket, and is handed out again what the
/// host did not know to be consumed, and nothing else.
#[tokio::test]
async fn an_end_without_a_store_comes_back_with_a_ticket() {
    let hub = start(MemoryJournal::default(), 1);
    let (door, _listening) = listen(&hub, false, Wear::default());
    let (left, right) = raw::open(door.clone(), &quick()).await.unwrap();
    let mut left = Raw::join(door.clone(), &left, "left", quick());
    let mut right = Raw::join(door.clone(), &right, "right", quick());
    assert_eq!(right.ticket(), None);
    for number in 0..10_u8 {
        left.send(vec![number]).await.unwrap();
    }
    for number in 0..4_u8 {
        assert_eq!(right.receive().await.unwrap().unwrap()[..], [number]);
    }
    right.send("before").await.unwrap();
    let ticket: Ticket = right.ticket().unwrap().to_string().parse().unwrap();
    assert!(ticket.is_again() && ticket.side() == Side::Right);
    drop(right);
    let mut again = Raw::join(door, &ticket, "right", quick());
    let first = again.receive().await.unwrap().unwrap()[0];
    assert!(first <= 4, "{first} was skipped to");
    for number in first + 1..10 {
        assert_eq!(again.receive().await.unwrap().unwrap()[..], [number]);
    }
    again.send("after").await.unwrap();
    assert_eq!(left.receive().await.unwrap().unwrap(), "before");
    assert_eq!(left.receive().await.unwrap().unwrap(), "after");
    hub.shutdown().await;
}

/// RAW-6: who has closed sends nothing and receives on; the end is told behind the last message, and
/// again to whoever asks again; with both directions the session is closed.
#[tokio::test]
async fn each_direction_is_closed_by_itself() {
    let journal = MemoryJournal::default();
    let hub = start(journal.clone(), 1);
    let (door, _listening) = listen(&hub, false, Wear::default());
    let (left, right) = raw::open(door.clone(), &quick()).await.unwrap();
    let mut left = Raw::join(door.clone(), &left, "left", quick());
    let mut right = Raw::join(door, &right, "right", quick());
    left.send("question").await.unwrap();
    left.close().await.unwrap();
    assert_eq!(left.send("more").await, Err(RawError::Closed));
    left.close().await.unwrap();
    assert_eq!(right.receive().await.unwrap().unwrap(), "question");
    for _ in 0..3 {
        assert_eq!(right.receive().await.unwrap(), None);
    }
    for number in 0..100_u8 {
        let (to_left, from_right) = (right.both().0, left.both().1);
        tokio::join!(async { to_left.send(vec![number]).await.unwrap() }, async {
            assert_eq!(from_right.receive().await.unwrap().unwrap()[..], [number]);
        });
    }
    right.close().await.unwrap();
    assert_eq!(left.receive().await.unwrap(), None);
    assert_eq!(left.receive().await.unwrap(), None);
    right.close().await.unwrap();
    assert_eq!(right.receive().await.unwrap(), None);
    hub.shutdown().await;
    all_closed(&journal, 1);
}

/// RAW-5: a message over the limit is refused, and what is before and behind it arrives; one at the
/// limit arrives, also where a frame is a text.
#[tokio::test]
async fn a_message_over_the_limit_is_refused_and_loses_nothing() {
    for form in [Form::Binary, Form::Json] {
        let hub = start(MemoryJournal::default(), 1);
        let (door, _listening) = listen(&hub, form == Form::Json, Wear::default());
        let client = ClientOptions { form, ..quick().client };
        let options = RawOptions { client, message_bytes_max: usize::MAX, ahead: 4 };
        let most = options.fits();
        assert!(most > 700_000 && most < 1 << 20, "{most}");
        let (left, right) = raw::open(door.clone(), &options).await.unwrap();
        let mut left = Raw::join(door.clone(), &left, "left", options.clone());
        let mut right = Raw::join(door, &right, "right", options);
        left.send("before").await.unwrap();
        let refused = left.send(vec![0; most + 1]).await.unwrap_err();
        assert_eq!(refused, RawError::TooLong { bytes: most + 1, most });
        left.send(vec![1; most]).await.unwrap();
        left.send("behind").await.unwrap();
        assert_eq!(right.receive().await.unwrap().unwrap(), "before");
        assert!(right.receive().await.unwrap().unwrap() == vec![1; most]);
        assert_eq!(right.receive().await.unwrap().unwrap(), "behind");
        assert_eq!((left.attached(), right.attached()), (2, 2));
        hub.shutdown().await;
    }
}

/// RAW-2, RAW-7: as many messages as was said are kept for an end that is not there, as many more as
/// the outbox holds are decided, and the next one waits until it comes.
#[tokio::test]
async fn who_sends_to_nobody_waits() {
    let hub = start(MemoryJournal::default(), 1);
    let (door, _listening) = listen(&hub, false, Wear::default());
    let client = ClientOptions { outbox: 3, ..quick().client };
    let options = RawOptions { client, ahead: 5, ..quick() };
    let (left, right) = raw::open(door.clone(), &options).await.unwrap();
    let mut left = Raw::join(door.clone(), &left, "left", options.clone());
    for number in 0..5_u8 {
        timeout(MINUTE, left.send(vec![number])).await.expect("there is room").unwrap();
    }
    for number in 5..8_u8 {
        assert_eq!(left.send_nowait(vec![number]).await.unwrap(), u64::from(number));
    }
    assert!(timeout(millis(150), left.kept(5)).await.is_err(), "an edge holds more than was said");
    assert!(timeout(millis(150), left.send_nowait("x")).await.is_err(), "the outbox has no bound");
    let mut right = Raw::join(door, &right, "right", options);
    for number in 0..8_u8 {
        assert_eq!(right.receive().await.unwrap().unwrap()[..], [number]);
    }
    timeout(MINUTE, left.kept(7)).await.expect("there is room again").unwrap();
    hub.shutdown().await;
}

/// RAW-1: a ticket is a text that says what is wrong with another one; a host may open a pair itself.
#[tokio::test]
async fn a_ticket_is_a_text() {
    let hub = start(MemoryJournal::default(), 1);
    let protocol = std::sync::Arc::new(raw::PROTOCOL.parse().unwrap());
    let invited = hub.open_invited(&protocol, Capacities::default(), MINUTE).await.unwrap();
    let each = invited.invitations.iter().map(|(role, text)| (role.as_str(), text.as_str()));
    let (left, right) = raw::tickets(each.clone()).unwrap();
    assert_eq!((left.side(), right.side()), (Side::Left, Side::Right));
    for ticket in [&left, &right] {
        assert_eq!(ticket.to_string().parse::<Ticket>().as_ref(), Ok(ticket));
    }
    assert_eq!(format!("{left:?}"), "Ticket(left)");
    let missing = raw::tickets(each.take(1)).unwrap_err();
    assert!(missing.to_string().starts_with("there is no invitation to `"), "{missing}");
    let long = format!("raw1.left.join.{}.B", "A".repeat(4096));
    for (text, why) in [
        ("", "it begins with `raw1`"),
        ("raw1.left", "it has five parts"),
        ("raw1.middle.join.A.B", "it is of the end `left` or `right`"),
        ("raw1.left.go.A.B", "it is to `join` or to come `again`"),
        ("raw1.left.join.A.", "a token is missing"),
        ("raw1.left.join.A.B.C", "it has five parts"),
        (&long, "a token is too long"),
    ] {
        let error = text.parse::<Ticket>().unwrap_err();
        let said = "; it would be like raw1.left.join.TOKEN.TOKEN";
        assert_eq!(error.to_string(), format!("this is no ticket: {why}{said}"));
    }
    let (door, _listening) = listen(&hub, false, Wear::default());
    let forged: Ticket = "raw1.left.join.AQEAAAAB.AQEAAAAB".parse().unwrap();
    let mut forged = Raw::join(door.clone(), &forged, "mallory", quick());
    let error = forged.send("x").await.unwrap_err();
    assert!(matches!(error, RawError::Client(ClientError::Over(_))), "{error}");
    assert!(forged.receive().await.is_err());
    let mut left = Raw::join(door.clone(), &left, "left", quick());
    let mut right = Raw::join(door, &right, "right", quick());
    left.ready().await.unwrap();
    left.send("x").await.unwrap();
    assert_eq!(right.receive().await.unwrap().unwrap(), "x");
    hub.shutdown().await;
}
