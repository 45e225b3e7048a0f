import Antiphon.Resume.Ideal
/-!
# Journals and actions as lists

What `actions`, `sentTo`, `receivedFrom` and `follow` do with lists that are appended, and with
prefixes of them.
-/

namespace Antiphon.Resume

theorem prefix_snoc {α : Type} {g l : List α} {x : α} (h : g <+: l) (hx : l[g.length]? = some x) :
    g ++ [x] <+: l := by
  obtain ⟨t, rfl⟩ := h
  cases t with
  | nil => simp at hx
  | cons y t => simp at hx; subst hx; exact ⟨t, by simp⟩

theorem prefix_getElem? {α : Type} {g l : List α} {n : Nat} {x : α} (h : g <+: l)
    (hx : g[n]? = some x) : l[n]? = some x := by
  obtain ⟨t, rfl⟩ := h
  obtain ⟨hn, _⟩ := List.getElem?_eq_some_iff.1 hx
  rw [List.getElem?_append_left hn]; exact hx

theorem prefix_eq {α : Type} {g l : List α} (h : g <+: l) (h' : l <+: g) : g = l :=
  h.eq_of_length (Nat.le_antisymm h.length_le h'.length_le)

theorem prefix_same_length {α : Type} {g g' l : List α} (h : g <+: l) (h' : g' <+: l)
    (hn : g.length = g'.length) : g = g' := by
  obtain ⟨t, rfl⟩ := h
  obtain ⟨t', e⟩ := h'
  exact (List.append_inj e.symm hn).1

theorem prefix_of_le {α : Type} {g g' l : List α} (h : g <+: l) (h' : g' <+: l)
    (hn : g.length ≤ g'.length) : g <+: g' := List.prefix_of_prefix_length_le h h' hn

theorem actions_append (r : Role) (j k : Journal) :
    actions r (j ++ k) = actions r j ++ actions r k := by
  induction j with
  | nil => rfl
  | cons x j ih =>
    cases x with
    | acted q a => simp only [List.cons_append, actions, ih]; split <;> simp
    | attached q e => simpa [actions] using ih
    | ended => simpa [actions] using ih

theorem sentTo_append (q : Role) (a b : List Action) : sentTo q (a ++ b) = sentTo q a ++ sentTo q b := by
  induction a with
  | nil => rfl
  | cons x a ih =>
    cases x with
    | send q' m => simp only [List.cons_append, sentTo, ih]; split <;> simp
    | receive q' m => simpa [sentTo] using ih

theorem receivedFrom_append (q : Role) (a b : List Action) :
    receivedFrom q (a ++ b) = receivedFrom q a ++ receivedFrom q b := by
  induction a with
  | nil => rfl
  | cons x a ih =>
    cases x with
    | send q' m => simpa [receivedFrom] using ih
    | receive q' m => simp only [List.cons_append, receivedFrom, ih]; split <;> simp

theorem sends_append (a b : List Action) : sends (a ++ b) = sends a + sends b := by
  induction a with
  | nil => simp [sends]
  | cons x a ih => cases x <;> simp [sends, ih]; omega

theorem actions_prefix {j k : Journal} (r : Role) (h : j <+: k) : actions r j <+: actions r k := by
  obtain ⟨t, rfl⟩ := h; rw [actions_append]; exact List.prefix_append _ _

theorem sentTo_prefix {a b : List Action} (q : Role) (h : a <+: b) : sentTo q a <+: sentTo q b := by
  obtain ⟨t, rfl⟩ := h; rw [sentTo_append]; exact List.prefix_append _ _

theorem receivedFrom_prefix {a b : List Action} (q : Role) (h : a <+: b) :
    receivedFrom q a <+: receivedFrom q b := by
  obtain ⟨t, rfl⟩ := h; rw [receivedFrom_append]; exact List.prefix_append _ _

theorem sentOn_prefix {j k : Journal} (q r : Role) (h : j <+: k) :
    sentTo r (actions q j) <+: sentTo r (actions q k) := sentTo_prefix _ (actions_prefix _ h)

theorem actions_acted (r q : Role) (j : Journal) (a : Action) :
    actions r (j ++ [.acted q a]) = if q = r then actions r j ++ [a] else actions r j := by
  rw [actions_append]; simp only [actions]; split <;> simp

theorem follow_append (p : Protocol) (r : Role) (st : State) (a b : List Action) :
    follow p r st (a ++ b) = (follow p r st a).bind (follow p r · b) := by
  induction a generalizing st with
  | nil => rfl
  | cons x a ih => simp only [List.cons_append, follow]; split <;> simp [*]

theorem stateAfter_snoc (p : Protocol) (r : Role) (a : List Action) (x : Action) :
    stateAfter p r (a ++ [x]) = (stateAfter p r a).bind (next p r · x) := by
  rw [stateAfter, follow_append]; simp only [stateAfter]
  cases follow p r (p.start r) a with
  | none => rfl
  | some st => simp only [Option.bind_some, follow]; split <;> simp [*]

theorem stateAfter_prefix {p : Protocol} {r : Role} {a b : List Action} (h : a <+: b)
    (hb : (stateAfter p r b).isSome) : (stateAfter p r a).isSome := by
  obtain ⟨t, rfl⟩ := h
  rw [stateAfter, follow_append] at hb
  simp only [stateAfter]
  cases e : follow p r (p.start r) a with
  | none => simp [e] at hb
  | some st => rfl

theorem lookup_of_mem {b : Branch} {bs : List Branch} (h : b ∈ bs) :
    (lookup b.peer b.label bs).isSome := by
  induction bs with
  | nil => cases h
  | cons c bs ih =>
    simp only [lookup]; split
    · rfl
    · rcases List.mem_cons.1 h with rfl | h
      · simp_all
      · exact ih h

theorem mem_of_lookup {q : Role} {l : Label} {bs : List Branch} {st : State}
    (h : lookup q l bs = some st) : ∃ b ∈ bs, b.peer = q ∧ b.label = l := by
  induction bs with
  | nil => simp [lookup] at h
  | cons c bs ih =>
    simp only [lookup] at h; split at h
    · exact ⟨c, by simp, by assumption⟩
    · obtain ⟨b, hb, e⟩ := ih h; exact ⟨b, by simp [hb], e⟩

end Antiphon.Resume
