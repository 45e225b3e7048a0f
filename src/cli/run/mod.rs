//! `antiphon run`: plays a protocol.

mod chaos;
mod many;
mod single;
mod summary;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use fastrand::Rng;

use super::{Failure, input};
use crate::machine::Capacities;
use crate::simulation::{Chaos, Values};
use crate::types::{ComposeLimits, Protocol, RoleIx};
pub(super) use single::chart;

/// How many actions a run performs when nothing is said.
const STEPS_DEFAULT: u64 = 1_000;

/// And over sockets, in real time: a lost frame costs a tenth of a second there.
const STEPS_SOCKETS: u64 = 200;

/// Open a session and play every role by a simulated participant that picks among its legal moves
///
/// The message sequence chart is drawn while it happens, and at the end the journal is read back
/// and re-executed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  antiphon run specs/protocols/global/two_buyer.scr
  antiphon run shop.local --seed 7 --journal shop.journal
  antiphon run shop.local --roles Buyer=stdin
  antiphon run shop.local --sessions 100000
  antiphon run shop.local --over memory --chaos loss=0.1,dup=0.05,reorder=0.1,cut=2s,crash=0.01
  antiphon run shop.local --over ws --chaos loss=0.05,cut=500ms,crash=0.02 --steps 100")]
pub(super) struct Run {
    /// The protocol: Scribble, local types, automata or JSON; `-` for standard input
    file: PathBuf,
    /// Which protocol of the file, if not the first
    #[arg(long, value_name = "NAME")]
    protocol: Option<String>,
    /// Makes the same choices again; without it, a fresh seed is taken and printed
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Stop after this many actions of a session [default: 1000; over sockets 200]
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// Keep the journal in a new file
    #[arg(long, value_name = "FILE", conflicts_with = "sessions")]
    journal: Option<PathBuf>,
    /// What is sent: `{"label": value or [values], …}` as JSON; the rest is made up, also endpoints
    #[arg(long, value_name = "FILE")]
    values: Option<PathBuf>,
    /// How many messages each edge holds [default: what the types need, or 64]
    #[arg(long, value_name = "N")]
    capacity: Option<u32>,
    /// Run it also where nobody has shown that its roles are safe together
    #[arg(long)]
    unchecked: bool,
    /// Print one JSON object a line instead of a chart
    #[arg(long)]
    json: bool,
    /// Run this many sessions at once, without a chart, and measure the rate
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    sessions: Option<u64>,
    /// Give each role a client of its own, and let them speak to a host: in virtual time (memory),
    /// or over sockets of this machine in real time (tcp, ws), for a minute at most
    #[arg(long, value_name = "TRANSPORT", conflicts_with_all = ["sessions", "roles"])]
    over: Option<Over>,
    /// What happens to it: `loss=0.1,dup=0.05,reorder=0.1,cut=2s,crash=0.01,kill=0.01,amnesia=0.01`
    #[arg(long, value_name = "KEY=VALUE,…", requires = "over")]
    chaos: Option<Chaos>,
    /// Play a role by typing its moves, as `Buyer=stdin`; several, separated by commas
    #[arg(long, value_name = "ROLE=stdin", value_delimiter = ',', conflicts_with = "sessions")]
    roles: Vec<String>,
}

/// A transport that a run can go over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Over {
    /// Queues in this process.
    Memory,
    /// TCP.
    Tcp,
    /// WebSocket.
    Ws,
}

/// What a run is about, resolved.
struct Plan {
    protocol: Arc<Protocol>,
    values: Values,
    seed: u64,
    steps: u64,
    steps_given: bool,
    capacities: Capacities,
    json: bool,
}

impl Plan {
    fn rng(&self) -> Rng {
        Rng::with_seed(self.seed)
    }
}

impl Run {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let name = self.protocol.as_deref();
        let protocol = Arc::new(match self.capacity {
            _ if self.unchecked => {
                let mut protocol = input::protocol_unchecked(&self.file, name)?;
                // What is known to be safe is not called unchecked.
                protocol.compose(&ComposeLimits::default());
                protocol
            }
            Some(capacity) => input::protocol_at(&self.file, name, capacity)?,
            None => input::protocol(&self.file, name)?,
        });
        let values = read_values(&protocol, self.values.as_deref())?;
        let people = self.people(&protocol)?;
        let plan = Plan {
            values,
            seed: self.seed.unwrap_or_else(|| Rng::new().u64(0..1_000_000)),
            steps: self.steps.unwrap_or(match self.over {
                Some(Over::Tcp | Over::Ws) => STEPS_SOCKETS,
                _ => STEPS_DEFAULT,
            }),
            steps_given: self.steps.is_some(),
            capacities: Capacities {
                every: self.capacity,
                unchecked: self.unchecked,
                ..Capacities::default()
            },
            json: self.json,
            protocol,
        };
        if let Some(over) = self.over {
            let chaos = self.chaos.unwrap_or_default();
            return chaos::run(&plan, over, chaos, self.journal.as_deref());
        }
        match self.sessions {
            Some(sessions) => many::run(&plan, sessions),
            None => single::run(&plan, &people, self.journal.as_deref()),
        }
    }

    /// The roles that are played by lines of standard input.
    fn people(&self, protocol: &Protocol) -> Result<Vec<RoleIx>, Failure> {
        if !self.roles.is_empty() && self.file == *"-" {
            let text = "standard input cannot be both the protocol and a role".into();
            return Err(Failure::Usage(text));
        }
        let role = |text: &String| {
            let Some((name, "stdin")) = text.split_once('=') else {
                let text = format!("`{text}` is not of the form `ROLE=stdin`");
                return Err(Failure::Usage(text));
            };
            protocol.role(name).ok_or_else(|| {
                let known: Vec<&str> = protocol.roles().map(|role| role.as_str()).collect();
                let known = known.join(", ");
                Failure::Usage(format!("there is no role `{name}`; the roles are {known}"))
            })
        };
        self.roles.iter().map(role).collect()
    }
}

/// The largest file of values that is read, in bytes.
const VALUES_BYTES_MAX: usize = 64 << 20;

fn read_values(protocol: &Protocol, file: Option<&Path>) -> Result<Values, Failure> {
    let Some(file) = file else { return Ok(Values::default()) };
    let bytes = input::read(file, VALUES_BYTES_MAX)?;
    let usage = |text: String| Failure::Usage(format!("`{}`: {text}", file.display()));
    let tree = serde_json::from_slice(&bytes).map_err(|error| usage(error.to_string()))?;
    Values::read(protocol, &tree).map_err(|error| usage(error.to_string()))
}
