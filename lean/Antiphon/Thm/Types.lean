import Antiphon.Thm.Types.Local
import Antiphon.Thm.Types.Value
import Antiphon.Thm.Types.Follow
import Antiphon.Thm.Types.Room

/-!
# What is proved of types

The headline theorems on values, local types, their tables and subtyping. Each is about definitions
of `Types/*`; the proofs are in `Thm/Types/*`.

Clauses: VALUE-7, TYPE-5, AUTO-1, SUB-1, SUB-2, SUB-4.
-/

namespace Antiphon

/-- What a sort makes of a value has one form: it conforms as it is. -/
theorem conformed_has_one_form {sort : PayloadSort} (distinct : sort.distinct = true)
    {value formed : Value} (h : sort.conform value = .ok formed) : sort.conform formed = .ok formed :=
  PayloadSort.conform_formed distinct h

/-! ## Local types -/

/-- A type without loose variables has none after it is unfolded. -/
theorem unfold_closed {t : Local} (h : t.closed = true) : t.unfold.closed = true :=
  Local.unfold_closed h

/-- However long a closed and guarded type has run, unfolding what is left of it ends: with a choice,
or with the end. -/
theorem unfold_guarded_terminates {t u : Local} (closed : t.closed = true)
    (guarded : t.guarded = true) {run : List Action} (ran : t.run run = some u) :
    u.head.isHead = true :=
  have kept := Local.run_keeps ran closed guarded
  Local.head_isHead kept.1 kept.2

/-- Turning a type round twice gives the type. -/
theorem dual_involutive (t : Local) : t.dual.dual = t := Local.dual_dual t

/-- The dual does exactly the mirror image of every run, and is left with the dual of what is left. -/
theorem dual_mirrors (t : Local) (run : List Action) :
    t.dual.run (run.map Action.flip) = (t.run run).map Local.dual :=
  Local.dual_run run t

/-! ## Tables -/

/-- A table that passes the check does exactly what unfolding its local type step by step does: it
has the run of each run of the type, no others, and ends where the type ends. -/
theorem automaton_simulates_unfolding {p : Protocol} (follows : p.follows = true) {role : Nat}
    (inside : role < p.roles.length) :
    (∀ {run t}, (p.localOf role).run run = some t →
      ∃ moves state, Numbering.run (p.number role) run = some moves
        ∧ (p.automaton role).run 0 moves = some state
        ∧ (p.automaton role).isEnd state = t.isEnd)
    ∧ (∀ {moves state}, (p.automaton role).run 0 moves = some state →
      ∃ run t, Numbering.run (p.number role) run = some moves
        ∧ (p.localOf role).run run = some t
        ∧ (p.automaton role).isEnd state = t.isEnd) := by
  obtain ⟨R, pairing, start⟩ := Protocol.pairing_of_follows follows inside
  constructor
  · intro run t h
    obtain ⟨moves, state, numbers, ran, r⟩ := pairing.run_forth start h
    exact ⟨moves, state, numbers, ran, pairing.ends r⟩
  · intro moves state h
    obtain ⟨run, t, numbers, ran, r⟩ := pairing.run_back start h
    exact ⟨run, t, numbers, ran, pairing.ends r⟩

