import Antiphon.Machine.Edge
import Antiphon.Machine.Ownership
import Antiphon.Machine.Refusal
import Antiphon.Machine.Remember
import Antiphon.Machine.Witness

/-!
One session: all of its protocol state, and how it is looked at.

What is done to a session is a function of its protocol, the time and itself: it comes to a refusal,
or to the session behind it with the answer and what is told (`Came`). So nothing that is done to one
session can touch another.

* roles: `Session.send`, `Session.receive`, `Session.acknowledge` (`Machine/Action.lean`)
* the lifecycle: `Session.bind`, `Session.drain`, `Session.finish` (`Machine/Lifecycle.lean`)
* who may act: `Session.change (p : Protocol) (now : Tick) (s : Session) (made : Made) :
  Except Refusal Came` (`Machine/Transfer.lean`), which gives repeats their first answer, and
  `Session.asked (p : Protocol) (s : Session) (made : Made) : Except Refusal Accepted` for a session
  that was reaped (AUTH-9, LIFE-14): the first answer, or the refusal, `terminal` where nothing but
  the end stands in the way
* what follows from each of them: `Session.record`, `Session.say`, `Session.settle`,
  `Session.endWith` (`Machine/Effect.lean`)

Events are told whether somebody looks on or not; the machine leaves them out where nobody does.

Rust twin: `src/machine/session.rs`. Clauses: MACH-1 to MACH-5, MACH-7, LIFE-1 to LIFE-5.
-/

namespace Antiphon.Machine

/-- One role of one session. -/
structure Endpoint where
  /-- The state of its automaton. -/
  state : Nat
  /-- How many actions it has performed. -/
  position : Position
deriving Repr, DecidableEq, Inhabited

/-- Which handler gets the messages of which edge. -/
structure Handlers where
  default : Option String
  /-- By edge. -/
  bound : List (Option String)
deriving Repr, DecidableEq

/-- Who gets the messages of an edge. -/
def Handlers.of (h : Handlers) (edge : Nat) : Option String :=
  (h.bound.getD edge none).or h.default

/-- Whether nothing is bound. -/
def Handlers.isEmpty (h : Handlers) : Bool := h.default.isNone && h.bound.all (·.isNone)

/-- All protocol state of one session: what its journal determines. -/
structure Session where
  id : SessionId
  /-- The digest of its protocol. -/
  protocol : String
  /-- Whether its roles are known to be safe together at its capacities. -/
  checked : Bool
  onLost : OnLost
  status : Status
  /-- When it last changed. -/
  tick : Tick
  /-- By role. -/
  endpoints : List Endpoint
  /-- By edge. -/
  edges : List Buffer
  ownership : Ownership
  /-- What was handed over; `none` as long as nothing was. -/
  spread : Option Spread
  /-- `none` as long as there never was a witness or a timer. -/
  outstanding : Option Outstanding
  /-- When a drain ends. -/
  deadline : Option Tick
  /-- By role; `none` as long as no role has numbered an action. -/
  remembered : Option (List Ring)
  handlers : Option Handlers
  /-- `none` as long as nothing was attached and it was not recovered. -/
  attachments : Option Attachments
  /-- How many records it has, if it keeps a journal. -/
  records : Option Nat
deriving Repr, DecidableEq

/-- What an accepted input came to. -/
structure Came where
  session : Session
  accepted : Accepted
  outputs : List Output
deriving Repr, DecidableEq

namespace Session

/-- LIFE-1: whether it goes on. -/
def goesOn (s : Session) : Except Refusal Unit :=
  if s.status.isTerminal then .error (.terminal s.status) else .ok ()

/-- All holdings; together they are every fragment. -/
def holdings (s : Session) : List Held := s.ownership.holdings s.spread

/-- What is in flight. -/
def staged (s : Session) : List Staged :=
  match s.spread with
  | none => []
  | some spread => spread.staged

/-- Who has handed over nothing has this. -/
def spreadOrNew (s : Session) : Spread :=
  match s.spread with
  | none => Spread.new s.ownership
  | some spread => spread

/-- What is outstanding beside transfers. -/
def outstandingOrNew (s : Session) : Outstanding :=
  match s.outstanding with
  | none => Outstanding.new
  | some outstanding => outstanding

/-- The refusal of a capability that does not cover an operation. -/
def uncovered (by_ : Presented) (needs : Scope) : Uncovered → Refusal
  | .unclaimed => .unclaimed needs
  | .stale live => .staleCapability by_.generation live
  | .scope => .scopeViolation needs by_.scope

/-- Whether the presented capability covers an operation. -/
def authorize (s : Session) (by_ : Presented) (needs : Scope) : Except Refusal Unit :=
  match s.ownership.covers s.spread by_ needs with
  | .ok () => .ok ()
  | .error why => .error (uncovered by_ needs why)

/-- The refusal of what speaks of fragments that a transfer keeps: of the first such transfer. -/
def pendingOf (touches : Staged → Bool) (s : Session) : Except Refusal Unit :=
  match s.staged.find? touches with
  | some staged => .error (.transferPending staged.receipt.id)
  | none => .ok ()

/-- Whether no transfer of the fragments is in flight. -/
def quiet (s : Session) (scope : Scope) : Except Refusal Unit :=
  s.pendingOf fun staged => staged.receipt.scope.touches scope

/-- AUTH-13: whether no transfer that is in flight keeps the fragments from acting. -/
def unfrozen (s : Session) (scope : Scope) : Except Refusal Unit :=
  s.pendingOf fun staged => staged.freeze && staged.receipt.scope.touches scope

/-- What performs no action as long as its transfer is in flight. -/
def frozen (s : Session) : Scope :=
  Scope.unions ((s.staged.filter (·.freeze)).map (·.receipt.scope))

/-- Whether the presented capability covers acting as `role`; the role's endpoint. -/
def acting (s : Session) (by_ : Presented) (role : Nat) : Except Refusal Endpoint :=
  match s.endpoints[role]? with
  | none => .error .unknownRole
  | some endpoint =>
    match s.authorize by_ (Scope.role role) with
    | .error refusal => .error refusal
    | .ok () => .ok endpoint

/-- Everything of it that runs out by itself. -/
def dues (s : Session) : List Due :=
  (s.deadline.map fun at_ => (at_, Timer.drain)).toList ++ s.staged.filterMap Staged.timer
    ++ match s.outstanding with
      | none => []
      | some outstanding => outstanding.dues

/-- The timer of the session that runs out first. -/
def due (s : Session) : Option Due := Due.first s.dues

/-- LIFE-11: whether it has ended, when nothing of it moves any more. -/
def isTerminal (s : Session) : Bool := s.status.isTerminal

/-- It changed now; its own time never goes back. -/
def touch (s : Session) (now : Tick) : Session := { s with tick := max s.tick now }

/-- The buffer of an edge; one that nothing fits into where there is none. -/
def buffer (s : Session) (edge : Nat) : Buffer := s.edges.getD edge (Buffer.new 0)

/-- EDGE-16: how many messages of an edge are kept whatever is sent: a handler or a client may have the
head. -/
def kept (s : Session) : Nat := if s.handlers.isSome || s.attachments.isSome then 1 else 0

end Session

end Antiphon.Machine
