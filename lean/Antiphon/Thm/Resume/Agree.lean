import Antiphon.Thm.Resume.Server
/-!
# The invariants of the link

`Sound`: the journal is one of perfect channels, and what the machine says is true of what is kept.
`Agree`: for a role whose client follows its rules there is one history, the client's own as long as
it remembers; the machine is always within it, and whatever is under way for the live attachment
claims nothing else.
-/

namespace Antiphon.Resume

structure Sound (p : Protocol) (s : System) : Prop where
  ideal : Ideal p s.server.journal
  durable : s.server.durable ≤ s.server.journal.length
  net : ∀ f ∈ s.net, Holds s.kept f
  gated : ∀ g ∈ s.server.gated,
    g.1 ≤ s.server.journal.length ∧ Holds (s.server.journal.take g.1) g.2

/-- In the bag, or about to be. -/
def System.inFlight (s : System) (f : Frame) : Prop := f ∈ s.net ∨ ∃ k, (k, f) ∈ s.server.gated

/-- What a frame claims is in the history `h`, if it is of the live attachment. -/
def Claim (s : System) (r : Role) (h : List Action) : Frame → Prop
  | .act _ e n q x => e < s.server.epochNext ∧ (s.server.epochs r = some e → h[n]? = some (.send q x))
  | .ack _ e n => e < s.server.epochNext ∧ (s.server.epochs r = some e → n ≤ h.length)
  | .resume _ a n => a < s.attemptNext ∧ n.getD 0 ≤ (actions r s.kept).length
  | .ok _ a e _ => a < s.attemptNext ∧ e < s.server.epochNext
  | _ => True

/-- Nothing is under way that would have the machine act for `r`. -/
structure Idle (s : System) (r : Role) : Prop where
  acts : ∀ e n q x, s.inFlight (.act r e n q x) → s.server.epochs r ≠ some e
  acks : ∀ e n, s.inFlight (.ack r e n) → s.server.epochs r ≠ some e
  held : ∀ g ∈ s.server.held, g.role ≠ r

structure Agree (p : Protocol) (t : Settings) (r : Role) (h : List Action) (s : System) : Prop where
  follows : (stateAfter p r h).isSome
  /-- What it has received is kept. -/
  seen : ∀ q, receivedFrom q h <+: sentTo r (actions q s.kept)
  within : actions r s.server.journal <+: h
  held : ∀ g ∈ s.server.held, g.role = r → h[g.position]? = some (.send g.to g.message)
  claims : ∀ f, s.inFlight f → f.about r → Claim s r h f
  epoch : ∀ e, s.server.epochs r = some e → e < s.server.epochNext
  attached : ∀ e, (s.clients r).epoch = some e → e < s.server.epochNext
  attempt : ∀ a, (s.clients r).attempt = some a → a < s.attemptNext
  memory : ∀ m, (s.clients r).memory = some m → m.performed = h
  acked : ∀ m, (s.clients r).memory = some m → m.acked ≤ (actions r s.kept).length
  outbox : ∀ m, (s.clients r).memory = some m → m.outstanding ≤ t.outbox
  inbox : ∀ m, (s.clients r).memory = some m →
    ∀ q n x, (q, n, x) ∈ m.inbox → (sentTo r (actions q s.kept))[n]? = some x
  /-- What a client without memory is told to go on from is still so. -/
  adopt : (s.clients r).memory = none → ∀ a e done, (s.clients r).attempt = some a →
    s.inFlight (.ok r a e done) → done = actions r s.server.journal ∧ Idle s r
  story : ∀ n a, h[n]? = some a → (r, n, a) ∈ s.story

theorem kept_prefix (s : Server) : s.kept <+: s.journal := List.take_prefix _ _

theorem Agree.followsServer {p : Protocol} {t : Settings} {r : Role} {h : List Action} {s : System}
    (a : Agree p t r h s) : Server.Follows p r h s.server :=
  ⟨a.follows, fun q => (a.seen q).trans (sentOn_prefix q r (kept_prefix _)), a.within, a.held⟩

