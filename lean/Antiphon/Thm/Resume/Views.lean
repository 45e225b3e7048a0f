import Antiphon.Thm.Resume.Runs
/-!
# What clients have done is a run over perfect channels

What is kept, and then for each client what it has done beyond that: its receives are of messages
that are kept, and its sends find room where channels are as much wider as an outbox is long.
-/

namespace Antiphon.Resume

/-- The same protocol over channels that hold `k` messages more. -/
def Protocol.roomy (p : Protocol) (k : Nat) : Protocol :=
  { p with capacity := fun q r => p.capacity q r + k }

theorem next_roomy (p : Protocol) (k : Nat) (r : Role) (st : State) (a : Action) :
    next (p.roomy k) r st a = next p r st a := by cases a <;> rfl

theorem follow_roomy (p : Protocol) (k : Nat) (r : Role) (st : State) (as : List Action) :
    follow (p.roomy k) r st as = follow p r st as := by
  induction as generalizing st with
  | nil => rfl
  | cons a as ih => simp only [follow, next_roomy, ih]

theorem stateAfter_roomy (p : Protocol) (k : Nat) (r : Role) (as : List Action) :
    stateAfter (p.roomy k) r as = stateAfter p r as := follow_roomy p k r _ as

theorem ideal_roomy {p : Protocol} {j : Journal} (h : Ideal p j) (k : Nat) : Ideal (p.roomy k) j := by
  induction h with
  | start => exact .start
  | @step j j' x _ hs ih =>
    refine .step (record := x) ih ?_
    have e := perform_append hs
    subst e
    cases x with
    | attached => rfl
    | ended => rfl
    | acted r a =>
      cases a with
      | send q m =>
        obtain ⟨h1, h2, h3⟩ := perform_send hs
        exact perform_send_ok h1 (by rw [stateAfter_roomy]; exact h2) (Nat.lt_of_lt_of_le h3 (Nat.le_add_right _ _))
      | receive q m =>
        obtain ⟨h1, h2, h3⟩ := perform_receive hs
        exact perform_receive_ok h1 (by rw [stateAfter_roomy]; exact h2) h3

/-- The journal in which `r` has done all of `h` besides. -/
def catchUp (j : Journal) (r : Role) (h : List Action) : Journal :=
  j ++ (h.drop (actions r j).length).map (.acted r)

theorem actions_map (q r : Role) (h : List Action) :
    actions q (h.map (.acted r)) = if r = q then h else [] := by
  induction h with
  | nil => simp [actions]
  | cons a h ih => simp only [List.map_cons, actions, ih]; split <;> simp

theorem catchUp_self {j : Journal} {r : Role} {h : List Action} (hw : actions r j <+: h) :
    actions r (catchUp j r h) = h := by
  obtain ⟨k, rfl⟩ := hw
  rw [catchUp, actions_append, actions_map, if_pos rfl, List.drop_left]

theorem catchUp_other {j : Journal} {r q : Role} {h : List Action} (hq : q ≠ r) :
    actions q (catchUp j r h) = actions q j := by
  rw [catchUp, actions_append, actions_map, if_neg (Ne.symm hq), List.append_nil]

