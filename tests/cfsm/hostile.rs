//! Texts that are cut, huge, deep or written to explode, on threads with small stacks.

use std::fmt::Write;
use std::time::{Duration, Instant};

use antiphon::types::syntax::{Limits, cfsm, json, read};
use antiphon::types::{Diagnostics, Name, Protocol};

use super::{block, codes};

/// Reads on a thread with a stack of 256 KiB; anything that grows with the text overflows it.
fn on_small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let start = Instant::now();
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(work);
    let result = thread.expect("a thread starts").join().expect("no panic, no overflow");
    // Generous: what this guards against takes minutes.
    assert!(start.elapsed() < Duration::from_secs(40), "took {:?}", start.elapsed());
    result
}

fn errors(text: String) -> Vec<&'static str> {
    on_small_stack(move || match read(&text, &Limits::default()) {
        Ok(_) => vec!["ok"],
        Err(found) => codes(&found),
    })
}

/// Every place lies in the text.
fn placed(text: &str, found: &Diagnostics) {
    for diagnostic in found.list() {
        let (start, end) = (diagnostic.span.start as usize, diagnostic.span.end as usize);
        assert!(text.get(start..end).is_some(), "{diagnostic:?} in {text:?}");
        for (span, _) in &diagnostic.notes {
            assert!(text.get(span.start as usize..span.end as usize).is_some(), "{diagnostic:?}");
        }
    }
}

#[test]
fn texts_cut_anywhere_are_read_or_refused() {
    let text = "A = rec X . B!{ a(x: int, [string]) . X, é . end } B = rec X . A?{ a(x: int, [string]) . X, é . end }";
    let text = text.replace('é', "stop");
    let protocol: Protocol = text.parse().unwrap();
    let texts = [
        cfsm::write_dot(&protocol, None),
        cfsm::write_fsm(&protocol),
        json::write_automata(&protocol, None),
        "digraph \"Ä\" { 0 -> 1 [label=\"B→C:ä(<)\\\"\"]; /* x */ }".to_string(),
        "-- Ü\n.outputs Ä\n.state graph\né 1 ! ü(int) ö".to_string(),
    ];
    for text in texts {
        for cut in (0..text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            if let Err(found) = read(&text[..cut], &Limits::default()) {
                placed(&text[..cut], &found);
            }
            // And with one thing too many at this place.
            for more in ["\"", "{", "->", "!", "\n.end\n", "é", "\0"] {
                let longer = format!("{}{more}{}", &text[..cut], &text[cut..]);
                if let Err(found) = read(&longer, &Limits::default()) {
                    placed(&longer, &found);
                }
            }
        }
    }
}

fn chain(length: usize) -> (String, String) {
    let (mut fsm, mut dot) = (String::new(), String::new());
    for state in 0..length {
        writeln!(fsm, "q{state} 1 ! a q{}", state + 1).unwrap();
        writeln!(dot, "{state} -> {} [label=\"B!a\"]", state + 1).unwrap();
    }
    (fsm, dot)
}

#[test]
fn long_tables_are_read() {
    let b = block("B", "q 0 ? a q", "q");
    let (fsm, dot) = chain(100_000);
    assert_eq!(
        errors(format!("digraph A {{ {dot} }} digraph B {{ 0 -> 0 [label=\"A?a\"] }}")),
        ["ok"]
    );
    // A ring: one binder with all of it inside.
    let ring = fsm + "q100000 1 ! a q0\n";
    assert_eq!(errors(block("A", &ring, "q0") + &b), ["ok"]);
    // One state with many messages.
    let wide: String = (0..60_000).map(|label| format!("q 1 ! a{label} q\n")).collect();
    assert_eq!(errors(block("A", &wide, "q") + &b), ["ok"]);
    let json: Vec<String> = (0..50_000)
        .map(|k| {
            format!(r#"{{"from":{k},"to":{},"direction":"send","peer":"B","label":"a"}}"#, k + 1)
        })
        .collect();
    let json = format!(
        r#"{{"antiphon":"automata","version":1,"automata":[{{"role":"A","initial":0,"states":50001,"transitions":[{}]}},
           {{"role":"B","initial":0,"states":1,"transitions":[]}}]}}"#,
        json.join(",")
    );
    assert_eq!(errors(json), ["ok"]);
}

#[test]
fn a_million_states_are_too_many_to_write_out() {
    let b = block("B", "q 0 ? a q", "q");
    let (fsm, _) = chain(1_000_001);
    assert_eq!(errors(block("A", &fsm, "q0") + &b), ["too_large"]);
}

/// `length` states in a row, two ways from each to the next.
fn diamonds(length: usize) -> String {
    (0..length).map(|k| format!("q{k} 1 ! a q{0}\nq{k} 1 ! b q{0}\n", k + 1)).collect()
}

