import Antiphon.Thm.Authority.Evolves

/-!
What is kept came from a request that makes such a thing; and what a commit has made came from a
receipt that is spent. So nothing but the same request is taken for a repeat.
-/

namespace Antiphon.Machine

namespace Made

/-- Whether it moves fragments. -/
def moves : Made → Bool
  | .commit _ => true
  | .reclaim _ => true
  | .act _ (.release _ _) => true
  | .act _ (.attenuate _ _) => true
  | .act _ (.claim _ _ _) => true
  | .act _ (.ownerDied _ _) => true
  | _ => false

/-- Whether it begins a transfer. -/
def stages : Made → Bool
  | .act _ (.stage _ _ _ _ _) => true
  | _ => false

/-- Whether it asks for a readiness witness. -/
def attests : Made → Bool
  | .act _ (.issueReadiness _ _) => true
  | _ => false

/-- Whether it arms a timer. -/
def arms : Made → Bool
  | .act _ (.armTimer _ _ _ _) => true
  | _ => false

end Made

/-- What a request changes is of its kind. -/
def Change.From (made : Made) : Change → Prop
  | .release _ _ => made.moves = true ∧ ∀ c, made ≠ .commit c
  | .issue _ _ none => made.moves = true ∧ ∀ c, made ≠ .commit c
  | .issue _ _ (some id) => ∃ c, made = .commit c ∧ c.receipt.id = id
  | .stage _ _ _ _ _ => made.stages = true
  | .lose _ _ _ => made.moves = true ∧ ∀ c, made ≠ .commit c
  | .attest (.issue _ _ _) => made.attests = true
  | .attest (.arm _ _ _ _ _) => made.arms = true
  | _ => True

namespace Session

theorem check_from {p : Protocol} {s : Session} (sound : s.Sound p) {made : Made}
    {change : Change} (ok : s.check p made = .ok change) : change.From made := by
  cases made with
  | commit commit =>
    obtain ⟨rfl, _⟩ := checkCommit_ok ok
    exact ⟨commit, rfl, rfl⟩
  | reclaim reclaim =>
    obtain ⟨rfl, _⟩ := checkReclaim_ok ok
    exact ⟨rfl, fun _ e => by contradiction⟩
  | act by_ authority =>
    have token : ∀ {asked}, s.checkToken by_ asked = .ok change →
        ∀ made, change.From made := by
      intro asked ok made
      obtain ⟨_, ⟨_, rfl⟩ | ⟨_, _, _, _, _, rfl⟩⟩ := checkToken_ok sound ok <;> trivial
    cases authority with
    | rollback receipt => obtain ⟨rfl, _⟩ := checkRollback_ok ok; trivial
    | abandon receipt => obtain ⟨rfl, _⟩ := checkAbandon_ok ok; trivial
    | failCommit receipt reason => obtain ⟨rfl, _⟩ := checkFailCommit_ok ok; trivial
    | ownerDied owner evidence =>
      obtain ⟨⟨_, rfl⟩, _⟩ := checkOwnerDied_ok ok
      exact ⟨rfl, fun _ e => by contradiction⟩
    | issueToken request => exact token ok _
    | renew serial => exact token ok _
    | confirmToken serial => exact token ok _
    | issueReadiness request predicate =>
      obtain ⟨attest, found, rfl⟩ := mapped_ok.1 ok
      obtain ⟨rfl, _⟩ := checkIssue_ok found
      rfl
    | consumeReadiness witness =>
      obtain ⟨attest, found, rfl⟩ := mapped_ok.1 ok
      obtain ⟨rfl, _⟩ := checkConsume_ok found
      trivial
    | armTimer request site after valid =>
      obtain ⟨attest, found, rfl⟩ := mapped_ok.1 ok
      obtain ⟨_, rfl, _⟩ := checkArm_ok found
      rfl
    | disarmTimer timer =>
      obtain ⟨attest, found, rfl⟩ := mapped_ok.1 ok
      obtain ⟨_, _, rfl, _⟩ := checkDisarm_ok found
      trivial
    | consumeTimeout witness =>
      obtain ⟨attest, found, rfl⟩ := mapped_ok.1 ok
      obtain ⟨rfl, _⟩ := checkConsumeTimeout_ok found
      trivial
    | stage request scope to expires freeze =>
      simp only [check, checkAuthority, seqRight_ok] at ok
      obtain ⟨_, e⟩ := ok
      injection e with e; subst e
      rfl
    | release request scope =>
      simp only [check, checkAuthority, seqRight_ok] at ok
      obtain ⟨_, e⟩ := ok
      injection e with e; subst e
      exact ⟨rfl, fun _ e => by contradiction⟩
    | attenuate request scope =>
      simp only [check, checkAuthority, seqRight_ok] at ok
      obtain ⟨_, e⟩ := ok
      injection e with e; subst e
      exact ⟨rfl, fun _ e => by contradiction⟩
    | claim request owner scope =>
      simp only [check, checkAuthority, seqRight_ok] at ok
      obtain ⟨_, e⟩ := ok
      injection e with e; subst e
      exact ⟨rfl, fun _ e => by contradiction⟩

