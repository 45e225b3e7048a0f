//! Random scripts: what hosts and participants, honest or not, may tell a machine.
//!
//! A step says what to do in terms of what is there ("the third of the legal moves"), so that it
//! still means something when the steps before it are shrunk away.

use std::sync::Arc;

use antiphon::machine::CAPACITY_MAX;
use antiphon::machine::*;
use antiphon::types::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::strategies::{self, Size};

/// One step: wait, tell the machine something, and perhaps make it durable.
#[derive(Debug, Clone)]
pub struct Step {
    pub wait: u64,
    pub op: Op,
    pub seal: bool,
}

#[derive(Debug, Clone)]
pub enum Op {
    Open {
        session: u8,
        protocol: u8,
        owner: u8,
        every: Option<u32>,
        unchecked: bool,
        edges: Vec<(u8, u32)>,
        journal: bool,
        on_lost: OnLost,
        policies: Policies,
    },
    Act {
        session: u8,
        by: By,
        what: What,
    },
    /// A transfer in flight is committed, or one that was; `wrong` changes its receipt.
    Commit {
        session: u8,
        receipt: u8,
        owner: u8,
        wrong: bool,
    },
    /// The host gives something an owner.
    Reclaim {
        session: u8,
        fragment: u8,
        whole: bool,
        request: u8,
        owner: u8,
    },
    Tick,
    /// The host reaps a session, which goes on or not.
    Reap(u8),
    /// The host comes back into a fencing epoch, which is so much later than the last one.
    Recovered {
        session: u8,
        later: i8,
    },
    /// Somebody says something again, word for word.
    Repeat(u8),
}

/// Edges and the policies that they are to have; of these the ones that they can have, or all.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    sound: bool,
    of: Vec<(u8, u8)>,
}

/// What is presented.
#[derive(Debug, Clone)]
pub enum By {
    Owner,
    Generation(u64),
    SomebodyElse,
    Scope(u128),
    /// The owner, over an attachment: see [`some_epoch`].
    Over(u8),
}

#[derive(Debug, Clone)]
pub enum What {
    /// One of the legal moves, numbered or not.
    Legal {
        pick: u8,
        seed: u64,
        numbered: bool,
    },
    /// A send that implies receives.
    Ahead {
        role: u8,
        pick: u8,
        seed: u64,
    },
    Send {
        role: u8,
        to: u8,
        label: u8,
        seed: u64,
        wrong: bool,
        at: Option<i8>,
    },
    Receive {
        role: u8,
        from: u8,
        at: Option<i8>,
    },
    Acknowledge {
        role: u8,
        by: i8,
    },
    Bind {
        edge: Option<u8>,
        handler: Option<u8>,
    },
    Drain(Option<i8>),
    Close,
    Cancel(String),
    Fault(String),
    Authority(Change),
    Attach {
        role: u8,
    },
    Detach {
        role: u8,
        pick: u8,
    },
}

/// A change of who may act: of all that the owner of a fragment has, or of the fragment alone.
#[derive(Debug, Clone)]
pub struct Change {
    kind: u8,
    fragment: u8,
    whole: bool,
    request: u8,
    owner: u8,
    expires: Option<i8>,
    freeze: bool,
}

/// Any protocol: declared role by role, projected, or of the library.
pub fn protocol() -> impl Strategy<Value = Arc<Protocol>> {
    let size = Size { nodes: 14, depth: 4, args: 2, ..Size::SMALL };
    let declared = prop_oneof![strategies::locals(size), strategies::locals(Size::TINY)];
    let compiled = |locals| Arc::new(Protocol::unchecked(Name::new("P").unwrap(), locals).unwrap());
    let projected = (strategies::global(Size::TINY), strategies::locals(Size::TINY));
    let projected = projected.prop_map(move |(global, locals)| {
        Protocol::from_global(&global).map_or_else(|_| compiled(locals), Arc::new)
    });
    prop_oneof![
           3 => declared.prop_map(compiled),
           3 => projected,
           3 => select(library().to_vec()),
    2 => Just(race()), 2 => Just(telemetry()),
       ]
}

/// Two senders who race to one receiver.
#[cfg(feature = "syntax")]
fn race() -> Arc<Protocol> {
    let text = "
        A = rec X . C!{ a(int) . X, stop . end }
        B = rec X . C!{ b . X, stop . end }
        C = rec X . &{
            A?a(int) . X, B?b . X,
            A?stop . rec Y . B?{ b . Y, stop . end },
            B?stop . rec Y . A?{ a(int) . Y, stop . end }
        }";
    Arc::new(text.parse().unwrap())
}

/// Readings that nobody misses, and words that must arrive.
#[cfg(feature = "syntax")]
fn telemetry() -> Arc<Protocol> {
    let text = "
        Sensor = rec X . Hub!{ level(nat) . X, noise . X, alarm . Hub?ack . X, stop . end }
        Hub = rec X . Sensor?{ level(nat) . X, noise . X, alarm . Sensor!ack . X, stop . end }";
    Arc::new(text.parse().unwrap())
}

/// A protocol that a failed test shows as its types.
#[derive(Clone)]
pub struct Shown(pub Arc<Protocol>);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\n{}", self.0.locals())
    }
}

