//! A role's client over sockets: it decides at random, is killed, forgets, and comes again.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use tokio::time::{sleep, timeout};

use super::{Common, Sockets, Told, heartbeat, pause};
use crate::client::{ClientError, ClientOptions, Endpoint, Store, StoreError};
use crate::resume::Reconnect;
use crate::resume::outbox::{Ending, Memory};
use crate::simulation::SimulationError;
use crate::simulation::crash::locked;
use crate::simulation::player::{Decided, Done, decide};
use crate::transport::NetDial;
use crate::types::{Direction, Name};
use crate::wire::payload::Form;

/// How long a call waits before it is looked whether something else is to be done.
const WAIT: Duration = Duration::from_millis(20);

/// How long it takes at most to decide something, in milliseconds.
const PACE: u64 = 10;

/// What others see of it.
#[derive(Default)]
pub(super) struct State {
    /// All that it has done, by position.
    pub(super) log: Vec<Done>,
    pub(super) position: u64,
    pub(super) acked: u64,
    pub(super) is_attached: bool,
    pub(super) is_over: bool,
}

/// What outlives its process.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<Option<String>>>);

impl Store for Disk {
    fn save(&mut self, text: &str) -> Result<(), StoreError> {
        *locked(&self.0) = Some(text.to_owned());
        Ok(())
    }

    fn load(&mut self) -> Result<Option<String>, StoreError> {
        Ok(locked(&self.0).clone())
    }
}

impl Disk {
    /// Nothing is left but the token; whether there was more.
    fn forget(&self) -> bool {
        let mut text = locked(&self.0);
        let kept = text.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let Some(serde_json::Value::Object(mut kept)) = kept else { return false };
        let memory = kept.insert("memory".into(), serde_json::Value::Null);
        *text = Some(serde_json::Value::Object(kept).to_string());
        memory.is_some_and(|memory| !memory.is_null())
    }
}

/// See the module.
pub(super) struct Seat {
    common: Arc<Common>,
    index: usize,
    role: Name,
    invitation: String,
    dial: NetDial,
    disk: Disk,
    rng: Rng,
    state: Arc<Mutex<State>>,
    /// How often the endpoint that there is was attached.
    attached: u64,
    /// Whether it is known where it begins.
    has_begun: bool,
}

impl Seat {
    pub(super) fn new(
        common: &Arc<Common>,
        index: usize,
        role: &Name,
        invitation: &str,
        at: SocketAddr,
        is_text: bool,
        seed: u64,
    ) -> Result<Self, SimulationError> {
        let scheme = if common.over == Sockets::Tcp { "tcp" } else { "ws" };
        let address = format!("{scheme}://{at}").parse().expect("it is an address");
        let dial = NetDial::new(address)?;
        Ok(Self {
            common: Arc::clone(common),
            index,
            role: role.clone(),
            invitation: invitation.to_owned(),
            dial: if is_text { dial.with_text() } else { dial },
            disk: Disk::default(),
            rng: Rng::with_seed(seed),
            state: Arc::default(),
            attached: 0,
            has_begun: false,
        })
    }

    pub(super) fn state(&self) -> Arc<Mutex<State>> {
        Arc::clone(&self.state)
    }

    /// Plays until it is over.
    pub(super) async fn play(mut self) {
        if let Err(error) = self.play_on().await {
            let wrong = match error {
                Stop::Client(ClientError::Over(Ending::Session { .. })) => {
                    locked(&self.state).is_over = true;
                    return self.common.went_on();
                }
                Stop::Client(error) => {
                    let (role, ending) = (self.role.clone(), error.to_string());
                    SimulationError::Ending { role, ending }
                }
                Stop::Wrong(error) => error,
            };
            self.common.tell(Told::Failed(wrong));
        }
    }

