//! Sessions over a network that loses, repeats, reorders and cuts, with hosts and clients that
//! crash: all of it in memory, in virtual time, and the same again from the same seed.
//!
//! What runs here is what runs everywhere: the [`Node`](crate::driver::Node) of a host with its
//! journal, and the [`Client`](crate::resume::outbox::Client) of each role. Only the network, the
//! clock and the moment of a crash are made up. At its end [`Verdict`] compares what each client
//! has done with the journal, and both with a naive run over perfect channels.
//!
//! ```
//! use antiphon::Protocol;
//! use antiphon::simulation::{Chaos, Options, simulate};
//!
//! let shop: Protocol = "
//!     Buyer  = Seller!title(string) . Seller?quote(nat) . Seller!{ buy . end, quit . end }
//!     Seller = Buyer?title(string)  . Buyer!quote(nat)  . Buyer?{ buy . end, quit . end }
//! ".parse()?;
//! let chaos: Chaos = "loss=0.2,dup=0.1,reorder=0.2,cut=300ms,crash=0.1".parse()?;
//! let report = simulate(&shop.into(), &Options { chaos, seed: 7, ..Options::default() })?;
//! assert!(report.verdict.is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `simulate_over` runs the same over real sockets of this machine, in real time, with a journal on
//! disk: hosts are a [`Hub`](crate::driver::Hub), clients an [`Endpoint`](crate::client::Endpoint).
//!
//! Clauses: SIM-1 to SIM-6.

mod chaos;
mod crash;
mod host;
mod network;
mod player;
mod report;
#[cfg(feature = "net")]
mod sockets;
mod values;
mod verdict;
mod world;

pub use chaos::{Chaos, ChaosError};
pub use player::Done;
pub use report::{Counts, Moment, Options, Report, SimulationError};
#[cfg(feature = "net")]
pub use sockets::{Sockets, simulate_over};
pub use values::{Values, ValuesError};
pub use verdict::{Fault, Verdict};
pub use world::{simulate, simulate_with};
