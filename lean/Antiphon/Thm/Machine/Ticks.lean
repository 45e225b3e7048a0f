import Antiphon.Thm.Machine.Time

/-!
# Proofs about the tick of a session

An operation at `now` leaves a session at `now` or where it was: its time never goes back, and never
runs ahead of the machine's.
-/

namespace Antiphon.Machine.Session

variable {p : Protocol} {now : Tick} {s : Session} {by_ : Presented} {came : Came}

@[simp] theorem record_tick (s : Session) (event : Recorded) (outcome : Outcome) :
    (s.record event outcome).1.tick = s.tick := by
  unfold record; split <;> rfl

@[simp] theorem settle_tick (p : Protocol) (s : Session) : (s.settle p).1.tick = s.tick := by
  unfold settle; split <;> rfl

@[simp] theorem endWith_tick (p : Protocol) (s : Session) (status : Status) :
    (s.endWith p status).1.tick = s.tick := rfl

@[simp] theorem came_tick (p : Protocol) (s : Session) (accepted : Accepted)
    (outputs : List Output) : (s.came p accepted outputs).session.tick = s.tick := settle_tick p s

/-- It is at `now` behind it, or where it was. -/
def Timely (now : Tick) (s : Session) (came : Came) : Prop :=
  came.session.tick = max s.tick now ∨ came.session = s