pub fn shown() -> impl Strategy<Value = Shown> {
    protocol().prop_map(Shown)
}

/// A script of any kind.
pub fn script(journal: bool) -> impl Strategy<Value = Vec<Step>> {
    prop_oneof![legal_script(journal), wild_script(journal), authority_script(journal)]
}

#[cfg(feature = "syntax")]
pub fn library() -> &'static [Arc<Protocol>] {
    static LIBRARY: std::sync::OnceLock<Vec<Arc<Protocol>>> = std::sync::OnceLock::new();
    LIBRARY.get_or_init(read_library)
}

#[cfg(feature = "syntax")]
fn read_library() -> Vec<Arc<Protocol>> {
    use antiphon::files::Folder;
    use antiphon::types::syntax::{Limits, Source};
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/protocols");
    let mut files: Vec<_> = ["global", "local", "automata"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let mut protocols = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let (bytes, mut folder) = (std::fs::read(&path).unwrap(), Folder::of(&path));
        let source = Source::read_with(name, &bytes, &Limits::default(), &mut folder);
        protocols.extend(source.unwrap().protocols().unwrap().into_iter().map(Arc::new));
    }
    protocols
}

fn act(
    what: impl Strategy<Value = What>,
    by: impl Strategy<Value = By>,
) -> impl Strategy<Value = Op> {
    (prop_oneof![30 => Just(0u8), 3 => Just(1), 1 => 2..4u8], by, what)
        .prop_map(|(session, by, what)| Op::Act { session, by, what })
}

fn legal() -> impl Strategy<Value = What> {
    let numbered = prop_oneof![3 => Just(false), 1 => Just(true)];
    (any::<u8>(), any::<u64>(), numbered).prop_map(|(pick, seed, numbered)| What::Legal {
        pick,
        seed,
        numbered,
    })
}

fn attaching() -> impl Strategy<Value = What> {
    let role = || prop_oneof![12 => 0..2u8, 1 => 2..6u8];
    prop_oneof![
        2 => role().prop_map(|role| What::Attach { role }),
        1 => (role(), 0..8u8).prop_map(|(role, pick)| What::Detach { role, pick }),
    ]
}

/// Whoever owns it, often over an attachment.
fn over() -> impl Strategy<Value = By> {
    prop_oneof![1 => Just(By::Owner), 2 => (0..8u8).prop_map(By::Over)]
}

fn recovered() -> impl Strategy<Value = Op> {
    let later = prop_oneof![2 => Just(1i8), 1 => -1..4i8];
    let session = prop_oneof![8 => Just(0u8), 1 => 1..4u8];
    (session, later).prop_map(|(session, later)| Op::Recovered { session, later })
}

fn what() -> impl Strategy<Value = What> {
    let at = || prop_oneof![2 => Just(None), 3 => (-4..=3i8).prop_map(Some), 1 => Just(Some(0))];
    let role = || 0..6u8;
    prop_oneof![
        6 => legal(),
        2 => (role(), any::<u8>(), any::<u64>())
            .prop_map(|(role, pick, seed)| What::Ahead { role, pick, seed }),
        3 => (role(), role(), 0..7u8, any::<u64>(), prop::bool::weighted(0.2), at()).prop_map(
            |(role, to, label, seed, wrong, at)| What::Send { role, to, label, seed, wrong, at }
        ),
        3 => (role(), role(), at()).prop_map(|(role, from, at)| What::Receive { role, from, at }),
        3 => (role(), prop_oneof![-2..=3i8, Just(1)]).prop_map(|(role, by)| What::Acknowledge { role, by }),
        1 => (proptest::option::of(0..8u8), proptest::option::of(0..3u8))
            .prop_map(|(edge, handler)| What::Bind { edge, handler }),
    ]
}

fn authority() -> impl Strategy<Value = What> {
    let kinds = prop_oneof![
        4 => Just(0u8),
        32 => 2..9u8,
        3 => 9..12u8,
        16 => 12..17u8,
        44 => 29..40u8,
    ];
    change(kinds, prop_oneof![4 => 0..3u8, 1 => 3..5u8])
}

/// The serials of one holding, again and again.
fn tokens() -> impl Strategy<Value = What> {
    change(12..17u8, Just(0u8))
}

fn change(
    kinds: impl Strategy<Value = u8>,
    fragments: impl Strategy<Value = u8>,
) -> impl Strategy<Value = What> {
    let expires = prop_oneof![3 => Just(None), 2 => (-3..20i8).prop_map(Some)];
    let freeze = prop::bool::weighted(0.3);
    (kinds, fragments, prop::bool::weighted(0.3), 0..3u8, 0..4u8, expires, freeze).prop_map(
        |(kind, fragment, whole, request, owner, expires, freeze)| {
            What::Authority(Change { kind, fragment, whole, request, owner, expires, freeze })
        },
    )
}

fn commit() -> impl Strategy<Value = Op> {
    let wrong = prop::bool::weighted(0.35);
    (prop_oneof![6 => Just(0u8), 1 => Just(1)], 0..4u8, 0..3u8, wrong)
        .prop_map(|(session, receipt, owner, wrong)| Op::Commit { session, receipt, owner, wrong })
}

