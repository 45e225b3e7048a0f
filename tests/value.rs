//! Values: one value of one sort has one byte string and one JSON text; what is no value of a sort
//! is refused at the door with the place where it is wrong.
#![cfg(feature = "syntax")]

use crate::strategies;
use crate::strategies::{cases, value::value};
use antiphon::types::value::VALUE_DEPTH_MAX;
use antiphon::types::{Name, Sort, SortBuilder, SortNode, Value, canonical};
use antiphon::wire::json::{json, read_value, write_value};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value as Tree, json as tree};

fn sort(text: &str) -> Sort {
    let text = format!("q!m({text}) . end");
    let local: antiphon::types::LocalType = text.parse().unwrap();
    local.tree().branches()[0].payload.sort().clone()
}

fn encoded(value: &Value) -> Bytes {
    let mut bytes = Vec::new();
    canonical::encode(value, &mut bytes);
    bytes.into()
}

fn sort_and_value() -> impl Strategy<Value = (Sort, Value)> {
    strategies::sort().prop_flat_map(|sort| {
        let value = value(&sort);
        (Just(sort), value)
    })
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a_value_conforms_and_comes_back_from_its_bytes_and_its_json((sort, value) in sort_and_value()) {
        prop_assert_eq!(sort.conform(value.clone()), Ok(value.clone()));
        prop_assert_eq!(canonical::decode(&sort, &encoded(&value)), Ok(value.clone()));
        let written = write_value(&sort, &value);
        prop_assert_eq!(read_value(&sort, &written), Ok(value.clone()));
        let text = serde_json::to_string(&written).unwrap();
        let reread: Tree = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(read_value(&sort, &reread), Ok(value.clone()));
        prop_assert_eq!(serde_json::to_string(&reread).unwrap(), text);
    }

    #[test]
    fn bytes_that_decode_are_the_bytes_of_what_they_decode_to(
        (sort, value) in sort_and_value(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..4),
    ) {
        let mut bytes = encoded(&value).to_vec();
        for (at, byte, edit) in edits {
            let at = at.index(bytes.len() + 1);
            match edit {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => bytes[at] = byte,
                _ => bytes.truncate(at),
            }
        }
        // What is inside a value that the protocol does not define is not looked into.
        if let Ok(decoded) = canonical::decode(&sort, &bytes.clone().into()) {
            prop_assert_eq!(encoded(&decoded), Bytes::from(bytes));
            prop_assert_eq!(sort.conform(decoded.clone()), Ok(decoded));
        }
    }

    #[test]
    fn a_value_of_one_sort_conforms_to_another_only_if_it_is_one(
        (_, value) in sort_and_value(),
        other in strategies::sort(),
    ) {
        if let Ok(conforming) = other.conform(value) {
            prop_assert_eq!(other.conform(conforming.clone()), Ok(conforming.clone()));
            prop_assert_eq!(canonical::decode(&other, &encoded(&conforming)), Ok(conforming));
        }
    }

    #[test]
    fn any_json_is_read_or_refused(sort in strategies::sort(), tree in strategies::value::json()) {
        if let Ok(value) = read_value(&sort, &tree) {
            prop_assert_eq!(sort.conform(value.clone()), Ok(value.clone()));
            prop_assert_eq!(read_value(&sort, &write_value(&sort, &value)), Ok(value));
        }
    }
}

