//! What is frozen, lost, late, left over, or with a handler: who may do what meanwhile.

use serde_json::{Value as Tree, json};

use super::{PROTOCOL, Scene};

/// A session of its own, in which one owner has everything.
struct Own<'a, 'b, 'c, 'd> {
    scene: &'a mut Scene<'b, 'c, 'd>,
    session: &'static str,
}

impl<'a, 'b, 'c, 'd> Own<'a, 'b, 'c, 'd> {
    fn open(
        scene: &'a mut Scene<'b, 'c, 'd>,
        session: &'static str,
        text: &str,
        more: &Tree,
    ) -> Self {
        let protocol = scene.writer.register(&json!({"text": text}), true).expect("it is one");
        let mut open = json!({
            "session": session,
            "protocol": protocol.digest().to_string(),
            "owner": scene.owner,
            "unchecked": true,
            "journal": true,
        });
        for (field, said) in more.as_object().expect("it says some fields") {
            open[field] = said.clone();
        }
        let mut own = Self { scene, session };
        own.tell(&json!({"open": open}));
        own
    }

    fn tell(&mut self, input: &Tree) -> Tree {
        self.scene.writer.tell(self.scene.now, input)
    }

    /// An act of its opener, with all that it has.
    fn act(&mut self, event: Tree) -> Tree {
        self.act_with("7", event)
    }

    fn act_with(&mut self, scope: &str, event: Tree) -> Tree {
        let by = json!({"owner": self.scene.owner, "generation": 1, "scope": scope});
        self.tell(&json!({"act": {"session": self.session, "by": by, "event": event}}))
    }

    fn authority(&mut self, word: &str, said: Tree) -> Tree {
        self.act(json!({"authority": {word: said}}))
    }

    /// The receipt of a transfer that it stages.
    fn stage(&mut self, said: Tree) -> Tree {
        let staged = self.authority("stage", said);
        let receipt = staged.pointer("/ok/staged/receipt");
        receipt.unwrap_or_else(|| panic!("no receipt in {staged}")).clone()
    }

    fn count(&mut self, value: u64) -> Tree {
        self.act(json!({"send": {"role": "A", "to": "B", "label": "count", "value": value}}))
    }

    fn receive(&mut self) -> Tree {
        self.act(json!({"receive": {"role": "B", "from": "A"}}))
    }

    /// Time goes by.
    fn wait(&mut self, ticks: u64) -> Tree {
        self.scene.now += ticks;
        self.tell(&json!({"tick": {}}))
    }
}

/// What is in a transfer that freezes, or out of which nothing may be taken, stands still; a drain is
/// said once; of alternatives one is enough.
pub(super) fn frozen(scene: &mut Scene<'_, '_, '_>) {
    let mut own =
        Own::open(scene, "000000000000000000000000000000fb", PROTOCOL, &json!({"capacity": 4}));
    own.count(1);
    // The lifecycle, B, A.
    for (request, scope) in [(1, "1"), (2, "4"), (3, "2")] {
        let stage = json!({"request": request, "scope": scope, "freeze": true});
        let receipt = own.stage(stage);
        own.receive();
        own.count(2);
        if scope == "1" {
            own.act(json!({"drain": {}}));
            own.act(json!({"close": {}}));
            own.act(json!({"cancel": {"reason": "no"}}));
            own.act(json!({"bind": {"handler": "h"}}));
        }
        own.authority("owner_died", json!({"owner": "nobody", "evidence": "lifecycle"}));
        let timer = json!({"request": 10 + request, "site": {"endpoint": "A"}, "after": 900});
        own.authority("arm_timer", timer);
        own.authority("attenuate", json!({"request": 20 + request, "scope": scope}));
        own.authority("release", json!({"request": 30 + request, "scope": scope}));
        own.authority("rollback", json!({"receipt": receipt}));
    }
    let least = |role: &str, least: u64| json!({"position": {"role": role, "least": least}});
    let (is, is_not) = (least("A", 0), least("B", 9));
    for (request, terms) in
        (40..).zip([[&is, &is_not], [&is_not, &is], [&is, &is], [&is_not, &is_not]])
    {
        for word in ["any", "all"] {
            let predicate = json!({word: terms});
            let issue = json!({"request": request, "predicate": predicate});
            own.authority("issue_readiness", issue);
        }
    }
    // The lifecycle alone watches over a role.
    let arm = json!({"request": 50, "site": {"endpoint": "B"}, "after": 3, "valid": 5});
    own.act_with("1", json!({"authority": {"arm_timer": arm}}));
    own.wait(3);
    own.wait(4);
    own.wait(1);
    own.wait(1);
    let deadline = own.scene.now + 20;
    own.act(json!({"drain": {"deadline": deadline}}));
    own.act(json!({"drain": {}}));
    own.act(json!({"cancel": {"reason": "enough"}}));
    own.wait(21);
}

