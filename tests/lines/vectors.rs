//! Vectors: lines with the answers that they must have, one to a line of a file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value as Tree, json};

use super::Line;

/// What a file holds.
#[derive(Debug, Clone)]
pub struct Vector {
    /// What it shows.
    pub about: String,
    pub lines: Vec<Line>,
    pub answers: Vec<Tree>,
}

/// Where they are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/vectors")
}

/// All of them, by their names.
pub fn all() -> Vec<(PathBuf, Vector)> {
    let entries = std::fs::read_dir(folder()).expect("the vectors are there");
    let paths = entries.map(|entry| entry.expect("it is readable").path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "jsonl")).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), Vector::read(&path))).collect()
}

impl Vector {
    /// # Panics
    /// If the file is none of vectors.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("it is readable");
        let mut entries = text.lines().map(|line| {
            serde_json::from_str::<Tree>(line).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        });
        let first = entries.next().expect("it is not empty");
        let about = first["about"].as_str().expect("it says what it shows").to_owned();
        let (mut lines, mut answers) = (Vec::new(), Vec::new());
        for entry in entries {
            let line = Line { say: entry["say"].clone(), model: entry.get("model").cloned() };
            lines.push(line);
            answers.push(entry["answer"].clone());
        }
        Self { about, lines, answers }
    }

    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, path: &Path) {
        let mut text = format!("{}\n", json!({"about": self.about}));
        for (line, answer) in self.lines.iter().zip(&self.answers) {
            let mut entry = json!({"say": line.say, "answer": answer});
            if let Some(model) = &line.model {
                entry["model"] = model.clone();
            }
            writeln!(text, "{entry}").expect("a string takes all");
        }
        std::fs::write(path, text).expect("it is writable");
    }
}
