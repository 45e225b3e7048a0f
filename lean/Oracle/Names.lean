import Antiphon.Machine.Record
import Oracle.Input

/-!
Parts of a machine as JSON, with names instead of numbers: capabilities, scopes, receipts, predicates,
witnesses, acts and records.

Rust twin: `src/wire/event.rs`, `authority.rs`, `witness.rs`, `policy.rs` and `record.rs`.
-/

namespace Oracle
open Lean (Json)
open Antiphon Antiphon.Machine

def roleName (k : Known) (role : Nat) : Json := str (k.protocol.roleName role)
def labelName (k : Known) (label : Nat) : Json := str (k.protocol.labelName label)
def writeSession (id : SessionId) : Json := str (hexWide 32 id)
def writeScope (scope : Scope) : Json := str (hexNat scope.bits)

/-- A role or label by its name, if it is one of the protocol. -/
def nameOr (names : List String) (number : Nat) : Json := (names[number]?.map str).getD .null

def writeEdge (k : Known) (edge : Edge) : Json :=
  obj [("from", roleName k edge.from), ("to", roleName k edge.to)]

def writeBy (by_ : Presented) : Json :=
  obj [("owner", str by_.owner), ("generation", num by_.generation), ("scope", writeScope by_.scope)]

def writeRecipient : Recipient → Json
  | .owner owner => str owner
  | .bearer => .null

/-- Whom something is for, where that is somebody. -/
def recipientField : Recipient → List (String × Json)
  | .owner owner => [("to", str owner)]
  | .bearer => []

def writeReceipt (receipt : Receipt) : Json :=
  obj ([("id", num receipt.id), ("from", str receipt.from), ("generation", num receipt.generation),
    ("scope", writeScope receipt.scope)] ++ recipientField receipt.to)

def writePolicy : Policy → Json
  | .block => obj [("block", obj [])]
  | .dropOldest => obj [("drop_oldest", obj [])]
  | .latestValue => obj [("latest_value", obj [])]
  | .resize max => obj [("resize", obj [("max", num max)])]

def leaf (k : Known) : Term → Json
  | .atState role state => obj [("at_state", obj [("role", roleName k role), ("state", num state)])]
  | .edgeEmpty edge => obj [("edge_empty", writeEdge k edge)]
  | .position role least =>
    obj [("position", obj [("role", roleName k role), ("least", num least)])]
  | .attached role => obj [("attached", roleName k role)]
  | .external name => obj [("external", str name)]
  | _ => .null

/-- What each term and its parts come to, from the last term to the first. -/
def foldTerms (of : Term → List α → α) : List Term → List α
  | [] => []
  | term :: rest =>
    let done := foldTerms of rest
    of term (done.take term.parts) :: done.drop term.parts

def writePredicate (k : Known) (predicate : Predicate) : Json :=
  let of := fun term parts =>
    match term with
    | .all _ => obj [("all", arr parts)]
    | .any _ => obj [("any", arr parts)]
    | .not => obj [("not", parts.headD .null)]
    | term => leaf k term
  (foldTerms of predicate.terms).headD .null

/-- The number of an attachment. -/
def writeEpoch (epoch : Epoch) : Json := str s!"{epoch.fencing}.{epoch.counter}"

def writeSite (k : Known) : Site → Json
  | .endpoint role => obj [("endpoint", roleName k role)]
  | .edge edge => obj [("edge", writeEdge k edge)]
  | .name name => obj [("name", str name)]

def writeReadiness (k : Known) (witness : Readiness) : Json :=
  obj [("id", num witness.id), ("owner", str witness.owner),
    ("generation", num witness.generation), ("scope", writeScope witness.scope),
    ("predicate", writePredicate k witness.predicate)]

def writeTimeout (k : Known) (witness : TimeoutWitness) : Json :=
  obj ([("id", num witness.id), ("site", writeSite k witness.site), ("owner", str witness.owner),
    ("generation", num witness.generation), ("scope", writeScope witness.scope),
    ("issued_at", num witness.issuedAt)] ++ whenSome "until" num witness.until)

