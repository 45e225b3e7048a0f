//! What a run came to: counted from the session, and proved from the journal.

use std::io::Write;

use serde_json::{Value as Tree, json};

use super::single::{self, Play, Stop};
use crate::cli::Failure;
use crate::machine::{Machine, SessionView};
use crate::types::{Direction, Name, Protocol, Value};
use crate::wire::journal::{self, Journal};
use crate::wire::json::write_value;

/// Closes the journal, reads it back, re-executes it, and says what the run came to.
pub(super) fn finish(mut play: Play<'_>, stop: &Stop, out: &mut impl Write) -> Result<(), Failure> {
    let session = play.by.session();
    let head = play.machine.journal_head(session).expect("the session keeps a journal");
    let records = play.machine.journal_len(session).expect("the session keeps a journal");
    play.journal.append(&journal::end_line(records, head))?;
    play.journal.sync()?;
    let verified = verify(&play);
    let view = play.view();
    if play.plan.json {
        writeln!(out, "{}", as_json(&play, stop, view, records, verified.is_ok()))?;
    } else {
        as_text(&play, stop, view, out)?;
        if let Ok(digest) = &verified {
            writeln!(
                out,
                "journal    {records} records, verified: read back and re-executed to the same \
                 state ({})",
                &digest[..16]
            )?;
        }
    }
    verified?;
    match stop {
        Stop::Left if play.refused => {
            Err(Failure::Fault("the player's last line was no legal move".into()))
        }
        Stop::Stuck => Err(Failure::Fault(stuck(view))),
        _ => Ok(()),
    }
}

/// The digest that both the run and its journal come to.
fn verify(play: &Play<'_>) -> Result<String, Failure> {
    let fault = Failure::Fault;
    let bytes = play.journal.read().map_err(|error| fault(error.to_string()))?;
    let journal = Journal::read(&bytes).map_err(|error| fault(format!("journal: {error}")))?;
    let replayed = Machine::replay(&journal.protocol, journal.session, &journal.records)
        .map_err(|error| fault(format!("journal: {error}")))?;
    let (run, again) = (play.machine.digest(), replayed.digest());
    if run == again && journal.is_complete {
        Ok(run.to_string())
    } else {
        Err(fault(format!("the journal re-executes to {again}, the run came to {run}")))
    }
}

fn how(play: &Play<'_>, stop: &Stop, view: SessionView<'_>) -> String {
    match stop {
        Stop::Ended => format!("ended: {}", view.status()),
        Stop::Steps => single::stopped(play.plan.steps_given).into(),
        Stop::Stuck => "stuck: nobody can move".into(),
        Stop::Left => "stopped: its player has left".into(),
    }
}

fn as_text(
    play: &Play<'_>,
    stop: &Stop,
    view: SessionView<'_>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let protocol = view.protocol();
    let unchecked = if view.is_checked() { "" } else { ", composition unchecked" };
    writeln!(out, "\n{}, seed {}{unchecked}", protocol.name(), play.plan.seed)?;
    writeln!(out, "actions    {}, {}", play.actions, how(play, stop, view))?;
    let width = protocol.roles().map(|role| role.len()).max().unwrap_or(0);
    for (index, edge) in view.edges().enumerate() {
        let name = |role| protocol.role_name(role);
        let (from, to) = (name(edge.edge().from), name(edge.edge().to));
        let head = if index == 0 { "messages" } else { "" };
        let left = match edge.messages().len() {
            0 => String::new(),
            left => format!(", {left} not received"),
        };
        writeln!(out, "{head:<10} {from:width$} → {to:width$}  {}{left}", edge.sent())?;
    }
    let positions: Vec<String> =
        view.endpoints().map(|e| format!("{} {}", e.name(), e.position())).collect();
    writeln!(out, "positions  {}", positions.join(", "))?;
    if protocol.messages().iter().any(|message| message.payload.sort().has_chan()) {
        writeln!(out, "endpoints  made up: one protocol is played, and none of another is there")?;
    }
    Ok(())
}

fn as_json(
    play: &Play<'_>,
    stop: &Stop,
    view: SessionView<'_>,
    records: u64,
    verified: bool,
) -> Tree {
    let protocol = view.protocol();
    let name = |role| protocol.role_name(role).as_str();
    let messages: Vec<Tree> = view
        .edges()
        .map(|edge| {
            let (from, to) = (name(edge.edge().from), name(edge.edge().to));
            json!({"from": from, "to": to, "sent": edge.sent().0, "consumed": edge.consumed().0})
        })
        .collect();
    let positions: serde_json::Map<String, Tree> =
        view.endpoints().map(|e| (e.name().to_string(), Tree::from(e.position().0))).collect();
    json!({"summary": {
        "protocol": protocol.name().as_str(),
        "session": view.id().to_string(),
        "seed": play.plan.seed,
        "actions": play.actions,
        "stopped": match stop {
            Stop::Ended => "ended",
            Stop::Steps => "steps",
            Stop::Stuck => "stuck",
            Stop::Left => "left",
        },
        "status": view.status().as_str(),
        "checked": view.is_checked(),
        "messages": messages,
        "positions": positions,
        "records": records,
        "verified": verified,
        "digest": play.machine.digest().to_string(),
    }})
}

/// Who waits for what.
pub(super) fn stuck(view: SessionView<'_>) -> String {
    let waiting: Vec<String> = view
        .endpoints()
        .filter(|endpoint| !endpoint.has_ended())
        .map(|endpoint| {
            let mut moves: Vec<String> = endpoint
                .legal_moves()
                .map(|legal| match legal.direction {
                    Direction::Receive => legal.to_string(),
                    Direction::Send => format!("room on the edge to `{}`", legal.peer),
                })
                .collect();
            moves.dedup();
            format!("`{}` waits for {}", endpoint.name(), moves.join(" or "))
        })
        .collect();
    match waiting.is_empty() {
        true => "nobody is left to receive what is on the edges".into(),
        false => format!("nobody can move: {}", waiting.join("; ")),
    }
}

/// A value as JSON, by whichever sort of the label it conforms to.
pub(super) fn value_json(protocol: &Protocol, label: &Name, value: &Value) -> Tree {
    let of_label = |message: &&crate::types::Message| protocol.label_name(message.label) == label;
    let sorts = protocol.messages().iter().filter(of_label).map(|m| m.payload.sort());
    let mut fitting = sorts.filter(|sort| sort.conform(value.clone()).as_ref() == Ok(value));
    fitting.next().map_or(Tree::Null, |sort| write_value(sort, value))
}
