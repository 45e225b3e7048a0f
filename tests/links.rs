//! The machine's end of links, told frame by frame: how clients come, go, are taken over, fall
//! behind, and what they are told. No network: what it does at random is in `tests/simulation.rs`.
#![cfg(feature = "driver")]

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use antiphon::Protocol;
use antiphon::driver::{Node, NodeError};
use antiphon::journal::{Fence, Journal, JournalError, MemoryJournal, Snapshot, Stored, Write};
use antiphon::machine::*;
use antiphon::resume::Lifetime;
use antiphon::resume::outbox::{Client, Ending, Memory};
use antiphon::resume::server::{Connection, HELD_MAX, ServerOptions, UNCONSUMED_MAX};
use antiphon::types::{Direction, Edge, RoleIx};
use antiphon::wire::frame::{Frame, Notice};
use antiphon::wire::payload::Form;
use antiphon::wire::seal::{Handoff, Key, Keys};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const SESSION: SessionId = SessionId(7);
const HOUR: Duration = Duration::from_secs(3600);
const PING: &str = "
    A = rec X . B!ping(nat) . B?pong(nat) . X
    B = rec X . A?ping(nat) . A!pong(nat) . X";
const STREAM: &str = "A = rec X . B!tick(nat) . X   B = rec X . A?tick(nat) . X";
const SHORT: &str = "A = B!ask(nat) . B?answer(nat) . end   B = A?ask(nat) . A!answer(nat) . end";

/// A journal on a disk that may be full.
#[derive(Clone, Default)]
struct Disk {
    kept: MemoryJournal,
    is_full: Arc<AtomicBool>,
    commits: Arc<AtomicU64>,
}

impl Journal for Disk {
    fn fence(&mut self) -> Result<Fence, JournalError> {
        self.kept.fence()
    }
    fn commit(&mut self, fence: Fence, writes: &[Write<'_>]) -> Result<(), JournalError> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(std::io::Error::from(std::io::ErrorKind::StorageFull).into());
        }
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.kept.commit(fence, writes)
    }
    fn read(&self, session: u128, from: u64, max: usize) -> Result<Vec<Stored>, JournalError> {
        self.kept.read(session, from, max)
    }
    fn snapshot(&self, session: u128) -> Result<Option<Snapshot>, JournalError> {
        self.kept.snapshot(session)
    }
    fn sessions(&self, after: Option<u128>, max: usize) -> Result<Vec<u128>, JournalError> {
        self.kept.sessions(after, max)
    }
    fn blob(&self, digest: &[u8; 32]) -> Result<Option<bytes::Bytes>, JournalError> {
        self.kept.blob(digest)
    }
}

fn keys() -> Keys {
    Keys::new(Key::new(1, [7; 32]), None).unwrap()
}

/// A host with one session, and the way to each client.
struct Scene {
    node: Node<Disk>,
    disk: Disk,
    protocol: Arc<Protocol>,
    host: Presented,
    now: u64,
    connections: u64,
    options: ServerOptions,
}

/// A client, and the connection that it has.
struct Peer {
    client: Client,
    connection: Connection,
    heard: VecDeque<Frame>,
}

impl Scene {
    fn new(protocol: &str) -> Self {
        Self::with(protocol, Capacities::default(), ServerOptions::default())
    }

    fn with(protocol: &str, capacities: Capacities, options: ServerOptions) -> Self {
        Self::open(protocol, capacities, Vec::new(), options)
    }

    fn open(
        protocol: &str,
        capacities: Capacities,
        policies: Vec<(Edge, Policy)>,
        options: ServerOptions,
    ) -> Self {
        let protocol: Arc<Protocol> = Arc::new(protocol.parse().unwrap());
        let disk = Disk::default();
        let (mut node, _) = Node::start(disk.clone(), keys(), options, Tick(0)).unwrap();
        let open = Open {
            session: SESSION,
            protocol: node.register(&protocol),
            owner: Owner::new("host").unwrap(),
            capacities,
            journal: true,
            on_lost: OnLost::Cancel,
            policies,
        };
        let host = node.open(Tick(0), open).unwrap().present().clone();
        node.turn(Tick(0)).unwrap();
        Self { node, disk, protocol, host, now: 1, connections: 0, options }
    }

    fn role(&self, name: &str) -> RoleIx {
        self.protocol.role(name).unwrap()
    }

    fn invitation(&mut self, role: &str) -> String {
        let role = self.role(role);
        let text = self.node.invite(Tick(self.now), &self.host, role, HOUR).unwrap();
        self.node.turn(Tick(self.now)).unwrap();
        text
    }

    fn connection(&mut self) -> Connection {
        self.connections += 1;
        let connection = Connection(self.connections);
        self.node.connected(connection, Form::Json);
        connection
    }

    fn connect(&mut self, client: Client) -> Peer {
        Peer { client, connection: self.connection(), heard: VecDeque::new() }
    }

    /// A client that has joined a role under its name.
    fn join(&mut self, role: &str) -> Peer {
        let invitation = self.invitation(role);
        let mut peer = self.connect(Client::join(0, Form::Json, &invitation, role));
        self.greet(&mut peer);
        assert!(peer.client.is_attached());
        peer
    }

    /// What a client says first, and what is said to that.
    fn greet(&mut self, peer: &mut Peer) {
        let frame = peer.client.connected();
        self.say(peer, frame);
        self.exchange(&mut [peer]);
    }

    fn say(&mut self, peer: &Peer, frame: Frame) {
        self.node.frame(Tick(self.now), peer.connection, frame);
    }

    /// Ends a turn; what is said to whom.
    fn turn(&mut self) -> Vec<(Connection, Frame)> {
        self.node.turn(Tick(self.now)).unwrap();
        std::iter::from_fn(|| self.node.poll()).collect()
    }

