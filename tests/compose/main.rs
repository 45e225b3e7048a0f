//! Composition decides what looking at every configuration decides, and its runs are real and as
//! short as can be.

#[path = "../reference/mod.rs"]
mod reference;
#[path = "../strategies/mod.rs"]
mod strategies;

#[cfg(feature = "syntax")]
mod examples;
#[cfg(feature = "syntax")]
mod library;
mod mutation;
mod random;
