//! The model is the same tree as the pure layers: each file there has a twin under `lean/Antiphon`, or
//! a line in `specs/exceptions.md` that says why not; and a choice between alternatives (an input, a
//! refusal, an outcome, a status) has the same alternatives, by the same names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn below(folder: &str, ending: &str) -> BTreeSet<String> {
    fn walk(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            match path.is_dir() {
                true if hidden => {}
                true => walk(&path, found),
                false => found.push(path),
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    walk(&root, &mut found);
    let relative = found.iter().map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap());
    relative.filter_map(|path| path.strip_suffix(ending)).map(str::to_owned).collect()
}

/// `machine/role_map` as Lean writes it: `Machine/RoleMap`.
fn twin(rust: &str) -> String {
    let part = |part: &str| -> String {
        let words = part.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
        words.collect()
    };
    let path = rust.strip_suffix("/mod").unwrap_or(rust);
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// The paths in the first column of the tables.
fn exceptions() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("specs/exceptions.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let named = rows.flat_map(|row| row.split(" |").next().unwrap().split("`, `"));
    named.map(|path| path.trim_end_matches('`').trim_end_matches(".rs").to_owned()).collect()
}

#[test]
fn each_file_of_the_pure_layers_has_a_twin_or_a_reason() {
    let (twins, exceptions) = (below("lean/Antiphon", ".lean"), exceptions());
    let is_in = |file: &str, of: &str| {
        file == of || file.strip_prefix(of).is_some_and(|rest| rest.starts_with('/'))
    };
    let mut wrong = Vec::new();
    let layers = ["types", "machine", "resume"].map(|layer| {
        let files = below(&format!("src/{layer}"), ".rs");
        files.into_iter().map(|file| format!("{layer}/{file}")).collect::<Vec<_>>()
    });
    let files: Vec<String> = layers.concat();
    for file in &files {
        let has_reason = exceptions.iter().any(|of| is_in(file, of));
        // The roots of the layers are lists of modules, and the machine itself.
        let is_root = file == "types/mod" || file == "resume/mod";
        if !twins.contains(&twin(file)) && !has_reason && !is_root {
            wrong.push(format!(
                "src/{file}.rs: no lean/Antiphon/{}.lean, and no reason",
                twin(file)
            ));
        }
    }
    for of in &exceptions {
        let named: Vec<&String> = files.iter().filter(|file| is_in(file, of)).collect();
        if named.is_empty() {
            wrong.push(format!("specs/exceptions.md: there is no src/{of}.rs"));
        } else if named.iter().all(|file| twins.contains(&twin(file))) {
            wrong.push(format!("specs/exceptions.md: src/{of}.rs has a twin of its name"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\nremedy: write the twin, or a line in specs/exceptions.md",
        wrong.join("\n")
    );
}

/// Where a choice is not the same in both, by its name: what only the Rust has, what only the model
/// has, and why.
const APART: &[(&str, &[&str], &[&str], &str)] = &[
    (
        "Output",
        &["persist"],
        &["record"],
        "the model tells records one by one, and makes no batches",
    ),
    ("Input", &[], &["over"], "what an input came over stands beside its authority in the Rust"),
    ("Verdict", &["wrong"], &["violation"], "the model's violation is a run that it has looked at"),
    ("OutboundRefusal", &["tooMany"], &[], "the model's numbers have no end"),
];

/// The choices of a text by their names: of each the alternatives, as Lean writes them.
fn choices(text: &str, lean: bool) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut open: Option<String> = None;
    let word = |text: &str| -> String {
        text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    for line in text.lines() {
        let head = if lean {
            line.strip_prefix("inductive ")
        } else {
            let bare = ["pub(super) ", "pub(crate) ", "pub "];
            let line = bare.iter().find_map(|word| line.strip_prefix(word)).unwrap_or(line);
            line.strip_prefix("enum ")
        };
        if let Some(head) = head {
            open = Some(word(head)).filter(|name| !name.is_empty());
            found.entry(open.clone().unwrap_or_default()).or_default();
            continue;
        }
        let Some(name) = &open else { continue };
        let alternative = if lean {
            line.trim_start().strip_prefix("| ").map(|rest| word(rest.trim_start_matches('«')))
        } else {
            let rest =
                line.strip_prefix("    ").filter(|rest| rest.starts_with(char::is_uppercase));
            rest.map(|rest| {
                let name = word(rest);
                name[..1].to_lowercase() + &name[1..]
            })
        };
        if let Some(alternative) = alternative {
            let alternative = alternative.trim_end_matches('_').to_owned();
            found.entry(name.clone()).or_default().insert(alternative);
        } else if line.starts_with('}') || line.starts_with("deriving") || (lean && line.is_empty())
        {
            open = None;
        }
    }
    found
}

#[test]
fn each_choice_has_the_same_alternatives_in_both() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: String| std::fs::read_to_string(root.join(path)).unwrap();
    let mut model: BTreeMap<String, Vec<(String, BTreeSet<String>)>> = BTreeMap::new();
    for file in below("lean/Antiphon", ".lean") {
        if file.starts_with("Thm/") {
            continue;
        }
        for (name, of) in choices(&read(format!("lean/Antiphon/{file}.lean")), true) {
            model.entry(name).or_default().push((file.clone(), of));
        }
    }
    let (mut wrong, mut compared) = (Vec::new(), BTreeSet::new());
    for layer in ["types", "machine", "resume"] {
        for file in below(&format!("src/{layer}"), ".rs") {
            let file = format!("{layer}/{file}");
            for (name, ours) in choices(&read(format!("src/{file}.rs")), false) {
                // A name is of its folder.
                let folder =
                    |path: &str| path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
                let home = folder(&twin(&file));
                let twins = model.get(&name).into_iter().flatten();
                let twins: Vec<_> = twins.filter(|(there, _)| folder(there) == home).collect();
                if twins.is_empty() {
                    continue;
                }
                let apart = APART.iter().find(|(of, ..)| *of == name);
                let (only_ours, only_theirs) = apart.map_or((&[][..], &[][..]), |a| (a.1, a.2));
                let mut wanted = ours.clone();
                wanted.retain(|one| !only_ours.contains(&one.as_str()));
                wanted.extend(only_theirs.iter().map(|one| (*one).to_owned()));
                if twins.iter().any(|(_, theirs)| *theirs == wanted) {
                    compared.insert(name);
                } else {
                    wrong.push(format!(
                        "src/{file}.rs: {name}: {ours:?}, and in the model {twins:?}"
                    ));
                }
            }
        }
    }
    for (name, .., why) in APART {
        if !compared.contains(*name) {
            wrong.push(format!("{name} is said to be apart because {why}, and is not"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\nremedy: the same alternatives, or a line in APART",
        wrong.join("\n")
    );
    assert!(compared.len() >= 30, "only these were compared: {compared:?}");
}
