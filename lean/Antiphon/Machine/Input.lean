import Antiphon.Machine.Receipt
import Antiphon.Machine.Policy

/-!
What a machine is told. Roles and labels are numbers of the session's protocol; a name that the
protocol does not have is a number that it does not have either.

Rust twin: `src/machine/input.rs`.
-/

namespace Antiphon.Machine

/-- The longest reason that is kept, in bytes. -/
def reasonBytesMax : Nat := 1024

/-- How much each edge holds. The default is what the types say. -/
structure Capacities where
  /-- Every edge that is not named below; `none` leaves it to the types. -/
  every : Option Nat
  /-- Single edges; of two entries for one edge the last one holds. -/
  edges : List (Edge × Nat)
  /-- Whether to open the session also if nobody has shown that its roles are safe together. -/
  unchecked : Bool
deriving Repr, DecidableEq

/-- Opens a session. -/
structure Open where
  session : SessionId
  /-- The digest of a protocol that was registered with the machine. -/
  protocol : String
  /-- Who gets every fragment. -/
  owner : Owner
  capacities : Capacities
  /-- Whether the session keeps a journal. -/
  journal : Bool
  /-- What becomes of it when one of its owners is lost. -/
  onLost : OnLost
  /-- What edges do when they are full; of two entries for one edge the last one holds. -/
  policies : List (Edge × Policy)
deriving Repr, DecidableEq

/-- A role sends a message. -/
structure Send where
  role : Nat
  to : Nat
  label : Nat
  value : Value
  /-- The position it belongs at, where the sender numbers its actions. -/
  «at» : Option Position
deriving Repr, DecidableEq

/-- A role takes the head of an edge. -/
structure Receive where
  role : Nat
  «from» : Nat
  «at» : Option Position
deriving Repr, DecidableEq

/-- What can be done to a session under an authority. -/
inductive Act
  | send (send : Send)
  | receive (receive : Receive)
  /-- A role says that it has performed everything before a position. -/
  | acknowledge (role : Nat) (position : Position)
  /-- Names the handler of an edge, or the session's default one; `none` unbinds. -/
  | bind (edge : Option Nat) (handler : Option String)
  | drain (deadline : Option Tick)
  | close
  | cancel (reason : String)
  | fault (reason : String)
  | authority (authority : Authority)
  /-- Somebody comes to act as a role over a connection. -/
  | attach (role : Nat)
  /-- Nobody comes over that connection any more. -/
  | detach (role : Nat) (epoch : Epoch)
deriving Repr, DecidableEq

/-- The role of a send, a receive or an acknowledgement: these ask what they came over. -/
def Act.role : Act → Option Nat
  | .send of => some of.role
  | .receive of => some of.role
  | .acknowledge role _ => some role
  | _ => none

/-- One input. -/
inductive Input
  | «open» (open_ : Open)
  | act (by_ : Presented) (act : Act)
  | commit (commit : Commit)
  /-- All records of the session before this index are durable. -/
  | persisted (session : SessionId) (upto : Nat)
  /-- Nothing but the time. -/
  | tick
  | reclaim (reclaim : Reclaim)
  /-- The host needs the room of a session that has ended. -/
  | reap (session : SessionId)
  /-- An act that came over an attachment. -/
  | over (epoch : Epoch) (by_ : Presented) (act : Act)
  /-- The host was gone and is back, in a later fencing epoch. -/
  | recovered (session : SessionId) (fencing : Nat)
deriving Repr, DecidableEq

/-- The session that the input is about. -/
def Input.session : Input → Option SessionId
  | .«open» of => some of.session
  | .act by_ _ => some by_.session
  | .commit of => some of.receipt.session
  | .persisted id _ => some id
  | .tick => none
  | .reclaim of => some of.session
  | .reap id => some id
  | .over _ by_ _ => some by_.session
  | .recovered id _ => some id

/-- A request about authority as an input. -/
def Made.input : Made → Input
  | .act by_ authority => .act by_ (.authority authority)
  | .commit of => .commit of
  | .reclaim of => .reclaim of

end Antiphon.Machine
