//! Journals of random sessions, given to the model's own replay: each as it is, and each once more with
//! one record changed, left out or told twice, which the model must refuse.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use antiphon::wire::oracle;
use serde_json::{Value as Tree, json};

/// How many journals are replayed.
pub(crate) const JOURNALS: usize = 16;

/// How many records a journal has at least that is replayed.
pub(crate) const RECORDS_MIN: usize = 4;

/// Replays them by the oracle; how many records they have.
pub(crate) fn check(oracle: &[String], journals: &[Vec<Tree>]) -> Result<usize, String> {
    let (program, arguments) = oracle.split_first().expect("a command has a program");
    let mut command = Command::new(program);
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).arg("--replay");
    let mut records = 0;
    let mut files = Vec::new();
    for (number, lines) in journals.iter().enumerate() {
        records += length(lines);
        let file = write(&format!("journal_{number}.jsonl"), lines);
        let bad =
            write(&format!("journal_{number}_tampered.jsonl"), &tampered(lines.clone(), number));
        command.arg(&file).arg(&bad);
        files.push((file, bad));
    }
    let done = command.output().map_err(|error| format!("the oracle does not start: {error}"))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (good, bad) = (said(&done.stdout), said(&done.stderr));
    let speaks_of = |text: &str, file: &Path| {
        let start = format!("{}: ", file.display());
        text.lines().any(|line| line.starts_with(&start))
    };
    for (file, tampered) in &files {
        if !speaks_of(&good, file) {
            return Err(format!("the model does not replay {}:\n{bad}", file.display()));
        }
        if !speaks_of(&bad, tampered) {
            return Err(format!("the model takes what was tampered with: {}", tampered.display()));
        }
    }
    match done.status.code() {
        Some(1) => Ok(records),
        _ => Err(format!("the oracle ends with {}, and not with 1:\n{bad}", done.status)),
    }
}

/// How many records there are in a journal.
pub(crate) fn length(lines: &[Tree]) -> usize {
    let records = lines.iter().filter_map(|line| line.pointer("/say/replay/records"));
    records.filter_map(Tree::as_array).map(Vec::len).sum()
}

fn write(name: &str, lines: &[Tree]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("differential_{name}"));
    let mut text = String::new();
    for line in lines {
        writeln!(text, "{}", oracle::line(line)).expect("a string takes all");
    }
    std::fs::write(&path, text).expect("it is writable");
    path
}

/// The same with another record in one place.
fn tampered(mut lines: Vec<Tree>, number: usize) -> Vec<Tree> {
    let batches: Vec<usize> =
        (0..lines.len()).filter(|at| records(&mut lines[*at]).is_some()).collect();
    let line = batches[number % batches.len()];
    let records = records(&mut lines[line]).expect("it is a batch");
    let at = (number * 7 + 1) % records.len();
    match number % 4 {
        0 => drop(records.remove(at)),
        1 => records.insert(at, records[at].clone()),
        2 => records[at]["index"] = json!(records[at]["index"].as_u64().unwrap_or(0) + 1),
        _ => {
            // What the record says that its event came to.
            let outcome = records[at]["outcome"].as_object_mut().expect("an outcome is an object");
            let (word, said) = outcome.iter_mut().next().expect("it has one form");
            let key = said.as_object().and_then(|said| said.keys().last()).cloned();
            match key.filter(|key| said[key].is_u64()) {
                Some(key) => said[&key] = json!(said[&key].as_u64().unwrap_or(0) + 1),
                None => {
                    let other = if word == "done" { "serial" } else { "done" };
                    *outcome = [(other.to_owned(), json!({"serial": 1}))].into_iter().collect();
                }
            }
        }
    }
    lines
}

fn records(line: &mut Tree) -> Option<&mut Vec<Tree>> {
    line.pointer_mut("/say/replay/records")?.as_array_mut()
}
