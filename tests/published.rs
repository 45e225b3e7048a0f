//! Examples of the literature with the verdicts that were published of them; `tests/published`
//! holds the examples, and its README their table. Verdicts are checked by a naive look at what
//! they mean, so that an example that was written down wrongly shows, and against the classic
//! projection.
#![cfg(feature = "syntax")]

#[path = "published/entry.rs"]
mod entry;
#[path = "published/naive.rs"]
mod naive;

use std::collections::{BTreeMap, BTreeSet};

use antiphon::types::complete::Cause;
use antiphon::types::compose::{self, Bound, Exhaustivity, Kind};
use antiphon::types::syntax::Declared;
use antiphon::types::{
    ComposeLimits, GlobalType, LocalTypes, Name, ProjectionLimits, Protocol, Unprojectable,
    project, project_complete,
};

use entry::{Capacities, Claim, Entry, entries, folder};
use naive::{Role, Space};

/// The largest capacity at which claims about every capacity are tried.
const TRIED: u32 = 4;

fn globals() -> Vec<(Entry, GlobalType)> {
    let read = |entry: Entry| match entry.declared() {
        Declared::Global(globals) if globals.len() == 1 => {
            let global = globals.into_iter().next().unwrap();
            (entry, global)
        }
        _ => panic!("{}: one global protocol a file", entry.name()),
    };
    let readable = |entry: &Entry| entry.is_global() && entry.refused().is_none();
    entries().into_iter().filter(readable).map(read).collect()
}

fn locals() -> Vec<(Entry, LocalTypes)> {
    let read = |entry: Entry| match entry.declared() {
        Declared::Local(locals) => (entry, locals),
        _ => panic!("{}: no local types", entry.name()),
    };
    let readable = |entry: &Entry| !entry.is_global() && entry.refused().is_none();
    entries().into_iter().filter(readable).map(read).collect()
}

fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_example_reads_or_is_refused_as_it_says() {
    let mut wrong = Vec::new();
    for entry in entries() {
        let found = match entry.read() {
            Ok(_) => None,
            Err(report) => Some(report.diagnostics.list()[0].code.as_str().to_owned()),
        };
        if found.as_deref() != entry.refused() {
            wrong.push(format!("{}: refused with {found:?}", entry.name()));
        }
    }
    none(&wrong);
}

#[test]
fn every_example_has_the_verdicts_of_its_kind() {
    let mut wrong = Vec::new();
    for entry in entries() {
        let global = ["classic", "complete"].map(|key| entry.one(key).is_some());
        let local = ["composition", "liveness", "exhaustive", "bound"];
        let local = local.map(|key| !entry.all(key).is_empty());
        let right = match (entry.refused(), entry.is_global()) {
            (Some(_), _) => global == [false; 2] && local == [false; 4],
            (None, true) => global == [true; 2] && local == [false; 4],
            (None, false) => global == [false; 2] && local[0] && local[2],
        };
        if !right {
            wrong.push(format!("{}: too few verdicts, or too many", entry.name()));
        }
    }
    none(&wrong);
}

#[test]
fn the_classic_projection_refuses_the_roles_that_are_named() {
    let mut wrong = Vec::new();
    for (entry, global) in globals() {
        let refused = global.roles().iter().filter(|role| project(&global, role).is_err());
        let refused: BTreeSet<String> = refused.map(ToString::to_string).collect();
        if Some(&refused) != entry.classic().as_ref() {
            wrong.push(format!("{}: refuses {refused:?}", entry.name()));
        }
    }
    none(&wrong);
}

#[test]
fn roles_are_complete_or_not_by_the_naive_definition() {
    let mut wrong = Vec::new();
    for (entry, global) in globals() {
        let causes = |role: &antiphon::types::Name| {
            let causes = Role::new(&global, role).causes();
            (!causes.is_empty()).then(|| (role.to_string(), causes))
        };
        let found: BTreeMap<_, _> = global.roles().iter().filter_map(causes).collect();
        let said = entry.complete().unwrap();
        let agrees = found.keys().eq(said.keys())
            && said.iter().all(|(role, cause)| found[role].contains(cause));
        if !agrees {
            wrong.push(format!("{}: {found:?}", entry.name()));
        }
        if entry.classic().unwrap().is_empty() && !said.is_empty() {
            wrong
                .push(format!("{}: the complete projection accepts what is classic", entry.name()));
        }
    }
    none(&wrong);
}

#[test]
fn the_complete_projection_refuses_the_roles_that_are_named_for_that_reason() {
    let mut wrong = Vec::new();
    for (entry, global) in globals() {
        let mut found = BTreeMap::new();
        for role in global.roles() {
            match project_complete(&global, role, &ProjectionLimits::default()) {
                Ok(_) => {}
                Err(Unprojectable::Ambiguous(why)) => {
                    let cause = match why.cause {
                        Cause::Send => entry::Cause::Send,
                        Cause::Overtaking(_) => entry::Cause::Receive,
                        Cause::End => entry::Cause::End,
                        _ => entry::Cause::Sorts,
                    };
                    found.insert(role.to_string(), cause);
                }
                Err(error) => panic!("{}: {error}", entry.name()),
            }
        }
        if Some(&found) != entry.complete().as_ref() {
            wrong.push(format!("{}: {found:?}", entry.name()));
        }
    }
    none(&wrong);
}

