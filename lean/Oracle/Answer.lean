import Antiphon.Machine.Refusal
import Oracle.Evidence
import Oracle.Names

/-!
What a machine answers, as JSON: what an input came to, refusals with the data that explains them,
outputs. Messages in words are left to the Rust.

Rust twin: `src/wire/answer.rs`. Clauses: DOOR-2, DOOR-4.
-/

namespace Oracle
open Lean (Json)
open Antiphon Antiphon.Machine

def writeAccepted (k : Known) (accepted : Accepted) : Json :=
  let capability := fun (by_ : Presented) =>
    obj [("session", writeSession by_.session), ("by", writeBy by_)]
  let (word, said) : String × Json :=
    match accepted with
    | .opened by_ => ("opened", capability by_)
    | .issued by_ => ("issued", capability by_)
    | .staged receipt => ("staged", obj [("receipt", writeReceipt receipt)])
    | .sent seq position => ("sent", obj [("seq", num seq), ("position", num position)])
    | .received received =>
      ("received", obj [("from", roleName k received.from), ("seq", num received.seq),
        ("label", labelName k received.label),
        ("value", writeLabelled k received.label received.value),
        ("position", num received.position)])
    | .duplicate position => ("duplicate", obj [("position", num position)])
    | .acknowledged position performed =>
      ("acknowledged", obj [("position", num position), ("performed", num performed)])
    | .done => ("done", obj [])
    | .serial serial => ("serial", obj [("serial", num serial)])
    | .witness witness => ("witness", obj [("readiness", writeReadiness k witness)])
    | .timer timer => ("timer", obj [("timer", num timer)])
    | .attached epoch => ("attached", obj [("epoch", writeEpoch epoch)])
  obj [(word, said)]

/-- A scope with names. -/
def scopeText (k : Known) (scope : Scope) : String :=
  if scope = Scope.session k.protocol then "Session" else
  let lifecycle := if scope.covers Scope.lifecycle then ["lifecycle"] else []
  let roles := k.protocol.roles.zipIdx.filter fun (_, role) => scope.covers (Scope.role role)
  "Fragments{" ++ ", ".intercalate (lifecycle ++ roles.map (·.1)) ++ "}"

def edgeText (k : Known) (edge : Edge) : String :=
  k.protocol.roleName edge.from ++ " → " ++ k.protocol.roleName edge.to

def predicateText (k : Known) (predicate : Predicate) : String :=
  let of := fun term (parts : List String) =>
    match term with
    | .atState role state => s!"`{k.protocol.roleName role}` is in state {state}"
    | .position role least => s!"`{k.protocol.roleName role}` is at position {least} or behind"
    | .attached role => s!"`{k.protocol.roleName role}` is attached"
    | .edgeEmpty edge => s!"the edge {edgeText k edge} is empty"
    | .external name => s!"the host asserts `{name}`"
    | .all _ => s!"all of ({", ".intercalate parts})"
    | .any _ => s!"any of ({", ".intercalate parts})"
    | .not => s!"not ({parts.headD ""})"
  (foldTerms of predicate.terms).headD ""

def takenText (k : Known) : Taken → String
  | .receive => "a receive"
  | .send => "a send"
  | .sendOf label to => s!"the send of `{k.protocol.labelName label}` to `{k.protocol.roleName to}`"
  | .sendWith label to =>
    s!"the send of `{k.protocol.labelName label}` to `{k.protocol.roleName to}` with another value"

def unsoundText : Unsound → String
  | .chan => "it carries a `chan`, and is `block` only"
  | .nothingToDrop => "none of its messages may be dropped, as none leaves the receiver where it is "
      ++ "wherever it is received"
  | .shrinks capacity => s!"it begins with {capacity}, and cannot grow to less"

def directionWord : Direction → String
  | .send => "send"
  | .receive => "receive"

def writeMove (k : Known) (direction : Direction) (move : Transition) : Json :=
  obj [("direction", str (directionWord direction)), ("peer", roleName k move.peer),
    ("label", labelName k move.label), ("sort", messageShown k move.message)]

def statusWord : Status → String
  | .active => "active"
  | .draining => "draining"
  | .closed => "closed"
  | .cancelled _ => "cancelled"
  | .faulted _ => "faulted"

def statusFields (status : Status) : List (String × Json) :=
  ("status", str (statusWord status)) :: whenSome "reason" str status.reason

