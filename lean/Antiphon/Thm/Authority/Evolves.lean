import Antiphon.Thm.Authority.Follows

/-!
How authority evolves: numbers only grow, and what is new has a new number. So what is gone does not
come back.
-/

namespace Antiphon.Machine

namespace Session

/-- `s'` is later than `s`. -/
structure Evolves (s s' : Session) : Prop where
  id : s'.id = s.id
  protocol : s'.protocol = s.protocol
  last : s.spreadOrNew.last ≤ s'.spreadOrNew.last
  live : ∀ f owner g, s'.Has f ⟨owner, g, false⟩ →
    s.Has f ⟨owner, g, false⟩ ∨ s.spreadOrNew.last < g
  receipts : s.spreadOrNew.receipts ≤ s'.spreadOrNew.receipts
  staged : ∀ one ∈ s'.spreadOrNew.staged,
    one ∈ s.spreadOrNew.staged ∨ s.spreadOrNew.receipts ≤ one.receipt.id
  witnesses : s.outstandingOrNew.witnesses ≤ s'.outstandingOrNew.witnesses
  ids : ∀ id ∈ s'.outstandingOrNew.ids,
    id ∈ s.outstandingOrNew.ids ∨ s.outstandingOrNew.witnesses ≤ id

namespace Evolves

theorem refl (s : Session) : Evolves s s :=
  ⟨rfl, rfl, Nat.le_refl _, fun _ _ _ h => .inl h, Nat.le_refl _, fun _ h => .inl h,
    Nat.le_refl _, fun _ h => .inl h⟩

theorem trans {a b c : Session} (x : Evolves a b) (y : Evolves b c) : Evolves a c := by
  refine ⟨y.id.trans x.id, y.protocol.trans x.protocol, Nat.le_trans x.last y.last, ?_,
    Nat.le_trans x.receipts y.receipts, ?_, Nat.le_trans x.witnesses y.witnesses, ?_⟩
  · intro f owner g h
    rcases y.live f owner g h with h | h
    · exact x.live f owner g h
    · exact .inr (Nat.lt_of_le_of_lt x.last h)
  · intro one h
    rcases y.staged one h with h | h
    · exact x.staged one h
    · exact .inr (Nat.le_trans x.receipts h)
  · intro id h
    rcases y.ids id h with h | h
    · exact x.ids id h
    · exact .inr (Nat.le_trans x.witnesses h)

theorem of_same {s s' : Session} (same : Same s s') : Evolves s s' := by
  refine ⟨same.id, same.protocol, ?_, ?_, ?_, ?_, ?_, ?_⟩
  all_goals simp only [same.has, same.spreadOrNew, same.outstandingOrNew]
  · exact Nat.le_refl _
  · exact fun _ _ _ h => .inl h
  · exact Nat.le_refl _
  · exact fun _ h => .inl h
  · exact Nat.le_refl _
  · exact fun _ h => .inl h

/-- What is taken out of what is outstanding and in flight. -/
theorem of_less {s s' : Session} (id : s'.id = s.id) (protocol : s'.protocol = s.protocol)
    (has : s'.Has = s.Has) (last : s'.spreadOrNew.last = s.spreadOrNew.last)
    (receipts : s'.spreadOrNew.receipts = s.spreadOrNew.receipts)
    (staged : ∀ one ∈ s'.spreadOrNew.staged, one ∈ s.spreadOrNew.staged)
    (sub : Outstanding.Sub s'.outstandingOrNew s.outstandingOrNew) : Evolves s s' :=
  ⟨id, protocol, Nat.le_of_eq last.symm, fun _ _ _ h => .inl (has ▸ h),
    Nat.le_of_eq receipts.symm, fun one h => .inl (staged one h),
    Nat.le_of_eq sub.witnesses.symm, fun _ h => .inl (sub.ids.subset h)⟩

end Evolves

theorem sub_refl (o : Outstanding) : Outstanding.Sub o o :=
  ⟨.refl _, .refl _, .refl _, rfl, rfl⟩

theorem ended_evolves (s : Session) (status : Status) : Evolves s (s.ended status) := by
  refine .of_less rfl rfl ?_ ?_ ?_ ?_ ?_
  · unfold Has holdings Session.ended
    cases s.spread <;> rfl
  · unfold Session.ended spreadOrNew
    cases s.spread <;> rfl
  · unfold Session.ended spreadOrNew
    cases s.spread <;> rfl
  · have : (s.ended status).spreadOrNew.staged = [] := by
      unfold Session.ended spreadOrNew
      cases s.spread <;> rfl
    rw [this]; simp
  · unfold Session.ended outstandingOrNew
    cases s.outstanding
    · exact sub_refl _
    · exact ⟨List.nil_sublist _, List.nil_sublist _, List.nil_sublist _, rfl, rfl⟩

theorem Settles.evolves {p : Protocol} {s s' : Session} (settles : Settles p s s') :
    Evolves s s' := by
  obtain ⟨r, alike, rfl | ⟨status, _, rfl⟩⟩ := settles.cases
  · exact .of_same alike.same
  · exact (Evolves.of_same alike.same).trans (ended_evolves r status)

theorem Follows.evolves {p : Protocol} {s s' : Session} (follows : Follows p s s') :
    Evolves s s' := by
  rcases follows with rfl | settles
  · exact .refl s'
  · exact settles.evolves

theorem settled_evolves (s : Session) (id : ReceiptId) : Evolves s (s.settled id) :=
  .of_less rfl rfl (by rw [has_eq, has_eq]; rfl) rfl rfl
    (fun _ h => (List.mem_filter.1 h).1) (sub_refl _)

theorem spend_evolves (s : Session) (witness : WitnessId) : Evolves s (s.spend witness) :=
  .of_less rfl rfl rfl rfl rfl (fun _ h => h)
    (outstandingOrNew_spend s witness ▸ Outstanding.spend_sub _ _)

theorem invalidate_evolves (s : Session) (moved : Scope) : Evolves s (s.invalidate moved) :=
  .of_less rfl rfl rfl rfl rfl (fun _ h => h)
    (outstandingOrNew_invalidate s moved ▸ Outstanding.take_sub _ _)

theorem issue_evolves (s : Session) (owner : Owner) (scope : Scope) (origin : Origin) :
    Evolves s (s.issue owner scope origin) := by
  refine ⟨rfl, rfl, Nat.le_succ _, fun f o g h => ?_, Nat.le_refl _, fun _ h => .inl h,
    Nat.le_refl _, fun _ h => .inl h⟩
  rcases (issue_moves s owner scope origin f _).1 h with ⟨_, e⟩ | ⟨_, h⟩
  · injection e with _ e; subst e; exact .inr (Nat.lt_succ_self _)
  · exact .inl h

theorem release_evolves (s : Session) (by_ : Presented) (scope : Scope) (origin : Origin) :
    Evolves s (s.release by_ scope origin) := by
  refine ⟨rfl, rfl, Nat.le_refl _, fun f o g h => ?_, Nat.le_refl _, fun _ h => .inl h,
    Nat.le_refl _, fun _ h => .inl h⟩
  rcases (release_moves s by_ scope origin f _).1 h with ⟨_, e⟩ | ⟨_, h⟩
  · simp at e
  · exact .inl h

theorem lose_evolves (s : Session) (owner : Owner) (origin : Origin)
    (single : ∀ f w w', s.Has f w → s.Has f w' → w = w') :
    Evolves s (s.lose owner origin) := by
  obtain ⟨last, staged, receipts⟩ := lose_rest s.spreadOrNew s.ownership owner origin
  have last : (s.lose owner origin).spreadOrNew.last = s.spreadOrNew.last := last
  have staged : (s.lose owner origin).spreadOrNew.staged = s.spreadOrNew.staged := staged
  have receipts : (s.lose owner origin).spreadOrNew.receipts = s.spreadOrNew.receipts := receipts
  refine ⟨rfl, rfl, Nat.le_of_eq last.symm, fun f o g h => ?_, Nat.le_of_eq receipts.symm,
    fun _ h => .inl (staged ▸ h), Nat.le_refl _, fun _ h => .inl h⟩
  rcases (lose_loses s owner origin single f _).1 h with ⟨_, e, _⟩ | ⟨_, h⟩
  · contradiction
  · exact .inl h

theorem stage_evolves (s : Session) {receipt : Receipt} (id : receipt.id = s.spreadOrNew.receipts)
    (expires : Option Tick) (freeze : Bool) (origin : Origin) :
    Evolves s { s with spread := some (s.spreadOrNew.stage receipt expires freeze origin) } := by
  have has : Session.Has { s with spread := some (s.spreadOrNew.stage receipt expires freeze origin) }
      = s.Has := by rw [has_eq, has_eq]; rfl
  refine ⟨rfl, rfl, Nat.le_refl _, fun f o g h => .inl (has ▸ h), Nat.le_succ _, fun one h => ?_,
    Nat.le_refl _, fun _ h => .inl h⟩
  rcases List.mem_append.1 h with h | h
  · exact .inl h
  · rw [List.mem_singleton.1 h]
    exact .inr (Nat.le_of_eq id.symm)

theorem attest_evolves (s : Session) (made : Made) (attest : Attest) :
    Evolves s (s.attest made attest).1 := by
  have other : ∀ {all : Outstanding}, s.outstandingOrNew.witnesses ≤ all.witnesses →
      (∀ id ∈ all.ids, id ∈ s.outstandingOrNew.ids ∨ s.outstandingOrNew.witnesses ≤ id) →
      Evolves s { s with outstanding := some all } := fun a b =>
    ⟨rfl, rfl, Nat.le_refl _, fun _ _ _ h => .inl h, Nat.le_refl _, fun _ h => .inl h, a, b⟩
  cases attest with
  | issue by_ predicate scope =>
    refine other (Nat.le_succ _) fun id h => ?_
    simp only [Outstanding.issue, Outstanding.ids, List.map_append, List.map_cons, List.map_nil,
      List.mem_append, List.mem_singleton] at h ⊢
    rcases h with (h | rfl) | h
    · exact .inl (.inl h)
    · exact .inr (Nat.le_refl _)
    · exact .inl (.inr h)
  | consume witness =>
    exact other (Nat.le_refl _) fun id h =>
      .inl ((Outstanding.spend_sub s.outstandingOrNew witness).ids.subset h)
  | arm by_ site scope after valid => exact other (Nat.le_refl _) fun id h => .inl h
  | disarm timer => exact other (Nat.le_refl _) fun id h => .inl h

theorem perform_evolves {p : Protocol} {s : Session} (sound : s.Sound p) (made : Made)
    (change : Change) : Evolves s (s.perform made change).1 := by
  cases change with
  | release by_ scope => exact (invalidate_evolves s scope).trans (release_evolves _ by_ scope made)
  | issue owner scope receipt =>
    cases receipt with
    | none => exact (invalidate_evolves s scope).trans (issue_evolves _ owner scope made)
    | some id =>
      exact (settled_evolves s id).trans
        ((invalidate_evolves _ scope).trans (issue_evolves _ owner scope made))
  | stage by_ scope to expires freeze => exact stage_evolves s rfl expires freeze made
  | rollback id => exact settled_evolves s id
  | «end» id status => exact settled_evolves s id
  | lose owner spent end_ =>
    have spend : ∀ (w : Option WitnessId), Evolves s
        (match w with | some witness => s.spend witness | none => s) := by
      intro w
      cases w with
      | none => exact .refl s
      | some witness => exact spend_evolves s witness
    cases end_ with
    | none =>
      have single : ∀ (w : Option WitnessId), ∀ f x y, Session.Has
          (match w with | some witness => s.spend witness | none => s) f x →
          Session.Has (match w with | some witness => s.spend witness | none => s) f y →
          x = y := by
        intro w
        cases w <;> exact sound.owned.single
      exact (spend spent).trans ((invalidate_evolves _ _).trans
        (lose_evolves _ owner made (single spent)))
    | some status =>
      exact (spend spent).trans (.of_less rfl rfl (by rw [has_eq, has_eq]; rfl) rfl rfl
        (fun _ h => h) (sub_refl _))
  | serials serials accepted outcome =>
    exact .of_less rfl rfl (by simp only [perform]; rw [has_eq, has_eq]; rfl)
      (by simp only [perform]; rfl) (by simp only [perform]; rfl)
      (fun _ h => by simpa only [perform] using h) (sub_refl _)
  | nothing accepted => exact .refl s
  | attest attest => exact attest_evolves s made attest

theorem change_evolves {p : Protocol} {now : Tick} {s : Session} {made : Made} {came : Came}
    (sound : s.Sound p) (ok : s.change p now made = .ok came) : Evolves s came.session := by
  rcases change_cases ok with ⟨e, _⟩ | ⟨change, found, _, rfl⟩
  · rw [e]; exact .refl s
  · exact (Evolves.of_same (touch_same s now)).trans
      ((perform_evolves (sound.same (touch_same s now) fun t => ⟨t, rfl⟩) _ change).trans
        (changed_settles p now s _ change (check_terminal sound found)).evolves)

theorem actOn_evolves {p : Protocol} {now : Tick} {s : Session} {by_ : Presented} {act : Act}
    {came : Came} (sound : s.Sound p) (ok : State.actOn p now s by_ act = .ok came) :
    Evolves s came.session := by
  cases h : act.isAuthority
  · exact (actOn_follows h ok).evolves
  · cases act with
    | authority authority => exact change_evolves sound ok
    | _ => contradiction

/-- TIMER-5: nothing of a session that has ended runs out. -/
theorem dues_terminal {p : Protocol} {s : Session} (sound : s.Sound p) (t : s.isTerminal = true) :
    s.dues = [] := by
  obtain ⟨staged, out, deadline⟩ := sound.ended t
  have none : ∀ all, s.outstanding = some all → all.armed = [] ∧ all.timeouts = [] := by
    intro all h
    simp only [outstandingOrNew, h, Outstanding.len] at out
    exact ⟨List.length_eq_zero_iff.1 (by omega), List.length_eq_zero_iff.1 (by omega)⟩
  unfold dues
  rw [staged_eq, staged, deadline]
  cases h : s.outstanding with
  | none => rfl
  | some all =>
    obtain ⟨a, b⟩ := none all h
    simp [Outstanding.dues, a, b]

/-- What a timer of a session that goes on leaves of it, without what follows. -/
theorem expire_sound {p : Protocol} {s : Session} (sound : s.Sound p) {at_ : Tick} {timer : Timer}
    (due : (at_, timer) ∈ s.dues) :
    (s.expire p at_ timer).1.Sound p ∧ Evolves s (s.expire p at_ timer).1 := by
  have goes : s.isTerminal = false := by
    cases t : s.isTerminal
    · rfl
    · rw [dues_terminal sound t] at due; contradiction
  have touched : (s.touch at_).Sound p := sound.same (touch_same s at_) fun t => ⟨t, rfl⟩
  have same := Evolves.of_same (touch_same s at_)
  cases timer with
  | drain =>
    have alike : Alike s { s.touch at_ with deadline := none } :=
      ⟨⟨rfl, rfl, rfl, rfl, rfl⟩, fun t => absurd (show s.isTerminal = true from t) (by simp [goes])⟩
    have : Settles p s (s.expire p at_ .drain).1 :=
      (alike.trans (record_alike _ _ _)).settles (endWith_settles p _ rfl)
    exact ⟨this.sound sound, this.evolves⟩
  | transfer receipt =>
    let r : Session :=
      { s.touch at_ with spread := s.spread.map fun (all : Spread) => all.settle receipt }
    have new : r.spreadOrNew = s.spreadOrNew.settle receipt := by
      show Session.spreadOrNew { s.touch at_ with spread := _ } = _
      unfold spreadOrNew
      cases s.spread <;> rfl
    have has : r.Has = s.Has := by rw [has_eq, has_eq, new]; rfl
    have sound' : r.Sound p := by
      refine ⟨?_, ?_, ?_, ?_, ?_, fun t => ?_⟩
      · rw [has, new]; exact sound.owned
      · rw [has, new]; exact sound.flight.settle receipt
      · rw [has, new]; exact sound.tokens
      · rw [has]; exact sound.outstanding
      · rw [new]
        exact Nat.le_trans (Nat.add_le_add_right (List.length_filter_le _ _) _) sound.few
      · exact absurd (show s.isTerminal = true from t) (by simp [goes])
    have evolves : Evolves s r :=
      .of_less rfl rfl has (by rw [new]; rfl) (by rw [new]; rfl)
        (fun one h => by rw [new] at h; exact (List.mem_filter.1 h).1) (sub_refl _)
    have : Settles p r (s.expire p at_ (.transfer receipt)).1 :=
      (record_alike _ _ _).settles (settle_settles p _)
    exact ⟨this.sound sound', evolves.trans this.evolves⟩
  | site timer =>
    show (expireSite (s.touch at_) timer).1.Sound p ∧ Evolves s (expireSite (s.touch at_) timer).1
    unfold expireSite
    split
    · exact ⟨touched, same⟩
    · rename_i watch found
      have mem : watch ∈ s.outstandingOrNew.armed := List.mem_of_find?_eq_some found
      let late := s.outstandingOrNew.timeOut s.id watch.timer (s.touch at_).tick
      let next : Session := { s.touch at_ with outstanding := some late.1 }
      have r : Alike next (next.record (.expired (.site timer)) (.witness late.2.id)).1 :=
        record_alike _ _ _
      have sound' : next.Sound p :=
        touched.attested goes (sound.outstanding.timeOut mem s.id _)
          (Nat.le_trans (Nat.add_le_add_left (Outstanding.Sound.timeOut_len mem s.id _) _)
            sound.few)
      have evolves : Evolves s next := by
        refine ⟨rfl, rfl, Nat.le_refl _, fun _ _ _ h => .inl h, Nat.le_refl _, fun _ h => .inl h,
          Nat.le_succ _, fun id h => ?_⟩
        have h : id ∈ late.1.ids := h
        simp only [late, Outstanding.timeOut, Outstanding.ids, Outstanding.disarm, List.map_append,
          List.map_cons, List.map_nil, List.mem_append, List.mem_singleton] at h ⊢
        rcases h with h | h | rfl
        · exact .inl (.inl h)
        · exact .inl (.inr h)
        · exact .inr (Nat.le_refl _)
      exact ⟨sound'.same r.same r.ended, evolves.trans (.of_same r.same)⟩
  | witness witness =>
    have : Alike ((s.touch at_).spend witness) (s.expire p at_ (.witness witness)).1 :=
      record_alike _ _ _
    exact ⟨(touched.spend witness).same this.same this.ended,
      same.trans ((spend_evolves _ witness).trans (.of_same this.same))⟩

end Session

end Antiphon.Machine
