//! Cases that reach what random scripts reach too seldom: the limits of what one session may have
//! (outstanding things, remembered sends, long reasons, deep values), and what is told on purpose:
//! the rarest refusals, repeats with one thing changed, what is frozen, lost or with a handler.

mod corners;
mod held;

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

/// An owner, with a short name or the longest.
fn owner(draw: &mut Draw<'_>) -> String {
    if draw.one_in(2) == 0 { "alice".to_owned() } else { "o".repeat(255) }
}

/// What is told on purpose, each in a session of its own.
pub(crate) fn purpose(writer: &mut Writer, draw: &mut Draw<'_>) {
    let owner = owner(draw);
    let mut scene = Scene { writer, draw, owner: &owner, now: 5 };
    corners::corners(&mut scene);
    corners::spent(&mut scene);
    corners::asked_again(&mut scene);
    held::frozen(&mut scene);
    held::lost(&mut scene);
    held::handled(&mut scene);
    held::dropped(&mut scene);
}

pub(crate) fn play(writer: &mut Writer, draw: &mut Draw<'_>) {
    let protocol = writer.register(&json!({"text": PROTOCOL}), draw.one_in(2) == 0);
    let protocol = protocol.expect("it is one");
    let owner = owner(draw);
    let owner = owner.as_str();
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
