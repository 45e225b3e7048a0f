//! Endpoints sent over other sessions, and holdings handed over: who may act at each moment, and who
//! gets what nobody has taken.
#![cfg(feature = "driver")]

use std::future::Future;
use std::time::Duration;

use antiphon::driver::{CARRIED_MAX, Error, Options, Transfer, Unsent};
use antiphon::machine::{
    Authority, Capacities, Generation, Machine, NotAReceipt, Owner, Receipt, ReceiptId, Recipient,
    Scope, SessionId, Status,
};
use antiphon::types::{RoleIx, Value};
use antiphon::wire::journal::Journal;
use antiphon::{Endpoint, Protocol, Refusal, Session};
use proptest::prelude::*;

/// What is handed over.
const TALK: &str = "
    Asker    = Answerer!ask(nat) . Answerer?answer(nat) . Answerer!thanks . end
    Answerer = Asker?ask(nat) . Asker!answer(nat) . Asker?thanks . end
";

/// What carries it: the answerer, before it has answered.
const CARRY: &str = "
    Giver = rec X . Taker!{ give(chan(Asker!answer(nat) . Asker?thanks . end)) . X, done . end }
    Taker = rec X . Giver?{ give(chan(Asker!answer(nat) . Asker?thanks . end)) . X, done . end }
";

fn protocol(text: &str) -> Protocol {
    text.parse().unwrap()
}

fn open(text: &str) -> Session {
    Session::open(&protocol(text)).unwrap()
}

fn code<T>(result: Result<T, Error>) -> &'static str {
    match result {
        Ok(_) => panic!("this is refused"),
        Err(error) => error.refusal().unwrap_or_else(|| panic!("by the machine: {error}")).code(),
    }
}

/// Asserts that a future waits; it can be awaited afterwards.
async fn waits<F: Future>(future: &mut std::pin::Pin<&mut F>) {
    tokio::select! {
        biased;
        _ = future.as_mut() => panic!("it should wait"),
        () = tokio::task::yield_now() => {}
    }
}

/// Replays the journals of sessions and compares the states.
fn replay<const N: usize>(sessions: [&Session; N]) {
    for session in sessions {
        let journal = Journal::read(&session.journal().unwrap().unwrap()).unwrap();
        let replayed =
            Machine::replay(&journal.protocol, journal.session, &journal.records).unwrap();
        assert_eq!(replayed.digest(), session.digest());
    }
}

/// A session of `TALK` whose answerer was asked, its endpoints, a session of `CARRY` and its own.
struct Scene {
    talk: Session,
    asker: Endpoint,
    answerer: Endpoint,
    carry: Session,
    giver: Endpoint,
    taker: Endpoint,
}

async fn scene() -> Scene {
    let (talk, carry) = (open(TALK), open(CARRY));
    let [mut asker, mut answerer] = talk.endpoints(["Asker", "Answerer"]).unwrap();
    let [giver, taker] = carry.endpoints(["Giver", "Taker"]).unwrap();
    asker.send("Answerer", "ask", 6_u64).await.unwrap();
    answerer.receive_from("Asker").await.unwrap();
    Scene { talk, asker, answerer, carry, giver, taker }
}

/// The rest of `TALK`.
async fn finish(talk: &Session, asker: &mut Endpoint, answerer: &mut Endpoint) {
    answerer.send("Asker", "answer", 7_u64).await.unwrap();
    assert_eq!(asker.receive_from("Answerer").await.unwrap().1, Value::Nat(7));
    asker.send("Answerer", "thanks", ()).await.unwrap();
    answerer.receive_from("Asker").await.unwrap();
    assert_eq!(talk.status(), Status::Closed);
}

