import Antiphon.Machine
import Antiphon.Thm.Machine.Opening

/-!
# Proofs about a machine: what becomes of its sessions in a run

Each command leaves a session as it is, or lets it take steps, or opens it; and tells of it what its
steps tell. All that is true of the steps of a session so is true of every session of every run.
-/

namespace Antiphon.Machine

namespace Session

/-- Steps, one after the other, with everything that is told. -/
inductive Steps (p : Protocol) : Session → List Output → Session → Prop
  | none {s} : Steps p s [] s
  | next {s s₁ s' told told'} :
    Step p s told s₁ → Steps p s₁ told' s' → Steps p s (told ++ told') s'

theorem Steps.one {p : Protocol} {s s' : Session} {told : List Output} (h : Step p s told s') :
    Steps p s told s' := by
  simpa using Steps.next h .none

theorem Steps.trans {p : Protocol} {s s₁ s' : Session} {told told' : List Output}
    (h : Steps p s told s₁) (h' : Steps p s₁ told' s') : Steps p s (told ++ told') s' := by
  induction h with
  | none => exact h'
  | next step _ ih =>
    rw [List.append_assoc]
    exact .next step (ih h')

theorem Steps.history {p : Protocol} {s s' : Session} {told outputs : List Output}
    (h : Steps p s told s') (history : History p s outputs) :
    History p s' (outputs ++ told) := by
  induction h generalizing outputs with
  | none => simpa using history
  | next step _ ih =>
    rw [← List.append_assoc]
    exact ih (.next history step)

theorem Steps.wellFormed {p : Protocol} (pwf : p.wellFormed = true) {s s' : Session}
    {told : List Output} (h : Steps p s told s') :
    s.WellFormed p ∧ s.Idle → s'.WellFormed p ∧ s'.Idle := by
  induction h with
  | none => exact fun h => h
  | next step _ ih => exact fun ⟨wf, idle⟩ => ih ⟨step.wellFormed pwf wf, step.idle idle⟩

end Session

namespace State

/-- The ids of the sessions that are there. -/
def ids (s : State) : List SessionId := s.sessions.map (·.session.id)

/-- What is true of every machine. -/
structure WellFormed (s : State) : Prop where
  protocols : ∀ p ∈ s.protocols, p.wellFormed = true
  /-- No two sessions have the same id. -/
  distinct : s.ids.Nodup
  /-- Each session is as it should be, leaves no timer when it has ended, and is not ahead of time. -/
  each : ∀ l ∈ s.sessions, ∃ p, s.protocol l.session.protocol = some p
    ∧ l.session.WellFormed p ∧ l.session.Idle ∧ l.session.tick ≤ s.now

theorem protocol_wellFormed {s : State} (wf : s.WellFormed) {digest : String} {p : Protocol}
    (h : s.protocol digest = some p) : p.wellFormed = true :=
  wf.protocols p (List.mem_of_find?_eq_some h)

theorem protocol_digest {s : State} {digest : String} {p : Protocol}
    (h : s.protocol digest = some p) : p.digest = digest := by
  simpa using List.find?_some h

/-! ## What one command does to the sessions -/

/-- A session that was there has taken steps, and all of them were told. -/
def Went (s : State) (outputs : List Output) (l l' : Live) : Prop :=
  ∃ p told, s.protocol l.session.protocol = some p ∧ Session.Steps p l.session told l'.session
    ∧ l'.session.id = l.session.id ∧ l'.session.protocol = l.session.protocol
    ∧ outputs.filter (·.isOf l.session.id) = s.told told

/-- A session was opened, has taken steps, and all of them were told since then. -/
def Came (s : State) (outputs : List Output) (l' : Live) : Prop :=
  ∃ p now o came told before since, s.protocol o.protocol = some p
    ∧ Session.open p now o false = .ok came ∧ Session.Steps p came.session told l'.session
    ∧ l'.session.protocol = o.protocol ∧ outputs = before ++ since
    ∧ since.filter (·.isOf l'.session.id) = s.told (came.outputs ++ told)

/-- The machine behind some of what it was told. -/
structure Became (s : State) (outputs : List Output) (s' : State) : Prop where
  protocols : s'.protocols = s.protocols
  observed : s'.observed = s.observed
  now : s.now ≤ s'.now
  distinct : s'.ids.Nodup
  each : ∀ l' ∈ s'.sessions, (∃ l ∈ s.sessions, Went s outputs l l') ∨ Came s outputs l'

variable {s s' s'' : State} {outputs outputs' : List Output}

theorem told_append (s : State) (a b : List Output) : s.told (a ++ b) = s.told a ++ s.told b := by
  unfold told; split
  · rfl
  · exact List.filter_append ..

@[simp] theorem told_nil (s : State) : s.told [] = [] := by unfold told; split <;> rfl

theorem told_same (h : s'.observed = s.observed) (a : List Output) : s'.told a = s.told a := by
  simp [told, h]

theorem protocol_same (h : s'.protocols = s.protocols) (digest : String) :
    s'.protocol digest = s.protocol digest := by
  simp [protocol, h]

/-- A session stays as it is where nothing is told of it. -/
theorem went_same (wf : s.WellFormed) {l l' : Live} (hl : l ∈ s.sessions)
    (h : l'.session = l.session) (told : outputs.filter (·.isOf l.session.id) = []) :
    Went s outputs l l' := by
  obtain ⟨p, hp, _⟩ := wf.each l hl
  exact ⟨p, [], hp, h ▸ .none, by rw [h], by rw [h], by simpa using told⟩

/-- Nothing has happened to the sessions, but that some of them are gone. -/
theorem became_less (wf : s.WellFormed) (protocols : s'.protocols = s.protocols)
    (observed : s'.observed = s.observed) (now : s.now ≤ s'.now)
    (ids : s'.ids.Sublist s.ids)
    (each : ∀ l' ∈ s'.sessions, ∃ l ∈ s.sessions, l'.session = l.session) : Became s [] s' where
  protocols := protocols
  observed := observed
  now := now
  distinct := wf.distinct.sublist ids
  each := by
    intro l' hl'
    obtain ⟨l, hl, e⟩ := each l' hl'
    exact .inl ⟨l, hl, went_same wf hl e rfl⟩

theorem Became.refl (wf : s.WellFormed) : Became s [] s :=
  became_less wf rfl rfl (Nat.le_refl _) (List.Sublist.refl _) fun l hl => ⟨l, hl, rfl⟩

theorem Became.trans (h : Became s outputs s') (h' : Became s' outputs' s'') :
    Became s (outputs ++ outputs') s'' where
  protocols := h'.protocols.trans h.protocols
  observed := h'.observed.trans h.observed
  now := Nat.le_trans h.now h'.now
  distinct := h'.distinct
  each := by
    intro l₂ hl₂
    rcases h'.each l₂ hl₂ with ⟨l₁, hl₁, p₁, told₁, hp₁, steps₁, id₁, pr₁, f₁⟩ | came
    · rw [protocol_same h.protocols] at hp₁
      rw [told_same h.observed] at f₁
      rcases h.each l₁ hl₁ with ⟨l, hl, p, told, hp, steps, id, pr, f⟩
        | ⟨p, now, o, came, told, before, since, hp, ho, steps, pr, e, f⟩
      · rw [pr, hp] at hp₁
        injection hp₁ with hp₁
        subst hp₁
        refine .inl ⟨l, hl, p, told ++ told₁, hp, steps.trans steps₁, id₁.trans id, pr₁.trans pr, ?_⟩
        rw [id] at f₁
        rw [List.filter_append, f, f₁, told_append]
      · rw [pr, hp] at hp₁
        injection hp₁ with hp₁
        subst hp₁
        refine .inr ⟨p, now, o, came, told ++ told₁, before, since ++ outputs', hp, ho,
          steps.trans steps₁, pr₁.trans pr, by rw [e, List.append_assoc], ?_⟩
        rw [id₁, List.filter_append, f, f₁, ← told_append, List.append_assoc]
    · obtain ⟨p, now, o, came, told, before, since, hp, ho, steps, pr, e, f⟩ := came
      rw [protocol_same h.protocols] at hp
      rw [told_same h.observed] at f
      exact .inr ⟨p, now, o, came, told, outputs ++ before, since, hp, ho, steps, pr,
        by rw [e, List.append_assoc], f⟩

theorem Became.wellFormed (wf : s.WellFormed) (h : Became s outputs s')
    (ticks : ∀ l ∈ s'.sessions, l.session.tick ≤ s'.now) : s'.WellFormed where
  protocols := by rw [h.protocols]; exact wf.protocols
  distinct := h.distinct
  each := by
    intro l' hl'
    rcases h.each l' hl' with ⟨l, hl, p, told, hp, steps, id, pr, _⟩
      | ⟨p, now, o, came, told, before, since, hp, ho, steps, pr, _⟩
    · obtain ⟨q, hq, swf, idle, _⟩ := wf.each l hl
      rw [hp] at hq
      injection hq with hq
      subst hq
      obtain ⟨swf, idle⟩ := steps.wellFormed (protocol_wellFormed wf hp) ⟨swf, idle⟩
      refine ⟨p, ?_, swf, idle, ticks l' hl'⟩
      rw [protocol_same h.protocols, pr, hp]
    · have pwf := protocol_wellFormed wf hp
      obtain ⟨swf, idle, _⟩ := Session.open_wellFormed pwf ho
      obtain ⟨swf, idle⟩ := steps.wellFormed pwf ⟨swf, idle⟩
      refine ⟨p, ?_, swf, idle, ticks l' hl'⟩
      rw [protocol_same h.protocols, pr, hp]

/-! ## One session takes a step -/

theorem mem_put {live l' : Live} (h : l' ∈ (s.put live).sessions) :
    l' = live ∧ (∃ l ∈ s.sessions, l.session.id = live.session.id)
      ∨ l' ∈ s.sessions ∧ l'.session.id ≠ live.session.id := by
  obtain ⟨l, hl, rfl⟩ := List.mem_map.1 h
  split
  · rename_i e
    exact .inl ⟨rfl, l, hl, e⟩
  · rename_i e
    exact .inr ⟨hl, e⟩

theorem put_ids (s : State) (live : Live) : (s.put live).ids = s.ids := by
  simp only [ids, put, List.map_map]
  refine List.map_congr_left fun l _ => ?_
  simp only [Function.comp_apply]
  split
  · rename_i e
    exact e.symm
  · rfl

theorem filter_other {id id' : SessionId} (h : id' ≠ id) {outputs : List Output}
    (all : ∀ o ∈ outputs, o.session = id) : outputs.filter (·.isOf id') = [] := by
  rw [List.filter_eq_nil_iff]
  intro o ho
  simp [Output.isOf, all o ho, Ne.symm h]

/-- One session has taken a step. -/
theorem put_became (wf : s.WellFormed) {live after : Live} {p : Protocol} {told : List Output}
    (mem : live ∈ s.sessions) (hp : s.protocol live.session.protocol = some p)
    (steps : Session.Steps p live.session told after.session)
    (id : after.session.id = live.session.id)
    (pr : after.session.protocol = live.session.protocol)
    (all : ∀ o ∈ outputs, o.session = live.session.id)
    (own : outputs.filter (·.isOf live.session.id) = s.told told)
    (sessions : s'.sessions = (s.put after).sessions) (protocols : s'.protocols = s.protocols)
    (observed : s'.observed = s.observed) (now : s'.now = s.now) : Became s outputs s' where
  protocols := protocols
  observed := observed
  now := Nat.le_of_eq now.symm
  distinct := by
    have : s'.ids = s.ids := by
      rw [← put_ids s after]
      simp [ids, sessions]
    rw [this]
    exact wf.distinct
  each := by
    intro l' hl'
    rw [sessions] at hl'
    rcases mem_put hl' with ⟨rfl, _⟩ | ⟨hl', ne⟩
    · exact .inl ⟨live, mem, p, told, hp, steps, id, pr, own⟩
    · rw [id] at ne
      exact .inl ⟨l', hl', went_same wf hl' rfl (filter_other ne all)⟩

theorem deliverAll_outputs (p : Protocol) (s : Session) : ∀ (edges : List (Edge × Nat))
    (busy : List Nat) (delivered : Delivered), ∀ o ∈ (s.deliverAll p edges busy delivered).2,
    o.session = s.id ∧ o.isDelivery = true
  | [], _, _ => by simp [Session.deliverAll]
  | (edge, index) :: rest, busy, delivered => by
    intro o ho
    simp only [Session.deliverAll] at ho
    split at ho
    · exact deliverAll_outputs p s rest busy delivered o ho
    · rename_i one hd
      rcases List.mem_cons.1 ho with rfl | ho
      · refine ⟨?_, rfl⟩
        simp only [Session.deliverOne] at hd
        repeat' split at hd
        all_goals first
          | (simp at hd; done)
          | (injection hd with hd; subst hd; rfl)
      · exact deliverAll_outputs p s rest _ _ o ho

theorem deliver_outputs (p : Protocol) (s : Session) (delivered : Delivered) :
    ∀ o ∈ (s.deliver p delivered).2, o.session = s.id ∧ o.isDelivery = true := by
  unfold Session.deliver
  split
  · simp
  · exact deliverAll_outputs p s _ _ _

theorem mem_told {o : Output} {outputs : List Output} (h : o ∈ s.told outputs) : o ∈ outputs := by
  unfold told at h
  split at h
  · exact h
  · exact (List.mem_filter.1 h).1

/-- What is told of a session, beside what is delivered. -/
theorem told_own {id : SessionId} {told deliveries : List Output} (about : About id told)
    (delivered : ∀ o ∈ deliveries, o.isDelivery = true) :
    (s.told (told ++ deliveries)).filter (·.isOf id) = s.told told := by
  have none : (s.told deliveries).filter (·.isOf id) = [] := by
    rw [List.filter_eq_nil_iff]
    intro o ho
    simp [Output.isOf, delivered o (mem_told ho)]
  have all : (s.told told).filter (·.isOf id) = s.told told :=
    List.filter_eq_self.2 fun o ho => about o (mem_told ho)
  rw [told_append, List.filter_append, none, all, List.append_nil]

theorem noteEnded_same (s : State) (live : Live) :
    (s.noteEnded live).sessions = s.sessions ∧ (s.noteEnded live).protocols = s.protocols
      ∧ (s.noteEnded live).observed = s.observed ∧ (s.noteEnded live).now = s.now := by
  unfold noteEnded; split <;> exact ⟨rfl, rfl, rfl, rfl⟩

theorem isOf_session {id : SessionId} {o : Output} (h : o.isOf id = true) : o.session = id := by
  simp only [Output.isOf, Bool.and_eq_true, beq_iff_eq] at h
  exact h.1

theorem changed_became (wf : s.WellFormed) {live : Live} {p : Protocol} {session : Session}
    {told : List Output} (mem : live ∈ s.sessions)
    (hp : s.protocol live.session.protocol = some p)
    (steps : Session.Steps p live.session told session) (id : session.id = live.session.id)
    (pr : session.protocol = live.session.protocol) (about : About live.session.id told)
    (delivers : Bool) :
    Became s (s.changed live session told delivers).2 (s.changed live session told delivers).1
      ∧ (s.changed live session told delivers).1.now = s.now
      ∧ ∃ after : Live, after.session = session
        ∧ (s.changed live session told delivers).1.sessions = (s.put after).sessions := by
  unfold changed
  generalize hd : (if delivers = true then session.deliver (s.protocolOf session) live.delivered
    else (live.delivered, [])) = handed
  obtain ⟨delivered, deliveries⟩ := handed
  have own : ∀ o ∈ deliveries, o.session = session.id ∧ o.isDelivery = true := by
    split at hd
    · have := deliver_outputs (s.protocolOf session) session live.delivered
      rw [hd] at this
      exact this
    · injection hd with _ hd
      subst hd
      simp
  simp only
  generalize ha : ({ live with session, delivered } : Live) = after
  have session_after : after.session = session := by rw [← ha]
  generalize hs : (if live.session.status.isTerminal = true then s.put after
    else (s.put after).noteEnded after) = s'
  have same : s'.sessions = (s.put after).sessions ∧ s'.protocols = s.protocols
      ∧ s'.observed = s.observed ∧ s'.now = s.now := by
    subst hs
    split
    · exact ⟨rfl, rfl, rfl, rfl⟩
    · exact noteEnded_same (s.put after) after
  obtain ⟨sessions, protocols, observed, now⟩ := same
  rw [told_same observed]
  refine ⟨?_, now, after, session_after, sessions⟩
  refine put_became (after := after) wf mem hp (session_after ▸ steps) (session_after ▸ id)
    (session_after ▸ pr) ?_ (told_own about fun o ho => (own o ho).2) sessions protocols observed now
  intro o ho
  rcases List.mem_append.1 (mem_told ho) with ho | ho
  · exact isOf_session (about o ho)
  · exact (own o ho).1.trans id

theorem changed_ticks (ticks : ∀ l ∈ s.sessions, l.session.tick ≤ s.now) {after : Live}
    (now : s'.now = s.now) (tick : after.session.tick ≤ s.now)
    (sessions : s'.sessions = (s.put after).sessions) :
    ∀ l ∈ s'.sessions, l.session.tick ≤ s'.now := by
  intro l hl
  rw [sessions] at hl
  rw [now]
  rcases mem_put hl with ⟨rfl, _⟩ | ⟨hl, _⟩
  · exact tick
  · exact ticks l hl

theorem WellFormed.ticks (wf : s.WellFormed) : ∀ l ∈ s.sessions, l.session.tick ≤ s.now := by
  intro l hl
  obtain ⟨_, _, _, _, tick⟩ := wf.each l hl
  exact tick

end State

end Antiphon.Machine
