import Antiphon.Types.Automaton
import Antiphon.Types.Evidence
import Antiphon.Types.Value

/-!
# Protocols: local types, compiled to one automaton a role

Owns what a session runs: names and their numbers, messages, edges, automata, and at which
capacities all of it is known to be safe. A compiled protocol is given; `follows` says whether its
tables are those of its types. The digest is text here: what it is made of is not modelled.

Rust twin: `src/types/protocol.rs`. Clauses: EDGE-4, EDGE-7, AUTO-1.
-/

namespace Antiphon

/-- A label with the sort of what it carries. -/
structure Message where
  label : Nat
  sort : PayloadSort
deriving DecidableEq, Repr, Inhabited

/-- A directed pair of roles between which messages go. -/
structure Edge where
  «from» : Nat
  to : Nat
deriving DecidableEq, Repr, Inhabited

/-- A checked protocol, compiled. The lists are in the order of the numbers of what they hold. -/
structure Protocol where
  /-- Hexadecimal text; equal for protocols that behave the same. -/
  digest : String
  name : String
  roles : List String
  /-- One local type a role. -/
  locals : List Local
  labels : List String
  messages : List Message
  /-- Sorted by sender and receiver. -/
  edges : List Edge
  /-- One automaton a role. -/
  automata : List Automaton
  evidence : Evidence
  /-- How much each edge holds if nothing else is said. -/
  rooms : List Nat
deriving DecidableEq, Repr, Inhabited

/-- The place of the first element that `p` holds of. -/
def placeOf {α : Type} (p : α → Bool) : List α → Option Nat
  | [] => none
  | x :: rest => if p x then some 0 else (placeOf p rest).map (· + 1)

namespace Protocol

/-- The number of a role. -/
def role (p : Protocol) (name : String) : Option Nat := placeOf (· == name) p.roles

/-- The number of a label. -/
def label (p : Protocol) (name : String) : Option Nat := placeOf (· == name) p.labels

/-- The number of a label with a sort. -/
def messageOf (p : Protocol) (label : Nat) (sort : PayloadSort) : Option Nat :=
  placeOf (fun message => message.label == label && message.sort == sort) p.messages

/-- The number of the edge between two roles. -/
def edge (p : Protocol) («from» to : Nat) : Option Nat :=
  placeOf (fun edge => edge.from == «from» && edge.to == to) p.edges

/-- A role, a label, a message by its number. -/
def roleName (p : Protocol) (role : Nat) : String := p.roles.getD role ""
def labelName (p : Protocol) (label : Nat) : String := p.labels.getD label ""
def message (p : Protocol) (message : Nat) : Message := p.messages.getD message default

/-- What a role may do, as a table and as a type. -/
def automaton (p : Protocol) (role : Nat) : Automaton := p.automata.getD role ⟨[]⟩
def localOf (p : Protocol) (role : Nat) : Local := p.locals.getD role .end

/-- The edge of what `owner` sends to, or receives from, `peer`. -/
def edgeOf (p : Protocol) (owner : Nat) (direction : Direction) (peer : Nat) : Option Nat :=
  match direction with
  | .send => p.edge owner peer
  | .receive => p.edge peer owner

/-- The numbers of an action of `owner`. -/
def number (p : Protocol) (owner : Nat) : Numbering := fun action =>
  match p.role action.peer, p.label action.label with
  | some peer, some label =>
    match p.messageOf label action.sort, p.edgeOf owner action.direction peer with
    | some message, some edge => some ⟨action.direction, peer, label, message, edge⟩
    | _, _ => none
  | _, _ => none

/-- AUTO-1: whether the table of each role does what the role's type says. -/
def follows (p : Protocol) : Bool :=
  p.automata.length == p.roles.length && p.locals.length == p.roles.length
    && (List.range p.roles.length).all fun role =>
      (p.automaton role).follows (p.number role) (p.localOf role)

/-- Whether the numbers in a table for `role` are those of the protocol: the edge between the two
roles, the label of the message. -/
def fits (p : Protocol) (role : Nat) (a : Automaton) : Bool :=
  a.rows.all fun row => row.moves.all fun t =>
    p.edgeOf role row.direction t.peer == some t.edge
      && (p.messages[t.message]?).map Message.label == some t.label

/-- The same protocol with another table for one role. -/
def replace (p : Protocol) (role : Nat) (a : Automaton) : Protocol :=
  { p with automata := p.automata.set role a }

/-- Whether all numbers are numbers of something. -/
def wellFormed (p : Protocol) : Bool :=
  p.automata.length == p.roles.length && p.locals.length == p.roles.length
    && p.rooms.length == p.edges.length
    && p.locals.all Local.wellFormed
    && (p.messages.all fun message => decide (message.label < p.labels.length))
    && (p.edges.all fun edge =>
      decide (edge.from < p.roles.length) && decide (edge.to < p.roles.length)
        && edge.from != edge.to)
    && p.automata.all Automaton.wellFormed
    && (List.range p.roles.length).all fun role => p.fits role (p.automaton role)

end Protocol

end Antiphon
