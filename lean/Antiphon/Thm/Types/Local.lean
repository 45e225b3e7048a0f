import Antiphon.Types.Local

/-!
# Unfolding, running and turning round local types

The proofs behind `unfold_closed`, `unfold_guarded_terminates` and `dual_involutive`: what is closed
and guarded stays so when it is unfolded and when it runs, so that the naive way to run a type never
meets a loose variable and never unfolds for ever.
-/

namespace Antiphon

mutual

theorem Local.closedAt_mono : ∀ (t : Local) {k m : Nat}, k ≤ m → t.closedAt k = true →
    t.closedAt m = true
  | .end, _, _, _, _ => rfl
  | .var n, k, m, h, c => by simp only [Local.closedAt, decide_eq_true_eq] at *; omega
  | .mu body, k, m, h, c => by
    simp only [Local.closedAt] at *
    exact body.closedAt_mono (Nat.succ_le_succ h) c
  | .choice _ branches, k, m, h, c => by
    simp only [Local.closedAt] at *
    exact branches.closedAt_mono h c

theorem Branches.closedAt_mono : ∀ (branches : Branches) {k m : Nat}, k ≤ m →
    branches.closedAt k = true → branches.closedAt m = true
  | .nil, _, _, _, _ => rfl
  | .cons _ _ _ next rest, k, m, h, c => by
    simp only [Branches.closedAt, Bool.and_eq_true] at *
    exact ⟨next.closedAt_mono h c.1, rest.closedAt_mono h c.2⟩

end

mutual

theorem Local.subst_closedAt {t : Local} (ht : t.closed = true) : ∀ (body : Local) (k : Nat),
    body.closedAt (k + 1) = true → (body.subst k t).closedAt k = true
  | .end, _, _ => by simp [Local.subst, Local.closedAt]
  | .var n, k, c => by
    simp only [Local.closedAt, decide_eq_true_eq] at c
    simp only [Local.subst]
    split
    · exact t.closedAt_mono (Nat.zero_le k) ht
    · split
      · simp only [Local.closedAt, decide_eq_true_eq]; omega
      · simp only [Local.closedAt, decide_eq_true_eq]; omega
  | .mu body, k, c => by
    simp only [Local.closedAt, Local.subst] at *
    exact Local.subst_closedAt ht body (k + 1) c
  | .choice _ branches, k, c => by
    simp only [Local.closedAt, Local.subst] at *
    exact Branches.subst_closedAt ht branches k c

theorem Branches.subst_closedAt {t : Local} (ht : t.closed = true) :
    ∀ (branches : Branches) (k : Nat), branches.closedAt (k + 1) = true →
      (branches.subst k t).closedAt k = true
  | .nil, _, _ => by simp [Branches.subst, Branches.closedAt]
  | .cons _ _ _ next rest, k, c => by
    simp only [Branches.closedAt, Branches.subst, Bool.and_eq_true] at *
    exact ⟨Local.subst_closedAt ht next k c.1, Branches.subst_closedAt ht rest k c.2⟩

end

theorem Local.acts_subst {t : Local} : ∀ {body : Local} {k : Nat}, body.acts = true →
    (body.subst k t).acts = true ∧ (body.subst k t).lead = body.lead
  | .end, _, _ => by simp [Local.subst, Local.acts, Local.lead]
  | .var _, _, h => by simp [Local.acts] at h
  | .mu body, k, h => by
    have := acts_subst (t := t) (body := body) (k := k + 1) (by simpa [Local.acts] using h)
    simp [Local.subst, Local.acts, Local.lead, this]
  | .choice .., _, _ => by simp [Local.subst, Local.acts, Local.lead]

/-- A closed and guarded type starts, behind its binders, with an action or the end. -/
theorem Local.acts_of_guardedAt : ∀ {t : Local} {k : Nat}, t.closedAt k = true →
    t.guardedAt k = true → t.acts = true
  | .end, _, _, _ => rfl
  | .var n, k, c, g => by
    simp only [Local.closedAt, Local.guardedAt, decide_eq_true_eq] at c g
    omega
  | .mu body, k, c, g => by
    simp only [Local.closedAt, Local.guardedAt] at c g
    simpa [Local.acts] using acts_of_guardedAt c g
  | .choice .., _, _, _ => rfl

