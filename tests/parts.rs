//! Roles that the host itself plays.
#![cfg(feature = "driver")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use antiphon::Protocol;
use antiphon::driver::{Action, HandlerError, Message, Node, NodeError, Part};
use antiphon::journal::MemoryJournal;
use antiphon::machine::*;
use antiphon::resume::server::ServerOptions;
use antiphon::types::Value;
use antiphon::wire::seal::{Key, Keys};

use crate::faulty::{Fault, FaultyJournal};

const SESSION: SessionId = SessionId(5);
const PING: &str = "
    A = rec X . B!{ ping(nat) . B?pong(nat) . X, stop . end }
    B = rec X . A?{ ping(nat) . A!pong(nat) . X, stop . end }";

struct Scene<J> {
    node: Node<J>,
    protocol: Arc<Protocol>,
    by: Presented,
}

fn keys() -> Keys {
    Keys::new(Key::new(1, [7; 32]), None).unwrap()
}

fn opened<J: antiphon::journal::Journal>(journal: J, text: &str, capacity: u32) -> Scene<J> {
    let protocol: Arc<Protocol> = Arc::new(text.parse().unwrap());
    let (mut node, _) = Node::start(journal, keys(), ServerOptions::default(), Tick(0)).unwrap();
    let open = Open {
        session: SESSION,
        protocol: node.register(&protocol),
        owner: Owner::new("host").unwrap(),
        capacities: Capacities::every(capacity).unchecked(),
        journal: true,
        on_lost: OnLost::Cancel,
        policies: Vec::new(),
    };
    let by = node.open(Tick(0), open).unwrap().present().clone();
    node.turn(Tick(0)).unwrap();
    Scene { node, protocol, by }
}

impl<J: antiphon::journal::Journal> Scene<J> {
    fn play(&mut self, role: &str, part: impl Part) {
        let role = self.protocol.role(role).unwrap();
        self.node.play(SESSION, role, Box::new(part)).unwrap();
    }

    fn send(&mut self, role: &str, to: &str, label: &str, value: Value) -> Result<(), NodeError> {
        let role_of = |name: &str| self.protocol.role(name).unwrap();
        let label = self.protocol.label(label).unwrap();
        let send = Send { role: role_of(role), to: role_of(to), label, value, at: None };
        let input = Input::Act { by: self.by.clone(), act: Act::Send(send) };
        self.node.handle(Tick(1), input).map(drop)
    }

    fn receive(&mut self, role: &str, from: &str) -> Result<Value, NodeError> {
        let (role, from) = (self.protocol.role(role).unwrap(), self.protocol.role(from).unwrap());
        let receive = Act::Receive(Receive { role, from, at: None });
        let input = Input::Act { by: self.by.clone(), act: receive };
        match self.node.handle(Tick(1), input)? {
            Accepted::Received(received) => Ok(received.value),
            other => panic!("{other:?}"),
        }
    }

    fn status(&self) -> Status {
        self.node.machine().session(SESSION).unwrap().status().clone()
    }
}

fn pong(message: &Message) -> Result<Vec<Action>, HandlerError> {
    match message.label.as_str() {
        "ping" => Ok(vec![Action::send("A", "pong", message.value.as_nat().unwrap() + 1)]),
        _ => Ok(Vec::new()),
    }
}

/// NODE-5: a part answers each message until the session ends.
#[test]
fn a_part_answers_each_message() {
    let mut scene = opened(MemoryJournal::default(), PING, 1);
    scene.play("B", pong);
    for round in 0..10_u64 {
        scene.send("A", "B", "ping", round.into()).unwrap();
        scene.node.turn(Tick(1)).unwrap();
        assert_eq!(scene.receive("A", "B").unwrap(), (round + 1).into());
    }
    scene.send("A", "B", "stop", Value::Unit).unwrap();
    scene.node.turn(Tick(1)).unwrap();
    assert_eq!(scene.status(), Status::Closed);
}

/// Sends numbers until there is no room, and goes on when there is.
struct Counting(u64);

impl Part for Counting {
    fn next(&mut self) -> Result<Vec<Action>, HandlerError> {
        self.0 += 1;
        Ok(vec![Action::send("B", "tick", self.0 - 1)])
    }
    fn message(&mut self, _: &Message) -> Result<Vec<Action>, HandlerError> {
        Err(HandlerError::new("nothing comes"))
    }
}

/// NODE-6: a part that sends by itself fills its edge, waits, and loses nothing of what it decided.
#[test]
fn a_part_that_sends_waits_for_room() {
    let stream = "A = rec X . B!tick(nat) . X   B = rec X . A?tick(nat) . X";
    let mut scene = opened(MemoryJournal::default(), stream, 3);
    scene.play("A", Counting(0));
    for expected in 0..20_u64 {
        scene.node.turn(Tick(1)).unwrap();
        let view = scene.node.machine().session(SESSION).unwrap();
        assert_eq!(view.edge(scene.by_role("A"), scene.by_role("B")).unwrap().messages().len(), 3);
        assert_eq!(scene.receive("B", "A").unwrap(), expected.into());
    }
}

