import Antiphon.Thm.Machine.Operations

/-!
# Proofs about a session: what is true of it whatever is done to it

The windows of its edges, the counts of its positions, and the states of its roles, kept by each
action and by everything else.
-/

namespace Antiphon.Machine

/-- What one edge adds to the position of a role: what it has sent over it, or consumed from it. -/
def contribution (edge : Edge) (b : Buffer) (role : Nat) : Nat :=
  (if edge.from = role then b.sent else 0) + (if edge.to = role then b.consumed else 0)

/-- What all edges add to the position of a role. -/
def counted : List Edge → List Buffer → (role : Nat) → Nat
  | edge :: edges, b :: buffers, role => contribution edge b role + counted edges buffers role
  | _, _, _ => 0

theorem counted_set {role i : Nat} {edge : Edge} {b b' : Buffer} :
    ∀ {edges : List Edge} {buffers : List Buffer}, edges[i]? = some edge → buffers[i]? = some b →
      counted edges (buffers.set i b') role + contribution edge b role
        = counted edges buffers role + contribution edge b' role := by
  induction i with
  | zero =>
    intro edges buffers he hb
    cases edges <;> cases buffers <;> simp at he hb
    subst he hb
    simp only [List.set_cons_zero, counted]
    omega
  | succ i ih =>
    intro edges buffers he hb
    cases edges <;> cases buffers <;> simp at he hb
    simp only [List.set_cons_succ, counted]
    have := ih he hb
    omega

namespace Session

/-- What is true of every session that is there. -/
structure WellFormed (p : Protocol) (s : Session) : Prop where
  protocol : s.protocol = p.digest
  roles : s.endpoints.length = p.roles.length
  edges : s.edges.length = p.edges.length
  /-- `edge_window` -/
  buffers : ∀ b ∈ s.edges, b.WellFormed
  /-- `position_counts` -/
  counts : ∀ role, role < p.roles.length → (s.endpoint role).position = counted p.edges s.edges role

variable {p : Protocol} {s s' : Session} {acts : List (Nat × Move)}

theorem Keeps.wellFormed (h : s.Keeps s') (wf : s.WellFormed p) : s'.WellFormed p where
  protocol := h.protocol.trans wf.protocol
  roles := by rw [h.endpoints]; exact wf.roles
  edges := by rw [h.edges]; exact wf.edges
  buffers := by rw [h.edges]; exact wf.buffers
  counts := by
    intro role hr
    simp only [endpoint, h.endpoints, h.edges]
    exact wf.counts role hr

theorem buffer_of {i : Nat} (h : i < s.edges.length) : s.edges[i]? = some (s.buffer i) := by
  simp [buffer, List.getD_eq_getElem?_getD, List.getElem?_eq_getElem h]

theorem buffer_wellFormed (wf : s.WellFormed p) {i : Nat} (h : i < s.edges.length) :
    (s.buffer i).WellFormed := wf.buffers _ (List.mem_of_getElem? (buffer_of h))

/-- One action of a role over one edge. -/
theorem put_wellFormed (wf : s.WellFormed p) {role i state : Nat} {edge : Edge} {b : Buffer}
    (hr : role < s.endpoints.length) (he : p.edges[i]? = some edge) (hb : b.WellFormed)
    (adds : ∀ r, contribution edge b r
      = contribution edge (s.buffer i) r + if r = role then 1 else 0) :
    (s.put role ⟨state, (s.endpoint role).position + 1⟩ i b).WellFormed p := by
  have hi : i < s.edges.length := by
    rw [wf.edges]
    exact (List.getElem?_eq_some_iff.1 he).1
  refine ⟨wf.protocol, ?_, ?_, ?_, ?_⟩
  · simp only [put, List.length_set]; exact wf.roles
  · simp only [put, List.length_set]; exact wf.edges
  · intro x hx
    simp only [put] at hx
    rcases List.mem_or_eq_of_mem_set hx with hx | rfl
    · exact wf.buffers x hx
    · exact hb
  · intro r hr'
    have sum := counted_set (role := r) (b' := b) he (buffer_of hi)
    have add := adds r
    have old := wf.counts r hr'
    simp only [put, endpoint, List.getD_eq_getElem?_getD] at *
    by_cases e : r = role
    · subst e
      rw [List.getElem?_set_self hr]
      simp only [Option.getD_some]
      simp only [if_true] at add
      arith
    · rw [List.getElem?_set_ne (fun h => e h.symm)]
      simp only [e, if_false] at add
      arith

theorem Keeps.remembered {rings : Option (List Ring)} : s.Keeps { s with remembered := rings } :=
  ⟨rfl, rfl, rfl, rfl⟩

theorem performSend_wellFormed (pwf : p.wellFormed = true) (wf : s.WellFormed p) {role : Nat}
    {move : Transition} (value : Value) (hr : role < s.endpoints.length)
    (mem : move ∈ (p.automaton role).sends (s.endpoint role).state)
    (room : (s.buffer move.edge).hasRoom move.message s.kept = true) :
    (s.performSend role move value).WellFormed p := by
  have hr' : role < p.roles.length := wf.roles ▸ hr
  obtain ⟨he, ne⟩ := Protocol.send_edge pwf hr' mem
  have hi : move.edge < s.edges.length := by
    rw [wf.edges]
    exact (List.getElem?_eq_some_iff.1 he).1
  refine Keeps.wellFormed Keeps.remembered (put_wellFormed wf hr he
    (Buffer.send_wellFormed (buffer_wellFormed wf hi) value room) ?_)
  intro r
  simp only [contribution, Buffer.push, Buffer.makeRoom_sent, Buffer.makeRoom_consumed]
  by_cases e : r = role
  · subst e
    simp [ne.symm]
  · simp [e, Ne.symm e]

theorem performReceive_wellFormed (pwf : p.wellFormed = true) (wf : s.WellFormed p) {role : Nat}
    {move : Transition} {queued : Queued} (hr : role < s.endpoints.length)
    (mem : move ∈ (p.automaton role).receives (s.endpoint role).state)
    (front : (s.buffer move.edge).front = some queued) :
    (s.performReceive role move queued).1.WellFormed p := by
  have hr' : role < p.roles.length := wf.roles ▸ hr
  obtain ⟨he, ne⟩ := Protocol.receive_edge pwf hr' mem
  have hi : move.edge < s.edges.length := by
    rw [wf.edges]
    exact (List.getElem?_eq_some_iff.1 he).1
  refine put_wellFormed wf hr he (Buffer.pop_wellFormed (buffer_wellFormed wf hi)) ?_
  intro r
  simp only [contribution, Buffer.pop_sent, Buffer.pop_consumed front]
  by_cases e : r = role
  · subst e
    simp [ne]
  · simp [e, Ne.symm e]

theorem Does.wellFormed (pwf : p.wellFormed = true) (h : Does p s acts s') :
    s.WellFormed p → s'.WellFormed p := by
  induction h with
  | keeps k => exact k.wellFormed
  | first k _ ih => exact fun wf => ih (k.wellFormed wf)
  | sends r m room _ ih => exact fun wf => ih (performSend_wellFormed pwf wf _ r m room)
  | receives r m front _ _ ih => exact fun wf => ih (performReceive_wellFormed pwf wf r m front)

/-! ## States -/

/-- The moves of one role. -/
def movesOf (role : Nat) (acts : List (Nat × Move)) : List Move :=
  (acts.filter fun act => act.1 = role).map (·.2)

@[simp] theorem movesOf_nil (role : Nat) : movesOf role [] = [] := rfl

@[simp] theorem movesOf_append (role : Nat) (a b : List (Nat × Move)) :
    movesOf role (a ++ b) = movesOf role a ++ movesOf role b := by simp [movesOf]

theorem endpoint_put (s : Session) {role r i : Nat} {e : Endpoint} {b : Buffer}
    (hr : role < s.endpoints.length) :
    (s.put role e i b).endpoint r = if r = role then e else s.endpoint r := by
  simp only [put, endpoint, List.getD_eq_getElem?_getD]
  by_cases h : r = role
  · subst h
    simp [List.getElem?_set_self hr]
  · simp [h, List.getElem?_set_ne (Ne.symm h)]

/-- The table finds each of its moves. -/
theorem after_of_mem {a : Automaton} (wf : a.wellFormed = true) {state : Nat} {d : Direction}
    {t : Transition} (h : t ∈ a.movesOf state d) : a.after state (t.move d) = some t.next := by
  unfold Automaton.after
  have hd : (t.move d).direction = d := rfl
  simp only [hd]
  cases hf : (a.movesOf state d).find? fun u => u.move d == t.move d with
  | none =>
    have := List.find?_eq_none.1 hf t h
    simp at this
  | some u =>
    have is := List.find?_some hf
    have mem := List.mem_of_find?_eq_some hf
    simp only [beq_iff_eq, Transition.move, Move.mk.injEq] at is
    have : u = t := sortedMoves_unique (Automaton.moves_sorted wf state)
      (Automaton.movesOf_subset mem) (Automaton.movesOf_subset h) is.2.1 is.2.2.1
    rw [this]

/-- `endpoint_follows_type`, by the tables: the state of a role is the one that its table reaches by
its actions, and its position is how many they are. -/
theorem Does.follows (pwf : p.wellFormed = true) (h : Does p s acts s') :
    s.endpoints.length = p.roles.length → ∀ role, role < p.roles.length →
      (p.automaton role).run (s.endpoint role).state (movesOf role acts)
          = some (s'.endpoint role).state
        ∧ (s'.endpoint role).position = (s.endpoint role).position + (movesOf role acts).length := by
  induction h with
  | keeps k =>
    intro _ role _
    simp [endpoint, k.endpoints, Automaton.run]
  | first k _ ih =>
    intro roles role hr
    have := ih (by rw [k.endpoints]; exact roles) role hr
    simpa [endpoint, k.endpoints] using this
  | @sends s s' acts actor move value hr mem room _ ih =>
    intro roles role hrole
    have := ih (by simp only [performSend, put, List.length_set]; exact roles) role hrole
    have moved : (s.performSend actor move value).endpoint role
        = if role = actor then ⟨move.next, (s.endpoint actor).position + 1⟩ else s.endpoint role :=
      endpoint_put s (i := move.edge)
        (b := ((s.buffer move.edge).makeRoom move.message s.kept).push move.message value) hr
    rw [moved] at this
    by_cases e : role = actor
    · subst e
      simp only [if_true] at this
      have step := after_of_mem (Protocol.automaton_wellFormed pwf hrole) mem
      simp only [movesOf, List.filter_cons, decide_true, if_true, List.map_cons,
        Automaton.run, step, List.length_cons] at *
      exact ⟨this.1, by have := this.2; arith⟩
    · simp only [e, if_false] at this
      simpa [movesOf, Ne.symm e] using this
  | @receives s s' acts actor move queued hr mem front is _ ih =>
    intro roles role hrole
    have := ih (by simp only [performReceive, put, List.length_set]; exact roles) role hrole
    have moved : (s.performReceive actor move queued).1.endpoint role
        = if role = actor then ⟨move.next, (s.endpoint actor).position + 1⟩ else s.endpoint role :=
      endpoint_put s (i := move.edge) (b := (s.buffer move.edge).pop) hr
    rw [moved] at this
    by_cases e : role = actor
    · subst e
      simp only [if_true] at this
      have step := after_of_mem (Protocol.automaton_wellFormed pwf hrole) mem
      simp only [movesOf, List.filter_cons, decide_true, if_true, List.map_cons,
        Automaton.run, step, List.length_cons] at *
      exact ⟨this.1, by have := this.2; arith⟩
    · simp only [e, if_false] at this
      simpa [movesOf, Ne.symm e] using this

end Session

end Antiphon.Machine