theorem Local.acts_of_closed_guarded {t : Local} (c : t.closed = true) (g : t.guarded = true) :
    t.acts = true := acts_of_guardedAt c g

/-- What begins with an action or the end is guarded from all binders around, if from any. -/
theorem Local.guardedAt_of_acts : ∀ {t : Local} {k : Nat}, t.acts = true → t.guardedAt k = true →
    ∀ m, t.guardedAt m = true
  | .end, _, _, _, _ => rfl
  | .var _, _, a, _, _ => by simp [Local.acts] at a
  | .mu body, k, a, g, m => by
    simp only [Local.acts, Local.guardedAt] at *
    exact guardedAt_of_acts a g (m + 1)
  | .choice .., _, _, g, _ => by simpa [Local.guardedAt] using g

mutual

/-- Guarded from `m` binders around, and from one less if `t` is put in for a variable of them. -/
theorem Local.subst_guardedAt {t : Local} (ht : ∀ m, t.guardedAt m = true) :
    ∀ {body : Local} {k m : Nat}, body.guardedAt m = true →
      (body.subst k t).guardedAt (if k < m then m - 1 else m) = true
  | .end, _, _, _ => by simp [Local.subst, Local.guardedAt]
  | .var n, k, m, g => by
    simp only [Local.guardedAt, decide_eq_true_eq] at g
    by_cases is : n = k
    · simp only [Local.subst, is, if_true]
      exact ht _
    · by_cases behind : k < n <;> by_cases inside : k < m <;>
        simp only [Local.subst, is, behind, inside, if_true, if_false, Local.guardedAt,
          decide_eq_true_eq] <;> omega
  | .mu body, k, m, g => by
    simp only [Local.guardedAt, Local.subst] at *
    have := Local.subst_guardedAt ht (k := k + 1) g
    by_cases inside : k < m
    · rw [if_pos (by omega)] at this
      rw [if_pos inside, show m - 1 + 1 = m + 1 - 1 by omega]
      exact this
    · rw [if_neg (by omega)] at this
      rw [if_neg inside]
      exact this
  | .choice _ branches, k, m, g => by
    simp only [Local.guardedAt, Local.subst] at *
    exact Branches.subst_guarded ht g

theorem Branches.subst_guarded {t : Local} (ht : ∀ m, t.guardedAt m = true) :
    ∀ {branches : Branches} {k : Nat}, branches.guarded = true →
      (branches.subst k t).guarded = true
  | .nil, _, _ => by simp [Branches.subst, Branches.guarded]
  | .cons _ _ _ next rest, k, h => by
    simp only [Branches.guarded, Branches.subst, Bool.and_eq_true] at *
    have := Local.subst_guardedAt ht (k := k) h.1
    exact ⟨by simpa using this, Branches.subst_guarded ht h.2⟩

end

theorem Local.unfold_closed {t : Local} (h : t.closed = true) : t.unfold.closed = true := by
  cases t with
  | mu body =>
    exact Local.subst_closedAt h body 0 (by simpa [Local.closed, Local.closedAt] using h)
  | _ => exact h

theorem Local.unfold_guarded {t : Local} (c : t.closed = true) (h : t.guarded = true) :
    t.unfold.guarded = true := by
  cases t with
  | mu body =>
    have all := Local.guardedAt_of_acts (Local.acts_of_closed_guarded c h) h
    have := Local.subst_guardedAt all (body := body) (k := 0) (m := 1)
      (by simpa [Local.guarded, Local.guardedAt] using h)
    simpa [Local.guarded, Local.unfold] using this
  | _ => exact h

