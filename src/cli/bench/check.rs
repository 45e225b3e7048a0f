//! Reading, checking, projecting and composing the protocols of the library, each, beside the start
//! of a process that does nothing; and two that are large.

use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::Duration;

use indicatif::HumanCount;

use super::contest::timed;
use super::row::{Goal, Row};
use super::{Stage, Subject, families, library};
use crate::cli::{Failure, input};
use crate::types::Protocol;
use crate::types::compose::{Capacities, ComposeLimits, compose};

pub(super) const SUBJECT: Subject =
    Subject { name: "check", about: "checking and composing protocols", run };

/// How many roles the large ring has.
const ROLES: usize = 100;

/// How many streams there are: 2^16 configurations.
const STREAMS: usize = 16;

fn run(stage: &Stage<'_>) -> Result<Vec<Row>, Failure> {
    let files = library::protocols();
    let mut slowest = (Duration::ZERO, files[0]);
    for file in &files {
        // The shorter of two, as the first one fills caches.
        let took = checked(*file)?.min(checked(*file)?);
        if took > slowest.0 {
            slowest = (took, *file);
        }
    }
    let (_, slowest) = slowest;
    let mut next = 0;
    let each = stage
        .contest(2.0)
        .with(1, |times| (0..times).map(|_| started()).sum())
        .with(1, |times| {
            let mut took = Duration::ZERO;
            for _ in 0..times {
                next = (next + 1) % files.len();
                took += checked(files[next])?;
            }
            Ok(took)
        })
        .with(1, |times| (0..times).map(|_| checked(slowest)).sum())
        .run()?;
    let ring = families::ring(ROLES);
    let streams = library::read(("streams.local", families::streams(STREAMS).as_bytes()));
    let [streams]: [Protocol; 1] = streams
        .map_err(|report| input::said(&report))?
        .try_into()
        .expect("the text is of one protocol");
    let limits = ComposeLimits {
        configurations: 1 << 20,
        bound_configurations: 0,
        capacities: Capacities::Fixed(vec![1; streams.edges().len()].into()),
        reduction: false,
        ..ComposeLimits::default()
    };
    let configurations = compose(&streams, &limits).explored.configurations;
    let large = stage
        .contest(1.5)
        .with(1, |_| checked(("ring.scr", ring.as_bytes())))
        .with(1, |_| Ok(timed(|| compose(&streams, &limits))))
        .run_once_a_round()?;
    let process = "starting a process";
    Ok(vec![
        Row::time(format!("each of {} protocols", files.len()), &each[1]).beside(process, &each[0]),
        Row::time(format!("the slowest: {}", slowest.0), &each[2])
            .beside(process, &each[0])
            .goal(Goal::Most(1e7)),
        Row::time(format!("a ring of {ROLES} roles"), &large[0]).goal(Goal::Most(1e9)),
        Row::time(format!("{} configurations", HumanCount(configurations as u64)), &large[1])
            .goal(Goal::Most(1e9)),
    ])
}

/// How long it takes to read, check, project and compose a text.
fn checked(file: (&str, &[u8])) -> Result<Duration, Failure> {
    let mut read = None;
    let took = timed(|| {
        let protocols = library::read(file);
        if let Ok(protocols) = &protocols {
            for protocol in protocols {
                black_box(compose(protocol, &ComposeLimits::default()));
            }
        }
        read = Some(protocols);
    });
    read.expect("it was read").map_err(|report| input::said(&report)).map(|_| took)
}

/// How long this program takes to start, and to end without having done anything.
fn started() -> Result<Duration, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null());
    let mut status = None;
    let took = timed(|| status = Some(command.status()));
    status.expect("it was run")?;
    Ok(took)
}