fn reclaim() -> impl Strategy<Value = Op> {
    (0..2u8, 0..5u8, any::<bool>(), 0..2u8, 0..3u8).prop_map(
        |(session, fragment, whole, request, owner)| Op::Reclaim {
            session,
            fragment,
            whole,
            request,
            owner,
        },
    )
}

fn on_lost() -> impl Strategy<Value = OnLost> {
    prop_oneof![1 => Just(OnLost::Cancel), 1 => Just(OnLost::Fault), 4 => Just(OnLost::Release)]
}

fn ending() -> impl Strategy<Value = What> {
    let reason = || prop_oneof!["[a-z ]{0,8}", Just("é".repeat(600))];
    prop_oneof![
        3 => proptest::option::of(-20..60i8).prop_map(What::Drain),
        1 => Just(What::Close),
        1 => reason().prop_map(What::Cancel),
        1 => reason().prop_map(What::Fault),
    ]
}

fn open(journal: BoxedStrategy<bool>) -> impl Strategy<Value = Op> {
    let capacity = || select(vec![1, 1, 2, 3, 64, 0, CAPACITY_MAX, CAPACITY_MAX + 1]);
    let good = select(vec![1, 1, 2, 3, 64]);
    let every =
        prop_oneof![4 => good.prop_map(Some), 1 => capacity().prop_map(Some), 2 => Just(None)];
    let edges = prop_oneof![4 => Just(vec![]), 1 => vec((0..6u8, capacity()), 0..3)];
    let unchecked = proptest::bool::weighted(0.8);
    let owner = prop_oneof![4 => Just(0u8), 1 => Just(1)];
    let policies = prop_oneof![3 => Just(Policies::default()), 2 => policies(any::<bool>())];
    (0..3u8, 0..3u8, owner, every, edges, unchecked, journal, (on_lost(), policies)).prop_map(
        |(session, protocol, owner, every, edges, unchecked, journal, (on_lost, policies))| {
            Op::Open {
                session,
                protocol,
                owner,
                every,
                unchecked,
                edges,
                journal,
                on_lost,
                policies,
            }
        },
    )
}
fn policies(sound: impl Strategy<Value = bool>) -> impl Strategy<Value = Policies> {
    let edge = prop_oneof![5 => 0..2u8, 1 => 0..6u8];
    (sound, vec((edge, 0..8u8), 1..4)).prop_map(|(sound, of)| Policies { sound, of })
}

/// Opens session 0 well.
fn opening(journal: BoxedStrategy<bool>) -> impl Strategy<Value = Step> {
    let policies = prop_oneof![Just(Policies::default()), policies(Just(true))];
    let good = select(vec![1, 1, 2, 3, 64]);
    (good, journal, any::<bool>(), on_lost(), policies).prop_map(
        |(every, journal, seal, on_lost, policies)| {
            let (every, unchecked) = (Some(every), true);
            let (session, protocol, owner, edges) = (0, 0, 0, vec![]);
            let op = Op::Open {
                session,
                protocol,
                owner,
                every,
                edges,
                unchecked,
                journal,
                on_lost,
                policies,
            };
            Step { wait: 0, op, seal }
        },
    )
}

fn steps(op: BoxedStrategy<Op>, journal: bool, count: usize) -> BoxedStrategy<Vec<Step>> {
    let journal = if journal { Just(true).boxed() } else { any::<bool>().boxed() };
    let wait = prop_oneof![4 => Just(0u64), 2 => 0..4u64, 1 => 0..40u64];
    let step = (wait, op, any::<bool>()).prop_map(|(wait, op, seal)| Step { wait, op, seal });
    (opening(journal), vec(step, 1..count))
        .prop_map(|(first, rest)| std::iter::once(first).chain(rest).collect())
        .boxed()
}

/// Goes deep: legal moves of one session, with a slip now and then.
pub fn legal_script(journal: bool) -> BoxedStrategy<Vec<Step>> {
    let op = prop_oneof![
        50 => act(legal(), Just(By::Owner)),
        10 => act(legal(), over()),
        4 => act(attaching(), Just(By::Owner)),
        1 => recovered(),
        6 => act(what(), Just(By::Owner)),
        2 => act(authority(), Just(By::Owner)),
        2 => commit(),
        1 => reclaim(),
        1 => act(ending(), Just(By::Owner)),
        2 => any::<u8>().prop_map(Op::Repeat),
        1 => Just(Op::Reap(0)),
    ];
    steps(op.boxed(), journal, 80)
}

/// Goes wide: anything, by anybody.
pub fn wild_script(journal: bool) -> BoxedStrategy<Vec<Step>> {
    let by = || {
        prop_oneof![
            12 => Just(By::Owner),
            1 => (0..4u64).prop_map(By::Generation),
            1 => Just(By::SomebodyElse),
            1 => (0..64u128).prop_map(By::Scope),
            1 => Just(By::Scope(u128::MAX)),
            2 => (0..8u8).prop_map(By::Over),
        ]
    };
    let keeps = if journal { Just(true).boxed() } else { any::<bool>().boxed() };
    let op = prop_oneof![
        6 => open(keeps),
        36 => act(legal(), by()),
        36 => act(what(), by()),
        6 => act(attaching(), by()),
        2 => recovered(),
        10 => act(authority(), by()),
        5 => commit(),
        2 => reclaim(),
        1 => act(ending(), by()),
        6 => any::<u8>().prop_map(Op::Repeat),
        3 => Just(Op::Tick),
        3 => (0..4u8).prop_map(Op::Reap),
    ];
    steps(op.boxed(), journal, 60)
}

