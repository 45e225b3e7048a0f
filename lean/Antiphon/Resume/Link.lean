import Antiphon.Resume.Outbox
/-!
# The link: clients, the machine's end, and a network that does what it likes

A session's machine on one side, the client of each role on the other, and between them a bag of
frames: whatever is in it may arrive, now, later, in any order, more than once or never. A client may
lose its connection, its memory, or its place to another device. The machine's end may stop at any
moment and go on from what is durable.

- `forget` is loss of memory, and also takeover by a device without one: whoever goes on starts from
  what the machine says, and what the other one has sent is still in the bag.
- An attempt is a connection's own number, so that nobody takes an answer to somebody else's `resume`
  for its own.

Rust twin: none; it is the world of the simulation.
-/

namespace Antiphon.Resume

structure System where
  server : Server := {}
  clients : Role → Client := fun _ => {}
  net : List Frame := []
  attemptNext : Nat := 0
  /-- For proofs alone: whatever a client has ever done, and as which number. -/
  story : List (Role × Nat × Action) := []

inductive Event
  /-- The owner of `role` decides a send. -/
  | decide (role : Role) (to : Role) (message : Message)
  /-- The owner of `role` consumes the next message from `peer`. -/
  | consume (role : Role) (peer : Role)
  | sendAct (role : Role) (position : Nat)
  | sendAck (role : Role) (position : Nat)
  | sendResume (role : Role)
  | reconnect (role : Role)
  | disconnect (role : Role)
  | forget (role : Role)
  /-- A frame arrives. -/
  | arrive (frame : Frame)
  | drop (frame : Frame)
  | duplicate (frame : Frame)
  | transmit (peer : Role) (role : Role) (seq : Nat)
  /-- The first `count` records are durable, and what waited for that leaves. -/
  | persist (count : Nat)
  | restart
  | finish
  /-- Somebody sends a frame of their own making. -/
  | forge (frame : Frame)
deriving DecidableEq, Repr

/-- What programs, the network and the disk do by themselves: nobody decides or consumes, and nothing
is lost. -/
def Event.isExchange : Event → Bool
  | .sendAct _ _ | .sendAck _ _ | .sendResume _ | .reconnect _ | .arrive _ | .transmit _ _ _
  | .persist _ => true
  | _ => false

namespace System

def setClient (s : System) (r : Role) (c : Client) : System :=
  { s with clients := fun q => if q = r then c else s.clients q }

def post (s : System) (f : Option Frame) : System := { s with net := f.toList ++ s.net }

/-- What a client has done is written down, for proofs alone. -/
def record (s : System) (r : Role) (n : Nat) (a : Action) : System :=
  { s with story := (r, n, a) :: s.story }

/-- The addressee handles a frame. -/
def handle (p : Protocol) (t : Settings) (s : System) : Frame → System
  | .act r e n q x => { s with server := s.server.handleAct p t e ⟨r, n, q, x⟩ }
  | .ack r e n => { s with server := s.server.handleAck p r e n }
  | .resume r attempt acked => { s with server := s.server.handleResume r attempt acked }
  | .ok r attempt e done => s.setClient r ((s.clients r).handleOk attempt e done)
  | .done r n => s.setClient r ((s.clients r).handleDone n)
  | .msg r q n x => s.setClient r ((s.clients r).handleMsg q n x)

/-- What happens; nothing does where it cannot. -/
def step (p : Protocol) (t : Settings) (s : System) : Event → System
  | .decide r q x => match (s.clients r).memory with
    | none => s
    | some m => match m.decide p t r q x with
      | none => s
      | some m' =>
        (s.setClient r { s.clients r with memory := some m' }).record r m.position (.send q x)
  | .consume r q => match (s.clients r).memory with
    | none => s
    | some m => match m.consume p r q with
      | none => s
      | some (x, m') =>
        (s.setClient r { s.clients r with memory := some m' }).record r m.position (.receive q x)
  | .sendAct r n => s.post ((s.clients r).act r n)
  | .sendAck r n => s.post ((s.clients r).ack r n)
  | .sendResume r => s.post ((s.clients r).resume r)
  | .reconnect r =>
    { s.setClient r ((s.clients r).reconnect s.attemptNext) with attemptNext := s.attemptNext + 1 }
  | .disconnect r => s.setClient r (s.clients r).disconnect
  | .forget r => s.setClient r {}
  | .arrive f => if f ∈ s.net then handle p t { s with net := s.net.erase f } f else s
  | .drop f => { s with net := s.net.erase f }
  | .duplicate f => if f ∈ s.net then { s with net := f :: s.net } else s
  | .transmit q r n => { s with server := s.server.transmit q r n }
  | .persist n =>
    let server := s.server.persisted n
    { s with server := server.ungated, net := server.released ++ s.net }
  | .restart => { s with server := s.server.restarted }
  | .finish => { s with server := s.server.finish }
  | .forge f => if f.sender.isSome then { s with net := f :: s.net } else s

def run (p : Protocol) (t : Settings) : System → List Event → System
  | s, [] => s
  | s, e :: es => run p t (step p t s e) es

/-- The kept journal: the session as everybody has been told of it. -/
def kept (s : System) : Journal := s.server.kept

end System

/-- How many actions of `r` its client has done and the machine has not kept. -/
def System.owed (s : System) (r : Role) : Nat :=
  match (s.clients r).memory with
  | none => 0
  | some m => m.position - (actions r s.kept).length

/-- Tokens are not forged: whoever makes up frames does it under a role whose token is theirs, and
not under an `honest` one. -/
def Unforged (honest : Role → Prop) (e : Event) : Prop :=
  ∀ f r, e = .forge f → f.sender = some r → ¬honest r

/-- What may have happened when the clients of the `honest` roles follow their rules. Nothing is
asked of the others, of the network, or of when the machine's end stops. -/
inductive Reachable (p : Protocol) (t : Settings) (honest : Role → Prop) : System → Prop
  | start : Reachable p t honest {}
  | step {s : System} {e : Event} :
      Reachable p t honest s → Unforged honest e → Reachable p t honest (System.step p t s e)

end Antiphon.Resume
