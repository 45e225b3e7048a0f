//! The projections of some protocols of the library: one snapshot a protocol.
#![cfg(feature = "syntax")]

use antiphon::types::syntax::{Limits, Source};

#[test]
fn projections_are_as_they_were_read_and_found_right() {
    let names = [
        "two_buyer",
        "three_buyer",
        "oauth",
        "negotiation",
        "online_wallet",
        "travel_agency",
        "two_phase_commit",
        "circuit_breaker",
        "escrow_payment",
    ];
    for name in names {
        let path = format!("{}/specs/protocols/global/{name}.scr", env!("CARGO_MANIFEST_DIR"));
        let source = Source::read(name, &std::fs::read(path).unwrap(), &Limits::default()).unwrap();
        let protocols = source.protocols().unwrap();
        let text: Vec<String> =
            protocols.iter().map(|p| format!("// {}\n{}", p.name(), p.locals())).collect();
        insta::assert_snapshot!(name, text.join("\n"));
    }
}

#[test]
fn a_choice_of_many_branches_is_joined_in_one_go() {
    let branches: Vec<String> = (0..6_000).map(|i| format!("l{i}(int) from A to B;")).collect();
    let text = format!(
        "global protocol Wide(role A, role B) {{ choice at A {{ {} }} }}",
        branches.join(" } or { ")
    );
    let wide: antiphon::Protocol = text.parse().unwrap();
    assert_eq!(
        wide.automaton(antiphon::types::RoleIx(1)).moves(antiphon::types::StateIx(0)).len(),
        6_000
    );
}
