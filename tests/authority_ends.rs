//! Transfers that are given up, owners that are lost, tokens that are renewed: stories, and the
//! trail of a journal against what an observer saw.
#![cfg(feature = "syntax")]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::reference::script::{self, Stage};
use crate::scene::Scene;
use crate::scene::told::{self, boxed, owner};
use crate::strategies::cases;
use antiphon::machine::*;
use proptest::prelude::*;

const ORDERS: &str = "
    Buyer  = rec X . Seller!{ order(nat) . Seller?paid . X, stop . end }
    Seller = rec X . Buyer?{ order(nat) . Buyer!paid . X, stop . end }
";

fn committing(receipt: &Receipt, name: &str) -> Input {
    let (request, receipt, owner) = (RequestId(7), receipt.clone(), owner(name));
    Input::Commit(Box::new(Commit { request, receipt, owner }))
}

fn died(name: &str) -> Act {
    boxed(Authority::OwnerDied { owner: owner(name), evidence: Death::Lifecycle })
}

fn reclaiming(scene: &Scene, name: &str, scope: Scope) -> Input {
    let (request, session, owner) = (RequestId(1), scene.by.session, owner(name));
    Input::Reclaim(Box::new(Reclaim { request, session, owner, scope }))
}

#[track_caller]
fn issued(accepted: Result<Accepted, Refusal>) -> Presented {
    match accepted.unwrap() {
        Accepted::Issued(capability) => capability.present().clone(),
        other => panic!("{other:?}"),
    }
}

/// The phone has the Buyer, the host the rest.
fn on_the_phone(on_lost: OnLost) -> (Scene, Presented) {
    let change = |_: &_, open: &mut Open| (open.journal, open.on_lost) = (true, on_lost);
    let mut scene = Scene::with(Machine::observed(), ORDERS, change);
    let receipt = scene.staged("Buyer", "phone", None, false);
    let phone = issued(scene.machine.handle(Tick(0), committing(&receipt, "phone")));
    (scene, phone)
}

/// The phone hands the Buyer over to the tablet.
#[track_caller]
fn staged(scene: &mut Scene, phone: &Presented, expires: Option<u64>) -> Receipt {
    let (request, scope) = (RequestId(2), phone.scope);
    let (to, expires) = (Recipient::Owner(owner("tablet")), expires.map(Tick));
    let stage = Authority::Stage { request, scope, to, expires, freeze: false };
    match scene.by(phone, boxed(stage)).unwrap() {
        Accepted::Staged(receipt) => *receipt,
        other => panic!("{other:?}"),
    }
}

fn sealed(scene: &mut Scene) -> Vec<Record> {
    scene.machine.seal();
    let batches = scene.outputs().into_iter().filter_map(|output| match output {
        Output::Persist(batch) => Some(batch),
        _ => None,
    });
    batches.flat_map(|batch| Record::decode_batch(&batch, &scene.protocol).unwrap()).collect()
}

impl Scene {
    fn code(&mut self, by: &Presented, act: Act) -> &'static str {
        self.refused(Input::Act { by: by.clone(), act }).code()
    }

    /// The trail of the journal behind the third record, which gave the Buyer to the phone. It
    /// leads to where the session is.
    fn trail_behind(&mut self) -> String {
        let records = sealed(self);
        let mut trail = Told::new(&self.protocol, self.by.session);
        let mut said = Vec::new();
        for record in &records {
            let audits = trail.follow(record).unwrap();
            assert!(record.audits(&self.protocol).count() <= AUDITS_MAX);
            let lines = audits
                .iter()
                .map(|audit| format!("{}: {}", record.tick, told::audit(&self.protocol, audit)));
            said.extend(lines);
        }
        assert_eq!(trail.machine().digest(), self.machine.digest());
        // Issued, staged, and the three of the commit.
        said.split_off(5).join("\n")
    }

    fn cancellation(&self) -> Option<String> {
        let witness = self.machine.session(self.by.session).unwrap().cancellation()?;
        assert_eq!(witness.session, self.by.session);
        Some(witness.reason.to_string())
    }
}

