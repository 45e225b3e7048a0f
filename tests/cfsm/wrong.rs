//! Texts that are wrong: what is said, and where.

use antiphon::types::syntax::{Limits, Source, read};
use antiphon::types::{Code, Diagnostics};

use super::{block, codes, meaning};

fn found(text: &str) -> Diagnostics {
    match read(text, &Limits::default()) {
        Ok((_, warnings)) => warnings,
        Err(found) => found,
    }
}

/// Each diagnostic as its code and the text at its place.
fn places(text: &str) -> Vec<(&'static str, &str)> {
    let list = found(text);
    let place = |d: &antiphon::types::Diagnostic| {
        (d.code.as_str(), &text[d.span.start as usize..d.span.end as usize])
    };
    list.list().iter().map(place).collect()
}

/// An automaton `A` with these lines, beside one that can take part in anything.
fn pair(lines: &str) -> String {
    block("A", lines, "q0") + &block("B", "q0 0 ? a q0", "q0")
}

#[test]
fn a_wrong_line_is_shown_where_it_is_wrong() {
    let table: &[(&str, &[(&str, &str)])] = &[
        ("q0 1 ! a", &[("unexpected_token", "a")]),
        ("q0 1 !", &[("unexpected_token", "!")]),
        ("q0 ! a q1", &[("unexpected_token", "q0")]),
        ("! a q1", &[("unexpected_token", "")]),
        ("q0 1 B ! a q1", &[("unexpected_token", "q0 1 B")]),
        ("q0 1 a q1", &[("unexpected_token", "q0 1 a q1")]),
        ("q0 tau a q1", &[("unsupported", "q0 tau a q1")]),
        ("q0 7 ! a q1", &[("unknown_role", "7")]),
        ("q0 C ! a q1", &[("unknown_role", "C")]),
        ("q0 99999999999999 ! a q1", &[("unknown_role", "99999999999999")]),
        ("q0 1 ! <temp,m8> q1", &[("unexpected_token", "<")]),
        ("q0 1 ! a(int q1", &[("unexpected_token", "")]),
        ("q0 1 ! a(int}) q1", &[("unexpected_token", "}")]),
        ("q0 1 ! a$b q1", &[("unexpected_character", "$")]),
        ("q0 1 ! a(x: int, x: int) q1", &[("duplicate_field", "x")]),
        (".inputs x", &[("unexpected_token", ".inputs")]),
        (
            ".marking q0\nq0 1 ! a q0",
            &[("unexpected_token", "q0 1 ! a q0"), ("unexpected_token", "q0 1 ! fine q0")],
        ),
    ];
    for (lines, expected) in table {
        let text = pair(&format!("{lines}\nq0 1 ! fine q0"));
        let mut places = places(&text);
        // What follows behind a second marking is a consequence.
        places.truncate(expected.len());
        assert_eq!(places, *expected, "{lines}");
    }
}

#[test]
fn the_frame_of_an_automaton_is_checked() {
    let table = [
        (".outputs A", "unexpected_token"),
        (".outputs A\n.state graph", "initial_state"),
        (".outputs A\n.state graph\n.end", "initial_state"),
        (".outputs A\n.state graph\n.marking\n.end", "initial_state"),
        (".outputs A\n.state graph\n.marking q0 q1\n.end", "initial_state"),
        (".outputs A\n.end", "unexpected_token"),
        (".outputs A\n.marking q0\n.end", "unexpected_token"),
        (".outputs A\n.state\n.state graph\n.marking q0\n.end", "unexpected_token"),
        (".outputs A-B\n.state graph\n.marking q0\n.end", "unexpected_token"),
        (".outputs A B\n.state graph\n.marking q0\n.end", "unexpected_token"),
        (".outputs end\n.state graph\n.marking q0\n.end", "reserved_name"),
        (".end", "unexpected_token"),
        (".x", "unexpected_token"),
    ];
    for (text, expected) in table {
        assert_eq!(meaning(text), expected, "{text}");
    }
    let unended = block("A", "", "q0").replace(".end\n", "");
    assert_eq!(meaning(&unended), "A = end\n", "the end of the text ends an automaton, too");
    let text = pair("q1 1 ! a q2");
    assert_eq!(places(&text), [("initial_state", "q0")]);
}

