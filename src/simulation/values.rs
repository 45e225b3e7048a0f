//! What simulated participants send: values from a file, or made up by sort.

use std::collections::HashMap;

use fastrand::Rng;
use serde_json::Value as Tree;

use crate::machine::{Generation, Owner, Receipt, ReceiptId, Recipient, Scope, SessionId};
use crate::types::{MessageIx, Protocol, RoleIx, Sort, SortNode, Value, WrongSort};
use crate::wire::json::{json, read_value};

/// How deep made-up values nest at most; below, lists are empty and optionals none.
const DEPTH_MAX: usize = 4;

const WORDS: [&str; 12] = [
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "islet", "juniper",
    "krill", "lark",
];

/// Values that are none for a protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValuesError {
    /// Not an object.
    #[error("values are an object: {{\"label\": value or [values], …}}")]
    NotAnObject,
    /// A label that the protocol does not have.
    #[error("the protocol has no label `{0}`")]
    UnknownLabel(Box<str>),
    /// A value of another sort.
    #[error("`{label}`: {error}")]
    WrongSort {
        /// The label.
        label: Box<str>,
        /// What is wrong, and where in the value.
        error: WrongSort,
    },
}

/// A source of values for every message of a protocol. The default makes all of them up.
#[derive(Debug, Clone, Default)]
pub struct Values {
    given: HashMap<MessageIx, Vec<Value>>,
}

impl Values {
    /// Reads `{"label": value or [values], …}`.
    ///
    /// # Errors
    /// [`ValuesError`].
    pub fn read(protocol: &Protocol, tree: &Tree) -> Result<Self, ValuesError> {
        let mut values = Self::default();
        let Tree::Object(labels) = tree else { return Err(ValuesError::NotAnObject) };
        for (name, tree) in labels {
            let Some(label) = protocol.label(name) else {
                return Err(ValuesError::UnknownLabel(name.as_str().into()));
            };
            let messages = protocol.messages().iter().enumerate();
            for (index, message) in messages.filter(|(_, message)| message.label == label) {
                let sort = message.payload.sort();
                let list = given(sort, tree).map_err(|error| ValuesError::WrongSort {
                    label: name.as_str().into(),
                    error,
                })?;
                let index = MessageIx(u16::try_from(index).expect("messages are numbered by u16"));
                values.given.insert(index, list);
            }
        }
        Ok(values)
    }

    /// A value for a message; `None` where there is none to be made: its sort is too deep.
    #[must_use]
    pub fn pick(&self, protocol: &Protocol, message: MessageIx, rng: &mut Rng) -> Option<Value> {
        if let Some(list) = self.given.get(&message)
            && let Some(value) = rng.choice(list)
        {
            return Some(value.clone());
        }
        let sort = protocol.message(message).payload.sort();
        made_up(sort, sort.root(), rng, 0)
    }
}

/// One value, or several of which one is picked each time. Where the sort is a list, an array of
/// arrays is several.
fn given(sort: &Sort, tree: &Tree) -> Result<Vec<Value>, WrongSort> {
    match (read_value(sort, tree), tree) {
        (Ok(value), _) => Ok(vec![value]),
        (Err(_), Tree::Array(several)) if !several.is_empty() => {
            several.iter().map(|tree| read_value(sort, tree)).collect()
        }
        (Err(error), _) => Err(error),
    }
}

/// A receipt as there are, of no session: a run plays one protocol by itself, and has no endpoint
/// of another one to give.
fn nobodys(rng: &mut Rng) -> Receipt {
    Receipt {
        session: SessionId(rng.u128(..)),
        id: ReceiptId(0),
        from: Owner::new("antiphon").expect("not empty"),
        generation: Generation(1),
        to: Recipient::Bearer,
        scope: Scope::role(RoleIx(0)),
    }
}

fn made_up(sort: &Sort, at: u32, rng: &mut Rng, depth: usize) -> Option<Value> {
    let word = |rng: &mut Rng| rng.choice(WORDS).unwrap_or("lark");
    Some(match sort.node(at) {
        SortNode::Unit => Value::Unit,
        SortNode::Bool => Value::Bool(rng.bool()),
        SortNode::Int => Value::Int(rng.i64(-99..=99)),
        SortNode::Nat => Value::Nat(rng.u64(0..=99)),
        SortNode::Float => Value::Float(f64::from(rng.i32(0..=999)) / 8.0),
        SortNode::String => Value::from(word(rng)),
        SortNode::Bytes => Value::from(vec![rng.u8(..), rng.u8(..), rng.u8(..), rng.u8(..)]),
        SortNode::Named(_) => Value::Json(json(&Tree::from(rng.u64(0..=99)))),
        SortNode::Optional(_) if depth >= DEPTH_MAX || rng.bool() => Value::None,
        SortNode::Optional(part) => match made_up(sort, *part, rng, depth + 1) {
            Some(inner) => Value::Some(inner.into()),
            None => Value::None,
        },
        SortNode::List(part) => {
            let count = if depth >= DEPTH_MAX { 0 } else { rng.usize(0..=3) };
            let item = |_| made_up(sort, *part, rng, depth + 1);
            Value::List((0..count).filter_map(item).collect())
        }
        SortNode::Record(fields) => {
            if depth > crate::types::value::VALUE_DEPTH_MAX {
                return None;
            }
            let field = |(name, part): &(crate::types::Name, u32)| {
                made_up(sort, *part, rng, depth + 1).map(|value| (name.clone(), value))
            };
            Value::Record(fields.iter().map(field).collect::<Option<_>>()?)
        }
        SortNode::Chan(_) => Value::from(&nobodys(rng)),
    })
}
