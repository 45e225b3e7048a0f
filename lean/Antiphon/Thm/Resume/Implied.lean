import Antiphon.Thm.Resume.Ideal
/-!
# Implied receives, and what comes of claims

Accepting a claim, whoever makes it, performs what perfect channels allow (`Accepts`). Where a role's
own history says that it did what is claimed, the machine does the same (`implied_within`).
-/

namespace Antiphon.Resume

theorem enabled_mem {p : Protocol} {j : Journal} {r q : Role} {m : Message}
    (h : (q, m) ∈ enabled p j r) : ∃ st bs, stateAfter p r (actions r j) = some st ∧
      p.turn r st = .receives bs ∧ (lookup q m.label bs).isSome ∧ (edge j q r).head? = some m := by
  simp only [enabled] at h; split at h
  · rename_i bs hb
    obtain ⟨st, h1, h2⟩ := Option.map_eq_some_iff.1 hb
    obtain ⟨b, hbm, hf⟩ := List.mem_filterMap.1 h
    refine ⟨st, bs, h1, h2, ?_⟩
    split at hf
    · rename_i m' ms he
      split at hf
      · rename_i hl
        simp only [Option.some.injEq, Prod.mk.injEq] at hf
        obtain ⟨rfl, rfl⟩ := hf
        exact ⟨hl ▸ lookup_of_mem hbm, by rw [he]; rfl⟩
      · cases hf
    · cases hf
  · cases h

theorem mem_enabled {p : Protocol} {j : Journal} {r q : Role} {m : Message}
    (h : (stateAfter p r (actions r j ++ [.receive q m])).isSome)
    (he : (edge j q r).head? = some m) : (q, m) ∈ enabled p j r := by
  rw [stateAfter_snoc] at h
  obtain ⟨st', h⟩ := Option.isSome_iff_exists.1 h
  obtain ⟨st, h1, h2⟩ := Option.bind_eq_some_iff.1 h
  simp only [next] at h2
  simp only [enabled, h1, Option.map_some]
  split at h2
  · cases h2
  · rename_i bs hb
    simp only [hb]
    obtain ⟨b, hbm, hp, hl⟩ := mem_of_lookup h2
    refine List.mem_filterMap.2 ⟨b, hbm, ?_⟩
    rw [hp]
    cases e : edge j q r with
    | nil => simp [e] at he
    | cons x xs => simp only [e, List.head?_cons, Option.some.injEq] at he; subst he; simp [hl]

theorem enabled_send {p : Protocol} {j : Journal} {r q : Role} {m : Message}
    (h : (stateAfter p r (actions r j ++ [.send q m])).isSome) : enabled p j r = [] := by
  rw [stateAfter_snoc] at h
  obtain ⟨st', h⟩ := Option.isSome_iff_exists.1 h
  obtain ⟨st, h1, h2⟩ := Option.bind_eq_some_iff.1 h
  simp only [next] at h2
  simp only [enabled, h1, Option.map_some]
  split at h2
  · rename_i hb; simp [hb]
  · cases h2

theorem enabled_perform {p : Protocol} {j : Journal} {r q : Role} {m : Message} (hd : .ended ∉ j)
    (h : (q, m) ∈ enabled p j r) :
    perform p j (.acted r (.receive q m)) = .ok (j ++ [.acted r (.receive q m)]) := by
  obtain ⟨st, bs, h1, h2, h3, h4⟩ := enabled_mem h
  refine perform_receive_ok hd ?_ h4
  rw [stateAfter_snoc, h1]; simpa [next, h2] using h3