/// DELEG-1, DELEG-5.
#[tokio::test]
async fn an_endpoint_goes_on_with_whoever_receives_it() {
    let Scene { talk, mut asker, answerer, carry, mut giver, mut taker } = scene().await;
    let generation = |talk: &Session| talk.records().unwrap().len();
    let before = generation(&talk);
    giver.send_endpoint("Taker", "give", answerer).await.unwrap();
    let (label, mut answerer) = taker.receive_endpoint_from("Giver").await.unwrap();
    assert_eq!(label, "give");
    assert_eq!(generation(&talk), before + 2, "a stage and a commit");
    // The session itself has the role no more.
    drop(taker);
    assert_eq!(code(talk.endpoint("Answerer")), "stale_capability");
    finish(&talk, &mut asker, &mut answerer).await;
    giver.send("Taker", "done", ()).await.unwrap();
    assert!(giver.returned().is_empty());
    replay([&talk, &carry]);
}

/// DELEG-1.
#[tokio::test]
async fn an_endpoint_on_its_way_is_frozen() {
    let Scene { talk, mut asker, answerer, carry, mut giver, taker } = scene().await;
    assert_eq!(answerer.legal_moves().len(), 1);
    // The message is there, and nobody has received it.
    giver.send_endpoint("Taker", "give", answerer).await.unwrap();
    assert!(matches!(talk.endpoint("Answerer"), Err(Error::EndpointTaken { .. })));
    let held = talk.records().unwrap().into_iter().any(|record| {
        let text = format!("{record:?}");
        text.contains("freeze: true") && text.contains("Bearer")
    });
    assert!(held, "it was staged frozen, to the bearer");
    let answer = asker.receive_from("Answerer");
    tokio::pin!(answer);
    waits(&mut answer).await;
    drop((taker, carry));
}

/// DELEG-1, HOLD-2.
#[tokio::test]
async fn what_is_frozen_has_no_legal_move_and_is_refused() {
    let session = open(TALK);
    let scope = session.scope(["Asker"]).unwrap();
    let phone = session.hand_over("phone", scope).unwrap();
    let mut acting = session.act(&phone, "Asker");
    assert_eq!(acting.legal_moves().len(), 1);
    let receipt = phone.stage_with(&Transfer::to("tablet").frozen(), scope).unwrap();
    assert!(acting.legal_moves().is_empty());
    assert_eq!(code(acting.send("Answerer", "ask", 1_u64).await), "transfer_pending");
    phone.rollback(receipt.clone()).unwrap();
    assert_eq!(code(phone.rollback(receipt)), "receipt_spent");
    assert_eq!(acting.legal_moves().len(), 1);
    acting.send("Answerer", "ask", 1_u64).await.unwrap();
    replay([&session]);
}

/// DELEG-2, DELEG-4.
#[tokio::test]
async fn an_endpoint_of_another_type_is_given_back_with_both_types() {
    let Scene { talk, asker, answerer, carry, mut giver, taker: _taker } = scene().await;
    let Unsent { error, endpoint: mut asker } =
        giver.send_endpoint("Taker", "give", asker).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the endpoint goes on as `Answerer?answer(nat) . Answerer!thanks . end`, \
         the message hands over `Asker!answer(nat) . Asker?thanks . end`"
    );
    // Nothing is in flight, and it acts as before.
    let mut answerer = answerer;
    finish(&talk, &mut asker, &mut answerer).await;
    let ended = giver.send_endpoint("Taker", "give", answerer).await.unwrap_err();
    assert_eq!(ended.error.refusal().unwrap().code(), "terminal");
    assert_eq!(giver.position().0, 0);
    replay([&talk, &carry]);
}

