//! The program `antiphon`, and the documents that it reads and writes.
//! One program, so that what they share is built once.

#[cfg(feature = "cli")]
#[path = "../processes/mod.rs"]
mod processes;
#[path = "../reference/mod.rs"]
mod reference;
#[cfg(feature = "syntax")]
#[path = "../scene/mod.rs"]
mod scene;
#[cfg(feature = "syntax")]
#[path = "../schema/mod.rs"]
mod schema;
#[path = "../strategies/mod.rs"]
mod strategies;
#[cfg(feature = "syntax")]
#[path = "../written/mod.rs"]
mod written;

#[path = "../audit.rs"]
mod audit;
#[path = "../cli.rs"]
mod cli;
#[path = "../cli_bench.rs"]
mod cli_bench;
#[path = "../cli_journal.rs"]
mod cli_journal;
#[path = "../cli_subtype.rs"]
mod cli_subtype;
#[path = "../door.rs"]
mod door;
#[path = "../door_journal.rs"]
mod door_journal;
#[cfg(feature = "cli")]
#[path = "../kills.rs"]
mod kills;
#[cfg(all(feature = "cli", target_os = "linux"))]
#[path = "../many.rs"]
mod many;
#[cfg(feature = "cli")]
#[path = "../play.rs"]
mod play;
#[path = "../run.rs"]
mod run;
#[path = "../tokens.rs"]
mod tokens;
#[path = "../verify.rs"]
mod verify;
#[path = "../wire_door.rs"]
mod wire_door;
#[path = "../wire_schema.rs"]
mod wire_schema;
