//! Protocols in files: where the modules of a file are looked for, and where they are not.
#![cfg(feature = "syntax")]

use std::path::{Path, PathBuf};

use antiphon::files::OpenError;
use antiphon::types::syntax::{Report, Source};

/// A folder of this test's own, gone when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("antiphon-{}-{name}", std::process::id()));
        for (file, text) in files {
            let file = path.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        Self(path)
    }

    fn open(&self, file: &str) -> Result<Source, Report> {
        Source::open(self.0.join(file)).map_err(|error| match error {
            OpenError::Refused(report) => *report,
            OpenError::Unread { path, error } => panic!("{}: {error}", path.display()),
        })
    }

    /// The codes of what is wrong with a file, and the first message.
    fn wrong(&self, file: &str) -> (Vec<&'static str>, String) {
        let found = self.open(file).unwrap_err().diagnostics;
        let codes = found.list().iter().map(|found| found.code.as_str()).collect();
        (codes, found.list()[0].message.clone())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const TALK: &str = "aux global protocol Talk(role X, role Y) { hello from X to Y; }";

fn main_file(declarations: &str, module: &str) -> String {
    format!("{declarations} global protocol P(role A, role B) {{ do {module}.Talk(A, B); }}")
}

#[test]
fn modules_are_files_beside_the_main_one() {
    let folder = Folder::new(
        "beside",
        &[
            ("main.scr", &main_file("import talk;", "talk")),
            ("deep.scr", &main_file("module any.name.at.all; import a.b.talk;", "talk")),
            ("main.nuscr", &main_file("import both;", "both")),
            ("talk.scr", TALK),
            ("both.scr", "wrong"),
            ("both.nuscr", TALK),
            ("a/b/talk.nuscr", &format!("module a.b.talk; {TALK}")),
        ],
    );
    for file in ["main.scr", "deep.scr", "main.nuscr"] {
        let source = folder.open(file).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(source.protocol(None).unwrap().name(), &"P");
        assert!(Path::new(&source.texts.imported()[0].name).is_file());
    }
}

/// `module a.b.Main;` in `a/b/Main.scr`: full names are looked up in the folder that `a` is in.
#[test]
fn full_names_are_looked_up_where_the_main_module_has_its_full_name() {
    let folder = Folder::new(
        "root",
        &[
            ("a/b/Main.scr", &main_file("module a.b.Main; import a.c.Talk;", "a.c.Talk")),
            ("a/b/Other.scr", &main_file("module x.b.Other; import a.c.Talk;", "a.c.Talk")),
            ("a/c/Talk.scr", &format!("module a.c.Talk; import a.b.Part; {TALK}")),
            ("a/b/Part.scr", "module a.b.Part;"),
        ],
    );
    assert_eq!(folder.open("a/b/Main.scr").unwrap().texts.imported().len(), 2);
    let (codes, said) = folder.wrong("a/b/Other.scr");
    assert_eq!(codes, ["unknown_module"], "{said}");
}

#[test]
fn what_is_not_there_or_cannot_be_read_is_told_at_the_import() {
    let main = |module: &str| main_file(&format!("import {module};"), module);
    let folder = Folder::new(
        "unread",
        &[
            ("missing.scr", &main("nowhere.to.be_found")),
            ("folder.scr", &main("inner")),
            ("inner.scr/file", ""),
            ("binary.scr", &main("bytes")),
        ],
    );
    std::fs::write(folder.0.join("bytes.scr"), b"// \xff").unwrap();
    let (codes, said) = folder.wrong("missing.scr");
    assert_eq!(codes, ["unknown_module"]);
    assert!(said.contains("there is no file") && said.contains("be_found.scr`"), "{said}");
    let (codes, said) = folder.wrong("folder.scr");
    assert_eq!(codes, ["unknown_module"]);
    assert!(said.contains("not a regular file"), "{said}");
    assert_eq!(folder.wrong("binary.scr").0, ["invalid_utf8"]);
    let missing = Source::open(folder.0.join("none.scr")).unwrap_err();
    assert!(matches!(missing, OpenError::Unread { .. }), "{missing}");
}

/// A module is named by names with dots between them: nothing else is read as one.
#[test]
fn an_import_names_nothing_outside_the_folder() {
    let folder = Folder::new("outside", &[("in/here.scr", TALK), ("secret.scr", TALK)]);
    for import in
        ["..secret", ".secret", "/secret", "../secret", "\"../secret\"", "a/secret", "C:secret"]
    {
        std::fs::write(folder.0.join("in/main.scr"), main_file(&format!("import {import};"), "x"))
            .unwrap();
        let (codes, _) = folder.wrong("in/main.scr");
        assert!(codes.iter().all(|code| code.starts_with("unexpected_")), "{import}: {codes:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_not_followed() {
    let folder = Folder::new(
        "link",
        &[
            ("in/main.scr", &main_file("import secret;", "secret")),
            ("in/inside.scr", &main_file("import same;", "same")),
            ("in/talk.scr", TALK),
            ("secret.scr", TALK),
        ],
    );
    std::os::unix::fs::symlink("../secret.scr", folder.0.join("in/secret.scr")).unwrap();
    std::os::unix::fs::symlink("talk.scr", folder.0.join("in/same.scr")).unwrap();
    let (codes, said) = folder.wrong("in/main.scr");
    assert_eq!(codes, ["unknown_module"]);
    assert!(said.contains("outside the folder"), "{said}");
    assert!(folder.open("in/inside.scr").is_ok());
}
