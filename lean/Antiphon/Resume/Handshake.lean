import Antiphon.Resume.Ideal
/-!
# The handshake, and the machine's end of a link

A link outlives its connections: it is one thing that connects, is lost, and is resumed, until its
lifetime is over. Its states are a table, so that the whole of it can be shown.

The machine's end takes the frames of clients. Only `act` and `ack` of the live attachment have it
perform anything; a `resume` makes a new attachment, performs nothing, and answers where the role is.

- The session is its journal. `durable` records of it are kept; a restart loses the others.
- `gated` holds what the machine's end has said, each with the number of records that existed when it
  was said. It leaves when as many are durable, and is lost in a restart.
- `ok` carries what the role has performed. A program sends what follows from that: the position, the
  state, and for each incoming edge how many messages are consumed.

Rust twin: `src/resume/handshake.rs`. Clauses: POS-1 to POS-5.
-/

namespace Antiphon.Resume

/-! ## The states of a link -/

inductive LinkState
  /-- the first connection is being made -/
  | connecting
  | active
  /-- the connection is lost; the session is not -/
  | disconnected
  /-- a connection has come with a token, and is being told where things are -/
  | resuming
  /-- its lifetime is over -/
  | expired
deriving DecidableEq, Repr

inductive LinkEvent
  /-- the first handshake is done -/
  | established
  /-- the connection is lost, or has been silent for too long -/
  | lost
  /-- somebody comes with a token. Where the link was believed to be connected, that is a takeover:
  the attachment so far is stale, closed, and told why -/
  | resume
  /-- the resume was answered -/
  | resumed
  /-- the resume was rejected -/
  | rejected
  /-- its lifetime is over, or the session has ended -/
  | expire
deriving DecidableEq, Repr

def LinkState.all : List LinkState := [.connecting, .active, .disconnected, .resuming, .expired]

def LinkEvent.all : List LinkEvent := [.established, .lost, .resume, .resumed, .rejected, .expire]

/-- From, by, to. What is not here does not happen. -/
def transitions : List (LinkState × LinkEvent × LinkState) := [
  (.connecting,   .established, .active),
  (.connecting,   .expire,      .expired),
  (.active,       .lost,        .disconnected),
  (.active,       .resume,      .resuming),
  (.active,       .expire,      .expired),
  (.disconnected, .resume,      .resuming),
  (.disconnected, .expire,      .expired),
  (.resuming,     .resumed,     .active),
  (.resuming,     .resume,      .resuming),
  (.resuming,     .lost,        .disconnected),
  (.resuming,     .rejected,    .disconnected),
  (.resuming,     .expire,      .expired)]

def LinkState.step (s : LinkState) (e : LinkEvent) : Option LinkState :=
  (transitions.find? fun t => t.1 = s && t.2.1 = e).map (·.2.2)

/-! ## Frames -/

structure Settings where
  /-- How far ahead of the endpoint an action may be to be held, in actions. -/
  window : Nat := 64
  /-- Of how many sends of a role the machine knows the content (POS-4). -/
  remembered : Nat := 64
  /-- How many sends a client decides before the first of them is acknowledged. -/
  outbox : Nat := 64
  /-- Values are compared by their digests. -/
  digest : Nat → Nat := id

/-- Positions are numbers of actions, the first is 0; `seq` is the place of a message on its edge,
from 0; `epoch` is an attachment. -/
inductive Frame
  /-- client: my action number `position` is this send; I have performed every receive before it -/
  | act (role : Role) (epoch : Nat) (position : Nat) (to : Role) (message : Message)
  /-- client: I have performed every receive before number `position` -/
  | ack (role : Role) (epoch : Nat) (position : Nat)
  /-- client: I am (again) here; I know that everything before number `acked` is kept -/
  | resume (role : Role) (attempt : Nat) (acked : Option Nat)
  /-- machine: you are attached, and this is what you have performed -/
  | ok (role : Role) (attempt : Nat) (epoch : Nat) (performed : List Action)
  /-- machine: everything before number `position` is performed and kept -/
  | done (role : Role) (position : Nat)
  /-- machine: this is on your edge from `peer` -/
  | msg (role : Role) (peer : Role) (seq : Nat) (message : Message)
deriving DecidableEq, Repr

/-- The role whose client sends this frame. -/
def Frame.sender : Frame → Option Role
  | .act r _ _ _ _ => some r
  | .ack r _ _ => some r
  | .resume r _ _ => some r
  | _ => none

/-! ## The machine's end -/

/-- An action that came before one that it needs. -/
structure Held where
  role : Role
  position : Nat
  to : Role
  message : Message
