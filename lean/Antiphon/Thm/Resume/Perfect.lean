import Antiphon.Thm.Resume.Views
/-!
# A run over perfect channels beside every run over the network

Each step of the network's run is zero or more records of the run beside it, until a client that owes
something loses its memory: then what it owed is in no run any more, and another run is beside.
-/

namespace Antiphon.Resume

section

variable {p : Protocol} {t : Settings} {honest : Role → Prop} {s : System} {r : Role}

def Record.isAction : Record → Bool
  | .acted _ _ => true
  | _ => false

/-- `j` is a run over perfect channels, which hold as many messages more as an outbox does, in which
everybody has done what they have done here: a client that remembers has done what it remembers, and
of any other role that is done which is kept. It has the attachments and the end that are kept. -/
structure Perfect (p : Protocol) (t : Settings) (honest : Role → Prop) (s : System) (j : Journal) : Prop where
  ideal : Ideal (p.roomy t.outbox) j
  clients : ∀ r m, honest r → (s.clients r).memory = some m → actions r j = m.performed
  others : ∀ r, (honest r → (s.clients r).memory = none) → actions r j = actions r s.kept
  rest : j.filter (!·.isAction) = s.kept.filter (!·.isAction)

theorem ideal_last {j : Journal} {x : Record} (h : Ideal p (j ++ [x])) :
    Ideal p j ∧ perform p j x = .ok (j ++ [x]) := by
  generalize hk : j ++ [x] = k at h
  cases h with
  | start => simp at hk
  | @step j' _ x' hj hs =>
    have e := perform_append hs
    rw [e] at hk
    obtain ⟨rfl, hx⟩ := List.append_inj' hk rfl
    simp only [List.cons.injEq, and_true] at hx
    subst hx; subst e; exact ⟨hj, hs⟩

theorem ideal_prefix {j k : Journal} (h : Ideal p k) (hj : j <+: k) : Ideal p j := by
  rw [List.prefix_iff_eq_take.1 hj]; exact ideal_take h _

theorem Performs.ideal {j j' : Journal} (h : Performs p j j') (hj : Ideal p j) : Ideal p j' := by
  induction h with
  | refl => exact hj
  | step hs _ ih => exact ih (.step hj hs)

