import Antiphon.Types.Compose
import Antiphon.Thm.Compose.Verdict
import Antiphon.Thm.Compose.Accepts
import Antiphon.Thm.Machine.Run

/-!
# What the verdict of a composition is worth

A verdict `safe` is a proof that every configuration that a session can come to at these capacities is as it should be; a
verdict `violation` is a proof that one of them is not. What the search does is trusted in neither case. And what the system of
a protocol does is what the machine does with its sessions, as long as their edges block.

Clauses: COMP-1 to COMP-5.
-/

namespace Antiphon.Compose

open System

/-- What holds of a configuration that nothing is wrong with. -/
structure Safe (s : System) (c : Configuration) : Prop where
  /-- Whoever waits on an edge that holds a message can take its head. -/
  expected : NothingUnexpected s c
  /-- Somebody can move, or all have ended and no message is left. -/
  progress : Moves s c ∨ (Ended s c ∧ Empty c)
  /-- Every role that has not ended, and every message that was sent, can be served. -/
  live : Live s c

/-- If the check of a set passes, nothing is wrong with any configuration that can be reached, whoever made the set. -/
theorem check_sound {s : System} {noted : Noted} (h : s.check noted = true) {c : Configuration}
    (reachable : Reachable s c) : Safe s c := by
  have good : ∀ c, s.graph.Reachable c → s.good noted c (s.next c) = true :=
    fun _ reachable => (Graph.closed_sound h reachable).2
  have listed := reachable_iff.1 reachable
  have here := good c listed
  simp only [System.good, Bool.and_eq_true, Option.isNone_iff_eq_none, unexpected_none_iff] at here
  refine ⟨here.1.1, ?_, ?_⟩
  · have rest := here.1.2
    simp only [Bool.or_eq_true, Bool.not_eq_true', Bool.and_eq_true, Option.isNone_iff_eq_none, allEnded_iff,
      left_none_iff] at rest
    rcases rest with some | rest
    · refine .inl (Classical.byContradiction fun stuck => ?_)
      simp [next_empty_iff.2 stuck] at some
    · exact .inr rest
  · have closed : ∀ c, s.graph.Reachable c → s.isNoted noted c (s.next c) = true := by
      intro c reachable
      have := good c reachable
      simp only [System.good, Bool.and_eq_true] at this
      exact this.2
    have noted := closed c listed
    simp only [isNoted] at noted
    split at noted
    · simp at noted
    · rename_i found; exact live_of_noted closed _ listed found (Nat.le_refl _)
    · rename_i found; exact live_of_noted closed _ listed found (Nat.le_refl _)

/-- A verdict `safe` was checked. -/
theorem check_of_verdict {s : System} {limit : Nat} {determinate : Bool} (h : s.verdict limit = .safe determinate) :
    ∃ noted, s.check noted = true ∧ noted.all s.isDeterminate = determinate := by
  have confirmed : ∀ known violation, s.confirm known violation ≠ .safe determinate := by
    intro known violation
    simp only [confirm]
    split
    · simp
    · simp only [cond_eq_ite]; split <;> simp
  simp only [System.verdict] at h
  split at h
  · simp at h
  · exact absurd h (confirmed _ _)
  · rename_i noted _
    simp only [cond_eq_ite] at h
    split at h
    · rename_i checked
      simp only [Verdict.safe.injEq] at h
      exact ⟨noted, checked, h⟩
    · simp at h

/-- Some set of configurations passes the check: behind a verdict `safe` that of the search (`check_of_verdict`). -/
def Checked (s : System) : Prop := ∃ noted, s.check noted = true

/-- Where the verdict is `safe`, nothing is wrong with any configuration that a session can come to. -/
theorem verdict_sound {s : System} {limit : Nat} {determinate : Bool} (h : s.verdict limit = .safe determinate)
    {c : Configuration} (reachable : Reachable s c) : Safe s c :=
  (check_of_verdict h).elim fun _ checked => check_sound checked.1 reachable

/-- Where the verdict is `safe`, no receiver that waits on an edge is ever offered a message that it cannot take. -/
theorem nothing_unexpected {s : System} {limit : Nat} {determinate : Bool} (h : s.verdict limit = .safe determinate)
    {c : Configuration} (reachable : Reachable s c) {role edge : Nat} (waits : WaitsOn s c role edge)
    (message : c.queue edge ≠ []) : Takes s c role edge :=
  (verdict_sound h reachable).expected role edge waits message

