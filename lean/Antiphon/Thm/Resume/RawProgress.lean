import Antiphon.Thm.Resume.Raw
/-!
# A raw link catches up

From wherever a raw link is, exchanges that succeed deliver all that was sent.
-/

namespace Antiphon.Resume

variable {α : Type}

/-- What the ends, the disk and the network do by themselves: nothing is sent, and nothing is lost. -/
def RawEvent.isExchange : RawEvent α → Bool
  | .persist | .transmit _ | .arrive _ | .flush | .ack | .ackArrive _ => true
  | _ => false

namespace Raw

/-- What holds of every raw link whose receiver has this window. -/
structure Fit (window : Nat) (s : Raw α) : Prop where
  ok : s.Ok
  inbound : s.inbound.Wellformed
  window : s.inbound.window = window

theorem Fit.step {w : Nat} {s : Raw α} (h : s.Fit w) (e : RawEvent α) : (s.step e).Fit w := by
  have keep : ∀ {s' : Raw α}, s'.inbound = s.inbound → s'.Ok → s'.Fit w := fun hi ho =>
    ⟨ho, hi ▸ h.inbound, hi ▸ h.window⟩
  have ho := h.ok.step e
  cases e with
  | send x => refine keep ?_ ho; simp only [Raw.step]; split <;> rfl
  | persist => exact keep rfl ho
  | transmit n => exact keep rfl ho
  | arrive i =>
    refine ⟨ho, ?_, ?_⟩
    · simp only [Raw.step]; split
      · exact h.inbound
      · rename_i n x _
        have := Inbound.offer_wellformed h.inbound n x
        split <;> (rename_i hx; rw [hx] at this; exact this)
    · simp only [Raw.step]; split
      · exact h.window
      · rename_i n x _
        have : (s.inbound.offer n x).2.window = s.inbound.window := by
          simp only [Inbound.offer]; repeat' split
          all_goals rfl
        split <;> (rename_i hx; rw [hx] at this; exact this.trans h.window)
  | drop i => exact keep rfl ho
  | duplicate i => exact keep rfl ho
  | flush => exact ⟨ho, Inbound.flushPending_wellformed h.inbound, h.window⟩
  | ack => exact keep rfl ho
  | ackArrive i =>
    refine keep ?_ ho; simp only [Raw.step]; repeat' split
    all_goals rfl
  | ackDrop i => exact keep rfl ho
  | ackDuplicate i => exact keep rfl ho
  | restart => exact keep rfl ho
  | forget => exact ⟨ho, ⟨.nil, fun _ h => by cases h⟩, h.window⟩

theorem Fit.run {w : Nat} {s : Raw α} (h : s.Fit w) (es : List (RawEvent α)) : (s.run es).Fit w := by
  induction es generalizing s with
  | nil => exact h
  | cons e es ih => exact ih (h.step e)

theorem fit_start (capacity w : Nat) : (Raw.start capacity w : Raw α).Fit w :=
  ⟨raw_ok capacity w [], ⟨.nil, fun _ h => by cases h⟩, rfl⟩

theorem run_append (s : Raw α) (a b : List (RawEvent α)) : s.run (a ++ b) = (s.run a).run b := by
  induction a generalizing s with
  | nil => rfl
  | cons e a ih => exact ih _

theorem Ok.retransmit {s : Raw α} (h : s.Ok) :
    (s.outbound.retransmit (s.delivered.length + 1)).isPartial = false ∧
      (s.outbound.retransmit (s.delivered.length + 1)).messages =
        numbered (s.delivered.length + 1) (s.sent.drop s.delivered.length) := by
  have h1 := h.acked
  have h2 := h.oldest
  constructor
  · simp only [Outbound.retransmit, decide_eq_false_iff_not]; omega
  · simp only [Outbound.retransmit, h.retained, List.drop_drop]
    congr 1
    · omega
    · congr 1; omega

/-- Where everything is durable and nothing that is held could be delivered, the next message comes. -/
theorem next_comes {w : Nat} (hw : 0 < w) {s : Raw α} (h : s.Fit w) (hd : s.durable = s.sent.length)
    (hf : ∀ f ∈ s.inbound.held, f.1 ≠ s.inbound.delivered + 1) (hl : s.delivered.length < s.sent.length) :
    ((s.step (.transmit (s.delivered.length + 1))).step (.arrive 0)).delivered.length =
      s.delivered.length + 1 := by
  have hx : s.sent.drop s.delivered.length = s.sent[s.delivered.length] :: s.sent.drop (s.delivered.length + 1) :=
    List.drop_eq_getElem_cons hl
  have hc := h.ok.count
  have hany : ¬(s.inbound.held.any fun f => f.1 = s.delivered.length + 1) = true := by
    simp only [List.any_eq_true, decide_eq_true_eq, not_exists, not_and]
    intro f hf'; rw [← hc]; exact hf f hf'
  have ho : s.inbound.offer (s.delivered.length + 1) s.sent[s.delivered.length] =
      (.deliver, { s.inbound with delivered := s.delivered.length + 1 }) := by
    have := h.window
    simp only [Inbound.offer, hany]
    rw [if_neg (by omega), if_neg (by omega), if_neg (by omega), if_neg (by simp), if_pos (by omega)]
  simp only [Raw.step, h.ok.retransmit.2, hx, numbered, hd]
  rw [List.filter_cons_of_pos (by simpa using hl)]
  simp only [List.cons_append, List.getElem?_cons_zero, ho, List.length_append, List.length_singleton]

theorem arrives (s : Raw α) (i : Nat) :
    (s.step (.arrive i)).sent = s.sent ∧ (s.step (.arrive i)).durable = s.durable := by
  simp only [Raw.step]; split
  · exact ⟨rfl, rfl⟩
  · split <;> exact ⟨rfl, rfl⟩

theorem catches_up {w : Nat} (hw : 0 < w) : ∀ (n : Nat) {s : Raw α}, s.Fit w → s.durable = s.sent.length →
    s.sent.length - s.delivered.length ≤ n →
      ∃ es : List (RawEvent α), (∀ e ∈ es, e.isExchange) ∧ (s.run es).sent = s.sent ∧
        (s.run es).delivered.length = s.sent.length
  | 0, s, h, hd, hn => by
    refine ⟨[], by simp, rfl, ?_⟩
    have := h.ok.isPrefix.length_le
    show s.delivered.length = _; omega
  | n + 1, s, h, hd, hn => by
    -- First what is held is delivered, if it can be.
    have h1 := h.step .flush
    have hs : (s.step .flush).sent = s.sent := rfl
    have hd1 : (s.step .flush).durable = (s.step .flush).sent.length := hd
    have hf : ∀ f ∈ (s.step .flush).inbound.held, f.1 ≠ (s.step .flush).inbound.delivered + 1 :=
      Inbound.flushPending_complete h.inbound
    have hg : s.delivered.length ≤ (s.step .flush).delivered.length := by
      simp only [Raw.step, List.length_append]; omega
    have run1 : ∀ es, s.run (.flush :: es) = (s.step .flush).run es := fun _ => rfl
    generalize s.step .flush = s1 at h1 hs hd1 hf hg run1
    rcases Nat.lt_or_ge s1.delivered.length s1.sent.length with hl | hl
    · have hc := next_comes hw h1 hd1 hf hl
      have k := arrives (s1.step (.transmit (s1.delivered.length + 1))) 0
      have h2 := (h1.step (.transmit (s1.delivered.length + 1))).step (.arrive 0)
      have run2 : ∀ es, s1.run (.transmit (s1.delivered.length + 1) :: .arrive 0 :: es) =
          ((s1.step (.transmit (s1.delivered.length + 1))).step (.arrive 0)).run es := fun _ => rfl
      generalize (s1.step (.transmit (s1.delivered.length + 1))).step (.arrive 0) = s2 at hc k h2 run2
      have k1 : s2.sent = s1.sent := k.1
      have k2 : s2.durable = s1.durable := k.2
      obtain ⟨es, e1, e2, e3⟩ := catches_up hw n h2 (by rw [k1, k2]; exact hd1) (by rw [k1, hc, hs]; omega)
      refine ⟨.flush :: .transmit (s1.delivered.length + 1) :: .arrive 0 :: es, ?_, ?_, ?_⟩
      · intro e he
        simp only [List.mem_cons] at he
        rcases he with rfl | rfl | rfl | he
        · rfl
        · rfl
        · rfl
        · exact e1 e he
      · rw [run1, run2, e2, k1, hs]
      · rw [run1, run2, e3, k1, hs]
    · refine ⟨[.flush], by simp [RawEvent.isExchange], by rw [run1]; exact hs, ?_⟩
      rw [run1, ← hs]
      exact Nat.le_antisymm h1.ok.isPrefix.length_le hl

end Raw

end Antiphon.Resume
