//! Protocols: a checked global type or set of local types, compiled to one automaton a role.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use hashbrown::HashMap;
use sha2::{Digest, Sha256};

use super::automaton::{Automaton, EdgeIx, LabelIx, MessageIx, RoleIx, StateIx};
use super::complete::{ProjectionLimits, project_roles};
use super::compose::{Bound, ComposeLimits, Composition, compose, upper_bounds};
use super::diagnostics::{Code, Diagnostic, Diagnostics, Severity, Span};
use super::draft::{DraftBranch, DraftId};
use super::evidence::Evidence;
use super::global::GlobalType;
use super::local::{Direction, LocalType, LocalTypes};
use super::name::Name;
use super::sort::{Payload, Sort};
use super::tree::{Branch, Node, RESERVED};

/// The most roles of one protocol: a scope of authority (one bit a role, one for the lifecycle)
/// fits a machine word pair.
pub const ROLES_MAX: usize = 127;

/// TYPE-10: checks that role names are distinct, not reserved, and not too many.
pub(super) fn check_roles<'a>(
    roles: impl Iterator<Item = (&'a Name, Span)>,
    found: &mut Diagnostics,
) {
    let mut known: hashbrown::HashMap<&Name, Span> = hashbrown::HashMap::new();
    for (count, (role, span)) in roles.enumerate() {
        if count == ROLES_MAX {
            let text = format!("a protocol has at most {ROLES_MAX} roles");
            found.push(Diagnostic::new(Code::TooLarge, span, text));
        }
        if RESERVED.contains(&role.as_str()) {
            let text = format!("`{role}` is a keyword of local types and cannot name a role");
            found.push(
                Diagnostic::new(Code::ReservedName, span, text).remedy("choose another name"),
            );
        }
        if let Some(first) = known.insert(role, span) {
            let text = format!("role `{role}` is declared twice");
            found.push(
                Diagnostic::new(Code::DuplicateRole, span, text)
                    .note(first, "declared here first")
                    .remedy("give each role a name of its own"),
            );
        }
    }
}

/// TYPE-11: the warning about a role that does nothing.
pub(super) fn never_acts(role: &Name, span: Span) -> Diagnostic {
    Diagnostic::new(Code::RoleNeverActs, span, format!("role `{role}` never acts"))
        .remedy("remove it, or give it a message to send or to receive")
}

/// Where a protocol came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Projected from a global type: its roles fit together at every capacity of at least 1.
    Global,
    /// Declared as local types.
    Local,
}

/// A label with the sort of what it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The label.
    pub label: LabelIx,
    /// The payload as first declared.
    pub payload: Payload,
}

/// A directed pair of roles between which messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// The sender.
    pub from: RoleIx,
    /// The receiver.
    pub to: RoleIx,
}

/// SHA-256 over what a protocol's roles may do; equal for protocols that behave the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtocolDigest(pub [u8; 32]);

impl fmt::Display for ProtocolDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ProtocolDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A checked protocol, compiled: what sessions run. Shared by all of them.
#[derive(Debug, Clone)]
pub struct Protocol {
    name: Name,
    origin: Origin,
    locals: LocalTypes,
    labels: Box<[Name]>,
    messages: Box<[Message]>,
    edges: Box<[Edge]>,
    automata: Box<[Automaton]>,
    digest: ProtocolDigest,
    evidence: Evidence,
    rooms: Box<[u32]>,
}

/// Names to numbers, while a protocol is compiled.
///
/// EDGE-4: the edges are the directed pairs of roles that the types mention.
struct Symbols<'a> {
    roles: HashMap<&'a Name, RoleIx>,
    labels: BTreeMap<&'a Name, LabelIx>,
    messages: HashMap<(&'a Name, &'a Sort), MessageIx>,
    edges: BTreeMap<Edge, EdgeIx>,
}

