import Antiphon.Machine.Policy
import Antiphon.Machine.Id

/-!
Edges: the bounded first-in first-out buffers between roles, and what their policies do to them.

A message carries its place. The Rust keeps places only where some may be missing, and counts from
the front elsewhere; what it counts (`consumed`) is a number of its own here.

Rust twin: `src/machine/edge.rs`, and the buffers of `policy.rs`. Clauses: EDGE-1 to EDGE-3, EDGE-6,
EDGE-14 to EDGE-19.
-/

namespace Antiphon.Machine

/-- A message on its way. -/
structure Queued where
  /-- Its place among all that were sent over the edge. -/
  seq : Seq
  /-- Its label and sort. -/
  message : Nat
  /-- What it carries; conforms to the sort. -/
  value : Value
deriving Repr, DecidableEq

/-- The buffer from one role to another. -/
structure Buffer where
  /-- How many messages were sent: the place of the next one. -/
  sent : Seq
  /-- How many of them were consumed. -/
  consumed : Nat
  /-- How many of them its policy has dropped. -/
  dropped : Nat
  /-- The place behind the last message that was consumed. -/
  passed : Seq
  capacity : Nat
  /-- The capacity that it was opened with; it grows from there. -/
  capacityStart : Nat
  policy : Policy
  /-- The messages that its policy may drop. -/
  droppable : List Nat
  /-- What is on it, the next one first. -/
  queue : List Queued
deriving Repr, DecidableEq

namespace Buffer

/-- An empty buffer without a policy. -/
def new (capacity : Nat) : Buffer :=
  { sent := 0, consumed := 0, dropped := 0, passed := 0, capacity, capacityStart := capacity,
    policy := .block, droppable := [], queue := [] }

/-- How many messages are on it. -/
def len (b : Buffer) : Nat := b.queue.length

def isFull (b : Buffer) : Bool := decide (b.capacity ≤ b.len)

/-- The next message. -/
def front (b : Buffer) : Option Queued := b.queue.head?

/-- The message behind `index` others. -/
def get (b : Buffer) (index : Nat) : Option Queued := b.queue[index]?

/-- Takes what is on it away; the counts stay. -/
def clear (b : Buffer) : Buffer := { b with queue := [] }

/-- The place of the next message that is consumed. -/
def nextSeq (b : Buffer) : Seq :=
  match b.queue with
  | [] => b.sent
  | next :: _ => next.seq

/-- How many messages were dropped directly before the next one. -/
def droppedBefore (b : Buffer) : Nat := b.nextSeq - b.passed

/-- Whether it may drop the message. -/
def mayDrop (b : Buffer) (message : Nat) : Bool := b.droppable.contains message

/-- EDGE-15: whether `queued` goes when `message` is sent. -/
def replaces (message : Nat) (queued : Queued) : Bool := queued.message == message

/-- `queue` without the first message that may be dropped. -/
def withoutOldest (b : Buffer) : List Queued → List Queued
  | [] => []
  | queued :: rest => if b.mayDrop queued.message then rest else queued :: b.withoutOldest rest

/-- EDGE-14, EDGE-15: what stays when `message` is sent; the first `kept` stay anyway. -/
def staying (b : Buffer) (message kept : Nat) : List Queued :=
  match b.policy with
  | .dropOldest =>
    if b.isFull then b.queue.take kept ++ b.withoutOldest (b.queue.drop kept) else b.queue
  | .latestValue =>
    if b.mayDrop message then
      b.queue.take kept ++ (b.queue.drop kept).filter fun queued => !replaces message queued
    else b.queue
  | _ => b.queue

/-- EDGE-2, EDGE-18: whether the message can go onto it, as it is or as its policy makes it. -/
def hasRoom (b : Buffer) (message kept : Nat) : Bool :=
  match b.policy with
  | .resize max => decide (b.len < max)
  | _ => !b.isFull || decide ((b.staying message kept).length < b.len)

/-- Makes the room that `hasRoom` has found. -/
def makeRoom (b : Buffer) (message kept : Nat) : Buffer :=
  match b.policy with
  | .resize max => if b.isFull then { b with capacity := min (b.capacity * 2) max } else b
  | _ =>
    let stays := b.staying message kept
    { b with queue := stays, dropped := b.dropped + (b.len - stays.length) }

/-- Appends a message; the caller has checked that there is room. -/
def push (b : Buffer) (message : Nat) (value : Value) : Buffer :=
  { b with sent := b.sent + 1, queue := b.queue ++ [⟨b.sent, message, value⟩] }

/-- Without its head, which is consumed. -/
def pop (b : Buffer) : Buffer :=
  match b.queue with
  | [] => b
  | next :: rest => { b with consumed := b.consumed + 1, passed := next.seq + 1, queue := rest }

end Buffer

end Antiphon.Machine