/-- Different runs have different numbers, so that a run in numbers says which run is meant. -/
theorem numbers_identify_runs (p : Protocol) (role : Nat) {run run' : List Action}
    {moves : List Move} (h : Numbering.run (p.number role) run = some moves)
    (h' : Numbering.run (p.number role) run' = some moves) : run = run' :=
  (p.number_faithful role).run_injective h h'

/-! ## Subtyping -/

/-- Every table may stand for itself. -/
theorem subtype_refl (a : Automaton) : Subtype a a := by
  refine ⟨Eq, ⟨?_, ?_, ?_, ?_⟩, rfl⟩
  · intro here there t r mem
    exact ⟨t, r ▸ mem, ⟨rfl, rfl, rfl⟩, rfl⟩
  · intro here there t r mem
    exact ⟨t, r ▸ mem, ⟨rfl, rfl, rfl⟩, rfl⟩
  · intro here there t r mem
    exact ⟨t, r ▸ mem, rfl⟩
  · intro here there r e
    exact r ▸ e

/-- What may stand for a subtype may stand for its supertype. -/
theorem subtype_trans {a b c : Automaton} (h : Subtype a b) (h' : Subtype b c) : Subtype a c := by
  obtain ⟨R, sim, start⟩ := h
  obtain ⟨R', sim', start'⟩ := h'
  refine ⟨fun x z => ∃ y, R x y ∧ R' y z, ⟨?_, ?_, ?_, ?_⟩, 0, start, start'⟩
  · intro x z t ⟨y, r, r'⟩ mem
    obtain ⟨u, mem, same, next⟩ := sim.sends r mem
    obtain ⟨v, mem, same', next'⟩ := sim'.sends r' mem
    exact ⟨v, mem, Automaton.same_trans same same', _, next, next'⟩
  · intro x z v ⟨y, r, r'⟩ mem
    obtain ⟨u, mem, same', next'⟩ := sim'.receives r' mem
    obtain ⟨t, mem, same, next⟩ := sim.receives r mem
    exact ⟨t, mem, Automaton.same_trans same same', _, next, next'⟩
  · intro x z t ⟨y, r, r'⟩ mem
    obtain ⟨u, mem, peer⟩ := sim.hears r mem
    obtain ⟨v, mem, peer'⟩ := sim'.hears r' mem
    exact ⟨v, mem, peer'.trans peer⟩
  · intro x z ⟨y, r, r'⟩ e
    exact sim'.ends r' (sim.ends r e)

/-- The search for a pair that breaks the relation decides it: with as many steps as there are pairs
of states it answers yes if the candidate is a subtype, no if it is none, and never that it does not
know. -/
theorem subtype_decided {candidate supertype : Automaton} (wc : candidate.wellFormed = true)
    (ws : supertype.wellFormed = true) {stepsMax : Nat}
    (enough : candidate.rows.length * supertype.rows.length ≤ stepsMax) :
    (Subtype candidate supertype ∧ candidate.isSubtype supertype stepsMax = .yes)
    ∨ (¬ Subtype candidate supertype
      ∧ ∃ mismatch, candidate.isSubtype supertype stepsMax = .no mismatch) := by
  have start : ∀ {a : Automaton}, a.wellFormed = true → 0 < a.rows.length := by
    intro a wf
    simp only [Automaton.wellFormed, Bool.and_eq_true, decide_eq_true_eq] at wf
    exact wf.1
  cases h : candidate.isSubtype supertype stepsMax with
  | yes =>
    obtain ⟨R, sim, all⟩ := Automaton.search_yes wc ws h (fun _ mem => .inl mem)
    exact .inl ⟨⟨R, sim, all (0, 0) (List.mem_cons_self ..)⟩, rfl⟩
  | no mismatch =>
    refine .inr ⟨fun ⟨R, sim, r⟩ => ?_, mismatch, rfl⟩
    refine Automaton.search_no wc ws sim (fun pair mem => ?_) h
    rw [List.mem_singleton.1 mem]
    exact r
  | unknown =>
    refine absurd h (Automaton.search_answers wc ws ?_)
    have mem : (0, 0) ∈ allPairs candidate.rows.length supertype.rows.length :=
      mem_allPairs (start wc) (start ws)
    have one := unseen_cons mem (known := []) (by simp)
    have all := length_allPairs supertype.rows.length candidate.rows.length
    have most : unseen (allPairs candidate.rows.length supertype.rows.length) []
        ≤ (allPairs candidate.rows.length supertype.rows.length).length := List.length_filter_le ..
    simp only [List.length_cons, List.length_nil]
    omega

namespace Compose

open System

variable {p : Protocol} {role : Nat} {candidate : Automaton} {capacities : List Nat}

/-- What is safe stays safe when a subtype takes the place of a role, at the same capacities: whoever
waits on an edge can take its head, and no message is left when all have ended. -/
theorem subtype_sound (re : Replacement p role candidate)
    (expected : ∀ c, (System.of p capacities).Reachable c →
      NothingUnexpected (System.of p capacities) c)
    (clean : ∀ c, (System.of p capacities).Reachable c →
      Ended (System.of p capacities) c → Empty c) :
    ∀ c, (System.of (p.replace role candidate) capacities).Reachable c →
      NothingUnexpected (System.of (p.replace role candidate) capacities) c
      ∧ (Ended (System.of (p.replace role candidate) capacities) c → Empty c) := by
  intro c reach
  obtain ⟨R, sim, r⟩ := re.subtype
  obtain ⟨there, beside⟩ := beside_of_reachable re sim r expected reach
  refine ⟨expected_beside re sim expected beside, fun ended => ?_⟩
  have := clean _ beside.2.2 (ended_beside re sim beside ended)
  exact this

/-- Nor is anybody ever stuck with the subtype, if nobody was before, and if each choice of sends of the
replaced role is with one partner, or none of its sends ever waits for room. -/
theorem subtype_keeps_progress (re : Replacement p role candidate)
    (expected : ∀ c, (System.of p capacities).Reachable c →
      NothingUnexpected (System.of p capacities) c)
    (progress : ∀ c, (System.of p capacities).Reachable c →
      Moves (System.of p capacities) c ∨ (Ended (System.of p capacities) c ∧ Empty c))
    (room : Directed (p.automaton role) ∨ NeverWaits (System.of p capacities) role) :
    ∀ c, (System.of (p.replace role candidate) capacities).Reachable c →
      Moves (System.of (p.replace role candidate) capacities) c
      ∨ (Ended (System.of (p.replace role candidate) capacities) c ∧ Empty c) := by
  intro c reach
  obtain ⟨R, sim, r⟩ := re.subtype
  obtain ⟨there, beside⟩ := beside_of_reachable re sim r expected reach
  rcases progress _ beside.2.2 with moves | ⟨ended, empty⟩
  · exact .inl (moves_beside re sim beside (room_of re beside room) moves)
  · exact .inr ⟨ended_of_beside re sim beside ended, empty⟩

/-- Without that a subtype may wait for ever where the type it replaces would have gone on: where an
edge is full, it may have given up the send that still finds room. -/
theorem subtype_may_lose_progress : ∃ (p : Protocol) (role : Nat) (candidate : Automaton)
    (capacities : List Nat), Replacement p role candidate
      ∧ (∀ c, (System.of p capacities).Reachable c → Safe (System.of p capacities) c)
      ∧ ∃ c, (System.of (p.replace role candidate) capacities).Reachable c
        ∧ ¬ Moves (System.of (p.replace role candidate) capacities) c
        ∧ ¬ Ended (System.of (p.replace role candidate) capacities) c :=
  ⟨Room.protocol, 0, Room.keeper, Room.capacities, Room.replacement,
    fun _ reach => verdict_sound Room.safe_before reach, Room.stuck_after⟩

end Compose

end Antiphon
