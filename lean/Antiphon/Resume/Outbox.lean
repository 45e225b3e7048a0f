import Antiphon.Resume.Handshake
/-!
# The client of a role

What it has done, what of that is not acknowledged (the outbox), and what has arrived and is not
consumed. It decides and consumes also while it is not attached.

A memory is lost whole or not at all: a client keeps an action before it sends it.

Rust twin: `src/resume/outbox.rs`. Clauses: POS-2, POS-5.
-/

namespace Antiphon.Resume

/-- What a client must not lose in part. -/
structure Memory where
  /-- What it has done, in order: the sends that its owner decided, the messages that it consumed. -/
  performed : List Action
  /-- Everything before this number is kept by the machine. -/
  acked : Nat
  /-- Messages that have arrived and are not consumed. -/
  inbox : List (Role × Nat × Message)
deriving DecidableEq, Repr

structure Client where
  /-- None: it remembers nothing. -/
  memory : Option Memory := none
  /-- Its present connection. -/
  attempt : Option Nat := none
  /-- Its attachment, once it was told. -/
  epoch : Option Nat := none
deriving DecidableEq, Repr

namespace Memory

def position (m : Memory) : Nat := m.performed.length

/-- The outbox: how many sends are not acknowledged. -/
def outstanding (m : Memory) : Nat := sends (m.performed.drop m.acked)

/-- The owner decides a send. -/
def decide (p : Protocol) (t : Settings) (r : Role) (m : Memory) (q : Role) (x : Message) :
    Option Memory :=
  if t.outbox ≤ m.outstanding then none
  else if ((stateAfter p r m.performed).bind (next p r · (.send q x))).isNone then none
  else some { m with performed := m.performed ++ [.send q x] }

/-- The number of the next message from `q`. -/
def seq (m : Memory) (q : Role) : Nat := (receivedFrom q m.performed).length

/-- The next message from `q`, if it has arrived. -/
def head (m : Memory) (q : Role) : Option Message :=
  (m.inbox.find? fun f => f.1 = q && f.2.1 = m.seq q).map (·.2.2)

/-- The owner consumes the next message from `q`. -/
def consume (p : Protocol) (r : Role) (m : Memory) (q : Role) : Option (Message × Memory) :=
  match m.head q with
  | none => none
  | some x =>
    if ((stateAfter p r m.performed).bind (next p r · (.receive q x))).isNone then none
    else some (x, { m with
      performed := m.performed ++ [.receive q x]
      inbox := m.inbox.filter fun f => f.1 ≠ q || m.seq q < f.2.1 })

/-- A message arrives: what is consumed or here already is dropped. -/
def take (m : Memory) (q : Role) (n : Nat) (x : Message) : Memory :=
  if n < m.seq q then m
  else if m.inbox.any fun f => f.1 = q && f.2.1 = n then m
  else { m with inbox := m.inbox ++ [(q, n, x)] }

end Memory

namespace Client

/-- The machine has attached the client. Without a memory, or with one that is behind the machine
and so not its own, it goes on from what the machine says. -/
def handleOk (c : Client) (attempt : Nat) (e : Nat) (done : List Action) : Client :=
  if c.attempt ≠ some attempt then c
  else if e < c.epoch.getD 0 then c
  else
    let fresh : Memory := { performed := done, acked := done.length, inbox := [] }
    match c.memory with
    | none => { c with epoch := some e, memory := some fresh }
    | some m =>
      if m.position < done.length then { c with epoch := some e, memory := some fresh }
      else { c with epoch := some e, memory := some { m with acked := max m.acked done.length } }

def handleDone (c : Client) (n : Nat) : Client :=
  { c with memory := c.memory.map fun m => { m with acked := max m.acked n } }

def handleMsg (c : Client) (q : Role) (n : Nat) (x : Message) : Client :=
  { c with memory := c.memory.map fun m => m.take q n x }

/-- `ACT` for number `n`, if that is in the outbox and there is an attachment. -/
def act (c : Client) (r : Role) (n : Nat) : Option Frame :=
  match c.memory, c.epoch with
  | some m, some e => match m.performed[n]? with
    | some (.send q x) => if m.acked ≤ n then some (.act r e n q x) else none
    | _ => none
  | _, _ => none

/-- `ACK` for everything before number `n`, which the client has performed. That need not be all:
where the machine has no room for a send of the outbox, the receives before it are acknowledged, so
that nobody waits for ever for the room that they make. -/
def ack (c : Client) (r : Role) (n : Nat) : Option Frame :=
  match c.memory, c.epoch with
  | some m, some e => if n ≤ m.position then some (.ack r e n) else none
  | _, _ => none

/-- The connection is lost. -/
def disconnect (c : Client) : Client := { c with attempt := none, epoch := none }

/-- A new connection. -/
def reconnect (c : Client) (attempt : Nat) : Client :=
  { c with attempt := some attempt, epoch := none }

/-- `RESUME` on the present connection. -/
def resume (c : Client) (r : Role) : Option Frame :=
  c.attempt.map fun attempt => .resume r attempt (c.memory.map (·.acked))

end Client

end Antiphon.Resume
