//! Bytes as what they mean: values, records, journals, and what a machine is told, as JSON. Pure:
//! text in, text out.

#[cfg(feature = "syntax")]
mod answer;
#[cfg(feature = "syntax")]
mod authority;
#[cfg(feature = "syntax")]
pub mod door;
#[cfg(feature = "syntax")]
mod event;
#[cfg(feature = "syntax")]
pub mod journal;
#[cfg(feature = "syntax")]
pub mod json;
#[cfg(feature = "syntax")]
mod policy;
#[cfg(feature = "syntax")]
mod record;
#[cfg(feature = "syntax")]
mod state;
