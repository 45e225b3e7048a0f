import Antiphon.Types.Evidence

/-!
Evidence in words, as refusals show it.

Rust twin: the `Display` of `src/types/evidence.rs`.
-/

namespace Oracle
open Antiphon

def capacities (vector : List Nat) : String := ", ".intercalate (vector.map toString)

def allSame (vector : List Nat) : Bool :=
  match vector with
  | [] => true
  | first :: rest => rest.all (· == first)

/-- The capacity of a vector whose edges all have the same. -/
def only (vector : List Nat) : Nat := vector.head?.getD 1

def coverageText : Coverage → String
  | .every => "every capacity"
  | .atLeast least => s!"every capacity from {least}"
  | .bounds least =>
    if !least.isEmpty && allSame least then s!"every capacity from {max (only least) 1}"
    else s!"every capacity from the bound of each edge ({capacities least})"
  | .exactly [vector] =>
    if allSame vector then s!"capacity {only vector} of every edge"
    else s!"the capacities {capacities vector}"
  | .exactly vectors =>
    if vectors.all allSame then
      let front := vectors.dropLast.map fun vector => s!"{only vector}, "
      s!"capacity {String.join front}or {only (vectors.getLastD [])} of every edge"
    else s!"the capacities {" or ".intercalate (vectors.map capacities)}"

def evidenceText (evidence : Evidence) : String :=
  match evidence.parts with
  | [] => "no capacity that is known"
  | parts => ", or ".intercalate (parts.map coverageText)

end Oracle
