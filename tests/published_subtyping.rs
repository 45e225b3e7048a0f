//! What papers and their tools say of pairs of types, and what Antiphon says (SUB-5 to SUB-8).
//!
//! The pairs are in `tests/published/subtyping.txt`.
#![cfg(feature = "syntax")]

use std::collections::BTreeMap;

use antiphon::types::LocalType;
use antiphon::types::subtype::{Answer, Bounds, Comparison};

const BOUNDS: Bounds = Bounds { steps_max: 200_000 };

struct Pair<'a> {
    name: &'a str,
    source: &'a str,
    published: &'a str,
    ours: &'a str,
    candidate: LocalType,
    supertype: LocalType,
}

/// What stands behind the name of a field.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    line.strip_prefix(name).unwrap_or_else(|| panic!("`{name}` is missing: {line}")).trim()
}

fn pair(block: &str) -> Pair<'_> {
    let lines: Vec<&str> = block.lines().filter(|line| !line.is_empty()).collect();
    let [name, source, published, ours, candidate, supertype] = lines[..] else {
        panic!("an entry has six lines: {block}");
    };
    let parsed = |text: &str| text.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
    Pair {
        name,
        source: field(source, "source"),
        published: field(published, "published"),
        ours: field(ours, "ours"),
        candidate: parsed(field(candidate, "candidate")),
        supertype: parsed(field(supertype, "supertype")),
    }
}

#[test]
fn published_pairs_have_the_published_verdicts() {
    let text = include_str!("published/subtyping.txt");
    let pairs: Vec<Pair<'_>> =
        text.split("\n\n").filter(|block| !block.starts_with('#')).map(pair).collect();
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut wrong, mut changed) = (Vec::new(), Vec::new());
    for pair in &pairs {
        let compared = Comparison::new(&pair.candidate, &pair.supertype).unwrap();
        let verdict = compared.asynchronous(&BOUNDS);
        let answer = match &verdict.answer {
            Answer::Yes => "yes",
            Answer::No(_) => "no",
            Answer::Unknown(_) => "unknown",
        };
        println!(
            "{:8} {:8} {:7} {} ({})",
            answer, pair.published, verdict.steps, pair.name, pair.source
        );
        *tally.entry(answer).or_default() += 1;
        if answer != "unknown" && answer != pair.published {
            wrong.push(pair.name);
        }
        if answer != pair.ours {
            changed.push(format!("{}: {answer}, not {}", pair.name, pair.ours));
        }
    }
    println!("{} pairs: {tally:?}, {} wrong", pairs.len(), wrong.len());
    assert!(wrong.is_empty(), "other verdicts than published: {wrong:?}");
    assert!(changed.is_empty(), "other verdicts than recorded: {}", changed.join("; "));
    assert!(pairs.len() > 150 && tally.get("unknown").copied().unwrap_or(0) * 10 < pairs.len());
}
