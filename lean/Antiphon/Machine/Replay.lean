import Antiphon.Machine

/-!
A session is a fold over its journal: `state = replay(journal)`. Every record is told to the session
again, which must accept it and come to what the record says.

Rust twin: `src/machine/replay.rs`. Clauses: JRNL-3, JRNL-4.
-/

namespace Antiphon

/-- Whether each edge is there once, and the names in each sort are told apart: what is said of an
edge, or of a field, then has one meaning when it is read again. -/
def Protocol.distinct (p : Protocol) : Bool :=
  decide p.edges.Nodup && p.messages.all (·.sort.distinct)

namespace Machine

/-- Why records are not the journal of a session; each names the record. -/
inductive ReplayError
  /-- A record's index is not the next one. -/
  | outOfOrder (expected found : Nat)
  /-- A record's tick is before the one of the record before it. -/
  | timeRunsBack (index : Nat) (tick : Tick)
  /-- A record is of another session. -/
  | otherSession (index : Nat)
  /-- The machine refuses what the record says it accepted. -/
  | refused (index : Nat) (refusal : Refusal)
  /-- The machine comes to something else; `none` if it changes nothing. -/
  | otherOutcome (index : Nat) (recorded : Outcome) (replayed : Option Outcome)
  /-- A timer ran out that was not due, or one was due and did not run out. -/
  | timer (index : Nat)
deriving Repr, DecidableEq

/-- The record that an output is. -/
def Output.recorded : Output → Option Record
  | .record _ one => some one
  | _ => none

/-- The records among what was told. -/
def recorded (outputs : List Output) : List Record := outputs.filterMap Output.recorded

/-- Whether it is a session that is told of it, and not the host's own machine: only that is in
journals. -/
def Input.isRecorded : Input → Bool
  | .persisted _ _ => false
  | .tick => false
  | .reap _ => false
  | .over _ _ _ => false
  | .recovered _ _ => false
  | _ => true

namespace Session

/-- What a session makes of a recorded input. What a journal says was accepted is not judged again
where that depends on what was known then: whether the roles are safe together. -/
def again (p : Protocol) (s : Option Session) (tick : Tick) (input : Input) :
    Except Refusal Came :=
  match input, s with
  | .«open» o, none =>
    if o.protocol ≠ p.digest then .error (.unknownProtocol o.protocol)
    else Session.open p tick o true
  | .«open» o, some s =>
    if s.isOpenedBy p o then .ok (s.unchanged (.opened s.capability))
    else .error (.sessionExists o.session)
  | .act by_ act, some s => State.actOn p tick s by_ act
  | .commit made, some s => s.change p tick (.commit made)
  | .reclaim made, some s => s.change p tick (.reclaim made)
  | input, _ => .error (.unknownSession (input.session.getD 0))

/-- The session, if it has come to what the record says. -/
def agrees (r : Record) (s : Session) (outputs : List Output) : Except ReplayError Session :=
  match recorded outputs with
  | [one] =>
    if one.outcome = r.outcome then .ok s
    else .error (.otherOutcome r.index r.outcome (some one.outcome))
  | _ => .error (.otherOutcome r.index r.outcome none)

/-- Whether a timer of the session is due at a tick. -/
def isDue (s : Session) (tick : Tick) : Bool :=
  match s.due with
  | none => false
  | some due => decide (due.1 ≤ tick)

/-- A recorded timer runs out again: it must be the first one, and due then. A deadline that had
passed when it was set runs out at the tick where the session is. -/
def expireAgain (p : Protocol) (s : Session) (r : Record) (timer : Timer) :
    Except ReplayError (Session × List Output) :=
  match s.due with
  | none => .error (.timer r.index)
  | some due =>
    if max due.1 s.tick = r.tick ∧ timer = due.2 then .ok (s.expire p due.1 timer)
    else .error (.timer r.index)

/-- A recorded input is told again, when no timer is due before it. -/
def inputAgain (p : Protocol) (id : SessionId) (s : Option Session) (r : Record) (input : Input) :
    Except ReplayError (Session × List Output) :=
  if s.any fun s => s.isDue r.tick then .error (.timer r.index) else
  if input.session ≠ some id ∨ input.isRecorded = false then .error (.otherSession r.index) else
  match again p s r.tick input with
  | .error refusal => .error (.refused r.index refusal)
  | .ok came => .ok (came.session, came.outputs)

/-- The host is back once more, when no timer is due before that. -/
def recoveredAgain (p : Protocol) (s : Session) (r : Record) (fencing : Nat) :
    Except ReplayError (Session × List Output) :=
  if s.isDue r.tick then .error (.timer r.index) else
  match s.recovered p r.tick fencing with
  | .error refusal => .error (.refused r.index refusal)
  | .ok came => .ok (came.session, came.outputs)

/-- How many records led to it. -/
def recordsOf : Option Session → Nat
  | none => 0
  | some s => s.records.getD 0

/-- When the last of them was. -/
def tickOf : Option Session → Tick
  | none => 0
  | some s => s.tick

/-- What a session comes to when it is told one more record, and what it tells then. -/
def retold (p : Protocol) (id : SessionId) (s : Option Session) (r : Record) :
    Except ReplayError (Session × List Output) :=
  if r.index ≠ recordsOf s then .error (.outOfOrder (recordsOf s) r.index) else
  if r.tick < tickOf s then .error (.timeRunsBack r.index r.tick) else
  match r.event with
  | .expired timer =>
    match s with
    | none => .error (.timer r.index)
    | some s => s.expireAgain p r timer
  | .input input => inputAgain p id s r input
  | .recovered fencing =>
    match s with
    | none => .error (.refused r.index (.unknownSession id))
    | some s => s.recoveredAgain p r fencing

/-- The session behind one more record of its journal. -/
def replayRecord (p : Protocol) (id : SessionId) (s : Option Session) (r : Record) :
    Except ReplayError Session :=
  match retold p id s r with
  | .error error => .error error
  | .ok (after, outputs) => agrees r after outputs

/-- The session behind these records. -/
def replayFrom (p : Protocol) (id : SessionId) (s : Option Session) :
    List Record → Except ReplayError (Option Session)
  | [] => .ok s
  | r :: rest =>
    match replayRecord p id s r with
    | .error error => .error error
    | .ok s => replayFrom p id (some s) rest

/-- The session that a journal leads to: none, if there is no record. -/
def replay (p : Protocol) (id : SessionId) (records : List Record) :
    Except ReplayError (Option Session) := replayFrom p id none records

end Session

end Machine

end Antiphon
