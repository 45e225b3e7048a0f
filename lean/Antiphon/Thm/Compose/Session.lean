import Antiphon.Types.Compose
import Antiphon.Thm.Compose.System
import Antiphon.Thm.Machine.Opening
import Antiphon.Types.Compose.Safety

/-!
# Sessions are configurations, and what is done to them is steps

A session whose edges all block, seen without payloads, positions and authority, is a configuration
of the system of its protocol with its capacities. What its roles do are steps of that system; and
each step is accepted by the session when it is presented with authority, a value that conforms, and
no position or the current one.

About `Machine/Session.lean` and `Machine/Action.lean`, beside `Types/Compose/System.lean`.
-/

namespace Antiphon.Machine

open Antiphon.Compose

namespace Buffer

/-- A buffer that blocks has room where there is less on it than it can hold. -/
theorem hasRoom_block {b : Buffer} (h : b.policy = .block) {message kept : Nat} :
    b.hasRoom message kept = true ↔ b.len < b.capacity := by
  simp [hasRoom, h, isFull, staying, len]

/-- A buffer that blocks makes no room. -/
theorem makeRoom_block {b : Buffer} (h : b.policy = .block) {message kept : Nat} : b.makeRoom message kept = b := by
  cases b
  simp_all [makeRoom, staying, len]

end Buffer

namespace Session

/-- What a session is when nobody looks at payloads. -/
def configuration (s : Session) : Configuration :=
  ⟨s.endpoints.map (·.state), s.edges.map fun buffer => buffer.queue.map (·.message)⟩

/-- Whether no edge drops messages or grows. -/
def Blocks (s : Session) : Prop := ∀ buffer ∈ s.edges, buffer.policy = .block

/-- What its edges hold at most. -/
def capacities (s : Session) : List Nat := s.edges.map (·.capacity)

/-- The system that it is a configuration of. -/
def system (p : Protocol) (s : Session) : System := System.of p s.capacities

