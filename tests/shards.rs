//! Several machines behind one handle: what they do together is what one machine does, and what
//! goes wrong in one stays there.
#![cfg(feature = "driver")]

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::reference::script::{self, Op, Stage, Step};
use crate::strategies::cases;
use antiphon::driver::*;
use antiphon::machine::Event;
use antiphon::machine::*;
use antiphon::types::{Protocol, RoleIx, Value};
use proptest::collection::vec;
use proptest::prelude::*;

const TALK: &str = "A = rec X . B!say(nat) . X   B = rec X . A?say(nat) . X";

fn talk() -> Arc<Protocol> {
    Arc::new(TALK.parse().unwrap())
}

fn opening(protocol: &Protocol, session: SessionId) -> Input {
    Input::Open(Open {
        session,
        protocol: protocol.digest(),
        owner: Owner::new("host").unwrap(),
        capacities: Capacities::every(CAPACITY_MAX),
        policies: Vec::new(),
        journal: true,
        on_lost: OnLost::default(),
    })
}

/// Whom the session belongs to from its beginning.
fn host(session: SessionId) -> Presented {
    let scope = Scope::from_bits(7);
    let owner = Owner::new("host").unwrap();
    Presented { session, owner, generation: Generation(1), scope, hint: 0, over: None }
}

fn say(protocol: &Protocol, session: SessionId, n: u64) -> Input {
    let label = protocol.label("say").unwrap();
    let send = Send { role: RoleIx(0), to: RoleIx(1), label, value: Value::Nat(n), at: None };
    Input::Act { by: host(session), act: Act::Send(send) }
}

fn hear(session: SessionId) -> Input {
    let receive = Receive { role: RoleIx(1), from: RoleIx(0), at: None };
    Input::Act { by: host(session), act: Act::Receive(receive) }
}

/// The first ids of one shard of several.
fn ids(shard: usize, shards: usize) -> impl Iterator<Item = SessionId> {
    (0..).map(SessionId).filter(move |id| shard_of(*id, shards) == shard)
}

fn id(shard: usize, shards: usize) -> SessionId {
    ids(shard, shards).next().unwrap()
}

/// A sink that remembers everything, for all shards.
#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<Output>>>);

impl Sink for Kept {
    fn persist(&mut self, batches: &[Batch]) -> io::Result<()> {
        self.0.lock().unwrap().extend(batches.iter().cloned().map(Output::Persist));
        Ok(())
    }

    fn output(&mut self, output: Output) {
        self.0.lock().unwrap().push(output);
    }
}

/// What a session left behind.
#[derive(Debug, Default, PartialEq)]
struct Left {
    /// Its records, whatever the batches: what a batch says of one depends on those before it.
    records: Vec<Record>,
    count: u64,
    outputs: Vec<String>,
    digest: Option<StateDigest>,
}

/// The records of a batch of a session that was opened in this batch, or in one before.
fn decoded(protocols: &[Arc<Protocol>], opened: &[Record], batch: &Batch) -> Vec<Record> {
    let of = |protocol: &&Arc<Protocol>| {
        let records = Record::decode_batch(batch, protocol).ok()?;
        let first = opened.first().or(records.first())?;
        matches!(&first.event, Recorded::Input(Input::Open(open))
            if open.protocol == protocol.digest())
        .then_some(records)
    };
    protocols.iter().find_map(|protocol| of(&protocol)).expect("a batch is of its protocol")
}

/// Sorts outputs by session; the batches of each must follow each other.
fn left(protocols: &[Arc<Protocol>], outputs: Vec<Output>) -> BTreeMap<SessionId, Left> {
    let mut all: BTreeMap<SessionId, Left> = BTreeMap::new();
    for output in outputs {
        match output {
            Output::Persist(batch) => {
                let left = all.entry(batch.session).or_default();
                assert_eq!(batch.first, left.count, "{} has a gap", batch.session);
                left.count += u64::from(batch.count);
                let records = decoded(protocols, &left.records, &batch);
                left.records.extend(records);
            }
            Output::Deliver(deliver) => {
                all.entry(deliver.session).or_default().outputs.push(format!("{deliver:?}"));
            }
            Output::Event(event) => {
                let session = match &event {
                    Event::Opened { session }
                    | Event::Advanced { session, .. }
                    | Event::Authority { session, .. }
                    | Event::Draining { session }
                    | Event::Ended { session, .. }
                    | Event::Attached { session, .. }
                    | Event::Detached { session, .. }
                    | Event::Recovered { session, .. } => *session,
                    Event::TimedOut { witness, .. } => witness.session,
                    other => panic!("{other:?}"),
                };
                all.entry(session).or_default().outputs.push(format!("{event:?}"));
            }
            other => panic!("{other:?}"),
        }
    }
    all
}

