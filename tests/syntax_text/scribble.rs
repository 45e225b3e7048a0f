//! Scribble protocols.
use antiphon::types::GlobalType;
use antiphon::types::syntax::{Limits, read_global};

use super::{body, check, codes, meaning};

#[test]
fn scribble_is_read() {
    let table = [
        ("", "end"),
        ("m from A to B;", "A -> B:m . end"),
        ("m() from A to B; n(int, b: [T]) from B to C;", "A -> B:m . B -> C:n(int, b: [T]) . end"),
        ("m(int) from A to B, C;", "A -> B:m(int) . A -> C:m(int) . end"),
        ("choice(int) from A to B; do from A to B;", "A -> B:choice(int) . A -> B:do . end"),
        ("m(data, from: type) from A to B;", "A -> B:m(data, from: type) . end"),
        (
            "m(end, chan(A!end . end), mu: rec) from A to B;",
            "A -> B:m(end, chan(A!end . end), mu: rec) . end",
        ),
        (
            "choice at A { m from A to B; } or { n from A to C; } k from B to C;",
            "A -> { B:m . B -> C:k . end, C:n . B -> C:k . end }",
        ),
        (
            "rec X { choice at A { m from A to B; continue X; } or { n from A to B; } } k from B to A;",
            "rec X . A -> { B:m . X, B:n . B -> A:k . end }",
        ),
        (
            "rec X { m from A to B; rec X { n from A to B; continue X; } }",
            "rec X . A -> B:m . rec X1 . A -> B:n . X1",
        ),
        ("rec X { m from A to B; }", "rec X . A -> B:m . end"),
        ("do Talk(A, B); do Talk(B, C);", "A -> B:hello . B -> C:hello . end"),
        ("do Chat(B, A);", "rec Chat . B -> { A:more . Chat, A:stop . end }"),
        (
            "do Chat(A, B); m from B to C;",
            "rec Chat . A -> { B:more . Chat, B:stop . B -> C:m . end }",
        ),
        (
            "choice at A { choice at A { m from A to B; } or { n from A to B; } } or { k from A to B; }",
            "A -> { B:m . end, B:n . end, B:k . end }",
        ),
        (
            "choice at A { do Talk(A, B); } or { k from A to B, C; }",
            "A -> { B:hello . end, B:k . A -> C:k . end }",
        ),
    ];
    check(&table, body);
}

#[test]
fn recursion_at_the_head_of_a_branch_is_unrolled() {
    let table = [
        (
            "choice at A { rec X { m from A to B; continue X; } } or { n from A to B; }",
            "A -> { B:m . rec X . A -> B:m . X, B:n . end }",
        ),
        (
            "rec X { m from A to B; choice at A { continue X; } or { n from A to B; } }",
            "rec X . A -> B:m . rec Main . A -> { B:m . Main, B:n . end }",
        ),
        (
            "choice at A { do Chat(A, B); } or { n from A to B; }",
            "A -> { B:more . rec Chat . A -> { B:more . Chat, B:stop . end }, B:stop . end, B:n . end }",
        ),
        (
            "choice at A { rec X { m from A to B; choice at A { continue X; } or { k from A to B; } } }
             or { n from A to B; }",
            "A -> { B:m . rec Main . A -> { B:m . Main, B:k . end }, B:n . end }",
        ),
    ];
    check(&table, body);
}

#[test]
fn calls_replace_roles_and_parameters() {
    let table = [
        (
            "global protocol P(role A, role B) { m from A to B; do P(B, A); }",
            "rec P . A -> B:m . B -> A:m . P",
        ),
        (
            "global protocol P(role A, role B) { do Q<int, [T], go, stop(nat)>(B, A); }
             aux global protocol Q<type S, type T, sig M, sig N>(role X, role Y) {
                 m(S, x: {t: T}) from X to Y; M from Y to X; N from X to Y; do R<M, S?>(Y, X);
             }
             aux global protocol R<sig M, type S>(role X, role Y) { M from X to Y; m(S) from X to Y; }",
            "B -> A:m(int, x: {t: [T]}) . A -> B:go . B -> A:stop(nat) . A -> B:go . A -> B:m(int?) . end",
        ),
        (
            "module a.b.C;
             type <java> \"java.lang.Integer\" from \"rt.jar\" as Integer;
             data <json> \"x\\\"y\" from \"z\" as D;
             sig <java> \"a.B\" from \"B.java\" as S;
             global protocol P(role A, role B) { m(Integer, D) from A to B; S from B to A; S() from A to B; }",
            "A -> B:m(Integer, D) . B -> A:S(S) . A -> B:S . end",
        ),
        (
            "aux global protocol X(role A, role B) { m from A to B; }
             global protocol P(role A, role B) { m from A to B; }
             global protocol Q(role A, role B) { n from A to B; do P(A, B); }",
            "A -> B:m . end\nA -> B:n . A -> B:m . end",
        ),
        (
            "global protocol mu(role A, role B) { m from A to B; do mu(A, B); }",
            "rec mu1 . A -> B:m . mu1",
        ),
    ];
    check(&table, meaning);
}

#[test]
fn the_first_protocol_of_a_text_is_its_global_type() {
    let text = "global protocol P(role A, role B) { m from A to B; }
                global protocol Q(role A, role B) { n from A to B; }";
    assert_eq!(text.parse::<GlobalType>().unwrap().name(), &"P");
    assert_eq!(read_global(text, &Limits::default()).unwrap().0.len(), 2);
    assert_eq!(codes(&"A = end".parse::<GlobalType>().unwrap_err()), "unexpected_token");
}