/-- Where the verdict is `safe`, nobody is ever stuck: somebody can move, or all roles have ended and the edges are empty. -/
theorem safe_progress {s : System} {limit : Nat} {determinate : Bool} (h : s.verdict limit = .safe determinate)
    {c : Configuration} (reachable : Reachable s c) : (∃ step d, Leads s c step d) ∨ (Ended s c ∧ Empty c) :=
  (verdict_sound h reachable).progress

/-- Where the verdict is `safe`, no message is left over when all roles have ended. -/
theorem no_orphans {s : System} {limit : Nat} {determinate : Bool} (h : s.verdict limit = .safe determinate)
    {c : Configuration} (reachable : Reachable s c) (ended : Ended s c) : Empty c := by
  rcases safe_progress h reachable with ⟨step, d, leads⟩ | ⟨_, empty⟩
  · cases leads with
    | send _ allowed _ => rw [ended] at allowed; cases allowed
    | receive _ allowed _ => rw [ended] at allowed; cases allowed
  · exact empty

/-- Where the verdict is `safe`, whoever waits can be served from wherever the session has come to: a role that has not ended can
move again, a message that was sent can be consumed. -/
theorem everybody_served {s : System} {limit : Nat} {determinate : Bool} (h : s.verdict limit = .safe determinate)
    {c : Configuration} (reachable : Reachable s c) {waiter : Waiter} (waiting : Waiting s c waiter) :
    Served s c waiter :=
  (verdict_sound h reachable).live waiter waiting

/-- Where the verdict says so, no role ever has two receives that it can do. -/
theorem receive_determinacy {s : System} {limit : Nat} (h : s.verdict limit = .safe true) {c : Configuration}
    (reachable : Reachable s c) : Determinate s c := by
  obtain ⟨noted, checked, all⟩ := check_of_verdict h
  exact determinate_of_all (Tree.of_all all (Graph.closed_sound checked (reachable_iff.1 reachable)).1)

