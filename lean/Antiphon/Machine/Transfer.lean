import Antiphon.Machine.Ends
import Antiphon.Machine.Request
import Antiphon.Machine.Token

/-!
How fragments change hands: release, attenuate, claim, stage, commit, roll back; and everything else
that is asked about authority. Each is two halves: `check` finds what is to be changed and changes
nothing, `perform` cannot fail.

Rust twin: `src/machine/transfer.rs`, with the checks of `ends.rs` and `token.rs` that come to a
`Change`. Clauses: AUTH-7 to AUTH-14, AUTH-16.
-/

namespace Antiphon.Machine

/-- What is to be done, with nothing left to check. -/
inductive Change
  | release (by_ : Presented) (scope : Scope)
  | issue (owner : Owner) (scope : Scope) (receipt : Option ReceiptId)
  | stage (by_ : Presented) (scope : Scope) (to : Recipient) (expires : Option Tick)
      (freeze : Bool)
  | rollback (receipt : ReceiptId)
  /-- The transfer is taken back and the session ends. -/
  | end (receipt : ReceiptId) (status : Status)
  /-- What the owner has becomes nobody's, or the session ends; with the timeout witness that has
  shown it. -/
  | lose (owner : Owner) (spent : Option WitnessId) (end_ : Option Status)
  | serials (serials : Serials) (accepted : Accepted) (outcome : Outcome)
  /-- It is so already. -/
  | nothing (accepted : Accepted)
  | attest (attest : Attest)
deriving Repr, DecidableEq

/-- How the session ends by it. -/
def Change.ends : Change → Option Status
  | .end _ status => some status
  | .lose _ _ end_ => end_
  | _ => none

/-- With one more transfer in flight. -/
def Spread.stage (s : Spread) (receipt : Receipt) (expires : Option Tick) (freeze : Bool)
    (origin : Origin) : Spread :=
  { s with
    staged := s.staged ++ [⟨receipt, expires, freeze, origin⟩]
    receipts := s.receipts + 1 }

namespace Session

/-- Whether the capability covers the fragments and none of them is in flight. -/
def movable (s : Session) (by_ : Presented) (scope : Scope) : Except Refusal Unit :=
  s.authorize by_ scope *> s.goesOn *> s.quiet scope

/-- AUTH-10, AUTH-13: whether the fragments may be claimed under the capability: it had them last, or
is the lifecycle's, for which this is an action. -/
def mayClaim (s : Session) (by_ : Presented) (scope : Scope) : Except Refusal Unit :=
  if s.ownership.wasLast s.spread by_ scope then s.goesOn
  else s.authorize by_ Scope.lifecycle *> s.goesOn *> s.unfrozen Scope.lifecycle

/-- AUTH-10: whether the fragments may be given an owner. -/
def claimable (p : Protocol) (s : Session) (by_ : Presented) (scope : Scope) :
    Except Refusal Unit :=
  if !(Scope.session p).covers scope then .error (.scopeViolation scope by_.scope)
  else s.mayClaim by_ scope *> s.unowned scope *>
    -- AUTH-26.
    if scope.covers Scope.lifecycle then .error .hostOnly else s.quiet scope

/-- AUTH-12: a receipt commits for whom it is, once. -/
def checkCommit (s : Session) (commit : Commit) : Except Refusal Change :=
  let issue : Change := .issue commit.owner commit.receipt.scope (some commit.receipt.id)
  s.goesOn *> s.pending commit.receipt *>
    match commit.receipt.to with
    | .bearer => .ok issue
    | .owner to => if to = commit.owner then .ok issue else .error (.receiptMismatch commit.receipt.id)

/-- AUTH-27: the host gives an owner to what nobody has. -/
def checkReclaim (p : Protocol) (s : Session) (reclaim : Reclaim) : Except Refusal Change :=
  let session := Scope.session p
  if !session.covers reclaim.scope then .error (.scopeViolation reclaim.scope session)
  else s.goesOn *> s.unowned reclaim.scope *> s.quiet reclaim.scope
    *> .ok (.issue reclaim.owner reclaim.scope none)

