import Antiphon.Thm.Machine.Attachments
import Antiphon.Thm.Machine.Final

/-!
# The machine: headline theorems

Of every machine that knows well-formed protocols, whatever it is told, in any order, at any time.
-/

namespace Antiphon.Machine

variable {protocols : List Protocol} {observed : Bool} {commands : List State.Command}

/-- A run of commands of a machine that has just been made. -/
abbrev ran (protocols : List Protocol) (observed : Bool) (commands : List State.Command) :
    State × List Output := (State.start protocols observed).run commands

/-- Every command keeps all that is true of a machine: no two sessions have one id, and each is
as it should be: its windows, its counts, no timer after its end, no time ahead of the machine's. -/
theorem step_preserves_wellformed {s : State} (wf : s.WellFormed) (command : State.Command) :
    (s.obey command).1.WellFormed := (State.obey_became wf command).2

private theorem run_wellFormed (known : ∀ p ∈ protocols, p.wellFormed = true) :
    (ran protocols observed commands).1.WellFormed :=
  (State.run_became (State.start_wellFormed known observed)).2

/-- On every edge of every session, what was sent was consumed, was dropped, or is there, in order;
and there is never more there than the edge can hold. -/
theorem edge_window (known : ∀ p ∈ protocols, p.wellFormed = true) {live : Live}
    (mem : live ∈ (ran protocols observed commands).1.sessions) {b : Buffer}
    (hb : b ∈ live.session.edges) :
    b.consumed + b.dropped + b.queue.length = b.sent ∧ b.queue.length ≤ b.capacity
      ∧ b.queue.Pairwise (fun x y => x.seq < y.seq)
      ∧ ∀ q ∈ b.queue, b.passed ≤ q.seq ∧ q.seq < b.sent := by
  obtain ⟨p, _, wf, _⟩ := (run_wellFormed known).each live mem
  have := wf.buffers b hb
  exact ⟨this.counted, this.room, this.ordered, this.placed⟩

/-- The position of every role is how many messages it has sent and consumed on its edges. -/
theorem position_counts (known : ∀ p ∈ protocols, p.wellFormed = true) {live : Live}
    (mem : live ∈ (ran protocols observed commands).1.sessions) :
    ∃ p ∈ protocols, p.digest = live.session.protocol ∧ ∀ role, role < p.roles.length →
      (live.session.endpoint role).position = counted p.edges live.session.edges role := by
  obtain ⟨p, hp, wf, _⟩ := (run_wellFormed known).each live mem
  have same := (State.run_became (commands := commands)
    (State.start_wellFormed known observed)).1.protocols
  refine ⟨p, ?_, wf.protocol.symm, wf.counts⟩
  have := List.mem_of_find?_eq_some hp
  rw [same] at this
  exact this

private theorem advances_of {acts : List (Nat × Move)} (role : Nat) :
    (acts.map Session.advance).filter (·.role = role)
      = (Session.movesOf role acts).map fun move => Session.advance (role, move) := by
  induction acts with
  | nil => rfl
  | cons act rest ih =>
    simp only [List.map_cons, List.filter_cons, Session.movesOf]
    by_cases e : act.1 = role
    · simp only [Session.advance, e, decide_true, if_true, List.map_cons]
      exact congrArg _ ih
    · simp only [Session.advance, e, decide_false]
      exact ih

