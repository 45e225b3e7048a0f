import Antiphon.Thm.Machine.Ticks

/-!
# Proofs about openings: a session begins as it should be
-/

namespace Antiphon.Machine

theorem Open.policed_wellFormed {p : Protocol} {index : Nat} {edge : Edge} {policy : Policy}
    {b b' : Buffer} (wf : b.WellFormed) (fresh : b.sent = 0 ∧ b.consumed = 0)
    (h : Open.policed p index edge policy b = .ok b') :
    b'.WellFormed ∧ b'.sent = 0 ∧ b'.consumed = 0 := by
  unfold Open.policed at h
  simp only at h
  repeat' split at h
  all_goals first
    | (simp at h; done)
    | (simp only [Except.ok.injEq] at h
       subst h
       exact ⟨⟨wf.counted, wf.room, wf.some, wf.ordered, wf.placed, wf.passed⟩, fresh⟩)

theorem Open.buffersFrom_wellFormed {p : Protocol} {o : Open} :
    ∀ {all : List (Edge × Nat)} {index : Nat} {buffers : List Buffer},
      (∀ one ∈ all, 0 < one.2) → o.buffersFrom p index all = .ok buffers →
      buffers.length = all.length
        ∧ ∀ b ∈ buffers, b.WellFormed ∧ b.sent = 0 ∧ b.consumed = 0
  | [], index, buffers, _, h => by
    simp only [buffersFrom, Except.ok.injEq] at h
    subst h
    simp
  | (edge, capacity) :: rest, index, buffers, pos, h => by
    simp only [buffersFrom] at h
    split at h
    · simp at h
    · rename_i buffer hb
      split at h
      · simp at h
      · rename_i others hr
        simp only [Except.ok.injEq] at h
        subst h
        have first := policed_wellFormed
          (Buffer.new_wellFormed (pos _ (List.mem_cons_self ..))) ⟨rfl, rfl⟩ hb
        have ⟨len, all⟩ := buffersFrom_wellFormed
          (fun one h => pos one (List.mem_cons_of_mem _ h)) hr
        refine ⟨by simp [len], ?_⟩
        intro b hb
        rcases List.mem_cons.1 hb with rfl | hb
        · exact first
        · exact all b hb

namespace Session

variable {p : Protocol} {now : Tick} {s : Session} {came : Came}

theorem counted_zero {role : Nat} : ∀ {edges : List Edge} {buffers : List Buffer},
    (∀ b ∈ buffers, b.sent = 0 ∧ b.consumed = 0) → counted edges buffers role = 0
  | [], _, _ => by simp [counted]
  | _ :: _, [], _ => by simp [counted]
  | edge :: edges, b :: buffers, h => by
    have ⟨sent, consumed⟩ := h b (List.mem_cons_self ..)
    have rest := counted_zero (role := role) (edges := edges) (buffers := buffers)
      (fun b hb => h b (List.mem_cons_of_mem _ hb))
    simp [counted, contribution, sent, consumed, rest]

/-- A session that was just made. -/
theorem opening_wellFormed (pwf : p.wellFormed = true) {o : Open} {replaying : Bool}
    (h : opening p now o replaying = .ok s) :
    s.WellFormed p ∧ s.status = .active ∧ ∀ role, s.endpoint role = ⟨0, 0⟩ := by
  have rooms : p.rooms.length = p.edges.length := by
    simp only [Protocol.wellFormed, Bool.and_eq_true, beq_iff_eq] at pwf
    exact pwf.1.1.1.1.1.2
  unfold opening at h
  simp only at h
  split at h
  · simp at h
  · split at h
    · simp at h
    · split at h
      · simp at h
      · rename_i good
        split at h
        · simp at h
        · rename_i buffers hb
          have fresh : ∀ known, (Session.fresh p now o buffers known).WellFormed p
              ∧ (Session.fresh p now o buffers known).status = .active
              ∧ ∀ role, (Session.fresh p now o buffers known).endpoint role = ⟨0, 0⟩ := by
            intro known
            have positive : ∀ one ∈ p.edges.zip (o.capacities.vector p), 0 < one.2 := by
              intro one hone
              have := List.find?_eq_none.1 good one hone
              simp only [Bool.or_eq_true, beq_iff_eq, decide_eq_true_eq, not_or] at this
              omega
            have ⟨len, each⟩ := Open.buffersFrom_wellFormed positive hb
            have endpoint : ∀ role, (Session.fresh p now o buffers known).endpoint role
                = ⟨0, 0⟩ := by
              intro role
              simp only [Session.endpoint, Session.fresh, List.getD_eq_getElem?_getD,
                List.getElem?_map]
              cases p.roles[role]? <;> rfl
            refine ⟨⟨rfl, by simp [Session.fresh], ?_, fun b hb => (each b hb).1, ?_⟩, rfl,
              endpoint⟩
            · show buffers.length = _
              rw [len]
              simp [Capacities.vector, rooms]
            · intro role _
              rw [endpoint]
              exact (counted_zero fun b hb => (each b hb).2).symm
          repeat' split at h
          all_goals first
            | (simp at h; done)
            | (simp only [Except.ok.injEq] at h
               subst h
               exact fresh _)

theorem open_wellFormed (pwf : p.wellFormed = true) {o : Open} {replaying : Bool}
    (h : Session.open p now o replaying = .ok came) :
    came.session.WellFormed p ∧ came.session.Idle
      ∧ (∀ role, came.session.endpoint role = ⟨0, 0⟩) ∧ advances came.outputs = [] := by
  unfold Session.open at h
  split at h
  · simp at h
  · rename_i fresh hf
    simp only [Except.ok.injEq] at h
    subst h
    obtain ⟨wf, active, endpoints⟩ := opening_wellFormed pwf hf
    have keeps := (record_keeps fresh (.input (.«open» (o.resolved p fresh.checked)))
      (.opened fresh.ownership.generation)).trans (came_keeps p _ (.opened (Session.record fresh
        (.input (.«open» (o.resolved p fresh.checked)))
        (.opened fresh.ownership.generation)).1.capability) ((Session.record fresh
        (.input (.«open» (o.resolved p fresh.checked)))
        (.opened fresh.ownership.generation)).2 ++ [.event (.opened (Session.record fresh
        (.input (.«open» (o.resolved p fresh.checked)))
        (.opened fresh.ownership.generation)).1.id)]))
    refine ⟨keeps.wellFormed wf, ?_, ?_, ?_⟩
    · refine came_idle ?_ _ _
      rw [record_status, active]
      rfl
    · intro role
      have := endpoints role
      simp only [endpoint] at this ⊢
      rw [keeps.endpoints]
      exact this
    · simp only [advances_came, advances_append, advances_record, List.nil_append]
      rfl

theorem Step.wellFormed {s' : Session} {told : List Output} (pwf : p.wellFormed = true)
    (h : Step p s told s') (wf : s.WellFormed p) : s'.WellFormed p := by
  obtain ⟨acts, does, _⟩ := h.does pwf wf
  exact does.wellFormed pwf wf

theorem History.wellFormed {told : List Output} (pwf : p.wellFormed = true)
    (h : History p s told) : s.WellFormed p ∧ s.Idle := by
  induction h with
  | opened _ h =>
    obtain ⟨wf, idle, _⟩ := open_wellFormed pwf h
    exact ⟨wf, idle⟩
  | next _ step ih => exact ⟨step.wellFormed pwf ih.1, step.idle ih.2⟩

/-- `endpoint_follows_type`, by the tables: each role is in the state that its table reaches by the
actions that were told of it. -/
theorem History.follows {told : List Output} (pwf : p.wellFormed = true) (h : History p s told) :
    ∃ acts, advances told = acts.map advance ∧ ∀ role, role < p.roles.length →
      (p.automaton role).run 0 (movesOf role acts) = some (s.endpoint role).state
        ∧ (s.endpoint role).position = (movesOf role acts).length := by
  induction h with
  | opened _ h =>
    obtain ⟨_, _, endpoints, told⟩ := open_wellFormed pwf h
    refine ⟨[], told, ?_⟩
    intro role _
    rw [endpoints]
    exact ⟨rfl, rfl⟩
  | next history step ih =>
    obtain ⟨acts, told, each⟩ := ih
    obtain ⟨wf, _⟩ := history.wellFormed pwf
    obtain ⟨more, does, told'⟩ := step.does pwf wf
    refine ⟨acts ++ more, by rw [advances_append, told, told', List.map_append], ?_⟩
    intro role hr
    obtain ⟨state, position⟩ := each role hr
    obtain ⟨state', position'⟩ := does.follows pwf wf.roles role hr
    rw [movesOf_append]
    refine ⟨?_, ?_⟩
    · have run_append : ∀ (a : Automaton) (first second : List Move) (s t : Nat),
          a.run s first = some t → a.run s (first ++ second) = a.run t second := by
        intro a first
        induction first with
        | nil =>
          intro second s t h
          simp only [Automaton.run, Option.some.injEq] at h
          simp [h]
        | cons move rest ih =>
          intro second s t h
          simp only [Automaton.run, List.cons_append] at h ⊢
          split at h
          · simp at h
          · rename_i u hu
            exact ih second u t h
      rw [run_append _ _ _ _ _ state]
      exact state'
    · rw [position', position, List.length_append]

end Session

end Antiphon.Machine
