import Antiphon.Machine.Session

/-!
What a repeat of a request is known by: what it made keeps the request itself.

Rust twin: `src/machine/request.rs`. Clauses: AUTH-9.
-/

namespace Antiphon.Machine

/-- The capability for a holding, as it was issued. -/
def Session.capabilityOf (s : Session) (owner : Owner) (generation : Generation) (scope : Scope) :
    Presented :=
  ⟨s.id, owner, generation, scope⟩

namespace Session

/-- What the same request came to in the ownership of fragments, if that is still live. -/
def movedBefore (s : Session) (made : Made) : Option Accepted :=
  match s.staged.find? (·.origin == made) with
  | some staged => some (.staged staged.receipt)
  | none =>
    match s.spreadOrNew.holdings.find? (·.origin == made) with
    | none => none
    | some holding =>
      if holding.released then some .done
      else some (.issued (s.capabilityOf holding.owner holding.generation holding.issued))

/-- What the same request came to in witnesses and timers, if that is still live. -/
def attestedBefore (s : Session) (made : Made) : Option Accepted :=
  match s.outstandingOrNew.readiness.find? (·.origin == made) with
  | some ready => some (.witness ready.witness)
  | none =>
    match s.outstandingOrNew.armed.find? (·.origin == made) with
    | some watch => some (.timer watch.timer.id)
    | none => none

/-- AUTH-9: what the same request came to, if that is still live. A death is no request: its owner may
have come back since. -/
def madeBefore (s : Session) (made : Made) : Option Accepted :=
  match made with
  | .act _ (.ownerDied _ _) => none
  | made => (s.movedBefore made).or (s.attestedBefore made)

end Session

end Antiphon.Machine
