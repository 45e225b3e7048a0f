//! The machine once more, as simply as it can be said: names instead of numbers, types instead of
//! tables, lists that are searched from the front.

use std::collections::BTreeSet;
use std::sync::Arc;

use antiphon::machine::{
    Accepted, Act, Authority, CAPACITY_MAX, Capacities, Commit, Input, OUTSTANDING_MAX, Open,
    Presented, REASON_BYTES_MAX, REMEMBERED_MAX, Receipt, Receive, Recipient, Scope, Send,
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
            Input::Persisted { session, .. } => {
                let mut all = self.sessions.iter().chain(&self.archived);
                let known = all.any(|s| s.id == session.0);
                if known { Ok("done".into()) } else { Err("unknown_session") }
            }
            Input::Reap { session } => self.reap(session.0),
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
                    let first = session.staged.iter().position(|s| s.expires == Some(due));
                    session.staged.remove(first.unwrap());
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
                && again.is_ok_and(|again| {
                    let capacities = |session: &Session| {
                        session.edges.iter().map(|edge| edge.capacity).collect::<Vec<_>>()
                    };
                    capacities(&again) == capacities(known)
                        && (known.checked || open.capacities.unchecked)
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
        if edges.iter().any(|edge| edge.capacity == 0 || edge.capacity > CAPACITY_MAX) {
            return Err("bad_capacity");
        }
        let checked =
            is_safe(protocol.evidence(), edges.iter().map(|edge| edge.capacity).collect());
        if !checked && !unchecked {
            return Err("capacity_unchecked");
        }
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
            records: 1,
            durable: 0,
            protocol,
        })
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
                if at.is_none_or(|at| at.0 >= self.roles[own].position) {
                    return over;
                }
            }
            Act::Acknowledge { role, position } => {
                let own = self.acting(by, *role)?;
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
        };
        let mut made = self.made.iter().enumerate();
        let found = made.find(|(at, (known, _))| known == content && live(*at));
        found.map(|(_, (_, came_to))| came_to.clone())
    }

    /// The fragments have an owner now.
    fn issue(&mut self, owner: &str, scope: Scope) -> String {
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
                if !wanted.iter().all(|at| given.contains(at) && self.carries(*at, by)) {
                    self.authorize(by, Scope::LIFECYCLE)?;
                }
                self.goes_on()?;
                if wanted.iter().any(|at| !self.fragments[*at].released) {
                    return Err("already_claimed");
                }
                self.quiet(*scope)?;
                self.issue(owner.as_str(), *scope)
            }
            Authority::Stage { scope, to, expires, freeze, .. } => {
                self.authorize(by, *scope)?;
                self.goes_on()?;
                self.quiet(*scope)?;
                if self.staged.len() == OUTSTANDING_MAX {
                    return Err("too_many_outstanding");
                }
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
                self.authorize(by, receipt.scope)?;
                self.goes_on()?;
                let at = self.pending(receipt)?;
                self.staged.remove(at);
                "done".into()
            }
            other => unreachable!("{other:?}"),
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
        self.deadline.into_iter().chain(self.staged.iter().filter_map(|s| s.expires)).min()
    }

    /// The place of the role, if it is one and the capability is for it.
    fn acting(&self, by: &Presented, role: RoleIx) -> Result<usize, &'static str> {
        if role.index() >= self.roles.len() {
            return Err("unknown_role");
        }
        self.authorize(by, Scope::role(role))?;
        Ok(role.index())
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
        let edge = after.edge(&name, &branch.peer).unwrap();
        if edge.queue.len() == edge.capacity as usize {
            return Err("edge_full");
        }
        let seq = edge.sent;
        edge.sent += 1;
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
        let seq = edge.consumed;
        edge.consumed += 1;
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
