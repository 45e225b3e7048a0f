//! What can be seen of a session while it runs.

use antiphon::machine::{
    Accepted, Act, CAPACITY_DEFAULT, Capacities, Input, Machine, OnLost, Open, Owner, Send,
    SessionId, Tick,
};
use antiphon::types::{Protocol, Value};
use antiphon::wire::json::{read_edge, write_edge};
use antiphon::{Session, machine};
use serde_json::json;
use std::sync::Arc;

const SHOP: &str = "
  Buyer  = rec More . Seller!{ ask(string) . Seller?price(nat) . More, done . end }
  Seller = rec More . Buyer?{ ask(string) . Buyer!price(nat) . More, done . end }
";

fn opened() -> (Machine, machine::Capability) {
    let protocol: Protocol = SHOP.parse().unwrap();
    let mut machine = Machine::new();
    let open = Open {
        session: SessionId(7),
        protocol: machine.register(&Arc::new(protocol)),
        owner: Owner::new("anna").unwrap(),
        capacities: Capacities::every(CAPACITY_DEFAULT).unchecked(),
        journal: false,
        on_lost: OnLost::default(),
        policies: Vec::new(),
    };
    match machine.handle(Tick(5), Input::Open(open)) {
        Ok(Accepted::Opened(capability)) => (machine, capability),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_endpoint_shows_its_declared_type_its_current_one_and_its_legal_moves() {
    let (mut machine, by) = opened();
    let view = machine.session(by.session()).unwrap();
    let protocol = view.protocol();
    let (buyer, seller) = (protocol.role("Buyer").unwrap(), protocol.role("Seller").unwrap());
    let ask = protocol.label("ask").unwrap();
    let declared =
        "rec More . Seller!{ ask(string) . Seller?price(nat) . More, done . end }".to_owned();

    let endpoint = view.endpoint(buyer).unwrap();
    assert_eq!(endpoint.original().to_string(), declared);
    let moves: Vec<String> = endpoint.legal_moves().map(|legal| legal.to_string()).collect();
    assert_eq!(moves, ["Seller!ask(string)", "Seller!done"]);

    let send =
        Send { role: buyer, to: seller, label: ask, value: Value::from("Ulysses"), at: None };
    machine.act(Tick(6), by.present(), Act::Send(send)).unwrap();
    let view = machine.session(by.session()).unwrap();
    let endpoint = view.endpoint(buyer).unwrap();
    assert_eq!(endpoint.original().to_string(), declared, "what was declared stays");
    assert_eq!(
        endpoint.current().unwrap().to_string(),
        "rec X . Seller?price(nat) . Seller!{ ask(string) . X, done . end }"
    );
    assert_eq!((endpoint.position().0, endpoint.has_ended()), (1, false));
    assert_eq!((view.tick(), view.is_checked()), (Tick(6), true));

    let edge = view.edge(buyer, seller).unwrap();
    assert_eq!((edge.sent().0, edge.consumed().0, edge.messages().len()), (1, 0, 1));
}

#[test]
fn an_edge_is_read_from_json_with_its_session_as_the_hint() {
    let (machine, by) = opened();
    let view = machine.session(by.session()).unwrap();
    let edge = read_edge(view, &json!({"from": "Seller", "to": "Buyer"})).unwrap();
    assert_eq!(edge.edge().from, view.protocol().role("Seller").unwrap());
    assert_eq!(write_edge(view, edge), json!({"from": "Seller", "to": "Buyer"}));
    for wrong in [
        json!({"from": "Seller"}),
        json!({"from": "Seller", "to": "Seller"}),
        json!({"from": "Seller", "to": "Nobody"}),
        json!({"from": "Seller", "to": "Buyer", "capacity": 3}),
        json!(["Seller", "Buyer"]),
    ] {
        let error = read_edge(view, &wrong).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(r#"{"from":"Buyer","to":"Seller"}"#), "{wrong}: {error}");
    }
}

#[test]
fn the_trace_of_an_edge_comes_from_the_journal() {
    let session = Session::open(&SHOP.parse().unwrap()).unwrap();
    let [buyer, seller] = session.endpoints(["Buyer", "Seller"]).unwrap();
    let (mut buyer, mut seller) = (buyer.into_blocking(), seller.into_blocking());
    for title in ["Ulysses", "Dubliners"] {
        buyer.send("Seller", "ask", title).unwrap();
        seller.receive_from("Buyer").unwrap();
        seller.send("Buyer", "price", title.len() as u64).unwrap();
        buyer.receive_from("Seller").unwrap();
    }
    let trace = session.trace("Buyer", "Seller").unwrap();
    let shown: Vec<String> =
        trace.messages.iter().map(|(label, value)| format!("{label}({value})")).collect();
    assert_eq!(shown, ["ask(\"Ulysses\")", "ask(\"Dubliners\")"]);
    assert_eq!(session.trace("Seller", "Buyer").unwrap().messages.len(), 2);
    assert_eq!(session.current("Buyer").unwrap().to_string(), buyer.current().to_string());
}