    async fn play_on(&mut self) -> Result<(), Stop> {
        let mut endpoint = self.start()?;
        loop {
            self.look(&endpoint);
            if !self.has_begun {
                self.idle(&endpoint).await?;
                continue;
            }
            let chaos = self.common.options.chaos;
            if chaos.kill > 0.0 && self.rng.f64() < chaos.kill {
                self.common.tell(Told::Killed(self.index));
                drop(endpoint);
                endpoint = self.start()?;
                continue;
            }
            if chaos.amnesia > 0.0 && self.rng.f64() < chaos.amnesia {
                drop(endpoint);
                if self.disk.forget() {
                    self.common.tell(Told::Forgot(self.index));
                }
                endpoint = self.start()?;
                continue;
            }
            if self.act(&mut endpoint).await? {
                self.common.actions.fetch_add(1, Ordering::Relaxed);
                self.common.went_on();
                pause(&mut self.rng, PACE).await;
            }
        }
    }

    /// Another process of it, with what the one before has kept.
    fn start(&mut self) -> Result<Endpoint, ClientError> {
        (self.attached, self.has_begun) = (0, false);
        let quick = Reconnect::new(Duration::from_millis(5), Duration::from_millis(100));
        let options = ClientOptions {
            heartbeat: heartbeat(),
            reconnect: quick.expect("they are in order"),
            patience: Duration::from_millis(100),
            form: Form::of(self.dial.is_text()),
            ..ClientOptions::default()
        };
        let (dial, disk) = (self.dial.clone(), self.disk.clone());
        Endpoint::durable(dial, disk, &self.invitation, &self.role, options)
    }

    /// What has become of it meanwhile.
    fn look(&mut self, endpoint: &Endpoint) {
        let attached = endpoint.attached();
        for _ in self.attached..attached {
            self.common.tell(Told::Resumed(self.index));
        }
        self.attached = attached;
        let mut state = locked(&self.state);
        state.is_attached = endpoint.is_attached();
        let is_at = |memory: &Memory| (memory.position(), memory.acked());
        let Some((position, acked)) = endpoint.look(is_at) else { return };
        if acked > state.acked {
            self.common.went_on();
        }
        (state.position, state.acked) = (position, acked);
        if !self.has_begun {
            self.has_begun = true;
            // What it has not kept, or the machine where it kept nothing, it has not done.
            state.log.truncate(usize::try_from(position).unwrap_or(usize::MAX));
        }
    }

    /// Waits a while, and sees whether it is over.
    async fn idle(&self, endpoint: &Endpoint) -> Result<(), ClientError> {
        match timeout(WAIT, endpoint.over()).await {
            Ok(over) => Err(over),
            Err(_) => Ok(()),
        }
    }

    /// Does one thing that it may do, if there is one; whether it did.
    async fn act(&mut self, endpoint: &mut Endpoint) -> Result<bool, Stop> {
        let common = Arc::clone(&self.common);
        let (values, may_send) = (&common.options.values, !common.has_all_steps());
        let decided = endpoint
            .look(|memory| decide(memory, &common.protocol, values, may_send, &mut self.rng));
        // A call that has done something answers at once: none is given up that has.
        let done = match decided.transpose().map_err(Stop::Wrong)?.flatten() {
            Some(Decided::Send { peer, label, value }) => {
                let sending = endpoint.send_nowait(&peer, &label, value.clone());
                match timeout(WAIT, sending).await {
                    Ok(sent) => {
                        sent.map(|_| Done { direction: Direction::Send, peer, label, value })?
                    }
                    Err(_) => return Ok(false),
                }
            }
            Some(Decided::Receive) => match timeout(WAIT, endpoint.receive()).await {
                Ok(taken) => taken?.into(),
                Err(_) => return Ok(false),
            },
            None => {
                self.idle(endpoint).await?;
                sleep(Duration::from_millis(1)).await;
                return Ok(false);
            }
        };
        locked(&self.state).log.push(done);
        Ok(true)
    }
}

/// Why it plays no further.
enum Stop {
    Client(ClientError),
    Wrong(SimulationError),
}

impl From<ClientError> for Stop {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}
