//! Bytes at rest: where the lines of a journal go. Knows no protocol.

mod lines;

pub use lines::{FileLines, Lines, MemoryLines};
