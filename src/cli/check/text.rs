//! The verdict for people.

use std::io::{Result, Write};

use super::verdict::{Checked, Verdict};
use crate::cli::chart::{Chart, Step};
use crate::cli::style;
use crate::types::complete::{Ambiguity, Continuation, Trace};
use crate::types::compose::{
    Bound, Composition, Determinacy, Exhaustivity, Run, Violation, capacities_said, step_said,
};
use crate::types::{Direction, Evidence, Name, Origin, Protocol};

const NAME: anstyle::Style = anstyle::Style::new().bold();
const GOOD: anstyle::Style = style::of(anstyle::AnsiColor::Green);
const BAD: anstyle::Style = style::of(anstyle::AnsiColor::Red);
const OPEN: anstyle::Style = style::of(anstyle::AnsiColor::Yellow);

/// The longest line of a list, in characters, and the most lines.
const LINE_CHARS_MAX: usize = 84;
const LINES_MAX: usize = 12;

/// The most steps that a chart draws.
const CHART_STEPS_MAX: usize = 100;

pub(super) fn write(out: &mut impl Write, verdict: &Verdict) -> Result<()> {
    for (index, checked) in verdict.protocols.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        write_protocol(out, verdict.report.name(), checked)?;
    }
    if verdict.protocols.is_empty() {
        let errors = verdict.errors();
        let (name, plural) = (verdict.report.name(), if errors == 1 { "" } else { "s" });
        writeln!(out, "{name}: {BAD}refused{BAD:#}, {errors} error{plural}")?;
    }
    Ok(())
}

fn field(out: &mut impl Write, name: &str, value: &str) -> Result<()> {
    writeln!(out, "  {name:12} {value}")
}

/// Items with commas between them, on as many lines as they need.
fn list(out: &mut impl Write, name: &str, items: Vec<String>) -> Result<()> {
    let none = if items.is_empty() { vec!["none".into()] } else { items };
    let lines = wrapped(&none);
    let names = std::iter::once(name).chain(std::iter::repeat(""));
    names.zip(&lines).try_for_each(|(name, line)| field(out, name, line))
}

fn write_protocol(out: &mut impl Write, file: &str, checked: &Checked) -> Result<()> {
    writeln!(out, "{NAME}{}{NAME:#} ({file})", checked.name)?;
    list(out, "roles", checked.roles.iter().map(|role| role.name.to_string()).collect())?;
    if let Some((protocol, composition)) = &checked.compiled {
        let messages = protocol.messages().iter();
        let messages = messages
            .map(|message| format!("{}{}", protocol.label_name(message.label), message.payload));
        list(out, "messages", messages.collect())?;
        list(out, "edges hold", edges(protocol, composition))?;
        let states = checked.roles.iter();
        let states = states.map(|role| format!("{} {}", role.name, role.states.unwrap_or(0)));
        list(out, "states", states.collect())?;
    }
    write_projectable(out, checked)?;
    if let Some((protocol, composition)) = &checked.compiled {
        write_composition(out, checked, composition)?;
        write_growth(out, protocol, composition)?;
        if let Some(violation) = &composition.violation {
            write_violation(out, protocol, violation)?;
        }
    }
    checked.ambiguities.iter().try_for_each(|found| write_ambiguity(out, checked, found))
}

/// Each edge with the most that it can hold.
fn edges(protocol: &Protocol, composition: &Composition) -> Vec<String> {
    let edges = protocol.edges().iter().zip(&composition.bounds);
    let edges = edges.map(|(edge, bound)| {
        let (from, to) = (protocol.role_name(edge.from), protocol.role_name(edge.to));
        let bound = match bound {
            Bound::Finite { most, exact: true } => most.to_string(),
            Bound::Finite { most, exact: false } => format!("≤ {most}"),
            Bound::Unbounded(_) => "unbounded".into(),
            Bound::Unknown { seen } => format!("≥ {seen}"),
        };
        format!("{from} -> {to} {bound}")
    });
    edges.collect()
}

