//! What was measured: as a table, or as a document. Whether a goal is reached is said, and is no
//! fault (CLI-5).

use std::io::Write;

use anstyle::AnsiColor;
use serde_json::{Value as Tree, json};

use super::Bench;
use super::row::Row;
use crate::cli::{Failure, style};

type Measured = [(&'static str, Vec<Row>)];

const HEAD: [&str; 7] = ["subject", "what", "measured", "floor", "ratio", "goal", "reached"];

/// What the numbers depend on.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// How busy the machine was in the last minute, where that can be known.
fn load() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}

/// A table.
pub(super) fn text(
    bench: &Bench,
    measured: &Measured,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut lines = vec![HEAD.map(String::from)];
    for (subject, rows) in measured {
        for (index, row) in rows.iter().enumerate() {
            let floor = row.floor.as_ref();
            lines.push([
                if index == 0 { (*subject).into() } else { String::new() },
                row.what.clone().into(),
                row.measured.to_string(),
                floor.map_or_else(String::new, |at| format!("{} {}", at.measured, at.what)),
                row.ratio_text(),
                row.goal_text(),
                row.is_reached().map_or("", |reached| if reached { "yes" } else { "no" }).into(),
            ]);
        }
    }
    let count = |text: &String| text.chars().count();
    let width = |column: usize| lines.iter().map(|line| count(&line[column])).max().unwrap_or(0);
    let widths: [usize; HEAD.len()] = std::array::from_fn(width);
    for line in &lines {
        let mut text = String::new();
        for (cell, width) in line.iter().zip(widths) {
            text += &format!("{cell:<width$}  ");
        }
        let text = text.trim_end();
        let color = match line[HEAD.len() - 1].as_str() {
            "yes" => style::of(AnsiColor::Green),
            "no" => style::of(AnsiColor::Yellow),
            _ => anstyle::Style::new(),
        };
        writeln!(out, "{color}{text}{color:#}")?;
    }
    let cores = cores();
    let load = load().map_or_else(String::new, |load| format!(", load {load}"));
    writeln!(out, "\nantiphon {}, {cores} cores{load}", env!("CARGO_PKG_VERSION"))?;
    if cfg!(debug_assertions) {
        writeln!(out, "built without optimisation: these numbers say nothing")?;
    }
    if bench.quick {
        writeln!(out, "measured quickly: these numbers say little")?;
    }
    Ok(())
}

/// One document: `specs/schema/bench.schema.json`.
pub(super) fn json(
    bench: &Bench,
    measured: &Measured,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let subject = |(name, rows): &(&str, Vec<Row>)| {
        let rows: Vec<Tree> = rows.iter().map(Row::json).collect();
        json!({"subject": name, "rows": rows})
    };
    let document = json!({
        "antiphon": env!("CARGO_PKG_VERSION"),
        "machine": {
            "cores": cores(),
            "os": std::env::consts::OS,
            "arch": std::env::consts::ARCH,
            "load": load(),
        },
        "optimised": !cfg!(debug_assertions),
        "quick": bench.quick,
        "full": bench.full,
        "folder": bench.folder().display().to_string(),
        "subjects": measured.iter().map(subject).collect::<Vec<_>>(),
    });
    writeln!(out, "{document}")?;
    Ok(())
}