/// DELEG-2: what counts is behaviour, not how the type is written.
#[tokio::test]
async fn a_loop_written_otherwise_is_the_same_type() {
    let ticking = open("P = rec X . Q!tick . X   Q = rec X . P?tick . X");
    let carry = open(
        "G = T!give(chan(Q!tick . rec Y . Q!tick . Q!tick . Y)) . end
         T = G?give(chan(Q!tick . rec Y . Q!tick . Q!tick . Y)) . end",
    );
    let [mut giver, mut taker] = carry.endpoints(["G", "T"]).unwrap();
    let p = ticking.endpoint("P").unwrap();
    giver.send_endpoint("T", "give", p).await.unwrap();
    // The receive ends the session that carries it: what was received is received.
    let (_, mut p) = taker.receive_endpoint_from("G").await.unwrap();
    assert_eq!(carry.status(), Status::Closed);
    p.send("Q", "tick", ()).await.unwrap();
    assert!(giver.returned().is_empty());
}

/// DELEG-4.
#[tokio::test]
async fn a_message_that_carries_no_endpoint_is_named() {
    let Scene { answerer, mut giver, mut taker, .. } = scene().await;
    let Unsent { error, endpoint } =
        giver.send_endpoint("Taker", "done", answerer).await.unwrap_err();
    assert_eq!(error.to_string(), "`done` carries no endpoint: it is of sort `unit`");
    let Unsent { error, endpoint } =
        giver.send_endpoint("Taker", "gift", endpoint).await.unwrap_err();
    assert!(error.to_string().contains("cannot send `gift`"), "{error}");
    assert!(matches!(error.refusal(), Some(Refusal::NotAllowed(_))));
    let unsent = giver.send_endpoint("Nobody", "give", endpoint).await.unwrap_err();
    assert!(unsent.to_string().starts_with("the endpoint of `Answerer` was not sent"));
    giver.send("Taker", "done", ()).await.unwrap();
    let error = taker.receive_endpoint_from("Giver").await.unwrap_err();
    assert!(matches!(error, Error::NoEndpoint { .. }), "{error}");
    assert_eq!(taker.receive_from("Giver").await.unwrap().0, "done", "it stayed where it was");
}

/// DELEG-6: delegation, then cancellation.
#[tokio::test]
async fn when_the_carrying_session_is_cancelled_the_endpoint_comes_back() {
    let Scene { talk, mut asker, answerer, carry, mut giver, mut taker } = scene().await;
    giver.send_endpoint("Taker", "give", answerer).await.unwrap();
    assert!(giver.returned().is_empty());
    carry.cancel("enough").unwrap();
    assert_eq!(code(taker.receive_endpoint_from("Giver").await), "terminal");
    let mut returned = giver.returned();
    let mut answerer = returned.pop().expect("one was on its way");
    assert!(returned.is_empty() && giver.returned().is_empty() && taker.returned().is_empty());
    finish(&talk, &mut asker, &mut answerer).await;
    replay([&talk, &carry]);
}

/// DELEG-6.
#[tokio::test]
async fn when_everybody_drops_the_carrying_session_the_role_is_free_again() {
    let Scene { talk, mut asker, answerer, carry, mut giver, taker } = scene().await;
    giver.send_endpoint("Taker", "give", answerer).await.unwrap();
    drop((carry, taker, giver));
    let mut answerer = talk.endpoint("Answerer").unwrap();
    finish(&talk, &mut asker, &mut answerer).await;
    replay([&talk]);
}

/// DELEG-6.
#[tokio::test]
async fn a_send_that_is_given_up_while_it_waits_leaves_nothing_behind() {
    let one = Options::default().capacities(Capacities::every(1));
    let (talk, other) = (open(TALK), open(TALK));
    let carry = Session::open_with(
        &protocol("G = rec X . T!give(chan(B!ask(nat) . end)) . X  T = rec X . G?give(chan(B!ask(nat) . end)) . X"),
        one,
    )
    .unwrap();
    drop((talk, other));
    let small = "A = B!ask(nat) . end   B = A?ask(nat) . end";
    let (first, second) = (open(small), open(small));
    let [mut giver, mut taker] = carry.endpoints(["G", "T"]).unwrap();
    giver.send_endpoint("T", "give", first.endpoint("A").unwrap()).await.unwrap();
    {
        let send = giver.send_endpoint("T", "give", second.endpoint("A").unwrap());
        tokio::pin!(send);
        waits(&mut send).await;
    }
    second.endpoint("A").unwrap().send("B", "ask", 1_u64).await.unwrap();
    // With room it would have arrived.
    let (_, mut a) = taker.receive_endpoint_from("G").await.unwrap();
    a.send("B", "ask", 1_u64).await.unwrap();
    replay([&first, &second, &carry]);
}

