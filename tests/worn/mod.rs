//! A network between clients and a hub, whose connections wear.

use std::io;
use std::time::Duration;

use antiphon::client::ClientOptions;
use antiphon::resume::{Heartbeat, Reconnect};
use antiphon::transport::memory::Door;
use antiphon::transport::{Chaos, Dial, Memory, Wear};

/// A client that comes again soon.
pub(crate) fn quick() -> ClientOptions {
    let millis = Duration::from_millis;
    ClientOptions {
        reconnect: Reconnect::new(millis(2), millis(20)).unwrap(),
        heartbeat: Heartbeat::new(millis(200), millis(900)).unwrap(),
        patience: millis(60),
        ..ClientOptions::default()
    }
}

/// Whoever dials gets a connection that wears.
#[derive(Clone)]
pub(crate) struct Net {
    pub(crate) door: Door,
    pub(crate) wear: Wear,
    pub(crate) seed: u64,
}

impl Dial for Net {
    type Transport = Chaos<Memory>;
    async fn dial(&mut self) -> io::Result<Chaos<Memory>> {
        self.seed += 1;
        Ok(Chaos::new(self.door.dial().await?, self.wear, self.seed))
    }
}
