//! The machine once more, as simply as it can be said: names instead of numbers, types instead of
//! tables, lists that are searched from the front.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use antiphon::machine::{
    Accepted, Act, Armed, Authority, CAPACITY_MAX, Capacities, Commit, Death, Epoch, Input,
    OUTSTANDING_MAX, OnLost, Open, Policy, Predicate, Presented, REASON_BYTES_MAX, REMEMBERED_MAX,
    Readiness, Receipt, Receive, Recipient, Reclaim, Scope, Send, Site, Term, Tick, TimeoutWitness,
    TimerId, WitnessId,
};
use antiphon::types::{Direction, EdgeIx, Evidence, LabelIx, Protocol, RoleIx, Sort, Value};

use super::{Branch, Type};

/// What an input comes to: a text, or the code of a refusal.
pub type Verdict = Result<String, &'static str>;

#[derive(Debug, Clone)]
pub struct Model {
    pub protocols: Vec<Arc<Protocol>>,
    pub sessions: Vec<Session>,
    /// Those that were reaped, the first one in front.
    pub archived: Vec<Session>,
    /// How many of them are kept.
    pub archive: usize,
    pub now: u64,
}

#[derive(Debug, Clone)]
pub struct Session {
    pub id: u128,
    pub protocol: Arc<Protocol>,
    pub opener: String,
    /// The lifecycle, then the roles.
    pub fragments: Vec<Fragment>,
    pub generation: u64,
    pub staged: Vec<Staged>,
    pub receipts: u64,
    /// Each with the request that it came from.
    pub readiness: Vec<(Readiness, usize)>,
    pub timers: Vec<(Armed, usize)>,
    pub timeouts: Vec<TimeoutWitness>,
    pub witness_count: u64,
    pub timer_count: u64,
    /// Every request that was done: its content, and what it came to.
    pub made: Vec<(String, String)>,
    pub journal: bool,
    pub checked: bool,
    pub status: String,
    pub tick: u64,
    pub deadline: Option<u64>,
    pub roles: Vec<Role>,
    pub edges: Vec<Edge>,
    pub labels: Vec<String>,
    pub default: Option<String>,
    pub on_lost: OnLost,
    /// Every serial that was ever issued, by generation: whether it is known to have arrived.
    pub serials: BTreeMap<u64, Vec<bool>>,
    /// The fencing epoch, and how many attachments were made under it.
    pub fencing: u32,
    pub attachments: u32,
    /// What is attached to which role, by its number.
    pub attached: BTreeMap<usize, Epoch>,
    /// Every epoch that was ever given.
    pub given: Vec<Epoch>,
    /// How many records it would have, and how many of them are durable.
    pub records: usize,
    pub durable: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Fragment {
    pub owner: String,
    pub generation: u64,
    pub released: bool,
    /// The request that moved it last.
    pub made: Option<usize>,
}

#[derive(Debug, Clone)]
pub struct Staged {
    pub receipt: Receipt,
    pub expires: Option<u64>,
    pub freeze: bool,
    pub made: usize,
}

#[derive(Debug, Clone)]
pub struct Role {
    pub name: String,
    pub left: Type,
    pub position: u64,
    /// From where on its sends are remembered.
    pub from: Option<u64>,
    pub sends: Vec<Performed>,
}

#[derive(Debug, Clone)]
pub struct Performed {
    at: u64,
    to: String,
    label: String,
    sort: Sort,
    value: Value,
}

#[derive(Debug, Clone)]
pub struct Edge {
    pub from: String,
    pub to: String,
    pub capacity: u32,
    pub sent: u64,
    pub consumed: u64,
    pub queue: Vec<(String, Sort, Value)>,
    /// The places of what is queued.
    pub seqs: Vec<u64>,
    pub policy: Policy,
    pub capacity_start: u32,
    /// What may be dropped of it.
    pub droppable: Vec<(String, Sort)>,
    pub dropped: u64,
    /// The place behind what was consumed last.
    pub passed: u64,
    pub handler: Option<String>,
}

/// What an accepted input came to, as text.
pub fn shown(protocol: Option<&Protocol>, accepted: &Accepted) -> String {
    match accepted {
        Accepted::Opened(capability) => {
            format!("opened for {} at {}", capability.owner(), capability.generation())
        }
        Accepted::Issued(capability) => {
            let (owner, scope) = (capability.owner(), capability.scope());
            format!("issued to {owner} at {} for {scope:?}", capability.generation())
        }
        Accepted::Staged(receipt) => format!("staged {}", receipt.id),
        Accepted::Sent { seq, position } => format!("sent {seq} at {position}"),
        Accepted::Received(received) => {
            let protocol = protocol.unwrap();
            let (from, label) = (received.from, received.label);
            format!(
                "received {} of {}: {} {} at {}",
                received.seq,
                protocol.role_name(from),
                protocol.label_name(label),
                received.value,
                received.position
            )
        }
        Accepted::Duplicate { position } => format!("duplicate at {position}"),
        Accepted::Acknowledged { position, performed } => {
            format!("acknowledged {performed} at {position}")
        }
        Accepted::Done => "done".into(),
        Accepted::Serial(serial) => format!("serial {serial}"),
        Accepted::Witness(witness) => format!("{witness:?}"),
        Accepted::Timer(timer) => format!("timer {timer}"),
        Accepted::Attached { epoch } => format!("attached {epoch}"),
    }
}

impl Model {
    pub fn new(protocols: &[Arc<Protocol>]) -> Self {
        let (sessions, archived) = (Vec::new(), Vec::new());
        Self { protocols: protocols.to_vec(), sessions, archived, archive: usize::MAX, now: 0 }
    }

    pub fn handle(&mut self, now: u64, input: &Input) -> Verdict {
        self.now = self.now.max(now);
        self.expire();
        match input {
            Input::Open(open) => self.open(open),
            Input::Act { by, act } => {
                let now = self.now;
                if let Some(closed) = self.archived.iter().find(|s| s.id == by.session.0) {
                    return closed.act_archived(by, act);
                }
                let session = self.sessions.iter_mut().find(|s| s.id == by.session.0);
                session.ok_or("unknown_session")?.act(now, by, act)
            }
            Input::Commit(commit) => {
                let now = self.now;
                let id = commit.receipt.session.0;
                let mut all = self.sessions.iter_mut().chain(&mut self.archived);
                let session = all.find(|s| s.id == id);
                session.ok_or("unknown_session")?.commit(now, commit)
            }
            Input::Reclaim(reclaim) => {
                let (now, id) = (self.now, reclaim.session.0);
                let mut all = self.sessions.iter_mut().chain(&mut self.archived);
                let session = all.find(|s| s.id == id);
                session.ok_or("unknown_session")?.reclaim(now, reclaim)
            }
            Input::Persisted { session, .. } => {
                let mut all = self.sessions.iter().chain(&self.archived);
                let known = all.any(|s| s.id == session.0);
                if known { Ok("done".into()) } else { Err("unknown_session") }
            }
            Input::Reap { session } => self.reap(session.0),
            Input::Recovered { session, fencing } => {
                let (now, id) = (self.now, session.0);
                let mut all = self.sessions.iter_mut().chain(&mut self.archived);
                let session = all.find(|s| s.id == id).ok_or("unknown_session")?;
                session.goes_on()?;
                if *fencing <= session.fencing {
                    return Err("stale_fencing");
                }
                (session.fencing, session.attachments) = (*fencing, 0);
                session.attached.clear();
                session.changed(now);
                Ok("done".into())
            }
            _ => Ok("done".into()),
        }
    }

