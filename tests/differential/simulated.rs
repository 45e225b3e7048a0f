//! Journals of sessions whose network failed and whose hosts crashed: attachments, recoveries, resumes,
//! takeovers, as a simulation makes them, and as processes do that are killed, for the model's own
//! replay.

use std::path::Path;
use std::sync::Arc;

use antiphon::simulation::{Options, simulate};
use antiphon::types::syntax::Source;
use antiphon::wire::journal::Journal;
use serde_json::Value as Tree;

use crate::processes;
use crate::retold::lines;

/// What is simulated, from `specs/protocols`.
const PROTOCOLS: [&str; 8] = [
    "global/two_buyer.scr",
    "global/auction.scr",
    "global/chat_room.scr",
    "global/game_turn.scr",
    "local/dining.local",
    "local/gather_any_order.local",
    "local/elevator.local",
    "local/two_phase_commit_early_abort.local",
];

/// One journal of each, as lines.
pub(crate) fn journals(seed: u64) -> Result<Vec<Vec<Tree>>, String> {
    let chaos = "loss=0.1,dup=0.1,reorder=0.2,cut=300ms,crash=0.1,kill=0.02,amnesia=0.01";
    let chaos = chaos.parse().expect("it is one");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/protocols");
    let journal = |(name, number): (&str, u64)| {
        let wrong = |why: String| format!("{name}, seed {}: {why}", seed.wrapping_add(number));
        let source = Source::open(root.join(name)).map_err(|error| wrong(error.to_string()))?;
        let protocol = source.protocol(None).map_err(|report| wrong(format!("{report:?}")))?;
        let options =
            Options { chaos, seed: seed.wrapping_add(number), steps: 24, ..Options::default() };
        let report =
            simulate(&Arc::new(protocol), &options).map_err(|error| wrong(error.to_string()))?;
        report.verdict.map_err(|fault| wrong(fault.to_string()))?;
        let journal = Journal::read(report.journal.as_bytes());
        let journal = journal.map_err(|error| wrong(error.to_string()))?;
        lines(&journal).map_err(|error| wrong(error.to_string()))
    };
    PROTOCOLS.into_iter().zip(0..).map(journal).collect()
}

/// The journal of a game of real processes, over real sockets, some of which were killed: one over
/// each transport.
pub(crate) fn played(seed: u64) -> Result<Vec<Vec<Tree>>, String> {
    let play = |scheme: &str| {
        let done = processes::play(&format!("oracle-{scheme}"), scheme, 60, 5, seed);
        println!("{scheme}: {} hosts and {} players were killed", done.hosts, done.players);
        let journal = Journal::read(done.journal.as_bytes());
        let journal = journal.map_err(|error| format!("{scheme}: {error}"))?;
        lines(&journal).map_err(|error| format!("{scheme}: {error}"))
    };
    ["ws", "tcp", "wss", "tls"].into_iter().map(play).collect()
}
