//! Random tables against a reading of them that knows nothing of trees: which states are reached,
//! what is wrong with these, and which runs there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use antiphon::types::LocalTypes;
use antiphon::types::syntax::{Declared, Limits, read};
use proptest::collection::vec;
use proptest::prelude::*;

use super::reference::Type;
use super::{codes, strategies};

/// From, partner, whether it is sent, label, to.
type Line = (usize, usize, bool, usize, usize);

/// The lines of each role's table; state 0 is the initial one.
type Tables = Vec<Vec<Line>>;

fn action((_, peer, sent, label, _): Line) -> String {
    format!("R{peer}{}l{label}", if sent { '!' } else { '?' })
}

fn text(tables: &Tables) -> String {
    let mut text = String::new();
    for (role, lines) in tables.iter().enumerate() {
        writeln!(text, ".outputs R{role}\n.state graph").unwrap();
        for (from, peer, sent, label, to) in lines {
            let sign = if *sent { '!' } else { '?' };
            writeln!(text, "s{from} {peer} {sign} l{label} s{to}").unwrap();
        }
        writeln!(text, ".marking s0\n.end").unwrap();
    }
    text
}

/// As digraphs, with the initial state marked by an edge.
fn dot(tables: &Tables) -> String {
    let mut text = String::new();
    for (role, lines) in tables.iter().enumerate() {
        write!(text, "digraph R{role} {{ begin -> s0; ").unwrap();
        for line in lines {
            write!(text, "s{} -> s{} [label=\"{}\"] ", line.0, line.4, action(*line)).unwrap();
        }
        writeln!(text, "}}").unwrap();
    }
    text
}

fn reached(lines: &[Line]) -> BTreeSet<usize> {
    let mut reached = BTreeSet::from([0]);
    loop {
        let next: BTreeSet<usize> =
            lines.iter().filter(|line| reached.contains(&line.0)).map(|line| line.4).collect();
        let before = reached.len();
        reached.extend(next);
        if reached.len() == before {
            return reached;
        }
    }
}

/// The codes of everything that is wrong, sorted.
fn wrong(tables: &Tables) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    for (role, lines) in tables.iter().enumerate() {
        if !lines.is_empty() && lines.iter().all(|line| line.0 != 0 && line.4 != 0) {
            wrong.push("initial_state");
        }
        for state in reached(lines) {
            let row: Vec<Line> = lines.iter().filter(|line| line.0 == state).copied().collect();
            if row.iter().any(|line| line.2) && row.iter().any(|line| !line.2) {
                wrong.push("mixed_choice");
            }
            wrong.extend(row.iter().filter(|line| line.1 == role).map(|_| "self_message"));
            let mut known: BTreeMap<String, usize> = BTreeMap::new();
            row.iter().for_each(|line| *known.entry(action(*line)).or_default() += 1);
            let twins: usize = known.values().map(|count| count - 1).sum();
            wrong.extend((0..twins).map(|_| "duplicate_branch"));
        }
    }
    wrong.sort_unstable();
    wrong
}

/// The runs of at most `length` actions from `state`.
fn runs(lines: &[Line], state: usize, length: usize) -> BTreeSet<Vec<String>> {
    let mut all = BTreeSet::from([Vec::new()]);
    if length > 0 {
        for line in lines.iter().filter(|line| line.0 == state) {
            for mut run in runs(lines, line.4, length - 1) {
                run.insert(0, action(*line));
                all.insert(run);
            }
        }
    }
    all
}

/// The runs of a type, unfolded step by step.
fn runs_of(local: &Type, length: usize) -> BTreeSet<Vec<String>> {
    let mut all = BTreeSet::from([Vec::new()]);
    if length > 0
        && let Type::Choice(direction, branches) = local.unfolded()
    {
        for branch in branches {
            for mut run in runs_of(&branch.next, length - 1) {
                let sign = direction.symbol();
                run.insert(0, format!("{}{sign}{}", branch.peer, branch.label));
                all.insert(run);
            }
        }
    }
    all
}

fn locals(text: &str) -> Result<LocalTypes, Vec<&'static str>> {
    match read(text, &Limits::default()) {
        Ok((Declared::Local(locals), _)) => Ok(locals),
        Ok(_) => panic!("automata make local types"),
        Err(found) => {
            let mut codes = codes(&found);
            codes.sort_unstable();
            Err(codes)
        }
    }
}

/// Any tables of three roles, most of them wrong somewhere.
fn wild() -> impl Strategy<Value = Tables> {
    let line = (0..4usize, 0..3usize, any::<bool>(), 0..3usize, 0..4usize);
    vec(vec(line, 0..5), 3)
}

/// Tables in which nothing is wrong: each state has its direction, lines that would be twins and
/// messages to oneself are dropped.
fn tame() -> impl Strategy<Value = Tables> {
    let table = (vec(any::<bool>(), 6), vec((0..6usize, 0..3usize, 0..3usize, 0..6usize), 0..14));
    vec(table, 3).prop_map(|tables| {
        let tables = tables.into_iter().enumerate().map(|(own, (directions, lines))| {
            let mut known = BTreeSet::new();
            let first = (own + 1) % 3;
            let lines = std::iter::once((0, first, 0, 1)).chain(lines);
            let lines = lines.filter(|(from, peer, label, _)| {
                *peer != own && known.insert((*from, *peer, *label))
            });
            lines.map(|(from, peer, label, to)| (from, peer, directions[from], label, to)).collect()
        });
        tables.collect()
    })
}

proptest! {
    #![proptest_config(strategies::cases(400))]

    /// CFSM-5 to CFSM-7.
    #[test]
    fn what_is_wrong_with_a_table_is_what_a_naive_reading_finds(tables in wild()) {
        let expected = wrong(&tables);
        let found = locals(&text(&tables));
        match found {
            Err(codes) => prop_assert_eq!(codes, expected, "{}", text(&tables)),
            Ok(_) => prop_assert!(expected.is_empty(), "{:?}\n{}", expected, text(&tables)),
        }
    }

    /// CFSM-1.
    #[test]
    fn the_type_of_a_table_has_the_runs_of_the_table(tables in tame()) {
        let expected: Vec<_> = tables.iter().map(|lines| runs(lines, 0, 5)).collect();
        for text in [text(&tables), dot(&tables)] {
            let locals = locals(&text);
            prop_assert!(locals.is_ok(), "{:?}\n{}", locals, text);
            for ((_, local), expected) in locals.unwrap().roles().iter().zip(&expected) {
                prop_assert_eq!(&runs_of(&Type::of(local), 5), expected, "{}\n{}", local, text);
            }
        }
    }
}
