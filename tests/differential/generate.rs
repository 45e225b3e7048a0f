//! Random cases: protocols, and everything that a machine can be told about their sessions, as lines.
//!
//! A case is made by running it on this machine: what is legal, live or stale is what it says it is
//! there. The kinds of scripts are those that the naive model is compared with (`tests/reference`).

use std::sync::Arc;

use antiphon::machine::{Machine, SessionId};
use antiphon::types::syntax::json as types_json;
use antiphon::types::{Protocol, ProtocolDigest};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Tree, json};

use crate::crowd;
use crate::lines::{Line, Rust};
use crate::reference::script::{self, Stage, Step};
use crate::strategies::{self, Size};
use crate::written;

/// What kind of script a case has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Goes deep.
    Legal,
    /// Goes wide.
    Wild,
    /// Goes round.
    Authority,
    /// Reaches the limits of what one session may have.
    Crowd,
    /// Tells on purpose what is rare.
    Purpose,
}

/// The kinds in the order in which cases have them.
pub(crate) const KINDS: [Kind; 9] = [
    Kind::Legal,
    Kind::Wild,
    Kind::Authority,
    Kind::Legal,
    Kind::Authority,
    Kind::Wild,
    Kind::Authority,
    Kind::Crowd,
    Kind::Purpose,
];

/// Lines, and what they come to here.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) lines: Vec<Line>,
    pub(crate) answers: Vec<Tree>,
    /// The journals of its sessions at the end, as lines.
    pub(crate) journals: Vec<Vec<Tree>>,
}

/// Puts a case together while it runs.
pub(crate) struct Writer {
    rust: Rust,
    case: Case,
}

impl Writer {
    fn new(begin: &Tree) -> Self {
        let case = Case { lines: Vec::new(), answers: Vec::new(), journals: Vec::new() };
        let mut writer = Self { rust: Rust::default(), case };
        writer.say(json!({"begin": begin}));
        writer
    }

    fn done(self) -> Case {
        Case { journals: self.rust.journals(), ..self.case }
    }

    pub(crate) fn say(&mut self, say: Tree) -> Tree {
        let mut line = Line::new(say);
        let answer = self.rust.answer(&mut line);
        self.case.lines.push(line);
        self.case.answers.push(answer.clone());
        answer
    }

    pub(crate) fn machine(&self) -> &Machine {
        self.rust.door.machine()
    }

    /// Registers a document: as it is, or as one that nobody vouches for.
    pub(crate) fn register(&mut self, document: &Tree, unchecked: bool) -> Option<Arc<Protocol>> {
        let mut command = json!({"register": document});
        if unchecked {
            command["unchecked"] = json!(true);
        }
        let answer = self.say(command);
        let Some(digest) = answer.pointer("/ok/registered/protocol").and_then(Tree::as_str) else {
            // What is no protocol is not for the model to say.
            self.case.lines.pop();
            self.case.answers.pop();
            return None;
        };
        let digits = |at: usize| u8::from_str_radix(&digest[2 * at..2 * at + 2], 16).unwrap();
        let digest = ProtocolDigest(std::array::from_fn(digits));
        self.machine().protocol(digest).cloned()
    }

    /// What an input came to, and how everything stands behind it.
    pub(crate) fn tell(&mut self, now: u64, input: &Tree) -> Tree {
        let answer = self.say(json!({"at": now, "input": input}));
        self.look();
        answer
    }

    /// Looks at every session.
    fn look(&mut self) {
        self.say(json!({"sessions": true}));
        let mut known: Vec<SessionId> =
            self.machine().sessions().map(|session| session.id()).collect();
        known.extend(self.machine().archive().map(|closed| closed.id()));
        known.sort();
        for session in known {
            self.say(json!({"state": session.to_string()}));
        }
    }

    /// Ends the batch; `durable` says how many records of each are durable then.
    pub(crate) fn seal(&mut self, now: u64, durable: impl Fn(u64) -> Option<u64>) {
        let answer = self.say(json!({"seal": true}));
        for output in answer.get("outputs").and_then(Tree::as_array).into_iter().flatten() {
            let Some(batch) = output.get("persist") else { continue };
            let count = batch["records"].as_array().map_or(0, Vec::len) as u64;
            let upto = batch["first"].as_u64().unwrap_or(0) + count;
            if let Some(upto) = durable(upto) {
                let persisted = json!({"session": batch["session"], "upto": upto});
                self.say(json!({"at": now, "input": {"persisted": persisted}}));
            }
        }
    }

    pub(crate) fn restart(&mut self, replay: bool) {
        self.say(json!({"restart": {"replay": replay}}));
        self.look();
    }
}

/// A random case.
pub(crate) fn case(runner: &mut TestRunner, kind: Kind) -> Case {
    let mut draw = Draw(runner);
    let mut begin = json!({"observed": draw.one_in(8) == 0});
    begin["observed"] = json!(!begin["observed"].as_bool().unwrap());
    if draw.one_in(2) == 0 {
        begin["archive"] = json!(draw.one_in(3));
    }
    let mut writer = Writer::new(&begin);
    match kind {
        Kind::Crowd => crowd::play(&mut writer, &mut draw),
        Kind::Purpose => crowd::purpose(&mut writer, &mut draw),
        _ => {}
    }
    if matches!(kind, Kind::Crowd | Kind::Purpose) {
        return writer.done();
    }
    let mut protocols = Vec::new();
    while protocols.is_empty() || (protocols.len() < 3 && draw.one_in(2) == 0) {
        protocols.extend(register(&mut writer, &mut draw));
    }
    let journal = draw.one_in(2) == 0;
    let script = match kind {
        Kind::Legal => script::legal_script(journal),
        Kind::Wild => script::wild_script(journal),
        _ => script::authority_script(journal),
    };
    let steps = draw.from(&script);
    play(&mut writer, &mut draw, protocols, &steps, journal);
    writer.done()
}

