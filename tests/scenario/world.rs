//! What a scenario speaks of by name: sessions, capabilities, receipts; and what a machine says, as
//! a person reads it.

use std::fmt::Write as _;
use std::sync::Arc;

use antiphon::machine::*;
use antiphon::types::*;

use crate::told;

/// See the module.
pub(crate) struct World {
    pub(crate) machine: Machine,
    pub(crate) now: u64,
    pub(crate) protocols: Vec<Arc<Protocol>>,
    /// Every capability that was ever given out.
    pub(crate) given: Vec<Presented>,
    /// Every receipt that was ever given out.
    pub(crate) receipts: Vec<Receipt>,
    /// Every witness that was ever given out.
    pub(crate) readiness: Vec<Readiness>,
    pub(crate) timeouts: Vec<TimeoutWitness>,
    /// The batches of each session.
    batches: Vec<Batch>,
    /// What was said last, for those whose answer was lost.
    pub(crate) last: Option<Input>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            machine: Machine::observed(),
            now: 0,
            protocols: Vec::new(),
            given: Vec::new(),
            receipts: Vec::new(),
            readiness: Vec::new(),
            timeouts: Vec::new(),
            batches: Vec::new(),
            last: None,
        }
    }
}

impl World {
    pub(crate) fn declare(&mut self, name: &str, text: &str) {
        let locals: LocalTypes = text.parse().unwrap_or_else(|report| panic!("{report}"));
        let protocol = Protocol::from_locals(Name::new(name).unwrap(), locals);
        let protocol = Arc::new(protocol.unwrap_or_else(|report| panic!("{report}")));
        self.machine.register(&protocol);
        self.protocols.push(protocol);
    }

    pub(crate) fn protocol(&self, session: SessionId) -> Arc<Protocol> {
        let view = self.machine.session(session);
        view.map_or_else(|| Arc::clone(&self.protocols[0]), |view| Arc::clone(view.protocol()))
    }

    /// What somebody presents: `phone` is what was given to it last, `phone#1` what it was given at
    /// generation 1. Who was given nothing makes something up.
    pub(crate) fn presented(&self, session: SessionId, who: &str) -> Presented {
        let (name, generation) = match who.split_once('#') {
            Some((name, number)) => (name, Some(Generation(number.parse().unwrap()))),
            None => (who, None),
        };
        let given = self.given.iter().rev().find(|given| {
            given.session == session
                && given.owner.as_str() == name
                && generation.is_none_or(|generation| given.generation == generation)
        });
        given.cloned().unwrap_or_else(|| Presented {
            session,
            owner: Owner::new(name).unwrap(),
            generation: generation.unwrap_or(Generation(1)),
            scope: Scope::session(&self.protocol(session)),
            hint: 0,
            over: None,
        })
    }

    /// Tells the machine, and says what it came to and what observers are told.
    pub(crate) fn tell(&mut self, input: Input) -> String {
        let session = input.session().unwrap_or(SessionId(1));
        let before = self.machine.digest();
        let timers = self.machine.poll_timeout().is_some_and(|due| due.0 <= self.now);
        let verdict = self.machine.handle(Tick(self.now), input.clone());
        self.last = Some(input);
        self.machine.check_invariants().unwrap();
        let mut out = match verdict {
            Ok(accepted) => self.accepted(session, &accepted),
            Err(refusal) => {
                // Law 2; what had run out is no part of what was refused.
                assert!(timers || self.machine.digest() == before, "{refusal}");
                format!("refused {} ({}): {refusal}", refusal.code(), refusal.clause())
            }
        };
        out.push('\n');
        self.machine.seal();
        while let Some(output) = self.machine.poll() {
            match output {
                Output::Persist(batch) => {
                    let upto = batch.first + u64::from(batch.count);
                    let persisted = Input::Persisted { session: batch.session, upto };
                    self.batches.push(batch);
                    self.machine.handle(Tick(self.now), persisted).unwrap();
                }
                Output::Event(event) => {
                    if let Some(said) = self.event(&event) {
                        writeln!(out, "  {said}").unwrap();
                    }
                }
                Output::Deliver(deliver) => {
                    let role = self.protocol(deliver.session).role_name(deliver.role).clone();
                    writeln!(out, "  {} is called for {role}: #{}", deliver.handler, deliver.seq)
                        .unwrap();
                }
                other => writeln!(out, "  {other:?}").unwrap(),
            }
        }
        self.replay(session);
        out
    }

    /// JRNL-3: the journal leads to the state that there is.
    fn replay(&self, session: SessionId) {
        let Some(view) = self.machine.session(session) else { return };
        if view.records_len().is_none() {
            return;
        }
        let protocol = view.protocol();
        let own = self.batches.iter().filter(|batch| batch.session == session);
        let records: Vec<Record> =
            own.flat_map(|batch| Record::decode_batch(batch, protocol).unwrap()).collect();
        let replayed = Machine::replay(protocol, session, &records).unwrap();
        assert_eq!(replayed.session_digest(session), self.machine.session_digest(session));
        let audits = records.iter().map(|record| record.audits(protocol).count()).max();
        assert!(audits.unwrap_or(0) <= AUDITS_MAX);
    }

