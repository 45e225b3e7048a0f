//! Many seeds of the simulator: sessions of the library's protocols over a network that loses,
//! repeats, reorders and cuts, with hosts that crash at commits and clients that are killed.
//!
//! `ANTIPHON_SEEDS=10000 cargo test --release --all-features --test host simulation` is the long run;
//! `ANTIPHON_SEED=N` begins with that seed. A failure prints what to run again. With
//! `ANTIPHON_JOURNALS=FOLDER` each journal is written there, as
//! `ls FOLDER/*.jsonl | xargs -n 200 lean/check --run lean/Oracle.lean --replay` reads it.
#![cfg(feature = "driver")]

use std::path::Path;
use std::sync::Arc;

use antiphon::Protocol;
use antiphon::machine::Capacities;
use antiphon::simulation::{Chaos, Counts, Options, Report, SimulationError, simulate};
use antiphon::types::syntax::Source;
use antiphon::wire::journal::Journal;
use antiphon::wire::oracle::line;

use crate::retold;

/// On how many threads seeds run.
const THREADS: usize = 2;

fn library() -> Vec<Arc<Protocol>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/protocols");
    let mut paths: Vec<_> = ["global", "local"]
        .iter()
        .filter_map(|folder| std::fs::read_dir(root.join(folder)).ok())
        .flat_map(|entries| entries.map(|entry| entry.unwrap().path()))
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let read =
        |path: std::path::PathBuf| Source::open(path).ok()?.protocol(None).ok().map(Arc::new);
    paths.into_iter().filter_map(read).collect()
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect(name))
}

fn chaos(seed: u64) -> Chaos {
    let mild = "loss=0.05,dup=0.05,reorder=0.1,cut=2s,crash=0.02";
    let wild = "loss=0.3,dup=0.2,reorder=0.3,cut=300ms,crash=0.15,kill=0.02,amnesia=0.01";
    let text = match seed % 5 {
        0 => "crash=0.3",
        1 => mild,
        2 => "cut=100ms,kill=0.05",
        3 => "loss=0.2,dup=0.2,reorder=0.5",
        _ => wild,
    };
    text.parse().unwrap()
}

fn run(library: &[Arc<Protocol>], seed: u64) -> Result<Report, SimulationError> {
    let protocol = &library[usize::try_from(seed).unwrap() % library.len()];
    let steps = 20 + seed % 60;
    let capacities = match seed % 3 {
        0 => Capacities::default(),
        _ => Capacities {
            every: Some(1 + u32::try_from(seed % 4).unwrap()),
            unchecked: true,
            ..Capacities::default()
        },
    };
    simulate(
        protocol,
        &Options { chaos: chaos(seed), seed, steps, capacities, ..Options::default() },
    )
}

/// What some seeds came to.
#[derive(Default)]
struct Total {
    counts: Counts,
    actions: u64,
    records: u64,
}

impl Total {
    fn add(&mut self, counts: &Counts, actions: u64, records: u64) {
        let total = &mut self.counts;
        total.frames += counts.frames;
        total.lost += counts.lost;
        total.repeated += counts.repeated;
        total.reordered += counts.reordered;
        total.truncated += counts.truncated;
        total.cuts += counts.cuts;
        total.resumes += counts.resumes;
        total.displaced += counts.displaced;
        total.crashes += counts.crashes;
        total.kills += counts.kills;
        total.amnesias += counts.amnesias;
        total.commits += counts.commits;
        total.spared += counts.spared;
        self.actions += actions;
        self.records += records;
    }
}

/// Writes a journal for the model's own replay.
fn write(folder: &Path, seed: u64, journal: &Journal) {
    let lines = retold::lines(journal).unwrap();
    let text: String = lines.iter().map(|one| line(one) + "\n").collect();
    std::fs::write(folder.join(format!("{seed}.jsonl")), text).unwrap();
}

/// The seeds that one of several threads takes.
fn some(library: &[Arc<Protocol>], seeds: impl Iterator<Item = u64>) -> Total {
    let folder = std::env::var_os("ANTIPHON_JOURNALS");
    let mut total = Total::default();
    for seed in seeds {
        let again = format!(
            "again: ANTIPHON_SEED={seed} ANTIPHON_SEEDS=1 cargo test --all-features --test host simulation"
        );
        let report =
            run(library, seed).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{again}"));
        let verdict =
            report.verdict.unwrap_or_else(|fault| panic!("seed {seed}: {fault}\n{again}"));
        total.add(&report.counts, report.actions, verdict.records);
        if let Some(folder) = &folder {
            write(Path::new(folder), seed, &Journal::read(report.journal.as_bytes()).unwrap());
        }
    }
    total
}

#[test]
fn every_seed_ends_with_a_run_that_perfect_channels_would_have_given() {
    let library = library();
    assert!(library.len() > 30, "{} protocols", library.len());
    let (first, seeds) = (number("ANTIPHON_SEED", 0), number("ANTIPHON_SEEDS", 200));
    let mut all = Total::default();
    std::thread::scope(|scope| {
        let library = &library;
        let start = |thread| {
            let own = (first..first + seeds).skip(thread).step_by(THREADS);
            scope.spawn(move || some(library, own))
        };
        let threads: Vec<_> = (0..THREADS).map(start).collect();
        for thread in threads {
            let Total { counts, actions, records } =
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            all.add(&counts, actions, records);
        }
    });
    let Total { counts: total, actions, records } = all;
    println!("seeds {first} to {}: {actions} actions, {records} records, {total:?}", first + seeds);
    for (what, count) in [
        ("lost", total.lost),
        ("cuts", total.cuts),
        ("displaced", total.displaced),
        ("crashes", total.crashes),
        ("kills", total.kills),
        ("amnesias", total.amnesias),
        ("spared", total.spared),
    ] {
        assert!(seeds < 100 || count > 0, "{what}: none");
    }
}
