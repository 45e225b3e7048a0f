//! Commands, as a person says them.
//!
//! ```text
//! [at TICK] [in SESSION:] COMMAND         without a command nothing but the time
//!
//! open by WHO [journal] [on_lost cancel|fault|release] [policy FROM>TO POLICY] [capacity N]
//!     [of PROTOCOL]
//! WHO sends ROLE.LABEL [VALUE] to ROLE [at POSITION]
//! WHO receives as ROLE from ROLE [at POSITION]
//! WHO acknowledges ROLE POSITION
//! WHO stages SCOPE to WHO|bearer [expires TICK] [frozen] [request N]
//! WHO commits RECEIPT [request N] [forged FIELD]
//! WHO rolls_back|… RECEIPT [forged FIELD]
//! WHO releases|renews SCOPE [request N]
//! WHO claims SCOPE for WHO [request N]
//! WHO abandons RECEIPT          WHO fails_commit RECEIPT REASON
//! WHO declares_dead WHO         host_reclaims SCOPE for WHO [request N]
//! WHO asks_for_token            WHO renews_token SERIAL     WHO confirms_token SERIAL
//! WHO declares_dead WHO by witness N
//! WHO shows PREDICATE           WHO consumes witness N [forged FIELD]
//! WHO arms ROLE|FROM>TO|=NAME for MS [valid MS]             WHO disarms timer N
//! WHO binds HANDLER|nothing     WHO drains [until TICK]     WHO closes|cancels|faults [REASON]
//! WHO attaches ROLE                       WHO detaches ROLE EPOCH
//! host_recovers FENCING                   the host is back, in this fencing epoch
//! reap                                    the host takes a session that has ended out
//! again                                   the last input once more
//! who                                     who has what, and where everybody is
//! ```
//!
//! `WHO` is a name for what was given to it last, or `NAME#GENERATION`, and with `@EPOCH` behind it
//! comes over that attachment; a scope is `Session`, `lifecycle`, a role, or several with `+`
//! between them. A predicate is `ROLE>=POSITION`, `FROM>TO`, which is that the edge is empty,
//! `@ROLE`, which is that it is attached, `=NAME`, which the host asserts, or several with `&`
//! between them.

use antiphon::machine::*;
use antiphon::types::*;

use crate::world::World;

/// Words, read one after the other.
struct Words<'a>(std::iter::Peekable<std::vec::IntoIter<&'a str>>);

impl<'a> Words<'a> {
    fn of(text: &'a str) -> Self {
        Self(text.split_whitespace().collect::<Vec<_>>().into_iter().peekable())
    }

    fn next(&mut self) -> &'a str {
        self.0.next().unwrap_or_else(|| panic!("the command ends too early"))
    }

    /// Whether the next word is this one; takes it then.
    fn is(&mut self, word: &str) -> bool {
        self.0.next_if(|next| *next == word).is_some()
    }

    fn must(&mut self, word: &str) {
        assert_eq!(self.next(), word);
    }

    /// The number behind a word that may stand here.
    fn number(&mut self, word: &str) -> Option<u64> {
        self.is(word).then(|| self.next().parse().unwrap())
    }

    fn rest(&mut self) -> String {
        self.0.by_ref().collect::<Vec<_>>().join(" ")
    }

    fn is_done(&mut self) -> bool {
        self.0.peek().is_none()
    }
}

