//! Bytes as what they mean: values, records, journals, and what a machine is told, as JSON; tokens,
//! sealed. Pure: text in, text out.

#[cfg(feature = "syntax")]
mod answer;
#[cfg(feature = "syntax")]
pub mod audit;
#[cfg(feature = "syntax")]
mod authority;
#[cfg(feature = "driver")]
pub mod codec;
#[cfg(feature = "syntax")]
pub mod compact;
#[cfg(feature = "syntax")]
mod compiled;
#[cfg(feature = "syntax")]
pub mod door;
#[cfg(feature = "syntax")]
mod event;
#[cfg(feature = "driver")]
pub mod frame;
#[cfg(feature = "syntax")]
pub mod journal;
#[cfg(feature = "syntax")]
pub mod json;
#[cfg(feature = "syntax")]
pub mod oracle;
#[cfg(feature = "driver")]
pub mod payload;
#[cfg(feature = "syntax")]
mod policy;
#[cfg(feature = "syntax")]
pub mod proof;
#[cfg(feature = "syntax")]
mod record;
#[cfg(feature = "syntax")]
pub mod replayed;
#[cfg(feature = "syntax")]
mod requests;
#[cfg(feature = "seal")]
pub mod seal;
#[cfg(feature = "syntax")]
mod state;
#[cfg(feature = "syntax")]
mod witness;
