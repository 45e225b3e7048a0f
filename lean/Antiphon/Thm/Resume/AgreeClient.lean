import Antiphon.Thm.Resume.Agree
/-!
# The invariants are kept by what a client does

One lemma for each thing that the client of a role does, and for each frame that it hears.
-/

namespace Antiphon.Resume

theorem sends_drop_le (l : List Action) {m n : Nat} (h : m ≤ n) : sends (l.drop n) ≤ sends (l.drop m) := by
  have e : l.drop n = (l.drop m).drop (n - m) := by rw [List.drop_drop]; congr 1; omega
  rw [e]
  have := sends_append ((l.drop m).take (n - m)) ((l.drop m).drop (n - m))
  rw [List.take_append_drop] at this
  omega

section

variable {p : Protocol} {t : Settings} {r : Role} {h : List Action} {s : System}

/-- The client does one thing more. -/
theorem Agree.did (a : Agree p t r h s) {m m' : Memory} {x : Action}
    (hm : (s.clients r).memory = some m) (hp : m'.performed = h ++ [x]) (ha : m'.acked = m.acked)
    (hi : ∀ f ∈ m'.inbox, f ∈ m.inbox) (ho : m'.outstanding ≤ t.outbox)
    (hs : (stateAfter p r (h ++ [x])).isSome)
    (hr : ∀ q, receivedFrom q (h ++ [x]) <+: sentTo r (actions q s.kept)) :
    Agree p t r (h ++ [x])
      ((s.setClient r { s.clients r with memory := some m' }).record r m.position x) where
  follows := hs
  seen := hr
  within := a.within.trans (List.prefix_append _ _)
  held g hg hr := prefix_getElem? (List.prefix_append _ _) (a.held g hg hr)
  claims f hf hr := by
    have hc := a.claims f hf hr
    cases f <;> simp only [Claim] at * <;> try exact hc
    · exact ⟨hc.1, fun he => prefix_getElem? (List.prefix_append _ _) (hc.2 he)⟩
    · exact ⟨hc.1, fun he => by have := hc.2 he; simp; omega⟩
  epoch := a.epoch
  attached e he := a.attached e (by simpa [System.record, System.setClient] using he)
  attempt n hn := a.attempt n (by simpa [System.record, System.setClient] using hn)
  memory k hk := by
    obtain rfl : m' = k := by simpa [System.record, System.setClient] using hk
    exact hp
  acked k hk := by
    obtain rfl : m' = k := by simpa [System.record, System.setClient] using hk
    rw [ha]; exact a.acked m hm
  outbox k hk := by
    obtain rfl : m' = k := by simpa [System.record, System.setClient] using hk
    exact ho
  inbox k hk q n y hy := by
    obtain rfl : m' = k := by simpa [System.record, System.setClient] using hk
    exact a.inbox m hm q n y (hi _ hy)
  adopt hn := by simp [System.record, System.setClient] at hn
  story n y hy := by
    rw [List.getElem?_append] at hy
    split at hy
    · exact .tail _ (a.story n y hy)
    · rename_i hlt
      have hn : n - h.length = 0 := by
        have := (List.getElem?_eq_some_iff.1 hy).1; simp at this; omega
      rw [hn] at hy
      simp only [List.getElem?_cons_zero, Option.some.injEq] at hy
      have : n = m.position := by rw [Memory.position, a.memory m hm]; omega
      subst hy this; exact .head _

theorem Agree.decide (a : Agree p t r h s) {m m' : Memory} {q : Role} {x : Message}
    (hm : (s.clients r).memory = some m) (hd : m.decide p t r q x = some m') :
    Agree p t r (h ++ [.send q x])
      ((s.setClient r { s.clients r with memory := some m' }).record r m.position (.send q x)) := by
  have hp := a.memory m hm
  have hk : m.acked ≤ m.performed.length := by
    rw [hp]
    exact Nat.le_trans (a.acked m hm) ((actions_prefix r (kept_prefix _)).trans a.within).length_le
  simp only [Memory.decide] at hd; repeat' split at hd
  all_goals try contradiction
  rename_i h1 h2
  simp only [Option.some.injEq] at hd; subst hd
  refine a.did hm (by simp [hp]) rfl (fun _ h => h) ?_ ?_ fun y => ?_
  · simp only [Memory.outstanding] at h1 ⊢
    rw [List.drop_append_of_le_length hk, sends_append]; simp only [sends]; omega
  · rw [stateAfter_snoc, ← hp]; simpa [Option.isSome_iff_ne_none] using h2
  · rw [receivedFrom_append]; simpa [receivedFrom] using a.seen y

theorem Agree.consume (a : Agree p t r h s) {m m' : Memory} {q : Role} {x : Message}
    (hm : (s.clients r).memory = some m) (hd : m.consume p r q = some (x, m')) :
    Agree p t r (h ++ [.receive q x])
      ((s.setClient r { s.clients r with memory := some m' }).record r m.position (.receive q x)) := by
  have hp := a.memory m hm
  simp only [Memory.consume] at hd; repeat' split at hd
  all_goals try contradiction
  rename_i y hy h2
  simp only [Option.some.injEq, Prod.mk.injEq] at hd
  obtain ⟨rfl, rfl⟩ := hd
  have hk : m.acked ≤ m.performed.length := by
    rw [hp]
    exact Nat.le_trans (a.acked m hm) ((actions_prefix r (kept_prefix _)).trans a.within).length_le
  refine a.did hm (by simp [hp]) rfl (fun _ h => (List.mem_filter.1 h).1) ?_ ?_ fun z => ?_
  · simp only [Memory.outstanding]
    rw [List.drop_append_of_le_length hk, sends_append]
    simpa [sends, Memory.outstanding] using a.outbox m hm
  · rw [stateAfter_snoc, ← hp]; simpa [Option.isSome_iff_ne_none] using h2
  · rw [receivedFrom_append]; simp only [receivedFrom]; split
    · rename_i e; subst e
      simp only [Memory.head, Option.map_eq_some_iff] at hy
      obtain ⟨⟨q', n, y'⟩, hf, rfl⟩ := hy
      have h3 := List.find?_some hf
      simp only [Bool.and_eq_true, decide_eq_true_eq] at h3
      obtain ⟨rfl, rfl⟩ := h3
      refine prefix_snoc (a.seen q') ?_
      have := a.inbox m hm q' _ y' (List.mem_of_find?_eq_some hf)
      rw [Memory.seq, hp] at this; exact this
    · simpa using a.seen z

/-- The connection changes, or the memory goes. -/
theorem Agree.client (a : Agree p t r h s) {c : Client} {k : Nat} (hk : s.attemptNext ≤ k)
    (hm : ∀ m, c.memory = some m → (s.clients r).memory = some m)
    (he : ∀ e, c.epoch = some e → (s.clients r).epoch = some e)
    (hn : ∀ n, c.attempt = some n → n < k)
    (hd : c.memory = none → ∀ n e d, c.attempt = some n → ¬s.inFlight (.ok r n e d)) :
    Agree p t r h { s.setClient r c with attemptNext := k } where
  follows := a.follows
  seen := a.seen
  within := a.within
  held := a.held
  claims f hf hr := by
    have hc := a.claims f hf hr
    cases f <;> simp only [Claim] at * <;> try exact hc
    · exact ⟨Nat.lt_of_lt_of_le hc.1 hk, hc.2⟩
    · exact ⟨Nat.lt_of_lt_of_le hc.1 hk, hc.2⟩
  epoch := a.epoch
  attached e h := a.attached e (he e (by simpa [System.setClient] using h))
  attempt n h := hn n (by simpa [System.setClient] using h)
  memory m h := a.memory m (hm m (by simpa [System.setClient] using h))
  acked m h := a.acked m (hm m (by simpa [System.setClient] using h))
  outbox m h := a.outbox m (hm m (by simpa [System.setClient] using h))
  inbox m h := a.inbox m (hm m (by simpa [System.setClient] using h))
  adopt h n e d h' hf := by
    simp only [System.setClient, if_true] at h h'
    exact absurd hf (hd h n e d h')
  story := a.story

/-- The client learns something that is so. -/
theorem Agree.learns (a : Agree p t r h s) {m m' : Memory} {c : Client}
    (hm : (s.clients r).memory = some m) (hc : c.memory = some m') (hp : m'.performed = m.performed)
    (ht : c.attempt = (s.clients r).attempt) (he : ∀ e, c.epoch = some e → e < s.server.epochNext)
    (hk : m.acked ≤ m'.acked) (hk' : m'.acked ≤ (actions r s.kept).length)
    (hi : ∀ q n x, (q, n, x) ∈ m'.inbox → (sentTo r (actions q s.kept))[n]? = some x) :
    Agree p t r h (s.setClient r c) where
  follows := a.follows
  seen := a.seen
  within := a.within
  held := a.held
  claims := a.claims
  epoch := a.epoch
  attached e h := he e (by simpa [System.setClient] using h)
  attempt n h := a.attempt n (by simpa [System.setClient, ht] using h)
  memory k h := by
    obtain rfl : m' = k := by simpa [System.setClient, hc] using h
    rw [hp, a.memory m hm]
  acked k h := by
    obtain rfl : m' = k := by simpa [System.setClient, hc] using h
    exact hk'
  outbox k h := by
    obtain rfl : m' = k := by simpa [System.setClient, hc] using h
    simp only [Memory.outstanding, hp]
    exact Nat.le_trans (sends_drop_le _ hk) (a.outbox m hm)
  inbox k h := by
    obtain rfl : m' = k := by simpa [System.setClient, hc] using h
    exact hi
  adopt h := by simp [System.setClient, hc] at h
  story := a.story

theorem Calm.sameClient (r : Role) (s : System) (q : Role) : Calm r s (s.setClient q (s.clients q)) :=
  { Calm.refl r s with client := by simp only [System.setClient]; split <;> simp_all }

theorem Agree.handleOk (a : Agree p t r h s) {n : Nat} {e : Nat} {d : List Action}
    (hf : s.inFlight (.ok r n e d)) (hh : d <+: actions r s.kept) :
    ∃ h, Agree p t r h (s.setClient r ((s.clients r).handleOk n e d)) := by
  have hc := a.claims _ hf rfl
  simp only [Client.handleOk]; split
  · exact ⟨h, a.calm (Calm.sameClient r s r)⟩
  split
  · exact ⟨h, a.calm (Calm.sameClient r s r)⟩
  rename_i hn _
  have hn : (s.clients r).attempt = some n := by simpa using hn
  cases hm : (s.clients r).memory with
  | none =>
    obtain ⟨hd, hi⟩ := a.adopt hm n e d hn hf
    have hw : d <+: h := hd ▸ a.within
    refine ⟨d, ?_⟩
    exact {
      follows := stateAfter_prefix hw a.follows
      seen := fun q => (receivedFrom_prefix q hw).trans (a.seen q)
      within := by rw [hd]; exact List.prefix_refl _
      held := fun g hg hr => absurd hr (hi.held g hg)
      claims := fun f hf hr => by
        have hc := a.claims f hf hr
        cases f <;> simp only [Frame.about] at hr <;> simp only [Claim] at * <;> try exact hc
        · subst hr; exact ⟨hc.1, fun he => absurd he (hi.acts _ _ _ _ hf)⟩
        · subst hr; exact ⟨hc.1, fun he => absurd he (hi.acks _ _ hf)⟩
      epoch := a.epoch
      attached := fun e' he => by
        obtain rfl : e = e' := by simpa [System.setClient] using he
        exact hc.2
      attempt := fun n h => a.attempt n (by simpa [System.setClient] using h)
      memory := fun m hm => by simp [System.setClient] at hm; subst hm; rfl
      acked := fun m hm => by simp [System.setClient] at hm; subst hm; exact hh.length_le
      outbox := fun m hm => by simp [System.setClient] at hm; subst hm; simp [Memory.outstanding, sends]
      inbox := fun m hm => by simp [System.setClient] at hm; subst hm; intro _ _ _ h; cases h
      adopt := fun hm => by simp [System.setClient] at hm
      story := fun n x hx => a.story n x (prefix_getElem? hw hx) }
  | some m =>
    have hp := a.memory m hm
    have hl : d.length ≤ m.performed.length := by
      rw [hp]; exact (hh.trans ((actions_prefix r (kept_prefix _)).trans a.within)).length_le
    simp only
    split
    · rename_i hlt; simp only [Memory.position] at hlt; omega
    · refine ⟨h, a.learns hm rfl rfl rfl ?_ (Nat.le_max_left _ _) ?_ (a.inbox m hm)⟩
      · intro e' he; obtain rfl : e = e' := by simpa using he
        exact hc.2
      · exact Nat.max_le.2 ⟨a.acked m hm, hh.length_le⟩

theorem Agree.handleDone (a : Agree p t r h s) {n : Nat} (hh : n ≤ (actions r s.kept).length) :
    Agree p t r h (s.setClient r ((s.clients r).handleDone n)) := by
  simp only [Client.handleDone]
  cases hm : (s.clients r).memory with
  | none =>
    have : ({ s.clients r with memory := Option.map (fun (m : Memory) => { m with acked := max m.acked n }) none } : Client)
        = s.clients r := by rw [Option.map_none, ← hm]
    rw [this]; exact a.calm (Calm.sameClient r s r)
  | some m =>
    exact a.learns hm rfl rfl rfl (fun e he => a.attached e he) (Nat.le_max_left _ _)
      (Nat.max_le.2 ⟨a.acked m hm, hh⟩) (a.inbox m hm)

theorem Agree.handleMsg (a : Agree p t r h s) {q : Role} {n : Nat} {x : Message}
    (hh : (sentTo r (actions q s.kept))[n]? = some x) :
    Agree p t r h (s.setClient r ((s.clients r).handleMsg q n x)) := by
  simp only [Client.handleMsg]
  cases hm : (s.clients r).memory with
  | none =>
    have : ({ s.clients r with memory := Option.map (fun (m : Memory) => m.take q n x) none } : Client)
        = s.clients r := by rw [Option.map_none, ← hm]
    rw [this]; exact a.calm (Calm.sameClient r s r)
  | some m =>
    have ht : (m.take q n x).performed = m.performed ∧ (m.take q n x).acked = m.acked := by
      simp only [Memory.take]; repeat' split
      all_goals exact ⟨rfl, rfl⟩
    refine a.learns hm rfl ht.1 rfl (fun e he => a.attached e he) (by rw [ht.2]; exact Nat.le_refl _)
      (by rw [ht.2]; exact a.acked m hm) ?_
    intro q' n' x' hx
    simp only [Memory.take] at hx; repeat' split at hx
    · exact a.inbox m hm q' n' x' hx
    · exact a.inbox m hm q' n' x' hx
    · rcases List.mem_append.1 hx with hx | hx
      · exact a.inbox m hm q' n' x' hx
      · simp only [List.mem_singleton, Prod.mk.injEq] at hx
        obtain ⟨rfl, rfl, rfl⟩ := hx; exact hh

/-- The client puts a frame into the bag. -/
theorem Agree.post (a : Agree p t r h s) {o : Option Frame}
    (hc : ∀ f, o = some f → Claim s r h f)
    (hm : (s.clients r).memory ≠ none ∨ ∀ f, o = some f → ∃ n k, f = .resume r n k) :
    Agree p t r h (s.post o) := by
  have hin : ∀ f, (s.post o).inFlight f → o = some f ∨ s.inFlight f := by
    intro f hf
    rcases hf with hf | hf
    · rcases List.mem_append.1 hf with hf | hf
      · exact .inl (by simpa using hf)
      · exact .inr (.inl hf)
    · exact .inr (.inr hf)
  exact { a with
    claims := fun f hf hr => by
      have : Claim s r h f := (hin f hf).elim (hc f) fun hf => a.claims f hf hr
      cases f <;> exact this
    adopt := fun hn n e d hn' hf => by
      rcases hm with hm | hm
      · exact absurd hn hm
      have hin' : ∀ f, (s.post o).inFlight f → (∀ n k, f ≠ .resume r n k) → s.inFlight f := by
        intro f hf hne
        rcases hin f hf with h | h
        · obtain ⟨n, k, e⟩ := hm f h; exact absurd e (hne n k)
        · exact h
      obtain ⟨h1, h2⟩ := a.adopt hn n e d hn' (hin' _ hf (by simp))
      exact ⟨h1, fun e n q x hf => h2.acts e n q x (hin' _ hf (by simp)),
        fun e n hf => h2.acks e n (hin' _ hf (by simp)), h2.held⟩ }

theorem act_some {c : Client} {q : Role} {n : Nat} {f : Frame} (h : c.act q n = some f) :
    ∃ m e q' x, c.memory = some m ∧ c.epoch = some e ∧ m.performed[n]? = some (.send q' x) ∧
      m.acked ≤ n ∧ f = .act q e n q' x := by
  simp only [Client.act] at h; split at h
  · rename_i m e hm he
    split at h
    · rename_i q' x hx
      split at h
      · exact ⟨m, e, q', x, hm, he, hx, by assumption, by simpa using h.symm⟩
      · cases h
    · cases h
  · cases h

theorem ack_some {c : Client} {q : Role} {n : Nat} {f : Frame} (h : c.ack q n = some f) :
    ∃ m e, c.memory = some m ∧ c.epoch = some e ∧ n ≤ m.position ∧ f = .ack q e n := by
  simp only [Client.ack] at h; split at h
  · rename_i m e hm he
    split at h
    · exact ⟨m, e, hm, he, by assumption, by simpa using h.symm⟩
    · cases h
  · cases h

theorem Agree.sendAct (a : Agree p t r h s) (n : Nat) :
    Agree p t r h (s.post ((s.clients r).act r n)) := by
  by_cases hm : (s.clients r).memory = none
  · have : (s.clients r).act r n = none := by simp [Client.act, hm]
    rw [this]; exact a.post (fun _ h => by cases h) (.inr fun _ h => by cases h)
  · refine a.post (fun f hf => ?_) (.inl hm)
    obtain ⟨m, e, q, x, h1, h2, h3, _, rfl⟩ := act_some hf
    exact ⟨a.attached e h2, fun _ => a.memory m h1 ▸ h3⟩

theorem Agree.sendAck (a : Agree p t r h s) (n : Nat) :
    Agree p t r h (s.post ((s.clients r).ack r n)) := by
  by_cases hm : (s.clients r).memory = none
  · have : (s.clients r).ack r n = none := by simp [Client.ack, hm]
    rw [this]; exact a.post (fun _ h => by cases h) (.inr fun _ h => by cases h)
  · refine a.post (fun f hf => ?_) (.inl hm)
    obtain ⟨m, e, h1, h2, h3, rfl⟩ := ack_some hf
    exact ⟨a.attached e h2, fun _ => by rw [Memory.position, a.memory m h1] at h3; exact h3⟩

theorem Agree.sendResume (a : Agree p t r h s) :
    Agree p t r h (s.post ((s.clients r).resume r)) := by
  refine a.post (fun f hf => ?_) (.inr fun f hf => ?_)
  · simp only [Client.resume, Option.map_eq_some_iff] at hf
    obtain ⟨n, hn, rfl⟩ := hf
    refine ⟨a.attempt n hn, ?_⟩
    cases hm : (s.clients r).memory with
    | none => simp
    | some m => simpa using a.acked m hm
  · simp only [Client.resume, Option.map_eq_some_iff] at hf
    obtain ⟨n, _, rfl⟩ := hf; exact ⟨n, _, rfl⟩

end

end Antiphon.Resume
