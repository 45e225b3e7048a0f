//! A session from bytes that nobody vouches for. Every count is held against what a session can
//! have before anything is read by it, so that no more memory is taken than the bytes are worth.
//!
//! Clauses: JSTO-16.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;

use super::{SessionSnapshot, SnapshotError};
use crate::machine::attachment::{Attachment, Attachments};
use crate::machine::authority::Scope;
use crate::machine::edge::{Buffer, Queued};
use crate::machine::ends::OnLost;
use crate::machine::few::Few;
use crate::machine::handler::Handlers;
use crate::machine::id::{
    Generation, Position, ReceiptId, RequestId, Seq, Serial, SessionId, Tick, TimerId, WitnessId,
};
use crate::machine::input::{Act, Input, REASON_BYTES_MAX};
use crate::machine::log::Log;
use crate::machine::output::Status;
use crate::machine::ownership::{Holding, Ownership, Spread, Staged};
use crate::machine::policy::{Policies, Policy};
use crate::machine::receipt::{OUTSTANDING_MAX, Receipt};
use crate::machine::record::{
    Record, RecordError, Recorded, Said, byte, decode_epoch, decode_name, decode_optional,
    decode_owner, decode_predicate, decode_reason, decode_recipient, decode_scope, decode_site,
    decode_timeout, flag, long, rest_array, short, take, word,
};
use crate::machine::remember::{Performed, REMEMBERED_MAX, Remembered, Ring};
use crate::machine::request::Origin;
use crate::machine::session::{Endpoint, Path, Seldom, Session};
use crate::machine::site::Armed;
use crate::machine::token::Serials;
use crate::machine::witness::{Outstanding, Readiness, Ready, Watch};
use crate::types::{CAPACITY_MAX, EdgeIx, MessageIx, Name, Protocol, RoleIx, StateIx, canonical};

type Decoded<T> = Result<T, RecordError>;

/// The session that a snapshot says, with what follows from it counted anew. Whether its invariants
/// hold is for the caller to see.
pub(super) fn session(
    snapshot: &SessionSnapshot,
    protocol: &Protocol,
    slot: u32,
) -> Result<Session, SnapshotError> {
    let reader = Reader { protocol, session: snapshot.session };
    let rest = &mut snapshot.body();
    let status = decode_status(rest).map_err(SnapshotError::of("status"))?;
    let (checked, on_lost) = decode_options(rest).map_err(SnapshotError::of("status"))?;
    let tick = Tick(long(rest).map_err(SnapshotError::of("time"))?);
    let ownership = reader.ownership(rest).map_err(SnapshotError::of("owner"))?;
    let endpoints = reader.endpoints(rest).map_err(SnapshotError::of("roles"))?;
    let edges = reader.edges(rest).map_err(SnapshotError::of("edges"))?;
    let attachments = given(rest, |rest| reader.attachments(rest));
    let attachments = attachments.map_err(SnapshotError::of("attachments"))?;
    let deadline = decode_optional(rest).map_err(SnapshotError::of("drain"))?.map(Tick);
    let policies = given(rest, |rest| reader.policies(rest, &edges));
    let policies = policies.map_err(SnapshotError::of("policies"))?;
    let remembered = given(rest, |rest| reader.remembered(rest, &endpoints));
    let remembered = remembered.map_err(SnapshotError::of("sends that are remembered"))?;
    let handlers = given(rest, |rest| reader.handlers(rest));
    let handlers = handlers.map_err(SnapshotError::of("handlers"))?;
    let spread = given(rest, |rest| reader.spread(rest));
    let spread = spread.map_err(SnapshotError::of("holdings and transfers"))?.map(Box::new);
    let outstanding = given(rest, |rest| reader.outstanding(rest));
    let outstanding = outstanding.map_err(SnapshotError::of("witnesses and timers"))?.map(Box::new);
    if !rest.is_empty() {
        return Err(SnapshotError::Malformed("end"));
    }
    let log = Some(Log::behind(snapshot.records, snapshot.head));
    let seldom = Seldom { deadline, remembered, handlers, log, spread, outstanding, policies };
    let roles = (0..).map(RoleIx).zip(endpoints.iter());
    let runs = |(role, at): &(RoleIx, &Endpoint)| !protocol.automaton(*role).is_end(at.state());
    let running = u16::try_from(roles.filter(runs).count()).expect("ROLES_MAX fits");
    let queued = edges.iter().map(Buffer::len).sum::<usize>();
    let queued = u32::try_from(queued).map_err(|_| SnapshotError::Malformed("edges"))?;
    let mut session = Session {
        id: snapshot.session,
        ownership,
        endpoints,
        edges,
        protocol: slot,
        queued,
        running,
        path: Path::Full,
        checked,
        on_lost,
        tick,
        seldom: Some(Box::new(seldom)),
        status,
        attachments: attachments.map(Box::new),
    };
    session.path = session.path_enough();
    Ok(session)
}

