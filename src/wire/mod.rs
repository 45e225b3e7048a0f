//! Bytes as what they mean: values, records and journals as JSON. Pure: text in, text out.

#[cfg(feature = "syntax")]
pub mod journal;
#[cfg(feature = "syntax")]
pub mod json;
#[cfg(feature = "syntax")]
mod record;
