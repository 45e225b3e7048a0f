//! `antiphon machine` as a process: one answer a line, whatever the line.
#![cfg(feature = "cli")]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value as Tree, json};

fn start(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_antiphon"))
        .arg("machine")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn antiphon(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = start(arguments);
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // Beside the reading, so that neither pipe is full while the other is waited for.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn answers(output: &Output) -> Vec<Tree> {
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_readme_shows_each_script_and_its_answers() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    for entry in std::fs::read_dir(root.join("specs/door")).unwrap() {
        let script = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let output = antiphon(&[], script.as_bytes());
        let shown = String::from_utf8(output.stdout.clone()).unwrap();
        assert_eq!(answers(&output).len(), script.lines().count());
        assert!(readme.contains(&format!("```json\n{script}```")), "{script}");
        assert!(readme.contains(&format!("```json\n{shown}```")), "{shown}");
    }
}

/// DOOR-6, DOOR-1.
#[test]
fn whatever_the_lines_are_each_is_answered_and_the_end_is_good() {
    let mut input = Vec::new();
    for line in
        [&b"{\"digest\": true}"[..], b"", b"\xff\xfe", b"\0\0", b"[1]", b"{\"at\"", b"null\r"]
    {
        input.extend_from_slice(line);
        input.push(b'\n');
    }
    input.extend_from_slice(&vec![b'['; 3 << 20]);
    input.extend_from_slice(b"\n{\"sessions\": true}\n{\"digest\": tr");
    let output = antiphon(&[], &input);
    let answers = answers(&output);
    let codes: Vec<&str> =
        answers.iter().map(|a| a["error"]["code"].as_str().unwrap_or("")).collect();
    let wanted = [
        "",
        "not_json",
        "not_utf8",
        "not_json",
        "not_a_command",
        "not_json",
        "not_a_command",
        "too_long",
        "",
        "not_json",
    ];
    assert_eq!(codes, wanted);
    for (index, answer) in answers.iter().enumerate() {
        assert_eq!(answer["line"], json!(index + 1));
    }
    assert_eq!(antiphon(&[], &input).stdout, output.stdout, "the same lines, the same answers");
    assert!(antiphon(&[], b"").stdout.is_empty());
}

#[test]
fn an_answer_is_there_before_the_next_line_is_written() {
    let mut child = start(&["--events"]);
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..3 {
        writeln!(stdin, "{{\"sessions\": true}}").unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert!(line.contains("\"ok\":{\"sessions\":[]}"), "{line}");
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn nobody_who_reads_is_no_fault() {
    let mut child = start(&[]);
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let line = b"{\"digest\": true}\n";
    while stdin.write_all(line).is_ok() {}
    drop(stdin);
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success() && said.is_empty(), "{said}");
}
