//! What hands authority over, in the fewest bytes: a transfer that the last authority stages, the
//! commit of the last transfer, a witness that is issued to the last authority, one that is spent
//! as the last one. Each is in its short form exactly where the batch has said the rest, and as
//! `encode.rs` writes it otherwise.
//!
//! Clauses: JRNL-30.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::Bytes;

use super::authority::{
    decode_recipient, decode_scope, encode_commit_in_full, encode_issue_in_full, encode_recipient,
    encode_stage_in_full,
};
use super::decode::long;
use super::encode::{AS_USUAL, BY_THE_SAME, head};
use super::numbers::numbers;
use super::said::Said;
use super::{
    COMMIT, CONSUME_READINESS, ISSUE_READINESS, Outcome, RecordError, Recorded, STAGE, witness,
};
use crate::machine::authority::{Presented, Scope};
use crate::machine::id::{Generation, RequestId, SessionId, Tick};
use crate::machine::input::{Act, Input};
use crate::machine::predicate::Predicate;
use crate::machine::receipt::{Authority, Commit, Recipient, Stage};
use crate::machine::witness::Readiness;

/// The terms of a transfer.
#[derive(Debug, Clone, Copy)]
pub(in crate::machine) struct Staging<'a> {
    pub(in crate::machine) request: RequestId,
    pub(in crate::machine) scope: Scope,
    pub(in crate::machine) to: &'a Recipient,
    pub(in crate::machine) expires: Option<Tick>,
    pub(in crate::machine) freeze: bool,
}

impl<'a> Staging<'a> {
    pub(in crate::machine) fn of(stage: &'a Stage) -> Self {
        let Stage { request, scope, ref to, expires, freeze } = *stage;
        Self { request, scope, to, expires, freeze }
    }

    /// Whether it has a short form: it is the next receipt, does not run out and freezes nothing.
    #[inline(always)]
    fn is_brief(self, outcome: Outcome, said: &Said) -> bool {
        let Outcome::Staged(id) = outcome else { return false };
        self.expires.is_none() && !self.freeze && said.next_receipt() == Some(id)
    }

    fn note(self, outcome: Outcome, said: &mut Said) {
        if let Outcome::Staged(id) = outcome {
            said.note_staged(self.request, id, self.to, self.scope);
        }
    }
}

/// The bytes of a transfer that is staged.
pub(in crate::machine) fn encode_stage(
    tick: Tick,
    by: &Presented,
    stage: Staging<'_>,
    outcome: Outcome,
    said: &mut Said,
    out: &mut Vec<u8>,
) {
    if said.is_by(by) && stage.is_brief(outcome, said) {
        let mut whole = false;
        numbers(out, |numbers| {
            numbers.byte(STAGE | AS_USUAL | BY_THE_SAME);
            numbers.number(said.tick_more(tick));
            numbers.number(said.request_more(stage.request));
            numbers.wide(stage.scope.bits());
            if let Recipient::Owner(owner) = stage.to {
                whole = numbers.owner(owner);
            }
        });
        if !whole {
            encode_recipient(stage.to, out);
        }
    } else {
        head(STAGE, Some(by), tick, outcome, said, out, |_, _| {});
        encode_stage_in_full(stage, out);
    }
    stage.note(outcome, said);
}

/// Whether the commit of the last transfer, for whom it was staged.
#[inline(always)]
fn is_brief_commit(commit: &Commit, said: &Said) -> bool {
    let Commit { receipt, owner, .. } = commit;
    matches!(&receipt.to, Recipient::Owner(to) if to == owner) && said.is_staged(receipt)
}

/// The bytes of a commit.
pub(in crate::machine) fn encode_commit(
    tick: Tick,
    commit: &Commit,
    outcome: Outcome,
    said: &mut Said,
    out: &mut Vec<u8>,
) {
    match outcome {
        Outcome::Issued(generation) if is_brief_commit(commit, said) => {
            numbers(out, |numbers| {
                numbers.byte(COMMIT | AS_USUAL);
                numbers.number(said.tick_more(tick));
                numbers.number(said.request_more(commit.request));
                numbers.number(generation.0.wrapping_sub(commit.receipt.generation.0));
            });
        }
        _ => {
            head(COMMIT, None, tick, outcome, said, out, |_, _| {});
            encode_commit_in_full(commit, out);
        }
    }
    note_commit(commit, outcome, said);
}

#[inline(always)]
fn note_commit(commit: &Commit, outcome: Outcome, said: &mut Said) {
    if let Outcome::Issued(generation) = outcome {
        said.note_committed(commit.request, &commit.owner, generation, commit.receipt.scope);
    }
}

/// The bytes of a readiness witness that is issued.
pub(in crate::machine) fn encode_issue(
    tick: Tick,
    by: &Presented,
    request: RequestId,
    predicate: &Predicate,
    outcome: Outcome,
    said: &mut Said,
    out: &mut Vec<u8>,
) {
    if said.is_by(by) && is_brief_issue(outcome, said) {
        let mut whole = false;
        numbers(out, |numbers| {
            numbers.byte(ISSUE_READINESS | AS_USUAL | BY_THE_SAME);
            numbers.number(said.tick_more(tick));
            numbers.number(said.request_more(request));
            whole = witness::number_predicate(predicate, numbers);
        });
        if !whole {
            witness::encode_predicate(predicate, out);
        }
    } else {
        head(ISSUE_READINESS, Some(by), tick, outcome, said, out, |_, _| {});
        encode_issue_in_full(request, predicate, out);
    }
    note_issue(request, predicate, outcome, said);
}

