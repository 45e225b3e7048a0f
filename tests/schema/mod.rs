//! Whether JSON fits a schema.
//!
//! The validators on crates.io pull some forty crates; the schemas here use a dozen words, which
//! the few lines of [`fits`] know. A word that they do not know fails the test.
#![allow(dead_code, unreachable_pub)]

use serde_json::{Value, json};

type Pattern = (&'static str, fn(&str) -> bool);

/// The patterns that the schemas use, and what they mean.
const PATTERNS: [Pattern; 5] = [
    ("^[A-Za-z_][A-Za-z0-9_]{0,254}$", |text| antiphon::types::Name::new(text).is_ok()),
    ("^[0-9a-fA-F]{32}$", |text| text.len() == 32 && is_hex(text)),
    ("^[0-9a-fA-F]{64}$", |text| text.len() == 64 && is_hex(text)),
    ("^(0|[1-9][0-9]{0,9})\\.[1-9][0-9]{0,9}$", |text| {
        text.parse::<antiphon::machine::Epoch>().is_ok()
    }),
    ("^[0-9a-fA-F]{1,32}$", |text| (1..=32).contains(&text.len()) && is_hex(text)),
];

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_a(name: &Value, value: &Value) -> bool {
    match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("unknown type {other}"),
    }
}

/// Whether `value` fits the schema `at` inside `root`.
pub fn fits(root: &Value, at: &Value, value: &Value) -> bool {
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
        "type" => match rule {
            Value::Array(types) => types.iter().any(|name| is_a(name, value)),
            name => is_a(name, value),
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
            let rule = rule.as_str().unwrap();
            value.as_str().is_none_or(|text| {
                match PATTERNS.iter().find(|(known, _)| *known == rule) {
                    Some((_, fits)) => fits(text),
                    None => panic!("unknown pattern {rule}"),
                }
            })
        }
        "minLength" => {
            let least = usize::try_from(rule.as_u64().unwrap()).unwrap();
            value.as_str().is_none_or(|text| text.chars().count() >= least)
        }
        "maxLength" => {
            let most = usize::try_from(rule.as_u64().unwrap()).unwrap();
            value.as_str().is_none_or(|text| text.chars().count() <= most)
        }
        other => panic!("unknown word {other}"),
    })
}

/// Changes one thing somewhere in `value`: takes a field away, adds one, or replaces a value.
pub fn damage(value: &mut Value, path: &mut impl Iterator<Item = usize>) {
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
