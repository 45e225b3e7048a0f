//! Batches from outside: what is no record of the protocol is refused, and what was accepted is
//! always read back.
#![cfg(feature = "driver")]

use std::sync::Arc;

use antiphon::machine::{
    Accepted, Act, Authority, Batch, Capability, Capacities, Commit, Head, Input, Machine, OnLost,
    Open, Output, Owner, Position, Predicate, Presented, REASON_BYTES_MAX, Receipt, Recipient,
    Record, Recorded, RequestId, Scope, SessionId, Stage, Tick,
};
use antiphon::types::{Edge, RoleIx, Value};
use antiphon::wire::journal::{self, Damage, Journal};
use antiphon::{Protocol, Session, driver::Options};

fn echo() -> Protocol {
    "A = B!say([unit]) . B!nested([{a: unit}]) . end   B = A?say([unit]) . A?nested([{a: unit}]) . end"
        .parse()
        .unwrap()
}

/// A list of a hundred thousand units takes four bytes. It was accepted, recorded, and the record
/// could not be read back: the session panicked. Now it is refused when it is sent (VALUE-6).
#[test]
fn a_long_list_of_nothing_is_refused_before_it_is_recorded() {
    let session = Session::open(&echo()).unwrap();
    let [mut a] = session.endpoints(["A"]).unwrap();
    let units = |count| Value::List(vec![Value::Unit; count]);
    let refused = a.try_send("B", "say", units(100_000)).unwrap_err();
    assert_eq!(refused.refusal().unwrap().code(), "wrong_sort");
    a.try_send("B", "say", units(65_535)).unwrap();
    let records =
        Value::List(vec![Value::Record(vec![("a".parse().unwrap(), Value::Unit)]); 100_000]);
    let refused = a.try_send("B", "nested", records).unwrap_err();
    assert_eq!(refused.refusal().unwrap().code(), "wrong_sort");
    assert_eq!(session.records().unwrap().len(), 2);
}

/// The capacity of an edge may be given twice; the last one holds. The record of such a session
/// could not be read back.
#[test]
fn a_capacity_that_is_given_twice_is_recorded() {
    let edge = Edge { from: RoleIx(0), to: RoleIx(1) };
    let capacities = Capacities { edges: vec![(edge, 2), (edge, 3)], ..Capacities::every(1) };
    let session = Session::open_with(&echo(), Options::default().capacities(capacities)).unwrap();
    assert_eq!(session.records().unwrap().len(), 1);
}

/// Bytes of a batch that name roles, labels or edges beyond the protocol's were taken for records,
/// and writing them as lines panicked (JRNL-8).
#[test]
fn no_byte_of_a_batch_can_be_changed_into_a_panic() {
    let protocol = echo();
    let session = Session::open(&protocol).unwrap();
    let [mut a, mut b] = session.endpoints(["A", "B"]).unwrap();
    a.try_send("B", "say", Value::List(vec![Value::Unit; 3])).unwrap();
    b.try_receive_from("A").unwrap();
    session.cancel("enough").unwrap();
    let records = session.records().unwrap();
    let id = session.id();
    let batch = journal::batch(Head::first(id, protocol.digest()), id, &records).unwrap();
    for at in 0..batch.bytes.len() {
        let bits = (0..8).map(|bit| batch.bytes[at] ^ 1 << bit);
        for byte in [0, 1, 2, 7, 0x7f, 0x80, 0x81, 0xff].into_iter().chain(bits) {
            let mut bytes = batch.bytes.to_vec();
            bytes[at] = byte;
            let changed = Batch { bytes: bytes.into(), session: SessionId(1), ..batch.clone() };
            if let Ok(records) = Record::decode_batch(&changed, &protocol) {
                let again = Record::encode_batch(&records);
                assert_eq!(again, changed.bytes, "byte {at} as {byte}");
                journal::batch_line(&protocol, &changed).unwrap();
            }
        }
    }
}

/// What happened: a journal whose reason somebody had made longer than a record can hold was read
/// from JSON and panicked when its bytes were made; one a little longer than a machine keeps
/// replayed, and its trail told the whole of it (JRNL-8).
#[test]
fn a_reason_that_no_machine_records_is_damage() {
    let protocol = echo();
    let session = Session::open(&protocol).unwrap();
    session.cancel("enough").unwrap();
    let (records, id) = (session.records().unwrap(), session.id());
    let before = Head::first(id, protocol.digest());
    let header = journal::header_line(&protocol, id);
    let batch = journal::batch(before, id, &records).unwrap();
    let line = journal::batch_line(&protocol, &batch).unwrap();
    for length in [REASON_BYTES_MAX + 1, 70_000] {
        let forged = line.replace("enough", &"x".repeat(length));
        assert_ne!(forged, line);
        let error = Journal::read(format!("{header}\n{forged}\n").as_bytes()).unwrap_err();
        assert!(matches!(error.damage, Damage::Record { index: 1, .. }), "{error}");
    }
    // The same as bytes.
    let mut forged = records;
    let reason = "x".repeat(REASON_BYTES_MAX + 1).into();
    let Recorded::Input(Input::Act { act, .. }) = &mut forged[1].event else { panic!("an act") };
    *act = Act::Cancel { reason };
    let batch = journal::batch(before, id, &forged).unwrap();
    assert!(Record::decode_batch(&batch, &protocol).is_err());
}

