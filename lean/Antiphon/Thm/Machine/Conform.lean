import Antiphon.Types.Protocol

/-!
# Proofs about values: what a sort has made of a value it leaves as it is

A value that conforms has its record fields in declared order, its integers in the form of their
sorts, and its doubles canonical; so it conforms again, to itself.
-/

namespace Antiphon

/-- The fields of a record with their values, in order. -/
def Entries.toList : Entries → List (String × Value)
  | .nil => []
  | .cons name value rest => (name, value) :: rest.toList

theorem Entries.splitLast_toList : ∀ (rest : Entries) (name : String) (value : Value),
    (Entries.splitLast name value rest).1.toList ++ [(Entries.splitLast name value rest).2]
      = (name, value) :: rest.toList
  | .nil, _, _ => rfl
  | .cons name' value' rest, name, value => by
    have ih := splitLast_toList rest name' value'
    simp only [Entries.splitLast, Entries.toList, List.cons_append]
    rw [ih]

theorem Entries.lastToFront_perm : ∀ (entries : Entries),
    entries.lastToFront.toList.Perm entries.toList
  | .nil => List.Perm.refl _
  | .cons name value rest => by
    have split := splitLast_toList rest name value
    simp only [Entries.lastToFront, Entries.toList]
    rw [← split]
    exact (List.perm_append_singleton _ _).symm

theorem Entries.take_some {name : String} : ∀ {entries : Entries} {value : Value}
    {others : Entries}, entries.take name = some (value, others) →
    ((name, value) :: others.toList).Perm entries.toList
  | .nil, _, _, h => by simp [Entries.take] at h
  | .cons first value rest, found, others, h => by
    simp only [Entries.take] at h
    split at h
    · rename_i e
      simp only [Option.some.injEq, Prod.mk.injEq] at h
      obtain ⟨rfl, rfl⟩ := h
      rw [← e]
      exact (lastToFront_perm rest).cons _
    · split at h
      · simp at h
      · rename_i ht
        simp only [Option.some.injEq, Prod.mk.injEq] at h
        obtain ⟨rfl, rfl⟩ := h
        exact (List.Perm.swap _ _ _).trans ((take_some ht).cons _)

theorem Entries.take_none {name : String} : ∀ {entries : Entries}, entries.take name = none →
    ∀ pair ∈ entries.toList, pair.1 ≠ name
  | .nil, _ => by simp [Entries.toList]
  | .cons first value rest, h => by
    simp only [Entries.take] at h
    split at h
    · simp at h
    · rename_i ne
      split at h
      · rename_i ht
        intro pair hp
        rcases List.mem_cons.1 hp with rfl | hp
        · exact ne
        · exact take_none ht pair hp
      · simp at h

/-- Entries that are as the fields make them: in their order, each value as its sort leaves it. -/
def Fields.Fixed (depth : Nat) : Fields → Entries → Prop
  | .nil, .nil => True
  | .cons name part rest, .cons name' value entries =>
    name' = name ∧ part.conformAt depth value = .ok value ∧ rest.Fixed depth entries
  | _, _ => False

theorem Fields.Fixed.has {depth : Nat} : ∀ {fields : Fields} {entries : Entries},
    fields.Fixed depth entries → ∀ pair ∈ entries.toList, fields.has pair.1 = true
  | .nil, .nil, _ => by simp [Entries.toList]
  | .nil, .cons .., h => by simp [Fields.Fixed] at h
  | .cons .., .nil, _ => by simp [Entries.toList]
  | .cons name part rest, .cons name' value entries, h => by
    obtain ⟨rfl, _, fixed⟩ := h
    intro pair hp
    simp only [Fields.has, Bool.or_eq_true, beq_iff_eq]
    rcases List.mem_cons.1 hp with rfl | hp
    · exact .inl rfl
    · exact .inr (has fixed pair hp)

