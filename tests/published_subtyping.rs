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

fn pairs(text: &str) -> Vec<Pair<'_>> {
    let blocks = text.split("\n\n").filter(|block| !block.starts_with('#'));
    let pair = |block| {
        let lines: Vec<&str> = str::lines(block).filter(|line| !line.is_empty()).collect();
        let [name, source, published, ours, candidate, supertype] = lines[..] else {
            panic!("an entry has six lines: {block}");
        };
        let field = |line: &'static str, name: &str| -> &'static str {
            line.strip_prefix(name).unwrap_or_else(|| panic!("{name}: {line}")).trim()
        };
        let own = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        let parsed = |text: &str| text.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        Pair {
            name,
            source: field(own(source), "source"),
            published: field(own(published), "published"),
            ours: field(own(ours), "ours"),
            candidate: parsed(field(own(candidate), "candidate")),
            supertype: parsed(field(own(supertype), "supertype")),
        }
    };
    blocks.map(pair).collect()
}

#[test]
fn published_pairs_have_the_published_verdicts() {
    let pairs = pairs(include_str!("published/subtyping.txt"));
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
