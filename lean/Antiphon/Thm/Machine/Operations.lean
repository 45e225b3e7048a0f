import Antiphon.Machine
import Antiphon.Thm.Machine.Does

/-!
# Proofs about operations: each is actions and what is left alone

For every operation of `Machine/Session.lean` and every timer: what it does, and that it tells of it.
-/

namespace Antiphon

namespace Protocol

variable {p : Protocol}

theorem automaton_wellFormed (wf : p.wellFormed = true) {role : Nat} (hr : role < p.roles.length) :
    (p.automaton role).wellFormed = true := by
  simp only [wellFormed, Bool.and_eq_true, List.all_eq_true, beq_iff_eq] at wf
  obtain ⟨⟨⟨⟨⟨⟨⟨len, _⟩, _⟩, _⟩, _⟩, _⟩, all⟩, _⟩ := wf
  have : role < p.automata.length := by omega
  simp only [automaton, List.getD_eq_getElem?_getD, List.getElem?_eq_getElem this, Option.getD_some]
  exact all _ (List.getElem_mem this)

theorem edge_sound {f t i : Nat} (h : p.edge f t = some i) : p.edges[i]? = some ⟨f, t⟩ := by
  obtain ⟨x, hx, is⟩ := placeOf_sound h
  simp only [Bool.and_eq_true, beq_iff_eq] at is
  obtain ⟨a, b⟩ := x
  simp only at is
  rw [hx, is.1, is.2]

/-- EDGE-4: a move goes over the edge between its role and its partner, whose ends are two. -/
theorem move_edge (wf : p.wellFormed = true) {role : Nat} (hr : role < p.roles.length) {state : Nat}
    {d : Direction} {t : Transition} (h : t ∈ (p.automaton role).movesOf state d) :
    p.edgeOf role d t.peer = some t.edge := by
  have said : p.fits role (p.automaton role) = true := by
    simp only [wellFormed, Bool.and_eq_true, List.all_eq_true] at wf
    exact wf.2 role (List.mem_range.2 hr)
  obtain ⟨hd, mem⟩ := Automaton.mem_movesOf.1 h
  have inside : state < (p.automaton role).rows.length := by
    by_cases hs : state < (p.automaton role).rows.length
    · exact hs
    · rw [Automaton.moves_out_of_range (Nat.le_of_not_lt hs)] at mem
      simp at mem
  simp only [fits, List.all_eq_true, Bool.and_eq_true, beq_iff_eq] at said
  have := (said _ (Automaton.row_mem inside) t mem).1
  rwa [hd] at this

theorem ends_differ (wf : p.wellFormed = true) {i : Nat} {e : Edge} (h : p.edges[i]? = some e) :
    e.from ≠ e.to := by
  simp only [wellFormed, Bool.and_eq_true, List.all_eq_true, bne_iff_ne, ne_eq] at wf
  exact (wf.1.1.2 e (List.mem_of_getElem? h)).2

theorem send_edge (wf : p.wellFormed = true) {role : Nat} (hr : role < p.roles.length) {state : Nat}
    {t : Transition} (h : t ∈ (p.automaton role).sends state) :
    p.edges[t.edge]? = some ⟨role, t.peer⟩ ∧ role ≠ t.peer := by
  have := edge_sound (move_edge wf hr h)
  exact ⟨this, ends_differ wf this⟩

theorem receive_edge (wf : p.wellFormed = true) {role : Nat} (hr : role < p.roles.length)
    {state : Nat} {t : Transition} (h : t ∈ (p.automaton role).receives state) :
    p.edges[t.edge]? = some ⟨t.peer, role⟩ ∧ t.peer ≠ role := by
  have := edge_sound (move_edge wf hr h)
  exact ⟨this, ends_differ wf this⟩

end Protocol

namespace Machine.Session

variable {p : Protocol} {now : Tick} {s : Session} {by_ : Presented} {came : Came}

