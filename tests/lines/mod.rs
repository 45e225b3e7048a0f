//! Lines for a machine, and what they come to in this one: what the model is compared with, and what
//! `specs/vectors` records.
//!
//! A line is a command of the door, or one of two of its own:
//!
//! ```text
//! {"begin": {"observed": true, "archive": 2}}     a new machine from here on
//! {"restart": {"replay": false}}                  a new machine, from what the old one has kept
//! ```
//!
//! At a restart everything is sealed and kept, what has no journal is gone, and each session is made
//! anew from its records. The other machine goes on with what is no more than that, or, if it says
//! `replay`, does the same.
#![allow(dead_code, unreachable_pub)]

pub mod vectors;

use std::collections::BTreeMap;

use antiphon::machine::{Machine, SessionId};
use antiphon::wire::door::{Door, DoorLimits};
use antiphon::wire::oracle::comparable;
use serde_json::{Value as Tree, json};

/// A line, and what the model is told in its place, if that is something else.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub say: Tree,
    pub model: Option<Tree>,
}

impl Line {
    pub fn new(say: Tree) -> Self {
        Self { say, model: None }
    }

    /// What the model is told.
    pub fn for_model(&self) -> &Tree {
        self.model.as_ref().unwrap_or(&self.say)
    }
}

/// Who answers lines.
pub trait Engine {
    /// The answers to all of these, in order, from a new machine on. The lines learn what the model
    /// is to be told.
    ///
    /// # Errors
    /// If it does not answer.
    fn tell(&mut self, lines: &mut [Line]) -> Result<Vec<Tree>, String>;
}

/// What is kept of a session outside of its machine.
#[derive(Debug, Clone)]
struct Kept {
    protocol: String,
    records: Vec<Tree>,
    head: Tree,
}

/// The door of this machine.
pub struct Rust {
    pub door: Door,
    begun: Tree,
    /// The lines that registered a protocol, and what was compiled.
    registered: Vec<(Tree, Tree)>,
    kept: BTreeMap<String, Kept>,
}

impl Default for Rust {
    fn default() -> Self {
        let mut rust = Self {
            door: Door::new(Machine::new(), DoorLimits::default()),
            begun: json!({}),
            registered: Vec::new(),
            kept: BTreeMap::new(),
        };
        rust.begin(&json!({"observed": true}));
        rust
    }
}

impl Rust {
    /// The answer to one line, which learns what the model is to be told.
    pub fn answer(&mut self, line: &mut Line) -> Tree {
        if let Some(begin) = line.say.get("begin") {
            self.begin(&begin.clone());
            return json!({"ok": {"begun": {}}});
        }
        if let Some(restart) = line.say.get("restart") {
            let replayed = self.restart();
            line.model = match restart["replay"] == json!(true) {
                true => Some(json!({"all": replayed})),
                false => Some(json!({"restart": {}})),
            };
            return json!({"ok": {"restarted": {}}});
        }
        let answer = self.told(&line.say);
        if let Some(protocol) = answer.pointer("/ok/registered/protocol") {
            let compiled = self.told(&json!({"compiled": protocol}))["ok"]["compiled"].clone();
            self.registered.push((line.say.clone(), compiled.clone()));
            line.model = Some(json!({"compiled": compiled}));
        }
        comparable(answer)
    }

    fn begin(&mut self, begin: &Tree) {
        let machine = match begin["observed"] == json!(true) {
            true => Machine::observed(),
            false => Machine::new(),
        };
        let machine = match begin.get("archive").and_then(Tree::as_u64) {
            Some(most) => machine.with_archive(usize::try_from(most).expect("a few")),
            None => machine,
        };
        self.door = Door::new(machine, DoorLimits::default());
        self.begun = begin.clone();
        self.registered.clear();
        self.kept.clear();
    }

    /// Makes a new machine of what is kept of the old one; what another one has to be told for that.
    fn restart(&mut self) -> Vec<Tree> {
        self.told(&json!({"seal": true}));
        let archived: Vec<SessionId> = self.door.machine().archive().map(|it| it.id()).collect();
        // What was reaped and has left the archive is forgotten with its journal.
        let there: Vec<SessionId> = self.door.machine().sessions().map(|it| it.id()).collect();
        let known = |id: &SessionId| there.contains(id) || archived.contains(id);
        self.kept.retain(|session, _| known(&session.parse().expect("it is one")));
        let (registered, kept) = (self.registered.clone(), self.kept.clone());
        self.begin(&self.begun.clone());
        let mut said = vec![json!({"begin": self.begun})];
        for (say, compiled) in registered {
            self.told(&say);
            said.push(json!({"compiled": compiled}));
            self.registered.push((say, compiled));
        }
        let resume = kept.iter().map(|(session, kept)| {
            json!({"resume": {
                "session": session,
                "protocol": kept.protocol,
                "records": kept.records,
                "head": kept.head,
            }})
        });
        let known = |id: &SessionId| kept.contains_key(&id.to_string());
        let reap = archived.iter().filter(|id| known(id));
        let reap = reap.map(|id| json!({"at": 0, "input": {"reap": {"session": id.to_string()}}}));
        for say in resume.chain(reap) {
            let answer = self.told(&say);
            assert!(answer.get("ok").is_some(), "{say}: {answer}");
            said.push(say);
        }
        self.kept = kept;
        said
    }

    /// The journals that were kept: for each what a model is told, and must answer.
    pub fn journals(&self) -> Vec<Vec<Tree>> {
        let journal = |(session, kept): (&String, &Kept)| {
            let mut compiled = self.registered.iter().map(|(_, compiled)| compiled);
            let compiled = compiled.find(|it| it["protocol"] == json!(kept.protocol))?;
            let records = &kept.records;
            let replay = json!({"session": session, "protocol": kept.protocol, "records": records});
            let replayed = json!({"session": session, "records": records.len()});
            Some(vec![
                json!({"say": {"begin": {"observed": false}}}),
                json!({"say": {"compiled": compiled}}),
                json!({"say": {"replay": replay}, "answer": {"ok": {"replayed": replayed}}}),
            ])
        };
        self.kept.iter().filter_map(journal).collect()
    }

    fn told(&mut self, command: &Tree) -> Tree {
        let line = format!("{command}\n");
        let answer = self.door.feed(&mut line.as_bytes()).expect("a line has an answer");
        let answer: Tree = serde_json::from_str(&answer).expect("an answer is JSON");
        for output in answer.get("outputs").and_then(Tree::as_array).into_iter().flatten() {
            let Some(batch) = output.get("persist") else { continue };
            let session = batch["session"].as_str().expect("a batch has a session");
            let id = session.parse().expect("it is one");
            let protocol = self.door.machine().protocol_of(id).expect("it has a protocol");
            let kept = self.kept.entry(session.to_owned()).or_insert_with(|| Kept {
                protocol: protocol.digest().to_string(),
                records: Vec::new(),
                head: Tree::Null,
            });
            if batch["first"] == json!(0) {
                kept.records.clear(); // of a forgotten session that had the same id
            }
            kept.records.extend(batch["records"].as_array().into_iter().flatten().cloned());
            kept.head = batch["head"].clone();
        }
        answer
    }
}

impl Engine for Rust {
    fn tell(&mut self, lines: &mut [Line]) -> Result<Vec<Tree>, String> {
        *self = Self::default();
        Ok(lines.iter_mut().map(|line| self.answer(line)).collect())
    }
}