impl<J: antiphon::journal::Journal> Scene<J> {
    fn by_role(&self, name: &str) -> antiphon::types::RoleIx {
        self.protocol.role(name).unwrap()
    }
}

/// NODE-5: a role that is somebody else's is not played; a part whose role is taken stops.
#[test]
fn a_part_has_no_more_authority_than_its_host() {
    let mut scene = opened(MemoryJournal::default(), PING, 1);
    scene.play("B", pong);
    let b = scene.by_role("B");
    let release = Authority::Release { request: RequestId(9), scope: Scope::role(b) };
    let act = Act::Authority(Box::new(release));
    scene.node.handle(Tick(1), Input::Act { by: scene.by.clone(), act }).unwrap();
    let refused = scene.node.play(SESSION, b, Box::new(pong)).unwrap_err();
    assert!(matches!(&refused, NodeError::Refused(refusal) if refusal.code() == "unclaimed"));
    let unknown = scene.node.play(SessionId(6), b, Box::new(pong)).unwrap_err();
    assert!(matches!(&unknown, NodeError::Refused(refusal) if refusal.code() == "unknown_session"));
    let a = Scope::role(scene.by_role("A")).union(Scope::LIFECYCLE);
    scene.by = Presented { scope: a, ..scene.by.clone() };
    scene.send("A", "B", "ping", 1_u64.into()).unwrap();
    scene.node.turn(Tick(1)).unwrap();
    assert_eq!(scene.status(), Status::Active);
    assert!(scene.receive("A", "B").is_err());
}

/// A part that fails, or breaks its type, faults its session by name; one that answers with more than
/// an edge ever holds, too.
#[test]
fn a_part_that_fails_faults_its_session() {
    type Answers = fn(&Message) -> Result<Vec<Action>, HandlerError>;
    let wrong: [(Answers, &str); 4] = [
        (|_| Err(HandlerError::new("out of paper")), "out of paper"),
        (|_| Ok(vec![Action::send("A", "ping", 1_u64)]), "cannot send"),
        (|_| Ok(vec![Action::send("Z", "pong", 1_u64)]), "part of a role"),
        (|_| Ok(vec![Action::send("A", "pong", 1_u64); 3]), "more messages than the edge"),
    ];
    for (answers, reason) in wrong {
        let mut scene = opened(MemoryJournal::default(), PING, 2);
        scene.play("B", answers);
        scene.send("A", "B", "ping", 1_u64.into()).unwrap();
        scene.node.turn(Tick(1)).unwrap();
        let status = format!("{:?}", scene.status());
        assert!(status.contains("Faulted") && status.contains(reason), "{reason}: {status}");
    }
}

/// NODE-6: whenever the host crashes, the message is consumed together with its answer or not at all,
/// and the part of the next host goes on.
#[test]
fn a_crash_leaves_no_part_between_a_message_and_its_answer() {
    for at in 0..12 {
        for fault in [Fault::Before, Fault::After] {
            let kept = MemoryJournal::default();
            // The first two commits take the fence and open the session.
            let journal = FaultyJournal::new(kept.clone(), 2 + at, fault);
            let mut scene = opened(journal, PING, 1);
            let heard = Arc::new(AtomicU64::new(0));
            let counted = Arc::clone(&heard);
            scene.play("B", move |message: &Message| {
                counted.fetch_add(1, Ordering::Relaxed);
                pong(message)
            });
            let mut rounds = 0;
            while scene.send("A", "B", "ping", rounds.into()).is_ok()
                && scene.node.turn(Tick(1)).is_ok()
                && scene.receive("A", "B").is_ok()
            {
                rounds += 1;
                assert!(rounds < 20);
            }
            let (mut node, report) =
                Node::start(kept, keys(), ServerOptions::default(), Tick(2)).unwrap();
            assert!(report.broken.is_empty());
            node.play(SESSION, scene.by_role("B"), Box::new(pong)).unwrap();
            node.turn(Tick(2)).unwrap();
            let view = node.machine().session(SESSION).unwrap();
            let (a, b) = (scene.by_role("A"), scene.by_role("B"));
            let [a, b] = [a, b].map(|role| view.endpoint(role).unwrap().position().0);
            // B has answered whatever it has consumed, and consumed whatever was kept.
            assert_eq!(b % 2, 0, "commit {at}, {fault:?}: A at {a}, B at {b}");
            assert_eq!(
                view.edge(scene.by_role("A"), scene.by_role("B")).unwrap().messages().len(),
                0
            );
            assert!(heard.load(Ordering::Relaxed) <= rounds + 1);
        }
    }
}
