import Antiphon.Types.Local

/-!
# Automata: what a local type denotes, as a table

Owns the table that runs, its look-ups, and the check that a table does what a local type says. The
tables are compiled by Rust and given to the model, which trusts none of them: `follows` looks at
each row beside the naive unfolding of the types that the row stands for.

Rust twin: `src/types/automaton.rs`. Clauses: AUTO-1, AUTO-2.
-/

namespace Antiphon

/-- One legal move: a message to or from a partner, and the state behind it. -/
structure Transition where
  /-- The partner, a label, the label with its sort, the edge, a state: by their numbers. -/
  peer : Nat
  label : Nat
  message : Nat
  edge : Nat
  next : Nat
  /-- Whether nothing more happens behind it. -/
  ends : Bool
deriving DecidableEq, Repr, Inhabited

/-- A state: its moves are all sends or all receives, sorted by partner and label. -/
structure Row where
  direction : Direction
  moves : List Transition
deriving DecidableEq, Repr, Inhabited

/-- What one role may do; state 0 is the first. -/
structure Automaton where
  rows : List Row
deriving DecidableEq, Repr, Inhabited

/-- The state in which nothing happens. -/
def Row.end : Row := ⟨.receive, []⟩

namespace Automaton

/-- A state that the table does not have is an end. -/
def row (a : Automaton) (state : Nat) : Row := a.rows.getD state Row.end

/-- The moves that are legal in `state`. -/
def moves (a : Automaton) (state : Nat) : List Transition := (a.row state).moves

/-- Whether nothing more happens in `state`. -/
def isEnd (a : Automaton) (state : Nat) : Bool := (a.moves state).isEmpty

/-- Whether the moves of `state` are sends or receives; `none` at the end. -/
def direction (a : Automaton) (state : Nat) : Option Direction :=
  if a.isEnd state then none else some (a.row state).direction

/-- The moves of `state` that go in this direction. -/
def movesOf (a : Automaton) (state : Nat) (direction : Direction) : List Transition :=
  if (a.row state).direction = direction then a.moves state else []

/-- The sends that are legal in `state`. -/
def sends (a : Automaton) (state : Nat) : List Transition := a.movesOf state .send

/-- The receives that are legal in `state`. -/
def receives (a : Automaton) (state : Nat) : List Transition := a.movesOf state .receive

/-- The send of `label` to `peer`, if it is legal in `state`. -/
def send (a : Automaton) (state peer label : Nat) : Option Transition :=
  (a.sends state).find? fun t => t.peer == peer && t.label == label

/-- The receive of `message` from `peer`, if it is legal in `state`. -/
def receive (a : Automaton) (state peer label message : Nat) : Option Transition :=
  match (a.receives state).find? (fun t => t.peer == peer && t.label == label) with
  | some found => if found.message = message then some found else none
  | none => none

/-- The first receive from `peer` that is legal in `state`. -/
def receiveFrom (a : Automaton) (state peer : Nat) : Option Transition :=
  (a.receives state).find? fun t => t.peer == peer

/-- Whether `state` waits for messages from `peer`. -/
def waitsFor (a : Automaton) (state peer : Nat) : Bool := (a.receiveFrom state peer).isSome

end Automaton

/-- Sorted by partner and label, none twice. -/
def sortedMoves : List Transition → Bool
  | [] => true
  | [_] => true
  | t :: u :: rest =>
    (decide (t.peer < u.peer) || (t.peer == u.peer && decide (t.label < u.label)))
      && sortedMoves (u :: rest)

/-- There is a first row; rows are sorted, lead to rows, and say of a move whether it ends. -/
def Automaton.wellFormed (a : Automaton) : Bool :=
  decide (0 < a.rows.length) && a.rows.all fun row =>
    sortedMoves row.moves && row.moves.all fun t =>
      decide (t.next < a.rows.length) && t.ends == a.isEnd t.next

/-- An action in numbers: all of a move but where it leads. -/
structure Move where
  direction : Direction
  peer : Nat
  label : Nat
  message : Nat
  edge : Nat
