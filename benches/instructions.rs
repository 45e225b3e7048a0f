//! How many instructions a message takes, counted by callgrind: a number that does not drift.
//!
//! ```text
//! cargo bench --bench instructions -- --callgrind
//! ```
//!
//! Without the switch it does nothing, so that `cargo bench` does not need valgrind. With it, a
//! message must take the same number of instructions, within 20 %, in a run of M and of 2M
//! messages, and with 1 session and with 10,000 live.

use std::hint::black_box;
use std::process::{Command, ExitCode};

use antiphon::machine::{self, Capability, Machine};
use antiphon::types::{self, SortNode, Value};
use bytes::Bytes;

#[path = "../src/cli/bench/ping_pong.rs"]
#[expect(dead_code, reason = "what it has for other benches")]
mod ping_pong;
use ping_pong::{
    Labels, Passing, exchange, floor, machine, open, open_with, protocol, seal, witness,
};

const MESSAGES: u64 = 20_000;
const SESSIONS: u64 = 10_000;
/// How many exchanges make a batch: 256 records.
const BATCH: u64 = 64;
/// By how many percent two counts may differ.
const DRIFT_MAX: u64 = 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["run", what, messages, sessions] => {
            run(what, messages.parse().unwrap(), sessions.parse().unwrap());
            ExitCode::SUCCESS
        }
        _ if arguments.iter().any(|argument| argument == "--callgrind") => compare(),
        _ => {
            println!("instructions are counted with `-- --callgrind`, which needs valgrind");
            ExitCode::SUCCESS
        }
    }
}

/// What is counted: `messages` sent and received, all over `sessions` sessions.
fn run(what: &str, messages: u64, sessions: u64) {
    let bytes = Bytes::from(vec![7_u8; 16]);
    if what == "floor" {
        black_box(floor(messages, bytes));
        return;
    }
    let protocol = protocol(SortNode::Bytes);
    let mut machine: Machine = machine(&protocol);
    let labels = Labels::of(&protocol);
    match what {
        "transfers" => {
            let by = open(&mut machine, &protocol, 1);
            let mut passing = Passing::new(by);
            return (0..messages).for_each(|_| passing.pass(&mut machine));
        }
        "witnesses" => {
            let by = open(&mut machine, &protocol, 1);
            return (0..messages).for_each(|request| witness(&mut machine, &by, request));
        }
        "journal" => {
            let by = open_with(&mut machine, &protocol, 1, true);
            let mut value = Value::Bytes(bytes);
            for exchanged in 1..=messages / 2 {
                value = exchange(&mut machine, &by, labels, value);
                if exchanged.is_multiple_of(BATCH) {
                    black_box(seal(&mut machine));
                }
            }
            return;
        }
        _ => {}
    }
    let by: Vec<Capability> =
        (0..sessions).map(|id| open(&mut machine, &protocol, id.into())).collect();
    let mut value = Value::Bytes(bytes);
    for by in by.iter().cycle().take(messages as usize / 2) {
        value = exchange(&mut machine, by, labels, value);
    }
    black_box(value);
}

/// Instructions of a whole run of this program, by callgrind.
fn count(what: &str, messages: u64, sessions: u64) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["run", what, &messages.to_string(), &sessions.to_string()])
        .output()
        .map_err(|error| {
            format!("valgrind cannot be run ({error}); install it, or leave out `--callgrind`")
        })?;
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    let total = report.lines().find_map(|line| line.split_once("refs:")).map(|(_, total)| total);
    let total = total.and_then(|total| total.trim().replace(',', "").parse().ok());
    total.ok_or_else(|| format!("valgrind counted nothing:\n{report}"))
}

/// Instructions a message, between a run of `messages` and one of twice as many.
fn each(what: &str, messages: u64, sessions: u64) -> Result<u64, String> {
    let once = count(what, messages, sessions)?;
    Ok((count(what, 2 * messages, sessions)? - once) / messages)
}

fn compare() -> ExitCode {
    let measured = || -> Result<[u64; 4], String> {
        Ok([
            each("floor", MESSAGES, 1)?,
            each("machine", MESSAGES, 1)?,
            each("machine", 2 * MESSAGES, 1)?,
            // Enough messages that every session has had some before the first count ends.
            each("machine", 4 * SESSIONS, SESSIONS)?,
        ])
    };
    let [floor, first, twice, many] = match measured() {
        Ok(counts) => counts,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    let ratio = first as f64 / floor as f64;
    println!("instructions a message: floor {floor}, machine {first} ({ratio:.1}×)");
    println!("after twice as many messages {twice}, with {SESSIONS} sessions {many}");
    let drifts = |count: u64| count.abs_diff(first) * 100 > first * DRIFT_MAX;
    if drifts(twice) || drifts(many) {
        eprintln!("they differ by more than {DRIFT_MAX} %: something grows with age or number");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
