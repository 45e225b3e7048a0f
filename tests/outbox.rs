//! The client of a role, alone: what it decides, keeps, says and says again.
#![cfg(feature = "driver")]

use antiphon::resume::outbox::{Client, Ending, Heard, Memory, OutboxRefusal};
use antiphon::types::Value;
use antiphon::wire::frame::{Frame, Notice};
use antiphon::wire::payload::{Form, Payload};

const BUYER: &str = "Seller!title(string) . Seller?quote(nat) . Seller!{ buy . end, quit . end }";

fn ok(position: u64, local: &str, epoch: u64) -> Frame {
    Frame::Ok {
        ep: 0,
        session: "0".repeat(32).into(),
        role: "Buyer".into(),
        epoch,
        position,
        token: format!("token{epoch}").into(),
        r#type: local.into(),
        consumed: Vec::new(),
    }
}

fn buyer() -> Client {
    let mut client = Client::join(0, Form::Json, "invitation", "alice");
    let first = client.connected();
    assert!(matches!(first, Frame::Attach { ep: 0, .. }));
    assert_eq!(client.handle(ok(0, BUYER, 1)), Heard::Attached { fresh: true });
    client
}

fn said(client: &mut Client) -> Vec<Frame> {
    std::iter::from_fn(|| client.poll()).collect()
}

fn quote(seq: u64, price: u64) -> Frame {
    let value = Payload::Json(price.into());
    Frame::Msg { ep: 0, from: "Seller".into(), seq, label: "quote".into(), value }
}

fn title(at: u64) -> Frame {
    let value = Payload::Json("Ulysses".into());
    Frame::Act { ep: 0, at, to: "Seller".into(), label: "title".into(), value }
}

/// OUT-1: what the type does not allow, what is of another sort, and what there is no room for.
#[test]
fn a_send_is_refused_where_the_type_does_not_allow_it() {
    let mut client = buyer();
    let refused = client.send("Seller", "buy", ()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`buy` to `Seller` is not allowed at position 0; legal now: Seller!title(string)"
    );
    let refused = client.send("Seller", "title", 3_u64).unwrap_err();
    assert!(matches!(refused, OutboxRefusal::WrongSort { .. }), "{refused}");
    assert!(client.send("Bank", "title", "x").is_err());
    assert_eq!(client.send("Seller", "title", "Ulysses"), Ok(0));
    assert!(client.send("Seller", "title", "again").is_err());
    let refused = client.receive(None).unwrap_err();
    assert_eq!(refused.to_string(), "nothing has come from `Seller`");

    let stream = "Seller!tick . rec X . Seller!tick . X";
    let mut client = Client::join(0, Form::Json, "i", "a").with_outbox(2);
    client.connected();
    assert!(client.send("Seller", "tick", ()).is_err(), "it was never told what it may do");
    client.handle(ok(0, stream, 1));
    assert!(client.send("Seller", "tick", ()).is_ok() && client.send("Seller", "tick", ()).is_ok());
    let refused = client.send("Seller", "tick", ()).unwrap_err();
    assert_eq!(refused, OutboxRefusal::Full { capacity: 2 });
    client.handle(Frame::Ack { ep: 0, position: 1 });
    assert_eq!(client.send("Seller", "tick", ()), Ok(2));
}

/// OUT-2, OUT-3, OUT-7: messages in order and each once, whatever comes how often; who goes on by
/// receiving says where it is, and who goes on by sending does with that.
#[test]
fn messages_are_consumed_in_order_and_each_once() {
    let both = "rec X . Seller?quote(nat) . X";
    let mut client = Client::join(0, Form::Json, "i", "a");
    client.connected();
    client.handle(ok(0, both, 1));
    assert_eq!(said(&mut client), [Frame::Ack { ep: 0, position: 0 }]);
    for seq in [1, 1, 0, 2, 0] {
        assert_eq!(client.handle(quote(seq, 10 + seq)), Heard::Message);
    }
    for seq in 0..3 {
        let taken = client.receive(Some("Seller")).unwrap();
        assert_eq!((taken.seq, taken.value, taken.position), (seq, Value::Nat(10 + seq), seq + 1));
    }
    assert!(matches!(client.receive(None), Err(OutboxRefusal::Empty { .. })));
    assert_eq!(client.handle(quote(1, 99)), Heard::Message);
    assert!(client.receive(None).is_err());
    assert_eq!(said(&mut client), [Frame::Ack { ep: 0, position: 3 }]);
    let stranger = Payload::Json(1.into());
    let (from, label) = ("Nobody".into(), "quote".into());
    let frame = Frame::Msg { ep: 0, from, seq: 0, label, value: stranger };
    assert_eq!(client.handle(frame), Heard::Violation);

    let mut client = buyer();
    client.send("Seller", "title", "Ulysses").unwrap();
    said(&mut client);
    client.handle(quote(0, 12));
    client.receive(None).unwrap();
    assert_eq!(said(&mut client), [], "the next thing it says is a send");
    client.send("Seller", "buy", ()).unwrap();
    assert!(matches!(&said(&mut client)[..], [Frame::Act { at: 2, .. }]));
}

