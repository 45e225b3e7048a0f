//! Sessions that run: in one process, over a link, on several shards.
//! One program, so that what they share is built once.

#[path = "../reference/mod.rs"]
mod reference;
#[path = "../strategies/mod.rs"]
mod strategies;

#[path = "../in_process.rs"]
mod in_process;
#[path = "../in_time.rs"]
mod in_time;
#[path = "../link.rs"]
mod link;
#[path = "../sequencer.rs"]
mod sequencer;
#[path = "../shards.rs"]
mod shards;
#[path = "../tokens_in_process.rs"]
mod tokens_in_process;
