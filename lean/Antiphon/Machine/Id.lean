/-!
The numbers that a machine speaks in. They do not run over here; where the Rust stops at the last
number of 64 bits it says so, and `Tick.after` does the same.

Rust twin: `src/machine/id.rs`.
-/

namespace Antiphon.Machine

/-- Logical time in milliseconds, supplied by the host. -/
abbrev Tick := Nat

/-- How many actions an endpoint has performed; the number of its next action. -/
abbrev Position := Nat

/-- The place of a message on its edge, from 0. -/
abbrev Seq := Nat

/-- The epoch of an ownership; one growing counter a session, from 1, never reused. -/
abbrev Generation := Nat

/-- The number of a transfer in its session, from 0, never reused. -/
abbrev ReceiptId := Nat

/-- A number that the caller chooses for a request, to repeat it safely. -/
abbrev RequestId := Nat

/-- The number of a resume token among those of its holding, from 1. -/
abbrev Serial := Nat

/-- The number of a witness in its session, from 0, never reused. -/
abbrev WitnessId := Nat

/-- The number of a timer that somebody armed in its session, from 0, never reused. -/
abbrev TimerId := Nat

/-- The number of an attachment in its session: the fencing epoch that it was made under, and its number
among those, from 1. -/
structure Epoch where
  fencing : Nat
  counter : Nat
deriving Repr, DecidableEq

/-- A later one is greater. -/
instance : LT Epoch where
  lt a b := a.fencing < b.fencing ∨ (a.fencing = b.fencing ∧ a.counter < b.counter)

/-- The last number of an attachment in a fencing epoch. -/
def Epoch.counterMax : Nat := 2 ^ 32 - 1

/-- A session's identity: 128 bits chosen by the host, which must not use one twice. -/
abbrev SessionId := Nat

/-- The last tick of all. -/
def tickMax : Tick := 2 ^ 64 - 1

/-- So many milliseconds later, and never later than the last tick. -/
def Tick.after (now : Tick) (span : Nat) : Tick := min (now + span) tickMax

end Antiphon.Machine