fn given<T>(rest: &mut Bytes, read: impl FnOnce(&mut Bytes) -> Decoded<T>) -> Decoded<Option<T>> {
    Ok(if flag(rest)? { Some(read(rest)?) } else { None })
}

/// So many of something: no more than `most`.
fn many<T>(
    rest: &mut Bytes,
    most: usize,
    mut read: impl FnMut(&mut Bytes) -> Decoded<T>,
) -> Decoded<Vec<T>> {
    let count = usize::try_from(long(rest)?).map_err(|_| RecordError)?;
    if count > most || count > rest.len() {
        return Err(RecordError);
    }
    (0..count).map(|_| read(rest)).collect()
}

fn ensure(holds: bool) -> Decoded<()> {
    if holds { Ok(()) } else { Err(RecordError) }
}

fn decode_status(rest: &mut Bytes) -> Decoded<Status> {
    Ok(match byte(rest)? {
        0 => Status::Active,
        1 => Status::Draining,
        2 => Status::Closed,
        3 => Status::Cancelled(decode_reason(rest, REASON_BYTES_MAX)?),
        4 => Status::Faulted(decode_reason(rest, REASON_BYTES_MAX)?),
        _ => return Err(RecordError),
    })
}

fn decode_options(rest: &mut Bytes) -> Decoded<(bool, OnLost)> {
    let options = byte(rest)?;
    Ok((options & 1 == 1, OnLost::from_bits(options >> 1).ok_or(RecordError)?))
}

fn decode_serials(rest: &mut Bytes) -> Decoded<Serials> {
    Ok(Serials {
        generation: Generation(long(rest)?),
        issued: Serial(long(rest)?),
        confirmed: Serial(long(rest)?),
        refused: 0,
    })
}

/// What the numbers in a snapshot are numbers of.
struct Reader<'p> {
    protocol: &'p Protocol,
    session: SessionId,
}

