//! Cases that reach what random scripts reach too seldom: the limits of what one session may have
//! (outstanding things, remembered sends, long reasons, deep values), and the rarest refusals.

use serde_json::{Value as Tree, json};

use crate::generate::{Draw, Writer};

const PROTOCOL: &str = "
    A = rec X . B!{ count(nat) . X, thing(Thing) . X, say(string) . X, stop . end }
    B = rec X . A?{ count(nat) . X, thing(Thing) . X, say(string) . X, stop . end }";

const SESSION: &str = "000000000000000000000000000000ff";

struct Scene<'a, 'b, 'c> {
    writer: &'a mut Writer,
    draw: &'a mut Draw<'b>,
    owner: &'c str,
    now: u64,
}

impl Scene<'_, '_, '_> {
    fn act(&mut self, event: &Tree) -> Tree {
        self.now += self.draw.one_in(2) as u64;
        let by = json!({"owner": self.owner, "generation": 1, "scope": "7"});
        let act = json!({"session": SESSION, "by": by, "event": event});
        self.writer.tell(self.now, &json!({"act": act}))
    }

    fn authority(&mut self, word: &str, said: &Tree) -> Tree {
        self.act(&json!({"authority": {word: said}}))
    }

    fn send(&mut self, label: &str, value: &Tree, at: Option<u64>) -> Tree {
        let mut send = json!({"role": "A", "to": "B", "label": label, "value": value});
        if let Some(at) = at {
            send["at"] = json!(at);
        }
        self.act(&json!({"send": send}))
    }
}

pub(crate) fn play(writer: &mut Writer, draw: &mut Draw<'_>) {
    let protocol = writer.register(&json!({"text": PROTOCOL}), draw.one_in(2) == 0);
    let protocol = protocol.expect("it is one");
    let long = "o".repeat(255);
    let owner = if draw.one_in(2) == 0 { "alice" } else { long.as_str() };
    let open = json!({
        "session": SESSION,
        "protocol": protocol.digest().to_string(),
        "owner": owner,
        "capacity": 200,
        "unchecked": true,
        "journal": draw.one_in(2) == 0,
        "on_lost": if draw.one_in(2) == 0 { "release" } else { "fault" },
    });
    let mut scene = Scene { writer, draw, owner, now: 5 };
    scene.writer.tell(0, &json!({"open": open}));
    corners(&mut scene);
    spent(&mut scene);
    asked_again(&mut scene);
    match scene.draw.one_in(3) {
        0 => outstanding(&mut scene),
        1 => remembered(&mut scene),
        _ => values(&mut scene),
    }
    let now = scene.now;
    scene.writer.seal(now, Some);
    let reason = "é".repeat(400 + scene.draw.one_in(300));
    let end = if scene.draw.one_in(2) == 0 { "cancel" } else { "fault" };
    scene.act(&json!({end: {"reason": reason}}));
    let reap = json!({"reap": {"session": SESSION}});
    scene.writer.tell(now + 400, &reap);
    scene.writer.seal(now + 400, Some);
    scene.writer.tell(now + 400, &reap);
    // What is answered for it from the archive.
    scene.send("count", &json!(1), Some(0));
    scene.authority("issue_token", &json!({"request": 1}));
    scene.act(&json!({"acknowledge": {"role": "B", "position": 0}}));
    scene.act(&json!({"close": {}}));
}

/// As many transfers, witnesses and timers as there may be, and one more.
fn outstanding(scene: &mut Scene<'_, '_, '_>) {
    let expires = scene.now + 40 + scene.draw.one_in(200) as u64;
    let stage = json!({"request": 900, "scope": "4", "to": "bob", "expires": expires});
    scene.authority("stage", &stage);
    for request in 0..66 {
        match scene.draw.one_in(3) {
            0 => {
                let after = 20 + scene.draw.one_in(60);
                let site = json!({"endpoint": "A"});
                let arm = json!({"request": request, "site": site, "after": after, "valid": 9});
                scene.authority("arm_timer", &arm)
            }
            1 => {
                let predicate = json!({"position": {"role": "A", "least": 0}});
                let issue = json!({"request": request, "predicate": predicate});
                scene.authority("issue_readiness", &issue)
            }
            _ => {
                let arm = json!({"request": request, "site": {"name": "watch"}, "after": 500});
                scene.authority("arm_timer", &arm)
            }
        };
    }
    for timer in 0..4 {
        scene.authority("disarm_timer", &json!({"timer": timer}));
    }
    let one_more = json!({"request": 901, "scope": "1"});
    scene.authority("stage", &one_more);
    scene.now += 30;
    scene.writer.tell(scene.now, &json!({"tick": {}}));
    scene.authority("owner_died", &json!({"owner": scene.owner, "evidence": "lifecycle"}));
}

