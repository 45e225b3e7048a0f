import Antiphon.Machine.Audit
import Antiphon.Machine.Session

/-!
What follows from a change: its record, the end of the session, and what observers are told. What is
delivered to handlers is in `Machine/Handler.lean`.

Rust twin: `src/machine/effect.rs`. Clauses: LIFE-1 to LIFE-4, JRNL-1.
-/

namespace Antiphon.Machine.Session

/-- JRNL-1: one more record, in a session that keeps a journal. -/
def record (s : Session) (event : Recorded) (outcome : Outcome) : Session × List Output :=
  match s.records with
  | none => (s, [])
  | some count =>
    ({ s with records := some (count + 1) }, [.record s.id ⟨count, s.tick, event, outcome⟩])

/-- Tells what has become of who may act. -/
def say (s : Session) (audits : List Audit) : List Output :=
  audits.map fun audit => .event (.authority s.id audit)

/-- The messages on each edge that has some. -/
def undelivered (p : Protocol) (s : Session) : List (Edge × Nat) :=
  ((p.edges.zip s.edges).map fun (edge, buffer) => (edge, buffer.len)).filter fun (_, left) =>
    left > 0

/-- LIFE-3, LIFE-11: the session as it is when it has ended; nothing of it moves from here on. -/
def ended (s : Session) (status : Status) : Session :=
  { s with
    status
    deadline := none
    spread := s.spread.map fun spread => { spread with staged := [] }
    outstanding := s.outstanding.map fun all =>
      { all with readiness := [], timeouts := [], armed := [] } }

/-- Ends the session, and tells which transfers are dropped (AUTH-29) and what was not consumed. -/
def endWith (p : Protocol) (s : Session) (status : Status) : Session × List Output :=
  (s.ended status,
    s.say (s.staged.map fun staged => .dropped staged.receipt.id)
      ++ [.event (.ended s.id status (s.undelivered p))])

/-- The receives that are possible in `state`, when `taken` messages are gone from each edge. -/
def enabled (p : Protocol) (s : Session) (role state : Nat) (taken : Nat → Nat) :
    List Transition :=
  ((p.automaton role).receives state).filter fun move =>
    match (s.buffer move.edge).get (taken move.edge) with
    | some queued => queued.message == move.message
    | none => false

/-- Whether a role has an enabled receive. -/
def canReceive (p : Protocol) (s : Session) (role : Nat) : Bool :=
  match s.endpoints[role]? with
  | none => false
  | some endpoint => !(enabled p s role endpoint.state fun _ => 0).isEmpty

/-- Whether every role has ended. -/
def allEnded (p : Protocol) (s : Session) : Bool :=
  (List.range s.endpoints.length).all fun role =>
    match s.endpoints[role]? with
    | none => true
    | some endpoint => (p.automaton role).isEnd endpoint.state

/-- Whether no message is on an edge. -/
def allConsumed (s : Session) : Bool := s.edges.all fun buffer => buffer.queue.isEmpty

/-- LIFE-2, LIFE-4: whether the session closes by itself now. -/
def isOver (p : Protocol) (s : Session) : Bool :=
  match s.status with
  | .active => s.allEnded p && s.allConsumed
  | .draining => (List.range s.endpoints.length).all fun role => !s.canReceive p role
  | _ => false

/-- LIFE-4: what follows from a change by itself. -/
def settle (p : Protocol) (s : Session) : Session × List Output :=
  if s.isOver p then s.endWith p .closed else (s, [])

/-- The end of an operation: what follows from it stands behind what it told. -/
def came (p : Protocol) (s : Session) (accepted : Accepted) (outputs : List Output) : Came :=
  let (s, more) := s.settle p
  ⟨s, accepted, outputs ++ more⟩

end Antiphon.Machine.Session