    /// All that was told so far is durable.
    pub fn persist(&mut self) {
        self.sessions.iter_mut().for_each(|session| session.durable = session.records);
    }

    fn reap(&mut self, id: u128) -> Verdict {
        if self.archived.iter().any(|session| session.id == id) {
            return Ok("done".into());
        }
        let at = self.sessions.iter().position(|session| session.id == id);
        let at = at.ok_or("unknown_session")?;
        match &self.sessions[at] {
            session if !session.is_terminal() => return Err("not_terminal"),
            session if session.journal && session.durable < session.records => {
                return Err("not_durable");
            }
            _ => {}
        }
        self.archived.push(self.sessions.remove(at));
        if self.archived.len() > self.archive {
            self.archived.remove(0);
        }
        Ok("done".into())
    }

    fn expire(&mut self) {
        for session in &mut self.sessions {
            // The first one that is due, until none is; the drain goes first of two.
            while let Some(due) = session.due().filter(|due| *due <= self.now) {
                session.tick = session.tick.max(due);
                session.records += 1;
                if session.deadline == Some(due) {
                    session.end("closed".into());
                } else {
                    session.expire_one(due);
                }
            }
        }
    }

    fn open(&mut self, open: &Open) -> Verdict {
        let opened = format!("opened for {} at 1", open.owner);
        if let Some(known) = self.sessions.iter().find(|s| s.id == open.session.0) {
            let again = Session::open(Arc::clone(&known.protocol), open, 0);
            let same = known.protocol.digest() == open.protocol
                && known.opener == open.owner.as_str()
                && known.fragments.iter().all(|fragment| fragment.made.is_none())
                && known.journal == open.journal
                && known.on_lost == open.on_lost
                && again.is_ok_and(|again| {
                    let capacities = |session: &Session| {
                        let edges = session.edges.iter();
                        edges.map(|edge| (edge.capacity_start, edge.policy)).collect::<Vec<_>>()
                    };
                    capacities(&again) == capacities(known)
                        && (known.checked || known.is_lossy() || open.capacities.unchecked)
                });
            return if same { Ok(opened) } else { Err("session_exists") };
        }
        if self.archived.iter().any(|session| session.id == open.session.0) {
            return Err("session_exists");
        }
        let protocol = self.protocols.iter().find(|p| p.digest() == open.protocol);
        let protocol = protocol.ok_or("unknown_protocol")?;
        let mut session = Session::open(Arc::clone(protocol), open, self.now)?;
        session.settle();
        self.sessions.push(session);
        Ok(opened)
    }
}

fn edges_of(protocol: &Protocol) -> BTreeSet<(usize, usize)> {
    let number = |name: &str| protocol.roles().position(|role| *role == name).unwrap();
    let mut edges = BTreeSet::new();
    for (own, (_, local)) in protocol.locals().roles().iter().enumerate() {
        let mut todo = vec![Type::of(local)];
        while let Some(part) = todo.pop() {
            match part {
                Type::End | Type::Var(_) => {}
                Type::Rec(_, body) => todo.push(*body),
                Type::Choice(direction, branches) => {
                    for Branch { peer, next, .. } in branches {
                        let peer = number(&peer);
                        edges.insert(match direction {
                            Direction::Send => (own, peer),
                            Direction::Receive => (peer, own),
                        });
                        todo.push(next);
                    }
                }
            }
        }
    }
    edges
}

impl Edge {
    /// Drops and grows as the policy says; the first `kept` messages stay.
    fn make_room(&mut self, kept: usize, sent: &(&String, &Sort)) {
        let full = self.queue.len() == self.capacity as usize;
        let mut at = kept;
        let mut gone = 0;
        while at < self.queue.len() {
            let (label, sort, _) = &self.queue[at];
            let may_go = self.droppable.iter().any(|(l, s)| l == label && s == sort);
            let goes = match self.policy {
                Policy::DropOldest => full && gone == 0 && may_go,
                Policy::LatestValue => may_go && *sent == (label, sort),
                _ => false,
            };
            if goes {
                self.queue.remove(at);
                self.seqs.remove(at);
                gone += 1;
            } else {
                at += 1;
            }
        }
        self.dropped += gone;
        if let Policy::Resize { max } = self.policy
            && full
        {
            self.capacity = max.min(2 * self.capacity);
        }
    }

    /// How many messages were dropped directly before the next one.
    pub fn dropped_before(&self) -> u64 {
        self.seqs.first().unwrap_or(&self.sent) - self.passed
    }
}

/// Whether an edge can have its policy.
fn may_have(protocol: &Protocol, edge: &mut Edge) -> Result<(), &'static str> {
    if edge.policy == Policy::Block {
        return Ok(());
    }
    let both =
        [(&edge.from, &edge.to, Direction::Send), (&edge.to, &edge.from, Direction::Receive)];
    for (own, peer, direction) in both {
        let carries = |state: &Type| {
            let mut choices = state.choices().into_iter();
            choices.any(|(way, b)| way == direction && b.peer == **peer && b.sort.has_chan())
        };
        if states(protocol, own).iter().any(carries) {
            return Err("bad_policy");
        }
    }
    match edge.policy {
        Policy::Resize { max } if max > CAPACITY_MAX => Err("bad_capacity"),
        Policy::Resize { max } if max < edge.capacity => Err("bad_policy"),
        Policy::Resize { .. } => Ok(()),
        _ => {
            edge.droppable = droppable(protocol, &edge.from, &edge.to);
            if edge.droppable.is_empty() { Err("bad_policy") } else { Ok(()) }
        }
    }
}

/// What a role may come to.
fn states(protocol: &Protocol, role: &str) -> Vec<Type> {
    let (_, local) =
        protocol.locals().roles().iter().find(|(name, _)| name.as_str() == role).unwrap();
    let mut states = vec![Type::of(local).unfolded()];
    let mut done = 0;
    while done < states.len() {
        for (_, branch) in states[done].choices() {
            let next = branch.next.unfolded();
            if !states.contains(&next) {
                states.push(next);
            }
        }
        done += 1;
    }
    states
}