/-- What implied receives leave alone, and that they are legal. -/
structure Implies (p : Protocol) (r : Role) (n : Nat) (j j' : Journal) : Prop where
  grows : j <+: j'
  others : ∀ q, q ≠ r → actions q j' = actions q j
  count : (actions r j').length = (actions r j).length + n
  ended : .ended ∈ j' ↔ .ended ∈ j
  legal : .ended ∉ j → Ideal p j → Ideal p j'

theorem implied_implies {p : Protocol} {r : Role} : ∀ {n : Nat} {j j' : Journal},
    implied p r n j = .ok j' → Implies p r n j j'
  | 0, j, j', h => by
    simp only [implied, Except.ok.injEq] at h; subst h
    exact ⟨List.prefix_refl _, fun _ _ => rfl, rfl, Iff.rfl, fun _ h => h⟩
  | n + 1, j, j', h => by
    simp only [implied] at h; split at h
    · cases h
    · rename_i q m he
      have hi := implied_implies h
      refine ⟨(List.prefix_append _ _).trans hi.grows, fun x hx => ?_, ?_, ?_, fun hd hj => ?_⟩
      · rw [hi.others x hx, actions_acted, if_neg (Ne.symm hx)]
      · rw [hi.count, actions_acted]; simp; omega
      · rw [hi.ended]; simp
      · refine hi.legal (by simpa using hd) (.step hj (enabled_perform hd ?_))
        rw [he]; exact .head _
    · cases h

/-- Where a role's own history says what it did, implied receives do the same. -/
theorem implied_within {p : Protocol} {r : Role} {h : List Action} (hf : (stateAfter p r h).isSome) :
    ∀ {n : Nat} {j j' : Journal}, implied p r n j = .ok j' → actions r j <+: h →
      (actions r j).length + n ≤ h.length →
      (∀ q, receivedFrom q h <+: sentTo r (actions q j)) → actions r j' <+: h
  | 0, j, j', hi, hw, _, _ => by
    simp only [implied, Except.ok.injEq] at hi; subst hi; exact hw
  | n + 1, j, j', hi, hw, hn, hs => by
    obtain ⟨a, ha⟩ : ∃ a, h[(actions r j).length]? = some a :=
      ⟨_, List.getElem?_eq_getElem (by omega)⟩
    have hw' := prefix_snoc hw ha
    have hst := stateAfter_prefix hw' hf
    simp only [implied] at hi; split at hi
    · cases hi
    · rename_i q m he
      refine implied_within hf hi ?_ ?_ fun x => (hs x).trans (sentOn_prefix x r (List.prefix_append _ _))
      · rw [actions_acted, if_pos rfl]
        cases a with
        | send x m' => rw [enabled_send hst] at he; cases he
        | receive x m' =>
          have hr := (receivedFrom_prefix x hw').trans (hs x)
          rw [receivedFrom_append] at hr; simp only [receivedFrom, if_true] at hr
          have : (x, m') ∈ enabled p j r := by
            refine mem_enabled hst (drop_head.2 (prefix_getElem? hr ?_))
            simp
          rw [he] at this
          obtain ⟨rfl, rfl⟩ := by simpa using this
          exact hw'
      · rw [actions_acted, if_pos rfl]; simp; omega
    · cases hi

/-- What comes of an action that its role's own history says it did. -/
theorem actAt_within {p : Protocol} {digest : Nat → Nat} {k : Nat} {j j' : Journal} {r q : Role}
    {n : Nat} {m : Message} {h : List Action} (hf : (stateAfter p r h).isSome)
    (ha : actAt p digest k j r n q m = .ok j') (hw : actions r j <+: h)
    (hn : h[n]? = some (.send q m)) (hs : ∀ q, receivedFrom q h <+: sentTo r (actions q j)) :
    actions r j' <+: h := by
  have hlt := (List.getElem?_eq_some_iff.1 hn).1
  simp only [actAt] at ha; split at ha
  · repeat' split at ha
    all_goals try contradiction
    cases ha; exact hw
  · split at ha
    · rename_i j1 hi
      have hc := (implied_implies hi).count
      have h1 := implied_within hf hi hw (by omega) hs
      rw [perform_append ha, actions_acted, if_pos rfl]
      refine prefix_snoc h1 ?_
      rw [hc, show (actions r j).length + (n - (actions r j).length) = n by omega]; exact hn
    · cases ha

/-- Whatever is claimed, accepting it appends to the journal what perfect channels allow, and
leaves the actions of the others alone. -/
structure Accepts (p : Protocol) (r : Role) (j j' : Journal) : Prop where
  grows : j <+: j'
  others : ∀ q, q ≠ r → actions q j' = actions q j
  legal : Ideal p j → Ideal p j'

theorem actAt_accepts {p : Protocol} {digest : Nat → Nat} {k : Nat} {j j' : Journal} {r q : Role}
    {n : Nat} {m : Message} (ha : actAt p digest k j r n q m = .ok j') : Accepts p r j j' := by
  simp only [actAt] at ha; split at ha
  · repeat' split at ha
    all_goals try contradiction
    cases ha; exact ⟨List.prefix_refl _, fun _ _ => rfl, fun h => h⟩
  · split at ha
    · rename_i j1 hi
      have hi := implied_implies hi
      have hd := (perform_send ha).1
      have e := perform_append ha
      refine ⟨hi.grows.trans (e ▸ List.prefix_append _ _), fun x hx => ?_, fun hj => ?_⟩
      · rw [e, actions_acted, if_neg (Ne.symm hx), hi.others x hx]
      · exact .step (hi.legal (fun h => hd (hi.ended.2 h)) hj) ha
    · cases ha

theorem ackAt_accepts {p : Protocol} {j j' : Journal} {r : Role} {n : Nat}
    (ha : ackAt p j r n = .ok j') : Accepts p r j j' := by
  simp only [ackAt] at ha; split at ha
  · rename_i j1 hi
    have hi' := implied_implies hi
    split at ha
    · cases ha
    · cases ha
      refine ⟨hi'.grows, hi'.others, fun hj => ?_⟩
      by_cases hn : (actions r j).length < n
      · exact hi'.legal (by simp_all) hj
      · rw [show n - (actions r j).length = 0 by omega] at hi
        simp only [implied, Except.ok.injEq] at hi; subst hi; exact hj
  · cases ha

theorem ackAt_within {p : Protocol} {j j' : Journal} {r : Role} {n : Nat} {h : List Action}
    (hf : (stateAfter p r h).isSome) (ha : ackAt p j r n = .ok j') (hw : actions r j <+: h)
    (hn : n ≤ h.length) (hs : ∀ q, receivedFrom q h <+: sentTo r (actions q j)) :
    actions r j' <+: h := by
  simp only [ackAt] at ha; split at ha
  · rename_i j1 hi
    split at ha
    · cases ha
    · cases ha
      have := hw.length_le
      exact implied_within hf hi hw (by omega) hs
  · cases ha

end Antiphon.Resume
