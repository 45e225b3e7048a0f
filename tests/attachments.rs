//! Who comes over which connection: stories.
#![cfg(feature = "syntax")]

use crate::scene::Scene;
use crate::scene::told::{boxed, owner};
use antiphon::machine::*;
use antiphon::types::{Protocol, RoleIx};

const ORDERS: &str = "
    Buyer  = rec X . Seller!{ order(nat) . Seller?paid . X, stop . end }
    Seller = rec X . Buyer?{ order(nat) . Buyer!paid . X, stop . end }
";

/// ATT-7, ATT-9: bytes that no machine writes are damage.
#[test]
fn an_epoch_in_a_record_has_a_counter() {
    let mut scene = scene();
    scene.attach("Buyer");
    scene.machine.seal();
    let batch = scene.outputs().into_iter().find_map(|output| match output {
        Output::Persist(batch) => Some(batch),
        _ => None,
    });
    let batch = batch.unwrap();
    let mut bytes = batch.bytes.to_vec();
    // The last record: its length, tag, tick, outcome, epoch, role and authority.
    let at = bytes.windows(2).rposition(|pair| pair == [10, 0]).unwrap() + 2;
    assert_eq!(bytes[at], 1);
    bytes[at] = 0;
    let damaged = Batch { bytes: bytes.into(), ..batch };
    assert_eq!(Record::decode_batch(&damaged, &scene.protocol), Err(RecordError));
}

fn scene() -> Scene {
    Scene::with(Machine::observed(), ORDERS, |_, open| open.journal = true)
}

fn epoch(fencing: u32, counter: u32) -> Epoch {
    Epoch::new(fencing, counter)
}

impl Scene {
    #[track_caller]
    fn attach(&mut self, role: &str) -> Epoch {
        let act = Act::Attach { role: self.role(role) };
        match self.done(act) {
            Accepted::Attached { epoch } => epoch,
            other => panic!("{other:?}"),
        }
    }

    fn over(&self, epoch: Epoch) -> Presented {
        Presented { over: Some(epoch), ..self.by.clone() }
    }

    fn attached(&self, role: &str) -> Option<Epoch> {
        let role = self.role(role);
        self.machine.session(self.by.session).unwrap().endpoint(role).unwrap().attached()
    }

    #[track_caller]
    fn stale(&mut self, by: &Presented, act: Act) -> Option<Epoch> {
        match self.refused(Input::Act { by: by.clone(), act }) {
            Refusal::StaleAttachment { live } => live,
            other => panic!("{other}"),
        }
    }

    fn recover(&mut self, fencing: u32) -> Result<Accepted, Refusal> {
        let session = self.by.session;
        self.machine.handle(Tick(self.now), Input::Recovered { session, fencing })
    }

    /// What the observer is told of connections.
    fn told(&mut self) -> Vec<String> {
        let told = self.outputs().into_iter().filter_map(|output| match output {
            Output::Event(Event::Attached { role, epoch, over, .. }) => {
                let over = over.map_or(String::new(), |over| format!(", over {over}"));
                Some(format!("{} attached at {epoch}{over}", self.protocol.role_name(role)))
            }
            Output::Event(Event::Detached { role, epoch, .. }) => {
                Some(format!("{} detached from {epoch}", self.protocol.role_name(role)))
            }
            Output::Event(Event::Recovered { fencing, .. }) => Some(format!("recovered {fencing}")),
            _ => None,
        });
        told.collect()
    }

    /// The journal so far, which leads to the same state.
    fn journal(&mut self) -> Vec<Record> {
        self.machine.seal();
        let mut records = Vec::new();
        while let Some(output) = self.machine.poll() {
            if let Output::Persist(batch) = output {
                let decoded = Record::decode_batch(&batch, &self.protocol).unwrap();
                assert_eq!(Record::encode_batch(&decoded), &batch.bytes[..]);
                records.extend(decoded);
            }
        }
        let replayed = Machine::replay(&self.protocol, self.by.session, &records).unwrap();
        assert_eq!(replayed.digest(), self.machine.digest());
        let mut told = Told::new(&self.protocol, self.by.session);
        records.iter().for_each(|record| drop(told.follow(record).unwrap()));
        records
    }
}

