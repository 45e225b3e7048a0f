//! The same over real sockets of this machine, in real time: a hub behind a port, an endpoint for
//! each role, and between them proxies that wear and cut what passes.
//!
//! A seed makes the same choices, and not the same run: sockets and threads have their own time.
//!
//! Clauses: SIM-5, SIM-6.

mod host;
mod proxy;
mod seat;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use self::host::Host;
use self::proxy::Proxy;
use self::seat::{Seat, State};
use super::crash::{Fate, locked};
use super::player::Done;
use super::report::{Counts, Moment, Options, Report, SimulationError};
use super::verdict;
use crate::journal::RedbJournal;
use crate::machine::{Batch, Input, Machine, Output, Record, Recorded, SessionId};
use crate::resume::Heartbeat;
use crate::types::{Name, Protocol};

/// How often it is looked whether the host has crashed, and whether the run is over.
const LOOK: Duration = Duration::from_millis(10);

/// For how long nothing new is done before a run that has been stopped is over.
const QUIET: Duration = Duration::from_secs(2);

/// And where somebody has still something to say: it waits for room that nobody makes any more.
const SILENT: Duration = Duration::from_secs(5);

/// How long a run may take.
const RUN_MAX: Duration = Duration::from_secs(60);

/// What is spoken between hosts and clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sockets {
    /// Frames behind their lengths.
    Tcp,
    /// WebSockets.
    WebSocket,
}

/// What is told of a run while it goes on.
enum Told {
    /// A commit, with the batches of the session.
    Kept(Vec<Batch>),
    Cut(usize),
    Resumed(usize),
    Killed(usize),
    Forgot(usize),
    Failed(SimulationError),
}

/// What all have in common.
struct Common {
    protocol: Arc<Protocol>,
    options: Options,
    over: Sockets,
    told: UnboundedSender<Told>,
    counts: Mutex<Counts>,
    actions: AtomicU64,
    started: Instant,
    /// When somebody has done something new last, in milliseconds.
    progress: AtomicU64,
}

impl Common {
    fn has_all_steps(&self) -> bool {
        self.actions.load(Ordering::Relaxed) >= self.options.steps
    }

    fn tell(&self, what: Told) {
        // Nobody listens to what happens behind the end.
        let _ = self.told.send(what);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn went_on(&self) {
        self.progress.store(self.now(), Ordering::Relaxed);
    }
}

/// Short enough to find half-open connections soon.
fn heartbeat() -> Heartbeat {
    let (often, dead) = (Duration::from_millis(300), Duration::from_millis(1_500));
    Heartbeat::new(often, dead).expect("it is longer")
}

/// Runs one session over sockets of this machine, and judges it. The journal is a new file of redb;
/// `show` is told what happens, with the time in milliseconds.
///
/// # Errors
/// [`SimulationError`], if something went wrong that no chaos excuses.
pub fn simulate_over(
    protocol: &Arc<Protocol>,
    options: &Options,
    over: Sockets,
    journal: &Path,
    show: impl FnMut(u64, Moment<'_>),
) -> Result<Report, SimulationError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (told, heard) = unbounded_channel();
        let common = Arc::new(Common {
            protocol: Arc::clone(protocol),
            options: options.clone(),
            over,
            told,
            counts: Mutex::default(),
            actions: AtomicU64::new(0),
            started: Instant::now(),
            progress: AtomicU64::new(0),
        });
        let mirror = Machine::observed();
        let mut run = Run { common, show, heard, mirror: Some(mirror), seats: Vec::new() };
        run.all(journal).await
    })
}

struct Run<S> {
    common: Arc<Common>,
    show: S,
    heard: UnboundedReceiver<Told>,
    /// What the journal comes to, as it grows: it says what happens. None behind a record that does
    /// not re-execute.
    mirror: Option<Machine>,
    seats: Vec<Arc<Mutex<State>>>,
}

