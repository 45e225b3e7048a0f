import Antiphon.Machine.Record

/-!
What a machine says is to be done.

Records leave one by one here, where the Rust hands them out in batches when it is told to seal; and
nothing is held back until they are durable (JRNL-5 is volatile).

Rust twin: `src/machine/output.rs`, with the data of `audit.rs`.
-/

namespace Antiphon.Machine

/-- Where a session stands. The last three are terminal: no action any more. -/
inductive Status
  | active
  /-- No more sends; what is on the edges may be received. -/
  | draining
  | closed
  | cancelled (reason : String)
  | faulted (reason : String)
deriving Repr, DecidableEq

/-- Whether nothing moves any more. -/
def Status.isTerminal : Status → Bool
  | .active => false
  | .draining => false
  | _ => true

/-- Why it was cancelled or faulted. -/
def Status.reason : Status → Option String
  | .cancelled reason => some reason
  | .faulted reason => some reason
  | _ => none

/-- A consumed message. -/
structure Received where
  «from» : Nat
  seq : Seq
  label : Nat
  value : Value
  /-- The receiver's position behind it. -/
  position : Position
deriving Repr, DecidableEq

/-- What an accepted input came to. -/
inductive Accepted
  /-- The session is open; this is all authority over it. -/
  | opened (capability : Presented)
  /-- The fragments have this owner now. -/
  | issued (capability : Presented)
  /-- The transfer is in flight. -/
  | staged (receipt : Receipt)
  /-- The message is on its edge. -/
  | sent (seq : Seq) (position : Position)
  /-- The message was consumed. -/
  | received (received : Received)
  /-- The action was performed before, with the same content; nothing changed. -/
  | duplicate (position : Position)
  /-- The receives that the position implies have been performed: so many. -/
  | acknowledged (position : Position) (performed : Nat)
  | done
  /-- The serial of the token to be sealed for the holding. -/
  | serial (serial : Serial)
  /-- The predicate is true; this says so. -/
  | witness (witness : Readiness)
  /-- The timer is armed. -/
  | timer (timer : TimerId)
  /-- The role is attached. -/
  | attached (epoch : Epoch)
deriving Repr, DecidableEq

/-- A change of who may act. -/
inductive Audit
  | issued (owner : Owner) (generation : Generation) (scope : Scope)
  | invalidated (owner : Owner) (generation : Generation) (scope : Scope)
  | staged (receipt : ReceiptId) (to : Recipient) (scope : Scope)
  | committed (receipt : ReceiptId)
  | rolledBack (receipt : ReceiptId)
  | expired (receipt : ReceiptId)
  | cancelled (reason : String)
  | lost (owner : Owner)
  /-- The session ended before the transfer was committed. -/
  | dropped (receipt : ReceiptId)
  | token (generation : Generation) (serial : Serial)
  | confirmed (generation : Generation) (serial : Serial)
  | witnessIssued (witness : WitnessId) (owner : Owner) (generation : Generation) (scope : Scope)
      (external : Bool)
  | witnessConsumed (witness : WitnessId)
  | witnessExpired (witness : WitnessId)
  | timerArmed (timer : TimerId) (owner : Owner) (generation : Generation)
  | timerDisarmed (timer : TimerId)
  | timerExpired (timer : TimerId) (witness : WitnessId)
deriving Repr, DecidableEq

/-- What happened to a session. -/
inductive Event
  | opened (session : SessionId)
  /-- A role performed an action; `peer` is the other role. -/
  | advanced (session : SessionId) (role : Nat) (direction : Direction) (peer : Nat) (label : Nat)
      (value : Value) (seq : Seq) (position : Position)
  | authority (session : SessionId) (audit : Audit)
  | draining (session : SessionId)
  /-- It ended; with the messages that nobody will consume any more, by edge. -/
  | ended (session : SessionId) (status : Status) (undelivered : List (Edge × Nat))
  | timedOut (timer : TimerId) (witness : TimeoutWitness)
  /-- A role is attached; `over` is what it took over from. -/
  | attached (session : SessionId) (role : Nat) (epoch : Epoch) (over : Option Epoch)
  | detached (session : SessionId) (role : Nat) (epoch : Epoch)
  | recovered (session : SessionId) (fencing : Nat)
deriving Repr, DecidableEq

/-- A message for a handler of the host. It stays on its edge until it is received. -/
structure Deliver where
  session : SessionId
  handler : String
  role : Nat
  «from» : Nat
  seq : Seq
  label : Nat
  value : Value
  /-- How many messages were dropped directly before it. -/
  droppedBefore : Nat
deriving Repr, DecidableEq

/-- Something for the host to do or to know. -/
inductive Output
  /-- A record of a session that keeps a journal. -/
  | record (session : SessionId) (record : Record)
  | deliver (deliver : Deliver)
  /-- What an observer wants to see. -/
  | event (event : Event)
deriving Repr, DecidableEq

/-- Whether only an observer is told. -/
def Output.isEvent : Output → Bool
  | .event _ => true
  | _ => false

end Antiphon.Machine
