import Oracle.Replay
import Oracle.State

/-!
The door of the oracle: lines of JSON, as the door of the Rust machine has them, told to the model.

The model hands records out one by one and holds nothing back. Here they are put together to batches
when the door is told to seal, and outputs wait until the records in front of them are durable, as
law 4 has it: so that the answers are those of the Rust, output by output.

Rust twin: `src/wire/door.rs`, with what `src/machine/log.rs` gates. Clauses: DOOR-2, DOOR-7, DOOR-8,
JRNL-5.
-/

namespace Oracle
open Lean (Json)
open Antiphon Antiphon.Machine

/-- What a session with a journal has not handed out yet. -/
structure Held where
  session : SessionId
  /-- The records since the last batch, the last one in front. -/
  batch : List Record
  /-- Outputs with the number of records that must be durable before they leave, the last one in
  front. -/
  gated : List (Nat × Output)

/-- A machine behind its door. -/
structure Door where
  machine : State
  /-- Of each registered protocol, by its digest. -/
  known : List (String × Known)
  digests : Digests
  held : List Held
  /-- Sessions with an open batch, the last one in front. -/
  touched : List SessionId

/-- What is sealed, or handed out. -/
inductive Said
  | persist (session : SessionId) (first : Nat) (records : List Record)
  | output (output : Output)

/-- What a line comes to. -/
inductive Verdict
  | ok (json : Json)
  | refused (k : Known) (refusal : Refusal)
  | error (code message : String) (data : List (String × Json))

namespace Door

def new (observed : Bool) (archiveMost : Option Nat) : Door :=
  let machine := State.new observed
  let machine := match archiveMost with
    | none => machine
    | some most => { machine with archiveMost := most }
  { machine, known := [], digests := {}, held := [], touched := [] }

def nothing : Known := ⟨default, #[]⟩

def knownOf (d : Door) (digest : String) : Option Known :=
  (d.known.find? (·.1 == digest)).map (·.2)

/-- The session of this id, there or in the archive. -/
def sessionOf (d : Door) (id : SessionId) : Option Session :=
  ((d.machine.find id).map (·.session)).or (d.machine.archived id)

/-- What the session of this id runs or ran. -/
def protocolOf (d : Door) (id : SessionId) : Option Known :=
  (d.sessionOf id).bind fun session => d.knownOf session.protocol

def heldOf (d : Door) (id : SessionId) : Held :=
  (d.held.find? (·.session == id)).getD ⟨id, [], []⟩

def putHeld (d : Door) (held : Held) : Door :=
  { d with held := held :: d.held.filter (·.session != held.session) }

/-- How many records of a session are durable; `none` if it keeps no journal. -/
def durableOf (d : Door) (id : SessionId) : Option Nat :=
  (d.machine.find id).bind fun live => live.session.records.map fun _ => live.durable

/-- Takes what the model says; what may leave of it now. `counts` are the records of each session so
far. -/
def take (d : Door) (counts : List (SessionId × Nat)) : List Output → Door × List Said
  | [] => (d, [])
  | output :: rest =>
    let id := outputSession output
    let held := d.heldOf id
    match output with
    | .record _ record =>
      let touched := if held.batch.isEmpty then id :: d.touched else d.touched
      let d := { d with touched }.putHeld { held with batch := record :: held.batch }
      take d ((id, record.index + 1) :: counts) rest
    | output =>
      -- How many records there were when this was said: the last one that was taken counts.
      let records := ((counts.find? (·.1 == id)).map (·.2)).getD 0
      match d.durableOf id with
      | some durable =>
        if durable = records then
          let (d, said) := take d counts rest
          (d, .output output :: said)
        else take (d.putHeld { held with gated := (records, output) :: held.gated }) counts rest
      | none =>
        let (d, said) := take d counts rest
        (d, .output output :: said)

