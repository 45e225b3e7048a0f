import Antiphon.Thm.Resume.Lists
/-!
# What holds of every session over perfect channels
-/

namespace Antiphon.Resume

theorem perform_append {p : Protocol} {j j' : Journal} {x : Record} (h : perform p j x = .ok j') :
    j' = j ++ [x] := by
  cases x with
  | acted r a => cases a <;> simp only [perform] at h <;> (repeat' split at h) <;> simp_all
  | attached r e => simp [perform] at h; exact h.symm
  | ended => simp [perform] at h; exact h.symm

theorem perform_send {p : Protocol} {j j' : Journal} {r q : Role} {m : Message}
    (h : perform p j (.acted r (.send q m)) = .ok j') :
    .ended ∉ j ∧ (stateAfter p r (actions r j ++ [.send q m])).isSome ∧
      (edge j r q).length < p.capacity r q := by
  simp only [perform] at h
  repeat' split at h
  all_goals try contradiction
  rw [stateAfter_snoc]
  refine ⟨by assumption, ?_, by omega⟩
  rename_i h1 _; revert h1; cases (stateAfter p r (actions r j)).bind (next p r · (.send q m)) <;> simp

theorem perform_receive {p : Protocol} {j j' : Journal} {r q : Role} {m : Message}
    (h : perform p j (.acted r (.receive q m)) = .ok j') :
    .ended ∉ j ∧ (stateAfter p r (actions r j ++ [.receive q m])).isSome ∧
      (edge j q r).head? = some m := by
  simp only [perform] at h
  repeat' split at h
  all_goals try contradiction
  rw [stateAfter_snoc]
  refine ⟨by assumption, ?_, by rename_i h2; simpa using h2⟩
  rename_i h1 _; revert h1
  cases (stateAfter p r (actions r j)).bind (next p r · (.receive q m)) <;> simp

theorem perform_send_ok {p : Protocol} {j : Journal} {r q : Role} {m : Message} (h1 : .ended ∉ j)
    (h2 : (stateAfter p r (actions r j ++ [.send q m])).isSome)
    (h3 : (edge j r q).length < p.capacity r q) :
    perform p j (.acted r (.send q m)) = .ok (j ++ [.acted r (.send q m)]) := by
  rw [stateAfter_snoc] at h2
  simp only [perform, h1, if_false]
  rw [if_neg (by simpa [Option.isSome_iff_ne_none] using h2), if_neg (by omega)]

theorem perform_receive_ok {p : Protocol} {j : Journal} {r q : Role} {m : Message} (h1 : .ended ∉ j)
    (h2 : (stateAfter p r (actions r j ++ [.receive q m])).isSome)
    (h3 : (edge j q r).head? = some m) :
    perform p j (.acted r (.receive q m)) = .ok (j ++ [.acted r (.receive q m)]) := by
  rw [stateAfter_snoc] at h2
  simp only [perform, h1, if_false]
  rw [if_neg (by simpa [Option.isSome_iff_ne_none] using h2), if_neg (by simp [h3])]

theorem drop_head {α : Type} {l : List α} {n : Nat} {x : α} : (l.drop n).head? = some x ↔ l[n]? = some x := by
  rw [List.head?_drop]

/-- What every role has received is what was sent to it, in order; its type allows all it did; no
edge holds more than its capacity. -/
structure Lawful (p : Protocol) (j : Journal) : Prop where
  follows : ∀ r, (stateAfter p r (actions r j)).isSome
  received : ∀ q r, receivedFrom q (actions r j) <+: sentTo r (actions q j)
  capacity : ∀ q r, (edge j q r).length ≤ p.capacity q r

theorem Lawful.record {p : Protocol} {j : Journal} {x : Record} (h : Lawful p j)
    (hx : ∀ r, actions r [x] = []) : Lawful p (j ++ [x]) := by
  have e : ∀ r, actions r (j ++ [x]) = actions r j := fun r => by rw [actions_append, hx]; simp
  exact ⟨fun r => by rw [e]; exact h.follows r, fun q r => by rw [e, e]; exact h.received q r,
    fun q r => by simp only [edge, e]; exact h.capacity q r⟩

theorem ideal_lawful {p : Protocol} {j : Journal} (h : Ideal p j) : Lawful p j := by
  induction h with
  | start =>
    exact ⟨fun _ => rfl, fun _ _ => List.prefix_refl _, fun _ _ => by simp [edge, actions, sentTo]⟩
  | @step j j' x _ hs ih =>
    have e := perform_append hs
    cases x with
    | attached r e' => subst e; exact ih.record fun _ => rfl
    | ended => subst e; exact ih.record fun _ => rfl
    | acted r a =>
      cases a with
      | send x m =>
        obtain ⟨_, h2, h3⟩ := perform_send hs
        subst e
        refine ⟨fun r' => ?_, fun q r' => ?_, fun q r' => ?_⟩
        · rw [actions_acted]; split
          · rename_i e; subst e; exact h2
          · exact ih.follows r'
        · refine List.IsPrefix.trans ?_ (sentOn_prefix q r' (List.prefix_append j _))
          rw [actions_acted]; split
          · rename_i e; subst e; rw [receivedFrom_append]; simpa [receivedFrom] using ih.received q r
          · exact ih.received q r'
        · have hr : receivedFrom q (actions r' (j ++ [.acted r (.send x m)])) = receivedFrom q (actions r' j) := by
            rw [actions_acted]; split
            · rw [receivedFrom_append]; simp [receivedFrom]
            · rfl
          have hc := ih.capacity q r'
          have hp := (ih.received q r').length_le
          simp only [edge, hr] at *
          rw [actions_acted]; split
          · rename_i e; subst e
            rw [sentTo_append]; simp only [sentTo]
            split
            · rename_i e'; subst e'; simp at *; omega
            · simpa using hc
          · exact hc
      | receive x m =>
        obtain ⟨_, h2, h3⟩ := perform_receive hs
        subst e
        refine ⟨fun r' => ?_, fun q r' => ?_, fun q r' => ?_⟩
        · rw [actions_acted]; split
          · rename_i e; subst e; exact h2
          · exact ih.follows r'
        · have hq : sentTo r' (actions q (j ++ [.acted r (.receive x m)])) = sentTo r' (actions q j) := by
            rw [actions_acted]; split
            · rw [sentTo_append]; simp [sentTo]
            · rfl
          rw [hq, actions_acted]; split
          · rename_i e; subst e
            rw [receivedFrom_append]; simp only [receivedFrom]; split
            · rename_i e'; subst e'
              exact prefix_snoc (ih.received x r) (drop_head.1 h3)
            · simpa using ih.received q r
          · exact ih.received q r'
        · refine Nat.le_trans ?_ (ih.capacity q r')
          have hq : sentTo r' (actions q (j ++ [.acted r (.receive x m)])) = sentTo r' (actions q j) := by
            rw [actions_acted]; split
            · rw [sentTo_append]; simp [sentTo]
            · rfl
          have hr := (receivedFrom_prefix q (actions_prefix r' (List.prefix_append j [.acted r (.receive x m)]))).length_le
          simp only [edge, hq, List.length_drop]; omega

theorem ideal_take {p : Protocol} {j : Journal} (h : Ideal p j) (n : Nat) : Ideal p (j.take n) := by
  induction h with
  | start => simp; exact .start
  | @step j j' x hj hs ih =>
    have e := perform_append hs
    by_cases hn : n ≤ j.length
    · rw [e, List.take_append_of_le_length hn]; exact ih
    · rw [List.take_of_length_le (by rw [e]; simp; omega)]; exact .step hj hs

end Antiphon.Resume
