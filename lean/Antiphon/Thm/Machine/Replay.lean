import Antiphon.Machine.Replay
import Antiphon.Thm.Machine.Run
import Antiphon.Thm.Types.Value

/-!
# Proofs about journals: an accepted operation, told again as it was recorded, comes to the same

A record holds an operation as its session understood it: the value of a send as its sort has it,
reasons within their length, capacities said in full. Told again at the tick of the record, it changes
the session as it did.
-/

namespace Antiphon.Machine

/-- What a sort has made of a value it leaves as it is. -/
def Settled (p : Protocol) : Prop :=
  ∀ (message : Nat) (value value' : Value), (p.message message).sort.conform value = .ok value' →
    (p.message message).sort.conform value' = .ok value'

@[simp] theorem recorded_append (a b : List Output) :
    recorded (a ++ b) = recorded a ++ recorded b := List.filterMap_append

@[simp] theorem recorded_nil : recorded [] = [] := rfl

namespace Session

variable {p : Protocol} {now : Tick} {s : Session} {by_ : Presented} {came : Came}

@[simp] theorem recorded_say (s : Session) (audits : List Audit) : recorded (s.say audits) = [] := by
  simp [recorded, say, List.filterMap_map, Function.comp_def, Output.recorded]

@[simp] theorem recorded_endWith (p : Protocol) (s : Session) (status : Status) :
    recorded (s.endWith p status).2 = [] := by
  simp only [endWith, recorded_append, recorded_say, List.nil_append]
  rfl

@[simp] theorem recorded_settle (p : Protocol) (s : Session) : recorded (s.settle p).2 = [] := by
  unfold settle; split
  · exact recorded_endWith p s _
  · rfl

@[simp] theorem recorded_came (p : Protocol) (s : Session) (accepted : Accepted)
    (outputs : List Output) : recorded (s.came p accepted outputs).outputs = recorded outputs := by
  simp [came]

@[simp] theorem recorded_consumed (s : Session) (role : Nat) (received : List Received) :
    recorded (s.consumed role received) = [] := by
  simp [recorded, consumed, List.filterMap_map, Function.comp_def, advanced, Output.recorded]

/-- The record of an event, in a session that keeps a journal. -/
theorem recorded_record (s : Session) (event : Recorded) (outcome : Outcome) :
    recorded (s.record event outcome).2
      = s.records.toList.map fun n => ⟨n, s.tick, event, outcome⟩ := by
  unfold record; split
  · rename_i h
    simp [h]
  · rename_i n h
    simp [h, recorded, Output.recorded]

@[simp] theorem record_records (s : Session) (event : Recorded) (outcome : Outcome) :
    (s.record event outcome).1.records = s.records.map (· + 1) := by
  unfold record; split
  · rename_i h
    simp [h]
  · rename_i n h
    simp [h]

@[simp] theorem settle_records (p : Protocol) (s : Session) : (s.settle p).1.records = s.records := by
  unfold settle; split <;> rfl

@[simp] theorem endWith_records (p : Protocol) (s : Session) (status : Status) :
    (s.endWith p status).1.records = s.records := rfl

@[simp] theorem came_records (p : Protocol) (s : Session) (accepted : Accepted)
    (outputs : List Output) : (s.came p accepted outputs).session.records = s.records :=
  settle_records p s

/-- An operation was recorded as `input`, which comes to the same when it is told again; or it was the
repeat of another one, and is not in the journal. -/
def Repeats (p : Protocol) (now : Tick) (s : Session) (came : Came) : Prop :=
  (came.session = s ∧ came.outputs = []) ∨
  ∃ input outcome, again p (some s) now input = .ok came
    ∧ input.session = some s.id ∧ input.isRecorded = true
    ∧ recorded came.outputs
        = s.records.toList.map (fun n => ⟨n, max s.tick now, .input input, outcome⟩)
    ∧ came.session.records = s.records.map (· + 1)

theorem implied_rest {role : Nat} {upto : Position} :
    ∀ {missing : Nat} {s s' : Session} {received : List Received},
      s.implied p role upto missing = .ok (s', received) → s'.records = s.records
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
            rw [← h.1, implied_rest hi]
            rfl
    · simp at h

theorem sendable_again (settled : Settled p) {send : Send} {move : Transition} {value : Value}
    (h : s.sendable p send = .ok (move, value)) :
    s.sendable p { send with value } = .ok (move, value) := by
  unfold sendable at h ⊢
  simp only at h ⊢
  split at h
  · simp at h
  · rename_i active
    rw [if_neg active]
    split at h
    · simp at h
    · split at h
      · simp at h
      · split at h
        · simp at h
        · rename_i made hc
          split at h
          · rename_i room
            simp only [Except.ok.injEq, Prod.mk.injEq] at h
            obtain ⟨rfl, rfl⟩ := h
            simp only [settled _ _ _ hc, room, if_true]
          · simp at h

theorem sendNow_again (settled : Settled p) {send : Send} {received : List Received}
    (h : s.sendNow p now by_ send received = .ok came) :
    ∃ value outcome, s.sendNow p now by_ { send with value } received = .ok came
      ∧ recorded came.outputs = s.records.toList.map
          (fun n => ⟨n, max s.tick now, .input (.act by_ (.send { send with value })), outcome⟩)
      ∧ came.session.records = s.records.map (· + 1) := by
  unfold sendNow at h
  split at h
  · simp at h
  · rename_i move value hs
    simp only [Except.ok.injEq] at h
    subst h
    refine ⟨value, .sent move.message (s.buffer move.edge).sent
      ((s.endpoint send.role).position + 1), ?_, ?_, ?_⟩
    · unfold sendNow
      rw [sendable_again settled hs]
    · simp only [recorded_came, recorded_append, recorded_record, recorded_consumed,
        List.append_nil]
      simp only [recorded, List.filterMap_cons, List.filterMap_nil, advanced, Output.recorded,
        List.append_nil]
      rfl
    · simp only [came_records, record_records]
      rfl

theorem send_repeats (settled : Settled p) {send : Send} (own : by_.session = s.id)
    (h : s.send p now by_ send = .ok came) : Repeats p now s came := by
  have session : ∀ send, (Input.act by_ (.send send)).session = some s.id :=
    fun _ => congrArg some own
  obtain ⟨role, to, label, given, at_⟩ := send
  unfold Session.send at h
  split at h
  · simp at h
  · rename_i endpoint ha
    cases at_ with
    | none =>
      obtain ⟨value, outcome, again_, told, records⟩ := sendNow_again settled h
      refine .inr ⟨_, outcome, ?_, session _, rfl, told, records⟩
      show Session.send p _ s by_ _ = _
      unfold Session.send
      simp only [ha]
      exact again_
    | some at_ =>
      simp only at h
      split at h
      · split at h
        · simp at h
        · simp only [Except.ok.injEq] at h
          subst h
          exact .inl ⟨rfl, rfl⟩
      · rename_i ahead
        split at h
        · simp at h
        · rename_i t received hi
          have tick : t.tick = s.tick := (implied_tick hi).trans rfl
          have records : t.records = s.records := (implied_rest hi).trans rfl
          obtain ⟨value, outcome, again_, told, records'⟩ := sendNow_again settled h
          rw [tick, records] at told
          rw [records] at records'
          refine .inr ⟨_, outcome, ?_, session _, rfl, told, records'⟩
          show Session.send p _ s by_ _ = _
          unfold Session.send
          simp only [ha, if_neg ahead, hi]
          exact again_

theorem receiveNow_recorded {receive : Receive}
    (h : s.receiveNow p now by_ receive = .ok came) :
    ∃ outcome, recorded came.outputs = s.records.toList.map
          (fun n => ⟨n, max s.tick now, .input (.act by_ (.receive receive)), outcome⟩)
      ∧ came.session.records = s.records.map (· + 1) := by
  unfold receiveNow at h
  split at h
  · simp at h
  · rename_i move head hr
    simp only [Except.ok.injEq] at h
    subst h
    refine ⟨.received ((s.touch now).performReceive receive.role move head).2.label
      ((s.touch now).performReceive receive.role move head).2.seq
      ((s.touch now).performReceive receive.role move head).2.position, ?_, ?_⟩
    · simp only [recorded_came, recorded_append, recorded_record, recorded_consumed,
        List.append_nil]
      rfl
    · simp only [came_records, record_records]
      rfl

theorem receive_repeats {receive : Receive} (own : by_.session = s.id)
    (h : s.receive p now by_ receive = .ok came) : Repeats p now s came := by
  have whole := h
  unfold Session.receive at h
  split at h
  · simp at h
  · split at h
    · obtain ⟨outcome, told, records⟩ := receiveNow_recorded h
      exact .inr ⟨.act by_ (.receive receive), outcome, whole, congrArg some own, rfl, told, records⟩
    · split at h
      · split at h
        · simp at h
        · simp only [Except.ok.injEq] at h
          subst h
          exact .inl ⟨rfl, rfl⟩
      · split at h
        · simp at h
        · obtain ⟨outcome, told, records⟩ :=
            receiveNow_recorded (s := s.remember receive.role) h
          exact .inr ⟨.act by_ (.receive receive), outcome, whole, congrArg some own, rfl, told, records⟩

theorem acknowledge_repeats {role : Nat} {position : Position} (own : by_.session = s.id)
    (h : s.acknowledge p now by_ role position = .ok came) : Repeats p now s came := by
  have whole := h
  unfold acknowledge at h
  split at h
  · simp at h
  · split at h
    · simp only [Except.ok.injEq] at h
      subst h
      exact .inl ⟨rfl, rfl⟩
    · split at h
      · simp at h
      · rename_i t received hi
        split at h
        · simp at h
        · split at h
          · simp at h
          · simp only [Except.ok.injEq] at h
            subst h
            have tick : t.tick = s.tick := implied_tick hi
            have records : t.records = s.records := implied_rest hi
            refine .inr ⟨.act by_ (.acknowledge role position), .acknowledged position, whole,
              congrArg some own, rfl, ?_, ?_⟩
            · simp only [recorded_came, recorded_append, recorded_record, recorded_consumed,
                List.append_nil]
              rw [← tick, ← records]
              rfl
            · simp only [came_records, record_records]
              rw [← records]
              rfl

theorem bind_repeats {edge : Option Nat} {handler : Option String} (own : by_.session = s.id)
    (h : s.bind p now by_ edge handler = .ok came) : Repeats p now s came := by
  have whole := h
  unfold bind at h
  split at h
  · simp at h
  · split at h
    · simp at h
    · simp only [Except.ok.injEq] at h
      subst h
      refine .inr ⟨.act by_ (.bind edge handler), .done, whole, congrArg some own, rfl, ?_, ?_⟩
      · simp only [recorded_came, recorded_record]
        rfl
      · simp only [came_records, record_records]
        rfl

theorem drain_repeats {deadline : Option Tick} (own : by_.session = s.id)
    (h : s.drain p now by_ deadline = .ok came) : Repeats p now s came := by
  have whole := h
  unfold drain at h
  split at h
  · simp at h
  · split at h
    · simp at h
    · simp only [Except.ok.injEq] at h
      subst h
      refine .inr ⟨.act by_ (.drain deadline), .done, whole, congrArg some own, rfl, ?_, ?_⟩
      · simp only [recorded_came, recorded_append, recorded_record]
        simp only [recorded, List.filterMap_cons, List.filterMap_nil, Output.recorded,
          List.append_nil]
        rfl
      · simp only [came_records, record_records]
        rfl

theorem finish_recorded {act : Act} {status : Status}
    (h : s.finish p now by_ act status = .ok came) :
    recorded came.outputs = s.records.toList.map
          (fun n => ⟨n, max s.tick now, .input (.act by_ act), .done⟩)
      ∧ came.session.records = s.records.map (· + 1) := by
  unfold finish at h
  split at h
  · simp at h
  · simp only [Except.ok.injEq] at h
    subst h
    refine ⟨?_, ?_⟩
    · simp only [recorded_append, recorded_record, recorded_say, recorded_endWith, List.append_nil]
      rfl
    · simp only [endWith_records, record_records]
      rfl

/-! ## Texts that were cut stay as they are -/

theorem cutChars_again : ∀ (text : List Char) (most : Nat),
    cutChars (cutChars text most) most = cutChars text most
  | [], _ => rfl
  | c :: rest, most => by
    by_cases fits : c.utf8Size ≤ most
    · simp only [cutChars, fits, if_true]
      rw [cutChars_again rest]
    · simp only [cutChars, fits, if_false]

theorem cutTo_again (text : String) (most : Nat) : cutTo (cutTo text most) most = cutTo text most := by
  by_cases short : text.utf8ByteSize ≤ most
  · have same : cutTo text most = text := by simp [cutTo, short]
    rw [same, same]
  · have same : cutTo text most = String.ofList (cutChars text.toList most) := by
      simp [cutTo, short]
    rw [same]
    unfold cutTo
    split
    · rfl
    · rw [String.toList_ofList, cutChars_again]

theorem understood_again (made : Made) : made.understood.understood = made.understood := by
  cases made with
  | act by_ authority =>
    cases authority with
    | failCommit receipt reason =>
      simp only [Made.understood, cutFailure, cutTo_again]
    | _ => rfl
  | _ => rfl

theorem understood_session (made : Made) : made.understood.session = made.session := by
  cases made with
  | act by_ authority => cases authority <;> rfl
  | _ => rfl

/-! ## Requests about authority -/

theorem perform_records (s : Session) (made : Made) (change : Change) :
    (s.perform made change).1.records = s.records := by
  cases change with
  | issue owner scope receipt => cases receipt <;> rfl
  | lose owner spent end_ => cases spent <;> cases end_ <;> rfl
  | attest attest => cases attest <;> rfl
  | _ => rfl

theorem changed_recorded (p : Protocol) (now : Tick) (s : Session) (made : Made)
    (change : Change) : ∃ outcome,
      recorded (s.changed p now made change).outputs = s.records.toList.map
          (fun n => ⟨n, max s.tick now, .input made.input, outcome⟩)
      ∧ (s.changed p now made change).session.records = s.records.map (· + 1) := by
  have records := perform_records (s.touch now) made change
  have tick := perform_tick (s.touch now) made change
  refine ⟨((s.touch now).perform made change).2.2, ?_, ?_⟩
  · unfold changed
    simp only [recorded_append, recorded_record, recorded_say, List.append_nil, records, tick]
    split
    · simp only [recorded_endWith, List.append_nil]
      rfl
    · simp only [recorded_settle, List.append_nil]
      rfl
  · unfold changed
    simp only
    split
    · simp only [endWith_records, record_records, records]
      rfl
    · simp only [settle_records, record_records, records]
      rfl

theorem again_made (s : Session) (made : Made) :
    again p (some s) now made.input = s.change p now made := by
  cases made <;> rfl

theorem change_repeats {made : Made} (own : made.session = s.id)
    (h : s.change p now made = .ok came) : Repeats p now s came := by
  have whole : again p (some s) now made.understood.input = .ok came := by
    rw [again_made, ← h]
    unfold change
    rw [understood_again]
  unfold change at h
  simp only at h
  split at h
  · simp only [Except.ok.injEq] at h
    subst h
    exact .inl ⟨rfl, rfl⟩
  · split at h
    · simp at h
    · simp only [Except.ok.injEq] at h
      subst h
      exact .inl ⟨rfl, rfl⟩
    · rename_i change _ _
      simp only [Except.ok.injEq] at h
      subst h
      obtain ⟨outcome, told, records⟩ := changed_recorded p now s made.understood change
      refine .inr ⟨_, outcome, whole, ?_, ?_, told, records⟩
      · have session : made.understood.input.session = some made.understood.session := by
          cases made.understood <;> rfl
        rw [session, understood_session, own]
      · cases made.understood <;> rfl

theorem Attaches.recorded_ {event : Recorded} (h : s.Attaches p now event came) : ∃ outcome,
    recorded came.outputs
        = s.records.toList.map (fun n => ⟨n, max s.tick now, event, outcome⟩)
      ∧ came.session.records = s.records.map (· + 1) := by
  obtain ⟨_, attachments, outcome, accepted, told, is, rfl⟩ := h
  refine ⟨outcome, ?_, ?_⟩
  · simp only [attaching, recorded_came, recorded_append, recorded_record]
    have none_ : recorded [.event told] = [] := rfl
    rw [none_, List.append_nil]
    rfl
  · simp only [attaching, came_records, record_records]
    rfl

theorem actOn_repeats (settled : Settled p) {act : Act} (own : by_.session = s.id)
    (h : State.actOn p now s by_ act = .ok came) : Repeats p now s came := by
  cases act with
  | send send => exact send_repeats settled own h
  | receive receive => exact receive_repeats own h
  | acknowledge role position => exact acknowledge_repeats own h
  | bind edge handler => exact bind_repeats own h
  | drain deadline => exact drain_repeats own h
  | close =>
    obtain ⟨told, records⟩ := finish_recorded h
    exact .inr ⟨.act by_ .close, _, h, congrArg some own, rfl, told, records⟩
  | cancel reason =>
    obtain ⟨told, records⟩ := finish_recorded h
    refine .inr ⟨.act by_ (.cancel (cut reason)), _, ?_, congrArg some own, rfl, told, records⟩
    show s.finish p now by_ (.cancel (cut (cut reason))) (.cancelled (cut (cut reason))) = _
    rw [show cut (cut reason) = cut reason from cutTo_again _ _]
    exact h
  | fault reason =>
    obtain ⟨told, records⟩ := finish_recorded h
    refine .inr ⟨.act by_ (.fault (cut reason)), _, ?_, congrArg some own, rfl, told, records⟩
    show s.finish p now by_ (.fault (cut (cut reason))) (.faulted (cut (cut reason))) = _
    rw [show cut (cut reason) = cut reason from cutTo_again _ _]
    exact h
  | authority authority => exact change_repeats (made := .act by_ authority) own h
  | attach role =>
    obtain ⟨_, told, records⟩ := (attach_attaches h).recorded_
    exact .inr ⟨.act by_ (.attach role), _, h, congrArg some own, rfl, told, records⟩
  | detach role epoch =>
    obtain ⟨_, told, records⟩ := (detach_attaches h).recorded_
    exact .inr ⟨.act by_ (.detach role epoch), _, h, congrArg some own, rfl, told, records⟩

/-! ## Timers -/

theorem expire_recorded {due : Due} (h : s.due = some due) : ∃ outcome,
    recorded (s.expire p due.1 due.2).2 = s.records.toList.map
        (fun n => ⟨n, max s.tick due.1, .expired due.2, outcome⟩)
      ∧ (s.expire p due.1 due.2).1.records = s.records.map (· + 1) := by
  have mem := mem_dues (due_some h)
  obtain ⟨at_, timer⟩ := due
  cases timer with
  | drain =>
    refine ⟨.done, ?_, ?_⟩
    · simp only [expire, expireDrain, recorded_append, recorded_record, recorded_endWith,
        List.append_nil]
      rfl
    · simp only [expire, expireDrain, endWith_records, record_records]
      rfl
  | transfer receipt =>
    refine ⟨.done, ?_, ?_⟩
    · simp only [expire, expireTransfer, recorded_append, recorded_record, recorded_say,
        recorded_settle, List.append_nil]
      rfl
    · simp only [expire, expireTransfer, settle_records, record_records]
      rfl
  | site timer =>
    have armed : ∃ watch ∈ s.outstandingOrNew.armed, watch.timer.id = timer := by
      rcases mem with ⟨_, _, e⟩ | ⟨one, _, e⟩ | ⟨watch, mem, e⟩ | ⟨late, _, e⟩
      · simp at e
      · simp [Staged.timer] at e
      · simp only [Armed.timer, Prod.mk.injEq, Timer.site.injEq] at e
        exact ⟨watch, mem, e.2.symm⟩
      · simp [TimeoutWitness.timer] at e
    simp only [expire, expireSite]
    split
    · rename_i none_
      obtain ⟨watch, mem, e⟩ := armed
      have := List.find?_eq_none.1 none_ watch mem
      simp [e] at this
    · rename_i found hf
      refine ⟨.witness ((s.touch at_).outstandingOrNew.timeOut (s.touch at_).id found.timer
        (s.touch at_).tick).2.id, ?_, ?_⟩
      · simp only [recorded_append, recorded_record, recorded_say, List.append_nil]
        simp only [recorded, List.filterMap_cons, List.filterMap_nil, Output.recorded,
          List.append_nil]
        rfl
      · simp only [record_records]
        rfl
  | witness witness =>
    refine ⟨.done, ?_, ?_⟩
    · simp only [expire, expireWitness, recorded_append, recorded_record, recorded_say,
        List.append_nil]
      rfl
    · simp only [expire, expireWitness, record_records]
      rfl

/-! ## One record -/

theorem agrees_own {r : Record} {outputs : List Output} (h : recorded outputs = [r]) :
    agrees r s outputs = .ok s := by
  simp [agrees, h]

theorem replay_input {n : Nat} (records : s.records = some n)
    (wait : ∀ due, s.due = some due → now < due.1) (later : s.tick ≤ now) {input : Input} {outcome : Outcome}
    (again_ : again p (some s) now input = .ok came) (own : input.session = some s.id)
    (is : input.isRecorded = true)
    (told : recorded came.outputs = [⟨n, now, .input input, outcome⟩]) :
    replayRecord p s.id (some s) ⟨n, now, .input input, outcome⟩ = .ok came.session := by
  have quiet : s.isDue now = false := by
    unfold isDue
    split
    · rfl
    · rename_i due h
      simpa using wait due h
  simp only [replayRecord, retold, recordsOf, tickOf, records, Option.getD_some, ne_eq, not_true,
    if_false, if_neg (Nat.not_lt.2 later), inputAgain, Option.any_some, quiet, own, is, or_self,
    again_, Bool.false_eq_true, reduceCtorEq]
  exact agrees_own told

theorem replay_recovered {n : Nat} (records : s.records = some n)
    (wait : ∀ due, s.due = some due → now < due.1) (later : s.tick ≤ now) {fencing : Nat}
    {outcome : Outcome} (again_ : s.recovered p now fencing = .ok came)
    (told : recorded came.outputs = [⟨n, now, .recovered fencing, outcome⟩]) :
    replayRecord p s.id (some s) ⟨n, now, .recovered fencing, outcome⟩ = .ok came.session := by
  have quiet : s.isDue now = false := by
    unfold isDue
    split
    · rfl
    · rename_i due h
      simpa using wait due h
  simp only [replayRecord, retold, recordsOf, tickOf, records, Option.getD_some, ne_eq, not_true,
    if_false, if_neg (Nat.not_lt.2 later), recoveredAgain, quiet, again_, Bool.false_eq_true]
  exact agrees_own told

/-- What a step of a session has told is its next record, which leads to where the session is; or
nothing has changed. -/
theorem Step.replays (settled : Settled p) {s' : Session} {told : List Output}
    (step : Step p s told s') : (s' = s ∧ recorded told = [])
      ∨ s'.records = s.records.map (· + 1) ∧ ∀ n, s.records = some n → ∃ r,
        recorded told = [r] ∧ replayRecord p s.id (some s) r = .ok s' := by
  have of_repeats : ∀ {now : Tick} {came : Came}, s.tick ≤ now →
      (∀ due, s.due = some due → now < due.1) → Repeats p now s came →
      (came.session = s ∧ recorded came.outputs = [])
        ∨ came.session.records = s.records.map (· + 1) ∧ ∀ n, s.records = some n → ∃ r,
          recorded came.outputs = [r] ∧ replayRecord p s.id (some s) r = .ok came.session := by
    intro now came later wait h
    rcases h with ⟨e, o⟩ | ⟨input, outcome, again_, own, is, told, records⟩
    · exact .inl ⟨e, by rw [o]; rfl⟩
    · refine .inr ⟨records, fun n hn => ?_⟩
      rw [hn, show max s.tick now = now from Nat.max_eq_right later] at told
      exact ⟨_, told, replay_input hn wait later again_ own is told⟩
  cases step with
  | acts later wait own ok => exact of_repeats later wait (actOn_repeats settled own ok)
  | changes later wait own ok => exact of_repeats later wait (change_repeats own ok)
  | @recovers now fencing came later wait ok =>
    obtain ⟨outcome, told, records⟩ := (recovered_attaches ok).recorded_
    refine .inr ⟨records, fun n hn => ?_⟩
    rw [hn, show max s.tick now = now from Nat.max_eq_right later] at told
    exact ⟨_, told, replay_recovered hn wait later ok told⟩
  | @expires due h =>
    obtain ⟨outcome, told, records⟩ := expire_recorded (p := p) h
    refine .inr ⟨records, fun n hn => ?_⟩
    rw [hn] at told
    refine ⟨_, told, ?_⟩
    simp only [replayRecord, retold, recordsOf, tickOf, hn, Option.getD_some, ne_eq, not_true, if_false,
      if_neg (Nat.not_lt.2 (Nat.le_max_left s.tick due.1)), expireAgain, h, and_true,
      Nat.max_comm due.1 s.tick, if_true]
    exact agrees_own told

end Session

end Antiphon.Machine
