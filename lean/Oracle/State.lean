import Antiphon.Machine.State
import Oracle.Answer
import Oracle.Sha256

/-!
A session's protocol state as JSON: everything that its digest covers, by name. The digest itself is
not made of it here, nor is the chain of its journal.

Rust twin: `src/wire/state.rs` and `src/wire/requests.rs`. Clause: DOOR-5.
-/

namespace Oracle
open Lean (Json)
open Antiphon Antiphon.Machine

/-- The digests of values that were seen before: each is made once. -/
abbrev Digests := Std.HashMap ByteArray String

/-- The values that a session remembers. -/
def rememberedValues (s : Session) : List Value :=
  (s.remembered.getD []).flatMap fun ring => ring.sends.map (·.value)

/-- The same with the digests of these values. -/
def Digests.learn (known : Digests) (values : List Value) : Digests :=
  values.foldl (fun known value =>
    let bytes := encode value
    if known.contains bytes then known else known.insert bytes (sha256 bytes)) known

def writePerformed (k : Known) (digests : Digests) (performed : Performed) : Json :=
  let p := k.protocol
  obj [("at", num performed.at), ("to", roleName k (p.edges.getD performed.edge default).to),
    ("label", labelName k (p.message performed.message).label),
    ("sort", messageShown k performed.message),
    ("digest", str ((digests.get? (encode performed.value)).getD ""))]

def rememberedFields (k : Known) (digests : Digests) (s : Session) (role : Nat) :
    List (String × Json) :=
  match s.remembered.bind (·[role]?) with
  | none => []
  | some ring =>
    match ring.from with
    | none => []
    | some first =>
      [("remembered", obj [("from", num first),
        ("sends", arr (ring.sends.map (writePerformed k digests)))])]

def writeHeld (held : Held) : Json :=
  obj [("owner", str held.owner), ("generation", num held.generation),
    ("scope", writeScope held.scope), ("released", .bool held.released)]

/-- Who owns what; what is left of nothing is not told. -/
def heldOf (s : Session) : List Held := s.holdings.filter fun held => !held.scope.isEmpty

def writeRole (k : Known) (digests : Digests) (s : Session) (role : Nat) (endpoint : Endpoint) :
    Json :=
  let automaton := k.protocol.automaton role
  let direction := (automaton.direction endpoint.state).getD .receive
  let legal := (automaton.moves endpoint.state).map (writeMove k direction)
  obj ([("role", roleName k role), ("state", num endpoint.state),
    ("position", num endpoint.position), ("legal", arr legal)]
    ++ whenSome "attached" writeEpoch (s.attached role) ++ rememberedFields k digests s role)

def handlerField (s : Session) (edge : Nat) : List (String × Json) :=
  whenSome "handler" str ((s.handlers.map (·.bound.getD edge none)).join)

def writeQueued (k : Known) (lossy : Bool) (queued : Queued) : Json :=
  let seq := if lossy then [("seq", num queued.seq)] else []
  obj ([("label", labelName k (k.protocol.message queued.message).label),
    ("sort", messageShown k queued.message),
    ("value", writeValue (messageSort k queued.message) queued.value)] ++ seq)

def writeBuffer (k : Known) (s : Session) (edge : Edge) (index : Nat) (b : Buffer) : Json :=
  let policed :=
    if b.policy = .block then []
    else [("policy", writePolicy b.policy), ("capacity_start", num b.capacityStart),
      ("dropped", num b.dropped),
      ("dropped_before", num (if b.policy.isLossy then b.droppedBefore else 0))]
  obj ([("edge", writeEdge k edge), ("sent", num b.sent), ("consumed", num b.consumed),
    ("capacity", num b.capacity), ("messages", arr (b.queue.map (writeQueued k b.policy.isLossy)))]
    ++ policed ++ handlerField s index)

