import Antiphon.Machine.Input
import Oracle.Compiled
import Oracle.Payload

/-!
What JSON tells a machine, as an input. Names that the protocol does not have become numbers that it
does not have either: the machine refuses them like any other illegal move.

Rust twin: `src/wire/door/command.rs`, with `event.rs`, `authority.rs`, `witness.rs` and `policy.rs`.
-/

namespace Oracle
open Lean (Json)
open Antiphon Antiphon.Machine

/-- What a name that the protocol does not have is. -/
def unknown : Nat := 65535

def roleOf (p : Option Protocol) (name : String) : Nat := (p.bind (·.role name)).getD unknown
def labelOf (p : Option Protocol) (name : String) : Nat := (p.bind (·.label name)).getD unknown

def readRole (p : Option Protocol) (json : Json) (key : String) : Read Nat :=
  (roleOf p ·) <$> textField json key

def readEdge (p : Option Protocol) (json : Json) : Read Edge := do
  return ⟨← readRole p json "from", ← readRole p json "to"⟩

def readSession (json : Json) : Read SessionId := do
  let said ← text json
  match natOfHex said with
  | some id => if said.length = 32 then return id else .error "a session is 32 digits"
  | none => .error "a session is named by hexadecimal digits"

def readScope (json : Json) : Read Scope := do
  match natOfHex (← text json) with
  | some bits => if bits < 2 ^ 128 then return ⟨bits⟩ else .error "a scope has 128 bits"
  | none => .error "a scope is hexadecimal digits"

def readOwner (json : Json) : Read Owner := do
  let owner ← text json
  if owner.isEmpty || owner.utf8ByteSize > 255 then .error "an owner has 1 to 255 bytes"
  else return owner

def scopeField (json : Json) (key : String) : Read Scope := field json key >>= readScope
def ownerField (json : Json) (key : String) : Read Owner := field json key >>= readOwner

def readBy (session : SessionId) (json : Json) : Read Presented := do
  return {
    session, owner := ← ownerField json "owner"
    generation := ← natField json "generation", scope := ← scopeField json "scope" }

/-- A decimal number below 2^32, without a sign or a zero in front. -/
def epochPart (said : String) : Option Nat := do
  let number ← said.toNat?
  if toString number = said && number < 2 ^ 32 then some number else none

/-- The number of an attachment: `fencing.counter`. -/
def readEpoch (json : Json) : Read Epoch := do
  match (← text json).splitOn "." with
  | [fencing, counter] =>
    match epochPart fencing, epochPart counter with
    | some fencing, some counter =>
      if counter = 0 then .error "attachments are counted from 1" else return ⟨fencing, counter⟩
    | _, _ => .error "an epoch is two decimal numbers of 32 bits"
  | _ => .error "an epoch is two decimal numbers"

def readRecipient (json : Json) : Read Recipient := do
  match ← optional json "to" readOwner with
  | some owner => return .owner owner
  | none => return .bearer

def readReceipt (session : SessionId) (json : Json) : Read Receipt := do
  return {
    session, id := ← natField json "id", «from» := ← ownerField json "from"
    generation := ← natField json "generation", to := ← readRecipient json
    scope := ← scopeField json "scope" }

partial def readTerms (p : Option Protocol) (json : Json) : Read (List Term) := do
  match ← tagged json with
  | ("at_state", at_) => return [.atState (← readRole p at_ "role") (← natField at_ "state")]
  | ("edge_empty", edge) => return [.edgeEmpty (← readEdge p edge)]
  | ("position", at_) => return [.position (← readRole p at_ "role") (← natField at_ "least")]
  | ("attached", name) => return [.attached (roleOf p (← text name))]
  | ("external", name) => return [.external (← text name)]
  | ("all", parts) =>
    let parts ← (← items parts).mapM (readTerms p)
    return .all parts.length :: parts.flatten
  | ("any", parts) =>
    let parts ← (← items parts).mapM (readTerms p)
    return .any parts.length :: parts.flatten
  | ("not", part) => return .not :: (← readTerms p part)
  | (word, _) => .error s!"there is no predicate `{word}`"

def readSite (p : Option Protocol) (json : Json) : Read Site := do
  match ← tagged json with
  | ("endpoint", name) => return .endpoint (roleOf p (← text name))
  | ("edge", edge) => return .edge (← readEdge p edge)
  | ("name", name) => return .name (← text name)
  | (word, _) => .error s!"there is no site `{word}`"

def readReadiness (p : Option Protocol) (session : SessionId) (json : Json) : Read Readiness := do
  return {
    session, id := ← natField json "id", owner := ← ownerField json "owner"
    generation := ← natField json "generation", scope := ← scopeField json "scope"
    predicate := ⟨← readTerms p (← field json "predicate")⟩ }

def readTimeout (p : Option Protocol) (session : SessionId) (json : Json) :
    Read TimeoutWitness := do
  return {
    session, id := ← natField json "id", site := ← readSite p (← field json "site")
    owner := ← ownerField json "owner", generation := ← natField json "generation"
    scope := ← scopeField json "scope", issuedAt := ← natField json "issued_at"
    «until» := ← optional json "until" nat }

