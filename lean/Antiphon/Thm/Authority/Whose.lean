import Antiphon.Machine.Transfer

/-!
Whose a fragment is: what ownership means, said of single fragments, and what each operation on
holdings does to it. Everything else about authority rests on these equivalences.
-/

namespace Antiphon.Machine

namespace Scope

theorem has_foldl_union (all : List Scope) (start : Scope) (f : Nat) :
    (all.foldl union start).has f = (start.has f || all.any (·.has f)) := by
  induction all generalizing start with
  | nil => simp
  | cons a rest ih => simp [ih, Bool.or_assoc]

@[simp] theorem has_unions (all : List Scope) (f : Nat) :
    (unions all).has f = all.any (·.has f) := by simp [unions, has_foldl_union]

theorem isEmpty_eq_false_iff (a : Scope) : a.isEmpty = false ↔ ∃ f, a.has f = true := by
  rw [← Bool.not_eq_true, isEmpty_iff]
  simp

theorem touches_iff (a b : Scope) :
    a.touches b = true ↔ ∃ f, a.has f = true ∧ b.has f = true := by
  simp [touches, isEmpty_eq_false_iff]

theorem touches_eq_false_iff (a b : Scope) :
    a.touches b = false ↔ ∀ f, a.has f = true → b.has f = false := by
  rw [← Bool.not_eq_true, touches_iff]
  simp

theorem covers_has {a part : Scope} (h : a.covers part = true) {f : Nat} (hf : part.has f = true) :
    a.has f = true := ((covers_iff a part).1 h).2 f hf

theorem covers_ne_empty {a part : Scope} (h : a.covers part = true) : part.isEmpty = false :=
  ((covers_iff a part).1 h).1

end Scope

/-- Whose a fragment is: whom it was given to, under which generation, and whether it was released
since. -/
structure Who where
  owner : Owner
  generation : Generation
  released : Bool
deriving DecidableEq

def Held.who (h : Held) : Who := ⟨h.owner, h.generation, h.released⟩

/-- Among these holdings the fragment is in one of this owner and generation. -/
def Has (all : List Held) (f : Nat) (who : Who) : Prop :=
  ∃ held ∈ all, held.scope.has f = true ∧ held.who = who

theorem has_scopes (all : List Held) (f : Nat) :
    (Held.scopes all).has f = true ↔ ∃ held ∈ all, held.scope.has f = true := by
  simp [Held.scopes]

theorem has_nil (f : Nat) (w : Who) : Has [] f w ↔ False := by simp [Has]

theorem has_cons (h : Held) (all : List Held) (f : Nat) (w : Who) :
    Has (h :: all) f w ↔ (h.scope.has f = true ∧ h.who = w) ∨ Has all f w := by simp [Has]

theorem has_append (a b : List Held) (f : Nat) (w : Who) :
    Has (a ++ b) f w ↔ Has a f w ∨ Has b f w := by
  simp only [Has, List.mem_append]
  constructor
  · rintro ⟨h, hm | hm, r⟩
    · exact .inl ⟨h, hm, r⟩
    · exact .inr ⟨h, hm, r⟩
  · rintro (⟨h, hm, r⟩ | ⟨h, hm, r⟩)
    · exact ⟨h, .inl hm, r⟩
    · exact ⟨h, .inr hm, r⟩

/-- What the opener has left, and what was handed over since. -/
theorem has_holdings (o : Ownership) (sp : Spread) (f : Nat) (w : Who) :
    Has (o.holdings (some sp)) f w ↔
      (o.scope.has f = true ∧ ⟨o.owner, o.generation, false⟩ = w)
        ∨ Has (sp.holdings.map Holding.held) f w := by
  simp [Ownership.holdings, has_cons, Held.who]

