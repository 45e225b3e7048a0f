//! Typed events from one publisher to two subscribers, over raw ends: the publisher is killed in the
//! middle, comes again from its durable outbox, and says once more what it is not sure of. Each
//! event arrives at least once; whoever has seen its id drops it.
//!
//! `cargo run --example events`

use std::collections::BTreeSet;
use std::error::Error;
use std::time::Duration;

use antiphon::client::RedbStore;
use antiphon::client::raw::{self, Raw, RawError, RawOptions, Ticket};
use antiphon::driver::{Hub, HubOptions};
use antiphon::journal::MemoryJournal;
use antiphon::server::{ListenOptions, Listener};
use antiphon::transport::NetDial;
use antiphon::wire::seal::{Key, Keys};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event {
    Ordered { order: u64, title: String },
    Paid { order: u64, cents: u64 },
    Shipped { order: u64 },
}

/// What is sent: an id that never changes, however often it is said.
#[derive(Debug, Serialize, Deserialize)]
struct Published {
    id: u64,
    #[serde(flatten)]
    event: Event,
}

/// What happens in the shop, by id.
fn event(id: u64) -> Event {
    let order = id / 3;
    match id % 3 {
        0 => Event::Ordered { order, title: format!("volume {order}") },
        1 => Event::Paid { order, cents: 900 + order },
        _ => Event::Shipped { order },
    }
}

/// An end of its own for each subscriber, with an outbox in the file of the publisher.
struct Publisher(Vec<Raw>);

impl Publisher {
    fn start(dial: &NetDial, file: &RedbStore, tickets: &[Ticket]) -> Result<Self, RawError> {
        let end = |(index, ticket)| {
            let place = file.named(&format!("subscriber {index}"));
            Raw::durable(dial.clone(), place, ticket, "shop", RawOptions::default())
        };
        tickets.iter().enumerate().map(end).collect::<Result<_, _>>().map(Self)
    }

    /// Decided, and on its way; not waited for.
    async fn publish(&mut self, id: u64) -> Result<Vec<u64>, Box<dyn Error>> {
        let text = serde_json::to_vec(&Published { id, event: event(id) })?;
        let mut numbers = Vec::new();
        for end in &mut self.0 {
            numbers.push(end.send_nowait(text.clone()).await?);
        }
        Ok(numbers)
    }

    /// Waits until the host has kept these for all subscribers.
    async fn kept(&self, numbers: &[u64]) -> Result<(), RawError> {
        for (end, number) in self.0.iter().zip(numbers) {
            end.kept(*number).await?;
        }
        Ok(())
    }

    async fn close(mut self) -> Result<(), RawError> {
        for end in &mut self.0 {
            end.close().await?;
        }
        Ok(())
    }
}

/// What it has seen, and how often it was told again.
async fn subscribe(mut end: Raw) -> Result<(Vec<Published>, usize), RawError> {
    let (mut seen, mut events, mut again) = (BTreeSet::new(), Vec::new(), 0);
    while let Some(text) = end.receive().await? {
        let Ok(published) = serde_json::from_slice::<Published>(&text) else { continue };
        match seen.insert(published.id) {
            true => events.push(published),
            false => again += 1,
        }
    }
    Ok((events, again))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let keys = Keys::new(Key::new(1, [7; 32]), None)?; // in earnest: random
    let opens = HubOptions { opens: true, ..HubOptions::default() };
    let (hub, _) = Hub::start(MemoryJournal::default(), keys, opens)?;
    let on = ListenOptions { tcp: Some("127.0.0.1:0".parse()?), ..ListenOptions::default() };
    let listener = Listener::bind(&hub, on).await?;
    let address = listener.tcp().expect("it was asked for");
    let dial = NetDial::new(format!("tcp://{address}").parse()?)?;

    let (mut tickets, mut subscribers) = (Vec::new(), Vec::new());
    for name in ["stock", "mail"] {
        let (to_publisher, to_subscriber) = raw::open(dial.clone(), &RawOptions::default()).await?;
        tickets.push(to_publisher);
        let end = Raw::join(dial.clone(), &to_subscriber, name, RawOptions::default());
        subscribers.push((name, tokio::spawn(subscribe(end))));
    }
    let folder = std::env::temp_dir().join(format!("antiphon-events-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let file = RedbStore::open(&folder.join("outbox.redb"), "shop")?;

    let mut publisher = Publisher::start(&dial, &file, &tickets)?;
    let mut sure = 0; // the shop writes it down: everything before it is published
    for id in 0..12 {
        let numbers = publisher.publish(id).await?;
        if id < 6 {
            publisher.kept(&numbers).await?;
            sure = id + 1;
        }
    }
    // Some of the others have left by now, some are in the outbox, and some perhaps in neither.
    tokio::time::sleep(Duration::from_millis(2)).await;
    drop(publisher);
    println!("shop: killed; sure of {sure} of 12 events");

    let mut publisher = Publisher::start(&dial, &file, &tickets)?;
    println!("shop: back; says events {sure} to 11 again, and goes on");
    for id in sure..18 {
        publisher.publish(id).await?;
    }
    publisher.close().await?;
    for (name, task) in subscribers {
        let (events, again) = task.await??;
        let ids: Vec<u64> = events.iter().map(|published| published.id).collect();
        assert_eq!(ids, (0..18).collect::<Vec<_>>());
        assert!(events.iter().all(|published| published.event == event(published.id)));
        println!("{name}: {} events, each once; {again} came again and were dropped", ids.len());
    }
    drop(file);
    hub.shutdown().await;
    Ok(std::fs::remove_dir_all(&folder)?)
}
