import Antiphon.Types.Compose.Served

/-!
# The verdict on a system

A search finds configurations; what it says is believed only after a check: of a set, that it contains the initial
configuration, is closed under steps, and has only good members; of a violation, that its run can be done and ends where
something is wrong.

Rust twin: `src/types/compose/verdict.rs`. Clauses: COMP-2 to COMP-5.
-/

namespace Antiphon.Compose

/-- What is known of a system. -/
inductive Verdict where
  /-- It is safe, and perhaps no role ever has two receives at once. -/
  | safe (determinate : Bool)
  | violation (violation : Violation)
  /-- The search ended at its limit. -/
  | unknown
deriving DecidableEq, Repr, Inhabited

namespace System

/-- Whether nothing is wrong with a configuration from which these steps lead, now or, by its note, later. -/
def good (s : System) (noted : Noted) (c : Configuration) (steps : List (Step × Configuration)) : Bool :=
  (s.unexpected c).isNone && (!steps.isEmpty || (s.allEnded c && c.left.isNone)) && s.isNoted noted c steps

/-- The check of a set. -/
def check (s : System) (noted : Noted) : Bool := s.graph.closed (s.good noted) noted

/-- Whether a role has at most one receive that can be done. -/
def isDeterminateOf (s : System) (c : Configuration) (role : Nat) : Bool :=
  match (s.row c role).direction with
  | .send => true
  | .receive => Nat.ble (s.nextOf c role).length 1

/-- The same, of all roles. -/
def isDeterminate (s : System) (c : Configuration) : Bool :=
  (List.range s.automata.length).all (s.isDeterminateOf c)

/-- Whether this is wrong with a configuration; that somebody is never served is shown by all that can be reached. -/
def shows (s : System) (c : Configuration) (known : Known) : Kind → Bool
  | .unexpectedMessage edge => (List.range s.automata.length).any fun role => s.unexpectedOf c role == some edge
  | .orphanMessage edge => s.allEnded c && !(c.queue edge).isEmpty
  | .deadlock => (s.next c).isEmpty && !s.allEnded c
  | .notLive waiter =>
    s.waits c waiter && (Graph.closed { s.graph with initial := c }
      (fun _ steps => steps.all fun step => !step.1.serves waiter) known)

/-- The check of a violation. -/
def confirm (s : System) (known : Known) (violation : Violation) : Verdict :=
  match s.graph.replay violation.run s.initial with
  | none => .unknown
  | some c => bif s.shows c known violation.kind then .violation violation else .unknown

/-- What a search found, to be checked. -/
inductive Finding where
  | safe (noted : Noted)
  | wrong (known : Known) (violation : Violation)
  | limit

/-- Searches at most so far. -/
def search (s : System) (limit : Nat) : Finding :=
  let start := Found.start s.initial
  match s.explore limit [start] [] [] none start.known with
  | .limit => .limit
  | .broken violation => .wrong .leaf violation
  | .complete _ (some violation) => .wrong .leaf violation
  | .complete all none =>
    match s.note limit limit all .leaf with
    | .limit => .limit
    | .starved waiter found known =>
      .wrong known ⟨.notLive waiter, found.way.reverse, s.wantsRoom found.config⟩
    | .noted noted => .safe noted

/-- Searches at most so far, and checks what was found. -/
def verdict (s : System) (limit : Nat) : Verdict :=
  match s.search limit with
  | .limit => .unknown
  | .wrong known violation => s.confirm known violation
  | .safe noted => bif s.check noted then .safe (noted.all s.isDeterminate) else .unknown

end System

end Antiphon.Compose
