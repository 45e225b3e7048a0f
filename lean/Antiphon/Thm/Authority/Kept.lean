import Antiphon.Thm.Authority.Sound

/-!
What always holds of witnesses, timers and tokens, and that every change keeps it.
-/

namespace Antiphon.Machine

/-- To whom a witness or a timer is bound. -/
structure Bound where
  owner : Owner
  generation : Generation
  scope : Scope
deriving DecidableEq

def Readiness.bound (w : Readiness) : Bound := ⟨w.owner, w.generation, w.scope⟩
def TimeoutWitness.bound (w : TimeoutWitness) : Bound := ⟨w.owner, w.generation, w.scope⟩
def Armed.bound (a : Armed) : Bound := ⟨a.owner, a.generation, a.scope⟩

/-- Whether it is bound to who has the fragments now. -/
def Bound.Carried (has : Whose) (b : Bound) : Prop := Machine.Carried has b.owner b.generation b.scope

namespace Outstanding

/-- The numbers of all witnesses. -/
def ids (o : Outstanding) : List WitnessId :=
  o.readiness.map (·.witness.id) ++ o.timeouts.map (·.witness.id)

/-- Everything that is bound to somebody. -/
def bounds (o : Outstanding) : List Bound :=
  o.readiness.map (·.witness.bound) ++ o.timeouts.map (·.witness.bound)
    ++ o.armed.map (·.timer.bound)

/-- Witnesses and timers have numbers of their own, below the next ones, and each is bound to who has
its fragments now. -/
structure Sound (has : Whose) (o : Outstanding) : Prop where
  once : o.ids.Pairwise (· ≠ ·)
  below : ∀ id ∈ o.ids, id < o.witnesses
  armedOnce : (o.armed.map (·.timer.id)).Pairwise (· ≠ ·)
  armedBelow : ∀ id ∈ o.armed.map (·.timer.id), id < o.timers
  held : ∀ b ∈ o.bounds, b.Carried has

