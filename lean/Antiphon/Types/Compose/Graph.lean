/-!
# Sets of configurations

A search tree over things that have a *code*, and what is checked of such a set: that it contains the initial one, is closed
under steps, and has only good members. Codes decide where a member is looked for and nothing else: whoever made the tree,
and whatever its codes are, `Tree.has` says yes only of what is in it.

Rust twin: `src/types/compose/graph.rs`. Clauses: COMP-1.
-/

namespace Antiphon.Compose

/-- Members with their codes, and a note on each. -/
inductive Tree (σ : Type) (ν : Type) where
  | leaf
  | node (less : Tree σ ν) (code : Nat) (member : σ) (note : ν) (more : Tree σ ν)

namespace Tree

variable {σ ν μ : Type}

/-- What is a member of the tree, wherever it stands. -/
inductive Member (x : σ) : Tree σ ν → Prop where
  | here {less code note more} : Member x (.node less code x note more)
  | less {less code member note more} : Member x less → Member x (.node less code member note more)
  | more {less code member note more} : Member x more → Member x (.node less code member note more)

/-- The note on a member, looked for by its code. What has the code of another stands behind it. -/
def find [DecidableEq σ] (code : Nat) (x : σ) : Tree σ ν → Option ν
  | .leaf => none
  | .node less code' member note more =>
    bif Nat.blt code code' then less.find code x
    else bif Nat.beq code code' && decide (x = member) then some note
    else more.find code x

/-- Whether something is a member. -/
def has [DecidableEq σ] (code : Nat) (x : σ) (tree : Tree σ ν) : Bool :=
  (tree.find code x).isSome

/-- The tree with one more member, which is not one yet. -/
def insert (code : Nat) (x : σ) (note : ν) : Tree σ ν → Tree σ ν
  | .leaf => .node .leaf code x note .leaf
  | .node less code' member note' more =>
    bif Nat.blt code code' then .node (less.insert code x note) code' member note' more
    else .node less code' member note' (more.insert code x note)

/-- Whether something holds of every member. -/
def all (p : σ → Bool) : Tree σ ν → Bool
  | .leaf => true
  | .node less _ member _ more => less.all p && (p member && more.all p)

/-- How many members there are. -/
def size : Tree σ ν → Nat
  | .leaf => 0
  | .node less _ _ _ more => less.size + more.size + 1

end Tree

/-- What can be explored: where it begins, and the steps from everywhere, with what is done in each. -/
structure Graph (σ α : Type) where
  initial : σ
  next : σ → List (α × σ)
  /-- Equal things have equal codes, of course; different ones should mostly have different codes. -/
  code : σ → Nat

/-- What some steps lead to from the beginning. -/
inductive Graph.Reachable {σ α : Type} (graph : Graph σ α) : σ → Prop where
  | initial : Reachable graph graph.initial
  | step {c : σ} {a : α} {d : σ} : Reachable graph c → (a, d) ∈ graph.next c → Reachable graph d

/-- The check: the initial one is a member, each member is good, and each step from a member leads to a member. -/
def Graph.closed {σ α ν : Type} [DecidableEq σ] (graph : Graph σ α) (good : σ → List (α × σ) → Bool)
    (tree : Tree σ ν) : Bool :=
  tree.has (graph.code graph.initial) graph.initial &&
    tree.all fun c =>
      let steps := graph.next c
      good c steps && steps.all fun step => tree.has (graph.code step.2) step.2

/-- Does the actions one after the other, each as the first step of its kind; nothing if one of them cannot be done. -/
def Graph.replay {σ α : Type} [DecidableEq α] (graph : Graph σ α) : List α → σ → Option σ
  | [], c => some c
  | a :: rest, c =>
    match (graph.next c).find? fun step => decide (step.1 = a) with
    | some step => graph.replay rest step.2
    | none => none

end Antiphon.Compose
