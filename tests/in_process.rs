//! Sessions in one process: tasks, threads, handlers, and what is left of them.
#![cfg(feature = "driver")]

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use antiphon::driver::{Action, Error, HandlerError, Options};
use antiphon::machine::{Capacities, Machine, Position, SessionId, Status};
use antiphon::types::Value;
use antiphon::wire::journal::Journal;
use antiphon::{Endpoint, Protocol, Refusal, Session};

const SHOP: &str = "
    Buyer  = Seller!title(string) . Seller?quote(nat) . Seller!{ buy . end, quit . end }
    Seller = Buyer?title(string) . Buyer!quote(nat) . Buyer?{ buy . end, quit . end }
";

const TALK: &str = "
    A = rec X . B!say(nat) . X
    B = rec X . A?say(nat) . X
";

const ECHO: &str = "
    A = rec X . B!{ say(nat) . B?echo(nat) . X, stop . end }
    B = rec X . A?{ say(nat) . A!echo(nat) . X, stop . end }
";

fn protocol(text: &str) -> Protocol {
    text.parse().unwrap()
}

fn capacity(every: u32) -> Options {
    Options::default().capacities(Capacities::every(every))
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.expect_err("this is refused").refusal().expect("by the machine").code()
}

/// Asserts that a future waits; it can be awaited afterwards.
async fn waits<F: Future>(future: &mut std::pin::Pin<&mut F>) {
    tokio::select! {
        biased;
        _ = future.as_mut() => panic!("it should wait"),
        () = tokio::task::yield_now() => {}
    }
}

async fn buys(mut buyer: Endpoint) -> Result<(), Error> {
    buyer.send("Seller", "title", "Ulysses").await?;
    let (label, quote) = buyer.receive_from("Seller").await?;
    assert_eq!((label.as_str(), quote), ("quote", Value::Nat(12)));
    buyer.send("Seller", "buy", ()).await
}

async fn sells(mut seller: Endpoint) -> Result<(), Error> {
    let (from, label, title) = seller.receive().await?;
    assert_eq!((from.as_str(), label.as_str(), title.as_str()), ("Buyer", "title", Ok("Ulysses")));
    seller.send("Buyer", "quote", 12_u64).await?;
    let (label, _) = seller.receive_from("Buyer").await?;
    assert_eq!(label, "buy");
    Ok(())
}

/// Replays the journal of a session and compares the states.
fn replays(session: &Session) -> Journal {
    let bytes = session.journal().unwrap().expect("it keeps a journal");
    let journal = Journal::read(&bytes).unwrap();
    let replayed = Machine::replay(&journal.protocol, journal.session, &journal.records).unwrap();
    assert_eq!(replayed.digest(), session.digest());
    assert_eq!(session.records().unwrap(), journal.records);
    journal
}