/-- Where a step changes nothing that concerns `r`, or only adds to what is kept or told. -/
structure Calm (r : Role) (s s' : System) : Prop where
  client : s'.clients r = s.clients r
  actions : actions r s'.server.journal = actions r s.server.journal
  kept : s.kept <+: s'.kept
  epochs : s'.server.epochs r = s.server.epochs r
  epochNext : s.server.epochNext ≤ s'.server.epochNext
  attemptNext : s.attemptNext ≤ s'.attemptNext
  held : ∀ g ∈ s'.server.held, g.role = r → g ∈ s.server.held
  inFlight : ∀ f, s'.inFlight f → f.about r → s.inFlight f
  story : ∀ x ∈ s.story, x ∈ s'.story

theorem Claim.calm {r : Role} {h : List Action} {s s' : System} (c : Calm r s s') {f : Frame}
    (hf : Claim s r h f) : Claim s' r h f := by
  have he := c.epochs
  cases f <;> simp only [Claim] at * <;> try trivial
  · rw [he]; exact ⟨Nat.lt_of_lt_of_le hf.1 c.epochNext, hf.2⟩
  · rw [he]; exact ⟨Nat.lt_of_lt_of_le hf.1 c.epochNext, hf.2⟩
  · exact ⟨Nat.lt_of_lt_of_le hf.1 c.attemptNext, Nat.le_trans hf.2 (actions_prefix r c.kept).length_le⟩
  · exact ⟨Nat.lt_of_lt_of_le hf.1 c.attemptNext, Nat.lt_of_lt_of_le hf.2 c.epochNext⟩

theorem Idle.calm {r : Role} {s s' : System} (c : Calm r s s') (i : Idle s r) : Idle s' r :=
  ⟨fun e n q x hf => by rw [c.epochs]; exact i.acts e n q x (c.inFlight _ hf rfl),
   fun e n hf => by rw [c.epochs]; exact i.acks e n (c.inFlight _ hf rfl),
   fun g hg hr => i.held g (c.held g hg hr) hr⟩

theorem Agree.calm {p : Protocol} {t : Settings} {r : Role} {h : List Action} {s s' : System}
    (a : Agree p t r h s) (c : Calm r s s') : Agree p t r h s' where
  follows := a.follows
  seen q := (a.seen q).trans (sentOn_prefix q r c.kept)
  within := c.actions ▸ a.within
  held g hg hr := a.held g (c.held g hg hr) hr
  claims f hf hr := (a.claims f (c.inFlight f hf hr) hr).calm c
  epoch e he := Nat.lt_of_lt_of_le (a.epoch e (c.epochs ▸ he)) c.epochNext
  attached e he := Nat.lt_of_lt_of_le (a.attached e (c.client ▸ he)) c.epochNext
  attempt n hn := Nat.lt_of_lt_of_le (a.attempt n (c.client ▸ hn)) c.attemptNext
  memory m hm := a.memory m (c.client ▸ hm)
  acked m hm := Nat.le_trans (a.acked m (c.client ▸ hm)) (actions_prefix r c.kept).length_le
  outbox m hm := a.outbox m (c.client ▸ hm)
  inbox m hm q n x hx := prefix_getElem? (sentOn_prefix q r c.kept) (a.inbox m (c.client ▸ hm) q n x hx)
  adopt hm n e d hn hf := by
    obtain ⟨h1, h2⟩ := a.adopt (c.client ▸ hm) n e d (c.client ▸ hn) (c.inFlight _ hf rfl)
    exact ⟨h1.trans c.actions.symm, h2.calm c⟩
  story n x hx := c.story _ (a.story n x hx)

theorem Calm.refl (r : Role) (s : System) : Calm r s s :=
  ⟨rfl, rfl, List.prefix_refl _, rfl, Nat.le_refl _, Nat.le_refl _, fun _ h _ => h, fun _ h _ => h,
    fun _ h => h⟩

/-- A frame less, or one more of those that say nothing about `r`. -/
theorem Calm.net {r : Role} {s : System} {l : List Frame}
    (h : ∀ f ∈ l, f.about r → f ∈ s.net) : Calm r s { s with net := l } :=
  { Calm.refl r s with
    inFlight := fun f hf hr => by
      rcases hf with hf | hf
      · exact .inl (h f hf hr)
      · exact .inr hf }

/-- The clients of others. -/
theorem Calm.client' {r q : Role} {s : System} {c : Client} (h : q ≠ r) :
    Calm r s (s.setClient q c) :=
  { Calm.refl r s with client := by simp [System.setClient, Ne.symm h] }

/-- What the machine's end does for others. -/
theorem Calm.acted {p : Protocol} {r q : Role} {s : System} {s' : Server} (hd : s.server.durable ≤ s.server.journal.length)
    (h : Acted p q s.server s') (hq : r ≠ q) : Calm r s { s with server := s' } where
  client := rfl
  actions := h.others r hq
  kept := by simp only [System.kept, h.kept hd]; exact List.prefix_refl _
  epochs := by simp only [h.epochs]
  epochNext := by simp only [h.epochNext]; exact Nat.le_refl _
  attemptNext := Nat.le_refl _
  held g hg hr := h.held g hg (by rw [hr]; exact hq)
  inFlight f hf hr := by
    rcases hf with hf | ⟨k, hf⟩
    · exact .inl hf
    · rcases h.gated _ hf with hf | ⟨_, _, hf⟩
      · exact .inr ⟨k, hf⟩
      · exact absurd hr (hf r)
  story _ h := h

/-! ## The machine's end, for everybody -/

theorem Sound.acted {p : Protocol} {r : Role} {s : System} {s' : Server} (h : Sound p s)
    (a : Acted p r s.server s') : Sound p { s with server := s' } where
  ideal := a.legal h.ideal
  durable := by simp only [a.durable]; exact Nat.le_trans h.durable a.grows.length_le
  net f hf := by simp only [System.kept, a.kept h.durable]; exact h.net f hf
  gated g hg := by
    rcases a.gated g hg with hg | ⟨h1, h2, _⟩
    · obtain ⟨h1, h2⟩ := h.gated g hg
      exact ⟨Nat.le_trans h1 a.grows.length_le, by rw [take_prefix a.grows h1]; exact h2⟩
    · exact ⟨h1, h2⟩

theorem Sound.appended {p : Protocol} {s : System} {s' : Server} {x : Record} (h : Sound p s)
    (hx : perform p s.server.journal x = .ok (s.server.journal ++ [x]))
    (hj : s'.journal = s.server.journal ++ [x]) (hd : s'.durable = s.server.durable)
    (hg : ∀ g ∈ s'.gated, g ∈ s.server.gated ∨
      (g.1 ≤ s'.journal.length ∧ Holds (s'.journal.take g.1) g.2)) :
    Sound p { s with server := s' } := by
  have hp : s.server.journal <+: s'.journal := hj ▸ List.prefix_append _ _
  refine ⟨?_, ?_, fun f hf => ?_, fun g hg' => ?_⟩
  · simp only [hj]; exact .step h.ideal hx
  · simp only [hd]; exact Nat.le_trans h.durable hp.length_le
  · simp only [System.kept, Server.kept, hd, take_prefix hp h.durable]; exact h.net f hf
  · rcases hg g hg' with hg | hg
    · obtain ⟨h1, h2⟩ := h.gated g hg
      exact ⟨Nat.le_trans h1 hp.length_le, by rw [take_prefix hp h1]; exact h2⟩
    · exact hg

theorem Sound.netSubset {p : Protocol} {s : System} {l : List Frame} (h : Sound p s)
    (hl : ∀ f ∈ l, f ∈ s.net ∨ Holds s.kept f) : Sound p { s with net := l } :=
  ⟨h.ideal, h.durable, fun f hf => (hl f hf).elim (h.net f) fun h => h, h.gated⟩

theorem Sound.setClient {p : Protocol} {s : System} {r : Role} {c : Client} (h : Sound p s) :
    Sound p (s.setClient r c) := ⟨h.ideal, h.durable, h.net, h.gated⟩

theorem Sound.resume {p : Protocol} {s : System} (h : Sound p s) (r : Role) (a : Nat)
    (n : Option Nat) : Sound p { s with server := s.server.handleResume r a n } := by
  simp only [Server.handleResume]; split
  · exact h
  · refine h.appended (x := .attached r s.server.epochNext) rfl rfl rfl fun g hg => ?_
    simp only [List.mem_append, List.mem_singleton] at hg
    rcases hg with hg | rfl
    · exact .inl hg
    · refine .inr ⟨by simp, ?_⟩
      simp only [Holds]
      rw [List.take_of_length_le (by simp)]
      exact actions_prefix r (List.prefix_append _ _)

theorem transmit_gated {s : Server} {q r : Role} {n : Nat} {g : Nat × Frame}
    (hg : g ∈ (s.transmit q r n).gated) : g ∈ s.gated ∨ ∃ x, g = (s.journal.length, .msg r q n x) ∧
      (sentTo r (actions q s.journal))[n]? = some x := by
  simp only [Server.transmit] at hg; repeat' split at hg
  · exact .inl hg
  · rename_i x hx
    simp only [List.mem_append, List.mem_singleton] at hg
    rcases hg with hg | rfl
    · exact .inl hg
    · exact .inr ⟨x, rfl, hx⟩
  · exact .inl hg

/-- Everything but what is gated. -/
theorem transmit_rest (s : Server) (q r : Role) (n : Nat) :
    s.transmit q r n = { s with gated := (s.transmit q r n).gated } := by
  simp only [Server.transmit]; repeat' split
  all_goals rfl

theorem Sound.transmit {p : Protocol} {s : System} (h : Sound p s) (q r : Role) (n : Nat) :
    Sound p { s with server := s.server.transmit q r n } := by
  rw [transmit_rest]
  refine ⟨h.ideal, h.durable, h.net, fun g hg => ?_⟩
  rcases transmit_gated hg with hg | ⟨x, rfl, hx⟩
  · exact h.gated g hg
  · exact ⟨Nat.le_refl _, by simpa [Holds] using hx⟩

theorem persisted_kept (s : Server) (n : Nat) : s.kept <+: (s.persisted n).kept :=
  take_take_prefix _ (Nat.le_max_left _ _)

theorem Sound.persist {p : Protocol} {s : System} (h : Sound p s) (n : Nat) :
    Sound p { s with server := (s.server.persisted n).ungated,
                     net := (s.server.persisted n).released ++ s.net } := by
  refine ⟨h.ideal, ?_, fun f hf => ?_, fun g hg => h.gated g (List.mem_filter.1 hg).1⟩
  · have := h.durable; simp only [Server.persisted, Server.ungated]; omega
  · rcases List.mem_append.1 hf with hf | hf
    · obtain ⟨g, hg, rfl⟩ := List.mem_map.1 hf
      obtain ⟨hg, hn⟩ := List.mem_filter.1 hg
      exact (h.gated g hg).2.mono (take_take_prefix _ (by simpa using hn))
    · exact (h.net f hf).mono (persisted_kept _ n)

theorem Sound.restart {p : Protocol} {s : System} (h : Sound p s) :
    Sound p { s with server := s.server.restarted } := by
  refine ⟨ideal_take h.ideal _, ?_, fun f hf => ?_, fun g hg => by cases hg⟩
  · have := h.durable; simp only [Server.restarted, Server.kept, List.length_take]; omega
  · simp only [System.kept, Server.kept, Server.restarted, List.take_take, Nat.min_self]
    exact h.net f hf

end Antiphon.Resume
