//! The door and the machine behind it: the same verdicts, outputs and digests, and an answer to
//! anything.
#![cfg(feature = "syntax")]

use antiphon::Machine;
use antiphon::wire::door::{Door, DoorLimits};
use serde_json::{Value as Tree, json};

fn door() -> Door {
    Door::new(Machine::new(), DoorLimits::default())
}

/// The answers to all lines of some bytes.
fn said(door: &mut Door, mut bytes: &[u8]) -> Vec<Tree> {
    let mut answers = Vec::new();
    while let Some(answer) = door.feed(&mut bytes) {
        answers.push(answer);
    }
    answers.extend(door.finish());
    answers.iter().map(|answer| serde_json::from_str(answer).unwrap()).collect()
}

/// DOOR-1, DOOR-3: one answer a line, also to a script that was cut at any byte.
#[test]
fn a_script_that_is_cut_anywhere_has_an_answer_to_each_line() {
    let script = include_bytes!("../specs/door/shop.jsonl");
    let whole = said(&mut door(), script);
    assert!(whole.iter().all(|answer| answer.get("error").is_none()), "{whole:#?}");
    for cut in 0..script.len() {
        let part = &script[..cut];
        let ended = part.iter().filter(|byte| **byte == b'\n').count();
        let left = usize::from(!part.is_empty() && !part.ends_with(b"\n"));
        let answers = said(&mut door(), part);
        assert_eq!(answers.len(), ended + left, "cut at {cut}");
        assert_eq!(answers[..ended], whole[..ended], "cut at {cut}");
        if let Some(last) = answers.get(ended) {
            assert_eq!(last["line"], json!(ended + 1));
            // A line that lacks nothing but its end is that line.
            let same = script[cut] == b'\n' && *last == whole[ended];
            assert!(same || last["error"]["code"] == "not_json", "cut at {cut}: {last}");
        }
    }
}