/// Goes round: who has what changes all the time, now and then by somebody who has nothing.
pub fn authority_script(journal: bool) -> BoxedStrategy<Vec<Step>> {
    let by = prop_oneof![
        16 => Just(By::Owner),
        1 => (1..4u64).prop_map(By::Generation),
        1 => Just(By::SomebodyElse),
        1 => (0..64u128).prop_map(By::Scope),
    ];
    let op = prop_oneof![
        8 => act(legal(), over()),
        4 => act(attaching(), Just(By::Owner)),
        1 => recovered(),
        20 => act(authority(), by),
        4 => act(tokens(), Just(By::Owner)),
        5 => commit(),
        5 => reclaim(),
        4 => any::<u8>().prop_map(Op::Repeat),
        1 => Just(Op::Tick),
    ];
    steps(op.boxed(), journal, 60)
}

/// The id that a script means by a number.
pub fn session_id(session: u8) -> SessionId {
    SessionId(u128::from(session) + 1)
}

fn owner(owner: u8) -> Owner {
    Owner::new(["alice", "bob", "mallory"][usize::from(owner)]).unwrap()
}

/// What scripts are run against: which protocols there are, and what was said so far.
pub struct Stage {
    pub protocols: Vec<Arc<Protocol>>,
    pub now: u64,
    said: Vec<Input>,
}

impl Stage {
    pub fn new(protocols: Vec<Arc<Protocol>>) -> Self {
        Self { protocols, now: 0, said: Vec::new() }
    }

    /// The input that a step means now.
    pub fn input(&mut self, machine: &Machine, step: &Step) -> Input {
        self.now += step.wait;
        let input = match &step.op {
            Op::Tick => Input::Tick,
            Op::Reap(session) => Input::Reap { session: session_id(*session) },
            Op::Recovered { session, later } => {
                let session = session_id(*session);
                let live = machine.session(session).map_or(0, SessionView::fencing);
                let fencing = live.saturating_add_signed((*later).into());
                Input::Recovered { session, fencing }
            }
            Op::Commit { session, receipt, owner: by, wrong } => {
                let session = session_id(*session);
                let receipt = some_receipt(machine.session(session), session, *receipt, *wrong);
                let request = RequestId((*by).into());
                let by = match &receipt.to {
                    Recipient::Owner(to) if *by > 0 => to.clone(),
                    _ => owner(*by),
                };
                Input::Commit(Box::new(Commit { request, receipt, owner: by }))
            }
            Op::Repeat(back) => match self.said.len() {
                0 => Input::Tick,
                count => self.said[count - 1 - usize::from(*back) % count.min(20)].clone(),
            },
            Op::Reclaim { session, fragment, whole, request, owner: by } => {
                let session = session_id(*session);
                let one = 1 << fragment;
                let held = machine.session(session).and_then(|view| holding(view, one));
                let scope =
                    held.filter(|_| *whole).map_or(Scope::from_bits(one), |held| held.scope);
                let (request, owner) = (RequestId((*request).into()), owner(*by));
                Input::Reclaim(Box::new(Reclaim { request, session, owner, scope }))
            }
            Op::Open {
                session,
                protocol,
                owner: by,
                every,
                edges,
                unchecked,
                journal,
                on_lost,
                policies,
            } => {
                let every = (*every, *unchecked);
                self.open(*session, *protocol, *by, every, edges, (*journal, *on_lost, policies))
            }
            Op::Act { session, by, what } => self.act(machine, session_id(*session), by, what),
        };
        self.said.push(input.clone());
        input
    }

    #[allow(clippy::too_many_arguments)]
    fn open(
        &self,
        session: u8,
        protocol: u8,
        by: u8,
        (every, unchecked): (Option<u32>, bool),
        edges: &[(u8, u32)],
        (journal, on_lost, policies): (bool, OnLost, &Policies),
    ) -> Input {
        let known = self.protocols.get(usize::from(protocol));
        let edge = |index: u8| {
            let edges = known.map_or(&[][..], |known| known.edges());
            let nowhere = Edge { from: RoleIx(0), to: RoleIx(900) };
            edges.get(usize::from(index)).copied().unwrap_or(nowhere)
        };
        let policies =
            policies.of.iter().map(|(index, kind)| (edge(*index), policy(*kind))).filter(
                |(edge, policy)| {
                    let sound = |known| is_sound(known, *edge, *policy, every.unwrap_or(1));
                    !policies.sound || known.is_some_and(sound)
                },
            );
        let policies = policies.collect();
        let edges = edges.iter().map(|(index, capacity)| (edge(*index), *capacity)).collect();
        Input::Open(Open {
            session: session_id(session),
            protocol: known.map_or(ProtocolDigest([7; 32]), |known| known.digest()),
            owner: owner(by),
            capacities: Capacities { every, edges, unchecked },
            journal,
            on_lost,
            policies,
        })
    }

