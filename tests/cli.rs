//! `antiphon check`, `project` and `graph` as processes: what they print, and their exit status.
#![cfg(feature = "cli")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use antiphon::types::syntax::{Limits, Source, json};

/// What a process did.
struct Done {
    status: i32,
    out: String,
    err: String,
}

/// A command that sees nothing of the terminal that the tests run in; it stands in
/// `specs/protocols`.
fn antiphon(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_antiphon"));
    command.args(arguments).current_dir(protocols());
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "TERM"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn protocols() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/protocols")
}

fn run(arguments: &[&str]) -> Done {
    done(antiphon(arguments).output().unwrap())
}

fn run_with(arguments: &[&str], input: &[u8]) -> Done {
    let mut child = antiphon(arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    done(child.wait_with_output().unwrap())
}

fn done(output: std::process::Output) -> Done {
    Done {
        status: output.status.code().expect("it was not killed"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Standard output of what went well and had nothing to complain of.
fn good(arguments: &[&str]) -> String {
    let Done { status, out, err } = run(arguments);
    assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
    out
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(protocols().join(name)).unwrap()
}

/// The codes that refuse nothing.
const WARNINGS: [&str; 3] = ["capacity_matters", "role_never_acts", "unreachable_state"];

fn invalid() -> Vec<String> {
    let entries = std::fs::read_dir(protocols().join("invalid")).unwrap();
    let name = |path: PathBuf| format!("invalid/{}", path.file_name().unwrap().to_str().unwrap());
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let mut files: Vec<String> = paths.map(name).collect();
    // What the classic projection alone refuses is a good protocol.
    files.retain(|file| file != "invalid/unmergeable.scr");
    files.sort();
    files
}

#[test]
fn check_tells_what_a_global_protocol_is_like() {
    insta::assert_snapshot!(good(&["check", "global/two_buyer.scr"]));
}

#[test]
fn check_tells_what_local_types_are_like_together() {
    insta::assert_snapshot!(good(&["check", "local/elevator.local"]));
}

#[test]
fn check_prints_what_the_readme_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let file = "specs/protocols/invalid/unexpected_message.local";
    let output = antiphon(&["check", file]).current_dir(root).output().unwrap();
    let Done { out, err, .. } = done(output);
    for shown in [out, err] {
        assert!(readme.contains(&format!("```text\n{shown}```")), "{shown}");
    }
}

#[test]
fn check_draws_a_shortest_run_to_what_is_wrong() {
    let Done { status, out, err } = run(&["check", "invalid/unexpected_message.local"]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(out);
    assert!(err.starts_with("error[unexpected_message]: "), "{err}");
}

#[test]
fn check_of_one_capacity_speaks_of_that_one() {
    let file = "invalid/capacity_matters.local";
    let at = |capacity| run(&["check", file, "--capacity", capacity]);
    let Done { status, out, err } = at("1");
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(out.contains("safe at capacity 1 of every edge"), "{out}");
    let Done { status, out, err } = at("2");
    assert_eq!(status, 1);
    assert!(out.contains("orphan message at capacity 2"), "{out}");
    assert!(err.starts_with("error[orphan_message]: "), "{err}");
}

#[test]
fn check_that_ends_at_its_limit_says_so_and_is_not_good() {
    let Done { status, out, err } = run(&["check", "local/elevator.local", "--limit", "10"]);
    assert_eq!(status, 1);
    assert!(out.contains("composition  not known: no error up to the limit"), "{out}");
    assert!(err.starts_with("error[composition_unknown]: "), "{err}");
    assert!(err.contains("configurations were explored, up to capacity 1"), "{err}");
    let Done { status, .. } = run(&["check", "global/two_buyer.scr", "--limit", "10"]);
    assert_eq!(status, 0, "projections are safe whether or not anybody looks again");
}

#[test]
fn check_names_the_roles_that_cannot_know_what_to_do() {
    let Done { status, out, err } = run(&["check", "invalid/unimplementable.scr"]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(out);
    assert!(err.starts_with("error[unimplementable]: "), "{err}");
}

#[test]
fn check_of_several_files_ends_as_the_worst_of_them() {
    let Done { status, out, err } = run(&[
        "check",
        "global/ping_pong.scr",
        "invalid/self_message.scr",
        "local/coin_toss.local",
    ]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(out);
    assert!(err.contains("error[self_message]"), "{err}");

    let Done { status, out, err } =
        run(&["check", "none.scr", "invalid/self_message.scr", "nor.scr", "global/ring.scr"]);
    assert_eq!(status, 2);
    assert!(out.contains("invalid/self_message.scr: refused") && out.contains("Ring"), "{out}");
    assert!(err.contains("`none.scr`") && err.contains("`nor.scr`"), "{err}");
}

#[test]
fn warnings_are_shown_and_refuse_nothing() {
    for arguments in [&["check"][..], &["project"], &["graph"], &["graph", "--format=mermaid"]] {
        let mut arguments = arguments.to_vec();
        arguments.push("invalid/role_never_acts.scr");
        let Done { status, out, err } = run(&arguments);
        assert_eq!(status, 0, "{arguments:?}");
        assert!(out.contains("Audience"), "{out}");
        assert!(err.starts_with("warning[role_never_acts]: "), "{err}");
    }
}

#[test]
fn every_invalid_protocol_is_refused_with_its_code() {
    for file in invalid() {
        let code = Path::new(&file).file_stem().unwrap().to_str().unwrap();
        let Done { status, out, err } = run(&["check", &file]);
        assert_eq!(status, i32::from(!WARNINGS.contains(&code)), "{file}");
        assert!(!out.is_empty(), "{file}");
        let code = if code == "several_errors" { "duplicate_type" } else { code };
        assert!(err.contains(&format!("[{code}]: ")), "{file}: {err}");
    }
}

#[test]
fn check_as_json_is_one_document_whatever_is_wrong() {
    for file in invalid() {
        let code = Path::new(&file).file_stem().unwrap().to_str().unwrap();
        let good = WARNINGS.contains(&code);
        let Done { status, out, err } = run(&["check", "--json", &file]);
        assert_eq!((status, err.as_str()), (i32::from(!good), ""), "{file}");
        assert_eq!(out.lines().count(), 1, "{file}");
        let verdict: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(verdict["ok"], good, "{file}");
        assert_eq!(verdict["file"], file);
        let found = verdict["diagnostics"].as_array().unwrap();
        let code = if code == "several_errors" { "duplicate_type" } else { code };
        assert!(found.iter().any(|found| found["code"] == code), "{out}");
        for found in found {
            assert_eq!(found["severity"], if good { "warning" } else { "error" });
            // Only an empty text has no place to point at.
            let placed = code != "no_protocol";
            assert_eq!(found["span"].is_object(), placed, "{found}");
            assert_eq!(found["line"].is_u64() && found["column"].is_u64(), placed, "{found}");
        }
    }
}

/// What is wrong in an imported module is wrong there: `file` says which one it is.
#[test]
fn check_as_json_names_the_file_of_a_module() {
    let Done { out, .. } = run(&["check", "--json", "invalid/module_mismatch.scr"]);
    let verdict: serde_json::Value = serde_json::from_str(&out).unwrap();
    let found = &verdict["diagnostics"][0];
    assert_eq!(verdict["file"], "invalid/module_mismatch.scr");
    assert_eq!(found["file"], "invalid/parts/misnamed.scr");
    assert_eq!((&found["line"], &found["column"]), (&4.into(), &8.into()));
    let text = String::from_utf8(file("invalid/parts/misnamed.scr")).unwrap();
    let start = found["span"]["start"].as_u64().unwrap() as usize;
    assert!(text[start..].starts_with("parts.renamed;"));
    // The note stands in the main file, which needs no name.
    assert!(found["notes"][0].get("file").is_none(), "{found}");
}

#[test]
fn a_protocol_of_several_files_is_checked_projected_and_drawn() {
    let shop = "global/web_shop.scr";
    assert!(good(&["check", shop]).contains("charge(Card, amount: nat)"));
    assert!(good(&["project", shop, "--role", "Bank"]).starts_with("Bank = Shop?{ charge("));
    assert!(good(&["graph", shop, "--role", "Carrier"]).contains("Shop?pick_up"));
    // Standard input stands in no folder.
    let Done { status, err, .. } = run_with(&["check", "-"], &file(shop));
    assert_eq!(status, 1);
    assert!(err.contains("error[unknown_module]") && err.contains("stands in no folder"), "{err}");
}

#[test]
fn local_protocols_of_scribble_have_a_name() {
    let loan = "local/library_loan.scr";
    assert!(good(&["check", loan]).starts_with("Loan (local/library_loan.scr)\n"));
    assert!(good(&["project", loan, "--protocol", "Loan"]).starts_with("Reader  = rec Day . "));
    assert!(good(&["graph", loan, "--role", "Desk"]).contains("Archive!close"));
}

#[test]
fn check_as_json_gives_places_and_remedies() {
    let Done { out, .. } = run(&["check", "--json", "invalid/duplicate_role.scr"]);
    let verdict: serde_json::Value = serde_json::from_str(&out).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&verdict).unwrap());
}

#[test]
fn check_as_json_of_several_files_is_a_line_for_each() {
    let out = good(&["check", "--json", "global/ping_pong.scr", "local/coin_toss.local"]);
    let lines: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [global, local] = &lines[..] else { panic!("{out}") };
    assert_eq!(global["protocols"][0]["projectable"]["complete"], true);
    assert_eq!(local["protocols"][0]["composition"]["verdict"], "safe");
    insta::assert_snapshot!(serde_json::to_string_pretty(global).unwrap());
}

#[test]
fn standard_input_is_read_for_a_dash() {
    for name in ["global/two_buyer.scr", "local/two_phase_commit_early_abort.local"] {
        let Done { status, out, err } = run_with(&["check", "-"], &file(name));
        assert_eq!((status, err.as_str()), (0, ""));
        assert!(out.contains("(<stdin>)"), "{out}");
        for subcommand in ["project", "graph"] {
            let piped = run_with(&[subcommand, "-"], &file(name));
            assert_eq!(piped.status, 0);
            let named = good(&[subcommand, name]);
            // Local types do not name their protocol; the file does.
            let same = |text: &str| text.replace("Protocol", "two_phase_commit_early_abort");
            assert_eq!(same(&piped.out), same(&named));
        }
    }
    let Done { status, err, .. } = run_with(&["check", "-"], &file("invalid/self_message.scr"));
    assert_eq!(status, 1);
    assert!(err.contains("<stdin>:"), "{err}");
}

#[test]
fn a_protocol_in_json_has_the_verdict_of_its_text() {
    for name in ["global/two_buyer.scr", "global/chat_room.scr", "local/elevator.local"] {
        let source = Source::read("p", &file(name), &Limits::default()).unwrap();
        let written = json::write(&source.declared);
        for arguments in [&["check", "-"][..], &["check", "--json", "-"], &["project", "-"]] {
            let of_text = run_with(arguments, &file(name));
            let of_json = run_with(arguments, written.as_bytes());
            assert_eq!((of_json.status, of_json.err.as_str()), (0, ""));
            assert_eq!(of_json.out, of_text.out, "{name}");
        }
    }
}

#[test]
fn project_prints_local_types_that_are_read_back() {
    insta::assert_snapshot!(good(&["project", "global/two_buyer.scr"]));
    for name in ["global/two_buyer.scr", "global/smtp.scr", "local/elevator.local"] {
        let text = good(&["project", name]);
        let again = run_with(&["project", "-"], text.as_bytes());
        assert_eq!((again.status, again.out), (0, text.clone()));
        let json = good(&["project", "--json", name]);
        assert_eq!(json, good(&["project", "--format", "json", name]));
        let again = run_with(&["project", "-"], json.as_bytes());
        assert_eq!((again.status, again.out), (0, text));
    }
}

#[test]
fn project_prints_the_type_of_one_role() {
    let all = good(&["project", "global/two_buyer.scr"]);
    let one = good(&["project", "global/two_buyer.scr", "--role", "Bob"]);
    let (_, declared) =
        all.lines().find(|line| line.starts_with("Bob ")).unwrap().split_once('=').unwrap();
    assert_eq!(one, format!("Bob ={declared}\n"));
    let json = good(&["project", "global/two_buyer.scr", "--role", "Bob", "--json"]);
    let read = json::read_local(&json, &Limits::default()).unwrap();
    assert_eq!(one, format!("Bob = {read}\n"));
    let local = good(&["project", "local/elevator.local", "--role", "Door"]);
    assert!(local.starts_with("Door = rec D . Lift?{ "), "{local}");
}

#[test]
fn project_gives_a_role_its_type_though_another_has_none() {
    let order = "invalid/unimplementable.scr";
    assert_eq!(
        good(&["project", order, "--role", "Shop"]),
        "Shop = Buyer?{ buy(string) . end, leave . end }\n"
    );
    for arguments in [&["project", order][..], &["project", order, "--role", "Courier"]] {
        let Done { status, out, err } = run(arguments);
        assert_eq!((status, out.as_str()), (1, ""));
        assert!(err.starts_with("error[unimplementable]: `Courier`"), "{err}");
    }
}

#[test]
fn graph_draws_a_small_protocol() {
    insta::assert_snapshot!("graph_dot", good(&["graph", "global/ping_pong.scr"]));
    let one = ["graph", "global/ping_pong.scr", "--role", "Ponger"];
    insta::assert_snapshot!("graph_dot_role", good(&one));
    let mermaid = ["graph", "--format", "mermaid", "global/ping_pong.scr"];
    insta::assert_snapshot!("graph_mermaid", good(&mermaid));
    let one = ["graph", "--format", "mermaid", "global/ping_pong.scr", "--role", "Ponger"];
    insta::assert_snapshot!("graph_mermaid_role", good(&one));
}

/// Names that Mermaid and Graphviz use themselves, and sorts full of their signs.
#[test]
fn graph_escapes_what_would_be_taken_for_syntax() {
    let text = "default = node!style({a: int, b: [string]?}) . node?end_ . end
                node = default?style({a: int, b: [string]?}) . default!end_ . end";
    for (name, format) in [("graph_escaped_dot", "dot"), ("graph_escaped_mermaid", "mermaid")] {
        let Done { status, out, err } =
            run_with(&["graph", "-", "--format", format], text.as_bytes());
        assert_eq!((status, err.as_str()), (0, ""));
        insta::assert_snapshot!(name, out);
    }
}

#[test]
fn graph_prints_automata_that_are_read_back() {
    for file in ["global/two_buyer.scr", "local/double_buffering.local", "automata/vending.fsa"] {
        let types = good(&["project", file]);
        for format in ["dot", "json", "fsm"] {
            let text = good(&["graph", "--format", format, file]);
            let again = run_with(&["graph", "--format", format, "-"], text.as_bytes());
            assert_eq!((again.status, again.err.as_str()), (0, ""), "{file}: {format}");
            // The title is the name of the file, which standard input has not.
            let title = |text: &str| text.lines().filter(|l| !l.contains("digraph")).count();
            assert_eq!(title(&again.out), title(&text), "{file}: {format}");
            let projected = run_with(&["project", "-"], text.as_bytes());
            let roles = |types: &str| {
                types.lines().map(|l| l.split(" = ").next().unwrap().to_owned()).collect::<Vec<_>>()
            };
            assert_eq!(roles(&projected.out), roles(&types), "{file}: {format}");
        }
    }
    let one = run(&["graph", "automata/parcel.dot", "--format", "fsm", "--role", "Courier"]);
    assert_eq!((one.status, one.out.as_str()), (2, ""));
    assert!(one.err.starts_with("error: the text of KMC numbers all roles"), "{}", one.err);
    let one = good(&["graph", "automata/parcel.dot", "--format", "json", "--role", "Courier"]);
    assert!(
        one.contains("\"role\": \"Courier\"") && !one.contains("\"role\": \"Sender\""),
        "{one}"
    );
}

#[test]
fn a_protocol_is_chosen_by_its_name() {
    let text = "global protocol First(role A, role B) { one() from A to B; }
                global protocol Second(role A, role B) { two() from B to A; }
                global protocol Wrong(role A, role B, role C) {
                    choice at A { x() from A to B; y() from C to B; } or { z() from A to B; }
                }";
    let project = |arguments: &[&str]| {
        let mut all = vec!["project", "-"];
        all.extend_from_slice(arguments);
        run_with(&all, text.as_bytes())
    };
    assert_eq!(project(&[]).out, "A = B!one . end\nB = A?one . end\n");
    assert_eq!(project(&["--protocol", "Second"]).out, "A = B?two . end\nB = A!two . end\n");
    assert_eq!(project(&["--protocol", "Wrong"]).status, 1);
    let graph = run_with(&["graph", "-", "--protocol", "Second"], text.as_bytes());
    assert_eq!(graph.status, 0);
    assert!(graph.out.contains("B!two") || graph.out.contains("A!two"), "{}", graph.out);
    for subcommand in ["project", "graph"] {
        let Done { status, out, err } =
            run_with(&[subcommand, "-", "--protocol", "Third"], text.as_bytes());
        assert_eq!((status, out.as_str()), (2, ""));
        assert_eq!(
            err,
            "error: there is no protocol `Third` in <stdin>; it has `First`, `Second`, `Wrong`\n"
        );
    }
    let Done { status, out, .. } = run_with(&["check", "-"], text.as_bytes());
    assert_eq!(status, 1);
    insta::assert_snapshot!(out);
}

#[test]
fn what_is_wrong_with_the_command_line_ends_with_two() {
    let wrong: &[(&[&str], &str)] = &[
        (&[], "Usage: antiphon"),
        (&["chekc", "x"], "unrecognized subcommand"),
        (&["check"], "<FILE>..."),
        (&["check", "--flag", "global/ring.scr"], "unexpected argument '--flag'"),
        (&["check", "none.scr"], "error: `none.scr`: "),
        (&["project", "none.scr"], "error: `none.scr`: "),
        (&["graph", "none.scr"], "error: `none.scr`: "),
        (&["check", "global"], "error: `global`: "),
        (&["project", "global"], "error: `global`: "),
        (&["graph", "global"], "error: `global`: "),
        (&["check", "--json", "none.scr"], "error: `none.scr`: "),
        (&["project", "global/ring.scr", "global/smtp.scr"], "unexpected argument"),
        (&["project", "global/ring.scr", "--format", "yaml"], "possible values: text, json"),
        (&["project", "global/ring.scr", "--format", "text", "--json"], "cannot be used with"),
        (&["graph", "global/ring.scr", "--format", "svg"], "possible values: dot, mermaid"),
        (
            &["project", "global/two_buyer.scr", "--role", "Bobb"],
            "error: there is no role `Bobb`; the roles are `Alice`, `Bob`, `Seller`\n",
        ),
        (
            &["project", "local/elevator.local", "--role", "Stairs"],
            "error: there is no role `Stairs`; the roles are `Lift`, `Door`, `User`\n",
        ),
        (
            &["graph", "global/two_buyer.scr", "--role", "Bobb"],
            "error: there is no role `Bobb`; the roles are `Alice`, `Bob`, `Seller`\n",
        ),
    ];
    for (arguments, said) in wrong {
        let Done { status, out, err } = run(arguments);
        assert_eq!((status, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains(said), "{arguments:?}: {err}");
    }
}

#[test]
fn texts_that_are_no_protocol_are_refused() {
    let long = [b"// \xff".to_vec(), vec![b'x'; 1 << 16]].concat();
    let marked = b"\xEF\xBB\xBFglobal protocol P(\xff".to_vec();
    let texts: [(&[u8], &str); 7] = [
        (b"", "no_protocol"),
        (b" \n\t\n", "no_protocol"),
        (b"\x00\x01\x02", "unexpected_character"),
        (b"global protocol \xff", "invalid_utf8"),
        (&long, "invalid_utf8"),
        (&marked, "invalid_utf8"),
        (b"{\"antiphon\": \"local\"", "json_shape"),
    ];
    for (text, code) in texts {
        for subcommand in ["check", "project", "graph"] {
            let Done { status, out, err } = run_with(&[subcommand, "-"], text);
            assert_eq!(status, 1, "{err}");
            assert!(err.starts_with(&format!("error[{code}]: ")), "{err}");
            assert!(subcommand == "check" || out.is_empty(), "{out}");
        }
        let Done { out, .. } = run_with(&["check", "--json", "-"], text);
        let verdict: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(verdict["diagnostics"][0]["code"], code);
    }
    let Done { out, .. } = run_with(&["check", "--json", "-"], &marked);
    let verdict: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(verdict["diagnostics"][0]["column"], 19, "without the byte order mark: {out}");
}

#[test]
fn a_reader_that_stops_early_is_no_fault() {
    let (mut one, mut other) = (String::from("A = "), String::from("B = "));
    // More than a pipe holds.
    for index in 0..4_000 {
        one.push_str(&format!("B!message_{index} . "));
        other.push_str(&format!("A?message_{index} . "));
    }
    let text = format!("{one}end\n{other}end\n");
    let commands: [&[&str]; 6] = [
        &["check", "-"],
        &["check", "--json", "-"],
        &["project", "-"],
        &["project", "--json", "-"],
        &["graph", "-"],
        &["graph", "--format", "mermaid", "-"],
    ];
    for arguments in commands {
        let mut child = antiphon(arguments).stdin(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let Done { status, err, .. } = done(child.wait_with_output().unwrap());
        assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
    }
}

#[test]
fn a_refused_protocol_is_refused_though_nobody_reads_the_verdict() {
    for arguments in [["check", "-"], ["check", "--json"]] {
        let arguments = [arguments[0], arguments[1], "-"];
        let arguments = &arguments[..if arguments[1] == "-" { 2 } else { 3 }];
        let mut child = antiphon(arguments).stdin(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let text = file("invalid/self_message.scr");
        child.stdin.take().unwrap().write_all(&text).unwrap();
        assert_eq!(done(child.wait_with_output().unwrap()).status, 1);
    }
}

#[test]
fn there_are_colours_only_where_somebody_sees_them() {
    let files = ["global/two_buyer.scr", "local/elevator.local", "invalid/several_errors.scr"];
    let coloured = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = antiphon(arguments);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let Done { out, err, .. } = done(output);
        (out.contains('\x1b'), err.contains('\x1b'))
    };
    let mut check = vec!["check"];
    check.extend(files);
    assert_eq!(coloured(&[("TERM", "xterm-256color")], &check), (false, false), "no terminal");
    assert_eq!(coloured(&[("CLICOLOR_FORCE", "1")], &check), (true, true), "asked for");
    let both = [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")];
    assert_eq!(coloured(&both, &check), (false, false), "not wanted");
    // What other programs read is never coloured.
    for arguments in [&["check", "--json"][..], &["project"], &["graph"]] {
        let mut arguments = arguments.to_vec();
        arguments.push(files[0]);
        assert_eq!(coloured(&[("CLICOLOR_FORCE", "1")], &arguments), (false, false));
    }
}

#[test]
fn every_subcommand_explains_itself() {
    for subcommand in ["check", "project", "graph", "subtype", "machine", "verify"] {
        insta::assert_snapshot!(format!("help_{subcommand}"), good(&[subcommand, "--help"]));
    }
    let all = good(&["--help"]);
    for subcommand in ["check", "project", "graph", "run", "replay", "subtype", "machine", "verify"]
    {
        assert!(all.contains(&format!("\n  {subcommand} ")), "{all}");
    }
    assert!(good(&["--version"]).starts_with("antiphon "));
}