variable {p : Protocol} {s s' : Session}

@[simp] theorem configuration_state (s : Session) (role : Nat) :
    s.configuration.state role = (s.endpoint role).state := by
  simp only [configuration, Configuration.state, endpoint, List.getD_eq_getElem?_getD, List.getElem?_map]
  cases s.endpoints[role]? <;> rfl

@[simp] theorem configuration_queue (s : Session) (edge : Nat) :
    s.configuration.queue edge = (s.buffer edge).queue.map (·.message) := by
  simp only [configuration, Configuration.queue, buffer, List.getD_eq_getElem?_getD, List.getElem?_map]
  cases s.edges[edge]? <;> rfl

@[simp] theorem system_capacity (s : Session) (edge : Nat) :
    (s.system p).capacity edge = (s.buffer edge).capacity := by
  simp only [system, System.of, System.capacity, capacities, buffer, List.getD_eq_getElem?_getD, List.getElem?_map]
  cases s.edges[edge]? <;> rfl

@[simp] theorem system_row (capacities : List Nat) (s : Session) (role : Nat) :
    (System.of p capacities).row s.configuration role = (p.automaton role).row (s.endpoint role).state := by
  simp [System.row, System.of, Protocol.automaton]

theorem buffer_blocks (h : s.Blocks) (edge : Nat) : (s.buffer edge).policy = .block := by
  simp only [buffer, List.getD_eq_getElem?_getD]
  cases found : s.edges[edge]? with
  | none => rfl
  | some buffer => exact h buffer (List.mem_of_getElem? found)

theorem Keeps.configuration (h : s.Keeps s') : s'.configuration = s.configuration := by
  simp [Session.configuration, h.endpoints, h.edges]

theorem Keeps.blocks (h : s.Keeps s') (blocks : s.Blocks) : s'.Blocks := by
  simpa [Blocks, h.edges] using blocks

theorem Keeps.capacities (h : s.Keeps s') : s'.capacities = s.capacities := by
  simp [Session.capacities, h.edges]

theorem set_same {α : Type} {l : List α} {i : Nat} {a : α} (h : ∀ x, l[i]? = some x → x = a) :
    l.set i a = l := by
  apply List.ext_getElem?
  intro j
  rw [List.getElem?_set]
  split
  · rename_i eq
    subst eq
    split
    · rename_i there
      have := h l[i] (List.getElem?_eq_getElem there)
      rw [List.getElem?_eq_getElem there, this]
    · rename_i gone
      rw [List.getElem?_eq_none (Nat.le_of_not_lt gone)]
  · rfl

/-- What an action leaves: the other capacities and policies are as they were. -/
theorem put_keeps {role edge : Nat} {endpoint : Endpoint} {buffer : Buffer} (blocks : s.Blocks)
    (policy : buffer.policy = .block) (capacity : buffer.capacity = (s.buffer edge).capacity) :
    (s.put role endpoint edge buffer).Blocks ∧ (s.put role endpoint edge buffer).capacities = s.capacities := by
  constructor
  · intro other mem
    rcases List.mem_or_eq_of_mem_set mem with mem | rfl
    · exact blocks other mem
    · exact policy
  · simp only [put, Session.capacities, List.map_set]
    apply set_same
    intro x found
    simp only [List.getElem?_map, Option.map_eq_some_iff] at found
    obtain ⟨b, found, rfl⟩ := found
    rw [capacity]
    simp [Session.buffer, List.getD_eq_getElem?_getD, found]

theorem performSend_configuration {role : Nat} {move : Transition} {value : Value} (blocks : s.Blocks) :
    (s.performSend role move value).configuration =
      s.configuration.put role move.next move.edge (s.configuration.queue move.edge ++ [move.message]) := by
  rw [configuration_queue]
  simp [performSend, put, configuration, Configuration.put, List.map_set, Buffer.push,
    Buffer.makeRoom_block (buffer_blocks blocks move.edge)]

theorem performSend_keeps {role : Nat} {move : Transition} {value : Value} (blocks : s.Blocks) :
    (s.performSend role move value).Blocks ∧ (s.performSend role move value).capacities = s.capacities := by
  have policy := buffer_blocks blocks move.edge
  exact put_keeps (endpoint := ⟨move.next, (s.endpoint role).position + 1⟩) (role := role) (edge := move.edge)
    (buffer := (((s.buffer move.edge).makeRoom move.message s.kept).push move.message value)) blocks
    (by simp [Buffer.push, Buffer.makeRoom_block policy, policy])
    (by simp [Buffer.push, Buffer.makeRoom_block policy])

theorem performReceive_configuration {role : Nat} {move : Transition} {queued : Queued} {rest : List Nat}
    (queue : s.configuration.queue move.edge = move.message :: rest) :
    (s.performReceive role move queued).1.configuration = s.configuration.put role move.next move.edge rest := by
  rw [configuration_queue] at queue
  match found : (s.buffer move.edge).queue with
  | [] => simp [found] at queue
  | head :: tail =>
    simp only [found, List.map_cons, List.cons.injEq] at queue
    simp [performReceive, put, configuration, Configuration.put, List.map_set, Buffer.pop, found, queue.2]

theorem pop_policy (b : Buffer) : b.pop.policy = b.policy ∧ b.pop.capacity = b.capacity := by
  unfold Buffer.pop; split <;> exact ⟨rfl, rfl⟩

theorem performReceive_keeps {role : Nat} {move : Transition} {queued : Queued} (blocks : s.Blocks) :
    (s.performReceive role move queued).1.Blocks ∧
      (s.performReceive role move queued).1.capacities = s.capacities := by
  have policy := buffer_blocks blocks move.edge
  exact put_keeps (endpoint := ⟨move.next, (s.endpoint role).position + 1⟩) blocks
    (by rw [(pop_policy _).1, policy]) (pop_policy _).2

/-- An action as a step says it. -/
def said (step : Compose.Step) : Nat × Move := (step.role, step.transition.move step.direction)

/-- What roles do is a run of the system, action by action. -/
theorem Does.run {acts : List (Nat × Move)} (h : Does p s acts s') (blocks : s.Blocks) :
    s'.Blocks ∧ s'.capacities = s.capacities ∧
      ∃ run, System.Run (s.system p) s.configuration run s'.configuration ∧ run.map said = acts := by
  induction h with
  | keeps k => exact ⟨k.blocks blocks, k.capacities, [], k.configuration ▸ .nil, rfl⟩
  | first k _ ih =>
    obtain ⟨blocks, capacities, run, ran, same⟩ := ih (k.blocks blocks)
    refine ⟨blocks, capacities.trans k.capacities, run, ?_, same⟩
    simpa only [system, k.capacities, k.configuration] using ran
  | @sends s s' acts role move value _ mem room _ ih =>
    obtain ⟨kept, sameCapacities⟩ := performSend_keeps (role := role) (move := move) (value := value) blocks
    obtain ⟨blocks', capacities, run, ran, same⟩ := ih kept
    obtain ⟨direction, allowed⟩ := Automaton.mem_movesOf.1 mem
    rw [performSend_configuration blocks] at ran
    simp only [system, sameCapacities] at ran
    refine ⟨blocks', capacities.trans sameCapacities, ⟨role, .send, move⟩ :: run,
      .cons (.send ?_ ?_ ?_) ran, ?_⟩
    · simpa [system] using direction
    · simpa [system] using allowed
    · simpa [Buffer.len] using (Buffer.hasRoom_block (buffer_blocks blocks _)).1 room
    · simp [said, same]
  | @receives s s' acts role move queued _ mem front is _ ih =>
    obtain ⟨kept, sameCapacities⟩ := performReceive_keeps (role := role) (move := move) (queued := queued) blocks
    obtain ⟨blocks', capacities, run, ran, same⟩ := ih kept
    obtain ⟨direction, allowed⟩ := Automaton.mem_movesOf.1 mem
    obtain ⟨rest, queue⟩ : ∃ rest, s.configuration.queue move.edge = move.message :: rest := by
      rw [configuration_queue]
      simp only [Buffer.front, List.head?_eq_some_iff] at front
      obtain ⟨tail, front⟩ := front
      exact ⟨tail.map (·.message), by simp [front, is]⟩
    rw [performReceive_configuration queue] at ran
    simp only [system, sameCapacities] at ran
    refine ⟨blocks', capacities.trans sameCapacities, ⟨role, .receive, move⟩ :: run,
      .cons (.receive ?_ ?_ queue) ran, ?_⟩
    · simpa [system] using direction
    · simpa [system] using allowed
    · simp [said, same]

/-! ## Histories -/

theorem makeRoom_policy (b : Buffer) (message kept : Nat) : (b.makeRoom message kept).policy = b.policy := by
  unfold Buffer.makeRoom
  split
  · split <;> rfl
  · rfl

/-- Policies are those of the beginning. -/
theorem Does.policies {acts : List (Nat × Move)} (h : Does p s acts s') :
    s'.edges.map (·.policy) = s.edges.map (·.policy) := by
  have same : ∀ (s : Session) (edge : Nat) (buffer : Buffer), buffer.policy = (s.buffer edge).policy →
      (s.edges.set edge buffer).map (·.policy) = s.edges.map (·.policy) := by
    intro s edge buffer policy
    rw [List.map_set]
    apply set_same
    intro x found
    simp only [List.getElem?_map, Option.map_eq_some_iff] at found
    obtain ⟨b, found, rfl⟩ := found
    rw [policy]
    simp [Session.buffer, List.getD_eq_getElem?_getD, found]
  induction h with
  | keeps k => rw [k.edges]
  | first k _ ih => rw [ih, k.edges]
  | sends _ _ _ _ ih =>
    rw [ih]
    exact same _ _ _ (by simp [Buffer.push, makeRoom_policy])
  | receives _ _ _ _ _ ih =>
    rw [ih]
    exact same _ _ _ (pop_policy _).1

theorem blocks_of_policies (h : s'.edges.map (·.policy) = s.edges.map (·.policy))
    (blocks : s'.Blocks) : s.Blocks := by
  intro buffer mem
  have : buffer.policy ∈ s'.edges.map (·.policy) := h ▸ List.mem_map_of_mem mem
  obtain ⟨other, mem, same⟩ := List.mem_map.1 this
  rw [← same]
  exact blocks other mem

theorem policed_queue {index : Nat} {edge : Edge} {policy : Policy} {b b' : Buffer}
    (h : Open.policed p index edge policy b = .ok b') : b'.queue = b.queue := by
  unfold Open.policed at h
  simp only at h
  repeat' split at h
  all_goals first
    | (simp at h; done)
    | (simp only [Except.ok.injEq] at h
       subst h
       rfl)

theorem buffersFrom_queue {o : Open} : ∀ {all : List (Edge × Nat)} {index : Nat} {buffers : List Buffer},
    o.buffersFrom p index all = .ok buffers → ∀ b ∈ buffers, b.queue = []
  | [], _, _, h => by
    simp only [Open.buffersFrom, Except.ok.injEq] at h
    simp [← h]
  | (edge, capacity) :: rest, index, buffers, h => by
    simp only [Open.buffersFrom] at h
    split at h
    · simp at h
    · rename_i buffer made
      split at h
      · simp at h
      · rename_i others found
        simp only [Except.ok.injEq] at h
        subst h
        intro b mem
        rcases List.mem_cons.1 mem with rfl | mem
        · exact (policed_queue made).trans rfl
        · exact buffersFrom_queue found b mem

theorem opening_empty {now : Tick} {o : Open} {replaying : Bool} (h : opening p now o replaying = .ok s) :
    ∃ buffers known, s = fresh p now o buffers known ∧ ∀ b ∈ buffers, b.queue = [] := by
  unfold opening at h
  simp only at h
  split at h
  · simp at h
  · split at h
    · simp at h
    · split at h
      · simp at h
      · split at h
        · simp at h
        · rename_i buffers made
          repeat' split at h
          all_goals first
            | (simp at h; done)
            | (simp only [Except.ok.injEq] at h
               exact ⟨buffers, _, h.symm, buffersFrom_queue made⟩)

theorem initial_of_keeps (keeps : s.Keeps s') (h : s.configuration = (s.system p).initial) :
    s'.configuration = (s'.system p).initial := by
  rw [keeps.configuration, system, keeps.capacities]
  exact h

/-- A session begins in the initial configuration. -/
theorem open_initial (pwf : p.wellFormed = true) {now : Tick} {o : Open} {replaying : Bool} {came : Came}
    (h : Session.open p now o replaying = .ok came) :
    came.session.configuration = (came.session.system p).initial := by
  have automata : p.automata.length = p.roles.length := by
    simp only [Protocol.wellFormed, Bool.and_eq_true, beq_iff_eq] at pwf
    exact pwf.1.1.1.1.1.1.1
  unfold Session.open at h
  split at h
  · simp at h
  · rename_i made opened
    simp only [Except.ok.injEq] at h
    subst h
    refine initial_of_keeps ((record_keeps _ _ _).trans (came_keeps p _ _ _)) ?_
    obtain ⟨buffers, known, rfl, empty⟩ := opening_empty opened
    simp only [configuration, system, capacities, System.of, System.initial, fresh, List.map_map,
      Configuration.mk.injEq]
    constructor
    · simp [Function.comp_def, List.map_const', automata]
    · exact List.map_congr_left fun b mem => by simp [empty b mem]

/-- Whatever is done to a session is a run of the system, and an observer is told of exactly that. -/
theorem Step.refines (pwf : p.wellFormed = true) (wf : s.WellFormed p) (blocks : s.Blocks) {told : List Output}
    (h : Step p s told s') :
    s'.Blocks ∧ s'.capacities = s.capacities ∧ ∃ run, System.Run (s.system p) s.configuration run s'.configuration ∧
      advances told = run.map fun step => advance (said step) := by
  obtain ⟨acts, does, heard⟩ := h.does pwf wf
  obtain ⟨blocks', capacities, run, ran, rfl⟩ := does.run blocks
  exact ⟨blocks', capacities, run, ran, by rw [heard, List.map_map]; rfl⟩

theorem run_reachable {system : System} {c d : Configuration} {run : List Compose.Step}
    (ran : System.Run system c run d) (reachable : System.Reachable system c) : System.Reachable system d := by
  induction ran with
  | nil => exact reachable
  | cons leads _ ih => exact ih (.step reachable leads)

theorem History.reachable (pwf : p.wellFormed = true) {told : List Output} (history : History p s told)
    (blocks : s.Blocks) : System.Reachable (s.system p) s.configuration := by
  induction history with
  | opened _ opened => exact open_initial pwf opened ▸ .initial
  | next history step ih =>
    have wf := (history.wellFormed pwf).1
    obtain ⟨acts, does, _⟩ := step.does pwf wf
    have blocks := blocks_of_policies does.policies blocks
    obtain ⟨_, same, run, ran, _⟩ := step.refines pwf wf blocks
    have reachable := run_reachable ran (ih blocks)
    rw [system] at reachable ⊢
    rw [same]
    exact reachable

end Session

end Antiphon.Machine
