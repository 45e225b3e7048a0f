//! The endpoint of a role at the other end of a link.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::link;
use super::store::{Store, StoreError};
use crate::resume::outbox::{Client, Ending, Memory, OUTBOX_DEFAULT, OutboxRefusal, Taken};
use crate::resume::{Heartbeat, Reconnect};
use crate::transport::Dial;
use crate::types::{Name, Value};
use crate::wire::frame::FRAME_BYTES_MAX;
use crate::wire::payload::Form;

/// How a client behaves.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// How often either end shows that it is there.
    pub heartbeat: Heartbeat,
    /// How long to wait between attempts to connect, and how many there are.
    pub reconnect: Reconnect,
    /// How long an answer is waited for before everything is said again.
    pub patience: Duration,
    /// How many actions may be unacknowledged.
    pub outbox: usize,
    /// The longest frame that is read, in bytes.
    pub frame_bytes_max: usize,
    /// The form of frames.
    pub form: Form,
    /// The secret that the host asks for.
    pub secret: Option<SmolStr>,
    /// Which role, where a token is for several.
    pub role: Option<SmolStr>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            heartbeat: Heartbeat::default(),
            reconnect: Reconnect::default(),
            patience: Duration::from_secs(5),
            outbox: OUTBOX_DEFAULT,
            frame_bytes_max: FRAME_BYTES_MAX,
            form: Form::Binary,
            secret: None,
            role: None,
        }
    }
}

/// Why a call did not do what it was to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// It is not allowed, or has no room; nothing has changed.
    #[error(transparent)]
    Refused(#[from] OutboxRefusal),
    /// It is over for this role.
    #[error("{0}")]
    Over(Ending),
    /// There is no further attempt to connect.
    #[error("not connected: {0}")]
    Unreachable(Arc<str>),
    /// The host does not do it.
    #[error("rejected [{code}]: {message}")]
    Rejected {
        /// Why, as one stable word.
        code: SmolStr,
        /// Why, for people.
        message: SmolStr,
    },
    /// What has to be kept could not be kept.
    #[error("{0}")]
    Store(Arc<str>),
}

impl From<StoreError> for ClientError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string().into())
    }
}

/// What the calls of an endpoint and its link share.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Something has come, or it is over.
    pub(super) changed: Notify,
    /// There is something to say.
    pub(super) wake: Notify,
}

pub(super) struct State {
    pub(super) client: Client,
    pub(super) store: Option<Box<dyn Store>>,
    /// What was saved is not what there is.
    pub(super) is_dirty: bool,
    pub(super) failed: Option<ClientError>,
    /// How often it was attached.
    pub(super) attached: u64,
}

/// What a store keeps.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    token: String,
    role: Option<String>,
    memory: Option<String>,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // The client changes only at once: a panic of somebody who held it left it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// PEER-3: keeps what there is, before anything of it is said.
    pub(super) fn keep(&mut self) -> Result<(), StoreError> {
        if !self.is_dirty {
            return Ok(());
        }
        if let Some(store) = &mut self.store
            && let Some(token) = self.client.token()
        {
            let memory = self.client.memory().map(Memory::text).transpose();
            let kept = Kept {
                token: token.to_owned(),
                role: self.client.role().map(str::to_owned),
                memory: memory.map_err(StoreError::new)?,
            };
            store.save(&serde_json::to_string(&kept).map_err(StoreError::new)?)?;
        }
        self.is_dirty = false;
        Ok(())
    }

    fn usable(&self) -> Result<(), ClientError> {
        match (&self.failed, self.client.over()) {
            (Some(failed), _) => Err(failed.clone()),
            (None, Some(over)) => Err(ClientError::Over(over.clone())),
            (None, None) => Ok(()),
        }
    }
}

/// The endpoint of a role at the other end of a link. It has the link as long as it lives.
pub struct Endpoint {
    shared: Arc<Shared>,
    link: JoinHandle<()>,
}

impl Endpoint {
    /// Comes with an invitation or a handoff token, in the name of `owner`. Whether it is good
    /// shows at the first call that waits. Must be called on a runtime of tokio.
    #[must_use]
    pub fn join(dial: impl Dial, token: &str, owner: &str, options: ClientOptions) -> Self {
        let client = Client::join(0, options.form, token, owner);
        Self::start(dial, client, None, options)
    }

    /// Comes with a resume token, and remembers nothing: it goes on from what the host says.
    #[must_use]
    pub fn resume(dial: impl Dial, token: &str, options: ClientOptions) -> Self {
        let client = Client::resume(0, options.form, token, None);
        Self::start(dial, client, None, options)
    }