#[test]
fn states_that_types_do_not_have_are_refused() {
    let text = pair("q0 1 ! a q1\nq0 1 ? b q2");
    assert_eq!(places(&text), [("mixed_choice", "q0 1 ? b q2")]);
    let message = found(&text).list()[0].message.clone();
    assert_eq!(message, "state `q0` of `A` sends `a` and receives `b`");
    let text = pair("q0 1 ! a q1\nq0 1 ! a q2");
    assert_eq!(places(&text), [("duplicate_branch", "q0 1 ! a q2")]);
    // The payload does not tell them apart.
    let text = pair("q0 1 ! a(int) q1\nq0 1 ! a(bool) q1");
    assert_eq!(places(&text), [("duplicate_branch", "q0 1 ! a(bool) q1")]);
    let text = pair("q0 0 ! a q1\nq1 A ? b q0");
    assert_eq!(places(&text), [("self_message", "q0 0 ! a q1"), ("self_message", "q1 A ? b q0")]);
    // All at once, in the order of the text.
    let text = pair("q0 1 ! a q1\nq0 1 ! a q2\nq1 1 ! x q2\nq1 1 ? y q2\nq2 0 ! z q0");
    assert_eq!(codes(&found(&text)), ["duplicate_branch", "mixed_choice", "self_message"]);
}

#[test]
fn states_that_nothing_leads_to_are_left_out_with_a_warning() {
    let text = pair("q0 1 ! a q1\nq8 1 ! b q9\nq8 1 ? b q8\nq7 0 ! c q7");
    assert_eq!(places(&text), [("unreachable_state", "q8")]);
    assert!(found(&text).list()[0].message.ends_with("to state `q8` of `A`, and to 2 more"));
    assert_eq!(meaning(&text), "A = B!a . end\nB = rec X . A?a . X\n");
    // Partners are looked for everywhere.
    assert_eq!(meaning(&pair("q0 1 ! a q1\nq8 9 ! b q9")), "unknown_role");
    let json = r#"{"antiphon": "automata", "version": 1, "automata": [
        {"role": "A", "initial": 0, "states": 9, "transitions": []}]}"#;
    let warnings = found(json);
    let list: Vec<Code> = warnings.list().iter().map(|d| d.code).collect();
    assert_eq!(list, [Code::UnreachableState, Code::RoleNeverActs]);
}

#[test]
fn wrong_digraphs_are_refused() {
    let b = "digraph B { 0 -> 0 [label=\"A?a\"]; }";
    let table: &[(&str, &[(&str, &str)])] = &[
        ("digraph A { 0 -> 1; 1 -> 0 [label=\"B!a\"]; }", &[("unexpected_token", "0 -> 1")]),
        ("digraph A { 0 -> 0; }", &[("unexpected_token", "0 -> 0")]),
        ("digraph A { 0 -> 1 [label=hello]; }", &[("unexpected_token", "hello")]),
        ("digraph A { 0 -> 1 [label=\"tau\"]; }", &[("unexpected_token", "tau")]),
        ("digraph A { 0 -> 1 [label=\"C!a\"]; }", &[("unknown_role", "C")]),
        ("digraph A { 0 -> 1 [label=\" !a\"]; }", &[("unknown_role", "")]),
        ("digraph A { 0 -> 1 [label=\"CB!a\"]; }", &[("unknown_role", "CB")]),
        ("digraph A { 0 -> 1 [label=\"B->C:a\"]; }", &[("unknown_role", "B->C:")]),
        ("digraph A { 0 -> 1 [label=\"B!!a\"]; }", &[("unsupported", "B!!a")]),
        ("digraph A { 0 -> 1 [label=\"B!\"]; }", &[("unexpected_token", "")]),
        ("digraph A { 0 -> 1 [label=\"B!a(int\"]; }", &[("unexpected_token", "")]),
        (
            "digraph A { 0 -> 1 [label=\"B!a(\\\"x\\\")\"]; }",
            &[("unexpected_token", "\"B!a(\\\"x\\\")\"")],
        ),
        ("digraph A { 0 -> 1 [label=\"A!a\"]; }", &[("self_message", "0 -> 1 [label=\"A!a\"")]),
        ("digraph A { s -> 0; t -> 1; 0 -> 1 [label=\"B!a\"]; }", &[("initial_state", "t -> 1")]),
        ("digraph A { 0 [initial=true]; 1 [initial=true]; }", &[("initial_state", "initial")]),
        ("digraph A { }", &[("initial_state", "A")]),
        ("digraph \"a b\" { 0 }", &[("unexpected_token", "\"a b\"")]),
        ("digraph { 0 }", &[("unexpected_token", "digraph ")]),
        ("digraph A { 0 } digraph B { 0 }", &[("duplicate_role", "B")]),
        ("digraph A { 0 -- 1 }", &[("unexpected_token", "--")]),
        ("digraph A { 0 -> }", &[("unexpected_token", "}")]),
        ("digraph A { 0 -> { 1 2 } }", &[("unexpected_token", "{")]),
        ("digraph A { 0 [label=] }", &[("unexpected_token", "]")]),
        ("digraph A { 0", &[("unexpected_token", "digraph")]),
        ("digraph A { $ }", &[("unexpected_character", "$")]),
        ("digraph A { 0 } /* x", &[("unterminated_comment", "/*")]),
        (
            "digraph all { subgraph cluster_A { 0 } 0 -> 1 [label=\"B!a\"] }",
            &[("unsupported", "0 -> 1")],
        ),
    ];
    for (a, expected) in table {
        let text = format!("{a}\n{b}");
        let places: Vec<_> =
            places(&text).into_iter().filter(|(code, _)| *code != "role_never_acts").collect();
        assert!(places.starts_with(expected), "{a}\n{places:?}");
    }
    assert_eq!(places("digraph A { 0 [label=\"x"), [("unterminated_string", "\"")]);
    assert_eq!(places("digraph A { 0 [label=<x <b>"), [("unterminated_string", "<")]);
    assert_eq!(
        meaning("digraph A { a -> b [label=\"B!x\"] } graph B { a -- b }"),
        "unexpected_token"
    );
}

