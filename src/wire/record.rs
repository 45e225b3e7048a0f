//! Records as JSON, with names instead of numbers.

use serde::{Deserialize, Serialize};
use serde_json::Value as Tree;

use super::authority;
use super::event::{
    ByJson, EventError, EventJson, Names, TimerJson, read_act, read_by, read_epoch, read_owner,
    write_act, write_by, write_edge, wrong,
};
use super::json::read_value;
use super::policy;
use super::requests::{RequestJson, write_request};
use crate::machine::{
    Capacities, Generation, Input, Open, Outcome, Position, ReceiptId, Record, Recorded, Seq,
    Serial, SessionId, Tick, Timer, TimerId, WitnessId,
};
use crate::types::{MessageIx, Protocol, Value};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordJson {
    index: u64,
    tick: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<ByJson>,
    event: EventJson,
    outcome: OutcomeJson,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum OutcomeJson {
    Opened { generation: u64 },
    Sent { message: u16, seq: u64, position: u64 },
    Received { label: String, seq: u64, position: u64 },
    Acknowledged { position: u64 },
    Issued { generation: u64 },
    Staged { receipt: u64 },
    Done {},
    Serial { serial: u64 },
    Witness { witness: u64 },
    Timer { timer: u64 },
    Attached { epoch: String },
}

pub(super) fn write(protocol: &Protocol, record: &Record) -> RecordJson {
    let (by, event) = match &record.event {
        Recorded::Expired(Timer::Drain) => (None, EventJson::Expired { timer: TimerJson::Drain }),
        Recorded::Expired(Timer::Transfer(receipt)) => {
            (None, EventJson::Expired { timer: TimerJson::Transfer(receipt.0) })
        }
        Recorded::Expired(Timer::Site(timer)) => {
            (None, EventJson::Expired { timer: TimerJson::Site(timer.0) })
        }
        Recorded::Expired(Timer::Witness(witness)) => {
            (None, EventJson::Expired { timer: TimerJson::Witness(witness.0) })
        }
        Recorded::Recovered { fencing } => (None, EventJson::Recovered { fencing: *fencing }),
        Recorded::Input(request @ (Input::Commit(_) | Input::Reclaim(_))) => {
            let RequestJson { by, event } = write_request(protocol, request);
            (by, event)
        }
        Recorded::Input(Input::Open(open)) => {
            let edges = open.capacities.edges.iter();
            let capacities = edges.map(|(edge, n)| (write_edge(protocol, *edge), *n)).collect();
            let Capacities { every, unchecked, .. } = open.capacities;
            let capacity = every.expect("a record says every capacity");
            let (owner, on_lost) = (open.owner.to_string(), open.on_lost.into());
            let policies = policy::write(protocol, &open.policies);
            (None, EventJson::Open { owner, capacity, capacities, unchecked, on_lost, policies })
        }
        Recorded::Input(Input::Act { by, act }) => {
            let sent = match record.outcome {
                Outcome::Sent(message, ..) => Some(message),
                _ => None,
            };
            (Some(write_by(by)), write_act(protocol, act, sent))
        }
        Recorded::Input(
            Input::Persisted { .. } | Input::Tick | Input::Reap { .. } | Input::Recovered { .. },
        ) => {
            unreachable!("these are not recorded as inputs")
        }
    };
    let outcome = match record.outcome {
        Outcome::Opened(generation) => OutcomeJson::Opened { generation: generation.0 },
        Outcome::Sent(message, seq, position) => {
            OutcomeJson::Sent { message: message.0, seq: seq.0, position: position.0 }
        }
        Outcome::Received(label, seq, position) => {
            let label = protocol.label_name(label).to_string();
            OutcomeJson::Received { label, seq: seq.0, position: position.0 }
        }
        Outcome::Acknowledged(position) => OutcomeJson::Acknowledged { position: position.0 },
        Outcome::Issued(generation) => OutcomeJson::Issued { generation: generation.0 },
        Outcome::Staged(receipt) => OutcomeJson::Staged { receipt: receipt.0 },
        Outcome::Done => OutcomeJson::Done {},
        Outcome::Serial(serial) => OutcomeJson::Serial { serial: serial.0 },
        Outcome::Witness(witness) => OutcomeJson::Witness { witness: witness.0 },
        Outcome::Timer(timer) => OutcomeJson::Timer { timer: timer.0 },
        Outcome::Attached(epoch) => OutcomeJson::Attached { epoch: epoch.to_string() },
    };
    RecordJson { index: record.index, tick: record.tick.0, by, event, outcome }
}

pub(super) fn read(
    protocol: &Protocol,
    session: SessionId,
    json: RecordJson,
) -> Result<Record, EventError> {
    let names = Names::strict(protocol);
    let outcome = read_outcome(protocol, &json.outcome)?;
    let event = match (json.by, json.event) {
        (None, EventJson::Expired { timer: TimerJson::Drain }) => Recorded::Expired(Timer::Drain),
        (None, EventJson::Expired { timer: TimerJson::Transfer(receipt) }) => {
            Recorded::Expired(Timer::Transfer(ReceiptId(receipt)))
        }
        (None, EventJson::Expired { timer: TimerJson::Site(timer) }) => {
            Recorded::Expired(Timer::Site(TimerId(timer)))
        }
        (None, EventJson::Expired { timer: TimerJson::Witness(witness) }) => {
            Recorded::Expired(Timer::Witness(WitnessId(witness)))
        }
        (None, EventJson::Recovered { fencing }) => Recorded::Recovered { fencing },
        (None, EventJson::Commit(commit)) => {
            let commit = authority::read_commit(session, &commit)?;
            Recorded::Input(Input::Commit(Box::new(commit)))
        }
        (None, EventJson::Reclaim(reclaim)) => {
            let reclaim = authority::read_reclaim(session, &reclaim)?;
            Recorded::Input(Input::Reclaim(Box::new(reclaim)))
        }
        (None, EventJson::Open { owner, capacity, capacities, unchecked, on_lost, policies }) => {
            let policies = policy::read(names, &policies)?;
            let capacities = names.capacities(Some(capacity), &capacities, unchecked)?;
            let (owner, protocol) = (read_owner(&owner)?, protocol.digest());
            let on_lost = on_lost.into();
            let journal = true;
            let open = Open { session, protocol, owner, capacities, journal, policies, on_lost };
            Recorded::Input(Input::Open(open))
        }
        (Some(ByJson { over: Some(_), .. }), _) => {
            return Err(wrong("a record does not say what its input came over"));
        }
        (Some(by), event) => {
            let by = read_by(session, &by)?;
            let act =
                read_act(names, session, event, |_, tree| read_sent(protocol, outcome, tree))?;
            Recorded::Input(Input::Act { by, act })
        }
        (None, _) => return Err(wrong("the record does not say by whose authority it was done")),
    };
    Ok(Record { index: json.index, tick: Tick(json.tick), event, outcome })
}

fn read_outcome(protocol: &Protocol, json: &OutcomeJson) -> Result<Outcome, EventError> {
    Ok(match json {
        OutcomeJson::Opened { generation } => Outcome::Opened(Generation(*generation)),
        OutcomeJson::Sent { message, seq, position } => {
            if usize::from(*message) >= protocol.messages().len() {
                return Err(wrong(format!("the protocol has no message number {message}")));
            }
            Outcome::Sent(MessageIx(*message), Seq(*seq), Position(*position))
        }
        OutcomeJson::Received { label, seq, position } => {
            Outcome::Received(Names::strict(protocol).label(label)?, Seq(*seq), Position(*position))
        }
        OutcomeJson::Acknowledged { position } => Outcome::Acknowledged(Position(*position)),
        OutcomeJson::Issued { generation } => Outcome::Issued(Generation(*generation)),
        OutcomeJson::Staged { receipt } => Outcome::Staged(ReceiptId(*receipt)),
        OutcomeJson::Done {} => Outcome::Done,
        OutcomeJson::Serial { serial } => Outcome::Serial(Serial(*serial)),
        OutcomeJson::Witness { witness } => Outcome::Witness(WitnessId(*witness)),
        OutcomeJson::Timer { timer } => Outcome::Timer(TimerId(*timer)),
        OutcomeJson::Attached { epoch } => Outcome::Attached(read_epoch(epoch)?),
    })
}

fn read_sent(protocol: &Protocol, outcome: Outcome, value: &Tree) -> Result<Value, EventError> {
    let Outcome::Sent(message, ..) = outcome else {
        return Err(wrong("a send comes to `sent`"));
    };
    let sort = protocol.message(message).payload.sort();
    read_value(sort, value).map_err(|error| wrong(error.to_string()))
}
