//! What a run has to be: what each client did is what the journal says, and a run over perfect
//! channels.
//!
//! The reference is naive on purpose: queues without an end, and logs that are gone through one
//! action at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use super::player::Done;
use crate::journal::Journal;
use crate::machine::{Batch, Head, Machine, Record, SessionId};
use crate::types::{Direction, Name, Protocol, RoleIx, StateIx};
use crate::wire::journal;

/// What was compared, and held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How many records the journal has.
    pub records: u64,
    /// How many actions they come to.
    pub actions: u64,
    /// How many of them every client has done as well, in its order.
    pub compared: u64,
    /// The digest of the state that the journal re-executes to.
    pub digest: String,
}

/// What did not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The journal is damaged.
    #[error("the journal does not re-execute: {0}")]
    Journal(String),
    /// A client has done something that its type does not allow.
    #[error("`{role}` did something at position {at} that its type does not allow: {what}")]
    NotAllowed {
        /// The role.
        role: Name,
        /// Where.
        at: usize,
        /// What.
        what: String,
    },
    /// Perfect channels would not have given this run.
    #[error(
        "`{role}` cannot have received {what} at position {at}: it was not sent before, or was received already"
    )]
    NotPerfect {
        /// The role.
        role: Name,
        /// Where.
        at: usize,
        /// What.
        what: String,
    },
    /// The journal says something else than the client.
    #[error("the journal says that `{role}` is at {journal}, its client did {client} actions")]
    Position {
        /// The role.
        role: Name,
        /// How many actions the journal has.
        journal: u64,
        /// How many the client has done.
        client: u64,
    },
    /// A message in the journal is not the one that the client sent.
    #[error(
        "message {index} from `{from}` to `{to}` is another one in the journal than what was sent"
    )]
    Message {
        /// The sender.
        from: Name,
        /// The receiver.
        to: Name,
        /// Its place on the edge.
        index: usize,
    },
}

/// The verdict on a session, and its journal as lines of text.
pub(super) fn of(
    journal: &dyn Journal,
    protocol: &Arc<Protocol>,
    session: SessionId,
    logs: &[(Name, &[Done])],
) -> (Result<Verdict, Fault>, String) {
    match records(journal, protocol, session) {
        Ok((records, batches)) => {
            (judge(protocol, session, &records, logs), text(protocol, session, &batches))
        }
        Err(fault) => (Err(fault), String::new()),
    }
}

/// How a session has ended, by its journal.
#[cfg(feature = "net")]
pub(super) fn ended(
    journal: &dyn Journal,
    protocol: &Arc<Protocol>,
    session: SessionId,
) -> Option<String> {
    let (records, _) = records(journal, protocol, session).ok()?;
    let machine = Machine::replay(protocol, session, &records).ok()?;
    let status = machine.session(session)?.status();
    status.is_terminal().then(|| status.to_string())
}

/// The records of a session, from its journal; the chain is checked.
fn records(
    journal: &dyn Journal,
    protocol: &Protocol,
    session: SessionId,
) -> Result<(Vec<Record>, Vec<Batch>), Fault> {
    let broken = |what: &str| Fault::Journal(what.into());
    let (mut records, mut batches) = (Vec::new(), Vec::new());
    let mut head = Head::first(session, protocol.digest());
    let mut next = 0;
    loop {
        let page =
            journal.read(session.0, next, 1024).map_err(|error| broken(&error.to_string()))?;
        if page.is_empty() {
            return Ok((records, batches));
        }
        for stored in page {
            head = head.after(stored.first, stored.count, &stored.bytes);
            if head.0 != stored.head || stored.first != next {
                return Err(broken("the chain is broken"));
            }
            next = stored.end();
            let (first, count, bytes) = (stored.first, stored.count, stored.bytes);
            let batch = Batch { session, first, count, bytes, head };
            let more = Record::decode_batch(&batch, protocol);
            records.extend(more.map_err(|error| broken(&error.to_string()))?);
            batches.push(batch);
        }
    }
}

/// The journal of a session as lines of text.
fn text(protocol: &Protocol, session: SessionId, batches: &[Batch]) -> String {
    let mut text = journal::header_line(protocol, session) + "\n";
    for batch in batches {
        let line = journal::batch_line(protocol, batch).expect("they were decoded before");
        text.extend([line.as_str(), "\n"]);
    }
    if let Some(last) = batches.last() {
        let records = last.first + u64::from(last.count);
        text.extend([journal::end_line(records, last.head).as_str(), "\n"]);
    }
    text
}

