//! What a batch has said so far: what a record would repeat of the records before it is left out.
//!
//! Ticks, positions and sequence numbers are written as what they are more than the last ones, and
//! an authority that is the one before it as a single bit. A commit of the last transfer does not
//! repeat its receipt, nor who spends the last witness the witness (`brief.rs`). The bytes of a
//! record that stands alone are those that it has as the first one of a batch.
//!
//! Clauses: JRNL-28, JRNL-30.

use crate::machine::authority::{Owner, Presented, Scope};
use crate::machine::id::{
    Generation, Position, ReceiptId, RequestId, Seq, SessionId, Tick, WitnessId,
};
use crate::machine::predicate::Predicate;
use crate::machine::receipt::{Receipt, Recipient};
use crate::machine::witness::Readiness;

/// See the module. Empty at the beginning of a batch.
#[derive(Debug, Clone, Default)]
pub(in crate::machine) struct Said {
    tick: Tick,
    by: Option<(Owner, Generation, Scope)>,
    seq: Seq,
    position: Position,
    /// The number of the last request that hands something over.
    request: RequestId,
    /// The last transfer, and what of its receipt is not `by`; `None` once `by` is another one.
    receipt: Option<ReceiptId>,
    staged: Option<(Recipient, Scope)>,
    /// The last readiness witness, and what of it is not `by`; as above.
    witness: Option<WitnessId>,
    predicate: Option<Predicate>,
}

impl Said {
    /// Whether it was the last authority.
    #[inline(always)]
    pub(super) fn is_by(&self, by: &Presented) -> bool {
        matches!(&self.by, Some((owner, generation, scope))
            if *generation == by.generation && *scope == by.scope && *owner == by.owner)
    }

    /// The last authority.
    pub(super) fn by(&self) -> Option<&(Owner, Generation, Scope)> {
        self.by.as_ref()
    }

    pub(super) fn note_by(&mut self, by: &Presented) {
        self.note_owner(&by.owner, by.generation, by.scope);
    }

    fn note_owner(&mut self, owner: &Owner, generation: Generation, scope: Scope) {
        self.by = Some((owner.clone(), generation, scope));
        (self.staged, self.predicate) = (None, None);
    }

    /// What the number of a request is more than the last one.
    #[inline(always)]
    pub(super) fn request_more(&self, request: RequestId) -> u64 {
        more(self.request.0, request.0)
    }

    /// The number that is so much more than the last one.
    pub(super) fn request_after(&self, more: u64) -> RequestId {
        RequestId(after(self.request.0, more))
    }

    /// The receipt after the last one.
    #[inline(always)]
    pub(super) fn next_receipt(&self) -> Option<ReceiptId> {
        self.receipt.map(|last| ReceiptId(last.0.wrapping_add(1)))
    }

    /// A transfer was staged by the last authority.
    #[inline(always)]
    pub(super) fn note_staged(
        &mut self,
        request: RequestId,
        receipt: ReceiptId,
        to: &Recipient,
        scope: Scope,
    ) {
        self.request = request;
        self.receipt = Some(receipt);
        self.staged = Some((to.clone(), scope));
    }

    /// Whether it is the receipt of the last transfer.
    #[inline(always)]
    pub(super) fn is_staged(&self, receipt: &Receipt) -> bool {
        matches!((&self.staged, &self.by, self.receipt),
            (Some((to, scope)), Some((from, generation, _)), Some(id))
                if id == receipt.id
                    && *generation == receipt.generation
                    && *scope == receipt.scope
                    && *to == receipt.to
                    && *from == receipt.from)
    }

    /// The receipt of the last transfer.
    pub(super) fn staged(&self, session: SessionId) -> Option<Receipt> {
        let ((to, scope), (from, generation, _)) = (self.staged.clone()?, self.by.clone()?);
        Some(Receipt { session, id: self.receipt?, from, generation, to, scope })
    }

    /// What a commit has issued is the last authority.
    #[inline(always)]
    pub(super) fn note_committed(
        &mut self,
        request: RequestId,
        owner: &Owner,
        generation: Generation,
        scope: Scope,
    ) {
        self.request = request;
        self.note_owner(owner, generation, scope);
    }