def readAuthority (p : Option Protocol) (session : SessionId) (json : Json) : Read Authority := do
  let (word, said) ← tagged json
  let request := natField said "request"
  let receipt := field said "receipt" >>= readReceipt session
  match word with
  | "release" => return .release (← request) (← scopeField said "scope")
  | "attenuate" => return .attenuate (← request) (← scopeField said "scope")
  | "claim" => return .claim (← request) (← ownerField said "owner") (← scopeField said "scope")
  | "stage" =>
    return .stage (← request) (← scopeField said "scope") (← readRecipient said)
      (← optional said "expires" nat) (← flag said "freeze")
  | "rollback" => return .rollback (← receipt)
  | "abandon" => return .abandon (← receipt)
  | "fail_commit" => return .failCommit (← receipt) (← textField said "reason")
  | "owner_died" =>
    let evidence ← match ← tagged (← field said "evidence") with
      | ("lifecycle", _) => pure Death.lifecycle
      | ("timeout", late) => Death.timeout <$> readTimeout p session late
      | (word, _) => .error s!"there is no evidence `{word}`"
    return .ownerDied (← ownerField said "owner") evidence
  | "issue_token" => return .issueToken (← request)
  | "renew" => return .renew (← natField said "serial")
  | "confirm_token" => return .confirmToken (← natField said "serial")
  | "issue_readiness" =>
    return .issueReadiness (← request) ⟨← readTerms p (← field said "predicate")⟩
  | "consume_readiness" =>
    return .consumeReadiness (← readReadiness p session (← field said "witness"))
  | "arm_timer" =>
    return .armTimer (← request) (← readSite p (← field said "site")) (← natField said "after")
      (← optional said "valid" nat)
  | "disarm_timer" => return .disarmTimer (← natField said "timer")
  | "consume_timeout" =>
    return .consumeTimeout (← readTimeout p session (← field said "witness"))
  | _ => .error s!"there is no act of authority `{word}`"

/-- How the value of a send is read, once it is known who sends which label to whom. -/
abbrev ReadSent := (role to label : Nat) → (at_ : Option Position) → Json → Read Value

def readAct (p : Option Protocol) (session : SessionId) (value : ReadSent) (json : Json) :
    Read Act := do
  let (word, said) ← tagged json
  let at_ := optional said "at" nat
  match word with
  | "send" =>
    let (role, to) := (← readRole p said "role", ← readRole p said "to")
    let (label, at_) := (labelOf p (← textField said "label"), ← at_)
    let value ← value role to label at_ (← field said "value")
    return .send { role, to, label, value, «at» := at_ }
  | "receive" =>
    let (role, from_) := (← readRole p said "role", ← readRole p said "from")
    return .receive { role, «from» := from_, «at» := ← at_ }
  | "acknowledge" => return .acknowledge (← readRole p said "role") (← natField said "position")
  | "bind" =>
    let edge ← optional said "edge" (readEdge p)
    let number := fun (edge : Edge) => (p.bind (·.edge edge.from edge.to)).getD unknown
    return .bind (edge.map number) (← optional said "handler" text)
  | "drain" => return .drain (← optional said "deadline" nat)
  | "close" => return .close
  | "cancel" => return .cancel (← textField said "reason")
  | "fault" => return .fault (← textField said "reason")
  | "authority" => return .authority (← readAuthority p session said)
  | "attach" => return .attach (← readRole p said "role")
  | "detach" =>
    return .detach (← readRole p said "role") (← field said "epoch" >>= readEpoch)
  | _ => .error s!"there is no act `{word}`"

def readOnLost (json : Json) : Read OnLost := do
  match ← text json with
  | "cancel" => return .cancel
  | "fault" => return .fault
  | "release" => return .release
  | word => .error s!"there is no `{word}`"

def readPolicy (json : Json) : Read Policy := do
  match ← tagged json with
  | ("block", _) => return .block
  | ("drop_oldest", _) => return .dropOldest
  | ("latest_value", _) => return .latestValue
  | ("resize", said) => return .resize (← natBelow (2 ^ 32) (← field said "max"))
  | (word, _) => .error s!"there is no policy `{word}`"

def readPoliced (p : Option Protocol) (json : Json) : Read (Edge × Policy) := do
  return (← readEdge p (← field json "edge"), ← readPolicy (← field json "policy"))

def readCapacity (p : Option Protocol) (json : Json) : Read (Edge × Nat) := do
  match ← items json with
  | [edge, capacity] => return (← readEdge p edge, ← natBelow (2 ^ 32) capacity)
  | _ => .error "an edge and its capacity belong here"

/-- An `open`, of a session of which the rest is known. -/
def readOpen (p : Option Protocol) (session : SessionId) (protocol : String) (journal : Bool)
    (json : Json) : Read Open := do
  return {
    session, protocol, owner := ← ownerField json "owner"
    capacities := {
      every := ← optional json "capacity" (natBelow (2 ^ 32))
      edges := ← listed json "capacities" (readCapacity p)
      unchecked := ← flag json "unchecked" }
    journal, onLost := (← optional json "on_lost" readOnLost).getD .cancel
    policies := ← listed json "policies" (readPoliced p) }

def readCommit (session : SessionId) (json : Json) : Read Commit := do
  return {
    request := ← natField json "request"
    receipt := ← readReceipt session (← field json "receipt"), owner := ← ownerField json "owner" }

def readReclaim (session : SessionId) (json : Json) : Read Reclaim := do
  return {
    request := ← natField json "request", session, owner := ← ownerField json "owner"
    scope := ← scopeField json "scope" }

end Oracle
