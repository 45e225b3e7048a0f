//! Antiphon: a runtime for conversations between several parties that must not go wrong.
//!
//! You write a protocol once, as a global type or as one local type a role (a *multiparty session
//! type*). Antiphon checks it before it runs, and keeps each of its sessions in a machine that
//! knows every role's next legal moves and refuses everything else. What happened is a journal,
//! from which the session can be made again.
//!
#![cfg_attr(feature = "driver", doc = "```")]
#![cfg_attr(not(feature = "driver"), doc = "```ignore")]
//! use antiphon::{Protocol, Session};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let counting: Protocol = "
//!     Client = Server!ask(nat) . Server?answer(nat) . end
//!     Server = Client?ask(nat) . Client!answer(nat) . end
//! ".parse()?;
//! let session = Session::open(&counting)?;
//! let [mut client, mut server] = session.endpoints(["Client", "Server"])?;
//!
//! client.send("Server", "ask", 41_u64).await?;
//! // Out of turn: refused with what would be legal, and nothing has moved.
//! let refused = client.send("Server", "ask", 42_u64).await.unwrap_err();
//! assert!(refused.to_string().contains("legal now: Server?answer(nat)"));
//!
//! let (_, asked) = server.receive_from("Client").await?;
//! server.send("Client", "answer", asked.as_nat()? + 1).await?;
//! let (label, answer) = client.receive_from("Server").await?;
//! assert_eq!((label.as_str(), answer.as_nat()?), ("answer", 42));
//! # Ok(())
//! # }
//! ```
//!
//! # Layers
//!
//! ```text
//!            types ──────┐ what a protocol is      pure, no state
//!              │         files                     protocols in files, modules beside them
//!           machine        what a session does     pure; one struct owns all protocol state
//!              │
//!       wire ──┼── journal                         bytes as what they mean · bytes at rest
//!              │
//!           resume ── transport                    links that survive their connections: pure
//!              │                                   · bytes in motion
//!       driver ┼ client                            the one place where machine and journal meet
//!              │                                   · the other end
//!           server                                 where others connect
//!              │
//!         simulation                               everything that fails, in virtual time and
//!              │                                   over sockets
//!             cli          what people touch
//! ```
//!
//! A layer names only those above it, and `journal` names none of them: it moves bytes. The pure
//! layers have no I/O, no clock, no randomness, no locks and nothing asynchronous; they build with
//! `--no-default-features`, without the standard library.
//!
//! - [`types`]: names, sorts, values, global and local types, projection, automata, protocols;
//!   `types::syntax` reads and prints them (Scribble, local types, JSON, automata) and draws
//!   diagnostics.
//! - [`machine`]: sessions, edges, capabilities, positions, records, replay.
//! - [`wire`]: values, records and journals as JSON; a machine spoken to in lines of JSON; sealed
//!   tokens.
//! - [`resume`]: numbers on a link, its states, how long it may be lost.
//! - `files`: protocols in files, and the modules that they import.
//! - `journal`: where the journals of many sessions are kept, and the lines of one.
//! - `transport`: connections that carry frames.
//! - `driver`: sessions in this process, their endpoints and handlers; nodes and hubs, to which
//!   clients come over links.
//! - `client`: an endpoint whose connection comes and goes; raw ends, for bytes without a protocol.
//! - `server`: where connections come from elsewhere to a hub.
//! - `simulation`: sessions over a bad network, and whether they were what they have to be.
//! - `cli`: the `antiphon` command.
//!
//! # Eight laws
//!
//! 1. **A session is a fold over its journal.** The machine is a function of its inputs, and time,
//!    randomness and fresh identifiers are inputs: one journal gives one state, everywhere.
//! 2. **Check everything, then change everything.** An input is applied whole, or refused by name
//!    and the protocol state is what it was.
//! 3. **A position with what was done there is an identity.** An action that claims a position
//!    already taken is a duplicate only if it is the same action.
//! 4. **Nothing leaves before it is kept.** No answer and no message goes out before every record
//!    that stands behind it is durable.
//! 5. **Authority is linear and fails closed.** Each role of a session has one owner at one
//!    generation; what is stale or out of scope is refused.
//! 6. **The edge buffer is the only buffer.** A message stays on its edge until its receiver has
//!    consumed it; a full edge refuses the send, and nothing is dropped but by a policy that was
//!    asked for.
//! 7. **Terminal is terminal.** A session that is over does nothing more, still answers for what it
//!    did, and its faults are its own.
//! 8. **Cost is local.** A step costs the same beside a million sessions as alone, and what is
//!    switched off costs nothing.
//!
//! The rules that follow from them are numbered clauses, in `specs/`. Module documentation and
//! comments cite them (`MACH-4`), and a refusal says its own ([`Refusal::clause`]).
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `std` | the standard library under the pure layers |
//! | `seal` | sealed tokens; needs no standard library, and `driver` includes it |
//! | `syntax` | readers and printers of protocols, `files`, diagnostics, JSON of values, journals |
//! | `driver` | `journal` and `driver`: sessions on tokio or on threads |
//! | `net` | TCP, WebSocket and TLS under links, `server` |
//! | `cli` (default) | the `antiphon` command |
//!
//! `driver` includes all before it, `cli` all of them, `syntax` the standard library.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "driver")]
pub mod client;
#[cfg(feature = "driver")]
pub mod driver;
#[cfg(feature = "syntax")]
pub mod files;
#[cfg(feature = "driver")]
pub mod journal;
pub mod machine;
pub mod resume;
#[cfg(feature = "net")]
pub mod server;
#[cfg(feature = "driver")]
pub mod simulation;
#[cfg(feature = "driver")]
pub mod transport;
pub mod types;
pub mod wire;

#[cfg(feature = "driver")]
pub use driver::{Endpoint, JournalFile, Session};
pub use machine::{Machine, Refusal};
pub use types::Protocol;

/// The examples of the README, compiled and run with the tests of the documentation.
#[cfg(all(doctest, feature = "net"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
