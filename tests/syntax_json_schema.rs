//! `specs/schema/protocol.schema.json` describes what is written, and refuses what is refused.
#![cfg(feature = "syntax")]

use crate::schema::{damage, fits};
use crate::strategies;
use crate::strategies::Size;
use antiphon::types::syntax::{Declared, Limits, json};
use antiphon::types::{LocalTypes, Name, Protocol};
use proptest::prelude::*;
use serde_json::Value;

const SCHEMA: &str = include_str!("../specs/schema/protocol.schema.json");

fn schema() -> Value {
    serde_json::from_str(SCHEMA).expect("the schema is JSON")
}

/// The document of the automata of these types.
fn automata(locals: &LocalTypes) -> Value {
    let protocol = Protocol::unchecked(Name::new("P").unwrap(), locals.clone()).unwrap();
    serde_json::from_str(&json::write_automata(&protocol, None)).unwrap()
}

proptest! {
    #![proptest_config(strategies::cases(256))]

    #[test]
    fn what_is_written_fits_the_schema(
        global in strategies::global(Size::SMALL),
        locals in strategies::locals(Size::SMALL),
        local in strategies::local(Size::SMALL),
        sort in strategies::sort(),
    ) {
        let schema = schema();
        let written = |value: Value, at: &Value| fits(&schema, at, &value);
        prop_assert!(written(serde_json::to_value(&global).unwrap(), &schema));
        prop_assert!(written(serde_json::to_value(&locals).unwrap(), &schema));
        prop_assert!(written(automata(&locals), &schema));
        let defs = &schema["$defs"];
        prop_assert!(written(serde_json::to_value(&local).unwrap(), &defs["local_type"]));
        prop_assert!(written(serde_json::to_value(&sort).unwrap(), &defs["single_sort"]));
    }

    /// What the reader accepts fits the schema, and what it refuses for its shape alone does not.
    #[test]
    fn reader_and_schema_agree_on_damaged_documents(
        global in strategies::global(Size::SMALL),
        locals in strategies::locals(Size::SMALL),
        which in 0..3usize,
        path in proptest::collection::vec(0..60usize, 24),
    ) {
        let mut value = match which {
            0 => serde_json::to_value(Declared::Global(vec![global])).unwrap(),
            1 => serde_json::to_value(Declared::Local(locals)).unwrap(),
            _ => automata(&locals),
        };
        damage(&mut value, &mut path.into_iter());
        let fits = fits(&schema(), &schema(), &value);
        match json::read(&value.to_string(), &Limits::default()) {
            Ok(_) => prop_assert!(fits, "accepted, and does not fit: {value}"),
            Err(found) => {
                let beyond = ["there is no", "refers to", "referred to", "not reached", "binds"];
                let shape = |d: &antiphon::types::Diagnostic| {
                    d.code.as_str() == "json_shape" && !beyond.iter().any(|b| d.message.contains(b))
                };
                if found.list().iter().any(shape) {
                    prop_assert!(!fits, "refused, and fits: {found}\n{value}");
                }
            }
        }
    }
}
