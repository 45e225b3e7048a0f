//! P11, composition: every protocol of the library, rings, buffers, and configurations a second of
//! explorations without reduction.

use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use antiphon::Protocol;
use antiphon::files::Folder;
use antiphon::types::compose::{Capacities, ComposeLimits, Composition, Kind, compose};
use antiphon::types::syntax::{Limits, Source};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

#[path = "../src/cli/bench/families.rs"]
#[expect(dead_code, reason = "what it has for `antiphon bench`")]
mod families;
use families::streams;

fn library() -> Vec<(String, Protocol)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/protocols");
    let mut files = Vec::new();
    for kind in ["global", "local"] {
        for entry in std::fs::read_dir(folder.join(kind)).unwrap() {
            let path = entry.unwrap().path();
            files.extend(path.is_file().then_some(path));
        }
    }
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let source = Source::read_with(
            &name,
            &std::fs::read(path).unwrap(),
            &Limits::default(),
            &mut Folder::of(path),
        )
        .unwrap();
        let protocols = source.protocols().unwrap();
        protocols.into_iter().map(move |protocol| (name.clone(), protocol)).collect::<Vec<_>>()
    };
    files.iter().flat_map(read).collect()
}

fn read(text: &str) -> Protocol {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// A token goes round until the first role stops it.
fn token_ring(roles: usize) -> Protocol {
    let mut text = String::new();
    let (next, last) = (|role| (role + 1) % roles, roles - 1);
    writeln!(text, "R0 = rec X . R1!{{ t . R{last}?t . X, stop . R{last}?stop . end }}").unwrap();
    for role in 1..roles {
        let (from, to) = (role - 1, next(role));
        writeln!(text, "R{role} = rec X . R{from}?{{ t . R{to}!t . X, stop . R{to}!stop . end }}")
            .unwrap();
    }
    read(&text)
}

/// Every role sends before it receives.
fn sending_ring(roles: usize) -> Protocol {
    let mut text = String::new();
    for role in 0..roles {
        let (from, to) = ((role + roles - 1) % roles, (role + 1) % roles);
        writeln!(text, "R{role} = rec X . R{to}!t . R{from}?t . X").unwrap();
    }
    read(&text)
}

/// A kernel keeps `ahead` requests on the way to its source.
fn buffering(ahead: usize) -> Protocol {
    let asks = "Source!ready . ".repeat(ahead);
    read(&format!(
        "Kernel = {asks} rec K . Source!ready . Source?value . Sink?ready . Sink!value . K
         Source = rec S . Kernel?ready . Kernel!value . S
         Sink = rec T . Kernel!ready . Kernel?value . T"
    ))
}

/// Three pairs, each with some hundred configurations: small rows, many configurations.
fn counters(states: usize) -> Protocol {
    let mut text = String::new();
    for counter in 0..3 {
        let (sends, takes) = (
            format!("B{counter}!x . ").repeat(states / 2),
            format!("A{counter}?x . ").repeat(states / 2),
        );
        writeln!(text, "A{counter} = rec X . {sends} B{counter}?y . X").unwrap();
        writeln!(text, "B{counter} = rec X . {takes} A{counter}!y . X").unwrap();
    }
    read(&text)
}

fn whole(capacity: u32, protocol: &Protocol) -> ComposeLimits {
    ComposeLimits {
        configurations: 4_000_000,
        bound_configurations: 0,
        capacities: Capacities::Fixed(vec![capacity; protocol.edges().len()].into()),
        reduction: false,
        ..ComposeLimits::default()
    }
}

/// One line of figures: what a benchmark's name cannot say.
fn figures(name: &str, protocol: &Protocol, limits: &ComposeLimits) -> Composition {
    let started = Instant::now();
    let found = compose(protocol, limits);
    let (took, explored) = (started.elapsed(), found.explored);
    let seconds = took.as_secs_f64();
    println!(
        "{name}: {} configurations, {} transitions in {took:.2?}: {:.2} M/s, {} bytes each",
        explored.configurations,
        explored.transitions,
        explored.configurations as f64 / seconds / 1e6,
        explored.bytes / explored.configurations.max(1),
    );
    let broken = found.violation.as_ref().map(|violation| violation.kind);
    assert!(broken.is_none_or(|kind| matches!(kind, Kind::NotLive(_))), "{broken:?}");
    found
}

fn composition(c: &mut Criterion) {
    let library = library();
    let mut group = c.benchmark_group("P11 composition");
    group.bench_function(format!("all {} protocols of the library", library.len()), |b| {
        b.iter(|| {
            for (_, protocol) in &library {
                black_box(compose(protocol, &ComposeLimits::default()));
            }
        });
    });
    let time = |protocol: &Protocol| -> Duration {
        let started = Instant::now();
        black_box(compose(protocol, &ComposeLimits::default()));
        started.elapsed()
    };
    let (name, slowest) = library.iter().max_by_key(|(_, protocol)| time(protocol)).unwrap();
    group.bench_function(format!("the slowest: {name}"), |b| b.iter(|| time(slowest)));

    group.sample_size(10);
    let default = ComposeLimits::default();
    for roles in [10, 50, 100] {
        for (what, protocol) in [("token", token_ring(roles)), ("sending", sending_ring(roles))] {
            let name = format!("{what} ring of {roles} roles");
            figures(&name, &protocol, &default);
            group.bench_function(name, |b| b.iter(|| compose(&protocol, &default)));
        }
    }
    for ahead in [5, 12] {
        let protocol = buffering(ahead);
        let name = format!("buffering {ahead} ahead");
        figures(&name, &protocol, &default);
        group.bench_function(name, |b| b.iter(|| compose(&protocol, &default)));
    }
    let sizes = [
        ("2^16 configurations, 32 roles", read(&streams(16)), 1),
        ("2^20 configurations, 40 roles", read(&streams(20)), 1),
        ("10^6 configurations, 6 roles", counters(44), 4),
    ];
    for (name, protocol, capacity) in sizes {
        let limits = whole(capacity, &protocol);
        let found = figures(name, &protocol, &limits);
        figures(
            &format!("{name}, reduced"),
            &protocol,
            &ComposeLimits { reduction: true, ..limits.clone() },
        );
        group.throughput(Throughput::Elements(found.explored.configurations as u64));
        group.bench_function(format!("whole: {name}"), |b| b.iter(|| compose(&protocol, &limits)));
    }
    group.finish();
}

criterion_group!(benches, composition);
criterion_main!(benches);
