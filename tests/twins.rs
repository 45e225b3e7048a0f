//! The model is the same tree as the pure layers: each file there has a twin under `lean/Antiphon`, or
//! a line in `specs/exceptions.md` that says why not.

use std::collections::BTreeSet;
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