theorem has_left (scope : Scope) (all : List Holding) (f : Nat) (w : Who) :
    Has ((all.filterMap (Spread.left scope)).map Holding.held) f w ↔
      scope.has f = false ∧ Has (all.map Holding.held) f w := by
  induction all with
  | nil => simp [has_nil]
  | cons h rest ih =>
    have key : ∀ k, Spread.left scope h = some k →
        k.scope = h.scope.without scope ∧ k.held.who = h.held.who := by
      intro k hk
      simp only [Spread.left] at hk
      split at hk
      · contradiction
      · injection hk with hk; subst hk; exact ⟨rfl, rfl⟩
    cases hl : Spread.left scope h with
    | none =>
      have empty : (h.scope.without scope).isEmpty = true := by
        simp only [Spread.left] at hl
        split at hl
        · assumption
        · contradiction
      have no := (Scope.isEmpty_iff _).1 empty f
      simp only [Scope.has_without] at no
      simp only [List.filterMap_cons, hl, List.map_cons, has_cons, ih, Holding.held]
      constructor
      · rintro ⟨a, b⟩; exact ⟨a, .inr b⟩
      · rintro ⟨a, ⟨b, _⟩ | b⟩
        · simp [a, b] at no
        · exact ⟨a, b⟩
    | some k =>
      obtain ⟨ks, kw⟩ := key k hl
      simp only [List.filterMap_cons, hl, List.map_cons, has_cons, ih, kw]
      have : k.held.scope = k.scope := rfl
      have hh : h.held.scope = h.scope := rfl
      rw [this, ks, hh, Scope.has_without]
      cases h.scope.has f <;> cases scope.has f <;> simp

/-- What is taken is nobody's; everything else stays whose it is. -/
theorem has_take (sp : Spread) (o : Ownership) (scope : Scope) (f : Nat) (w : Who) :
    Has ((sp.take o scope).1.holdings (some (sp.take o scope).2)) f w ↔
      scope.has f = false ∧ Has (o.holdings (some sp)) f w := by
  rw [has_holdings, has_holdings]
  simp only [Spread.take, Spread.forgetSerials, has_left, Scope.has_without]
  cases o.scope.has f <;> cases scope.has f <;> simp

/-- AUTH-8: what a change names belongs to its new owner under the next generation, and to nobody
else; everything else stays whose it is. -/
theorem has_issue (sp : Spread) (o : Ownership) (owner : Owner) (scope : Scope) (origin : Origin)
    (f : Nat) (w : Who) :
    Has ((sp.issue o owner scope origin).1.holdings (some (sp.issue o owner scope origin).2)) f w ↔
      (scope.has f = true ∧ ⟨owner, sp.last + 1, false⟩ = w)
        ∨ (scope.has f = false ∧ Has (o.holdings (some sp)) f w) := by
  have ht := has_take sp o scope f w
  rw [has_holdings] at ht
  rw [has_holdings]
  simp only [Spread.issue, List.map_append, has_append, List.map_cons, List.map_nil, has_cons,
    has_nil, or_false, ← or_assoc]
  rw [ht, or_comm]
  simp [Holding.held, Held.who, Spread.take, Spread.forgetSerials]

/-- What is released is nobody's, and the last one's; everything else stays whose it is. -/
theorem has_release (sp : Spread) (o : Ownership) (owner : Owner) (generation : Generation)
    (scope : Scope) (origin : Origin) (f : Nat) (w : Who) :
    Has ((sp.release o owner generation scope origin).1.holdings
        (some (sp.release o owner generation scope origin).2)) f w ↔
      (scope.has f = true ∧ ⟨owner, generation, true⟩ = w)
        ∨ (scope.has f = false ∧ Has (o.holdings (some sp)) f w) := by
  have ht := has_take sp o scope f w
  rw [has_holdings] at ht
  rw [has_holdings]
  simp only [Spread.release, List.map_append, has_append, List.map_cons, List.map_nil, has_cons,
    has_nil, or_false, ← or_assoc]
  rw [ht, or_comm]
  simp [Holding.held, Held.who]

