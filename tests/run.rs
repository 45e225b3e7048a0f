//! `antiphon run` and `antiphon replay` as processes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn antiphon(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_antiphon"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever reads no input is not waited for.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const TWO_BUYER: &str = "specs/protocols/global/two_buyer.scr";

#[test]
fn protocols_of_several_files_and_of_local_protocols_run() {
    for file in ["global/web_shop.scr", "local/library_loan.scr"] {
        let path = format!("specs/protocols/{file}");
        let output = antiphon(&["run", &path, "--seed", "5", "--steps", "50"], "");
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains("verified"), "{}", text(&output.stdout));
    }
}

/// VALUE-20: a run plays one protocol, and the endpoints in it are made up.
#[test]
fn a_protocol_that_carries_endpoints_runs_with_made_up_ones() {
    const PURCHASE: &str = "specs/protocols/global/delegated_purchase.scr";
    let folder = Folder::new("endpoints");
    let journal = folder.file("handover.journal");
    let run = ["run", PURCHASE, "--protocol", "Handover", "--seed", "0"];
    let output = antiphon(&[&run[..], &["--journal", &journal]].concat(), "");
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for part in ["handover(endpoint)", "endpoints  made up", "verified"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let replayed = antiphon(&["replay", &journal, "--chart"], "");
    assert!(replayed.status.success(), "{}", text(&replayed.stderr));
    assert!(text(&replayed.stdout).contains("handover(endpoint)"));
    let values = folder.file("values.json");
    std::fs::write(&values, "{\"handover\": \"AP8=\"}").unwrap();
    let output = antiphon(&[&run[..], &["--values", &values, "--json"]].concat(), "");
    assert!(text(&output.stdout).contains("\"value\":\"AP8=\""), "{}", text(&output.stdout));
    let many = ["run", PURCHASE, "--protocol", "Handover", "--seed", "0", "--sessions", "20"];
    assert!(antiphon(&many, "").status.success());
}

const ENDLESS: &str = "A = rec X . B!tick . X   B = rec X . A?tick . X";

/// A folder of this test's own, gone when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("antiphon-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_main_job_prints_what_the_readme_shows() {
    let output = antiphon(&["run", TWO_BUYER, "--seed", "7"], "");
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let readme = readme.unwrap();
    assert!(output.status.success());
    assert!(readme.contains(text(&output.stdout).trim_end()), "{}", text(&output.stdout));
    assert!(!output.stdout.contains(&0x1b), "no colours where there is no terminal");
}

#[test]
fn every_protocol_of_the_library_runs_and_its_journal_replays() {
    let folder = Folder::new("library");
    for kind in ["global", "local", "automata"] {
        let protocols = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/protocols").join(kind);
        for (index, entry) in std::fs::read_dir(protocols).unwrap().enumerate() {
            let path = entry.unwrap().path();
            // In `parts` stand modules that others import.
            if path.is_dir() {
                continue;
            }
            let file = path.to_str().unwrap();
            for seed in ["1", "2"] {
                let journal = folder.file(&format!("{kind}-{index}-{seed}"));
                let run = antiphon(&["run", file, "--seed", seed, "--journal", &journal], "");
                assert!(run.status.success(), "{file}: {}", text(&run.stderr));
                assert!(text(&run.stdout).contains("verified"), "{file}");
                let replay = antiphon(&["replay", &journal], "");
                assert!(replay.status.success(), "{file}: {}", text(&replay.stderr));
            }
            let many = antiphon(&["run", file, "--sessions", "20", "--steps", "100"], "");
            assert!(many.status.success(), "{file}: {}", text(&many.stderr));
        }
    }
}

#[test]
fn the_same_seed_makes_the_same_run() {
    let run = |seed| antiphon(&["run", TWO_BUYER, "--json", "--seed", seed], "").stdout;
    assert_eq!(run("11"), run("11"));
    assert_ne!(run("11"), run("12"));
}

