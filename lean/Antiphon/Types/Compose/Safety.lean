import Antiphon.Types.Compose.Explore

/-!
# What it means to be safe

The properties that composition is about, said of one configuration, without a word about how they are checked.

Rust twin: the properties that `src/types/compose/verdict.rs` decides. Clauses: COMP-2, COMP-3, COMP-4.
-/

namespace Antiphon.Compose.System

/-- A role waits on an edge: where it is, it may receive from there. -/
def WaitsOn (s : System) (c : Configuration) (role edge : Nat) : Prop :=
  (s.row c role).direction = .receive ∧ ∃ t ∈ (s.row c role).moves, t.edge = edge

/-- A role can take the head of an edge. -/
def Takes (s : System) (c : Configuration) (role edge : Nat) : Prop :=
  ∃ t d, t.edge = edge ∧ Leads s c ⟨role, .receive, t⟩ d

/-- Whoever waits on an edge that holds a message can take its head. -/
def NothingUnexpected (s : System) (c : Configuration) : Prop :=
  ∀ role edge, WaitsOn s c role edge → c.queue edge ≠ [] → Takes s c role edge

/-- All roles have ended. -/
def Ended (s : System) (c : Configuration) : Prop := ∀ role, (s.row c role).moves = []

/-- No edge holds a message. -/
def Empty (c : Configuration) : Prop := ∀ edge, c.queue edge = []

/-- Somebody can move. -/
def Moves (s : System) (c : Configuration) : Prop := ∃ step d, Leads s c step d

/-- No two receives of one role can be done. -/
def Determinate (s : System) (c : Configuration) : Prop :=
  ∀ role t u d e, Leads s c ⟨role, .receive, t⟩ d → Leads s c ⟨role, .receive, u⟩ e → t = u

/-- Steps one after the other. -/
inductive Run (s : System) : Configuration → List Step → Configuration → Prop where
  | nil {c : Configuration} : Run s c [] c
  | cons {c d e : Configuration} {step : Step} {run : List Step} :
      Leads s c step d → Run s d run e → Run s c (step :: run) e

/-- Who waits: a role that has not ended, a message on an edge. -/
def Waiting (s : System) (c : Configuration) : Waiter → Prop
  | .role role => (s.row c role).moves ≠ []
  | .message edge => c.queue edge ≠ []

/-- A step is of the role that waits, or consumes a message of the edge. -/
def Serves (step : Step) : Waiter → Prop
  | .role role => step.role = role
  | .message edge => step.direction = .receive ∧ step.transition.edge = edge

/-- Some run from here has a step that serves. -/
def Served (s : System) (c : Configuration) (waiter : Waiter) : Prop :=
  ∃ run d, Run s c run d ∧ ∃ step ∈ run, Serves step waiter

/-- Whoever waits can be served. -/
def Live (s : System) (c : Configuration) : Prop := ∀ waiter, Waiting s c waiter → Served s c waiter

/-- What is wrong with a configuration, by the rule that it breaks. -/
def Violates (s : System) (c : Configuration) : Kind → Prop
  | .unexpectedMessage edge => c.queue edge ≠ [] ∧ ∃ role, WaitsOn s c role edge ∧ ¬ Takes s c role edge
  | .orphanMessage edge => Ended s c ∧ c.queue edge ≠ []
  | .deadlock => ¬ Moves s c ∧ ¬ Ended s c
  | .notLive waiter => Waiting s c waiter ∧ ¬ Served s c waiter

end Antiphon.Compose.System
