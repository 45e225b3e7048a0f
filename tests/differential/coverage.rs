//! What was reached: which inputs came to what.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value as Tree;

use crate::generate::Case;

/// How often each input came to each outcome.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    cells: BTreeMap<String, BTreeMap<String, usize>>,
    outputs: BTreeMap<String, usize>,
}

impl Coverage {
    pub(crate) fn count(&mut self, case: &Case) {
        for (line, answer) in case.lines.iter().zip(&case.answers) {
            let outcome = outcome(answer);
            let row = self.cells.entry(input(&line.say)).or_default();
            *row.entry(outcome).or_default() += 1;
            for output in answer.get("outputs").and_then(Tree::as_array).into_iter().flatten() {
                *self.outputs.entry(word_of_output(output)).or_default() += 1;
            }
        }
    }

    /// Every outcome that was reached.
    pub(crate) fn outcomes(&self) -> BTreeSet<&str> {
        self.cells.values().flat_map(BTreeMap::keys).map(String::as_str).collect()
    }

    /// How many pairs of an input and an outcome were reached.
    pub(crate) fn len(&self) -> usize {
        self.cells.values().map(BTreeMap::len).sum()
    }

    /// A row an input: its outcomes, the most frequent one in front.
    pub(crate) fn shown(&self) -> String {
        let mut text = String::new();
        let cells = |counts: &BTreeMap<String, usize>| {
            let mut counts: Vec<_> = counts.iter().collect();
            counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let cells = counts.into_iter().map(|(outcome, count)| format!("{outcome} {count}"));
            cells.collect::<Vec<_>>().join(", ")
        };
        for (input, outcomes) in &self.cells {
            writeln!(text, "  {input:<18} {}", cells(outcomes)).unwrap();
        }
        writeln!(text, "  {:<18} {}", "outputs", cells(&self.outputs)).unwrap();
        text
    }
}

/// What a line is, by one word.
fn input(say: &Tree) -> String {
    let first = |tree: &Tree| {
        let word = tree.as_object().and_then(|fields| fields.keys().next());
        word.cloned().unwrap_or_default()
    };
    let Some(input) = say.get("input") else {
        return if say.get("register").is_some() { "register".into() } else { first(say) };
    };
    let Some(event) = input.pointer("/act/event") else { return first(input) };
    event.get("authority").map_or_else(|| first(event), first)
}

fn outcome(answer: &Tree) -> String {
    let code = |key: &str| Some(answer.get(key)?["code"].as_str()?.to_owned());
    let ok = || answer.get("ok")?.as_object()?.keys().next().cloned();
    code("refused").or_else(|| code("error")).or_else(ok).unwrap_or_default()
}

fn word_of_output(output: &Tree) -> String {
    let first = |tree: &Tree| tree.as_object().and_then(|fields| fields.keys().next()).cloned();
    let event = output.get("event").unwrap_or(output);
    let audit = event.pointer("/authority/audit");
    audit.map_or_else(|| first(event), first).unwrap_or_default()
}

/// The codes of all refusals that there are, from where they are written.
pub(crate) fn codes() -> BTreeSet<String> {
    let source = include_str!("../../src/machine/refuse.rs");
    let from = source.find("pub fn code(").expect("`Refusal::code` is in refuse.rs");
    let body = &source[from..];
    let body = &body[..body.find("\n    }\n").expect("the function ends")];
    body.split('"').skip(1).step_by(2).map(String::from).collect()
}
