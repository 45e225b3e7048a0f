//! The canonical bytes of what witnesses and timers are made of.
//!
//! Clauses: JRNL-2, JRNL-8.

use alloc::vec::Vec;

use bytes::Bytes;

use super::RecordError;
use super::authority::{decode_scope, encode_scope};
use super::decode::{byte, decode_name, decode_optional, decode_owner, long, short, word};
use super::encode::{encode_owner, number, optional, text};
use super::numbers::Numbers;
use crate::machine::id::{Generation, Position, SessionId, Tick, WitnessId};
use crate::machine::predicate::{Predicate, Term};
use crate::machine::site::Site;
use crate::machine::witness::{Readiness, TimeoutWitness};
use crate::types::{Edge, RoleIx, StateIx};

const ENDPOINT: u8 = 0;
const EDGE: u8 = 1;
const NAME: u8 = 2;

const AT_STATE: u8 = 0;
const EDGE_EMPTY: u8 = 1;
const POSITION: u8 = 2;
const EXTERNAL: u8 = 3;
const ALL: u8 = 4;
const ANY: u8 = 5;
const NOT: u8 = 6;
const ATTACHED: u8 = 7;

pub(in crate::machine) fn encode_predicate(predicate: &Predicate, out: &mut Vec<u8>) {
    out.push(u8::try_from(predicate.terms().len()).expect("PREDICATE_TERMS_MAX fits"));
    for term in predicate.terms() {
        match term {
            Term::AtState(role, state) => {
                out.push(AT_STATE);
                number(role.0.into(), out);
                number(state.0.into(), out);
            }
            Term::EdgeEmpty(edge) => {
                out.push(EDGE_EMPTY);
                encode_edge(*edge, out);
            }
            Term::Position(role, least) => {
                out.push(POSITION);
                number(role.0.into(), out);
                number(least.0, out);
            }
            Term::Attached(role) => {
                out.push(ATTACHED);
                number(role.0.into(), out);
            }
            Term::External(name) => {
                out.push(EXTERNAL);
                text(name, out);
            }
            Term::All(parts) => out.extend_from_slice(&[ALL, *parts]),
            Term::Any(parts) => out.extend_from_slice(&[ANY, *parts]),
            Term::Not => out.push(NOT),
        }
    }
}

/// [`encode_predicate`] among the numbers of a record, if it is a single term of numbers: else
/// nothing is written, and `false`.
#[inline(always)]
pub(super) fn number_predicate(predicate: &Predicate, numbers: &mut Numbers<'_>) -> bool {
    let (term, first, last) = match predicate.terms() {
        [Term::AtState(role, state)] => (AT_STATE, role, u64::from(state.0)),
        [Term::EdgeEmpty(Edge { from, to })] => (EDGE_EMPTY, from, u64::from(to.0)),
        [Term::Position(role, least)] => (POSITION, role, least.0),
        _ => return false,
    };
    numbers.byte(1);
    numbers.byte(term);
    numbers.number(first.0.into());
    numbers.number(last);
    true
}

pub(in crate::machine) fn decode_predicate(rest: &mut Bytes) -> Result<Predicate, RecordError> {
    let count = usize::from(byte(rest)?);
    let terms = (0..count).map(|_| decode_term(rest)).collect::<Result<_, _>>()?;
    Predicate::new(terms).map_err(|_| RecordError)
}

fn decode_term(rest: &mut Bytes) -> Result<Term, RecordError> {
    Ok(match byte(rest)? {
        AT_STATE => {
            let role = RoleIx(short(rest)?);
            Term::AtState(role, StateIx(word(rest)?))
        }
        EDGE_EMPTY => Term::EdgeEmpty(decode_edge(rest)?),
        POSITION => {
            let role = RoleIx(short(rest)?);
            Term::Position(role, Position(long(rest)?))
        }
        ATTACHED => Term::Attached(RoleIx(short(rest)?)),
        EXTERNAL => Term::External(decode_name(rest)?),
        ALL => Term::All(byte(rest)?),
        ANY => Term::Any(byte(rest)?),
        NOT => Term::Not,
        _ => return Err(RecordError),
    })
}

fn encode_edge(edge: Edge, out: &mut Vec<u8>) {
    number(edge.from.0.into(), out);
    number(edge.to.0.into(), out);
}

fn decode_edge(rest: &mut Bytes) -> Result<Edge, RecordError> {
    Ok(Edge { from: RoleIx(short(rest)?), to: RoleIx(short(rest)?) })
}

pub(in crate::machine) fn encode_site(site: &Site, out: &mut Vec<u8>) {
    match site {
        Site::Endpoint(role) => {
            out.push(ENDPOINT);
            number(role.0.into(), out);
        }
        Site::Edge(edge) => {
            out.push(EDGE);
            encode_edge(*edge, out);
        }
        Site::Name(name) => {
            out.push(NAME);
            text(name, out);
        }
    }
}

pub(in crate::machine) fn decode_site(rest: &mut Bytes) -> Result<Site, RecordError> {
    Ok(match byte(rest)? {
        ENDPOINT => Site::Endpoint(RoleIx(short(rest)?)),
        EDGE => Site::Edge(decode_edge(rest)?),
        NAME => Site::Name(decode_name(rest)?),
        _ => return Err(RecordError),
    })
}

pub(super) fn encode_readiness(witness: &Readiness, out: &mut Vec<u8>) {
    number(witness.id.0, out);
    encode_owner(&witness.owner, out);
    number(witness.generation.0, out);
    encode_scope(witness.scope, out);
    encode_predicate(&witness.predicate, out);
}

pub(super) fn decode_readiness(
    rest: &mut Bytes,
    session: SessionId,
) -> Result<Readiness, RecordError> {
    Ok(Readiness {
        session,
        id: WitnessId(long(rest)?),
        owner: decode_owner(rest)?,
        generation: Generation(long(rest)?),
        scope: decode_scope(rest)?,
        predicate: decode_predicate(rest)?,
    })
}

pub(in crate::machine) fn encode_timeout(witness: &TimeoutWitness, out: &mut Vec<u8>) {
    number(witness.id.0, out);
    encode_site(&witness.site, out);
    encode_owner(&witness.owner, out);
    number(witness.generation.0, out);
    encode_scope(witness.scope, out);
    number(witness.issued_at.0, out);
    optional(witness.until.map(|until| until.0), out);
}

pub(in crate::machine) fn decode_timeout(
    rest: &mut Bytes,
    session: SessionId,
) -> Result<TimeoutWitness, RecordError> {
    Ok(TimeoutWitness {
        session,
        id: WitnessId(long(rest)?),
        site: decode_site(rest)?,
        owner: decode_owner(rest)?,
        generation: Generation(long(rest)?),
        scope: decode_scope(rest)?,
        issued_at: Tick(long(rest)?),
        until: decode_optional(rest)?.map(Tick),
    })
}
