import Antiphon.Machine.Attest
import Antiphon.Machine.Lifecycle

/-!
How authority ends before the protocol does: a transfer that is given up, an owner that is lost; and
how what nobody has any more comes to an owner again by the host alone.

Rust twin: `src/machine/ends.rs`. Clauses: AUTH-20 to AUTH-30.
-/

namespace Antiphon.Machine

/-- How the reason of a session begins that ended because an owner was lost; its name follows. -/
def ownerLost : String := "owner lost: "

/-- AUTH-30: that a session was cancelled or faulted, and why. -/
structure CancellationWitness where
  session : SessionId
  reason : String
deriving Repr, DecidableEq

/-- The longest reason of a failed commit that is kept, in bytes: the whole text stays within the
limit. -/
def failureBytesMax : Nat := reasonBytesMax - transferCommitFailed.utf8ByteSize

/-- AUTH-21: the reason of a failed commit as it is kept. -/
def cutFailure (reason : String) : String := cutTo reason failureBytesMax

/-- A request as its session understands it. -/
def Made.understood : Made → Made
  | .act by_ (.failCommit receipt reason) => .act by_ (.failCommit receipt (cutFailure reason))
  | made => made

namespace Session

/-- That it was cancelled or faulted, if it was. -/
def cancellation (s : Session) : Option CancellationWitness :=
  s.status.reason.map fun reason => ⟨s.id, reason⟩

/-- AUTH-11: whether the receipt is one that is in flight, field by field. -/
def pending (s : Session) (receipt : Receipt) : Except Refusal Unit :=
  match s.staged.find? (·.receipt.id == receipt.id) with
  | some staged =>
    if staged.receipt = receipt then .ok () else .error (.receiptMismatch receipt.id)
  | none =>
    if receipt.id < s.spreadOrNew.receipts then .error (.receiptSpent receipt.id)
    else .error (.transferNotPending receipt.id)

/-- What the owner has, under all its generations. -/
def scopeOf (s : Session) (owner : Owner) : Scope :=
  Held.scopes (s.holdings.filter fun held => !held.released && held.owner == owner)

/-- Whether all of the fragments were released, and by one owner. -/
def isNobodys (s : Session) (scope : Scope) : Bool :=
  s.holdings.any fun held => held.released && held.scope.covers scope

/-- Whether nobody has any of the fragments. -/
def unowned (s : Session) (scope : Scope) : Except Refusal Unit :=
  match s.holdings.find? fun held => !held.released && held.scope.touches scope with
  | some owned => .error (.alreadyClaimed (owned.scope.intersection scope) owned.generation)
  | none => .ok ()

/-- How the session ends when it loses the owner, if it does. -/
def lost (s : Session) (owner : Owner) : Option Status :=
  match s.onLost with
  | .cancel => some (.cancelled (ownerLost ++ owner))
  | .fault => some (.faulted (ownerLost ++ owner))
  | .release => none

/-- AUTH-25: whether the capability may take a transfer back: that of who staged it. If that owner is
lost: that of whoever could claim the fragments. -/
def mayRollback (s : Session) (by_ : Presented) (receipt : Receipt) : Except Refusal Unit :=
  let isPending := match s.pending receipt with
    | .ok () => true
    | .error _ => false
  if s.isNobodys receipt.scope && isPending then
    if s.ownership.wasLast s.spread by_ receipt.scope then .ok ()
    else s.authorize by_ Scope.lifecycle
  else s.authorize by_ receipt.scope

/-- What is to be known of a death: the authority for it, and of its witness, who holds it (WITN-5). -/
def deathNeeds : Death → Scope
  | .lifecycle => Scope.lifecycle
  | .timeout witness => Scope.lifecycle.union witness.scope

/-- AUTH-22: the witness that shows the death of the owner of `own`, if it needs one. -/
def deathShown (s : Session) (own : Scope) : Death → Except Refusal (Option WitnessId)
  | .lifecycle => .ok none
  | .timeout witness =>
    s.isTimedOut witness *>
      match witness.site with
      | .endpoint role =>
        if own.covers (Scope.role role) then .ok (some witness.id)
        else .error (.invalidWitness witness.id)
      | _ => .error (.invalidWitness witness.id)

/-- What of a record's audits holds here: by a commit whose giver was lost before nobody loses
anything any more. -/
def isSaid (s : Session) (made : Made) (audit : Audit) : Bool :=
  match made, audit with
  | .commit commit, .invalidated _ _ _ => !s.isNobodys commit.receipt.scope
  | _, _ => true

/-- AUTH-28: what the record of a death takes away here, which it does not say by itself. -/
def takenBy (s : Session) : Made → List Audit
  | .act _ (.ownerDied owner _) =>
    let own := s.holdings.filter fun held =>
      !held.released && !held.scope.isEmpty && held.owner == owner
    let taken := own.map fun held => .invalidated held.owner held.generation held.scope
    match (s.lost owner).bind Status.reason with
    | some reason => taken ++ [.cancelled reason]
    | none => taken
  | _ => []

end Session

end Antiphon.Machine