/// More numbered sends than are remembered, said again one by one.
fn remembered(scene: &mut Scene<'_, '_, '_>) {
    let count = 62 + scene.draw.one_in(8) as u64;
    for at in 0..count {
        let value = json!(at % 7);
        scene.send("count", &value, Some(at));
        if scene.draw.one_in(3) == 0 {
            let position = json!({"role": "B", "position": at});
            scene.act(&json!({"acknowledge": position}));
        }
    }
    for at in (0..count).step_by(1 + scene.draw.one_in(9)) {
        let value = json!(if scene.draw.one_in(4) == 0 { 9 } else { at % 7 });
        let label = if scene.draw.one_in(6) == 0 { "say" } else { "count" };
        scene.send(label, &value, Some(at));
        scene.act(&json!({"receive": {"role": "B", "from": "A", "at": at}}));
    }
    scene.send("count", &json!(1), Some(count + 3));
}

/// Values as deep as they may be, and deeper.
fn values(scene: &mut Scene<'_, '_, '_>) {
    for depth in [1, 60, 95, 96, 97, 100] {
        let deep = (0..depth).fold(json!(depth), |inner, _| json!([inner]));
        scene.send("thing", &deep, None);
    }
    let text = "🙂é\u{0}\u{7f}\u{2028}".repeat(1 + scene.draw.one_in(200));
    let at = scene.draw.one_in(8) as u64;
    scene.send("say", &json!(text), Some(at));
    scene.send("thing", &json!({"b": [1.5, -0.25, 1e30], "a": {"é": null}}), None);
    for _ in 0..12 {
        scene.act(&json!({"receive": {"role": "B", "from": "A"}}));
    }
}