    fn act(&self, machine: &Machine, session: SessionId, by: &By, what: &What) -> Input {
        let view = machine.session(session);
        let act = self.meant(view, what);
        let fragment = match &act {
            Act::Send(Send { role, .. })
            | Act::Receive(Receive { role, .. })
            | Act::Acknowledge { role, .. }
            | Act::Attach { role }
            | Act::Detach { role, .. } => Scope::role(*role),
            Act::Authority(authority) if !authority.scope().is_empty() => authority.scope(),
            // Tokens are of whoever has the fragment; a death is told by the lifecycle.
            Act::Authority(_) => match what {
                What::Authority(change) if change.kind >= 12 => {
                    Scope::from_bits(1 << change.fragment)
                }
                _ => Scope::LIFECYCLE,
            },
            _ => Scope::LIFECYCLE,
        };
        // Who has the first fragment that it needs, or has the lifecycle.
        let bits = fragment.bits() & fragment.bits().wrapping_neg();
        let holder = view.and_then(|view| holding(view, bits).or_else(|| holding(view, 1)));
        let (live, generation, scope) = match holder {
            Some(held) => (held.owner.clone(), held.generation, held.scope),
            None => (owner(0), Generation(1), Scope::from_bits(3)),
        };
        let (owner, over) = (live, None);
        let mut presented = Presented { session, owner, generation, scope, hint: 0, over };
        match by {
            By::Owner => {}
            By::Generation(generation) => presented.generation = Generation(*generation),
            By::SomebodyElse => presented.owner = self::owner(2),
            By::Scope(bits) => presented.scope = Scope::from_bits(*bits),
            By::Over(pick) => {
                let role = match &act {
                    Act::Send(Send { role, .. })
                    | Act::Receive(Receive { role, .. })
                    | Act::Acknowledge { role, .. } => *role,
                    _ => RoleIx(0),
                };
                presented.over = Some(some_epoch(view, role, *pick));
            }
        }
        Input::Act { by: presented, act }
    }

    fn meant(&self, view: Option<SessionView<'_>>, what: &What) -> Act {
        let position = |role: RoleIx| {
            view.and_then(|view| view.endpoint(role)).map_or(0, |endpoint| endpoint.position().0)
        };
        let at = |role: RoleIx, by: i8| Position(position(role).saturating_add_signed(by.into()));
        match what {
            What::Legal { pick, seed, numbered } => {
                let moves = view.map(legal_moves).unwrap_or_default();
                match moves.len() {
                    0 => Act::Receive(Receive { role: RoleIx(0), from: RoleIx(1), at: None }),
                    count => {
                        let (role, direction, transition) = moves[usize::from(*pick) % count];
                        let at = numbered.then(|| Position(position(role)));
                        match direction {
                            Direction::Send => {
                                self.send(view.unwrap(), role, &transition, *seed, at)
                            }
                            Direction::Receive => {
                                Act::Receive(Receive { role, from: transition.peer, at })
                            }
                        }
                    }
                }
            }
            What::Ahead { role, pick, seed } => {
                let ahead = view.and_then(|view| {
                    let role =
                        RoleIx(u16::from(*role) % u16::try_from(view.endpoints().len()).ok()?);
                    let (ahead, row) = after_receives(view, role)?;
                    let transition = row[usize::from(*pick) % row.len()];
                    let at = Some(Position(position(role) + ahead));
                    Some(self.send(view, role, &transition, *seed, at))
                });
                ahead.unwrap_or(Act::Receive(Receive {
                    role: RoleIx(0),
                    from: RoleIx::UNKNOWN,
                    at: None,
                }))
            }
            What::Send { role, to, label, seed, wrong, at: by } => {
                let (role, to) = (number(*role, 4), number(*to, 4));
                let label = if *label == 6 { LabelIx(900) } else { label_ix(*label) };
                let value = match wrong {
                    true => Value::from("wrong"),
                    false => some_value(view, role, label, *seed),
                };
                Act::Send(Send { role, to, label, value, at: by.map(|by| at(role, by)) })
            }
            What::Receive { role, from, at: by } => {
                let (role, from) = (number(*role, 4), number(*from, 4));
                Act::Receive(Receive { role, from, at: by.map(|by| at(role, by)) })
            }
            What::Acknowledge { role, by } => {
                let moves = view.map(legal_moves).unwrap_or_default().into_iter();
                let takers = moves.filter(|(_, way, _)| *way == Direction::Receive);
                let takers: Vec<RoleIx> = takers.map(|(taker, ..)| taker).collect();
                let torn = takers.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
                // Somebody has something to acknowledge, if not this one.
                let role = match takers.first() {
                    Some(first) if *role >= 2 && *by > 0 => torn.unwrap_or(*first),
                    _ => number(*role, 4),
                };
                Act::Acknowledge { role, position: at(role, *by) }
            }
            What::Bind { edge, handler } => Act::Bind {
                edge: edge.map(|edge| EdgeIx(edge.into())),
                handler: handler.map(|name| Name::new(&format!("handler{name}")).unwrap()),
            },
            What::Drain(by) => Act::Drain {
                deadline: by.map(|by| Tick(self.now.saturating_add_signed(by.into()))),
            },
            What::Close => Act::Close,
            What::Cancel(reason) => Act::Cancel { reason: reason.as_str().into() },
            What::Fault(reason) => Act::Fault { reason: reason.as_str().into() },
            What::Authority(change) => Act::Authority(Box::new(self.changed(view, change))),
            What::Attach { role } => Act::Attach { role: number(*role, 4) },
            What::Detach { role, pick } => {
                let role = number(*role, 4);
                Act::Detach { role, epoch: some_epoch(view, role, *pick) }
            }
        }
    }

