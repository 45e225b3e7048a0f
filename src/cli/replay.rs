//! `antiphon replay`: a journal, verified and re-executed.

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::chart::Step;
use super::run::chart;
use super::{Failure, input};
use crate::machine::{Act, Input, Machine, Outcome, Recipient, Record, Recorded, SessionView};
use crate::types::{Direction, Protocol};
use crate::wire::journal::{Journal, record_line};

/// The largest journal that is read, in bytes.
const BYTES_MAX: usize = 1 << 30;

/// Re-execute a journal: verify its chain, replay every record, locate any damage
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  antiphon replay shop.journal
  antiphon replay shop.journal --until 5")]
pub(super) struct Replay {
    /// The journal, or `-` for standard input
    file: PathBuf,
    /// Show the session as it was after its first N records
    #[arg(long, value_name = "N")]
    until: Option<usize>,
    /// Draw the message sequence chart
    #[arg(long, conflicts_with = "json")]
    chart: bool,
    /// Print JSON: the records, one a line, then the verdict
    #[arg(long)]
    json: bool,
}

impl Replay {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let bytes = bytes(&self.file)?;
        let name = self.file.display();
        let journal =
            Journal::read(&bytes).map_err(|error| Failure::Fault(format!("`{name}`, {error}")))?;
        let all = journal.records.len();
        let until = self.until.unwrap_or(all);
        if until > all {
            return Err(Failure::Usage(format!("the journal has {all} records, not {until}")));
        }
        let replayed = replay(&journal, None, 0..until)?;
        // The rest is verified, too: what is shown is part of a whole that holds.
        let whole = replay(&journal, Some(&replayed), until..all)?;
        let mut out = anstream::stdout().lock();
        match self.show(&journal, until, &replayed, &whole, &mut out) {
            // Who reads no more still learns from the exit status whether the journal is whole.
            Err(Failure::BrokenPipe) => {}
            shown => shown?,
        }
        if journal.is_complete {
            return Ok(());
        }
        Err(Failure::Fault(format!(
            "`{name}` has no end mark: it was cut behind record {}, or its writer was killed; \
             all {all} records in it are good",
            all.saturating_sub(1)
        )))
    }

    fn show(
        &self,
        journal: &Journal,
        until: usize,
        replayed: &Machine,
        whole: &Machine,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let (protocol, records) = (&journal.protocol, &journal.records[..until]);
        if self.json {
            for record in records {
                writeln!(out, "{}", record_line(protocol, record))?;
            }
            let verdict = json!({"replayed": {
                "session": journal.session.to_string(),
                "protocol": protocol.name().as_str(),
                "records": until,
                "of": journal.records.len(),
                "complete": journal.is_complete,
                "head": journal.head.to_string(),
                "digest": replayed.digest().to_string(),
            }});
            writeln!(out, "{verdict}")?;
            return Ok(());
        }
        if self.chart {
            draw(protocol, records, out)?;
        }
        writeln!(out, "{}, session {}", protocol.name(), journal.session)?;
        writeln!(
            out,
            "journal    {} records, the chain holds ({}), re-executed to {}",
            journal.records.len(),
            &journal.head.to_string()[..16],
            &whole.digest().to_string()[..16]
        )?;
        if let Some(view) = replayed.session(journal.session) {
            state(view, until, out)?;
        }
        Ok(())
    }
}

/// The bytes of a journal.
pub(super) fn bytes(file: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = input::read(file, BYTES_MAX)?;
    match bytes.len() > BYTES_MAX {
        true => Err(Failure::Fault(format!("the journal is longer than {BYTES_MAX} bytes"))),
        false => Ok(bytes),
    }
}

/// The machine that these records lead to, from where the ones in front of them have led.
fn replay(
    journal: &Journal,
    before: Option<&Machine>,
    records: Range<usize>,
) -> Result<Machine, Failure> {
    let mut machine = before.cloned().unwrap_or_default();
    machine.register(&journal.protocol);
    for record in &journal.records[records] {
        machine.replay_record(journal.session, record).map_err(|error| {
            let line = journal.lines[usize::try_from(record.index).unwrap_or(0)];
            Failure::Fault(format!("line {line}: {error}"))
        })?;
    }
    Ok(machine)
}

/// The session as it stands.
fn state(view: SessionView<'_>, until: usize, out: &mut impl Write) -> Result<(), Failure> {
    let protocol = view.protocol();
    writeln!(out, "after      {until} records, at tick {}: {}", view.tick(), view.status())?;
    for held in view.holdings() {
        let what = if held.released { "released" } else { "owner" };
        let (owner, generation) = (held.owner, held.generation);
        writeln!(out, "{what:<10} {owner}#{generation} of {}", held.scope.shown(protocol))?;
    }
    for receipt in view.staged() {
        let to = match &receipt.to {
            Recipient::Owner(owner) => owner.as_str(),
            Recipient::Bearer => "its bearer",
        };
        let (id, scope) = (receipt.id, receipt.scope.shown(protocol));
        writeln!(out, "staged     {id}: {scope} from {} to {to}", receipt.from)?;
    }
    for endpoint in view.endpoints() {
        let moves: Vec<String> = endpoint.legal_moves().map(|m| m.to_string()).collect();
        let next = if moves.is_empty() { "has ended".into() } else { moves.join(" or ") };
        writeln!(out, "{:<10} position {}: {next}", endpoint.name(), endpoint.position())?;
    }
    for edge in view.edges().filter(|edge| edge.messages().len() > 0) {
        let name = |role| protocol.role_name(role);
        let (from, to) = (name(edge.edge().from), name(edge.edge().to));
        for (seq, queued) in edge.seqs().zip(edge.messages()) {
            let label = protocol.label_name(protocol.message(queued.message).label);
            writeln!(out, "on {from} → {to}: #{seq} {label}({})", queued.value)?;
        }
    }
    Ok(())
}

fn draw(protocol: &Protocol, records: &[Record], out: &mut impl Write) -> Result<(), Failure> {
    let chart = chart(protocol);
    chart.head(out)?;
    for record in records {
        let Recorded::Input(Input::Act { act, .. }) = &record.event else { continue };
        let (role, direction, peer, text) = match (act, record.outcome) {
            (Act::Send(send), _) => {
                let label = protocol.label_name(send.label);
                let text = format!("{label}({})", send.value);
                (send.role, Direction::Send, send.to, text)
            }
            (Act::Receive(receive), Outcome::Received(label, ..)) => {
                let text = protocol.label_name(label).to_string();
                (receive.role, Direction::Receive, receive.from, text)
            }
            _ => continue,
        };
        let (role, peer) = (role.index(), peer.index());
        chart.step(out, &Step { role, direction, peer, text: &text })?;
    }
    chart.foot(out)?;
    Ok(())
}
