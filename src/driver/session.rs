//! A session in this process.

use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::endpoint::Endpoint;
use super::error::Error;
use super::handler::{self, Action, Closure, Handler, HandlerError, Message};
use super::host::Host;
use crate::journal::{FileLines, Lines, MemoryLines};
use crate::machine::{
    Act, Capacities, Input, Machine, OnLost, Open, Owner, Policy, Received, Record, Refusal,
    SessionId, StateDigest, Status,
};
use crate::types::{Edge, EdgeIx, LocalType, Name, Protocol, RoleIx, Value};
use crate::wire;

/// How a session is opened. The default: a fresh id, the owner `host`, a journal in memory.
#[derive(Debug, Clone, Default)]
pub struct Options {
    id: Option<SessionId>,
    owner: Option<Owner>,
    capacities: Capacities,
    journal: Kept,
    on_lost: OnLost,
    policies: Vec<(Edge, Policy)>,
}

#[derive(Debug, Clone, Default)]
enum Kept {
    #[default]
    Memory,
    File(PathBuf),
    Not,
}

impl Options {
    /// A chosen id; it must not have been used before.
    #[must_use]
    pub fn id(self, id: SessionId) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Who owns the session.
    #[must_use]
    pub fn owner(self, owner: Owner) -> Self {
        Self { owner: Some(owner), ..self }
    }

    /// How much the edges hold.
    #[must_use]
    pub fn capacities(self, capacities: Capacities) -> Self {
        Self { capacities, ..self }
    }

    /// What becomes of the session when one of its owners is lost.
    #[must_use]
    pub fn on_lost(self, on_lost: OnLost) -> Self {
        Self { on_lost, ..self }
    }

    /// What an edge does when it is full; of several policies for one edge the last one holds.
    #[must_use]
    pub fn policy(mut self, edge: Edge, policy: Policy) -> Self {
        self.policies.push((edge, policy));
        self
    }

    /// Keeps the journal in a new file.
    #[must_use]
    pub fn journal_file(self, path: &Path) -> Self {
        Self { journal: Kept::File(path.to_owned()), ..self }
    }

    /// Keeps no journal: faster, and nothing can be replayed.
    #[must_use]
    pub fn no_journal(self) -> Self {
        Self { journal: Kept::Not, ..self }
    }
}

/// One running instance of a protocol, in this process. Cheap to clone: all clones are the same
/// session.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use antiphon::{Protocol, Session};
///
/// let shop: Protocol = "
///   Buyer  = Seller!title(string) . Seller?quote(nat) . Seller!{ buy . end, quit . end }
///   Seller = Buyer?title(string)  . Buyer!quote(nat)  . Buyer?{ buy . end, quit . end }
/// ".parse()?;
/// let session = Session::open(&shop)?;
/// let [mut buyer, mut seller] = session.endpoints(["Buyer", "Seller"])?;
/// tokio::try_join!(
///     async {
///         buyer.send("Seller", "title", "Ulysses").await?;
///         let (_, quote) = buyer.receive_from("Seller").await?;
///         let label = if quote.as_nat().is_ok_and(|price| price < 20) { "buy" } else { "quit" };
///         buyer.send("Seller", label, ()).await
///     },
///     async {
///         seller.receive_from("Buyer").await?;
///         seller.send("Buyer", "quote", 12_u64).await?;
///         seller.receive_from("Buyer").await.map(drop)
///     },
/// )?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Session {
    pub(super) host: Arc<Host>,
}

impl Session {
    /// Opens a session with the default [`Options`].
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub fn open(protocol: &Protocol) -> Result<Self, Error> {
        Self::open_with(protocol, Options::default())
    }

    /// Opens a session.
    ///
    /// # Errors
    /// [`Error::Refused`] for capacities or policies that cannot be, [`Error::Journal`].
    pub fn open_with(protocol: &Protocol, options: Options) -> Result<Self, Error> {
        let protocol = Arc::new(protocol.clone());
        let mut machine = Machine::new();
        // Made only when the machine has opened the session: a refusal leaves no file behind.
        let make: &dyn Fn() -> Result<Option<Box<dyn Lines>>, Error> = &|| {
            Ok(match &options.journal {
                Kept::Memory => Some(Box::new(MemoryLines::default())),
                Kept::File(path) => Some(Box::new(FileLines::create(path)?)),
                Kept::Not => None,
            })
        };
        let open = Open {
            session: match options.id {
                Some(id) => id,
                None => fresh_id()?,
            },
            protocol: machine.register(&protocol),
            owner: options.owner.clone().unwrap_or_else(|| Owner::new("host").expect("not empty")),
            capacities: options.capacities.clone(),
            journal: !matches!(options.journal, Kept::Not),
            on_lost: options.on_lost,
            policies: options.policies.clone(),
        };
        Ok(Self { host: Host::new(protocol, machine, Input::Open(open), make)? })
    }

