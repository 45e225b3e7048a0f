import Antiphon.Types.Value

/-!
# A value that conforms has one form

What `conform` makes of a value conforms as it is. Fields may come in any order, and `Entries.take`
changes the order of those that are left; so the proof speaks of permutations of the declared order.
-/

namespace Antiphon

/-- The fields as a list. -/
def Entries.toList : Entries → List (String × Value)
  | .nil => []
  | .cons name value rest => (name, value) :: rest.toList

theorem Entries.splitLast_toList : ∀ (rest : Entries) (name : String) (value : Value),
    (splitLast name value rest).1.toList ++ [(splitLast name value rest).2]
      = (name, value) :: rest.toList
  | .nil, _, _ => rfl
  | .cons name' value' rest, name, value => by
    have ih := splitLast_toList rest name' value'
    simp only [splitLast, toList, List.cons_append, ih]

theorem Entries.lastToFront_perm : ∀ (entries : Entries),
    entries.lastToFront.toList.Perm entries.toList
  | .nil => .refl _
  | .cons name value rest => by
    have h := splitLast_toList rest name value
    simp only [lastToFront, toList]
    rw [← h]
    exact List.perm_append_comm (l₁ := [_])

theorem Entries.take_perm {name : String} {found : Value} : ∀ {entries others : Entries},
    entries.take name = some (found, others) →
      entries.toList.Perm ((name, found) :: others.toList)
  | .nil, _, h => by simp [take] at h
  | .cons first value rest, others, h => by
    simp only [take] at h
    split at h
    · rename_i eq
      simp only [Option.some.injEq, Prod.mk.injEq] at h
      obtain ⟨rfl, rfl⟩ := h
      subst eq
      exact (lastToFront_perm rest).symm.cons _
    · split at h
      · simp at h
      · rename_i found' others' taken
        simp only [Option.some.injEq, Prod.mk.injEq] at h
        obtain ⟨rfl, rfl⟩ := h
        exact ((take_perm taken).cons _).trans (List.Perm.swap ..)

theorem Entries.take_isSome {name : String} {value : Value} : ∀ {entries : Entries},
    (name, value) ∈ entries.toList → ∃ found others, entries.take name = some (found, others)
  | .nil, h => by simp [toList] at h
  | .cons first value' rest, h => by
    simp only [take]
    split
    · exact ⟨_, _, rfl⟩
    · rename_i other
      simp only [toList, List.mem_cons, Prod.mk.injEq] at h
      rcases h with ⟨eq, _⟩ | h
      · exact absurd eq.symm other
      · obtain ⟨found, others, taken⟩ := take_isSome h
        exact ⟨_, _, by rw [taken]⟩

/-- What a field's name says of fields in declared order, each of which conforms as it is. -/
def Fields.Formed (depth : Nat) : Fields → Entries → Prop
  | .nil, .nil => True
  | .cons name part rest, .cons name' value others =>
    name' = name ∧ part.conformAt depth value = .ok value ∧ rest.Formed depth others
  | _, _ => False

theorem Fields.has_of_formed {depth : Nat} {name : String} {value : Value} :
    ∀ {fields : Fields} {entries : Entries}, fields.Formed depth entries →
      (name, value) ∈ entries.toList → fields.has name = true
  | .nil, .nil, _, h => by simp [Entries.toList] at h
  | .cons _ _ rest, .cons _ _ others, ⟨eq, _, formed⟩, h => by
    simp only [Entries.toList, List.mem_cons, Prod.mk.injEq] at h
    simp only [Fields.has, Bool.or_eq_true, beq_iff_eq]
    rcases h with ⟨rfl, _⟩ | h
    · exact .inl eq.symm
    · exact .inr (has_of_formed formed h)
  | .nil, .cons .., h, _ => h.elim
  | .cons .., .nil, h, _ => h.elim

