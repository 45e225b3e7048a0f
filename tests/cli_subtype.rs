//! `antiphon subtype` as a process: what it prints, and its exit status.
#![cfg(feature = "cli")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a process did.
struct Done {
    status: i32,
    out: String,
    err: String,
}

/// Runs `antiphon subtype` in `specs/protocols`, with `input` on standard input.
fn subtype(arguments: &[&str], input: &str) -> Done {
    let mut command = Command::new(env!("CARGO_BIN_EXE_antiphon"));
    command.arg("subtype").args(arguments);
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/protocols"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "TERM"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Whoever is told something wrong on the command line does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Done {
        status: output.status.code().expect("it was not killed"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

const SOURCE: [&str; 4] = ["-", "local/double_buffering.local", "--role", "Source"];

/// A source that sends its first value before it is asked.
const EAGER: &str = "Kernel!value(bytes) . Kernel?{
    ready . rec S . Kernel?{ ready . Kernel!value(bytes) . S, stop . end },
    stop . end
}";

/// One that is asked twice and answers twice.
const LAZY: &str = "Source = rec S . Kernel?ready . Kernel?ready . Kernel!value(bytes) . S";

#[test]
fn a_type_stands_for_itself() {
    let files = ["local/double_buffering.local"; 2];
    let Done { status, out, err } = subtype(&[files[0], files[1], "--role", "Sink"], "");
    assert_eq!((status, err.as_str()), (0, ""));
    insta::assert_snapshot!(out);
}

#[test]
fn what_needs_reordering_is_compared_twice() {
    let kernel = "S!ready . S!ready . rec K . S?value . T?ready . T!value . S!ready . K";
    let input = format!("Kernel = {kernel}");
    let agreed = "rec K . S!ready . S?value . T?ready . T!value . K";
    let file = std::env::temp_dir().join(format!("antiphon_agreed_{}.local", std::process::id()));
    std::fs::write(&file, agreed).unwrap();
    let path = file.to_str().unwrap();
    let Done { status, out, err } = subtype(&["-", path], &input);
    assert_eq!((status, err.as_str()), (0, ""));
    insta::assert_snapshot!(out.replace(path, "agreed.local"));
    let Done { status, out, .. } = subtype(&["--sync", "-", path], &input);
    assert_eq!(status, 1);
    assert!(out.contains("in order     no") && !out.contains("reordered"), "{out}");
    let Done { status, out, .. } = subtype(&["--async", "-", path], &input);
    assert_eq!(status, 0);
    assert!(out.contains("reordered    yes") && !out.contains("in order"), "{out}");
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_refusal_shows_the_run_and_what_to_change() {
    for input in [EAGER, LAZY] {
        let Done { status, out, err } = subtype(&SOURCE, input);
        assert_eq!((status, err.as_str()), (1, ""));
        insta::assert_snapshot!(out);
    }
}

#[test]
fn what_is_not_known_is_no_yes() {
    let grows = "rec X . p!hq . p?{ ok . X, ko . p!lq . X }";
    let agreed = "rec X . p!{ hq . p?{ ok . X, ko . X }, lq . p?{ ok . X, ko . X } }";
    let file = std::env::temp_dir().join(format!("antiphon_video_{}.local", std::process::id()));
    std::fs::write(&file, agreed).unwrap();
    let path = file.to_str().unwrap();
    let Done { status, out, err } = subtype(&["-", path, "--steps", "30"], grows);
    assert_eq!((status, err.as_str()), (1, ""));
    insta::assert_snapshot!(out.replace(path, "agreed.local"));
    let Done { status, out, .. } = subtype(&["-", path, "--steps", "30", "--json"], grows);
    assert_eq!(status, 1);
    let verdict: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&verdict["ok"], &verdict["answer"]), (&false.into(), &"unknown".into()));
    let Done { status, .. } = subtype(&["-", path], grows);
    assert_eq!(status, 0);
    std::fs::remove_file(file).unwrap();
}

#[test]
fn json_has_all_of_it_on_one_line() {
    let mut arguments = SOURCE.to_vec();
    arguments.push("--json");
    let Done { status, out, err } = subtype(&arguments, EAGER);
    assert_eq!((status, err.as_str(), out.lines().count()), (1, "", 1));
    let verdict: serde_json::Value = serde_json::from_str(&out).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&verdict).unwrap());
}

#[test]
fn a_role_of_a_global_protocol_is_projected() {
    let file = "global/two_buyer.scr";
    let Done { status, out, .. } = subtype(&[file, file, "--role", "Bob"], "");
    assert_eq!(status, 0, "{out}");
    let json = r#"{"root": 0, "nodes": [{"kind": "end"}]}"#;
    let Done { status, out, err } = subtype(&["-", file, "--role", "Bob"], json);
    assert_eq!(status, 1, "{err}");
    assert!(out.contains("the candidate has ended"), "{out}");
}

#[test]
fn a_wrong_command_line_is_not_the_types_fault() {
    let file = "local/double_buffering.local";
    let wrong: [(&[&str], &str); 5] = [
        (&["-", "-"], "only one of the files can be standard input"),
        (
            &[file, file],
            "has several roles: choose one with --role; they are `Kernel`, `Source`, `Sink`",
        ),
        (
            &[file, file, "--role", "K"],
            "there is no role `K`; the roles are `Kernel`, `Source`, `Sink`",
        ),
        (&["none.local", file], "`none.local`"),
        (&[file, file, "--sync", "--async"], "cannot be used with"),
    ];
    for (arguments, said) in wrong {
        let Done { status, out, err } = subtype(arguments, "end");
        assert_eq!((status, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains(said), "{err}");
    }
    let Done { status, out, err } = subtype(&SOURCE, "A = p!{ a . end, a . end }");
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(err.starts_with("error[duplicate_branch]: "), "{err}");
}

/// A buyer who never quits plays its part, though it sends less; one who does not wait for the
/// quote does not.
#[test]
fn a_candidate_is_asked_to_play_its_role_in_a_global_protocol() {
    let against = ["-", "--against", "global/two_buyer.scr", "--role", "Alice"];
    let patient =
        "Seller!title(string) . Seller?quote(nat) . Bob!share(nat) . Bob?{ ok . end, quit . end }";
    let Done { status, out, err } = subtype(&against, patient);
    assert_eq!((status, err.as_str()), (0, ""));
    insta::assert_snapshot!("against_yes", out);

    let hasty =
        "Seller!title(string) . Bob!share(nat) . Seller?quote(nat) . Bob?{ ok . end, quit . end }";
    let Done { status, out, err } = subtype(&against, hasty);
    assert_eq!((status, err.as_str()), (0, ""), "the share may be sent before the quote is read");
    insta::assert_snapshot!("against_reordered", out);

    let silent = "Seller!title(string) . Seller?quote(nat) . end";
    let Done { status, out, err } = subtype(&against, silent);
    assert_eq!((status, err.as_str()), (1, ""));
    insta::assert_snapshot!("against_no", out);
    let mut json = against.to_vec();
    json.push("--json");
    let Done { out, .. } = subtype(&json, silent);
    let verdict: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&verdict["ok"], &verdict["relative"]["answer"]), (&false.into(), &"no".into()));

    let Done { status, err, .. } = subtype(&["-", "--against", "global/two_buyer.scr"], silent);
    assert_eq!(status, 2);
    assert!(err.contains("--role"), "{err}");
    let nobody = ["-", "--against", "global/two_buyer.scr", "--role", "Zoe"];
    let Done { status, err, .. } = subtype(&nobody, silent);
    assert_eq!(status, 2);
    assert!(err.contains("there is no role `Zoe`"), "{err}");
}