/// DELEG-7.
#[tokio::test]
async fn a_transfer_that_ran_out_is_returned_and_the_receiver_gets_the_message_alone() {
    let Scene { talk, mut asker, answerer, carry, mut giver, mut taker } = scene().await;
    let soon = Duration::ZERO;
    giver.send_endpoint_within(soon, "Taker", "give", answerer).await.unwrap();
    assert_eq!(code(taker.receive_endpoint_from("Giver").await), "receipt_spent");
    assert_eq!(taker.position().0, 1);
    let mut answerer = giver.returned().pop().expect("it is back");
    finish(&talk, &mut asker, &mut answerer).await;
    replay([&talk, &carry]);
}

/// DELEG-5: a received endpoint can be sent on, and given up.
#[tokio::test]
async fn what_was_received_can_be_sent_on_and_dropping_it_releases_the_role() {
    let Scene { talk, mut asker, answerer, carry, mut giver, mut taker } = scene().await;
    giver.send_endpoint("Taker", "give", answerer).await.unwrap();
    let (_, received) = taker.receive_endpoint_from("Giver").await.unwrap();
    giver.send_endpoint("Taker", "give", received).await.unwrap();
    let (_, received) = taker.receive_endpoint_from("Giver").await.unwrap();
    drop(received);
    assert_eq!(code(talk.endpoint("Answerer")), "unclaimed");
    let scope = talk.scope(["Answerer"]).unwrap();
    let claimed = talk.claim("third", scope).unwrap();
    let mut answerer = claimed.into_endpoint("Answerer").unwrap();
    finish(&talk, &mut asker, &mut answerer).await;
    replay([&talk, &carry]);
}

/// DELEG-5: what came as a value.
#[tokio::test]
async fn a_value_becomes_an_endpoint_once() {
    let Scene { talk, mut asker, answerer, carry, mut giver, mut taker } = scene().await;
    giver.send_endpoint("Taker", "give", answerer).await.unwrap();
    let (_, value) = taker.receive_from("Giver").await.unwrap();
    assert!(matches!(carry.take_endpoint("", &value), Err(Error::BadOwner(_))));
    assert!(matches!(talk.take_endpoint("taker", &value), Err(Error::NotCarried)));
    let mut answerer = carry.take_endpoint("taker", &value).unwrap();
    assert!(matches!(carry.take_endpoint("taker", &value), Err(Error::NotCarried)));
    assert!(matches!(carry.take_endpoint("taker", &Value::Unit), Err(Error::NotCarried)));
    finish(&talk, &mut asker, &mut answerer).await;
}

/// DELEG-8.
#[tokio::test]
async fn only_so_many_are_on_their_way() {
    let carry = open(
        "G = rec X . T!give(chan(B!ask . end)) . X
         T = rec X . G?give(chan(B!ask . end)) . X",
    );
    let [mut giver, mut taker] = carry.endpoints(["G", "T"]).unwrap();
    let small = protocol("A = B!ask . end   B = A?ask . end");
    let plain = || Session::open_with(&small, Options::default().no_journal()).unwrap();
    for _ in 0..CARRIED_MAX {
        giver.send_endpoint("T", "give", plain().endpoint("A").unwrap()).await.unwrap();
        // Received, and not taken.
        taker.receive_from("G").await.unwrap();
    }
    let last = plain();
    let unsent = giver.send_endpoint("T", "give", last.endpoint("A").unwrap()).await.unwrap_err();
    assert!(matches!(unsent.error, Error::TooManyCarried), "{unsent}");
    let mut a = unsent.endpoint;
    a.send("B", "ask", ()).await.unwrap();
}

