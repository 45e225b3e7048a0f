import Antiphon.Thm.Machine.Operations
import Antiphon.Machine
import Antiphon.Thm.Authority.Check

/-!
What always holds of authority is kept by everything that is done to a session: requests about
authority, the acts of roles and of the lifecycle, and timers that run out.
-/

namespace Antiphon.Machine

namespace Session

/-- The same authority; and what has ended did so before. -/
structure Alike (s s' : Session) : Prop where
  same : Same s s'
  ended : s'.isTerminal = true → s.isTerminal = true ∧ s'.deadline = s.deadline

theorem Alike.refl (s : Session) : Alike s s := ⟨.refl s, fun t => ⟨t, rfl⟩⟩

theorem Alike.trans {a b c : Session} (x : Alike a b) (y : Alike b c) : Alike a c :=
  ⟨x.same.trans y.same, fun t => ⟨(x.ended (y.ended t).1).1,
    (y.ended t).2.trans (x.ended (y.ended t).1).2⟩⟩

/-- What does not touch authority, and what then follows by itself: at most the session ends. -/
def Settles (p : Protocol) (s s' : Session) : Prop :=
  ∃ r, Alike s r ∧
    (s' = (r.settle p).1 ∨ ∃ status : Status, status.isTerminal = true ∧ s' = r.ended status)

/-- The same, or nothing at all. -/
def Follows (p : Protocol) (s s' : Session) : Prop := s' = s ∨ Settles p s s'

theorem Alike.settles {p : Protocol} {a b c : Session} (x : Alike a b) (y : Settles p b c) :
    Settles p a c := by
  obtain ⟨r, z, e⟩ := y
  exact ⟨r, x.trans z, e⟩

/-- It has changed nothing of authority, or the session has ended. -/
theorem Settles.cases {p : Protocol} {s s' : Session} (settles : Settles p s s') :
    ∃ r, Alike s r ∧ (s' = r ∨ ∃ status : Status, status.isTerminal = true ∧ s' = r.ended status) := by
  obtain ⟨r, alike, rfl | ended⟩ := settles
  · refine ⟨r, alike, ?_⟩
    unfold settle
    split
    · exact .inr ⟨.closed, rfl, rfl⟩
    · exact .inl rfl
  · exact ⟨r, alike, .inr ended⟩

theorem Settles.sound {p : Protocol} {s s' : Session} (settles : Settles p s s')
    (sound : s.Sound p) : s'.Sound p := by
  obtain ⟨r, alike, rfl | ⟨status, _, rfl⟩⟩ := settles.cases
  · exact sound.same alike.same alike.ended
  · exact (sound.same alike.same alike.ended).ends status

theorem Follows.sound {p : Protocol} {s s' : Session} (follows : Follows p s s')
    (sound : s.Sound p) : s'.Sound p := by
  rcases follows with rfl | settles
  · exact sound
  · exact settles.sound sound

/-- LIFE-4: nothing that goes on is over. -/
def Resting (p : Protocol) (s : Session) : Prop := s.isTerminal = false → s.isOver p = false

theorem Settles.resting {p : Protocol} {s s' : Session} (settles : Settles p s s') :
    s'.Resting p := by
  obtain ⟨r, _, rfl | ⟨status, t, rfl⟩⟩ := settles
  · unfold settle Resting
    split
    · intro t; simp [endWith, Session.ended, isTerminal, Status.isTerminal] at t
    · rename_i h; intro _; simpa using h
  · intro t'; rw [show (r.ended status).isTerminal = status.isTerminal from rfl, t] at t'
    contradiction

theorem Follows.resting {p : Protocol} {s s' : Session} (follows : Follows p s s')
    (resting : s.Resting p) : s'.Resting p := by
  rcases follows with rfl | settles
  · exact resting
  · exact settles.resting

theorem touch_alike (s : Session) (now : Tick) : Alike s (s.touch now) :=
  ⟨touch_same s now, fun t => ⟨t, rfl⟩⟩

theorem record_alike (s : Session) (event : Recorded) (outcome : Outcome) :
    Alike s (s.record event outcome).1 := by
  refine ⟨record_same s event outcome, ?_⟩
  rw [record_eq]
  exact fun t => ⟨t, rfl⟩

theorem endWith_settles (p : Protocol) (s : Session) {status : Status}
    (t : status.isTerminal = true) : Settles p s (s.endWith p status).1 :=
  ⟨s, .refl s, .inr ⟨status, t, rfl⟩⟩

theorem settle_settles (p : Protocol) (s : Session) : Settles p s (s.settle p).1 :=
  ⟨s, .refl s, .inl rfl⟩

theorem came_settles (p : Protocol) (s : Session) (accepted : Accepted) (outputs : List Output) :
    Settles p s (s.came p accepted outputs).session := by
  have : (s.came p accepted outputs).session = (s.settle p).1 := rfl
  rw [this]
  exact settle_settles p s

/-- Positions, edges and what is remembered are no part of authority. -/
theorem remember_alike (s : Session) (role : Nat) : Alike s (s.remember role) :=
  ⟨⟨rfl, rfl, rfl, rfl, rfl⟩, fun t => ⟨t, rfl⟩⟩

theorem performReceive_alike (s : Session) (role : Nat) (move : Transition) (queued : Queued) :
    Alike s (s.performReceive role move queued).1 := ⟨⟨rfl, rfl, rfl, rfl, rfl⟩, fun t => ⟨t, rfl⟩⟩

theorem performSend_alike (s : Session) (role : Nat) (move : Transition) (value : Value) :
    Alike s (s.performSend role move value) := ⟨⟨rfl, rfl, rfl, rfl, rfl⟩, fun t => ⟨t, rfl⟩⟩

theorem implied_alike {p : Protocol} {role : Nat} {upto : Position} {missing : Nat}
    {s s' : Session} {received : List Received}
    (ok : s.implied p role upto missing = .ok (s', received)) : Alike s s' := by
  induction missing generalizing s received with
  | zero =>
    simp only [implied, Except.ok.injEq, Prod.mk.injEq] at ok
    exact ok.1 ▸ .refl s
  | succ missing ih =>
    simp only [implied] at ok
    split at ok
    · contradiction
    · split at ok
      · contradiction
      · split at ok
        · contradiction
        · rename_i queued _
          split at ok
          · contradiction
          · rename_i later _ rest
            simp only [Except.ok.injEq, Prod.mk.injEq] at ok
            obtain ⟨rfl, _⟩ := ok
            exact (performReceive_alike s role _ queued).trans (ih rest)
    · contradiction

theorem sendNow_settles {p : Protocol} {now : Tick} {s : Session} {by_ : Presented} {send : Send}
    {received : List Received} {came : Came} (ok : s.sendNow p now by_ send received = .ok came) :
    Settles p s came.session := by
  unfold sendNow at ok
  split at ok
  · contradiction
  · rename_i move value _
    simp only [Except.ok.injEq] at ok
    subst ok
    exact ((touch_alike s now).trans ((performSend_alike _ _ move value).trans
      (record_alike _ _ _))).settles (came_settles _ _ _ _)

theorem receiveNow_settles {p : Protocol} {now : Tick} {s : Session} {by_ : Presented}
    {receive : Receive} {came : Came} (ok : s.receiveNow p now by_ receive = .ok came) :
    Settles p s came.session := by
  unfold receiveNow at ok
  split at ok
  · contradiction
  · rename_i move head _
    simp only [Except.ok.injEq] at ok
    subst ok
    exact ((touch_alike s now).trans ((performReceive_alike _ _ move head).trans
      (record_alike _ _ _))).settles (came_settles _ _ _ _)

theorem send_follows {p : Protocol} {now : Tick} {s : Session} {by_ : Presented} {send : Send}
    {came : Came} (ok : s.send p now by_ send = .ok came) : Follows p s came.session := by
  unfold Session.send at ok
  split at ok
  · contradiction
  · split at ok
    · exact .inr (sendNow_settles ok)
    · split at ok
      · split at ok
        · contradiction
        · simp only [Except.ok.injEq] at ok
          subst ok
          exact .inl rfl
      · split at ok
        · contradiction
        · rename_i h
          exact .inr (((remember_alike s _).trans (implied_alike h)).settles (sendNow_settles ok))

theorem receive_follows {p : Protocol} {now : Tick} {s : Session} {by_ : Presented}
    {receive : Receive} {came : Came} (ok : s.receive p now by_ receive = .ok came) :
    Follows p s came.session := by
  unfold Session.receive at ok
  split at ok
  · contradiction
  · split at ok
    · exact .inr (receiveNow_settles ok)
    · split at ok
      · split at ok
        · contradiction
        · simp only [Except.ok.injEq] at ok
          subst ok
          exact .inl rfl
      · split at ok
        · contradiction
        · exact .inr ((remember_alike s _).settles (receiveNow_settles ok))

theorem acknowledge_follows {p : Protocol} {now : Tick} {s : Session} {by_ : Presented} {role : Nat}
    {position : Position} {came : Came} (ok : s.acknowledge p now by_ role position = .ok came) :
    Follows p s came.session := by
  unfold acknowledge at ok
  split at ok
  · contradiction
  · split at ok
    · simp only [Except.ok.injEq] at ok
      subst ok
      exact .inl rfl
    · split at ok
      · contradiction
      · rename_i h
        split at ok
        · contradiction
        · split at ok
          · contradiction
          · simp only [Except.ok.injEq] at ok
            subst ok
            exact .inr (((implied_alike h).trans ((touch_alike _ now).trans
              (record_alike _ _ _))).settles (came_settles _ _ _ _))

theorem bind_settles {p : Protocol} {now : Tick} {s : Session} {by_ : Presented}
    {edge : Option Nat} {handler : Option String} {came : Came}
    (ok : s.bind p now by_ edge handler = .ok came) : Settles p s came.session := by
  unfold Session.bind at ok
  split at ok
  · contradiction
  · split at ok
    · contradiction
    · simp only [Except.ok.injEq] at ok
      subst ok
      refine Alike.settles (Alike.trans ?_ (record_alike _ _ _)) (came_settles _ _ _ _)
      exact ⟨⟨rfl, rfl, rfl, rfl, rfl⟩, fun t => ⟨t, rfl⟩⟩

theorem drain_settles {p : Protocol} {now : Tick} {s : Session} {by_ : Presented}
    {deadline : Option Tick} {came : Came} (ok : s.drain p now by_ deadline = .ok came) :
    Settles p s came.session := by
  unfold drain at ok
  split at ok
  · contradiction
  · split at ok
    · contradiction
    · simp only [Except.ok.injEq] at ok
      subst ok
      refine Alike.settles (Alike.trans ?_ (record_alike _ _ _)) (came_settles _ _ _ _)
      exact ⟨⟨rfl, rfl, rfl, rfl, rfl⟩, fun t => absurd t (by simp [isTerminal, Status.isTerminal])⟩

theorem finish_settles {p : Protocol} {now : Tick} {s : Session} {by_ : Presented} {act : Act}
    {status : Status} (t : status.isTerminal = true) {came : Came}
    (ok : s.finish p now by_ act status = .ok came) : Settles p s came.session := by
  unfold finish at ok
  split at ok
  · contradiction
  · simp only [Except.ok.injEq] at ok
    subst ok
    exact ((touch_alike s now).trans (record_alike _ _ _)).settles (endWith_settles p _ t)

theorem Attaches.settles {p : Protocol} {now : Tick} {s : Session} {event : Recorded} {came : Came}
    (h : s.Attaches p now event came) : Settles p s came.session := by
  obtain ⟨_, attachments, outcome, accepted, told, _, rfl⟩ := h
  simp only [attaching]
  refine Alike.settles (Alike.trans ?_ (record_alike _ _ _)) (came_settles _ _ _ _)
  exact ⟨⟨rfl, rfl, rfl, rfl, rfl⟩, fun t => ⟨t, rfl⟩⟩

/-- Whether an act is about authority. -/
def _root_.Antiphon.Machine.Act.isAuthority : Act → Bool
  | .authority _ => true
  | _ => false

/-- What roles and the lifecycle do leaves authority as it is; at most the session ends. -/
theorem actOn_follows {p : Protocol} {now : Tick} {s : Session} {by_ : Presented} {act : Act}
    {came : Came} (other : act.isAuthority = false) (ok : State.actOn p now s by_ act = .ok came) :
    Follows p s came.session := by
  cases act with
  | send send => exact send_follows ok
  | receive receive => exact receive_follows ok
  | acknowledge role position => exact acknowledge_follows ok
  | bind edge handler => exact .inr (bind_settles ok)
  | drain deadline => exact .inr (drain_settles ok)
  | close => exact .inr (finish_settles rfl ok)
  | cancel reason => exact .inr (finish_settles rfl ok)
  | fault reason => exact .inr (finish_settles rfl ok)
  | attach role => exact .inr (attach_attaches ok).settles
  | detach role epoch => exact .inr (detach_attaches ok).settles
  | authority authority => contradiction

/-- What follows from a change leaves authority as the change has left it; at most the session
ends. -/
theorem changed_settles (p : Protocol) (now : Tick) (s : Session) (made : Made) (change : Change)
    (terminal : ∀ status, change.ends = some status → status.isTerminal = true) :
    Settles p ((s.touch now).perform made change).1 (s.changed p now made change).session := by
  unfold changed
  simp only
  split
  · rename_i status h
    exact (record_alike _ _ _).settles (endWith_settles p _ (terminal status h))
  · exact (record_alike _ _ _).settles (settle_settles p _)

/-- How a request about authority comes out that is not refused: it is a repeat, or asks for what is
so already; or it is checked and performed. -/
theorem change_cases {p : Protocol} {now : Tick} {s : Session} {made : Made} {came : Came}
    (ok : s.change p now made = .ok came) :
    (came.session = s ∧ came.outputs = []
        ∧ (s.madeBefore made.understood = some came.accepted
          ∨ s.check p made.understood = .ok (.nothing came.accepted)))
      ∨ ∃ change, s.check p made.understood = .ok change
          ∧ (∀ accepted, change ≠ .nothing accepted)
          ∧ came = s.changed p now made.understood change := by
  unfold change at ok
  simp only at ok
  split at ok
  · rename_i accepted h
    injection ok with ok; subst ok
    exact .inl ⟨rfl, rfl, .inl h⟩
  · split at ok
    · contradiction
    · rename_i accepted h
      injection ok with ok; subst ok
      exact .inl ⟨rfl, rfl, .inr h⟩
    · rename_i change no h
      injection ok with ok
      exact .inr ⟨change, h, fun accepted e => no accepted e, ok.symm⟩

theorem lost_terminal (s : Session) (owner : Owner) {status : Status}
    (h : s.lost owner = some status) : status.isTerminal = true := by
  unfold lost at h
  split at h
  · injection h with h; subst h; rfl
  · injection h with h; subst h; rfl
  · contradiction

/-- A change that ends a session leaves it in a terminal status. -/
theorem check_terminal {p : Protocol} {s : Session} (sound : s.Sound p) {made : Made}
    {change : Change} (ok : s.check p made = .ok change) :
    ∀ status, change.ends = some status → status.isTerminal = true := by
  intro status ends
  cases change with
  | «end» id st =>
    injection ends with ends; subst ends
    cases made with
    | commit commit => obtain ⟨e, _⟩ := checkCommit_ok ok; contradiction
    | reclaim reclaim => obtain ⟨e, _⟩ := checkReclaim_ok ok; contradiction
    | act by_ authority =>
      cases authority with
      | abandon receipt =>
        obtain ⟨e, _⟩ := checkAbandon_ok ok
        injection e with _ e; subst e; rfl
      | failCommit receipt reason =>
        obtain ⟨e, _⟩ := checkFailCommit_ok ok
        injection e with _ e; subst e; rfl
      | rollback receipt => obtain ⟨e, _⟩ := checkRollback_ok ok; contradiction
      | ownerDied owner evidence => obtain ⟨⟨_, e⟩, _⟩ := checkOwnerDied_ok ok; contradiction
      | issueToken request =>
        obtain ⟨_, ⟨_, e⟩ | ⟨_, _, _, _, _, e⟩⟩ := checkToken_ok sound ok <;> contradiction
      | renew serial =>
        obtain ⟨_, ⟨_, e⟩ | ⟨_, _, _, _, _, e⟩⟩ := checkToken_ok sound ok <;> contradiction
      | confirmToken serial =>
        obtain ⟨_, ⟨_, e⟩ | ⟨_, _, _, _, _, e⟩⟩ := checkToken_ok sound ok <;> contradiction
      | issueReadiness request predicate => obtain ⟨_, _, e⟩ := mapped_ok.1 ok; contradiction
      | consumeReadiness witness => obtain ⟨_, _, e⟩ := mapped_ok.1 ok; contradiction
      | armTimer request site after valid => obtain ⟨_, _, e⟩ := mapped_ok.1 ok; contradiction
      | disarmTimer timer => obtain ⟨_, _, e⟩ := mapped_ok.1 ok; contradiction
      | consumeTimeout witness => obtain ⟨_, _, e⟩ := mapped_ok.1 ok; contradiction
      | _ =>
        simp only [check, checkAuthority, seqRight_ok] at ok
        obtain ⟨_, e⟩ := ok
        injection e with e; contradiction
  | lose owner spent end_ =>
    cases made with
    | commit commit => obtain ⟨e, _⟩ := checkCommit_ok ok; contradiction
    | reclaim reclaim => obtain ⟨e, _⟩ := checkReclaim_ok ok; contradiction
    | act by_ authority =>
      cases authority with
      | ownerDied owner' evidence =>
        obtain ⟨⟨_, e⟩, _⟩ := checkOwnerDied_ok ok
        injection e with _ _ e
        exact lost_terminal s owner' (e ▸ ends)
      | abandon receipt => obtain ⟨e, _⟩ := checkAbandon_ok ok; contradiction
      | failCommit receipt reason => obtain ⟨e, _⟩ := checkFailCommit_ok ok; contradiction
      | rollback receipt => obtain ⟨e, _⟩ := checkRollback_ok ok; contradiction
      | issueToken request =>
        obtain ⟨_, ⟨_, e⟩ | ⟨_, _, _, _, _, e⟩⟩ := checkToken_ok sound ok <;> contradiction
      | renew serial =>
        obtain ⟨_, ⟨_, e⟩ | ⟨_, _, _, _, _, e⟩⟩ := checkToken_ok sound ok <;> contradiction
      | confirmToken serial =>
        obtain ⟨_, ⟨_, e⟩ | ⟨_, _, _, _, _, e⟩⟩ := checkToken_ok sound ok <;> contradiction
      | issueReadiness request predicate => obtain ⟨_, _, e⟩ := mapped_ok.1 ok; contradiction
      | consumeReadiness witness => obtain ⟨_, _, e⟩ := mapped_ok.1 ok; contradiction
      | armTimer request site after valid => obtain ⟨_, _, e⟩ := mapped_ok.1 ok; contradiction
      | disarmTimer timer => obtain ⟨_, _, e⟩ := mapped_ok.1 ok; contradiction
      | consumeTimeout witness => obtain ⟨_, _, e⟩ := mapped_ok.1 ok; contradiction
      | _ =>
        simp only [check, checkAuthority, seqRight_ok] at ok
        obtain ⟨_, e⟩ := ok
        injection e with e; contradiction
  | _ => contradiction

theorem Right.touch {p : Protocol} {s : Session} {change : Change} (now : Tick)
    (right : change.Right p s) : change.Right p (s.touch now) := by
  cases change with
  | issue owner scope receipt => cases receipt <;> exact right
  | attest attest => cases attest <;> exact right
  | _ => exact right

/-- Requests about authority keep what always holds. -/
theorem change_sound {p : Protocol} {now : Tick} {s : Session} {made : Made} {came : Came}
    (sound : s.Sound p) (ok : s.change p now made = .ok came) : came.session.Sound p := by
  rcases change_cases ok with ⟨e, _⟩ | ⟨change, found, some, rfl⟩
  · rw [e]; exact sound
  · obtain ⟨right, goes⟩ := check_right sound found
    have goes : s.isTerminal = false := by
      rcases goes with ⟨a, e⟩ | goes
      · exact absurd e (some a)
      · exact goes
    exact (changed_settles p now s _ change (check_terminal sound found)).sound
      (perform_sound (sound.same (touch_same s now) fun t => ⟨t, rfl⟩) goes _ change
        (Right.touch now right))

/-- Everything that is done under an authority keeps what always holds. -/
theorem actOn_sound {p : Protocol} {now : Tick} {s : Session} {by_ : Presented} {act : Act}
    {came : Came} (sound : s.Sound p) (ok : State.actOn p now s by_ act = .ok came) :
    came.session.Sound p := by
  cases h : act.isAuthority
  · exact (actOn_follows h ok).sound sound
  · cases act with
    | authority authority => exact change_sound sound ok
    | _ => contradiction

end Session

end Antiphon.Machine
