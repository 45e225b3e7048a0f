import Antiphon.Types.Protocol
import Antiphon.Machine.Id

/-!
What a role has done, as far back as a repeat may come. The Rust keeps the digest of a value; here
the value itself is kept, so that nothing is assumed of digests.

Rust twin: `src/machine/remember.rs`. Clauses: POS-1, POS-3, POS-4.
-/

namespace Antiphon.Machine

/-- How many sends of a role are remembered. -/
def rememberedMax : Nat := 64

/-- A send that was performed. -/
structure Performed where
  /-- The position it was performed at. -/
  «at» : Position
  /-- Whom it went to. -/
  edge : Nat
  /-- Its label and sort. -/
  message : Nat
  value : Value
deriving Repr, DecidableEq

/-- The last sends of a role. -/
structure Ring where
  /-- Actions before this position are not remembered; `none`: nothing is. -/
  «from» : Option Position
  /-- The oldest first. -/
  sends : List Performed
deriving Repr, DecidableEq

namespace Ring

def empty : Ring := ⟨none, []⟩

/-- From now on sends are remembered. -/
def start (r : Ring) (position : Position) : Ring :=
  match r.from with
  | some _ => r
  | none => { r with «from» := some position }

/-- One more send, where sends are remembered; the oldest one goes where there is no room. -/
def push (r : Ring) (performed : Performed) : Ring :=
  match r.from with
  | none => r
  | some _ =>
    match r.sends with
    | [] => { r with sends := [performed] }
    | oldest :: rest =>
      if r.sends.length = rememberedMax then ⟨some (oldest.at + 1), rest ++ [performed]⟩
      else { r with sends := r.sends ++ [performed] }

end Ring

end Antiphon.Machine
