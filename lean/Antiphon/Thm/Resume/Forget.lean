import Antiphon.Thm.Resume.Perfect
/-!
# What a loss of memory undoes

The run over perfect channels goes on without the last actions of the client that has forgotten them:
nobody has consumed what it sent in them, and for what it received in them there is room.
-/

namespace Antiphon.Resume

section

variable {p : Protocol} {t : Settings} {honest : Role → Prop} {s : System} {r : Role}

/-- The journal without what `r` has done beyond its first `n` actions. -/
def cut (r : Role) : Nat → Journal → Journal
  | _, [] => []
  | n, .acted q a :: j =>
    if q = r then match n with
      | 0 => cut r 0 j
      | n + 1 => .acted q a :: cut r n j
    else .acted q a :: cut r n j
  | n, .attached q e :: j => .attached q e :: cut r n j
  | n, .ended :: j => .ended :: cut r n j

theorem cut_append (n : Nat) (j k : Journal) :
    cut r n (j ++ k) = cut r n j ++ cut r (n - (actions r j).length) k := by
  induction j generalizing n with
  | nil => rfl
  | cons x j ih =>
    cases x with
    | acted q a =>
      simp only [List.cons_append, cut, actions]; split
      · cases n with
        | zero => simp only [ih, Nat.zero_sub]
        | succ n => simp only [ih, List.cons_append, List.length_cons, Nat.add_sub_add_right]
      · simp only [ih, List.cons_append]
    | attached q e => simp only [List.cons_append, cut, actions, ih]
    | ended => simp only [List.cons_append, cut, actions, ih]

theorem actions_cut_self (n : Nat) (j : Journal) : actions r (cut r n j) = (actions r j).take n := by
  induction j generalizing n with
  | nil => simp [cut, actions]
  | cons x j ih =>
    cases x with
    | acted q a =>
      simp only [cut, actions]; split
      · rename_i e
        cases n with
        | zero => simp only [ih, List.take_zero]
        | succ n => simp only [actions, if_pos e, ih, List.take_succ_cons]
      · rename_i e; simp only [actions, if_neg e, ih]
    | attached q e => simp only [cut, actions, ih]
    | ended => simp only [cut, actions, ih]

theorem actions_cut_other {q : Role} (hq : q ≠ r) (n : Nat) (j : Journal) :
    actions q (cut r n j) = actions q j := by
  induction j generalizing n with
  | nil => rfl
  | cons x j ih =>
    cases x with
    | acted q' a =>
      simp only [cut, actions]; split
      · rename_i e; subst e
        rw [if_neg (Ne.symm hq)]
        cases n with
        | zero => exact ih 0
        | succ n => simp only [actions, if_neg (Ne.symm hq), ih]
      · simp only [actions, ih]
    | attached q' e => simp only [cut, actions, ih]
    | ended => simp only [cut, actions, ih]

theorem rest_cut (n : Nat) (j : Journal) :
    (cut r n j).filter (!·.isAction) = j.filter (!·.isAction) := by
  have skip : ∀ q a (l : Journal),
      (Record.acted q a :: l).filter (!·.isAction) = l.filter (!·.isAction) := fun q a l =>
    List.filter_cons_of_neg (by simp [Record.isAction])
  have take : ∀ x (l : Journal), x.isAction = false →
      (x :: l).filter (!·.isAction) = x :: l.filter (!·.isAction) := fun x l h =>
    List.filter_cons_of_pos (by rw [h]; rfl)
  induction j generalizing n with
  | nil => rfl
  | cons x j ih =>
    cases x with
    | acted q a =>
      simp only [cut]; split
      · cases n with
        | zero => rw [skip]; exact ih 0
        | succ n => rw [skip, skip]; exact ih n
      · rw [skip, skip]; exact ih n
    | attached q e => rw [cut, take _ _ rfl, take _ _ rfl, ih]
    | ended => rw [cut, take _ _ rfl, take _ _ rfl, ih]

theorem actions_cut_prefix {j k : Journal} (h : k <+: j) (q : Role) (n : Nat) :
    actions q (cut r n k) <+: actions q (cut r n j) := by
  obtain ⟨l, rfl⟩ := h
  rw [cut_append, actions_append]; exact List.prefix_append _ _

