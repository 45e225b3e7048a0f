import Antiphon.Types.Compose.System
import Antiphon.Thm.Compose.Graph

/-!
# The steps that are computed are the steps

About `Types/Compose/System.lean`.
-/

namespace Antiphon.Compose.System

/-- Who is not there has nothing to do. -/
theorem row_of_no_role {s : System} {c : Configuration} {role : Nat} (h : s.automata.length ≤ role) :
    s.row c role = Row.end := by
  simp [row, List.getD, List.getElem?_eq_none h, Automaton.row]

/-- Who may do something is there. -/
theorem role_of_move {s : System} {c : Configuration} {role : Nat} {t : Transition} (h : t ∈ (s.row c role).moves) :
    role < s.automata.length := by
  apply Nat.lt_of_not_le
  intro none
  rw [row_of_no_role none] at h
  simp [Row.end] at h

/-- What a step that a state allows comes to, is where the step leads. -/
theorem perform_iff {s : System} {c d : Configuration} {role : Nat} {t : Transition}
    (allowed : t ∈ (s.row c role).moves) :
    s.perform c ⟨role, (s.row c role).direction, t⟩ = some d ↔ Leads s c ⟨role, (s.row c role).direction, t⟩ d := by
  generalize hd : (s.row c role).direction = direction
  constructor
  · intro h
    cases direction
    · simp only [perform] at h
      split at h
      · rename_i room
        simp only [Option.some.injEq] at h
        exact h ▸ .send hd allowed room
      · simp at h
    · simp only [perform] at h
      split at h
      · simp at h
      · rename_i head rest queue
        split at h
        · rename_i eq
          simp only [Option.some.injEq] at h
          exact h ▸ .receive hd allowed (eq ▸ queue)
        · simp at h
  · intro h
    cases h with
    | send _ _ room => simp [perform, room]
    | receive _ _ queue => simp [perform, queue]

/-- What `next` lists is what the relation allows: nothing else, and nothing less. -/
theorem next_iff {s : System} {c d : Configuration} {step : Step} : (step, d) ∈ s.next c ↔ Leads s c step d := by
  constructor
  · intro h
    simp only [next, List.mem_flatMap, nextOf, List.mem_filterMap] at h
    obtain ⟨role, _, t, allowed, h⟩ := h
    split at h
    · rename_i d' performed
      simp only [Option.some.injEq, Prod.mk.injEq] at h
      obtain ⟨rfl, rfl⟩ := h
      exact (perform_iff allowed).1 performed
    · simp at h
  · intro h
    have key : step.transition ∈ (s.row c step.role).moves ∧ step.direction = (s.row c step.role).direction := by
      cases h with
      | send direction allowed _ => exact ⟨allowed, direction.symm⟩
      | receive direction allowed _ => exact ⟨allowed, direction.symm⟩
    obtain ⟨role, direction, t⟩ := step
    obtain ⟨allowed, eq⟩ := key
    dsimp only at allowed eq
    subst eq
    simp only [next, List.mem_flatMap, nextOf, List.mem_filterMap, List.mem_range]
    refine ⟨role, role_of_move allowed, t, allowed, ?_⟩
    simp [(perform_iff allowed).2 h]

/-- What is reachable by the relation is what is reachable by `next`. -/
theorem reachable_iff {s : System} {c : Configuration} : Reachable s c ↔ s.graph.Reachable c := by
  constructor
  · intro h
    induction h with
    | initial => exact .initial
    | step _ leads ih => exact .step ih (next_iff.2 leads)
  · intro h
    induction h with
    | initial => exact .initial
    | step _ step ih => exact .step ih (next_iff.1 step)

end Antiphon.Compose.System
