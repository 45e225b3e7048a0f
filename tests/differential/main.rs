//! This machine and the model of it in Lean, told the same: random protocols, random scripts over
//! everything that a machine can be told, several sessions, time, journals and restarts. Compared
//! after every step are the verdict, the outputs, and the state of every session.
//!
//! ```text
//! cargo test --all-features --test differential -- [--steps N] [--seed N] [--case N]
//!     --steps N        how many inputs are compared at least; 20,000 if nothing is said
//!     --long           a million of them
//!     --seed N         the same cases again; else by the clock
//!     --case N         only this one
//!     --oracle COMMAND what speaks for the model; `lean/check --run lean/Oracle.lean` if nothing
//!     --record         writes the answers of the vectors anew, where the two agree
//!     --stop           at the first disagreement, which is not made smaller and not kept; no vectors
//!     --dry            without a model: only what would be reached
//!     --keep NAME      writes the case of `--seed` and `--case` as a vector
//! ```
//!
//! Where the two differ, the lines are made fewer and kept as a vector. No Lean, no pass. At the end
//! some of the journals go to the model's own replay, and what was tampered with must be refused there.

mod coverage;
mod crowd;
mod generate;
mod journals;
#[path = "../lines/mod.rs"]
mod lines;
mod model;
#[path = "../processes/mod.rs"]
mod processes;
#[path = "../reference/mod.rs"]
mod reference;
#[path = "../retold/mod.rs"]
mod retold;
mod shrink;
mod simulated;
#[path = "../strategies/mod.rs"]
mod strategies;
#[path = "../written/mod.rs"]
mod written;

use std::process::ExitCode;
use std::sync::mpsc::sync_channel;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use coverage::{Coverage, codes};
use generate::{Case, KINDS, case};
use journals::{JOURNALS, RECORDS_MIN};
use lines::vectors::{self, Vector};
use lines::{Engine, Line};
use model::Model;
use shrink::{Disagreement, compare, run, shrink};

/// How many pairs of an input and an outcome a run of the usual length reaches at least.
const CELLS_MIN: usize = 190;

/// How many runs a case is made smaller with.
const SHRINKS: usize = 400;

struct Arguments {
    steps: usize,
    seed: u64,
    case: Option<u64>,
    oracle: Vec<String>,
    record: bool,
    dry: bool,
    stop: bool,
    keep: Option<String>,
}

