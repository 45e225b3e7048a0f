//! Local protocols of Scribble.
use antiphon::types::Origin;
use antiphon::types::syntax::{Limits, Source};

use super::{check, meaning};

#[test]
fn local_protocols_of_one_name_are_one_protocol() {
    let table = [
        (
            "local protocol P at A(role A, role B) { l(int) to B; m() from B; }
             local protocol P at B(role A, role B) { l(int) from A; m() to A; }",
            "P: A = B!l(int) . B?m . end | B = A?l(int) . A!m . end",
        ),
        // The forms of other tools.
        (
            "local protocol P(self A, role B) { l to B; } local protocol P(role A, self B) { l from A; }",
            "P: A = B!l . end | B = A?l . end",
        ),
        (
            "local protocol P at A(role B) { l to B; } local protocol P at B(role A) { l from A; }",
            "P: A = B!l . end | B = A?l . end",
        ),
        (
            "local protocol P_A at A(role A, role B) { l to B; do P_A(A, B); }
             local protocol P_B at B(role A, role B) { l from A; do P_B(A, B); }",
            "P: A = rec P_A . B!l . P_A | B = rec P_B . A?l . P_B",
        ),
        // Messages to several, recursion, choices by oneself and by others.
        (
            "local protocol P at A(role A, role B, role C) {
                 rec X { choice at A { l to B, C; continue X; } or { stop to C; end_() to B; } } }
             local protocol P at B(role A, role B, role C) {
                 rec X { choice at A { l from A; continue X; } or { end_() from A; } } }
             local protocol P at C(role A, role B, role C) {
                 rec X { choice at A { l from A; continue X; } or { stop from A; } } }",
            "P: A = rec X . +{ B!l . C!l . X, C!stop . B!end_ . end } | \
             B = rec X . A?{ l . X, end_ . end } | C = rec X . A?{ l . X, stop . end }",
        ),
        // What was chosen is told by whoever speaks first.
        (
            "local protocol P at A(role A, role B, role C) {
                 choice at B { l from B; } or { do Q(A, C); } }
             local protocol P at B(role A, role B, role C) { choice at B { l to A; } or { k to C; } }
             local protocol P at C(role A, role B, role C) { k from B; m to A; }
             aux local protocol Q at X(role X, role Y) { m from Y; }",
            "P: A = &{ B?l . end, C?m . end } | B = +{ A!l . end, C!k . end } | C = B?k . A!m . end",
        ),
    ];
    check(&table, meaning);
}

#[test]
fn a_call_goes_to_the_local_protocol_of_the_role_that_is_played() {
    let table = [
        (
            "local protocol P at A(role A, role B) { do Q<int>(B, A); }
             local protocol P at B(role A, role B) { do Q<int>(B, A); }
             aux local protocol Q<type T> at X(role X, role Y) { l(T) to Y; do P(Y, X); }
             aux local protocol Q<type T> at Y(role X, role Y) { l(T) from X; do P(Y, X); }",
            "P: A = rec P . B?l(int) . P | B = rec P . A!l(int) . P",
        ),
        (
            "local protocol P at A(role A, role B) { do Q(A, B); }
             local protocol P at B(role A, role B) { l from A; }
             aux local protocol Q at Y(role X, role Y) { l from X; }",
            "unknown_protocol",
        ),
        (
            "local protocol P at A(role A, role B) { do Q(A); } local protocol P at B(role A, role B) { l from A; }
             aux local protocol Q at X(role X, role Y) { l to Y; }",
            "role_arity",
        ),
        (
            "global protocol G(role A, role B) { do P(A, B); }
             local protocol P at A(role A, role B) { l to B; } local protocol P at B(role A, role B) { l from A; }",
            "unknown_protocol",
        ),
        (
            "local protocol P at A(role A, role B) { do G(A, B); } local protocol P at B(role A, role B) { l from A; }
             global protocol G(role A, role B) { l from A to B; }",
            "unknown_protocol",
        ),
    ];
    check(&table, meaning);
}