/-- Every role is where its declared type, unfolded naively, is behind the actions that were told of
it since its session was opened: each of them was allowed, there are as many as its position says, and
it has ended exactly if nothing is left of its type. -/
theorem endpoint_follows_type (known : ∀ p ∈ protocols, p.wellFormed = true)
    (follow : ∀ p ∈ protocols, p.follows = true) {live : Live}
    (mem : live ∈ (ran protocols true commands).1.sessions) :
    ∃ p ∈ protocols, ∃ before since, (ran protocols true commands).2 = before ++ since
      ∧ ∀ role, role < p.roles.length → ∃ actions left moves,
        (p.localOf role).run actions = some left
          ∧ actions.length = (live.session.endpoint role).position
          ∧ left.isEnd = (p.automaton role).isEnd (live.session.endpoint role).state
          ∧ Numbering.run (p.number role) actions = some moves
          ∧ moves.map (fun move => Session.advance (role, move))
            = (Session.advances (since.filter (·.isOf live.session.id))).filter
                (·.role = role) := by
  obtain ⟨p, hp, told, before, since, history, e, f⟩ := State.run_history known mem
  refine ⟨p, hp, before, since, e, ?_⟩
  intro role hr
  obtain ⟨acts, advanced, each⟩ := history.follows (known p hp)
  obtain ⟨state, position⟩ := each role hr
  obtain ⟨R, pairing, start⟩ := Protocol.pairing_of_follows (follow p hp) hr
  obtain ⟨actions, left, numbers, run, paired⟩ := pairing.run_back start state
  refine ⟨actions, left, Session.movesOf role acts, run, ?_, (pairing.ends paired).symm, numbers, ?_⟩
  · rw [position]
    have length : ∀ {run : List Action} {moves : List Move},
        Numbering.run (p.number role) run = some moves → run.length = moves.length := by
      intro run
      induction run with
      | nil =>
        intro moves h
        simp only [Numbering.run, Option.some.injEq] at h
        rw [← h]
        rfl
      | cons action rest ih =>
        intro moves h
        simp only [Numbering.run] at h
        split at h
        · rename_i hm hr
          injection h with h
          rw [← h, List.length_cons, List.length_cons, ih hr]
        · simp at h
    exact length numbers
  · rw [f]
    simp only [State.told, State.start, State.new, if_true]
    rw [advanced]
    exact (advances_of role).symm