#[test]
fn ways_that_meet_again_and_again_stop_early() {
    let b = block("B", "q 0 ? a q\nq 0 ? b q", "q");
    assert_eq!(errors(block("A", &diamonds(10), "q0") + &b), ["ok"]);
    let text = block("A", &diamonds(40), "q0") + &b;
    let found = read(&text, &Limits::default()).unwrap_err();
    assert_eq!(codes(&found), ["too_large"]);
    let said = found.to_string();
    assert!(said.contains("the type of `A` has more than 1000000 nodes"), "{said}");
    assert!(said.contains("a type shares nothing"), "{said}");
    // The same for a hundred roles, each of which stays below the limit for one.
    let mut text: String = (0..100).map(|k| block(&format!("R{k}"), &diamonds(18), "q0")).collect();
    text = text.replacen("q0 1 ! a", "q0 2 ! a", 1).replace(" 1 !", " 101 !");
    text += &(block("M", "", "q") + &block("B", "", "q"));
    assert_eq!(errors(text), ["too_large"]);
}

#[test]
fn large_payloads_count_when_they_are_repeated() {
    let fields: Vec<String> = (0..1_000).map(|k| format!("f{k}: int")).collect();
    let lines = diamonds(16).replace("! a", &format!("! a({})", fields.join(", ")));
    assert_eq!(errors(block("A", &lines, "q0") + &block("B", "", "q")), ["too_large"]);
}

#[test]
fn subgraphs_nest_to_the_limit() {
    let text = |depth: usize| {
        let (open, close) = ("subgraph x { ".repeat(depth), "} ".repeat(depth));
        format!("digraph A {{ {open} 0 -> 0 [label=\"B!a\"] {close} }} digraph B {{ 0 }}")
    };
    assert_eq!(errors(text(9_998)), ["ok"]);
    for depth in [10_000, 1_000_000] {
        assert!(errors(text(depth)).contains(&"too_deep"), "{depth}");
    }
    let open = |sign: &str| format!("digraph A {{ {}", sign.repeat(1_000_000));
    assert!(errors(open("{")).contains(&"too_deep"));
    assert!(!errors(open("[")).contains(&"ok"));
    assert!(!errors(open("<")).contains(&"ok"));
    assert!(!errors(open("a -> ")).contains(&"ok"));
    assert!(!errors(open("}")).contains(&"ok"));
    let label = format!("digraph A {{ 0 -> 1 [label=\"B!a({}\"] }}", "[".repeat(1_000_000));
    assert!(errors(label).contains(&"too_deep"));
}

#[test]
fn nonsense_is_refused_in_time_by_its_length() {
    for line in
        [".outputs\n", ".outputs A\n", "q 1 ! a q\n", "! !\n", ".marking\n", ".end\n", ". \n"]
    {
        let text = format!(".outputs A\n.state graph\n{}", line.repeat(50_000));
        let found = errors(text);
        assert!(found != ["ok"] && found.len() <= 100, "{line}: {}", found.len());
    }
    let junk: String = (0..50_000).map(|k| format!("q 1 ! a{k}([{{x: int q\n")).collect();
    assert!(!errors(block("A", &junk, "q")).contains(&"ok"));
    let deep: String = (0..50).map(|k| format!("q 1 ! a{k}{} q\n", "(".repeat(9_000))).collect();
    assert!(!errors(block("A", &deep, "q")).contains(&"ok"));
    for statement in
        ["a -> b; ", "a -> b [label=\"B!x(\"]; ", "a; ", "; ", "a [label=b] ", "a:b:c "]
    {
        let text = format!("digraph A {{ {} }}", statement.repeat(50_000));
        let found = errors(text);
        assert!(found.len() <= 100, "{statement}: {}", found.len());
    }
    let roles: String = (0..50_000).map(|k| block(&format!("R{k}"), "", "q")).collect();
    assert_eq!(errors(roles), ["too_large"]);
    let roles: String = (0..50_000).map(|k| format!("digraph R{k} {{ 0 }}\n")).collect();
    assert_eq!(errors(roles), ["too_large"]);
}

#[test]
fn texts_are_no_longer_than_the_limit() {
    let limits = Limits { bytes_max: 10, ..Limits::default() };
    for read in [cfsm::read_fsm, cfsm::read_dot] {
        assert_eq!(codes(&read(".outputs ABC", &limits).unwrap_err()), ["too_large"]);
    }
    let limits = Limits { depth_max: 1, ..Limits::default() };
    assert!(cfsm::read_dot("digraph A { 0 }", &limits).is_ok());
    let found = cfsm::read_dot("digraph A { 0 [shape=box] }", &limits).unwrap_err();
    assert!(codes(&found).contains(&"too_deep"));
}

#[test]
fn a_table_that_is_large_and_shares_nothing_makes_a_protocol() {
    let (fsm, _) = chain(20_000);
    let text = block("A", &(fsm + "q20000 1 ? b q7\n"), "q0") + &block("B", "q 0 ? a q\n", "q");
    let (declared, _) = read(&text, &Limits::default()).unwrap();
    let antiphon::types::syntax::Declared::Local(locals) = declared else { panic!() };
    let protocol = Protocol::unchecked(Name::new("Large").unwrap(), locals).unwrap();
    assert_eq!(protocol.automaton(antiphon::types::RoleIx(0)).len(), 20_001);
}
