//! Pairs of types that papers print, with what they say of them.

#![cfg(feature = "syntax")]

use antiphon::types::LocalType;
use antiphon::types::subtype::{Bounds, Comparison};

#[test]
fn sends_may_be_moved_before_receives() {
    let candidate: LocalType = "p!a . p?b . end".parse().unwrap();
    let supertype: LocalType = "p?b . p!a . end".parse().unwrap();
    let compared = Comparison::new(&candidate, &supertype).unwrap();
    assert!(compared.asynchronous(&Bounds::default()).is_yes());
    assert!(!compared.synchronous(&Bounds::default()).is_yes());
}
