import Antiphon.Machine.Id

/-!
Timers: deadlines of sessions, in order of (deadline, session, timer). A machine has no table of
them here: what is armed is what its sessions say.

Rust twin: `src/machine/timer.rs`. Clauses: MACH-6, TIMER-5.
-/

namespace Antiphon.Machine

/-- A timer of a session; in the order in which they run out at the same tick. -/
inductive Timer
  /-- The end of a drain. -/
  | drain
  /-- The end of a transfer that was not committed. -/
  | transfer (receipt : ReceiptId)
  /-- One that somebody armed. -/
  | site (timer : TimerId)
  /-- The end of a timeout witness that was not spent. -/
  | witness (witness : WitnessId)
deriving Repr, DecidableEq

/-- Its kind and its number in its session. -/
def Timer.key : Timer → Nat × Nat
  | .drain => (0, 0)
  | .transfer id => (1, id)
  | .site id => (2, id)
  | .witness id => (3, id)

/-- Whether the first runs out before the second, or is it. -/
def Timer.before (a b : Timer) : Bool :=
  decide (a.key.1 < b.key.1) || (a.key.1 == b.key.1 && decide (a.key.2 ≤ b.key.2))

/-- When a timer runs out. -/
abbrev Due := Tick × Timer

def Due.before (a b : Due) : Bool :=
  decide (a.1 < b.1) || (a.1 == b.1 && a.2.before b.2)

/-- The one of them that runs out first. -/
def Due.first : List Due → Option Due
  | [] => none
  | due :: rest =>
    match first rest with
    | none => some due
    | some other => if due.before other then some due else some other

end Antiphon.Machine
