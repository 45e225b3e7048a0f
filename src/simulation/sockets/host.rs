//! The host behind its port: how it crashes, and how another one comes in its place.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use tokio::time::{Instant, sleep};

use super::{Common, Sockets, Told, heartbeat};
use crate::driver::{Hub, HubError, HubOptions, Invited, NodeError, Recovery};
use crate::journal::{JournalError, RedbJournal, Write};
use crate::machine::{Batch, Head, SessionId};
use crate::resume::server::ServerOptions;
use crate::server::{ListenOptions, Listener};
use crate::simulation::SimulationError;
use crate::simulation::crash::{CrashJournal, Fate, locked};
use crate::wire::seal::{Key, Keys};

/// How long nobody is there behind a crash, in milliseconds.
const AWAY: std::ops::RangeInclusive<u64> = 5..=300;

/// How long a port may be somebody else's meanwhile.
const TAKEN_MAX: Duration = Duration::from_secs(5);

/// The batches among what was kept.
fn batches(writes: &[Write<'_>]) -> Vec<Batch> {
    let batch = |write: &Write<'_>| match *write {
        Write::Append { session, first, count, head, bytes } => {
            let (session, head) = (SessionId(session), Head(*head));
            Some(Batch { session, first, count, bytes: Bytes::copy_from_slice(bytes), head })
        }
        _ => None,
    };
    writes.iter().filter_map(batch).collect()
}

/// See the module.
pub(super) struct Host {
    common: Arc<Common>,
    journal: PathBuf,
    keys: Keys,
    options: HubOptions,
    fate: Arc<Mutex<Fate>>,
    rng: Rng,
    address: SocketAddr,
    session: Option<SessionId>,
    running: Option<(Hub, Listener)>,
    /// How many crashes have been seen to.
    seen: u64,
    /// When the next one comes.
    back: Instant,
}

impl Host {
    /// Opens the session.
    pub(super) async fn open(
        common: &Arc<Common>,
        journal: &Path,
        fate: Arc<Mutex<Fate>>,
        rng: &mut Rng,
    ) -> Result<(Self, Invited), SimulationError> {
        drop(RedbJournal::open(journal)?);
        let keys = Keys::new(Key::new(1, std::array::from_fn(|_| rng.u8(..))), None);
        let options = HubOptions {
            server: ServerOptions { attach_burst: u32::MAX, ..ServerOptions::default() },
            // Often, so that a host that is back mostly goes on from one; and not in every run.
            snapshot_every: NonZeroU64::new(rng.u64(0..16)),
            heartbeat: heartbeat(),
            ..HubOptions::default()
        };
        let mut host = Self {
            common: Arc::clone(common),
            journal: journal.to_owned(),
            keys: keys.expect("there is one key"),
            options,
            fate,
            rng: rng.fork(),
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            session: None,
            running: None,
            seen: 0,
            back: Instant::now(),
        };
        host.start().await?;
        let (hub, _) = host.running.as_ref().expect("it has started");
        let (day, capacities) = (Duration::from_secs(24 * 60 * 60), &common.options.capacities);
        let invited = hub.open_invited(&common.protocol, capacities.clone(), day).await?;
        host.session = Some(invited.session);
        Ok((host, invited))
    }

    /// Where it listens, and all that come in its place.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether the process would have died by now.
    pub(super) fn has_crashed(&self) -> bool {
        self.running.is_some() && locked(&self.fate).crashes > self.seen
    }

    /// It is gone without a word: its shard has ended at the commit, and all connections with it.
    pub(super) async fn crash(&mut self) {
        self.end().await;
        self.later();
    }

    fn later(&mut self) {
        self.seen = locked(&self.fate).crashes;
        self.back = Instant::now() + Duration::from_millis(self.rng.u64(AWAY));
    }

    /// It ends; one that lives says goodbye.
    pub(super) async fn end(&mut self) {
        if let Some((hub, listener)) = self.running.take() {
            drop(listener);
            hub.shutdown().await;
        }
    }

    /// If it is time, another one goes on from the journal; how many records that has.
    pub(super) async fn come_back(&mut self) -> Result<Option<u64>, SimulationError> {
        if self.running.is_some() || Instant::now() < self.back {
            return Ok(None);
        }
        match self.start().await {
            Ok(records) => Ok(Some(records)),
            // It has died again while it started.
            Err(SimulationError::Hub(
                HubError::Journal(_) | HubError::Node(NodeError::Journal(_) | NodeError::Done),
            )) if locked(&self.fate).crashes > self.seen => {
                self.later();
                Ok(None)
            }
            // The one before has not let go of it.
            Err(SimulationError::Journal(JournalError::InUse)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn start(&mut self) -> Result<u64, SimulationError> {
        let kept = RedbJournal::existing(&self.journal)?;
        if let Some(session) = self.session {
            Recovery::new().verify_snapshot(&kept, session)?;
        }
        let common = Arc::clone(&self.common);
        let tell = move |writes: &[Write<'_>]| common.tell(Told::Kept(batches(writes)));
        let journal = CrashJournal::new(kept, Arc::clone(&self.fate)).telling(tell);
        let (hub, report) = Hub::start(journal, self.keys.clone(), self.options.clone())?;
        if let Some(error) = report.broken.into_iter().next() {
            return Err(error.into());
        }
        if let Some((_, unfit)) = report.unfit.into_iter().next() {
            return Err(unfit.into());
        }
        locked(&self.common.counts).spared += report.spared;
        let listener = self.listen(&hub).await?;
        self.running = Some((hub, listener));
        Ok(report.records)
    }

    async fn listen(&mut self, hub: &Hub) -> Result<Listener, SimulationError> {
        let began = Instant::now();
        loop {
            let options = match self.common.over {
                Sockets::Tcp => ListenOptions { tcp: Some(self.address), ..Default::default() },
                Sockets::WebSocket => {
                    ListenOptions { web: Some(self.address), ..Default::default() }
                }
            };
            match Listener::bind(hub, options).await {
                Ok(listener) => {
                    let bound = listener.tcp().or(listener.web());
                    self.address = bound.expect("it listens at one");
                    return Ok(listener);
                }
                Err(error)
                    if error.kind() == ErrorKind::AddrInUse && began.elapsed() < TAKEN_MAX =>
                {
                    sleep(Duration::from_millis(10)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