def writeNotAllowed (k : Known) (refused : NotAllowed) : List (String × Json) :=
  let name := fun (names : List String) (number : Option Nat) =>
    (number.map (nameOr names)).getD .null
  let (labels, roles) := (k.protocol.labels, k.protocol.roles)
  let attempted :=
    match refused.attempted with
    | .send label to => obj [("send", obj [("label", name labels label), ("to", name roles to)])]
    | .receive label from_ =>
      obj [("receive", obj [("label", name labels label), ("from", name roles from_)])]
  [("role", roleName k refused.role), ("attempted", attempted),
    ("position", num refused.position),
    ("legal", arr (refused.legal.map (writeMove k refused.direction))), ("more", num refused.more)]

/-- The code of a refusal and its data. -/
def refusalFields (k : Known) : Refusal → String × List (String × Json)
  | .unknownSession session => ("unknown_session", [("session", writeSession session)])
  | .sessionExists session => ("session_exists", [("session", writeSession session)])
  | .unknownProtocol protocol => ("unknown_protocol", [("protocol", str protocol)])
  | .badCapacity edge capacity =>
    ("bad_capacity", [("edge", writeEdge k edge), ("capacity", num capacity)])
  | .capacityUnchecked safe => ("capacity_unchecked", [("safe_at", str (evidenceText safe))])
  | .unknownRole =>
    ("unknown_role", [("known", str (", ".intercalate (k.protocol.roles.map (s!"`{·}`"))))])
  | .unclaimed required => ("unclaimed", [("required", str (scopeText k required))])
  | .staleCapability presented live =>
    ("stale_capability", [("presented", num presented), ("live", num live)])
  | .scopeViolation required actual =>
    ("scope_violation",
      [("required", str (scopeText k required)), ("actual", str (scopeText k actual))])
  | .staleAttachment live =>
    ("stale_attachment", [("live", (live.map writeEpoch).getD .null)])
  | .staleFencing live => ("stale_fencing", [("live", num live)])
  | .positionConflict position performed =>
    ("position_conflict", [("at", num position), ("performed", str (takenText k performed))])
  | .tooOld position oldest => ("too_old", [("at", num position), ("oldest", num oldest)])
  | .ahead at_ position => ("ahead", [("at", num at_), ("position", num position)])
  | .ambiguousReceive position => ("ambiguous_receive", [("position", num position)])
  | .terminal status => ("terminal", statusFields status)
  | .alreadyClaimed taken live =>
    ("already_claimed", [("taken", str (scopeText k taken)), ("live", num live)])
  | .transferPending receipt => ("transfer_pending", [("receipt", num receipt)])
  | .transferNotPending receipt => ("transfer_not_pending", [("receipt", num receipt)])
  | .receiptMismatch receipt => ("receipt_mismatch", [("receipt", num receipt)])
  | .receiptSpent receipt => ("receipt_spent", [("receipt", num receipt)])
  | .tooManyOutstanding => ("too_many_outstanding", [])
  | .unknownOwner owner => ("unknown_owner", [("owner", str owner)])
  | .hostOnly => ("host_only", [])
  | .tokenSpent serial current =>
    ("token_spent", [("serial", num serial), ("current", num current)])
  | .tokenUnknown serial current =>
    ("token_unknown", [("serial", num serial), ("current", num current)])
  | .draining => ("draining", [])
  | .notAllowed refused => ("not_allowed", writeNotAllowed k refused)
  | .wrongSort label error =>
    ("wrong_sort", [("label", labelName k label), ("path", str error.path)])
  | .edgeFull edge capacity =>
    ("edge_full", [("edge", writeEdge k edge), ("capacity", num capacity)])
  | .edgeEmpty edge => ("edge_empty", [("edge", writeEdge k edge)])
  | .unknownEdge =>
    ("unknown_edge", [("known", str (", ".intercalate (k.protocol.edges.map (edgeText k))))])
  | .predicateFalse predicate =>
    ("predicate_false", [("predicate", str (predicateText k predicate))])
  | .invalidWitness witness => ("invalid_witness", [("witness", num witness)])
  | .witnessSpent witness => ("witness_spent", [("witness", num witness)])
  | .timerNotArmed timer => ("timer_not_armed", [("timer", num timer)])
  | .badPolicy edge policy why =>
    ("bad_policy", [("edge", writeEdge k edge), ("policy", writePolicy policy),
      ("why", str (unsoundText why))])
  | .notTerminal status => ("not_terminal", statusFields status)
  | .notDurable records durable =>
    ("not_durable", [("records", num records), ("durable", num durable)])

