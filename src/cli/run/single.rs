//! One session, drawn while it happens.

use std::io::{BufRead, Write};
use std::path::Path;

use fastrand::Rng;

use super::{Plan, summary};
use crate::cli::Failure;
use crate::cli::chart::{Chart, Step};
use crate::cli::person::{self, Line, Now};
use crate::journal::{FileLines, Lines, MemoryLines};
use crate::machine::{
    Accepted, Act, Capability, EndpointView, Event, Input, Machine, OnLost, Open, Output, Owner,
    Receive, Refusal, Send, SessionId, SessionView, Tick,
};
use crate::types::{Direction, Name, Protocol, RoleIx, Transition, Value};
use crate::wire::journal;

/// Why a run is over.
pub(super) enum Stop {
    /// The session has ended.
    Ended,
    /// The limit on actions.
    Steps,
    /// Nobody can move, and not everybody has ended.
    Stuck,
    /// The person who plays a role left.
    Left,
}

/// A session that is being played.
pub(super) struct Play<'a> {
    pub(super) plan: &'a Plan,
    pub(super) machine: Machine,
    pub(super) by: Capability,
    pub(super) journal: Box<dyn Lines>,
    pub(super) actions: u64,
    /// Whether the last line of a player was no move.
    pub(super) refused: bool,
    /// When it is: every action takes a millisecond of the session's own time.
    now: u64,
    rng: Rng,
    chart: Option<Chart>,
}

/// Something that a role can do now.
enum Turn {
    Send(Transition),
    Receive(RoleIx),
}

pub(super) fn run(plan: &Plan, people: &[RoleIx], file: Option<&Path>) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let mut play = Play::open(plan, file)?;
    if let Some(chart) = &play.chart {
        chart.head(&mut out)?;
    }
    let stop = play.until_stop(people, &mut out)?;
    if let Some(chart) = &play.chart {
        chart.foot(&mut out)?;
    }
    summary::finish(play, &stop, &mut out)
}

impl<'a> Play<'a> {
    fn open(plan: &'a Plan, file: Option<&Path>) -> Result<Self, Failure> {
        let mut machine = Machine::observed();
        let mut rng = plan.rng();
        let session = SessionId(rng.u128(..));
        let open = Open {
            session,
            protocol: machine.register(&plan.protocol),
            owner: Owner::new("antiphon").expect("not empty"),
            capacities: plan.capacities.clone(),
            journal: true,
            on_lost: OnLost::default(),
            policies: Vec::new(),
        };
        let by = match machine.handle(Tick(0), Input::Open(open)) {
            Ok(Accepted::Opened(capability)) => capability,
            Ok(_) => unreachable!("an accepted `Open` is answered by `Opened`"),
            Err(refusal) => return Err(Failure::Usage(refused(&refusal))),
        };
        let mut journal: Box<dyn Lines> = match file {
            Some(file) => Box::new(
                FileLines::create(file)
                    .map_err(|error| Failure::Usage(format!("`{}`: {error}", file.display())))?,
            ),
            None => Box::new(MemoryLines::default()),
        };
        journal.append(&journal::header_line(&plan.protocol, session))?;
        let chart = (!plan.json).then(|| chart(&plan.protocol));
        Ok(Self { plan, machine, by, journal, actions: 0, refused: false, now: 0, rng, chart })
    }

