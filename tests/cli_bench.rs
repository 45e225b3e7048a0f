//! `antiphon bench` as a process: that it measures and what it prints, never what it measured.
#![cfg(feature = "cli")]

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value as Tree;

use crate::schema::fits;

/// What needs neither long nor a disk.
const CHEAP: [&str; 6] = ["step", "recorded", "open", "authority", "sequencer", "resume"];

fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_antiphon"))
        .arg("bench")
        .args(arguments)
        .env_remove("CLICOLOR_FORCE")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn good(arguments: &[&str]) -> String {
    let (status, out, error) = run(arguments);
    assert_eq!((status, error.as_str()), (0, ""), "{arguments:?}");
    out
}

fn document(subjects: &[&str], more: &[&str]) -> Tree {
    let out = good(&[subjects, &["--quick", "--json"], more].concat());
    serde_json::from_str(&out).unwrap()
}

fn schema() -> Tree {
    serde_json::from_str(include_str!("../specs/schema/bench.schema.json")).unwrap()
}

fn subjects(document: &Tree) -> Vec<&str> {
    let all = document["subjects"].as_array().unwrap().iter();
    all.map(|subject| subject["subject"].as_str().unwrap()).collect()
}

/// A folder, gone with its test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("antiphon-cli-bench-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// CLI-4, CLI-5.
#[test]
fn cheap_subjects_are_measured_and_the_document_is_of_the_schema() {
    let (document, schema) = (document(&CHEAP, &[]), schema());
    assert!(fits(&schema, &schema, &document), "{document:#}");
    assert_eq!(subjects(&document), CHEAP);
    // The schema asks for each field of a row, and knows no other.
    let row = &document["subjects"][0]["rows"][0];
    for key in row.as_object().unwrap().keys().map(String::as_str).chain(["more"]) {
        let mut other = document.clone();
        let row = other["subjects"][0]["rows"][0].as_object_mut().unwrap();
        if row.remove(key).is_none() {
            row.insert(key.into(), 0.into());
        }
        assert!(!fits(&schema, &schema, &other), "{key}");
    }
    for subject in document["subjects"].as_array().unwrap() {
        for row in subject["rows"].as_array().unwrap() {
            assert_eq!(row["goal"].is_null(), row["reached"].is_null(), "{row}");
            assert_eq!(row["floor"].is_null(), row["ratio"].is_null(), "{row}");
        }
    }
}

/// CLI-7.
#[test]
fn what_is_measured_on_a_disk_leaves_nothing_there() {
    let folder = Folder::new();
    let path = folder.0.to_str().unwrap();
    let document = document(&["recovery"], &["--dir", path]);
    assert_eq!((subjects(&document), document["folder"].as_str()), (vec!["recovery"], Some(path)));
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0);
    let missing = format!("{path}/missing");
    let (status, out, error) = run(&["recovery", "--quick", "--dir", &missing]);
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(error.contains(&missing), "{error}");
}

/// CLI-6.
#[test]
fn an_unknown_subject_is_refused_with_those_that_there_are() {
    let (status, out, error) = run(&["step", "steps"]);
    assert_eq!((status, out.as_str()), (2, ""));
    let listed = good(&["--list"]);
    let names: Vec<&str> = listed.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(CHEAP.iter().all(|name| names.contains(name)), "{listed}");
    assert_eq!(
        error,
        format!("error: there is no subject `steps`; the subjects are {}\n", names.join(", "))
    );
}

#[test]
fn a_table_has_a_line_for_each_row() {
    let out = good(&["sequencer", "--quick"]);
    let head = out.lines().next().unwrap();
    let columns: Vec<&str> = head.split_whitespace().collect();
    assert_eq!(columns, ["subject", "what", "measured", "floor", "ratio", "goal", "reached"]);
    let row = out.lines().nth(1).unwrap();
    assert!(row.starts_with("sequencer  a message of 16 bytes"), "{out}");
    assert!(row.ends_with("yes") || row.ends_with("no"), "{out}");
}
