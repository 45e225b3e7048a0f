//! Many sessions at once: nothing drawn, everything counted.

use std::io::Write;
use std::time::{Duration, Instant};

use fastrand::Rng;
use indicatif::ProgressBar;

use super::{Plan, single, summary};
use crate::cli::{Failure, style};
use crate::machine::{
    Accepted, Act, Capability, Input, Machine, OnLost, Open, Owner, Receive, Send, SessionId, Tick,
};
use crate::types::{Direction, RoleIx, Transition};

/// How many sessions are live in one machine at a time.
const LIVE_MAX: u64 = 1_000;

#[derive(Default)]
struct Counts {
    sessions: u64,
    actions: u64,
    ended: u64,
    stopped: u64,
}

/// A session and how far it is.
struct Running {
    by: Capability,
    actions: u64,
}

pub(super) fn run(plan: &Plan, sessions: u64) -> Result<(), Failure> {
    let bar = style::progress(
        sessions,
        "{bar:30.cyan} {human_pos}/{human_len} sessions  {per_sec}  {eta} left",
    );
    let (mut rng, mut counts) = (plan.rng(), Counts::default());
    let started = Instant::now();
    while counts.sessions < sessions {
        let live = LIVE_MAX.min(sessions - counts.sessions);
        batch(plan, live, &mut rng, &mut counts, &bar)?;
    }
    bar.finish_and_clear();
    report(plan, &counts, started.elapsed())
}

/// Opens `live` sessions and lets them act in turn until none can.
fn batch(
    plan: &Plan,
    live: u64,
    rng: &mut Rng,
    counts: &mut Counts,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let mut machine = Machine::new();
    let protocol = machine.register(&plan.protocol);
    let owner = Owner::new("antiphon").expect("not empty");
    let mut running = Vec::new();
    for index in 0..live {
        let session = SessionId(u128::from(counts.sessions + index));
        let (owner, capacities) = (owner.clone(), plan.capacities.clone());
        let on_lost = OnLost::default();
        let (journal, policies) = (false, Vec::new());
        let open = Open { session, protocol, owner, capacities, journal, policies, on_lost };
        let opened = machine.handle(Tick(0), Input::Open(open));
        match opened.map_err(|refusal| Failure::Usage(single::refused(&refusal)))? {
            Accepted::Opened(by) => running.push(Running { by, actions: 0 }),
            other => unreachable!("an accepted `Open` is answered by `Opened`: {other:?}"),
        }
    }
    counts.sessions += live;
    while !running.is_empty() {
        let index = rng.usize(..running.len());
        let Running { by, actions } = &mut running[index];
        let goes_on = *actions < plan.steps && step(plan, &mut machine, by, rng)?;
        if goes_on {
            *actions += 1;
            counts.actions += 1;
            continue;
        }
        let done = running.swap_remove(index);
        let view = machine.session(done.by.session()).expect("the session is there");
        match view.status().is_terminal() {
            true => counts.ended += 1,
            false if done.actions < plan.steps => {
                return Err(Failure::Fault(format!(
                    "session {}: {}",
                    view.id(),
                    summary::stuck(view)
                )));
            }
            false => counts.stopped += 1,
        }
        bar.inc(1);
    }
    machine.check_invariants().map_err(|violation| Failure::Fault(violation.to_string()))
}

/// One action of a session, by a role that can act; `false` if there is none.
fn step(
    plan: &Plan,
    machine: &mut Machine,
    by: &Capability,
    rng: &mut Rng,
) -> Result<bool, Failure> {
    let Some((role, transition)) = pick(machine, by, rng) else { return Ok(false) };
    let protocol = &plan.protocol;
    let Transition { peer, label, message, .. } = transition;
    let act = match protocol.edges()[transition.edge.index()].from == role {
        true => {
            let Some(value) = plan.values.pick(protocol, message, rng) else {
                let label = protocol.label_name(label);
                let text = format!("no value for `{label}` can be made up: give one, `--values`");
                return Err(Failure::Fault(text));
            };
            Act::Send(Send { role, to: peer, label, value, at: None })
        }
        false => Act::Receive(Receive { role, from: peer, at: None }),
    };
    let done = machine.act(Tick(0), by.present(), act);
    done.map(|_| true).map_err(|refusal| Failure::Fault(single::refused(&refusal)))
}

/// A possible transition of a session, each as likely as the other.
fn pick(machine: &Machine, by: &Capability, rng: &mut Rng) -> Option<(RoleIx, Transition)> {
    let view = machine.session_hinted(by.session(), by.present().hint)?;
    if view.status().is_terminal() {
        return None;
    }
    let protocol = view.protocol();
    let (mut found, mut count) = (None, 0);
    for endpoint in view.endpoints() {
        let direction = protocol.automaton(endpoint.role()).direction(endpoint.state());
        for transition in endpoint.transitions() {
            let edge = view.edge_at(transition.edge);
            let possible = match direction {
                Some(Direction::Send) => edge.messages().len() < edge.capacity() as usize,
                Some(Direction::Receive) => {
                    edge.messages().next().is_some_and(|head| head.message == transition.message)
                }
                None => false,
            };
            if possible {
                count += 1;
                if rng.usize(..count) == 0 {
                    found = Some((endpoint.role(), *transition));
                }
            }
        }
    }
    found
}

fn report(plan: &Plan, counts: &Counts, took: Duration) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let seconds = took.as_secs_f64().max(1e-9);
    let rate = counts.actions as f64 / seconds;
    if plan.json {
        let line = serde_json::json!({"summary": {
            "protocol": plan.protocol.name().as_str(),
            "seed": plan.seed,
            "sessions": counts.sessions,
            "actions": counts.actions,
            "ended": counts.ended,
            "stopped": counts.stopped,
            "seconds": seconds,
            "actions_per_second": rate,
        }});
        writeln!(out, "{line}")?;
        return Ok(());
    }
    writeln!(out, "{}, seed {}", plan.protocol.name(), plan.seed)?;
    writeln!(
        out,
        "sessions   {}: {} ended, {} stopped after {} actions",
        counts.sessions, counts.ended, counts.stopped, plan.steps
    )?;
    writeln!(out, "actions    {} in {seconds:.2} s, {rate:.0} a second", counts.actions)?;
    writeln!(out, "invariants hold in every machine at its end")?;
    Ok(())
}
