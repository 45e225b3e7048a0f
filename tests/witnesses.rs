//! Readiness witnesses, timers, and the timeout witnesses that they leave: stories.
#![cfg(feature = "syntax")]

use crate::scene::Scene;
use crate::scene::told::{boxed, owner};
use antiphon::machine::*;
use antiphon::types::{Edge, Name, Protocol};

const ORDERS: &str = "
    Buyer  = rec X . Seller!{ order(nat) . Seller?paid . X, stop . end }
    Seller = rec X . Buyer?{ order(nat) . Buyer!paid . X, stop . end }
";

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn scene() -> Scene {
    Scene::with(Machine::observed(), ORDERS, |_, open| open.journal = true)
}

impl Scene {
    #[track_caller]
    fn issued(&mut self, request: u64, predicate: Predicate) -> Readiness {
        let request = RequestId(request);
        match self.change(Authority::IssueReadiness { request, predicate }) {
            Accepted::Witness(witness) => *witness,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn armed(&mut self, site: Site, after: u64, valid: Option<u64>) -> TimerId {
        let request = RequestId(self.now);
        match self.change(Authority::ArmTimer { request, site, after, valid }) {
            Accepted::Timer(timer) => timer,
            other => panic!("{other:?}"),
        }
    }

    fn site(&self, role: &str) -> Site {
        Site::Endpoint(self.role(role))
    }

    #[track_caller]
    fn refusal(&mut self, authority: Authority) -> &'static str {
        self.refused_act(boxed(authority)).code()
    }

    fn timeouts(&self) -> Vec<TimeoutWitness> {
        self.machine.session(self.by.session).unwrap().timeouts().cloned().collect()
    }

    /// Hands a role to somebody else at once; the capability for it.
    #[track_caller]
    fn hand_over(&mut self, role: &str, to: &str) -> Presented {
        let receipt = self.staged(role, to, None, false);
        let commit = Commit { request: RequestId(9), receipt, owner: owner(to) };
        match self.machine.handle(Tick(self.now), Input::Commit(Box::new(commit))).unwrap() {
            Accepted::Issued(capability) => capability.present().clone(),
            other => panic!("{other:?}"),
        }
    }

    /// What the journal says from the beginning; it leads to the same state.
    fn trail_lines(&mut self) -> Vec<String> {
        self.machine.seal();
        let mut records = Vec::new();
        while let Some(output) = self.machine.poll() {
            if let Output::Persist(batch) = output {
                records.extend(Record::decode_batch(&batch, &self.protocol).unwrap());
            }
        }
        let replayed = Machine::replay(&self.protocol, self.by.session, &records).unwrap();
        assert_eq!(replayed.digest(), self.machine.digest());
        assert_eq!(replayed.poll_timeout(), self.machine.poll_timeout());
        let said = |record: &Record| {
            let audits: Vec<Audit> = record.audits(&self.protocol).collect();
            assert!(audits.len() <= AUDITS_MAX);
            audits.into_iter().map(|audit| shown(record.tick, &audit)).collect::<Vec<_>>()
        };
        records.iter().flat_map(said).collect()
    }
}

fn shown(tick: Tick, audit: &Audit) -> String {
    let said = match audit {
        Audit::WitnessIssued { witness, owner, generation, external, .. } => {
            let asserted = if *external { ", on what the host asserts" } else { "" };
            format!("witness {witness} issued to {owner}#{generation}{asserted}")
        }
        Audit::WitnessConsumed { witness } => format!("witness {witness} consumed"),
        Audit::WitnessExpired { witness } => format!("witness {witness} expired"),
        Audit::TimerArmed { timer, owner, generation } => {
            format!("timer {timer} armed by {owner}#{generation}")
        }
        Audit::TimerDisarmed { timer } => format!("timer {timer} disarmed"),
        Audit::TimerExpired { timer, witness } => {
            format!("timer {timer} expired, witness {witness}")
        }
        Audit::Issued { owner, generation, .. } => format!("{owner}#{generation} issued"),
        Audit::Invalidated { owner, generation, .. } => {
            format!("{owner}#{generation} invalidated")
        }
        other => format!("{other:?}"),
    };
    format!("{tick}: {said}")
}

/// WITN-3: what was promised once is done once.
#[test]
fn readiness_is_not_spent_twice() {
    let mut scene = scene();
    let empty = Predicate::edge_empty(scene.role("Buyer"), scene.role("Seller"));
    let witness = scene.issued(1, empty.clone());
    assert_eq!(witness.scope.shown(&scene.protocol), "Fragments{Buyer, Seller}");
    // A lost answer: the same request is the same witness, and nothing changes (AUTH-9).
    let before = scene.machine.digest();
    assert_eq!(scene.issued(1, empty.clone()), witness);
    assert_eq!(scene.machine.digest(), before);
    scene.change(Authority::ConsumeReadiness { witness: witness.clone() });
    let again = Authority::ConsumeReadiness { witness: witness.clone() };
    assert_eq!(scene.refusal(again), "witness_spent");
    // The same request asks for another one now.
    assert_eq!(scene.issued(1, empty).id, WitnessId(witness.id.0 + 1));
    assert_eq!(
        scene.trail_lines(),
        [
            "0: host#1 issued",
            "0: witness 0 issued to host#1",
            "0: witness 0 consumed",
            "0: witness 1 issued to host#1",
        ]
    );
}

/// WITN-2: what was true may have passed.
#[test]
fn a_predicate_that_has_become_false_spends_nothing() {
    let mut scene = scene();
    let (buyer, seller) = (scene.role("Buyer"), scene.role("Seller"));
    let state = scene.machine.session(scene.by.session).unwrap().endpoint(buyer).unwrap().state();
    let quiet = [Predicate::at_state(buyer, state), Predicate::edge_empty(buyer, seller)];
    let witness = scene.issued(1, Predicate::all(quiet).unwrap());
    scene.send("Buyer", "Seller", "order", 3_u64);
    let consume = || Authority::ConsumeReadiness { witness: witness.clone() };
    assert_eq!(scene.refusal(consume()), "predicate_false");
    // It stays outstanding, and is good again when the loop has come round.
    scene.receive("Seller", "Buyer");
    scene.send("Seller", "Buyer", "paid", ());
    scene.receive("Buyer", "Seller");
    scene.change(consume());
    let late = Predicate::not(&Predicate::position(buyer, Position(2))).unwrap();
    let request = RequestId(2);
    assert_eq!(
        scene.refusal(Authority::IssueReadiness { request, predicate: late }),
        "predicate_false"
    );
}

/// WITN-7: a witness speaks for who had the fragments then.
#[test]
fn a_witness_dies_with_the_generation_that_it_was_issued_to() {
    let mut scene = scene();
    let (buyer, seller) = (scene.role("Buyer"), scene.role("Seller"));
    let theirs = scene.issued(1, Predicate::position(buyer, Position(0)));
    let ours = scene.issued(2, Predicate::position(seller, Position(0)));
    let timer = scene.armed(scene.site("Buyer"), 50, None);
    let tablet = scene.hand_over("Buyer", "tablet");
    let consume = |witness: &Readiness| Authority::ConsumeReadiness { witness: witness.clone() };
    // Neither the one who had it nor the one who has it now can spend it.
    assert_eq!(scene.refusal(consume(&theirs)), "stale_capability");
    let act = boxed(consume(&theirs));
    assert_eq!(scene.machine.act(Tick(0), &tablet, act).unwrap_err().code(), "witness_spent");
    assert_eq!(scene.refusal(Authority::DisarmTimer { timer }), "timer_not_armed");
    assert_eq!(scene.machine.poll_timeout(), None, "its timer is dead, too");
    scene.change(consume(&ours));
    // Renewed for the same owner is another generation as well.
    let renewed = scene.issued(3, Predicate::position(seller, Position(0)));
    let (request, scope) = (RequestId(4), renewed.scope);
    let Accepted::Issued(host) = scene.change(Authority::Attenuate { request, scope }) else {
        panic!("it is attenuated")
    };
    let act = boxed(consume(&renewed));
    let refused = scene.machine.act(Tick(0), host.present(), act).unwrap_err();
    assert_eq!(refused.code(), "witness_spent");
    scene.machine.check_invariants().unwrap();
    scene.trail_lines();
}

/// WITN-4, WITN-5: nothing that a witness says is believed.
#[test]
fn a_witness_is_believed_in_no_part() {
    let mut scene = scene();
    let (buyer, seller) = (scene.role("Buyer"), scene.role("Seller"));
    let good = scene.issued(1, Predicate::position(buyer, Position(0)));
    let forged = [
        Readiness { session: SessionId(2), ..good.clone() },
        Readiness { id: WitnessId(1), ..good.clone() },
        Readiness { owner: owner("thief"), ..good.clone() },
        Readiness { generation: Generation(2), ..good.clone() },
        Readiness { scope: Scope::role(seller), ..good.clone() },
        Readiness { predicate: Predicate::position(buyer, Position(1)), ..good.clone() },
    ];
    for witness in forged {
        let shown = format!("{witness:?}");
        assert_eq!(
            scene.refusal(Authority::ConsumeReadiness { witness }),
            "invalid_witness",
            "{shown}"
        );
    }
    let thief = Presented { owner: owner("thief"), ..scene.by.clone() };
    let consume = boxed(Authority::ConsumeReadiness { witness: good.clone() });
    let refused = scene.machine.act(Tick(0), &thief, consume).unwrap_err();
    assert_eq!(refused.code(), "stale_capability");
    scene.change(Authority::ConsumeReadiness { witness: good });
}

#[test]
fn a_timeout_witness_is_believed_in_no_part() {
    let mut scene = scene();
    scene.armed(scene.site("Seller"), 10, Some(20));
    scene.tick(10);
    let good = scene.timeouts().remove(0);
    let forged = [
        TimeoutWitness { session: SessionId(2), ..good.clone() },
        TimeoutWitness { id: WitnessId(1), ..good.clone() },
        TimeoutWitness { site: scene.site("Buyer"), ..good.clone() },
        TimeoutWitness { owner: owner("thief"), ..good.clone() },
        TimeoutWitness { generation: Generation(2), ..good.clone() },
        TimeoutWitness { scope: Scope::LIFECYCLE, ..good.clone() },
        TimeoutWitness { issued_at: Tick(9), ..good.clone() },
        TimeoutWitness { until: None, ..good.clone() },
    ];
    for witness in forged {
        let shown = format!("{witness:?}");
        let code = scene.refusal(Authority::ConsumeTimeout { witness });
        assert_eq!(code, "invalid_witness", "{shown}");
    }
    scene.change(Authority::ConsumeTimeout { witness: good.clone() });
    assert_eq!(scene.refusal(Authority::ConsumeTimeout { witness: good }), "witness_spent");
}

/// MACH-6, TIMER-2: a timer that is due at 90 beats a commit that arrives at 100, though both come
/// in one input: the witness of it goes to the giver, and the commit then takes it away.
#[test]
fn a_timer_beats_the_commit_in_whose_input_it_runs_out() {
    let mut scene = scene();
    scene.armed(scene.site("Buyer"), 90, None);
    let receipt = scene.staged("Buyer", "tablet", None, false);
    scene.outputs();
    scene.now = 100;
    let commit = Commit { request: RequestId(1), receipt, owner: owner("tablet") };
    scene.machine.handle(Tick(100), Input::Commit(Box::new(commit))).unwrap();
    assert_eq!(scene.timeouts(), [], "it is bound to what has moved");
    let trail = scene.trail_lines();
    assert_eq!(
        trail[3..],
        [
            "90: timer 0 expired, witness 0",
            "100: host#1 invalidated",
            "100: Committed { receipt: ReceiptId(0) }",
            "100: tablet#2 issued",
        ]
    );
}

/// The other way round nothing runs out: the commit at 89 has taken the timer away.
#[test]
fn a_commit_beats_the_timer_that_is_due_later() {
    let mut scene = scene();
    scene.armed(scene.site("Buyer"), 90, None);
    scene.now = 89;
    scene.hand_over("Buyer", "tablet");
    scene.tick(200);
    assert_eq!(scene.timeouts(), []);
    assert!(scene.trail_lines().iter().all(|said| !said.contains("expired")));
}

/// TIMER-2: what an observer sees, and the holder spends.
#[test]
fn a_timer_that_runs_out_leaves_a_witness() {
    let mut scene = scene();
    let (from, to) = (scene.role("Buyer"), scene.role("Seller"));
    scene.now = 5;
    let timer = scene.armed(Site::Edge(Edge { from, to }), 30, Some(100));
    assert_eq!(scene.machine.poll_timeout(), Some(Tick(35)));
    scene.tick(34);
    assert_eq!(scene.timeouts(), []);
    scene.tick(40);
    let witness = scene.timeouts().remove(0);
    assert_eq!((witness.issued_at, witness.until), (Tick(35), Some(Tick(135))));
    assert_eq!((witness.owner.as_str(), witness.generation), ("host", Generation(1)));
    assert_eq!(scene.machine.poll_timeout(), Some(Tick(135)));
    // It is gated on its record like every event.
    scene.machine.seal();
    let persisted = scene.outputs();
    assert!(persisted.iter().all(|output| matches!(output, Output::Persist(_))), "{persisted:?}");
    scene.persisted(1, 3);
    let seen = |output: &Output| match output {
        Output::Event(Event::TimedOut { timer, witness }) => Some((*timer, (**witness).clone())),
        _ => None,
    };
    let seen: Vec<_> = scene.outputs().iter().filter_map(seen).collect();
    assert_eq!(seen, [(timer, witness.clone())]);
    scene.change(Authority::ConsumeTimeout { witness });
    assert_eq!(scene.machine.poll_timeout(), None, "what is spent does not expire");
}

/// TIMER-3: that somebody was late an hour ago says little about now.
#[test]
fn a_timeout_witness_is_of_no_use_after_its_end() {
    let mut scene = scene();
    scene.armed(scene.site("Seller"), 10, Some(5));
    scene.tick(14);
    let witness = scene.timeouts().remove(0);
    scene.now = 15;
    let consume = Authority::ConsumeTimeout { witness };
    assert_eq!(scene.refusal(consume), "witness_spent");
    // One that is good for no time at all comes and goes in the same tick.
    scene.armed(scene.site("Seller"), 0, Some(0));
    scene.tick(16);
    assert_eq!((scene.timeouts(), scene.machine.poll_timeout()), (vec![], None));
    assert_eq!(
        scene.trail_lines()[1..],
        [
            "0: timer 0 armed by host#1",
            "10: timer 0 expired, witness 0",
            "15: witness 0 expired",
            "15: timer 1 armed by host#1",
            "15: timer 1 expired, witness 1",
            "15: witness 1 expired",
        ]
    );
}

/// TIMER-4.
#[test]
fn a_timer_that_is_taken_back_leaves_nothing() {
    let mut scene = scene();
    let timer = scene.armed(scene.site("Seller"), 10, None);
    // Asked again it is the same timer (AUTH-9).
    assert_eq!(scene.armed(scene.site("Seller"), 10, None), timer);
    scene.change(Authority::DisarmTimer { timer });
    assert_eq!(scene.machine.poll_timeout(), None);
    assert_eq!(scene.refusal(Authority::DisarmTimer { timer }), "timer_not_armed");
    scene.tick(20);
    assert_eq!(scene.timeouts(), []);
    let late = scene.armed(scene.site("Seller"), 5, None);
    scene.tick(25);
    assert_eq!(scene.refusal(Authority::DisarmTimer { timer: late }), "timer_not_armed");
}

/// TIMER-1: who may arm what, and take it back.
#[test]
fn a_timer_is_for_who_is_responsible() {
    let mut scene = scene();
    let tablet = scene.hand_over("Buyer", "tablet");
    let (buyer, seller) = (scene.site("Buyer"), scene.site("Seller"));
    let (from, to) = (scene.role("Seller"), scene.role("Buyer"));
    let arm = |site: Site, request: u64| {
        boxed(Authority::ArmTimer { request: RequestId(request), site, after: 9, valid: None })
    };
    let mut by = |by: &Presented, act: Act| {
        let verdict = scene.machine.act(Tick(0), by, act);
        scene.machine.check_invariants().unwrap();
        verdict.map_err(|refusal| refusal.code())
    };
    let host = scene.by.clone();
    let timer = |timer: u64| Ok(Accepted::Timer(TimerId(timer)));
    assert_eq!(by(&tablet, arm(buyer.clone(), 1)), timer(0));
    assert_eq!(by(&tablet, arm(seller, 2)), Err("scope_violation"));
    // An edge is for both its ends, and the lifecycle watches over everything.
    assert_eq!(by(&tablet, arm(Site::Edge(Edge { from, to }), 3)), timer(1));
    assert_eq!(by(&host, arm(buyer, 4)), timer(2));
    assert_eq!(by(&tablet, arm(Site::Name(name("tea")), 5)), timer(3));
    let nothing = Presented { scope: Scope::from_bits(0), ..tablet.clone() };
    assert_eq!(by(&nothing, arm(Site::Name(name("tea")), 6)), Err("scope_violation"));
    let disarm = |timer: u64| boxed(Authority::DisarmTimer { timer: TimerId(timer) });
    assert_eq!(by(&tablet, disarm(2)), Err("scope_violation"), "the lifecycle's owner armed it");
    assert_eq!(by(&host, disarm(3)), Ok(Accepted::Done));
    assert_eq!(by(&tablet, disarm(1)), Ok(Accepted::Done));
    let view = scene.machine.session(host.session).unwrap();
    let left: Vec<(u64, &str)> =
        view.timers().map(|timer| (timer.id.0, timer.owner.as_str())).collect();
    assert_eq!(left, [(0, "tablet"), (2, "host")]);
}

/// WITN-1: who asks has what it is about.
#[test]
fn readiness_is_for_who_has_what_it_speaks_of() {
    let mut scene = scene();
    let tablet = scene.hand_over("Buyer", "tablet");
    let (buyer, seller) = (scene.role("Buyer"), scene.role("Seller"));
    let issue = |predicate| boxed(Authority::IssueReadiness { request: RequestId(1), predicate });
    let ours = issue(Predicate::position(buyer, Position(0)));
    let theirs = issue(Predicate::position(seller, Position(0)));
    let edge = issue(Predicate::edge_empty(buyer, seller));
    let external = issue(Predicate::external(name("rain")));
    let mut code = |act: &Act| match scene.machine.act(Tick(0), &tablet, act.clone()) {
        Ok(Accepted::Witness(witness)) => witness.scope.shown(&scene.protocol),
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => refusal.code().to_owned(),
    };
    assert_eq!(code(&ours), "Fragments{Buyer}");
    assert_eq!(code(&theirs), "scope_violation");
    assert_eq!(code(&edge), "scope_violation");
    assert_eq!(code(&external), "Fragments{Buyer}");
    // WITN-6: the trail tells the one from the other.
    let trail = scene.trail_lines();
    assert_eq!(
        trail[trail.len() - 2..],
        [
            "0: witness 0 issued to tablet#2",
            "0: witness 1 issued to tablet#2, on what the host asserts",
        ]
    );
}

/// TIMER-5: nothing moves any more.
#[test]
fn a_terminal_session_has_no_timers_and_no_witnesses() {
    let mut scene = scene();
    let witness = scene.issued(1, Predicate::external(name("rain")));
    let timer = scene.armed(scene.site("Buyer"), 10, None);
    scene.armed(scene.site("Seller"), 5, Some(50));
    scene.tick(7);
    let late = scene.timeouts().remove(0);
    scene.done(Act::Close);
    assert_eq!(scene.machine.poll_timeout(), None);
    let view = scene.machine.session(scene.by.session).unwrap();
    assert_eq!(view.readiness().count() + view.timers().count() + view.timeouts().count(), 0);
    for act in [
        Authority::ConsumeReadiness { witness },
        Authority::ConsumeTimeout { witness: late },
        Authority::DisarmTimer { timer },
    ] {
        assert_eq!(scene.refusal(act), "terminal");
    }
    scene.trail_lines();
}

/// AUTH-16: a timer that runs out has room for its witness, because it had room itself.
#[test]
fn timers_witnesses_and_transfers_share_their_room() {
    let mut scene = scene();
    scene.staged("Buyer", "tablet", None, false);
    for n in 1..OUTSTANDING_MAX as u64 {
        scene.now = n;
        match n % 2 {
            0 => drop(scene.issued(n, Predicate::external(name("rain")))),
            _ => drop(scene.armed(Site::Name(name("tea")), 1_000, None)),
        }
    }
    let issue = |n: u64| Authority::IssueReadiness {
        request: RequestId(n),
        predicate: Predicate::external(name("rain")),
    };
    let full = "too_many_outstanding";
    assert_eq!(scene.refusal(issue(900)), full);
    let (request, to, scope) = (RequestId(901), Recipient::Bearer, Scope::LIFECYCLE);
    let stage = Authority::Stage { request, scope, to, expires: None, freeze: false };
    assert_eq!(scene.refusal(stage), full);
    let site = Site::Name(name("tea"));
    let arm = Authority::ArmTimer { request, site, after: 1, valid: None };
    assert_eq!(scene.refusal(arm), full);
    // All timers run out, and each leaves its witness.
    scene.tick(2_000);
    assert_eq!(scene.timeouts().len(), 32);
    assert_eq!(scene.refusal(issue(902)), full);
    let witness = scene.timeouts().remove(7);
    scene.change(Authority::ConsumeTimeout { witness });
    scene.issued(903, Predicate::external(name("rain")));
    scene.machine.check_invariants().unwrap();
    scene.trail_lines();
}

/// A host that has a type and not the number of a state finds it: one type, one state.
#[test]
fn the_state_of_a_local_type_is_found() {
    let scene = scene();
    let other: Protocol = "A = B!m . end   B = A?m . end".parse().unwrap();
    for role in ["Buyer", "Seller"].map(|role| scene.role(role)) {
        let automaton = scene.protocol.automaton(role);
        for state in (0..automaton.len()).map(|at| antiphon::types::StateIx(at as u32)) {
            let local = scene.protocol.local_at(role, state).unwrap();
            assert_eq!(scene.protocol.state_of(role, &local), Some(state), "{local}");
        }
        let foreign = other.local(other.role("A").unwrap());
        assert_eq!(scene.protocol.state_of(role, foreign), None);
    }
    let unrolled = "Seller!{ order(nat) . Seller?paid . rec Y . Seller!{ order(nat) .
        Seller?paid . Y, stop . end }, stop . end }";
    let unrolled = unrolled.parse().unwrap();
    let start = antiphon::types::StateIx::INITIAL;
    assert_eq!(scene.protocol.state_of(scene.role("Buyer"), &unrolled), Some(start));
}
