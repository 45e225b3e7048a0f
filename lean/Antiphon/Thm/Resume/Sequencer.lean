import Antiphon.Resume.Sequencer
/-!
# What the two halves of the sequencer promise, each alone
-/

namespace Antiphon.Resume

variable {α : Type}

theorem numbered_append (n : Nat) (xs ys : List α) :
    numbered n (xs ++ ys) = numbered n xs ++ numbered (n + xs.length) ys := by
  induction xs generalizing n with
  | nil => rfl
  | cons x xs ih => simp only [List.cons_append, numbered, ih, List.length_cons]; congr 3; omega

theorem mem_numbered {n k : Nat} {x : α} {xs : List α} (h : (k, x) ∈ numbered n xs) :
    n ≤ k ∧ xs[k - n]? = some x := by
  induction xs generalizing n with
  | nil => cases h
  | cons y xs ih =>
    simp only [numbered, List.mem_cons, Prod.mk.injEq] at h
    rcases h with ⟨rfl, rfl⟩ | h
    · simp
    · obtain ⟨h1, h2⟩ := ih h
      refine ⟨by omega, ?_⟩
      rw [show k - n = (k - (n + 1)) + 1 by omega]; simpa using h2

theorem numbered_mem {n : Nat} : ∀ {xs : List α} {j : Nat}, j < xs.length →
    ∃ x, (n + j, x) ∈ numbered n xs
  | [], _, h => by simp at h
  | x :: _, 0, _ => ⟨x, by simp [numbered]⟩
  | _ :: xs, j + 1, h => by
    obtain ⟨x, hx⟩ := numbered_mem (n := n + 1) (xs := xs) (j := j) (by simpa using h)
    exact ⟨x, by rw [show n + (j + 1) = n + 1 + j by omega]; exact .tail _ hx⟩

/-! ## The outbound half -/

/-- What is given up on is named, with its numbers; the rest is retained under its own, and no number
is given again. -/
theorem Outbound.expire_names_what_goes (o : Outbound α) (n : Nat) :
    (o.expire n).2.next = o.next ∧
      (o.expire n).1 ++ numbered (o.expire n).2.oldest (o.expire n).2.retained =
        numbered o.oldest o.retained := by
  constructor
  · simp only [expire, next, List.length_take, List.length_drop]; omega
  · simp only [expire]
    rw [← numbered_append, List.take_append_drop]

/-! ## The inbound half -/

namespace Inbound

theorem mem_insert {n k : Nat} {x y : α} {fs : List (Nat × α)} (h : (k, y) ∈ insert n x fs) :
    (k = n ∧ y = x) ∨ (k, y) ∈ fs := by
  induction fs with
  | nil => simpa [insert] using h
  | cons f fs ih =>
    simp only [insert] at h; split at h
    · simpa using h
    · rcases List.mem_cons.1 h with rfl | h
      · simp
      · rcases ih h with h | h <;> simp [h]

/-- What is unblocked has the numbers that follow, without a gap; the rest is still held. -/
theorem unblocked_spec (n : Nat) (fs : List (Nat × α)) :
    (unblocked n fs).2.1 = n + (unblocked n fs).1.length ∧
      (unblocked n fs).1 = numbered (n + 1) ((unblocked n fs).1.map (·.2)) ∧
      (unblocked n fs).1 ++ (unblocked n fs).2.2 = fs := by
  induction fs generalizing n with
  | nil => simp [unblocked, numbered]
  | cons f fs ih =>
    obtain ⟨k, x⟩ := f
    simp only [unblocked]; split
    · rename_i h; subst h
      obtain ⟨h1, h2, h3⟩ := ih (n + 1)
      refine ⟨by simp only [h1, List.length_cons]; omega, ?_, by simpa using h3⟩
      simp only [List.map_cons, numbered, List.cons.injEq, true_and]; exact h2
    · simp [numbered]

/-- Sorted, without repeats, within the window. -/
structure Wellformed (i : Inbound α) : Prop where
  sorted : i.held.Pairwise (·.1 < ·.1)
  window : ∀ f ∈ i.held, i.delivered < f.1 ∧ f.1 ≤ i.delivered + i.window

theorem insert_sorted {n : Nat} {x : α} : ∀ {fs : List (Nat × α)}, fs.Pairwise (·.1 < ·.1) →
    (∀ f ∈ fs, f.1 ≠ n) → (insert n x fs).Pairwise (·.1 < ·.1)
  | [], _, _ => by simp [insert]
  | f :: fs, h, hn => by
    obtain ⟨h1, h2⟩ := List.pairwise_cons.1 h
    simp only [insert]; split
    · rename_i hlt
      refine List.pairwise_cons.2 ⟨fun g hg => ?_, h⟩
      rcases List.mem_cons.1 hg with rfl | hg
      · exact hlt
      · exact Nat.lt_trans hlt (h1 g hg)
    · rename_i hlt
      refine List.pairwise_cons.2 ⟨fun g hg => ?_, insert_sorted h2 fun f hf => hn f (by simp [hf])⟩
      obtain ⟨k, y⟩ := g
      rcases mem_insert hg with ⟨rfl, rfl⟩ | hg
      · have := hn f (by simp); simp only; omega
      · exact h1 _ hg