fn composed(locals: &LocalTypes, capacities: compose::Capacities) -> compose::Composition {
    let protocol = Protocol::unchecked(Name::new("P").unwrap(), locals.clone()).unwrap();
    compose::compose(&protocol, &ComposeLimits { capacities, ..ComposeLimits::default() })
}

#[test]
fn the_composition_is_what_is_said_of_it_at_every_capacity() {
    let mut wrong = Vec::new();
    for (entry, locals) in locals() {
        let edges = Protocol::unchecked(Name::new("P").unwrap(), locals.clone()).unwrap();
        let edges = edges.edges().len();
        let mut said: BTreeMap<u32, BTreeSet<_>> = BTreeMap::new();
        for claim in entry.composition() {
            match claim {
                Claim::Safe { at } => tried(at).into_iter().for_each(|capacity| {
                    said.entry(capacity).or_default();
                }),
                Claim::Unsafe { at, wrong } => {
                    said.entry(at).or_default().insert(wrong);
                }
            }
        }
        for (capacity, said) in said {
            let fixed = compose::Capacities::Fixed(vec![capacity; edges].into());
            let found = composed(&locals, fixed);
            let kind = found.violation.as_ref().map(|violation| violation.kind);
            let agrees = match kind {
                None => said.is_empty() && entry.liveness() == Some(true) && found.is_safe(),
                Some(Kind::NotLive(_)) => said.is_empty() && entry.liveness() == Some(false),
                Some(Kind::Deadlock) => said.contains(&entry::Wrong::Deadlock),
                Some(Kind::OrphanMessage(_)) => said.contains(&entry::Wrong::Orphan),
                Some(Kind::UnexpectedMessage(_)) => said.contains(&entry::Wrong::Unexpected),
            };
            if !agrees {
                wrong.push(format!("{} at {capacity}: {kind:?}, said {said:?}", entry.name()));
            }
        }
    }
    none(&wrong);
}

/// Where the checker says that it does not know, it is not wrong: the last assertion bounds how
/// often that may be.
#[test]
fn exhaustivity_and_bounds_agree_with_what_is_said() {
    let (mut wrong, mut known, mut open) = (Vec::new(), 0, Vec::new());
    for (entry, locals) in locals() {
        let protocol = Protocol::unchecked(Name::new("P").unwrap(), locals.clone()).unwrap();
        let found = composed(&locals, compose::Capacities::Rising(TRIED + 1));
        let agrees = match (found.exhaustivity, entry.exhaustive()) {
            (Exhaustivity::From(k), Some(said)) => said == Some(k),
            (Exhaustivity::NotUpTo(k, ..), Some(said)) => said.is_none_or(|said| said > k),
            _ => true,
        };
        if !agrees {
            wrong.push(format!("{}: {:?}", entry.name(), found.exhaustivity));
        }
        for said in entry.bounds() {
            let role = |name: &str| protocol.role(name).unwrap();
            let edge = protocol.edge(role(&said.from), role(&said.to)).unwrap();
            let bound = &found.bounds[edge.index()];
            let said_here = format!("{} -> {}", said.from, said.to);
            let agrees = match (bound, said.most) {
                (Bound::Finite { most, exact: true }, Some(said)) => *most == said,
                (Bound::Finite { most, exact: false }, Some(said)) => *most >= said,
                (Bound::Unbounded(_), None) => true,
                (Bound::Unknown { seen }, said) => {
                    open.push(format!("{}: {said_here}", entry.name()));
                    said.is_none_or(|said| *seen <= said)
                }
                _ => false,
            };
            known += 1;
            if !agrees {
                wrong.push(format!("{}: {said_here}: {bound:?}", entry.name()));
            }
        }
    }
    none(&wrong);
    assert!(open.len() * 10 <= known, "of {known} bounds these are not known: {open:#?}");
}

/// The claims as the capacities at which they can be tried.
fn tried(at: Capacities) -> Vec<u32> {
    match at {
        Capacities::Every => (1..=TRIED).collect(),
        Capacities::From(least) => (least..=TRIED.max(least + 1)).collect(),
        Capacities::Only(only) => vec![only],
    }
}

#[test]
fn compositions_are_safe_or_not_by_the_naive_definition() {
    let mut wrong = Vec::new();
    for (entry, locals) in locals() {
        let mut said: BTreeMap<u32, BTreeSet<_>> = BTreeMap::new();
        for claim in entry.composition() {
            match claim {
                Claim::Safe { at } => tried(at).into_iter().for_each(|capacity| {
                    said.entry(capacity).or_default();
                }),
                Claim::Unsafe { at, wrong } => {
                    said.entry(at).or_default().insert(wrong);
                }
            }
        }
        for (capacity, said) in said {
            let found = Space::new(&locals, capacity).wrong();
            if found != said {
                wrong.push(format!("{}: {found:?} at capacity {capacity}", entry.name()));
            }
        }
    }
    none(&wrong);
}

