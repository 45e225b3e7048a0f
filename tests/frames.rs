//! Frames in their two forms: they say the same, within limits, and nothing is left over.
#![cfg(feature = "driver")]

use crate::schema::fits;
use antiphon::types::{Sort, SortNode, Value};
use antiphon::wire::codec::{FRAME_BYTES_LIMIT, FrameError};
use antiphon::wire::frame::{
    ENDPOINTS_MAX, FRAME_BYTES_MAX, Frame, NAME_BYTES_MAX, Notice, OverLimit, VERSIONS_MAX,
};
use antiphon::wire::payload::{Form, Payload, PayloadError};
use proptest::prelude::*;
use serde_json::{Value as Tree, json};

const VECTORS: &str = include_str!("../specs/vectors/frames.json");
const SCHEMA: &str = include_str!("../specs/schema/frame.schema.json");

fn nat() -> Sort {
    Sort::leaf(SortNode::Nat)
}

/// One of each kind.
fn each(form: Form) -> Vec<Frame> {
    let value = Payload::of(form, &nat(), &Value::Nat(12));
    let (token, role) = ("AQEAAAAB".into(), Some("Buyer".into()));
    vec![
        Frame::Hello { versions: vec![1] },
        Frame::Auth { secret: "open sesame".into() },
        Frame::Attach { ep: 0, token, owner: "alice".into(), role: None },
        Frame::Resume { ep: 1, token: "AQEAAAAB".into(), role, kept: Some(300) },
        Frame::Resume { ep: 1, token: "AQEAAAAB".into(), role: None, kept: None },
        Frame::Detach { ep: 1 },
        Frame::Act { ep: 0, at: 3, to: "Seller".into(), label: "bid".into(), value: value.clone() },
        Frame::Receive { ep: 0, at: 4, from: "Seller".into() },
        Frame::Ack { ep: 0, position: 70_000 },
        Frame::Ok {
            ep: 0,
            session: "000000000000000000000000000000ff".into(),
            role: "Buyer".into(),
            epoch: 1 << 32 | 2,
            position: 3,
            token: "AQEAAAAC".into(),
            r#type: "Seller?quote(nat) . end".into(),
            consumed: vec![("Seller".into(), 2)],
        },
        Frame::Reject {
            ep: Some(0),
            code: "bad_token".into(),
            message: "the token is not valid".into(),
            retry_after: None,
        },
        Frame::Reject {
            ep: None,
            code: "busy".into(),
            message: "come again".into(),
            retry_after: Some(1500),
        },
        Frame::Refused {
            ep: 0,
            at: 3,
            code: "edge_full".into(),
            message: "the edge is full".into(),
        },
        Frame::Msg { ep: 0, from: "Seller".into(), seq: 2, label: "quote".into(), value },
        Frame::State { ep: 0, position: 9, status: "closed".into(), reason: None },
        Frame::State {
            ep: 0,
            position: 9,
            status: "faulted".into(),
            reason: Some("out of paper".into()),
        },
        Frame::Event { ep: 0, event: Notice::Room { to: "Seller".into() } },
        Frame::Event { ep: 0, event: Notice::TakenOver { epoch: 7 } },
        Frame::Event { ep: 0, event: Notice::Superseded { generation: 4 } },
        Frame::Event { ep: 0, event: Notice::Displaced { epoch: 7 } },
        Frame::Ping { t: 1 },
        Frame::Pong { t: 1 },
        Frame::Bye { reason: "shutdown".into() },
        Frame::Open { protocol: "A = B!x . end   B = A?x . end".into(), capacity: None },
        Frame::Open { protocol: "A = B!x . end   B = A?x . end".into(), capacity: Some(8) },
        Frame::Opened {
            session: "000000000000000000000000000000ff".into(),
            protocol: "Pair".into(),
            invitations: vec![("A".into(), "AQEAAAAD".into()), ("B".into(), "AQEAAAAE".into())],
        },
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// FRAME-1: every kind of frame, in both forms, as other programs have to write it.
#[test]
fn the_two_forms_are_those_of_the_vectors() {
    let lines: Vec<String> = each(Form::Json)
        .iter()
        .zip(each(Form::Binary))
        .map(|(text, binary)| {
            let text: Tree = serde_json::from_slice(&Form::Json.encode(text)).unwrap();
            json!({"json": text, "binary": hex(&Form::Binary.encode(&binary))}).to_string()
        })
        .collect();
    let text = format!("[\n{}\n]\n", lines.join(",\n"));
    if std::env::var_os("BLESS").is_some() {
        let root = env!("CARGO_MANIFEST_DIR");
        std::fs::write(format!("{root}/specs/vectors/frames.json"), &text).unwrap();
    }
    assert!(text == VECTORS, "\nremedy: if the change is meant, run this test with BLESS=1");
}

#[test]
fn what_was_written_is_read_in_either_form() {
    for form in [Form::Json, Form::Binary] {
        for frame in each(form) {
            assert_eq!(form.decode(&form.encode(&frame), FRAME_BYTES_MAX), Ok(frame));
        }
    }
}

/// Fields that may be missing may be left out of the text.
#[test]
fn a_text_may_leave_out_what_is_none() {
    let text = br#"{"resume":{"ep":1,"token":"AQEAAAAB"}}"#;
    let none = Frame::Resume { ep: 1, token: "AQEAAAAB".into(), role: None, kept: None };
    assert_eq!(Form::Json.decode(text, FRAME_BYTES_MAX), Ok(none));
}

#[test]
fn the_text_of_each_frame_fits_the_schema() {
    let schema: Tree = serde_json::from_str(SCHEMA).unwrap();
    for frame in each(Form::Json) {
        let tree: Tree = serde_json::from_slice(&Form::Json.encode(&frame)).unwrap();
        assert!(fits(&schema, &schema, &tree), "{tree}");
    }
    for wrong in [
        json!({}),
        json!({"act": {"ep": 0, "at": 1, "to": "B", "label": "l"}}),
        json!({"ack": {"ep": 0, "position": -1}}),
        json!({"ack": {"ep": 0, "position": 1, "more": 1}}),
        json!({"nothing": {}}),
        json!({"event": {"ep": 0, "event": {"news": 1}}}),
    ] {
        assert!(!fits(&schema, &schema, &wrong), "{wrong}");
        let read = Form::Json.decode(wrong.to_string().as_bytes(), FRAME_BYTES_MAX);
        assert!(matches!(read, Err(FrameError::Malformed { .. })), "{wrong}: {read:?}");
    }
}

/// FRAME-4: not a byte less, and not one more.
#[test]
fn part_of_a_frame_is_none_and_neither_is_more_than_one() {
    for form in [Form::Json, Form::Binary] {
        for frame in each(form) {
            let whole = form.encode(&frame);
            for length in 0..whole.len() {
                let read = form.decode(&whole[..length], FRAME_BYTES_MAX);
                assert!(read.is_err(), "{frame:?} cut to {length}: {read:?}");
            }
            let more = [&whole[..], &whole[..1]].concat();
            assert!(form.decode(&more, FRAME_BYTES_MAX).is_err(), "{frame:?}");
        }
    }
    let empty = Form::Binary.decode(&[], FRAME_BYTES_MAX);
    assert_eq!(empty, Err(FrameError::Empty));
    let other = Form::Binary.decode(&[9, 0], FRAME_BYTES_MAX);
    assert_eq!(other, Err(FrameError::Version { found: 9 }));
    let mut more = Form::Binary.encode(&Frame::Ping { t: 1 });
    more.push(0);
    let more = Form::Binary.decode(&more, FRAME_BYTES_MAX);
    assert_eq!(more, Err(FrameError::TrailingBytes { extra: 1 }));
}

/// FRAME-3: each limit is reached, and one more is refused.
#[test]
fn every_limit_holds() {
    let long = |length| "x".repeat(length);
    let over = |frame: &Frame| match Form::Json.decode(&Form::Json.encode(frame), FRAME_BYTES_MAX) {
        Err(FrameError::OverLimit(OverLimit { field, .. })) => Some(field),
        Ok(_) => None,
        Err(other) => panic!("{other}"),
    };
    let receive = |length| Frame::Receive { ep: 0, at: 0, from: long(length).into() };
    assert_eq!(over(&receive(NAME_BYTES_MAX)), None);
    assert_eq!(over(&receive(NAME_BYTES_MAX + 1)), Some("from"));
    let hello = |count| Frame::Hello { versions: vec![1; count] };
    assert_eq!(over(&hello(VERSIONS_MAX)), None);
    assert_eq!(over(&hello(VERSIONS_MAX + 1)), Some("versions"));
    assert_eq!(over(&Frame::Detach { ep: ENDPOINTS_MAX - 1 }), None);
    assert_eq!(over(&Frame::Detach { ep: ENDPOINTS_MAX }), Some("ep"));

    let bytes = Form::Json.encode(&receive(100));
    assert!(Form::Json.decode(&bytes, bytes.len()).is_ok());
    let (found, most) = (bytes.len(), bytes.len() - 1);
    let refused = Form::Json.decode(&bytes, most);
    assert_eq!(refused, Err(FrameError::TooLong { bytes: found, most }));
    let most = FRAME_BYTES_LIMIT;
    let endless = vec![b' '; most + 1];
    let refused = Form::Json.decode(&endless, usize::MAX);
    assert_eq!(refused, Err(FrameError::TooLong { bytes: most + 1, most }));
}

/// FRAME-3: a length that says more than there is takes no memory for it.
#[test]
fn a_length_that_lies_takes_no_memory() {
    // A `bye` whose reason is said to have eight million bytes.
    let bye = Form::Binary.encode(&Frame::Bye { reason: "".into() });
    let (head, _) = bye.split_at(bye.len() - 1);
    let lying = [head, &[252, 0, 0, 128, 0]].concat();
    let info = allocation_counter::measure(|| {
        assert!(Form::Binary.decode(&lying, FRAME_BYTES_MAX).is_err());
    });
    assert!(info.bytes_max < 4096, "{} bytes", info.bytes_max);
}

/// FRAME-2: the same payload is a value of one sort, and none of another.
#[test]
fn a_payload_is_read_by_its_sort() {
    for form in [Form::Json, Form::Binary] {
        let payload = Payload::of(form, &nat(), &Value::Nat(12));
        assert_eq!(payload.value(&nat()), Ok(Value::Nat(12)));
        let refused = payload.value(&Sort::leaf(SortNode::Bool)).unwrap_err();
        match form {
            Form::Json => assert!(matches!(refused, PayloadError::Sort(_)), "{refused}"),
            Form::Binary => assert!(matches!(refused, PayloadError::Bytes { .. }), "{refused}"),
        }
    }
}

proptest! {
    /// Bytes of a stranger give a frame or an error, and what they give can be written again.
    #[test]
    fn any_bytes_are_a_frame_or_an_error(
        at in 0_usize..22,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        form in prop_oneof![Just(Form::Json), Just(Form::Binary)],
    ) {
        let mut bytes = form.encode(&each(form)[at]);
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        if let Ok(frame) = form.decode(&bytes, FRAME_BYTES_MAX) {
            prop_assert_eq!(form.decode(&form.encode(&frame), FRAME_BYTES_MAX), Ok(frame));
        }
    }
}
