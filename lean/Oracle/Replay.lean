import Antiphon.Machine
import Oracle.Answer

/-!
Records read from JSON, and replayed by the model: each is told to the session again, which must come
to the same record.

Rust twin: `src/wire/record.rs` and `src/machine/replay.rs`. Clauses: JRNL-3, JRNL-4, JRNL-29.
-/

namespace Oracle
open Lean (Json)
open Antiphon Antiphon.Machine

def readTimer (json : Json) : Read Timer := do
  match ← tagged json with
  | ("drain", _) => return .drain
  | ("transfer", receipt) => return .transfer (← nat receipt)
  | ("site", timer) => return .site (← nat timer)
  | ("witness", witness) => return .witness (← nat witness)
  | (word, _) => .error s!"there is no timer `{word}`"

def readOutcome (p : Protocol) (json : Json) : Read Outcome := do
  let (word, said) ← tagged json
  match word with
  | "opened" => return .opened (← natField said "generation")
  | "sent" =>
    return .sent (← natField said "message") (← natField said "seq") (← natField said "position")
  | "received" =>
    return .received (labelOf (some p) (← textField said "label")) (← natField said "seq")
      (← natField said "position")
  | "acknowledged" => return .acknowledged (← natField said "position")
  | "issued" => return .issued (← natField said "generation")
  | "staged" => return .staged (← natField said "receipt")
  | "done" => return .done
  | "serial" => return .serial (← natField said "serial")
  | "witness" => return .witness (← natField said "witness")
  | "timer" => return .timer (← natField said "timer")
  | word => .error s!"there is no outcome `{word}`"

def readRecord (k : Known) (session : SessionId) (json : Json) : Read Record := do
  let p := k.protocol
  let outcome ← readOutcome p (← field json "outcome")
  let value : ReadSent := fun _ _ _ _ json =>
    match outcome with
    | .sent message _ _ =>
      match readValue (messageSort k message) json with
      | .ok value => .ok value
      | .error error => .error s!"at {error.path} is another value"
    | _ => .error "a send comes to `sent`"
  let event ← field json "event"
  let event ← match ← tagged event with
    | ("expired", said) => pure (.expired (← readTimer (← field said "timer")))
    | ("open", said) => pure (.input (.open (← readOpen (some p) session p.digest true said)))
    | ("commit", said) => pure (.input (.commit (← readCommit session said)))
    | ("reclaim", said) => pure (.input (.reclaim (← readReclaim session said)))
    | _ =>
      let by_ ← readBy session (← field json "by")
      pure (.input (.act by_ (← readAct (some p) session value event)))
  return { index := ← natField json "index", tick := ← natField json "tick", event, outcome }

/-- What a session makes of a recorded input. -/
def told (p : Protocol) (session : Option Session) (tick : Tick) (input : Input) :
    Except Refusal (Session × List Output) :=
  let came := fun (came : Came) => (came.session, came.outputs)
  match input, session with
  | .open o, none => came <$> Session.open p tick o true
  | .act by_ act, some session => came <$> State.actOn p tick session by_ act
  | .commit commit, some session => came <$> session.change p tick (.commit commit)
  | .reclaim reclaim, some session => came <$> session.change p tick (.reclaim reclaim)
  | _, _ => .error (.unknownSession 0)

/-- The session behind one more record, if it comes to that. -/
def replayRecord (p : Protocol) (session : Option Session) (record : Record) : Read Session := do
  let expected := (session.bind (·.records)).getD 0
  if record.index ≠ expected then
    .error s!"record {record.index} stands where record {expected} belongs"
  let since := (session.map (·.tick)).getD 0
  if record.tick < since then
    .error s!"it is at tick {record.tick}, before the record in front of it"
  let due := session.bind (·.due)
  let (after, outputs) ← match record.event, session with
    | .expired timer, some session =>
      match due with
      | some (at_, first) =>
        if first = timer ∧ max at_ since = record.tick then pure (session.expire p at_ timer)
        else .error "this timer does not run out then"
      | none => .error "no timer is armed"
    | .expired _, none => .error "there is no session"
    | .input input, session =>
      if due.any (·.1 ≤ record.tick) then .error "a timer ran out before it" else
      match told p session record.tick input with
      | .ok came => pure came
      | .error refusal => .error s!"it is refused: {(refusalFields ⟨p, #[]⟩ refusal).1}"
  let same := fun (output : Output) =>
    match output with
    | .record _ other => other == record
    | _ => false
  if outputs.any same then return after
  else .error "the model comes to something else"

/-- The session behind these records, or the first of them that does not agree. -/
def replayAll (k : Known) (id : SessionId) (session : Option Session) (next : Nat) :
    List Json → Except (Nat × String) (Option Session)
  | [] => .ok session
  | json :: rest =>
    match readRecord k id json >>= replayRecord k.protocol session with
    | .ok session => replayAll k id (some session) (next + 1) rest
    | .error why => .error (next, why)

end Oracle