/// Refusals that need a certain protocol, or a name that nobody has: `B` hears from two, and answers
/// whom it has heard.
fn corners(scene: &mut Scene<'_, '_, '_>) {
    let branch = |label: &str, next: u64, peer: &str| json!({"label": label, "next": next, "payload": [], "peer": peer});
    let var = json!({"kind": "var", "binder": 0});
    let binder = json!({"kind": "rec", "name": "X", "body": 1});
    let asks = |name: &str, label: &str| {
        json!({"name": name, "root": 0, "sorts": [], "nodes": [
            binder,
            {"kind": "send", "branches": [branch(label, 2, "B")]},
            {"kind": "receive", "branches": [branch("go", 3, "B")]},
            var,
        ]})
    };
    let hears = json!({"name": "B", "root": 0, "sorts": [], "nodes": [
        binder,
        {"kind": "receive", "branches": [branch("x", 2, "A"), branch("y", 3, "C")]},
        {"kind": "send", "branches": [branch("go", 4, "A")]},
        {"kind": "send", "branches": [branch("go", 5, "C")]},
        var,
        var,
    ]});
    let roles = [asks("A", "x"), hears, asks("C", "y")];
    let document = json!({"antiphon": "local", "version": 1, "roles": roles});
    let protocol = scene.writer.register(&document, true).expect("it is one");
    let session = "000000000000000000000000000000fe";
    let mut open = json!({
        "session": session,
        "protocol": protocol.digest().to_string(),
        "owner": scene.owner,
        "capacity": 4,
        "unchecked": true,
    });
    let edge = json!({"from": "A", "to": "B"});
    let now = scene.now;
    // Edges have room for something, and not for everything.
    for capacity in [0_u64, 4_294_967_295] {
        let mut other = open.clone();
        other["capacity"] = json!(capacity);
        scene.writer.tell(now, &json!({"open": other}));
    }
    // Nobody has shown that they are safe together, and nobody insists.
    open["unchecked"] = json!(false);
    scene.writer.tell(now, &json!({"open": open}));
    open["unchecked"] = json!(true);
    let resize = json!({"resize": {"max": 3}});
    for policy in [json!({"drop_oldest": {}}), json!({"latest_value": {}}), resize] {
        open["policies"] = json!([{"edge": edge, "policy": policy}]);
        scene.writer.tell(now, &json!({"open": open}));
    }
    open["policies"] = json!([]);
    scene.writer.tell(now, &json!({"open": open}));
    let by = json!({"owner": scene.owner, "generation": 1, "scope": "f"});
    let mut act = |event: Tree| {
        scene.writer.tell(now, &json!({"act": {"session": session, "by": by, "event": event}}));
    };
    act(json!({"send": {"role": "A", "to": "B", "label": "x", "value": null}}));
    if scene.draw.one_in(4) > 0 {
        act(json!({"send": {"role": "C", "to": "B", "label": "y", "value": null}}));
    }
    act(json!({"send": {"role": "B", "to": "A", "label": "go", "value": null, "at": 1}}));
    act(json!({"authority": {"owner_died": {"owner": "nobody", "evidence": "lifecycle"}}}));
    // A serial that was followed by two others; a session that takes no more.
    for event in [
        json!({"issue_token": {"request": 1}}),
        json!({"renew": {"serial": 1}}),
        json!({"renew": {"serial": 2}}),
        json!({"renew": {"serial": 1}}),
    ] {
        act(json!({"authority": event}));
    }
    act(json!({"attach": {"role": "A"}}));
    act(json!({"attach": {"role": "A"}}));
    act(json!({"detach": {"role": "A", "epoch": "0.1"}}));
    let predicate = json!({"attached": "A"});
    act(json!({"authority": {"issue_readiness": {"request": 7, "predicate": predicate}}}));
    let mut old = by.clone();
    old["over"] = json!("0.1");
    let event = json!({"receive": {"role": "A", "from": "B"}});
    let late = json!({"act": {"session": session, "by": old, "event": event}});
    scene.writer.tell(now, &late);
    for fencing in [4_294_967_294_u32, 4_294_967_294, u32::MAX] {
        let recovered = json!({"session": session, "fencing": fencing});
        scene.writer.tell(now, &json!({"recovered": recovered}));
    }
    scene.writer.tell(now, &late);
    let mut act = |event: Tree| {
        scene.writer.tell(now, &json!({"act": {"session": session, "by": by, "event": event}}));
    };
    act(json!({"attach": {"role": "A"}}));
    act(json!({"detach": {"role": "A", "epoch": "4294967295.1"}}));
    act(json!({"drain": {}}));
    act(json!({"send": {"role": "A", "to": "B", "label": "x", "value": null}}));
    act(json!({"close": {}}));
}

/// What is spent once, what comes too late and what fits no more, on an edge with room for one message.
fn spent(scene: &mut Scene<'_, '_, '_>) {
    let protocol = scene.writer.register(&json!({"text": PROTOCOL}), true).expect("it is one");
    let session = "000000000000000000000000000000fd";
    let mut open = json!({
        "session": session,
        "protocol": "00".repeat(32),
        "owner": scene.owner,
        "capacity": 1,
        "unchecked": true,
        "journal": true,
    });
    let now = scene.now;
    scene.writer.tell(now, &json!({"open": open}));
    open["protocol"] = json!(protocol.digest().to_string());
    scene.writer.tell(now, &json!({"open": open}));
    let by = json!({"owner": scene.owner, "generation": 1, "scope": "7"});
    let mut act = |event: Tree| {
        scene.writer.tell(now, &json!({"act": {"session": session, "by": by, "event": event}}))
    };
    let send = |at: u64, value: u64| json!({"send": {"role": "A", "to": "B", "label": "count", "value": value, "at": at}});
    for (at, value) in [(0, 1), (0, 2), (1, 3)] {
        act(send(at, value));
    }
    let predicate = json!({"position": {"role": "A", "least": 1}});
    let issue = json!({"issue_readiness": {"request": 1, "predicate": predicate}});
    let issued = act(json!({"authority": issue}));
    let ready = issued.pointer("/ok/witness/readiness");
    let ready = ready.unwrap_or_else(|| panic!("no witness in {issued}"));
    for _ in 0..2 {
        act(json!({"authority": {"consume_readiness": {"witness": ready}}}));
    }
    let staged = act(json!({"authority": {"stage": {"request": 3, "scope": "2"}}}));
    let receipt =
        staged.pointer("/ok/staged/receipt").unwrap_or_else(|| panic!("no receipt in {staged}"));
    let mut forged = receipt.clone();
    forged["scope"] = json!("4");
    for receipt in [&forged, receipt, receipt] {
        act(json!({"authority": {"rollback": {"receipt": receipt}}}));
    }
    act(json!({"authority": {"release": {"request": 4, "scope": "1"}}}));
    let claim = json!({"owner": scene.owner, "request": 5, "scope": "1"});
    act(json!({"authority": {"claim": claim}}));
    // It ends, and is not kept yet.
    let reclaim = json!({"owner": scene.owner, "request": 6, "scope": "1"});
    let reclaim = json!({"reclaim": {"session": session, "reclaim": reclaim}});
    let given = scene.writer.tell(now, &reclaim);
    let given = given.pointer("/ok/issued/by").unwrap_or_else(|| panic!("no authority in {given}"));
    let event = json!({"cancel": {"reason": "enough"}});
    let act = json!({"act": {"session": session, "by": given, "event": event}});
    let ended = scene.writer.tell(now, &act);
    assert!(ended.get("ok").is_some(), "{ended}");
    scene.writer.tell(now, &json!({"reap": {"session": session}}));
}

