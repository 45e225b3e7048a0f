import Antiphon.Machine.Effect

/-!
How a session is opened: what is asked of capacities and policies, and when an opening is the repeat
of another one.

Rust twin: `open` of `src/machine/session.rs` and `src/machine/mod.rs`, with the checks of
`policy.rs` and the vectors of `input.rs`. Clauses: MACH-2, EDGE-1, EDGE-5, EDGE-7, EDGE-10, EDGE-13,
EDGE-18, EDGE-19.
-/

namespace Antiphon.Machine

/-- What each edge of a protocol is given, in the order of its edges. -/
def Capacities.vector (c : Capacities) (p : Protocol) : List Nat :=
  (p.edges.zip p.rooms).map fun (edge, room) =>
    match c.edges.reverse.find? (·.1 == edge) with
    | some (_, capacity) => capacity
    | none => c.every.getD room

/-- The same said in full: what a record holds must not depend on what the types are known to need. -/
def Capacities.resolved (c : Capacities) (p : Protocol) (checked : Bool) : Capacities :=
  match c.every with
  | some _ => { c with unchecked := !checked }
  | none =>
    let every := (p.rooms.max?).getD capacityDefault
    { every := some every
      edges := (p.edges.zip (c.vector p)).filter fun (_, capacity) => capacity != every
      unchecked := !checked }

namespace Open

/-- Whether the protocol has every edge that is named. -/
def knowsEdges (p : Protocol) (edges : List Edge) : Bool :=
  edges.all fun edge => (p.edge edge.from edge.to).isSome

/-- EDGE-10: the policy of an edge: of several the last. -/
def policyOf (o : Open) (edge : Edge) : Policy :=
  match o.policies.reverse.find? (·.1 == edge) with
  | some (_, policy) => policy
  | none => .block

/-- EDGE-12, EDGE-13: an edge with its policy, if it can have it. -/
def policed (p : Protocol) (index : Nat) (edge : Edge) (policy : Policy) (b : Buffer) :
    Except Refusal Buffer :=
  if policy = .block then .ok b else
  if carriesChan p index edge.from || carriesChan p index edge.to then
    .error (.badPolicy edge policy .chan)
  else
    let drops := if policy.isLossy then droppable p index edge.to else []
    match policy with
    | .resize max =>
      if capacityMax < max then .error (.badCapacity edge max)
      else if max < b.capacity then .error (.badPolicy edge policy (.shrinks b.capacity))
      else .ok { b with policy }
    | _ =>
      if drops.isEmpty then .error (.badPolicy edge policy .nothingToDrop)
      else .ok { b with policy, droppable := drops }

/-- EDGE-1: the first edge of a capacity out of range. -/
def badCapacity (all : List (Edge × Nat)) : Option (Edge × Nat) :=
  all.find? fun (_, capacity) => capacity == 0 || decide (capacityMax < capacity)

/-- The edges from number `index` on, with their policies. -/
def buffersFrom (p : Protocol) (o : Open) (index : Nat) :
    List (Edge × Nat) → Except Refusal (List Buffer)
  | [] => .ok []
  | (edge, capacity) :: rest =>
    match policed p index edge (o.policyOf edge) (Buffer.new capacity) with
    | .error refusal => .error refusal
    | .ok buffer =>
      match buffersFrom p o (index + 1) rest with
      | .error refusal => .error refusal
      | .ok buffers => .ok (buffer :: buffers)

/-- EDGE-18: how far an edge may grow. -/
def most (b : Buffer) : Nat :=
  match b.policy with
  | .resize max => max
  | _ => b.capacity

/-- EDGE-18: whether the roles are known to be safe together at these capacities, and at those that
the edges may grow to. -/
def covered (p : Protocol) (buffers : List Buffer) : Bool :=
  p.evidence.covers (buffers.map (·.capacityStart)) && p.evidence.covers (buffers.map most)

/-- EDGE-19: whether messages may be dropped. -/
def isLossy (buffers : List Buffer) : Bool := buffers.any (·.policy.isLossy)

/-- What a record holds. -/
def resolved (o : Open) (p : Protocol) (checked : Bool) : Open :=
  { o with
    capacities := o.capacities.resolved p checked
    policies := (p.edges.map fun edge => (edge, o.policyOf edge)).filter fun (_, policy) =>
      policy != .block }

end Open

namespace Session

/-- The session of an opening, with nothing left to check; `known` is whether its roles are known to
be safe together at its capacities. -/
def fresh (p : Protocol) (now : Tick) (o : Open) (buffers : List Buffer) (known : Bool) : Session :=
  { id := o.session, protocol := p.digest
    -- EDGE-19: nothing is known of roles that drop messages.
    checked := known && !Open.isLossy buffers
    onLost := o.onLost, status := .active, tick := now
    endpoints := p.roles.map fun _ => ⟨0, 0⟩, edges := buffers
    ownership := Ownership.ofOpener o.owner p
    spread := none, outstanding := none, deadline := none, remembered := none, handlers := none
    attachments := none
    records := if o.journal then some 0 else none }

/-- Checks capacities and policies and makes the session. What a journal says was accepted is not
judged again: `replaying` tells that its record says what was known then. -/
def opening (p : Protocol) (now : Tick) (o : Open) (replaying : Bool) : Except Refusal Session :=
  if !(Open.knowsEdges p (o.capacities.edges.map (·.1))) then .error .unknownEdge else
  if !(Open.knowsEdges p (o.policies.map (·.1))) then .error .unknownEdge else
  let asked := p.edges.zip (o.capacities.vector p)
  match Open.badCapacity asked with
  | some (edge, capacity) => .error (.badCapacity edge capacity)
  | none =>
    match o.buffersFrom p 0 asked with
    | .error refusal => .error refusal
    | .ok buffers =>
      let known := if replaying then !o.capacities.unchecked else Open.covered p buffers
      if !known && !o.capacities.unchecked then .error (.capacityUnchecked p.evidence)
      else .ok (fresh p now o buffers known)

/-- The capability over everything, for the owner that the session has. -/
def capability (s : Session) : Presented :=
  ⟨s.id, s.ownership.owner, s.ownership.generation, s.ownership.scope⟩

/-- Opens a session: its first record, and what follows. -/
def «open» (p : Protocol) (now : Tick) (o : Open) (replaying : Bool) : Except Refusal Came :=
  match opening p now o replaying with
  | .error refusal => .error refusal
  | .ok s =>
    let (s, recorded) := s.record (.input (.«open» (o.resolved p s.checked)))
      (.opened s.ownership.generation)
    .ok (s.came p (.opened s.capability) (recorded ++ [.event (.opened s.id)]))

/-- EDGE-19: whether it is unchecked for no other reason than that it drops messages. -/
def isLossyAlone (p : Protocol) (s : Session) : Bool :=
  Open.isLossy s.edges && Open.covered p s.edges

/-- MACH-2: whether it is what the opening would make, and its opener still owns it. -/
def isOpenedBy (p : Protocol) (s : Session) (o : Open) : Bool :=
  p.digest == o.protocol
    && s.ownership == Ownership.ofOpener o.owner p
    && s.records.isSome == o.journal
    && Open.knowsEdges p (o.capacities.edges.map (·.1))
    && o.capacities.vector p == s.edges.map (·.capacityStart)
    && Open.knowsEdges p (o.policies.map (·.1))
    && p.edges.map o.policyOf == s.edges.map (·.policy)
    && (s.checked || o.capacities.unchecked || s.isLossyAlone p)
    && s.onLost == o.onLost

end Session

end Antiphon.Machine