    /// The endpoints of several roles. Each is handed out once; dropping it gives it back.
    ///
    /// # Errors
    /// `unknown_role`, [`Error::EndpointTaken`].
    pub fn endpoints<const N: usize>(&self, roles: [&str; N]) -> Result<[Endpoint; N], Error> {
        let endpoints: Result<Vec<Endpoint>, Error> =
            roles.into_iter().map(|role| self.endpoint(role)).collect();
        endpoints.map(|list| list.try_into().unwrap_or_else(|_| unreachable!("one a role")))
    }

    /// The endpoint of one role.
    ///
    /// # Errors
    /// `unknown_role`, [`Error::EndpointTaken`].
    pub fn endpoint(&self, role: &str) -> Result<Endpoint, Error> {
        Endpoint::take(Arc::clone(&self.host), self.host.role(role)?)
    }

    /// The number of a role, for what names it so: predicates, the sites of timers.
    ///
    /// # Errors
    /// `unknown_role`.
    pub fn role(&self, role: &str) -> Result<RoleIx, Error> {
        self.host.role(role)
    }

    fn edge(&self, from: &str, to: &str) -> Result<EdgeIx, Error> {
        let (from, to) = (self.host.role(from)?, self.host.role(to)?);
        self.host.protocol.edge(from, to).ok_or_else(|| {
            let protocol = &self.host.protocol;
            let name = |role| protocol.role_name(role);
            let edges = protocol.edges().iter();
            let known = edges.map(|edge| format!("{} → {}", name(edge.from), name(edge.to)));
            let known = known.collect::<Vec<_>>().join(", ").into();
            Error::Refused(Refusal::UnknownEdge { known })
        })
    }

    /// Runs `handler` for each message from `from` to `to`, on the current tokio runtime; the
    /// message is consumed when the handler has returned, and the actions that it returns are
    /// performed as `to`. A handler that fails or panics faults this session, and no other. Binding
    /// again replaces the handler from the next message on.
    ///
    /// # Errors
    /// `unknown_role`, `unknown_edge`, `terminal`, [`Error::NoRuntime`].
    pub fn bind(&self, from: &str, to: &str, handler: impl Handler) -> Result<(), Error> {
        let edge = self.edge(from, to)?;
        let name = handler_name(from, to, edge);
        handler::bind(&self.host, Some(edge), name, Arc::new(handler))
    }

    /// Runs `handler` for each message of every edge that is bound to no other, as
    /// [`bind`](Self::bind) does.
    ///
    /// # Errors
    /// `terminal`, [`Error::NoRuntime`].
    pub fn bind_default(&self, handler: impl Handler) -> Result<(), Error> {
        handler::bind(&self.host, None, default_name(), Arc::new(handler))
    }

    /// As [`bind_default`](Self::bind_default), with a function.
    ///
    /// # Errors
    /// As [`bind_default`](Self::bind_default).
    pub fn bind_default_fn<F, R>(&self, function: F) -> Result<(), Error>
    where
        F: Fn(Message) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Vec<Action>, HandlerError>> + Send + 'static,
    {
        self.bind_default(Closure(function))
    }

    /// The messages from `from` to `to` go to the session's own handler again, or where it has none
    /// to who receives them. A handler that is at work goes on: its message is consumed when it has
    /// returned, unless somebody else has received it meanwhile.
    ///
    /// # Errors
    /// `unknown_role`, `unknown_edge`, `terminal`.
    pub fn unbind(&self, from: &str, to: &str) -> Result<(), Error> {
        let edge = self.edge(from, to)?;
        handler::unbind(&self.host, Some(edge), &handler_name(from, to, edge))
    }

    /// As [`unbind`](Self::unbind), for the handler of the whole session.
    ///
    /// # Errors
    /// `terminal`.
    pub fn unbind_default(&self) -> Result<(), Error> {
        handler::unbind(&self.host, None, &default_name())
    }

    /// As [`bind`](Self::bind), with a function.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn bind_fn<F, R>(&self, from: &str, to: &str, function: F) -> Result<(), Error>
    where
        F: Fn(Message) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Vec<Action>, HandlerError>> + Send + 'static,
    {
        self.bind(from, to, Closure(function))
    }

    /// No more sends; closes when nothing can be received any more. That holds for handlers, too:
    /// the answer of one that is at work then is not sent.
    ///
    /// # Errors
    /// `draining`, `terminal`.
    pub fn drain(&self) -> Result<(), Error> {
        self.host.act(Act::Drain { deadline: None }).map(drop)
    }

    /// Closes now.
    ///
    /// # Errors
    /// `terminal`.
    pub fn close(&self) -> Result<(), Error> {
        self.host.act(Act::Close).map(drop)
    }