#[test]
fn json_of_a_value_has_one_form() {
    let some = |value: Value| Value::Some(Box::new(value));
    let record = |fields: Vec<(&str, Value)>| {
        Value::Record(fields.into_iter().map(|(n, v)| (Name::new(n).unwrap(), v)).collect())
    };
    let table = [
        ("unit", Value::Unit, tree!(null)),
        ("int", Value::Int((1 << 53) - 1), tree!(9_007_199_254_740_991_u64)),
        ("int", Value::Int(1 << 53), tree!(9_007_199_254_740_992_u64)),
        ("int", Value::Int((1 << 53) + 1), tree!("9007199254740993")),
        ("int", Value::Int(-(1 << 53)), tree!(-9_007_199_254_740_992_i64)),
        ("int", Value::Int(-(1 << 53) - 1), tree!("-9007199254740993")),
        ("int", Value::Int(i64::MIN), tree!("-9223372036854775808")),
        ("nat", Value::Nat(u64::MAX), tree!("18446744073709551615")),
        ("nat", Value::Nat(1 << 53), tree!(9_007_199_254_740_992_u64)),
        ("float", Value::Float(1.0), tree!(1.0)),
        ("float", Value::Float(5e-324), tree!(5e-324)),
        ("bytes", Value::from(vec![0_u8, 255]), tree!("AP8=")),
        ("bytes", Value::from(Vec::<u8>::new()), tree!("")),
        ("chan(end)", Value::Chan(vec![0_u8, 255].into()), tree!("AP8=")),
        ("chan(end)?", Value::None, tree!(null)),
        ("chan(end)?", some(Value::Chan(vec![1_u8].into())), tree!("AQ==")),
        ("int?", Value::None, tree!(null)),
        ("int?", some(Value::Int(1)), tree!(1)),
        ("int??", Value::None, tree!(null)),
        ("int??", some(Value::None), tree!({"some": null})),
        ("int??", some(some(Value::Int(1))), tree!({"some": 1})),
        ("unit?", Value::None, tree!(null)),
        ("unit?", some(Value::Unit), tree!({"some": null})),
        ("Money?", some(Value::Json(json(&tree!(null)))), tree!({"some": null})),
        ("Money", Value::Json(json(&tree!({"b": 1, "a": [2.5]}))), tree!({"a": [2.5], "b": 1})),
        ("[int]", Value::List(vec![]), tree!([])),
        ("[unit]", Value::List(vec![Value::Unit; 3]), tree!([null, null, null])),
        ("{}", Value::Record(vec![]), tree!({})),
        ("{x: int?}", record(vec![("x", Value::None)]), tree!({"x": null})),
    ];
    for (text, value, written) in table {
        let sort = sort(text);
        assert_eq!(write_value(&sort, &value), written, "{text}");
        assert_eq!(read_value(&sort, &written), Ok(value.clone()), "{text}");
        assert_eq!(canonical::decode(&sort, &encoded(&value)), Ok(value), "{text}");
    }
}