/// An answer without the slot, which belongs to the machine.
fn shown(answer: &Result<Accepted, Refusal>) -> String {
    match answer {
        Ok(Accepted::Opened(by) | Accepted::Issued(by)) => {
            format!("{} {} {} {:?}", by.session(), by.owner(), by.generation(), by.scope())
        }
        other => format!("{other:?}"),
    }
}

/// What a run on one machine was told, what it answered, and what it left behind.
type Alone = (Vec<(Tick, Input)>, Vec<String>, BTreeMap<SessionId, Left>);

/// Runs a script on one machine, as a host without shards does.
fn alone(protocols: &[Arc<Protocol>], steps: &[Step]) -> Alone {
    let mut machine = Machine::observed();
    for protocol in protocols {
        machine.register(protocol);
    }
    let mut stage = Stage::new(protocols.to_vec());
    let (mut inputs, mut answers, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
    for step in steps {
        let input = stage.input(&machine, step);
        // Only what is durable can be reaped.
        if matches!(input, Input::Reap { .. }) {
            keep(&mut machine, &mut outputs);
        }
        inputs.push((Tick(stage.now), input.clone()));
        answers.push(shown(&machine.handle(Tick(stage.now), input)));
        if step.seal {
            keep(&mut machine, &mut outputs);
        }
    }
    inputs.push((Tick(stage.now + 1000), Input::Tick));
    answers.push(shown(&machine.handle(Tick(stage.now + 1000), Input::Tick)));
    keep(&mut machine, &mut outputs);
    let mut all = left(protocols, outputs);
    for session in machine.session_ids() {
        all.entry(session).or_default().digest = machine.session_digest(session);
    }
    (inputs, answers, all)
}

/// Keeps all that there is: what was set to a time that had passed runs out while it is kept.
fn keep(machine: &mut Machine, outputs: &mut Vec<Output>) {
    loop {
        let before = outputs.len();
        machine.seal();
        while let Some(output) = machine.poll() {
            if let Output::Persist(Batch { session, first, count, .. }) = output {
                let upto = first + u64::from(count);
                machine.handle(Tick(0), Input::Persisted { session, upto }).unwrap();
            }
            outputs.push(output);
        }
        if outputs.len() == before {
            return;
        }
    }
}

/// Runs the inputs on shards, so many at once as `sizes` says, over and over.
fn sharded(
    shards: usize,
    protocols: &[Arc<Protocol>],
    inputs: &[(Tick, Input)],
    sizes: &[usize],
) -> (Vec<String>, BTreeMap<SessionId, Left>) {
    let kept = Kept::default();
    let shards = Shards::of(shards, |_| (Machine::observed(), kept.clone())).unwrap();
    for protocol in protocols {
        assert_eq!(shards.register(protocol).unwrap(), protocol.digest());
    }
    let (mut answers, mut rest, mut sizes) = (Vec::new(), inputs, sizes.iter().cycle());
    while !rest.is_empty() {
        // What was answered is durable: a session is reaped when its last answer is there.
        let mut reaps = rest.iter().skip(1).map(|(_, input)| matches!(input, Input::Reap { .. }));
        let most = reaps.position(|reaps| reaps).map_or(rest.len(), |at| at + 1);
        let (now, later) = rest.split_at(most.min(*sizes.next().unwrap()));
        rest = later;
        let said = match now {
            [(now, input)] => vec![shards.submit(*now, input.clone())],
            _ => shards.submit_batch(now.to_vec()),
        };
        answers.extend(said.into_iter().map(|answer| match answer {
            Ok(accepted) => shown(&Ok(accepted)),
            Err(ShardError::Refused(refusal)) => shown(&Err(refusal)),
            Err(other) => panic!("{other}"),
        }));
    }
    let digests = shards.each(|_| {
        |machine: &mut Machine| {
            let ids = machine.session_ids().into_iter();
            ids.map(|id| (id, machine.session_digest(id))).collect::<Vec<_>>()
        }
    });
    shards.shutdown().unwrap();
    let mut all = left(protocols, std::mem::take(&mut kept.0.lock().unwrap()));
    for (shard, digests) in digests.unwrap().into_iter().enumerate() {
        for (session, digest) in digests.unwrap() {
            assert_eq!(shards.shard_of(session), shard);
            all.entry(session).or_default().digest = digest;
        }
    }
    (answers, all)
}

/// Protocols that are printed as one writes them.
#[derive(Clone)]
struct Shown(Vec<Arc<Protocol>>);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|protocol| write!(f, "\n{}", protocol.locals()))
    }
}