    /// Gives the session up, for a reason that its participants are told.
    ///
    /// # Errors
    /// `terminal`.
    pub fn cancel(&self, reason: &str) -> Result<(), Error> {
        self.host.act(Act::Cancel { reason: reason.into() }).map(drop)
    }

    /// Resolves when the session has ended, with how it ended.
    pub async fn ended(&self) -> Status {
        self.host.until(|| Some(self.status()).filter(Status::is_terminal)).await
    }

    /// Its identity.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.host.id
    }

    /// What it runs.
    #[must_use]
    pub fn protocol(&self) -> &Protocol {
        &self.host.protocol
    }

    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        self.host.view(|session| session.status().clone())
    }

    /// Whether its types are known to fit together at its capacities.
    #[must_use]
    pub fn is_checked(&self) -> bool {
        self.host.view(|session| session.is_checked())
    }

    /// The digest of its protocol state: equal to that of its replayed journal.
    #[must_use]
    pub fn digest(&self) -> StateDigest {
        self.host.state().machine.digest()
    }

    /// The local type that is left of a role.
    ///
    /// # Errors
    /// `unknown_role`.
    pub fn current(&self, role: &str) -> Result<LocalType, Error> {
        let role = self.host.role(role)?;
        let current = self.host.view(|s| s.endpoint(role).map(|endpoint| endpoint.current()));
        Ok(current.and_then(Result::ok).unwrap_or_else(LocalType::end))
    }

    /// Its journal so far, as it would stand in a file; `None` if it keeps none.
    ///
    /// # Errors
    /// [`Error::Journal`].
    pub fn journal(&self) -> Result<Option<Vec<u8>>, Error> {
        let state = self.host.state();
        Ok(state.journal.as_ref().map(|journal| journal.read()).transpose()?)
    }

    /// Its records so far.
    ///
    /// # Errors
    /// [`Error::NoJournal`], [`Error::Journal`].
    pub fn records(&self) -> Result<Vec<Record>, Error> {
        let bytes = self.journal()?.ok_or(Error::NoJournal)?;
        let journal = wire::journal::Journal::read(&bytes).map_err(std::io::Error::other)?;
        Ok(journal.records)
    }

    /// Everything that was ever sent over an edge, from the journal.
    ///
    /// # Errors
    /// `unknown_role`, `unknown_edge`, [`Error::Journal`].
    pub fn trace(&self, from: &str, to: &str) -> Result<EdgeTrace, Error> {
        let (edge, records) = (self.edge(from, to)?, self.records()?);
        let edge = self.host.protocol.edges()[edge.index()];
        let messages = self.host.view(|session| {
            let view = session.edge(edge.from, edge.to).expect("the edge is there");
            let named = |send: &crate::machine::Send| {
                (self.host.protocol.label_name(send.label).clone(), send.value.clone())
            };
            view.trace(&records).into_iter().map(named).collect()
        });
        Ok(EdgeTrace { messages })
    }

    /// Closes the journal in order: what it holds survives a loss of power, and a reader can tell
    /// that nothing is missing at its end. Closing it again changes nothing.
    ///
    /// # Errors
    /// [`Error::Journal`], also if the session has not ended.
    pub fn finish_journal(&self) -> Result<(), Error> {
        let Some(bytes) = self.journal()? else { return Ok(()) };
        if !self.status().is_terminal() {
            return Err(std::io::Error::other("the session has not ended").into());
        }
        let read = wire::journal::Journal::read(&bytes).map_err(std::io::Error::other)?;
        if read.is_complete {
            return Ok(());
        }
        let records = read.records;
        let mut state = self.host.state();
        let head = state.machine.journal_head(self.host.id);
        if let (Some(journal), Some(head)) = (&mut state.journal, head) {
            journal.append(&wire::journal::end_line(records.len() as u64, head))?;
            journal.sync()?;
        }
        Ok(())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({}, {})", self.id(), self.status())
    }
}

/// What was sent over an edge, in order; message `n` has sequence number `n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeTrace {
    /// Labels and values.
    pub messages: Vec<(Name, Value)>,
}

/// What the machine calls the handler of an edge.
fn handler_name(from: &str, to: &str, edge: EdgeIx) -> Name {
    let short = || Name::new(&format!("edge_{}", edge.0)).expect("this is a name");
    Name::new(&format!("{from}_to_{to}")).unwrap_or_else(|_| short())
}

/// What the machine calls the handler of a whole session; no edge is called so.
fn default_name() -> Name {
    Name::new("default").expect("this is a name")
}

/// An id that nobody can guess.
pub(super) fn fresh_id() -> std::io::Result<SessionId> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(SessionId(u128::from_be_bytes(bytes)))
}

/// What a receive came to, with names.
pub(super) fn received(protocol: &Protocol, received: Received) -> (Name, Value) {
    (protocol.label_name(received.label).clone(), received.value)
}