/// DELEG-6: each of them is kept by nothing but the message on an edge of the next one.
#[tokio::test]
async fn a_long_chain_of_sessions_is_let_go_of() {
    let link = protocol(
        "A = B!ask . end                      B = A?ask . end
         G = T!give(chan(B!ask . end)) . end  T = G?give(chan(B!ask . end)) . end",
    );
    let open = || Session::open_with(&link, Options::default().no_journal()).unwrap();
    let first = open();
    let mut on_its_way = first.endpoint("A").unwrap();
    for _ in 0..20_000 {
        let next = open();
        let mut giver = next.endpoint("G").unwrap();
        giver.send_endpoint("T", "give", on_its_way).await.unwrap();
        on_its_way = next.endpoint("A").unwrap();
    }
    assert!(matches!(first.endpoint("A"), Err(Error::EndpointTaken { .. })));
    drop(on_its_way);
    first.endpoint("A").unwrap().send("B", "ask", ()).await.unwrap();
}

/// The endpoint goes round among tasks; each of them asks once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_goes_from_task_to_task() {
    const HOPS: u64 = 60;
    let talk = open("P = rec X . Q!tick(nat) . X   Q = rec X . P?tick(nat) . X");
    let carry = protocol(
        "G = T!give(chan(rec X . Q!tick(nat) . X)) . end
         T = G?give(chan(rec X . Q!tick(nat) . X)) . end",
    );
    let [p, mut q] = talk.endpoints(["P", "Q"]).unwrap();
    let (mut tasks, mut sessions) = (Vec::new(), Vec::new());
    let (first, mut before) = {
        let session = Session::open(&carry).unwrap();
        let [giver, taker] = session.endpoints(["G", "T"]).unwrap();
        sessions.push(session);
        (giver, taker)
    };
    for hop in 0..HOPS {
        let session = Session::open(&carry).unwrap();
        let [mut giver, taker] = session.endpoints(["G", "T"]).unwrap();
        let mut taken_from = std::mem::replace(&mut before, taker);
        sessions.push(session);
        tasks.push(tokio::spawn(async move {
            let (_, mut p) = taken_from.receive_endpoint_from("G").await.unwrap();
            p.send("Q", "tick", hop).await.unwrap();
            giver.send_endpoint("T", "give", p).await.unwrap();
        }));
    }
    let mut first = first;
    first.send_endpoint("T", "give", p).await.unwrap();
    for hop in 0..HOPS {
        assert_eq!(q.receive_from("P").await.unwrap().1, Value::Nat(hop));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let (_, p) = before.receive_endpoint_from("G").await.unwrap();
    assert_eq!(p.position().0, HOPS);
    replay([&talk, &sessions[0], &sessions[7]]);
}

#[test]
fn threads_delegate_too() {
    let (talk, carry) = (open(TALK), open(CARRY));
    let [asker, answerer] = talk.endpoints(["Asker", "Answerer"]).unwrap();
    let [giver, taker] = carry.endpoints(["Giver", "Taker"]).unwrap();
    let mut asker = asker.into_blocking();
    let mut answerer = answerer.into_blocking();
    asker.send("Answerer", "ask", 6_u64).unwrap();
    answerer.receive().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut taker = taker.into_blocking().timeout(Duration::from_secs(60));
            let (_, answerer) = taker.receive_endpoint_from("Giver").unwrap();
            let mut answerer = answerer.into_blocking();
            answerer.send("Asker", "answer", 7_u64).unwrap();
            answerer.receive().unwrap();
        });
        let mut giver = giver.into_blocking();
        giver.send_endpoint("Taker", "give", answerer.into_async()).unwrap();
        assert!(giver.returned().is_empty());
        assert_eq!(asker.receive().unwrap().2, Value::Nat(7));
        asker.send("Answerer", "thanks", ()).unwrap();
    });
    assert_eq!(talk.status(), Status::Closed);
    replay([&talk, &carry]);
}

