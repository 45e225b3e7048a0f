import Antiphon.Machine
import Antiphon.Thm.Compose.Session

/-!
# Each step of the system is accepted

The other way round of `Thm/Compose/Session.lean`: what a configuration allows, a session that is
active does, whoever asks with authority and at the current position or without one.
-/

namespace Antiphon.Machine

open Antiphon.Compose

namespace Session

variable {p : Protocol} {s s' : Session}

/-- Whether whoever presents this may act as a role: the capability is live, and no transfer keeps
the role from acting. -/
def MayAct (s : Session) (by_ : Presented) (role : Nat) : Prop :=
  s.authorize by_ (Scope.role role) = .ok () ∧ s.unfrozen (Scope.role role) = .ok ()

/-- The acts that say a step: without a position, or at this one; a send with a value of the sort of
its message. -/
inductive Says (p : Protocol) (position : Position) : Compose.Step → Act → Prop where
  | send {role : Nat} {t : Transition} {value conformed : Value} {at_ : Option Position} :
      (p.message t.message).sort.conform value = .ok conformed → (at_ = none ∨ at_ = some position) →
      Says p position ⟨role, .send, t⟩ (.send ⟨role, t.peer, t.label, value, at_⟩)
  | receive {role : Nat} {t : Transition} {at_ : Option Position} :
      (at_ = none ∨ at_ = some position) →
      Says p position ⟨role, .receive, t⟩ (.receive ⟨role, t.peer, at_⟩)

theorem label_of_move (pwf : p.wellFormed = true) {role state : Nat} {t : Transition} (hr : role < p.roles.length)
    (mem : t ∈ (p.automaton role).moves state) : (p.message t.message).label = t.label := by
  simp only [Protocol.wellFormed, Bool.and_eq_true, List.all_eq_true, List.mem_range] at pwf
  have fits := pwf.2 role hr
  simp only [Protocol.fits, List.all_eq_true, Bool.and_eq_true, beq_iff_eq] at fits
  have there : state < (p.automaton role).rows.length := by
    apply Nat.lt_of_not_le
    intro none
    rw [Automaton.moves_out_of_range none] at mem
    cases mem
  have row : (p.automaton role).row state ∈ (p.automaton role).rows := by
    simp only [Automaton.row, List.getD_eq_getElem?_getD, List.getElem?_eq_getElem there, Option.getD_some]
    exact List.getElem_mem there
  have label := (fits _ row t mem).2
  simp only [Protocol.message, List.getD_eq_getElem?_getD]
  cases found : p.messages[t.message]? with
  | none => simp [found] at label
  | some message => simpa [found] using label

theorem sendable_of_leads (pwf : p.wellFormed = true) {role : Nat} (hr : role < p.roles.length) {t : Transition}
    {value conformed : Value} {at_ : Option Position} (active : s.status = .active) (blocks : s.Blocks)
    (unfrozen : s.unfrozen (Scope.role role) = .ok ())
    (mem : t ∈ (p.automaton role).sends (s.endpoint role).state)
    (room : (s.buffer t.edge).len < (s.buffer t.edge).capacity)
    (conforms : (p.message t.message).sort.conform value = .ok conformed) :
    s.sendable p ⟨role, t.peer, t.label, value, at_⟩ = .ok (t, conformed) := by
  have found := (Automaton.send_iff (Protocol.automaton_wellFormed pwf hr)).2 ⟨mem, rfl, rfl⟩
  have fits := (Buffer.hasRoom_block (buffer_blocks blocks t.edge) (message := t.message) (kept := s.kept)).2 room
  simp [sendable, active, unfrozen, found, conforms, fits]

theorem receivable_of_leads (pwf : p.wellFormed = true) {role : Nat} (hr : role < p.roles.length) {t : Transition}
    (active : s.status = .active) (unfrozen : s.unfrozen (Scope.role role) = .ok ())
    (mem : t ∈ (p.automaton role).receives (s.endpoint role).state) {head : Queued}
    (front : (s.buffer t.edge).front = some head) (is : head.message = t.message) :
    s.receivable p role t.peer = .ok (t, head) := by
  have wf := Protocol.automaton_wellFormed pwf hr
  obtain ⟨waiting, found⟩ :
      ∃ waiting, (p.automaton role).receiveFrom (s.endpoint role).state t.peer = some waiting := by
    cases found : (p.automaton role).receiveFrom (s.endpoint role).state t.peer with
    | some waiting => exact ⟨waiting, rfl⟩
    | none =>
      have := List.find?_eq_none.1 found t mem
      simp at this
  have peer : waiting.peer = t.peer := by simpa using List.find?_some found
  have edge : waiting.edge = t.edge := by
    have own := Protocol.move_edge pwf hr mem
    have other := Protocol.move_edge pwf hr (List.mem_of_find?_eq_some found)
    rw [peer, own] at other
    injection other with other
    exact other.symm
  have label := label_of_move pwf hr (Automaton.movesOf_subset mem)
  have takes := (Automaton.receive_iff wf).2 ⟨mem, rfl, rfl, rfl⟩
  simp [receivable, active, Status.isTerminal, unfrozen, found, edge, front, is, label, takes]

theorem acting_of_may {by_ : Presented} {role : Nat} (hr : role < s.endpoints.length)
    (may : s.authorize by_ (Scope.role role) = .ok ()) : s.acting by_ role = .ok (s.endpoint role) := by
  simp [acting, may, endpoint, List.getD_eq_getElem?_getD, List.getElem?_eq_getElem hr]

theorem sendNow_accepted {now : Tick} {by_ : Presented} {send : Send} {t : Transition} {conformed : Value}
    (blocks : s.Blocks) (sendable : s.sendable p send = .ok (t, conformed)) :
    ∃ came, s.sendNow p now by_ send [] = .ok came ∧ came.session.configuration =
      s.configuration.put send.role t.next t.edge (s.configuration.queue t.edge ++ [t.message]) := by
  simp only [sendNow, sendable]
  refine ⟨_, rfl, ?_⟩
  rw [(came_keeps p _ _ _).configuration, (record_keeps _ _ _).configuration,
    performSend_configuration ((s.touch_keeps now).blocks blocks), (s.touch_keeps now).configuration]

theorem receiveNow_accepted {now : Tick} {by_ : Presented} {receive : Receive} {t : Transition} {head : Queued}
    {rest : List Nat} (receivable : s.receivable p receive.role receive.from = .ok (t, head))
    (queue : s.configuration.queue t.edge = t.message :: rest) :
    ∃ came, s.receiveNow p now by_ receive = .ok came ∧
      came.session.configuration = s.configuration.put receive.role t.next t.edge rest := by
  simp only [receiveNow, receivable]
  refine ⟨_, rfl, ?_⟩
  have same := (s.touch_keeps now).configuration
  rw [(came_keeps p _ _ _).configuration, (record_keeps _ _ _).configuration,
    performReceive_configuration (rest := rest) (by rw [same]; exact queue), same]

/-- Each step that the system allows is accepted, and leads where the system says. -/
theorem accepts (pwf : p.wellFormed = true) (roles : s.endpoints.length = p.roles.length)
    (active : s.status = .active) (blocks : s.Blocks) {step : Compose.Step} {d : Configuration}
    (leads : System.Leads (s.system p) s.configuration step d) {now : Tick} {by_ : Presented} {act : Act}
    (may : s.MayAct by_ step.role) (says : Says p (s.endpoint step.role).position step act) :
    ∃ came, State.actOn p now s by_ act = .ok came ∧ came.session.configuration = d := by
  have automata : p.automata.length = p.roles.length := by
    simp only [Protocol.wellFormed, Bool.and_eq_true, beq_iff_eq] at pwf
    exact pwf.1.1.1.1.1.1.1
  cases leads with
  | @send role t direction allowed room =>
    have hr : role < p.roles.length := automata ▸ System.role_of_move allowed
    rw [system, system_row] at direction allowed
    rw [configuration_queue, system_capacity, List.length_map] at room
    have mem := Automaton.mem_movesOf.2 ⟨direction, allowed⟩
    obtain ⟨authorized, unfrozen⟩ := may
    have acting := acting_of_may (roles ▸ hr) authorized
    cases says with
    | @send _ _ value conformed at_ conforms position =>
      rcases position with rfl | rfl
      · have sendable := sendable_of_leads pwf hr (at_ := none) active blocks unfrozen mem room conforms
        simpa [State.actOn, Session.send, acting] using sendNow_accepted (now := now) (by_ := by_) blocks sendable
      · have sendable := sendable_of_leads (s := s.remember role) pwf hr (at_ := some (s.endpoint role).position)
          active ((remember_keeps s role).blocks blocks) unfrozen mem room conforms
        have := sendNow_accepted (now := now) (by_ := by_) ((remember_keeps s role).blocks blocks) sendable
        rw [(remember_keeps s role).configuration] at this
        simpa [State.actOn, Session.send, acting, implied] using this
  | @receive role t rest direction allowed queue =>
    have hr : role < p.roles.length := automata ▸ System.role_of_move allowed
    rw [system, system_row] at direction allowed
    have mem := Automaton.mem_movesOf.2 ⟨direction, allowed⟩
    obtain ⟨authorized, unfrozen⟩ := may
    have acting := acting_of_may (roles ▸ hr) authorized
    obtain ⟨head, front, is⟩ : ∃ head, (s.buffer t.edge).front = some head ∧ head.message = t.message := by
      have queue := queue
      rw [configuration_queue] at queue
      match found : (s.buffer t.edge).queue with
      | [] => simp [found] at queue
      | head :: tail =>
        simp only [found, List.map_cons, List.cons.injEq] at queue
        exact ⟨head, by simp [Buffer.front, found], queue.1⟩
    cases says with
    | @receive _ _ at_ position =>
      rcases position with rfl | rfl
      · have receivable := receivable_of_leads pwf hr active unfrozen mem front is
        simpa [State.actOn, Session.receive, acting] using
          receiveNow_accepted (now := now) (by_ := by_) (receive := ⟨role, t.peer, none⟩) receivable queue
      · have receivable := receivable_of_leads (s := s.remember role) pwf hr active unfrozen mem front is
        have := receiveNow_accepted (now := now) (by_ := by_)
          (receive := ⟨role, t.peer, some (s.endpoint role).position⟩) receivable
          (by rw [(remember_keeps s role).configuration]; exact queue)
        rw [(remember_keeps s role).configuration] at this
        simpa [State.actOn, Session.receive, acting] using this

end Session

end Antiphon.Machine