/-- AUTH-20: the transfer is taken back and the session with it. -/
def checkAbandon (s : Session) (by_ : Presented) (receipt : Receipt) : Except Refusal Change :=
  s.authorize by_ receipt.scope *> s.goesOn *> s.pending receipt
    *> .ok (.end receipt.id (.cancelled transferAbandoned))

/-- AUTH-21: the transfer is taken back and the session faulted. -/
def checkFailCommit (s : Session) (by_ : Presented) (receipt : Receipt) (reason : String) :
    Except Refusal Change :=
  s.authorize by_ Scope.lifecycle *> s.goesOn *> s.pending receipt
    *> .ok (.end receipt.id (.faulted (transferCommitFailed ++ reason)))

/-- AUTH-22, AUTH-23: whether the owner can be lost, and what that comes to. -/
def checkOwnerDied (s : Session) (by_ : Presented) (owner : Owner) (evidence : Death) :
    Except Refusal Change :=
  let needs := deathNeeds evidence
  let own := s.scopeOf owner
  s.authorize by_ needs *> s.goesOn *> s.unfrozen needs *>
    if own.isEmpty then .error (.unknownOwner owner)
    else match s.deathShown own evidence with
      | .error refusal => .error refusal
      | .ok spent => .ok (.lose owner spent (s.lost owner))

/-- AUTH-25: a transfer is taken back. -/
def checkRollback (s : Session) (by_ : Presented) (receipt : Receipt) : Except Refusal Change :=
  s.mayRollback by_ receipt *> s.goesOn *> s.pending receipt *> .ok (.rollback receipt.id)

/-- What an input about serials is to change. What changes nothing is answered in a terminal session,
too (TOKEN-1, TOKEN-6). -/
def checkToken (s : Session) (by_ : Presented) (asked : Asked) : Except Refusal Change :=
  s.holding by_ *>
    match s.serialsAfter by_ asked with
    | .error refusal => .error refusal
    | .ok after =>
      let (accepted, outcome) := s.serialsSaid by_ asked after
      match after with
      | none => .ok (.nothing accepted)
      | some serials => s.goesOn *> .ok (.serials serials accepted outcome)

def checkAuthority (p : Protocol) (s : Session) (by_ : Presented) :
    Authority → Except Refusal Change
  | .release _ scope => s.movable by_ scope *> .ok (.release by_ scope)
  | .attenuate _ scope => s.movable by_ scope *> .ok (.issue by_.owner scope none)
  | .claim _ owner scope => s.claimable p by_ scope *> .ok (.issue owner scope none)
  | .stage _ scope to expires freeze =>
    s.movable by_ scope *> s.mayIssue *> .ok (.stage by_ scope to expires freeze)
  | .rollback receipt => s.checkRollback by_ receipt
  | .abandon receipt => s.checkAbandon by_ receipt
  | .failCommit receipt reason => s.checkFailCommit by_ receipt reason
  | .ownerDied owner evidence => s.checkOwnerDied by_ owner evidence
  | .issueToken _ => s.checkToken by_ .issue
  | .renew serial => s.checkToken by_ (.renew serial)
  | .confirmToken serial => s.checkToken by_ (.confirm serial)
  | .issueReadiness _ predicate => .attest <$> s.checkIssue p by_ predicate
  | .consumeReadiness witness => .attest <$> s.checkConsume p by_ witness
  | .armTimer _ site after valid => .attest <$> s.checkArm p by_ site after valid
  | .disarmTimer timer => .attest <$> s.checkDisarm by_ timer
  | .consumeTimeout witness => .attest <$> s.checkConsumeTimeout by_ witness

/-- What a request is to change, or why not. -/
def check (p : Protocol) (s : Session) : Made → Except Refusal Change
  | .act by_ authority => s.checkAuthority p by_ authority
  | .commit commit => s.checkCommit commit
  | .reclaim reclaim => s.checkReclaim p reclaim

