import Antiphon.Thm.Machine.Run

/-!
# Proofs that sessions are alone: what is done to one changes no other

Looked at by its id, another session is, down to what is volatile of it, as it was.
-/

namespace Antiphon.Machine.State

variable {s s' : State} {id : SessionId}

theorem find_put {live : Live} (h : live.session.id ≠ id) : (s.put live).find id = s.find id := by
  unfold find put
  simp only
  induction s.sessions with
  | nil => rfl
  | cons x rest ih =>
    simp only [List.map_cons, List.find?_cons]
    by_cases e : x.session.id = live.session.id
    · have other : (live.session.id == id) = false := by simpa using h
      have same : (x.session.id == id) = false := by rw [e]; exact other
      simp only [if_pos e, other, same]
      exact ih
    · simp only [if_neg e]
      split
      · rfl
      · exact ih

theorem find_changed {live : Live} {session : Session} {outputs : List Output} {delivers : Bool}
    (h : session.id ≠ id) : (s.changed live session outputs delivers).1.find id = s.find id := by
  unfold changed
  simp only
  split
  · exact find_put h
  · unfold find
    rw [(noteEnded_same _ _).1]
    exact find_put h

theorem find_same (h : s'.sessions = s.sessions) : s'.find id = s.find id := by
  unfold find
  rw [h]

/-- Time passes by a session whose timers are not due. -/
theorem find_expireDue : ∀ {fuel : Nat} {s : State}, s.WellFormed → s.expiries ≤ fuel →
    (∀ live, s.find id = some live → ∀ due, live.session.due = some due → s.now < due.1) →
    (s.expireDue fuel).1.find id = s.find id
  | 0, _, _, _, _ => rfl
  | fuel + 1, s, wf, le, quiet => by
    unfold expireDue
    split
    · rfl
    · rename_i live due first
      obtain ⟨mem, is, _⟩ := dueFirst_some first
      split
      · rfl
      · rename_i now
        have ne : live.session.id ≠ id := by
          intro e
          have found : s.find id = some live := by
            cases hf : s.find id with
            | none => exact absurd e (find_none hf live mem)
            | some other =>
              obtain ⟨mem', e'⟩ := find_mem hf
              have : other = live :=
                unique_of_nodup wf.distinct mem' mem (e'.trans e.symm)
              rw [this]
          exact now (quiet live found due is)
        obtain ⟨_, wf', same, fewer⟩ := expire_became wf mem is (Nat.le_of_not_lt now)
        have kept : (s.expire live due).1.find id = s.find id := by
          unfold expire
          refine find_changed (session := (live.session.expire (s.protocolOf live.session) due.1
            due.2).1) ?_
          rw [(Session.expire_keeps _ _ _ _).1.id]
          exact ne
        simp only
        rw [find_expireDue (fuel := fuel) wf' (by omega) (by rw [kept, same]; exact quiet), kept]
where
  unique_of_nodup {l : List Live} {a b : Live} (h : (l.map (·.session.id)).Nodup) (ha : a ∈ l)
      (hb : b ∈ l) (e : a.session.id = b.session.id) : a = b := by
    induction l with
    | nil => simp at ha
    | cons x rest ih =>
      simp only [List.map_cons, List.nodup_cons, List.mem_map, not_exists, not_and] at h
      rcases List.mem_cons.1 ha with ea | ha' <;> rcases List.mem_cons.1 hb with eb | hb'
      · rw [ea, eb]
      · exact absurd (ea ▸ e).symm (h.1 b hb')
      · exact absurd (eb ▸ e) (h.1 a ha')
      · exact ih h.2 ha' hb'

theorem find_advanceTime (wf : s.WellFormed) {now : Tick}
    (quiet : ∀ live, s.find id = some live → ∀ due, live.session.due = some due →
      max s.now now < due.1) : (s.advanceTime now).1.find id = s.find id := by
  have wf' : ({ s with now := max s.now now } : State).WellFormed := by
    refine ⟨wf.protocols, wf.distinct, ?_⟩
    intro l hl
    obtain ⟨p, hp, swf, idle, tick⟩ := wf.each l hl
    exact ⟨p, hp, swf, idle, Nat.le_trans tick (Nat.le_max_left _ _)⟩
  exact find_expireDue wf' (expiries_le _) quiet

theorem find_took (wf : s.WellFormed) {live : Live} {p : Protocol} {binding : Bool}
    {result : Except Refusal Machine.Came} (mem : live ∈ s.sessions)
    (hp : s.protocol live.session.protocol = some p)
    (step : ∀ came, result = .ok came → Session.Step p live.session came.outputs came.session)
    (ne : live.session.id ≠ id) : (s.took live binding result).1.find id = s.find id := by
  unfold took
  split
  · rfl
  · rename_i came
    obtain ⟨q, hq, swf, _⟩ := wf.each live mem
    rw [hp] at hq
    injection hq with hq
    subst hq
    refine find_changed (outputs := came.outputs) ?_
    rw [(step came rfl).id (protocol_wellFormed wf hp) swf]
    exact ne

theorem find_answered (answer : Except Refusal Accepted) :
    (s.answered answer).1.find id = s.find id := by
  unfold answered; split <;> rfl

theorem find_open {o : Open} (ne : o.session ≠ id) : (s.open o).1.find id = s.find id := by
  unfold State.open
  repeat' split
  all_goals try rfl
  rename_i came ho
  unfold find
  rw [(noteEnded_same _ _).1]
  have := (Session.open_came ho).2.1
  simp only [List.find?_append]
  have other : (came.session.id == id) = false := by
    rw [this]
    simpa using ne
  simp [other]

theorem find_archiveSession {live : Live} (ne : live.session.id ≠ id) :
    (s.archiveSession live).find id = s.find id := by
  unfold archiveSession find
  simp only
  rw [List.find?_filter]
  congr 1
  funext l
  by_cases e : l.session.id = id
  · simp [e, Ne.symm ne]
  · simp [e]

theorem find_reap {other : SessionId} (ne : other ≠ id) (h : s.reap other = .ok s') :
    s'.find id = s.find id := by
  unfold reap at h
  split at h
  · split at h
    · injection h with h
      rw [h]
    · simp at h
  · rename_i live found
    split at h
    · simp at h
    · split at h
      · simp at h
      · injection h with h
        subst h
        refine Eq.trans ?_ (find_archiveSession (live := live) ?_)
        · rfl
        · rw [(find_mem found).2]
          exact ne

theorem find_persisted {other : SessionId} {upto : Nat} (ne : other ≠ id)
    (h : s.persisted other upto = .ok s') : s'.find id = s.find id := by
  unfold persisted at h
  split at h
  · split at h
    · injection h with h
      rw [h]
    · simp at h
  · rename_i live found
    have hne : ({ live with durable := max live.durable (min upto live.sealed) } : Live).session.id
        ≠ id := by
      show live.session.id ≠ id
      rw [(find_mem found).2]
      exact ne
    simp only [Except.ok.injEq] at h
    subst h
    split
    · exact find_put hne
    · rw [find_same (noteEnded_same _ _).1]
      exact find_put hne

theorem find_hosted {result : Except Refusal State}
    (h : ∀ t, result = .ok t → t.find id = s.find id) : (s.hosted result).1.find id = s.find id := by
  unfold hosted
  split
  · rfl
  · exact h _ rfl

theorem find_act (wf : s.WellFormed) (quiet : s.Quiet) {by_ : Presented} {act : Act}
    (ne : by_.session ≠ id) : (s.act by_ act).1.find id = s.find id := by
  unfold State.act
  split
  · rename_i live found
    obtain ⟨mem, e⟩ := find_mem found
    obtain ⟨p, hp, _, _, tick⟩ := wf.each live mem
    rw [protocolOf_found hp]
    exact find_took wf mem hp (fun came h => .acts tick (quiet live mem) e.symm h)
      (by rw [e]; exact ne)
  · split
    · rfl
    · exact find_answered _

theorem find_made (wf : s.WellFormed) (quiet : s.Quiet) {made : Made}
    (ne : made.session ≠ id) : (s.made made).1.find id = s.find id := by
  unfold State.made
  split
  · rename_i live found
    obtain ⟨mem, e⟩ := find_mem found
    obtain ⟨p, hp, _, _, tick⟩ := wf.each live mem
    rw [protocolOf_found hp]
    exact find_took wf mem hp (fun came h => .changes tick (quiet live mem) e.symm h)
      (by rw [e]; exact ne)
  · split
    · rfl
    · exact find_answered _

theorem find_over (wf : s.WellFormed) (quiet : s.Quiet) {epoch : Epoch} {by_ : Presented} {act : Act}
    (ne : by_.session ≠ id) : (s.over epoch by_ act).1.find id = s.find id := by
  unfold State.over
  split
  · exact find_act wf quiet ne
  · split
    · rfl
    · exact find_act wf quiet ne

theorem find_recovered (wf : s.WellFormed) (quiet : s.Quiet) {other : SessionId} {fencing : Nat}
    (ne : other ≠ id) : (s.recovered other fencing).1.find id = s.find id := by
  unfold State.recovered
  split
  · rename_i live found
    obtain ⟨mem, e⟩ := find_mem found
    obtain ⟨p, hp, _, _, tick⟩ := wf.each live mem
    rw [protocolOf_found hp]
    exact find_took wf mem hp (fun came h => .recovers tick (quiet live mem) h)
      (by rw [e]; exact ne)
  · split <;> rfl

/-- An input about one session leaves every other one as the time has left it. -/
theorem find_apply (wf : s.WellFormed) (quiet : s.Quiet) {input : Input}
    (ne : input.session ≠ some id) : (s.apply input).1.find id = s.find id := by
  cases input with
  | «open» o => exact find_open fun e => ne (congrArg some e)
  | act by_ act => exact find_act wf quiet fun e => ne (congrArg some e)
  | commit commit => exact find_made wf quiet fun e => ne (congrArg some e)
  | persisted session upto =>
    exact find_hosted fun _ h => find_persisted (fun e => ne (congrArg some e)) h
  | tick => rfl
  | reclaim reclaim => exact find_made wf quiet fun e => ne (congrArg some e)
  | reap session => exact find_hosted fun _ h => find_reap (fun e => ne (congrArg some e)) h
  | over epoch by_ act => exact find_over wf quiet fun e => ne (congrArg some e)
  | recovered session fencing => exact find_recovered wf quiet fun e => ne (congrArg some e)

end Antiphon.Machine.State
