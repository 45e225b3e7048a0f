import Antiphon.Thm.Machine.Alone

/-!
# Proofs that what has ended stays as it ended, in a machine
-/

namespace Antiphon.Machine.State

variable {s s' : State} {id : SessionId} {live live' : Live}

theorem find_put_self (found : s.find id = some live) {after : Live}
    (h : after.session.id = id) : (s.put after).find id = some after := by
  unfold find at found ⊢
  unfold put
  simp only
  revert found
  induction s.sessions with
  | nil => simp
  | cons x rest ih =>
    intro found
    simp only [List.map_cons, List.find?_cons] at found ⊢
    by_cases e : x.session.id = after.session.id
    · simp [e, h]
    · have other : (x.session.id == id) = false := by
        rw [← h]
        simpa using e
      rw [other] at found
      simp only [if_neg e, other]
      exact ih found

theorem found_unique (wf : s.WellFormed) (found : s.find id = some live) {l : Live}
    (mem : l ∈ s.sessions) (e : l.session.id = id) : l = live := by
  obtain ⟨mem', e'⟩ := find_mem found
  exact find_expireDue.unique_of_nodup wf.distinct mem mem' (e.trans e'.symm)

/-- An operation that leaves its session as it is. -/
theorem find_took_same (found : s.find id = some live) {binding : Bool}
    {result : Except Refusal Machine.Came}
    (same : ∀ came, result = .ok came → came.session = live.session)
    (h : (s.took live binding result).1.find id = some live') : live'.session = live.session := by
  unfold took at h
  split at h
  · rw [refused, found] at h
    injection h with h
    rw [← h]
  · rename_i came
    have is := same came rfl
    have e := (find_mem found).2
    unfold changed at h
    simp only at h
    split at h
    · rw [find_put_self found (by rw [is]; exact e)] at h
      injection h with h
      rw [← h, is]
    · rw [find_same (noteEnded_same _ _).1, find_put_self found (by rw [is]; exact e)] at h
      injection h with h
      rw [← h, is]

/-- LIFE-11: no input changes a session that has ended. -/
theorem find_apply_final (wf : s.WellFormed) (found : s.find id = some live)
    (ended : live.session.status.isTerminal = true) (input : Input)
    (h : (s.apply input).1.find id = some live') (quiet : s.Quiet) :
    live'.session = live.session := by
  have e := (find_mem found).2
  have same : ∀ {t : State}, t.find id = s.find id → t.find id = some live' →
      live'.session = live.session := by
    intro t e h
    rw [e, found] at h
    injection h with h
    rw [← h]
  by_cases ne : input.session = some id
  · cases input with
    | «open» o =>
      injection ne with ne
      simp only [apply, State.open, ne, found] at h
      split at h
      · exact same rfl h
      · exact same rfl h
    | act by_ act =>
      injection ne with ne
      simp only [apply, State.act, ne, found] at h
      exact find_took_same found
        (fun came hc => ((Session.actOn_final hc).1 ended).1) h
    | commit commit =>
      injection ne with ne
      have : (Made.commit commit).session = id := ne
      simp only [apply, State.made, this, found] at h
      exact find_took_same found (fun came hc => ((Session.change_final hc).1 ended).1) h
    | persisted session upto =>
      injection ne with ne
      subst ne
      simp only [apply, persisted, found, hosted] at h
      split at h
      · rw [find_put_self found (by exact e)] at h
        injection h with h
        rw [← h]
      · rw [find_same (noteEnded_same _ _).1, find_put_self found (by exact e)] at h
        injection h with h
        rw [← h]
    | tick => simp [Input.session] at ne
    | reclaim reclaim =>
      injection ne with ne
      have : (Made.reclaim reclaim).session = id := ne
      simp only [apply, State.made, this, found] at h
      exact find_took_same found (fun came hc => ((Session.change_final hc).1 ended).1) h
    | over epoch by_ act =>
      injection ne with ne
      simp only [apply, State.over, ne, found, Option.map_some, Option.some_or] at h
      split at h
      · exact same rfl h
      · simp only [State.act, ne, found] at h
        exact find_took_same found
          (fun came hc => ((Session.actOn_final hc).1 ended).1) h
    | recovered session fencing =>
      injection ne with ne
      subst ne
      simp only [apply, State.recovered, found] at h
      exact find_took_same found
        (fun came hc => ((Session.recovered_attaches hc).final.1 ended).1) h
    | reap session =>
      injection ne with ne
      subst ne
      simp only [apply, reap, found, hosted] at h
      split at h
      · exact same rfl h
      · rename_i t ht
        repeat' split at ht
        all_goals try (simp at ht; done)
        injection ht with ht
        subst ht
        obtain ⟨mem, e'⟩ := find_mem h
        have := (List.mem_filter.1 mem).2
        simp [e, e'] at this
  · exact same (find_apply wf quiet ne) h

end Antiphon.Machine.State
