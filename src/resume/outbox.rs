//! The client of a role: what it has done, what of that is not acknowledged, and what has arrived.
//!
//! [`Memory`] is what a client must not lose in part: where its role is, the **outbox** (actions
//! that the machine has not acknowledged), and what it has consumed. [`Client`] is a memory and its
//! present attachment: it says which frame to send next and takes those that come. It decides and
//! consumes also while it is not attached. No clock, no sockets: who drives it says when a
//! connection is there or lost, and when it is time to [say it all again](Client::again).
//!
//! - What the role may do is its local type, which the machine tells: an action that it does not
//!   allow is refused here, before anything is sent.
//! - A receive is implied by the position of the next send or acknowledgement, except where
//!   messages of several roles may come next: there it is an action of the outbox like a send.
//!
//! Clauses: OUT-1 to OUT-8. Lean twin: `Resume/Outbox.lean`.

mod client;
mod memory;
mod text;

pub use client::{Client, Ending, Heard};
pub use memory::{
    Action, INBOX_MAX, LegalMove, Memory, OUTBOX_DEFAULT, OUTBOX_MAX, OutboxRefusal, Taken,
    TypeError,
};
