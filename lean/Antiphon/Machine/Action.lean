import Antiphon.Machine.Position

/-!
What roles do: send, receive, acknowledge. Each checks everything, in the order of the clauses, and
then changes everything.

Rust twin: `src/machine/action.rs`, with the checks of `session.rs` and the words of `explain.rs`. The
short paths of `plain.rs` and `direct.rs` come to the same and have no twin. Clauses: MACH-4, MACH-7,
EDGE-2, EDGE-3, POS-1, POS-2.
-/

namespace Antiphon.Machine.Session

/-- A move out of turn, and what would have been in turn. -/
def notAllowed (p : Protocol) (endpoint : Endpoint) (role : Nat) (attempted : Attempt) : Refusal :=
  let automaton := p.automaton role
  let all := automaton.moves endpoint.state
  .notAllowed
    { role, attempted, position := endpoint.position
      direction := (automaton.direction endpoint.state).getD .receive
      legal := all.take movesShownMax, more := all.length - movesShownMax }

/-- A number, if the protocol has so many. -/
def known (count number : Nat) : Option Nat := if number < count then some number else none

/-- Why a session that is not active does not do it. -/
def inactive : Status → Refusal
  | .draining => .draining
  | ended => .terminal ended

/-- MACH-4: the transition of a send, and the value as its sort has it. Checks everything. -/
def sendable (p : Protocol) (s : Session) (send : Send) : Except Refusal (Transition × Value) :=
  let endpoint := s.endpoint send.role
  if s.status ≠ .active then .error (inactive s.status) else
  match s.unfrozen (Scope.role send.role) with
  | .error refusal => .error refusal
  | .ok () =>
    match (p.automaton send.role).send endpoint.state send.to send.label with
    | none =>
      .error (notAllowed p endpoint send.role
        (.send (known p.labels.length send.label) (known p.roles.length send.to)))
    | some move =>
      match (p.message move.message).sort.conform send.value with
      | .error error => .error (.wrongSort move.label error)
      | .ok value =>
        if (s.buffer move.edge).hasRoom move.message s.kept then .ok (move, value)
        else .error (.edgeFull ⟨send.role, send.to⟩ (s.buffer move.edge).capacity)

/-- EDGE-3: the transition of a receive from `peer`, and the head of the edge, which decides which. -/
def receivable (p : Protocol) (s : Session) (role peer : Nat) :
    Except Refusal (Transition × Queued) :=
  let endpoint := s.endpoint role
  let automaton := p.automaton role
  if s.status.isTerminal then .error (.terminal s.status) else
  match s.unfrozen (Scope.role role) with
  | .error refusal => .error refusal
  | .ok () =>
    match automaton.receiveFrom endpoint.state peer with
    | none =>
      .error (notAllowed p endpoint role (.receive none (known p.roles.length peer)))
    | some waiting =>
      match (s.buffer waiting.edge).front with
      | none => .error (.edgeEmpty ⟨peer, role⟩)
      | some head =>
        let label := (p.message head.message).label
        match automaton.receive endpoint.state peer label head.message with
        | some move => .ok (move, head)
        | none =>
          .error (notAllowed p endpoint role
            (.receive (known p.labels.length label) (known p.roles.length peer)))

/-- Tells an observer of an action; `action.from` is the other role. -/
def advanced (s : Session) (role : Nat) (direction : Direction) (action : Received) : Output :=
  .event (.advanced s.id role direction action.from action.label action.value action.seq
    action.position)

/-- Tells of what was received. -/
def consumed (s : Session) (role : Nat) (received : List Received) : List Output :=
  received.map (s.advanced role .receive)

/-- It was so already: nothing changes. -/
def unchanged (s : Session) (accepted : Accepted) : Came := ⟨s, accepted, []⟩

/-- A send where the role is, behind the receives that were implied by it. -/
def sendNow (p : Protocol) (now : Tick) (s : Session) (by_ : Presented) (send : Send)
    (received : List Received) : Except Refusal Came :=
  match s.sendable p send with
  | .error refusal => .error refusal
  | .ok (move, value) =>
    let seq := (s.buffer move.edge).sent
    let position := (s.endpoint send.role).position + 1
    let (s, recorded) := ((s.touch now).performSend send.role move value).record
      (.input (.act by_ (.send { send with value }))) (.sent move.message seq position)
    let sent := s.advanced send.role .send ⟨move.peer, seq, move.label, value, position⟩
    .ok (s.came p (.sent seq position) (recorded ++ s.consumed send.role received ++ [sent]))

/-- A role sends a message. -/
def send (p : Protocol) (now : Tick) (s : Session) (by_ : Presented) (send : Send) :
    Except Refusal Came :=
  match s.acting by_ send.role with
  | .error refusal => .error refusal
  | .ok endpoint =>
    match send.at with
    | none => s.sendNow p now by_ send []
    | some at_ =>
      if at_ < endpoint.position then
        match s.performedBefore p send.role at_
            (some ⟨p.edge send.role send.to, send.label, send.value⟩) with
        | .error refusal => .error refusal
        | .ok () => .ok (s.unchanged (.duplicate endpoint.position))
      else
        match (s.remember send.role).implied p send.role at_ (at_ - endpoint.position) with
        | .error refusal => .error refusal
        | .ok (s, received) => s.sendNow p now by_ send received

/-- A receive where the role is. -/
def receiveNow (p : Protocol) (now : Tick) (s : Session) (by_ : Presented) (receive : Receive) :
    Except Refusal Came :=
  match s.receivable p receive.role receive.from with
  | .error refusal => .error refusal
  | .ok (move, head) =>
    let (s, received) := (s.touch now).performReceive receive.role move head
    let (s, recorded) := s.record (.input (.act by_ (.receive receive)))
      (.received received.label received.seq received.position)
    .ok (s.came p (.received received) (recorded ++ s.consumed receive.role [received]))

/-- A role takes the head of an edge. -/
def receive (p : Protocol) (now : Tick) (s : Session) (by_ : Presented) (receive : Receive) :
    Except Refusal Came :=
  match s.acting by_ receive.role with
  | .error refusal => .error refusal
  | .ok endpoint =>
    match receive.at with
    | none => s.receiveNow p now by_ receive
    | some at_ =>
      if at_ < endpoint.position then
        match s.performedBefore p receive.role at_ none with
        | .error refusal => .error refusal
        | .ok () => .ok (s.unchanged (.duplicate endpoint.position))
      else if endpoint.position < at_ then .error (.ahead at_ endpoint.position)
      else (s.remember receive.role).receiveNow p now by_ receive

/-- POS-2: a role says that it has performed everything before a position. -/
def acknowledge (p : Protocol) (now : Tick) (s : Session) (by_ : Presented) (role : Nat)
    (position : Position) : Except Refusal Came :=
  match s.acting by_ role with
  | .error refusal => .error refusal
  | .ok endpoint =>
    if position ≤ endpoint.position then .ok (s.unchanged (.duplicate endpoint.position)) else
    match s.implied p role position (position - endpoint.position) with
    | .error refusal => .error refusal
    | .ok (after, received) =>
      if s.status.isTerminal then .error (.terminal s.status) else
      match s.unfrozen (Scope.role role) with
      | .error refusal => .error refusal
      | .ok () =>
        let (after, recorded) := (after.touch now).record
          (.input (.act by_ (.acknowledge role position))) (.acknowledged position)
        .ok (after.came p (.acknowledged position received.length)
          (recorded ++ after.consumed role received))

end Antiphon.Machine.Session
