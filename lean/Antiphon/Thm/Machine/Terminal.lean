import Antiphon.Thm.Machine.Operations

/-!
# Proofs about the end of a session: nothing moves any more, and nothing waits for the time

An accepted operation on a session that has ended changes nothing and tells nothing; and a session
that ends leaves no timer.
-/

namespace Antiphon.Machine

theorem map_ok {α β : Type} {f : α → β} {a : Except Refusal α} {c : β} :
    (f <$> a) = .ok c ↔ ∃ b, a = .ok b ∧ c = f b := by
  cases a <;> simp [Functor.map, Except.map, eq_comm]

namespace Session

/-- LIFE-3: whoever has ended waits for no timer. -/
def Idle (s : Session) : Prop := s.status.isTerminal = true → s.dues = []

variable {p : Protocol} {now : Tick} {s : Session} {by_ : Presented} {came : Came}

theorem ended_idle (s : Session) (status : Status) : (s.ended status).Idle := by
  intro _
  simp only [dues, ended, staged]
  cases s.spread <;> cases s.outstanding <;> simp [Outstanding.dues]

theorem idle_of_runs (h : s.status.isTerminal = false) : s.Idle := by
  intro h'
  rw [h] at h'
  simp at h'

@[simp] theorem record_status (s : Session) (event : Recorded) (outcome : Outcome) :
    (s.record event outcome).1.status = s.status := by
  unfold record; split <;> rfl

theorem settle_idle (h : s.status.isTerminal = false) : (s.settle p).1.Idle := by
  unfold settle; split
  · exact ended_idle s .closed
  · exact idle_of_runs h

theorem came_idle (h : s.status.isTerminal = false) (accepted : Accepted) (outputs : List Output) :
    (s.came p accepted outputs).session.Idle := settle_idle h

/-- An operation leaves a session that has ended as it is, and one that ends idle. -/
def Final (s : Session) (came : Came) : Prop :=
  (s.status.isTerminal = true → came.session = s ∧ came.outputs = [])
    ∧ (s.Idle → came.session.Idle)

theorem unchanged_final (s : Session) (accepted : Accepted) : Final s (s.unchanged accepted) :=
  ⟨fun _ => ⟨rfl, rfl⟩, fun idle => idle⟩

