import Antiphon.Thm.Authority.Kept

/-!
What always holds of authority in one session, and that each change that was found right keeps it.
-/

namespace Antiphon.Machine

namespace Session

/-- Whose each fragment is. -/
def Has (s : Session) : Whose := Machine.Has s.holdings

/-- No transfer of the fragments is in flight. -/
def Quiet (s : Session) (scope : Scope) : Prop :=
  ∀ one ∈ s.spreadOrNew.staged, one.receipt.scope.touches scope = false

/-- One more may be outstanding. -/
def Room (s : Session) : Prop :=
  s.spreadOrNew.staged.length + s.outstandingOrNew.len < outstandingMax

/-- What always holds of authority in a session. -/
structure Sound (p : Protocol) (s : Session) : Prop where
  owned : Owned (Scope.session p) s.spreadOrNew.last s.Has
  flight : InFlight s.Has s.spreadOrNew.receipts s.spreadOrNew.staged
  tokens : Tokens s.Has s.spreadOrNew.serials
  outstanding : s.outstandingOrNew.Sound s.Has
  few : s.spreadOrNew.staged.length + s.outstandingOrNew.len ≤ outstandingMax
  /-- TIMER-5: nothing of a session that has ended runs out. -/
  ended : s.isTerminal = true →
    s.spreadOrNew.staged = [] ∧ s.outstandingOrNew.len = 0 ∧ s.deadline = none

theorem has_eq (s : Session) :
    s.Has = Machine.Has (s.ownership.holdings (some s.spreadOrNew)) := by
  unfold Has holdings spreadOrNew
  cases s.spread <;> rfl

theorem staged_eq (s : Session) : s.staged = s.spreadOrNew.staged := by
  unfold staged spreadOrNew
  cases s.spread <;> rfl

theorem serials_eq (s : Session) : s.serials = s.spreadOrNew.serials := by
  unfold serials spreadOrNew
  cases s.spread <;> rfl

theorem outstandingOrNew_invalidate (s : Session) (moved : Scope) :
    (s.invalidate moved).outstandingOrNew = s.outstandingOrNew.take moved := by
  unfold invalidate outstandingOrNew
  cases s.outstanding <;> rfl

theorem outstandingOrNew_spend (s : Session) (witness : WitnessId) :
    (s.spend witness).outstandingOrNew = s.outstandingOrNew.spend witness := by
  unfold spend outstandingOrNew
  cases s.outstanding <;> rfl