/// Whether two types do the same for ever.
fn alike(one: &Type, other: &Type) -> bool {
    let mut assumed = vec![(one.unfolded(), other.unfolded())];
    let mut done = 0;
    while done < assumed.len() {
        let (one, other) = assumed[done].clone();
        if one.legal() != other.legal() {
            return false;
        }
        for (direction, branch) in one.choices() {
            let shown = branch.shown(direction);
            let mut same = other.choices().into_iter();
            let same = same.find(|(direction, b)| b.shown(*direction) == shown).unwrap().1;
            let pair = (branch.next.unfolded(), same.next.unfolded());
            if !assumed.contains(&pair) {
                assumed.push(pair);
            }
        }
        done += 1;
    }
    true
}

/// The messages that leave the receiver where it was wherever it receives them.
fn droppable(protocol: &Protocol, from: &str, to: &str) -> Vec<(String, Sort)> {
    let (mut stay, mut leave) = (Vec::new(), Vec::new());
    for state in states(protocol, to) {
        for (direction, branch) in state.choices() {
            if direction == Direction::Receive && branch.peer == from {
                let message = (branch.label, branch.sort);
                if alike(&branch.next, &state) { &mut stay } else { &mut leave }.push(message);
            }
        }
    }
    stay.retain(|message| !leave.contains(message));
    stay
}

/// Whether what is known of a protocol says that it is safe at these capacities.
fn is_safe(evidence: &Evidence, capacities: Vec<u32>) -> bool {
    match evidence {
        Evidence::Every => true,
        Evidence::None => false,
        Evidence::Any(parts) => parts.iter().any(|part| is_safe(part, capacities.clone())),
        Evidence::From(least) => !capacities.iter().any(|capacity| capacity < least),
        Evidence::Exactly(vectors) => vectors.iter().any(|vector| vector[..] == capacities),
        Evidence::Bounds(bounds) => {
            (0..capacities.len()).all(|edge| capacities[edge] >= bounds[edge])
        }
    }
}