/-- What is left when something is taken out. -/
structure Sub (o' o : Outstanding) : Prop where
  readiness : o'.readiness.Sublist o.readiness
  timeouts : o'.timeouts.Sublist o.timeouts
  armed : o'.armed.Sublist o.armed
  witnesses : o'.witnesses = o.witnesses
  timers : o'.timers = o.timers

theorem Sub.ids {o' o : Outstanding} (sub : Sub o' o) : o'.ids.Sublist o.ids :=
  (sub.readiness.map _).append (sub.timeouts.map _)

theorem Sub.bounds {o' o : Outstanding} (sub : Sub o' o) : o'.bounds.Sublist o.bounds :=
  ((sub.readiness.map _).append (sub.timeouts.map _)).append (sub.armed.map _)

theorem Sub.len {o' o : Outstanding} (sub : Sub o' o) : o'.len ≤ o.len :=
  Nat.add_le_add (Nat.add_le_add sub.readiness.length_le sub.timeouts.length_le)
    sub.armed.length_le

theorem take_sub (o : Outstanding) (moved : Scope) : Sub (o.take moved) o :=
  ⟨List.filter_sublist, List.filter_sublist, List.filter_sublist, rfl, rfl⟩

theorem spend_sub (o : Outstanding) (witness : WitnessId) : Sub (o.spend witness) o :=
  ⟨List.filter_sublist, List.filter_sublist, List.Sublist.refl _, rfl, rfl⟩

theorem disarm_sub (o : Outstanding) (timer : TimerId) : Sub (o.disarm timer) o :=
  ⟨List.Sublist.refl _, List.Sublist.refl _, List.filter_sublist, rfl, rfl⟩

theorem new_sound (has : Whose) : new.Sound has := by
  refine ⟨?_, ?_, ?_, ?_, ?_⟩ <;> simp [new, ids, bounds]

namespace Sound

theorem sub {has has' : Whose} {o o' : Outstanding} (sound : o.Sound has) (sub : Sub o' o)
    (held : ∀ b ∈ o'.bounds, b.Carried has') : o'.Sound has' := by
  refine ⟨sound.once.sublist sub.ids, fun id h => ?_, sound.armedOnce.sublist (sub.armed.map _),
    fun id h => ?_, held⟩
  · rw [sub.witnesses]; exact sound.below id (sub.ids.subset h)
  · rw [sub.timers]; exact sound.armedBelow id ((sub.armed.map _).subset h)

/-- WITN-3: without a witness. -/
theorem spend {has : Whose} {o : Outstanding} (sound : o.Sound has) (witness : WitnessId) :
    (o.spend witness).Sound has :=
  sound.sub (spend_sub o witness) fun b h =>
    sound.held b ((spend_sub o witness).bounds.subset h)

/-- TIMER-4: without a timer. -/
theorem disarm {has : Whose} {o : Outstanding} (sound : o.Sound has) (timer : TimerId) :
    (o.disarm timer).Sound has :=
  sound.sub (disarm_sub o timer) fun b h => sound.held b ((disarm_sub o timer).bounds.subset h)

theorem bounds_take {o : Outstanding} {moved : Scope} {b : Bound} (h : b ∈ (o.take moved).bounds) :
    b ∈ o.bounds ∧ b.scope.touches moved = false := by
  refine ⟨(take_sub o moved).bounds.subset h, ?_⟩
  simp only [take, bounds, List.mem_append, List.mem_map, List.mem_filter] at h
  rcases h with (⟨x, ⟨_, no⟩, rfl⟩ | ⟨x, ⟨_, no⟩, rfl⟩) | ⟨x, ⟨_, no⟩, rfl⟩ <;> simpa using no

/-- WITN-7: what is bound to fragments that move is gone, and all else is bound as it was. -/
theorem moves {has has' : Whose} {o : Outstanding} (sound : o.Sound has) {scope : Scope} {who : Who}
    (moves : Moves scope who has has') : (o.take scope).Sound has' :=
  sound.sub (take_sub o scope) fun b h => by
    obtain ⟨old, apart⟩ := bounds_take h
    obtain ⟨some, held⟩ := sound.held b old
    exact ⟨some, fun f hf =>
      (moves.outside ((Scope.touches_eq_false_iff _ _).1 apart f hf)).2 (held f hf)⟩

/-- The same where an owner is lost: of all that it has. -/
theorem lose {has has' : Whose} {o : Outstanding} (sound : o.Sound has) {owner : Owner}
    {lost : Scope} (all : ∀ f g, has f ⟨owner, g, false⟩ → lost.has f = true)
    (loses : Loses owner has has') : (o.take lost).Sound has' :=
  sound.sub (take_sub o lost) fun b h => by
    obtain ⟨old, apart⟩ := bounds_take h
    obtain ⟨some, held⟩ := sound.held b old
    refine ⟨some, fun f hf => (loses f _).2 (.inr ⟨?_, held f hf⟩)⟩
    rintro ⟨e, _⟩
    have e : b.owner = owner := e
    have := all f b.generation (e ▸ held f hf)
    simp [(Scope.touches_eq_false_iff _ _).1 apart f hf] at this

/-- WITN-1: with one more witness, for who has the fragments. -/
theorem issue {has : Whose} {o : Outstanding} (sound : o.Sound has) {witness : Readiness}
    (id : witness.id = o.witnesses) (live : witness.bound.Carried has) (origin : Origin) :
    (o.issue witness origin).Sound has := by
  have ids : (o.issue witness origin).ids =
      o.readiness.map (·.witness.id) ++ ([o.witnesses] ++ o.timeouts.map (·.witness.id)) := by
    simp [Outstanding.issue, Outstanding.ids, id]
  have fresh : ∀ i ∈ o.ids, i ≠ o.witnesses := fun i h => Nat.ne_of_lt (sound.below i h)
  have split := List.pairwise_append.1 sound.once
  refine ⟨?_, fun i h => ?_, sound.armedOnce, sound.armedBelow, fun b h => ?_⟩
  · rw [ids]
    refine List.pairwise_append.2 ⟨split.1, List.pairwise_cons.2 ⟨fun i h => ?_, split.2.1⟩, ?_⟩
    · exact (fresh i (List.mem_append_right _ h)).symm
    · intro a ha b hb
      rcases List.mem_append.1 hb with hb | hb
      · rw [List.mem_singleton.1 hb]; exact fresh a (List.mem_append_left _ ha)
      · exact split.2.2 a ha b hb
  · rw [ids] at h
    have : i ∈ o.ids ∨ i = o.witnesses := by
      simp only [List.mem_append, List.mem_singleton, Outstanding.ids] at h ⊢
      rcases h with h | h | h
      · exact .inl (.inl h)
      · exact .inr h
      · exact .inl (.inr h)
    rcases this with h | rfl
    · exact Nat.lt_succ_of_lt (sound.below i h)
    · exact Nat.lt_succ_self _
  · have : b ∈ o.bounds ∨ b = witness.bound := by
      simp only [Outstanding.issue, bounds, List.map_append, List.map_cons, List.map_nil,
        List.mem_append, List.mem_singleton] at h ⊢
      rcases h with ((h | h) | h) | h
      · exact .inl (.inl (.inl h))
      · exact .inr h
      · exact .inl (.inl (.inr h))
      · exact .inl (.inr h)
    rcases this with h | rfl
    · exact sound.held b h
    · exact live

/-- TIMER-1: with one more timer, for who has the fragments. -/
theorem arm {has : Whose} {o : Outstanding} (sound : o.Sound has) {timer : Armed}
    (id : timer.id = o.timers) (live : timer.bound.Carried has) (origin : Origin) :
    (o.arm timer origin).Sound has := by
  refine ⟨sound.once, sound.below, ?_, fun i h => ?_, fun b h => ?_⟩
  · simp only [Outstanding.arm, List.map_append, List.map_cons, List.map_nil]
    refine List.pairwise_append.2 ⟨sound.armedOnce, List.pairwise_singleton _ _, ?_⟩
    intro a ha b hb
    rw [List.mem_singleton.1 hb, id]
    exact Nat.ne_of_lt (sound.armedBelow a ha)
  · simp only [Outstanding.arm, List.map_append, List.map_cons, List.map_nil, List.mem_append,
      List.mem_singleton] at h
    rcases h with h | rfl
    · exact Nat.lt_succ_of_lt (sound.armedBelow i h)
    · rw [id]; exact Nat.lt_succ_self _
  · have : b ∈ o.bounds ∨ b = timer.bound := by
      simp only [Outstanding.arm, bounds, List.map_append, List.map_cons, List.map_nil,
        List.mem_append, List.mem_singleton] at h ⊢
      rcases h with h | h | h
      · exact .inl (.inl h)
      · exact .inl (.inr h)
      · exact .inr h
    rcases this with h | rfl
    · exact sound.held b h
    · exact live

/-- TIMER-2: a timer that ran out leaves a witness for who had armed it. -/
theorem timeOut {has : Whose} {o : Outstanding} (sound : o.Sound has) {watch : Watch}
    (armed : watch ∈ o.armed) (session : SessionId) (now : Tick) :
    (o.timeOut session watch.timer now).1.Sound has := by
  have less := sound.disarm watch.timer.id
  refine ⟨?_, fun i h => ?_, less.armedOnce, less.armedBelow, fun b h => ?_⟩
  · have : (o.timeOut session watch.timer now).1.ids = o.ids ++ [o.witnesses] := by
      simp [Outstanding.timeOut, Outstanding.ids, Outstanding.disarm]
    rw [this]
    refine List.pairwise_append.2 ⟨sound.once, List.pairwise_singleton _ _, ?_⟩
    intro a ha b hb
    rw [List.mem_singleton.1 hb]
    exact Nat.ne_of_lt (sound.below a ha)
  · have : i ∈ o.ids ∨ i = o.witnesses := by
      simp only [Outstanding.timeOut, Outstanding.ids, Outstanding.disarm, List.map_append,
        List.map_cons, List.map_nil, List.mem_append, List.mem_singleton] at h ⊢
      rcases h with h | h | h
      · exact .inl (.inl h)
      · exact .inl (.inr h)
      · exact .inr h
    rcases this with h | rfl
    · exact Nat.lt_succ_of_lt (sound.below i h)
    · exact Nat.lt_succ_self _
  · have : b ∈ (o.disarm watch.timer.id).bounds ∨ b = watch.timer.bound := by
      simp only [Outstanding.timeOut, bounds, Outstanding.disarm, List.map_append, List.map_cons,
        List.map_nil, List.mem_append, List.mem_singleton] at h ⊢
      rcases h with (h | h | h) | h
      · exact .inl (.inl (.inl h))
      · exact .inl (.inl (.inr h))
      · exact .inr h
      · exact .inl (.inr h)
    rcases this with h | rfl
    · exact less.held b h
    · refine sound.held _ ?_
      simp only [bounds, List.mem_append, List.mem_map]
      exact .inr ⟨watch, armed, rfl⟩

/-- AUTH-16: the witness has the room of its timer. -/
theorem timeOut_len {o : Outstanding} {watch : Watch} (armed : watch ∈ o.armed)
    (session : SessionId) (now : Tick) : (o.timeOut session watch.timer now).1.len ≤ o.len := by
  have : (o.armed.filter (·.timer.id != watch.timer.id)).length < o.armed.length :=
    List.length_filter_lt_length_iff_exists.2 ⟨watch, armed, by simp⟩
  simp only [Outstanding.timeOut, Outstanding.len, Outstanding.disarm, List.length_append,
    List.length_cons, List.length_nil]
  omega

end Sound

end Outstanding

namespace Tokens

/-- After fragments were taken each holding that has serials has a fragment left. -/
theorem living_take (sp : Spread) (o : Ownership) (scope : Scope) :
    ∀ one ∈ (sp.take o scope).2.serials, ∃ f owner,
      Has ((sp.take o scope).1.holdings (some (sp.take o scope).2)) f
        ⟨owner, one.generation, false⟩ := by
  intro one h
  simp only [Spread.take, Spread.forgetSerials, List.mem_filter, Bool.or_eq_true, Bool.and_eq_true,
    beq_iff_eq, Bool.not_eq_true', List.any_eq_true] at h
  rcases h.2 with ⟨g, some⟩ | ⟨held, hm, live, g⟩
  · obtain ⟨f, hf⟩ := (Scope.isEmpty_eq_false_iff _).1 some
    exact ⟨f, o.owner, (has_holdings _ _ _ _).2 (.inl ⟨hf, by rw [← g]; rfl⟩)⟩
  · have some : held.scope.isEmpty = false := by
      obtain ⟨old, _, hl⟩ := List.mem_filterMap.1 hm
      simp only [Spread.left] at hl
      split at hl
      · contradiction
      · rename_i no
        injection hl with hl; subst hl
        simpa using no
    obtain ⟨f, hf⟩ := (Scope.isEmpty_eq_false_iff _).1 some
    refine ⟨f, held.owner, (has_holdings _ _ _ _).2 (.inr ⟨held.held, ?_, hf, ?_⟩)⟩
    · exact List.mem_map_of_mem hm
    · simp [Holding.held, Held.who, live, g]

theorem sub {has has' : Whose} {serials serials' : List Serials} (tokens : Tokens has serials)
    (sub : serials'.Sublist serials)
    (living : ∀ one ∈ serials', ∃ f owner, has' f ⟨owner, one.generation, false⟩) :
    Tokens has' serials' :=
  ⟨tokens.once.sublist sub, living, fun one h => tokens.window one (sub.subset h)⟩

/-- TOKEN-8: serials die with the last fragment of their generation. -/
theorem release {sp : Spread} {o : Ownership}
    (tokens : Tokens (Has (o.holdings (some sp))) sp.serials) (owner : Owner)
    (generation : Generation) (scope : Scope) (origin : Origin) :
    Tokens (Has ((sp.release o owner generation scope origin).1.holdings
      (some (sp.release o owner generation scope origin).2)))
      (sp.release o owner generation scope origin).2.serials := by
  refine tokens.sub List.filter_sublist fun one h => ?_
  obtain ⟨f, w, held⟩ := living_take sp o scope one h
  exact ⟨f, w, (has_release _ _ _ _ _ _ _ _).2 (.inr ((has_take _ _ _ _ _).1 held))⟩

theorem issue {sp : Spread} {o : Ownership}
    (tokens : Tokens (Has (o.holdings (some sp))) sp.serials) (owner : Owner) (scope : Scope)
    (origin : Origin) :
    Tokens (Has ((sp.issue o owner scope origin).1.holdings
      (some (sp.issue o owner scope origin).2))) (sp.issue o owner scope origin).2.serials := by
  refine tokens.sub List.filter_sublist fun one h => ?_
  obtain ⟨f, w, held⟩ := living_take sp o scope one h
  exact ⟨f, w, (has_issue _ _ _ _ _ _ _).2 (.inr ((has_take _ _ _ _ _).1 held))⟩

theorem lose {sp : Spread} {o : Ownership}
    (tokens : Tokens (Has (o.holdings (some sp))) sp.serials) (owner : Owner) (origin : Origin) :
    Tokens (Has ((sp.lose o owner origin).1.holdings (some (sp.lose o owner origin).2)))
      (sp.lose o owner origin).2.serials := by
  simp only [Spread.lose]
  generalize (o.holdings (some sp)).filter (fun held =>
    !held.released && !held.scope.isEmpty && held.owner == owner) = own
  induction own generalizing o sp with
  | nil => exact tokens
  | cons h rest ih => exact ih (tokens.release owner h.generation h.scope origin)

/-- TOKEN-1, TOKEN-5, TOKEN-7: the serials of a holding that has a fragment change. -/
theorem put {has : Whose} {sp : Spread} (tokens : Tokens has sp.serials) {serials : Serials}
    (living : ∃ f owner, has f ⟨owner, serials.generation, false⟩)
    (window : 0 < serials.issued ∧ serials.confirmed ≤ serials.issued
      ∧ serials.issued ≤ serials.confirmed + 1) :
    Tokens has (sp.put serials).serials := by
  simp only [Spread.put]
  split
  · refine ⟨?_, fun one h => ?_, fun one h => ?_⟩
    · refine List.pairwise_map.2 (tokens.once.imp fun {a b} ne => ?_)
      split <;> split <;> simp_all
    · obtain ⟨k, hk, rfl⟩ := List.mem_map.1 h
      split
      · exact living
      · exact tokens.living k hk
    · obtain ⟨k, hk, rfl⟩ := List.mem_map.1 h
      split
      · exact window
      · exact tokens.window k hk
  · rename_i no
    have fresh : ∀ one ∈ sp.serials, one.generation ≠ serials.generation := by simpa using no
    refine ⟨List.pairwise_append.2 ⟨tokens.once, List.pairwise_singleton _ _, ?_⟩,
      fun one h => ?_, fun one h => ?_⟩
    · intro a ha b hb
      rw [List.mem_singleton.1 hb]
      exact fresh a ha
    · rcases List.mem_append.1 h with h | h
      · exact tokens.living one h
      · rw [List.mem_singleton.1 h]; exact living
    · rcases List.mem_append.1 h with h | h
      · exact tokens.window one h
      · rw [List.mem_singleton.1 h]; exact window

end Tokens

/-- What is lost keeps its transfers and the numbers that were written. -/
theorem lose_rest (sp : Spread) (o : Ownership) (owner : Owner) (origin : Origin) :
    (sp.lose o owner origin).2.last = sp.last ∧ (sp.lose o owner origin).2.staged = sp.staged
      ∧ (sp.lose o owner origin).2.receipts = sp.receipts := by
  simp only [Spread.lose]
  generalize (o.holdings (some sp)).filter (fun held =>
    !held.released && !held.scope.isEmpty && held.owner == owner) = own
  induction own generalizing o sp with
  | nil => exact ⟨rfl, rfl, rfl⟩
  | cons h rest ih =>
    exact ih (sp.release o owner h.generation h.scope origin).2
      (sp.release o owner h.generation h.scope origin).1

end Antiphon.Machine
