import Antiphon.Types.Compose.System

/-!
# The search for configurations

Breadth first, so that what is found is found by a shortest run, and in the order of roles and moves, so that it is found where
Rust finds it. Nothing here is trusted: what it returns is checked (`Types/Compose/Verdict.lean`).

Rust twin: `src/types/compose/explore.rs`, which leaves out runs that differ in the order of independent moves only. Clauses:
COMP-5, COMP-7.
-/

namespace Antiphon.Compose

/-- A role that has something to do, or the message at the head of an edge. -/
inductive Waiter where
  | role (role : Nat)
  | message (edge : Nat)
deriving DecidableEq, Repr, Inhabited

/-- Which rule is broken; where a message is the matter, on which edge. -/
inductive Kind where
  | unexpectedMessage (edge : Nat)
  | orphanMessage (edge : Nat)
  | deadlock
  | notLive (waiter : Waiter)
deriving DecidableEq, Repr, Inhabited

/-- What is wrong: the rule, a run, and whether somebody waits for room where it ends. -/
structure Violation where
  kind : Kind
  run : List Step
  forRoom : Bool
deriving DecidableEq, Repr, Inhabited

/-- A configuration that was found, its code, and the way to it, the last step first. -/
structure Found where
  config : Configuration
  code : Nat
  way : List Step
deriving Inhabited

/-- Where a search begins. -/
def Found.start (c : Configuration) : Found := ⟨c, c.code, []⟩

/-- Configurations without notes. -/
abbrev Known := Tree Configuration Unit

/-- The first of them. -/
def Found.known (found : Found) : Known := Tree.leaf.insert found.code found.config ()

/-- How a search ended. -/
inductive Outcome where
  /-- These are all, the last one first; and there, for want of room, somebody is stuck. -/
  | complete (all : List Found) (stop : Option Violation)
  /-- There may be more. -/
  | limit
  /-- Somebody breaks a rule, whatever room there is. -/
  | broken (violation : Violation)

/-- The first edge that holds messages. -/
def Configuration.left (c : Configuration) : Option Nat :=
  (List.range c.edges.length).find? fun edge => !(c.queue edge).isEmpty

namespace System

/-- An edge on which a role waits and whose head it cannot take. -/
def unexpectedOf (s : System) (c : Configuration) (role : Nat) : Option Nat :=
  let row := s.row c role
  match row.direction with
  | .send => none
  | .receive => row.moves.findSome? fun t =>
    match c.queue t.edge with
    | [] => none
    | head :: _ => if row.moves.any (fun u => u.edge == t.edge && u.message == head) then none else some t.edge

/-- The same, of the first role for which there is one. -/
def unexpected (s : System) (c : Configuration) : Option Nat :=
  (List.range s.automata.length).findSome? (s.unexpectedOf c)

/-- Whether a role has nothing more to do. -/
def hasEnded (s : System) (c : Configuration) (role : Nat) : Bool := (s.row c role).moves.isEmpty

/-- Whether all roles have ended. -/
def allEnded (s : System) (c : Configuration) : Bool := (List.range s.automata.length).all (s.hasEnded c)

/-- Whether a role that would send finds an edge full. -/
def isBlocked (s : System) (c : Configuration) (role : Nat) : Bool :=
  let row := s.row c role
  row.direction == .send && row.moves.any fun t => Nat.ble (s.capacity t.edge) (c.queue t.edge).length

/-- Whether somebody waits for room. -/
def wantsRoom (s : System) (c : Configuration) : Bool := (List.range s.automata.length).any (s.isBlocked c)

/-- What is wrong with a configuration from which these steps lead. -/
def wrong (s : System) (found : Found) (steps : List (Step × Configuration)) : Option Violation :=
  match s.unexpected found.config with
  | some edge => some ⟨.unexpectedMessage edge, found.way.reverse, s.wantsRoom found.config⟩
  | none =>
    match steps with
    | _ :: _ => none
    | [] =>
      if s.allEnded found.config then
        match found.config.left with
        | some edge => some ⟨.orphanMessage edge, found.way.reverse, false⟩
        | none => none
      else some ⟨.deadlock, found.way.reverse, s.wantsRoom found.config⟩

/-- Adds what is new of the ends of these steps. -/
def add (way : List Step) : List (Step × Configuration) → List Found → Known → List Found × Known
  | [], later, known => (later, known)
  | (step, d) :: rest, later, known =>
    let code := d.code
    bif known.has code d then add way rest later known
    else add way rest (⟨d, code, step :: way⟩ :: later) (known.insert code d ())

/-- Looks at what is to be looked at: first `todo`, then `later`, which is turned around. A deadlock for want of room does not
end the search: what is wrong whatever room there is goes before it. -/
def explore (s : System) : Nat → (todo later done : List Found) → Option Violation → Known → Outcome
  | 0, _, _, _, _, _ => .limit
  | fuel + 1, [], later, done, stop, known =>
    match later with
    | [] => .complete done stop
    | _ :: _ => s.explore fuel later.reverse [] done stop known
  | fuel + 1, found :: todo, later, done, stop, known =>
    let steps := s.next found.config
    match s.wrong found steps with
    | some violation =>
      bif violation.kind == .deadlock && violation.forRoom then
        s.explore fuel todo later (found :: done) (stop.or (some violation)) known
      else .broken violation
    | none =>
      match add found.way steps later known with
      | (later, known) => s.explore fuel todo later (found :: done) stop known

end System

end Antiphon.Compose