#[test]
fn a_run_without_an_end_stops_after_a_thousand_actions_and_says_so() {
    let output = antiphon(&["run", "-"], ENDLESS);
    let text = text(&output.stdout);
    assert!(output.status.success());
    assert!(
        text.contains("actions    1000, stopped there; `--steps N` sets another limit"),
        "{text}"
    );
}

#[test]
fn steps_and_capacity_are_obeyed() {
    let arguments = ["run", "-", "--steps", "30", "--capacity", "1", "--json", "--seed", "1"];
    let output = text(&antiphon(&arguments, ENDLESS).stdout);
    let lines: Vec<serde_json::Value> =
        output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 31, "30 actions and a summary");
    // With room for one message the roles take turns.
    for (index, line) in lines[..30].iter().enumerate() {
        assert_eq!(line["role"], if index % 2 == 0 { "A" } else { "B" });
    }
    assert_eq!(lines[30]["summary"]["verified"], true);
    assert_eq!(lines[30]["summary"]["checked"], true);
    let zero = antiphon(&["run", "-", "--capacity", "0"], ENDLESS);
    assert_eq!(zero.status.code(), Some(2));
    assert!(text(&zero.stderr).contains("bad_capacity"));
}

#[test]
fn roles_that_do_not_fit_together_get_stuck_and_it_says_who_waits_for_what() {
    let stuck = "A = B?x . B!y . end   B = A?y . A!x . end";
    let output = antiphon(&["run", "-"], stuck);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.starts_with("error[deadlock]: nobody can move"), "{error}");
    assert_eq!(text(&output.stdout), "", "nothing ran");

    let output = antiphon(&["run", "-", "--unchecked"], stuck);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.contains("`A` waits for B?x; `B` waits for A?y"), "{error}");
    assert!(text(&output.stdout).contains("composition unchecked"));
}

#[test]
fn a_person_plays_a_role_and_is_told_why_a_move_is_illegal() {
    let moves = "hello\nshare 3\ntitle 1984\n?\nshare many\nshare(30)\n";
    let output = antiphon(&["run", TWO_BUYER, "--seed", "5", "--roles", "Alice=stdin"], moves);
    let (shown, said) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1  Seller!title(string)"), "{said}");
    assert!(said.contains("the protocol has no message `hello`"), "{said}");
    assert!(
        said.contains("refused [not_allowed]: `Alice` cannot send `share` to `Bob` at position 0"),
        "{said}"
    );
    assert!(said.contains("legal now: Seller!title(string)"), "{said}");
    assert!(said.contains("`share`: expected `nat` at `$`, found a string"), "{said}");
    assert!(shown.contains("title(\"1984\")") && shown.contains("share(30)"), "{shown}");
    assert!(shown.contains("ended: closed"), "{shown}");
}

#[test]
fn a_person_who_leaves_stops_the_run_and_nothing_is_lost() {
    let output =
        antiphon(&["run", TWO_BUYER, "--seed", "5", "--roles", "Alice=stdin"], "title x\n");
    let shown = text(&output.stdout);
    assert!(output.status.success());
    assert!(shown.contains("stopped: its player has left"), "{shown}");
    assert!(shown.contains("verified"), "{shown}");
}

#[test]
fn wrong_roles_are_a_wrong_command_line() {
    for roles in ["Nobody=stdin", "Alice", "Alice=file"] {
        let output = antiphon(&["run", TWO_BUYER, "--roles", roles], "");
        assert_eq!(output.status.code(), Some(2), "{roles}");
    }
    let twice = antiphon(&["run", "-", "--roles", "A=stdin"], ENDLESS);
    assert_eq!(twice.status.code(), Some(2));
}

