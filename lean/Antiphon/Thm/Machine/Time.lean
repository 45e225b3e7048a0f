import Antiphon.Thm.Machine.History

/-!
# Proofs about time: all timers that are due run out, the first of all first

Each timer that runs out leaves fewer that can: so the loop of `advanceTime` comes to its end, and
nothing that is due is left.
-/

namespace Antiphon.Machine

/-! ## The first timer -/

theorem Due.first_none : ∀ {l : List Due}, Due.first l = none → l = []
  | [], _ => rfl
  | due :: rest, h => by
    simp only [Due.first] at h
    split at h
    · simp at h
    · split at h <;> simp at h

theorem Due.first_some : ∀ {l : List Due} {due : Due}, Due.first l = some due →
    due ∈ l ∧ ∀ other ∈ l, due.1 ≤ other.1
  | [], _, h => by simp [Due.first] at h
  | x :: rest, due, h => by
    simp only [Due.first] at h
    split at h
    · rename_i hf
      injection h with h
      subst h
      rw [Due.first_none hf]
      simp
    · rename_i other hf
      obtain ⟨mem, least⟩ := Due.first_some hf
      split at h
      · rename_i before
        injection h with h
        subst h
        refine ⟨List.mem_cons_self .., ?_⟩
        intro y hy
        have : x.1 ≤ other.1 := by
          simp only [Due.before, Bool.or_eq_true, Bool.and_eq_true, decide_eq_true_eq,
            beq_iff_eq] at before
          arith
        rcases List.mem_cons.1 hy with rfl | hy
        · exact Nat.le_refl _
        · exact Nat.le_trans this (least y hy)
      · rename_i before
        injection h with h
        subst h
        refine ⟨List.mem_cons_of_mem _ mem, ?_⟩
        intro y hy
        rcases List.mem_cons.1 hy with rfl | hy
        · simp only [Due.before, Bool.or_eq_true, Bool.and_eq_true, decide_eq_true_eq, not_or,
            beq_iff_eq] at before
          arith
        · exact least y hy

namespace Session

variable {p : Protocol} {s : Session}

theorem due_some {due : Due} (h : s.due = some due) : due ∈ s.dues := (Due.first_some h).1