    pub(super) fn view(&self) -> SessionView<'_> {
        self.machine.session(self.by.session()).expect("the session is there")
    }

    fn until_stop(&mut self, people: &[RoleIx], out: &mut impl Write) -> Result<Stop, Failure> {
        let mut input = std::io::stdin().lock();
        self.settle(out)?;
        loop {
            if self.view().status().is_terminal() {
                return Ok(Stop::Ended);
            }
            if self.actions >= self.plan.steps {
                return Ok(Stop::Steps);
            }
            let able: Vec<RoleIx> = self
                .view()
                .endpoints()
                .filter(|endpoint| !turns(self.view(), *endpoint).is_empty())
                .map(EndpointView::role)
                .collect();
            let Some(role) = self.rng.choice(able) else { return Ok(Stop::Stuck) };
            let endpoint = self.view().endpoint(role).expect("it is able");
            let turns = turns(self.view(), endpoint);
            let sends = turns.iter().any(|turn| matches!(turn, Turn::Send(_)));
            if sends && people.contains(&role) {
                if !self.person(role, &mut input, out)? {
                    return Ok(Stop::Left);
                }
            } else {
                self.simulated(role, turns, people.contains(&role), out)?;
            }
        }
    }

    /// A role does one of the things it can do.
    fn simulated(
        &mut self,
        role: RoleIx,
        turns: Vec<Turn>,
        person: bool,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let act = match self.rng.choice(turns).expect("an able role has a turn") {
            Turn::Receive(from) => Act::Receive(Receive { role, from, at: None }),
            Turn::Send(Transition { peer: to, label, message, .. }) => {
                let value = self.plan.values.pick(&self.plan.protocol, message, &mut self.rng);
                let Some(value) = value else {
                    let label = self.plan.protocol.label_name(label);
                    let text =
                        format!("no value for `{label}` can be made up: give one, `--values`");
                    return Err(Failure::Fault(text));
                };
                Act::Send(Send { role, to, label, value, at: None })
            }
        };
        match self.act(act) {
            Ok(Accepted::Received(received)) if person => {
                let protocol = &self.plan.protocol;
                let from = protocol.role_name(received.from);
                let label = protocol.label_name(received.label);
                let role = protocol.role_name(role);
                let text = format!("{role} received {label}({}) from {from}", received.value);
                self.settle(out)?;
                writeln!(std::io::stderr(), "{text}")?;
                return Ok(());
            }
            Ok(_) => {}
            Err(refusal) => return Err(Failure::Fault(refused(&refusal))),
        }
        self.settle(out)
    }

    /// A person plays a send of a role; `false` when they left.
    fn person(
        &mut self,
        role: RoleIx,
        input: &mut impl BufRead,
        out: &mut impl Write,
    ) -> Result<bool, Failure> {
        let mut error = anstream::stderr().lock();
        let endpoint = self.view().endpoint(role).expect("it is able");
        person::prompt(&mut error, &Now::of(&self.plan.protocol, endpoint))?;
        loop {
            write!(error, "> ")?;
            error.flush()?;
            let line = match person::read_line(input)? {
                person::Input::Line(line) => line,
                person::Input::TooLong => {
                    writeln!(error, "the line is too long; nothing of it was done")?;
                    self.refused = true;
                    continue;
                }
                person::Input::Ended => {
                    writeln!(error)?;
                    return Ok(false);
                }
            };
            let endpoint = self.view().endpoint(role).expect("it is able");
            let can = Now::of(&self.plan.protocol, endpoint);
            match person::understand(&can, &line) {
                Line::Quit => return Ok(false),
                Line::Help => person::prompt(&mut error, &can)?,
                Line::Wrong(text) => {
                    self.refused = true;
                    writeln!(error, "{text}")?;
                }
                Line::Send(send) => match self.act(Act::Send(send)) {
                    Ok(_) => {
                        self.refused = false;
                        self.settle(out)?;
                        return Ok(true);
                    }
                    Err(refusal) => {
                        self.refused = true;
                        writeln!(error, "{}", refused(&refusal))?;
                    }
                },
            }
        }
    }

    fn act(&mut self, act: Act) -> Result<Accepted, Refusal> {
        let accepted = self.machine.act(Tick(self.now + 1), self.by.present(), act)?;
        self.now += 1;
        self.actions += 1;
        Ok(accepted)
    }

    /// Keeps what was recorded, then shows what happened: in this order (nothing is shown that is
    /// not kept).
    fn settle(&mut self, out: &mut impl Write) -> Result<(), Failure> {
        self.machine.seal();
        while let Some(output) = self.machine.poll() {
            match output {
                Output::Persist(batch) => {
                    let line = journal::batch_line(&self.plan.protocol, &batch)
                        .expect("a machine's batches are of its protocols");
                    self.journal.append(&line)?;
                    let upto = batch.first + u64::from(batch.count);
                    let persisted = Input::Persisted { session: batch.session, upto };
                    self.machine
                        .handle(Tick(self.now), persisted)
                        .map_err(|refusal| Failure::Fault(refused(&refusal)))?;
                }
                Output::Event(event) => self.show(&event, out)?,
                Output::Deliver(_) => {}
            }
        }
        out.flush()?;
        Ok(())
    }

    fn show(&self, event: &Event, out: &mut impl Write) -> Result<(), Failure> {
        let Event::Advanced { role, direction, peer, label, value, seq, position, .. } = event
        else {
            return Ok(());
        };
        let protocol = &self.plan.protocol;
        let label = protocol.label_name(*label);
        match &self.chart {
            Some(chart) => {
                draw(chart, out, (*role, *direction, *peer), (label, value))?;
            }
            None => {
                let message = summary::value_json(protocol, label, value);
                let line = serde_json::json!({
                    "action": self.actions,
                    "role": protocol.role_name(*role).as_str(),
                    "direction": direction.as_str(),
                    "peer": protocol.role_name(*peer).as_str(),
                    "label": label.as_str(),
                    "value": message,
                    "seq": seq.0,
                    "position": position.0,
                });
                writeln!(out, "{line}")?;
            }
        }
        Ok(())
    }
}

