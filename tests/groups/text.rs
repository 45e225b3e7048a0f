//! Protocols as text: what is read, printed and said of what is wrong.
//! One program, so that what they share is built once.

#[cfg(feature = "syntax")]
#[path = "../schema/mod.rs"]
mod schema;
#[path = "../strategies/mod.rs"]
mod strategies;

#[path = "../diagnostics.rs"]
mod diagnostics;
#[path = "../files.rs"]
mod files;
#[path = "../library.rs"]
mod library;
#[path = "../print.rs"]
mod print;
#[path = "../render.rs"]
mod render;
#[path = "../round_trip.rs"]
mod round_trip;
#[path = "../syntax_json.rs"]
mod syntax_json;
#[path = "../syntax_json_hostile.rs"]
mod syntax_json_hostile;
#[path = "../syntax_json_refused.rs"]
mod syntax_json_refused;
#[path = "../syntax_json_schema.rs"]
mod syntax_json_schema;