impl Reader<'_> {
    fn roles(&self) -> usize {
        self.protocol.roles().len()
    }

    /// Fragments of the protocol, or none.
    fn scope(&self, rest: &mut Bytes) -> Decoded<Scope> {
        let scope = decode_scope(rest)?;
        ensure(scope.without(Scope::session(self.protocol)).is_empty())?;
        Ok(scope)
    }

    fn edge(&self, rest: &mut Bytes) -> Decoded<EdgeIx> {
        let edge = EdgeIx(short(rest)?);
        ensure(edge.index() < self.protocol.edges().len())?;
        Ok(edge)
    }

    fn message(&self, rest: &mut Bytes) -> Decoded<MessageIx> {
        let message = MessageIx(short(rest)?);
        ensure(message.index() < self.protocol.messages().len())?;
        Ok(message)
    }

    fn ownership(&self, rest: &mut Bytes) -> Decoded<Ownership> {
        let (owner, generation) = (decode_owner(rest)?, Generation(long(rest)?));
        Ok(Ownership { owner, generation, scope: self.scope(rest)? })
    }

    fn endpoints(&self, rest: &mut Bytes) -> Decoded<Few<Endpoint>> {
        let endpoint = |role: usize| {
            let role = RoleIx(u16::try_from(role).map_err(|_| RecordError)?);
            let state = StateIx(word(rest)?);
            ensure(state.index() < self.protocol.automaton(role).len())?;
            Ok(Endpoint::new(state, Position(long(rest)?)))
        };
        let endpoints: Vec<Endpoint> = (0..self.roles()).map(endpoint).collect::<Decoded<_>>()?;
        Ok(endpoints.into_iter().collect())
    }

    fn edges(&self, rest: &mut Bytes) -> Decoded<Few<Buffer>> {
        // No role performs more actions than there are numbers for: what is counted of these does
        // not overflow.
        let mut all = 0_u64;
        let buffer = |_| {
            let (sent, capacity) = (Seq(long(rest)?), word(rest)?);
            all = all.checked_add(sent.0).ok_or(RecordError)?;
            ensure((1..=CAPACITY_MAX).contains(&capacity))?;
            let most = usize::try_from(sent.0).unwrap_or(usize::MAX).min(capacity as usize);
            let left = many(rest, most, |rest| self.queued(rest))?;
            Ok(Buffer::of_parts(sent, capacity, left))
        };
        let edges = 0..self.protocol.edges().len();
        let edges: Vec<Buffer> = edges.map(buffer).collect::<Decoded<_>>()?;
        Ok(edges.into_iter().collect())
    }

    fn queued(&self, rest: &mut Bytes) -> Decoded<Queued> {
        let (message, bytes) = (self.message(rest)?, take(rest)?);
        let sort = self.protocol.message(message).payload.sort();
        // A value would share the memory that it is a part of, and keep all of it.
        let bytes = Bytes::copy_from_slice(&bytes);
        let value = canonical::decode(sort, &bytes).map_err(|_| RecordError)?;
        Ok(Queued { message, value })
    }

    fn attachments(&self, rest: &mut Bytes) -> Decoded<Attachments> {
        let (fencing, counter) = (word(rest)?, word(rest)?);
        let entry = |rest: &mut Bytes| {
            let role = RoleIx(short(rest)?);
            ensure(role.index() < self.roles())?;
            let (epoch, generation) = (decode_epoch(rest)?, Generation(long(rest)?));
            Ok(Attachment { role, epoch, generation })
        };
        Ok(Attachments { fencing, counter, entries: many(rest, self.roles(), entry)? })
    }

    fn policies(&self, rest: &mut Bytes, edges: &[Buffer]) -> Decoded<Policies> {
        struct Said(Policy, u64, Seq, Vec<Seq>);
        let mut starts: Vec<Buffer> = edges.iter().map(|_| Buffer::new(1)).collect();
        let said = many(rest, edges.len(), |rest| {
            let edge = self.edge(rest)?;
            let (kind, max) = (byte(rest)?, word(rest)?);
            let policy = Policy::of_bytes(kind, max).ok_or(RecordError)?;
            let start = word(rest)?;
            ensure(policy != Policy::Block && (1..=CAPACITY_MAX).contains(&start))?;
            starts[edge.index()] = Buffer::new(start);
            let (dropped, passed) = (long(rest)?, Seq(long(rest)?));
            let seqs = many(rest, CAPACITY_MAX as usize, |rest| Ok(Seq(long(rest)?)))?;
            Ok((edge, Said(policy, dropped, passed, seqs)))
        })?;
        ensure(said.is_sorted_by(|(a, _), (b, _)| a < b))?;
        let asked: Vec<_> = said.iter().map(|(edge, Said(policy, ..))| (*edge, *policy)).collect();
        let policies = Policies::new(&asked, self.protocol, &starts).map_err(|_| RecordError)?;
        let mut policies = policies.ok_or(RecordError)?;
        for (policed, (_, Said(_, dropped, passed, seqs))) in policies.0.iter_mut().zip(said) {
            (policed.dropped, policed.passed, policed.seqs) = (dropped, passed, seqs.into());
        }
        Ok(policies)
    }

    fn remembered(&self, rest: &mut Bytes, endpoints: &[Endpoint]) -> Decoded<Remembered> {
        let ring = |endpoint: &Endpoint| {
            let from = decode_optional(rest)?.map(Position);
            let now = endpoint.position();
            let least = from.unwrap_or(now);
            let sends = many(rest, REMEMBERED_MAX, |rest| {
                let at = Position(long(rest)?);
                ensure(least <= at && at < now)?;
                let (edge, message) = (self.edge(rest)?, self.message(rest)?);
                Ok(Performed { at, edge, message, digest: rest_array(rest)? })
            })?;
            ensure(least <= now && sends.is_sorted_by(|a, b| a.at < b.at))?;
            Ok(Ring { from, sends: VecDeque::from(sends) })
        };
        Ok(Remembered(endpoints.iter().map(ring).collect::<Decoded<_>>()?))
    }

    fn handlers(&self, rest: &mut Bytes) -> Decoded<Handlers> {
        let edges = self.protocol.edges().len();
        let default = given(rest, decode_name)?;
        let bound = (0..edges).map(|_| given(rest, decode_name));
        let bound: Vec<Option<Name>> = bound.collect::<Decoded<_>>()?;
        let handlers = Handlers { default, bound, delivered: vec![Seq(0); edges] };
        ensure(!handlers.is_empty())?;
        Ok(handlers)
    }

    fn spread(&self, rest: &mut Bytes) -> Decoded<Spread> {
        let (last, receipts) = (Generation(long(rest)?), ReceiptId(long(rest)?));
        // No fragment is in two of them, and none is empty.
        let fragments = self.roles() + 1;
        Ok(Spread {
            last,
            holdings: many(rest, fragments, |rest| self.holding(rest))?,
            staged: many(rest, OUTSTANDING_MAX, |rest| self.staged(rest))?,
            receipts,
            serials: many(rest, fragments + 1, decode_serials)?,
        })
    }

    fn holding(&self, rest: &mut Bytes) -> Decoded<Holding> {
        let holding = Holding {
            owner: decode_owner(rest)?,
            generation: Generation(long(rest)?),
            scope: self.scope(rest)?,
            issued: self.scope(rest)?,
            released: flag(rest)?,
            origin: self.origin(rest)?,
        };
        ensure(holding.issued.covers(holding.scope))?;
        Ok(holding)
    }

    fn origin(&self, rest: &mut Bytes) -> Decoded<Origin> {
        if !flag(rest)? {
            return Ok(Origin::Commit {
                request: RequestId(long(rest)?),
                receipt: ReceiptId(long(rest)?),
                from: decode_owner(rest)?,
                generation: Generation(long(rest)?),
                is_bearer: flag(rest)?,
            });
        }
        let (record, said) = (take(rest)?, &mut Said::default());
        match Record::decode(0, record, self.session, self.protocol, said)?.event {
            Recorded::Input(
                input @ (Input::Act { act: Act::Authority(_), .. } | Input::Reclaim(_)),
            ) => Ok(Origin::Other(Box::new(input))),
            _ => Err(RecordError),
        }
    }

    fn staged(&self, rest: &mut Bytes) -> Decoded<Staged> {
        let receipt = Receipt {
            session: self.session,
            id: ReceiptId(long(rest)?),
            from: decode_owner(rest)?,
            generation: Generation(long(rest)?),
            to: decode_recipient(rest)?,
            scope: self.scope(rest)?,
        };
        Ok(Staged {
            receipt,
            expires: decode_optional(rest)?.map(Tick),
            freeze: flag(rest)?,
            request: RequestId(long(rest)?),
            presented: self.scope(rest)?,
        })
    }

    fn outstanding(&self, rest: &mut Bytes) -> Decoded<Outstanding> {
        let (witnesses, timers) = (WitnessId(long(rest)?), TimerId(long(rest)?));
        let readiness = many(rest, OUTSTANDING_MAX, |rest| self.ready(rest))?;
        let late = many(rest, OUTSTANDING_MAX, |rest| {
            let timeout = decode_timeout(rest, self.session)?;
            ensure(timeout.site.known(self.protocol).is_ok())?;
            Ok((timeout, TimerId(long(rest)?)))
        })?;
        let (timeouts, ran_out) = late.into_iter().unzip();
        let armed = many(rest, OUTSTANDING_MAX, |rest| self.watch(rest))?;
        Ok(Outstanding { readiness, timeouts, ran_out, armed, witnesses, timers })
    }

    fn ready(&self, rest: &mut Bytes) -> Decoded<Ready> {
        let witness = Readiness {
            session: self.session,
            id: WitnessId(long(rest)?),
            owner: decode_owner(rest)?,
            generation: Generation(long(rest)?),
            scope: self.scope(rest)?,
            predicate: decode_predicate(rest)?,
        };
        ensure(witness.predicate.known(self.protocol).is_ok())?;
        Ok(Ready { witness, request: RequestId(long(rest)?), presented: self.scope(rest)? })
    }

    fn watch(&self, rest: &mut Bytes) -> Decoded<Watch> {
        let timer = Armed {
            id: TimerId(long(rest)?),
            site: decode_site(rest)?,
            owner: decode_owner(rest)?,
            generation: Generation(long(rest)?),
            scope: self.scope(rest)?,
            due: Tick(long(rest)?),
            valid: decode_optional(rest)?,
        };
        ensure(timer.site.known(self.protocol).is_ok())?;
        let (request, presented) = (RequestId(long(rest)?), self.scope(rest)?);
        Ok(Watch { timer, request, presented, after: long(rest)? })
    }
}
