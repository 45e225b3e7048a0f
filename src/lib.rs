//! Antiphon.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod machine;
pub mod types;
