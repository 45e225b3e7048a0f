//! `specs/schema/protocol.schema.json` describes what is written, and refuses what is refused.
//!
//! The validators on crates.io pull some forty crates; this schema uses a dozen words, which the
//! few lines of [`fits`] know. A word that they do not know fails the test.
#![cfg(feature = "syntax")]

mod strategies;

use antiphon::types::syntax::{Declared, Limits, json};
use antiphon::types::{LocalTypes, Name, Protocol};
use proptest::prelude::*;
use serde_json::{Value, json};
use strategies::Size;

const SCHEMA: &str = include_str!("../specs/schema/protocol.schema.json");

/// Whether `value` fits the schema `at` inside `root`.
fn fits(root: &Value, at: &Value, value: &Value) -> bool {
    at.as_object().unwrap().iter().all(|(word, rule)| match word.as_str() {
        "$schema" | "$defs" | "title" | "description" => true,
        "$ref" => {
            let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
            fits(root, root.pointer(pointer).expect("a definition"), value)
        }
        "oneOf" => {
            let fitting = rule.as_array().unwrap().iter().filter(|at| fits(root, at, value));
            fitting.count() == 1
        }
        "const" => value == rule,
        "enum" => rule.as_array().unwrap().contains(value),
        "type" => match rule.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            other => panic!("unknown type {other}"),
        },
        "properties" => value.as_object().is_none_or(|object| {
            let rules = rule.as_object().unwrap().iter();
            rules.filter_map(|(k, at)| Some((at, object.get(k)?))).all(|(at, v)| fits(root, at, v))
        }),
        "required" => value.as_object().is_none_or(|object| {
            rule.as_array().unwrap().iter().all(|key| object.contains_key(key.as_str().unwrap()))
        }),
        "additionalProperties" => value.as_object().is_none_or(|object| {
            assert_eq!(rule, &json!(false));
            object.keys().all(|key| at["properties"].get(key).is_some())
        }),
        "items" => value.as_array().is_none_or(|list| list.iter().all(|v| fits(root, rule, v))),
        "minItems" => {
            value.as_array().is_none_or(|list| list.len() as u64 >= rule.as_u64().unwrap())
        }
        "maxItems" => {
            value.as_array().is_none_or(|list| list.len() as u64 <= rule.as_u64().unwrap())
        }
        "minimum" => value.as_i64().is_none_or(|number| number >= rule.as_i64().unwrap()),
        "maximum" => value.as_u64().is_none_or(|number| number <= rule.as_u64().unwrap()),
        "pattern" => {
            assert_eq!(rule, "^[A-Za-z_][A-Za-z0-9_]{0,254}$", "the pattern is that of names");
            value.as_str().is_none_or(|text| antiphon::types::Name::new(text).is_ok())
        }
        other => panic!("unknown word {other}"),
    })
}

fn schema() -> Value {
    serde_json::from_str(SCHEMA).expect("the schema is JSON")
}

/// The document of the automata of these types.
fn automata(locals: &LocalTypes) -> Value {
    let protocol = Protocol::unchecked(Name::new("P").unwrap(), locals.clone()).unwrap();
    serde_json::from_str(&json::write_automata(&protocol, None)).unwrap()
}

/// Changes one thing somewhere in `value`: takes a field away, adds one, or replaces a value.
fn damage(value: &mut Value, path: &mut impl Iterator<Item = usize>) {
    let step = path.next().unwrap_or(0);
    let deeper = !path.next().unwrap_or(0).is_multiple_of(4);
    match value {
        Value::Object(object) if !object.is_empty() => {
            let key = object.keys().nth(step % object.len()).unwrap().clone();
            match (deeper, step % 3) {
                (true, _) => damage(&mut object[&key], path),
                (false, 0) => drop(object.insert("more".to_owned(), json!(0))),
                (false, _) => drop(object.remove(&key)),
            }
        }
        Value::Array(list) if deeper && !list.is_empty() => {
            let place = step % list.len();
            damage(&mut list[place], path);
        }
        other => {
            let replacements = [
                json!(null),
                json!(-1),
                json!("1x"),
                json!([]),
                json!({}),
                json!(0.5),
                json!(true),
            ];
            *other = replacements[step % replacements.len()].clone();
        }
    }
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
