/-!
# The sequencer

The two halves of one direction of a link that survives its connections, for anyone who needs just
this: no session types in it. `Outbound` numbers messages and keeps them until they are acknowledged;
`Inbound` delivers them in order and each once, whatever order they come in and however often.

Numbers begin at 1, so that 0 says "nothing yet".

Rust twin: `src/resume/sequencer.rs`.
-/

namespace Antiphon.Resume

/-! ## Outbound -/

/-- Why an outbound half did not do something. -/
inductive OutboundRefusal
  /-- as many messages are retained as may be; nothing was numbered -/
  | full
  /-- nothing was ever sent under that number -/
  | neverSent
  /-- there is no number 0 -/
  | zero
deriving DecidableEq, Repr

structure Outbound (α : Type) where
  capacity : Nat
  /-- The number of the oldest message that is retained; of the next one if none is. -/
  oldest : Nat := 1
  /-- What is not acknowledged yet, the oldest first; their numbers have no gaps. -/
  retained : List α := []
deriving DecidableEq, Repr

/-- What can be sent again. -/
structure Retransmission (α : Type) where
  messages : List (Nat × α)
  /-- Some of what was asked for is not retained any more. -/
  isPartial : Bool
  /-- The number of the oldest message that can be sent again. -/
  oldestRecoverable : Nat
deriving DecidableEq, Repr

/-- These messages with their numbers from `n`. -/
def numbered {α : Type} : Nat → List α → List (Nat × α)
  | _, [] => []
  | n, x :: xs => (n, x) :: numbered (n + 1) xs

namespace Outbound

variable {α : Type}

/-- The number of the next message. -/
def next (o : Outbound α) : Nat := o.oldest + o.retained.length

/-- Numbers and retains a message. A number is given to nothing that is not retained. -/
def send (o : Outbound α) (x : α) : Except OutboundRefusal (Nat × Outbound α) :=
  if o.capacity ≤ o.retained.length then .error .full
  else .ok (o.next, { o with retained := o.retained ++ [x] })

/-- The other end has everything up to number `n`; 0 is nothing. -/
def ack (o : Outbound α) (n : Nat) : Except OutboundRefusal (Outbound α) :=
  if o.next ≤ n then .error .neverSent
  else .ok { o with oldest := max o.oldest (n + 1), retained := o.retained.drop (n + 1 - o.oldest) }

/-- What is retained from number `n` on. -/
def retransmit (o : Outbound α) (n : Nat) : Retransmission α :=
  { messages := numbered (max o.oldest n) (o.retained.drop (n - o.oldest))
    isPartial := max n 1 < o.oldest
    oldestRecoverable := o.oldest }

/-- Gives up on everything up to number `n`, because its time is over. Says what that was. -/
def expire (o : Outbound α) (n : Nat) : List (Nat × α) × Outbound α :=
  let k := n + 1 - o.oldest
  (numbered o.oldest (o.retained.take k),
    { o with oldest := o.oldest + (o.retained.take k).length, retained := o.retained.drop k })

/-- After a restart, from what was kept of it: the numbers go on where they were. What is retained
stays so, also above the capacity; then nothing is sent until it is acknowledged. -/
def restore (capacity oldest : Nat) (retained : List α) : Except OutboundRefusal (Outbound α) :=
  if oldest = 0 then .error .zero else .ok { capacity, oldest, retained }

end Outbound

/-! ## Inbound -/

/-- What is to be done with a message that has arrived. -/
inductive Verdict
  /-- it is the next one: deliver it now, then `flushPending` -/
  | deliver
  /-- it is held until those before it are here -/
  | deliverPending
  /-- it was delivered, or is held already -/
  | dropDuplicate
  /-- its number is beyond the window, or 0 -/
  | dropViolation
deriving DecidableEq, Repr

structure Inbound (α : Type) where
  /-- The number of the last message that was delivered. -/
  delivered : Nat := 0
  /-- `delivered + window` is the last number that is held. -/
  window : Nat := 64
  /-- Sorted by number. -/
  held : List (Nat × α) := []
deriving DecidableEq, Repr

namespace Inbound

variable {α : Type}

def insert (n : Nat) (x : α) : List (Nat × α) → List (Nat × α)
  | [] => [(n, x)]
  | f :: fs => if n < f.1 then (n, x) :: f :: fs else f :: insert n x fs

/-- A message has arrived. -/
def offer (i : Inbound α) (n : Nat) (x : α) : Verdict × Inbound α :=
  if n = 0 then (.dropViolation, i)
  else if n ≤ i.delivered then (.dropDuplicate, i)
  else if i.delivered + i.window < n then (.dropViolation, i)
  else if i.held.any fun f => f.1 = n then (.dropDuplicate, i)
  else if n = i.delivered + 1 then (.deliver, { i with delivered := n })
  else (.deliverPending, { i with held := insert n x i.held })

/-- From what is held, those that follow number `n` without a gap; the last number; the others. -/
def unblocked (n : Nat) : List (Nat × α) → List (Nat × α) × Nat × List (Nat × α)
  | [] => ([], n, [])
  | (k, x) :: fs =>
    if k = n + 1 then
      let (out, last, rest) := unblocked k fs
      ((k, x) :: out, last, rest)
    else ([], n, (k, x) :: fs)

/-- What deliveries have unblocked, in order, each once. -/
def flushPending (i : Inbound α) : List (Nat × α) × Inbound α :=
  let (out, last, rest) := unblocked i.delivered i.held
  (out, { i with delivered := last, held := rest })

/-- Everything up to number `n` was delivered otherwise. Goes forward only: what was delivered never
becomes deliverable again. -/
def resumeTo (i : Inbound α) (n : Nat) : Inbound α :=
  if n ≤ i.delivered then i
  else { i with delivered := n, held := i.held.filter fun f => n < f.1 }

end Inbound

end Antiphon.Resume
