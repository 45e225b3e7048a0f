import Antiphon.Thm.Resume.Reach
/-!
# What a run keeps

The kept journal only grows, by records that perfect channels allow; a client's memory only grows
until it is lost.
-/

namespace Antiphon.Resume

section

variable {p : Protocol} {t : Settings} {s : System}

/-- Nothing that is kept goes, whatever happens. -/
theorem kept_grows_step (hs : Sound p s) (e : Event) : s.kept <+: (System.step p t s e).kept := by
  have same : ∀ {j : Journal}, s.server.journal <+: j → s.kept <+: j.take s.server.durable :=
    fun h => by rw [take_prefix h hs.durable]; exact List.prefix_refl _
  have keeps : ∀ {j : Journal}, j = s.kept → s.kept <+: j := fun h => by
    rw [h]; exact List.prefix_refl _
  cases e with
  | decide q x m =>
    simp only [System.step]; repeat' split
    all_goals exact List.prefix_refl _
  | consume q x =>
    simp only [System.step]; repeat' split
    all_goals exact List.prefix_refl _
  | sendAct => exact List.prefix_refl _
  | sendAck => exact List.prefix_refl _
  | sendResume => exact List.prefix_refl _
  | reconnect => exact List.prefix_refl _
  | disconnect => exact List.prefix_refl _
  | forget => exact List.prefix_refl _
  | arrive f =>
    simp only [System.step]; split
    · cases f with
      | act q e n x m =>
        exact keeps (Acted.kept (Server.handleAct_acted (p := p) (h := ⟨q, n, x, m⟩)) hs.durable)
      | ack q e n => exact keeps (Acted.kept (Server.handleAck_acted (p := p)) hs.durable)
      | resume q n k =>
        simp only [System.handle, Server.handleResume]; split
        · exact List.prefix_refl _
        · exact same (List.prefix_append _ _)
      | ok => exact List.prefix_refl _
      | done => exact List.prefix_refl _
      | msg => exact List.prefix_refl _
    · exact List.prefix_refl _
  | drop => exact List.prefix_refl _
  | duplicate f => simp only [System.step]; split <;> exact List.prefix_refl _
  | transmit q x n => simp only [System.step]; rw [transmit_rest]; exact List.prefix_refl _
  | persist n => exact persisted_kept s.server n
  | restart =>
    simp only [System.step, System.kept, Server.kept, Server.restarted, List.take_take, Nat.min_self]
    exact List.prefix_refl _
  | finish => exact same (List.prefix_append _ _)
  | forge f => simp only [System.step]; split <;> exact List.prefix_refl _

theorem sound_run (hs : Sound p s) (es : List Event) : Sound p (System.run p t s es) := by
  induction es generalizing s with
  | nil => exact hs
  | cons e es ih => exact ih (hs.step e)

theorem kept_grows (hs : Sound p s) (es : List Event) : s.kept <+: (System.run p t s es).kept := by
  induction es generalizing s with
  | nil => exact List.prefix_refl _
  | cons e es ih => exact (kept_grows_step hs e).trans (ih (hs.step e))

theorem reachable_run {honest : Role → Prop} (h : Reachable p t honest s) {es : List Event}
    (he : ∀ e ∈ es, Unforged honest e) : Reachable p t honest (System.run p t s es) := by
  induction es generalizing s with
  | nil => exact h
  | cons e es ih => exact ih (.step h (he e (by simp))) fun x hx => he x (by simp [hx])

theorem run_append (s : System) (a b : List Event) :
    System.run p t s (a ++ b) = System.run p t (System.run p t s a) b := by
  induction a generalizing s with
  | nil => rfl
  | cons e a ih => exact ih _

