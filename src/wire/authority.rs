//! Records that change who may act, as JSON.

use serde::{Deserialize, Serialize};

use super::event::{EventError, Names, read_owner, wrong};
use super::witness::{self, PredicateJson, ReadinessJson, SiteJson, TimeoutJson};
use crate::machine::{
    Authority, Commit, Death, FAILURE_BYTES_MAX, Generation, Receipt, ReceiptId, Recipient,
    Reclaim, RequestId, Scope, Serial, SessionId, Tick, TimerId,
};
use crate::types::Protocol;

/// An authority act.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum AuthorityJson {
    Release {
        request: u64,
        scope: String,
    },
    Attenuate {
        request: u64,
        scope: String,
    },
    Claim {
        request: u64,
        owner: String,
        scope: String,
    },
    Stage {
        request: u64,
        scope: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires: Option<u64>,
        #[serde(skip_serializing_if = "core::ops::Not::not", default)]
        freeze: bool,
    },
    Rollback {
        receipt: ReceiptJson,
    },
    Abandon {
        receipt: ReceiptJson,
    },
    FailCommit {
        receipt: ReceiptJson,
        reason: String,
    },
    OwnerDied {
        owner: String,
        evidence: DeathJson,
    },
    IssueToken {
        request: u64,
    },
    Renew {
        serial: u64,
    },
    ConfirmToken {
        serial: u64,
    },
    IssueReadiness {
        request: u64,
        predicate: PredicateJson,
    },
    ConsumeReadiness {
        witness: Box<ReadinessJson>,
    },
    ArmTimer {
        request: u64,
        site: SiteJson,
        after: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        valid: Option<u64>,
    },
    DisarmTimer {
        timer: u64,
    },
    ConsumeTimeout {
        witness: Box<TimeoutJson>,
    },
}

/// How it is known that an owner is dead.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DeathJson {
    Lifecycle,
    Timeout(TimeoutJson),
}

/// A receipt; the session is the one of the journal. Without `to` it is for its bearer.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReceiptJson {
    id: u64,
    from: String,
    generation: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    scope: String,
}

/// The completion of a transfer.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommitJson {
    request: u64,
    receipt: ReceiptJson,
    owner: String,
}

/// What the host does by itself; the session is the one of the journal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReclaimJson {
    request: u64,
    owner: String,
    scope: String,
}

pub(super) fn write(protocol: &Protocol, authority: &Authority) -> AuthorityJson {
    match authority {
        Authority::Release { request, scope } => {
            AuthorityJson::Release { request: request.0, scope: write_scope(*scope) }
        }
        Authority::Attenuate { request, scope } => {
            AuthorityJson::Attenuate { request: request.0, scope: write_scope(*scope) }
        }
        Authority::Claim { request, owner, scope } => AuthorityJson::Claim {
            request: request.0,
            owner: owner.to_string(),
            scope: write_scope(*scope),
        },
        Authority::Stage { request, scope, to, expires, freeze } => AuthorityJson::Stage {
            request: request.0,
            scope: write_scope(*scope),
            to: write_recipient(to),
            expires: expires.map(|tick| tick.0),
            freeze: *freeze,
        },
        Authority::Rollback { receipt } => {
            AuthorityJson::Rollback { receipt: write_receipt(receipt) }
        }
        Authority::Abandon { receipt } => {
            AuthorityJson::Abandon { receipt: write_receipt(receipt) }
        }
        Authority::FailCommit { receipt, reason } => {
            let (receipt, reason) = (write_receipt(receipt), reason.to_string());
            AuthorityJson::FailCommit { receipt, reason }
        }
        Authority::OwnerDied { owner, evidence } => {
            let evidence = match evidence {
                Death::Lifecycle => DeathJson::Lifecycle,
                Death::Timeout(late) => DeathJson::Timeout(witness::write_timeout(protocol, late)),
            };
            AuthorityJson::OwnerDied { owner: owner.to_string(), evidence }
        }
        Authority::IssueToken { request } => AuthorityJson::IssueToken { request: request.0 },
        Authority::Renew { serial } => AuthorityJson::Renew { serial: serial.0 },
        Authority::ConfirmToken { serial } => AuthorityJson::ConfirmToken { serial: serial.0 },
        Authority::IssueReadiness { request, predicate } => AuthorityJson::IssueReadiness {
            request: request.0,
            predicate: witness::write_predicate(protocol, predicate),
        },
        Authority::ConsumeReadiness { witness } => AuthorityJson::ConsumeReadiness {
            witness: Box::new(witness::write_readiness(protocol, witness)),
        },
        Authority::ArmTimer { request, site, after, valid } => AuthorityJson::ArmTimer {
            request: request.0,
            site: witness::write_site(protocol, site),
            after: *after,
            valid: *valid,
        },
        Authority::DisarmTimer { timer } => AuthorityJson::DisarmTimer { timer: timer.0 },
        Authority::ConsumeTimeout { witness } => AuthorityJson::ConsumeTimeout {
            witness: Box::new(witness::write_timeout(protocol, witness)),
        },
    }
}

pub(super) fn write_commit(commit: &Commit) -> CommitJson {
    let (request, owner) = (commit.request.0, commit.owner.to_string());
    CommitJson { request, receipt: write_receipt(&commit.receipt), owner }
}

pub(super) fn write_reclaim(reclaim: &Reclaim) -> ReclaimJson {
    let (request, owner) = (reclaim.request.0, reclaim.owner.to_string());
    ReclaimJson { request, owner, scope: write_scope(reclaim.scope) }
}

