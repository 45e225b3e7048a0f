import Antiphon.Thm.Machine.Journal

/-!
# Proofs about attachments: what gives epochs, and what leaves them alone

Every step of a session leaves its attachments as they are, or is one that attaches, detaches or
recovers; only an attachment gives an epoch, and that is the next one.
-/

namespace Antiphon.Machine

theorem Epoch.lt_trans {a b c : Epoch} (h : a < b) (h' : b < c) : a < c := by
  rcases h with h | ⟨e, h⟩ <;> rcases h' with h' | ⟨e', h'⟩
  · exact .inl (Nat.lt_trans h h')
  · exact .inl (e' ▸ h)
  · exact .inl (e ▸ h')
  · exact .inr ⟨e.trans e', Nat.lt_trans h h'⟩

theorem Epoch.lt_irrefl (a : Epoch) : ¬a < a := by
  rintro (h | ⟨_, h⟩) <;> exact Nat.lt_irrefl _ h

/-- The epoch that is given with an output. -/
def epochOf : Output → Option Epoch
  | .event (.attached _ _ epoch _) => some epoch
  | _ => none

/-- The epochs that are given, in order. -/
def epochs (outputs : List Output) : List Epoch := outputs.filterMap epochOf

@[simp] theorem epochs_append (a b : List Output) : epochs (a ++ b) = epochs a ++ epochs b :=
  List.filterMap_append

@[simp] theorem epochs_nil : epochs [] = [] := rfl

namespace Session

variable {p : Protocol} {now : Tick} {s : Session} {by_ : Presented} {came : Came}

@[simp] theorem epochs_say (s : Session) (audits : List Audit) : epochs (s.say audits) = [] := by
  simp [epochs, say, List.filterMap_map, Function.comp_def, epochOf]

@[simp] theorem epochs_record (s : Session) (event : Recorded) (outcome : Outcome) :
    epochs (s.record event outcome).2 = [] := by
  unfold record; split <;> rfl

@[simp] theorem epochs_endWith (p : Protocol) (s : Session) (status : Status) :
    epochs (s.endWith p status).2 = [] := by
  simp only [endWith, epochs_append, epochs_say, List.nil_append]
  rfl

@[simp] theorem epochs_settle (p : Protocol) (s : Session) : epochs (s.settle p).2 = [] := by
  unfold settle; split
  · exact epochs_endWith p s _
  · rfl

@[simp] theorem epochs_came (p : Protocol) (s : Session) (accepted : Accepted)
    (outputs : List Output) : epochs (s.came p accepted outputs).outputs = epochs outputs := by
  simp [came]

@[simp] theorem epochs_consumed (s : Session) (role : Nat) (received : List Received) :
    epochs (s.consumed role received) = [] := by
  simp [epochs, consumed, List.filterMap_map, Function.comp_def, advanced, epochOf]

@[simp] theorem record_attachments (s : Session) (event : Recorded) (outcome : Outcome) :
    (s.record event outcome).1.attachments = s.attachments := by
  unfold record; split <;> rfl

@[simp] theorem settle_attachments (p : Protocol) (s : Session) :
    (s.settle p).1.attachments = s.attachments := by
  unfold settle; split <;> rfl

@[simp] theorem endWith_attachments (p : Protocol) (s : Session) (status : Status) :
    (s.endWith p status).1.attachments = s.attachments := rfl

@[simp] theorem came_attachments (p : Protocol) (s : Session) (accepted : Accepted)
    (outputs : List Output) : (s.came p accepted outputs).session.attachments = s.attachments :=
  settle_attachments p s

/-- Attachments are as they were, and no epoch is given. -/
def Silent (s s' : Session) (told : List Output) : Prop :=
  s'.attachments = s.attachments ∧ epochs told = []

theorem implied_attachments {role : Nat} {upto : Position} :
    ∀ {missing : Nat} {s s' : Session} {received : List Received},
      s.implied p role upto missing = .ok (s', received) → s'.attachments = s.attachments
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
            rw [← h.1, implied_attachments hi]
            rfl
    · simp at h

theorem sendNow_silent {send : Send} {received : List Received}
    (h : s.sendNow p now by_ send received = .ok came) : Silent s came.session came.outputs := by
  unfold sendNow at h
  split at h
  · simp at h
  · simp only [Except.ok.injEq] at h
    subst h
    refine ⟨?_, ?_⟩
    · rw [came_attachments, record_attachments]
      rfl
    · simp only [epochs_came, epochs_append, epochs_record, epochs_consumed, List.nil_append]
      rfl

theorem send_silent {send : Send} (h : s.send p now by_ send = .ok came) :
    Silent s came.session came.outputs := by
  unfold Session.send at h
  split at h
  · simp at h
  · split at h
    · exact sendNow_silent h
    · split at h
      · split at h
        · simp at h
        · simp only [Except.ok.injEq] at h
          subst h
          exact ⟨rfl, rfl⟩
      · split at h
        · simp at h
        · rename_i hi
          obtain ⟨same, none_⟩ := sendNow_silent h
          refine ⟨?_, none_⟩
          rw [same, implied_attachments hi]
          rfl

theorem receiveNow_silent {receive : Receive} (h : s.receiveNow p now by_ receive = .ok came) :
    Silent s came.session came.outputs := by
  unfold receiveNow at h
  split at h
  · simp at h
  · simp only [Except.ok.injEq] at h
    subst h
    refine ⟨?_, ?_⟩
    · rw [came_attachments, record_attachments]
      rfl
    · simp only [epochs_came, epochs_append, epochs_record, epochs_consumed, List.nil_append]

theorem receive_silent {receive : Receive} (h : s.receive p now by_ receive = .ok came) :
    Silent s came.session came.outputs := by
  unfold Session.receive at h
  split at h
  · simp at h
  · split at h
    · exact receiveNow_silent h
    · split at h
      · split at h
        · simp at h
        · simp only [Except.ok.injEq] at h
          subst h
          exact ⟨rfl, rfl⟩
      · split at h
        · simp at h
        · exact receiveNow_silent (s := s.remember receive.role) h

theorem acknowledge_silent {role : Nat} {position : Position}
    (h : s.acknowledge p now by_ role position = .ok came) :
    Silent s came.session came.outputs := by
  unfold acknowledge at h
  split at h
  · simp at h
  · split at h
    · simp only [Except.ok.injEq] at h
      subst h
      exact ⟨rfl, rfl⟩
    · split at h
      · simp at h
      · rename_i hi
        split at h
        · simp at h
        · split at h
          · simp at h
          · simp only [Except.ok.injEq] at h
            subst h
            refine ⟨?_, ?_⟩
            · rw [came_attachments, record_attachments, ← implied_attachments hi]
              rfl
            · simp only [epochs_came, epochs_append, epochs_record, epochs_consumed,
                List.nil_append]

theorem bind_silent {edge : Option Nat} {handler : Option String}
    (h : s.bind p now by_ edge handler = .ok came) : Silent s came.session came.outputs := by
  unfold bind at h
  split at h
  · simp at h
  · split at h
    · simp at h
    · simp only [Except.ok.injEq] at h
      subst h
      refine ⟨?_, ?_⟩
      · rw [came_attachments, record_attachments]
        rfl
      · simp only [epochs_came, epochs_record]

theorem drain_silent {deadline : Option Tick} (h : s.drain p now by_ deadline = .ok came) :
    Silent s came.session came.outputs := by
  unfold drain at h
  split at h
  · simp at h
  · split at h
    · simp at h
    · simp only [Except.ok.injEq] at h
      subst h
      refine ⟨?_, ?_⟩
      · rw [came_attachments, record_attachments]
        rfl
      · simp only [epochs_came, epochs_append, epochs_record, List.nil_append]
        rfl

theorem finish_silent {act : Act} {status : Status}
    (h : s.finish p now by_ act status = .ok came) : Silent s came.session came.outputs := by
  unfold finish at h
  split at h
  · simp at h
  · simp only [Except.ok.injEq] at h
    subst h
    refine ⟨?_, ?_⟩
    · rw [endWith_attachments, record_attachments]
      rfl
    · simp only [epochs_append, epochs_record, epochs_say, epochs_endWith, List.nil_append]

theorem perform_attachments (s : Session) (made : Made) (change : Change) :
    (s.perform made change).1.attachments = s.attachments := by
  cases change with
  | issue owner scope receipt => cases receipt <;> rfl
  | lose owner spent end_ => cases spent <;> cases end_ <;> rfl
  | attest attest => cases attest <;> rfl
  | _ => rfl

theorem change_silent {made : Made} (h : s.change p now made = .ok came) :
    Silent s came.session came.outputs := by
  unfold change at h
  simp only at h
  split at h
  · simp only [Except.ok.injEq] at h
    subst h
    exact ⟨rfl, rfl⟩
  · split at h
    · simp at h
    · simp only [Except.ok.injEq] at h
      subst h
      exact ⟨rfl, rfl⟩
    · simp only [Except.ok.injEq] at h
      subst h
      refine ⟨?_, ?_⟩
      · unfold changed
        simp only
        split
        · rw [endWith_attachments, record_attachments, perform_attachments]
          rfl
        · rw [settle_attachments, record_attachments, perform_attachments]
          rfl
      · unfold changed
        simp only [epochs_append, epochs_record, epochs_say, List.nil_append]
        split
        · exact epochs_endWith _ _ _
        · exact epochs_settle _ _

theorem expire_silent (p : Protocol) (s : Session) (at_ : Tick) (timer : Timer) :
    Silent s (s.expire p at_ timer).1 (s.expire p at_ timer).2 := by
  cases timer with
  | drain =>
    refine ⟨?_, ?_⟩
    · simp only [expire, expireDrain, endWith_attachments, record_attachments]
      rfl
    · simp only [expire, expireDrain, epochs_append, epochs_record, epochs_endWith,
        List.nil_append]
  | transfer receipt =>
    refine ⟨?_, ?_⟩
    · simp only [expire, expireTransfer, settle_attachments, record_attachments]
      rfl
    · simp only [expire, expireTransfer, epochs_append, epochs_record, epochs_say, epochs_settle,
        List.nil_append]
  | site timer =>
    simp only [expire, expireSite]
    split
    · exact ⟨rfl, rfl⟩
    · refine ⟨?_, ?_⟩
      · simp only [record_attachments]
        rfl
      · simp only [epochs_append, epochs_record, epochs_say, List.nil_append]
        rfl
  | witness witness =>
    refine ⟨?_, ?_⟩
    · simp only [expire, expireWitness, record_attachments]
      rfl
    · simp only [expire, expireWitness, epochs_append, epochs_record, epochs_say,
        List.nil_append]

/-! ## What changes attachments -/

/-- What a step makes of the attachments of its session, and which epochs it gives. -/
inductive AttachmentMoves (s s' : Session) (told : List Output) : Prop
  | silent : Silent s s' told → AttachmentMoves s s' told
  | attaches (by_ : Presented) (role : Nat) (epoch : Epoch) :
    (∃ endpoint, s.acting by_ role = .ok endpoint) → s.attachmentsOrNew.next = some epoch →
    s'.attachments = some (s.attachmentsOrNew.attach ⟨role, epoch, by_.generation⟩) →
    epochs told = [epoch] → AttachmentMoves s s' told
  | detaches (role : Nat) :
    s'.attachments = some (s.attachmentsOrNew.detach role) → epochs told = [] → AttachmentMoves s s' told
  | recovers (fencing : Nat) :
    s.attachmentsOrNew.fencing < fencing → s'.attachments = some ⟨fencing, 0, []⟩ →
    epochs told = [] → AttachmentMoves s s' told

theorem attaching_attachments (attachments : Attachments) (event : Recorded) (outcome : Outcome)
    (accepted : Accepted) (told : Event) :
    (s.attaching p now attachments event outcome accepted told).session.attachments
        = some attachments
      ∧ epochs (s.attaching p now attachments event outcome accepted told).outputs
        = epochs [.event told] := by
  refine ⟨?_, ?_⟩
  · simp only [attaching, came_attachments, record_attachments]
  · simp only [attaching, epochs_came, epochs_append, epochs_record, List.nil_append]

theorem actOn_moves {act : Act} (h : State.actOn p now s by_ act = .ok came) :
    AttachmentMoves s came.session came.outputs := by
  cases act with
  | send => exact .silent (send_silent h)
  | receive => exact .silent (receive_silent h)
  | acknowledge => exact .silent (acknowledge_silent h)
  | bind => exact .silent (bind_silent h)
  | drain => exact .silent (drain_silent h)
  | close => exact .silent (finish_silent h)
  | cancel => exact .silent (finish_silent h)
  | fault => exact .silent (finish_silent h)
  | authority => exact .silent (change_silent h)
  | attach role =>
    obtain ⟨epoch, acting, _, next, rfl⟩ := attach_ok h
    obtain ⟨is, told⟩ := attaching_attachments (p := p) (now := now) (s := s)
      (s.attachmentsOrNew.attach ⟨role, epoch, by_.generation⟩)
      (.input (.act by_ (.attach role))) (.attached epoch) (.attached epoch)
      (.attached s.id role epoch (s.attached role))
    exact .attaches by_ role epoch acting next is told
  | detach role epoch =>
    obtain ⟨_, _, _, rfl⟩ := detach_ok h
    obtain ⟨is, told⟩ := attaching_attachments (p := p) (now := now) (s := s)
      (s.attachmentsOrNew.detach role) (.input (.act by_ (.detach role epoch))) .done .done
      (.detached s.id role epoch)
    exact .detaches role is told

theorem Step.moves {s' : Session} {told : List Output} (h : Step p s told s') : AttachmentMoves s s' told := by
  cases h with
  | acts _ _ _ h => exact actOn_moves h
  | changes _ _ _ h => exact .silent (change_silent h)
  | @recovers now fencing came _ _ h =>
    obtain ⟨_, later, rfl⟩ := recovered_ok h
    obtain ⟨is, told⟩ := attaching_attachments (p := p) (now := now) (s := s)
      ⟨fencing, 0, []⟩ (.recovered fencing) .done .done (.recovered s.id fencing)
    exact .recovers fencing later is told
  | expires _ => exact .silent (expire_silent p s _ _)

/-! ## Epochs -/

/-- The epoch is the last one that the attachments have given, or an earlier one. -/
def _root_.Antiphon.Machine.Epoch.UpTo (e : Epoch) (a : Attachments) : Prop :=
  e.fencing < a.fencing ∨ e.fencing = a.fencing ∧ e.counter ≤ a.counter

/-- What is true of the attachments of a session that was told all of this. -/
structure Attached (s : Session) (told : List Output) : Prop where
  /-- Each epoch that was given is later than all before it. -/
  grow : (epochs told).Pairwise (· < ·)
  upTo : ∀ e ∈ epochs told, e.UpTo s.attachmentsOrNew
  given : ∀ entry ∈ s.attachmentsOrNew.entries, entry.epoch ∈ epochs told
  /-- At most one of each role. -/
  alone : s.attachmentsOrNew.entries.Pairwise (fun a b => a.role ≠ b.role)

theorem next_later {a : Attachments} {epoch e : Epoch} (next : a.next = some epoch)
    (h : e.UpTo a) : e < epoch := by
  unfold Attachments.next at next
  split at next
  · injection next with next
    subst next
    rcases h with h | ⟨e', h⟩
    · exact .inl h
    · exact .inr ⟨e', Nat.lt_succ_of_le h⟩
  · simp at next

theorem upTo_next {a : Attachments} {epoch e : Epoch} (next : a.next = some epoch) {role : Nat}
    {generation : Generation} (h : e.UpTo a ∨ e = epoch) :
    e.UpTo (a.attach ⟨role, epoch, generation⟩) := by
  unfold Attachments.next at next
  split at next
  · injection next with next
    subst next
    rcases h with (h | ⟨e', h⟩) | rfl
    · exact .inl h
    · exact .inr ⟨e', Nat.le_succ_of_le h⟩
    · exact .inr ⟨rfl, Nat.le_refl _⟩
  · simp at next

theorem Attached.step {s' : Session} {before told : List Output} (h : s.Attached before)
    (moves : AttachmentMoves s s' told) : s'.Attached (before ++ told) := by
  cases moves with
  | silent silent =>
    obtain ⟨same, none_⟩ := silent
    have same : s'.attachmentsOrNew = s.attachmentsOrNew := by
      unfold attachmentsOrNew
      rw [same]
    refine ⟨?_, ?_, ?_, ?_⟩
    · rw [epochs_append, none_, List.append_nil]
      exact h.grow
    · rw [epochs_append, none_, List.append_nil, same]
      exact h.upTo
    · rw [epochs_append, none_, List.append_nil, same]
      exact h.given
    · rw [same]
      exact h.alone
  | attaches by_ role epoch _ next is given =>
    have is : s'.attachmentsOrNew = s.attachmentsOrNew.attach ⟨role, epoch, by_.generation⟩ := by
      unfold attachmentsOrNew
      rw [is]
      rfl
    have old : ∀ e ∈ epochs before, e < epoch := fun e he => next_later next (h.upTo e he)
    refine ⟨?_, ?_, ?_, ?_⟩
    · rw [epochs_append, given, List.pairwise_append]
      refine ⟨h.grow, by simp, fun a ha b hb => ?_⟩
      rw [List.mem_singleton.1 hb]
      exact old a ha
    · rw [epochs_append, given, is]
      intro e he
      refine upTo_next next ?_
      rcases List.mem_append.1 he with he | he
      · exact .inl (h.upTo e he)
      · exact .inr (List.mem_singleton.1 he)
    · rw [epochs_append, given, is]
      intro entry he
      rcases List.mem_append.1 he with he | he
      · exact List.mem_append_left _ (h.given entry (List.mem_filter.1 he).1)
      · rw [List.mem_singleton.1 he]
        exact List.mem_append_right _ (List.mem_singleton.2 rfl)
    · rw [is]
      refine List.pairwise_append.2 ⟨h.alone.filter _, by simp, fun a ha b hb => ?_⟩
      rw [List.mem_singleton.1 hb]
      simpa using (List.mem_filter.1 ha).2
  | detaches role is none_ =>
    have is : s'.attachmentsOrNew = s.attachmentsOrNew.detach role := by
      unfold attachmentsOrNew
      rw [is]
      rfl
    refine ⟨?_, ?_, ?_, ?_⟩
    · rw [epochs_append, none_, List.append_nil]
      exact h.grow
    · rw [epochs_append, none_, List.append_nil, is]
      exact h.upTo
    · rw [epochs_append, none_, List.append_nil, is]
      exact fun entry he => h.given entry (List.mem_filter.1 he).1
    · rw [is]
      exact h.alone.filter _
  | recovers fencing later is none_ =>
    have is : s'.attachmentsOrNew = ⟨fencing, 0, []⟩ := by
      unfold attachmentsOrNew
      rw [is]
      rfl
    refine ⟨?_, ?_, ?_, ?_⟩
    · rw [epochs_append, none_, List.append_nil]
      exact h.grow
    · rw [epochs_append, none_, List.append_nil, is]
      intro e he
      rcases h.upTo e he with h | ⟨h, _⟩
      · exact .inl (Nat.lt_trans h later)
      · exact .inl (h ▸ later)
    · rw [is]
      simp
    · rw [is]
      exact .nil

theorem opening_attachments {o : Open} {replaying : Bool} (h : opening p now o replaying = .ok s) :
    s.attachments = none := by
  unfold opening at h
  simp only at h
  repeat' split at h
  all_goals first
    | (simp at h; done)
    | (simp only [Except.ok.injEq] at h; subst h; rfl)

theorem opened_silent {o : Open} {replaying : Bool}
    (h : Session.open p now o replaying = .ok came) :
    came.session.attachmentsOrNew = Attachments.new ∧ epochs came.outputs = [] := by
  unfold Session.open at h
  split at h
  · simp at h
  · rename_i fresh hf
    simp only [Except.ok.injEq] at h
    subst h
    refine ⟨?_, ?_⟩
    · unfold attachmentsOrNew
      rw [came_attachments, record_attachments, opening_attachments hf]
      rfl
    · simp only [epochs_came, epochs_append, epochs_record, List.nil_append]
      rfl

theorem History.attached {told : List Output} (h : History p s told) : s.Attached told := by
  induction h with
  | opened _ ho =>
    obtain ⟨new, told⟩ := opened_silent ho
    refine ⟨?_, ?_, ?_, ?_⟩
    · rw [told]; exact .nil
    · rw [told]; simp
    · rw [new]; simp [Attachments.new]
    · rw [new]; exact .nil
  | next _ step ih => exact ih.step step.moves

/-- The live attachment of a role is among what is kept. -/
theorem attached_entry {role : Nat} {epoch : Epoch} (h : s.attached role = some epoch) :
    ∃ entry ∈ s.attachmentsOrNew.entries, entry.role = role ∧ entry.epoch = epoch
      ∧ ∃ held ∈ s.holdings, held.scope.covers (Scope.role role) = true ∧ held.released = false
        ∧ held.generation = entry.generation := by
  unfold attached at h
  split at h
  · rename_i entry held he hh
    split at h
    · rename_i live
      injection h with h
      simp only [Bool.and_eq_true, Bool.not_eq_true', beq_iff_eq] at live
      have is : entry.role = role := by simpa using List.find?_some he
      exact ⟨entry, List.mem_of_find?_eq_some he, is, h, held, List.mem_of_find?_eq_some hh,
        by simpa using List.find?_some hh, live.1, live.2⟩
    · simp at h
  · simp at h

end Session

end Antiphon.Machine
