//! The canonical bytes of records that change who may act.
//!
//! Clauses: JRNL-2, JRNL-8.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::Bytes;

use super::brief::Staging;
use super::decode::{byte, decode_optional, decode_owner, decode_reason, flag, long, wide};
use super::encode::{CONTINUED, encode_owner, number, optional, text};
use super::{
    ABANDON, ARM_TIMER, ATTENUATE, CLAIM, CONFIRM_TOKEN, CONSUME_READINESS, CONSUME_TIMEOUT,
    DISARM_TIMER, FAIL_COMMIT, ISSUE_READINESS, ISSUE_TOKEN, OWNER_DIED, RELEASE, RENEW_TOKEN,
    ROLLBACK, RecordError, STAGE, witness,
};
use crate::machine::authority::Scope;
use crate::machine::ends::{Death, FAILURE_BYTES_MAX};
use crate::machine::id::{Generation, ReceiptId, RequestId, Serial, SessionId, Tick, TimerId};
use crate::machine::predicate::Predicate;
use crate::machine::receipt::{Authority, Commit, Receipt, Recipient, Reclaim};
use crate::types::Protocol;

/// Whether the protocol has every fragment.
pub(super) fn has(protocol: &Protocol, scope: Scope) -> bool {
    Scope::session(protocol).covers(scope)
}

/// Whether the protocol has every fragment, role and edge that is named.
pub(super) fn is_of(protocol: &Protocol, authority: &Authority) -> bool {
    match authority {
        Authority::IssueReadiness { predicate, .. } => predicate.known(protocol).is_ok(),
        Authority::ConsumeReadiness { witness } => {
            has(protocol, witness.scope) && witness.predicate.known(protocol).is_ok()
        }
        Authority::ArmTimer { site, .. } => site.known(protocol).is_ok(),
        Authority::OwnerDied { evidence: Death::Timeout(witness), .. } => {
            has(protocol, witness.scope) && witness.site.known(protocol).is_ok()
        }
        others if !others.names_fragments() => true,
        Authority::ConsumeTimeout { witness } => {
            has(protocol, witness.scope) && witness.site.known(protocol).is_ok()
        }
        others => has(protocol, others.scope()),
    }
}

pub(super) fn tag(authority: &Authority) -> u8 {
    match authority {
        Authority::Release { .. } => RELEASE,
        Authority::Attenuate { .. } => ATTENUATE,
        Authority::Claim { .. } => CLAIM,
        Authority::Stage { .. } => STAGE,
        Authority::Rollback { .. } => ROLLBACK,
        Authority::Abandon { .. } => ABANDON,
        Authority::FailCommit { .. } => FAIL_COMMIT,
        Authority::OwnerDied { .. } => OWNER_DIED,
        Authority::IssueToken { .. } => ISSUE_TOKEN,
        Authority::Renew { .. } => RENEW_TOKEN,
        Authority::ConfirmToken { .. } => CONFIRM_TOKEN,
        Authority::IssueReadiness { .. } => ISSUE_READINESS,
        Authority::ConsumeReadiness { .. } => CONSUME_READINESS,
        Authority::ArmTimer { .. } => ARM_TIMER,
        Authority::DisarmTimer { .. } => DISARM_TIMER,
        Authority::ConsumeTimeout { .. } => CONSUME_TIMEOUT,
    }
}

pub(super) fn encode(authority: &Authority, out: &mut Vec<u8>) {
    match authority {
        Authority::Release { request, scope } | Authority::Attenuate { request, scope } => {
            number(request.0, out);
            encode_scope(*scope, out);
        }
        Authority::Claim { request, owner, scope } => {
            number(request.0, out);
            encode_owner(owner, out);
            encode_scope(*scope, out);
        }
        Authority::Stage { .. }
        | Authority::IssueReadiness { .. }
        | Authority::ConsumeReadiness { .. } => unreachable!("these have bytes of their own"),
        Authority::Rollback { receipt } | Authority::Abandon { receipt } => {
            encode_receipt(receipt, out);
        }
        Authority::FailCommit { receipt, reason } => {
            encode_receipt(receipt, out);
            text(reason, out);
        }
        Authority::OwnerDied { owner, evidence } => {
            encode_owner(owner, out);
            match evidence {
                Death::Lifecycle => out.push(0),
                Death::Timeout(late) => {
                    out.push(1);
                    witness::encode_timeout(late, out);
                }
            }
        }
        Authority::IssueToken { request } => number(request.0, out),
        Authority::Renew { serial } | Authority::ConfirmToken { serial } => number(serial.0, out),
        Authority::ArmTimer { request, site, after, valid } => {
            number(request.0, out);
            witness::encode_site(site, out);
            number(*after, out);
            optional(*valid, out);
        }
        Authority::DisarmTimer { timer } => number(timer.0, out),
        Authority::ConsumeTimeout { witness } => witness::encode_timeout(witness, out),
    }
}

pub(super) fn encode_stage_in_full(stage: Staging<'_>, out: &mut Vec<u8>) {
    number(stage.request.0, out);
    encode_scope(stage.scope, out);
    encode_recipient(stage.to, out);
    optional(stage.expires.map(|tick| tick.0), out);
    out.push(u8::from(stage.freeze));
}

pub(super) fn encode_issue_in_full(request: RequestId, predicate: &Predicate, out: &mut Vec<u8>) {
    number(request.0, out);
    witness::encode_predicate(predicate, out);
}

