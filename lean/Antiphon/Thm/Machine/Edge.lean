import Antiphon.Machine.Edge

/-!
# Proofs about edges: the window of sequence numbers

What a send, a receive and the policies do to one buffer.
-/

namespace Antiphon.Machine

/-- Linear arithmetic that sees the numbers behind their names. -/
macro "arith" : tactic =>
  `(tactic| ((try dsimp only [Seq, Position, Tick, Generation, ReceiptId, WitnessId, TimerId] at *)
             <;> omega))

namespace Buffer

/-- What is true of every buffer of a session that is there. -/
structure WellFormed (b : Buffer) : Prop where
  /-- What was sent was consumed, was dropped, or is on the edge. -/
  counted : b.consumed + b.dropped + b.len = b.sent
  /-- There is never more on it than it can hold. -/
  room : b.len ≤ b.capacity
  some : 0 < b.capacity
  /-- The places of its messages grow, -/
  ordered : b.queue.Pairwise fun x y => x.seq < y.seq
  /-- behind what was consumed and before what is sent next. -/
  placed : ∀ q ∈ b.queue, b.passed ≤ q.seq ∧ q.seq < b.sent
  passed : b.passed ≤ b.sent

theorem new_wellFormed {capacity : Nat} (h : 0 < capacity) : (Buffer.new capacity).WellFormed where
  counted := rfl
  room := Nat.zero_le _
  some := h
  ordered := List.Pairwise.nil
  placed := by simp [Buffer.new]
  passed := Nat.le_refl _

theorem withoutOldest_sublist (b : Buffer) : ∀ (l : List Queued), (b.withoutOldest l).Sublist l
  | [] => List.Sublist.refl _
  | q :: rest => by
    simp only [withoutOldest]
    split
    · exact List.sublist_cons_self q rest
    · exact (withoutOldest_sublist b rest).cons₂ q

theorem staying_sublist (b : Buffer) (message kept : Nat) :
    (b.staying message kept).Sublist b.queue := by
  have split_at : ∀ l : List Queued, l.Sublist (b.queue.drop kept) →
      (b.queue.take kept ++ l).Sublist b.queue := by
    intro l h
    have := h.append_left (b.queue.take kept)
    rwa [List.take_append_drop] at this
  unfold staying
  split
  · split
    · exact split_at _ (withoutOldest_sublist b _)
    · exact List.Sublist.refl _
  · split
    · exact split_at _ List.filter_sublist
    · exact List.Sublist.refl _
  · exact List.Sublist.refl _

/-- What makes room takes messages away, and nothing else. -/
theorem makeRoom_queue (b : Buffer) (message kept : Nat) :
    (b.makeRoom message kept).queue.Sublist b.queue := by
  unfold makeRoom
  split
  · split <;> exact List.Sublist.refl _
  · exact staying_sublist b message kept

@[simp] theorem makeRoom_sent (b : Buffer) (message kept : Nat) :
    (b.makeRoom message kept).sent = b.sent := by
  unfold makeRoom; split <;> (try split) <;> rfl

@[simp] theorem makeRoom_consumed (b : Buffer) (message kept : Nat) :
    (b.makeRoom message kept).consumed = b.consumed := by
  unfold makeRoom; split <;> (try split) <;> rfl

@[simp] theorem makeRoom_passed (b : Buffer) (message kept : Nat) :
    (b.makeRoom message kept).passed = b.passed := by
  unfold makeRoom; split <;> (try split) <;> rfl

theorem makeRoom_counted {b : Buffer} (wf : b.WellFormed) (message kept : Nat) :
    b.consumed + (b.makeRoom message kept).dropped + (b.makeRoom message kept).len = b.sent := by
  have counted := wf.counted
  unfold makeRoom
  split
  · split <;> exact counted
  · have := (staying_sublist b message kept).length_le
    simp only [len] at *
    arith

/-- EDGE-2, EDGE-18: where there was found to be room, there is some for one more message. -/
theorem makeRoom_room {b : Buffer} (wf : b.WellFormed) {message kept : Nat}
    (h : b.hasRoom message kept = true) :
    (b.makeRoom message kept).len < (b.makeRoom message kept).capacity := by
  have room := wf.room
  have some := wf.some
  unfold hasRoom at h
  unfold makeRoom
  split at h
  · rename_i max hp
    have h : b.len < max := by simpa using h
    by_cases full : b.isFull
    · have : b.capacity ≤ b.len := by simpa [isFull] using full
      simp only [full, if_true]
      simp only [len] at *
      arith
    · have : ¬ b.capacity ≤ b.len := by simpa [isFull] using full
      simp only [full]
      simp only [len] at *
      simp only [Bool.false_eq_true, if_false]
      arith
  · have sub := (staying_sublist b message kept).length_le
    have h : b.len < b.capacity ∨ (b.staying message kept).length < b.len := by
      simpa [isFull] using h
    simp only [len] at *
    arith

/-- A send leaves the buffer as it should be. -/
theorem send_wellFormed {b : Buffer} (wf : b.WellFormed) {message kept : Nat} (value : Value)
    (h : b.hasRoom message kept = true) :
    ((b.makeRoom message kept).push message value).WellFormed := by
  have sub := makeRoom_queue b message kept
  have counted := makeRoom_counted wf message kept
  have room := makeRoom_room wf h
  refine ⟨?_, ?_, ?_, ?_, ?_, ?_⟩
  · simp only [push, len, List.length_append, List.length_cons, List.length_nil, makeRoom_sent,
      makeRoom_consumed] at *
    arith
  · simp only [push, len, List.length_append, List.length_cons, List.length_nil] at *
    arith
  · exact Nat.lt_of_le_of_lt (Nat.zero_le _) room
  · simp only [push]
    rw [List.pairwise_append]
    refine ⟨wf.ordered.sublist sub, List.pairwise_singleton _ _, ?_⟩
    intro x hx y hy
    have := (wf.placed x (sub.subset hx)).2
    simp only [List.mem_singleton] at hy
    subst hy
    simpa using this
  · intro q hq
    simp only [push, List.mem_append, List.mem_singleton, makeRoom_sent, makeRoom_passed] at *
    rcases hq with hq | hq
    · have := wf.placed q (sub.subset hq)
      arith
    · subst hq
      have := wf.passed
      simp only
      arith
  · have := wf.passed
    simp only [push, makeRoom_sent, makeRoom_passed]
    arith

/-- A receive leaves the buffer as it should be. -/
theorem pop_wellFormed {b : Buffer} (wf : b.WellFormed) : b.pop.WellFormed := by
  obtain ⟨counted, room, some, ordered, placed, passed⟩ := wf
  unfold pop
  split
  · exact ⟨counted, room, some, ordered, placed, passed⟩
  · rename_i next rest hq
    simp only [len, hq, List.length_cons] at counted room
    rw [hq, List.pairwise_cons] at ordered
    rw [hq] at placed
    refine ⟨?_, ?_, some, ordered.2, ?_, ?_⟩
    · simp only [len]; arith
    · simp only [len]; arith
    · intro q hm
      have := ordered.1 q hm
      have := (placed q (List.mem_cons_of_mem _ hm)).2
      exact ⟨by simp only; arith, this⟩
    · have := (placed next (List.mem_cons_self ..)).2
      simp only
      arith

@[simp] theorem pop_sent (b : Buffer) : b.pop.sent = b.sent := by
  unfold pop; split <;> rfl

theorem pop_consumed {b : Buffer} {queued : Queued} (h : b.front = some queued) :
    b.pop.consumed = b.consumed + 1 := by
  unfold front at h
  unfold pop
  split
  · simp_all
  · rfl

end Buffer

end Antiphon.Machine
