import Antiphon.Machine.Session

/-!
Messages for handlers of the host. Which message of an edge was handed out last is volatile: it is no
part of a session here, and decides nothing but what is handed out.

Rust twin: `src/machine/handler.rs`, with `deliver` of `effect.rs`. Clauses: MACH-8, MACH-13.
-/

namespace Antiphon.Machine

/-- By edge: the place behind the last message that was handed out; 0 if none was. -/
abbrev Delivered := List Seq

namespace Session

/-- The head of an edge, if its receiver waits for it. -/
def awaited (p : Protocol) (s : Session) (index : Nat) (edge : Edge) : Option Queued :=
  match (s.buffer index).front, s.endpoints[edge.to]? with
  | some head, some endpoint =>
    let label := (p.message head.message).label
    if ((p.automaton edge.to).receive endpoint.state edge.from label head.message).isSome then
      some head
    else none
  | _, _ => none

/-- Who gets the messages of an edge. -/
def handlerOf (s : Session) (edge : Nat) : Option String :=
  match s.handlers with
  | none => none
  | some handlers => handlers.of edge

/-- MACH-8: whether the message that an edge has out is still awaited. -/
def isOut (p : Protocol) (s : Session) (delivered : Delivered) (index : Nat) (edge : Edge) : Bool :=
  decide ((s.buffer index).nextSeq < delivered.getD index 0) && (s.awaited p index edge).isSome

/-- Hands out the head of one edge, if it may be; `busy` are the roles that have a message out. -/
def deliverOne (p : Protocol) (s : Session) (index : Nat) (edge : Edge) (busy : List Nat)
    (delivered : Delivered) : Option Deliver :=
  match s.handlerOf index, s.awaited p index edge with
  | some handler, some head =>
    let b := s.buffer index
    if decide (delivered.getD index 0 ≤ b.nextSeq) && !s.frozen.covers (Scope.role edge.to)
        && !busy.contains edge.to then
      some { session := s.id, handler, role := edge.to, «from» := edge.from, seq := b.nextSeq
             label := (p.message head.message).label, value := head.value
             droppedBefore := if b.policy.isLossy then b.droppedBefore else 0 }
    else none
  | _, _ => none

/-- The same for all edges, in their order: to each role one message at a time. -/
def deliverAll (p : Protocol) (s : Session) :
    List (Edge × Nat) → (busy : List Nat) → Delivered → Delivered × List Output
  | [], _, delivered => (delivered, [])
  | (edge, index) :: rest, busy, delivered =>
    match s.deliverOne p index edge busy delivered with
    | none => deliverAll p s rest busy delivered
    | some deliver =>
      let (delivered, others) :=
        deliverAll p s rest (edge.to :: busy) (delivered.set index (deliver.seq + 1))
      (delivered, .deliver deliver :: others)

/-- What was handed out to a handler that is gone is handed out to the next one. -/
def stillDelivered (s : Session) (delivered : Delivered) : Delivered :=
  (List.range s.edges.length).map fun index =>
    if (s.handlerOf index).isNone then 0 else delivered.getD index 0

/-- MACH-8: hands each message to its handler once, as soon as its receiver waits for it, and to each
role one at a time. Doing it once more without a change hands out nothing. -/
def deliver (p : Protocol) (s : Session) (delivered : Delivered) : Delivered × List Output :=
  if s.status.isTerminal || s.handlers.isNone then (s.stillDelivered delivered, []) else
  let delivered := s.stillDelivered delivered
  let edges := p.edges.zipIdx
  let busy := (edges.filter fun (edge, index) => s.isOut p delivered index edge).map (·.1.to)
  s.deliverAll p edges busy delivered

end Session

end Antiphon.Machine
