//! Hosts and their clients: journals of many sessions, frames, links, and every failure simulated.
//! One program, so that what they share is built once.
#![cfg(feature = "driver")]

#[path = "../faulty/mod.rs"]
mod faulty;
#[path = "../reference/mod.rs"]
mod reference;
#[path = "../retold/mod.rs"]
mod retold;
#[path = "../schema/mod.rs"]
mod schema;
#[path = "../strategies/mod.rs"]
mod strategies;
#[path = "../worn/mod.rs"]
mod worn;

#[path = "../client.rs"]
mod client;
#[path = "../frames.rs"]
mod frames;
#[path = "../journals.rs"]
mod journals;
#[path = "../links.rs"]
mod links;
#[path = "../outbox.rs"]
mod outbox;
#[path = "../parts.rs"]
mod parts;
#[path = "../raw.rs"]
mod raw;
#[path = "../recover.rs"]
mod recover;
#[path = "../restore.rs"]
mod restore;
#[path = "../simulation.rs"]
mod simulation;
#[cfg(feature = "net")]
#[path = "../sockets.rs"]
mod sockets;
#[path = "../transports.rs"]
mod transports;
