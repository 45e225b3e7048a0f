import Antiphon.Resume.Raw
import Antiphon.Thm.Resume.Sequencer
/-!
# One direction of a raw link, over every run
-/

namespace Antiphon.Resume

variable {α : Type}

/-- The payload is what was sent under the number. -/
def Genuine (sent : List α) (f : Nat × α) : Prop := 0 < f.1 ∧ sent[f.1 - 1]? = some f.2

structure Raw.Ok (s : Raw α) : Prop where
  durable : s.durable ≤ s.sent.length
  next : s.outbound.next = s.sent.length + 1
  oldest : 0 < s.outbound.oldest
  retained : s.outbound.retained = s.sent.drop (s.outbound.oldest - 1)
  net : ∀ f ∈ s.net, f.1 ≤ s.durable ∧ Genuine s.sent f
  held : ∀ f ∈ s.inbound.held, f.1 ≤ s.durable ∧ Genuine s.sent f
  count : s.inbound.delivered = s.delivered.length
  kept : s.delivered.length ≤ s.durable
  isPrefix : s.delivered <+: s.sent
  acks : ∀ n ∈ s.acks, n ≤ s.delivered.length
  acked : s.outbound.oldest ≤ s.delivered.length + 1

theorem Genuine.append {sent : List α} {f : Nat × α} (h : Genuine sent f) (k : List α) :
    Genuine (sent ++ k) f := by
  refine ⟨h.1, ?_⟩
  obtain ⟨hl, _⟩ := List.getElem?_eq_some_iff.1 h.2
  rw [List.getElem?_append_left hl]; exact h.2

theorem Genuine.take {sent : List α} {f : Nat × α} (h : Genuine sent f) {n : Nat} (hn : f.1 ≤ n) :
    Genuine (sent.take n) f := by
  refine ⟨h.1, ?_⟩
  have := h.1
  rw [List.getElem?_take_of_lt (by omega)]; exact h.2

theorem raw_snoc {g l : List α} {x : α} (h : g <+: l) (hx : l[g.length]? = some x) : g ++ [x] <+: l := by
  obtain ⟨t, rfl⟩ := h
  cases t with
  | nil => simp at hx
  | cons y t => simp at hx; subst hx; exact ⟨t, by simp⟩

/-- Genuine messages with the next numbers are the next ones that were sent. -/
theorem raw_extend {sent : List α} {d : Nat} : ∀ (xs : List α) {g : List α}, g <+: sent →
    (∀ f ∈ numbered (g.length + 1) xs, f.1 ≤ d ∧ Genuine sent f) → g.length ≤ d →
      g ++ xs <+: sent ∧ (g ++ xs).length ≤ d
  | [], g, h, _, hd => by simpa using ⟨h, hd⟩
  | x :: xs, g, h, hf, _ => by
    obtain ⟨h1, h2⟩ := hf (g.length + 1, x) (by simp [numbered])
    have hs := raw_snoc h (by simpa using h2.2)
    have := raw_extend (d := d) xs hs (fun f hm => hf f (by simp only [numbered, List.mem_cons]; right; simpa using hm))
      (by simpa using h1)
    simpa using this