/-- A session that has ended is not changed by anything that its machine is told: as long as it is
there, it is what it was when it ended. -/
theorem terminal_is_final {s : State} (wf : s.WellFormed) {id : SessionId} {live live' : Live}
    (found : s.find id = some live) (ended : live.session.status.isTerminal = true) (now : Tick)
    (input : Input) (h : (s.step now input).1.find id = some live') :
    live'.session = live.session := by
  obtain ⟨mem, _⟩ := State.find_mem found
  obtain ⟨_, _, _, idle, _⟩ := wf.each live mem
  have kept : (s.advanceTime now).1.find id = some live := by
    rw [State.find_advanceTime wf, found]
    intro l hl due is
    rw [found] at hl
    injection hl with hl
    subst hl
    rw [Session.due, idle ended] at is
    simp [Due.first] at is
  obtain ⟨_, wf', quiet⟩ := State.advanceTime_became wf now
  exact State.find_apply_final wf' kept ended input h quiet

/-- What is done to one session changes no other one, down to what is volatile of it: nothing but a
timer of its own does. -/
theorem sessions_independent {s : State} (wf : s.WellFormed) {id : SessionId} (now : Tick)
    {input : Input} (other : input.session ≠ some id)
    (quiet : ∀ live, s.find id = some live → ∀ due, live.session.due = some due →
      max s.now now < due.1) : (s.step now input).1.find id = s.find id := by
  obtain ⟨_, wf', still⟩ := State.advanceTime_became wf now
  exact (State.find_apply wf' still other).trans (State.find_advanceTime wf quiet)

/-- Where nobody looks on, records are told all the same. -/
private theorem recorded_told (s : State) (outputs : List Output) :
    recorded (s.told outputs) = recorded outputs := by
  unfold State.told
  split
  · rfl
  · simp only [recorded, List.filterMap_filter]
    congr 1
    funext output
    cases output <;> rfl

/-- A session is what its journal says: replaying the records that it has told since it was opened
comes to that session, whole. -/
theorem replay_of_journal_eq_state (known : ∀ p ∈ protocols, p.wellFormed = true)
    (distinct : ∀ p ∈ protocols, p.distinct = true) {live : Live}
    (mem : live ∈ (ran protocols observed commands).1.sessions)
    (journal : live.session.records.isSome = true) :
    ∃ p ∈ protocols, p.digest = live.session.protocol ∧ ∃ before since,
      (ran protocols observed commands).2 = before ++ since
        ∧ Session.replay p live.session.id
            (recorded (since.filter (·.isOf live.session.id))) = .ok (some live.session) := by
  obtain ⟨p, hp, told, before, since, history, e, f⟩ := State.run_history known mem
  obtain ⟨n, journal⟩ := Option.isSome_iff_exists.1 journal
  refine ⟨p, hp, (history.wellFormed (known p hp)).1.protocol.symm, before, since, e, ?_⟩
  rw [f, recorded_told]
  exact history.replays (known p hp) (distinct p hp) n journal

/-- Every beginning of a journal replays too: it comes to the session as it was when it had written so
many records, from where it went on to what it is. -/
theorem replay_of_prefix_eq_earlier_state (known : ∀ p ∈ protocols, p.wellFormed = true)
    (distinct : ∀ p ∈ protocols, p.distinct = true) {live : Live}
    (mem : live ∈ (ran protocols observed commands).1.sessions)
    (journal : live.session.records.isSome = true) :
    ∃ p ∈ protocols, p.digest = live.session.protocol ∧ ∃ before since,
      (ran protocols observed commands).2 = before ++ since
        ∧ ∀ first rest, recorded (since.filter (·.isOf live.session.id)) = first ++ rest →
          first ≠ [] → ∃ earlier told later, Session.History p earlier told
            ∧ recorded told = first ∧ Session.Steps p earlier later live.session
            ∧ Session.replay p live.session.id first = .ok (some earlier) := by
  obtain ⟨p, hp, told, before, since, history, e, f⟩ := State.run_history known mem
  obtain ⟨n, journal⟩ := Option.isSome_iff_exists.1 journal
  refine ⟨p, hp, (history.wellFormed (known p hp)).1.protocol.symm, before, since, e, ?_⟩
  intro first rest split some_
  rw [f, recorded_told] at split
  obtain ⟨earlier, past, later, history₀, steps, _, is, leads⟩ :=
    history.earlier (known p hp) (distinct p hp) n journal first rest split some_
  exact ⟨earlier, past, later, history₀, is, steps, leads⟩

/-- No epoch is given twice: each attachment of a session has a later one than all before it, over
takeovers, changes of owner and restarts of its host. -/
theorem epochs_grow (known : ∀ p ∈ protocols, p.wellFormed = true) {live : Live}
    (mem : live ∈ (ran protocols true commands).1.sessions) :
    ∃ before since, (ran protocols true commands).2 = before ++ since
      ∧ (epochs (since.filter (·.isOf live.session.id))).Pairwise (· < ·) := by
  obtain ⟨p, _, told, before, since, history, e, f⟩ := State.run_history known mem
  refine ⟨before, since, e, ?_⟩
  rw [f]
  simp only [State.told, State.start, State.new, if_true]
  exact history.attached.grow

/-- A message that comes over an attachment which is not the live one of its role is refused and
changes nothing: the machine is as if it had been told the time alone. -/
theorem stale_attachment_changes_nothing {s : State} {now : Tick} {epoch : Epoch} {by_ : Presented}
    {act : Act} {role : Nat} (acts : act.role = some role) {live : Live}
    (found : (s.advanceTime now).1.find by_.session = some live)
    (stale : live.session.attached role ≠ some epoch) :
    ∃ refusal, s.step now (.over epoch by_ act)
      = ((s.step now .tick).1, .error refusal, (s.step now .tick).2.2) := by
  have refused : ∃ refusal, live.session.comesOver by_ epoch act = .error refusal := by
    unfold Session.comesOver
    simp only [acts]
    split
    · exact ⟨_, rfl⟩
    · unfold Session.isAttached
      rw [if_neg stale]
      exact ⟨_, rfl⟩
  obtain ⟨refusal, refused⟩ := refused
  refine ⟨refusal, ?_⟩
  simp only [State.step, State.apply, State.over, found, Option.map_some, Option.some_or, refused,
    State.refused]

/-- What comes over an attachment that is not refused comes to what it would have come to over none:
the same answer, the same session, the same records. -/
theorem over_the_live_attachment_as_over_none {s : State} {now : Tick} {epoch : Epoch}
    {by_ : Presented} {act : Act} {accepted : Accepted}
    (ok : (s.step now (.over epoch by_ act)).2.1 = .ok accepted) :
    s.step now (.over epoch by_ act) = s.step now (.act by_ act) := by
  have same : ((s.advanceTime now).1.over epoch by_ act).2.1 = .ok accepted →
      (s.advanceTime now).1.over epoch by_ act = (s.advanceTime now).1.act by_ act := by
    unfold State.over
    split
    · exact fun _ => rfl
    · split
      · intro h
        simp [State.refused] at h
      · exact fun _ => rfl
  simp only [State.step, State.apply] at ok ⊢
  rw [same ok]

end Antiphon.Machine
