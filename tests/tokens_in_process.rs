//! Authority that leaves a session in this process as text, and comes back: resume, handoff,
//! invitation.
#![cfg(feature = "driver")]

use std::time::Duration;

use antiphon::driver::{BadToken, Cause, Error, HANDED_MAX, HANDOFF_EXPIRES, Holding};
use antiphon::machine::Machine;
use antiphon::wire::journal::Journal;
use antiphon::wire::seal::{Flaw, Key, Keys};
use antiphon::{Protocol, Session};

const TALK: &str = "
    A = rec X . B!{ say(nat) . X, stop . end }
    B = rec X . A?{ say(nat) . X, stop . end }
";

const HOUR: Duration = Duration::from_secs(3600);

fn keys() -> Keys {
    Keys::new(Key::new(1, [7; 32]), None).unwrap()
}

fn open() -> Session {
    let protocol: Protocol = TALK.parse().unwrap();
    Session::open(&protocol).unwrap()
}

/// A session whose role `A` is the phone's.
fn phone() -> (Session, Holding) {
    let session = open();
    let phone = session.hand_over("phone", session.scope(["A"]).unwrap()).unwrap();
    (session, phone)
}

/// Why a token is bad; what is shown is the same for all.
fn cause<T>(result: Result<T, Error>) -> String {
    let Err(Error::BadToken(bad)) = result else { panic!("the token is bad") };
    assert_eq!(bad.to_string(), "the token is not valid");
    assert!(Error::from(bad.clone()).refusal().is_none());
    let reason = |bad: &BadToken| match bad.cause() {
        Cause::Flaw(flaw) => flaw.to_string(),
        Cause::Refused(refusal) => refusal.code().to_owned(),
    };
    reason(&bad)
}

fn replay(session: &Session) {
    let journal = Journal::read(&session.journal().unwrap().unwrap()).unwrap();
    let replayed = Machine::replay(&journal.protocol, journal.session, &journal.records).unwrap();
    assert_eq!(replayed.digest(), session.digest());
}

#[tokio::test]
async fn a_lost_answer_locks_nobody_out_and_a_confirmed_one_spends_what_came_before() {
    let (keys, (session, phone)) = (keys(), phone());
    let first = phone.resume_token(&keys, HOUR).unwrap();
    let (again, _lost) = session.resume(&keys, &first, HOUR).unwrap();
    assert_eq!((again.owner(), again.generation()), (phone.owner(), phone.generation()));
    assert_eq!(again.scope(), phone.scope());
    // The answer was lost: the same token comes to the same serial, in the place of the lost one.
    let before = session.records().unwrap().len();
    let (again, second) = session.resume(&keys, &first, HOUR).unwrap();
    assert_eq!(session.records().unwrap().len(), before, "nothing has changed");
    session.act(&again, "A").send("B", "say", 1_u64).await.unwrap();
    session.act(&phone, "A").send("B", "say", 2_u64).await.unwrap();
    session.confirm(&keys, &second).unwrap();
    assert_eq!(cause(session.resume(&keys, &first, HOUR)), "token_spent");
    // Whoever uses a token has it.
    let (_, third) = session.resume(&keys, &second, HOUR).unwrap();
    let _ = session.resume(&keys, &third, HOUR).unwrap();
    assert_eq!(cause(session.resume(&keys, &second, HOUR)), "token_spent");
    assert_eq!(cause(session.confirm(&keys, &second)), "token_spent");
    replay(&session);
}

#[tokio::test]
async fn a_token_of_what_moved_on_is_like_any_bad_one() {
    let (keys, (session, phone)) = (keys(), phone());
    let scope = session.scope(["A"]).unwrap();
    let token = phone.resume_token(&keys, HOUR).unwrap();
    let handoff = phone.handoff("tablet", scope, &keys).unwrap();
    let invitation = session.invite("B", &keys, HOUR).unwrap();
    assert_eq!(cause(session.accept(&keys, &handoff, "watch")), "receipt_mismatch");
    assert_eq!(cause(session.accept(&keys, &token, "tablet")), "wrong_purpose");
    assert_eq!(cause(session.accept(&keys, &invitation, "tablet")), "wrong_purpose");
    assert_eq!(cause(session.join(&keys, &handoff, "tablet")), "wrong_purpose");
    assert_eq!(cause(session.resume(&keys, &handoff, HOUR)), "wrong_purpose");
    assert_eq!(cause(session.resume(&keys, "good morning", HOUR)), "malformed");
    let others = Keys::new(Key::new(1, [8; 32]), None).unwrap();
    assert_eq!(cause(session.resume(&others, &token, HOUR)), Flaw::Forged.as_str());
    for session in [open(), open()] {
        assert_eq!(cause(session.resume(&keys, &token, HOUR)), "unknown_session");
        assert_eq!(cause(session.accept(&keys, &handoff, "tablet")), "unknown_session");
        assert_eq!(cause(session.join(&keys, &invitation, "bob")), "unknown_session");
    }
    let tablet = session.accept(&keys, &handoff, "tablet").unwrap();
    assert_eq!(cause(session.resume(&keys, &token, HOUR)), "stale_capability");
    tablet.release(scope).unwrap();
    assert_eq!(cause(session.resume(&keys, &token, HOUR)), "unclaimed");
    // A token that is good is as good as the holding.
    let own = session
        .hand_over("desk", session.scope([]).unwrap().union(antiphon::machine::Scope::LIFECYCLE));
    let token = own.unwrap().resume_token(&keys, HOUR).unwrap();
    let lost = session.owner_lost("host", antiphon::machine::Death::Lifecycle);
    assert!(lost.is_err(), "the lifecycle is the desk's");
    let (desk, _) = session.resume(&keys, &token, HOUR).unwrap();
    desk.owner_lost("desk", antiphon::machine::Death::Lifecycle).unwrap();
    replay(&session);
}

