import Antiphon.Machine.Effect

/-!
Actions that say at which position they belong: repeats, conflicts, receives that are implied.

Rust twin: `src/machine/position.rs`, with the checks of `remember.rs`. Clauses: POS-1, POS-2.
-/

namespace Antiphon.Machine

/-- A send that says it was performed. -/
structure Claim where
  edge : Option Nat
  label : Nat
  value : Value
deriving Repr, DecidableEq

/-- POS-1: whether the claim is of this very send: same receiver, label and value. -/
def Performed.is (p : Protocol) (performed : Performed) (claim : Claim) : Except Taken Unit :=
  let message := p.message performed.message
  let to := (p.edges.getD performed.edge default).to
  if claim.edge ≠ some performed.edge ∨ claim.label ≠ message.label then
    .error (.sendOf message.label to)
  else
    match message.sort.conform claim.value with
    | .ok value =>
      if value = performed.value then .ok () else .error (.sendWith message.label to)
    | .error _ => .error (.sendWith message.label to)

/-- POS-1: whether what was done at a position, before `now`, is the claimed send, or a receive where
nothing is claimed. -/
def Ring.check (p : Protocol) (r : Ring) (at_ now : Position) (claim : Option Claim) :
    Except Refusal Unit :=
  match r.from with
  | none => .error (.tooOld at_ now)
  | some oldest =>
    if at_ < oldest then .error (.tooOld at_ oldest) else
    match r.sends.find? (·.at == at_), claim with
    | none, none => .ok ()
    | none, some _ => .error (.positionConflict at_ .receive)
    | some _, none => .error (.positionConflict at_ .send)
    | some performed, some claim =>
      match performed.is p claim with
      | .ok () => .ok ()
      | .error taken => .error (.positionConflict at_ taken)

namespace Session

/-- Where a role is; at the beginning, where there is no such role. -/
def endpoint (s : Session) (role : Nat) : Endpoint := s.endpoints.getD role ⟨0, 0⟩

/-- Puts a role and an edge in the place of what they were. -/
def put (s : Session) (role : Nat) (endpoint : Endpoint) (edge : Nat) (buffer : Buffer) : Session :=
  { s with endpoints := s.endpoints.set role endpoint, edges := s.edges.set edge buffer }

/-- Takes the head of the edge, which is `queued`, and advances the receiver. -/
def performReceive (s : Session) (role : Nat) (move : Transition) (queued : Queued) :
    Session × Received :=
  let position := (s.endpoint role).position + 1
  (s.put role ⟨move.next, position⟩ move.edge (s.buffer move.edge).pop,
    ⟨move.peer, queued.seq, move.label, queued.value, position⟩)

/-- POS-4: what is remembered with one more send. -/
def rememberSend (s : Session) (role : Nat) (performed : Performed) : Option (List Ring) :=
  s.remembered.map fun rings => rings.modify role (·.push performed)

/-- Appends the message and advances the sender. -/
def performSend (s : Session) (role : Nat) (move : Transition) (value : Value) : Session :=
  let endpoint := s.endpoint role
  let buffer := ((s.buffer move.edge).makeRoom move.message s.kept).push move.message value
  { s.put role ⟨move.next, endpoint.position + 1⟩ move.edge buffer with
    remembered := s.rememberSend role ⟨endpoint.position, move.edge, move.message, value⟩ }

/-- From now on the sends of `role` are remembered, so that a repeat can be told from a different
action. -/
def remember (s : Session) (role : Nat) : Session :=
  let rings := s.remembered.getD (s.endpoints.map fun _ => Ring.empty)
  { s with remembered := some (rings.modify role (·.start (s.endpoint role).position)) }

/-- POS-1: whether the action at a position that lies behind the endpoint is the claimed one. -/
def performedBefore (p : Protocol) (s : Session) (role : Nat) (at_ : Position)
    (claim : Option Claim) : Except Refusal Unit :=
  let now := (s.endpoint role).position
  match s.remembered with
  | none => .error (.tooOld at_ now)
  | some rings => (rings.getD role Ring.empty).check p at_ now claim

/-- Whether messages of the edge may be dropped. -/
def drops (s : Session) (edge : Nat) : Bool := (s.buffer edge).policy.isLossy

/-- POS-2: performs the receives that bring a role so many actions further, where messages and types
determine them; `upto` is the position that was claimed. -/
def implied (p : Protocol) (s : Session) (role : Nat) (upto : Position) :
    (missing : Nat) → Except Refusal (Session × List Received)
  | 0 => .ok (s, [])
  | missing + 1 =>
    let endpoint := s.endpoint role
    match s.enabled p role endpoint.state fun _ => 0 with
    | [] => .error (.ahead upto endpoint.position)
    | [only] =>
      -- EDGE-17: what lies there now need not be what the receiver was shown.
      if s.drops only.edge then .error (.ambiguousReceive endpoint.position) else
      match (s.buffer only.edge).front with
      | none => .error (.ahead upto endpoint.position)
      | some queued =>
        let (s, first) := s.performReceive role only queued
        match implied p s role upto missing with
        | .error refusal => .error refusal
        | .ok (s, others) => .ok (s, first :: others)
    | _ => .error (.ambiguousReceive endpoint.position)

/-- The message that a send would be: the one performed at its position, or the one that the state
behind the implied receives allows. Who reads a value from text learns its sort from this. -/
def meant (p : Protocol) (s : Session) (role to label : Nat) (at_ : Option Position) : Option Nat :=
  match s.endpoints[role]? with
  | none => none
  | some endpoint =>
    let allowed := fun (state : Nat) =>
      ((p.automaton role).send state to label).map fun move => move.message
    match at_ with
    | none => allowed endpoint.state
    | some at_ =>
      if at_ < endpoint.position then
        match s.remembered with
        | none => none
        | some rings =>
          let ring := rings.getD role Ring.empty
          match ring.from with
          | none => none
          | some _ => (ring.sends.find? (·.at == at_)).map fun send => send.message
      else
        match s.implied p role at_ (at_ - endpoint.position) with
        | .error _ => none
        | .ok (s, _) => allowed (s.endpoint role).state

end Session

end Antiphon.Machine