#[inline(always)]
fn is_brief_issue(outcome: Outcome, said: &Said) -> bool {
    matches!(outcome, Outcome::Witness(id) if said.next_witness() == Some(id))
}

#[inline(always)]
fn note_issue(request: RequestId, predicate: &Predicate, outcome: Outcome, said: &mut Said) {
    if let Outcome::Witness(id) = outcome {
        said.note_issued(request, id, predicate);
    }
}

/// The bytes of a readiness witness that is spent.
pub(in crate::machine) fn encode_consume(
    tick: Tick,
    by: &Presented,
    spent: &Readiness,
    outcome: Outcome,
    said: &mut Said,
    out: &mut Vec<u8>,
) {
    if said.is_by(by) && outcome == Outcome::Done && said.is_issued(spent) {
        numbers(out, |numbers| {
            numbers.byte(CONSUME_READINESS | AS_USUAL | BY_THE_SAME);
            numbers.number(said.tick_more(tick));
        });
    } else {
        head(CONSUME_READINESS, Some(by), tick, outcome, said, out, |_, _| {});
        witness::encode_readiness(spent, out);
    }
}

/// What a record holds that is in its short form, behind its tick, and what it came to.
pub(super) fn decode(
    tag: u8,
    rest: &mut Bytes,
    session: SessionId,
    said: &mut Said,
) -> Result<(Recorded, Outcome), RecordError> {
    let act = |said: &Said, authority| {
        let (owner, generation, scope) = said.by().ok_or(RecordError)?.clone();
        let by = Presented { session, owner, generation, scope, hint: 0, over: None };
        let act = Act::Authority(Box::new(authority));
        Ok(Recorded::Input(Input::Act { by, act }))
    };
    let request = |rest: &mut Bytes, said: &Said| Ok(said.request_after(long(rest)?));
    match tag {
        STAGE => {
            let (request, scope) = (request(rest, said)?, decode_scope(rest)?);
            let to = decode_recipient(rest)?;
            let outcome = Outcome::Staged(said.next_receipt().ok_or(RecordError)?);
            let staging = Staging { request, scope, to: &to, expires: None, freeze: false };
            staging.note(outcome, said);
            let stage = Authority::Stage { request, scope, to, expires: None, freeze: false };
            Ok((act(said, stage)?, outcome))
        }
        COMMIT => {
            let (request, more) = (request(rest, said)?, long(rest)?);
            let receipt = said.staged(session).ok_or(RecordError)?;
            let Recipient::Owner(owner) = receipt.to.clone() else { return Err(RecordError) };
            let outcome = Outcome::Issued(Generation(receipt.generation.0.wrapping_add(more)));
            let commit = Commit { request, receipt, owner };
            note_commit(&commit, outcome, said);
            Ok((Recorded::Input(Input::Commit(Box::new(commit))), outcome))
        }
        ISSUE_READINESS => {
            let request = request(rest, said)?;
            let predicate = witness::decode_predicate(rest)?;
            let outcome = Outcome::Witness(said.next_witness().ok_or(RecordError)?);
            note_issue(request, &predicate, outcome, said);
            Ok((act(said, Authority::IssueReadiness { request, predicate })?, outcome))
        }
        CONSUME_READINESS => {
            let witness = said.issued(session).ok_or(RecordError)?;
            Ok((act(said, Authority::ConsumeReadiness { witness })?, Outcome::Done))
        }
        _ => Err(RecordError),
    }
}

/// JRNL-30: takes notice of what a record says that is in full; it must have no short form. `same`
/// tells whether its authority was the last one.
pub(super) fn note(
    event: &Recorded,
    same: bool,
    outcome: Outcome,
    said: &mut Said,
) -> Result<(), RecordError> {
    let is_brief = match event {
        Recorded::Input(Input::Commit(commit)) => {
            let is_brief = matches!(outcome, Outcome::Issued(_)) && is_brief_commit(commit, said);
            note_commit(commit, outcome, said);
            is_brief
        }
        Recorded::Input(Input::Act { act: Act::Authority(authority), .. }) => match &**authority {
            Authority::Stage { request, scope, to, expires, freeze } => {
                let (request, scope, expires) = (*request, *scope, *expires);
                let staging = Staging { request, scope, to, expires, freeze: *freeze };
                let is_brief = same && staging.is_brief(outcome, said);
                staging.note(outcome, said);
                is_brief
            }
            Authority::IssueReadiness { request, predicate } => {
                let is_brief = same && is_brief_issue(outcome, said);
                note_issue(*request, predicate, outcome, said);
                is_brief
            }
            Authority::ConsumeReadiness { witness } => {
                same && outcome == Outcome::Done && said.is_issued(witness)
            }
            _ => false,
        },
        _ => false,
    };
    if is_brief { Err(RecordError) } else { Ok(()) }
}
