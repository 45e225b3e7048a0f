//! P13: what a second core is good for. Each row is measured with one shard and with two, in turns
//! of one run; the ratio is what counts, since the absolute times of a shared machine drift. It
//! needs two cores that nobody else uses.
//!
//! - What these cores are good for: the same messages in two machines of two threads, and of one,
//!   without shards. More than this no shards can reach.
//! - P13: P1 (a send and a receive, everything checked, no journal) inside the shards, in chunks of
//!   40,000 exchanges: two callers, each with a session of its own.
//! - The same messages through the queues: `submit_batch`, in batches that are made before.
//! - One `submit` after the other: what a caller who waits for each answer gets.

use std::hint::black_box;
use std::time::{Duration, Instant};

use antiphon::driver::{NotKept, SHARD_CHUNK_MAX, Shards};
use antiphon::machine::{Act, Capability, Input, Machine, Receive, Send, SessionId, Tick};
use antiphon::types::{Protocol, RoleIx, SortNode, Value};
use bytes::Bytes;

#[expect(dead_code, reason = "what it has for other benches")]
mod ping_pong;
use ping_pong::{Labels, exchange, floor, machine, open, protocol};

/// How often each number of shards is measured.
const ROUNDS: usize = 21;
/// Exchanges of one job inside a shard.
const CHUNK: u64 = 40_000;
/// Jobs of each caller and round.
const CHUNKS: u64 = 10;
/// Exchanges of one batch through the queues.
const BATCH: u64 = SHARD_CHUNK_MAX as u64;
/// Batches of each caller and round.
const BATCHES: u64 = 100;
/// Exchanges of each caller and round, one input after the other.
const SINGLES: u64 = 500;

/// Some shards with two sessions: where there are two shards, one in each.
struct Stage {
    shards: Shards,
    sessions: [SessionId; 2],
    labels: Labels,
}

impl Stage {
    fn new(protocol: &std::sync::Arc<Protocol>, count: usize) -> Self {
        let shards = Shards::of(count, |_| (machine(protocol), NotKept)).unwrap();
        let first = |shard| (0..).map(SessionId).find(|id| shards.shard_of(*id) == shard).unwrap();
        let sessions = match count {
            1 => [SessionId(0), SessionId(1)],
            _ => [first(0), first(1)],
        };
        Self { shards, sessions, labels: Labels::of(protocol) }
    }

    /// Both callers at once, each with what it made before; how long they took.
    fn timed<T: std::marker::Send>(
        &self,
        mut make: impl FnMut(usize) -> T,
        work: impl Fn(SessionId, T) + Sync,
    ) -> Duration {
        let made = [make(0), make(1)];
        let start = Instant::now();
        std::thread::scope(|scope| {
            for (session, made) in self.sessions.into_iter().zip(made) {
                let work = &work;
                scope.spawn(move || work(session, made));
            }
        });
        start.elapsed()
    }
}

