//! What a message in a frame carries: a value, in the form of its frame.
//!
//! Which sort it is of follows from its label and the roles, which the reader of the frame has to
//! look up first. Until then it is kept as it came.
//!
//! Clauses: FRAME-2.

use bytes::Bytes;
use serde::de::{Deserializer, Visitor};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value as Tree;

use super::json::{read_value, write_value};
use crate::types::{Sort, Value, WrongSort, canonical};

/// The two forms of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// A JSON text a frame.
    Json,
    /// Bytes: see [`codec`](super::codec).
    Binary,
}

impl Form {
    /// The form of frames that are texts, or of those that are bytes.
    #[must_use]
    pub fn of(is_text: bool) -> Self {
        if is_text { Self::Json } else { Self::Binary }
    }
}

/// A value in one of the two forms.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// In a frame of JSON: as in journals.
    Json(Tree),
    /// In a frame of bytes: the canonical bytes of the value.
    Canonical(Bytes),
}

/// A payload that is no value of its sort.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// JSON that does not fit.
    #[error(transparent)]
    Sort(#[from] WrongSort),
    /// Bytes that do not fit.
    #[error("the bytes are no canonical value of sort {sort}")]
    Bytes {
        /// The sort.
        sort: String,
    },
}

impl Payload {
    /// The payload of a value that conforms to its sort.
    #[must_use]
    pub fn of(form: Form, sort: &Sort, value: &Value) -> Self {
        match form {
            Form::Json => Self::Json(write_value(sort, value)),
            Form::Binary => {
                let mut bytes = Vec::new();
                canonical::encode(value, &mut bytes);
                Self::Canonical(bytes.into())
            }
        }
    }

    /// About how many bytes it takes on its way.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Canonical(bytes) => bytes.len(),
            // Its text, without writing it.
            Self::Json(tree) => tree_size(tree),
        }
    }

    /// The value.
    ///
    /// # Errors
    /// [`PayloadError`] if it is none of this sort.
    pub fn value(&self, sort: &Sort) -> Result<Value, PayloadError> {
        match self {
            Self::Json(tree) => Ok(read_value(sort, tree)?),
            Self::Canonical(bytes) => {
                let wrong = || PayloadError::Bytes { sort: sort.to_string() };
                let value = canonical::decode(sort, bytes).map_err(|_| wrong())?;
                Ok(sort.conform(value)?)
            }
        }
    }
}

fn tree_size(tree: &Tree) -> usize {
    match tree {
        Tree::String(text) => text.len() + 2,
        Tree::Array(items) => items.iter().map(tree_size).sum::<usize>() + items.len() + 2,
        Tree::Object(fields) => {
            fields.iter().map(|(name, item)| name.len() + 4 + tree_size(item)).sum::<usize>() + 2
        }
        _ => 8,
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self, serializer.is_human_readable()) {
            (Self::Json(tree), true) => tree.serialize(serializer),
            (Self::Canonical(bytes), false) => serializer.serialize_bytes(bytes),
            (Self::Json(_), false) => Err(S::Error::custom("a frame of bytes carries no JSON")),
            (Self::Canonical(_), true) => Err(S::Error::custom("a frame of JSON carries no bytes")),
        }
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return Ok(Self::Json(Tree::deserialize(deserializer)?));
        }
        struct Canonical;
        impl Visitor<'_> for Canonical {
            type Value = Payload;
            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("the canonical bytes of a value")
            }
            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Payload, E> {
                Ok(Payload::Canonical(Bytes::copy_from_slice(bytes)))
            }
        }
        deserializer.deserialize_bytes(Canonical)
    }
}
