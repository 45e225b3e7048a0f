import Antiphon.Thm.Resume.AgreeClient
/-!
# The invariants are kept by the machine's end

One lemma for each thing that happens there, for the role that it concerns and for the others.
-/

namespace Antiphon.Resume

section

variable {p : Protocol} {t : Settings} {r : Role} {h : List Action} {s : System}

theorem Agree.acted (a : Agree p t r h s) {s' : Server}
    (hd : s.server.durable ≤ s.server.journal.length) (c : Acted p r s.server s')
    (f : Server.Follows p r h s') (hq : ¬Idle s r) : Agree p t r h { s with server := s' } := by
  have hk : System.kept { s with server := s' } = s.kept := c.kept hd
  have hin : ∀ f q, System.inFlight { s with server := s' } f → f.about q → s.inFlight f := by
    intro f q hf hr
    rcases hf with hf | ⟨k, hf⟩
    · exact .inl hf
    · rcases c.gated _ hf with hf | ⟨_, _, hf⟩
      · exact .inr ⟨k, hf⟩
      · exact absurd hr (hf q)
  exact {
    follows := f.follows
    seen := by rw [hk]; exact a.seen
    within := f.within
    held := f.held
    claims := fun f hf hr => by
      have hc := a.claims f (hin f r hf hr) hr
      cases f <;> simp only [Claim] at * <;> (try rw [hk]) <;>
        (try simp only [c.epochs, c.epochNext]) <;> exact hc
    epoch := by simp only [c.epochs, c.epochNext]; exact a.epoch
    attached := by simp only [c.epochNext]; exact a.attached
    attempt := a.attempt
    memory := a.memory
    acked := by rw [hk]; exact a.acked
    outbox := a.outbox
    inbox := by rw [hk]; exact a.inbox
    adopt := fun hm n e d hn hf => absurd (a.adopt hm n e d hn (hin _ r hf rfl)).2 hq
    story := a.story }

theorem Agree.handleAct (a : Agree p t r h s) (hd : s.server.durable ≤ s.server.journal.length)
    {e : Nat} {n : Nat} {q : Role} {x : Message} (hf : s.inFlight (.act r e n q x)) :
    Agree p t r h { s with server := s.server.handleAct p t e ⟨r, n, q, x⟩ } := by
  by_cases he : s.server.epochs r = some e
  · exact a.acted hd (Server.handleAct_acted (h := ⟨r, n, q, x⟩))
      (Server.handleAct_follows (g := ⟨r, n, q, x⟩) a.followsServer (a.claims _ hf rfl).2)
      fun i => i.acts e n q x hf he
  · have : s.server.handleAct p t e ⟨r, n, q, x⟩ = s.server := by simp [Server.handleAct, he]
    rw [this]; exact a

theorem Agree.handleAck (a : Agree p t r h s) (hd : s.server.durable ≤ s.server.journal.length)
    {e : Nat} {n : Nat} (hf : s.inFlight (.ack r e n)) :
    Agree p t r h { s with server := s.server.handleAck p r e n } := by
  by_cases he : s.server.epochs r = some e
  · exact a.acted hd Server.handleAck_acted
      (Server.handleAck_follows a.followsServer (a.claims _ hf rfl).2) fun i => i.acks e n hf he
  · have : s.server.handleAck p r e n = s.server := by simp [Server.handleAck, he]
    rw [this]; exact a

theorem actions_attached (q : Role) (j : Journal) (r : Role) (e : Nat) :
    actions q (j ++ [.attached r e]) = actions q j := by rw [actions_append]; simp [actions]

theorem Agree.handleResume (a : Agree p t r h s) (hd : s.server.durable ≤ s.server.journal.length)
    {n : Nat} {k : Option Nat} (hf : s.inFlight (.resume r n k)) :
    ∃ h, Agree p t r h { s with server := s.server.handleResume r n k } := by
  simp only [Server.handleResume]; split
  · exact ⟨h, a⟩
  have hkept : (s.server.journal ++ [Record.attached r s.server.epochNext]).take s.server.durable
      = s.server.journal.take s.server.durable := List.take_append_of_le_length hd
  have hn := (a.claims _ hf rfl).1
  -- What is under way for the attachments so far is stale.
  have old : ∀ {e : Nat}, e < s.server.epochNext → some s.server.epochNext ≠ some e := by
    intro e he heq; simp at heq; omega
  have key : ∀ h', h' <+: h → actions r s.server.journal <+: h' →
      (∀ m, (s.clients r).memory = some m → m.performed = h') →
      Agree p t r h' { s with server :=
        { s.server with
          journal := s.server.journal ++ [.attached r s.server.epochNext]
          epochs := fun q => if q = r then some s.server.epochNext else s.server.epochs q
          epochNext := s.server.epochNext + 1
          held := s.server.held.filter fun g => g.role ≠ r
          gated := s.server.gated ++ [(s.server.journal.length + 1,
            .ok r n s.server.epochNext (actions r s.server.journal))] } } := by
    intro h' hw hw' hm'
    have hin : ∀ f, System.inFlight { s with server :=
        { s.server with
          journal := s.server.journal ++ [.attached r s.server.epochNext]
          epochs := fun q => if q = r then some s.server.epochNext else s.server.epochs q
          epochNext := s.server.epochNext + 1
          held := s.server.held.filter fun g => g.role ≠ r
          gated := s.server.gated ++ [(s.server.journal.length + 1,
            .ok r n s.server.epochNext (actions r s.server.journal))] } } f →
        s.inFlight f ∨ f = .ok r n s.server.epochNext (actions r s.server.journal) := by
      intro f hf
      rcases hf with hf | ⟨k, hf⟩
      · exact .inl (.inl hf)
      · rcases List.mem_append.1 hf with hf | hf
        · exact .inl (.inr ⟨k, hf⟩)
        · simp only [List.mem_singleton, Prod.mk.injEq] at hf; exact .inr hf.2
    exact {
      follows := stateAfter_prefix hw a.follows
      seen := fun q => by
        simp only [System.kept, Server.kept, hkept]
        exact (receivedFrom_prefix q hw).trans (a.seen q)
      within := by simp only [actions_attached]; exact hw'
      held := fun g hg hr => by
        have := (List.mem_filter.1 hg).2; simp at this; exact absurd hr this
      claims := fun f hf hr => by
        rcases hin f hf with hf | rfl
        · have hc := a.claims f hf hr
          cases f <;> simp only [Claim, if_true] at *
          · exact ⟨by omega, fun he => absurd he (old hc.1)⟩
          · exact ⟨by omega, fun he => absurd he (old hc.1)⟩
          · simp only [System.kept, Server.kept, hkept]; exact hc
          · exact ⟨hc.1, by omega⟩
        · exact ⟨hn, Nat.lt_succ_self _⟩
      epoch := fun e he => by simp at he; subst he; exact Nat.lt_succ_self _
      attached := fun e he => Nat.lt_succ_of_lt (a.attached e he)
      attempt := a.attempt
      memory := hm'
      acked := by simp only [System.kept, Server.kept, hkept]; exact a.acked
      outbox := a.outbox
      inbox := by simp only [System.kept, Server.kept, hkept]; exact a.inbox
      adopt := fun hm k e d hk hf => by
        refine ⟨?_, fun e n q x hf he => ?_, fun e n hf he => ?_, fun g hg => ?_⟩
        · simp only [actions_attached]
          rcases hin _ hf with hf | hf
          · exact (a.adopt hm k e d hk hf).1
          · simp only [Frame.ok.injEq] at hf; exact hf.2.2.2
        · rcases hin _ hf with hf | hf
          · exact old (a.claims _ hf rfl).1 (by simpa using he)
          · cases hf
        · rcases hin _ hf with hf | hf
          · exact old (a.claims _ hf rfl).1 (by simpa using he)
          · cases hf
        · simpa using (List.mem_filter.1 hg).2
      story := fun n x hx => a.story n x (prefix_getElem? hw hx) }
  cases hm : (s.clients r).memory with
  | none =>
    exact ⟨_, key _ a.within (List.prefix_refl _) fun m h => by rw [hm] at h; cases h⟩
  | some m => exact ⟨_, key h (List.prefix_refl _) a.within a.memory⟩

theorem Agree.restart (a : Agree p t r h s) (hs : Sound p s) :
    Agree p t r h { s with server := s.server.restarted } := by
  have hk : System.kept { s with server := s.server.restarted } = s.kept := by
    simp [System.kept, Server.kept, Server.restarted, List.take_take]
  have hw : actions r s.kept <+: actions r s.server.journal := actions_prefix r (kept_prefix _)
  have hin : ∀ f, System.inFlight { s with server := s.server.restarted } f → f ∈ s.net := by
    intro f hf
    rcases hf with hf | ⟨_, hf⟩
    · exact hf
    · cases hf
  exact {
    follows := a.follows
    seen := by rw [hk]; exact a.seen
    within := hw.trans a.within
    held := fun g hg => by cases hg
    claims := fun f hf hr => by
      have hc := a.claims f (.inl (hin f hf)) hr
      cases f <;> simp only [Claim] at *
      · exact ⟨hc.1, fun he => by cases he⟩
      · exact ⟨hc.1, fun he => by cases he⟩
      · rw [hk]; exact hc
      · exact hc
    epoch := fun e he => by cases he
    attached := a.attached
    attempt := a.attempt
    memory := a.memory
    acked := by rw [hk]; exact a.acked
    outbox := a.outbox
    inbox := by rw [hk]; exact a.inbox
    adopt := fun hm n e d hn hf => by
      have hd := (a.adopt hm n e d hn (.inl (hin _ hf))).1
      refine ⟨prefix_eq (hs.net _ (hin _ hf)) (hd ▸ hw), fun _ _ _ _ _ he => (by cases he),
        fun _ _ _ he => (by cases he), fun g hg => (by cases hg)⟩
    story := a.story }

theorem Calm.persist (r : Role) (s : System) (n : Nat) :
    Calm r s { s with server := (s.server.persisted n).ungated,
                      net := (s.server.persisted n).released ++ s.net } :=
  { Calm.refl r s with
    kept := persisted_kept s.server n
    inFlight := fun f hf _ => by
      rcases hf with hf | ⟨k, hf⟩
      · rcases List.mem_append.1 hf with hf | hf
        · obtain ⟨g, hg, rfl⟩ := List.mem_map.1 hf
          exact .inr ⟨g.1, (List.mem_filter.1 hg).1⟩
        · exact .inl hf
      · exact .inr ⟨k, (List.mem_filter.1 hf).1⟩ }

theorem Calm.transmit (r : Role) (s : System) (q q' : Role) (n : Nat) :
    Calm r s { s with server := s.server.transmit q q' n } := by
  rw [transmit_rest]
  exact { Calm.refl r s with
    inFlight := fun f hf hr => by
      rcases hf with hf | ⟨k, hf⟩
      · exact .inl hf
      · rcases transmit_gated hf with hf | ⟨x, hf, _⟩
        · exact .inr ⟨k, hf⟩
        · simp only [Prod.mk.injEq] at hf; rw [hf.2] at hr; exact hr.elim }

theorem Calm.appended (r : Role) {s : System} {s' : Server} {x : Record}
    (hx : Resume.actions r [x] = [])
    (hd : s.server.durable ≤ s.server.journal.length) (hd' : s'.durable = s.server.durable)
    (hj : s'.journal = s.server.journal ++ [x]) (he : s'.epochs r = s.server.epochs r)
    (hn : s.server.epochNext ≤ s'.epochNext) (hh : ∀ g ∈ s'.held, g ∈ s.server.held)
    (hg : ∀ g ∈ s'.gated, g ∈ s.server.gated ∨ ¬g.2.about r) :
    Calm r s { s with server := s' } :=
  { Calm.refl r s with
    actions := by simp only [hj]; rw [actions_append, hx, List.append_nil]
    kept := by
      simp only [System.kept, Server.kept, hj, hd', List.take_append_of_le_length hd]
      exact List.prefix_refl _
    epochs := he
    epochNext := hn
    held := fun g h _ => hh g h
    inFlight := fun f hf hr => by
      rcases hf with hf | ⟨k, hf⟩
      · exact .inl hf
      · rcases hg _ hf with hf | hf
        · exact .inr ⟨k, hf⟩
        · exact absurd hr hf }

theorem Calm.resume {q : Role} (hq : q ≠ r) (hd : s.server.durable ≤ s.server.journal.length)
    (n : Nat) (k : Option Nat) :
    Calm r s { s with server := s.server.handleResume q n k } := by
  simp only [Server.handleResume]; split
  · exact .refl r s
  · refine .appended r (x := .attached q s.server.epochNext) rfl hd rfl rfl ?_ (Nat.le_succ _)
      (fun g hg => (List.mem_filter.1 hg).1) fun g hg => ?_
    · simp [Ne.symm hq]
    · rcases List.mem_append.1 hg with hg | hg
      · exact .inl hg
      · simp only [List.mem_singleton] at hg; subst hg; exact .inr hq

theorem Calm.finish (r : Role) (s : System) (hd : s.server.durable ≤ s.server.journal.length) :
    Calm r s { s with server := s.server.finish } :=
  .appended r (x := .ended) rfl hd rfl rfl rfl (Nat.le_refl _) (fun _ h => h) fun _ h => .inl h

end

end Antiphon.Resume
