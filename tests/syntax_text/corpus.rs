//! The kinds of files that people of this field have: one text for each feature of Scribble and of
//! nuScr that their public examples use, in words of our own, with what becomes of it.
use super::{check, meaning};

#[test]
fn what_scribble_and_nuscr_examples_use_is_read() {
    let table = [
        // A header of nuScr without `global`, and labels without parentheses.
        ("protocol Bid(role A, role B) { Offer from A to B; }", "A -> B:Offer . end"),
        ("global Bid(role A, role B) { Offer from A to B; }", "A -> B:Offer . end"),
        // A declared type that is called like one of the built in ones.
        (
            "module Adder; type <java> \"java.lang.Integer\" from \"rt.jar\" as int;
             global protocol Adder(role C, role S) {
                 rec Loop {
                     choice at C { Add(x: int, y: int) from C to S; Sum(z: int) from S to C; continue Loop; }
                     or { Bye() from C to S; Bye() from S to C; }
                 }
             }",
            "rec Loop . C -> { S:Add(x: int, y: int) . S -> C:Sum(z: int) . Loop, S:Bye . S -> C:Bye . end }",
        ),
        // Schemas of another world: a quoted text may hold anything but quotes.
        (
            "module a.b.Order;
             type <xsd> \"{http://a.example/fin}Order\" from \"http://a.example/Order.xsd\" as Order;
             global protocol Buy(role B, role S) { buy(Order) from B to S; }",
            "B -> S:buy(Order) . end",
        ),
        // Pragmas of nuScr that only print, comments of all kinds.
        (
            "(*# PrintUsage, ShowPragmas #*)\n(* a (* b *) *) // c\n(*) to the end of the line\n
             global protocol P(role A, role B) { /* d\n */ m() from A to B; }",
            "A -> B:m . end",
        ),
        // Several receivers, unnamed and named payloads side by side.
        (
            "global protocol P(role A, role B, role C) { m(int, note: string) from A to B, C; }",
            "A -> B:m(int, note: string) . A -> C:m(int, note: string) . end",
        ),
        // One label to different receivers decides a choice.
        (
            "global protocol P(role A, role B, role C) {
                 choice at A { go from A to B; } or { go from A to C; } }",
            "A -> { B:go . end, C:go . end }",
        ),
        // A choice with one branch, and with many.
        ("global protocol P(role A, role B) { choice at A { m from A to B; } }", "A -> B:m . end"),
        (
            "global protocol P(role A, role B) {
                 choice at A { a from A to B; } or { b from A to B; } or { c from A to B; } }",
            "A -> { B:a . end, B:b . end, B:c . end }",
        ),
        // Nested recursion that goes back to the outer binder.
        (
            "global protocol P(role A, role B) {
                 rec X { m from A to B; rec Y { choice at B { n from B to A; continue X; }
                     or { k from B to A; continue Y; } } } }",
            "rec X . A -> B:m . rec Y . B -> { A:n . X, A:k . Y }",
        ),
        // Calls: plain, with the roles turned, of each other, with types and messages.
        (
            "global protocol P(role A, role B) { m from A to B; do P(B, A); }",
            "rec P . A -> B:m . B -> A:m . P",
        ),
        (
            "global protocol P(role A, role B) { m from A to B; do Q(B, A); }
             aux global protocol Q(role A, role B) { n from A to B; do P(A, B); }",
            "rec P . A -> B:m . B -> A:n . B -> A:m . A -> B:n . P",
        ),
        (
            "global protocol P(role A, role B, role C) { do Relay<go(int), Money>(C, A, B); }
             aux global protocol Relay<sig M, type T>(role X, role Y, role Z) {
                 M from X to Y; M from Y to Z; paid(T) from Z to X; }",
            "C -> A:go(int) . A -> B:go(int) . B -> C:paid(Money) . end",
        ),
        // A protocol in which nothing happens is no error; its roles are warned of.
        ("global protocol P(role A, role B) { }", "end"),
        // `data`, `sig`.
        (
            "data <py> \"Num\" from \"lib\" as N; sig <py> \"Stop\" from \"lib\" as Stop;
             global protocol P(role A, role B) { m(N) from A to B; Stop from A to B; }",
            "A -> B:m(N) . A -> B:Stop(Stop) . end",
        ),
        // Projections as files of their own.
        (
            "module a.P_A; local protocol P_A(self A, role B) { m to B; }
             local protocol P_B(role A, self B) { m from A; }",
            "P: A = B!m . end | B = A?m . end",
        ),
    ];
    check(&table, meaning);
}

