import Antiphon.Types.Automaton

/-!
# Subtyping: may one role's table stand where another was agreed on?

Owns the relation, which says that a simulation exists, and the search for a pair of states that
breaks it, as it runs: breadth first, each pair once, at most so many steps. Nothing is reordered.

Rust twin: `src/types/subtype/sync.rs`. Clauses: SUB-1, SUB-2, SUB-4.
-/

namespace Antiphon

/-- The same partner, label and sort. -/
def Transition.Same (t u : Transition) : Prop :=
  t.peer = u.peer ∧ t.label = u.label ∧ t.message = u.message

/-- A relation between the states of a candidate and of a supertype, kept by what both do. -/
structure Simulation (candidate supertype : Automaton) (R : Nat → Nat → Prop) : Prop where
  /-- SUB-1: it sends at most what the supertype sends. -/
  sends : ∀ {here there t}, R here there → t ∈ candidate.sends here →
    ∃ u ∈ supertype.sends there, t.Same u ∧ R t.next u.next
  /-- SUB-2: it receives at least what the supertype receives, -/
  receives : ∀ {here there u}, R here there → u ∈ supertype.receives there →
    ∃ t ∈ candidate.receives here, t.Same u ∧ R t.next u.next
  /-- and hears nobody else. -/
  hears : ∀ {here there t}, R here there → t ∈ candidate.receives here →
    ∃ u ∈ supertype.receives there, u.peer = t.peer
  /-- It ends only where the supertype ends. -/
  ends : ∀ {here there}, R here there → candidate.isEnd here = true → supertype.isEnd there = true

/-- The candidate may stand where the supertype was agreed on. -/
def Subtype (candidate supertype : Automaton) : Prop :=
  ∃ R, Simulation candidate supertype R ∧ R 0 0

/-- What goes wrong at a pair of states. -/
inductive Mismatch
  /-- The candidate may send this, the supertype may not. -/
  | sends (sent : Transition)
  /-- This may be sent to the candidate, and it does not take it. -/
  | misses (missed : Transition)
  /-- The candidate takes messages of this partner, whom the supertype does not hear there. -/
  | hears (peer : Nat)
  /-- The candidate waits for this partner, and the supertype does not receive at all. -/
  | waits (peer : Nat)
  /-- The candidate has ended, and the supertype has not. -/
  | ends
deriving DecidableEq, Repr

/-- Whether the candidate is a subtype, as far as the steps allowed to find out. -/
inductive Answer
  | yes
  | no (mismatch : Mismatch)
  | unknown
deriving DecidableEq, Repr

namespace Automaton

/-- The move of `state` with the partner, label and sort of `t`. -/
def matched (a : Automaton) (state : Nat) (direction : Direction) (t : Transition) :
    Option Transition :=
  match direction with
  | .send =>
    match a.send state t.peer t.label with
    | some found => if found.message = t.message then some found else none
    | none => none
  | .receive => a.receive state t.peer t.label t.message

/-- What a pair of states does not agree in. -/
def mismatch (candidate supertype : Automaton) (here there : Nat) : Option Mismatch :=
  match candidate.direction here, supertype.direction there with
  | none, none => none
  | none, some _ => some .ends
  | some .send, some .send =>
    match (candidate.moves here).find? fun t => (supertype.matched there .send t).isNone with
    | some more => some (.sends more)
    | none => none
  | some .send, _ => some (.sends ((candidate.moves here).headD default))
  | some .receive, some .receive =>
    match (supertype.moves there).find? fun u => (candidate.matched here .receive u).isNone with
    | some missed => some (.misses missed)
    | none =>
      match (candidate.moves here).find? fun t =>
        !(supertype.moves there).any fun u => u.peer == t.peer with
      | some other => some (.hears other.peer)
      | none => none
  | some .receive, _ => some (.waits ((candidate.moves here).headD default).peer)

/-- The pairs behind the actions that both perform. -/
def shared (candidate supertype : Automaton) (here there : Nat) : List (Nat × Nat) :=
  (candidate.moves here).filterMap fun t =>
    match supertype.matched there ((candidate.direction here).getD .receive) t with
    | some u => some (t.next, u.next)
    | none => none

end Automaton

/-- What of some pairs is not known yet, each once. -/
def unknownOf (known : List (Nat × Nat)) : List (Nat × Nat) → List (Nat × Nat)
  | [] => []
  | pair :: rest =>
    if pair ∈ known then unknownOf known rest else pair :: unknownOf (pair :: known) rest

/-- Looks at the pairs of `todo` and at those that they lead to; `known` are all pairs that were met. -/
def Automaton.search (candidate supertype : Automaton) :
    (steps : Nat) → (todo known : List (Nat × Nat)) → Answer
  | _, [], _ => .yes
  | 0, _ :: _, _ => .unknown
  | steps + 1, (here, there) :: todo, known =>
    match candidate.mismatch supertype here there with
    | some mismatch => .no mismatch
    | none =>
      let found := unknownOf known (candidate.shared supertype here there)
      candidate.search supertype steps (todo ++ found) (found ++ known)

/-- Whether `candidate` is a subtype of `supertype`, in at most so many steps. -/
def Automaton.isSubtype (candidate supertype : Automaton) (stepsMax : Nat) : Answer :=
  candidate.search supertype stepsMax [(0, 0)] [(0, 0)]

end Antiphon