theorem Performs.trans {j j' j'' : Journal} (h : Performs p j j') (h' : Performs p j' j'') :
    Performs p j j'' := by
  induction h with
  | refl => exact h'
  | step hs _ ih => exact .step hs (ih h')

theorem ended_of_rest {j k : Journal} (h : j.filter (!·.isAction) = k.filter (!·.isAction)) :
    .ended ∈ j ↔ .ended ∈ k := by
  have : ∀ l : Journal, .ended ∈ l ↔ .ended ∈ l.filter (!·.isAction) := by
    intro l; simp [List.mem_filter, Record.isAction]
  rw [this j, this k, h]

/-- `j` has all of `k`, and of the roles in `O` no more. -/
structure Beside (p : Protocol) (c : Nat) (O : Role → Prop) (k j : Journal) : Prop where
  ideal : Ideal (p.roomy c) j
  ahead : ∀ r, actions r k <+: actions r j
  others : ∀ r, O r → actions r j = actions r k
  rest : j.filter (!·.isAction) = k.filter (!·.isAction)

theorem Beside.grows {c : Nat} {O : Role → Prop} : ∀ (xs : Journal) {k j : Journal},
    Beside p c O k j → Ideal p (k ++ xs) → (∀ r, ¬O r → actions r (k ++ xs) <+: actions r j) →
      ∃ j', Performs (p.roomy c) j j' ∧ Beside p c O (k ++ xs) j' ∧
        ∀ r, ¬O r → actions r j' = actions r j
  | [], k, j, b, _, _ => ⟨j, .refl _, by simpa using b, fun _ _ => rfl⟩
  | x :: xs, k, j, b, hi, hw => by
    have e : k ++ x :: xs = k ++ [x] ++ xs := by simp
    rw [e] at hi hw ⊢
    obtain ⟨_, hs⟩ := ideal_last (ideal_prefix hi (List.prefix_append (k ++ [x]) xs))
    -- Either the record is performed, or its role has done it before.
    have go : ∀ j1, Performs (p.roomy c) j j1 → Beside p c O (k ++ [x]) j1 →
        (∀ r, ¬O r → actions r j1 = actions r j) →
        ∃ j', Performs (p.roomy c) j j' ∧ Beside p c O (k ++ [x] ++ xs) j' ∧
          ∀ r, ¬O r → actions r j' = actions r j := by
      intro j1 h1 h2 h3
      obtain ⟨j', h4, h5, h6⟩ := Beside.grows xs h2 hi fun r hr => by rw [h3 r hr]; exact hw r hr
      exact ⟨j', h1.trans h4, h5, fun r hr => (h6 r hr).trans (h3 r hr)⟩
    have calm : (∀ r a, x ≠ .acted r a) → perform (p.roomy c) j x = .ok (j ++ [x]) →
        ∃ j', Performs (p.roomy c) j j' ∧ Beside p c O (k ++ [x] ++ xs) j' ∧
          ∀ r, ¬O r → actions r j' = actions r j := by
      intro hx hp
      have ha : ∀ r (l : Journal), actions r (l ++ [x]) = actions r l := fun r l => by
        rw [actions_append]
        cases x with
        | acted r a => exact absurd rfl (hx r a)
        | attached => simp [actions]
        | ended => simp [actions]
      exact go _ (.step hp (.refl _))
        ⟨.step b.ideal hp, fun r => by rw [ha, ha]; exact b.ahead r,
          fun r hr => by rw [ha, ha]; exact b.others r hr, by rw [List.filter_append, b.rest, List.filter_append]⟩
        fun r _ => ha r j
    cases x with
    | attached q e => exact calm (fun _ _ h => by cases h) rfl
    | ended => exact calm (fun _ _ h => by cases h) rfl
    | acted q a =>
      have hrest : ∀ l : Journal, (l ++ [Record.acted q a]).filter (!·.isAction) = l.filter (!·.isAction) := fun l => by
        rw [List.filter_append]; simp [Record.isAction]
      rcases Classical.em (O q) with hq | hq
      · have hq' := b.others q hq
        have hp : perform (p.roomy c) j (.acted q a) = .ok (j ++ [.acted q a]) := by
          cases a with
          | send q' m =>
            obtain ⟨h1, h2, h3⟩ := perform_send hs
            refine perform_send_ok (fun h => h1 ((ended_of_rest b.rest).1 h)) (by rw [stateAfter_roomy, hq']; exact h2) ?_
            have := (receivedFrom_prefix q (b.ahead q')).length_le
            simp only [edge, List.length_drop, hq', Protocol.roomy] at h3 ⊢; omega
          | receive q' m =>
            obtain ⟨h1, h2, h3⟩ := perform_receive hs
            refine perform_receive_ok (fun h => h1 ((ended_of_rest b.rest).1 h)) (by rw [stateAfter_roomy, hq']; exact h2)
              (drop_head.2 ?_)
            rw [hq']; exact prefix_getElem? (sentTo_prefix q (b.ahead q')) (drop_head.1 h3)
        refine go _ (.step hp (.refl _)) ⟨.step b.ideal hp, fun r => ?_, fun r hr => ?_, ?_⟩ fun r hr => ?_
        · rw [actions_acted, actions_acted]; split
          · rename_i e; subst e; rw [hq']; exact List.prefix_refl _
          · exact b.ahead r
        · rw [actions_acted, actions_acted, b.others r hr]
        · rw [hrest, hrest, b.rest]
        · rw [actions_acted, if_neg (fun e : q = r => hr (e ▸ hq))]
      · refine go j (.refl _) ⟨b.ideal, fun r => ?_, fun r hr => ?_, ?_⟩ fun _ _ => rfl
        · rcases Classical.em (q = r) with e | e
          · subst e; exact (actions_prefix q (List.prefix_append _ xs)).trans (hw q hq)
          · rw [actions_acted, if_neg e]; exact b.ahead r
        · rw [actions_acted, if_neg (fun e : q = r => hq (e ▸ hr))]; exact b.others r hr
        · rw [hrest, b.rest]

/-! ## What a step does to the memory of a client -/

/-- What a client remembers to have done stays as it is, or comes from the machine, or is lost, or is
one action more, and then nothing else happens. -/
theorem memory_step {h : List Action} (a : Agree p t r h s) (hs : Sound p s) (e : Event) :
    ((System.step p t s e).clients r).memory.map (·.performed) = (s.clients r).memory.map (·.performed) ∨
    ((s.clients r).memory = none ∧ ∃ m', ((System.step p t s e).clients r).memory = some m' ∧
      m'.performed = actions r (System.step p t s e).kept) ∨
    e = .forget r ∨
    ∃ m m' x, (s.clients r).memory = some m ∧ ((System.step p t s e).clients r).memory = some m' ∧
      m'.performed = m.performed ++ [x] ∧ (System.step p t s e).kept = s.kept ∧
      ∀ q, q ≠ r → (System.step p t s e).clients q = s.clients q := by
  have set : ∀ (q : Role) (c : Client) (s' : System), s'.clients = (s.setClient q c).clients →
      (q = r → c.memory.map (·.performed) = (s.clients r).memory.map (·.performed)) →
      (s'.clients r).memory.map (·.performed) = (s.clients r).memory.map (·.performed) := by
    intro q c s' hs' hc
    rw [hs']; simp only [System.setClient]; split
    · rename_i e; exact hc e.symm
    · rfl
  cases e with
  | decide q x y =>
    simp only [System.step]; split
    · exact .inl rfl
    split
    · exact .inl rfl
    rename_i k hk _ k' hd
    rcases Classical.em (q = r) with rfl | hq
    · have hp : k'.performed = k.performed ++ [.send x y] := by
        simp only [Memory.decide] at hd; repeat' split at hd
        all_goals try contradiction
        simp only [Option.some.injEq] at hd; rw [← hd]
      exact .inr (.inr (.inr ⟨k, k', _, hk, by simp [System.setClient, System.record], hp, rfl, fun z hz => by
        simp [System.setClient, System.record, hz]⟩))
    · exact .inl (set q _ _ rfl fun e => absurd e hq)
  | consume q x =>
    simp only [System.step]; split
    · exact .inl rfl
    split
    · exact .inl rfl
    rename_i k hk _ y k' hd
    rcases Classical.em (q = r) with rfl | hq
    · have hp : k'.performed = k.performed ++ [.receive x y] := by
        simp only [Memory.consume] at hd; repeat' split at hd
        all_goals try contradiction
        simp only [Option.some.injEq, Prod.mk.injEq] at hd; rw [← hd.2, hd.1]
      exact .inr (.inr (.inr ⟨k, k', _, hk, by simp [System.setClient, System.record], hp, rfl, fun z hz => by
        simp [System.setClient, System.record, hz]⟩))
    · exact .inl (set q _ _ rfl fun e => absurd e hq)
  | sendAct => exact .inl rfl
  | sendAck => exact .inl rfl
  | sendResume => exact .inl rfl
  | reconnect q => exact .inl (set q _ _ rfl fun hq => by subst hq; rfl)
  | disconnect q => exact .inl (set q _ _ rfl fun hq => by subst hq; rfl)
  | forget q =>
    rcases Classical.em (q = r) with rfl | hq
    · exact .inr (.inr (.inl rfl))
    · exact .inl (set q _ _ rfl fun e => absurd e hq)
  | arrive f =>
    simp only [System.step]; split
    · rename_i hf
      cases f with
      | act => exact .inl rfl
      | ack => exact .inl rfl
      | resume => exact .inl rfl
      | ok q n e d =>
        rcases Classical.em (q = r) with rfl | hq
        · simp only [System.handle, System.setClient, if_true, Client.handleOk]; split
          · exact .inl rfl
          split
          · exact .inl rfl
          rename_i hn _
          cases hm : (s.clients q).memory with
          | none =>
            refine .inr (.inl ⟨rfl, _, rfl, ?_⟩)
            have hd := (a.adopt hm n e d (by simpa using hn) (.inl hf)).1
            exact prefix_eq (hs.net _ hf : d <+: _) (by rw [hd]; exact actions_prefix q (kept_prefix _))
          | some m =>
            have hl : ¬m.position < d.length := by
              have h1 := (hs.net _ hf : d <+: _).length_le
              have h2 := ((actions_prefix q (kept_prefix s.server)).trans a.within).length_le
              have h3 := a.memory m hm
              simp only [Memory.position, h3]
              simp only [System.kept] at h1; omega
            simp only [hl, if_false]; exact .inl rfl
        · exact .inl (set q _ _ rfl fun e => absurd e hq)
      | done q n =>
        refine .inl (set q _ _ rfl fun hq => ?_)
        subst hq; simp only [Client.handleDone, Option.map_map]; rfl
      | msg q x n y =>
        refine .inl (set q _ _ rfl fun hq => ?_)
        subst hq; simp only [Client.handleMsg, Option.map_map]
        congr 1; funext m; simp only [Function.comp, Memory.take]; repeat' split
        all_goals rfl
    · exact .inl rfl
  | drop => exact .inl rfl
  | duplicate f => simp only [System.step]; split <;> exact .inl rfl
  | transmit => exact .inl rfl
  | persist => exact .inl rfl
  | restart => exact .inl rfl
  | finish => exact .inl rfl
  | forge f => simp only [System.step]; split <;> exact .inl rfl

/-! ## The run beside -/

/-- What a client has decided fits into channels that hold an outbox more. -/
theorem history_fits {h : List Action} (a : Agree p t r h s) (hs : Sound p s) {m : Memory}
    (hm : (s.clients r).memory = some m) (q : Role) :
    (sentTo q h).length ≤ (receivedFrom r (actions q s.kept)).length + p.capacity r q + t.outbox := by
  have ideal : Ideal p s.kept := ideal_take hs.ideal _
  have h1 := a.outbox m hm
  have h3 := sends_drop_le h (a.acked m hm)
  have h4 := (ideal_lawful ideal).capacity r q
  have h5 : (sentTo q h).length = (sentTo q (actions r s.kept)).length +
      (sentTo q (h.drop (actions r s.kept).length)).length := by
    rw [← List.length_append, ← sentTo_append]
    obtain ⟨k, e⟩ := (actions_prefix r (kept_prefix s.server)).trans a.within
    simp only [System.kept]
    rw [← e, List.drop_left]
  have h6 := sentTo_length_le_sends q (h.drop (actions r s.kept).length)
  simp only [Memory.outstanding, a.memory m hm] at h1
  simp only [edge, List.length_drop] at h4
  omega

theorem kept_within {h : List Action} (a : Agree p t r h s) : actions r s.kept <+: h :=
  (actions_prefix r (kept_prefix _)).trans a.within

theorem Perfect.start (p : Protocol) (t : Settings) (honest : Role → Prop) : Perfect p t honest {} [] :=
  ⟨.start, fun _ _ _ h => (by cases h), fun _ _ => rfl, rfl⟩

/-- Who is not remembered by an honest client. -/
def Unremembered (honest : Role → Prop) (s : System) (r : Role) : Prop :=
  honest r → (s.clients r).memory = none

theorem remembered (h : ¬Unremembered honest s r) : honest r ∧ ∃ m, (s.clients r).memory = some m := by
  simp only [Unremembered, Classical.not_imp] at h
  exact ⟨h.1, Option.ne_none_iff_exists'.1 h.2⟩

theorem Perfect.step {j : Journal} (h : Reachable p t honest s) (b : Perfect p t honest s j)
    (hn : .ended ∉ s.kept) (e : Event) (hu : Unforged honest e)
    (hf : ∀ r, honest r → e = .forget r → s.owed r = 0) :
    ∃ j', Performs (p.roomy t.outbox) j j' ∧ Perfect p t honest (System.step p t s e) j' := by
  have hs := reachable_sound h
  have h' := Reachable.step h hu
  have hs' : Sound p (System.step p t s e) := hs.step e
  generalize hs'e : System.step p t s e = s' at h' hs' ⊢
  have ms : ∀ r, honest r → _ := fun r hr => memory_step (reachable_agree h hr).choose_spec hs e
  simp only [hs'e] at ms
  have grow : s.kept <+: s'.kept := hs'e ▸ kept_grows_step hs e
  rcases Classical.em (∃ r, honest r ∧ ∃ m m' x, (s.clients r).memory = some m ∧
      (s'.clients r).memory = some m' ∧ m'.performed = m.performed ++ [x] ∧ s'.kept = s.kept ∧
      ∀ q, q ≠ r → s'.clients q = s.clients q) with ⟨r, hr, m, m', x, hm, hm', hx, hk, hc⟩ | hno
  · -- A client has done one more action, and so does the run beside.
    obtain ⟨hist, a⟩ := reachable_agree h' hr
    have hh : hist = actions r j ++ [x] := by rw [← a.memory m' hm', hx, b.clients r m hr hm]
    have ahead : ∀ q, actions q s'.kept <+: actions q j := by
      intro q
      rw [hk]
      rcases Classical.em (Unremembered honest s q) with hq | hq
      · rw [b.others q hq]; exact List.prefix_refl _
      · obtain ⟨hq, k, hk⟩ := remembered hq
        obtain ⟨_, aq⟩ := reachable_agree h hq
        rw [b.clients q k hq hk, aq.memory k hk]; exact kept_within aq
    have hd : .ended ∉ j := fun h => hn ((ended_of_rest b.rest).1 h)
    have hst : (stateAfter (p.roomy t.outbox) r (actions r j ++ [x])).isSome := by
      rw [stateAfter_roomy, ← hh]; exact a.follows
    have hp : perform (p.roomy t.outbox) j (.acted r x) = .ok (j ++ [.acted r x]) := by
      cases x with
      | send q y =>
        refine perform_send_ok hd hst ?_
        have h1 := history_fits a hs' hm' q
        have h2 := (receivedFrom_prefix r (ahead q)).length_le
        have h3 := ((ideal_lawful b.ideal).received r q).length_le
        rw [hh, sentTo_append] at h1
        simp only [sentTo, if_true, List.length_append, List.length_singleton] at h1
        simp only [edge, List.length_drop, Protocol.roomy]; omega
      | receive q y =>
        refine perform_receive_ok hd hst (drop_head.2 ?_)
        have h1 := (a.seen q).trans (sentTo_prefix r (ahead q))
        rw [hh, receivedFrom_append] at h1; simp only [receivedFrom, if_true] at h1
        exact prefix_getElem? h1 (by simp)
    refine ⟨_, .step hp (.refl _), .step b.ideal hp, fun q k hq hk' => ?_, fun q hq => ?_, ?_⟩
    · rw [actions_acted]; split
      · rename_i e; subst e
        rw [hm'] at hk'; cases hk'
        rw [hx, b.clients r m hr hm]
      · rename_i e
        rw [hc q (Ne.symm e)] at hk'; exact b.clients q k hq hk'
    · have e : r ≠ q := fun e => by subst e; rw [hq hr] at hm'; cases hm'
      rw [actions_acted, if_neg e, hk]
      exact b.others q (by rw [← hc q (Ne.symm e)]; exact hq)
    · rw [List.filter_append, b.rest, hk]; simp [Record.isAction]
  · -- The network, the disk and the machine's end.
    have same : ∀ r, ¬Unremembered honest s r → ∃ m, (s.clients r).memory = some m ∧ honest r ∧
        ((s'.clients r).memory.map (·.performed) = some m.performed ∨
          ((s'.clients r).memory = none ∧ e = .forget r ∧ s'.kept = s.kept)) := by
      intro r hr
      obtain ⟨hr, m, hm⟩ := remembered hr
      refine ⟨m, hm, hr, ?_⟩
      rcases ms r hr with h1 | ⟨h1, _⟩ | h1 | ⟨k, k', x, h1⟩
      · exact .inl (by rw [h1, hm]; rfl)
      · rw [hm] at h1; cases h1
      · subst h1; subst hs'e
        exact .inr ⟨by simp [System.step, System.setClient], rfl, rfl⟩
      · exact absurd ⟨r, hr, k, k', x, h1⟩ hno
    have beside : Beside p t.outbox (Unremembered honest s) s.kept j := by
      refine ⟨b.ideal, fun r => ?_, b.others, b.rest⟩
      rcases Classical.em (Unremembered honest s r) with hr | hr
      · rw [b.others r hr]; exact List.prefix_refl _
      · obtain ⟨hr, m, hm⟩ := remembered hr
        obtain ⟨_, ar⟩ := reachable_agree h hr
        rw [b.clients r m hr hm, ar.memory m hm]; exact kept_within ar
    obtain ⟨xs, hxs⟩ := grow
    obtain ⟨j', h1, h2, h3⟩ := beside.grows xs (by rw [hxs]; exact ideal_take hs'.ideal _) fun r hr => by
      rw [hxs]
      obtain ⟨m, hm, hr', h1 | ⟨_, _, h1⟩⟩ := same r hr
      · obtain ⟨m', hm', he⟩ := Option.map_eq_some_iff.1 h1
        obtain ⟨_, ar⟩ := reachable_agree h' hr'
        rw [b.clients r m hr' hm, ← he, ar.memory m' hm']; exact kept_within ar
      · rw [h1]; exact beside.ahead r
    rw [hxs] at h2
    refine ⟨j', h1, h2.ideal, fun r m' hr hm' => ?_, fun r hr => ?_, h2.rest⟩
    · rcases Classical.em (Unremembered honest s r) with hu | hu
      · rcases ms r hr with k1 | ⟨_, k, k1, k2⟩ | k1 | ⟨k, k', x, k1, _⟩
        · rw [hm', hu hr] at k1; cases k1
        · rw [hm'] at k1; cases k1; rw [h2.others r hu, k2]
        · subst k1; subst hs'e; simp [System.step, System.setClient] at hm'
        · rw [hu hr] at k1; cases k1
      · obtain ⟨m, hm, _, k1 | ⟨k1, _⟩⟩ := same r hu
        · rw [hm'] at k1; simp only [Option.map_some, Option.some.injEq] at k1
          rw [h3 r hu, b.clients r m hr hm, k1]
        · rw [hm'] at k1; cases k1
    · rcases Classical.em (Unremembered honest s r) with hu | hu
      · exact h2.others r hu
      · obtain ⟨m, hm, hr', k1 | ⟨_, k1, k2⟩⟩ := same r hu
        · rw [hr hr'] at k1; cases k1
        · have h0 := hf r hr' k1
          obtain ⟨_, ar⟩ := reachable_agree h hr'
          have hw := kept_within ar
          rw [h3 r hu, b.clients r m hr' hm, k2]
          rw [← ar.memory m hm] at hw
          simp only [System.owed, hm, Memory.position] at h0
          exact (hw.eq_of_length (Nat.le_antisymm hw.length_le (by omega))).symm

/-! ## There always is one -/

theorem actions_calm {xs : Journal} (h : ∀ x ∈ xs, x.isAction = false) (r : Role) : actions r xs = [] := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    have ih := ih fun y hy => h y (.tail _ hy)
    cases x with
    | acted => have := h _ (.head _); cases this
    | attached => exact ih
    | ended => exact ih

theorem ideal_calm {j : Journal} (hj : Ideal p j) : ∀ (xs : Journal), (∀ x ∈ xs, x.isAction = false) →
    Ideal p (j ++ xs)
  | [], _ => by simpa using hj
  | x :: xs, h => by
    have hx : perform p j x = .ok (j ++ [x]) := by
      cases x with
      | acted => have := h _ (.head _); cases this
      | attached => rfl
      | ended => rfl
    have := ideal_calm (.step hj hx) xs fun y hy => h y (.tail _ hy)
    simpa using this

/-- Behind the end nothing is done. -/
theorem before_end {k : Journal} (h : Ideal p k) :
    ∃ k' xs, k = k' ++ xs ∧ .ended ∉ k' ∧ (∀ x ∈ xs, x.isAction = false) ∧ (.ended ∉ k → xs = []) := by
  induction h with
  | start => exact ⟨[], [], rfl, by simp, by simp, fun _ => rfl⟩
  | @step j j' x _ hs ih =>
    have e := perform_append hs
    obtain ⟨k', xs, rfl, hk, hx, _⟩ := ih
    rcases Classical.em (.ended ∈ k' ++ xs) with he | he
    · refine ⟨k', xs ++ [x], by rw [e, List.append_assoc], hk, fun y hy => ?_,
        fun h => absurd (e ▸ List.mem_append.2 (.inl he)) h⟩
      rcases List.mem_append.1 hy with hy | hy
      · exact hx y hy
      · rw [List.mem_singleton.1 hy]
        cases x with
        | acted r a =>
          cases a with
          | send => exact absurd he (perform_send hs).1
          | receive => exact absurd he (perform_receive hs).1
        | attached => rfl
        | ended => rfl
    · rcases Classical.em (x = .ended) with rfl | hne
      · exact ⟨k' ++ xs, [.ended], e, he, by simp [Record.isAction], fun h => absurd (e ▸ by simp) h⟩
      · refine ⟨j', [], by simp, ?_, by simp, fun _ => rfl⟩
        rw [e, List.mem_append, List.mem_singleton]
        rintro (h | h)
        · exact he h
        · exact hne h.symm

theorem Perfect.exists (h : Reachable p t honest s) (rs : List Role) (hrs : ∀ r, honest r → r ∈ rs) :
    ∃ j, Perfect p t honest s j ∧ s.kept.Sublist j ∧ (.ended ∉ s.kept → s.kept <+: j) := by
  have hs := reachable_sound h
  have ideal : Ideal p s.kept := ideal_take hs.ideal _
  have lawful := ideal_lawful ideal
  have choice : ∀ r, ∃ l : List Action, (Unremembered honest s r → l = actions r s.kept) ∧
      (∀ m, honest r → (s.clients r).memory = some m → l = m.performed) ∧ (stateAfter p r l).isSome ∧
      actions r s.kept <+: l ∧ (∀ q, receivedFrom q l <+: sentTo r (actions q s.kept)) ∧
      ∀ q, (sentTo q l).length ≤ (receivedFrom r (actions q s.kept)).length + p.capacity r q + t.outbox := by
    intro r
    rcases Classical.em (Unremembered honest s r) with hr | hr
    · refine ⟨actions r s.kept, fun _ => rfl, fun m h1 h2 => (by rw [hr h1] at h2; cases h2),
        lawful.follows r, List.prefix_refl _, fun q => lawful.received q r, fun q => ?_⟩
      have := lawful.capacity r q
      simp only [edge, List.length_drop] at this; omega
    · have hu := hr
      obtain ⟨hr, m, hm⟩ := remembered hr
      obtain ⟨hist, a⟩ := reachable_agree h hr
      refine ⟨hist, fun h => absurd h hu, fun m' _ hm' => (a.memory m' hm').symm, a.follows,
        kept_within a, a.seen, history_fits a hs hm⟩
  obtain ⟨hist, hh⟩ := Classical.axiomOfChoice choice
  obtain ⟨k, xs, hk, hd, hx, hnil⟩ := before_end ideal
  have acts : ∀ r, actions r k = actions r s.kept := fun r => by
    rw [hk, actions_append, actions_calm hx, List.append_nil]
  have ideal' : Ideal (p.roomy t.outbox) (catchUpAll hist rs k) := by
    refine catchUpAll_ideal rs k (ideal_roomy (ideal_prefix ideal (hk ▸ List.prefix_append k xs)) _) hd
      (fun r _ => ?_) (fun r _ => ?_) (fun r _ q => ?_) fun r _ q => ?_
    · rw [stateAfter_roomy]; exact (hh r).2.2.1
    · rw [acts]; exact (hh r).2.2.2.1
    · rw [acts]; exact (hh r).2.2.2.2.1 q
    · rw [acts]; have := (hh r).2.2.2.2.2 q; simp only [Protocol.roomy]; omega
  have done : ∀ r, actions r (catchUpAll hist rs k ++ xs) = actions r (catchUpAll hist rs k) := fun r => by
    rw [actions_append, actions_calm hx, List.append_nil]
  have self : ∀ r ∈ rs, actions r (catchUpAll hist rs k ++ xs) = hist r := fun r hr => by
    rw [done, catchUpAll_self hist hr k (by rw [acts]; exact (hh r).2.2.2.1)]
  have grows := catchUpAll_grows hist rs k
  refine ⟨catchUpAll hist rs k ++ xs, ⟨ideal_calm ideal' xs hx, fun r m hr hm => ?_, fun r hr => ?_, ?_⟩, ?_, fun hn => ?_⟩
  · rw [self r (hrs r hr)]; exact (hh r).2.1 m hr hm
  · rcases Classical.em (r ∈ rs) with h1 | h1
    · rw [self r h1]; exact (hh r).1 hr
    · rw [done, catchUpAll_other hist h1, acts]
  · have calm : ∀ (rs : List Role) (j : Journal),
        (catchUpAll hist rs j).filter (!·.isAction) = j.filter (!·.isAction) := by
      intro rs
      induction rs with
      | nil => intro j; rfl
      | cons r rs ih =>
        intro j
        have : ((hist r).drop (actions r j).length |>.map (Record.acted r)).filter (!·.isAction) = [] := by
          refine List.filter_eq_nil_iff.2 fun x hx => ?_
          obtain ⟨a, _, rfl⟩ := List.mem_map.1 hx
          simp [Record.isAction]
        rw [catchUpAll, ih, catchUp, List.filter_append, this, List.append_nil]
    rw [List.filter_append, calm, hk, List.filter_append]
  · rw [hk]; exact grows.sublist.append (List.Sublist.refl xs)
  · rw [hk, hnil hn, List.append_nil, List.append_nil]; exact grows

end

end Antiphon.Resume