/// ATT-1, ATT-4, ATT-5: the network of a phone is gone, the phone comes back over another one, and
/// the server hears of the end of the first connection last of all.
#[test]
fn a_connection_that_was_taken_over_does_nothing_any_more() {
    let mut scene = scene();
    let first = scene.attach("Buyer");
    let order = |scene: &Scene, at| scene.sending("Buyer", "Seller", "order", 7_u64, at);
    let sent = order(&scene, Some(0));
    scene.by(&scene.over(first), sent.clone()).unwrap();
    let second = scene.attach("Buyer");
    assert!(second > first);
    assert_eq!(scene.attached("Buyer"), Some(second));
    // What was on its way: also a repeat of what was performed, and what is out of turn anyway.
    let old = scene.over(first);
    let paid = scene.receiving("Buyer", "Seller", None);
    let acts = [sent.clone(), paid, scene.acknowledging("Buyer", 1), order(&scene, Some(9))];
    for act in acts {
        assert_eq!(scene.stale(&old, act), Some(second));
    }
    let detach = |epoch| Act::Detach { role: RoleIx(0), epoch };
    assert_eq!(scene.stale(&old, detach(first)), Some(second));
    // The new connection is answered, and so is who is in this process.
    let by = scene.by.clone();
    for by in [scene.over(second), by] {
        let again = scene.by(&by, sent.clone());
        assert_eq!(again, Ok(Accepted::Duplicate { position: Position(1) }));
    }
    scene.done(detach(second));
    assert_eq!(scene.attached("Buyer"), None);
    assert_eq!(scene.stale(&scene.over(second), sent), None);
    assert_eq!(scene.stale(&scene.over(second), detach(second)), None);
    scene.machine.seal();
    scene.persisted(1, 100);
    assert_eq!(
        scene.told(),
        ["Buyer attached at 0.1", "Buyer attached at 0.2, over 0.1", "Buyer detached from 0.2"]
    );
}

/// ATT-5: other acts do not ask what they came over.
#[test]
fn what_is_no_action_of_a_role_may_come_over_anything() {
    let mut scene = scene();
    let stale = scene.over(epoch(7, 7));
    let role = scene.role("Seller");
    scene.by(&stale, Act::Bind { edge: None, handler: None }).unwrap();
    scene.by(&stale, boxed(Authority::IssueToken { request: RequestId(1) })).unwrap();
    let Ok(Accepted::Attached { epoch }) = scene.by(&stale, Act::Attach { role }) else {
        panic!("it attaches")
    };
    scene.by(&stale, Act::Detach { role, epoch }).unwrap();
    // What a request came over is no part of it (AUTH-9).
    let (request, scope, to) = (RequestId(4), Scope::role(role), Recipient::Bearer);
    let (expires, freeze) = (None, false);
    let stage = boxed(Authority::Stage { request, scope, to, expires, freeze });
    let first = scene.by(&stale, stage.clone()).unwrap();
    let before = scene.machine.digest();
    assert_eq!(scene.act(stage), Ok(first));
    assert_eq!(scene.machine.digest(), before);
    scene.by(&stale, Act::Cancel { reason: "enough".into() }).unwrap();
}

/// ATT-5: the short path of plain messages asks, too.
#[test]
fn a_plain_message_over_a_connection_is_looked_at() {
    for journal in [false, true] {
        let mut scene = Scene::with(Machine::new(), ORDERS, |_, open| open.journal = journal);
        let (buyer, seller) = (scene.role("Buyer"), scene.role("Seller"));
        let live = scene.attach("Seller");
        scene.send("Buyer", "Seller", "order", 7_u64);
        let (now, stale) = (Tick(0), scene.over(epoch(0, 9)));
        let refused = scene.machine.receive(now, &stale, seller, buyer).unwrap_err();
        assert_eq!(refused, Refusal::StaleAttachment { live: Some(live) });
        let receive = scene.receiving("Seller", "Buyer", None);
        assert_eq!(scene.stale(&stale, receive), Some(live));
        let label = scene.protocol.label("paid").unwrap();
        scene.machine.receive(now, &scene.over(live), seller, buyer).unwrap();
        let value = || antiphon::types::Value::Unit;
        let refused = scene.machine.send(now, &stale, seller, buyer, label, value()).unwrap_err();
        assert_eq!(refused.code(), "stale_attachment");
        scene.machine.send(now, &scene.over(live), seller, buyer, label, value()).unwrap();
        scene.machine.check_invariants().unwrap();
    }
}

