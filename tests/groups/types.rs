//! Types: what they are, what the machine runs of them, what stands for what, what a system does.
//! One program, so that what they share is built once.

#[path = "../reference/mod.rs"]
mod reference;
#[path = "../strategies/mod.rs"]
mod strategies;

#[path = "../automaton.rs"]
mod automaton;
#[path = "../complete.rs"]
mod complete;
#[path = "../complete_published.rs"]
mod complete_published;
#[path = "../merkle.rs"]
mod merkle;
#[path = "../paths.rs"]
mod paths;
#[path = "../projections.rs"]
mod projections;
#[path = "../published_subtyping.rs"]
mod published_subtyping;
#[path = "../refines.rs"]
mod refines;
#[path = "../subtype.rs"]
mod subtype;
#[path = "../subtype_reordered.rs"]
mod subtype_reordered;
#[path = "../tree.rs"]
mod tree;
#[path = "../value.rs"]
mod value;
