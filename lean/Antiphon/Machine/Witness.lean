import Antiphon.Machine.Receipt
import Antiphon.Machine.Timer

/-!
Witnesses and timers: what is outstanding in one session beside its transfers. Only that is
remembered: the journal says what became of the rest.

Rust twin: `src/machine/witness.rs`. Clauses: WITN-3, WITN-4, WITN-7.
-/

namespace Antiphon.Machine

/-- A readiness witness, and what it came from. -/
structure Ready where
  witness : Readiness
  origin : Origin
deriving Repr, DecidableEq

/-- A timer, and what it came from. -/
structure Watch where
  timer : Armed
  origin : Origin
deriving Repr, DecidableEq

/-- A timeout witness, and the timer that ran out. -/
structure Late where
  witness : TimeoutWitness
  timer : TimerId
deriving Repr, DecidableEq

structure Outstanding where
  readiness : List Ready
  timeouts : List Late
  armed : List Watch
  /-- The id of the next witness. -/
  witnesses : WitnessId
  /-- The id of the next timer. -/
  timers : TimerId
deriving Repr, DecidableEq

/-- When a timeout witness is good no more. -/
def TimeoutWitness.timer (w : TimeoutWitness) : Option Due :=
  w.until.map fun at_ => (at_, .witness w.id)

/-- When an armed timer runs out. -/
def Armed.timer (a : Armed) : Due := (a.due, .site a.id)

namespace Outstanding

/-- Nothing yet. -/
def new : Outstanding := ⟨[], [], [], 0, 0⟩

/-- How many there are. -/
def len (o : Outstanding) : Nat := o.readiness.length + o.timeouts.length + o.armed.length

/-- Everything of it that runs out by itself. -/
def dues (o : Outstanding) : List Due :=
  o.armed.map (·.timer.timer) ++ o.timeouts.filterMap (·.witness.timer)

def isOutstanding (o : Outstanding) (witness : WitnessId) : Bool :=
  o.readiness.any (·.witness.id == witness) || o.timeouts.any (·.witness.id == witness)

/-- WITN-3: without a witness. -/
def spend (o : Outstanding) (witness : WitnessId) : Outstanding :=
  { o with
    readiness := o.readiness.filter (·.witness.id != witness)
    timeouts := o.timeouts.filter (·.witness.id != witness) }

/-- Without a timer. -/
def disarm (o : Outstanding) (timer : TimerId) : Outstanding :=
  { o with armed := o.armed.filter (·.timer.id != timer) }

/-- TIMER-2: the timer has run out at `now`; with the witness of that. -/
def timeOut (o : Outstanding) (session : SessionId) (armed : Armed) (now : Tick) :
    Outstanding × TimeoutWitness :=
  let witness : TimeoutWitness :=
    { session, id := o.witnesses, site := armed.site, owner := armed.owner
      generation := armed.generation, scope := armed.scope, issuedAt := now
      «until» := armed.valid.map (Tick.after now) }
  ({ o.disarm armed.id with
    witnesses := o.witnesses + 1
    timeouts := o.timeouts ++ [⟨witness, armed.id⟩] }, witness)

/-- WITN-7: without everything that is bound to one of the fragments. -/
def take (o : Outstanding) (moved : Scope) : Outstanding :=
  { o with
    readiness := o.readiness.filter fun one => !one.witness.scope.touches moved
    timeouts := o.timeouts.filter fun one => !one.witness.scope.touches moved
    armed := o.armed.filter fun one => !one.timer.scope.touches moved }

end Outstanding

end Antiphon.Machine
