//! What reviewers would say again and again: the arrows between layers, what pure code may name,
//! how large a file is, what a repository holds. Each message says the remedy.

use std::collections::BTreeSet;
use std::path::Path;

/// Who may name whom: a layer, and the layers that it may name.
const ARROWS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("machine", &["types"]),
    ("wire", &["types", "machine"]),
    ("resume", &["types", "machine", "wire"]),
    ("files", &["types"]),
    ("journal", &[]),
    ("transport", &[]),
    ("driver", &["types", "machine", "wire", "resume", "journal", "transport"]),
    ("client", &["types", "wire", "resume", "transport"]),
    ("server", &["wire", "transport", "driver"]),
    (
        "simulation",
        &[
            "types",
            "machine",
            "wire",
            "resume",
            "journal",
            "transport",
            "driver",
            "client",
            "server",
        ],
    ),
    (
        "cli",
        &[
            "types",
            "machine",
            "wire",
            "resume",
            "files",
            "journal",
            "transport",
            "driver",
            "client",
            "server",
            "simulation",
        ],
    ),
];

/// Layers without I/O, clock, randomness, locks and anything asynchronous. Files that need the
/// feature `syntax` may use the standard library, and nothing else of these.
const PURE: &[&str] = &["src/types/", "src/machine/", "src/wire/", "src/resume/"];

/// The most lines of a file; the goal is 400.
const LINES_MAX: usize = 500;

/// Files that are longer, how long they may be, and why.
const LONGER: &[(&str, usize, &str)] = &[];

/// The widest line of the sources.
const COLUMNS_MAX: usize = 100;

/// The widest line elsewhere: `cargo fmt` does not look into the macros of tests.
const COLUMNS_TESTS_MAX: usize = 120;

/// A tracked file that is text.
struct File {
    path: String,
    text: String,
}