theorem receiveNow_does (wf : p.wellFormed = true) (roles : s.endpoints.length = p.roles.length)
    {receive : Receive} (hr : receive.role < s.endpoints.length)
    (h : s.receiveNow p now by_ receive = .ok came) : Made.Does p s came := by
  have hr' : receive.role < p.roles.length := roles ▸ hr
  unfold receiveNow at h
  split at h
  · simp at h
  · rename_i move head hm
    simp only [Except.ok.injEq] at h
    subst h
    obtain ⟨_, mem, is, waiting, hw, hf, hp⟩ :=
      receivable_move (Protocol.automaton_wellFormed wf hr') hm
    have front : (s.buffer move.edge).front = some head := by
      have memw : waiting ∈ (p.automaton receive.role).receives (s.endpoint receive.role).state :=
        List.mem_of_find?_eq_some hw
      have peer : waiting.peer = receive.from := by
        simpa using List.find?_some hw
      have e := Protocol.move_edge wf hr' mem
      have ew := Protocol.move_edge wf hr' memw
      rw [hp] at e
      rw [peer, e] at ew
      injection ew with ew
      rw [ew]
      exact hf
    refine ⟨[(receive.role, move.move .receive)], ?_, ?_⟩
    · refine .first (touch_keeps s now) (.receives hr mem front is ?_)
      exact .keeps ((record_keeps _ _ _).trans (came_keeps p _ _ _))
    · simp only [advances_came, advances_append, advances_record, List.nil_append]
      rfl

theorem receive_does (wf : p.wellFormed = true) (roles : s.endpoints.length = p.roles.length)
    {receive : Receive} (h : s.receive p now by_ receive = .ok came) : Made.Does p s came := by
  unfold Session.receive at h
  split at h
  · simp at h
  · rename_i endpoint ha
    obtain ⟨hr, _⟩ := acting_role ha
    split at h
    · exact receiveNow_does wf roles hr h
    · split at h
      · split at h
        · simp at h
        · simp only [Except.ok.injEq] at h
          subst h
          exact unchanged_does p s _
      · split at h
        · simp at h
        · obtain ⟨acts, does, told⟩ := receiveNow_does (s := s.remember receive.role) wf roles hr h
          exact ⟨acts, .first (remember_keeps s _) does, told⟩

theorem acknowledge_does {role : Nat} {position : Position}
    (h : s.acknowledge p now by_ role position = .ok came) : Made.Does p s came := by
  unfold acknowledge at h
  split at h
  · simp at h
  · rename_i endpoint ha
    obtain ⟨hr, _⟩ := acting_role ha
    split at h
    · simp only [Except.ok.injEq] at h
      subst h
      exact unchanged_does p s _
    · split at h
      · simp at h
      · rename_i t received hi
        split at h
        · simp at h
        · split at h
          · simp at h
          · simp only [Except.ok.injEq] at h
            subst h
            obtain ⟨acts, does, _, told⟩ := implied_does hr hi
            refine ⟨acts, does.andKeeps ?_, ?_⟩
            · exact (touch_keeps t now).trans ((record_keeps _ _ _).trans (came_keeps p _ _ _))
            · simp only [advances_came, advances_append, advances_record, List.nil_append, told]

theorem bind_does {edge : Option Nat} {handler : Option String}
    (h : s.bind p now by_ edge handler = .ok came) : Made.Does p s came := by
  unfold bind at h
  split at h
  · simp at h
  · split at h
    · simp at h
    · simp only [Except.ok.injEq] at h
      subst h
      refine keeps_does ?_ ?_
      · exact Keeps.trans (t := { s.touch now with handlers := _ }) ⟨rfl, rfl, rfl, rfl⟩
          ((record_keeps _ _ _).trans (came_keeps p _ _ _))
      · simp only [advances_came, advances_record]

theorem drain_does {deadline : Option Tick}
    (h : s.drain p now by_ deadline = .ok came) : Made.Does p s came := by
  unfold drain at h
  split at h
  · simp at h
  · split at h
    · simp at h
    · simp only [Except.ok.injEq] at h
      subst h
      refine keeps_does ?_ ?_
      · exact Keeps.trans (t := { s.touch now with status := .draining, deadline := deadline })
          ⟨rfl, rfl, rfl, rfl⟩ ((record_keeps _ _ _).trans (came_keeps p _ _ _))
      · simp only [advances_came, advances_append, advances_record, List.nil_append]
        rfl

theorem finish_does {act : Act} {status : Status}
    (h : s.finish p now by_ act status = .ok came) : Made.Does p s came := by
  unfold finish at h
  split at h
  · simp at h
  · simp only [Except.ok.injEq] at h
    subst h
    refine keeps_does ?_ ?_
    · exact (touch_keeps s now).trans ((record_keeps _ _ _).trans (endWith_keeps p _ _))
    · simp only [advances_append, advances_record, advances_say, advances_endWith, List.nil_append]

theorem attest_keeps (s : Session) (made : Machine.Made) (attest : Attest) :
    s.Keeps (s.attest made attest).1 := by
  cases attest <;> exact ⟨rfl, rfl, rfl, rfl⟩

theorem perform_keeps (s : Session) (made : Machine.Made) (change : Change) :
    s.Keeps (s.perform made change).1 := by
  cases change with
  | release => exact ⟨rfl, rfl, rfl, rfl⟩
  | issue owner scope receipt => cases receipt <;> exact ⟨rfl, rfl, rfl, rfl⟩
  | stage => exact ⟨rfl, rfl, rfl, rfl⟩
  | rollback => exact ⟨rfl, rfl, rfl, rfl⟩
  | «end» => exact ⟨rfl, rfl, rfl, rfl⟩
  | lose owner spent end_ => cases spent <;> cases end_ <;> exact ⟨rfl, rfl, rfl, rfl⟩
  | serials => exact ⟨rfl, rfl, rfl, rfl⟩
  | nothing => exact ⟨rfl, rfl, rfl, rfl⟩
  | attest attest => exact attest_keeps s made attest

theorem changed_does (p : Protocol) (now : Tick) (s : Session) (made : Machine.Made)
    (change : Change) : Made.Does p s (s.changed p now made change) := by
  have touched := (touch_keeps s now).trans (perform_keeps (s.touch now) made change)
  unfold changed
  refine keeps_does ?_ ?_
  · simp only
    split
    · exact touched.trans ((record_keeps _ _ _).trans (endWith_keeps p _ _))
    · exact touched.trans ((record_keeps _ _ _).trans (settle_keeps p _))
  · simp only [advances_append, advances_record, advances_say, List.nil_append]
    split <;> simp

theorem change_does {made : Machine.Made} (h : s.change p now made = .ok came) :
    Made.Does p s came := by
  unfold change at h
  simp only at h
  split at h
  · simp only [Except.ok.injEq] at h
    subst h
    exact keeps_does (Keeps.refl s) rfl
  · split at h
    · simp at h
    · simp only [Except.ok.injEq] at h
      subst h
      exact keeps_does (Keeps.refl s) rfl
    · simp only [Except.ok.injEq] at h
      subst h
      exact changed_does p now s _ _

/-- What an observer is told of attachments. -/
inductive _root_.Antiphon.Machine.Event.IsAttachment (id : SessionId) : Event → Prop
  | attached {role epoch over} : Event.IsAttachment id (.attached id role epoch over)
  | detached {role epoch} : Event.IsAttachment id (.detached id role epoch)
  | recovered {fencing} : Event.IsAttachment id (.recovered id fencing)

/-- It goes on, and nothing but its attachments is changed. -/
def Attaches (p : Protocol) (now : Tick) (s : Session) (event : Recorded) (came : Came) : Prop :=
  s.status.isTerminal = false ∧ ∃ attachments outcome accepted told,
    Event.IsAttachment s.id told
      ∧ came = s.attaching p now attachments event outcome accepted told

theorem attach_ok {role : Nat} (h : s.attach p now by_ role = .ok came) : ∃ epoch,
    (∃ endpoint, s.acting by_ role = .ok endpoint) ∧ s.status.isTerminal = false
      ∧ s.attachmentsOrNew.next = some epoch
      ∧ came = s.attaching p now (s.attachmentsOrNew.attach ⟨role, epoch, by_.generation⟩)
        (.input (.act by_ (.attach role))) (.attached epoch) (.attached epoch)
        (.attached s.id role epoch (s.attached role)) := by
  unfold attach at h
  split at h
  · simp at h
  · rename_i endpoint ha
    split at h
    · simp at h
    · rename_i runs
      split at h
      · simp at h
      · rename_i epoch next
        simp only [Except.ok.injEq] at h
        exact ⟨epoch, ⟨endpoint, ha⟩, by simpa using runs, next, h.symm⟩

theorem detach_ok {role : Nat} {epoch : Epoch} (h : s.detach p now by_ role epoch = .ok came) :
    (∃ endpoint, s.acting by_ role = .ok endpoint) ∧ s.status.isTerminal = false
      ∧ s.isAttached role epoch = .ok ()
      ∧ came = s.attaching p now (s.attachmentsOrNew.detach role)
        (.input (.act by_ (.detach role epoch))) .done .done (.detached s.id role epoch) := by
  unfold detach at h
  split at h
  · simp at h
  · rename_i endpoint ha
    split at h
    · simp at h
    · rename_i runs
      split at h
      · simp at h
      · rename_i live
        simp only [Except.ok.injEq] at h
        exact ⟨⟨endpoint, ha⟩, by simpa using runs, live, h.symm⟩

theorem recovered_ok {fencing : Nat} (h : s.recovered p now fencing = .ok came) :
    s.status.isTerminal = false ∧ s.attachmentsOrNew.fencing < fencing
      ∧ came = s.attaching p now ⟨fencing, 0, []⟩ (.recovered fencing) .done .done
        (.recovered s.id fencing) := by
  unfold recovered at h
  split at h
  · simp at h
  · rename_i runs
    split at h
    · simp at h
    · rename_i later
      simp only [Except.ok.injEq] at h
      exact ⟨by simpa using runs, Nat.lt_of_not_le later, h.symm⟩

theorem attach_attaches {role : Nat} (h : s.attach p now by_ role = .ok came) :
    s.Attaches p now (.input (.act by_ (.attach role))) came := by
  obtain ⟨_, _, runs, _, e⟩ := attach_ok h
  exact ⟨runs, _, _, _, _, .attached, e⟩

theorem detach_attaches {role : Nat} {epoch : Epoch}
    (h : s.detach p now by_ role epoch = .ok came) :
    s.Attaches p now (.input (.act by_ (.detach role epoch))) came := by
  obtain ⟨_, runs, _, e⟩ := detach_ok h
  exact ⟨runs, _, _, _, _, .detached, e⟩

theorem recovered_attaches {fencing : Nat} (h : s.recovered p now fencing = .ok came) :
    s.Attaches p now (.recovered fencing) came := by
  obtain ⟨runs, _, e⟩ := recovered_ok h
  exact ⟨runs, _, _, _, _, .recovered, e⟩

theorem Attaches.does {event : Recorded} (h : s.Attaches p now event came) :
    Made.Does p s came := by
  obtain ⟨_, attachments, outcome, accepted, told, is, rfl⟩ := h
  refine keeps_does ?_ ?_
  · exact Keeps.trans (t := { s.touch now with attachments := some attachments })
      ⟨rfl, rfl, rfl, rfl⟩ ((record_keeps _ _ _).trans (came_keeps p _ _ _))
  · simp only [attaching, advances_came, advances_append, advances_record, List.nil_append]
    cases is <;> rfl

theorem actOn_does (wf : p.wellFormed = true) (roles : s.endpoints.length = p.roles.length)
    {act : Act} (h : State.actOn p now s by_ act = .ok came) : Made.Does p s came := by
  cases act with
  | send => exact send_does h
  | receive => exact receive_does wf roles h
  | acknowledge => exact acknowledge_does h
  | bind => exact bind_does h
  | drain => exact drain_does h
  | close => exact finish_does h
  | cancel => exact finish_does h
  | fault => exact finish_does h
  | authority => exact change_does h
  | attach => exact (attach_attaches h).does
  | detach => exact (detach_attaches h).does

theorem expire_keeps (p : Protocol) (s : Session) (at_ : Tick) (timer : Timer) :
    s.Keeps (s.expire p at_ timer).1 ∧ advances (s.expire p at_ timer).2 = [] := by
  cases timer with
  | drain =>
    refine ⟨?_, ?_⟩
    · exact Keeps.trans (t := { s.touch at_ with deadline := none }) ⟨rfl, rfl, rfl, rfl⟩
        ((record_keeps _ _ _).trans (endWith_keeps p _ _))
    · simp [expire, expireDrain]
  | transfer receipt =>
    refine ⟨?_, ?_⟩
    · exact Keeps.trans (t := { s.touch at_ with spread := _ }) ⟨rfl, rfl, rfl, rfl⟩
        ((record_keeps _ _ _).trans (settle_keeps p _))
    · simp [expire, expireTransfer]
  | site timer =>
    simp only [expire, expireSite]
    split
    · exact ⟨⟨rfl, rfl, rfl, rfl⟩, rfl⟩
    · refine ⟨?_, ?_⟩
      · exact Keeps.trans (t := { s.touch at_ with outstanding := _ }) ⟨rfl, rfl, rfl, rfl⟩
          (record_keeps _ _ _)
      · simp only [advances_append, advances_record, advances_say, List.nil_append]
        rfl
  | witness witness =>
    refine ⟨?_, ?_⟩
    · exact Keeps.trans (t := { s.touch at_ with outstanding := _ }) ⟨rfl, rfl, rfl, rfl⟩
        (record_keeps _ _ _)
    · simp [expire, expireWitness]

end Machine.Session

end Antiphon