#[test]
fn an_owner_dies_before_staging() {
    for (on_lost, status) in [
        (OnLost::Cancel, "cancelled (owner lost: phone)"),
        (OnLost::Fault, "faulted (owner lost: phone)"),
        (OnLost::Release, "active"),
    ] {
        let (mut scene, phone) = on_the_phone(on_lost);
        assert_eq!(scene.cancellation(), None);
        // Nobody but the lifecycle says so, and of nobody who has nothing.
        assert_eq!(scene.code(&phone, died("host")), "scope_violation");
        assert_eq!(scene.refused_act(died("tablet")).code(), "unknown_owner");
        scene.now = 20;
        scene.done(died("phone"));
        assert_eq!(scene.status(), status);
        let terminal = on_lost != OnLost::Release;
        assert_eq!(scene.cancellation(), terminal.then(|| "owner lost: phone".to_owned()));
        let order = scene.sending("Buyer", "Seller", "order", 1_u64, None);
        assert_eq!(scene.code(&phone, order), if terminal { "terminal" } else { "unclaimed" });
    }
}

#[test]
fn what_a_lost_owner_had_is_claimed_by_the_lifecycle() {
    let (mut scene, phone) = on_the_phone(OnLost::Release);
    scene.done(died("phone"));
    assert_eq!(scene.refused_act(died("phone")).code(), "unknown_owner", "a second time");
    assert_eq!(
        scene.holdings(),
        "host#1 Fragments{lifecycle, Seller} · phone#2 Fragments{Buyer} (released)"
    );
    let (request, scope) = (RequestId(3), phone.scope);
    let claim = |name| boxed(Authority::Claim { request, owner: owner(name), scope });
    // It comes back from the dead, and is lost again: the same words, another death.
    let again = issued(scene.by(&phone, claim("phone")));
    scene.by(&again, scene.sending("Buyer", "Seller", "order", 1_u64, None)).unwrap();
    scene.done(died("phone"));
    scene.done(claim("watch"));
    insta::assert_snapshot!(scene.trail_behind(), @r"
    0: lost phone
    0: invalidated phone#2 Fragments{Buyer}
    0: issued phone#3 Fragments{Buyer}
    0: lost phone
    0: invalidated phone#3 Fragments{Buyer}
    0: issued watch#4 Fragments{Buyer}
    ");
}

#[test]
fn an_owner_dies_after_staging_and_the_tablet_still_commits() {
    let (mut scene, phone) = on_the_phone(OnLost::Release);
    let receipt = staged(&mut scene, &phone, Some(90));
    scene.now = 20;
    scene.done(died("phone"));
    // The phone does nothing more, and nobody takes away what it promised.
    let order = scene.sending("Buyer", "Seller", "order", 1_u64, None);
    assert_eq!(scene.code(&phone, order.clone()), "unclaimed");
    let (request, scope) = (RequestId(3), phone.scope);
    let claim = boxed(Authority::Claim { request, owner: owner("thief"), scope });
    assert_eq!(scene.refused_act(claim).code(), "transfer_pending");
    assert_eq!(scene.refused(reclaiming(&scene, "thief", scope)).code(), "transfer_pending");
    scene.now = 30;
    let tablet = issued(scene.machine.handle(Tick(30), committing(&receipt, "tablet")));
    scene.by(&tablet, order).unwrap();
    assert_eq!(scene.machine.poll_timeout(), None);
    insta::assert_snapshot!(scene.trail_behind(), @r"
    0: staged 1 Fragments{Buyer}
    20: lost phone
    20: invalidated phone#2 Fragments{Buyer}
    30: committed 1
    30: issued tablet#3 Fragments{Buyer}
    ");
}

#[test]
fn a_commit_comes_after_a_dead_owners_transfer_has_expired() {
    let (mut scene, phone) = on_the_phone(OnLost::Release);
    let receipt = staged(&mut scene, &phone, Some(90));
    scene.now = 20;
    scene.done(died("phone"));
    scene.now = 100;
    assert_eq!(scene.refused(committing(&receipt, "tablet")).code(), "receipt_spent");
    let (request, scope) = (RequestId(3), phone.scope);
    let claim = Authority::Claim { request, owner: owner("tablet"), scope };
    assert!(matches!(scene.change(claim), Accepted::Issued(_)));
    insta::assert_snapshot!(scene.trail_behind(), @r"
    0: staged 1 Fragments{Buyer}
    20: lost phone
    20: invalidated phone#2 Fragments{Buyer}
    90: expired 1
    100: issued tablet#3 Fragments{Buyer}
    ");
}

#[test]
fn a_dead_owners_transfer_is_rolled_back_by_who_may_claim() {
    for name in ["phone", "host", "thief"] {
        let (mut scene, phone) = on_the_phone(OnLost::Release);
        let receipt = staged(&mut scene, &phone, None);
        scene.done(died("phone"));
        let by = match name {
            "phone" => phone.clone(),
            "host" => scene.by.clone(),
            _ => Presented { owner: owner("thief"), ..phone.clone() },
        };
        let rollback = boxed(Authority::Rollback { receipt: receipt.clone() });
        if name == "thief" {
            assert_eq!(scene.code(&by, rollback), "stale_capability");
            continue;
        }
        scene.by(&by, rollback).unwrap();
        assert_eq!(
            scene.holdings(),
            "host#1 Fragments{lifecycle, Seller} · phone#2 Fragments{Buyer} (released)"
        );
    }
}

#[test]
fn a_transfer_is_abandoned() {
    let (mut scene, phone) = on_the_phone(OnLost::Release);
    let receipt = staged(&mut scene, &phone, Some(90));
    scene.staged("Seller", "clerk", None, false);
    let abandon = boxed(Authority::Abandon { receipt: receipt.clone() });
    let host = scene.by.clone();
    assert_eq!(scene.code(&host, abandon.clone()), "stale_capability", "it staged something else");
    let other = Receipt { scope: Scope::LIFECYCLE, ..receipt.clone() };
    let other = boxed(Authority::Abandon { receipt: other });
    assert_eq!(scene.code(&host, other), "receipt_mismatch");
    scene.by(&phone, abandon).unwrap();
    assert_eq!(scene.status(), "cancelled (transfer abandoned)");
    assert_eq!(scene.cancellation().as_deref(), Some(TRANSFER_ABANDONED));
    assert_eq!(scene.machine.poll_timeout(), None);
    assert_eq!(scene.refused(committing(&receipt, "tablet")).code(), "terminal");
    insta::assert_snapshot!(scene.trail_behind(), @r"
    0: staged 1 Fragments{Buyer}
    0: staged 2 Fragments{Seller}
    0: invalidated phone#2 Fragments{Buyer}
    0: rolled back 1
    0: cancelled: transfer abandoned
    0: dropped 2
    ");
}

#[test]
fn a_commit_fails() {
    let (mut scene, phone) = on_the_phone(OnLost::Release);
    let receipt = staged(&mut scene, &phone, Some(90));
    let fail = |reason: &str| {
        let (receipt, reason) = (receipt.clone(), reason.into());
        boxed(Authority::FailCommit { receipt, reason })
    };
    assert_eq!(scene.code(&phone, fail("no")), "scope_violation");
    let spent = Receipt { id: ReceiptId(0), ..receipt.clone() };
    let spent = boxed(Authority::FailCommit { receipt: spent, reason: "no".into() });
    assert_eq!(scene.refused_act(spent).code(), "receipt_spent");
    let before = scene.machine.clone();
    scene.done(fail("the tablet is too old"));
    assert_eq!(scene.status(), "faulted (transfer commit failed: the tablet is too old)");
    insta::assert_snapshot!(scene.trail_behind(), @r"
    0: staged 1 Fragments{Buyer}
    0: invalidated phone#2 Fragments{Buyer}
    0: rolled back 1
    0: cancelled: transfer commit failed: the tablet is too old
    ");
    // AUTH-21: the whole reason has a length.
    let long = format!("-{}", "é".repeat(40_000));
    scene.machine = before;
    scene.done(fail(&long));
    let why = scene.cancellation().unwrap();
    assert_eq!(why.len(), REASON_BYTES_MAX - 1, "it is cut between characters");
    scene.trail_behind();
}

#[test]
fn the_owner_of_the_lifecycle_declares_itself_dead() {
    let (mut scene, phone) = on_the_phone(OnLost::Release);
    let host = scene.by.clone();
    scene.done(died("host"));
    assert_eq!(scene.refused_act(died("phone")).code(), "unclaimed");
    // Its last capability brings back the Seller, and the session itself only the host does.
    let seller = Scope::role(scene.role("Seller"));
    let claim =
        |scope| boxed(Authority::Claim { request: RequestId(3), owner: owner("host"), scope });
    assert_eq!(scene.code(&host, claim(Scope::LIFECYCLE)), "host_only");
    assert_eq!(scene.code(&host, claim(Scope::LIFECYCLE.union(seller))), "host_only");
    scene.by(&host, claim(seller)).unwrap();
    let taken = reclaiming(&scene, "thief", phone.scope.union(Scope::LIFECYCLE));
    assert_eq!(scene.refused(taken).code(), "already_claimed");
    let nothing = reclaiming(&scene, "thief", Scope::from_bits(1 << 100));
    assert_eq!(scene.refused(nothing).code(), "scope_violation");
    let reclaim = reclaiming(&scene, "warden", Scope::LIFECYCLE);
    let warden = issued(scene.machine.handle(Tick(0), reclaim.clone()));
    let digest = scene.machine.digest();
    assert_eq!(issued(scene.machine.handle(Tick(0), reclaim)), warden, "asked again");
    assert_eq!(scene.machine.digest(), digest);
    scene.by(&warden, died("phone")).unwrap();
    insta::assert_snapshot!(scene.trail_behind(), @r"
    0: lost host
    0: invalidated host#1 Fragments{lifecycle, Seller}
    0: issued host#3 Fragments{Seller}
    0: issued warden#4 Fragments{lifecycle}
    0: lost phone
    0: invalidated phone#2 Fragments{Buyer}
    ");
}

fn renew(serial: u64) -> Act {
    boxed(Authority::Renew { serial: Serial(serial) })
}

fn confirm(serial: u64) -> Act {
    boxed(Authority::ConfirmToken { serial: Serial(serial) })
}

fn issue() -> Act {
    boxed(Authority::IssueToken { request: RequestId(9) })
}

#[test]
fn the_answer_to_a_renewal_is_lost_and_asked_again() {
    let (mut scene, phone) = on_the_phone(OnLost::Release);
    let mut told = |act: Act| (scene.by(&phone, act).unwrap(), scene.machine.digest());
    let serial = |serial| Accepted::Serial(Serial(serial));
    let (first, _) = told(issue());
    assert_eq!(first, serial(1));
    assert_eq!(told(renew(1)).0, serial(2));
    let before = told(issue());
    assert_eq!(before.0, serial(2), "the current one");
    // Lost once, twice: the same one again, never one further.
    assert_eq!(told(renew(1)), before);
    assert_eq!(told(renew(1)), before);
    // It arrives, is used without being confirmed, and the answer is lost again.
    assert_eq!(told(renew(2)).0, serial(3));
    assert_eq!(told(renew(2)).0, serial(3));
    assert_eq!(told(confirm(2)).0, Accepted::Done, "late, and still true");
    assert_eq!(scene.code(&phone, renew(1)), "token_spent", "the one before was used");
    insta::assert_snapshot!(scene.trail_behind(), @r"
    0: token 1 of #2
    0: token 2 of #2
    0: token 3 of #2
    ");
    // The session has ended; who asks again is answered, who asks for more hears of the end.
    scene.done(Act::Close);
    assert_eq!(scene.by(&phone, renew(2)).unwrap(), Accepted::Serial(Serial(3)));
    assert_eq!(scene.code(&phone, renew(3)), "terminal");
}

#[test]
fn an_older_token_is_stolen_refused_and_counted() {
    let (mut scene, phone) = on_the_phone(OnLost::Release);
    for act in [issue(), renew(1), confirm(2)] {
        scene.by(&phone, act).unwrap();
    }
    let before = scene.machine.digest();
    scene.by(&phone, confirm(2)).unwrap();
    assert_eq!(scene.machine.digest(), before, "confirmed once");
    for _ in 0..3 {
        assert_eq!(scene.code(&phone, renew(1)), "token_spent");
    }
    assert_eq!(scene.code(&phone, confirm(1)), "token_spent");
    for never in [0, 3, u64::MAX] {
        assert_eq!(scene.code(&phone, renew(never)), "token_unknown");
    }
    let view = scene.machine.session(scene.by.session).unwrap();
    let serials: Vec<Serials> = view.serials().copied().collect();
    let (issued, confirmed) = (Serial(2), Serial(2));
    assert_eq!(serials, [Serials { generation: Generation(2), issued, confirmed, refused: 4 }]);
    // Its owner has the current one, and nobody is locked out.
    assert_eq!(scene.by(&phone, renew(2)).unwrap(), Accepted::Serial(Serial(3)));
    assert_eq!(scene.machine.now(), Tick(0));
}

#[test]
fn serials_die_with_their_generation_and_not_with_a_part_of_it() {
    let (mut scene, phone) = on_the_phone(OnLost::Release);
    scene.by(&phone, issue()).unwrap();
    let host = scene.by.clone();
    // The host's capability says that it has everything; the lifecycle and the Seller are left.
    assert_eq!(scene.by(&host, issue()).unwrap(), Accepted::Serial(Serial(1)));
    let receipt = scene.staged("Seller", "clerk", None, false);
    let clerk = issued(scene.machine.handle(Tick(0), committing(&receipt, "clerk")));
    assert_eq!(scene.by(&host, renew(1)).unwrap(), Accepted::Serial(Serial(2)));
    assert_eq!(scene.code(&clerk, renew(1)), "token_unknown");
    let receipt = staged(&mut scene, &phone, None);
    issued(scene.machine.handle(Tick(0), committing(&receipt, "tablet")));
    assert_eq!(scene.code(&phone, renew(1)), "stale_capability");
    scene.done(died("host"));
    assert_eq!(scene.code(&host, renew(2)), "unclaimed");
    assert_eq!(scene.machine.session(scene.by.session).unwrap().serials().len(), 0);
}

/// The Buyer in a state, with the capability of who has or had it and the receipt of its transfer.
fn state(name: &str) -> (Scene, Presented, Receipt) {
    let (mut scene, phone) = on_the_phone(OnLost::Release);
    scene.by(&phone, issue()).unwrap();
    // The transfer that gave it to the phone has the number 0.
    let (from, to) = (phone.owner.clone(), Recipient::Owner(owner("tablet")));
    let (session, scope, generation) = (phone.session, phone.scope, phone.generation);
    let none = Receipt { session, id: ReceiptId(1), from, generation, to, scope };
    let receipt = match name {
        "owned" => none,
        "released" => {
            let release = Authority::Release { request: RequestId(1), scope };
            scene.by(&phone, boxed(release)).unwrap();
            none
        }
        "lost" => {
            scene.done(died("phone"));
            none
        }
        _ => staged(&mut scene, &phone, Some(90)),
    };
    match name {
        "lost, staged" => drop(scene.done(died("phone"))),
        "moved" => {
            issued(scene.machine.handle(Tick(0), committing(&receipt, "tablet")));
        }
        "expired" => scene.tick(90),
        "terminal" => drop(scene.done(Act::Close)),
        _ => {}
    }
    (scene, phone, receipt)
}

/// What each operation comes to in each state, by a part of its code. The last two but one are
/// done by the lifecycle's owner, the last one by the host.
const TABLE: &str = "
    state        | rollback | abandon  | issue | renew    | confirm  | commit   | fail     | died     | reclaim
    owned        | not_p    | not_p    | done  | done     | done     | not_p    | not_p    | done     | already
    released     | uncl     | uncl     | uncl  | uncl     | uncl     | not_p    | not_p    | unknown  | done
    lost         | uncl     | uncl     | uncl  | uncl     | uncl     | not_p    | not_p    | unknown  | done
    staged       | done     | done     | done  | done     | done     | done     | done     | done     | already
    lost, staged | done     | uncl     | uncl  | uncl     | uncl     | done     | done     | unknown  | r_pend
    moved        | stale    | stale    | stale | stale    | stale    | spent    | spent    | unknown  | already
    expired      | spent    | spent    | done  | done     | done     | spent    | spent    | done     | already
    terminal     | terminal | terminal | done  | terminal | terminal | terminal | terminal | terminal | terminal
";

#[test]
fn every_operation_in_every_state() {
    let mut rows = TABLE.trim().lines().map(|line| line.split('|').map(str::trim));
    let operations: Vec<&str> = rows.next().unwrap().skip(1).collect();
    for mut row in rows {
        let name = row.next().unwrap();
        for (operation, wanted) in operations.iter().zip(row) {
            let (mut scene, phone, receipt) = state(name);
            let (host, scope) = (scene.by.clone(), phone.scope);
            let by_phone = |act| Input::Act { by: phone.clone(), act };
            let input = match *operation {
                "rollback" => by_phone(boxed(Authority::Rollback { receipt })),
                "abandon" => by_phone(boxed(Authority::Abandon { receipt })),
                "issue" => by_phone(issue()),
                "renew" => by_phone(renew(1)),
                "confirm" => by_phone(confirm(1)),
                "commit" => committing(&receipt, "tablet"),
                "fail" => {
                    let reason = "no".into();
                    let act = boxed(Authority::FailCommit { receipt, reason });
                    Input::Act { by: host, act }
                }
                "died" => Input::Act { by: host, act: died("phone") },
                _ => reclaiming(&scene, "warden", scope),
            };
            // Another request than the one that made the state.
            let input = match (name, input) {
                ("moved", Input::Commit(commit)) => {
                    Input::Commit(Box::new(Commit { request: RequestId(8), ..*commit }))
                }
                (_, input) => input,
            };
            let before = scene.machine.digest();
            let verdict = match scene.machine.handle(Tick(scene.now), input) {
                Ok(_) => "done",
                Err(refusal) => {
                    assert_eq!(scene.machine.digest(), before);
                    refusal.code()
                }
            };
            scene.machine.check_invariants().unwrap();
            assert!(verdict.contains(wanted), "{operation}, {name}: {verdict}, not {wanted}");
        }
    }
}

proptest! {
    #![proptest_config(cases(200))]

    /// AUTH-28, AUTH-29; and what was journaled leads to where the session is.
    #[test]
    fn the_trail_of_a_journal_is_what_an_observer_saw(
        protocol in script::protocol(),
        steps in prop_oneof![
            3 => script::authority_script(true),
            1 => script::wild_script(true),
            1 => script::legal_script(true),
        ],
    ) {
        let mut machine = Machine::observed();
        machine.register(&protocol);
        let mut stage = Stage::new(vec![Arc::clone(&protocol)]);
        for step in &steps {
            let input = stage.input(&machine, step);
            let _ = machine.handle(Tick(stage.now), input);
        }
        // What is due already runs out before the journal is looked at.
        machine.handle(Tick(stage.now), Input::Tick).unwrap();
        machine.seal();
        let mut records = BTreeMap::<SessionId, Vec<Record>>::new();
        let mut seen = BTreeMap::<SessionId, Vec<Audit>>::new();
        while let Some(output) = machine.poll() {
            match output {
                Output::Persist(batch) => {
                    let found = Record::decode_batch(&batch, &protocol).unwrap();
                    records.entry(batch.session).or_default().extend(found);
                    let upto = batch.first + u64::from(batch.count);
                    let persisted = Input::Persisted { session: batch.session, upto };
                    machine.handle(Tick(stage.now), persisted).unwrap();
                }
                Output::Event(Event::Authority { session, audit }) => {
                    seen.entry(session).or_default().push(audit);
                }
                _ => {}
            }
        }
        for (session, records) in records {
            let mut trail = Told::new(&protocol, session);
            let mut said = Vec::new();
            for record in &records {
                said.extend(trail.follow(record).map_err(|e| TestCaseError::fail(e.to_string()))?);
            }
            // The opening has an event of its own.
            let told = seen.remove(&session).unwrap_or_default();
            prop_assert_eq!(&said[1..], told);
            prop_assert_eq!(trail.machine().session_digest(session), machine.session_digest(session));
        }
    }
}

/// What happened: whoever had one role could arm a timer on it and, with the witness, declare its
/// own owner dead; a bearer names itself, and one that had named itself like the opener so took the
/// lifecycle away from the opener.
#[test]
fn who_has_a_role_alone_declares_nobody_dead() {
    let change = |_: &_, open: &mut Open| open.on_lost = OnLost::Release;
    let mut scene = Scene::with(Machine::new(), ORDERS, change);
    let scope = Scope::role(scene.role("Buyer"));
    let (request, to) = (RequestId(1), Recipient::Bearer);
    let stage = Authority::Stage { request, scope, to, expires: None, freeze: false };
    let Accepted::Staged(receipt) = scene.change(stage) else { panic!("it is staged") };
    let guest = issued(scene.machine.handle(Tick(0), committing(&receipt, "host")));
    let site = Site::Endpoint(scene.role("Buyer"));
    scene.by(&guest, boxed(Authority::ArmTimer { request, site, after: 1, valid: None })).unwrap();
    scene.tick(1);
    let view = scene.machine.session(scene.by.session).unwrap();
    let evidence = Death::Timeout(Box::new(view.timeouts().next().unwrap().clone()));
    let died = boxed(Authority::OwnerDied { owner: owner("host"), evidence });
    assert_eq!(scene.code(&guest, died), "scope_violation");
    // Nor does it learn who has something.
    let evidence = Death::Timeout(Box::new(never_issued(&scene, &guest)));
    let died = boxed(Authority::OwnerDied { owner: owner("phone"), evidence });
    assert_eq!(scene.code(&guest, died), "scope_violation");
    assert_eq!(scene.holdings(), "host#1 Fragments{lifecycle, Seller} · host#2 Fragments{Buyer}");
}

/// A witness that was never issued, of what the holder has.
fn never_issued(scene: &Scene, by: &Presented) -> TimeoutWitness {
    TimeoutWitness {
        session: by.session,
        id: WitnessId(9),
        site: Site::Endpoint(scene.role("Buyer")),
        owner: by.owner.clone(),
        generation: by.generation,
        scope: by.scope,
        issued_at: Tick(0),
        until: None,
    }
}

/// What happened: a lifecycle that was frozen for its next holder still gave released roles to
/// others (AUTH-13).
#[test]
fn a_frozen_lifecycle_claims_nothing() {
    let mut scene = Scene::new(ORDERS);
    let (request, scope) = (RequestId(1), Scope::role(scene.role("Buyer")));
    scene.change(Authority::Release { request, scope });
    let to = Recipient::Owner(owner("dave"));
    let (lifecycle, freeze) = (Scope::LIFECYCLE, true);
    let stage = Authority::Stage { request, scope: lifecycle, to, expires: None, freeze };
    scene.change(stage);
    let claim = || boxed(Authority::Claim { request, owner: owner("mallory"), scope });
    let by = Presented { scope: lifecycle, ..scene.by.clone() };
    assert_eq!(scene.code(&by, claim()), "transfer_pending");
    // Who had the role last claims it for itself.
    issued(scene.act(claim()));
}
