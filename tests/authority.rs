//! Who may act when authority changes hands: stories, and the table of every state and operation.
#![cfg(feature = "syntax")]

use crate::scene::Scene;
use crate::scene::told::{self, boxed, owner};
use antiphon::machine::*;

const ORDERS: &str = "
    Buyer  = rec X . Seller!{ order(nat) . Seller?paid . X, stop . end }
    Seller = rec X . Buyer?{ order(nat) . Buyer!paid . X, stop . end }
";

fn committing(receipt: &Receipt, name: &str, request: u64) -> Input {
    let (request, receipt, owner) = (RequestId(request), receipt.clone(), owner(name));
    Input::Commit(Box::new(Commit { request, receipt, owner }))
}

fn scene() -> Scene {
    Scene::with(Machine::observed(), ORDERS, |_, open| open.journal = true)
}

#[track_caller]
fn issued(accepted: Result<Accepted, Refusal>) -> Presented {
    match accepted.unwrap() {
        Accepted::Issued(capability) => capability.present().clone(),
        other => panic!("{other:?}"),
    }
}

impl Scene {
    #[track_caller]
    fn commit(&mut self, receipt: &Receipt, name: &str) -> Presented {
        issued(self.machine.handle(Tick(self.now), committing(receipt, name, 7)))
    }

