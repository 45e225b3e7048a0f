//! A journal as the lines that the model's own replay reads.

use antiphon::machine::ReplayError;
use antiphon::wire::journal::Journal;
use antiphon::wire::oracle::Told;
use serde_json::{Value as Tree, json};

/// All of its records in one line, and the state behind them in the last.
pub(crate) fn lines(journal: &Journal) -> Result<Vec<Tree>, ReplayError> {
    let (mut lines, mut records, mut state) = (Vec::new(), Vec::new(), None);
    for told in journal.retold() {
        let Told { say, answer, .. } = told?;
        match say.pointer("/replay/records").and_then(Tree::as_array) {
            Some(batch) => records.extend(batch.iter().cloned()),
            None if say.get("state").is_some() => {
                state = Some(json!({"say": say, "answer": answer}));
            }
            None => lines.push(json!({"say": say})),
        }
    }
    let (session, count) = (journal.session.to_string(), records.len());
    let protocol = journal.protocol.digest().to_string();
    let replay = json!({"session": session, "protocol": protocol, "records": records});
    let replayed = json!({"session": session, "records": count});
    lines.push(json!({"say": {"replay": replay}, "answer": {"ok": {"replayed": replayed}}}));
    lines.extend(state);
    Ok(lines)
}