theorem Raw.Ok.step {s : Raw α} (h : s.Ok) (e : RawEvent α) : (s.step e).Ok := by
  have hlen : s.outbound.retained.length = s.sent.length - (s.outbound.oldest - 1) := by
    rw [h.retained]; simp
  cases e with
  | send x =>
    simp only [Raw.step, Outbound.send]; split
    · rename_i o ho
      split at ho
      · cases ho
      · simp only [Except.ok.injEq, Prod.mk.injEq] at ho
        obtain ⟨_, rfl⟩ := ho
        have hnext := h.next
        have hold := h.oldest
        refine ⟨?_, ?_, h.oldest, ?_, fun f hf => ?_, fun f hf => ?_, h.count, h.kept, ?_, h.acks, h.acked⟩
        · simp only [List.length_append, List.length_singleton]; have := h.durable; omega
        · simp only [Outbound.next, List.length_append, List.length_singleton] at *; omega
        · simp only [Outbound.next] at hnext
          simp only; rw [h.retained, List.drop_append_of_le_length (by omega)]
        · exact ⟨(h.net f hf).1, (h.net f hf).2.append _⟩
        · exact ⟨(h.held f hf).1, (h.held f hf).2.append _⟩
        · exact h.isPrefix.trans (List.prefix_append _ _)
    · exact h
  | persist =>
    exact ⟨Nat.le_refl _, h.next, h.oldest, h.retained,
      fun f hf => ⟨Nat.le_trans (h.net f hf).1 h.durable, (h.net f hf).2⟩,
      fun f hf => ⟨Nat.le_trans (h.held f hf).1 h.durable, (h.held f hf).2⟩, h.count,
      Nat.le_trans h.kept h.durable, h.isPrefix, h.acks, h.acked⟩
  | transmit n =>
    refine { h with net := fun f hf => ?_ }
    rcases List.mem_append.1 hf with hf | hf
    · obtain ⟨hf, hd⟩ := List.mem_filter.1 hf
      obtain ⟨k, x⟩ := f
      obtain ⟨h1, h2⟩ := mem_numbered hf
      have := h.oldest
      refine ⟨by simpa using hd, by simp only; omega, ?_⟩
      rw [h.retained, List.drop_drop, List.getElem?_drop] at h2
      rw [← h2]; congr 1; simp only; omega
    · exact h.net f hf
  | arrive i =>
    simp only [Raw.step]; split
    · exact h
    · rename_i n x hx
      obtain ⟨hd, hg⟩ := h.net _ (List.mem_of_getElem? hx)
      have hnet : ∀ f ∈ s.net.eraseIdx i, f.1 ≤ s.durable ∧ Genuine s.sent f :=
        fun f hf => h.net f (List.mem_of_mem_eraseIdx hf)
      split
      · rename_i inbound ho
        simp only [Inbound.offer] at ho; repeat' split at ho
        all_goals try (simp only [Prod.mk.injEq, reduceCtorEq, false_and] at ho)
        rename_i hn
        obtain ⟨_, rfl⟩ := ho
        have hx' : s.sent[s.delivered.length]? = some x := by
          have := hg.2; rw [hn, h.count] at this; simpa using this
        refine ⟨h.durable, h.next, h.oldest, h.retained, hnet, h.held, ?_, ?_, raw_snoc h.isPrefix hx', ?_, ?_⟩
        · simp only [List.length_append, List.length_singleton]; rw [hn, h.count]
        · simp only [List.length_append, List.length_singleton]; rw [← h.count]; simp only at hd; omega
        · intro k hk; simp only [List.length_append, List.length_singleton]; have := h.acks k hk; omega
        · simp only [List.length_append, List.length_singleton]; have := h.acked; omega
      · rename_i v inbound hv ho
        have : inbound.delivered = s.inbound.delivered ∧ ∀ f ∈ inbound.held, f = (n, x) ∨ f ∈ s.inbound.held := by
          simp only [Inbound.offer] at ho; repeat' split at ho
          all_goals simp only [Prod.mk.injEq] at ho
          all_goals obtain ⟨hv', rfl⟩ := ho
          all_goals try exact ⟨rfl, fun f hf => .inr hf⟩
          · subst hv'; exact absurd rfl hv
          · refine ⟨rfl, fun f hf => ?_⟩
            obtain ⟨k, y⟩ := f
            rcases Inbound.mem_insert hf with ⟨rfl, rfl⟩ | hf
            · exact .inl rfl
            · exact .inr hf
        refine { h with net := hnet, held := fun f hf => ?_, count := by simp only [this.1]; exact h.count }
        rcases this.2 f hf with rfl | hf
        · exact ⟨hd, hg⟩
        · exact h.held f hf
  | drop i => exact { h with net := fun f hf => h.net f (List.mem_of_mem_eraseIdx hf) }
  | duplicate i =>
    refine { h with net := fun f hf => ?_ }
    rcases List.mem_append.1 hf with hf | hf
    · exact h.net f (List.mem_of_getElem? (by simpa using hf))
    · exact h.net f hf
  | flush =>
    obtain ⟨h1, h2, h3⟩ := Inbound.unblocked_spec s.inbound.delivered s.inbound.held
    simp only [Raw.step, Inbound.flushPending]
    generalize Inbound.unblocked s.inbound.delivered s.inbound.held = u at *
    have hm : ∀ f ∈ u.1 ++ u.2.2, f.1 ≤ s.durable ∧ Genuine s.sent f := by rw [h3]; exact h.held
    have hx := raw_extend (d := s.durable) (u.1.map (·.2)) h.isPrefix
      (by rw [← h.count, ← h2]; exact fun f hf => hm f (List.mem_append.2 (.inl hf))) h.kept
    refine ⟨h.durable, h.next, h.oldest, h.retained, h.net, fun f hf => hm f (List.mem_append.2 (.inr hf)),
      ?_, hx.2, hx.1, fun n hn => ?_, ?_⟩
    · simp only [h1, List.length_append, List.length_map, h.count]
    · simp only [List.length_append]; have := h.acks n hn; omega
    · simp only [List.length_append]; have := h.acked; omega
  | ack =>
    refine { h with acks := fun n hn => ?_ }
    rcases List.mem_cons.1 hn with rfl | hn
    · rw [h.count]; exact Nat.le_refl _
    · exact h.acks n hn
  | ackArrive i =>
    simp only [Raw.step]; split
    · exact h
    · rename_i n hn
      have ha : ∀ m ∈ s.acks.eraseIdx i, m ≤ s.delivered.length :=
        fun m hm => h.acks m (List.mem_of_mem_eraseIdx hm)
      have hle := h.acks n (List.mem_of_getElem? hn)
      split
      · rename_i o ho
        simp only [Outbound.ack] at ho; split at ho
        · cases ho
        · simp only [Except.ok.injEq] at ho; subst ho
          have hnext := h.next
          have hold := h.oldest
          have hacked := h.acked
          refine { h with acks := ha, next := ?_, oldest := ?_, retained := ?_, acked := ?_ }
          · simp only [Outbound.next, List.length_drop] at *; omega
          · simp only; omega
          · simp only; rw [h.retained, List.drop_drop]; congr 1; omega
          · simp only; omega
      · exact { h with acks := ha }
  | ackDrop i => exact { h with acks := fun n hn => h.acks n (List.mem_of_mem_eraseIdx hn) }
  | ackDuplicate i =>
    refine { h with acks := fun n hn => ?_ }
    rcases List.mem_append.1 hn with hn | hn
    · exact h.acks n (List.mem_of_getElem? (by simpa using hn))
    · exact h.acks n hn
  | restart =>
    have hd := h.durable
    have hk := h.kept
    have hold := h.oldest
    have hacked := h.acked
    simp only [Raw.step]
    refine ⟨?_, ?_, h.oldest, ?_, fun f hf => ?_, fun f hf => ?_, h.count, h.kept, ?_, h.acks, h.acked⟩
    · simp only [List.length_take]; omega
    · simp only [Outbound.next, List.length_take, hlen]; omega
    · simp only; rw [h.retained, List.drop_take]; congr 1; omega
    · exact ⟨(h.net f hf).1, (h.net f hf).2.take (h.net f hf).1⟩
    · exact ⟨(h.held f hf).1, (h.held f hf).2.take (h.held f hf).1⟩
    · exact List.prefix_of_prefix_length_le h.isPrefix (List.take_prefix _ _)
        (by simp only [List.length_take]; omega)
  | forget => exact { h with held := fun f hf => by cases hf }

theorem raw_ok (capacity window : Nat) (es : List (RawEvent α)) :
    ((Raw.start capacity window : Raw α).run es).Ok := by
  have h0 : (Raw.start capacity window : Raw α).Ok :=
    ⟨Nat.le_refl _, rfl, Nat.one_pos, rfl, fun _ h => (by cases h), fun _ h => (by cases h), rfl,
      Nat.le_refl _, List.prefix_refl _, fun _ h => (by cases h), Nat.le_refl _⟩
  generalize (Raw.start capacity window : Raw α) = s at *
  induction es generalizing s with
  | nil => exact h0
  | cons e es ih => exact ih _ (h0.step e)

end Antiphon.Resume