#[test]
fn safe_compositions_are_live_or_not_by_the_naive_definition() {
    let mut wrong = Vec::new();
    for (entry, locals) in locals() {
        let safe: Vec<u32> = entry
            .composition()
            .into_iter()
            .filter_map(|claim| match claim {
                Claim::Safe { at } => Some(tried(at)),
                Claim::Unsafe { .. } => None,
            })
            .flatten()
            .collect();
        if entry.liveness().is_some() == safe.is_empty() {
            wrong.push(format!(
                "{}: liveness is said of what is safe, and only there",
                entry.name()
            ));
        }
        for capacity in safe {
            let found = Space::new(&locals, capacity).live();
            if Some(found) != entry.liveness() {
                wrong.push(format!("{}: live {found} at capacity {capacity}", entry.name()));
            }
        }
    }
    none(&wrong);
}

#[test]
fn the_least_exhaustive_capacity_is_the_naive_one() {
    let mut wrong = Vec::new();
    for (entry, locals) in locals() {
        let exhaustive = |capacity: &u32| Space::new(&locals, *capacity).exhaustive();
        let found = (1..=TRIED).find(exhaustive);
        if Some(found) != entry.exhaustive() {
            wrong.push(format!("{}: exhaustive at {found:?}", entry.name()));
        }
    }
    none(&wrong);
}

#[test]
fn edges_hold_as_much_as_is_said() {
    let mut wrong = Vec::new();
    for (entry, locals) in locals() {
        for bound in entry.bounds() {
            // What two capacities beyond it do not show, these protocols do not reach.
            let capacities = bound.most.map_or([TRIED, TRIED + 1], |most| [most + 1, most + 2]);
            let expected = bound.most.map_or(capacities, |most| [most; 2]);
            let found = capacities.map(|k| Space::new(&locals, k).most(&bound.from, &bound.to));
            if found != expected {
                let edge = format!("{} -> {}", bound.from, bound.to);
                wrong.push(format!("{}: {edge} holds {found:?} at {capacities:?}", entry.name()));
            }
        }
    }
    none(&wrong);
}

/// One row of the README's table.
fn row(entry: &Entry) -> String {
    let source = entry.one("source").unwrap();
    let source = source.split_inclusive(']').next().unwrap();
    let said = entry.all("published").iter().cloned();
    let said = said.chain(entry.all("recalled").iter().map(|text| format!("(recalled) {text}")));
    let said: Vec<String> = said.collect();
    let keys = ["reads", "classic", "complete", "composition", "liveness", "exhaustive"];
    let mut verdicts: Vec<String> = keys
        .iter()
        .flat_map(|key| entry.all(key).iter().map(move |value| format!("{key}: {value}")))
        .collect();
    verdicts.extend(entry.all("bound").iter().map(|bound| format!("bound {bound}")));
    let cell = |texts: &[String]| texts.join("<br>").replace('|', "\\|");
    let note = entry.all("expected").to_vec();
    let name = entry.name();
    let (said, verdicts, note) = (cell(&said), cell(&verdicts), cell(&note));
    format!("| [{name}]({name}) | {source} | {said} | {verdicts} | {note} |\n")
}

const BEGIN: &str = "<!-- The table is made of the files; see \"How the table is kept\". -->\n";
const END: &str = "<!-- End of the table. -->\n";

#[test]
fn the_readme_shows_the_table_of_the_files() {
    let path = folder().join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the table begins");
    let (_, after) = rest.split_once(END).expect("the table ends");
    let mut table = String::from("\n| example | source | the source says | verdicts | why |\n");
    table.push_str("|---|---|---|---|---|\n");
    entries().iter().for_each(|entry| table.push_str(&row(entry)));
    let wanted = format!("{before}{BEGIN}{table}\n{END}{after}");
    if std::env::var_os("PUBLISHED_TABLE").is_some_and(|word| word == "write") {
        std::fs::write(&path, &wanted).unwrap();
    }
    let now = std::fs::read_to_string(&path).unwrap();
    let differs = now.lines().zip(wanted.lines()).find(|(now, wanted)| now != wanted);
    assert!(
        now == wanted,
        "the table is not that of the files: {differs:#?}\n\
         remedy: PUBLISHED_TABLE=write cargo test --test published"
    );
}

#[test]
fn every_source_is_listed_in_full_and_used() {
    let text = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let (_, list) = text.split_once("## Sources").expect("the README lists the sources");
    let key = |text: &str| Some(text.strip_prefix('[')?.split_once(']')?.0.to_owned());
    let listed = list.lines().filter_map(|line| key(line.strip_prefix("- ")?));
    let listed: BTreeSet<String> = listed.collect();
    let used = entries().into_iter().map(|entry| {
        let source = entry.one("source").unwrap();
        key(source).unwrap_or_else(|| panic!("{}: the source has no key", entry.name()))
    });
    let used: BTreeSet<String> = used.collect();
    assert_eq!(used, listed, "left: the sources of the examples, right: those that are listed");
}