/// Several scripts, each about sessions of its own, as one: `order` says whose turn it is.
fn interleaved(scripts: Vec<Vec<Step>>, order: &[usize]) -> Vec<Step> {
    let mut scripts: Vec<_> = scripts.into_iter().map(Vec::into_iter).zip(0_u8..).collect();
    let (mut steps, mut order) = (Vec::new(), order.iter().cycle());
    while !scripts.is_empty() {
        let at = order.next().expect("it is a cycle") % scripts.len();
        let (script, number) = &mut scripts[at];
        let (first, third) = (4 * *number, *number % 3);
        let Some(mut step) = script.next() else {
            scripts.remove(at);
            continue;
        };
        match &mut step.op {
            Op::Open { session, protocol, .. } => {
                *session += first;
                *protocol = (*protocol + third) % 4;
            }
            Op::Act { session, .. }
            | Op::Commit { session, .. }
            | Op::Reclaim { session, .. }
            | Op::Reap(session)
            | Op::Recovered { session, .. } => {
                *session += first;
            }
            Op::Tick | Op::Repeat(_) => {}
        }
        steps.push(step);
    }
    steps
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let script = prop_oneof![
        3 => script::legal_script(true),
        1 => script::wild_script(false),
        2 => script::authority_script(true)
    ];
    (vec(script, 1..6), vec(0..6usize, 1..30))
        .prop_map(|(scripts, order)| interleaved(scripts, &order))
}

proptest! {
    #![proptest_config(cases(200))]

    // SHARD-2, SHARD-3.
    #[test]
    fn any_number_of_shards_does_what_one_machine_does(
        protocols in vec(script::protocol(), 3).prop_map(Shown),
        steps in steps(),
        sizes in vec(prop_oneof![1..4usize, 1..80usize], 1..8),
    ) {
        let (inputs, answers, wanted) = alone(&protocols.0, &steps);
        for shards in 1..=3 {
            let (said, left) = sharded(shards, &protocols.0, &inputs, &sizes);
            prop_assert_eq!(&said, &answers, "{} shards", shards);
            prop_assert_eq!(&left, &wanted, "{} shards", shards);
        }
    }
}

/// SHARD-1: these numbers hold for ever. They were computed with another program.
#[test]
fn the_shard_of_an_id_is_the_same_everywhere() {
    const COUNTS: [usize; 7] = [1, 2, 3, 4, 7, 16, 256];
    const GOLDEN: [(u128, [usize; 7]); 11] = [
        (0, [0, 1, 1, 2, 4, 10, 167]),
        (1, [0, 0, 1, 1, 2, 5, 94]),
        (2, [0, 0, 1, 1, 2, 6, 100]),
        (3, [0, 1, 2, 2, 5, 11, 188]),
        (7, [0, 1, 2, 2, 5, 11, 184]),
        (1 << 64, [0, 0, 0, 0, 0, 0, 8]),
        (1 << 64 | 1, [0, 1, 2, 3, 6, 14, 233]),
        (u128::MAX, [0, 0, 1, 1, 2, 6, 99]),
        (0x0123_4567_89ab_cdef_0123_4567_89ab_cdef, [0, 0, 1, 1, 2, 5, 93]),
        (1 << 127, [0, 0, 0, 1, 2, 5, 83]),
        (u64::MAX as u128, [0, 0, 1, 1, 2, 5, 93]),
    ];
    for (id, golden) in GOLDEN {
        assert_eq!(COUNTS.map(|count| shard_of(SessionId(id), count)), golden, "{id:x}");
    }
    // Ids that are counted are spread as well as random ones.
    for step in [1, 1 << 64, 0x1_0000_0001] {
        let mut counts = [0; 8];
        (0..8_000).for_each(|n| counts[shard_of(SessionId(n * step), 8)] += 1);
        assert!(counts.iter().all(|count| (900..1_100).contains(count)), "{step}: {counts:?}");
    }
}

/// A sink that is slow, so that work gathers, and sees how much of it comes at once.
struct Slow(Arc<Mutex<Vec<u32>>>);

impl Sink for Slow {
    fn persist(&mut self, batches: &[Batch]) -> io::Result<()> {
        std::thread::sleep(Duration::from_millis(20));
        self.0.lock().unwrap().push(batches.iter().map(|batch| batch.count).sum());
        Ok(())
    }

    fn output(&mut self, _: Output) {}
}

