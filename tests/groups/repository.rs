//! The repository itself: its clauses, its layers, its twins.
//! One program, so that what they share is built once.

#[path = "../specs.rs"]
mod specs;
#[path = "../tidy.rs"]
mod tidy;
#[path = "../twins.rs"]
mod twins;
