import Antiphon.Machine.Authority

/-!
What changes who may act, as data: transfers and their receipts, predicates, sites, witnesses, and
the acts that speak of them.

Rust twin: `src/machine/receipt.rs`, with the data of `predicate.rs`, `site.rs`, `witness.rs`,
`ends.rs` and `request.rs`. Clauses: AUTH-9, AUTH-11, WITN-3, TIMER-1.
-/

namespace Antiphon.Machine

/-- How many transfers, witnesses and timers of one session may be outstanding, together. -/
def outstandingMax : Nat := 64

/-- Whom a transfer is for. -/
inductive Recipient
  /-- This owner. -/
  | owner (owner : Owner)
  /-- Whoever brings the receipt. -/
  | bearer
deriving Repr, DecidableEq

/-- What a transfer is known by: plain data, compared field by field with what is in flight. -/
structure Receipt where
  session : SessionId
  id : ReceiptId
  /-- Who staged it. -/
  «from» : Owner
  /-- The generation under which it was staged. -/
  generation : Generation
  to : Recipient
  /-- What is to move. -/
  scope : Scope
deriving Repr, DecidableEq

/-- A term of a predicate; those that have parts stand in front of them. -/
inductive Term
  /-- The role is in this state of its automaton. -/
  | atState (role : Nat) (state : Nat)
  /-- No message is on the edge. -/
  | edgeEmpty (edge : Edge)
  /-- The role has performed at least so many actions. -/
  | position (role : Nat) (least : Position)
  /-- Somebody is attached to the role. -/
  | attached (role : Nat)
  /-- The host says so. -/
  | external (name : String)
  /-- All of so many parts. -/
  | all (parts : Nat)
  /-- One at least of so many parts. -/
  | any (parts : Nat)
  /-- Not the part behind it. -/
  | not
deriving Repr, DecidableEq

/-- How many parts it has. -/
def Term.parts : Term → Nat
  | .all parts => parts
  | .any parts => parts
  | .not => 1
  | _ => 0

/-- Something that is true of a session, or not: terms in preorder. -/
structure Predicate where
  terms : List Term
deriving Repr, DecidableEq

/-- What a timer is for. -/
inductive Site
  | endpoint (role : Nat)
  | edge (edge : Edge)
  /-- Anything else that the host has a name for. -/
  | name (name : String)
deriving Repr, DecidableEq

/-- The proof that a predicate was true when it was issued. -/
structure Readiness where
  session : SessionId
  id : WitnessId
  owner : Owner
  generation : Generation
  /-- Which fragments it speaks of. -/
  scope : Scope
  predicate : Predicate
deriving Repr, DecidableEq

/-- The proof that a timer ran out. -/
structure TimeoutWitness where
  session : SessionId
  id : WitnessId
  /-- What the timer was for, and who had armed it, under which authority. -/
  site : Site
  owner : Owner
  generation : Generation
  scope : Scope
  issuedAt : Tick
  /-- From when on the witness is good no more. -/
  «until» : Option Tick
deriving Repr, DecidableEq

/-- A timer of a session that somebody armed. -/
structure Armed where
  id : TimerId
  site : Site
  owner : Owner
  generation : Generation
  scope : Scope
  /-- When it runs out. -/
  due : Tick
  /-- How long its witness is good, in milliseconds; `none`: until it is spent. -/
  valid : Option Nat
deriving Repr, DecidableEq

/-- What becomes of a session when one of its owners is lost. -/
inductive OnLost
  | cancel
  | fault
  | release
deriving Repr, DecidableEq

/-- How it is known that an owner is dead. -/
inductive Death
  /-- Whoever has the lifecycle says so. -/
  | lifecycle
  /-- A timer on one of the owner's endpoints ran out. -/
  | timeout (witness : TimeoutWitness)
deriving Repr, DecidableEq

/-- A change of who may act, under the authority of who has it now. -/
inductive Authority
  | release (request : RequestId) (scope : Scope)
  | attenuate (request : RequestId) (scope : Scope)
  | claim (request : RequestId) (owner : Owner) (scope : Scope)
  | stage (request : RequestId) (scope : Scope) (to : Recipient) (expires : Option Tick)
      (freeze : Bool)
  | rollback (receipt : Receipt)
  | abandon (receipt : Receipt)
  | failCommit (receipt : Receipt) (reason : String)
  | ownerDied (owner : Owner) (evidence : Death)
  | issueToken (request : RequestId)
  | renew (serial : Serial)
  | confirmToken (serial : Serial)
  | issueReadiness (request : RequestId) (predicate : Predicate)
  | consumeReadiness (witness : Readiness)
  | armTimer (request : RequestId) (site : Site) (after : Nat) (valid : Option Nat)
  | disarmTimer (timer : TimerId)
  | consumeTimeout (witness : TimeoutWitness)
deriving Repr, DecidableEq

/-- Completes a transfer: its receipt is all the authority that this needs. -/
structure Commit where
  request : RequestId
  receipt : Receipt
  /-- Who takes it over: whom it is for; a bearer names itself. -/
  owner : Owner
deriving Repr, DecidableEq

/-- Gives released fragments an owner, by the host itself. -/
structure Reclaim where
  request : RequestId
  session : SessionId
  owner : Owner
  scope : Scope
deriving Repr, DecidableEq

/-- A request about authority, as it is made. What it made keeps it, so that a repeat is known. -/
inductive Made
  | act (by_ : Presented) (authority : Authority)
  | commit (commit : Commit)
  | reclaim (reclaim : Reclaim)
deriving Repr, DecidableEq

/-- What a holding, a transfer, a witness or a timer came from: the request itself. The Rust keeps
what the result does not say already, and compares the same. -/
abbrev Origin := Made

/-- The session that it is about. -/
def Made.session : Made → SessionId
  | .act by_ _ => by_.session
  | .commit done => done.receipt.session
  | .reclaim done => done.session

end Antiphon.Machine