/// HOLD-2: waiting for a message, and for room.
#[tokio::test]
async fn an_endpoint_that_waits_is_woken_and_refused_when_its_role_moves() {
    let one = Options::default().capacities(Capacities::every(1));
    let session = Session::open_with(
        &protocol("A = rec X . B!say(nat) . X   B = rec X . A?say(nat) . X"),
        one,
    )
    .unwrap();
    let [mut a, mut b] = session.endpoints(["A", "B"]).unwrap();
    {
        let receive = b.receive();
        tokio::pin!(receive);
        waits(&mut receive).await;
        let _laptop = session.hand_over("laptop", session.scope(["B"]).unwrap()).unwrap();
        assert_eq!(code(receive.await), "stale_capability");
    }
    a.send("B", "say", 1_u64).await.unwrap();
    {
        let send = a.send("B", "say", 2_u64);
        tokio::pin!(send);
        waits(&mut send).await;
        let phone = session.hand_over("phone", session.scope(["A"]).unwrap()).unwrap();
        assert_eq!(code(send.await), "stale_capability");
        phone.release(phone.scope()).unwrap();
        assert!(phone.scope().is_empty());
    }
    assert!(a.legal_moves().is_empty());
    assert_eq!(code(a.send("B", "say", 2_u64).await), "unclaimed");
    assert_eq!(code(b.try_receive_from("A")), "stale_capability");
    replay([&session]);
}

/// HOLD-1, HOLD-3.
#[tokio::test]
async fn a_holding_is_staged_committed_split_released_and_claimed() {
    let session = open(TALK);
    let both = session.scope(["Asker", "Answerer"]).unwrap();
    let (asker, answerer) =
        (session.scope(["Asker"]).unwrap(), session.scope(["Answerer"]).unwrap());
    assert_eq!(code(session.scope(["Nobody"])), "unknown_role");
    assert!(matches!(session.hand_over("", both), Err(Error::BadOwner(_))));
    let phone = session.hand_over("phone", both).unwrap();
    assert_eq!((phone.owner().as_str(), phone.generation()), ("phone", Generation(2)));
    assert_eq!(format!("{phone:?}"), "Holding(Fragments{Asker, Answerer} of phone#2)");
    assert_eq!(code(session.hand_over("tablet", asker)), "stale_capability");

    let receipt = phone.stage("tablet", asker).unwrap();
    assert_eq!(code(phone.stage("watch", asker)), "transfer_pending");
    assert_eq!(code(session.commit("watch", receipt.clone())), "receipt_mismatch");
    session.act(&phone, "Asker").send("Answerer", "ask", 1_u64).await.unwrap();
    let tablet = session.commit("tablet", receipt.clone()).unwrap();
    assert_eq!(code(session.commit("tablet", receipt)), "receipt_spent");
    assert_eq!((phone.scope(), tablet.scope()), (answerer, asker));
    let refused = session.act(&phone, "Asker").try_receive_from("Answerer").unwrap_err();
    assert!(matches!(refused.refusal(), Some(Refusal::StaleCapability { .. })));

    // Of what was issued for two roles, none becomes an endpoint without being split off.
    let refused = phone.into_endpoint("Answerer").unwrap_err();
    assert_eq!(refused.error.refusal().unwrap().code(), "scope_violation");
    let phone = refused.holding;
    assert_eq!(phone.scope(), answerer, "it is given back");
    assert_eq!(code(tablet.attenuate(both)), "scope_violation");
    let split = tablet.attenuate(asker).unwrap();
    assert_eq!((split.owner().as_str(), split.scope()), ("tablet", asker));
    assert!(tablet.scope().is_empty());
    assert_eq!(code(session.claim("watch", asker)), "already_claimed");
    split.release(asker).unwrap();
    assert_eq!(code(tablet.claim("watch", asker)), "stale_capability", "it was not the last one");
    let watch = split.claim("watch", asker).unwrap();
    let lifecycle = session.stage_with(&Transfer::to("watch"), Scope::LIFECYCLE).unwrap();
    session.rollback(lifecycle).unwrap();
    let asker = watch.into_endpoint("Asker").unwrap();
    assert_eq!(asker.legal_moves().len(), 1);
    assert_eq!(code(asker.try_receive()), "edge_empty");
    replay([&session]);
}

