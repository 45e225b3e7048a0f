//! Canonical bytes of values: one value of one sort has exactly one byte string.
//!
//! Integers and doubles are 8 bytes little endian; a string, bytes, JSON text or an endpoint that
//! is the whole value stands as it is, inside a composite behind its length (u32, little endian); a
//! list starts with its count (u32), an optional with 0 or 1; a record is its fields in order.
//!
//! Clauses: VALUE-2, VALUE-6, VALUE-20.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::{Buf, Bytes};
use smol_str::SmolStr;

use super::sort::{Sort, SortNode};
use super::value::{CHAN_BYTES_MAX, EMPTY_ITEMS_MAX, Json, VALUE_DEPTH_MAX, Value};

/// Bytes that are not the canonical form of a value of the sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bytes are not a canonical value of their sort")]
pub struct NotCanonical;

/// Appends the canonical bytes of a value that conforms to its sort.
pub fn encode(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::String(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bytes(bytes) | Value::Chan(bytes) => out.extend_from_slice(bytes),
        Value::Json(json) => out.extend_from_slice(json.as_str().as_bytes()),
        other => encode_inner(other, out),
    }
}

fn encode_inner(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Unit => {}
        Value::Bool(truth) => out.push(u8::from(*truth)),
        Value::Int(n) => out.extend_from_slice(&n.to_le_bytes()),
        Value::Nat(n) => out.extend_from_slice(&n.to_le_bytes()),
        Value::Float(x) => out.extend_from_slice(&x.to_bits().to_le_bytes()),
        Value::String(text) => encode_block(text.as_bytes(), out),
        Value::Bytes(bytes) | Value::Chan(bytes) => encode_block(bytes, out),
        Value::Json(json) => encode_block(json.as_str().as_bytes(), out),
        Value::None => out.push(0),
        Value::Some(inner) => {
            out.push(1);
            encode_inner(inner, out);
        }
        Value::List(items) => {
            out.extend_from_slice(&length(items.len()));
            items.iter().for_each(|item| encode_inner(item, out));
        }
        Value::Record(fields) => fields.iter().for_each(|(_, field)| encode_inner(field, out)),
    }
}

fn encode_block(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&length(bytes.len()));
    out.extend_from_slice(bytes);
}

fn length(count: usize) -> [u8; 4] {
    u32::try_from(count).expect("a value is smaller than 4 GiB").to_le_bytes()
}

/// The value whose canonical bytes these are.
///
/// # Errors
/// [`NotCanonical`] if there is none.
pub fn decode(sort: &Sort, bytes: &Bytes) -> Result<Value, NotCanonical> {
    let mut rest = bytes.clone();
    let value = match sort.top() {
        SortNode::String => Value::String(text(&rest.split_off(0))?),
        SortNode::Bytes => Value::Bytes(rest.split_off(0)),
        SortNode::Named(_) => Value::Json(Json::of_canonical(&text(&rest.split_off(0))?)),
        SortNode::Chan(_) => endpoint(rest.split_off(0))?,
        _ => decode_at(sort, sort.root(), &mut rest, 0)?,
    };
    if rest.is_empty() { Ok(value) } else { Err(NotCanonical) }
}

fn decode_at(sort: &Sort, at: u32, rest: &mut Bytes, depth: usize) -> Result<Value, NotCanonical> {
    if depth > VALUE_DEPTH_MAX {
        return Err(NotCanonical);
    }
    Ok(match sort.node(at) {
        SortNode::Unit => Value::Unit,
        SortNode::Bool => match rest.try_get_u8().map_err(|_| NotCanonical)? {
            0 => Value::Bool(false),
            1 => Value::Bool(true),
            _ => return Err(NotCanonical),
        },
        SortNode::Int => Value::Int(rest.try_get_i64_le().map_err(|_| NotCanonical)?),
        SortNode::Nat => Value::Nat(rest.try_get_u64_le().map_err(|_| NotCanonical)?),
        SortNode::Float => {
            let x = rest.try_get_f64_le().map_err(|_| NotCanonical)?;
            let negative_zero = x == 0.0 && x.is_sign_negative();
            if !x.is_finite() || negative_zero {
                return Err(NotCanonical);
            }
            Value::Float(x)
        }
        SortNode::String => Value::String(text(&block(rest)?)?),
        SortNode::Bytes => Value::Bytes(block(rest)?),
        SortNode::Named(_) => Value::Json(Json::of_canonical(&text(&block(rest)?)?)),
        SortNode::Optional(part) => match rest.try_get_u8().map_err(|_| NotCanonical)? {
            0 => Value::None,
            1 => Value::Some(Box::new(decode_at(sort, *part, rest, depth + 1)?)),
            _ => return Err(NotCanonical),
        },
        SortNode::List(part) => {
            let count = rest.try_get_u32_le().map_err(|_| NotCanonical)? as usize;
            // VALUE-6: items without bytes (`[unit]`) are not bounded by the input.
            let is_long = count > rest.len() || count > EMPTY_ITEMS_MAX;
            let is_empty = is_long && sort.takes_no_bytes(*part);
            if count > if is_empty { EMPTY_ITEMS_MAX } else { rest.len() } {
                return Err(NotCanonical);
            }
            let mut items = Vec::with_capacity(count.min(rest.len()));
            for _ in 0..count {
                items.push(decode_at(sort, *part, rest, depth + 1)?);
            }
            Value::List(items)
        }
        SortNode::Record(fields) => {
            let mut record = Vec::with_capacity(fields.len());
            for (name, part) in fields {
                record.push((name.clone(), decode_at(sort, *part, rest, depth + 1)?));
            }
            Value::Record(record)
        }
        SortNode::Chan(_) => endpoint(block(rest)?)?,
    })
}

fn block(rest: &mut Bytes) -> Result<Bytes, NotCanonical> {
    let count = rest.try_get_u32_le().map_err(|_| NotCanonical)? as usize;
    if count > rest.len() { Err(NotCanonical) } else { Ok(rest.split_to(count)) }
}

fn endpoint(bytes: Bytes) -> Result<Value, NotCanonical> {
    match bytes.len() {
        1..=CHAN_BYTES_MAX => Ok(Value::Chan(bytes)),
        _ => Err(NotCanonical),
    }
}

fn text(bytes: &Bytes) -> Result<SmolStr, NotCanonical> {
    core::str::from_utf8(bytes).map(SmolStr::new).map_err(|_| NotCanonical)
}
