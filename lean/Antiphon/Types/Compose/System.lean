import Antiphon.Types.Automaton
import Antiphon.Types.Compose.Graph

/-!
# Systems: the roles of a protocol and the edges between them

Owns configurations, which are what a session is when nobody looks at payloads, and the steps between them. A send over a full
edge is blocked, as in the machine.

Rust twin: `src/types/compose/system.rs`. Clauses: COMP-1.
-/

namespace Antiphon.Compose

/-- One automaton a role, one capacity an edge. -/
structure System where
  automata : List Automaton
  capacities : List Nat
deriving DecidableEq, Repr, Inhabited

/-- The state of each role, and the messages on each edge, the head first. -/
structure Configuration where
  states : List Nat
  edges : List (List Nat)
deriving Repr, Inhabited

/-- One step of a run: a role sends or receives. -/
structure Step where
  role : Nat
  direction : Direction
  transition : Transition
deriving DecidableEq, Repr, Inhabited

namespace Configuration

def sameNumbers : List Nat → List Nat → Bool
  | [], [] => true
  | a :: as, b :: bs => Nat.beq a b && sameNumbers as bs
  | _, _ => false

def sameQueues : List (List Nat) → List (List Nat) → Bool
  | [], [] => true
  | a :: as, b :: bs => sameNumbers a b && sameQueues as bs
  | _, _ => false

/-- Whether two are the same. -/
def same (c d : Configuration) : Bool := sameNumbers c.states d.states && sameQueues c.edges d.edges

theorem sameNumbers_iff : ∀ {a b : List Nat}, sameNumbers a b = true ↔ a = b
  | [], [] => by simp [sameNumbers]
  | [], _ :: _ => by simp [sameNumbers]
  | _ :: _, [] => by simp [sameNumbers]
  | _ :: _, _ :: _ => by simp [sameNumbers, sameNumbers_iff, Nat.beq_eq]

theorem sameQueues_iff : ∀ {a b : List (List Nat)}, sameQueues a b = true ↔ a = b
  | [], [] => by simp [sameQueues]
  | [], _ :: _ => by simp [sameQueues]
  | _ :: _, [] => by simp [sameQueues]
  | _ :: _, _ :: _ => by simp [sameQueues, sameNumbers_iff, sameQueues_iff]

theorem same_iff {c d : Configuration} : c.same d = true ↔ c = d := by
  cases c
  cases d
  simp [same, sameNumbers_iff, sameQueues_iff]

/-- Not the derived one: that computes with proofs, which takes the kernel more than twice as long. -/
instance : DecidableEq Configuration := fun _ _ => decidable_of_iff _ same_iff

/-- The state of a role. -/
def state (c : Configuration) (role : Nat) : Nat := c.states.getD role 0

/-- The messages on an edge. -/
def queue (c : Configuration) (edge : Nat) : List Nat := c.edges.getD edge []

/-- With another state of one role, and other messages on one edge. -/
def put (c : Configuration) (role state edge : Nat) (queue : List Nat) : Configuration :=
  ⟨c.states.set role state, c.edges.set edge queue⟩

/-- Small numbers only, so that it is fast. -/
def mix (code x : Nat) : Nat := (code * 31 + x + 2) % 67108859

/-- Where it is looked for. -/
def code (c : Configuration) : Nat :=
  c.edges.foldl (fun code queue => mix (queue.foldl mix code) 0) (c.states.foldl mix 1)

end Configuration

namespace System

/-- What a role may do where it is. -/
def row (s : System) (c : Configuration) (role : Nat) : Row :=
  (s.automata.getD role ⟨[]⟩).row (c.state role)

/-- How many messages an edge holds at most. -/
def capacity (s : System) (edge : Nat) : Nat := s.capacities.getD edge 0

/-- Every role in its first state, nothing on the edges. -/
def initial (s : System) : Configuration :=
  ⟨s.automata.map fun _ => 0, s.capacities.map fun _ => []⟩

/-- What a step is: the role's state allows it; a send finds room and appends its message, a receive takes the head, which is
its message. -/
inductive Leads (s : System) : Configuration → Step → Configuration → Prop where
  | send {c : Configuration} {role : Nat} {t : Transition} :
      (s.row c role).direction = .send → t ∈ (s.row c role).moves →
      (c.queue t.edge).length < s.capacity t.edge →
      Leads s c ⟨role, .send, t⟩ (c.put role t.next t.edge (c.queue t.edge ++ [t.message]))
  | receive {c : Configuration} {role : Nat} {t : Transition} {rest : List Nat} :
      (s.row c role).direction = .receive → t ∈ (s.row c role).moves →
      c.queue t.edge = t.message :: rest →
      Leads s c ⟨role, .receive, t⟩ (c.put role t.next t.edge rest)

/-- Where a session can come to. -/
inductive Reachable (s : System) : Configuration → Prop where
  | initial : Reachable s s.initial
  | step {c d : Configuration} {step : Step} : Reachable s c → Leads s c step d → Reachable s d

/-- What one transition of a role leads to, if it can be done. -/
def perform (s : System) (c : Configuration) (step : Step) : Option Configuration :=
  let ⟨role, direction, t⟩ := step
  let queue := c.queue t.edge
  match direction with
  | .send =>
    if queue.length < s.capacity t.edge then some (c.put role t.next t.edge (queue ++ [t.message])) else none
  | .receive =>
    match queue with
    | [] => none
    | head :: rest => if head = t.message then some (c.put role t.next t.edge rest) else none

/-- The steps of one role. -/
def nextOf (s : System) (c : Configuration) (role : Nat) : List (Step × Configuration) :=
  let row := s.row c role
  row.moves.filterMap fun t =>
    let step : Step := ⟨role, row.direction, t⟩
    match s.perform c step with
    | some d => some (step, d)
    | none => none

/-- The steps of all roles, in their order. -/
def next (s : System) (c : Configuration) : List (Step × Configuration) :=
  (List.range s.automata.length).flatMap (s.nextOf c)

/-- What is explored. -/
def graph (s : System) : Graph Configuration Step := ⟨s.initial, s.next, Configuration.code⟩

end System

end Antiphon.Compose