/// Compares what the clients did with the journal, and both with perfect channels.
fn judge(
    protocol: &Arc<Protocol>,
    session: SessionId,
    records: &[Record],
    logs: &[(Name, &[Done])],
) -> Result<Verdict, Fault> {
    let machine = Machine::replay(protocol, session, records)
        .map_err(|error| Fault::Journal(error.to_string()))?;
    let view = machine.session(session).ok_or(Fault::Journal("it is empty".into()))?;
    follow_types(protocol, logs)?;
    perfect(logs)?;
    let (mut actions, mut compared) = (0, 0);
    for (name, log) in logs {
        let role = protocol.role(name).expect("a log is of a role");
        let journal = view.endpoint(role).map_or(0, |endpoint| endpoint.position().0);
        let client = log.len() as u64;
        // What the client did last may not be kept yet, or never: its session has ended first.
        if journal > client {
            return Err(Fault::Position { role: name.clone(), journal, client });
        }
        actions += journal;
        compared += journal;
    }
    same_messages(protocol, records, logs)?;
    let records = records.len() as u64;
    Ok(Verdict { records, actions, compared, digest: machine.digest().to_string() })
}

/// Each log is one that the role's type allows.
fn follow_types(protocol: &Protocol, logs: &[(Name, &[Done])]) -> Result<(), Fault> {
    for (name, log) in logs {
        let role = protocol.role(name).expect("a log is of a role");
        let automaton = protocol.automaton(role);
        let mut state = StateIx(0);
        for (at, done) in log.iter().enumerate() {
            let fits = automaton.direction(state) == Some(done.direction);
            let mut moves = automaton.moves(state).iter().filter(|_| fits);
            let next = moves.find(|one| {
                let message = protocol.message(one.message);
                *protocol.role_name(one.peer) == done.peer
                    && *protocol.label_name(message.label) == done.label
                    && message.payload.sort().conform(done.value.clone()).is_ok()
            });
            let Some(next) = next else {
                return Err(Fault::NotAllowed { role: name.clone(), at, what: shown(done) });
            };
            state = next.next;
        }
    }
    Ok(())
}

/// Somebody who can go on does, over queues that lose nothing, until nobody can: each log must have
/// come to its end.
fn perfect(logs: &[(Name, &[Done])]) -> Result<(), Fault> {
    let index = |name: &Name| logs.iter().position(|(role, _)| role == name);
    let mut queues: Vec<Vec<VecDeque<&Done>>> = vec![vec![VecDeque::new(); logs.len()]; logs.len()];
    let mut next = vec![0; logs.len()];
    loop {
        let mut moved = false;
        for (role, (_, log)) in logs.iter().enumerate() {
            while let Some(done) = log.get(next[role]) {
                let Some(peer) = index(&done.peer) else { break };
                match done.direction {
                    Direction::Send => queues[role][peer].push_back(done),
                    Direction::Receive => {
                        let head = queues[peer][role].front();
                        let is_it = |sent: &&&Done| {
                            (&sent.label, &sent.value) == (&done.label, &done.value)
                        };
                        if head.filter(is_it).is_none() {
                            break;
                        }
                        queues[peer][role].pop_front();
                    }
                }
                next[role] += 1;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    for ((name, log), at) in logs.iter().zip(next) {
        if let Some(done) = log.get(at) {
            return Err(Fault::NotPerfect { role: name.clone(), at, what: shown(done) });
        }
    }
    Ok(())
}

/// What the journal has on each edge is what the client has sent over it.
fn same_messages(
    protocol: &Protocol,
    records: &[Record],
    logs: &[(Name, &[Done])],
) -> Result<(), Fault> {
    use crate::machine::{Act, Input, Recorded};
    let mut counts = vec![vec![0_usize; logs.len()]; logs.len()];
    for record in records {
        let Recorded::Input(Input::Act { act: Act::Send(send), .. }) = &record.event else {
            continue;
        };
        let name = |role: RoleIx| protocol.role_name(role);
        let place = |role: RoleIx| logs.iter().position(|(known, _)| known == name(role));
        let Some((from, to)) = place(send.role).zip(place(send.to)) else { continue };
        let index = counts[from][to];
        counts[from][to] += 1;
        let mut own = logs[from]
            .1
            .iter()
            .filter(|done| done.direction == Direction::Send && done.peer == *name(send.to));
        let label = protocol.label_name(send.label);
        let is_it = |done: &&Done| done.label == *label && done.value == send.value;
        if own.nth(index).filter(is_it).is_none() {
            let (from, to) = (name(send.role).clone(), name(send.to).clone());
            return Err(Fault::Message { from, to, index });
        }
    }
    Ok(())
}

fn shown(done: &Done) -> String {
    let symbol = done.direction.symbol();
    format!("{}{symbol}{}({})", done.peer, done.label, done.value)
}