    /// The readiness witness after the last one.
    #[inline(always)]
    pub(super) fn next_witness(&self) -> Option<WitnessId> {
        self.witness.map(|last| WitnessId(last.0.wrapping_add(1)))
    }

    /// A witness was issued to the last authority.
    #[inline(always)]
    pub(super) fn note_issued(
        &mut self,
        request: RequestId,
        witness: WitnessId,
        predicate: &Predicate,
    ) {
        self.request = request;
        self.witness = Some(witness);
        self.predicate = Some(predicate.clone());
    }

    /// Whether it is the last witness.
    #[inline(always)]
    pub(super) fn is_issued(&self, witness: &Readiness) -> bool {
        matches!((&self.predicate, &self.by, self.witness),
            (Some(predicate), Some((owner, generation, scope)), Some(id))
                if id == witness.id
                    && *generation == witness.generation
                    && predicate.spoken_of(*scope) == witness.scope
                    && *predicate == witness.predicate
                    && *owner == witness.owner)
    }

    /// The last witness.
    pub(super) fn issued(&self, session: SessionId) -> Option<Readiness> {
        let (predicate, (owner, generation, scope)) = (self.predicate.clone()?, self.by.clone()?);
        let scope = predicate.spoken_of(scope);
        Some(Readiness { session, id: self.witness?, owner, generation, scope, predicate })
    }

    /// What `tick` is more than the last one, which it is now.
    #[inline(always)]
    pub(super) fn tick_more(&mut self, tick: Tick) -> u64 {
        let more = tick.0.wrapping_sub(self.tick.0);
        self.tick = tick;
        more
    }

    /// The tick that is so much more than the last one.
    pub(super) fn tick_after(&mut self, more: u64) -> Tick {
        self.tick.0 = self.tick.0.wrapping_add(more);
        self.tick
    }

    /// As [`tick_more`](Self::tick_more), of the places of a message and of its action; either may
    /// be less than the last one.
    #[inline(always)]
    pub(super) fn places_more(&mut self, seq: Seq, position: Position) -> (u64, u64) {
        let more = (more(self.seq.0, seq.0), more(self.position.0, position.0));
        (self.seq, self.position) = (seq, position);
        more
    }

    /// As [`tick_after`](Self::tick_after).
    pub(super) fn places_after(&mut self, seq: u64, position: u64) -> (Seq, Position) {
        self.seq.0 = after(self.seq.0, seq);
        self.position.0 = after(self.position.0, position);
        (self.seq, self.position)
    }

    /// What these are more than the last ones.
    #[inline(always)]
    pub(super) fn peek(&self, tick: Tick, (seq, position): (Seq, Position)) -> [u64; 3] {
        let ticks = tick.0.wrapping_sub(self.tick.0);
        [ticks, more(self.seq.0, seq.0), more(self.position.0, position.0)]
    }

    /// These are the last ones now.
    #[inline(always)]
    pub(super) fn go_on(&mut self, tick: Tick, (seq, position): (Seq, Position)) {
        (self.tick, self.seq, self.position) = (tick, seq, position);
    }

    /// What a claimed position is more than that of the last action.
    #[inline(always)]
    pub(super) fn at_more(&self, at: Position) -> u64 {
        more(self.position.0, at.0)
    }

    /// The claimed position that is so much more than that of the last action.
    pub(super) fn at_after(&self, more: u64) -> Position {
        Position(after(self.position.0, more))
    }
}

/// The difference with its sign in the lowest bit: small in either direction.
#[inline(always)]
fn more(last: u64, next: u64) -> u64 {
    let more = next.wrapping_sub(last).cast_signed();
    (more << 1 ^ more >> 63).cast_unsigned()
}

fn after(last: u64, more: u64) -> u64 {
    let sign = (more & 1).wrapping_neg();
    last.wrapping_add(more >> 1 ^ sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_leads_back_to_its_number() {
        let numbers = [0, 1, 2, 127, 128, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX - 1, u64::MAX];
        for last in numbers {
            for next in numbers {
                assert_eq!(after(last, more(last, next)), next, "{last} → {next}");
            }
        }
        assert_eq!([more(5, 6), more(5, 4), more(5, 5)], [2, 1, 0]);
    }
}
