//! Kinds: what tells at a glance whether a value is of a sort. Most messages are judged by that.
//!
//! Clauses: VALUE-1.

use super::sort::{Sort, SortNode};
use super::value::{VALUE_BYTES_MAX, Value};

/// What a value is, as one byte; of a sort: what values conform to it without a further look.
/// In the order of [`Value`], so that the kind of a value is its tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Unit,
    Bool,
    Int,
    Nat,
    Float,
    String,
    Bytes,
    List,
    Record,
    None,
    Some,
    Json,
    Chan,
    /// Of a sort at whose values one must look further.
    Other,
}

impl Kind {
    pub(crate) fn of(sort: &Sort) -> Self {
        match sort.top() {
            SortNode::Unit => Self::Unit,
            SortNode::Bool => Self::Bool,
            SortNode::Int => Self::Int,
            SortNode::Nat => Self::Nat,
            SortNode::String => Self::String,
            SortNode::Bytes => Self::Bytes,
            _ => Self::Other,
        }
    }

    /// Whether `value` conforms as it is, told without looking at the sort.
    #[inline(always)]
    pub(crate) fn admits(self, value: &Value) -> bool {
        self == Self::of_value(value)
            && match value {
                // What is too long is refused by the sort itself.
                Value::Bytes(bytes) => bytes.len() <= VALUE_BYTES_MAX,
                Value::String(text) => text.len() <= VALUE_BYTES_MAX,
                _ => true,
            }
    }

    #[inline(always)]
    fn of_value(value: &Value) -> Self {
        match value {
            Value::Unit => Self::Unit,
            Value::Bool(_) => Self::Bool,
            Value::Int(_) => Self::Int,
            Value::Nat(_) => Self::Nat,
            Value::Float(_) => Self::Float,
            Value::String(_) => Self::String,
            Value::Bytes(_) => Self::Bytes,
            Value::List(_) => Self::List,
            Value::Record(_) => Self::Record,
            Value::None => Self::None,
            Value::Some(_) => Self::Some,
            Value::Json(_) => Self::Json,
            Value::Chan(_) => Self::Chan,
        }
    }
}