theorem cut_sublist (n : Nat) (j : Journal) : (cut r n j).Sublist j := by
  induction j generalizing n with
  | nil => exact .slnil
  | cons x j ih =>
    cases x with
    | acted q a =>
      simp only [cut]; split
      · cases n with
        | zero => exact (ih 0).cons _
        | succ n => exact (ih n).cons₂ _
      · exact (ih n).cons₂ _
    | attached q e => exact (ih n).cons₂ _
    | ended => exact (ih n).cons₂ _

theorem cut_ideal {n : Nat} {j : Journal}
    (consumed : ∀ q, receivedFrom r (actions q (cut r n j)) <+: sentTo q (actions r (cut r n j)))
    (room : ∀ q, (sentTo r (actions q (cut r n j))).length ≤
      (receivedFrom q (actions r (cut r n j))).length + p.capacity q r)
    {k : Journal} (h : Ideal p k) (hk : k <+: j) : Ideal p (cut r n k) := by
  induction h with
  | start => exact .start
  | @step k k' x hi hs ih =>
    have e := perform_append hs
    subst e
    have hkj : k <+: j := (List.prefix_append k [x]).trans hk
    have ih := ih hkj
    have hcut := cut_append (r := r) n k [x]
    cases x with
    | attached q e => rw [hcut]; exact .step (record := .attached q e) ih rfl
    | ended => rw [hcut]; exact .step (record := .ended) ih rfl
    | acted q a =>
      rcases Classical.em (q = r ∧ n ≤ (actions r k).length) with ⟨rfl, hn⟩ | hkeep
      · rw [hcut, Nat.sub_eq_zero_of_le hn]; simpa [cut] using ih
      · have hone : cut r (n - (actions r k).length) [.acted q a] = [.acted q a] := by
          simp only [cut]; split
          · rename_i e
            have : ¬n ≤ (actions r k).length := fun h => hkeep ⟨e, h⟩
            obtain ⟨d, hd⟩ : ∃ d, n - (actions r k).length = d + 1 := ⟨n - (actions r k).length - 1, by omega⟩
            rw [hd]
          · rfl
        rw [hone] at hcut
        -- The role that acts is as it was.
        have hq : actions q (cut r n k) = actions q k := by
          rcases Classical.em (q = r) with e | e
          · subst e; rw [actions_cut_self]
            exact List.take_of_length_le (by have : ¬n ≤ (actions q k).length := fun h => hkeep ⟨rfl, h⟩; omega)
          · exact actions_cut_other e n k
        have hp : actions q k ++ [a] <+: actions q (cut r n j) := by
          have := actions_cut_prefix (r := r) hk q n
          rw [hcut, actions_acted, if_pos rfl, hq] at this; exact this
        -- So is everybody else, or is where it will be.
        have hr : ∀ q', actions q' (cut r n k) = actions q' k ∨
            (q' = r ∧ actions q' (cut r n k) = actions r (cut r n j)) := by
          intro q'
          rcases Classical.em (q' = r) with e | e
          · subst e
            rcases Nat.le_total (actions q' k).length n with hl | hl
            · exact .inl (by rw [actions_cut_self]; exact List.take_of_length_le hl)
            · refine .inr ⟨rfl, ?_⟩
              rw [actions_cut_self, actions_cut_self]
              exact (take_prefix (actions_prefix q' hkj) hl).symm
          · exact .inl (actions_cut_other e n k)
        have hd : .ended ∉ k → .ended ∉ cut r n k := fun h h' => h ((ended_of_rest (rest_cut n k)).1 h')
        rw [hcut]
        refine .step (record := .acted q a) ih ?_
        cases a with
        | send q' m =>
          obtain ⟨h1, h2, h3⟩ := perform_send hs
          refine perform_send_ok (hd h1) (by rw [hq]; exact h2) ?_
          simp only [edge, hq, List.length_drop] at h3 ⊢
          rcases hr q' with e | ⟨e, e'⟩
          · rw [e]; exact h3
          · subst e
            have h4 := (sentTo_prefix q' hp).length_le
            have h5 := room q
            rw [sentTo_append] at h4
            simp only [sentTo, if_true, List.length_append, List.length_singleton] at h4
            rw [e']; omega
        | receive q' m =>
          obtain ⟨h1, h2, h3⟩ := perform_receive hs
          refine perform_receive_ok (hd h1) (by rw [hq]; exact h2) (drop_head.2 ?_)
          have h3 := drop_head.1 h3
          rw [hq]
          rcases hr q' with e | ⟨e, e'⟩
          · rw [e]; exact h3
          · subst e
            have h4 := (receivedFrom_prefix q' hp).trans (consumed q)
            rw [receivedFrom_append] at h4; simp only [receivedFrom, if_true] at h4
            rw [e']; exact prefix_getElem? h4 (by simp)

theorem Perfect.forgets_self (h : Reachable p t honest s) (hr : honest r) {j : Journal}
    (b : Perfect p t honest s j) : actions r (cut r (actions r s.kept).length j) = actions r s.kept := by
  have ahead : actions r s.kept <+: actions r j := by
    rcases Classical.em (Unremembered honest s r) with hu | hu
    · rw [b.others r hu]; exact List.prefix_refl _
    · obtain ⟨_, m, hm⟩ := remembered hu
      obtain ⟨_, a⟩ := reachable_agree h hr
      rw [b.clients r m hr hm, a.memory m hm]; exact kept_within a
  rw [actions_cut_self]; exact (List.prefix_iff_eq_take.1 ahead).symm

/-- Where a client loses its memory, the run beside goes on without what only that client knew. -/
theorem Perfect.forgets (h : Reachable p t honest s) (hr : honest r) {j : Journal}
    (b : Perfect p t honest s j) :
    Perfect p t honest (System.step p t s (.forget r)) (cut r (actions r s.kept).length j) := by
  have hs := reachable_sound h
  have lawful : Lawful p s.kept := ideal_lawful (ideal_take hs.ideal _)
  have self := b.forgets_self h hr
  have other : ∀ q, q ≠ r → actions q (cut r (actions r s.kept).length j) = actions q j :=
    fun q hq => actions_cut_other hq _ j
  have hk : (System.step p t s (.forget r)).kept = s.kept := rfl
  have hc : ∀ q, q ≠ r → (System.step p t s (.forget r)).clients q = s.clients q := fun q hq => by
    simp [System.step, System.setClient, hq]
  have cases' : ∀ q, actions q (cut r (actions r s.kept).length j) = actions q s.kept ∨
      ∃ hist m, (s.clients q).memory = some m ∧ Agree p t q hist s ∧
        actions q (cut r (actions r s.kept).length j) = hist := by
    intro q
    rcases Classical.em (q = r) with rfl | hq
    · exact .inl self
    · rw [other q hq]
      rcases Classical.em (Unremembered honest s q) with hu | hu
      · exact .inl (b.others q hu)
      · obtain ⟨hq, m, hm⟩ := remembered hu
        obtain ⟨hist, a⟩ := reachable_agree h hq
        exact .inr ⟨hist, m, hm, a, by rw [b.clients q m hq hm, a.memory m hm]⟩
  refine ⟨cut_ideal (fun q => ?_) (fun q => ?_) b.ideal (List.prefix_refl _), fun q m hq hm => ?_,
    fun q hq => ?_, ?_⟩
  · rw [self]
    rcases cases' q with e | ⟨hist, m, hm, a, e⟩
    · rw [e]; exact lawful.received r q
    · rw [e]; exact a.seen r
  · rw [self]; simp only [Protocol.roomy]
    rcases cases' q with e | ⟨hist, m, hm, a, e⟩
    · rw [e]; have := lawful.capacity q r; simp only [edge, List.length_drop] at this; omega
    · rw [e]; have := history_fits a hs hm r; omega
  · rcases Classical.em (q = r) with e | e
    · subst e; simp [System.step, System.setClient] at hm
    · rw [other q e]; exact b.clients q m hq (by rw [← hc q e]; exact hm)
  · rw [hk]
    rcases Classical.em (q = r) with e | e
    · subst e; exact self
    · rw [other q e]; exact b.others q fun h => by rw [← hc q e]; exact hq h
  · rw [rest_cut, hk]; exact b.rest

end

end Antiphon.Resume