/// JRNL-27: in more bytes than it takes, a number is none; and none is cut to what fits.
#[test]
fn a_number_has_one_form() {
    let protocol = echo();
    let session = Session::open(&protocol).unwrap();
    session.cancel("enough").unwrap();
    let records = session.records().unwrap();
    let id = session.id();
    let batch = journal::batch(Head::first(id, protocol.digest()), id, &records[1..]).unwrap();
    // Its length, its tag, its tick.
    let [length, tag, _, rest @ ..] = &batch.bytes[..] else { panic!("{batch:?}") };
    assert_eq!(usize::from(*length), rest.len() + 2, "the tick takes one byte");
    let with_tick = |tick: &[u8]| {
        let length = [*length - 1 + u8::try_from(tick.len()).unwrap(), *tag];
        let bytes = [&length, tick, rest].concat().into();
        let records = Record::decode_batch(&Batch { bytes, ..batch.clone() }, &protocol);
        records.map(|records| records[0].tick.0)
    };
    let ten = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    for (bytes, tick) in [
        (&[0][..], 0),
        (&[0x7f], 127),
        (&[0x80, 0x01], 128),
        (&[0xac, 0x02], 300),
        (&ten, u64::MAX),
    ] {
        assert_eq!(with_tick(bytes), Ok(tick));
    }
    let more = [&ten[..9], &[0x02]].concat();
    for bytes in [&[0x80, 0x00][..], &[0xff, 0x00], &[0x80, 0x80, 0x00], &more, &[0x80; 20]] {
        with_tick(bytes).unwrap_err();
    }
}

/// JRNL-28: an authority that the batch has said is one bit; said in full it would be another form.
#[test]
fn what_a_batch_has_said_is_not_said_again() {
    let session = Session::open(&echo()).unwrap();
    let [mut a, mut b] = session.endpoints(["A", "B"]).unwrap();
    a.try_send("B", "say", Value::List(vec![])).unwrap();
    b.try_receive_from("A").unwrap();
    let records = session.records().unwrap();
    let id = session.id();
    let bytes = |records: &[Record]| {
        let batch = journal::batch(Head::first(id, echo().digest()), id, records).unwrap();
        batch.bytes.to_vec()
    };
    let (send, receive) = (bytes(&records[1..2]), bytes(&records[2..3]));
    let both = bytes(&records[1..3]);
    assert!(both.len() < send.len() + receive.len(), "{both:?}");
    let batch = |bytes: Vec<u8>| {
        let (first, count, head) = (1, 2, Head([0; 32]));
        Batch { session: id, first, count, bytes: bytes.into(), head }
    };
    assert_eq!(Record::decode_batch(&batch(both), &echo()).unwrap(), records[1..3]);
    Record::decode_batch(&batch([send, receive].concat()), &echo()).unwrap_err();
}

/// A session in which authority goes from hand to hand, one step a record.
struct Handing {
    machine: Machine,
    request: u64,
}

const ROLE: RoleIx = RoleIx(0);

impl Handing {
    fn open() -> (Self, Capability) {
        let (mut machine, protocol) = (Machine::new(), Arc::new(echo()));
        machine.register(&protocol);
        let open = Open {
            session: SessionId(7),
            protocol: protocol.digest(),
            owner: Owner::new("host").unwrap(),
            capacities: Capacities::every(1).unchecked(),
            journal: true,
            on_lost: OnLost::default(),
            policies: Vec::new(),
        };
        match machine.handle(Tick(3), Input::Open(open)) {
            Ok(Accepted::Opened(by)) => (Self { machine, request: 0 }, by),
            other => panic!("{other:?}"),
        }
    }

    fn stage(&mut self, by: &Presented, to: Recipient, expires: Option<u64>) -> Receipt {
        self.request += 1;
        let (request, expires) = (RequestId(self.request), expires.map(Tick));
        let stage = Stage { request, scope: Scope::role(ROLE), to, expires, freeze: false };
        self.machine.stage(Tick(4), by, stage).unwrap()
    }

    fn commit(&mut self, receipt: Receipt, owner: &str) -> Capability {
        let (request, owner) = (RequestId(self.request), Owner::new(owner).unwrap());
        self.machine.commit(Tick(4), &Commit { request, receipt, owner }).unwrap()
    }

    fn witness(&mut self, by: &Presented, predicate: Predicate) {
        self.request += 3;
        let request = RequestId(self.request);
        let witness = self.machine.issue_readiness(Tick(5), by, request, predicate).unwrap();
        self.machine.consume_readiness(Tick(5), by, witness).unwrap();
    }

    fn batch(&mut self) -> Batch {
        self.machine.seal();
        loop {
            match self.machine.poll() {
                Some(Output::Persist(batch)) => return batch,
                Some(_) => {}
                None => panic!("it keeps a journal"),
            }
        }
    }
}

fn owner(name: &str) -> Recipient {
    Recipient::Owner(Owner::new(name).unwrap())
}