/-- How many records each session has. -/
def counts (d : Door) : List (SessionId × Nat) :=
  d.machine.sessions.map fun live => (live.session.id, live.records)

/-- Hands out what waited for records that are durable now. -/
def release (d : Door) (id : SessionId) : Door × List Said :=
  match d.durableOf id with
  | none => (d, [])
  | some durable =>
    let held := d.heldOf id
    let gated := held.gated.reverse
    let free := gated.takeWhile fun (needs, _) => needs ≤ durable
    (d.putHeld { held with gated := (gated.drop free.length).reverse },
      free.map fun (_, output) => .output output)

/-- The value of a send: of the sort of the message that the send would be. A value of another sort is
for the machine to refuse: something that does not conform stands in for it, and what was wrong is
told. -/
def readSent (d : Door) (id : SessionId) : ReadSent := fun role to label at_ json =>
  match d.sessionOf id, d.protocolOf id with
  | some session, some k =>
    match session.meant k.protocol role to label at_ with
    | none => .ok .unit
    | some message =>
      match readValue (messageSort k message) json with
      | .ok value => .ok value
      | .error _ =>
        match (messageSort k message).conform .unit with
        | .ok _ => .ok (.bool false)
        | .error _ => .ok .unit
  | _, _ => .ok .unit

/-- What is wrong with the value of a send, if anything is. -/
def misfit (d : Door) (id : SessionId) (send : Send) (json : Json) : Option WrongSort := do
  let session ← d.sessionOf id
  let k ← d.protocolOf id
  let message ← session.meant k.protocol send.role send.to send.label send.at
  match readValue (messageSort k message) json with
  | .ok _ => none
  | .error error => some error

/-- An input, and what was wrong with the value that it carries. -/
def readInput (d : Door) (json : Json) : Read (Input × Option WrongSort) := do
  let (word, said) ← tagged json
  let session := field said "session" >>= readSession
  match word with
  | "open" =>
    let digest ← textField said "protocol"
    let p := (d.knownOf digest).map (·.protocol)
    return (.open (← readOpen p (← session) digest (← flag said "journal") said), none)
  | "act" =>
    let id ← session
    let p := (d.protocolOf id).map (·.protocol)
    let event ← field said "event"
    let act ← readAct p id (d.readSent id) event
    let wrong :=
      match act with
      | .send send =>
        match field event "send" >>= (field · "value") with
        | .ok value => d.misfit id send value
        | .error _ => none
      | _ => none
    let by_ ← field said "by"
    let presented ← readBy id by_
    match ← optional by_ "over" readEpoch with
    | none => return (.act presented act, wrong)
    | some epoch => return (.over epoch presented act, wrong)
  | "commit" => return (.commit (← readCommit (← session) (← field said "commit")), none)
  | "persisted" => return (.persisted (← session) (← natField said "upto"), none)
  | "tick" => return (.tick, none)
  | "reclaim" => return (.reclaim (← readReclaim (← session) (← field said "reclaim")), none)
  | "reap" => return (.reap (← session), none)
  | "recovered" =>
    return (.recovered (← session) (← natBelow (2 ^ 32) (← field said "fencing")), none)
  | word => .error s!"there is no input `{word}`"

/-- The protocol that an answer to an input speaks of. -/
def speaksOf (d : Door) (input : Input) : Known :=
  let opened :=
    match input with
    | .open o => (d.protocolOf o.session).or (d.knownOf o.protocol)
    | input => input.session.bind d.protocolOf
  opened.getD nothing

/-- Tells the machine. -/
def handle (d : Door) (now : Tick) (input : Input) (wrong : Option WrongSort) :
    Door × List Said × Verdict :=
  let before := d.counts
  -- An output of a session that is reaped with this input is written while it is there.
  let k := d.speaksOf input
  let (machine, answer, outputs) := d.machine.step now input
  let (d, said) := { d with machine }.take before outputs
  match answer with
  | .ok accepted =>
    let (d, released) :=
      match input with
      | .persisted id _ => d.release id
      | _ => (d, [])
    (d, said ++ released, .ok (writeAccepted k accepted))
  | .error refusal =>
    let refusal :=
      match refusal, wrong with
      | .wrongSort label _, some error => .wrongSort label error
      | refusal, _ => refusal
    (d, said, .refused k refusal)