theorem catchUp_ideal {p : Protocol} {r : Role} {h : List Action} (hf : (stateAfter p r h).isSome) :
    ∀ (n : Nat) (j : Journal), n = h.length - (actions r j).length → Ideal p j → .ended ∉ j →
      actions r j <+: h → (∀ q, receivedFrom q h <+: sentTo r (actions q j)) →
      (∀ q, (sentTo q h).length ≤ (receivedFrom r (actions q j)).length + p.capacity r q) →
      Ideal p (catchUp j r h)
  | 0, j, hn, hj, _, hw, _, _ => by
    have : h.drop (actions r j).length = [] := List.drop_eq_nil_of_le (by omega)
    rw [catchUp, this]; simpa using hj
  | n + 1, j, hn, hj, hd, hw, hs, hr => by
    have hl : (actions r j).length < h.length := by omega
    have hw' := prefix_snoc hw (List.getElem?_eq_getElem hl)
    have hst := stateAfter_prefix hw' hf
    have hj' : Ideal p (j ++ [.acted r h[(actions r j).length]]) := by
      generalize ha : h[(actions r j).length] = a at hw' hst
      refine .step (record := .acted r a) hj ?_
      cases a with
      | send q m =>
        refine perform_send_ok hd hst ?_
        have h1 := (sentTo_prefix q hw').length_le
        rw [sentTo_append] at h1; simp [sentTo] at h1
        have h2 := hr q
        have h3 := ((ideal_lawful hj).received r q).length_le
        simp only [edge, List.length_drop]; omega
      | receive q m =>
        refine perform_receive_ok hd hst (drop_head.2 ?_)
        have h1 := (receivedFrom_prefix q hw').trans (hs q)
        rw [receivedFrom_append] at h1; simp only [receivedFrom, if_true] at h1
        exact prefix_getElem? h1 (by simp)
    have e : catchUp j r h = catchUp (j ++ [.acted r h[(actions r j).length]]) r h := by
      simp only [catchUp, actions_acted, if_true, List.length_append, List.length_singleton, List.append_assoc]
      rw [List.drop_eq_getElem_cons hl]; rfl
    rw [e]
    have ha : actions r (j ++ [.acted r h[(actions r j).length]]) = actions r j ++ [h[(actions r j).length]] := by
      rw [actions_acted, if_pos rfl]
    have hp : j <+: j ++ [.acted r h[(actions r j).length]] := List.prefix_append _ _
    refine catchUp_ideal hf n _ (by rw [ha]; simp; omega) hj' (by simpa using hd) (by rw [ha]; exact hw')
      (fun q => (hs q).trans (sentOn_prefix q r hp)) fun q => Nat.le_trans (hr q) ?_
    have := (receivedFrom_prefix r (actions_prefix q hp)).length_le
    omega

theorem sentTo_length_le_sends (q : Role) (as : List Action) : (sentTo q as).length ≤ sends as := by
  induction as with
  | nil => simp [sentTo, sends]
  | cons a as ih =>
    cases a with
    | send q' m =>
      simp only [sentTo, sends]; split
      · simp only [List.length_cons]; omega
      · omega
    | receive q' m => exact ih

/-- Several clients at once, each with a history of its own beyond what is kept. -/
def catchUpAll (h : Role → List Action) : List Role → Journal → Journal
  | [], j => j
  | r :: rs, j => catchUpAll h rs (catchUp j r (h r))

theorem catchUpAll_grows (h : Role → List Action) (rs : List Role) (j : Journal) :
    j <+: catchUpAll h rs j := by
  induction rs generalizing j with
  | nil => exact List.prefix_refl _
  | cons r rs ih => exact (List.prefix_append _ _).trans (ih _)

theorem catchUpAll_mem (h : Role → List Action) (rs : List Role) :
    ∀ (j : Journal) (x), x ∈ catchUpAll h rs j → x ∈ j ∨ ∃ r ∈ rs, ∃ a, x = .acted r a := by
  induction rs with
  | nil => intro j x hx; exact .inl hx
  | cons r rs ih =>
    intro j x hx
    rcases ih _ x hx with hx | ⟨q, hq, hx⟩
    · rcases List.mem_append.1 hx with hx | hx
      · exact .inl hx
      · obtain ⟨a, _, rfl⟩ := List.mem_map.1 hx
        exact .inr ⟨r, by simp, a, rfl⟩
    · exact .inr ⟨q, by simp [hq], hx⟩

theorem catchUpAll_other (h : Role → List Action) {rs : List Role} {q : Role} (hq : q ∉ rs)
    (j : Journal) : actions q (catchUpAll h rs j) = actions q j := by
  induction rs generalizing j with
  | nil => rfl
  | cons r rs ih =>
    simp only [List.mem_cons, not_or] at hq
    rw [catchUpAll, ih hq.2, catchUp_other hq.1]

theorem catchUpAll_self (h : Role → List Action) {rs : List Role} {r : Role} (hr : r ∈ rs) :
    ∀ (j : Journal), actions r j <+: h r → actions r (catchUpAll h rs j) = h r := by
  induction rs with
  | nil => cases hr
  | cons q rs ih =>
    intro j hw
    rw [catchUpAll]
    by_cases hq : r ∈ rs
    · refine ih hq _ ?_
      by_cases e : q = r
      · subst e; rw [catchUp_self hw]; exact List.prefix_refl _
      · rw [catchUp_other (Ne.symm e)]; exact hw
    · rw [catchUpAll_other h hq]
      rcases List.mem_cons.1 hr with rfl | hr
      · exact catchUp_self hw
      · exact absurd hr hq

theorem catchUpAll_ideal {p : Protocol} {h : Role → List Action} (rs : List Role) :
    ∀ (j : Journal), Ideal p j → .ended ∉ j → (∀ r ∈ rs, (stateAfter p r (h r)).isSome) →
      (∀ r ∈ rs, actions r j <+: h r) → (∀ r ∈ rs, ∀ q, receivedFrom q (h r) <+: sentTo r (actions q j)) →
      (∀ r ∈ rs, ∀ q, (sentTo q (h r)).length ≤ (receivedFrom r (actions q j)).length + p.capacity r q) →
      Ideal p (catchUpAll h rs j) := by
  induction rs with
  | nil => intro j hj _ _ _ _ _; exact hj
  | cons r rs ih =>
    intro j hj hd hf hw hs hr
    have hp : j <+: catchUp j r (h r) := List.prefix_append _ _
    refine ih _ (catchUp_ideal (hf r (by simp)) _ j rfl hj hd (hw r (by simp)) (hs r (by simp)) (hr r (by simp)))
      ?_ (fun q hq => hf q (by simp [hq])) (fun q hq => ?_)
      (fun q hq x => (hs q (by simp [hq]) x).trans (sentOn_prefix x q hp))
      (fun q hq x => Nat.le_trans (hr q (by simp [hq]) x) ?_)
    · simp only [catchUp, List.mem_append, List.mem_map, not_or]
      exact ⟨hd, by rintro ⟨_, _, h⟩; cases h⟩
    · by_cases e : q = r
      · subst e; rw [catchUp_self (hw q (by simp))]; exact List.prefix_refl _
      · rw [catchUp_other e]; exact hw q (by simp [hq])
    · have := (receivedFrom_prefix q (actions_prefix x hp)).length_le
      omega

end Antiphon.Resume
