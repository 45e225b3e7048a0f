import Antiphon.Thm.Authority.Whose

/-!
What always holds of authority in one session, part by part: of who owns what, of transfers in
flight, of tokens, of witnesses and timers; and that each change of owner keeps it.

The parts speak of the relation "this fragment belongs to this owner under this generation" and not
of how it is kept, so what is shown here is about any machine that changes the relation alike.
-/

namespace Antiphon.Machine

/-- Fragments and whose they are. -/
abbrev Whose := Nat → Who → Prop

/-- Every fragment of the session is somebody's or was released by somebody, each of one alone, under
a generation that was written and that names one owner. -/
structure Owned (all : Scope) (last : Generation) (has : Whose) : Prop where
  whole : ∀ f, (∃ w, has f w) ↔ all.has f = true
  single : ∀ f w w', has f w → has f w' → w = w'
  below : ∀ f w, has f w → w.generation ≤ last
  named : ∀ f w f' w', has f w → has f' w' → w.generation = w'.generation → w.owner = w'.owner

/-- What a change of owner does: what it names belongs to `who` from now on. -/
def Moves (scope : Scope) (who : Who) (has has' : Whose) : Prop :=
  ∀ f w, has' f w ↔ (scope.has f = true ∧ who = w) ∨ (scope.has f = false ∧ has f w)

/-- What the loss of an owner does. -/
def Loses (owner : Owner) (has has' : Whose) : Prop :=
  ∀ f w, has' f w ↔
    (w.owner = owner ∧ w.released = true ∧ has f ⟨owner, w.generation, false⟩)
      ∨ (¬(w.owner = owner ∧ w.released = false) ∧ has f w)

theorem Moves.inside {scope : Scope} {who : Who} {has has' : Whose} (m : Moves scope who has has')
    {f : Nat} (hf : scope.has f = true) {w : Who} : has' f w ↔ who = w := by
  rw [m f w]; simp [hf]

theorem Moves.outside {scope : Scope} {who : Who} {has has' : Whose}
    (m : Moves scope who has has') {f : Nat} (hf : scope.has f = false) {w : Who} :
    has' f w ↔ has f w := by
  rw [m f w]; simp [hf]

namespace Owned

theorem issue {all scope : Scope} {last : Generation} {has has' : Whose} {owner : Owner}
    (own : Owned all last has) (inside : ∀ f, scope.has f = true → all.has f = true)
    (moves : Moves scope ⟨owner, last + 1, false⟩ has has') : Owned all (last + 1) has' := by
  have low : ∀ f w, has f w → w.generation ≠ last + 1 := fun f w h =>
    Nat.ne_of_lt (Nat.lt_succ_of_le (own.below f w h))
  refine ⟨fun f => ?_, fun f w w' h h' => ?_, fun f w h => ?_, fun f w f' w' h h' e => ?_⟩
  · cases hf : scope.has f
    · rw [← own.whole f]
      constructor
      · rintro ⟨w, h⟩; exact ⟨w, (moves.outside hf).1 h⟩
      · rintro ⟨w, h⟩; exact ⟨w, (moves.outside hf).2 h⟩
    · simp only [inside f hf, iff_true]
      exact ⟨_, (moves.inside hf).2 rfl⟩
  · rcases (moves f w).1 h with ⟨a, b⟩ | ⟨a, b⟩ <;>
      rcases (moves f w').1 h' with ⟨c, d⟩ | ⟨c, d⟩ <;> simp_all
    exact own.single f w w' b d
  · rcases (moves f w).1 h with ⟨_, rfl⟩ | ⟨_, b⟩
    · simp
    · exact Nat.le_succ_of_le (own.below f w b)
  · rcases (moves f w).1 h with ⟨_, rfl⟩ | ⟨_, b⟩ <;>
      rcases (moves f' w').1 h' with ⟨_, rfl⟩ | ⟨_, d⟩
    · rfl
    · exact absurd e.symm (low f' w' d)
    · exact absurd e (low f w b)
    · exact own.named f w f' w' b d e

theorem release {all scope : Scope} {last generation : Generation} {has has' : Whose}
    {owner : Owner} (own : Owned all last has)
    (held : ∀ f, scope.has f = true → has f ⟨owner, generation, false⟩)
    (moves : Moves scope ⟨owner, generation, true⟩ has has') : Owned all last has' := by
  have before : ∀ f w, has' f w → ∃ w', has f w' ∧ w'.owner = w.owner
      ∧ w'.generation = w.generation := by
    intro f w h
    rcases (moves f w).1 h with ⟨a, rfl⟩ | ⟨_, b⟩
    · exact ⟨_, held f a, rfl, rfl⟩
    · exact ⟨w, b, rfl, rfl⟩
  refine ⟨fun f => ?_, fun f w w' h h' => ?_, fun f w h => ?_, fun f w f' w' h h' e => ?_⟩
  · rw [← own.whole f]
    constructor
    · rintro ⟨w, h⟩; obtain ⟨w', h', _⟩ := before f w h; exact ⟨w', h'⟩
    · rintro ⟨w, h⟩
      cases hf : scope.has f
      · exact ⟨w, (moves.outside hf).2 h⟩
      · exact ⟨_, (moves.inside hf).2 rfl⟩
  · rcases (moves f w).1 h with ⟨a, b⟩ | ⟨a, b⟩ <;>
      rcases (moves f w').1 h' with ⟨c, d⟩ | ⟨c, d⟩ <;> simp_all
    exact own.single f w w' b d
  · obtain ⟨w', h', _, e⟩ := before f w h
    exact e ▸ own.below f w' h'
  · obtain ⟨v, hv, ov, gv⟩ := before f w h
    obtain ⟨v', hv', ov', gv'⟩ := before f' w' h'
    rw [← ov, ← ov']
    exact own.named f v f' v' hv hv' (by rw [gv, gv', e])

theorem lose {all : Scope} {last : Generation} {has has' : Whose} {owner : Owner}
    (own : Owned all last has) (loses : Loses owner has has') : Owned all last has' := by
  have before : ∀ f w, has' f w → ∃ w', has f w' ∧ w'.owner = w.owner
      ∧ w'.generation = w.generation := by
    intro f w h
    rcases (loses f w).1 h with ⟨rfl, _, a⟩ | ⟨_, b⟩
    · exact ⟨_, a, rfl, rfl⟩
    · exact ⟨w, b, rfl, rfl⟩
  refine ⟨fun f => ?_, fun f w w' h h' => ?_, fun f w h => ?_, fun f w f' w' h h' e => ?_⟩
  · rw [← own.whole f]
    constructor
    · rintro ⟨w, h⟩; obtain ⟨w', h', _⟩ := before f w h; exact ⟨w', h'⟩
    · rintro ⟨w, h⟩
      by_cases hw : w.owner = owner ∧ w.released = false
      · obtain ⟨wo, wg, wr⟩ := w
        obtain ⟨rfl, rfl⟩ := hw
        exact ⟨⟨wo, wg, true⟩, (loses f _).2 (.inl ⟨rfl, rfl, h⟩)⟩
      · exact ⟨w, (loses f w).2 (.inr ⟨hw, h⟩)⟩
  · obtain ⟨wo, wg, wr⟩ := w
    obtain ⟨wo', wg', wr'⟩ := w'
    rcases (loses f _).1 h with ⟨a, b, c⟩ | ⟨a, b⟩ <;>
      rcases (loses f _).1 h' with ⟨a', b', c'⟩ | ⟨a', b'⟩
    · have := own.single f _ _ c c'
      simp_all
    · have := own.single f _ _ c b'
      simp_all
    · have := own.single f _ _ b c'
      simp_all
    · exact own.single f _ _ b b'
  · obtain ⟨w', h', _, e⟩ := before f w h
    exact e ▸ own.below f w' h'
  · obtain ⟨v, hv, ov, gv⟩ := before f w h
    obtain ⟨v', hv', ov', gv'⟩ := before f' w' h'
    rw [← ov, ← ov']
    exact own.named f v f' v' hv hv' (by rw [gv, gv', e])

end Owned

/-- Whether the fragments are the owner's under the generation, live or released since. -/
def Kept (has : Whose) (owner : Owner) (generation : Generation) (scope : Scope) : Prop :=
  ∀ f, scope.has f = true → ∃ released, has f ⟨owner, generation, released⟩

/-- Whether the fragments are the owner's under the generation, now. -/
def Carried (has : Whose) (owner : Owner) (generation : Generation) (scope : Scope) : Prop :=
  scope.isEmpty = false ∧ ∀ f, scope.has f = true → has f ⟨owner, generation, false⟩

/-- Transfers in flight have numbers of their own, below the next one; no fragment is in two of them;
and what is in flight is still of who staged it, or was when that owner was lost. -/
structure InFlight (has : Whose) (next : ReceiptId) (staged : List Staged) : Prop where
  ids : staged.Pairwise fun a b => a.receipt.id ≠ b.receipt.id
  below : ∀ one ∈ staged, one.receipt.id < next
  apart : staged.Pairwise fun a b => a.receipt.scope.touches b.receipt.scope = false
  kept : ∀ one ∈ staged, one.receipt.scope.isEmpty = false
    ∧ Kept has one.receipt.from one.receipt.generation one.receipt.scope

namespace InFlight

theorem sublist {has : Whose} {next : ReceiptId} {staged staged' : List Staged}
    (all : InFlight has next staged) (sub : staged'.Sublist staged) : InFlight has next staged' :=
  ⟨all.ids.sublist sub, fun one h => all.below one (sub.subset h), all.apart.sublist sub,
    fun one h => all.kept one (sub.subset h)⟩

/-- What moves and is not in flight leaves what is in flight as it is. -/
theorem moves {has has' : Whose} {next : ReceiptId} {staged : List Staged} {scope : Scope}
    {who : Who} (all : InFlight has next staged) (moves : Moves scope who has has')
    (quiet : ∀ one ∈ staged, one.receipt.scope.touches scope = false) :
    InFlight has' next staged := by
  refine ⟨all.ids, all.below, all.apart, fun one h => ⟨(all.kept one h).1, fun f hf => ?_⟩⟩
  obtain ⟨r, held⟩ := (all.kept one h).2 f hf
  exact ⟨r, (moves.outside ((Scope.touches_eq_false_iff _ _).1 (quiet one h) f hf)).2 held⟩

theorem lose {has has' : Whose} {next : ReceiptId} {staged : List Staged} {owner : Owner}
    (all : InFlight has next staged) (loses : Loses owner has has') :
    InFlight has' next staged := by
  refine ⟨all.ids, all.below, all.apart, fun one h => ⟨(all.kept one h).1, fun f hf => ?_⟩⟩
  obtain ⟨r, held⟩ := (all.kept one h).2 f hf
  by_cases hw : one.receipt.from = owner ∧ r = false
  · obtain ⟨rfl, rfl⟩ := hw
    exact ⟨true, (loses f _).2 (.inl ⟨rfl, rfl, held⟩)⟩
  · exact ⟨r, (loses f _).2 (.inr ⟨hw, held⟩)⟩

/-- AUTH-12, AUTH-14: of all transfers, one is not in flight any more. -/
theorem settle {has : Whose} {next : ReceiptId} {staged : List Staged} (id : ReceiptId)
    (all : InFlight has next staged) : InFlight has next (staged.filter (·.receipt.id != id)) :=
  all.sublist List.filter_sublist

/-- What is in flight beside a transfer does not touch it. -/
theorem settled_quiet {has : Whose} {next : ReceiptId} {staged : List Staged} {one : Staged}
    (all : InFlight has next staged) (mem : one ∈ staged) :
    ∀ other ∈ staged.filter (·.receipt.id != one.receipt.id),
      other.receipt.scope.touches one.receipt.scope = false := by
  have key : ∀ {l : List Staged}, l.Pairwise
      (fun a b => a.receipt.scope.touches b.receipt.scope = false) → ∀ a ∈ l, ∀ b ∈ l,
      a.receipt.id ≠ b.receipt.id → a.receipt.scope.touches b.receipt.scope = false := by
    intro l pw
    induction pw with
    | nil => simp
    | cons head _ ih =>
      intro a ha b hb ne
      rcases List.mem_cons.1 ha with ea | ha' <;> rcases List.mem_cons.1 hb with eb | hb'
      · exact absurd (by rw [ea, eb]) ne
      · exact ea ▸ head b hb'
      · rw [eb]
        have := head a ha'
        rw [Scope.touches_eq_false_iff] at this ⊢
        intro f hf
        cases h : Scope.has _ f
        · rfl
        · have := this f h
          simp [hf] at this
      · exact ih a ha' b hb' ne
  intro other h
  obtain ⟨hm, hne⟩ := List.mem_filter.1 h
  exact key all.apart other hm one mem (by simpa using hne)

/-- AUTH-13: one more transfer, of what is not in flight. -/
theorem stage {has : Whose} {next : ReceiptId} {staged : List Staged} {one : Staged}
    (all : InFlight has next staged) (id : one.receipt.id = next)
    (live : Carried has one.receipt.from one.receipt.generation one.receipt.scope)
    (quiet : ∀ other ∈ staged, other.receipt.scope.touches one.receipt.scope = false) :
    InFlight has (next + 1) (staged ++ [one]) := by
  refine ⟨?_, ?_, ?_, ?_⟩
  · refine List.pairwise_append.2 ⟨all.ids, List.pairwise_singleton _ _, ?_⟩
    intro a ha b hb
    rw [List.mem_singleton.1 hb, id]
    exact Nat.ne_of_lt (all.below a ha)
  · intro a ha
    rcases List.mem_append.1 ha with ha | ha
    · exact Nat.lt_succ_of_lt (all.below a ha)
    · rw [List.mem_singleton.1 ha, id]; exact Nat.lt_succ_self _
  · refine List.pairwise_append.2 ⟨all.apart, List.pairwise_singleton _ _, ?_⟩
    intro a ha b hb
    rw [List.mem_singleton.1 hb]
    exact quiet a ha
  · intro a ha
    rcases List.mem_append.1 ha with ha | ha
    · exact all.kept a ha
    · rw [List.mem_singleton.1 ha]
      exact ⟨live.1, fun f hf => ⟨false, live.2 f hf⟩⟩

end InFlight

/-- Each holding has serials once, and as long as it has a fragment; the last serial that is known to
have arrived is the last one that was issued, or the one before. -/
structure Tokens (has : Whose) (serials : List Serials) : Prop where
  once : serials.Pairwise fun a b => a.generation ≠ b.generation
  living : ∀ one ∈ serials, ∃ f owner, has f ⟨owner, one.generation, false⟩
  window : ∀ one ∈ serials, 0 < one.issued ∧ one.confirmed ≤ one.issued
    ∧ one.issued ≤ one.confirmed + 1

end Antiphon.Machine