/// ATT-1: checks in their order: the session, the role, the capability, the end.
#[test]
fn only_who_has_a_role_attaches_to_it() {
    let mut scene = scene();
    let (role, nobody) = (scene.role("Buyer"), RoleIx::UNKNOWN);
    let forged = Presented { owner: owner("mallory"), ..scene.by.clone() };
    let one = epoch(0, 1);
    for act in [Act::Attach { role }, Act::Detach { role, epoch: one }] {
        let code = |refusal: Refusal| refusal.code();
        let by = forged.clone();
        assert_eq!(code(scene.refused(Input::Act { by, act: act.clone() })), "stale_capability");
        let by = Presented { session: SessionId(9), ..forged.clone() };
        assert_eq!(code(scene.refused(Input::Act { by, act: act.clone() })), "unknown_session");
        let part = Scope::role(scene.role("Seller"));
        let by = Presented { scope: part, ..scene.by.clone() };
        assert_eq!(code(scene.refused(Input::Act { by, act })), "scope_violation");
    }
    for act in [Act::Attach { role: nobody }, Act::Detach { role: nobody, epoch: one }] {
        assert_eq!(scene.refused_act(act).code(), "unknown_role");
    }
    // A transfer in flight, frozen or not, and a drain are no reason.
    scene.staged("Buyer", "tablet", None, true);
    scene.attach("Buyer");
    scene.done(Act::Drain { deadline: None });
    assert_eq!(scene.status(), "closed");
    for act in [Act::Attach { role }, Act::Detach { role, epoch: one }] {
        assert_eq!(scene.refused_act(act.clone()).code(), "terminal");
    }
    // As it is in the archive.
    scene.machine.seal();
    scene.persisted(1, 100);
    let session = scene.by.session;
    scene.machine.handle(Tick(0), Input::Reap { session }).unwrap();
    for act in [Act::Attach { role }, Act::Detach { role, epoch: one }] {
        assert_eq!(scene.refused_act(act.clone()).code(), "terminal");
        assert_eq!(scene.by(&forged, act).unwrap_err().code(), "stale_capability");
    }
    let again = scene.receiving("Buyer", "Seller", Some(0));
    assert_eq!(scene.stale(&scene.over(epoch(0, 7)), again), Some(one));
    assert_eq!(scene.recover(9).unwrap_err().code(), "terminal");
    let unknown = Input::Recovered { session: SessionId(9), fencing: 1 };
    assert_eq!(scene.refused(unknown).code(), "unknown_session");
}