/// Plays one command; its trace.
pub(crate) fn play(world: &mut World, command: &str) -> String {
    let mut words = Words::of(command);
    if let Some(now) = words.number("at") {
        world.now = now;
        if words.is_done() {
            return world.tell(Input::Tick);
        }
    }
    let session = match words.is("in") {
        true => SessionId(words.next().trim_end_matches(':').parse().unwrap()),
        false => SessionId(1),
    };
    let input = match words.next() {
        "who" => return world.who(session),
        "again" => world.last.clone().expect("something was said before"),
        "host_reclaims" => {
            let protocol = world.protocol(session);
            let scope = scope(&protocol, words.next());
            words.must("for");
            let owner = owner(words.next());
            let request = request(&mut words);
            Input::Reclaim(Box::new(Reclaim { request, session, owner, scope }))
        }
        "reap" => Input::Reap { session },
        "host_recovers" => Input::Recovered { session, fencing: words.next().parse().unwrap() },
        "open" => open(world, session, &mut words),
        who => said(world, session, who, &mut words),
    };
    assert!(words.is_done(), "{command}: what is `{}`?", words.rest());
    world.tell(input)
}

fn owner(name: &str) -> Owner {
    Owner::new(name).unwrap()
}

fn open(world: &World, session: SessionId, words: &mut Words<'_>) -> Input {
    words.must("by");
    let owner = owner(words.next());
    let journal = words.is("journal");
    let on_lost = match words.is("on_lost").then(|| words.next()) {
        None | Some("cancel") => OnLost::Cancel,
        Some("fault") => OnLost::Fault,
        Some("release") => OnLost::Release,
        Some(other) => panic!("what is `{other}`?"),
    };
    let policed = words.is("policy").then(|| [words.next(), words.next()]);
    let capacities = words.number("capacity").map_or_else(Capacities::default, |capacity| {
        Capacities::every(u32::try_from(capacity).unwrap())
    });
    let protocol = match words.is("of") {
        true => {
            let name = words.next();
            world.protocols.iter().find(|protocol| protocol.name().as_str() == name).unwrap()
        }
        false => &world.protocols[0],
    };
    let policies = policed.map(|words| policy(protocol, words));
    Input::Open(Open {
        session,
        protocol: protocol.digest(),
        owner,
        capacities,
        journal,
        on_lost,
        policies: policies.into_iter().collect(),
    })
}

/// `FROM>TO drop_oldest|latest_value|MAX`.
fn policy(protocol: &Protocol, [on, policy]: [&str; 2]) -> (Edge, Policy) {
    let edge = edge(protocol, on).expect("FROM>TO");
    let policy = match policy {
        "drop_oldest" => Policy::DropOldest,
        "latest_value" => Policy::LatestValue,
        max => Policy::Resize { max: max.parse().unwrap() },
    };
    (edge, policy)
}