/-- The capability for the fragments, under the next generation. -/
def issue (s : Session) (owner : Owner) (scope : Scope) (origin : Origin) : Session :=
  let (ownership, spread) := s.spreadOrNew.issue s.ownership owner scope origin
  { s with ownership, spread := some spread }

def release (s : Session) (by_ : Presented) (scope : Scope) (origin : Origin) : Session :=
  let (ownership, spread) :=
    s.spreadOrNew.release s.ownership by_.owner by_.generation scope origin
  { s with ownership, spread := some spread }

def lose (s : Session) (owner : Owner) (origin : Origin) : Session :=
  let (ownership, spread) := s.spreadOrNew.lose s.ownership owner origin
  { s with ownership, spread := some spread }

/-- A transfer is not in flight any more. -/
def settled (s : Session) (receipt : ReceiptId) : Session :=
  { s with spread := some (s.spreadOrNew.settle receipt) }

/-- What a change leaves of a session, with what it comes to. -/
def perform (s : Session) (made : Made) : Change → Session × Accepted × Outcome
  | .release by_ scope => ((s.invalidate scope).release by_ scope made, .done, .done)
  | .issue owner scope receipt =>
    let s := match receipt with
      | some receipt => s.settled receipt
      | none => s
    let generation := s.spreadOrNew.last + 1
    ((s.invalidate scope).issue owner scope made,
      .issued (s.capabilityOf owner generation scope), .issued generation)
  | .stage by_ scope to expires freeze =>
    let spread := s.spreadOrNew
    let receipt : Receipt := ⟨s.id, spread.receipts, by_.owner, by_.generation, to, scope⟩
    ({ s with spread := some (spread.stage receipt expires freeze made) },
      .staged receipt, .staged receipt.id)
  | .rollback receipt => (s.settled receipt, .done, .done)
  | .end receipt _ => (s.settled receipt, .done, .done)
  | .lose owner spent end_ =>
    let s := match spent with
      | some witness => s.spend witness
      | none => s
    -- In a session that ends everything stays as it was last.
    (match end_ with
      | some _ => { s with spread := some s.spreadOrNew }
      | none => (s.invalidate (s.scopeOf owner)).lose owner made, .done, .done)
  | .serials serials accepted outcome =>
    ({ s with spread := some (s.spreadOrNew.put serials) }, accepted, outcome)
  | .nothing accepted => (s, accepted, .done)
  | .attest attest => s.attest made attest

/-- What a change comes to, with all that follows from it. -/
def changed (p : Protocol) (now : Tick) (s : Session) (made : Made) (change : Change) : Came :=
  let (next, accepted, outcome) := (s.touch now).perform made change
  let said := (Audit.ofMade outcome made).filter (s.isSaid made) ++ s.takenBy made
  let (next, recorded) := next.record (.input made.input) outcome
  let (next, followed) := match change.ends with
    | some status => next.endWith p status
    | none => next.settle p
  ⟨next, accepted, recorded ++ next.say said ++ followed⟩

/-- A request about authority. -/
def change (p : Protocol) (now : Tick) (s : Session) (made : Made) : Except Refusal Came :=
  let made := made.understood
  match s.madeBefore made with
  | some accepted => .ok ⟨s, accepted, []⟩
  | none =>
    match s.check p made with
    | .error refusal => .error refusal
    | .ok (.nothing accepted) => .ok ⟨s, accepted, []⟩
    | .ok change => .ok (s.changed p now made change)

/-- LIFE-14: what a request about authority comes to in a session that was reaped: what the same one
came to before, or nothing where only its end stands in the way. -/
def asked (p : Protocol) (s : Session) (made : Made) : Except Refusal Accepted :=
  match s.madeBefore made with
  | some accepted => .ok accepted
  | none =>
    match s.check p made with
    | .error refusal => .error refusal
    | .ok (.nothing accepted) => .ok accepted
    | .ok _ => .error (.terminal s.status)

end Session

end Antiphon.Machine