/-- One holding after the other is released. -/
theorem has_releases (owner : Owner) (origin : Origin) (f : Nat) (w : Who) (all : List Held)
    (one : ∀ h ∈ all, ∀ k ∈ all, h.scope.has f = true → k.scope.has f = true →
      h.generation = k.generation) (o : Ownership) (sp : Spread) :
    let done := all.foldl (fun (o, s) held =>
      s.release o owner held.generation held.scope origin) (o, sp)
    Has (done.1.holdings (some done.2)) f w ↔
      (∃ h ∈ all, h.scope.has f = true ∧ ⟨owner, h.generation, true⟩ = w)
        ∨ ((∀ h ∈ all, h.scope.has f = false) ∧ Has (o.holdings (some sp)) f w) := by
  induction all generalizing o sp with
  | nil => simp
  | cons h rest ih =>
    have ih := ih (fun a ha b hb => one a (.tail _ ha) b (.tail _ hb))
      (sp.release o owner h.generation h.scope origin).1
      (sp.release o owner h.generation h.scope origin).2
    simp only [List.foldl_cons] at ih ⊢
    rw [ih, has_release]
    constructor
    · rintro (⟨k, hk, hf, e⟩ | ⟨no, ⟨hf, e⟩ | ⟨hf, old⟩⟩)
      · exact .inl ⟨k, .tail _ hk, hf, e⟩
      · exact .inl ⟨h, .head _, hf, e⟩
      · refine .inr ⟨?_, old⟩
        intro k hk
        rcases List.mem_cons.1 hk with rfl | hk
        · exact hf
        · exact no k hk
    · rintro (⟨k, hk, hf, e⟩ | ⟨no, old⟩)
      · rcases List.mem_cons.1 hk with rfl | hk
        · by_cases later : ∃ l ∈ rest, l.scope.has f = true
          · obtain ⟨l, hl, lf⟩ := later
            have := one k (.head _) l (.tail _ hl) hf lf
            exact .inl ⟨l, hl, lf, this ▸ e⟩
          · refine .inr ⟨?_, .inl ⟨hf, e⟩⟩
            intro l hl
            cases hlf : l.scope.has f
            · rfl
            · exact absurd ⟨l, hl, hlf⟩ later
        · exact .inl ⟨k, hk, hf, e⟩
      · exact .inr ⟨fun k hk => no k (.tail _ hk), .inr ⟨no h (.head _), old⟩⟩