fn write_projectable(out: &mut impl Write, checked: &Checked) -> Result<()> {
    let (complete, classic) =
        (checked.projectable(|role| role.complete), checked.projectable(|role| role.classic));
    let without = |which: fn(&super::verdict::Projectable) -> bool| {
        let roles = checked.roles.iter();
        let roles = roles.filter(|role| role.projectable.as_ref().is_some_and(|p| !which(p)));
        roles.map(|role| role.name.to_string()).collect::<Vec<_>>().join(", ")
    };
    match (complete, classic) {
        (Some(true), Some(true)) => {
            let text = match checked.is_directed {
                true => "(complete; also classic with full merge)",
                false => {
                    "(complete; also classic with full merge, but for choices to several receivers, \
                     which few other tools read)"
                }
            };
            field(out, "projectable", &format!("{GOOD}yes{GOOD:#} {text}"))
        }
        (Some(true), _) => {
            let without = without(|p| p.classic);
            let text = format!(
                "{GOOD}yes{GOOD:#} (complete); classic with full merge: {OPEN}not onto {without}\
                 {OPEN:#}"
            );
            field(out, "projectable", &text)
        }
        (Some(false), _) => {
            let without = without(|p| p.complete);
            field(out, "projectable", &format!("{BAD}no{BAD:#}, not onto {without}"))
        }
        (None, _) => field(out, "types", &format!("{GOOD}good{GOOD:#}, each role on its own")),
    }
}

fn write_composition(
    out: &mut impl Write,
    checked: &Checked,
    composition: &Composition,
) -> Result<()> {
    let configurations = composition.explored.configurations;
    let verdict = match (&composition.violation, checked.origin) {
        (Some(violation), _) => {
            let safe = match composition.safe.last() {
                Some(safe) => format!("{GOOD}safe{GOOD:#} at {}; ", capacities_said(safe)),
                None => String::new(),
            };
            let (kind, at) = (violation.kind.as_str(), capacities_said(&composition.capacities));
            let more = match composition.exhaustivity {
                _ if violation.for_room && composition.tried != composition.capacities => {
                    let most = composition.tried.iter().copied().max().unwrap_or(1);
                    format!(", and for want of room at every one tried up to {most}")
                }
                _ => String::new(),
            };
            format!("{safe}{BAD}{kind}{BAD:#} at {at}{more}")
        }
        (None, Origin::Global) => format!("{GOOD}safe{GOOD:#} at every capacity"),
        (None, _) if composition.safe.is_empty() => {
            format!("{OPEN}not known{OPEN:#}: no error up to the limit of the search")
        }
        (None, Origin::Local) => {
            format!("{GOOD}safe{GOOD:#} at {}", composition.evidence())
        }
    };
    let plural = if configurations == 1 { "" } else { "s" };
    let ended = if composition.explored.limited { ", up to the limit" } else { "" };
    let explored = format!("{configurations} configuration{plural} explored{ended}");
    field(out, "composition", &format!("{verdict} ({explored})"))?;
    let reason = match (&composition.exhaustivity, composition.evidence()) {
        (_, Evidence::None) => None,
        (Exhaustivity::From(k), _) => {
            Some(format!("exhaustive at capacity {k}: more room changes nothing"))
        }
        (_, Evidence::Bounds(_)) => Some("no send ever waits for room there".to_owned()),
        _ if checked.origin == Origin::Global => None,
        (Exhaustivity::NotDirected, _) => Some(
            "what more room changes is not known: a state speaks with several partners".to_owned(),
        ),
        _ => Some("what more room changes is not known".to_owned()),
    };
    reason.map_or(Ok(()), |reason| field(out, "", &reason))?;
    let determinacy = match &composition.determinacy {
        Determinacy::Determinate => format!("{GOOD}determinate{GOOD:#}: never two at once"),
        Determinacy::Several(role, _) => {
            let name = &checked.roles[role.index()].name;
            format!("{name} can have several at once: each has to name its sender")
        }
        Determinacy::Unknown => format!("{OPEN}not known{OPEN:#} whether determinate"),
    };
    field(out, "receives", &determinacy)
}

/// What makes edges grow without a bound.
fn write_growth(out: &mut impl Write, protocol: &Protocol, found: &Composition) -> Result<()> {
    for (edge, bound) in protocol.edges().iter().zip(&found.bounds) {
        if let Bound::Unbounded(growth) = bound {
            let (from, to) = (protocol.role_name(edge.from), protocol.role_name(edge.to));
            let steps: Vec<String> =
                growth.cycle.iter().map(|step| step_said(protocol, step)).collect();
            let text = format!("{from} -> {to} by the loop {}", steps.join(", "));
            field(out, "grows", &text)?;
        }
    }
    Ok(())
}

