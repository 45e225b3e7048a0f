//! Local types, by themselves and in files.
use antiphon::types::LocalTypes;

use super::{check, local, meaning};

#[test]
fn local_types_are_read() {
    let table = [
        ("end", "end"),
        ("P!l . end", "P!l . end"),
        ("P!l() . end", "P!l . end"),
        ("P!l(unit) . end", "P!l . end"),
        ("P?l(a: int, string) . end", "P?l(a: int, string) . end"),
        ("P!{ a . end, b(nat) . end, }", "P!{ a . end, b(nat) . end }"),
        ("P!{ a . end }", "P!a . end"),
        ("+{ P!a . end, Q!b . end }", "+{ P!a . end, Q!b . end }"),
        ("⊕{ P!a . end, Q!b . end }", "+{ P!a . end, Q!b . end }"),
        ("&{ P?a . end, Q?a . end, }", "&{ P?a . end, Q?a . end }"),
        ("P⊕{ a . Q&b . end, c . end }", "P!{ a . Q?b . end, c . end }"),
        ("rec X . P!a . X", "rec X . P!a . X"),
        ("mu X . P!a . X", "rec X . P!a . X"),
        ("μX.P!a.X", "rec X . P!a . X"),
        ("µ X.P!a.X", "rec X . P!a . X"),
        ("rec X . P!a . rec X . P!b . X", "rec X . P!a . rec X1 . P!b . X1"),
        ("rec X . rec Y . P!{ a . X, b . Y }", "rec X . rec Y . P!{ a . X, b . Y }"),
        ("P!end . P?rec(mu: int, chan: bool) . end", "P!end . P?rec(mu: int, chan: bool) . end"),
        ("P!l(end, mu, chan, rec?) . end", "P!l(end, mu, chan, rec?) . end"),
        ("P!{ end . end, choice . end }", "P!{ end . end, choice . end }"),
        ("P!l([{a: int?, b: {}}]?) . end", "P!l([{a: int?, b: {}}]?) . end"),
        (
            "P!l(bool, float, string, bytes, Money) . end",
            "P!l(bool, float, string, bytes, Money) . end",
        ),
        (
            "P!l(chan(rec X . Q!a(chan(end)) . X)) . end",
            "P!l(chan(rec X . Q!a(chan(end)) . X)) . end",
        ),
        ("choice!from . global?to . end", "choice!from . global?to . end"),
        ("P!l . // comment\r\n (* a (* b *) (*# c #*) *) /* d */ end", "P!l . end"),
    ];
    check(&table, local);
}

#[test]
fn wrong_local_types_are_named() {
    let table = [
        ("", "unexpected_token"),
        ("X", "unbound_variable"),
        ("rec X . X", "unguarded_recursion"),
        ("rec X . P!a . Y", "unbound_variable"),
        ("rec end . P!a . end", "unexpected_token"),
        ("end!a . end", "reserved_name"),
        ("P!{}", "empty_choice"),
        ("&{}", "empty_choice"),
        ("P!{ a . end, a . end }", "duplicate_branch"),
        ("+{ P!a . end, Q?b . end }", "mixed_choice"),
        ("&{ P!a . end, Q?b . end }", "mixed_choice"),
        ("P!l(a: int, a: nat) . end", "duplicate_field"),
        ("P!l(int, _1: nat) . end", "duplicate_field"),
        ("P!l({a: int, a: nat}) . end", "duplicate_field"),
        ("P!l(chan(X)) . end", "unbound_variable"),
        ("rec X . P!l(chan(X)) . X", "unbound_variable"),
        ("P!l", "unexpected_token"),
        ("P!l . end end", "unexpected_token"),
        ("P!l . § end", "unexpected_character"),
        ("P!na\u{ef}ve . end", "unexpected_character"),
        ("P!l . (* end", "unterminated_comment"),
        ("P!{ a . , b . end, c end }", "unexpected_token unexpected_token"),
        ("P!{ a(int . end, b . X }", "unexpected_token"),
    ];
    check(&table, local);
    assert_eq!(local(&format!("P!{} . end", "x".repeat(256))), "name_too_long");
    assert!(local(&format!("P!{} . end", "x".repeat(255))).ends_with(" . end"));
}

#[test]
fn files_of_local_types_are_read() {
    let table = [
        ("A = B!l . end B = A?l . end", "A = B!l . end\nB = A?l . end\n"),
        ("\u{feff}A\r\n=\r\nB!l . end\r\nB = A?l . end\r\n", "A = B!l . end\nB = A?l . end\n"),
        ("global = B!l . end B = global?l . end", "global = B!l . end\nB      = global?l . end\n"),
        ("A = rec X . B!l . X B = rec X . A?l . X", "A = rec X . B!l . X\nB = rec X . A?l . X\n"),
        ("A = end A = end", "role_never_acts duplicate_role role_never_acts"),
        ("A = B!l . end", "unknown_role"),
        ("A = A!l . end", "self_message"),
        ("end = B!l . end B = end?l . end", "reserved_name"),
        ("A = B!l B = A?l . end", "unexpected_token"),
        (
            "A = B! . end B = A?l . X C = + D = &{}",
            "unexpected_token unbound_variable unexpected_token empty_choice",
        ),
        ("A B = end", "unexpected_token"),
        ("word", "unexpected_token"),
        ("", "no_protocol"),
        (" // nothing\n", "no_protocol"),
        ("{}", "json_shape"),
    ];
    check(&table, meaning);
    let text = "A = B!l . end\nB = A?l . end\n";
    let locals: LocalTypes = text.parse().unwrap();
    assert_eq!(locals.to_string(), text);
}
