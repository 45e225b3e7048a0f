import Antiphon.Thm.Machine.Terminal
import Antiphon.Thm.Machine.WellFormed

/-!
# Proofs about the life of a session: what was done to it, one thing after the other

A `History` is how a session came to be: it was opened, and then operations were accepted and timers
ran out. What is told on the way is about this session and no other.
-/

namespace Antiphon.Machine

/-- The session that an event is about. -/
def Event.session : Event → SessionId
  | .opened session => session
  | .advanced session .. => session
  | .authority session _ => session
  | .draining session => session
  | .ended session _ _ => session
  | .timedOut _ witness => witness.session
  | .attached session _ _ _ => session
  | .detached session _ _ => session
  | .recovered session _ => session

/-- The session that an output is about. -/
def Output.session : Output → SessionId
  | .record session _ => session
  | .deliver one => one.session
  | .event one => one.session

/-- A message that is handed to a handler. -/
def Output.isDelivery : Output → Bool
  | .deliver _ => true
  | _ => false

/-- What is told of a session, but for messages that are handed out: they are volatile. -/
def Output.isOf (id : SessionId) (output : Output) : Bool :=
  output.session == id && !output.isDelivery

/-- Everything is told of this session. -/
def About (id : SessionId) (outputs : List Output) : Prop := ∀ o ∈ outputs, o.isOf id = true

theorem About.nil (id : SessionId) : About id [] := by simp [About]