/// ATT-3: the tablet has the role from the commit on, and the phone is not in its way.
#[test]
fn an_attachment_ends_with_the_generation_of_its_role() {
    let ends: [fn(&mut Scene) -> bool; 5] = [
        |scene| {
            let receipt = scene.staged("Buyer", "tablet", None, false);
            let commit = Commit { request: RequestId(9), receipt, owner: owner("tablet") };
            scene.machine.handle(Tick(0), Input::Commit(Box::new(commit))).is_ok()
        },
        |scene| {
            let (request, scope) = (RequestId(3), Scope::role(RoleIx(0)));
            scene.change(Authority::Release { request, scope });
            // Somebody else, and the same owner again: neither is who was attached.
            assert_eq!(scene.attached("Buyer"), None);
            let claim = Authority::Claim { request, owner: owner("host"), scope };
            scene.act(boxed(claim)).is_ok()
        },
        |scene| {
            let (request, scope) = (RequestId(3), Scope::role(RoleIx(0)));
            scene.act(boxed(Authority::Attenuate { request, scope })).is_ok()
        },
        |scene| {
            let death = Authority::OwnerDied { owner: owner("host"), evidence: Death::Lifecycle };
            scene.act(boxed(death)).is_ok()
        },
        |scene| {
            let (request, scope) = (RequestId(3), Scope::session(&scene.protocol));
            scene.change(Authority::Release { request, scope });
            let (session, owner) = (scene.by.session, owner("host"));
            let reclaim = Reclaim { request, session, owner, scope };
            scene.machine.handle(Tick(0), Input::Reclaim(Box::new(reclaim))).is_ok()
        },
    ];
    for end in ends {
        let mut scene = Scene::with(Machine::new(), ORDERS, |_, open| {
            (open.journal, open.on_lost) = (true, OnLost::Release);
        });
        let phone = scene.attach("Buyer");
        assert_eq!(scene.attached("Buyer"), Some(phone));
        assert!(end(&mut scene));
        assert_eq!(scene.attached("Buyer"), None, "{}", scene.holdings());
        scene.machine.check_invariants().unwrap();
        // Whoever has the role now is attached by itself, later.
        let view = scene.machine.session(scene.by.session).unwrap();
        let held = view.holdings().find(|held| held.scope.covers(Scope::role(RoleIx(0)))).unwrap();
        if !held.released {
            let (owner, generation, scope) = (held.owner.clone(), held.generation, held.scope);
            let by = Presented { owner, generation, scope, ..scene.by.clone() };
            let act = Act::Attach { role: RoleIx(0) };
            assert_eq!(scene.by(&by, act), Ok(Accepted::Attached { epoch: epoch(0, 2) }));
            assert_eq!(scene.attached("Buyer"), Some(epoch(0, 2)));
            let order = scene.sending("Buyer", "Seller", "order", 1_u64, None);
            let over = |over| Presented { over: Some(over), ..by.clone() };
            assert_eq!(scene.stale(&over(phone), order.clone()), Some(epoch(0, 2)));
            scene.by(&over(epoch(0, 2)), order).unwrap();
        }
        scene.journal();
    }
}

/// ATT-2, ATT-6: a host dies and comes back; the one that was taken for dead comes back as well.
#[test]
fn a_recovered_session_has_later_epochs_and_no_attachments() {
    let mut scene = scene();
    let before = [scene.attach("Buyer"), scene.attach("Seller"), scene.attach("Buyer")];
    assert_eq!(before, [epoch(0, 1), epoch(0, 2), epoch(0, 3)]);
    scene.recover(3).unwrap();
    assert_eq!([scene.attached("Buyer"), scene.attached("Seller")], [None, None]);
    let order = scene.sending("Buyer", "Seller", "order", 7_u64, None);
    assert_eq!(scene.stale(&scene.over(before[2]), order), None);
    let fences = [(0, "stale_fencing"), (2, "stale_fencing"), (3, "stale_fencing")];
    for (fencing, code) in fences {
        let session = scene.by.session;
        let refusal = scene.refused(Input::Recovered { session, fencing });
        assert_eq!((refusal.code(), refusal), (code, Refusal::StaleFencing { live: 3 }));
    }
    assert_eq!(scene.attach("Seller"), epoch(3, 1));
    scene.recover(u32::MAX).unwrap();
    assert_eq!(scene.attach("Buyer"), epoch(u32::MAX, 1));
    let records = scene.journal();
    let recovered = |record: &&Record| matches!(record.event, Recorded::Recovered { .. });
    assert_eq!(records.iter().filter(recovered).count(), 2);
    let by = scene.by.clone();
    scene.by(&by, Act::Close).unwrap();
    // The end comes first of the two reasons.
    let session = scene.by.session;
    assert_eq!(scene.refused(Input::Recovered { session, fencing: 1 }).code(), "terminal");
}

