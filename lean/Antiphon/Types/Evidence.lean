/-!
# Evidence: at which capacities the roles of a protocol are known to be safe together

Owns what evidence covers; where it comes from is the business of composition. Vectors are in the
order of the protocol's edges.

Rust twin: `src/types/evidence.rs`. Clauses: EDGE-7.
-/

namespace Antiphon

/-- The largest capacity that an edge may be given. -/
def capacityMax : Nat := 1048576
/-- The capacity of an edge when nothing else is said and the types do not bound it. -/
def capacityDefault : Nat := 64

/-- One reason why capacities are known to be safe. -/
inductive Coverage
  /-- Every vector: the roles are unaltered projections of one global type. -/
  | every
  /-- Every vector whose edges all hold at least so many. -/
  | atLeast (least : Nat)
  /-- Every vector whose edges all hold at least these. -/
  | bounds (least : List Nat)
  /-- Exactly these vectors. -/
  | exactly (vectors : List (List Nat))
deriving DecidableEq, Repr

/-- All that is known: no reason, one, or any of several. -/
structure Evidence where
  parts : List Coverage
deriving DecidableEq, Repr

def Evidence.none : Evidence := ⟨[]⟩

instance : Inhabited Evidence := ⟨.none⟩

def Coverage.covers (part : Coverage) (capacities : List Nat) : Bool :=
  match part with
  | .every => true
  | .atLeast least => capacities.all fun capacity => decide (least ≤ capacity)
  | .bounds least => (capacities.zip least).all fun (capacity, bound) => decide (bound ≤ capacity)
  | .exactly vectors => vectors.contains capacities

/-- Whether it covers this vector of capacities. -/
def Evidence.covers (evidence : Evidence) (capacities : List Nat) : Bool :=
  evidence.parts.any fun part => part.covers capacities

end Antiphon
