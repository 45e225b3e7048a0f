import Antiphon.Machine.Session

/-!
What a timer watches over, and under whose authority it is armed.

Rust twin: `src/machine/site.rs`. Clauses: TIMER-1.
-/

namespace Antiphon.Machine

/-- Whether the presented capability covers the fragments. -/
def Session.isAuthorized (s : Session) (by_ : Presented) (scope : Scope) : Bool :=
  match s.authorize by_ scope with
  | .ok () => true
  | .error _ => false

namespace Site

/-- Whether the protocol has it. -/
def known (p : Protocol) : Site → Except Refusal Unit
  | .endpoint role => if role < p.roles.length then .ok () else .error .unknownRole
  | .edge way => if (p.edge way.from way.to).isSome then .ok () else .error .unknownEdge
  | .name _ => .ok ()

/-- The fragments under which a timer may be armed here, the first one before the others; of a name,
all that is presented. -/
def candidates (by_ : Presented) : Site → Scope × List Scope
  | .endpoint role => (Scope.role role, [Scope.lifecycle])
  | .edge way => (Scope.role way.from, [Scope.role way.to, Scope.lifecycle])
  | .name _ => (by_.scope, [])

/-- TIMER-1: the fragment under whose authority a timer is armed here: the first one that the
capability covers of a role that it is about, and the lifecycle. -/
def covered (site : Site) (s : Session) (by_ : Presented) : Except Refusal Scope :=
  match site.candidates by_ with
  | (first, others) =>
    match s.authorize by_ first with
    | .ok () => .ok first
    | .error refusal =>
      match others.find? (s.isAuthorized by_) with
      | some scope => .ok scope
      | none => .error refusal

end Site

end Antiphon.Machine
