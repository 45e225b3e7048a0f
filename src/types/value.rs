//! Values: what messages carry. A value is made to conform to its sort once, at the door; from
//! then on it is moved, never looked into. Its canonical bytes are what records and digests hold.
//!
//! Clauses: VALUE-1, VALUE-4 to VALUE-7, VALUE-20. Lean twin: `Types/Value.lean`.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use smol_str::SmolStr;

use super::name::Name;
use super::sort::{Sort, SortNode};

/// How many bytes a value may have, about (see [`Sort::conform`]): what one message brings in is
/// kept on an edge, in a record and in a line of a journal.
pub const VALUE_BYTES_MAX: usize = 64 << 20;

/// How deep a value may be nested. JSON readers take 127 levels: this leaves some for what stands
/// around a value in a journal or a frame.
pub const VALUE_DEPTH_MAX: usize = 96;

/// The most items of a list whose items take no bytes, as of `[unit]`: nothing else bounds them.
pub const EMPTY_ITEMS_MAX: usize = 65_535;

/// The most bytes of an endpoint on its way.
pub const CHAN_BYTES_MAX: usize = 1024;

/// A JSON value as canonical text (no spaces, keys sorted): what payload types hold that a
/// protocol names but does not define. Made by `wire::json`, so that it is always JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(SmolStr);

impl Json {
    /// Wraps text that is known to be canonical JSON.
    pub(crate) fn of_canonical(text: &str) -> Self {
        Self(SmolStr::new(text))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many arrays and objects stand inside each other.
    fn depth(&self) -> usize {
        let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
        for byte in self.0.bytes() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = in_text,
                b'"' => in_text = !in_text,
                b'[' | b'{' if !in_text => depth += 1,
                b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
                _ => {}
            }
            deepest = deepest.max(depth);
        }
        deepest
    }
}

/// What a message carries. Cheap to move; scalars and short strings take no allocation.
#[derive(Debug, Clone)]
pub enum Value {
    /// Nothing.
    Unit,
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Nat(u64),
    /// A finite double, never −0 once it conforms to `float`.
    Float(f64),
    /// Text.
    String(SmolStr),
    /// Raw bytes.
    Bytes(Bytes),
    /// Values of one sort.
    List(Vec<Value>),
    /// Named values in declared order.
    Record(Vec<(Name, Value)>),
    /// The empty optional.
    None,
    /// The full optional.
    Some(Box<Value>),
    /// A value of a sort that the protocol does not define.
    Json(Json),
    /// An endpoint on its way: the bytes by which the machine of its session knows the transfer, 1
    /// to [`CHAN_BYTES_MAX`] of them. What they say is not looked into here.
    Chan(Bytes),
}

