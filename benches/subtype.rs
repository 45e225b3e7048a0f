//! What comparing two types takes: without reordering, where it may be quadratic in the states; with
//! reordering, where it follows what the candidate owes. Compiling the automata is not counted.
//!
//! - exchanges: a request and a reply, so often that a type has 1,000 states; the candidate is the
//!   same, or one request ahead.
//! - loops: every pair of states is reached; four times as many states take sixteen times as long.
//! - buffers: a kernel that asks its source for `k` values ahead; so many steps for each, and words
//!   of `k` letters in each step.
//! - ring: a role of a ring that sends one of `k` labels before it receives; linear in `k`.
//! - nested: the choices of PPoPP 2022's benchmark: types grow fivefold a level, automata do not.
//! - unbounded: what is owed grows without end, and an invariant is found.

use std::fmt::Write;
use std::hint::black_box;
use std::time::Duration;

use antiphon::types::subtype::{Bounds, Comparison};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

const BOUNDS: Bounds = Bounds { steps_max: 2_000_000 };

fn compared(candidate: &str, supertype: &str) -> Comparison {
    Comparison::new(&candidate.parse().unwrap(), &supertype.parse().unwrap()).unwrap()
}

/// `count` requests, each with its reply before the next one, or behind it.
fn exchanges(count: usize, ahead: bool) -> String {
    let mut text = String::from(if ahead { "p!ask0 . rec X . " } else { "rec X . " });
    for at in 0..count {
        let next = (at + 1) % count;
        let _ = match ahead {
            true => write!(text, "p!ask{next} . p?reply{at} . "),
            false => write!(text, "p!ask{at} . p?reply{at} . "),
        };
    }
    text + "X"
}

/// A loop of `length` states that differ in one place only.
fn around(length: usize, most: &str, last: &str) -> String {
    let mut text = String::from("rec X . ");
    for at in 1..=length {
        let more = if at == length { last } else { most };
        let _ = write!(text, "p!{{ {more}a . ");
    }
    text + "X" + &" }".repeat(length)
}

fn kernel(ahead: usize) -> String {
    let ready = "S!ready . ".repeat(ahead);
    format!("{ready}rec K . S!ready . S?value . T?ready . T!value . K")
}

/// A role of a ring, and the same one that sends first.
fn ring(labels: usize) -> (String, String) {
    let branches = |next: &str| -> String {
        (0..labels).map(|label| format!("l{label} . {next}")).collect::<Vec<_>>().join(", ")
    };
    (
        format!("rec X . C!{{ {} }}", branches("A?add . X")),
        format!("rec X . A?add . C!{{ {} }}", branches("X")),
    )
}

fn nested(levels: usize) -> String {
    if levels == 0 {
        return "end".into();
    }
    let next = nested(levels - 1);
    format!(
        "B!{{ m . B?{{ r . {next}, s . {next}, u . {next} }}, p . B?{{ r . {next}, s . {next} }} }}"
    )
}

fn over_nested(levels: usize) -> String {
    let next = nested(levels - 1);
    format!(
        "B?{{ r . B!{{ m . {next}, p . {next}, q . {next} }}, s . B!{{ m . {next}, p . {next} }} }}"
    )
}

fn subtype(c: &mut Criterion) {
    let mut group = c.benchmark_group("subtype");
    group.sample_size(20).measurement_time(Duration::from_secs(1));
    group.warm_up_time(Duration::from_millis(300));
    let mut case = |name: &str, size: usize, compared: &Comparison, reordering: bool| {
        let decide = || match reordering {
            true => compared.asynchronous(&BOUNDS),
            false => compared.synchronous(&BOUNDS),
        };
        let verdict = decide();
        assert!(verdict.is_yes(), "{name}: {:?}", verdict.answer);
        println!("{name} {size}: {} steps", verdict.steps);
        group.bench_function(BenchmarkId::new(name, size), |b| b.iter(|| black_box(decide())));
    };
    let (same, ahead) = (exchanges(500, false), exchanges(500, true));
    case("exchanges in order", 1000, &compared(&same, &same), false);
    case("exchanges reordered, the same", 1000, &compared(&same, &same), true);
    case("exchanges reordered, ahead", 1000, &compared(&ahead, &same), true);
    for length in [25, 100, 400] {
        let one = around(length, "", "b . end, ");
        let other = around(length + 1, "b . end, ", "b . end, c . end, ");
        case("loops in order", length, &compared(&one, &other), false);
    }
    for k in [1, 2, 4, 8, 16] {
        case("buffers", k, &compared(&kernel(k), &kernel(0)), true);
    }
    for k in [1, 4, 16, 64] {
        let (candidate, supertype) = ring(k);
        case("ring", k, &compared(&candidate, &supertype), true);
    }
    for levels in [1, 2, 3, 4, 5, 6] {
        case("nested", levels, &compared(&nested(levels), &over_nested(levels)), true);
    }
    let grows = compared(
        "rec X . p!hq . p?{ ok . X, ko . p!lq . X }",
        "rec X . p!{ hq . p?{ ok . X, ko . X }, lq . p?{ ok . X, ko . X } }",
    );
    case("unbounded", 1, &grows, true);
    group.finish();
}

criterion_group!(benches, subtype);
criterion_main!(benches);
