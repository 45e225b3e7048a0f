//! Values in programs: what they are made of, and what can be read from them.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use bytes::Bytes;
use smol_str::SmolStr;

use super::value::{Json, Value, WrongSort};

impl Value {
    fn wanted(&self, expected: &str) -> WrongSort {
        let expected = format!("`{expected}`");
        WrongSort { path: String::from("$"), expected, found: self.kind().to_string() }
    }

    /// The number of a `nat` (or of an `int` that is not negative).
    ///
    /// # Errors
    /// [`WrongSort`] if it is something else.
    pub fn as_nat(&self) -> Result<u64, WrongSort> {
        match self {
            Self::Nat(n) => Ok(*n),
            Self::Int(n) => u64::try_from(*n).map_err(|_| self.wanted("nat")),
            _ => Err(self.wanted("nat")),
        }
    }

    /// The number of an `int` (or of a `nat` that fits).
    ///
    /// # Errors
    /// [`WrongSort`] if it is something else.
    pub fn as_int(&self) -> Result<i64, WrongSort> {
        match self {
            Self::Int(n) => Ok(*n),
            Self::Nat(n) => i64::try_from(*n).map_err(|_| self.wanted("int")),
            _ => Err(self.wanted("int")),
        }
    }

    /// The truth of a `bool`.
    ///
    /// # Errors
    /// [`WrongSort`] if it is something else.
    pub fn as_bool(&self) -> Result<bool, WrongSort> {
        match self {
            Self::Bool(truth) => Ok(*truth),
            _ => Err(self.wanted("bool")),
        }
    }

    /// The number of a `float`.
    ///
    /// # Errors
    /// [`WrongSort`] if it is something else.
    pub fn as_float(&self) -> Result<f64, WrongSort> {
        match self {
            Self::Float(x) => Ok(*x),
            _ => Err(self.wanted("float")),
        }
    }

    /// The text of a `string`.
    ///
    /// # Errors
    /// [`WrongSort`] if it is something else.
    pub fn as_str(&self) -> Result<&str, WrongSort> {
        match self {
            Self::String(text) => Ok(text),
            _ => Err(self.wanted("string")),
        }
    }

    /// The bytes of `bytes`.
    ///
    /// # Errors
    /// [`WrongSort`] if it is something else.
    pub fn as_bytes(&self) -> Result<&Bytes, WrongSort> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(self.wanted("bytes")),
        }
    }

    /// The bytes of an endpoint on its way.
    ///
    /// # Errors
    /// [`WrongSort`] if it is something else.
    pub fn as_chan(&self) -> Result<&Bytes, WrongSort> {
        match self {
            Self::Chan(bytes) => Ok(bytes),
            _ => Err(self.wanted("chan")),
        }
    }

    /// The value of a record's field, or of an argument of a message with several.
    ///
    /// # Errors
    /// [`WrongSort`] if it is no record or has no such field.
    pub fn field(&self, name: &str) -> Result<&Value, WrongSort> {
        let found = match self {
            Self::Record(fields) => fields.iter().find(|(key, _)| *key == name),
            _ => None,
        };
        found.map(|(_, value)| value).ok_or_else(|| self.wanted(&format!("{{{name}: …}}")))
    }
}

macro_rules! from {
    ($($type:ty => |$value:ident| $make:expr,)*) => {
        $(impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $make
            }
        })*
    };
}

from! {
    () => |_unit| Self::Unit,
    bool => |truth| Self::Bool(truth),
    i32 => |n| Self::Int(n.into()),
    i64 => |n| Self::Int(n),
    u32 => |n| Self::Nat(n.into()),
    u64 => |n| Self::Nat(n),
    f64 => |x| Self::Float(x),
    &str => |text| Self::String(SmolStr::new(text)),
    String => |text| Self::String(SmolStr::new(text)),
    SmolStr => |text| Self::String(text),
    Bytes => |bytes| Self::Bytes(bytes),
    Vec<u8> => |bytes| Self::Bytes(bytes.into()),
    &'static [u8] => |bytes| Self::Bytes(Bytes::from_static(bytes)),
    Vec<Value> => |items| Self::List(items),
    Json => |json| Self::Json(json),
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(optional: Option<T>) -> Self {
        optional.map_or(Self::None, |value| Self::Some(Box::new(value.into())))
    }
}
