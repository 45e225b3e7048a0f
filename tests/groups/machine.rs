//! The machine: sessions, authority, time, and what it keeps.
//! One program, so that what they share is built once.

#[cfg(feature = "syntax")]
#[path = "../lines/mod.rs"]
mod lines;
#[path = "../reference/mod.rs"]
mod reference;
#[cfg(feature = "syntax")]
#[path = "../scene/mod.rs"]
mod scene;
#[path = "../strategies/mod.rs"]
mod strategies;
#[cfg(feature = "syntax")]
#[path = "../written/mod.rs"]
mod written;

#[path = "../attachments.rs"]
mod attachments;
#[path = "../authority.rs"]
mod authority;
#[path = "../authority_ends.rs"]
mod authority_ends;
#[path = "../delegation.rs"]
mod delegation;
#[path = "../isolation.rs"]
mod isolation;
#[path = "../lifecycle.rs"]
mod lifecycle;
#[path = "../machine_model.rs"]
mod machine_model;
#[path = "../policies.rs"]
mod policies;
#[path = "../reaping.rs"]
mod reaping;
#[path = "../records.rs"]
mod records;
#[path = "../refusals.rs"]
mod refusals;
#[path = "../replay.rs"]
mod replay;
#[path = "../vectors.rs"]
mod vectors;
#[path = "../views.rs"]
mod views;
#[path = "../witnesses.rs"]
mod witnesses;