/// SHARD-3: also over the borders of jobs and of turns, which are no longer than they may be.
#[test]
fn a_long_batch_is_done_in_order() {
    let turns = Arc::new(Mutex::new(Vec::new()));
    let shards = Shards::of(2, |_| (Machine::new(), Slow(Arc::clone(&turns)))).unwrap();
    let talk = talk();
    shards.register(&talk).unwrap();
    let sessions = [id(0, 2), id(1, 2)];
    let count = 2 * (SHARD_TURN_MAX + SHARD_CHUNK_MAX) as u64 + 7;
    let mut inputs: Vec<_> = sessions.map(|id| (Tick(0), opening(&talk, id))).into();
    for n in 0..count {
        for session in sessions {
            inputs.extend([say(&talk, session, n), hear(session)].map(|input| (Tick(n), input)));
        }
    }
    let mut answers = shards.submit_batch(inputs).into_iter();
    assert!(answers.by_ref().take(2).all(|answer| matches!(answer, Ok(Accepted::Opened(_)))));
    for n in 0..count {
        for _ in sessions {
            let sent = Accepted::Sent { seq: Seq(n), position: Position(n + 1) };
            assert_eq!(answers.next().unwrap().unwrap(), sent);
            match answers.next().unwrap().unwrap() {
                Accepted::Received(received) => assert_eq!(received.value, Value::Nat(n)),
                other => panic!("{other:?}"),
            }
        }
    }
    let longest = turns.lock().unwrap().iter().max().copied().unwrap() as usize;
    assert!(longest < SHARD_TURN_MAX + SHARD_CHUNK_MAX, "{longest} records in a turn");
}

/// Sessions of many callers: each sees its own alone.
#[test]
fn many_threads_share_the_shards() {
    let shards = Shards::new(3).unwrap();
    let talk = talk();
    shards.register(&talk).unwrap();
    std::thread::scope(|scope| {
        for caller in 0..8_u128 {
            let (shards, talk) = (shards.clone(), &talk);
            scope.spawn(move || {
                let session = SessionId(caller);
                shards.submit(Tick(0), opening(talk, session)).unwrap();
                for n in 0..100 {
                    shards.submit(Tick(n), say(talk, session, n)).unwrap();
                    let seen = shards.with(session, move |machine| {
                        let edge = machine.session(session).unwrap().edge(RoleIx(0), RoleIx(1));
                        edge.unwrap().messages().map(|queued| queued.value.clone()).collect()
                    });
                    let seen: Vec<Value> = seen.unwrap();
                    assert_eq!(seen, [Value::Nat(n)]);
                    shards.submit(Tick(n), hear(session)).unwrap();
                }
            });
        }
    });
}

/// A sink that waits until somebody lets it go on.
struct Gate {
    reached: Sender<()>,
    go: Receiver<io::Result<()>>,
    kept: Arc<AtomicBool>,
}

impl Sink for Gate {
    fn persist(&mut self, _: &[Batch]) -> io::Result<()> {
        self.reached.send(()).unwrap();
        self.go.recv().unwrap()?;
        self.kept.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn output(&mut self, _: Output) {}
}

fn gate() -> (Gate, Receiver<()>, Sender<io::Result<()>>, Arc<AtomicBool>) {
    let ((reached, is_reached), (let_go, go)) = (channel(), channel());
    let kept = Arc::new(AtomicBool::new(false));
    (Gate { reached, go, kept: Arc::clone(&kept) }, is_reached, let_go, kept)
}

/// SHARD-4: the sink is held up, and so is the answer; also the refusal, which tells of records.
#[test]
fn an_answer_waits_until_its_records_are_kept() {
    let (gate, reached, go, kept) = gate();
    let mut gate = Some(gate);
    let shards = Shards::of(1, |_| (Machine::new(), gate.take().unwrap())).unwrap();
    let talk = talk();
    shards.register(&talk).unwrap();
    let (answered, answers) = channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let inputs =
                [opening(&talk, SessionId(1)), hear(SessionId(1))].map(|input| (Tick(0), input));
            for answer in shards.submit_batch(inputs.into()) {
                answered.send((answer, kept.load(Ordering::SeqCst))).unwrap();
            }
        });
        reached.recv().unwrap();
        // A wrong answer would be on its way now, and comes well within this time.
        let early = answers.recv_timeout(Duration::from_millis(100));
        go.send(Ok(())).unwrap();
        assert!(early.is_err(), "it came too early: {early:?}");
        let (opened, was_kept) = answers.recv().unwrap();
        assert!(matches!(opened, Ok(Accepted::Opened(_))) && was_kept);
        let (refused, was_kept) = answers.recv().unwrap();
        assert_eq!(refused.unwrap_err().refusal().unwrap().code(), "edge_empty");
        assert!(was_kept);
        // The host's own door does not wait: the sink is not even asked before it has answered.
        let session = SessionId(1);
        let say = say(&talk, session, 1);
        let sent = shards.with(session, move |machine| machine.handle(Tick(1), say).is_ok());
        assert!(sent.unwrap());
        reached.recv().unwrap();
        go.send(Ok(())).unwrap();
    });
    shards.shutdown().unwrap();
}