impl File {
    /// The lines of the file without comments and without its tests, numbered from 1.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.text.find("#[cfg(test)]\nmod ").unwrap_or(self.text.len());
        let lines = self.text[..end].lines().enumerate();
        lines.map(|(number, line)| (number + 1, line)).filter(|(_, line)| {
            let line = line.trim_start();
            !line.starts_with("//")
        })
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the repository: those that git tracks, or in an unpacked archive all but what
/// builds leave behind.
fn files() -> Vec<File> {
    let listed = std::process::Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    let paths: Vec<String> = match listed {
        Ok(output) if output.status.success() && !output.stdout.is_empty() => {
            let list = String::from_utf8_lossy(&output.stdout).into_owned();
            list.split('\0').filter(|path| !path.is_empty()).map(String::from).collect()
        }
        _ => walk(),
    };
    let read = |path: String| {
        let text = String::from_utf8(std::fs::read(root().join(&path)).ok()?).ok()?;
        Some(File { path, text })
    };
    let files: Vec<File> = paths.into_iter().filter_map(read).collect();
    assert!(files.iter().any(|file| file.path == "src/lib.rs"), "no files were found");
    files
}

fn walk() -> Vec<String> {
    let (mut paths, mut folders) = (Vec::new(), vec![root().to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && name != ".git" {
                folders.push(path);
            } else if path.is_file() {
                paths.push(path.strip_prefix(root()).unwrap().display().to_string());
            }
        }
    }
    paths
}

fn sources() -> impl Iterator<Item = File> {
    files().into_iter().filter(|file| file.path.starts_with("src/") && file.is_rust())
}

fn none(wrong: &[String], remedy: &str) {
    assert!(wrong.is_empty(), "\n{}\nremedy: {remedy}\n", wrong.join("\n"));
}

/// The identifiers of a line, in order.
fn words(line: &str) -> Vec<&str> {
    let word = |c: char| !(c.is_alphanumeric() || c == '_');
    line.split(word).filter(|word| !word.is_empty()).collect()
}

/// The layers that a line names by `crate::layer` or `crate::{layer, …}`.
fn named(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => found.extend(words(rest.lines().next().unwrap_or_default()).first()),
            // The first word of each part; parts of parts are of the same layer.
            Some(group) => {
                let (mut depth, mut start) = (0_usize, true);
                for (index, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && c.is_alphanumeric() => {
                            found.extend(words(&group[index..]).first());
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found
}

#[test]
fn layers_name_only_the_layers_above_them() {
    let layers: BTreeSet<&str> = ARROWS.iter().map(|(layer, _)| *layer).collect();
    let mut wrong = Vec::new();
    for file in sources() {
        let mut parts = file.path.split('/').skip(1);
        let layer = parts.next().unwrap_or_default();
        if ["lib.rs", "main.rs"].contains(&layer) {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == layer) else {
            wrong.push(format!("{}: the layer `{layer}` has no arrows", file.path));
            continue;
        };
        let code: String = file.code().map(|(_, line)| format!("{line}\n")).collect();
        for name in named(&code) {
            // What `lib.rs` hands on, like `crate::Protocol`, hides where it comes from.
            if name != layer && !allowed.contains(&name) {
                let what = if layers.contains(name) { "the layer" } else { "something called" };
                wrong.push(format!("{}: `{layer}` names {what} `{name}`", file.path));
            }
        }
    }
    none(
        &wrong,
        "a layer names only layers above it (see the picture in src/lib.rs), by `crate::layer`: \
         move the code, hand the thing over as an argument, or draw a new arrow in tests/tidy.rs",
    );
}

/// Whether a pure file is compiled without the standard library, too.
fn needs_no_std(file: &File) -> bool {
    !(file.path.starts_with("src/types/syntax") || file.path.starts_with("src/wire/"))
        || file.path == "src/wire/mod.rs"
}

#[test]
fn pure_layers_know_no_world() {
    const WORLD: &[&str] = &[
        "tokio",
        "async",
        "await",
        "Instant",
        "SystemTime",
        "Mutex",
        "RwLock",
        "rand",
        "getrandom",
        "thread",
        "fs",
        "env",
        "net",
        "process",
        "println",
        "eprintln",
    ];
    let mut wrong = Vec::new();
    for file in sources().filter(|file| PURE.iter().any(|pure| file.path.starts_with(pure))) {
        for (number, line) in file.code() {
            // What stands between quotes is text.
            let line: String = line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"");
            for word in words(&line) {
                if WORLD.contains(&word) || (word == "std" && needs_no_std(&file)) {
                    wrong.push(format!("{}:{number}: `{word}`", file.path));
                }
            }
        }
    }
    none(
        &wrong,
        "time, randomness, I/O and locks are arguments or belong to the driver; use `core` and \
         `alloc` instead of `std`",
    );
}

/// The name that a line declares in front of `at`: a field, a parameter or a variable.
fn declared(line: &str, at: usize) -> Option<&str> {
    let before = line[..at].trim_end_matches("hashbrown::").trim_end();
    let before = before.trim_end_matches(['&', ' ']).trim_end_matches("mut");
    words(before.trim_end_matches(['&', ' ', '=', ':'])).last().copied()
}

/// Changes `names`, the hash maps and sets that are known behind a line, by what the line declares.
/// Best effort: the last declaration of a name counts, and a map whose type is inferred is not seen.
fn declare(line: &str, names: &mut BTreeSet<String>) {
    let words = words(line);
    for pair in words.windows(2) {
        if ["let", "mut", "for"].contains(&pair[0]) {
            names.remove(pair[1]);
        }
    }
    for (at, _) in line.match_indices(": ") {
        if let Some(name) = words_before(line, at) {
            names.remove(name);
        }
    }
    for kind in ["HashMap<", "HashSet<", "HashMap::", "HashSet::"] {
        for (at, _) in line.match_indices(kind) {
            names.extend(declared(line, at).map(ToOwned::to_owned));
        }
    }
}

fn words_before(line: &str, at: usize) -> Option<&str> {
    words(&line[..at]).last().copied()
}

#[test]
fn pure_layers_iterate_over_no_hash_map() {
    let mut wrong = Vec::new();
    for file in sources().filter(|file| PURE.iter().any(|pure| file.path.starts_with(pure))) {
        let mut names = BTreeSet::new();
        for (number, line) in file.code() {
            declare(line, &mut names);
            let squeezed: String = line.chars().filter(|c| !c.is_whitespace()).collect();
            for name in &names {
                let walks = |call: &str| {
                    squeezed.match_indices(&format!("{name}.{call}(")).any(|(at, _)| {
                        let before = squeezed[..at].chars().last();
                        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
                    })
                };
                let calls =
                    ["iter", "iter_mut", "into_iter", "keys", "values", "values_mut", "drain"];
                let loops = ["", "&", "&mut ", "self.", "&self.", "&mut self."]
                    .iter()
                    .any(|by| line.contains(&format!(" in {by}{name} {{")));
                if loops || calls.iter().any(|call| walks(call)) {
                    wrong.push(format!("{}:{number}: `{name}` is a hash map", file.path));
                }
            }
        }
    }
    none(
        &wrong,
        "the order of a hash map differs from run to run: walk an array or a `BTreeMap`, or sort \
         first and rename the sorted thing",
    );
}

#[test]
fn files_are_short() {
    let mut wrong = Vec::new();
    for file in sources() {
        let lines = file.text.lines().count();
        let longer = LONGER.iter().find(|(path, ..)| *path == file.path);
        let limit = longer.map_or(LINES_MAX, |(_, limit, _)| *limit);
        if lines > limit {
            wrong.push(format!("{}: {lines} lines, {limit} at most", file.path));
        }
        if longer.is_some() && lines <= LINES_MAX {
            wrong.push(format!("{}: is short now, and still in the list `LONGER`", file.path));
        }
    }
    none(&wrong, "split the file: one idea a file, about 400 lines");
}

#[test]
fn lines_are_no_wider_than_the_screen() {
    let mut wrong = Vec::new();
    for file in files().into_iter().filter(File::is_rust) {
        let columns = if file.path.starts_with("src/") { COLUMNS_MAX } else { COLUMNS_TESTS_MAX };
        let (mut verbatim, mut goes_on) = (false, false);
        for (number, line) in file.text.lines().enumerate() {
            // Text is not broken: neither on one line nor in a raw literal over several.
            let literal = verbatim || goes_on || line.contains('"');
            goes_on = literal && line.ends_with('\\');
            verbatim ^= line.matches("r#\"").count() + line.matches("\"#").count() == 1;
            if line.chars().count() > columns && !literal {
                wrong.push(format!("{}:{}", file.path, number + 1));
            }
        }
    }
    none(&wrong, "break the line before column 100, or run `cargo fmt`");
}

#[test]
fn nothing_is_left_undone() {
    let mut wrong = Vec::new();
    for file in sources() {
        for (number, line) in file.code() {
            for macro_name in ["todo!", "unimplemented!", "dbg!"] {
                if line.contains(macro_name) {
                    wrong.push(format!("{}:{number}: `{macro_name}`", file.path));
                }
            }
            if line.contains("Result<") && line.contains(", String>") {
                wrong.push(format!("{}:{number}: an error that is a `String`", file.path));
            }
        }
    }
    none(&wrong, "finish it; an error is an enum or a struct of its own, with `thiserror`");
}

#[test]
fn no_module_is_called_core() {
    let called = |file: &File| {
        file.path.ends_with("/core.rs")
            || file.path.contains("/core/")
            || file.code().any(|(_, line)| line.contains("mod core"))
    };
    let wrong: Vec<String> = sources().filter(called).map(|file| file.path).collect();
    none(&wrong, "`core` is a crate of Rust; name the module after what it is");
}

#[test]
fn the_repository_stands_by_itself() {
    // Put together here, so that this file does not hold them.
    let roots = ["work", "root", "home", "Users", "tmp/wt", "tmp/target"];
    let mut forbidden: Vec<String> = roots.iter().map(|root| format!("/{root}/")).collect();
    forbidden.push(["..", "shared"].join("/"));
    let mut wrong = Vec::new();
    for file in files() {
        for (number, line) in file.text.lines().enumerate() {
            for place in &forbidden {
                for (at, _) in line.match_indices(place.as_str()) {
                    // A place inside the repository may be called like one of these.
                    let inside = line[..at]
                        .chars()
                        .last()
                        .is_some_and(|c| c.is_alphanumeric() || "._-}])*".contains(c));
                    if !inside || place.starts_with("..") {
                        wrong.push(format!("{}:{}: `{place}`", file.path, number + 1));
                    }
                }
            }
        }
    }
    none(&wrong, "name files by their place in the repository");
}

#[test]
fn the_root_holds_what_the_house_has() {
    const ROOT: &[&str] = &[
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE",
        "README.md",
        "benches",
        "build.rs",
        "deny.toml",
        "examples",
        "lean",
        "rustfmt.toml",
        "specs",
        "src",
        "tests",
    ];
    let entries: BTreeSet<String> = files()
        .iter()
        .map(|file| file.path.split('/').next().unwrap_or_default().to_owned())
        .filter(|entry| !entry.starts_with('.') && !ROOT.contains(&entry.as_str()))
        .collect();
    let wrong: Vec<String> = entries.into_iter().collect();
    none(&wrong, "put it into one of the folders, or add it to `ROOT` with a reason");
}

#[test]
fn the_readme_shows_the_folders_that_there_are() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap_or_default();
    let blocks: Vec<&str> = readme.split("```").skip(1).step_by(2).collect();
    let Some(tree) = blocks.iter().find(|block| block.contains("src/types")) else {
        return assert!(
            !readme.contains("src/types"),
            "the tree of the README is not in a block\nremedy: put it between ```"
        );
    };
    let folders = std::fs::read_dir(root().join("src")).unwrap().map(|entry| entry.unwrap());
    let folders = folders.filter(|entry| entry.path().is_dir());
    let folders: BTreeSet<String> =
        folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let shown = |folder: &String| tree.contains(&format!("src/{folder}"));
    let mut wrong: Vec<String> =
        folders.iter().filter(|folder| !shown(folder)).map(|f| format!("src/{f}")).collect();
    for (at, _) in tree.match_indices("src/") {
        if let Some(folder) = words(&tree[at + 4..]).first()
            && !root().join("src").join(folder).exists()
            && !root().join(format!("src/{folder}.rs")).exists()
        {
            wrong.push(format!("src/{folder}, which is not there"));
        }
    }
    none(&wrong, "make the README's tree show the folders of `src` as they are");
}

#[test]
fn every_test_file_is_in_a_program() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let groups: Vec<File> =
        files().into_iter().filter(|file| file.path.starts_with("tests/groups/")).collect();
    let mut wrong = Vec::new();
    for File { path, .. } in files() {
        let Some(name) = path.strip_prefix("tests/") else { continue };
        let is_program = manifest.contains(&format!("\npath = \"{path}\"\n"));
        let of_group = format!("#[path = \"../{name}\"]\n");
        let is_part = groups.iter().any(|group| group.text.contains(&of_group));
        let must = match name.split_once('/') {
            None => name.ends_with(".rs"),
            Some((folder, file)) => folder == "groups" || file == "main.rs",
        };
        if must && !is_program && !is_part {
            wrong.push(path);
        }
    }
    none(
        &wrong,
        "name the file in one of `tests/groups`, or as a `[[test]]` of its own in Cargo.toml",
    );
}

#[test]
fn dependencies_have_versions() {
    let mut wrong = Vec::new();
    for file in files().iter().filter(|file| file.path.ends_with("Cargo.toml")) {
        for (number, line) in file.text.lines().enumerate() {
            let any = !line.starts_with('[') && line.contains("\"*\"") || line.contains("\">=");
            if any || line.contains("git = ") {
                wrong.push(format!("{}:{}: {line}", file.path, number + 1));
            }
        }
    }
    none(&wrong, "name the version that was tried, like `1.12`");
}

#[test]
fn the_test_command_proves_that_the_pure_layers_need_no_std() {
    let command = std::fs::read_to_string(root().join(".ci/test")).unwrap_or_default();
    let wanted = ["cargo check --lib --no-default-features", "cargo fmt", "cargo clippy"];
    let missing: Vec<String> = wanted
        .iter()
        .filter(|stage| !command.contains(*stage))
        .map(|stage| format!(".ci/test does not run `{stage}`"))
        .collect();
    none(&missing, "keep these stages in .ci/test");
}