#[tokio::test(flavor = "current_thread")]
async fn two_tasks_of_one_thread_buy_and_sell() {
    let session = Session::open(&protocol(SHOP)).unwrap();
    let [buyer, seller] = session.endpoints(["Buyer", "Seller"]).unwrap();
    tokio::try_join!(buys(buyer), sells(seller)).unwrap();
    assert_eq!(session.ended().await, Status::Closed);
    replays(&session);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_of_several_threads_buy_and_sell() {
    let mut all = Vec::new();
    for _ in 0..50 {
        let session = Session::open(&protocol(SHOP)).unwrap();
        let [buyer, seller] = session.endpoints(["Buyer", "Seller"]).unwrap();
        all.push((session, tokio::spawn(buys(buyer)), tokio::spawn(sells(seller))));
    }
    for (session, buyer, seller) in all {
        buyer.await.unwrap().unwrap();
        seller.await.unwrap().unwrap();
        assert_eq!(session.ended().await, Status::Closed);
        replays(&session);
    }
}

#[test]
fn threads_wait_for_each_other_and_no_longer_than_they_say() {
    let session = Session::open_with(&protocol(TALK), capacity(1)).unwrap();
    let [a, b] = session.endpoints(["A", "B"]).unwrap();
    let (mut a, mut b) = (a.into_blocking(), b.into_blocking());
    let short = Duration::from_millis(5);
    let mut b = {
        b = b.timeout(short);
        assert!(matches!(b.receive_from("A"), Err(Error::TimedOut(after)) if after == short));
        assert!(matches!(b.receive(), Err(Error::TimedOut(_))));
        b.timeout(Duration::from_secs(60))
    };
    std::thread::scope(|scope| {
        scope.spawn(|| (0..200_u64).for_each(|n| a.send("B", "say", n).unwrap()));
        for n in 0..200 {
            assert_eq!(b.receive_from("A").unwrap().1, Value::Nat(n));
        }
    });
    assert_eq!((a.position(), b.position()), (Position(200), Position(200)));
    a.send("B", "say", 0_u64).unwrap();
    let mut a = a.timeout(Duration::ZERO);
    assert!(matches!(a.send("B", "say", 1_u64), Err(Error::TimedOut(_))), "the edge is full");
    replays(&session);
}

#[tokio::test]
async fn a_sender_waits_while_its_edge_is_full() {
    let session = Session::open_with(&protocol(TALK), capacity(1)).unwrap();
    let [mut a, mut b] = session.endpoints(["A", "B"]).unwrap();
    a.send("B", "say", 1_u64).await.unwrap();
    assert_eq!(code(a.try_send("B", "say", 2_u64)), "edge_full");
    {
        let second = a.send("B", "say", 2_u64);
        tokio::pin!(second);
        waits(&mut second).await;
        assert_eq!(b.try_receive_from("A").unwrap().1, Value::Nat(1));
        second.await.unwrap();
    }
    assert_eq!(b.receive().await.unwrap().2, Value::Nat(2));
    assert_eq!(code(b.try_receive_from("A")), "edge_empty");
    assert_eq!(code(b.try_receive()), "edge_empty");
    let third = b.receive();
    tokio::pin!(third);
    waits(&mut third).await;
    a.send("B", "say", 3_u64).await.unwrap();
    assert_eq!(third.await.unwrap().2, Value::Nat(3));
}

#[test]
fn an_endpoint_is_handed_out_once_and_given_back_when_it_is_dropped() {
    let session = Session::open(&protocol(SHOP)).unwrap();
    let buyer = session.endpoint("Buyer").unwrap();
    let again = session.endpoint("Buyer").unwrap_err();
    assert_eq!(again.to_string(), "the endpoint of `Buyer` was handed out already");
    let both = session.endpoints(["Seller", "Buyer"]).unwrap_err();
    assert!(matches!(both, Error::EndpointTaken { .. }));
    let seller = session.endpoint("Seller").expect("it was given back when the other failed");
    assert_eq!(code(session.endpoint("Nobody")), "unknown_role");
    drop((buyer, seller));
    session.endpoints(["Buyer", "Seller"]).unwrap();
}

#[tokio::test]
async fn a_move_out_of_turn_changes_nothing_and_says_what_is_legal() {
    let session = Session::open(&protocol(SHOP)).unwrap();
    let [mut buyer, mut seller] = session.endpoints(["Buyer", "Seller"]).unwrap();
    buyer.send("Seller", "title", "Ulysses").await.unwrap();
    seller.receive().await.unwrap();
    let before = (session.digest(), session.journal().unwrap(), seller.position());
    let error = seller.send("Buyer", "buy", ()).await.unwrap_err();
    insta::assert_snapshot!(error, @r"
    refused [not_allowed]: `Seller` cannot send `buy` to `Buyer` at position 1
    legal now: Buyer!quote(nat)
    ");
    let error = seller.send("Buyer", "quote", "a text").await.unwrap_err();
    insta::assert_snapshot!(error, @"refused [wrong_sort]: `quote`: expected `nat` at `$`, found a string");
    let error = seller.receive().await.unwrap_err();
    insta::assert_snapshot!(error, @r"
    refused [not_allowed]: `Seller` cannot receive at position 1
    legal now: Buyer!quote(nat)
    ");
    assert_eq!(code(seller.send("Buyer", "haggle", ()).await), "not_allowed");
    assert_eq!(code(seller.send("Bank", "quote", 1_u64).await), "not_allowed");
    assert_eq!((session.digest(), session.journal().unwrap(), seller.position()), before);
    let legal: Vec<String> = seller.legal_moves().iter().map(ToString::to_string).collect();
    assert_eq!(legal, ["Buyer!quote(nat)"]);
    assert_eq!(seller.current().to_string(), "Buyer!quote(nat) . Buyer?{ buy . end, quit . end }");
    assert_eq!(session.current("Seller").unwrap(), seller.current());
    assert!(seller.original().to_string().starts_with("Buyer?title"));
    seller.send("Buyer", "quote", 3_u64).await.unwrap();
}

#[tokio::test]
async fn a_handler_answers_what_its_edge_brings() {
    let session = Session::open_with(&protocol(ECHO), capacity(1)).unwrap();
    session
        .bind_fn("A", "B", async |message| {
            assert_eq!((message.from.as_str(), message.role.as_str()), ("A", "B"));
            Ok(match message.label.as_str() {
                "say" => vec![Action::send("A", "echo", message.value)],
                _ => vec![],
            })
        })
        .unwrap();
    let mut a = session.endpoint("A").unwrap();
    for n in 0..100_u64 {
        a.send("B", "say", n).await.unwrap();
        let (label, value) = a.receive_from("B").await.unwrap();
        assert_eq!((label.as_str(), value), ("echo", Value::Nat(n)));
    }
    a.send("B", "stop", ()).await.unwrap();
    assert_eq!(session.ended().await, Status::Closed);
    replays(&session);
}

#[tokio::test]
async fn a_handler_is_told_its_position_and_gets_messages_in_order() {
    let session = Session::open(&protocol(TALK)).unwrap();
    let mut a = session.endpoint("A").unwrap();
    for n in 0..20_u64 {
        a.send("B", "say", n).await.unwrap();
    }
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    session
        .bind_fn("A", "B", move |message| {
            let tell = tell.clone();
            async move {
                tokio::task::yield_now().await;
                tell.send((message.seq.0, message.position.0, message.value)).unwrap();
                Ok(vec![])
            }
        })
        .unwrap();
    for n in 0..20 {
        assert_eq!(told.recv().await, Some((n, n, Value::Nat(n))));
    }
}

/// What happened: one task performed all answers, and one that waited for room kept the handler
/// that would have made it from running.
#[tokio::test]
async fn handlers_at_both_ends_make_room_for_each_other() {
    let protocol = protocol(
        "
        A = B!go . rec X . B?{ n(nat) . X, stop . end }
        B = A?go . A!n(nat) . A!n(nat) . A!n(nat) . A!stop . end
    ",
    );
    let session = Session::open_with(&protocol, capacity(1)).unwrap();
    session
        .bind_fn("A", "B", async |_| {
            let n = |n: u64| Action::send("A", "n", n);
            Ok(vec![n(1), n(2), n(3), Action::send("A", "stop", ())])
        })
        .unwrap();
    session.bind_fn("B", "A", async |_| Ok(vec![])).unwrap();
    session.endpoint("A").unwrap().send("B", "go", ()).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(60), session.ended()).await;
    assert_eq!(ended.expect("it goes on"), Status::Closed);
}

#[tokio::test]
async fn a_handler_that_fails_faults_its_session_and_no_other() {
    let open = || Session::open(&protocol(TALK)).unwrap();
    let (good, fails, panics, refused) = (open(), open(), open(), open());
    good.bind_fn("A", "B", async |_| Ok(vec![])).unwrap();
    fails.bind_fn("A", "B", async |_| Err(HandlerError::new("no stock"))).unwrap();
    panics.bind_fn("A", "B", async |_| panic!("at the disco")).unwrap();
    refused.bind_fn("A", "B", async |_| Ok(vec![Action::send("A", "say", 1_u64)])).unwrap();
    let mut ended = Vec::new();
    for session in [&fails, &panics, &refused] {
        session.endpoint("A").unwrap().send("B", "say", 1_u64).await.unwrap();
        ended.push(session.ended().await.to_string());
        replays(session);
    }
    insta::assert_snapshot!(ended.join("\n"), @r"
    faulted (handler `A_to_B` failed: no stock)
    faulted (handler `A_to_B` panicked)
    faulted (handler `A_to_B`: refused [not_allowed]: `B` cannot send `say` to `A` at position 1
    legal now: A?say(nat))
    ");
    let mut a = good.endpoint("A").unwrap();
    a.send("B", "say", 1_u64).await.unwrap();
    assert_eq!(good.status(), Status::Active);
    let mut after = fails.endpoint("A").unwrap();
    assert_eq!(code(after.send("B", "say", 2_u64).await), "terminal");
}

#[test]
fn a_handler_needs_a_runtime_and_an_edge() {
    let session = Session::open(&protocol(TALK)).unwrap();
    let none = session.bind_fn("A", "B", async |_| Ok(vec![]));
    assert!(matches!(none, Err(Error::NoRuntime)));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _within = runtime.enter();
    assert_eq!(code(session.bind_fn("B", "A", async |_| Ok(vec![]))), "unknown_edge");
    assert_eq!(code(session.bind_fn("A", "C", async |_| Ok(vec![]))), "unknown_role");
    session.close().unwrap();
    assert_eq!(code(session.bind_fn("A", "B", async |_| Ok(vec![]))), "terminal");
}

#[tokio::test]
async fn the_journal_holds_all_that_was_sent() {
    let session = Session::open_with(&protocol(ECHO), Options::default().id(SessionId(5))).unwrap();
    let [mut a, mut b] = session.endpoints(["A", "B"]).unwrap();
    for n in [3_u64, 1 << 60] {
        a.send("B", "say", n).await.unwrap();
        let (_, said) = b.receive_from("A").await.unwrap();
        b.send("A", "echo", said).await.unwrap();
        a.receive_from("B").await.unwrap();
    }
    a.send("B", "stop", ()).await.unwrap();
    let trace = session.trace("A", "B").unwrap().messages;
    let trace: Vec<String> =
        trace.iter().map(|(label, value)| format!("{label} {value}")).collect();
    assert_eq!(trace, ["say 3", "say 1152921504606846976", "stop ()"]);
    assert_eq!(session.trace("B", "A").unwrap().messages.len(), 2);
    assert_eq!(code(session.trace("A", "A")), "unknown_edge");
    assert_eq!(session.id(), SessionId(5));
    assert!(session.finish_journal().is_err(), "it has not ended");
    assert!(!replays(&session).is_complete);
    b.receive().await.unwrap();
    session.finish_journal().unwrap();
    assert!(replays(&session).is_complete);
    session.finish_journal().unwrap();
    assert!(replays(&session).is_complete, "closed once is closed");
}

#[test]
fn a_session_without_a_journal_has_no_records() {
    let session = Session::open_with(&protocol(TALK), Options::default().no_journal()).unwrap();
    session.endpoint("A").unwrap().try_send("B", "say", 1_u64).unwrap();
    assert_eq!(session.journal().unwrap(), None);
    assert!(matches!(session.records(), Err(Error::NoJournal)));
    assert!(matches!(session.trace("A", "B"), Err(Error::NoJournal)));
    session.finish_journal().unwrap();
}

struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_journal_in_a_file_is_there_after_every_action() {
    let name = format!("antiphon-in-process-{}.journal", std::process::id());
    let file = Removed(std::env::temp_dir().join(name));
    let options = || Options::default().journal_file(&file.0);
    let session = Session::open_with(&protocol(TALK), options()).unwrap();
    let taken = Session::open_with(&protocol(TALK), options()).unwrap_err();
    assert!(matches!(taken, Error::Journal(_)), "no journal is written over");
    let mut a = session.endpoint("A").unwrap();
    for count in 1..5 {
        a.try_send("B", "say", 1_u64).unwrap();
        let read = Journal::read(&std::fs::read(&file.0).unwrap()).unwrap();
        assert_eq!(read.records.len(), count + 1);
    }
    session.cancel("enough").unwrap();
    session.finish_journal().unwrap();
    assert!(Journal::read(&std::fs::read(&file.0).unwrap()).unwrap().is_complete);
    replays(&session);
}

#[tokio::test]
async fn a_cancelled_session_wakes_those_who_wait() {
    let session = Session::open_with(&protocol(ECHO), capacity(1)).unwrap();
    let [mut a, mut b] = session.endpoints(["A", "B"]).unwrap();
    let receiving = b.receive_from("A");
    tokio::pin!(receiving);
    waits(&mut receiving).await;
    session.cancel("no time").unwrap();
    let error = receiving.await.unwrap_err();
    let wanted = "refused [terminal]: the session has ended: it is cancelled (no time)";
    assert_eq!(error.to_string(), wanted);
    assert_eq!(code(a.send("B", "stop", ()).await), "terminal");
    assert_eq!(code(session.cancel("again")), "terminal");
    assert_eq!(session.ended().await, Status::Cancelled("no time".into()));
    replays(&session);
}

#[test]
fn a_cancelled_session_wakes_waiting_threads() {
    let session = Session::open(&protocol(TALK)).unwrap();
    let mut b = session.endpoint("B").unwrap().into_blocking().timeout(Duration::from_secs(60));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || b.receive_from("A").map(drop));
        session.cancel("no time").unwrap();
        assert_eq!(code(waiting.join().unwrap()), "terminal");
    });
}