#[test]
fn what_the_theory_gives_no_meaning_is_unsupported_by_name() {
    let body = |statements: &str| format!("global protocol P(role A, role B) {{ {statements} }}");
    let table = [
        (body("par { rec X { m from A to B; continue X; } } and { n from B to A; }"), "`par`"),
        (body("interruptible { m from A to B; } with { stop by B; }"), "`interruptible`"),
        (body("connect A to B; m from A to B;"), "`connect`"),
        (body("m(int) connect A to B; disconnect A and B;"), "`connect`"),
        (body("A calls Q(A, B);"), "`calls`"),
        (body("m(x: int{x > 0}) from A to B;"), "a refinement"),
        (body("m(x: int) from A to B; @\"x > 0\""), "an assertion"),
        (body("rec X [n<A>: int = 0] { m from A to B; continue X [n + 1]; }"), "state behind a recursion"),
        (body("m(Q @ A) from A to B;"), "delegation"),
        (body("1() from A to B;"), "a label that begins with a digit"),
        (body("() from A to B;"), "a message without a label"),
        (
            "(*# RefinementTypes #*) global protocol P(role A, role B) { m from A to B; }".into(),
            "the pragma `RefinementTypes`",
        ),
        (
            "(*# ShowPragmas, ErrorHandlingCrashBranch #*) global protocol P(role A, role B) { m from A to B; }".into(),
            "the pragma `ErrorHandlingCrashBranch`",
        ),
        (
            "explicit global protocol P(role A, role B) { m() connect A to B; }".into(),
            "`explicit`",
        ),
        (
            "nested protocol Q(role A; new role B) { m from A to B; } global protocol P(role A, role B) { m from A to B; }".into(),
            "a nested protocol",
        ),
        (
            "global protocol Order<sig M as N, type T>(role A, role B) { N from A to B; }".into(),
            "a parameter with two names",
        ),
    ];
    for (text, what) in table {
        let limits = antiphon::types::syntax::Limits::default();
        let found = antiphon::types::syntax::read(&text, &limits).unwrap_err();
        let codes = super::codes(&found);
        assert!(codes.split(' ').all(|code| code == "unsupported"), "{text}: {codes}");
        let said = |found: &antiphon::types::Diagnostic| found.message.starts_with(what);
        assert!(found.list().iter().any(said), "{text}: {found}");
    }
}

/// What is not supported is read all the same, so that a mistake in it is a mistake.
#[test]
fn a_syntax_error_inside_what_is_unsupported_is_still_invalid() {
    for statement in [
        "par { m from A B; } and { n from B to A; }",
        "par { m from A to B; } nor { n from B to A; }",
        "interruptible { m from A; } with { stop by B; }",
        "interruptible { m from A to B; } with { stop by; }",
        "connect A and B;",
        "disconnect A to B;",
        "wrap A;",
        "A calls (A, B);",
        "throws n;",
        "nested protocol Q(role A; new B) { m from A to B; }",
        "nested protocol Q(role A; new role B) { m A to B; }",
        "m(x: int{x > (0}) from A to B;",
        "m(Q @) from A to B;",
        "m from A to B; @ x",
    ] {
        let found = super::body(statement);
        assert!(found.split(' ').any(|code| code == "unexpected_token"), "{statement}: {found}");
    }
    let found = meaning("explicit global protocol P(role A, role B) { m from A B; }");
    assert!(found.contains("unexpected_token"), "{found}");
}