/// What a role can do now: sends with room on their edges, receives with their message there.
fn turns(session: SessionView<'_>, endpoint: EndpointView<'_>) -> Vec<Turn> {
    let protocol = session.protocol();
    let role = endpoint.role();
    let direction = protocol.automaton(role).direction(endpoint.state());
    let transitions = endpoint.transitions().iter();
    match direction {
        None => Vec::new(),
        Some(Direction::Send) => transitions
            .filter(|transition| {
                let edge = session.edge(role, transition.peer).expect("a transition has an edge");
                edge.messages().len() < edge.capacity() as usize
            })
            .map(|transition| Turn::Send(*transition))
            .collect(),
        Some(Direction::Receive) => transitions
            .filter(|transition| {
                let edge = session.edge(transition.peer, role).expect("a transition has an edge");
                edge.messages().next().is_some_and(|head| head.message == transition.message)
            })
            .map(|transition| Turn::Receive(transition.peer))
            .collect(),
    }
}

/// Draws an action: a send with its value, a receive without.
pub(super) fn draw(
    chart: &Chart,
    out: &mut impl Write,
    (role, direction, peer): (RoleIx, Direction, RoleIx),
    (label, value): (&Name, &Value),
) -> std::io::Result<()> {
    let text = match (direction, value) {
        (Direction::Receive, _) | (_, Value::Unit) => label.to_string(),
        (Direction::Send, value) => format!("{label}({value})"),
    };
    let (role, peer) = (role.index(), peer.index());
    chart.step(out, &Step { role, direction, peer, text: &text })
}

/// A chart of a protocol's roles, as wide as the terminal allows.
pub(in crate::cli) fn chart(protocol: &Protocol) -> Chart {
    let labels = protocol.messages().iter().map(|message| {
        let value = if message.payload.args().is_empty() { 0 } else { 10 };
        protocol.label_name(message.label).len() + value
    });
    let roles = protocol.roles().map(|role| role.to_string()).collect();
    Chart::for_terminal(roles, labels.max().unwrap_or(0))
}

/// Why a run that has not ended is over.
pub(super) fn stopped(steps_given: bool) -> &'static str {
    match steps_given {
        true => "stopped there, as asked",
        false => "stopped there; `--steps N` sets another limit",
    }
}

/// A refusal as it is shown to people.
pub(super) fn refused(refusal: &Refusal) -> String {
    format!("refused [{}]: {refusal}", refusal.code())
}