def writeArmed (k : Known) (timer : Armed) : Json :=
  obj ([("id", num timer.id), ("site", writeSite k timer.site), ("owner", str timer.owner),
    ("generation", num timer.generation), ("scope", writeScope timer.scope), ("due", num timer.due)]
    ++ whenSome "valid" num timer.valid)

def writeAuthority (k : Known) (act : Authority) : Json :=
  let request := fun (n : RequestId) => ("request", num n)
  let (word, said) : String × List (String × Json) :=
    match act with
    | .release n scope => ("release", [request n, ("scope", writeScope scope)])
    | .attenuate n scope => ("attenuate", [request n, ("scope", writeScope scope)])
    | .claim n owner scope =>
      ("claim", [request n, ("owner", str owner), ("scope", writeScope scope)])
    | .stage n scope to expires freeze =>
      ("stage", [request n, ("scope", writeScope scope)] ++ recipientField to
        ++ whenSome "expires" num expires ++ whenTrue "freeze" freeze)
    | .rollback receipt => ("rollback", [("receipt", writeReceipt receipt)])
    | .abandon receipt => ("abandon", [("receipt", writeReceipt receipt)])
    | .failCommit receipt reason =>
      ("fail_commit", [("receipt", writeReceipt receipt), ("reason", str reason)])
    | .ownerDied owner .lifecycle =>
      ("owner_died", [("owner", str owner), ("evidence", str "lifecycle")])
    | .ownerDied owner (.timeout late) =>
      ("owner_died", [("owner", str owner), ("evidence", obj [("timeout", writeTimeout k late)])])
    | .issueToken n => ("issue_token", [request n])
    | .renew serial => ("renew", [("serial", num serial)])
    | .confirmToken serial => ("confirm_token", [("serial", num serial)])
    | .issueReadiness n predicate =>
      ("issue_readiness", [request n, ("predicate", writePredicate k predicate)])
    | .consumeReadiness witness => ("consume_readiness", [("witness", writeReadiness k witness)])
    | .armTimer n site after valid =>
      ("arm_timer", [request n, ("site", writeSite k site), ("after", num after)]
        ++ whenSome "valid" num valid)
    | .disarmTimer timer => ("disarm_timer", [("timer", num timer)])
    | .consumeTimeout witness => ("consume_timeout", [("witness", writeTimeout k witness)])
  obj [(word, obj said)]

def writeCommit (commit : Commit) : Json :=
  obj [("request", num commit.request), ("receipt", writeReceipt commit.receipt),
    ("owner", str commit.owner)]

def writeReclaim (reclaim : Reclaim) : Json :=
  obj [("request", num reclaim.request), ("owner", str reclaim.owner),
    ("scope", writeScope reclaim.scope)]

/-- A request about authority, as a record has it. -/
def requestFields (k : Known) : Made → List (String × Json)
  | .act by_ authority =>
    [("by", writeBy by_), ("event", obj [("authority", writeAuthority k authority)])]
  | .commit commit => [("event", obj [("commit", writeCommit commit)])]
  | .reclaim reclaim => [("event", obj [("reclaim", writeReclaim reclaim)])]

def messageSort (k : Known) (message : Nat) : PayloadSort := (k.protocol.message message).sort
def messageShown (k : Known) (message : Nat) : Json := str (k.shown.getD message "")

/-- A value of a label: labels of several sorts are told apart by which one the value conforms to. -/
def writeLabelled (k : Known) (label : Nat) (value : Value) : Json :=
  let sorts := (k.protocol.messages.filter (·.label == label)).map (·.sort)
  let fits := fun (sort : PayloadSort) =>
    match sort.conform value with
    | .ok same => same == value
    | .error _ => false
  match sorts.find? fits with
  | some sort => writeValue sort value
  | none => .null