    /// Everybody says what they have to, until nobody has.
    fn exchange(&mut self, peers: &mut [&mut Peer]) {
        for _ in 0..1000 {
            let mut is_quiet = true;
            for peer in peers.iter_mut() {
                while let Some(frame) = peer.client.poll() {
                    self.node.frame(Tick(self.now), peer.connection, frame);
                    is_quiet = false;
                }
            }
            for (connection, frame) in self.turn() {
                let to = peers.iter_mut().find(|peer| peer.connection == connection);
                let Some(to) = to else { continue };
                to.heard.push_back(frame.clone());
                to.client.handle(frame);
                is_quiet = false;
            }
            if is_quiet {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// The host's process ends, and another one begins.
    fn restart(&mut self) {
        let (node, started) =
            Node::start(self.disk.clone(), keys(), self.options, Tick(self.now)).unwrap();
        assert!(started.broken.is_empty());
        self.node = node;
    }

    fn session(&self) -> SessionView<'_> {
        self.node.machine().session(SESSION).unwrap()
    }

    fn position(&self, role: &str) -> u64 {
        self.session().endpoint(self.role(role)).unwrap().position().0
    }
}

fn resumed(peer: &Peer) -> Client {
    let memory = peer.client.memory().map(Memory::kept);
    Client::resume(0, Form::Json, peer.client.token().unwrap(), memory)
}

fn code(frame: &Frame) -> Option<&str> {
    match frame {
        Frame::Reject { code, .. } | Frame::Refused { code, .. } => Some(code),
        _ => None,
    }
}

/// Two clients talk to each other through a host.
#[test]
fn clients_that_were_invited_talk() {
    let mut scene = Scene::new(PING);
    let (mut a, mut b) = (scene.join("A"), scene.join("B"));
    for round in 0..10_u64 {
        a.client.send("B", "ping", round).unwrap();
        scene.exchange(&mut [&mut a, &mut b]);
        let taken = b.client.receive(Some("A")).unwrap();
        assert_eq!((taken.seq, taken.value), (round, round.into()));
        b.client.send("A", "pong", round + 1).unwrap();
        scene.exchange(&mut [&mut a, &mut b]);
        assert_eq!(a.client.receive(None).unwrap().value, (round + 1).into());
    }
    scene.exchange(&mut [&mut a, &mut b]);
    // What A has received last it says with its next send, or when it is asked to say all again.
    assert_eq!((scene.position("A"), scene.position("B")), (19, 20));
    a.client.again();
    scene.exchange(&mut [&mut a, &mut b]);
    assert_eq!(scene.position("A"), 20);
    assert_eq!(a.client.memory().unwrap().outbox().len(), 0);
}

/// SRV-1: the answer to an invitation may be lost; nobody else gets in by it, and it ends when its
/// answer was used.
#[test]
fn an_invitation_is_answered_again_until_it_was_used() {
    let mut scene = Scene::new(PING);
    let invitation = scene.invitation("A");
    let join = |owner: &str| Client::join(0, Form::Json, &invitation, owner);
    let mut first = scene.connect(join("alice"));
    let frame = first.client.connected();
    scene.say(&first, frame);
    let lost = scene.turn();
    assert!(matches!(&lost[..], [(_, Frame::Ok { position: 0, .. })]), "{lost:?}");

    let mut thief = scene.connect(join("mallory"));
    scene.greet(&mut thief);
    assert_eq!(thief.heard.pop_front().as_ref().and_then(code), Some("bad_token"));

    let mut again = scene.connect(join("alice"));
    scene.greet(&mut again);
    assert!(again.client.is_attached());

    let mut late = scene.connect(join("alice"));
    scene.greet(&mut late);
    assert!(
        matches!(late.client.over(), Some(Ending::Refused { code, .. }) if code == "bad_token")
    );
}

/// SRV-2, SRV-3: each resume gives the next token; that before it is good until the next one is
/// known to have arrived, and a thief who comes with it later is refused.
#[test]
fn a_token_is_spent_when_the_next_one_has_arrived() {
    let mut scene = Scene::new(PING);
    let mut a = scene.join("A");
    let stolen = a.client.token().unwrap().to_owned();

    // The answer to a resume is lost: the same token is good once more, and comes to the same one.
    let mut lost = scene.connect(resumed(&a));
    let frame = lost.client.connected();
    scene.say(&lost, frame.clone());
    let answers = scene.turn();
    let token = |frames: &[(Connection, Frame)], to: Connection| {
        frames.iter().find_map(|(connection, frame)| match frame {
            Frame::Ok { token, .. } if *connection == to => Some(token.clone()),
            _ => None,
        })
    };
    let first = token(&answers, lost.connection).unwrap();
    scene.say(&lost, frame);
    let answers = scene.turn();
    let second = token(&answers, lost.connection).unwrap();
    let serial = |text: &str| keys().open_resume(text, Tick(0)).unwrap().serial;
    assert_eq!((serial(&first), serial(&second)), (2, 2));

    a.client.lost();
    let mut b = scene.connect(resumed(&a));
    scene.greet(&mut b);
    assert!(b.client.is_attached(), "{:?}", b.heard);
    assert_eq!(serial(b.client.token().unwrap()), 2);

    let mut thief = scene.connect(Client::resume(0, Form::Json, &stolen, None));
    scene.greet(&mut thief);
    assert!(thief.client.over().is_some());
    assert_eq!(thief.heard.iter().find_map(code), Some("bad_token"));
    assert!(b.client.over().is_none());
}

/// SRV-11: a connection that is half open looks like one on which nothing happens; whoever comes
/// again takes over, and the old one is told.
#[test]
fn a_half_open_connection_is_taken_over() {
    let mut scene = Scene::new(PING);
    let (mut old, mut b) = (scene.join("A"), scene.join("B"));
    old.client.send("B", "ping", 1_u64).unwrap();
    scene.exchange(&mut [&mut old, &mut b]);

    let mut new = scene.connect(resumed(&old));
    let frame = new.client.connected();
    scene.say(&new, frame);
    scene.exchange(&mut [&mut new, &mut old, &mut b]);
    assert!(new.client.is_attached());
    assert_eq!(old.client.over(), Some(&Ending::TakenOver));
    assert!(
        old.heard
            .iter()
            .any(|frame| matches!(frame, Frame::Event { event: Notice::TakenOver { .. }, .. }))
    );

    // What comes over the old one comes to nothing.
    let late = Frame::Ack { ep: 0, position: 1 };
    scene.say(&old, late);
    assert!(scene.turn().iter().all(|(to, _)| *to != old.connection));
    b.client.receive(None).unwrap();
    b.client.send("A", "pong", 2_u64).unwrap();
    scene.exchange(&mut [&mut new, &mut b]);
    assert_eq!(new.client.receive(None).unwrap().value, 2_u64.into());
}

/// SRV-16, OUT-9: a client comes twice, and the host hears of its first attempt last. Whether it
/// came with an invitation or to resume, it is told, comes again, and has its role.
#[test]
fn a_late_attempt_does_not_displace_its_own_client_for_good() {
    let mut scene = Scene::new(PING);
    let invitation = scene.invitation("A");
    let mut a = scene.connect(Client::join(0, Form::Json, &invitation, "A"));
    let mut b = scene.join("B");
    for attempt in 1..4_u64 {
        let late = (a.connection, a.client.connected());
        a.client.lost();
        a.connection = scene.connection();
        let frame = a.client.connected();
        scene.say(&a, frame);
        // The late one comes before anything shows that the answer has arrived.
        let answers = scene.turn();
        scene.node.frame(Tick(scene.now), late.0, late.1);
        for (_, frame) in answers.into_iter().filter(|(to, _)| *to == a.connection) {
            a.client.handle(frame);
        }
        assert!(a.client.is_attached());
        scene.exchange(&mut [&mut a, &mut b]);
        let displaced =
            |frame: &Frame| matches!(frame, Frame::Event { event: Notice::Displaced { .. }, .. });
        assert_eq!(a.heard.iter().filter(|frame| displaced(frame)).count(), 1);
        assert_eq!((a.client.over(), a.client.is_attached()), (None, false));

        a.connection = scene.connection();
        a.heard.clear();
        scene.greet(&mut a);
        a.client.send("B", "ping", attempt).unwrap();
        scene.exchange(&mut [&mut a, &mut b]);
        assert_eq!(b.client.receive(None).unwrap().value, attempt.into());
        b.client.send("A", "pong", attempt).unwrap();
        scene.exchange(&mut [&mut a, &mut b]);
        assert_eq!(a.client.receive(None).unwrap().value, attempt.into());
    }
}

/// SRV-16: an attempt that is later than that is refused, and nobody who is attached hears of it.
#[test]
fn an_attempt_that_comes_after_its_token_was_spent_changes_nothing() {
    let mut scene = Scene::new(PING);
    let mut a = scene.join("A");
    let late = (a.connection, a.client.connected());
    a.client.lost();
    a.connection = scene.connection();
    scene.greet(&mut a);
    a.heard.clear();
    scene.node.frame(Tick(scene.now), late.0, late.1);
    let said = scene.turn();
    assert!(said.iter().all(|(to, frame)| *to == late.0 && code(frame) == Some("bad_token")));
    assert_eq!(said.len(), 1);
    a.client.send("B", "ping", 1_u64).unwrap();
    scene.exchange(&mut [&mut a]);
    assert_eq!(scene.position("A"), 1);
}

/// Two processes with one token: the later one has the role, and the earlier one does not come back
/// to take it again.
#[test]
fn of_two_clients_that_fight_for_a_role_the_later_one_has_it() {
    let mut scene = Scene::new(PING);
    let mut first = scene.join("A");
    let mut second = scene.connect(resumed(&first));
    let frame = second.client.connected();
    scene.say(&second, frame);
    scene.exchange(&mut [&mut first, &mut second]);
    second.client.send("B", "ping", 1_u64).unwrap();
    scene.exchange(&mut [&mut first, &mut second]);
    assert_eq!(scene.position("A"), 1);
    assert!(second.client.over().is_none());
    let refused = first.client.send("B", "ping", 9_u64).unwrap_err();
    assert!(refused.to_string().contains("somebody else came"), "{refused}");
}

/// POS-1: a client that has lost its memory decides anew; a late copy of what it had decided before
/// comes over the connection that it had then, and does nothing.
#[test]
fn a_late_copy_of_a_forgotten_action_is_not_the_new_one() {
    let mut scene = Scene::new(PING);
    let mut old = scene.join("A");
    old.client.send("B", "ping", 1_u64).unwrap();
    let late = old.client.poll().unwrap();

    let mut new = scene.connect(Client::resume(0, Form::Json, old.client.token().unwrap(), None));
    scene.greet(&mut new);
    new.client.send("B", "ping", 2_u64).unwrap();
    scene.exchange(&mut [&mut new]);
    assert_eq!(scene.position("A"), 1);
    scene.say(&old, late.clone());
    scene.turn();
    // And over the new one it is refused, and never acknowledged.
    scene.say(&new, late);
    let said = scene.turn();
    assert_eq!(said.iter().find_map(|(_, frame)| code(frame)), Some("position_conflict"));
    let edge = scene.session().edge(scene.role("A"), scene.role("B")).unwrap();
    assert_eq!(edge.messages().next().unwrap().value, 2_u64.into());
}

/// Who says that it has received what nobody has sent is not believed.
#[test]
fn an_acknowledgement_of_what_was_never_sent_changes_nothing() {
    let mut scene = Scene::new(PING);
    let mut b = scene.join("B");
    let before = scene.node.machine().digest();
    scene.say(&b, Frame::Ack { ep: 0, position: 99 });
    assert_eq!(scene.turn(), []);
    assert_eq!(scene.node.machine().digest(), before);
    scene.exchange(&mut [&mut b]);
    assert_eq!(scene.position("B"), 0);
}

/// OUT-8: a client that comes with a memory from long ago goes on from what the machine says.
#[test]
fn a_client_with_an_old_outbox_goes_on_from_the_machine() {
    let mut scene = Scene::new(PING);
    let (mut a, mut b) = (scene.join("A"), scene.join("B"));
    a.client.send("B", "ping", 1_u64).unwrap();
    let old = a.client.memory().unwrap().kept();
    scene.exchange(&mut [&mut a, &mut b]);
    b.client.receive(None).unwrap();
    b.client.send("A", "pong", 1_u64).unwrap();
    scene.exchange(&mut [&mut a, &mut b]);
    a.client.receive(None).unwrap();
    a.client.send("B", "ping", 2_u64).unwrap();
    scene.exchange(&mut [&mut a, &mut b]);
    assert_eq!(scene.position("A"), 3);

    let token = a.client.token().unwrap();
    let mut again = scene.connect(Client::resume(0, Form::Json, token, Some(old)));
    scene.greet(&mut again);
    let memory = again.client.memory().unwrap();
    assert_eq!((memory.position(), memory.outbox().len()), (3, 0));
    assert_eq!(memory.moves(), "B?pong(nat)");
}

/// SRV-10: the host was restored from an older copy of its journal. What it had acknowledged is
/// gone, and nobody waits for ever.
#[test]
fn a_host_restored_from_an_older_copy_is_found_out() {
    let mut scene = Scene::new(PING);
    let (mut a, mut b) = (scene.join("A"), scene.join("B"));
    let older = copy(&scene.disk.kept);
    a.client.send("B", "ping", 1_u64).unwrap();
    scene.exchange(&mut [&mut a, &mut b]);
    assert_eq!(a.client.memory().unwrap().acked(), 1);

    scene.disk = Disk { kept: older, ..Disk::default() };
    scene.restart();
    assert_eq!(scene.position("A"), 0);
    let mut again = scene.connect(resumed(&a));
    scene.greet(&mut again);
    assert_eq!(again.client.over(), Some(&Ending::Regressed));
    let status = scene.session().status().to_string();
    assert_eq!(status, "faulted (regressed: restored from an older copy)");
    let mut other = scene.connect(resumed(&b));
    scene.greet(&mut other);
    let faulted =
        matches!(other.client.over(), Some(Ending::Session { status, .. }) if status == "faulted");
    assert!(
        faulted || other.client.over() == Some(&Ending::Regressed),
        "{:?}",
        other.client.over()
    );
}

/// Another journal with what this one has now.
fn copy(journal: &MemoryJournal) -> MemoryJournal {
    let mut to = MemoryJournal::default();
    for _ in 0..5 {
        // What was restored does not know of the fences that came later either.
        to.fence().unwrap();
    }
    let fence = to.fence().unwrap();
    for session in journal.sessions(None, 10).unwrap() {
        for stored in journal.read(session, 0, 10_000).unwrap() {
            let Stored { first, count, bytes, head } = &stored;
            let (first, count) = (*first, *count);
            let append = Write::Append { session, first, count, head, bytes };
            to.commit(fence, &[append]).unwrap();
            let batch = Batch {
                session: SessionId(session),
                first,
                count,
                bytes: bytes.clone(),
                head: Head(*head),
            };
            if let Some(digest) = batch.opens() {
                let bytes = &journal.blob(&digest.0).unwrap().unwrap();
                to.commit(fence, &[Write::Blob { digest: &digest.0, bytes }]).unwrap();
            }
        }
    }
    to
}

/// NODE-4, SRV-8: the disk is full: nothing of what was done is said, and whoever starts again from
/// the journal has nothing of it.
#[test]
fn a_full_disk_ends_the_node_and_says_nothing() {
    let mut scene = Scene::new(PING);
    let mut a = scene.join("A");
    a.client.send("B", "ping", 1_u64).unwrap();
    let act = a.client.poll().unwrap();
    scene.disk.is_full.store(true, Ordering::Relaxed);
    scene.say(&a, act);
    let failed = scene.node.turn(Tick(scene.now)).unwrap_err();
    assert!(matches!(failed, NodeError::Journal(_)), "{failed}");
    assert!(scene.node.poll().is_none());
    assert!(matches!(scene.node.turn(Tick(scene.now)), Err(NodeError::Done)));
    let tick = scene.node.handle(Tick(scene.now), Input::Tick);
    assert!(matches!(tick, Err(NodeError::Done)));

    scene.disk.is_full.store(false, Ordering::Relaxed);
    scene.restart();
    assert_eq!(scene.position("A"), 0);
    let mut again = scene.connect(resumed(&a));
    scene.greet(&mut again);
    scene.exchange(&mut [&mut again]);
    assert_eq!(scene.position("A"), 1);
}

/// A clock that runs back holds time; one that jumps far ahead ends what was waited for.
#[test]
fn a_clock_that_jumps_is_survived() {
    let mut scene = Scene::new(PING);
    let (mut a, mut b) = (scene.join("A"), scene.join("B"));
    scene.now = 1_000_000;
    a.client.send("B", "ping", 1_u64).unwrap();
    scene.exchange(&mut [&mut a, &mut b]);
    scene.now = 5;
    b.client.receive(None).unwrap();
    b.client.send("A", "pong", 1_u64).unwrap();
    scene.exchange(&mut [&mut a, &mut b]);
    assert_eq!(scene.session().tick(), Tick(1_000_000));

    scene.node.lost(Tick(scene.now), b.connection);
    scene.turn();
    assert!(scene.session().status() == &Status::Active);
    scene.now = u64::MAX / 2;
    scene.exchange(&mut [&mut a]);
    let over = a.client.over();
    assert!(
        matches!(over, Some(Ending::Session { status, .. }) if status == "cancelled"),
        "{over:?}"
    );
}

/// SRV-12: the session waits for a role whose connection is lost as long as its lifetime says, also
/// while the host is away; whoever comes back in time finds it.
#[test]
fn a_session_waits_for_its_roles_and_not_for_ever() {
    let lifetime = Some(Lifetime::new(Duration::from_millis(1_000)).unwrap());
    let options = ServerOptions { lifetime, ..ServerOptions::default() };
    let mut scene = Scene::with(PING, Capacities::default(), options);
    let (mut a, mut b) = (scene.join("A"), scene.join("B"));
    for _ in 0..3 {
        scene.node.lost(Tick(scene.now), a.connection);
        scene.turn();
        scene.now += 999;
        assert_eq!(scene.turn(), []);
        a = scene.connect(resumed(&a));
        scene.greet(&mut a);
        assert!(a.client.is_attached());
        assert_eq!(scene.session().timers().count(), 0);
    }
    // Everybody was attached when the host went away: it waits from when it is back.
    scene.now += 5_000;
    scene.restart();
    scene.now += 999;
    b = scene.connect(resumed(&b));
    scene.greet(&mut b);
    scene.now += 1;
    scene.exchange(&mut [&mut b]);
    let over = b.client.over().unwrap();
    assert_eq!(over.to_string(), "the session is cancelled (owner lost: A)");
    // Whoever comes later learns of the end.
    let mut late = scene.connect(resumed(&a));
    scene.greet(&mut late);
    assert_eq!(late.client.over(), Some(over));
}

/// SRV-14: a session whose roles are all there ends all the same when its life is over, also when the
/// host was away; and no owner of a role ends it by a timer that looks like the host's.
#[test]
fn a_session_has_an_end_also_where_nobody_is_lost() {
    let lifetime = Lifetime::new(Duration::from_millis(500)).unwrap();
    let lifetime = Some(lifetime.within(Duration::from_millis(2_000)).unwrap());
    let options = ServerOptions { lifetime, ..ServerOptions::default() };
    let mut scene = Scene::with(PING, Capacities::default(), options);
    let mut a = scene.join("A");
    let by = Presented {
        session: SESSION,
        owner: Owner::new("A").unwrap(),
        generation: Generation(2),
        scope: Scope::role(scene.role("A")),
        hint: u32::MAX,
        over: None,
    };
    let site = Site::Name("whole_lifetime".parse().unwrap());
    let arm = Authority::ArmTimer { request: RequestId(1), site, after: 10, valid: Some(u64::MAX) };
    let act = Act::Authority(Box::new(arm));
    scene.node.handle(Tick(scene.now), Input::Act { by, act }).unwrap();
    scene.turn();
    scene.now = 1_000;
    scene.turn();
    assert_eq!(scene.session().status(), &Status::Active);
    scene.restart();
    a = scene.connect(resumed(&a));
    scene.greet(&mut a);
    scene.now = 1_999;
    scene.exchange(&mut [&mut a]);
    assert!(a.client.over().is_none());
    scene.now = 2_000;
    scene.exchange(&mut [&mut a]);
    let over = a.client.over().unwrap().to_string();
    assert_eq!(over, "the session is cancelled (its lifetime is over)");
}

/// SRV-15: a client with a good token that comes again and again is told to wait, and makes no more
/// records; it may come when it was told to.
#[test]
fn who_comes_too_often_waits_and_writes_nothing() {
    let options = ServerOptions { attach_burst: 4, ..ServerOptions::default() };
    let mut scene = Scene::with(PING, Capacities::default(), options);
    let mut a = scene.join("A");
    for _ in 0..3 {
        a = scene.connect(resumed(&a));
        scene.greet(&mut a);
        assert!(a.client.is_attached());
    }
    let records = scene.session().records_len();
    for _ in 0..100 {
        a = scene.connect(resumed(&a));
        scene.greet(&mut a);
        assert!(!a.client.is_attached());
        let said = a.heard.pop_front().unwrap();
        assert_eq!(code(&said), Some("attached_too_often"));
        assert!(matches!(said, Frame::Reject { retry_after: Some(1000), .. }), "{said:?}");
    }
    assert_eq!(scene.session().records_len(), records);
    scene.now += 1000;
    scene.greet(&mut a);
    assert!(a.client.is_attached());
}

/// SRV-9: a device hands its role over while its outbox is full: what was overtaken comes back to it
/// as superseded, and is not performed by the other device.
#[test]
fn a_handoff_with_a_full_outbox_gives_the_actions_back() {
    let mut scene = Scene::new(STREAM);
    let mut phone = scene.join("A");
    for number in 0..3_u64 {
        phone.client.send("B", "tick", number).unwrap();
    }
    scene.exchange(&mut [&mut phone]);
    for number in 3..5_u64 {
        phone.client.send("B", "tick", number).unwrap();
    }
    let on_their_way: Vec<Frame> = std::iter::from_fn(|| phone.client.poll()).collect();

    let role = scene.role("A");
    let by = Presented {
        session: SESSION,
        owner: Owner::new("A").unwrap(),
        generation: scene
            .session()
            .holdings()
            .find(|held| held.owner.as_str() == "A")
            .unwrap()
            .generation,
        scope: Scope::role(role),
        hint: u32::MAX,
        over: None,
    };
    let stage = Authority::Stage {
        request: RequestId(1),
        scope: Scope::role(role),
        to: Recipient::Owner(Owner::new("tablet").unwrap()),
        expires: Some(Tick(60_000)),
        freeze: false,
    };
    let act = Act::Authority(Box::new(stage));
    let staged = scene.node.handle(Tick(scene.now), Input::Act { by, act }).unwrap();
    let Accepted::Staged(receipt) = staged else { panic!("{staged:?}") };
    let token = keys().seal(&Handoff::new(*receipt, Tick(60_000)).unwrap().into());
    scene.turn();

    let mut tablet = scene.connect(Client::join(0, Form::Json, &token, "tablet"));
    let frame = tablet.client.connected();
    scene.say(&tablet, frame);
    for frame in on_their_way {
        scene.say(&phone, frame);
    }
    scene.exchange(&mut [&mut tablet, &mut phone]);
    assert!(tablet.client.is_attached());
    assert_eq!(tablet.client.memory().unwrap().position(), 3);
    let over = phone.client.over();
    let Some(Ending::Superseded { actions }) = over else { panic!("{over:?}") };
    let positions: Vec<u64> = actions.iter().map(|(at, _)| *at).collect();
    assert_eq!(positions, [3, 4]);
    assert_eq!(scene.position("A"), 3);
}

/// SRV-5, SRV-6: actions that come before those in front of them are held, up to a window; a
/// refusal discards what was decided behind it.
#[test]
fn actions_ahead_are_held_within_a_window() {
    let mut scene = Scene::with(STREAM, Capacities::every(256), ServerOptions::default());
    let mut a = scene.join("A");
    let act = |at: u64| {
        let value = antiphon::wire::payload::Payload::Json(at.into());
        Frame::Act { ep: 0, at, to: "B".into(), label: "tick".into(), value }
    };
    scene.exchange(&mut [&mut a]);
    let last = HELD_MAX as u64 - 1;
    for at in (1..=last).rev() {
        scene.say(&a, act(at));
    }
    assert_eq!(scene.turn(), []);
    scene.say(&a, act(last + 1));
    assert_eq!(scene.turn().iter().find_map(|(_, frame)| code(frame)), Some("ahead"));
    scene.say(&a, act(0));
    let said = scene.turn();
    let all = Frame::Ack { ep: 0, position: last + 1 };
    assert_eq!(said, [(a.connection, all)]);
    // In order, whatever order they came in.
    let edge = scene.session().edge(scene.role("A"), scene.role("B")).unwrap();
    let values: Vec<_> = edge.messages().map(|queued| queued.value.clone()).collect();
    assert!(values.iter().enumerate().all(|(at, value)| *value == (at as u64).into()));

    // One behind a gap, and the gap is filled by what the type does not allow.
    scene.say(&a, act(last + 2));
    let value = antiphon::wire::payload::Payload::Json("none".into());
    let (to, label) = ("B".into(), "tick".into());
    scene.say(&a, Frame::Act { ep: 0, at: last + 1, to, label, value });
    let said = scene.turn();
    assert_eq!(said.iter().find_map(|(_, frame)| code(frame)), Some("wrong_sort"));
    scene.say(&a, act(last + 1));
    scene.turn();
    assert_eq!(scene.position("A"), last + 2, "what was behind the refused one is gone");
}

/// SRV-5: what is held ahead is bounded in bytes as well; what is dropped comes again.
#[test]
fn actions_ahead_are_held_within_so_many_bytes() {
    const CHUNKS: &str = "A = rec X . B!chunk(string) . X   B = rec X . A?chunk(string) . X";
    let mut scene = Scene::new(CHUNKS);
    let mut a = scene.join("A");
    for number in 0..8_u64 {
        let chunk = number.to_string().repeat(400_000);
        a.client.send("B", "chunk", chunk).unwrap();
    }
    let mut frames: Vec<Frame> = std::iter::from_fn(|| a.client.poll()).collect();
    let first = frames.remove(0);
    frames.into_iter().for_each(|frame| scene.say(&a, frame));
    assert_eq!(scene.turn(), []);
    scene.say(&a, first);
    let said = scene.turn();
    let [(_, Frame::Ack { position, .. })] = said[..] else { panic!("{said:?}") };
    assert!((2..8).contains(&position), "{position}");
    for (_, frame) in said {
        a.client.handle(frame);
    }
    a.client.again();
    scene.exchange(&mut [&mut a]);
    assert_eq!(scene.position("A"), 8);
}

/// A peer that reads nothing: what waits for it stays on its edge, and not on the way to it.
#[test]
fn a_client_that_consumes_nothing_is_sent_so_much_and_no_more() {
    let mut scene = Scene::with(STREAM, Capacities::every(1000), ServerOptions::default());
    let (mut a, mut b) = (scene.join("A"), scene.join("B"));
    for number in 0..600_u64 {
        a.client.send("B", "tick", number).unwrap();
        if number % 50 == 0 {
            scene.exchange(&mut [&mut a, &mut b]);
        }
    }
    scene.exchange(&mut [&mut a, &mut b]);
    let sent =
        |b: &Peer| b.heard.iter().filter(|frame| matches!(frame, Frame::Msg { .. })).count() as u64;
    assert_eq!(sent(&b), UNCONSUMED_MAX);
    for number in 0..600_u64 {
        assert_eq!(b.client.receive(None).unwrap().value, number.into());
        scene.exchange(&mut [&mut a, &mut b]);
    }
    assert_eq!(sent(&b), 600);
    assert_eq!(scene.position("B"), 600);
}

/// SRV-7: who asks again where it is gets what is not consumed again.
#[test]
fn an_acknowledgement_that_says_nothing_new_asks_for_what_is_there() {
    let mut scene = Scene::new(STREAM);
    let (mut a, mut b) = (scene.join("A"), scene.join("B"));
    a.client.send("B", "tick", 1_u64).unwrap();
    scene.exchange(&mut [&mut a, &mut b]);
    scene.say(&b, Frame::Ack { ep: 0, position: 0 });
    let said = scene.turn();
    let seqs: Vec<u64> = said
        .iter()
        .filter_map(|(_, frame)| match frame {
            Frame::Msg { seq, .. } => Some(*seq),
            _ => None,
        })
        .collect();
    assert_eq!(seqs, [0]);
    b.client.receive(None).unwrap();
    assert!(b.client.receive(None).is_err(), "it came twice, and is consumed once");
}

/// A client whose action finds no room waits for it, and is told.
#[test]
fn a_full_edge_is_told_and_so_is_room() {
    let mut scene = Scene::with(STREAM, Capacities::every(2), ServerOptions::default());
    let (mut a, mut b) = (scene.join("A"), scene.join("B"));
    for number in 0..5_u64 {
        a.client.send("B", "tick", number).unwrap();
    }
    scene.exchange(&mut [&mut a, &mut b]);
    assert_eq!(scene.position("A"), 2);
    assert!(a.client.waits_for_room());
    for number in 0..5_u64 {
        assert_eq!(b.client.receive(None).unwrap().value, number.into());
        scene.exchange(&mut [&mut a, &mut b]);
    }
    assert_eq!(a.client.memory().unwrap().outbox().len(), 0);
    let room = Frame::Event { ep: 0, event: Notice::Room { to: "B".into() } };
    assert!(a.heard.contains(&room));
}

/// POS-3: the answer to the last action of a session is lost; whoever comes again learns how it
/// ended, and that it was performed.
#[test]
fn the_last_action_of_a_session_is_acknowledged_after_its_end() {
    let mut scene = Scene::new(SHORT);
    let (mut a, mut b) = (scene.join("A"), scene.join("B"));
    a.client.send("B", "ask", 1_u64).unwrap();
    scene.exchange(&mut [&mut a, &mut b]);
    b.client.receive(None).unwrap();
    b.client.send("A", "answer", 2_u64).unwrap();
    let last: Vec<Frame> = std::iter::from_fn(|| b.client.poll()).collect();
    for frame in last {
        scene.say(&b, frame);
    }
    for (connection, frame) in scene.turn() {
        if connection == a.connection {
            a.client.handle(frame);
        }
    }
    a.client.receive(None).unwrap();
    scene.exchange(&mut [&mut a]);
    assert!(scene.session().status().is_terminal());
    assert_eq!(b.client.memory().unwrap().outbox().len(), 1);

    let mut again = scene.connect(resumed(&b));
    scene.greet(&mut again);
    assert_eq!(again.client.memory().unwrap().outbox().len(), 0);
    let over = again.client.over();
    assert!(matches!(over, Some(Ending::Session { status, .. }) if status == "closed"), "{over:?}");
}

/// NODE-1, NODE-3: whatever came in a turn is one commit, and a host that starts again has it, with
/// nobody attached.
#[test]
fn a_turn_is_one_commit_and_a_restart_has_all_of_it() {
    let mut scene = Scene::new(STREAM);
    let mut a = scene.join("A");
    for number in 0..20_u64 {
        a.client.send("B", "tick", number).unwrap();
    }
    let before = scene.disk.commits.load(Ordering::Relaxed);
    scene.exchange(&mut [&mut a]);
    assert_eq!(scene.disk.commits.load(Ordering::Relaxed), before + 1);
    let (digest, fencing) = (scene.position("A"), scene.session().fencing());
    scene.restart();
    assert_eq!(scene.position("A"), digest);
    assert!(scene.session().fencing() > fencing);
    let endpoints = scene.session().endpoints();
    assert_eq!(endpoints.filter(|endpoint| endpoint.attached().is_some()).count(), 0);
    assert_eq!(scene.node.attached_len(), 0);
}

/// A host that goes on under an older fence writes nothing any more.
#[test]
fn an_older_host_is_fenced_off() {
    let mut scene = Scene::new(PING);
    let mut a = scene.join("A");
    let (_newer, _) =
        Node::start(scene.disk.clone(), keys(), ServerOptions::default(), Tick(scene.now)).unwrap();
    a.client.send("B", "ping", 1_u64).unwrap();
    let act = a.client.poll().unwrap();
    scene.say(&a, act);
    let refused = scene.node.turn(Tick(scene.now)).unwrap_err();
    assert!(matches!(refused, NodeError::Journal(JournalError::Fenced { .. })), "{refused}");
    assert!(scene.node.poll().is_none());
}

/// What happens to a session whose edges drop messages.
#[derive(Debug, Clone, Copy)]
enum Turn {
    /// `A` sends so many readings.
    Send(u64),
    /// `B` takes what has come.
    Take,
    /// Everybody says what they have to.
    Exchange,
    /// What `B` says is lost.
    Mute,
    /// The process of `B` is killed and comes again with what it has kept.
    Kill,
    /// The host's process ends, and another one begins.
    Restart,
}

/// SRV-13: a client of an edge that drops messages consumes those that the machine says it has, each
/// once and in order, whatever is lost and whoever is killed.
#[test]
fn what_is_dropped_and_what_is_consumed_is_the_same_on_both_ends() {
    let turn = prop_oneof![
        6 => (1..6_u64).prop_map(Turn::Send),
        6 => Just(Turn::Take),
        6 => Just(Turn::Exchange),
        2 => Just(Turn::Mute),
        1 => Just(Turn::Kill),
        1 => Just(Turn::Restart),
    ];
    let turns = proptest::collection::vec(turn, 1..60);
    let policy = prop_oneof![Just(Policy::DropOldest), Just(Policy::LatestValue)];
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&(turns, policy, 2..5_u32), |(turns, policy, capacity)| {
            let taken = drive(&turns, policy, capacity);
            prop_assert!(taken.is_sorted_by(|a, b| a < b), "{taken:?}");
            Ok(())
        })
        .unwrap();
}

/// The readings that `B` has taken, which are those that the machine says.
fn drive(turns: &[Turn], policy: Policy, capacity: u32) -> Vec<u64> {
    let ends = ["A", "B"].map(|name| STREAM.parse::<Protocol>().unwrap().role(name).unwrap());
    let edge = Edge { from: ends[0], to: ends[1] };
    let capacities = Capacities { every: Some(capacity), ..Capacities::default() };
    let mut scene = Scene::open(STREAM, capacities, vec![(edge, policy)], ServerOptions::default());
    scene.node.observe(true);
    let (mut a, mut b) = (scene.join("A"), scene.join("B"));
    let (mut sent, mut taken, mut told) = (0, Vec::new(), Vec::new());
    let end = [Turn::Exchange, Turn::Take, Turn::Exchange];
    let end = end.iter().cycle().take(3 * (1 + capacity as usize));
    for turn in turns.iter().chain(end) {
        match turn {
            Turn::Send(count) => {
                for _ in 0..*count {
                    if a.client.send("B", "tick", sent).is_ok() {
                        sent += 1;
                    }
                }
            }
            Turn::Take => {
                while let Ok(one) = b.client.receive(None) {
                    taken.push(one.value.as_nat().unwrap());
                }
            }
            Turn::Exchange => {
                b.client.again();
                scene.exchange(&mut [&mut a, &mut b]);
            }
            Turn::Mute => while b.client.poll().is_some() {},
            Turn::Kill => {
                scene.node.lost(Tick(scene.now), b.connection);
                b = scene.connect(resumed(&b));
                scene.greet(&mut b);
            }
            Turn::Restart => {
                scene.restart();
                scene.node.observe(true);
                (a, b) = (scene.connect(resumed(&a)), scene.connect(resumed(&b)));
                scene.greet(&mut a);
                scene.greet(&mut b);
            }
        }
        while let Some(event) = scene.node.poll_event() {
            if let Event::Advanced { direction: Direction::Receive, seq, .. } = event {
                told.push(seq.0);
            }
        }
    }
    assert_eq!(taken, told);
    let shown = scene.session();
    let shown = shown.edge(edge.from, edge.to).unwrap();
    assert_eq!(shown.sent().0, sent);
    assert_eq!(shown.consumed().0 + shown.dropped(), sent - shown.messages().len() as u64);
    taken
}

/// Frames that are none of a client's, and those of an endpoint that is not there, change nothing.
#[test]
fn frames_out_of_place_are_answered_and_change_nothing() {
    let mut scene = Scene::new(PING);
    let a = scene.join("A");
    let before = scene.node.machine().digest();
    scene.say(&a, Frame::State { ep: 0, position: 9, status: "closed".into(), reason: None });
    scene.say(&a, Frame::Ack { ep: 5, position: 1 });
    scene.say(&a, Frame::Ping { t: 4 });
    let said: Vec<Frame> = scene.turn().into_iter().map(|(_, frame)| frame).collect();
    assert_eq!(code(&said[0]), Some("unexpected_frame"));
    assert_eq!(said[1..], [Frame::Pong { t: 4 }]);
    assert_eq!(scene.node.machine().digest(), before);
}

/// Who brings an invitation to a session that has ended does not try again and again.
#[test]
fn an_invitation_to_a_session_that_has_ended_is_refused_for_good() {
    let mut scene = Scene::new(PING);
    let invitation = scene.invitation("A");
    let act = Act::Cancel { reason: "rain".into() };
    let by = scene.host.clone();
    scene.node.handle(Tick(scene.now), Input::Act { by, act }).unwrap();
    scene.turn();
    let mut late = scene.connect(Client::join(0, Form::Json, &invitation, "A"));
    scene.greet(&mut late);
    let over = late.client.over().map(ToString::to_string);
    assert_eq!(
        over.as_deref(),
        Some("refused [terminal]: the session has ended: it is cancelled (rain)")
    );
}

/// SRV-1: the answer to an invitation was lost and its session has ended since: whoever brings it
/// again is told the end, and where its own role was.
#[test]
fn an_invitation_whose_answer_was_lost_tells_the_end_of_its_role() {
    let mut scene = Scene::new(PING);
    let mut a = scene.join("A");
    let invitation = scene.invitation("B");
    let join = || Client::join(0, Form::Json, &invitation, "B");
    let mut lost = scene.connect(join());
    let frame = lost.client.connected();
    scene.say(&lost, frame);
    scene.turn();
    a.client.send("B", "ping", 1_u64).unwrap();
    scene.exchange(&mut [&mut a]);
    let (act, by) = (Act::Cancel { reason: "rain".into() }, scene.host.clone());
    scene.node.handle(Tick(scene.now), Input::Act { by, act }).unwrap();
    scene.turn();
    let mut again = scene.connect(join());
    scene.greet(&mut again);
    let (position, reason) = (0, Some("rain".into()));
    let told = Frame::State { ep: 0, position, status: "cancelled".into(), reason };
    assert_eq!(again.heard.pop_front(), Some(told));
    assert_eq!(scene.position("A"), 1, "it is not the position of the first role");
}
