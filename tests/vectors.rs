//! The vectors of `specs/vectors`: what this machine and the model have agreed on.
//!
//! They were kept because the two disagreed once, or because they show much. Each line must have the
//! answer that stands behind it, and each protocol must be compiled as it was. The model is told the
//! same lines by `.ci/test differential`, which writes them.
#![cfg(feature = "syntax")]

use crate::lines::vectors::{Vector, all};
use crate::lines::{Engine, Rust};
use antiphon::wire::oracle::difference;

#[test]
fn every_vector_has_the_answers_that_were_agreed_on() {
    let vectors = all();
    assert!(!vectors.is_empty(), "there are no vectors: is `specs/vectors` where it was?");
    for (path, vector) in vectors {
        let Vector { about, mut lines, answers } = vector;
        let recorded = lines.clone();
        let now = Rust::default().tell(&mut lines).unwrap();
        for (number, (wanted, found)) in answers.iter().zip(&now).enumerate() {
            if let Some(how) = difference(found, wanted) {
                panic!("{}, line {} ({about}): {how}", path.display(), number + 2);
            }
        }
        for (number, (recorded, line)) in recorded.iter().zip(&lines).enumerate() {
            assert_eq!(recorded, line, "{}, line {}", path.display(), number + 2);
        }
    }
}