/// SHARD-6: what could not be kept is not answered, and its shard does nothing more.
#[test]
fn a_sink_that_fails_ends_its_shard_alone() {
    let (gate, reached, go, _) = gate();
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(NotKept), Box::new(gate)];
    let shards = Shards::of(2, |_| (Machine::new(), sinks.pop().unwrap())).unwrap();
    let talk = talk();
    shards.register(&talk).unwrap();
    let [bad, good] = [id(0, 2), id(1, 2)];
    go.send(Err(io::Error::other("the disk is full"))).unwrap();
    let inputs = [good, bad, good].map(|session| (Tick(0), opening(&talk, session)));
    let answers = shards.submit_batch(inputs.into());
    assert!(matches!(answers[..], [Ok(_), Err(ShardError::Sink { shard: 0, .. }), Ok(_)]));
    reached.recv().unwrap();
    let said = "the sink of shard 0 failed: the disk is full";
    assert_eq!(shards.with(bad, |_| ()).unwrap_err().to_string(), said);
    assert_eq!(shards.failure(0).unwrap().to_string(), said);
    assert!(shards.failure(1).is_none());
    shards.submit(Tick(1), say(&talk, good, 1)).unwrap();
    assert_eq!(shards.shutdown().unwrap_err().to_string(), said);
}

/// SHARD-6: a job panics while others wait behind it, some of them answered in the same turn.
#[test]
fn a_panic_in_a_job_ends_its_shard_alone() {
    let shards = Shards::new(2).unwrap();
    let talk = talk();
    shards.register(&talk).unwrap();
    let [bad, good] = [id(0, 2), id(1, 2)];
    for session in [bad, good] {
        shards.submit(Tick(0), opening(&talk, session)).unwrap();
    }
    let (go, gone) = channel::<()>();
    let (started, is_started) = channel();
    std::thread::scope(|scope| {
        let panics = scope.spawn(|| {
            shards.with(bad, move |_| -> () {
                started.send(()).unwrap();
                gone.recv().unwrap();
                panic!("the host's own fault")
            })
        });
        is_started.recv().unwrap();
        let waiting: Vec<_> = (0..8)
            .map(|n| {
                let (shards, talk) = (&shards, &talk);
                scope.spawn(move || match n % 2 {
                    0 => shards.submit(Tick(1), say(talk, bad, n)).map(drop),
                    _ => shards.with(bad, |_| ()),
                })
            })
            .collect();
        go.send(()).unwrap();
        let errors = std::iter::once(panics).chain(waiting).map(|it| it.join().unwrap());
        for error in errors {
            let error = error.unwrap_err();
            assert!(matches!(error, ShardError::Failed { shard: 0, .. }), "{error:?}");
            assert_eq!(error.to_string(), "shard 0 failed: the host's own fault");
        }
    });
    assert!(matches!(
        shards.try_submit(Tick(1), say(&talk, bad, 1)),
        Err(ShardError::Failed { .. })
    ));
    // The others go on, and are told the time and protocols.
    shards.submit(Tick(1), say(&talk, good, 1)).unwrap();
    shards.tick(Tick(2)).unwrap();
    let other = Arc::new("A = B!x . end   B = A?x . end".parse().unwrap());
    assert_eq!(shards.register(&other).unwrap(), other.digest());
    let there = shards.each(|_| |machine: &mut Machine| machine.sessions_len()).unwrap();
    assert!(matches!(there[..], [Err(ShardError::Failed { .. }), Ok(1)]));
    assert!(matches!(shards.shutdown(), Err(ShardError::Failed { .. })));
}

/// A sink that panics, at an event.
struct Panics;

impl Sink for Panics {
    fn persist(&mut self, _: &[Batch]) -> io::Result<()> {
        Ok(())
    }

    fn output(&mut self, output: Output) {
        panic!("{}", format!("{output:?}").split(' ').next().unwrap());
    }
}