impl Session {
    fn open(protocol: Arc<Protocol>, open: &Open, now: u64) -> Result<Self, &'static str> {
        let names: Vec<String> = protocol.roles().map(ToString::to_string).collect();
        let Capacities { every, edges: named, unchecked } = &open.capacities;
        let types_say = |(from, to): (usize, usize)| {
            let index = |role: usize| RoleIx(u16::try_from(role).unwrap());
            let edge = protocol.edge(index(from), index(to)).unwrap();
            protocol.rooms()[edge.index()]
        };
        let edge = |(from, to): (usize, usize)| Edge {
            from: names[from].clone(),
            to: names[to].clone(),
            capacity: every.unwrap_or_else(|| types_say((from, to))),
            sent: 0,
            consumed: 0,
            queue: Vec::new(),
            seqs: Vec::new(),
            policy: Policy::Block,
            capacity_start: 0,
            droppable: Vec::new(),
            dropped: 0,
            passed: 0,
            handler: None,
        };
        let mut edges: Vec<Edge> = edges_of(&protocol).into_iter().map(edge).collect();
        for (edge, capacity) in named {
            let name = |role: RoleIx| names.get(role.index());
            let found = edges
                .iter_mut()
                .find(|e| Some(&e.from) == name(edge.from) && Some(&e.to) == name(edge.to));
            found.ok_or("unknown_edge")?.capacity = *capacity;
        }
        for (edge, policy) in &open.policies {
            let name = |role: RoleIx| names.get(role.index());
            let found = edges
                .iter_mut()
                .find(|e| Some(&e.from) == name(edge.from) && Some(&e.to) == name(edge.to));
            found.ok_or("unknown_edge")?.policy = *policy;
        }
        if edges.iter().any(|edge| edge.capacity == 0 || edge.capacity > CAPACITY_MAX) {
            return Err("bad_capacity");
        }
        for edge in &mut edges {
            edge.capacity_start = edge.capacity;
            may_have(&protocol, edge)?;
        }
        let most = |edge: &Edge| match edge.policy {
            Policy::Resize { max } => max,
            _ => edge.capacity,
        };
        let safe = is_safe(protocol.evidence(), edges.iter().map(|edge| edge.capacity).collect())
            && is_safe(protocol.evidence(), edges.iter().map(most).collect());
        if !safe && !unchecked {
            return Err("capacity_unchecked");
        }
        let checked = safe && !edges.iter().any(|edge| edge.policy.is_lossy());
        let locals = protocol.locals().roles().iter();
        let roles = locals.map(|(name, local)| Role {
            name: name.to_string(),
            left: Type::of(local),
            position: 0,
            from: None,
            sends: Vec::new(),
        });
        let branches = protocol.locals().roles().iter().flat_map(|(_, l)| l.tree().branches());
        let labels: BTreeSet<String> = branches.map(|branch| branch.label.to_string()).collect();
        Ok(Self {
            id: open.session.0,
            opener: open.owner.to_string(),
            fragments: vec![
                Fragment {
                    owner: open.owner.to_string(),
                    generation: 1,
                    released: false,
                    made: None,
                };
                names.len() + 1
            ],
            generation: 1,
            staged: Vec::new(),
            receipts: 0,
            readiness: Vec::new(),
            timers: Vec::new(),
            timeouts: Vec::new(),
            witness_count: 0,
            timer_count: 0,
            made: Vec::new(),
            journal: open.journal,
            checked,
            status: "active".into(),
            tick: now,
            deadline: None,
            roles: roles.collect(),
            edges,
            labels: labels.into_iter().collect(),
            default: None,
            on_lost: open.on_lost,
            serials: BTreeMap::new(),
            fencing: 0,
            attachments: 0,
            attached: BTreeMap::new(),
            given: Vec::new(),
            records: 1,
            durable: 0,
            protocol,
        })
    }

    fn is_lossy(&self) -> bool {
        self.edges.iter().any(|edge| edge.policy.is_lossy())
    }

    /// Something was done.
    fn changed(&mut self, now: u64) {
        self.tick = self.tick.max(now);
        self.records += 1;
    }

    pub fn is_terminal(&self) -> bool {
        self.status != "active" && self.status != "draining"
    }

    fn act(&mut self, now: u64, by: &Presented, act: &Act) -> Verdict {
        match act {
            Act::Send(send) => {
                let at = send.at.map(|at| at.0);
                self.send(now, by, (send.role, send.to, send.label), &send.value, at)
            }
            Act::Receive(receive) => {
                let at = receive.at.map(|at| at.0);
                self.receive(now, by, receive.role, receive.from, at)
            }
            Act::Acknowledge { role, position } => self.acknowledge(now, by, *role, position.0),
            Act::Authority(authority) => self.transfer(now, by, authority),
            Act::Attach { role } => self.attach(now, by, *role),
            Act::Detach { role, epoch } => self.detach(now, by, *role, *epoch),
            other => self.govern(now, by, other),
        }
    }

    /// A session that was reaped says again what it has said, and else that it is over.
    fn act_archived(&self, by: &Presented, act: &Act) -> Verdict {
        let over = Err("terminal");
        let mut copy = self.clone();
        match act {
            Act::Send(Send { role, at, .. }) | Act::Receive(Receive { role, at, .. }) => {
                let own = self.acting(by, *role)?;
                self.comes_over(by, own)?;
                if at.is_none_or(|at| at.0 >= self.roles[own].position) {
                    return over;
                }
            }
            Act::Acknowledge { role, position } => {
                let own = self.acting(by, *role)?;
                self.comes_over(by, own)?;
                if position.0 > self.roles[own].position {
                    return over;
                }
            }
            _ => {}
        }
        copy.act(0, by, act)
    }

    /// The fragments of a scope, by number; beyond the last one are none.
    fn numbers(scope: Scope) -> Vec<usize> {
        (0..128).filter(|at| scope.bits() >> at & 1 == 1).collect()
    }

    fn carries(&self, at: usize, by: &Presented) -> bool {
        let known = self.fragments.get(at);
        known.is_some_and(|f| f.owner == by.owner.as_str() && f.generation == by.generation.0)
    }

    fn authorize(&self, by: &Presented, needs: Scope) -> Result<(), &'static str> {
        let (given, needs) = (Self::numbers(by.scope), Self::numbers(needs));
        let known = |at: &usize| *at < self.fragments.len();
        if needs.iter().any(|at| known(at) && self.fragments[*at].released) {
            return Err("unclaimed");
        }
        if needs.iter().any(|at| known(at) && given.contains(at) && !self.carries(*at, by)) {
            return Err("stale_capability");
        }
        // What is presented is there, and what is needed is presented.
        let within = given.iter().all(known) && !needs.is_empty();
        if within && needs.iter().all(|at| given.contains(at)) {
            return Ok(());
        }
        let live = (0..self.fragments.len())
            .any(|at| self.carries(at, by) && !self.fragments[at].released);
        Err(if live { "scope_violation" } else { "stale_capability" })
    }

    fn quiet(&self, scope: Scope) -> Result<(), &'static str> {
        let scope = Self::numbers(scope);
        let touches = |staged: &Staged| {
            Self::numbers(staged.receipt.scope).iter().any(|at| scope.contains(at))
        };
        if self.staged.iter().any(touches) { Err("transfer_pending") } else { Ok(()) }
    }

    fn unfrozen(&self, fragment: usize) -> Result<(), &'static str> {
        let frozen = |staged: &Staged| {
            staged.freeze && Self::numbers(staged.receipt.scope).contains(&fragment)
        };
        if self.staged.iter().any(frozen) { Err("transfer_pending") } else { Ok(()) }
    }

    fn goes_on(&self) -> Result<(), &'static str> {
        if self.is_terminal() { Err("terminal") } else { Ok(()) }
    }

    /// What the same request came to, as long as something of that is left.
    fn again(&self, content: &str) -> Option<String> {
        let live = |made: usize| {
            self.fragments.iter().any(|fragment| fragment.made == Some(made))
                || self.staged.iter().any(|staged| staged.made == made)
                || self.readiness.iter().any(|(_, from)| *from == made)
                || self.timers.iter().any(|(_, from)| *from == made)
        };
        let mut made = self.made.iter().enumerate();
        let found = made.find(|(at, (known, _))| known == content && live(*at));
        found.map(|(_, (_, came_to))| came_to.clone())
    }

    /// The fragments have an owner now.
    fn issue(&mut self, owner: &str, scope: Scope) -> String {
        self.moved(scope);
        self.generation += 1;
        for at in Self::numbers(scope) {
            self.fragments[at] = Fragment {
                owner: owner.into(),
                generation: self.generation,
                released: false,
                made: Some(self.made.len()),
            };
        }
        format!("issued to {owner} at {} for {scope:?}", self.generation)
    }

    fn transfer(&mut self, now: u64, by: &Presented, authority: &Authority) -> Verdict {
        let content = format!("{} {} {:?} {authority:?}", by.owner, by.generation, by.scope);
        if let Some(came_to) = self.again(&content) {
            return Ok(came_to);
        }
        let came_to = match authority {
            Authority::Release { scope, .. } => {
                self.authorize(by, *scope)?;
                self.goes_on()?;
                self.quiet(*scope)?;
                self.moved(*scope);
                for at in Self::numbers(*scope) {
                    self.fragments[at].released = true;
                    self.fragments[at].made = Some(self.made.len());
                }
                "done".into()
            }
            Authority::Attenuate { scope, .. } => {
                self.authorize(by, *scope)?;
                self.goes_on()?;
                self.quiet(*scope)?;
                self.issue(by.owner.as_str(), *scope)
            }
            Authority::Claim { owner, scope, .. } => {
                let wanted = Self::numbers(*scope);
                if wanted.is_empty() || wanted.iter().any(|at| *at >= self.fragments.len()) {
                    return Err("scope_violation");
                }
                let given = Self::numbers(by.scope);
                let last = wanted.iter().all(|at| given.contains(at) && self.carries(*at, by));
                if !last {
                    self.authorize(by, Scope::LIFECYCLE)?;
                }
                self.goes_on()?;
                if !last {
                    self.unfrozen(0)?;
                }
                if wanted.iter().any(|at| !self.fragments[*at].released) {
                    return Err("already_claimed");
                }
                if wanted.contains(&0) {
                    return Err("host_only");
                }
                self.quiet(*scope)?;
                self.issue(owner.as_str(), *scope)
            }
            Authority::Stage { scope, to, expires, freeze, .. } => {
                self.authorize(by, *scope)?;
                self.goes_on()?;
                self.quiet(*scope)?;
                self.room()?;
                let receipt = Receipt {
                    session: by.session,
                    id: antiphon::machine::ReceiptId(self.receipts),
                    from: by.owner.clone(),
                    generation: by.generation,
                    to: to.clone(),
                    scope: *scope,
                };
                let (expires, freeze, made) = (expires.map(|at| at.0), *freeze, self.made.len());
                self.staged.push(Staged { receipt, expires, freeze, made });
                self.receipts += 1;
                format!("staged {}", self.receipts - 1)
            }
            Authority::Rollback { receipt } => {
                let given = Self::numbers(by.scope);
                let lost = self.pending(receipt).is_ok() && {
                    let staged = Self::numbers(receipt.scope);
                    staged.iter().any(|at| self.fragments[*at].released)
                };
                let moved = Self::numbers(receipt.scope);
                if !lost {
                    self.authorize(by, receipt.scope)?;
                } else if !moved.iter().all(|at| given.contains(at) && self.carries(*at, by)) {
                    self.authorize(by, Scope::LIFECYCLE)?;
                }
                self.goes_on()?;
                let at = self.pending(receipt)?;
                self.staged.remove(at);
                "done".into()
            }
            Authority::Abandon { receipt } => {
                self.authorize(by, receipt.scope)?;
                self.goes_on()?;
                self.pending(receipt)?;
                self.end("cancelled (transfer abandoned)".into());
                "done".into()
            }
            Authority::FailCommit { receipt, reason } => {
                self.authorize(by, Scope::LIFECYCLE)?;
                self.goes_on()?;
                self.pending(receipt)?;
                let mut why = format!("transfer commit failed: {reason}");
                while why.len() > REASON_BYTES_MAX {
                    why.pop();
                }
                self.end(format!("faulted ({why})"));
                "done".into()
            }
            Authority::OwnerDied { owner, evidence } => {
                let needs = match evidence {
                    Death::Timeout(witness) => witness.scope.union(Scope::LIFECYCLE),
                    _ => Scope::LIFECYCLE,
                };
                self.authorize(by, needs)?;
                self.goes_on()?;
                for at in Self::numbers(needs) {
                    self.unfrozen(at)?;
                }
                let made = self.made.len();
                let of = |f: &Fragment| f.owner == owner.as_str() && !f.released;
                let own: Vec<usize> =
                    (0..self.fragments.len()).filter(|at| of(&self.fragments[*at])).collect();
                if own.is_empty() {
                    return Err("unknown_owner");
                }
                if let Death::Timeout(witness) = evidence {
                    let found = self.timeouts.iter().position(|known| known == &**witness);
                    let found = found.ok_or(self.unlike(witness.id))?;
                    match witness.site {
                        Site::Endpoint(role) if own.contains(&(role.index() + 1)) => {}
                        _ => return Err("invalid_witness"),
                    }
                    self.timeouts.remove(found);
                }
                if self.on_lost == OnLost::Release {
                    self.moved(Scope::from_bits(own.iter().map(|at| 1 << at).sum()));
                }
                match self.on_lost {
                    OnLost::Cancel => self.end(format!("cancelled (owner lost: {owner})")),
                    OnLost::Fault => self.end(format!("faulted (owner lost: {owner})")),
                    OnLost::Release => own.into_iter().for_each(|at| {
                        let fragment = &mut self.fragments[at];
                        fragment.released = true;
                        fragment.made = Some(made);
                    }),
                }
                "done".into()
            }
            Authority::IssueToken { .. } => {
                self.has_some(by)?;
                let issued = self.serials.get(&by.generation.0).map_or(0, Vec::len);
                if issued > 0 {
                    return Ok(format!("serial {issued}"));
                }
                self.goes_on()?;
                self.serials.insert(by.generation.0, vec![false]);
                "serial 1".into()
            }
            Authority::Renew { serial } => {
                self.has_some(by)?;
                let issued = self.good(by, serial.0)?;
                if serial.0 < issued {
                    return Ok(format!("serial {issued}"));
                }
                self.goes_on()?;
                let serials = self.serials.get_mut(&by.generation.0).unwrap();
                *serials.last_mut().unwrap() = true;
                serials.push(false);
                format!("serial {}", issued + 1)
            }
            Authority::ConfirmToken { serial } => {
                self.has_some(by)?;
                let issued = self.good(by, serial.0)?;
                let at = usize::try_from(serial.0 - 1).unwrap();
                if serial.0 < issued || self.serials[&by.generation.0][at] {
                    return Ok("done".into());
                }
                self.goes_on()?;
                self.serials.get_mut(&by.generation.0).unwrap()[at] = true;
                "done".into()
            }
            other => self.attest(now, by, other)?,
        };
        // A death is no request.
        let content = match authority {
            Authority::OwnerDied { .. } => String::new(),
            _ => content,
        };
        self.made.push((content, came_to.clone()));
        self.changed(now);
        Ok(came_to)
    }

    fn commit(&mut self, now: u64, commit: &Commit) -> Verdict {
        let content = format!("{commit:?}");
        if let Some(came_to) = self.again(&content) {
            return Ok(came_to);
        }
        self.goes_on()?;
        let at = self.pending(&commit.receipt)?;
        if let Recipient::Owner(to) = &commit.receipt.to
            && *to != commit.owner
        {
            return Err("receipt_mismatch");
        }
        self.staged.remove(at);
        let came_to = self.issue(commit.owner.as_str(), commit.receipt.scope);
        self.made.push((content, came_to.clone()));
        self.changed(now);
        Ok(came_to)
    }

    fn reclaim(&mut self, now: u64, reclaim: &Reclaim) -> Verdict {
        let content = format!("{reclaim:?}");
        if let Some(came_to) = self.again(&content) {
            return Ok(came_to);
        }
        let wanted = Self::numbers(reclaim.scope);
        if wanted.is_empty() || wanted.iter().any(|at| *at >= self.fragments.len()) {
            return Err("scope_violation");
        }
        self.goes_on()?;
        if wanted.iter().any(|at| !self.fragments[*at].released) {
            return Err("already_claimed");
        }
        self.quiet(reclaim.scope)?;
        let came_to = self.issue(reclaim.owner.as_str(), reclaim.scope);
        self.made.push((content, came_to.clone()));
        self.changed(now);
        Ok(came_to)
    }

    /// Whether something is left of what the capability was issued for.
    fn has_some(&self, by: &Presented) -> Result<(), &'static str> {
        let own = |at: &usize| self.carries(*at, by) && !self.fragments[*at].released;
        let left = Self::numbers(by.scope).into_iter().filter(own);
        let left = Scope::from_bits(left.map(|at| 1 << at).sum());
        self.authorize(by, if left.is_empty() { by.scope } else { left })
    }

    /// The last serial of the holding, if this one is it, or is good because that one has not
    /// arrived.
    fn good(&self, by: &Presented, serial: u64) -> Result<u64, &'static str> {
        let none = Vec::new();
        let serials = self.serials.get(&by.generation.0).unwrap_or(&none);
        let issued = serials.len() as u64;
        match () {
            () if serial == 0 || serial > issued => Err("token_unknown"),
            () if serial == issued => Ok(issued),
            () if serial == issued - 1 && !serials.last().unwrap() => Ok(issued),
            () => Err("token_spent"),
        }
    }

    fn pending(&self, receipt: &Receipt) -> Result<usize, &'static str> {
        match self.staged.iter().position(|staged| staged.receipt.id == receipt.id) {
            Some(at) if self.staged[at].receipt == *receipt => Ok(at),
            Some(_) => Err("receipt_mismatch"),
            None if receipt.id.0 < self.receipts => Err("receipt_spent"),
            None => Err("transfer_not_pending"),
        }
    }

    /// When its first timer runs out.
    pub fn due(&self) -> Option<u64> {
        let staged = self.staged.iter().filter_map(|staged| staged.expires);
        let timers = self.timers.iter().map(|(timer, _)| timer.due.0);
        let timeouts = self.timeouts.iter().filter_map(|late| Some(late.until?.0));
        self.deadline.into_iter().chain(staged).chain(timers).chain(timeouts).min()
    }

    /// The place of the role, if it is one and the capability is for it.
    fn acting(&self, by: &Presented, role: RoleIx) -> Result<usize, &'static str> {
        if role.index() >= self.roles.len() {
            return Err("unknown_role");
        }
        self.authorize(by, Scope::role(role))?;
        Ok(role.index())
    }

    /// What comes over a connection comes over the one that is there.
    fn comes_over(&self, by: &Presented, own: usize) -> Result<(), &'static str> {
        match by.over {
            Some(over) if self.attached.get(&own) != Some(&over) => Err("stale_attachment"),
            _ => Ok(()),
        }
    }

    fn attach(&mut self, now: u64, by: &Presented, role: RoleIx) -> Verdict {
        let own = self.acting(by, role)?;
        self.goes_on()?;
        self.attachments += 1;
        let epoch = Epoch::new(self.fencing, self.attachments);
        assert!(self.given.iter().all(|given| *given < epoch), "{epoch} after {:?}", self.given);
        self.given.push(epoch);
        self.attached.insert(own, epoch);
        self.changed(now);
        Ok(format!("attached {epoch}"))
    }

    fn detach(&mut self, now: u64, by: &Presented, role: RoleIx, epoch: Epoch) -> Verdict {
        let own = self.acting(by, role)?;
        self.goes_on()?;
        if self.attached.get(&own) != Some(&epoch) {
            return Err("stale_attachment");
        }
        self.attached.remove(&own);
        self.changed(now);
        Ok("done".into())
    }

    fn send(
        &mut self,
        now: u64,
        by: &Presented,
        (role, to, label): (RoleIx, RoleIx, LabelIx),
        value: &Value,
        at: Option<u64>,
    ) -> Verdict {
        let own = self.acting(by, role)?;
        self.comes_over(by, own)?;
        let to = self.roles.get(to.index()).map(|role| role.name.clone());
        let label = self.labels.get(label.index()).cloned();
        let mut implied = Vec::new();
        if let Some(at) = at {
            if at < self.roles[own].position {
                self.was_performed(own, at, Some((&to, &label, value)))?;
                return Ok(format!("duplicate at {}", self.roles[own].position));
            }
            implied = self.implied(own, at)?;
        }
        match self.status.as_str() {
            "active" => {}
            "draining" => return Err("draining"),
            _ => return Err("terminal"),
        }
        self.unfrozen(own + 1)?;
        // A refusal changes nothing: try it on a copy.
        let mut after = self.clone();
        for from in &implied {
            after.take(own, from);
        }
        let choices = after.roles[own].left.choices();
        let chosen = choices.into_iter().find(|(direction, branch)| {
            *direction == Direction::Send
                && Some(&branch.peer) == to.as_ref()
                && Some(&branch.label) == label.as_ref()
        });
        let (_, branch) = chosen.ok_or("not_allowed")?;
        let value = branch.sort.conform(value.clone()).map_err(|_| "wrong_sort")?;
        let name = after.roles[own].name.clone();
        // What a handler or a client may have stays.
        let handled = after.default.is_some() || after.edges.iter().any(|e| e.handler.is_some());
        let linked = after.attachments > 0 || after.fencing > 0;
        let edge = after.edge(&name, &branch.peer).unwrap();
        edge.make_room(usize::from(handled || linked), &(&branch.label, &branch.sort));
        if edge.queue.len() == edge.capacity as usize {
            return Err("edge_full");
        }
        let seq = edge.sent;
        edge.sent += 1;
        edge.seqs.push(seq);
        edge.queue.push((branch.label.clone(), branch.sort.clone(), value.clone()));
        let before = self.roles[own].position;
        let sender = &mut after.roles[own];
        if at.is_some() {
            sender.from.get_or_insert(before);
        }
        if sender.from.is_some() {
            let at = sender.position;
            let (to, label) = (branch.peer.clone(), branch.label.clone());
            sender.sends.push(Performed { at, to, label, sort: branch.sort.clone(), value });
            if sender.sends.len() > REMEMBERED_MAX {
                sender.from = Some(sender.sends.remove(0).at + 1);
            }
        }
        sender.left = branch.next;
        sender.position += 1;
        let position = sender.position;
        *self = after;
        self.changed(now);
        self.settle();
        Ok(format!("sent {seq} at {position}"))
    }

    fn receive(
        &mut self,
        now: u64,
        by: &Presented,
        role: RoleIx,
        from: RoleIx,
        at: Option<u64>,
    ) -> Verdict {
        let own = self.acting(by, role)?;
        self.comes_over(by, own)?;
        let position = self.roles[own].position;
        match at {
            Some(at) if at < position => {
                self.was_performed(own, at, None)?;
                return Ok(format!("duplicate at {position}"));
            }
            Some(at) if at > position => return Err("ahead"),
            _ => {}
        }
        if self.is_terminal() {
            return Err("terminal");
        }
        self.unfrozen(own + 1)?;
        let choices = self.roles[own].left.choices();
        let from = self.roles.get(from.index()).map(|role| role.name.clone());
        let mut waiting = choices.iter().filter(|(direction, branch)| {
            *direction == Direction::Receive && Some(&branch.peer) == from.as_ref()
        });
        let from = waiting.clone().next().and(from.as_ref()).ok_or("not_allowed")?;
        let name = self.roles[own].name.clone();
        let head = self.edge(from, &name).unwrap().queue.first().cloned();
        let (label, sort, _) = head.ok_or("edge_empty")?;
        if !waiting.any(|(_, branch)| branch.label == label && branch.sort == sort) {
            return Err("not_allowed");
        }
        if at.is_some() {
            self.roles[own].from.get_or_insert(position);
        }
        let shown = self.take(own, from);
        self.changed(now);
        self.settle();
        Ok(shown)
    }

    fn acknowledge(&mut self, now: u64, by: &Presented, role: RoleIx, upto: u64) -> Verdict {
        let own = self.acting(by, role)?;
        self.comes_over(by, own)?;
        if upto <= self.roles[own].position {
            return Ok(format!("duplicate at {}", self.roles[own].position));
        }
        let implied = self.implied(own, upto)?;
        if self.is_terminal() {
            return Err("terminal");
        }
        self.unfrozen(own + 1)?;
        for from in &implied {
            self.take(own, from);
        }
        self.changed(now);
        self.settle();
        Ok(format!("acknowledged {} at {upto}", implied.len()))
    }

    fn govern(&mut self, now: u64, by: &Presented, act: &Act) -> Verdict {
        self.authorize(by, Scope::LIFECYCLE)?;
        if self.is_terminal() {
            return Err("terminal");
        }
        self.unfrozen(0)?;
        let cut = |reason: &str| {
            let mut reason = reason.to_owned();
            while reason.len() > REASON_BYTES_MAX {
                reason.pop();
            }
            reason
        };
        match act {
            Act::Bind { edge, handler } => {
                let handler = handler.as_ref().map(ToString::to_string);
                match edge {
                    None => self.default = handler,
                    Some(EdgeIx(edge)) => {
                        let edge = self.edges.get_mut(usize::from(*edge));
                        edge.ok_or("unknown_edge")?.handler = handler;
                    }
                }
            }
            Act::Drain { deadline } => {
                if self.status == "draining" {
                    return Err("draining");
                }
                self.status = "draining".into();
                self.deadline = deadline.map(|deadline| deadline.0);
            }
            Act::Close => self.end("closed".into()),
            Act::Cancel { reason } => self.end(format!("cancelled ({})", cut(reason))),
            Act::Fault { reason } => self.end(format!("faulted ({})", cut(reason))),
            other => unreachable!("{other:?}"),
        }
        self.changed(now);
        self.settle();
        Ok("done".into())
    }

    fn edge(&mut self, from: &str, to: &str) -> Option<&mut Edge> {
        self.edges.iter_mut().find(|edge| edge.from == from && edge.to == to)
    }

    /// The senders whose messages `role` can take now.
    fn takable(&self, own: usize) -> Vec<String> {
        let name = &self.roles[own].name;
        let choices = self.roles[own].left.choices();
        let ready = |(direction, branch): &(Direction, Branch)| {
            *direction == Direction::Receive
                && self.edges.iter().any(|edge| {
                    edge.from == branch.peer
                        && edge.to == *name
                        && edge.queue.first().is_some_and(|(label, sort, _)| {
                            *label == branch.label && *sort == branch.sort
                        })
                })
        };
        choices.into_iter().filter(ready).map(|(_, branch)| branch.peer).collect()
    }

    /// Takes the head of the edge from `from`, which is legal.
    fn take(&mut self, own: usize, from: &str) -> String {
        let name = self.roles[own].name.clone();
        let edge = self.edge(from, &name).unwrap();
        let (label, _, value) = edge.queue.remove(0);
        let seq = edge.seqs.remove(0);
        edge.consumed += 1;
        edge.passed = seq + 1;
        let role = &mut self.roles[own];
        let choices = role.left.choices();
        let taken = choices.into_iter().find(|(_, b)| b.peer == from && b.label == label);
        role.left = taken.unwrap().1.next;
        role.position += 1;
        format!("received {seq} of {from}: {label} {value} at {}", role.position)
    }

    /// The senders from whom the role has received when it is at `upto`.
    fn implied(&self, own: usize, upto: u64) -> Result<Vec<String>, &'static str> {
        let mut after = self.clone();
        let mut implied = Vec::new();
        while after.roles[own].position < upto {
            let takable = after.takable(own);
            match &takable[..] {
                [] => return Err("ahead"),
                [only] => {
                    let edge = after
                        .edges
                        .iter()
                        .find(|e| e.from == *only && e.to == self.roles[own].name);
                    if edge.unwrap().policy.is_lossy() {
                        return Err("ambiguous_receive");
                    }
                    after.take(own, only);
                    implied.push(only.clone());
                }
                _ => return Err("ambiguous_receive"),
            }
        }
        Ok(implied)
    }

    #[allow(clippy::type_complexity)]
    fn was_performed(
        &self,
        own: usize,
        at: u64,
        claim: Option<(&Option<String>, &Option<String>, &Value)>,
    ) -> Result<(), &'static str> {
        let role = &self.roles[own];
        if role.from.is_none_or(|from| at < from) {
            return Err("too_old");
        }
        let send = role.sends.iter().find(|send| send.at == at);
        let same = match (send, claim) {
            (None, None) => true,
            (Some(send), Some((to, label, value))) => {
                to.as_ref() == Some(&send.to)
                    && label.as_ref() == Some(&send.label)
                    && send.sort.conform(value.clone()).as_ref() == Ok(&send.value)
            }
            _ => false,
        };
        if same { Ok(()) } else { Err("position_conflict") }
    }

    fn end(&mut self, status: String) {
        self.status = status;
        self.deadline = None;
        self.staged.clear();
        self.readiness.clear();
        self.timers.clear();
        self.timeouts.clear();
    }

    fn settle(&mut self) {
        let over = match self.status.as_str() {
            "active" => {
                self.roles.iter().all(|role| role.left.choices().is_empty())
                    && self.edges.iter().all(|edge| edge.queue.is_empty())
            }
            "draining" => (0..self.roles.len()).all(|own| self.takable(own).is_empty()),
            _ => false,
        };
        if over {
            self.end("closed".into());
        }
    }
}