fn said(world: &World, session: SessionId, who: &str, words: &mut Words<'_>) -> Input {
    let protocol = world.protocol(session);
    let (who, over) = who.split_once('@').map_or((who, None), |(who, over)| (who, Some(over)));
    let over = over.map(|over| over.parse().unwrap());
    let by = Presented { over, ..world.presented(session, who) };
    let role = |name: &str| protocol.role(name).unwrap_or(RoleIx::UNKNOWN);
    let scope = |text: &str| scope(&protocol, text);
    let act = match words.next() {
        "sends" => {
            let (from, label) = words.next().split_once('.').expect("ROLE.LABEL");
            let value = if words.is("to") { Value::Unit } else { value(words.next()) };
            if value != Value::Unit {
                words.must("to");
            }
            let to = role(words.next());
            let label = protocol.label(label).unwrap_or(LabelIx::UNKNOWN);
            let at = words.number("at").map(Position);
            Act::Send(Send { role: role(from), to, label, value, at })
        }
        "receives" => {
            words.must("as");
            let receiver = role(words.next());
            words.must("from");
            let from = role(words.next());
            Act::Receive(Receive { role: receiver, from, at: words.number("at").map(Position) })
        }
        "acknowledges" => {
            let role = role(words.next());
            Act::Acknowledge { role, position: Position(words.next().parse().unwrap()) }
        }
        "stages" => {
            let scope = scope(words.next());
            words.must("to");
            let to = match words.next() {
                "bearer" => Recipient::Bearer,
                name => Recipient::Owner(owner(name)),
            };
            let expires = words.number("expires").map(Tick);
            let freeze = words.is("frozen");
            let request = request(words);
            authority(Authority::Stage { request, scope, to, expires, freeze })
        }
        "commits" => {
            let receipt = receipt(world, session, words);
            let request = request(words);
            return Input::Commit(Box::new(Commit { request, receipt, owner: owner(who) }));
        }
        "rolls_back" => authority(Authority::Rollback { receipt: receipt(world, session, words) }),
        "releases" => {
            let scope = scope(words.next());
            authority(Authority::Release { request: request(words), scope })
        }
        "renews" => {
            let scope = scope(words.next());
            authority(Authority::Attenuate { request: request(words), scope })
        }
        "claims" => {
            let scope = scope(words.next());
            words.must("for");
            let owner = owner(words.next());
            authority(Authority::Claim { request: request(words), owner, scope })
        }
        "abandons" => authority(Authority::Abandon { receipt: receipt(world, session, words) }),
        "fails_commit" => {
            let receipt = receipt(world, session, words);
            authority(Authority::FailCommit { receipt, reason: words.rest().into() })
        }
        "declares_dead" => {
            let owner = owner(words.next());
            let evidence = match words.is("by") {
                true => Death::Timeout(Box::new(timeout(world, session, words))),
                false => Death::Lifecycle,
            };
            authority(Authority::OwnerDied { owner, evidence })
        }
        "shows" => {
            let predicate = predicate(&protocol, words.next());
            authority(Authority::IssueReadiness { request: request(words), predicate })
        }
        "consumes" => authority(consume(world, session, words)),
        "arms" => {
            let site = site(&protocol, words.next());
            let after = words.number("for").expect("for how long");
            let valid = words.number("valid");
            authority(Authority::ArmTimer { request: request(words), site, after, valid })
        }
        "disarms" => {
            let timer = TimerId(words.number("timer").expect("timer N"));
            authority(Authority::DisarmTimer { timer })
        }
        "asks_for_token" => authority(Authority::IssueToken { request: request(words) }),
        "renews_token" => authority(Authority::Renew { serial: serial(words) }),
        "confirms_token" => authority(Authority::ConfirmToken { serial: serial(words) }),
        "binds" => {
            let handler = words.next();
            let handler = (handler != "nothing").then(|| Name::new(handler).unwrap());
            Act::Bind { edge: None, handler }
        }
        "drains" => Act::Drain { deadline: words.number("until").map(Tick) },
        "attaches" => Act::Attach { role: role(words.next()) },
        "detaches" => {
            let role = role(words.next());
            Act::Detach { role, epoch: words.next().parse().unwrap() }
        }
        "closes" => Act::Close,
        "cancels" => Act::Cancel { reason: words.rest().into() },
        "faults" => Act::Fault { reason: words.rest().into() },
        verb => panic!("nobody knows how one `{verb}`"),
    };
    Input::Act { by, act }
}

fn authority(authority: Authority) -> Act {
    Act::Authority(Box::new(authority))
}

fn request(words: &mut Words<'_>) -> RequestId {
    RequestId(words.number("request").unwrap_or(0))
}

fn edge(protocol: &Protocol, text: &str) -> Option<Edge> {
    let (from, to) = text.split_once('>')?;
    Some(Edge { from: protocol.role(from)?, to: protocol.role(to)? })
}

fn site(protocol: &Protocol, text: &str) -> Site {
    match (text.strip_prefix('='), edge(protocol, text)) {
        (Some(name), _) => Site::Name(Name::new(name).unwrap()),
        (None, Some(edge)) => Site::Edge(edge),
        (None, None) => Site::Endpoint(protocol.role(text).unwrap_or(RoleIx::UNKNOWN)),
    }
}