#[test]
fn a_panic_in_a_sink_ends_its_shard_and_is_told() {
    let shards = Shards::of(1, |_| (Machine::observed(), Panics)).unwrap();
    let talk = talk();
    shards.register(&talk).unwrap();
    let error = shards.submit(Tick(0), opening(&talk, SessionId(1))).unwrap_err();
    assert_eq!(error.to_string(), "shard 0 failed: Event(Opened");
    let error = shards.tick(Tick(0)).unwrap_err();
    assert!(matches!(error, ShardError::Failed { .. }));
    assert!(matches!(shards.register(&talk), Err(ShardError::Failed { .. })));
}

/// SHARD-5: the queue is filled to its limit while the shard is busy.
#[test]
fn a_full_queue_refuses_or_waits() {
    let shards = Shards::new(1).unwrap();
    let (go, gone) = channel::<()>();
    let (started, is_started) = channel();
    let (said, answers) = channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            shards.with(SessionId(0), move |_| {
                started.send(()).unwrap();
                gone.recv().unwrap();
            })
        });
        is_started.recv().unwrap();
        for _ in 0..SHARD_QUEUE_MAX + 3 {
            let (shards, said) = (&shards, said.clone());
            scope.spawn(move || said.send(shards.try_submit(Tick(0), Input::Tick)).unwrap());
        }
        let full = [(); 3].map(|()| answers.recv().unwrap());
        let more = answers.try_recv();
        let waits = scope.spawn(|| shards.submit(Tick(0), Input::Tick));
        go.send(()).unwrap();
        for full in full {
            assert_eq!(full.unwrap_err().to_string(), "the queue of shard 0 is full");
        }
        assert!(more.is_err(), "as many wait as there is room for");
        for _ in 0..SHARD_QUEUE_MAX {
            assert_eq!(answers.recv().unwrap().unwrap(), Accepted::Done);
        }
        assert_eq!(waits.join().unwrap().unwrap(), Accepted::Done);
    });
}

/// SHARD-5: one shard of two is full: the time was not told to all, and nobody says that it was.
#[test]
fn a_tick_that_one_shard_has_no_room_for_is_not_done() {
    let shards = Shards::new(2).unwrap();
    let busy = id(1, 2);
    let (go, gone) = channel::<()>();
    let (started, is_started) = channel();
    std::thread::scope(|scope| {
        let shards = &shards;
        scope.spawn(move || {
            shards.with(busy, move |_| {
                started.send(()).unwrap();
                gone.recv().unwrap();
            })
        });
        is_started.recv().unwrap();
        let (said, full) = channel();
        let talk = talk();
        for _ in 0..=SHARD_QUEUE_MAX {
            let (said, say) = (said.clone(), say(&talk, busy, 1));
            scope.spawn(move || said.send(shards.try_submit(Tick(0), say).unwrap_err()).unwrap());
        }
        let first = full.recv().unwrap();
        let (told, tick) = channel();
        scope.spawn(move || told.send(shards.try_submit(Tick(0), Input::Tick)).unwrap());
        // It would wait for the busy shard if it were not refused, and then not be.
        let tick = tick.recv_timeout(Duration::from_secs(10));
        go.send(()).unwrap();
        assert!(matches!(first, ShardError::Full { shard: 1 }), "{first:?}");
        assert!(matches!(tick, Ok(Err(ShardError::Full { shard: 1 }))), "{tick:?}");
        for _ in 0..SHARD_QUEUE_MAX {
            assert!(matches!(full.recv().unwrap(), ShardError::Refused(_)));
        }
    });
}