    /// The trail of the journal so far; the journal leads to the same state.
    fn trail(&mut self) -> String {
        self.machine.seal();
        let mut batches = Vec::new();
        while let Some(output) = self.machine.poll() {
            if let Output::Persist(batch) = output {
                batches.push(batch);
            }
        }
        let records: Vec<Record> = batches
            .iter()
            .flat_map(|batch| Record::decode_batch(batch, &self.protocol).unwrap())
            .collect();
        let replayed = Machine::replay(&self.protocol, self.by.session, &records).unwrap();
        assert_eq!(replayed.digest(), self.machine.digest());
        let said = records.iter().flat_map(|record| {
            let audits: Vec<Audit> = record.audits(&self.protocol).collect();
            assert!(audits.len() <= AUDITS_MAX);
            audits
                .into_iter()
                .map(|audit| format!("{}: {}", record.tick, told::audit(&self.protocol, &audit)))
        });
        said.collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn a_device_is_handed_over_with_messages_in_flight() {
    let mut scene = scene();
    let phone = scene.by.clone();
    scene.send("Buyer", "Seller", "order", 3_u64);
    let receipt = scene.staged("Buyer", "tablet", Some(100), false);
    // Until the commit the phone has it all, and the order stays on its edge.
    scene.receive("Seller", "Buyer");
    scene.send("Seller", "Buyer", "paid", ());
    scene.now = 10;
    let tablet = scene.commit(&receipt, "tablet");
    let take = scene.receiving("Buyer", "Seller", None);
    let refusal = scene.by(&phone, take.clone()).unwrap_err();
    assert!(matches!(refusal, Refusal::StaleCapability { live: Generation(2), .. }), "{refusal}");
    scene.by(&tablet, take).unwrap();
    // The giver's capability is good for what it kept (AUTH-8); the tablet's for nothing more.
    scene.by(&phone, Act::Bind { edge: None, handler: None }).unwrap();
    let narrow = scene.by(&tablet, Act::Close).unwrap_err();
    assert_eq!(narrow.code(), "scope_violation");
    assert_eq!(scene.machine.poll_timeout(), None, "the transfer cannot expire any more");
    assert_eq!(scene.holdings(), "host#1 Fragments{lifecycle, Seller} · tablet#2 Fragments{Buyer}");
    insta::assert_snapshot!(scene.trail(), @r"
    0: issued host#1 Session
    0: staged 0 Fragments{Buyer}
    10: invalidated host#1 Fragments{Buyer}
    10: committed 0
    10: issued tablet#2 Fragments{Buyer}
    ");
}

#[test]
fn the_answer_to_a_commit_is_lost_and_asked_again() {
    let mut scene = scene();
    let receipt = scene.staged("Buyer", "tablet", None, false);
    let first = scene.commit(&receipt, "tablet");
    let digest = scene.machine.digest();
    scene.now = 5;
    assert_eq!(scene.commit(&receipt, "tablet"), first);
    assert_eq!(scene.machine.digest(), digest);
    // When what it gave has moved on, the receipt is spent.
    let (request, scope) = (RequestId(1), first.scope);
    issued(scene.by(&first, boxed(Authority::Attenuate { request, scope })));
    assert_eq!(scene.refused(committing(&receipt, "tablet", 7)).code(), "receipt_spent");
}

#[test]
fn a_receipt_is_replayed() {
    let mut scene = scene();
    let receipt = scene.staged("Buyer", "tablet", None, false);
    scene.commit(&receipt, "tablet");
    assert_eq!(scene.refused(committing(&receipt, "tablet", 8)).code(), "receipt_spent");
    assert_eq!(scene.refused(committing(&receipt, "thief", 7)).code(), "receipt_spent");
}

#[test]
fn a_receipt_is_believed_in_no_part() {
    let mut scene = scene();
    let good = scene.staged("Buyer", "tablet", None, false);
    let other = Scope::role(scene.role("Seller"));
    let wrong = [
        Receipt { from: owner("thief"), ..good.clone() },
        Receipt { generation: Generation(2), ..good.clone() },
        Receipt { to: Recipient::Bearer, ..good.clone() },
        Receipt { scope: good.scope.union(other), ..good.clone() },
    ];
    for receipt in wrong {
        let refusal = scene.refused(committing(&receipt, "tablet", 7));
        assert_eq!(refusal.code(), "receipt_mismatch", "{receipt:?}");
    }
    assert_eq!(scene.refused(committing(&good, "thief", 7)).code(), "receipt_mismatch");
    scene.commit(&good, "tablet");
}

#[test]
fn a_commit_comes_after_the_transfer_has_expired() {
    let mut scene = scene();
    let receipt = scene.staged("Buyer", "tablet", Some(90), true);
    assert_eq!(scene.machine.poll_timeout(), Some(Tick(90)));
    scene.now = 100;
    assert_eq!(scene.refused(committing(&receipt, "tablet", 7)).code(), "receipt_spent");
    // Nothing has moved, and nothing is frozen any more.
    scene.send("Buyer", "Seller", "order", 3_u64);
    assert_eq!(scene.holdings(), "host#1 Session");
    insta::assert_snapshot!(scene.trail(), @r"
    0: issued host#1 Session
    0: staged 0 Fragments{Buyer}
    90: expired 0
    ");
}

#[test]
fn what_is_released_is_claimed_by_its_last_owner_or_the_lifecycle() {
    let mut scene = scene();
    let receipt = scene.staged("Buyer", "tablet", None, false);
    let tablet = scene.commit(&receipt, "tablet");
    let (request, scope) = (RequestId(1), tablet.scope);
    scene.by(&tablet, boxed(Authority::Release { request, scope })).unwrap();
    let claim = |name: &str| boxed(Authority::Claim { request, owner: owner(name), scope });
    let thief = Presented { owner: owner("thief"), ..tablet.clone() };
    assert_eq!(scene.by(&thief, claim("thief")).unwrap_err().code(), "stale_capability");
    let again = issued(scene.by(&tablet, claim("laptop")));
    assert_eq!(again.generation, Generation(3), "never one that was used");
    assert_eq!(scene.by(&tablet, claim("tablet")).unwrap_err().code(), "stale_capability");
    scene.by(&again, boxed(Authority::Release { request, scope })).unwrap();
    let host = scene.by.clone();
    assert_eq!(issued(scene.by(&host, claim("watch"))).generation, Generation(4));
    insta::assert_snapshot!(scene.trail(), @r"
    0: issued host#1 Session
    0: staged 0 Fragments{Buyer}
    0: invalidated host#1 Fragments{Buyer}
    0: committed 0
    0: issued tablet#2 Fragments{Buyer}
    0: invalidated tablet#2 Fragments{Buyer}
    0: issued laptop#3 Fragments{Buyer}
    0: invalidated laptop#3 Fragments{Buyer}
    0: issued watch#4 Fragments{Buyer}
    ");
}

#[test]
fn a_terminal_session_hands_nothing_over() {
    let mut scene = scene();
    let receipt = scene.staged("Buyer", "tablet", Some(90), true);
    scene.done(Act::Close);
    assert_eq!(scene.machine.poll_timeout(), None);
    assert_eq!(scene.refused(committing(&receipt, "tablet", 7)).code(), "terminal");
}

/// The states of the Buyer's fragment, each under the capability that its owner has or had.
fn state(name: &str) -> (Scene, Presented, Receipt) {
    let mut scene = scene();
    let by = scene.by.clone();
    let scope = Scope::role(scene.role("Buyer"));
    // No state has a transfer unless it says so: this receipt is then of none.
    let (id, from, to) = (ReceiptId(0), by.owner.clone(), Recipient::Owner(owner("tablet")));
    let none = Receipt { session: by.session, id, from, generation: by.generation, to, scope };
    let stage = |scene: &mut Scene, freeze| scene.staged("Buyer", "tablet", Some(90), freeze);
    let receipt = match name {
        "owned" => none,
        "released" => {
            scene.change(Authority::Release { request: RequestId(1), scope });
            none
        }
        "staged" => stage(&mut scene, false),
        "frozen" => stage(&mut scene, true),
        "moved" => {
            let receipt = stage(&mut scene, false);
            scene.commit(&receipt, "tablet");
            receipt
        }
        "expired" => {
            let receipt = stage(&mut scene, true);
            scene.tick(91);
            receipt
        }
        "terminal" => {
            let receipt = stage(&mut scene, false);
            scene.done(Act::Close);
            receipt
        }
        other => panic!("{other}"),
    };
    (scene, by, receipt)
}

/// An operation, what it comes to, and why.
type Cell = (&'static str, &'static str, &'static str);

/// What each operation comes to in each state.
const TABLE: [(&str, [Cell; 7]); 7] = [
    (
        "owned",
        [
            ("act", "done", "its owner acts"),
            ("release", "done", "its owner gives it up"),
            ("attenuate", "done", "its owner renews it"),
            ("claim", "already_claimed", "the owner has to release it first"),
            ("stage", "done", "its owner hands it over"),
            ("commit", "transfer_not_pending", "no receipt was ever issued"),
            ("rollback", "transfer_not_pending", "no receipt was ever issued"),
        ],
    ),
    (
        "released",
        [
            ("act", "unclaimed", "it is nobody's"),
            ("release", "unclaimed", "another request, and nothing is left to release"),
            ("attenuate", "unclaimed", "nobody can renew it"),
            ("claim", "done", "the last owner may, and the lifecycle's owner"),
            ("stage", "unclaimed", "nobody can hand it over"),
            ("commit", "transfer_not_pending", "no receipt was ever issued"),
            ("rollback", "unclaimed", "the capability is looked at before the receipt"),
        ],
    ),
    (
        "staged",
        [
            ("act", "done", "the giver has it until the commit"),
            ("release", "transfer_pending", "it is promised"),
            ("attenuate", "transfer_pending", "the receipt names the generation"),
            ("claim", "already_claimed", "the giver still has it"),
            ("stage", "transfer_pending", "it can be promised once"),
            ("commit", "done", "the receipt is the one in flight"),
            ("rollback", "done", "the giver takes it back"),
        ],
    ),
    (
        "frozen",
        [
            ("act", "transfer_pending", "the transfer freezes it"),
            ("release", "transfer_pending", "it is promised"),
            ("attenuate", "transfer_pending", "the receipt names the generation"),
            ("claim", "already_claimed", "the giver still has it"),
            ("stage", "transfer_pending", "it can be promised once"),
            ("commit", "done", "the receipt is the one in flight"),
            ("rollback", "done", "the giver takes it back"),
        ],
    ),
    (
        "moved",
        [
            ("act", "stale_capability", "the tablet has it"),
            ("release", "stale_capability", "the tablet has it"),
            ("attenuate", "stale_capability", "the tablet has it"),
            ("claim", "already_claimed", "the lifecycle's owner asks, and the tablet has it"),
            ("stage", "stale_capability", "the tablet has it"),
            ("commit", "receipt_spent", "another request with a receipt that has committed"),
            ("rollback", "stale_capability", "the tablet has it"),
        ],
    ),
    (
        "expired",
        [
            ("act", "done", "nothing has moved, nothing is frozen"),
            ("release", "done", "nothing has moved"),
            ("attenuate", "done", "nothing has moved"),
            ("claim", "already_claimed", "nothing has moved"),
            ("stage", "done", "it is promised to nobody any more"),
            ("commit", "receipt_spent", "it came too late"),
            ("rollback", "receipt_spent", "the timer did it already"),
        ],
    ),
    (
        "terminal",
        [
            ("act", "terminal", "nothing moves any more"),
            ("release", "terminal", "nothing moves any more"),
            ("attenuate", "terminal", "nothing moves any more"),
            ("claim", "terminal", "nothing moves any more"),
            ("stage", "terminal", "nothing moves any more"),
            ("commit", "terminal", "nothing moves any more"),
            ("rollback", "terminal", "nothing moves any more"),
        ],
    ),
];

#[test]
fn every_operation_in_every_state() {
    for (name, row) in TABLE {
        for (operation, wanted, why) in row {
            let (mut scene, by, receipt) = state(name);
            let (request, scope) = (RequestId(5), receipt.scope);
            let act = match operation {
                "act" => scene.sending("Buyer", "Seller", "order", 1_u64, None),
                "release" => boxed(Authority::Release { request, scope }),
                "attenuate" => boxed(Authority::Attenuate { request, scope }),
                "claim" => boxed(Authority::Claim { request, owner: owner("laptop"), scope }),
                "stage" => {
                    let (to, expires, freeze) = (Recipient::Bearer, None, false);
                    boxed(Authority::Stage { request, scope, to, expires, freeze })
                }
                _ => boxed(Authority::Rollback { receipt: receipt.clone() }),
            };
            let input = match operation {
                "commit" => committing(&receipt, "tablet", 5),
                _ => Input::Act { by, act },
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
            assert_eq!(verdict, wanted, "{operation}, {name}: {why}");
        }
    }
}
