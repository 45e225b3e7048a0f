//! Works that are measured in turns of one run: absolute times on a shared machine drift, and what
//! is measured in turns drifts together.

use std::hint::black_box;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use indicatif::ProgressBar;

use crate::cli::Failure;

/// How many rounds there are of what is fast.
const ROUNDS: u32 = 21;

/// From how many nanoseconds on operations are timed one by one: below, the clock would be what is
/// measured.
const SINGLE_MIN: f64 = 1_000.0;

/// The fewest and the most rounds of what is done once a round.
const ONCE_ROUNDS: std::ops::RangeInclusive<usize> = 5..=201;

/// Does as many operations as it is told, and says how long they took.
type Work<'a> = Box<dyn FnMut(u64) -> Result<Duration, Failure> + 'a>;

/// Several works.
pub(super) struct Contest<'a> {
    bar: &'a ProgressBar,
    budget: Duration,
    works: Vec<(Work<'a>, u64)>,
}

/// What an operation of a work takes.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    /// Nanoseconds, in the median of the rounds.
    pub(super) nanos: f64,
    /// Where operations were timed one by one.
    pub(super) each: Option<Each>,
}

impl Taken {
    /// The slowest but one in a hundred, as what it takes.
    pub(super) fn p99(&self) -> Self {
        let nanos = self.each.map_or(self.nanos, |each| each.p99 as f64);
        Self { nanos, each: None }
    }
}

/// Operations that were timed one by one, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Each {
    pub(super) count: u64,
    pub(super) p50: u64,
    pub(super) p99: u64,
}

/// How long work takes; its result is dropped outside.
pub(super) fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let result = work();
    let elapsed = start.elapsed();
    black_box(result);
    elapsed
}

impl<'a> Contest<'a> {
    /// A contest that takes about `seconds`, all works together.
    pub(super) fn new(bar: &'a ProgressBar, seconds: f64) -> Self {
        Self { bar, budget: Duration::from_secs_f64(seconds), works: Vec::new() }
    }

    /// With a work that does so many operations each time that it is told to do one.
    pub(super) fn with(
        mut self,
        operations: u64,
        work: impl FnMut(u64) -> Result<Duration, Failure> + 'a,
    ) -> Self {
        self.works.push((Box::new(work), operations));
        self
    }

    /// Runs all works in turns; what each has taken, in their order. A round gives each the same
    /// time.
    pub(super) fn run(mut self) -> Result<Vec<Taken>, Failure> {
        let slice = self.budget / (ROUNDS * self.works.len() as u32);
        let mut paces = Vec::new();
        for (work, operations) in &mut self.works {
            paces.push(Pace::of(work, *operations, slice)?);
        }
        let mut rounds: Vec<Rounds> = self.works.iter().map(|_| Rounds::new()).collect();
        for round in 1..=ROUNDS {
            self.bar.set_message(format!("round {round} of {ROUNDS}"));
            for (((work, operations), pace), rounds) in
                self.works.iter_mut().zip(&paces).zip(&mut rounds)
            {
                match *pace {
                    Pace::Together(times) => {
                        let took = work(times)?;
                        rounds.push(took.as_nanos() as f64 / (times * *operations) as f64);
                    }
                    Pace::Single => rounds.singles(work, *operations, slice)?,
                }
            }
        }
        Ok(rounds.into_iter().map(Rounds::taken).collect())
    }

    /// Runs all works in turns, each once a round: for what must keep step, and what takes long.
    pub(super) fn run_once_a_round(mut self) -> Result<Vec<Taken>, Failure> {
        let mut rounds: Vec<Rounds> = self.works.iter().map(|_| Rounds::new()).collect();
        let start = Instant::now();
        // The first round is not counted: it fills caches, and grows buffers and files.
        for round in 0..=*ONCE_ROUNDS.end() {
            self.bar.set_message(format!("round {round}"));
            for ((work, operations), rounds) in self.works.iter_mut().zip(&mut rounds) {
                let took = work(1)?;
                if round > 0 {
                    rounds.single(took, *operations);
                    rounds.push(took.as_nanos() as f64 / *operations as f64);
                }
            }
            if start.elapsed() > self.budget && round >= *ONCE_ROUNDS.start() {
                break;
            }
        }
        Ok(rounds.into_iter().map(Rounds::taken).collect())
    }
}

/// How often a work is done in a round.
enum Pace {
    /// So often, timed as one.
    Together(u64),
    /// As often as there is time, each timed by itself.
    Single,
}

impl Pace {
    /// Warms the work up and finds its pace.
    fn of(work: &mut Work<'_>, operations: u64, slice: Duration) -> Result<Self, Failure> {
        let mut times = 1;
        loop {
            let took = work(times)?;
            let nanos = took.as_nanos().max(1) as f64 / times as f64;
            if took * 4 >= slice || times >= 1 << 40 {
                if nanos / operations as f64 >= SINGLE_MIN {
                    return Ok(Self::Single);
                }
                let fitting = slice.as_nanos() as f64 / nanos;
                return Ok(Self::Together((fitting as u64).max(1)));
            }
            times *= 2;
        }
    }
}

/// What the rounds of a work took.
struct Rounds {
    nanos: Vec<f64>,
    each: Histogram<u64>,
}

impl Rounds {
    fn new() -> Self {
        let each = Histogram::new(3).expect("three digits are what a histogram can have");
        Self { nanos: Vec::new(), each }
    }

    fn push(&mut self, nanos: f64) {
        self.nanos.push(nanos);
    }

    /// An operation that was timed by itself; one of several at once is not.
    fn single(&mut self, took: Duration, operations: u64) {
        if operations == 1 {
            let recorded = self.each.record(took.as_nanos() as u64);
            recorded.expect("a histogram without bounds grows to what is recorded");
        }
    }

    fn singles(
        &mut self,
        work: &mut Work<'_>,
        operations: u64,
        slice: Duration,
    ) -> Result<(), Failure> {
        let (mut all, mut times) = (Duration::ZERO, 0);
        while all < slice {
            let took = work(1)?;
            self.single(took, operations);
            all += took;
            times += operations;
        }
        self.push(all.as_nanos() as f64 / times as f64);
        Ok(())
    }

    fn taken(mut self) -> Taken {
        self.nanos.sort_by(f64::total_cmp);
        let nanos = self.nanos[self.nanos.len() / 2];
        let each = (!self.each.is_empty()).then(|| Each {
            count: self.each.len(),
            p50: self.each.value_at_quantile(0.5),
            p99: self.each.value_at_quantile(0.99),
        });
        Taken { nanos, each }
    }
}