pub(super) fn write_scope(scope: Scope) -> String {
    format!("{:x}", scope.bits())
}

pub(super) fn write_receipt(receipt: &Receipt) -> ReceiptJson {
    ReceiptJson {
        id: receipt.id.0,
        from: receipt.from.to_string(),
        generation: receipt.generation.0,
        to: write_recipient(&receipt.to),
        scope: write_scope(receipt.scope),
    }
}

pub(super) fn write_recipient(to: &Recipient) -> Option<String> {
    match to {
        Recipient::Owner(owner) => Some(owner.to_string()),
        Recipient::Bearer => None,
    }
}

pub(super) fn read(
    names: Names<'_>,
    session: SessionId,
    authority: &AuthorityJson,
) -> Result<Authority, EventError> {
    let act = match authority {
        AuthorityJson::Release { request, scope } => {
            Authority::Release { request: RequestId(*request), scope: read_scope(scope)? }
        }
        AuthorityJson::Attenuate { request, scope } => {
            Authority::Attenuate { request: RequestId(*request), scope: read_scope(scope)? }
        }
        AuthorityJson::Claim { request, owner, scope } => Authority::Claim {
            request: RequestId(*request),
            owner: read_owner(owner)?,
            scope: read_scope(scope)?,
        },
        AuthorityJson::Stage { request, scope, to, expires, freeze } => Authority::Stage {
            request: RequestId(*request),
            scope: read_scope(scope)?,
            to: read_recipient(to.as_deref())?,
            expires: expires.map(Tick),
            freeze: *freeze,
        },
        AuthorityJson::Rollback { receipt } => {
            Authority::Rollback { receipt: read_receipt(session, receipt)? }
        }
        AuthorityJson::Abandon { receipt } => {
            Authority::Abandon { receipt: read_receipt(session, receipt)? }
        }
        AuthorityJson::FailCommit { receipt, reason } => Authority::FailCommit {
            receipt: read_receipt(session, receipt)?,
            reason: names.reason(reason, FAILURE_BYTES_MAX)?,
        },
        AuthorityJson::OwnerDied { owner, evidence } => {
            let evidence = match evidence {
                DeathJson::Lifecycle => Death::Lifecycle,
                DeathJson::Timeout(late) => {
                    Death::Timeout(Box::new(witness::read_timeout(names, session, late)?))
                }
            };
            return Ok(Authority::OwnerDied { owner: read_owner(owner)?, evidence });
        }
        AuthorityJson::IssueToken { request } => {
            Authority::IssueToken { request: RequestId(*request) }
        }
        AuthorityJson::Renew { serial } => Authority::Renew { serial: Serial(*serial) },
        AuthorityJson::ConfirmToken { serial } => {
            Authority::ConfirmToken { serial: Serial(*serial) }
        }
        // These name roles and edges, which are looked up, and no fragments.
        AuthorityJson::IssueReadiness { request, predicate } => {
            let predicate = witness::read_predicate(names, predicate)?;
            return Ok(Authority::IssueReadiness { request: RequestId(*request), predicate });
        }
        AuthorityJson::ArmTimer { request, site, after, valid } => {
            let (request, site) = (RequestId(*request), witness::read_site(names, site)?);
            return Ok(Authority::ArmTimer { request, site, after: *after, valid: *valid });
        }
        AuthorityJson::DisarmTimer { timer } => {
            return Ok(Authority::DisarmTimer { timer: TimerId(*timer) });
        }
        AuthorityJson::ConsumeReadiness { witness } => Authority::ConsumeReadiness {
            witness: witness::read_readiness(names, session, witness)?,
        },
        AuthorityJson::ConsumeTimeout { witness } => {
            Authority::ConsumeTimeout { witness: witness::read_timeout(names, session, witness)? }
        }
    };
    if act.names_fragments() {
        names.scope(act.scope())?;
    }
    Ok(act)
}

pub(super) fn read_commit(session: SessionId, commit: &CommitJson) -> Result<Commit, EventError> {
    let (request, owner) = (RequestId(commit.request), read_owner(&commit.owner)?);
    Ok(Commit { request, receipt: read_receipt(session, &commit.receipt)?, owner })
}

pub(super) fn read_reclaim(
    session: SessionId,
    reclaim: &ReclaimJson,
) -> Result<Reclaim, EventError> {
    let (request, owner) = (RequestId(reclaim.request), read_owner(&reclaim.owner)?);
    Ok(Reclaim { request, session, owner, scope: read_scope(&reclaim.scope)? })
}

pub(super) fn read_scope(text: &str) -> Result<Scope, EventError> {
    // A sign, which numbers may have, is no digit.
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bits = u128::from_str_radix(text, 16).ok().filter(|_| digits);
    bits.map(Scope::from_bits)
        .ok_or_else(|| wrong(format!("`{text}` is not a scope in hexadecimal digits")))
}

fn read_receipt(session: SessionId, receipt: &ReceiptJson) -> Result<Receipt, EventError> {
    Ok(Receipt {
        session,
        id: ReceiptId(receipt.id),
        from: read_owner(&receipt.from)?,
        generation: Generation(receipt.generation),
        to: read_recipient(receipt.to.as_deref())?,
        scope: read_scope(&receipt.scope)?,
    })
}

fn read_recipient(to: Option<&str>) -> Result<Recipient, EventError> {
    to.map_or(Ok(Recipient::Bearer), |owner| read_owner(owner).map(Recipient::Owner))
}