/-- What authority is made of is the same in both. -/
structure Same (s s' : Session) : Prop where
  id : s'.id = s.id
  protocol : s'.protocol = s.protocol
  ownership : s'.ownership = s.ownership
  spread : s'.spread = s.spread
  outstanding : s'.outstanding = s.outstanding

theorem Same.refl (s : Session) : Same s s := ⟨rfl, rfl, rfl, rfl, rfl⟩

theorem Same.trans {a b c : Session} (x : Same a b) (y : Same b c) : Same a c :=
  ⟨y.id.trans x.id, y.protocol.trans x.protocol, y.ownership.trans x.ownership,
    y.spread.trans x.spread, y.outstanding.trans x.outstanding⟩

theorem Same.has {s s' : Session} (same : Same s s') : s'.Has = s.Has := by
  unfold Has holdings
  rw [same.ownership, same.spread]

theorem Same.spreadOrNew {s s' : Session} (same : Same s s') : s'.spreadOrNew = s.spreadOrNew := by
  unfold Session.spreadOrNew
  rw [same.ownership, same.spread]

theorem Same.outstandingOrNew {s s' : Session} (same : Same s s') :
    s'.outstandingOrNew = s.outstandingOrNew := by
  unfold Session.outstandingOrNew
  rw [same.outstanding]

theorem Sound.same {p : Protocol} {s s' : Session} (sound : s.Sound p) (same : Same s s')
    (ended : s'.isTerminal = true → s.isTerminal = true ∧ s'.deadline = s.deadline) :
    s'.Sound p := by
  refine ⟨?_, ?_, ?_, ?_, ?_, fun t => ?_⟩
  · rw [same.has, same.spreadOrNew]; exact sound.owned
  · rw [same.has, same.spreadOrNew]; exact sound.flight
  · rw [same.has, same.spreadOrNew]; exact sound.tokens
  · rw [same.has, same.outstandingOrNew]; exact sound.outstanding
  · rw [same.spreadOrNew, same.outstandingOrNew]; exact sound.few
  · obtain ⟨t', d⟩ := ended t
    rw [same.spreadOrNew, same.outstandingOrNew, d]
    exact sound.ended t'

theorem touch_same (s : Session) (now : Tick) : Same s (s.touch now) := ⟨rfl, rfl, rfl, rfl, rfl⟩

theorem record_eq (s : Session) (event : Recorded) (outcome : Outcome) :
    (s.record event outcome).1 = { s with records := (s.record event outcome).1.records } := by
  unfold record
  cases h : s.records <;> simp

theorem record_same (s : Session) (event : Recorded) (outcome : Outcome) :
    Same s (s.record event outcome).1 := by
  rw [record_eq]; exact ⟨rfl, rfl, rfl, rfl, rfl⟩

/-- A session without what is in flight or outstanding. -/
theorem Sound.ends {p : Protocol} {s : Session} (sound : s.Sound p) (status : Status) :
    (s.ended status).Sound p := by
  have has : (s.ended status).Has = s.Has := by
    unfold Has holdings Session.ended
    cases s.spread <;> rfl
  have last : (s.ended status).spreadOrNew.last = s.spreadOrNew.last := by
    unfold Session.ended spreadOrNew
    cases s.spread <;> rfl
  have staged : (s.ended status).spreadOrNew.staged = [] := by
    unfold Session.ended spreadOrNew
    cases s.spread <;> rfl
  have serials : (s.ended status).spreadOrNew.serials = s.spreadOrNew.serials := by
    unfold Session.ended spreadOrNew
    cases s.spread <;> rfl
  have none : (s.ended status).outstandingOrNew.len = 0 := by
    unfold Session.ended outstandingOrNew
    cases s.outstanding <;> rfl
  have sub : Outstanding.Sub (s.ended status).outstandingOrNew s.outstandingOrNew := by
    unfold Session.ended outstandingOrNew
    cases s.outstanding
    · exact ⟨.refl _, .refl _, .refl _, rfl, rfl⟩
    · exact ⟨List.nil_sublist _, List.nil_sublist _, List.nil_sublist _, rfl, rfl⟩
  refine ⟨?_, ?_, ?_, ?_, ?_, fun _ => ⟨staged, none, rfl⟩⟩
  · rw [has, last]; exact sound.owned
  · rw [has, staged]; exact ⟨.nil, by simp, .nil, by simp⟩
  · rw [has, serials]; exact sound.tokens
  · rw [has]
    exact sound.outstanding.sub sub fun b h => sound.outstanding.held b (sub.bounds.subset h)
  · rw [staged, none]; decide

theorem scopeOf_has (s : Session) (owner : Owner) (f : Nat) (g : Generation)
    (h : s.Has f ⟨owner, g, false⟩) : (s.scopeOf owner).has f = true := by
  obtain ⟨held, hm, hf, e⟩ := h
  simp only [Held.who, Who.mk.injEq] at e
  refine (has_scopes _ _).2 ⟨held, List.mem_filter.2 ⟨hm, ?_⟩, hf⟩
  simp [e.1, e.2.2]

theorem issue_moves (s : Session) (owner : Owner) (scope : Scope) (origin : Origin) :
    Moves scope ⟨owner, s.spreadOrNew.last + 1, false⟩ s.Has (s.issue owner scope origin).Has := by
  intro f w
  rw [has_eq s]
  exact has_issue s.spreadOrNew s.ownership owner scope origin f w

theorem release_moves (s : Session) (by_ : Presented) (scope : Scope) (origin : Origin) :
    Moves scope ⟨by_.owner, by_.generation, true⟩ s.Has (s.release by_ scope origin).Has := by
  intro f w
  rw [has_eq s]
  exact has_release s.spreadOrNew s.ownership by_.owner by_.generation scope origin f w

theorem lose_loses (s : Session) (owner : Owner) (origin : Origin)
    (single : ∀ f w w', s.Has f w → s.Has f w' → w = w') :
    Loses owner s.Has (s.lose owner origin).Has := by
  intro f w
  rw [has_eq s] at single ⊢
  exact has_lose s.spreadOrNew s.ownership owner origin single f w

end Session

/-- What a check has found out, for what is to be changed. -/
def Change.Right (p : Protocol) (s : Session) : Change → Prop
  | .release by_ scope => Carried s.Has by_.owner by_.generation scope ∧ s.Quiet scope
  | .issue _ scope none =>
    (∀ f, scope.has f = true → (Scope.session p).has f = true) ∧ s.Quiet scope
  | .issue _ scope (some id) =>
    ∃ one ∈ s.spreadOrNew.staged, one.receipt.id = id ∧ one.receipt.scope = scope
  | .stage by_ scope _ _ _ =>
    Carried s.Has by_.owner by_.generation scope ∧ s.Quiet scope ∧ s.Room
  | .serials next _ _ =>
    (∃ f owner, s.Has f ⟨owner, next.generation, false⟩)
      ∧ 0 < next.issued ∧ next.confirmed ≤ next.issued ∧ next.issued ≤ next.confirmed + 1
  | .attest (.issue by_ _ scope) => Carried s.Has by_.owner by_.generation scope ∧ s.Room
  | .attest (.arm by_ _ scope _ _) => Carried s.Has by_.owner by_.generation scope ∧ s.Room
  | _ => True

namespace Session

theorem Sound.settled {p : Protocol} {s : Session} (sound : s.Sound p)
    (goes : s.isTerminal = false) (id : ReceiptId) : (s.settled id).Sound p := by
  have has : (s.settled id).Has = s.Has := by rw [has_eq, has_eq]; rfl
  refine ⟨?_, ?_, ?_, ?_, ?_, fun t => ?_⟩
  · rw [has]; exact sound.owned
  · rw [has]; exact sound.flight.settle id
  · rw [has]; exact sound.tokens
  · rw [has]; exact sound.outstanding
  · refine Nat.le_trans (Nat.add_le_add_right ?_ _) sound.few
    exact List.length_filter_le _ _
  · exact absurd (show s.isTerminal = true from t) (by simp [goes])

theorem Sound.spend {p : Protocol} {s : Session} (sound : s.Sound p) (witness : WitnessId) :
    (s.spend witness).Sound p := by
  refine ⟨sound.owned, sound.flight, sound.tokens, ?_, ?_, fun t => ?_⟩
  · rw [outstandingOrNew_spend]; exact sound.outstanding.spend witness
  · rw [outstandingOrNew_spend]
    exact Nat.le_trans (Nat.add_le_add_left (Outstanding.spend_sub _ _).len _) sound.few
  · obtain ⟨a, b, c⟩ := sound.ended t
    refine ⟨a, ?_, c⟩
    rw [outstandingOrNew_spend]
    exact Nat.le_zero.1 (b ▸ (Outstanding.spend_sub _ _).len)

theorem Sound.issue {p : Protocol} {s : Session} (sound : s.Sound p)
    (goes : s.isTerminal = false) {scope : Scope}
    (inside : ∀ f, scope.has f = true → (Scope.session p).has f = true) (quiet : s.Quiet scope)
    (owner : Owner) (origin : Origin) : ((s.invalidate scope).issue owner scope origin).Sound p := by
  have moves := issue_moves (s.invalidate scope) owner scope origin
  refine ⟨?_, ?_, ?_, ?_, ?_, fun t => ?_⟩
  · exact sound.owned.issue inside moves
  · exact sound.flight.moves moves quiet
  · have tokens := sound.tokens
    rw [has_eq] at tokens ⊢
    exact tokens.issue owner scope origin
  · have : ((s.invalidate scope).issue owner scope origin).outstandingOrNew
        = s.outstandingOrNew.take scope := outstandingOrNew_invalidate s scope
    rw [this]
    exact sound.outstanding.moves moves
  · have : ((s.invalidate scope).issue owner scope origin).outstandingOrNew
        = s.outstandingOrNew.take scope := outstandingOrNew_invalidate s scope
    rw [this]
    exact Nat.le_trans (Nat.add_le_add_left (Outstanding.take_sub _ _).len _) sound.few
  · exact absurd (show s.isTerminal = true from t) (by simp [goes])

theorem Sound.release {p : Protocol} {s : Session} (sound : s.Sound p)
    (goes : s.isTerminal = false) {scope : Scope} {by_ : Presented}
    (live : Carried s.Has by_.owner by_.generation scope) (quiet : s.Quiet scope)
    (origin : Origin) : ((s.invalidate scope).release by_ scope origin).Sound p := by
  have moves := release_moves (s.invalidate scope) by_ scope origin
  refine ⟨?_, ?_, ?_, ?_, ?_, fun t => ?_⟩
  · exact sound.owned.release live.2 moves
  · exact sound.flight.moves moves quiet
  · have tokens := sound.tokens
    rw [has_eq] at tokens ⊢
    exact tokens.release by_.owner by_.generation scope origin
  · have : ((s.invalidate scope).release by_ scope origin).outstandingOrNew
        = s.outstandingOrNew.take scope := outstandingOrNew_invalidate s scope
    rw [this]
    exact sound.outstanding.moves moves
  · have : ((s.invalidate scope).release by_ scope origin).outstandingOrNew
        = s.outstandingOrNew.take scope := outstandingOrNew_invalidate s scope
    rw [this]
    exact Nat.le_trans (Nat.add_le_add_left (Outstanding.take_sub _ _).len _) sound.few
  · exact absurd (show s.isTerminal = true from t) (by simp [goes])

theorem Sound.lose {p : Protocol} {s : Session} (sound : s.Sound p)
    (goes : s.isTerminal = false) (owner : Owner) (origin : Origin) :
    ((s.invalidate (s.scopeOf owner)).lose owner origin).Sound p := by
  have loses := lose_loses (s.invalidate (s.scopeOf owner)) owner origin sound.owned.single
  obtain ⟨last, staged, receipts⟩ :=
    lose_rest (s.invalidate (s.scopeOf owner)).spreadOrNew s.ownership owner origin
  have out : ((s.invalidate (s.scopeOf owner)).lose owner origin).outstandingOrNew
      = s.outstandingOrNew.take (s.scopeOf owner) := outstandingOrNew_invalidate s _
  have last : ((s.invalidate (s.scopeOf owner)).lose owner origin).spreadOrNew.last
      = s.spreadOrNew.last := last
  have staged : ((s.invalidate (s.scopeOf owner)).lose owner origin).spreadOrNew.staged
      = s.spreadOrNew.staged := staged
  have receipts : ((s.invalidate (s.scopeOf owner)).lose owner origin).spreadOrNew.receipts
      = s.spreadOrNew.receipts := receipts
  refine ⟨?_, ?_, ?_, ?_, ?_, fun t => ?_⟩
  · rw [last]; exact sound.owned.lose loses
  · rw [staged, receipts]; exact sound.flight.lose loses
  · have tokens := sound.tokens
    rw [has_eq] at tokens ⊢
    exact tokens.lose owner origin
  · rw [out]
    exact sound.outstanding.lose (fun f g h => s.scopeOf_has owner f g h) loses
  · rw [out, staged]
    exact Nat.le_trans (Nat.add_le_add_left (Outstanding.take_sub _ _).len _) sound.few
  · exact absurd (show s.isTerminal = true from t) (by simp [goes])

theorem Sound.stage {p : Protocol} {s : Session} (sound : s.Sound p)
    (goes : s.isTerminal = false) {receipt : Receipt} (id : receipt.id = s.spreadOrNew.receipts)
    (live : Carried s.Has receipt.from receipt.generation receipt.scope)
    (quiet : s.Quiet receipt.scope) (room : s.Room) (expires : Option Tick) (freeze : Bool)
    (origin : Origin) :
    Sound p { s with spread := some (s.spreadOrNew.stage receipt expires freeze origin) } := by
  have has : Session.Has { s with spread := some (s.spreadOrNew.stage receipt expires freeze origin) }
      = s.Has := by rw [has_eq, has_eq]; rfl
  refine ⟨?_, ?_, ?_, ?_, ?_, fun t => ?_⟩
  · rw [has]; exact sound.owned
  · rw [has]
    exact sound.flight.stage (one := ⟨receipt, expires, freeze, origin⟩) id live quiet
  · rw [has]; exact sound.tokens
  · rw [has]; exact sound.outstanding
  · have : (s.spreadOrNew.stage receipt expires freeze origin).staged.length
        = s.spreadOrNew.staged.length + 1 := by simp [Spread.stage]
    have room : s.spreadOrNew.staged.length + s.outstandingOrNew.len < outstandingMax := room
    show (s.spreadOrNew.stage receipt expires freeze origin).staged.length
      + s.outstandingOrNew.len ≤ outstandingMax
    omega
  · exact absurd (show s.isTerminal = true from t) (by simp [goes])

/-- Only what is outstanding has changed. -/
theorem Sound.attested {p : Protocol} {s : Session} (sound : s.Sound p)
    (goes : s.isTerminal = false) {all : Outstanding} (held : all.Sound s.Has)
    (few : s.spreadOrNew.staged.length + all.len ≤ outstandingMax) :
    Sound p { s with outstanding := some all } :=
  ⟨sound.owned, sound.flight, sound.tokens, held, few,
    fun t => absurd (show s.isTerminal = true from t) (by simp [goes])⟩

theorem attest_sound {p : Protocol} {s : Session} (sound : s.Sound p)
    (goes : s.isTerminal = false) (made : Made) (attest : Attest)
    (right : (Change.attest attest).Right p s) : (s.attest made attest).1.Sound p := by
  cases attest with
  | issue by_ predicate scope =>
    obtain ⟨live, room⟩ := right
    have room : s.spreadOrNew.staged.length + s.outstandingOrNew.len < outstandingMax := room
    let witness : Readiness :=
      ⟨s.id, s.outstandingOrNew.witnesses, by_.owner, by_.generation, scope, predicate⟩
    refine sound.attested goes (sound.outstanding.issue (witness := witness) rfl live made) ?_
    simp only [Outstanding.issue, Outstanding.len, List.length_append, List.length_cons,
      List.length_nil] at room ⊢
    omega
  | consume witness =>
    exact sound.attested goes (sound.outstanding.spend witness)
      (Nat.le_trans (Nat.add_le_add_left (Outstanding.spend_sub _ _).len _) sound.few)
  | arm by_ site scope after valid =>
    obtain ⟨live, room⟩ := right
    have room : s.spreadOrNew.staged.length + s.outstandingOrNew.len < outstandingMax := room
    let timer : Armed := ⟨s.outstandingOrNew.timers, site, by_.owner, by_.generation, scope,
      Tick.after s.tick after, valid⟩
    refine sound.attested goes (sound.outstanding.arm (timer := timer) rfl live made) ?_
    simp only [Outstanding.arm, Outstanding.len, List.length_append, List.length_cons,
      List.length_nil] at room ⊢
    omega
  | disarm timer =>
    exact sound.attested goes (sound.outstanding.disarm timer)
      (Nat.le_trans (Nat.add_le_add_left (Outstanding.disarm_sub _ _).len _) sound.few)

/-- Each change that was found right keeps what always holds. -/
theorem perform_sound {p : Protocol} {s : Session} (sound : s.Sound p)
    (goes : s.isTerminal = false) (made : Made) (change : Change) (right : change.Right p s) :
    (s.perform made change).1.Sound p := by
  cases change with
  | release by_ scope => exact sound.release goes right.1 right.2 made
  | issue owner scope receipt =>
    cases receipt with
    | none => exact sound.issue goes right.1 right.2 owner made
    | some id =>
      obtain ⟨one, mem, rfl, rfl⟩ := right
      refine (sound.settled goes one.receipt.id).issue goes ?_ ?_ owner made
      · intro f hf
        obtain ⟨r, held⟩ := (sound.flight.kept one mem).2 f hf
        exact (sound.owned.whole f).1 ⟨_, held⟩
      · exact sound.flight.settled_quiet mem
  | stage by_ scope to expires freeze =>
    exact sound.stage goes rfl right.1 right.2.1 right.2.2 expires freeze made
  | rollback id => exact sound.settled goes id
  | «end» id status => exact sound.settled goes id
  | lose owner spent end_ =>
    have spend : ∀ (w : Option WitnessId), Sound p
        (match w with | some witness => s.spend witness | none => s) := by
      intro w
      cases w with
      | none => exact sound
      | some witness => exact sound.spend witness
    have goes : ∀ (w : Option WitnessId), isTerminal
        (match w with | some witness => s.spend witness | none => s) = false := by
      intro w
      cases w <;> exact goes
    cases end_ with
    | none => exact (spend spent).lose (goes spent) owner made
    | some status =>
      have sound := spend spent
      simp only [perform]
      have has : ∀ s : Session, Session.Has { s with spread := some s.spreadOrNew } = s.Has := by
        intro s; rw [has_eq, has_eq]; rfl
      refine ⟨?_, ?_, ?_, ?_, sound.few, sound.ended⟩
      · rw [has]; exact sound.owned
      · rw [has]; exact sound.flight
      · rw [has]; exact sound.tokens
      · rw [has]; exact sound.outstanding
  | serials serials accepted outcome =>
    obtain ⟨living, window⟩ := right
    have has : Session.Has { s with spread := some (s.spreadOrNew.put serials) } = s.Has := by
      rw [has_eq, has_eq]; rfl
    simp only [perform]
    refine ⟨?_, ?_, ?_, ?_, sound.few, sound.ended⟩
    · rw [has]; exact sound.owned
    · rw [has]; exact sound.flight
    · rw [has]; exact sound.tokens.put living window
    · rw [has]; exact sound.outstanding
  | nothing accepted => exact sound
  | attest attest => exact attest_sound sound goes made attest right

end Session

end Antiphon.Machine