theorem Local.unfoldTimes_keeps {p : Local → Prop} (step : ∀ {t : Local}, p t → p t.unfold) :
    ∀ (n : Nat) {t : Local}, p t → p (t.unfoldTimes n)
  | 0, _, h => h
  | n + 1, t, h => by
    simp only [Local.unfoldTimes]
    exact unfoldTimes_keeps (p := p) step n (step h)

theorem Local.head_closed {t : Local} (h : t.closed = true) : t.head.closed = true :=
  unfoldTimes_keeps (p := fun t => t.closed = true) Local.unfold_closed _ h

theorem Local.head_guarded {t : Local} (c : t.closed = true) (h : t.guarded = true) :
    t.head.guarded = true :=
  (unfoldTimes_keeps (p := fun t => t.closed = true ∧ t.guarded = true)
    (fun h => ⟨Local.unfold_closed h.1, Local.unfold_guarded h.1 h.2⟩) _ ⟨c, h⟩).2

theorem Local.unfoldTimes_isHead : ∀ (n : Nat) {t : Local}, t.lead = n → t.acts = true →
    (t.unfoldTimes n).isHead = true
  | 0, t, l, a => by
    cases t with
    | mu body => simp [Local.lead] at l
    | var n => simp [Local.acts] at a
    | _ => simp [Local.unfoldTimes, Local.isHead]
  | n + 1, t, l, a => by
    cases t with
    | mu body =>
      have acts : body.acts = true := by simpa [Local.acts] using a
      have kept := Local.acts_subst (t := .mu body) (k := 0) acts
      simp only [Local.lead, Nat.add_right_cancel_iff] at l
      exact unfoldTimes_isHead n (kept.2.trans l) kept.1
    | _ => simp [Local.lead] at l

theorem Local.head_isHead {t : Local} (closed : t.closed = true) (guarded : t.guarded = true) :
    t.head.isHead = true :=
  unfoldTimes_isHead _ rfl (acts_of_closed_guarded closed guarded)

theorem Branches.find_closed {action : Action} {t : Local} : ∀ {branches : Branches},
    branches.find action = some t → branches.closedAt 0 = true → t.closed = true
  | .nil, h, _ => by simp [Branches.find] at h
  | .cons _ _ _ next rest, h, c => by
    simp only [Branches.closedAt, Bool.and_eq_true] at c
    simp only [Branches.find] at h
    split at h
    · injection h with h
      exact h ▸ c.1
    · exact find_closed h c.2

theorem Branches.find_guarded {action : Action} {t : Local} : ∀ {branches : Branches},
    branches.find action = some t → branches.guarded = true → t.guarded = true
  | .nil, h, _ => by simp [Branches.find] at h
  | .cons _ _ _ next rest, h, c => by
    simp only [Branches.guarded, Bool.and_eq_true] at c
    simp only [Branches.find] at h
    split at h
    · injection h with h
      exact h ▸ c.1
    · exact find_guarded h c.2

theorem Local.after_keeps {t u : Local} {action : Action} (h : t.after action = some u)
    (closed : t.closed = true) (guarded : t.guarded = true) :
    u.closed = true ∧ u.guarded = true := by
  have hc := Local.head_closed closed
  have hg := Local.head_guarded closed guarded
  simp only [Local.after] at h
  split at h
  · rename_i direction branches head
    rw [head] at hc hg
    split at h
    · exact ⟨Branches.find_closed h hc, Branches.find_guarded h hg⟩
    · simp at h
  · simp at h

theorem Local.run_keeps : ∀ {run : List Action} {t u : Local}, t.run run = some u →
    t.closed = true → t.guarded = true → u.closed = true ∧ u.guarded = true
  | [], t, u, h, hc, hg => by
    simp only [Local.run, Option.some.injEq] at h
    exact h ▸ ⟨hc, hg⟩
  | action :: rest, t, u, h, hc, hg => by
    simp only [Local.run] at h
    split at h
    · simp at h
    · rename_i v after
      have := Local.after_keeps after hc hg
      exact run_keeps h this.1 this.2

/-! ## Duality -/

theorem Direction.flip_flip (d : Direction) : d.flip.flip = d := by cases d <;> rfl