#[tokio::test]
async fn a_session_that_drains_takes_no_more_and_gives_what_it_has() {
    let session = Session::open(&protocol(TALK)).unwrap();
    let [mut a, mut b] = session.endpoints(["A", "B"]).unwrap();
    a.send("B", "say", 1_u64).await.unwrap();
    session.drain().unwrap();
    assert_eq!(session.status(), Status::Draining);
    assert_eq!(code(a.send("B", "say", 2_u64).await), "draining");
    assert_eq!(b.receive().await.unwrap().2, Value::Nat(1));
    assert_eq!(session.ended().await, Status::Closed);
}

/// Runs other tasks until only this one is left; fails if that does not happen.
async fn nothing_is_left_running() {
    let metrics = tokio::runtime::Handle::current().metrics();
    for _ in 0..1_000 {
        if metrics.num_alive_tasks() == 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{} tasks go on", metrics.num_alive_tasks());
}

#[tokio::test(flavor = "current_thread")]
async fn dropping_everything_ends_the_pump() {
    let handled = Arc::new(AtomicUsize::new(0));
    let session = Session::open(&protocol(TALK)).unwrap();
    let count = Arc::clone(&handled);
    session
        .bind_fn("A", "B", move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            async { Ok(vec![]) }
        })
        .unwrap();
    let mut a = session.endpoint("A").unwrap();
    a.send("B", "say", 1_u64).await.unwrap();
    while handled.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    drop(session);
    a.send("B", "say", 2_u64).await.unwrap();
    while handled.load(Ordering::Relaxed) == 1 {
        tokio::task::yield_now().await;
    }
    drop(a);
    nothing_is_left_running().await;
    assert_eq!(Arc::strong_count(&handled), 1, "the handler is gone, too");
}

