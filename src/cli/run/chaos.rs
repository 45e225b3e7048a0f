//! The main job while everything is being cut: `antiphon run --over`.

use std::io::Write;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use serde_json::{Value as Tree, json};

use super::single::{self, chart};
use super::{Over, Plan, summary};
use crate::cli::Failure;
use crate::cli::chart::Chart;
use crate::cli::scratch::Scratch;
use crate::driver::{HubError, NodeError};
use crate::journal::{FileLines, Lines};
use crate::machine::Event;
use crate::simulation::{
    Chaos, Moment, Options, Report, SimulationError, Sockets, simulate_over, simulate_with,
};

pub(super) fn run(
    plan: &Plan,
    over: Over,
    chaos: Chaos,
    file: Option<&Path>,
) -> Result<(), Failure> {
    let options = Options {
        chaos,
        seed: plan.seed,
        steps: plan.steps,
        values: plan.values.clone(),
        capacities: plan.capacities.clone(),
    };
    let mut out = anstream::stdout().lock();
    let chart = (!plan.json).then(|| chart(&plan.protocol));
    if let Some(chart) = &chart {
        chart.head(&mut out)?;
    }
    let mut wrong = Ok(());
    let shown = |time, moment: Moment<'_>| {
        if wrong.is_ok() {
            wrong = show(plan, chart.as_ref(), time, &moment, &mut out);
        }
    };
    let sockets = match over {
        Over::Memory => None,
        Over::Tcp => Some(Sockets::Tcp),
        Over::Ws => Some(Sockets::WebSocket),
    };
    let report = match sockets {
        None => simulate_with(&plan.protocol, &options, shown),
        Some(sockets) => {
            // CLI-8: the journal of the host is gone with the run.
            let scratch = Scratch::inside(&std::env::temp_dir())?;
            let journal = scratch.file("journal.redb");
            simulate_over(&plan.protocol, &options, sockets, &journal, shown)
        }
    };
    wrong?;
    let report = report.map_err(|error| match error {
        SimulationError::NoValue(_) => Failure::Fault(format!("{error}: give one, `--values`")),
        SimulationError::Node(error) => Failure::Usage(error.to_string()),
        SimulationError::Hub(HubError::Node(NodeError::Refused(refusal))) => {
            Failure::Usage(refusal.to_string())
        }
        SimulationError::Late { .. } => {
            Failure::Fault(format!("{error}: take fewer `--steps`, or less chaos"))
        }
        error => Failure::Fault(error.to_string()),
    })?;
    if let Some(chart) = &chart {
        chart.foot(&mut out)?;
    }
    if let Some(file) = file {
        write_new(file, &report.journal)?;
    }
    if plan.json {
        writeln!(out, "{}", as_json(plan, chaos, &report))?;
    } else {
        as_text(plan, over, chaos, &report, &mut out)?;
    }
    match report.verdict {
        Ok(_) => Ok(()),
        Err(fault) => Err(Failure::Fault(fault.to_string())),
    }
}

fn write_new(file: &Path, text: &str) -> Result<(), Failure> {
    let mut journal = FileLines::create(file)
        .map_err(|error| Failure::Usage(format!("`{}`: {error}", file.display())))?;
    for line in text.lines() {
        journal.append(line)?;
    }
    Ok(journal.sync()?)
}

