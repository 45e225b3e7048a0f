//! A published example: a protocol, and what its first comment says of it in lines of a fixed form.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use antiphon::types::syntax::{Declared, Limits, Report, Source};

/// The keys that a comment may have, in the order in which they are written.
const KEYS: &[&str] = &[
    "source",
    "seen",
    "published",
    "recalled",
    "expected",
    "reads",
    "classic",
    "complete",
    "composition",
    "liveness",
    "exhaustive",
    "bound",
];

/// How much of a source was at hand; see the README.
const SEEN: &[&str] = &["tool", "abstract", "text", "no", "own"];

/// Why a role cannot act on what it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    Send,
    Receive,
    End,
    Sorts,
}

/// What can go wrong between local types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrong {
    Deadlock,
    Orphan,
    Unexpected,
}

/// What is said of the composition at some capacities, the same one for every edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    Safe { at: Capacities },
    Unsafe { at: u32, wrong: Wrong },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capacities {
    Every,
    From(u32),
    Only(u32),
}

/// The most that an edge can hold when nothing limits it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) most: Option<u32>,
}

pub(crate) struct Entry {
    pub(crate) path: PathBuf,
    pub(crate) keys: BTreeMap<&'static str, Vec<String>>,
}

impl Entry {
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap().to_string_lossy().into_owned()
    }

    pub(crate) fn is_global(&self) -> bool {
        self.path.extension().is_some_and(|ending| ending == "scr")
    }

    pub(crate) fn read(&self) -> Result<Source, Report> {
        Source::read(&self.name(), &std::fs::read(&self.path).unwrap(), &Limits::default())
    }

    /// What it declares; it is one that reads.
    pub(crate) fn declared(&self) -> Declared {
        self.read().unwrap_or_else(|report| panic!("{report}")).declared
    }

    pub(crate) fn all(&self, key: &str) -> &[String] {
        self.keys.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn one(&self, key: &str) -> Option<&str> {
        let all = self.all(key);
        assert!(all.len() <= 1, "{}: `{key}` is said {} times", self.name(), all.len());
        all.first().map(String::as_str)
    }

    fn wrong(&self, key: &str, value: &str) -> ! {
        panic!("{}: `{key}: {value}` is not of the form that the README shows", self.name())
    }

    /// The code with which the file is refused, if it is one that does not read.
    pub(crate) fn refused(&self) -> Option<&str> {
        let value = self.one("reads")?;
        let code = value.strip_prefix("no (").and_then(|rest| rest.strip_suffix(')'));
        Some(code.unwrap_or_else(|| self.wrong("reads", value)))
    }

    /// The roles that the classic projection refuses.
    pub(crate) fn classic(&self) -> Option<BTreeSet<String>> {
        let value = self.one("classic")?;
        let roles = self.roles("classic", value)?;
        Some(roles.into_iter().map(|(_, role)| role).collect())
    }

    /// The roles that the complete projection refuses, and why.
    pub(crate) fn complete(&self) -> Option<BTreeMap<String, Cause>> {
        let value = self.one("complete")?;
        let roles = self.roles("complete", value)?;
        let cause = |cause: Option<String>| match cause.as_deref() {
            Some("send") => Cause::Send,
            Some("receive") => Cause::Receive,
            Some("end") => Cause::End,
            Some("sorts") => Cause::Sorts,
            _ => self.wrong("complete", value),
        };
        Some(roles.into_iter().map(|(why, role)| (role, cause(why))).collect())
    }

    /// `yes`, or `no (R, S)`, or `no (why: R, why: S)`.
    fn roles(&self, key: &str, value: &str) -> Option<Vec<(Option<String>, String)>> {
        if value == "yes" {
            return Some(Vec::new());
        }
        let list = value.strip_prefix("no (").and_then(|rest| rest.strip_suffix(')'));
        let list = list.unwrap_or_else(|| self.wrong(key, value));
        let role = |item: &str| match item.split_once(": ") {
            Some((why, role)) => (Some(why.to_owned()), role.to_owned()),
            None => (None, item.to_owned()),
        };
        Some(list.split(", ").map(role).collect())
    }

    pub(crate) fn composition(&self) -> Vec<Claim> {
        self.all("composition").iter().map(|value| self.claim(value)).collect()
    }

    fn claim(&self, value: &str) -> Claim {
        let number = |text: &str| -> u32 {
            text.parse().unwrap_or_else(|_| self.wrong("composition", value))
        };
        if value == "safe" {
            return Claim::Safe { at: Capacities::Every };
        }
        if let Some(least) = value.strip_prefix("safe from capacity ") {
            return Claim::Safe { at: Capacities::From(number(least)) };
        }
        if let Some(only) = value.strip_prefix("safe at capacity ") {
            return Claim::Safe { at: Capacities::Only(number(only)) };
        }
        let rest = value.strip_prefix("unsafe: ");
        match rest.and_then(|rest| rest.split_once(" at capacity ")) {
            Some(("deadlock", at)) => Claim::Unsafe { at: number(at), wrong: Wrong::Deadlock },
            Some(("orphan", at)) => Claim::Unsafe { at: number(at), wrong: Wrong::Orphan },
            Some(("unexpected", at)) => Claim::Unsafe { at: number(at), wrong: Wrong::Unexpected },
            _ => self.wrong("composition", value),
        }
    }

    pub(crate) fn liveness(&self) -> Option<bool> {
        let value = self.one("liveness")?;
        match value {
            "yes" => Some(true),
            "no" => Some(false),
            _ => self.wrong("liveness", value),
        }
    }

    /// The least capacity at which it is exhaustive; none if there is no such.
    pub(crate) fn exhaustive(&self) -> Option<Option<u32>> {
        let value = self.one("exhaustive")?;
        if value == "no" {
            return Some(None);
        }
        Some(Some(value.parse().unwrap_or_else(|_| self.wrong("exhaustive", value))))
    }

    pub(crate) fn bounds(&self) -> Vec<Bound> {
        self.all("bound").iter().map(|value| self.bound(value)).collect()
    }

    fn bound(&self, value: &str) -> Bound {
        let parts = value.split_once(": ");
        let Some((from, to, most)) = parts.and_then(|(edge, most)| {
            let (from, to) = edge.split_once(" -> ")?;
            let most = if most == "unbounded" { None } else { Some(most.parse().ok()?) };
            Some((from.to_owned(), to.to_owned(), most))
        }) else {
            self.wrong("bound", value)
        };
        Bound { from, to, most }
    }
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/published")
}

