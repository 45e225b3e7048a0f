import Antiphon.Thm.Types.Subtype

/-!
# The look-ups that the machine uses follow the type

A machine asks a table for the send to a partner with a label, and for the receive of what is at the
head of an edge. Each answer is an action of the type that the state stands for, and what is behind
the answer stands for what is left of the type.
-/

namespace Antiphon

namespace Automaton

variable {a : Automaton} {number : Numbering} {R : Nat → Local → Prop} {s : Nat} {t : Local}

theorem after_of_mem (wf : a.wellFormed = true) {d : Direction} {found : Transition}
    (mem : found ∈ a.movesOf s d) : a.after s (found.move d) = some found.next := by
  have dir : (found.move d).direction = d := rfl
  simp only [after, dir]
  cases hf : (a.movesOf s d).find? (fun t => t.move d == found.move d) with
  | none =>
    have := List.find?_eq_none.1 hf found mem
    simp at this
  | some u =>
    have is := List.find?_some hf
    simp only [beq_iff_eq, Transition.move, Move.mk.injEq] at is
    have := sortedMoves_unique (moves_sorted wf s)
      (movesOf_subset (List.mem_of_find?_eq_some hf)) (movesOf_subset mem) is.2.1 is.2.2.1
    rw [this]

/-- A send that the table allows is one of the type. -/
theorem Pairing.of_send (pairing : a.Pairing number R) (wf : a.wellFormed = true) (r : R s t)
    {peer label : Nat} {found : Transition} (h : a.send s peer label = some found) :
    ∃ action u, number action = some (found.move .send) ∧ t.after action = some u
      ∧ R found.next u :=
  pairing.back r (after_of_mem wf ((send_iff wf).1 h).1)

/-- A receive that the table allows is one of the type. -/
theorem Pairing.of_receive (pairing : a.Pairing number R) (wf : a.wellFormed = true) (r : R s t)
    {peer label message : Nat} {found : Transition}
    (h : a.receive s peer label message = some found) :
    ∃ action u, number action = some (found.move .receive) ∧ t.after action = some u
      ∧ R found.next u :=
  pairing.back r (after_of_mem wf ((receive_iff wf).1 h).1)

/-- The first receive from a partner is one of the type. -/
theorem Pairing.of_receiveFrom (pairing : a.Pairing number R) (wf : a.wellFormed = true) (r : R s t)
    {peer : Nat} {found : Transition} (h : a.receiveFrom s peer = some found) :
    ∃ action u, number action = some (found.move .receive) ∧ t.after action = some u
      ∧ R found.next u :=
  pairing.back r (after_of_mem wf (List.mem_of_find?_eq_some h))

end Automaton

namespace Protocol

variable {p : Protocol} {role : Nat}

theorem table_wellFormed (h : p.follows = true) (inside : role < p.roles.length) :
    (p.automaton role).wellFormed = true := by
  simp only [follows, Bool.and_eq_true, List.all_eq_true, List.mem_range] at h
  have := h.2 role inside
  simp only [Automaton.follows, Automaton.followsWith, Bool.and_eq_true] at this
  exact this.1.1

end Protocol

end Antiphon
