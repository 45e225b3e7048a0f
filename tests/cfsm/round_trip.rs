//! What is printed of a protocol's automata is read back as a protocol that does the same (CFSM-9).

use antiphon::types::syntax::{Limits, Source, cfsm, json};
use antiphon::types::{LocalTypes, Name, Protocol};
use proptest::prelude::*;

use super::strategies::{self, Size};

fn protocol(locals: LocalTypes) -> Protocol {
    Protocol::unchecked(Name::new("Round").unwrap(), locals).unwrap()
}

fn written(protocol: &Protocol) -> [String; 3] {
    [
        cfsm::write_dot(protocol, None),
        cfsm::write_fsm(protocol),
        json::write_automata(protocol, None),
    ]
}

proptest! {
    #![proptest_config(strategies::cases(256))]

    #[test]
    fn every_notation_comes_back_as_it_went(locals in strategies::locals(Size::SMALL)) {
        let protocol = protocol(locals);
        let texts = written(&protocol);
        for text in &texts {
            let again = Source::read("protocol", text.as_bytes(), &Limits::default())
                .and_then(|source| source.protocol_unchecked(None))
                .map_err(|report| TestCaseError::fail(format!("{report}\n{text}")))?;
            prop_assert_eq!(again.digest(), protocol.digest(), "{}", text);
            let (roles, others): (Vec<_>, Vec<_>) = (protocol.roles().collect(), again.roles().collect());
            prop_assert_eq!(roles, others);
            // And what came back is written alike.
            let twice = written(&again);
            prop_assert!(twice.contains(&text.replace("Round", "protocol")), "{}", text);
        }
    }
}

/// The names of arguments are no part of a behaviour; they come back all the same.
#[test]
fn names_of_arguments_and_idle_roles_come_back() {
    let text = "
        A = rec X . B!{ pair(a: int, string) . X, both({x: [Money]?}, chan(C!t(bool) . end)) . C!z . end }
        B = rec X . A?{ pair(a: int, string) . X, both({x: [Money]?}, chan(C!t(bool) . end)) . end }
        C = A?z . end
        Idle = end";
    let locals: LocalTypes = text.parse().unwrap();
    for text in written(&protocol(locals.clone())) {
        let again: Protocol = text.parse().unwrap();
        let payload = |label: &str| {
            let label = again.label(label).unwrap();
            let message = again.messages().iter().find(|message| message.label == label).unwrap();
            message.payload.to_string()
        };
        assert_eq!(payload("pair"), "(a: int, string)", "{text}");
        assert_eq!(payload("both"), "({x: [Money]?}, chan(C!t(bool) . end))", "{text}");
        assert_eq!(again.roles().last().unwrap().as_str(), "Idle");
    }
}

#[test]
fn one_role_alone_is_one_automaton() {
    let protocol = protocol("A = B!l . end B = A?l . end".parse().unwrap());
    let role = protocol.role("B");
    let dot = cfsm::write_dot(&protocol, role);
    assert!(dot.contains("A?l") && !dot.contains("B!l"), "{dot}");
    let json: serde_json::Value =
        serde_json::from_str(&json::write_automata(&protocol, role)).unwrap();
    assert_eq!(json["automata"].as_array().unwrap().len(), 1);
    assert_eq!(json["automata"][0]["role"], "B");
}
