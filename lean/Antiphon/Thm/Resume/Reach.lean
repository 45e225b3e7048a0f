import Antiphon.Thm.Resume.AgreeServer
/-!
# The invariants are kept by everything that happens

`reachable_sound`, and `reachable_agree` for the roles whose clients follow their rules.
-/

namespace Antiphon.Resume

section

variable {p : Protocol} {t : Settings} {r : Role} {h : List Action} {s : System}

theorem handle_net (p : Protocol) (t : Settings) (s : System) (l : List Frame) (f : Frame) :
    System.handle p t { s with net := l } f = { System.handle p t s f with net := l } := by
  cases f <;> rfl

theorem handle_keeps_net (p : Protocol) (t : Settings) (s : System) (f : Frame) :
    (System.handle p t s f).net = s.net := by cases f <;> rfl

theorem Sound.handle (hs : Sound p s) (f : Frame) : Sound p (System.handle p t s f) := by
  cases f with
  | act q e n x m => exact hs.acted (Server.handleAct_acted (h := ⟨q, n, x, m⟩))
  | ack q e n => exact hs.acted Server.handleAck_acted
  | resume q n k => exact hs.resume q n k
  | ok => exact hs.setClient
  | done => exact hs.setClient
  | msg => exact hs.setClient

theorem Agree.handle (a : Agree p t r h s) (hs : Sound p s) {f : Frame} (hf : f ∈ s.net) :
    ∃ h, Agree p t r h (System.handle p t s f) := by
  have hd := hs.durable
  have hh := hs.net f hf
  have hi : s.inFlight f := .inl hf
  cases f with
  | act q e n x m =>
    by_cases hq : q = r
    · subst hq; exact ⟨h, a.handleAct hd hi⟩
    · exact ⟨h, a.calm (.acted hd (Server.handleAct_acted (h := ⟨q, n, x, m⟩)) (Ne.symm hq))⟩
  | ack q e n =>
    by_cases hq : q = r
    · subst hq; exact ⟨h, a.handleAck hd hi⟩
    · exact ⟨h, a.calm (.acted hd Server.handleAck_acted (Ne.symm hq))⟩
  | resume q n k =>
    by_cases hq : q = r
    · subst hq; exact a.handleResume hd hi
    · exact ⟨h, a.calm (.resume hq hd n k)⟩
  | ok q n e d =>
    by_cases hq : q = r
    · subst hq; exact a.handleOk hi hh
    · exact ⟨h, a.calm (.client' hq)⟩
  | done q n =>
    by_cases hq : q = r
    · subst hq; exact ⟨h, a.handleDone hh⟩
    · exact ⟨h, a.calm (.client' hq)⟩
  | msg q x n m =>
    by_cases hq : q = r
    · subst hq; exact ⟨h, a.handleMsg hh⟩
    · exact ⟨h, a.calm (.client' hq)⟩

theorem Sound.post (hs : Sound p s) {o : Option Frame} (ho : ∀ f, o = some f → f.sender.isSome) :
    Sound p (s.post o) :=
  hs.netSubset fun f hf => by
    rcases List.mem_append.1 hf with hf | hf
    · have := ho f (by simpa using hf)
      refine .inr ?_
      cases f <;> simp_all [Frame.sender, Holds]
    · exact .inl hf

theorem act_sender {c : Client} {q : Role} {n : Nat} {f : Frame} (h : c.act q n = some f) :
    f.sender = some q := by
  obtain ⟨_, _, _, _, _, _, _, _, rfl⟩ := act_some h; rfl

theorem ack_sender {c : Client} {q : Role} {n : Nat} {f : Frame} (h : c.ack q n = some f) :
    f.sender = some q := by obtain ⟨_, _, _, _, _, rfl⟩ := ack_some h; rfl

theorem resume_sender {c : Client} {q : Role} {f : Frame} (h : c.resume q = some f) :
    f.sender = some q := by
  simp only [Client.resume, Option.map_eq_some_iff] at h
  obtain ⟨n, _, rfl⟩ := h; rfl

theorem about_sender {f : Frame} {q : Role} (h : f.sender = some q) (ha : f.about r) : q = r := by
  cases f <;> simp_all [Frame.sender, Frame.about]

/-- What the client of another role, or somebody under the name of another role, sends. -/
theorem Calm.post {q : Role} (hq : q ≠ r) {o : Option Frame} (ho : ∀ f, o = some f → f.sender = some q) :
    Calm r s (s.post o) :=
  .net fun f hf hr => by
    rcases List.mem_append.1 hf with hf | hf
    · exact absurd (about_sender (ho f (by simpa using hf)) hr) hq
    · exact hf

theorem Calm.record (r : Role) (s : System) (q : Role) (n : Nat) (a : Action) :
    Calm r s (s.record q n a) := { Calm.refl r s with story := fun _ h => .tail _ h }

theorem Calm.trans {s' s'' : System} (c : Calm r s s') (d : Calm r s' s'') : Calm r s s'' where
  client := d.client.trans c.client
  actions := d.actions.trans c.actions
  kept := c.kept.trans d.kept
  epochs := d.epochs.trans c.epochs
  epochNext := Nat.le_trans c.epochNext d.epochNext
  attemptNext := Nat.le_trans c.attemptNext d.attemptNext
  held g hg hr := c.held g (d.held g hg hr) hr
  inFlight f hf hr := c.inFlight f (d.inFlight f hf hr) hr
  story x hx := d.story x (c.story x hx)

theorem Sound.step (hs : Sound p s) (e : Event) : Sound p (System.step p t s e) := by
  cases e with
  | decide q x m =>
    simp only [System.step]; repeat' split
    · exact hs
    · exact hs
    · exact ⟨hs.ideal, hs.durable, hs.net, hs.gated⟩
  | consume q x =>
    simp only [System.step]; repeat' split
    · exact hs
    · exact hs
    · exact ⟨hs.ideal, hs.durable, hs.net, hs.gated⟩
  | sendAct q n => exact hs.post fun f hf => by rw [act_sender hf]; rfl
  | sendAck q n => exact hs.post fun f hf => by rw [ack_sender hf]; rfl
  | sendResume q => exact hs.post fun f hf => by rw [resume_sender hf]; rfl
  | reconnect q => exact ⟨hs.ideal, hs.durable, hs.net, hs.gated⟩
  | disconnect q => exact hs.setClient
  | forget q => exact hs.setClient
  | arrive f =>
    simp only [System.step]; split
    · rw [handle_net]
      refine (hs.handle f).netSubset fun g hg => .inl ?_
      rw [handle_keeps_net]; exact List.mem_of_mem_erase hg
    · exact hs
  | drop f => exact hs.netSubset fun g hg => .inl (List.mem_of_mem_erase hg)
  | duplicate f =>
    simp only [System.step]; split
    · exact hs.netSubset fun g hg => .inl (by rcases List.mem_cons.1 hg with rfl | hg <;> assumption)
    · exact hs
  | transmit q x n => exact hs.transmit q x n
  | persist n => exact hs.persist n
  | restart => exact hs.restart
  | finish => exact hs.appended (x := .ended) rfl rfl rfl fun _ h => .inl h
  | forge f =>
    simp only [System.step]; split
    · refine hs.netSubset fun g hg => ?_
      rcases List.mem_cons.1 hg with rfl | hg
      · refine .inr ?_
        rename_i hf; cases g <;> simp_all [Frame.sender, Holds]
      · exact .inl hg
    · exact hs

theorem Agree.step {honest : Role → Prop} (a : Agree p t r h s) (hs : Sound p s) (hr : honest r)
    {e : Event} (he : Unforged honest e) : ∃ h, Agree p t r h (System.step p t s e) := by
  cases e with
  | decide q x m =>
    simp only [System.step]; repeat' split
    · exact ⟨h, a⟩
    · exact ⟨h, a⟩
    · rename_i hm _ _ hd
      by_cases hq : q = r
      · subst hq; exact ⟨_, a.decide hm hd⟩
      · exact ⟨h, a.calm ((Calm.client' hq).trans (.record r _ _ _ _))⟩
  | consume q x =>
    simp only [System.step]; repeat' split
    · exact ⟨h, a⟩
    · exact ⟨h, a⟩
    · rename_i hm _ _ _ hd
      by_cases hq : q = r
      · subst hq; exact ⟨_, a.consume hm hd⟩
      · exact ⟨h, a.calm ((Calm.client' hq).trans (.record r _ _ _ _))⟩
  | sendAct q n =>
    by_cases hq : q = r
    · subst hq; exact ⟨h, a.sendAct n⟩
    · exact ⟨h, a.calm (.post hq fun f hf => act_sender hf)⟩
  | sendAck q n =>
    by_cases hq : q = r
    · subst hq; exact ⟨h, a.sendAck n⟩
    · exact ⟨h, a.calm (.post hq fun f hf => ack_sender hf)⟩
  | sendResume q =>
    by_cases hq : q = r
    · subst hq; exact ⟨h, a.sendResume⟩
    · exact ⟨h, a.calm (.post hq fun f hf => resume_sender hf)⟩
  | reconnect q =>
    by_cases hq : q = r
    · subst hq
      refine ⟨h, a.client (Nat.le_succ _) (fun _ h => h) (fun _ h => by cases h) (fun n hn => ?_) ?_⟩
      · simp only [Client.reconnect, Option.some.injEq] at hn; omega
      · intro _ n e d hn hf
        simp only [Client.reconnect, Option.some.injEq] at hn
        have := (a.claims _ hf rfl).1; omega
    · exact ⟨h, a.calm ((Calm.client' hq).trans { Calm.refl r _ with attemptNext := Nat.le_succ _ })⟩
  | disconnect q =>
    by_cases hq : q = r
    · subst hq
      exact ⟨h, a.client (Nat.le_refl _) (fun _ h => h) (fun _ h => by cases h)
        (fun _ h => by cases h) (fun _ _ _ _ h => by cases h)⟩
    · exact ⟨h, a.calm (.client' hq)⟩
  | forget q =>
    by_cases hq : q = r
    · subst hq
      exact ⟨h, a.client (Nat.le_refl _) (fun _ h => by cases h) (fun _ h => by cases h)
        (fun _ h => by cases h) (fun _ _ _ _ h => by cases h)⟩
    · exact ⟨h, a.calm (.client' hq)⟩
  | arrive f =>
    simp only [System.step]; split
    · rename_i hf
      rw [handle_net]
      obtain ⟨h, a⟩ := a.handle hs hf
      refine ⟨h, a.calm (.net fun g hg _ => ?_)⟩
      rw [handle_keeps_net]; exact List.mem_of_mem_erase hg
    · exact ⟨h, a⟩
  | drop f => exact ⟨h, a.calm (.net fun g hg _ => List.mem_of_mem_erase hg)⟩
  | duplicate f =>
    simp only [System.step]; split
    · exact ⟨h, a.calm (.net fun g hg _ => by rcases List.mem_cons.1 hg with rfl | hg <;> assumption)⟩
    · exact ⟨h, a⟩
  | transmit q x n => exact ⟨h, a.calm (.transmit r s q x n)⟩
  | persist n => exact ⟨h, a.calm (.persist r s n)⟩
  | restart => exact ⟨h, a.restart hs⟩
  | finish => exact ⟨h, a.calm (.finish r s hs.durable)⟩
  | forge f =>
    simp only [System.step]; split
    · rename_i hf
      obtain ⟨q, hq⟩ := Option.isSome_iff_exists.1 hf
      refine ⟨h, a.calm (.net fun g hg ha => ?_)⟩
      rcases List.mem_cons.1 hg with rfl | hg
      · exact absurd (about_sender hq ha ▸ hr) (he _ q rfl hq)
      · exact hg
    · exact ⟨h, a⟩

end

theorem agree_start (p : Protocol) (t : Settings) (r : Role) : Agree p t r [] {} where
  follows := rfl
  seen _ := List.nil_prefix
  within := List.prefix_refl _
  held _ h := by cases h
  claims f hf := by rcases hf with h | ⟨_, h⟩ <;> cases h
  epoch _ h := by cases h
  attached _ h := by cases h
  attempt _ h := by cases h
  memory _ h := by cases h
  acked _ h := by cases h
  outbox _ h := by cases h
  inbox _ h := by cases h
  adopt _ _ _ _ h := by cases h
  story n a h := by simp at h

theorem reachable_sound {p : Protocol} {t : Settings} {honest : Role → Prop} {s : System}
    (h : Reachable p t honest s) : Sound p s := by
  induction h with
  | start => exact ⟨.start, Nat.le_refl _, fun _ h => (by cases h), fun _ h => (by cases h)⟩
  | step _ _ ih => exact ih.step _

/-- A role whose client follows its rules has one history, and the machine is within it. -/
theorem reachable_agree {p : Protocol} {t : Settings} {honest : Role → Prop} {s : System}
    (h : Reachable p t honest s) {r : Role} (hr : honest r) : ∃ h, Agree p t r h s := by
  induction h with
  | start => exact ⟨[], agree_start p t r⟩
  | step hs he ih => obtain ⟨_, a⟩ := ih; exact a.step (reachable_sound hs) hr he

end Antiphon.Resume