theorem offer_wellformed {i : Inbound α} (h : i.Wellformed) (n : Nat) (x : α) :
    (i.offer n x).2.Wellformed := by
  simp only [offer]; repeat' split
  · exact h
  · exact h
  · exact h
  · exact h
  · rename_i h1 h2 h3 h4 h5
    refine ⟨h.sorted, fun f hf => ?_⟩
    obtain ⟨h6, h7⟩ := h.window f hf
    have : f.1 ≠ n := fun e => h4 (List.any_eq_true.2 ⟨f, hf, by simpa using e⟩)
    simp only at *; omega
  · rename_i h1 h2 h3 h4 h5
    refine ⟨insert_sorted h.sorted fun f hf e => h4 (List.any_eq_true.2 ⟨f, hf, by simpa using e⟩), ?_⟩
    intro f hf
    obtain ⟨k, y⟩ := f
    rcases mem_insert hf with ⟨rfl, rfl⟩ | hf
    · simp only at *; omega
    · exact h.window _ hf

theorem flushPending_wellformed {i : Inbound α} (h : i.Wellformed) : i.flushPending.2.Wellformed := by
  obtain ⟨h1, h2, h3⟩ := unblocked_spec i.delivered i.held
  have hs := h.sorted
  rw [← h3] at hs
  obtain ⟨_, s2, s3⟩ := List.pairwise_append.1 hs
  refine ⟨s2, fun f hf => ?_⟩
  have hm : f ∈ i.held := by rw [← h3]; exact List.mem_append.2 (.inr hf)
  obtain ⟨w1, w2⟩ := h.window f hm
  simp only [flushPending, h1] at *
  refine ⟨?_, by omega⟩
  generalize unblocked i.delivered i.held = u at *
  rcases Nat.eq_zero_or_pos u.1.length with h0 | h0
  · omega
  · obtain ⟨x, hx⟩ := numbered_mem (n := i.delivered + 1) (xs := u.1.map (·.2)) (j := u.1.length - 1)
      (by simp only [List.length_map]; omega)
    rw [← h2] at hx
    have := s3 _ hx f hf
    simp only at this; omega

/-- After a flush nothing that is held could be delivered. -/
theorem flushPending_complete {i : Inbound α} (h : i.Wellformed) :
    ∀ f ∈ i.flushPending.2.held, f.1 ≠ i.flushPending.2.delivered + 1 := by
  have stuck : ∀ (n : Nat) (fs : List (Nat × α)), fs.Pairwise (·.1 < ·.1) → (∀ f ∈ fs, n < f.1) →
      ∀ f ∈ (unblocked n fs).2.2, f.1 ≠ (unblocked n fs).2.1 + 1 := by
    intro n fs
    induction fs generalizing n with
    | nil => intro _ _ f hf; simp [unblocked] at hf
    | cons g fs ih =>
      obtain ⟨k, x⟩ := g
      intro hs hw
      obtain ⟨s1, s2⟩ := List.pairwise_cons.1 hs
      simp only [unblocked]; split
      · exact ih k s2 fun f hf => s1 f hf
      · rename_i hk
        intro f hf
        have := hw (k, x) (by simp)
        rcases List.mem_cons.1 hf with rfl | hf
        · exact hk
        · have := s1 f hf; simp only at *; omega
  exact stuck i.delivered i.held h.sorted fun f hf => (h.window f hf).1

/-- `resumeTo` never goes back. -/
theorem resumeTo_forward_only (i : Inbound α) (n : Nat) :
    (i.resumeTo n).delivered = max i.delivered n := by
  simp only [resumeTo]; split
  · omega
  · show n = max i.delivered n; omega

/-- What was delivered is never delivered again, whatever was resumed in between. -/
theorem delivered_is_not_offered_again (i : Inbound α) {n : Nat} (x : α) (h : n ≤ i.delivered) (k : Nat) :
    ((i.resumeTo k).offer n x).1 = .dropDuplicate ∨ ((i.resumeTo k).offer n x).1 = .dropViolation := by
  have hf := resumeTo_forward_only i k
  simp only [offer]
  split
  · exact .inr rfl
  · rw [if_pos (by omega)]; exact .inl rfl

end Inbound

end Antiphon.Resume