/-- A client's memory only grows, until it is lost. -/
theorem memory_grows {r : Role} {h : List Action} (a : Agree p t r h s) (hs : Sound p s)
    {m : Memory} (hm : (s.clients r).memory = some m) (e : Event) (he : e ≠ .forget r) :
    ∃ m', ((System.step p t s e).clients r).memory = some m' ∧ m.performed <+: m'.performed := by
  have same : ∀ {c : Client}, c.memory = (s.clients r).memory →
      ∃ m', c.memory = some m' ∧ m.performed <+: m'.performed :=
    fun hc => ⟨m, hc.trans hm, List.prefix_refl _⟩
  have set : ∀ (q : Role) (c : Client) (s' : System), s'.clients = (s.setClient q c).clients →
      (q = r → ∃ m', c.memory = some m' ∧ m.performed <+: m'.performed) →
      ∃ m', (s'.clients r).memory = some m' ∧ m.performed <+: m'.performed := by
    intro q c s' hs' hc
    rw [hs']; simp only [System.setClient]; split
    · rename_i e; exact hc e.symm
    · exact same rfl
  cases e with
  | decide q x y =>
    simp only [System.step]; split
    · exact same rfl
    split
    · exact same rfl
    rename_i k hk _ k' hd
    refine set q _ _ rfl fun hq => ⟨k', rfl, ?_⟩
    subst hq; rw [hm] at hk; cases hk
    simp only [Memory.decide] at hd; repeat' split at hd
    all_goals try contradiction
    simp only [Option.some.injEq] at hd; subst hd; exact List.prefix_append _ _
  | consume q x =>
    simp only [System.step]; split
    · exact same rfl
    split
    · exact same rfl
    rename_i k hk _ y k' hd
    refine set q _ _ rfl fun hq => ⟨k', rfl, ?_⟩
    subst hq; rw [hm] at hk; cases hk
    simp only [Memory.consume] at hd; repeat' split at hd
    all_goals try contradiction
    simp only [Option.some.injEq, Prod.mk.injEq] at hd
    rw [← hd.2]; exact List.prefix_append _ _
  | sendAct => exact same rfl
  | sendAck => exact same rfl
  | sendResume => exact same rfl
  | reconnect q => exact set q _ _ rfl fun hq => by subst hq; exact same rfl
  | disconnect q => exact set q _ _ rfl fun hq => by subst hq; exact same rfl
  | forget q => exact set q _ _ rfl fun hq => absurd (hq ▸ rfl) he
  | arrive f =>
    simp only [System.step]; split
    · rename_i hf
      cases f with
      | act => exact same rfl
      | ack => exact same rfl
      | resume => exact same rfl
      | ok q n e d =>
        refine set q _ _ rfl fun hq => ?_
        subst hq
        have hl : ¬m.position < d.length := by
          have h1 := (hs.net _ hf : d <+: _).length_le
          have h2 := ((actions_prefix q (kept_prefix s.server)).trans a.within).length_le
          have h3 := a.memory m hm
          simp only [Memory.position, h3]
          simp only [System.kept] at h1; omega
        simp only [Client.handleOk]; split
        · exact same rfl
        split
        · exact same rfl
        simp only [hm, hl, if_false]; exact ⟨_, rfl, List.prefix_refl _⟩
      | done q n =>
        refine set q _ _ rfl fun hq => ?_
        subst hq; simp only [Client.handleDone, hm]; exact ⟨_, rfl, List.prefix_refl _⟩
      | msg q x n y =>
        refine set q _ _ rfl fun hq => ?_
        subst hq; simp only [Client.handleMsg, hm]
        refine ⟨_, rfl, ?_⟩
        simp only [Memory.take]; repeat' split
        all_goals exact List.prefix_refl _
    · exact same rfl
  | drop => exact same rfl
  | duplicate f => simp only [System.step]; split <;> exact same rfl
  | transmit => exact same rfl
  | persist => exact same rfl
  | restart => exact same rfl
  | finish => exact same rfl
  | forge f => simp only [System.step]; split <;> exact same rfl

/-! ## Steps over perfect channels -/

/-- Zero or more records, each performed over perfect channels. -/
inductive Performs (p : Protocol) : Journal → Journal → Prop
  | refl (j : Journal) : Performs p j j
  | step {j j' j'' : Journal} {x : Record} :
      perform p j x = .ok j' → Performs p j' j'' → Performs p j j''

theorem Performs.snoc {j j' j'' : Journal} {x : Record} (h : Performs p j j')
    (hx : perform p j' x = .ok j'') : Performs p j j'' := by
  induction h with
  | refl => exact .step hx (.refl _)
  | step h1 _ ih => exact .step h1 (ih hx)

/-- From a prefix of an ideal journal perfect channels lead to the whole. -/
theorem ideal_performs {j : Journal} (h : Ideal p j) {j' : Journal} (hj : j' <+: j) :
    Performs p j' j := by
  induction h generalizing j' with
  | start => rw [List.prefix_nil.1 hj]; exact .refl _
  | @step k k' x hk hs ih =>
    have e := perform_append hs
    rcases Nat.lt_or_ge k.length j'.length with hl | hl
    · have : j' = k' := hj.eq_of_length (by have := hj.length_le; rw [e] at this ⊢; simp at *; omega)
      rw [this]; exact .refl _
    · exact (ih (prefix_of_le hj (e ▸ List.prefix_append _ _) hl)).snoc hs

end

end Antiphon.Resume
