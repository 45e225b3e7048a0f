//! What is said of Scribble texts that are wrong, and of what is not supported.
use antiphon::types::Diagnostic;
use antiphon::types::syntax::{Limits, read};

use super::{body, check, meaning};

#[test]
fn wrong_statements_are_named() {
    let table = [
        ("m from A to D;", "unknown_role"),
        ("m from A to A;", "self_message"),
        ("do Nobody(A);", "unknown_protocol"),
        ("do Talk(A);", "role_arity"),
        ("do Talk<int>(A, B);", "argument_arity"),
        ("do Talk(A, A);", "duplicate_argument"),
        ("continue X;", "unbound_variable"),
        ("rec X { continue X; }", "unguarded_recursion"),
        ("rec X { m from A to B; continue X; } n from A to B;", "unreachable_code"),
        ("do Main(A, B, C);", "unguarded_recursion"),
        ("m from A to B; do Main(A, B, C); n from A to B;", "non_tail_recursion"),
        ("rec X { m from A to B; do Main(A, B, C); continue X; }", "non_tail_recursion"),
        ("choice at A { m from B to A; } or { n from A to B; }", "wrong_chooser"),
        (
            "choice at A { rec X { m from B to A; continue X; } } or { n from A to B; }",
            "wrong_chooser",
        ),
        ("choice at A { do Talk(B, A); } or { n from A to B; }", "wrong_chooser"),
        ("choice at A { choice at B { m from B to A; } } or { n from A to B; }", "wrong_chooser"),
        ("choice at A { } or { n from A to B; }", "wrong_chooser"),
        ("rec X { choice at A { continue X; } or { n from A to B; } }", "unguarded_recursion"),
        ("choice at A { m from A to B; } or { m from A to B; }", "duplicate_branch"),
        ("m(a: int, a: int) from A to B;", "duplicate_field"),
        ("m from A to B", "unexpected_token"),
        ("m from A B; n to C; k from A to D;", "unexpected_token unexpected_token unknown_role"),
        (
            "choice at { m from A to B; } or { n from A to B; } k from A to D;",
            "unexpected_token unknown_role",
        ),
        ("rec { m from A to B; } k from A to D;", "unexpected_token unknown_role"),
        ("m from A to B \"x;\n k from A to D;", "unterminated_string"),
    ];
    check(&table, body);
}