/// Transfers and witnesses as they come after each other, and as they do not.
fn handed() -> (Batch, Vec<Record>) {
    let (mut handing, host) = Handing::open();
    let long = "a name that takes memory of its own";
    let mut by = None;
    for to in ["phone", "tablet", long, "phone"] {
        let from = by.as_ref().map_or(host.present(), Capability::present).clone();
        let receipt = handing.stage(&from, owner(to), None);
        by = Some(handing.commit(receipt, to));
    }
    let by = by.unwrap();
    let position = Predicate::position(ROLE, Position(0));
    for predicate in [&position, &Predicate::external("said".parse().unwrap()), &position] {
        handing.witness(by.present(), predicate.clone());
        handing.witness(by.present(), Predicate::not(&Predicate::any([]).unwrap()).unwrap());
    }
    // A bearer names itself.
    let receipt = handing.stage(by.present(), Recipient::Bearer, None);
    let by = handing.commit(receipt, "tablet");
    // Somebody else acts in between.
    let receipt = handing.stage(by.present(), owner("watch"), None);
    handing.witness(host.present(), Predicate::position(RoleIx(1), Position(0)));
    let by = handing.commit(receipt, "watch");
    // It would have run out.
    let receipt = handing.stage(by.present(), owner("phone"), Some(100));
    let by = handing.commit(receipt, "phone");
    // It is taken back.
    let receipt = handing.stage(by.present(), owner("watch"), None);
    let act = Act::Authority(Box::new(Authority::Rollback { receipt }));
    handing.machine.act(Tick(6), by.present(), act).unwrap();
    let receipt = handing.stage(by.present(), owner("watch"), None);
    handing.commit(receipt, "watch");
    let batch = handing.batch();
    let records = Record::decode_batch(&batch, &echo()).unwrap();
    (batch, records)
}

/// JRNL-30: every part of such a journal is read back as it was, and no byte of it can be changed
/// so that two forms are read as one record.
#[test]
fn what_is_handed_over_is_read_back() {
    let ((whole, records), protocol) = (handed(), echo());
    assert_eq!(Record::encode_batch(&records), whole.bytes);
    for first in 0..records.len() {
        for last in first + 1..=records.len() {
            let part = &records[first..last];
            let bytes = Record::encode_batch(part).into();
            let (first, count) = (part[0].index, u32::try_from(part.len()).unwrap());
            let batch = Batch { first, count, bytes, ..whole.clone() };
            assert_eq!(Record::decode_batch(&batch, &protocol).as_deref(), Ok(part));
        }
    }
    for at in 0..whole.bytes.len() {
        let bits = (0..8).map(|bit| whole.bytes[at] ^ 1 << bit);
        for byte in [0, 1, 2, 7, 0x7f, 0x80, 0x81, 0xff].into_iter().chain(bits) {
            let mut bytes = whole.bytes.to_vec();
            bytes[at] = byte;
            let changed = Batch { bytes: bytes.into(), ..whole.clone() };
            if let Ok(records) = Record::decode_batch(&changed, &protocol) {
                assert_eq!(Record::encode_batch(&records), changed.bytes, "byte {at} as {byte}");
                journal::batch_line(&protocol, &changed).unwrap();
            }
        }
    }
}

/// JRNL-30: a commit says its request and the generation, the use of a witness nothing; said in
/// full they would be another form.
#[test]
fn what_was_staged_is_not_said_again() {
    let ((whole, records), protocol) = (handed(), echo());
    let kind = |record: &Record| match &record.event {
        Recorded::Input(Input::Commit(_)) => "commit",
        Recorded::Input(Input::Act { act: Act::Authority(authority), .. }) => match &**authority {
            Authority::Stage { .. } => "stage",
            Authority::IssueReadiness { .. } => "issue",
            Authority::ConsumeReadiness { .. } => "consume",
            _ => "other",
        },
        _ => "other",
    };
    let mut seen = 0;
    for pair in records.windows(2) {
        let bytes = Record::encode_batch(pair);
        let [before, alone] = [0, 1].map(|at| Record::encode_batch(&pair[at..=at]));
        let behind = &bytes[before.len()..];
        // Both are at the same tick, so that in full the second one would differ in nothing else.
        let most = match (kind(&pair[0]), kind(&pair[1])) {
            ("stage", "commit") => 5,
            ("issue", "consume") => 3,
            _ => continue,
        };
        let mut alone = alone;
        alone[2] = 0;
        let in_full = [before, alone].concat().into();
        let batch = Batch { first: pair[0].index, count: 2, bytes: in_full, ..whole.clone() };
        let read = Record::decode_batch(&batch, &protocol);
        if behind.len() <= most {
            read.unwrap_err();
            seen += 1;
        } else {
            let Recorded::Input(Input::Commit(commit)) = &pair[1].event else { panic!("{pair:?}") };
            let is_bearer = commit.receipt.to == Recipient::Bearer;
            assert!(is_bearer, "{pair:?}");
            assert_eq!(read.as_deref(), Ok(pair));
        }
    }
    assert_eq!(seen, 4 + 2 + 7);
}
