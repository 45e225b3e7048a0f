//! What a protocol is: names, sorts, values, global and local types, automata, projection,
//! composition.
//!
//! Pure: no state, no clock, no I/O. Reading and printing texts is `syntax`, behind a feature.

mod access;
pub mod automaton;
pub mod build;
pub mod canonical;
mod check;
pub mod complete;
mod components;
pub mod compose;
pub mod diagnostics;
pub mod draft;
pub mod evidence;
pub mod global;
mod kind;
pub mod local;
mod merge;
mod minimise;
pub mod name;
mod project;
pub mod protocol;
mod scope;
pub mod sort;
mod state_of;
pub mod subtype;
#[cfg(feature = "syntax")]
pub mod syntax;
pub mod tree;
pub mod value;

pub use automaton::{Automaton, EdgeIx, LabelIx, MessageIx, RoleIx, StateIx, Transition};
pub use build::{Builder, GlobalBuilder, LocalBuilder};
pub use complete::{
    ProjectionLimits, Refinement, Unprojectable, implements, project_complete, project_role,
    project_roles, refines,
};
pub use compose::{ComposeLimits, Composition, compose};
pub use diagnostics::{Code, Diagnostic, Diagnostics, Severity, Span};
pub use draft::{Draft, DraftBranch, DraftId};
pub use evidence::{CAPACITY_DEFAULT, CAPACITY_MAX, Evidence};
pub use global::GlobalType;
pub use local::{Direction, LocalType, LocalTypes};
pub use name::{Name, NameError};
pub use project::{project, project_all};
pub use protocol::{Edge, Message, Origin, Protocol, ProtocolDigest, ROLES_MAX};
pub use sort::{Payload, Sort, SortBuilder, SortNode};
pub use tree::{Branch, Node, NodeId, Tree};
pub use value::{Json, Value, WrongSort};
