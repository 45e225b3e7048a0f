//! What the model of the machine is told, and how its answers are compared.
//!
//! The model speaks through a door like the one of the machine (`lean/Oracle.lean`). It is given
//! protocols as they were compiled, and no words for people; digests and the heads of chains, which
//! are functions of the rest, are not made there. What is left of an answer must be the same.
//!
//! Clauses: DOOR-7, JRNL-29.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use serde_json::{Value as Tree, json};

use super::compiled::{write_compiled, write_registered};
use super::journal::Journal;
use super::record;
use super::state::write_state;
use crate::machine::{Machine, ReplayError};

/// What is compared of an answer: all but words for people, and what is a function of the rest:
/// digests, heads of chains, and the printed type that a state stands for.
#[must_use]
pub fn comparable(mut answer: Tree) -> Tree {
    let without = |tree: &mut Tree, keys: &[&str]| {
        if let Tree::Object(fields) = tree {
            keys.iter().for_each(|key| drop(fields.remove(*key)));
        }
    };
    without(&mut answer, &["line"]);
    if let Some(refused) = answer.get_mut("refused") {
        without(refused, &["message", "clause"]);
        if refused["code"] == "wrong_sort" {
            without(refused, &["expected", "found"]);
        }
    }
    if let Some(error) = answer.get_mut("error") {
        without(error, &["message", "diagnostics"]);
    }
    if let Some(state) = answer.pointer_mut("/ok/state") {
        without(state, &["digest"]);
        for role in state["roles"].as_array_mut().into_iter().flatten() {
            without(role, &["type"]);
        }
    }
    if let Some(closed) = answer.pointer_mut("/ok/closed") {
        without(closed, &["head"]);
    }
    for output in answer.get_mut("outputs").and_then(Tree::as_array_mut).into_iter().flatten() {
        if let Some(batch) = output.get_mut("persist") {
            without(batch, &["head"]);
        }
    }
    answer
}

/// A line as it is written to the model: in ASCII, so that no reader can take a character apart,
/// and with doubles that no reader takes for integers.
#[must_use]
pub fn line(say: &Tree) -> String {
    let mut text = Vec::new();
    let mut writer = Serializer::with_formatter(&mut text, Plain);
    say.serialize(&mut writer).expect("memory takes all");
    let text = String::from_utf8(text).expect("JSON is text");
    let mut line = String::new();
    for c in text.chars() {
        if c.is_ascii() {
            line.push(c);
        } else {
            c.encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|unit| write!(line, "\\u{unit:04x}").expect("a string takes all"));
        }
    }
    line
}

/// Whole doubles have a fraction, where an exponent would hide that they are no integers of 64
/// bits.
struct Plain;

impl Formatter for Plain {
    fn write_f64<W: io::Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        if value.abs() < 2.0_f64.powi(64) && value.fract() == 0.0 {
            write!(writer, "{value:.1}")
        } else {
            CompactFormatter.write_f64(writer, value)
        }
    }
}

/// Where two answers differ first, in words; a double is what it says, however it is written.
#[must_use]
pub fn difference(ours: &Tree, theirs: &Tree) -> Option<String> {
    difference_at(ours, theirs, "")
}

fn difference_at(ours: &Tree, theirs: &Tree, path: &str) -> Option<String> {
    let shown = |path: &str, ours: Option<&Tree>, theirs: Option<&Tree>| {
        let said = |tree: Option<&Tree>| tree.map_or_else(|| "nothing".into(), Tree::to_string);
        format!("`{}` is {} here, and {} there", path, said(ours), said(theirs))
    };
    match (ours, theirs) {
        (Tree::Object(a), Tree::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match (a.get(key), b.get(key)) {
                    (Some(one), Some(two)) => difference_at(one, two, &path),
                    (one, two) => Some(shown(&path, one, two)),
                }
            })
        }
        (Tree::Array(a), Tree::Array(b)) => {
            let longest = a.len().max(b.len());
            (0..longest).find_map(|at| {
                let path = format!("{path}[{at}]");
                match (a.get(at), b.get(at)) {
                    (Some(one), Some(two)) => difference_at(one, two, &path),
                    (one, two) => Some(shown(&path, one, two)),
                }
            })
        }
        (Tree::Number(a), Tree::Number(b)) => {
            let same = a == b || ((a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64());
            (!same).then(|| shown(path, Some(ours), Some(theirs)))
        }
        _ => (ours != theirs).then(|| shown(path, Some(ours), Some(theirs))),
    }
}

/// One line for the model, and the answer that it must give.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The line.
    pub say: Tree,
    /// What is [`comparable`] of the answer.
    pub answer: Tree,
    /// How many records of the journal lie behind it.
    pub records: usize,
}

/// JRNL-29: a journal, batch by batch: the records, and the session that they lead to.
#[derive(Debug)]
pub struct Retold<'a> {
    journal: &'a Journal,
    machine: Machine,
    /// The protocol, and whatever else is told first.
    waiting: Vec<Told>,
    at: usize,
}

impl Journal {
    /// What the model is to be told about it.
    #[must_use]
    pub fn retold(&self) -> Retold<'_> {
        let protocol = &self.protocol;
        let mut machine = Machine::new();
        machine.register(protocol);
        let compiled = Told {
            say: json!({"compiled": write_compiled(protocol)}),
            answer: json!({"ok": write_registered(protocol)}),
            records: 0,
        };
        let begin = Told {
            say: json!({"begin": {"observed": false}}),
            answer: json!({"ok": {"begun": {}}}),
            records: 0,
        };
        Retold { journal: self, machine, waiting: vec![compiled, begin], at: 0 }
    }
}

impl Iterator for Retold<'_> {
    type Item = Result<Told, ReplayError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(told) = self.waiting.pop() {
            return Some(Ok(told));
        }
        let Journal { session, protocol, records, lines, .. } = self.journal;
        let line = lines.get(self.at)?;
        let count = lines[self.at..].iter().take_while(|other| *other == line).count();
        let batch = &records[self.at..self.at + count];
        for record in batch {
            if let Err(error) = self.machine.replay_record(*session, record) {
                self.at = records.len();
                return Some(Err(error));
            }
        }
        self.at += count;
        let view = self.machine.session(*session);
        let digest = self.machine.session_digest(*session);
        let (view, digest) = view.zip(digest).expect("a batch has a session");
        self.waiting.push(Told {
            say: json!({"state": session.to_string()}),
            answer: comparable(json!({"ok": {"state": write_state(view, digest)}})),
            records: self.at,
        });
        let written: Vec<Tree> =
            batch.iter().map(|record| json!(record::write(protocol, record))).collect();
        Some(Ok(Told {
            say: json!({"replay": {
                "session": session.to_string(),
                "protocol": protocol.digest().to_string(),
                "records": written,
            }}),
            answer: json!({"ok": {"replayed": {
                "session": session.to_string(),
                "records": self.at,
            }}}),
            records: self.at,
        }))
    }
}
