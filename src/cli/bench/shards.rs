//! What a second core is good for: the same messages with one shard and with two. It needs two
//! cores that nobody else uses.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::contest::{Taken, timed};
use super::ping_pong::{Labels, exchange, exchange_inputs, machine, open, protocol};
use super::row::{Goal, Row};
use super::{Stage, Subject};
use crate::cli::Failure;
use crate::driver::{NotKept, SHARD_CHUNK_MAX, Shards};
use crate::machine::{Capability, Input, Machine, SessionId, Tick};
use crate::types::{Protocol, SortNode, Value};

pub(super) const SUBJECT: Subject =
    Subject { name: "shards", about: "a message in two shards, against one", run };

/// Exchanges of one job inside a shard.
const CHUNK: u64 = 40_000;
/// Exchanges of one batch through the queues.
const BATCH: usize = SHARD_CHUNK_MAX;
/// Batches of each caller and round.
const BATCHES: usize = 50;
/// Exchanges of each caller and round, one input after the other.
const SINGLES: usize = 250;

/// Some shards with two sessions: where there are two shards, one in each.
struct Pair {
    shards: Shards,
    sessions: [SessionId; 2],
    /// At home between two rounds.
    held: [Option<Capability>; 2],
    inputs: [Vec<Input>; 2],
    labels: Labels,
}

const RUNNING: &str = "the shards are running";

impl Pair {
    fn new(protocol: &Arc<Protocol>, count: usize) -> Result<Self, Failure> {
        let shards = Shards::of(count, |_| (machine(protocol), NotKept));
        let shards = shards.map_err(|error| Failure::Fault(error.to_string()))?;
        let first = |shard| (0..).map(SessionId).find(|id| shards.shard_of(*id) == shard);
        let sessions = match count {
            1 => [SessionId(0), SessionId(1)],
            _ => [0, 1].map(|shard| first(shard).expect("each shard has sessions")),
        };
        let held = sessions.map(|session| {
            let protocol = Arc::clone(protocol);
            let open = move |machine: &mut Machine| open(machine, &protocol, session.0);
            shards.with(session, open).expect(RUNNING)
        });
        let inputs = held.each_ref().map(|by| exchange_inputs(by, protocol));
        let labels = Labels::of(protocol);
        Ok(Self { shards, sessions, held: held.map(Some), inputs, labels })
    }

    /// Both callers at once, each with what was made for it before; how long they took, and what
    /// they give back.
    fn both<T: Send, R: Send>(
        &self,
        made: [T; 2],
        work: impl Fn(SessionId, T) -> R + Sync,
    ) -> (Duration, [R; 2]) {
        let [first, second] = made;
        let [one, other] = self.sessions;
        let work = &work;
        let start = Instant::now();
        let given = std::thread::scope(|scope| {
            let first = scope.spawn(move || work(one, first));
            let second = scope.spawn(move || work(other, second));
            [first, second].map(|caller| caller.join().expect("a caller does not panic"))
        });
        (start.elapsed(), given)
    }

    /// Messages inside the shards.
    fn inside(&mut self, chunks: u64) -> Duration {
        let held = self.held.each_mut().map(|held| held.take().expect("it came back"));
        let labels = self.labels;
        let (took, held) = self.both(held, |session, mut by| {
            for _ in 0..chunks {
                let chunk = move |machine: &mut Machine| {
                    exchanges(machine, &by, labels, CHUNK);
                    by
                };
                by = self.shards.with(session, chunk).expect(RUNNING);
            }
            by
        });
        self.held = held.map(Some);
        took
    }

    /// Messages through the queues, in batches.
    fn batches(&self) -> Duration {
        let batch = |inputs: &[Input]| -> Vec<(Tick, Input)> {
            let repeated = (0..BATCH).flat_map(|_| inputs.iter().cloned());
            repeated.map(|input| (Tick(0), input)).collect()
        };
        let made = self
            .inputs
            .each_ref()
            .map(|inputs| -> Vec<_> { (0..BATCHES).map(|_| batch(inputs)).collect() });
        let (took, _) = self.both(made, |_, batches| {
            for batch in batches {
                let answers = self.shards.submit_batch(batch);
                assert!(answers.iter().all(Result::is_ok), "{RUNNING}");
            }
        });
        took
    }

    /// Messages through the queues, by callers who wait for each answer.
    fn singles(&self) -> Duration {
        let made = self.inputs.each_ref().map(|inputs| -> Vec<Input> {
            (0..SINGLES).flat_map(|_| inputs.iter().cloned()).collect()
        });
        let (took, _) = self.both(made, |_, inputs| {
            for input in inputs {
                black_box(self.shards.submit(Tick(0), input).expect(RUNNING));
            }
        });
        took
    }
}

fn exchanges(machine: &mut Machine, by: &Capability, labels: Labels, count: u64) {
    let mut value = Value::Nat(7);
    for _ in 0..count {
        value = exchange(machine, by, labels, value);
    }
    black_box(value);
}

fn run(stage: &Stage<'_>) -> Result<Vec<Row>, Failure> {
    let protocol = protocol(SortNode::Nat);
    let chunks = stage.size(1, 4, 10);
    let bare = bare(stage, &protocol, chunks)?;
    let (mut one, mut two) = (Pair::new(&protocol, 1)?, Pair::new(&protocol, 2)?);
    let inside = stage
        .contest(1.5)
        .with(4 * CHUNK * chunks, |_| Ok(one.inside(chunks)))
        .with(4 * CHUNK * chunks, |_| Ok(two.inside(chunks)))
        .run_once_a_round()?;
    let batches = stage
        .contest(0.8)
        .with(4 * (BATCH * BATCHES) as u64, |_| Ok(one.batches()))
        .with(4 * (BATCH * BATCHES) as u64, |_| Ok(two.batches()))
        .run_once_a_round()?;
    let singles = stage
        .contest(0.5)
        .with(4 * SINGLES as u64, |_| Ok(one.singles()))
        .with(4 * SINGLES as u64, |_| Ok(two.singles()))
        .run_once_a_round()?;
    let row = |what: &'static str, taken: &[Taken], of: &'static str| {
        Row::time(what, &taken[1]).beside(of, &taken[0]).faster()
    };
    Ok(vec![
        row("a message in two threads, no shards", &bare, "in one thread"),
        row("a message in two shards", &inside, "in one shard").goal(Goal::Faster(1.8)),
        row("the same through queues, in batches", &batches, "in one shard"),
        row("the same, one by one", &singles, "in one shard"),
    ])
}

/// Two machines, in one thread and in two: more than this no shards can reach.
fn bare(stage: &Stage<'_>, protocol: &Arc<Protocol>, chunks: u64) -> Result<Vec<Taken>, Failure> {
    let labels = Labels::of(protocol);
    let new = |id| {
        let mut machine = machine(protocol);
        let by = open(&mut machine, protocol, id);
        (machine, by)
    };
    let work = |(machine, by): &mut (Machine, Capability)| {
        exchanges(machine, by, labels, CHUNK * chunks);
    };
    let (mut alone, mut together) = ([new(1), new(2)], [new(1), new(2)]);
    stage
        .contest(1.0)
        .with(4 * CHUNK * chunks, |_| Ok(timed(|| alone.iter_mut().for_each(work))))
        .with(4 * CHUNK * chunks, |_| {
            Ok(timed(|| {
                std::thread::scope(|scope| {
                    together.iter_mut().for_each(|each| drop(scope.spawn(move || work(each))));
                });
            }))
        })
        .run_once_a_round()
}