/-- Where the verdict is a violation, its run can be done and ends where the rule is broken. -/
theorem violation_real {s : System} {limit : Nat} {violation : Violation} (h : s.verdict limit = .violation violation) :
    ∃ c, Run s s.initial violation.run c ∧ Reachable s c ∧ Violates s c violation.kind := by
  have confirmed : ∀ known found, s.confirm known found = .violation violation →
      ∃ c, Run s s.initial violation.run c ∧ Reachable s c ∧ Violates s c violation.kind := by
    intro known found h
    simp only [confirm] at h
    split at h
    · simp at h
    · rename_i c replayed
      simp only [cond_eq_ite] at h
      split at h
      · rename_i shown
        simp only [Verdict.violation.injEq] at h
        subst h
        refine ⟨c, run_of_replay replayed, reachable_iff.2 (Graph.replay_reachable replayed .initial), ?_⟩
        generalize found.kind = kind at shown
        cases kind with
        | unexpectedMessage edge =>
          obtain ⟨role, _, found⟩ := List.any_eq_true.1 shown
          simp only [beq_iff_eq] at found
          have ⟨queue, waits, cannot⟩ := of_unexpectedOf found
          exact ⟨queue, role, waits, cannot⟩
        | orphanMessage edge =>
          simp only [shows, Bool.and_eq_true, allEnded_iff, Bool.not_eq_true', List.isEmpty_eq_false_iff] at shown
          exact shown
        | deadlock =>
          simp only [shows, Bool.and_eq_true, List.isEmpty_iff, next_empty_iff, Bool.not_eq_true'] at shown
          exact ⟨shown.1, fun ended => by simp [allEnded_iff.2 ended] at shown⟩
        | notLive waiter =>
          simp only [shows, Bool.and_eq_true, waits_iff] at shown
          exact ⟨shown.1, never_served shown.2⟩
      · simp at h
  simp only [System.verdict] at h
  split at h
  · simp at h
  · exact confirmed _ _ h
  · simp only [cond_eq_ite] at h
    split at h <;> simp at h

/-! ## Sessions of the machine -/

open Machine

/-- Whatever is done to a session whose edges all block is zero or more steps of the system of its protocol with its
capacities, and an observer is told of exactly these. -/
theorem machine_refines_config {p : Protocol} (pwf : p.wellFormed = true) {s s' : Session} (wf : s.WellFormed p)
    (blocks : s.Blocks) {told : List Output} (h : Session.Step p s told s') :
    s'.Blocks ∧ s'.capacities = s.capacities ∧ ∃ run, Run (s.system p) s.configuration run s'.configuration ∧
      Session.advances told = run.map fun step => Session.advance (Session.said step) :=
  h.refines pwf wf blocks

/-- In an active session whose edges all block, every step that its system allows is accepted when it is presented with a live
capability that no transfer freezes, at the current position or without one; and it leads where the system says. -/
theorem enabled_step_accepted {p : Protocol} (pwf : p.wellFormed = true) {s : Session} (wf : s.WellFormed p)
    (active : s.status = .active) (blocks : s.Blocks) {step : Step} {d : Configuration}
    (enabled : Leads (s.system p) s.configuration step d) {now : Tick} {by_ : Presented} {act : Act}
    (may : s.MayAct by_ step.role) (says : Session.Says p (s.endpoint step.role).position step act) :
    ∃ came, State.actOn p now s by_ act = .ok came ∧ came.session.configuration = d :=
  Session.accepts pwf wf.roles active blocks enabled may says

/-- Whatever a machine is told, each of its sessions whose edges all block is a reachable configuration of the system of its
protocol with its capacities. -/
theorem session_reachable {protocols : List Protocol}
    (pwf : ∀ p ∈ protocols, p.wellFormed = true) {observed : Bool} {commands : List State.Command}
    {live : Live} (mem : live ∈ ((State.start protocols observed).run commands).1.sessions)
    (blocks : live.session.Blocks) :
    ∃ p ∈ protocols, p.digest = live.session.protocol ∧
      Reachable (live.session.system p) live.session.configuration := by
  obtain ⟨p, known, told, _, _, history, _⟩ := State.run_history pwf mem
  exact ⟨p, known, ((history.wellFormed (pwf p known)).1.protocol).symm,
    history.reachable (pwf p known) blocks⟩

/-- Whatever a machine is told: where a set of configurations of a protocol passes the check at these capacities, as behind
every verdict `safe`, nothing is wrong with any session of it whose edges all block. Whoever waits on an edge can take its
head, somebody can move or all have ended and nothing is left, and whoever waits can be served. -/
theorem session_safe {protocols : List Protocol} (pwf : ∀ p ∈ protocols, p.wellFormed = true)
    {observed : Bool} {commands : List State.Command} {live : Live}
    (mem : live ∈ ((State.start protocols observed).run commands).1.sessions)
    (blocks : live.session.Blocks)
    (safe : ∀ p ∈ protocols, p.digest = live.session.protocol → Checked (System.of p live.session.capacities)) :
    ∃ p ∈ protocols, p.digest = live.session.protocol ∧ live.session.WellFormed p ∧
      Safe (live.session.system p) live.session.configuration := by
  obtain ⟨p, known, told, _, _, history, _⟩ := State.run_history pwf mem
  have wf := (history.wellFormed (pwf p known)).1
  obtain ⟨noted, checked⟩ := safe p known wf.protocol.symm
  exact ⟨p, known, wf.protocol.symm, wf,
    check_sound checked (history.reachable (pwf p known) blocks)⟩

/-- Whatever a machine is told: where a set of configurations of a protocol passes the check at these capacities, as behind
every verdict `safe`, no active session of it whose edges all block is ever stuck. There is a step that is accepted from
whoever may act for its role, or all roles have ended and nothing is left on the edges. -/
theorem session_never_stuck {protocols : List Protocol}
    (pwf : ∀ p ∈ protocols, p.wellFormed = true) {observed : Bool} {commands : List State.Command}
    {live : Live} (mem : live ∈ ((State.start protocols observed).run commands).1.sessions)
    (blocks : live.session.Blocks) (active : live.session.status = .active)
    (safe : ∀ p ∈ protocols, p.digest = live.session.protocol → Checked (System.of p live.session.capacities)) :
    ∃ p ∈ protocols, p.digest = live.session.protocol ∧
      ((∃ step d, Leads (live.session.system p) live.session.configuration step d ∧
          ∀ {now by_ act}, live.session.MayAct by_ step.role →
            Session.Says p (live.session.endpoint step.role).position step act →
            ∃ came, State.actOn p now live.session by_ act = .ok came ∧
              came.session.configuration = d) ∨
        (Ended (live.session.system p) live.session.configuration ∧
          Empty live.session.configuration)) := by
  obtain ⟨p, known, digest, wf, safe⟩ := session_safe pwf mem blocks safe
  refine ⟨p, known, digest, ?_⟩
  rcases safe.progress with ⟨step, d, leads⟩ | rest
  · exact .inl ⟨step, d, leads, fun may says =>
      enabled_step_accepted (pwf p known) wf active blocks leads may says⟩
  · exact .inr rest

end Antiphon.Compose