fn write_violation(out: &mut impl Write, protocol: &Protocol, found: &Violation) -> Result<()> {
    match (found.run.steps.len(), found.known_shortest) {
        (0, _) => writeln!(out, "\nit is so from the beginning")?,
        (_, true) => writeln!(out, "\na shortest run that shows it:\n")?,
        (_, false) => writeln!(out, "\na run that shows it, not known to be the shortest:\n")?,
    }
    let steps: Vec<_> = found.run.steps.iter().map(|step| drawn(protocol, step)).collect();
    let chart = Chart::for_terminal(
        protocol.roles().map(ToString::to_string).collect(),
        steps.iter().map(|(.., text)| text.chars().count()).max().unwrap_or(0),
    );
    if !steps.is_empty() {
        draw(out, &chart, &steps)?;
    }
    if !found.cycle.is_empty() {
        let steps: Vec<String> = found.cycle.iter().map(|step| step_said(protocol, step)).collect();
        writeln!(out, "and then for ever: {}", steps.join(", "))?;
    }
    write_left(out, protocol, &found.run)
}

/// What is still on the edges at the end of a run.
fn write_left(out: &mut impl Write, protocol: &Protocol, run: &Run) -> Result<()> {
    for (edge, messages) in protocol.edges().iter().zip(&run.ends.edges) {
        if !messages.is_empty() {
            let (from, to) = (protocol.role_name(edge.from), protocol.role_name(edge.to));
            let label = |message| protocol.label_name(protocol.message(message).label).to_string();
            let labels: Vec<String> = messages.iter().map(|message| label(*message)).collect();
            writeln!(out, "on {from} -> {to}: {}", labels.join(", "))?;
        }
    }
    Ok(())
}

/// The two runs that a role cannot tell apart.
fn write_ambiguity(out: &mut impl Write, checked: &Checked, found: &Ambiguity) -> Result<()> {
    let role = &found.role;
    let shortest = if found.shortest { "" } else { " (not known to be the shortest)" };
    let place = |name: &Name| {
        let place = checked.roles.iter().position(|role| role.name == *name);
        place.expect("a run is one of declared roles")
    };
    let drawn = |trace: &Trace| -> Vec<Drawn> {
        let steps = trace.steps.iter().map(|step| {
            let text = format!("{}{}", step.label, step.payload);
            (place(&step.from), Direction::Send, place(&step.to), text)
        });
        steps.collect()
    };
    let runs = [("one run", &found.first), ("another run", &found.second)];
    let runs = runs.map(|(name, trace)| (name, trace, drawn(trace)));
    let texts =
        runs.iter().flat_map(|(.., steps)| steps.iter().map(|(.., text)| text.chars().count()));
    let roles = checked.roles.iter().map(|role| role.name.to_string()).collect();
    let chart = Chart::for_terminal(roles, texts.max().unwrap_or(0));
    for (name, trace, steps) in &runs {
        writeln!(out, "\n{name}{shortest}, behind which {role} would {}:\n", next(&trace.next))?;
        draw(out, &chart, steps)?;
    }
    Ok(())
}

fn next(next: &Continuation) -> String {
    match next {
        Continuation::Nothing(_) => "have nothing more to do".into(),
        Continuation::Receive(step) => format!("receive {} from {}", step.label, step.from),
        Continuation::Send(steps) => {
            let steps: Vec<String> =
                steps.iter().map(|step| format!("{} to {}", step.label, step.to)).collect();
            format!("send {}", steps.join(" or "))
        }
    }
}

type Drawn = (usize, Direction, usize, String);

fn drawn(protocol: &Protocol, step: &crate::types::compose::Step) -> Drawn {
    let label = protocol.label_name(protocol.message(step.message).label).to_string();
    (step.role.index(), step.direction, step.peer.index(), label)
}

fn draw(out: &mut impl Write, chart: &Chart, steps: &[Drawn]) -> Result<()> {
    chart.head(out)?;
    for (role, direction, peer, text) in steps.iter().take(CHART_STEPS_MAX) {
        let (role, direction, peer) = (*role, *direction, *peer);
        chart.step(out, &Step { role, direction, peer, text })?;
    }
    chart.foot(out)?;
    match steps.len().saturating_sub(CHART_STEPS_MAX) {
        0 => Ok(()),
        more => writeln!(out, "and {more} more steps"),
    }
}

/// Items with commas between them, on lines that can be read.
fn wrapped(items: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for (index, item) in items.iter().enumerate() {
        let comma = if index + 1 < items.len() { "," } else { "" };
        if !line.is_empty() && line.len() + item.len() + 2 > LINE_CHARS_MAX {
            if lines.len() + 1 == LINES_MAX {
                line.push_str(&format!(" and {} more", items.len() - index));
                break;
            }
            lines.push(core::mem::take(&mut line));
        }
        let space = if line.is_empty() { "" } else { " " };
        line.push_str(&format!("{space}{item}{comma}"));
    }
    lines.push(line);
    lines
}
