//! The JSON of types: round trips, refusals, hostile inputs.
#![cfg(feature = "syntax")]

use crate::strategies;
use crate::strategies::Size;
use antiphon::types::syntax::{Declared, Limits, json};
use antiphon::types::*;
use proptest::prelude::*;

fn read(text: &str) -> Result<(Declared, Diagnostics), Diagnostics> {
    json::read(text, &Limits::default())
}

proptest! {
    #![proptest_config(strategies::cases(256))]

    #[test]
    fn global_types_are_read_as_they_were_written(
        global in strategies::global(Size::SMALL)
    ) {
        let declared = Declared::Global(vec![global]);
        let text = json::write(&declared);
        let (again, _) = read(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(&again, &declared);
        prop_assert_eq!(json::write(&again), text);
        let value = serde_json::to_value(&declared).unwrap();
        prop_assert_eq!(read(&value.to_string()).unwrap().0, declared);
    }

    #[test]
    fn sets_of_local_types_are_read_as_they_were_written(
        locals in strategies::locals(Size::SMALL)
    ) {
        let declared = Declared::Local(locals);
        let text = json::write(&declared);
        let (again, _) = read(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(&again, &declared);
        prop_assert_eq!(json::write(&again), text);
    }

    #[test]
    fn local_types_are_read_as_they_were_written(local in strategies::local(Size::SMALL)) {
        let text = json::write_local(&local);
        let again = json::read_local(&text, &Limits::default());
        let again = again.map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(again, local);
    }

    #[test]
    fn sorts_are_read_as_they_were_written(sort in strategies::sort()) {
        let text = json::write_sort(&sort);
        let again = json::read_sort(&text, &Limits::default());
        let again = again.map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(again, sort);
    }
}

/// The strategies are worth what they produce: over some hundred types everything occurs.
#[test]
fn random_types_have_everything_in_them() {
    use proptest::strategy::{Strategy, ValueTree};
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut text, mut globals) = (String::new(), String::new());
    for _ in 0..300 {
        let local = strategies::local(Size::SMALL).new_tree(&mut runner).unwrap().current();
        text += &format!("{local}\n");
        let global = strategies::global(Size::SMALL).new_tree(&mut runner).unwrap().current();
        globals += &format!("{global}\n");
    }
    let parts = [
        "+{",
        "&{",
        "A!{",
        "B?{",
        "rec X . rec",
        ". X",
        "X1",
        "end",
        "chan(",
        "[",
        "{x: ",
        "(a: ",
        "Money",
        "bytes",
    ];
    for part in parts {
        assert!(text.matches(part).count() > 2, "`{part}` is rare");
    }
    for part in ["choice at B", "} or {", "continue X1;", "from C to A;", "rec Loop {"] {
        assert!(globals.matches(part).count() > 2, "`{part}` is rare");
    }
}
