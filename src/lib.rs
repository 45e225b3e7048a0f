//! Antiphon.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "driver")]
pub mod driver;
#[cfg(feature = "driver")]
pub mod journal;
pub mod machine;
pub mod types;
pub mod wire;

#[cfg(feature = "driver")]
pub use driver::{Endpoint, Session};
pub use machine::{Machine, Refusal};
pub use types::Protocol;

/// The examples of the README, compiled and run with the tests of the documentation.
#[cfg(all(doctest, feature = "driver"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