#[test]
fn values_come_from_a_file_and_wrong_ones_are_located() {
    let folder = Folder::new("values");
    let run = |values: &str| {
        let file = folder.file("values.json");
        std::fs::write(&file, values).unwrap();
        antiphon(&["run", TWO_BUYER, "--seed", "7", "--values", &file], "")
    };
    let good = run(r#"{"title": "Ulysses", "quote": [20, 21]}"#);
    let shown = text(&good.stdout);
    assert!(shown.contains("title(\"Ulysses\")"), "{shown}");
    assert!(shown.contains("quote(20)") || shown.contains("quote(21)"), "{shown}");
    for (values, wrong) in [
        ("{\"tittle\": 1}", "no label `tittle`"),
        ("{\"title\": 1}", "expected `string` at `$`, found the number 1"),
        ("{\"quote\": [1, -2]}", "found the number -2"),
        ("[1]", "values are an object"),
        ("{", "EOF"),
    ] {
        let output = run(values);
        assert_eq!(output.status.code(), Some(2), "{values}");
        assert!(text(&output.stderr).contains(wrong), "{values}: {}", text(&output.stderr));
    }
}

#[test]
fn many_sessions_are_counted() {
    let arguments = ["run", TWO_BUYER, "--sessions", "1500", "--json", "--seed", "1"];
    let output = antiphon(&arguments, "");
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["summary"]["sessions"], 1500);
    assert_eq!(summary["summary"]["ended"], 1500);
    let both = antiphon(&["run", TWO_BUYER, "--sessions", "2", "--journal", "x"], "");
    assert_eq!(both.status.code(), Some(2), "many sessions keep no journal");
}

#[test]
fn a_journal_is_replayed_at_every_moment_and_never_overwritten() {
    let folder = Folder::new("journal");
    let journal = folder.file("shop.journal");
    assert!(
        antiphon(&["run", TWO_BUYER, "--seed", "7", "--journal", &journal], "").status.success()
    );
    let again = antiphon(&["run", TWO_BUYER, "--seed", "7", "--journal", &journal], "");
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("exists"), "{}", text(&again.stderr));

    let early = text(&antiphon(&["replay", &journal, "--until", "5"], "").stdout);
    assert!(early.contains("after      5 records, at tick 4: active"), "{early}");
    assert!(early.contains("on Seller → Alice: #0 quote(44)"), "{early}");
    for until in 0..=17 {
        let output = antiphon(&["replay", &journal, "--until", &until.to_string()], "");
        assert!(output.status.success(), "{until}: {}", text(&output.stderr));
    }
    assert_eq!(antiphon(&["replay", &journal, "--until", "18"], "").status.code(), Some(2));
    let chart = text(&antiphon(&["replay", &journal, "--chart"], "").stdout);
    assert!(chart.contains("├┄ title(\"birch\") ┄"), "{chart}");
    let json = text(&antiphon(&["replay", &journal, "--json"], "").stdout);
    assert_eq!(json.lines().count(), 18, "17 records and the verdict");
}

#[test]
fn a_damaged_journal_is_named_and_located() {
    let folder = Folder::new("damage");
    let journal = folder.file("shop.journal");
    antiphon(&["run", TWO_BUYER, "--seed", "7", "--journal", &journal], "");
    let good = std::fs::read_to_string(&journal).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let replay = |journal: String| {
        let output = antiphon(&["replay", "-"], &journal);
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr)
    };
    let joined = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();

    let edited = replay(good.replace("birch", "beech"));
    assert!(edited.contains("line 3: records 1 to 1 do not give the head"), "{edited}");
    let spaced = replay(good.replacen("\"tick\":2", "\"tick\": 2", 1));
    assert!(spaced.contains("the line was edited"), "{spaced}");
    let swapped = replay(joined(&[&lines[..4], &[lines[5], lines[4]], &lines[6..]].concat()));
    assert!(swapped.contains("line 5: record 4 stands where record 3 belongs"), "{swapped}");
    let torn = replay(good[..good.len() - 100].to_owned());
    assert!(torn.contains("cut off"), "{torn}");
    let cut = replay(joined(&lines[..10]));
    assert!(cut.contains("no end mark: it was cut behind record 8"), "{cut}");
    let empty = replay(String::new());
    assert!(empty.contains("the journal is empty"), "{empty}");
    let other = replay(TWO_BUYER.to_owned() + "\n");
    assert!(other.contains("not a line of a journal"), "{other}");
}