theorem implied_tick {role : Nat} {upto : Position} :
    ∀ {missing : Nat} {s s' : Session} {received : List Received},
      s.implied p role upto missing = .ok (s', received) → s'.tick = s.tick
  | 0, s, s', received, h => by
    simp only [implied, Except.ok.injEq, Prod.mk.injEq] at h
    rw [← h.1]
  | missing + 1, s, s', received, h => by
    simp only [implied] at h
    split at h
    · simp at h
    · split at h
      · simp at h
      · split at h
        · simp at h
        · split at h
          · simp at h
          · rename_i hi
            simp only [Except.ok.injEq, Prod.mk.injEq] at h
            rw [← h.1, implied_tick hi]
            rfl
    · simp at h

theorem sendNow_tick {send : Send} {received : List Received}
    (h : s.sendNow p now by_ send received = .ok came) : came.session.tick = max s.tick now := by
  unfold sendNow at h
  split at h
  · simp at h
  · simp only [Except.ok.injEq] at h
    subst h
    rw [came_tick, record_tick]
    rfl

theorem send_timely {send : Send} (h : s.send p now by_ send = .ok came) : Timely now s came := by
  unfold Session.send at h
  split at h
  · simp at h
  · split at h
    · exact .inl (sendNow_tick h)
    · split at h
      · split at h
        · simp at h
        · simp only [Except.ok.injEq] at h
          subst h
          exact .inr rfl
      · split at h
        · simp at h
        · rename_i hi
          refine .inl ?_
          rw [sendNow_tick h, implied_tick hi]
          rfl

theorem receiveNow_tick {receive : Receive} (h : s.receiveNow p now by_ receive = .ok came) :
    came.session.tick = max s.tick now := by
  unfold receiveNow at h
  split at h
  · simp at h
  · simp only [Except.ok.injEq] at h
    subst h
    rw [came_tick, record_tick]
    rfl

theorem receive_timely {receive : Receive} (h : s.receive p now by_ receive = .ok came) :
    Timely now s came := by
  unfold Session.receive at h
  split at h
  · simp at h
  · split at h
    · exact .inl (receiveNow_tick h)
    · split at h
      · split at h
        · simp at h
        · simp only [Except.ok.injEq] at h
          subst h
          exact .inr rfl
      · split at h
        · simp at h
        · exact .inl (receiveNow_tick (s := s.remember receive.role) h)

theorem acknowledge_timely {role : Nat} {position : Position}
    (h : s.acknowledge p now by_ role position = .ok came) : Timely now s came := by
  unfold acknowledge at h
  split at h
  · simp at h
  · split at h
    · simp only [Except.ok.injEq] at h
      subst h
      exact .inr rfl
    · split at h
      · simp at h
      · rename_i hi
        split at h
        · simp at h
        · split at h
          · simp at h
          · simp only [Except.ok.injEq] at h
            subst h
            refine .inl ?_
            rw [came_tick, record_tick, ← implied_tick hi]
            rfl

theorem bind_timely {edge : Option Nat} {handler : Option String}
    (h : s.bind p now by_ edge handler = .ok came) : Timely now s came := by
  unfold bind at h
  split at h
  · simp at h
  · split at h
    · simp at h
    · simp only [Except.ok.injEq] at h
      subst h
      refine .inl ?_
      rw [came_tick, record_tick]
      rfl

theorem drain_timely {deadline : Option Tick} (h : s.drain p now by_ deadline = .ok came) :
    Timely now s came := by
  unfold drain at h
  split at h
  · simp at h
  · split at h
    · simp at h
    · simp only [Except.ok.injEq] at h
      subst h
      refine .inl ?_
      rw [came_tick, record_tick]
      rfl

theorem finish_timely {act : Act} {status : Status}
    (h : s.finish p now by_ act status = .ok came) : Timely now s came := by
  unfold finish at h
  split at h
  · simp at h
  · simp only [Except.ok.injEq] at h
    subst h
    refine .inl ?_
    rw [endWith_tick, record_tick]
    rfl

theorem perform_tick (s : Session) (made : Made) (change : Change) :
    (s.perform made change).1.tick = s.tick := by
  cases change with
  | issue owner scope receipt => cases receipt <;> rfl
  | lose owner spent end_ => cases spent <;> cases end_ <;> rfl
  | attest attest => cases attest <;> rfl
  | _ => rfl

theorem changed_tick (p : Protocol) (now : Tick) (s : Session) (made : Made) (change : Change) :
    (s.changed p now made change).session.tick = max s.tick now := by
  unfold changed
  simp only
  split
  · rw [endWith_tick, record_tick, perform_tick]
    rfl
  · rw [settle_tick, record_tick, perform_tick]
    rfl

theorem change_timely {made : Made} (h : s.change p now made = .ok came) : Timely now s came := by
  unfold change at h
  simp only at h
  split at h
  · simp only [Except.ok.injEq] at h
    subst h
    exact .inr rfl
  · split at h
    · simp at h
    · simp only [Except.ok.injEq] at h
      subst h
      exact .inr rfl
    · simp only [Except.ok.injEq] at h
      subst h
      exact .inl (changed_tick p now s _ _)

theorem Attaches.timely {event : Recorded} (h : s.Attaches p now event came) :
    Timely now s came := by
  obtain ⟨_, attachments, outcome, accepted, told, _, rfl⟩ := h
  refine .inl ?_
  simp only [attaching]
  rw [came_tick, record_tick]
  rfl

theorem actOn_timely {act : Act} (h : State.actOn p now s by_ act = .ok came) :
    Timely now s came := by
  cases act with
  | send => exact send_timely h
  | receive => exact receive_timely h
  | acknowledge => exact acknowledge_timely h
  | bind => exact bind_timely h
  | drain => exact drain_timely h
  | close => exact finish_timely h
  | cancel => exact finish_timely h
  | fault => exact finish_timely h
  | authority => exact change_timely h
  | attach => exact (attach_attaches h).timely
  | detach => exact (detach_attaches h).timely

theorem Timely.le (h : Timely now s came) (h' : s.tick ≤ now) : came.session.tick ≤ now := by
  rcases h with h | h
  · rw [h]
    exact Nat.max_le.2 ⟨h', Nat.le_refl _⟩
  · rw [h]
    exact h'

theorem opening_tick {o : Open} {replaying : Bool} (h : opening p now o replaying = .ok s) :
    s.tick = now ∧ s.id = o.session ∧ s.protocol = p.digest := by
  unfold opening at h
  simp only at h
  repeat' split at h
  all_goals first
    | (simp at h; done)
    | (simp only [Except.ok.injEq] at h; subst h; exact ⟨rfl, rfl, rfl⟩)

theorem open_came {o : Open} {replaying : Bool} (h : Session.open p now o replaying = .ok came) :
    came.session.tick = now ∧ came.session.id = o.session
      ∧ came.session.protocol = p.digest := by
  unfold Session.open at h
  split at h
  · simp at h
  · rename_i fresh hf
    simp only [Except.ok.injEq] at h
    subst h
    obtain ⟨tick, id, protocol⟩ := opening_tick hf
    refine ⟨?_, ?_, ?_⟩
    · rw [came_tick, record_tick, tick]
    · rw [(came_keeps p _ _ _).id, (record_keeps _ _ _).id, id]
    · rw [(came_keeps p _ _ _).protocol, (record_keeps _ _ _).protocol, protocol]

end Antiphon.Machine.Session
