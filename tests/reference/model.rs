//! The machine once more, as simply as it can be said: names instead of numbers, types instead of
//! tables, lists that are searched from the front.

use std::collections::BTreeSet;
use std::sync::Arc;

use antiphon::machine::{
    Accepted, Act, CAPACITY_MAX, Capacities, Input, Open, Presented, REASON_BYTES_MAX,
    REMEMBERED_MAX, Scope,
};
use antiphon::types::{Direction, EdgeIx, Evidence, LabelIx, Protocol, RoleIx, Sort, Value};

use super::{Branch, Type};

/// What an input comes to: a text, or the code of a refusal.
pub type Verdict = Result<String, &'static str>;

#[derive(Debug, Clone)]
pub struct Model {
    pub protocols: Vec<Arc<Protocol>>,
    pub sessions: Vec<Session>,
    pub now: u64,
}

#[derive(Debug, Clone)]
pub struct Session {
    pub id: u128,
    pub protocol: Arc<Protocol>,
    pub owner: String,
    pub journal: bool,
    pub checked: bool,
    pub status: String,
    pub tick: u64,
    pub deadline: Option<u64>,
    pub roles: Vec<Role>,
    pub edges: Vec<Edge>,
    pub labels: Vec<String>,
    pub default: Option<String>,
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
        Self { protocols: protocols.to_vec(), sessions: Vec::new(), now: 0 }
    }

    pub fn handle(&mut self, now: u64, input: &Input) -> Verdict {
        self.now = self.now.max(now);
        self.expire();
        match input {
            Input::Open(open) => self.open(open),
            Input::Act { by, act } => {
                let now = self.now;
                let session = self.sessions.iter_mut().find(|s| s.id == by.session.0);
                session.ok_or("unknown_session")?.act(now, by, act)
            }
            Input::Persisted { session, .. } => {
                let known = self.sessions.iter().any(|s| s.id == session.0);
                if known { Ok("done".into()) } else { Err("unknown_session") }
            }
            _ => Ok("done".into()),
        }
    }

    fn expire(&mut self) {
        for session in &mut self.sessions {
            if let Some(deadline) = session.deadline.filter(|deadline| *deadline <= self.now) {
                session.tick = session.tick.max(deadline);
                session.end("closed".into());
            }
        }
    }

    fn open(&mut self, open: &Open) -> Verdict {
        let opened = format!("opened for {} at 1", open.owner);
        if let Some(known) = self.sessions.iter().find(|s| s.id == open.session.0) {
            let again = Session::open(Arc::clone(&known.protocol), open, 0);
            let same = known.protocol.digest() == open.protocol
                && known.owner == open.owner.as_str()
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
            owner: open.owner.to_string(),
            journal: open.journal,
            checked,
            status: "active".into(),
            tick: now,
            deadline: None,
            roles: roles.collect(),
            edges,
            labels: labels.into_iter().collect(),
            default: None,
            protocol,
        })
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
            other => self.govern(now, by, other),
        }
    }

    fn authorize(&self, by: &Presented, needs: Scope) -> Result<(), &'static str> {
        if by.owner.as_str() != self.owner || by.generation.0 != 1 {
            return Err("stale_capability");
        }
        let all = Scope::session(&self.protocol).bits();
        let (given, needs) = (by.scope.bits(), needs.bits());
        // What is presented is owned, and what is needed is presented.
        if given & !all != 0 || needs & !given != 0 || given == 0 {
            return Err("scope_violation");
        }
        Ok(())
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
        self.tick = self.tick.max(now);
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
        self.tick = self.tick.max(now);
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
        for from in &implied {
            self.take(own, from);
        }
        self.tick = self.tick.max(now);
        self.settle();
        Ok(format!("acknowledged {} at {upto}", implied.len()))
    }

    fn govern(&mut self, now: u64, by: &Presented, act: &Act) -> Verdict {
        self.authorize(by, Scope::LIFECYCLE)?;
        if self.is_terminal() {
            return Err("terminal");
        }
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
        self.tick = self.tick.max(now);
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