/-- Ends the batch of each session. -/
def sealAll (d : Door) : Door × List Said :=
  let batch := fun id =>
    let records := (d.heldOf id).batch.reverse
    Said.persist id ((records.head?.map (·.index)).getD 0) records
  let said := d.touched.reverse.map batch
  ({ d with
    machine := d.machine.«seal», touched := []
    held := d.held.map fun held => { held with batch := [] } }, said)

/-- An output of a session, which a line may also have reaped: `before` still has it. -/
def writeSaid (d before : Door) : Said → Json
  | .persist id first records =>
    let k := (d.protocolOf id).getD nothing
    obj [("persist", obj [("session", writeSession id), ("first", num first),
      ("records", arr (records.map (writeRecord k)))])]
  | .output output =>
    let id := outputSession output
    let k := ((d.protocolOf id).or (before.protocolOf id)).getD nothing
    match output with
    | .record _ record => writeRecord k record
    | .deliver deliver => obj [("deliver", writeDeliver k deliver)]
    | .event event => obj [("event", writeEvent k event)]

def register (d : Door) (json : Json) : Read (Door × Json) := do
  let k ← readCompiled json
  let machine := d.machine.register k.protocol
  -- The names of what is registered already are the same.
  let known := (k.protocol.digest, k) :: d.known.filter (·.1 != k.protocol.digest)
  return ({ d with machine, known }, obj [("registered", obj [
    ("protocol", str k.protocol.digest), ("name", str k.protocol.name),
    ("roles", arr (k.protocol.roles.map str)),
    ("safe_at", str (evidenceText k.protocol.evidence))])])

/-- A session as it stands, or what is left of it. -/
def state (d : Door) (id : SessionId) : Door × Verdict :=
  match d.sessionOf id, d.protocolOf id with
  | some session, some k =>
    let d := { d with digests := d.digests.learn (rememberedValues session) }
    let json :=
      if (d.machine.find id).isSome then obj [("state", writeState k d.digests session)]
      else obj [("closed", writeClosed k d.digests session)]
    (d, .ok json)
  | _, _ => (d, .refused nothing (.unknownSession id))

def sessions (d : Door) : Json :=
  let ids := (d.machine.sessions.map (·.session.id)).mergeSort (· ≤ ·)
  obj ([("sessions", arr (ids.map writeSession))] ++ whenSome "timeout" num d.machine.timeout)

/-- Puts a session that was replayed into its place: all of its records are durable. -/
def putReplayed (d : Door) (session : Session) : Door :=
  let records := session.records.getD 0
  let live : Live := ⟨session, [], records, records⟩
  let machine := d.machine
  let machine :=
    if (machine.find session.id).isSome then machine.put live
    else { machine with sessions := machine.sessions ++ [live] }
  { d with machine := { machine with now := max machine.now session.tick } }

/-- DOOR-8, JRNL-29: records of a session, told to it in order. -/
def replay (d : Door) (said : Json) (resuming : Bool) : Read (Door × Verdict) := do
  let id ← field said "session" >>= readSession
  let digest ← textField said "protocol"
  let records ← field said "records" >>= items
  let some k := d.knownOf digest | return (d, .refused nothing (.unknownProtocol digest))
  let known := d.sessionOf id
  if resuming && known.isSome then return (d, .refused k (.sessionExists id))
  match replayAll k id known ((known.bind (·.records)).getD 0) records with
  | .error (record, why) =>
    return (d, .error "replay" s!"record {record}: {why}" [("record", num record)])
  | .ok none => return (d, .error "replay" "there are no records" [("record", num 0)])
  | .ok (some session) =>
    let d := d.putReplayed session
    let word := if resuming then "resumed" else "replayed"
    let count := if resuming then records.length else session.records.getD 0
    let ended := if resuming && session.status.isTerminal then [id] else []
    let d := { d with machine := { d.machine with ended := d.machine.ended ++ ended } }
    return (d, .ok (obj [(word, obj [("session", writeSession id), ("records", num count)])]))