def writeRefusal (k : Known) (refusal : Refusal) : Json :=
  let (code, data) := refusalFields k refusal
  obj (("code", str code) :: data)

def writeAudit (audit : Audit) : Json :=
  let holding := fun (owner : Owner) (generation : Generation) (scope : Scope) =>
    [("owner", str owner), ("generation", num generation), ("scope", writeScope scope)]
  let (word, said) : String × List (String × Json) :=
    match audit with
    | .issued owner generation scope => ("issued", holding owner generation scope)
    | .invalidated owner generation scope => ("invalidated", holding owner generation scope)
    | .staged receipt to scope =>
      ("staged", [("receipt", num receipt), ("to", writeRecipient to), ("scope", writeScope scope)])
    | .committed receipt => ("committed", [("receipt", num receipt)])
    | .rolledBack receipt => ("rolled_back", [("receipt", num receipt)])
    | .expired receipt => ("expired", [("receipt", num receipt)])
    | .cancelled reason => ("cancelled", [("reason", str reason)])
    | .lost owner => ("lost", [("owner", str owner)])
    | .dropped receipt => ("dropped", [("receipt", num receipt)])
    | .token generation serial =>
      ("token", [("generation", num generation), ("serial", num serial)])
    | .confirmed generation serial =>
      ("confirmed", [("generation", num generation), ("serial", num serial)])
    | .witnessIssued witness owner generation scope external =>
      ("witness_issued", holding owner generation scope
        ++ [("witness", num witness), ("external", .bool external)])
    | .witnessConsumed witness => ("witness_consumed", [("witness", num witness)])
    | .witnessExpired witness => ("witness_expired", [("witness", num witness)])
    | .timerArmed timer owner generation =>
      ("timer_armed",
        [("timer", num timer), ("owner", str owner), ("generation", num generation)])
    | .timerDisarmed timer => ("timer_disarmed", [("timer", num timer)])
    | .timerExpired timer witness =>
      ("timer_expired", [("timer", num timer), ("witness", num witness)])
  obj [(word, obj said)]

def writeEvent (k : Known) (event : Event) : Json :=
  let (word, said) : String × List (String × Json) :=
    match event with
    | .opened session => ("opened", [("session", writeSession session)])
    | .attached session role epoch over =>
      ("attached", [("session", writeSession session), ("role", roleName k role),
        ("epoch", writeEpoch epoch)] ++ whenSome "over" writeEpoch over)
    | .detached session role epoch =>
      ("detached", [("session", writeSession session), ("role", roleName k role),
        ("epoch", writeEpoch epoch)])
    | .recovered session fencing =>
      ("recovered", [("session", writeSession session), ("fencing", num fencing)])
    | .authority session audit =>
      ("authority", [("session", writeSession session), ("audit", writeAudit audit)])
    | .draining session => ("draining", [("session", writeSession session)])
    | .advanced session role direction peer label value seq position =>
      ("advanced", [("session", writeSession session), ("role", roleName k role),
        ("direction", str (directionWord direction)), ("peer", roleName k peer),
        ("label", labelName k label), ("value", writeLabelled k label value), ("seq", num seq),
        ("position", num position)])
    | .ended session status undelivered =>
      let left := undelivered.map fun (edge, n) => arr [writeEdge k edge, num n]
      ("ended", statusFields status
        ++ [("session", writeSession session), ("undelivered", arr left)])
    | .timedOut timer witness =>
      ("timed_out", [("session", writeSession witness.session), ("timer", num timer),
        ("witness", writeTimeout k witness)])
  obj [(word, obj said)]

def writeDeliver (k : Known) (deliver : Deliver) : Json :=
  let dropped :=
    if deliver.droppedBefore > 0 then [("dropped_before", num deliver.droppedBefore)] else []
  obj ([("session", writeSession deliver.session), ("handler", str deliver.handler),
    ("role", roleName k deliver.role), ("from", roleName k deliver.from), ("seq", num deliver.seq),
    ("label", labelName k deliver.label), ("value", writeLabelled k deliver.label deliver.value)]
    ++ dropped)

/-- The session that an output is of. -/
def outputSession : Output → SessionId
  | .record session _ => session
  | .deliver deliver => deliver.session
  | .event event =>
    match event with
    | .opened session => session
    | .advanced session _ _ _ _ _ _ _ => session
    | .authority session _ => session
    | .draining session => session
    | .ended session _ _ => session
    | .timedOut _ witness => witness.session
    | .attached session _ _ _ => session
    | .detached session _ _ => session
    | .recovered session _ => session

end Oracle
