//! `antiphon open`: a session at a host, and invitations to its roles.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::{Connect, runtime};
use crate::cli::{Failure, input};
use crate::client::{self, ClientError};
use crate::types::syntax::{Limits, Source, json};
use crate::wire::frame::PROTOCOL_BYTES_MAX;

/// Open a session of a protocol at a host, and print how to join each of its roles
#[derive(Debug, Args)]
#[command(after_help = "Whoever has an invitation may join its role, once; it is good for a day.

Examples:
  antiphon open ping_pong.scr
  antiphon open --at wss://example.org --secret-file secret shop.scr")]
pub(in crate::cli) struct Open {
    /// The protocol, in any of the syntaxes; `-` for standard input
    file: PathBuf,
    /// Which protocol of the file [default: the first]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// How many messages each edge holds [default: as the types need]
    #[arg(long, value_name = "COUNT")]
    capacity: Option<u32>,
    /// Print one document of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

impl Open {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        let text = self.text()?;
        let (mut dial, options) = self.connect.dial()?;
        let opened = client::open(&mut dial, &text, self.capacity, &options);
        let opened = runtime()?.block_on(opened).map_err(|error| match error {
            ClientError::Unreachable(why) => Failure::Fault(format!(
                "no host at {}: {why}; start one with `antiphon serve`",
                self.connect.address()
            )),
            error => Failure::Fault(error.to_string()),
        })?;
        let mut out = anstream::stdout().lock();
        if self.json {
            let roles = opened.invitations.iter().map(
                |(role, invitation)| serde_json::json!({"role": role, "invitation": invitation}),
            );
            let document = serde_json::json!({
                "session": opened.session,
                "protocol": opened.protocol,
                "roles": roles.collect::<Vec<_>>(),
            });
            writeln!(out, "{document}")?;
            return Ok(());
        }
        writeln!(out, "session {} of {}; join a role with", opened.session, opened.protocol)?;
        let at = match &self.connect.at {
            Some(address) => format!(" --at {address}"),
            None => String::new(),
        };
        for (role, invitation) in &opened.invitations {
            writeln!(out, "  antiphon join{at} --as {role} {invitation}")?;
        }
        Ok(())
    }

    /// The protocol as a text that stands by itself.
    fn text(&self) -> Result<String, Failure> {
        let bytes = input::read(&self.file, PROTOCOL_BYTES_MAX)?;
        let protocol = input::protocol_of(&self.file, &bytes, self.name.as_deref())?;
        // As it was written, where nothing else is needed to understand it: it keeps its name.
        let alone = Source::read("protocol", &bytes, &Limits::default());
        let is_meant = self.name.is_none() && alone.is_ok();
        match String::from_utf8(bytes) {
            Ok(text) if is_meant => Ok(text),
            _ => Ok(json::write_locals(protocol.locals())),
        }
    }
}
