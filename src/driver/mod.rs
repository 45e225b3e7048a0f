//! Sessions in this process: the one place where machine and journal meet.
//!
//! [`Session`] opens a session of a protocol and hands out its [`Endpoint`]s, for tokio; an
//! endpoint becomes a [`BlockingEndpoint`] for threads. What an endpoint answers is journaled
//! before (law 4). A [`Holding`] is what somebody else owns of a session; an endpoint can be sent
//! over another session ([`Endpoint::send_endpoint`]), and authority leaves the process as text
//! ([`Holding::resume_token`], [`Holding::handoff`], [`Session::invite`]). [`Shards`] are several
//! machines on several cores, for hosts with many sessions; a [`Recovery`] takes sessions up again
//! from a [`Journal`](crate::journal::Journal) of many.
//!
//! Time: on a tokio runtime, with its time enabled, timers, transfers and drains run out when they
//! are due. Without one they run out at the next call to the session, or while a
//! [`BlockingEndpoint`] waits.

mod authority;
mod clock;
mod delegation;
mod endpoint;
mod ends;
mod error;
mod events;
mod handler;
mod holding;
mod host;
mod hub;
mod kept;
mod node;
mod part;
mod recover;
mod session;
mod shards;
mod snapshots;
mod token;
mod witness;

pub use authority::Transfer;
pub use delegation::{CARRIED_MAX, Unsent};
pub use endpoint::{BlockingEndpoint, Endpoint};
pub use error::Error;
pub use events::{EVENTS_MAX, Event, Events};
pub use handler::{Action, Answer, Handler, HandlerError, Message};
pub use holding::{Acting, Holding, NotAnEndpoint};
pub use hub::{BYTES_MAX, Door, FRAMES_MAX, Hub, HubError, HubOptions, Invited, JOBS_MAX};
pub use kept::{JournalFile, JournalFileError, Replayed};
pub use node::{Node, NodeError, NodeOptions};
pub use part::Part;
pub use recover::{
    Breach, RecoverError, Recovered, Recovery, Report, Sessions, Unfit, append, keep,
};
pub use session::{EdgeTrace, Options, Session};
pub use shards::{
    NotKept, SHARD_CHUNK_MAX, SHARD_QUEUE_MAX, SHARD_TURN_MAX, SHARDS_MAX, ShardError, Shards,
    Sink, StartError, shard_of,
};
pub use snapshots::{SNAPSHOT_EVERY, SNAPSHOTS_BYTES_MAX};
pub use token::{BadToken, Cause, HANDED_MAX, HANDOFF_EXPIRES};