theorem final_of_runs (h : s.status.isTerminal = false) (h' : came.session.Idle) : Final s came :=
  ⟨fun t => by rw [h] at t; simp at t, fun _ => h'⟩

theorem implied_status {role : Nat} {upto : Position} :
    ∀ {missing : Nat} {s s' : Session} {received : List Received},
      s.implied p role upto missing = .ok (s', received) → s'.status = s.status
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
            rw [← h.1, implied_status hi]
            rfl
    · simp at h

theorem sendNow_final {send : Send} {received : List Received}
    (h : s.sendNow p now by_ send received = .ok came) :
    s.status.isTerminal = false ∧ came.session.Idle := by
  unfold sendNow at h
  split at h
  · simp at h
  · rename_i move value hs
    simp only [Except.ok.injEq] at h
    subst h
    have active := (sendable_move hs).1
    refine ⟨by rw [active]; rfl, came_idle ?_ _ _⟩
    rw [record_status]
    show s.status.isTerminal = false
    rw [active]
    rfl

theorem send_final {send : Send} (h : s.send p now by_ send = .ok came) : Final s came := by
  unfold Session.send at h
  split at h
  · simp at h
  · split at h
    · exact final_of_runs (sendNow_final h).1 (sendNow_final h).2
    · split at h
      · split at h
        · simp at h
        · simp only [Except.ok.injEq] at h
          subst h
          exact unchanged_final s _
      · split at h
        · simp at h
        · rename_i hi
          have same := implied_status hi
          have := sendNow_final h
          rw [same] at this
          exact final_of_runs this.1 this.2

theorem receivable_runs {role peer : Nat} {move : Transition} {head : Queued}
    (h : s.receivable p role peer = .ok (move, head)) : s.status.isTerminal = false := by
  unfold receivable at h
  simp only at h
  split at h
  · simp at h
  · rename_i goes
    simpa using goes

theorem receiveNow_final {receive : Receive} (h : s.receiveNow p now by_ receive = .ok came) :
    s.status.isTerminal = false ∧ came.session.Idle := by
  unfold receiveNow at h
  split at h
  · simp at h
  · rename_i move head hm
    simp only [Except.ok.injEq] at h
    subst h
    have runs := receivable_runs hm
    refine ⟨runs, came_idle ?_ _ _⟩
    rw [record_status]
    exact runs

theorem receive_final {receive : Receive} (h : s.receive p now by_ receive = .ok came) :
    Final s came := by
  unfold Session.receive at h
  split at h
  · simp at h
  · split at h
    · exact final_of_runs (receiveNow_final h).1 (receiveNow_final h).2
    · split at h
      · split at h
        · simp at h
        · simp only [Except.ok.injEq] at h
          subst h
          exact unchanged_final s _
      · split at h
        · simp at h
        · exact final_of_runs (s := s) (receiveNow_final h).1 (receiveNow_final h).2

theorem acknowledge_final {role : Nat} {position : Position}
    (h : s.acknowledge p now by_ role position = .ok came) : Final s came := by
  unfold acknowledge at h
  split at h
  · simp at h
  · split at h
    · simp only [Except.ok.injEq] at h
      subst h
      exact unchanged_final s _
    · split at h
      · simp at h
      · rename_i hi
        split at h
        · simp at h
        · rename_i runs
          split at h
          · simp at h
          · simp only [Except.ok.injEq] at h
            subst h
            have runs : s.status.isTerminal = false := by simpa using runs
            refine final_of_runs runs (came_idle ?_ _ _)
            rw [record_status]
            show _ = false
            rw [← runs, ← implied_status hi]
            rfl

theorem goesOn_ok (s : Session) : s.goesOn = .ok () ↔ s.status.isTerminal = false := by
  unfold goesOn
  split <;> simp_all

theorem governed_runs (h : s.governed by_ = .ok ()) : s.status.isTerminal = false := by
  unfold governed at h
  split at h
  · simp at h
  · split at h
    · simp at h
    · rename_i goes
      exact (goesOn_ok s).1 goes

theorem bind_final {edge : Option Nat} {handler : Option String}
    (h : s.bind p now by_ edge handler = .ok came) : Final s came := by
  unfold bind at h
  split at h
  · simp at h
  · rename_i hg
    split at h
    · simp at h
    · simp only [Except.ok.injEq] at h
      subst h
      have runs := governed_runs hg
      refine final_of_runs runs (came_idle ?_ _ _)
      rw [record_status]
      exact runs

theorem drain_final {deadline : Option Tick} (h : s.drain p now by_ deadline = .ok came) :
    Final s came := by
  unfold drain at h
  split at h
  · simp at h
  · rename_i hg
    split at h
    · simp at h
    · simp only [Except.ok.injEq] at h
      subst h
      refine final_of_runs (governed_runs hg) (came_idle ?_ _ _)
      rw [record_status]
      rfl

theorem finish_final {act : Act} {status : Status}
    (h : s.finish p now by_ act status = .ok came) : Final s came := by
  unfold finish at h
  split at h
  · simp at h
  · rename_i hg
    simp only [Except.ok.injEq] at h
    subst h
    exact final_of_runs (governed_runs hg) (ended_idle _ _)

/-- A request about authority changes nothing of a session that has ended. -/
theorem check_runs {made : Made} {change : Change} (h : s.check p made = .ok change) :
    (∃ accepted, change = .nothing accepted) ∨ s.status.isTerminal = false := by
  rw [← goesOn_ok]
  cases made with
  | commit commit =>
    simp only [check, checkCommit, seq_ok, and_assoc] at h
    exact .inr h.1
  | reclaim reclaim =>
    simp only [check, checkReclaim] at h
    split at h
    · simp at h
    · simp only [seq_ok, and_assoc] at h
      exact .inr h.1
  | act by_ authority =>
    cases authority <;>
      simp only [check, checkAuthority, movable, claimable, mayClaim, checkAbandon, checkFailCommit,
        checkOwnerDied, checkRollback, checkIssue, checkConsume, checkConsumeTimeout, checkArm,
        checkDisarm, seq_ok, and_assoc, map_ok] at h
    case release => exact .inr h.2.1
    case attenuate => exact .inr h.2.1
    case claim =>
      obtain ⟨h, _⟩ := h
      split at h
      · simp at h
      · simp only [seq_ok, and_assoc] at h
        obtain ⟨h, _⟩ := h
        split at h
        · exact .inr h
        · simp only [seq_ok, and_assoc] at h
          exact .inr h.2.1
    case stage => exact .inr h.2.1
    case rollback => exact .inr h.2.1
    case abandon => exact .inr h.2.1
    case failCommit => exact .inr h.2.1
    case ownerDied => exact .inr h.2.1
    case issueReadiness =>
      obtain ⟨_, h⟩ := h
      exact .inr h.2.2.1
    case consumeReadiness =>
      obtain ⟨_, h⟩ := h
      exact .inr h.2.1
    case armTimer =>
      obtain ⟨_, _, h, _⟩ := h
      split at h
      · simp at h
      · simp only [seq_ok, and_assoc] at h
        exact .inr h.1
    case disarmTimer =>
      obtain ⟨_, h⟩ := h
      exact .inr h.2.1
    case consumeTimeout =>
      obtain ⟨_, h⟩ := h
      exact .inr h.2.1
    all_goals
      simp only [checkToken, seq_ok] at h
      obtain ⟨_, h⟩ := h
      repeat' split at h
      all_goals first
        | (simp at h; done)
        | exact .inl ⟨_, (Except.ok.inj h).symm⟩
        | (simp only [seq_ok] at h; exact .inr h.1)

theorem perform_status (s : Session) (made : Made) (change : Change) :
    (s.perform made change).1.status = s.status := by
  cases change with
  | issue owner scope receipt => cases receipt <;> rfl
  | lose owner spent end_ => cases spent <;> cases end_ <;> rfl
  | attest attest => cases attest <;> rfl
  | _ => rfl

theorem changed_idle (h : s.status.isTerminal = false) (made : Made) (change : Change) :
    (s.changed p now made change).session.Idle := by
  unfold changed
  simp only
  split
  · exact ended_idle _ _
  · refine settle_idle ?_
    rw [record_status, perform_status]
    exact h

theorem change_final {made : Made} (h : s.change p now made = .ok came) : Final s came := by
  unfold change at h
  simp only at h
  split at h
  · simp only [Except.ok.injEq] at h
    subst h
    exact ⟨fun _ => ⟨rfl, rfl⟩, fun idle => idle⟩
  · split at h
    · simp at h
    · simp only [Except.ok.injEq] at h
      subst h
      exact ⟨fun _ => ⟨rfl, rfl⟩, fun idle => idle⟩
    · rename_i change some hc
      simp only [Except.ok.injEq] at h
      subst h
      rcases check_runs hc with ⟨accepted, e⟩ | runs
      · exact absurd e (some accepted)
      · exact final_of_runs runs (changed_idle runs _ _)

theorem Attaches.final {event : Recorded} (h : s.Attaches p now event came) : Final s came := by
  obtain ⟨runs, attachments, outcome, accepted, told, _, rfl⟩ := h
  simp only [attaching]
  refine final_of_runs runs (came_idle ?_ _ _)
  rw [record_status]
  exact runs

theorem actOn_final {act : Act} (h : State.actOn p now s by_ act = .ok came) : Final s came := by
  cases act with
  | send => exact send_final h
  | receive => exact receive_final h
  | acknowledge => exact acknowledge_final h
  | bind => exact bind_final h
  | drain => exact drain_final h
  | close => exact finish_final h
  | cancel => exact finish_final h
  | fault => exact finish_final h
  | authority => exact change_final h
  | attach => exact (attach_attaches h).final
  | detach => exact (detach_attaches h).final

theorem expire_idle (h : s.status.isTerminal = false) (at_ : Tick) (timer : Timer) :
    (s.expire p at_ timer).1.Idle := by
  cases timer with
  | drain => exact ended_idle _ _
  | transfer receipt =>
    refine settle_idle (s := (Session.record _ _ _).1) ?_
    rw [record_status]
    exact h
  | site timer =>
    simp only [expire, expireSite]
    split
    · exact idle_of_runs h
    · refine idle_of_runs ?_
      rw [record_status]
      exact h
  | witness witness =>
    refine idle_of_runs (s := (Session.record _ _ _).1) ?_
    rw [record_status]
    exact h

end Session

end Antiphon.Machine