/-- A transfer that was staged is in flight no more. -/
def Spent (s : Session) (id : ReceiptId) : Prop :=
  id < s.spreadOrNew.receipts ∧ ∀ one ∈ s.spreadOrNew.staged, one.receipt.id ≠ id

theorem Spent.evolves {s s' : Session} {id : ReceiptId} (spent : s.Spent id)
    (evolves : Evolves s s') : s'.Spent id := by
  refine ⟨Nat.lt_of_lt_of_le spent.1 evolves.receipts, fun one h => ?_⟩
  rcases evolves.staged one h with h | h
  · exact spent.2 one h
  · exact Nat.ne_of_gt (Nat.lt_of_lt_of_le spent.1 h)

/-- Where everything came from. -/
structure Origins (s : Session) : Prop where
  holdings : ∀ one ∈ s.spreadOrNew.holdings, one.origin.moves = true
  committed : ∀ one ∈ s.spreadOrNew.holdings, ∀ c, one.origin = .commit c → s.Spent c.receipt.id
  staged : ∀ one ∈ s.spreadOrNew.staged, one.origin.stages = true
  readiness : ∀ one ∈ s.outstandingOrNew.readiness, one.origin.attests = true
  armed : ∀ one ∈ s.outstandingOrNew.armed, one.origin.arms = true

namespace Origins

theorem same {s s' : Session} (origins : s.Origins) (same : Same s s') : s'.Origins := by
  refine ⟨?_, ?_, ?_, ?_, ?_⟩
  · rw [same.spreadOrNew]; exact origins.holdings
  · unfold Spent; rw [same.spreadOrNew]; exact origins.committed
  · rw [same.spreadOrNew]; exact origins.staged
  · rw [same.outstandingOrNew]; exact origins.readiness
  · rw [same.outstandingOrNew]; exact origins.armed

/-- What stays came from where it came from. -/
theorem less {s s' : Session} (origins : s.Origins) (evolves : Evolves s s')
    (holdings : ∀ one ∈ s'.spreadOrNew.holdings, ∃ old ∈ s.spreadOrNew.holdings,
      one.origin = old.origin)
    (staged : ∀ one ∈ s'.spreadOrNew.staged, one ∈ s.spreadOrNew.staged)
    (readiness : ∀ one ∈ s'.outstandingOrNew.readiness, one ∈ s.outstandingOrNew.readiness)
    (armed : ∀ one ∈ s'.outstandingOrNew.armed, one ∈ s.outstandingOrNew.armed) :
    s'.Origins := by
  refine ⟨fun one h => ?_, fun one h c e => ?_, fun one h => origins.staged one (staged one h),
    fun one h => origins.readiness one (readiness one h),
    fun one h => origins.armed one (armed one h)⟩
  · obtain ⟨old, mem, eq⟩ := holdings one h
    rw [eq]; exact origins.holdings old mem
  · obtain ⟨old, mem, eq⟩ := holdings one h
    exact (origins.committed old mem c (eq ▸ e)).evolves evolves

theorem ends {s : Session} (origins : s.Origins) (status : Status) :
    (s.ended status).Origins := by
  refine origins.less (ended_evolves s status) (fun one h => ⟨one, ?_, rfl⟩) (fun one h => ?_)
    (fun one h => ?_) (fun one h => ?_)
  · revert h
    unfold Session.ended spreadOrNew
    cases s.spread <;> exact fun h => h
  · revert h
    unfold Session.ended spreadOrNew
    cases s.spread
    · exact fun h => h
    · intro h; contradiction
  · revert h
    unfold Session.ended outstandingOrNew
    cases s.outstanding
    · exact fun h => h
    · intro h; contradiction
  · revert h
    unfold Session.ended outstandingOrNew
    cases s.outstanding
    · exact fun h => h
    · intro h; contradiction

theorem settles {p : Protocol} {s s' : Session} (origins : s.Origins) (settles : Settles p s s') :
    s'.Origins := by
  obtain ⟨r, alike, rfl | ⟨status, _, rfl⟩⟩ := settles.cases
  · exact origins.same alike.same
  · exact (origins.same alike.same).ends status

theorem settled {s : Session} (origins : s.Origins) (id : ReceiptId) : (s.settled id).Origins :=
  origins.less (settled_evolves s id) (fun one h => ⟨one, h, rfl⟩)
    (fun _ h => (List.mem_filter.1 h).1) (fun _ h => h) (fun _ h => h)

theorem invalidate {s : Session} (origins : s.Origins) (moved : Scope) :
    (s.invalidate moved).Origins := by
  refine origins.less (invalidate_evolves s moved) (fun one h => ⟨one, h, rfl⟩) (fun _ h => h)
    (fun one h => ?_) (fun one h => ?_)
  · rw [outstandingOrNew_invalidate] at h; exact (List.mem_filter.1 h).1
  · rw [outstandingOrNew_invalidate] at h; exact (List.mem_filter.1 h).1

theorem spend {s : Session} (origins : s.Origins) (witness : WitnessId) :
    (s.spend witness).Origins := by
  refine origins.less (spend_evolves s witness) (fun one h => ⟨one, h, rfl⟩) (fun _ h => h)
    (fun one h => ?_) (fun one h => ?_)
  · rw [outstandingOrNew_spend] at h; exact (List.mem_filter.1 h).1
  · rw [outstandingOrNew_spend] at h; exact h

/-- One more holding that came from `made`; what is left of the others came from where it came. -/
theorem hold {s s' : Session} (origins : s.Origins) {made : Made} (moves : made.moves = true)
    (spent : ∀ c, made = .commit c → s.Spent c.receipt.id)
    (holdings : ∀ one ∈ s'.spreadOrNew.holdings,
      one.origin = made ∨ ∃ old ∈ s.spreadOrNew.holdings, one.origin = old.origin)
    (staged : s'.spreadOrNew.staged = s.spreadOrNew.staged)
    (receipts : s'.spreadOrNew.receipts = s.spreadOrNew.receipts)
    (outstanding : s'.outstandingOrNew = s.outstandingOrNew) : s'.Origins := by
  refine ⟨fun one h => ?_, fun one h c e => ?_, ?_, ?_, ?_⟩
  · rcases holdings one h with eq | ⟨old, mem, eq⟩
    · rw [eq]; exact moves
    · rw [eq]; exact origins.holdings old mem
  · unfold Spent
    rw [staged, receipts]
    rcases holdings one h with eq | ⟨old, mem, eq⟩
    · exact spent c (eq ▸ e)
    · exact origins.committed old mem c (eq ▸ e)
  · rw [staged]; exact origins.staged
  · rw [outstanding]; exact origins.readiness
  · rw [outstanding]; exact origins.armed

end Origins

theorem left_origin {scope : Scope} {all : List Holding} {one : Holding}
    (h : one ∈ all.filterMap (Spread.left scope)) : ∃ old ∈ all, one.origin = old.origin := by
  obtain ⟨old, mem, l⟩ := List.mem_filterMap.1 h
  simp only [Spread.left] at l
  split at l
  · contradiction
  · injection l with l; subst l; exact ⟨old, mem, rfl⟩

theorem added_origin {scope : Scope} {all : List Holding} {new one : Holding}
    (h : one ∈ all.filterMap (Spread.left scope) ++ [new]) :
    one.origin = new.origin ∨ ∃ old ∈ all, one.origin = old.origin := by
  rcases List.mem_append.1 h with h | h
  · exact .inr (left_origin h)
  · rw [List.mem_singleton.1 h]; exact .inl rfl

theorem lose_origin (sp : Spread) (o : Ownership) (owner : Owner) (origin : Origin) :
    ∀ one ∈ (sp.lose o owner origin).2.holdings,
      one.origin = origin ∨ ∃ old ∈ sp.holdings, one.origin = old.origin := by
  simp only [Spread.lose]
  generalize (o.holdings (some sp)).filter (fun held =>
    !held.released && !held.scope.isEmpty && held.owner == owner) = own
  induction own generalizing o sp with
  | nil => exact fun one h => .inr ⟨one, h, rfl⟩
  | cons h rest ih =>
    intro one hm
    rcases ih (sp.release o owner h.generation h.scope origin).2
      (sp.release o owner h.generation h.scope origin).1 one hm with e | ⟨old, mem, e⟩
    · exact .inl e
    · rcases added_origin mem with e' | ⟨older, mem', e'⟩
      · exact .inl (e.trans e')
      · exact .inr ⟨older, mem', e.trans e'⟩

theorem attest_origins {s : Session} (origins : s.Origins) {made : Made} {attest : Attest}
    (kind : (Change.attest attest).From made) : (s.attest made attest).1.Origins := by
  have other : ∀ {all : Outstanding},
      (∀ one ∈ all.readiness, one.origin.attests = true) →
      (∀ one ∈ all.armed, one.origin.arms = true) →
      Origins { s with outstanding := some all } := fun a b =>
    ⟨origins.holdings, origins.committed, origins.staged, a, b⟩
  cases attest with
  | issue by_ predicate scope =>
    refine other (fun one h => ?_) origins.armed
    rcases List.mem_append.1 h with h | h
    · exact origins.readiness one h
    · rw [List.mem_singleton.1 h]; exact kind
  | consume witness =>
    exact other (fun one h => origins.readiness one (List.mem_filter.1 h).1) origins.armed
  | arm by_ site scope after valid =>
    refine other origins.readiness (fun one h => ?_)
    rcases List.mem_append.1 h with h | h
    · exact origins.armed one h
    · rw [List.mem_singleton.1 h]; exact kind
  | disarm timer =>
    exact other origins.readiness fun one h => origins.armed one (List.mem_filter.1 h).1

theorem settled_spent {p : Protocol} {s : Session} (sound : s.Sound p) {one : Staged}
    (mem : one ∈ s.spreadOrNew.staged) : (s.settled one.receipt.id).Spent one.receipt.id :=
  ⟨sound.flight.below one mem, fun other h => by simpa using (List.mem_filter.1 h).2⟩

theorem perform_origins {p : Protocol} {s : Session} (sound : s.Sound p) (origins : s.Origins)
    {made : Made} {change : Change} (kind : change.From made) (right : change.Right p s) :
    (s.perform made change).1.Origins := by
  cases change with
  | release by_ scope =>
    exact (origins.invalidate scope).hold kind.1 (fun c e => absurd e (kind.2 c))
      (fun one h => added_origin h) rfl rfl rfl
  | issue owner scope receipt =>
    cases receipt with
    | none =>
      exact (origins.invalidate scope).hold kind.1 (fun c e => absurd e (kind.2 c))
        (fun one h => added_origin h) rfl rfl rfl
    | some id =>
      obtain ⟨c, rfl, rfl⟩ := kind
      obtain ⟨one, mem, e, _⟩ := right
      refine ((origins.settled c.receipt.id).invalidate scope).hold rfl (fun d e' => ?_)
        (fun one h => added_origin h) rfl rfl rfl
      injection e' with e'; subst e'
      exact (e ▸ settled_spent sound mem)
  | stage by_ scope to expires freeze =>
    refine ⟨origins.holdings, fun one h c e => ?_, fun one h => ?_, origins.readiness,
      origins.armed⟩
    · exact (origins.committed one h c e).evolves (stage_evolves s rfl expires freeze made)
    · rcases List.mem_append.1 h with h | h
      · exact origins.staged one h
      · rw [List.mem_singleton.1 h]; exact kind
  | rollback id => exact origins.settled id
  | «end» id status => exact origins.settled id
  | lose owner spent end_ =>
    have spend : ∀ (w : Option WitnessId), Origins
        (match w with | some witness => s.spend witness | none => s) := by
      intro w
      cases w with
      | none => exact origins
      | some witness => exact origins.spend witness
    cases end_ with
    | none =>
      have lost : ∀ r : Session, r.Origins →
          ((r.invalidate (r.scopeOf owner)).lose owner made).Origins := by
        intro r from_
        obtain ⟨_, staged, receipts⟩ :=
          lose_rest (r.invalidate (r.scopeOf owner)).spreadOrNew r.ownership owner made
        exact (from_.invalidate _).hold kind.1 (fun c e => absurd e (kind.2 c))
          (lose_origin _ _ owner made) staged receipts rfl
      exact lost _ (spend spent)
    | some status =>
      have origins := spend spent
      exact ⟨origins.holdings, origins.committed, origins.staged, origins.readiness,
        origins.armed⟩
  | serials serials accepted outcome =>
    exact ⟨origins.holdings, origins.committed, origins.staged, origins.readiness, origins.armed⟩
  | nothing accepted => exact origins
  | attest attest => exact attest_origins origins kind

theorem change_origins {p : Protocol} {now : Tick} {s : Session} {made : Made} {came : Came}
    (sound : s.Sound p) (origins : s.Origins) (ok : s.change p now made = .ok came) :
    came.session.Origins := by
  rcases change_cases ok with ⟨e, _⟩ | ⟨change, found, _, rfl⟩
  · rw [e]; exact origins
  · have touched := sound.same (touch_same s now) fun t => ⟨t, rfl⟩
    exact (perform_origins touched (origins.same (touch_same s now)) (check_from sound found)
      (Right.touch now (check_right sound found).1)).settles
      (changed_settles p now s _ change (check_terminal sound found))

theorem actOn_origins {p : Protocol} {now : Tick} {s : Session} {by_ : Presented} {act : Act}
    {came : Came} (sound : s.Sound p) (origins : s.Origins)
    (ok : State.actOn p now s by_ act = .ok came) : came.session.Origins := by
  cases h : act.isAuthority
  · rcases actOn_follows h ok with e | settles
    · rw [e]; exact origins
    · exact origins.settles settles
  · cases act with
    | authority authority => exact change_origins sound origins ok
    | _ => contradiction

theorem expire_origins {p : Protocol} {s : Session} (origins : s.Origins) (at_ : Tick)
    (timer : Timer) : (s.expire p at_ timer).1.Origins := by
  have touched : (s.touch at_).Origins := origins.same (touch_same s at_)
  cases timer with
  | drain =>
    have start : Session.Origins { s.touch at_ with deadline := none } :=
      touched.same ⟨rfl, rfl, rfl, rfl, rfl⟩
    exact (start.same (record_same _ _ _)).settles (endWith_settles p _ rfl)
  | transfer receipt =>
    let r : Session :=
      { s.touch at_ with spread := s.spread.map fun (all : Spread) => all.settle receipt }
    have new : r.spreadOrNew = s.spreadOrNew.settle receipt := by
      show Session.spreadOrNew { s.touch at_ with spread := _ } = _
      unfold spreadOrNew
      cases s.spread <;> rfl
    have start : r.Origins := by
      have settled := origins.settled receipt
      refine ⟨?_, ?_, ?_, origins.readiness, origins.armed⟩
      · rw [new]; exact settled.holdings
      · unfold Spent; rw [new]; exact settled.committed
      · rw [new]; exact settled.staged
    exact (start.same (record_same _ _ _)).settles (settle_settles p _)
  | site timer =>
    show (expireSite (s.touch at_) timer).1.Origins
    unfold expireSite
    split
    · exact touched
    · rename_i watch found
      let late := s.outstandingOrNew.timeOut s.id watch.timer (s.touch at_).tick
      have start : Session.Origins { s.touch at_ with outstanding := some late.1 } :=
        ⟨origins.holdings, origins.committed, origins.staged, origins.readiness,
          fun one h => origins.armed one (List.mem_filter.1 h).1⟩
      exact start.same (record_same _ _ _)
  | witness witness =>
    exact (touched.spend witness).same (record_same _ _ _)

/-- A request that makes nothing which is kept is no repeat of another one. -/
theorem madeBefore_none {s : Session} (origins : s.Origins) {made : Made}
    (moves : made.moves = false) (stages : made.stages = false) (attests : made.attests = false)
    (arms : made.arms = false) : s.madeBefore made = none := by
  have a : s.staged.find? (·.origin == made) = none := by
    rw [List.find?_eq_none]
    intro one h e
    rw [staged_eq] at h
    have := origins.staged one h
    rw [eq_of_beq e, stages] at this
    contradiction
  have b : s.spreadOrNew.holdings.find? (·.origin == made) = none := by
    rw [List.find?_eq_none]
    intro one h e
    have := origins.holdings one h
    rw [eq_of_beq e, moves] at this
    contradiction
  have c : s.outstandingOrNew.readiness.find? (·.origin == made) = none := by
    rw [List.find?_eq_none]
    intro one h e
    have := origins.readiness one h
    rw [eq_of_beq e, attests] at this
    contradiction
  have d : s.outstandingOrNew.armed.find? (·.origin == made) = none := by
    rw [List.find?_eq_none]
    intro one h e
    have := origins.armed one h
    rw [eq_of_beq e, arms] at this
    contradiction
  unfold madeBefore
  split
  · rfl
  · simp [movedBefore, attestedBefore, a, b, c, d]

/-- A commit that is a repeat is the one whose receipt is spent. -/
theorem madeBefore_commit {s : Session} (origins : s.Origins) {commit : Commit}
    {accepted : Accepted} (before : s.madeBefore (.commit commit) = some accepted) :
    s.Spent commit.receipt.id := by
  have a : s.staged.find? (·.origin == .commit commit) = none := by
    rw [List.find?_eq_none]
    intro one h e
    rw [staged_eq] at h
    have := origins.staged one h
    rw [eq_of_beq e] at this
    contradiction
  have c : s.outstandingOrNew.readiness.find? (·.origin == .commit commit) = none := by
    rw [List.find?_eq_none]
    intro one h e
    have := origins.readiness one h
    rw [eq_of_beq e] at this
    contradiction
  have d : s.outstandingOrNew.armed.find? (·.origin == .commit commit) = none := by
    rw [List.find?_eq_none]
    intro one h e
    have := origins.armed one h
    rw [eq_of_beq e] at this
    contradiction
  cases b : s.spreadOrNew.holdings.find? (·.origin == .commit commit) with
  | none =>
    simp [madeBefore, movedBefore, attestedBefore, a, b, c, d] at before
  | some one =>
    exact origins.committed one (List.mem_of_find?_eq_some b) commit
      (by simpa using List.find?_some b)

end Session

end Antiphon.Machine