def writeAct (k : Known) (act : Act) (outcome : Outcome) : Json :=
  let atField := whenSome "at" num
  let (word, said) : String × Json :=
    match act, outcome with
    | .send send, .sent message _ _ =>
      ("send", obj ([("role", roleName k send.role), ("to", roleName k send.to),
        ("label", labelName k send.label), ("value", writeValue (messageSort k message) send.value)]
        ++ atField send.at))
    | .send _, _ => ("send", .null)
    | .receive receive, _ =>
      ("receive", obj ([("role", roleName k receive.role), ("from", roleName k receive.from)]
        ++ atField receive.at))
    | .acknowledge role position, _ =>
      ("acknowledge", obj [("role", roleName k role), ("position", num position)])
    | .bind edge handler, _ =>
      let edge := edge.map fun edge => writeEdge k (k.protocol.edges.getD edge default)
      ("bind", obj (whenSome "edge" id edge ++ whenSome "handler" str handler))
    | .drain deadline, _ => ("drain", obj (whenSome "deadline" num deadline))
    | .close, _ => ("close", obj [])
    | .cancel reason, _ => ("cancel", obj [("reason", str reason)])
    | .fault reason, _ => ("fault", obj [("reason", str reason)])
    | .authority authority, _ => ("authority", writeAuthority k authority)
    | .attach role, _ => ("attach", obj [("role", roleName k role)])
    | .detach role epoch, _ =>
      ("detach", obj [("role", roleName k role), ("epoch", writeEpoch epoch)])
  obj [(word, said)]

def writeTimer : Timer → Json
  | .drain => str "drain"
  | .transfer receipt => obj [("transfer", num receipt)]
  | .site timer => obj [("site", num timer)]
  | .witness witness => obj [("witness", num witness)]

def onLostWord : OnLost → String
  | .cancel => "cancel"
  | .fault => "fault"
  | .release => "release"

def writeOpen (k : Known) (o : Open) : Json :=
  let capacities := o.capacities.edges.map fun (edge, n) => arr [writeEdge k edge, num n]
  let policies := o.policies.map fun (edge, policy) =>
    obj [("edge", writeEdge k edge), ("policy", writePolicy policy)]
  let onLost := if o.onLost = .cancel then [] else [("on_lost", str (onLostWord o.onLost))]
  obj [("open", obj ([("owner", str o.owner)] ++ whenSome "capacity" num o.capacities.every
    ++ whenAny "capacities" capacities ++ whenTrue "unchecked" o.capacities.unchecked ++ onLost
    ++ whenAny "policies" policies))]

def eventFields (k : Known) (outcome : Outcome) : Recorded → List (String × Json)
  | .expired timer => [("event", obj [("expired", obj [("timer", writeTimer timer)])])]
  | .recovered fencing => [("event", obj [("recovered", obj [("fencing", num fencing)])])]
  | .input (.open o) => [("event", writeOpen k o)]
  | .input (.act by_ act) => [("by", writeBy by_), ("event", writeAct k act outcome)]
  | .input (.commit commit) => requestFields k (.commit commit)
  | .input (.reclaim reclaim) => requestFields k (.reclaim reclaim)
  | .input _ => []

def writeOutcome (k : Known) : Outcome → Json
  | .opened generation => obj [("opened", obj [("generation", num generation)])]
  | .sent message seq position =>
    obj [("sent", obj [("message", num message), ("seq", num seq), ("position", num position)])]
  | .received label seq position =>
    obj [("received", obj [("label", labelName k label), ("seq", num seq),
      ("position", num position)])]
  | .acknowledged position => obj [("acknowledged", obj [("position", num position)])]
  | .issued generation => obj [("issued", obj [("generation", num generation)])]
  | .staged receipt => obj [("staged", obj [("receipt", num receipt)])]
  | .done => obj [("done", obj [])]
  | .serial serial => obj [("serial", obj [("serial", num serial)])]
  | .witness witness => obj [("witness", obj [("witness", num witness)])]
  | .timer timer => obj [("timer", obj [("timer", num timer)])]
  | .attached epoch => obj [("attached", obj [("epoch", writeEpoch epoch)])]

def writeRecord (k : Known) (record : Record) : Json :=
  obj ([("index", num record.index), ("tick", num record.tick),
    ("outcome", writeOutcome k record.outcome)] ++ eventFields k record.outcome record.event)

end Oracle