/// One owner has lost itself, and not another; what is in flight is nobody's to take.
pub(super) fn lost(scene: &mut Scene<'_, '_, '_>) {
    let more = json!({"capacity": 1, "on_lost": "release"});
    let mut own = Own::open(scene, "000000000000000000000000000000fa", PROTOCOL, &more);
    let session = own.session;
    let receipt = own.stage(json!({"request": 1, "scope": "2", "to": "bob"}));
    let commit = json!({"request": 2, "receipt": receipt, "owner": "bob"});
    own.tell(&json!({"commit": {"session": session, "commit": commit}}));
    let arm = json!({"request": 3, "site": {"endpoint": "B"}, "after": 2});
    own.act_with("4", json!({"authority": {"arm_timer": arm}}));
    own.wait(2);
    let state = own.scene.writer.say(json!({"state": session}));
    let witness = state.pointer("/ok/state/timeouts/0");
    let witness = witness.unwrap_or_else(|| panic!("nothing has run out: {state}"));
    // It is of the role of another.
    let died = json!({"owner": "bob", "evidence": {"timeout": witness}});
    own.act_with("5", json!({"authority": {"owner_died": died}}));
    own.act_with("5", json!({"authority": {"stage": {"request": 4, "scope": "4"}}}));
    let died = json!({"owner": own.scene.owner, "evidence": {"timeout": witness}});
    own.act_with("5", json!({"authority": {"owner_died": died}}));
    for scope in ["4", "1", "2"] {
        let reclaim = json!({"request": 5, "owner": "carol", "scope": scope});
        own.tell(&json!({"reclaim": {"session": session, "reclaim": reclaim}}));
    }
}

/// A handler has one message of its role at a time, and none while its role stands still; a session
/// with messages on its edges does not close.
pub(super) fn handled(scene: &mut Scene<'_, '_, '_>) {
    let mut own =
        Own::open(scene, "000000000000000000000000000000f8", PROTOCOL, &json!({"capacity": 8}));
    own.act(json!({"bind": {"handler": "h"}}));
    let expires = own.scene.now + 3;
    let stage =
        json!({"request": 1, "scope": "4", "to": "bob", "freeze": true, "expires": expires});
    own.authority("stage", stage);
    for value in 0..3 {
        own.count(value);
    }
    // Nothing of it is sealed yet.
    let session = own.session;
    own.tell(&json!({"persisted": {"session": session, "upto": 999}}));
    let now = own.scene.now;
    own.scene.writer.seal(now, Some);
    own.wait(3);
    own.scene.writer.seal(own.scene.now, Some);
    for _ in 0..2 {
        own.receive();
        own.count(7);
    }
    own.scene.writer.seal(own.scene.now, Some);
    // Two edges to one role.
    let text = "A = rec X . B!count(nat) . X   C = rec X . B!say(nat) . X
        B = rec X . &{ A?count(nat) . X, C?say(nat) . X }";
    let session = "000000000000000000000000000000f7";
    let mut own = Own::open(scene, session, text, &json!({"capacity": 2}));
    own.act_with("f", json!({"bind": {"handler": "h"}}));
    for (role, label) in [("A", "count"), ("C", "say"), ("C", "say"), ("A", "count")] {
        let send = json!({"role": role, "to": "B", "label": label, "value": 1});
        own.act_with("f", json!({"send": send}));
        own.scene.writer.seal(own.scene.now, Some);
    }
    for from in ["C", "A", "A", "C"] {
        own.act_with("f", json!({"receive": {"role": "B", "from": from}}));
        own.scene.writer.seal(own.scene.now, Some);
    }
    // What nobody will receive: the session goes on.
    let text = "A = B!count(nat) . end   B = end";
    let session = "000000000000000000000000000000f9";
    let mut own = Own::open(scene, session, text, &json!({"capacity": 2}));
    own.count(1);
    own.act(json!({"drain": {}}));
    own.act(json!({"close": {}}));
}

/// A message may be dropped that leaves its receiver where it is, wherever that may be: one that moves
/// it somewhere is not dropped.
pub(super) fn dropped(scene: &mut Scene<'_, '_, '_>) {
    let stays = "A = rec X . B!count(nat) . X   B = rec X . A?count(nat) . X";
    let moves = "A = rec X . B!{ count(nat) . X, go . B!count(nat) . end }
        B = rec X . A?{ count(nat) . X, go . A?count(nat) . end }";
    let sessions = ["000000000000000000000000000000f6", "000000000000000000000000000000f5"];
    for (session, text) in sessions.into_iter().zip([stays, moves]) {
        let policy = json!({"edge": {"from": "A", "to": "B"}, "policy": {"drop_oldest": {}}});
        let more = json!({"capacity": 2, "policies": [policy]});
        let mut own = Own::open(scene, session, text, &more);
        for value in 0..4 {
            own.count(value);
        }
        own.act(json!({"send": {"role": "A", "to": "B", "label": "go", "value": null}}));
        for _ in 0..3 {
            own.receive();
        }
        own.act(json!({"cancel": {"reason": "enough"}}));
        own.scene.writer.seal(own.scene.now, Some);
        own.tell(&json!({"reap": {"session": session}}));
    }
    // What may be absent is.
    let text = "A = B!count({ a: nat, b: nat? }) . end   B = A?count({ a: nat, b: nat? }) . end";
    let session = "000000000000000000000000000000f4";
    let mut own = Own::open(scene, session, text, &json!({"capacity": 1}));
    for value in [json!({"b": 1}), json!({"a": 1})] {
        own.act(json!({"send": {"role": "A", "to": "B", "label": "count", "value": value}}));
    }
    own.receive();
}
