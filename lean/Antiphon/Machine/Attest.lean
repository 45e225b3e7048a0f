import Antiphon.Machine.Predicate
import Antiphon.Machine.Site

/-!
What is done with witnesses and timers: issue and consume, arm and disarm. Each is two halves:
`checkAttest` finds what is to be changed and changes nothing, `attest` cannot fail.

Rust twin: `src/machine/attest.rs`. Clauses: WITN-1 to WITN-7, TIMER-1 to TIMER-4.
-/

namespace Antiphon.Machine

/-- What is to be done, with nothing left to check. -/
inductive Attest
  | issue (by_ : Presented) (predicate : Predicate) (scope : Scope)
  | consume (witness : WitnessId)
  | arm (by_ : Presented) (site : Site) (scope : Scope) (after : Nat) (valid : Option Nat)
  | disarm (timer : TimerId)
deriving Repr, DecidableEq

namespace Outstanding

/-- WITN-1: with one more readiness witness. -/
def issue (o : Outstanding) (witness : Readiness) (origin : Origin) : Outstanding :=
  { o with
    readiness := o.readiness ++ [⟨witness, origin⟩]
    witnesses := o.witnesses + 1 }

/-- TIMER-1: with one more timer. -/
def arm (o : Outstanding) (timer : Armed) (origin : Origin) : Outstanding :=
  { o with
    armed := o.armed ++ [⟨timer, origin⟩]
    timers := o.timers + 1 }

end Outstanding

namespace Session

/-- Spends a witness. -/
def spend (s : Session) (witness : WitnessId) : Session :=
  { s with outstanding := s.outstanding.map (·.spend witness) }

/-- WITN-7: what is bound to fragments that move is dead. -/
def invalidate (s : Session) (moved : Scope) : Session :=
  { s with outstanding := s.outstanding.map (·.take moved) }

def attest (s : Session) (made : Made) : Attest → Session × Accepted × Outcome
  | .issue by_ predicate scope =>
    let all := s.outstandingOrNew
    let witness : Readiness :=
      ⟨s.id, all.witnesses, by_.owner, by_.generation, scope, predicate⟩
    ({ s with outstanding := some (all.issue witness made) }, .witness witness, .witness witness.id)
  | .consume witness =>
    ({ s with outstanding := some (s.outstandingOrNew.spend witness) }, .done, .done)
  | .arm by_ site scope after valid =>
    let all := s.outstandingOrNew
    let timer : Armed :=
      ⟨all.timers, site, by_.owner, by_.generation, scope, Tick.after s.tick after, valid⟩
    ({ s with outstanding := some (all.arm timer made) }, .timer timer.id, .timer timer.id)
  | .disarm timer =>
    ({ s with outstanding := some (s.outstandingOrNew.disarm timer) }, .done, .done)

/-- AUTH-16: whether one more may be outstanding. -/
def mayIssue (s : Session) : Except Refusal Unit :=
  if s.staged.length + s.outstandingOrNew.len < outstandingMax then .ok ()
  else .error .tooManyOutstanding

/-- WITN-3, WITN-4: why a witness that is not as it was issued is none. -/
def isIssued (s : Session) (witness : WitnessId) (issued : Bool) : Except Refusal Unit :=
  let all := s.outstandingOrNew
  if issued then .ok ()
  else if decide (witness < all.witnesses) && !all.isOutstanding witness then
    .error (.witnessSpent witness)
  else .error (.invalidWitness witness)

/-- WITN-4: whether the readiness witness is outstanding, field by field. -/
def isReady (s : Session) (witness : Readiness) : Except Refusal Unit :=
  s.isIssued witness.id (s.outstandingOrNew.readiness.any (·.witness == witness))

/-- TIMER-3: whether the timeout witness is outstanding, field by field. Whose `until` has come is
not: its own timer has run out before the input was looked at. -/
def isTimedOut (s : Session) (witness : TimeoutWitness) : Except Refusal Unit :=
  s.isIssued witness.id (s.outstandingOrNew.timeouts.any (·.witness == witness))

/-- The timer, as long as it is armed. -/
def armed (s : Session) (timer : TimerId) : Option Armed :=
  (s.outstandingOrNew.armed.find? (·.timer.id == timer)).map (·.timer)

/-- TIMER-4: whether the capability may take the timer back: that of who armed it, or the lifecycle;
for one that is not armed, any that is live. -/
def mayDisarm (s : Session) (by_ : Presented) (timer : TimerId) : Except Refusal Unit :=
  let scope := match s.armed timer with
    | some armed => armed.scope
    | none => by_.scope
  match s.authorize by_ scope with
  | .ok () => .ok ()
  | .error refusal => if s.isAuthorized by_ Scope.lifecycle then .ok () else .error refusal

def checkIssue (p : Protocol) (s : Session) (by_ : Presented) (predicate : Predicate) :
    Except Refusal Attest :=
  let scope := predicate.scopeOr by_.scope
  predicate.known p *> s.authorize by_ scope *> s.goesOn *> s.isTrue p predicate *> s.mayIssue
    *> .ok (.issue by_ predicate scope)

def checkConsume (p : Protocol) (s : Session) (by_ : Presented) (witness : Readiness) :
    Except Refusal Attest :=
  s.authorize by_ witness.scope *> s.goesOn *> s.isReady witness *> s.isTrue p witness.predicate
    *> .ok (.consume witness.id)

def checkConsumeTimeout (s : Session) (by_ : Presented) (witness : TimeoutWitness) :
    Except Refusal Attest :=
  s.authorize by_ witness.scope *> s.goesOn *> s.isTimedOut witness *> .ok (.consume witness.id)

def checkArm (p : Protocol) (s : Session) (by_ : Presented) (site : Site) (after : Nat)
    (valid : Option Nat) : Except Refusal Attest :=
  site.known p *>
    match site.covered s by_ with
    | .error refusal => .error refusal
    | .ok scope => s.goesOn *> s.mayIssue *> .ok (.arm by_ site scope after valid)

def checkDisarm (s : Session) (by_ : Presented) (timer : TimerId) : Except Refusal Attest :=
  s.mayDisarm by_ timer *> s.goesOn *>
    match s.armed timer with
    | some _ => .ok (.disarm timer)
    | none => .error (.timerNotArmed timer)

end Session

end Antiphon.Machine