    fn accepted(&mut self, session: SessionId, accepted: &Accepted) -> String {
        let protocol = self.protocol(session);
        let scope = |scope: Scope| scope.shown(&protocol);
        match accepted {
            Accepted::Opened(capability) | Accepted::Issued(capability) => {
                let given = capability.present().clone();
                let said =
                    format!("{}#{} holds {}", given.owner, given.generation, scope(given.scope));
                if !self.given.contains(&given) {
                    self.given.push(given);
                }
                said
            }
            Accepted::Staged(receipt) => {
                if !self.receipts.contains(receipt) {
                    self.receipts.push((**receipt).clone());
                }
                let to = match &receipt.to {
                    Recipient::Owner(owner) => owner.to_string(),
                    Recipient::Bearer => "its bearer".into(),
                };
                let (id, from, generation) = (receipt.id, &receipt.from, receipt.generation);
                format!("receipt {id}: {} from {from}#{generation} to {to}", scope(receipt.scope))
            }
            Accepted::Sent { seq, position } => format!("sent #{seq}; now at {position}"),
            Accepted::Received(received) => {
                let Received { seq, label, value, position, .. } = received;
                let label = protocol.label_name(*label);
                format!("received #{seq} {label}({value}); now at {position}")
            }
            Accepted::Duplicate { position } => format!("duplicate; at {position}"),
            Accepted::Acknowledged { position, performed } => {
                format!("acknowledged: {performed} received; now at {position}")
            }
            Accepted::Done => "done".into(),
            Accepted::Witness(witness) => {
                if !self.readiness.contains(witness) {
                    self.readiness.push((**witness).clone());
                }
                let Readiness { id, owner, generation, .. } = &**witness;
                format!("witness {id} for {owner}#{generation}")
            }
            Accepted::Timer(timer) => format!("timer {timer}"),
            Accepted::Attached { epoch } => format!("attached {epoch}"),
            Accepted::Serial(serial) => format!("serial {serial}"),
            #[allow(unreachable_patterns)]
            other => format!("{other:?}"),
        }
    }

    fn event(&mut self, event: &Event) -> Option<String> {
        Some(match event {
            // The command has said so.
            Event::Opened { .. } | Event::Advanced { .. } => return None,
            Event::Authority { session, audit } => told::audit(&self.protocol(*session), audit),
            Event::TimedOut { witness, .. } => {
                let TimeoutWitness { id, owner, generation, issued_at, until, .. } = &**witness;
                let until = until.map_or(String::new(), |until| format!(" until {until}"));
                let said =
                    format!("timeout witness {id} for {owner}#{generation}, at {issued_at}{until}");
                self.timeouts.push((**witness).clone());
                said
            }
            Event::Attached { session, role, epoch, over } => {
                let role = self.protocol(*session).role_name(*role).clone();
                let over = over.map_or(String::new(), |over| format!(", over {over}"));
                format!("{role} attached at {epoch}{over}")
            }
            Event::Detached { session, role, epoch } => {
                let role = self.protocol(*session).role_name(*role).clone();
                format!("{role} detached from {epoch}")
            }
            Event::Recovered { fencing, .. } => format!("recovered into {fencing}"),
            Event::Draining { .. } => "draining".into(),
            Event::Ended { session, status, undelivered } => {
                let protocol = self.protocol(*session);
                let mut said = format!("ended: {status}");
                for (edge, count) in undelivered {
                    let name = |role| protocol.role_name(role);
                    let (from, to) = (name(edge.from), name(edge.to));
                    write!(said, "; {count} undelivered on {from} → {to}").unwrap();
                }
                said
            }
            other => format!("{other:?}"),
        })
    }

    /// Who has what, and where everybody is.
    pub(crate) fn who(&self, session: SessionId) -> String {
        let Some(view) = self.machine.session(session) else { return "no such session".into() };
        let protocol = view.protocol();
        let mut out = format!("{}\n", view.status());
        for held in view.holdings() {
            let released = if held.released { ", released" } else { "" };
            let (owner, scope) = (held.owner, held.scope.shown(protocol));
            writeln!(out, "{owner}#{}{released}: {scope}", held.generation).unwrap();
        }
        for receipt in view.staged() {
            writeln!(out, "in flight: receipt {}", receipt.id).unwrap();
        }
        for endpoint in view.endpoints() {
            let attached = endpoint.attached();
            let attached = attached.map_or(String::new(), |epoch| format!(", attached at {epoch}"));
            writeln!(out, "{} is at {}{attached}", endpoint.name(), endpoint.position()).unwrap();
        }
        for edge in view.edges().filter(|edge| edge.messages().len() > 0) {
            let name = |role| protocol.role_name(role);
            let (from, to) = (name(edge.edge().from), name(edge.edge().to));
            writeln!(out, "{} on {from} → {to}", edge.messages().len()).unwrap();
        }
        out
    }
}