fn main() {
    let protocol = protocol(SortNode::Nat);
    let stages = [1, 2].map(|count| Stage::new(&protocol, count));
    let mut owners: Vec<Vec<Option<Capability>>> = Vec::new();
    for stage in &stages {
        let opened = stage.sessions.map(|session| {
            let protocol = protocol.clone();
            let open = move |machine: &mut _| open(machine, &protocol, session.0);
            Some(stage.shards.with(session, open).unwrap())
        });
        owners.push(opened.into());
    }

    let start = Instant::now();
    black_box(floor(1_000_000, Bytes::from(vec![7_u8; 16])));
    println!(
        "floor: VecDeque of (u16, Bytes)  {:>10.1} ns a message",
        start.elapsed().as_nanos() as f64 / 1e6
    );
    println!("load: {}", load());

    let bare = bare(&protocol);
    let inputs: Vec<Vec<Vec<Input>>> = owners
        .iter()
        .map(|of| of.iter().flatten().map(|by| exchange_inputs(by, &protocol)).collect())
        .collect();
    let batch = |inputs: &[Input]| -> Vec<(Tick, Input)> {
        (0..BATCH).flat_map(|_| inputs.iter().map(|input| (Tick(0), input.clone()))).collect()
    };
    compare("submit, one after the other", 4 * SINGLES, |which| {
        let stage = &stages[which];
        let singles = |caller: usize| -> Vec<Input> {
            (0..SINGLES).flat_map(|_| inputs[which][caller].clone()).collect()
        };
        stage.timed(singles, |_, inputs| {
            for input in inputs {
                black_box(stage.shards.submit(Tick(0), input).unwrap());
            }
        })
    });
    compare("submit_batch", 4 * BATCH * BATCHES, |which| {
        let stage = &stages[which];
        let batches = |caller: usize| -> Vec<_> {
            (0..BATCHES).map(|_| batch(&inputs[which][caller])).collect()
        };
        stage.timed(batches, |_, batches: Vec<_>| {
            for batch in batches {
                assert!(stage.shards.submit_batch(batch).iter().all(Result::is_ok));
            }
        })
    });
    let shards = compare("P13 send+receive in the shards", 4 * CHUNK * CHUNKS, |which| {
        let stage = &stages[which];
        let labels = stage.labels;
        let back = std::sync::Mutex::new(Vec::new());
        let took = stage.timed(
            |caller| owners[which][caller].take().unwrap(),
            |session, mut by| {
                for _ in 0..CHUNKS {
                    let chunk = move |machine: &mut _| {
                        let mut value = Value::Nat(7);
                        for _ in 0..CHUNK {
                            value = exchange(machine, &by, labels, value);
                        }
                        black_box(value);
                        by
                    };
                    by = stage.shards.with(session, chunk).unwrap();
                }
                back.lock().unwrap().push(by);
            },
        );
        for by in back.into_inner().unwrap() {
            let caller = stage.sessions.iter().position(|session| *session == by.session());
            owners[which][caller.unwrap()] = Some(by);
        }
        took
    });
    println!("  of what two cores are good for: {:.0} %", 100.0 * shards / bare);
}

/// Two machines, in one thread and in two; the ratio of the medians.
fn bare(protocol: &std::sync::Arc<Protocol>) -> f64 {
    let labels = Labels::of(protocol);
    let mut machines = [1, 2].map(|id| {
        let mut machine = machine(protocol);
        let by = open(&mut machine, protocol, id);
        (machine, by)
    });
    let work = |(machine, by): &mut (Machine, Capability)| {
        let mut value = Value::Nat(7);
        for _ in 0..CHUNK * CHUNKS {
            value = exchange(machine, by, labels, value);
        }
        black_box(value);
    };
    compare("two machines without shards, in one thread and in two", 4 * CHUNK * CHUNKS, |which| {
        let start = Instant::now();
        match which {
            0 => machines.iter_mut().for_each(work),
            _ => std::thread::scope(|scope| {
                machines.iter_mut().for_each(|each| drop(scope.spawn(|| work(each))));
            }),
        }
        start.elapsed()
    })
}

/// The four inputs of an exchange.
fn exchange_inputs(by: &Capability, protocol: &Protocol) -> Vec<Input> {
    let mut inputs = Vec::new();
    for (from, to, label) in [(0, 1, "ping"), (1, 0, "pong")] {
        let (role, to, label) = (RoleIx(from), RoleIx(to), protocol.label(label).unwrap());
        let send = Act::Send(Send { role, to, label, value: Value::Nat(7), at: None });
        let receive = Act::Receive(Receive { role: to, from: role, at: None });
        inputs.extend([send, receive].map(|act| Input::Act { by: by.present().clone(), act }));
    }
    inputs
}

/// Measures with one shard and with two, in turns, prints the median and the best of each, and
/// returns the ratio of the medians.
fn compare(name: &str, messages: u64, mut round: impl FnMut(usize) -> Duration) -> f64 {
    let mut took = [Vec::new(), Vec::new()];
    // The first round is not counted: it fills caches and grows buffers.
    for index in 0..=ROUNDS {
        for (which, took) in took.iter_mut().enumerate() {
            let elapsed = round(which).as_nanos() as f64 / messages as f64;
            if index > 0 {
                took.push(elapsed);
            }
        }
    }
    let [[median, best], [median_two, best_two]] = took.map(|mut took| {
        took.sort_by(f64::total_cmp);
        [took[ROUNDS / 2], took[0]]
    });
    println!("{name}, ns a message of all");
    println!("  {:<10} {:>10} {:>10} {:>10}", "", "1 shard", "2 shards", "ratio");
    for (what, one, two) in [("median", median, median_two), ("best", best, best_two)] {
        println!("  {what:<10} {one:>10.1} {two:>10.1} {:>9.2}x", one / two);
    }
    median / median_two
}

/// How busy the machine was in the last minute, where that can be known.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("not known").to_owned()
}
