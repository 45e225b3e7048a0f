//! Scenarios: stories of `specs/scenarios`, commands with what follows from each of them.
//!
//! A line that begins with `> ` is a command (see `command.rs`), the lines below it are its trace:
//! what it came to, and indented what an observer is told. Everything else is for readers. After
//! every command the invariants hold and every journal leads to the state that there is.
//!
//! `UPDATE_SCENARIOS=1 cargo test --test scenario` writes the traces anew; read them before you
//! keep them.
#![cfg(feature = "syntax")]

mod command;
mod matrix;
#[path = "../scene/told.rs"]
mod told;
mod world;

use std::fmt::Write as _;
use std::path::Path;

use world::World;

/// The text of a scenario with the traces that its commands really have.
fn played(text: &str) -> String {
    let (mut world, mut out, mut lines) = (World::default(), String::new(), text.lines());
    let mut skipping = false;
    while let Some(line) = lines.next() {
        if let Some(command) = line.strip_prefix("> ") {
            let trace = command::play(&mut world, command);
            writeln!(out, "{line}\n{}", trace.trim_end()).unwrap();
            skipping = true;
        } else if line == "protocol" || line.starts_with("protocol ") {
            writeln!(out, "{line}").unwrap();
            let mut types = String::new();
            for line in lines.by_ref().take_while(|line| !line.is_empty()) {
                writeln!(types, "{line}").unwrap();
            }
            writeln!(out, "{types}").unwrap();
            world.declare(line.strip_prefix("protocol ").unwrap_or("Scene"), &types);
            skipping = false;
        } else if line.is_empty() || line.starts_with('#') || !skipping {
            writeln!(out, "{line}").unwrap();
            skipping = false;
        }
    }
    out
}

#[test]
fn every_scenario_goes_as_it_is_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/scenarios");
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 10, "the scenarios are in {}", folder.display());
    let update = std::env::var_os("UPDATE_SCENARIOS").is_some();
    let mut wrong = Vec::new();
    for file in files {
        let written = std::fs::read_to_string(&file).unwrap();
        let played = played(&written);
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        assert!(written.starts_with("# "), "{name} opens with what it shows and why");
        if update {
            std::fs::write(&file, &played).unwrap();
        } else if let Some(at) = differs(&written, &played) {
            wrong.push(format!("{name}:{at}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_cell_of_the_matrix_is_as_it_is_written() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/matrix.md");
    let page = matrix::page();
    if std::env::var_os("UPDATE_SCENARIOS").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap();
    let differs = differs(&written, &page);
    assert!(differs.is_none(), "specs/matrix.md:{}", differs.unwrap());
}

/// The first line that is not as it is written, both ways.
fn differs(written: &str, played: &str) -> Option<String> {
    let (mut written, mut played) = (written.lines(), played.lines());
    for number in 1.. {
        match (written.next(), played.next()) {
            (None, None) => return None,
            (a, b) if a == b => {}
            (a, b) => {
                let shown = |line: Option<&str>| line.unwrap_or("the end").to_owned();
                return Some(format!("{number}\n  written  {}\n  goes     {}", shown(a), shown(b)));
            }
        }
    }
    None
}
