//! Every protocol of the library reads, compiles, prints and reads again.

use std::path::Path;

use antiphon::files::Folder;
use antiphon::types::syntax::{Declared, Each, Limits, Source};
use antiphon::types::{ComposeLimits, compose};

fn files(folder: &str) -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/protocols").join(folder);
    let entries = std::fs::read_dir(&folder).unwrap();
    // In `parts` stand modules that others import.
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

fn valid() -> Vec<std::path::PathBuf> {
    ["global", "local", "automata"].into_iter().flat_map(files).collect()
}

fn read(path: &Path) -> Result<Source, antiphon::types::syntax::Report> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let bytes = std::fs::read(path).unwrap();
    Source::read_with(name, &bytes, &Limits::default(), &mut Folder::of(path))
}

#[test]
fn every_valid_protocol_compiles_without_a_warning() {
    let mut wrong = Vec::new();
    let all = valid();
    assert!(all.len() >= 30, "the library has {} protocols", all.len());
    for path in all {
        match read(&path).and_then(|source| source.protocols().map(|_| source)) {
            Ok(source) if source.warnings.is_empty() => {}
            Ok(source) => wrong.push(source.report(source.warnings.clone()).to_string()),
            Err(report) => wrong.push(report.to_string()),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_valid_protocol_prints_to_what_reads_to_the_same() {
    for path in valid() {
        let source = read(&path).unwrap();
        for each in source.declared.each() {
            match each {
                Each::Global(global) => {
                    let again: antiphon::types::GlobalType = global.to_string().parse().unwrap();
                    assert_eq!(&again, global, "{}", path.display());
                }
                Each::Local(_, locals) => {
                    let again: antiphon::types::LocalTypes = locals.to_string().parse().unwrap();
                    assert_eq!(&again, locals, "{}", path.display());
                }
            }
        }
    }
}

#[test]
fn every_code_of_the_invalid_library_is_found_by_its_name() {
    for path in files("invalid") {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let found = match read(&path) {
            Err(report) => report.diagnostics,
            // Only the classic projection, which is asked for by itself, gives this code.
            Ok(source) if stem == "unmergeable" => {
                source.protocols().expect("it has a projection");
                let Declared::Global(globals) = &source.declared else { panic!("not global") };
                antiphon::types::project_all(&globals[0]).unwrap_err()
            }
            Ok(source) => match source.protocols() {
                Ok(protocols) => {
                    let mut found = source.warnings;
                    for protocol in &protocols {
                        let composition = compose(protocol, &ComposeLimits::default());
                        composition.diagnostic(protocol).into_iter().for_each(|d| found.push(d));
                    }
                    found
                }
                Err(report) => report.diagnostics,
            },
        };
        let codes: Vec<&str> = found.list().iter().map(|found| found.code.as_str()).collect();
        if stem == "several_errors" {
            assert!(codes.len() >= 6, "{codes:?}");
        } else {
            assert!(
                !codes.is_empty() && codes.iter().all(|code| *code == stem),
                "{stem}: {codes:?}"
            );
        }
    }
}

#[test]
fn every_code_has_a_file_that_shows_it() {
    let shown: Vec<String> = files("invalid")
        .iter()
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    // It takes a protocol of a million configurations; `tests/cli.rs` has it with a lower limit.
    let elsewhere = antiphon::types::Code::CompositionUnknown;
    for code in antiphon::types::Code::ALL.iter().filter(|code| **code != elsewhere) {
        assert!(shown.iter().any(|stem| stem == code.as_str()), "no file shows `{code}`");
    }
}