/-- As if the process had ended and begun anew: what has a journal is there as it was, all of it
durable, and nothing is on its way. -/
def restart (d : Door) : Door :=
  let machine := d.machine
  let kept := machine.sessions.filter (·.session.records.isSome)
  let sessions := kept.map fun live =>
    { live with delivered := [], «sealed» := live.records, durable := live.records }
  let ended := (sessions.filter (·.session.status.isTerminal)).map (·.session.id)
  { d with
    machine := { machine with
      sessions, archive := machine.archive.filter (·.records.isSome)
      ended := ended.mergeSort (· ≤ ·) }
    held := [], touched := [] }

/-- What a command comes to. -/
partial def perform (d : Door) (json : Json) : Read (Door × List Said × Verdict) := do
  if (field? json "input").isSome then
    let now ← natField json "at"
    let (input, wrong) ← d.readInput (← field json "input")
    return d.handle now input wrong
  match ← tagged json with
  | ("begin", said) =>
    -- A machine of its own, as for whoever starts another door.
    let most ← optional said "archive" nat
    return (Door.new (← flag said "observed") most, [], .ok (obj [("begun", obj [])]))
  | ("compiled", said) =>
    match d.register said with
    | .ok (d, ok) => return (d, [], .ok ok)
    | .error why => return (d, [], .error "protocol" why [])
  | ("seal", _) =>
    let (d, said) := d.sealAll
    return (d, said, .ok (obj [("sealed", obj [])]))
  | ("state", id) =>
    let (d, verdict) := d.state (← readSession id)
    return (d, [], verdict)
  | ("replay", said) =>
    let (d, verdict) ← d.replay said false
    return (d, [], verdict)
  | ("resume", said) =>
    let (d, verdict) ← d.replay said true
    return (d, [], verdict)
  | ("restart", _) => return (d.restart, [], .ok (obj [("restarted", obj [])]))
  | ("all", commands) =>
    let mut after := d
    for command in ← items commands do
      match ← after.perform command with
      | (next, _, .ok _) => after := next
      | (_, _, .refused k refusal) => .error (writeRefusal k refusal).compress
      | (_, _, .error _ message _) => .error message
    return (after, [], .ok (obj [("restarted", obj [])]))
  | ("sessions", _) => return (d, [], .ok d.sessions)
  | ("reap", most) =>
    let (machine, reaped) := d.machine.reapTerminal (← nat most)
    return ({ d with machine }, [], .ok (obj [("reaped", num reaped)]))
  | (word, _) => .error s!"there is no command `{word}`"

def writeVerdict : Verdict → String × Json
  | .ok json => ("ok", json)
  | .refused k refusal => ("refused", writeRefusal k refusal)
  | .error code message data =>
    ("error", obj ([("code", str code), ("message", str message)] ++ data))

/-- The answer to a command. -/
def tell (d : Door) (json : Json) : Door × Json :=
  match d.perform json with
  | .error why => (d, obj [writeVerdict (.error "not_a_command" why [])])
  | .ok (after, said, verdict) =>
    let outputs := said.map (after.writeSaid d)
    (after, obj (writeVerdict verdict :: whenAny "outputs" outputs))

/-- DOOR-1: the one answer to a line. -/
def answer (d : Door) (line : String) : Door × Json :=
  match Json.parse line with
  | .error why => (d, obj [writeVerdict (.error "not_json" why [])])
  | .ok json => d.tell json

end Door

end Oracle