/// One line for whatever happened.
fn show(
    plan: &Plan,
    chart: Option<&Chart>,
    time: u64,
    moment: &Moment<'_>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let protocol = &plan.protocol;
    let (mark, role) = match moment {
        Moment::Kept(Event::Advanced { role, direction, peer, label, value, position, .. }) => {
            let label = protocol.label_name(*label);
            let Some(chart) = chart else {
                let line = json!({
                    "tick": time,
                    "role": protocol.role_name(*role).as_str(),
                    "direction": direction.as_str(),
                    "peer": protocol.role_name(*peer).as_str(),
                    "label": label.as_str(),
                    "value": summary::value_json(protocol, label, value),
                    "position": position.0,
                });
                return Ok(writeln!(out, "{line}")?);
            };
            let step = (*role, *direction, *peer);
            return Ok(single::draw(chart, out, step, (label, value))?);
        }
        Moment::Cut(role) => ("cut", Some(*role)),
        Moment::Resumed(role) => ("attached", Some(*role)),
        Moment::Killed(role) => ("killed", Some(*role)),
        Moment::Forgot(role) => ("forgot", Some(*role)),
        Moment::Crashed => ("host crashed", None),
        Moment::Restarted(_) => ("host back", None),
        Moment::Kept(_) => return Ok(()),
    };
    let Some(chart) = chart else {
        let mut line = json!({"tick": time, "mark": mark.replace(' ', "_")});
        if let Some(role) = role {
            line["role"] = role.as_str().into();
        }
        if let Moment::Restarted(records) = moment {
            line["records"] = (*records).into();
        }
        return Ok(writeln!(out, "{line}")?);
    };
    let colour = match moment {
        Moment::Resumed(_) | Moment::Restarted(_) => AnsiColor::Green,
        _ => AnsiColor::Red,
    };
    let text = match moment {
        Moment::Restarted(records) => format!("host back, {records} records replayed"),
        _ => mark.to_owned(),
    };
    let style = Style::new().fg_color(Some(colour.into()));
    let role = role.and_then(|role| protocol.role(role)).map(|role| role.index());
    Ok(chart.mark(out, role, &text, style)?)
}

fn as_text(
    plan: &Plan,
    over: Over,
    chaos: Chaos,
    report: &Report,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let counts = &report.counts;
    let how = match &report.ended {
        Some(status) => format!("ended: {status}"),
        None => single::stopped(plan.steps_given).to_owned(),
    };
    writeln!(out, "\n{}, seed {}, chaos {chaos}", plan.protocol.name(), plan.seed)?;
    let time = if over == Over::Memory { " of virtual time" } else { "" };
    writeln!(out, "actions    {}, {how}, in {:.1?}{time}", report.actions, report.took)?;
    writeln!(
        out,
        "frames     {} sent: {} lost, {} repeated, {} overtaken, {} cut short",
        counts.frames, counts.lost, counts.repeated, counts.reordered, counts.truncated
    )?;
    writeln!(
        out,
        "failures   {} cuts, {} crashes of the host in {} commits, {} clients killed, {} that forgot",
        counts.cuts, counts.crashes, counts.commits, counts.kills, counts.amnesias
    )?;
    writeln!(out, "resumes    {}", counts.resumes)?;
    if let Ok(verdict) = &report.verdict {
        writeln!(
            out,
            "journal    {} records, verified: its {} actions are those of the clients, and a run that \
             perfect channels give ({})",
            verdict.records,
            verdict.compared,
            &verdict.digest[..16]
        )?;
    }
    Ok(())
}

fn as_json(plan: &Plan, chaos: Chaos, report: &Report) -> Tree {
    let counts = &report.counts;
    json!({"summary": {
        "protocol": plan.protocol.name().as_str(),
        "session": report.session.to_string(),
        "seed": plan.seed,
        "chaos": chaos.to_string(),
        "actions": report.actions,
        "stopped": if report.ended.is_some() { "ended" } else { "steps" },
        "status": report.ended.as_deref().unwrap_or("active"),
        "milliseconds": u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
        "frames": counts.frames,
        "lost": counts.lost,
        "repeated": counts.repeated,
        "overtaken": counts.reordered,
        "truncated": counts.truncated,
        "cuts": counts.cuts,
        "crashes": counts.crashes,
        "commits": counts.commits,
        "kills": counts.kills,
        "amnesias": counts.amnesias,
        "resumes": counts.resumes,
        "records": report.verdict.as_ref().map_or(0, |verdict| verdict.records),
        "verified": report.verdict.is_ok(),
        "fault": report.verdict.as_ref().err().map(ToString::to_string),
    }})
}