/// ATT-7: what an action came over is not recorded, and everything else is.
#[test]
fn the_journal_tells_of_attachments_and_not_of_what_came_over_them() {
    let told = |over: bool| {
        let mut scene = scene();
        let live = scene.attach("Buyer");
        let order = scene.sending("Buyer", "Seller", "order", 7_u64, Some(0));
        let by = if over { scene.over(live) } else { scene.by.clone() };
        scene.by(&by, order).unwrap();
        scene.receive("Seller", "Buyer");
        scene.attach("Buyer");
        scene.done(Act::Detach { role: RoleIx(0), epoch: epoch(0, 2) });
        scene.recover(1).unwrap();
        scene.journal()
    };
    assert_eq!(told(true), told(false));
    let outcomes: Vec<Outcome> = told(true).iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes[1], Outcome::Attached(epoch(0, 1)));
    assert_eq!(outcomes[4..], [Outcome::Attached(epoch(0, 2)), Outcome::Done, Outcome::Done]);
    // A record that says another epoch, or another fencing epoch, is found.
    let mut records = told(true);
    records[4].outcome = Outcome::Attached(epoch(0, 3));
    let protocol: Protocol = ORDERS.parse().unwrap();
    let protocol = std::sync::Arc::new(protocol);
    let error = Machine::replay(&protocol, SessionId(1), &records).unwrap_err();
    assert!(matches!(error, ReplayError::OtherOutcome { index: 4, .. }), "{error}");
    let mut records = told(true);
    records[6].event = Recorded::Recovered { fencing: 0 };
    let error = Machine::replay(&protocol, SessionId(1), &records).unwrap_err();
    assert!(matches!(error, ReplayError::Refused { index: 6, .. }), "{error}");
    // It has one form.
    let session = SessionId(1);
    records[6].event = Recorded::Input(Input::Recovered { session, fencing: 1 });
    assert!(Machine::replay(&protocol, SessionId(1), &records).is_err());
}

/// ATT-8.
#[test]
fn a_predicate_tells_whether_somebody_is_there() {
    let mut scene = scene();
    let there = Predicate::attached(scene.role("Buyer"));
    assert_eq!(there.shown(&scene.protocol), "`Buyer` is attached");
    assert_eq!(there.scope(), Scope::role(scene.role("Buyer")));
    let issue = |predicate: &Predicate, request| {
        let (request, predicate) = (RequestId(request), predicate.clone());
        boxed(Authority::IssueReadiness { request, predicate })
    };
    assert_eq!(scene.refused_act(issue(&there, 1)).code(), "predicate_false");
    scene.attach("Buyer");
    let Accepted::Witness(witness) = scene.done(issue(&there, 1)) else { panic!("it is so") };
    // It is looked at again when the witness is spent: over another attachment it is as true.
    let last = scene.attach("Buyer");
    let role = scene.role("Buyer");
    scene.done(Act::Detach { role, epoch: last });
    let consume = boxed(Authority::ConsumeReadiness { witness: *witness });
    assert_eq!(scene.refused_act(consume.clone()).code(), "predicate_false");
    scene.attach("Buyer");
    scene.done(consume);
    let unknown = Predicate::attached(RoleIx::UNKNOWN);
    assert_eq!(scene.refused_act(issue(&unknown, 2)).code(), "unknown_role");
    let absent = Predicate::not(&there).unwrap();
    assert_eq!(scene.refused_act(issue(&absent, 3)).code(), "predicate_false");
    scene.recover(1).unwrap();
    scene.done(issue(&absent, 3));
    scene.journal();
}

/// ATT-9: it takes no room and changes no digest; from the first attachment on it does.
#[test]
fn who_never_attaches_pays_nothing() {
    // What is presented is no larger by what it came over.
    assert_eq!(size_of::<Presented>(), size_of::<u128>() * 5);
    let (mut plain, mut other) = (scene(), scene());
    assert_eq!(plain.machine.memory(), other.machine.memory());
    let before = (plain.machine.memory(), plain.machine.digest());
    assert_eq!(
        plain.machine.digest().to_string(),
        "6e24ba7b22cb44aef108dcfa8c652b4cb1253972e115359e883b7aa0289b7492"
    );
    let last = other.attach("Buyer");
    assert_ne!(other.machine.digest(), before.1);
    assert!(other.machine.memory().bytes.authority > before.0.bytes.authority);
    // That there was one stays known: its epoch is never given again.
    other.done(Act::Detach { role: RoleIx(0), epoch: last });
    assert_ne!(other.machine.digest(), before.1);
    assert_eq!(other.machine.recount(), other.machine.memory());
    let copy = other.machine.clone();
    assert_eq!((copy.digest(), copy.recount()), (other.machine.digest(), copy.memory()));
    other.recover(1).unwrap();
    assert_eq!(other.machine.recount(), other.machine.memory());
    plain.send("Buyer", "Seller", "stop", antiphon::types::Value::Unit);
    assert_eq!(plain.machine.memory().bytes.authority, before.0.bytes.authority);
}