#[test]
fn wrong_declarations_are_named() {
    let one = "global protocol P(role A, role B) { m from A to B; }";
    let table = [
        ("module x;", "no_protocol"),
        ("aux global protocol P(role A, role B) { m from A to B; }", "no_protocol"),
        ("global protocol P(role A, role B, role A) { m from A to B; }", "duplicate_role"),
        ("global protocol P(role A, role end) { m from A to end; }", "reserved_name"),
        (
            "global protocol P<type T, sig T>(role A, role B) { m from A to B; }",
            "duplicate_parameter",
        ),
        ("global protocol P<type int>(role A, role B) { m from A to B; }", "duplicate_type"),
        ("type <a> \"b\" from \"c\" as T; sig <a> \"b\" from \"c\" as T;", "duplicate_type"),
        (
            "global protocl P(role A) { } global protocol Q(role A) { m from A to B; }",
            "unexpected_token unknown_role",
        ),
        (
            "global protocol P(role A; role B) { m from A to B; } global protocol Q(role A) { m from A to B; }",
            "unexpected_token unknown_role",
        ),
        ("global protocol P(role A, role B) { m from A to B;", "unexpected_token"),
        (
            "global protocol P(role A, role B) { m from A to B; global protocol Q(role A) { m from A to B; }",
            "unexpected_token unknown_role",
        ),
        ("global protocol P(role A) { do Q(A); } global protocl Q(role A) { }", "unexpected_token"),
        (
            "aux global protocol P(role A, role B) { m from A to C; }
             aux global protocol Q(role A, role B) { do P(A, B); rec X { continue X; } }",
            "unknown_role",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(meaning(text), expected, "{text}");
    }
    assert_eq!(meaning(&format!("{one} {one}")), "duplicate_protocol");
}

#[test]
fn what_has_no_meaning_here_is_unsupported_not_invalid() {
    for statement in [
        "(int) from A to B;",
        "connect A to B;",
        "m(int) connect A to B;",
        "disconnect A and B;",
        "wrap A to B;",
        "par { m from A to B; } and { continue X; }",
        "interruptible X { m from A to B; } with { n by A; }",
        "throws n by A;",
        "nested protocol Q(role A; new role B) { m from A to B; }",
        "protocol Q(role A) { }",
        "A calls Q(A, new B);",
        "do Talk(A, new B);",
        "do scope: Talk(A, B);",
        "do Talk(A as X, B);",
        "do Talk;",
        "1() from A to B;",
        "continue X with { m from A to B; };",
        "m(int) from A to B; @\"x > 0\"",
        "m(int{x > 0 && x < 10}) from A to B;",
        "m(x: int{x[1] = {y}}) from A to B;",
        "m(Talk @ X) from A to B;",
        "m(int) from A to B @\"x > 0\";",
        "rec X [n: int = 0] { m from A to B; }",
    ] {
        assert_eq!(body(statement), "unsupported", "{statement}");
        let found = body(&format!("{statement} m from A to D;"));
        assert!(found.starts_with("unsupported unknown_role"), "{statement}: {found}");
    }
    let one = "global protocol P(role A, role B) { m from A to B; }";
    for item in [
        "explicit global protocol Q(role A, role B) { m from A to B; }",
        "aux explicit global protocol Q(role A, role B) { m from A to B; }",
        "nested protocol Q(role A; new role B) { m from A to B; }",
        "global protocol Q(role A, new role B) { m from A to B; }",
        "global protocol Q<type T>(role A, role B) { m(chan(A!l(T) . end)) from A to B; }",
    ] {
        assert_eq!(meaning(&format!("{item} {one}")), "unsupported", "{item}");
        assert_eq!(meaning(&format!("module x; {one} {item}")), "unsupported", "{item}");
    }
}

/// The messages, remedies and underlined texts of what is wrong with a text.
fn told(text: &str) -> Vec<(String, String)> {
    let found = read(text, &Limits::default()).unwrap_err();
    let place = |d: &Diagnostic| text[d.span.start as usize..d.span.end as usize].to_string();
    found.list().iter().map(|d| (place(d), d.to_string())).collect()
}

#[test]
fn syntax_errors_say_what_was_found_and_what_was_expected() {
    let wrap = |text: &str| format!("global protocol P(role A, role B) {{ {text} }}");
    let table = [
        (
            "A = B!l B = end".to_string(),
            "B",
            "found the declaration `B =`, expected `(` or `.` (help: a message is followed by `.` and what comes next; write `. end`)",
        ),
        (
            "A = B!l .".to_string(),
            "",
            "found the end of the text, expected a local type (a message, a choice, `rec`, a variable or `end`)",
        ),
        ("A = end + end".to_string(), "+", "found `+`, expected a declaration `Role = …`"),
        (
            wrap("m from A to B"),
            "}",
            "found `}`, expected `,` or `;` (help: a statement ends with `;`)",
        ),
        (wrap("m from A"), "}", "found `}`, expected `to`"),
        (wrap("m(from A to B;"), "A", "found `A`, expected `)`, `,` or `:`"),
        (wrap("; m from A to B;"), ";", "found `;`, expected a statement or `}`"),
        (wrap("m(.) from A to B;"), ".", "found `.`, expected a payload type or `)`"),
        (
            "global protocol P(role A) {".to_string(),
            "",
            "found the end of the text, expected a statement or `}`",
        ),
        (
            "global protocl P(role A) { }".to_string(),
            // `global Name(…)` is a header of nuScr.
            "P",
            "found `P`, expected `(` or `<`",
        ),
        (
            "module x; P".to_string(),
            "P",
            "found `P`, expected a declaration (`global protocol`, `type`, …)",
        ),
    ];
    for (text, place, message) in table {
        let told = told(&text);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].0, place, "{text}");
        assert_eq!(told[0].1, format!("error[unexpected_token]: {message}"));
    }
}
