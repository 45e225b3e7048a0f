import Antiphon.Types.Protocol

/-!
What an edge does when it is full: its policy, and which messages may be dropped by it.

Rust twin: `src/machine/policy.rs`; what it does to an edge is in `Machine/Edge.lean`. Clauses:
EDGE-10 to EDGE-13.
-/

namespace Antiphon.Machine

/-- What an edge does when a message is sent over it while it is full. -/
inductive Policy
  /-- It refuses the message. -/
  | block
  /-- It drops the oldest message that may be dropped. -/
  | dropOldest
  /-- A message that may be dropped takes the place of those of its label and sort, also when the
  edge is not full. -/
  | latestValue
  /-- Its capacity doubles, up to this one. -/
  | resize (max : Nat)
deriving Repr, DecidableEq, Inhabited

/-- Whether it drops messages. -/
def Policy.isLossy : Policy → Bool
  | .dropOldest => true
  | .latestValue => true
  | _ => false

/-- Why an edge cannot have a policy. -/
inductive Unsound
  /-- It carries endpoints, and one that is dropped is lost for ever. -/
  | chan
  /-- None of its messages may be dropped. -/
  | nothingToDrop
  /-- It would begin with more than it may grow to. -/
  | shrinks (capacity : Nat)
deriving Repr, DecidableEq

/-- The moves of a role over an edge, each with the state that it is made in. -/
def movesOver (p : Protocol) (role edge : Nat) : List (Nat × Transition) :=
  let automaton := p.automaton role
  (List.range automaton.rows.length).flatMap fun at_ =>
    ((automaton.moves at_).filter (·.edge == edge)).map fun move => (at_, move)

/-- EDGE-12: whether one of the two roles of an edge has a message with a `chan` on it. -/
def carriesChan (p : Protocol) (edge : Nat) (role : Nat) : Bool :=
  (movesOver p role edge).any fun (_, move) => (p.message move.message).sort.hasChan

/-- The receives over an edge, each with the state that it is made in. -/
def receivesOver (p : Protocol) (edge : Nat) (receiver : Nat) : List (Nat × Transition) :=
  (movesOver p receiver edge).filter fun (at_, _) =>
    (p.automaton receiver).direction at_ == some .receive

/-- EDGE-11: the messages that leave the receiver where it is in every state that receives them over
this edge. -/
def droppable (p : Protocol) (edge : Nat) (receiver : Nat) : List Nat :=
  let ways := receivesOver p edge receiver
  let stays := fun message => ways.all fun (at_, way) => way.message != message || way.next == at_
  (ways.map (·.2.message)).eraseDups.filter stays

end Antiphon.Machine
