import Antiphon.Types.Compose.Explore

/-!
# Who can still be served, and how that is shown

From each configuration a way leads *home*, to one from which a known run serves everybody that waits there. A note on each
configuration says how far it is: the way is checked step by step, as each leads nearer. Who is not served on the way still
waits at its end. The notes are found by a search that nobody trusts.

Rust twin: `src/types/compose/served.rs`, which goes by components. Clauses: COMP-4.
-/

namespace Antiphon.Compose

/-- The note on a configuration. -/
inductive Note where
  /-- This run from here serves everybody that waits here. -/
  | home (run : List Step)
  /-- One of the steps from here leads nearer. -/
  | away (distance : Nat)
deriving Inhabited

/-- How far from home. -/
def Note.distance : Note → Nat
  | .home _ => 0
  | .away distance => distance

/-- Configurations with notes. -/
abbrev Noted := Tree Configuration Note

/-- The tree of these, added one after the other: codes, configurations, notes. -/
def Noted.of (all : List (Nat × Configuration × Note)) : Noted :=
  all.foldl (fun tree (code, c, note) => tree.insert code c note) .leaf

/-- Whether a step is what somebody waits for. -/
def Step.serves (step : Step) : Waiter → Bool
  | .role role => step.role == role
  | .message edge => step.direction == .receive && step.transition.edge == edge

namespace System

/-- Whether somebody waits. -/
def waits (s : System) (c : Configuration) : Waiter → Bool
  | .role role => !s.hasEnded c role
  | .message edge => !(c.queue edge).isEmpty

/-- Everybody that waits. -/
def waiters (s : System) (c : Configuration) : List Waiter :=
  ((List.range s.automata.length).map Waiter.role ++ (List.range c.edges.length).map Waiter.message).filter (s.waits c)

/-- Whether a run can be done and serves everybody that waits. -/
def covers (s : System) (c : Configuration) (run : List Step) : Bool :=
  (s.graph.replay run c).isSome && (s.waiters c).all fun waiter => run.any fun step => step.serves waiter

/-- Whether the note on a configuration is true. -/
def isNoted (s : System) (noted : Noted) (c : Configuration) (steps : List (Step × Configuration)) : Bool :=
  match noted.find c.code c with
  | none => false
  | some (.home run) => s.covers c run
  | some (.away distance) => steps.any fun step =>
    match noted.find step.2.code step.2 with
    | none => false
    | some note => Nat.blt note.distance distance

/-- How a search for a step that serves ended. -/
inductive Sought where
  | served (found : Found)
  /-- These are all that can be reached, and in none of their steps. -/
  | never (known : Known)
  | limit

/-- Looks for a step that serves. -/
def seek (s : System) (waiter : Waiter) : Nat → (todo later : List Found) → Known → Sought
  | 0, _, _, _ => .limit
  | fuel + 1, [], later, known =>
    match later with
    | [] => .never known
    | _ :: _ => s.seek waiter fuel later.reverse [] known
  | fuel + 1, found :: todo, later, known =>
    let steps := s.next found.config
    match steps.find? fun step => step.1.serves waiter with
    | some (step, d) => .served ⟨d, d.code, step :: found.way⟩
    | none =>
      match add found.way steps later known with
      | (later, known) => s.seek waiter fuel todo later known

/-- How a search for notes ended. -/
inductive Noting where
  | noted (noted : Noted)
  /-- Behind this way from the beginning this one is served by nothing that can be reached. -/
  | starved (waiter : Waiter) (found : Found) (known : Known)
  | limit

/-- Serves one after the other; says who cannot be, or the note. -/
def cover (s : System) (fuel : Nat) (start : Found) : List Waiter → Found → Noting ⊕ Note
  | [], found => .inr (.home found.way.reverse)
  | waiter :: rest, found =>
    bif found.way.any fun step => step.serves waiter then s.cover fuel start rest found
    else
      let begin : Found := ⟨found.config, found.code, []⟩
      match s.seek waiter fuel [begin] [] begin.known with
      | .served next => s.cover fuel start rest ⟨next.config, next.code, next.way ++ found.way⟩
      | .never known => .inl (.starved waiter ⟨found.config, found.code, found.way ++ start.way⟩ known)
      | .limit => .inl .limit

/-- The note that follows from those on the ends of these steps. -/
def noteFrom (noted : Noted) : List (Step × Configuration) → Option Note → Option Note
  | [], best => best
  | (_, d) :: rest, best =>
    match noted.find d.code d with
    | none => noteFrom noted rest best
    | some note =>
      match best with
      | some (.away distance) =>
        noteFrom noted rest (some (.away (min distance (note.distance + 1))))
      | _ => noteFrom noted rest (some (.away (note.distance + 1)))

/-- Notes on those that lead to noted ones; who is left, in reverse. -/
def noteAll (s : System) : (todo left : List Found) → Noted → List Found × Noted
  | [], left, noted => (left, noted)
  | found :: todo, left, noted =>
    match s.next found.config with
    | [] => s.noteAll todo left (noted.insert found.code found.config (.home []))
    | steps =>
      match noteFrom noted steps none with
      | some note => s.noteAll todo left (noted.insert found.code found.config note)
      | none => s.noteAll todo (found :: left) noted

/-- Notes on all: while somebody is left who leads to nobody that has a note, one of these becomes a home. -/
def note (s : System) (limit : Nat) : Nat → List Found → Noted → Noting
  | 0, _, _ => .limit
  | fuel + 1, todo, noted =>
    match s.noteAll todo [] noted with
    | ([], noted) => .noted noted
    | (first :: rest, noted) =>
      bif Nat.blt (rest.length + 1) todo.length then s.note limit fuel (first :: rest) noted
      else
        match s.cover limit first (s.waiters first.config) ⟨first.config, first.code, []⟩ with
        | .inr note => s.note limit fuel rest (noted.insert first.code first.config note)
        | .inl other => other

end System

end Antiphon.Compose
