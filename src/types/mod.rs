//! What a protocol is: names, sorts, values, global and local types, automata, projection.
//!
//! Pure: no state, no clock, no I/O. Reading and printing texts is `syntax`, behind a feature.

pub mod diagnostics;
pub mod global;
pub mod local;
pub mod name;
pub mod protocol;
mod scope;
pub mod sort;
#[cfg(feature = "syntax")]
pub mod syntax;
pub mod tree;

pub use diagnostics::{Code, Diagnostic, Diagnostics, Severity, Span};
pub use global::{GlobalBuilder, GlobalType};
pub use local::{Direction, LocalBuilder, LocalType, LocalTypes};
pub use name::{Name, NameError};
pub use protocol::ROLES_MAX;
pub use sort::{Payload, Sort, SortBuilder, SortNode};
pub use tree::{Branch, Draft, DraftBranch, DraftId, Node, NodeId, Tree};
