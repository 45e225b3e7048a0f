//! Values as JSON, directed by their sort.
//!
//! `unit` is `null`; `int` and `nat` are numbers, or decimal strings beyond 2^53; `bytes` and
//! endpoints are base64; an empty optional is `null` and a full one its value, or `{"some": …}` where the value
//! itself may be `null`; a record is an object. Clause: VALUE-3, VALUE-20.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde_json::{Map, Number, Value as Tree};

use crate::machine::{EdgeView, SessionView};
use crate::types::{Edge, Json, Name, Sort, SortNode, Value, WrongSort};

/// The largest integer that every JSON reader keeps exact.
const EXACT_MAX: u64 = 1 << 53;

/// The value of `sort` that `tree` says.
///
/// # Errors
/// [`WrongSort`] with the path to the first place that does not fit.
pub fn read_value(sort: &Sort, tree: &Tree) -> Result<Value, WrongSort> {
    let value = read_at(sort, sort.root(), tree)?;
    sort.conform(value)
}

/// `value`, which conforms to `sort`, as JSON.
#[must_use]
pub fn write_value(sort: &Sort, value: &Value) -> Tree {
    write_at(sort, sort.root(), value)
}

/// A value that is not of the sort: what stands for one that cannot be read, for the machine to
/// refuse.
pub(crate) fn misfit(sort: &Sort) -> Value {
    if sort.conform(Value::Unit).is_ok() { Value::Bool(false) } else { Value::Unit }
}

/// Any JSON value as what a sort holds that the protocol does not define. As in a `float`, there is
/// one zero.
#[must_use]
pub fn json(tree: &Tree) -> Json {
    let text = tree.to_string();
    if !text.contains("-0.0") {
        return Json::of_canonical(&text);
    }
    let mut tree = tree.clone();
    one_zero(&mut tree);
    Json::of_canonical(&tree.to_string())
}

fn one_zero(tree: &mut Tree) {
    match tree {
        Tree::Number(number) if number.as_f64() == Some(0.0) && number.is_f64() => {
            *tree = 0.0.into();
        }
        Tree::Array(items) => items.iter_mut().for_each(one_zero),
        Tree::Object(fields) => fields.values_mut().for_each(one_zero),
        _ => {}
    }
}

/// A JSON text that names no edge of the session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an edge is `{{\"from\": role, \"to\": role}}`, one of: {known}")]
pub struct EdgeError {
    known: String,
}

/// The edge of a session that `{"from": "A", "to": "B"}` names.
///
/// # Errors
/// [`EdgeError`] with the edges that the session has.
pub fn read_edge<'a>(session: SessionView<'a>, tree: &Tree) -> Result<EdgeView<'a>, EdgeError> {
    let protocol = session.protocol();
    let role = |key: &str| protocol.role(tree.get(key)?.as_str()?);
    let only = tree.as_object().is_some_and(|fields| fields.len() == 2);
    let found = if only { role("from").zip(role("to")) } else { None };
    found.and_then(|(from, to)| session.edge(from, to)).ok_or_else(|| {
        let known: Vec<String> =
            session.edges().map(|edge| write_edge(session, edge).to_string()).collect();
        EdgeError { known: known.join(", ") }
    })
}

/// An edge of a session by the names of its roles.
#[must_use]
pub fn write_edge(session: SessionView<'_>, edge: EdgeView<'_>) -> Tree {
    let name = |role| Tree::from(session.protocol().role_name(role).as_str());
    let Edge { from, to } = edge.edge();
    Tree::Object(Map::from_iter([("from".to_owned(), name(from)), ("to".to_owned(), name(to))]))
}

/// Whether a full optional of this part must be told from an empty one by more than `null`.
fn is_nullable(sort: &Sort, part: u32) -> bool {
    matches!(sort.node(part), SortNode::Unit | SortNode::Optional(_) | SortNode::Named(_))
}

