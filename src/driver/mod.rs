//! Sessions in this process: the one place where machine and journal meet.
//!
//! [`Session`] opens a session of a protocol and hands out its [`Endpoint`]s, for tokio; an
//! endpoint becomes a [`BlockingEndpoint`] for threads. What an endpoint answers is journaled
//! before (law 4). A [`Holding`] is what somebody else owns of a session; an endpoint can be sent
//! over another session ([`Endpoint::send_endpoint`]). [`Shards`] are several machines on several
//! cores, for hosts with many sessions.

mod authority;
mod delegation;
mod endpoint;
mod error;
mod handler;
mod holding;
mod host;
mod kept;
mod session;
mod shards;

pub use authority::Transfer;
pub use delegation::{CARRIED_MAX, Unsent};
pub use endpoint::{BlockingEndpoint, Endpoint};
pub use error::Error;
pub use handler::{Action, Answer, Handler, HandlerError, Message};
pub use holding::{Acting, Holding, NotAnEndpoint};
pub use kept::{JournalFile, JournalFileError, Replayed};
pub use session::{EdgeTrace, Options, Session};
pub use shards::{
    NotKept, SHARD_CHUNK_MAX, SHARD_QUEUE_MAX, SHARD_TURN_MAX, SHARDS_MAX, ShardError, Shards,
    Sink, StartError, shard_of,
};