pub(super) fn encode_commit_in_full(commit: &Commit, out: &mut Vec<u8>) {
    number(commit.request.0, out);
    encode_owner(&commit.owner, out);
    encode_receipt(&commit.receipt, out);
}

pub(super) fn encode_reclaim(reclaim: &Reclaim, out: &mut Vec<u8>) {
    number(reclaim.request.0, out);
    encode_owner(&reclaim.owner, out);
    encode_scope(reclaim.scope, out);
}

fn encode_receipt(receipt: &Receipt, out: &mut Vec<u8>) {
    number(receipt.id.0, out);
    encode_owner(&receipt.from, out);
    number(receipt.generation.0, out);
    encode_recipient(&receipt.to, out);
    encode_scope(receipt.scope, out);
}

/// In front of the owner whom a transfer is for.
pub(super) const TO_OWNER: u8 = 1;

pub(in crate::machine) fn encode_recipient(to: &Recipient, out: &mut Vec<u8>) {
    match to {
        Recipient::Bearer => out.push(0),
        Recipient::Owner(owner) => {
            out.push(TO_OWNER);
            encode_owner(owner, out);
        }
    }
}

pub(in crate::machine) fn encode_scope(scope: Scope, out: &mut Vec<u8>) {
    let mut rest = scope.bits();
    while rest >= u128::from(CONTINUED) {
        out.push(rest as u8 | CONTINUED);
        rest >>= 7;
    }
    out.push(rest as u8);
}

pub(super) fn decode(
    tag: u8,
    rest: &mut Bytes,
    session: SessionId,
) -> Result<Authority, RecordError> {
    Ok(match tag {
        RELEASE => {
            Authority::Release { request: RequestId(long(rest)?), scope: decode_scope(rest)? }
        }
        ATTENUATE => {
            Authority::Attenuate { request: RequestId(long(rest)?), scope: decode_scope(rest)? }
        }
        CLAIM => Authority::Claim {
            request: RequestId(long(rest)?),
            owner: decode_owner(rest)?,
            scope: decode_scope(rest)?,
        },
        STAGE => Authority::Stage {
            request: RequestId(long(rest)?),
            scope: decode_scope(rest)?,
            to: decode_recipient(rest)?,
            expires: decode_optional(rest)?.map(Tick),
            freeze: flag(rest)?,
        },
        ROLLBACK => Authority::Rollback { receipt: decode_receipt(rest, session)? },
        ABANDON => Authority::Abandon { receipt: decode_receipt(rest, session)? },
        FAIL_COMMIT => Authority::FailCommit {
            receipt: decode_receipt(rest, session)?,
            reason: decode_reason(rest, FAILURE_BYTES_MAX)?,
        },
        OWNER_DIED => {
            let owner = decode_owner(rest)?;
            match byte(rest)? {
                0 => Authority::OwnerDied { owner, evidence: Death::Lifecycle },
                1 => {
                    let evidence =
                        Death::Timeout(Box::new(witness::decode_timeout(rest, session)?));
                    Authority::OwnerDied { owner, evidence }
                }
                _ => return Err(RecordError),
            }
        }
        ISSUE_TOKEN => Authority::IssueToken { request: RequestId(long(rest)?) },
        RENEW_TOKEN => Authority::Renew { serial: Serial(long(rest)?) },
        CONFIRM_TOKEN => Authority::ConfirmToken { serial: Serial(long(rest)?) },
        ISSUE_READINESS => Authority::IssueReadiness {
            request: RequestId(long(rest)?),
            predicate: witness::decode_predicate(rest)?,
        },
        CONSUME_READINESS => {
            Authority::ConsumeReadiness { witness: witness::decode_readiness(rest, session)? }
        }
        ARM_TIMER => Authority::ArmTimer {
            request: RequestId(long(rest)?),
            site: witness::decode_site(rest)?,
            after: long(rest)?,
            valid: decode_optional(rest)?,
        },
        DISARM_TIMER => Authority::DisarmTimer { timer: TimerId(long(rest)?) },
        CONSUME_TIMEOUT => {
            Authority::ConsumeTimeout { witness: witness::decode_timeout(rest, session)? }
        }
        _ => return Err(RecordError),
    })
}

pub(super) fn decode_commit(rest: &mut Bytes, session: SessionId) -> Result<Commit, RecordError> {
    let (request, owner) = (RequestId(long(rest)?), decode_owner(rest)?);
    Ok(Commit { request, owner, receipt: decode_receipt(rest, session)? })
}

pub(super) fn decode_reclaim(rest: &mut Bytes, session: SessionId) -> Result<Reclaim, RecordError> {
    let (request, owner) = (RequestId(long(rest)?), decode_owner(rest)?);
    Ok(Reclaim { request, session, owner, scope: decode_scope(rest)? })
}

fn decode_receipt(rest: &mut Bytes, session: SessionId) -> Result<Receipt, RecordError> {
    Ok(Receipt {
        session,
        id: ReceiptId(long(rest)?),
        from: decode_owner(rest)?,
        generation: Generation(long(rest)?),
        to: decode_recipient(rest)?,
        scope: decode_scope(rest)?,
    })
}

pub(in crate::machine) fn decode_recipient(rest: &mut Bytes) -> Result<Recipient, RecordError> {
    Ok(if flag(rest)? { Recipient::Owner(decode_owner(rest)?) } else { Recipient::Bearer })
}

pub(in crate::machine) fn decode_scope(rest: &mut Bytes) -> Result<Scope, RecordError> {
    wide(rest).map(Scope::from_bits)
}
