import Antiphon.Machine.Input
import Antiphon.Machine.Timer

/-!
Records: the accepted inputs of one session, as the session understood them, and what they came to.
Their canonical bytes and the chain of batches are not modelled.

Rust twin: `src/machine/record.rs`. Clauses: JRNL-1.
-/

namespace Antiphon.Machine

/-- What a record holds. -/
inductive Recorded
  | input (input : Input)
  /-- A timer ran out. -/
  | expired (timer : Timer)
  /-- The host was gone and is back: `Input.recovered`. -/
  | recovered (fencing : Nat)
deriving Repr, DecidableEq

/-- What a recorded input came to; a replay must come to the same. -/
inductive Outcome
  /-- The session was opened at this generation. -/
  | opened (generation : Generation)
  /-- The message got this place on its edge, the sender this position. -/
  | sent (message : Nat) (seq : Seq) (position : Position)
  /-- The message with this label and place was consumed; the receiver's position. -/
  | received (label : Nat) (seq : Seq) (position : Position)
  /-- The endpoint's position. -/
  | acknowledged (position : Position)
  /-- The fragments have an owner under this generation. -/
  | issued (generation : Generation)
  /-- The transfer is in flight under this number. -/
  | staged (receipt : ReceiptId)
  | done
  /-- The serial of the token to be sealed. -/
  | serial (serial : Serial)
  /-- The witness is outstanding under this number. -/
  | witness (witness : WitnessId)
  /-- The timer is armed under this number. -/
  | timer (timer : TimerId)
  /-- The role is attached under this number. -/
  | attached (epoch : Epoch)
deriving Repr, DecidableEq

/-- One entry of a session's journal. -/
structure Record where
  /-- Its place in the journal, from 0. -/
  index : Nat
  tick : Tick
  event : Recorded
  outcome : Outcome
deriving Repr, DecidableEq

end Antiphon.Machine
