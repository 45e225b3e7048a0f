//! What is refused, and what is a repeat.

use serde_json::{Value as Tree, json};

use super::{PROTOCOL, Scene};

/// Refusals that need a certain protocol, or a name that nobody has: `B` hears from two, and answers
/// whom it has heard.
pub(super) fn corners(scene: &mut Scene<'_, '_, '_>) {
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
pub(super) fn spent(scene: &mut Scene<'_, '_, '_>) {
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
pub(super) fn asked_again(scene: &mut Scene<'_, '_, '_>) {
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
        ("on_lost", json!("fault")),
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