/// SHARD-7.
#[test]
fn the_next_timer_is_the_first_of_all_shards() {
    let kept = Kept::default();
    let shards = Shards::of(3, |_| (Machine::new(), kept.clone())).unwrap();
    let talk = talk();
    shards.register(&talk).unwrap();
    assert_eq!(shards.poll_timeout(), None);
    let deadlines = [(id(0, 3), 40), (id(1, 3), 20), (id(2, 3), 30)];
    let mut first = u64::MAX;
    for (session, deadline) in deadlines {
        // A message on its edge keeps the session from closing at once.
        let drain = Act::Drain { deadline: Some(Tick(deadline)) };
        let drain = Input::Act { by: host(session), act: drain };
        let inputs = [opening(&talk, session), say(&talk, session, 1), drain];
        let answers = shards.submit_batch(inputs.map(|input| (Tick(0), input)).into());
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        first = first.min(deadline);
        assert_eq!(shards.poll_timeout(), Some(Tick(first)));
    }
    for (now, next) in [(19, Some(20)), (20, Some(30)), (35, Some(40)), (40, None)] {
        shards.tick(Tick(now)).unwrap();
        assert_eq!(shards.poll_timeout(), next.map(Tick), "at {now}");
    }
    // What ran out was kept before `tick` returned.
    let left = left(std::slice::from_ref(&talk), std::mem::take(&mut kept.0.lock().unwrap()));
    assert!(deadlines.iter().all(|(session, _)| left[session].count == 4), "{left:?}");
    // The host's own door counts, too; a shard that failed wants nothing.
    let session = ids(1, 3).nth(1).unwrap();
    let inputs = [
        opening(&talk, session),
        say(&talk, session, 1),
        Input::Act { by: host(session), act: Act::Drain { deadline: Some(Tick(99)) } },
    ];
    let done = shards
        .with(session, move |machine| inputs.map(|input| machine.handle(Tick(50), input).is_ok()));
    assert_eq!((done.unwrap(), shards.poll_timeout()), ([true; 3], Some(Tick(99))));
    shards.with(session, |_| -> () { panic!("on purpose") }).unwrap_err();
    assert_eq!(shards.poll_timeout(), None);
}

/// SHARD-8: whatever would wait is refused, in jobs and in sinks.
#[test]
fn inside_a_shard_nobody_waits_for_one() {
    let shards = Shards::new(2).unwrap();
    let handle = shards.clone();
    let errors = shards.with(SessionId(1), move |_| {
        let talk = talk();
        let inside = |error: ShardError| matches!(error, ShardError::Inside);
        [
            inside(handle.submit(Tick(0), Input::Tick).unwrap_err()),
            inside(handle.try_submit(Tick(0), hear(SessionId(2))).unwrap_err()),
            inside(handle.with(SessionId(0), |_| ()).unwrap_err()),
            inside(handle.each(|_| |_: &mut Machine| ()).unwrap_err()),
            inside(handle.register(&talk).unwrap_err()),
            inside(handle.tick(Tick(0)).unwrap_err()),
            inside(handle.shutdown().unwrap_err()),
            handle
                .submit_batch(vec![(Tick(0), Input::Tick); 2])
                .into_iter()
                .map(Result::unwrap_err)
                .all(inside),
        ]
    });
    assert_eq!(errors.unwrap(), [true; 8]);
    shards.shutdown().unwrap();
}

/// SHARD-9: what stands in the queue in front of the end is done, and nothing behind it.
#[test]
fn shutting_down_does_what_was_asked_before() {
    let kept = Kept::default();
    let shards = Shards::of(2, |_| (Machine::new(), kept.clone())).unwrap();
    let talk = talk();
    shards.register(&talk).unwrap();
    let session = id(0, 2);
    shards.submit(Tick(0), opening(&talk, session)).unwrap();
    let say_it = say(&talk, session, 1);
    shards.with(session, |machine| machine.handle(Tick(1), say_it).is_ok()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| shards.shutdown().unwrap());
        shards.shutdown().unwrap();
    });
    assert_eq!(
        left(std::slice::from_ref(&talk), std::mem::take(&mut kept.0.lock().unwrap()))[&session]
            .count,
        2
    );
    let refused = shards.submit(Tick(2), say(&talk, session, 2)).unwrap_err();
    assert_eq!(refused.to_string(), "the shards were shut down");
    assert!(matches!(shards.with(session, |_| ()), Err(ShardError::ShutDown)));
    assert!(matches!(shards.try_submit(Tick(2), Input::Tick), Err(ShardError::ShutDown)));
    assert!(matches!(shards.tick(Tick(2)), Err(ShardError::ShutDown)));
    assert!(matches!(shards.register(&talk), Err(ShardError::ShutDown)));
    assert!(shards.submit_batch(vec![(Tick(2), hear(session))])[0].is_err());
    assert_eq!(shards.poll_timeout(), None);
}

/// A sink that says when it is dropped, as it is when its thread is over.
struct Dropped(Sender<usize>, usize);

impl Sink for Dropped {
    fn persist(&mut self, _: &[Batch]) -> io::Result<()> {
        Ok(())
    }

    fn output(&mut self, _: Output) {}
}

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.send(self.1).unwrap();
    }
}