impl Protocol {
    /// A global type, projected role by role ([`project_roles`]) within the usual limits.
    ///
    /// # Errors
    /// `unimplementable` for each role that cannot know what to do; `too_large`.
    pub fn from_global(global: &GlobalType) -> Result<Self, Diagnostics> {
        Self::from_global_within(global, &ProjectionLimits::default())
    }

    /// As [`from_global`](Self::from_global), within limits of one's own.
    ///
    /// # Errors
    /// As [`from_global`](Self::from_global).
    pub fn from_global_within(
        global: &GlobalType,
        limits: &ProjectionLimits,
    ) -> Result<Self, Diagnostics> {
        let locals = project_roles(global, limits)?;
        let mut protocol = Self::compile(global.name().clone(), Origin::Global, locals)?;
        protocol.know(Evidence::Every, &upper_bounds(&protocol));
        Ok(protocol)
    }

    /// A protocol declared as local types, whether they are safe together or not: sessions are
    /// opened only by those who insist.
    ///
    /// # Errors
    /// `too_large` if there are more labels than a table can number.
    pub fn unchecked(name: Name, locals: LocalTypes) -> Result<Self, Diagnostics> {
        Self::compile(name, Origin::Local, locals)
    }

    /// A protocol declared as local types, which are checked to be safe together within the usual
    /// limits: see [`compose`].
    ///
    /// # Errors
    /// `too_large` if there are more labels than a table can number; what is wrong with the types
    /// together ([`Composition::diagnostic`]).
    pub fn from_locals(name: Name, locals: LocalTypes) -> Result<Self, Diagnostics> {
        let mut protocol = Self::unchecked(name, locals)?;
        match protocol.compose(&ComposeLimits::default()).diagnostic(&protocol) {
            Some(found) if found.code.severity() == Severity::Error => Err(found.into()),
            _ => Ok(protocol),
        }
    }

    /// As [`from_locals`](Self::from_locals), for types whose origin is known otherwise, as when a
    /// journal says what its session ran.
    ///
    /// # Errors
    /// As [`from_locals`](Self::from_locals).
    pub fn of_origin(name: Name, origin: Origin, locals: LocalTypes) -> Result<Self, Diagnostics> {
        Self::compile(name, origin, locals)
    }

    fn compile(name: Name, origin: Origin, locals: LocalTypes) -> Result<Self, Diagnostics> {
        let symbols = Symbols::of(&locals)?;
        let automata: Box<[Automaton]> = locals
            .roles()
            .iter()
            .enumerate()
            .map(|(owner, (_, local))| {
                Automaton::of(local, |direction, branch| {
                    symbols.of_branch(owner, direction, branch)
                })
            })
            .collect();
        let mut messages: Vec<(MessageIx, Message)> = Vec::with_capacity(symbols.messages.len());
        let mut payloads: HashMap<MessageIx, &Payload> = HashMap::new();
        for branch in locals.roles().iter().flat_map(|(_, local)| local.tree().branches()) {
            let message = symbols.messages[&(&branch.label, branch.payload.sort())];
            payloads.entry(message).or_insert_with(|| {
                let (label, payload) = (symbols.labels[&branch.label], branch.payload.clone());
                messages.push((message, Message { label, payload }));
                &branch.payload
            });
        }
        messages.sort_by_key(|(index, _)| *index);
        let labels = symbols.labels.keys().map(|label| (*label).clone()).collect();
        let edges = symbols.edges.keys().copied().collect();
        let mut protocol = Self {
            name,
            origin,
            labels,
            messages: messages.into_iter().map(|(_, message)| message).collect(),
            edges,
            automata,
            digest: ProtocolDigest([0; 32]),
            locals: locals.clone(),
            evidence: Evidence::None,
            rooms: Box::default(),
        };
        protocol.digest = protocol.compute_digest();
        protocol.know(Evidence::None, &[]);
        Ok(protocol)
    }

    /// Explores how its roles run together, and keeps what that shows: at which capacities it is
    /// safe, and how many messages each edge can hold. What was known before stays known.
    pub fn compose(&mut self, limits: &ComposeLimits) -> Composition {
        let found = compose(self, limits);
        let bounds: Vec<Option<u32>> = found.bounds.iter().map(Bound::most).collect();
        self.know(self.evidence.clone().or(found.evidence()), &bounds);
        found
    }