/-- In whatever order they are given, entries that are fixed come to themselves. -/
theorem Fields.conformAt_fixed {depth : Nat} : ∀ {fields : Fields} {entries given : Entries},
    fields.distinct = true → fields.Fixed depth entries → given.toList.Perm entries.toList →
    fields.conformAt depth given = .ok entries
  | .nil, .nil, given, _, _, perm => by
    cases given with
    | nil => rfl
    | cons => simp [Entries.toList] at perm
  | .nil, .cons .., _, _, h, _ => by simp [Fields.Fixed] at h
  | .cons .., .nil, _, _, h, _ => by simp [Fields.Fixed] at h
  | .cons name part rest, .cons name' value entries, given, distinct, h, perm => by
    obtain ⟨rfl, fixed, others⟩ := h
    simp only [Fields.distinct, Bool.and_eq_true, Bool.not_eq_true'] at distinct
    obtain ⟨⟨fresh, _⟩, distinct⟩ := distinct
    have mem : (name', value) ∈ given.toList :=
      perm.symm.subset (List.mem_cons_self ..)
    cases ht : given.take name' with
    | none => exact absurd rfl (Entries.take_none ht _ mem)
    | some found =>
      obtain ⟨value', left⟩ := found
      have perm' := (Entries.take_some ht).trans perm
      have same : value' = value := by
        have := perm'.subset (List.mem_cons_self ..)
        rcases List.mem_cons.1 this with e | e
        · exact (Prod.mk.inj e).2
        · have := others.has _ e
          simp only at this
          rw [fresh] at this
          simp at this
      subst same
      have rest_perm : left.toList.Perm entries.toList := perm'.cons_inv
      have ih := conformAt_fixed distinct others rest_perm
      simp only [Fields.conformAt, ht, fixed, ih]

theorem Values.conformEach_again {f : Value → Except WrongSort Value}
    (hf : ∀ v v', f v = .ok v' → f v' = .ok v') : ∀ {items items' : Values} {i : Nat},
    items.conformEach f i = .ok items' →
      items'.length = items.length ∧ ∀ j, items'.conformEach f j = .ok items'
  | .nil, items', i, h => by
    simp only [Values.conformEach, Except.ok.injEq] at h
    subst h
    exact ⟨rfl, fun _ => rfl⟩
  | .cons item rest, items', i, h => by
    simp only [Values.conformEach] at h
    split at h
    · simp at h
    · rename_i item' hi
      split at h
      · simp at h
      · rename_i rest' hr
        simp only [Except.ok.injEq] at h
        subst h
        obtain ⟨len, ih⟩ := conformEach_again hf hr
        refine ⟨by simp [Values.length, len], ?_⟩
        intro j
        simp only [Values.conformEach, hf _ _ hi, ih]

theorem floatCanonical_again (bits : UInt64) : floatCanonical (floatCanonical bits)
    = floatCanonical bits := by
  unfold floatCanonical
  split
  · decide
  · simp

theorem floatCanonical_finite {bits : UInt64} (h : floatIsFinite bits = true) :
    floatIsFinite (floatCanonical bits) = true := by
  unfold floatCanonical
  split
  · decide
  · exact h

mutual

theorem PayloadSort.conformAt_again : ∀ (sort : PayloadSort) {depth : Nat} {v v' : Value},
    sort.distinct = true → sort.conformAt depth v = .ok v' → sort.conformAt depth v' = .ok v'
  | .unit, depth, v, v', _, h => by
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      cases v <;> simp only at h <;> (repeat' split at h) <;> first
        | (simp at h; done)
        | (injection h with h; subst h; unfold PayloadSort.conformAt; simp_all)
  | .bool, depth, v, v', _, h => by
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      cases v <;> simp only at h <;> (repeat' split at h) <;> first
        | (simp at h; done)
        | (injection h with h; subst h; unfold PayloadSort.conformAt; simp_all)
  | .int, depth, v, v', _, h => by
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      cases v <;> simp only at h <;> (repeat' split at h) <;> first
        | (simp at h; done)
        | (injection h with h; subst h; unfold PayloadSort.conformAt; simp_all)
  | .nat, depth, v, v', _, h => by
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      cases v <;> simp only at h <;> (repeat' split at h) <;> first
        | (simp at h; done)
        | (injection h with h; subst h; unfold PayloadSort.conformAt; simp_all)
  | .float, depth, v, v', _, h => by
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      cases v <;> simp only at h <;> (repeat' split at h) <;> first
        | (simp at h; done)
        | (injection h with h; subst h; unfold PayloadSort.conformAt; simp_all [floatCanonical_again, floatCanonical_finite])
  | .string, depth, v, v', _, h => by
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      cases v <;> simp only at h <;> (repeat' split at h) <;> first
        | (simp at h; done)
        | (injection h with h; subst h; unfold PayloadSort.conformAt; simp_all)
  | .bytes, depth, v, v', _, h => by
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      cases v <;> simp only at h <;> (repeat' split at h) <;> first
        | (simp at h; done)
        | (injection h with h; subst h; unfold PayloadSort.conformAt; simp_all)
  | .named _, depth, v, v', _, h => by
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      cases v <;> simp only at h <;> (repeat' split at h) <;> first
        | (simp at h; done)
        | (injection h with h; subst h; unfold PayloadSort.conformAt
           simp only
           rw [if_neg (by omega), if_neg (by omega)])
  | .chan _, depth, v, v', _, h => by
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      cases v <;> simp only at h <;> (repeat' split at h) <;> first
        | (simp at h; done)
        | (injection h with h; subst h; unfold PayloadSort.conformAt; simp_all)
  | .optional part, depth, v, v', distinct, h => by
    simp only [PayloadSort.distinct] at distinct
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      cases v <;> (try simp only [reduceCtorEq] at h)
      · injection h with h
        subst h
        unfold PayloadSort.conformAt
        simp [shallow]
      · split at h
        · simp at h
        · rename_i inner hi
          injection h with h
          subst h
          unfold PayloadSort.conformAt
          simp only [shallow, if_false, PayloadSort.conformAt_again part distinct hi]
  | .list part, depth, v, v', distinct, h => by
    simp only [PayloadSort.distinct] at distinct
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      cases v <;> (try simp only [reduceCtorEq] at h)
      split at h
      · simp at h
      · rename_i few
        split at h
        · simp at h
        · rename_i items hi
          injection h with h
          subst h
          obtain ⟨len, each⟩ := Values.conformEach_again
            (fun v v' => PayloadSort.conformAt_again part distinct) hi
          unfold PayloadSort.conformAt
          simp only [shallow, if_false, len, few, each]
  | .record fields, depth, v, v', distinct, h => by
    simp only [PayloadSort.distinct] at distinct
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      cases v <;> (try simp only [reduceCtorEq] at h)
      split at h
      · simp at h
      · rename_i entries he
        injection h with h
        subst h
        unfold PayloadSort.conformAt
        simp only [shallow, if_false, Fields.conformAt_fixed distinct
          (Fields.fixed_of_conformAt fields distinct he) (List.Perm.refl _)]

theorem Fields.fixed_of_conformAt : ∀ (fields : Fields) {depth : Nat} {given entries : Entries},
    fields.distinct = true → fields.conformAt depth given = .ok entries →
    fields.Fixed depth entries
  | .nil, depth, given, entries, _, h => by
    cases given <;> simp [Fields.conformAt] at h
    subst h
    trivial
  | .cons name part rest, depth, given, entries, distinct, h => by
    simp only [Fields.distinct, Bool.and_eq_true] at distinct
    obtain ⟨⟨_, here⟩, distinct⟩ := distinct
    unfold Fields.conformAt at h
    split at h
    · split at h
      · simp at h
      · rename_i value' hv
        split at h
        · simp at h
        · rename_i others hr
          injection h with h
          subst h
          exact ⟨rfl, PayloadSort.conformAt_again part here hv,
            Fields.fixed_of_conformAt rest distinct hr⟩
    · split at h
      · split at h
        · simp at h
        · rename_i shallow
          split at h
          · simp at h
          · rename_i others hr
            injection h with h
            subst h
            refine ⟨rfl, ?_, Fields.fixed_of_conformAt rest distinct hr⟩
            unfold PayloadSort.conformAt
            simp [shallow]
      · simp at h

end

/-- What a sort has made of a value it leaves as it is. -/
theorem PayloadSort.conform_again {sort : PayloadSort} {v v' : Value} (distinct : sort.distinct = true)
    (h : sort.conform v = .ok v') : sort.conform v' = .ok v' := by
  unfold PayloadSort.conform at h ⊢
  split at h
  · simp at h
  · rename_i made hm
    split at h
    · rename_i few
      injection h with h
      subst h
      rw [PayloadSort.conformAt_again sort distinct hm]
      simp [few]
    · simp at h

end Antiphon
