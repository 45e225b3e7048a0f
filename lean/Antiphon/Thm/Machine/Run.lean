import Antiphon.Thm.Machine.State

/-!
# Proofs about runs: timers run out, inputs are applied, and commands follow each other
-/

namespace Antiphon.Machine.State

variable {s s' : State} {outputs : List Output}

/-! ## Timers -/

theorem dueFirst_none : ∀ {l : List Live}, dueFirst l = none → ∀ x ∈ l, x.session.due = none
  | [], _ => by simp
  | live :: rest, h => by
    simp only [dueFirst] at h
    split at h
    · rename_i hd
      intro x hx
      rcases List.mem_cons.1 hx with rfl | hx
      · exact hd
      · exact dueFirst_none h x hx
    · simp at h
    · split at h <;> simp at h

theorem dueFirst_some : ∀ {l : List Live} {live : Live} {due : Due},
    dueFirst l = some (live, due) → live ∈ l ∧ live.session.due = some due
      ∧ ∀ x ∈ l, ∀ d, x.session.due = some d → due.1 ≤ d.1
  | [], _, _, h => by simp [dueFirst] at h
  | first :: rest, live, due, h => by
    simp only [dueFirst] at h
    split at h
    · rename_i hd
      obtain ⟨mem, is, least⟩ := dueFirst_some h
      refine ⟨List.mem_cons_of_mem _ mem, is, ?_⟩
      intro x hx d hxd
      rcases List.mem_cons.1 hx with rfl | hx
      · rw [hd] at hxd
        simp at hxd
      · exact least x hx d hxd
    · rename_i d hd hn
      simp only [Option.some.injEq, Prod.mk.injEq] at h
      obtain ⟨rfl, rfl⟩ := h
      refine ⟨List.mem_cons_self .., hd, ?_⟩
      intro x hx d' hxd
      rcases List.mem_cons.1 hx with rfl | hx
      · rw [hd] at hxd
        injection hxd with hxd
        rw [hxd]
        exact Nat.le_refl _
      · rw [dueFirst_none hn x hx] at hxd
        simp at hxd
    · rename_i d other d' hd hf
      obtain ⟨mem, is, least⟩ := dueFirst_some hf
      split at h
      · rename_i before
        simp only [Option.some.injEq, Prod.mk.injEq] at h
        obtain ⟨rfl, rfl⟩ := h
        have le : d.1 ≤ d'.1 := by
          simp only [Bool.or_eq_true, Bool.and_eq_true, decide_eq_true_eq, beq_iff_eq] at before
          arith
        refine ⟨List.mem_cons_self .., hd, ?_⟩
        intro x hx e hxe
        rcases List.mem_cons.1 hx with rfl | hx
        · rw [hd] at hxe
          injection hxe with hxe
          rw [hxe]
          exact Nat.le_refl _
        · exact Nat.le_trans le (least x hx e hxe)
      · rename_i before
        simp only [Option.some.injEq, Prod.mk.injEq] at h
        obtain ⟨rfl, rfl⟩ := h
        have le : d'.1 ≤ d.1 := by
          simp only [Bool.or_eq_true, Bool.and_eq_true, decide_eq_true_eq, beq_iff_eq,
            not_or] at before
          arith
        refine ⟨List.mem_cons_of_mem _ mem, is, ?_⟩
        intro x hx e hxe
        rcases List.mem_cons.1 hx with rfl | hx
        · rw [hd] at hxe
          injection hxe with hxe
          rw [← hxe]
          exact le
        · exact least x hx e hxe

/-- No timer is due. -/
def Quiet (s : State) : Prop := ∀ l ∈ s.sessions, ∀ due, l.session.due = some due → s.now < due.1

/-- How many timers can run out before somebody arms one. -/
def expiries (s : State) : Nat := (s.sessions.map (·.session.expiries)).sum

theorem expiries_le (s : State) : s.expiries ≤ s.expiriesMost := by
  unfold expiries expiriesMost
  induction s.sessions with
  | nil => exact Nat.le_refl _
  | cons live rest ih =>
    have := Session.expiries_le live.session
    simp only [List.map_cons, List.sum_cons]
    omega

theorem sum_put {live after : Live} : ∀ {l : List Live}, (l.map (·.session.id)).Nodup → live ∈ l →
    after.session.id = live.session.id →
    ((l.map fun x => if x.session.id = after.session.id then after else x).map
        (·.session.expiries)).sum + live.session.expiries
      = (l.map (·.session.expiries)).sum + after.session.expiries
  | [], _, h, _ => by simp at h
  | x :: rest, nodup, h, e => by
    simp only [List.map_cons, List.nodup_cons, List.mem_map, not_exists, not_and] at nodup
    obtain ⟨fresh, nodup⟩ := nodup
    simp only [List.map_cons, List.sum_cons]
    rcases List.mem_cons.1 h with rfl | h
    · have same : (rest.map fun x => if x.session.id = after.session.id then after else x)
          = rest := by
        refine (List.map_congr_left fun y hy => ?_).trans (List.map_id _)
        have := fresh y hy
        rw [← e] at this
        simp [this]
      rw [same, if_pos e.symm]
      omega
    · have ne : x.session.id ≠ after.session.id := by
        intro hx
        exact fresh live h (e.symm.trans hx.symm)
      have ih := sum_put nodup h e
      rw [if_neg ne]
      omega

theorem le_sum : ∀ {l : List Nat} {n : Nat}, n ∈ l → n ≤ l.sum
  | [], _, h => by simp at h
  | x :: rest, n, h => by
    simp only [List.sum_cons]
    rcases List.mem_cons.1 h with rfl | h
    · omega
    · have := le_sum h
      omega

theorem protocolOf_found {session : Session} {p : Protocol}
    (h : s.protocol session.protocol = some p) : s.protocolOf session = p := by
  simp [protocolOf, h]

/-- A timer runs out. -/
theorem expire_became (wf : s.WellFormed) {live : Live} {due : Due} (mem : live ∈ s.sessions)
    (is : live.session.due = some due) (now : due.1 ≤ s.now) :
    Became s (s.expire live due).2 (s.expire live due).1 ∧ (s.expire live due).1.WellFormed
      ∧ (s.expire live due).1.now = s.now
      ∧ (s.expire live due).1.expiries < s.expiries := by
  obtain ⟨p, hp, swf, idle, tick⟩ := wf.each live mem
  have step : Session.Step p live.session (live.session.expire p due.1 due.2).2
      (live.session.expire p due.1 due.2).1 := .expires is
  have keeps := (Session.expire_keeps p live.session due.1 due.2).1
  unfold expire
  rw [protocolOf_found hp]
  obtain ⟨became, same, after, session, sessions⟩ := changed_became wf mem hp
    (Session.Steps.one step) keeps.id keeps.protocol (Session.expire_about p _ _ _)
    (match due.2 with
      | .transfer _ => true
      | _ => false)
  have ticks := changed_ticks wf.ticks same (after := after) (by
    rw [session, Session.expire_tick]
    exact Nat.max_le.2 ⟨tick, now⟩) sessions
  refine ⟨became, became.wellFormed wf ticks, same, ?_⟩
  have fewer := Session.expire_fewer (p := p) is
  have sum := sum_put (after := after) wf.distinct mem (by rw [session]; exact keeps.id)
  have total : ∀ t : State, t.sessions = (s.put after).sessions →
      t.expiries < s.expiries := by
    intro t ht
    simp only [expiries, ht, put]
    have e : after.session.expiries = (live.session.expire p due.1 due.2).1.expiries := by
      rw [session]
    omega
  exact total _ sessions

theorem expireDue_became : ∀ {fuel : Nat} {s : State}, s.WellFormed → s.expiries ≤ fuel →
    Became s (s.expireDue fuel).2 (s.expireDue fuel).1 ∧ (s.expireDue fuel).1.WellFormed
      ∧ (s.expireDue fuel).1.now = s.now ∧ (s.expireDue fuel).1.Quiet
  | 0, s, wf, le => by
    refine ⟨Became.refl wf, wf, rfl, ?_⟩
    intro l hl due is
    have pos := Session.expiries_pos (Session.due_some is)
    have : l.session.expiries ≤ s.expiries :=
      le_sum (List.mem_map_of_mem hl)
    simp only [expireDue] at *
    omega
  | fuel + 1, s, wf, le => by
    unfold expireDue
    split
    · rename_i none_
      refine ⟨Became.refl wf, wf, rfl, ?_⟩
      intro l hl due is
      rw [dueFirst_none none_ l hl] at is
      simp at is
    · rename_i live due first
      obtain ⟨mem, is, least⟩ := dueFirst_some first
      split
      · rename_i later
        exact ⟨Became.refl wf, wf, rfl, fun l hl d hd => Nat.lt_of_lt_of_le later (least l hl d hd)⟩
      · rename_i now
        obtain ⟨became, wf', same, fewer⟩ := expire_became wf mem is (Nat.le_of_not_lt now)
        obtain ⟨became', wf'', same', quiet⟩ := expireDue_became (fuel := fuel) wf' (by omega)
        exact ⟨became.trans became', wf'', same'.trans same, quiet⟩

/-- MACH-6: behind the time every timer that was due has run out. -/
theorem advanceTime_became (wf : s.WellFormed) (now : Tick) :
    Became s (s.advanceTime now).2 (s.advanceTime now).1 ∧ (s.advanceTime now).1.WellFormed
      ∧ (s.advanceTime now).1.Quiet := by
  have wf' : ({ s with now := max s.now now } : State).WellFormed := by
    refine ⟨wf.protocols, wf.distinct, ?_⟩
    intro l hl
    obtain ⟨p, hp, swf, idle, tick⟩ := wf.each l hl
    exact ⟨p, hp, swf, idle, Nat.le_trans tick (Nat.le_max_left _ _)⟩
  obtain ⟨became, wf'', _, quiet⟩ := expireDue_became wf' (expiries_le _)
  refine ⟨?_, wf'', quiet⟩
  have later : Became s [] ({ s with now := max s.now now } : State) :=
    became_less wf rfl rfl (Nat.le_max_left _ _) (List.Sublist.refl _) fun l hl => ⟨l, hl, rfl⟩
  simpa using later.trans became

/-! ## Inputs -/

theorem find_mem {id : SessionId} {live : Live} (h : s.find id = some live) :
    live ∈ s.sessions ∧ live.session.id = id :=
  ⟨List.mem_of_find?_eq_some h, by simpa using List.find?_some h⟩

theorem find_none {id : SessionId} (h : s.find id = none) :
    ∀ l ∈ s.sessions, l.session.id ≠ id := by
  intro l hl
  simpa using List.find?_eq_none.1 h l hl

/-- What one session takes, and what becomes of the others. -/
theorem took_became (wf : s.WellFormed) {live : Live} {p : Protocol} {binding : Bool}
    {result : Except Refusal Machine.Came} (mem : live ∈ s.sessions)
    (hp : s.protocol live.session.protocol = some p)
    (step : ∀ came, result = .ok came → Session.Step p live.session came.outputs came.session)
    (tick : ∀ came, result = .ok came → came.session.tick ≤ s.now) :
    Became s (s.took live binding result).2.2 (s.took live binding result).1
      ∧ (s.took live binding result).1.WellFormed := by
  unfold took
  split
  · exact ⟨Became.refl wf, wf⟩
  · rename_i came
    have pwf := protocol_wellFormed wf hp
    obtain ⟨q, hq, swf, idle, _⟩ := wf.each live mem
    rw [hp] at hq
    injection hq with hq
    subst hq
    have taken := step came rfl
    have swf' := taken.wellFormed pwf swf
    have pr : came.session.protocol = live.session.protocol := by
      rw [swf'.protocol, swf.protocol]
    obtain ⟨became, same, after, session, sessions⟩ := changed_became wf mem hp
      (Session.Steps.one taken) (taken.id pwf swf) pr taken.about
      (binding || !came.outputs.isEmpty)
    have ticks := changed_ticks wf.ticks same (after := after) (by
      rw [session]
      exact tick came rfl) sessions
    exact ⟨became, became.wellFormed wf ticks⟩

theorem answered_became (wf : s.WellFormed) (answer : Except Refusal Accepted) :
    Became s (s.answered answer).2.2 (s.answered answer).1 ∧ (s.answered answer).1.WellFormed := by
  unfold answered
  split <;> exact ⟨Became.refl wf, wf⟩

theorem refused_became (wf : s.WellFormed) (refusal : Refusal) :
    Became s (s.refused refusal).2.2 (s.refused refusal).1
      ∧ (s.refused refusal).1.WellFormed := ⟨Became.refl wf, wf⟩

theorem act_became (wf : s.WellFormed) (quiet : s.Quiet) (by_ : Presented) (act : Act) :
    Became s (s.act by_ act).2.2 (s.act by_ act).1 ∧ (s.act by_ act).1.WellFormed := by
  unfold State.act
  split
  · rename_i live found
    obtain ⟨mem, id⟩ := find_mem found
    obtain ⟨p, hp, swf, idle, tick⟩ := wf.each live mem
    rw [protocolOf_found hp]
    exact took_became wf mem hp
      (fun came h => .acts tick (quiet live mem) id.symm h)
      (fun came h => (Session.actOn_timely h).le tick)
  · split
    · exact refused_became wf _
    · exact answered_became wf _

theorem made_became (wf : s.WellFormed) (quiet : s.Quiet) (made : Made) :
    Became s (s.made made).2.2 (s.made made).1 ∧ (s.made made).1.WellFormed := by
  unfold State.made
  split
  · rename_i live found
    obtain ⟨mem, id⟩ := find_mem found
    obtain ⟨p, hp, swf, idle, tick⟩ := wf.each live mem
    rw [protocolOf_found hp]
    exact took_became wf mem hp
      (fun came h => .changes tick (quiet live mem) id.symm h)
      (fun came h => (Session.change_timely h).le tick)
  · split
    · exact refused_became wf _
    · exact answered_became wf _

theorem over_became (wf : s.WellFormed) (quiet : s.Quiet) (epoch : Epoch) (by_ : Presented)
    (act : Act) : Became s (s.over epoch by_ act).2.2 (s.over epoch by_ act).1
      ∧ (s.over epoch by_ act).1.WellFormed := by
  unfold State.over
  split
  · exact act_became wf quiet by_ act
  · split
    · exact refused_became wf _
    · exact act_became wf quiet by_ act

theorem recovered_became (wf : s.WellFormed) (quiet : s.Quiet) (id : SessionId) (fencing : Nat) :
    Became s (s.recovered id fencing).2.2 (s.recovered id fencing).1
      ∧ (s.recovered id fencing).1.WellFormed := by
  unfold State.recovered
  split
  · rename_i live found
    obtain ⟨mem, _⟩ := find_mem found
    obtain ⟨p, hp, swf, idle, tick⟩ := wf.each live mem
    rw [protocolOf_found hp]
    exact took_became wf mem hp
      (fun came h => .recovers tick (quiet live mem) h)
      (fun came h => (Session.recovered_attaches h).timely.le tick)
  · split <;> exact refused_became wf _

theorem open_became (wf : s.WellFormed) (o : Open) :
    Became s (s.open o).2.2 (s.open o).1 ∧ (s.open o).1.WellFormed := by
  unfold State.open
  split
  · split
    · exact ⟨Became.refl wf, wf⟩
    · exact refused_became wf _
  · rename_i found
    split
    · exact refused_became wf _
    · split
      · exact refused_became wf _
      · rename_i p hp
        split
        · exact refused_became wf _
        · rename_i came ho
          have pwf := protocol_wellFormed wf hp
          obtain ⟨tick, id, pr⟩ := Session.open_came ho
          have about := Session.open_about ho
          have digest := protocol_digest hp
          simp only
          generalize hl : (⟨came.session, [], 0, 0⟩ : Live) = live
          have is : live.session = came.session := by rw [← hl]
          generalize hs : ({ s with sessions := s.sessions ++ [live] } : State) = t
          obtain ⟨sessions, protocols, observed, now⟩ := noteEnded_same t live
          have ts : t.sessions = s.sessions ++ [live] := by rw [← hs]
          have tp : t.protocols = s.protocols := by rw [← hs]
          have to : t.observed = s.observed := by rw [← hs]
          have tn : t.now = s.now := by rw [← hs]
          have became : Became s (t.told came.outputs) (t.noteEnded live) := by
            refine ⟨protocols.trans tp, observed.trans to,
              Nat.le_of_eq (now.trans tn).symm, ?_, ?_⟩
            · show ((t.noteEnded live).sessions.map (·.session.id)).Nodup
              rw [sessions, ts, List.map_append, List.nodup_append]
              refine ⟨wf.distinct, by simp, ?_⟩
              intro a ha b hb
              obtain ⟨l, hl, rfl⟩ := List.mem_map.1 ha
              simp only [List.map_cons, List.map_nil, List.mem_singleton] at hb
              rw [hb, is, id]
              exact find_none found l hl
            · intro l' hl'
              rw [sessions, ts] at hl'
              rcases List.mem_append.1 hl' with hl' | hl'
              · refine .inl ⟨l', hl', went_same wf hl' rfl (filter_other (id := came.session.id)
                  ?_ ?_)⟩
                · rw [id]
                  exact find_none found l' hl'
                · intro x hx
                  exact isOf_session (about x (mem_told hx))
              · simp only [List.mem_singleton] at hl'
                subst hl'
                refine .inr ⟨p, s.now, o, came, [], [], t.told came.outputs, hp, ho, ?_, ?_, rfl, ?_⟩
                · rw [is]
                  exact .none
                · rw [is, pr, digest]
                · rw [told_same to, is, List.append_nil]
                  exact List.filter_eq_self.2 fun x hx => about x (mem_told hx)
          refine ⟨became, became.wellFormed wf ?_⟩
          intro l hl
          rw [sessions, ts] at hl
          rw [now, tn]
          rcases List.mem_append.1 hl with hl | hl
          · exact wf.ticks l hl
          · simp only [List.mem_singleton] at hl
            rw [hl, is, tick]
            exact Nat.le_refl _

theorem wellFormed_less (wf : s.WellFormed) (h : Became s [] s')
    (each : ∀ l' ∈ s'.sessions, ∃ l ∈ s.sessions, l'.session = l.session) : s'.WellFormed := by
  refine h.wellFormed wf ?_
  intro l' hl'
  obtain ⟨l, hl, e⟩ := each l' hl'
  rw [e]
  exact Nat.le_trans (wf.ticks l hl) h.now

theorem archiveSession_less (s : State) (live : Live) :
    (s.archiveSession live).ids.Sublist s.ids
      ∧ ∀ l ∈ (s.archiveSession live).sessions, l ∈ s.sessions :=
  ⟨List.filter_sublist.map _, fun _ h => (List.mem_filter.1 h).1⟩

theorem reap_became (wf : s.WellFormed) {id : SessionId} (h : s.reap id = .ok s') :
    Became s [] s' ∧ s'.WellFormed := by
  unfold reap at h
  split at h
  · split at h
    · injection h with h
      subst h
      exact ⟨Became.refl wf, wf⟩
    · simp at h
  · rename_i live _
    split at h
    · simp at h
    · split at h
      · simp at h
      · injection h with h
        subst h
        have ⟨ids, less⟩ := archiveSession_less s live
        have each : ∀ l ∈ (s.archiveSession live).sessions, ∃ l' ∈ s.sessions,
            l.session = l'.session := fun l hl => ⟨l, less l hl, rfl⟩
        have became : Became s [] { s.archiveSession live with
            ended := s.ended.filter (· != id) } :=
          became_less wf rfl rfl (Nat.le_refl _) ids each
        exact ⟨became, wellFormed_less wf became each⟩

theorem reapTerminal_became : ∀ {most : Nat} {s : State}, s.WellFormed →
    Became s [] (s.reapTerminal most).1 ∧ (s.reapTerminal most).1.WellFormed
  | 0, s, wf => ⟨Became.refl wf, wf⟩
  | most + 1, s, wf => by
    unfold reapTerminal
    split
    · exact ⟨Became.refl wf, wf⟩
    · split
      · exact ⟨Became.refl wf, wf⟩
      · rename_i rest _ _ live _
        have ⟨ids, less⟩ := archiveSession_less s live
        have each : ∀ l ∈ (s.archiveSession live).sessions, ∃ l' ∈ s.sessions,
            l.session = l'.session := fun l hl => ⟨l, less l hl, rfl⟩
        have became : Became s [] { s.archiveSession live with ended := rest } :=
          became_less wf rfl rfl (Nat.le_refl _) ids each
        have wf' := wellFormed_less wf became each
        obtain ⟨became', wf''⟩ := reapTerminal_became (most := most) wf'
        exact ⟨by simpa using became.trans became', wf''⟩

theorem persisted_became (wf : s.WellFormed) {id : SessionId} {upto : Nat}
    (h : s.persisted id upto = .ok s') : Became s [] s' ∧ s'.WellFormed := by
  unfold persisted at h
  split at h
  · split at h
    · injection h with h
      subst h
      exact ⟨Became.refl wf, wf⟩
    · simp at h
  · rename_i live found
    obtain ⟨mem, _⟩ := find_mem found
    generalize ha : ({ live with durable := max live.durable (min upto live.sealed) } : Live)
      = after at h
    have is : after.session = live.session := by rw [← ha]
    have same : s'.sessions = (s.put after).sessions ∧ s'.protocols = s.protocols
        ∧ s'.observed = s.observed ∧ s'.now = s.now := by
      simp only [Except.ok.injEq] at h
      subst h
      split
      · exact ⟨rfl, rfl, rfl, rfl⟩
      · exact noteEnded_same (s.put after) after
    obtain ⟨sessions, protocols, observed, now⟩ := same
    have each : ∀ l' ∈ s'.sessions, ∃ l ∈ s.sessions, l'.session = l.session := by
      intro l' hl'
      rw [sessions] at hl'
      rcases mem_put hl' with ⟨rfl, _⟩ | ⟨hl', _⟩
      · exact ⟨live, mem, is⟩
      · exact ⟨l', hl', rfl⟩
    have became : Became s [] s' := by
      refine became_less wf protocols observed (Nat.le_of_eq now.symm) ?_ each
      have : s'.ids = s.ids := by
        rw [← put_ids s after]
        simp [State.ids, sessions]
      rw [this]
      exact List.Sublist.refl _
    exact ⟨became, wellFormed_less wf became each⟩

theorem seal_became (wf : s.WellFormed) : Became s [] s.seal ∧ s.seal.WellFormed := by
  have each : ∀ l' ∈ s.seal.sessions, ∃ l ∈ s.sessions, l'.session = l.session := by
    intro l' hl'
    obtain ⟨l, hl, rfl⟩ := List.mem_map.1 hl'
    exact ⟨l, hl, rfl⟩
  have became : Became s [] s.seal := by
    refine became_less wf rfl rfl (Nat.le_refl _) ?_ each
    have : s.seal.ids = s.ids := by
      simp only [State.ids, State.seal, List.map_map]
      rfl
    rw [this]
    exact List.Sublist.refl _
  exact ⟨became, wellFormed_less wf became each⟩

theorem hosted_became (wf : s.WellFormed) {result : Except Refusal State}
    (h : ∀ t, result = .ok t → Became s [] t ∧ t.WellFormed) :
    Became s (s.hosted result).2.2 (s.hosted result).1 ∧ (s.hosted result).1.WellFormed := by
  unfold hosted
  split
  · exact refused_became wf _
  · exact h _ rfl

theorem apply_became (wf : s.WellFormed) (quiet : s.Quiet) (input : Input) :
    Became s (s.apply input).2.2 (s.apply input).1 ∧ (s.apply input).1.WellFormed := by
  cases input with
  | «open» o => exact open_became wf o
  | act by_ act => exact act_became wf quiet by_ act
  | commit commit => exact made_became wf quiet _
  | persisted session upto => exact hosted_became wf fun _ h => persisted_became wf h
  | tick => exact ⟨Became.refl wf, wf⟩
  | reclaim reclaim => exact made_became wf quiet _
  | reap session => exact hosted_became wf fun _ h => reap_became wf h
  | over epoch by_ act => exact over_became wf quiet epoch by_ act
  | recovered session fencing => exact recovered_became wf quiet session fencing

theorem step_became (wf : s.WellFormed) (now : Tick) (input : Input) :
    Became s (s.step now input).2.2 (s.step now input).1 ∧ (s.step now input).1.WellFormed := by
  obtain ⟨became, wf', quiet⟩ := advanceTime_became wf now
  obtain ⟨became', wf''⟩ := apply_became wf' quiet input
  exact ⟨became.trans became', wf''⟩

theorem obey_became (wf : s.WellFormed) (command : Command) :
    Became s (s.obey command).2 (s.obey command).1 ∧ (s.obey command).1.WellFormed := by
  cases command with
  | input now input => exact step_became wf now input
  | «seal» => exact seal_became wf
  | sweep most => exact reapTerminal_became wf

theorem run_became : ∀ {commands : List Command} {s : State}, s.WellFormed →
    Became s (s.run commands).2 (s.run commands).1 ∧ (s.run commands).1.WellFormed
  | [], s, wf => ⟨Became.refl wf, wf⟩
  | command :: rest, s, wf => by
    obtain ⟨became, wf'⟩ := obey_became wf command
    obtain ⟨became', wf''⟩ := run_became (commands := rest) wf'
    exact ⟨became.trans became', wf''⟩

theorem start_wellFormed {protocols : List Protocol} (h : ∀ p ∈ protocols, p.wellFormed = true)
    (observed : Bool) : (start protocols observed).WellFormed :=
  ⟨h, by simp [State.ids, start, State.new], by simp [start, State.new]⟩

/-- Every session of a run was opened in it, and what was told of it since is its history. -/
theorem run_history {protocols : List Protocol} (h : ∀ p ∈ protocols, p.wellFormed = true)
    {observed : Bool} {commands : List Command} {live : Live}
    (mem : live ∈ ((start protocols observed).run commands).1.sessions) :
    ∃ p ∈ protocols, ∃ told before since, Session.History p live.session told
      ∧ ((start protocols observed).run commands).2 = before ++ since
      ∧ since.filter (·.isOf live.session.id) = (start protocols observed).told told := by
  obtain ⟨became, _⟩ := run_became (commands := commands) (start_wellFormed h observed)
  rcases became.each live mem with ⟨l, hl, _⟩ | ⟨p, now, o, came, told, before, since, hp, ho,
    steps, pr, e, f⟩
  · simp [start, State.new] at hl
  · exact ⟨p, List.mem_of_find?_eq_some hp, _, before, since,
      steps.history (.opened (protocol_digest hp).symm ho), e, f⟩

end Antiphon.Machine.State