#[test]
fn the_last_handle_ends_the_threads_also_when_it_goes_inside() {
    let (said, dropped) = channel();
    let shards = Shards::of(3, |shard| (Machine::new(), Dropped(said.clone(), shard))).unwrap();
    drop(shards.clone());
    shards.tick(Tick(0)).unwrap();
    drop(shards);
    let over: HashSet<usize> = dropped.try_iter().collect();
    assert_eq!(over, HashSet::from([0, 1, 2]), "they are over when the drop has returned");

    let shards = Shards::of(3, |shard| (Machine::new(), Dropped(said.clone(), shard))).unwrap();
    let handle = shards.clone();
    let (go, gone) = channel::<()>();
    let caller = std::thread::spawn(move || {
        let last = handle.clone();
        let work = handle.with(SessionId(1), move |_| {
            gone.recv().unwrap();
            drop(last);
        });
        work.unwrap();
        drop(handle);
    });
    drop(shards);
    go.send(()).unwrap();
    caller.join().unwrap();
    let over: HashSet<usize> = (0..3).map(|_| dropped.recv().unwrap()).collect();
    assert_eq!(over, HashSet::from([0, 1, 2]));
}

#[test]
fn what_is_durable_is_said_by_the_sink_alone() {
    let shards = Shards::new(2).unwrap();
    let persisted = Input::Persisted { session: SessionId(1), upto: 9 };
    let answers = shards.submit_batch(vec![(Tick(0), persisted.clone()), (Tick(0), Input::Tick)]);
    assert!(matches!(answers[..], [Err(ShardError::SinkOnly), Ok(Accepted::Done)]));
    assert!(matches!(shards.try_submit(Tick(0), persisted), Err(ShardError::SinkOnly)));
    assert!(shards.submit_batch(Vec::new()).is_empty());
}

#[test]
fn there_are_shards_or_a_reason_why_not() {
    assert!(matches!(Shards::new(0), Err(StartError::Count(0))));
    let error = Shards::new(SHARDS_MAX + 1).unwrap_err();
    assert_eq!(error.to_string(), "257 shards: there are from 1 to 256");
    let shards = Shards::new(SHARDS_MAX).unwrap();
    assert_eq!((shards.count(), format!("{shards:?}")), (256, "Shards(256)".into()));
    let talk = talk();
    let error = Shards::of(2, |_| {
        let mut machine = Machine::new();
        machine.register(&talk);
        machine.handle(Tick(0), opening(&talk, id(1, 2))).unwrap();
        (machine, NotKept)
    });
    assert!(matches!(error, Err(StartError::Misplaced { shard: 0, belongs: 1, .. })));
    fn shared<T: std::marker::Send + Sync + Clone>() {}
    shared::<Shards>();
}

/// SHARD-2: the host starts again with another number of cores, from what was kept.
#[test]
fn journals_go_on_in_another_number_of_shards() {
    let talk = talk();
    let sessions: Vec<SessionId> = (1..=12).map(SessionId).collect();
    let kept = Kept::default();
    let mut digests = Vec::new();
    let digest = |shards: &Shards, session: SessionId| {
        shards.with(session, move |machine| machine.session_digest(session).unwrap()).unwrap()
    };
    for (start, count) in [(0_u64, 3), (1, 2), (2, 5)] {
        // Each machine begins with the sessions that belong to it now.
        let batches = std::mem::take(&mut *kept.0.lock().unwrap());
        let shards = Shards::of(count, |shard| {
            let mut machine = Machine::new();
            machine.register(&talk);
            for output in &batches {
                let Output::Persist(batch) = output else { panic!("{output:?}") };
                if shard_of(batch.session, count) == shard {
                    for record in Record::decode_batch(batch, &talk).unwrap() {
                        machine.replay_record(batch.session, &record).unwrap();
                    }
                    machine.resume_journal(batch.session, batch.head);
                }
            }
            (machine, kept.clone())
        })
        .unwrap();
        kept.0.lock().unwrap().extend(batches);
        let found: Vec<StateDigest> = match start {
            0 => Vec::new(),
            _ => sessions.iter().map(|session| digest(&shards, *session)).collect(),
        };
        assert_eq!(found, digests, "{count} shards");
        for session in &sessions {
            if start == 0 {
                shards.submit(Tick(0), opening(&talk, *session)).unwrap();
            }
            for _ in 0..=session.0 % 3 {
                shards.submit(Tick(start), say(&talk, *session, start)).unwrap();
            }
            shards.submit(Tick(start), hear(*session)).unwrap();
        }
        digests = sessions.iter().map(|session| digest(&shards, *session)).collect();
        shards.shutdown().unwrap();
    }
    let left = left(std::slice::from_ref(&talk), std::mem::take(&mut kept.0.lock().unwrap()));
    for session in &sessions {
        assert_eq!(u128::from(left[session].count), 1 + 3 * (session.0 % 3 + 2));
    }
}