deriving DecidableEq, Repr

structure Server where
  journal : Journal := []
  /-- How many records are kept whatever happens. -/
  durable : Nat := 0
  /-- The live attachment of each role. -/
  epochs : Role → Option Nat := fun _ => none
  /-- Epochs never repeat, also not across restarts: a fencing epoch and a counter, as one number. -/
  epochNext : Nat := 0
  /-- Sorted by position. -/
  held : List Held := []
  gated : List (Nat × Frame) := []

namespace Server

/-- What a restart brings back. -/
def kept (s : Server) : Journal := s.journal.take s.durable

/-- The journal has become `j`; `r` is told its position when that is kept. -/
def accept (s : Server) (j : Journal) (r : Role) : Server :=
  { s with journal := j, gated := s.gated ++ [(j.length, .done r (actions r j).length)] }

def insert (h : Held) : List Held → List Held
  | [] => [h]
  | g :: gs => if h.position < g.position then h :: g :: gs else g :: insert h gs

/-- Holds an action that is ahead, if it is within the window and not held yet. -/
def hold (t : Settings) (s : Server) (h : Held) : Server :=
  if (actions h.role s.journal).length + t.window ≤ h.position then s
  else if s.held.any fun g => g.role = h.role && g.position = h.position then s
  else { s with held := insert h s.held }

/-- A refusal at a number discards what is held above it. -/
def discard (s : Server) (r : Role) (n : Nat) : Server :=
  { s with held := s.held.filter fun g => g.role ≠ r || g.position < n }

/-- Performs what is held for `r` and is its turn now, lowest number first. -/
def flush (p : Protocol) (t : Settings) (r : Role) : Nat → Server → Server
  | 0, s => s
  | fuel + 1, s => match s.held.find? fun g => g.role = r with
    | none => s
    | some h => match actAt p t.digest t.remembered s.journal r h.position h.to h.message with
      | .ok j => flush p t r fuel ({ s with held := s.held.erase h }.accept j r)
      | .error (.ahead _) => s
      | .error _ => s.discard r h.position

def handleAct (p : Protocol) (t : Settings) (s : Server) (e : Nat) (h : Held) : Server :=
  if s.epochs h.role ≠ some e then s
  else match actAt p t.digest t.remembered s.journal h.role h.position h.to h.message with
    | .ok j => flush p t h.role s.held.length (s.accept j h.role)
    | .error (.ahead _) => s.hold t h
    | .error _ => s.discard h.role h.position

def handleAck (p : Protocol) (s : Server) (r : Role) (e : Nat) (n : Nat) : Server :=
  if s.epochs r ≠ some e then s
  else match ackAt p s.journal r n with
    | .ok j => s.accept j r
    | .error _ => s

/-- A new attachment for `r`: any other one is stale from here on. Performs nothing. A client that
knows of more than there is has met a journal from an old copy, and gets nowhere with it. -/
def handleResume (s : Server) (r : Role) (attempt : Nat) (acked : Option Nat) : Server :=
  let done := actions r s.journal
  if done.length < acked.getD 0 then s
  else
    { s with
      journal := s.journal ++ [.attached r s.epochNext]
      epochs := fun q => if q = r then some s.epochNext else s.epochs q
      epochNext := s.epochNext + 1
      held := s.held.filter fun g => g.role ≠ r
      gated := s.gated ++ [(s.journal.length + 1, .ok r attempt s.epochNext done)] }

/-- (Re)transmits a message that is on the edge from `q` to `r`. -/
def transmit (s : Server) (q r : Role) (seq : Nat) : Server :=
  if seq < (receivedFrom q (actions r s.journal)).length ∨ s.epochs r = none then s
  else match (sentTo r (actions q s.journal))[seq]? with
    | some m => { s with gated := s.gated ++ [(s.journal.length, .msg r q seq m)] }
    | none => s

/-- The first `n` records are durable. -/
def persisted (s : Server) (n : Nat) : Server :=
  { s with durable := max s.durable (min n s.journal.length) }

/-- What may leave. -/
def released (s : Server) : List Frame :=
  (s.gated.filter fun g => g.1 ≤ s.durable).map (·.2)

/-- What may not leave yet. -/
def ungated (s : Server) : Server :=
  { s with gated := s.gated.filter fun g => s.durable < g.1 }

/-- Everything that was not durable is lost, and every attachment with it. -/
def restarted (s : Server) : Server :=
  { s with journal := s.kept, epochs := fun _ => none, held := [], gated := [] }

def finish (s : Server) : Server := { s with journal := s.journal ++ [.ended] }

end Server

end Antiphon.Resume