impl Arguments {
    fn read() -> Result<Self, String> {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_secs();
        let oracle = ["lean/check", "--run", "lean/Oracle.lean"].map(String::from).to_vec();
        let mut read = Self {
            steps: 20_000,
            seed: clock,
            case: None,
            oracle,
            record: false,
            dry: false,
            stop: false,
            keep: None,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{word}` needs a value"));
            let number = |text: String| text.parse().map_err(|_| format!("`{text}` is no number"));
            match word.as_str() {
                "--steps" => read.steps = number(value()?)? as usize,
                "--long" => read.steps = 1_000_000,
                "--seed" => read.seed = number(value()?)?,
                "--case" => read.case = Some(number(value()?)?),
                "--oracle" => {
                    read.oracle = value()?.split_whitespace().map(String::from).collect();
                }
                "--dry" => read.dry = true,
                "--stop" => read.stop = true,
                "--record" => read.record = true,
                "--keep" => read.keep = Some(value()?),
                other => {
                    return Err(format!("there is no `{other}`; see tests/differential/main.rs"));
                }
            }
        }
        Ok(read)
    }

    /// One of the cases.
    fn case(&self, number: u64) -> Case {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&number.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let config = Config { failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, rng);
        let kind = KINDS[usize::try_from(number).expect("a few") % KINDS.len()];
        case(&mut runner, kind)
    }
}

fn main() -> ExitCode {
    let done = Arguments::read().and_then(|arguments| {
        if arguments.dry {
            random(&arguments, &mut lines::Rust::default())?;
            return Err("nothing was compared".into());
        }
        let mut model = Model::start(&arguments.oracle)?;
        if !arguments.stop {
            recorded(&arguments, &mut model)?;
        }
        if let Some(name) = &arguments.keep {
            return keep(&arguments, name, &mut model);
        }
        random(&arguments, &mut model)
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("differential: {why}");
            ExitCode::FAILURE
        }
    }
}

/// The vectors, told to the model.
fn recorded(arguments: &Arguments, model: &mut Model) -> Result<(), String> {
    let all = vectors::all();
    for (path, mut vector) in all.iter().cloned() {
        let theirs = if arguments.record {
            let ours = lines::Rust::default().tell(&mut vector.lines)?;
            let theirs = model.tell(&mut vector.lines)?;
            let found = compare(&ours, &theirs);
            vector.answers = ours;
            if found.is_none() {
                vector.write(&path);
            }
            theirs
        } else {
            model.tell(&mut vector.lines)?
        };
        if let Some(Disagreement { line, how }) = compare(&vector.answers, &theirs) {
            return Err(format!("{}, line {}: {how}", path.display(), line + 2));
        }
    }
    println!("{} vectors, and the model agrees with each", all.len());
    Ok(())
}

/// Keeps one case.
fn keep(arguments: &Arguments, name: &str, model: &mut Model) -> Result<(), String> {
    let mut case = arguments.case(arguments.case.unwrap_or(0));
    if let Some(found) = run(&mut case.lines, model)? {
        return Err(format!("they do not agree: {}", found.how));
    }
    let about = name.replace('_', " ");
    let vector = Vector { about, lines: case.lines, answers: case.answers };
    vector.write(&vectors::folder().join(format!("{name}.jsonl")));
    Ok(())
}

/// Random cases, as many as have so many steps.
fn random(arguments: &Arguments, model: &mut (dyn Engine + Send)) -> Result<(), String> {
    println!("seed {}", arguments.seed);
    let started = Instant::now();
    let (mut coverage, mut steps, mut told) = (Coverage::default(), 0, 0);
    let mut kept_journals = Vec::new();
    let is_step = |line: &&Line| line.say.get("input").is_some() || line.say.get("seal").is_some();
    let found = std::thread::scope(|scope| {
        // The model is what takes the time: other cases are made and compared while it works at one.
        let (made, to_tell) = sync_channel(4);
        scope.spawn(move || {
            let numbers = arguments.case.map_or(0..u64::MAX, |only| only..only + 1);
            for number in numbers {
                if made.send((number, arguments.case(number))).is_err() {
                    break;
                }
            }
        });
        let (told_all, to_compare) = sync_channel(4);
        scope.spawn(|| {
            let (to_tell, told_all) = (to_tell, told_all);
            for (number, mut case) in to_tell {
                let theirs = model.tell(&mut case.lines);
                if told_all.send((number, case, theirs)).is_err() {
                    break;
                }
            }
        });
        for (number, case, theirs) in to_compare {
            let theirs = theirs.map_err(|why| format!("case {number}: {why}"))?;
            if let Some(found) = compare(&case.answers, &theirs) {
                return Ok(Some((number, case, found)));
            }
            coverage.count(&case);
            // Those of a case at its turn: each kind of case has some.
            let long = |lines: &&Vec<_>| journals::length(lines) >= RECORDS_MIN;
            if let Some(journal) = case.journals.iter().find(long)
                && kept_journals.len() < JOURNALS
            {
                kept_journals.push(journal.clone());
            }
            told += case.lines.len();
            steps += case.lines.iter().filter(is_step).count();
            if steps >= arguments.steps {
                break;
            }
        }
        Ok::<_, String>(None)
    })?;
    if let Some((number, case, found)) = found {
        if arguments.stop {
            return Err(format!(
                "this machine and the model disagree: {}\ncase {number}, line {}: {}",
                found.how, found.line, case.lines[found.line].say
            ));
        }
        return Err(kept(arguments, number, &case, &found, model)?);
    }
    let took = started.elapsed().as_secs_f64();
    let missing = codes().into_iter().filter(|code| !coverage.outcomes().contains(code.as_str()));
    let missing: Vec<String> = missing.collect();
    print!("{}", coverage.shown());
    println!(
        "{steps} steps ({told} lines) compared in {took:.0} s, {:.0} a second; {} of {} refusals, {} \
         pairs of input and outcome; seed {}",
        steps as f64 / took,
        codes().len() - missing.len(),
        codes().len(),
        coverage.len(),
        arguments.seed,
    );
    if !missing.is_empty() {
        println!("not reached: {missing:?}");
    }
    if !arguments.dry && !kept_journals.is_empty() {
        if arguments.case.is_none() {
            kept_journals.extend(simulated::journals(arguments.seed)?);
            kept_journals.extend(simulated::played(arguments.seed)?);
        }
        let records = journals::check(&arguments.oracle, &kept_journals)?;
        println!(
            "{} journals of {records} records replayed by the model, and each refused once it was \
             tampered with",
            kept_journals.len(),
        );
    }
    let whole = arguments.case.is_none() && arguments.steps >= 20_000;
    match whole && (!missing.is_empty() || coverage.len() < CELLS_MIN) {
        true => Err(format!(
            "too little was reached: at least {CELLS_MIN} pairs, and {missing:?}; teach \
             tests/differential to reach it"
        )),
        false => Ok(()),
    }
}

/// Makes a case smaller, and keeps it.
fn kept(
    arguments: &Arguments,
    number: u64,
    case: &Case,
    found: &Disagreement,
    model: &mut dyn Engine,
) -> Result<String, String> {
    let Disagreement { line, how } = found;
    let seed = arguments.seed;
    println!(
        "case {number} of seed {seed} disagrees at line {line}: {how}\n  {}\nmaking it smaller …",
        case.lines[*line].say
    );
    let mut lines = shrink(&case.lines[..=*line], model, SHRINKS)?;
    let how = run(&mut lines, model)?.map_or_else(|| how.clone(), |found| found.how);
    let answers = model.tell(&mut lines)?;
    let about = format!("seed {seed}, case {number}: {how}");
    let path = vectors::folder().join(format!("differs_{seed}_{number}.jsonl"));
    Vector { about, lines: lines.clone(), answers }.write(&path);
    let told: Vec<String> = lines.iter().map(|line| line.say.to_string()).collect();
    Ok(format!(
        "this machine and the model disagree: {how}\n{}\n\nkept with the answers of the model: {}\n\
         the whole case again: --seed {seed} --case {number}",
        told.join("\n"),
        path.display()
    ))
}