/-- AUTH-24: what the lost owner has is nobody's; everything else stays whose it is. -/
theorem has_lose (sp : Spread) (o : Ownership) (owner : Owner) (origin : Origin)
    (single : ∀ f w w', Has (o.holdings (some sp)) f w → Has (o.holdings (some sp)) f w' → w = w')
    (f : Nat) (w : Who) :
    Has ((sp.lose o owner origin).1.holdings (some (sp.lose o owner origin).2)) f w ↔
      (w.owner = owner ∧ w.released = true ∧
          Has (o.holdings (some sp)) f ⟨owner, w.generation, false⟩)
        ∨ (¬(w.owner = owner ∧ w.released = false) ∧ Has (o.holdings (some sp)) f w) := by
  let own := (o.holdings (some sp)).filter fun held =>
    !held.released && !held.scope.isEmpty && held.owner == owner
  have mem : ∀ h, h ∈ own ↔ h ∈ o.holdings (some sp) ∧ h.released = false
      ∧ h.scope.isEmpty = false ∧ h.owner = owner := by
    intro h; simp [own, and_assoc]
  have ne : ∀ (h : Held), h.scope.has f = true → h.scope.isEmpty = false :=
    fun h hf => (Scope.isEmpty_eq_false_iff _).2 ⟨f, hf⟩
  have one : ∀ h ∈ own, ∀ k ∈ own, h.scope.has f = true → k.scope.has f = true →
      h.generation = k.generation := by
    intro h hh k hk hf kf
    have := single f _ _ ⟨h, ((mem h).1 hh).1, hf, rfl⟩ ⟨k, ((mem k).1 hk).1, kf, rfl⟩
    exact congrArg Who.generation this
  have key := has_releases owner origin f w own one o sp
  simp only [Spread.lose]
  refine key.trans ?_
  obtain ⟨wo, wg, wr⟩ := w
  simp only [Who.mk.injEq]
  constructor
  · rintro (⟨h, hh, hf, rfl, rfl, rfl⟩ | ⟨no, old⟩)
    · obtain ⟨hm, hr, _, ho⟩ := (mem h).1 hh
      exact .inl ⟨rfl, rfl, h, hm, hf, by simp [Held.who, ho, hr]⟩
    · refine .inr ⟨?_, old⟩
      rintro ⟨rfl, rfl⟩
      obtain ⟨h, hm, hf, e⟩ := old
      simp only [Held.who, Who.mk.injEq] at e
      have := no h ((mem h).2 ⟨hm, e.2.2, ne h hf, e.1⟩)
      simp [hf] at this
  · rintro (⟨rfl, rfl, h, hm, hf, e⟩ | ⟨other, old⟩)
    · simp only [Held.who, Who.mk.injEq] at e
      exact .inl ⟨h, (mem h).2 ⟨hm, e.2.2, ne h hf, e.1⟩, hf, rfl, e.2.1, rfl⟩
    · refine .inr ⟨?_, old⟩
      intro h hh
      obtain ⟨hm, hr, _, ho⟩ := (mem h).1 hh
      cases hf : h.scope.has f
      · rfl
      · have := single f _ _ old ⟨h, hm, hf, rfl⟩
        simp only [Held.who, Who.mk.injEq] at this
        exact absurd ⟨this.1.trans ho, this.2.2.trans hr⟩ other

/-- AUTH-1, AUTH-2: whoever is let through has every fragment that the operation needs, under the
owner and generation that are presented, and has presented it. -/
theorem covers_has {o : Ownership} {sp : Option Spread} {by_ : Presented} {needs : Scope}
    (ok : o.covers sp by_ needs = .ok ()) :
    needs.isEmpty = false ∧ ∀ f, needs.has f = true →
      by_.scope.has f = true ∧ Has (o.holdings sp) f ⟨by_.owner, by_.generation, false⟩ := by
  simp only [Ownership.covers] at ok
  split at ok <;> try contradiction
  split at ok <;> try contradiction
  split at ok
  · rename_i lost within
    simp only [Bool.and_eq_true] at within
    obtain ⟨all, presented⟩ := within
    refine ⟨Scope.covers_ne_empty presented, fun f hf => ?_⟩
    have pf := Scope.covers_has presented hf
    refine ⟨pf, ?_⟩
    have af := Scope.covers_has all pf
    have none := (Scope.isEmpty_iff _).1 (by simpa using lost) f
    simp only [Scope.has_without, Scope.has_intersection, hf, pf, af, Bool.and_self,
      Bool.true_and, Bool.not_eq_false'] at none
    obtain ⟨h, hm, hs⟩ := (has_scopes _ f).1 none
    simp only [List.mem_filter, Held.isOf, Bool.and_eq_true, Bool.not_eq_true', beq_iff_eq] at hm
    exact ⟨h, hm.1, hs, by simp [Held.who, hm.2.1, hm.2.2.1, hm.2.2.2]⟩
  · split at ok <;> contradiction

/-- Who had the fragments last: live, or until they were released. -/
theorem wasLast_has {o : Ownership} {sp : Option Spread} {by_ : Presented} {scope : Scope}
    (last : o.wasLast sp by_ scope = true) {f : Nat} (hf : scope.has f = true) :
    ∃ released, Has (o.holdings sp) f ⟨by_.owner, by_.generation, released⟩ := by
  have := Scope.covers_has last hf
  simp only [Scope.has_intersection, Bool.and_eq_true] at this
  obtain ⟨h, hm, hs⟩ := (has_scopes _ f).1 this.1
  simp only [List.mem_filter, Held.isOf, Bool.and_eq_true, beq_iff_eq] at hm
  exact ⟨h.released, h, hm.1, hs, by simp [Held.who, hm.2.1, hm.2.2]⟩

end Antiphon.Machine