// Floats are compared by their bits: NaN never conforms and −0 becomes 0, so that equality of
// values is equality of canonical bytes.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unit, Self::Unit) | (Self::None, Self::None) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Nat(a), Self::Nat(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Record(a), Self::Record(b)) => a == b,
            (Self::Some(a), Self::Some(b)) => a == b,
            (Self::Json(a), Self::Json(b)) => a == b,
            (Self::Chan(a), Self::Chan(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

/// A value that is not of the sort that was wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} at `{path}`, found {found}")]
pub struct WrongSort {
    /// Where inside the value: `$` is the whole, `.field` and `[3]` lead inwards.
    pub path: String,
    /// The sort that was wanted there.
    pub expected: String,
    /// What stood there.
    pub found: String,
}

impl WrongSort {
    pub(crate) fn new(sort: &Sort, node: u32, found: impl Into<String>) -> Self {
        let mut part = super::sort::SortBuilder::default();
        part.embed(sort);
        let expected = format!("`{}`", part.finish_at(node));
        Self { path: String::from("$"), expected, found: found.into() }
    }

    /// Puts one more step in front of the path.
    pub(crate) fn under(mut self, step: &str) -> Self {
        self.path.insert_str(1, step);
        self
    }
}

impl Sort {
    /// `value` as a value of this sort: integers change sign-ness where nothing is lost, −0 becomes
    /// 0, record fields take the declared order, absent optional fields are filled in.
    ///
    /// # Errors
    /// [`WrongSort`] with the path to the first place that does not fit; also for values nested
    /// deeper than [`VALUE_DEPTH_MAX`] or larger than [`VALUE_BYTES_MAX`], NaN and infinities.
    pub fn conform(&self, value: Value) -> Result<Value, WrongSort> {
        let value = self.conform_at(self.root(), value, 0)?;
        match value.bytes() {
            0..=VALUE_BYTES_MAX => Ok(value),
            bytes => {
                let found = format!("a value of {bytes} bytes; the limit is {VALUE_BYTES_MAX}");
                Err(WrongSort::new(self, self.root(), found))
            }
        }
    }

    fn conform_at(&self, at: u32, value: Value, depth: usize) -> Result<Value, WrongSort> {
        let node = self.node(at);
        if depth > VALUE_DEPTH_MAX {
            let found = format!("a value nested more than {VALUE_DEPTH_MAX} deep");
            return Err(WrongSort::new(self, at, found));
        }
        Ok(match (node, value) {
            (SortNode::Unit, Value::Unit) => Value::Unit,
            (SortNode::Bool, Value::Bool(b)) => Value::Bool(b),
            (SortNode::Int, Value::Int(n)) => Value::Int(n),
            (SortNode::Int, Value::Nat(n)) => match i64::try_from(n) {
                Ok(n) => Value::Int(n),
                Err(_) => return Err(WrongSort::new(self, at, format!("{n}, beyond 2^63 − 1"))),
            },
            (SortNode::Nat, Value::Nat(n)) => Value::Nat(n),
            (SortNode::Nat, Value::Int(n)) => match u64::try_from(n) {
                Ok(n) => Value::Nat(n),
                Err(_) => return Err(WrongSort::new(self, at, format!("{n}, below 0"))),
            },
            (SortNode::Float, Value::Float(x)) if x.is_finite() => Value::Float(x + 0.0),
            (SortNode::Float, Value::Float(x)) => {
                return Err(WrongSort::new(self, at, format!("{x}, which is not finite")));
            }
            (SortNode::String, Value::String(text)) => Value::String(text),
            (SortNode::Bytes, Value::Bytes(bytes)) => Value::Bytes(bytes),
            (SortNode::Named(_), Value::Json(json)) if depth + json.depth() > VALUE_DEPTH_MAX => {
                let found = format!("a value nested more than {VALUE_DEPTH_MAX} deep");
                return Err(WrongSort::new(self, at, found));
            }
            (SortNode::Named(_), Value::Json(json)) => Value::Json(json),
            // VALUE-20: an endpoint, and no bytes that happen to look like one.
            (SortNode::Chan(_), Value::Chan(bytes)) => match bytes.len() {
                1..=CHAN_BYTES_MAX => Value::Chan(bytes),
                count => {
                    let found = format!("an endpoint of {count} bytes, not 1 to {CHAN_BYTES_MAX}");
                    return Err(WrongSort::new(self, at, found));
                }
            },
            (SortNode::Optional(_), Value::None) => Value::None,
            (SortNode::Optional(part), Value::Some(inner)) => {
                Value::Some(Box::new(self.conform_at(*part, *inner, depth + 1)?))
            }
            (SortNode::List(part), Value::List(items)) => {
                if items.len() > EMPTY_ITEMS_MAX && self.takes_no_bytes(*part) {
                    let found = format!("a list of {}, more than {EMPTY_ITEMS_MAX}", items.len());
                    return Err(WrongSort::new(self, at, found));
                }
                let item = |(index, item)| {
                    self.conform_at(*part, item, depth + 1)
                        .map_err(|error| error.under(&format!("[{index}]")))
                };
                Value::List(items.into_iter().enumerate().map(item).collect::<Result<_, _>>()?)
            }
            (SortNode::Record(fields), Value::Record(given)) => {
                self.conform_record(at, fields, given, depth)?
            }
            (_, other) => return Err(WrongSort::new(self, at, other.kind())),
        })
    }

    /// Whether the values of a part have no canonical bytes.
    pub(super) fn takes_no_bytes(&self, at: u32) -> bool {
        let mut parts = Vec::from([at]);
        while let Some(at) = parts.pop() {
            match self.node(at) {
                SortNode::Unit => {}
                SortNode::Record(fields) => parts.extend(fields.iter().map(|(_, part)| *part)),
                _ => return false,
            }
        }
        true
    }

    fn conform_record(
        &self,
        at: u32,
        fields: &[(Name, u32)],
        mut given: Vec<(Name, Value)>,
        depth: usize,
    ) -> Result<Value, WrongSort> {
        let mut record = Vec::with_capacity(fields.len());
        for (name, part) in fields {
            let value = match given.iter().position(|(key, _)| key == name) {
                Some(index) => given.swap_remove(index).1,
                None if matches!(self.node(*part), SortNode::Optional(_)) => Value::None,
                None => return Err(WrongSort::new(self, at, format!("no field `{name}`"))),
            };
            let step = format!(".{name}");
            let value =
                self.conform_at(*part, value, depth + 1).map_err(|error| error.under(&step))?;
            record.push((name.clone(), value));
        }
        match given.first() {
            None => Ok(Value::Record(record)),
            Some((extra, _)) => {
                Err(WrongSort::new(self, at, format!("a field `{extra}` that it has not")))
            }
        }
    }
}

impl Value {
    /// How many bytes its texts and bytes have, and 8 for everything else.
    fn bytes(&self) -> usize {
        match self {
            Self::String(text) => text.len(),
            Self::Bytes(bytes) | Self::Chan(bytes) => bytes.len(),
            Self::Json(json) => json.as_str().len(),
            Self::Some(inner) => 8 + inner.bytes(),
            Self::List(items) => 8 + items.iter().map(Self::bytes).sum::<usize>(),
            Self::Record(fields) => {
                8 + fields.iter().map(|(_, value)| value.bytes()).sum::<usize>()
            }
            _ => 8,
        }
    }

    /// What it is, in words, for error messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unit => "nothing",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an int",
            Self::Nat(_) => "a nat",
            Self::Float(_) => "a float",
            Self::String(_) => "a string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Record(_) => "a record",
            Self::None => "an empty optional",
            Self::Some(_) => "a full optional",
            Self::Json(_) => "a JSON value",
            Self::Chan(_) => "an endpoint",
        }
    }
}

impl fmt::Display for Value {
    /// Short and readable, for charts and messages; `wire::json` has the exact form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit => f.write_str("()"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Int(n) => write!(f, "{n}"),
            Self::Nat(n) => write!(f, "{n}"),
            Self::Float(x) => write!(f, "{x:?}"),
            Self::String(text) => write!(f, "{:?}", text.as_str()),
            Self::Bytes(bytes) if bytes.len() <= 8 => {
                f.write_str("0x")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::None => f.write_str("none"),
            Self::Some(value) => write!(f, "{value}"),
            Self::Json(json) => f.write_str(json.as_str()),
            Self::Chan(_) => f.write_str("endpoint"),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Record(fields) => {
                f.write_str("{")?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    write!(f, "{}{name}: {value}", if index > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
        }
    }
}