    /// PEER-4: goes on with what a store has, or joins with an invitation if it has nothing; keeps
    /// in the store what its process must not lose.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn durable(
        dial: impl Dial,
        mut store: impl Store,
        token: &str,
        owner: &str,
        options: ClientOptions,
    ) -> Result<Self, ClientError> {
        let client = match store.load()? {
            None => Client::join(0, options.form, token, owner),
            Some(text) => {
                let kept: Kept = serde_json::from_str(&text).map_err(StoreError::new)?;
                let memory = kept.memory.as_deref().map(Memory::read).transpose();
                let memory = memory.map_err(StoreError::new)?;
                let client = Client::resume(0, options.form, &kept.token, memory);
                match &kept.role {
                    Some(role) => client.for_role(role),
                    None => client,
                }
            }
        };
        Ok(Self::start(dial, client, Some(Box::new(store)), options))
    }

    fn start(
        dial: impl Dial,
        client: Client,
        store: Option<Box<dyn Store>>,
        options: ClientOptions,
    ) -> Self {
        let client = client.with_outbox(options.outbox);
        let client = match &options.role {
            Some(role) => client.for_role(role),
            None => client,
        };
        let state = State { client, store, is_dirty: false, failed: None, attached: 0 };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Notify::new(),
            wake: Notify::new(),
        });
        let link = tokio::spawn(link::drive(Arc::clone(&shared), dial, options));
        Self { shared, link }
    }

    /// Looks after every change until there is something.
    async fn until<T>(
        &self,
        mut look: impl FnMut(&mut State) -> Option<Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            // Listen first, so that a change between the look and the wait is not missed.
            changed.as_mut().enable();
            if let Some(found) = look(&mut self.shared.state()) {
                return found;
            }
            changed.await;
        }
    }

    /// PEER-1: decides a send, and waits until the host has performed and kept it. A future that is
    /// dropped meanwhile undoes nothing: what was decided is sent.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn send(
        &mut self,
        to: &str,
        label: &str,
        value: impl Into<Value>,
    ) -> Result<u64, ClientError> {
        let at = self.send_nowait(to, label, value).await?;
        self.kept(at).await?;
        Ok(at + 1)
    }

    /// PEER-2: decides a send, and does not wait for more than room in the outbox; its position,
    /// for [`kept`](Self::kept).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn send_nowait(
        &mut self,
        to: &str,
        label: &str,
        value: impl Into<Value>,
    ) -> Result<u64, ClientError> {
        let value = value.into();
        let at = self.until(|state| decide(state, to, label, &value)).await?;
        self.shared.wake.notify_one();
        Ok(at)
    }

    /// Waits until the action at this position is kept.
    ///
    /// # Errors
    /// [`ClientError`], if it is over before.
    pub async fn kept(&self, at: u64) -> Result<(), ClientError> {
        self.until(|state| {
            let is_kept = state.client.memory().is_some_and(|memory| memory.acked() > at);
            if is_kept { Some(Ok(())) } else { state.usable().err().map(Err) }
        })
        .await
    }

    /// Consumes the next message from `from`; its label and value.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn receive_from(&mut self, from: &str) -> Result<(Name, Value), ClientError> {
        self.take(Some(from)).await.map(|taken| (taken.label, taken.value))
    }

    /// Consumes the next message from whoever may send; with the position behind it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn receive(&mut self) -> Result<Taken, ClientError> {
        self.take(None).await
    }

    async fn take(&mut self, from: Option<&str>) -> Result<Taken, ClientError> {
        let taken = self.until(|state| match state.client.receive(from) {
            Ok(taken) => {
                state.is_dirty = true;
                Some(Ok(taken))
            }
            Err(refusal) => waits(state, refusal),
        });
        let taken = taken.await?;
        self.shared.wake.notify_one();
        Ok(taken)
    }

    /// PEER-2: waits until everything that it has done is kept, what it has received too; or the
    /// session has ended, in which case it never will be more.
    ///
    /// # Errors
    /// [`ClientError`], where it is over otherwise.
    pub async fn close(self) -> Result<(), ClientError> {
        self.shared.state().client.again();
        self.shared.wake.notify_one();
        self.until(|state| {
            let memory = state.client.memory()?;
            if memory.acked() >= memory.position() {
                return Some(Ok(()));
            }
            match state.usable() {
                Err(ClientError::Over(Ending::Session { .. })) => Some(Ok(())),
                other => other.err().map(Err),
            }
        })
        .await
    }

    /// How many actions it has performed; `None` until it was attached first.
    #[must_use]
    pub fn position(&self) -> Option<u64> {
        self.shared.state().client.memory().map(Memory::position)
    }

    /// Waits until it was attached first, or goes on with what it remembers.
    ///
    /// # Errors
    /// [`ClientError`], if it is over before.
    pub async fn ready(&self) -> Result<(), ClientError> {
        self.until(|state| match state.client.memory() {
            Some(_) => Some(Ok(())),
            None => state.usable().err().map(Err),
        })
        .await
    }

    /// Whether it is attached now: what it does is performed as soon as it is.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.shared.state().client.is_attached()
    }

    /// Looks at where it is and what it may do; `None` until it was attached first.
    pub fn look<T>(&self, look: impl FnOnce(&Memory) -> T) -> Option<T> {
        self.shared.state().client.memory().map(look)
    }

    /// Its resume token, once it was attached: to come back from another process.
    #[must_use]
    pub fn token(&self) -> Option<String> {
        self.shared.state().client.token().map(str::to_owned)
    }

    /// How often it was attached.
    #[must_use]
    pub fn attached(&self) -> u64 {
        self.shared.state().attached
    }

    /// Waits until it is over: the session has ended, or the role is somebody else's.
    pub async fn over(&self) -> ClientError {
        let over = self.until(|state| state.usable().err().map(Ok::<_, ClientError>));
        over.await.unwrap_or_else(|error| error)
    }
}

fn decide(
    state: &mut State,
    to: &str,
    label: &str,
    value: &Value,
) -> Option<Result<u64, ClientError>> {
    match state.client.send(to, label, value.clone()) {
        Ok(at) => {
            state.is_dirty = true;
            Some(Ok(at))
        }
        Err(refusal) => waits(state, refusal),
    }
}

/// `None` if the same call may succeed later.
fn waits<T>(state: &State, refusal: OutboxRefusal) -> Option<Result<T, ClientError>> {
    if let Err(over) = state.usable() {
        return Some(Err(over));
    }
    match refusal {
        OutboxRefusal::Unknown | OutboxRefusal::Full { .. } | OutboxRefusal::Empty { .. } => None,
        refusal => Some(Err(refusal.into())),
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.link.abort();
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.shared.state();
        let position = state.client.memory().map(Memory::position);
        f.debug_struct("Endpoint").field("position", &position).finish_non_exhaustive()
    }
}