fn predicate(protocol: &Protocol, text: &str) -> Predicate {
    let part = |text: &str| match (text.strip_prefix('='), text.split_once(">=")) {
        (Some(name), _) => Predicate::external(Name::new(name).unwrap()),
        (None, Some((role, least))) => {
            let role = protocol.role(role).unwrap_or(RoleIx::UNKNOWN);
            Predicate::position(role, Position(least.parse().unwrap()))
        }
        (None, None) if text.starts_with('@') => {
            Predicate::attached(protocol.role(&text[1..]).unwrap_or(RoleIx::UNKNOWN))
        }
        (None, None) => {
            let Edge { from, to } = edge(protocol, text).expect("FROM>TO");
            Predicate::edge_empty(from, to)
        }
    };
    let mut parts: Vec<Predicate> = text.split('&').map(part).collect();
    match parts.len() {
        1 => parts.remove(0),
        _ => Predicate::all(parts).unwrap(),
    }
}

fn timeout(world: &World, session: SessionId, words: &mut Words<'_>) -> TimeoutWitness {
    let id = WitnessId(words.number("witness").expect("witness N"));
    let known = world.timeouts.iter().find(|known| known.session == session && known.id == id);
    known.expect("a timer has run out").clone()
}

/// Consumes a witness by its number, as it was given out; `forged FIELD` has another one there.
fn consume(world: &World, session: SessionId, words: &mut Words<'_>) -> Authority {
    let id = WitnessId(words.number("witness").expect("witness N"));
    let is = |of: SessionId, known: WitnessId| of == session && known == id;
    if let Some(known) = world.timeouts.iter().find(|known| is(known.session, known.id)) {
        return Authority::ConsumeTimeout { witness: known.clone() };
    }
    let known = world.readiness.iter().find(|known| is(known.session, known.id));
    let mut witness = known.expect("a witness was issued").clone();
    if words.is("forged") {
        match words.next() {
            "generation" => witness.generation.0 += 1,
            "id" => witness.id.0 += 1,
            "scope" => witness.scope = witness.scope.union(Scope::LIFECYCLE),
            "predicate" => witness.predicate = Predicate::external(Name::new("x").unwrap()),
            field => panic!("a witness has no `{field}`"),
        }
    }
    Authority::ConsumeReadiness { witness }
}

fn serial(words: &mut Words<'_>) -> Serial {
    Serial(words.next().parse().unwrap())
}

fn scope(protocol: &Protocol, text: &str) -> Scope {
    let part = |name: &str| match name {
        "Session" => Scope::session(protocol),
        "lifecycle" => Scope::LIFECYCLE,
        role => Scope::role(protocol.role(role).unwrap_or_else(|| panic!("no role `{role}`"))),
    };
    text.split('+').map(part).reduce(Scope::union).expect("a scope is something")
}

fn value(text: &str) -> Value {
    match text.strip_prefix('"') {
        Some(rest) => Value::from(rest.trim_end_matches('"')),
        None => text.parse::<u64>().map_or_else(|_| panic!("what is `{text}`?"), Value::Nat),
    }
}

/// A receipt by its number, as it was given out; `forged FIELD` has another one there.
fn receipt(world: &World, session: SessionId, words: &mut Words<'_>) -> Receipt {
    words.must("receipt");
    let id = ReceiptId(words.next().parse().unwrap());
    let known =
        world.receipts.iter().find(|receipt| receipt.session == session && receipt.id == id);
    let mut receipt = known.cloned().unwrap_or_else(|| Receipt {
        session,
        id,
        from: owner("nobody"),
        generation: Generation(1),
        to: Recipient::Bearer,
        scope: Scope::LIFECYCLE,
    });
    if words.is("forged") {
        match words.next() {
            "from" => receipt.from = owner("mallory"),
            "generation" => receipt.generation.0 += 1,
            "to" => receipt.to = Recipient::Owner(owner("mallory")),
            "scope" => receipt.scope = receipt.scope.union(Scope::LIFECYCLE),
            field => panic!("a receipt has no `{field}`"),
        }
    }
    receipt
}