#[test]
fn global_and_local_protocols_stand_beside_each_other() {
    let text = "local protocol P at A(role A, role B) { l to B; }
         global protocol G(role A, role B) { l from A to B; }
         local protocol Q at A(role A, role B) { m from B; }
         local protocol P at B(role A, role B) { l from A; }
         local protocol Q at B(role A, role B) { m to A; }";
    let said = "A -> B:l . end\nP: A = B!l . end | B = A?l . end\nQ: A = B?m . end | B = A!m . end";
    assert_eq!(meaning(text), said);
    let source = Source::read("both.scr", text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(source.names(), ["G", "P", "Q"]);
    let origins: Vec<_> = source.protocols().unwrap().iter().map(|p| p.origin()).collect();
    assert_eq!(origins, [Origin::Global, Origin::Local, Origin::Local]);
    assert_eq!(source.protocol(Some("Q")).unwrap().name(), &"Q");
    let stem = "global protocol P(role A, role B) { l from A to B; }
         local protocol P_A at A(role A, role B) { l to B; }
         local protocol P_B at B(role A, role B) { l from A; }";
    assert_eq!(meaning(stem), "duplicate_protocol");
    // Nothing else is called like it: which one would be meant?
    let same = text.replace("protocol G", "protocol P");
    assert_eq!(meaning(&same), "duplicate_protocol");
}

#[test]
fn wrong_local_protocols_are_named() {
    let other = "local protocol P at B(role A, role B) { l from A; }";
    let table = [
        ("local protocol P at A(role A, role B) { l to B; }", "missing_local"),
        (
            "local protocol P at A(role A, role B) { l to B; }
             local protocol P at B(role A, role B, role C) { l from A; }",
            "role_mismatch",
        ),
        (
            "local protocol P at A(role A, role B) { l to B; }
             local protocol P at B(role B, role A) { l from A; }",
            "role_mismatch",
        ),
        ("local protocol P(role A, role B) { l to B; }", "unexpected_token"),
        ("local protocol P at A(self B, role A) { l to B; }", "unexpected_token"),
        ("local protocol P at A(role A) { l from A to B; }", "unexpected_token"),
        ("local protocol P at A(role A) { l B; }", "unexpected_token"),
        ("local protocol P at A(role A, role A) { l to B; }", "duplicate_role unknown_role"),
    ];
    check(&table, meaning);
    let table = [
        ("l to C;", "unknown_role"),
        ("l to A;", "self_message"),
        ("choice at A { l from B; } or { m from B; }", "wrong_chooser wrong_chooser"),
        ("choice at B { l to B; } or { m from B; }", "wrong_chooser"),
        ("choice at B { l from B; } or { }", "wrong_chooser"),
        ("choice at B { l from B; } or { l from B; }", "duplicate_branch"),
        ("rec X { continue X; }", "unguarded_recursion"),
        ("continue X;", "unbound_variable"),
        ("par { l to B; } and { m from B; }", "unsupported"),
        ("interruptible s: { l to B; } with { throws m to B; catches n from B; }", "unsupported"),
        ("interruptible { l to ; } with { }", "unexpected_token unsupported"),
        ("1() to B;", "unsupported"),
        ("(int) from B;", "unsupported"),
    ];
    for (body, expected) in table {
        let text = format!("local protocol P at A(role A, role B) {{ {body} }} {other}");
        let found = meaning(&text);
        let mut found: Vec<&str> = found.split(' ').collect();
        found.sort_unstable();
        let mut expected: Vec<&str> = expected.split(' ').collect();
        expected.sort_unstable();
        assert_eq!(found, expected, "{body}");
    }
    let twice = format!("{other} {other} local protocol P at A(role A, role B) {{ l to B; }}");
    assert_eq!(meaning(&twice), "duplicate_protocol");
}