    fn changed(&self, view: Option<SessionView<'_>>, change: &Change) -> Authority {
        let Change { kind, fragment, whole, request, owner: to, expires, freeze } = change.clone();
        let one = 1 << fragment;
        let held = view.and_then(|view| holding(view, one));
        let scope = match held {
            Some(held) if whole => held.scope,
            _ => Scope::from_bits(one),
        };
        let request = RequestId(request.into());
        let session = view.map_or(session_id(0), SessionView::id);
        match kind {
            0 => Authority::Release { request, scope },
            2 => Authority::Attenuate { request, scope },
            3 | 4 => Authority::Claim { request, owner: owner(to % 3), scope },
            5..=7 => Authority::Stage {
                request,
                scope,
                to: if to == 3 { Recipient::Bearer } else { Recipient::Owner(owner(to)) },
                expires: expires.map(|by| Tick(self.now.saturating_add_signed(by.into()))),
                freeze,
            },
            8 => Authority::Rollback { receipt: some_receipt(view, session, to, whole) },
            9 => Authority::Abandon { receipt: some_receipt(view, session, to, whole) },
            10 => {
                let reason = if freeze { "é".repeat(600) } else { "no tablet".to_owned() };
                let receipt = some_receipt(view, session, to, whole);
                Authority::FailCommit { receipt, reason: reason.into() }
            }
            11 => {
                let dead = if to == 3 { None } else { held };
                let owner = dead.map_or(owner(to % 3), |held| held.owner.clone());
                let evidence = match request.0 % 3 {
                    0 => Death::Timeout(Box::new(some_timeout(view, to, freeze && whole))),
                    _ => Death::Lifecycle,
                };
                Authority::OwnerDied { owner, evidence }
            }
            12 => Authority::IssueToken { request },
            29..=31 => {
                let predicate = some_predicate(view, change);
                Authority::IssueReadiness { request, predicate }
            }
            32 | 33 => {
                let witness = some_readiness(view, to, freeze);
                Authority::ConsumeReadiness { witness }
            }
            34..=36 => {
                let (role, edges) = (number(fragment, 4), view.map(|v| v.protocol().edges()));
                let edge = edges.and_then(|edges| edges.get(usize::from(fragment)).copied());
                let site = match to {
                    0 | 1 => Site::Endpoint(role),
                    2 => Site::Edge(edge.unwrap_or(Edge { from: role, to: role })),
                    _ => Site::Name(Name::new("watch").unwrap()),
                };
                let after = expires.map_or(4, |by| u64::from(by.unsigned_abs()));
                let valid = whole.then_some(u64::from(fragment) * 4);
                Authority::ArmTimer { request, site, after, valid }
            }
            37 => Authority::DisarmTimer { timer: some_timer(view, to, freeze) },
            kind => {
                let known = view.and_then(|view| {
                    let generation = held?.generation;
                    view.serials().find(|serials| serials.generation == generation)
                });
                let issued = known.map_or(0, |serials| serials.issued.0);
                let serial = match to {
                    0 | 1 => issued,
                    _ if freeze => issued.saturating_sub(2),
                    2 => issued.saturating_sub(1),
                    _ => issued + 1,
                };
                match kind {
                    13 | 14 => Authority::Renew { serial: Serial(serial) },
                    _ => Authority::ConfirmToken { serial: Serial(serial) },
                }
            }
        }
    }

    fn send(
        &self,
        view: SessionView<'_>,
        role: RoleIx,
        transition: &Transition,
        seed: u64,
        at: Option<Position>,
    ) -> Act {
        let sort = view.protocol().message(transition.message).payload.sort();
        let value = if seed % 16 == 15 { None } else { value_of(sort, seed) };
        let value = value.unwrap_or(Value::List(vec![Value::None]));
        Act::Send(Send { role, to: transition.peer, label: transition.label, value, at })
    }
}

fn policy(kind: u8) -> Policy {
    match kind {
        0 => Policy::Block,
        1 | 2 => Policy::DropOldest,
        3 | 4 => Policy::LatestValue,
        5 => Policy::Resize { max: 70 },
        6 => Policy::Resize { max: 3 },
        _ => Policy::Resize { max: CAPACITY_MAX + 1 },
    }
}

/// Whether an edge that begins with this capacity can have the policy.
fn is_sound(protocol: &Arc<Protocol>, edge: Edge, policy: Policy, capacity: u32) -> bool {
    let Some(edge) = protocol.edge(edge.from, edge.to) else { return false };
    let (mut stays, mut leaves, mut chan) = (Vec::new(), Vec::new(), false);
    for role in 0..u16::try_from(protocol.roles().len()).unwrap() {
        let automaton = protocol.automaton(RoleIx(role));
        for state in (0..u32::try_from(automaton.len()).unwrap()).map(StateIx) {
            for way in automaton.moves(state).iter().filter(|way| way.edge == edge) {
                chan |= protocol.message(way.message).payload.sort().has_chan();
                if automaton.direction(state) == Some(Direction::Receive) {
                    if way.next == state { &mut stays } else { &mut leaves }.push(way.message);
                }
            }
        }
    }
    match policy {
        Policy::Resize { max } => !chan && (capacity..=CAPACITY_MAX).contains(&max),
        policy if policy.is_lossy() => {
            !chan && stays.iter().any(|message| !leaves.contains(message))
        }
        _ => true,
    }
}

