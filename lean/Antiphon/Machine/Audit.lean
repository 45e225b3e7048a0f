import Antiphon.Machine.Output

/-!
The audit trail: what a record says about who may act, by itself.

Rust twin: `src/machine/audit.rs`. Clauses: AUTH-15, WITN-6.
-/

namespace Antiphon.Machine

/-- Why a session whose transfer was abandoned is cancelled. -/
def transferAbandoned : String := "transfer abandoned"

/-- How the reason of a session begins whose transfer failed to commit. -/
def transferCommitFailed : String := "transfer commit failed: "

namespace Predicate

/-- The fragments that a term speaks of. An edge is of both its ends. -/
def scopeOf : Term → Scope
  | .atState role _ => Scope.role role
  | .position role _ => Scope.role role
  | .attached role => Scope.role role
  | .edgeEmpty edge => (Scope.role edge.from).union (Scope.role edge.to)
  | _ => Scope.empty

/-- The fragments that it speaks of; none where the host alone asserts it. -/
def scope (p : Predicate) : Scope := Scope.unions (p.terms.map scopeOf)

/-- Whether it rests on something that the host asserts. -/
def isExternal (p : Predicate) : Bool := p.terms.any fun
  | .external _ => true
  | _ => false

/-- The fragments of a witness of it, for who presents `presented`. -/
def scopeOr (p : Predicate) (presented : Scope) : Scope :=
  if p.scope.isEmpty then presented else p.scope

end Predicate

namespace Audit

def issuedBy (owner : Owner) (scope : Scope) : Outcome → List Audit
  | .issued generation => [.issued owner generation scope]
  | _ => []

/-- A transfer that is taken back with the session. -/
def givenUp (receipt : Receipt) (reason : String) : List Audit :=
  [.invalidated receipt.from receipt.generation receipt.scope, .rolledBack receipt.id,
    .cancelled reason]

/-- What an authority act says. -/
def ofAuthority (by_ : Presented) (outcome : Outcome) : Authority → List Audit
  | .release _ scope => [.invalidated by_.owner by_.generation scope]
  | .attenuate _ scope => issuedBy by_.owner scope outcome
  | .claim _ owner scope => issuedBy owner scope outcome
  | .stage _ scope to _ _ =>
    match outcome with
    | .staged receipt => [.staged receipt to scope]
    | _ => []
  | .rollback receipt => [.rolledBack receipt.id]
  | .abandon receipt => givenUp receipt transferAbandoned
  | .failCommit receipt reason => givenUp receipt (transferCommitFailed ++ reason)
  | .ownerDied owner .lifecycle => [.lost owner]
  | .ownerDied owner (.timeout witness) => [.lost owner, .witnessConsumed witness.id]
  | .issueToken _ =>
    match outcome with
    | .serial serial => [.token by_.generation serial]
    | _ => []
  | .renew _ =>
    match outcome with
    | .serial serial => [.token by_.generation serial]
    | _ => []
  | .confirmToken serial => [.confirmed by_.generation serial]
  | .issueReadiness _ predicate =>
    match outcome with
    | .witness id =>
      [.witnessIssued id by_.owner by_.generation (predicate.scopeOr by_.scope)
        predicate.isExternal]
    | _ => []
  | .consumeReadiness witness => [.witnessConsumed witness.id]
  | .consumeTimeout witness => [.witnessConsumed witness.id]
  | .armTimer _ _ _ _ =>
    match outcome with
    | .timer timer => [.timerArmed timer by_.owner by_.generation]
    | _ => []
  | .disarmTimer timer => [.timerDisarmed timer]

/-- What a request about authority says. -/
def ofMade (outcome : Outcome) : Made → List Audit
  | .act by_ authority => ofAuthority by_ outcome authority
  | .commit made =>
    [.invalidated made.receipt.from made.receipt.generation made.receipt.scope,
      .committed made.receipt.id] ++ issuedBy made.owner made.receipt.scope outcome
  | .reclaim made => issuedBy made.owner made.scope outcome

/-- What a timer says that ran out. -/
def ofExpired (outcome : Outcome) : Timer → List Audit
  | .drain => []
  | .transfer receipt => [.expired receipt]
  | .site timer =>
    match outcome with
    | .witness witness => [.timerExpired timer witness]
    | _ => []
  | .witness witness => [.witnessExpired witness]

/-- What an act of the lifecycle says. -/
def ofAct : Act → List Audit
  | .cancel reason => [.cancelled reason]
  | .fault reason => [.cancelled reason]
  | _ => []

end Audit

end Antiphon.Machine