/// All examples, by name.
pub(crate) fn entries() -> Vec<Entry> {
    let paths = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let is_example = |path: &PathBuf| {
        path.extension().is_some_and(|ending| ending == "scr" || ending == "local")
    };
    let mut paths: Vec<PathBuf> = paths.filter(is_example).collect();
    paths.sort();
    let entries: Vec<Entry> = paths.into_iter().map(entry).collect();
    assert!(entries.len() >= 50, "only {} examples", entries.len());
    entries
}

/// A key begins a line; what is indented below it belongs to it.
fn entry(path: PathBuf) -> Entry {
    let text = std::fs::read_to_string(&path).unwrap();
    let mut keys: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let mut open: Option<&'static str> = None;
    for line in text.lines().map_while(|line| line.strip_prefix("//")) {
        let begun = KEYS.iter().find_map(|key| {
            let value = line.strip_prefix(' ')?.strip_prefix(key)?;
            // The edge is a part of what is said: `bound A -> B: 1`.
            if *key == "bound" {
                return value.starts_with(' ').then(|| (*key, value.trim()));
            }
            Some((*key, value.strip_prefix(':')?.trim()))
        });
        match begun {
            Some((key, value)) => {
                keys.entry(key).or_default().push(value.to_owned());
                open = Some(key);
            }
            None if line.starts_with("   ") && open.is_some() => {
                let last = open.and_then(|key| keys.get_mut(key)?.last_mut()).unwrap();
                last.push(' ');
                last.push_str(line.trim());
            }
            None => open = None,
        }
    }
    let entry = Entry { path, keys };
    let name = entry.name();
    for key in ["source", "seen"] {
        assert!(entry.one(key).is_some(), "{name}: nothing is said of `{key}`");
    }
    let seen = entry.one("seen").unwrap();
    assert!(SEEN.contains(&seen), "{name}: `seen: {seen}` is none of {SEEN:?}");
    let said = entry.all("published").len() + entry.all("recalled").len();
    assert!((said == 0) == (seen == "own"), "{name}: what does the source say?");
    assert!(
        entry.all("published").is_empty() || seen != "no",
        "{name}: only what was read is published; what is remembered is `recalled`"
    );
    assert!(!entry.all("expected").is_empty(), "{name}: say why the verdicts are expected");
    entry
}