/// A protocol of any kind; `None` if it was refused.
fn register(writer: &mut Writer, draw: &mut Draw<'_>) -> Option<Arc<Protocol>> {
    if draw.one_in(3) == 0 {
        let global = draw.from(&strategies::global(Size::TINY));
        return writer.register(&serde_json::to_value(&global).unwrap(), false);
    }
    let protocol = draw.from(&script::protocol());
    let document = types_json::write_locals(protocol.locals());
    let document = serde_json::from_str(&document).unwrap();
    // Small ones are looked at: what is known of them decides what may be opened.
    let small = protocol.locals().roles().iter().all(|(_, local)| local.tree().nodes().len() < 12);
    let checked =
        if small && draw.one_in(2) == 0 { writer.register(&document, false) } else { None };
    checked.or_else(|| writer.register(&document, true))
}

fn play(
    writer: &mut Writer,
    draw: &mut Draw<'_>,
    protocols: Vec<Arc<Protocol>>,
    steps: &[Step],
    journal: bool,
) {
    let mut stage = Stage::new(protocols);
    for step in steps {
        let input = stage.input(writer.machine(), step);
        let (mut command, _) = written::command(writer.machine(), stage.now, &input);
        if let Some(value) = command.pointer_mut("/input/act/event/send/value")
            && draw.one_in(6) == 0
        {
            let given = draw.from(&any_json());
            replace(value, &given, draw);
        }
        writer.tell(stage.now, &command["input"]);
        if step.seal {
            let delay = draw.one_in(4);
            writer.seal(stage.now, |upto| match delay {
                0 => None,
                1 => Some(upto.saturating_sub(1)),
                _ => Some(upto),
            });
        }
        if journal && draw.one_in(24) == 0 {
            let replay = draw.one_in(2) == 0;
            writer.seal(stage.now, Some);
            writer.restart(replay);
        }
    }
    writer.seal(stage.now, Some);
    if draw.one_in(3) == 0 {
        writer.say(json!({"reap": draw.one_in(4)}));
    }
    writer.look();
}

/// Puts something into the place of the whole, or of a part.
fn replace(value: &mut Tree, given: &Tree, draw: &mut Draw<'_>) {
    let inside = draw.one_in(3) > 0;
    match value {
        Tree::Array(items) if inside && !items.is_empty() => {
            let at = draw.one_in(items.len());
            replace(&mut items[at], given, draw);
        }
        Tree::Object(fields) if inside && !fields.is_empty() => {
            let key = fields.keys().nth(draw.one_in(fields.len())).unwrap().clone();
            match draw.one_in(6) {
                0 => drop(fields.remove(&key)),
                1 => drop(fields.insert("extra".into(), given.clone())),
                _ => replace(&mut fields[&key], given, draw),
            }
        }
        value => *value = given.clone(),
    }
}

/// JSON of every kind, and numbers and texts at which readers go wrong.
fn any_json() -> BoxedStrategy<Tree> {
    let numbers = proptest::sample::select(vec![
        json!(0),
        json!(-1),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(9_007_199_254_740_993_u64),
        json!(0.1),
        json!(-0.5),
        json!(1e16),
        json!(1e22),
        json!(1.5e300),
        json!(5e-324),
        json!(2.225_073_858_507_201_4e-308),
    ]);
    let texts = proptest::sample::select(vec![
        "",
        "0",
        "-0",
        "+5",
        "-9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "007",
        "1.0",
        " 1",
        "AA==",
        "AAE=",
        "AB==",
        "AAAA",
        "AA",
        "é\u{7f}\u{1}\"\\\n",
        "😀",
    ])
    .prop_map(|text| json!(text));
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(|truth| json!(truth)),
        numbers,
        any::<f64>().prop_map(|x| json!(x)),
        any::<i64>().prop_map(|n| json!(n)),
        texts,
    ];
    let tree = leaf.prop_recursive(3, 12, 3, |inner| {
        let key = proptest::sample::select(vec!["x", "y", "zip", "end", "some", "é"]);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Tree::from),
            proptest::collection::btree_map(key.prop_map(String::from), inner, 0..3)
                .prop_map(|fields| Tree::Object(fields.into_iter().collect())),
        ]
    });
    tree.boxed()
}

/// Draws from strategies.
pub(crate) struct Draw<'a>(&'a mut TestRunner);

impl Draw<'_> {
    pub(crate) fn from<S: Strategy>(&mut self, strategy: &S) -> S::Value {
        strategy.new_tree(self.0).expect("nothing is filtered").current()
    }

    /// A number below `count`.
    pub(crate) fn one_in(&mut self, count: usize) -> usize {
        self.from(&(0..count))
    }
}