#[tokio::test]
async fn a_holding_of_another_session_is_refused() {
    let (one, other) = (open(TALK), open(TALK));
    let phone = one.hand_over("phone", one.scope(["Asker"]).unwrap()).unwrap();
    let refused = other.act(&phone, "Asker").send("Answerer", "ask", 1_u64).await;
    assert_eq!(code(refused), "unknown_session");
    let refused = one.act(&phone, "Nobody").send("Answerer", "ask", 1_u64).await;
    assert_eq!(code(refused), "unknown_role");
    let receipt = phone.stage("tablet", phone.scope()).unwrap();
    assert_eq!(code(other.commit("tablet", receipt)), "unknown_session");
    let acts = one.records().unwrap();
    assert!(acts.len() >= 3, "{:?}", Authority::Rollback { receipt: some_receipt() });
}

fn some_receipt() -> Receipt {
    Receipt {
        session: SessionId(7),
        id: ReceiptId(1),
        from: Owner::new("phone").unwrap(),
        generation: Generation(2),
        to: Recipient::Bearer,
        scope: Scope::role(RoleIx(0)),
    }
}

fn owner() -> impl Strategy<Value = Owner> {
    prop_oneof!["[a-z]{1,8}", ".{1,60}", "a{255}"].prop_map(|text| Owner::new(&text).unwrap())
}

fn receipt() -> impl Strategy<Value = Receipt> {
    let to = proptest::option::of(owner());
    let numbers = (any::<u128>(), any::<u64>(), any::<u64>(), any::<u128>());
    (numbers, owner(), to).prop_map(|((session, id, generation, scope), from, to)| Receipt {
        session: SessionId(session),
        id: ReceiptId(id),
        from,
        generation: Generation(generation),
        to: to.map_or(Recipient::Bearer, Recipient::Owner),
        scope: Scope::from_bits(scope),
    })
}

proptest! {
    /// DELEG-3.
    #[test]
    fn a_receipt_has_one_byte_string_which_is_a_value(receipt in receipt(), other in receipt()) {
        let bytes = receipt.to_bytes();
        prop_assert!(bytes.len() <= antiphon::types::value::CHAN_BYTES_MAX);
        prop_assert_eq!(Receipt::from_bytes(&bytes), Ok(receipt.clone()));
        prop_assert_eq!(bytes == other.to_bytes(), receipt == other);
        let value = Value::from(&receipt);
        let chan = "p!l(chan(end)) . end".parse::<antiphon::types::LocalType>().unwrap();
        let sort = chan.tree().branches()[0].payload.sort();
        prop_assert_eq!(sort.conform(value.clone()), Ok(value.clone()));
        prop_assert_eq!(Receipt::try_from(&value), Ok(receipt));
        prop_assert_eq!(Receipt::try_from(&Value::from(bytes)), Err(NotAReceipt));
    }

    #[test]
    fn bytes_that_are_no_receipt_are_refused_and_others_come_back(
        receipt in receipt(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4),
    ) {
        let mut bytes = receipt.to_bytes().to_vec();
        for (at, byte, edit) in edits {
            let at = at.index(bytes.len() + 1);
            match edit {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => bytes[at] = byte,
                _ => bytes.truncate(at),
            }
        }
        if let Ok(read) = Receipt::from_bytes(&bytes) {
            prop_assert_eq!(read.to_bytes().to_vec(), bytes);
        }
    }
}