#[test]
fn a_line_that_is_too_long_is_no_move_and_a_last_line_that_is_none_fails() {
    let long = format!("title a {}\nSeller!title(short)\n", "x".repeat(1 << 20));
    let output = antiphon(&["run", TWO_BUYER, "--seed", "5", "--roles", "Alice=stdin"], &long);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("the line is too long; nothing of it was done"));
    assert!(text(&output.stdout).contains("title(\"short\")"));
    let brackets =
        antiphon(&["run", TWO_BUYER, "--seed", "5", "--roles", "Alice=stdin"], "title (x)\n");
    assert!(text(&brackets.stdout).contains("title(\"(x)\")"), "{}", text(&brackets.stdout));
    let refused = antiphon(&["run", TWO_BUYER, "--roles", "Alice=stdin"], "share 3\n");
    assert_eq!(refused.status.code(), Some(1));
}

/// Runs over sockets, with a folder of its own for what is temporary: its lines, and how it ended.
fn over(transport: &str, chaos: &str, more: &[&str]) -> (Vec<serde_json::Value>, Output) {
    let folder = Folder::new(&format!("over-{transport}-{}", chaos.len()));
    let output = Command::new(env!("CARGO_BIN_EXE_antiphon"))
        .args(["run", TWO_BUYER, "--over", transport, "--chaos", chaos, "--seed", "3", "--json"])
        .args(more)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("TMPDIR", &folder.0)
        .output()
        .unwrap();
    // CLI-8.
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0, "nothing is left behind");
    let lines = text(&output.stdout);
    (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), output)
}

/// SIM-5: what is shown is what the summary counts, and it is verified.
fn went_well((lines, output): &(Vec<serde_json::Value>, Output)) -> serde_json::Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    let summary = &lines.last().unwrap()["summary"];
    assert_eq!(summary["verified"], true, "{summary}");
    let count = |key: &str, value: &str| lines.iter().filter(|line| line[key] == value).count();
    // Those at a start, before it was back, are counted and not shown.
    assert!(
        summary["crashes"].as_u64().unwrap() >= count("mark", "host_crashed") as u64,
        "{summary}"
    );
    assert_eq!(summary["cuts"], count("mark", "cut"), "{summary}");
    assert_eq!(summary["kills"], count("mark", "killed"), "{summary}");
    let actions = lines.iter().filter(|line| line.get("direction").is_some()).count();
    assert!(actions > 0 && summary["actions"].as_u64().unwrap() >= actions as u64, "{summary}");
    if summary["status"] == "closed" {
        assert_eq!(summary["actions"], actions, "{summary}");
    }
    summary.clone()
}

/// SIM-5, SIM-6, CLI-8.
#[test]
fn a_session_goes_on_over_websockets_that_are_cut() {
    let chaos = "loss=0.05,dup=0.05,reorder=0.05,cut=100ms";
    let summary = went_well(&over("ws", chaos, &["--steps", "60"]));
    assert_eq!(summary["status"], "closed");
    assert!(summary["cuts"].as_u64().unwrap() > 0, "{summary}");
}

/// SIM-5, SIM-6, CLI-8.
#[test]
fn a_session_goes_on_over_tcp_with_hosts_that_crash_and_clients_that_are_killed() {
    let chaos = "loss=0.05,dup=0.05,reorder=0.05,cut=100ms,crash=0.02";
    let summary = went_well(&over("tcp", chaos, &["--steps", "60"]));
    assert_eq!(summary["status"], "closed");
    let worse = went_well(&over("tcp", "crash=0.15,kill=0.03,amnesia=0.03", &["--steps", "60"]));
    assert!(worse["crashes"].as_u64().unwrap() > 0, "{worse}");
    assert!(worse["kills"].as_u64().unwrap() > 0, "{worse}");
}

/// SIM-6: what has no end is stopped.
#[test]
fn a_run_over_sockets_stops_after_its_steps() {
    let output = antiphon(&["run", "-", "--over", "tcp", "--steps", "20", "--json"], ENDLESS);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let last: serde_json::Value =
        serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap();
    assert_eq!(last["summary"]["stopped"], "steps");
    assert_eq!(last["summary"]["verified"], true);
    assert!(last["summary"]["actions"].as_u64().unwrap() >= 20);
}
