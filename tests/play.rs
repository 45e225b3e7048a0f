//! `antiphon serve`, `open`, `join` and `resume` as somebody at a terminal has them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::processes::{COUNTING, Folder, Host, PROGRAM, said};

/// Status and standard error of a command that is to fail.
fn failed(folder: &Folder, arguments: &[&str]) -> (Option<i32>, String) {
    let done = Command::new(PROGRAM).current_dir(&folder.0).args(arguments).output().unwrap();
    (done.status.code(), String::from_utf8(done.stderr).unwrap())
}

/// SERV-5: who asks for no secret listens to nobody but this machine; a secret is made once, and for
/// nobody else.
#[test]
fn nobody_comes_in_by_default() {
    let folder = Folder::new("secret");
    let (status, error) = failed(&folder, &["serve", "--anonymous", "--web", "0.0.0.0:0"]);
    assert_eq!(status, Some(2));
    assert!(error.contains("only with addresses of this machine"), "{error}");
    let mut host = Host::start(&folder.0);
    let secret = folder.0.join("antiphon-data/secret");
    let first = std::fs::read_to_string(&secret).unwrap();
    #[cfg(unix)]
    for file in ["secret", "key"] {
        use std::os::unix::fs::PermissionsExt as _;
        let made = std::fs::metadata(folder.0.join("antiphon-data").join(file)).unwrap();
        assert_eq!(made.permissions().mode() & 0o777, 0o600, "{file}");
    }
    host.kill();
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), first);
    // Another secret opens nothing.
    std::fs::write(folder.0.join("counting.txt"), COUNTING).unwrap();
    std::fs::write(folder.0.join("other"), "sesame\n").unwrap();
    let at = host.address("ws");
    let open = ["open", "counting.txt", "--at", &at, "--secret-file", "other"];
    let (status, error) = failed(&folder, &open);
    assert_eq!(status, Some(1));
    assert!(error.contains("unauthenticated"), "{error}");
    let opened = said(&folder.0, &["open", "counting.txt", "--at", &at]);
    assert!(opened.contains("join --at ws://"), "{opened}");
}

/// SERV-7: the file says what the command line does not, and nothing that is no setting.
#[test]
fn settings_are_taken_in_order_and_none_is_ignored() {
    let folder = Folder::new("settings");
    std::fs::write(folder.0.join("good.toml"), "anonymous = true\nweb = \"0.0.0.0:0\"\n").unwrap();
    // Of the file: refused, because of its address.
    let (status, error) = failed(&folder, &["serve", "--settings", "good.toml"]);
    assert!(status == Some(2) && error.contains("--anonymous"), "{error}");
    // The command line comes first, and the one after it is not a number.
    let arguments = ["serve", "--settings", "good.toml", "--anonymous", "false", "--lifetime", "x"];
    let (status, error) = failed(&folder, &arguments);
    assert!(status == Some(2) && error.contains("a lifetime of `x`"), "{error}");
    std::fs::write(folder.0.join("bad.toml"), "adress = \"127.0.0.1:0\"\n").unwrap();
    let (status, error) = failed(&folder, &["serve", "--settings", "bad.toml"]);
    assert!(status == Some(2) && error.contains("unknown field `adress`"), "{error}");
}

/// PLAY-1, PLAY-4: what is legal is said, what is not changes nothing, and a role that is there is not
/// joined again into its file.
#[test]
fn a_line_that_is_no_move_changes_nothing() {
    let folder = Folder::new("lines");
    let host = Host::start(&folder.0);
    std::fs::write(folder.0.join("counting.txt"), COUNTING).unwrap();
    let at = host.address("tcp");
    let opened = said(&folder.0, &["open", "--json", "--at", &at, "counting.txt"]);
    let opened: serde_json::Value = serde_json::from_str(&opened).unwrap();
    let invitation = opened["roles"][0]["invitation"].as_str().unwrap();
    let arguments = ["join", "--json", "--at", &at, "--as", "ann", invitation];
    let mut child = Command::new(PROGRAM)
        .current_dir(&folder.0)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = b"answer 1\ncount many\nnonsense\ncount 7\n";
    child.stdin.take().unwrap().write_all(lines).unwrap();
    let output = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    // Then it waits for the other role, which nobody plays.
    let output: Vec<String> = output.take(5).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let said: Vec<serde_json::Value> =
        output.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let turn = serde_json::json!({"turn": {"position": 0, "moves": ["B!count(nat)", "B!stop"]}});
    assert_eq!(said[0], turn);
    assert_eq!(
        said[1..4].iter().filter(|line| line.get("refused").is_some()).count(),
        3,
        "{output:?}"
    );
    let sent = serde_json::json!({"to": "B", "label": "count", "position": 0, "kept": true});
    assert_eq!(said[4]["sent"], sent, "{output:?}");
    let (status, error) = failed(&folder, &arguments);
    assert!(status == Some(2) && error.contains("antiphon resume ann.role"), "{error}");
    let (status, error) = failed(&folder, &["resume", "bob.role"]);
    assert!(status == Some(2) && error.contains("there is no such file"), "{error}");
}