theorem due_least {due other : Due} (h : s.due = some due) (h' : other ∈ s.dues) :
    due.1 ≤ other.1 := (Due.first_some h).2 other h'

/-- How many timers can run out: an armed one leaves a witness, which can run out too. -/
def expiries (s : Session) : Nat :=
  (s.deadline.map fun at_ => (at_, Timer.drain)).toList.length
    + (s.staged.filterMap Staged.timer).length
    + (s.outstandingOrNew.timeouts.filterMap (·.witness.timer)).length
    + 2 * s.outstandingOrNew.armed.length

theorem expiries_le (s : Session) : s.expiries ≤ 2 * s.dues.length := by
  simp only [expiries, dues, outstandingOrNew, List.length_append]
  cases s.outstanding with
  | none => simp only [Outstanding.new, List.filterMap_nil, List.length_nil]; omega
  | some all =>
    simp only [Outstanding.dues, List.length_append, List.length_map]
    omega

theorem mem_dues {due : Due} (h : due ∈ s.dues) :
    (∃ at_, s.deadline = some at_ ∧ due = (at_, .drain))
      ∨ (∃ one ∈ s.staged, one.timer = some due)
      ∨ (∃ watch ∈ s.outstandingOrNew.armed, due = watch.timer.timer)
      ∨ (∃ late ∈ s.outstandingOrNew.timeouts, late.witness.timer = some due) := by
  simp only [dues, List.mem_append] at h
  rcases h with (h | h) | h
  · simp only [Option.mem_toList, Option.map_eq_some_iff] at h
    obtain ⟨at_, hd, rfl⟩ := h
    exact .inl ⟨at_, hd, rfl⟩
  · exact .inr (.inl (List.mem_filterMap.1 h))
  · cases ho : s.outstanding with
    | none => simp [ho] at h
    | some all =>
      simp only [ho, Outstanding.dues, List.mem_append, List.mem_map] at h
      simp only [outstandingOrNew, ho]
      rcases h with ⟨watch, mem, rfl⟩ | h
      · exact .inr (.inr (.inl ⟨watch, mem, rfl⟩))
      · exact .inr (.inr (.inr (List.mem_filterMap.1 h)))

/-- What is taken out by `keep` was one that `f` found. -/
theorem filterMap_shorter {α β : Type} {f : α → Option β} {keep : α → Bool} :
    ∀ {l : List α} {x : α}, x ∈ l → keep x = false → (f x).isSome = true →
      ((l.filter keep).filterMap f).length < (l.filterMap f).length
  | [], _, h, _, _ => by simp at h
  | y :: rest, x, h, hk, hf => by
    have le : ((rest.filter keep).filterMap f).length ≤ (rest.filterMap f).length :=
      (List.filter_sublist.filterMap f).length_le
    rcases List.mem_cons.1 h with rfl | h
    · obtain ⟨z, hz⟩ := Option.isSome_iff_exists.1 hf
      rw [List.filter_cons_of_neg (by simp [hk]), List.filterMap_cons_some hz, List.length_cons]
      exact Nat.lt_succ_of_le le
    · have ih := filterMap_shorter h hk hf
      by_cases hy : keep y = true
      · rw [List.filter_cons_of_pos hy]
        cases hz : f y with
        | none => rwa [List.filterMap_cons_none hz, List.filterMap_cons_none hz]
        | some z =>
          rw [List.filterMap_cons_some hz, List.filterMap_cons_some hz, List.length_cons,
            List.length_cons]
          omega
      · rw [List.filter_cons_of_neg hy]
        cases hz : f y with
        | none => rwa [List.filterMap_cons_none hz]
        | some z =>
          rw [List.filterMap_cons_some hz, List.length_cons]
          omega

theorem filter_shorter {α : Type} {keep : α → Bool} {l : List α} {x : α} (h : x ∈ l)
    (hk : keep x = false) : (l.filter keep).length < l.length := by
  have := filterMap_shorter (f := some) h hk rfl
  simpa using this

theorem expiries_record (s : Session) (event : Recorded) (outcome : Outcome) :
    (s.record event outcome).1.expiries = s.expiries := by
  unfold record; split <;> rfl

theorem expiries_ended (s : Session) (status : Status) : (s.ended status).expiries = 0 := by
  simp only [expiries, ended, staged, outstandingOrNew]
  cases s.spread <;> cases s.outstanding <;> rfl

theorem expiries_settle (p : Protocol) (s : Session) : (s.settle p).1.expiries ≤ s.expiries := by
  unfold settle; split
  · show (s.ended _).expiries ≤ _
    rw [expiries_ended]
    exact Nat.zero_le _
  · exact Nat.le_refl _

theorem expiries_pos {due : Due} (h : due ∈ s.dues) : 0 < s.expiries := by
  unfold expiries
  rcases mem_dues h with ⟨at_, hd, _⟩ | ⟨one, mem, ht⟩ | ⟨watch, mem, _⟩ | ⟨late, mem, ht⟩
  · simp only [hd, Option.map_some, Option.toList_some, List.length_cons, List.length_nil]
    omega
  · have : due ∈ s.staged.filterMap Staged.timer := List.mem_filterMap.2 ⟨one, mem, ht⟩
    have := List.length_pos_of_mem this
    omega
  · have := List.length_pos_of_mem mem
    omega
  · have : due ∈ s.outstandingOrNew.timeouts.filterMap (·.witness.timer) :=
      List.mem_filterMap.2 ⟨late, mem, ht⟩
    have := List.length_pos_of_mem this
    omega

theorem timeouts_append_one (l : List Late) (late : Late) :
    ((l ++ [late]).filterMap (·.witness.timer)).length
      ≤ (l.filterMap (·.witness.timer)).length + 1 := by
  simp only [List.filterMap_append, List.length_append]
  have := List.length_filterMap_le (fun late : Late => late.witness.timer) [late]
  simp only [List.length_cons, List.length_nil] at this
  omega

/-- A timer that runs out leaves fewer that can. -/
theorem expire_fewer {due : Due} (h : s.due = some due) :
    (s.expire p due.1 due.2).1.expiries < s.expiries := by
  have mem := due_some h
  have pos := expiries_pos mem
  rcases mem_dues mem with ⟨at_, hd, rfl⟩ | ⟨one, one_mem, ht⟩ | ⟨watch, watch_mem, rfl⟩
    | ⟨late, late_mem, ht⟩
  · show (Session.ended _ _).expiries < _
    rw [expiries_ended]
    exact pos
  · simp only [Staged.timer, Option.map_eq_some_iff] at ht
    obtain ⟨at_, he, rfl⟩ := ht
    refine Nat.lt_of_le_of_lt (expiries_settle p (Session.record _ _ _).1) ?_
    rw [expiries_record]
    cases hs : s.spread with
    | none => simp [staged, hs] at one_mem
    | some spread =>
      simp only [staged, hs] at one_mem
      have := filterMap_shorter (f := Staged.timer)
        (keep := fun other => other.receipt.id != one.receipt.id) one_mem (by simp)
        (by simp [Staged.timer, he])
      simp only [expiries, staged, hs, touch, Option.map_some, Spread.settle,
        outstandingOrNew] at *
      omega
  · simp only [Armed.timer, expire, expireSite]
    split
    · rename_i none_
      have := List.find?_eq_none.1 none_ watch watch_mem
      simp at this
    · rename_i found hf
      rw [expiries_record]
      have found_mem : found ∈ s.outstandingOrNew.armed := List.mem_of_find?_eq_some hf
      have fewer := filter_shorter
        (keep := fun other : Watch => other.timer.id != found.timer.id) found_mem (by simp)
      have more := timeouts_append_one s.outstandingOrNew.timeouts
        ⟨(s.outstandingOrNew.timeOut s.id found.timer (max s.tick watch.timer.due)).2,
          found.timer.id⟩
      simp only [expiries, outstandingOrNew, touch, Outstanding.timeOut, Outstanding.disarm,
        staged] at *
      omega
  · simp only [TimeoutWitness.timer, Option.map_eq_some_iff] at ht
    obtain ⟨at_, hu, rfl⟩ := ht
    simp only [expire, expireWitness]
    rw [expiries_record]
    cases ho : s.outstanding with
    | none => simp [outstandingOrNew, ho, Outstanding.new] at late_mem
    | some all =>
      simp only [outstandingOrNew, ho] at late_mem
      have := filterMap_shorter (f := fun late : Late => late.witness.timer)
        (keep := fun other => other.witness.id != late.witness.id) late_mem (by simp)
        (by simp [TimeoutWitness.timer, hu])
      simp only [expiries, outstandingOrNew, touch, ho, Option.map_some, Outstanding.spend,
        staged] at *
      omega

/-- Time does not go back in a session. -/
theorem expire_tick (p : Protocol) (s : Session) (at_ : Tick) (timer : Timer) :
    (s.expire p at_ timer).1.tick = max s.tick at_ := by
  have recorded : ∀ (s : Session) event outcome, (s.record event outcome).1.tick = s.tick := by
    intro s event outcome
    unfold record; split <;> rfl
  have settled : ∀ (s : Session), (s.settle p).1.tick = s.tick := by
    intro s
    unfold settle; split <;> rfl
  cases timer with
  | drain =>
    show (Session.record _ _ _).1.tick = _
    rw [recorded]
    rfl
  | transfer receipt =>
    show (Session.settle p (Session.record _ _ _).1).1.tick = _
    rw [settled, recorded]
    rfl
  | site timer =>
    simp only [expire, expireSite]
    split
    · rfl
    · rw [recorded]
      rfl
  | witness witness =>
    show (Session.record _ _ _).1.tick = _
    rw [recorded]
    rfl

end Session

end Antiphon.Machine
