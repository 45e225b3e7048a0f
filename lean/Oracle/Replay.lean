import Antiphon.Machine.Replay
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
  | "attached" => return .attached (← field said "epoch" >>= readEpoch)
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
    | ("recovered", said) =>
      pure (.recovered (← natBelow (2 ^ 32) (← field said "fencing")))
    | ("open", said) => pure (.input (.open (← readOpen (some p) session p.digest true said)))
    | ("commit", said) => pure (.input (.commit (← readCommit session said)))
    | ("reclaim", said) => pure (.input (.reclaim (← readReclaim session said)))
    | _ =>
      let by_ ← readBy session (← field json "by")
      pure (.input (.act by_ (← readAct (some p) session value event)))
  return { index := ← natField json "index", tick := ← natField json "tick", event, outcome }

/-- Why a record does not agree. -/
def because (p : Protocol) : ReplayError → String
  | .outOfOrder expected found => s!"record {found} stands where record {expected} belongs"
  | .timeRunsBack _ tick => s!"it is at tick {tick}, before the record in front of it"
  | .otherSession _ => "it belongs to another session"
  | .refused _ refusal => s!"it is refused: {(refusalFields ⟨p, #[]⟩ refusal).1}"
  | .otherOutcome .. => "the model comes to something else"
  | .timer _ => "a timer that ran out is missing, or one ran out that was not armed"

/-- The session behind one more record, if it comes to that. A journal that a machine has written holds
the very record that the model tells: that is asked too. -/
def replayRecord (p : Protocol) (id : SessionId) (session : Option Session) (record : Record) :
    Read Session := do
  match Session.retold p id session record with
  | .error why => .error (because p why)
  | .ok (after, outputs) =>
    if recorded outputs ≠ [record] then .error "the model comes to something else" else
    match Session.agrees record after outputs with
    | .error why => .error (because p why)
    | .ok after => return after

/-- The session behind these records, or the first of them that does not agree. -/
def replayAll (k : Known) (id : SessionId) (session : Option Session) (next : Nat) :
    List Json → Except (Nat × String) (Option Session)
  | [] => .ok session
  | json :: rest =>
    match readRecord k id json >>= replayRecord k.protocol id session with
    | .ok session => replayAll k id (some session) (next + 1) rest
    | .error why => .error (next, why)

end Oracle