#[tokio::test(flavor = "current_thread")]
async fn an_answer_that_waits_for_room_does_not_keep_a_session_that_nobody_holds() {
    let protocol = protocol(
        "
        A = B!go . B?n . B?n . end
        B = A?go . A!n . A!n . end
    ",
    );
    let session = Session::open_with(&protocol, capacity(1)).unwrap();
    session
        .bind_fn("A", "B", async |_| {
            let n = Action::send("A", "n", ());
            Ok(vec![n.clone(), n])
        })
        .unwrap();
    let mut a = session.endpoint("A").unwrap();
    a.send("B", "go", ()).await.unwrap();
    while session.current("B").unwrap().to_string() != "A!n . end" {
        tokio::task::yield_now().await;
    }
    drop((a, session));
    nothing_is_left_running().await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_session_that_has_ended_runs_nothing() {
    let session = Session::open(&protocol(TALK)).unwrap();
    session.bind_fn("A", "B", async |_| Ok(vec![])).unwrap();
    session.close().unwrap();
    nothing_is_left_running().await;
    assert!(matches!(
        session.endpoint("A").unwrap().try_send("B", "say", 1_u64),
        Err(Error::Refused(Refusal::Terminal(Status::Closed)))
    ));
}

#[test]
fn a_refused_opening_leaves_no_file_behind() {
    let path = std::env::temp_dir().join(format!("antiphon-refused-{}", std::process::id()));
    let _removed = Removed(path.clone());
    let none = Options::default().journal_file(&path).capacities(Capacities::every(0));
    assert!(Session::open_with(&protocol(TALK), none).unwrap_err().refusal().is_some());
    Session::open_with(&protocol(TALK), Options::default().journal_file(&path)).unwrap();
}

#[tokio::test]
async fn what_goes_to_a_handler_goes_to_nobody_else() {
    let session = Session::open(&protocol(TALK)).unwrap();
    let [mut a, mut b] = session.endpoints(["A", "B"]).unwrap();
    session.bind_fn("A", "B", async |_| Ok(vec![])).unwrap();
    a.send("B", "say", 1_u64).await.unwrap();
    assert!(matches!(b.receive_from("A").await, Err(Error::Handled { .. })));
}

#[test]
fn handlers_go_on_with_the_next_runtime_when_the_first_one_is_gone() {
    let session = Session::open(&protocol(ECHO)).unwrap();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    first.block_on(async { session.bind_fn("A", "B", async |_| Ok(vec![])) }).unwrap();
    drop(first);
    runtime().block_on(async {
        let echo = async |message: antiphon::driver::Message| {
            Ok(vec![Action::send("A", "echo", message.value)])
        };
        session.bind_fn("A", "B", echo).unwrap();
        let mut a = session.endpoint("A").unwrap();
        a.send("B", "say", 7_u64).await.unwrap();
        let heard = tokio::time::timeout(Duration::from_secs(10), a.receive_from("B")).await;
        assert_eq!(heard.expect("the handler runs").unwrap().1.as_nat(), Ok(7));
    });
}

#[test]
fn a_name_that_the_protocol_does_not_have_is_said_back() {
    let session = Session::open(&protocol(TALK)).unwrap();
    let mut a = session.endpoint("A").unwrap();
    let error = a.try_send("Nobody", "shout", 1_u64).unwrap_err().to_string();
    assert!(error.contains("`A` cannot send `shout` to `Nobody` at position 0"), "{error}");
    session.cancel("enough").unwrap();
    assert!(a.legal_moves().is_empty(), "nothing is legal in a session that has ended");
}

#[test]
fn a_session_is_opened_with_what_a_loss_comes_to() {
    use antiphon::machine::{Input, OnLost, Recorded};
    let options = Options::default().on_lost(OnLost::Release);
    let session = Session::open_with(&protocol(SHOP), options).unwrap();
    let records = session.records().unwrap();
    let Recorded::Input(Input::Open(open)) = &records[0].event else { panic!("{records:?}") };
    assert_eq!(open.on_lost, OnLost::Release);
}

/// Both ends of two edges, and what each handler has heard.
const FAN: &str = "
    A = rec X . B!say(nat) . C!say(nat) . X
    B = rec X . A?say(nat) . X
    C = rec X . A?say(nat) . X
";

type Heard = tokio::sync::mpsc::UnboundedReceiver<(&'static str, String, u64)>;

/// A handler that tells who heard what.
fn hears(
    who: &'static str,
    tell: &tokio::sync::mpsc::UnboundedSender<(&'static str, String, u64)>,
) -> impl Fn(antiphon::driver::Message) -> std::future::Ready<Result<Vec<Action>, HandlerError>> + use<>
{
    let tell = tell.clone();
    move |message| {
        let _ = tell.send((who, message.role.to_string(), message.value.as_nat().unwrap()));
        std::future::ready(Ok(vec![]))
    }
}

async fn next(heard: &mut Heard) -> (&'static str, String, u64) {
    tokio::time::timeout(Duration::from_secs(60), heard.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_default_handler_gets_what_no_other_is_bound_to() {
    let (tell, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let session = Session::open(&protocol(FAN)).unwrap();
    let mut a = session.endpoint("A").unwrap();
    session.bind_default_fn(hears("default", &tell)).unwrap();
    session.bind_fn("A", "B", hears("edge", &tell)).unwrap();
    let mut both = async |n: u64| {
        a.send("B", "say", n).await.unwrap();
        a.send("C", "say", n).await.unwrap();
        let mut two = vec![next(&mut heard).await, next(&mut heard).await];
        two.sort_by_key(|(_, role, _)| role.clone());
        two.into_iter().map(|(who, role, n)| format!("{who} {role} {n}")).collect::<Vec<_>>()
    };
    assert_eq!(both(1).await, ["edge B 1", "default C 1"]);
    session.bind_fn("A", "B", hears("other", &tell)).unwrap();
    assert_eq!(both(2).await, ["other B 2", "default C 2"], "bound again");
    session.unbind("A", "B").unwrap();
    assert_eq!(both(3).await, ["default B 3", "default C 3"]);
    session.bind_default_fn(hears("second", &tell)).unwrap();
    assert_eq!(both(4).await, ["second B 4", "second C 4"]);
    assert_eq!(code(session.unbind("B", "A")), "unknown_edge");
    session.unbind_default().unwrap();
    a.send("B", "say", 5_u64).await.unwrap();
    let mut b = session.endpoint("B").unwrap();
    assert_eq!(b.receive_from("A").await.unwrap().1, Value::Nat(5), "nobody is bound");
    session.close().unwrap();
    assert_eq!(code(session.unbind_default()), "terminal");
    assert_eq!(code(session.bind_default_fn(hears("late", &tell))), "terminal");
    replays(&session);
}

/// What happened: the handler was at work, was unbound, somebody else received its message, and
/// when it returned it consumed the next one, which nobody had seen (MACH-13).
#[tokio::test]
async fn a_handler_that_was_unbound_does_not_consume_the_next_message() {
    let (began, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let go_on = Arc::new(tokio::sync::Notify::new());
    let session = Session::open(&protocol(TALK)).unwrap();
    let gate = Arc::clone(&go_on);
    session
        .bind_fn("A", "B", move |_| {
            began.send(()).unwrap();
            let gate = Arc::clone(&gate);
            async move {
                gate.notified().await;
                Ok(vec![])
            }
        })
        .unwrap();
    let [mut a, mut b] = session.endpoints(["A", "B"]).unwrap();
    a.send("B", "say", 1_u64).await.unwrap();
    begun.recv().await.unwrap();
    session.unbind("A", "B").unwrap();
    assert_eq!(b.receive_from("A").await.unwrap().1, Value::Nat(1));
    a.send("B", "say", 2_u64).await.unwrap();
    go_on.notify_one();
    // The handler returns, and its task comes to an end.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(b.try_receive_from("A").unwrap().1, Value::Nat(2));
    assert_eq!(session.status(), Status::Active);
}

/// A message that nobody has begun to handle goes to the handler that is bound next.
#[tokio::test(flavor = "current_thread")]
async fn a_message_that_waits_goes_to_the_next_handler() {
    let (tell, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let session = Session::open(&protocol(FAN)).unwrap();
    let mut a = session.endpoint("A").unwrap();
    session.bind_fn("A", "C", hears("c", &tell)).unwrap();
    session.bind_fn("A", "B", hears("first", &tell)).unwrap();
    // No other task runs before this one waits.
    a.try_send("B", "say", 1_u64).unwrap();
    session.unbind("A", "B").unwrap();
    a.try_send("C", "say", 1_u64).unwrap();
    assert_eq!(next(&mut heard).await.0, "c");
    session.bind_fn("A", "B", hears("second", &tell)).unwrap();
    assert_eq!(next(&mut heard).await, ("second", "B".into(), 1));
}

/// LIFE-7: of many sessions at once, each fails in its own way or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sessions_at_once_only_those_fail_whose_handlers_do() {
    const MESSAGES: u64 = 20;
    let tasks = (0..30_u64).map(|n| {
        tokio::spawn(async move {
            let session = Session::open_with(&protocol(TALK), capacity(2)).unwrap();
            let heard = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&heard);
            let handle = move |message: antiphon::driver::Message| {
                count.fetch_add(1, Ordering::Relaxed);
                let bad = message.value == Value::Nat(n % 7);
                async move {
                    match n % 3 {
                        1 if bad => Err(HandlerError::new("no stock")),
                        2 if bad => panic!("at the disco"),
                        _ => Ok(vec![]),
                    }
                }
            };
            match n % 2 {
                0 => session.bind_default_fn(handle).unwrap(),
                _ => session.bind_fn("A", "B", handle).unwrap(),
            }
            let mut a = session.endpoint("A").unwrap();
            for message in 0..MESSAGES {
                if a.send("B", "say", message).await.is_err() {
                    break;
                }
            }
            let heard = || heard.load(Ordering::Relaxed) as u64;
            match n % 3 {
                0 => {
                    session.drain().unwrap();
                    assert_eq!(session.ended().await, Status::Closed, "{n}");
                    assert_eq!(heard(), MESSAGES, "{n}");
                }
                kind => {
                    let why = if kind == 1 { "failed: no stock" } else { "panicked" };
                    let ended = session.ended().await.to_string();
                    assert!(ended.starts_with("faulted") && ended.contains(why), "{n}: {ended}");
                    assert_eq!(heard(), n % 7 + 1, "{n}: nothing behind it");
                }
            }
            replays(&session);
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        tokio::time::timeout(Duration::from_secs(60), task).await.unwrap().unwrap();
    }
}
