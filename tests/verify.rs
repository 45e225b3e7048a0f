//! `antiphon verify`: a journal replayed here, and by whoever speaks for the model.
#![cfg(all(feature = "cli", unix))]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value as Tree, json};

/// A folder of this test, with a journal in it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("verify_{name}"));
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(&path).unwrap();
        let folder = Self(path);
        let run = ["run", "specs/protocols/global/two_buyer.scr", "--seed", "3", "--journal"];
        let output = antiphon(&[&run[..], &[&folder.file("shop.journal")]].concat());
        assert!(output.status.success(), "{output:?}");
        folder
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.file(name), text).unwrap();
        self.file(name)
    }

    /// A program that gives these answers, whatever it is told.
    fn oracle(&self, answers: &[Tree]) -> String {
        let answers: String = answers.iter().map(|answer| format!("{answer}\n")).collect();
        let answers = self.write("answers", &answers);
        let text = format!(
            "#!/bin/sh\nexec 3<'{answers}'\nwhile read -r line; do read -r answer <&3 || exit 3\n\
             printf '%s\\n' \"$answer\"\ndone\n"
        );
        let program = self.write("oracle", &text);
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        program
    }
}

fn antiphon(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_antiphon"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What the model is told, and must answer.
fn lines(journal: &str) -> Vec<Tree> {
    let output = antiphon(&["verify", journal, "--lines"]);
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// JRNL-29.
#[test]
fn the_model_is_told_every_record_and_asked_behind_each_batch() {
    let folder = Folder::new("lines");
    let journal = folder.file("shop.journal");
    let lines = lines(&journal);
    assert_eq!(lines[0]["say"], json!({"begin": {"observed": false}}));
    assert!(lines[1]["say"]["compiled"]["automata"].is_array());
    let kept = std::fs::read_to_string(&journal).unwrap();
    let mut records = Vec::new();
    for pair in lines[2..].chunks(2) {
        records.extend(pair[0]["say"]["replay"]["records"].as_array().unwrap().iter().cloned());
        assert_eq!(pair[0]["answer"]["ok"]["replayed"]["records"], json!(records.len()));
        assert_eq!(pair[1]["answer"]["ok"]["state"]["records"], json!(records.len()));
        assert_eq!(pair[1]["answer"]["ok"]["state"].get("digest"), None);
    }
    let batches = kept.lines().filter(|line| line.starts_with("{\"first\""));
    let batches = batches.map(|line| serde_json::from_str::<Tree>(line).unwrap());
    let all: Vec<Tree> = batches.flat_map(|b| b["records"].as_array().unwrap().clone()).collect();
    assert_eq!(records, all);
}

#[test]
fn a_journal_is_verified_with_and_without_a_model() {
    let folder = Folder::new("agrees");
    let journal = folder.file("shop.journal");
    let output = antiphon(&["verify", &journal]);
    assert!(output.status.success(), "{output:?}");
    let said = text(&output.stdout);
    assert!(said.contains("machine    comes to") && !said.contains("model"), "{said}");

    let answers: Vec<Tree> = lines(&journal).iter().map(|line| line["answer"].clone()).collect();
    let output = antiphon(&["verify", &journal, "--oracle", &folder.oracle(&answers)]);
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).contains("model      does, too"), "{output:?}");
}

#[test]
fn where_the_model_differs_is_said() {
    let folder = Folder::new("differs");
    let journal = folder.file("shop.journal");
    let good: Vec<Tree> = lines(&journal).iter().map(|line| line["answer"].clone()).collect();
    let fails = |answers: &[Tree], status: i32, wanted: &str| {
        let output = antiphon(&["verify", &journal, "--oracle", &folder.oracle(answers)]);
        assert_eq!(output.status.code(), Some(status), "{output:?}");
        assert!(text(&output.stderr).contains(wanted), "{wanted} in {output:?}");
    };
    let mut other = good.clone();
    let last = other.len() - 1;
    other[last]["ok"]["state"]["tick"] = json!(77_777);
    fails(&other, 1, "`ok.state.tick` is");
    other[4] = json!({"error": {"code": "replay", "message": "", "record": 6}});
    fails(&other, 1, "differ at record 6");
    other.truncate(1);
    fails(&other, 2, "has ended");
    let output = antiphon(&["verify", &journal, "--oracle", "specs"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn a_damaged_journal_is_located() {
    let folder = Folder::new("damaged");
    let good = std::fs::read_to_string(folder.file("shop.journal")).unwrap();
    let fails = |text: &str, wanted: &str| {
        let output = antiphon(&["verify", &folder.write("damaged.journal", text)]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = self::text(&output.stderr);
        assert!(said.contains(wanted), "{wanted} in {said}");
    };
    fails(&good.replacen("\"tick\":1", "\"tick\":9", 1), "line ");
    let cut = good.trim_end().rfind('\n').unwrap();
    fails(&good[..=cut], "has no end mark");
}
