import Antiphon.Thm.Authority.Origins
import Antiphon.Thm.Machine.Run

/-!
What always holds of authority, in every session however it came to be; and that whatever is done to
a session makes it a later one.
-/

namespace Antiphon.Machine

namespace Session

/-- What always holds of a session where its authority is concerned. -/
structure Good (p : Protocol) (s : Session) : Prop where
  sound : s.Sound p
  resting : s.Resting p
  origins : s.Origins

/-- What is left of the roles decides whether a session is over. -/
theorem isOver_eq {p : Protocol} {s s' : Session} (status : s'.status = s.status)
    (endpoints : s'.endpoints = s.endpoints) (edges : s'.edges = s.edges) :
    s'.isOver p = s.isOver p := by
  simp only [isOver, allEnded, allConsumed, canReceive, enabled, buffer, status, endpoints, edges]

theorem Resting.same {p : Protocol} {s s' : Session} (resting : s.Resting p)
    (status : s'.status = s.status) (keeps : s.Keeps s') : s'.Resting p := by
  unfold Resting isTerminal
  rw [isOver_eq status keeps.endpoints keeps.edges, status]
  exact resting

theorem change_resting {p : Protocol} {now : Tick} {s : Session} {made : Made} {came : Came}
    (good : s.Good p) (ok : s.change p now made = .ok came) : came.session.Resting p := by
  rcases change_cases ok with ⟨e, _⟩ | ⟨change, found, _, rfl⟩
  · rw [e]; exact good.resting
  · exact (changed_settles p now s _ change (check_terminal good.sound found)).resting

theorem change_good {p : Protocol} {now : Tick} {s : Session} {made : Made} {came : Came}
    (good : s.Good p) (ok : s.change p now made = .ok came) : came.session.Good p :=
  ⟨change_sound good.sound ok, change_resting good ok, change_origins good.sound good.origins ok⟩

theorem actOn_good {p : Protocol} {now : Tick} {s : Session} {by_ : Presented} {act : Act}
    {came : Came} (good : s.Good p) (ok : State.actOn p now s by_ act = .ok came) :
    came.session.Good p := by
  refine ⟨actOn_sound good.sound ok, ?_, actOn_origins good.sound good.origins ok⟩
  cases h : act.isAuthority
  · exact (actOn_follows h ok).resting good.resting
  · cases act with
    | authority authority => exact change_resting good ok
    | _ => contradiction

theorem expire_good {p : Protocol} {s : Session} (good : s.Good p) {at_ : Tick} {timer : Timer}
    (due : (at_, timer) ∈ s.dues) : (s.expire p at_ timer).1.Good p := by
  refine ⟨(expire_sound good.sound due).1, ?_, expire_origins good.origins at_ timer⟩
  have keeps := (expire_keeps p s at_ timer).1
  cases timer with
  | drain =>
    exact (endWith_settles p (Session.record { s.touch at_ with deadline := none }
      (.expired .drain) .done).1 rfl).resting
  | transfer receipt => exact (settle_settles p _).resting
  | site timer =>
    refine good.resting.same ?_ keeps
    show (expireSite (s.touch at_) timer).1.status = s.status
    unfold expireSite
    split
    · rfl
    · exact record_status _ _ _
  | witness witness => exact good.resting.same (record_status _ _ _) keeps

theorem opening_fresh {p : Protocol} {now : Tick} {o : Open} {replaying : Bool} {s : Session}
    (ok : opening p now o replaying = .ok s) :
    ∃ buffers known, s = Session.fresh p now o buffers known := by
  unfold opening at ok
  simp only at ok
  repeat' split at ok
  all_goals first
    | (simp at ok; done)
    | (simp only [Except.ok.injEq] at ok
       exact ⟨_, _, ok.symm⟩)

/-- AUTH-4: whoever opens a session owns every fragment, at generation 1. -/
theorem fresh_has (p : Protocol) (now : Tick) (o : Open) (buffers : List Buffer) (known : Bool)
    (f : Nat) (w : Who) : (Session.fresh p now o buffers known).Has f w ↔
      (Scope.session p).has f = true ∧ ⟨o.owner, 1, false⟩ = w := by
  rw [has_eq, has_holdings]
  simp [Session.fresh, spreadOrNew, Spread.new, Ownership.ofOpener, has_nil]

theorem fresh_good (p : Protocol) (now : Tick) (o : Open) (buffers : List Buffer) (known : Bool) :
    (Session.fresh p now o buffers known).Sound p
      ∧ (Session.fresh p now o buffers known).Origins := by
  have has := fresh_has p now o buffers known
  refine ⟨⟨⟨fun f => ?_, fun f w w' h h' => ?_, fun f w h => ?_, fun f w f' w' h h' _ => ?_⟩,
    ⟨.nil, by simp [Session.fresh, spreadOrNew, Spread.new], .nil,
      by simp [Session.fresh, spreadOrNew, Spread.new]⟩,
    ⟨.nil, by simp [Session.fresh, spreadOrNew, Spread.new],
      by simp [Session.fresh, spreadOrNew, Spread.new]⟩,
    Outstanding.new_sound _, Nat.zero_le _, fun t => ?_⟩, ?_⟩
  · constructor
    · rintro ⟨w, h⟩; exact ((has f w).1 h).1
    · intro h; exact ⟨_, (has f _).2 ⟨h, rfl⟩⟩
  · rw [← ((has f w).1 h).2, ← ((has f w').1 h').2]
  · rw [← ((has f w).1 h).2]; exact Nat.le_refl _
  · rw [← ((has f w).1 h).2, ← ((has f' w').1 h').2]
  · simp [Session.fresh, isTerminal, Status.isTerminal] at t
  · constructor <;>
      simp [Session.fresh, spreadOrNew, Spread.new, outstandingOrNew, Outstanding.new]

theorem open_good {p : Protocol} {now : Tick} {o : Open} {replaying : Bool} {came : Came}
    (ok : Session.open p now o replaying = .ok came) : came.session.Good p := by
  unfold Session.open at ok
  split at ok
  · contradiction
  · rename_i s h
    obtain ⟨buffers, known, rfl⟩ := opening_fresh h
    obtain ⟨sound, origins⟩ := fresh_good p now o buffers known
    simp only [Except.ok.injEq] at ok
    subst ok
    have settles := (record_alike (Session.fresh p now o buffers known)
      (.input (.«open» (o.resolved p (Session.fresh p now o buffers known).checked)))
      (.opened (Session.fresh p now o buffers known).ownership.generation)).settles
        (came_settles p _ (.opened (Session.record (Session.fresh p now o buffers known)
      (.input (.«open» (o.resolved p (Session.fresh p now o buffers known).checked)))
      (.opened (Session.fresh p now o buffers known).ownership.generation)).1.capability) [])
    exact ⟨settles.sound sound, settles.resting, origins.settles settles⟩

/-- Whatever is done to a session keeps what always holds, and makes it a later one. -/
theorem Step.keeps {p : Protocol} {s s' : Session} {told : List Output} (step : Step p s told s')
    (good : s.Good p) : s'.Good p ∧ Evolves s s' := by
  cases step with
  | acts _ _ _ ok => exact ⟨actOn_good good ok, actOn_evolves good.sound ok⟩
  | changes _ _ _ ok => exact ⟨change_good good ok, change_evolves good.sound ok⟩
  | recovers _ _ ok =>
    have settles := (recovered_attaches ok).settles
    exact ⟨⟨settles.sound good.sound, settles.resting, good.origins.settles settles⟩,
      settles.evolves⟩
  | expires due =>
    have due := due_some due
    exact ⟨expire_good good due, (expire_sound good.sound due).2⟩

theorem Steps.keeps {p : Protocol} {s s' : Session} {told : List Output}
    (steps : Steps p s told s') (good : s.Good p) : s'.Good p ∧ Evolves s s' := by
  induction steps with
  | none => exact ⟨good, .refl _⟩
  | next step _ ih =>
    obtain ⟨good', evolves⟩ := step.keeps good
    obtain ⟨good'', evolves'⟩ := ih good'
    exact ⟨good'', evolves.trans evolves'⟩

/-- However a session came to be. -/
theorem History.good {p : Protocol} {s : Session} {told : List Output}
    (history : History p s told) : s.Good p := by
  induction history with
  | opened _ ok => exact open_good ok
  | next _ step ih => exact (step.keeps ih).1

end Session

end Antiphon.Machine