/// Who has the fragment, or had it last.
fn holding(view: SessionView<'_>, bits: u128) -> Option<HoldingView<'_>> {
    view.holdings().find(|held| bits != 0 && held.scope.bits() & bits == bits)
}

/// The receipt of a transfer in flight, or nearly; else one that was or will be.
fn some_receipt(
    view: Option<SessionView<'_>>,
    session: SessionId,
    pick: u8,
    wrong: bool,
) -> Receipt {
    let staged: Vec<&Receipt> = view.map(|view| view.staged().collect()).unwrap_or_default();
    let mut receipt = match staged.len() {
        0 => Receipt {
            session,
            id: ReceiptId(u64::from(pick)),
            from: owner(0),
            generation: Generation(1),
            to: Recipient::Bearer,
            scope: Scope::from_bits(1),
        },
        count => staged[usize::from(pick) % count].clone(),
    };
    match wrong {
        true if pick.is_multiple_of(2) => receipt.id.0 += 1,
        true => receipt.generation.0 += 1,
        false => {}
    }
    receipt
}

/// Something about a session, which is more often true than not.
fn some_predicate(view: Option<SessionView<'_>>, change: &Change) -> Predicate {
    let Change { fragment, whole, owner: pick, expires, freeze, .. } = change.clone();
    let role = number(fragment, 4);
    let endpoint = view.and_then(|view| view.endpoint(role));
    let (state, position) =
        endpoint.map_or((StateIx(1), 0), |endpoint| (endpoint.state(), endpoint.position().0));
    let off = expires.map_or(0, |by| u64::from(by.unsigned_abs()));
    let edges = view.map_or(&[][..], |view| view.protocol().edges());
    let edge = edges.get(usize::from(fragment)).copied();
    let edge = edge.unwrap_or(Edge { from: role, to: RoleIx(300) });
    let leaf = match pick {
        0 if whole => Predicate::at_state(role, StateIx(change.request.into())),
        0 => Predicate::at_state(role, state),
        1 => Predicate::edge_empty(edge.from, edge.to),
        2 => Predicate::position(role, Position((position + off).saturating_sub(4))),
        _ if expires.is_some() => Predicate::attached(role),
        _ => Predicate::external(Name::new("the_weather").unwrap()),
    };
    let there = Predicate::at_state(role, state);
    match (whole, freeze) {
        (true, true) => Predicate::all([Predicate::not(&leaf).unwrap(), there]).unwrap(),
        (true, false) => Predicate::any([leaf, Predicate::not(&there).unwrap()]).unwrap(),
        _ => leaf,
    }
}

/// The live attachment of a role, or one that was, or that is none.
fn some_epoch(view: Option<SessionView<'_>>, role: RoleIx, pick: u8) -> Epoch {
    let (fencing, made) = view.map_or((0, 0), |view| (view.fencing(), view.attachments_made()));
    let last = view.and_then(|view| view.attachments().find(|entry| entry.role == role));
    let live = last.map_or(Epoch::new(fencing, made.max(1)), |entry| entry.epoch);
    match pick {
        5 => Epoch::new(fencing, made.saturating_sub(1).max(1)),
        6 => Epoch::new(fencing, made + 1),
        7 => Epoch::new(fencing ^ 1, live.counter()),
        _ => live,
    }
}

/// A readiness witness that is outstanding, or nearly; else one that was or will be.
fn some_readiness(view: Option<SessionView<'_>>, pick: u8, wrong: bool) -> Readiness {
    let ready: Vec<&Readiness> = view.map(|view| view.readiness().collect()).unwrap_or_default();
    let mut witness = match ready.len() {
        0 => Readiness {
            session: view.map_or(session_id(0), SessionView::id),
            id: WitnessId(u64::from(pick / 2)),
            owner: owner(0),
            generation: Generation(1),
            scope: Scope::LIFECYCLE,
            predicate: Predicate::external(Name::new("the_weather").unwrap()),
        },
        count => ready[usize::from(pick) % count].clone(),
    };
    match wrong {
        // The one before it has often been spent.
        true if pick < 2 => witness.id.0 = witness.id.0.saturating_sub(1),
        true if pick == 2 => witness.id.0 += 1,
        true => witness.generation.0 += 1,
        false => {}
    }
    witness
}

/// As [`some_readiness`], of a timeout.
fn some_timeout(view: Option<SessionView<'_>>, pick: u8, wrong: bool) -> TimeoutWitness {
    let late: Vec<&TimeoutWitness> = view.map(|view| view.timeouts().collect()).unwrap_or_default();
    let mut witness = match late.len() {
        0 => TimeoutWitness {
            session: view.map_or(session_id(0), SessionView::id),
            id: WitnessId(u64::from(pick / 2)),
            site: Site::Name(Name::new("watch").unwrap()),
            owner: owner(0),
            generation: Generation(1),
            scope: Scope::LIFECYCLE,
            issued_at: Tick(7),
            until: None,
        },
        count => late[usize::from(pick) % count].clone(),
    };
    match wrong {
        true if pick.is_multiple_of(2) => witness.id.0 += 1,
        true => witness.issued_at.0 += 1,
        false => {}
    }
    witness
}

fn some_timer(view: Option<SessionView<'_>>, pick: u8, wrong: bool) -> TimerId {
    let armed: Vec<TimerId> =
        view.map(|view| view.timers().map(|timer| timer.id).collect()).unwrap_or_default();
    match armed.len() {
        count if count > 0 && !wrong => armed[usize::from(pick) % count],
        _ => TimerId(u64::from(pick)),
    }
}

fn number(role: u8, known: u8) -> RoleIx {
    match role {
        role if role < known => RoleIx(role.into()),
        role if role == known => RoleIx::UNKNOWN,
        _ => RoleIx(300),
    }
}

fn label_ix(label: u8) -> LabelIx {
    if label == 5 { LabelIx::UNKNOWN } else { LabelIx(label.into()) }
}

/// Every move that the machine should accept: sends with room, receives of what is there.
fn legal_moves(view: SessionView<'_>) -> Vec<(RoleIx, Direction, Transition)> {
    let mut moves = Vec::new();
    for endpoint in view.endpoints() {
        let role = endpoint.role();
        let automaton = view.protocol().automaton(role);
        let Some(direction) = automaton.direction(endpoint.state()) else { continue };
        for transition in endpoint.transitions() {
            let possible = match direction {
                Direction::Send => {
                    let edge = view.edge(role, transition.peer).unwrap();
                    // What a policy makes of a full edge is to be seen.
                    let full = edge.messages().len() == edge.capacity() as usize;
                    !full || edge.policy() != Policy::Block
                }
                Direction::Receive => {
                    let mut queued = view.edge(transition.peer, role).unwrap().messages();
                    queued.next().is_some_and(|head| head.message == transition.message)
                }
            };
            if possible {
                moves.push((role, direction, *transition));
            }
        }
    }
    moves
}

/// How many receives stand between a role and its next send, and what it may send then.
fn after_receives(view: SessionView<'_>, role: RoleIx) -> Option<(u64, Vec<Transition>)> {
    let automaton = view.protocol().automaton(role);
    let mut state = view.endpoint(role)?.state();
    let mut taken = vec![0; view.protocol().edges().len()];
    for count in 0..6 {
        if automaton.direction(state)? == Direction::Send {
            return Some((count, automaton.moves(state).to_vec()));
        }
        let found = automaton.moves(state).iter().find(|transition| {
            let mut messages = view.edge(transition.peer, role).unwrap().messages();
            let head = messages.nth(taken[transition.edge.index()]);
            head.is_some_and(|head| head.message == transition.message)
        })?;
        taken[found.edge.index()] += 1;
        state = found.next;
    }
    None
}

fn some_value(view: Option<SessionView<'_>>, role: RoleIx, label: LabelIx, seed: u64) -> Value {
    let value = view.and_then(|view| {
        let endpoint = view.endpoint(role)?;
        let found = endpoint.transitions().iter().find(|transition| transition.label == label)?;
        value_of(view.protocol().message(found.message).payload.sort(), seed)
    });
    value.unwrap_or(Value::Unit)
}

/// Some value of a sort.
pub fn value_of(sort: &Sort, seed: u64) -> Option<Value> {
    fn at(sort: &Sort, node: u32, seed: u64) -> Option<Value> {
        let small = seed % 3;
        Some(match sort.node(node) {
            SortNode::Unit => Value::Unit,
            SortNode::Bool => Value::Bool(small == 0),
            // A `nat` is taken for an `int`, too.
            SortNode::Int if small == 0 => Value::Nat(seed >> 2),
            SortNode::Int => Value::Int(seed.cast_signed()),
            SortNode::Nat => Value::Nat(seed),
            SortNode::Float => Value::Float(small as f64 - 1.0),
            SortNode::String => Value::from(["", "é\n\"", "some text"][small as usize]),
            SortNode::Bytes => Value::from(seed.to_le_bytes()[..small as usize].to_vec()),
            #[cfg(feature = "syntax")]
            SortNode::Named(_) => {
                Value::Json(antiphon::wire::json::json(&serde_json::json!({"n": seed, "z": []})))
            }
            #[cfg(not(feature = "syntax"))]
            SortNode::Named(_) => return None,
            SortNode::Optional(_) if small == 0 => Value::None,
            SortNode::Optional(part) => {
                at(sort, *part, seed / 3).map_or(Value::None, |inner| Value::Some(inner.into()))
            }
            SortNode::List(part) => {
                let items = (0..small).map_while(|n| at(sort, *part, seed / 3 + n));
                Value::List(items.collect())
            }
            SortNode::Record(fields) => {
                let field = |(index, (name, part)): (usize, &(Name, u32))| {
                    Some((name.clone(), at(sort, *part, seed / 3 + index as u64)?))
                };
                Value::Record(fields.iter().enumerate().map(field).collect::<Option<_>>()?)
            }
            SortNode::Chan(_) => Value::Chan(seed.to_le_bytes()[..=small as usize].to_vec().into()),
        })
    }
    at(sort, sort.root(), seed)
}