/-- What live authority came from, and the numbers that the next ones get. -/
def requestsField (k : Known) (s : Session) : List (String × Json) :=
  if s.spread.isNone && s.outstanding.isNone then [] else
  let moved := match s.spread with
    | none => []
    | some spread => [("generation", num spread.last), ("receipt", num spread.receipts)]
  let counted := match s.outstanding with
    | none => []
    | some all => [("witness", num all.witnesses), ("timer", num all.timers)]
  let made := fun (origin : Origin) => obj (requestFields k origin)
  let holdings := ((s.spread.map (·.holdings)).getD []).map fun held =>
    obj ([("generation", num held.generation), ("issued", writeScope held.issued)]
      ++ requestFields k held.origin)
  let outstanding := s.outstandingOrNew
  [("requests", obj ([("next", obj (moved ++ counted))] ++ whenAny "holdings" holdings
    ++ whenAny "staged" (s.staged.map fun staged => made staged.origin)
    ++ whenAny "readiness" (outstanding.readiness.map fun ready => made ready.origin)
    ++ whenAny "timers" (outstanding.armed.map fun watch => made watch.origin)))]

def writeSerials (serials : Serials) : Json :=
  obj [("generation", num serials.generation), ("issued", num serials.issued),
    ("confirmed", num serials.confirmed)]

/-- What was attached to it, live or not. -/
def writeAttachments (k : Known) (all : Attachments) : Json :=
  let entries := all.entries.map fun entry =>
    obj [("role", roleName k entry.role), ("epoch", writeEpoch entry.epoch),
      ("generation", num entry.generation)]
  obj [("fencing", num all.fencing), ("counter", num all.counter), ("entries", arr entries)]

/-- Who has the lifecycle, or had it last. -/
def lifecycleFields (s : Session) : List (String × Json) :=
  match s.holdings.find? (·.scope.covers Scope.lifecycle) with
  | none => []
  | some held =>
    [("owner", str held.owner), ("generation", num held.generation),
      ("scope", writeScope held.scope)]

def writeState (k : Known) (digests : Digests) (s : Session) : Json :=
  let held := heldOf s
  let holdings :=
    if held.length > 1 || held.any (·.released) then [("holdings", arr (held.map writeHeld))]
    else []
  let outstanding := s.outstandingOrNew
  let roles := s.endpoints.zipIdx.map fun (endpoint, role) => writeRole k digests s role endpoint
  let edges := (k.protocol.edges.zip s.edges).zipIdx.map fun ((edge, buffer), index) =>
    writeBuffer k s edge index buffer
  obj (statusFields s.status ++ [("session", writeSession s.id), ("protocol", str s.protocol),
    ("tick", num s.tick), ("checked", .bool s.checked)] ++ lifecycleFields s ++ holdings
    ++ whenAny "staged" (s.staged.map fun staged => writeReceipt staged.receipt)
    ++ whenAny "serials" (((s.spread.map (·.serials)).getD []).map writeSerials)
    ++ (if s.onLost = .cancel then [] else [("on_lost", str (onLostWord s.onLost))])
    ++ whenAny "readiness" (outstanding.readiness.map fun ready => writeReadiness k ready.witness)
    ++ whenAny "timeouts" (outstanding.timeouts.map fun late => writeTimeout k late.witness)
    ++ whenAny "timers" (outstanding.armed.map fun watch => writeArmed k watch.timer)
    ++ requestsField k s ++ whenSome "attachments" (writeAttachments k) s.attachments
    ++ [("roles", arr roles), ("edges", arr edges)]
    ++ whenSome "deadline" num s.deadline
    ++ whenSome "handler" str (s.handlers.bind (·.default)) ++ whenSome "records" num s.records)

/-- What is left of a session that was reaped. -/
def writeClosed (k : Known) (digests : Digests) (s : Session) : Json :=
  let roles := s.endpoints.zipIdx.map fun (endpoint, role) =>
    obj ([("role", roleName k role), ("position", num endpoint.position)]
      ++ rememberedFields k digests s role)
  let edges := (k.protocol.edges.zip s.edges).zipIdx.map fun ((edge, b), index) =>
    let dropped := if b.dropped > 0 then [("dropped", num b.dropped)] else []
    obj ([("edge", writeEdge k edge), ("sent", num b.sent), ("consumed", num b.consumed)]
      ++ dropped ++ handlerField s index)
  obj (statusFields s.status ++ [("session", writeSession s.id), ("protocol", str s.protocol),
    ("tick", num s.tick), ("checked", .bool s.checked),
    ("holdings", arr ((heldOf s).map writeHeld)), ("roles", arr roles), ("edges", arr edges)]
    ++ whenSome "handler" str (s.handlers.bind (·.default)) ++ whenSome "records" num s.records)

end Oracle