    /// Takes what is known of its capacities: where it is safe, and the most that each edge can
    /// hold where that is known.
    fn know(&mut self, evidence: Evidence, bounds: &[Option<u32>]) {
        let room = |edge| evidence.room(edge, bounds.get(edge).copied().flatten());
        self.rooms = (0..self.edges.len()).map(room).collect();
        self.evidence = evidence;
    }

    /// AUTO-4: covers what the protocol does, and nothing else.
    fn compute_digest(&self) -> ProtocolDigest {
        let mut hash = Sha256::new();
        let mut text = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        text("antiphon protocol v1");
        self.roles().for_each(|role| text(role));
        for message in &self.messages {
            text(&self.labels[message.label.index()]);
            text(&message.payload.sort().to_string());
        }
        for automaton in &self.automata {
            hash.update((automaton.len() as u64).to_le_bytes());
            for state in 0..automaton.len() {
                let state = StateIx(u32::try_from(state).expect("NODES_MAX fits"));
                let row = automaton.moves(state);
                let direction = match automaton.direction(state) {
                    None => 0_u64,
                    Some(Direction::Send) => 1,
                    Some(Direction::Receive) => 2,
                };
                hash.update(direction.to_le_bytes());
                hash.update((row.len() as u64).to_le_bytes());
                for transition in row {
                    hash.update(transition.peer.0.to_le_bytes());
                    hash.update(transition.message.0.to_le_bytes());
                    hash.update(transition.next.0.to_le_bytes());
                }
            }
        }
        ProtocolDigest(hash.finalize().into())
    }

    /// The declared name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Where it came from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// What identifies its behaviour.
    #[must_use]
    pub fn digest(&self) -> ProtocolDigest {
        self.digest
    }

    /// At which capacities its roles are known to be safe together.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// How much each edge of a session holds if nothing else is said, in the order of the edges:
    /// the most that it can ever hold where that is known.
    #[must_use]
    pub fn rooms(&self) -> &[u32] {
        &self.rooms
    }

    /// The roles, in declared order.
    pub fn roles(&self) -> impl ExactSizeIterator<Item = &Name> {
        self.locals.roles().iter().map(|(role, _)| role)
    }

    /// The local types, one a role, as declared or projected.
    #[must_use]
    pub fn locals(&self) -> &LocalTypes {
        &self.locals
    }

    /// The number of a role.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<RoleIx> {
        let index = self.roles().position(|role| *role == name)?;
        Some(RoleIx(u16::try_from(index).expect("ROLES_MAX fits")))
    }

    /// The name of a role.
    ///
    /// # Panics
    /// If the protocol has no such role.
    #[must_use]
    pub fn role_name(&self, role: RoleIx) -> &Name {
        &self.locals.roles()[role.index()].0
    }

    /// The declared or projected local type of a role.
    ///
    /// # Panics
    /// If the protocol has no such role.
    #[must_use]
    pub fn local(&self, role: RoleIx) -> &LocalType {
        &self.locals.roles()[role.index()].1
    }

    /// The labels, in the order of their numbers.
    #[must_use]
    pub fn labels(&self) -> &[Name] {
        &self.labels
    }

    /// The number of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<LabelIx> {
        let index = self.labels.binary_search_by(|label| label.as_str().cmp(name)).ok()?;
        Some(LabelIx(u16::try_from(index).expect("labels are numbered by u16")))
    }

    /// The name of a label.
    ///
    /// # Panics
    /// If the protocol has no such label.
    #[must_use]
    pub fn label_name(&self, label: LabelIx) -> &Name {
        &self.labels[label.index()]
    }

    /// All labels with their sorts.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// A label with its sort.
    ///
    /// # Panics
    /// If the protocol has no such message.
    #[must_use]
    #[inline]
    pub fn message(&self, message: MessageIx) -> &Message {
        &self.messages[message.index()]
    }

    /// The edges, sorted by sender and receiver.
    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// The number of the edge between two roles.
    #[must_use]
    pub fn edge(&self, from: RoleIx, to: RoleIx) -> Option<EdgeIx> {
        let index = self.edges.binary_search(&Edge { from, to }).ok()?;
        Some(EdgeIx(u16::try_from(index).expect("edges are numbered by u16")))
    }

    /// What a role may do.
    ///
    /// # Panics
    /// If the protocol has no such role.
    #[must_use]
    #[inline]
    pub fn automaton(&self, role: RoleIx) -> &Automaton {
        &self.automata[role.index()]
    }

    /// What a role may do from `state` on, as a local type.
    ///
    /// # Errors
    /// `too_large` if it cannot be written out.
    pub fn local_at(&self, role: RoleIx, state: StateIx) -> Result<LocalType, Diagnostics> {
        self.automaton(role).local_type(state, |transition| DraftBranch {
            peer: self.role_name(transition.peer).clone(),
            label: self.label_name(transition.label).clone(),
            payload: self.message(transition.message).payload.clone(),
            next: DraftId::of(0),
            span: Span::NONE,
        })
    }
}