#[tokio::test]
async fn a_handoff_is_answered_again_until_it_is_used() {
    let (keys, (session, phone)) = (keys(), phone());
    let scope = session.scope(["A"]).unwrap();
    let text = phone.handoff("tablet", scope, &keys).unwrap();
    let tablet = session.accept(&keys, &text, "tablet").unwrap();
    let before = session.records().unwrap().len();
    let again = session.accept(&keys, &text, "tablet").unwrap();
    assert_eq!(session.records().unwrap().len(), before, "nothing has changed");
    assert_eq!((again.generation(), again.scope()), (tablet.generation(), scope));
    assert_eq!(cause(session.accept(&keys, &text, "phone")), "receipt_spent");
    session.act(&again, "A").send("B", "say", 1_u64).await.unwrap();
    assert_eq!(cause(session.accept(&keys, &text, "tablet")), "receipt_spent");

    // Moving a fragment on is a use, too.
    let text = tablet.handoff("watch", scope, &keys).unwrap();
    let watch = session.accept(&keys, &text, "watch").unwrap();
    let narrow = watch.attenuate(scope).unwrap();
    assert_eq!(cause(session.accept(&keys, &text, "watch")), "receipt_spent");

    // In a session that drains roles still change hands.
    let text = narrow.handoff("desk", scope, &keys).unwrap();
    session.drain().unwrap();
    let desk = session.accept(&keys, &text, "desk").unwrap();
    assert_eq!(desk.scope(), scope);
    replay(&session);
}

#[test]
fn what_is_remembered_of_handoffs_has_a_limit() {
    let (keys, (session, phone)) = (keys(), phone());
    let scope = session.scope(["A"]).unwrap();
    let lifecycle = antiphon::machine::Scope::LIFECYCLE;
    let other = session.hand_over("other", lifecycle).unwrap();
    let first = phone.handoff("tablet", scope, &keys).unwrap();
    let _ = session.accept(&keys, &first, "tablet").unwrap();
    let mut holder = other;
    for round in 0..HANDED_MAX {
        let _ = session.accept(&keys, &first, "tablet").unwrap();
        let to = ["left", "right"][round % 2];
        let text = holder.handoff(to, lifecycle, &keys).unwrap();
        holder = session.accept(&keys, &text, to).unwrap();
    }
    assert_eq!(cause(session.accept(&keys, &first, "tablet")), "receipt_spent");
}

#[tokio::test]
async fn an_invitation_is_joined_once_and_by_a_name_of_ones_own() {
    let (keys, session) = (keys(), open());
    let [mut taken] = session.endpoints(["A"]).unwrap();
    let invitation = session.invite("A", &keys, HOUR).unwrap();
    assert!(matches!(session.join(&keys, &invitation, ""), Err(Error::BadOwner(_))));
    taken.send("B", "say", 1_u64).await.unwrap();
    let alice = session.join(&keys, &invitation, "alice").unwrap();
    assert_eq!((alice.owner().as_str(), alice.scope()), ("alice", session.scope(["A"]).unwrap()));
    let refused = taken.send("B", "say", 2_u64).await.unwrap_err();
    assert_eq!(refused.refusal().unwrap().code(), "stale_capability");
    for name in ["alice", "bob"] {
        assert_eq!(cause(session.join(&keys, &invitation, name)), "receipt_spent");
    }
    assert_eq!(
        session.invite("C", &keys, HOUR).unwrap_err().refusal().unwrap().code(),
        "unknown_role"
    );
    session.act(&alice, "A").send("B", "say", 2_u64).await.unwrap();
    replay(&session);
}

#[tokio::test(start_paused = true)]
async fn tokens_end_by_the_tick_of_their_session() {
    let (keys, (session, phone)) = (keys(), phone());
    let scope = session.scope(["A"]).unwrap();
    let token = phone.resume_token(&keys, HOUR).unwrap();
    let handoff = phone.handoff("tablet", scope, &keys).unwrap();
    let invitation = session.invite("B", &keys, HOUR).unwrap();
    tokio::time::sleep(HANDOFF_EXPIRES - Duration::from_millis(1)).await;
    assert_eq!(
        phone.stage("watch", scope).unwrap_err().refusal().unwrap().code(),
        "transfer_pending"
    );
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(cause(session.accept(&keys, &handoff, "tablet")), "expired");
    let (_, next) = session.resume(&keys, &token, HOUR).unwrap();
    tokio::time::sleep(HOUR - HANDOFF_EXPIRES).await;
    assert_eq!(cause(session.resume(&keys, &token, HOUR)), "expired");
    assert_eq!(cause(session.join(&keys, &invitation, "bob")), "expired");
    let _ = session.resume(&keys, &next, HOUR).unwrap();
    // What was staged came back by itself.
    phone.handoff("tablet", scope, &keys).unwrap();
    replay(&session);
}
