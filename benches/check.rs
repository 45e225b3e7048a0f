//! P11: reading, checking, projecting and composing the protocols of the library, beside the start
//! of a process that does nothing; and a ring of 100 roles.

use std::fmt::Write;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use antiphon::files::Folder;
use antiphon::types::syntax::{Limits, Source};
use antiphon::types::{ComposeLimits, compose};
use criterion::{Criterion, criterion_group, criterion_main};

fn library() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/protocols");
    let mut files = Vec::new();
    for kind in ["global", "local", "automata"] {
        for entry in std::fs::read_dir(folder.join(kind)).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_file() {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            files.push((path, bytes));
        }
    }
    files.sort();
    files
}

fn compile(name: &str, bytes: &[u8]) {
    let mut folder = Folder::of(Path::new(name));
    let source = Source::read_with(name, bytes, &Limits::default(), &mut folder).unwrap();
    for protocol in source.protocols().unwrap() {
        black_box(compose(&protocol, &ComposeLimits::default()));
    }
}

/// A token that goes round `roles` roles until the first one stops it.
fn ring(roles: usize) -> String {
    let declared: Vec<String> = (0..roles).map(|role| format!("role R{role}")).collect();
    let mut text =
        format!("global protocol Ring({}) {{ rec Round {{ choice at R0 {{\n", declared.join(", "));
    for (label, end) in [("token", "continue Round;"), ("stop", "")] {
        for role in 0..roles {
            writeln!(text, "{label}(nat) from R{role} to R{};", (role + 1) % roles).unwrap();
        }
        text.push_str(end);
        text.push_str(if label == "token" { "} or {" } else { "}}}" });
    }
    text
}

fn check(c: &mut Criterion) {
    let files = library();
    let mut group = c.benchmark_group("P11 check, project and compose");
    group.bench_function(format!("all {} protocols of the library", files.len()), |b| {
        b.iter(|| files.iter().for_each(|(path, bytes)| compile(&path.to_string_lossy(), bytes)));
    });
    // The slowest one, by a run of each.
    let slowest = files.iter().max_by_key(|(path, bytes)| {
        let started = std::time::Instant::now();
        compile(&path.to_string_lossy(), bytes);
        started.elapsed()
    });
    let (path, bytes) = slowest.unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    let whole = path.to_string_lossy();
    group.bench_function(format!("the slowest: {name}"), |b| b.iter(|| compile(&whole, bytes)));
    let ring = ring(100);
    group.sample_size(10);
    group
        .bench_function("a ring of 100 roles", |b| b.iter(|| compile("ring.scr", ring.as_bytes())));

    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_antiphon"));
        let status = command.args(arguments).stdout(Stdio::null()).status().unwrap();
        assert!(status.success());
    };
    group.bench_function("process: floor, --version", |b| b.iter(|| run(&["--version"])));
    let path = path.to_string_lossy();
    group.bench_function(format!("process: check {name}"), |b| b.iter(|| run(&["check", &path])));
    group.finish();
}

criterion_group!(benches, check);
criterion_main!(benches);