impl<S: FnMut(u64, Moment<'_>)> Run<S> {
    async fn all(&mut self, journal: &Path) -> Result<Report, SimulationError> {
        let common = Arc::clone(&self.common);
        let mut rng = Rng::with_seed(common.options.seed);
        // The host's own beginning is not the story: it does not crash before there is a session.
        let fate = Fate::new(rng.u64(..), 0.0);
        let (mut host, invited) = Host::open(&common, journal, Arc::clone(&fate), &mut rng).await?;
        if let Some(mirror) = &mut self.mirror {
            mirror.register(&common.protocol);
        }
        locked(&fate).likely = common.options.chaos.crash;
        let (mut proxies, mut playing) = (JoinSet::new(), JoinSet::new());
        for (index, (role, invitation)) in invited.invitations.iter().enumerate() {
            let is_text = common.over == Sockets::WebSocket && rng.bool();
            let (seed, host) = (rng.u64(..), host.address());
            let proxy = Proxy::bind(&common, index, host, is_text, seed).await?;
            let address = proxy.address();
            proxies.spawn(proxy.accept());
            let seat = Seat::new(&common, index, role, invitation, address, is_text, rng.u64(..))?;
            self.seats.push(seat.state());
            playing.spawn(seat.play());
        }
        let went = self.until_over(&mut host, invited.session).await;
        drop(playing);
        drop(proxies);
        locked(&fate).likely = 0.0;
        host.end().await;
        self.show_all(invited.session)?;
        went?;
        let crashes = locked(&fate).crashes;
        let took = common.started.elapsed();
        self.report(journal, invited.session, crashes, took)
    }

    async fn until_over(
        &mut self,
        host: &mut Host,
        session: SessionId,
    ) -> Result<(), SimulationError> {
        while !self.is_over() {
            if self.common.started.elapsed() > RUN_MAX {
                let (seconds, waiting) = (RUN_MAX.as_secs(), self.waiting());
                return Err(SimulationError::Late { seconds, waiting });
            }
            if let Ok(Some(told)) = timeout(LOOK, self.heard.recv()).await {
                self.show_one(session, told)?;
            }
            if host.has_crashed() {
                // What it had kept before comes first.
                self.show_all(session)?;
                (self.show)(self.common.now(), Moment::Crashed);
                host.crash().await;
            }
            if let Some(records) = host.come_back().await? {
                (self.show)(self.common.now(), Moment::Restarted(records));
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        let quiet = self.common.now().saturating_sub(self.common.progress.load(Ordering::Relaxed));
        let quiet = Duration::from_millis(quiet);
        let (mut all_over, mut all_said) = (true, true);
        for seat in &self.seats {
            let state = locked(seat);
            all_over &= state.is_over;
            all_said &= state.is_over || state.is_attached && state.acked >= state.position;
        }
        all_over || self.common.has_all_steps() && (quiet > SILENT || all_said && quiet > QUIET)
    }

    fn show_all(&mut self, session: SessionId) -> Result<(), SimulationError> {
        while let Ok(told) = self.heard.try_recv() {
            self.show_one(session, told)?;
        }
        Ok(())
    }

    fn show_one(&mut self, session: SessionId, told: Told) -> Result<(), SimulationError> {
        let (common, now) = (Arc::clone(&self.common), self.common.now());
        let role = |index: usize| common.protocol.roles().nth(index).expect("it has a seat");
        match told {
            Told::Kept(batches) => {
                locked(&common.counts).commits += 1;
                for batch in batches.iter().filter(|batch| batch.session == session) {
                    self.show_kept(now, batch);
                }
            }
            Told::Cut(index) => (self.show)(now, Moment::Cut(role(index))),
            Told::Resumed(index) => {
                locked(&common.counts).resumes += 1;
                (self.show)(now, Moment::Resumed(role(index)));
            }
            Told::Killed(index) => {
                locked(&common.counts).kills += 1;
                (self.show)(now, Moment::Killed(role(index)));
            }
            Told::Forgot(index) => {
                locked(&common.counts).amnesias += 1;
                (self.show)(now, Moment::Forgot(role(index)));
            }
            Told::Failed(error) => return Err(error),
        }
        Ok(())
    }

    /// A record that does not re-execute is for the verdict to name.
    fn show_kept(&mut self, now: u64, batch: &Batch) {
        let Some(mut mirror) = self.mirror.take() else { return };
        let Ok(records) = Record::decode_batch(batch, &self.common.protocol) else { return };
        for Record { tick, event, .. } in records {
            // It acts, and does not replay: of what is replayed no machine says anything.
            let done = match event {
                Recorded::Input(input) => mirror.handle(tick, input),
                Recorded::Expired(_) => mirror.handle(tick, Input::Tick),
                Recorded::Recovered { fencing } => {
                    mirror.handle(tick, Input::Recovered { session: batch.session, fencing })
                }
            };
            if done.is_err() {
                return;
            }
            mirror.seal();
            while let Some(output) = mirror.poll() {
                match output {
                    Output::Persist(Batch { session, first, count, .. }) => {
                        let upto = first + u64::from(count);
                        // It is kept already.
                        let _ = mirror.handle(tick, Input::Persisted { session, upto });
                    }
                    Output::Event(event) => (self.show)(now, Moment::Kept(&event)),
                    Output::Deliver(_) => {}
                }
            }
        }
        self.mirror = Some(mirror);
    }

    /// Who is where, for somebody who wants to know why it is not over.
    fn waiting(&self) -> String {
        let seats = self.common.protocol.roles().zip(&self.seats).map(|(role, seat)| {
            let state = locked(seat);
            format!(
                "`{role}` at {}, of which {} are acknowledged, attached {}",
                state.position, state.acked, state.is_attached
            )
        });
        seats.collect::<Vec<_>>().join("; ")
    }

    fn report(
        &mut self,
        journal: &Path,
        session: SessionId,
        crashes: u64,
        took: Duration,
    ) -> Result<Report, SimulationError> {
        let protocol = &self.common.protocol;
        let kept = RedbJournal::existing(journal)?;
        let states: Vec<_> = self.seats.iter().map(|seat| locked(seat)).collect();
        let logs: Vec<(Name, &[Done])> = protocol
            .roles()
            .zip(&states)
            .map(|(role, state)| (role.clone(), &state.log[..]))
            .collect();
        let (verdict, text) = verdict::of(&kept, protocol, session, &logs);
        let mut counts = *locked(&self.common.counts);
        counts.crashes = crashes;
        counts.resumes = counts.resumes.saturating_sub(self.seats.len() as u64);
        Ok(Report {
            session,
            actions: logs.iter().map(|(_, log)| log.len() as u64).sum(),
            ended: verdict::ended(&kept, protocol, session),
            counts,
            took,
            verdict,
            journal: text,
        })
    }
}

/// A pause of chance.
async fn pause(rng: &mut Rng, most: u64) {
    sleep(Duration::from_millis(rng.u64(1..=most))).await;
}