mutual

theorem Local.dual_dual : ∀ (t : Local), t.dual.dual = t
  | .end => rfl
  | .var _ => rfl
  | .mu body => by simp only [Local.dual, Local.dual_dual body]
  | .choice d branches => by
    simp only [Local.dual, Direction.flip_flip, Branches.dual_dual branches]

theorem Branches.dual_dual : ∀ (branches : Branches), branches.dual.dual = branches
  | .nil => rfl
  | .cons _ _ _ next rest => by
    simp only [Branches.dual, Local.dual_dual next, Branches.dual_dual rest]

end

mutual

theorem Local.dual_subst (t : Local) : ∀ (body : Local) (k : Nat),
    (body.subst k t).dual = body.dual.subst k t.dual
  | .end, _ => by simp [Local.subst, Local.dual]
  | .var n, k => by
    simp only [Local.subst, Local.dual]
    split
    · rfl
    · split <;> rfl
  | .mu body, k => by simp only [Local.subst, Local.dual, Local.dual_subst t body (k + 1)]
  | .choice d branches, k => by
    simp only [Local.subst, Local.dual, Branches.dual_subst t branches k]

theorem Branches.dual_subst (t : Local) : ∀ (branches : Branches) (k : Nat),
    (branches.subst k t).dual = branches.dual.subst k t.dual
  | .nil, _ => by simp [Branches.subst, Branches.dual]
  | .cons _ _ _ next rest, k => by
    simp only [Branches.subst, Branches.dual, Local.dual_subst t next k,
      Branches.dual_subst t rest k]

end

theorem Local.dual_unfold (t : Local) : t.unfold.dual = t.dual.unfold := by
  cases t with
  | mu body => exact Local.dual_subst (.mu body) body 0
  | _ => rfl

theorem Local.dual_unfoldTimes : ∀ (n : Nat) (t : Local),
    (t.unfoldTimes n).dual = t.dual.unfoldTimes n
  | 0, _ => rfl
  | n + 1, t => by
    simp only [Local.unfoldTimes]
    rw [dual_unfoldTimes n, Local.dual_unfold]

theorem Local.dual_lead : ∀ (t : Local), t.dual.lead = t.lead
  | .end => rfl
  | .var _ => rfl
  | .mu body => by simp only [Local.dual, Local.lead, dual_lead body]
  | .choice .. => rfl

theorem Local.dual_head (t : Local) : t.dual.head = t.head.dual := by
  simp only [Local.head, Local.dual_lead, Local.dual_unfoldTimes]

/-- The same action, seen from the other side. -/
def Action.flip (action : Action) : Action := { action with direction := action.direction.flip }

theorem Branches.dual_find (action : Action) : ∀ (branches : Branches),
    branches.dual.find action.flip = (branches.find action).map Local.dual
  | .nil => rfl
  | .cons peer label sort next rest => by
    simp only [Branches.dual, Branches.find, Action.flip]
    split
    · rfl
    · exact dual_find action rest

theorem Local.dual_after (t : Local) (action : Action) :
    t.dual.after action.flip = (t.after action).map Local.dual := by
  simp only [Local.after, Local.dual_head]
  cases t.head with
  | choice d branches =>
    simp only [Local.dual]
    have same : (d.flip = action.flip.direction) ↔ (d = action.direction) := by
      cases d <;> cases h : action.direction <;> simp [Action.flip, Direction.flip, h]
    by_cases h : d = action.direction
    · rw [if_pos h, if_pos (same.2 h), Branches.dual_find]
    · rw [if_neg h, if_neg fun h' => h (same.1 h')]
      rfl
  | _ => rfl

theorem Local.dual_run : ∀ (run : List Action) (t : Local),
    t.dual.run (run.map Action.flip) = (t.run run).map Local.dual
  | [], _ => rfl
  | action :: rest, t => by
    simp only [List.map_cons, Local.run, Local.dual_after]
    cases t.after action with
    | none => rfl
    | some u => exact dual_run rest u

end Antiphon
