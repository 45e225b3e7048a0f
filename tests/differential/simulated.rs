//! Journals of sessions whose network failed and whose hosts crashed: attachments, recoveries, resumes,
//! takeovers, as a simulation makes them, and as processes do that are killed, for the model's own
//! replay.

use std::path::Path;
use std::sync::Arc;

use antiphon::simulation::{Options, simulate};
use antiphon::types::syntax::Source;
use antiphon::wire::journal::Journal;
use serde_json::{Value as Tree, json};

use crate::processes;

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
        lines(&journal.map_err(|error| wrong(error.to_string()))?).map_err(wrong)
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
        lines(&journal.map_err(|error| format!("{scheme}: {error}"))?)
    };
    ["ws", "tcp"].into_iter().map(play).collect()
}

/// A journal as the lines that the others are: everything in one.
fn lines(journal: &Journal) -> Result<Vec<Tree>, String> {
    let (mut lines, mut all) = (Vec::new(), Vec::new());
    for told in journal.retold() {
        let say = told.map_err(|error| error.to_string())?.say;
        match say.pointer("/replay/records").and_then(Tree::as_array) {
            Some(records) => all.extend(records.iter().cloned()),
            None if say.get("state").is_some() => {}
            None => lines.push(json!({"say": say})),
        }
    }
    let (session, count) = (journal.session.to_string(), all.len());
    let protocol = journal.protocol.digest().to_string();
    let replay = json!({"session": session, "protocol": protocol, "records": all});
    let replayed = json!({"session": session, "records": count});
    lines.push(json!({"say": {"replay": replay}, "answer": {"ok": {"replayed": replayed}}}));
    Ok(lines)
}