/// Witnesses and timers.
impl Session {
    /// What is bound to one of these fragments is dead.
    fn moved(&mut self, scope: Scope) {
        let moved = Self::numbers(scope);
        let stays = |of: Scope| !Self::numbers(of).iter().any(|at| moved.contains(at));
        self.readiness.retain(|(witness, _)| stays(witness.scope));
        self.timers.retain(|(timer, _)| stays(timer.scope));
        self.timeouts.retain(|witness| stays(witness.scope));
        // The role was taken from whoever is attached.
        self.attached.retain(|own, _| !moved.contains(&(own + 1)));
    }

    fn room(&self) -> Result<(), &'static str> {
        let all = self.staged.len() + self.readiness.len() + self.timers.len();
        if all + self.timeouts.len() == OUTSTANDING_MAX {
            return Err("too_many_outstanding");
        }
        Ok(())
    }

    /// The first of what is not a drain and due now runs out.
    fn expire_one(&mut self, due: u64) {
        if let Some(at) = self.staged.iter().position(|s| s.expires == Some(due)) {
            self.staged.remove(at);
        } else if let Some(at) = self.timers.iter().position(|(timer, _)| timer.due.0 == due) {
            let (timer, _) = self.timers.remove(at);
            self.timeouts.push(TimeoutWitness {
                session: antiphon::machine::SessionId(self.id),
                id: WitnessId(self.witness_count),
                site: timer.site,
                owner: timer.owner,
                generation: timer.generation,
                scope: timer.scope,
                issued_at: Tick(self.tick),
                until: timer.valid.map(|valid| Tick(self.tick.saturating_add(valid))),
            });
            self.witness_count += 1;
        } else {
            let late = self.timeouts.iter().position(|late| late.until == Some(Tick(due)));
            self.timeouts.remove(late.unwrap());
        }
    }

    fn has_edge(&self, edge: antiphon::types::Edge) -> Result<(), &'static str> {
        let name = |role: RoleIx| self.roles.get(role.index()).map(|role| &role.name);
        let mut edges = self.edges.iter();
        let known = edges.any(|e| Some(&e.from) == name(edge.from) && Some(&e.to) == name(edge.to));
        if known { Ok(()) } else { Err("unknown_edge") }
    }

    fn has_role(&self, role: RoleIx) -> Result<(), &'static str> {
        if role.index() < self.roles.len() { Ok(()) } else { Err("unknown_role") }
    }

    /// Whether a predicate is true, from its first term on.
    fn is_true<'a>(&self, terms: &mut impl Iterator<Item = &'a Term>) -> bool {
        match terms.next().unwrap() {
            Term::AtState(role, state) => {
                let automaton = self.protocol.automaton(*role);
                let there = (state.index() < automaton.len())
                    .then(|| Type::of(&self.protocol.local_at(*role, *state).unwrap()));
                there.is_some_and(|there| alike(&self.roles[role.index()].left, &there))
            }
            Term::Position(role, least) => self.roles[role.index()].position >= least.0,
            Term::EdgeEmpty(edge) => {
                let name = |role: RoleIx| self.roles[role.index()].name.as_str();
                let mut edges = self.edges.iter();
                let found = edges.find(|e| e.from == name(edge.from) && e.to == name(edge.to));
                found.unwrap().queue.is_empty()
            }
            Term::Attached(role) => self.attached.contains_key(&role.index()),
            Term::External(_) => true,
            Term::All(parts) => {
                let said: Vec<bool> = (0..*parts).map(|_| self.is_true(terms)).collect();
                !said.contains(&false)
            }
            Term::Any(parts) => {
                let said: Vec<bool> = (0..*parts).map(|_| self.is_true(terms)).collect();
                said.contains(&true)
            }
            Term::Not => !self.is_true(terms),
        }
    }

    fn holds(&self, predicate: &Predicate) -> Result<(), &'static str> {
        let holds = self.is_true(&mut predicate.terms().iter());
        if holds { Ok(()) } else { Err("predicate_false") }
    }

    /// Why a witness of this number is none.
    fn unlike(&self, id: WitnessId) -> &'static str {
        let there = self.readiness.iter().any(|(witness, _)| witness.id == id)
            || self.timeouts.iter().any(|witness| witness.id == id);
        if id.0 < self.witness_count && !there { "witness_spent" } else { "invalid_witness" }
    }

    fn attest(&mut self, now: u64, by: &Presented, authority: &Authority) -> Verdict {
        let nothing = Scope::from_bits(0);
        match authority {
            Authority::IssueReadiness { predicate, .. } => {
                let mut scope = nothing;
                for term in predicate.terms() {
                    let roles = match term {
                        Term::AtState(role, _) | Term::Position(role, _) | Term::Attached(role) => {
                            self.has_role(*role)?;
                            vec![*role]
                        }
                        Term::EdgeEmpty(edge) => {
                            self.has_edge(*edge)?;
                            vec![edge.from, edge.to]
                        }
                        _ => vec![],
                    };
                    let parts = roles.into_iter().map(Scope::role);
                    scope = parts.fold(scope, Scope::union);
                }
                if scope == nothing {
                    scope = by.scope;
                }
                self.authorize(by, scope)?;
                self.goes_on()?;
                self.holds(predicate)?;
                self.room()?;
                let witness = Readiness {
                    session: by.session,
                    id: WitnessId(self.witness_count),
                    owner: by.owner.clone(),
                    generation: by.generation,
                    scope,
                    predicate: predicate.clone(),
                };
                let came_to = format!("{witness:?}");
                self.readiness.push((witness, self.made.len()));
                self.witness_count += 1;
                Ok(came_to)
            }
            Authority::ConsumeReadiness { witness } => {
                self.authorize(by, witness.scope)?;
                self.goes_on()?;
                let found = self.readiness.iter().position(|(known, _)| known == witness);
                let found = found.ok_or(self.unlike(witness.id))?;
                self.holds(&witness.predicate)?;
                self.readiness.remove(found);
                Ok("done".into())
            }
            Authority::ConsumeTimeout { witness } => {
                self.authorize(by, witness.scope)?;
                self.goes_on()?;
                let found = self.timeouts.iter().position(|known| known == witness);
                self.timeouts.remove(found.ok_or(self.unlike(witness.id))?);
                Ok("done".into())
            }
            Authority::ArmTimer { site, after, valid, .. } => {
                let places = match site {
                    Site::Endpoint(role) => {
                        self.has_role(*role)?;
                        vec![Scope::role(*role), Scope::LIFECYCLE]
                    }
                    Site::Edge(edge) => {
                        self.has_edge(*edge)?;
                        vec![Scope::role(edge.from), Scope::role(edge.to), Scope::LIFECYCLE]
                    }
                    Site::Name(_) => vec![by.scope],
                };
                let first = self.authorize(by, places[0]);
                let covered = places.into_iter().find(|at| self.authorize(by, *at).is_ok());
                let Some(scope) = covered else { return Err(first.unwrap_err()) };
                self.goes_on()?;
                self.room()?;
                let id = TimerId(self.timer_count);
                let timer = Armed {
                    id,
                    site: site.clone(),
                    owner: by.owner.clone(),
                    generation: by.generation,
                    scope,
                    due: Tick(self.tick.max(now).saturating_add(*after)),
                    valid: *valid,
                };
                self.timers.push((timer, self.made.len()));
                self.timer_count += 1;
                Ok(format!("timer {id}"))
            }
            Authority::DisarmTimer { timer } => {
                let found = self.timers.iter().position(|(known, _)| known.id == *timer);
                let scope = found.map_or(by.scope, |at| self.timers[at].0.scope);
                if let Err(refused) = self.authorize(by, scope)
                    && self.authorize(by, Scope::LIFECYCLE).is_err()
                {
                    return Err(refused);
                }
                self.goes_on()?;
                self.timers.remove(found.ok_or("timer_not_armed")?);
                Ok("done".into())
            }
            other => unreachable!("{other:?}"),
        }
    }
}