#[test]
fn the_door_is_lenient_where_nothing_is_lost() {
    let x = |value: Value| Value::Record(vec![(Name::new("x").unwrap(), value)]);
    assert_eq!(sort("int").conform(Value::Nat(7)), Ok(Value::Int(7)));
    assert_eq!(sort("nat").conform(Value::Int(7)), Ok(Value::Nat(7)));
    assert_eq!(sort("float").conform(Value::Float(-0.0)), Ok(Value::Float(0.0)));
    assert_ne!(Value::Float(-0.0), Value::Float(0.0), "they have different bytes");
    assert_eq!(sort("{x: int?}").conform(Value::Record(vec![])), Ok(x(Value::None)));
    assert_eq!(read_value(&sort("{x: int?}"), &tree!({})), Ok(x(Value::None)));
    assert_eq!(read_value(&sort("float"), &tree!(-0.0)), Ok(Value::Float(0.0)));
    assert_eq!(read_value(&sort("float"), &tree!(3)), Ok(Value::Float(3.0)));
    assert_eq!(read_value(&sort("nat"), &tree!("12")), Ok(Value::Nat(12)));
    let swapped = tree!({"y": 2, "x": 1});
    let read = read_value(&sort("{y: int, x: int}"), &swapped).unwrap();
    assert_eq!(read.to_string(), "{y: 2, x: 1}");
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let table = [
        ("int", tree!("9223372036854775808")),
        ("int", tree!(1.0)),
        ("int", tree!("1.0")),
        ("int", tree!("")),
        ("nat", tree!(-1)),
        ("nat", tree!("-1")),
        ("nat", tree!("18446744073709551616")),
        ("float", tree!("1.5")),
        ("float", tree!(null)),
        ("bool", tree!(0)),
        ("unit", tree!({})),
        ("string", tree!(["a"])),
        ("bytes", tree!("AP8")),
        ("bytes", tree!("AP 8=")),
        ("bytes", tree!("AP9=")),
        ("bytes", tree!("_-8=")),
        ("unit?", tree!({"some": null, "more": 1})),
        ("unit?", tree!({})),
        ("int??", tree!(1)),
        ("int??", tree!({"some": {"some": 1}})),
        ("[int]", tree!([1, 2, "x"])),
        ("[{x: int}]", tree!([{"x": 1}, {"x": true}])),
        ("{x: int}", tree!({})),
        ("{x: int}", tree!({"x": 1, "y": 2})),
        ("{x: {y: [nat]}}", tree!({"x": {"y": [1, -1]}})),
        ("chan(end)", tree!(null)),
        ("chan(end)", tree!("")),
        ("chan(q!m . end)", tree!("AP9=")),
    ];
    let mut shown = String::new();
    for (text, tree) in table {
        let error = read_value(&sort(text), &tree).expect_err(text);
        shown += &format!("{tree} : {text}\n    {error}\n");
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn what_a_program_gives_wrong_is_named_too() {
    let x = |values: &[i64]| {
        let field = |n: &i64| (Name::new("x").unwrap(), Value::Int(*n));
        Value::Record(values.iter().map(field).collect())
    };
    let table = [
        ("float", Value::Float(f64::NAN)),
        ("float", Value::Float(f64::INFINITY)),
        ("[float]", Value::List(vec![Value::Float(0.0), Value::Float(f64::NEG_INFINITY)])),
        ("int", Value::Nat(1 << 63)),
        ("nat", Value::Int(-1)),
        ("int?", Value::Int(1)),
        ("{x: int}", x(&[1, 2])),
        ("{x: int}", x(&[])),
        ("{}", x(&[1])),
        ("Money", Value::Int(1)),
        ("string", Value::from(vec![1_u8])),
        ("bytes", Value::Chan(vec![1_u8].into())),
        ("chan(end)", Value::from(vec![1_u8])),
        ("chan(q!m . end)", Value::Chan(vec![1_u8; 1025].into())),
    ];
    let mut shown = String::new();
    for (text, value) in table {
        let error = sort(text).conform(value.clone()).expect_err(text);
        shown += &format!("{value} : {text}\n    {error}\n");
    }
    insta::assert_snapshot!(shown);
}

/// `[[…unit…]]`, so many lists deep, and its innermost value.
fn nested(depth: usize, list: bool) -> (Sort, Value) {
    let mut sort = SortBuilder::default();
    let (mut at, mut value) = (sort.push(SortNode::Bool), Value::Bool(true));
    for _ in 0..depth {
        at = sort.push(if list { SortNode::List(at) } else { SortNode::Optional(at) });
        value = if list { Value::List(vec![value]) } else { Value::Some(Box::new(value)) };
    }
    (sort.finish(), value)
}

#[test]
fn values_are_nested_up_to_the_limit_and_not_beyond() {
    for list in [true, false] {
        let (sort, value) = nested(VALUE_DEPTH_MAX, list);
        assert_eq!(sort.conform(value.clone()), Ok(value.clone()));
        assert_eq!(canonical::decode(&sort, &encoded(&value)), Ok(value.clone()));
        let written = write_value(&sort, &value);
        assert_eq!(read_value(&sort, &written), Ok(value.clone()));
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<Tree>(&text).ok(), Some(written), "as text, too");
        let (sort, value) = nested(VALUE_DEPTH_MAX + 1, list);
        assert!(sort.conform(value.clone()).is_err());
        assert!(canonical::decode(&sort, &encoded(&value)).is_err());
    }
    let mut deep = tree!(null);
    for _ in 0..=VALUE_DEPTH_MAX {
        deep = tree!([deep]);
    }
    assert!(read_value(&sort("Money"), &deep).is_err(), "JSON counts, too");
    assert!(read_value(&sort("[Money]"), &tree!([deep[0]])).is_err());
    assert!(read_value(&sort("Money"), &deep[0]).is_ok());
}

/// What happened: items of `[unit]` take no bytes, so that their count is not bounded by the bytes;
/// decoding had a bound of its own, and a longer list was accepted by a session that could not write
/// its record. Now the sort has the same bound at the door.
#[test]
fn lists_of_nothing_are_as_long_at_the_door_as_in_bytes() {
    for text in ["[unit]", "[{}]", "[{a: unit, b: {}}]"] {
        let sort = sort(text);
        let list = |count: usize| {
            let item = match text {
                "[unit]" => Value::Unit,
                "[{}]" => Value::Record(vec![]),
                _ => Value::Record(vec![
                    (Name::new("a").unwrap(), Value::Unit),
                    (Name::new("b").unwrap(), Value::Record(vec![])),
                ]),
            };
            Value::List(vec![item; count])
        };
        let longest = list(65_535);
        assert_eq!(sort.conform(longest.clone()), Ok(longest.clone()));
        assert_eq!(canonical::decode(&sort, &encoded(&longest)), Ok(longest));
        assert!(sort.conform(list(65_536)).is_err());
        assert!(canonical::decode(&sort, &encoded(&list(65_536))).is_err());
    }
    let long = Value::List(vec![Value::None; 65_536]);
    assert_eq!(sort("[unit?]").conform(long.clone()), Ok(long));
}

#[test]
fn a_value_beyond_the_size_limit_is_refused_by_its_sort() {
    use antiphon::types::value::VALUE_BYTES_MAX;
    use antiphon::types::{Sort, SortNode, Value};
    let (bytes, list) = (Sort::leaf(SortNode::Bytes), Sort::list(&Sort::leaf(SortNode::Bytes)));
    let of = |count: usize| Value::Bytes(vec![7_u8; count].into());
    assert!(bytes.conform(of(VALUE_BYTES_MAX)).is_ok());
    let error = bytes.conform(of(VALUE_BYTES_MAX + 1)).unwrap_err().to_string();
    assert!(error.contains("the limit is 67108864"), "{error}");
    let half = of(VALUE_BYTES_MAX / 2);
    assert!(list.conform(Value::List(vec![half.clone(), half])).is_err());
}
