//! The clauses of `specs/`, the code that cites them and the tests that check them agree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One clause: its number, where it stands, and what is written below its heading.
struct Clause {
    id: String,
    place: String,
    body: String,
}

impl Clause {
    /// The files of its line `Tested by:`.
    fn tests(&self) -> Vec<&str> {
        let line = self.body.lines().find_map(|line| line.strip_prefix("Tested by:"));
        line.map(|line| line.split('`').skip(1).step_by(2).collect()).unwrap_or_default()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below `folder` with one of these endings, in order.
fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if path.is_dir() {
                folders.push(path);
            } else if endings.contains(&ending) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

fn clauses() -> Vec<Clause> {
    let mut clauses: Vec<Clause> = Vec::new();
    for path in files("specs", &["md"]) {
        // The example in the README is no clause, and what comes to what is made of all of them.
        if path.ends_with("specs/README.md") || path.ends_with("specs/matrix.md") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let mut open = false;
        for (number, line) in text.lines().enumerate() {
            if let Some(heading) = line.strip_prefix("## ") {
                let id = heading.split(' ').next().unwrap_or_default().to_owned();
                let place = format!("{}:{}", shown(&path), number + 1);
                clauses.push(Clause { id, place, body: String::new() });
                open = true;
            } else if open && let Some(clause) = clauses.last_mut() {
                clause.body.push_str(line);
                clause.body.push('\n');
            }
        }
    }
    clauses
}

/// The areas that clauses are of: `MACH` of `MACH-4`.
fn areas(clauses: &[Clause]) -> BTreeSet<&str> {
    clauses.iter().filter_map(|clause| clause.id.split_once('-')).map(|(area, _)| area).collect()
}

/// Every number of a clause in a text, ranges (`MACH-1 to MACH-4`) written out.
fn cited(text: &str, areas: &BTreeSet<&str>) -> Vec<String> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let number = |word: &str| {
        let (area, number) = word.split_once('-')?;
        let number: u32 = number.parse().ok()?;
        areas.contains(area).then(|| (area.to_owned(), number))
    };
    let words: Vec<&str> = text.split(word).filter(|word| !word.is_empty()).collect();
    let mut found = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let Some((area, first)) = number(word) else { continue };
        let range = words.get(index + 1) == Some(&"to");
        let last = words.get(index + 2).filter(|_| range).and_then(|word| number(word));
        let last = last.filter(|(other, _)| *other == area).map_or(first, |(_, last)| last);
        found.extend((first..=last).map(|number| format!("{area}-{number}")));
    }
    found
}

/// Who cites which clause.
fn citations(folder: &str, areas: &BTreeSet<&str>) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in files(folder, &["rs", "lalrpop"]) {
        // This file speaks of numbers, it checks no clause.
        if path.ends_with("tests/specs.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for id in cited(&text, areas) {
            all.entry(id).or_default().insert(shown(&path));
        }
    }
    all
}

fn none(wrong: &[String], remedy: &str) {
    assert!(wrong.is_empty(), "\n{}\nremedy: {remedy}\n", wrong.join("\n"));
}

#[test]
fn each_clause_has_a_number_of_its_own_one_must_and_one_why() {
    let mut wrong = Vec::new();
    let mut known = BTreeSet::new();
    for clause in clauses() {
        let Clause { id, place, body } = &clause;
        let numbered = id.split_once('-').is_some_and(|(area, number)| {
            area.len() > 1
                && area.bytes().all(|byte| byte.is_ascii_uppercase())
                && number.parse::<u32>().is_ok_and(|number| number > 0)
        });
        if !numbered {
            wrong.push(format!("{place}: the heading does not begin with a number like `MACH-4`"));
        }
        if !known.insert(id.clone()) {
            wrong.push(format!("{place}: {id} is there already"));
        }
        let musts = body.split(|c: char| !c.is_alphanumeric()).filter(|w| *w == "MUST").count();
        let whys = body.lines().filter(|line| line.starts_with("Why: ")).count();
        if (musts, whys) != (1, 1) {
            wrong.push(format!("{place}: {id} has {musts} MUST and {whys} Why"));
        }
        for line in body.lines().filter(|line| !line.is_empty()) {
            if !line.ends_with('.') {
                wrong.push(format!("{place}: `{line}` does not end with a full stop"));
            }
        }
    }
    none(&wrong, "a clause is `## AREA-N title`, a sentence with MUST, and a line `Why: …`");
    assert!(known.len() >= 50, "{} clauses were found: is `specs/` where it was?", known.len());
}

#[test]
fn every_number_that_is_cited_is_a_clause() {
    let clauses = clauses();
    let areas = areas(&clauses);
    let known: BTreeSet<&str> = clauses.iter().map(|clause| clause.id.as_str()).collect();
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for (id, places) in citations(folder, &areas) {
            if !known.contains(id.as_str()) {
                wrong.push(format!("{places:?} cites {id}"));
            }
        }
    }
    none(&wrong, "write the clause in `specs/`, or correct the number");
}

#[test]
fn every_clause_is_cited_where_it_is_done() {
    let clauses = clauses();
    let done = citations("src", &areas(&clauses));
    let missing = clauses.iter().filter(|clause| !done.contains_key(&clause.id));
    let wrong: Vec<String> =
        missing.map(|clause| format!("{}: {} is cited nowhere", clause.place, clause.id)).collect();
    none(&wrong, "cite the clause in `src` where it is done, or take it out of `specs/`");
}

#[test]
fn every_clause_is_tested() {
    let clauses = clauses();
    let tested = citations("tests", &areas(&clauses));
    let mut wrong = Vec::new();
    for clause in &clauses {
        let named = clause.tests();
        if named.is_empty() && !tested.contains_key(&clause.id) {
            wrong.push(format!("{}: {} is tested nowhere", clause.place, clause.id));
        }
        for file in named {
            // A file of `src` has the tests in its documentation.
            let place = file.starts_with("tests/") || file.starts_with("src/");
            if !place || !root().join(file).is_file() {
                wrong.push(format!("{}: {} names `{file}`", clause.place, clause.id));
            }
        }
    }
    none(&wrong, "name the test files that exist: Tested by: `tests/refusals.rs`.");
}

#[test]
fn every_refusal_says_a_clause_that_exists() {
    let clauses = clauses();
    let source = std::fs::read_to_string(root().join("src/machine/refuse.rs")).unwrap();
    let from = source.find("pub fn clause(").expect("`Refusal::clause` is in refuse.rs");
    let body = &source[from..];
    let body = &body[..body.find("\n    }\n").expect("the function ends")];
    let said: Vec<&str> =
        body.split('"').skip(1).step_by(2).filter(|text| text.contains('-')).collect();
    let variants = body.matches("Self::").count();
    let codes = source.matches("=> \"").count();
    assert!(said.len() >= 10, "the clauses of refusals were not found in:\n{body}");
    assert!(codes >= variants, "each of {variants} refusals has a code");
    let known = |id: &str| clauses.iter().any(|clause| clause.id == id);
    let wrong: Vec<String> =
        said.iter().filter(|id| !known(id)).map(|id| format!("a refusal says {id}")).collect();
    none(&wrong, "write the clause in `specs/`, or correct `Refusal::clause`");
}

#[test]
fn every_file_of_the_specs_is_in_their_list() {
    let readme = std::fs::read_to_string(root().join("specs/README.md")).unwrap();
    let missing = files("specs", &["md"]).into_iter().filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name != "README.md" && !readme.contains(&format!("]({name})"))
    });
    let wrong: Vec<String> = missing.map(|path| shown(&path)).collect();
    none(&wrong, "add the file to the table in specs/README.md");
}