/-- Fields in any order are put in the declared one. -/
theorem Fields.conformAt_perm {depth : Nat} : ∀ {fields : Fields} {entries given : Entries},
    fields.distinct = true → fields.Formed depth entries → given.toList.Perm entries.toList →
      fields.conformAt depth given = .ok entries
  | .nil, .nil, given, _, _, perm => by
    cases given with
    | nil => rfl
    | cons _ _ _ => simp [Entries.toList] at perm
  | .cons name part rest, .cons name' value others, given, distinct, ⟨eq, conforms, formed⟩, perm => by
    subst eq
    simp only [Fields.distinct, Bool.and_eq_true, Bool.not_eq_true'] at distinct
    have mem : (name', value) ∈ given.toList := perm.symm.subset (by simp [Entries.toList])
    obtain ⟨found, left, taken⟩ := Entries.take_isSome mem
    have perm := (Entries.take_perm taken).symm.trans perm
    have here : (name', found) ∈ Entries.toList (.cons name' value others) :=
      perm.subset (List.mem_cons_self ..)
    simp only [Entries.toList, List.mem_cons, Prod.mk.injEq] at here
    have : found = value := by
      rcases here with ⟨_, eq⟩ | h
      · exact eq
      · have := has_of_formed formed h
        simp [distinct.1.1] at this
    subst this
    have rest := conformAt_perm distinct.2 formed ((List.perm_cons _).1 perm)
    simp only [Fields.conformAt, taken, conforms, rest]
  | .nil, .cons .., _, _, h, _ => h.elim
  | .cons .., .nil, _, _, h, _ => h.elim

theorem Values.conformEach_length {f : Value → Except WrongSort Value} :
    ∀ {items formed : Values} {index : Nat}, items.conformEach f index = .ok formed →
      formed.length = items.length
  | .nil, _, _, h => by
    simp only [conformEach, Except.ok.injEq] at h
    rw [← h]
  | .cons item rest, formed, index, h => by
    simp only [conformEach] at h
    split at h
    · simp at h
    · split at h
      · simp at h
      · rename_i rest' hr
        simp only [Except.ok.injEq] at h
        subst h
        simp [Values.length, conformEach_length hr]

theorem Values.conformEach_formed {f : Value → Except WrongSort Value}
    (keeps : ∀ {item formed}, f item = .ok formed → f formed = .ok formed) :
    ∀ {items formed : Values} {index : Nat}, items.conformEach f index = .ok formed →
      formed.conformEach f index = .ok formed
  | .nil, _, _, h => by
    simp only [conformEach, Except.ok.injEq] at h
    subst h
    rfl
  | .cons item rest, formed, index, h => by
    simp only [conformEach] at h
    split at h
    · simp at h
    · rename_i item' hi
      split at h
      · simp at h
      · rename_i rest' hr
        simp only [Except.ok.injEq] at h
        subst h
        simp only [conformEach, keeps hi, conformEach_formed keeps hr]

theorem floatCanonical_keeps {bits : UInt64} (h : floatIsFinite bits = true) :
    floatIsFinite (floatCanonical bits) = true
      ∧ floatCanonical (floatCanonical bits) = floatCanonical bits := by
  simp only [floatCanonical]
  split
  · exact ⟨by decide, by decide⟩
  · exact ⟨h, rfl⟩

mutual

theorem PayloadSort.conformAt_formed : ∀ (sort : PayloadSort) {depth : Nat} {value formed : Value},
    sort.distinct = true → sort.conformAt depth value = .ok formed →
      sort.conformAt depth formed = .ok formed
  | .list part, depth, value, formed, distinct, h => by
    simp only [PayloadSort.distinct] at distinct
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      cases value <;> simp only [reduceCtorEq] at h
      rename_i items
      split at h
      · simp at h
      · rename_i few
        split at h
        · simp at h
        · rename_i items' each
          simp only [Except.ok.injEq] at h
          subst h
          unfold PayloadSort.conformAt
          have again := Values.conformEach_formed
            (fun h => part.conformAt_formed (depth := depth + 1) distinct h) each
          rw [if_neg shallow]
          simp only [Values.conformEach_length each, if_neg few, again]
  | .record fields, depth, value, formed, distinct, h => by
    simp only [PayloadSort.distinct] at distinct
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      cases value <;> simp only [reduceCtorEq] at h
      split at h
      · simp at h
      · rename_i entries all
        simp only [Except.ok.injEq] at h
        subst h
        unfold PayloadSort.conformAt
        rw [if_neg shallow]
        simp only [Fields.conformAt_perm distinct (fields.conformAt_forms distinct all) (.refl _)]
  | .optional part, depth, value, formed, distinct, h => by
    simp only [PayloadSort.distinct] at distinct
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      cases value <;> simp only [reduceCtorEq] at h
      · simp only [Except.ok.injEq] at h
        subst h
        unfold PayloadSort.conformAt
        rw [if_neg shallow]
      · split at h
        · simp at h
        · rename_i inner' hi
          simp only [Except.ok.injEq] at h
          subst h
          unfold PayloadSort.conformAt
          rw [if_neg shallow]
          simp only [part.conformAt_formed distinct hi]
  | .unit, depth, value, formed, _, h => by
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      unfold PayloadSort.conformAt
      rw [if_neg shallow]
      cases value <;> simp only [reduceCtorEq] at h
      simp only [Except.ok.injEq] at h
      subst h
      rfl
  | .bool, depth, value, formed, _, h => by
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      unfold PayloadSort.conformAt
      rw [if_neg shallow]
      cases value <;> simp only [reduceCtorEq] at h
      simp only [Except.ok.injEq] at h
      subst h
      rfl
  | .string, depth, value, formed, _, h => by
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      unfold PayloadSort.conformAt
      rw [if_neg shallow]
      cases value <;> simp only [reduceCtorEq] at h
      simp only [Except.ok.injEq] at h
      subst h
      rfl
  | .bytes, depth, value, formed, _, h => by
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      unfold PayloadSort.conformAt
      rw [if_neg shallow]
      cases value <;> simp only [reduceCtorEq] at h
      simp only [Except.ok.injEq] at h
      subst h
      rfl
  | .int, depth, value, formed, _, h => by
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      unfold PayloadSort.conformAt
      rw [if_neg shallow]
      cases value <;> simp only [reduceCtorEq] at h
      · simp only [Except.ok.injEq] at h
        subst h
        rfl
      · split at h
        · simp only [Except.ok.injEq] at h
          subst h
          rfl
        · simp at h
  | .nat, depth, value, formed, _, h => by
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      unfold PayloadSort.conformAt
      rw [if_neg shallow]
      cases value <;> simp only [reduceCtorEq] at h
      · split at h
        · simp only [Except.ok.injEq] at h
          subst h
          rfl
        · simp at h
      · simp only [Except.ok.injEq] at h
        subst h
        rfl
  | .float, depth, value, formed, _, h => by
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      unfold PayloadSort.conformAt
      rw [if_neg shallow]
      cases value <;> simp only [reduceCtorEq] at h
      split at h
      · rename_i finite
        simp only [Except.ok.injEq] at h
        subst h
        have := floatCanonical_keeps finite
        simp only [this.1, this.2, if_true]
      · simp at h
  | .named _, depth, value, formed, _, h => by
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      unfold PayloadSort.conformAt
      rw [if_neg shallow]
      cases value <;> simp only [reduceCtorEq] at h
      split at h
      · simp at h
      · rename_i flat
        simp only [Except.ok.injEq] at h
        subst h
        simp only [if_neg flat]
  | .chan _, depth, value, formed, _, h => by
    unfold PayloadSort.conformAt at h
    split at h
    · simp at h
    · rename_i shallow
      unfold PayloadSort.conformAt
      rw [if_neg shallow]
      cases value <;> simp only [reduceCtorEq] at h
      split at h
      · rename_i fits
        simp only [Except.ok.injEq] at h
        subst h
        simp only [if_pos fits]
      · simp at h

theorem Fields.conformAt_forms : ∀ (fields : Fields) {depth : Nat} {given entries : Entries},
    fields.distinct = true → fields.conformAt depth given = .ok entries →
      fields.Formed depth entries
  | .nil, depth, given, entries, _, h => by
    cases given with
    | nil =>
      simp only [Fields.conformAt, Except.ok.injEq] at h
      subst h
      trivial
    | cons _ _ _ => simp [Fields.conformAt] at h
  | .cons name part rest, depth, given, entries, distinct, h => by
    simp only [Fields.distinct, Bool.and_eq_true, Bool.not_eq_true'] at distinct
    simp only [Fields.conformAt] at h
    split at h
    · split at h
      · simp at h
      · rename_i value' hv
        split at h
        · simp at h
        · rename_i entries' hr
          simp only [Except.ok.injEq] at h
          subst h
          exact ⟨rfl, part.conformAt_formed distinct.1.2 hv, rest.conformAt_forms distinct.2 hr⟩
    · split at h
      · split at h
        · simp at h
        · rename_i shallow
          split at h
          · simp at h
          · rename_i entries' hr
            simp only [Except.ok.injEq] at h
            subst h
            refine ⟨rfl, ?_, rest.conformAt_forms distinct.2 hr⟩
            unfold PayloadSort.conformAt
            rw [if_neg shallow]
      · simp at h

end

theorem PayloadSort.conform_formed {sort : PayloadSort} (distinct : sort.distinct = true)
    {value formed : Value} (h : sort.conform value = .ok formed) :
    sort.conform formed = .ok formed := by
  simp only [conform] at h
  split at h
  · simp at h
  · rename_i value' hv
    split at h
    · rename_i small
      simp only [Except.ok.injEq] at h
      subst h
      simp only [conform, sort.conformAt_formed distinct hv, if_pos small]
    · simp at h

end Antiphon
