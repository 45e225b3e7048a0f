//! The two tables of `specs/matrix.md`: what every kind of input comes to in every status of a
//! session, and what every operation on authority comes to in every state that a fragment can be
//! in. Each cell is one command of a scenario, played on a session that was brought there.

use std::fmt::Write as _;

use crate::command;
use crate::world::World;

/// A state: its name, and the commands that lead there.
type State = (&'static str, &'static [&'static str]);

const ORDERS: &str = "
  Buyer  = rec X . Seller!{ order(nat) . X, stop . Seller?bill(nat) . end }
  Seller = rec X . Buyer?{ order(nat) . X, stop . Buyer!bill(nat) . end }
";

/// Every session is opened by `host`, with a journal; `Buyer` acts once with a position, and is
/// attached then.
const BEGIN: &[&str] = &[
    "open by host journal capacity 2",
    "host sends Buyer.order 3 to Seller at 0",
    "host attaches Buyer",
];

/// The status of a session.
const STATUS: &[State] = &[
    ("active", &[]),
    ("draining", &["host drains"]),
    (
        "closed",
        &[
            "host sends Buyer.stop to Seller",
            "host receives as Seller from Buyer",
            "host receives as Seller from Buyer",
            "host sends Seller.bill 3 to Buyer",
            "host receives as Buyer from Seller",
        ],
    ),
    ("closed early", &["host closes"]),
    ("cancelled", &["host cancels enough"]),
    ("faulted", &["host faults broken"]),
    ("reaped", &["host closes", "reap"]),
];

/// What can be asked of a session.
const INPUTS: &[(&str, &str)] = &[
    ("a legal send", "host sends Buyer.order 4 to Seller"),
    ("a send out of turn", "host sends Seller.bill 3 to Buyer"),
    (
        "a send over a full edge",
        "host sends Buyer.order 4 to Seller; host sends Buyer.order 5 to Seller",
    ),
    ("a label that nobody knows", "host sends Buyer.nonsense to Seller"),
    ("a role that nobody knows", "host sends Nobody.order 3 to Seller"),
    ("a value of another sort", "host sends Buyer.order \"x\" to Seller"),
    ("a receive", "host receives as Seller from Buyer"),
    (
        "a receive from an empty edge",
        "host receives as Seller from Buyer; host receives as Seller from Buyer",
    ),
    ("a receive out of turn", "host receives as Buyer from Seller"),
    ("a numbered send again", "host sends Buyer.order 3 to Seller at 0"),
    ("another one at its position", "host sends Buyer.order 4 to Seller at 0"),
    ("a send from the future", "host sends Buyer.order 4 to Seller at 9"),
    ("an acknowledgement", "host acknowledges Buyer 1"),
    ("a stale capability", "host#7 receives as Seller from Buyer"),
    ("somebody else's", "mallory receives as Seller from Buyer"),
    ("bind", "host binds pump"),
    ("drain", "host drains"),
    ("close", "host closes"),
    ("cancel", "host cancels again"),
    ("fault", "host faults again"),
    ("stage", "host stages Buyer to tablet"),
    ("commit", "tablet commits receipt 0"),
    ("roll back", "host rolls_back receipt 0"),
    ("release", "host releases Buyer"),
    ("renew", "host renews Buyer"),
    ("claim", "host claims Buyer for tablet"),
    ("abandon", "host abandons receipt 0"),
    ("fail a commit", "host fails_commit receipt 0 no room"),
    ("declare dead", "host declares_dead host"),
    ("reclaim", "host_reclaims Buyer for tablet"),
    ("ask for a token", "host asks_for_token"),
    ("renew a token", "host renews_token 1"),
    ("confirm a token", "host confirms_token 1"),
    ("show readiness", "host shows Buyer>=1"),
    ("show what is not so", "host shows Buyer>Seller"),
    ("arm a timer", "host arms Seller for 9"),
    ("disarm none", "host disarms timer 3"),
    ("over its attachment", "host@0.1 sends Buyer.order 4 to Seller"),
    ("over another one", "host@0.7 sends Buyer.order 4 to Seller"),
    ("again, over another one", "host@0.7 sends Buyer.order 3 to Seller at 0"),
    ("attach", "host attaches Buyer"),
    ("attach a stranger", "mallory attaches Buyer"),
    ("detach", "host detaches Buyer 0.1"),
    ("detach another one", "host detaches Buyer 0.7"),
    ("show an attachment", "host shows @Buyer"),
    ("recover", "host_recovers 1"),
    ("recover into the same", "host_recovers 0"),
    ("reap", "reap"),
    ("open it once more", "open by host journal capacity 2"),
    ("open another under its id", "open by mallory journal capacity 2"),
    ("nothing but the time", "at 9"),
];

/// The states of the fragment `Buyer`, as its holder `phone` sees them.
const OWNERSHIP: &[State] = &[
    ("held", &[]),
    ("staged to tablet", &["phone stages Buyer to tablet expires 90"]),
    ("staged frozen", &["phone stages Buyer to bearer frozen"]),
    ("staged by the host", &["host stages Seller to tablet"]),
    ("committed", &["phone stages Buyer to tablet", "tablet commits receipt 1"]),
    ("rolled back", &["phone stages Buyer to tablet", "phone rolls_back receipt 1"]),
    ("expired", &["phone stages Buyer to tablet expires 90", "at 100"]),
    ("released", &["phone releases Buyer"]),
    ("claimed again", &["phone releases Buyer", "host claims Buyer for phone"]),
    ("renewed", &["phone renews Buyer"]),
    ("its owner lost", &["host declares_dead phone"]),
    ("lost in flight", &["phone stages Buyer to tablet expires 90", "host declares_dead phone"]),
];

/// What is asked for there; `phone#2` is what the phone was given first.
const OPERATIONS: &[(&str, &str)] = &[
    ("act", "phone sends Buyer.order 3 to Seller"),
    ("act, as before", "phone#2 sends Buyer.order 3 to Seller"),
    ("act, as the host", "host sends Buyer.order 3 to Seller"),
    ("act, over its attachment", "phone@0.1 sends Buyer.order 3 to Seller"),
    ("act, over another one", "phone@0.7 sends Buyer.order 3 to Seller"),
    ("attach", "phone attaches Buyer"),
    ("attach, as the host", "host attaches Buyer"),
    ("detach", "phone detaches Buyer 0.1"),
    ("show that it is attached", "phone shows @Buyer"),
    ("release", "phone releases Buyer"),
    ("release too much", "phone releases Buyer+Seller"),
    ("renew", "phone renews Buyer"),
    ("stage", "phone stages Buyer to watch"),
    ("stage, as before", "phone#2 stages Buyer to watch"),
    ("stage, as the host", "host stages Buyer to watch"),
    ("commit", "tablet commits receipt 1"),
    ("commit, as another", "mallory commits receipt 1"),
    ("commit, forged", "tablet commits receipt 1 forged generation"),
    ("commit, spent", "phone commits receipt 0 request 3"),
    ("roll back", "phone rolls_back receipt 1"),
    ("roll back, as the host", "host rolls_back receipt 1"),
    ("claim, as the last holder", "phone claims Buyer for phone"),
    ("claim, as the host", "host claims Buyer for desk"),
    ("claim, as a stranger", "mallory claims Buyer for mallory"),
    ("abandon", "phone abandons receipt 1"),
    ("abandon, as the host", "host abandons receipt 1"),
    ("fail the commit", "host fails_commit receipt 1 no room"),
    ("fail it, as the phone", "phone fails_commit receipt 1 no room"),
    ("declare it dead", "host declares_dead phone"),
    ("declare the host dead", "phone declares_dead host"),
    ("reclaim, by the host itself", "host_reclaims Buyer for desk"),
    ("ask for a token", "phone asks_for_token"),
    ("renew one never issued", "phone renews_token 1"),
    ("show readiness", "phone shows Buyer>=0"),
    ("show it, as the host", "host shows Buyer>=0"),
    ("arm a timer", "phone arms Buyer for 9"),
    ("arm one, as the host", "host arms Buyer for 9"),
    ("close, as the phone", "phone closes"),
];

/// What a command comes to behind these: one word, and the whole.
fn cell(before: &[&[&str]], command: &str) -> (String, String) {
    let mut world = World::default();
    world.declare("Orders", ORDERS);
    for command in before.iter().copied().flatten() {
        let trace = command::play(&mut world, command);
        assert!(!trace.starts_with("refused"), "{command}: {trace}");
    }
    let trace = command.split("; ").map(|part| command::play(&mut world, part)).last().unwrap();
    let first = trace.lines().next().unwrap_or_default();
    let word = match first.strip_prefix("refused ") {
        Some(rest) => rest.split(' ').next().unwrap_or_default().to_owned(),
        None => "**yes**".to_owned(),
    };
    let lines: Vec<&str> = trace.lines().map(str::trim).collect();
    (word, lines.join("; "))
}

fn table(out: &mut String, begin: &[&[&str]], states: &[State], asked: &[(&str, &str)]) {
    let names: Vec<&str> = states.iter().map(|(name, _)| *name).collect();
    writeln!(out, "| | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len())).unwrap();
    let mut explained = String::new();
    for (name, command) in asked {
        write!(out, "| {name} |").unwrap();
        writeln!(explained, "\n**{name}**: `{command}`\n").unwrap();
        let mut said: Vec<(String, Vec<&str>)> = Vec::new();
        for (state, commands) in states {
            let before: Vec<&[&str]> = begin.iter().copied().chain([*commands]).collect();
            let (word, whole) = cell(&before, command);
            write!(out, " {word} |").unwrap();
            match said.iter_mut().find(|(known, _)| *known == whole) {
                Some((_, states)) => states.push(state),
                None => said.push((whole, vec![state])),
            }
        }
        out.push('\n');
        for (whole, states) in said {
            writeln!(explained, "- {}: {whole}", states.join(", ")).unwrap();
        }
    }
    out.push_str(&explained);
}

/// The page.
pub(crate) fn page() -> String {
    let mut out = String::from(
        "# What comes to what\n\n\
         Two tables, made by `tests/scenario/matrix.rs` and compared by every test run. A cell is `yes` or the \
         code of the\nrefusal; below each table stands what each cell says. The protocol is\n\n```text",
    );
    write!(out, "{ORDERS}```\n\n## Status and input\n\n").unwrap();
    out.push_str(
        "`Buyer` has sent its first order, at position 0, and nobody has received it; it is attached \
         at 0.1.\n\n",
    );
    table(&mut out, &[BEGIN], STATUS, INPUTS);
    out.push_str(
        "\n## Ownership and operation\n\n`host` opened the session and handed `Buyer` over to \
         `phone`, which has generation 2 and was attached at 0.1. Then the\nfragment `Buyer` came to be\n\n",
    );
    let given: &[&str] = &[
        "open by host journal on_lost release",
        "host stages Buyer to phone",
        "phone commits receipt 0",
        "phone attaches Buyer",
    ];
    table(&mut out, &[given], OWNERSHIP, OPERATIONS);
    out
}
