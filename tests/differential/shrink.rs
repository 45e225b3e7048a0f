//! Makes what disagrees small: lines are left out as long as it still does.

use antiphon::wire::oracle::difference;
use serde_json::Value as Tree;

use crate::lines::{Engine, Line, Rust};

/// The first line that two engines answer differently, and how.
#[derive(Debug, Clone)]
pub(crate) struct Disagreement {
    pub(crate) line: usize,
    pub(crate) how: String,
}

/// Compares answers line by line.
pub(crate) fn compare(ours: &[Tree], theirs: &[Tree]) -> Option<Disagreement> {
    let mut both = ours.iter().zip(theirs).enumerate();
    both.find_map(|(line, (one, two))| difference(one, two).map(|how| Disagreement { line, how }))
}

/// Tells both, and compares.
pub(crate) fn run(
    lines: &mut [Line],
    model: &mut dyn Engine,
) -> Result<Option<Disagreement>, String> {
    let ours = Rust::default().tell(lines)?;
    Ok(compare(&ours, &model.tell(lines)?))
}

/// The fewest lines that are found by leaving out pieces, ever smaller ones, that still disagree;
/// at most `tries` runs.
pub(crate) fn shrink(
    lines: &[Line],
    model: &mut dyn Engine,
    tries: usize,
) -> Result<Vec<Line>, String> {
    let mut left = tries;
    let mut kept = lines.to_vec();
    let mut piece = kept.len() / 2;
    while piece > 0 {
        let mut from = 0;
        while from < kept.len() && left > 0 {
            left -= 1;
            let mut fewer = kept.clone();
            fewer.drain(from..(from + piece).min(kept.len()));
            match run(&mut fewer, model)? {
                Some(found) => {
                    fewer.truncate(found.line + 1);
                    kept = fewer;
                }
                None => from += piece,
            }
        }
        piece /= 2;
    }
    run(&mut kept, model)?;
    Ok(kept)
}
