import Antiphon.Resume.Link
import Antiphon.Thm.Resume.Implied
/-!
# Facts about the machine's end of the link

`Acted`: what handling a frame of one role leaves alone, and that what is said is true of the records
that it waits for. `Follows`: the machine's end does with a role what the role's own history says.
-/

namespace Antiphon.Resume

theorem take_prefix {α : Type} {l l' : List α} {n : Nat} (h : l <+: l') (hn : n ≤ l.length) :
    l'.take n = l.take n := by
  obtain ⟨t, rfl⟩ := h; exact List.take_append_of_le_length hn

theorem take_take_prefix {α : Type} (l : List α) {m n : Nat} (h : m ≤ n) : l.take m <+: l.take n := by
  refine prefix_of_le (List.take_prefix _ _) (List.take_prefix _ _) ?_
  simp only [List.length_take]; omega

/-- What a frame from the machine says is so in the session with this journal. -/
def Holds (j : Journal) : Frame → Prop
  | .ok r _ _ done => done <+: actions r j
  | .done r n => n ≤ (actions r j).length
  | .msg r q n x => (sentTo r (actions q j))[n]? = some x
  | _ => True

theorem Holds.mono {j j' : Journal} (h : j <+: j') {f : Frame} (hf : Holds j f) : Holds j' f := by
  cases f <;> simp only [Holds] at *
  · exact hf.trans (actions_prefix _ h)
  · exact Nat.le_trans hf (actions_prefix _ h).length_le
  · exact prefix_getElem? (sentOn_prefix _ _ h) hf

/-- Frames that speak of what a role claims, or of an attempt of its client. -/
def Frame.about (r : Role) : Frame → Prop
  | .act r' _ _ _ _ => r' = r
  | .ack r' _ _ => r' = r
  | .resume r' _ _ => r' = r
  | .ok r' _ _ _ => r' = r
  | _ => False

structure Acted (p : Protocol) (r : Role) (s s' : Server) : Prop where
  grows : s.journal <+: s'.journal
  others : ∀ q, q ≠ r → actions q s'.journal = actions q s.journal
  legal : Ideal p s.journal → Ideal p s'.journal
  durable : s'.durable = s.durable
  epochs : s'.epochs = s.epochs
  epochNext : s'.epochNext = s.epochNext
  held : ∀ g ∈ s'.held, g.role ≠ r → g ∈ s.held
  gated : ∀ g ∈ s'.gated, g ∈ s.gated ∨
    (g.1 ≤ s'.journal.length ∧ Holds (s'.journal.take g.1) g.2 ∧ ∀ q, ¬g.2.about q)

theorem Acted.refl {p : Protocol} {r : Role} (s : Server) : Acted p r s s :=
  ⟨List.prefix_refl _, fun _ _ => rfl, fun h => h, rfl, rfl, rfl, fun _ h _ => h, fun _ h => .inl h⟩

theorem Acted.trans {p : Protocol} {r : Role} {a b c : Server} (h : Acted p r a b)
    (k : Acted p r b c) : Acted p r a c where
  grows := h.grows.trans k.grows
  others q hq := (k.others q hq).trans (h.others q hq)
  legal := k.legal ∘ h.legal
  durable := k.durable.trans h.durable
  epochs := k.epochs.trans h.epochs
  epochNext := k.epochNext.trans h.epochNext
  held g hg hr := h.held g (k.held g hg hr) hr
  gated g hg := by
    rcases k.gated g hg with hg | hg
    · rcases h.gated g hg with hg | ⟨h1, h2, h3⟩
      · exact .inl hg
      · refine .inr ⟨Nat.le_trans h1 k.grows.length_le, ?_, h3⟩
        rw [take_prefix k.grows h1]; exact h2
    · exact .inr hg

theorem Acted.kept {p : Protocol} {r : Role} {s s' : Server} (h : Acted p r s s')
    (hd : s.durable ≤ s.journal.length) : s'.kept = s.kept := by
  rw [Server.kept, h.durable, take_prefix h.grows hd]; rfl

namespace Server

theorem accept_acted {p : Protocol} {r : Role} {s : Server} {j : Journal}
    (h : Accepts p r s.journal j) : Acted p r s (s.accept j r) := by
  refine ⟨h.grows, h.others, h.legal, rfl, rfl, rfl, fun _ h _ => h, fun g hg => ?_⟩
  simp only [accept, List.mem_append, List.mem_singleton] at hg
  rcases hg with hg | rfl
  · exact .inl hg
  · refine .inr ⟨Nat.le_refl _, ?_, fun _ h => h⟩
    simp [Holds, accept]

theorem mem_insert {g h : Held} {l : List Held} (hg : g ∈ insert h l) : g = h ∨ g ∈ l := by
  induction l with
  | nil => simpa [insert] using hg
  | cons x l ih =>
    simp only [insert] at hg; split at hg
    · simpa using hg
    · rcases List.mem_cons.1 hg with rfl | hg
      · simp
      · rcases ih hg with h | h <;> simp [h]

theorem mem_hold {t : Settings} {s : Server} {h g : Held} (hg : g ∈ (s.hold t h).held) :
    g = h ∨ g ∈ s.held := by
  simp only [hold] at hg; repeat' split at hg
  · exact .inr hg
  · exact .inr hg
  · exact mem_insert hg

theorem hold_acted {p : Protocol} {t : Settings} {s : Server} {h : Held} :
    Acted p h.role s (s.hold t h) := by
  have hm := @mem_hold t s h
  revert hm; simp only [hold]; repeat' split
  · exact fun _ => .refl s
  · exact fun _ => .refl s
  · intro hm
    refine ⟨List.prefix_refl _, fun _ _ => rfl, fun h => h, rfl, rfl, rfl, fun g hg hr => ?_, fun _ h => .inl h⟩
    rcases hm hg with rfl | hg
    · exact absurd rfl hr
    · exact hg

