//! One machine with one session of a protocol, spoken to with names.
#![allow(dead_code, unreachable_pub)]

pub mod told;

use std::sync::Arc;

use antiphon::machine::*;
use antiphon::types::*;

/// See the module.
pub struct Scene {
    pub machine: Machine,
    pub protocol: Arc<Protocol>,
    pub by: Presented,
    pub now: u64,
}

/// How a session is opened, unless something else is said.
pub fn open(protocol: &Protocol, session: u128) -> Open {
    Open {
        session: SessionId(session),
        protocol: protocol.digest(),
        owner: Owner::new("host").unwrap(),
        capacities: Capacities::every(CAPACITY_DEFAULT).unchecked(),
        journal: false,
        on_lost: OnLost::default(),
        policies: Vec::new(),
    }
}

impl Scene {
    /// Session 1 of this protocol, without a journal.
    pub fn new(text: &str) -> Self {
        Self::with(Machine::new(), text, |_, _| {})
    }

    /// Session 1 of this protocol, opened as `change` has it.
    pub fn with(
        mut machine: Machine,
        text: &str,
        change: impl FnOnce(&Protocol, &mut Open),
    ) -> Self {
        // Roles that are not safe together have to be able to go wrong here.
        let protocol = text.parse::<Protocol>().unwrap_or_else(|report| {
            let locals: LocalTypes = text.parse().unwrap_or_else(|_| panic!("{report}"));
            Protocol::unchecked(Name::new("Scene").unwrap(), locals).unwrap()
        });
        let protocol = Arc::new(protocol);
        machine.register(&protocol);
        let mut open = open(&protocol, 1);
        change(&protocol, &mut open);
        match machine.handle(Tick(0), Input::Open(open)).unwrap() {
            Accepted::Opened(capability) => {
                Self { machine, protocol, by: capability.present().clone(), now: 0 }
            }
            other => panic!("{other:?}"),
        }
    }

    /// Somebody else acts; every invariant holds behind it.
    pub fn by(&mut self, by: &Presented, act: Act) -> Result<Accepted, Refusal> {
        let verdict = self.machine.act(Tick(self.now), by, act);
        self.machine.check_invariants().unwrap();
        verdict
    }

    /// Who has what, as a person reads it.
    pub fn holdings(&self) -> String {
        let view = self.machine.session(self.by.session).unwrap();
        let shown = view.holdings().map(|held| {
            let released = if held.released { " (released)" } else { "" };
            let scope = held.scope.shown(&self.protocol);
            format!("{}#{} {scope}{released}", held.owner, held.generation)
        });
        shown.collect::<Vec<_>>().join(" · ")
    }

    pub fn role(&self, name: &str) -> RoleIx {
        self.protocol.role(name).unwrap_or(RoleIx::UNKNOWN)
    }

    pub fn edge(&self, from: &str, to: &str) -> EdgeIx {
        self.protocol.edge(self.role(from), self.role(to)).unwrap()
    }

    /// `role!label(value)` to `to`, at a position or not.
    pub fn sending(
        &self,
        role: &str,
        to: &str,
        label: &str,
        value: impl Into<Value>,
        at: Option<u64>,
    ) -> Act {
        Act::Send(Send {
            role: self.role(role),
            to: self.role(to),
            label: self.protocol.label(label).unwrap_or(LabelIx::UNKNOWN),
            value: value.into(),
            at: at.map(Position),
        })
    }

    pub fn receiving(&self, role: &str, from: &str, at: Option<u64>) -> Act {
        let (role, from) = (self.role(role), self.role(from));
        Act::Receive(Receive { role, from, at: at.map(Position) })
    }

    pub fn acknowledging(&self, role: &str, position: u64) -> Act {
        Act::Acknowledge { role: self.role(role), position: Position(position) }
    }

    pub fn act(&mut self, act: Act) -> Result<Accepted, Refusal> {
        self.machine.act(Tick(self.now), &self.by.clone(), act)
    }

    /// Does what must be accepted.
    #[track_caller]
    pub fn done(&mut self, act: Act) -> Accepted {
        self.act(act).unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    #[track_caller]
    pub fn send(&mut self, role: &str, to: &str, label: &str, value: impl Into<Value>) -> Accepted {
        let act = self.sending(role, to, label, value, None);
        self.done(act)
    }

    #[track_caller]
    pub fn receive(&mut self, role: &str, from: &str) -> Accepted {
        let act = self.receiving(role, from, None);
        self.done(act)
    }

    /// Does what must be refused, and checks that it changes nothing (law 2).
    #[track_caller]
    pub fn refused(&mut self, input: Input) -> Refusal {
        self.machine.handle(Tick(self.now), Input::Tick).unwrap();
        let before = self.machine.digest();
        let refusal = self.machine.handle(Tick(self.now), input).expect_err("this is refused");
        assert_eq!(self.machine.digest(), before, "{refusal}");
        self.machine.check_invariants().unwrap();
        refusal
    }

    /// As [`refused`](Self::refused), under the good authority.
    #[track_caller]
    pub fn refused_act(&mut self, act: Act) -> Refusal {
        let by = self.by.clone();
        self.refused(Input::Act { by, act })
    }

    /// An authority act that must be accepted.
    #[track_caller]
    pub fn change(&mut self, authority: Authority) -> Accepted {
        self.done(Act::Authority(Box::new(authority)))
    }

    /// Stages a role for an owner.
    #[track_caller]
    pub fn staged(&mut self, role: &str, to: &str, expires: Option<u64>, freeze: bool) -> Receipt {
        let scope = Scope::role(self.role(role));
        let (request, to) = (RequestId(1), Recipient::Owner(Owner::new(to).unwrap()));
        let expires = expires.map(Tick);
        match self.change(Authority::Stage { request, scope, to, expires, freeze }) {
            Accepted::Staged(receipt) => *receipt,
            other => panic!("{other:?}"),
        }
    }

    pub fn status(&self) -> String {
        self.machine.session(self.by.session).unwrap().status().to_string()
    }

    pub fn tick(&mut self, now: u64) {
        self.now = now;
        self.machine.handle(Tick(now), Input::Tick).unwrap();
    }

    /// All that is to be done now.
    pub fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.machine.poll()).collect()
    }

    pub fn persisted(&mut self, session: u128, upto: u64) {
        let session = SessionId(session);
        self.machine.handle(Tick(self.now), Input::Persisted { session, upto }).unwrap();
    }
}

/// An output in a few words.
pub fn shown(output: &Output) -> String {
    match output {
        Output::Persist(batch) => format!("persist {} from {}", batch.count, batch.first),
        Output::Deliver(deliver) => {
            format!("deliver {} of {:?} to {:?}", deliver.seq, deliver.from, deliver.handler)
        }
        Output::Event(Event::Opened { .. }) => "opened".into(),
        Output::Event(Event::Draining { .. }) => "draining".into(),
        Output::Event(Event::Advanced { role, direction, value, position, .. }) => {
            format!("{role:?} {direction:?} {value} at {position}")
        }
        Output::Event(Event::Ended { status, undelivered, .. }) => {
            format!("ended {status}, undelivered {undelivered:?}")
        }
        other => format!("{other:?}"),
    }
}
