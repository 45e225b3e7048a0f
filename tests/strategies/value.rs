//! Random values of a sort.

use antiphon::types::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// Any value of this sort as it stands once it conforms.
pub fn value(sort: &Sort) -> BoxedStrategy<Value> {
    at(sort, sort.root())
}

fn at(sort: &Sort, node: u32) -> BoxedStrategy<Value> {
    match sort.node(node) {
        SortNode::Unit => Just(Value::Unit).boxed(),
        SortNode::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        SortNode::Int => integer().prop_map(Value::Int).boxed(),
        SortNode::Nat => natural().prop_map(Value::Nat).boxed(),
        SortNode::Float => float().prop_map(Value::Float).boxed(),
        SortNode::String => text().prop_map(Value::from).boxed(),
        SortNode::Bytes => vec(any::<u8>(), 0..40).prop_map(Value::from).boxed(),
        SortNode::List(part) => vec(at(sort, *part), 0..4).prop_map(Value::List).boxed(),
        SortNode::Optional(part) => {
            let full = at(sort, *part).prop_map(|inner| Value::Some(Box::new(inner)));
            prop_oneof![1 => Just(Value::None), 3 => full].boxed()
        }
        SortNode::Record(fields) => {
            let names: Vec<Name> = fields.iter().map(|(name, _)| name.clone()).collect();
            let parts: Vec<_> = fields.iter().map(|(_, part)| at(sort, *part)).collect();
            let record =
                move |parts: Vec<Value>| Value::Record(names.iter().cloned().zip(parts).collect());
            parts.prop_map(record).boxed()
        }
        SortNode::Named(_) => json_value(),
        SortNode::Chan(_) => {
            let bytes = prop_oneof![9 => vec(any::<u8>(), 1..40), 1 => vec(any::<u8>(), 1024)];
            bytes.prop_map(|bytes| Value::Chan(bytes.into())).boxed()
        }
    }
}

#[cfg(feature = "syntax")]
fn json_value() -> BoxedStrategy<Value> {
    json().prop_map(|tree| Value::Json(antiphon::wire::json::json(&tree))).boxed()
}

#[cfg(not(feature = "syntax"))]
fn json_value() -> BoxedStrategy<Value> {
    panic!("JSON needs the feature `syntax`")
}

/// Any JSON.
#[cfg(feature = "syntax")]
pub fn json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value as Tree;
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::from),
        integer().prop_map(Tree::from),
        natural().prop_map(Tree::from),
        float().prop_map(Tree::from),
        text().prop_map(Tree::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Tree::from),
            vec((text(), inner), 0..4)
                .prop_map(|fields| Tree::Object(fields.into_iter().collect())),
        ]
    })
}

fn integer() -> impl Strategy<Value = i64> {
    let corner = (0..7usize, -2..=2i64).prop_map(|(base, off)| {
        [0, 1 << 53, -(1 << 53), i64::MIN, i64::MAX, 1 << 31, i64::from(i32::MIN)][base]
            .wrapping_add(off)
    });
    prop_oneof![any::<i64>(), corner, -9..=9i64]
}

fn natural() -> impl Strategy<Value = u64> {
    let corner = (0..4usize, -2..=2i64)
        .prop_map(|(base, off)| [0, 1 << 53, u64::MAX, 1 << 63][base].wrapping_add_signed(off));
    prop_oneof![any::<u64>(), corner, 0..=9u64]
}

fn float() -> impl Strategy<Value = f64> {
    let corner = proptest::sample::select(vec![
        0.0,
        1.0,
        -1.5,
        0.1,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        5e-324,
        1e21,
        9_007_199_254_740_993.0,
    ]);
    // −0 is 0 in a value.
    prop_oneof![any::<f64>(), corner].prop_filter("finite", |x| x.is_finite()).prop_map(|x| x + 0.0)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-z]{0,6}", 1 => "\\PC{0,8}", 1 => ".{0,30}", 1 => "[\\x00-\\x20\"\\\\]{0,6}"]
}
