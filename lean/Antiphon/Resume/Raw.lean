import Antiphon.Resume.Sequencer
/-!
# One direction of a raw link

An `Outbound` at one end, an `Inbound` at the other, between them two bags: messages with their
numbers one way, acknowledgements the other. A bag gives out what is in it in any order, more than
once or never. The sender may stop and go on from what is durable, and transmits nothing else; the
receiver may lose what it holds, and keeps the number of what it has delivered with the effects of
it. Each direction has its own resume point: the receiver's `delivered`.

Rust twin: `src/resume/handshake.rs` (`RESUME_RAW`).
-/

namespace Antiphon.Resume

structure Raw (α : Type) where
  /-- Everything that got a number, in order; for proofs alone. -/
  sent : List α := []
  outbound : Outbound α
  /-- The last number that is durable at the sender. -/
  durable : Nat := 0
  net : List (Nat × α) := []
  acks : List Nat := []
  inbound : Inbound α := {}
  /-- What the receiver has delivered. -/
  delivered : List α := []

inductive RawEvent (α : Type)
  | send (x : α)
  | persist
  /-- The sender puts everything from number `n` into the bag (again). -/
  | transmit (n : Nat)
  /-- The `i`-th of the bag arrives. -/
  | arrive (i : Nat)
  | drop (i : Nat)
  | duplicate (i : Nat)
  | flush
  /-- The receiver says what it has: an acknowledgement, and its resume point. -/
  | ack
  | ackArrive (i : Nat)
  | ackDrop (i : Nat)
  | ackDuplicate (i : Nat)
  /-- The sender goes on from what is durable. -/
  | restart
  /-- The receiver loses what it holds. -/
  | forget

namespace Raw

variable {α : Type}

def step (s : Raw α) : RawEvent α → Raw α
  | .send x => match s.outbound.send x with
    | .ok (_, o) => { s with outbound := o, sent := s.sent ++ [x] }
    | .error _ => s
  | .persist => { s with durable := s.sent.length }
  | .transmit n =>
    { s with net := (s.outbound.retransmit n).messages.filter (·.1 ≤ s.durable) ++ s.net }
  | .arrive i => match s.net[i]? with
    | none => s
    | some (n, x) => match s.inbound.offer n x with
      | (.deliver, inbound) =>
        { s with net := s.net.eraseIdx i, inbound, delivered := s.delivered ++ [x] }
      | (_, inbound) => { s with net := s.net.eraseIdx i, inbound }
  | .drop i => { s with net := s.net.eraseIdx i }
  | .duplicate i => { s with net := s.net[i]?.toList ++ s.net }
  | .flush =>
    let (out, inbound) := s.inbound.flushPending
    { s with inbound, delivered := s.delivered ++ out.map (·.2) }
  | .ack => { s with acks := s.inbound.delivered :: s.acks }
  | .ackArrive i => match s.acks[i]? with
    | none => s
    | some n => match s.outbound.ack n with
      | .ok o => { s with acks := s.acks.eraseIdx i, outbound := o }
      | .error _ => { s with acks := s.acks.eraseIdx i }
  | .ackDrop i => { s with acks := s.acks.eraseIdx i }
  | .ackDuplicate i => { s with acks := s.acks[i]?.toList ++ s.acks }
  | .restart =>
    { s with
      sent := s.sent.take s.durable
      outbound := { s.outbound with
        retained := s.outbound.retained.take (s.durable + 1 - s.outbound.oldest) } }
  | .forget => { s with inbound := { s.inbound with held := [] } }

def run : Raw α → List (RawEvent α) → Raw α
  | s, [] => s
  | s, e :: es => run (step s e) es

/-- Two ends that have not spoken yet. -/
def start (capacity window : Nat) : Raw α :=
  { outbound := { capacity }, inbound := { window } }

end Raw

end Antiphon.Resume