impl<'a> Symbols<'a> {
    fn of(locals: &'a LocalTypes) -> Result<Self, Diagnostics> {
        let mut roles = HashMap::new();
        let (mut labels, mut edges) = (BTreeMap::new(), BTreeMap::new());
        let mut sorts: BTreeMap<&Name, Vec<&Sort>> = BTreeMap::new();
        for (index, (role, _)) in locals.roles().iter().enumerate() {
            roles.insert(role, RoleIx(u16::try_from(index).expect("ROLES_MAX fits")));
        }
        for (owner, local) in locals.roles() {
            for node in local.tree().nodes() {
                let Node::Choice(direction, range) = node else { continue };
                for branch in local.tree().branches_of(range) {
                    labels.insert(&branch.label, LabelIx(0));
                    edges.insert(edge(roles[owner], *direction, roles[&branch.peer]), EdgeIx(0));
                    let known = sorts.entry(&branch.label).or_default();
                    if !known.contains(&branch.payload.sort()) {
                        known.push(branch.payload.sort());
                    }
                }
            }
        }
        let mut messages = HashMap::new();
        for (label, mut known) in sorts {
            known.sort_by_cached_key(|sort| sort.to_string());
            for sort in known {
                let index = number(messages.len(), "messages")?;
                messages.insert((label, sort), MessageIx(index));
            }
        }
        for (index, label) in labels.values_mut().enumerate() {
            *label = LabelIx(number(index, "labels")?);
        }
        for (index, edge) in edges.values_mut().enumerate() {
            *edge = EdgeIx(number(index, "edges")?);
        }
        Ok(Self { roles, labels, messages, edges })
    }

    fn of_branch(
        &self,
        owner: usize,
        direction: Direction,
        branch: &Branch,
    ) -> (RoleIx, LabelIx, MessageIx, EdgeIx) {
        let peer = self.roles[&branch.peer];
        let owner = RoleIx(u16::try_from(owner).expect("ROLES_MAX fits"));
        let label = self.labels[&branch.label];
        let message = self.messages[&(&branch.label, branch.payload.sort())];
        (peer, label, message, self.edges[&edge(owner, direction, peer)])
    }
}

fn edge(owner: RoleIx, direction: Direction, peer: RoleIx) -> Edge {
    match direction {
        Direction::Send => Edge { from: owner, to: peer },
        Direction::Receive => Edge { from: peer, to: owner },
    }
}

fn number(index: usize, what: &str) -> Result<u16, Diagnostics> {
    let number = u16::try_from(index).ok().filter(|number| *number < u16::MAX);
    number.ok_or_else(|| {
        let text = format!("the protocol has more than {} {what}", u16::MAX - 1);
        Diagnostic::new(Code::TooLarge, Span::NONE, text).into()
    })
}
