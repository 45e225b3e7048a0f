/-!
# A session over perfect channels

The specification that a session over a bad network is held to: every role speaks to the machine
directly, nothing is lost, repeated or overtaken, and nobody forgets. A session is its journal; what
a role has done, what lies on an edge and who may go on are read off the journal, naively.

Roles, labels and states are indices, and a value is its canonical bytes read as a number, as in
`src/types/automaton.rs`. All edges have the policy `block`.

Rust twin: none; it is the naive reference of the tests of `src/resume`.
Clauses: EDGE-2, EDGE-3, MACH-4, POS-1, POS-2, POS-4, POS-5.
-/

namespace Antiphon.Resume

abbrev Role := Nat
abbrev Label := Nat
abbrev State := Nat

structure Message where
  label : Label
  value : Nat
deriving DecidableEq, Repr

inductive Action
  | send (to : Role) (message : Message)
  | receive (peer : Role) (message : Message)
deriving DecidableEq, Repr

/-- One legal move of a state: with whom, which label, and the state behind it. -/
structure Branch where
  peer : Role
  label : Label
  next : State
deriving DecidableEq, Repr

/-- A state sends or receives, never both. A state that does neither has no branches. -/
inductive Turn
  | sends (branches : List Branch)
  | receives (branches : List Branch)
deriving DecidableEq, Repr

structure Protocol where
  start : Role → State
  turn : Role → State → Turn
  capacity : Role → Role → Nat

/-- What a session remembers. Why it ended (a timer, its policy, an owner) makes no difference here. -/
inductive Record
  | acted (role : Role) (action : Action)
  | attached (role : Role) (epoch : Nat)
  | ended
deriving DecidableEq, Repr

abbrev Journal := List Record

/-- The actions that `r` has performed. Their number is its position. -/
def actions (r : Role) : Journal → List Action
  | [] => []
  | .acted r' a :: j => if r' = r then a :: actions r j else actions r j
  | .attached _ _ :: j => actions r j
  | .ended :: j => actions r j

/-- The messages to `q` among these actions, in order. -/
def sentTo (q : Role) : List Action → List Message
  | [] => []
  | .send q' m :: as => if q' = q then m :: sentTo q as else sentTo q as
  | .receive _ _ :: as => sentTo q as

/-- The messages from `q` among these actions, in order. -/
def receivedFrom (q : Role) : List Action → List Message
  | [] => []
  | .send _ _ :: as => receivedFrom q as
  | .receive q' m :: as => if q' = q then m :: receivedFrom q as else receivedFrom q as

/-- How many sends there are among these actions. -/
def sends : List Action → Nat
  | [] => 0
  | .send _ _ :: as => sends as + 1
  | .receive _ _ :: as => sends as

/-- What is on the edge from `q` to `r`, the head first. -/
def edge (j : Journal) (q r : Role) : List Message :=
  (sentTo r (actions q j)).drop (receivedFrom q (actions r j)).length

/-- The state behind the branch for this partner and label. -/
def lookup (peer : Role) (label : Label) : List Branch → Option State
  | [] => none
  | b :: bs => if b.peer = peer ∧ b.label = label then some b.next else lookup peer label bs

/-- The state behind an action that `r` may perform in this state. -/
def next (p : Protocol) (r : Role) (state : State) : Action → Option State
  | .send q m => match p.turn r state with
    | .sends bs => lookup q m.label bs
    | .receives _ => none
  | .receive q m => match p.turn r state with
    | .sends _ => none
    | .receives bs => lookup q m.label bs

def follow (p : Protocol) (r : Role) : State → List Action → Option State
  | state, [] => some state
  | state, a :: as => match next p r state a with
    | some state => follow p r state as
    | none => none

/-- The state that `r` is in behind these actions; none if its type does not allow them. -/
def stateAfter (p : Protocol) (r : Role) (done : List Action) : Option State :=
  follow p r (p.start r) done

/-- Why something was not done. -/
inductive Refusal
  | staleAttachment
  | positionConflict
  | tooOld
  | ahead (position : Nat)
  | ambiguousReceive
  | terminal
  | notAllowed
  | edgeFull
  | edgeEmpty
  | beyondWindow
  | regressed
deriving DecidableEq, Repr

/-- Performs one record at the machine, or says why not. -/
def perform (p : Protocol) (j : Journal) : Record → Except Refusal Journal
  | .acted r (.send q m) =>
    if .ended ∈ j then .error .terminal
    else if ((stateAfter p r (actions r j)).bind (next p r · (.send q m))).isNone then
      .error .notAllowed
    else if p.capacity r q ≤ (edge j r q).length then .error .edgeFull
    else .ok (j ++ [.acted r (.send q m)])
  | .acted r (.receive q m) =>
    if .ended ∈ j then .error .terminal
    else if ((stateAfter p r (actions r j)).bind (next p r · (.receive q m))).isNone then
      .error .notAllowed
    else if (edge j q r).head? ≠ some m then .error .edgeEmpty
    else .ok (j ++ [.acted r (.receive q m)])
  | .attached r e => .ok (j ++ [.attached r e])
  | .ended => .ok (j ++ [.ended])

/-- The journals of sessions over perfect channels. -/
inductive Ideal (p : Protocol) : Journal → Prop
  | start : Ideal p []
  | step {j j' : Journal} {record : Record} :
      Ideal p j → perform p j record = .ok j' → Ideal p j'

/-- The receives that are possible for `r` now. -/
def enabled (p : Protocol) (j : Journal) (r : Role) : List (Role × Message) :=
  match (stateAfter p r (actions r j)).map (p.turn r) with
  | some (.receives bs) => bs.filterMap fun b =>
    match edge j b.peer r with
    | m :: _ => if m.label = b.label then some (b.peer, m) else none
    | [] => none
  | _ => []

/-- Performs the next `n` receives of `r` where each is the only one that is possible (POS-2). -/
def implied (p : Protocol) (r : Role) : Nat → Journal → Except Refusal Journal
  | 0, j => .ok j
  | n + 1, j => match enabled p j r with
    | [] => .error (.ahead (actions r j).length)
    | [(q, m)] => implied p r n (j ++ [.acted r (.receive q m)])
    | _ :: _ :: _ => .error .ambiguousReceive

/-- Whether a claimed send is the one that was performed: same receiver, label and value digest. -/
def same (digest : Nat → Nat) (q : Role) (m : Message) : Action → Bool
  | .send q' m' => q = q' && m.label = m'.label && digest m.value = digest m'.value
  | .receive _ _ => false

/-- What comes of the send of `m` to `q` that `r` says is its action number `n`. A duplicate changes
nothing and is accepted. -/
def actAt (p : Protocol) (digest : Nat → Nat) (remembered : Nat) (j : Journal) (r : Role)
    (n : Nat) (q : Role) (m : Message) : Except Refusal Journal :=
  if h : n < (actions r j).length then
    if remembered < sends ((actions r j).drop n) then .error .tooOld
    else if same digest q m (actions r j)[n] then .ok j
    else .error .positionConflict
  else match implied p r (n - (actions r j).length) j with
    | .ok j' => perform p j' (.acted r (.send q m))
    | .error refusal => .error refusal

/-- What comes of it when `r` says that it has performed every receive before number `n`. -/
def ackAt (p : Protocol) (j : Journal) (r : Role) (n : Nat) : Except Refusal Journal :=
  match implied p r (n - (actions r j).length) j with
  | .ok j' => if .ended ∈ j ∧ (actions r j).length < n then .error .terminal else .ok j'
  | .error refusal => .error refusal

end Antiphon.Resume