/// What was asked is asked again, as it was and with one thing changed: a repeat is answered as it
/// was, and of a request that is not the same nothing is a repeat.
fn asked_again(scene: &mut Scene<'_, '_, '_>) {
    let protocol = scene.writer.register(&json!({"text": PROTOCOL}), true).expect("it is one");
    let session = "000000000000000000000000000000fc";
    let open = json!({
        "session": session,
        "protocol": protocol.digest().to_string(),
        "owner": scene.owner,
        "capacity": 1,
        "unchecked": true,
        "journal": scene.draw.one_in(2) == 0,
    });
    let now = scene.now;
    scene.writer.tell(now, &json!({"open": open}));
    for (field, other) in [
        ("owner", json!("mallory")),
        ("capacity", json!(2)),
        ("journal", json!(!open["journal"].as_bool().expect("it says so"))),
        ("on_lost", json!("release")),
        ("unchecked", json!(false)),
    ] {
        let mut open = open.clone();
        open[field] = other;
        scene.writer.tell(now, &json!({"open": open}));
    }
    let by = json!({"owner": scene.owner, "generation": 1, "scope": "7"});
    let position = |role: &str| json!({"position": {"role": role, "least": 0}});
    let stage =
        json!({"request": 1, "scope": "1", "to": "bob", "expires": now + 500, "freeze": true});
    let requests = [
        (
            "stage",
            stage,
            vec![
                ("request", json!(2)),
                ("to", json!("carol")),
                ("to", Tree::Null),
                ("expires", json!(now + 501)),
                ("expires", Tree::Null),
                ("freeze", json!(false)),
                ("scope", json!("2")),
            ],
        ),
        (
            "issue_readiness",
            json!({"request": 3, "predicate": position("A")}),
            vec![("request", json!(4)), ("predicate", position("B"))],
        ),
        (
            "arm_timer",
            json!({"request": 5, "site": {"name": "watch"}, "after": 50, "valid": 9}),
            vec![
                ("request", json!(6)),
                ("site", json!({"name": "other"})),
                ("after", json!(51)),
                ("valid", json!(10)),
            ],
        ),
        ("issue_token", json!({"request": 7}), vec![("request", json!(8))]),
    ];
    let mut receipt = Tree::Null;
    for (word, said, changes) in requests {
        let mut others = vec![said.clone(), said.clone()];
        for (field, other) in changes {
            let mut said = said.clone();
            said[field] = other;
            others.push(said);
        }
        for said in others {
            let event = json!({"authority": {word: said}});
            let act = json!({"act": {"session": session, "by": by, "event": event}});
            let answer = scene.writer.tell(now, &act);
            if let (true, Some(staged)) = (receipt.is_null(), answer.pointer("/ok/staged/receipt"))
            {
                receipt = staged.clone();
            }
        }
    }
    let commit = json!({"request": 9, "receipt": receipt, "owner": "bob"});
    let mut others = vec![commit.clone(), commit.clone()];
    for (at, other) in
        [("/request", json!(10)), ("/owner", json!("carol")), ("/receipt/scope", json!("2"))]
    {
        let mut commit = commit.clone();
        *commit.pointer_mut(at).expect("it is there") = other;
        others.push(commit);
    }
    for commit in others {
        let commit = json!({"session": session, "commit": commit});
        scene.writer.tell(now, &json!({"commit": commit}));
    }
}
