import Antiphon.Machine.Output

/-!
Refusals: named reasons why an input was not applied, with the data that explains them. Names are
numbers of the session's protocol here; what is listed from the protocol alone (which roles and edges
it has) is left to who prints it.

Rust twin: `src/machine/refuse.rs`. Clauses: MACH-5, MACH-7.
-/

namespace Antiphon.Machine

/-- The most legal moves that a refusal lists. -/
def movesShownMax : Nat := 64

/-- A move that was tried; what the protocol does not have is `none`. -/
inductive Attempt
  | send (label : Option Nat) (to : Option Nat)
  /-- `label` is what stands at the head of the edge. -/
  | receive (label : Option Nat) («from» : Option Nat)
deriving Repr, DecidableEq

/-- A move out of turn, and what would have been in turn. -/
structure NotAllowed where
  role : Nat
  attempted : Attempt
  position : Position
  /-- What is legal there, at most `movesShownMax`; all of them sends, or all receives. -/
  direction : Direction
  legal : List Transition
  /-- How many more moves are legal. -/
  more : Nat
deriving Repr, DecidableEq

/-- What was performed at a position that is claimed for something else. -/
inductive Taken
  | receive
  | send
  /-- The send of this label to this role. -/
  | sendOf (label : Nat) (to : Nat)
  /-- The same with another value. -/
  | sendWith (label : Nat) (to : Nat)
deriving Repr, DecidableEq

/-- Why an input was not applied. -/
inductive Refusal
  | unknownSession (session : SessionId)
  | sessionExists (session : SessionId)
  | unknownProtocol (protocol : String)
  | badCapacity (edge : Edge) (capacity : Nat)
  | capacityUnchecked (safe : Evidence)
  | unknownRole
  | unclaimed (required : Scope)
  | staleCapability (presented live : Generation)
  | scopeViolation (required actual : Scope)
  /-- It did not come over the live attachment of the role. -/
  | staleAttachment (live : Option Epoch)
  | positionConflict (position : Position) (performed : Taken)
  | tooOld (position oldest : Position)
  /-- `at_` was claimed; the furthest that the endpoint can be at is `position`. -/
  | ahead (at_ position : Position)
  | ambiguousReceive (position : Position)
  | terminal (status : Status)
  | alreadyClaimed (taken : Scope) (live : Generation)
  | transferPending (receipt : ReceiptId)
  | transferNotPending (receipt : ReceiptId)
  | receiptMismatch (receipt : ReceiptId)
  | receiptSpent (receipt : ReceiptId)
  | tooManyOutstanding
  | unknownOwner (owner : Owner)
  | hostOnly
  | tokenSpent (serial current : Serial)
  | tokenUnknown (serial current : Serial)
  | draining
  | notAllowed (refused : NotAllowed)
  | wrongSort (label : Nat) (error : WrongSort)
  | edgeFull (edge : Edge) (capacity : Nat)
  | edgeEmpty (edge : Edge)
  | unknownEdge
  | predicateFalse (predicate : Predicate)
  | invalidWitness (witness : WitnessId)
  | witnessSpent (witness : WitnessId)
  | timerNotArmed (timer : TimerId)
  /-- The fencing epoch is not later than the one that the session has. -/
  | staleFencing (live : Nat)
  | badPolicy (edge : Edge) (policy : Policy) (why : Unsound)
  | notTerminal (status : Status)
  | notDurable (records durable : Nat)
deriving Repr, DecidableEq

end Antiphon.Machine