theorem discard_acted {p : Protocol} {s : Server} {r : Role} {n : Nat} :
    Acted p r s (s.discard r n) :=
  ⟨List.prefix_refl _, fun _ _ => rfl, fun h => h, rfl, rfl, rfl,
    fun _ hg _ => (List.mem_filter.1 hg).1, fun _ h => .inl h⟩

theorem unheld_acted {p : Protocol} {s : Server} {r : Role} {h : Held} :
    Acted p r s { s with held := s.held.erase h } :=
  ⟨List.prefix_refl _, fun _ _ => rfl, fun h => h, rfl, rfl, rfl,
    fun _ hg _ => List.mem_of_mem_erase hg, fun _ h => .inl h⟩

theorem flush_acted {p : Protocol} {t : Settings} {r : Role} :
    ∀ (fuel : Nat) (s : Server), Acted p r s (flush p t r fuel s)
  | 0, s => .refl s
  | fuel + 1, s => by
    simp only [flush]; split
    · exact .refl s
    · rename_i h _
      split
      · rename_i j hj
        exact (unheld_acted (h := h)).trans
          ((accept_acted (s := { s with held := s.held.erase h }) (actAt_accepts hj)).trans (flush_acted fuel _))
      · exact .refl s
      · exact discard_acted

theorem handleAct_acted {p : Protocol} {t : Settings} {s : Server} {e : Nat} {h : Held} :
    Acted p h.role s (s.handleAct p t e h) := by
  simp only [handleAct]; split
  · exact .refl s
  · split
    · rename_i j hj; exact (accept_acted (actAt_accepts hj)).trans (flush_acted _ _)
    · exact hold_acted
    · exact discard_acted

theorem handleAck_acted {p : Protocol} {s : Server} {r : Role} {e : Nat} {n : Nat} :
    Acted p r s (s.handleAck p r e n) := by
  simp only [handleAck]; split
  · exact .refl s
  · split
    · rename_i j hj; exact accept_acted (ackAt_accepts hj)
    · exact .refl s

/-! ## A role whose own history is known -/

structure Follows (p : Protocol) (r : Role) (h : List Action) (s : Server) : Prop where
  follows : (stateAfter p r h).isSome
  seen : ∀ q, receivedFrom q h <+: sentTo r (actions q s.journal)
  within : actions r s.journal <+: h
  held : ∀ g ∈ s.held, g.role = r → h[g.position]? = some (.send g.to g.message)

theorem Follows.accept {p : Protocol} {r : Role} {h : List Action} {s : Server} {j : Journal}
    (f : Follows p r h s) (hj : s.journal <+: j) (hw : actions r j <+: h) :
    Follows p r h (s.accept j r) :=
  ⟨f.follows, fun q => (f.seen q).trans (sentOn_prefix q r hj), hw, f.held⟩

theorem Follows.heldSubset {p : Protocol} {r : Role} {h : List Action} {s : Server} {l : List Held}
    (f : Follows p r h s) (hl : ∀ g ∈ l, g ∈ s.held) : Follows p r h { s with held := l } :=
  ⟨f.follows, f.seen, f.within, fun g hg => f.held g (hl g hg)⟩

theorem flush_follows {p : Protocol} {t : Settings} {r : Role} {h : List Action} :
    ∀ (fuel : Nat) (s : Server), Follows p r h s → Follows p r h (flush p t r fuel s)
  | 0, _, f => f
  | fuel + 1, s, f => by
    simp only [flush]; split
    · exact f
    · rename_i g hg
      have hr : g.role = r := by simpa using List.find?_some hg
      have hm := f.held g (List.mem_of_find?_eq_some hg) hr
      split
      · rename_i j hj
        refine flush_follows fuel _ (Follows.accept (s := { s with held := s.held.erase g })
          (f.heldSubset fun _ => List.mem_of_mem_erase) (actAt_accepts hj).grows ?_)
        exact actAt_within f.follows hj f.within hm f.seen
      · exact f
      · exact f.heldSubset fun _ h => (List.mem_filter.1 h).1

theorem handleAct_follows {p : Protocol} {t : Settings} {s : Server} {e : Nat} {g : Held}
    {h : List Action} (f : Follows p g.role h s)
    (hg : s.epochs g.role = some e → h[g.position]? = some (.send g.to g.message)) :
    Follows p g.role h (s.handleAct p t e g) := by
  simp only [handleAct]; split
  · exact f
  · rename_i he
    have hg := hg (by simpa using he)
    split
    · rename_i j hj
      exact flush_follows _ _ (f.accept (actAt_accepts hj).grows (actAt_within f.follows hj f.within hg f.seen))
    · refine ⟨?_, ?_, ?_, fun x hx hr => ?_⟩
      · exact f.follows
      · simp only [hold]; repeat' split
        all_goals exact f.seen
      · simp only [hold]; repeat' split
        all_goals exact f.within
      · rcases mem_hold hx with rfl | hx
        · exact hg
        · exact f.held x hx hr
    · exact f.heldSubset fun _ h => (List.mem_filter.1 h).1

theorem handleAck_follows {p : Protocol} {s : Server} {r : Role} {e : Nat} {n : Nat}
    {h : List Action} (f : Follows p r h s) (hn : s.epochs r = some e → n ≤ h.length) :
    Follows p r h (s.handleAck p r e n) := by
  simp only [handleAck]; split
  · exact f
  · rename_i he
    split
    · rename_i j hj
      exact f.accept (ackAt_accepts hj).grows (ackAt_within f.follows hj f.within (hn (by simpa using he)) f.seen)
    · exact f

end Server

end Antiphon.Resume