fn read_at(sort: &Sort, at: u32, tree: &Tree) -> Result<Value, WrongSort> {
    let wrong = || WrongSort::new(sort, at, found(tree));
    Ok(match (sort.node(at), tree) {
        (SortNode::Unit, Tree::Null) => Value::Unit,
        (SortNode::Bool, Tree::Bool(truth)) => Value::Bool(*truth),
        (SortNode::Int, tree) => Value::Int(integer(tree).ok_or_else(wrong)?),
        (SortNode::Nat, tree) => Value::Nat(natural(tree).ok_or_else(wrong)?),
        (SortNode::Float, Tree::Number(number)) => Value::Float(number.as_f64().ok_or_else(wrong)?),
        (SortNode::String, Tree::String(text)) => Value::from(text.as_str()),
        (SortNode::Bytes | SortNode::Chan(_), Tree::String(text)) => {
            let bytes = BASE64
                .decode(text)
                .map_err(|_| WrongSort::new(sort, at, "text that is not base64 with padding"))?;
            match sort.node(at) {
                SortNode::Chan(_) => Value::Chan(Bytes::from(bytes)),
                _ => Value::Bytes(Bytes::from(bytes)),
            }
        }
        (SortNode::Named(_), tree) => Value::Json(json(tree)),
        (SortNode::Optional(_), Tree::Null) => Value::None,
        (SortNode::Optional(part), tree) if is_nullable(sort, *part) => match tree {
            Tree::Object(fields) if fields.len() == 1 && fields.contains_key("some") => {
                Value::Some(read_at(sort, *part, &fields["some"])?.into())
            }
            _ => return Err(wrong()),
        },
        (SortNode::Optional(part), tree) => Value::Some(read_at(sort, *part, tree)?.into()),
        (SortNode::List(part), Tree::Array(items)) => {
            let item = |(index, item)| {
                read_at(sort, *part, item).map_err(|e: WrongSort| e.under(&format!("[{index}]")))
            };
            Value::List(items.iter().enumerate().map(item).collect::<Result<_, _>>()?)
        }
        (SortNode::Record(declared), Tree::Object(fields)) => {
            let mut record = Vec::with_capacity(fields.len());
            for (key, tree) in fields {
                let known = declared.iter().find(|(name, _)| *name == key.as_str());
                let Some((name, part)) = known else {
                    return Err(WrongSort::new(sort, at, format!("a field `{key}`")));
                };
                let value = read_at(sort, *part, tree).map_err(|e| e.under(&format!(".{name}")))?;
                record.push((Name::clone(name), value));
            }
            Value::Record(record)
        }
        _ => return Err(wrong()),
    })
}

fn integer(tree: &Tree) -> Option<i64> {
    match tree {
        Tree::Number(number) => number.as_i64(),
        Tree::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn natural(tree: &Tree) -> Option<u64> {
    match tree {
        Tree::Number(number) => number.as_u64(),
        Tree::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn found(tree: &Tree) -> String {
    match tree {
        Tree::Null => "null".into(),
        Tree::Bool(truth) => format!("{truth}"),
        Tree::Number(number) => format!("the number {number}"),
        Tree::String(_) => "a string".into(),
        Tree::Array(_) => "an array".into(),
        Tree::Object(_) => "an object".into(),
    }
}

fn write_at(sort: &Sort, at: u32, value: &Value) -> Tree {
    match (sort.node(at), value) {
        (_, Value::Bool(truth)) => Tree::Bool(*truth),
        (_, Value::Int(n)) if n.unsigned_abs() <= EXACT_MAX => Tree::from(*n),
        (_, Value::Int(n)) => Tree::from(n.to_string()),
        (_, Value::Nat(n)) if *n <= EXACT_MAX => Tree::from(*n),
        (_, Value::Nat(n)) => Tree::from(n.to_string()),
        (_, Value::Float(x)) => Number::from_f64(*x).map_or(Tree::Null, Tree::Number),
        (_, Value::String(text)) => Tree::from(text.as_str()),
        (_, Value::Bytes(bytes) | Value::Chan(bytes)) => Tree::from(BASE64.encode(bytes)),
        (_, Value::Json(json)) => serde_json::from_str(json.as_str()).unwrap_or(Tree::Null),
        (SortNode::Optional(part), Value::Some(inner)) => {
            let inner = write_at(sort, *part, inner);
            if is_nullable(sort, *part) {
                Tree::Object(Map::from_iter([("some".to_owned(), inner)]))
            } else {
                inner
            }
        }
        (SortNode::List(part), Value::List(items)) => {
            Tree::Array(items.iter().map(|item| write_at(sort, *part, item)).collect())
        }
        (SortNode::Record(declared), Value::Record(fields)) => {
            let parts = declared.iter().zip(fields);
            let field = |((name, part), (_, value)): (&(Name, u32), &(Name, Value))| {
                (name.to_string(), write_at(sort, *part, value))
            };
            Tree::Object(parts.map(field).collect())
        }
        _ => Tree::Null,
    }
}
