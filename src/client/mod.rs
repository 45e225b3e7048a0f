//! The other end: acting for a role over a connection that comes and goes.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use antiphon::Protocol;
//! use antiphon::client::{ClientOptions, Endpoint};
//! use antiphon::driver::{Hub, HubOptions};
//! use antiphon::journal::MemoryJournal;
//! use antiphon::machine::{Capacities, OnLost, Open, Owner, SessionId};
//! use antiphon::transport::memory::Door;
//! use antiphon::wire::seal::{Key, Keys};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let counting: Arc<Protocol> = Arc::new("
//!     Client = Server!ask(nat) . Server?answer(nat) . end
//!     Server = Client?ask(nat) . Client!answer(nat) . end
//! ".parse()?);
//! // The host: a journal, keys of good randomness, and a session whose roles are invited.
//! let keys = Keys::new(Key::new(1, [7; 32]), None)?;
//! let (hub, _) = Hub::start(MemoryJournal::default(), keys, HubOptions::default())?;
//! let (door, mut listener) = Door::new(false, 16);
//! let open = Open {
//!     session: SessionId(7),
//!     protocol: counting.digest(),
//!     owner: Owner::new("host")?,
//!     capacities: Capacities::default(),
//!     journal: true,
//!     on_lost: OnLost::default(),
//!     policies: Vec::new(),
//! };
//! let all = hub.open(&counting, open).await?;
//! let (hour, role) = (Duration::from_secs(3600), |name| counting.role(name).unwrap());
//! let to_client = hub.invite(all.present(), role("Client"), hour).await?;
//! let to_server = hub.invite(all.present(), role("Server"), hour).await?;
//! let serving = hub.clone();
//! tokio::spawn(async move {
//!     while let Some(connection) = listener.recv().await {
//!         let hub = serving.clone();
//!         tokio::spawn(async move { hub.serve(connection).await });
//!     }
//! });
//!
//! // Two clients, each with the endpoint of its role.
//! let options = ClientOptions::default;
//! let mut client = Endpoint::join(door.clone(), &to_client, "alice", options());
//! let mut server = Endpoint::join(door, &to_server, "bob", options());
//! client.send("Server", "ask", 41_u64).await?;                  // performed, and kept
//! let (_, asked) = server.receive_from("Client").await?;
//! server.send("Client", "answer", asked.as_nat()? + 1).await?;
//! let (_, answer) = client.receive_from("Server").await?;
//! assert_eq!(answer.as_nat()?, 42);
//! client.close().await?;
//! hub.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! [`Endpoint`] has the methods of one in this process. Across a lost connection no call fails: it
//! waits for the next one. A call fails when the session has ended, when the role has another
//! owner, when somebody else came with its token, or when there is to be no further attempt to
//! connect.
//!
//! What was not acknowledged is in the outbox: in memory, or in a [`Store`] that the process finds
//! again when it was killed.
//!
//! [`raw`] is for whoever wants bytes in both directions, and no protocol of their own.
//!
//! Clauses: PEER-1 to PEER-7.

mod endpoint;
mod link;
mod open;
pub mod raw;
mod store;

pub use endpoint::{ClientError, ClientOptions, Endpoint};
pub use open::{Opened, open};
pub use store::{RedbStore, Store, StoreError};