deriving DecidableEq, Repr, Inhabited

def Transition.move (t : Transition) (direction : Direction) : Move :=
  ⟨direction, t.peer, t.label, t.message, t.edge⟩

/-- The state behind a move, if it is legal. -/
def Automaton.after (a : Automaton) (state : Nat) (move : Move) : Option Nat :=
  match (a.movesOf state move.direction).find? (fun t => t.move move.direction == move) with
  | some t => some t.next
  | none => none

/-- The state behind a run, if it is legal. -/
def Automaton.run (a : Automaton) (state : Nat) : List Move → Option Nat
  | [] => some state
  | move :: rest =>
    match a.after state move with
    | none => none
    | some state => a.run state rest

/-- What numbers the names of an action have. -/
abbrev Numbering := Action → Option Move

/-- The numbers of a run. -/
def Numbering.run (number : Numbering) : List Action → Option (List Move)
  | [] => some []
  | action :: rest =>
    match number action, Numbering.run number rest with
    | some move, some moves => some (move :: moves)
    | _, _ => none

/-- Local types by the state that stands for them. -/
abbrev Candidates := List (List Local)

def Candidates.at (candidates : Candidates) (state : Nat) : List Local := candidates.getD state []

def Branch.action (branch : Branch) (direction : Direction) : Action :=
  ⟨direction, branch.peer, branch.label, branch.sort⟩

/-- The transition of a branch. -/
def Automaton.transition (a : Automaton) (number : Numbering) (state : Nat) (direction : Direction)
    (branch : Branch) : Option Transition :=
  match number (branch.action direction) with
  | none => none
  | some move => (a.moves state).find? fun t => t.move direction == move

/-- Whether the row of `state` has the moves of `t` and no others, and what is behind each stands for
what is left of `t`. -/
def Automaton.rowFollows (a : Automaton) (number : Numbering) (candidates : Candidates)
    (state : Nat) (t : Local) : Bool :=
  match t.head with
  | .end => a.isEnd state
  | .choice direction branches =>
    let numbers := branches.toList.map fun branch => number (branch.action direction)
    (a.row state).direction == direction && !branches.toList.isEmpty
      && (branches.toList.all fun branch =>
        match a.transition number state direction branch with
        | none => false
        | some found => decide (branch.next ∈ candidates.at found.next))
      && (a.moves state).all fun t => numbers.contains (some (t.move direction))
  | _ => false

/-- What a state and its type lead to. -/
def Automaton.successors (a : Automaton) (number : Numbering) (state : Nat) (t : Local) :
    List (Nat × Local) :=
  match t.head with
  | .choice direction branches => branches.toList.filterMap fun branch =>
    match a.transition number state direction branch with
    | none => none
    | some found => some (found.next, branch.next)
  | _ => []

/-- Finds the types that each state stands for. Nothing rests on it: what it finds is checked. -/
def Automaton.explore (a : Automaton) (number : Numbering) :
    Nat → List (Nat × Local) → Candidates → Candidates
  | 0, _, found => found
  | _, [], found => found
  | fuel + 1, (state, t) :: todo, found =>
    if t ∈ found.at state then a.explore number fuel todo found
    else a.explore number fuel (a.successors number state t ++ todo)
      (found.set state (t :: found.at state))

/-- Whether every row is what the types that it stands for unfold to. -/
def Automaton.followsWith (a : Automaton) (number : Numbering) (t : Local)
    (candidates : Candidates) : Bool :=
  a.wellFormed && decide (t ∈ candidates.at 0)
    && (List.range a.rows.length).all fun state =>
      (candidates.at state).all fun t => a.rowFollows number candidates state t

/-- AUTO-1: whether the table does what `t` says. -/
def Automaton.follows (a : Automaton) (number : Numbering) (t : Local) : Bool :=
  a.followsWith number t
    (a.explore number (t.size + 2) [(0, t)] (List.replicate a.rows.length []))

end Antiphon