#[test]
fn wrong_tables_in_json_are_refused() {
    let document = |transition: &str| {
        format!(
            r#"{{"antiphon": "automata", "version": 1, "automata": [
                {{"role": "A", "initial": 0, "states": 2, "transitions": [{transition}]}},
                {{"role": "B", "initial": 0, "states": 1, "transitions": []}}]}}"#
        )
    };
    let good = r#"{"from": 0, "to": 1, "direction": "send", "peer": "B", "label": "a"}"#;
    assert_eq!(meaning(&document(good)), "A = B!a . end\nB = end\n");
    let table = [
        ("\"to\": 1", "\"to\": 2", "json_shape"),
        ("\"from\": 0", "\"from\": -1", "json_shape"),
        ("send", "sends", "json_shape"),
        ("\"peer\": \"B\"", "\"peer\": \"C\"", "unknown_role"),
        ("\"peer\": \"B\"", "\"peer\": \"A\"", "self_message"),
        ("\"label\": \"a\"", "\"label\": \"a-b\"", "json_shape"),
        ("\"label\": \"a\"", "\"name\": \"a\"", "json_shape"),
        ("\"label\": \"a\"", "\"label\": \"a\", \"payload\": [{\"sort\": 0}]", "json_shape"),
    ];
    for (right, wrong, code) in table {
        let text = document(&good.replace(right, wrong));
        assert_eq!(meaning(&text), code, "{wrong}");
    }
    let text = document(good);
    assert_eq!(meaning(&text.replacen("\"initial\": 0", "\"initial\": 2", 1)), "json_shape");
    assert_eq!(meaning(&text.replacen("\"states\": 2", "\"states\": 4000000000", 1)), "too_large");
    assert_eq!(meaning(&text.replacen("\"role\": \"B\"", "\"role\": \"A\"", 1)), "unknown_role");
    assert_eq!(meaning(&document(&format!("{good}, {good}"))), "duplicate_branch");
    let both = format!("{good}, {}", good.replace("send", "receive"));
    assert_eq!(meaning(&document(&both)), "mixed_choice");
}

#[test]
fn what_is_said_can_be_drawn() {
    let text = pair("q0 1 ! a(int q1\nq0 1 ? b q2\nq0 7 ! c q2");
    let report = Source::read("x.fsa", text.as_bytes(), &Limits::default()).unwrap_err();
    assert!(report.to_string().contains("found the end of the message, expected"), "{report}");
}