theorem About.append {id : SessionId} {a b : List Output} (h : About id a) (h' : About id b) :
    About id (a ++ b) := by
  intro o ho
  rcases List.mem_append.1 ho with ho | ho
  · exact h o ho
  · exact h' o ho

theorem About.one {id : SessionId} {o : Output} (h : o.isOf id = true) : About id [o] := by
  intro x hx
  rw [List.mem_singleton.1 hx]
  exact h

namespace Session

variable {p : Protocol} {now : Tick} {s : Session} {by_ : Presented} {came : Came}

theorem about_say (s : Session) (audits : List Audit) : About s.id (s.say audits) := by
  intro o ho
  obtain ⟨audit, _, rfl⟩ := List.mem_map.1 ho
  simp [Output.isOf, Output.session, Event.session, Output.isDelivery]

theorem about_record (s : Session) (event : Recorded) (outcome : Outcome) :
    About s.id (s.record event outcome).2 := by
  unfold record; split
  · exact About.nil _
  · exact About.one (by simp [Output.isOf, Output.session, Output.isDelivery])

theorem about_endWith (p : Protocol) (s : Session) (status : Status) :
    About s.id (s.endWith p status).2 :=
  (about_say s _).append
    (About.one (by simp [Output.isOf, Output.session, Event.session, Output.isDelivery]))

theorem about_settle (p : Protocol) (s : Session) : About s.id (s.settle p).2 := by
  unfold settle; split
  · exact about_endWith p s _
  · exact About.nil _

theorem about_came (p : Protocol) (s : Session) (accepted : Accepted) {outputs : List Output}
    (h : About s.id outputs) : About s.id (s.came p accepted outputs).outputs :=
  h.append (about_settle p s)

theorem about_consumed (s : Session) (role : Nat) (received : List Received) :
    About s.id (s.consumed role received) := by
  intro o ho
  obtain ⟨one, _, rfl⟩ := List.mem_map.1 ho
  simp [advanced, Output.isOf, Output.session, Event.session, Output.isDelivery]

theorem record_id (s : Session) (event : Recorded) (outcome : Outcome) :
    (s.record event outcome).1.id = s.id := (record_keeps s event outcome).id

theorem implied_id {role : Nat} {upto : Position} :
    ∀ {missing : Nat} {s s' : Session} {received : List Received},
      s.implied p role upto missing = .ok (s', received) → s'.id = s.id
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
            rw [← h.1, implied_id hi]
            rfl
    · simp at h

theorem sendNow_about {send : Send} {received : List Received}
    (h : s.sendNow p now by_ send received = .ok came) : About s.id came.outputs := by
  unfold sendNow at h
  split at h
  · simp at h
  · rename_i move value _
    simp only [Except.ok.injEq] at h
    subst h
    have id := record_id ((s.touch now).performSend send.role move value)
      (.input (.act by_ (.send { send with value })))
      (.sent move.message (s.buffer move.edge).sent ((s.endpoint send.role).position + 1))
    rw [show s.id = _ from id.symm]
    refine about_came p _ _ (About.append (About.append ?_ (about_consumed _ _ _)) ?_)
    · rw [id]
      exact about_record _ _ _
    · exact About.one (by simp [advanced, Output.isOf, Output.session, Event.session,
        Output.isDelivery])

theorem send_about {send : Send} (h : s.send p now by_ send = .ok came) :
    About s.id came.outputs := by
  unfold Session.send at h
  split at h
  · simp at h
  · split at h
    · exact sendNow_about h
    · split at h
      · split at h
        · simp at h
        · simp only [Except.ok.injEq] at h
          subst h
          exact About.nil _
      · split at h
        · simp at h
        · rename_i hi
          have := sendNow_about h
          rw [implied_id hi] at this
          exact this

theorem receiveNow_about {receive : Receive} (h : s.receiveNow p now by_ receive = .ok came) :
    About s.id came.outputs := by
  unfold receiveNow at h
  split at h
  · simp at h
  · rename_i move head _
    simp only [Except.ok.injEq] at h
    subst h
    have id := record_id ((s.touch now).performReceive receive.role move head).1
      (.input (.act by_ (.receive receive)))
      (.received ((s.touch now).performReceive receive.role move head).2.label
        ((s.touch now).performReceive receive.role move head).2.seq
        ((s.touch now).performReceive receive.role move head).2.position)
    rw [show s.id = _ from id.symm]
    refine about_came p _ _ (About.append ?_ (about_consumed _ _ _))
    rw [id]
    exact about_record _ _ _

theorem receive_about {receive : Receive} (h : s.receive p now by_ receive = .ok came) :
    About s.id came.outputs := by
  unfold Session.receive at h
  split at h
  · simp at h
  · split at h
    · exact receiveNow_about h
    · split at h
      · split at h
        · simp at h
        · simp only [Except.ok.injEq] at h
          subst h
          exact About.nil _
      · split at h
        · simp at h
        · exact receiveNow_about (s := s.remember receive.role) h

theorem acknowledge_about {role : Nat} {position : Position}
    (h : s.acknowledge p now by_ role position = .ok came) : About s.id came.outputs := by
  unfold acknowledge at h
  split at h
  · simp at h
  · split at h
    · simp only [Except.ok.injEq] at h
      subst h
      exact About.nil _
    · split at h
      · simp at h
      · rename_i t received hi
        split at h
        · simp at h
        · split at h
          · simp at h
          · simp only [Except.ok.injEq] at h
            subst h
            have id := record_id (t.touch now) (.input (.act by_ (.acknowledge role position)))
              (.acknowledged position)
            have same : t.id = s.id := implied_id hi
            rw [← same, show t.id = _ from id.symm]
            refine about_came p _ _ (About.append ?_ (about_consumed _ _ _))
            rw [id]
            exact about_record _ _ _

theorem bind_about {edge : Option Nat} {handler : Option String}
    (h : s.bind p now by_ edge handler = .ok came) : About s.id came.outputs := by
  unfold bind at h
  split at h
  · simp at h
  · split at h
    · simp at h
    · simp only [Except.ok.injEq] at h
      subst h
      have id := record_id { s.touch now with
          handlers := if (s.handlersOrNew.bind edge handler).isEmpty = true then none
            else some (s.handlersOrNew.bind edge handler) }
        (.input (.act by_ (.bind edge handler))) .done
      rw [show s.id = _ from id.symm]
      refine about_came p _ _ ?_
      rw [id]
      exact about_record _ _ _

theorem drain_about {deadline : Option Tick} (h : s.drain p now by_ deadline = .ok came) :
    About s.id came.outputs := by
  unfold drain at h
  split at h
  · simp at h
  · split at h
    · simp at h
    · simp only [Except.ok.injEq] at h
      subst h
      have id := record_id { s.touch now with status := .draining, deadline := deadline }
        (.input (.act by_ (.drain deadline))) .done
      rw [show s.id = _ from id.symm]
      refine about_came p _ _ (About.append ?_ ?_)
      · rw [id]
        exact about_record _ _ _
      · exact About.one (by simp [Output.isOf, Output.session, Event.session, Output.isDelivery])

theorem finish_about {act : Act} {status : Status}
    (h : s.finish p now by_ act status = .ok came) : About s.id came.outputs := by
  unfold finish at h
  split at h
  · simp at h
  · simp only [Except.ok.injEq] at h
    subst h
    have id := record_id (s.touch now) (.input (.act by_ act)) .done
    refine About.append (About.append (about_record (s.touch now) _ _) ?_) ?_
    · rw [show s.id = _ from id.symm]
      exact about_say _ _
    · rw [show s.id = _ from id.symm]
      exact about_endWith p _ _

theorem about_of {id id' : SessionId} {outputs : List Output} (h : id' = id)
    (about : About id' outputs) : About id outputs := h ▸ about

theorem changed_about (p : Protocol) (now : Tick) (s : Session) (made : Made) (change : Change) :
    About s.id (s.changed p now made change).outputs := by
  have performed : ((s.touch now).perform made change).1.id = s.id :=
    (perform_keeps (s.touch now) made change).id
  have recorded := (record_id ((s.touch now).perform made change).1 (.input made.input)
    ((s.touch now).perform made change).2.2).trans performed
  unfold changed
  simp only
  refine About.append (About.append (about_of performed (about_record _ _ _)) ?_) ?_
  · split
    · exact about_of ((endWith_keeps p _ _).id.trans recorded) (about_say _ _)
    · exact about_of ((settle_keeps p _).id.trans recorded) (about_say _ _)
  · split
    · exact about_of recorded (about_endWith p _ _)
    · exact about_of recorded (about_settle p _)

theorem change_about {made : Made} (h : s.change p now made = .ok came) :
    About s.id came.outputs := by
  unfold change at h
  simp only at h
  split at h
  · simp only [Except.ok.injEq] at h
    subst h
    exact About.nil _
  · split at h
    · simp at h
    · simp only [Except.ok.injEq] at h
      subst h
      exact About.nil _
    · simp only [Except.ok.injEq] at h
      subst h
      exact changed_about p now s _ _

theorem Attaches.about {event : Recorded} (h : s.Attaches p now event came) :
    About s.id came.outputs := by
  obtain ⟨_, attachments, outcome, accepted, told, is, rfl⟩ := h
  have same : (Session.record { s.touch now with attachments := some attachments } event
      outcome).1.id = s.id := record_id _ _ _
  have told_ : About s.id [.event told] := by
    cases is <;>
      exact About.one (by simp [Output.isOf, Output.session, Event.session, Output.isDelivery])
  simp only [attaching]
  refine about_of same (about_came p _ _ ?_)
  exact about_of same.symm (About.append (about_record
    { s.touch now with attachments := some attachments } _ _) told_)

theorem actOn_about {act : Act} (h : State.actOn p now s by_ act = .ok came) :
    About s.id came.outputs := by
  cases act with
  | send => exact send_about h
  | receive => exact receive_about h
  | acknowledge => exact acknowledge_about h
  | bind => exact bind_about h
  | drain => exact drain_about h
  | close => exact finish_about h
  | cancel => exact finish_about h
  | fault => exact finish_about h
  | authority => exact change_about h
  | attach => exact (attach_attaches h).about
  | detach => exact (detach_attaches h).about

theorem expire_about (p : Protocol) (s : Session) (at_ : Tick) (timer : Timer) :
    About s.id (s.expire p at_ timer).2 := by
  cases timer with
  | drain =>
    have id := record_id { s.touch at_ with deadline := none } (.expired .drain) .done
    refine About.append (about_record { s.touch at_ with deadline := none } _ _) ?_
    rw [show s.id = _ from id.symm]
    exact about_endWith p _ _
  | transfer receipt =>
    have id := record_id { s.touch at_ with
      spread := s.spread.map fun (all : Spread) => all.settle receipt }
      (.expired (.transfer receipt)) .done
    refine About.append (About.append (about_record { s.touch at_ with
      spread := s.spread.map fun (all : Spread) => all.settle receipt } _ _) ?_) ?_
    · rw [show s.id = _ from id.symm]
      exact about_say _ _
    · rw [show s.id = _ from id.symm]
      exact about_settle p _
  | site timer =>
    simp only [expire, expireSite]
    split
    · exact About.nil _
    · refine About.append (About.append ?_ ?_) ?_
      · exact about_of (id' := (s.touch at_).id) rfl (about_record _ _ _)
      · refine about_of ?_ (about_say _ _)
        exact (record_id _ _ _).trans rfl
      · exact About.one (by
          simp [Output.isOf, Output.session, Event.session, Output.isDelivery, Outstanding.timeOut,
            touch])
  | witness witness =>
    have id := record_id { s.touch at_ with
      outstanding := s.outstanding.map fun (all : Outstanding) => all.spend witness }
      (.expired (.witness witness)) .done
    refine About.append (about_record { s.touch at_ with
      outstanding := s.outstanding.map fun (all : Outstanding) => all.spend witness } _ _) ?_
    rw [show s.id = _ from id.symm]
    exact about_say _ _

theorem open_about {o : Open} {replaying : Bool} (h : Session.open p now o replaying = .ok came) :
    About came.session.id came.outputs := by
  unfold Session.open at h
  split at h
  · simp at h
  · rename_i fresh _
    simp only [Except.ok.injEq] at h
    subst h
    have id := record_id fresh (.input (.«open» (o.resolved p fresh.checked)))
      (.opened fresh.ownership.generation)
    rw [(came_keeps p _ _ _).id]
    refine about_came p _ _ (About.append ?_ ?_)
    · rw [id]
      exact about_record _ _ _
    · rw [id]
      exact About.one (by simp [Output.isOf, Output.session, Event.session, Output.isDelivery])

/-! ## Histories -/

/-- One thing that is done to a session, with what is told of it. No timer that is due is waited for
when an operation is looked at, and the time does not go back. -/
inductive Step (p : Protocol) : Session → List Output → Session → Prop
  | acts {s now by_ act came} :
    s.tick ≤ now → (∀ due, s.due = some due → now < due.1) → by_.session = s.id →
    State.actOn p now s by_ act = .ok came → Step p s came.outputs came.session
  | changes {s now made came} :
    s.tick ≤ now → (∀ due, s.due = some due → now < due.1) → made.session = s.id →
    s.change p now made = .ok came → Step p s came.outputs came.session
  | recovers {s now fencing came} :
    s.tick ≤ now → (∀ due, s.due = some due → now < due.1) →
    s.recovered p now fencing = .ok came → Step p s came.outputs came.session
  | expires {s due} :
    s.due = some due → Step p s (s.expire p due.1 due.2).2 (s.expire p due.1 due.2).1

/-- How a session came to be, with everything that was told of it. -/
inductive History (p : Protocol) : Session → List Output → Prop
  | opened {now o came} :
    o.protocol = p.digest → Session.open p now o false = .ok came →
    History p came.session came.outputs
  | next {s s' outputs told} :
    History p s outputs → Step p s told s' → History p s' (outputs ++ told)

theorem Step.id {s' : Session} {told : List Output} (pwf : p.wellFormed = true)
    (wf : s.WellFormed p) (h : Step p s told s') : s'.id = s.id := by
  have of_does : ∀ {a b : Session} {acts}, Does p a acts b → b.id = a.id := by
    intro a b acts h
    induction h with
    | keeps k => exact k.id
    | first k _ ih => rw [ih, k.id]
    | sends _ _ _ _ ih => rw [ih]; rfl
    | receives _ _ _ _ _ ih => rw [ih]; rfl
  cases h with
  | acts _ _ _ h =>
    obtain ⟨_, does, _⟩ := actOn_does pwf wf.roles h
    exact of_does does
  | changes _ _ _ h =>
    obtain ⟨_, does, _⟩ := change_does h
    exact of_does does
  | recovers _ _ h =>
    obtain ⟨_, does, _⟩ := (recovered_attaches h).does
    exact of_does does
  | expires _ => exact (expire_keeps p s _ _).1.id

theorem Step.about {s' : Session} {told : List Output} (h : Step p s told s') :
    About s.id told := by
  cases h with
  | acts _ _ _ h => exact actOn_about h
  | changes _ _ _ h => exact change_about h
  | recovers _ _ h => exact (recovered_attaches h).about
  | expires _ => exact expire_about p s _ _

/-- What a step does, and that it tells of it. -/
theorem Step.does {s' : Session} {told : List Output} (pwf : p.wellFormed = true)
    (wf : s.WellFormed p) (h : Step p s told s') :
    ∃ acts, Does p s acts s' ∧ advances told = acts.map advance := by
  cases h with
  | acts _ _ _ h => exact actOn_does pwf wf.roles h
  | changes _ _ _ h => exact change_does h
  | recovers _ _ h => exact (recovered_attaches h).does
  | expires _ =>
    obtain ⟨keeps, told⟩ := expire_keeps p s _ _
    exact ⟨[], .keeps keeps, told⟩

theorem Step.idle {s' : Session} {told : List Output} (h : Step p s told s') (idle : s.Idle) :
    s'.Idle := by
  cases h with
  | acts _ _ _ h => exact (actOn_final h).2 idle
  | changes _ _ _ h => exact (change_final h).2 idle
  | recovers _ _ h => exact (recovered_attaches h).final.2 idle
  | expires he =>
    cases runs : s.status.isTerminal with
    | false => exact expire_idle runs _ _
    | true =>
      rw [due, idle runs] at he
      simp [Due.first] at he

/-- `terminal_is_final`: no step changes a session that has ended. -/
theorem Step.final {s' : Session} {told : List Output} (h : Step p s told s') (idle : s.Idle)
    (ended : s.status.isTerminal = true) : s' = s ∧ told = [] := by
  cases h with
  | acts _ _ _ h => exact (actOn_final h).1 ended
  | changes _ _ _ h => exact (change_final h).1 ended
  | recovers _ _ h => exact (recovered_attaches h).final.1 ended
  | expires he =>
    rw [due, idle ended] at he
    simp [Due.first] at he

end Session

end Antiphon.Machine