/// OUT-4, OUT-5: what was only said is said again after the next connection, until it is kept.
#[test]
fn what_is_not_acknowledged_is_said_again() {
    let mut client = buyer();
    client.send("Seller", "title", "Ulysses").unwrap();
    assert_eq!(said(&mut client), [title(0)]);
    assert_eq!(said(&mut client), []);
    client.again();
    assert_eq!(said(&mut client), [title(0)]);
    client.lost();
    assert_eq!(said(&mut client), [], "there is no connection");
    let first = client.connected();
    let (token, role) = ("token1".into(), Some("Buyer".into()));
    assert_eq!(first, Frame::Resume { ep: 0, token, role, kept: Some(0) });
    assert_eq!(client.handle(ok(0, BUYER, 2)), Heard::Attached { fresh: false });
    assert_eq!(said(&mut client), [title(0)]);
    assert_eq!(client.handle(Frame::Ack { ep: 0, position: 1 }), Heard::Acknowledged);
    assert_eq!(client.memory().unwrap().outbox().len(), 0);
    client.again();
    assert_eq!(said(&mut client), [Frame::Ack { ep: 0, position: 1 }]);
    // What was never done is not acknowledged.
    assert_eq!(client.handle(Frame::Ack { ep: 0, position: 9 }), Heard::Nothing);
    assert_eq!(client.memory().unwrap().acked(), 1);
}

/// OUT-6: the receives before an action that finds no room are acknowledged.
#[test]
fn a_full_edge_does_not_hold_back_receives() {
    let local = "Seller?quote(nat) . Seller!title(string) . end";
    let mut client = Client::join(0, Form::Json, "i", "a");
    client.connected();
    client.handle(ok(0, local, 1));
    client.handle(quote(0, 1));
    client.receive(None).unwrap();
    client.send("Seller", "title", "Ulysses").unwrap();
    assert_eq!(said(&mut client), [title(1)]);
    let (code, message) = ("edge_full".into(), "full".into());
    client.handle(Frame::Refused { ep: 0, at: 1, code, message });
    assert_eq!(said(&mut client), [Frame::Ack { ep: 0, position: 1 }]);
    assert!(client.waits_for_room());
    client.handle(Frame::Event { ep: 0, event: Notice::Room { to: "Seller".into() } });
    assert_eq!(said(&mut client), [title(1)]);
}

/// Where several roles may come next it is said which it was.
#[test]
fn a_receive_that_the_type_leaves_open_is_an_action() {
    let local = "&{ Seller?yes . Bank?no . end, Bank?no . Seller?yes . end }";
    let mut client = Client::join(0, Form::Json, "i", "a");
    client.connected();
    client.handle(ok(0, local, 1));
    said(&mut client);
    let msg = |from: &str, label: &str| Frame::Msg {
        ep: 0,
        from: from.into(),
        seq: 0,
        label: label.into(),
        value: Payload::Json(serde_json::Value::Null),
    };
    client.handle(msg("Bank", "no"));
    client.handle(msg("Seller", "yes"));
    client.receive(Some("Bank")).unwrap();
    assert_eq!(said(&mut client), [Frame::Receive { ep: 0, at: 0, from: "Bank".into() }]);
    client.receive(None).unwrap();
    assert_eq!(said(&mut client), [Frame::Ack { ep: 0, position: 2 }]);
}

/// OUT-8: with a memory that is behind, or none, it goes on from the machine.
#[test]
fn without_a_memory_it_goes_on_from_the_machine() {
    let mut client = buyer();
    client.send("Seller", "title", "Ulysses").unwrap();
    client.forget();
    let first = client.connected();
    assert!(matches!(first, Frame::Resume { kept: None, .. }));
    let rest = "Seller?quote(nat) . Seller!{ buy . end, quit . end }";
    assert_eq!(client.handle(ok(1, rest, 2)), Heard::Attached { fresh: true });
    let memory = client.memory().unwrap();
    assert_eq!((memory.position(), memory.moves().as_str()), (1, "Seller?quote(nat)"));

    let memory = Memory::new("Buyer", BUYER, 0, &[], 8).unwrap();
    let mut client = Client::resume(0, Form::Json, "t", Some(memory));
    client.connected();
    assert_eq!(client.handle(ok(1, rest, 3)), Heard::Attached { fresh: true });
    assert!(Memory::new("Buyer", "Seller!", 0, &[], 8).is_err());
}

/// An answer to an older attempt does not undo a later one.
#[test]
fn answers_of_older_attachments_are_dropped() {
    let mut client = buyer();
    client.connected();
    assert_eq!(client.handle(ok(0, BUYER, 5)), Heard::Attached { fresh: false });
    assert_eq!(client.handle(ok(0, BUYER, 4)), Heard::Nothing);
    assert_eq!(client.token(), Some("token5"));
    assert_eq!(client.handle(ok(0, BUYER, 5)), Heard::Nothing, "it came twice");
    let event = Notice::TakenOver { epoch: 5 };
    assert_eq!(client.handle(Frame::Event { ep: 0, event }), Heard::Nothing);
    let event = Notice::TakenOver { epoch: 6 };
    assert_eq!(client.handle(Frame::Event { ep: 0, event }), Heard::Over);
    assert_eq!(client.over(), Some(&Ending::TakenOver));
    assert!(client.send("Seller", "title", "x").is_err());
}

/// OUT-9: what displaced it may have been its own earlier attempt: it comes again, with the token
/// that it was sent last.
#[test]
fn who_is_displaced_comes_again() {
    let mut client = buyer();
    client.connected();
    assert_eq!(client.handle(ok(0, BUYER, 5)), Heard::Attached { fresh: false });
    let event = |epoch| Frame::Event { ep: 0, event: Notice::Displaced { epoch } };
    assert_eq!(client.handle(event(5)), Heard::Nothing, "it was said of an earlier one");
    let heard = client.handle(event(6));
    assert!(matches!(&heard, Heard::Rejected { code, .. } if code == "displaced"), "{heard:?}");
    assert!(!client.is_attached());
    assert_eq!(client.over(), None);
    assert!(client.send("Seller", "title", "x").is_ok(), "it goes on deciding");
    let Frame::Resume { token, .. } = client.connected() else { panic!("it has a resume token") };
    assert_eq!(token, "token5");
}
